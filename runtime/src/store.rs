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

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use exception::Exception;
pub(crate) use func::native_stack_address;
pub use func::{Caller, Func, HostFn};
pub use handles::{Extern, GlobalHandle, MemoryHandle, TableHandle, TagHandle};
pub use instance::Instance;

use crate::backtrace::Backtrace;
use crate::engine::{Engine, Policy, Proof, Tier};
use crate::error::{Error, Result};
use crate::gc::Heap;
use crate::global::{Global, Tag};
use crate::interrupt::{Deadline, InterruptHandle};
use crate::limits::LimitKind;
use crate::memory::Memory;
use crate::module::{MemoryType, TableType};
use crate::table::Table;
use crate::trap::TrapKind;
use crate::types::FuncType;
use crate::value::Objects;
use crate::vm::{Cx, Frame, FuncInst};

/// A store. Everything in it lives as long as it does.
#[derive(Debug)]
pub struct Store {
    /// Owned: made from a `Box` in `new`, given back to one in `drop`. A raw pointer, because
    /// code that runs in the store reaches it through `Cx::store` while a call is under way.
    data: NonNull<StoreData>,
}

/// What a store owns.
#[expect(clippy::vec_box, reason = "running code holds their addresses")]
pub struct StoreData {
    pub(crate) cx: Cx,
    pub(crate) id: u32,
    pub(crate) engine: Engine,
    /// Every function, by id.
    pub(crate) funcs: Vec<*mut FuncInst>,
    pub(crate) hosts: Vec<func::Host>,
    pub(crate) instances: Vec<Box<instance::InstanceData>>,
    pub(crate) memories: Vec<Box<Memory>>,
    pub(crate) tables: Vec<Box<Table>>,
    pub(crate) globals: Vec<Box<Global>>,
    pub(crate) tags: Vec<Box<Tag>>,
    /// The error of the host function that ended execution with `HostError`.
    pub(crate) host_error: Option<Error>,
    /// What was running where an exit code comes from that is on its way out. While code runs, and
    /// when an exception has been caught, there is none.
    pub(crate) backtrace: Option<Box<Backtrace>>,
    /// How many entries from the host are under way.
    pub(crate) entries: u32,
    /// A native stack address of the outermost of them: all their frames are below.
    pub(crate) native_base: usize,
    /// Counts of all instances.
    pub(crate) proof: Proof,
    pub(crate) interrupt: InterruptHandle,
    deadline: Option<Deadline>,
    /// Everything that is garbage-collected.
    pub(crate) heap: Heap,
    value_stack: Vec<u64>,
    _frames: Vec<Frame>,
}

impl std::fmt::Debug for StoreData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store #{} of {} functions", self.id, self.funcs.len())
    }
}

// SAFETY: all pointers in a store lead into the store itself or into shared, immutable compiled
// code, and host closures are `Send`; so the whole of it can move to another thread.
unsafe impl Send for Store {}

