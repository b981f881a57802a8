//! Calls from the host into code, and calls of host functions by code.
//!
//! A host function is a closure behind a [`FuncInst`] of its own, whose `entry` is glue that knows
//! the closure's type. An instance that imports it gets another `FuncInst` for the same closure, so
//! that the function can tell which instance calls it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::StoreData;
use crate::error::{Error, ErrorKind, Result};
use crate::trap::TrapKind;
use crate::types::{CompositeKind, FuncType, HeapType, TypeId, TypeRef, ValType};
use crate::value::{Func, Ref, Val, slots_of, slots_of_all};
use crate::vm::{self, Cx, EXIT_OK, Entry, Exit, FuncInst};

/// Room on the native stack that is left to host functions and to the engine where code has used up
/// its part. The engine translates or compiles a function there that is called for the first time,
/// or whose frame is in a backtrace: with up to 32 KiB in debug builds, and half of it in others.
const NATIVE_RESERVE_BYTES: usize = if cfg!(debug_assertions) { 64 } else { 32 } << 10;

/// The part of the reserve that must be left to load or instantiate a module.
const NATIVE_MODULE_BYTES: usize = NATIVE_RESERVE_BYTES / 8 * 5;

/// A host function before it is in a store.
#[derive(Clone)]
pub(crate) struct HostDefinition {
    pub(crate) ty: FuncType,
    entry: Entry,
    closure: Arc<dyn Any + Send + Sync>,
}

/// A host function.
pub(crate) struct HostFunc {
    inst: Box<FuncInst>,
    _closure: Arc<dyn Any + Send + Sync>,
}

impl HostDefinition {
    /// The host function of a type that is called by an entry, which finds the closure at
    /// [`FuncInst::host`].
    pub(crate) fn new<C: Any + Send + Sync>(
        ty: FuncType,
        entry: Entry,
        closure: C,
    ) -> HostDefinition {
        let closure = Arc::new(closure);
        HostDefinition { ty, entry, closure }
    }

    /// The address of the closure, which no other closure that is alive has.
    fn host(&self) -> *const () {
        Arc::as_ptr(&self.closure).cast()
    }
}

impl StoreData {
    /// A new host function.
    ///
    /// # Errors
    /// `Usage` if the type is of another engine; `Limit` if the tier cannot make an adapter.
    ///
    /// # Safety
    /// The definition's entry keeps the contract of [`Entry`] for functions of its type in this
    /// store, with its closure.
    pub(crate) unsafe fn add_host_func(&mut self, definition: HostDefinition) -> Result<Func> {
        let ty = &definition.ty;
        let mut types = ty.params.iter().chain(&ty.results);
        types.try_for_each(|&ty| self.check_type(ty))?;
        let mut inst = Box::new(FuncInst {
            entry: definition.entry,
            vm: std::ptr::null_mut(),
            jit: std::ptr::null(),
            stack: std::ptr::null(),
            register: std::ptr::null(),
            ty: self.engine.registry().intern_func(ty.clone()),
            index: self.hosts.len() as u32,
            id: self.funcs.len() as u32,
            param_slots: slots_of_all(&ty.params) as u32,
            result_slots: slots_of_all(&ty.results) as u32,
            host: definition.host(),
            importer: std::ptr::null_mut(),
        });
        self.engine.backend().install_host(&mut inst, ty)?;
        self.heap.publish(&mut self.cx);
        let id = self.add_func(&raw mut *inst);
        let _closure = definition.closure;
        self.hosts.push(HostFunc { inst, _closure });
        debug_assert_eq!(self.hosts[self.hosts.len() - 1].inst.id, id);
        Ok(Func { store: self.id, id })
    }

    /// The host function of a linker, which a store has once.
    ///
    /// # Errors
    /// As [`StoreData::add_host_func`].
    ///
    /// # Safety
    /// As for [`StoreData::add_host_func`].
    pub(crate) unsafe fn link_host_func(&mut self, definition: &HostDefinition) -> Result<Func> {
        let key = definition.host() as usize;
        if let Some(&func) = self.linked.get(&key) {
            return Ok(func);
        }
        // SAFETY: the caller's contract.
        let func = unsafe { self.add_host_func(definition.clone())? };
        self.linked.insert(key, func);
        Ok(func)
    }

