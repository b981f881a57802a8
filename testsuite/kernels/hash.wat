;; i64 arithmetic: a hash over 64 KiB of memory, word by word, 3,000 times.
(module
  (memory 1)
  (func (export "run") (result i64) (local $at i32) (local $n i32) (local $h i64)
    (local.set $n (i32.const 3000))
    (local.set $h (i64.const 0x27d4eb2f165667c5))
    (loop $again
      (local.set $at (i32.const 0))
      (loop $words
        (local.set $h (i64.xor (local.get $h) (i64.load (local.get $at))))
        (local.set $h (i64.mul (i64.rotl (local.get $h) (i64.const 27))
          (i64.const 0x9e3779b185ebca87)))
        (local.set $h (i64.add (local.get $h) (i64.extend_i32_u (local.get $at))))
        (i64.store (local.get $at) (i64.xor (local.get $h) (i64.shr_u (local.get $h)
          (i64.const 33))))
        (br_if $words (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
          (i32.const 65536))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $h)))
