//! What is out of line in every tier: growth, bulk copies, segment drops (spec: "Memory
//! Instructions", "Table Instructions"). One implementation, called by handlers and by compiled
//! code alike; each function is the whole instruction.
//!
//! Indices and lengths come zero-extended to 64 bits. Invariant: bounds are checked before
//! anything is written.

mod atomic;

pub use atomic::{EXIT_SHIFT, ResultOrExit, atomic_notify, atomic_wait32, atomic_wait64};

use crate::memory::Memory;
use crate::table::Table;
use crate::trap::TrapKind;
use crate::vm::{EXIT_OK, Exit, MemoryInst, TableInst, Vm};

const MEMORY_OUT_OF_BOUNDS: Exit = TrapKind::MemoryOutOfBounds as Exit;
const TABLE_OUT_OF_BOUNDS: Exit = TrapKind::TableOutOfBounds as Exit;

/// What `memory.grow` and `table.grow` give when they cannot grow: -1.
pub const GROW_FAILED: u64 = u64::MAX;

/// Whether `[at, at + len)` lies within `size`.
fn in_bounds(at: u64, len: u64, size: u64) -> bool {
    at.checked_add(len).is_some_and(|end| end <= size)
}

/// A memory, its length up to date.
unsafe fn memory<'a>(vm: *mut Vm, index: u32) -> &'a mut MemoryInst {
    // SAFETY: the caller's contract.
    &mut unsafe { view(vm, index) }.inst
}

/// The whole of a memory, its length up to date.
unsafe fn view<'a>(vm: *mut Vm, index: u32) -> &'a mut Memory {
    // SAFETY: the callers pass a live vm and an index that validation has checked; every
    // `MemoryInst` of a store is the first field of a `Memory`.
    let memory = unsafe { &mut *(*(*vm).memories.add(index as usize)).cast::<Memory>() };
    memory.refresh();
    memory
}

/// Takes in what other threads have grown a memory to, if it is shared; its length in bytes. An
/// access that is out of bounds asks this before it traps.
///
/// # Safety
/// `memory` is the first field of a `Memory` of a store that this thread runs.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn memory_refresh(memory: *mut MemoryInst) -> usize {
    // SAFETY: the caller's contract.
    unsafe { (*memory.cast::<Memory>()).refresh() }
}

unsafe fn table<'a>(vm: *mut Vm, index: u32) -> &'a mut TableInst {
    // SAFETY: the callers pass a live vm and an index that validation has checked.
    unsafe { &mut **(*vm).tables.add(index as usize) }
}

/// `memory.grow`: `[delta] -> [old pages or -1]`; the caller truncates for 32-bit memories.
///
/// # Safety
/// `vm` is the vm of a live instance whose module has memory `index`.
pub unsafe extern "C" fn memory_grow(vm: *mut Vm, index: u32, delta: u64) -> u64 {
    // SAFETY: the caller's contract.
    let memory = unsafe { view(vm, index) };
    memory.grow(delta).unwrap_or(GROW_FAILED)
}

/// `memory.size`: `[] -> [pages]`.
///
/// # Safety
/// As for [`memory_grow`].
pub unsafe extern "C" fn memory_size(vm: *mut Vm, index: u32) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { view(vm, index) }.pages()
}

/// `memory.fill`: `[at value len] -> []`.
///
/// # Safety
/// As for [`memory_grow`].
pub unsafe extern "C" fn memory_fill(
    vm: *mut Vm,
    index: u32,
    at: u64,
    value: u32,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract.
    let memory = unsafe { memory(vm, index) };
    if !in_bounds(at, len, memory.len_bytes as u64) {
        return MEMORY_OUT_OF_BOUNDS;
    }
    // SAFETY: the range was checked.
    unsafe {
        memory
            .base
            .add(at as usize)
            .write_bytes(value as u8, len as usize)
    };
    EXIT_OK
}

/// `memory.copy` from memory `src` to memory `dst`: `[to from len] -> []`.
///
/// # Safety
/// As for [`memory_grow`], for both memories.
pub unsafe extern "C" fn memory_copy(
    vm: *mut Vm,
    dst: u32,
    src: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract; only plain fields are read, so that both may be the same.
    let (dst, src) = unsafe {
        let (dst, src) = (memory(vm, dst), memory(vm, src));
        (
            (dst.base, dst.len_bytes as u64),
            (src.base, src.len_bytes as u64),
        )
    };
    if !in_bounds(to, len, dst.1) || !in_bounds(from, len, src.1) {
        return MEMORY_OUT_OF_BOUNDS;
    }
    // SAFETY: both ranges were checked; `copy` allows overlap.
    unsafe {
        std::ptr::copy(
            src.0.add(from as usize),
            dst.0.add(to as usize),
            len as usize,
        )
    };
    EXIT_OK
}

