;; Globals of each class, own and imported.
(module
  (import "host" "i" (global $i (mut i32)))
  (global $l (mut i64) (i64.const 1))
  (global $d (mut f64) (f64.const 1))
  (global $v (mut v128) (v128.const i64x2 1 2))
  (func $imported (global.set $i (i32.sub (global.get $i) (i32.const 1))))
  (func $own (param i64) (result i64) (global.set $l (local.get 0)) (global.get $l))
  (func $float (global.set $d (f64.neg (global.get $d))))
  (func $vector (result v128) (global.get $v)))
