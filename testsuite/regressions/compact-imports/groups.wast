;; Imports in groups: of one module, and of one module and one type. Indices count the items in their order.

(module $M
  (func (export "one") (result i32) (i32.const 1))
  (func (export "two") (result i32) (i32.const 2))
  (global (export "three") i32 (i32.const 3))
  (memory (export "memory") 1)
  (table (export "table") 4 funcref))
(register "M" $M)

(module
  (import "M" (item "two" (func (result i32))) (item "three" (global i32)) (item "memory" (memory 1)))
  (import "spectest" "print" (func))
  (import "M" (item "one") (item "two") (func (result i32)))
  (import "M" (item "table" (table 1 funcref)))
  (func (export "digits") (result i32)
    (i32.add (i32.mul (call 0) (i32.const 1000))
      (i32.add (i32.mul (call 2) (i32.const 100))
        (i32.add (i32.mul (call 3) (i32.const 10)) (global.get 0)))))
  (func (export "size") (result i32) (table.size 0)))

(assert_return (invoke "digits") (i32.const 2123))
(assert_return (invoke "size") (i32.const 4))
(assert_unlinkable (module (import "M" (item "one" (func (result i32))) (item "four" (func)))) "unknown import")
(assert_unlinkable (module (import "M" (item "one") (item "three") (func (result i32)))) "incompatible import type")
