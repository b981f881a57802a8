//! Without a profile, code has nothing of one: each cell that a profile adds is accounted for, and
//! what is left is the code of an engine without.

use std::collections::BTreeMap;

use super::encode;
use crate::count::Counter;
use crate::engine::{Config, Engine, Tier};
use crate::module::ModuleParts;
use crate::sample::Sampler;
use crate::stack::StackTier;
use crate::stack::control;
use crate::stack::machine::StackHandler;
use crate::stack::translate::{Translator, signatures};

/// Two functions, one of them without a branch; two loops; calls of both kinds; a handler.
const PROGRAM: &str = r#"(module
  (tag $e) (type $t (func (param i32) (result i32))) (table funcref (elem $plain))
  (func $plain (type $t) (local i32 i64)
    (local.set 1 (i32.mul (local.get 0) (i32.const 3)))
    (i32.sub (local.get 1) (call $plain (i32.const 1))))
  (func (export "run") (param i32) (result i32)
    (loop $outer
      (loop $inner
        (br_if $inner (i32.eqz (local.get 0))))
      (block $caught
        (try_table (catch_all $caught)
          (drop (call_indirect (type $t) (local.get 0) (i32.const 0)))
          (throw $e)))
      (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (return_call $plain (local.get 0))))"#;
/// What `$plain` executes, in the order of the binary format.
const PLAIN_OPS: &str = "local.get i32.const i32.mul local.set local.get i32.const call i32.sub";
const FUNCTIONS: usize = 2;
const LOOPS: usize = 2;

/// The cells of each function in a configuration of this tier.
fn cells(config: &Config) -> Vec<Vec<u64>> {
    let engine = Engine::with_backend(*config, Box::new(StackTier));
    let module = ModuleParts::new(&engine, &encode(PROGRAM)).expect("the module is valid");
    let signatures = signatures(&module);
    let mut translator = Translator::new(&module, &signatures, config, std::ptr::null());
    let functions = module.imported.funcs..module.funcs.len() as u32;
    functions
        .map(|index| {
            let translated = translator.function(index).expect("it translates");
            translated.cells.to_vec()
        })
        .collect()
}

fn count(cells: &[Vec<u64>], handler: StackHandler) -> usize {
    let all = cells.iter().flatten();
    all.filter(|&&cell| cell == handler as usize as u64).count()
}

/// The cells without those of the given handlers, each with so many cells.
fn without(cells: &[u64], probes: &[(StackHandler, usize)]) -> Vec<u64> {
    let lengths: BTreeMap<u64, usize> = probes
        .iter()
        .map(|&(handler, length)| (handler as usize as u64, length))
        .collect();
    let (mut left, mut at) = (Vec::new(), 0);
    while let Some(cell) = cells.get(at) {
        match lengths.get(cell) {
            Some(length) => at += length,
            None => {
                left.push(*cell);
                at += 1;
            }
        }
    }
    left
}

#[test]
fn code_without_a_profile_has_nothing_of_one() {
    let config = Config {
        features: wasmparser::WasmFeatures::all(),
        ..Config::only(Tier::Stack)
    };
    let plain = cells(&config);
    let of_profiles: [StackHandler; 3] = [control::poll, control::count_entry, control::count];
    assert_eq!(of_profiles.map(|handler| count(&plain, handler)), [0; 3]);

    let sampled = cells(&Config {
        sampler: Some(Sampler::leak(false)),
        interruptible: true,
        ..config
    });
    assert_eq!(count(&sampled, control::poll), FUNCTIONS + LOOPS);
    let counter = Counter::leak();
    let counted = cells(&Config {
        counter: Some(counter),
        ..config
    });
    let sites = counter.read(|counts| counts.sites().len());
    assert_eq!(count(&counted, control::count_entry), FUNCTIONS);
    assert_eq!(count(&counted, control::count), sites);
    let ops = |function| {
        counter.read(|counts| {
            let sites = counts
                .sites()
                .iter()
                .filter(|site| site.function == function);
            sites.map(|site| site.op.mnemonic()).collect::<Vec<_>>()
        })
    };
    assert_eq!(ops(0).join(" "), PLAIN_OPS);
    // What only delimits is no instruction that is executed.
    let structured = ["block", "loop", "try_table", "end"];
    assert!(ops(1).iter().all(|op| !structured.contains(op)));

    let probes: [(StackHandler, usize); 3] = [
        (control::poll, 1),
        (control::count_entry, 3),
        (control::count, 3),
    ];
    for profiled in [&sampled, &counted] {
        // Of a function without a branch, the same cells are left.
        assert_eq!(without(&profiled[0], &probes), plain[0]);
        // Distances of branches grow with the probes between.
        assert_eq!(without(&profiled[1], &probes).len(), plain[1].len());
    }
}
