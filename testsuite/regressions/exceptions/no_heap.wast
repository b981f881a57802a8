;; A tier may catch an exception where it is thrown and allocate none, so that it has no heap at
;; all: the states of globals and tables that could refer to objects are the same all the same.
(module $a (tag (export "e")) (global (export "g") (mut externref) (ref.null extern)))
(register "a" $a)
(module (import "a" "e" (tag $t)) (table (export "t") 1 externref)
  (func (export "f") (param i32) (result i32)
    (block (try_table (catch $t 0) (local.get 0) (if (then (throw $t))))) (local.get 0)))
(assert_return (invoke "f" (i32.const 1)) (i32.const 1))
(assert_return (invoke "f" (i32.const 0)) (i32.const 0))
