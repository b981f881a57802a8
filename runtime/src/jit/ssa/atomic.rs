//! Atomic accesses as SSA has them: what is done to how many bytes, read off the opcode table.
//!
//! A subtraction is the addition of the negated operand, and a conjunction clears the bits of the
//! inverted one, as the instruction set has it; the builder does so. Threads proposal: "Atomic
//! Memory Instructions".

use crate::ops::{Op, for_each_op};

/// The operation of an atomic access.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtomicOp {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Adds; like all below, it gives what was there.
    Add,
    /// Clears the bits that are set in the operand.
    Clear,
    /// Sets the bits that are set in the operand.
    Set,
    /// Inverts the bits that are set in the operand.
    Invert,
    /// Replaces.
    Swap,
    /// Replaces what is there by the second operand if it is the first. Bits of the operands above
    /// the width of the access do not count.
    CompareSwap,
}

/// The sort of an atomic opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtomicSort {
    /// An access that there is an [`AtomicOp`] for.
    As(AtomicOp),
    /// A subtraction.
    Sub,
    /// A conjunction.
    And,
}

macro_rules! sorts {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        /// The sort of an atomic access; `None` for all other opcodes.
        pub fn sort_of(op: Op) -> Option<AtomicSort> {
            match op { $($(Op::$op => sort!($group $tail),)*)* }
        }
    };
}

macro_rules! sort {
    (atomic_load $tail:tt) => {
        Some(AtomicSort::As(AtomicOp::Load))
    };
    (atomic_store $tail:tt) => {
        Some(AtomicSort::As(AtomicOp::Store))
    };
    (atomic_rmw { add $($rest:tt)* }) => {
        Some(AtomicSort::As(AtomicOp::Add))
    };
    (atomic_rmw { sub $($rest:tt)* }) => {
        Some(AtomicSort::Sub)
    };
    (atomic_rmw { and $($rest:tt)* }) => {
        Some(AtomicSort::And)
    };
    (atomic_rmw { or $($rest:tt)* }) => {
        Some(AtomicSort::As(AtomicOp::Set))
    };
    (atomic_rmw { xor $($rest:tt)* }) => {
        Some(AtomicSort::As(AtomicOp::Invert))
    };
    (atomic_rmw { xchg $($rest:tt)* }) => {
        Some(AtomicSort::As(AtomicOp::Swap))
    };
    (atomic_cmpxchg $tail:tt) => {
        Some(AtomicSort::As(AtomicOp::CompareSwap))
    };
    ($group:ident $tail:tt) => {
        None
    };
}

for_each_op!(sorts);

impl AtomicOp {
    /// The name in printed SSA.
    pub fn name(self) -> &'static str {
        match self {
            AtomicOp::Load => "atomic_load",
            AtomicOp::Store => "atomic_store",
            AtomicOp::Add => "atomic_add",
            AtomicOp::Clear => "atomic_clear",
            AtomicOp::Set => "atomic_set",
            AtomicOp::Invert => "atomic_invert",
            AtomicOp::Swap => "atomic_swap",
            AtomicOp::CompareSwap => "atomic_compare_swap",
        }
    }
}
