//! The kinds of refusal of a module: malformed, invalid, or beyond a limit. wasmparser reports all
//! alike, so a refused module is read once more without validation: what a bare decoder refuses
//! too is malformed (spec: "Binary Format"), the rest is invalid (spec: "Validation"). A refusal
//! because of a number that the specification does not bound is of a kind of its own (spec
//! appendix: "Implementation Limitations"): such a module may well be valid.
//!
//! Some rules of the binary format are only checked by wasmparser's validator: the order and the
//! uniqueness of sections, and the agreement of counts between sections.

use wasmparser::{BinaryReader, BinaryReaderError, Parser, Payload, WasmFeatures};

use super::reader_error;
use crate::decode::{DecodeError, Decoder};
use crate::error::{Error, ErrorKind};
use crate::limits::LimitKind;

/// The beginning of a component (component model: binary format).
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// The error of a refused module, with its kind.
pub(super) fn classify(bytes: &[u8], features: WasmFeatures, error: &BinaryReaderError) -> Error {
    if bytes.starts_with(COMPONENT) {
        let message = "unknown binary version: a component, not a module; only the modules that \
                       are in it can be executed";
        return Error::new(ErrorKind::Malformed, message).at(4);
    }
    let decoded = decode_only(bytes, features);
    let first = decoded.as_ref().err().unwrap_or(error);
    if let Some(kind) = kind_of_size(bytes, first) {
        return reader_error(kind, first);
    }
    match decoded {
        Err(malformed) => reader_error(ErrorKind::Malformed, &malformed),
        Ok(()) if is_format_rule(error.message()) => reader_error(ErrorKind::Malformed, error),
        Ok(()) if is_of_limits_flags(error.message()) => {
            let message = format!("{LIMITS_FLAGS}: {}", error.message());
            Error::new(ErrorKind::Malformed, message).at(error.offset() as usize)
        }
        Ok(()) if has_malformed_memarg(bytes, features, error) => {
            Error::new(ErrorKind::Malformed, MEMOP_FLAGS).at(error.offset() as usize)
        }
        Ok(()) => reader_error(ErrorKind::Invalid, error),
    }
}

/// The kind of a refusal because of a size, if that is the reason: a number beyond a limit is
/// malformed all the same if the module is too short for what it counts.
fn kind_of_size(bytes: &[u8], error: &BinaryReaderError) -> Option<ErrorKind> {
    const LIMITS: &[&str] = &[
        "count exceeds limit of",
        "too many locals: ",
        "implementation limit",
        "effective type size exceeds the limit",
        "sub type hierarchy too deep",
    ];
    /// The longest name of an import, an export or a custom section.
    const STRING_BYTES_MAX: usize = 100_000;
    /// Lists that validation bounds by one.
    const ONE_AT_MOST: &[&str] = &["select types", "supertype idxs"];
    let message = error.message();
    let rest = usize::try_from(error.offset()).ok();
    let rest = rest.and_then(|offset| bytes.get(offset..)).unwrap_or(&[]);
    let beyond = ErrorKind::Limit(LimitKind::ModuleItems);
    if LIMITS.iter().any(|limit| message.contains(limit)) {
        return Some(beyond);
    }
    let is_there = if message == "string size out of bounds" {
        // The offset is that of the last byte of the length.
        rest.len() > STRING_BYTES_MAX
    } else if message.ends_with("size is out of bounds") {
        // The offset is that of the count. Each item takes a byte, or more.
        let count = BinaryReader::new(rest, 0).read_var_u32();
        count.is_ok_and(|count| (count as usize) < rest.len())
    } else {
        return None;
    };
    Some(match is_there {
        false => ErrorKind::Malformed,
        true if ONE_AT_MOST.iter().any(|list| message.starts_with(list)) => ErrorKind::Invalid,
        true => beyond,
    })
}

/// The rules of the binary format that live in the validator, by what it says of them.
fn is_format_rule(message: &str) -> bool {
    const RULES: &[&str] = &[
        "malformed section id",
        "section out of order",
        "duplicate section",
        "function and code section have inconsistent",
        "data count and data section have inconsistent lengths",
        "data count section required",
        "unknown binary version",
        "unsupported component",
        // A global's mutability that is neither 0 nor 1, as before shared globals.
        "shared globals require",
    ];
    RULES.iter().any(|rule| message.contains(rule))
}

/// The specification's message for flags of limits with bits that no proposal at hand defines.
const LIMITS_FLAGS: &str = "malformed limits flags";

/// True if the refusal is of a bit in the flags of limits that belongs to a proposal which the
/// features leave out (spec: binary format of limits; 3.0 has the bytes 0, 1, 4 and 5).
fn is_of_limits_flags(message: &str) -> bool {
    const RULES: &[&str] = &[
        "memory64 must be enabled for",
        "threads must be enabled for shared memories",
        "shared tables require",
        "custom page sizes proposal must be enabled",
    ];
    RULES.iter().any(|rule| message.contains(rule))
}

/// The decoder's message for a memory access whose flags have unknown bits.
const MEMOP_FLAGS: &str = "malformed memop flags";

/// True if the refused alignment has 32 bits or more. Before there were several memories,
/// the binary format had no such alignment (spec 2.0, "memarg"); since then it is a matter of
/// validation. wasmparser leaves it to its validator always.
fn has_malformed_memarg(bytes: &[u8], features: WasmFeatures, error: &BinaryReaderError) -> bool {
    if features.multi_memory() || !error.message().contains("alignment must not be larger") {
        return false;
    }
    let bodies = Parser::new(0)
        .parse_all(bytes)
        .filter_map(|payload| match payload {
            Ok(Payload::CodeSectionEntry(body)) => Some(body.range()),
            _ => None,
        });
    let mut bodies = bodies.filter(|range| range.contains(&error.offset()));
    bodies.next().is_some_and(|range| {
        let (start, end) = (range.start as usize, range.end as usize);
        let mut decoder = Decoder::new(&bytes[start..end], start);
        let mut read = || {
            decoder.read_locals(|_, _| {})?;
            while !decoder.is_at_end() {
                decoder.read()?;
            }
            Ok::<(), DecodeError>(())
        };
        read().is_err_and(|error| error.message == MEMOP_FLAGS)
    })
}

/// Reads every item of every section, and does no more.
fn decode_only(bytes: &[u8], features: WasmFeatures) -> Result<(), BinaryReaderError> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    parser
        .parse_all(bytes)
        .try_for_each(|payload| read_section(payload?))
}

fn read_section(payload: Payload<'_>) -> Result<(), BinaryReaderError> {
    match payload {
        Payload::TypeSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::ImportSection(s) => s.into_imports().try_for_each(|x| x.map(drop)),
        Payload::FunctionSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::TableSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::MemorySection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::TagSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::GlobalSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::ExportSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::ElementSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::DataSection(s) => s.into_iter().try_for_each(|x| x.map(drop)),
        Payload::CodeSectionEntry(body) => {
            let mut locals = body.get_locals_reader()?;
            for _ in 0..locals.get_count() {
                locals.read()?;
            }
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                operators.read()?;
            }
            operators.finish()
        }
        _ => Ok(()), // custom sections and framing: the parser itself has read them
    }
}
