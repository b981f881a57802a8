;; Accesses of which any may be the first that is outside, and indices whose range follows from a
;; shift or a difference. Where checks are in code, the JIT makes one check of several accesses, and
;; none of an index that is always inside.

(module
  (memory 1 2)
  (func (export "up") (param $at i32) (result i32)
    (i32.load (local.get $at))
    (i32.load8_u offset=5 (local.get $at))
    (i32.add)
    (i32.load16_u offset=9 (local.get $at))
    (i32.add)
    (i32.load offset=100 (local.get $at))
    (i32.add))
  (func (export "two_indices") (param $a i32) (param $b i32) (result i32)
    (i32.load (local.get $a))
    (i32.load8_u (local.get $b))
    (i32.add)
    (i32.load offset=8 (local.get $b))
    (i32.add)
    (i32.load offset=12 (local.get $a))
    (i32.add))
  (func (export "store_last") (param $at i32)
    (i64.store offset=16 (local.get $at)
      (i64.add (i64.load (local.get $at)) (i64.load offset=8 (local.get $at)))))
  (func (export "grow") (drop (memory.grow (i32.const 1))))
  (func (export "last") (result i64) (i64.load (i32.const 65528)))

  ;; An amount of 32 or more: only its five low bits count.
  (func (export "shr_33") (param i32) (result i32)
    (i32.load8_u offset=32769
      (i32.shr_u (i32.and (local.get 0) (i32.const 0xffff)) (i32.const 33))))
  (func (export "shl_33") (param i32) (result i32)
    (i32.load8_u offset=65026
      (i32.shl (i32.and (local.get 0) (i32.const 0xff)) (i32.const 33))))
  (func (export "shr_65") (param i64) (result i32)
    (i32.load8_u offset=32769
      (i32.wrap_i64 (i64.shr_u (i64.and (local.get 0) (i64.const 0xffff)) (i64.const 65)))))
  ;; A sum that carries out of 32 bits.
  (func (export "less_carried") (param i32) (result i32)
    (i32.load8_u
      (i32.sub (i32.const 0x1000000f)
        (i32.shr_u
          (i32.add (i32.and (local.get 0) (i32.const 0xff)) (i32.const -1))
          (i32.const 4))))))

(assert_return (invoke "up" (i32.const 65432)) (i32.const 0))
(assert_trap (invoke "up" (i32.const 65433)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const 65525)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const 65526)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const 65531)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const 65533)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const -1)) "out of bounds memory access")

(assert_return (invoke "two_indices" (i32.const 65520) (i32.const 65524)) (i32.const 0))
(assert_trap (invoke "two_indices" (i32.const 65521) (i32.const 65524)) "out of bounds memory access")
(assert_trap (invoke "two_indices" (i32.const 65520) (i32.const 65525)) "out of bounds memory access")
(assert_trap (invoke "two_indices" (i32.const 65521) (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "two_indices" (i32.const 65533) (i32.const 65536)) "out of bounds memory access")

(assert_return (invoke "store_last" (i32.const 65512)))
(assert_trap (invoke "store_last" (i32.const 65513)) "out of bounds memory access")
(assert_trap (invoke "store_last" (i32.const 65521)) "out of bounds memory access")
(assert_trap (invoke "store_last" (i32.const 65529)) "out of bounds memory access")
(assert_return (invoke "last") (i64.const 0))

(assert_return (invoke "shr_33" (i32.const 0xfffd)) (i32.const 0))
(assert_trap (invoke "shr_33" (i32.const 0xffff)) "out of bounds memory access")
(assert_return (invoke "shl_33" (i32.const 0xfe)) (i32.const 0))
(assert_trap (invoke "shl_33" (i32.const 0xff)) "out of bounds memory access")
(assert_return (invoke "shr_65" (i64.const 0xfffd)) (i32.const 0))
(assert_trap (invoke "shr_65" (i64.const 0xffff)) "out of bounds memory access")
(assert_return (invoke "less_carried" (i32.const 0)) (i32.const 0))
(assert_trap (invoke "less_carried" (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "less_carried" (i32.const 0x10)) "out of bounds memory access")

(invoke "grow")
(assert_return (invoke "up" (i32.const 130968)) (i32.const 0))
(assert_trap (invoke "up" (i32.const 130969)) "out of bounds memory access")
(assert_trap (invoke "up" (i32.const 131067)) "out of bounds memory access")
