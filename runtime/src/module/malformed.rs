//! Malformed or invalid? wasmparser reports both alike, so a refused module is read once more
//! without validation: what a bare decoder refuses too is malformed (spec: "Binary Format"), the
//! rest is invalid (spec: "Validation").
//!
//! Some rules of the binary format are only checked by wasmparser's validator: the order and the
//! uniqueness of sections, and the agreement of counts between sections.

use wasmparser::{BinaryReaderError, Parser, Payload, WasmFeatures};

use super::reader_error;
use crate::decode::{DecodeError, Decoder};
use crate::error::{Error, ErrorKind};

/// The error of a refused module, with its kind.
pub(super) fn classify(bytes: &[u8], features: WasmFeatures, error: &BinaryReaderError) -> Error {
    match decode_only(bytes, features) {
        Err(malformed) => reader_error(ErrorKind::Malformed, &malformed),
        Ok(()) if is_format_rule(error.message()) => reader_error(ErrorKind::Malformed, error),
        Ok(()) if has_malformed_memarg(bytes, features, error) => {
            Error::new(ErrorKind::Malformed, MEMOP_FLAGS).at(error.offset() as usize)
        }
        Ok(()) => reader_error(ErrorKind::Invalid, error),
    }
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
