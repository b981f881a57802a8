//! A64 machine code: what an instruction is, how it is printed, and how a run of them becomes
//! bytes.
//!
//! - [`inst`]: the one table of instruction formats; encoder, printer and operand roles follow from
//!   it.
//! - [`ops`], [`vector`]: the operations of each format (mnemonic and fixed bits), operand sizes,
//!   conditions, arrangements.
//! - [`regs`]: registers, virtual or real, by class. [`imm`]: encodable immediates. [`mem`]:
//!   addresses.
//! - [`abi`]: the use of registers; [`lower`]: SSA to instructions; [`minst`]: instructions before
//!   registers are assigned; `frame`, [`emit`]: functions to bytes; [`stubs`]: code between calling
//!   conventions; `host`: caches and signal contexts, where this process runs A64.
//! - [`asm`]: labels, branch reach, literals, records of traps and calls: instructions to bytes.
//!
//! Lowering builds [`Inst`]s over virtual registers ([`Gpr::virt`], [`Vreg::virt`]).
//! [`Inst::map_regs`] meets their register operands in the order of the format's row: it tells the
//! register allocator the operands, and puts the registers that the allocator has chosen in their
//! place. The [`Assembler`] takes the result. Registers that are architectural from the start
//! (`sp`, `xzr`, pinned ones) are met too: they have no [`Reg::virtual_index`]. A
//! [`Role::ReuseDef`] is tied to the use right before it.
//!
//! ```text
//! use wassay_runtime::jit::arm64::{Assembler, Gpr, Inst, Reg, ops::{AddSub, Cond, Size}};
//!
//! let (sum, a, b) = (Gpr::virt(0), Gpr::virt(1), Gpr::virt(2));
//! let mut add = Inst::add(Size::W, sum, a, b);
//! assert_eq!(add.to_string(), "add w%0, w%1, w%2");
//! add.map_regs(&mut |reg, _role| match reg.virtual_index() {
//!     Some(index) => Reg::Gpr(Gpr::x(index)),
//!     None => reg,
//! });
//! let mut asm = Assembler::new();
//! let done = asm.label();
//! asm.emit(add);
//! asm.emit(Inst::bcond(Cond::Eq, done));
//! asm.mov_imm(Size::X, Gpr::x(0), 0x1234_5678);
//! asm.bind(done);
//! asm.emit(Inst::ret());
//! let code = asm.finish()?;
//! assert_eq!(code.bytes.len(), 5 * 4);
//! # Ok::<(), wassay_runtime::jit::arm64::EmitError>(())
//! ```
//!
//! Emission is pure data: nothing but `host` touches the machine, so all of it builds and is tested
//! on any host. References are to the Arm Architecture Reference Manual for A-profile (DDI 0487),
//! chapter C4.1 (A64 instruction set encoding) unless said otherwise.

pub mod abi;
mod alias;
pub mod asm;
pub mod emit;
mod encode;
mod frame;
mod host;
pub mod imm;
pub mod inst;
pub mod lower;
pub mod mem;
pub mod minst;
pub mod ops;
pub mod referent;
pub mod regs;
pub mod stubs;
mod table;
#[cfg(test)]
pub(super) mod tests;
pub mod vector;

pub use asm::EmitError;

use libc::c_void;
use regalloc2::{MachineEnv, Output};

use crate::error::{Error, ErrorKind, Result};
use crate::jit::code::signature::Signature;
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::Piece;
use crate::jit::code::{Code, Reloc};
use crate::jit::lower::vcode::VCode;
use crate::jit::target::{Emitted, Listing, Mode, SharedPiece, Surroundings, Target};
use crate::limits::LimitKind;
use crate::vm::Vm;
use host::Registers;
pub use lower::Arm64;

impl Target for Arm64 {
    const NAME: &'static str = "ARM64";
    const CAN_RUN: bool = host::CAN_RUN;
    const CODE_BYTES_MAX: usize = 120 << 20;
    const OUTWARD_PIECE: Piece = stubs::OUTWARD_PIECE;

    fn env() -> MachineEnv {
        abi::env()
    }

    fn emit(
        vcode: &VCode<Self::Inst>,
        output: &Output,
        surroundings: Surroundings,
        listing: Listing,
    ) -> Result<Emitted> {
        emit::emit(vcode, output, surroundings, listing)
    }

    fn patch(bytes: &mut [u8], reloc: Reloc, distance: i64) -> Result<()> {
        Ok(asm::patch(bytes, reloc, distance)?)
    }

    fn shared_stubs(mode: Mode) -> Result<(Code, Vec<SharedPiece>)> {
        stubs::shared(mode)
    }

    fn entry_stub(signature: &Signature, mode: Mode) -> Result<Code> {
        stubs::entry(signature, mode)
    }

    fn resume_stub(signature: &Signature, code: Symbol, mode: Mode) -> Result<Code> {
        stubs::resume(signature, code, mode)
    }

    fn host_stub(signature: &Signature, mode: Mode) -> Result<Code> {
        stubs::host(signature, mode)
    }

    fn interpreted_stub(signature: &Signature, mode: Mode) -> Result<Code> {
        stubs::interpreted(signature, mode)
    }

    fn make_fetchable(start: usize, bytes: usize) {
        host::make_fetchable(start, bytes);
    }

    unsafe fn fault_pc(context: *mut c_void) -> usize {
        // SAFETY: the caller's contract.
        unsafe { Registers::of(context) }.pc()
    }

    unsafe fn fault_instance(context: *mut c_void) -> *const Vm {
        // SAFETY: the caller's contract.
        unsafe { Registers::of(context) }.instance()
    }

    unsafe fn go_to_trap(context: *mut c_void, exit: usize) {
        // SAFETY: the caller's contract.
        unsafe { Registers::of(context) }.go_to(exit);
    }
}

/// Only the size of code is the user's doing.
impl From<EmitError> for Error {
    fn from(error: EmitError) -> Error {
        let kind = match error {
            EmitError::TooLarge | EmitError::OutOfReach { .. } => ErrorKind::Limit(LimitKind::Code),
            EmitError::Encode(_)
            | EmitError::StackMisaligned(_)
            | EmitError::Unbound(_)
            | EmitError::Rebound(_)
            | EmitError::NotRelocatable(_) => ErrorKind::Internal,
        };
        Error::new(kind, error.to_string())
    }
}
