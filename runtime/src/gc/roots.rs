//! References that the host holds: each has a handle, and lives until its scope ends.
//!
//! A handle is a place in a stack of words; an object that already has a place is not given
//! another, so that equal handles are the same object. Ending a scope cuts the stack back to where
//! it began. A stamp tells a handle from a later one at the same place: one that was released is
//! found out.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::value::{GcRef, StoreId};

/// The stack of the objects that the host holds. Shared borrows of a store may add to it.
#[derive(Debug)]
pub(super) struct Roots {
    /// Tells the handles of one heap from those of another.
    store: StoreId,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: Vec<Held>,
    places: HashMap<u32, u32>,
    last_stamp: u64,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    object: u32,
    stamp: u64,
}

impl Roots {
    /// Nothing held, for the host of a store.
    pub(super) fn new(store: StoreId) -> Roots {
        Roots {
            store,
            inner: RefCell::default(),
        }
    }

    /// The handle of an object: the one that it has, or a new one.
    pub(super) fn hold(&self, object: u32) -> GcRef {
        let mut inner = self.inner.borrow_mut();
        let place = match inner.places.get(&object) {
            Some(&place) => place,
            None => inner.push(object),
        };
        GcRef {
            store: self.store,
            place,
            stamp: inner.held[place as usize].stamp,
        }
    }

    /// The object of a handle, unless it has been released.
    pub(super) fn object(&self, handle: GcRef) -> Option<u32> {
        let inner = self.inner.borrow();
        let held = inner.held.get(handle.place as usize)?;
        let is_it = handle.store == self.store && held.stamp == handle.stamp;
        is_it.then_some(held.object)
    }

    /// The position at which a scope begins.
    pub(super) fn open(&self) -> usize {
        self.inner.borrow().held.len()
    }

    /// Releases the objects that have been added since a scope began.
    pub(super) fn close(&self, len: usize) {
        let mut inner = self.inner.borrow_mut();
        while inner.held.len() > len {
            if let Some(held) = inner.held.pop() {
                inner.places.remove(&held.object);
            }
        }
    }

    pub(super) fn words(&self) -> Vec<u64> {
        let inner = self.inner.borrow();
        inner.held.iter().map(|held| held.object.into()).collect()
    }
}

impl Inner {
    fn push(&mut self, object: u32) -> u32 {
        let place = self.held.len() as u32;
        self.last_stamp += 1;
        self.held.push(Held {
            object,
            stamp: self.last_stamp,
        });
        self.places.insert(object, place);
        place
    }
}
