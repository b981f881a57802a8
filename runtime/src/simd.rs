//! The meaning of every vector opcode: one pure function for each row of the opcode table, under
//! the name that the row gives.
//!
//! A vector is its sixteen bytes, lane 0 first. A function reads arrays of lanes from them,
//! computes in a loop of fixed length, and writes an array: the compiler makes vector instructions
//! of that. (Hand vectors on through memory, as sixteen bytes: put together from two slots they are
//! computed correctly, but less well.) Float lanes mean what `numeric` says, NaNs included.
//!
//! Relaxed opcodes follow the spec's deterministic profile, in which each is its counterpart that
//! is not relaxed, multiply-add is not fused, and the dot products are signed ([`native`] has what
//! differs in the native profile).
//! Spec: 4.3.5 Vector Operations, 4.3.6 Relaxed Operations.

use std::array::from_fn;

use crate::numeric::{self, canonical32, canonical64, square_root32, square_root64};

#[cfg(test)]
mod tests;

/// A vector of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct V128(pub [u8; 16]);

impl V128 {
    /// The vector of these bits, lane 0 lowest.
    #[inline(always)]
    pub const fn from_bits(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }

    /// The bits, lane 0 lowest.
    #[inline(always)]
    pub const fn to_bits(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    /// The vector of two slots, the low half first.
    #[inline(always)]
    pub fn from_slots(slots: [u64; 2]) -> V128 {
        <[u64; 2]>::into_vector(slots)
    }

    /// The two slots, the low half first.
    #[inline(always)]
    pub fn into_slots(self) -> [u64; 2] {
        <[u64; 2]>::from_vector(self)
    }
}

/// Lanes of one type that fill a vector.
pub trait Lanes: Copy {
    /// The lanes of a vector.
    fn from_vector(vector: V128) -> Self;
    /// The vector of these lanes.
    fn into_vector(self) -> V128;
}

macro_rules! lanes {
    ($($lane:ident x $count:literal)*) => { $(
        impl Lanes for [$lane; $count] {
            #[inline(always)]
            fn from_vector(vector: V128) -> Self {
                const SIZE: usize = size_of::<$lane>();
                from_fn(|lane| {
                    $lane::from_le_bytes(from_fn(|byte| vector.0[lane * SIZE + byte]))
                })
            }

            #[inline(always)]
            fn into_vector(self) -> V128 {
                const SIZE: usize = size_of::<$lane>();
                let mut bytes = [0; 16];
                for lane in 0..$count {
                    let lane_bytes = self[lane].to_le_bytes();
                    for byte in 0..SIZE {
                        bytes[lane * SIZE + byte] = lane_bytes[byte];
                    }
                }
                V128(bytes)
            }
        }
    )* };
}

lanes!(u8 x 16 i8 x 16 u16 x 8 i16 x 8 u32 x 4 i32 x 4 u64 x 2 i64 x 2 f32 x 4 f64 x 2);

/// Functions of one signature: `name(operands) -> result = meaning;`.
macro_rules! pure {
    ($($name:ident($($operand:ident: $ty:ty),*) -> $result:ty = $meaning:expr;)*) => { $(
        #[doc = concat!("The meaning of the opcode whose row names `", stringify!($name), "`.")]
        #[inline(always)]
        pub fn $name($($operand: $ty),*) -> $result {
            $meaning
        }
    )* };
}

/// Functions lane by lane: `count { name(operands' lanes) -> result's lane = meaning; }`.
macro_rules! lanewise {
    ($($count:literal {
        $($name:ident($($operand:ident: $lane:ty),*) -> $out:ty = $meaning:expr;)*
    })*) => { $($(
        #[doc = concat!("The meaning of the opcode whose row names `", stringify!($name), "`.")]
        #[inline(always)]
        pub fn $name($($operand: V128),*) -> V128 {
            $(let $operand = <[$lane; $count]>::from_vector($operand);)*
            let lanes: [$out; $count] = from_fn(|lane| {
                $(let $operand = $operand[lane];)*
                $meaning
            });
            lanes.into_vector()
        }
    )*)* };
}

/// Functions lane by lane, by shape: `kind [i8x16 i16x8 i32x4 i64x2](lanes) = meaning;`, where the
/// lanes are signed, unsigned or floats (`[f32x4 f64x2]`) and a shape without the function has `_`.
/// Comparisons give all ones for true.
macro_rules! by_shape {
    ($($kind:ident $names:tt $operands:tt = $meaning:expr;)*) => {
        $(by_shape!(@shapes $kind $names $operands $meaning);)*
    };
    (@shapes signed [$a:tt $b:tt $c:tt $d:tt] $operands:tt $meaning:expr) => {
        by_shape!(@one $a 16 i8 u8 $operands $meaning);
        by_shape!(@one $b 8 i16 u16 $operands $meaning);
        by_shape!(@one $c 4 i32 u32 $operands $meaning);
        by_shape!(@one $d 2 i64 u64 $operands $meaning);
    };
    (@shapes unsigned [$a:tt $b:tt $c:tt $d:tt] $operands:tt $meaning:expr) => {
        by_shape!(@one $a 16 u8 u8 $operands $meaning);
        by_shape!(@one $b 8 u16 u16 $operands $meaning);
        by_shape!(@one $c 4 u32 u32 $operands $meaning);
        by_shape!(@one $d 2 u64 u64 $operands $meaning);
    };
    (@shapes float [$a:tt $b:tt] $operands:tt $meaning:expr) => {
        by_shape!(@one $a 4 f32 u32 $operands $meaning);
        by_shape!(@one $b 2 f64 u64 $operands $meaning);
    };
    (@one _ $($rest:tt)*) => {};
    (@one $name:ident $count:literal $lane:ident $mask:ident ($a:ident ? $b:ident) $is:expr) => {
        lanewise! { $count {
            $name($a: $lane, $b: $lane) -> $mask = if $is { $mask::MAX } else { 0 };
        } }
    };
    (@one $name:ident $count:literal $lane:ident $mask:ident ($($a:ident),*) $meaning:expr) => {
        lanewise! { $count { $name($($a: $lane),*) -> $lane = $meaning; } }
    };
}

/// Functions whose result lanes draw on other lanes: `name(lanes of the operands) -> lanes of the
/// result, i = meaning of lane i;`.
macro_rules! across {
    ($($name:ident($($operand:ident: $lanes:ty),*) -> $out:ty, $i:ident = $meaning:expr;)*) => { $(
        #[doc = concat!("The meaning of the opcode whose row names `", stringify!($name), "`.")]
        #[inline(always)]
        pub fn $name($($operand: V128),*) -> V128 {
            $(let $operand = <$lanes>::from_vector($operand);)*
            <$out>::into_vector(from_fn(|$i| $meaning))
        }
    )* };
}

/// Shifts lane by lane; the count is taken modulo the width of a lane, as `wrapping_*` does.
macro_rules! shift {
    ($($name:ident($lanes:ty) = $shift:expr;)*) => { $(
        #[doc = concat!("The meaning of the opcode whose row names `", stringify!($name), "`.")]
        #[inline(always)]
        pub fn $name(vector: V128, count: u32) -> V128 {
            let lanes = <$lanes>::from_vector(vector);
            lanes.map(|lane| $shift(lane, count)).into_vector()
        }
    )* };
}

/// One lane of an array. The number is valid; the remainder only shows the compiler that it is.
#[inline(always)]
fn lane_of<T: Copy, const N: usize>(lanes: [T; N], lane: u8) -> T {
    lanes[lane as usize % N]
}

/// An array with one lane replaced, as a vector.
#[inline(always)]
fn with_lane<T: Copy, const N: usize>(vector: V128, lane: u8, value: T) -> V128
where
    [T; N]: Lanes,
{
    let mut lanes = <[T; N]>::from_vector(vector);
    lanes[lane as usize % N] = value;
    lanes.into_vector()
}

/// The array of a value repeated, as a vector.
#[inline(always)]
fn splat<T: Copy, const N: usize>(value: T) -> V128
where
    [T; N]: Lanes,
{
    [value; N].into_vector()
}

/// The signs of lanes, lane 0 in the lowest bit.
#[inline(always)]
fn signs<const N: usize>(is_negative: [bool; N]) -> u32 {
    (0..N).fold(0, |mask, lane| mask | u32::from(is_negative[lane]) << lane)
}

/// The signs of the eight bytes of a number, the lowest byte in the lowest bit: the product moves
/// the sign of byte i to bit 56 + i, and no two of its terms meet in one bit.
#[inline(always)]
fn signs_by_byte(bytes: u64) -> u32 {
    ((bytes & 0x8080_8080_8080_8080).wrapping_mul(0x0002_0408_1020_4081) >> 56) as u32
}

/// As [`signs_by_byte`], of four pairs of bytes: pair i goes to bit 60 + i.
#[inline(always)]
fn signs_by_pair(pairs: u64) -> u32 {
    ((pairs & 0x8000_8000_8000_8000).wrapping_mul(0x0000_2000_4000_8001) >> 60) as u32
}

// Loads and stores: the bits that memory holds, to and from vectors.
pure! {
    v128_load(bits: u128) -> V128 = V128::from_bits(bits);
    v128_store(vector: V128) -> u128 = vector.to_bits();
    v128_load8x8_s(bits: u64) -> V128 = i16x8_extend_low_i8x16_s(v128_load64_zero(bits));
    v128_load8x8_u(bits: u64) -> V128 = i16x8_extend_low_i8x16_u(v128_load64_zero(bits));
    v128_load16x4_s(bits: u64) -> V128 = i32x4_extend_low_i16x8_s(v128_load64_zero(bits));
    v128_load16x4_u(bits: u64) -> V128 = i32x4_extend_low_i16x8_u(v128_load64_zero(bits));
    v128_load32x2_s(bits: u64) -> V128 = i64x2_extend_low_i32x4_s(v128_load64_zero(bits));
    v128_load32x2_u(bits: u64) -> V128 = i64x2_extend_low_i32x4_u(v128_load64_zero(bits));
    v128_load8_splat(bits: u8) -> V128 = splat::<u8, 16>(bits);
    v128_load16_splat(bits: u16) -> V128 = splat::<u16, 8>(bits);
    v128_load32_splat(bits: u32) -> V128 = splat::<u32, 4>(bits);
    v128_load64_splat(bits: u64) -> V128 = splat::<u64, 2>(bits);
    v128_load32_zero(bits: u32) -> V128 = V128::from_bits(u128::from(bits));
    v128_load64_zero(bits: u64) -> V128 = V128::from_bits(u128::from(bits));
    v128_load8_lane(bits: u8, vector: V128, lane: u8) -> V128 =
        with_lane::<u8, 16>(vector, lane, bits);
    v128_load16_lane(bits: u16, vector: V128, lane: u8) -> V128 =
        with_lane::<u16, 8>(vector, lane, bits);
    v128_load32_lane(bits: u32, vector: V128, lane: u8) -> V128 =
        with_lane::<u32, 4>(vector, lane, bits);
    v128_load64_lane(bits: u64, vector: V128, lane: u8) -> V128 =
        with_lane::<u64, 2>(vector, lane, bits);
    v128_store8_lane(vector: V128, lane: u8) -> u8 =
        lane_of(<[u8; 16]>::from_vector(vector), lane);
    v128_store16_lane(vector: V128, lane: u8) -> u16 =
        lane_of(<[u16; 8]>::from_vector(vector), lane);
    v128_store32_lane(vector: V128, lane: u8) -> u32 =
        lane_of(<[u32; 4]>::from_vector(vector), lane);
    v128_store64_lane(vector: V128, lane: u8) -> u64 =
        lane_of(<[u64; 2]>::from_vector(vector), lane);
}

// Scalars to vectors and back.
pure! {
    i8x16_splat(a: u32) -> V128 = splat::<u8, 16>(a as u8);
    i16x8_splat(a: u32) -> V128 = splat::<u16, 8>(a as u16);
    i32x4_splat(a: u32) -> V128 = splat::<u32, 4>(a);
    i64x2_splat(a: u64) -> V128 = splat::<u64, 2>(a);
    f32x4_splat(a: f32) -> V128 = splat::<u32, 4>(a.to_bits());
    f64x2_splat(a: f64) -> V128 = splat::<u64, 2>(a.to_bits());
    i8x16_extract_lane_s(vector: V128, lane: u8) -> u32 =
        lane_of(<[i8; 16]>::from_vector(vector), lane) as u32;
    i8x16_extract_lane_u(vector: V128, lane: u8) -> u32 =
        u32::from(lane_of(<[u8; 16]>::from_vector(vector), lane));
    i16x8_extract_lane_s(vector: V128, lane: u8) -> u32 =
        lane_of(<[i16; 8]>::from_vector(vector), lane) as u32;
    i16x8_extract_lane_u(vector: V128, lane: u8) -> u32 =
        u32::from(lane_of(<[u16; 8]>::from_vector(vector), lane));
    i32x4_extract_lane(vector: V128, lane: u8) -> u32 =
        lane_of(<[u32; 4]>::from_vector(vector), lane);
    i64x2_extract_lane(vector: V128, lane: u8) -> u64 =
        lane_of(<[u64; 2]>::from_vector(vector), lane);
    f32x4_extract_lane(vector: V128, lane: u8) -> f32 =
        f32::from_bits(lane_of(<[u32; 4]>::from_vector(vector), lane));
    f64x2_extract_lane(vector: V128, lane: u8) -> f64 =
        f64::from_bits(lane_of(<[u64; 2]>::from_vector(vector), lane));
    i8x16_replace_lane(vector: V128, lane: u8, a: u32) -> V128 =
        with_lane::<u8, 16>(vector, lane, a as u8);
    i16x8_replace_lane(vector: V128, lane: u8, a: u32) -> V128 =
        with_lane::<u16, 8>(vector, lane, a as u16);
    i32x4_replace_lane(vector: V128, lane: u8, a: u32) -> V128 =
        with_lane::<u32, 4>(vector, lane, a);
    i64x2_replace_lane(vector: V128, lane: u8, a: u64) -> V128 =
        with_lane::<u64, 2>(vector, lane, a);
    f32x4_replace_lane(vector: V128, lane: u8, a: f32) -> V128 =
        with_lane::<u32, 4>(vector, lane, a.to_bits());
    f64x2_replace_lane(vector: V128, lane: u8, a: f64) -> V128 =
        with_lane::<u64, 2>(vector, lane, a.to_bits());
    v128_any_true(vector: V128) -> bool = vector.to_bits() != 0;
    i8x16_all_true(vector: V128) -> bool =
        <[u8; 16]>::from_vector(vector).iter().all(|&lane| lane != 0);
    i16x8_all_true(vector: V128) -> bool =
        <[u16; 8]>::from_vector(vector).iter().all(|&lane| lane != 0);
    i32x4_all_true(vector: V128) -> bool =
        <[u32; 4]>::from_vector(vector).iter().all(|&lane| lane != 0);
    i64x2_all_true(vector: V128) -> bool =
        <[u64; 2]>::from_vector(vector).iter().all(|&lane| lane != 0);
    i8x16_bitmask(vector: V128) -> u32 = {
        let [low, high] = <[u64; 2]>::from_vector(vector);
        signs_by_byte(low) | signs_by_byte(high) << 8
    };
    i16x8_bitmask(vector: V128) -> u32 = {
        let [low, high] = <[u64; 2]>::from_vector(vector);
        signs_by_pair(low) | signs_by_pair(high) << 4
    };
    i32x4_bitmask(vector: V128) -> u32 =
        signs(<[i32; 4]>::from_vector(vector).map(|lane| lane < 0));
    i64x2_bitmask(vector: V128) -> u32 =
        signs(<[i64; 2]>::from_vector(vector).map(|lane| lane < 0));
}

// Whole vectors, as two lanes of 64 bits.
lanewise! { 2 {
    v128_not(a: u64) -> u64 = !a;
    v128_and(a: u64, b: u64) -> u64 = a & b;
    v128_andnot(a: u64, b: u64) -> u64 = a & !b;
    v128_or(a: u64, b: u64) -> u64 = a | b;
    v128_xor(a: u64, b: u64) -> u64 = a ^ b;
    v128_bitselect(a: u64, b: u64, mask: u64) -> u64 = a & mask | b & !mask;
} }

// Integers, lane by lane.
by_shape! {
    signed [i8x16_abs i16x8_abs i32x4_abs i64x2_abs](a) = a.wrapping_abs();
    unsigned [i8x16_neg i16x8_neg i32x4_neg i64x2_neg](a) = a.wrapping_neg();
    unsigned [i8x16_add i16x8_add i32x4_add i64x2_add](a, b) = a.wrapping_add(b);
    unsigned [i8x16_sub i16x8_sub i32x4_sub i64x2_sub](a, b) = a.wrapping_sub(b);
    unsigned [_ i16x8_mul i32x4_mul i64x2_mul](a, b) = a.wrapping_mul(b);
    signed [i8x16_add_sat_s i16x8_add_sat_s _ _](a, b) = a.saturating_add(b);
    signed [i8x16_sub_sat_s i16x8_sub_sat_s _ _](a, b) = a.saturating_sub(b);
    unsigned [i8x16_add_sat_u i16x8_add_sat_u _ _](a, b) = a.saturating_add(b);
    unsigned [i8x16_sub_sat_u i16x8_sub_sat_u _ _](a, b) = a.saturating_sub(b);
    signed [i8x16_min_s i16x8_min_s i32x4_min_s _](a, b) = a.min(b);
    unsigned [i8x16_min_u i16x8_min_u i32x4_min_u _](a, b) = a.min(b);
    signed [i8x16_max_s i16x8_max_s i32x4_max_s _](a, b) = a.max(b);
    unsigned [i8x16_max_u i16x8_max_u i32x4_max_u _](a, b) = a.max(b);
}

lanewise! {
    16 {
        i8x16_popcnt(a: u8) -> u8 = a.count_ones() as u8;
        i8x16_avgr_u(a: u8, b: u8) -> u8 = ((u32::from(a) + u32::from(b) + 1) >> 1) as u8;
    }
    8 {
        i16x8_avgr_u(a: u16, b: u16) -> u16 = ((u32::from(a) + u32::from(b) + 1) >> 1) as u16;
        i16x8_q15mulr_sat_s(a: i16, b: i16) -> i16 =
            (((i32::from(a) * i32::from(b)) + 0x4000) >> 15).min(i32::from(i16::MAX)) as i16;
    }
}

shift! {
    i8x16_shl([u8; 16]) = u8::wrapping_shl;
    i8x16_shr_s([i8; 16]) = i8::wrapping_shr;
    i8x16_shr_u([u8; 16]) = u8::wrapping_shr;
    i16x8_shl([u16; 8]) = u16::wrapping_shl;
    i16x8_shr_s([i16; 8]) = i16::wrapping_shr;
    i16x8_shr_u([u16; 8]) = u16::wrapping_shr;
    i32x4_shl([u32; 4]) = u32::wrapping_shl;
    i32x4_shr_s([i32; 4]) = i32::wrapping_shr;
    i32x4_shr_u([u32; 4]) = u32::wrapping_shr;
    i64x2_shl([u64; 2]) = u64::wrapping_shl;
    i64x2_shr_s([i64; 2]) = i64::wrapping_shr;
    i64x2_shr_u([u64; 2]) = u64::wrapping_shr;
}

// Comparisons.
by_shape! {
    unsigned [i8x16_eq i16x8_eq i32x4_eq i64x2_eq](a ? b) = a == b;
    unsigned [i8x16_ne i16x8_ne i32x4_ne i64x2_ne](a ? b) = a != b;
    signed [i8x16_lt_s i16x8_lt_s i32x4_lt_s i64x2_lt_s](a ? b) = a < b;
    unsigned [i8x16_lt_u i16x8_lt_u i32x4_lt_u _](a ? b) = a < b;
    signed [i8x16_gt_s i16x8_gt_s i32x4_gt_s i64x2_gt_s](a ? b) = a > b;
    unsigned [i8x16_gt_u i16x8_gt_u i32x4_gt_u _](a ? b) = a > b;
    signed [i8x16_le_s i16x8_le_s i32x4_le_s i64x2_le_s](a ? b) = a <= b;
    unsigned [i8x16_le_u i16x8_le_u i32x4_le_u _](a ? b) = a <= b;
    signed [i8x16_ge_s i16x8_ge_s i32x4_ge_s i64x2_ge_s](a ? b) = a >= b;
    unsigned [i8x16_ge_u i16x8_ge_u i32x4_ge_u _](a ? b) = a >= b;
    float [f32x4_eq f64x2_eq](a ? b) = a == b;
    float [f32x4_ne f64x2_ne](a ? b) = a != b;
    float [f32x4_lt f64x2_lt](a ? b) = a < b;
    float [f32x4_gt f64x2_gt](a ? b) = a > b;
    float [f32x4_le f64x2_le](a ? b) = a <= b;
    float [f32x4_ge f64x2_ge](a ? b) = a >= b;
}

// Floats, lane by lane.
lanewise! {
    4 {
        f32x4_abs(a: f32) -> f32 = numeric::f32_abs(a);
        f32x4_neg(a: f32) -> f32 = numeric::f32_neg(a);
        f32x4_sqrt(a: f32) -> f32 = square_root32(a);
        f32x4_ceil(a: f32) -> f32 = numeric::f32_ceil(a);
        f32x4_floor(a: f32) -> f32 = numeric::f32_floor(a);
        f32x4_trunc(a: f32) -> f32 = numeric::f32_trunc(a);
        f32x4_nearest(a: f32) -> f32 = numeric::f32_nearest(a);
        f32x4_add(a: f32, b: f32) -> f32 = canonical32(a + b);
        f32x4_sub(a: f32, b: f32) -> f32 = canonical32(a - b);
        f32x4_mul(a: f32, b: f32) -> f32 = canonical32(a * b);
        f32x4_div(a: f32, b: f32) -> f32 = canonical32(a / b);
        f32x4_min(a: f32, b: f32) -> f32 = numeric::f32_min(a, b);
        f32x4_max(a: f32, b: f32) -> f32 = numeric::f32_max(a, b);
        f32x4_pmin(a: f32, b: f32) -> f32 = if b < a { b } else { a };
        f32x4_pmax(a: f32, b: f32) -> f32 = if a < b { b } else { a };
        f32x4_relaxed_madd(a: f32, b: f32, c: f32) -> f32 = canonical32(a * b + c);
        f32x4_relaxed_nmadd(a: f32, b: f32, c: f32) -> f32 = canonical32(-a * b + c);
    }
    2 {
        f64x2_abs(a: f64) -> f64 = numeric::f64_abs(a);
        f64x2_neg(a: f64) -> f64 = numeric::f64_neg(a);
        f64x2_sqrt(a: f64) -> f64 = square_root64(a);
        f64x2_ceil(a: f64) -> f64 = numeric::f64_ceil(a);
        f64x2_floor(a: f64) -> f64 = numeric::f64_floor(a);
        f64x2_trunc(a: f64) -> f64 = numeric::f64_trunc(a);
        f64x2_nearest(a: f64) -> f64 = numeric::f64_nearest(a);
        f64x2_add(a: f64, b: f64) -> f64 = canonical64(a + b);
        f64x2_sub(a: f64, b: f64) -> f64 = canonical64(a - b);
        f64x2_mul(a: f64, b: f64) -> f64 = canonical64(a * b);
        f64x2_div(a: f64, b: f64) -> f64 = canonical64(a / b);
        f64x2_min(a: f64, b: f64) -> f64 = numeric::f64_min(a, b);
        f64x2_max(a: f64, b: f64) -> f64 = numeric::f64_max(a, b);
        f64x2_pmin(a: f64, b: f64) -> f64 = if b < a { b } else { a };
        f64x2_pmax(a: f64, b: f64) -> f64 = if a < b { b } else { a };
        f64x2_relaxed_madd(a: f64, b: f64, c: f64) -> f64 = canonical64(a * b + c);
        f64x2_relaxed_nmadd(a: f64, b: f64, c: f64) -> f64 = canonical64(-a * b + c);
    }
    4 {
        i32x4_trunc_sat_f32x4_s(a: f32) -> i32 = a as i32;
        i32x4_trunc_sat_f32x4_u(a: f32) -> u32 = a as u32;
        f32x4_convert_i32x4_s(a: i32) -> f32 = a as f32;
        f32x4_convert_i32x4_u(a: u32) -> f32 = a as f32;
    }
}

// Conversions between lanes of different widths.
across! {
    i32x4_trunc_sat_f64x2_s_zero(a: [f64; 2]) -> [i32; 4], i = if i < 2 { a[i] as i32 } else { 0 };
    i32x4_trunc_sat_f64x2_u_zero(a: [f64; 2]) -> [u32; 4], i = if i < 2 { a[i] as u32 } else { 0 };
    f64x2_convert_low_i32x4_s(a: [i32; 4]) -> [f64; 2], i = f64::from(a[i]);
    f64x2_convert_low_i32x4_u(a: [u32; 4]) -> [f64; 2], i = f64::from(a[i]);
    f32x4_demote_f64x2_zero(a: [f64; 2]) -> [f32; 4], i =
        if i < 2 { numeric::f32_demote_f64(a[i]) } else { 0.0 };
    f64x2_promote_low_f32x4(a: [f32; 4]) -> [f64; 2], i = numeric::f64_promote_f32(a[i]);
    i16x8_extend_low_i8x16_s(a: [i8; 16]) -> [i16; 8], i = i16::from(a[i]);
    i16x8_extend_high_i8x16_s(a: [i8; 16]) -> [i16; 8], i = i16::from(a[i + 8]);
    i16x8_extend_low_i8x16_u(a: [u8; 16]) -> [u16; 8], i = u16::from(a[i]);
    i16x8_extend_high_i8x16_u(a: [u8; 16]) -> [u16; 8], i = u16::from(a[i + 8]);
    i32x4_extend_low_i16x8_s(a: [i16; 8]) -> [i32; 4], i = i32::from(a[i]);
    i32x4_extend_high_i16x8_s(a: [i16; 8]) -> [i32; 4], i = i32::from(a[i + 4]);
    i32x4_extend_low_i16x8_u(a: [u16; 8]) -> [u32; 4], i = u32::from(a[i]);
    i32x4_extend_high_i16x8_u(a: [u16; 8]) -> [u32; 4], i = u32::from(a[i + 4]);
    i64x2_extend_low_i32x4_s(a: [i32; 4]) -> [i64; 2], i = i64::from(a[i]);
    i64x2_extend_high_i32x4_s(a: [i32; 4]) -> [i64; 2], i = i64::from(a[i + 2]);
    i64x2_extend_low_i32x4_u(a: [u32; 4]) -> [u64; 2], i = u64::from(a[i]);
    i64x2_extend_high_i32x4_u(a: [u32; 4]) -> [u64; 2], i = u64::from(a[i + 2]);
    i16x8_extmul_low_i8x16_s(a: [i8; 16], b: [i8; 16]) -> [i16; 8], i =
        i16::from(a[i]) * i16::from(b[i]);
    i16x8_extmul_high_i8x16_s(a: [i8; 16], b: [i8; 16]) -> [i16; 8], i =
        i16::from(a[i + 8]) * i16::from(b[i + 8]);
    i16x8_extmul_low_i8x16_u(a: [u8; 16], b: [u8; 16]) -> [u16; 8], i =
        u16::from(a[i]) * u16::from(b[i]);
    i16x8_extmul_high_i8x16_u(a: [u8; 16], b: [u8; 16]) -> [u16; 8], i =
        u16::from(a[i + 8]) * u16::from(b[i + 8]);
    i32x4_extmul_low_i16x8_s(a: [i16; 8], b: [i16; 8]) -> [i32; 4], i =
        i32::from(a[i]) * i32::from(b[i]);
    i32x4_extmul_high_i16x8_s(a: [i16; 8], b: [i16; 8]) -> [i32; 4], i =
        i32::from(a[i + 4]) * i32::from(b[i + 4]);
    i32x4_extmul_low_i16x8_u(a: [u16; 8], b: [u16; 8]) -> [u32; 4], i =
        u32::from(a[i]) * u32::from(b[i]);
    i32x4_extmul_high_i16x8_u(a: [u16; 8], b: [u16; 8]) -> [u32; 4], i =
        u32::from(a[i + 4]) * u32::from(b[i + 4]);
    i64x2_extmul_low_i32x4_s(a: [i32; 4], b: [i32; 4]) -> [i64; 2], i =
        i64::from(a[i]) * i64::from(b[i]);
    i64x2_extmul_high_i32x4_s(a: [i32; 4], b: [i32; 4]) -> [i64; 2], i =
        i64::from(a[i + 2]) * i64::from(b[i + 2]);
    i64x2_extmul_low_i32x4_u(a: [u32; 4], b: [u32; 4]) -> [u64; 2], i =
        u64::from(a[i]) * u64::from(b[i]);
    i64x2_extmul_high_i32x4_u(a: [u32; 4], b: [u32; 4]) -> [u64; 2], i =
        u64::from(a[i + 2]) * u64::from(b[i + 2]);
    i16x8_extadd_pairwise_i8x16_s(a: [i8; 16]) -> [i16; 8], i =
        i16::from(a[2 * i]) + i16::from(a[2 * i + 1]);
    i16x8_extadd_pairwise_i8x16_u(a: [u8; 16]) -> [u16; 8], i =
        u16::from(a[2 * i]) + u16::from(a[2 * i + 1]);
    i32x4_extadd_pairwise_i16x8_s(a: [i16; 8]) -> [i32; 4], i =
        i32::from(a[2 * i]) + i32::from(a[2 * i + 1]);
    i32x4_extadd_pairwise_i16x8_u(a: [u16; 8]) -> [u32; 4], i =
        u32::from(a[2 * i]) + u32::from(a[2 * i + 1]);
    i8x16_narrow_i16x8_s(a: [i16; 8], b: [i16; 8]) -> [i8; 16], i =
        (if i < 8 { a[i] } else { b[i - 8] }).clamp(i8::MIN as i16, i8::MAX as i16) as i8;
    i8x16_narrow_i16x8_u(a: [i16; 8], b: [i16; 8]) -> [u8; 16], i =
        (if i < 8 { a[i] } else { b[i - 8] }).clamp(u8::MIN as i16, u8::MAX as i16) as u8;
    i16x8_narrow_i32x4_s(a: [i32; 4], b: [i32; 4]) -> [i16; 8], i =
        (if i < 4 { a[i] } else { b[i - 4] }).clamp(i16::MIN as i32, i16::MAX as i32) as i16;
    i16x8_narrow_i32x4_u(a: [i32; 4], b: [i32; 4]) -> [u16; 8], i =
        (if i < 4 { a[i] } else { b[i - 4] }).clamp(u16::MIN as i32, u16::MAX as i32) as u16;
    i32x4_dot_i16x8_s(a: [i16; 8], b: [i16; 8]) -> [i32; 4], i =
        (i32::from(a[2 * i]) * i32::from(b[2 * i]))
            .wrapping_add(i32::from(a[2 * i + 1]) * i32::from(b[2 * i + 1]));
    i16x8_relaxed_dot_i8x16_i7x16_s(a: [i8; 16], b: [i8; 16]) -> [i16; 8], i =
        (i16::from(a[2 * i]) * i16::from(b[2 * i]))
            .saturating_add(i16::from(a[2 * i + 1]) * i16::from(b[2 * i + 1]));
}

// Swizzle and shuffle, and relaxed opcodes by the counterparts that they are in the deterministic
// profile.
pure! {
    i8x16_swizzle(a: V128, b: V128) -> V128 =
        i8x16_shuffle(a, V128::from_bits(0), b.0.map(|lane| lane.min(16)));
    i8x16_shuffle(a: V128, b: V128, lanes: [u8; 16]) -> V128 = {
        let both: [u8; 32] = from_fn(|i| if i < 16 { a.0[i] } else { b.0[i - 16] });
        V128(lanes.map(|lane| both[lane as usize % 32]))
    };
    i8x16_relaxed_swizzle(a: V128, b: V128) -> V128 = i8x16_swizzle(a, b);
    i32x4_relaxed_trunc_f32x4_s(a: V128) -> V128 = i32x4_trunc_sat_f32x4_s(a);
    i32x4_relaxed_trunc_f32x4_u(a: V128) -> V128 = i32x4_trunc_sat_f32x4_u(a);
    i32x4_relaxed_trunc_f64x2_s_zero(a: V128) -> V128 = i32x4_trunc_sat_f64x2_s_zero(a);
    i32x4_relaxed_trunc_f64x2_u_zero(a: V128) -> V128 = i32x4_trunc_sat_f64x2_u_zero(a);
    i8x16_relaxed_laneselect(a: V128, b: V128, mask: V128) -> V128 = v128_bitselect(a, b, mask);
    i16x8_relaxed_laneselect(a: V128, b: V128, mask: V128) -> V128 = v128_bitselect(a, b, mask);
    i32x4_relaxed_laneselect(a: V128, b: V128, mask: V128) -> V128 = v128_bitselect(a, b, mask);
    i64x2_relaxed_laneselect(a: V128, b: V128, mask: V128) -> V128 = v128_bitselect(a, b, mask);
    f32x4_relaxed_min(a: V128, b: V128) -> V128 = f32x4_min(a, b);
    f32x4_relaxed_max(a: V128, b: V128) -> V128 = f32x4_max(a, b);
    f64x2_relaxed_min(a: V128, b: V128) -> V128 = f64x2_min(a, b);
    f64x2_relaxed_max(a: V128, b: V128) -> V128 = f64x2_max(a, b);
    i16x8_relaxed_q15mulr_s(a: V128, b: V128) -> V128 = i16x8_q15mulr_sat_s(a, b);
    i32x4_relaxed_dot_i8x16_i7x16_add_s(a: V128, b: V128, c: V128) -> V128 = i32x4_add(
        i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)),
        c,
    );
}

pub mod native;
