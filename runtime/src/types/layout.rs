//! The layout of objects of a defined type in the garbage-collected heap: the offset and the width
//! of each field, and the fields that may hold references to other objects.
//!
//! Offsets count from the object's head, which takes [`OBJECT_HEADER_BYTES`]. Fields follow in the
//! order of their declaration, each aligned to its own width (v128 to 8 bytes), so that a
//! supertype's fields are where a subtype has them. Spec: "Runtime Structure / Structure
//! Instances", "Array Instances", "Exception Instances".

use super::{AbstractHeapType, CompositeType, FieldType, RefType, StorageType, ValType};

/// Bytes of an object's head.
pub const OBJECT_HEADER_BYTES: u32 = 8;
/// The offset of an exception's payload, which follows the address of the tag.
pub const EXCEPTION_HEADER_BYTES: u32 = OBJECT_HEADER_BYTES + 8;

/// The layout of the objects of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of an object, head included; of an array without its elements.
    pub size_bytes: u32,
    /// A structure's fields; an array's element; the payload of an exception whose tag has this
    /// function type.
    pub fields: Box<[FieldLayout]>,
    /// The offsets of the fields (of an array: of element 0) that may refer to objects.
    pub refs: Box<[u32]>,
}

/// A field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its offset from the object's head; of an element, that of element 0.
    pub offset_bytes: u32,
    /// The logarithm of its width in bytes: 0 to 4.
    pub size_log2: u8,
    /// The type of its storage.
    pub storage: StorageType,
    /// True if instructions can change it.
    pub is_mutable: bool,
}

impl FieldLayout {
    /// The number of slots of its value outside of the heap.
    pub fn slots(self) -> u32 {
        self.storage.slots()
    }
}

impl Layout {
    /// The layout of the objects of a composite type.
    pub(super) fn of(composite: &CompositeType) -> Layout {
        match composite {
            CompositeType::Struct(fields) => {
                Layout::in_order(OBJECT_HEADER_BYTES, fields, width_log2)
            }
            CompositeType::Array(element) => Layout {
                size_bytes: OBJECT_HEADER_BYTES,
                ..Layout::in_order(OBJECT_HEADER_BYTES, &[*element], width_log2)
            },
            CompositeType::Func(ty) => {
                let payload: Vec<FieldType> = ty.params.iter().map(|&ty| slot(ty)).collect();
                Layout::in_order(EXCEPTION_HEADER_BYTES, &payload, |ty| width_log2(ty).max(3))
            }
            CompositeType::Cont(_) => Layout::default(),
        }
    }

    fn in_order(start: u32, types: &[FieldType], width_log2: fn(StorageType) -> u8) -> Layout {
        let mut end = start;
        let (mut fields, mut refs) = (Vec::new(), Vec::new());
        for field in types {
            let size_log2 = width_log2(field.storage);
            let width = 1u32 << size_log2;
            let offset_bytes = end.next_multiple_of(width.min(8));
            fields.push(FieldLayout {
                offset_bytes,
                size_log2,
                storage: field.storage,
                is_mutable: field.mutable,
            });
            if may_refer_to_objects(field.storage) {
                refs.push(offset_bytes);
            }
            end = offset_bytes + width;
        }
        Layout {
            size_bytes: end.next_multiple_of(8),
            fields: fields.into(),
            refs: refs.into(),
        }
    }
}

fn slot(ty: ValType) -> FieldType {
    FieldType {
        storage: StorageType::Val(ty),
        mutable: false,
    }
}

fn width_log2(storage: StorageType) -> u8 {
    match storage {
        StorageType::I8 => 0,
        StorageType::I16 => 1,
        StorageType::Val(ValType::I32 | ValType::F32) => 2,
        StorageType::Val(ValType::I64 | ValType::F64 | ValType::Ref(_)) => 3,
        StorageType::Val(ValType::V128) => 4,
    }
}

fn may_refer_to_objects(storage: StorageType) -> bool {
    matches!(storage, StorageType::Val(ValType::Ref(ty)) if ty.may_refer_to_objects())
}

impl RefType {
    /// True if a reference of this type may refer to an object of the heap. A function is not one.
    pub fn may_refer_to_objects(self) -> bool {
        use AbstractHeapType as A;
        matches!(self.heap.top(), A::Any | A::Extern | A::Exn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::FuncType;
    use std::sync::Arc;

    fn field(storage: StorageType) -> FieldType {
        FieldType {
            storage,
            mutable: true,
        }
    }

    fn offsets(layout: &Layout) -> Vec<u32> {
        layout.fields.iter().map(|f| f.offset_bytes).collect()
    }

    #[test]
    fn fields_are_packed_and_aligned() {
        let types = [
            StorageType::I8,
            StorageType::I16,
            StorageType::I8,
            StorageType::Val(ValType::Ref(RefType::nullable(AbstractHeapType::Any))),
            StorageType::Val(ValType::F32),
            StorageType::Val(ValType::Ref(RefType::FUNCREF)),
            StorageType::Val(ValType::V128),
            StorageType::I8,
        ]
        .map(field);
        let layout = Layout::of(&CompositeType::Struct(types.into()));
        assert_eq!(offsets(&layout), [8, 10, 12, 16, 24, 32, 40, 56]);
        assert_eq!(layout.size_bytes, 64);
        assert_eq!(*layout.refs, [16], "functions are not in the heap");
        let prefix = Layout::of(&CompositeType::Struct(types[..3].into()));
        assert_eq!(offsets(&layout)[..3], offsets(&prefix));
    }

    #[test]
    fn arrays_begin_behind_the_head() {
        let element = field(StorageType::I16);
        let layout = Layout::of(&CompositeType::Array(element));
        assert_eq!((layout.size_bytes, layout.fields[0].offset_bytes), (8, 8));
        assert_eq!(layout.fields[0].size_log2, 1);
    }

    #[test]
    fn payloads_are_slots_behind_the_tag() {
        let ty = FuncType {
            params: [
                ValType::I32,
                ValType::V128,
                ValType::Ref(RefType::EXTERNREF),
            ]
            .into(),
            results: [].into(),
        };
        let layout = Layout::of(&CompositeType::Func(Arc::new(ty)));
        assert_eq!(offsets(&layout), [16, 24, 40]);
        assert_eq!((layout.size_bytes, &*layout.refs), (48, &[40][..]));
    }
}
