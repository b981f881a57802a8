//! The execution state that all three tiers share, laid out for machine code.
//!
//! Everything here is `repr(C)`, lives at a stable address inside a store, and is reached through
//! raw pointers by the interpreters and by compiled code. Floor 4 (`store.rs`, `instance.rs`)
//! owns and fills it; this file does not allocate.
//!
//! # Value stack
//! One contiguous array of 8-byte slots for each store. A call through [`FuncInst::entry`] finds
//! its arguments at `args`, and leaves its results there; everything above the arguments is free
//! for the callee. Whoever runs code that may enter the store again from outside (a host call,
//! compiled code calling out) first raises [`Cx::top`] above what is live, and restores it after.

use std::sync::atomic::{AtomicU32, AtomicUsize};

use crate::types::{OBJECT_HEADER_BYTES, TypeId};

/// The result of every call: 0, or the exit code of a trap (`TrapKind as u32`).
pub type Exit = u32;

/// The exit code of success.
pub const EXIT_OK: Exit = 0;

/// Compiled code has ended with a tail call that leaves its tier: the caller of its entry calls
/// [`Cx::tail_callee`] instead, whose arguments are where those of the call were. So tail calls
/// that go to and fro between tiers need no native stack.
pub const EXIT_TAIL_CALL: Exit = Exit::MAX - 1;

/// Room on the value stack above its arguments that entering compiled code takes.
pub const TRANSFER_BYTES: usize = 16 << 10;

/// The frame of a call out of compiled code.
pub const EXIT_FRAME_BYTES: usize = 80;

/// A function's tier-independent entry: arguments and results are slots at `args`.
///
/// # Safety
/// `func` and `cx` must belong to one live store, `args` must point into its value stack with
/// room for the larger of the parameters' and the results' slots.
pub type Entry = unsafe extern "C" fn(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit;

/// Calls a function, and the functions that it tail-calls out of its tier.
///
/// # Safety
/// As for [`Entry`].
pub unsafe fn enter(mut func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    loop {
        // SAFETY: the caller's contract; entering compiled code has made sure of room for the
        // arguments of any call.
        let exit = unsafe { ((*func).entry)(func, cx, args) };
        if exit != EXIT_TAIL_CALL {
            return exit;
        }
        // SAFETY: `cx` is alive.
        func = unsafe { (*cx).tail_callee };
    }
}

/// A function instance (spec: "Function Instances"). Its address is the function's identity, and
/// what a function reference holds.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FuncInst {
    /// The entry by which other tiers and the host call the function.
    pub entry: Entry,
    /// The instance that the function runs in; null for host functions.
    pub vm: *mut Vm,
    /// Its code in the JIT tier (machine code address), or null.
    pub jit: *const u8,
    /// Its code in the stack tier, or null.
    pub stack: *const (),
    /// Its code in the register tier, or null.
    pub register: *const (),
    /// Its canonical type.
    pub ty: TypeId,
    /// Its index in its module, or in the store's host functions.
    pub index: u32,
    /// Its index in the store.
    pub id: u32,
    /// Slots of its parameters.
    pub param_slots: u32,
    /// Slots of its results.
    pub result_slots: u32,
    /// Of a host function, its closure, else null.
    pub host: *const (),
    /// Of a host function that an instance has imported, that instance, else null: each import
    /// of a host function is a `FuncInst` of its own, with the same `id`.
    pub importer: *mut Vm,
}

/// The state that code of one instance can reach: the index spaces of its module (spec: "Module
/// Instances").
#[derive(Debug)]
#[repr(C)]
pub struct Vm {
    /// The store's execution context.
    pub cx: *mut Cx,
    /// Memory 0, or null if there is none.
    pub memory0: *mut MemoryInst,
    /// By function index.
    pub funcs: *const *mut FuncInst,
    /// By table index.
    pub tables: *const *mut TableInst,
    /// By memory index.
    pub memories: *const *mut MemoryInst,
    /// By global index.
    pub globals: *const *mut GlobalInst,
    /// Canonical types by type index.
    pub types: *const TypeId,
    /// By element segment index.
    pub elements: *mut ElementInst,
    /// By data segment index.
    pub datas: *mut DataInst,
    /// By tag index: tag identities.
    pub tags: *const *mut TagInst,
    /// The data that the instance's tier keeps for its module (`module::CompiledModule`).
    pub compiled: *const (),
    /// The instance's index in the store.
    pub instance: u32,
}

/// A memory as code sees it. `base` may move when the memory grows, unless it is guarded.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryInst {
    /// Address of byte 0.
    pub base: *mut u8,
    /// Current length in bytes.
    pub len_bytes: usize,
    /// The address of a shared memory's length, which other threads change; else null.
    pub shared_len: *const AtomicUsize,
}

/// A table as code sees it. `elements` may move when the table grows.
#[derive(Debug)]
#[repr(C)]
pub struct TableInst {
    /// Reference words.
    pub elements: *mut u64,
    /// Current length in elements.
    pub len: u64,
}

/// A global: one value in its slots.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct GlobalInst {
    /// The value; the second slot is only used by v128.
    pub slots: [u64; 2],
}

