//! The compile pipeline of the JIT, on any host: golden tests (every `tests/jit/*.wat` becomes the
//! `.txt` beside it, SSA and A64; `BLESS=1` rewrites them), and every function of the suites, whose
//! allocations the independent checker confirms.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wassay_runtime::{Config, Engine, Module, Tier, jit};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jit");
    let entries = fs::read_dir(folder).expect("the folder of cases is in the repository");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "wat"))
        .collect();
    cases.sort();
    cases
}

fn print(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let buffer = wast::parser::ParseBuffer::new(&text).unwrap();
    let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
    let config = Config::only(Tier::Register);
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, &wat.encode().unwrap()).unwrap();
    let mut out = String::new();
    for body in 0..module.bodies.len() {
        let stages = jit::stages(&module, body, &config).unwrap();
        writeln!(
            out,
            "; function {body}\n{}\n{}",
            stages.optimised, stages.listing
        )
        .unwrap();
    }
    out
}

#[test]
fn code_is_as_expected() {
    let mut different = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty());
    for path in cases {
        let (actual, golden) = (print(&path), path.with_extension("txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &actual).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != actual {
            different.push(format!("{}:\n{actual}", path.display()));
        }
    }
    assert!(
        different.is_empty(),
        "BLESS=1 accepts:\n{}",
        different.join("\n")
    );
}
