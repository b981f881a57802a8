//! Calls whose types the host's compiler knows. Code that is generated for the types writes the
//! arguments to the value stack and reads the results from it, without a [`Val`] and without an
//! allocation.

use std::marker::PhantomData;

use super::Caller;
use super::context::AsContextMut;
use crate::error::{Error, Result};
use crate::store::{HostDefinition, StoreData, check_store};
use crate::types::{AbstractHeapType, FuncType, HeapType, RefType, TypeRegistry, ValType};
use crate::value::{AnyRef, ArrayRef, Exception, ExternRef, Func, I31, StructRef, Val, slots_of};
use crate::vm::{Cx, Exit, FuncInst};

/// A Rust type that is a WebAssembly value: `i32` and `u32`, `i64` and `u64`, `f32`, `f64`, `u128`
/// for `v128`, [`Func`], [`ExternRef`], [`AnyRef`], [`I31`], [`StructRef`], [`ArrayRef`],
/// [`Exception`], and of references an `Option` where null belongs to the type.
///
/// ```
/// use wassay_runtime::{ValType, WasmTy};
///
/// assert_eq!(<u32 as WasmTy>::ty(), ValType::I32);
/// ```
///
/// # Safety
/// Only this crate implements the trait: `write` leaves a value of the type in its slots, and
/// `read` relies on that.
pub unsafe trait WasmTy: Sized + 'static {
    /// The type.
    fn ty() -> ValType;

    #[doc(hidden)]
    const SLOTS: usize = 1;

    #[doc(hidden)]
    #[inline(always)]
    fn check(&self, _: &StoreData) -> Result<()> {
        Ok(())
    }

    /// Checks the value against a type that may be narrower than its own.
    #[doc(hidden)]
    fn check_as(&self, _: &StoreData, _: ValType) -> Result<()> {
        Ok(())
    }

    #[doc(hidden)]
    unsafe fn write(self, store: &StoreData, slot: *mut u64);

    #[doc(hidden)]
    unsafe fn read(store: &StoreData, slot: *const u64) -> Self;
}

macro_rules! numbers {
    ($($rust:ty: $wasm:ident, $to:expr, $from:expr;)*) => { $(
        // SAFETY: a slot holds the bits, zero-extended.
        unsafe impl WasmTy for $rust {
            fn ty() -> ValType {
                ValType::$wasm
            }

            #[inline(always)]
            unsafe fn write(self, _: &StoreData, slot: *mut u64) {
                // SAFETY: the caller's contract.
                unsafe { *slot = $to(self) }
            }

            #[inline(always)]
            unsafe fn read(_: &StoreData, slot: *const u64) -> $rust {
                // SAFETY: the caller's contract.
                $from(unsafe { *slot })
            }
        }
    )* };
}

numbers! {
    i32: I32, |v: i32| u64::from(v as u32), |slot: u64| slot as i32;
    u32: I32, |v: u32| u64::from(v), |slot: u64| slot as u32;
    i64: I64, |v: i64| v as u64, |slot: u64| slot as i64;
    u64: I64, |v: u64| v, |slot: u64| slot;
    f32: F32, |v: f32| u64::from(v.to_bits()), |slot: u64| f32::from_bits(slot as u32);
    f64: F64, f64::to_bits, f64::from_bits;
}

// SAFETY: two slots hold the bits, low half first.
unsafe impl WasmTy for u128 {
    const SLOTS: usize = 2;

    fn ty() -> ValType {
        ValType::V128
    }

    unsafe fn write(self, _: &StoreData, slot: *mut u64) {
        // SAFETY: the caller's contract.
        unsafe { slot.cast::<u128>().write_unaligned(self) }
    }

    unsafe fn read(_: &StoreData, slot: *const u64) -> u128 {
        // SAFETY: the caller's contract.
        unsafe { slot.cast::<u128>().read_unaligned() }
    }
}

const _: () = assert!(
    cfg!(target_endian = "little"),
    "slots hold a vector's low half first"
);

