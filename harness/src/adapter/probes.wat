;; The probe kernels of `wassay engine prove`: small programs of different kinds, each some millions of
;; executed instructions long. No instruction is of a later version than the first one, so that every
;; engine can run them; every call of a kernel does the same.
(module
  (type $step (func (param i64 i64) (result i64)))
  (memory 2)
  (table funcref (elem $add $xor $rotate $multiply))

  ;; Direct calls: Fibonacci numbers by recursion.
  (func $fib (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add
        (call $fib (i32.sub (local.get $n) (i32.const 1)))
        (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "calls") (result i64)
    (i64.extend_i32_u (call $fib (i32.const 26))))

  ;; Loads and stores: the primes below 65,536 by a sieve, twice.
  (func (export "memory") (result i64)
    (local $round i32) (local $n i32) (local $multiple i32) (local $primes i64)
    (loop $again
      (local.set $n (i32.const 0))
      (loop $clear
        (i64.store (local.get $n) (i64.const 0))
        (br_if $clear (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 8)))
          (i32.const 65536))))
      (local.set $n (i32.const 2))
      (loop $next
        (if (i32.eqz (i32.load8_u (local.get $n)))
          (then
            (local.set $primes (i64.add (local.get $primes) (i64.const 1)))
            (local.set $multiple (i32.shl (local.get $n) (i32.const 1)))
            (block $done
              (loop $strike
                (br_if $done (i32.ge_u (local.get $multiple) (i32.const 65536)))
                (i32.store8 (local.get $multiple) (i32.const 1))
                (local.set $multiple (i32.add (local.get $multiple) (local.get $n)))
                (br $strike)))))
        (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
          (i32.const 65536))))
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1)))
        (i32.const 2))))
    (local.get $primes))

  ;; Floats: a spring that is followed for 100,000 steps.
  (func (export "floats") (result i64)
    (local $n i32) (local $x f64) (local $v f64) (local $energy f64)
    (local.set $x (f64.const 1))
    (loop $again
      (local.set $v (f64.sub (local.get $v) (f64.mul (local.get $x) (f64.const 0.001))))
      (local.set $x (f64.add (local.get $x) (f64.mul (local.get $v) (f64.const 0.001))))
      (local.set $energy (f64.add (f64.mul (local.get $energy) (f64.const 0.5))
        (f64.add (f64.mul (local.get $v) (local.get $v)) (f64.mul (local.get $x) (local.get $x)))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
        (i32.const 100000))))
    (i64.reinterpret_f64 (f64.add (local.get $energy) (local.get $x))))

  ;; Calls through a table: a random walk over four operations, 100,000 steps.
  (func $add (type $step) (i64.add (local.get 0) (local.get 1)))
  (func $xor (type $step) (i64.xor (local.get 0) (i64.shl (local.get 1) (i64.const 7))))
  (func $rotate (type $step) (i64.rotl (local.get 0) (local.get 1)))
  (func $multiply (type $step) (i64.mul (local.get 0) (i64.const 0x5851f42d4c957f2d)))
  (func (export "indirect") (result i64)
    (local $n i32) (local $value i64) (local $random i64)
    (local.set $random (i64.const 88172645463325252))
    (loop $again
      (local.set $random (i64.xor (local.get $random) (i64.shl (local.get $random) (i64.const 13))))
      (local.set $random (i64.xor (local.get $random) (i64.shr_u (local.get $random) (i64.const 7))))
      (local.set $random (i64.xor (local.get $random) (i64.shl (local.get $random) (i64.const 17))))
      (local.set $value (call_indirect (type $step) (local.get $value) (local.get $random)
        (i32.and (i32.wrap_i64 (local.get $random)) (i32.const 3))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
        (i32.const 100000))))
    (local.get $value))

  ;; Arithmetic and branches: the steps of Collatz from each number below 4,000 to 1.
  (func (export "integers") (result i64)
    (local $start i64) (local $n i64) (local $steps i64)
    (local.set $start (i64.const 1))
    (loop $next
      (local.set $n (local.get $start))
      (block $done
        (loop $again
          (br_if $done (i64.eq (local.get $n) (i64.const 1)))
          (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
          (if (i32.wrap_i64 (i64.and (local.get $n) (i64.const 1)))
            (then (local.set $n
              (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1))))
            (else (local.set $n (i64.shr_u (local.get $n) (i64.const 1)))))
          (br $again)))
      (br_if $next (i64.lt_u (local.tee $start (i64.add (local.get $start) (i64.const 1)))
        (i64.const 4000))))
    (local.get $steps))

  ;; What a request costs.
  (func (export "nothing") (result i64) (i64.const 0)))