impl Store {
    /// An empty store.
    pub fn new(engine: &Engine) -> Store {
        static NEXT_ID: AtomicU32 = AtomicU32::new(0);
        let limits = engine.config().limits;
        let mut value_stack: Vec<u64> = vec![0; limits.value_stack_bytes / 8];
        let mut frames: Vec<Frame> = Vec::with_capacity(limits.call_depth_max);
        let registry = engine.registry().clone();
        let heap = Heap::new(
            registry,
            limits.gc_heap_bytes_max,
            engine.config().gc_stress,
        );
        let mut data = Box::new(StoreData {
            cx: Cx {
                native_limit: 0,
                jit_entry_sp: 0,
                stack_end: value_stack.as_mut_ptr_range().end,
                top: value_stack.as_mut_ptr(),
                frame_top: frames.as_mut_ptr(),
                frame_end: frames.as_mut_ptr().wrapping_add(limits.call_depth_max),
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
            },
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            engine: engine.clone(),
            funcs: Vec::new(),
            hosts: Vec::new(),
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            host_error: None,
            backtrace: None,
            entries: 0,
            native_base: 0,
            proof: Proof::default(),
            interrupt: InterruptHandle::default(),
            deadline: None,
            heap,
            value_stack,
            _frames: frames,
        });
        if engine.config().interruptible {
            data.cx.interrupt = data.interrupt.flags();
        }
        data.heap.publish(&mut data.cx);
        let data = Box::into_raw(data);
        // SAFETY: `data` was just allocated.
        unsafe { (*data).cx.store = data.cast() };
        Store {
            // SAFETY: a `Box` is never null.
            data: unsafe { NonNull::new_unchecked(data) },
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.data().engine
    }

    /// What this store's instances compiled and how often they were entered (contract C2).
    pub fn proof(&self) -> Proof {
        let data = self.data();
        let mut proof = data.proof.clone();
        match data.engine.config().policy {
            Policy::Only(tier) => proof.entered = data.cx.entered[tier as usize],
            Policy::Tiered(_) => {
                proof.entered = data.cx.entered.iter().sum();
                proof.tiered.entered_interpreter = data.cx.entered[Tier::Register as usize];
                proof.tiered.loops_entered = data.cx.loops_entered;
            }
        }
        proof
    }

    /// The fuel that is left; `None` if the engine does not meter.
    pub fn fuel(&self) -> Option<u64> {
        let data = self.data();
        data.engine.config().fuel.then_some(data.cx.fuel)
    }

    /// Replaces the fuel that is left. A new store has none. `meter.rs` says what it buys.
    ///
    /// # Errors
    /// `Usage` if the engine does not meter.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        let data = self.data_mut();
        if !data.engine.config().fuel {
            return Err(Error::usage("the engine is configured without fuel"));
        }
        data.cx.fuel = fuel;
        Ok(())
    }

    /// What interrupts this store from any thread.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub fn interrupt_handle(&self) -> Result<InterruptHandle> {
        self.data().check_interruptible()?;
        Ok(self.data().interrupt.clone())
    }

    /// Lets everything that runs in this store after that time, from now on, trap with
    /// `Interrupted`; `None` lifts the deadline.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub fn set_deadline(&mut self, after: Option<Duration>) -> Result<()> {
        let data = self.data_mut();
        data.check_interruptible()?;
        data.deadline = None;
        if let Some(after) = after {
            data.deadline = Some(Deadline::start(&data.interrupt, after)?);
        }
        Ok(())
    }

    /// Every memory, in order of creation.
    pub fn memories(&self) -> impl Iterator<Item = MemoryHandle> + use<> {
        let store = self.data().id;
        (0..self.data().memories.len() as u32).map(move |index| MemoryHandle { store, index })
    }

    /// Every table, in order of creation.
    pub fn tables(&self) -> impl Iterator<Item = TableHandle> + use<> {
        let store = self.data().id;
        (0..self.data().tables.len() as u32).map(move |index| TableHandle { store, index })
    }

    /// Every global, in order of creation.
    pub fn globals(&self) -> impl Iterator<Item = GlobalHandle> + use<> {
        let store = self.data().id;
        (0..self.data().globals.len() as u32).map(move |index| GlobalHandle { store, index })
    }

    pub(crate) fn data(&self) -> &StoreData {
        // SAFETY: the store owns its data, and no code runs in it while `self` is borrowed.
        unsafe { self.data.as_ref() }
    }

    pub(crate) fn data_mut(&mut self) -> &mut StoreData {
        // SAFETY: as in `data`, and `self` is borrowed uniquely.
        unsafe { self.data.as_mut() }
    }

    pub(crate) fn as_ptr(&mut self) -> *mut StoreData {
        self.data.as_ptr()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a `Box` and is not used after this.
        drop(unsafe { Box::from_raw(self.data.as_ptr()) });
    }
}

impl StoreData {
    pub(crate) fn add_func(&mut self, func: *mut FuncInst) -> u32 {
        self.funcs.push(func);
        self.funcs.len() as u32 - 1
    }

