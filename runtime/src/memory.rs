//! Linear memories (spec: "Memory Instances"): reservation, growth, guard pages.
//!
//! A guarded memory reserves all that a 32-bit index plus a 32-bit offset can reach and commits
//! its prefix, so that compiled code needs no bounds checks; its base never moves. Any other
//! memory is mapped at its exact size and may move when it grows. Reservations are kept for
//! reuse, since making them is slow under emulation. Owns the system calls for memory mapping;
//! `unsafe` here is for those.

use std::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::GUARD_RESERVATION_BYTES;
use crate::module::MemoryType;
use crate::vm::MemoryInst;

/// How many unused reservations are kept.
const POOL_MAX: usize = 64;

static POOL: Mutex<Vec<Reservation>> = Mutex::new(Vec::new());

/// A memory and its backing. `inst` is what code sees.
#[derive(Debug)]
#[repr(C)]
pub struct Memory {
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
    /// Mapped at its length; nothing at length 0.
    Exact(Mapping),
}

impl Memory {
    /// A zeroed memory of its initial size.
    ///
    /// # Errors
    /// `Limit` if the initial size is above `bytes_max` or cannot be mapped.
    pub fn new(ty: MemoryType, guarded: bool, bytes_max: u64) -> Result<Box<Memory>> {
        let page_bytes = 1u64 << ty.page_size_log2;
        let bytes = ty
            .initial
            .checked_mul(page_bytes)
            .filter(|&n| n <= bytes_max);
        let Some(bytes) = bytes else {
            return Err(too_large(ty.initial));
        };
        let backing = if guarded && Memory::can_guard(&ty) {
            Backing::Guarded(Reservation::take()?)
        } else {
            Backing::Exact(Mapping::new(0)?)
        };
        let inst = MemoryInst {
            base: std::ptr::null_mut(),
            len_bytes: 0,
        };
        let mut memory = Box::new(Memory {
            inst,
            ty,
            backing,
            bytes_max,
        });
        memory.inst.base = memory.base();
        if !memory.set_len(bytes as usize) {
            return Err(too_large(ty.initial));
        }
        Ok(memory)
    }

    /// Whether a memory of this type can do without bounds checks: 32-bit indices, and a page
    /// size that the system's protection granularity divides.
    pub fn can_guard(ty: &MemoryType) -> bool {
        !ty.is64 && ty.page_size_log2 == crate::limits::PAGE_SIZE_BYTES.trailing_zeros()
    }

    /// Whether compiled code may leave out bounds checks.
    pub fn is_guarded(&self) -> bool {
        matches!(self.backing, Backing::Guarded(_))
    }

    /// The size in pages.
    pub fn pages(&self) -> u64 {
        (self.inst.len_bytes >> self.ty.page_size_log2) as u64
    }

    /// Grows by `delta` pages: the old size in pages, or `None` if it cannot (spec: `memory.grow`).
    pub fn grow(&mut self, delta: u64) -> Option<u64> {
        let old = self.pages();
        let new = old.checked_add(delta)?;
        let address_bits = if self.ty.is64 { 64 } else { 32 };
        let pages_max = 1u128 << (address_bits - self.ty.page_size_log2);
        let pages_max = pages_max.min(u128::from(self.ty.maximum.unwrap_or(u64::MAX)));
        let bytes = u128::from(new) << self.ty.page_size_log2;
        if u128::from(new) > pages_max || bytes > u128::from(self.bytes_max) {
            return None;
        }
        self.set_len(bytes as usize).then_some(old)
    }

    /// The contents.
    pub fn data(&self) -> &[u8] {
        if self.inst.len_bytes == 0 {
            return &[];
        }
        // SAFETY: `base` points to `len_bytes` committed bytes, which `self` owns.
        unsafe { std::slice::from_raw_parts(self.inst.base, self.inst.len_bytes) }
    }

