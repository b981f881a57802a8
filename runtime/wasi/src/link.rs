//! The functions in a `Linker` of Wassay's own runtime.

use wassay_runtime::{Caller, Error, Extern, FuncType, Linker, Result, SharedMemory, Val, ValType};

use crate::abi::Errno;
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
    link_by(linker, FUNCTIONS, move |call| {
        let (function, args) = (call.function, call.args);
        let answer = call.with_memory(|data, memory| function.call(state(data), memory, args));
        answer.map_err(Error::host)
    })
}

/// A call of one of the functions by a program.
pub struct Call<'a, 'c, T: 'static> {
    /// The function.
    pub function: &'static Function,
    /// The bits of the arguments, as [`Function::call`] takes them.
    pub args: &'a [u64],
    /// The store, with the instance that has called.
    pub caller: &'a mut Caller<'c, T>,
}

/// Defines functions of the table by an answer to their calls, which may look at the program before
/// and after: for tracing calls, and for answers from elsewhere.
///
/// # Errors
/// If a name is defined already.
pub fn link_by<T: 'static>(
    linker: &mut Linker<T>,
    functions: impl IntoIterator<Item = &'static Function>,
    answer: impl Fn(&mut Call<'_, '_, T>) -> Result<Errno> + Copy + Send + Sync + 'static,
) -> Result<()> {
    for function in functions {
        let types = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        let ty = FuncType::new(types(function.params), types(function.results));
        linker.func_new(MODULE, function.name, ty, move |caller, args, results| {
            enter(function, caller, answer, args, results)
        })?;
    }
    Ok(())
}

/// The end of the program by one of its calls, if an error is that.
pub fn ending(error: &Error) -> Option<Ending> {
    error.downcast_ref::<Ending>().copied()
}

fn enter<T: 'static>(
    function: &'static Function,
    mut caller: Caller<'_, T>,
    answer: impl Fn(&mut Call<'_, '_, T>) -> Result<Errno>,
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
    let errno = answer(&mut Call {
        function,
        args: &bits[..args.len()],
        caller: &mut caller,
    })?;
    if let Some(result) = results.first_mut() {
        *result = Val::I32(i32::from(errno.number()));
    }
    Ok(())
}

impl<T: 'static> Call<'_, '_, T> {
    /// Works with the store's data and the memory of the program; a program without one has an
    /// empty one.
    pub fn with_memory<R>(&mut self, work: impl FnOnce(&mut T, &mut dyn GuestMemory) -> R) -> R {
        let memory = self.caller.get_export("memory");
        let Some(memory) = memory.and_then(Extern::into_memory) else {
            return work(self.caller.data_mut(), &mut &mut [][..]);
        };
        if let Some(shared) = memory.shared(&*self.caller) {
            return work(self.caller.data_mut(), &mut Shared(shared));
        }
        let (mut bytes, data) = memory.data_and_store_mut(&mut *self.caller);
        work(data, &mut bytes)
    }
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
