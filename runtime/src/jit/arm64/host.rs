//! ARM64 as the machine that this process runs on: caches, and the registers of interrupted code.
//!
//! Elsewhere the code is compiled but not executed: then nothing here does anything.

use libc::c_void;

use super::abi;
use crate::vm::Vm;

/// True if this process executes ARM64 code.
pub(super) const CAN_RUN: bool = cfg!(all(
    unix,
    target_arch = "aarch64",
    target_pointer_width = "64"
));

/// Makes what was written visible to instruction fetch (Arm ARM B2.7.4.2, "Self-modifying
/// code"): clean to the point of unification, invalidate, synchronise. The caches of all cores are
/// one domain for this. Instructions that another thread has fetched from these addresses before
/// are dropped only by a context synchronisation event of that thread (B2.2.5).
#[cfg(all(target_arch = "aarch64", not(target_vendor = "apple")))]
pub(super) fn make_fetchable(start: usize, bytes: usize) {
    use std::arch::asm;
    let ctr: usize;
    // SAFETY: reading the cache type register, which Linux allows, has no effect.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack)) };
    let (data_line, code_line) = (4 << (ctr >> 16 & 15), 4 << (ctr & 15));
    let lines = |line: usize| (start & !(line - 1)..start + bytes).step_by(line);
    for address in lines(data_line) {
        // SAFETY: cache maintenance by address on memory that is mapped.
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

/// Makes every running thread of the process execute a context synchronisation event; a thread that
/// does not run comes back through one. Where the system has no such call (Linux before 4.16, some
/// emulators), code is almost always handed to another thread by way of the system, which is such
/// an event too; the engine's own locks do not promise it.
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

/// Other hosts do not execute the code; Apple's systems have a call of their own.
#[cfg(any(not(target_arch = "aarch64"), target_vendor = "apple"))]
pub(super) fn make_fetchable(_start: usize, _bytes: usize) {}

const INSTRUCTION_BYTES: u64 = 4;

/// The registers of interrupted code that the handler of faults needs.
pub(super) struct Registers<'a> {
    pc: &'a mut u64,
    /// The register of the instance.
    vm: &'a mut u64,
    /// The second scratch register.
    scratch: &'a mut u64,
    link: &'a mut u64,
}

impl Registers<'_> {
    /// The address of the interrupted instruction.
    pub(super) fn pc(&self) -> usize {
        *self.pc as usize
    }

    /// The instance that runs, if the interrupted code is compiled.
    pub(super) fn instance(&self) -> *const Vm {
        *self.vm as *const Vm
    }

    /// Goes on at `exit` as if the interrupted instruction had branched there with a link, and its
    /// function had noted its own return address for the walk of frames (`Emitter::end`).
    pub(super) fn go_to(self, exit: usize) {
        *self.scratch = *self.link;
        *self.link = *self.pc + INSTRUCTION_BYTES;
        *self.pc = exit as u64;
    }

    /// The registers in a signal's context.
    ///
    /// # Safety
    /// `context` is what the system has passed to a handler that has not returned.
    #[cfg(all(
        target_arch = "aarch64",
        any(target_os = "linux", target_os = "android")
    ))]
    pub(super) unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
        // SAFETY: the caller passes a live context.
        let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
        let [.., x17, _, _, _, _, _, _, _, _, _, _, x28, _, x30] = &mut machine.regs;
        Registers {
            pc: &mut machine.pc,
            vm: x28,
            scratch: x17,
            link: x30,
        }
    }

    /// As above.
    ///
    /// # Safety
    /// As above.
    #[cfg(all(target_arch = "aarch64", target_vendor = "apple"))]
    pub(super) unsafe fn of<'a>(context: *mut c_void) -> Registers<'a> {
        // SAFETY: the caller passes a live context.
        let state = unsafe { &mut (*(*context.cast::<libc::ucontext_t>()).uc_mcontext).__ss };
        let [.., x17, _, _, _, _, _, _, _, _, _, _, x28] = &mut state.__x;
        Registers {
            pc: &mut state.__pc,
            vm: x28,
            scratch: x17,
            link: &mut state.__lr,
        }
    }

    /// No handler is installed on other hosts.
    ///
    /// # Safety
    /// None.
    #[cfg(not(target_arch = "aarch64"))]
    pub(super) unsafe fn of<'a>(_context: *mut c_void) -> Registers<'a> {
        unreachable!("no ARM64 code is executed here")
    }
}

const _: () = {
    assert!(abi::VM.number() == 28 && abi::SCRATCH2.number() == 17);
};