    /// The contents, to write.
    pub fn data_mut(&mut self) -> &mut [u8] {
        if self.inst.len_bytes == 0 {
            return &mut [];
        }
        // SAFETY: as in `data`; `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.inst.base, self.inst.len_bytes) }
    }

    fn base(&self) -> *mut u8 {
        match &self.backing {
            Backing::Guarded(r) => r.base as *mut u8,
            Backing::Exact(m) => m.base as *mut u8,
        }
    }

    fn set_len(&mut self, bytes: usize) -> bool {
        let done = match &mut self.backing {
            Backing::Guarded(r) => r.commit(bytes),
            Backing::Exact(m) => m.resize(bytes),
        };
        if done {
            self.inst.base = self.base();
            self.inst.len_bytes = bytes;
        }
        done
    }
}

fn too_large(pages: u64) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("a memory of {pages} pages is above the limit"),
    )
}

/// Address space for one guarded memory. Only `[base, base + committed)` is accessible.
#[derive(Debug)]
struct Reservation {
    base: usize,
    committed_bytes: usize,
}

impl Reservation {
    fn take() -> Result<Reservation> {
        let pooled = POOL
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .pop();
        match pooled {
            Some(reservation) => Ok(reservation),
            None => {
                let base = map(GUARD_RESERVATION_BYTES, libc::PROT_NONE)?;
                Ok(Reservation {
                    base,
                    committed_bytes: 0,
                })
            }
        }
    }

    /// Makes the first `bytes` accessible; they never shrink while the memory lives.
    fn commit(&mut self, bytes: usize) -> bool {
        if bytes > self.committed_bytes {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let start = (self.base + self.committed_bytes) as *mut libc::c_void;
            // SAFETY: the range lies inside this reservation, which nothing else maps.
            let done = unsafe { libc::mprotect(start, bytes - self.committed_bytes, access) };
            if done != 0 {
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

impl Drop for Memory {
    fn drop(&mut self) {
        let Backing::Guarded(reservation) = &mut self.backing else {
            return;
        };
        let mut pool = POOL
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if pool.len() < POOL_MAX && reservation.reset() {
            pool.push(Reservation {
                base: reservation.base,
                committed_bytes: 0,
            });
        } else {
            unmap(reservation.base, GUARD_RESERVATION_BYTES);
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
        let Ok(new) = Mapping::new(bytes) else {
            return false;
        };
        if self.mapped_bytes > 0 {
            let (from, to) = (self.base as *const u8, new.base as *mut u8);
            // SAFETY: both are mapped, `to` for at least as many bytes; they do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(from, to, self.mapped_bytes) };
        }
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

fn map(bytes: usize, access: libc::c_int) -> Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping; no existing memory is touched.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        let cause = std::io::Error::last_os_error();
        return Err(Error::new(
            ErrorKind::Limit,
            format!("cannot map {bytes} bytes: {cause}"),
        ));
    }
    Ok(base as usize)
}

fn unmap(base: usize, bytes: usize) {
    // SAFETY: the caller owns the mapping and nothing refers to it any more.
    unsafe { libc::munmap(base as *mut libc::c_void, bytes) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_growth(guarded: bool) {
        let ty = MemoryType::new(1, Some(3));
        let mut memory = Memory::new(ty, guarded, 1 << 30).expect("a page can be mapped");
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
                Memory::new(MemoryType::new(1, None), true, 1 << 30).expect("can be mapped");
            assert!(memory.data().iter().all(|&b| b == 0));
            memory.data_mut().fill(0xff);
        }
    }

    #[test]
    fn limits_hold() {
        assert!(Memory::new(MemoryType::new(2, None), false, 65_536).is_err());
        let mut memory = Memory::new(MemoryType::new(1, None), false, 65_536).expect("fits");
        assert_eq!(memory.grow(1), None);
        assert_eq!(memory.grow(0), Some(1));
        let mut empty = Memory::new(MemoryType::new(0, Some(0)), false, 65_536).expect("fits");
        assert_eq!((empty.grow(1), empty.data().len()), (None, 0));
    }
}
