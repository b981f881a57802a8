;; Writes the time of a made clock twice: it goes on by looking at it.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\10\00\00\00")
  (func (export "_start")
    (if (call $time (i32.const 0) (i64.const 0) (i32.const 64)) (then unreachable))
    (if (call $time (i32.const 1) (i64.const 0) (i32.const 72)) (then unreachable))
    ;; There is no clock 4.
    (if (i32.ne (call $time (i32.const 4) (i64.const 0) (i32.const 72)) (i32.const 28))
      (then unreachable))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
