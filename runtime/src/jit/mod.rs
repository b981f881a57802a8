//! Tier 3: the ARM64 JIT. Canonical IR becomes machine code here; nothing of another tier is used.
//!
//! # Stages
//! `build` (IR to SSA) -> `opt` (fold, share, move out of loops, drop) -> `layout` (order of
//! blocks) -> `lower` with `arm64::lower` (SSA to machine instructions, last to first) -> `vcode`
//! (register allocation by regalloc2) -> `arm64::emit` (bytes) -> `pipeline` (a module's image) ->
//! `code` (executable memory). The stages run on any host; only execution needs ARM64.
//!
//! Instruction-set-independent parts lie beside `arm64/`; that folder owns everything that knows
//! A64.
//!
//! # Registers of compiled code
//! | register | use |
//! |---|---|
//! | x28 | the instance that runs (`vm::Vm`) |
//! | x27 | the context (`vm::Cx`) |
//! | x16, x17 | scratch, never allocated |
//! | x18 | the platform's |
//! | x29 | the frame pointer of the entry: compiled functions have no frame pointer |
//! | x30 | the link register |
//! | x0 to x15, v0 to v31 | allocated; a call destroys them |
//! | x19 to x26 | allocated; a callee preserves them |
//!
//! # Calls
//! Integers and references in x0 to x7, floats and vectors in v0 to v7, results likewise. What has
//! no register lies on the value stack at `Cx::top`, at the slot that it has among all arguments
//! (or results) of the type: the caller writes arguments just before the call, the callee reads
//! them on entry; for results the reverse. So tail calls need no room on the native stack, and
//! whoever calls with all arguments in slots (`vm::Entry`) has them in place already. Every entry
//! makes sure that the value stack has room for one such transfer.
//!
//! Functions of the module are called directly, and the instance stays. Any other function is
//! called by its `vm::FuncInst` in x9: its code is `jit`, its instance goes to x28, and the caller
//! restores its own from its frame. Host functions have code that writes all arguments to slots and
//! calls `entry`. A module with tail calls that leave the instance restores x28 after every call.
//!
//! Under `Policy::Tiered` each function has code of its own: then all calls go by `vm::FuncInst`,
//! save those of a function to itself. A function that is interpreted has the code that host
//! functions have, but for one thing (`arm64/stubs.rs`, `interpreted`).
//!
//! i32 values have an undefined upper half in registers, and are zero-extended in slots.
//!
//! # Exceptions
//! A call that an exception may leave towards a handler of the same function ends its block
//! ([`ssa::Term::Invoke`]). On the edge that the exception takes no register is what it was, so
//! that all that is needed there is in spill slots; the function saves for its caller every
//! register that a callee preserves. So unwinding (`unwind`) restores `sp` and nothing else, and
//! the landing pad sets x28 from the frame. Which clause catches is ordinary code there; what the
//! function throws itself is a branch to it. Calls outside of handlers know nothing of all this.
//!
//! # Traps
//! Code that finds a trap goes to a piece that puts the exit code in w0, notes the frames for a
//! backtrace (`walk`), sets `sp` to that of the innermost entry (`Cx::jit_entry_sp`), and returns
//! from it: the entry saved what its caller wants preserved. Faults of guarded accesses go to the
//! same piece (`fault`). Prologues compare `sp`, the frame counted in, with `Cx::native_limit`.
//!
//! Frames are walked by tables (`walk`): the link register is lowest in a frame. A function that
//! does not save it puts it in x17 on its way to such a piece, whose `bl` overwrites it; one that
//! finds no room has given its frame up by then. So execution ends with all frames as they were.

pub mod arm64;
pub mod backend;
pub mod build;
pub mod code;
pub mod helper;
pub mod host;
pub mod lower;
pub mod marks;
pub mod opt;
pub mod pipeline;
pub mod publish;
pub mod ssa;
mod steps;
pub mod target;
#[cfg(test)]
mod tests;

pub use backend::Compiled;
pub use host::{CAN_RUN, JitTier, stages};
pub use pipeline::Stages;
pub use publish::Budget;
