//! Handlers of loads, stores and whole-memory instructions (spec: "Memory Instructions").
//!
//! [`near`] accesses memory 0 where it has 32-bit addresses: base and length are in registers, and
//! address + offset + size cannot overflow 64 bits. [`far`] accesses any memory. Another thread may
//! have grown a shared memory beyond the length that this one knows: the true length is read before
//! an access traps, and nowhere else.

use super::machine::{handlers, or_trap};
use crate::helpers;
use crate::ops::for_each_group;
use crate::simd as pure;
use crate::trap::TrapKind;

/// The host's address of an access to memory 0 with 32-bit addresses: `{ offset in bytes }`. An
/// access outside of the memory ends the handler.
macro_rules! near_place {
    ($m:ident, $address:expr, $storage:ident) => {{
        let at = $address as usize + $m.take() as usize;
        if at + size_of::<$storage>() > $m.len {
            return near_beyond($m.ip, $m.sp, $m.base, $m.len, $m.vm, $m.acc);
        }
        $m.base.add(at).cast::<$storage>()
    }};
}

/// The host's address of an access to any memory: `{ offset in bytes, memory index }`. An access
/// outside of the memory ends the handler.
macro_rules! far_place {
    ($m:ident, $address:expr, $storage:ident) => {{
        let (offset, memory, size_bytes) = ($m.take(), $m.take() as usize, size_of::<$storage>());
        let place = helpers::access_place($m.vm, memory, [$address, offset], size_bytes);
        or_trap!($m, place).cast::<$storage>()
    }};
}

/// Defines the handlers of accesses, each named as the variant of its opcode, by the macro that
/// finds their places. The immediates of those, then the lane.
macro_rules! accesses {
    ($module:ident $place:ident) => {
        #[expect(
            non_snake_case,
            reason = "a handler is named as the variant of its opcode"
        )]
        pub(super) mod $module {
            use super::*;

            for_each_group!([for_each_load] loads; $place);
            for_each_group!([for_each_store] stores; $place);
            for_each_group!([for_each_simd_load] vector_loads; $place);
            for_each_group!([for_each_simd_store] vector_stores; $place);
            for_each_group!([for_each_simd_load_lane] load_lanes; $place);
            for_each_group!([for_each_simd_store_lane] store_lanes; $place);
        }
    };
}

macro_rules! loads {
    ($place:ident load { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let value = $storage::from_le($place!(m, m.acc, $storage).read_unaligned());
            m.acc = u64::from(value as $slot);
            m.next()
        }
    )* } };
}

macro_rules! stores {
    ($place:ident store { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $ty:ident -> $slot:ident as $storage:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let place = $place!(m, *m.sp.sub(1), $storage);
            place.write_unaligned((m.acc as $storage).to_le());
            m.drop_slots(2);
            m.next()
        }
    )* } };
}

macro_rules! vector_loads {
    ($place:ident simd_load { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident) -> v128; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let bits = $storage::from_le($place!(m, m.acc, $storage).read_unaligned());
            m.sp = m.sp.add(1);
            m.set_top(pure::$func(bits));
            m.next()
        }
    )* } };
}

macro_rules! vector_stores {
    ($place:ident simd_store { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128) -> $storage:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let place = $place!(m, *m.sp.sub(2), $storage);
            place.write_unaligned(pure::$func(m.top()).to_le());
            m.drop_slots(3);
            m.next()
        }
    )* } };
}

macro_rules! load_lanes {
    ($place:ident simd_load_lane { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident, v128, lane) -> v128; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let bits = $storage::from_le($place!(m, *m.sp.sub(2), $storage).read_unaligned());
            let result = pure::$func(bits, m.top(), m.take() as u8);
            m.sp = m.sp.sub(1);
            m.set_top(result);
            m.next()
        }
    )* } };
}

macro_rules! store_lanes {
    ($place:ident simd_store_lane { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane) -> $storage:ident; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let place = $place!(m, *m.sp.sub(2), $storage);
            let bits: $storage = pure::$func(m.top(), m.take() as u8);
            place.write_unaligned(bits.to_le());
            m.drop_slots(3);
            m.next()
        }
    )* } };
}

accesses!(near near_place);
accesses!(far far_place);

/// Cells of an access to memory 0: its handler and its offset.
const NEAR_CELLS: usize = 2;

handlers! {
    /// An access beyond the known length of memory 0, whose immediates have been taken: runs it
    /// again if another thread has grown the memory, else traps.
    #[cold]
    #[inline(never)]
    fn near_beyond(m) {
        if helpers::memory_refresh((*m.vm).memory0) > m.len {
            m.ip = m.ip.sub(NEAR_CELLS);
            m.load_memory();
            return m.next();
        }
        m.trap(TrapKind::MemoryOutOfBounds)
    }
}

handlers! {
    /// `memory.size`: `{ memory index }`.
    fn memory_size(m) {
        let pages = helpers::memory_size(m.vm, m.take() as u32);
        m.push(pages);
        m.next()
    }

    /// `memory.grow`: `{ memory index, greatest address }`.
    fn memory_grow(m) {
        let (memory, address_max) = (m.take() as u32, m.take());
        m.acc = helpers::memory_grow(m.vm, memory, m.acc) & address_max;
        m.load_memory();
        m.next()
    }

    /// `memory.fill`: `{ memory index }`.
    fn memory_fill(m) {
        let (len, value, at) = (m.pop(), m.pop(), m.pop());
        let exit = helpers::memory_fill(m.vm, m.take() as u32, at, value as u32, len);
        m.next_unless(exit)
    }

    /// `memory.copy`: `{ destination memory index, source memory index }`.
    fn memory_copy(m) {
        let (len, from, to) = (m.pop(), m.pop(), m.pop());
        let (dst, src) = (m.take() as u32, m.take() as u32);
        let exit = helpers::memory_copy(m.vm, dst, src, to, from, len);
        m.next_unless(exit)
    }

    /// `memory.init`: `{ data index, memory index }`.
    fn memory_init(m) {
        let (len, from, to) = (m.pop(), m.pop(), m.pop());
        let (segment, memory) = (m.take() as u32, m.take() as u32);
        let exit = helpers::memory_init(m.vm, memory, segment, to, from, len);
        m.next_unless(exit)
    }

    /// `data.drop`: `{ data index }`.
    fn data_drop(m) {
        helpers::data_drop(m.vm, m.take() as u32);
        m.next()
    }
}
