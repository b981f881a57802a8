//! Values at the boundary between host and Wasm, and their representation in 8-byte slots.
//!
//! Inside the engine a value is one slot (`u64`): i32 and f32 zero-extended, references as their
//! raw word, and v128 two slots, low half first. [`Val`] is the typed form of the public
//! API. Spec: "Runtime Structure / Values".
//!
//! # Reference words
//! Null is 0. A function is the address of its `FuncInst`. The hierarchies any, extern and exn
//! share one space of words, so that converting between the first two leaves the word as it is: an
//! object of the heap is its offset there, a multiple of 8 below 2^32; an i31 is its 31 bits
//! shifted left by one, plus 1; the host's number `n` is `n << 32 | 2`; a host's value, the store's
//! `n`th, is `n << 32 | 4`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::types::{AbstractHeapType, CompositeKind, HeapType, RefType, TypeRef, ValType};

/// A typed WebAssembly value. Floats are held as bits: a NaN's payload is part of the value.
///
/// ```
/// use wassay_runtime::Val;
///
/// assert_eq!(Val::from(1.5_f32), Val::F32(1.5_f32.to_bits()));
/// assert_eq!(Val::I32(7).i32(), Some(7));
/// assert_eq!(Val::I32(7).i64(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A 128-bit vector, lane 0 in the low bits.
    V128(u128),
    /// A reference.
    Ref(Ref),
}

/// A reference. Two references are equal exactly if they are the same reference.
///
/// ```
/// use wassay_runtime::{AnyRef, ExternRef, I31, Ref};
///
/// assert!(Ref::null_extern().is_null());
/// assert_ne!(Ref::from(ExternRef::from_number(1)), Ref::from(ExternRef::from_number(2)));
/// assert_eq!(Ref::from(I31::wrapping_u32(5)), Ref::Any(AnyRef::I31(I31::wrapping_u32(5))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ref {
    /// Null, of the hierarchy that this heap type is in.
    Null(AbstractHeapType),
    /// A function.
    Func(Func),
    /// An internal reference.
    Any(AnyRef),
    /// An external reference.
    Extern(ExternRef),
    /// An exception.
    Exn(Exception),
}

/// An internal reference, not null: a value of `(ref any)`.
///
/// ```
/// use wassay_runtime::{AnyRef, ExternRef, I31};
///
/// let number = AnyRef::from(I31::wrapping_u32(7));
/// assert_eq!(number.as_i31().map(I31::get_u32), Some(7));
/// assert_eq!(number.as_struct(), None);
/// // `extern.convert_any`, and back.
/// assert_eq!(AnyRef::convert_extern(ExternRef::convert_any(number)), number);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnyRef {
    /// A number of 31 bits.
    I31(I31),
    /// A structure.
    Struct(StructRef),
    /// An array.
    Array(ArrayRef),
    /// A reference of the host, by its number, that has become internal (`any.convert_extern`).
    Host(u32),
    /// A value of the host that has become internal.
    Value(HostValue),
}

/// A value of the host that a store keeps: what [`ExternRef::new`] makes.
///
/// ```
/// use wassay_runtime::{AnyRef, Config, Engine, ExternRef, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let value = ExternRef::new(&mut store, 5_u32)?;
/// assert!(matches!(AnyRef::convert_extern(value), AnyRef::Value(_)));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostValue {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// An external reference, not null: a value of `(ref extern)`. It refers to a value of the host,
/// which its store keeps, or is a number that the host has chosen, or an internal reference that
/// has become external (`extern.convert_any`).
///
/// ```
/// use wassay_runtime::{Config, Engine, ExternRef, Store, Val};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let name = ExternRef::new(&mut store, String::from("a name"))?;
/// let data = name.data(&store)?.and_then(|data| data.downcast_ref::<String>());
/// assert_eq!(data.map(String::as_str), Some("a name"));
///
/// let seven = ExternRef::from_number(7);
/// assert_eq!(seven.number(), Some(7));
/// assert_eq!(ExternRef::try_from(Val::from(seven))?, seven);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExternRef(pub(crate) AnyRef);

