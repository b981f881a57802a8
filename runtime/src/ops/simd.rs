//! Rows of the opcode table: vector instructions, relaxed ones included.
//!
//! Owns the facts of these opcodes and nothing else; `super` says what a row means and composes
//! them. Each row names the pure function in `crate::simd` that is its meaning.
//! Spec: 5.4.8 Vector Instructions.

rows! {
    /// Loads of a vector: `{ function(storage) -> v128 }`, with the unsigned type read from memory.
    for_each_simd_load: simd_load ($)

    V128Load        [0xFD 0x00] "v128.load"         Simd { v128_load(u128) -> v128; whole }
    V128Load8x8S [0xFD 0x01] "v128.load8x8_s" Simd
        { v128_load8x8_s(u64) -> v128; V128Load64Zero I16x8ExtendLowI8x16S }
    V128Load8x8U [0xFD 0x02] "v128.load8x8_u" Simd
        { v128_load8x8_u(u64) -> v128; V128Load64Zero I16x8ExtendLowI8x16U }
    V128Load16x4S [0xFD 0x03] "v128.load16x4_s" Simd
        { v128_load16x4_s(u64) -> v128; V128Load64Zero I32x4ExtendLowI16x8S }
    V128Load16x4U [0xFD 0x04] "v128.load16x4_u" Simd
        { v128_load16x4_u(u64) -> v128; V128Load64Zero I32x4ExtendLowI16x8U }
    V128Load32x2S [0xFD 0x05] "v128.load32x2_s" Simd
        { v128_load32x2_s(u64) -> v128; V128Load64Zero I64x2ExtendLowI32x4S }
    V128Load32x2U [0xFD 0x06] "v128.load32x2_u" Simd
        { v128_load32x2_u(u64) -> v128; V128Load64Zero I64x2ExtendLowI32x4U }
    V128Load8Splat [0xFD 0x07] "v128.load8_splat" Simd
        { v128_load8_splat(u8) -> v128; I32Load8U I8x16Splat }
    V128Load16Splat [0xFD 0x08] "v128.load16_splat" Simd
        { v128_load16_splat(u16) -> v128; I32Load16U I16x8Splat }
    V128Load32Splat [0xFD 0x09] "v128.load32_splat" Simd
        { v128_load32_splat(u32) -> v128; F32Load F32x4Splat }
    V128Load64Splat [0xFD 0x0A] "v128.load64_splat" Simd
        { v128_load64_splat(u64) -> v128; F64Load F64x2Splat }
    V128Load32Zero  [0xFD 0x5C] "v128.load32_zero"  Simd { v128_load32_zero(u32) -> v128; whole }
    V128Load64Zero  [0xFD 0x5D] "v128.load64_zero"  Simd { v128_load64_zero(u64) -> v128; whole }
}

rows! {
    /// The store of a vector: `{ function(v128) -> storage }`.
    for_each_simd_store: simd_store ($)

    V128Store [0xFD 0x0B] "v128.store" Simd { v128_store(v128) -> u128 }
}

rows! {
    /// Loads of one lane: `{ function(storage, v128, lane) -> v128 }`.
    for_each_simd_load_lane: simd_load_lane ($)

    V128Load8Lane [0xFD 0x54] "v128.load8_lane" Simd
        { v128_load8_lane(u8, v128, lane) -> v128; I32Load8U I8x16ReplaceLane }
    V128Load16Lane [0xFD 0x55] "v128.load16_lane" Simd
        { v128_load16_lane(u16, v128, lane) -> v128; I32Load16U I16x8ReplaceLane }
    V128Load32Lane [0xFD 0x56] "v128.load32_lane" Simd
        { v128_load32_lane(u32, v128, lane) -> v128; F32Load F32x4ReplaceLane }
    V128Load64Lane [0xFD 0x57] "v128.load64_lane" Simd
        { v128_load64_lane(u64, v128, lane) -> v128; F64Load F64x2ReplaceLane }
}

rows! {
    /// Stores of one lane: `{ function(v128, lane) -> storage }`.
    for_each_simd_store_lane: simd_store_lane ($)

    V128Store8Lane [0xFD 0x58] "v128.store8_lane" Simd
        { v128_store8_lane(v128, lane) -> u8; I8x16ExtractLaneU I32Store8 }
    V128Store16Lane [0xFD 0x59] "v128.store16_lane" Simd
        { v128_store16_lane(v128, lane) -> u16; I16x8ExtractLaneU I32Store16 }
    V128Store32Lane [0xFD 0x5A] "v128.store32_lane" Simd
        { v128_store32_lane(v128, lane) -> u32; F32x4ExtractLane F32Store }
    V128Store64Lane [0xFD 0x5B] "v128.store64_lane" Simd
        { v128_store64_lane(v128, lane) -> u64; F64x2ExtractLane F64Store }
}

rows! {
    /// The shuffle, with sixteen lane numbers: `{ function(v128, v128, lanes) -> v128 }`.
    for_each_simd_shuffle: simd_shuffle ($)

    I8x16Shuffle [0xFD 0x0D] "i8x16.shuffle" Simd { i8x16_shuffle(v128, v128, lanes) -> v128 }
}

rows! {
    /// `{ function(v128, lane) -> scalar }`.
    for_each_simd_extract_lane: simd_extract_lane ($)

    I8x16ExtractLaneS [0xFD 0x15] "i8x16.extract_lane_s" Simd
        { i8x16_extract_lane_s(v128, lane) -> i32; I8x16 s }
    I8x16ExtractLaneU [0xFD 0x16] "i8x16.extract_lane_u" Simd
        { i8x16_extract_lane_u(v128, lane) -> i32; I8x16 u }
    I16x8ExtractLaneS [0xFD 0x18] "i16x8.extract_lane_s" Simd
        { i16x8_extract_lane_s(v128, lane) -> i32; I16x8 s }
    I16x8ExtractLaneU [0xFD 0x19] "i16x8.extract_lane_u" Simd
        { i16x8_extract_lane_u(v128, lane) -> i32; I16x8 u }
    I32x4ExtractLane [0xFD 0x1B] "i32x4.extract_lane" Simd
        { i32x4_extract_lane(v128, lane) -> i32; I32x4 }
    I64x2ExtractLane [0xFD 0x1D] "i64x2.extract_lane" Simd
        { i64x2_extract_lane(v128, lane) -> i64; I64x2 }
    F32x4ExtractLane [0xFD 0x1F] "f32x4.extract_lane" Simd
        { f32x4_extract_lane(v128, lane) -> f32; F32x4 }
    F64x2ExtractLane [0xFD 0x21] "f64x2.extract_lane" Simd
        { f64x2_extract_lane(v128, lane) -> f64; F64x2 }
}

