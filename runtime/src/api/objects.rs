//! Structures and arrays: their types, their allocation, and access to their fields.
//!
//! Every method checks the handle's store first, and fails as `Usage` if it is another one.

use std::sync::Arc;

use super::context::{AsContext, AsContextMut};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::limits::STRUCT_FIELDS_MAX;
use crate::module::Mutability;
use crate::store::{Elements, StoreData, check_store};
use crate::trap::TrapKind;
use crate::types::{
    CompositeKind, CompositeType, FieldType, HeapType, RefType, StorageType, TypeRef, TypeRegistry,
    ValType,
};
use crate::value::{ArrayRef, GcRef, StoreId, StructRef, Val};

impl FieldType {
    /// The type of a field or element.
    pub fn new(mutability: Mutability, storage: StorageType) -> FieldType {
        let mutable = mutability == Mutability::Var;
        FieldType { storage, mutable }
    }

    /// The mutability of the field.
    pub fn mutability(&self) -> Mutability {
        if self.mutable {
            Mutability::Var
        } else {
            Mutability::Const
        }
    }

    /// The storage of the field.
    pub fn element_type(&self) -> StorageType {
        self.storage
    }
}

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident $kind:ident $what:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            registry: Arc<TypeRegistry>,
            ty: TypeRef,
        }

        impl $name {
            #[doc = concat!("The type of ", $what, " that a heap type names,")]
            /// if it names one of the engine.
            pub fn from_heap_type(engine: &Engine, heap: HeapType) -> Option<$name> {
                let (HeapType::Concrete(ty) | HeapType::Exact(ty)) = heap else {
                    return None;
                };
                let registry = engine.registry().clone();
                let is_known = registry.knows(ValType::Ref(RefType::new(false, heap)));
                let is_one = is_known && ty.kind == CompositeKind::$kind;
                is_one.then_some($name { registry, ty })
            }

            fn add(engine: &Engine, composite: CompositeType) -> Result<$name> {
                let registry = engine.registry().clone();
                let ty = TypeRef {
                    id: registry.intern_alone(composite),
                    kind: CompositeKind::$kind,
                };
                Ok($name { registry, ty })
            }

            /// True if the type is `other` or a declared subtype of it.
            pub fn matches(&self, other: &$name) -> bool {
                Arc::ptr_eq(&self.registry, &other.registry)
                    && self.registry.is_subtype(self.ty.id, other.ty.id)
            }

            fn of(store: &StoreData, ty: TypeRef) -> $name {
                let registry = store.engine.registry().clone();
                $name { registry, ty }
            }

            /// Lets a store's heap know the type.
            fn enter(&self, store: &mut StoreData) -> Result<()> {
                if !Arc::ptr_eq(&self.registry, store.engine.registry()) {
                    return Err(Error::usage("the type is of another engine"));
                }
                if self.registry.get(self.ty.id).sub.descriptor.is_some() {
                    return Err(Error::usage("objects of the type have a descriptor"));
                }
                store.heap.publish(&mut store.cx);
                Ok(())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &$name) -> bool {
                Arc::ptr_eq(&self.registry, &other.registry) && self.ty == other.ty
            }
        }

        impl Eq for $name {}

        impl From<&$name> for HeapType {
            fn from(it: &$name) -> HeapType {
                HeapType::Concrete(it.ty)
            }
        }

        impl From<$name> for HeapType {
            fn from(it: $name) -> HeapType {
                HeapType::Concrete(it.ty)
            }
        }
    )* };
}

types! {
    /// A type of structures, of an engine.
    ///
    /// ```
    /// use wassay_runtime::{
    ///     Config, Engine, FieldType, HeapType, Mutability, RefType, StorageType, StructType,
    /// };
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let byte = FieldType::new(Mutability::Var, StorageType::I8);
    /// let ty = StructType::new(&engine, [byte, byte])?;
    /// assert_eq!((ty.fields().len(), ty.field(2)), (2, None));
    /// let reference = RefType::new(true, HeapType::from(&ty));
    /// assert_eq!(StructType::from_heap_type(&engine, reference.heap_type()), Some(ty));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    StructType Struct "structures";
    /// A type of arrays, of an engine.
    ///
    /// ```
    /// use wassay_runtime::{
    ///     ArrayType, Config, Engine, FieldType, Mutability, StorageType, ValType,
    /// };
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let float = FieldType::new(Mutability::Const, StorageType::Val(ValType::F32));
    /// let ty = ArrayType::new(&engine, float)?;
    /// assert_eq!(ty.element(), float);
    /// assert!(ty.matches(&ArrayType::new(&engine, float)?));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    ArrayType Array "arrays";
}

/// Checks that a field's type is one of an engine.
fn check_field(engine: &Engine, field: FieldType) -> Result<()> {
    match field.storage {
        StorageType::Val(ty) if !engine.registry().knows(ty) => {
            Err(Error::usage(format!("{ty} is a type of another engine")))
        }
        StorageType::Val(_) | StorageType::I8 | StorageType::I16 => Ok(()),
    }
}

