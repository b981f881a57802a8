;; Writes a line.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; Two buffers.
  (data (i32.const 0) "\20\00\00\00\03\00\00\00\23\00\00\00\03\00\00\00")
  (data (i32.const 32) "hello\n")
  (func (export "_start")
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 16)) (i32.const 6)) (then unreachable))))
