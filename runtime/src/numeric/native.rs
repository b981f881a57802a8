//! The native profile of the scalar numeric opcodes: as in `numeric`, save that an operation that
//! makes a NaN gives the host's.
//!
//! The spec lets an operation give any canonical NaN where all NaNs among its operands are
//! canonical, else any arithmetic NaN. Both x86-64 and ARM64 do: they make their default NaN, or
//! quieten an operand's. Only what is cheaper so is here: rounding, minimum and maximum must look
//! at NaNs in any case, and give the positive canonical one. Spec: 4.3.3 Floating-Point Operations
//! (nans).

#[allow(
    unused_imports,
    reason = "the rows of the table name its functions by this path"
)]
pub use super::*;

/// Defines the functions that differ, and [`by_profile!`] with them.
macro_rules! native {
    (($d:tt) $($name:ident($($operand:ident: $ty:ty),*) -> $result:ty = $meaning:expr;)*) => {
        pure! { $($name($($operand: $ty),*) -> $result = $meaning;)* }

        /// `by_profile!(f [a] [b])` expands to `a` where the function of this name is another one
        /// in the native profile, else to `b`.
        macro_rules! by_profile {
            $(($name [$d($d native:tt)*] [$d($d same:tt)*]) => { $d($d native)* };)*
            ($d other:ident [$d($d native:tt)*] [$d($d same:tt)*]) => { $d($d same)* };
        }
        pub(crate) use by_profile;
    };
}

native! { ($)
    f32_sqrt(a: f32) -> f32 = a.sqrt();
    f32_add(a: f32, b: f32) -> f32 = a + b;
    f32_sub(a: f32, b: f32) -> f32 = a - b;
    f32_mul(a: f32, b: f32) -> f32 = a * b;
    f32_div(a: f32, b: f32) -> f32 = a / b;
    f64_sqrt(a: f64) -> f64 = a.sqrt();
    f64_add(a: f64, b: f64) -> f64 = a + b;
    f64_sub(a: f64, b: f64) -> f64 = a - b;
    f64_mul(a: f64, b: f64) -> f64 = a * b;
    f64_div(a: f64, b: f64) -> f64 = a / b;
    f32_demote_f64(a: f64) -> f32 = a as f32;
    f64_promote_f32(a: f32) -> f64 = f64::from(a);
}
