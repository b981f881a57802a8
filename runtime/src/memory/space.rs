//! Address space: reservations, of which a prefix is accessible, and mappings of an exact size.
//!
//! A reservation keeps its base while it lives. In its whole range there is nothing else, so that
//! an access beyond the accessible prefix faults. There are two schemes, one for a process:
//! - The range is mapped without access. Unused ranges are kept for reuse.
//! - Sparse ([`use_sparse_scheme`]): only the prefix is mapped, in a slot of a range of addresses
//!   that systems do not give to anyone who does not ask for them. This is for emulators that keep
//!   a record of each mapped page: a guarded memory costs 49 MB and 60 ms in QEMU 7.2 if it is
//!   mapped, and 40 KB if it is sparse.
//!
//! Owns the system calls for memory mapping; `unsafe` here is for those.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::limits::{GUARD_RESERVATION_BYTES, LimitKind};

/// The number of unused mapped reservations that are kept.
const UNUSED_MAX: usize = 64;

/// The first address of sparse reservations: far below where systems put stacks and mappings of
/// 47-bit address spaces, and far above what grows from the bottom.
const SPARSE_START: usize = 0x2000_0000_0000;
/// The end of sparse reservations.
const SPARSE_END: usize = 0x5000_0000_0000;
/// The unit of sparse reservations: a guarded memory takes one, a larger one takes several.
const SLOT_BYTES: usize = GUARD_RESERVATION_BYTES.next_multiple_of(1 << 20);

static IS_SPARSE: AtomicBool = AtomicBool::new(false);
static POOL: Mutex<Pool> = Mutex::new(Pool {
    unused: Vec::new(),
    free_slots: Vec::new(),
    next_slot: SPARSE_START,
});

/// Makes reservations sparse from now on. Nothing else in the process may ask for addresses from
/// `0x2000_0000_0000` to `0x5000_0000_0000`.
pub fn use_sparse_scheme() {
    IS_SPARSE.store(true, Ordering::Relaxed);
}

/// Reservations that can be used again, all without an accessible byte.
struct Pool {
    /// Mapped ones: base and bytes.
    unused: Vec<(usize, usize)>,
    /// Sparse ones: base and slots. The one that was in use last is first: emulators know its
    /// pages.
    free_slots: Vec<(usize, usize)>,
    /// The first slot that has never been in use.
    next_slot: usize,
}

impl Pool {
    /// Takes neighbouring slots: the address of the first one.
    fn take_slots(&mut self, count: usize) -> Option<usize> {
        let is_it = |&(_, free): &(usize, usize)| free == count;
        if let Some(at) = self.free_slots.iter().rposition(is_it) {
            return Some(self.free_slots.remove(at).0);
        }
        let first = self.next_slot;
        let end = first.checked_add(count.checked_mul(SLOT_BYTES)?)?;
        (end <= SPARSE_END).then(|| {
            self.next_slot = end;
            first
        })
    }

    fn take_unused(&mut self, bytes: usize) -> Option<usize> {
        let is_it = |&(_, reserved): &(usize, usize)| reserved == bytes;
        let at = self.unused.iter().rposition(is_it)?;
        Some(self.unused.swap_remove(at).0)
    }
}

fn lock_pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Address space of which `[base, base + committed)` is accessible.
#[derive(Debug)]
pub(crate) struct Reservation {
    base: usize,
    reserved_bytes: usize,
    committed_bytes: usize,
    is_sparse: bool,
}

impl Reservation {
    /// A reservation of at least `bytes`, rounded up to pages of any system.
    ///
    /// # Errors
    /// `Limit` if the address space is used up.
    pub(crate) fn take(bytes: usize) -> Result<Reservation> {
        let reserved_bytes = round_up(bytes.max(1));
        let is_sparse = IS_SPARSE.load(Ordering::Relaxed);
        let base = if is_sparse {
            let used_up = || Error::limit(LimitKind::System, "all reservations are in use");
            let count = reserved_bytes.div_ceil(SLOT_BYTES);
            lock_pool().take_slots(count).ok_or_else(used_up)?
        } else {
            let unused = lock_pool().take_unused(reserved_bytes);
            match unused {
                Some(base) => base,
                None => map(None, reserved_bytes, libc::PROT_NONE)?,
            }
        };
        Ok(Reservation {
            base,
            reserved_bytes,
            committed_bytes: 0,
            is_sparse,
        })
    }

    /// The address of the first byte.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Makes the first `bytes`, rounded up, accessible; they never shrink while the reservation
    /// lives. New bytes are zero.
    pub(crate) fn commit(&mut self, bytes: usize) -> bool {
        let bytes = round_up(bytes);
        if bytes > self.reserved_bytes {
            return false;
        }
        if bytes > self.committed_bytes {
            let start = self.base + self.committed_bytes;
            if !self.make_accessible(start, bytes - self.committed_bytes) {
                return false;
            }
            self.committed_bytes = bytes;
        }
        true
    }

    fn make_accessible(&self, start: usize, bytes: usize) -> bool {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        if !self.is_sparse {
            // SAFETY: the range is part of this reservation; no access is taken away.
            return unsafe { libc::mprotect(start as *mut libc::c_void, bytes, access) == 0 };
        }
        match map(Some(start), bytes, access) {
            Ok(base) if base == start => true,
            Ok(elsewhere) => {
                unmap(elsewhere, bytes);
                false
            }
            Err(_refused) => false,
        }
    }

