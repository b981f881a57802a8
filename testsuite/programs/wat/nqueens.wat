;; The ways to put queens on a board, none of them in reach of another: columns and diagonals that are
;; taken are bits.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "12 queens: ")

  (func $ways (param $all i32) (param $columns i32) (param $left i32) (param $right i32)
    (result i32)
    (local $free i32) (local $place i32) (local $sum i32)
    (if (i32.eq (local.get $columns) (local.get $all))
      (then (return (i32.const 1))))
    (local.set $free
      (i32.and (local.get $all)
        (i32.xor (i32.const -1)
          (i32.or (local.get $columns) (i32.or (local.get $left) (local.get $right))))))
    (block $done
      (loop $places
        (br_if $done (i32.eqz (local.get $free)))
        (local.set $place
          (i32.and (local.get $free) (i32.sub (i32.const 0) (local.get $free))))
        (local.set $free (i32.xor (local.get $free) (local.get $place)))
        (local.set $sum
          (i32.add (local.get $sum)
            (call $ways (local.get $all)
              (i32.or (local.get $columns) (local.get $place))
              (i32.shl (i32.or (local.get $left) (local.get $place)) (i32.const 1))
              (i32.shr_u (i32.or (local.get $right) (local.get $place)) (i32.const 1)))))
        (br $places)))
    (local.get $sum))

  (func $queens (param $n i32) (result i64)
    (i64.extend_i32_u
      (call $ways (i32.sub (i32.shl (i32.const 1) (local.get $n)) (i32.const 1))
        (i32.const 0) (i32.const 0) (i32.const 0))))

  (func (export "_start") (local $result i64)
    (local.set $result (call $queens (i32.const 12)))
    (call $line (i32.const 64) (i32.const 11) (local.get $result))
    (call $check (call $queens (i32.const 6)) (i64.const 4))
    (call $check (call $queens (i32.const 8)) (i64.const 92))
    (call $check (local.get $result) (i64.const 14200)))

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
