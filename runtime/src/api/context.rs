//! The store with the host's data, and its borrows, which stand for the store where it cannot be
//! named: in host functions and in scopes of references.
//!
//! [`StoreData`] does not know the type of the host's data. The types here do: `Store<T>` makes
//! both, and everything else is borrowed from a `Store<T>`.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::Duration;

use crate::engine::{Engine, Proof};
use crate::error::Result;
use crate::gc::GcStatistics;
use crate::interrupt::InterruptHandle;
use crate::store::StoreData;
use crate::value::StoreId;

/// A store (spec: "Store"): it owns instances and everything in them, and data of the host.
///
/// A handle of something in the store is a number. A handle that is used with another store is
/// refused: a function that returns a [`Result`] fails as
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage), any other panics with "object used with the wrong
/// store".
///
/// A store can move to another thread if the host's data can.
///
/// ```
/// use wassay_runtime::{Caller, Config, Engine, Func, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, 0);
/// let count = Func::wrap(&mut store, |mut caller: Caller<'_, u32>| *caller.data_mut() += 1);
/// count.typed::<(), ()>(&store)?.call(&mut store, ())?;
/// assert_eq!(*store.data(), 1);
/// assert_eq!(store.into_data(), 1);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct Store<T: 'static = ()> {
    /// The interior, which the store owns, as it owns the box with the host's data that the
    /// interior points to. The pointers are raw: code that runs in the store reaches both by
    /// `Cx::store` while a call is under way.
    data: NonNull<StoreData>,
    /// A cell, so that `Store<T>` is invariant: closures take the host's data as `T`.
    host: PhantomData<Cell<T>>,
}

// SAFETY: all pointers in a store lead into the store itself or into shared, immutable compiled
// code, and host closures are `Send`; so the whole of it can move to another thread.
unsafe impl<T: Send + 'static> Send for Store<T> {}

/// A shared borrow of a store.
///
/// ```
/// use wassay_runtime::{AsContext, Config, Engine, Store};
///
/// fn double(store: impl AsContext<Data = u32>) -> u32 {
///     store.as_context().data() * 2
/// }
/// let engine = Engine::new(&Config::new())?;
/// assert_eq!(double(&Store::new(&engine, 4)), 8);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct StoreContext<'a, T: 'static> {
    data: NonNull<StoreData>,
    borrow: PhantomData<&'a Store<T>>,
}

/// A unique borrow of a store.
///
/// ```
/// use wassay_runtime::{AsContextMut, Config, Engine, Store};
///
/// fn count(mut store: impl AsContextMut<Data = u32>) {
///     *store.as_context_mut().data_mut() += 1;
/// }
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, 4);
/// count(&mut store);
/// assert_eq!(*store.data(), 5);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct StoreContextMut<'a, T: 'static> {
    data: NonNull<StoreData>,
    borrow: PhantomData<&'a mut Store<T>>,
}

/// A [`Store`] or something that borrows one.
///
/// ```
/// use wassay_runtime::{AsContext, Config, Engine, Memory, MemoryType, Store};
///
/// fn first_byte(store: impl AsContext, memory: Memory) -> u8 {
///     memory.data(store.as_context())[0]
/// }
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
/// assert_eq!(first_byte(&store, memory), 0);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub trait AsContext {
    /// The type of the host's data.
    type Data: 'static;

    /// The store, borrowed.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// A [`Store`] or something that borrows one uniquely.
///
/// ```
/// use wassay_runtime::{AsContextMut, Config, Engine, Memory, MemoryType, Result, Store};
///
/// fn fill(mut store: impl AsContextMut, memory: Memory) -> Result<()> {
///     memory.grow(&mut store, 1)?;
///     memory.write(&mut store, 65_536, b"new")
/// }
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
/// fill(&mut store, memory)?;
/// assert_eq!(memory.size(&store), 2);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub trait AsContextMut: AsContext {
    /// The store, borrowed uniquely.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T: 'static> Store<T> {
    /// An empty store for data of the host.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        let host = NonNull::from(Box::leak(Box::new(data))).cast();
        Store {
            data: StoreData::new(engine, host),
            host: PhantomData,
        }
    }

    /// The host's data; everything else in the store is dropped.
    pub fn into_data(self) -> T {
        let store = std::mem::ManuallyDrop::new(self);
        // SAFETY: the store owns its data and the host's, which is a box's; it is not dropped.
        unsafe {
            let host = store.data.as_ref().host.cast::<T>();
            StoreData::free(store.data);
            *Box::from_raw(host.as_ptr())
        }
    }

    /// The interior of the store.
    #[cfg(test)]
    pub(crate) fn state(&self) -> &StoreData {
        self.as_context().state()
    }

    /// Lets everything that runs in this store after that time, from now on, trap with
    /// `Interrupted`; `None` lifts the deadline.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub fn set_deadline(&mut self, after: Option<Duration>) -> Result<()> {
        self.as_context_mut().state_mut().set_deadline(after)
    }

    /// The handle that interrupts this store, from any thread.
    ///
    /// # Errors
    /// `Usage` if the engine is not interruptible.
    pub fn interrupt_handle(&self) -> Result<InterruptHandle> {
        self.as_context().state().interrupt_handle()
    }
}

