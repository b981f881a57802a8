//! Linear memories (spec: "Memory Instances"): reservation, growth, guard pages.
//!
//! A guarded memory reserves all that a 32-bit index plus a 32-bit offset can reach and commits
//! its prefix, so that compiled code needs no bounds checks; its base never moves. Nor does that of
//! a shared memory (`memory/shared.rs`), which reserves its maximum. Any other memory is mapped at
//! its exact size and may move when it grows. Guarded reservations are kept for reuse, since making
//! them is slow under emulation. Owns the system calls for memory mapping; `unsafe` here is for
//! those.

mod shared;
mod waiters;

pub use shared::SharedMemory;
pub use waiters::Waited;

use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::limits::{GUARD_RESERVATION_BYTES, LimitKind};
use crate::module::MemoryType;
use crate::vm::MemoryInst;

/// The number of unused reservations that are kept.
const POOL_MAX: usize = 64;

/// Bases of unused guarded reservations, all inaccessible.
static POOL: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// A memory and its backing. `inst` is what code sees.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryData {
    /// Base and length, at the address that instances point to. First: code's pointers to it
    /// are pointers to the whole.
    pub inst: MemoryInst,
    /// Its type as declared.
    pub ty: MemoryType,
    backing: Backing,
    bytes_max: u64,
}

#[derive(Debug)]
enum Backing {
    /// Reserved in full, committed up to the length.
    Guarded(Reservation),
    /// A mapping of its length, except at length 0, which has none.
    Exact(Mapping),
    /// Other stores use it, too; `inst` may lag behind in length.
    Shared(SharedMemory),
}

impl MemoryData {
    /// A zeroed memory of its initial size.
    ///
    /// # Errors
    /// `Limit` if the initial size is above `bytes_max` or cannot be mapped.
    pub fn new(ty: MemoryType, guarded: bool, bytes_max: u64) -> Result<Box<MemoryData>> {
        if ty.shared {
            let shared = SharedMemory::with_limit(ty, bytes_max)?;
            return Ok(MemoryData::of_shared(shared));
        }
        let Some(bytes) = bytes_after_growth(&ty, bytes_max, 0, ty.initial) else {
            return Err(too_large(ty.initial));
        };
        let backing = if guarded && MemoryData::can_guard(&ty) {
            Backing::Guarded(Reservation::take(GUARD_RESERVATION_BYTES)?)
        } else {
            Backing::Exact(Mapping::new(0)?)
        };
        let inst = MemoryInst {
            base: std::ptr::null_mut(),
            len_bytes: 0,
            shared_len: std::ptr::null(),
        };
        let mut memory = Box::new(MemoryData {
            inst,
            ty,
            backing,
            bytes_max,
        });
        memory.inst.base = memory.base();
        if !memory.set_len(bytes) {
            return Err(too_large(ty.initial));
        }
        Ok(memory)
    }

    /// A store's view of a shared memory.
    pub fn of_shared(shared: SharedMemory) -> Box<MemoryData> {
        let inst = MemoryInst {
            base: shared.base(),
            len_bytes: shared.len_bytes(),
            shared_len: shared.len_address(),
        };
        let (ty, bytes_max) = (shared.ty(), u64::MAX);
        let backing = Backing::Shared(shared);
        Box::new(MemoryData {
            inst,
            ty,
            backing,
            bytes_max,
        })
    }

    /// The shared memory that this is a view of, if it is one.
    pub fn shared(&self) -> Option<&SharedMemory> {
        match &self.backing {
            Backing::Shared(shared) => Some(shared),
            Backing::Guarded(_) | Backing::Exact(_) => None,
        }
    }

    /// Takes in the growth by other threads: the length in bytes.
    pub fn refresh(&mut self) -> usize {
        if let Backing::Shared(shared) = &self.backing {
            self.inst.len_bytes = shared.len_bytes();
        }
        self.inst.len_bytes
    }

    /// True if a memory of this type can do without bounds checks: 32-bit indices, and a page
    /// size that the system's protection granularity divides.
    pub fn can_guard(ty: &MemoryType) -> bool {
        !ty.is64 && ty.page_size_log2 == crate::limits::PAGE_SIZE_BYTES.trailing_zeros()
    }

    /// True if compiled code may leave out bounds checks.
    #[cfg(test)]
    pub fn is_guarded(&self) -> bool {
        match &self.backing {
            Backing::Guarded(_) => true,
            Backing::Exact(_) => false,
            Backing::Shared(shared) => MemoryData::can_guard(&shared.ty()),
        }
    }

    /// The size in pages.
    pub fn pages(&self) -> u64 {
        let len_bytes = match &self.backing {
            Backing::Guarded(_) | Backing::Exact(_) => self.inst.len_bytes,
            Backing::Shared(shared) => shared.len_bytes(),
        };
        (len_bytes >> self.ty.page_size_log2) as u64
    }

