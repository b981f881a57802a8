//! Functions: callbacks of C as host functions, and calls.

use std::ffi::c_void;
use std::sync::Arc;

use wassay_runtime::{Caller, Error, ExternType, Func, FuncType, Val};

use crate::failure::noted;
use crate::object::{Data, Finalizer, HostInfo, Kind, Object, StoreRef};
use crate::trap::{error_of, trap_of};
use crate::types::Externtype;
use crate::value::{Value, check_types};
use crate::vector::Vector;

type Values = Vector<Value>;

/// `wasm_func_callback_t`.
type Plain = extern "C" fn(*const Values, *mut Values) -> Option<Box<Object>>;

/// `wasm_func_callback_with_env_t`.
type WithEnv = extern "C" fn(*mut c_void, *const Values, *mut Values) -> Option<Box<Object>>;

/// A callback with what it needs.
enum Callback {
    Plain(Plain),
    WithEnv(WithEnv, HostInfo),
}

impl Callback {
    fn call(&self, args: &Values, results: &mut Values) -> Option<Box<Object>> {
        match self {
            Callback::Plain(call) => call(args, results),
            Callback::WithEnv(call, env) => call(env.data, args, results),
        }
    }
}

/// The host function of a callback.
fn host_func(store: &StoreRef, ty: &FuncType, callback: Callback) -> Result<Func, Error> {
    check_types(ty.params())?;
    check_types(ty.results())?;
    let types = ty.clone();
    let run = move |caller: Caller<'_, Data>, params: &[Val], results: &mut [Val]| {
        let gone = || Error::msg("the store is being deleted");
        let store = StoreRef::running(caller.data()).ok_or_else(gone)?;
        let args = params.iter().zip(types.params());
        let args = args.map(|(arg, ty)| Value::from_val(&store, *arg, *ty));
        let args = Values::from(args.collect::<Result<Vec<_>, _>>()?);
        let zeros = types.results().iter().map(|ty| Value::zero(*ty));
        let mut given = Values::from(zeros.collect::<Vec<_>>());
        if let Some(trap) = callback.call(&args, &mut given) {
            return Err(error_of(&trap));
        }
        for ((result, given), ty) in results
            .iter_mut()
            .zip(given.as_slice())
            .zip(types.results())
        {
            *result = given.to_val(&store, *ty)?;
        }
        Ok(())
    };
    Func::new(store.context(), ty.clone(), run)
}

fn new(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
    callback: Callback,
) -> Option<Box<Object>> {
    let (store, ExternType::Func(ty)) = (store?, ty?.engine_type()) else {
        return None;
    };
    let func = noted(host_func(store, ty, callback))?;
    Some(store.object(Kind::Extern(func.into())))
}

/// The function of a reference and its type.
fn func_of(object: Option<&Object>) -> Option<(&StoreRef, Func, Arc<FuncType>)> {
    let object = object?;
    let func = object.external()?.into_func()?;
    Some((&object.store, func, func.ty(object.store.context())))
}

fn call(
    (store, func, ty): (&StoreRef, Func, &FuncType),
    args: &[Value],
    results: Option<&mut Values>,
) -> Result<(), Error> {
    check_types(ty.params())?;
    check_types(ty.results())?;
    let (given, wanted) = (args.len(), ty.params().len());
    if given != wanted {
        let message = format!("{given} arguments for a function of {wanted}");
        return Err(Error::msg(message));
    }
    let args = args.iter().zip(ty.params());
    let args = args.map(|(arg, ty)| arg.to_val(store, *ty));
    let args = args.collect::<Result<Vec<Val>, Error>>()?;
    let given = func.invoke(store.context(), &args)?;
    let given = given.iter().zip(ty.results());
    let given = given.map(|(value, ty)| Value::from_val(store, *value, *ty));
    let given = given.collect::<Result<Vec<Value>, Error>>()?;
    let room = results.as_ref().map_or(0, |it| it.room());
    if room < given.len() {
        let message = format!("room for {room} results of a function of {}", given.len());
        return Err(Error::msg(message));
    }
    if let Some(results) = results {
        results.fill(given);
    }
    Ok(())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_new(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
    callback: Option<Plain>,
) -> Option<Box<Object>> {
    new(store, ty, Callback::Plain(callback?))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_new_with_env(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
    callback: Option<WithEnv>,
    data: *mut c_void,
    finalizer: Finalizer,
) -> Option<Box<Object>> {
    let env = HostInfo { data, finalizer };
    new(store, ty, Callback::WithEnv(callback?, env))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_type(func: Option<&Object>) -> Option<Box<Externtype>> {
    let (_, _, ty) = func_of(func)?;
    Some(Box::new(ExternType::Func(ty).into()))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_param_arity(func: Option<&Object>) -> usize {
    func_of(func).map_or(0, |(_, _, ty)| ty.params().len())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_result_arity(func: Option<&Object>) -> usize {
    func_of(func).map_or(0, |(_, _, ty)| ty.results().len())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_func_call(
    func: Option<&Object>,
    args: Option<&Values>,
    results: Option<&mut Values>,
) -> Option<Box<Object>> {
    let (store, func, ty) = func_of(func)?;
    // The callee may delete the reference: the store must outlive the call.
    let store = store.clone();
    let args = args.map_or(&[][..], Vector::as_slice);
    let ended = call((&store, func, &ty), args, results);
    ended.err().map(|error| trap_of(&store, error))
}
