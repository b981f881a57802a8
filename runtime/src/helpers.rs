//! The instructions that are out of line in every tier: growth, bulk copies, segment drops (spec:
//! "Memory Instructions", "Table Instructions"). One implementation, called by handlers and by
//! compiled code alike; each function is the whole instruction.
//!
//! Indices and lengths come zero-extended to 64 bits. Invariant: bounds are checked before
//! anything is written.

/// Functions that compiled code calls too, each a whole instruction.
macro_rules! instructions {
    ($(
        $(#[$doc:meta])*
        fn $name:ident($vm:ident $(, $operand:ident: $ty:ty)*) $(-> $result:ty)? $body:block
    )*) => { $(
        $(#[$doc])*
        ///
        /// # Safety
        /// `vm` is the vm of a live instance, whose module has the memories, tables and segments
        /// of these indices. Nothing else refers to them or to the context now.
        pub unsafe extern "C" fn $name($vm: *mut Vm $(, $operand: $ty)*) $(-> $result)? {
            // SAFETY: the caller's contract. Every `TableInst` of a store is the first field of a
            // `TableData`; segments are only read; ranges are checked before they are written.
            unsafe { $body }
        }
    )* };
}

mod atomic;

pub use atomic::{EXIT_SHIFT, ResultOrExit, atomic_notify, atomic_wait32, atomic_wait64};

use std::sync::atomic::Ordering;

use crate::interrupt::ends;
use crate::limits::INTERRUPT_PIECE_BYTES;
use crate::memory::MemoryData;
use crate::table::TableData;
use crate::trap::TrapKind;
use crate::vm::{Cx, EXIT_OK, Exit, FuncInst, MemoryInst, TableInst, Vm};

const MEMORY_OUT_OF_BOUNDS: Exit = TrapKind::MemoryOutOfBounds as Exit;
const TABLE_OUT_OF_BOUNDS: Exit = TrapKind::TableOutOfBounds as Exit;

/// The result of `memory.grow` and `table.grow` without growth: -1.
pub const GROW_FAILED: u64 = u64::MAX;

/// Grows a memory within its own limit and that of its store.
pub fn grow_memory(memory: &mut MemoryData, cx: &mut Cx, delta: u64) -> Option<u64> {
    let bytes = delta.checked_mul(1 << memory.ty.page_size_log2)?;
    let left = cx.memory_bytes_left.checked_sub(bytes)?;
    let old = memory.grow(delta)?;
    cx.memory_bytes_left = left;
    Some(old)
}

/// Grows a table within its own limit and that of its store.
pub fn grow_table(table: &mut TableData, cx: &mut Cx, delta: u64, init: u64) -> Option<u64> {
    let left = cx.table_elements_left.checked_sub(delta)?;
    let old = table.grow(delta, init)?;
    cx.table_elements_left = left;
    Some(old)
}

/// Does the work of a bulk instruction, `len` units of `unit_bytes`, in pieces between which it
/// looks for an interruption, where the engine is interruptible. `work` takes the begin and the
/// length of a piece. The effects of an interrupted instruction up to then stay.
///
/// # Safety
/// `vm` is the vm of a live instance.
pub(crate) unsafe fn in_pieces(
    vm: *mut Vm,
    len: usize,
    unit_bytes: usize,
    mut work: impl FnMut(usize, usize),
) -> Exit {
    // SAFETY: the callers pass a live vm; the flags live as long as its store.
    let interrupt = unsafe { (*(*vm).cx).interrupt.as_ref() };
    let Some(interrupt) = interrupt else {
        work(0, len);
        return EXIT_OK;
    };
    let piece = INTERRUPT_PIECE_BYTES / unit_bytes;
    let mut done = 0;
    while done < len {
        if ends(interrupt.load(Ordering::Relaxed)) {
            return TrapKind::Interrupted as Exit;
        }
        let more = piece.min(len - done);
        work(done, more);
        done += more;
    }
    EXIT_OK
}

/// Copies as `memmove` does, in pieces: from the end if the destination lies above the source.
///
/// # Safety
/// As for [`in_pieces`]; both ranges of `len` can be accessed.
pub(crate) unsafe fn copy_in_pieces<T>(
    vm: *mut Vm,
    from: *const T,
    to: *mut T,
    len: usize,
) -> Exit {
    let is_upwards = to.cast_const() <= from;
    let work = |done, more| {
        let at = if is_upwards { done } else { len - done - more };
        // SAFETY: the caller has checked both ranges; `copy` allows overlap.
        unsafe { std::ptr::copy(from.add(at), to.add(at), more) };
    };
    // SAFETY: the caller's contract.
    unsafe { in_pieces(vm, len, size_of::<T>(), work) }
}

/// The place in a memory, table or segment at which a bulk instruction works. Nothing is checked.
struct BulkPlace<T> {
    base: *mut T,
    /// The length of the whole.
    len: u64,
    at: u64,
}

impl<T> BulkPlace<T> {
    fn new(base: *mut T, len: u64, at: u64) -> BulkPlace<T> {
        BulkPlace { base, len, at }
    }

    /// The address of `len` units, if all of them lie within the whole.
    fn check(self, len: u64) -> Option<*mut T> {
        let end = self.at.checked_add(len)?;
        (end <= self.len).then(|| self.base.wrapping_add(self.at as usize))
    }
}

/// Copies `len` units if both places have them, or gives the exit code.
///
/// # Safety
/// As for [`in_pieces`]; the places are in objects of the store.
unsafe fn copy<T>(
    vm: *mut Vm,
    to: BulkPlace<T>,
    from: BulkPlace<T>,
    len: u64,
    out_of_bounds: Exit,
) -> Exit {
    let (Some(to), Some(from)) = (to.check(len), from.check(len)) else {
        return out_of_bounds;
    };
    // SAFETY: both ranges were checked.
    unsafe { copy_in_pieces(vm, from.cast_const(), to, len as usize) }
}

/// A place in a memory, its length up to date.
unsafe fn in_memory(vm: *mut Vm, index: u32, at: u64) -> BulkPlace<u8> {
    // SAFETY: the caller's contract.
    let memory = unsafe { view(vm, index) };
    BulkPlace::new(memory.inst.base, memory.inst.len_bytes as u64, at)
}

/// A place in a table.
unsafe fn in_table(vm: *mut Vm, index: u32, at: u64) -> BulkPlace<u64> {
    // SAFETY: the callers pass a live vm and an index that validation has checked.
    let table = unsafe { &**(*vm).tables.add(index as usize) };
    BulkPlace::new(table.elements, table.len, at)
}

/// The whole of a memory, its length up to date.
unsafe fn view<'a>(vm: *mut Vm, index: u32) -> &'a mut MemoryData {
    // SAFETY: the callers pass a live vm and an index that validation has checked; every
    // `MemoryInst` of a store is the first field of a `Memory`.
    let memory = unsafe { &mut *(*(*vm).memories.add(index as usize)).cast::<MemoryData>() };
    memory.refresh();
    memory
}

/// Takes in the growth of a shared memory by other threads: its length in bytes. An access that is
/// out of bounds calls this before it traps.
///
/// # Safety
/// `memory` is the first field of a `Memory` of a store that this thread runs.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn memory_refresh(memory: *mut MemoryInst) -> usize {
    // SAFETY: the caller's contract.
    unsafe { (*memory.cast::<MemoryData>()).refresh() }
}

/// The host's address of `size_bytes` in a memory, at an address plus an offset. Another thread may
/// have grown a shared memory beyond the length that this one knows.
///
/// # Safety
/// `vm` is the vm of a live instance, whose module has a memory of this index.
#[inline(always)]
pub unsafe fn access_place(
    vm: *mut Vm,
    memory: usize,
    [address, offset]: [u64; 2],
    size_bytes: usize,
) -> Result<*mut u8, TrapKind> {
    // SAFETY: the caller's contract.
    unsafe {
        let memory = *(*vm).memories.add(memory);
        let start = address.checked_add(offset);
        let end = start.and_then(|start| start.checked_add(size_bytes as u64));
        let is_inside =
            |&end: &u64| end <= (*memory).len_bytes as u64 || end <= memory_refresh(memory) as u64;
        match end.filter(is_inside) {
            Some(end) => Ok((*memory).base.wrapping_add(end as usize - size_bytes)),
            None => Err(TrapKind::MemoryOutOfBounds),
        }
    }
}

/// The function that a table holds at an index, or the trap.
///
/// # Safety
/// `table` is a live table of functions.
#[inline(always)]
pub unsafe fn table_callee(table: *const TableInst, index: u64) -> Result<*mut FuncInst, TrapKind> {
    // SAFETY: the caller's contract: elements are null or the addresses of functions.
    unsafe {
        if index >= (*table).len {
            return Err(TrapKind::UndefinedElement);
        }
        let func = *(*table).elements.add(index as usize) as *mut FuncInst;
        if func.is_null() {
            return Err(TrapKind::UninitializedElement);
        }
        Ok(func)
    }
}

instructions! {
    /// `memory.grow`: `[delta] -> [old pages or -1]`; the caller truncates for 32-bit memories.
    fn memory_grow(vm, index: u32, delta: u64) -> u64 {
        grow_memory(view(vm, index), &mut *(*vm).cx, delta).unwrap_or(GROW_FAILED)
    }

    /// `memory.size`: `[] -> [pages]`.
    fn memory_size(vm, index: u32) -> u64 {
        view(vm, index).pages()
    }

    /// `memory.fill`: `[at value len] -> []`.
    fn memory_fill(vm, index: u32, at: u64, value: u32, len: u64) -> Exit {
        let Some(first) = in_memory(vm, index, at).check(len) else {
            return MEMORY_OUT_OF_BOUNDS;
        };
        let fill = |at, len| first.add(at).write_bytes(value as u8, len);
        in_pieces(vm, len as usize, 1, fill)
    }

    /// `memory.copy` from memory `src` to memory `dst`: `[to from len] -> []`.
    fn memory_copy(vm, dst: u32, src: u32, to: u64, from: u64, len: u64) -> Exit {
        let (to, from) = (in_memory(vm, dst, to), in_memory(vm, src, from));
        copy(vm, to, from, len, MEMORY_OUT_OF_BOUNDS)
    }

    /// `memory.init` from data segment `segment`: `[to from len] -> []`.
    fn memory_init(vm, index: u32, segment: u32, to: u64, from: u64, len: u64) -> Exit {
        let segment = &*(*vm).datas.add(segment as usize);
        let from = BulkPlace::new(segment.bytes.cast_mut(), segment.len_bytes as u64, from);
        copy(vm, in_memory(vm, index, to), from, len, MEMORY_OUT_OF_BOUNDS)
    }

    /// `data.drop`.
    fn data_drop(vm, segment: u32) {
        (*(*vm).datas.add(segment as usize)).len_bytes = 0;
    }

    /// `table.grow`: `[init delta] -> [old length or -1]`; the caller truncates for 32-bit tables.
    fn table_grow(vm, index: u32, init: u64, delta: u64) -> u64 {
        let table = *(*vm).tables.add(index as usize);
        let table = &mut *table.cast::<TableData>();
        grow_table(table, &mut *(*vm).cx, delta, init).unwrap_or(GROW_FAILED)
    }

    /// `table.fill`: `[at value len] -> []`.
    fn table_fill(vm, index: u32, at: u64, value: u64, len: u64) -> Exit {
        let Some(first) = in_table(vm, index, at).check(len) else {
            return TABLE_OUT_OF_BOUNDS;
        };
        let fill = |at, len| (at..at + len).for_each(|i| *first.add(i) = value);
        in_pieces(vm, len as usize, size_of::<u64>(), fill)
    }

    /// `table.copy` from table `src` to table `dst`: `[to from len] -> []`.
    fn table_copy(vm, dst: u32, src: u32, to: u64, from: u64, len: u64) -> Exit {
        let (to, from) = (in_table(vm, dst, to), in_table(vm, src, from));
        copy(vm, to, from, len, TABLE_OUT_OF_BOUNDS)
    }

    /// `table.init` from element segment `segment`: `[to from len] -> []`.
    fn table_init(vm, index: u32, segment: u32, to: u64, from: u64, len: u64) -> Exit {
        let segment = &*(*vm).elements.add(segment as usize);
        let from = BulkPlace::new(segment.words.cast_mut(), segment.len as u64, from);
        copy(vm, in_table(vm, index, to), from, len, TABLE_OUT_OF_BOUNDS)
    }

    /// `elem.drop`.
    fn elem_drop(vm, segment: u32) {
        (*(*vm).elements.add(segment as usize)).len = 0;
    }
}
