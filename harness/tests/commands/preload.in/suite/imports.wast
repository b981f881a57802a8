(module (import "env" "add" (func (param i32) (result i32))) (func (export "f") (result i32) (call 0 (i32.const 1))))
(assert_return (invoke "f") (i32.const 2))
