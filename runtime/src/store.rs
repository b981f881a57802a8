//! The store (spec: "Store"): owns every function, memory, table, global, tag and instance, and
//! the stacks that they run on. Handles are indices into it; code uses stable addresses.
//!
//! Invariants: nothing is ever removed while the store lives, and everything that code points to
//! is boxed, so addresses stay valid. `unsafe` here follows those addresses.

pub mod aggregate;
pub mod collect;
mod describe;
mod exception;
mod func;
mod handles;
mod instance;
mod objects;
pub mod sample;

use std::any::Any;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::ptr::NonNull;
use std::time::Duration;

pub(crate) use func::{
    HostDefinition, HostFunc, check_count, check_native_room, is_subtype, native_stack_address,
    read_values, write_values,
};
pub use handles::{Extern, Global, Memory, Table, Tag};
pub use instance::Instance;
pub(crate) use objects::Elements;

use crate::backtrace::Backtrace;
use crate::engine::{Engine, Policy, Proof, Stacks, Tier};
use crate::error::{Error, Result};
use crate::gc::Heap;
use crate::global::{GlobalData, TagData};
use crate::interrupt::{Deadline, InterruptHandle};
use crate::limits::LimitKind;
use crate::memory::MemoryData;
use crate::module::{MemoryType, TableType};
use crate::table::TableData;
use crate::trap::TrapKind;
use crate::types::TypeRef;
use crate::value::{Func, GcRef, Objects, StoreId};
use crate::vm::{ControlFrame, Cx, FuncInst};

/// The contents of a store, for every type of the host's data.
#[expect(clippy::vec_box, reason = "running code holds their addresses")]
pub struct StoreData {
    pub(crate) cx: Cx,
    pub(crate) id: StoreId,
    pub(crate) engine: Engine,
    /// The host's data. The store that owns it knows the type.
    pub(crate) host: NonNull<()>,
    /// Every function, by id.
    pub(crate) funcs: Vec<*mut FuncInst>,
    pub(crate) hosts: Vec<HostFunc>,
    /// The host's values to which references have been made.
    pub(crate) host_values: Vec<Box<dyn Any + Send + Sync>>,
    /// The host functions of linkers, by the address of the closure.
    pub(crate) linked: HashMap<usize, Func>,
    pub(crate) instances: Vec<Box<instance::InstanceData>>,
    pub(crate) memories: Vec<Box<MemoryData>>,
    pub(crate) tables: Vec<Box<TableData>>,
    pub(crate) globals: Vec<Box<GlobalData>>,
    pub(crate) tags: Vec<Box<TagData>>,
    /// The error of the host function that ended execution with `HostError`.
    pub(crate) host_error: Option<Error>,
    /// The payload of a host function's panic, on its way to the caller of the outermost entry.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
    /// The beginning of the control stack.
    control_stack: *mut ControlFrame,
    /// The frames from the place where execution has ended outwards, while an exit code is on its
    /// way out. While code runs, and when an exception has been caught, there are none.
    pub(crate) backtrace: Option<Box<Backtrace>>,
    /// The number of entries from the host that are under way.
    pub(crate) entries: u32,
    /// A native stack address of the outermost of them: all their frames are below.
    pub(crate) native_base: usize,
    /// Counts of all instances.
    pub(crate) proof: Proof,
    pub(crate) interrupt: InterruptHandle,
    deadline: Option<Deadline>,
    /// Everything that is garbage-collected.
    pub(crate) heap: Heap,
    /// None once the store is being dropped.
    stacks: Option<Stacks>,
}

impl std::fmt::Debug for StoreData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {} functions", self.id, self.funcs.len())
    }
}

impl StoreData {
    /// An empty store for the host's data: a box's pointer, which [`StoreData::free`] takes.
    pub(crate) fn new(engine: &Engine, host: NonNull<()>) -> NonNull<StoreData> {
        let limits = engine.config().limits;
        let mut stacks = engine.take_stacks();
        let frames = stacks.frames();
        let registry = engine.registry().clone();
        let id = StoreId::unique();
        let heap = Heap::new(
            id,
            registry,
            limits.gc_heap_bytes_max,
            engine.config().gc_stress,
        );
        let mut data = Box::new(StoreData {
            cx: Cx {
                native_limit: 0,
                jit_entry_sp: 0,
                stack_end: stacks.values.as_mut_ptr_range().end,
                top: stacks.values.as_mut_ptr(),
                frame_top: frames,
                frame_end: frames.wrapping_add(limits.call_depth_max),
                trap_pc: 0,
                trap_vm: std::ptr::null_mut(),
                entered: [0; 3],
                loops_entered: 0,
                tail_callee: std::ptr::null_mut(),
                memory_bytes_left: limits.store_memory_bytes_max,
                table_elements_left: limits.store_table_elements_max,
                fuel: 0,
                interrupt: std::ptr::null(),
                gc_base: std::ptr::null_mut(),
                gc_runs: std::ptr::null_mut(),
                displays: std::ptr::null(),
                exception: 0,
                store: std::ptr::null_mut(),
                choices: 0,
                jit_exit: 0,
            },
            id,
            engine: engine.clone(),
            host,
            funcs: Vec::new(),
            host_values: Vec::new(),
            hosts: Vec::new(),
            linked: HashMap::new(),
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            host_error: None,
            panic: None,
            control_stack: frames,
            backtrace: None,
            entries: 0,
            native_base: 0,
            proof: Proof::default(),
            interrupt: InterruptHandle::default(),
            deadline: None,
            heap,
            stacks: Some(stacks),
        });
        data.publish_interrupt();
        data.heap.publish(&mut data.cx);
        let data = NonNull::from(Box::leak(data));
        // SAFETY: `data` was just allocated.
        unsafe { (*data.as_ptr()).cx.store = data.as_ptr().cast() };
        data
    }

