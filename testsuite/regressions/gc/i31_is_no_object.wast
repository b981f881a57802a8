;; An i31 is neither a struct nor an array, whatever its bits are: those of a small number look like
;; the place of an object in a heap that is full of objects of the engine's first types.

(module
  (type $s (struct (field i32) (field i64)))
  (type $a (array i32))
  (type $list (array (mut anyref)))
  (global $kept (mut (ref null $list)) (ref.null $list))

  ;; Fills the heap with `n` structs and as many arrays.
  (func (export "fill") (param $n i32)
    (local $i i32)
    (global.set $kept (array.new_default $list (i32.mul (local.get $n) (i32.const 2))))
    (loop $again
      (array.set $list (global.get $kept) (i32.mul (local.get $i) (i32.const 2))
        (struct.new $s (i32.const 0) (i64.const 0)))
      (array.set $list (global.get $kept) (i32.add (i32.mul (local.get $i) (i32.const 2)) (i32.const 1))
        (array.new_default $a (i32.const 3)))
      (br_if $again (i32.lt_u
        (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))

  (func $i31 (param i32) (result anyref) (ref.i31 (local.get 0)))

  ;; The numbers below `n` of which a test says that they are objects.
  (func (export "structs") (param $n i32) (result i32)
    (local $found i32)
    (loop $again
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $found (i32.add (local.get $found)
        (ref.test (ref struct) (call $i31 (local.get $n)))))
      (br_if $again (local.get $n)))
    (local.get $found))
  (func (export "arrays") (param $n i32) (result i32)
    (local $found i32)
    (loop $again
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $found (i32.add (local.get $found)
        (ref.test (ref array) (call $i31 (local.get $n)))))
      (br_if $again (local.get $n)))
    (local.get $found))
  (func (export "of_type") (param $n i32) (result i32)
    (local $found i32)
    (loop $again
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $found (i32.add (local.get $found)
        (ref.test (ref $s) (call $i31 (local.get $n)))))
      (br_if $again (local.get $n)))
    (local.get $found))

  ;; The same of what is kept.
  (func (export "kept_structs") (result i32)
    (local $i i32) (local $found i32)
    (local.set $i (array.len (global.get $kept)))
    (loop $again
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (local.set $found (i32.add (local.get $found)
        (ref.test (ref struct) (array.get $list (global.get $kept) (local.get $i)))))
      (br_if $again (local.get $i)))
    (local.get $found)))

(invoke "fill" (i32.const 500))
(assert_return (invoke "structs" (i32.const 40000)) (i32.const 0))
(assert_return (invoke "arrays" (i32.const 40000)) (i32.const 0))
(assert_return (invoke "of_type" (i32.const 40000)) (i32.const 0))
(assert_return (invoke "kept_structs") (i32.const 500))
