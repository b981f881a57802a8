(module
  (func (export "div") (param i32 i32) (result i32)
    (block (br_if 0 (local.get 1)) (unreachable))
    (i32.div_u (local.get 0) (local.get 1)))
  (func (export "never") (result f32) (f32.const 1)))
(assert_return (invoke "div" (i32.const 6) (i32.const 3)) (i32.const 2))
(assert_return (invoke "div" (i32.const 9) (i32.const 3)) (i32.const 3))
(assert_trap (invoke "div" (i32.const 9) (i32.const 0)) "unreachable")
(assert_return (invoke "div" (i32.const 9) (i32.const 3)) (i32.const 4))
