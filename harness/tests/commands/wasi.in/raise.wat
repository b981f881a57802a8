;; Raises a signal that does nothing, one that does not exist, one that ends the program.
(module
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (call $raise (i32.const 16)) (then unreachable))
    (if (i32.ne (call $raise (i32.const 200)) (i32.const 28)) (then unreachable))
    (drop (call $raise (i32.const 15)))
    unreachable))
