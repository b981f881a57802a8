(module (func (export "f") unreachable) (func (export "g")))
(assert_trap (invoke "f") "unreachable")
(assert_return (invoke "g"))
