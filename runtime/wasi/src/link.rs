//! The functions in a `Linker` of Wassay's own runtime.

use wassay_runtime::{
    Caller, Error, Extern, FuncType, Linker, Memory, Result, SharedMemory, Val, ValType,
};

use crate::context::Wasi;
use crate::error::Ending;
use crate::guest::GuestMemory;
use crate::table::{CoreType, FUNCTIONS, Function, MODULE};

/// Defines the functions, for stores whose data has the state of a program.
///
/// # Errors
/// If a name is defined already.
pub fn link<T: 'static>(
    linker: &mut Linker<T>,
    state: impl Fn(&mut T) -> &mut Wasi + Copy + Send + Sync + 'static,
) -> Result<()> {
    for function in FUNCTIONS {
        let types = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        let ty = FuncType::new(types(function.params), types(function.results));
        linker.func_new(MODULE, function.name, ty, move |caller, args, results| {
            enter(function, caller, state, args, results)
        })?;
    }
    Ok(())
}

/// The end of the program by one of its calls, if an error is that.
pub fn ending(error: &Error) -> Option<Ending> {
    error.downcast_ref::<Ending>().copied()
}

fn enter<T: 'static>(
    function: &Function,
    mut caller: Caller<'_, T>,
    state: impl Fn(&mut T) -> &mut Wasi,
    args: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let mut bits = [0; 16];
    for (bits, arg) in bits.iter_mut().zip(args) {
        *bits = match arg {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            other => return Err(Error::msg(format!("an argument of type {}", other.ty()))),
        };
    }
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let errno = call(function, &mut caller, memory, state, &bits).map_err(Error::host)?;
    if let Some(result) = results.first_mut() {
        *result = Val::I32(i32::from(errno.number()));
    }
    Ok(())
}

/// Calls a function with the memory of the program; a program without one has an empty one.
fn call<T: 'static>(
    function: &Function,
    caller: &mut Caller<'_, T>,
    memory: Option<Memory>,
    state: impl Fn(&mut T) -> &mut Wasi,
    bits: &[u64],
) -> std::result::Result<crate::Errno, Ending> {
    let Some(memory) = memory else {
        return function.call(state(caller.data_mut()), &mut &mut [][..], bits);
    };
    if let Some(shared) = memory.shared(&*caller) {
        return function.call(state(caller.data_mut()), &mut Shared(shared), bits);
    }
    let (mut bytes, data) = memory.data_and_store_mut(caller);
    function.call(state(data), &mut bytes, bits)
}

/// A memory that other threads may change.
struct Shared(SharedMemory);

impl GuestMemory for Shared {
    fn size(&self) -> u64 {
        self.0.data_size() as u64
    }

    fn read(&self, address: u32, bytes: &mut [u8]) -> bool {
        self.0.read(address as usize, bytes).is_ok()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        self.0.write(address as usize, bytes).is_ok()
    }
}
