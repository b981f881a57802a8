//! Results that the specification leaves open, noted while the native profile runs in this tier.
//!
//! Tiers may differ in these, and in all that code makes of them. Whoever compares tiers must know
//! that: a NaN whose bits became an integer does not look like one. This tier is the reference, so
//! that it notes choices although that takes time.

use crate::simd::V128;

/// Defines `by_choice!(f [a] [b])`, which expands to `a` where the function of this name is another
/// one in the native profile or makes NaNs, else to `b`.
macro_rules! choices {
    (($d:tt) $by_choice:ident [$($by_profile:tt)*] $($name:ident)*) => {
        macro_rules! $by_choice {
            $(($name [$d($d noted:tt)*] [$d($d same:tt)*]) => { $d($d noted)* };)*
            ($d other:ident $d noted:tt $d same:tt) => {
                $($by_profile)* { $d other $d noted $d same }
            };
        }
        pub(super) use $by_choice;
    };
}

choices! { ($) by_choice [crate::numeric::native::by_profile!]
    f32_ceil f32_floor f32_trunc f32_nearest f32_min f32_max
    f64_ceil f64_floor f64_trunc f64_nearest f64_min f64_max
}

choices! { ($) vector_by_choice [crate::simd::native::by_profile!]
    f32x4_ceil f32x4_floor f32x4_trunc f32x4_nearest f32x4_min f32x4_max
    f64x2_ceil f64x2_floor f64x2_trunc f64x2_nearest f64x2_min f64x2_max
    f32x4_relaxed_min f32x4_relaxed_max f64x2_relaxed_min f64x2_relaxed_max
}

/// The result of an instruction that may make a NaN.
pub(super) trait Choice {
    /// True if the specification allows several results in its place.
    fn is_open(&self) -> bool;
}

impl Choice for f32 {
    fn is_open(&self) -> bool {
        self.is_nan()
    }
}

impl Choice for f64 {
    fn is_open(&self) -> bool {
        self.is_nan()
    }
}

/// The bits of an f64 that is a NaN are, in their upper half, an f32 that is one: so it is enough
/// to look at lanes of 32 bits.
impl Choice for V128 {
    fn is_open(&self) -> bool {
        let halves = self.into_slots();
        let lanes = halves.map(|half| [half as u32, (half >> 32) as u32]);
        lanes
            .as_flattened()
            .iter()
            .any(|lane| f32::from_bits(*lane).is_nan())
    }
}

/// The result of an operation that rounds once or twice as it likes.
pub(super) struct Rounded;

impl Choice for Rounded {
    fn is_open(&self) -> bool {
        true
    }
}
