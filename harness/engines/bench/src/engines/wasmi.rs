//! wasmi.

use wasmi::{CompilationMode, Config, Engine, Error, ExternType, Linker, Module, Store, Val};

use crate::Done;
use crate::program;
use crate::sample::{Clock, Sample};

/// Runs an export.
pub fn run(lazy: bool, bytes: &[u8], export: &str) -> Done<Sample> {
    let mut config = Config::default();
    config.compilation_mode(if lazy {
        CompilationMode::LazyTranslation
    } else {
        CompilationMode::Eager
    });
    let engine = Engine::new(&config);
    let (wasi, output) = program::begin()?;
    let mut clock = Clock::start()?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled()?;
    let mut store = Store::new(&engine, wasi);
    let mut linker = Linker::new(&engine);
    wasi_under_wasmi::link(&mut linker)?;
    for import in module.imports() {
        if let ExternType::Func(ty) = import.ty() {
            let fail =
                |_: wasmi::Caller<'_, _>, _: &[Val], _: &mut [Val]| Err(Error::new("a stub"));
            // A name may be imported twice; it is defined once. Those of WASI are there.
            let _ = linker.func_new(import.module(), import.name(), ty.clone(), fail);
        }
    }
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    clock.instantiated(0..0)?;
    let func = instance.get_func(&store, export).ok_or("no such export")?;
    let ty = func.ty(&store);
    let zeros = |types: &[wasmi::ValType]| -> Vec<Val> {
        types.iter().map(|&ty| Val::default_for_ty(ty)).collect()
    };
    let (args, mut results) = (zeros(ty.params()), zeros(ty.results()));
    if let Err(error) = func.call(&mut store, &args, &mut results) {
        program::succeeded(wasi_under_wasmi::ending(&error).ok_or(error)?)?;
    }
    clock.returned(output.result(match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    }))
}
