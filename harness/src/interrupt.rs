//! Ctrl-C: a flag that every wait looks at, so that workers are killed by those who started them.
//!
//! The first signal sets the flag; the run then ends in order, with a report of what was run.
//! The second one ends the process at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Exit;

/// What a shell shows for a program ended by SIGINT.
pub const INTERRUPTED: Exit = Exit::Other(130);

static FLAG: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// Takes over SIGINT, SIGTERM and SIGHUP. Only a program calls this, never a library function.
pub fn install() {
    INSTALL.call_once(|| {
        let handler = || {
            if FLAG.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED.code()));
            }
        };
        // Without a handler, or a thread for it, the signal ends this process, and workers end when
        // their stdin does.
        let _ = ctrlc::set_handler(handler);
    });
}

/// Whether the run is to end.
pub fn requested() -> bool {
    FLAG.load(Ordering::SeqCst)
}