    /// The type of a function of this store.
    pub(crate) fn func_type(&self, func: Func) -> &Arc<FuncType> {
        // SAFETY: functions of a store live as long as the store.
        let ty = unsafe { (*self.funcs[func.id as usize]).ty };
        self.heap.func_type(ty)
    }

    /// Calls function `id`: `write` puts its arguments in slots, `read` takes the results from
    /// them. Both take `slots` at most.
    ///
    /// # Errors
    /// The error with which code ends; `StackExhausted` without room for the slots.
    ///
    /// # Safety
    /// `data` is a live store, and no reference into it is in use: code that runs in the store
    /// makes its own, from `Cx::store`. `write` and `read` fit the function's type.
    #[inline]
    pub(crate) unsafe fn call_with<R>(
        data: *mut StoreData,
        id: u32,
        slots: usize,
        write: impl FnOnce(&StoreData, *mut u64),
        read: impl FnOnce(&StoreData, *const u64) -> R,
    ) -> Result<R> {
        // SAFETY: the caller's contract; the reference ends before any code is entered.
        let (func, base) = unsafe {
            let store = &*data;
            let (func, base) = (store.funcs[id as usize], store.cx.top);
            let free_bytes = (store.cx.stack_end as usize).saturating_sub(base as usize);
            if free_bytes < slots * size_of::<u64>() {
                return Err(Error::trap(TrapKind::StackExhausted));
            }
            write(store, base);
            (func, base)
        };
        // SAFETY: `func` is of this store and `base` has room for `slots`.
        let exit = unsafe { StoreData::enter(data, func, base) };
        // SAFETY: the code has ended, so that a reference may be made again.
        let store = unsafe { &mut *data };
        store.cx.top = base;
        if exit != EXIT_OK {
            return Err(store.exit_error(exit));
        }
        Ok(read(store, base))
    }

    /// Calls a function with values that have been checked: `results` gets as many as its type
    /// says.
    ///
    /// # Errors
    /// As [`StoreData::call_with`].
    ///
    /// # Safety
    /// As for [`StoreData::call_with`]; the arguments are of the function's parameter types.
    pub(crate) unsafe fn call(
        data: *mut StoreData,
        func: Func,
        args: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        // SAFETY: the caller's contract; the reference ends with the block.
        let ty = unsafe { (*data).func_type(func).clone() };
        let slots = slots_of_all(&ty.params).max(slots_of_all(&ty.results));
        // SAFETY: the caller's contract; `base` has room for `slots`.
        unsafe {
            StoreData::call_with(
                data,
                func.id,
                slots,
                |store, base| {
                    write_values(store, args, std::slice::from_raw_parts_mut(base, slots));
                },
                |store, base| {
                    let slots = std::slice::from_raw_parts(base, slots);
                    read_values(store, &ty.results, slots, results);
                },
            )
        }
    }

    /// Enters a function, with the native stack limit set if this is the outermost entry.
    ///
    /// # Safety
    /// As for [`StoreData::call_with`]; `func` and `base` fit its `Entry`.
    unsafe fn enter(data: *mut StoreData, func: *mut FuncInst, base: *mut u64) -> Exit {
        // SAFETY: the caller's contract; the reference ends before any code is entered.
        let store = unsafe { &mut *data };
        if store.entries == 0 {
            let budget = store.engine.config().limits.native_stack_bytes;
            store.native_base = native_stack_address();
            let limit = store.native_base.saturating_sub(budget);
            store.cx.native_limit = limit.max(native_stack_floor());
        }
        if native_stack_address() < store.cx.native_limit {
            return TrapKind::StackExhausted as Exit;
        }
        if store.backtrace.is_some() {
            store.backtrace = None;
        }
        store.entries += 1;
        let frame_top = store.cx.frame_top;
        // SAFETY: the caller's contract.
        let exit = unsafe { vm::enter(func, &raw mut (*data).cx, base) };
        // SAFETY: the code has ended, so that a reference may be made again.
        let store = unsafe { &mut *data };
        store.cx.frame_top = frame_top;
        store.entries -= 1;
        exit
    }

