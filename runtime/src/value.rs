//! Values at the boundary between host and Wasm, and how they lie in 8-byte slots.
//!
//! Inside the engine a value is one slot (`u64`): i32 and f32 zero-extended, references as their
//! raw word, and v128 two slots, low half first. [`Val`] is the typed form that the public API
//! takes and gives. Spec: "Runtime Structure / Values".
//!
//! # Reference words
//! Null is 0. A function is the address of its `FuncInst`. The hierarchies any, extern and exn
//! share one space of words, so that converting between the first two leaves the word as it is: an
//! object of the heap is its offset there, a multiple of 8 below 2^32; an i31 is its 31 bits
//! shifted left by one, plus 1; the host's number `n` is `n << 32 | 2`.

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
/// use wassay_runtime::Ref;
///
/// assert!(Ref::null_extern().is_null());
/// assert_ne!(Ref::Extern(1), Ref::Extern(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ref {
    /// Null, of the hierarchy that this heap type is in.
    Null(AbstractHeapType),
    /// A function.
    Func(Func),
    /// A host reference by the number that the host chose.
    Extern(u32),
    /// A host reference that has become internal (`any.convert_extern`).
    Host(u32),
    /// An i31 by its 31 bits.
    I31(u32),
    /// A structure.
    Struct(GcRef),
    /// An array.
    Array(GcRef),
    /// An exception.
    Exn(GcRef),
    /// An internal reference that has become external (`extern.convert_any`).
    Converted(Internal),
}

/// What may be converted to an external reference and is not the host's.
///
/// ```
/// use wassay_runtime::{Internal, Ref};
///
/// assert_ne!(Ref::Converted(Internal::I31(3)), Ref::I31(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Internal {
    /// An i31 by its 31 bits.
    I31(u32),
    /// A structure.
    Struct(GcRef),
    /// An array.
    Array(GcRef),
}

/// Gives handles of a store's functions and objects, and finds what handles stand for.
pub(crate) trait Objects {
    /// The handle of the function that a word refers to.
    ///
    /// # Safety
    /// The word is the address of a function of this store.
    unsafe fn func(&self, word: u64) -> Func;

    /// The word of a function's handle; 0 if the function is another store's.
    fn func_word(&self, func: Func) -> u64;

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

/// Tells the handles of one store from those of all others of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(u64);

impl StoreId {
    /// An identity that no other store has.
    pub(crate) fn unique() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A handle of an object of the garbage-collected heap, which it keeps alive until it is released.
/// Of handles that have not been, equal ones are of the same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GcRef {
    /// Its store.
    pub(crate) store: StoreId,
    /// Its place among all that the host holds.
    pub(crate) place: u32,
    /// Tells it from what had the place before.
    pub(crate) stamp: u64,
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

/// What the low 3 bits of a host's reference are.
const HOST_TAG: u64 = 2;

/// How many slots a value of this type takes.
pub const fn slots_of(ty: ValType) -> usize {
    match ty {
        ValType::V128 => 2,
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::Ref(_) => 1,
    }
}

/// How many slots values of these types take together.
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
        let object = |handle| match objects.object(handle) {
            Some((_, object)) => u64::from(object),
            None => 0,
        };
        match self {
            Ref::Null(_) => 0,
            Ref::Func(f) => objects.func_word(f),
            Ref::Extern(n) | Ref::Host(n) => host_word(n),
            Ref::I31(value) | Ref::Converted(Internal::I31(value)) => i31_word(value),
            Ref::Struct(h) | Ref::Array(h) | Ref::Exn(h) => object(h),
            Ref::Converted(Internal::Struct(h) | Internal::Array(h)) => object(h),
        }
    }

    /// The reference that a slot word of type `ty` denotes.
    ///
    /// # Safety
    /// The word is a reference of the store of `objects`, in the hierarchy of `ty`.
    pub(crate) unsafe fn from_word(ty: RefType, objects: &dyn Objects, word: u64) -> Ref {
        let top = ty.heap.top();
        match (word, top) {
            (0, _) => Ref::Null(top),
            // SAFETY: the caller's contract.
            (_, AbstractHeapType::Func) => Ref::Func(unsafe { objects.func(word) }),
            (_, AbstractHeapType::Exn) => Ref::Exn(objects.hold(word as u32).1),
            (_, AbstractHeapType::Extern) if word & 7 == HOST_TAG => {
                Ref::Extern((word >> 32) as u32)
            }
            (_, AbstractHeapType::Extern) => Ref::Converted(Internal::from_word(objects, word)),
            (_, _) if word & 7 == HOST_TAG => Ref::Host((word >> 32) as u32),
            (_, _) => match Internal::from_word(objects, word) {
                Internal::I31(value) => Ref::I31(value),
                Internal::Struct(handle) => Ref::Struct(handle),
                Internal::Array(handle) => Ref::Array(handle),
            },
        }
    }

    /// The least heap type that the reference alone tells; functions and objects tell only what
    /// kind they are. Null has none.
    fn abstract_type(self) -> AbstractHeapType {
        match self {
            Ref::Null(top) => top,
            Ref::Func(_) => AbstractHeapType::Func,
            Ref::Extern(_) | Ref::Converted(_) => AbstractHeapType::Extern,
            Ref::Host(_) => AbstractHeapType::Any,
            Ref::I31(_) => AbstractHeapType::I31,
            Ref::Struct(_) => AbstractHeapType::Struct,
            Ref::Array(_) => AbstractHeapType::Array,
            Ref::Exn(_) => AbstractHeapType::Exn,
        }
    }

    /// The least heap type of a reference that is neither null nor a function; `None` if its handle
    /// has been released.
    pub(crate) fn heap_type(self, objects: &dyn Objects) -> Option<HeapType> {
        match self {
            Ref::Struct(handle) | Ref::Array(handle) => {
                objects.object(handle).map(|(ty, _)| HeapType::Exact(ty))
            }
            // A handle says nothing of its object's kind. Exceptions have their tag's type.
            Ref::Exn(handle)
            | Ref::Converted(Internal::Struct(handle) | Internal::Array(handle)) => {
                let (ty, _) = objects.object(handle)?;
                let is_exception = ty.kind == CompositeKind::Func;
                let fits = is_exception == matches!(self, Ref::Exn(_));
                fits.then_some(HeapType::Abstract(self.abstract_type()))
            }
            Ref::Null(_)
            | Ref::Func(_)
            | Ref::Extern(_)
            | Ref::Host(_)
            | Ref::I31(_)
            | Ref::Converted(Internal::I31(_)) => Some(HeapType::Abstract(self.abstract_type())),
        }
    }

    fn ty(self) -> RefType {
        RefType {
            nullable: matches!(self, Ref::Null(_)),
            heap: HeapType::Abstract(self.abstract_type()),
        }
    }
}

impl Internal {
    /// What a word that is neither null nor the host's denotes.
    fn from_word(objects: &dyn Objects, word: u64) -> Internal {
        if word & 1 == 1 {
            return Internal::I31(word as u32 >> 1);
        }
        match objects.hold(word as u32) {
            (
                TypeRef {
                    kind: CompositeKind::Array,
                    ..
                },
                handle,
            ) => Internal::Array(handle),
            (_, handle) => Internal::Struct(handle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A heap without objects.
    struct NoObjects;

    impl Objects for NoObjects {
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
            (Ref::Extern(7), Ref::Host(7)),
            (Ref::Converted(Internal::I31(5)), Ref::I31(5)),
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
            Val::Ref(Ref::Extern(u32::MAX)),
            Val::Ref(Ref::I31(0x7fff_ffff)),
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
