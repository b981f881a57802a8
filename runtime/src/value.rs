//! Values at the boundary between host and Wasm, and how they lie in 8-byte slots.
//!
//! Inside the engine a value is one slot (`u64`): i32 and f32 zero-extended, references as their
//! raw word (0 is null), and v128 two slots, low half first. [`Val`] is the typed form that the
//! public API takes and gives. Spec: "Runtime Structure / Values".

use crate::types::{AbstractHeapType, HeapType, RefType, ValType};

/// A typed WebAssembly value. Floats are held as bits: a NaN's payload is part of the value.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ref {
    /// Null, of the hierarchy that this heap type is in.
    Null(AbstractHeapType),
    /// A function; `word` is its address in the store, which is its identity.
    Func(FuncWord),
    /// A host reference by the number that the host chose.
    Extern(u32),
    /// An exception.
    Exn(ExnWord),
}

/// The raw word of a function reference: the address of its `FuncInst`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FuncWord(pub(crate) u64);

/// The raw word of an exception reference, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExnWord(pub(crate) u64);

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
    pub(crate) fn write(self, slots: &mut [u64]) {
        match self {
            Val::I32(v) => slots[0] = u64::from(v as u32),
            Val::I64(v) => slots[0] = v as u64,
            Val::F32(v) => slots[0] = u64::from(v),
            Val::F64(v) => slots[0] = v,
            Val::V128(v) => {
                slots[0] = v as u64;
                slots[1] = (v >> 64) as u64;
            }
            Val::Ref(r) => slots[0] = r.to_word(),
        }
    }

    /// Reads a value of type `ty` from its slots.
    pub(crate) fn read(ty: ValType, slots: &[u64]) -> Val {
        match ty {
            ValType::I32 => Val::I32(slots[0] as i32),
            ValType::I64 => Val::I64(slots[0] as i64),
            ValType::F32 => Val::F32(slots[0] as u32),
            ValType::F64 => Val::F64(slots[0]),
            ValType::V128 => Val::V128(u128::from(slots[0]) | u128::from(slots[1]) << 64),
            ValType::Ref(r) => Val::Ref(Ref::from_word(r, slots[0])),
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
    /// The slot word: null is 0, a function its address, a host number `n` is `n << 1 | 1`.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Ref::Null(_) => 0,
            Ref::Func(f) => f.0,
            Ref::Extern(n) => u64::from(n) << 1 | 1,
            Ref::Exn(word) => word.0,
        }
    }

    /// The reference that a slot word of type `ty` denotes.
    pub(crate) fn from_word(ty: RefType, word: u64) -> Ref {
        let top = ty.heap.top();
        match (word, top) {
            (0, _) => Ref::Null(top),
            (_, AbstractHeapType::Func) => Ref::Func(FuncWord(word)),
            (_, AbstractHeapType::Exn) => Ref::Exn(ExnWord(word)),
            (_, _) => Ref::Extern((word >> 1) as u32),
        }
    }

    fn ty(self) -> RefType {
        let (nullable, top) = match self {
            Ref::Null(top) => (true, top),
            Ref::Func(_) => (false, AbstractHeapType::Func),
            Ref::Extern(_) => (false, AbstractHeapType::Extern),
            Ref::Exn(_) => (false, AbstractHeapType::Exn),
        };
        RefType {
            nullable,
            heap: HeapType::Abstract(top),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for value in values {
            let mut slots = [u64::MAX; 2];
            value.write(&mut slots[..slots_of(value.ty())]);
            assert_eq!(Val::read(value.ty(), &slots), value);
        }
    }

    #[test]
    fn i32_and_f32_are_zero_extended() {
        let mut slot = [u64::MAX];
        Val::I32(-1).write(&mut slot);
        assert_eq!(slot[0], 0xffff_ffff);
        slot[0] = u64::MAX;
        Val::F32(0x8000_0000).write(&mut slot);
        assert_eq!(slot[0], 0x8000_0000);
    }
}
