(module
  (import "host" "show" (func $show (param i32) (result i32)))
  (import "host" "next" (func $next (result i32)))
  (func (export "run") (param i32 i32) (result i32)
    (call $show (i32.mul (local.get 0) (local.get 1)))
    (i32.add (call $next))
    (i32.add (call $next)))
  (func (export "twice") (param i32) (result i32)
    (i32.shl (local.get 0) (i32.const 1))))
