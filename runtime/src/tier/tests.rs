//! Tests of tiered execution: what a call gives must not depend on where it ran, nor how often its
//! side effects happen. They run where ARM64 code runs (under an emulator too); elsewhere each says
//! that it was skipped.

mod calls;
mod loops;

use std::sync::{Arc, Mutex};

use crate::Module;
use crate::engine::{Bounds, Config, Engine, Proof, Thresholds, Tier};
use crate::trap::TrapKind;
use crate::value::Val;
use crate::{Extern, Func, Instance, Store};

type Outcome = Result<Vec<Val>, TrapKind>;

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).expect("the text has tokens");
    let parsed = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    parsed
        .and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}\n{wat}"))
}

fn thresholds(calls: u32, back_edges: u32) -> Thresholds {
    Thresholds {
        calls,
        back_edges,
        ..Thresholds::default()
    }
}

/// A store, an instance of a module in it, and what its import `host.note` was given.
struct Run {
    store: Store,
    instance: Instance,
    notes: Arc<Mutex<Vec<i64>>>,
}

fn engine(config: Config) -> Engine {
    Engine::new(&config).unwrap_or_else(|error| panic!("{error}"))
}

impl Run {
    /// An instance whose imports are all `host.note`, of type `[i64] -> []`.
    fn new(config: Config, wat: &str) -> Run {
        let engine = engine(config);
        let mut store = Store::new(&engine, ());
        let notes = Arc::new(Mutex::new(Vec::new()));
        let module = Module::new(&engine, encode(wat)).unwrap_or_else(|e| panic!("{e}\n{wat}"));
        let noted = notes.clone();
        let note = Func::wrap(&mut store, move |value: i64| {
            noted.lock().expect("no test panics with it").push(value);
        });
        let note = Extern::Func(note);
        let imports: Vec<Extern> = module.imports().map(|_| note).collect();
        let instance = Instance::new(&mut store, &module, &imports);
        Run {
            instance: instance.unwrap_or_else(|e| panic!("{e}\n{wat}")),
            store,
            notes,
        }
    }

    #[track_caller]
    fn call(&mut self, export: &str, args: &[Val]) -> Outcome {
        let func = self.instance.get_func(&self.store, export);
        let func = func.expect("an exported function");
        func.invoke(&mut self.store, args)
            .map_err(|error| error.trap_kind().unwrap_or_else(|| panic!("{error}")))
    }

    fn proof(&self) -> Proof {
        self.store.proof()
    }

    fn notes(&self) -> Vec<i64> {
        std::mem::take(&mut self.notes.lock().expect("no test panics with it"))
    }
}

fn i32s<const N: usize>(values: [i32; N]) -> Vec<Val> {
    values.into_iter().map(Val::I32).collect()
}

fn i64s<const N: usize>(values: [i64; N]) -> Vec<Val> {
    values.into_iter().map(Val::I64).collect()
}

/// What calls of an export give, one after the other, and what was noted.
fn outcomes(config: Config, wat: &str, export: &str, args: &[Vec<Val>]) -> Observed {
    let mut run = Run::new(config, wat);
    let outcomes = args.iter().map(|args| run.call(export, args)).collect();
    Observed {
        outcomes,
        notes: run.notes(),
        proof: run.proof(),
    }
}

#[derive(Debug)]
struct Observed {
    outcomes: Vec<Outcome>,
    notes: Vec<i64>,
    proof: Proof,
}

/// Calls an export with each list of arguments in turn, under the stack interpreter, and under many
/// thresholds: all must give the same. Gives how often loops were entered at each threshold.
#[track_caller]
fn check(wat: &str, export: &str, args: &[Vec<Val>]) -> Vec<Proof> {
    check_with(false, wat, export, args)
}

/// The same, with a collection at every allocation or without.
#[track_caller]
fn check_with(gc_stress: bool, wat: &str, export: &str, args: &[Vec<Val>]) -> Vec<Proof> {
    let config = Config::only(Tier::Stack);
    let expected = outcomes(config, wat, export, args);
    let mut proofs = Vec::new();
    for bounds in [Bounds::Guard, Bounds::Explicit] {
        for (calls, back_edges) in [(1, 1), (2, 2), (u32::MAX, 1), (u32::MAX, 2), (u32::MAX, 5)] {
            let config = Config {
                bounds,
                gc_stress,
                ..Config::tiered(thresholds(calls, back_edges))
            };
            let actual = outcomes(config, wat, export, args);
            let at = format!("{bounds:?}, thresholds {calls} and {back_edges}\n{wat}");
            assert_eq!(actual.outcomes, expected.outcomes, "{at}");
            assert_eq!(actual.notes, expected.notes, "{at}");
            assert_eq!(actual.proof.tiered.kept.len(), 0, "{:?} {at}", actual.proof);
            proofs.push(actual.proof);
        }
    }
    proofs
}

/// The same, of a function with a loop that each threshold for back edges makes hot.
#[track_caller]
fn check_loop(wat: &str, args: &[Vec<Val>]) {
    for proof in check(wat, "run", args) {
        let tiered = &proof.tiered;
        let is_called_compiled = tiered.interpreted == 0;
        assert!(
            is_called_compiled || tiered.loops_entered > 0,
            "{proof:?}\n{wat}"
        );
    }
}
