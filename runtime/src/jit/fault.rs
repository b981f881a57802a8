//! Faults in compiled code: a guarded access that misses its memory becomes a trap.
//!
//! The handler of SIGSEGV and SIGBUS redirects only what it can account for: the instruction is a
//! recorded trap site of registered code, and the address lies in the reservation of the memory
//! that the site accesses. Everything else goes to the handler that was there before. It takes no
//! lock: the table of regions is replaced as a whole, and an old one is freed when no handler looks
//! at it.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::code::FaultSite;

/// Code with trap sites.
#[derive(Debug)]
pub struct Region {
    /// First address.
    pub start: usize,
    /// One past the last address.
    pub end: usize,
    /// Where a fault goes on: the piece that traps with "out of bounds memory access".
    pub exit: usize,
    /// Accesses that may fault, in ascending order of offset.
    pub sites: Vec<FaultSite>,
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
    READERS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: a table lives while a reader that could have seen it is counted.
    let table = unsafe { TABLE.load(Ordering::SeqCst).as_ref() };
    let found = table.and_then(|table| find_in(table, pc));
    READERS.fetch_sub(1, Ordering::SeqCst);
    found
}

fn find_in(table: &Table, pc: usize) -> Option<(u32, usize)> {
    let after = table.partition_point(|region| region.start <= pc);
    let region = &table[after.checked_sub(1)?];
    if pc >= region.end {
        return None;
    }
    let offset = (pc - region.start) as u32;
    let at = region
        .sites
        .binary_search_by_key(&offset, |site| site.offset);
    Some((region.sites[at.ok()?].memory, region.exit))
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
        *registers.x30 = *registers.pc + INSTRUCTION_BYTES;
        *registers.pc = exit as u64;
        true
    }

    /// The registers that matter, in the interrupted context.
    struct Registers<'a> {
        pc: &'a mut u64,
        x28: &'a mut u64,
        x30: &'a mut u64,
    }

    impl Registers<'_> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
            // SAFETY: the caller passes a live context.
            let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
            let (low, high) = machine.regs.split_at_mut(30);
            Registers {
                pc: &mut machine.pc,
                x28: &mut low[28],
                x30: &mut high[0],
            }
        }

        #[cfg(target_vendor = "apple")]
        unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
            // SAFETY: the caller passes a live context.
            let state = unsafe { &mut (*(*context.cast::<libc::ucontext_t>()).uc_mcontext).__ss };
            Registers {
                pc: &mut state.__pc,
                x28: &mut state.__x[28],
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

    fn region(start: usize) -> Arc<Region> {
        let site = |offset| FaultSite { offset, memory: 3 };
        Arc::new(Region {
            start,
            end: start + 0x100,
            exit: start + 0xf0,
            sites: vec![site(4), site(0x20)],
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
