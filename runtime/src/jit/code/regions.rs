//! Faults in compiled code: a guarded access that misses its memory becomes a trap.
//!
//! The handler of SIGSEGV and SIGBUS redirects only what it can account for: the instruction is a
//! recorded trap site of registered code, and the address lies in the reservation of the memory
//! that the site accesses. Everything else goes to the handler that was there before. It takes no
//! lock: the table of regions is replaced as a whole, and an old one is freed when no handler looks
//! at it. The walk of frames (`walk.rs`) finds its tables by the same one.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::jit::arm64::asm::Pad;
use crate::jit::publish::{Handler, Piece, Tables};

/// Published code, and what is known of it.
#[derive(Debug)]
pub struct Region {
    /// First address.
    pub start: usize,
    /// One past the last address.
    pub end: usize,
    /// What is known of it.
    pub tables: Tables,
}

impl Region {
    /// The offset of an address in this region.
    pub fn offset_of(&self, address: usize) -> Option<u32> {
        let is_within = (self.start..self.end).contains(&address);
        is_within.then(|| (address - self.start) as u32)
    }

    /// The piece of code at an offset.
    pub fn piece_at(&self, offset: u32) -> Option<&Piece> {
        let after = self
            .tables
            .pieces
            .partition_point(|piece| piece.start <= offset);
        self.tables.pieces.get(after.checked_sub(1)?)
    }

    /// The byte of the module that the code at an offset is of.
    pub fn source_at(&self, offset: u32) -> Option<u32> {
        let sources = &self.tables.sources;
        let after = sources.partition_point(|&(start, _)| start <= offset);
        Some(sources.get(after.checked_sub(1)?)?.1)
    }

    /// Where exceptions go on that leave the call which returns to an address.
    pub fn pad_of(&self, return_address: usize) -> Option<&Pad> {
        let return_offset = self.offset_of(return_address)?;
        let pads = &self.tables.pads;
        let at = pads.binary_search_by_key(&return_offset, |pad| pad.return_offset);
        Some(&pads[at.ok()?])
    }

    /// The handlers that exceptions come to at a pad, from the inside out.
    pub fn handlers(&self, pad: &Pad) -> impl Iterator<Item = &Handler> {
        let get = |index: u32| self.tables.handlers.get(index as usize);
        std::iter::successors(get(pad.handler), move |handler| get(handler.outer?))
    }
}

type Table = Vec<Arc<Region>>;

/// Regions in ascending order of address; null stands for none.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(std::ptr::null_mut());
/// How many handlers are looking at a table.
static READERS: AtomicUsize = AtomicUsize::new(0);
/// Held to replace the table.
static WRITER: Mutex<()> = Mutex::new(());

/// Makes a region known to the handler, which is installed at the first call.
pub fn register(region: Arc<Region>) {
    #[cfg(all(unix, target_arch = "aarch64"))]
    handler::install();
    replace(|table| {
        let at = table.partition_point(|other| other.start < region.start);
        table.insert(at, region);
    });
}

/// Forgets a region; nothing executes in it any more.
pub fn unregister(region: &Arc<Region>) {
    replace(|table| table.retain(|other| !Arc::ptr_eq(other, region)));
}

