;; Bulk operations of more than 32 MiB, which interruptible code does in pieces of 16 MiB: all pieces
;; are done, each once, upwards or downwards where the ranges overlap.

(module
  (memory 600)
  (data (i32.const 39321596) "\0a\0b\0c\0d")
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))

;; 35,000,000 bytes from 100 on: up to 35,000,099. Pieces begin at 16,777,316 and 33,554,532.
(assert_return (invoke "fill" (i32.const 100) (i32.const 7) (i32.const 35000000)))
(assert_return (invoke "get" (i32.const 99)) (i32.const 0))
(assert_return (invoke "get" (i32.const 100)) (i32.const 7))
(assert_return (invoke "get" (i32.const 16777315)) (i32.const 7))
(assert_return (invoke "get" (i32.const 16777316)) (i32.const 7))
(assert_return (invoke "get" (i32.const 33554531)) (i32.const 7))
(assert_return (invoke "get" (i32.const 33554532)) (i32.const 7))
(assert_return (invoke "get" (i32.const 35000099)) (i32.const 7))
(assert_return (invoke "get" (i32.const 35000100)) (i32.const 0))

(assert_return (invoke "set" (i32.const 100) (i32.const 1)))
(assert_return (invoke "set" (i32.const 16777315) (i32.const 2)))
(assert_return (invoke "set" (i32.const 16777316) (i32.const 3)))
(assert_return (invoke "set" (i32.const 33554531) (i32.const 4)))
(assert_return (invoke "set" (i32.const 33554532) (i32.const 5)))
(assert_return (invoke "set" (i32.const 35000099) (i32.const 6)))

;; One byte up.
(assert_return (invoke "copy" (i32.const 101) (i32.const 100) (i32.const 35000000)))
(assert_return (invoke "get" (i32.const 100)) (i32.const 1))
(assert_return (invoke "get" (i32.const 101)) (i32.const 1))
(assert_return (invoke "get" (i32.const 102)) (i32.const 7))
(assert_return (invoke "get" (i32.const 16777316)) (i32.const 2))
(assert_return (invoke "get" (i32.const 16777317)) (i32.const 3))
(assert_return (invoke "get" (i32.const 16777318)) (i32.const 7))
(assert_return (invoke "get" (i32.const 33554532)) (i32.const 4))
(assert_return (invoke "get" (i32.const 33554533)) (i32.const 5))
(assert_return (invoke "get" (i32.const 35000100)) (i32.const 6))
(assert_return (invoke "get" (i32.const 35000101)) (i32.const 0))

;; Two bytes down.
(assert_return (invoke "copy" (i32.const 99) (i32.const 101) (i32.const 35000000)))
(assert_return (invoke "get" (i32.const 98)) (i32.const 0))
(assert_return (invoke "get" (i32.const 99)) (i32.const 1))
(assert_return (invoke "get" (i32.const 100)) (i32.const 7))
(assert_return (invoke "get" (i32.const 16777314)) (i32.const 2))
(assert_return (invoke "get" (i32.const 16777315)) (i32.const 3))
(assert_return (invoke "get" (i32.const 16777316)) (i32.const 7))
(assert_return (invoke "get" (i32.const 33554530)) (i32.const 4))
(assert_return (invoke "get" (i32.const 33554531)) (i32.const 5))
(assert_return (invoke "get" (i32.const 35000098)) (i32.const 6))
(assert_return (invoke "get" (i32.const 35000099)) (i32.const 7))

;; Up to the last byte, and one beyond.
(assert_return (invoke "copy" (i32.const 4321600) (i32.const 99) (i32.const 35000000)))
(assert_return (invoke "get" (i32.const 4321600)) (i32.const 1))
(assert_return (invoke "get" (i32.const 39321599)) (i32.const 6))
(assert_trap (invoke "fill" (i32.const 4321601) (i32.const 9) (i32.const 35000000))
  "out of bounds memory access")
(assert_return (invoke "get" (i32.const 39321599)) (i32.const 6))
(assert_return (invoke "fill" (i32.const 4321600) (i32.const 9) (i32.const 35000000)))
(assert_return (invoke "get" (i32.const 39321599)) (i32.const 9))
