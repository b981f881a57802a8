//! Every handler jumps to the next one: in release builds, each export that a test calls runs again
//! in a loop, within one call, on a native stack of 64 KiB. A handler that calls the next one takes
//! 8 bytes at least each time, and would use that up before half of the loop is done. Together the
//! tests execute every handler (`forms.rs` asserts it).

use std::fmt::Write;
use std::time::Duration;

use super::assemble;
use crate::Module;
use crate::engine::Engine;
use crate::module::ExternKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Extern, Instance, Store};

/// What runs longer than this divided by `RUNS_MAX` loops by itself, and runs less often.
const LOOP: Duration = Duration::from_secs(1);
const RUNS_MAX: u128 = 20_000;
const NATIVE_STACK_BYTES: usize = 64 << 10;

/// Calls an export of a module without imports, which took so long, many times from a loop in
/// another module.
pub(super) fn run(
    engine: &Engine,
    (module, export): (&Module, &str),
    args: &[Val],
    took: Duration,
) {
    let runs = LOOP.as_nanos() / took.as_nanos().max(1);
    let runs = runs.clamp(1, RUNS_MAX);
    let parts = &module.inner;
    let mut exports = parts.exports.iter();
    let is_it = |e: &&crate::module::Export| e.name == export && e.kind == ExternKind::Func;
    let index = exports.find(is_it).unwrap().index as usize;
    let Some(driver) = driver(&parts.signatures[index], args, runs) else {
        return;
    };
    let mut store = Store::new(engine, ());
    if engine.config().fuel {
        store.set_fuel(u64::MAX).unwrap();
    }
    let program = Instance::new(&mut store, module, &[]).unwrap();
    let func = Extern::Func(program.get_func(&store, export).unwrap());
    let driver = Module::new(engine, assemble(&driver)).unwrap();
    let driver = Instance::new(&mut store, &driver, &[func]).unwrap();
    let run = driver.get_func(&store, "run").unwrap();
    let thread = std::thread::Builder::new()
        .name(export.to_owned())
        .stack_size(NATIVE_STACK_BYTES)
        .spawn(move || run.invoke(&mut store, &[]).is_ok());
    let _ = thread.unwrap().join().unwrap(); // a later round may trap: the state is another then
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
