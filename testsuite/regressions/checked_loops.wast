;; Loops whose bounds checks the JIT leaves out, hoists or combines where checks are in code: the
;; last access lies at the end of the memory, or one element beyond it.

(module
  (memory 1 2)
  (data (i32.const 0) "\01\02\03\04")
  (data (i32.const 65532) "\05\06\07\08")

  ;; One counter ends the loop at zero, the other one is the address.
  (func (export "down_to_zero") (param $start i32) (result i32) (local $at i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $start (i32.sub (local.get $start) (i32.const 1)))))
    (local.get $sum))
  (func (export "rounds_65536") (result i32) (local $left i32) (local $at i32) (local $sum i32)
    (local.set $left (i32.const 65536))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $sum))
  (func (export "rounds_65537") (result i32) (local $left i32) (local $at i32) (local $sum i32)
    (local.set $left (i32.const 65537))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $sum))
  (func (export "words_16384") (result i32) (local $left i32) (local $at i32) (local $sum i32)
    (local.set $left (i32.const -16384))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (local.tee $left (i32.add (local.get $left) (i32.const 1)))))
    (local.get $sum))
  (func (export "words_16385") (result i32) (local $left i32) (local $at i32) (local $sum i32)
    (local.set $left (i32.const -16385))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (local.tee $left (i32.add (local.get $left) (i32.const 1)))))
    (local.get $sum))

  ;; The address is a product of the counter, which steps by 1, 2 or 3, and of what the loop leaves
  ;; as it is.
  (func (export "products_1") (param $by i32) (param $to i32) (result i32)
    (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.mul (local.get $n) (local.get $by)))))
      (br_if $next (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1))) (local.get $to))))
    (local.get $sum))
  (func (export "products_2") (param $by i32) (param $to i32) (result i32)
    (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.mul (local.get $n) (local.get $by)))))
      (br_if $next (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 2))) (local.get $to))))
    (local.get $sum))
  (func (export "products_3") (param $by i32) (param $to i32) (result i32)
    (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.mul (local.get $by) (local.get $n)))))
      (br_if $next (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 3))) (local.get $to))))
    (local.get $sum))

  ;; The inner loop is entered by the block that the outer one comes back to: what it begins with in
  ;; the first round is not what it begins with in the others.
  (func (export "begun_anew") (param $times i32) (param $to i32) (result i32)
    (local $n i32) (local $sum i32)
    (loop $outer
      (loop $inner
        (if (i32.lt_u (local.get $n) (local.get $to))
          (then
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $n))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $inner))))
      (local.set $n (i32.const 65530))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $outer (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))
  (func (export "begun_below") (param $times i32) (param $by i32) (result i32) (local $n i32) (local $sum i32)
    (local.set $n (i32.const 65000))
    (loop $outer
      (loop $inner
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u offset=3 (local.get $n))))
        (br_if $inner (i32.gt_s
          (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 64990))))
      (local.set $n (i32.add (local.get $n) (local.get $by)))
      (br_if $outer (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))

  ;; The loop has something that is not copied.
  (func $nothing)
  (func (export "calls") (param $to i32) (result i32) (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $n))))
      (call $nothing)
      (br_if $next (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1))) (local.get $to))))
    (local.get $sum))
  (func (export "grows") (param $to i32) (result i32) (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $n))))
      (if (i32.eq (local.get $n) (i32.const 65535))
        (then (drop (memory.grow (i32.const 1)))))
      (br_if $next (i32.lt_u
        (local.tee $n (i32.add (local.get $n) (i32.const 1))) (local.get $to))))
    (local.get $sum))
)

