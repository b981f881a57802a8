;; Objects of all sizes come and go for a while: those that are still reachable are as they were, and
;; no two of them share bytes, whatever was freed and given out again in between.

(module
  (type $numbers (array (mut i32)))
  (type $bytes (array (mut i8)))
  (type $node (struct (field $value (mut i32)) (field $next (mut (ref null $node)))))
  (type $nodes (array (mut (ref null $node))))
  (global $seed (mut i32) (i32.const 12345))
  (table $kept 16 (ref null $numbers))

  (func $random (result i32)
    (global.set $seed
      (i32.add (i32.mul (global.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
    (i32.shr_u (global.get $seed) (i32.const 8)))

  ;; The number of elements, of each 61st and the last, that differ from the first one.
  (func $wrong (param $numbers (ref null $numbers)) (result i32)
    (local $i i32) (local $n i32) (local $wrong i32) (local $first i32)
    (if (ref.is_null (local.get $numbers)) (then (return (i32.const 0))))
    (local.set $n (array.len (local.get $numbers)))
    (local.set $first (array.get $numbers (local.get $numbers) (i32.const 0)))
    (local.set $wrong
      (i32.ne (local.get $first)
        (array.get $numbers (local.get $numbers) (i32.sub (local.get $n) (i32.const 1)))))
    (loop $next
      (local.set $wrong
        (i32.add (local.get $wrong)
          (i32.ne (local.get $first) (array.get $numbers (local.get $numbers) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 61)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $wrong))

  ;; Arrays of at most so many elements in the places of others, each filled with one number.
  (func (export "arrays") (param $steps i32) (param $max i32) (result i32)
    (local $at i32) (local $wrong i32)
    (loop $next
      (local.set $at (i32.and (call $random) (i32.const 15)))
      (local.set $wrong
        (i32.add (local.get $wrong) (call $wrong (table.get $kept (local.get $at)))))
      (table.set $kept (local.get $at)
        (array.new $numbers (call $random)
          (i32.add (i32.const 1) (i32.rem_u (call $random) (local.get $max)))))
      (br_if $next (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
    (local.set $at (i32.const 16))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $wrong
        (i32.add (local.get $wrong) (call $wrong (table.get $kept (local.get $at)))))
      (br_if $next (local.get $at)))
    (local.get $wrong))

  ;; So many nodes, each in a list of two and in a large array; then garbage; then the sum of all.
  (func (export "nodes") (param $n i32) (param $garbage i32) (result i32)
    (local $nodes (ref $nodes)) (local $i i32) (local $sum i32)
    (local.set $nodes (array.new_default $nodes (local.get $n)))
    (loop $next
      (array.set $nodes (local.get $nodes) (local.get $i)
        (struct.new $node (local.get $i) (struct.new $node (i32.const 1000000) (ref.null $node))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (loop $next
      ;; Every other node goes, and another one comes.
      (array.set $nodes (local.get $nodes) (i32.rem_u (local.get $garbage) (local.get $n))
        (struct.new $node
          (i32.rem_u (local.get $garbage) (local.get $n))
          (struct.new $node (i32.const 1000000) (ref.null $node))))
      (drop (array.new $bytes (i32.const -1)
        (i32.rem_u (i32.mul (local.get $garbage) (i32.const 7919)) (i32.const 9000))))
      (br_if $next (local.tee $garbage (i32.sub (local.get $garbage) (i32.const 1)))))
    (local.set $i (i32.const 0))
    (loop $next
      (local.set $sum
        (i32.add (local.get $sum)
          (i32.add
            (struct.get $node $value (array.get $nodes (local.get $nodes) (local.get $i)))
            (struct.get $node $value
              (struct.get $node $next (array.get $nodes (local.get $nodes) (local.get $i)))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum))

  (table $lone 1024 (ref null $node))

  ;; Of each so many small objects one is kept, at other places each time, so that it is the only one
  ;; far and wide; the sum of what the kept ones hold.
  (func (export "lone") (param $rounds i32) (param $step i32) (result i32)
    (local $i i32) (local $at i32) (local $node (ref null $node)) (local $sum i32)
    (loop $round
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (local.set $at
        (i32.rem_u (i32.mul (local.get $rounds) (local.get $step)) (i32.const 3000)))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $node (struct.new $node (local.get $i) (ref.null $node)))
        (if (i32.eq (local.get $i) (local.get $at))
          (then (table.set $lone (local.get $rounds) (local.get $node))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (i32.const 3000))))
      ;; The room of those that are gone is for objects of other sizes.
      (loop $next
        (drop (array.new $bytes (i32.const -1) (i32.mul (local.get $i) (i32.const 3))))
        (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 100)))))
      (br_if $round (local.get $rounds)))
    (local.set $i (i32.const 0))
    (loop $next
      (if (i32.eqz (ref.is_null (table.get $lone (local.get $i))))
        (then
          (local.set $sum
            (i32.add (local.get $sum)
              (i32.xor
                (struct.get $node $value (table.get $lone (local.get $i)))
                (local.get $i))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 1024))))
    (local.get $sum))
)
(assert_return (invoke "arrays" (i32.const 3000) (i32.const 60)) (i32.const 0))
(assert_return (invoke "arrays" (i32.const 3000) (i32.const 700)) (i32.const 0))
(assert_return (invoke "arrays" (i32.const 600) (i32.const 9000)) (i32.const 0))
(assert_return (invoke "arrays" (i32.const 100) (i32.const 200000)) (i32.const 0))
(assert_return (invoke "arrays" (i32.const 600) (i32.const 9000)) (i32.const 0))
(assert_return (invoke "nodes" (i32.const 500) (i32.const 3000)) (i32.const 500124750))
(assert_return (invoke "nodes" (i32.const 3000) (i32.const 7000)) (i32.const -1290468796))
(assert_return (invoke "arrays" (i32.const 3000) (i32.const 60)) (i32.const 0))
(assert_return (invoke "lone" (i32.const 24) (i32.const 7)) (i32.const 1896))
(assert_return (invoke "lone" (i32.const 40) (i32.const 61)) (i32.const 47776))