impl<T: 'static> Drop for Store<T> {
    fn drop(&mut self) {
        // SAFETY: the store owns its data and the host's, which is a box's. Closures are dropped
        // first: they may not refer to the host's data.
        unsafe {
            let host = self.data.as_ref().host.cast::<T>();
            StoreData::free(self.data);
            drop(Box::from_raw(host.as_ptr()));
        }
    }
}

impl<T> AsContext for Store<T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext {
            data: self.data,
            borrow: PhantomData,
        }
    }
}

impl<T> AsContextMut for Store<T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut {
            data: self.data,
            borrow: PhantomData,
        }
    }
}

impl<'a, T: 'static> StoreContext<'a, T> {
    /// The host's data.
    pub fn data(&self) -> &'a T {
        // SAFETY: the type's invariant; no code runs in the store while it is borrowed.
        unsafe { self.state().host.cast().as_ref() }
    }

    /// The interior of the store.
    #[inline]
    pub(crate) fn state(&self) -> &'a StoreData {
        // SAFETY: the store is borrowed for `'a`, and no code runs in it meanwhile.
        unsafe { self.data.as_ref() }
    }
}

impl<'a, T: 'static> StoreContextMut<'a, T> {
    /// The store whose code has called a host function.
    ///
    /// # Safety
    /// `data` is the interior of a live `Store<T>`, whose running code is suspended for `'a`.
    #[inline]
    pub(super) unsafe fn suspended(data: *mut StoreData) -> StoreContextMut<'a, T> {
        StoreContextMut {
            // SAFETY: a live store is not null.
            data: unsafe { NonNull::new_unchecked(data) },
            borrow: PhantomData,
        }
    }

    /// The interior of the store.
    #[inline]
    pub(crate) fn state_mut(&mut self) -> &mut StoreData {
        // SAFETY: the store is borrowed uniquely, and no code runs in it meanwhile.
        unsafe { self.data.as_mut() }
    }

    /// The interior and the host's data, for as long as the store is borrowed.
    pub(crate) fn into_parts(self) -> (&'a mut StoreData, &'a mut T) {
        // SAFETY: as in `state_mut`. The host's data is an allocation of its own.
        unsafe {
            let state = &mut *self.data.as_ptr();
            let host = state.host.cast().as_mut();
            (state, host)
        }
    }

    /// The interior, for as long as the store is borrowed.
    pub(crate) fn into_state(self) -> &'a mut StoreData {
        self.into_parts().0
    }

    /// The interior, for calls: code makes references of its own.
    #[inline]
    pub(crate) fn as_ptr(&mut self) -> *mut StoreData {
        self.data.as_ptr()
    }

    #[inline]
    pub(crate) fn state(&self) -> &StoreData {
        // SAFETY: as in `state_mut`.
        unsafe { self.data.as_ref() }
    }
}

impl<T> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StoreContext<'_, T> {}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext {
            data: self.data,
            borrow: PhantomData,
        }
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut {
            data: self.data,
            borrow: PhantomData,
        }
    }
}

