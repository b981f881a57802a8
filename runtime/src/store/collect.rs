//! Collections, which the store runs, since it has the roots: the value stack, tables, globals,
//! element segments, the exception on its way, and the references that the host holds.
//!
//! The value stack is gone over conservatively up to [`Cx::top`]: a word there counts if an object
//! begins at that offset. An allocation therefore names the first slot above everything that is
//! live; words out of use may keep garbage for a while, and nothing else. The native stack is gone
//! over in the same way while compiled code runs. The other roots are typed.
//!
//! Invariants: a collection runs only inside of an allocation out of line or when the host asks for
//! one, so references may be in registers at any other time. `unsafe` here follows addresses that
//! running code holds.

use super::StoreData;
use super::func::native_stack_address;
use crate::gc::{self, GcCell, Heap};
use crate::types::{EXCEPTION_HEADER_BYTES, OBJECT_HEADER_BYTES, ValType};
use crate::vm::{Cx, GcHeader, TagInst};

impl StoreData {
    /// A new object, after a collection if one is due or if the object has no room without. `None`
    /// if the heap is exhausted.
    ///
    /// Roots on the value stack are those below `Cx::top`. The caller writes what follows the head
    /// before anything else is allocated.
    pub(crate) fn allocate(&mut self, header: GcHeader, bytes: u64) -> Option<u32> {
        let is_due = self.heap.is_collection_due();
        if is_due {
            self.collect();
        }
        let mut object = self.heap.allocate(header, bytes);
        if object.is_none() && !is_due {
            self.collect();
            object = self.heap.allocate(header, bytes);
        }
        self.heap.publish(&mut self.cx);
        object
    }

    /// Runs a collection.
    pub(crate) fn collect(&mut self) {
        self.heap.begin();
        let values = self
            .stacks
            .as_ref()
            .map_or(&[][..], |stacks| &stacks.values);
        let stack_slots = (self.cx.top as usize - values.as_ptr() as usize) / 8;
        self.heap.mark_all(&values[..stack_slots]);
        self.heap.mark(self.cx.exception);
        let native_bytes = self.mark_native_frames();
        let table_words = mark_tables(&mut self.heap, &self.tables);
        for global in &self.globals {
            if may_refer_to_objects(global.ty.content) {
                self.heap.mark(global.inst.slots[0]);
            }
        }
        for instance in &self.instances {
            instance.mark_elements(&mut self.heap);
        }
        let root_bytes = (stack_slots + table_words) * 8 + native_bytes;
        self.heap.finish(root_bytes as u64);
    }

    /// Marks the referents of frames of compiled code, conservatively, from here up to the
    /// outermost entry: host frames in between included. Code that leaves compiled code for
    /// something that may collect has put the registers there. Gives the number of bytes.
    fn mark_native_frames(&mut self) -> usize {
        if self.cx.jit_entry_sp == 0 {
            return 0; // no compiled code is running
        }
        let start = native_stack_address().next_multiple_of(size_of::<u64>());
        for address in (start..self.native_base).step_by(size_of::<u64>()) {
            // SAFETY: the stack of this thread between this frame and one that has not ended.
            let word = unsafe { (address as *const u64).read_volatile() };
            self.heap.mark_native(word);
        }
        self.native_base.saturating_sub(start)
    }
}

/// Marks the referents of tables: the number of words.
fn mark_tables(heap: &mut Heap, tables: &[Box<crate::table::TableData>]) -> usize {
    let mut words = 0;
    for table in tables {
        if table.ty.element.may_refer_to_objects() {
            heap.mark_all(table.words());
            words += table.words().len();
        }
    }
    words
}

fn may_refer_to_objects(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(r) if r.may_refer_to_objects())
}

/// A new object for running code, whose live slots all lie below `top`: its address, or `None` if
/// the heap is exhausted. The caller writes what follows the head before anything else is
/// allocated.
///
/// # Safety
/// `cx` is the context of a live store into which no reference is in use; `top` lies in its value
/// stack.
pub unsafe fn new_object(
    cx: *mut Cx,
    header: GcHeader,
    bytes: u64,
    top: *mut u64,
) -> Option<*mut u8> {
    // SAFETY: the caller's contract.
    unsafe {
        let object = match gc::allocate_fast(cx, GcCell::of(bytes)) {
            Some(object) => object,
            None => allocate(cx, header, bytes, top)?,
        };
        let at = (*cx).gc_base.add(object as usize);
        at.cast::<GcHeader>().write(header);
        Some(at)
    }
}

/// A new object's room, where [`gc::allocate_fast`] has none.
///
/// # Safety
/// As for [`new_object`].
#[cold]
pub(crate) unsafe fn allocate(
    cx: *mut Cx,
    header: GcHeader,
    bytes: u64,
    top: *mut u64,
) -> Option<u32> {
    // SAFETY: the contract of `new_object`.
    unsafe {
        let store = &mut *(*cx).store.cast::<StoreData>();
        let before = std::mem::replace(&mut store.cx.top, top);
        let object = store.allocate(header, bytes);
        store.cx.top = before;
        object
    }
}

/// A new exception with a tag and its payload's slots: its word, or `None` if the heap is
/// exhausted.
///
/// # Safety
/// As for [`new_object`]; `tag` is a tag of the store, and `payload` has the slots of its
/// parameters, which lie below `top` if they are on the value stack.
pub unsafe fn new_exception(
    cx: *mut Cx,
    tag: *mut TagInst,
    payload: *const u64,
    top: *mut u64,
) -> Option<u64> {
    // SAFETY: the caller's contract.
    unsafe {
        let ty = (*tag).ty;
        let store = &*(*cx).store.cast::<StoreData>();
        let bytes = store.heap.size_bytes(ty);
        let at = new_object(cx, GcHeader { ty, extra: 0 }, bytes.into(), top)?;
        let tag_at = at.add(OBJECT_HEADER_BYTES as usize);
        tag_at.cast::<*mut TagInst>().write(tag);
        let slots = (bytes - EXCEPTION_HEADER_BYTES) / 8;
        let to = at.add(EXCEPTION_HEADER_BYTES as usize).cast::<u64>();
        std::ptr::copy_nonoverlapping(payload, to, slots as usize);
        Some(at as u64 - (*cx).gc_base as u64)
    }
}