rows! {
    /// `{ function(v128, lane, scalar) -> v128 }`.
    for_each_simd_replace_lane: simd_replace_lane ($)

    I8x16ReplaceLane [0xFD 0x17] "i8x16.replace_lane" Simd
        { i8x16_replace_lane(v128, lane, i32) -> v128; I8x16 }
    I16x8ReplaceLane [0xFD 0x1A] "i16x8.replace_lane" Simd
        { i16x8_replace_lane(v128, lane, i32) -> v128; I16x8 }
    I32x4ReplaceLane [0xFD 0x1C] "i32x4.replace_lane" Simd
        { i32x4_replace_lane(v128, lane, i32) -> v128; I32x4 }
    I64x2ReplaceLane [0xFD 0x1E] "i64x2.replace_lane" Simd
        { i64x2_replace_lane(v128, lane, i64) -> v128; I64x2 }
    F32x4ReplaceLane [0xFD 0x20] "f32x4.replace_lane" Simd
        { f32x4_replace_lane(v128, lane, f32) -> v128; F32x4 }
    F64x2ReplaceLane [0xFD 0x22] "f64x2.replace_lane" Simd
        { f64x2_replace_lane(v128, lane, f64) -> v128; F64x2 }
}

rows! {
    /// `{ function(scalar) -> v128 }`.
    for_each_simd_splat: simd_splat ($)

    I8x16Splat [0xFD 0x0F] "i8x16.splat" Simd { i8x16_splat(i32) -> v128; I8x16 }
    I16x8Splat [0xFD 0x10] "i16x8.splat" Simd { i16x8_splat(i32) -> v128; I16x8 }
    I32x4Splat [0xFD 0x11] "i32x4.splat" Simd { i32x4_splat(i32) -> v128; I32x4 }
    I64x2Splat [0xFD 0x12] "i64x2.splat" Simd { i64x2_splat(i64) -> v128; I64x2 }
    F32x4Splat [0xFD 0x13] "f32x4.splat" Simd { f32x4_splat(f32) -> v128; F32x4 }
    F64x2Splat [0xFD 0x14] "f64x2.splat" Simd { f64x2_splat(f64) -> v128; F64x2 }
}

rows! {
    /// Vector to i32: `{ function(v128) -> i32 }`.
    for_each_simd_reduce: simd_reduce ($)

    V128AnyTrue  [0xFD 0x53] "v128.any_true"  Simd { v128_any_true(v128) -> i32; V128 AnyTrue }
    I8x16AllTrue [0xFD 0x63] "i8x16.all_true" Simd { i8x16_all_true(v128) -> i32; I8x16 AllTrue }
    I8x16Bitmask [0xFD 0x64] "i8x16.bitmask"  Simd { i8x16_bitmask(v128) -> i32; I8x16 Bitmask }
    I16x8AllTrue [0xFD 0x83] "i16x8.all_true" Simd { i16x8_all_true(v128) -> i32; I16x8 AllTrue }
    I16x8Bitmask [0xFD 0x84] "i16x8.bitmask"  Simd { i16x8_bitmask(v128) -> i32; I16x8 Bitmask }
    I32x4AllTrue [0xFD 0xA3] "i32x4.all_true" Simd { i32x4_all_true(v128) -> i32; I32x4 AllTrue }
    I32x4Bitmask [0xFD 0xA4] "i32x4.bitmask"  Simd { i32x4_bitmask(v128) -> i32; I32x4 Bitmask }
    I64x2AllTrue [0xFD 0xC3] "i64x2.all_true" Simd { i64x2_all_true(v128) -> i32; I64x2 AllTrue }
    I64x2Bitmask [0xFD 0xC4] "i64x2.bitmask"  Simd { i64x2_bitmask(v128) -> i32; I64x2 Bitmask }
}

