//! Rows of the opcode table: scalar numeric instructions.
//!
//! Owns the facts of these opcodes and nothing else; `super` says what a row means and composes
//! them. Each row names the pure function in `crate::numeric` that is its meaning; whether it may
//! trap is the group it stands in. Spec: 5.4.7 Numeric Instructions.

rows! {
    /// Total unary operations of one type: `{ function(param) -> result }`.
    for_each_unary: unary ($)

    I32Clz       [0x67] "i32.clz"        Mvp           { i32_clz(i32) -> i32 }
    I32Ctz       [0x68] "i32.ctz"        Mvp           { i32_ctz(i32) -> i32 }
    I32Popcnt    [0x69] "i32.popcnt"     Mvp           { i32_popcnt(i32) -> i32 }
    I64Clz       [0x79] "i64.clz"        Mvp           { i64_clz(i64) -> i64 }
    I64Ctz       [0x7A] "i64.ctz"        Mvp           { i64_ctz(i64) -> i64 }
    I64Popcnt    [0x7B] "i64.popcnt"     Mvp           { i64_popcnt(i64) -> i64 }
    F32Abs       [0x8B] "f32.abs"        Mvp           { f32_abs(f32) -> f32 }
    F32Neg       [0x8C] "f32.neg"        Mvp           { f32_neg(f32) -> f32 }
    F32Ceil      [0x8D] "f32.ceil"       Mvp           { f32_ceil(f32) -> f32 }
    F32Floor     [0x8E] "f32.floor"      Mvp           { f32_floor(f32) -> f32 }
    F32Trunc     [0x8F] "f32.trunc"      Mvp           { f32_trunc(f32) -> f32 }
    F32Nearest   [0x90] "f32.nearest"    Mvp           { f32_nearest(f32) -> f32 }
    F32Sqrt      [0x91] "f32.sqrt"       Mvp           { f32_sqrt(f32) -> f32 }
    F64Abs       [0x99] "f64.abs"        Mvp           { f64_abs(f64) -> f64 }
    F64Neg       [0x9A] "f64.neg"        Mvp           { f64_neg(f64) -> f64 }
    F64Ceil      [0x9B] "f64.ceil"       Mvp           { f64_ceil(f64) -> f64 }
    F64Floor     [0x9C] "f64.floor"      Mvp           { f64_floor(f64) -> f64 }
    F64Trunc     [0x9D] "f64.trunc"      Mvp           { f64_trunc(f64) -> f64 }
    F64Nearest   [0x9E] "f64.nearest"    Mvp           { f64_nearest(f64) -> f64 }
    F64Sqrt      [0x9F] "f64.sqrt"       Mvp           { f64_sqrt(f64) -> f64 }
    I32Extend8S  [0xC0] "i32.extend8_s"  SignExtension { i32_extend8_s(i32) -> i32 }
    I32Extend16S [0xC1] "i32.extend16_s" SignExtension { i32_extend16_s(i32) -> i32 }
    I64Extend8S  [0xC2] "i64.extend8_s"  SignExtension { i64_extend8_s(i64) -> i64 }
    I64Extend16S [0xC3] "i64.extend16_s" SignExtension { i64_extend16_s(i64) -> i64 }
    I64Extend32S [0xC4] "i64.extend32_s" SignExtension { i64_extend32_s(i64) -> i64 }
}

rows! {
    /// Tests against zero, with the boolean as an i32: `{ function(param) -> i32 }`.
    for_each_test: test ($)

    I32Eqz [0x45] "i32.eqz" Mvp { i32_eqz(i32) -> i32 }
    I64Eqz [0x50] "i64.eqz" Mvp { i64_eqz(i64) -> i32 }
}

