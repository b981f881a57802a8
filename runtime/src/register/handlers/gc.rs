//! Handlers of structures, arrays, i31 and casts (spec: "Reference Instructions", "Aggregate
//! Instructions"). The fuser resolves the place and the width of a field.
//!
//! Instructions that are out of line in every tier go through [`aggregate`]; their operands stand
//! in consecutive slots. The further cell has the number of slots of the frame that may be live: a
//! collection goes over all of them.

use crate::gc::{self, Cast, GcCell};
use crate::register::machine::{CellHandler, Regs, forms, handlers, or_trap};
use crate::register::table::{GETS, REF_UNARY_OPS, SETS};
use crate::store::aggregate::Aggregate;
use crate::trap::{TrapKind, non_null};
use crate::types::{DefinedType, TypeId};
use crate::vm::{EXIT_OK, Exit, GcHeader};

/// The storage of a field.
pub(in crate::register) trait Stored {
    const SIZE_BYTES: usize;
    /// Reads a field to the slot that field `n` of the cell names.
    ///
    /// # Safety
    /// `at` is a field of that width.
    unsafe fn read(at: *const u8, r: &mut Regs, n: usize);
    /// Writes a field from slots.
    ///
    /// # Safety
    /// As for `read`.
    unsafe fn write(at: *mut u8, slots: *const u64);
}

