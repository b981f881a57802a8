//! Handlers of structures, arrays, i31 and casts (spec: "Reference Instructions", "Aggregate
//! Instructions"). The translator resolves the place and the width of a field: there is a handler
//! for each width. The instructions that are out of line in every tier go through [`aggregate`].
//!
//! Before anything is allocated out of line, `acc` is spilled: a collection finds every live slot
//! of the frame below the `top` that it is given.

use super::machine::{Machine, StackHandler, handlers, or_trap};
use crate::gc::{self, Cast, GcCell};
use crate::store::aggregate::Aggregate;
use crate::trap::{TrapKind, non_null};
use crate::types::{DefinedType, TypeId};
use crate::vm::{Exit, GcHeader};

/// The storage of a field, and its value on the operand stack.
pub(super) trait Stored {
    const SIZE_BYTES: usize;
    /// The slots of the value.
    const SLOTS: usize;
    /// Puts the field's value on top, in place of the top slot.
    ///
    /// # Safety
    /// `at` is a field of that width.
    unsafe fn load(at: *const u8, m: &mut Machine);
    /// Writes the value on top to the field.
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn store(at: *mut u8, m: &Machine);
}

macro_rules! stored {
    ($($name:ident: $storage:ident as $slot:ident;)*) => { $(
        struct $name;

        impl Stored for $name {
            const SIZE_BYTES: usize = size_of::<$storage>();
            const SLOTS: usize = 1;
            #[inline(always)]
            unsafe fn load(at: *const u8, m: &mut Machine) {
                // SAFETY: the caller's contract.
                let stored = unsafe { at.cast::<$storage>().read_unaligned() };
                m.acc = u64::from(stored as $slot);
            }
            #[inline(always)]
            unsafe fn store(at: *mut u8, m: &Machine) {
                // SAFETY: the caller's contract.
                unsafe { at.cast::<$storage>().write_unaligned(m.acc as $storage) };
            }
        }
    )* };
}

stored! {
    U8: u8 as u32;
    U16: u16 as u32;
    W32: u32 as u32;
    W64: u64 as u64;
    S8: i8 as u32;
    S16: i16 as u32;
}

/// A v128.
struct Wide;

impl Stored for Wide {
    const SIZE_BYTES: usize = 16;
    const SLOTS: usize = 2;
    #[inline(always)]
    unsafe fn load(at: *const u8, m: &mut Machine) {
        // SAFETY: the caller's contract; the function's call has checked room for the value.
        unsafe {
            m.acc = *at.cast::<u64>();
            m.push(*at.cast::<u64>().add(1));
        }
    }
    #[inline(always)]
    unsafe fn store(at: *mut u8, m: &Machine) {
        // SAFETY: the caller's contract; validated code has a v128 on top.
        unsafe {
            *at.cast::<u64>() = *m.sp.sub(1);
            *at.cast::<u64>().add(1) = m.acc;
        }
    }
}

handlers! {
    /// `struct.get`: `{ offset in bytes }`.
    fn struct_get<S: Stored>(m) {
        let offset = m.take();
        let at = or_trap!(m, gc::field(m.cx(), m.acc, offset));
        S::load(at, &mut m);
        m.next()
    }

    /// `struct.set`: `{ offset in bytes }`.
    fn struct_set<S: Stored>(m) {
        let offset = m.take();
        let at = or_trap!(m, gc::field(m.cx(), *m.sp.sub(S::SLOTS), offset));
        S::store(at, &m);
        m.drop_slots(1 + S::SLOTS);
        m.next()
    }

    /// `array.get`
    fn array_get<S: Stored>(m) {
        let at = or_trap!(m, gc::element(m.cx(), *m.sp.sub(1), m.acc, S::SIZE_BYTES));
        m.sp = m.sp.sub(1);
        S::load(at, &mut m);
        m.next()
    }

    /// `array.set`
    fn array_set<S: Stored>(m) {
        let (array, index) = (*m.sp.sub(S::SLOTS + 1), *m.sp.sub(S::SLOTS));
        let at = or_trap!(m, gc::element(m.cx(), array, index, S::SIZE_BYTES));
        S::store(at, &m);
        m.drop_slots(2 + S::SLOTS);
        m.next()
    }
}

/// The handlers of an access: by the logarithm of the width; then those that extend the sign.
pub(super) type ByWidth = [StackHandler; 7];

macro_rules! by_width {
    ($($name:ident: $handler:ident;)*) => { $(
        pub(super) const $name: ByWidth = by_width!($handler U8 U16 W32 W64 Wide S8 S16);
    )* };
    ($handler:ident $($stored:ident)*) => { [$($handler::<$stored>),*] };
}

by_width! {
    STRUCT_GET: struct_get;
    STRUCT_SET: struct_set;
    ARRAY_GET: array_get;
    ARRAY_SET: array_set;
}

