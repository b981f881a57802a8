//! The garbage-collected heap (spec: "Structure Instances", "Array Instances", "Exception
//! Instances"): a non-moving mark-sweep collector in one reserved range of addresses.
//!
//! # References
//! A reference to an object is the object's offset from the arena's base, a multiple of 8 below
//! 2^32 and never 0. In the slots of the hierarchies any, extern and exn it shares its words with
//! what is not in the heap: 0 is null, an odd word is an i31, and a word that ends in binary 010 is
//! a host's reference (`value.rs` has both). A word that is a multiple of 8 is an object's.
//!
//! # Objects
//! An object is a [`GcHeader`] and what the [`Layout`](crate::types::Layout) of its canonical
//! type says. Small objects lie in the cells of blocks of their size class (`gc/space.rs`), large
//! ones in units of their own. A bit for every 8 bytes says where an object begins.
//!
//! # Allocation
//! [`allocate_fast`] is what every tier does inline: it takes the next cell of its class's run.
//! When the run has ended, `Heap::allocate` finds the next one. Neither of them collects:
//! the store does, which knows the roots (`store/collect.rs`).
//!
//! # Collection
//! The store marks from its roots, then calls `Heap::finish`, which traces what they reach with a
//! stack of its own (`gc/mark.rs`) and sweeps: it goes over bits and blocks, never over objects.
//! A collection is due once as many bytes have been allocated as the last one has left alive, so
//! that the total cost is linear in what is allocated.
//!
//! Invariants: between two collections the start bits are set for every object and for every cell
//! of a run that has not been taken yet; while marking, for objects only. An object's head and all
//! its references are written before the next allocation. `unsafe` here is access to the arena.

mod arena;
mod bits;
mod cast;
mod mark;
mod object;
mod roots;
mod size;
mod space;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use cast::{Cast, CastTest, has_descriptor};
pub use object::{
    aggregate_operands, element, field, fill, header, makes_object, operand_slots, read_field,
    write_elements, write_field, write_fields,
};
pub use size::GcCell;
use space::Space;

use crate::limits::GC_HEAP_BYTES_MAX;
use crate::types::{
    CompositeType, DefinedType, EXCEPTION_HEADER_BYTES, FuncType, TypeId, TypeRef, TypeRegistry,
};
use crate::value::{GcRef, StoreId};
use crate::vm::{Cx, DISPLAY_LEN, Display, GcHeader, NO_TYPE, TagInst};

/// The contents of a heap and the work it has done.
///
/// ```
/// use wassay_runtime::{Config, Engine, GcStatistics, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let store = Store::new(&engine, ());
/// let statistics: GcStatistics = store.gc_statistics();
/// assert_eq!((statistics.objects(), statistics.live_bytes()), (0, 0));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcStatistics {
    live_bytes: u64,
    objects: u64,
    collections: u64,
}

impl GcStatistics {
    /// Bytes of all objects, as large as their cells.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// The number of objects, including dead ones that no collection has found yet.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// The number of collections so far.
    pub fn collections(&self) -> u64 {
        self.collections
    }
}

/// A heap.
#[derive(Debug)]
pub struct Heap {
    space: Space,
    types: Types,
    /// Objects that are marked and not yet traced.
    pending: Vec<u32>,
    roots: roots::Roots,
    /// Words that are roots while an instance is initialised.
    pub(crate) initializing: Vec<u64>,
    collections: u64,
    stress: bool,
}

impl Heap {
    /// An empty heap. It takes no memory until something is allocated.
    pub fn new(store: StoreId, registry: Arc<TypeRegistry>, bytes_max: u64, stress: bool) -> Heap {
        Heap {
            space: Space::new(bytes_max.min(GC_HEAP_BYTES_MAX), stress),
            types: Types {
                registry,
                defined: Vec::new(),
                displays: Vec::new(),
            },
            pending: Vec::new(),
            roots: roots::Roots::new(store),
            initializing: Vec::new(),
            collections: 0,
            stress,
        }
    }

    /// Lets code see the heap as it is now: after new types, and after an allocation out of line.
    pub(crate) fn publish(&mut self, cx: &mut Cx) {
        self.types.update();
        cx.gc_base = self.space.base();
        cx.gc_runs = self.space.runs();
        cx.displays = self.types.displays.as_ptr();
    }

    /// True if the next allocation should collect first.
    pub(crate) fn is_collection_due(&self) -> bool {
        self.stress || self.space.is_budget_spent()
    }

    /// A new object of `bytes` and its head; the caller writes the rest before anything else is
    /// allocated. `None` if the heap is full.
    pub(crate) fn allocate(&mut self, header: GcHeader, bytes: u64) -> Option<u32> {
        let object = self.space.allocate(bytes)?;
        // SAFETY: the space gave the object room for its head and more.
        unsafe { self.header(object).write(header) };
        Some(object)
    }

