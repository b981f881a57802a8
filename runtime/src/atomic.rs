//! Atomic access to the bytes of a memory, one function for each sort of atomic instruction, all
//! sequentially consistent (threads proposal: "Memory Model"), and the meaning of each atomic row
//! of the opcode table. Used by both interpreters and by `helpers`; the caller checks for traps.
//!
//! `unsafe` here is the access by address. The bytes of a Wasm memory are little-endian, and so
//! must the host be: a read-modify-write cannot swap them.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::ops::for_each_group;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "atomics need a little-endian host"
);

/// An unsigned integer as wide as an atomic access.
///
/// # Safety
/// For all functions: `at` is readable and writable for the size, and aligned to it.
pub trait Word: Copy + Eq + Into<u64> {
    /// Reads.
    unsafe fn load(at: *mut u8) -> Self;
    /// Writes.
    unsafe fn store(at: *mut u8, value: Self);
    /// Adds; like those below, it gives what was there.
    unsafe fn add(at: *mut u8, value: Self) -> Self;
    /// Subtracts.
    unsafe fn sub(at: *mut u8, value: Self) -> Self;
    /// Keeps the bits of both.
    unsafe fn and(at: *mut u8, value: Self) -> Self;
    /// Keeps the bits of either.
    unsafe fn or(at: *mut u8, value: Self) -> Self;
    /// Keeps the bits of one of both.
    unsafe fn xor(at: *mut u8, value: Self) -> Self;
    /// Replaces.
    unsafe fn xchg(at: *mut u8, value: Self) -> Self;
    /// Replaces what is there if it is `expected`. The caller wraps both operands to the width of
    /// the access, as the spec does.
    unsafe fn cmpxchg(at: *mut u8, expected: Self, value: Self) -> Self;
}

/// True if the effective address of an atomic access is a multiple of its size. This is checked
/// before the bounds of the memory (threads proposal, execution of `t.load` and `t.atomic.rmw`). A
/// sum beyond 2^64 keeps its low bits.
#[inline(always)]
pub fn is_aligned(address: u64, offset: u64, size_bytes: usize) -> bool {
    address
        .wrapping_add(offset)
        .is_multiple_of(size_bytes as u64)
}

/// `atomic.fence`
#[inline(always)]
pub fn fence() {
    std::sync::atomic::fence(SeqCst);
}

macro_rules! words {
    ($($word:ident $atomic:ident;)*) => { $(
        impl Word for $word {
            #[inline(always)]
            unsafe fn load(at: *mut u8) -> $word {
                // SAFETY: the caller's contract.
                unsafe { $atomic::from_ptr(at.cast()) }.load(SeqCst)
            }
            #[inline(always)]
            unsafe fn store(at: *mut u8, value: $word) {
                // SAFETY: the caller's contract.
                unsafe { $atomic::from_ptr(at.cast()) }.store(value, SeqCst);
            }
            words! { $word $atomic: add fetch_add, sub fetch_sub, and fetch_and, or fetch_or,
                xor fetch_xor, xchg swap }
            #[inline(always)]
            unsafe fn cmpxchg(at: *mut u8, expected: $word, value: $word) -> $word {
                // SAFETY: the caller's contract.
                let word = unsafe { $atomic::from_ptr(at.cast()) };
                match word.compare_exchange(expected, value, SeqCst, SeqCst) {
                    Ok(old) | Err(old) => old,
                }
            }
        }
    )* };
    ($word:ident $atomic:ident: $($name:ident $method:ident),*) => { $(
        #[inline(always)]
        unsafe fn $name(at: *mut u8, value: $word) -> $word {
            // SAFETY: the caller's contract.
            unsafe { $atomic::from_ptr(at.cast()) }.$method(value, SeqCst)
        }
    )* };
}

words! {
    u8 AtomicU8;
    u16 AtomicU16;
    u32 AtomicU32;
    u64 AtomicU64;
}

/// An atomic access of the opcode table.
pub trait AtomicOp {
    /// The width of the access.
    const SIZE_BYTES: usize;
    /// The number of operands: the address, and up to two more.
    const OPERANDS: usize;
    /// True if the access has a result.
    const HAS_RESULT: bool;
    /// The access with the operands behind the address, of which it takes as many as it has: the
    /// result.
    ///
    /// # Safety
    /// As for [`Word`].
    unsafe fn access(at: *mut u8, a: u64, b: u64) -> u64;
}

/// The access of each row, by its group.
macro_rules! accesses {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        /// The accesses by the names of their opcodes.
        pub mod ops {
            $($(#[doc = concat!("`", $name, "`")] pub struct $op;)*)*
        }
        $($(accesses! { impl $group $op $tail })*)*
    };
    (impl atomic_load $op:ident { $word:ident as $slot:ident -> $ty:ident }) => {
        accesses! { $op $word 1 true (at, _a, _b) $word::load(at).into() }
    };
    (impl atomic_store $op:ident { $ty:ident -> $slot:ident as $word:ident }) => {
        accesses! { $op $word 2 false (at, a, _b) {
            $word::store(at, a as $word);
            0
        } }
    };
    (impl atomic_rmw $op:ident { $func:ident $word:ident as $slot:ident -> $ty:ident }) => {
        accesses! { $op $word 2 true (at, a, _b) $word::$func(at, a as $word).into() }
    };
    (impl atomic_cmpxchg $op:ident { $word:ident as $slot:ident -> $ty:ident }) => {
        accesses! { $op $word 3 true (at, a, b) $word::cmpxchg(at, a as $word, b as $word).into() }
    };
    ($op:ident $word:ident $operands:literal $has_result:literal
        ($at:ident, $a:ident, $b:ident) $value:expr) => {
        impl AtomicOp for ops::$op {
            const SIZE_BYTES: usize = size_of::<$word>();
            const OPERANDS: usize = $operands;
            const HAS_RESULT: bool = $has_result;
            #[inline(always)]
            unsafe fn access($at: *mut u8, $a: u64, $b: u64) -> u64 {
                // SAFETY: the caller's contract.
                unsafe { $value }
            }
        }
    };
}

for_each_group! {
    [for_each_atomic_load for_each_atomic_store for_each_atomic_rmw for_each_atomic_cmpxchg]
    accesses;
}
