//! The meaning of every scalar numeric opcode: one pure function for each row of the opcode table,
//! under the name that the row gives.
//!
//! Integers are unsigned (`u32` for i32, `u64` for i64) and read as signed where the operation is;
//! floats are `f32` and `f64`; tests and comparisons give `bool`; what may trap gives a `Result`.
//! Results follow the spec's deterministic profile: where an operation makes a NaN, it is the
//! positive canonical NaN ([`native`] has what differs in the native profile). `abs`, `neg`,
//! `copysign` and reinterpretation work on bits and keep any payload. The file owns no state and
//! knows no tier. Spec: 4.3 Numerics.

use crate::trap::TrapKind;

#[cfg(test)]
mod tests;

/// A scalar as it lies in a slot of 64 bits: i32 and f32 zero-extended, floats as their bits.
pub trait Slot: Copy {
    /// Reads the value of a slot.
    fn from_slot(slot: u64) -> Self;
    /// The slot of a value.
    fn into_slot(self) -> u64;
}

macro_rules! slots {
    ($($ty:ty: $slot:ident => $from:expr, $value:ident => $into:expr;)*) => { $(
        impl Slot for $ty {
            #[inline(always)]
            fn from_slot($slot: u64) -> $ty {
                $from
            }
            #[inline(always)]
            fn into_slot(self) -> u64 {
                let $value = self;
                $into
            }
        }
    )* };
}

slots! {
    u32: slot => slot as u32, value => u64::from(value);
    u64: slot => slot, value => value;
    f32: slot => f32::from_bits(slot as u32), value => u64::from(value.to_bits());
    f64: slot => f64::from_bits(slot), value => value.to_bits();
    bool: slot => slot as u32 != 0, value => u64::from(value);
}

/// The result of a pure function: a value, or a value or a trap.
pub trait RowResult {
    /// The type of the value.
    type Value: Slot;
    /// The value or the trap.
    fn get(self) -> Result<Self::Value, TrapKind>;
}

impl<T: Slot> RowResult for T {
    type Value = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        Ok(self)
    }
}

impl<T: Slot> RowResult for Result<T, TrapKind> {
    type Value = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        self
    }
}

/// The positive canonical NaN of f32.
pub const NAN32_BITS: u32 = 0x7FC0_0000;

/// The positive canonical NaN of f64.
pub const NAN64_BITS: u64 = 0x7FF8_0000_0000_0000;

const SIGN32: u32 = 1 << 31;
const SIGN64: u64 = 1 << 63;

type Trapping<T> = Result<T, TrapKind>;

macro_rules! canonical_nans {
    ($float:ty, $nan_bits:ident: $bits:ty, $canonical:ident, $checked:ident, $opaque:ident,
        $square_root:ident) => {
        /// The deterministic profile's NaN as a value that the compiler cannot see. It takes one
        /// NaN to be as good as another, and may drop a choice between two of them.
        #[inline(always)]
        fn $opaque() -> $float {
            static BITS: $bits = $nan_bits;
            std::hint::cold_path();
            // SAFETY: a reference to a static is valid for reads.
            <$float>::from_bits(unsafe { (&raw const BITS).read_volatile() })
        }

        /// The deterministic profile's NaN, in place of any NaN, by a branch. What computes one
        /// value goes on without waiting for the test; lanes do better with a choice.
        #[inline(always)]
        fn $checked(value: $float) -> $float {
            if value.is_nan() { $opaque() } else { value }
        }

        /// The deterministic profile's NaN, in place of any NaN.
        #[inline(always)]
        pub(crate) fn $canonical(value: $float) -> $float {
            <$float>::from_bits(if value.is_nan() {
                $nan_bits
            } else {
                value.to_bits()
            })
        }

        /// The square root. The test for a NaN looks at its bits: the compiler knows that the root
        /// of a negative number is some NaN, takes one to be as good as another, and would drop the
        /// choice.
        #[inline(always)]
        pub(crate) fn $square_root(value: $float) -> $float {
            let bits = value.sqrt().to_bits();
            let is_nan = bits << 1 > <$float>::INFINITY.to_bits() << 1;
            <$float>::from_bits(if is_nan { $nan_bits } else { bits })
        }
    };
}