/// A number of 31 bits that is a reference.
///
/// ```
/// use wassay_runtime::I31;
///
/// assert_eq!(I31::new_i32(-1).map(I31::get_i32), Some(-1));
/// assert_eq!(I31::new_u32(u32::MAX), None);
/// assert_eq!(I31::wrapping_u32(u32::MAX).get_u32(), u32::MAX >> 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct I31(u32);

/// The greatest number of 31 bits without a sign.
const I31_MAX: u32 = u32::MAX >> 1;

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// The handle keeps the object alive until the scope ends in which the host came to hold
        /// it (see [`RootScope`](crate::RootScope)). Equal handles are the same object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            pub(crate) handle: GcRef,
        }
    )* };
}

objects! {
    /// A structure of a store.
    ///
    /// ```
    /// use wassay_runtime::{
    ///     Config, Engine, FieldType, Mutability, Store, StorageType, StructRef, StructRefPre,
    ///     StructType, Val, ValType,
    /// };
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let number = FieldType::new(Mutability::Var, StorageType::Val(ValType::I64));
    /// let byte = FieldType::new(Mutability::Const, StorageType::I8);
    /// let ty = StructType::new(&engine, [number, byte])?;
    /// let pre = StructRefPre::new(&mut store, ty.clone())?;
    /// let pair = StructRef::new(&mut store, &pre, &[Val::I64(-5), Val::I32(0x1ff)])?;
    /// assert_eq!(pair.field(&mut store, 0)?, Val::I64(-5));
    /// assert_eq!(pair.field(&mut store, 1)?, Val::I32(0xff));
    /// pair.set_field(&mut store, 0, Val::I64(6))?;
    /// assert!(pair.set_field(&mut store, 1, Val::I32(1)).is_err());
    /// assert_eq!(pair.fields(&mut store)?.next(), Some(Val::I64(6)));
    /// assert_eq!(pair.ty(&store)?, ty);
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    StructRef;
    /// An array of a store.
    ///
    /// ```
    /// use wassay_runtime::{
    ///     ArrayRef, ArrayRefPre, ArrayType, Config, Engine, FieldType, Mutability, Store,
    ///     StorageType, Val,
    /// };
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let ty = ArrayType::new(&engine, FieldType::new(Mutability::Var, StorageType::I16))?;
    /// let pre = ArrayRefPre::new(&mut store, ty)?;
    /// let zeros = ArrayRef::new(&mut store, &pre, &Val::I32(0), 100)?;
    /// assert_eq!(zeros.len(&store)?, 100);
    /// let array = ArrayRef::new_fixed(&mut store, &pre, &[Val::I32(1), Val::I32(2)])?;
    /// array.set(&mut store, 1, Val::I32(3))?;
    /// assert_eq!(array.get(&mut store, 1)?, Val::I32(3));
    /// assert!(array.get(&mut store, 2).is_err());
    /// assert_eq!(array.elems(&mut store)?.len(), 2);
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    ArrayRef;
    /// An exception of a store.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Exception, FuncType, Store, Tag, Val, ValType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let tag = Tag::new(&mut store, FuncType::new([ValType::I32], []))?;
    /// let exception = Exception::new(&mut store, tag, &[Val::I32(5)])?;
    /// assert_eq!(exception.get(&store), Some((tag, vec![Val::I32(5)])));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    Exception;
}

/// The translation between a store's functions and objects and their handles.
pub(crate) trait Objects {
    /// The handle of the function that a word refers to.
    ///
    /// # Safety
    /// The word is the address of a function of this store.
    unsafe fn func(&self, word: u64) -> Func;

    /// The word of a function's handle; 0 if the function is another store's.
    fn func_word(&self, func: Func) -> u64;

    /// The store's identity.
    fn store(&self) -> StoreId;

    /// The canonical type of an object, and a handle that keeps it alive.
    fn hold(&self, object: u32) -> (TypeRef, GcRef);

    /// The canonical type and the offset of a handle's object, unless it has been released.
    fn object(&self, handle: GcRef) -> Option<(TypeRef, u32)>;
}

/// A function of a store. Equal handles are the same function.
///
/// ```
/// use wassay_runtime::{Config, Engine, Func, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let double = Func::wrap(&mut store, |n: i32| n * 2);
/// assert_eq!(double.typed::<i32, i32>(&store)?.call(&mut store, 21)?, 42);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Func {
    pub(crate) store: StoreId,
    pub(crate) id: u32,
}

