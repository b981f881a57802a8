//! Structures and arrays of the host: their allocation, and access to their fields.
//!
//! An object that the host makes is like any other. Values are checked against its type before they
//! are written, and a handle against the store before it is followed. `unsafe` here is access to
//! objects by the layout of their types.

use std::sync::Arc;

use super::{StoreData, check_store, collect};
use crate::error::{Error, Result};
use crate::gc;
use crate::trap::TrapKind;
use crate::types::{
    CompositeType, DefinedType, FieldLayout, FieldType, OBJECT_HEADER_BYTES, StorageType, TypeId,
    TypeRef, ValType,
};
use crate::value::{GcRef, Objects, Val, slots_of};
use crate::vm::GcHeader;

/// The object behind a handle that has been checked.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    pub(crate) ty: TypeRef,
    offset: u32,
}

/// The elements of a new array.
pub(crate) enum Elements<'a> {
    /// One value, for as many elements.
    Same(Val, u32),
    /// A value for each element.
    Each(&'a [Val]),
}

impl StoreData {
    /// The object of a handle.
    ///
    /// # Errors
    /// `Usage` if the handle is another store's, or has been released.
    pub(crate) fn held_object(&self, handle: GcRef) -> Result<Object> {
        check_store(handle.store, self)?;
        let released = || Error::usage("the handle of an object has been released");
        let (ty, offset) = self.object(handle).ok_or_else(released)?;
        Ok(Object { ty, offset })
    }

    /// Checks a value against the type of a field: an i32 is for a packed one.
    fn check_field(&self, value: Val, storage: StorageType) -> Result<()> {
        self.check_value(value, unpacked(storage))
    }

    /// A new structure of a type that the heap knows, with these fields.
    ///
    /// # Errors
    /// `Usage` if the values do not fit the fields; a trap if the heap is used up.
    ///
    /// # Safety
    /// `data` is a live store into which no reference is in use.
    pub(crate) unsafe fn new_structure(
        data: *mut StoreData,
        ty: TypeId,
        fields: &[Val],
    ) -> Result<GcRef> {
        // SAFETY: the caller's contract; the reference ends before the object is made.
        let store = unsafe { &*data };
        let ty = store.engine.registry().get(ty);
        super::check_count(fields.len(), ty.layout.fields.len())?;
        let mut slots = Vec::new();
        for (&value, field) in fields.iter().zip(&ty.layout.fields) {
            store.check_field(value, field.storage)?;
            let written = store.slots_of_field(value);
            slots.extend_from_slice(&written[..field.slots() as usize]);
        }
        let bytes = ty.layout.size_bytes.into();
        // SAFETY: the caller's contract; the slots are those of the fields.
        unsafe {
            let object = new_object(data, &ty, 0, bytes)?;
            gc::write_fields(object, &ty.layout, slots.as_ptr());
            Ok(hold(data, object))
        }
    }

    /// A new array of a type that the heap knows.
    ///
    /// # Errors
    /// `Usage` if the values are not of the element type; a trap if the heap is used up.
    ///
    /// # Safety
    /// `data` is a live store into which no reference is in use.
    pub(crate) unsafe fn new_array(
        data: *mut StoreData,
        ty: TypeId,
        elements: Elements<'_>,
    ) -> Result<GcRef> {
        // SAFETY: the caller's contract; the reference ends before the object is made.
        let store = unsafe { &*data };
        let ty = store.engine.registry().get(ty);
        let element = ty.layout.fields[0];
        let (values, len) = match &elements {
            Elements::Same(value, len) => (std::slice::from_ref(value), *len),
            Elements::Each(values) => (*values, values.len().try_into().unwrap_or(u32::MAX)),
        };
        let mut slots = Vec::new();
        for &value in values {
            store.check_field(value, element.storage)?;
            let written = store.slots_of_field(value);
            slots.extend_from_slice(&written[..element.slots() as usize]);
        }
        let (size_log2, count) = (element.size_log2, len as usize);
        let bytes = u64::from(ty.layout.size_bytes) + (u64::from(len) << size_log2);
        // SAFETY: the caller's contract; the slots are those of one element, or of all.
        unsafe {
            let object = new_object(data, &ty, len, bytes)?;
            let first = object.add(OBJECT_HEADER_BYTES as usize);
            match elements {
                Elements::Same(..) => gc::fill(first, size_log2, slots.as_ptr(), count),
                Elements::Each(_) => gc::write_elements(first, size_log2, slots.as_ptr(), count),
            }
            Ok(hold(data, object))
        }
    }

