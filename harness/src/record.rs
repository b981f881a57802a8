//! Host calls of a program, recorded: the function, its arguments, what it read and wrote of the
//! memory, its answer, and what it printed.
//!
//! A record is a file of JSON lines: a head, a line for each call, and the end of the program.
//! [`watch`] writes one while a program runs and answers calls from one; [`script`] makes a script
//! of one, in which a module of WebAssembly gives the answers. Owns the format and its version.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::error::InputError;
use crate::outcome::{Place, StateHash};

pub mod dump;
pub mod script;
pub mod watch;

/// The version of the format. Another version is refused.
pub const VERSION: u32 = 1;

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Record(Head),
    /// A call.
    Call(HostCall),
    /// The last line.
    End(End),
}

/// The head of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The version of the format.
    pub version: u32,
    /// The hash of the program's bytes, in hexadecimal digits.
    pub sha256: String,
    /// The exported function that was called.
    pub invoke: String,
}

/// A call of a host function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostCall {
    /// The name of the function.
    pub name: String,
    /// The bits of the arguments.
    pub args: Vec<u64>,
    /// The address and length of what the function read of the memory, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<(u32, u32)>,
    /// The hash (XXH3) of the bytes that it read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read_hash: u64,
    /// The answer.
    pub answer: Answer,
    /// The address and the bytes of what it wrote into the memory, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<(u32, Bytes)>,
    /// The number of a standard stream and the bytes that it printed there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<(u32, Bytes)>,
    /// The hashes of the state before the call, where they were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateHash>,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The number of an error code; 0 is success.
    Errno(u16),
    /// The program exits with a code.
    Exit(u32),
    /// The program ends by the signal of that number.
    Raised(u8),
    /// A deadline passed while the call waited.
    Deadline,
}

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The ending in words, with results.
    pub ending: String,
    /// True if the depth of calls or the time ended it: these differ between engines.
    pub is_open: bool,
    /// The functions that were running, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Place>,
    /// The hashes of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateHash>,
}

/// Bytes, written as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        to.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        use base64::Engine as _;
        let text = String::deserialize(from)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes.map(Bytes).map_err(D::Error::custom)
    }
}

fn is_zero(word: &u64) -> bool {
    *word == 0
}

/// The hash of a program, as a head has it.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl HostCall {
    /// The call in one line: the function and its arguments.
    pub fn text(&self) -> String {
        call_text(&self.name, &self.args)
    }
}

/// A call in one line.
pub fn call_text(name: &str, args: &[u64]) -> String {
    let args: Vec<String> = args.iter().map(u64::to_string).collect();
    format!("{name}({})", args.join(", "))
}

/// Writes a record line by line: to a file with `.partial` at its name's end, which has each call
/// as soon as it is answered, and takes the record's name when the program has ended. What stood
/// there stays until then. A pipe or a device is written directly.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    /// The file that is written, and the one that it replaces.
    partial: Option<(PathBuf, PathBuf)>,
}

impl Writer {
    /// Makes the file, and writes the head.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, head: Head) -> Result<Writer, InputError> {
        let refused = |error| InputError::from_error(path, error);
        let old = path.metadata().ok();
        let partial = match &old {
            Some(old) if !old.is_file() => None,
            Some(_) => {
                // What may not be written is not replaced either.
                File::options().write(true).open(path).map_err(refused)?;
                let named = std::fs::canonicalize(path).map_err(refused)?;
                Some((partial(&named), named))
            }
            None => Some((partial(path), path.to_owned())),
        };
        let written = partial.as_ref().map_or(path, |(written, _)| written);
        let file = File::create(written).map_err(refused)?;
        if let (Some(old), Some(_)) = (old, &partial) {
            file.set_permissions(old.permissions()).map_err(refused)?;
        }
        let path = path.to_owned();
        let mut writer = Writer {
            path,
            file,
            partial,
        };
        writer.write(&Line::Record(head))?;
        Ok(writer)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, line: &Line) -> Result<(), InputError> {
        let text = serde_json::to_vec(line).map_err(std::io::Error::from);
        let written = text.and_then(|mut text| {
            text.push(b'\n');
            self.file.write_all(&text)
        });
        written.map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &std::io::Error) -> InputError {
        InputError::at(&self.path, format!("not written: {error}"))
    }

    /// Writes the last line, and gives the record its name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self, end: End) -> Result<(), InputError> {
        self.write(&Line::End(end))?;
        let named = self.partial.as_ref().map_or(Ok(()), |(from, to)| {
            let synced = self.file.sync_all();
            synced.and_then(|()| std::fs::rename(from, to))
        });
        named.map_err(|error| self.unwritten(&error))
    }
}