macro_rules! references {
    ($($rust:ty: $nullable:literal $heap:ident;)*) => { $(
        // SAFETY: values are checked before they are written.
        unsafe impl WasmTy for $rust {
            fn ty() -> ValType {
                ValType::Ref(RefType {
                    nullable: $nullable,
                    heap: HeapType::Abstract(AbstractHeapType::$heap),
                })
            }

            fn check(&self, store: &StoreData) -> Result<()> {
                store.check_value((*self).into(), <$rust as WasmTy>::ty())
            }

            fn check_as(&self, store: &StoreData, ty: ValType) -> Result<()> {
                store.check_value((*self).into(), ty)
            }

            unsafe fn write(self, store: &StoreData, slot: *mut u64) {
                let value = Val::from(self);
                // SAFETY: the caller's contract.
                value.write(store, unsafe { std::slice::from_raw_parts_mut(slot, 1) });
            }

            unsafe fn read(store: &StoreData, slot: *const u64) -> $rust {
                let ty = <$rust as WasmTy>::ty();
                // SAFETY: the caller's contract.
                let value = unsafe { Val::read(ty, store, &*slot.cast::<[u64; 1]>()) };
                <$rust>::try_from(value).expect("types are checked where functions are made")
            }
        }
    )* };
}

references! {
    Func: false Func;
    Option<Func>: true Func;
    ExternRef: false Extern;
    Option<ExternRef>: true Extern;
    AnyRef: false Any;
    Option<AnyRef>: true Any;
    I31: false I31;
    Option<I31>: true I31;
    StructRef: false Struct;
    Option<StructRef>: true Struct;
    ArrayRef: false Array;
    Option<ArrayRef>: true Array;
    Exception: false Exn;
    Option<Exception>: true Exn;
}

/// Parameters: `()`, a [`WasmTy`], or a tuple of up to 16 of them.
///
/// ```
/// use wassay_runtime::WasmParams;
///
/// fn count<P: WasmParams>() -> usize {
///     P::types().len()
/// }
/// assert_eq!(count::<(i32, f64)>(), 2);
/// assert_eq!(count::<u64>(), 1);
/// ```
///
/// # Safety
/// As for [`WasmTy`].
pub unsafe trait WasmParams: Sized + 'static {
    /// The types.
    fn types() -> Vec<ValType>;

    #[doc(hidden)]
    const SLOTS: usize;

    #[doc(hidden)]
    fn check(&self, store: &StoreData) -> Result<()>;

    #[doc(hidden)]
    fn check_as(&self, store: &StoreData, types: &[ValType]) -> Result<()>;

    #[doc(hidden)]
    unsafe fn write(self, store: &StoreData, slots: *mut u64);

    #[doc(hidden)]
    unsafe fn read(store: &StoreData, slots: *const u64) -> Self;
}

/// Results: the same types as [`WasmParams`].
///
/// ```
/// use wassay_runtime::WasmResults;
///
/// fn count<R: WasmResults>() -> usize {
///     R::types().len()
/// }
/// assert_eq!(count::<()>(), 0);
/// ```
pub trait WasmResults: WasmParams {}

impl<T: WasmParams> WasmResults for T {}

// SAFETY: as for the type itself.
unsafe impl<T: WasmTy> WasmParams for T {
    const SLOTS: usize = T::SLOTS;

    fn types() -> Vec<ValType> {
        vec![T::ty()]
    }

    #[inline(always)]
    fn check(&self, store: &StoreData) -> Result<()> {
        T::check(self, store)
    }

    fn check_as(&self, store: &StoreData, types: &[ValType]) -> Result<()> {
        let mut types = types.iter();
        types.try_for_each(|&ty| T::check_as(self, store, ty))
    }

    #[inline(always)]
    unsafe fn write(self, store: &StoreData, slots: *mut u64) {
        // SAFETY: the caller's contract.
        unsafe { T::write(self, store, slots) }
    }

    #[inline(always)]
    unsafe fn read(store: &StoreData, slots: *const u64) -> T {
        // SAFETY: the caller's contract.
        unsafe { T::read(store, slots) }
    }
}

/// The return type of a host function: results, or a [`Result`] of them.
///
/// ```
/// use wassay_runtime::{Config, Engine, Error, Func, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let swap = Func::wrap(&mut store, |a: i32, b: i64| (b, a));
/// let check = Func::wrap(&mut store, |n: i32| match n {
///     0 => Err(Error::msg("nothing")),
///     n => Ok(n),
/// });
/// assert_eq!(swap.typed::<(i32, i64), (i64, i32)>(&store)?.call(&mut store, (1, 2))?, (2, 1));
/// assert!(check.typed::<i32, i32>(&store)?.call(&mut store, 0).is_err());
/// # Ok::<(), Error>(())
/// ```
pub trait WasmRet {
    #[doc(hidden)]
    type Results: WasmResults;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Results>;
}