impl StructType {
    /// The final type of structures with these fields. The same fields give the same type.
    ///
    /// # Errors
    /// `Usage` if a field's type is of another engine, or if there are more than 10,000 fields.
    pub fn new(engine: &Engine, fields: impl IntoIterator<Item = FieldType>) -> Result<StructType> {
        let fields: Arc<[FieldType]> = fields.into_iter().take(STRUCT_FIELDS_MAX + 1).collect();
        if fields.len() > STRUCT_FIELDS_MAX {
            return Err(Error::usage("a structure has too many fields"));
        }
        fields
            .iter()
            .try_for_each(|&field| check_field(engine, field))?;
        StructType::add(engine, CompositeType::Struct(fields))
    }

    /// The types of the fields.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldType> + use<> {
        let fields = match &self.registry.get(self.ty.id).sub.composite {
            CompositeType::Struct(fields) => fields.to_vec(),
            CompositeType::Func(_) | CompositeType::Array(_) | CompositeType::Cont(_) => Vec::new(),
        };
        fields.into_iter()
    }

    /// The type of a field, if there is one with that number.
    pub fn field(&self, index: usize) -> Option<FieldType> {
        self.fields().nth(index)
    }
}

impl ArrayType {
    /// The final type of arrays with this element type. The same element gives the same type.
    ///
    /// # Errors
    /// `Usage` if the element's type is of another engine.
    pub fn new(engine: &Engine, element: FieldType) -> Result<ArrayType> {
        check_field(engine, element)?;
        ArrayType::add(engine, CompositeType::Array(element))
    }

    /// The type of the elements.
    pub fn element(&self) -> FieldType {
        match &self.registry.get(self.ty.id).sub.composite {
            CompositeType::Array(element) => *element,
            CompositeType::Func(_) | CompositeType::Struct(_) | CompositeType::Cont(_) => {
                unreachable!("the type is an array's")
            }
        }
    }
}

impl std::fmt::Debug for StructType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<_> = self.fields().collect();
        f.debug_tuple("StructType").field(&fields).finish()
    }
}

impl std::fmt::Debug for ArrayType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ArrayType").field(&self.element()).finish()
    }
}

macro_rules! allocators {
    ($($(#[$doc:meta])* $name:ident $ty:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            store: StoreId,
            ty: $ty,
        }

        impl $name {
            /// The allocator of a type in a store.
            ///
            /// # Errors
            /// `Usage` if the type is of another engine, or its objects have a descriptor.
            pub fn new(mut store: impl AsContextMut, ty: $ty) -> Result<$name> {
                let state = store.as_context_mut().into_state();
                ty.enter(state)?;
                Ok($name { store: state.id, ty })
            }
        }
    )* };
}

allocators! {
    /// An allocator of structures of one type in one store.
    ///
    /// ```
    /// use wassay_runtime::{Config, Engine, Store, StructRef, StructRefPre, StructType};
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let pre = StructRefPre::new(&mut store, StructType::new(&engine, [])?)?;
    /// assert_ne!(StructRef::new(&mut store, &pre, &[])?, StructRef::new(&mut store, &pre, &[])?);
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    StructRefPre StructType;
    /// An allocator of arrays of one type in one store.
    ///
    /// ```
    /// use wassay_runtime::{
    ///     ArrayRef, ArrayRefPre, ArrayType, Config, Engine, FieldType, Mutability, Store,
    ///     StorageType, Val,
    /// };
    ///
    /// let engine = Engine::new(&Config::new())?;
    /// let mut store = Store::new(&engine, ());
    /// let ty = ArrayType::new(&engine, FieldType::new(Mutability::Const, StorageType::I8))?;
    /// let pre = ArrayRefPre::new(&mut store, ty)?;
    /// let bytes = ArrayRef::new_fixed(&mut store, &pre, &b"hi".map(|b| Val::I32(b.into())))?;
    /// assert_eq!(bytes.get(&mut store, 1)?, Val::I32(b'i'.into()));
    /// # Ok::<(), wassay_runtime::Error>(())
    /// ```
    ArrayRefPre ArrayType;
}

impl StructRef {
    /// A new structure with these fields. A packed field takes the low bits of an i32.
    ///
    /// # Errors
    /// `Usage` if the values do not fit the type, or they or the allocator are of another store;
    /// the trap `HeapExhausted`.
    pub fn new(
        mut store: impl AsContextMut,
        allocator: &StructRefPre,
        fields: &[Val],
    ) -> Result<StructRef> {
        let mut context = store.as_context_mut();
        check_store(allocator.store, context.state())?;
        let ty = allocator.ty.ty.id;
        // SAFETY: the store is borrowed uniquely.
        let handle = unsafe { StoreData::new_structure(context.as_ptr(), ty, fields)? };
        Ok(StructRef { handle })
    }

    /// The structure's type.
    ///
    /// # Errors
    /// `Usage` if the structure is of another store, or has been released; so do the other methods.
    pub fn ty(self, store: impl AsContext) -> Result<StructType> {
        let state = store.as_context().state();
        Ok(StructType::of(state, state.held_object(self.handle)?.ty))
    }

