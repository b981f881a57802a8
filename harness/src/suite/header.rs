//! The lines with `;;!` at the top of a `.wast` file, as Wasmtime's suite has them: TOML, in which
//! a key names a proposal (with `_`) and `true` or `false` adds it or takes it away.
//!
//! Owns: the keys. Those of Wasmtime's own configuration are known by name and change nothing here;
//! any other key is an error.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;

use crate::error::{InputError, line_at};
use crate::features::{FeatureChange, FeatureList, Proposal, proposal_named};

/// The beginning of a line of the header.
const MARK: &str = ";;!";

/// Keys that concern an engine's configuration, or the component model, and no feature of a core
/// module.
const OTHER_KEYS: &[&str] = &[
    "branch_hinting",
    "component_model_async",
    "component_model_async_builtins",
    "component_model_async_stackful",
    "component_model_error_context",
    "component_model_fixed_length_lists",
    "component_model_gc",
    "component_model_implements",
    "component_model_map",
    "component_model_memory64",
    "component_model_more_async_builtins",
    "component_model_threading",
    "gc_types",
    "hogs_memory",
    "nan_canonicalization",
    "spec_test",
];

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The features that it adds and takes away.
    pub(super) features: FeatureList,
    /// The latest proposal that it adds, by the order of the table of proposals.
    pub(super) proposal: Option<Proposal>,
}

/// Reads the header of a file, if it has one.
///
/// # Errors
/// If it is not TOML, a value is neither `true` nor `false`, or a key is not known. The error has
/// the line.
pub(super) fn read(text: &str) -> Result<Option<Header>, InputError> {
    let lines = text.lines().map_while(|line| line.strip_prefix(MARK));
    // Each line of the header stays a line, so that lines of errors are those of the file.
    let header: Vec<&str> = lines.collect();
    if header.is_empty() {
        return Ok(None);
    }
    let header = header.join("\n");
    let nowhere = Path::new("");
    let keys: BTreeMap<Spanned<String>, bool> =
        toml::from_str(&header).map_err(|error| InputError::in_toml(nowhere, &header, &error))?;
    let mut features = FeatureList::default();
    for (key, is_on) in keys {
        let name = key.get_ref().as_str();
        match (proposal_named(name), is_on) {
            (Some(proposal), true) => features.0.push(FeatureChange::Add(proposal)),
            (Some(proposal), false) => features.0.push(FeatureChange::Remove(proposal)),
            (None, _) if OTHER_KEYS.contains(&name) => {}
            (None, _) => {
                let line = line_at(&header, key.span().start);
                let message = format!("unknown key `{name}` in the file's header");
                return Err(InputError::at_line(nowhere, line, message));
            }
        }
    }
    let added = features.0.iter().filter_map(|change| match change {
        FeatureChange::Add(proposal) => Some(*proposal),
        FeatureChange::Remove(_) | FeatureChange::Set(_) => None,
    });
    Ok(Some(Header {
        proposal: added.max(),
        features,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSet;

    #[test]
    fn headers_add_and_take_away() {
        let text = ";;! simd = false\n;;! threads = true\n;;! hogs_memory = true\n;;!\n\n(module)";
        let header = read(text).expect("well formed").expect("a header");
        assert_eq!(header.proposal, Some(Proposal::Threads));
        let set = header.features.apply(FeatureSet::WASM2);
        let expected = FeatureSet::WASM2.without(Proposal::Simd);
        assert_eq!(set, expected.with(Proposal::Threads));
        for without in [
            "",
            "(module)\n;;! gc = true",
            "\n;;! gc = true",
            ";; gc = true",
        ] {
            assert_eq!(read(without), Ok(None), "{without}");
        }
    }

    #[test]
    fn what_a_header_cannot_say_is_an_error_with_its_line() {
        for (text, line, part) in [
            (
                ";;! gc = true\n;;! banana = true",
                2,
                "unknown key `banana`",
            ),
            (";;! gc = 1", 1, "boolean"),
            (
                ";;! gc = true\n;;! simd = true\n;;! gc = false",
                3,
                "duplicate",
            ),
            (";;! gc", 1, ""),
        ] {
            let error = read(text).expect_err("an error");
            assert_eq!(error.line, Some(line), "{error}");
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn every_key_of_wasmtimes_suite_is_known() {
        let keys = "bulk_memory memory64 custom_page_sizes multi_memory threads \
            shared_everything_threads gc function_references relaxed_simd reference_types \
            tail_call extended_const wide_arithmetic branch_hinting hogs_memory \
            nan_canonicalization component_model_async component_model_more_async_builtins \
            component_model_async_stackful component_model_threading \
            component_model_error_context component_model_gc component_model_map \
            component_model_memory64 component_model_fixed_length_lists \
            component_model_implements simd gc_types exceptions legacy_exceptions \
            stack_switching spec_test custom_descriptors";
        for key in keys.split_whitespace() {
            assert!(read(&format!(";;! {key} = true")).is_ok(), "{key}");
        }
    }
}
