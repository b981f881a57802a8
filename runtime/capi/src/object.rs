//! References: one type for all that `wasm.h` calls a reference, and the store that it is of.
//!
//! Each reference keeps its store alive, so that they may be deleted in any order. Host info
//! belongs to what is referred to, not to the reference: what lives in the store has it there, and
//! its finalizer runs with the store's end; modules, traps and foreign objects have a count of
//! their own. Once one of these has become an `externref`, the store keeps it.
//!
//! A context (`StoreRef::context`) is a pointer in the shape of a borrow. Invariant: no reference
//! that is derived from one lives while C code or WebAssembly runs.

use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use wassay_runtime::{
    AsContextMut, Engine, Error, Extern, ExternRef, Instance, Module, Ref, Store, StoreContextMut,
};

/// A finalizer of C.
pub type Finalizer = Option<extern "C" fn(*mut c_void)>;

/// A pointer of the host, and its end.
#[derive(Debug)]
pub struct HostInfo {
    pub data: *mut c_void,
    pub finalizer: Finalizer,
}

// SAFETY: the library hands the pointer back to C and never follows it; C uses a store, and what is
// in it, on one thread at a time.
unsafe impl Send for HostInfo {}
// SAFETY: as above.
unsafe impl Sync for HostInfo {}

impl Drop for HostInfo {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            finalizer(self.data);
        }
    }
}

/// Something with host info that does not live in a store.
#[derive(Debug)]
pub struct Counted<T> {
    pub value: T,
    info: Mutex<Option<HostInfo>>,
}

impl<T> Counted<T> {
    pub fn new(value: T) -> Arc<Counted<T>> {
        let info = Mutex::new(None);
        Arc::new(Counted { value, info })
    }
}

/// The referent of a reference.
#[derive(Clone, Debug)]
pub enum Kind {
    Extern(Extern),
    Instance(Instance),
    Module(Arc<Counted<Module>>),
    /// The message, and the error with which a host function ends execution by this trap.
    Trap(Arc<Counted<String>>, Box<Error>),
    Foreign(Arc<Counted<()>>),
    /// A reference of WebAssembly that is none of these, and has no host info: to an object of the
    /// collected heap, or an i31.
    Value(Ref),
}

/// The identity of a referent that has host info.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Identity {
    Extern(Extern),
    Instance(Instance),
    Counted(usize),
}

impl Kind {
    fn identity(&self) -> Option<Identity> {
        let counted = |address: *const ()| Identity::Counted(address as usize);
        Some(match self {
            Kind::Extern(value) => Identity::Extern(*value),
            Kind::Instance(instance) => Identity::Instance(*instance),
            Kind::Module(module) => counted(Arc::as_ptr(module).cast()),
            Kind::Trap(trap, _) => counted(Arc::as_ptr(trap).cast()),
            Kind::Foreign(foreign) => counted(Arc::as_ptr(foreign).cast()),
            Kind::Value(_) => return None,
        })
    }

    fn counted_info(&self) -> Option<&Mutex<Option<HostInfo>>> {
        match self {
            Kind::Module(module) => Some(&module.info),
            Kind::Trap(trap, _) => Some(&trap.info),
            Kind::Foreign(foreign) => Some(&foreign.info),
            Kind::Extern(_) | Kind::Instance(_) | Kind::Value(_) => None,
        }
    }
}

/// The data of a store.
pub struct Data {
    /// The store itself, for its host functions.
    this: Weak<StoreCell>,
    /// The host info of what lives in the store.
    infos: HashMap<Identity, HostInfo>,
    /// The `externref` of each referent that has become one.
    externrefs: HashMap<Identity, ExternRef>,
    /// The instances that C has made, for the frames of traps.
    pub instances: Vec<Instance>,
}

struct StoreCell {
    store: UnsafeCell<Store<Data>>,
    engine: Engine,
}

// SAFETY: C uses a store on one thread at a time; the count is atomic.
unsafe impl Send for StoreCell {}
// SAFETY: as above.
unsafe impl Sync for StoreCell {}

