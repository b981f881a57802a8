;; Recursive calls of three arguments: Takeuchi's function of (18, 12, 6), 63,609 calls, 100 times.
(module
  (func $tak (param $x i32) (param $y i32) (param $z i32) (result i32)
    (if (result i32) (i32.ge_s (local.get $y) (local.get $x))
      (then (local.get $z))
      (else (call $tak
        (call $tak (i32.sub (local.get $x) (i32.const 1)) (local.get $y) (local.get $z))
        (call $tak (i32.sub (local.get $y) (i32.const 1)) (local.get $z) (local.get $x))
        (call $tak (i32.sub (local.get $z) (i32.const 1)) (local.get $x) (local.get $y))))))
  (func (export "run") (result i64) (local $n i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum)
        (i64.extend_i32_s (call $tak (i32.const 18) (i32.const 12) (i32.const 6)))))
      (br_if $again (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
    (local.get $sum)))
