//! Golden tests of the canonical IR: every `tests/ir/*.wat` is built and printed, and compared with
//! the `.ir` beside it (`BLESS=1` rewrites them); and the IR of every function of the suites
//! verifies.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod golden;
mod suites;

use wassay_runtime::interior::{self, ir};
use wassay_runtime::{Config, Engine, ErrorKind, Module, Tier, WasmFeatures};

#[test]
fn ir_is_as_expected() {
    golden::check("ir", "ir", |_, module| {
        let funcs = 0..interior::parts(module).bodies.len();
        let ir = funcs.map(|body| {
            ir::build(interior::parts(module), body)
                .unwrap()
                .to_string()
        });
        ir.collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn ir_of_the_suites_verifies() {
    let mut config = Config::only(Tier::Register);
    config.features(WasmFeatures::all());
    let engine = Engine::new(&config).unwrap();
    let (mut verified, mut unsupported) = (0, 0);
    for bytes in suites::modules() {
        let Ok(module) = Module::new(&engine, &bytes) else {
            continue;
        };
        for body in 0..interior::parts(&module).bodies.len() {
            match ir::build(interior::parts(&module), body) {
                Ok(func) => {
                    let result = ir::verify(&func);
                    assert_eq!(result, Ok(()), "\n{func}");
                    verified += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
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
    let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
    let started = std::time::Instant::now();
    for (name, code) in [
        ("nested", nested),
        ("loops", loops),
        ("sets", sets),
        ("blocks", blocks),
    ] {
        let module =
            Module::new(&engine, module_of(&code)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let func = ir::build(interior::parts(&module), 0).unwrap();
        assert!(func.ops > 1000, "{name}");
    }
    let seconds = started.elapsed().as_secs();
    assert!(seconds < 60, "{seconds} s: not linear");
}
