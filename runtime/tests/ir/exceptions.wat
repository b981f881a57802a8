(module
  (tag $i (param i32)) (tag $w (param v128 i64)) (tag $n)
  (func $f (param i32) (result i32) (local.get 0))
  ;; Clauses in order, values and reference to the label's temporaries; operands below stay.
  (func (param i32) (result i32) (local i32)
    (i32.const 5)
    (block $a (result i32)
      (block $b (result v128 i64 exnref)
        (block $c (result exnref)
          (local.get 0)
          (try_table (param i32) (result i32) (catch $i $a) (catch_ref $w $b) (catch_all_ref $c)
            (local.set 1 (i32.const 1))
            (call $f)
            (local.set 1 (i32.const 2)))
          (return))
        (throw_ref))
      (drop) (drop) (drop)
      (throw $i (local.get 1)))
    (i32.add))
  ;; To the function itself, and to a loop; one handler in another.
  (func (param i32) (result i32)
    (loop $l
      (try_table (catch $i 1)
        (try_table (catch $n $l) (throw $n))
        (throw $i (i32.const 3))))
    (i32.const 0))
  ;; A body that cannot throw.
  (func (block $h (try_table (catch_all $h)))))
