//! Names of pieces of code that other code refers to.

use std::fmt;

use crate::jit::helper::Helper;
use crate::trap::TrapKind;

/// A piece of code that can be branched to by name.
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

impl Symbol {
    /// The pieces that all functions of a module share.
    pub fn shared() -> impl Iterator<Item = Symbol> {
        let traps = TrapKind::ALL.iter().map(|&kind| Symbol::Trap(kind));
        let helpers = Helper::ALL.iter().map(|&helper| Symbol::Helper(helper));
        traps.chain(helpers).chain([Symbol::Exit])
    }
}

/// The name in listings.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symbol::Func(index) => write!(f, "func{index}"),
            Symbol::Trap(_) | Symbol::Exit | Symbol::Helper(_) => write!(f, "{self:?}"),
        }
    }
}
