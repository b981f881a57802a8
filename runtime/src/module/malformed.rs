//! Malformed or invalid? wasmparser reports both alike, so a refused module is read once more
//! without validation: what a bare decoder refuses too is malformed (spec: "Binary Format"), the
//! rest is invalid (spec: "Validation").
//!
//! Some rules of the binary format are only checked by wasmparser's validator: the order and the
//! uniqueness of sections, and the agreement of counts between sections.

use wasmparser::{BinaryReaderError, Parser, Payload, WasmFeatures};

use super::reader_error;
use crate::error::{Error, ErrorKind};

/// The error of a refused module, with its kind.
pub(super) fn classify(bytes: &[u8], features: WasmFeatures, error: &BinaryReaderError) -> Error {
    match decode_only(bytes, features) {
        Err(malformed) => reader_error(ErrorKind::Malformed, &malformed),
        Ok(()) if is_format_rule(error.message()) => reader_error(ErrorKind::Malformed, error),
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
    ];
    RULES.iter().any(|rule| message.contains(rule))
}

/// Reads every item of every section, and nothing more.
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
