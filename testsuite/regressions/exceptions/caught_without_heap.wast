;; An exception that is caught where it is thrown: a compiler need not make an object of it, and
;; then there is no heap. No object is left in either case, so the states must be the same.
(module
  (tag $e (param i32))
  (global (export "g") (mut externref) (ref.null extern))
  (func (export "f") (result i32)
    (block (result i32)
      (try_table (catch $e 0) (throw $e (i32.const 7)))
      (i32.const 1))))
(assert_return (invoke "f") (i32.const 7))
(assert_return (invoke "f") (i32.const 7))
