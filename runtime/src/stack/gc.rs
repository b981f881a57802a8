//! Handlers of structures, arrays, i31 and casts (spec: "Reference Instructions", "Aggregate
//! Instructions"). Where a field is and how wide, is resolved by the translator: there is a handler
//! for each width. What is out of line in every tier goes through [`aggregate`].
//!
//! Before anything is allocated out of line, `acc` is spilled: a collection finds every live slot
//! of the frame below the `top` that it is given.

use super::machine::handlers;
use crate::gc::{self, Cast, Cell};
use crate::store::aggregate::Aggregate;
use crate::trap::TrapKind;
use crate::types::{DefinedType, OBJECT_HEADER_BYTES, TypeId};
use crate::vm::{Cx, GcHeader};

/// The address of an element of `size_bytes`, or the trap.
#[inline(always)]
unsafe fn element(
    cx: *mut Cx,
    array: u64,
    index: u64,
    size_bytes: usize,
) -> Result<*mut u8, TrapKind> {
    if array == 0 {
        return Err(TrapKind::NullArrayReference);
    }
    // SAFETY: validation has seen to it that the word is an array's.
    unsafe {
        let object = (*cx).gc_base.add(array as usize);
        if index >= u64::from((*object.cast::<GcHeader>()).extra) {
            return Err(TrapKind::ArrayOutOfBounds);
        }
        Ok(object.add(OBJECT_HEADER_BYTES as usize + index as usize * size_bytes))
    }
}

macro_rules! gets {
    ($($structure:ident $array:ident: $storage:ident as $slot:ident;)*) => { handlers! { $(
        /// `struct.get` of a field of this width: `{ offset in bytes }`.
        fn $structure(m) {
            let offset = m.take() as usize;
            if m.acc == 0 {
                return m.trap(TrapKind::NullStructReference);
            }
            let at = (*m.cx()).gc_base.add(m.acc as usize + offset);
            m.acc = u64::from(at.cast::<$storage>().read_unaligned() as $slot);
            m.next()
        }

        /// `array.get` of an element of this width.
        fn $array(m) {
            let at = match element(m.cx(), *m.sp.sub(1), m.acc, size_of::<$storage>()) {
                Ok(at) => at,
                Err(kind) => return m.trap(kind),
            };
            m.sp = m.sp.sub(1);
            m.acc = u64::from(at.cast::<$storage>().read_unaligned() as $slot);
            m.next()
        }
    )* } };
}

macro_rules! sets {
    ($($structure:ident $array:ident: $storage:ident;)*) => { handlers! { $(
        /// `struct.set` of a field of this width: `{ offset in bytes }`.
        fn $structure(m) {
            let offset = m.take() as usize;
            let object = *m.sp.sub(1);
            if object == 0 {
                return m.trap(TrapKind::NullStructReference);
            }
            let at = (*m.cx()).gc_base.add(object as usize + offset);
            at.cast::<$storage>().write_unaligned(m.acc as $storage);
            m.drop_slots(2);
            m.next()
        }

        /// `array.set` of an element of this width.
        fn $array(m) {
            let (array, index) = (*m.sp.sub(2), *m.sp.sub(1));
            let at = match element(m.cx(), array, index, size_of::<$storage>()) {
                Ok(at) => at,
                Err(kind) => return m.trap(kind),
            };
            at.cast::<$storage>().write_unaligned(m.acc as $storage);
            m.drop_slots(3);
            m.next()
        }
    )* } };
}

gets! {
    struct_get_8u array_get_8u: u8 as u32;
    struct_get_16u array_get_16u: u16 as u32;
    struct_get_32 array_get_32: u32 as u32;
    struct_get_64 array_get_64: u64 as u64;
    struct_get_8s array_get_8s: i8 as u32;
    struct_get_16s array_get_16s: i16 as u32;
}

sets! {
    struct_set_8 array_set_8: u8;
    struct_set_16 array_set_16: u16;
    struct_set_32 array_set_32: u32;
    struct_set_64 array_set_64: u64;
}

