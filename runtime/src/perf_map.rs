//! The names of machine code for a system's profiler: the format of `perf-PID.map`, which `perf` of
//! Linux reads (its documentation: `tools/perf/Documentation/jit-interface.txt`).
//!
//! A line has the first address, the number of bytes, both in hexadecimal, and the name. Lines are
//! written when code is published, so that they are there however the process ends.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// A file of names. It lives as long as the process.
#[derive(Debug)]
pub struct PerfMap(Mutex<io::Result<File>>);

impl PerfMap {
    /// A map that is written to a file.
    pub fn leak(file: File) -> &'static PerfMap {
        Box::leak(Box::new(PerfMap(Mutex::new(Ok(file)))))
    }

    /// Adds the lines of some code.
    pub(crate) fn add(&self, lines: &dyn fmt::Display) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(to) = &mut *file
            && let Err(error) = to.write_all(lines.to_string().as_bytes())
        {
            *file = Err(error);
        }
    }

    /// The error that ended the map, if one did.
    ///
    /// # Errors
    /// If a line could not be written; those that came after it were not.
    pub fn check(&self) -> io::Result<()> {
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*file {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}
