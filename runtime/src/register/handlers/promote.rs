//! Functions that leave the tier when they are hot: the counts, the requests for compiled code, and
//! the code that replaces theirs from then on. Only code that is translated for a
//! [`Promote`](crate::engine::Promote) has any of it.
//!
//! A counting cell is followed by a cell that counts down. At 1 control takes another path, and
//! does so from then on: all stores of a module share its code, and each requests compiled code
//! when it passes. A loop head's further cells hold the entry of the compiled code, once there is
//! some, and the facts that a request needs. A loop head is counted before anything of it is
//! executed, so that all of it, fuel and polls included, is left to the compiled code.
//!
//! A function that is called outside, or the rest of one, runs in the place of the frame at hand.
//! Its end is the end of the frame: results are where the frame's go, an exception goes on from
//! the caller, and a tail call is made from here ([`EXIT_TAIL_CALL`]).

use std::mem::transmute;
use std::sync::atomic::{AtomicU64, Ordering};

use super::call::end_frame;
use crate::engine::{FrameShape, Promotion};
use crate::register::code;
use crate::register::machine::{Ip, handlers};
use crate::register::table::OUTSIDE;
use crate::store::native_stack_address;
use crate::trap::TrapKind;
use crate::vm::{Cx, Entry, FuncInst, TRANSFER_BYTES, Vm};

/// Cells of `count_call`: the second one counts.
pub(in crate::register) const COUNT_CALL_CELLS: usize = 2;
/// Cells of `count_loop`: the second one counts, the third is the entry or 0, the fourth has the
/// function's index and, above it, the shift of the frame.
pub(in crate::register) const COUNT_LOOP_CELLS: usize = 4;

/// The count of a function or loop head that stays in the tier.
const KEPT: u64 = u64::MAX;
/// The number of passes until code that is being compiled is requested again.
const AGAIN: u64 = 64;

/// The first count of a threshold.
pub(in crate::register) fn count(threshold: u32) -> u64 {
    u64::from(threshold.max(1))
}

/// Counts down: true if execution goes on here.
#[inline(always)]
unsafe fn goes_on(cell: Ip) -> bool {
    // SAFETY: the caller's cell is one that counts; such cells are only accessed atomically. Two
    // threads may take one from the same count, which does no harm.
    let count = unsafe { AtomicU64::from_ptr(cell.cast_mut()) };
    let left = count.load(Ordering::Relaxed);
    if left > 1 {
        count.store(left - 1, Ordering::Relaxed);
    }
    left > 1
}

unsafe fn set(cell: Ip, value: u64) {
    // SAFETY: as in `goes_on`.
    unsafe { AtomicU64::from_ptr(cell.cast_mut()) }.store(value, Ordering::Release);
}

handlers! {
    /// Begins function `b, c`.
    fn count_call(r) {
        if goes_on(r.ip.add(1)) {
            r.next(COUNT_CALL_CELLS)
        } else {
            r.handle(hot_call)
        }
    }

    /// Begins loop head `b, c`.
    fn count_loop(r) {
        if goes_on(r.ip.add(1)) {
            r.next(COUNT_LOOP_CELLS)
        } else {
            r.handle(hot_loop)
        }
    }

    /// Calls the function at the address in the accumulator, by its entry.
    fn outside(r) {
        let (func, cx) = (r.acc as *mut FuncInst, r.cx());
        if native_stack_address() < (*cx).native_limit {
            return r.trap(TrapKind::StackExhausted);
        }
        r.acc = ((*func).entry)(func, cx, r.fp).into();
        r.handle(end_frame)
    }

    #[inline(never)]
    fn hot_call(r) {
        let func = *(*r.vm).funcs.add(r.field32(2) as usize);
        if is_promoted(r.vm, func, r.ip.add(1)) {
            r.acc = func as u64;
            r.goto(OUTSIDE.as_ptr().add(1))
        } else {
            r.next(COUNT_CALL_CELLS)
        }
    }

    #[inline(never)]
    fn hot_loop(r) {
        let func = *(*r.vm).funcs.add(r.cell(3) as u32 as usize);
        match loop_entry(r.vm, func, r.ip) {
            Some(entry) if has_room(&*r.cx(), r.fp) => {
                let cx = r.cx();
                (*cx).loops_entered += 1;
                r.acc = entry(func, cx, r.fp).into();
                r.handle(end_frame)
            }
            _ => r.next(COUNT_LOOP_CELLS),
        }
    }
}

/// True if compiled code can be entered with a frame at `fp` without a trap for want of room: code
/// that is running must not notice that it is compiled.
fn has_room(cx: &Cx, fp: *mut u64) -> bool {
    let end = fp.wrapping_byte_add(TRANSFER_BYTES);
    end <= cx.stack_end && native_stack_address() >= cx.native_limit
}

/// Requests a function's code: true if it has some now.
#[cold]
#[inline(never)]
unsafe fn is_promoted(vm: *mut Vm, func: *mut FuncInst, count: Ip) -> bool {
    // SAFETY: the contract of `CellHandler`: a function of a live instance, and its counting cell.
    unsafe {
        let promotion = code::promoter(vm).map(|promoter| promoter.function(func));
        set(
            count,
            match promotion {
                Some(Promotion::Done(())) => 1,
                Some(Promotion::Pending) => AGAIN,
                Some(Promotion::Never) | None => KEPT,
            },
        );
        promotion == Some(Promotion::Done(()))
    }
}

/// The entry of a loop head's compiled code, which is requested if it is not known.
#[cold]
#[inline(never)]
unsafe fn loop_entry(vm: *mut Vm, func: *mut FuncInst, ip: Ip) -> Option<Entry> {
    // SAFETY: the contract of `CellHandler`: `ip` is at a `count_loop` of a function of a live
    // instance; what is neither 0 in its third cell has been put there as an entry.
    unsafe {
        let known = AtomicU64::from_ptr(ip.add(2).cast_mut()).load(Ordering::Acquire);
        if known != 0 {
            return Some(transmute::<usize, Entry>(known as usize));
        }
        let head = ip.cast::<u16>().add(2).cast::<u32>().read_unaligned();
        let frame = FrameShape {
            param_slots: (*func).param_slots,
            shift: (*ip.add(3) >> 32) as u32,
        };
        let (entry, count) = match code::promoter(vm)?.at_loop(func, head, frame) {
            Promotion::Done(entry) => (Some(entry), 1),
            Promotion::Pending => (None, AGAIN),
            Promotion::Never => (None, KEPT),
        };
        if let Some(entry) = entry {
            set(ip.add(2), entry as usize as u64);
        }
        set(ip.add(1), count);
        entry
    }
}
