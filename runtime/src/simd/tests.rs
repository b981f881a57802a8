//! Tests of what the suite's assertions on vector opcodes do not reach: the halves of loads and
//! stores that are not memory, slots, and the choices of the deterministic profile. (`evaluate`'s
//! tests run the suite's literal expectations over every other row.)

use super::*;

/// The bytes 0x00, 0x01, .. 0x0F.
const COUNT: V128 = V128::from_bits(0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100);

#[test]
fn slots_and_bits_hold_the_low_half_first() {
    assert_eq!(
        COUNT.into_slots(),
        [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908]
    );
    assert_eq!(V128::from_slots(COUNT.into_slots()), COUNT);
    assert_eq!(V128::from_bits(COUNT.to_bits()), COUNT);
    assert_eq!(COUNT.0, from_fn(|i| i as u8));
}

#[test]
fn loads_and_stores_of_a_vector() {
    assert_eq!(v128_load(COUNT.to_bits()), COUNT);
    assert_eq!(v128_store(COUNT), COUNT.to_bits());
    assert_eq!(v128_load32_zero(0x8765_4321).to_bits(), 0x8765_4321);
    assert_eq!(v128_load64_zero(u64::MAX).to_bits(), u128::from(u64::MAX));
    assert_eq!(
        v128_load8_splat(0x81).to_bits(),
        0x8181_8181_8181_8181_8181_8181_8181_8181
    );
    assert_eq!(
        v128_load16_splat(0x8123).to_bits(),
        0x8123_8123_8123_8123_8123_8123_8123_8123
    );
    assert_eq!(
        v128_load32_splat(1).to_bits(),
        0x0000_0001_0000_0001_0000_0001_0000_0001
    );
    assert_eq!(
        v128_load64_splat(2).to_bits(),
        0x0000_0000_0000_0002_0000_0000_0000_0002
    );
}

#[test]
fn loads_that_extend() {
    let bits = 0x8000_7F01_FF02_8003;
    let signed = [
        0x0003u16, 0xFF80, 0x0002, 0xFFFF, 0x0001, 0x007F, 0x0000, 0xFF80,
    ];
    assert_eq!(v128_load8x8_s(bits), signed.into_vector());
    assert_eq!(
        v128_load8x8_u(bits),
        signed.map(|lane| lane & 0xFF).into_vector()
    );
    let signed = [0xFFFF_8003u32, 0xFFFF_FF02, 0x0000_7F01, 0xFFFF_8000];
    assert_eq!(v128_load16x4_s(bits), signed.into_vector());
    assert_eq!(
        v128_load16x4_u(bits),
        signed.map(|lane| lane & 0xFFFF).into_vector()
    );
    let signed = [0xFFFF_FFFF_FF02_8003u64, 0xFFFF_FFFF_8000_7F01];
    assert_eq!(v128_load32x2_s(bits), signed.into_vector());
    assert_eq!(
        v128_load32x2_u(bits),
        signed.map(|lane| lane & 0xFFFF_FFFF).into_vector()
    );
}

#[test]
fn loads_and_stores_of_a_lane() {
    let bits = COUNT.to_bits();
    assert_eq!(
        v128_load8_lane(0xFF, COUNT, 15).to_bits(),
        bits | 0xFF << 120
    );
    assert_eq!(
        v128_load16_lane(0xFFFF, COUNT, 1).to_bits(),
        bits | 0xFFFF << 16
    );
    assert_eq!(
        v128_load32_lane(u32::MAX, COUNT, 2).to_bits(),
        bits | 0xFFFF_FFFF << 64
    );
    assert_eq!(v128_load64_lane(0, COUNT, 0).to_bits(), bits >> 64 << 64);
    assert_eq!(v128_store8_lane(COUNT, 15), 0x0F);
    assert_eq!(v128_store16_lane(COUNT, 7), 0x0F0E);
    assert_eq!(v128_store32_lane(COUNT, 1), 0x0706_0504);
    assert_eq!(v128_store64_lane(COUNT, 1), 0x0F0E_0D0C_0B0A_0908);
}