handlers! {
    /// `array.len`
    fn array_len(m) {
        let object = or_trap!(m, gc::header(m.cx(), m.acc, TrapKind::NullArrayReference));
        m.acc = u64::from((*object).extra);
        m.next()
    }

    /// `ref.i31`
    fn ref_i31(m) {
        m.acc = crate::value::i31_word(m.acc as u32);
        m.next()
    }

    /// `i31.get_s`
    fn i31_get_s(m) {
        or_trap!(m, non_null(m.acc, TrapKind::NullI31Reference));
        m.acc = u64::from((m.acc as i32 >> 1) as u32);
        m.next()
    }

    /// `i31.get_u`
    fn i31_get_u(m) {
        or_trap!(m, non_null(m.acc, TrapKind::NullI31Reference));
        m.acc = u64::from(m.acc as u32 >> 1);
        m.next()
    }

    /// `struct.new`: `{ type, its cell, operand slots and type id, implementation out of line }`.
    fn struct_new(m) {
        let immediates = m.ip;
        let (ty, cell, packed) = (m.take() as *const DefinedType, m.take(), m.take());
        m.take();
        let cx = m.cx();
        let Some(object) = gc::allocate_fast(cx, GcCell::unpack(cell)) else {
            return struct_new_slow(immediates, m.sp, m.base, m.len, m.vm, m.acc);
        };
        m.spill();
        m.sp = m.sp.sub(packed as u32 as usize);
        let at = (*cx).gc_base.add(object as usize);
        let id = TypeId((packed >> 32) as u32);
        at.cast::<GcHeader>().write(GcHeader { ty: id, extra: 0 });
        gc::write_fields(at, &(*ty).layout, m.sp);
        m.acc = object.into();
        m.next()
    }

    /// `struct.new` where the class has no free cell at hand; immediates as there.
    #[cold]
    #[inline(never)]
    fn struct_new_slow(m) {
        let (ty, _cell, packed, run) = (m.take(), m.take(), m.take(), m.take());
        let exit = out_of_line(&mut m, run, (ty, 0), packed as u32 as usize);
        m.acc = *m.sp;
        m.next_unless(exit)
    }

    /// An instruction out of line that has a result:
    /// `{ implementation, its two immediates, operand slots }`.
    fn aggregate(m) {
        let (run, a, b, operands) = (m.take(), m.take(), m.take(), m.take() as usize);
        let exit = out_of_line(&mut m, run, (a, b), operands);
        m.acc = *m.sp;
        m.next_unless(exit)
    }

    /// An instruction out of line that has no result; immediates as of `aggregate`.
    fn aggregate_effect(m) {
        let (run, a, b, operands) = (m.take(), m.take(), m.take(), m.take() as usize);
        let exit = out_of_line(&mut m, run, (a, b), operands);
        m.drop_slots(1);
        m.next_unless(exit)
    }

    /// `ref.test`: `{ cast }`.
    fn ref_test(m) {
        let cast = Cast::unpack(m.take());
        m.acc = u64::from(cast.matches(m.cx(), m.acc));
        m.next()
    }

    /// `ref.cast`: `{ cast }`.
    fn ref_cast(m) {
        let cast = Cast::unpack(m.take());
        if !cast.matches(m.cx(), m.acc) {
            return m.trap(TrapKind::CastFailure);
        }
        m.next()
    }

    /// `br_on_cast` where nothing is dropped: `{ cast, target }`.
    fn br_on_cast(m) {
        let cast = Cast::unpack(m.take());
        m.branch(cast.matches(m.cx(), m.acc))
    }

    /// `br_on_cast_fail` where nothing is dropped: `{ cast, target }`.
    fn br_on_cast_fail(m) {
        let cast = Cast::unpack(m.take());
        m.branch(!cast.matches(m.cx(), m.acc))
    }

    /// `ref.get_desc`
    fn ref_get_desc(m) {
        let object = or_trap!(m, gc::header(m.cx(), m.acc, TrapKind::NullReference));
        m.acc = u64::from((*object).extra);
        m.next()
    }

    /// `ref.cast_desc_eq`: `{ 1 if null passes }`.
    fn ref_cast_desc_eq(m) {
        if !or_trap!(m, pop_descriptor(&mut m)) {
            return m.trap(TrapKind::DescriptorCastFailure);
        }
        m.next()
    }

    /// `br_on_cast_desc_eq` where nothing is dropped: `{ 1 if null passes, target }`.
    fn br_on_cast_desc_eq(m) {
        let has_descriptor = or_trap!(m, pop_descriptor(&mut m));
        m.branch(has_descriptor)
    }

    /// `br_on_cast_desc_eq_fail` where nothing is dropped: `{ 1 if null passes, target }`.
    fn br_on_cast_desc_eq_fail(m) {
        let has_descriptor = or_trap!(m, pop_descriptor(&mut m));
        m.branch(!has_descriptor)
    }
}

/// Runs an instruction out of line on operands that it spills: then the first of them, or the
/// result, is at `sp`.
#[inline(always)]
unsafe fn out_of_line(m: &mut Machine, run: u64, (a, b): (u64, u64), operands: usize) -> Exit {
    // SAFETY: the immediate is the address of an implementation, whose contract the translator and
    // the machine's invariants keep.
    unsafe {
        let run: Aggregate = std::mem::transmute(run as usize as *const ());
        m.spill();
        let top = m.sp;
        m.sp = top.sub(operands);
        run(m.vm, a, b, m.sp, top)
    }
}

/// Pops a descriptor: true if the reference below it has that one, or is null and null passes, as
/// the next immediate says.
#[inline(always)]
unsafe fn pop_descriptor(m: &mut Machine) -> Result<bool, TrapKind> {
    // SAFETY: the machine's invariants.
    unsafe {
        let (nullable, descriptor) = (m.take() != 0, m.pop());
        non_null(descriptor, TrapKind::NullDescriptorReference)?;
        let is_null = nullable && m.acc == 0;
        Ok(is_null || gc::has_descriptor(m.cx(), m.acc, descriptor))
    }
}
