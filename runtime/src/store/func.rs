//! Functions as the host sees them: calling in, and host functions that are called.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Store, StoreData, check_store};
use crate::error::{Error, ErrorKind, Result};
use crate::gc::Heap;
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::{FuncWord, Objects, Ref, Val, slots_of, slots_of_all};
use crate::vm::{self, Cx, EXIT_OK, Exit, FuncInst};

/// A function of a store. Equal handles are the same function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Func {
    pub(crate) store: u32,
    pub(crate) id: u32,
}

/// What a host function is: it takes the arguments and gives the results, both of its type.
pub type HostFn = Box<dyn Fn(&mut Caller<'_>, &[Val]) -> Result<Vec<Val>> + Send + Sync>;

/// The store, as a host function may use it while Wasm code is suspended below it.
#[derive(Debug)]
pub struct Caller<'a> {
    pub(super) data: *mut StoreData,
    _borrow: PhantomData<&'a mut Store>,
}

/// A host function and its instance.
pub(crate) struct Host {
    inst: Box<FuncInst>,
    ty: Arc<FuncType>,
    call: Arc<HostFn>,
}

impl Func {
    /// A host function of type `ty`.
    ///
    /// # Errors
    /// `Limit` if the tier cannot make an adapter for it.
    pub fn host(store: &mut Store, ty: FuncType, call: HostFn) -> Result<Func> {
        let data = store.data_mut();
        let mut inst = Box::new(FuncInst {
            entry: host_entry,
            vm: std::ptr::null_mut(),
            jit: std::ptr::null(),
            stack: std::ptr::null(),
            register: std::ptr::null(),
            ty: data.engine.registry().intern_func(ty.clone()),
            index: data.hosts.len() as u32,
            id: data.funcs.len() as u32,
            param_slots: slots_of_all(&ty.params) as u32,
            result_slots: slots_of_all(&ty.results) as u32,
        });
        data.engine.backend().install_host(&mut inst, &ty)?;
        data.heap.publish(&mut data.cx);
        let id = data.add_func(&raw mut *inst);
        data.hosts.push(Host {
            inst,
            ty: Arc::new(ty),
            call: Arc::new(call),
        });
        debug_assert_eq!(data.hosts[data.hosts.len() - 1].inst.id, id);
        Ok(Func { store: data.id, id })
    }

    /// Its number in the store, in order of creation: the same in every tier.
    pub fn number(self) -> u32 {
        self.id
    }

    /// Its type.
    pub fn ty(self, store: &Store) -> Arc<FuncType> {
        store.data().signature(store.data().funcs[self.id as usize])
    }

    /// The reference to it.
    pub fn to_ref(self, store: &Store) -> Ref {
        Ref::Func(FuncWord(store.data().funcs[self.id as usize] as u64))
    }

    /// The function that a reference of this store refers to.
    pub fn from_ref(store: &Store, word: FuncWord) -> Func {
        // SAFETY: a `FuncWord` is the address of a function of its store, which is alive.
        let id = unsafe { (*(word.0 as *const FuncInst)).id };
        Func {
            store: store.data().id,
            id,
        }
    }

    /// Calls it: `args` of its parameter types to values of its result types.
    ///
    /// # Errors
    /// A trap; the error of a host function; `Usage` if the arguments do not fit.
    pub fn call(self, store: &mut Store, args: &[Val]) -> Result<Vec<Val>> {
        check_store(self.store, store.data())?;
        // SAFETY: the store is borrowed uniquely for the whole call.
        unsafe { StoreData::call(store.as_ptr(), self.id, args) }
    }
}

impl Caller<'_> {
    /// Calls a function of the same store from within a host function.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(&mut self, func: Func, args: &[Val]) -> Result<Vec<Val>> {
        // SAFETY: a `Caller` stands for the unique borrow of a live store, whose running code is
        // suspended; the reference ends here.
        check_store(func.store, unsafe { &*self.data })?;
        // SAFETY: as above, for the whole call.
        unsafe { StoreData::call(self.data, func.id, args) }
    }
}

