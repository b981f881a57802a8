//! The state of a WASI program that is measured: a fixed clock and random numbers by a seed, so
//! that every engine does the same work, and its output kept for comparison.

use wassay_wasi::{Captured, Ending, Options, Wasi};

use crate::Done;

/// What a program writes.
pub struct Output {
    stdout: Captured,
    stderr: Captured,
}

/// The state of a program, and its output. A module that is not a program does not use it.
pub fn begin() -> Done<(Wasi, Output)> {
    let mut options = Options::new();
    options.arg("program").fixed_time(1 << 60, 1000).seed(1);
    let output = Output {
        stdout: options.capture_stdout(),
        stderr: options.capture_stderr(),
    };
    Ok((options.build()?, output))
}

/// An error unless a program that one of its calls has ended succeeded.
pub fn succeeded(ending: Ending) -> Done {
    match ending {
        Ending::Exit(0) => Ok(()),
        Ending::Exit(_) | Ending::Raised(_) | Ending::Deadline => Err(ending.to_string().into()),
    }
}

impl Output {
    /// The result of a call: what the program wrote, or else the bits of the first result.
    pub fn result(&self, first: Option<u64>) -> Option<String> {
        let mut bytes = self.stdout.bytes();
        bytes.extend(self.stderr.bytes());
        let written = String::from_utf8_lossy(&bytes).into_owned();
        match written.is_empty() {
            true => first.map(|bits| bits.to_string()),
            false => Some(written),
        }
    }
}
