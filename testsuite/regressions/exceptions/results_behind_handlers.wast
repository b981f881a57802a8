;; Results of calls that exceptions may leave, used behind the handler where both ways meet: at once,
;; behind other calls, and in loops. (The linear allocator of registers once stored such a result
;; behind the branch that follows the call.)

(module
  (tag $odd (param i64))
  (func $half (param i64) (result i64)
    (if (i64.ne (i64.and (local.get 0) (i64.const 1)) (i64.const 0))
      (then (throw $odd (local.get 0))))
    (i64.shr_u (local.get 0) (i64.const 1)))
  (func $pair (param i64) (result i64 f64)
    (call $half (local.get 0))
    (f64.convert_i64_u (local.get 0)))

  ;; Half of an even number, or 1000 more than an odd one.
  (func (export "one") (param i64) (result i64) (local $result i64)
    (block $end
      (block $caught (result i64)
        (try_table (catch $odd $caught)
          (local.set $result (call $half (local.get 0))))
        (br $end))
      (local.set $result (i64.add (i64.const 1000))))
    (local.get $result))

  ;; The same as a result of the block.
  (func (export "of_block") (param i64) (result i64)
    (block $end (result i64)
      (block $caught (result i64)
        (br $end (try_table (result i64) (catch $odd $caught) (call $half (local.get 0)))))
      (i64.add (i64.const 1000))))

  ;; Two calls in two handlers: the first result is live over the second call.
  (func (export "two") (param i64 i64) (result i64) (local $a i64) (local $b i64)
    (local.set $a (i64.const 7))
    (block $first
      (drop (block $caught (result i64)
        (try_table (catch $odd $caught) (local.set $a (call $half (local.get 0))))
        (br $first))))
    (local.set $b (i64.const 70))
    (block $second
      (drop (block $caught (result i64)
        (try_table (catch $odd $caught) (local.set $b (call $half (local.get 1))))
        (br $second))))
    (i64.add (i64.mul (local.get $a) (i64.const 1000)) (local.get $b)))

  ;; Two results.
  (func (export "both") (param i64) (result f64) (local $a i64) (local $x f64)
    (local.set $x (f64.const 0.5))
    (block $end
      (drop (block $caught (result i64)
        (try_table (catch $odd $caught)
          (call $pair (local.get 0)) (local.set $x) (local.set $a))
        (br $end))))
    (f64.add (f64.convert_i64_u (local.get $a)) (local.get $x)))

  ;; The number of halves until a number is odd, times 1000, and that number: the result of each
  ;; round is the argument of the next one.
  (func (export "halves") (param i64) (result i64) (local $rounds i64)
    (block $caught (result i64)
      (loop $again
        (block $end (result i64)
          (try_table (result i64) (catch $odd 2) (call $half (local.get 0))))
        (local.set 0)
        (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
        (br $again))
      (unreachable))
    (i64.add (i64.mul (local.get $rounds) (i64.const 1000)))))

(assert_return (invoke "one" (i64.const 10)) (i64.const 5))
(assert_return (invoke "one" (i64.const 11)) (i64.const 1011))
(assert_return (invoke "of_block" (i64.const 10)) (i64.const 5))
(assert_return (invoke "of_block" (i64.const 11)) (i64.const 1011))
(assert_return (invoke "two" (i64.const 4) (i64.const 6)) (i64.const 2003))
(assert_return (invoke "two" (i64.const 5) (i64.const 6)) (i64.const 7003))
(assert_return (invoke "two" (i64.const 4) (i64.const 7)) (i64.const 2070))
(assert_return (invoke "two" (i64.const 5) (i64.const 7)) (i64.const 7070))
(assert_return (invoke "both" (i64.const 10)) (f64.const 15))
(assert_return (invoke "both" (i64.const 11)) (f64.const 0.5))
(assert_return (invoke "halves" (i64.const 40)) (i64.const 3005))
(assert_return (invoke "halves" (i64.const 7)) (i64.const 7))