rows! {
    /// `{ function(v128) -> v128 }`, relaxed ones included.
    for_each_simd_unary: simd_unary ($)

    V128Not      [0xFD 0x4D] "v128.not"      Simd { v128_not(v128) -> v128; V128 Not }
    I8x16Abs     [0xFD 0x60] "i8x16.abs"     Simd { i8x16_abs(v128) -> v128; I8x16 Abs }
    I8x16Neg     [0xFD 0x61] "i8x16.neg"     Simd { i8x16_neg(v128) -> v128; I8x16 Neg }
    I8x16Popcnt  [0xFD 0x62] "i8x16.popcnt"  Simd { i8x16_popcnt(v128) -> v128; I8x16 Popcnt }
    I16x8ExtAddPairwiseI8x16S [0xFD 0x7C] "i16x8.extadd_pairwise_i8x16_s" Simd
        { i16x8_extadd_pairwise_i8x16_s(v128) -> v128; I16x8 ExtAddPairwise s }
    I16x8ExtAddPairwiseI8x16U [0xFD 0x7D] "i16x8.extadd_pairwise_i8x16_u" Simd
        { i16x8_extadd_pairwise_i8x16_u(v128) -> v128; I16x8 ExtAddPairwise u }
    I16x8Abs     [0xFD 0x80] "i16x8.abs"     Simd { i16x8_abs(v128) -> v128; I16x8 Abs }
    I16x8Neg     [0xFD 0x81] "i16x8.neg"     Simd { i16x8_neg(v128) -> v128; I16x8 Neg }
    I16x8ExtendLowI8x16S [0xFD 0x87] "i16x8.extend_low_i8x16_s" Simd
        { i16x8_extend_low_i8x16_s(v128) -> v128; I16x8 Extend low s }
    I16x8ExtendHighI8x16S [0xFD 0x88] "i16x8.extend_high_i8x16_s" Simd
        { i16x8_extend_high_i8x16_s(v128) -> v128; I16x8 Extend high s }
    I16x8ExtendLowI8x16U [0xFD 0x89] "i16x8.extend_low_i8x16_u" Simd
        { i16x8_extend_low_i8x16_u(v128) -> v128; I16x8 Extend low u }
    I16x8ExtendHighI8x16U [0xFD 0x8A] "i16x8.extend_high_i8x16_u" Simd
        { i16x8_extend_high_i8x16_u(v128) -> v128; I16x8 Extend high u }
    I32x4ExtAddPairwiseI16x8S [0xFD 0x7E] "i32x4.extadd_pairwise_i16x8_s" Simd
        { i32x4_extadd_pairwise_i16x8_s(v128) -> v128; I32x4 ExtAddPairwise s }
    I32x4ExtAddPairwiseI16x8U [0xFD 0x7F] "i32x4.extadd_pairwise_i16x8_u" Simd
        { i32x4_extadd_pairwise_i16x8_u(v128) -> v128; I32x4 ExtAddPairwise u }
    I32x4Abs     [0xFD 0xA0] "i32x4.abs"     Simd { i32x4_abs(v128) -> v128; I32x4 Abs }
    I32x4Neg     [0xFD 0xA1] "i32x4.neg"     Simd { i32x4_neg(v128) -> v128; I32x4 Neg }
    I32x4ExtendLowI16x8S [0xFD 0xA7] "i32x4.extend_low_i16x8_s" Simd
        { i32x4_extend_low_i16x8_s(v128) -> v128; I32x4 Extend low s }
    I32x4ExtendHighI16x8S [0xFD 0xA8] "i32x4.extend_high_i16x8_s" Simd
        { i32x4_extend_high_i16x8_s(v128) -> v128; I32x4 Extend high s }
    I32x4ExtendLowI16x8U [0xFD 0xA9] "i32x4.extend_low_i16x8_u" Simd
        { i32x4_extend_low_i16x8_u(v128) -> v128; I32x4 Extend low u }
    I32x4ExtendHighI16x8U [0xFD 0xAA] "i32x4.extend_high_i16x8_u" Simd
        { i32x4_extend_high_i16x8_u(v128) -> v128; I32x4 Extend high u }
    I64x2Abs     [0xFD 0xC0] "i64x2.abs"     Simd { i64x2_abs(v128) -> v128; I64x2 Abs }
    I64x2Neg     [0xFD 0xC1] "i64x2.neg"     Simd { i64x2_neg(v128) -> v128; I64x2 Neg }
    I64x2ExtendLowI32x4S [0xFD 0xC7] "i64x2.extend_low_i32x4_s" Simd
        { i64x2_extend_low_i32x4_s(v128) -> v128; I64x2 Extend low s }
    I64x2ExtendHighI32x4S [0xFD 0xC8] "i64x2.extend_high_i32x4_s" Simd
        { i64x2_extend_high_i32x4_s(v128) -> v128; I64x2 Extend high s }
    I64x2ExtendLowI32x4U [0xFD 0xC9] "i64x2.extend_low_i32x4_u" Simd
        { i64x2_extend_low_i32x4_u(v128) -> v128; I64x2 Extend low u }
    I64x2ExtendHighI32x4U [0xFD 0xCA] "i64x2.extend_high_i32x4_u" Simd
        { i64x2_extend_high_i32x4_u(v128) -> v128; I64x2 Extend high u }
    F32x4Ceil    [0xFD 0x67] "f32x4.ceil"    Simd { f32x4_ceil(v128) -> v128; F32x4 Ceil }
    F32x4Floor   [0xFD 0x68] "f32x4.floor"   Simd { f32x4_floor(v128) -> v128; F32x4 Floor }
    F32x4Trunc   [0xFD 0x69] "f32x4.trunc"   Simd { f32x4_trunc(v128) -> v128; F32x4 Trunc }
    F32x4Nearest [0xFD 0x6A] "f32x4.nearest" Simd { f32x4_nearest(v128) -> v128; F32x4 Nearest }
    F32x4Abs     [0xFD 0xE0] "f32x4.abs"     Simd { f32x4_abs(v128) -> v128; F32x4 Abs }
    F32x4Neg     [0xFD 0xE1] "f32x4.neg"     Simd { f32x4_neg(v128) -> v128; F32x4 Neg }
    F32x4Sqrt    [0xFD 0xE3] "f32x4.sqrt"    Simd { f32x4_sqrt(v128) -> v128; F32x4 Sqrt }
    F64x2Ceil    [0xFD 0x74] "f64x2.ceil"    Simd { f64x2_ceil(v128) -> v128; F64x2 Ceil }
    F64x2Floor   [0xFD 0x75] "f64x2.floor"   Simd { f64x2_floor(v128) -> v128; F64x2 Floor }
    F64x2Trunc   [0xFD 0x7A] "f64x2.trunc"   Simd { f64x2_trunc(v128) -> v128; F64x2 Trunc }
    F64x2Nearest [0xFD 0x94] "f64x2.nearest" Simd { f64x2_nearest(v128) -> v128; F64x2 Nearest }
    F64x2Abs     [0xFD 0xEC] "f64x2.abs"     Simd { f64x2_abs(v128) -> v128; F64x2 Abs }
    F64x2Neg     [0xFD 0xED] "f64x2.neg"     Simd { f64x2_neg(v128) -> v128; F64x2 Neg }
    F64x2Sqrt    [0xFD 0xEF] "f64x2.sqrt"    Simd { f64x2_sqrt(v128) -> v128; F64x2 Sqrt }
    I32x4TruncSatF32x4S [0xFD 0xF8] "i32x4.trunc_sat_f32x4_s" Simd
        { i32x4_trunc_sat_f32x4_s(v128) -> v128; I32x4 TruncSat s }
    I32x4TruncSatF32x4U [0xFD 0xF9] "i32x4.trunc_sat_f32x4_u" Simd
        { i32x4_trunc_sat_f32x4_u(v128) -> v128; I32x4 TruncSat u }
    F32x4ConvertI32x4S [0xFD 0xFA] "f32x4.convert_i32x4_s" Simd
        { f32x4_convert_i32x4_s(v128) -> v128; F32x4 Convert s }
    F32x4ConvertI32x4U [0xFD 0xFB] "f32x4.convert_i32x4_u" Simd
        { f32x4_convert_i32x4_u(v128) -> v128; F32x4 Convert u }
    I32x4TruncSatF64x2SZero [0xFD 0xFC] "i32x4.trunc_sat_f64x2_s_zero" Simd
        { i32x4_trunc_sat_f64x2_s_zero(v128) -> v128; I32x4 TruncSatZero s }
    I32x4TruncSatF64x2UZero [0xFD 0xFD] "i32x4.trunc_sat_f64x2_u_zero" Simd
        { i32x4_trunc_sat_f64x2_u_zero(v128) -> v128; I32x4 TruncSatZero u }
    F64x2ConvertLowI32x4S [0xFD 0xFE] "f64x2.convert_low_i32x4_s" Simd
        { f64x2_convert_low_i32x4_s(v128) -> v128; F64x2 ConvertLow s }
    F64x2ConvertLowI32x4U [0xFD 0xFF] "f64x2.convert_low_i32x4_u" Simd
        { f64x2_convert_low_i32x4_u(v128) -> v128; F64x2 ConvertLow u }
    F32x4DemoteF64x2Zero [0xFD 0x5E] "f32x4.demote_f64x2_zero" Simd
        { f32x4_demote_f64x2_zero(v128) -> v128; F32x4 DemoteZero }
    F64x2PromoteLowF32x4 [0xFD 0x5F] "f64x2.promote_low_f32x4" Simd
        { f64x2_promote_low_f32x4(v128) -> v128; F64x2 PromoteLow }
    I32x4RelaxedTruncF32x4S [0xFD 0x101] "i32x4.relaxed_trunc_f32x4_s" RelaxedSimd
        { i32x4_relaxed_trunc_f32x4_s(v128) -> v128; I32x4 RelaxedTrunc s }
    I32x4RelaxedTruncF32x4U [0xFD 0x102] "i32x4.relaxed_trunc_f32x4_u" RelaxedSimd
        { i32x4_relaxed_trunc_f32x4_u(v128) -> v128; I32x4 RelaxedTrunc u }
    I32x4RelaxedTruncF64x2SZero [0xFD 0x103] "i32x4.relaxed_trunc_f64x2_s_zero" RelaxedSimd
        { i32x4_relaxed_trunc_f64x2_s_zero(v128) -> v128; I32x4 RelaxedTruncZero s }
    I32x4RelaxedTruncF64x2UZero [0xFD 0x104] "i32x4.relaxed_trunc_f64x2_u_zero" RelaxedSimd
        { i32x4_relaxed_trunc_f64x2_u_zero(v128) -> v128; I32x4 RelaxedTruncZero u }
}

