//! The places that an instruction can refer to by distance, and the reach of each kind of reference
//! (C4.1, C6.2).

use std::fmt;

use crate::jit::code::Label;
use crate::jit::code::symbol::Symbol;

/// The place that a branch, ADR or literal load refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Referent {
    /// A label of the same assembler.
    Label(Label),
    /// A distance in bytes from this instruction.
    Offset(i64),
    /// Another piece of code: becomes a relocation record.
    Symbol(Symbol),
}

impl From<Label> for Referent {
    fn from(label: Label) -> Self {
        Self::Label(label)
    }
}

impl From<Symbol> for Referent {
    fn from(symbol: Symbol) -> Self {
        Self::Symbol(symbol)
    }
}

impl fmt::Display for Referent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Label(Label(number)) => write!(f, "L{number}"),
            Self::Offset(bytes) if bytes < 0 => write!(f, ".-{:#x}", bytes.unsigned_abs()),
            Self::Offset(bytes) => write!(f, ".+{bytes:#x}"),
            Self::Symbol(symbol) => symbol.fmt(f),
        }
    }
}

/// The reach of a reference, and the field that its distance is put into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reach {
    /// B, BL: +-128 MiB.
    Branch26,
    /// B.cond, CBZ, CBNZ: +-1 MiB.
    Branch19,
    /// TBZ, TBNZ: +-32 KiB.
    Branch14,
    /// LDR (literal): +-1 MiB.
    Literal19,
    /// ADR: +-1 MiB, to the byte.
    Adr,
}

impl Reach {
    /// The instruction's distance field holding `bytes`, if it reaches that far.
    pub fn field(self, bytes: i64) -> Option<u32> {
        let (unit, width, shift) = match self {
            Self::Branch26 => (4, 26, 0),
            Self::Branch19 | Self::Literal19 => (4, 19, 5),
            Self::Branch14 => (4, 14, 5),
            Self::Adr => (1, 21, 0),
        };
        let limit = 1i64 << (width - 1);
        let units = bytes / unit;
        let fits = bytes % unit == 0 && (-limit..limit).contains(&units);
        let bits = units as u32 & ((1 << width) - 1);
        fits.then_some(match self {
            Self::Adr => (bits & 3) << 29 | bits >> 2 << 5,
            Self::Branch26 | Self::Branch19 | Self::Branch14 | Self::Literal19 => bits << shift,
        })
    }
}

#[cfg(test)]
impl super::table::Sample for Referent {
    const COMPLETE: bool = false;
    fn samples() -> Vec<Self> {
        let far = [15, 20, 27].map(|log2| [(1i64 << log2) - 4, -(1i64 << log2)]);
        far.into_iter()
            .flatten()
            .chain([0, 4, -4, 8, 1 << 13])
            .map(Self::Offset)
            .collect()
    }
}