impl<R: WasmResults> WasmRet for R {
    type Results = R;

    #[inline(always)]
    fn into_result(self) -> Result<R> {
        Ok(self)
    }
}

impl<R: WasmResults> WasmRet for Result<R, Error> {
    type Results = R;

    #[inline(always)]
    fn into_result(self) -> Result<R> {
        self
    }
}

/// A closure that can be a host function: of up to 16 parameters, with or without a [`Caller`]
/// before them. `P` and `R` are its parameters and its return type.
///
/// ```
/// use wassay_runtime::{Caller, Config, Engine, Func, IntoFunc, Store};
///
/// fn make<P, R>(store: &mut Store<u32>, closure: impl IntoFunc<u32, P, R>) -> Func {
///     Func::wrap(store, closure)
/// }
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, 0);
/// make(&mut store, || ());
/// make(&mut store, |caller: Caller<'_, u32>, n: u32| *caller.data() + n);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub trait IntoFunc<T: 'static, P, R>: Send + Sync + 'static {
    #[doc(hidden)]
    type Params: WasmParams;
    #[doc(hidden)]
    type Ret: WasmRet;

    #[doc(hidden)]
    fn call(&self, caller: Caller<'_, T>, params: Self::Params) -> Self::Ret;
}

macro_rules! lists {
    ($(($($name:ident $n:tt)*))*) => { $(
        lists!(@tuple $($name $n)*);

        impl<T: 'static, F, $($name: WasmTy,)* R: WasmRet> IntoFunc<T, ($($name,)*), R> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
        {
            type Params = ($($name,)*);
            type Ret = R;

            #[inline(always)]
            fn call(&self, _: Caller<'_, T>, _params: Self::Params) -> R {
                self($(_params.$n),*)
            }
        }

        impl<T: 'static, F, $($name: WasmTy,)* R: WasmRet>
            IntoFunc<T, (Caller<'_, T>, $($name,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($name),*) -> R + Send + Sync + 'static,
        {
            type Params = ($($name,)*);
            type Ret = R;

            #[inline(always)]
            fn call(&self, caller: Caller<'_, T>, _params: Self::Params) -> R {
                self(caller, $(_params.$n),*)
            }
        }
    )* };
    (@tuple $($name:ident $n:tt)*) => {
        // SAFETY: the types' slots lie one behind the other.
        unsafe impl<$($name: WasmTy),*> WasmParams for ($($name,)*) {
            const SLOTS: usize = 0 $(+ $name::SLOTS)*;

            fn types() -> Vec<ValType> {
                vec![$($name::ty()),*]
            }

            #[inline(always)]
            fn check(&self, _store: &StoreData) -> Result<()> {
                $($name::check(&self.$n, _store)?;)*
                Ok(())
            }

            fn check_as(&self, _store: &StoreData, _types: &[ValType]) -> Result<()> {
                $($name::check_as(&self.$n, _store, _types[$n])?;)*
                Ok(())
            }

            #[inline(always)]
            #[allow(unused_assignments, reason = "nothing follows the last")]
            unsafe fn write(self, _store: &StoreData, mut _slots: *mut u64) {
                $(
                    // SAFETY: the caller's contract.
                    _slots = unsafe {
                        $name::write(self.$n, _store, _slots);
                        _slots.add($name::SLOTS)
                    };
                )*
            }

            #[inline(always)]
            #[allow(unused_assignments, clippy::unused_unit, reason = "nothing follows the last")]
            unsafe fn read(_store: &StoreData, mut _slots: *const u64) -> Self {
                ($({
                    // SAFETY: the caller's contract.
                    let value = unsafe { $name::read(_store, _slots) };
                    _slots = _slots.wrapping_add($name::SLOTS);
                    value
                },)*)
            }
        }
    };
}

lists! {
    ()
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
    (A 0 B 1 C 2 D 3 E 4 G 5)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11 N 12)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11 N 12 O 13)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11 N 12 O 13 Q 14)
    (A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11 N 12 O 13 Q 14 S 15)
}

/// The host function of a closure, for stores whose host's data is a `T`.
pub(super) fn definition<T: 'static, P, R, F: IntoFunc<T, P, R>>(closure: F) -> HostDefinition {
    let results = <F::Ret as WasmRet>::Results::types();
    let ty = FuncType::new(F::Params::types(), results);
    HostDefinition::new(ty, entry::<T, P, R, F>, closure)
}

