//! Shared memories (threads proposal: "Shared Linear Memory"): one object that stores of different
//! threads use at the same time.
//!
//! All that the memory can grow to is reserved when it is made, so its base never moves; the length
//! is atomic and only grows. Each store keeps its own `MemoryInst` for it, whose length may lag
//! behind: an access beyond it reads the true length before it traps (`Memory::refresh`).
//!
//! # Races
//! Atomic instructions use the host's atomics. Plain loads and stores of Wasm code, and bulk
//! copies, are plain accesses of the host by raw pointer, also where threads race: `volatile` would
//! forbid the unaligned forms and cost the fast paths of memories that are not shared, which are
//! the same handlers. It is sound in practice: each is one machine access whose value leaves
//! through a jump that the compiler cannot see through, and LLVM gives a racing read an unspecified
//! value, no more; that is what Wasm's memory model asks for. Rust's references never point into a
//! shared memory: the host reads and writes by single atomic bytes.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::space::Reservation;
use super::waiters::{Waited, Waiters};
use super::{MemoryData, bytes_after_growth, too_large};
use crate::atomic::Word;
use crate::error::{Error, Result};
use crate::limits::GUARD_RESERVATION_BYTES;
use crate::module::MemoryType;

/// A memory that threads share. Clones are the same memory.
///
/// ```
/// use wassay_runtime::{Config, Engine, MemoryType, SharedMemory, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let shared = SharedMemory::new(&engine, MemoryType::new_shared(1, 2))?;
/// let (mut one, mut other) = (Store::new(&engine, ()), Store::new(&engine, ()));
/// shared.in_store(&mut one)?.write(&mut one, 8, b"seen")?;
/// let mut bytes = [0; 4];
/// shared.in_store(&mut other)?.read(&other, 8, &mut bytes)?;
/// assert_eq!(&bytes, b"seen");
/// assert_eq!((shared.grow(1)?, shared.size(), shared.data_size()), (1, 2, 131_072));
/// assert_eq!(shared.atomic_notify(8, 1)?, 0);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedMemory {
    inner: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ty: MemoryType,
    bytes_max: u64,
    base: usize,
    /// The lock of growth.
    space: Mutex<Reservation>,
    len_bytes: AtomicUsize,
    waiters: Waiters,
}

impl SharedMemory {
    /// A zeroed memory of its initial size, which may not grow beyond `bytes_max`.
    ///
    /// # Errors
    /// `Usage` if the type is not shared or has no maximum; `Limit` if the initial size is above
    /// the limit, or the address space is used up.
    pub(crate) fn with_limit(ty: MemoryType, bytes_max: u64) -> Result<SharedMemory> {
        let Some(maximum) = ty.maximum.filter(|_| ty.shared) else {
            let message = "a shared memory has a shared type with a maximum";
            return Err(Error::usage(message));
        };
        let largest = u128::from(maximum) << ty.page_size_log2;
        let reserved = if MemoryData::can_guard(&ty) {
            GUARD_RESERVATION_BYTES
        } else {
            largest.min(u128::from(bytes_max)) as usize
        };
        let mut space = Reservation::take(reserved)?;
        let bytes = bytes_after_growth(&ty, bytes_max, 0, ty.initial);
        let Some(bytes) = bytes.filter(|&bytes| space.commit(bytes)) else {
            return Err(too_large(ty.initial));
        };
        let base = space.base();
        Ok(SharedMemory {
            inner: Arc::new(Shared {
                ty,
                bytes_max,
                base,
                space: Mutex::new(space),
                len_bytes: AtomicUsize::new(bytes),
                waiters: Waiters::default(),
            }),
        })
    }

    /// The type of the memory, as declared.
    pub fn ty(&self) -> MemoryType {
        self.inner.ty
    }

    /// True if both are the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The current length in bytes; it never shrinks.
    pub(crate) fn len_bytes(&self) -> usize {
        self.inner.len_bytes.load(Ordering::SeqCst)
    }

    /// The place at which code reads the current length. It lives as long as any clone.
    pub(crate) fn len_address(&self) -> *const AtomicUsize {
        &raw const self.inner.len_bytes
    }

    /// The current size in pages.
    pub(crate) fn pages(&self) -> u64 {
        (self.len_bytes() >> self.inner.ty.page_size_log2) as u64
    }

    /// Grows by `delta` pages, for every store: the old size in pages, or `None` if it cannot.
    pub(crate) fn grow_by(&self, delta: u64) -> Option<u64> {
        let mut space = self
            .inner
            .space
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (ty, old) = (&self.inner.ty, self.pages());
        let bytes = bytes_after_growth(ty, self.inner.bytes_max, old, delta)?;
        if !space.commit(bytes) {
            return None;
        }
        self.inner.len_bytes.store(bytes, Ordering::SeqCst);
        Some(old)
    }

    /// Reads bytes, each of them atomically: true if all are inside of the memory.
    pub(crate) fn read_bytes(&self, at: u64, bytes: &mut [u8]) -> bool {
        let Some(cells) = self.cells(at, bytes.len()) else {
            return false;
        };
        for (byte, cell) in bytes.iter_mut().zip(cells) {
            *byte = cell.load(Ordering::Relaxed);
        }
        true
    }

    /// Writes bytes, each of them atomically, if all are inside of the memory: true if they are.
    pub(crate) fn write_bytes(&self, at: u64, bytes: &[u8]) -> bool {
        let Some(cells) = self.cells(at, bytes.len()) else {
            return false;
        };
        for (byte, cell) in bytes.iter().zip(cells) {
            cell.store(*byte, Ordering::Relaxed);
        }
        true
    }

    /// Waits as `memory.atomic.wait32` and `wait64` do, for `expected` of the width `T`, where
    /// `at` must be aligned and inside of the memory; `None` if it is not.
    pub(crate) fn wait<T: Word>(
        &self,
        at: u64,
        expected: T,
        timeout: Option<Duration>,
        is_interrupted: impl Fn() -> bool,
    ) -> Option<Waited> {
        let cell = self.cells(at, size_of::<T>())?.as_ptr();
        if !at.is_multiple_of(size_of::<T>() as u64) {
            return None;
        }
        // SAFETY: the bytes are inside of the memory, and aligned, as its base is to a page.
        let is_expected = || unsafe { T::load(cell.cast_mut().cast()) } == expected;
        let waiters = &self.inner.waiters;
        Some(waiters.wait(at, timeout, is_expected, is_interrupted))
    }

    /// Wakes at most `count` of the waiters at `at`: the number that it woke.
    pub(crate) fn notify(&self, at: u64, count: u32) -> u32 {
        self.inner.waiters.notify(at, count)
    }

    pub(super) fn base(&self) -> *mut u8 {
        self.inner.base as *mut u8
    }

    /// Bytes of the memory, if they are all inside of it.
    pub(crate) fn cells(&self, at: u64, len: usize) -> Option<&[AtomicU8]> {
        let end = at.checked_add(len as u64)?;
        if end > self.len_bytes() as u64 {
            return None;
        }
        let first = (self.inner.base + at as usize) as *const AtomicU8;
        // SAFETY: the range is committed as long as `self` lives, and shared by atomics.
        Some(unsafe { std::slice::from_raw_parts(first, len) })
    }
}
