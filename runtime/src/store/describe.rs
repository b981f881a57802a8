//! The state of a store in canonical words: two engines that have done the same give the same ones,
//! wherever their functions and objects lie. For comparing engines, or a store with itself.
//!
//! A reference is described by its kind and number: a function's in the store, a host reference's
//! as the host chose it, an i31's value, an object's in the order in which a walk from the globals
//! and tables comes to it. The walk is breadth-first and keeps what it has still to visit in a list
//! of its own, so that neither depth nor cycles matter.
//!
//! `unsafe` here reads functions and objects by their addresses.

use std::collections::HashMap;

use super::{Global, StoreData, Table, assert_store};
use crate::gc;
use crate::types::{AbstractHeapType, EXCEPTION_HEADER_BYTES, OBJECT_HEADER_BYTES};
use crate::types::{CompositeType, FieldLayout, HeapType, RefType, StorageType, ValType};
use crate::vm::{FuncInst, GcHeader, TagInst};

/// Takes the words of a description.
type Sink<'a> = dyn FnMut(u64) + 'a;

const FUNC: u64 = 1 << 32;
const I31: u64 = 2 << 32;
const HOST: u64 = 3 << 32;
const OBJECT: u64 = 4 << 32;
const VALUE: u64 = 5 << 32;

/// A reference to an object, as far as one can tell without a walk.
const SOME_OBJECT: u32 = 0;

impl StoreData {
    /// Describes the value of a global; of an object, only that it is one.
    pub fn describe_global(&self, global: Global, sink: &mut Sink<'_>) {
        assert_store(global.store, self);
        let global = &self.globals[global.index as usize];
        let slots = global.inst.slots;
        match global.ty.content {
            ValType::Ref(ty) => sink(reference(ty, slots[0], |_| SOME_OBJECT)),
            ValType::V128 => slots.into_iter().for_each(&mut *sink),
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => sink(slots[0]),
        }
    }

    /// Describes the length and every element of a table; of an object, only that it is one.
    pub fn describe_table(&self, table: Table, sink: &mut Sink<'_>) {
        assert_store(table.store, self);
        let table = &self.tables[table.index as usize];
        sink(table.len());
        for &word in table.words() {
            sink(reference(table.ty.element, word, |_| SOME_OBJECT));
        }
    }

    /// Describes all objects that globals and tables reach: which global or element refers to which
    /// of them, then the type and the contents of each.
    pub fn describe_objects(&self, sink: &mut Sink<'_>) {
        let mut walk = Walk {
            data: self,
            numbers: HashMap::new(),
            found: Vec::new(),
        };
        // A tier may have made the heap for objects that are gone, and another one not at all.
        let mut roots = Vec::new();
        walk.roots(&mut |word| roots.push(word));
        if walk.found.is_empty() {
            return;
        }
        roots.into_iter().for_each(&mut *sink);
        let mut next = 0;
        while let Some(&object) = walk.found.get(next) {
            walk.object(object, sink);
            next += 1;
        }
    }
}

/// A reference as a word; `number` gives that of an object.
fn reference(ty: RefType, word: u64, number: impl FnOnce(u32) -> u32) -> u64 {
    if word == 0 {
        return 0;
    }
    if ty.heap.top() == AbstractHeapType::Func {
        // SAFETY: a function reference is the address of a function of the store.
        return FUNC | u64::from(unsafe { (*(word as *const FuncInst)).id });
    }
    match word & 7 {
        0 => OBJECT | u64::from(number(word as u32)),
        2 => HOST | word >> 32,
        4 => VALUE | word >> 32,
        _ => I31 | (word as u32 >> 1) as u64,
    }
}

/// A walk over the objects of a store.
struct Walk<'a> {
    data: &'a StoreData,
    /// The number of each object that has been found.
    numbers: HashMap<u32, u32>,
    /// The objects by number.
    found: Vec<u32>,
}

impl Walk<'_> {
    fn reference(&mut self, ty: RefType, word: u64) -> u64 {
        let Walk { numbers, found, .. } = self;
        reference(ty, word, |object| {
            *numbers.entry(object).or_insert_with(|| {
                found.push(object);
                found.len() as u32
            })
        })
    }

    fn roots(&mut self, sink: &mut Sink<'_>) {
        let data = self.data;
        for global in &data.globals {
            if let ValType::Ref(ty) = global.ty.content
                && ty.may_refer_to_objects()
            {
                sink(self.reference(ty, global.inst.slots[0]));
            }
        }
        for table in &data.tables {
            let ty = table.ty.element;
            if ty.may_refer_to_objects() {
                let elements = table.words().iter().zip(0..);
                for (&word, index) in elements.filter(|(word, _)| **word != 0) {
                    sink(index);
                    sink(self.reference(ty, word));
                }
            }
        }
    }

    fn object(&mut self, object: u32, sink: &mut Sink<'_>) {
        // SAFETY: the walk finds objects only, whose heads have been written.
        let GcHeader { ty, extra } = unsafe { *self.data.heap.header(object) };
        let defined = self.data.heap.defined(ty);
        let fields = defined.layout.fields.iter().copied();
        sink(ty.0.into());
        match &defined.sub.composite {
            CompositeType::Struct(_) => {
                if defined.sub.descriptor.is_some() {
                    sink(self.reference(ANY, extra.into()));
                }
                fields.for_each(|field| self.field(object, field, sink));
            }
            CompositeType::Array(_) => {
                sink(extra.into());
                for mut field in fields {
                    for _ in 0..extra {
                        self.field(object, field, sink);
                        field.offset_bytes += 1 << field.size_log2;
                    }
                }
            }
            CompositeType::Func(_) => {
                sink(self.tag(object));
                fields.for_each(|field| self.field(object, field, sink));
            }
            CompositeType::Cont(_) => {}
        }
    }

    fn field(&mut self, object: u32, at: FieldLayout, sink: &mut Sink<'_>) {
        let base = self.data.heap.header(object).cast::<u8>();
        let at_bytes = base.wrapping_add(at.offset_bytes as usize);
        // SAFETY: layouts say where an object's fields are, and how wide.
        let [low, high] = unsafe { gc::read_field(at_bytes, at.size_log2) };
        match at.storage {
            StorageType::Val(ValType::Ref(ty)) => sink(self.reference(ty, low)),
            StorageType::I8 | StorageType::I16 | StorageType::Val(_) => sink(low),
        }
        if at.size_log2 == 4 {
            sink(high);
        }
    }

    /// The number of an exception's tag.
    fn tag(&self, object: u32) -> u64 {
        const { assert!(EXCEPTION_HEADER_BYTES == OBJECT_HEADER_BYTES + 8) };
        let base = self.data.heap.header(object).cast::<u8>();
        let at = base.wrapping_add(OBJECT_HEADER_BYTES as usize);
        // SAFETY: the tag's address follows the head of an exception; tags live as long as stores.
        unsafe { (**at.cast::<*const TagInst>()).id.into() }
    }
}

/// The type that a descriptor is referred to by.
const ANY: RefType = RefType {
    nullable: true,
    heap: HeapType::Abstract(AbstractHeapType::Any),
};
