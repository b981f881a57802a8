;; Loops: invariants in front, costly constants kept, addresses shared, branches fused.
(module
  (memory 1)
  (global $g (mut i32) (i32.const 0))
  (func $sum (param $n i32) (result i32) (local $i i32) (local $s i32)
    (loop $l
      (local.set $s (i32.add (local.get $s) (i32.load (i32.shl (local.get $i) (i32.const 2)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $s))
  (func $keep (param $n i32) (result i32) (local $h i32)
    (loop $l
      (local.set $h (i32.mul (i32.xor (local.get $h) (local.get $n)) (i32.const 0x01000193)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $h))
  (func $while (param $n i32)
    (block $done (loop $l
      (br_if $done (i32.ge_u (local.get $n) (i32.const 10000000)))
      (i32.store8 (local.get $n) (i32.const 1))
      (local.set $n (i32.add (local.get $n) (local.get $n)))
      (br $l))))
  (func $global (param $n i32)
    (loop $l
      (global.set $g (i32.add (global.get $g) (i32.const 3)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $nested (param $n i32) (result i32) (local $i i32) (local $j i32) (local $s i32)
    (loop $o
      (local.set $j (local.get $n))
      (loop $i
        (local.set $s (i32.add (local.get $s) (i32.mul (local.get $i) (local.get $n))))
        (br_if $i (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (br_if $o (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $s))
  (func $forever (loop $l (br $l))))
