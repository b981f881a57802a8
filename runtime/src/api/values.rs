//! Values from and to Rust's types.

use crate::error::{Error, Result};
use crate::store::Exception;
use crate::types::AbstractHeapType;
use crate::value::{Func, Ref, Val};

/// A reference of the host, by a number that the host has chosen.
///
/// ```
/// use wassay_runtime::{ExternRef, Ref, Val};
///
/// assert_eq!(Val::from(ExternRef(7)), Val::Ref(Ref::Extern(7)));
/// assert_eq!(ExternRef::try_from(Val::Ref(Ref::Extern(7)))?, ExternRef(7));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExternRef(pub u32);

impl Ref {
    /// The null function.
    pub fn null_func() -> Ref {
        Ref::Null(AbstractHeapType::Func)
    }

    /// The null reference of the host.
    pub fn null_extern() -> Ref {
        Ref::Null(AbstractHeapType::Extern)
    }

    /// True for null.
    pub fn is_null(self) -> bool {
        matches!(self, Ref::Null(_))
    }
}

impl Exception {
    /// The exception that a reference refers to.
    pub fn from_ref(reference: Ref) -> Option<Exception> {
        match reference {
            Ref::Exn(handle) => Some(Exception { handle }),
            _other => None,
        }
    }
}

fn mismatch(value: Val, wanted: &str) -> Error {
    Error::usage(format!("{value:?} is not of type {wanted}"))
}

macro_rules! numbers {
    ($($rust:ty: $variant:ident $to:expr, $from:expr;)*) => { $(
        impl From<$rust> for Val {
            fn from(value: $rust) -> Val {
                Val::$variant($to(value))
            }
        }

        impl TryFrom<Val> for $rust {
            type Error = Error;

            fn try_from(value: Val) -> Result<$rust> {
                match value {
                    Val::$variant(bits) => Ok($from(bits)),
                    _other => Err(mismatch(value, stringify!($rust))),
                }
            }
        }
    )* };
}

numbers! {
    i32: I32 |v| v, |v| v;
    u32: I32 |v: u32| v as i32, |v: i32| v as u32;
    i64: I64 |v| v, |v| v;
    u64: I64 |v: u64| v as i64, |v: i64| v as u64;
    f32: F32 f32::to_bits, f32::from_bits;
    f64: F64 f64::to_bits, f64::from_bits;
    u128: V128 |v| v, |v| v;
}

macro_rules! references {
    ($($rust:ty: $top:ident $name:literal $to:expr, $pattern:pat => $from:expr;)*) => { $(
        impl From<$rust> for Val {
            fn from(value: $rust) -> Val {
                Val::Ref($to(value))
            }
        }

        impl From<Option<$rust>> for Val {
            fn from(value: Option<$rust>) -> Val {
                Val::Ref(value.map_or(Ref::Null(AbstractHeapType::$top), $to))
            }
        }

        impl TryFrom<Val> for $rust {
            type Error = Error;

            fn try_from(value: Val) -> Result<$rust> {
                match value {
                    Val::Ref($pattern) => Ok($from),
                    _other => Err(mismatch(value, $name)),
                }
            }
        }

        impl TryFrom<Val> for Option<$rust> {
            type Error = Error;

            fn try_from(value: Val) -> Result<Option<$rust>> {
                match value {
                    Val::Ref(Ref::Null(AbstractHeapType::$top)) => Ok(None),
                    value => <$rust>::try_from(value).map(Some),
                }
            }
        }
    )* };
}

references! {
    Func: Func "(ref func)" Ref::Func, Ref::Func(func) => func;
    ExternRef: Extern "(ref extern)" |v: ExternRef| Ref::Extern(v.0),
        Ref::Extern(n) => ExternRef(n);
    Exception: Exn "(ref exn)" Exception::to_ref, Ref::Exn(handle) => Exception { handle };
}

impl From<Ref> for Val {
    fn from(reference: Ref) -> Val {
        Val::Ref(reference)
    }
}

impl From<Func> for Ref {
    fn from(func: Func) -> Ref {
        Ref::Func(func)
    }
}

macro_rules! unwraps {
    ($($get:ident $unwrap:ident $rust:ty;)*) => {
        impl Val {
            $(
                #[doc = concat!("The value as `", stringify!($rust), "`, if it is of that type.")]
                pub fn $get(self) -> Option<$rust> {
                    self.try_into().ok()
                }

                #[doc = concat!("The value as `", stringify!($rust), "`.")]
                ///
                /// # Panics
                /// If it is of another type.
                #[track_caller]
                pub fn $unwrap(self) -> $rust {
                    match self.$get() {
                        Some(value) => value,
                        None => panic!("{}", mismatch(self, stringify!($rust))),
                    }
                }
            )*
        }
    };
}

unwraps! {
    i32 unwrap_i32 i32;
    i64 unwrap_i64 i64;
    f32 unwrap_f32 f32;
    f64 unwrap_f64 f64;
    v128 unwrap_v128 u128;
    func_ref unwrap_func_ref Option<Func>;
    extern_ref unwrap_extern_ref Option<ExternRef>;
}