/// `memory.init` from data segment `segment`: `[to from len] -> []`.
///
/// # Safety
/// As for [`memory_grow`]; the module has data segment `segment`.
pub unsafe extern "C" fn memory_init(
    vm: *mut Vm,
    index: u32,
    segment: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract.
    let (memory, data) = unsafe { (memory(vm, index), &*(*vm).datas.add(segment as usize)) };
    let fits =
        in_bounds(to, len, memory.len_bytes as u64) && in_bounds(from, len, data.len_bytes as u64);
    if !fits {
        return MEMORY_OUT_OF_BOUNDS;
    }
    if len > 0 {
        // SAFETY: both ranges were checked; a segment's bytes are never in a memory.
        unsafe {
            let (from, to) = (data.bytes.add(from as usize), memory.base.add(to as usize));
            std::ptr::copy_nonoverlapping(from, to, len as usize);
        }
    }
    EXIT_OK
}

/// `data.drop`.
///
/// # Safety
/// As for [`memory_init`].
pub unsafe extern "C" fn data_drop(vm: *mut Vm, segment: u32) {
    // SAFETY: the caller's contract.
    unsafe { (*(*vm).datas.add(segment as usize)).len_bytes = 0 };
}

/// `table.grow`: `[init delta] -> [old length or -1]`; the caller truncates for 32-bit tables.
///
/// # Safety
/// `vm` is the vm of a live instance whose module has table `index`.
pub unsafe extern "C" fn table_grow(vm: *mut Vm, index: u32, init: u64, delta: u64) -> u64 {
    // SAFETY: every `TableInst` of a store is the first field of a `Table`.
    let table = unsafe { &mut *(&raw mut *table(vm, index)).cast::<Table>() };
    table.grow(delta, init).unwrap_or(GROW_FAILED)
}

/// `table.fill`: `[at value len] -> []`.
///
/// # Safety
/// As for [`table_grow`].
pub unsafe extern "C" fn table_fill(
    vm: *mut Vm,
    index: u32,
    at: u64,
    value: u64,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract.
    let table = unsafe { table(vm, index) };
    if !in_bounds(at, len, table.len) {
        return TABLE_OUT_OF_BOUNDS;
    }
    for i in at..at + len {
        // SAFETY: the range was checked.
        unsafe { *table.elements.add(i as usize) = value };
    }
    EXIT_OK
}

/// `table.copy` from table `src` to table `dst`: `[to from len] -> []`.
///
/// # Safety
/// As for [`table_grow`], for both tables.
pub unsafe extern "C" fn table_copy(
    vm: *mut Vm,
    dst: u32,
    src: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract; only plain fields are read, so that both may be the same.
    let (dst, src) = unsafe {
        let (dst, src) = (table(vm, dst), table(vm, src));
        ((dst.elements, dst.len), (src.elements, src.len))
    };
    if !in_bounds(to, len, dst.1) || !in_bounds(from, len, src.1) {
        return TABLE_OUT_OF_BOUNDS;
    }
    // SAFETY: both ranges were checked; `copy` allows overlap.
    unsafe {
        std::ptr::copy(
            src.0.add(from as usize),
            dst.0.add(to as usize),
            len as usize,
        )
    };
    EXIT_OK
}

/// `table.init` from element segment `segment`: `[to from len] -> []`.
///
/// # Safety
/// As for [`table_grow`]; the module has element segment `segment`.
pub unsafe extern "C" fn table_init(
    vm: *mut Vm,
    index: u32,
    segment: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Exit {
    // SAFETY: the caller's contract.
    let (table, segment) = unsafe { (table(vm, index), &*(*vm).elements.add(segment as usize)) };
    if !in_bounds(to, len, table.len) || !in_bounds(from, len, segment.len as u64) {
        return TABLE_OUT_OF_BOUNDS;
    }
    if len > 0 {
        // SAFETY: both ranges were checked; a segment's words are never in a table.
        unsafe {
            let (from, to) = (
                segment.words.add(from as usize),
                table.elements.add(to as usize),
            );
            std::ptr::copy_nonoverlapping(from, to, len as usize);
        }
    }
    EXIT_OK
}

/// `elem.drop`.
///
/// # Safety
/// As for [`table_init`].
pub unsafe extern "C" fn elem_drop(vm: *mut Vm, segment: u32) {
    // SAFETY: the caller's contract.
    unsafe { (*(*vm).elements.add(segment as usize)).len = 0 };
}
