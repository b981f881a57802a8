;; Sums by a function, and by one that calls it twice.
(module
  (func $add (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "twice") (param i32) (result i32)
    (call $add (local.get 0) (call $add (local.get 0) (local.get 0)))))
(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
(assert_return (invoke "twice" (i32.const 7)) (i32.const 21))
(assert_invalid (module (func (result i32))) "type mismatch")