/// A tag: its address is its identity.
#[derive(Debug)]
#[repr(C)]
pub struct TagInst {
    /// Its canonical function type.
    pub ty: TypeId,
    /// Its index in the store.
    pub id: u32,
    /// Slots of the values that its exceptions carry.
    pub payload_slots: u32,
}

/// An element segment of an instance: reference words; dropping sets the length to 0.
#[derive(Debug)]
#[repr(C)]
pub struct ElementInst {
    /// The words.
    pub words: *const u64,
    /// The number of elements.
    pub len: usize,
}

/// A data segment of an instance; dropping sets the length to 0.
#[derive(Debug)]
#[repr(C)]
pub struct DataInst {
    /// The bytes.
    pub bytes: *const u8,
    /// The number of bytes.
    pub len_bytes: usize,
}

/// The head of every object of the garbage-collected heap. The fields of a structure, the elements
/// of an array, the tag and the payload of an exception follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct GcHeader {
    /// Its canonical type; of an exception, the type of its tag.
    pub ty: TypeId,
    /// An array's length; the reference to a structure's descriptor, 0 without one.
    pub extra: u32,
}

const _: () = assert!(size_of::<GcHeader>() == OBJECT_HEADER_BYTES as usize);

/// Free cells of one size class, one behind the other: `cursor` is the next object, if the cell
/// ends no later than `end`. Both are offsets in the heap.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct GcRun {
    /// The next free cell.
    pub cursor: u32,
    /// The end of the last free cell.
    pub end: u32,
}

/// The number of entries of a type's display that are read without a look at its length.
pub const DISPLAY_LEN: usize = 6;

/// A type's display, its supertypes from the root down to itself, as casts see it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Display {
    /// The first entries by depth, then [`NO_TYPE`].
    pub types: [TypeId; DISPLAY_LEN],
    /// The type's `CompositeKind`.
    pub kind: u32,
    /// The length of the whole display.
    pub len: u32,
    /// The whole display.
    pub full: *const TypeId,
}

/// No canonical type.
pub const NO_TYPE: TypeId = TypeId(u32::MAX);

/// A suspended caller on the interpreters' control stack.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ControlFrame {
    /// The code at which execution goes on.
    pub ip: *const u64,
    /// The frame's base on the value stack, as the tier defines it.
    pub fp: *mut u64,
    /// The instance that the caller runs in.
    pub vm: *mut Vm,
    /// For backtraces, the function that was called; null where the call before `ip` names it.
    pub func: *mut FuncInst,
}

/// The execution context of a store: stacks, limits, and what a trap leaves behind.
#[derive(Debug)]
#[repr(C)]
pub struct Cx {
    /// Native stack addresses below this one are exhausted.
    pub native_limit: usize,
    /// Compiled code: the stack pointer of the innermost entry, to which a trap returns.
    pub jit_entry_sp: usize,
    /// The number of bytes that the store's memories may still grow by, together.
    pub memory_bytes_left: u64,
    /// The number of elements that the store's tables may still grow by, together.
    pub table_elements_left: u64,
    /// End of the value stack.
    pub stack_end: *mut u64,
    /// First slot above everything that is live, while code outside the interpreters runs.
    pub top: *mut u64,
    /// Next free frame of the control stack.
    pub frame_top: *mut ControlFrame,
    /// End of the control stack.
    pub frame_end: *mut ControlFrame,
    /// Interpreters: where execution has ended, behind the instruction's first cell; 0 if the frame
    /// that it has ended in was given up by a tail call.
    pub trap_pc: usize,
    /// Interpreters: the instance that it has ended in.
    pub trap_vm: *mut Vm,
    /// The number of entries into code of each tier from outside of it.
    pub entered: [u64; 3],
    /// The number of entries into compiled code at a loop head.
    pub loops_entered: u64,
    /// The function that [`EXIT_TAIL_CALL`] asks to be called.
    pub tail_callee: *mut FuncInst,
    /// The fuel that is left (`meter.rs`); only metered code reads it.
    pub fuel: u64,
    /// Not 0 when execution is to be interrupted (`interrupt.rs`); null unless the engine is
    /// interruptible.
    pub interrupt: *const AtomicU32,
    /// The garbage-collected heap: references to its objects are offsets from here.
    pub gc_base: *mut u8,
    /// The heap's free cells, by size class.
    pub gc_runs: *mut GcRun,
    /// Displays of all types of the store's functions and objects, by canonical type.
    pub displays: *const Display,
    /// The exception that is on its way to a handler, or 0. What it refers to stays alive.
    pub exception: u64,
    /// The store's owner (`store::StoreData`), for helpers and host calls.
    pub store: *mut (),
    /// Native profile, reference tier: the number of results for which the specification allows
    /// several (`stack/choice.rs`).
    pub choices: u64,
    /// Compiled code of an engine with a sampler: the frame of the innermost call out of it that is
    /// under way, [`EXIT_FRAME_BYTES`] long; 0 if there is none. Its first word is the return
    /// address, its second one what was here before.
    pub jit_exit: usize,
}
