;; Waits for a second of a made clock, for its input, and for a descriptor that is not open. Exits
;; with the number of the step that failed, or 0.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $check (param $step i32) (param $holds i32)
    (if (i32.eqz (local.get $holds)) (then (call $exit (local.get $step)))))
  (func (export "_start")
    ;; A subscription of the monotonic clock.
    (i64.store (i32.const 0) (i64.const 11))
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 1000000000))
    (call $check (i32.const 1)
      (i32.eqz (call $poll (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 1024))))
    (call $check (i32.const 2) (i32.eq (i32.load (i32.const 1024)) (i32.const 1)))
    (call $check (i32.const 3) (i64.eq (i64.load (i32.const 512)) (i64.const 11)))
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 1032)))
    (call $check (i32.const 4)
      (i64.eq (i64.load (i32.const 1032)) (i64.const 1000000256)))
    ;; Its input is ready, and descriptor 77 is a bad one: the clock's event does not come.
    (i64.store (i32.const 48) (i64.const 22))
    (i32.store8 (i32.const 56) (i32.const 1))
    (i32.store (i32.const 64) (i32.const 0))
    (i64.store (i32.const 96) (i64.const 33))
    (i32.store8 (i32.const 104) (i32.const 2))
    (i32.store (i32.const 112) (i32.const 77))
    (call $check (i32.const 5)
      (i32.eqz (call $poll (i32.const 0) (i32.const 512) (i32.const 3) (i32.const 1024))))
    (call $check (i32.const 6) (i32.eq (i32.load (i32.const 1024)) (i32.const 2)))
    (call $check (i32.const 7) (i64.eq (i64.load (i32.const 512)) (i64.const 22)))
    (call $check (i32.const 8) (i64.eq (i64.load (i32.const 544)) (i64.const 33)))
    (call $check (i32.const 9) (i32.eq (i32.load16_u (i32.const 552)) (i32.const 8)))
    ;; No subscription at all.
    (call $check (i32.const 10) (i32.eq
      (call $poll (i32.const 0) (i32.const 512) (i32.const 0) (i32.const 1024)) (i32.const 28)))
    (call $exit (i32.const 0))))