(assert_return (invoke "down_to_zero" (i32.const 4)) (i32.const 10))
(assert_return (invoke "down_to_zero" (i32.const 65536)) (i32.const 36))
(assert_trap (invoke "down_to_zero" (i32.const 65537)) "out of bounds memory access")
(assert_trap (invoke "down_to_zero" (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "rounds_65536") (i32.const 36))
(assert_trap (invoke "rounds_65537") "out of bounds memory access")
(assert_return (invoke "words_16384") (i32.const 0x0c0a0806))
(assert_trap (invoke "words_16385") "out of bounds memory access")

(assert_return (invoke "products_1" (i32.const 1) (i32.const 65536)) (i32.const 36))
(assert_trap (invoke "products_1" (i32.const 1) (i32.const 65537)) "out of bounds memory access")
(assert_return (invoke "products_1" (i32.const 65535) (i32.const 2)) (i32.const 9))
(assert_trap (invoke "products_1" (i32.const 65535) (i32.const 3)) "out of bounds memory access")
(assert_trap (invoke "products_1" (i32.const -1) (i32.const 2)) "out of bounds memory access")
(assert_return (invoke "products_2" (i32.const 1) (i32.const 65536)) (i32.const 16))
(assert_trap (invoke "products_2" (i32.const 1) (i32.const 65537)) "out of bounds memory access")
(assert_return (invoke "products_2" (i32.const 16383) (i32.const 6)) (i32.const 6))
(assert_trap (invoke "products_2" (i32.const 16384) (i32.const 6)) "out of bounds memory access")
(assert_return (invoke "products_2" (i32.const 0) (i32.const 100)) (i32.const 50))
(assert_return (invoke "products_3" (i32.const 21845) (i32.const 4)) (i32.const 9))
(assert_trap (invoke "products_3" (i32.const 21846) (i32.const 4)) "out of bounds memory access")
(assert_return (invoke "products_3" (i32.const 1) (i32.const 65536)) (i32.const 18))
(assert_trap (invoke "products_3" (i32.const 1) (i32.const 65539)) "out of bounds memory access")

(assert_return (invoke "begun_anew" (i32.const 1) (i32.const 4)) (i32.const 10))
(assert_return (invoke "begun_anew" (i32.const 3) (i32.const 65533)) (i32.const 44))
(assert_return (invoke "begun_anew" (i32.const 4) (i32.const 65533)) (i32.const 70))
(assert_trap (invoke "begun_anew" (i32.const 5) (i32.const 65533)) "out of bounds memory access")
(assert_return (invoke "begun_below" (i32.const 2) (i32.const 542)) (i32.const 26))
(assert_trap (invoke "begun_below" (i32.const 2) (i32.const 543)) "out of bounds memory access")

(assert_return (invoke "calls" (i32.const 65536)) (i32.const 36))
(assert_trap (invoke "calls" (i32.const 65537)) "out of bounds memory access")
(assert_return (invoke "grows" (i32.const 131072)) (i32.const 36))
(assert_return (invoke "grows" (i32.const 131072)) (i32.const 36))
(assert_trap (invoke "grows" (i32.const 131073)) "out of bounds memory access")

(module
  (memory 1)
  (data (i32.const 0) "\01\02\03\04")

  ;; The counter is the byte of `memory.fill` before it is anything else, and steps through zero.
  (func (export "filled_up") (param $to i32) (result i32) (local $n i32) (local $sum i32)
    (local.set $n (i32.const -8))
    (loop $next
      (memory.fill (i32.const 100) (local.get $n) (i32.const 4))
      (local.set $sum (i32.add (local.get $sum)
        (i32.load (i32.add (local.get $n) (i32.const 104)))))
      (br_if $next (i32.ne
        (local.tee $n (i32.add (local.get $n) (i32.const 4))) (local.get $to))))
    (local.get $sum))
  (func (export "filled_down") (param $to i32) (result i32) (local $n i32) (local $sum i32)
    (local.set $n (i32.const 8))
    (loop $next
      (memory.fill (i32.const 200) (local.get $n) (i32.const 1))
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $n))))
      (br_if $next (i32.ge_s
        (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (local.get $to))))
    (local.get $sum))
  (func (export "filled_to_zero") (result i32) (local $n i32) (local $sum i32)
    (local.set $n (i32.const -65537))
    (loop $next
      (memory.fill (i32.const 300) (local.get $n) (i32.const 1))
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.add (local.get $n) (i32.const 65537)))))
      (br_if $next (local.tee $n (i32.add (local.get $n) (i32.const 1)))))
    (local.get $sum)))

(assert_return (invoke "filled_down" (i32.const 0)) (i32.const 1))
(assert_trap (invoke "filled_down" (i32.const -4)) "out of bounds memory access")
(assert_return (invoke "filled_up" (i32.const 0)) (i32.const 0xfcfcfcfc))
(assert_trap (invoke "filled_to_zero") "out of bounds memory access")
