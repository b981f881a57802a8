;; Accesses checked in code: near and far offsets, what is known to be within, vectors, loops.
(module
  (memory 1)
  (func $near (param i32) (result i32) (i32.load offset=4 (local.get 0)))
  (func $far (param i32) (result i32) (i32.load offset=0x7fffffff (local.get 0)))
  (func $constant (result i64) (i64.load (i32.const 64)))
  (func $twice (param i32) (result i32) (i32.add (i32.load offset=8 (local.get 0)) (i32.load offset=4 (local.get 0))))
  (func $one_index (param i32) (result i32) (i32.add (i32.load offset=4 (local.get 0)) (i32.load8_u (local.get 0))))
  (func $vector (param i32 v128) (v128.store offset=16 (local.get 0) (local.get 1)))
  (func $sum (param $n i32) (result i32) (local $s i32)
    (loop $l
      (local.set $s (i32.add (local.get $s) (i32.load8_s (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s)))
