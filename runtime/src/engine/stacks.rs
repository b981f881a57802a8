//! The memory of a store's two stacks, kept by the engine for the next store when one is dropped.
//!
//! A system gives and takes 11 MB in some microseconds. An emulator does not, and an allocator may
//! clear them each time. Stores that live at the same time have stacks of their own.

use std::sync::{Mutex, PoisonError};

use crate::limits::Limits;
use crate::vm::ControlFrame;

/// Words of a control frame.
const FRAME_WORDS: usize = size_of::<ControlFrame>().div_ceil(8);
/// The number of unused stacks that are kept: those of one store after the other.
const UNUSED_MAX: usize = 1;

/// A value stack and a control stack.
#[derive(Debug)]
pub(crate) struct Stacks {
    /// The slots of the value stack.
    pub(crate) values: Vec<u64>,
    /// Room for the control stack; nothing reads it but code that has written it.
    frames: Vec<u64>,
}

impl Stacks {
    fn new(limits: &Limits) -> Stacks {
        Stacks {
            values: vec![0; limits.value_stack_bytes / 8],
            frames: Vec::with_capacity(limits.call_depth_max * FRAME_WORDS),
        }
    }

    /// The beginning of the control stack.
    pub(crate) fn frames(&mut self) -> *mut ControlFrame {
        self.frames.as_mut_ptr().cast()
    }
}

/// The unused stacks of an engine, all of the size that its limits say.
#[derive(Debug, Default)]
pub(super) struct StackPool {
    unused: Mutex<Vec<Stacks>>,
}

impl StackPool {
    /// Stacks for a store. The value stack may hold what an earlier store has left there.
    pub(super) fn take(&self, limits: &Limits) -> Stacks {
        let unused = self.lock().pop();
        unused.unwrap_or_else(|| Stacks::new(limits))
    }

    /// Takes back the stacks of a store that is dropped.
    pub(super) fn give_back(&self, stacks: Stacks) {
        let mut unused = self.lock();
        if unused.len() < UNUSED_MAX {
            unused.push(stacks);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stacks>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
