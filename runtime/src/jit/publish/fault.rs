//! Faults in compiled code: a guarded access that misses its memory becomes a trap.
//!
//! The handler of SIGSEGV and SIGBUS redirects only what it can account for: the instruction is a
//! recorded access of registered code, and the address lies in the reservation of the memory that
//! the access names. Everything else goes to the handler that was there before. It takes no lock.
//! The target reads and changes the registers of the interrupted code.

use std::sync::{Once, OnceLock};

use libc::{c_int, c_void, siginfo_t};

use crate::jit::code::regions;
use crate::jit::target::Target;
use crate::limits::GUARD_RESERVATION_BYTES;
use crate::signals::{self, action, default_action};

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// The actions that were there before, in the order of `SIGNALS`.
static PREVIOUS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Installs the handler, at the first call: a process executes the code of one target.
pub(super) fn install<T: Target>() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = SIGNALS.map(|signal| action(signal, None));
        PREVIOUS.set(previous).expect("set once");
        for signal in SIGNALS {
            signals::handle(signal, handle::<T>, 0);
        }
    });
}

unsafe extern "C" fn handle<T: Target>(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes the context of the interrupted code, ours to change.
    let redirected = unsafe { redirect::<T>(info, context) };
    if !redirected {
        // SAFETY: as this handler was called.
        unsafe { pass_on(signal, info, context) };
    }
}

/// Makes the interrupted code go on at its trap, if it is ours; true if it is.
///
/// # Safety
/// As the system calls a handler.
unsafe fn redirect<T: Target>(info: *mut siginfo_t, context: *mut c_void) -> bool {
    // SAFETY: the caller's contract.
    let pc = unsafe { T::fault_pc(context) };
    let Some((memory, exit)) = regions::find_fault(pc) else {
        return false;
    };
    // SAFETY: at a recorded access, the instance is in its register and has that memory.
    let base = unsafe {
        let vm = T::fault_instance(context);
        (**(*vm).memories.add(memory as usize)).base as usize
    };
    // SAFETY: both signals say where the fault was.
    let address = unsafe { (*info).si_addr() } as usize;
    if !(base..base + GUARD_RESERVATION_BYTES).contains(&address) {
        return false;
    }
    // SAFETY: the context is that of the access, and `exit` is where its fault goes on.
    unsafe { T::go_to_trap(context, exit) };
    true
}

/// Does what would have happened without this handler.
///
/// # Safety
/// As the system calls a handler.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    type Plain = unsafe extern "C" fn(c_int);
    let index = SIGNALS.iter().position(|&s| s == signal);
    let previous = index.and_then(|n| PREVIOUS.get().map(|all| all[n]));
    match previous {
        Some(old) if old.sa_sigaction != libc::SIG_DFL && old.sa_sigaction != libc::SIG_IGN => {
            if old.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: with SA_SIGINFO the action is a function of this type.
                let call: signals::Handler = unsafe { std::mem::transmute(old.sa_sigaction) };
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
            // The instruction faults again, and dies.
            action(signal, Some(&default_action()));
        }
    }
}
