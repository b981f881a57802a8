;; Takeuchi's function: calls with three arguments.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "tak(18, 12, 6) x 100 = ")

  (func $tak (param $x i32) (param $y i32) (param $z i32) (result i32)
    (if (result i32) (i32.ge_s (local.get $y) (local.get $x))
      (then (local.get $z))
      (else
        (call $tak
          (call $tak (i32.sub (local.get $x) (i32.const 1)) (local.get $y) (local.get $z))
          (call $tak (i32.sub (local.get $y) (i32.const 1)) (local.get $z) (local.get $x))
          (call $tak (i32.sub (local.get $z) (i32.const 1)) (local.get $x) (local.get $y))))))

  (func (export "_start") (local $sum i32) (local $left i32)
    (local.set $left (i32.const 100))
    (loop $rounds
      (local.set $sum
        (i32.add (local.get $sum) (call $tak (i32.const 18) (i32.const 12) (i32.const 6))))
      (br_if $rounds (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $line (i32.const 64) (i32.const 23) (i64.extend_i32_u (local.get $sum)))
    (call $check (i64.extend_i32_u (local.get $sum)) (i64.const 700)))

  ;; Writes a text and a number as a line; the numbers 16 to 63 of the memory are its buffer.
  (func $line (param $text i32) (param $length i32) (param $value i64)
    (local $at i32) (local $rest i64)
    (local.set $at (i32.const 63))
    (i32.store8 (local.get $at) (i32.const 10))
    (local.set $rest
      (select (i64.sub (i64.const 0) (local.get $value)) (local.get $value)
        (i64.lt_s (local.get $value) (i64.const 0))))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $rest) (i64.const 10)))))
      (br_if $digits
        (i64.ne (local.tee $rest (i64.div_u (local.get $rest) (i64.const 10))) (i64.const 0))))
    (if (i64.lt_s (local.get $value) (i64.const 0))
      (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $length))
    (i32.store (i32.const 8) (local.get $at))
    (i32.store (i32.const 12) (i32.sub (i32.const 64) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16))))

  ;; Ends the program with exit code 1 unless two numbers are the same.
  (func $check (param $value i64) (param $expected i64)
    (if (i64.ne (local.get $value) (local.get $expected))
      (then (call $proc_exit (i32.const 1))))))