macro_rules! stored {
    ($($name:ident: $storage:ty => $value:ty, $read:expr;)*) => { $(
        pub(super) struct $name;

        impl Stored for $name {
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn read(at: *const u8, r: &mut Regs, n: usize) {
                let read: fn($storage) -> $value = $read;
                // SAFETY: the caller's contract.
                unsafe { r.set(n, read(at.cast::<$storage>().read_unaligned())) };
            }
            #[inline(always)]
            unsafe fn write(at: *mut u8, slots: *const u64) {
                // SAFETY: the caller's contract.
                unsafe { at.cast::<$storage>().write_unaligned(*slots as $storage) };
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

/// A v128, in no accumulator.
pub(super) struct W128;

impl Stored for W128 {
    const SIZE_BYTES: usize = 16;
    #[inline(always)]
    unsafe fn read(at: *const u8, r: &mut Regs, n: usize) {
        // SAFETY: the caller's contract.
        unsafe { *r.slot(n).cast::<[u64; 2]>() = *at.cast::<[u64; 2]>() };
    }
    #[inline(always)]
    unsafe fn write(at: *mut u8, slots: *const u64) {
        // SAFETY: the caller's contract.
        unsafe { *at.cast::<[u64; 2]>() = *slots.cast::<[u64; 2]>() };
    }
}

/// The address of a field of the object in field 1, or the trap. The offset is in field `n`, or if
/// it is too large for that in the further cell.
#[inline(always)]
unsafe fn field<const FAR: bool>(r: &Regs, n: usize) -> Result<*mut u8, TrapKind> {
    // SAFETY: the contract of `CellHandler`.
    unsafe {
        let offset = if FAR { r.cell(1) } else { r.field(n).into() };
        gc::field(r.cx(), *r.slot(1), offset)
    }
}

/// Cells of an access to a structure.
const fn struct_cells(is_far: bool) -> usize {
    if is_far { 2 } else { 1 }
}

/// Runs an instruction out of line on the slots from `a, b` on; the live slots are in the high half
/// of further cell 3. Gives the exit code, and the first of the slots.
#[inline(always)]
unsafe fn out_of_line(r: &Regs, run: u64, (a, b): (u64, u64)) -> (Exit, u64) {
    // SAFETY: the contract of `CellHandler`: the cell has the address of an implementation.
    unsafe {
        let run: Aggregate = std::mem::transmute(run as usize as *const ());
        let slots = r.fp.add(r.field32(1) as usize);
        let exit = run(r.vm, a, b, slots, r.fp.add((r.cell(3) >> 32) as usize));
        (exit, *slots)
    }
}

handlers! {
    /// `c := field of a`, at the offset b.
    fn struct_get<S: Stored; FAR>(r) {
        let at = or_trap!(r, field::<FAR>(&r, 2));
        S::read(at, &mut r, 3);
        r.next(struct_cells(FAR))
    }

    /// `field of a := b`, at the offset c.
    fn struct_set<S: Stored; FAR>(r) {
        let at = or_trap!(r, field::<FAR>(&r, 3));
        S::write(at, r.slot(2));
        r.next(struct_cells(FAR))
    }

    /// `c := a[b]`
    fn array_get<S: Stored>(r) {
        let at = or_trap!(r, gc::element(r.cx(), *r.slot(1), *r.slot(2), S::SIZE_BYTES));
        S::read(at, &mut r, 3);
        r.next(1)
    }

    /// `a[b] := c`
    fn array_set<S: Stored>(r) {
        let at = or_trap!(r, gc::element(r.cx(), *r.slot(1), *r.slot(2), S::SIZE_BYTES));
        S::write(at, r.slot(3));
        r.next(1)
    }

    /// `c := length of a`
    fn array_len(r) {
        let object = or_trap!(r, gc::header(r.cx(), *r.slot(1), TrapKind::NullArrayReference));
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
        or_trap!(r, non_null(word, TrapKind::NullI31Reference));
        r.set(3, (word as i32 >> 1) as u32);
        r.next(1)
    }

    /// `c := a, zero-extended`
    fn i31_get_u(r) {
        let word = *r.slot(1);
        or_trap!(r, non_null(word, TrapKind::NullI31Reference));
        r.set(3, word as u32 >> 1);
        r.next(1)
    }

    /// `c := descriptor of a`
    fn ref_get_desc(r) {
        let object = or_trap!(r, gc::header(r.cx(), *r.slot(1), TrapKind::NullReference));
        r.set(3, u64::from((*object).extra));
        r.next(1)
    }

    /// `struct.new` of the slots from `a, b` on, where the result goes. Further cells: type, cell,
    /// type id and live slots, implementation out of line.
    fn struct_new(r) {
        let cx = r.cx();
        let Some(object) = gc::allocate_fast(cx, GcCell::unpack(r.cell(2))) else {
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
        let (exit, result) = out_of_line(&r, r.cell(4), (r.cell(1), 0));
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        r.acc = result;
        r.next(STRUCT_NEW_CELLS)
    }

    /// An instruction out of line with a result: operands in the slots from `a, b` on, where the
    /// result goes. Further cells: implementation, type, second immediate and live slots.
    fn aggregate(r) {
        let (exit, result) = out_of_line(&r, r.cell(1), (r.cell(2), r.cell(3) & 0xffff_ffff));
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        r.acc = result;
        r.next(AGGREGATE_CELLS)
    }

    /// The same without a result.
    fn aggregate_effect(r) {
        let (exit, _) = out_of_line(&r, r.cell(1), (r.cell(2), r.cell(3) & 0xffff_ffff));
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
    fn br_on_cast<; NEGATED>(r) {
        if Cast::unpack(r.cell(1)).matches(r.cx(), *r.slot(1)) != NEGATED {
            r.jump(r.field32(2) as i32)
        } else {
            r.next(2)
        }
    }

    /// `result := a has the descriptor b`, or is null if c is 1; the result's slot is in the
    /// further cell.
    fn ref_test_desc(r) {
        r.acc = or_trap!(r, has_descriptor(&r)).into();
        *r.fp.add(r.cell(1) as usize) = r.acc;
        r.next(2)
    }

    /// Traps unless `a` has the descriptor b, or is null if c is 1.
    fn ref_cast_desc(r) {
        if !or_trap!(r, has_descriptor(&r)) {
            return r.trap(TrapKind::DescriptorCastFailure);
        }
        r.next(1)
    }
}

/// True if `a` has the descriptor `b`, or is null if `c` is 1; the trap without a descriptor.
#[inline(always)]
unsafe fn has_descriptor(r: &Regs) -> Result<bool, TrapKind> {
    // SAFETY: the contract of `CellHandler`.
    unsafe {
        let (word, descriptor) = (*r.slot(1), *r.slot(2));
        non_null(descriptor, TrapKind::NullDescriptorReference)?;
        let is_null = word == 0 && r.field(3) == 1;
        Ok(is_null || gc::has_descriptor(r.cx(), word, descriptor))
    }
}

const STRUCT_NEW_CELLS: usize = 5;
const AGGREGATE_CELLS: usize = 4;

pub(in crate::register) const STRUCT_GET: [[CellHandler; 2]; GETS] =
    forms!(struct_get [] [U8 U16 W32 W64 W128 S8 S16 F64] [false true]);
pub(in crate::register) const STRUCT_SET: [[CellHandler; 2]; SETS] =
    forms!(struct_set [] [U8 U16 W32 W64 W128] [false true]);
pub(in crate::register) const ARRAY_GET: [CellHandler; GETS] =
    forms!(array_get [] [U8 U16 W32 W64 W128 S8 S16 F64]);
pub(in crate::register) const ARRAY_SET: [CellHandler; SETS] =
    forms!(array_set [] [U8 U16 W32 W64 W128]);
pub(in crate::register) const BR_ON_CAST: [CellHandler; 2] = forms!(br_on_cast [] [false true]);

/// In the order of `REF_UNARY_OPS`.
pub(in crate::register) const REF_UNARY: [CellHandler; REF_UNARY_OPS.len()] =
    [ref_i31, i31_get_s, i31_get_u, array_len, ref_get_desc];
