(module $shop
  (func $price (param i32 i32) (result i32)
    (i32.div_u (local.get 0) (local.get 1)))
  (func (export "total") (param i32 i32) (result i32)
    (call $price (local.get 0) (local.get 1)))
  (func (export "mul") (param v128 v128) (result v128)
    (f32x4.mul (local.get 0) (local.get 1))))
(assert_return (invoke "total" (i32.const 12) (i32.const 4)) (i32.const 3))
(assert_return (invoke "total" (i32.const 12) (i32.const 0)) (i32.const 0))
(assert_return
  (invoke "mul" (v128.const f32x4 1 2 inf -0) (v128.const f32x4 3 4 0 1))
  (v128.const f32x4 3 9 nan:canonical 0))
