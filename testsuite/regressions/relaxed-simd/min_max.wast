;; Relaxed SIMD: an implementation makes each choice once (`R_fmin`, `R_fmax`). Here it is the minimum
;; and the maximum of the deterministic profile, in every tier and profile.

(module
  (func (export "min32") (param v128 v128) (result v128)
    (f32x4.relaxed_min (local.get 0) (local.get 1)))
  (func (export "max32") (param v128 v128) (result v128)
    (f32x4.relaxed_max (local.get 0) (local.get 1)))
  (func (export "min64") (param v128 v128) (result v128)
    (f64x2.relaxed_min (local.get 0) (local.get 1)))
  (func (export "max64") (param v128 v128) (result v128)
    (f64x2.relaxed_max (local.get 0) (local.get 1))))

(assert_return
  (invoke "min32" (v128.const f32x4 0.0 -0.0 nan 1.0) (v128.const f32x4 -0.0 0.0 1.0 nan))
  (v128.const f32x4 -0.0 -0.0 nan:canonical nan:canonical))
(assert_return
  (invoke "max32" (v128.const f32x4 0.0 -0.0 nan 1.0) (v128.const f32x4 -0.0 0.0 1.0 nan))
  (v128.const f32x4 0.0 0.0 nan:canonical nan:canonical))
(assert_return
  (invoke "min64" (v128.const f64x2 -0.0 nan) (v128.const f64x2 0.0 1.0))
  (v128.const f64x2 -0.0 nan:canonical))
(assert_return
  (invoke "min64" (v128.const f64x2 0.0 1.0) (v128.const f64x2 -0.0 nan))
  (v128.const f64x2 -0.0 nan:canonical))
(assert_return
  (invoke "max64" (v128.const f64x2 -0.0 nan) (v128.const f64x2 0.0 1.0))
  (v128.const f64x2 0.0 nan:canonical))
(assert_return
  (invoke "max64" (v128.const f64x2 0.0 1.0) (v128.const f64x2 -0.0 nan))
  (v128.const f64x2 0.0 nan:canonical))
