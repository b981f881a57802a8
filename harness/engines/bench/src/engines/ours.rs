//! Our own tiers.

use wassay_runtime::{
    Config, Engine, Error, ExternType, Linker, Module, Store, Tier, Val, ValType,
};

use wassay_wasi::link;

use crate::Done;
use crate::program;
use crate::sample::{Clock, Sample};

/// Runs an export; `tier` is that of the code whose instructions are counted.
pub fn run(tier: Option<Tier>, config: Config, bytes: &[u8], export: &str) -> Done<Sample> {
    let engine = Engine::new(&config)?;
    let (wasi, output) = program::begin()?;
    let mut clock = Clock::start()?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled()?;
    let mut store = Store::new(&engine, wasi);
    let mut linker = Linker::new(&engine);
    link::link(&mut linker, |wasi| wasi)?;
    for import in module.imports() {
        if let ExternType::Func(ty) = import.ty() {
            // A name may be imported twice; it is defined once. Those of WASI are there.
            let _ = linker.func_new(import.module(), import.name(), (*ty).clone(), |_, _, _| {
                Err(Error::msg("a stub"))
            });
        }
    }
    let instance = linker.instantiate(&mut store, &module)?;
    clock.instantiated(tier.map_or(0..0, |tier| {
        wassay_runtime::interior::parts(&module).code(tier)
    }))?;
    let func = instance.get_func(&store, export).ok_or("no such export")?;
    let ty = func.ty(&store);
    let zeros = |types: &[ValType]| -> Option<Vec<Val>> {
        types.iter().map(|&ty| Val::default_of(ty)).collect()
    };
    let args = zeros(ty.params()).ok_or("a parameter has no default")?;
    let mut results = zeros(ty.results()).ok_or("a result has no default")?;
    if let Err(error) = func.call(&mut store, &args, &mut results) {
        program::succeeded(link::ending(&error).ok_or(error)?)?;
    }
    clock.returned(output.result(match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    }))
}
