;; Calls through a table: a machine of eight instructions whose program is a random number, 10,000,000
;; steps.
(module
  (type $step (func (param i64 i64) (result i64)))
  (table funcref (elem $add $sub $xor $rot $mul $swap $half $neg))
  (func $add (type $step) (i64.add (local.get 0) (local.get 1)))
  (func $sub (type $step) (i64.sub (local.get 0) (local.get 1)))
  (func $xor (type $step) (i64.xor (local.get 0) (i64.shl (local.get 1) (i64.const 7))))
  (func $rot (type $step) (i64.rotl (local.get 0) (local.get 1)))
  (func $mul (type $step) (i64.mul (local.get 0) (i64.const 0x5851f42d4c957f2d)))
  (func $swap (type $step) (i64.or (i64.shl (local.get 0) (i64.const 32))
    (i64.shr_u (local.get 0) (i64.const 32))))
  (func $half (type $step) (i64.shr_u (local.get 0) (i64.const 1)))
  (func $neg (type $step) (i64.sub (i64.const 0) (local.get 0)))
  (func (export "run") (result i64) (local $n i64) (local $value i64) (local $random i64)
    (local.set $random (i64.const 88172645463325252))
    (loop $again
      (local.set $random (i64.xor (local.get $random) (i64.shl (local.get $random) (i64.const 13))))
      (local.set $random (i64.xor (local.get $random) (i64.shr_u (local.get $random) (i64.const 7))))
      (local.set $value (call_indirect (type $step) (local.get $value) (local.get $random)
        (i32.and (i32.wrap_i64 (local.get $random)) (i32.const 7))))
      (br_if $again (i64.lt_u (local.tee $n (i64.add (local.get $n) (i64.const 1)))
        (i64.const 10000000))))
    (local.get $value)))
