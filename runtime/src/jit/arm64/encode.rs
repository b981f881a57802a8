//! The word under construction: fields are put in place, and anything that does not fit makes it
//! void.
//!
//! Formats in `inst.rs` are written as a chain of these calls. A chain never panics: the first
//! operand that cannot stand where it is put (virtual register, `sp` for `xzr`, immediate out of
//! range) is remembered and comes out of [`Word::finish`].

use super::inst::Inst;
use super::ops::Width;
use super::regs::{Gpr, Tied, Vreg};
use super::vector::lane;

/// Why an instruction has no encoding. Always a fault of the caller, never of the program it
/// compiles.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EncodeError {
    pub inst: Inst,
    pub fault: Fault,
}

/// A fault of an operand that does not fit into an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A register that is virtual, or `sp` where 31 means `xzr`, or the reverse.
    Register,
    /// The two sides of a read-and-written operand are different registers.
    NotTied,
    /// A number outside of its field.
    Range,
    /// Operands that exclude each other (operation, size, arrangement, shift).
    Combination,
}

impl std::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no encoding ({}): {}", self.fault, self.inst)
    }
}

impl std::error::Error for EncodeError {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Fault::Register => "a register that it cannot name",
            Fault::NotTied => "two registers where there is one",
            Fault::Range => "a number outside of its field",
            Fault::Combination => "operands that exclude each other",
        })
    }
}

/// An instruction word under construction.
pub(super) struct Word {
    bits: u32,
    fault: Option<Fault>,
}

/// Starts from the bits that are fixed.
pub(super) fn word(bits: u32) -> Word {
    Word { bits, fault: None }
}

impl Word {
    /// The word, or what did not fit.
    pub(super) fn finish(self) -> Result<u32, Fault> {
        self.fault.map_or(Ok(self.bits), Err)
    }

    /// Adds bits that are in place and known to fit.
    pub(super) fn or(mut self, bits: u32) -> Self {
        self.bits |= bits;
        self
    }

    /// Requires that the operands go together.
    pub(super) fn need(self, holds: bool) -> Self {
        self.fault_unless(holds, Fault::Combination)
    }

    /// Bits that are in place, if the operands have such bits.
    pub(super) fn some(self, bits: Option<u32>) -> Self {
        self.need(bits.is_some()).or(bits.unwrap_or(0))
    }

    /// A shift of lanes: `immh:immb`.
    pub(super) fn shifted(self, field: Option<u32>) -> Self {
        self.some(field.map(|field| field << 16))
    }

    /// A lane: `imm5`.
    pub(super) fn lane(self, width: Width, index: u8) -> Self {
        self.some(lane(width, index).map(|field| field << 16))
    }

    /// An unsigned number in `width` bits at `shift`.
    pub(super) fn u(self, value: impl Into<u64>, shift: u32, width: u32) -> Self {
        let value = value.into();
        let fits = value < 1 << width;
        let field = (value & ((1 << width) - 1)) as u32;
        self.fault_unless(fits, Fault::Range).or(field << shift)
    }

    /// A signed number in `width` bits at `shift`.
    pub(super) fn i(self, value: impl Into<i64>, shift: u32, width: u32) -> Self {
        let value = value.into();
        let limit = 1i64 << (width - 1);
        let field = (value as u32) & ((1 << width) - 1);
        self.fault_unless((-limit..limit).contains(&value), Fault::Range)
            .or(field << shift)
    }

    /// A general register where 31 means the zero register.
    pub(super) fn z(self, reg: Gpr, shift: u32) -> Self {
        self.reg(reg.bits_or_zero(), shift)
    }

    /// A general register where 31 means the stack pointer.
    pub(super) fn s(self, reg: Gpr, shift: u32) -> Self {
        self.reg(reg.bits_or_sp(), shift)
    }

    /// A general register where 31 means the zero register if `zero`, else the stack pointer.
    pub(super) fn zs(self, zero: bool, reg: Gpr, shift: u32) -> Self {
        if zero {
            self.z(reg, shift)
        } else {
            self.s(reg, shift)
        }
    }

    /// A SIMD and floating-point register.
    pub(super) fn v(self, reg: Vreg, shift: u32) -> Self {
        self.reg(reg.bits(), shift)
    }

    /// A read-and-written general register where 31 means the zero register.
    pub(super) fn tz(self, reg: Tied<Gpr>, shift: u32) -> Self {
        self.fault_unless(reg.settled().is_some(), Fault::NotTied)
            .z(reg.new, shift)
    }

    /// A read-and-written general register where 31 means the stack pointer.
    pub(super) fn ts(self, reg: Tied<Gpr>, shift: u32) -> Self {
        self.fault_unless(reg.settled().is_some(), Fault::NotTied)
            .s(reg.new, shift)
    }

    /// A read-and-written SIMD and floating-point register.
    pub(super) fn tv(self, reg: Tied<Vreg>, shift: u32) -> Self {
        self.fault_unless(reg.settled().is_some(), Fault::NotTied)
            .v(reg.new, shift)
    }

    fn reg(self, bits: Option<u32>, shift: u32) -> Self {
        self.fault_unless(bits.is_some(), Fault::Register)
            .or(bits.unwrap_or(0) << shift)
    }

    fn fault_unless(mut self, holds: bool, fault: Fault) -> Self {
        if !holds && self.fault.is_none() {
            self.fault = Some(fault);
        }
        self
    }
}
