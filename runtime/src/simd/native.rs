//! The native profile of the vector opcodes: as in `simd`, save that an operation that makes a NaN
//! gives the host's, and that relaxed ones do what costs the host least.
//!
//! Chosen are, of what the spec leaves to the implementation: multiply-add fused where the host has
//! an instruction for it without asking (`R_fmadd` is 1 on ARM64, else 0). All others are as in the
//! deterministic profile, in compiled code too: a choice is one for the whole engine, since a
//! function may change its tier while it runs. What is said of NaNs in
//! `numeric::native` holds lane by lane. Spec: 4.3.5 Vector Operations, 4.3.6 Relaxed Operations.

pub use super::*;
use crate::numeric::native as lane;

/// Defines the functions that differ, lane by lane, and [`by_profile!`] with them.
macro_rules! native {
    (($d:tt) $($count:literal {
        $($name:ident($($operand:ident: $ty:ty),*) -> $result:ty = $meaning:expr;)*
    })* across {
        $($across:ident($a:ident: $lanes:ty) -> $out:ty, $i:ident = $lane:expr;)*
    }) => {
        lanewise! { $($count { $($name($($operand: $ty),*) -> $result = $meaning;)* })* }
        across! { $($across($a: $lanes) -> $out, $i = $lane;)* }

        /// `by_profile!(f [a] [b])` expands to `a` where the function of this name is another one
        /// in the native profile, else to `b`.
        macro_rules! by_profile {
            $($(($name [$d($d native:tt)*] [$d($d same:tt)*]) => { $d($d native)* };)*)*
            $(($across [$d($d native:tt)*] [$d($d same:tt)*]) => { $d($d native)* };)*
            ($d other:ident [$d($d native:tt)*] [$d($d same:tt)*]) => { $d($d same)* };
        }
        pub(crate) use by_profile;
    };
}

/// `a * b + c`, fused where that is one instruction of every host of this kind.
macro_rules! multiply_add {
    ($a:expr, $b:expr, $c:expr) => {
        if cfg!(target_arch = "aarch64") {
            $a.mul_add($b, $c)
        } else {
            $a * $b + $c
        }
    };
}

native! { ($)
    4 {
        f32x4_sqrt(a: f32) -> f32 = lane::f32_sqrt(a);
        f32x4_add(a: f32, b: f32) -> f32 = lane::f32_add(a, b);
        f32x4_sub(a: f32, b: f32) -> f32 = lane::f32_sub(a, b);
        f32x4_mul(a: f32, b: f32) -> f32 = lane::f32_mul(a, b);
        f32x4_div(a: f32, b: f32) -> f32 = lane::f32_div(a, b);
        f32x4_relaxed_madd(a: f32, b: f32, c: f32) -> f32 = multiply_add!(a, b, c);
        f32x4_relaxed_nmadd(a: f32, b: f32, c: f32) -> f32 = multiply_add!(-a, b, c);
    }
    2 {
        f64x2_sqrt(a: f64) -> f64 = lane::f64_sqrt(a);
        f64x2_add(a: f64, b: f64) -> f64 = lane::f64_add(a, b);
        f64x2_sub(a: f64, b: f64) -> f64 = lane::f64_sub(a, b);
        f64x2_mul(a: f64, b: f64) -> f64 = lane::f64_mul(a, b);
        f64x2_div(a: f64, b: f64) -> f64 = lane::f64_div(a, b);
        f64x2_relaxed_madd(a: f64, b: f64, c: f64) -> f64 = multiply_add!(a, b, c);
        f64x2_relaxed_nmadd(a: f64, b: f64, c: f64) -> f64 = multiply_add!(-a, b, c);
    }
    across {
        f32x4_demote_f64x2_zero(a: [f64; 2]) -> [f32; 4], i =
            if i < 2 { lane::f32_demote_f64(a[i]) } else { 0.0 };
        f64x2_promote_low_f32x4(a: [f32; 4]) -> [f64; 2], i = lane::f64_promote_f32(a[i]);
    }
}
