//! Handlers of loads, stores and whole-memory instructions (spec: "Memory Instructions").
//!
//! [`near`] accesses memory 0 where it has 32-bit addresses: base and length are in registers, and
//! address + offset + size cannot overflow 64 bits. [`far`] accesses any memory. What is beyond the
//! length that this thread knows of a shared memory may have been grown by another: that is looked
//! at before an access traps, and nowhere else.

use super::machine::handlers;
use crate::helpers;
use crate::trap::TrapKind;
use crate::vm::{MemoryInst, Vm};

/// Accesses to memory 0 with 32-bit addresses: `{ offset in bytes }`.
#[expect(
    non_snake_case,
    reason = "a handler is named as the variant of its opcode"
)]
pub(super) mod near {
    use super::{handlers, near_beyond};
    use crate::ops::{for_each_load, for_each_store};

    macro_rules! loads {
        (load { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
            #[doc = concat!("`", $name, "`")]
            fn $op(m) {
                let at = m.acc as usize + m.take() as usize;
                if at + size_of::<$storage>() > m.len {
                    return near_beyond(m.ip, m.sp, m.base, m.len, m.vm, m.acc);
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
                    return near_beyond(m.ip, m.sp, m.base, m.len, m.vm, m.acc);
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
    let memory = unsafe { *(*vm).memories.add(memory as usize) };
    let Some(start) = address.checked_add(offset) else {
        return std::ptr::null_mut();
    };
    let Some(end) = start.checked_add(size_bytes as u64) else {
        return std::ptr::null_mut();
    };
    // SAFETY: memories of a store live as long as it does; the range is inside of this one.
    unsafe {
        if end > (*memory).len_bytes as u64 && end > far_len(memory) {
            return std::ptr::null_mut();
        }
        (*memory).base.add(start as usize)
    }
}

/// The host's address of what is beyond the known length of memory 0, if another thread has grown
/// it; else null.
#[cold]
#[inline(never)]
pub(super) unsafe fn beyond(vm: *mut Vm, at: usize, size_bytes: usize) -> *mut u8 {
    // SAFETY: an access to memory 0 is made where there is one.
    unsafe { far_address(vm, 0, at as u64, 0, size_bytes) }
}

/// The length of a memory that another thread may have grown.
#[cold]
#[inline(never)]
unsafe fn far_len(memory: *mut MemoryInst) -> u64 {
    // SAFETY: the caller has it from the instance.
    unsafe { helpers::memory_refresh(memory) as u64 }
}

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
