//! Memory for machine code: written, then made executable, then published, never writable again.
//!
//! Owns the mapping (W^X), the cache maintenance that publishing takes, and the tables by which the
//! fault handler (`fault.rs`) and the frame walk (`walk.rs`) know code. A region goes, with its
//! tables, when its owner drops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::arm64::asm::Pad;
use super::code::regions::{self, Region};
use crate::error::{Error, Result};
use crate::limits::LimitKind;
use crate::module::WeakModule;

/// Machine code that can be run.
#[derive(Debug)]
pub struct CodeMemory {
    base: usize,
    mapped_bytes: usize,
    region: Arc<Region>,
    budget: Arc<Budget>,
}

/// How many bytes may still be mapped for code.
#[derive(Debug)]
pub struct Budget {
    max: u64,
    left: AtomicU64,
}

impl Budget {
    /// For so many bytes together.
    pub fn new(max: u64) -> Arc<Budget> {
        Arc::new(Budget {
            max,
            left: AtomicU64::new(max),
        })
    }

    fn take(&self, bytes: usize) -> Result<()> {
        let take = |left: u64| left.checked_sub(bytes as u64);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(|_| ()).map_err(|left| {
            let max = self.max;
            let message = format!("{bytes} bytes are needed, {left} of {max} are left");
            Error::limit(LimitKind::Code, message)
        })
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes as u64, Ordering::Relaxed);
    }
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
    /// Calls from which exceptions go on in the same function, in ascending order.
    pub pads: Vec<Pad>,
    /// The handlers of the pads.
    pub handlers: Vec<Handler>,
}

/// What a handler catches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// The one around it, by index.
    pub outer: Option<u32>,
    /// The tag of each clause, by index in its module; none of one that catches all.
    pub tags: Vec<Option<u32>>,
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
    /// `Limit` if it is more than the budget has left, or the system gives no memory, or does not
    /// let it be executed.
    pub fn publish(bytes: &[u8], tables: Tables, budget: &Arc<Budget>) -> Result<CodeMemory> {
        let mapped_bytes = bytes.len().max(1).next_multiple_of(system::page_bytes());
        budget.take(mapped_bytes)?;
        let base = system::executable(bytes, mapped_bytes)
            .inspect_err(|_| budget.give_back(mapped_bytes))?;
        let region = Arc::new(Region {
            start: base,
            end: base + bytes.len(),
            tables,
        });
        regions::register(region.clone());
        Ok(CodeMemory {
            base,
            mapped_bytes,
            region,
            budget: budget.clone(),
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
        regions::unregister(&self.region);
        system::unmap(self.base, self.mapped_bytes);
        self.budget.give_back(self.mapped_bytes);
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
    const PAGE_BYTES_MAX: usize = 65_536;

    /// The size of a page.
    pub(super) fn page_bytes() -> usize {
        // SAFETY: asks for a number.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(bytes).unwrap_or(PAGE_BYTES_MAX)
    }

    #[cfg(target_vendor = "apple")]
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_JIT;
    #[cfg(target_vendor = "apple")]
    const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    #[cfg(not(target_vendor = "apple"))]
    const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    #[cfg(not(target_vendor = "apple"))]
    const ACCESS: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;

    /// A new mapping that begins with the bytes, to be executed.
    pub(super) fn executable(bytes: &[u8], mapped_bytes: usize) -> Result<usize> {
        let base = map(mapped_bytes)?;
        match write(base, bytes, mapped_bytes) {
            Ok(()) => Ok(base),
            Err(error) => {
                unmap(base, mapped_bytes);
                Err(error)
            }
        }
    }

    fn map(bytes: usize) -> Result<usize> {
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
    fn write(base: usize, bytes: &[u8], mapped_bytes: usize) -> Result<()> {
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
    fn write(base: usize, bytes: &[u8], _mapped_bytes: usize) -> Result<()> {
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
    /// code"): clean to the point of unification, invalidate, synchronise. The caches of all cores
    /// are one domain for this; what another thread may have fetched already of code that was at
    /// these addresses before, only a context synchronisation event of its own drops (B2.2.5).
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
        synchronise_threads();
    }

    /// Has every running thread of the process execute a context synchronisation event; those that
    /// do not run come back through one. Where the system has no such call (Linux before 4.16, some
    /// emulators), what hands code to another thread ends in one by far most of the time, for it
    /// enters the system; the engine's own locks do not promise it.
    #[cfg(all(
        target_arch = "aarch64",
        any(target_os = "linux", target_os = "android")
    ))]
    fn synchronise_threads() {
        static IS_REGISTERED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        let call = |command: libc::c_int| {
            // SAFETY: this call touches no memory.
            unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
        };
        let register = libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
        if *IS_REGISTERED.get_or_init(|| call(register)) {
            call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
        }
    }

    #[cfg(all(
        target_arch = "aarch64",
        not(target_vendor = "apple"),
        not(any(target_os = "linux", target_os = "android"))
    ))]
    fn synchronise_threads() {}

    /// Other hosts do not execute the code.
    #[cfg(all(not(target_arch = "aarch64"), not(target_vendor = "apple")))]
    fn publish(_start: usize, _bytes: usize) {}
}
