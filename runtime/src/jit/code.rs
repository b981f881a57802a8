//! Memory for machine code: written, then made executable, then published, never writable again.
//!
//! Owns the mapping (W^X), the cache maintenance that publishing takes, and the tables by which the
//! fault handler (`fault.rs`) and the frame walk (`walk.rs`) know code. A region goes, with its
//! tables, when its owner drops it.

use std::sync::Arc;

use super::fault::{self, Region};
use crate::error::{Error, Result};
use crate::limits::LimitKind;
use crate::module::WeakModule;

/// Machine code that can be run.
#[derive(Debug)]
pub struct CodeMemory {
    base: usize,
    mapped_bytes: usize,
    region: Arc<Region>,
}

/// What is known of a region's code by offset from its start. It goes with the code.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The module that the code is of; none for adapters.
    pub module: Option<WeakModule>,
    /// Accesses that may fault, in ascending order.
    pub sites: Vec<FaultSite>,
    /// Where a guarded access that misses its memory goes on.
    pub fault_exit: u32,
    /// Runs of code with one shape of frame, in ascending order; each ends where the next begins.
    pub pieces: Vec<Piece>,
    /// Source positions: from this offset on, the code is of this byte of the module.
    pub sources: Vec<(u32, u32)>,
}

/// A run of code with one shape of frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Offset of its first byte.
    pub start: u32,
    /// What code it is.
    pub what: What,
    /// The size of its frame in bytes.
    pub frame_bytes: u32,
    /// Whether the link register is saved, at `sp`; else it still holds the return address.
    pub saves_link: bool,
}

/// What a piece of code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A function, by function index.
    Func(u32),
    /// The way out of a function that finds no room for its frame: it is not entered.
    NoRoom,
    /// The adapter by which a host function is called.
    Host,
    /// What all functions of a module share: it leaves frames as they are.
    Shared,
    /// The entry of functions from outside: its caller is no compiled code.
    Entry,
}

/// An access that may fault, as an offset of its instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultSite {
    /// Offset of the instruction in bytes.
    pub offset: u32,
    /// The guarded memory that it accesses.
    pub memory: u32,
}

impl CodeMemory {
    /// Publishes code with what is known of it.
    ///
    /// # Errors
    /// `Limit` if the system gives no memory, or does not let it be executed.
    pub fn publish(bytes: &[u8], tables: Tables) -> Result<CodeMemory> {
        let mapped_bytes = bytes.len().next_multiple_of(system::PAGE_BYTES_MAX).max(1);
        let base = system::map(mapped_bytes)?;
        if let Err(error) = system::write(base, bytes, mapped_bytes) {
            system::unmap(base, mapped_bytes);
            return Err(error);
        }
        let region = Arc::new(Region {
            start: base,
            end: base + bytes.len(),
            tables,
        });
        fault::register(region.clone());
        Ok(CodeMemory {
            base,
            mapped_bytes,
            region,
        })
    }

    /// The address of the byte at an offset.
    pub fn address(&self, offset: u32) -> *const u8 {
        debug_assert!((offset as usize) < self.mapped_bytes);
        (self.base + offset as usize) as *const u8
    }

    /// The first address and the one after the last.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.base..self.base + self.mapped_bytes
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        fault::unregister(&self.region);
        system::unmap(self.base, self.mapped_bytes);
    }
}

fn failed(what: &str) -> Error {
    let cause = std::io::Error::last_os_error();
    Error::limit(
        LimitKind::System,
        format!("cannot {what} memory for code: {cause}"),
    )
}

/// The system calls.
mod system {
    use super::{Result, failed};

    /// No system's pages are larger.
    pub(super) const PAGE_BYTES_MAX: usize = 65_536;

    #[cfg(target_vendor = "apple")]
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_JIT;
    #[cfg(target_vendor = "apple")]
    const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    #[cfg(not(target_vendor = "apple"))]
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    #[cfg(not(target_vendor = "apple"))]
    const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;

    pub(super) fn map(bytes: usize) -> Result<usize> {
        // SAFETY: a fresh anonymous mapping; no existing memory is touched.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, ACCESS, FLAGS, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(failed("map"));
        }
        Ok(base as usize)
    }

    pub(super) fn unmap(base: usize, bytes: usize) {
        // SAFETY: the caller owns the mapping; nothing executes in it or refers to it any more.
        unsafe { libc::munmap(base as *mut libc::c_void, bytes) };
    }

    /// Writes code at the start of a fresh mapping and makes the mapping executable.
    #[cfg(not(target_vendor = "apple"))]
    pub(super) fn write(base: usize, bytes: &[u8], mapped_bytes: usize) -> Result<()> {
        let access = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: the mapping is fresh, writable and at least as long as `bytes`; after the copy
        // nothing writes to it any more.
        let done = unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), base as *mut u8, bytes.len());
            libc::mprotect(base as *mut libc::c_void, mapped_bytes, access)
        };
        if done != 0 {
            return Err(failed("protect"));
        }
        publish(base, bytes.len());
        Ok(())
    }

    /// As above, by the per-thread switch of this system.
    #[cfg(target_vendor = "apple")]
    pub(super) fn write(base: usize, bytes: &[u8], _mapped_bytes: usize) -> Result<()> {
        unsafe extern "C" {
            fn sys_icache_invalidate(start: *mut libc::c_void, len: libc::size_t);
        }
        // SAFETY: the mapping is fresh, made with MAP_JIT, and at least as long as `bytes`; the
        // switch is turned back before anything can execute it.
        unsafe {
            libc::pthread_jit_write_protect_np(0);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), base as *mut u8, bytes.len());
            libc::pthread_jit_write_protect_np(1);
            sys_icache_invalidate(base as *mut libc::c_void, bytes.len());
        }
        Ok(())
    }

    /// Makes what was written visible to instruction fetch (Arm ARM B2.7.4.2, "Self-modifying
    /// code"): clean to the point of unification, invalidate, synchronise.
    #[cfg(all(target_arch = "aarch64", not(target_vendor = "apple")))]
    fn publish(start: usize, bytes: usize) {
        use std::arch::asm;
        let ctr: usize;
        // SAFETY: reading the cache type register, which Linux allows, has no effect.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack)) };
        let (data_line, code_line) = (4 << (ctr >> 16 & 15), 4 << (ctr & 15));
        let lines = |line: usize| (start & !(line - 1)..start + bytes).step_by(line);
        for address in lines(data_line) {
            // SAFETY: cache maintenance by address on memory that this function's caller owns.
            unsafe { asm!("dc cvau, {}", in(reg) address, options(nostack)) };
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack)) };
        for address in lines(code_line) {
            // SAFETY: as above.
            unsafe { asm!("ic ivau, {}", in(reg) address, options(nostack)) };
        }
        // SAFETY: barriers.
        unsafe { asm!("dsb ish", "isb", options(nostack)) };
    }

    /// Other hosts do not execute the code.
    #[cfg(all(not(target_arch = "aarch64"), not(target_vendor = "apple")))]
    fn publish(_start: usize, _bytes: usize) {}
}
