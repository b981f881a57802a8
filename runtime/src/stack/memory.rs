//! Handlers of loads, stores and whole-memory instructions (spec: "Memory Instructions").
//!
//! [`near`] accesses memory 0 where it has 32-bit addresses: base and length are in registers, and
//! address + offset + size cannot overflow 64 bits. [`far`] accesses any memory.

use super::machine::handlers;
use crate::helpers;
use crate::trap::TrapKind;
use crate::vm::Vm;

/// Accesses to memory 0 with 32-bit addresses: `{ offset in bytes }`.
#[expect(
    non_snake_case,
    reason = "a handler is named as the variant of its opcode"
)]
pub(super) mod near {
    use super::{TrapKind, handlers};
    use crate::ops::{for_each_load, for_each_store};

    macro_rules! loads {
        (load { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
            #[doc = concat!("`", $name, "`")]
            fn $op(m) {
                let at = m.acc as usize + m.take() as usize;
                if at + size_of::<$storage>() > m.len {
                    return m.trap(TrapKind::MemoryOutOfBounds);
                }
                let value = $storage::from_le(m.base.add(at).cast::<$storage>().read_unaligned());
                m.acc = u64::from(value as $slot);
                m.next()
            }
        )* } };
    }

    macro_rules! stores {
        (store { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $ty:ident -> $slot:ident as $storage:ident })* }) => { handlers! { $(
            #[doc = concat!("`", $name, "`")]
            fn $op(m) {
                let at = *m.sp.sub(1) as usize + m.take() as usize;
                if at + size_of::<$storage>() > m.len {
                    return m.trap(TrapKind::MemoryOutOfBounds);
                }
                let value = (m.acc as $storage).to_le();
                m.base.add(at).cast::<$storage>().write_unaligned(value);
                m.drop_slots(2);
                m.next()
            }
        )* } };
    }

    for_each_load!(loads);
    for_each_store!(stores);
}

/// Accesses to any memory: `{ offset in bytes, memory index }`.
#[expect(
    non_snake_case,
    reason = "a handler is named as the variant of its opcode"
)]
pub(super) mod far {
    use super::{TrapKind, far_address, handlers};
    use crate::ops::{for_each_load, for_each_store};

    macro_rules! loads {
        (load { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
            #[doc = concat!("`", $name, "`")]
            fn $op(m) {
                let (offset, memory) = (m.take(), m.take());
                let at = far_address(m.vm, memory, m.acc, offset, size_of::<$storage>());
                if at.is_null() {
                    return m.trap(TrapKind::MemoryOutOfBounds);
                }
                let value = $storage::from_le(at.cast::<$storage>().read_unaligned());
                m.acc = u64::from(value as $slot);
                m.next()
            }
        )* } };
    }

    macro_rules! stores {
        (store { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $ty:ident -> $slot:ident as $storage:ident })* }) => { handlers! { $(
            #[doc = concat!("`", $name, "`")]
            fn $op(m) {
                let (offset, memory) = (m.take(), m.take());
                let address = *m.sp.sub(1);
                let at = far_address(m.vm, memory, address, offset, size_of::<$storage>());
                if at.is_null() {
                    return m.trap(TrapKind::MemoryOutOfBounds);
                }
                at.cast::<$storage>().write_unaligned((m.acc as $storage).to_le());
                m.drop_slots(2);
                m.next()
            }
        )* } };
    }

    for_each_load!(loads);
    for_each_store!(stores);
}

/// The host's address of `size_bytes` at `address + offset` of a memory, or null if they are not
/// all inside of it.
#[inline(always)]
pub(super) unsafe fn far_address(
    vm: *mut Vm,
    memory: u64,
    address: u64,
    offset: u64,
    size_bytes: usize,
) -> *mut u8 {
    // SAFETY: validation has checked the memory index.
    let memory = unsafe { &**(*vm).memories.add(memory as usize) };
    let start = address.checked_add(offset);
    let end = start.and_then(|at| at.checked_add(size_bytes as u64));
    match (start, end) {
        // SAFETY: the range is inside the memory.
        (Some(start), Some(end)) if end <= memory.len_bytes as u64 => unsafe {
            memory.base.add(start as usize)
        },
        (_, _) => std::ptr::null_mut(),
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
