(module
  (memory 1)
  (func $fill (i32.store (i32.const 65533) (i32.const 1)))
  (func $start (call $fill))
  (start $start))