    /// The number of fields of a structure, or of elements of an array.
    pub(crate) fn len_of(&self, object: Object) -> u32 {
        match &self.heap.defined(object.ty.id).sub.composite {
            CompositeType::Struct(fields) => fields.len() as u32,
            CompositeType::Array(_) => {
                // SAFETY: the handle of the object keeps it alive; an array's head has its length.
                unsafe { (*self.heap.header(object.offset)).extra }
            }
            CompositeType::Func(_) | CompositeType::Cont(_) => 0,
        }
    }

    /// The field or element with that number.
    fn field(&self, object: Object, index: u32) -> Option<(FieldType, FieldLayout)> {
        if index >= self.len_of(object) {
            return None;
        }
        let defined = self.heap.defined(object.ty.id);
        match &defined.sub.composite {
            CompositeType::Struct(fields) => {
                let index = index as usize;
                Some((fields[index], defined.layout.fields[index]))
            }
            CompositeType::Array(element) => {
                let first = defined.layout.fields[0];
                let offset_bytes = first.offset_bytes + (index << first.size_log2);
                Some((
                    *element,
                    FieldLayout {
                        offset_bytes,
                        ..first
                    },
                ))
            }
            CompositeType::Func(_) | CompositeType::Cont(_) => None,
        }
    }

    /// The value of a field or element: a packed one zero-extended. `None` if there is none with
    /// that number.
    pub(crate) fn read_field(&self, object: Object, index: u32) -> Option<Val> {
        let (field, at) = self.field(object, index)?;
        let address = self.heap.header(object.offset).cast::<u8>();
        // SAFETY: the handle of the object keeps it alive, and the layout is its type's.
        let slots =
            unsafe { gc::read_field(address.wrapping_add(at.offset_bytes as usize), at.size_log2) };
        // SAFETY: the field holds a value of its type.
        Some(unsafe { Val::read(unpacked(field.storage), self, &slots) })
    }

    /// Replaces the value of a field or element. False if there is none with that number.
    ///
    /// # Errors
    /// `Usage` if it is immutable, or the value does not fit it.
    pub(crate) fn write_field(&mut self, object: Object, index: u32, value: Val) -> Result<bool> {
        let Some((field, at)) = self.field(object, index) else {
            return Ok(false);
        };
        if !field.mutable {
            return Err(Error::usage("the field is immutable"));
        }
        self.check_field(value, field.storage)?;
        let slots = self.slots_of_field(value);
        let address = self.heap.header(object.offset).cast::<u8>();
        // SAFETY: the handle of the object keeps it alive, and the layout is its type's.
        unsafe {
            let at_bytes = address.wrapping_add(at.offset_bytes as usize);
            gc::write_field(at_bytes, at.size_log2, slots.as_ptr());
        }
        Ok(true)
    }

    /// The slots of a value that has been checked.
    fn slots_of_field(&self, value: Val) -> [u64; 2] {
        let mut slots = [0; 2];
        value.write(self, &mut slots[..slots_of(value.ty())]);
        slots
    }
}

/// The type of the value that a field gives: i32 if the field is packed.
fn unpacked(storage: StorageType) -> ValType {
    match storage {
        StorageType::I8 | StorageType::I16 => ValType::I32,
        StorageType::Val(ty) => ty,
    }
}

/// The address of a new object whose fields are not written yet.
///
/// # Safety
/// `data` is a live store into which no reference is in use. The fields are written before anything
/// else is allocated.
unsafe fn new_object(
    data: *mut StoreData,
    ty: &Arc<DefinedType>,
    extra: u32,
    bytes: u64,
) -> Result<*mut u8> {
    let header = GcHeader { ty: ty.id(), extra };
    // SAFETY: the caller's contract.
    let object = unsafe { collect::new_object(&raw mut (*data).cx, header, bytes, (*data).cx.top) };
    object.ok_or_else(|| Error::trap(TrapKind::HeapExhausted))
}

/// A handle of a new object.
///
/// # Safety
/// `data` is a live store into which no reference is in use, and `object` an object of it.
unsafe fn hold(data: *mut StoreData, object: *mut u8) -> GcRef {
    // SAFETY: the caller's contract.
    unsafe {
        let offset = object as usize - (*data).cx.gc_base as usize;
        (*data).heap.hold(offset as u32).1
    }
}
