(module
  (tag $a (param i32)) (tag $b (param i64 f32))
  (func $f (param i32) (result i32) (throw $a (local.get 0)))

  ;; Caught where it is thrown: a branch, and no object.
  (func (param i32) (result i32)
    (block $h (result i32)
      (try_table (catch $a $h) (throw $a (i32.add (local.get 0) (i32.const 1))))
      (unreachable)))

  ;; The same with a reference: an object, and a branch.
  (func (param i64 f32) (result i64 f32 exnref)
    (try_table (catch_ref $b 0) (throw $b (local.get 0) (local.get 1)))
    (unreachable))

  ;; A call, with two clauses around it and a value that lives across it.
  (func (param i32 i64) (result i64)
    (block $all
      (block $h (result i32)
        (try_table (catch $a $h) (catch_all $all)
          (drop (call $f (local.get 0))))
        (return (local.get 1)))
      (return (i64.add (i64.extend_i32_u) (local.get 1))))
    (i64.sub (local.get 1) (i64.const 1)))

  ;; What no clause catches goes out.
  (func (param i32) (result i32)
    (block $h (result i64 f32)
      (try_table (catch $b $h) (return (call $f (local.get 0))))
      (unreachable))
    (drop) (drop) (i32.const 6))

  ;; In a loop, caught by the next turn.
  (func (param i32)
    (loop $l
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (if (local.get 0) (then
        (try_table (catch_all $l) (drop (call $f (local.get 0))))))))

  ;; Thrown again.
  (func (param exnref) (throw_ref (local.get 0))))