canonical_nans!(f32, NAN32_BITS: u32, canonical32, checked32, opaque_nan32, square_root32);
canonical_nans!(f64, NAN64_BITS: u64, canonical64, checked64, opaque_nan64, square_root64);

/// A quotient or remainder that is undefined for a divisor of 0.
#[inline(always)]
fn divide<T>(divisor_is_zero: bool, quotient: impl FnOnce() -> Trapping<T>) -> Trapping<T> {
    if divisor_is_zero {
        Err(TrapKind::IntegerDivideByZero)
    } else {
        quotient()
    }
}

/// A truncated float, if it is in the range of the integer type.
#[inline(always)]
fn truncate<T>(is_nan: bool, in_range: bool, value: T) -> Trapping<T> {
    if in_range {
        Ok(value)
    } else if is_nan {
        Err(TrapKind::InvalidConversionToInteger)
    } else {
        Err(TrapKind::IntegerOverflow)
    }
}

macro_rules! minimum_and_maximum {
    ($float:ty, $nan_bits:ident, $minimum:ident, $maximum:ident) => {
        /// Spec `fmin`, by choices without branches. Equal operands differ at most in the sign of
        /// zero: -0 is the less.
        #[inline(always)]
        pub(crate) fn $minimum(a: $float, b: $float) -> $float {
            let less = if a < b { a.to_bits() } else { b.to_bits() };
            let least = if a == b {
                a.to_bits() | b.to_bits()
            } else {
                less
            };
            <$float>::from_bits(if a.is_nan() | b.is_nan() {
                $nan_bits
            } else {
                least
            })
        }

        /// Spec `fmax`, the mirror image.
        #[inline(always)]
        pub(crate) fn $maximum(a: $float, b: $float) -> $float {
            let greater = if a > b { a.to_bits() } else { b.to_bits() };
            let greatest = if a == b {
                a.to_bits() & b.to_bits()
            } else {
                greater
            };
            <$float>::from_bits(if a.is_nan() | b.is_nan() {
                $nan_bits
            } else {
                greatest
            })
        }
    };
}

minimum_and_maximum!(f32, NAN32_BITS, minimum32, maximum32);
minimum_and_maximum!(f64, NAN64_BITS, minimum64, maximum64);

/// Pure functions, a line each: `name(operands) -> result = meaning;`.
macro_rules! pure {
    ($($name:ident($($operand:ident: $ty:ty),*) -> $result:ty = $meaning:expr;)*) => { $(
        #[doc = concat!("The meaning of the opcode whose row names `", stringify!($name), "`.")]
        #[inline(always)]
        pub fn $name($($operand: $ty),*) -> $result {
            $meaning
        }
    )* };
}

