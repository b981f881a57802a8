;; Vectors: a picture of 64 KiB is blended with itself, brightened and summed, 2,000 times.
(module
  (memory 2)
  (func (export "run") (result i64) (local $at i32) (local $n i32) (local $a v128) (local $b v128)
    (local $sum v128)
    (loop $fill
      (i32.store (local.get $at) (i32.mul (local.get $at) (i32.const 0x01000193)))
      (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4)))
        (i32.const 65552))))
    (local.set $n (i32.const 2000))
    (loop $again
      (local.set $at (i32.const 0))
      (loop $row
        (local.set $a (v128.load (local.get $at)))
        (local.set $b (v128.load offset=16 (local.get $at)))
        (local.set $a (i8x16.avgr_u (local.get $a) (local.get $b)))
        (local.set $a (i8x16.add_sat_u (local.get $a) (v128.and (local.get $b)
          (i8x16.splat (i32.const 3)))))
        (v128.store (local.get $at) (local.get $a))
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s
          (i16x8.extend_low_i8x16_u (local.get $a)) (i16x8.extend_high_i8x16_u (local.get $b)))))
        (br_if $row (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16)))
          (i32.const 65536))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.add (i64x2.extract_lane 0 (local.get $sum)) (i64x2.extract_lane 1 (local.get $sum)))))
