//! The reason of the last failure of a thread, for functions that tell it by null or false only.

use std::cell::RefCell;

use wassay_runtime::{Error, ErrorKind};

use crate::vector::{Bytes, Out, give};

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The value; the reason why there is none is kept.
pub fn noted<T>(result: Result<T, Error>) -> Option<T> {
    result
        .map_err(|error| LAST.with_borrow_mut(|last| *last = message(&error)))
        .ok()
}

/// The message of an error: that of the specification for a trap, that of the host for its own
/// error, and with the kind before it for all others.
pub fn message(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Trap(_) | ErrorKind::Exception | ErrorKind::Host => error.message().into(),
        _other => error.to_string(),
    }
}

/// A message as C has it: with a zero at the end.
pub fn terminated(message: &str) -> Bytes {
    let mut bytes = message.as_bytes().to_vec();
    bytes.push(0);
    bytes.into()
}

#[unsafe(no_mangle)]
pub extern "C" fn wassay_last_error_message(out: Out<'_, u8>) {
    give(out, LAST.with_borrow(|last| terminated(last)));
}
