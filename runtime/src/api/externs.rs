//! Instances and the things that they import and export: memories, tables, globals and tags.
//!
//! Each method checks its store as its first step: see [`Store`](crate::Store).

use std::sync::Arc;

use super::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
use super::typed::{TypedFunc, WasmParams, WasmResults};
use super::{ExternType, Module};
use crate::error::{Error, Result};
use crate::global::{GlobalData, TagData};
use crate::helpers::{grow_memory, grow_table};
use crate::limits::LimitKind;
use crate::memory::{MemoryData, SharedMemory};
use crate::module::{GlobalType, MemoryType, TableType};
use crate::store::{
    Extern, Global, Instance, Memory, StoreData, Table, Tag, assert_store, check_store,
};
use crate::table::TableData;
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::{Exception, Func, Ref, Val, slots_of, slots_of_all};
use crate::vm::TagInst;

macro_rules! externs {
    ($($name:ident $into:ident $what:literal;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The ", $what, ", if it is one.")]
                pub fn $into(self) -> Option<$name> {
                    match self {
                        Extern::$name(handle) => Some(handle),
                        _other => None,
                    }
                }
            )*
        }

        $(
            impl From<$name> for Extern {
                fn from(handle: $name) -> Extern {
                    Extern::$name(handle)
                }
            }
        )*
    };
}

externs! {
    Func into_func "function";
    Table into_table "table";
    Memory into_memory "memory";
    Global into_global "global";
    Tag into_tag "tag";
}

/// The contents that a handle stands for, with its store checked.
macro_rules! contents {
    ($($name:ident $items:ident $data:ty;)*) => { $(
        impl $name {
            #[track_caller]
            fn of(self, state: &StoreData) -> &$data {
                assert_store(self.store, state);
                &state.$items[self.index as usize]
            }

            fn of_mut(self, state: &mut StoreData) -> Result<&mut $data> {
                check_store(self.store, state)?;
                Ok(&mut state.$items[self.index as usize])
            }
        }
    )* };
}

contents! {
    Memory memories MemoryData;
    Table tables TableData;
    Global globals GlobalData;
}

impl Extern {
    /// The value's type; the current size of a memory or table is its minimum.
    ///
    /// # Panics
    /// If the value is of another store.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> ExternType {
        let state = store.as_context().state();
        ExternType::of(state.type_of(self), state.engine.registry())
    }
}

