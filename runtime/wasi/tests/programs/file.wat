;; Creates a file, writes it, seeks, reads it, looks at its size, renames and removes it. Exits with
;; the number of the step that failed, or 0.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename"
    (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file"
    (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\11\00\00\00")
  (data (i32.const 64) "written and read\n")
  (data (i32.const 100) "sub/new")
  (data (i32.const 110) "moved")
  (func $check (param $step i32) (param $holds i32)
    (if (i32.eqz (local.get $holds)) (then (call $exit (local.get $step)))))
  (func (export "_start") (local $fd i32)
    ;; The rights to read, to seek and to write; the file is created.
    (call $check (i32.const 1) (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 100)
      (i32.const 7) (i32.const 5) (i64.const 0x46) (i64.const 0) (i32.const 0) (i32.const 16))))
    (local.set $fd (i32.load (i32.const 16)))
    (call $check (i32.const 2) (i32.eqz
      (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))))
    (call $check (i32.const 3) (i32.eq (i32.load (i32.const 16)) (i32.const 17)))
    (call $check (i32.const 4) (i32.eqz
      (call $seek (local.get $fd) (i64.const -17) (i32.const 1) (i32.const 24))))
    (call $check (i32.const 5) (i64.eqz (i64.load (i32.const 24))))
    (i32.store (i32.const 0) (i32.const 200))
    (call $check (i32.const 6) (i32.eqz
      (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))))
    (call $check (i32.const 7) (i32.eq (i32.load (i32.const 16)) (i32.const 17)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $check (i32.const 8) (i32.eqz (call $close (local.get $fd))))
    (call $check (i32.const 9) (i32.eq (call $close (local.get $fd)) (i32.const 8)))
    (call $check (i32.const 10) (i32.eqz
      (call $stat (i32.const 3) (i32.const 1) (i32.const 100) (i32.const 7) (i32.const 256))))
    ;; A regular file of that size.
    (call $check (i32.const 11) (i32.eq (i32.load8_u (i32.const 272)) (i32.const 4)))
    (call $check (i32.const 12) (i64.eq (i64.load (i32.const 288)) (i64.const 17)))
    (call $check (i32.const 13) (i32.eqz (call $rename (i32.const 3) (i32.const 100) (i32.const 7)
      (i32.const 3) (i32.const 110) (i32.const 5))))
    (call $check (i32.const 14) (i32.eqz
      (call $unlink (i32.const 3) (i32.const 110) (i32.const 5))))
    ;; There is no such file any more.
    (call $check (i32.const 15) (i32.eq
      (call $unlink (i32.const 3) (i32.const 110) (i32.const 5)) (i32.const 44)))
    (call $exit (i32.const 0))))