    /// Shows code and the sampler the word that code polls.
    fn publish_interrupt(&mut self) {
        let config = self.engine.config();
        if config.interruptible {
            self.cx.interrupt = self.interrupt.flags();
        }
        if let Some(sampler) = config.sampler {
            self.interrupt.attach(sampler);
        }
    }

    /// Drops a store, but not the host's data.
    ///
    /// # Safety
    /// The pointer is of [`StoreData::new`], and is not used any more.
    pub(crate) unsafe fn free(data: NonNull<StoreData>) {
        // SAFETY: the caller's contract.
        let mut data = unsafe { Box::from_raw(data.as_ptr()) };
        if let Some(stacks) = data.stacks.take() {
            data.engine.give_back_stacks(stacks);
        }
    }

    /// The proof of this store's instances: compiled functions and entries (contract C2).
    pub(crate) fn proof(&self) -> Proof {
        let mut proof = self.proof.clone();
        match self.engine.config().policy {
            Policy::Only(tier) => proof.entered = self.cx.entered[tier as usize],
            Policy::Tiered(_) => {
                proof.entered = self.cx.entered.iter().sum();
                proof.tiered.entered_interpreter = self.cx.entered[Tier::Register as usize];
                proof.tiered.loops_entered = self.cx.loops_entered;
            }
        }
        proof
    }

    /// The fuel that is left.
    ///
    /// # Errors
    /// `Usage` if the engine does not meter.
    pub(crate) fn fuel(&self) -> Result<u64> {
        self.check_metered()?;
        Ok(self.cx.fuel)
    }

