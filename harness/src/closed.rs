//! A standard output that was closed when the program started, as by `>&-` of a shell.
//!
//! The standard library puts `/dev/null` in the place of a closed stream before `main`, and all
//! that is written is lost without an error. So this looks at it before that.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Asks for a standard output that is open.
///
/// # Errors
/// If it was closed when the program started.
pub(crate) fn is_open() -> std::io::Result<()> {
    match WAS_CLOSED.load(Relaxed) {
        true => Err(std::io::Error::other("it is closed")),
        false => Ok(()),
    }
}

/// The loader calls what stands in this section, before the standard library and `main`.
// SAFETY: the section holds pointers to functions with the C calling convention. This one asks the
// system one question, and needs nothing that is set up later.
#[allow(
    unsafe_code,
    reason = "what stands in this section is called by the loader"
)]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
#[used]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    let stdout = rustix::stdio::stdout();
    WAS_CLOSED.store(rustix::io::fcntl_getfd(stdout).is_err(), Relaxed);
}
