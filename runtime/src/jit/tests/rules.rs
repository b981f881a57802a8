//! Every rewrite rule is used by code that occurs: in the suites, in compiled C, or in kernels. A
//! rule that nothing uses matches a form that the passes before it do not leave: it is to be mended
//! or deleted.

use std::fs;
use std::path::{Path, PathBuf};

use super::suite::suites;
use super::{BOUNDS, encode};
use crate::engine::{Config, Engine, Tier};
use crate::jit::host::HostTarget;
use crate::jit::ssa::rule::Rule;
use crate::jit::{JitTier, pipeline};
use crate::module::ModuleParts;

/// Modules in the text format: compiled C, kernels, and those of the golden tests.
fn texts() -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/compiled", "tests/jit", "../testsuite/kernels"];
    folders.into_iter().flat_map(move |name| {
        let entries = fs::read_dir(folder.join(name)).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("entries can be read").path());
        paths.filter(|path| path.extension().is_some_and(|it| it == "wat"))
    })
}

#[test]
fn every_rewrite_rule_is_used() {
    let mut config = Config::only(Tier::Jit);
    config.features = wasmparser::WasmFeatures::all();
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let read = |path: PathBuf| fs::read_to_string(path).expect("the file can be read");
    let programs = texts().map(|path| encode(&read(path)));
    for bytes in programs.chain(suites::modules()) {
        let Ok(module) = ModuleParts::new(&engine, &bytes) else {
            continue;
        };
        for bounds in BOUNDS {
            config.bounds = bounds;
            // What the tier does not have is counted by another test.
            let _ = pipeline::compile::<HostTarget>(&module, &config);
        }
    }
    let unused: Vec<&Rule> = Rule::ALL.iter().filter(|rule| rule.uses() == 0).collect();
    for rule in Rule::ALL {
        println!("{:>9} {rule:?}", rule.uses());
    }
    assert!(unused.is_empty(), "rules that nothing uses: {unused:?}");
}
