//! The place at which execution ended: the functions that were running, each with its offset in its
//! module. The place is the same in every tier.
//!
//! A backtrace grows while an exit code is on its way out (`store.rs`): the end of each entry of a
//! tier adds the frames of that entry, innermost first. Frames of all tiers are in one list,
//! however they were nested. Frames of host functions, and frames that tail calls have given up,
//! are not in the list.
//!
//! This file owns the list and its text. Names are looked up when the text is made ([`Naming`]).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::BACKTRACE_FRAMES_MAX;

/// The source of the names that a module's name section gives its parts.
pub trait Naming: fmt::Debug + Send + Sync {
    /// The name of the module itself.
    fn module_name(&self) -> Option<String>;
    /// The name of a function, by index: that of an export, if it does not have another.
    fn func_name(&self, func: u32) -> Option<String>;
    /// The offset in the module at which the body of a function begins, if it is not imported.
    fn body_offset(&self, func: u32) -> Option<usize>;
    /// The bytes of the module.
    fn bytes(&self) -> &[u8];
}

/// A function that was running.
///
/// ```
/// use wassay_runtime::{Config, Engine, Frame, Instance, Module, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// // (module (func (export "f") unreachable))
/// let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\
///     \x0a\x05\x01\x03\0\0\x0b";
/// let module = Module::new(&engine, bytes)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let func = instance.get_typed_func::<(), ()>(&store, "f")?;
/// let error = func.call(&mut store, ()).unwrap_err();
/// let backtrace = error.backtrace().unwrap();
/// let frame: &Frame = &backtrace.frames()[0];
/// assert_eq!((frame.func_index(), frame.func_name().as_deref()), (0, Some("f")));
/// assert_eq!((frame.module_name(), frame.module_offset()), (None, Some(30)));
/// assert_eq!(frame.func_offset(), Some(1));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its module.
    pub(crate) module: Arc<dyn Naming>,
    /// Its index in the module.
    pub(crate) func: u32,
    /// The offset in the module of the instruction that has ended execution, or of the call that
    /// was under way.
    pub(crate) offset_bytes: Option<u32>,
}

/// The functions that were running, from the innermost one outwards.
///
/// ```
/// use wassay_runtime::{Backtrace, Config, Engine, Instance, Module, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// // (module (func (export "f") unreachable))
/// let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\
///     \x0a\x05\x01\x03\0\0\x0b";
/// let module = Module::new(&engine, bytes)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let func = instance.get_typed_func::<(), ()>(&store, "f")?;
/// let error = func.call(&mut store, ()).unwrap_err();
/// let backtrace: &Backtrace = error.backtrace().unwrap();
/// assert_eq!((backtrace.frames().len(), backtrace.omitted()), (1, 0));
/// assert_eq!(backtrace.to_string(), "   0:     0x1e - f\n");
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Backtrace {
    frames: Vec<Frame>,
    omitted: u64,
}

impl Backtrace {
    /// The innermost frames, `BACKTRACE_FRAMES_MAX` at most.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The number of frames that are left out.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// Adds the next frame outwards, if it is one and there is room.
    pub(crate) fn push(&mut self, frame: impl FnOnce() -> Option<Frame>) {
        if self.frames.len() < BACKTRACE_FRAMES_MAX {
            self.frames.extend(frame());
        } else {
            self.omitted += 1;
        }
    }
}

impl Frame {
    /// The function's index in its module.
    pub fn func_index(&self) -> u32 {
        self.func
    }

    /// The function's name: that of the name section, or else that of an export.
    pub fn func_name(&self) -> Option<String> {
        self.module.func_name(self.func)
    }

    /// The name of the function's module, from its name section.
    pub fn module_name(&self) -> Option<String> {
        self.module.module_name()
    }

    /// The offset in the module's bytes of the instruction that has ended execution, or of the call
    /// that was under way.
    pub fn module_offset(&self) -> Option<usize> {
        self.offset_bytes.map(|offset| offset as usize)
    }

    /// The same as an offset from the beginning of the function's body, its local declarations.
    pub fn func_offset(&self) -> Option<usize> {
        self.module_offset()?
            .checked_sub(self.module.body_offset(self.func)?)
    }

    /// The bytes of the function's module, in which debuggers find its custom sections.
    pub fn module_bytes(&self) -> &[u8] {
        self.module.bytes()
    }

