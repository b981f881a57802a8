;; The sieve of Eratosthenes: a byte for each number, from address 1024 on.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 64)
  (data (i32.const 64) "primes below 4000000: ")

  (func $primes_below (param $limit i32) (result i32)
    (local $n i32) (local $multiple i32) (local $primes i32)
    (local.set $n (i32.const 2))
    (loop $numbers
      (if (i32.eqz (i32.load8_u offset=1024 (local.get $n)))
        (then
          (local.set $primes (i32.add (local.get $primes) (i32.const 1)))
          (local.set $multiple (i32.add (local.get $n) (local.get $n)))
          (block $done
            (loop $multiples
              (br_if $done (i32.ge_u (local.get $multiple) (local.get $limit)))
              (i32.store8 offset=1024 (local.get $multiple) (i32.const 1))
              (local.set $multiple (i32.add (local.get $multiple) (local.get $n)))
              (br $multiples)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $numbers (i32.lt_u (local.get $n) (local.get $limit))))
    (local.get $primes))

  (func (export "_start") (local $result i64)
    (local.set $result (i64.extend_i32_u (call $primes_below (i32.const 4000000))))
    (call $line (i32.const 64) (i32.const 22) (local.get $result))
    (call $check (local.get $result) (i64.const 283146)))

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
