;; A shared memory that is not the first one, and one with 64-bit addresses, grown by another thread:
;; the first access of this thread that knows of it is to the last bytes, by each kind of access.
;; Word 0 of the first memory is the stage.

(module $Mem
  (memory (export "stage") 1 1 shared)
  (memory (export "far") 1 40 shared)
  (memory (export "wide") i64 1 40 shared))

(thread $Grower (shared (module $Mem))
  (register "mem" $Mem)
  (module
    (memory (import "mem" "stage") 1 1 shared)
    (memory $far (import "mem" "far") 1 40 shared)
    (memory $wide (import "mem" "wide") i64 1 40 shared)
    ;; Grows both by a page when asked, and puts its number into the last word.
    (func (export "grow") (param $times i32) (result i32 i64)
      (local $n i32)
      (loop $next
        (loop $again
          (br_if $again
            (i32.ne (i32.atomic.load (i32.const 0)) (i32.add (i32.mul (local.get $n) (i32.const 2)) (i32.const 1)))))
        (drop (memory.grow $far (i32.const 1)))
        (drop (memory.grow $wide (i64.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (i32.store $far
          (i32.sub (i32.mul (memory.size $far) (i32.const 65536)) (i32.const 4)) (local.get $n))
        (i32.store $wide
          (i64.sub (i64.mul (memory.size $wide) (i64.const 65536)) (i64.const 4)) (local.get $n))
        (i32.atomic.store (i32.const 0) (i32.mul (local.get $n) (i32.const 2)))
        (br_if $next (i32.lt_u (local.get $n) (local.get $times))))
      (memory.size $far)
      (memory.size $wide)))
  (assert_return (invoke "grow" (i32.const 6)) (i32.const 7) (i64.const 7))
)

(thread $User (shared (module $Mem))
  (register "mem" $Mem)
  (module
    (memory (import "mem" "stage") 1 1 shared)
    (memory $far (import "mem" "far") 1 40 shared)
    (memory $wide (import "mem" "wide") i64 1 40 shared)
    (func $ask (param $n i32)
      (i32.atomic.store (i32.const 0) (i32.sub (i32.mul (local.get $n) (i32.const 2)) (i32.const 1)))
      (loop $again
        (br_if $again
          (i32.ne (i32.atomic.load (i32.const 0)) (i32.mul (local.get $n) (i32.const 2))))))
    (func (export "load") (result i32 i64)
      (call $ask (i32.const 1))
      (i32.load $far (i32.const 0x1fffc))
      (i64.load $wide (i64.const 0x1fff8)))
    (func (export "offset") (result i32 i32)
      (call $ask (i32.const 2))
      (i32.load8_u $far offset=0x2fff0 (i32.const 15))
      (i32.load16_s $wide offset=0x2fff0 (i64.const 12)))
    (func (export "store") (result i32 i32)
      (call $ask (i32.const 3))
      (i32.store8 $far (i32.const 0x3ffff) (i32.const 1))
      (i64.store $wide (i64.const 0x3fff8) (i64.const -1))
      (i32.load $far (i32.const 0x3fffc))
      (i32.load $wide (i64.const 0x3fffc)))
    (func (export "vector") (result i32 i32)
      (call $ask (i32.const 4))
      (i32x4.extract_lane 3 (v128.load $far (i32.const 0x4fff0)))
      (i32x4.extract_lane 3 (v128.load $wide (i64.const 0x4fff0))))
    (func (export "atomic") (result i32 i64)
      (call $ask (i32.const 5))
      (i32.atomic.rmw.add $far (i32.const 0x5fffc) (i32.const 1))
      (i64.atomic.load $wide (i64.const 0x5fff8)))
    (func (export "bulk") (result i32 i32)
      (call $ask (i32.const 6))
      (memory.copy $far $far (i32.const 0) (i32.const 0x6fff8) (i32.const 8))
      (memory.fill $wide (i64.const 0x6fffe) (i32.const 1) (i64.const 2))
      (i32.load $far (i32.const 4))
      (i32.load $wide (i64.const 0x6fffc)))
    (func (export "beyond") (result i32) (i32.load $far (i32.const 0x6fffd)))
    (func (export "beyond_wide") (result i32) (i32.load $wide (i64.const 0x6fffd))))
  (assert_return (invoke "load") (i32.const 1) (i64.const 0x100000000))
  (assert_return (invoke "offset") (i32.const 0) (i32.const 2))
  (assert_return (invoke "store") (i32.const 0x01000003) (i32.const -1))
  (assert_return (invoke "vector") (i32.const 4) (i32.const 4))
  (assert_return (invoke "atomic") (i32.const 5) (i64.const 0x500000000))
  (assert_return (invoke "bulk") (i32.const 6) (i32.const 0x01010006))
  (assert_trap (invoke "beyond") "out of bounds memory access")
  (assert_trap (invoke "beyond_wide") "out of bounds memory access")
)

(wait $Grower)
(wait $User)
