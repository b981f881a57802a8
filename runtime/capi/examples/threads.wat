(module
  (import "host" "id" (global $id i32))
  (import "host" "tell" (func $tell (param i32)))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (global.get $id))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $tell (local.get $sum))
    (local.get $sum)))
