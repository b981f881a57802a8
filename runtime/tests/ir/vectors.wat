;; Vectors of every shape of instruction, and arithmetic on numbers of 128 bits.
(module
  (memory 1) (memory i64 1)
  (func (param $v v128) (param $n i32) (result v128) (local $w v128)
    (local.set $w (i8x16.shuffle 31 0 30 1 29 2 28 3 27 4 26 5 25 6 24 7
      (local.get $v) (i32x4.splat (local.get $n))))
    (local.set $w (v128.bitselect (local.get $v) (v128.not (local.get $w))
      (v128.const i32x4 1 2 3 4)))
    (local.set $w (i16x8.shl (i16x8.replace_lane 7 (local.get $w) (i32.const 5)) (local.get $n)))
    (local.set $n (i32.add (i64x2.all_true (local.get $w))
      (i8x16.extract_lane_u 15 (local.get $w))))
    (i8x16.add (local.get $v) (local.get $w)))
  (func (param $p i32) (param $q i64) (result v128)
    (v128.store offset=16 (local.get $p) (v128.load32x2_u (local.get $p)))
    (v128.store16_lane 1 offset=8 3 (local.get $q) (v128.load 1 (local.get $q)))
    (v128.load64_lane offset=4 1 (local.get $p) (v128.load8_splat (i32.const 9))))
  (func (param $a i64) (param $b i64) (result i64 i64)
    (i64.add128 (i64.mul_wide_s (local.get $a) (local.get $b)) (local.get $b) (i64.const 7))))
