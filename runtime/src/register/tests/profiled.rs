//! Without a profile, code has nothing of one: a sampler adds a poll at each function's entry and
//! loop's head, and nothing else.

use super::assemble;
use crate::count::Counter;
use crate::engine::{Config, Engine, Tier};
use crate::ir::{self, Inst};
use crate::module::ModuleParts;
use crate::register::fuse;
use crate::register::table::opcode;
use crate::sample::Sampler;

const PROGRAM: &str = r#"(module
  (func $plain (param i32) (result i32) (local i32)
    (local.set 1 (i32.mul (local.get 0) (i32.const 3)))
    (i32.sub (local.get 1) (call $plain (i32.const 1))))
  (func (export "run") (param i32) (result i32)
    (loop $outer
      (loop $inner (br_if $inner (i32.eqz (local.get 0))))
      (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (call $plain (local.get 0))))"#;
const POLLS: [usize; 2] = [1, 3];

/// The text of each function's IR, and its cells.
fn code(config: &Config) -> Vec<(String, Vec<u64>)> {
    let engine = Engine::new(config).expect("the tier runs here");
    let module = ModuleParts::new(&engine, &assemble(PROGRAM)).expect("the module is valid");
    let function = |body| {
        let func = ir::build_with(&module, body, config).expect("it is valid");
        let polls = func.insts.iter().filter(|it| matches!(it, Inst::Poll));
        let has_polls = config.interruptible;
        assert_eq!(polls.count(), if has_polls { POLLS[body] } else { 0 });
        let mut scratch = fuse::Scratch::default();
        let fused = fuse::fuse(&func, config.profile, None, &mut scratch).expect("it translates");
        (func.to_string(), fused.cells.to_vec())
    };
    (0..module.bodies.len()).map(function).collect()
}

#[test]
fn code_without_a_profile_has_nothing_of_one() {
    let config = Config::only(Tier::Register);
    let plain = code(&config);
    // Counts are of the stack tier.
    let counted = code(&Config {
        counter: Some(Counter::leak()),
        ..config
    });
    assert_eq!(counted, plain);
    let sampled = code(&Config {
        sampler: Some(Sampler::leak(false)),
        interruptible: true,
        ..config
    });
    // Translation sees nothing of a configuration but the IR.
    for ((text, _), (sampled_text, _)) in plain.iter().zip(&sampled) {
        let others = sampled_text.lines().filter(|line| line.trim() != "poll");
        assert_eq!(others.collect::<Vec<_>>(), text.lines().collect::<Vec<_>>());
    }
    // Without a branch, the cell of the poll is all that is added.
    let (mut left, poll) = (sampled[0].1.clone(), u64::from(opcode!(poll)));
    assert!(!plain.iter().any(|(_, cells)| cells.contains(&poll)));
    let at = left.iter().position(|&cell| cell == poll).expect("a poll");
    left.remove(at);
    assert_eq!(left, plain[0].1);
}
