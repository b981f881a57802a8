//! Functions as the host sees them: calling in, and host functions that are called.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Store, StoreData, check_store};
use crate::error::{Error, ErrorKind, Result};
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::{FuncWord, Ref, Val, slots_of, slots_of_all};
use crate::vm::{Cx, EXIT_OK, Exit, FuncInst};

/// A function of a store. Equal handles are the same function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Func {
    pub(crate) store: u32,
    pub(crate) id: u32,
}

/// What a host function is: it takes the arguments and gives the results, both of its type.
pub type HostFn = Box<dyn Fn(&mut Caller<'_>, &[Val]) -> Result<Vec<Val>> + Send>;

/// The store, as a host function may use it while Wasm code is suspended below it.
#[derive(Debug)]
pub struct Caller<'a> {
    pub(crate) data: &'a mut StoreData,
}

/// A host function and its instance.
pub(crate) struct Host {
    inst: Box<FuncInst>,
    ty: Arc<FuncType>,
    call: HostFn,
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
        let id = data.add_func(&raw mut *inst);
        data.hosts.push(Host {
            inst,
            ty: Arc::new(ty),
            call,
        });
        debug_assert_eq!(data.hosts[data.hosts.len() - 1].inst.id, id);
        Ok(Func { store: data.id, id })
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
        store.data_mut().call(self.id, args)
    }
}

impl Caller<'_> {
    /// Calls a function of the same store from within a host function.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(&mut self, func: Func, args: &[Val]) -> Result<Vec<Val>> {
        check_store(func.store, self.data)?;
        self.data.call(func.id, args)
    }
}

impl StoreData {
    /// Calls function `id` with arguments on the value stack.
    pub(crate) fn call(&mut self, id: u32, args: &[Val]) -> Result<Vec<Val>> {
        let func = self.funcs[id as usize];
        let ty = self.signature(func);
        self.check_values(args, &ty.params)?;
        let (params, results) = (slots_of_all(&ty.params), slots_of_all(&ty.results));
        let base = self.cx.top;
        let free_bytes = (self.cx.stack_end as usize).saturating_sub(base as usize);
        let slots = params.max(results);
        if free_bytes < slots * 8 {
            return Err(Error::trap(TrapKind::StackExhausted));
        }
        {
            // SAFETY: `base` to `base + slots` is inside the value stack and above what is live.
            let area = unsafe { std::slice::from_raw_parts_mut(base, slots) };
            write_values(args, area);
        }
        let exit = self.enter(func, base);
        self.cx.top = base;
        if exit != EXIT_OK {
            return Err(self.exit_error(exit));
        }
        // SAFETY: as above; the callee has left its results there.
        Ok(read_values(&ty.results, unsafe {
            std::slice::from_raw_parts(base, slots)
        }))
    }

    /// Enters a function, with the native stack limit set if this is the outermost entry.
    fn enter(&mut self, func: *mut FuncInst, base: *mut u64) -> Exit {
        let outermost = self.entries == 0;
        if outermost {
            let here = native_stack_address();
            let budget = self.engine.config().limits.native_stack_bytes;
            self.cx.native_limit = here.saturating_sub(budget);
        } else if native_stack_address() < self.cx.native_limit {
            return TrapKind::StackExhausted as Exit;
        }
        self.entries += 1;
        let (frame_top, cx) = (self.cx.frame_top, &raw mut self.cx);
        // SAFETY: `func` is a function of this store and `base` is its value stack with room.
        let exit = unsafe { ((*func).entry)(func, cx, base) };
        self.cx.frame_top = frame_top;
        self.entries -= 1;
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
            _ => self.engine.registry().matches(value.ty(), ty),
        };
        let message = || Error::usage(format!("a value of type {ty} is expected, not {value:?}"));
        if fits { Ok(()) } else { Err(message()) }
    }
}

/// An address of the current native stack frame.
#[inline(never)]
pub(crate) fn native_stack_address() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

fn write_values(values: &[Val], mut slots: &mut [u64]) {
    for value in values {
        let n = slots_of(value.ty());
        let (head, tail) = slots.split_at_mut(n);
        value.write(head);
        slots = tail;
    }
}

fn read_values(types: &[ValType], mut slots: &[u64]) -> Vec<Val> {
    let mut read = |&ty: &ValType| {
        let (head, tail) = slots.split_at(slots_of(ty));
        slots = tail;
        Val::read(ty, head)
    };
    types.iter().map(&mut read).collect()
}

/// The entry of every host function.
///
/// # Safety
/// As for [`crate::vm::Entry`].
unsafe extern "C" fn host_entry(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: the contract of `Entry`; while the host function runs, Wasm code is suspended, so
    // that no other reference to the store's owner is in use.
    let (data, index) = unsafe { (StoreData::of(cx), (*func).index as usize) };
    if native_stack_address() < data.cx.native_limit {
        return TrapKind::StackExhausted as Exit;
    }
    // SAFETY: hosts are boxed closures that are never removed; the pointer outlives this call.
    let host: *mut Host = &raw mut data.hosts[index];
    // SAFETY: as above.
    let (ty, call) = unsafe { ((*host).ty.clone(), &raw const (*host).call) };
    let slots = slots_of_all(&ty.params).max(slots_of_all(&ty.results));
    // SAFETY: the contract of `Entry` gives room for arguments and results at `args`.
    let values = read_values(&ty.params, unsafe {
        std::slice::from_raw_parts(args, slots)
    });
    let top = data.cx.top;
    data.cx.top = args.wrapping_add(slots);
    let mut caller = Caller { data };
    // SAFETY: `call` points to the closure; recursion into the same host function is the one way
    // to a second reference, and they are `Fn`, so that is allowed.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe {
        (*call)(&mut caller, &values)
    }));
    let data = caller.data;
    data.cx.top = top;
    let checked = result
        .unwrap_or_else(|_| Err(panicked()))
        .and_then(|results| {
            data.check_values(&results, &ty.results)?;
            Ok(results)
        });
    match checked {
        Ok(results) => {
            // SAFETY: as for the arguments.
            write_values(&results, unsafe {
                std::slice::from_raw_parts_mut(args, slots)
            });
            EXIT_OK
        }
        Err(Error {
            kind: ErrorKind::Trap(kind),
            ..
        }) if kind != TrapKind::HostError => kind as Exit,
        Err(error) => {
            data.host_error = Some(error);
            TrapKind::HostError as Exit
        }
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a host function panicked")
}
