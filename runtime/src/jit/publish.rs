//! Memory for machine code: written, then made executable, then published, never writable again.
//!
//! Owns the mapping (W^X) and the order of the steps: the target makes what was written visible to
//! instruction fetch, the fault handler (`publish/fault.rs`) and the frame walk find the tables in
//! `code/regions.rs`. A region goes, with its tables, when its owner drops it.

mod fault;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::code::regions::{self, Region};
use super::code::tables::{PieceKind, Tables};
use super::target::Target;
use crate::engine::Config;
use crate::error::{Error, Result};
use crate::limits::LimitKind;
use crate::module::WeakModuleParts;
use crate::perf_map::PerfMap;

/// Machine code that can be run.
#[derive(Debug)]
pub struct CodeMemory {
    base: usize,
    mapped_bytes: usize,
    region: Arc<Region>,
    budget: Arc<Budget>,
}

/// The number of bytes that may still be mapped for code.
#[derive(Debug)]
pub struct Budget {
    max: u64,
    left: AtomicU64,
    /// The file that names the code.
    perf_map: Option<&'static PerfMap>,
}

impl Budget {
    /// A budget of so many bytes.
    #[cfg(test)]
    pub fn new(max: u64) -> Arc<Budget> {
        Arc::new(Budget {
            max,
            left: AtomicU64::new(max),
            perf_map: None,
        })
    }

    /// The budget of an engine of a configuration.
    pub fn of(config: &Config) -> Arc<Budget> {
        let max = config.limits.code_bytes_max;
        Arc::new(Budget {
            max,
            left: AtomicU64::new(max),
            perf_map: config.perf_map,
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

impl CodeMemory {
    /// Publishes code of a target with its records.
    ///
    /// # Errors
    /// `Limit` if the code is more than the budget has left, or the system gives no memory, or does
    /// not let it be executed.
    pub fn publish<T: Target>(
        bytes: &[u8],
        tables: Tables,
        budget: &Arc<Budget>,
    ) -> Result<CodeMemory> {
        let mapped_bytes = bytes.len().max(1).next_multiple_of(system::page_bytes());
        budget.take(mapped_bytes)?;
        let base = system::executable(bytes, mapped_bytes, T::make_fetchable)
            .inspect_err(|_| budget.give_back(mapped_bytes))?;
        let region = Arc::new(Region {
            start: base,
            end: base + bytes.len(),
            tables,
        });
        if let Some(map) = budget.perf_map {
            map.add(&Names(&region));
        }
        if T::CAN_RUN {
            fault::install::<T>();
        }
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

/// The names of the pieces of a region, as lines of a perf map.
struct Names<'a>(&'a Region);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Region { start, end, tables } = self.0;
        let module = tables.module.as_ref().and_then(WeakModuleParts::upgrade);
        let naming = module.map(|module| module.naming());
        let ends = tables.pieces.iter().skip(1).map(|next| next.start as usize);
        let ends = ends.chain([end - start]);
        for (piece, piece_end) in tables.pieces.iter().zip(ends) {
            let piece_start = piece.start as usize;
            let bytes = piece_end - piece_start;
            if bytes == 0 {
                continue;
            }
            let name = match (piece.kind, &naming) {
                (PieceKind::Func(func), Some(naming)) => {
                    let name = naming.func_name(func);
                    name.unwrap_or_else(|| format!("<function {func}>"))
                }
                (PieceKind::Func(func), None) => format!("<function {func}>"),
                (PieceKind::NoRoom, _) => "<no room>".to_string(),
                (PieceKind::Outward, _) => "<outward>".to_string(),
                (PieceKind::Shared, _) => "<shared>".to_string(),
                (PieceKind::Entry, _) => "<entry>".to_string(),
            };
            // Names are any text; a line ends with the name.
            let name = name.replace(char::is_control, "?");
            writeln!(f, "{:x} {bytes:x} wasm {name}", start + piece_start)?;
        }
        Ok(())
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

    /// Makes the bytes of a range of addresses visible to instruction fetch: `start`, `bytes`.
    type MakeFetchable = fn(usize, usize);

    /// A new mapping that begins with the bytes, to be executed.
    pub(super) fn executable(
        bytes: &[u8],
        mapped_bytes: usize,
        make_fetchable: MakeFetchable,
    ) -> Result<usize> {
        let base = map(mapped_bytes)?;
        match write(base, bytes, mapped_bytes, make_fetchable) {
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
    fn write(
        base: usize,
        bytes: &[u8],
        mapped_bytes: usize,
        make_fetchable: MakeFetchable,
    ) -> Result<()> {
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
        make_fetchable(base, bytes.len());
        Ok(())
    }

    /// As above, by the per-thread switch and the cache maintenance of this system.
    #[cfg(target_vendor = "apple")]
    fn write(base: usize, bytes: &[u8], _: usize, _: MakeFetchable) -> Result<()> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::code::tables::{FrameLayout, Piece};

    /// Each piece has a line with its addresses, up to the next one or to the end.
    #[test]
    fn pieces_are_lines_of_a_perf_map() {
        let piece = |(start, kind)| Piece {
            start,
            kind,
            frame: FrameLayout::NONE,
        };
        let pieces = [
            (0, PieceKind::Func(3)),
            (0x40, PieceKind::NoRoom),
            (0x50, PieceKind::Func(4)),
            (0x90, PieceKind::Shared),
            (0x90, PieceKind::Shared),
            (0xa0, PieceKind::Entry),
        ];
        let region = Region {
            start: 0x7000,
            end: 0x70c4,
            tables: Tables {
                pieces: pieces.into_iter().map(piece).collect(),
                ..Tables::default()
            },
        };
        let expected = "7000 40 wasm <function 3>\n7040 10 wasm <no room>\n\
            7050 40 wasm <function 4>\n7090 10 wasm <shared>\n70a0 24 wasm <entry>\n";
        assert_eq!(Names(&region).to_string(), expected);
    }
}