/// The identity of a store, which no other store of the process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(u64);

impl StoreId {
    /// A new identity.
    pub(crate) fn unique() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A handle of an object of the garbage-collected heap, which it keeps alive until it is released.
/// Equal handles that are not released are of the same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GcRef {
    /// Its store.
    pub(crate) store: StoreId,
    /// Its place among the objects that the host holds.
    pub(crate) place: u32,
    /// The number of this use of the place.
    pub(crate) stamp: u64,
}

impl I31 {
    /// The number, if 31 bits without a sign can hold it.
    pub fn new_u32(value: u32) -> Option<I31> {
        (value <= I31_MAX).then_some(I31(value))
    }

    /// The number, if 31 bits with a sign can hold it.
    pub fn new_i32(value: i32) -> Option<I31> {
        let number = I31::wrapping_i32(value);
        (number.get_i32() == value).then_some(number)
    }

    /// The low 31 bits of a number.
    pub fn wrapping_u32(value: u32) -> I31 {
        I31(value & I31_MAX)
    }

    /// The low 31 bits of a number.
    pub fn wrapping_i32(value: i32) -> I31 {
        I31::wrapping_u32(value as u32)
    }

    /// The number, zero-extended.
    pub fn get_u32(self) -> u32 {
        self.0
    }

    /// The number, sign-extended.
    pub fn get_i32(self) -> i32 {
        ((self.0 << 1) as i32) >> 1
    }
}

/// The word of an i31, from its low 31 bits.
#[inline(always)]
pub fn i31_word(value: u32) -> u64 {
    u64::from(value << 1 | 1)
}

/// The word of the host's reference number `n`.
fn host_word(n: u32) -> u64 {
    u64::from(n) << 32 | HOST_TAG
}

/// The low 3 bits of a host's reference by number.
const HOST_TAG: u64 = 2;

/// The low 3 bits of a reference to a host's value.
const VALUE_TAG: u64 = 4;

/// The number of slots of a value of this type.
pub const fn slots_of(ty: ValType) -> usize {
    match ty {
        ValType::V128 => 2,
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::Ref(_) => 1,
    }
}

/// The number of slots of values of these types together.
pub fn slots_of_all(types: &[ValType]) -> usize {
    types.iter().map(|&ty| slots_of(ty)).sum()
}

impl Val {
    /// The default value of a type: zero or null; `None` for a reference that cannot be null.
    pub fn default_of(ty: ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0),
            ValType::Ref(r) if r.nullable => Val::Ref(Ref::Null(r.heap.top())),
            ValType::Ref(_) => return None,
        })
    }

    /// Writes the value into `slots`, which must be as long as its type's slots.
    pub(crate) fn write(self, objects: &dyn Objects, slots: &mut [u64]) {
        match self {
            Val::I32(v) => slots[0] = u64::from(v as u32),
            Val::I64(v) => slots[0] = v as u64,
            Val::F32(v) => slots[0] = u64::from(v),
            Val::F64(v) => slots[0] = v,
            Val::V128(v) => {
                slots[0] = v as u64;
                slots[1] = (v >> 64) as u64;
            }
            Val::Ref(r) => slots[0] = r.to_word(objects),
        }
    }

    /// Reads a value of type `ty` from its slots.
    ///
    /// # Safety
    /// As for [`Ref::from_word`], of the slots of a reference.
    pub(crate) unsafe fn read(ty: ValType, objects: &dyn Objects, slots: &[u64]) -> Val {
        match ty {
            ValType::I32 => Val::I32(slots[0] as i32),
            ValType::I64 => Val::I64(slots[0] as i64),
            ValType::F32 => Val::F32(slots[0] as u32),
            ValType::F64 => Val::F64(slots[0]),
            ValType::V128 => Val::V128(u128::from(slots[0]) | u128::from(slots[1]) << 64),
            // SAFETY: the caller's contract.
            ValType::Ref(r) => Val::Ref(unsafe { Ref::from_word(r, objects, slots[0]) }),
        }
    }

    /// The type of the value as far as the value alone tells: references give their top type.
    pub fn ty(self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::Ref(r) => ValType::Ref(r.ty()),
        }
    }
}