/// The file of a record whose program has not ended.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Reads a record line by line.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    lines: BufReader<File>,
    /// The number of lines that were read.
    line: usize,
    is_over: bool,
}

impl Reader {
    /// Opens a record, and reads its head.
    ///
    /// # Errors
    /// If it cannot be read, or is not a record of this version.
    pub fn open(path: &Path) -> Result<(Reader, Head), InputError> {
        let file = File::open(path).map_err(|error| InputError::from_error(path, error))?;
        let mut reader = Reader {
            path: path.to_owned(),
            lines: BufReader::new(file),
            line: 0,
            is_over: false,
        };
        let Some(text) = reader.text()? else {
            return Err(InputError::at(path, "the record is empty"));
        };
        let head: serde_json::Value = reader.parse(&text)?;
        let version = &head["record"]["version"];
        let Some(version) = version.as_u64() else {
            return Err(reader.wrong("this is not the head of a record"));
        };
        if version != u64::from(VERSION) {
            let message = format!("a record of version {version}; version {VERSION} is read here");
            return Err(reader.wrong(&message));
        }
        match reader.parse(&text)? {
            Line::Record(head) => Ok((reader, head)),
            Line::Call(_) | Line::End(_) => Err(reader.wrong("this is not the head of a record")),
        }
    }

    /// The next call or the end; nothing behind the end.
    ///
    /// # Errors
    /// If a line is malformed, or the end is missing or is not the last line.
    pub fn read_line(&mut self) -> Result<Option<Line>, InputError> {
        let text = self.text()?;
        let line = match (text, self.is_over) {
            (None, true) => return Ok(None),
            (None, false) => {
                return Err(self.wrong("the record is cut off here: it has no end"));
            }
            (Some(_), true) => return Err(self.wrong("a line behind the end of the record")),
            (Some(text), false) => self.parse(&text)?,
        };
        match &line {
            Line::Record(_) => return Err(self.wrong("a second head")),
            Line::End(_) => self.is_over = true,
            Line::Call(_) => {}
        }
        Ok(Some(line))
    }

    fn text(&mut self) -> Result<Option<String>, InputError> {
        let mut text = String::new();
        match self.lines.read_line(&mut text) {
            Ok(0) => Ok(None),
            Ok(_) => {
                self.line += 1;
                Ok(Some(text))
            }
            Err(error) => Err(self.wrong(&error.to_string())),
        }
    }

    fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, InputError> {
        serde_json::from_str(text).map_err(|error| self.wrong(&error.to_string()))
    }

    fn wrong(&self, message: &str) -> InputError {
        InputError::at_line(&self.path, self.line.max(1), message)
    }
}

/// A whole record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The head.
    pub head: Head,
    /// The calls, in order.
    pub calls: Vec<HostCall>,
    /// The end.
    pub end: End,
}

/// Reads a whole record.
///
/// # Errors
/// As [`Reader`] has them.
pub fn read(path: &Path) -> Result<Record, InputError> {
    let (mut reader, head) = Reader::open(path)?;
    let mut calls = Vec::new();
    let mut end = None;
    while let Some(line) = reader.read_line()? {
        match line {
            Line::Call(call) => calls.push(call),
            Line::End(it) => end = Some(it),
            Line::Record(_) => {}
        }
    }
    match end {
        Some(end) => Ok(Record { head, calls, end }),
        None => Err(InputError::at(path, "the record has no end")),
    }
}

#[cfg(test)]
mod tests;