/// The entry of a host function.
///
/// # Safety
/// As for [`crate::vm::Entry`], of a function of [`definition`] in a `Store<T>`.
unsafe extern "C" fn entry<T: 'static, P, R, F: IntoFunc<T, P, R>>(
    func: *mut FuncInst,
    cx: *mut Cx,
    args: *mut u64,
) -> Exit {
    type ResultsOf<R> = <R as WasmRet>::Results;
    let (params, results) = (F::Params::SLOTS, ResultsOf::<F::Ret>::SLOTS);
    // SAFETY: the contract of `Entry`. The slots hold arguments of the function's type, and take
    // its results; no reference into the store is kept while the closure runs.
    unsafe {
        StoreData::run_host(cx, args, params.max(results), |data| {
            let closure = &*(*func).host.cast::<F>();
            let params = F::Params::read(&*data, args);
            let results = closure
                .call(Caller::new(data, func), params)
                .into_result()?;
            results.check(&*data)?;
            results.write(&*data, args);
            Ok(())
        })
    }
}

/// A function whose type has been checked once: `P` are its parameters, `R` its results.
///
/// A parameter may be of a narrower type than the Rust type says, such as a defined type of
/// structures for a [`StructRef`]. Each call checks such arguments.
///
/// ```
/// use wassay_runtime::{Config, Engine, Func, Store, TypedFunc};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// let add: TypedFunc<(i32, i32), i32> = add.typed(&store)?;
/// assert_eq!(add.call(&mut store, (1, 2))?, 3);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct TypedFunc<P, R> {
    func: Func,
    /// True if a parameter's type is narrower than Rust's type, so that each call checks it.
    is_narrower: bool,
    ty: PhantomData<fn(P) -> R>,
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> std::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// The function, if it is of the type.
    ///
    /// # Errors
    /// `Usage` if it is not, or of another store.
    pub(super) fn new(store: &StoreData, func: Func) -> Result<TypedFunc<P, R>> {
        check_store(func.store, store)?;
        let ty = store.func_type(func);
        let registry = store.engine.registry();
        let all = |from: &[ValType], to: &[ValType], fits: fn(&TypeRegistry, _, _) -> bool| {
            let mut pairs = from.iter().zip(to);
            from.len() == to.len() && pairs.all(|(&from, &to)| fits(registry, from, to))
        };
        let (params, results) = (P::types(), R::types());
        let fits = all(&params, &ty.params, may_fit);
        if !fits || !all(&ty.results, &results, TypeRegistry::matches) {
            let wanted = FuncType::new(params, results);
            return Err(Error::usage(format!("a function {ty} is not {wanted}")));
        }
        Ok(TypedFunc {
            func,
            is_narrower: !all(&params, &ty.params, TypeRegistry::matches),
            ty: PhantomData,
        })
    }

    /// Calls the function.
    ///
    /// # Errors
    /// A trap; the error of a host function; `Usage` if the function or an argument is of another
    /// store.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R> {
        let mut context = store.as_context_mut();
        check_store(self.func.store, context.state())?;
        params.check(context.state())?;
        if self.is_narrower {
            let types = &context.state().func_type(self.func).params;
            params.check_as(context.state(), types)?;
        }
        let (data, id, slots) = (context.as_ptr(), self.func.id, P::SLOTS.max(R::SLOTS));
        // SAFETY: the store is borrowed uniquely for the whole call. The function is of the type:
        // the slots take its parameters, then hold its results.
        unsafe {
            StoreData::call_with(
                data,
                id,
                slots,
                |store, slots| params.write(store, slots),
                |store, slots| R::read(store, slots),
            )
        }
    }

    /// The function.
    pub fn func(&self) -> Func {
        self.func
    }
}

/// True if a value of type `from` may be one of type `to`: `from` may be the wider type.
fn may_fit(registry: &TypeRegistry, from: ValType, to: ValType) -> bool {
    match (from, to) {
        (ValType::Ref(from), ValType::Ref(to)) => {
            let is_either = |a, b| registry.heap_matches(a, b) || registry.heap_matches(b, a);
            (to.nullable || !from.nullable) && is_either(from.heap, to.heap)
        }
        (from, to) => from == to,
    }
}

const _: () = assert!(slots_of(ValType::V128) == <u128 as WasmTy>::SLOTS);
