;; Operands of bulk instructions that are i32s of 64 bits of which the upper half is not 0: between
;; memories and tables of 32 and of 64 bits, where the length has the type of the shorter one.

(module
  (memory $m32 1) (memory $m64 i64 1)
  (table $t32 8 funcref) (table $t64 i64 8 funcref)
  (data $bytes "\01\02\03\04\05\06\07\08")
  (data (memory $m64) (i64.const 0) "\11\12\13\14\15\16\17\18")
  (elem $funcs func $f $f)
  (elem (table $t64) (i64.const 0) func $f $f $f)
  (func $f)

  (func (export "copy_to_32") (param i64)
    (memory.copy $m32 $m64 (i32.wrap_i64 (local.get 0)) (i64.const 0) (i32.wrap_i64 (local.get 0))))
  (func (export "copy_to_64") (param i64)
    (memory.copy $m64 $m32 (i64.const 32) (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 0))))
  (func (export "copy_in_32") (param i64)
    (memory.copy $m32 $m32
      (i32.wrap_i64 (local.get 0)) (i32.const 4) (i32.wrap_i64 (local.get 0))))
  (func (export "fill") (param i64)
    (memory.fill $m32
      (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 0))))
  (func (export "init") (param i64)
    (memory.init $m64 $bytes
      (i64.const 64) (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 0))))
  (func (export "get_32") (param i32) (result i64) (i64.load $m32 (local.get 0)))
  (func (export "get_64") (param i64) (result i64) (i64.load $m64 (local.get 0)))

  (func (export "table_copy") (param i64)
    (table.copy $t32 $t64 (i32.wrap_i64 (local.get 0)) (i64.const 0) (i32.wrap_i64 (local.get 0))))
  (func (export "table_fill") (param i64)
    (table.fill $t32 (i32.wrap_i64 (local.get 0)) (ref.func $f) (i32.wrap_i64 (local.get 0))))
  (func (export "table_init") (param i64)
    (table.init $t64 $funcs
      (i64.const 6) (i32.const 0) (i32.wrap_i64 (local.get 0))))
  (func (export "is_null_32") (param i32) (result i32) (ref.is_null (table.get $t32 (local.get 0))))
  (func (export "is_null_64") (param i64) (result i32) (ref.is_null (table.get $t64 (local.get 0)))))

;; 4 bytes to 4: 11 12 13 14.
(assert_return (invoke "copy_to_32" (i64.const 0x100000004)))
(assert_return (invoke "get_32" (i32.const 0)) (i64.const 0x1413121100000000))
;; 4 bytes from 4 to 32.
(assert_return (invoke "copy_to_64" (i64.const 0xffffffff00000004)))
(assert_return (invoke "get_64" (i64.const 32)) (i64.const 0x14131211))
;; 8 bytes from 4 to 8.
(assert_return (invoke "copy_in_32" (i64.const 0x8000000000000008)))
(assert_return (invoke "get_32" (i32.const 8)) (i64.const 0x14131211))
;; 16 bytes of 16 at 16.
(assert_return (invoke "fill" (i64.const 0x1234567800000010)))
(assert_return (invoke "get_32" (i32.const 24)) (i64.const 0x1010101010101010))
(assert_return (invoke "get_32" (i32.const 32)) (i64.const 0))
;; 3 bytes from 3.
(assert_return (invoke "init" (i64.const 0x100000003)))
(assert_return (invoke "get_64" (i64.const 64)) (i64.const 0x060504))
(assert_trap (invoke "init" (i64.const 0x100000005)) "out of bounds memory access")

;; 2 functions at 2, 3 at 3.
(assert_return (invoke "table_copy" (i64.const 0x100000002)))
(assert_return (invoke "is_null_32" (i32.const 1)) (i32.const 1))
(assert_return (invoke "is_null_32" (i32.const 3)) (i32.const 0))
(assert_return (invoke "is_null_32" (i32.const 4)) (i32.const 1))
(assert_return (invoke "table_fill" (i64.const 0xffffffff00000003)))
(assert_return (invoke "is_null_32" (i32.const 5)) (i32.const 0))
(assert_return (invoke "is_null_32" (i32.const 6)) (i32.const 1))
(assert_trap (invoke "table_fill" (i64.const 0x100000005)) "out of bounds table access")
(assert_return (invoke "table_init" (i64.const 0x100000002)))
(assert_return (invoke "is_null_64" (i64.const 7)) (i32.const 0))