    /// A type that an object of the heap has.
    pub(crate) fn defined(&self, id: TypeId) -> &DefinedType {
        self.types.get(id)
    }

    /// The function type of an id that is one.
    pub(crate) fn func_type(&self, id: TypeId) -> &Arc<FuncType> {
        match &self.types.get(id).sub.composite {
            CompositeType::Func(ty) => ty,
            CompositeType::Struct(_) | CompositeType::Array(_) | CompositeType::Cont(_) => {
                unreachable!("type {} is not a function's", id.0)
            }
        }
    }

    /// The head of an object.
    pub(crate) fn header(&self, object: u32) -> *mut GcHeader {
        self.space.base().wrapping_add(object as usize).cast()
    }

    /// The size in bytes of an object whose type is not an array type.
    pub(crate) fn size_bytes(&self, id: TypeId) -> u32 {
        self.types.get(id).layout.size_bytes
    }

    /// The canonical type of an object, and a handle that keeps it alive.
    pub(crate) fn hold(&self, object: u32) -> (TypeRef, GcRef) {
        (self.type_of(object), self.roots.hold(object))
    }

    /// The canonical type and the offset of a handle's object, unless it has been released.
    pub(crate) fn object(&self, handle: GcRef) -> Option<(TypeRef, u32)> {
        let object = self.roots.object(handle)?;
        Some((self.type_of(object), object))
    }

    /// Begins a scope of the objects that the host holds.
    #[inline]
    pub(crate) fn open_scope(&self) -> usize {
        self.roots.open()
    }

    /// Releases all that the host has come to hold since the scope began.
    #[inline]
    pub(crate) fn close_scope(&self, scope: usize) {
        self.roots.close(scope);
    }

    fn type_of(&self, object: u32) -> TypeRef {
        // SAFETY: the callers name objects of this heap.
        let id = unsafe { (*self.header(object)).ty };
        let kind = self.types.get(id).sub.composite.kind();
        TypeRef { id, kind }
    }

    /// The present contents of the heap.
    pub fn statistics(&self) -> GcStatistics {
        let (objects, live_bytes) = self.space.count();
        GcStatistics {
            live_bytes,
            objects,
            collections: self.collections,
        }
    }
}

/// The next cell of a size class, `None` if it takes more than moving on in the class's run, or if
/// the class is that of large objects. The caller writes the object's head and its references
/// before anything else is allocated.
///
/// # Safety
/// `cx` is the context of a live store, `cell` a cell of one of the classes.
#[inline(always)]
pub unsafe fn allocate_fast(cx: *mut Cx, cell: GcCell) -> Option<u32> {
    // SAFETY: the caller's contract; a published heap has a run for each class.
    unsafe {
        let run = &mut *(*cx).gc_runs.add(cell.class as usize);
        let object = run.cursor;
        if object == run.end {
            return None;
        }
        run.cursor = object + cell.bytes;
        Some(object)
    }
}

/// The tag of an exception.
///
/// # Safety
/// `exception` is the word of an exception of the store that `cx` belongs to.
#[inline(always)]
pub unsafe fn exception_tag(cx: *const Cx, exception: u64) -> *mut TagInst {
    // SAFETY: the caller's contract; the tag's address follows the head.
    unsafe {
        let object = (*cx).gc_base.add(exception as usize);
        *object.add(size_of::<GcHeader>()).cast::<*mut TagInst>()
    }
}

/// The payload of an exception, as slots.
///
/// # Safety
/// As for [`exception_tag`].
#[inline(always)]
pub unsafe fn exception_payload(cx: *const Cx, exception: u64) -> *mut u64 {
    // SAFETY: the caller's contract; the payload follows the tag's address.
    unsafe {
        let object = (*cx).gc_base.add(exception as usize);
        object.add(EXCEPTION_HEADER_BYTES as usize).cast::<u64>()
    }
}

/// The heap's copy of facts about types: the registry is asked once for each type.
#[derive(Debug)]
struct Types {
    registry: Arc<TypeRegistry>,
    defined: Vec<Arc<DefinedType>>,
    displays: Vec<Display>,
}

impl Types {
    /// Takes in the new types of the registry.
    fn update(&mut self) {
        let new = self.registry.since(self.defined.len());
        for defined in &new {
            let mut types = [NO_TYPE; DISPLAY_LEN];
            for (slot, &id) in types.iter_mut().zip(&defined.display) {
                *slot = id;
            }
            self.displays.push(Display {
                types,
                kind: defined.sub.composite.kind() as u32,
                len: defined.display.len() as u32,
                full: defined.display.as_ptr(),
            });
        }
        self.defined.extend(new);
    }

    fn get(&self, id: TypeId) -> &DefinedType {
        &self.defined[id.0 as usize]
    }
}