// Spec 4.3.2 Integer Operations. Shift counts are taken modulo the width, as `wrapping_*` does.
pure! {
    i32_clz(a: u32) -> u32 = a.leading_zeros();
    i32_ctz(a: u32) -> u32 = a.trailing_zeros();
    i32_popcnt(a: u32) -> u32 = a.count_ones();
    i32_extend8_s(a: u32) -> u32 = a as i8 as u32;
    i32_extend16_s(a: u32) -> u32 = a as i16 as u32;
    i32_add(a: u32, b: u32) -> u32 = a.wrapping_add(b);
    i32_sub(a: u32, b: u32) -> u32 = a.wrapping_sub(b);
    i32_mul(a: u32, b: u32) -> u32 = a.wrapping_mul(b);
    i32_div_s(a: u32, b: u32) -> Trapping<u32> = divide(b == 0, || {
        let quotient = (a as i32).checked_div(b as i32);
        quotient.map(|q| q as u32).ok_or(TrapKind::IntegerOverflow)
    });
    i32_div_u(a: u32, b: u32) -> Trapping<u32> = divide(b == 0, || Ok(a / b));
    i32_rem_s(a: u32, b: u32) -> Trapping<u32> =
        divide(b == 0, || Ok((a as i32).wrapping_rem(b as i32) as u32));
    i32_rem_u(a: u32, b: u32) -> Trapping<u32> = divide(b == 0, || Ok(a % b));
    i32_and(a: u32, b: u32) -> u32 = a & b;
    i32_or(a: u32, b: u32) -> u32 = a | b;
    i32_xor(a: u32, b: u32) -> u32 = a ^ b;
    i32_shl(a: u32, b: u32) -> u32 = a.wrapping_shl(b);
    i32_shr_s(a: u32, b: u32) -> u32 = (a as i32).wrapping_shr(b) as u32;
    i32_shr_u(a: u32, b: u32) -> u32 = a.wrapping_shr(b);
    i32_rotl(a: u32, b: u32) -> u32 = a.rotate_left(b % 32);
    i32_rotr(a: u32, b: u32) -> u32 = a.rotate_right(b % 32);
    i32_eqz(a: u32) -> bool = a == 0;
    i32_eq(a: u32, b: u32) -> bool = a == b;
    i32_ne(a: u32, b: u32) -> bool = a != b;
    i32_lt_s(a: u32, b: u32) -> bool = (a as i32) < b as i32;
    i32_lt_u(a: u32, b: u32) -> bool = a < b;
    i32_gt_s(a: u32, b: u32) -> bool = a as i32 > b as i32;
    i32_gt_u(a: u32, b: u32) -> bool = a > b;
    i32_le_s(a: u32, b: u32) -> bool = a as i32 <= b as i32;
    i32_le_u(a: u32, b: u32) -> bool = a <= b;
    i32_ge_s(a: u32, b: u32) -> bool = a as i32 >= b as i32;
    i32_ge_u(a: u32, b: u32) -> bool = a >= b;

    i64_clz(a: u64) -> u64 = u64::from(a.leading_zeros());
    i64_ctz(a: u64) -> u64 = u64::from(a.trailing_zeros());
    i64_popcnt(a: u64) -> u64 = u64::from(a.count_ones());
    i64_extend8_s(a: u64) -> u64 = a as i8 as u64;
    i64_extend16_s(a: u64) -> u64 = a as i16 as u64;
    i64_extend32_s(a: u64) -> u64 = a as i32 as u64;
    i64_add(a: u64, b: u64) -> u64 = a.wrapping_add(b);
    i64_sub(a: u64, b: u64) -> u64 = a.wrapping_sub(b);
    i64_mul(a: u64, b: u64) -> u64 = a.wrapping_mul(b);
    i64_div_s(a: u64, b: u64) -> Trapping<u64> = divide(b == 0, || {
        let quotient = (a as i64).checked_div(b as i64);
        quotient.map(|q| q as u64).ok_or(TrapKind::IntegerOverflow)
    });
    i64_div_u(a: u64, b: u64) -> Trapping<u64> = divide(b == 0, || Ok(a / b));
    i64_rem_s(a: u64, b: u64) -> Trapping<u64> =
        divide(b == 0, || Ok((a as i64).wrapping_rem(b as i64) as u64));
    i64_rem_u(a: u64, b: u64) -> Trapping<u64> = divide(b == 0, || Ok(a % b));
    i64_and(a: u64, b: u64) -> u64 = a & b;
    i64_or(a: u64, b: u64) -> u64 = a | b;
    i64_xor(a: u64, b: u64) -> u64 = a ^ b;
    i64_shl(a: u64, b: u64) -> u64 = a.wrapping_shl(b as u32);
    i64_shr_s(a: u64, b: u64) -> u64 = (a as i64).wrapping_shr(b as u32) as u64;
    i64_shr_u(a: u64, b: u64) -> u64 = a.wrapping_shr(b as u32);
    i64_rotl(a: u64, b: u64) -> u64 = a.rotate_left((b % 64) as u32);
    i64_rotr(a: u64, b: u64) -> u64 = a.rotate_right((b % 64) as u32);
    i64_eqz(a: u64) -> bool = a == 0;
    i64_eq(a: u64, b: u64) -> bool = a == b;
    i64_ne(a: u64, b: u64) -> bool = a != b;
    i64_lt_s(a: u64, b: u64) -> bool = (a as i64) < b as i64;
    i64_lt_u(a: u64, b: u64) -> bool = a < b;
    i64_gt_s(a: u64, b: u64) -> bool = a as i64 > b as i64;
    i64_gt_u(a: u64, b: u64) -> bool = a > b;
    i64_le_s(a: u64, b: u64) -> bool = a as i64 <= b as i64;
    i64_le_u(a: u64, b: u64) -> bool = a <= b;
    i64_ge_s(a: u64, b: u64) -> bool = a as i64 >= b as i64;
    i64_ge_u(a: u64, b: u64) -> bool = a >= b;
}