    /// Gives the contents back to the system and makes everything inaccessible again: true if that
    /// is done.
    fn reset(&mut self) -> bool {
        let bytes = std::mem::take(&mut self.committed_bytes);
        if bytes == 0 {
            return true;
        }
        if self.is_sparse {
            unmap(self.base, bytes);
            return true;
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        let base = self.base as *mut libc::c_void;
        // SAFETY: the range is this reservation's own prefix, which nobody uses any more.
        unsafe { libc::mmap(base, bytes, libc::PROT_NONE, flags, -1, 0) == base }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let is_reset = self.reset();
        if self.is_sparse {
            let count = self.reserved_bytes.div_ceil(SLOT_BYTES);
            lock_pool().free_slots.push((self.base, count));
            return;
        }
        let mut pool = lock_pool();
        if is_reset && pool.unused.len() < UNUSED_MAX {
            pool.unused.push((self.base, self.reserved_bytes));
        } else {
            unmap(self.base, self.reserved_bytes);
        }
    }
}

/// Bytes mapped at an exact size, rounded up to the system's pages.
#[derive(Debug)]
pub(super) struct Mapping {
    base: usize,
    mapped_bytes: usize,
}

impl Mapping {
    pub(super) fn new(bytes: usize) -> Result<Mapping> {
        let mapped_bytes = round_up(bytes);
        let base = if mapped_bytes == 0 {
            align_of::<u128>()
        } else {
            map(None, mapped_bytes, libc::PROT_READ | libc::PROT_WRITE)?
        };
        Ok(Mapping { base, mapped_bytes })
    }

    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Grows, keeping the contents; new bytes are zero.
    pub(super) fn resize(&mut self, bytes: usize) -> bool {
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

/// Gives the contents of an accessible part of a reservation back to the system: it reads as zero.
pub(crate) fn discard(start: usize, bytes: usize) {
    // SAFETY: the caller owns the range and needs its contents no more.
    unsafe { libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_DONTNEED) };
}

/// Maps fresh bytes, if possible at an address: where they are.
fn map(wish: Option<usize>, bytes: usize, access: libc::c_int) -> Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let wish = wish.unwrap_or(0) as *mut libc::c_void;
    // SAFETY: a fresh anonymous mapping; no existing memory is touched, since the wish does not
    // bind the system.
    let base = unsafe { libc::mmap(wish, bytes, access, flags, -1, 0) };
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
fn unmap(base: usize, bytes: usize) {
    // SAFETY: the caller owns the mapping and nothing refers to it any more.
    unsafe { libc::munmap(base as *mut libc::c_void, bytes) };
}

/// The most bytes that this process has had in memory at any time, as far as the system tells.
pub fn peak_resident_bytes() -> u64 {
    // SAFETY: all-zero is a valid value, which the call fills in.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable for the call.
    let done = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) == 0 };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    if done { peak * unit } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(reservation: &mut Reservation) -> &mut [u8] {
        let first = reservation.base as *mut u8;
        // SAFETY: the prefix is accessible, and nothing else uses the reservation.
        unsafe { std::slice::from_raw_parts_mut(first, reservation.committed_bytes) }
    }

    /// A reservation of the scheme, whatever the process uses.
    fn taken(is_sparse: bool) -> Reservation {
        if !is_sparse {
            return Reservation::take(GUARD_RESERVATION_BYTES).expect("address space");
        }
        let base = lock_pool().take_slots(1).expect("a slot");
        Reservation {
            base,
            reserved_bytes: GUARD_RESERVATION_BYTES,
            committed_bytes: 0,
            is_sparse,
        }
    }

    #[test]
    fn reservations_grow_in_place_and_are_zero_when_used_again() {
        for is_sparse in [false, true] {
            for _ in 0..3 {
                let mut reservation = taken(is_sparse);
                assert!(reservation.commit(70_000));
                assert!(bytes_of(&mut reservation).iter().all(|&byte| byte == 0));
                bytes_of(&mut reservation).fill(7);
                assert!(reservation.commit(1 << 20));
                let bytes = bytes_of(&mut reservation);
                assert_eq!(
                    (bytes.len(), bytes[131_071], bytes[131_072]),
                    (1 << 20, 7, 0)
                );
                assert!(!reservation.commit(GUARD_RESERVATION_BYTES + 1));
            }
        }
    }

    /// Reservations of several slots lie apart from all others, and are used again as wholes.
    #[test]
    fn large_sparse_reservations_take_several_slots() {
        let mut pool = Pool {
            unused: Vec::new(),
            free_slots: Vec::new(),
            next_slot: SPARSE_START,
        };
        assert_eq!(pool.take_slots(3), Some(SPARSE_START));
        assert_eq!(pool.take_slots(1), Some(SPARSE_START + 3 * SLOT_BYTES));
        pool.free_slots.push((SPARSE_START, 3));
        assert_eq!(pool.take_slots(1), Some(SPARSE_START + 4 * SLOT_BYTES));
        assert_eq!(pool.take_slots(3), Some(SPARSE_START));
        assert_eq!(pool.take_slots(usize::MAX), None);
        assert_eq!(pool.take_slots(SPARSE_END / SLOT_BYTES), None);
    }

    /// What another part of the process has mapped is never taken over.
    #[test]
    fn a_slot_that_is_in_use_gives_no_memory() {
        let mut first = taken(true);
        assert!(first.commit(65_536));
        bytes_of(&mut first)[9] = 9;
        let mut second = Reservation {
            base: first.base,
            reserved_bytes: GUARD_RESERVATION_BYTES,
            committed_bytes: 0,
            is_sparse: true,
        };
        assert!(!second.commit(65_536));
        assert_eq!(bytes_of(&mut first)[9], 9);
        std::mem::forget(second);
    }
}
