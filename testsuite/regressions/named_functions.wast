;; A function as a result is named by its index in the instance that is called, also if another instance has made it.

(module $M
  (func $first (export "first"))
  (func $second (export "second") (result funcref) (ref.func $first))
  (global (export "global") funcref (ref.func $second)))

(assert_return (invoke "second") (ref.func 0))
(assert_return (get "global") (ref.func 1))

(register "M" $M)

(module
  (func (import "M" "second") (result funcref))
  (func (import "spectest" "print"))
  (func $own)
  (elem declare func 0 1 $own)
  (func (export "own") (result funcref) (ref.func $own))
  (func (export "imported") (result funcref) (ref.func 0))
  (func (export "host") (result funcref) (ref.func 1))
  (func (export "all") (result funcref i32 funcref) (ref.func 3) (i32.const 7) (ref.func $own)))

(assert_return (invoke "own") (ref.func 2))
(assert_return (invoke "imported") (ref.func 0))
(assert_return (invoke "host") (ref.func 1))
(assert_return (invoke "all") (ref.func 3) (i32.const 7) (ref.func 2))