rows! {
    /// Total conversions: `{ function(param) -> result }`.
    for_each_convert: convert ($)

    I32WrapI64        [0xA7] "i32.wrap_i64"        Mvp { i32_wrap_i64(i64) -> i32 }
    I64ExtendI32S     [0xAC] "i64.extend_i32_s"    Mvp { i64_extend_i32_s(i32) -> i64 }
    I64ExtendI32U     [0xAD] "i64.extend_i32_u"    Mvp { i64_extend_i32_u(i32) -> i64 }
    F32ConvertI32S    [0xB2] "f32.convert_i32_s"   Mvp { f32_convert_i32_s(i32) -> f32 }
    F32ConvertI32U    [0xB3] "f32.convert_i32_u"   Mvp { f32_convert_i32_u(i32) -> f32 }
    F32ConvertI64S    [0xB4] "f32.convert_i64_s"   Mvp { f32_convert_i64_s(i64) -> f32 }
    F32ConvertI64U    [0xB5] "f32.convert_i64_u"   Mvp { f32_convert_i64_u(i64) -> f32 }
    F32DemoteF64      [0xB6] "f32.demote_f64"      Mvp { f32_demote_f64(f64) -> f32 }
    F64ConvertI32S    [0xB7] "f64.convert_i32_s"   Mvp { f64_convert_i32_s(i32) -> f64 }
    F64ConvertI32U    [0xB8] "f64.convert_i32_u"   Mvp { f64_convert_i32_u(i32) -> f64 }
    F64ConvertI64S    [0xB9] "f64.convert_i64_s"   Mvp { f64_convert_i64_s(i64) -> f64 }
    F64ConvertI64U    [0xBA] "f64.convert_i64_u"   Mvp { f64_convert_i64_u(i64) -> f64 }
    F64PromoteF32     [0xBB] "f64.promote_f32"     Mvp { f64_promote_f32(f32) -> f64 }
    I32ReinterpretF32 [0xBC] "i32.reinterpret_f32" Mvp { i32_reinterpret_f32(f32) -> i32 }
    I64ReinterpretF64 [0xBD] "i64.reinterpret_f64" Mvp { i64_reinterpret_f64(f64) -> i64 }
    F32ReinterpretI32 [0xBE] "f32.reinterpret_i32" Mvp { f32_reinterpret_i32(i32) -> f32 }
    F64ReinterpretI64 [0xBF] "f64.reinterpret_i64" Mvp { f64_reinterpret_i64(i64) -> f64 }
    I32TruncSatF32S [0xFC 0x00] "i32.trunc_sat_f32_s" NontrappingFloatToInt
        { i32_trunc_sat_f32_s(f32) -> i32 }
    I32TruncSatF32U [0xFC 0x01] "i32.trunc_sat_f32_u" NontrappingFloatToInt
        { i32_trunc_sat_f32_u(f32) -> i32 }
    I32TruncSatF64S [0xFC 0x02] "i32.trunc_sat_f64_s" NontrappingFloatToInt
        { i32_trunc_sat_f64_s(f64) -> i32 }
    I32TruncSatF64U [0xFC 0x03] "i32.trunc_sat_f64_u" NontrappingFloatToInt
        { i32_trunc_sat_f64_u(f64) -> i32 }
    I64TruncSatF32S [0xFC 0x04] "i64.trunc_sat_f32_s" NontrappingFloatToInt
        { i64_trunc_sat_f32_s(f32) -> i64 }
    I64TruncSatF32U [0xFC 0x05] "i64.trunc_sat_f32_u" NontrappingFloatToInt
        { i64_trunc_sat_f32_u(f32) -> i64 }
    I64TruncSatF64S [0xFC 0x06] "i64.trunc_sat_f64_s" NontrappingFloatToInt
        { i64_trunc_sat_f64_s(f64) -> i64 }
    I64TruncSatF64U [0xFC 0x07] "i64.trunc_sat_f64_u" NontrappingFloatToInt
        { i64_trunc_sat_f64_u(f64) -> i64 }
}

rows! {
    /// Conversions that may trap: `{ function(param) -> result }`.
    for_each_convert_trapping: convert_trapping ($)

    I32TruncF32S [0xA8] "i32.trunc_f32_s" Mvp { i32_trunc_f32_s(f32) -> i32 }
    I32TruncF32U [0xA9] "i32.trunc_f32_u" Mvp { i32_trunc_f32_u(f32) -> i32 }
    I32TruncF64S [0xAA] "i32.trunc_f64_s" Mvp { i32_trunc_f64_s(f64) -> i32 }
    I32TruncF64U [0xAB] "i32.trunc_f64_u" Mvp { i32_trunc_f64_u(f64) -> i32 }
    I64TruncF32S [0xAE] "i64.trunc_f32_s" Mvp { i64_trunc_f32_s(f32) -> i64 }
    I64TruncF32U [0xAF] "i64.trunc_f32_u" Mvp { i64_trunc_f32_u(f32) -> i64 }
    I64TruncF64S [0xB0] "i64.trunc_f64_s" Mvp { i64_trunc_f64_s(f64) -> i64 }
    I64TruncF64U [0xB1] "i64.trunc_f64_u" Mvp { i64_trunc_f64_u(f64) -> i64 }
}