// Spec 4.3.3 Floating-Point Operations.
pure! {
    f32_abs(a: f32) -> f32 = f32::from_bits(a.to_bits() & !SIGN32);
    f32_neg(a: f32) -> f32 = f32::from_bits(a.to_bits() ^ SIGN32);
    f32_copysign(a: f32, b: f32) -> f32 =
        f32::from_bits(a.to_bits() & !SIGN32 | b.to_bits() & SIGN32);
    f32_ceil(a: f32) -> f32 = canonical32(a.ceil());
    f32_floor(a: f32) -> f32 = canonical32(a.floor());
    f32_trunc(a: f32) -> f32 = canonical32(a.trunc());
    f32_nearest(a: f32) -> f32 = canonical32(a.round_ties_even());
    f32_sqrt(a: f32) -> f32 = if a >= 0.0 { a.sqrt() } else { opaque_nan32() };
    f32_add(a: f32, b: f32) -> f32 = checked32(a + b);
    f32_sub(a: f32, b: f32) -> f32 = checked32(a - b);
    f32_mul(a: f32, b: f32) -> f32 = checked32(a * b);
    f32_div(a: f32, b: f32) -> f32 = checked32(a / b);
    f32_min(a: f32, b: f32) -> f32 = minimum32(a, b);
    f32_max(a: f32, b: f32) -> f32 = maximum32(a, b);
    f32_eq(a: f32, b: f32) -> bool = a == b;
    f32_ne(a: f32, b: f32) -> bool = a != b;
    f32_lt(a: f32, b: f32) -> bool = a < b;
    f32_gt(a: f32, b: f32) -> bool = a > b;
    f32_le(a: f32, b: f32) -> bool = a <= b;
    f32_ge(a: f32, b: f32) -> bool = a >= b;

    f64_abs(a: f64) -> f64 = f64::from_bits(a.to_bits() & !SIGN64);
    f64_neg(a: f64) -> f64 = f64::from_bits(a.to_bits() ^ SIGN64);
    f64_copysign(a: f64, b: f64) -> f64 =
        f64::from_bits(a.to_bits() & !SIGN64 | b.to_bits() & SIGN64);
    f64_ceil(a: f64) -> f64 = canonical64(a.ceil());
    f64_floor(a: f64) -> f64 = canonical64(a.floor());
    f64_trunc(a: f64) -> f64 = canonical64(a.trunc());
    f64_nearest(a: f64) -> f64 = canonical64(a.round_ties_even());
    f64_sqrt(a: f64) -> f64 = if a >= 0.0 { a.sqrt() } else { opaque_nan64() };
    f64_add(a: f64, b: f64) -> f64 = checked64(a + b);
    f64_sub(a: f64, b: f64) -> f64 = checked64(a - b);
    f64_mul(a: f64, b: f64) -> f64 = checked64(a * b);
    f64_div(a: f64, b: f64) -> f64 = checked64(a / b);
    f64_min(a: f64, b: f64) -> f64 = minimum64(a, b);
    f64_max(a: f64, b: f64) -> f64 = maximum64(a, b);
    f64_eq(a: f64, b: f64) -> bool = a == b;
    f64_ne(a: f64, b: f64) -> bool = a != b;
    f64_lt(a: f64, b: f64) -> bool = a < b;
    f64_gt(a: f64, b: f64) -> bool = a > b;
    f64_le(a: f64, b: f64) -> bool = a <= b;
    f64_ge(a: f64, b: f64) -> bool = a >= b;
}