/// `wasm_store_t`, and the part of each reference that keeps the store alive.
#[derive(Clone)]
pub struct StoreRef(Arc<StoreCell>);

impl StoreRef {
    /// An empty store.
    pub fn new(engine: &Engine) -> StoreRef {
        StoreRef(Arc::new_cyclic(|this| {
            let data = Data {
                this: this.clone(),
                infos: HashMap::new(),
                externrefs: HashMap::new(),
                instances: Vec::new(),
            };
            StoreCell {
                store: UnsafeCell::new(Store::new(engine, data)),
                engine: engine.clone(),
            }
        }))
    }

    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The store as the runtime's functions take it.
    pub fn context(&self) -> StoreContextMut<'_, Data> {
        // SAFETY: C uses a store on one thread at a time. The borrow lasts for this line only; what
        // it gives is a pointer, and so may be there several times, as in host functions.
        unsafe { (*self.0.store.get()).as_context_mut() }
    }

    /// The store whose host function runs; none while it is being deleted.
    pub fn running(data: &Data) -> Option<StoreRef> {
        data.this.upgrade().map(StoreRef)
    }

    /// A reference to something in this store.
    pub fn object(&self, kind: Kind) -> Box<Object> {
        let store = self.clone();
        Box::new(Object { store, kind })
    }

    /// The `externref` to a referent, each time the same.
    pub fn externref(&self, kind: &Kind) -> Result<ExternRef, Error> {
        let identity = match (kind, kind.identity()) {
            (Kind::Value(Ref::Extern(known)), _) => return Ok(*known),
            (_, Some(identity)) => identity,
            (_, None) => return Err(Error::msg("the reference is not an external one")),
        };
        if let Some(known) = self.context().data().externrefs.get(&identity) {
            return Ok(*known);
        }
        let made = ExternRef::new(self.context(), kind.clone())?;
        self.context().data_mut().externrefs.insert(identity, made);
        Ok(made)
    }

    /// The referent of an `externref`.
    pub fn referent(&self, externref: ExternRef) -> Kind {
        let context = self.context();
        let data = externref.data(&context).ok().flatten();
        let known = data.and_then(|data| data.downcast_ref::<Kind>());
        known
            .cloned()
            .unwrap_or(Kind::Value(Ref::Extern(externref)))
    }
}

impl fmt::Debug for StoreRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreRef")
            .field(&Arc::as_ptr(&self.0))
            .finish()
    }
}

/// `wasm_ref_t`, and every type of which `wasm.h` says that it is a reference.
#[derive(Clone, Debug)]
pub struct Object {
    pub store: StoreRef,
    pub kind: Kind,
}

impl Object {
    /// The function, global, table, memory or tag, if it is one.
    pub fn external(&self) -> Option<Extern> {
        match self.kind {
            Kind::Extern(value) => Some(value),
            ref _other => None,
        }
    }

    /// True if both refer to the same.
    pub fn same(&self, other: &Object) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Value(a), Kind::Value(b)) => a == b,
            (Kind::Module(a), Kind::Module(b)) => a.value.same(&b.value),
            (a, b) => a.identity().is_some() && a.identity() == b.identity(),
        }
    }

    /// The pointer of the host, or null.
    pub fn host_info(&self) -> *mut c_void {
        let pointer = |info: Option<&HostInfo>| info.map_or(std::ptr::null_mut(), |it| it.data);
        match (self.kind.counted_info(), self.kind.identity()) {
            (Some(info), _) => {
                pointer(info.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
            }
            (None, Some(identity)) => pointer(self.store.context().data().infos.get(&identity)),
            (None, None) => pointer(None),
        }
    }

    /// Replaces the pointer of the host; the finalizer of the one before runs.
    pub fn set_host_info(&self, info: HostInfo) {
        // What is dropped at the end may run code of C, which may use the store again.
        let _before = match (self.kind.counted_info(), self.kind.identity()) {
            (Some(cell), _) => {
                let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
                cell.replace(info)
            }
            (None, Some(identity)) => {
                let mut context = self.store.context();
                context.data_mut().infos.insert(identity, info)
            }
            (None, None) => Some(info),
        };
    }
}