impl StoreData {
    /// Calls function `id` with arguments on the value stack.
    ///
    /// # Safety
    /// `data` is a live store, and no reference into it is in use: code that runs in the store
    /// makes its own, from `Cx::store`.
    pub(crate) unsafe fn call(data: *mut StoreData, id: u32, args: &[Val]) -> Result<Vec<Val>> {
        // SAFETY: the caller's contract; the reference ends before any code is entered.
        let (func, ty, base, slots) = unsafe { (*data).prepare_call(id, args)? };
        // SAFETY: `func` is of this store and `base` has room for `slots`.
        let exit = unsafe { StoreData::enter(data, func, base) };
        // SAFETY: the code has ended, so that a reference may be made again.
        let store = unsafe { &mut *data };
        store.cx.top = base;
        if exit != EXIT_OK {
            return Err(store.exit_error(exit));
        }
        // SAFETY: the callee has left its results at `base`.
        let results = unsafe { std::slice::from_raw_parts(base, slots) };
        Ok(read_values(&store.heap, &ty.results, results))
    }

    /// Puts checked arguments on top of the value stack: the function, its type, where they are,
    /// and how many slots they and the results take.
    fn prepare_call(
        &mut self,
        id: u32,
        args: &[Val],
    ) -> Result<(*mut FuncInst, Arc<FuncType>, *mut u64, usize)> {
        let func = self.funcs[id as usize];
        let ty = self.signature(func);
        self.check_values(args, &ty.params)?;
        let slots = slots_of_all(&ty.params).max(slots_of_all(&ty.results));
        let base = self.cx.top;
        let free_bytes = (self.cx.stack_end as usize).saturating_sub(base as usize);
        if free_bytes < slots * 8 {
            return Err(Error::trap(TrapKind::StackExhausted));
        }
        // SAFETY: `base` to `base + slots` is inside the value stack and above what is live.
        write_values(&self.heap, args, unsafe {
            std::slice::from_raw_parts_mut(base, slots)
        });
        Ok((func, ty, base, slots))
    }

