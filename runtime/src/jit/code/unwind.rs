//! The way of an exception that leaves a function: `Helper::Throw`.
//!
//! Entering a handler executes nothing. For each call in one, the code's tables (`Tables::pads`)
//! have the place where its exceptions go on, and the tags of those that do; frames are found by
//! the walk (`walk.rs`) and given up as a whole. A call whose exceptions go on in its function
//! takes nothing to be preserved but the stack pointer, and the function has saved for its caller
//! all that it must preserve: so the stack pointer is all that has to be restored. The search ends
//! at the entry: its caller gets the exit code of an uncaught exception, which stays in
//! `Cx::exception`. All frames are still there then, for the backtrace. Traps do not unwind.
//!
//! Spec: 4.6.8 Control Instructions, "Throwing an Exception".

use super::walk::{NativeFrame, Walk};
use crate::engine::CompiledPlace;
use crate::gc;
use crate::store::caught;
use crate::vm::{Cx, Vm};

/// The place where an exception goes on, in two registers by the C calling convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Landing {
    /// The address of the code; 0 if nothing catches the exception inside of the entry.
    pub pc: usize,
    /// The stack pointer there.
    pub sp: usize,
}

/// Finds the place where the exception in `Cx::exception` goes on that leaves the call which
/// returns to `return_address`, of the frame at `sp`.
///
/// # Safety
/// `cx` is that of a live store; the others are those of compiled code of this thread, whose frames
/// up to its entry are whole.
pub unsafe extern "C" fn unwind(cx: *mut Cx, return_address: usize, sp: usize) -> Landing {
    let stop = CompiledPlace {
        return_address,
        sp,
        link: 0, // a function that throws or calls has saved it
    };
    // SAFETY: the caller's contract; the exception is one.
    let (walk, tag) = unsafe { (Walk::new(stop), gc::exception_tag(cx, (*cx).exception)) };
    for NativeFrame { region, stop, .. } in walk {
        let Some(pad) = region.pad_of(stop.return_address) else {
            continue;
        };
        let sp = stop.sp;
        // SAFETY: a function with pads keeps its instance there, whose module has the tags.
        let is_caught = unsafe {
            let vm = *((sp + pad.vm_offset as usize) as *const *const Vm);
            let is_it = |index: u32| *(*vm).tags.add(index as usize) == tag;
            let mut tags = region.handlers(pad).flat_map(|handler| &handler.tags);
            tags.any(|index| index.is_none_or(is_it))
        };
        if is_caught {
            // SAFETY: the caller's contract.
            unsafe { caught(cx) };
            let pc = region.start + pad.offset as usize;
            return Landing { pc, sp };
        }
    }
    Landing { pc: 0, sp: 0 }
}
