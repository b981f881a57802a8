(module (memory 1 (pagesize 1))
  (func (export "f") (result i64 i64)
    (i64.add128 (i64.const -1) (i64.const 0) (i64.const 1) (i64.const 2))))
