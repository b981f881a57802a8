//! Exceptions: throwing, and the way from a throw to the clause that catches. Spec: 4.6.8 Control
//! Instructions.
//!
//! Entering a handler's blocks executes nothing. The module has a [`Table`] of its functions that
//! have handlers, by address; a function has a list of ranges of cells, each with its handler.
//! Unwinding looks up where control is, then takes frame by frame from the control stack and looks
//! up where it would have gone on there. Frames that lead to `RELOAD` change the instance, that
//! which leads to `EXIT` ends the way inside of this entry: the call ends with the exit code
//! [`UNCAUGHT`], and the exception in `Cx::exception` goes on from wherever it was called.

use crate::gc;
use crate::register::code::{Clause, Compiled};
use crate::register::machine::{Ip, ended, handlers, or_trap};
use crate::register::table::{EXIT, RELOAD};
use crate::store::{StoreData, caught, collect};
use crate::trap::{TrapKind, non_null};
use crate::vm::{Cx, Exit, TagInst, Vm};

/// The exit code of a call that an exception has left.
pub(in crate::register) const UNCAUGHT: Exit = TrapKind::UncaughtException as Exit;

handlers! {
    /// Throws a new exception of the tag in the low half of the further cell. Its values lie from
    /// slot `a, b` on; the slot in the high half is above all that is live.
    fn throw(r) {
        let tag = *(*r.vm).tags.add(r.cell(1) as u32 as usize);
        let values = r.fp.add(r.field32(1) as usize);
        let top = r.fp.add((r.cell(1) >> 32) as usize);
        match collect::new_exception(r.cx(), tag, values, top) {
            Some(exception) => {
                r.acc = exception;
                r.ip = r.ip.add(THROW_CELLS);
                r.handle(go_on)
            }
            None => r.trap(TrapKind::HeapExhausted),
        }
    }

    /// Throws the exception `a`.
    fn throw_ref(r) {
        r.acc = *r.slot(1);
        or_trap!(r, non_null(r.acc, TrapKind::NullExceptionReference));
        r.ip = r.ip.add(1);
        r.handle(go_on)
    }

    /// The exception in the accumulator goes on from the instruction that ends at `ip`; from the
    /// caller, if `ip` is null.
    #[inline(never)]
    fn go_on(r) {
        let cx = r.cx();
        let tag = gc::exception_tag(cx, r.acc);
        let (thrown_at, thrown_in, frame_top) = (r.ip, r.vm, (*cx).frame_top);
        loop {
            let (clause, code) = find(r.vm, r.ip, tag);
            if !clause.is_null() {
                if let Some(tag) = (*clause).tag {
                    let payload = gc::exception_payload(cx, r.acc);
                    let slots = (**(*r.vm).tags.add(tag as usize)).payload_slots;
                    let values = r.fp.add((*clause).values as usize);
                    values.copy_from_nonoverlapping(payload, slots as usize);
                }
                if let Some(slot) = (*clause).exception {
                    *r.fp.add(slot as usize) = r.acc;
                }
                r.reload();
                caught(cx);
                return r.goto(code.add((*clause).target as usize));
            }
            let mut frame = (*cx).frame_top.sub(1);
            if (*frame).ip == EXIT.as_ptr() {
                (*cx).exception = r.acc;
                (*cx).frame_top = frame_top;
                return r.exit(ended(thrown_in, thrown_at, UNCAUGHT));
            }
            if (*frame).ip == RELOAD.as_ptr() {
                frame = frame.sub(1);
                r.vm = (*frame).vm;
            }
            (*cx).frame_top = frame;
            r.fp = (*frame).fp;
            r.ip = (*frame).ip;
        }
    }
}

/// Notes for a backtrace what was running where execution has ended, from the top frame down to the
/// frame of the entry.
///
/// # Safety
/// `cx` is that of a live store; the frames up to the top one are as they were.
#[cold]
pub(in crate::register) unsafe fn note(cx: *mut Cx) {
    // SAFETY: the caller's contract; frames are as the head of `call.rs` says.
    unsafe {
        let (mut ip, mut vm) = ((*cx).trap_pc as Ip, (*cx).trap_vm);
        let backtrace = (*(*cx).store.cast::<StoreData>()).backtrace();
        let mut frame = (*cx).frame_top;
        loop {
            if !ip.is_null() {
                backtrace.push(|| (*(*vm).compiled.cast::<Compiled>()).bodies.frame(ip));
            }
            frame = frame.sub(1);
            if (*frame).ip == EXIT.as_ptr() {
                return;
            }
            if (*frame).ip == RELOAD.as_ptr() {
                frame = frame.sub(1);
                vm = (*frame).vm;
            }
            ip = (*frame).ip;
        }
    }
}

/// Cells of `throw`.
pub(in crate::register) const THROW_CELLS: usize = 2;

/// The clause that catches an exception of a tag that comes from the instruction that ends at `ip`.
#[inline(never)]
unsafe fn find(vm: *mut Vm, ip: Ip, tag: *mut TagInst) -> (*const Clause, Ip) {
    // SAFETY: `vm` is a live instance's, which this tier has compiled.
    unsafe {
        (*(*vm).compiled.cast::<Compiled>())
            .exceptions
            .find(ip, vm, tag)
    }
}
