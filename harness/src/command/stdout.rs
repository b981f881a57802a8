//! The standard output of commands: what cannot be written there changes the exit code.

use std::io::{ErrorKind, Write};

use crate::closed::is_open;
use crate::error::InputError;

/// Writes text as it is.
///
/// # Errors
/// If it cannot be written. A reader that went away has seen what it needs: that is none.
pub(super) fn print(text: &str) -> Result<(), InputError> {
    write(std::io::stdout().lock(), text)
}

/// Writes text with colours, which are left out where they are not wanted.
///
/// # Errors
/// As for [`print`].
pub(super) fn print_styled(text: &str) -> Result<(), InputError> {
    write(anstream::stdout().lock(), text)
}

fn write(mut to: impl Write, text: &str) -> Result<(), InputError> {
    let result = is_open().and_then(|()| to.write_all(text.as_bytes()));
    written(result.and_then(|()| to.flush()))
}

/// What became of writing to the standard output.
///
/// # Errors
/// As for [`print`].
pub(super) fn written(result: std::io::Result<()>) -> Result<(), InputError> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(InputError::usage(format!("standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
