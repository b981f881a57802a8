;; Copies its input to its output, four bytes at a time.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (loop $more
      (i32.store (i32.const 4) (i32.const 4))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)) (then unreachable))
      (if (i32.load (i32.const 4))
        (then
          (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
            (then unreachable))
          (br $more))))))
