//! Linear memories (spec: "Memory Instances"): reservation, growth, guard pages.
//!
//! A guarded memory reserves all that a 32-bit index plus a 32-bit offset can reach and commits
//! its prefix, so that compiled code needs no bounds checks; its base never moves. Nor does that of
//! a shared memory (`memory/shared.rs`), which reserves its maximum. Any other memory is mapped at
//! its exact size and may move when it grows. `memory/space.rs` makes reservations and mappings;
//! `unsafe` here follows their addresses.

mod shared;
pub(crate) mod space;
mod waiters;

pub use shared::SharedMemory;
pub use waiters::Waited;

use space::{Mapping, Reservation};

use crate::error::{Error, Result};
use crate::limits::{GUARD_RESERVATION_BYTES, LimitKind};
use crate::module::MemoryType;
use crate::vm::MemoryInst;

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
            Backing::Guarded(r) => r.base() as *mut u8,
            Backing::Exact(m) => m.base() as *mut u8,
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
