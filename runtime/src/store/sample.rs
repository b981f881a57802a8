//! The functions that run in a store, found where code polls: for samples (`sample.rs`).
//!
//! The control stack has the callers of both interpreters, the native stack those of compiled code.
//! Where tiers are mixed they alternate: a frame of an entry ends the callers that are interpreted,
//! and the innermost call out of compiled code that is under way (`Cx::jit_exit`) leads to those
//! that are compiled. A host function hides the interpreted function that has called it.

use super::StoreData;
use crate::engine::CompiledPlace;
use crate::sample::Stack;
use crate::vm::{Cx, EXIT_FRAME_BYTES};

/// The place at which code polls.
#[derive(Clone, Copy, Debug)]
enum PollPlace {
    Interpreted(usize),
    Compiled(CompiledPlace),
}

/// Answers a poll of interpreted code that has found flags: takes a sample if one is due. True if
/// execution goes on. `address` is behind the first cell of the instruction. Never inlined: a local
/// whose address escapes keeps a handler from ending in a jump.
///
/// # Safety
/// `cx` is that of a live store whose engine is interruptible, and code of it polls there.
#[cold]
#[inline(never)]
pub unsafe fn polled_interpreted(cx: *mut Cx, address: usize) -> bool {
    // SAFETY: the caller's contract.
    unsafe { polled(cx, PollPlace::Interpreted(address)) }
}

/// The same for compiled code.
///
/// # Safety
/// As for [`polled_interpreted`]; the frames up to the entry are as they were.
pub unsafe fn polled_compiled(cx: *mut Cx, place: CompiledPlace) -> bool {
    // SAFETY: the caller's contract.
    unsafe { polled(cx, PollPlace::Compiled(place)) }
}

unsafe fn polled(cx: *mut Cx, place: PollPlace) -> bool {
    // SAFETY: the caller's contract; running code holds no reference into the store.
    let store = unsafe { &*(*cx).store.cast::<StoreData>() };
    if store.interrupt.is_pending() {
        return false;
    }
    if let Some(sampler) = store.engine.config().sampler {
        if !sampler.is_always() {
            store.interrupt.take_sample();
        }
        // SAFETY: the caller's contract.
        sampler.take(|stack| unsafe { walk(store, cx, place, stack) });
    }
    true
}

/// Gives the functions that run to a sample, the innermost first.
///
/// # Safety
/// As for [`polled_interpreted`].
unsafe fn walk(store: &StoreData, cx: *mut Cx, place: PollPlace, stack: &mut Stack<'_>) {
    let backend = store.engine.backend();
    let tier = backend.tier().name();
    let interpreted = |stack: &mut Stack<'_>, address: usize| {
        stack.push(address, tier, || {
            let mut instances = store.instances.iter();
            instances.find_map(|it| it.compiled().frame_at(address))
        });
    };
    match place {
        PollPlace::Interpreted(address) => interpreted(stack, address),
        // SAFETY: the caller's contract.
        PollPlace::Compiled(place) => unsafe { backend.compiled_frames(place, stack) },
    }
    // SAFETY: frames of the control stack below its top have been written; so have the two words at
    // the end of the frame of a call out of compiled code that is under way.
    unsafe {
        let (mut frame, mut exit) = ((*cx).frame_top, (*cx).jit_exit);
        loop {
            while frame > store.control_stack {
                frame = frame.sub(1);
                let ip = (*frame).ip;
                if ip != backend.entry_code() {
                    interpreted(stack, ip as usize);
                } else if exit != 0 {
                    break;
                }
            }
            if exit == 0 {
                return;
            }
            let words = exit as *const usize;
            let place = CompiledPlace {
                return_address: *words,
                sp: exit + EXIT_FRAME_BYTES,
                link: 0,
            };
            backend.compiled_frames(place, stack);
            exit = *words.add(1);
        }
    }
}