impl Instance {
    /// Instantiates a module with its imports in order, and runs its start function. A
    /// [`Linker`](crate::Linker) finds the imports by name.
    ///
    /// # Errors
    /// `Unlinkable` if an import does not match; `Usage` if module or import are of another engine
    /// or store; `Unsupported` if the tier cannot execute a function (then nothing of the module
    /// has run); `Limit`; the trap `StackExhausted` if too little native stack is left; or the
    /// error of an active segment or of the start function.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance> {
        let mut context = store.as_context_mut();
        // SAFETY: the store is borrowed uniquely for the whole call.
        unsafe { StoreData::instantiate(context.as_ptr(), &module.inner, imports) }
    }

    /// The export of that name.
    ///
    /// # Panics
    /// If the instance is of another store; so do all methods that do not return a `Result`.
    #[track_caller]
    pub fn get_export(self, store: impl AsContext, name: &str) -> Option<Extern> {
        store.as_context().state().instance(self).export(name)
    }

    /// The exported function of that name.
    #[track_caller]
    pub fn get_func(self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported memory of that name.
    #[track_caller]
    pub fn get_memory(self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported table of that name.
    #[track_caller]
    pub fn get_table(self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported global of that name.
    #[track_caller]
    pub fn get_global(self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The exported tag of that name.
    #[track_caller]
    pub fn get_tag(self, store: impl AsContext, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }

    /// The exported function of that name, with its type checked.
    ///
    /// # Errors
    /// `Usage` if there is none, if it is of another type, or if the instance is of another store.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let context = store.as_context();
        check_store(self.store, context.state())?;
        let missing = || Error::usage(format!("there is no exported function {name:?}"));
        self.get_func(context, name)
            .ok_or_else(missing)?
            .typed(context)
    }

    /// The exports with their names, in the module's order.
    #[track_caller]
    pub fn exports<'a, T: 'static>(
        self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> impl Iterator<Item = (&'a str, Extern)> {
        let instance = store.into().state().instance(self);
        let exports = instance.module().data().exports.iter();
        exports.filter_map(|export| Some((&*export.name, instance.export(&export.name)?)))
    }

    /// The module of the instance.
    #[track_caller]
    pub fn module(self, store: impl AsContext) -> Module {
        let inner = store.as_context().state().instance(self).module().clone();
        Module { inner }
    }
}

impl Memory {
    /// A new memory.
    ///
    /// # Errors
    /// `Limit` if the memory is too large; `Usage` if it is shared without a maximum, or the
    /// maximum is below the initial size.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        check_limits(ty.initial, ty.maximum)?;
        store.as_context_mut().state_mut().new_memory(ty)
    }

    /// The memory's type, as declared.
    ///
    /// # Panics
    /// If the memory is of another store; so do all methods that do not return a `Result`.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> MemoryType {
        self.of(store.as_context().state()).ty
    }

    /// The size in pages.
    #[track_caller]
    pub fn size(self, store: impl AsContext) -> u64 {
        self.of(store.as_context().state()).pages()
    }

    /// The size in bytes.
    #[track_caller]
    pub fn data_size(self, store: impl AsContext) -> usize {
        let memory = self.of(store.as_context().state());
        (memory.pages() << memory.ty.page_size_log2) as usize
    }

    /// The contents.
    ///
    /// # Panics
    /// If the memory is shared: [`Memory::read`] and [`Memory::write`] are for such memories, too.
    #[track_caller]
    pub fn data<'a, T: 'static>(self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        self.of(store.into().state()).data()
    }

    /// The contents, to write.
    ///
    /// # Panics
    /// As [`Memory::data`].
    #[track_caller]
    pub fn data_mut<'a, T: 'static>(
        self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> &'a mut [u8] {
        self.data_and_store_mut(store).0
    }

    /// The contents, to write, and the host's data.
    ///
    /// # Panics
    /// As [`Memory::data`].
    #[track_caller]
    pub fn data_and_store_mut<'a, T: 'static>(
        self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let (state, host) = store.into().into_parts();
        assert_store(self.store, state);
        (state.memories[self.index as usize].data_mut(), host)
    }

    /// Reads bytes from an offset on.
    ///
    /// # Errors
    /// The trap `MemoryOutOfBounds` if not all are in the memory; `Usage` if the memory is of
    /// another store.
    pub fn read(self, store: impl AsContext, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let state = store.as_context().state();
        check_store(self.store, state)?;
        let memory = self.of(state);
        let done = match memory.shared() {
            Some(shared) => shared.read_bytes(offset as u64, bytes),
            None => slice_of(memory.data(), offset, bytes.len())
                .map(|from| bytes.copy_from_slice(from))
                .is_some(),
        };
        done.then_some(()).ok_or_else(out_of_bounds)
    }

    /// Writes bytes from an offset on, all or none.
    ///
    /// # Errors
    /// As [`Memory::read`].
    pub fn write(self, mut store: impl AsContextMut, offset: usize, bytes: &[u8]) -> Result<()> {
        let memory = self.of_mut(store.as_context_mut().into_state())?;
        let done = match memory.shared() {
            Some(shared) => shared.write_bytes(offset as u64, bytes),
            None => {
                let end = offset.checked_add(bytes.len());
                let to = end.and_then(|end| memory.data_mut().get_mut(offset..end));
                to.map(|to| to.copy_from_slice(bytes)).is_some()
            }
        };
        done.then_some(()).ok_or_else(out_of_bounds)
    }

    /// Grows by `delta` pages: the old size.
    ///
    /// # Errors
    /// `Limit` if the memory cannot be that large; `Usage` if it is of another store.
    pub fn grow(self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let state = store.as_context_mut().into_state();
        check_store(self.store, state)?;
        let memory = &mut state.memories[self.index as usize];
        let too_large = || {
            let message = format!("{delta} pages more are too many");
            Error::limit(LimitKind::MemoryBytes, message)
        };
        grow_memory(memory, &mut state.cx, delta).ok_or_else(too_large)
    }

    /// The memory to share with other stores, if its type is shared.
    #[track_caller]
    pub fn shared(self, store: impl AsContext) -> Option<SharedMemory> {
        self.of(store.as_context().state()).shared().cloned()
    }
}

fn slice_of(bytes: &[u8], offset: usize, len: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(len)?)
}

