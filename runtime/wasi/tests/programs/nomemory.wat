;; A program without a memory: addresses are bad ones, and it can exit.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start")
    (if (i32.ne (call $sizes (i32.const 0) (i32.const 4)) (i32.const 21)) (then unreachable))
    (call $exit (i32.const 7))))