handlers! {
    /// `struct.get` of a v128: `{ offset in bytes }`.
    fn struct_get_wide(m) {
        let offset = m.take() as usize;
        if m.acc == 0 {
            return m.trap(TrapKind::NullStructReference);
        }
        let at = (*m.cx()).gc_base.add(m.acc as usize + offset).cast::<u64>();
        m.acc = *at;
        m.push(*at.add(1));
        m.next()
    }

    /// `array.get` of a v128.
    fn array_get_wide(m) {
        let at = match element(m.cx(), *m.sp.sub(1), m.acc, 16) {
            Ok(at) => at.cast::<u64>(),
            Err(kind) => return m.trap(kind),
        };
        m.sp = m.sp.sub(1);
        m.acc = *at;
        m.push(*at.add(1));
        m.next()
    }

    /// `struct.set` of a v128: `{ offset in bytes }`.
    fn struct_set_wide(m) {
        let offset = m.take() as usize;
        let (object, low) = (*m.sp.sub(2), *m.sp.sub(1));
        if object == 0 {
            return m.trap(TrapKind::NullStructReference);
        }
        let at = (*m.cx()).gc_base.add(object as usize + offset).cast::<u64>();
        *at = low;
        *at.add(1) = m.acc;
        m.drop_slots(3);
        m.next()
    }

    /// `array.set` of a v128.
    fn array_set_wide(m) {
        let (array, index, low) = (*m.sp.sub(3), *m.sp.sub(2), *m.sp.sub(1));
        let at = match element(m.cx(), array, index, 16) {
            Ok(at) => at.cast::<u64>(),
            Err(kind) => return m.trap(kind),
        };
        *at = low;
        *at.add(1) = m.acc;
        m.drop_slots(4);
        m.next()
    }

    /// `array.len`
    fn array_len(m) {
        if m.acc == 0 {
            return m.trap(TrapKind::NullArrayReference);
        }
        let object = (*m.cx()).gc_base.add(m.acc as usize);
        m.acc = u64::from((*object.cast::<GcHeader>()).extra);
        m.next()
    }

    /// `ref.i31`
    fn ref_i31(m) {
        m.acc = crate::value::i31_word(m.acc as u32);
        m.next()
    }

    /// `i31.get_s`
    fn i31_get_s(m) {
        if m.acc == 0 {
            return m.trap(TrapKind::NullI31Reference);
        }
        m.acc = u64::from((m.acc as i32 >> 1) as u32);
        m.next()
    }

    /// `i31.get_u`
    fn i31_get_u(m) {
        if m.acc == 0 {
            return m.trap(TrapKind::NullI31Reference);
        }
        m.acc = u64::from(m.acc as u32 >> 1);
        m.next()
    }

    /// `struct.new`: `{ type, its cell, operand slots and type id, implementation out of line }`.
    fn struct_new(m) {
        let immediates = m.ip;
        let (ty, cell, packed) = (m.take() as *const DefinedType, m.take(), m.take());
        m.take();
        let cx = m.cx();
        let Some(object) = gc::allocate_fast(cx, Cell::unpack(cell)) else {
            return struct_new_slow(immediates, m.sp, m.base, m.len, m.vm, m.acc);
        };
        *m.sp = m.acc;
        m.sp = m.sp.add(1).sub(packed as u32 as usize);
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
        let run: Aggregate = std::mem::transmute(run as usize as *const ());
        *m.sp = m.acc;
        let top = m.sp.add(1);
        m.sp = top.sub(packed as u32 as usize);
        let exit = run(m.vm, ty, 0, m.sp, top);
        m.acc = *m.sp;
        m.next_unless(exit)
    }

    /// An instruction out of line that has a result:
    /// `{ implementation, its two immediates, operand slots }`.
    fn aggregate(m) {
        let run: Aggregate = std::mem::transmute(m.take() as usize as *const ());
        let (a, b, operands) = (m.take(), m.take(), m.take() as usize);
        *m.sp = m.acc;
        let top = m.sp.add(1);
        m.sp = top.sub(operands);
        let exit = run(m.vm, a, b, m.sp, top);
        m.acc = *m.sp;
        m.next_unless(exit)
    }

    /// An instruction out of line that has no result; immediates as of `aggregate`.
    fn aggregate_effect(m) {
        let run: Aggregate = std::mem::transmute(m.take() as usize as *const ());
        let (a, b, operands) = (m.take(), m.take(), m.take() as usize);
        *m.sp = m.acc;
        let top = m.sp.add(1);
        let exit = run(m.vm, a, b, top.sub(operands), top);
        m.drop_slots(operands);
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
        if cast.matches(m.cx(), m.acc) {
            m.jump();
        } else {
            m.ip = m.ip.add(1);
        }
        m.next()
    }

    /// `br_on_cast_fail` where nothing is dropped: `{ cast, target }`.
    fn br_on_cast_fail(m) {
        let cast = Cast::unpack(m.take());
        if cast.matches(m.cx(), m.acc) {
            m.ip = m.ip.add(1);
        } else {
            m.jump();
        }
        m.next()
    }

    /// `ref.get_desc`
    fn ref_get_desc(m) {
        if m.acc == 0 {
            return m.trap(TrapKind::NullReference);
        }
        let object = (*m.cx()).gc_base.add(m.acc as usize);
        m.acc = u64::from((*object.cast::<GcHeader>()).extra);
        m.next()
    }

    /// `ref.cast_desc_eq`: `{ whether null will do }`.
    fn ref_cast_desc_eq(m) {
        let nullable = m.take() != 0;
        let descriptor = m.pop();
        if descriptor == 0 {
            return m.trap(TrapKind::NullDescriptorReference);
        }
        let is_null = nullable && m.acc == 0;
        if !is_null && !gc::has_descriptor(m.cx(), m.acc, descriptor) {
            return m.trap(TrapKind::DescriptorCastFailure);
        }
        m.next()
    }

    /// `br_on_cast_desc_eq` where nothing is dropped: `{ whether null will do, target }`.
    fn br_on_cast_desc_eq(m) {
        let nullable = m.take() != 0;
        let descriptor = m.pop();
        if descriptor == 0 {
            return m.trap(TrapKind::NullDescriptorReference);
        }
        let is_null = nullable && m.acc == 0;
        if is_null || gc::has_descriptor(m.cx(), m.acc, descriptor) {
            m.jump();
        } else {
            m.ip = m.ip.add(1);
        }
        m.next()
    }

    /// `br_on_cast_desc_eq_fail` where nothing is dropped: `{ whether null will do, target }`.
    fn br_on_cast_desc_eq_fail(m) {
        let nullable = m.take() != 0;
        let descriptor = m.pop();
        if descriptor == 0 {
            return m.trap(TrapKind::NullDescriptorReference);
        }
        let is_null = nullable && m.acc == 0;
        if is_null || gc::has_descriptor(m.cx(), m.acc, descriptor) {
            m.ip = m.ip.add(1);
        } else {
            m.jump();
        }
        m.next()
    }
}
