//! Handles of the items of a store: a number in a store, which every use of a handle checks.

use super::{StoreData, assert_store};
use crate::module::{CanonicalExternType, MemoryType, TableType};
use crate::value::{Func, StoreId};

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            pub(crate) store: StoreId,
            pub(crate) index: u32,
        }
    )* };
}

handles! {
    /// A linear memory of a store.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Memory, MemoryType, Store};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
    /// memory.write(&mut store, 8, b"hello")?;
    /// assert_eq!(&memory.data(&store)[8..13], b"hello");
    /// assert_eq!(memory.grow(&mut store, 1)?, 1);
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    Memory;
    /// A table of a store.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Func, Ref, RefType, Store, Table, TableType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let func = Func::wrap(&mut store, || 7);
    /// let null = Ref::null_func();
    /// let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), null)?;
    /// table.set(&mut store, 1, Ref::Func(func))?;
    /// assert_eq!(table.get(&store, 1), Some(Ref::Func(func)));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    Table;
    /// A global of a store.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Global, GlobalType, Mutability, Store, Val, ValType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let ty = GlobalType::new(ValType::I32, Mutability::Var);
    /// let global = Global::new(&mut store, ty, Val::I32(1))?;
    /// global.set(&mut store, Val::I32(2))?;
    /// assert_eq!(global.get(&store), Val::I32(2));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    Global;
    /// A tag of a store: the identity of a kind of exceptions.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Exception, FuncType, Store, Tag, Val, ValType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let tag = Tag::new(&mut store, FuncType::new([ValType::I32], []))?;
    /// let exception = Exception::new(&mut store, tag, &[Val::I32(5)])?;
    /// assert_eq!(exception.get(&store), Some((tag, vec![Val::I32(5)])));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    Tag;
}

/// Anything that can be imported or exported (spec: "External Values").
///
/// ```
/// use wassay_runtime::{Config, Engine, Extern, Func, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let func = Func::wrap(&mut store, || ());
/// let value = Extern::from(func);
/// assert_eq!(value.into_func(), Some(func));
/// assert_eq!(value.into_memory(), None);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag.
    Tag(Tag),
}

impl Extern {
    pub(crate) fn store(self) -> StoreId {
        match self {
            Extern::Func(h) => h.store,
            Extern::Table(h) => h.store,
            Extern::Memory(h) => h.store,
            Extern::Global(h) => h.store,
            Extern::Tag(h) => h.store,
        }
    }
}

impl StoreData {
    /// The type of an external value, with the current size of a table or memory as its initial
    /// size (spec: the type of an external value).
    ///
    /// # Panics
    /// If the value is another store's.
    #[track_caller]
    pub(crate) fn type_of(&self, value: Extern) -> CanonicalExternType {
        assert_store(value.store(), self);
        match value {
            Extern::Func(h) => {
                // SAFETY: functions of a store live as long as the store.
                let ty = unsafe { (*self.funcs[h.id as usize]).ty };
                CanonicalExternType::Func { ty, exact: true }
            }
            Extern::Table(h) => {
                let table = &self.tables[h.index as usize];
                CanonicalExternType::Table(TableType {
                    initial: table.len(),
                    ..table.ty
                })
            }
            Extern::Memory(h) => {
                let memory = &self.memories[h.index as usize];
                CanonicalExternType::Memory(MemoryType {
                    initial: memory.pages(),
                    ..memory.ty
                })
            }
            Extern::Global(h) => CanonicalExternType::Global(self.globals[h.index as usize].ty),
            Extern::Tag(h) => CanonicalExternType::Tag(self.tags[h.index as usize].inst.ty),
        }
    }
}
