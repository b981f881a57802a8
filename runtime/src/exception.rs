//! Exceptions (spec: "Exception Instances"): a tag and the values that it was thrown with.
//!
//! An exception is named by its reference word, which is what an exnref slot holds: never 0. The
//! payload is as many slots as the tag says, laid out as on the value stack. Whoever makes one has
//! every live reference on the value stack, below `Cx::top`.

use crate::trap::TrapKind;
use crate::vm::{Cx, TagInst};

/// The exceptions of a store: each is its tag, then its payload.
#[derive(Debug)]
pub struct Exceptions {
    words: Vec<u64>,
}

impl Default for Exceptions {
    fn default() -> Exceptions {
        Exceptions { words: vec![0] } // so that no exception is at 0
    }
}

/// Makes an exception of `tag` with the payload at `payload`; gives its word.
///
/// # Errors
/// `HeapExhausted` if there is no room for it.
///
/// # Safety
/// `cx` and `tag` are of one live store, and `payload` has the slots that the tag says.
pub unsafe fn new(cx: *mut Cx, tag: *mut TagInst, payload: *const u64) -> Result<u64, TrapKind> {
    // SAFETY: the caller's contract.
    unsafe {
        let words = &mut (*(*cx).exceptions.cast::<Exceptions>()).words;
        let at = words.len();
        let payload = std::slice::from_raw_parts(payload, (*tag).payload_slots as usize);
        words.push(tag as u64);
        words.extend_from_slice(payload);
        Ok(at as u64 * 8)
    }
}

/// The tag of the exception `word`.
///
/// # Safety
/// `word` is the word of an exception of the live store of `cx`.
pub unsafe fn tag(cx: *mut Cx, word: u64) -> *mut TagInst {
    // SAFETY: the caller's contract.
    unsafe { (&(*(*cx).exceptions.cast::<Exceptions>()).words)[word as usize / 8] as *mut TagInst }
}

/// The payload of the exception `word`: valid until the next one is made.
///
/// # Safety
/// As for [`tag`].
pub unsafe fn payload(cx: *mut Cx, word: u64) -> *const u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let words = &(*(*cx).exceptions.cast::<Exceptions>()).words;
        words.as_ptr().add(word as usize / 8 + 1)
    }
}