    /// Replaces the fuel that is left.
    ///
    /// # Errors
    /// As [`StoreData::fuel`].
    pub(crate) fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.check_metered()?;
        self.cx.fuel = fuel;
        Ok(())
    }

    fn check_metered(&self) -> Result<()> {
        let without = || Error::usage("the engine is configured without fuel");
        self.engine.config().fuel.then_some(()).ok_or_else(without)
    }

    /// The handle that interrupts this store.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub(crate) fn interrupt_handle(&self) -> Result<InterruptHandle> {
        self.check_interruptible()?;
        Ok(self.interrupt.clone())
    }

    /// Lets everything that runs in this store after that time, from now on, trap with
    /// `Interrupted`; `None` lifts the deadline.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub(crate) fn set_deadline(&mut self, after: Option<Duration>) -> Result<()> {
        self.check_interruptible()?;
        self.deadline = None;
        let start = |after| Deadline::start(&self.interrupt, after);
        self.deadline = after.map(start).transpose()?;
        Ok(())
    }

    pub(crate) fn add_func(&mut self, func: *mut FuncInst) -> u32 {
        self.funcs.push(func);
        self.funcs.len() as u32 - 1
    }

    /// Checks that one more item is within its limit.
    pub(crate) fn check_count(&self, kind: LimitKind, len: usize, max: usize) -> Result<()> {
        if len < max {
            return Ok(());
        }
        Err(Error::limit(kind, format!("there are {len} already")))
    }

    /// Allocates a memory within the store's limits.
    ///
    /// # Errors
    /// `Limit`, saying which.
    pub(crate) fn new_memory(&mut self, ty: MemoryType) -> Result<Memory> {
        let limits = self.engine.config().limits;
        self.check_count(
            LimitKind::Memories,
            self.memories.len(),
            limits.memories_max,
        )?;
        let memory = MemoryData::new(ty, self.guards_memories(), limits.memory_bytes_max)?;
        let bytes = memory.inst.len_bytes as u64;
        let left = self.cx.memory_bytes_left.checked_sub(bytes);
        self.cx.memory_bytes_left = left.ok_or_else(|| {
            let max = limits.store_memory_bytes_max;
            let message = format!("{bytes} bytes more would be above {max}");
            Error::limit(LimitKind::StoreMemoryBytes, message)
        })?;
        self.memories.push(memory);
        Ok(Memory {
            store: self.id,
            index: self.memories.len() as u32 - 1,
        })
    }

    /// Allocates a table within the store's limits, filled with `init`.
    ///
    /// # Errors
    /// `Limit`, saying which.
    pub(crate) fn new_table(&mut self, ty: TableType, init: u64) -> Result<Table> {
        let limits = self.engine.config().limits;
        self.check_count(LimitKind::Tables, self.tables.len(), limits.tables_max)?;
        let too_large = |kind| {
            let message = format!("a table of {} elements is too large", ty.initial);
            Error::limit(kind, message)
        };
        let left = self.cx.table_elements_left.checked_sub(ty.initial);
        let left = left.ok_or_else(|| too_large(LimitKind::StoreTableElements))?;
        let table = TableData::new(ty, init, limits.table_elements_max)
            .ok_or_else(|| too_large(LimitKind::TableElements))?;
        self.cx.table_elements_left = left;
        self.tables.push(table);
        Ok(Table {
            store: self.id,
            index: self.tables.len() as u32 - 1,
        })
    }

    pub(crate) fn add_global(&mut self, global: Box<GlobalData>) -> Global {
        self.globals.push(global);
        Global {
            store: self.id,
            index: self.globals.len() as u32 - 1,
        }
    }

    pub(crate) fn add_tag(&mut self, tag: Box<TagData>) -> Tag {
        self.tags.push(tag);
        Tag {
            store: self.id,
            index: self.tags.len() as u32 - 1,
        }
    }

    /// True if memories of this store are guarded where their type allows it: only compiled code
    /// needs that.
    pub(crate) fn guards_memories(&self) -> bool {
        let config = self.engine.config();
        config.bounds == crate::engine::Bounds::Guard && config.policy.compiles()
    }

    fn check_interruptible(&self) -> Result<()> {
        let without = || Error::usage("the engine is configured without interruption");
        let is_interruptible = self.engine.config().interruptible;
        is_interruptible.then_some(()).ok_or_else(without)
    }

    /// The frames that an exit code has left behind so far: those of the next entry come after.
    pub(crate) fn backtrace(&mut self) -> &mut Backtrace {
        self.backtrace.get_or_insert_default()
    }

    /// The error for an exit code. A host function's panic goes on.
    pub(crate) fn exit_error(&mut self, exit: u32) -> Error {
        if let Some(payload) = self.panic.take() {
            resume_unwind(payload);
        }
        let backtrace = self.backtrace.take();
        Error {
            backtrace,
            ..self.error_of(exit)
        }
    }

    fn error_of(&mut self, exit: u32) -> Error {
        match TrapKind::from_code(exit) {
            Some(TrapKind::HostError) => self
                .host_error
                .take()
                .unwrap_or_else(|| Error::trap(TrapKind::HostError)),
            Some(TrapKind::UncaughtException) => {
                let word = std::mem::take(&mut self.cx.exception);
                let (_, exception) = self.heap.hold(word as u32);
                Error::exception(exception)
            }
            Some(kind) => {
                if kind == TrapKind::Interrupted {
                    self.interrupt.delivered();
                }
                Error::trap(kind)
            }
            None => Error::new(
                crate::error::ErrorKind::Internal,
                format!("a function ended with the unknown exit code {exit}"),
            ),
        }
    }
}

/// Notes that the exception that was on its way has been caught: its backtrace is dropped.
///
/// # Safety
/// `cx` is that of a live store.
#[inline(never)]
pub(crate) unsafe fn caught(cx: *mut Cx) {
    // SAFETY: the caller's contract; running code holds no reference into the store.
    unsafe { (*(*cx).store.cast::<StoreData>()).backtrace = None };
}

impl Objects for StoreData {
    unsafe fn func(&self, word: u64) -> Func {
        let inst = word as *const FuncInst;
        // SAFETY: the caller's contract.
        let id = unsafe { (*inst).id };
        Func { store: self.id, id }
    }

    fn func_word(&self, func: Func) -> u64 {
        let inst = self.funcs.get(func.id as usize);
        inst.filter(|_| func.store == self.id)
            .map_or(0, |&inst| inst as u64)
    }

    fn store(&self) -> StoreId {
        self.id
    }

    fn hold(&self, object: u32) -> (TypeRef, GcRef) {
        self.heap.hold(object)
    }

    fn object(&self, handle: GcRef) -> Option<(TypeRef, u32)> {
        self.heap.object(handle)
    }
}

/// The message for a handle that is used with another store than its own.
const WRONG_STORE: &str = "object used with the wrong store";

/// Checks the store of a handle, for an operation that can fail.
///
/// # Errors
/// `Usage` if the handle is another store's.
pub(crate) fn check_store(handle: StoreId, store: &StoreData) -> Result<()> {
    if handle == store.id {
        Ok(())
    } else {
        Err(Error::usage(WRONG_STORE))
    }
}

/// Checks the store of a handle, for an operation that cannot fail.
///
/// # Panics
/// If the handle is another store's.
#[track_caller]
pub(crate) fn assert_store(handle: StoreId, store: &StoreData) {
    assert!(handle == store.id, "{WRONG_STORE}");
}
