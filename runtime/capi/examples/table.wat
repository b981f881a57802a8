(module
  (type $t (func (param i32) (result i32)))
  (table (export "table") 2 10 funcref)
  (func (export "call") (param i32 i32) (result i32)
    (call_indirect (type $t) (local.get 1) (local.get 0)))
  (func $same (export "same") (type $t) (local.get 0))
  (func (export "six") (type $t) (i32.const 666))
  (elem (i32.const 1) $same))
