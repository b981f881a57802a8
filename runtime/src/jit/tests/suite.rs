//! Every function of the suites through the whole pipeline, on any host: each allocation is
//! confirmed by the independent checker (`pipeline` runs it in tests), and all emitted code
//! decodes.

use std::collections::BTreeSet;

use super::BOUNDS;
use crate::engine::{Config, Engine, FrameShape, Thresholds, Tier};
use crate::error::{ErrorKind, Result};
use crate::jit::JitTier;
use crate::jit::build::Assumptions;
use crate::jit::host::{HostTarget, disassemble_all};
use crate::jit::pipeline::{self, Image};
use crate::jit::target::Target as _;
use crate::module::ModuleParts;

#[path = "../../../tests/suites/mod.rs"]
pub(super) mod suites;

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

/// The allocation block by block, which only the largest functions get, of a small function.
fn check_linear_allocation(module: &ModuleParts, config: &Config, body: usize) {
    let ir = crate::ir::build(module, body).expect("it has just compiled");
    let lowered = pipeline::lowered::<HostTarget>(&ir, Assumptions::new(config));
    let (vcode, _) = lowered.expect("it has just compiled");
    let output = vcode.allocate_blockwise(&HostTarget::env());
    let output = output.unwrap_or_else(|e| panic!("{e}"));
    let checked = vcode.check(&HostTarget::env(), &output);
    assert_eq!(checked, Ok(()), "function {body}");
}

/// The opcodes that may call a function of the runtime.
fn listed_helper_ops() -> BTreeSet<&'static str> {
    let text = include_str!("../../../../testsuite/helper-ops.txt");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn every_function_of_the_suites_compiles_and_decodes() {
    let mut config = Config::only(Tier::Jit);
    config.features = wasmparser::WasmFeatures::all();
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let (mut compiled, mut unsupported) = (0, 0);
    let mut helper_ops = BTreeSet::new();
    for bytes in suites::modules() {
        let Ok(module) = ModuleParts::new(&engine, &bytes) else {
            continue;
        };
        for bounds in BOUNDS {
            config.bounds = bounds;
            match pipeline::compile::<HostTarget>(&module, &config) {
                Ok(image) => {
                    compiled += image.funcs.len();
                    helper_ops.extend(image.proof.ops_via_helper.keys().copied());
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
    assert_eq!(
        helper_ops,
        listed_helper_ops(),
        "see testsuite/helper-ops.txt"
    );
    assert!(compiled > 10_000, "only {compiled} functions were found");
}

/// What is left of every function at every loop head, and every function alone.
#[test]
fn every_function_and_loop_of_the_suites_compiles_alone() {
    let mut config = Config::tiered(Thresholds::default());
    config.features = wasmparser::WasmFeatures::all();
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let (mut loops, mut unsupported) = (0, 0);
    for bytes in suites::modules() {
        let Ok(module) = ModuleParts::new(&engine, &bytes) else {
            continue;
        };
        for body in 0..module.bodies.len() {
            let whole = pipeline::compile_function::<HostTarget>(&module, body, &config);
            unsupported += u32::from(!is_supported(whole));
            let ir = crate::ir::build(&module, body).expect("it has just compiled");
            let frame = FrameShape {
                param_slots: ir.param_slots,
                shift: 10,
            };
            for (head, block) in ir.blocks.iter().enumerate() {
                if block.is_loop_head {
                    let at = (head as u32, frame);
                    loops += 1;
                    is_supported(pipeline::compile_loop::<HostTarget>(
                        &module, body, &config, at,
                    ));
                }
            }
        }
    }
    println!("{loops} loops, {unsupported} functions with unsupported opcodes");
    assert!(loops > 100, "only {loops} loops were found");
}

#[track_caller]
fn is_supported(image: Result<Image>) -> bool {
    match image {
        Ok(image) => check_decodes(&image),
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
            return false;
        }
    }
    true
}

/// A rotation reads its operand twice; at the head of a loop that is in its home.
#[test]
fn a_value_from_its_home_is_brought_once_for_all_its_uses() {
    let text = "(module (memory 1) (func (param i32 i32) (result i32)
        (loop
          (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
          (i32.store (i32.const 0) (local.get 1))
          (local.set 0 (i32.rotl (local.get 0) (i32.const 5)))
          (br_if 0 (local.get 1)))
        (local.get 0)))";
    let config = Config::only(Tier::Jit);
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let module = ModuleParts::new(&engine, &super::encode(text)).expect("valid");
    check_linear_allocation(&module, &config, 0);
}
