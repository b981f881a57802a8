//! Atomic accesses as SSA has them: what is done to how many bytes, read off the opcode table.
//!
//! A subtraction is the addition of the negated operand, and a conjunction clears the bits of the
//! inverted one, as the instruction set has it; the builder does so. Threads proposal: "Atomic
//! Memory Instructions".

use crate::ops::{Op, for_each_group};

/// What an atomic access does.
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

/// What an opcode asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// An access that there is an [`AtomicOp`] for.
    As(AtomicOp),
    /// A subtraction.
    Sub,
    /// A conjunction.
    And,
}

macro_rules! sorts {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        /// What an opcode of the atomic accesses does, and to how many bytes.
        pub fn sort_of(op: Op) -> Option<(Sort, usize)> {
            match op {
                $($(Op::$op => Some(sorts!($group $tail)),)*)*
                _ => None, // the groups are all atomic accesses
            }
        }
    };
    (atomic_load { $word:ident as $slot:ident -> $ty:ident }) => {
        (Sort::As(AtomicOp::Load), size_of::<$word>())
    };
    (atomic_store { $ty:ident -> $slot:ident as $word:ident }) => {
        (Sort::As(AtomicOp::Store), size_of::<$word>())
    };
    (atomic_rmw { $func:ident $word:ident as $slot:ident -> $ty:ident }) => {
        (sorts!($func), size_of::<$word>())
    };
    (atomic_cmpxchg { $word:ident as $slot:ident -> $ty:ident }) => {
        (Sort::As(AtomicOp::CompareSwap), size_of::<$word>())
    };
    (add) => { Sort::As(AtomicOp::Add) };
    (sub) => { Sort::Sub };
    (and) => { Sort::And };
    (or) => { Sort::As(AtomicOp::Set) };
    (xor) => { Sort::As(AtomicOp::Invert) };
    (xchg) => { Sort::As(AtomicOp::Swap) };
}

for_each_group! {
    [for_each_atomic_load for_each_atomic_store for_each_atomic_rmw for_each_atomic_cmpxchg]
    sorts;
}

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
