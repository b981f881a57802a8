//! A64 machine code: what an instruction is, how it is printed, and how a run of them becomes
//! bytes.
//!
//! - [`inst`]: the one table of instruction formats; encoder, printer and operand roles follow from
//!   it.
//! - [`ops`], [`vector`]: the operations of each format (mnemonic and fixed bits), operand sizes,
//!   conditions, arrangements.
//! - [`regs`]: registers, virtual or real, by class. [`imm`]: encodable immediates. [`mem`]:
//!   addresses.
//! - [`asm`]: labels, branch reach, literals, records of traps and calls: instructions to bytes.
//!
//! Emission is pure data: nothing here runs code or touches the host, so it builds and is tested on
//! any host. References are to the Arm Architecture Reference Manual for A-profile (DDI 0487),
//! chapter C4.1 (A64 instruction set encoding) unless said otherwise.

mod alias;
pub mod asm;
#[cfg(any(test, feature = "disassemble"))]
pub mod decode;
mod encode;
pub mod imm;
pub mod inst;
pub mod mem;
pub mod ops;
pub mod regs;
mod table;
pub mod target;
#[cfg(test)]
mod tests;
pub mod vector;

pub use asm::{Assembler, Code, EmitError};
pub use encode::EncodeError;
pub use imm::{BitImm, FpImm8, Imm12, LaneMask, mov_imm};
pub use inst::Inst;
pub use mem::Mem;
pub use regs::{Gpr, Reg, RegClass, Role, Tied, Vreg};
pub use target::{Label, Reach, Target};
