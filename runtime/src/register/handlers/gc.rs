//! Handlers of structures, arrays, i31 and casts (spec: "Reference Instructions", "Aggregate
//! Instructions"). Where a field is and how wide, is resolved by the fuser.
//!
//! Instructions that are out of line in every tier go through [`aggregate`]; their operands stand
//! in consecutive slots. The further cell says how many slots of the frame may be live: a
//! collection goes over all of them.

use crate::gc::{self, Cast, Cell};
use crate::register::machine::{AccValue, Flag, Handler, Negated, Plain, Regs, handlers};
use crate::register::table::{GETS, REF_UNARY_OPS};
use crate::store::aggregate::Aggregate;
use crate::trap::TrapKind;
use crate::types::{DefinedType, OBJECT_HEADER_BYTES, TypeId};
use crate::vm::{EXIT_OK, GcHeader};

/// The storage of a field, and the value that is read from it.
pub(in crate::register) trait Stored {
    type Read: AccValue;
    const SIZE_BYTES: usize;
    /// # Safety
    /// `at` is a field of that width.
    unsafe fn read(at: *const u8) -> Self::Read;
    /// # Safety
    /// As for `read`.
    unsafe fn write(at: *mut u8, slot: u64);
}

macro_rules! stored {
    ($($name:ident: $storage:ty => $value:ty, $read:expr;)*) => { $(
        pub(super) struct $name;

        impl Stored for $name {
            type Read = $value;
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn read(at: *const u8) -> $value {
                // SAFETY: the caller's contract.
                let stored = unsafe { at.cast::<$storage>().read_unaligned() };
                let read: fn($storage) -> $value = $read;
                read(stored)
            }
            #[inline(always)]
            unsafe fn write(at: *mut u8, slot: u64) {
                // SAFETY: the caller's contract.
                unsafe { at.cast::<$storage>().write_unaligned(slot as $storage) };
            }
        }
    )* };
}

stored! {
    U8: u8 => u32, u32::from;
    U16: u16 => u32, u32::from;
    W32: u32 => u32, |value| value;
    W64: u64 => u64, |value| value;
    S8: i8 => u32, |value| value as u32;
    S16: i16 => u32, |value| value as u32;
    F64: u64 => f64, f64::from_bits;
}

/// The address of a field of the object in field 1, whose offset is in field `n`, or in the further
/// cell if it is too large for that.
#[inline(always)]
unsafe fn field<F: Flag>(r: &Regs, n: usize) -> Option<*mut u8> {
    // SAFETY: the contract of `Handler`.
    unsafe {
        let object = *r.slot(1);
        let offset = if F::SET {
            r.cell(1) as usize
        } else {
            usize::from(r.field(n))
        };
        let at = (*r.cx()).gc_base.wrapping_add(object as usize + offset);
        (object != 0).then_some(at)
    }
}

/// Cells of an access to a structure.
const fn struct_cells<F: Flag>() -> usize {
    if F::SET { 2 } else { 1 }
}

/// The address of the element in field 2 of the array in field 1.
#[inline(always)]
unsafe fn element(r: &Regs, size_bytes: usize) -> Result<*mut u8, TrapKind> {
    // SAFETY: the contract of `Handler`.
    unsafe {
        let (array, index) = (*r.slot(1), *r.slot(2));
        if array == 0 {
            return Err(TrapKind::NullArrayReference);
        }
        let object = (*r.cx()).gc_base.add(array as usize);
        if index >= u64::from((*object.cast::<GcHeader>()).extra) {
            return Err(TrapKind::ArrayOutOfBounds);
        }
        Ok(object.add(OBJECT_HEADER_BYTES as usize + index as usize * size_bytes))
    }
}

/// The slots of the operands of an instruction out of line, and the first slot above all live
/// ones.
#[inline(always)]
unsafe fn slots_and_top(r: &Regs, top_cell: usize) -> (*mut u64, *mut u64) {
    // SAFETY: the contract of `Handler`.
    unsafe {
        let slots = r.fp.add(r.field32(1) as usize);
        (slots, r.fp.add((r.cell(top_cell) >> 32) as usize))
    }
}

