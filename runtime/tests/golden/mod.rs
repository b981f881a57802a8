//! Golden files: every `.wat` in a folder of `tests/` becomes text, which is compared with the file
//! beside it. `BLESS=1` rewrites what differs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use similar_asserts::SimpleDiff;
use wassay_runtime::{Config, Engine, Module, Tier, WasmFeatures};

/// Where the cases of `tests/FOLDER` are.
pub(crate) fn folder(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    tests.join(name)
}

/// Checks each `tests/FOLDER/*.wat` against the file beside it with this extension; `print` gets
/// the file's name and its module.
pub(crate) fn check(name: &str, extension: &str, print: impl Fn(&str, &Module) -> String) {
    let mut different = Vec::new();
    let cases = cases(&folder(name));
    assert!(!cases.is_empty());
    for path in cases {
        let stem = path.file_stem().unwrap().to_string_lossy();
        let (actual, golden) = (print(&stem, &module(&path)), path.with_extension(extension));
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected == actual {
            continue;
        } else if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &actual).unwrap();
        } else {
            let diff = SimpleDiff::from_str(&expected, &actual, "golden", "now");
            different.push(format!("{}:\n{diff}", golden.display()));
        }
    }
    assert!(
        different.is_empty(),
        "BLESS=1 accepts:\n{}",
        different.join("\n")
    );
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of cases is in the repository");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "wat"))
        .collect();
    cases.sort();
    cases
}

fn module(path: &Path) -> Module {
    let text = fs::read_to_string(path).unwrap();
    let buffer = wast::parser::ParseBuffer::new(&text).unwrap();
    let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
    let mut config = Config::only(Tier::Register);
    config.features(WasmFeatures::all());
    let engine = Engine::new(&config).unwrap();
    Module::new(&engine, wat.encode().unwrap()).unwrap()
}
