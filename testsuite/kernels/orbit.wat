;; f64 in memory: eight bodies on springs to each other, 100,000 steps. A body is 32 bytes: place x, y,
;; speed x, y.
(module
  (memory 1)
  (func $pull (param $a i32) (param $b i32) (param $k f64)
    (local $dx f64) (local $dy f64) (local $force f64)
    (local.set $dx (f64.sub (f64.load (local.get $b)) (f64.load (local.get $a))))
    (local.set $dy (f64.sub (f64.load offset=8 (local.get $b)) (f64.load offset=8 (local.get $a))))
    (local.set $force (f64.div (local.get $k) (f64.add (f64.const 0.01) (f64.sqrt (f64.add
      (f64.mul (local.get $dx) (local.get $dx)) (f64.mul (local.get $dy) (local.get $dy)))))))
    (f64.store offset=16 (local.get $a) (f64.add (f64.load offset=16 (local.get $a))
      (f64.mul (local.get $dx) (local.get $force))))
    (f64.store offset=24 (local.get $a) (f64.add (f64.load offset=24 (local.get $a))
      (f64.mul (local.get $dy) (local.get $force)))))
  (func $step (local $a i32) (local $b i32)
    (loop $outer
      (local.set $b (i32.const 0))
      (loop $inner
        (if (i32.ne (local.get $a) (local.get $b))
          (then (call $pull (local.get $a) (local.get $b) (f64.const 0.0001))))
        (br_if $inner (i32.lt_u (local.tee $b (i32.add (local.get $b) (i32.const 32)))
          (i32.const 256))))
      (f64.store (local.get $a) (f64.add (f64.load (local.get $a))
        (f64.load offset=16 (local.get $a))))
      (f64.store offset=8 (local.get $a) (f64.add (f64.load offset=8 (local.get $a))
        (f64.load offset=24 (local.get $a))))
      (br_if $outer (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 32)))
        (i32.const 256)))))
  (func (export "run") (result i64) (local $n i32)
    (loop $place
      (f64.store (local.get $n) (f64.convert_i32_u (i32.mul (local.get $n) (i32.const 7))))
      (f64.store offset=8 (local.get $n)
        (f64.convert_i32_u (i32.rem_u (i32.mul (local.get $n) (i32.const 37)) (i32.const 101))))
      (br_if $place (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 32)))
        (i32.const 256))))
    (local.set $n (i32.const 100000))
    (loop $again
      (call $step)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.reinterpret_f64 (f64.load (i32.const 32)))))