impl Ref {
    /// The slot word. That of a released handle is null: [`Ref::heap_type`] has refused it before.
    pub(crate) fn to_word(self, objects: &dyn Objects) -> u64 {
        match self {
            Ref::Null(_) => 0,
            Ref::Func(func) => objects.func_word(func),
            Ref::Any(any) | Ref::Extern(ExternRef(any)) => any.to_word(objects),
            Ref::Exn(exception) => object_word(exception.handle, objects),
        }
    }

    /// The reference that a slot word of type `ty` denotes.
    ///
    /// # Safety
    /// The word is a reference of the store of `objects`, in the hierarchy of `ty`.
    pub(crate) unsafe fn from_word(ty: RefType, objects: &dyn Objects, word: u64) -> Ref {
        let top = ty.heap.top();
        if word == 0 {
            return Ref::Null(top);
        }
        match top {
            // SAFETY: the caller's contract.
            AbstractHeapType::Func => Ref::Func(unsafe { objects.func(word) }),
            AbstractHeapType::Exn => Ref::Exn(Exception {
                handle: objects.hold(word as u32).1,
            }),
            AbstractHeapType::Extern => Ref::Extern(ExternRef(AnyRef::from_word(objects, word))),
            _ => Ref::Any(AnyRef::from_word(objects, word)),
        }
    }

    /// The least heap type that the reference alone tells. Functions and objects tell their kind
    /// only; null has no least type.
    fn abstract_type(self) -> AbstractHeapType {
        match self {
            Ref::Null(top) => top,
            Ref::Func(_) => AbstractHeapType::Func,
            Ref::Any(AnyRef::I31(_)) => AbstractHeapType::I31,
            Ref::Any(AnyRef::Struct(_)) => AbstractHeapType::Struct,
            Ref::Any(AnyRef::Array(_)) => AbstractHeapType::Array,
            Ref::Any(AnyRef::Host(_) | AnyRef::Value(_)) => AbstractHeapType::Any,
            Ref::Extern(_) => AbstractHeapType::Extern,
            Ref::Exn(_) => AbstractHeapType::Exn,
        }
    }

    /// The handle of the object that the reference refers to, if it refers to one.
    fn handle(self) -> Option<GcRef> {
        match self {
            Ref::Any(any) | Ref::Extern(ExternRef(any)) => any.handle(),
            Ref::Exn(exception) => Some(exception.handle),
            Ref::Null(_) | Ref::Func(_) => None,
        }
    }

    /// The host's value that the reference refers to, if it refers to one.
    fn host_value(self) -> Option<HostValue> {
        match self {
            Ref::Any(any) | Ref::Extern(ExternRef(any)) => any.host_value(),
            Ref::Null(_) | Ref::Func(_) | Ref::Exn(_) => None,
        }
    }

    /// The least heap type of a reference that is neither null nor a function; `None` if its handle
    /// has been released, or is another store's.
    pub(crate) fn heap_type(self, objects: &dyn Objects) -> Option<HeapType> {
        let kind = HeapType::Abstract(self.abstract_type());
        if self
            .host_value()
            .is_some_and(|value| value.store != objects.store())
        {
            return None;
        }
        let Some(handle) = self.handle() else {
            return Some(kind);
        };
        let (ty, _) = objects.object(handle)?;
        // Of an exception and of an external reference, the type is only that they are such.
        let is_internal = matches!(self, Ref::Any(_));
        Some(if is_internal {
            HeapType::Exact(ty)
        } else {
            kind
        })
    }

    fn ty(self) -> RefType {
        RefType {
            nullable: matches!(self, Ref::Null(_)),
            heap: HeapType::Abstract(self.abstract_type()),
        }
    }
}

/// The word of a handle's object; null if the handle has been released.
fn object_word(handle: GcRef, objects: &dyn Objects) -> u64 {
    objects
        .object(handle)
        .map_or(0, |(_, object)| object.into())
}

impl AnyRef {
    fn to_word(self, objects: &dyn Objects) -> u64 {
        match self {
            AnyRef::I31(value) => i31_word(value.0),
            AnyRef::Struct(StructRef { handle }) | AnyRef::Array(ArrayRef { handle }) => {
                object_word(handle, objects)
            }
            AnyRef::Host(n) => host_word(n),
            AnyRef::Value(value) => u64::from(value.index) << 32 | VALUE_TAG,
        }
    }

