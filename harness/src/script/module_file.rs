//! A module in a file of its own, binary or text.

use std::path::Path;

use super::parse::{EMPTY_MODULE, encode_module};
use super::split::{LineTable, split};
use super::text_rules;
use crate::error::InputError;
use crate::input;

/// The module in a file, in the binary format; text is translated.
///
/// # Errors
/// If the file cannot be read, or is neither a binary module nor the text of one.
pub fn read_module(path: &Path) -> Result<Vec<u8>, InputError> {
    let bytes = input::read(path).map_err(|error| InputError::from_error(path, error))?;
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