    /// Enters a function, with the native stack limit set if this is the outermost entry.
    ///
    /// # Safety
    /// As for [`StoreData::call`]; `func` and `base` fit its `Entry`.
    unsafe fn enter(data: *mut StoreData, func: *mut FuncInst, base: *mut u64) -> Exit {
        // SAFETY: the caller's contract; the reference ends before any code is entered.
        let store = unsafe { &mut *data };
        if store.entries == 0 {
            let budget = store.engine.config().limits.native_stack_bytes;
            store.native_base = native_stack_address();
            store.cx.native_limit = store.native_base.saturating_sub(budget);
        } else if native_stack_address() < store.cx.native_limit {
            return TrapKind::StackExhausted as Exit;
        }
        store.backtrace = None;
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

    /// Whether the values are of these types.
    pub(crate) fn check_values(&self, values: &[Val], types: &[ValType]) -> Result<()> {
        if values.len() != types.len() {
            let (want, got) = (types.len(), values.len());
            return Err(Error::usage(format!(
                "{want} values are expected, {got} were given"
            )));
        }
        values
            .iter()
            .zip(types)
            .try_for_each(|(&value, &ty)| self.check_value(value, ty))
    }

    pub(crate) fn check_value(&self, value: Val, ty: ValType) -> Result<()> {
        let fits = match (value, ty) {
            (Val::Ref(Ref::Null(top)), ValType::Ref(r)) => r.nullable && r.heap.top() == top.top(),
            (Val::Ref(Ref::Func(word)), ValType::Ref(r)) => {
                // SAFETY: a `FuncWord` is the address of a function of its store.
                let id = unsafe { (*(word.0 as *const FuncInst)).ty };
                let kind = crate::types::CompositeKind::Func;
                let heap = crate::types::HeapType::Exact(crate::types::TypeRef { id, kind });
                self.engine.registry().heap_matches(heap, r.heap)
            }
            (Val::Ref(reference), ValType::Ref(r)) => reference
                .heap_type(&self.heap)
                .is_some_and(|heap| self.engine.registry().heap_matches(heap, r.heap)),
            _ => self.engine.registry().matches(value.ty(), ty),
        };
        let message = || Error::usage(format!("a value of type {ty} is expected, not {value:?}"));
        if fits { Ok(()) } else { Err(message()) }
    }
}

impl StoreData {
    /// Sends the exception of a host function's error on its way, while its handle is valid.
    fn throw_of(&mut self, error: Error) -> Error {
        let Some(handle) = error.exception else {
            return error;
        };
        match self.heap.object(handle) {
            Some((_, exception)) => {
                self.cx.exception = exception.into();
                error
            }
            None => Error::usage("an exception that has been released"),
        }
    }
}

/// An address of the current native stack frame.
#[inline(never)]
pub(crate) fn native_stack_address() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

pub(super) fn write_values(heap: &Heap, values: &[Val], mut slots: &mut [u64]) {
    for value in values {
        let n = slots_of(value.ty());
        let (head, tail) = slots.split_at_mut(n);
        value.write(heap, head);
        slots = tail;
    }
}

pub(super) fn read_values(heap: &Heap, types: &[ValType], mut slots: &[u64]) -> Vec<Val> {
    let mut read = |&ty: &ValType| {
        let (head, tail) = slots.split_at(slots_of(ty));
        slots = tail;
        Val::read(ty, heap, head)
    };
    types.iter().map(&mut read).collect()
}

/// The entry of every host function.
///
/// # Safety
/// As for [`crate::vm::Entry`].
unsafe extern "C" fn host_entry(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: the contract of `Entry`: a live store, and room at `args`. While a host function
    // runs, the code that called it is suspended and holds no reference into the store.
    match unsafe { call_host((*cx).store.cast(), (*func).index as usize, args) } {
        Ok(()) => EXIT_OK,
        // SAFETY: as above: the call has ended, so that a reference may be made.
        Err(error) => unsafe { (*(*cx).store.cast::<StoreData>()).exit_of(error) },
    }
}

impl StoreData {
    /// The exit code of a host function that has ended with an error; what that knows goes on in
    /// the store.
    fn exit_of(&mut self, mut error: Error) -> Exit {
        self.backtrace = error.backtrace.take();
        match error.kind {
            ErrorKind::Trap(kind)
                if !matches!(kind, TrapKind::HostError | TrapKind::UncaughtException) =>
            {
                kind as Exit
            }
            // It is on its way already.
            ErrorKind::Exception if error.exception.is_some() => {
                TrapKind::UncaughtException as Exit
            }
            _ => {
                self.host_error = Some(error);
                TrapKind::HostError as Exit
            }
        }
    }
}

/// Calls host function `index` with the arguments at `args` and leaves its results there.
///
/// # Safety
/// As for [`StoreData::call`]; `args` has room for arguments and results.
unsafe fn call_host(data: *mut StoreData, index: usize, args: *mut u64) -> Result<()> {
    // SAFETY: the caller's contract; the reference ends before the host function is called.
    let store = unsafe { &mut *data };
    if native_stack_address() < store.cx.native_limit {
        return Err(Error::trap(TrapKind::StackExhausted));
    }
    let (ty, call) = (
        store.hosts[index].ty.clone(),
        store.hosts[index].call.clone(),
    );
    let slots = slots_of_all(&ty.params).max(slots_of_all(&ty.results));
    let top = store.cx.top;
    store.cx.top = args.wrapping_add(slots);
    // SAFETY: `args` has room for that many slots.
    let arguments = unsafe { std::slice::from_raw_parts(args, slots) };
    let scope = store.heap.open_scope();
    let values = read_values(&store.heap, &ty.params, arguments);
    let mut caller = Caller {
        data,
        _borrow: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| call(&mut caller, &values)));
    // SAFETY: the host function has ended, so that a reference may be made again.
    let store = unsafe { &mut *data };
    store.cx.top = top;
    let results = result.unwrap_or_else(|_| Err(panicked()));
    let done = results.and_then(|results| {
        store.check_values(&results, &ty.results)?;
        // SAFETY: as for the arguments.
        let to = unsafe { std::slice::from_raw_parts_mut(args, slots) };
        write_values(&store.heap, &results, to);
        Ok(())
    });
    let done = done.map_err(|error| store.throw_of(error));
    store.heap.close_scope(scope);
    done
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a host function panicked")
}
