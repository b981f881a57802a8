//! Threads of this program. Each has a stack of a known size, whatever the environment says, and
//! where the system has no room for a thread that is an error, never a panic.

use std::thread::Builder;

use crate::error::InputError;

/// The stack of a thread that does not recurse.
const STACK_BYTES: usize = 2 << 20;

/// A thread to be started.
pub fn builder() -> Builder {
    Builder::new().stack_size(STACK_BYTES)
}

/// Starts the threads that work on files in parallel. Only a program calls this, and once.
///
/// # Errors
/// If the system has no room for them.
pub fn start_pool() -> Result<(), InputError> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    let started = pool.build_global();
    started.map_err(|error| InputError::usage("no threads to work with").because(error))
}

/// The error of a program without a thread that it needs.
pub fn refused(error: std::io::Error) -> InputError {
    InputError::usage("no thread to work with").because(error)
}
