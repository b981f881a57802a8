;; Of arrays that are allocated one after the other, one in so many stays alive, in another place of
;; its block of the heap each time: as the only object of a block it may be its first or its last.
;; Nothing of it changes when all others are freed and their cells are used again.

(module
  (type $numbers (array (mut i64)))
  (type $kept (array (mut (ref null $numbers))))

  (func $allocate (param $kept (ref $kept)) (param $length i32) (param $stride i32)
    (local $n i32) (local $at i32)
    (loop $more
      (loop $others
        (drop (array.new $numbers (i64.const -1) (local.get $length)))
        (br_if $others (i32.rem_u
          (local.tee $n (i32.add (local.get $n) (i32.const 1)))
          (i32.sub (local.get $stride) (i32.const 1)))))
      (array.set $kept (local.get $kept) (local.get $at)
        (array.new $numbers (i64.extend_i32_u (local.get $at)) (local.get $length)))
      (br_if $more (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 1)))
        (array.len (local.get $kept))))))

  ;; The number of elements of a kept array that are not as they were.
  (func $changed (param $kept (ref $kept)) (result i32)
    (local $at i32) (local $i i32) (local $changed i32) (local $one (ref null $numbers))
    (loop $more
      (local.set $one (array.get $kept (local.get $kept) (local.get $at)))
      (local.set $i (i32.const 0))
      (loop $elements
        (local.set $changed (i32.add (local.get $changed)
          (i64.ne
            (array.get $numbers (local.get $one) (local.get $i))
            (i64.extend_i32_u (local.get $at)))))
        (br_if $elements (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (array.len (local.get $one)))))
      (br_if $more (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 1)))
        (array.len (local.get $kept)))))
    (local.get $changed))

  (func (export "run") (param $length i32) (param $stride i32) (result i32)
    (local $kept (ref $kept)) (local $others (ref $kept)) (local $n i32)
    (local.set $kept (array.new_default $kept (local.get $stride)))
    (call $allocate (local.get $kept) (local.get $length) (local.get $stride))
    ;; Shorter ones, so that all that is free is used, by cells that begin at other places.
    (local.set $others (array.new_default $kept (i32.const 16)))
    (loop $again
      (call $allocate (local.get $others)
        (i32.sub (local.get $length) (i32.const 7)) (local.get $stride))
      (br_if $again (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1)))
        (i32.const 20))))
    (call $changed (local.get $kept))))

;; 65 and 129 are 1 above the number of cells of a block, or of some blocks, for cells of 512 and of
;; 256 bytes.
(assert_return (invoke "run" (i32.const 60) (i32.const 65)) (i32.const 0))
(assert_return (invoke "run" (i32.const 61) (i32.const 65)) (i32.const 0))
(assert_return (invoke "run" (i32.const 62) (i32.const 65)) (i32.const 0))
(assert_return (invoke "run" (i32.const 63) (i32.const 65)) (i32.const 0))
