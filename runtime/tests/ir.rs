//! Golden tests of the canonical IR: every `tests/ir/*.wat` is built and printed, and compared with
//! the `.ir` beside it. `BLESS=1` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use wassay_runtime::{Config, Engine, Module, Tier, ir};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
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
    let engine = Engine::new(Config::only(Tier::Register)).unwrap();
    let module = Module::new(&engine, &wat.encode().unwrap()).unwrap();
    let funcs = 0..module.bodies.len();
    let ir = funcs.map(|body| ir::build(&module, body).unwrap().to_string());
    ir.collect::<Vec<_>>().join("\n")
}

#[test]
fn ir_is_as_expected() {
    let mut different = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty());
    for path in cases {
        let (actual, golden) = (print(&path), path.with_extension("ir"));
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
