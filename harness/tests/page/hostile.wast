;; Names that would be markup, with failures of several kinds, for the page of HTML.
(module
  (func (export "<img src=x onerror=alert(1)>") (param i32) (result i32) (local.get 0))
  (func (export "vector") (result v128) (v128.const i32x4 1 2 3 4)))
(assert_return (invoke "<img src=x onerror=alert(1)>" (i32.const 1)) (i32.const 2))
(assert_return (invoke "vector") (v128.const i32x4 1 2 3 5))
(assert_trap (invoke "vector") "</script><script>alert(2)</script>")
