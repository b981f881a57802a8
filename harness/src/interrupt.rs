//! Ctrl-C and its like: a flag that every wait looks at, so that workers are killed by those who
//! started them.
//!
//! The first signal sets the flag; the run then ends in order, with a report of what was run.
//! The second one ends the process at once. Either way the exit code is that of the signal, as
//! shells give it: 128 and the signal's number.

use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Exit;

/// The stack of the thread that waits for signals, whatever the environment says.
const STACK_BYTES: usize = 2 << 20;
/// Added to the number of a signal in the exit code of what it ended.
const SIGNAL_BASE: i32 = 128;

/// The signal that has come; 0 is none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static INSTALL: Once = Once::new();

/// Takes over SIGINT, SIGTERM and SIGHUP. Only a program calls this, never a library function.
pub fn install() {
    INSTALL.call_once(|| {
        // Where a signal cannot be taken over, it ends this process, and workers end when their
        // stdin does.
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
            return;
        };
        let wait = move || {
            for signal in signals.forever() {
                if SIGNAL.swap(signal, Ordering::SeqCst) != 0 {
                    std::process::exit(SIGNAL_BASE + signal);
                }
            }
        };
        // A program that has no room for this thread has none for those that work either.
        let _ = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(wait);
    });
}

/// Whether the run is to end.
pub fn requested() -> bool {
    SIGNAL.load(Ordering::SeqCst) != 0
}

/// How a program ends that was interrupted.
pub fn exit() -> Exit {
    let signal = match SIGNAL.load(Ordering::SeqCst) {
        0 => SIGINT,
        signal => signal,
    };
    Exit::Other(u8::try_from(SIGNAL_BASE + signal).unwrap_or(u8::MAX))
}
