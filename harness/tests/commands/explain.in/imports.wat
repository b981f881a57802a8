(module (import "env" "x" (func $x)) (func (export "f") (call $x)))
