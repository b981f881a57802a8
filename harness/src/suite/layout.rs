//! Suites whose layout is known: the features of a file, and the proposal that it is about, by its
//! place in the suite and its name.
//!
//! Owns: the tables that say so, by folder and by file name: [`FOLDERS`], [`FILES`] and
//! [`WIZARD_FOLDERS`]; and which suites they are about ([`Suite`]). Files elsewhere are not guessed
//! about. A part of a suite is recognised by the folders above it, so that it runs as it does
//! within the whole.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::conventions::Conventions;
use super::{Heading, slashed};
use crate::features::{FeatureSet, Proposal};

/// A suite whose layout is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// The suite that the program carries in itself: a folder for each version and proposal.
    Embedded,
    /// The repository WebAssembly/testsuite: the current version, and a folder for each proposal.
    Testsuite,
    /// `test/core` of the repository WebAssembly/spec: the current version, in folders by subject;
    /// or of a fork of it, in which a proposal has a folder.
    SpecCore,
    /// `tests/misc_testsuite` of Wasmtime, whose files state their features in headers.
    Wasmtime,
    /// `test/regress` of the Wizard engine: a folder for each proposal.
    Wizard,
}

impl Suite {
    /// The runner for which the scripts of the suite were written.
    pub fn conventions(self) -> Conventions {
        match self {
            Suite::Embedded | Suite::Testsuite | Suite::SpecCore | Suite::Wizard => {
                Conventions::Spec
            }
            Suite::Wasmtime => Conventions::Wasmtime,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Suite::Embedded => "the embedded suite",
            Suite::Testsuite => "WebAssembly/testsuite",
            Suite::SpecCore => "WebAssembly/spec, test/core",
            Suite::Wasmtime => "Wasmtime, tests/misc_testsuite",
            Suite::Wizard => "Wizard, test/regress",
        })
    }
}

/// The grounds of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The suite.
    pub suite: Suite,
    /// The folder in it that says something about its files.
    pub folder: Option<&'static str>,
}

/// A guess, with the features and the heading of a file.
type Guessed = (Guess, FeatureSet, Heading);

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

/// Folders of the suites; the innermost one that is listed counts. Elsewhere WebAssembly 3.0 is
/// meant.
///
/// A proposal's folder is run with the version that it was written against, where the suite asserts
/// what later became valid (several memories, say).
#[rustfmt::skip]
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
        WASM3.with(Proposal::CustomDescriptors),
        Proposal::CustomDescriptors,
    ),
    folder("custom-page-sizes", WASM3.with(Proposal::CustomPageSizes), Proposal::CustomPageSizes),
    folder("exceptions", WASM3, Proposal::Exceptions),
    folder("extended-const", WASM3, Proposal::ExtendedConst),
    folder(
        "function-references",
        WASM2.with_all(&[Proposal::FunctionReferences, Proposal::TailCall]),
        Proposal::FunctionReferences,
    ),
    folder("gc", WASM3, Proposal::Gc),
    folder("legacy", WASM3.with(Proposal::LegacyExceptions), Proposal::LegacyExceptions),
    folder("memory64", WASM2.with(Proposal::Memory64), Proposal::Memory64),
    folder("multi-memory", WASM3, Proposal::MultiMemory),
    folder("multi-value", WASM1.with(Proposal::MultiValue), Proposal::MultiValue),
    folder("mutable-global", WASM1, Proposal::Mvp),
    folder("nontrapping-float-to-int-conversions", WASM2, Proposal::NontrappingFloatToInt),
    folder("reference-types", WASM2, Proposal::ReferenceTypes),
    folder("relaxed-simd", WASM3, Proposal::RelaxedSimd),
    folder("sign-extension-ops", WASM2, Proposal::SignExtension),
    folder("simd", WASM3, Proposal::Simd),
    folder("tail-call", WASM3, Proposal::TailCall),
    folder(
        "threads",
        WASM1.with_all(&[Proposal::Threads, Proposal::SignExtension]),
        Proposal::Threads,
    ),
    folder("wide-arithmetic", WASM3.with(Proposal::WideArithmetic), Proposal::WideArithmetic),
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

/// Folders of Wizard's suite. Other ones are of WebAssembly 3.0.
#[rustfmt::skip]
const WIZARD_FOLDERS: &[Folder] = &[
    folder("ext:exception-handling", WASM3, Proposal::Exceptions),
    folder("ext:extended-const", WASM3, Proposal::ExtendedConst),
    folder("ext:gc", WASM3, Proposal::Gc),
    folder("ext:legacy-eh", WASM3.with(Proposal::LegacyExceptions), Proposal::LegacyExceptions),
    folder("ext:memory64", WASM3, Proposal::Memory64),
    folder("ext:multi-memory", WASM2.with(Proposal::MultiMemory), Proposal::MultiMemory),
    folder("ext:relaxed-simd", WASM3, Proposal::RelaxedSimd),
    folder("ext:stack-switching", WASM3.with(Proposal::StackSwitching), Proposal::StackSwitching),
    folder("ext:tail-call", WASM3, Proposal::TailCall),
    folder("ext:threads", WASM3.with(Proposal::Threads), Proposal::Threads),
    folder("simd", WASM3, Proposal::Simd),
];

