;; Writes the names in its directory, reading the entries one by one with cookies.
(module
  (import "wasi_snapshot_preview1" "fd_readdir"
    (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\60\00\00\00\01\00\00\00")
  (data (i32.const 96) "\n")
  (func (export "_start") (local $cookie i64)
    (loop $more
      ;; Room for a name of eight bytes: more of the next entry than that is not looked at.
      (if (call $readdir (i32.const 3) (i32.const 256) (i32.const 32) (local.get $cookie)
            (i32.const 32))
        (then unreachable))
      (if (i32.ge_u (i32.load (i32.const 32)) (i32.const 24))
        (then
          (local.set $cookie (i64.load (i32.const 256)))
          (i32.store (i32.const 0) (i32.const 280))
          (i32.store (i32.const 4) (i32.load (i32.const 272)))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 40)))
          (br $more))))))
