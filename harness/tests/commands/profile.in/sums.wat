;; Adds numbers in a loop, by a function that calls itself, and by a tail call.
(module
  (memory (export "memory") 1)
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $store (param i32) (i32.store (i32.const 0) (local.get 0)))
  (func $last (param i32) (return_call $store (local.get 0)))
  (func (export "_start") (local $n i32)
    (loop $more
      (call $last (call $down (local.get $n)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 4))))))
