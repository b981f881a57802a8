//! The report as JSON, `wassay-report/2`: the whole account, for programs.
//!
//! Each field of the report begins a line, and so does each element of its lists, so that a report
//! can be searched and compared by line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::Presenter;
use super::beside::Beside;
use crate::report::Report;

/// The format.
pub struct Json;

impl Presenter for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "the whole account"
    }

    fn render(&self, report: &Report, _beside: &Beside) -> String {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Lines::default());
        report
            .serialize(&mut serializer)
            .expect("strings, integers, finite floats and maps with string keys always serialise");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }
}

/// The depth up to which the elements of a list begin lines: lists of the report, and of its parts.
const LISTS_DEPTH_MAX: usize = 3;

/// Where lines begin.
#[derive(Debug, Default)]
struct Lines {
    /// Objects and lists that are open.
    depth: usize,
}

impl Lines {
    fn separate<W: Write + ?Sized>(to: &mut W, first: bool, line: bool) -> io::Result<()> {
        to.write_all(match (first, line) {
            (true, true) => b"\n",
            (true, false) => b"",
            (false, true) => b",\n",
            (false, false) => b",",
        })
    }
}

impl Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        to.write_all(b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth -= 1;
        to.write_all(b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        Lines::separate(to, first, self.depth <= LISTS_DEPTH_MAX)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        to.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth -= 1;
        to.write_all(if self.depth == 0 { b"\n}" } else { b"}" })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        Lines::separate(to, first, self.depth == 1)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(if self.depth == 1 { b": " } else { b":" })
    }
}
