;; Memories of 64-bit addresses, and two memories: checks, bounds, sizes.
(module
  (memory $a i64 1)
  (memory $b 1)
  (func $load (param i64) (result i64) (i64.load $a offset=8 (local.get 0)))
  (func $far (param i64) (result i32) (i32.load8_u $a offset=0x100000000 (local.get 0)))
  (func $store (param i64 f32) (f32.store $a (i64.add (local.get 0) (i64.const 16)) (local.get 1)))
  (func $between (param i32 i64) (i32.store $b (local.get 0) (i32.load $a (local.get 1))))
  (func $size (result i64) (memory.size $a))
  (func $grow (param i64) (result i64) (memory.grow $a (local.get 0)))
  (func $copy (param i32 i64 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2))))