pub(super) fn out_of_bounds() -> Error {
    Error::trap(TrapKind::MemoryOutOfBounds)
}

impl Table {
    /// A new table filled with `init`.
    ///
    /// # Errors
    /// `Limit` if the table is too large; `Usage` if `init` is not of the element type, or the
    /// maximum is below the initial length.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        check_limits(ty.initial, ty.maximum)?;
        let state = store.as_context_mut().into_state();
        let word = word_of(state, ValType::Ref(ty.element), init)?;
        state.new_table(ty, word)
    }

    /// The table's type, as declared.
    ///
    /// # Panics
    /// If the table is of another store; so do all methods that do not return a `Result`.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> TableType {
        self.of(store.as_context().state()).ty
    }

    /// The length in elements.
    #[track_caller]
    pub fn size(self, store: impl AsContext) -> u64 {
        self.of(store.as_context().state()).len()
    }

    /// An element; `None` if there is none at that index.
    #[track_caller]
    pub fn get(self, store: impl AsContext, index: u64) -> Option<Ref> {
        let state = store.as_context().state();
        let table = self.of(state);
        let word = *table.words().get(usize::try_from(index).ok()?)?;
        // SAFETY: a table holds references of its element type.
        Some(unsafe { Ref::from_word(table.ty.element, state, word) })
    }

    /// Replaces an element.
    ///
    /// # Errors
    /// The trap `TableOutOfBounds` if there is none at that index; `Usage` if the value is not of
    /// the element type, or table or value are of another store.
    pub fn set(self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let state = store.as_context_mut().into_state();
        let element = self.of_mut(state)?.ty.element;
        let word = word_of(state, ValType::Ref(element), value)?;
        let words = self.of_mut(state)?.words_mut();
        let to = usize::try_from(index)
            .ok()
            .and_then(|index| words.get_mut(index));
        *to.ok_or_else(|| Error::trap(TrapKind::TableOutOfBounds))? = word;
        Ok(())
    }

    /// Grows by `delta` elements that hold `init`: the old length.
    ///
    /// # Errors
    /// `Limit` if the table cannot be that large; `Usage` as for [`Table::set`].
    pub fn grow(self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let state = store.as_context_mut().into_state();
        let element = self.of_mut(state)?.ty.element;
        let word = word_of(state, ValType::Ref(element), init)?;
        let table = &mut state.tables[self.index as usize];
        let too_large = || {
            let message = format!("{delta} elements more are too many");
            Error::limit(LimitKind::TableElements, message)
        };
        grow_table(table, &mut state.cx, delta, word).ok_or_else(too_large)
    }
}

/// Checks the limits of a type that no validation has seen.
fn check_limits(initial: u64, maximum: Option<u64>) -> Result<()> {
    match maximum {
        Some(maximum) if maximum < initial => {
            let message = format!("a maximum of {maximum} is below {initial}");
            Err(Error::usage(message))
        }
        _within => Ok(()),
    }
}