/// The rows of a table of files, ready to match.
type Rows = Vec<(Proposal, GlobSet)>;

static WASM2_ROWS: LazyLock<Rows> = LazyLock::new(|| rows(FILES_WASM2));
static ROWS: LazyLock<Rows> = LazyLock::new(|| rows(FILES));

fn rows(table: &[(Proposal, &[&str])]) -> Rows {
    let row = |(proposal, patterns): &(Proposal, &[&str])| (*proposal, globs(patterns));
    table.iter().map(row).collect()
}

fn globs(patterns: &[&str]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).expect("a test reads every pattern of the tables"));
    }
    set.build()
        .expect("a test reads every pattern of the tables")
}

/// The guess about a file of the embedded suite, by its path in it.
pub(super) fn of_embedded(path: &str) -> Guessed {
    guess(Suite::Embedded, WASM3, path)
}

/// The guess about a file, by its path in a suite and by the features of the whole suite.
fn guess(suite: Suite, whole: FeatureSet, path: &str) -> Guessed {
    let mut components = path.rsplit('/');
    let file = components.next().unwrap_or("");
    let stem = file.strip_suffix(".wast").unwrap_or(file);
    let folders = match suite {
        Suite::Embedded | Suite::Testsuite | Suite::SpecCore => FOLDERS,
        Suite::Wasmtime => &[],
        Suite::Wizard => WIZARD_FOLDERS,
    };
    let folder = components.find_map(|name| folders.iter().find(|folder| folder.name == name));
    let features = match suite {
        Suite::Embedded | Suite::Testsuite | Suite::Wizard => {
            folder.map_or(whole, |folder| folder.features)
        }
        // Its folders are parts of the version, or of what a fork adds to it.
        Suite::SpecCore | Suite::Wasmtime => whole,
    };
    let proposal = folder.and_then(|folder| folder.proposal);
    let heading = match suite {
        Suite::Embedded | Suite::Testsuite | Suite::SpecCore => {
            Some(proposal.unwrap_or_else(|| proposal_of_stem(stem, features)))
        }
        Suite::Wasmtime | Suite::Wizard => proposal,
    };
    let folder = folder.map(|folder| folder.name);
    (
        Guess { suite, folder },
        features,
        heading.map_or(Heading::Other, Heading::Proposal),
    )
}

/// The proposal that the name of a file stands for in a version.
fn proposal_of_stem(stem: &str, features: FeatureSet) -> Proposal {
    let earlier = match features.contains_all(WASM3) {
        true => &[][..],
        false => WASM2_ROWS.as_slice(),
    };
    let mut rows = earlier.iter().chain(&*ROWS);
    let row = rows.find(|(_, patterns)| patterns.is_match(stem));
    row.map_or(Proposal::Mvp, |(proposal, _)| *proposal)
}

/// Files that every version of the core suite has.
const CORE_FILES: [&str; 3] = ["labels.wast", "nop.wast", "unwind.wast"];
/// The folder that the core suite has since version 3.0.
const CORE_FOLDER_WASM3: &str = "gc";
/// Files and folders of Wasmtime's suite.
const WASMTIME_PATHS: [&str; 4] = ["misc_traps.wast", "component-model", "gc", "winch"];
/// Folders of Wizard's suite.
const WIZARD_PATHS: [&str; 4] = ["core", "gen", "ext:gc", "ext:threads"];

/// The folders that have been looked at, each with the suite that begins there and the features of
/// all of it.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    known: HashMap<PathBuf, Option<(Suite, FeatureSet)>>,
}

impl Layouts {
    /// The guess about a file by its full path, if it is in a suite whose layout is known.
    pub(super) fn guess(&mut self, file: &Path) -> Option<Guessed> {
        let mut above = file.ancestors().skip(1);
        let ((suite, whole), root) = above.find_map(|folder| Some((self.at(folder)?, folder)))?;
        let path = file.strip_prefix(root).unwrap_or(file);
        Some(guess(suite, whole, &slashed(path)))
    }

    /// The suite whose topmost folder this is.
    fn at(&mut self, folder: &Path) -> Option<(Suite, FeatureSet)> {
        if let Some(suite) = self.known.get(folder) {
            return *suite;
        }
        let has_all = |paths: &[&str]| paths.iter().all(|path| folder.join(path).exists());
        let suite = if has_all(&CORE_FILES) && folder.ends_with("test/core") {
            Some((Suite::SpecCore, features_of_core(folder)))
        } else if has_all(&CORE_FILES) && folder.join("proposals").is_dir() {
            Some((Suite::Testsuite, WASM3))
        } else if has_all(&WASMTIME_PATHS) {
            Some((Suite::Wasmtime, WASM3))
        } else if has_all(&WIZARD_PATHS) {
            Some((Suite::Wizard, WASM3))
        } else {
            None
        };
        self.known.insert(folder.to_path_buf(), suite);
        suite
    }
}