    /// Grows by `delta` pages: the old size in pages, or `None` if it cannot (spec: `memory.grow`).
    pub fn grow(&mut self, delta: u64) -> Option<u64> {
        if let Backing::Shared(shared) = &self.backing {
            let old = shared.grow_by(delta);
            self.refresh();
            return old;
        }
        let old = self.pages();
        let bytes = bytes_after_growth(&self.ty, self.bytes_max, old, delta)?;
        self.set_len(bytes).then_some(old)
    }

    /// The contents.
    ///
    /// # Panics
    /// If the memory is shared: other threads may write the bytes of the slice.
    pub fn data(&self) -> &[u8] {
        self.assert_unshared();
        if self.inst.len_bytes == 0 {
            return &[];
        }
        // SAFETY: `base` points to `len_bytes` committed bytes, which `self` owns.
        unsafe { std::slice::from_raw_parts(self.inst.base, self.inst.len_bytes) }
    }

    /// The contents, to write.
    ///
    /// # Panics
    /// As `data`.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.assert_unshared();
        if self.inst.len_bytes == 0 {
            return &mut [];
        }
        // SAFETY: as in `data`; `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.inst.base, self.inst.len_bytes) }
    }

    fn assert_unshared(&self) {
        let message = "the contents of a shared memory are read and written by `SharedMemory`";
        assert!(self.shared().is_none(), "{message}");
    }

    fn base(&self) -> *mut u8 {
        match &self.backing {
            Backing::Guarded(r) => r.base as *mut u8,
            Backing::Exact(m) => m.base as *mut u8,
            Backing::Shared(shared) => shared.base(),
        }
    }

    fn set_len(&mut self, bytes: usize) -> bool {
        let done = match &mut self.backing {
            Backing::Guarded(r) => r.commit(bytes),
            Backing::Exact(m) => m.resize(bytes),
            Backing::Shared(_) => false,
        };
        if done {
            self.inst.base = self.base();
            self.inst.len_bytes = bytes;
        }
        done
    }
}

/// The length in bytes after growth from `old` by `delta` pages, if type and limit allow it.
fn bytes_after_growth(ty: &MemoryType, bytes_max: u64, old: u64, delta: u64) -> Option<usize> {
    // A host may say any size: others than those of the spec would make the shifts below wrap.
    if !matches!(ty.page_size_log2, 0 | 16) {
        return None;
    }
    let new = old.checked_add(delta)?;
    let address_bits = if ty.is64 { 64 } else { 32 };
    let pages_max = 1u128 << (address_bits - ty.page_size_log2);
    let pages_max = pages_max.min(u128::from(ty.maximum.unwrap_or(u64::MAX)));
    let bytes = u128::from(new) << ty.page_size_log2;
    let fits = u128::from(new) <= pages_max && bytes <= u128::from(bytes_max);
    fits.then_some(bytes as usize)
}

fn too_large(pages: u64) -> Error {
    Error::limit(
        LimitKind::MemoryBytes,
        format!("a memory of {pages} pages is above the limit"),
    )
}

/// Address space for one memory. Only `[base, base + committed)` is accessible.
#[derive(Debug)]
struct Reservation {
    base: usize,
    reserved_bytes: usize,
    committed_bytes: usize,
}

impl Reservation {
    fn take(bytes: usize) -> Result<Reservation> {
        let reserved_bytes = round_up(bytes.max(1));
        let pooled = (reserved_bytes == GUARD_RESERVATION_BYTES)
            .then(|| lock_pool().pop())
            .flatten();
        let base = match pooled {
            Some(base) => base,
            None => map(reserved_bytes, libc::PROT_NONE)?,
        };
        Ok(Reservation {
            base,
            reserved_bytes,
            committed_bytes: 0,
        })
    }

    /// Makes the first `bytes`, rounded up, accessible; they never shrink while the memory lives.
    fn commit(&mut self, bytes: usize) -> bool {
        let bytes = round_up(bytes);
        if bytes > self.reserved_bytes {
            return false;
        }
        if bytes > self.committed_bytes {
            let start = self.base + self.committed_bytes;
            if !commit(start, bytes - self.committed_bytes) {
                return false;
            }
            self.committed_bytes = bytes;
        }
        true
    }

    /// Gives the contents back to the system and makes everything inaccessible again, by mapping
    /// the committed prefix anew.
    fn reset(&mut self) -> bool {
        if self.committed_bytes == 0 {
            return true;
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        let base = self.base as *mut libc::c_void;
        // SAFETY: the range is this reservation's own prefix; no memory uses it any more.
        let new = unsafe { libc::mmap(base, self.committed_bytes, libc::PROT_NONE, flags, -1, 0) };
        self.committed_bytes = 0;
        new == base
    }
}

fn lock_pool() -> std::sync::MutexGuard<'static, Vec<usize>> {
    POOL.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.reserved_bytes == GUARD_RESERVATION_BYTES
            && lock_pool().len() < POOL_MAX
            && self.reset()
        {
            lock_pool().push(self.base);
        } else {
            unmap(self.base, self.reserved_bytes);
        }
    }
}

