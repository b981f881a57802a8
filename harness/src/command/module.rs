//! What commands that take the file of a module share.

use crate::error::InputError;
use crate::thread;

pub(crate) use crate::script::module_file::read_module;

/// Stack of the thread that parses and runs: the text parser recurses, the tiers bring their own.
const STACK_BYTES: usize = 64 << 20;

/// Runs `work` on a thread whose stack is large enough for a text parser that recurses.
///
/// # Errors
/// Those of `work`, and if the system has no room for the thread.
pub(crate) fn on_a_large_stack<T: Send>(
    work: impl FnOnce() -> Result<T, InputError> + Send,
) -> Result<T, InputError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let handle = thread.spawn_scoped(scope, work).map_err(thread::refused)?;
        handle
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
