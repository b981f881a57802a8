//! Every suite that there is here: its files are valid and invalid where they say so, with the
//! features that they are given; and where these come from.

use super::*;
use crate::script::parse::parse_script;
use crate::script::{Command, Expectation, ModuleSource};
use wasmparser::{Validator, WasmFeatures};

/// The checkout of WebAssembly/testsuite that `scripts/test` names.
pub(crate) fn checkout() -> Vec<SuiteFile> {
    let folder = std::env::var_os("WASSAY_TESTSUITE");
    let folder = folder.expect("WASSAY_TESTSUITE names a checkout of WebAssembly/testsuite");
    load(&[folder.into()]).expect("loads")
}

/// The suites that are always here: the embedded one, and our own.
fn present() -> Vec<SuiteFile> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testsuite/regressions");
    let mut files = embedded();
    files.extend(load(&[own]).expect("loads"));
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
            Expectation::Invalid { .. } | Expectation::Malformed { .. }
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
    check_validity(&present());
}

#[test]
#[ignore = "needs a checkout of WebAssembly/testsuite"]
fn with_its_features_each_file_of_a_checkout_is_valid_and_invalid_where_it_says() {
    check_validity(&checkout());
}

fn check_validity(files: &[SuiteFile]) {
    for file in files {
        let features = file.features.set.wasmparser();
        let (good, bad) = modules(file);
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
fn the_files_of_the_early_proposals_need_no_later_one() {
    check_early(&present());
}

#[test]
#[ignore = "needs a checkout of WebAssembly/testsuite"]
fn the_files_of_the_early_proposals_of_a_checkout_need_no_later_one() {
    check_early(&checkout());
}

fn check_early(files: &[SuiteFile]) {
    let early = WasmFeatures::WASM1
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::MULTI_VALUE;
    for file in files {
        let is_early = file.heading <= Heading::Proposal(Proposal::MultiValue);
        let (good, _) = modules(file);
        let later = good.iter().find(|(_, bytes)| !valid(early, bytes));
        if is_early {
            assert_eq!(later.map(|(line, _)| line), None, "{}", file.path);
        }
    }
}

#[test]
#[ignore = "needs a checkout of WebAssembly/testsuite"]
fn every_row_of_the_tables_is_used() {
    let mut files = embedded();
    files.extend(checkout());
    for (row, is_of) in layout::tests::all_rows() {
        let guessed = files.iter().filter(|file| file.features.guess.is_some());
        assert!(guessed.into_iter().any(|file| is_of(&file.path)), "{row}");
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

/// A folder with some files, by their paths.
fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }
    folder
}

fn load_one(folder: &Path) -> Result<Vec<SuiteFile>, InputError> {
    load(&[folder.to_path_buf()])
}

#[test]
fn unreadable_sources_are_errors_that_name_them() {
    let folder = folder_of(&[("inner/a.txt", b"")]);
    let message = |path: &Path| load_one(path).map(drop).expect_err("an error").to_string();
    assert!(message(folder.path()).contains("no .wast file"));
    assert!(message(&folder.path().join("absent")).contains("absent: "));
    let bad = folder.path().join("inner/bad.wast");
    fs::write(&bad, b"(module)\n(module \"\xff\")").expect("written");
    let files = load_one(folder.path()).expect("loads");
    assert_eq!(files[0].fault, Some((2, "invalid UTF-8".to_string())));
    fs::write(&bad, b"(module)").expect("written");
    let files = load_one(folder.path()).expect("loads");
    assert_eq!(files[0].path, "inner/bad.wast");
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link");
    };
    link("nowhere", "inner/note.txt");
    assert_eq!(load_one(folder.path()).expect("loads").len(), 1);
    link("..", "inner/up");
    assert!(message(folder.path()).contains("up: a link leads back"));
}

const STATEMENT: &[u8] = b"features = '2.0'
proposal = 'simd'
[[files]]
glob = 'gc/**'
features = 'gc'
";

#[test]
fn features_are_stated_by_folder_then_header() {
    let folder = folder_of(&[
        ("a/wassay.toml", STATEMENT),
        (
            "a/a.wast",
            b";;! threads = true\n;;! simd = false\n(module)",
        ),
        ("a/gc/b.wast", b"(module)"),
        ("a/inner/wassay.toml", b"proposal = \"memory64\""),
        ("a/inner/c.wast", b";;! hogs_memory = true"),
        ("d0.wast", b"(module)"),
        ("e.wast", b";;! gc = true"),
        ("f.wast", b"(module)"),
        ("f1.wast", b";;! gc = true\n;;! banana = true"),
    ]);
    let files = load_one(folder.path()).expect("loads");
    let found = files.iter().map(|file| {
        let places = file.features.stated_by.iter().map(ToString::to_string);
        let places: Vec<String> = places.collect();
        let set = file.features.set.to_string();
        format!(
            "{}: {set} by [{}] of {}",
            file.path,
            places.join(", "),
            file.heading.key()
        )
    });
    let found: Vec<String> = found.collect();
    let two = "1.0,sign-extension,nontrapping-float-to-int,multi-value,bulk-memory,\
        reference-types,threads";
    let header = "the file's header";
    assert_eq!(
        found,
        [
            format!("a/a.wast: {two} by [a/wassay.toml, {header}] of simd"),
            "a/gc/b.wast: 2.0,function-references,gc by [a/wassay.toml] of simd".to_string(),
            format!("a/inner/c.wast: 3.0 by [{header}] of memory64"),
            "d0.wast: 3.0 by [] of other".to_string(),
            format!("e.wast: 3.0 by [{header}] of gc"),
            "f.wast: 3.0 by [] of other".to_string(),
            "f1.wast: 3.0 by [] of other".to_string(),
        ]
    );
    let fault = files[6].fault.as_ref().expect("a fault");
    assert!(fault.0 == 2 && fault.1.contains("`banana`"), "{fault:?}");
    // The same file by itself has the same features.
    let alone = load_one(&folder.path().join("a/gc/b.wast")).expect("loads");
    assert_eq!(alone[0].features.set, files[1].features.set);
}

#[test]
fn slow_patterns_are_matched_in_linear_time() {
    let slow = pattern(&"*a".repeat(50)).expect("a pattern");
    let started = std::time::Instant::now();
    assert!(!slow.is_match("a".repeat(5_000) + "b"));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