rows! {
    /// Total binary operations: `{ function(param, param) -> result }`.
    for_each_binary: binary ($)

    I32Add      [0x6A] "i32.add"      Mvp { i32_add(i32, i32) -> i32 }
    I32Sub      [0x6B] "i32.sub"      Mvp { i32_sub(i32, i32) -> i32 }
    I32Mul      [0x6C] "i32.mul"      Mvp { i32_mul(i32, i32) -> i32 }
    I32And      [0x71] "i32.and"      Mvp { i32_and(i32, i32) -> i32 }
    I32Or       [0x72] "i32.or"       Mvp { i32_or(i32, i32) -> i32 }
    I32Xor      [0x73] "i32.xor"      Mvp { i32_xor(i32, i32) -> i32 }
    I32Shl      [0x74] "i32.shl"      Mvp { i32_shl(i32, i32) -> i32 }
    I32ShrS     [0x75] "i32.shr_s"    Mvp { i32_shr_s(i32, i32) -> i32 }
    I32ShrU     [0x76] "i32.shr_u"    Mvp { i32_shr_u(i32, i32) -> i32 }
    I32Rotl     [0x77] "i32.rotl"     Mvp { i32_rotl(i32, i32) -> i32 }
    I32Rotr     [0x78] "i32.rotr"     Mvp { i32_rotr(i32, i32) -> i32 }
    I64Add      [0x7C] "i64.add"      Mvp { i64_add(i64, i64) -> i64 }
    I64Sub      [0x7D] "i64.sub"      Mvp { i64_sub(i64, i64) -> i64 }
    I64Mul      [0x7E] "i64.mul"      Mvp { i64_mul(i64, i64) -> i64 }
    I64And      [0x83] "i64.and"      Mvp { i64_and(i64, i64) -> i64 }
    I64Or       [0x84] "i64.or"       Mvp { i64_or(i64, i64) -> i64 }
    I64Xor      [0x85] "i64.xor"      Mvp { i64_xor(i64, i64) -> i64 }
    I64Shl      [0x86] "i64.shl"      Mvp { i64_shl(i64, i64) -> i64 }
    I64ShrS     [0x87] "i64.shr_s"    Mvp { i64_shr_s(i64, i64) -> i64 }
    I64ShrU     [0x88] "i64.shr_u"    Mvp { i64_shr_u(i64, i64) -> i64 }
    I64Rotl     [0x89] "i64.rotl"     Mvp { i64_rotl(i64, i64) -> i64 }
    I64Rotr     [0x8A] "i64.rotr"     Mvp { i64_rotr(i64, i64) -> i64 }
    F32Add      [0x92] "f32.add"      Mvp { f32_add(f32, f32) -> f32 }
    F32Sub      [0x93] "f32.sub"      Mvp { f32_sub(f32, f32) -> f32 }
    F32Mul      [0x94] "f32.mul"      Mvp { f32_mul(f32, f32) -> f32 }
    F32Div      [0x95] "f32.div"      Mvp { f32_div(f32, f32) -> f32 }
    F32Min      [0x96] "f32.min"      Mvp { f32_min(f32, f32) -> f32 }
    F32Max      [0x97] "f32.max"      Mvp { f32_max(f32, f32) -> f32 }
    F32Copysign [0x98] "f32.copysign" Mvp { f32_copysign(f32, f32) -> f32 }
    F64Add      [0xA0] "f64.add"      Mvp { f64_add(f64, f64) -> f64 }
    F64Sub      [0xA1] "f64.sub"      Mvp { f64_sub(f64, f64) -> f64 }
    F64Mul      [0xA2] "f64.mul"      Mvp { f64_mul(f64, f64) -> f64 }
    F64Div      [0xA3] "f64.div"      Mvp { f64_div(f64, f64) -> f64 }
    F64Min      [0xA4] "f64.min"      Mvp { f64_min(f64, f64) -> f64 }
    F64Max      [0xA5] "f64.max"      Mvp { f64_max(f64, f64) -> f64 }
    F64Copysign [0xA6] "f64.copysign" Mvp { f64_copysign(f64, f64) -> f64 }
}

rows! {
    /// Binary operations that may trap: `{ function(param, param) -> result }`.
    for_each_binary_trapping: binary_trapping ($)

    I32DivS [0x6D] "i32.div_s" Mvp { i32_div_s(i32, i32) -> i32 }
    I32DivU [0x6E] "i32.div_u" Mvp { i32_div_u(i32, i32) -> i32 }
    I32RemS [0x6F] "i32.rem_s" Mvp { i32_rem_s(i32, i32) -> i32 }
    I32RemU [0x70] "i32.rem_u" Mvp { i32_rem_u(i32, i32) -> i32 }
    I64DivS [0x7F] "i64.div_s" Mvp { i64_div_s(i64, i64) -> i64 }
    I64DivU [0x80] "i64.div_u" Mvp { i64_div_u(i64, i64) -> i64 }
    I64RemS [0x81] "i64.rem_s" Mvp { i64_rem_s(i64, i64) -> i64 }
    I64RemU [0x82] "i64.rem_u" Mvp { i64_rem_u(i64, i64) -> i64 }
}