    /// The values of the fields: packed ones zero-extended.
    ///
    /// # Errors
    /// As [`StructRef::ty`].
    pub fn fields(self, store: impl AsContextMut) -> Result<std::vec::IntoIter<Val>> {
        all(self.handle, store)
    }

    /// The value of a field, zero-extended if it is packed.
    ///
    /// # Errors
    /// `Usage` if the type does not have that field; otherwise as [`StructRef::ty`].
    pub fn field(self, mut store: impl AsContextMut, index: usize) -> Result<Val> {
        let state = store.as_context_mut().into_state();
        let object = state.held_object(self.handle)?;
        let index = index.try_into().unwrap_or(u32::MAX);
        state.read_field(object, index).ok_or_else(no_field)
    }

    /// Replaces the value of a mutable field. A packed field takes the low bits of an i32.
    ///
    /// # Errors
    /// `Usage` if the field is immutable or the value does not fit it; otherwise as
    /// [`StructRef::field`].
    pub fn set_field(self, mut store: impl AsContextMut, index: usize, value: Val) -> Result<()> {
        let state = store.as_context_mut().into_state();
        let object = state.held_object(self.handle)?;
        let index = index.try_into().unwrap_or(u32::MAX);
        let written = state.write_field(object, index, value)?;
        written.then_some(()).ok_or_else(no_field)
    }
}

fn no_field() -> Error {
    Error::usage("there is no field with that number")
}

fn out_of_bounds() -> Error {
    Error::trap(TrapKind::ArrayOutOfBounds)
}

/// The values of all fields or elements of an object.
fn all(handle: GcRef, mut store: impl AsContextMut) -> Result<std::vec::IntoIter<Val>> {
    let state = store.as_context_mut().into_state();
    let object = state.held_object(handle)?;
    let indices = 0..state.len_of(object);
    let values: Vec<Val> = indices
        .filter_map(|n| state.read_field(object, n))
        .collect();
    Ok(values.into_iter())
}

impl ArrayRef {
    /// A new array of `len` elements that are all `element`. A packed element is the low bits of an
    /// i32.
    ///
    /// # Errors
    /// `Usage` if the value is not of the element type, or it or the allocator is of another store;
    /// the trap `HeapExhausted`.
    pub fn new(
        mut store: impl AsContextMut,
        allocator: &ArrayRefPre,
        element: &Val,
        len: u32,
    ) -> Result<ArrayRef> {
        let elements = Elements::Same(*element, len);
        ArrayRef::with(store.as_context_mut(), allocator, elements)
    }

    /// A new array of these elements.
    ///
    /// # Errors
    /// As [`ArrayRef::new`].
    pub fn new_fixed(
        mut store: impl AsContextMut,
        allocator: &ArrayRefPre,
        elements: &[Val],
    ) -> Result<ArrayRef> {
        ArrayRef::with(store.as_context_mut(), allocator, Elements::Each(elements))
    }

    fn with<T>(
        mut context: super::StoreContextMut<'_, T>,
        allocator: &ArrayRefPre,
        elements: Elements<'_>,
    ) -> Result<ArrayRef> {
        check_store(allocator.store, context.state())?;
        let ty = allocator.ty.ty.id;
        // SAFETY: the store is borrowed uniquely.
        let handle = unsafe { StoreData::new_array(context.as_ptr(), ty, elements)? };
        Ok(ArrayRef { handle })
    }

    /// The array's type.
    ///
    /// # Errors
    /// `Usage` if the array is of another store, or has been released; so do the other methods.
    pub fn ty(self, store: impl AsContext) -> Result<ArrayType> {
        let state = store.as_context().state();
        Ok(ArrayType::of(state, state.held_object(self.handle)?.ty))
    }

    /// The number of elements.
    ///
    /// # Errors
    /// As [`ArrayRef::ty`].
    pub fn len(self, store: impl AsContext) -> Result<u32> {
        let state = store.as_context().state();
        Ok(state.len_of(state.held_object(self.handle)?))
    }

    /// The values of the elements: packed ones zero-extended.
    ///
    /// # Errors
    /// As [`ArrayRef::ty`].
    pub fn elems(self, store: impl AsContextMut) -> Result<std::vec::IntoIter<Val>> {
        all(self.handle, store)
    }

    /// The value of an element, zero-extended if it is packed.
    ///
    /// # Errors
    /// The trap `ArrayOutOfBounds`; otherwise as [`ArrayRef::ty`].
    pub fn get(self, mut store: impl AsContextMut, index: u32) -> Result<Val> {
        let state = store.as_context_mut().into_state();
        let object = state.held_object(self.handle)?;
        state.read_field(object, index).ok_or_else(out_of_bounds)
    }

    /// Replaces the value of an element. A packed element takes the low bits of an i32.
    ///
    /// # Errors
    /// `Usage` if elements are immutable or the value is not of the element type; otherwise as
    /// [`ArrayRef::get`].
    pub fn set(self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<()> {
        let state = store.as_context_mut().into_state();
        let object = state.held_object(self.handle)?;
        let written = state.write_field(object, index, value)?;
        written.then_some(()).ok_or_else(out_of_bounds)
    }
}
