//! Names of code that a function's code refers to, and how the pieces of a module are put together.
//!
//! Owns the layout of a module's code: pieces at multiples of 16 bytes, branches between them
//! resolved, trap sites and source positions as offsets from the start of the whole.

use crate::jit::helper::Helper;
use crate::trap::TrapKind;

/// Code that can be branched to by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Symbol {
    /// A function that the module defines, by function index.
    Func(u32),
    /// Ends execution with a trap.
    Trap(TrapKind),
    /// Ends execution with the exit code that the first result register holds.
    Exit,
    /// Goes on to a function of the runtime.
    Helper(Helper),
}

/// Function indices are below this: wasmparser allows a million functions.
const FUNCS_MAX: u32 = 1 << 24;
const TRAPS: u32 = FUNCS_MAX;
const HELPERS: u32 = TRAPS + 256;
const EXIT: u32 = HELPERS + 256;

impl Symbol {
    /// As a number, for relocations.
    pub fn number(self) -> u32 {
        match self {
            Symbol::Func(func) => func,
            Symbol::Trap(kind) => TRAPS + kind as u32,
            Symbol::Helper(helper) => HELPERS + helper as u32,
            Symbol::Exit => EXIT,
        }
    }

    /// What is shared by all functions of a module.
    pub fn shared() -> impl Iterator<Item = Symbol> {
        let traps = TrapKind::ALL.iter().map(|&kind| Symbol::Trap(kind));
        let helpers = Helper::ALL.iter().map(|&helper| Symbol::Helper(helper));
        traps.chain(helpers).chain([Symbol::Exit])
    }
}
