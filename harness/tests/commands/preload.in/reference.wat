(module
  (import "env" "name" (global $name (ref extern)))
  (import "env" "make" (func $make (result (ref func))))
  (func (export "answer") (result externref) (global.get $name))
  (func (export "made") (drop (call $make))))
