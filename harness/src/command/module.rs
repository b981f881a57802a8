//! The module in a file that a command is given, and what commands that take one share.

use std::path::Path;

use crate::error::InputError;
use crate::script::parse::{EMPTY_MODULE, encode_module};
use crate::script::split::{LineTable, split};
use crate::script::text_rules;
use crate::{input, thread};

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
        let handle = thread
            .spawn_scoped(scope, work)
            .map_err(|error| thread::refused(&error))?;
        handle
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The module in a file, in the binary format; text is translated.
pub(crate) fn read_module(path: &Path) -> Result<Vec<u8>, InputError> {
    let bytes = input::read(path).map_err(|error| InputError::at(path, error.to_string()))?;
    if bytes.starts_with(b"\0asm") {
        return Ok(bytes);
    }
    if bytes.is_empty() && path.extension().is_none_or(|extension| extension != "wat") {
        return Err(InputError::at(path, "the file is empty"));
    }
    if text_rules::is_empty_module(&bytes) {
        return Ok(EMPTY_MODULE.to_vec());
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        let message = "neither a binary module nor text: invalid UTF-8";
        InputError::at_line(path, line, message)
    })?;
    if let Some((form, fault)) = split(text)
        .into_iter()
        .find_map(|f| Some((f.range, f.fault?)))
    {
        let (line, column) = LineTable::new(text).locate(form.start);
        return Err(InputError::at_line(
            path,
            line as usize,
            format!("column {column}: {fault}"),
        ));
    }
    encode_module(text).map_err(|error| {
        let (line, column) = error.span().linecol_in(text);
        let message = format!("column {}: {}", column + 1, error.message());
        InputError::at_line(path, line + 1, message)
    })
}
