;; Branches on casts and on null that lead backwards, to the head of a loop, with and without
;; other operands below the reference.

(module
  (type $node (struct (field $value i32) (field $next anyref)))
  (type $wrap (struct (field $inner anyref)))

  ;; Nodes with the values n, n - 1, .. 1; behind the last an i31 of 100.
  (func $list (param $n i32) (result anyref) (local $i i32) (local $list anyref)
    (local.set $list (ref.i31 (i32.const 100)))
    (loop $more
      (if (i32.lt_u (local.get $i) (local.get $n))
        (then
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (local.set $list (struct.new $node (local.get $i) (local.get $list)))
          (br $more))))
    (local.get $list))

  ;; The sum of the values, and the i31.
  (func (export "sum") (param $n i32) (result i32)
    (local $sum i32) (local $node (ref null $node))
    (call $list (local.get $n))
    (ref.cast (ref $node))
    (loop $walk (param (ref $node)) (result anyref)
      (local.set $node)
      (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $node))))
      (struct.get $node $next (local.get $node))
      (br_on_cast $walk anyref (ref $node)))
    (i31.get_u (ref.cast (ref i31)))
    (i32.add (local.get $sum)))

  ;; The same with the sum on the stack below the reference.
  (func (export "sum_below") (param $n i32) (result i32) (local $node (ref null $node))
    (i32.const 0)
    (call $list (local.get $n))
    (ref.cast (ref $node))
    (loop $walk (param i32 (ref $node)) (result i32 anyref)
      (local.set $node)
      (i32.add (struct.get $node $value (local.get $node)))
      (struct.get $node $next (local.get $node))
      (br_on_cast $walk anyref (ref $node)))
    (i31.get_u (ref.cast (ref i31)))
    (i32.add))

  ;; An i31 in so many wraps: it goes on as long as the cast to i31 fails.
  (func (export "unwrap") (param $n i32) (result i32)
    (local $i i32) (local $any anyref)
    (local.set $any (ref.i31 (i32.const 1000)))
    (loop $more
      (if (i32.lt_u (local.get $i) (local.get $n))
        (then
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (local.set $any (struct.new $wrap (local.get $any)))
          (br $more))))
    (local.set $i (i32.const 0))
    (struct.new $wrap (local.get $any))
    (loop $walk (param anyref) (result (ref i31))
      (local.set $any)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (struct.get $wrap $inner (ref.cast (ref $wrap) (local.get $any)))
      (br_on_cast_fail $walk anyref (ref i31)))
    (i31.get_u)
    (i32.add (local.get $i)))

  ;; The next of nodes until it is null.
  (type $link (struct (field $value i32) (field $next (ref null $link))))
  (func (export "links") (param $n i32) (result i32)
    (local $i i32) (local $list (ref null $link)) (local $sum i32)
    (loop $more
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.set $list (struct.new $link (local.get $i) (local.get $list)))
      (br_if $more (i32.lt_u (local.get $i) (local.get $n))))
    (ref.as_non_null (local.get $list))
    (loop $walk (param (ref $link))
      (local.set $list)
      (local.set $sum (i32.add (local.get $sum) (struct.get $link $value (local.get $list))))
      (br_on_non_null $walk (struct.get $link $next (local.get $list))))
    (local.get $sum))

  ;; Null as long as a number is not 0.
  (func (export "nulls") (param $n i32) (result i32) (local $rounds i32)
    (loop $walk
      (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (select (result anyref) (ref.null any) (ref.i31 (i32.const 5)) (local.get $n))
      (br_on_null $walk)
      (drop))
    (local.get $rounds)))

(assert_return (invoke "sum" (i32.const 1)) (i32.const 101))
(assert_return (invoke "sum" (i32.const 2)) (i32.const 103))
(assert_return (invoke "sum" (i32.const 10)) (i32.const 155))
(assert_trap (invoke "sum" (i32.const 0)) "cast failure")
(assert_return (invoke "sum_below" (i32.const 1)) (i32.const 101))
(assert_return (invoke "sum_below" (i32.const 10)) (i32.const 155))
(assert_return (invoke "unwrap" (i32.const 0)) (i32.const 1001))
(assert_return (invoke "unwrap" (i32.const 1)) (i32.const 1002))
(assert_return (invoke "unwrap" (i32.const 9)) (i32.const 1010))
(assert_return (invoke "links" (i32.const 1)) (i32.const 1))
(assert_return (invoke "links" (i32.const 9)) (i32.const 45))
(assert_return (invoke "nulls" (i32.const 1)) (i32.const 1))
(assert_return (invoke "nulls" (i32.const 7)) (i32.const 7))