handlers! {
    /// `c := field of a`, at the offset b.
    fn struct_get<S: Stored, F: Flag>(r) {
        let Some(at) = field::<F>(&r, 2) else {
            return r.trap(TrapKind::NullStructReference);
        };
        r.set(3, S::read(at));
        r.next(struct_cells::<F>())
    }

    /// `field of a := b`, at the offset c.
    fn struct_set<S: Stored, F: Flag>(r) {
        let Some(at) = field::<F>(&r, 3) else {
            return r.trap(TrapKind::NullStructReference);
        };
        S::write(at, *r.slot(2));
        r.next(struct_cells::<F>())
    }

    /// `struct_get` of a v128.
    fn struct_get_vector<F: Flag>(r) {
        let Some(at) = field::<F>(&r, 2) else {
            return r.trap(TrapKind::NullStructReference);
        };
        *r.slot(3).cast::<[u64; 2]>() = *at.cast::<[u64; 2]>();
        r.next(struct_cells::<F>())
    }

    /// `struct_set` of a v128.
    fn struct_set_vector<F: Flag>(r) {
        let Some(at) = field::<F>(&r, 3) else {
            return r.trap(TrapKind::NullStructReference);
        };
        *at.cast::<[u64; 2]>() = *r.slot(2).cast::<[u64; 2]>();
        r.next(struct_cells::<F>())
    }

    /// `c := a[b]`
    fn array_get<S: Stored>(r) {
        match element(&r, S::SIZE_BYTES) {
            Ok(at) => {
                r.set(3, S::read(at));
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `a[b] := c`
    fn array_set<S: Stored>(r) {
        match element(&r, S::SIZE_BYTES) {
            Ok(at) => {
                S::write(at, *r.slot(3));
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `array_get` of a v128.
    fn array_get_vector(r) {
        match element(&r, 16) {
            Ok(at) => {
                *r.slot(3).cast::<[u64; 2]>() = *at.cast::<[u64; 2]>();
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `array_set` of a v128.
    fn array_set_vector(r) {
        match element(&r, 16) {
            Ok(at) => {
                *at.cast::<[u64; 2]>() = *r.slot(3).cast::<[u64; 2]>();
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `c := length of a`
    fn array_len(r) {
        let array = *r.slot(1);
        if array == 0 {
            return r.trap(TrapKind::NullArrayReference);
        }
        let object = (*r.cx()).gc_base.add(array as usize).cast::<GcHeader>();
        r.set(3, (*object).extra);
        r.next(1)
    }

    /// `c := i31 of a`
    fn ref_i31(r) {
        let value = *r.slot(1) as u32;
        r.set(3, crate::value::i31_word(value));
        r.next(1)
    }

    /// `c := a, sign-extended`
    fn i31_get_s(r) {
        let word = *r.slot(1);
        if word == 0 {
            return r.trap(TrapKind::NullI31Reference);
        }
        r.set(3, (word as i32 >> 1) as u32);
        r.next(1)
    }

    /// `c := a, zero-extended`
    fn i31_get_u(r) {
        let word = *r.slot(1);
        if word == 0 {
            return r.trap(TrapKind::NullI31Reference);
        }
        r.set(3, word as u32 >> 1);
        r.next(1)
    }

    /// `c := descriptor of a`
    fn ref_get_desc(r) {
        let word = *r.slot(1);
        if word == 0 {
            return r.trap(TrapKind::NullReference);
        }
        let object = (*r.cx()).gc_base.add(word as usize).cast::<GcHeader>();
        r.set(3, u64::from((*object).extra));
        r.next(1)
    }

    /// `struct.new` of the slots from `a, b` on, where the result goes. Further cells: type, cell,
    /// type id and live slots, implementation out of line.
    fn struct_new(r) {
        let cx = r.cx();
        let Some(object) = gc::allocate_fast(cx, Cell::unpack(r.cell(2))) else {
            return r.handle(struct_new_slow);
        };
        let ty = r.cell(1) as *const DefinedType;
        let at = (*cx).gc_base.add(object as usize);
        let id = TypeId(r.cell(3) as u32);
        at.cast::<GcHeader>().write(GcHeader { ty: id, extra: 0 });
        let slots = r.fp.add(r.field32(1) as usize);
        gc::write_fields(at, &(*ty).layout, slots);
        *slots = object.into();
        r.acc = object.into();
        r.next(STRUCT_NEW_CELLS)
    }

    /// The same where the class has no free cell at hand.
    #[cold]
    fn struct_new_slow(r) {
        let (slots, top) = slots_and_top(&r, 3);
        let run: Aggregate = std::mem::transmute(r.cell(4) as usize as *const ());
        let exit = run(r.vm, r.cell(1), 0, slots, top);
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        r.acc = *slots;
        r.next(STRUCT_NEW_CELLS)
    }

    /// An instruction out of line with a result: operands in the slots from `a, b` on, where the
    /// result goes. Further cells: implementation, type, second immediate and live slots.
    fn aggregate(r) {
        let (slots, top) = slots_and_top(&r, 3);
        let run: Aggregate = std::mem::transmute(r.cell(1) as usize as *const ());
        let exit = run(r.vm, r.cell(2), r.cell(3) & 0xffff_ffff, slots, top);
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        r.acc = *slots;
        r.next(AGGREGATE_CELLS)
    }

    /// The same without a result.
    fn aggregate_effect(r) {
        let (slots, top) = slots_and_top(&r, 3);
        let run: Aggregate = std::mem::transmute(r.cell(1) as usize as *const ());
        let exit = run(r.vm, r.cell(2), r.cell(3) & 0xffff_ffff, slots, top);
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        r.next(AGGREGATE_CELLS)
    }

    /// `c := a is of the type in the further cell`
    fn ref_test(r) {
        let cast = Cast::unpack(r.cell(1));
        let is_it = cast.matches(r.cx(), *r.slot(1));
        r.set(3, is_it);
        r.next(2)
    }

    /// Traps unless `a` is of the type in the further cell.
    fn ref_cast(r) {
        if !Cast::unpack(r.cell(1)).matches(r.cx(), *r.slot(1)) {
            return r.trap(TrapKind::CastFailure);
        }
        r.next(2)
    }

    /// Jumps if `a` is of the type in the further cell (negated: if it is not).
    fn br_on_cast<N: Flag>(r) {
        if Cast::unpack(r.cell(1)).matches(r.cx(), *r.slot(1)) != N::SET {
            r.jump(r.field32(2) as i32)
        } else {
            r.next(2)
        }
    }

    /// `result := a has the descriptor b`, or is null if c is 1; the result's slot is in the
    /// further cell.
    fn ref_test_desc(r) {
        match has_descriptor(&r) {
            Some(is_it) => {
                *r.fp.add(r.cell(1) as usize) = u64::from(is_it);
                r.acc = u64::from(is_it);
                r.next(2)
            }
            None => r.trap(TrapKind::NullDescriptorReference),
        }
    }

    /// Traps unless `a` has the descriptor b, or is null if c is 1.
    fn ref_cast_desc(r) {
        match has_descriptor(&r) {
            Some(true) => r.next(1),
            Some(false) => r.trap(TrapKind::DescriptorCastFailure),
            None => r.trap(TrapKind::NullDescriptorReference),
        }
    }
}

/// True if `a` has the descriptor `b`, or is null if `c` is 1; `None` without a descriptor.
#[inline(always)]
unsafe fn has_descriptor(r: &Regs) -> Option<bool> {
    // SAFETY: the contract of `Handler`.
    unsafe {
        let (word, descriptor) = (*r.slot(1), *r.slot(2));
        if descriptor == 0 {
            return None;
        }
        let is_null = word == 0 && r.field(3) == 1;
        Some(is_null || gc::has_descriptor(r.cx(), word, descriptor))
    }
}

const STRUCT_NEW_CELLS: usize = 5;
const AGGREGATE_CELLS: usize = 4;

macro_rules! of_structs {
    ($handler:ident $($stored:ident)*) => {
        [$([$handler::<$stored, Plain>, $handler::<$stored, Negated>]),*]
    };
}

pub(in crate::register) const STRUCT_GET: [[Handler; 2]; GETS] =
    of_structs!(struct_get U8 U16 W32 W64 S8 S16 F64);
pub(in crate::register) const STRUCT_SET: [[Handler; 2]; 4] =
    of_structs!(struct_set U8 U16 W32 W64);
pub(in crate::register) const STRUCT_GET_VECTOR: [Handler; 2] =
    [struct_get_vector::<Plain>, struct_get_vector::<Negated>];
pub(in crate::register) const STRUCT_SET_VECTOR: [Handler; 2] =
    [struct_set_vector::<Plain>, struct_set_vector::<Negated>];
pub(in crate::register) const ARRAY_GET: [Handler; GETS] = [
    array_get::<U8>,
    array_get::<U16>,
    array_get::<W32>,
    array_get::<W64>,
    array_get::<S8>,
    array_get::<S16>,
    array_get::<F64>,
];
pub(in crate::register) const ARRAY_SET: [Handler; 4] = [
    array_set::<U8>,
    array_set::<U16>,
    array_set::<W32>,
    array_set::<W64>,
];
pub(in crate::register) const BR_ON_CAST: [Handler; 2] =
    [br_on_cast::<Plain>, br_on_cast::<Negated>];

/// In the order of `REF_UNARY_OPS`.
pub(in crate::register) const REF_UNARY: [Handler; REF_UNARY_OPS.len()] =
    [ref_i31, i31_get_s, i31_get_u, array_len, ref_get_desc];