/// The features of the core suite in a folder: those of its version, and of the proposals that have
/// folders in it. A proposal's fork changes files of other folders, too.
fn features_of_core(folder: &Path) -> FeatureSet {
    let version = match folder.join(CORE_FOLDER_WASM3).is_dir() {
        true => WASM3,
        false => WASM2,
    };
    let has = |row: &&Folder| folder.join(row.name).is_dir();
    let proposals = FOLDERS.iter().filter(has).filter_map(|row| row.proposal);
    proposals.fold(version, FeatureSet::with)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// True if a path is of a row.
    type IsOf = Box<dyn Fn(&str) -> bool>;

    /// Every row of the tables, with the test that a path is of it.
    pub(in crate::suite) fn all_rows() -> Vec<(&'static str, IsOf)> {
        let folder = |name: &'static str| -> IsOf {
            Box::new(move |path| path.split('/').any(|part| part == name))
        };
        let file = |pattern: &'static str| -> IsOf {
            let set = globs(&[pattern]);
            Box::new(move |path| {
                let name = path.rsplit('/').next().unwrap_or("");
                set.is_match(name.strip_suffix(".wast").unwrap_or(name))
            })
        };
        let folders = FOLDERS.iter().map(|row| (row.name, folder(row.name)));
        let files = FILES.iter().chain(FILES_WASM2);
        let files = files.flat_map(|(_, patterns)| patterns.iter().map(|it| (*it, file(it))));
        folders.chain(files).collect()
    }

    fn suite_in(folder: &Path, names: &[&str]) {
        for name in CORE_FILES.iter().chain(names) {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(path, "(module)").expect("written");
        }
    }

    #[test]
    fn guesses_are_of_known_suites_only() {
        let temporary = tempfile::tempdir().expect("a folder");
        let (testsuite, spec) = (temporary.path().join("t"), temporary.path().join("s"));
        suite_in(
            &testsuite,
            &["address1.wast", "proposals/threads/atomic.wast"],
        );
        suite_in(&spec.join("test/core"), &["memory64/address64.wast"]);
        suite_in(&temporary.path().join("own"), &["threads/a1.wast"]);
        suite_in(&spec.join("test/core"), &["gc/array.wast"]);
        let (fork, wizard) = (temporary.path().join("f"), temporary.path().join("w"));
        suite_in(
            &fork.join("test/core"),
            &["threads/atomic.wast", "memory.wast"],
        );
        for folder in WIZARD_PATHS.iter().chain(&["ext:multi-memory"]) {
            std::fs::create_dir_all(wizard.join(folder)).expect("created");
        }
        let wasmtime = temporary.path().join("misc_testsuite");
        for folder in WASMTIME_PATHS {
            std::fs::create_dir_all(wasmtime.join(folder)).expect("created");
        }
        let guess = |path: &Path| Layouts::default().guess(path);
        let at = |path: &Path| {
            let (guess, features, heading) = guess(path).expect("a guess");
            (
                guess.suite,
                guess.folder,
                features.to_string(),
                heading.key(),
            )
        };
        assert_eq!(
            at(&testsuite.join("address1.wast")),
            (Suite::Testsuite, None, "3.0".to_string(), "multi-memory")
        );
        assert_eq!(
            at(&testsuite.join("proposals/threads/atomic.wast")),
            (
                Suite::Testsuite,
                Some("threads"),
                "1.0,sign-extension,threads".to_string(),
                "threads"
            )
        );
        assert_eq!(
            at(&spec.join("test/core/memory64/address64.wast")),
            (
                Suite::SpecCore,
                Some("memory64"),
                "3.0".to_string(),
                "memory64"
            )
        );
        // A fork's files may all use what the fork is about, over the version that it began with.
        assert_eq!(
            at(&fork.join("test/core/memory.wast")),
            (Suite::SpecCore, None, "2.0,threads".to_string(), "mvp")
        );
        assert_eq!(
            at(&wizard.join("ext:threads/wait.wast")),
            (
                Suite::Wizard,
                Some("ext:threads"),
                "3.0,threads".to_string(),
                "threads"
            )
        );
        assert_eq!(
            at(&wizard.join("core/i32.wast")),
            (Suite::Wizard, None, "3.0".to_string(), "other")
        );
        assert_eq!(
            at(&wasmtime.join("gc/a.wast")),
            (Suite::Wasmtime, None, "3.0".to_string(), "other")
        );
        assert_eq!(Suite::Wasmtime.conventions(), Conventions::Wasmtime);
        assert!(guess(&temporary.path().join("own/threads/a1.wast")).is_none());
        assert!(guess(&spec.join("test/legacy/a.wast")).is_none());
    }
}
