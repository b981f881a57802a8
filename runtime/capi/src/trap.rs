//! Traps and frames.
//!
//! A trap is an error with which a call has ended, of whatever kind. A host function that returns
//! one ends execution with the same error: an exception goes on as an exception, and frames are
//! added to those that there are.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wassay_runtime::Error;

use crate::failure::{message, terminated};
use crate::object::{Counted, Kind, Object, StoreRef};
use crate::vector::{Bytes, Out, Vector, give, vectors};

/// The source of an error that is a trap made by C.
#[derive(Debug)]
struct Thrown(Arc<Counted<String>>);

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.value)
    }
}

impl std::error::Error for Thrown {}

/// The trap with which a call has ended.
pub fn trap_of(store: &StoreRef, error: Error) -> Box<Object> {
    let known = error.downcast_ref::<Thrown>().map(|it| it.0.clone());
    let identity = known.unwrap_or_else(|| Counted::new(message(&error)));
    store.object(Kind::Trap(identity, Box::new(error)))
}

/// The error with which a host function ends that has returned this.
pub fn error_of(trap: &Object) -> Error {
    match &trap.kind {
        Kind::Trap(_, error) => (**error).clone(),
        _other => Error::msg("a host function has returned an object that is not a trap"),
    }
}

/// `wasm_frame_t`.
#[derive(Clone, Debug)]
pub struct Frame {
    store: StoreRef,
    frame: wassay_runtime::Frame,
    /// The instance, once it has been asked for.
    instance: OnceLock<Option<Box<Object>>>,
}

impl Frame {
    /// The instance of the frame's module, if the store has one and no other.
    fn find_instance(&self) -> Option<Box<Object>> {
        let context = self.store.context();
        let module = self.frame.module_bytes().as_ptr();
        let mut of_module = context.data().instances.iter().filter(|instance| {
            let bytes = instance.module(&context).bytes().as_ptr();
            std::ptr::eq(bytes, module)
        });
        let (found, another) = (of_module.next(), of_module.next());
        let instance = found.filter(|_| another.is_none())?;
        Some(self.store.object(Kind::Instance(*instance)))
    }
}

/// The frames of a trap, the innermost first.
fn frames(trap: Option<&Object>) -> impl Iterator<Item = Box<Frame>> {
    let error = trap.and_then(|trap| match &trap.kind {
        Kind::Trap(_, error) => Some((&trap.store, error.backtrace()?)),
        _other => None,
    });
    error.into_iter().flat_map(|(store, backtrace)| {
        backtrace.frames().iter().map(|frame| {
            Box::new(Frame {
                store: store.clone(),
                frame: frame.clone(),
                instance: OnceLock::new(),
            })
        })
    })
}

// --- traps ---------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_trap_new(
    store: Option<&StoreRef>,
    message: Option<&Bytes>,
) -> Option<Box<Object>> {
    let message = message.map_or(&[][..], Vector::as_slice);
    let message = message.strip_suffix(b"\0").unwrap_or(message);
    let identity = Counted::new(String::from_utf8_lossy(message).into_owned());
    let error = Error::host(Thrown(identity.clone()));
    Some(store?.object(Kind::Trap(identity, Box::new(error))))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_trap_message(trap: Option<&Object>, out: Out<'_, u8>) {
    let message = match trap.map(|trap| &trap.kind) {
        Some(Kind::Trap(identity, _)) => &identity.value,
        _other => "",
    };
    give(out, terminated(message));
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_trap_origin(trap: Option<&Object>) -> Option<Box<Frame>> {
    frames(trap).next()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_trap_trace(trap: Option<&Object>, out: Out<'_, Option<Box<Frame>>>) {
    let frames: Vec<_> = frames(trap).map(Some).collect();
    give(out, frames.into());
}

vectors! {
    "frame": Option<Box<Frame>>;
}

// --- frames --------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_delete(frame: Option<Box<Frame>>) {
    drop(frame);
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_copy(frame: Option<&Frame>) -> Option<Box<Frame>> {
    frame.map(|frame| Box::new(frame.clone()))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_instance(frame: Option<&Frame>) -> Option<&Object> {
    let frame = frame?;
    let instance = frame.instance.get_or_init(|| frame.find_instance());
    instance.as_deref()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_func_index(frame: Option<&Frame>) -> u32 {
    frame.map_or(0, |frame| frame.frame.func_index())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_func_offset(frame: Option<&Frame>) -> usize {
    frame.and_then(|it| it.frame.func_offset()).unwrap_or(0)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_frame_module_offset(frame: Option<&Frame>) -> usize {
    frame.and_then(|it| it.frame.module_offset()).unwrap_or(0)
}
