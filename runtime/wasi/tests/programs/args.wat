;; Writes its arguments, by the sizes and addresses that it is told.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (call $sizes (i32.const 0) (i32.const 4)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 0)) (i32.const 3)) (then unreachable))
    (if (call $get (i32.const 100) (i32.const 200)) (then unreachable))
    ;; The second argument follows the first one and its zero.
    (if (i32.ne (i32.load (i32.const 104)) (i32.const 205)) (then unreachable))
    (i32.store (i32.const 8) (i32.load (i32.const 100)))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))