/// The word of a reference that is of a type of the store.
fn word_of(state: &StoreData, ty: ValType, value: Ref) -> Result<u64> {
    state.check_type(ty)?;
    state.check_value(Val::Ref(value), ty)?;
    Ok(value.to_word(state))
}

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// `Usage` if the value is not of the type, or of another store.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let state = store.as_context_mut().into_state();
        let slots = slots_of_value(state, ty.content, value)?;
        Ok(state.add_global(GlobalData::new(ty, slots)))
    }

    /// The current value.
    ///
    /// # Panics
    /// If the global is of another store; so does [`Global::ty`].
    #[track_caller]
    pub fn get(self, store: impl AsContext) -> Val {
        let state = store.as_context().state();
        let global = self.of(state);
        // SAFETY: a global holds a value of its type.
        unsafe { Val::read(global.ty.content, state, &global.inst.slots) }
    }

    /// The global's type.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> GlobalType {
        self.of(store.as_context().state()).ty
    }

    /// Replaces the value of a mutable global.
    ///
    /// # Errors
    /// `Usage` if the global is constant, the value is not of its type, or either is of another
    /// store.
    pub fn set(self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let state = store.as_context_mut().into_state();
        let ty = self.of_mut(state)?.ty;
        let slots = slots_of_value(state, ty.content, value)?;
        if !ty.mutable {
            return Err(Error::usage("the global is constant"));
        }
        self.of_mut(state)?.inst.slots = slots;
        Ok(())
    }
}

/// The slots of a value that is of a type of the store.
fn slots_of_value(state: &StoreData, ty: ValType, value: Val) -> Result<[u64; 2]> {
    state.check_type(ty)?;
    state.check_value(value, ty)?;
    let mut slots = [0; 2];
    value.write(state, &mut slots[..slots_of(ty)]);
    Ok(slots)
}

impl Tag {
    /// A new tag. The parameters are the types of the values that its exceptions carry.
    ///
    /// # Errors
    /// `Usage` if the type is of another engine.
    pub fn new(mut store: impl AsContextMut, ty: FuncType) -> Result<Tag> {
        let state = store.as_context_mut().into_state();
        let mut types = ty.params.iter().chain(&ty.results);
        types.try_for_each(|&ty| state.check_type(ty))?;
        let inst = TagInst {
            payload_slots: slots_of_all(&ty.params) as u32,
            ty: state.engine.registry().intern_func(ty),
            id: state.tags.len() as u32,
        };
        state.heap.publish(&mut state.cx);
        Ok(state.add_tag(Box::new(TagData { inst })))
    }

    /// The tag's type: the parameters are the types of the values that its exceptions carry.
    ///
    /// # Panics
    /// If the tag is of another store.
    #[track_caller]
    pub fn ty(self, store: impl AsContext) -> Arc<FuncType> {
        let state = store.as_context().state();
        assert_store(self.store, state);
        let tag = &state.tags[self.index as usize];
        state.heap.func_type(tag.inst.ty).clone()
    }
}

impl Exception {
    /// A new exception of `tag` with values of the tag's parameter types.
    ///
    /// # Errors
    /// `Usage` if the values are not of these types, or they or the tag are of another store; a
    /// trap if the heap is used up.
    pub fn new(mut store: impl AsContextMut, tag: Tag, values: &[Val]) -> Result<Exception> {
        // SAFETY: the store is borrowed uniquely.
        unsafe { StoreData::new_exception(store.as_context_mut().as_ptr(), tag, values) }
    }

    /// The exception with which a call has ended, if the error is of that kind.
    pub fn of(error: &Error) -> Option<Exception> {
        error.exception.map(|handle| Exception { handle })
    }

    /// The reference to the exception.
    pub fn to_ref(self) -> Ref {
        Ref::Exn(self)
    }

    /// The error that throws the exception if a host function returns it.
    pub fn to_error(self) -> Error {
        Error::exception(self.handle)
    }

    /// The tag and the values of the exception; `None` if it has been released, or is of another
    /// store.
    pub fn get(self, store: impl AsContext) -> Option<(Tag, Vec<Val>)> {
        store.as_context().state().exception(self.handle)
    }
}
