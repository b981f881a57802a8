//! Tier 3: the JIT. Canonical IR becomes machine code here; nothing of another tier is used.
//!
//! # Rooms, in the order of the data
//! | room | contents |
//! |---|---|
//! | [`helper`], [`marks`] | the runtime's functions that code calls, by name; marks for counting |
//! | `steps` | counts of steps, for tests of growth |
//! | [`ssa`] | SSA with its control flow graph, folding of constants, printing |
//! | [`build`] | IR to SSA |
//! | [`opt`] | passes over SSA: fold, share, move out of loops, drop |
//! | [`lower`] | the order of blocks, SSA to machine instructions (last to first), allocation |
//! | [`code`] | machine code as data: pieces, symbols, tables, the walk of frames by them |
//! | [`target`] | the seam: the trait of an instruction set |
//! | [`arm64`] | the instruction set that there is |
//! | [`publish`] | executable memory, and faults in it |
//! | [`pipeline`] | all stages of a function; the pieces of a module put together |
//! | [`backend`] | the tier of an engine |
//! | [`host`] | the target of this process |
//!
//! A room imports only from rooms above it in this table (`harness/tests/tidy.rs` checks it). All
//! stages run on any host; only execution needs the host that `Target::CAN_RUN` tells. Everything
//! outside of `arm64/` is generic over [`target::Target`], and the file `host.rs` alone names one.
//!
//! # A second instruction set
//! Start at `target.rs`: the trait and its docs are the list of what to write, in a folder beside
//! `arm64/`. `tests/second_target.rs` has the smallest one. `arm64/mod.rs` shows the parts of a
//! whole one: instructions and their encoder, the use of registers, lowering, frames and emission,
//! stubs, and the host's caches and signal contexts. Then `host.rs` chooses it by
//! `cfg(target_arch)`.
//!
//! # Calls
//! The first arguments of each class are in registers, results likewise (`arm64/abi.rs`). Values
//! without a register lie on the value stack at `Cx::top`, at the slot that they have among all
//! arguments (or results) of the type: the caller writes arguments just before the call, the callee
//! reads them on entry; for results the reverse. So tail calls need no room on the native stack,
//! and a caller with all arguments in slots (`vm::Entry`) has them in place already. Every entry
//! makes sure that the value stack has room for one such transfer.
//!
//! Functions of the module are called directly, and the instance stays. Any other function is
//! called by its `vm::FuncInst`: its code is `jit`, its instance becomes the one that runs, and the
//! caller restores its own from its frame. Host functions have code that writes all arguments to
//! slots and calls `entry`. A module with tail calls that leave the instance restores the instance
//! after every call.
//!
//! Under `Policy::Tiered` each function has code of its own: then all calls go by `vm::FuncInst`,
//! except those of a function to itself. An interpreted function has the code that host functions
//! have, with one difference (`Target::interpreted_stub`).
//!
//! i32 values have an undefined upper half in registers, and are zero-extended in slots.
//!
//! # Exceptions
//! A call that an exception may leave towards a handler of the same function ends its block
//! ([`ssa::Term::Invoke`]). On the edge that the exception takes no register is what it was, so
//! that everything needed there is in spill slots; the function saves for its caller every register
//! that a callee preserves. So unwinding (`code/unwind.rs`) restores the stack pointer and nothing
//! else, and the landing pad sets the instance from the frame. The choice of the clause is ordinary
//! code there; an exception that the function throws itself is a branch to it. Calls outside of
//! handlers pay nothing for any of this.
//!
//! # Traps
//! Code that finds a trap goes to a shared piece that notes the frames for a backtrace
//! (`code/walk.rs`), sets the stack pointer to that of the innermost entry (`Cx::jit_entry_sp`),
//! and returns from it with the exit code: the entry saved the registers that its caller wants
//! preserved. Faults of guarded accesses go to the same piece (`publish/fault.rs`). Prologues
//! compare the stack pointer, the frame counted in, with `Cx::native_limit`. A function that finds
//! no room has given up its frame by then, so that execution ends with all frames as they were.

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
pub use code::regions::place_of;
pub use code::tables::PieceKind;
pub use host::{CAN_RUN, JitTier, stages};
pub use pipeline::Stages;
pub use publish::Budget;
