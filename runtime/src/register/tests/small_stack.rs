//! Every handler jumps to the next one: in release builds, each export that a test calls runs again
//! in a loop, within one call, on a native stack of 64 KiB. A handler that calls the next one takes
//! 8 bytes at least each time, and would use that up before half of the loop is done. Together the
//! tests execute every handler (`forms.rs` asserts it).

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::assemble;
use crate::Module;
use crate::engine::Engine;
use crate::module::ExternKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Extern, Instance, Store};

/// What runs longer than this divided by `RUNS_MAX` loops by itself or is many instructions long,
/// and runs less often.
const LOOP: Duration = Duration::from_millis(20);
const RUNS_MAX: u128 = 20_000;
const NATIVE_STACK_BYTES: usize = 64 << 10;

/// An instance of a module without imports, apart from the one that a test looks at. Exports share
/// it, since an instance for each would cost more than the loops do.
pub(super) struct Looped {
    store: Store,
    module: Module,
    instance: Instance,
}

impl Looped {
    pub(super) fn new(engine: &Engine, module: &Module) -> Looped {
        let mut store = Store::new(engine, ());
        if engine.config().fuel {
            store.set_fuel(u64::MAX).unwrap();
        }
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        Looped {
            store,
            module: module.clone(),
            instance,
        }
    }

    /// Calls an export many times from a loop in another module. Where a state that other exports
    /// left ends the loop with a trap, that is done once more from the state at the start.
    pub(super) fn run(self, export: &str, args: &[Val]) -> Looped {
        let (looped, ran) = self.run_here(export, args);
        if ran {
            return looped;
        }
        let afresh = Looped::new(looped.store.engine(), &looped.module);
        afresh.run_here(export, args).0
    }

    /// Whether the loop ended without a trap stands beside the instance.
    fn run_here(mut self, export: &str, args: &[Val]) -> (Looped, bool) {
        let parts = &self.module.inner;
        let mut exports = parts.exports.iter();
        let is_it = |e: &&crate::module::Export| e.name == export && e.kind == ExternKind::Func;
        let index = exports.find(is_it).unwrap().index as usize;
        let func = self.instance.get_func(&self.store, export).unwrap();
        // The function is converted at its first call; the second one shows the time of a run.
        let _ = func.invoke(&mut self.store, args);
        let started = Instant::now();
        let _ = func.invoke(&mut self.store, args);
        let runs = LOOP.as_nanos() / started.elapsed().as_nanos().max(1);
        let runs = runs.clamp(1, RUNS_MAX);
        let Some(driver) = driver(&parts.signatures[index], args, runs) else {
            return (self, true);
        };
        let driver = Module::new(self.store.engine(), assemble(&driver)).unwrap();
        let driver = Instance::new(&mut self.store, &driver, &[Extern::Func(func)]).unwrap();
        let run = driver.get_func(&self.store, "run").unwrap();
        let thread = std::thread::Builder::new()
            .name(export.to_owned())
            .stack_size(NATIVE_STACK_BYTES)
            .spawn(move || {
                let ran = run.invoke(&mut self.store, &[]).is_ok();
                (self, ran)
            });
        thread.unwrap().join().unwrap()
    }
}

/// A module that calls its import in a loop; none if an argument cannot be written down.
fn driver(ty: &FuncType, args: &[Val], runs: u128) -> Option<String> {
    let (mut params, mut call) = (String::new(), String::new());
    for (ty, arg) in ty.params.iter().zip(args) {
        write!(params, " {ty}").unwrap();
        match arg {
            Val::I32(value) => write!(call, "(i32.const {value})"),
            Val::I64(value) => write!(call, "(i64.const {value})"),
            Val::F32(bits) => write!(call, "(f32.reinterpret_i32 (i32.const {bits:#x}))"),
            Val::F64(bits) => write!(call, "(f64.reinterpret_i64 (i64.const {bits:#x}))"),
            Val::V128(bits) => {
                let (low, high) = (*bits as u64, (*bits >> 64) as u64);
                write!(call, "(v128.const i64x2 {low:#x} {high:#x})")
            }
            Val::Ref(_) => return None,
        }
        .unwrap();
    }
    let mut results = String::new();
    for ty in &ty.results {
        if matches!(ty, ValType::Ref(_)) {
            return None;
        }
        write!(results, " {ty}").unwrap();
    }
    let drops = "(drop)".repeat(ty.results.len());
    Some(format!(
        r#"(module (import "" "f" (func $f (param{params}) (result{results})))
            (func (export "run") (local $n i32) (local.set $n (i32.const {runs}))
                (loop $again {call} (call $f) {drops}
                    (br_if $again
                        (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#
    ))
}