    /// Whether one more of something is within its limit.
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
    pub(crate) fn new_memory(&mut self, ty: MemoryType) -> Result<MemoryHandle> {
        let limits = self.engine.config().limits;
        self.check_count(
            LimitKind::Memories,
            self.memories.len(),
            limits.memories_max,
        )?;
        let memory = Memory::new(ty, self.guards_memories(), limits.memory_bytes_max)?;
        let bytes = memory.inst.len_bytes as u64;
        let left = self.cx.memory_bytes_left.checked_sub(bytes);
        self.cx.memory_bytes_left = left.ok_or_else(|| {
            let max = limits.store_memory_bytes_max;
            let message = format!("{bytes} bytes more would be above {max}");
            Error::limit(LimitKind::StoreMemoryBytes, message)
        })?;
        self.memories.push(memory);
        Ok(MemoryHandle {
            store: self.id,
            index: self.memories.len() as u32 - 1,
        })
    }

    /// Allocates a table within the store's limits, filled with `init`.
    ///
    /// # Errors
    /// `Limit`, saying which.
    pub(crate) fn new_table(&mut self, ty: TableType, init: u64) -> Result<TableHandle> {
        let limits = self.engine.config().limits;
        self.check_count(LimitKind::Tables, self.tables.len(), limits.tables_max)?;
        let too_large = |kind| {
            let message = format!("a table of {} elements is too large", ty.initial);
            Error::limit(kind, message)
        };
        let left = self.cx.table_elements_left.checked_sub(ty.initial);
        let left = left.ok_or_else(|| too_large(LimitKind::StoreTableElements))?;
        let table = Table::new(ty, init, limits.table_elements_max)
            .ok_or_else(|| too_large(LimitKind::TableElements))?;
        self.cx.table_elements_left = left;
        self.tables.push(table);
        Ok(TableHandle {
            store: self.id,
            index: self.tables.len() as u32 - 1,
        })
    }

    pub(crate) fn add_global(&mut self, global: Box<Global>) -> GlobalHandle {
        self.globals.push(global);
        GlobalHandle {
            store: self.id,
            index: self.globals.len() as u32 - 1,
        }
    }

    pub(crate) fn add_tag(&mut self, tag: Box<Tag>) -> TagHandle {
        self.tags.push(tag);
        TagHandle {
            store: self.id,
            index: self.tags.len() as u32 - 1,
        }
    }

    /// Whether memories of this store are guarded where their type allows it: only compiled code
    /// has use for it.
    pub(crate) fn guards_memories(&self) -> bool {
        let config = self.engine.config();
        config.bounds == crate::engine::Bounds::Guard && config.policy.compiles()
    }

    /// The signature of a function of this store.
    pub(crate) fn signature(&self, func: *const FuncInst) -> std::sync::Arc<FuncType> {
        // SAFETY: functions of a store live as long as the store.
        let ty = unsafe { (*func).ty };
        self.engine.registry().func(ty)
    }

    fn check_interruptible(&self) -> Result<()> {
        if self.engine.config().interruptible {
            Ok(())
        } else {
            Err(Error::usage(
                "the engine is configured without interruption",
            ))
        }
    }

    /// The frames that an exit code has left behind so far: those of the next entry come after.
    pub(crate) fn backtrace(&mut self) -> &mut Backtrace {
        self.backtrace.get_or_insert_default()
    }

    /// The error for an exit code.
    pub(crate) fn exit_error(&mut self, exit: u32) -> Error {
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

/// Notes that the exception that was on its way has been caught: where it came from does not matter
/// any more.
///
/// # Safety
/// `cx` is that of a live store.
#[inline(never)]
pub(crate) unsafe fn caught(cx: *mut Cx) {
    // SAFETY: the caller's contract; running code holds no reference into the store.
    unsafe { (*(*cx).store.cast::<StoreData>()).backtrace = None };
}

/// The error of a handle that belongs to another store.
pub(crate) fn check_store(handle: u32, store: &StoreData) -> Result<()> {
    if handle == store.id {
        Ok(())
    } else {
        Err(Error::usage("a handle of another store"))
    }
}
