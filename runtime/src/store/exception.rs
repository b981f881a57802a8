//! Exceptions as the host sees them: reading those that leave Wasm code, and throwing its own.
//!
//! A host function that gives back the error it got lets the same exception go on.

use super::func::{read_values, write_values};
use super::{StoreData, Tag, check_store, collect};
use crate::error::{Error, Result};
use crate::gc;
use crate::trap::TrapKind;
use crate::types::CompositeKind;
use crate::value::{Exception, GcRef, Val};

impl StoreData {
    /// A new exception.
    ///
    /// # Safety
    /// `data` is a live store into which no reference is in use.
    pub(crate) unsafe fn new_exception(
        data: *mut StoreData,
        tag: Tag,
        values: &[Val],
    ) -> Result<Exception> {
        // SAFETY: the caller's contract; the reference ends before the exception is made.
        let store = unsafe { &mut *data };
        check_store(tag.store, store)?;
        let tag = &raw mut store.tags[tag.index as usize].inst;
        // SAFETY: tags of a store live as long as the store.
        let (ty, slots) = unsafe { ((*tag).ty, (*tag).payload_slots) };
        store.check_values(values, &store.engine.registry().func(ty).params)?;
        let mut payload = vec![0; slots as usize];
        write_values(store, values, &mut payload);
        let top = store.cx.top;
        // SAFETY: the caller's contract; `tag` is of this store, and `payload` has its slots.
        let word =
            unsafe { collect::new_exception(&raw mut (*data).cx, tag, payload.as_ptr(), top) };
        let word = word.ok_or_else(|| Error::trap(TrapKind::HeapExhausted))?;
        // SAFETY: the exception is made, so that a reference may be made again.
        let (_, handle) = unsafe { (*data).heap.hold(word as u32) };
        Ok(Exception { handle })
    }

    /// Tag and values of an exception; `None` if the handle is not one, has been released, or is
    /// another store's.
    pub(crate) fn exception(&self, handle: GcRef) -> Option<(Tag, Vec<Val>)> {
        let (ty, object) = self.heap.object(handle)?;
        if ty.kind != CompositeKind::Func {
            return None;
        }
        let word = u64::from(object);
        // SAFETY: an object of a function type is an exception; what is read of it is copied before
        // a collection can free it.
        let (tag, slots) = unsafe {
            let tag = &*gc::exception_tag(&self.cx, word);
            let payload = gc::exception_payload(&self.cx, word);
            let slots = std::slice::from_raw_parts(payload, tag.payload_slots as usize);
            (tag, slots)
        };
        let params = &self.heap.func_type(tag.ty).params;
        let mut values = vec![Val::I32(0); params.len()];
        // SAFETY: the payload is of the tag's parameter types.
        unsafe { read_values(self, params, slots, &mut values) };
        let (store, index) = (self.id, tag.id);
        Some((Tag { store, index }, values))
    }
}
