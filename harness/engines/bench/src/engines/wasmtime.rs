//! wasmtime: its two compilers, and its interpreter Pulley.

use wasmtime::{
    Caller, Config, Engine, Error, Extern, FuncType, Linker, Module, Store, Strategy, Val, ValType,
};
use wassay_wasi::{CoreType, Ending, FUNCTIONS, Function, MODULE, Wasi};

use crate::program;
use crate::sample::{Clock, Sample};

/// Runs an export in a mode: winch, pulley, or else Cranelift.
pub fn run(mode: &str, bytes: &[u8], export: &str) -> wasmtime::Result<Sample> {
    let failed = |error: Box<dyn std::error::Error>| Error::msg(error.to_string());
    let mut config = Config::new();
    match mode {
        "winch" => {
            config.strategy(Strategy::Winch);
        }
        "pulley" => {
            config.target("pulley64")?;
        }
        _ => {}
    }
    let engine = Engine::new(&config)?;
    let (wasi, output) = program::begin().map_err(failed)?;
    let mut clock = Clock::start().map_err(failed)?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled().map_err(failed)?;
    let mut store = Store::new(&engine, wasi);
    let mut linker = Linker::new(&engine);
    link(&engine, &mut linker)?;
    linker.define_unknown_imports_as_traps(&module)?;
    let instance = linker.instantiate(&mut store, &module)?;
    let code = module.image_range();
    let code = code.start as usize..code.end as usize;
    clock.instantiated(code).map_err(failed)?;
    let func = instance.get_func(&mut store, export);
    let func = func.ok_or_else(|| Error::msg("no such export"))?;
    let ty = func.ty(&store);
    let zeros = |types: &mut dyn Iterator<Item = ValType>| -> Vec<Val> {
        types.filter_map(|ty| Val::default_for_ty(&ty)).collect()
    };
    let (args, mut results) = (zeros(&mut ty.params()), zeros(&mut ty.results()));
    if let Err(error) = func.call(&mut store, &args, &mut results) {
        match error.downcast_ref::<Ending>() {
            Some(ending) => program::succeeded(*ending).map_err(failed)?,
            None => return Err(error),
        }
    }
    let result = match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    };
    clock.returned(output.result(result)).map_err(failed)
}

fn link(engine: &Engine, linker: &mut Linker<Wasi>) -> wasmtime::Result<()> {
    for function in FUNCTIONS {
        let types = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        let ty = FuncType::new(engine, types(function.params), types(function.results));
        linker.func_new(MODULE, function.name, ty, |caller, args, results| {
            enter(function, caller, args, results)
        })?;
    }
    Ok(())
}

fn enter(
    function: &Function,
    mut caller: Caller<'_, Wasi>,
    args: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let bits = args.iter().map(|arg| match arg {
        Val::I32(value) => u64::from(*value as u32),
        Val::I64(value) => *value as u64,
        _other => 0,
    });
    let bits: Vec<u64> = bits.collect();
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let errno = match memory {
        Some(memory) => {
            let (mut bytes, wasi) = memory.data_and_store_mut(&mut caller);
            function.call(wasi, &mut bytes, &bits)
        }
        None => function.call(caller.data_mut(), &mut &mut [][..], &bits),
    };
    let errno = errno.map_err(Error::from)?;
    if let Some(result) = results.first_mut() {
        *result = Val::I32(i32::from(errno.number()));
    }
    Ok(())
}
