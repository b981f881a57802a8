;; The legacy `rethrow` and `delegate` with operands on the stack below and above what is caught:
;; a caught exception's reference lies below the values of its clause.

(module
  (tag $a (param i32))
  (tag $b (param v128 i64))
  (func $throw_a (param i32) (throw $a (local.get 0)))
  (func $throw_b (param i64) (throw $b (i64x2.splat (local.get 0)) (local.get 0)))

  (func (export "over") (param i32) (result i32)
    (i32.const 1000)
    (try (result i32)
      (do
        (i32.const 1)
        (i64.const 2)
        (try (result i32)
          (do (i64.const 3) (call $throw_a (local.get 0)) (drop) (i32.const 4))
          (catch $a
            (v128.const i32x4 5 6 7 8)
            (f64.const 9)
            (rethrow 0)))
        (drop) (drop))
      (catch $a (i32.mul (i32.const 2))))
    (i32.sub))
  ;; The outer exception is thrown again from within the handler of an inner one.
  (func (export "outer") (param i32 i64) (result i64)
    (i64.const 100)
    (try (result i64)
      (do
        (try
          (do (call $throw_a (local.get 0)))
          (catch $a
            (i32.const 10)
            (try
              (do (i32.const 11) (call $throw_b (local.get 1)) (drop))
              (catch $b
                (v128.const i64x2 1 1)
                (i32.const 12)
                (rethrow 1)))
            (drop) (drop)))
        (i64.const -1))
      (catch $a (i64.extend_i32_s))
      (catch $b (return)))
    (i64.add))
  (func (export "inner") (param i32 i64) (result i64)
    (i64.const 100)
    (try (result i64)
      (do
        (try
          (do (call $throw_a (local.get 0)))
          (catch $a
            (i32.const 10)
            (try
              (do (call $throw_b (local.get 1)))
              (catch $b
                (f32.const 12)
                (rethrow 0)))
            (drop) (drop)))
        (i64.const -1))
      (catch $a (i64.extend_i32_s))
      (catch $b (local.set 1) (i64x2.extract_lane 0) (i64.add (local.get 1))))
    (i64.add))
  (func (export "all") (param i32) (result i32)
    (i32.const 7)
    (try (result i32)
      (do
        (i32.const 8)
        (try
          (do (i32.const 9) (call $throw_a (local.get 0)) (drop))
          (catch_all (i64.const 1) (i64.const 2) (rethrow 0)))
        )
      (catch $a))
    (i32.add))
  (func (export "delegated") (param i32) (result i32)
    (i32.const 7)
    (try $to (result i32)
      (do
        (i32.const 8)
        (try (result i32)
          (do
            (try (result i32)
              (do (i32.const 9) (call $throw_a (local.get 0)))
              (delegate $to)))
          (catch_all (i32.const -100)))
        (i32.add))
      (catch $a))
    (i32.add))
)

(assert_return (invoke "over" (i32.const 21)) (i32.const 958))
(assert_return (invoke "outer" (i32.const 21) (i64.const 5)) (i64.const 121))
(assert_return (invoke "inner" (i32.const 21) (i64.const 5)) (i64.const 110))
(assert_return (invoke "all" (i32.const 21)) (i32.const 28))
(assert_return (invoke "delegated" (i32.const 21)) (i32.const 28))
