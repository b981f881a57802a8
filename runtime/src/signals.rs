//! The actions of signals: of faults in compiled code, and of a process's last words.

use std::mem::MaybeUninit;

use libc::{c_int, c_void, siginfo_t};

/// A function that is called when a signal comes, with the signal, the facts about it, and the
/// context of the interrupted code. It may use only what signal-safety(7) lists.
pub type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// The default action of a signal.
pub fn default_action() -> libc::sigaction {
    // SAFETY: all-zero is the default action.
    unsafe { std::mem::zeroed() }
}

/// Makes a function the handler of a signal, on the stack for signals if there is one; `more` are
/// further flags of `sigaction`.
pub fn handle(signal: c_int, handler: Handler, more: c_int) {
    let mut new = default_action();
    new.sa_sigaction = handler as *const () as usize;
    new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER | more;
    action(signal, Some(&new));
}

/// Sets the action of a signal, if there is a new one; gives the one before.
pub fn action(signal: c_int, new: Option<&libc::sigaction>) -> libc::sigaction {
    let mut old = MaybeUninit::zeroed();
    let new = new.map_or(std::ptr::null(), |new| new as *const _);
    // SAFETY: both pointers are null or point to an action; `signal` can be handled. Where the
    // call fails, the zeroed action means the default.
    unsafe {
        libc::sigaction(signal, new, old.as_mut_ptr());
        old.assume_init()
    }
}
