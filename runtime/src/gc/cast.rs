//! Casts: tests of a reference's word against a type (spec: "Reference Instructions").
//!
//! The target is resolved once, when code is made; the test looks at the word, at the object's or
//! the function's type and at that type's display. The source's hierarchy is the target's, as
//! validation demands, so no test has to tell one hierarchy from another.

use crate::types::TypeRegistry;
use crate::types::{AbstractHeapType, CompositeKind, HeapType, RefType, TypeId, TypeRef};
use crate::vm::{Cx, DISPLAY_LEN, FuncInst, GcHeader};

/// The test of a word that is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CastTest {
    /// Every reference passes.
    Always = 0,
    /// No reference passes.
    Never = 1,
    /// An i31 passes.
    I31 = 2,
    /// Every reference passes that is not the host's.
    Eq = 3,
    /// A structure passes.
    Struct = 4,
    /// An array passes.
    Array = 5,
    /// An object of the type or of a subtype passes.
    Object = 6,
    /// An object of exactly the type passes.
    ObjectExact = 7,
    /// A function of the type or of a subtype passes.
    Func = 8,
    /// A function of exactly the type passes.
    FuncExact = 9,
}

impl CastTest {
    /// The tests by discriminant. Every other number is `Never`.
    const ALL: [CastTest; 16] = [
        CastTest::Always,
        CastTest::Never,
        CastTest::I31,
        CastTest::Eq,
        CastTest::Struct,
        CastTest::Array,
        CastTest::Object,
        CastTest::ObjectExact,
        CastTest::Func,
        CastTest::FuncExact,
        CastTest::Never,
        CastTest::Never,
        CastTest::Never,
        CastTest::Never,
        CastTest::Never,
        CastTest::Never,
    ];
}

/// A cast's target, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cast {
    /// True if null belongs to the target.
    pub nullable: bool,
    /// The test of a word that is not null.
    pub test: CastTest,
    /// The index of the type in the displays of its subtypes.
    pub depth: u8,
    /// The type, of the tests that name one.
    pub ty: TypeId,
}

impl Cast {
    /// The cast to a type of the registry.
    pub fn new(registry: &TypeRegistry, target: RefType) -> Cast {
        let cast = |test, ty: TypeId, depth: usize| Cast {
            nullable: target.nullable,
            test,
            depth: depth as u8,
            ty,
        };
        let subtype = |r: TypeRef, object, func| {
            let depth = registry.get(r.id).display.len() - 1;
            let test = if is_func(r) { func } else { object };
            cast(test, r.id, depth)
        };
        match target.heap {
            HeapType::Abstract(a) => cast(test_of(a), TypeId(0), 0),
            HeapType::Concrete(r) => subtype(r, CastTest::Object, CastTest::Func),
            HeapType::Exact(r) => subtype(r, CastTest::ObjectExact, CastTest::FuncExact),
        }
    }

    /// The cast as an immediate of code.
    pub fn pack(self) -> u64 {
        let flags = self.test as u64 | u64::from(self.nullable) << 8 | u64::from(self.depth) << 16;
        u64::from(self.ty.0) << 32 | flags
    }

    /// The cast that an immediate holds.
    #[inline(always)]
    pub fn unpack(packed: u64) -> Cast {
        Cast {
            nullable: packed >> 8 & 1 != 0,
            test: CastTest::ALL[(packed & 15) as usize],
            depth: (packed >> 16) as u8,
            ty: TypeId((packed >> 32) as u32),
        }
    }

    /// True if a word is of the target type.
    ///
    /// # Safety
    /// `word` is a reference of the store that `cx` belongs to, of the target's hierarchy.
    #[inline(always)]
    pub unsafe fn matches(self, cx: *const Cx, word: u64) -> bool {
        if word == 0 {
            return self.nullable;
        }
        // SAFETY: the caller's contract.
        unsafe {
            if self.test == CastTest::Object {
                return word & 7 == 0 && self.is_subtype(cx, object_type(cx, word));
            }
            self.matches_rarer(cx, word)
        }
    }

    #[inline(always)]
    unsafe fn matches_rarer(self, cx: *const Cx, word: u64) -> bool {
        let is_object = word & 7 == 0;
        // SAFETY: the caller's contract.
        unsafe {
            match self.test {
                CastTest::Always => true,
                CastTest::Never => false,
                CastTest::I31 => word & 1 != 0,
                CastTest::Eq => is_object || word & 1 != 0,
                CastTest::Struct => is_object && kind(cx, word) == CompositeKind::Struct as u32,
                CastTest::Array => is_object && kind(cx, word) == CompositeKind::Array as u32,
                CastTest::Object => is_object && self.is_subtype(cx, object_type(cx, word)),
                CastTest::ObjectExact => is_object && object_type(cx, word) == self.ty,
                CastTest::Func => self.is_subtype(cx, (*(word as *const FuncInst)).ty),
                CastTest::FuncExact => (*(word as *const FuncInst)).ty == self.ty,
            }
        }
    }

    /// True if a type is the target's or a subtype of it.
    #[inline(always)]
    unsafe fn is_subtype(self, cx: *const Cx, actual: TypeId) -> bool {
        if actual == self.ty {
            return true;
        }
        let depth = usize::from(self.depth);
        // SAFETY: the store's displays have a row for each type of its functions and objects.
        unsafe {
            let display = &*(*cx).displays.add(actual.0 as usize);
            if depth < DISPLAY_LEN {
                return display.types[depth] == self.ty;
            }
            depth < display.len as usize && *display.full.add(depth) == self.ty
        }
    }
}

fn is_func(r: TypeRef) -> bool {
    matches!(r.kind, CompositeKind::Func | CompositeKind::Cont)
}

fn test_of(a: AbstractHeapType) -> CastTest {
    use AbstractHeapType as A;
    match a {
        A::Func | A::Extern | A::Any | A::Exn | A::Cont => CastTest::Always,
        A::NoFunc | A::NoExtern | A::None | A::NoExn | A::NoCont => CastTest::Never,
        A::Eq => CastTest::Eq,
        A::I31 => CastTest::I31,
        A::Struct => CastTest::Struct,
        A::Array => CastTest::Array,
    }
}

/// The type of an object.
#[inline(always)]
unsafe fn object_type(cx: *const Cx, word: u64) -> TypeId {
    // SAFETY: the callers pass the word of an object.
    unsafe { (*(*cx).gc_base.add(word as usize).cast::<GcHeader>()).ty }
}

/// The kind of an object.
#[inline(always)]
unsafe fn kind(cx: *const Cx, word: u64) -> u32 {
    // SAFETY: as in `Cast::is_subtype`.
    unsafe { (*(*cx).displays.add(object_type(cx, word).0 as usize)).kind }
}

/// True if a structure's descriptor is the given one. Null has no descriptor.
///
/// # Safety
/// As for [`Cast::matches`]; `descriptor` is the word of a structure.
#[inline(always)]
pub unsafe fn has_descriptor(cx: *const Cx, word: u64, descriptor: u64) -> bool {
    // SAFETY: the caller's contract; an array's length is no descriptor.
    unsafe {
        word != 0
            && word & 7 == 0
            && u64::from((*(*cx).gc_base.add(word as usize).cast::<GcHeader>()).extra) == descriptor
            && kind(cx, word) == CompositeKind::Struct as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_hold_every_cast() {
        for test in CastTest::ALL {
            for nullable in [false, true] {
                let cast = Cast {
                    nullable,
                    test,
                    depth: 63,
                    ty: TypeId(0x8765_4321),
                };
                assert_eq!(Cast::unpack(cast.pack()), cast);
            }
        }
    }
}
