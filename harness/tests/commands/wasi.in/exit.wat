;; Exits with a code: what follows is not executed.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\20\00\00\00\07\00\00\00")
  (data (i32.const 32) "before\nafter\n")
  (func $deep (param i32)
    (if (i32.eqz (local.get 0)) (then (call $exit (i32.const 33))))
    (call $deep (i32.sub (local.get 0) (i32.const 1))))
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $deep (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
