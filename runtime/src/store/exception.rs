//! Exceptions as the host sees them: reading those that leave Wasm code, and throwing its own.
//!
//! A host function that gives back the error it got lets the same exception go on.

use super::func::{read_values, write_values};
use super::{Caller, Store, StoreData, TagHandle, check_store, collect};
use crate::error::{Error, Result};
use crate::gc;
use crate::trap::TrapKind;
use crate::value::{ExnWord, Ref, Val};

/// An exception of a store. Equal handles are the same exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exception {
    store: u32,
    word: ExnWord,
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
    pub fn of(store: &Store, error: &Error) -> Option<Exception> {
        let store = store.data().id;
        error.exception.map(|word| Exception { store, word })
    }

    /// The exception that a reference of this store refers to.
    pub fn from_ref(store: &Store, word: ExnWord) -> Exception {
        let store = store.data().id;
        Exception { store, word }
    }

    /// The reference to it.
    pub fn to_ref(self) -> Ref {
        Ref::Exn(self.word)
    }

    /// What a host function gives back to throw it.
    pub fn to_error(self) -> Error {
        Error::exception(self.word)
    }

    /// Its tag.
    pub fn tag(self, store: &Store) -> TagHandle {
        store.data().exception_tag(self.word)
    }

    /// What it carries.
    pub fn values(self, store: &Store) -> Vec<Val> {
        store.data().exception_values(self.word)
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
        let word = error.exception?;
        Some((data.exception_tag(word), data.exception_values(word)))
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
        write_values(values, &mut payload);
        let (store, top) = (store.id, store.cx.top);
        // SAFETY: the caller's contract; `tag` is of this store, and `payload` has its slots.
        let word =
            unsafe { collect::new_exception(&raw mut (*data).cx, tag, payload.as_ptr(), top) };
        let word = word.ok_or_else(|| Error::trap(TrapKind::HeapExhausted))?;
        let word = ExnWord(word);
        Ok(Exception { store, word })
    }

    fn exception_tag(&self, word: ExnWord) -> TagHandle {
        // SAFETY: a word that the host holds is that of an exception of its store.
        let index = unsafe { (*gc::exception_tag(&self.cx, word.0)).id };
        let store = self.id;
        TagHandle { store, index }
    }

    fn exception_values(&self, word: ExnWord) -> Vec<Val> {
        // SAFETY: as above; what is read of it is copied before a collection can free it.
        let (ty, slots) = unsafe {
            let tag = gc::exception_tag(&self.cx, word.0);
            let slots = (*tag).payload_slots as usize;
            let payload = gc::exception_payload(&self.cx, word.0);
            ((*tag).ty, std::slice::from_raw_parts(payload, slots))
        };
        read_values(&self.engine.registry().func(ty).params, slots)
    }
}
