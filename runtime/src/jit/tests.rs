//! Execution tests of the JIT: what code generation decides and the suite does not pin down. They
//! run where ARM64 code runs (under an emulator too); elsewhere each says that it was skipped.

mod atomics;
mod calls;
mod exceptions;
mod large;
mod memory;
mod numeric;
mod objects;
mod profiled;
mod rules;
mod scaling;
mod second_target;
mod suite;
pub(super) mod traps;
mod vectors;

use crate::Instance;
use crate::Module;
use crate::engine::{Bounds, Config, Engine, Tier};
use crate::trap::TrapKind;
use crate::value::Val;
use crate::{Extern, Func, Store};

/// Both ways of checking bounds.
pub(super) const BOUNDS: [Bounds; 2] = [Bounds::Guard, Bounds::Explicit];

pub(super) type Outcome = Result<Vec<Val>, TrapKind>;

pub(super) fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).expect("the text has tokens");
    let parsed = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    parsed
        .unwrap_or_else(|e| panic!("{e}\n{wat}"))
        .encode()
        .expect("the module encodes")
}

/// An engine of the JIT tier. Tests that run code are ignored by name where this host cannot.
pub(super) fn engine(bounds: Bounds) -> Engine {
    let mut config = Config {
        bounds,
        ..Config::only(Tier::Jit)
    };
    config.features |= wasmparser::WasmFeatures::WIDE_ARITHMETIC;
    engine_of(config)
}

/// As [`engine`], with features and limits of one's own.
fn engine_of(config: Config) -> Engine {
    Engine::new(&config).unwrap_or_else(|error| panic!("{error}"))
}

/// An instance in a store of its own.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) instance: Instance,
}

impl Run {
    pub(super) fn new(wat: &str, bounds: Bounds) -> Run {
        let mut store = Store::new(&engine(bounds), ());
        let instance = instantiate(&mut store, wat, &[]);
        Run { store, instance }
    }

    /// With every proposal.
    pub(super) fn with(wat: &str, config: Config) -> Run {
        let features = wasmparser::WasmFeatures::all();
        let mut store = Store::new(&engine_of(Config { features, ..config }), ());
        let instance = instantiate(&mut store, wat, &[]);
        Run { store, instance }
    }

    #[track_caller]
    pub(super) fn call(&mut self, export: &str, args: &[Val]) -> Outcome {
        let func = self.instance.get_func(&self.store, export);
        call(&mut self.store, func.expect("an exported function"), args)
    }
}

#[track_caller]
pub(super) fn instantiate(store: &mut Store, wat: &str, imports: &[Extern]) -> Instance {
    let module = Module::new(store.engine(), encode(wat)).expect("the module is valid");
    Instance::new(store, &module, imports).unwrap_or_else(|e| panic!("{e}\n{wat}"))
}

#[track_caller]
fn call(store: &mut Store, func: Func, args: &[Val]) -> Outcome {
    match func.invoke(store, args) {
        Ok(values) => Ok(values),
        Err(error) => Err(error.trap_kind().unwrap_or_else(|| panic!("{error}"))),
    }
}

/// Calls an export of a module without imports, with both ways of checking bounds.
#[track_caller]
fn check(wat: &str, export: &str, args: &[Val], expected: Outcome) {
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        assert_eq!(run.call(export, args), expected, "{bounds:?}");
    }
}

pub(super) fn i32s<const N: usize>(values: [i32; N]) -> Vec<Val> {
    values.into_iter().map(Val::I32).collect()
}

pub(super) fn i64s<const N: usize>(values: [i64; N]) -> Vec<Val> {
    values.into_iter().map(Val::I64).collect()
}

#[test]
#[cfg(not(target_arch = "aarch64"))]
fn other_hosts_are_told_why_the_tier_cannot_run() {
    let error = Engine::new(&Config::only(Tier::Jit)).expect_err("not an ARM64 host");
    assert_eq!(error.message, "the jit tier needs an ARM64 host");
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn what_was_compiled_and_entered_is_counted() {
    let wat = r#"(module (memory 1)
        (func (export "f") (result i32) (memory.grow (i32.const 1)))
        (func (export "g") (result i32) (i32.add (i32.const 1) (memory.size))))"#;
    let mut run = Run::new(wat, Bounds::Guard);
    assert_eq!(run.call("f", &[]), Ok(i32s([1])));
    assert_eq!(run.call("g", &[]), Ok(i32s([3])));
    let proof = run.store.proof();
    assert_eq!((proof.functions, proof.compiled), (2, 2));
    assert_eq!(proof.entered, 2);
    let helpers: Vec<_> = proof.ops_via_helper.into_iter().collect();
    assert_eq!(helpers, [("memory.grow", 1)]);
    assert!(proof.ops_inline > 0);
}
