;; Comparisons in branches, selects and values.
(module
  (func (param i32 i32) (result i32) (i32.lt_s (local.get 0) (local.get 1)))
  (func (param i64) (result i32) (i64.eqz (local.get 0)))
  (func (param i32) (result i32) (if (result i32) (i32.and (local.get 0) (i32.const 4)) (then (i32.const 7)) (else (i32.const 9))))
  (func (param i32) (result i32) (if (result i32) (i32.lt_s (local.get 0) (i32.const 0)) (then (i32.const 7)) (else (i32.const 9))))
  (func (param i64 i64) (result i64) (select (local.get 0) (local.get 1) (i64.gt_u (local.get 0) (local.get 1))))
  (func (param f64 f64) (result f64) (select (local.get 0) (local.get 1) (f64.lt (local.get 0) (local.get 1))))
  (func (param f32 f32) (result i32) (if (i32.eqz (f32.ge (local.get 0) (local.get 1))) (then (return (i32.const 1)))) (i32.const 2))
  (func (param i32) (result i32) (block (br_if 0 (i32.eqz (i32.eqz (local.get 0)))) (return (i32.const 5))) (i32.const 6))
  (func (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $a $c (local.get 0))) (return (i32.const 1))) (return (i32.const 2)))
    (i32.const 3))
  (func (param i32) (if (i32.eq (local.get 0) (i32.const -7)) (then (unreachable)))))
