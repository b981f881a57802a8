//! Shared memories, which do not belong to a store (threads proposal).

use std::sync::atomic::AtomicU8;
use std::time::Duration;

use super::context::AsContextMut;
use super::externs::out_of_bounds;
use crate::atomic::{Word, is_aligned};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::limits::LimitKind;
use crate::memory::{MemoryData, SharedMemory, Waited};
use crate::module::MemoryType;
use crate::store::Memory;
use crate::trap::TrapKind;

/// The ending of a wait at an address of a shared memory.
///
/// ```
/// use std::time::Duration;
/// use wassay_runtime::{Config, Engine, MemoryType, SharedMemory, WaitResult};
///
/// let engine = Engine::new(&Config::new())?;
/// let memory = SharedMemory::new(&engine, MemoryType::new_shared(1, 1))?;
/// assert_eq!(memory.atomic_wait32(0, 1, None)?, WaitResult::Mismatch);
/// let ended = memory.atomic_wait64(0, 0, Some(Duration::from_millis(1)))?;
/// assert_eq!(ended, WaitResult::TimedOut);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitResult {
    /// A notification ended the wait.
    Ok,
    /// The value in the memory was not the expected one, so that there was no wait.
    Mismatch,
    /// The time was over.
    TimedOut,
}

impl SharedMemory {
    /// A zeroed memory of its initial size, within the engine's limits. Stores of other engines may
    /// use it, too.
    ///
    /// # Errors
    /// `Usage` if the type is not shared or has no maximum; `Limit` if the initial size is above
    /// the limit, or the address space is used up.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        SharedMemory::with_limit(ty, engine.config().limits.memory_bytes_max)
    }

    /// The size in pages. It never shrinks.
    pub fn size(&self) -> u64 {
        self.pages()
    }

    /// The size in bytes. It never shrinks.
    pub fn data_size(&self) -> usize {
        self.len_bytes()
    }

    /// The contents at their present size. Code may write them at any time.
    pub fn data(&self) -> &[AtomicU8] {
        self.cells(0, self.len_bytes()).unwrap_or_default()
    }

    /// Reads bytes from an offset on, each of them atomically.
    ///
    /// # Errors
    /// The trap `MemoryOutOfBounds` if not all are in the memory.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let done = self.read_bytes(offset as u64, bytes);
        done.then_some(()).ok_or_else(out_of_bounds)
    }

    /// Writes bytes from an offset on, each of them atomically, all or none.
    ///
    /// # Errors
    /// As [`SharedMemory::read`].
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        let done = self.write_bytes(offset as u64, bytes);
        done.then_some(()).ok_or_else(out_of_bounds)
    }

    /// Grows by `delta` pages, for every store: the old size.
    ///
    /// # Errors
    /// `Limit` if the memory cannot be that large.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        let too_large = || {
            let message = format!("{delta} pages more are too many");
            Error::limit(LimitKind::MemoryBytes, message)
        };
        self.grow_by(delta).ok_or_else(too_large)
    }

    /// Wakes at most `count` of the waiters at an address, as `memory.atomic.notify` does: the
    /// number that it woke.
    ///
    /// # Errors
    /// The trap `UnalignedAtomic` if the address is not a multiple of 4; `MemoryOutOfBounds`.
    pub fn atomic_notify(&self, address: u64, count: u32) -> Result<u32> {
        self.check_atomic::<u32>(address)?;
        Ok(self.notify(address, count))
    }

    /// Waits at an address whose value is `expected`, as `memory.atomic.wait32` does. Without
    /// a `timeout`, the wait does not end by itself.
    ///
    /// # Errors
    /// As [`SharedMemory::atomic_notify`].
    pub fn atomic_wait32(
        &self,
        address: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult> {
        self.wait_from_host(address, expected, timeout)
    }

    /// Waits at an address as [`SharedMemory::atomic_wait32`] does, for a value of 64 bits.
    ///
    /// # Errors
    /// As [`SharedMemory::atomic_notify`], with 8 in place of 4.
    pub fn atomic_wait64(
        &self,
        address: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult> {
        self.wait_from_host(address, expected, timeout)
    }

    fn check_atomic<T: Word>(&self, address: u64) -> Result<()> {
        if !is_aligned(address, 0, size_of::<T>()) {
            return Err(Error::trap(TrapKind::UnalignedAtomic));
        }
        let cells = self.cells(address, size_of::<T>());
        cells.map(|_cells| ()).ok_or_else(out_of_bounds)
    }

    fn wait_from_host<T: Word>(
        &self,
        address: u64,
        expected: T,
        timeout: Option<Duration>,
    ) -> Result<WaitResult> {
        self.check_atomic::<T>(address)?;
        match self.wait(address, expected, timeout, || false) {
            Some(Waited::Woken) => Ok(WaitResult::Ok),
            Some(Waited::NotEqual) => Ok(WaitResult::Mismatch),
            Some(Waited::TimedOut) => Ok(WaitResult::TimedOut),
            Some(Waited::Interrupted) | None => Err(Error::trap(TrapKind::Interrupted)),
        }
    }

    /// This memory as one of a store, to be imported by its instances. Its bytes are not counted
    /// among the store's own.
    ///
    /// # Errors
    /// `Limit` if the store has as many memories as it may have.
    pub fn in_store(&self, mut store: impl AsContextMut) -> Result<Memory> {
        let state = store.as_context_mut().into_state();
        let (store, len) = (state.id, state.memories.len());
        let mut memories = state.memories.iter().map(|memory| memory.shared());
        let known = memories.position(|memory| memory.is_some_and(|it| it.same(self)));
        if known.is_none() {
            let max = state.engine.config().limits.memories_max;
            state.check_count(LimitKind::Memories, len, max)?;
            state.memories.push(MemoryData::of_shared(self.clone()));
        }
        let index = known.unwrap_or(len) as u32;
        Ok(Memory { store, index })
    }
}
