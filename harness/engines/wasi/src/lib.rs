//! The functions of `wassay-wasi` in wasmi's linker: all that an engine needs to run WASI programs.

use std::fmt;

use wasmi::errors::HostError;
use wasmi::{Caller, Config, Engine, Error, Extern, FuncType, Linker, Module, Store, Val, ValType};
use wassay_wasi::{CoreType, Ending, FUNCTIONS, Function, MODULE, Wasi};

/// The end of a program, as an error of wasmi.
#[derive(Debug)]
struct Ended(Ending);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HostError for Ended {}

/// Runs a program: how one of its calls ended it, if one did.
///
/// # Errors
/// Those of wasmi, with their texts.
pub fn run(module: &[u8], wasi: Wasi) -> Result<Option<Ending>, String> {
    let engine = Engine::new(&Config::default());
    let text = |error: Error| error.to_string();
    let module = Module::new(&engine, module).map_err(text)?;
    let mut linker = Linker::new(&engine);
    link(&mut linker)?;
    let mut store = Store::new(&engine, wasi);
    let begin = || -> Result<(), Error> {
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
        start.call(&mut store, ())
    };
    let mut begin = begin;
    match begin() {
        Ok(()) => Ok(None),
        Err(error) => match ending(&error) {
            Some(ending) => Ok(Some(ending)),
            None => Err(error.to_string()),
        },
    }
}

/// The end of the program by one of its calls, if an error is that.
pub fn ending(error: &Error) -> Option<Ending> {
    error.downcast_ref::<Ended>().map(|ended| ended.0)
}

/// Defines the functions.
///
/// # Errors
/// If a name is defined already.
pub fn link(linker: &mut Linker<Wasi>) -> Result<(), String> {
    for function in FUNCTIONS {
        let types = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        let ty = FuncType::new(types(function.params), types(function.results));
        let defined = linker.func_new(MODULE, function.name, ty, |caller, args, results| {
            enter(function, caller, args, results)
        });
        defined.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn enter(
    function: &Function,
    mut caller: Caller<'_, Wasi>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
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
    let errno = errno.map_err(|ending| Error::host(Ended(ending)))?;
    if let Some(result) = results.first_mut() {
        *result = Val::I32(i32::from(errno.number()));
    }
    Ok(())
}
