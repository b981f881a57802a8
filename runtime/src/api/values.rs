//! Conversions of values from and to Rust's types.

use std::any::Any;

use super::context::{AsContextMut, StoreContext, StoreContextMut};
use crate::error::{Error, Result};
use crate::store::check_store;
use crate::types::AbstractHeapType;
use crate::value::{
    AnyRef, ArrayRef, Exception, ExternRef, Func, HostValue, I31, Ref, StructRef, Val,
};

impl Ref {
    /// The null function.
    pub fn null_func() -> Ref {
        Ref::Null(AbstractHeapType::Func)
    }

    /// The null reference of the external hierarchy.
    pub fn null_extern() -> Ref {
        Ref::Null(AbstractHeapType::Extern)
    }

    /// The null reference of the internal hierarchy.
    pub fn null_any() -> Ref {
        Ref::Null(AbstractHeapType::Any)
    }

    /// True for null.
    pub fn is_null(self) -> bool {
        matches!(self, Ref::Null(_))
    }
}

impl ExternRef {
    /// A reference to a value of the host. The store keeps the value as long as it lives itself;
    /// each call makes another reference.
    ///
    /// # Errors
    /// If the store has 2^32 of them.
    pub fn new<T>(mut store: impl AsContextMut, value: T) -> Result<ExternRef>
    where
        T: Any + Send + Sync,
    {
        let mut context = store.as_context_mut();
        let data = context.state_mut();
        let index = u32::try_from(data.host_values.len())
            .map_err(|_| Error::usage("a store has no more than 2^32 values of the host"))?;
        data.host_values.push(Box::new(value));
        let store = data.id;
        Ok(ExternRef(AnyRef::Value(HostValue { store, index })))
    }

    /// The host's value; `None` if the reference is a number, or an internal one that has become
    /// external.
    ///
    /// # Errors
    /// `Usage` if the value is another store's.
    pub fn data<'a, T: 'static>(
        self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
        let Some(value) = self.0.host_value() else {
            return Ok(None);
        };
        let data = store.into().state();
        check_store(value.store, data)?;
        Ok(Some(&*data.host_values[value.index as usize]))
    }

    /// As [`ExternRef::data`], to be changed.
    ///
    /// # Errors
    /// As for [`ExternRef::data`].
    pub fn data_mut<'a, T: 'static>(
        self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
        let Some(value) = self.0.host_value() else {
            return Ok(None);
        };
        let (data, _) = store.into().into_parts();
        check_store(value.store, data)?;
        Ok(Some(&mut *data.host_values[value.index as usize]))
    }

    /// The reference of the host with that number. The host decides on the meaning of the number.
    pub fn from_number(number: u32) -> ExternRef {
        ExternRef(AnyRef::Host(number))
    }

    /// The host's number, if the reference is one.
    pub fn number(self) -> Option<u32> {
        match self.0 {
            AnyRef::Host(number) => Some(number),
            AnyRef::I31(_) | AnyRef::Struct(_) | AnyRef::Array(_) | AnyRef::Value(_) => None,
        }
    }

    /// The external form of an internal reference, as `extern.convert_any` gives it.
    pub fn convert_any(any: AnyRef) -> ExternRef {
        ExternRef(any)
    }
}

macro_rules! casts {
    ($($as:ident $is:ident $variant:ident $ty:ty, $what:literal;)*) => {
        impl AnyRef {
            /// The internal form of an external reference, as `any.convert_extern` gives it.
            pub fn convert_extern(external: ExternRef) -> AnyRef {
                external.0
            }

            $(
                #[doc = concat!("The reference as ", $what, ", if it is one.")]
                pub fn $as(self) -> Option<$ty> {
                    match self {
                        AnyRef::$variant(it) => Some(it),
                        _other => None,
                    }
                }

                #[doc = concat!("True if the reference is ", $what, ".")]
                pub fn $is(self) -> bool {
                    self.$as().is_some()
                }
            )*
        }

        $(
            impl From<$ty> for AnyRef {
                fn from(it: $ty) -> AnyRef {
                    AnyRef::$variant(it)
                }
            }
        )*
    };
}

casts! {
    as_i31 is_i31 I31 I31, "a number of 31 bits";
    as_struct is_struct Struct StructRef, "a structure";
    as_array is_array Array ArrayRef, "an array";
}

impl Exception {
    /// The exception that a reference refers to.
    pub fn from_ref(reference: Ref) -> Option<Exception> {
        Val::from(reference).try_into().ok()
    }
}

fn mismatch(value: Val, wanted: &str) -> Error {
    Error::usage(format!("a value of type {} is not {wanted}", value.ty()))
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
        impl From<$rust> for Ref {
            fn from(value: $rust) -> Ref {
                $to(value)
            }
        }

        impl From<$rust> for Val {
            fn from(value: $rust) -> Val {
                Val::Ref(value.into())
            }
        }

        impl From<Option<$rust>> for Val {
            fn from(value: Option<$rust>) -> Val {
                Val::Ref(value.map_or(Ref::Null(AbstractHeapType::$top), Ref::from))
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
                    Val::Ref(Ref::Null(ty)) if ty.top() == AbstractHeapType::$top => Ok(None),
                    value => <$rust>::try_from(value).map(Some),
                }
            }
        }
    )* };
}

references! {
    Func: Func "(ref func)" Ref::Func, Ref::Func(func) => func;
    ExternRef: Extern "(ref extern)" Ref::Extern, Ref::Extern(it) => it;
    AnyRef: Any "(ref any)" Ref::Any, Ref::Any(it) => it;
    I31: Any "(ref i31)" |it| Ref::Any(AnyRef::I31(it)), Ref::Any(AnyRef::I31(it)) => it;
    StructRef: Any "(ref struct)" |it| Ref::Any(AnyRef::Struct(it)),
        Ref::Any(AnyRef::Struct(it)) => it;
    ArrayRef: Any "(ref array)" |it| Ref::Any(AnyRef::Array(it)),
        Ref::Any(AnyRef::Array(it)) => it;
    Exception: Exn "(ref exn)" Ref::Exn, Ref::Exn(it) => it;
}

impl From<Ref> for Val {
    fn from(reference: Ref) -> Val {
        Val::Ref(reference)
    }
}

impl TryFrom<Val> for Ref {
    type Error = Error;

    fn try_from(value: Val) -> Result<Ref> {
        match value {
            Val::Ref(reference) => Ok(reference),
            _other => Err(mismatch(value, "a reference")),
        }
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
    any_ref unwrap_any_ref Option<AnyRef>;
    exn_ref unwrap_exn_ref Option<Exception>;
}