fn replace(change: impl FnOnce(&mut Table)) {
    let _writer = WRITER
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let old = TABLE.load(Ordering::SeqCst);
    // SAFETY: tables are freed only below, by the one holder of the lock.
    let mut table = unsafe { old.as_ref() }.cloned().unwrap_or_default();
    change(&mut table);
    TABLE.store(Box::into_raw(Box::new(table)), Ordering::SeqCst);
    // A handler that has seen the old table is counted; one that comes later sees the new one.
    while READERS.load(Ordering::SeqCst) > 0 {
        std::hint::spin_loop();
    }
    if !old.is_null() {
        // SAFETY: it came from `Box::into_raw` above and nobody can reach it any more.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// For a trap site: the memory that it accesses, and where to go on.
pub fn find(pc: usize) -> Option<(u32, usize)> {
    look_up(pc, |region, offset| {
        let sites = &region.tables.sites;
        let at = sites.binary_search_by_key(&offset, |site| site.offset);
        let exit = region.start + region.tables.fault_exit as usize;
        Some((sites[at.ok()?].memory, exit))
    })
}

/// The region of code that an address is in.
pub fn region(pc: usize) -> Option<Arc<Region>> {
    look_up(pc, |region, _| Some(region.clone()))
}

/// Looks at the region that an address is in, with the offset there. `look` is short: who replaces
/// the table waits for it.
fn look_up<T>(pc: usize, look: impl FnOnce(&Arc<Region>, u32) -> Option<T>) -> Option<T> {
    READERS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: a table lives while a reader that could have seen it is counted.
    let table = unsafe { TABLE.load(Ordering::SeqCst).as_ref() };
    let found = table.and_then(|table| {
        let after = table.partition_point(|region| region.start <= pc);
        let region = &table[after.checked_sub(1)?];
        look(region, region.offset_of(pc)?)
    });
    READERS.fetch_sub(1, Ordering::SeqCst);
    found
}

#[cfg(all(unix, target_arch = "aarch64"))]
mod handler {
    //! The signal handler itself.

    use std::mem::MaybeUninit;
    use std::sync::{Once, OnceLock};

    use libc::{c_int, c_void, siginfo_t};

    use crate::limits::GUARD_RESERVATION_BYTES;
    use crate::vm::Vm;

    const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];
    const INSTRUCTION_BYTES: u64 = 4;

    /// The actions that were there before, in the order of `SIGNALS`.
    static PREVIOUS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

    pub(super) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let previous = SIGNALS.map(|signal| action(signal, None));
            PREVIOUS.set(previous).expect("set once");
            for signal in SIGNALS {
                // SAFETY: all-zero is a valid action, whose fields are then set.
                let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
                new.sa_sigaction = handle as *const () as usize;
                new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                action(signal, Some(&new));
            }
        });
    }

    /// Sets the action of a signal, if there is a new one; gives the one before.
    fn action(signal: c_int, new: Option<&libc::sigaction>) -> libc::sigaction {
        let mut old = MaybeUninit::zeroed();
        let new = new.map_or(std::ptr::null(), |new| new as *const _);
        // SAFETY: both pointers are null or point to an action; `signal` can be handled. Where the
        // call fails, the zeroed action means the default.
        unsafe {
            libc::sigaction(signal, new, old.as_mut_ptr());
            old.assume_init()
        }
    }

    unsafe extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the system passes the context of the interrupted code, ours to change.
        let redirected = unsafe { redirect(info, context) };
        if !redirected {
            // SAFETY: as this handler was called.
            unsafe { pass_on(signal, info, context) };
        }
    }

    /// Makes the interrupted code go on at its trap, if it is ours.
    unsafe fn redirect(info: *mut siginfo_t, context: *mut c_void) -> bool {
        // SAFETY: the caller's contract.
        let registers = unsafe { Registers::of(context) };
        let Some((memory, exit)) = super::find(*registers.pc as usize) else {
            return false;
        };
        // SAFETY: at a trap site, x28 is the instance, which has that memory.
        let base = unsafe {
            let vm = *registers.x28 as *const Vm;
            (**(*vm).memories.add(memory as usize)).base as usize
        };
        // SAFETY: both signals say where the fault was.
        let address = unsafe { (*info).si_addr() } as usize;
        if !(base..base + GUARD_RESERVATION_BYTES).contains(&address) {
            return false;
        }
        // As a trap's own piece does, so that a walk finds the caller of a leaf function.
        *registers.x17 = *registers.x30;
        *registers.x30 = *registers.pc + INSTRUCTION_BYTES;
        *registers.pc = exit as u64;
        true
    }

    /// The registers that matter, in the interrupted context.
    struct Registers<'a> {
        pc: &'a mut u64,
        x17: &'a mut u64,
        x28: &'a mut u64,
        x30: &'a mut u64,
    }

    impl Registers<'_> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
            // SAFETY: the caller passes a live context.
            let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
            let [.., x17, _, _, _, _, _, _, _, _, _, _, x28, _, x30] = &mut machine.regs;
            Registers {
                pc: &mut machine.pc,
                x17,
                x28,
                x30,
            }
        }

        #[cfg(target_vendor = "apple")]
        unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
            // SAFETY: the caller passes a live context.
            let state = unsafe { &mut (*(*context.cast::<libc::ucontext_t>()).uc_mcontext).__ss };
            let [.., x17, _, _, _, _, _, _, _, _, _, _, x28] = &mut state.__x;
            Registers {
                pc: &mut state.__pc,
                x17,
                x28,
                x30: &mut state.__lr,
            }
        }
    }

    /// What would have happened without this handler.
    unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        type WithInfo = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
        type Plain = unsafe extern "C" fn(c_int);
        let index = SIGNALS.iter().position(|&s| s == signal);
        let previous = index.and_then(|n| PREVIOUS.get().map(|all| all[n]));
        match previous {
            Some(old) if old.sa_sigaction != libc::SIG_DFL && old.sa_sigaction != libc::SIG_IGN => {
                if old.sa_flags & libc::SA_SIGINFO != 0 {
                    // SAFETY: with SA_SIGINFO the action is a function of this type.
                    let call: WithInfo = unsafe { std::mem::transmute(old.sa_sigaction) };
                    // SAFETY: called as the system would have.
                    unsafe { call(signal, info, context) };
                } else {
                    // SAFETY: without SA_SIGINFO the action is a function of this type.
                    let call: Plain = unsafe { std::mem::transmute(old.sa_sigaction) };
                    // SAFETY: called as the system would have.
                    unsafe { call(signal) };
                }
            }
            _ => {
                // SAFETY: all-zero is the default action: the instruction faults again, and dies.
                let default: libc::sigaction = unsafe { std::mem::zeroed() };
                action(signal, Some(&default));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::publish::FaultSite;

    fn region(start: usize) -> Arc<Region> {
        let site = |offset| FaultSite { offset, memory: 3 };
        let tables = Tables {
            sites: vec![site(4), site(0x20)],
            fault_exit: 0xf0,
            ..Tables::default()
        };
        Arc::new(Region {
            start,
            end: start + 0x100,
            tables,
        })
    }

    #[test]
    fn only_trap_sites_of_live_regions_are_found() {
        // Addresses that no code of this process has.
        let (low, high) = (region(0x1000), region(0x2000));
        register(high.clone());
        register(low.clone());
        assert_eq!(find(0x1004), Some((3, 0x10f0)));
        assert_eq!(find(0x2020), Some((3, 0x20f0)));
        for other in [0xfff, 0x1000, 0x1005, 0x1008, 0x1100, 0x1104, 0x2104] {
            assert_eq!(find(other), None, "{other:#x}");
        }
        unregister(&low);
        assert_eq!((find(0x1004), find(0x2004)), (None, Some((3, 0x20f0))));
        unregister(&high);
        assert_eq!(find(0x2004), None);
    }
}
