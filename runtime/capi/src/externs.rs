//! Globals, tables and memories, and what they have in common as external values.

use std::mem::MaybeUninit;

use wassay_runtime::{Extern, ExternType, Global, Memory, Table, ValType};

use crate::failure::noted;
use crate::object::{Kind, Object, StoreRef};
use crate::types::Externtype;
use crate::value::{Value, from_ref, to_ref};
use crate::vector::vectors;

/// The external value of a reference.
fn extern_of(object: Option<&Object>) -> Option<(&StoreRef, Extern)> {
    let object = object?;
    Some((&object.store, object.external()?))
}

/// The global, table or memory of a reference: `FUNCTION: TYPE by CONVERSION`.
macro_rules! of {
    ($($name:ident: $ty:ty as $into:ident;)*) => { $(
        fn $name(object: Option<&Object>) -> Option<(&StoreRef, $ty)> {
            let (store, value) = extern_of(object)?;
            Some((store, value.$into()?))
        }
    )* };
}

of! {
    global_of: Global as into_global;
    table_of: Table as into_table;
    memory_of: Memory as into_memory;
}

/// The type of an external value, with the present size as its minimum.
fn type_of((store, value): (&StoreRef, Extern)) -> Box<Externtype> {
    Box::new(value.ty(store.context()).into())
}

/// A new external value as C gets it.
fn made<T: Into<Extern>>(
    store: &StoreRef,
    value: Result<T, wassay_runtime::Error>,
) -> Option<Box<Object>> {
    Some(store.object(Kind::Extern(noted(value)?.into())))
}

// --- globals -------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_global_new(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
    value: Option<&Value>,
) -> Option<Box<Object>> {
    let (store, ExternType::Global(ty)) = (store?, ty?.engine_type()) else {
        return None;
    };
    let value = noted(value?.to_val(store, ty.content()))?;
    made(store, Global::new(store.context(), *ty, value))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_global_type(global: Option<&Object>) -> Option<Box<Externtype>> {
    let (store, global) = global_of(global)?;
    Some(type_of((store, global.into())))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_global_get(global: Option<&Object>, out: Option<&mut MaybeUninit<Value>>) {
    if let (Some((store, global)), Some(out)) = (global_of(global), out) {
        let ty = global.ty(store.context()).content();
        let value = Value::from_val(store, global.get(store.context()), ty);
        out.write(noted(value).unwrap_or_else(|| Value::zero(ty)));
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_global_set(global: Option<&Object>, value: Option<&Value>) {
    if let (Some((store, global)), Some(value)) = (global_of(global), value) {
        let ty = global.ty(store.context()).content();
        let value = value.to_val(store, ty);
        noted(value.and_then(|value| global.set(store.context(), value)));
    }
}

// --- tables --------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_new(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
    init: Option<&Object>,
) -> Option<Box<Object>> {
    let (store, ExternType::Table(ty)) = (store?, ty?.engine_type()) else {
        return None;
    };
    let init = noted(to_ref(store, init, ValType::Ref(ty.element())))?;
    made(store, Table::new(store.context(), *ty, init))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_type(table: Option<&Object>) -> Option<Box<Externtype>> {
    let (store, table) = table_of(table)?;
    Some(type_of((store, table.into())))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_get(table: Option<&Object>, index: u32) -> Option<Box<Object>> {
    let (store, table) = table_of(table)?;
    from_ref(store, table.get(store.context(), index.into())?)
}

/// A reference as an element of a table.
fn element(store: &StoreRef, table: Table, object: Option<&Object>) -> Option<wassay_runtime::Ref> {
    let ty = table.ty(store.context()).element();
    noted(to_ref(store, object, ValType::Ref(ty)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_set(
    table: Option<&Object>,
    index: u32,
    object: Option<&Object>,
) -> bool {
    let Some((store, table)) = table_of(table) else {
        return false;
    };
    element(store, table, object)
        .and_then(|element| noted(table.set(store.context(), index.into(), element)))
        .is_some()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_size(table: Option<&Object>) -> u32 {
    let size = table_of(table).map_or(0, |(store, table)| table.size(store.context()));
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_table_grow(
    table: Option<&Object>,
    delta: u32,
    init: Option<&Object>,
) -> bool {
    let Some((store, table)) = table_of(table) else {
        return false;
    };
    element(store, table, init)
        .and_then(|element| noted(table.grow(store.context(), delta.into(), element)))
        .is_some()
}

// --- memories ------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_new(
    store: Option<&StoreRef>,
    ty: Option<&Externtype>,
) -> Option<Box<Object>> {
    let (store, ExternType::Memory(ty)) = (store?, ty?.engine_type()) else {
        return None;
    };
    made(store, Memory::new(store.context(), *ty))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_type(memory: Option<&Object>) -> Option<Box<Externtype>> {
    let (store, memory) = memory_of(memory)?;
    Some(type_of((store, memory.into())))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_data(memory: Option<&Object>) -> *mut u8 {
    let Some((store, memory)) = memory_of(memory) else {
        return std::ptr::null_mut();
    };
    match memory.shared(store.context()) {
        Some(shared) => shared.data().as_ptr().cast_mut().cast(),
        None => memory.data_mut(store.context()).as_mut_ptr(),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_data_size(memory: Option<&Object>) -> usize {
    memory_of(memory).map_or(0, |(store, memory)| memory.data_size(store.context()))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_size(memory: Option<&Object>) -> u32 {
    let pages = memory_of(memory).map_or(0, |(store, memory)| memory.size(store.context()));
    u32::try_from(pages).unwrap_or(u32::MAX)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memory_grow(memory: Option<&Object>, delta: u32) -> bool {
    let grown = memory_of(memory)
        .and_then(|(store, memory)| noted(memory.grow(store.context(), delta.into())));
    grown.is_some()
}

vectors! {
    "extern": Option<Box<Object>>;
}

// --- external values -----------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_extern_kind(value: Option<&Object>) -> u8 {
    extern_of(value).map_or(0, |it| {
        crate::types::wasm_externtype_kind(Some(&*type_of(it)))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_extern_type(value: Option<&Object>) -> Option<Box<Externtype>> {
    extern_of(value).map(type_of)
}
