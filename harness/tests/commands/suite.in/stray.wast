(module (func (export "f") (param i32) (result i32) local.get 0))
(assert_return (invoke "f" (i32.const 7)) (i32.const 7))
(assert_return (invoke "f" (i32.const 8)) (i32.const 8))
stray
