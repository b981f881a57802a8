;; Bytes of memory: a sieve over the odd numbers below 8,000,000; counts primes and adds the last ones.
(module
  (memory 62)
  (func (export "run") (result i64)
    (local $half i32) (local $at i32) (local $step i32) (local $count i32) (local $last i32)
    (loop $numbers
      (if (i32.eqz (i32.load8_u (local.get $half)))
        (then
          (local.set $step (i32.add (i32.shl (local.get $half) (i32.const 1)) (i32.const 3)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (local.set $last (local.get $step))
          (if (i32.lt_u (local.get $step) (i32.const 2829))
            (then
              (local.set $at (i32.shr_u (i32.sub (i32.mul (local.get $step) (local.get $step))
                (i32.const 3)) (i32.const 1)))
              (loop $multiples
                (i32.store8 (local.get $at) (i32.const 1))
                (br_if $multiples (i32.lt_u
                  (local.tee $at (i32.add (local.get $at) (local.get $step)))
                  (i32.const 4000000))))))))
      (br_if $numbers (i32.lt_u (local.tee $half (i32.add (local.get $half) (i32.const 1)))
        (i32.const 3999999))))
    (i64.add (i64.shl (i64.extend_i32_u (local.get $last)) (i64.const 32))
      (i64.extend_i32_u (local.get $count)))))
