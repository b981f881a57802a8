//! Exceptions as the host sees them: reading those that leave Wasm code, and throwing its own.
//!
//! A host function that gives back the error it got lets the same exception go on.

use super::func::{read_values, write_values};
use super::{Caller, Store, StoreData, TagHandle, check_store, collect};
use crate::error::{Error, Result};
use crate::gc;
use crate::trap::TrapKind;
use crate::value::{GcRef, Objects, Ref, Val};

/// An exception of a store, valid as long as any reference: until the scope is closed in which it
/// was had (`Store::open_scope`). Equal handles are the same exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exception {
    handle: GcRef,
}

impl Exception {
    /// A new exception of `tag`, carrying values of the tag's parameter types.
    ///
    /// # Errors
    /// `Usage` if the values are not of these types; `Trap` if the heap is used up.
    pub fn new(store: &mut Store, tag: TagHandle, values: &[Val]) -> Result<Exception> {
        // SAFETY: the store is borrowed uniquely.
        unsafe { StoreData::new_exception(store.as_ptr(), tag, values) }
    }

    /// The exception that a call ended with, if its error says so.
    pub fn of(error: &Error) -> Option<Exception> {
        error.exception.map(|handle| Exception { handle })
    }

    /// The exception that a reference refers to.
    pub fn from_ref(reference: Ref) -> Option<Exception> {
        match reference {
            Ref::Exn(handle) => Some(Exception { handle }),
            _other => None,
        }
    }

    /// The reference to it.
    pub fn to_ref(self) -> Ref {
        Ref::Exn(self.handle)
    }

    /// What a host function gives back to throw it.
    pub fn to_error(self) -> Error {
        Error::exception(self.handle)
    }

    /// Its tag, and what it carries; `None` if it has been released.
    pub fn get(self, store: &Store) -> Option<(TagHandle, Vec<Val>)> {
        store.data().exception(self.handle)
    }
}

impl Caller<'_> {
    /// The error by which a host function throws a new exception of `tag`.
    ///
    /// # Errors
    /// As [`Exception::new`].
    pub fn throw(&mut self, tag: TagHandle, values: &[Val]) -> Result<Error> {
        // SAFETY: a `Caller` stands for the unique borrow of a live store.
        let exception = unsafe { StoreData::new_exception(self.data, tag, values)? };
        Ok(exception.to_error())
    }

    /// Tag and values of the exception that a call ended with, if its error says so.
    pub fn exception(&self, error: &Error) -> Option<(TagHandle, Vec<Val>)> {
        // SAFETY: as above.
        let data = unsafe { &*self.data };
        data.exception(error.exception?)
    }
}

impl StoreData {
    /// A new exception.
    ///
    /// # Safety
    /// `data` is a live store into which no reference is in use.
    unsafe fn new_exception(
        data: *mut StoreData,
        tag: TagHandle,
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
        write_values(&store.heap, values, &mut payload);
        let top = store.cx.top;
        // SAFETY: the caller's contract; `tag` is of this store, and `payload` has its slots.
        let word =
            unsafe { collect::new_exception(&raw mut (*data).cx, tag, payload.as_ptr(), top) };
        let word = word.ok_or_else(|| Error::trap(TrapKind::HeapExhausted))?;
        // SAFETY: the exception is made, so that a reference may be made again.
        let (_, handle) = unsafe { (*data).heap.hold(word as u32) };
        Ok(Exception { handle })
    }

    fn exception(&self, handle: GcRef) -> Option<(TagHandle, Vec<Val>)> {
        let (_, object) = self.heap.object(handle)?;
        let word = u64::from(object);
        // SAFETY: the host has handles of kind exception from references of that hierarchy only,
        // and what is read of it is copied before a collection can free it.
        let (tag, slots) = unsafe {
            let tag = &*gc::exception_tag(&self.cx, word);
            let payload = gc::exception_payload(&self.cx, word);
            let slots = std::slice::from_raw_parts(payload, tag.payload_slots as usize);
            (tag, slots)
        };
        let types = self.engine.registry().func(tag.ty);
        let values = read_values(&self.heap, &types.params, slots);
        let (store, index) = (self.id, tag.id);
        Some((TagHandle { store, index }, values))
    }
}
