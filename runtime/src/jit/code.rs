//! Machine code as data, whatever its instruction set: a piece of it with what is noted of it by
//! offset, the names it refers to, and what is found from an address of published code.
//!
//! - [`Code`]: a piece as an instruction set emits it.
//! - [`symbol`], [`signature`]: the names of pieces.
//! - [`tables`]: the records that stay with published code.
//! - [`regions`]: all published code of the process, found by address.
//! - [`walk`], [`unwind`]: frames of compiled code, and the way of an exception over them.
//! - [`outside`]: the addresses of the runtime's functions that compiled code calls.

pub mod outside;
pub mod regions;
pub mod signature;
pub mod symbol;
pub mod tables;
pub mod unwind;
pub mod walk;

use std::ops::Range;

use symbol::Symbol;
use tables::{FaultSite, Pad, SourceLoc};

/// A place in code under construction, by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Label(pub u32);

/// A reference to a piece whose address is not known yet. The instruction set that emitted the
/// reference patches it (`Target::patch`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloc {
    /// The instruction's offset in bytes.
    pub offset: u32,
    pub symbol: Symbol,
}

/// A finished piece of code. Its alignment is 16 bytes; all records are in ascending order of
/// offset.
#[derive(Clone, Default, Debug)]
pub struct Code {
    /// Instructions and data.
    pub bytes: Vec<u8>,
    /// Offset ranges of data (jump tables, literals) within the bytes.
    pub data: Vec<Range<u32>>,
    /// Accesses of guarded memories, which may fault.
    pub faults: Vec<FaultSite>,
    /// Calls from which exceptions go on in the same function.
    pub pads: Vec<Pad>,
    /// References to other pieces.
    pub relocs: Vec<Reloc>,
    /// Source positions, where they change.
    pub sources: Vec<SourceLoc>,
    /// The offset of each label, by its number.
    pub labels: Vec<u32>,
}

impl Code {
    /// The offset in bytes that a label was bound to.
    pub fn offset_of(&self, label: Label) -> u32 {
        self.labels[label.0 as usize]
    }
}