/// Bytes mapped at an exact size, rounded up to the system's pages.
#[derive(Debug)]
struct Mapping {
    base: usize,
    mapped_bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> Result<Mapping> {
        let mapped_bytes = round_up(bytes);
        let base = if mapped_bytes == 0 {
            align_of::<u128>()
        } else {
            map(mapped_bytes, libc::PROT_READ | libc::PROT_WRITE)?
        };
        Ok(Mapping { base, mapped_bytes })
    }

    /// Grows, keeping the contents; new bytes are zero.
    fn resize(&mut self, bytes: usize) -> bool {
        let wanted = round_up(bytes);
        if wanted <= self.mapped_bytes {
            return true;
        }
        if self.mapped_bytes > 0 {
            return self.enlarge(wanted);
        }
        let Ok(new) = Mapping::new(bytes) else {
            return false;
        };
        *self = new;
        true
    }

    /// The system moves the pages without a copy. Pages that were never touched stay untouched.
    #[cfg(target_os = "linux")]
    fn enlarge(&mut self, wanted: usize) -> bool {
        let (base, flags) = (self.base as *mut libc::c_void, libc::MREMAP_MAYMOVE);
        // SAFETY: the mapping is ours; whoever reads `base` next reads it anew.
        let new = unsafe { libc::mremap(base, self.mapped_bytes, wanted, flags) };
        if new == libc::MAP_FAILED {
            return false;
        }
        (self.base, self.mapped_bytes) = (new as usize, wanted);
        true
    }

    #[cfg(not(target_os = "linux"))]
    fn enlarge(&mut self, wanted: usize) -> bool {
        let Ok(new) = Mapping::new(wanted) else {
            return false;
        };
        let (from, to) = (self.base as *const u8, new.base as *mut u8);
        // SAFETY: both are mapped, `to` for at least as many bytes; they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(from, to, self.mapped_bytes) };
        *self = new;
        true
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.mapped_bytes > 0 {
            unmap(self.base, self.mapped_bytes);
        }
    }
}

fn round_up(bytes: usize) -> usize {
    const SYSTEM_PAGE_BYTES_MAX: usize = 65_536;
    bytes.next_multiple_of(SYSTEM_PAGE_BYTES_MAX)
}

/// Reserves address space without any access: its address.
///
/// # Errors
/// `Limit` if the system refuses.
pub(crate) fn reserve(bytes: usize) -> Result<usize> {
    map(bytes, libc::PROT_NONE)
}

/// Makes a part of a reservation accessible, zeroed where it has not been before.
pub(crate) fn commit(start: usize, bytes: usize) -> bool {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the caller owns the reservation that the range lies in; no access is taken away.
    unsafe { libc::mprotect(start as *mut libc::c_void, bytes, access) == 0 }
}

/// Gives the contents of an accessible part of a reservation back to the system: it reads as zero.
pub(crate) fn discard(start: usize, bytes: usize) {
    // SAFETY: the caller owns the range and needs its contents no more.
    unsafe { libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_DONTNEED) };
}

fn map(bytes: usize, access: libc::c_int) -> Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping; no existing memory is touched.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        let cause = std::io::Error::last_os_error();
        return Err(Error::limit(
            LimitKind::System,
            format!("cannot map {bytes} bytes: {cause}"),
        ));
    }
    Ok(base as usize)
}

/// Gives a mapping back.
pub(crate) fn unmap(base: usize, bytes: usize) {
    // SAFETY: the caller owns the mapping and nothing refers to it any more.
    unsafe { libc::munmap(base as *mut libc::c_void, bytes) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_growth(guarded: bool) {
        let ty = MemoryType::new(1, Some(3));
        let mut memory = MemoryData::new(ty, guarded, 1 << 30).expect("a page can be mapped");
        assert_eq!(memory.is_guarded(), guarded);
        memory.data_mut()[65_535] = 7;
        assert_eq!(memory.grow(2), Some(1));
        assert_eq!(memory.grow(1), None, "the declared maximum holds");
        assert_eq!((memory.pages(), memory.data()[65_535]), (3, 7));
        assert!(memory.data()[65_536..].iter().all(|&b| b == 0));
    }

    #[test]
    fn grows_and_keeps_its_contents() {
        check_growth(false);
        check_growth(true);
    }

    #[test]
    fn a_reused_reservation_is_zero() {
        for _ in 0..3 {
            let mut memory =
                MemoryData::new(MemoryType::new(1, None), true, 1 << 30).expect("can be mapped");
            assert!(memory.data().iter().all(|&b| b == 0));
            memory.data_mut().fill(0xff);
        }
    }

    #[test]
    fn limits_hold() {
        assert!(MemoryData::new(MemoryType::new(2, None), false, 65_536).is_err());
        let mut memory = MemoryData::new(MemoryType::new(1, None), false, 65_536).expect("fits");
        assert_eq!(memory.grow(1), None);
        assert_eq!(memory.grow(0), Some(1));
        let mut empty = MemoryData::new(MemoryType::new(0, Some(0)), false, 65_536).expect("fits");
        assert_eq!((empty.grow(1), empty.data().len()), (None, 0));
    }
}
