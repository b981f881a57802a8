//! Golden tests of the JIT's compile pipeline, on any host: every `tests/jit/*.wat` becomes the
//! `.txt` beside it, function by function IR, SSA and A64 (`BLESS=1` rewrites them). Memories are
//! guarded, but for files whose name begins with `explicit`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod golden;

use std::fmt::Write as _;
use std::fs;

use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::interior::{self, ir, jit};
use wassay_runtime::{Bounds, Config, Engine, Module, Tier};

/// What golden files are to have at least.
const FUNCTIONS_MIN: usize = 100;
/// How a function begins in a golden file.
const HEAD: &str = "; function ";

#[test]
fn code_is_as_expected() {
    golden::check("jit", "txt", |name, module| {
        let mut config = Config::only(Tier::Register);
        if name.starts_with("explicit") {
            config.bounds(Bounds::Explicit);
        }
        let module = interior::parts(module);
        let names = module.names();
        let mut out = String::new();
        for body in 0..module.bodies.len() {
            let name = names.funcs.get(&(module.imported.funcs + body as u32));
            let name = name.map(|name| format!(" ${name}")).unwrap_or_default();
            let text = stages(module, body, &config);
            writeln!(out, "{HEAD}{body}{name}\n{text}").unwrap();
        }
        out
    });
    there_are_a_hundred_functions_and_no_file_is_stale();
}

fn stages(module: &ModuleParts, body: usize, config: &Config) -> String {
    let ir = ir::build_with(module, body, config).unwrap();
    let stages = jit::stages(module, body, config).unwrap();
    let (ssa, code) = (stages.optimised, stages.listing);
    format!("{ir}\n{ssa}\n{code}")
}

/// Each line of SSA and code says from where in the module it comes.
#[test]
fn lines_have_the_offsets_of_their_instructions() {
    let text = "(module (func (param i32 i32) (result i32)
        (i32.mul (i32.rem_s (local.get 0) (local.get 1))
                 (i32.div_s (local.get 1) (local.get 0)))))";
    let buffer = wast::parser::ParseBuffer::new(text).unwrap();
    let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
    let bytes = wat.encode().unwrap();
    let config = Config::only(Tier::Register);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, &bytes).unwrap();
    let stages = jit::stages(interior::parts(&module), 0, &config).unwrap();
    let lines = |text: &str, offsets: &[u32], opcode: u8| -> String {
        let offset = bytes.iter().rposition(|byte| *byte == opcode).unwrap();
        let lines = text.lines().zip(offsets);
        let lines = lines.filter(|(_, it)| **it as usize == offset);
        lines.map(|(line, _)| format!("{line}\n")).collect()
    };
    let (div, rem, mul) = (0x6d, 0x6f, 0x6c);
    for (opcode, name, code) in [
        (div, "div_s", "sdiv"),
        (rem, "rem_s", "msub"),
        (mul, "mul", "madd"),
    ] {
        let ssa = lines(&stages.optimised, &stages.optimised_offsets, opcode);
        assert!(ssa.contains(name), "{name} is not in:\n{ssa}");
        let code_lines = lines(&stages.listing, &stages.listing_offsets, opcode);
        assert!(code_lines.contains(code), "{code} is not in:\n{code_lines}");
    }
}

fn there_are_a_hundred_functions_and_no_file_is_stale() {
    let mut functions = 0;
    for entry in fs::read_dir(golden::folder("jit")).unwrap() {
        let path = entry.unwrap().path();
        let beside = |extension| path.with_extension(extension);
        assert!(
            beside("wat").exists() && beside("txt").exists(),
            "{} has nothing beside it",
            path.display()
        );
        if path.extension().is_some_and(|it| it == "txt") {
            let text = fs::read_to_string(&path).unwrap();
            let of_file = text.lines().filter(|line| line.starts_with(HEAD)).count();
            assert!(of_file > 0, "{} has no function", path.display());
            functions += of_file;
        }
    }
    assert!(functions >= FUNCTIONS_MIN, "there are {functions}");
}
