//! Records of code by offset: what a fault, a walk of frames or an exception finds there. They stay
//! with the code when it is published.

use crate::module::WeakModuleParts;

/// The records of a region of code, by offset from its start. They live as long as the code.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The module that the code is of; none for code between calling conventions.
    pub module: Option<WeakModuleParts>,
    /// Accesses that may fault, in ascending order.
    pub faults: Vec<FaultSite>,
    /// The offset at which a guarded access that misses its memory goes on.
    pub fault_exit: u32,
    /// Runs of code with one shape of frame, in ascending order; each ends where the next begins.
    pub pieces: Vec<Piece>,
    /// Source positions, where they change, in ascending order.
    pub sources: Vec<SourceLoc>,
    /// Calls from which exceptions go on in the same function, in ascending order.
    pub pads: Vec<Pad>,
    /// The handlers of the pads.
    pub handlers: Vec<PadHandler>,
}

/// An access that may fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultSite {
    /// The instruction's offset in bytes.
    pub offset: u32,
    /// The guarded memory that the instruction accesses.
    pub memory: u32,
}

/// The source position of the code from an offset on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceLoc {
    /// The first offset in bytes.
    pub offset: u32,
    pub position: u32,
}

/// The place at which an exception goes on that leaves a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pad {
    /// The call's return address, as an offset in bytes.
    pub return_offset: u32,
    /// The place at which the exception goes on, as an offset in bytes.
    pub offset: u32,
    /// The innermost handler of the call, by index in [`Tables::handlers`].
    pub handler: u32,
    /// The place at which the frame keeps the instance, from the stack pointer.
    pub vm_offset: u32,
}

/// The exceptions that a handler catches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PadHandler {
    /// The handler around it, by index.
    pub outer: Option<u32>,
    /// The tag of each clause, by index in its module; none of a clause that catches all.
    pub tags: Vec<Option<u32>>,
}

/// A run of code with one shape of frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Offset of its first byte.
    pub start: u32,
    pub kind: PieceKind,
    /// The shape of its frame.
    pub frame: FrameLayout,
}

/// The shape of a frame where its function calls, or ends in a trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameLayout {
    /// The distance from the stack pointer of the function to that of its caller.
    pub bytes: u32,
    /// The place of the function's own return address.
    pub return_address: ReturnAddress,
}

impl FrameLayout {
    /// No frame: the link register holds the return address.
    pub const NONE: FrameLayout = FrameLayout {
        bytes: 0,
        return_address: ReturnAddress::InLink,
    };
}

/// The place of a return address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnAddress {
    /// The link register; only the innermost function may leave it there.
    InLink,
    /// The word of the frame at this offset from the stack pointer.
    InFrame(u32),
}

/// The kind of a piece of code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceKind {
    /// A function, by function index.
    Func(u32),
    /// The way out of a function that finds no room for its frame: the function is not entered.
    NoRoom,
    /// The code by which a host function or an interpreted function is called.
    Outward,
    /// Code that all functions of a module share.
    Shared,
    /// The entry of functions from outside: its caller is not compiled code.
    Entry,
}
