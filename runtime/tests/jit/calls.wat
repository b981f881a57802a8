;; Direct, imported and indirect calls; recursion; a leaf without a frame.
(module
  (type $f (func (param i32) (result i32)))
  (import "host" "f" (func $imported (type $f)))
  (table 4 4 funcref)
  (elem (i32.const 0) $fib $leaf)
  (func $fib (type $f)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $leaf (type $f) (i32.add (i32.mul (local.get 0) (local.get 0)) (i32.const 4097)))
  (func (type $f) (call $imported (call $leaf (local.get 0))))
  (func (type $f) (call_indirect (type $f) (local.get 0) (local.get 0)))
  (func (type $f) (return_call $fib (local.get 0))))
