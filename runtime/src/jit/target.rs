//! The seam between the JIT and an instruction set: everything that the stages ask of one.
//!
//! A [`Target`] lowers SSA to its own instructions (as an [`Isa`]), tells the register allocator
//! its registers, emits allocated instructions as portable [`Code`], makes the code between calling
//! conventions, publishes code to its own instruction fetch, and reads the registers of code that a
//! fault has interrupted. `pipeline`, `publish` and `backend` are generic over it; `host.rs` names
//! the target of this process.

use std::fmt::Debug;

use libc::c_void;
use regalloc2::{MachineEnv, Output};

use super::code::signature::Signature;
use super::code::symbol::Symbol;
use super::code::tables::{FrameLayout, Piece};
use super::code::{Code, Reloc};
use super::lower::Isa;
use super::lower::vcode::VCode;
use crate::engine::{Config, Profile};
use crate::error::Result;
use crate::vm::Vm;

/// An instruction set with its calling convention.
pub trait Target: Isa + Debug + Send + Sync + 'static {
    /// The name of the instruction set in messages.
    const NAME: &'static str;

    /// True if this process executes the code.
    const CAN_RUN: bool;

    /// The most bytes that a module's code may have: what relocations reach, less what is shared.
    const CODE_BYTES_MAX: usize;

    /// The one piece of the code that [`host_stub`](Self::host_stub) and
    /// [`interpreted_stub`](Self::interpreted_stub) make.
    const OUTWARD_PIECE: Piece;

    // --- functions -------------------------------------------------------------------------------

    /// The registers that the allocator may use.
    fn env() -> MachineEnv;

    /// Emits a function.
    ///
    /// # Errors
    /// `Limit` for a frame or code that is too large; `Internal` if an instruction has no encoding.
    fn emit(
        vcode: &VCode<Self::Inst>,
        output: &Output,
        surroundings: Surroundings,
        listing: Listing,
    ) -> Result<Emitted>;

    /// Points a reference in `bytes` at a place `distance` bytes from it.
    ///
    /// # Errors
    /// `Limit` if the reference does not reach so far.
    fn patch(bytes: &mut [u8], reloc: Reloc, distance: i64) -> Result<()>;

    // --- code between calling conventions --------------------------------------------------------

    /// The pieces that a module's functions share, in the order of their offsets: one for each of
    /// [`Symbol::shared`].
    ///
    /// # Errors
    /// `Internal` if an instruction has no encoding; so for all below.
    fn shared_stubs(mode: Mode) -> Result<(Code, Vec<SharedPiece>)>;

    /// `vm::Entry` for the functions of a signature.
    ///
    /// # Errors
    /// As above.
    fn entry_stub(signature: &Signature, mode: Mode) -> Result<Code>;

    /// `vm::Entry` for the rest of a function (`build/resume.rs`), whose code gets the address of
    /// the arguments as its one argument.
    ///
    /// # Errors
    /// As above.
    fn resume_stub(signature: &Signature, code: Symbol, mode: Mode) -> Result<Code>;

    /// The code by which compiled code calls the host functions of a signature.
    ///
    /// # Errors
    /// As above.
    fn host_stub(signature: &Signature, mode: Mode) -> Result<Code>;

    /// The same for interpreted functions. Where such a function has been tail-called, so that no
    /// compiled frame is above the innermost entry, that entry ends and its caller makes the call.
    ///
    /// # Errors
    /// As above.
    fn interpreted_stub(signature: &Signature, mode: Mode) -> Result<Code>;

    // --- this process ----------------------------------------------------------------------------

    /// Makes code that was written at an address visible to instruction fetch, on every thread.
    fn make_fetchable(start: usize, bytes: usize);

    /// The address of the instruction that a signal has interrupted.
    ///
    /// # Safety
    /// `context` is what the system has passed to a handler that has not returned.
    unsafe fn fault_pc(context: *mut c_void) -> usize;

    /// The instance that runs.
    ///
    /// # Safety
    /// As for [`fault_pc`](Self::fault_pc); the interrupted code is compiled.
    unsafe fn fault_instance(context: *mut c_void) -> *const Vm;

    /// Makes the interrupted code go on at a shared piece that ends execution, as if the function
    /// itself had found the trap there.
    ///
    /// # Safety
    /// As for [`fault_instance`](Self::fault_instance); `exit` is the address of such a piece.
    unsafe fn go_to_trap(context: *mut c_void, exit: usize);
}

/// The facts about a module that emission depends on.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// True if a function of the module may tail-call into another instance, so that after any call
    /// the instance must be set again.
    pub leaves_instance: bool,
    /// True if code that polls may go on after a sample.
    pub is_sampled: bool,
}

/// True if emission also keeps the instructions as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Text is kept.
    Kept,
    /// Bytes only.
    None,
}

/// The code of a function.
#[derive(Debug)]
pub struct Emitted {
    pub code: Code,
    /// The shape of its frame.
    pub frame: FrameLayout,
    /// The offset of the exit for a stack without room for the frame, if the function has one: it
    /// is last.
    pub no_room_at: Option<u32>,
    /// The instructions as text, if they were asked for.
    pub listing: String,
    /// The source position of each line of that text.
    pub positions: Vec<u32>,
}

/// The requirements of a configuration on code between calling conventions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// The profile that compiled code runs in: it says which NaNs are made.
    pub profile: Profile,
    /// True if C code leaves garbage in the registers that it may change.
    pub poisons: bool,
    /// True if samples are taken: calls out of compiled code show where they are.
    pub samples: bool,
}

impl Mode {
    /// The mode of a configuration.
    pub fn new(config: &Config) -> Mode {
        Mode {
            profile: config.profile,
            poisons: config.poison_registers,
            samples: config.sampler.is_some(),
        }
    }
}

/// A piece of code that a module's functions share.
#[derive(Clone, Copy, Debug)]
pub struct SharedPiece {
    pub symbol: Symbol,
    /// The offset of its first byte.
    pub offset: u32,
    /// The frame from which it calls C code.
    pub frame: FrameLayout,
}
