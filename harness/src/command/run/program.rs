//! The state of a WASI program by the options of `wassay run`, and the exit code of its ending.

use std::net::TcpListener;
use std::time::Instant;

use wassay_wasi::{Ending, Options, Wasi};

use super::LIMITED;
use crate::cli::RunArgs;
use crate::error::{Exit, InputError};

/// Added to the number of the signal that ended a program.
pub(super) const SIGNAL_BASE: u8 = 128;

/// The state of the program before it begins.
///
/// # Errors
/// If a directory, a socket or a text cannot be used.
pub(super) fn state(args: &RunArgs) -> Result<Wasi, InputError> {
    let mut options = Options::new();
    options.inherit_streams();
    options.arg(args.file.file_name().unwrap_or_default().as_encoded_bytes());
    if args.invoke.is_none() {
        for arg in &args.args {
            options.arg(arg.as_str());
        }
    }
    let resources = &args.resources;
    for variable in &resources.env {
        let own = || std::env::var_os(&variable.name).map(|it| it.into_encoded_bytes());
        let given = variable.value.clone().map(String::into_bytes);
        if let Some(value) = given.or_else(own) {
            options.env(variable.name.as_str(), value);
        }
    }
    for &address in &resources.listen {
        let refused = |error| InputError::usage(format!("--listen {address}: {error}"));
        options.descriptor(TcpListener::bind(address).map_err(refused)?);
    }
    for grant in &resources.dir {
        let opened = options.directory(&grant.host, &grant.guest);
        opened.map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            InputError::at(&grant.host, reason.unwrap_or_default())
        })?;
    }
    if let Some(timeout) = args.limits.timeout {
        // A time that the clock does not have is never over.
        if let Some(deadline) = Instant::now().checked_add(timeout) {
            options.deadline(deadline);
        }
    }
    options
        .build()
        .map_err(|error| InputError::usage(error.to_string()))
}

/// The exit code of a program that one of its calls has ended.
pub(super) fn exit(ending: Ending) -> Exit {
    match ending {
        // As for any process, the host keeps the low byte.
        Ending::Exit(code) => Exit::Other(code as u8),
        Ending::Raised(signal) => {
            eprintln!("wassay: {ending}");
            Exit::Other(SIGNAL_BASE + signal.number())
        }
        Ending::Deadline => {
            eprintln!("wassay: {ending}");
            LIMITED
        }
    }
}