rows! {
    /// Comparisons, with the boolean as an i32: `{ function(param, param) -> i32 }`.
    for_each_compare: compare ($)

    I32Eq  [0x46] "i32.eq"   Mvp { i32_eq(i32, i32) -> i32 }
    I32Ne  [0x47] "i32.ne"   Mvp { i32_ne(i32, i32) -> i32 }
    I32LtS [0x48] "i32.lt_s" Mvp { i32_lt_s(i32, i32) -> i32 }
    I32LtU [0x49] "i32.lt_u" Mvp { i32_lt_u(i32, i32) -> i32 }
    I32GtS [0x4A] "i32.gt_s" Mvp { i32_gt_s(i32, i32) -> i32 }
    I32GtU [0x4B] "i32.gt_u" Mvp { i32_gt_u(i32, i32) -> i32 }
    I32LeS [0x4C] "i32.le_s" Mvp { i32_le_s(i32, i32) -> i32 }
    I32LeU [0x4D] "i32.le_u" Mvp { i32_le_u(i32, i32) -> i32 }
    I32GeS [0x4E] "i32.ge_s" Mvp { i32_ge_s(i32, i32) -> i32 }
    I32GeU [0x4F] "i32.ge_u" Mvp { i32_ge_u(i32, i32) -> i32 }
    I64Eq  [0x51] "i64.eq"   Mvp { i64_eq(i64, i64) -> i32 }
    I64Ne  [0x52] "i64.ne"   Mvp { i64_ne(i64, i64) -> i32 }
    I64LtS [0x53] "i64.lt_s" Mvp { i64_lt_s(i64, i64) -> i32 }
    I64LtU [0x54] "i64.lt_u" Mvp { i64_lt_u(i64, i64) -> i32 }
    I64GtS [0x55] "i64.gt_s" Mvp { i64_gt_s(i64, i64) -> i32 }
    I64GtU [0x56] "i64.gt_u" Mvp { i64_gt_u(i64, i64) -> i32 }
    I64LeS [0x57] "i64.le_s" Mvp { i64_le_s(i64, i64) -> i32 }
    I64LeU [0x58] "i64.le_u" Mvp { i64_le_u(i64, i64) -> i32 }
    I64GeS [0x59] "i64.ge_s" Mvp { i64_ge_s(i64, i64) -> i32 }
    I64GeU [0x5A] "i64.ge_u" Mvp { i64_ge_u(i64, i64) -> i32 }
    F32Eq  [0x5B] "f32.eq"   Mvp { f32_eq(f32, f32) -> i32 }
    F32Ne  [0x5C] "f32.ne"   Mvp { f32_ne(f32, f32) -> i32 }
    F32Lt  [0x5D] "f32.lt"   Mvp { f32_lt(f32, f32) -> i32 }
    F32Gt  [0x5E] "f32.gt"   Mvp { f32_gt(f32, f32) -> i32 }
    F32Le  [0x5F] "f32.le"   Mvp { f32_le(f32, f32) -> i32 }
    F32Ge  [0x60] "f32.ge"   Mvp { f32_ge(f32, f32) -> i32 }
    F64Eq  [0x61] "f64.eq"   Mvp { f64_eq(f64, f64) -> i32 }
    F64Ne  [0x62] "f64.ne"   Mvp { f64_ne(f64, f64) -> i32 }
    F64Lt  [0x63] "f64.lt"   Mvp { f64_lt(f64, f64) -> i32 }
    F64Gt  [0x64] "f64.gt"   Mvp { f64_gt(f64, f64) -> i32 }
    F64Le  [0x65] "f64.le"   Mvp { f64_le(f64, f64) -> i32 }
    F64Ge  [0x66] "f64.ge"   Mvp { f64_ge(f64, f64) -> i32 }
}

rows! {
    /// 128-bit arithmetic on pairs of i64, low half first: `{ function(params) -> (results) }`.
    for_each_wide: wide ($)

    I64Add128 [0xFC 0x13] "i64.add128" WideArithmetic
        { i64_add128(i64, i64, i64, i64) -> (i64, i64) }
    I64Sub128 [0xFC 0x14] "i64.sub128" WideArithmetic
        { i64_sub128(i64, i64, i64, i64) -> (i64, i64) }
    I64MulWideS [0xFC 0x15] "i64.mul_wide_s" WideArithmetic
        { i64_mul_wide_s(i64, i64) -> (i64, i64) }
    I64MulWideU [0xFC 0x16] "i64.mul_wide_u" WideArithmetic
        { i64_mul_wide_u(i64, i64) -> (i64, i64) }
}
