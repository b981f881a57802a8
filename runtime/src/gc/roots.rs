//! References that the host holds: each has a handle, and lives until its scope ends.
//!
//! A handle is a place in a stack of words; an object that already has a place is not given
//! another, so that equal handles are the same object. Ending a scope cuts the stack back to where
//! it began. A stamp tells a handle from a later one at the same place: one that was released is
//! found out.

use std::cell::RefCell;
use std::collections::HashMap;

use std::sync::atomic::{AtomicU32, Ordering};

use crate::value::GcRef;

/// The stack of what the host holds. Shared borrows of a store may add to it.
#[derive(Debug)]
pub(super) struct Roots {
    /// Tells the handles of one heap from those of another.
    heap: u32,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: Vec<Held>,
    places: HashMap<u32, u32>,
    last_stamp: u32,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    object: u32,
    stamp: u32,
}

impl Default for Roots {
    fn default() -> Roots {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Roots {
            heap: NEXT.fetch_add(1, Ordering::Relaxed),
            inner: RefCell::default(),
        }
    }
}

impl Roots {
    /// The handle of an object: the one that it has, or a new one.
    pub(super) fn hold(&self, object: u32) -> GcRef {
        let mut inner = self.inner.borrow_mut();
        let place = match inner.places.get(&object) {
            Some(&place) => place,
            None => inner.push(object),
        };
        GcRef {
            heap: self.heap,
            place,
            stamp: inner.held[place as usize].stamp,
        }
    }

    /// The object of a handle, unless it has been released.
    pub(super) fn object(&self, handle: GcRef) -> Option<u32> {
        let inner = self.inner.borrow();
        let held = inner.held.get(handle.place as usize)?;
        let is_it = handle.heap == self.heap && held.stamp == handle.stamp;
        is_it.then_some(held.object)
    }

    /// Where a scope begins.
    pub(super) fn open(&self) -> usize {
        self.inner.borrow().held.len()
    }

    /// Releases what has been added since a scope began.
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
        self.last_stamp = self.last_stamp.wrapping_add(1);
        self.held.push(Held {
            object,
            stamp: self.last_stamp,
        });
        self.places.insert(object, place);
        place
    }
}
