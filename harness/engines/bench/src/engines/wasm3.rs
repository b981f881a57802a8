//! wasm3, by the crate wasm3x.

use std::sync::{Arc, Mutex, PoisonError};

use wasm3x::{
    AsContext, Caller, Config, Engine, Error, FuncType, Linker, Memory, Module, Store, Val, ValType,
};
use wassay_wasi::{CoreType, Ending, FUNCTIONS, Function, GuestMemory, MODULE, Wasi};

use crate::Done;
use crate::program;
use crate::sample::{Clock, Sample};

/// The memory of a program.
struct Guest<'a, 'b> {
    memory: Memory,
    caller: &'a mut Caller<'b, ()>,
}

impl GuestMemory for Guest<'_, '_> {
    fn size(&self) -> u64 {
        self.memory.data_size(self.caller.as_context()) as u64
    }

    fn read(&self, address: u32, bytes: &mut [u8]) -> bool {
        let read = self
            .memory
            .read(self.caller.as_context(), address as usize, bytes);
        read.is_ok()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        let written = self
            .memory
            .write(&mut *self.caller, address as usize, bytes);
        written.is_ok()
    }
}

/// The state of a program, and how one of its calls has ended it.
type State = Arc<Mutex<(Wasi, Option<Ending>)>>;

fn enter(
    function: &Function,
    state: &State,
    mut caller: Caller<'_, ()>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let bits: Vec<u64> = args.iter().filter_map(bits).collect();
    let memory = caller
        .get_memory()
        .ok_or_else(|| Error::new("the program has no memory"))?;
    let caller = &mut caller;
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    match function.call(&mut state.0, &mut Guest { memory, caller }, &bits) {
        Ok(errno) => {
            if let Some(result) = results.first_mut() {
                *result = Val::I32(i32::from(errno.number()));
            }
            Ok(())
        }
        Err(ending) => {
            state.1 = Some(ending);
            Err(Error::new("the program has ended"))
        }
    }
}

fn bits(value: &Val) -> Option<u64> {
    match value {
        Val::I64(value) => Some(*value as u64),
        Val::I32(value) => Some(u64::from(*value as u32)),
        Val::F32(_) | Val::F64(_) | Val::FuncRef(_) => None,
    }
}

/// Runs an export. What is imported and not WASI is missing.
pub fn run(bytes: &[u8], export: &str) -> Done<Sample> {
    let engine = Engine::new(&Config::new());
    let (wasi, output) = program::begin()?;
    let state: State = Arc::new(Mutex::new((wasi, None)));
    let mut clock = Clock::start()?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled()?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    for function in FUNCTIONS {
        let types = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        let ty = FuncType::new(types(function.params), types(function.results));
        let state = Arc::clone(&state);
        linker.func_new(MODULE, function.name, ty, move |caller, args, results| {
            enter(function, &state, caller, args, results)
        })?;
    }
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    clock.instantiated(0..0)?;
    let missing = "no such export, or a function that the engine cannot compile";
    let func = instance.get_func(&store, export).ok_or(missing)?;
    let ty = func.ty(&store)?;
    let zeros = |types: &[ValType]| -> Vec<Val> {
        let zeros = types.iter().map(|&ty| Val::default_for_ty(ty));
        zeros.flatten().collect()
    };
    let (args, mut results) = (zeros(ty.params()), zeros(ty.results()));
    if let Err(error) = func.call(&mut store, &args, &mut results) {
        let ending = state.lock().unwrap_or_else(PoisonError::into_inner).1;
        program::succeeded(ending.ok_or(error)?)?;
    }
    clock.returned(output.result(results.first().and_then(bits)))
}