    /// Runs a host function that code has called: `body` takes the arguments from the slots at
    /// `args` and leaves the results there. References that it is handed are released after it. A
    /// panic does not unwind through code: it goes on where the host has entered.
    ///
    /// # Safety
    /// As for [`Entry`]; `args` has room for `slots`, which are as many as arguments and results
    /// take.
    #[inline]
    pub(crate) unsafe fn run_host(
        cx: *mut Cx,
        args: *mut u64,
        slots: usize,
        body: impl FnOnce(*mut StoreData) -> Result<()>,
    ) -> Exit {
        // SAFETY: the caller's contract: a live store. The code that called the host function is
        // suspended and holds no reference into it.
        let data = unsafe { (*cx).store.cast::<StoreData>() };
        // SAFETY: as above; the reference ends before the host function is called.
        let store = unsafe { &mut *data };
        if native_stack_address() < store.cx.native_limit {
            return TrapKind::StackExhausted as Exit;
        }
        let top = std::mem::replace(&mut store.cx.top, args.wrapping_add(slots));
        let scope = store.heap.open_scope();
        let ended = catch_unwind(AssertUnwindSafe(|| body(data)));
        // SAFETY: the host function has ended, so that a reference may be made again.
        let store = unsafe { &mut *data };
        store.cx.top = top;
        let exit = match ended {
            Ok(Ok(())) => EXIT_OK,
            Ok(Err(error)) => store.exit_of(error),
            Err(payload) => {
                store.backtrace = None;
                store.panic = Some(payload);
                TrapKind::HostError as Exit
            }
        };
        store.heap.close_scope(scope);
        exit
    }

    /// The exit code of a host function that has ended with an error. The rest of the error goes on
    /// in the store; an exception goes on while its handle is valid.
    #[cold]
    fn exit_of(&mut self, mut error: Error) -> Exit {
        if let Some(handle) = error.exception {
            match self.heap.object(handle) {
                Some((ty, exception)) if ty.kind == CompositeKind::Func => {
                    self.cx.exception = exception.into();
                }
                Some(_) => error = Error::usage("an object that is not an exception"),
                None => error = Error::usage("an exception that has been released"),
            }
        }
        self.backtrace = error.backtrace.take();
        match error.kind {
            ErrorKind::Trap(kind)
                if !matches!(kind, TrapKind::HostError | TrapKind::UncaughtException) =>
            {
                kind as Exit
            }
            ErrorKind::Exception if error.exception.is_some() => {
                TrapKind::UncaughtException as Exit
            }
            _ => {
                self.host_error = Some(error);
                TrapKind::HostError as Exit
            }
        }
    }

    /// Checks that a type is one of this store's engine.
    ///
    /// # Errors
    /// `Usage` if it is not.
    pub(crate) fn check_type(&self, ty: ValType) -> Result<()> {
        let unknown = || Error::usage(format!("{ty} is a type of another engine"));
        let is_known = self.engine.registry().knows(ty);
        is_known.then_some(()).ok_or_else(unknown)
    }

    /// Checks the number of values, and each of them against its type.
    ///
    /// # Errors
    /// `Usage` if they do not fit, or are of another store.
    pub(crate) fn check_values(&self, values: &[Val], types: &[ValType]) -> Result<()> {
        check_count(values.len(), types.len())?;
        let mut pairs = values.iter().zip(types);
        pairs.try_for_each(|(&value, &ty)| self.check_value(value, ty))
    }

    /// Checks a value against a type.
    ///
    /// # Errors
    /// As [`StoreData::check_values`].
    pub(crate) fn check_value(&self, value: Val, ty: ValType) -> Result<()> {
        let registry = self.engine.registry();
        let fits = match (value, ty) {
            (Val::Ref(Ref::Null(top)), ValType::Ref(r)) => r.nullable && r.heap.top() == top.top(),
            (Val::Ref(Ref::Func(func)), ValType::Ref(r)) => {
                super::check_store(func.store, self)?;
                // SAFETY: functions of a store live as long as the store.
                let id = unsafe { (*self.funcs[func.id as usize]).ty };
                let kind = CompositeKind::Func;
                registry.heap_matches(HeapType::Exact(TypeRef { id, kind }), r.heap)
            }
            (Val::Ref(reference), ValType::Ref(r)) => reference
                .heap_type(self)
                .is_some_and(|heap| registry.heap_matches(heap, r.heap)),
            _ => registry.matches(value.ty(), ty),
        };
        let message = || {
            let given = value.ty();
            Error::usage(format!(
                "a value of type {ty} is expected, not one of type {given}"
            ))
        };
        if fits { Ok(()) } else { Err(message()) }
    }
}

