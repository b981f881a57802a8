//! Waiting and notifying, out of line in every tier (threads proposal: "Wait and Notify").

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::view;
use crate::atomic::{Word, is_aligned};
use crate::interrupt::ends;
use crate::memory::{MemoryData, Waited};
use crate::trap::TrapKind;
use crate::vm::{Cx, Exit, Vm};

/// A result, or an exit code in the upper half.
pub type ResultOrExit = u64;

/// Where an exit code stands in a [`ResultOrExit`].
pub const EXIT_SHIFT: u32 = 32;

instructions! {
    /// `memory.atomic.wait32`: `[address expected timeout] -> [how it ended]`.
    fn atomic_wait32(
        vm, index: u32, address: u64, offset: u64, expected: u64, timeout_nanos: u64
    ) -> ResultOrExit {
        wait(vm, index, [address, offset], expected as u32, timeout_nanos)
    }

    /// `memory.atomic.wait64`: `[address expected timeout] -> [how it ended]`.
    fn atomic_wait64(
        vm, index: u32, address: u64, offset: u64, expected: u64, timeout_nanos: u64
    ) -> ResultOrExit {
        wait(vm, index, [address, offset], expected, timeout_nanos)
    }

    /// `memory.atomic.notify`: `[address count] -> [woken]`.
    fn atomic_notify(vm, index: u32, address: u64, offset: u64, count: u64) -> ResultOrExit {
        let memory = view(vm, index);
        if !is_aligned(address, offset, size_of::<u32>()) {
            return trap(TrapKind::UnalignedAtomic);
        }
        let Some(at) = effective(memory, address, offset, size_of::<u32>()) else {
            return trap(TrapKind::MemoryOutOfBounds);
        };
        let shared = memory.shared();
        shared.map_or(0, |shared| shared.notify(at, count as u32).into())
    }
}

unsafe fn wait<T: Word>(
    vm: *mut Vm,
    index: u32,
    [address, offset]: [u64; 2],
    expected: T,
    timeout_nanos: u64,
) -> ResultOrExit {
    // SAFETY: the caller's contract.
    let memory = unsafe { view(vm, index) };
    if !is_aligned(address, offset, size_of::<T>()) {
        return trap(TrapKind::UnalignedAtomic);
    }
    let Some(shared) = memory.shared() else {
        return trap(TrapKind::ExpectedSharedMemory);
    };
    let Some(at) = effective(memory, address, offset, size_of::<T>()) else {
        return trap(TrapKind::MemoryOutOfBounds);
    };
    let timeout = u64::try_from(timeout_nanos as i64).ok();
    let timeout = timeout.map(Duration::from_nanos);
    // SAFETY: `vm` is live, and its context with it.
    let is_interrupted = || unsafe { is_interrupted((*vm).cx) };
    match shared.wait(at, expected, timeout, is_interrupted) {
        Some(Waited::Interrupted) => trap(TrapKind::Interrupted),
        Some(waited) => waited as u64,
        None => trap(TrapKind::MemoryOutOfBounds),
    }
}

/// The effective address of an access of `size_bytes`, if all of it is inside of the memory.
fn effective(memory: &MemoryData, address: u64, offset: u64, size_bytes: usize) -> Option<u64> {
    let at = address.checked_add(offset)?;
    let end = at.checked_add(size_bytes as u64)?;
    (end <= memory.inst.len_bytes as u64).then_some(at)
}

/// True if the store is to be interrupted. A wait looks at this from time to time.
unsafe fn is_interrupted(cx: *mut Cx) -> bool {
    // SAFETY: the word lives as long as the store; it is null where nothing interrupts.
    let flags = unsafe { (*cx).interrupt.as_ref() };
    flags.is_some_and(|flags| ends(flags.load(Ordering::Relaxed)))
}

fn trap(kind: TrapKind) -> ResultOrExit {
    u64::from(kind as Exit) << EXIT_SHIFT
}
