//! Handles to memories, tables, globals and tags of a store.

use std::sync::Arc;

use super::{Func, Store, check_store};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::global::{Global, Tag};
use crate::helpers::{grow_memory, grow_table};
use crate::limits::LimitKind;
use crate::memory::{Memory, SharedMemory};
use crate::module::{ExternType, GlobalType, MemoryType, TableType};
use crate::types::{FuncType, ValType};
use crate::value::{Ref, Val, slots_of_all};
use crate::vm::TagInst;

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            pub(crate) store: u32,
            pub(crate) index: u32,
        }

        impl $name {
            /// Its number in the store, in order of creation.
            pub fn index(self) -> u32 {
                self.index
            }
        }
    };
}

handle!(/// A memory of a store.
    MemoryHandle);
handle!(/// A table of a store.
    TableHandle);
handle!(/// A global of a store.
    GlobalHandle);
handle!(/// A tag of a store.
    TagHandle);

/// Anything that can be imported or exported (spec: "External Values").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(TableHandle),
    /// A memory.
    Memory(MemoryHandle),
    /// A global.
    Global(GlobalHandle),
    /// A tag.
    Tag(TagHandle),
}

impl Extern {
    pub(crate) fn store(self) -> u32 {
        match self {
            Extern::Func(h) => h.store,
            Extern::Table(h) => h.store,
            Extern::Memory(h) => h.store,
            Extern::Global(h) => h.store,
            Extern::Tag(h) => h.store,
        }
    }

    /// Its type, with the current size of a table or memory as its initial size (spec: the type
    /// of an external value).
    pub fn ty(self, store: &Store) -> ExternType {
        let data = store.data();
        match self {
            Extern::Func(h) => {
                // SAFETY: functions of a store live as long as the store.
                let ty = unsafe { (*data.funcs[h.id as usize]).ty };
                ExternType::Func { ty, exact: true }
            }
            Extern::Table(h) => {
                let table = &data.tables[h.index as usize];
                ExternType::Table(TableType {
                    initial: table.len(),
                    ..table.ty
                })
            }
            Extern::Memory(h) => {
                let memory = &data.memories[h.index as usize];
                ExternType::Memory(MemoryType {
                    initial: memory.pages(),
                    ..memory.ty
                })
            }
            Extern::Global(h) => ExternType::Global(data.globals[h.index as usize].ty),
            Extern::Tag(h) => ExternType::Tag(data.tags[h.index as usize].inst.ty),
        }
    }
}

impl MemoryHandle {
    /// A new memory made by the host.
    ///
    /// # Errors
    /// `Limit` if it is too large.
    pub fn new(store: &mut Store, ty: MemoryType) -> Result<MemoryHandle> {
        store.data_mut().new_memory(ty)
    }

    /// The shared memory that it is in this store, if it is one.
    pub fn shared(self, store: &Store) -> Option<&SharedMemory> {
        store.data().memories[self.index as usize].shared()
    }

    /// The contents.
    ///
    /// # Panics
    /// If the memory is shared: [`MemoryHandle::shared`] reads and writes it.
    pub fn data(self, store: &Store) -> &[u8] {
        store.data().memories[self.index as usize].data()
    }

    /// The contents, to write.
    ///
    /// # Panics
    /// As [`MemoryHandle::data`].
    pub fn data_mut(self, store: &mut Store) -> &mut [u8] {
        store.data_mut().memories[self.index as usize].data_mut()
    }

    /// The size in pages.
    pub fn pages(self, store: &Store) -> u64 {
        store.data().memories[self.index as usize].pages()
    }

    /// Grows by `delta` pages: the old size, or `None`.
    pub fn grow(self, store: &mut Store, delta: u64) -> Option<u64> {
        let data = store.data_mut();
        let memory = &mut data.memories[self.index as usize];
        grow_memory(memory, &mut data.cx, delta)
    }
}

