;; Loads and stores: widths, near and far offsets, constant addresses, shared bases.
(module
  (memory 1)
  (func (param i32) (result i32) (i32.load (local.get 0)))
  (func (param i32) (result i64) (i64.load32_s offset=8 (local.get 0)))
  (func (param i32) (result i32) (i32.load8_u offset=70000 (local.get 0)))
  (func (result f64) (f64.load offset=16 (i32.const 1024)))
  (func (param i32) (f64.store offset=8 (local.get 0) (f64.mul (f64.load (local.get 0)) (f64.load offset=8 (local.get 0)))))
  (func (param i32) (i32.store16 (local.get 0) (i32.const 0)) (i64.store (local.get 0) (i64.const 0)))
  (func (result i32) (memory.size))
  (func (param i32) (result i32) (memory.grow (local.get 0))))
