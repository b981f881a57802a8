(module
  (import "host" "greet" (func $greet (param i32)))
  (func (export "add") (param i32 i32) (result i32)
    (call $greet (local.get 0))
    (i32.add (local.get 0) (local.get 1))))