rows! {
    /// `{ function(v128, v128) -> v128 }`, relaxed ones included.
    for_each_simd_binary: simd_binary ($)

    I8x16Swizzle [0xFD 0x0E] "i8x16.swizzle" Simd
        { i8x16_swizzle(v128, v128) -> v128; I8x16 Swizzle }
    I8x16Eq        [0xFD 0x23] "i8x16.eq"          Simd { i8x16_eq(v128, v128) -> v128; I8x16 Eq }
    I8x16Ne        [0xFD 0x24] "i8x16.ne"          Simd { i8x16_ne(v128, v128) -> v128; I8x16 Ne }
    I8x16LtS [0xFD 0x25] "i8x16.lt_s" Simd
        { i8x16_lt_s(v128, v128) -> v128; I8x16 Lt s }
    I8x16LtU [0xFD 0x26] "i8x16.lt_u" Simd
        { i8x16_lt_u(v128, v128) -> v128; I8x16 Lt u }
    I8x16GtS [0xFD 0x27] "i8x16.gt_s" Simd
        { i8x16_gt_s(v128, v128) -> v128; I8x16 Gt s }
    I8x16GtU [0xFD 0x28] "i8x16.gt_u" Simd
        { i8x16_gt_u(v128, v128) -> v128; I8x16 Gt u }
    I8x16LeS [0xFD 0x29] "i8x16.le_s" Simd
        { i8x16_le_s(v128, v128) -> v128; I8x16 Le s }
    I8x16LeU [0xFD 0x2A] "i8x16.le_u" Simd
        { i8x16_le_u(v128, v128) -> v128; I8x16 Le u }
    I8x16GeS [0xFD 0x2B] "i8x16.ge_s" Simd
        { i8x16_ge_s(v128, v128) -> v128; I8x16 Ge s }
    I8x16GeU [0xFD 0x2C] "i8x16.ge_u" Simd
        { i8x16_ge_u(v128, v128) -> v128; I8x16 Ge u }
    I16x8Eq        [0xFD 0x2D] "i16x8.eq"          Simd { i16x8_eq(v128, v128) -> v128; I16x8 Eq }
    I16x8Ne        [0xFD 0x2E] "i16x8.ne"          Simd { i16x8_ne(v128, v128) -> v128; I16x8 Ne }
    I16x8LtS [0xFD 0x2F] "i16x8.lt_s" Simd
        { i16x8_lt_s(v128, v128) -> v128; I16x8 Lt s }
    I16x8LtU [0xFD 0x30] "i16x8.lt_u" Simd
        { i16x8_lt_u(v128, v128) -> v128; I16x8 Lt u }
    I16x8GtS [0xFD 0x31] "i16x8.gt_s" Simd
        { i16x8_gt_s(v128, v128) -> v128; I16x8 Gt s }
    I16x8GtU [0xFD 0x32] "i16x8.gt_u" Simd
        { i16x8_gt_u(v128, v128) -> v128; I16x8 Gt u }
    I16x8LeS [0xFD 0x33] "i16x8.le_s" Simd
        { i16x8_le_s(v128, v128) -> v128; I16x8 Le s }
    I16x8LeU [0xFD 0x34] "i16x8.le_u" Simd
        { i16x8_le_u(v128, v128) -> v128; I16x8 Le u }
    I16x8GeS [0xFD 0x35] "i16x8.ge_s" Simd
        { i16x8_ge_s(v128, v128) -> v128; I16x8 Ge s }
    I16x8GeU [0xFD 0x36] "i16x8.ge_u" Simd
        { i16x8_ge_u(v128, v128) -> v128; I16x8 Ge u }
    I32x4Eq        [0xFD 0x37] "i32x4.eq"          Simd { i32x4_eq(v128, v128) -> v128; I32x4 Eq }
    I32x4Ne        [0xFD 0x38] "i32x4.ne"          Simd { i32x4_ne(v128, v128) -> v128; I32x4 Ne }
    I32x4LtS [0xFD 0x39] "i32x4.lt_s" Simd
        { i32x4_lt_s(v128, v128) -> v128; I32x4 Lt s }
    I32x4LtU [0xFD 0x3A] "i32x4.lt_u" Simd
        { i32x4_lt_u(v128, v128) -> v128; I32x4 Lt u }
    I32x4GtS [0xFD 0x3B] "i32x4.gt_s" Simd
        { i32x4_gt_s(v128, v128) -> v128; I32x4 Gt s }
    I32x4GtU [0xFD 0x3C] "i32x4.gt_u" Simd
        { i32x4_gt_u(v128, v128) -> v128; I32x4 Gt u }
    I32x4LeS [0xFD 0x3D] "i32x4.le_s" Simd
        { i32x4_le_s(v128, v128) -> v128; I32x4 Le s }
    I32x4LeU [0xFD 0x3E] "i32x4.le_u" Simd
        { i32x4_le_u(v128, v128) -> v128; I32x4 Le u }
    I32x4GeS [0xFD 0x3F] "i32x4.ge_s" Simd
        { i32x4_ge_s(v128, v128) -> v128; I32x4 Ge s }
    I32x4GeU [0xFD 0x40] "i32x4.ge_u" Simd
        { i32x4_ge_u(v128, v128) -> v128; I32x4 Ge u }
    I64x2Eq        [0xFD 0xD6] "i64x2.eq"          Simd { i64x2_eq(v128, v128) -> v128; I64x2 Eq }
    I64x2Ne        [0xFD 0xD7] "i64x2.ne"          Simd { i64x2_ne(v128, v128) -> v128; I64x2 Ne }
    I64x2LtS [0xFD 0xD8] "i64x2.lt_s" Simd
        { i64x2_lt_s(v128, v128) -> v128; I64x2 Lt s }
    I64x2GtS [0xFD 0xD9] "i64x2.gt_s" Simd
        { i64x2_gt_s(v128, v128) -> v128; I64x2 Gt s }
    I64x2LeS [0xFD 0xDA] "i64x2.le_s" Simd
        { i64x2_le_s(v128, v128) -> v128; I64x2 Le s }
    I64x2GeS [0xFD 0xDB] "i64x2.ge_s" Simd
        { i64x2_ge_s(v128, v128) -> v128; I64x2 Ge s }
    F32x4Eq        [0xFD 0x41] "f32x4.eq"          Simd { f32x4_eq(v128, v128) -> v128; F32x4 Eq }
    F32x4Ne        [0xFD 0x42] "f32x4.ne"          Simd { f32x4_ne(v128, v128) -> v128; F32x4 Ne }
    F32x4Lt        [0xFD 0x43] "f32x4.lt"          Simd { f32x4_lt(v128, v128) -> v128; F32x4 Lt }
    F32x4Gt        [0xFD 0x44] "f32x4.gt"          Simd { f32x4_gt(v128, v128) -> v128; F32x4 Gt }
    F32x4Le        [0xFD 0x45] "f32x4.le"          Simd { f32x4_le(v128, v128) -> v128; F32x4 Le }
    F32x4Ge        [0xFD 0x46] "f32x4.ge"          Simd { f32x4_ge(v128, v128) -> v128; F32x4 Ge }
    F64x2Eq        [0xFD 0x47] "f64x2.eq"          Simd { f64x2_eq(v128, v128) -> v128; F64x2 Eq }
    F64x2Ne        [0xFD 0x48] "f64x2.ne"          Simd { f64x2_ne(v128, v128) -> v128; F64x2 Ne }
    F64x2Lt        [0xFD 0x49] "f64x2.lt"          Simd { f64x2_lt(v128, v128) -> v128; F64x2 Lt }
    F64x2Gt        [0xFD 0x4A] "f64x2.gt"          Simd { f64x2_gt(v128, v128) -> v128; F64x2 Gt }
    F64x2Le        [0xFD 0x4B] "f64x2.le"          Simd { f64x2_le(v128, v128) -> v128; F64x2 Le }
    F64x2Ge        [0xFD 0x4C] "f64x2.ge"          Simd { f64x2_ge(v128, v128) -> v128; F64x2 Ge }
    V128And        [0xFD 0x4E] "v128.and"          Simd { v128_and(v128, v128) -> v128; V128 And }
    V128AndNot [0xFD 0x4F] "v128.andnot" Simd
        { v128_andnot(v128, v128) -> v128; V128 AndNot }
    V128Or         [0xFD 0x50] "v128.or"           Simd { v128_or(v128, v128) -> v128; V128 Or }
    V128Xor        [0xFD 0x51] "v128.xor"          Simd { v128_xor(v128, v128) -> v128; V128 Xor }
    I8x16NarrowI16x8S [0xFD 0x65] "i8x16.narrow_i16x8_s" Simd
        { i8x16_narrow_i16x8_s(v128, v128) -> v128; I8x16 Narrow s }
    I8x16NarrowI16x8U [0xFD 0x66] "i8x16.narrow_i16x8_u" Simd
        { i8x16_narrow_i16x8_u(v128, v128) -> v128; I8x16 Narrow u }
    I8x16Add       [0xFD 0x6E] "i8x16.add"         Simd { i8x16_add(v128, v128) -> v128; I8x16 Add }
    I8x16AddSatS [0xFD 0x6F] "i8x16.add_sat_s" Simd
        { i8x16_add_sat_s(v128, v128) -> v128; I8x16 AddSat s }
    I8x16AddSatU [0xFD 0x70] "i8x16.add_sat_u" Simd
        { i8x16_add_sat_u(v128, v128) -> v128; I8x16 AddSat u }
    I8x16Sub       [0xFD 0x71] "i8x16.sub"         Simd { i8x16_sub(v128, v128) -> v128; I8x16 Sub }
    I8x16SubSatS [0xFD 0x72] "i8x16.sub_sat_s" Simd
        { i8x16_sub_sat_s(v128, v128) -> v128; I8x16 SubSat s }
    I8x16SubSatU [0xFD 0x73] "i8x16.sub_sat_u" Simd
        { i8x16_sub_sat_u(v128, v128) -> v128; I8x16 SubSat u }
    I8x16MinS [0xFD 0x76] "i8x16.min_s" Simd
        { i8x16_min_s(v128, v128) -> v128; I8x16 Min s }
    I8x16MinU [0xFD 0x77] "i8x16.min_u" Simd
        { i8x16_min_u(v128, v128) -> v128; I8x16 Min u }
    I8x16MaxS [0xFD 0x78] "i8x16.max_s" Simd
        { i8x16_max_s(v128, v128) -> v128; I8x16 Max s }
    I8x16MaxU [0xFD 0x79] "i8x16.max_u" Simd
        { i8x16_max_u(v128, v128) -> v128; I8x16 Max u }
    I8x16AvgrU [0xFD 0x7B] "i8x16.avgr_u" Simd
        { i8x16_avgr_u(v128, v128) -> v128; I8x16 Avgr u }
    I16x8Q15MulrSatS [0xFD 0x82] "i16x8.q15mulr_sat_s" Simd
        { i16x8_q15mulr_sat_s(v128, v128) -> v128; I16x8 Q15MulrSat s }
    I16x8NarrowI32x4S [0xFD 0x85] "i16x8.narrow_i32x4_s" Simd
        { i16x8_narrow_i32x4_s(v128, v128) -> v128; I16x8 Narrow s }
    I16x8NarrowI32x4U [0xFD 0x86] "i16x8.narrow_i32x4_u" Simd
        { i16x8_narrow_i32x4_u(v128, v128) -> v128; I16x8 Narrow u }
    I16x8Add       [0xFD 0x8E] "i16x8.add"         Simd { i16x8_add(v128, v128) -> v128; I16x8 Add }
    I16x8AddSatS [0xFD 0x8F] "i16x8.add_sat_s" Simd
        { i16x8_add_sat_s(v128, v128) -> v128; I16x8 AddSat s }
    I16x8AddSatU [0xFD 0x90] "i16x8.add_sat_u" Simd
        { i16x8_add_sat_u(v128, v128) -> v128; I16x8 AddSat u }
    I16x8Sub       [0xFD 0x91] "i16x8.sub"         Simd { i16x8_sub(v128, v128) -> v128; I16x8 Sub }
    I16x8SubSatS [0xFD 0x92] "i16x8.sub_sat_s" Simd
        { i16x8_sub_sat_s(v128, v128) -> v128; I16x8 SubSat s }
    I16x8SubSatU [0xFD 0x93] "i16x8.sub_sat_u" Simd
        { i16x8_sub_sat_u(v128, v128) -> v128; I16x8 SubSat u }
    I16x8Mul       [0xFD 0x95] "i16x8.mul"         Simd { i16x8_mul(v128, v128) -> v128; I16x8 Mul }
    I16x8MinS [0xFD 0x96] "i16x8.min_s" Simd
        { i16x8_min_s(v128, v128) -> v128; I16x8 Min s }
    I16x8MinU [0xFD 0x97] "i16x8.min_u" Simd
        { i16x8_min_u(v128, v128) -> v128; I16x8 Min u }
    I16x8MaxS [0xFD 0x98] "i16x8.max_s" Simd
        { i16x8_max_s(v128, v128) -> v128; I16x8 Max s }
    I16x8MaxU [0xFD 0x99] "i16x8.max_u" Simd
        { i16x8_max_u(v128, v128) -> v128; I16x8 Max u }
    I16x8AvgrU [0xFD 0x9B] "i16x8.avgr_u" Simd
        { i16x8_avgr_u(v128, v128) -> v128; I16x8 Avgr u }
    I16x8ExtMulLowI8x16S [0xFD 0x9C] "i16x8.extmul_low_i8x16_s" Simd
        { i16x8_extmul_low_i8x16_s(v128, v128) -> v128; I16x8 ExtMul low s }
    I16x8ExtMulHighI8x16S [0xFD 0x9D] "i16x8.extmul_high_i8x16_s" Simd
        { i16x8_extmul_high_i8x16_s(v128, v128) -> v128; I16x8 ExtMul high s }
    I16x8ExtMulLowI8x16U [0xFD 0x9E] "i16x8.extmul_low_i8x16_u" Simd
        { i16x8_extmul_low_i8x16_u(v128, v128) -> v128; I16x8 ExtMul low u }
    I16x8ExtMulHighI8x16U [0xFD 0x9F] "i16x8.extmul_high_i8x16_u" Simd
        { i16x8_extmul_high_i8x16_u(v128, v128) -> v128; I16x8 ExtMul high u }
    I32x4Add       [0xFD 0xAE] "i32x4.add"         Simd { i32x4_add(v128, v128) -> v128; I32x4 Add }
    I32x4Sub       [0xFD 0xB1] "i32x4.sub"         Simd { i32x4_sub(v128, v128) -> v128; I32x4 Sub }
    I32x4Mul       [0xFD 0xB5] "i32x4.mul"         Simd { i32x4_mul(v128, v128) -> v128; I32x4 Mul }
    I32x4MinS [0xFD 0xB6] "i32x4.min_s" Simd
        { i32x4_min_s(v128, v128) -> v128; I32x4 Min s }
    I32x4MinU [0xFD 0xB7] "i32x4.min_u" Simd
        { i32x4_min_u(v128, v128) -> v128; I32x4 Min u }
    I32x4MaxS [0xFD 0xB8] "i32x4.max_s" Simd
        { i32x4_max_s(v128, v128) -> v128; I32x4 Max s }
    I32x4MaxU [0xFD 0xB9] "i32x4.max_u" Simd
        { i32x4_max_u(v128, v128) -> v128; I32x4 Max u }
    I32x4DotI16x8S [0xFD 0xBA] "i32x4.dot_i16x8_s" Simd
        { i32x4_dot_i16x8_s(v128, v128) -> v128; I32x4 Dot s }
    I32x4ExtMulLowI16x8S [0xFD 0xBC] "i32x4.extmul_low_i16x8_s" Simd
        { i32x4_extmul_low_i16x8_s(v128, v128) -> v128; I32x4 ExtMul low s }
    I32x4ExtMulHighI16x8S [0xFD 0xBD] "i32x4.extmul_high_i16x8_s" Simd
        { i32x4_extmul_high_i16x8_s(v128, v128) -> v128; I32x4 ExtMul high s }
    I32x4ExtMulLowI16x8U [0xFD 0xBE] "i32x4.extmul_low_i16x8_u" Simd
        { i32x4_extmul_low_i16x8_u(v128, v128) -> v128; I32x4 ExtMul low u }
    I32x4ExtMulHighI16x8U [0xFD 0xBF] "i32x4.extmul_high_i16x8_u" Simd
        { i32x4_extmul_high_i16x8_u(v128, v128) -> v128; I32x4 ExtMul high u }
    I64x2Add       [0xFD 0xCE] "i64x2.add"         Simd { i64x2_add(v128, v128) -> v128; I64x2 Add }
    I64x2Sub       [0xFD 0xD1] "i64x2.sub"         Simd { i64x2_sub(v128, v128) -> v128; I64x2 Sub }
    I64x2Mul       [0xFD 0xD5] "i64x2.mul"         Simd { i64x2_mul(v128, v128) -> v128; I64x2 Mul }
    I64x2ExtMulLowI32x4S [0xFD 0xDC] "i64x2.extmul_low_i32x4_s" Simd
        { i64x2_extmul_low_i32x4_s(v128, v128) -> v128; I64x2 ExtMul low s }
    I64x2ExtMulHighI32x4S [0xFD 0xDD] "i64x2.extmul_high_i32x4_s" Simd
        { i64x2_extmul_high_i32x4_s(v128, v128) -> v128; I64x2 ExtMul high s }
    I64x2ExtMulLowI32x4U [0xFD 0xDE] "i64x2.extmul_low_i32x4_u" Simd
        { i64x2_extmul_low_i32x4_u(v128, v128) -> v128; I64x2 ExtMul low u }
    I64x2ExtMulHighI32x4U [0xFD 0xDF] "i64x2.extmul_high_i32x4_u" Simd
        { i64x2_extmul_high_i32x4_u(v128, v128) -> v128; I64x2 ExtMul high u }
    F32x4Add       [0xFD 0xE4] "f32x4.add"         Simd { f32x4_add(v128, v128) -> v128; F32x4 Add }
    F32x4Sub       [0xFD 0xE5] "f32x4.sub"         Simd { f32x4_sub(v128, v128) -> v128; F32x4 Sub }
    F32x4Mul       [0xFD 0xE6] "f32x4.mul"         Simd { f32x4_mul(v128, v128) -> v128; F32x4 Mul }
    F32x4Div       [0xFD 0xE7] "f32x4.div"         Simd { f32x4_div(v128, v128) -> v128; F32x4 Div }
    F32x4Min       [0xFD 0xE8] "f32x4.min"         Simd { f32x4_min(v128, v128) -> v128; F32x4 Min }
    F32x4Max       [0xFD 0xE9] "f32x4.max"         Simd { f32x4_max(v128, v128) -> v128; F32x4 Max }
    F32x4PMin [0xFD 0xEA] "f32x4.pmin" Simd
        { f32x4_pmin(v128, v128) -> v128; F32x4 PMin }
    F32x4PMax [0xFD 0xEB] "f32x4.pmax" Simd
        { f32x4_pmax(v128, v128) -> v128; F32x4 PMax }
    F64x2Add       [0xFD 0xF0] "f64x2.add"         Simd { f64x2_add(v128, v128) -> v128; F64x2 Add }
    F64x2Sub       [0xFD 0xF1] "f64x2.sub"         Simd { f64x2_sub(v128, v128) -> v128; F64x2 Sub }
    F64x2Mul       [0xFD 0xF2] "f64x2.mul"         Simd { f64x2_mul(v128, v128) -> v128; F64x2 Mul }
    F64x2Div       [0xFD 0xF3] "f64x2.div"         Simd { f64x2_div(v128, v128) -> v128; F64x2 Div }
    F64x2Min       [0xFD 0xF4] "f64x2.min"         Simd { f64x2_min(v128, v128) -> v128; F64x2 Min }
    F64x2Max       [0xFD 0xF5] "f64x2.max"         Simd { f64x2_max(v128, v128) -> v128; F64x2 Max }
    F64x2PMin [0xFD 0xF6] "f64x2.pmin" Simd
        { f64x2_pmin(v128, v128) -> v128; F64x2 PMin }
    F64x2PMax [0xFD 0xF7] "f64x2.pmax" Simd
        { f64x2_pmax(v128, v128) -> v128; F64x2 PMax }
    I8x16RelaxedSwizzle [0xFD 0x100] "i8x16.relaxed_swizzle" RelaxedSimd
        { i8x16_relaxed_swizzle(v128, v128) -> v128; I8x16 RelaxedSwizzle }
    F32x4RelaxedMin [0xFD 0x10D] "f32x4.relaxed_min" RelaxedSimd
        { f32x4_relaxed_min(v128, v128) -> v128; F32x4 RelaxedMin }
    F32x4RelaxedMax [0xFD 0x10E] "f32x4.relaxed_max" RelaxedSimd
        { f32x4_relaxed_max(v128, v128) -> v128; F32x4 RelaxedMax }
    F64x2RelaxedMin [0xFD 0x10F] "f64x2.relaxed_min" RelaxedSimd
        { f64x2_relaxed_min(v128, v128) -> v128; F64x2 RelaxedMin }
    F64x2RelaxedMax [0xFD 0x110] "f64x2.relaxed_max" RelaxedSimd
        { f64x2_relaxed_max(v128, v128) -> v128; F64x2 RelaxedMax }
    I16x8RelaxedQ15mulrS [0xFD 0x111] "i16x8.relaxed_q15mulr_s" RelaxedSimd
        { i16x8_relaxed_q15mulr_s(v128, v128) -> v128; I16x8 RelaxedQ15Mulr s }
    I16x8RelaxedDotI8x16I7x16S [0xFD 0x112] "i16x8.relaxed_dot_i8x16_i7x16_s" RelaxedSimd
        { i16x8_relaxed_dot_i8x16_i7x16_s(v128, v128) -> v128; I16x8 RelaxedDot s }
}