/// Checks the number of values.
///
/// # Errors
/// `Usage` if it is another number.
pub(crate) fn check_count(got: usize, want: usize) -> Result<()> {
    let message = || Error::usage(format!("{want} values are expected, {got} were given"));
    (got == want).then_some(()).ok_or_else(message)
}

/// True if a function of the type `actual` can be called as one of the type `expected`.
///
/// # Safety
/// `cx` is the context of a live store that has the types.
#[cold]
#[inline(never)]
pub(crate) unsafe fn is_subtype(cx: *const Cx, actual: TypeId, expected: TypeId) -> bool {
    // SAFETY: the caller's contract; the engine of a store does not change.
    let engine = unsafe { &(*(*cx).store.cast::<StoreData>()).engine };
    engine.registry().is_subtype(actual, expected)
}

/// An address just below the current native stack frame. Never inlined: a local whose address
/// escapes keeps a handler from ending in a jump, so that its frame stays on the stack.
#[inline(never)]
pub(crate) fn native_stack_address() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

/// Checks that the native stack has room to load or instantiate a module.
///
/// # Errors
/// The trap `StackExhausted` if it does not.
pub(crate) fn check_native_room() -> Result<()> {
    let lowest = native_stack_floor().saturating_sub(NATIVE_RESERVE_BYTES);
    let is_left = native_stack_address() >= lowest + NATIVE_MODULE_BYTES;
    let exhausted = || Error::trap(TrapKind::StackExhausted);
    is_left.then_some(()).ok_or_else(exhausted)
}

/// The lowest native stack address that code of this thread may use, whatever the limits are: a
/// frame of compiled code may be larger than the guard page below the stack. 0 where the system
/// does not tell.
#[inline]
fn native_stack_floor() -> usize {
    thread_local!(static FLOOR: Cell<Option<usize>> = const { Cell::new(None) });
    let find = |known: &Cell<Option<usize>>| {
        let floor = lowest_address().map_or(0, |low| low + NATIVE_RESERVE_BYTES);
        known.set(Some(floor));
        floor
    };
    FLOOR.with(|known| known.get().unwrap_or_else(|| find(known)))
}

/// The end of this thread's native stack.
#[cfg(target_os = "linux")]
#[cold]
fn lowest_address() -> Option<usize> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised if the first call succeeds, and destroyed then.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let told = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (told == 0).then_some(low as usize)
    }
}

/// The end of this thread's native stack.
#[cfg(target_os = "macos")]
#[cold]
fn lowest_address() -> Option<usize> {
    // SAFETY: both read what the system keeps of this thread.
    let (high, bytes) = unsafe {
        let this = libc::pthread_self();
        (
            libc::pthread_get_stackaddr_np(this),
            libc::pthread_get_stacksize_np(this),
        )
    };
    (high as usize).checked_sub(bytes)
}

/// The end of this thread's native stack is not known.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn lowest_address() -> Option<usize> {
    None
}

/// Writes values to consecutive slots.
pub(crate) fn write_values(store: &StoreData, values: &[Val], mut slots: &mut [u64]) {
    for value in values {
        let (head, tail) = slots.split_at_mut(slots_of(value.ty()));
        value.write(store, head);
        slots = tail;
    }
}

/// Reads values of these types from consecutive slots.
///
/// # Safety
/// The slots hold values of the types, of this store.
pub(crate) unsafe fn read_values(
    store: &StoreData,
    types: &[ValType],
    mut slots: &[u64],
    values: &mut [Val],
) {
    for (&ty, value) in types.iter().zip(values) {
        let (head, tail) = slots.split_at(slots_of(ty));
        slots = tail;
        // SAFETY: the caller's contract.
        *value = unsafe { Val::read(ty, store, head) };
    }
}