    /// True if two frames are of one module.
    pub fn is_of_same_module(&self, other: &Frame) -> bool {
        Arc::ptr_eq(&self.module, &other.module)
    }
}

/// By place: whichever tier it was.
impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        let place = |frame: &Frame| (frame.func, frame.offset_bytes);
        self.is_of_same_module(other) && place(self) == place(other)
    }
}

impl Eq for Frame {}

impl fmt::Display for Frame {
    /// The byte of the module, then module and function, by name where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset_bytes {
            Some(offset) => write!(f, "{offset:#8x} - ")?,
            None => write!(f, "{:>8} - ", "?")?,
        }
        if let Some(name) = self.module.module_name() {
            write!(f, "{name}!")?;
        }
        match self.module.func_name(self.func) {
            Some(name) => f.write_str(&name),
            None => write!(f, "<function {}>", self.func),
        }
    }
}

impl fmt::Display for Backtrace {
    /// A line for each frame, the innermost first, and one that counts what was left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, frame) in self.frames.iter().enumerate() {
            writeln!(f, "{n:>4}: {frame}")?;
        }
        match self.omitted {
            0 => Ok(()),
            omitted => writeln!(f, "      ... and {omitted} more"),
        }
    }
}

/// From positions in a function's code to bytes of its module: pairs of the first position of what
/// an instruction has become, and the instruction's byte; positions ascend.
#[derive(Debug)]
pub struct Positions(Box<[(u32, u32)]>);

impl Positions {
    /// The byte of the module that the code before a position is of.
    pub fn before(&self, position: u32) -> Option<u32> {
        let after = self.0.partition_point(|&(first, _)| first < position);
        Some(self.0[after.checked_sub(1)?].1)
    }
}

/// The positions of functions that have been asked for, by index of their bodies. Nothing is kept
/// of the others: positions are found by translating once more.
#[derive(Debug, Default)]
pub struct PositionCache(Mutex<HashMap<usize, Arc<Positions>>>);

impl PositionCache {
    /// The positions of a body, which are `found` if they have not been asked for.
    pub fn of(&self, body: usize, find: impl FnOnce() -> Vec<(u32, u32)>) -> Arc<Positions> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let find = || Arc::new(Positions(find().into()));
        known.entry(body).or_insert_with(find).clone()
    }
}

/// A module without names, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Unnamed;

#[cfg(test)]
impl Naming for Unnamed {
    fn module_name(&self) -> Option<String> {
        None
    }
    fn func_name(&self, _: u32) -> Option<String> {
        None
    }
    fn body_offset(&self, _func: u32) -> Option<usize> {
        None
    }
    fn bytes(&self) -> &[u8] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named;

    impl Naming for Named {
        fn module_name(&self) -> Option<String> {
            Some("m".into())
        }
        fn func_name(&self, func: u32) -> Option<String> {
            (func == 1).then(|| "f".into())
        }
        fn body_offset(&self, _func: u32) -> Option<usize> {
            None
        }
        fn bytes(&self) -> &[u8] {
            &[]
        }
    }

    #[test]
    fn frames_beyond_the_limit_are_counted() {
        let mut backtrace = Backtrace::default();
        let module: Arc<dyn Naming> = Arc::new(Named);
        for n in 0..BACKTRACE_FRAMES_MAX as u32 + 3 {
            let module = module.clone();
            backtrace.push(|| {
                Some(Frame {
                    module,
                    func: n,
                    offset_bytes: (n > 0).then_some(n * 16),
                })
            });
        }
        assert_eq!(backtrace.frames().len(), BACKTRACE_FRAMES_MAX);
        assert_eq!(backtrace.omitted(), 3);
        let text = backtrace.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "   0:        ? - m!<function 0>");
        assert_eq!(lines[1], "   1:     0x10 - m!f");
        assert_eq!(lines[BACKTRACE_FRAMES_MAX], "      ... and 3 more");
    }

    #[test]
    fn what_lies_before_a_position_is_its_instruction() {
        let positions = Positions([(1, 100), (4, 110), (5, 120)].into());
        let before = [0, 1, 2, 4, 5, 6, 9].map(|position| positions.before(position));
        let expected = [0, 0, 100, 100, 110, 120, 120].map(|at| (at > 0).then_some(at));
        assert_eq!(before, expected);
    }
}