rows! {
    /// `{ function(v128, i32) -> v128 }`.
    for_each_simd_shift: simd_shift ($)

    I8x16Shl  [0xFD 0x6B] "i8x16.shl"   Simd { i8x16_shl(v128, i32) -> v128; I8x16 Shl }
    I8x16ShrS [0xFD 0x6C] "i8x16.shr_s" Simd { i8x16_shr_s(v128, i32) -> v128; I8x16 Shr s }
    I8x16ShrU [0xFD 0x6D] "i8x16.shr_u" Simd { i8x16_shr_u(v128, i32) -> v128; I8x16 Shr u }
    I16x8Shl  [0xFD 0x8B] "i16x8.shl"   Simd { i16x8_shl(v128, i32) -> v128; I16x8 Shl }
    I16x8ShrS [0xFD 0x8C] "i16x8.shr_s" Simd { i16x8_shr_s(v128, i32) -> v128; I16x8 Shr s }
    I16x8ShrU [0xFD 0x8D] "i16x8.shr_u" Simd { i16x8_shr_u(v128, i32) -> v128; I16x8 Shr u }
    I32x4Shl  [0xFD 0xAB] "i32x4.shl"   Simd { i32x4_shl(v128, i32) -> v128; I32x4 Shl }
    I32x4ShrS [0xFD 0xAC] "i32x4.shr_s" Simd { i32x4_shr_s(v128, i32) -> v128; I32x4 Shr s }
    I32x4ShrU [0xFD 0xAD] "i32x4.shr_u" Simd { i32x4_shr_u(v128, i32) -> v128; I32x4 Shr u }
    I64x2Shl  [0xFD 0xCB] "i64x2.shl"   Simd { i64x2_shl(v128, i32) -> v128; I64x2 Shl }
    I64x2ShrS [0xFD 0xCC] "i64x2.shr_s" Simd { i64x2_shr_s(v128, i32) -> v128; I64x2 Shr s }
    I64x2ShrU [0xFD 0xCD] "i64x2.shr_u" Simd { i64x2_shr_u(v128, i32) -> v128; I64x2 Shr u }
}

