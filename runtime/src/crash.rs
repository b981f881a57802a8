//! The last words of a process that a signal ends, and the place of one that does not end.
//!
//! A worker of the harness installs this; the engine itself needs none of it. A crash is told by
//! its signal, the address of the access, and the instruction: in compiled code by function, byte
//! of its code and byte of the module, and else by its distance from the program's beginning, as
//! `addr2line` takes it of a program that may lie anywhere. The line goes to the standard error.
//! Then happens what would have happened.
//!
//! Handlers of signals allocate nothing, take no lock, and write by one call of `write`
//! (signal-safety(7)).

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{c_int, c_void, siginfo_t};

use crate::jit::{PieceKind, place_of};
use crate::signals::{action, default_action, handle};

/// The signals of faults, each with its name.
const FAULTS: [(c_int, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGTRAP, "SIGTRAP"),
];

/// The signal by which a process is asked for the place at which it is.
const QUESTION: c_int = libc::SIGUSR1;

/// The beginning of an answer to that question; nothing follows outside of compiled functions.
pub const PLACE: &str = "place: ";

/// The most bytes of a line.
const LINE_BYTES_MAX: usize = 256;

/// The actions that were there before, in the order of `FAULTS`.
static PREVIOUS: OnceLock<[libc::sigaction; FAULTS.len()]> = OnceLock::new();

/// The thread that answers the question; 0 before there is one.
static ANSWERING: AtomicUsize = AtomicUsize::new(0);

/// A line of text of limited length, without memory of its own.
struct Line {
    bytes: [u8; LINE_BYTES_MAX],
    length: usize,
}

impl Line {
    const fn new() -> Line {
        Line {
            bytes: [0; LINE_BYTES_MAX],
            length: 0,
        }
    }

    /// Writes the line to the standard error.
    fn say(&mut self) {
        // The last byte is kept for it.
        self.bytes[self.length] = b'\n';
        // SAFETY: the bytes are those of an array.
        unsafe { libc::write(2, self.bytes.as_ptr().cast(), self.length + 1) };
    }
}

impl std::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = LINE_BYTES_MAX - 1 - self.length;
        let part = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.length..][..part.len()].copy_from_slice(part);
        self.length += part.len();
        Ok(())
    }
}

/// From now on, a fault of the process is told on the standard error before it ends the process,
/// and the calling thread answers `SIGUSR1` by a line with [`PLACE`] and the place at which it is.
/// Once for a process.
pub fn tell_of_faults() {
    // SAFETY: it has no preconditions.
    ANSWERING.store(unsafe { libc::pthread_self() } as usize, Ordering::SeqCst);
    let is_first = PREVIOUS.set(FAULTS.map(|(signal, _)| action(signal, None)));
    if is_first.is_err() {
        return;
    }
    for (signal, _) in FAULTS {
        handle(signal, tell, libc::SA_RESTART);
    }
    handle(QUESTION, answer, libc::SA_RESTART);
}

unsafe extern "C" fn tell(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes what it knows of the signal.
    let is_fault = unsafe { (*info).si_code } > 0;
    if !is_fault && is_handed_on(signal) {
        return;
    }
    let at = FAULTS.iter().position(|&(fault, _)| fault == signal);
    let name = at.map_or("signal", |at| FAULTS[at].1);
    let mut line = Line::new();
    let _ = write!(line, "{name} ");
    // SAFETY: the system passes the context of the interrupted code.
    write_place(&mut line, unsafe { interrupted(context) });
    if is_fault {
        // SAFETY: faults of these signals have an address.
        let address = unsafe { (*info).si_addr() } as usize;
        let _ = write!(line, ", address {address:#x}");
    }
    line.say();
    if is_fault {
        // What was to happen without this handler happens when the instruction faults again.
        let before = at.and_then(|at| PREVIOUS.get().map(|all| all[at]));
        action(signal, before.as_ref());
    } else {
        // A signal that was sent does not come again, and other handlers wait for a fault.
        action(signal, Some(&default_action()));
        // SAFETY: it has no preconditions.
        unsafe { libc::raise(signal) };
    }
}

/// Sends a signal on to the thread that answers; false if this is it. The system chooses any thread
/// of the process.
fn is_handed_on(signal: c_int) -> bool {
    let answering = ANSWERING.load(Ordering::SeqCst);
    // SAFETY: it has no preconditions.
    if answering == unsafe { libc::pthread_self() } as usize {
        return false;
    }
    // SAFETY: the thread that answers lives as long as the process works.
    unsafe { libc::pthread_kill(answering as libc::pthread_t, signal) };
    true
}

unsafe extern "C" fn answer(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    if is_handed_on(QUESTION) {
        return;
    }
    let mut line = Line::new();
    // SAFETY: the system passes the context of the interrupted code.
    let place = unsafe { interrupted(context) }.and_then(place_of);
    // A loop is at another byte each time.
    let _ = match place.and_then(|place| place.kind) {
        Some(PieceKind::Func(index)) => write!(line, "{PLACE}in compiled function {index}"),
        Some(_) | None => line.write_str(PLACE),
    };
    line.say();
}

/// Writes the place of an instruction.
fn write_place(line: &mut Line, pc: Option<usize>) {
    let _ = match (pc, pc.and_then(place_of)) {
        (Some(_), Some(place)) => write!(line, "{place}"),
        (Some(pc), None) => match program_start() {
            0 => write!(line, "at {pc:#x}"),
            start => write!(line, "at +{:#x} of the program", pc.wrapping_sub(start)),
        },
        (None, _) => write!(line, "at an unknown instruction"),
    };
}

/// The address at which the program's file is mapped, where the system tells; else 0.
fn program_start() -> usize {
    const PAGE_MASK: usize = !0xfff;
    // SAFETY: it has no preconditions. The program's headers stand in its first page.
    #[cfg(target_os = "linux")]
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    #[cfg(not(target_os = "linux"))]
    let headers = 0;
    headers & PAGE_MASK
}

/// The instruction that a signal has interrupted, where the system tells.
///
/// # Safety
/// `context` is what the system has passed to a handler that has not returned.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn interrupted(context: *mut c_void) -> Option<usize> {
    // SAFETY: the caller passes a live context.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    Some(machine.gregs[libc::REG_RIP as usize] as usize)
}

/// As above.
///
/// # Safety
/// As above.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
unsafe fn interrupted(context: *mut c_void) -> Option<usize> {
    // SAFETY: the caller passes a live context.
    Some(unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.pc } as usize)
}

/// As above.
///
/// # Safety
/// As above.
#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
unsafe fn interrupted(context: *mut c_void) -> Option<usize> {
    // SAFETY: the caller passes a live context, whose registers are behind a pointer.
    Some(unsafe {
        (*(*context.cast::<libc::ucontext_t>()).uc_mcontext)
            .__ss
            .__pc
    } as usize)
}

/// As above.
///
/// # Safety
/// None.
#[cfg(not(any(
    all(target_os = "linux", target_arch = "x86_64"),
    all(target_os = "linux", target_arch = "aarch64"),
    all(target_os = "macos", target_arch = "aarch64")
)))]
unsafe fn interrupted(_: *mut c_void) -> Option<usize> {
    None
}