impl SharedMemory {
    /// A zeroed memory of its initial size, within the engine's limits. Stores of other engines may
    /// use it, too.
    ///
    /// # Errors
    /// `Usage` if the type is not shared or has no maximum; `Limit` if the initial size is above
    /// the limit, or the address space is used up.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        SharedMemory::with_limit(ty, engine.config().limits.memory_bytes_max)
    }

    /// This memory as one of a store, to be imported by its instances. Its bytes are not counted
    /// among the store's own.
    ///
    /// # Errors
    /// `Limit` if the store has as many memories as it may have.
    pub fn in_store(&self, store: &mut Store) -> Result<MemoryHandle> {
        let data = store.data_mut();
        let (store, len) = (data.id, data.memories.len());
        let mut memories = data.memories.iter().map(|memory| memory.shared());
        let known = memories.position(|memory| memory.is_some_and(|it| it.same(self)));
        if known.is_none() {
            data.check_count(
                LimitKind::Memories,
                len,
                data.engine.config().limits.memories_max,
            )?;
            data.memories.push(Memory::of_shared(self.clone()));
        }
        Ok(MemoryHandle {
            store,
            index: known.unwrap_or(len) as u32,
        })
    }
}

impl TableHandle {
    /// A new table made by the host, filled with `init`.
    ///
    /// # Errors
    /// `Limit` if it is too large, `Usage` if `init` is not of the element type.
    pub fn new(store: &mut Store, ty: TableType, init: Ref) -> Result<TableHandle> {
        let data = store.data_mut();
        data.check_value(Val::Ref(init), ValType::Ref(ty.element))?;
        let word = init.to_word(&data.heap);
        data.new_table(ty, word)
    }

    /// The length in elements.
    pub fn len(self, store: &Store) -> u64 {
        store.data().tables[self.index as usize].len()
    }

    /// Whether it has no elements.
    pub fn is_empty(self, store: &Store) -> bool {
        self.len(store) == 0
    }

    /// An element.
    pub fn get(self, store: &Store, index: u64) -> Option<Ref> {
        let data = store.data();
        let table = &data.tables[self.index as usize];
        let word = *table.words().get(usize::try_from(index).ok()?)?;
        Some(Ref::from_word(table.ty.element, &data.heap, word))
    }

    /// Grows by `delta` elements holding `init`: the old length, or `None` if the table cannot be
    /// that large or `init` is not of its type.
    pub fn grow(self, store: &mut Store, delta: u64, init: Ref) -> Option<u64> {
        let data = store.data_mut();
        let element = ValType::Ref(data.tables[self.index as usize].ty.element);
        data.check_value(Val::Ref(init), element).ok()?;
        let word = init.to_word(&data.heap);
        let table = &mut data.tables[self.index as usize];
        grow_table(table, &mut data.cx, delta, word)
    }
}

impl GlobalHandle {
    /// A new global made by the host.
    ///
    /// # Errors
    /// `Usage` if the value is not of the type.
    pub fn new(store: &mut Store, ty: GlobalType, value: Val) -> Result<GlobalHandle> {
        let data = store.data_mut();
        data.check_value(value, ty.content)?;
        let global = Global::new(ty, &data.heap, value);
        Ok(data.add_global(global))
    }

    /// The current value.
    pub fn get(self, store: &Store) -> Val {
        let data = store.data();
        data.globals[self.index as usize].get(&data.heap)
    }

    /// Its type.
    pub fn ty(self, store: &Store) -> GlobalType {
        store.data().globals[self.index as usize].ty
    }

    /// Replaces the value of a mutable global.
    ///
    /// # Errors
    /// `Usage` if the global is constant or the value is not of its type.
    pub fn set(self, store: &mut Store, value: Val) -> Result<()> {
        let data = store.data_mut();
        check_store(self.store, data)?;
        let ty = data.globals[self.index as usize].ty;
        data.check_value(value, ty.content)?;
        if !ty.mutable {
            return Err(Error::usage("the global is constant"));
        }
        data.globals[self.index as usize].set(&data.heap, value);
        Ok(())
    }
}

impl TagHandle {
    /// A new tag made by the host.
    pub fn new(store: &mut Store, ty: FuncType) -> TagHandle {
        let data = store.data_mut();
        let inst = TagInst {
            payload_slots: slots_of_all(&ty.params) as u32,
            ty: data.engine.registry().intern_func(ty),
            id: data.tags.len() as u32,
        };
        data.heap.publish(&mut data.cx);
        data.add_tag(Box::new(Tag { inst }))
    }

    /// Its type: the parameters are what its exceptions carry.
    pub fn ty(self, store: &Store) -> Arc<FuncType> {
        let data = store.data();
        let ty = data.tags[self.index as usize].inst.ty;
        data.engine.registry().func(ty)
    }
}