rows! {
    /// `{ function(v128, v128, v128) -> v128 }`, relaxed ones included.
    for_each_simd_ternary: simd_ternary ($)

    V128Bitselect [0xFD 0x52] "v128.bitselect" Simd
        { v128_bitselect(v128, v128, v128) -> v128; V128 Bitselect }
    F32x4RelaxedMadd [0xFD 0x105] "f32x4.relaxed_madd" RelaxedSimd
        { f32x4_relaxed_madd(v128, v128, v128) -> v128; F32x4 RelaxedMadd }
    F32x4RelaxedNmadd [0xFD 0x106] "f32x4.relaxed_nmadd" RelaxedSimd
        { f32x4_relaxed_nmadd(v128, v128, v128) -> v128; F32x4 RelaxedNmadd }
    F64x2RelaxedMadd [0xFD 0x107] "f64x2.relaxed_madd" RelaxedSimd
        { f64x2_relaxed_madd(v128, v128, v128) -> v128; F64x2 RelaxedMadd }
    F64x2RelaxedNmadd [0xFD 0x108] "f64x2.relaxed_nmadd" RelaxedSimd
        { f64x2_relaxed_nmadd(v128, v128, v128) -> v128; F64x2 RelaxedNmadd }
    I8x16RelaxedLaneselect [0xFD 0x109] "i8x16.relaxed_laneselect" RelaxedSimd
        { i8x16_relaxed_laneselect(v128, v128, v128) -> v128; I8x16 RelaxedLaneselect }
    I16x8RelaxedLaneselect [0xFD 0x10A] "i16x8.relaxed_laneselect" RelaxedSimd
        { i16x8_relaxed_laneselect(v128, v128, v128) -> v128; I16x8 RelaxedLaneselect }
    I32x4RelaxedLaneselect [0xFD 0x10B] "i32x4.relaxed_laneselect" RelaxedSimd
        { i32x4_relaxed_laneselect(v128, v128, v128) -> v128; I32x4 RelaxedLaneselect }
    I64x2RelaxedLaneselect [0xFD 0x10C] "i64x2.relaxed_laneselect" RelaxedSimd
        { i64x2_relaxed_laneselect(v128, v128, v128) -> v128; I64x2 RelaxedLaneselect }
    I32x4RelaxedDotI8x16I7x16AddS [0xFD 0x113] "i32x4.relaxed_dot_i8x16_i7x16_add_s" RelaxedSimd
        { i32x4_relaxed_dot_i8x16_i7x16_add_s(v128, v128, v128) -> v128; I32x4 RelaxedDotAdd s }
}