// Spec 4.3.4 Conversions. Rust's `as` from float to integer saturates and takes NaN to 0, which is
// `trunc_sat`; the trapping forms ask first whether the truncated value is in range. Bounds that an
// operand cannot be near enough to, for want of precision, are given by the neighbour that it can.
pure! {
    i32_wrap_i64(a: u64) -> u32 = a as u32;
    i64_extend_i32_s(a: u32) -> u64 = a as i32 as u64;
    i64_extend_i32_u(a: u32) -> u64 = u64::from(a);
    i32_trunc_f32_s(a: f32) -> Trapping<u32> =
        truncate(a.is_nan(), (-2147483648.0..2147483648.0).contains(&a), a as i32 as u32);
    i32_trunc_f32_u(a: f32) -> Trapping<u32> =
        truncate(a.is_nan(), a > -1.0 && a < 4294967296.0, a as u32);
    i32_trunc_f64_s(a: f64) -> Trapping<u32> =
        truncate(a.is_nan(), a > -2147483649.0 && a < 2147483648.0, a as i32 as u32);
    i32_trunc_f64_u(a: f64) -> Trapping<u32> =
        truncate(a.is_nan(), a > -1.0 && a < 4294967296.0, a as u32);
    i64_trunc_f32_s(a: f32) -> Trapping<u64> = truncate(
        a.is_nan(),
        (-9223372036854775808.0..9223372036854775808.0).contains(&a),
        a as i64 as u64,
    );
    i64_trunc_f32_u(a: f32) -> Trapping<u64> =
        truncate(a.is_nan(), a > -1.0 && a < 18446744073709551616.0, a as u64);
    i64_trunc_f64_s(a: f64) -> Trapping<u64> = truncate(
        a.is_nan(),
        (-9223372036854775808.0..9223372036854775808.0).contains(&a),
        a as i64 as u64,
    );
    i64_trunc_f64_u(a: f64) -> Trapping<u64> =
        truncate(a.is_nan(), a > -1.0 && a < 18446744073709551616.0, a as u64);
    i32_trunc_sat_f32_s(a: f32) -> u32 = a as i32 as u32;
    i32_trunc_sat_f32_u(a: f32) -> u32 = a as u32;
    i32_trunc_sat_f64_s(a: f64) -> u32 = a as i32 as u32;
    i32_trunc_sat_f64_u(a: f64) -> u32 = a as u32;
    i64_trunc_sat_f32_s(a: f32) -> u64 = a as i64 as u64;
    i64_trunc_sat_f32_u(a: f32) -> u64 = a as u64;
    i64_trunc_sat_f64_s(a: f64) -> u64 = a as i64 as u64;
    i64_trunc_sat_f64_u(a: f64) -> u64 = a as u64;
    f32_convert_i32_s(a: u32) -> f32 = a as i32 as f32;
    f32_convert_i32_u(a: u32) -> f32 = a as f32;
    f32_convert_i64_s(a: u64) -> f32 = a as i64 as f32;
    f32_convert_i64_u(a: u64) -> f32 = a as f32;
    f32_demote_f64(a: f64) -> f32 = canonical32(a as f32);
    f64_convert_i32_s(a: u32) -> f64 = f64::from(a as i32);
    f64_convert_i32_u(a: u32) -> f64 = f64::from(a);
    f64_convert_i64_s(a: u64) -> f64 = a as i64 as f64;
    f64_convert_i64_u(a: u64) -> f64 = a as f64;
    f64_promote_f32(a: f32) -> f64 = canonical64(f64::from(a));
    i32_reinterpret_f32(a: f32) -> u32 = a.to_bits();
    i64_reinterpret_f64(a: f64) -> u64 = a.to_bits();
    f32_reinterpret_i32(a: u32) -> f32 = f32::from_bits(a);
    f64_reinterpret_i64(a: u64) -> f64 = f64::from_bits(a);
}

/// The number of 128 bits with these halves.
#[inline(always)]
fn join(low: u64, high: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// The halves of a number of 128 bits, the low one first.
#[inline(always)]
fn split(wide: u128) -> (u64, u64) {
    (wide as u64, (wide >> 64) as u64)
}

// The wide-arithmetic proposal; operands and results are halves, the low one first.
pure! {
    i64_add128(a_low: u64, a_high: u64, b_low: u64, b_high: u64) -> (u64, u64) =
        split(join(a_low, a_high).wrapping_add(join(b_low, b_high)));
    i64_sub128(a_low: u64, a_high: u64, b_low: u64, b_high: u64) -> (u64, u64) =
        split(join(a_low, a_high).wrapping_sub(join(b_low, b_high)));
    i64_mul_wide_s(a: u64, b: u64) -> (u64, u64) =
        split(i128::from(a as i64).wrapping_mul(i128::from(b as i64)) as u128);
    i64_mul_wide_u(a: u64, b: u64) -> (u64, u64) = split(u128::from(a) * u128::from(b));
}

pub mod native;