    /// The reference that a word denotes that is not null.
    fn from_word(objects: &dyn Objects, word: u64) -> AnyRef {
        if word & 1 == 1 {
            return AnyRef::I31(I31(word as u32 >> 1));
        }
        if word & 7 == HOST_TAG {
            return AnyRef::Host((word >> 32) as u32);
        }
        if word & 7 == VALUE_TAG {
            let (store, index) = (objects.store(), (word >> 32) as u32);
            return AnyRef::Value(HostValue { store, index });
        }
        match objects.hold(word as u32) {
            (ty, handle) if ty.kind == CompositeKind::Array => AnyRef::Array(ArrayRef { handle }),
            (_, handle) => AnyRef::Struct(StructRef { handle }),
        }
    }

    fn handle(self) -> Option<GcRef> {
        match self {
            AnyRef::Struct(StructRef { handle }) | AnyRef::Array(ArrayRef { handle }) => {
                Some(handle)
            }
            AnyRef::I31(_) | AnyRef::Host(_) | AnyRef::Value(_) => None,
        }
    }

    pub(crate) fn host_value(self) -> Option<HostValue> {
        match self {
            AnyRef::Value(value) => Some(value),
            AnyRef::I31(_) | AnyRef::Struct(_) | AnyRef::Array(_) | AnyRef::Host(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A heap without objects.
    struct NoObjects;

    impl Objects for NoObjects {
        fn store(&self) -> StoreId {
            StoreId::unique()
        }

        unsafe fn func(&self, word: u64) -> Func {
            panic!("there is no function {word:#x}")
        }

        fn func_word(&self, func: Func) -> u64 {
            panic!("there is no function {func:?}")
        }

        fn hold(&self, object: u32) -> (TypeRef, GcRef) {
            panic!("there is no object {object:#x}")
        }

        fn object(&self, _: GcRef) -> Option<(TypeRef, u32)> {
            None
        }
    }

    #[test]
    fn references_of_either_hierarchy_share_their_words() {
        for (external, internal) in [
            (
                Ref::Extern(ExternRef::from_number(7)),
                Ref::Any(AnyRef::Host(7)),
            ),
            (
                Ref::Extern(ExternRef(AnyRef::I31(I31(5)))),
                Ref::Any(AnyRef::I31(I31(5))),
            ),
            (
                Ref::Null(AbstractHeapType::Extern),
                Ref::Null(AbstractHeapType::Any),
            ),
        ] {
            let word = external.to_word(&NoObjects);
            assert_eq!(word, internal.to_word(&NoObjects));
            // SAFETY: neither functions nor objects are read.
            let read = |top| unsafe { Ref::from_word(RefType::nullable(top), &NoObjects, word) };
            assert_eq!(read(AbstractHeapType::Extern), external);
            assert_eq!(read(AbstractHeapType::Any), internal);
        }
    }

    #[test]
    fn values_survive_their_slots() {
        let values = [
            Val::I32(-1),
            Val::I64(i64::MIN),
            Val::F32(0x7fa0_0001),
            Val::F64(0x7ff4_0000_0000_0001),
            Val::V128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            Val::Ref(Ref::Null(AbstractHeapType::Extern)),
            Val::Ref(Ref::Extern(ExternRef::from_number(u32::MAX))),
            Val::Ref(Ref::Any(AnyRef::I31(I31(0x7fff_ffff)))),
        ];
        for value in values {
            let mut slots = [u64::MAX; 2];
            value.write(&NoObjects, &mut slots[..slots_of(value.ty())]);
            // SAFETY: as above.
            let read = unsafe { Val::read(value.ty(), &NoObjects, &slots) };
            assert_eq!(read, value);
        }
    }

    #[test]
    fn i32_and_f32_are_zero_extended() {
        let mut slot = [u64::MAX];
        Val::I32(-1).write(&NoObjects, &mut slot);
        assert_eq!(slot[0], 0xffff_ffff);
        slot[0] = u64::MAX;
        Val::F32(0x8000_0000).write(&NoObjects, &mut slot);
        assert_eq!(slot[0], 0x8000_0000);
    }
}
