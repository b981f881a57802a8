;; Selections: of values by comparisons and bits, of constants, of floats and vectors.
(module
  (func $max (param i32 i32) (result i32) (select (local.get 0) (local.get 1) (i32.gt_s (local.get 0) (local.get 1))))
  (func $by_value (param i64 i64 i32) (result i64) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $by_bit (param i32 i32 i32) (result i32) (select (local.get 0) (local.get 1) (i32.and (local.get 2) (i32.const 8))))
  (func $truth (param i32) (result i32) (select (i32.const 1) (i32.const 0) (i32.lt_u (local.get 0) (i32.const 10))))
  (func $constants (param i32) (result i32) (select (i32.const 100) (i32.const -100) (i32.eqz (local.get 0))))
  (func $or_zero (param i64 i32) (result i64) (select (local.get 0) (i64.const 0) (local.get 1)))
  (func $float (param f32 f32 i32) (result f32) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $vector (param v128 v128 f64) (result v128) (select (local.get 0) (local.get 1) (f64.lt (local.get 2) (f64.const 0)))))
