;; Keeps the bits of a mean in memory, in the seventh round those of a NaN with a payload: in the
;; native profile it keeps the payload.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "round\n")
  (func $say
    (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 6))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $mean (param $x f32) (result f32)
    (f32.div (f32.add (local.get $x) (f32.const 1)) (f32.const 2)))
  (func (export "_start") (local $n i32)
    (call $say)
    (loop $l
      (i32.store (i32.add (i32.const 200) (i32.shl (local.get $n) (i32.const 2)))
        (i32.reinterpret_f32 (call $mean (f32.load (i32.const 40)))))
      (if (i32.eq (local.get $n) (i32.const 5)) (then (i32.store (i32.const 40) (i32.const 0x7fc01234))))
      (call $say)
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $n) (i32.const 10))))
    (call $exit (i32.const 7))))