impl<C: AsContext + ?Sized> AsContext for &C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext + ?Sized> AsContext for &mut C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut + ?Sized> AsContextMut for &mut C {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(context: &'a C) -> Self {
        context.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(context: &'a mut C) -> Self {
        C::as_context(context)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(context: &'a mut C) -> Self {
        context.as_context_mut()
    }
}

/// The methods of a store, a caller and a scope.
macro_rules! store_methods {
    ([$($generics:tt)*] $ty:ty, $host:ty) => {
        impl<$($generics)*> $ty {
            /// The host's data.
            pub fn data(&self) -> &$host {
                self.as_context().data()
            }

            /// The host's data, to write.
            pub fn data_mut(&mut self) -> &mut $host {
                self.as_context_mut().into_parts().1
            }

            /// The store's engine.
            pub fn engine(&self) -> &Engine {
                &self.as_context().state().engine
            }

            /// The fuel that is left: each instruction that is executed takes one unit.
            ///
            /// # Errors
            /// `Usage` if the engine does not meter.
            pub fn get_fuel(&self) -> Result<u64> {
                self.as_context().state().fuel()
            }

            /// Replaces the fuel that is left. A new store has none.
            ///
            /// # Errors
            /// `Usage` if the engine does not meter.
            pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
                self.as_context_mut().state_mut().set_fuel(fuel)
            }

            /// Frees every object that nothing refers to any more.
            pub fn gc(&mut self) {
                self.as_context_mut().state_mut().collect();
            }

            /// The record of what the store's instances have compiled, and of the entries into it.
            pub fn proof(&self) -> Proof {
                self.as_context().state().proof()
            }

            /// The contents of the garbage-collected heap, in numbers.
            pub fn gc_statistics(&self) -> GcStatistics {
                self.as_context().state().heap.statistics()
            }
        }
    };
}

store_methods!([T: 'static] Store<T>, T);
store_methods!([T: 'static] super::Caller<'_, T>, T);
store_methods!([C: AsContextMut] RootScope<C>, C::Data);

impl<T> StoreContextMut<'_, T> {
    /// The host's data.
    pub fn data(&self) -> &T {
        self.as_context().data()
    }

    /// The host's data, to write.
    pub fn data_mut(&mut self) -> &mut T {
        self.as_context_mut().into_parts().1
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.as_context().state();
        f.debug_struct("Store")
            .field("data", self.data())
            .field("state", state)
            .finish()
    }
}

/// A scope of references. Objects that the host comes to hold in it, as results of calls or from
/// tables and globals, are released at its end. Without a scope, the host holds objects as long as
/// the store lives, or until the host function returns. A handle that has been released is refused.
///
/// A scope stands for the store that it borrows.
///
/// ```
/// use wassay_runtime::{Config, Engine, Exception, FuncType, RootScope, Store, Tag};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let tag = Tag::new(&mut store, FuncType::new([], []))?;
/// let mut scope = RootScope::new(&mut store);
/// let exception = Exception::new(&mut scope, tag, &[])?;
/// assert!(exception.get(&scope).is_some());
/// drop(scope);
/// assert!(exception.get(&store).is_none());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct RootScope<C: AsContextMut> {
    store: C,
    mark: RootMark,
}

/// The beginning of a scope of references that no borrow stands for: see [`RootScope`].
///
/// ```
/// use wassay_runtime::{Config, Engine, Exception, FuncType, RootMark, Store, Tag};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let tag = Tag::new(&mut store, FuncType::new([], []))?;
/// let mark = RootMark::open(&store);
/// let exception = Exception::new(&mut store, tag, &[])?;
/// mark.close(&mut store);
/// assert!(exception.get(&store).is_none());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a scope that is not closed keeps what was held in it"]
pub struct RootMark {
    store: StoreId,
    held: usize,
}

impl RootMark {
    /// Begins a scope that no borrow stands for.
    pub fn open(store: impl AsContext) -> RootMark {
        let state = store.as_context().state();
        RootMark {
            store: state.id,
            held: state.heap.open_scope(),
        }
    }

    /// Ends the scope.
    ///
    /// # Panics
    /// If the scope is another store's.
    pub fn close(self, mut store: impl AsContextMut) {
        let state = store.as_context_mut().into_state();
        crate::store::assert_store(self.store, state);
        state.heap.close_scope(self.held);
    }
}

impl<C: AsContextMut> RootScope<C> {
    /// Begins a scope.
    pub fn new(store: C) -> RootScope<C> {
        let mark = RootMark::open(&store);
        RootScope { store, mark }
    }
}

impl<C: AsContextMut> Drop for RootScope<C> {
    fn drop(&mut self) {
        let state = self.store.as_context_mut().into_state();
        // What has been borrowed says itself which store it stands for.
        if state.id == self.mark.store {
            state.heap.close_scope(self.mark.held);
        }
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}
