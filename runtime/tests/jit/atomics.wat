(module
  ;; atomic accesses: the index must be aligned, then a guarded memory is read once
  (memory 1 1 shared)
  (func $load (param i32) (result i64) (i64.atomic.load (local.get 0)))
  (func $store (param i32 i32) (i32.atomic.store16 offset=8 (local.get 0) (local.get 1)))
  (func $add (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func $sub (param i32 i64) (result i64) (i64.atomic.rmw8.sub_u (local.get 0) (local.get 1)))
  (func $exchange (param i32 i32 i32) (result i32)
    (i32.atomic.rmw.cmpxchg (local.get 0) (local.get 1) (local.get 2)))
  (func $fence (atomic.fence))
  (func $wait (param i32) (result i32)
    (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const -1))))
