//! Marks by which a counting plugin of an emulator knows what is executed when.
//!
//! A mark is a system call of a number that no system has, with a tag and a range of addresses. The
//! plugin (`harness/engines/count/count.c`) says how many instructions were executed since the mark
//! before, within the range and in all; without a plugin nothing happens. Counts are of the whole
//! process: they mean something while one thread works.

use std::ops::Range;

/// The stage that comes after a mark, or has just ended with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The call is about to begin.
    Call = 0,
    /// The call has returned.
    Returned = 1,
    /// A module is about to be loaded and compiled.
    Load = 8,
    /// The module is compiled and instantiated.
    Loaded = 9,
}

/// The number of the call.
const NUMBER: libc::c_long = 500_001;

/// Makes a mark; `code` are the addresses of the code that is of interest.
pub fn mark(mark: Mark, code: Range<usize>) {
    let tag = mark as libc::c_long;
    // SAFETY: a system call that does not exist: it fails, and touches no memory of ours.
    unsafe { libc::syscall(NUMBER, tag, code.start, code.end) };
}
