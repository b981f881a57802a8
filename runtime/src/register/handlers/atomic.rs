//! Handlers of atomic instructions. There is one form of each: operands come from slots, and the
//! memory may be any. Threads proposal: "Atomic Memory Instructions".
//!
//! Cells: the opcode with the slots of up to three operands; the offset; the result's slot, and in
//! the upper half the memory.

use crate::atomic::{self, AtomicOp};
use crate::helpers::{self, EXIT_SHIFT, ResultOrExit};
use crate::ops::{Op, for_each_group};
use crate::register::machine::{CellHandler, Regs, handlers, or_trap};
use crate::register::table::{ATOMIC_OPS, SYNC_OPS, by_op};
use crate::trap::TrapKind;
use crate::vm::{EXIT_OK, Exit, Vm};

/// Cells of an atomic instruction.
pub(in crate::register) const ATOMIC_CELLS: usize = 3;

/// A wait or a notification.
pub(in crate::register) trait SyncOp {
    /// # Safety
    /// The contract of the helpers.
    unsafe fn run(vm: *mut Vm, memory: u32, address: [u64; 2], operands: [u64; 2]) -> ResultOrExit;
}

#[inline(always)]
unsafe fn memory_index(r: &Regs) -> u32 {
    // SAFETY: the instruction has that many cells.
    unsafe { (r.cell(2) >> 32) as u32 }
}

#[inline(always)]
unsafe fn result(r: &mut Regs, value: u64) {
    // SAFETY: the cell names a slot of the frame.
    unsafe { *r.fp.add(r.cell(2) as u32 as usize) = value };
    r.acc = value;
}

handlers! {
    /// `result := operation(memory [a + offset], b, c)`
    fn access<A: AtomicOp>(r) {
        let (address, offset) = (*r.slot(1), r.cell(1));
        if !atomic::is_aligned(address, offset, A::SIZE_BYTES) {
            return r.trap(TrapKind::UnalignedAtomic);
        }
        let memory = memory_index(&r) as usize;
        let place = helpers::access_place(r.vm, memory, [address, offset], A::SIZE_BYTES);
        let value = A::access(or_trap!(r, place), *r.slot(2), *r.slot(3));
        if A::HAS_RESULT {
            result(&mut r, value);
        }
        r.next(ATOMIC_CELLS)
    }

    /// `result := wait or notify(address a, offset, b, c)`
    fn sync<S: SyncOp>(r) {
        let address = [*r.slot(1), r.cell(1)];
        let outcome = S::run(r.vm, memory_index(&r), address, [*r.slot(2), *r.slot(3)]);
        let exit = (outcome >> EXIT_SHIFT) as Exit;
        if exit != EXIT_OK {
            return r.fail(exit);
        }
        result(&mut r, u64::from(outcome as u32));
        r.next(ATOMIC_CELLS)
    }

    /// `atomic.fence`
    fn fence(r) {
        atomic::fence();
        r.next(1)
    }
}

macro_rules! accesses {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        pub(super) const ATOMIC: [CellHandler; ATOMIC_OPS.len()] =
            [$($(access::<atomic::ops::$op>),*),*];
    };
}

for_each_group! {
    [for_each_atomic_load for_each_atomic_store for_each_atomic_rmw for_each_atomic_cmpxchg]
    accesses;
}

macro_rules! syncs {
    ($($op:ident => $helper:ident($($operand:ident),*);)*) => {
        mod sync_ops {
            $(pub(super) struct $op;)*
        }
        $(impl SyncOp for sync_ops::$op {
            #[inline(always)]
            unsafe fn run(
                vm: *mut Vm,
                memory: u32,
                [address, offset]: [u64; 2],
                operands: [u64; 2],
            ) -> ResultOrExit {
                let [$($operand),*, ..] = operands;
                // SAFETY: the caller's contract.
                unsafe { helpers::$helper(vm, memory, address, offset $(, $operand)*) }
            }
        })*
        pub(super) const SYNC: [CellHandler; SYNC_OPS.len()] = by_op(SYNC_OPS, [$(
            (Op::$op, sync::<sync_ops::$op> as CellHandler)
        ),*]);
    };
}

syncs! {
    MemoryAtomicWait32 => atomic_wait32(expected, timeout);
    MemoryAtomicWait64 => atomic_wait64(expected, timeout);
    MemoryAtomicNotify => atomic_notify(count);
}
