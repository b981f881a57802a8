//! Values: `wasm_val_t`, from and to the runtime's.
//!
//! The type that a value is meant for decides on a reference: an `externref` is any reference, and
//! what is not external itself is wrapped. Vectors have no room in a `wasm_val_t`.

use std::mem::ManuallyDrop;

use wassay_runtime::{AbstractHeapType, Error, Extern, Ref, Val, ValType};

use crate::object::{Kind, Object, StoreRef};
use crate::types::{kind, kind_of};
use crate::vector::vectors;

/// `wasm_val_t`. It owns its reference.
#[repr(C)]
pub struct Value {
    kind: u8,
    of: Content,
}

/// The content of a value, by its kind; floats as bits.
#[repr(C)]
union Content {
    i32: i32,
    i64: i64,
    f32: u32,
    f64: u64,
    reference: ManuallyDrop<Option<Box<Object>>>,
}

impl Default for Value {
    fn default() -> Value {
        Value::of_reference(kind::EXTERNREF, None)
    }
}

impl Clone for Value {
    fn clone(&self) -> Value {
        let of = match self.kind {
            // SAFETY: the kind says which content there is.
            kind::I32 => unsafe { Content { i32: self.of.i32 } },
            // SAFETY: as above.
            kind::F32 => unsafe { Content { f32: self.of.f32 } },
            // SAFETY: as above; both are 64 bits.
            kind::I64 | kind::F64 => unsafe { Content { i64: self.of.i64 } },
            _reference => {
                let object = self.reference().map(|object| Box::new(object.clone()));
                return Value::of_reference(self.kind, object);
            }
        };
        let kind = self.kind;
        Value { kind, of }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.is_reference() {
            // SAFETY: the kind says that the content is a reference; it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.of.reference) }
        }
    }
}

impl Value {
    fn of_reference(kind: u8, object: Option<Box<Object>>) -> Value {
        let reference = ManuallyDrop::new(object);
        let of = Content { reference };
        Value { kind, of }
    }

    fn is_reference(&self) -> bool {
        self.kind >= kind::EXTERNREF
    }

    fn reference(&self) -> Option<&Object> {
        if !self.is_reference() {
            return None;
        }
        // SAFETY: the kind says that the content is a reference.
        unsafe { self.of.reference.as_deref() }
    }

    /// The value as one of a type.
    ///
    /// # Errors
    /// If it is of another type, or vectors are meant.
    pub fn to_val(&self, store: &StoreRef, ty: ValType) -> Result<Val, Error> {
        // SAFETY: the kind says which content there is.
        let value = unsafe {
            match (self.kind, ty) {
                (kind::I32, ValType::I32) => Val::I32(self.of.i32),
                (kind::I64, ValType::I64) => Val::I64(self.of.i64),
                (kind::F32, ValType::F32) => Val::F32(self.of.f32),
                (kind::F64, ValType::F64) => Val::F64(self.of.f64),
                (_, ValType::Ref(_)) if self.is_reference() => {
                    to_ref(store, self.reference(), ty)?.into()
                }
                _other => {
                    let message = format!("a value of kind {} is not of type {ty}", self.kind);
                    return Err(Error::msg(message));
                }
            }
        };
        Ok(value)
    }

    /// The value of a type that C gets.
    ///
    /// # Errors
    /// If it is a vector.
    pub fn from_val(store: &StoreRef, value: Val, ty: ValType) -> Result<Value, Error> {
        let kind = kind_of(ty);
        let of = match value {
            Val::I32(i32) => Content { i32 },
            Val::I64(i64) => Content { i64 },
            Val::F32(f32) => Content { f32 },
            Val::F64(f64) => Content { f64 },
            Val::Ref(reference) => {
                return Ok(Value::of_reference(kind, from_ref(store, reference)));
            }
            Val::V128(_) => return Err(no_vectors()),
        };
        Ok(Value { kind, of })
    }

    /// Zero, or null, of a type.
    pub fn zero(ty: ValType) -> Value {
        match kind_of(ty) {
            kind if kind >= kind::EXTERNREF => Value::of_reference(kind, None),
            kind => Value {
                kind,
                of: Content { i64: 0 },
            },
        }
    }
}

/// Checks that values of these types have room in a `wasm_val_t`.
///
/// # Errors
/// If one of them is a vector.
pub fn check_types(types: &[ValType]) -> Result<(), Error> {
    match types.contains(&ValType::V128) {
        true => Err(no_vectors()),
        false => Ok(()),
    }
}

fn no_vectors() -> Error {
    Error::msg("values of type v128 do not cross wasm.h")
}

/// A reference of C as one of a type.
///
/// # Errors
/// If it is of another type.
pub fn to_ref(store: &StoreRef, object: Option<&Object>, ty: ValType) -> Result<Ref, Error> {
    let ValType::Ref(wanted) = ty else {
        return Err(Error::msg(format!("a reference is not of type {ty}")));
    };
    let top = wanted.heap_type().top();
    let Some(object) = object else {
        return Ok(Ref::Null(top));
    };
    match (&object.kind, top) {
        (Kind::Extern(Extern::Func(func)), AbstractHeapType::Func) => Ok(Ref::Func(*func)),
        (kind, AbstractHeapType::Extern) => Ok(Ref::Extern(store.externref(kind)?)),
        (Kind::Value(reference), _) => Ok(*reference),
        (_, top) => Err(Error::msg(format!(
            "the reference is not of {}",
            top.name()
        ))),
    }
}

/// A reference as C gets it: null for null.
pub fn from_ref(store: &StoreRef, reference: Ref) -> Option<Box<Object>> {
    let kind = match reference {
        Ref::Null(_) => return None,
        Ref::Func(func) => Kind::Extern(func.into()),
        Ref::Extern(externref) => store.referent(externref),
        other => Kind::Value(other),
    };
    Some(store.object(kind))
}

vectors! {
    "val": Value;
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_val_delete(value: Option<&mut Value>) {
    if let Some(value) = value {
        *value = Value::default();
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_val_copy(
    out: Option<&mut std::mem::MaybeUninit<Value>>,
    value: Option<&Value>,
) {
    if let (Some(out), Some(value)) = (out, value) {
        out.write(value.clone());
    }
}
