;; Cells of the heap that hold what an earlier object left there: a new object has nothing of it,
;; neither in its fields nor in its head. Each round fills cells, drops them, and allocates again.

(module
  (type $s (sub (struct (field (mut i64)) (field (mut v128)) (field (mut anyref)) (field (mut i8)))))
  (type $big (struct
    (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64))
    (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64))
    (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64)) (field (mut i64))
    (field (mut i64)) (field (mut i64)) (field (mut anyref)) (field (mut i64)) (field (mut v128))))
  (type $bytes (array (mut i8)))
  (type $refs (array (mut anyref)))
  (type $vectors (array (mut v128)))
  (tag $t (param i64 v128))

  ;; Fills cells of all these types with ones.
  (func $fill (param $n i32)
    (loop $again
      (drop (struct.new $s (i64.const -1) (v128.const i64x2 -1 -1) (ref.i31 (i32.const -1))
        (i32.const -1)))
      (drop (struct.new $big
        (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)
        (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)
        (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1) (i64.const -1)
        (i64.const -1) (i64.const -1) (ref.i31 (i32.const -1)) (i64.const -1)
        (v128.const i64x2 -1 -1)))
      (drop (array.new $bytes (i32.const -1) (i32.const 41)))
      (drop (array.new $refs (ref.i31 (i32.const -1)) (i32.const 7)))
      (drop (array.new $vectors (v128.const i64x2 -1 -1) (i32.const 30)))
      (drop (block $caught (result i64 v128)
        (try_table (catch $t $caught)
          (throw $t (i64.const -1) (v128.const i64x2 -1 -1)))
        (unreachable)))
      (drop)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  (func $is_zero (param v128) (result i32) (i32.eqz (v128.any_true (local.get 0))))
  (func $check_s (param $s (ref $s)) (result i32)
    (i32.and
      (i32.and (i64.eqz (struct.get $s 0 (local.get $s))) (call $is_zero (struct.get $s 1 (local.get $s))))
      (i32.and (ref.is_null (struct.get $s 2 (local.get $s)))
        (i32.eqz (struct.get_u $s 3 (local.get $s))))))
  (func $check_big (param $s (ref $big)) (result i32)
    (i32.and
      (i64.eqz (i64.or (struct.get $big 0 (local.get $s))
        (i64.or (struct.get $big 8 (local.get $s))
          (i64.or (struct.get $big 15 (local.get $s))
            (i64.or (struct.get $big 16 (local.get $s)) (struct.get $big 18 (local.get $s)))))))
      (i32.and (ref.is_null (struct.get $big 17 (local.get $s)))
        (call $is_zero (struct.get $big 19 (local.get $s))))))
  (func $check_bytes (param $a (ref $bytes)) (param $len i32) (result i32)
    (local $i i32) (local $or i32)
    (loop $each
      (local.set $or (i32.or (local.get $or) (array.get_u $bytes (local.get $a) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $i) (local.get $len))))
    (i32.and (i32.eqz (local.get $or)) (i32.eq (array.len (local.get $a)) (local.get $len))))
  (func $check_refs (param $a (ref $refs)) (param $len i32) (result i32)
    (local $i i32) (local $all i32)
    (local.set $all (i32.const 1))
    (loop $each
      (local.set $all (i32.and (local.get $all)
        (ref.is_null (array.get $refs (local.get $a) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $i) (local.get $len))))
    (i32.and (local.get $all) (i32.eq (array.len (local.get $a)) (local.get $len))))

  ;; The number of rounds in which new objects are zero, for each kind of object.
  (func (export "rounds") (param $n i32) (result i32 i32 i32 i32 i32)
    (local $s i32) (local $big i32) (local $bytes i32) (local $refs i32) (local $vectors i32)
    (loop $again
      (call $fill (i32.const 400))
      (local.set $s (i32.add (local.get $s) (call $check_s (struct.new_default $s))))
      (local.set $big (i32.add (local.get $big) (call $check_big (struct.new_default $big))))
      (local.set $bytes (i32.add (local.get $bytes)
        (call $check_bytes (array.new_default $bytes (i32.const 41)) (i32.const 41))))
      (local.set $refs (i32.add (local.get $refs)
        (call $check_refs (array.new_default $refs (i32.const 7)) (i32.const 7))))
      (local.set $vectors (i32.add (local.get $vectors)
        (call $is_zero
          (array.get $vectors (array.new_default $vectors (i32.const 30)) (i32.const 29)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s) (local.get $big) (local.get $bytes) (local.get $refs) (local.get $vectors))
  ;; The same cell again and again: only the newest of many is alive.
  (func (export "newest") (param $n i32) (result i32)
    (local $last (ref null $s)) (local $good i32)
    (loop $again
      (local.set $last (struct.new_default $s))
      (local.set $good (i32.add (local.get $good) (call $check_s (ref.as_non_null (local.get $last)))))
      (struct.set $s 0 (local.get $last) (i64.const -1))
      (struct.set $s 1 (local.get $last) (v128.const i64x2 -1 -1))
      (struct.set $s 2 (local.get $last) (local.get $last))
      (struct.set $s 3 (local.get $last) (i32.const -1))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $good))
)

(assert_return (invoke "rounds" (i32.const 1)) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1))
(assert_return (invoke "rounds" (i32.const 20)) (i32.const 20) (i32.const 20) (i32.const 20) (i32.const 20) (i32.const 20))
(assert_return (invoke "newest" (i32.const 40000)) (i32.const 40000))
