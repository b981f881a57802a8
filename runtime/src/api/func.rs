//! Functions: from closures of the host, and calls with values or with Rust's types.

use std::sync::Arc;

use super::Caller;
use super::context::{AsContext, AsContextMut};
use super::typed::{self, IntoFunc, TypedFunc, WasmParams, WasmResults};
use crate::error::Result;
use crate::store::{
    HostDefinition, StoreData, assert_store, check_count, check_store, read_values, write_values,
};
use crate::types::FuncType;
use crate::value::{Func, Val, slots_of_all};
use crate::vm::{Cx, Exit, FuncInst};

/// A closure that takes and gives values, and its type.
struct Untyped<F> {
    ty: FuncType,
    call: F,
}

impl Func {
    /// A host function of a type that is known only at run time. The closure gets the arguments,
    /// and writes the results over zeros and nulls.
    ///
    /// # Errors
    /// `Usage` if the type is of another engine; `Limit` if the tier cannot make an adapter.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let definition = untyped(ty, closure);
        // SAFETY: the definition is for stores of `T`.
        unsafe { store.as_context_mut().state_mut().add_host_func(definition) }
    }

    /// A host function of the type that a closure has: see [`IntoFunc`].
    ///
    /// # Panics
    /// If the system or the engine's limits leave no memory for an adapter.
    pub fn wrap<T: 'static, P, R>(
        mut store: impl AsContextMut<Data = T>,
        closure: impl IntoFunc<T, P, R>,
    ) -> Func {
        let definition = typed::definition(closure);
        // SAFETY: the definition is for stores of `T`.
        let func = unsafe { store.as_context_mut().state_mut().add_host_func(definition) };
        func.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The function's type.
    ///
    /// # Panics
    /// If the function is of another store.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> Arc<FuncType> {
        let state = store.as_context().state();
        assert_store(self.store, state);
        state.func_type(self).clone()
    }

    /// Calls the function with values of its parameter types; `results` gets the results.
    ///
    /// # Errors
    /// A trap; the error of a host function; `Usage` if the function is of another store, an
    /// argument is of another type, or there are more or fewer arguments or results.
    pub fn call(
        self,
        mut store: impl AsContextMut,
        args: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let mut context = store.as_context_mut();
        let state = context.state();
        check_store(self.store, state)?;
        let ty = state.func_type(self);
        state.check_values(args, &ty.params)?;
        check_count(results.len(), ty.results.len())?;
        // SAFETY: the store is borrowed uniquely for the whole call; arguments are checked.
        unsafe { StoreData::call(context.as_ptr(), self, args, results) }
    }

    /// Calls the function as [`Func::call`] does, and gives its results as a vector.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn invoke(self, mut store: impl AsContextMut, args: &[Val]) -> Result<Vec<Val>> {
        let mut context = store.as_context_mut();
        check_store(self.store, context.state())?;
        let count = context.state().func_type(self).results.len();
        let mut results = vec![Val::I32(0); count];
        self.call(&mut context, args, &mut results)?;
        Ok(results)
    }

    /// The function with its type checked, which makes calls fast: see [`TypedFunc`].
    ///
    /// # Errors
    /// `Usage` if it is of another type or another store.
    pub fn typed<P: WasmParams, R: WasmResults>(
        self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>> {
        TypedFunc::new(store.as_context().state(), self)
    }
}

/// The host function of a closure on values, for stores whose host's data is a `T`.
pub(super) fn untyped<T: 'static, F>(ty: FuncType, call: F) -> HostDefinition
where
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    let closure = Untyped {
        ty: ty.clone(),
        call,
    };
    HostDefinition::new(ty, entry::<T, F>, closure)
}

/// The entry of a host function on values.
///
/// # Safety
/// As for [`crate::vm::Entry`], of a function of [`untyped`] in a `Store<T>`.
unsafe extern "C" fn entry<T: 'static, F>(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit
where
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    // SAFETY: the contract of `Entry`. The slots hold arguments of the function's type, and take
    // its results; no reference into the store is kept while the closure runs.
    unsafe {
        let Untyped { ty, call } = &*(*func).host.cast::<Untyped<F>>();
        let slots = slots_of_all(&ty.params).max(slots_of_all(&ty.results));
        StoreData::run_host(cx, args, slots, |data| {
            let mut values = vec![Val::I32(0); ty.params.len() + ty.results.len()];
            let (params, results) = values.split_at_mut(ty.params.len());
            let given = std::slice::from_raw_parts(args, slots);
            read_values(&*data, &ty.params, given, params);
            for (result, &ty) in results.iter_mut().zip(&ty.results) {
                *result = Val::default_of(ty).unwrap_or(*result);
            }
            call(Caller::new(data, func), params, results)?;
            (*data).check_values(results, &ty.results)?;
            write_values(&*data, results, std::slice::from_raw_parts_mut(args, slots));
            Ok(())
        })
    }
}