#[test]
fn relaxed_opcodes_choose_as_the_deterministic_profile_does() {
    let all = |lane: u8| V128([lane; 16]);
    // Out of range lane numbers give 0, in each half of the range.
    assert_eq!(i8x16_relaxed_swizzle(COUNT, all(16)), all(0));
    assert_eq!(i8x16_relaxed_swizzle(COUNT, all(0x81)), all(0));
    // The mask selects bit by bit.
    assert_eq!(
        i8x16_relaxed_laneselect(all(0xFF), all(0), all(0x85)),
        all(0x85)
    );
    // Multiply and add round twice: (1 + 2^-12)^2 - (1 + 2^-11) is 0 and not 2^-24.
    let near_one = [1.0 + 2f32.powi(-12); 4].into_vector();
    let sum = [-1.0 - 2f32.powi(-11); 4].into_vector();
    assert_eq!(f32x4_relaxed_madd(near_one, near_one, sum), all(0));
    let minus = f32x4_neg(near_one);
    assert_eq!(f32x4_relaxed_nmadd(minus, near_one, sum), all(0));
    // The dot product is signed, and its pairs of products saturate.
    assert_eq!(
        i16x8_relaxed_dot_i8x16_i7x16_s(all(0x80), all(0x80)),
        splat::<i16, 8>(i16::MAX)
    );
    assert_eq!(
        i16x8_relaxed_dot_i8x16_i7x16_s(all(0xFF), all(0xFF)),
        splat::<i16, 8>(2)
    );
    let one = splat::<i32, 4>(1);
    let dot = i32x4_relaxed_dot_i8x16_i7x16_add_s(all(0x80), all(0x80), one);
    assert_eq!(dot, splat::<i32, 4>(2 * i32::from(i16::MAX) + 1));
    assert_eq!(
        i16x8_relaxed_q15mulr_s(splat::<i16, 8>(i16::MIN), splat::<i16, 8>(i16::MIN)),
        splat::<i16, 8>(i16::MAX)
    );
    // NaN operands give the canonical NaN, never the other operand; -0 is below 0.
    let nans = [f32::from_bits(0xFFA0_0001); 4].into_vector();
    let canonical = splat::<u32, 4>(numeric::NAN32_BITS);
    assert_eq!(f32x4_relaxed_min(nans, all(0)), canonical);
    assert_eq!(f32x4_relaxed_max(all(0), nans), canonical);
    let zeros = [-0.0f64, 0.0].into_vector();
    let swapped = [0.0f64, -0.0].into_vector();
    assert_eq!(
        f64x2_relaxed_min(zeros, swapped),
        [-0.0f64; 2].into_vector()
    );
    assert_eq!(f64x2_relaxed_max(zeros, swapped), [0.0f64; 2].into_vector());
    // Conversions saturate.
    let big = [3e9f32, -3e9, f32::NAN, -0.5].into_vector();
    assert_eq!(
        i32x4_relaxed_trunc_f32x4_s(big),
        [i32::MAX, i32::MIN, 0, 0].into_vector()
    );
    assert_eq!(
        i32x4_relaxed_trunc_f32x4_u(big),
        [3_000_000_000u32, 0, 0, 0].into_vector()
    );
}

#[test]
fn every_nan_that_an_operation_makes_is_the_positive_canonical_one() {
    let nans32 = [0xFFC0_0000u32, 0x7FA0_0001, 0xFFFF_FFFF, 0x7FC1_2345].into_vector();
    let nans64 = [0xFFF8_0000_0000_0000u64, 0x7FF4_0000_0000_0001].into_vector();
    let (canonical32, canonical64) = (
        splat::<u32, 4>(numeric::NAN32_BITS),
        splat::<u64, 2>(numeric::NAN64_BITS),
    );
    let (one32, one64) = (splat::<f32, 4>(1.0), splat::<f64, 2>(1.0));
    type Unary = fn(V128) -> V128;
    type Binary = fn(V128, V128) -> V128;
    let unary32: [Unary; 5] = [
        f32x4_sqrt,
        f32x4_ceil,
        f32x4_floor,
        f32x4_trunc,
        f32x4_nearest,
    ];
    let unary64: [Unary; 5] = [
        f64x2_sqrt,
        f64x2_ceil,
        f64x2_floor,
        f64x2_trunc,
        f64x2_nearest,
    ];
    let binary32: [Binary; 6] = [
        f32x4_add, f32x4_sub, f32x4_mul, f32x4_div, f32x4_min, f32x4_max,
    ];
    let binary64: [Binary; 6] = [
        f64x2_add, f64x2_sub, f64x2_mul, f64x2_div, f64x2_min, f64x2_max,
    ];
    for (i, (f, g)) in unary32.into_iter().zip(unary64).enumerate() {
        assert_eq!(
            (f(nans32), g(nans64)),
            (canonical32, canonical64),
            "unary {i}"
        );
    }
    for (i, (f, g)) in binary32.into_iter().zip(binary64).enumerate() {
        let results = (
            f(nans32, one32),
            g(nans64, one64),
            f(one32, nans32),
            g(one64, nans64),
        );
        assert_eq!(
            results,
            (canonical32, canonical64, canonical32, canonical64),
            "binary {i}"
        );
    }
    assert_eq!(f32x4_sqrt(f32x4_neg(one32)), canonical32);
    assert_eq!(f64x2_sqrt(f64x2_neg(one64)), canonical64);
    assert_eq!(f32x4_relaxed_madd(one32, one32, nans32), canonical32);
    assert_eq!(f64x2_relaxed_nmadd(nans64, one64, one64), canonical64);
    let low_half = V128::from_bits(canonical32.to_bits() as u64 as u128);
    assert_eq!(f32x4_demote_f64x2_zero(nans64), low_half);
    assert_eq!(f64x2_promote_low_f32x4(nans32), canonical64);
    assert_eq!(f32x4_neg(f32x4_neg(nans32)), nans32);
    assert_eq!(
        f64x2_abs(splat::<u64, 2>(0xFFF4_0000_0000_0001)),
        splat::<u64, 2>(0x7FF4_0000_0000_0001)
    );
    assert_eq!(f32x4_pmin(nans32, one32), nans32);
    assert_eq!(f64x2_pmax(one64, nans64), one64);
}
