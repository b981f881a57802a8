//! The code of a module, and the tables beside it that handlers read.
//!
//! A call names the first cell of code: the size of its frame. Before a body is translated it names
//! an [`Untranslated`] instead, which begins with the size of a frame for which there is never
//! room. So the first call ends on the path of a call without room, and other calls pay nothing:
//! there ([`ready`]) the body is translated, and the call is made once more.
//!
//! Entering the blocks of an exception handler executes nothing. The module has an
//! [`ExceptionTable`] of its functions that have handlers, by address; a function has a list of
//! ranges of cells, each with its handler.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::machine::Ip;
use crate::backtrace::Frame;
use crate::engine::{Promote, Promotion, Proof};
use crate::module::CompiledModule;
use crate::trap::TrapKind;
use crate::vm::{Cx, FuncInst, TagInst, Vm};

/// A module as this tier has compiled it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) bodies: Box<dyn Bodies>,
    /// The exception handlers of all bodies that are translated.
    pub(super) exceptions: Arc<ExceptionTable>,
    pub(super) proof: Proof,
    /// The receiver of hot functions, if functions may leave the tier.
    pub(super) promoter: Option<Arc<dyn Promote>>,
}

/// The bodies of a module's functions.
pub(super) trait Bodies: std::fmt::Debug + Send + Sync {
    /// The address that calls of a body name.
    fn address(&self, body: usize) -> Ip;

    /// The frame in a backtrace of the function that has stopped before `ip`; none if that is in
    /// the code of no function.
    fn frame(&self, ip: Ip) -> Option<Frame>;
}

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn frame_at(&self, address: usize) -> Option<Frame> {
        self.bodies.frame(address as Ip)
    }
}

/// The head of a body that may not be translated yet, in place of the first cell of code.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Untranslated {
    frame_bytes: u64,
    translate: unsafe fn(*const Untranslated, *mut Cx) -> Result<Ip, TrapKind>,
}

/// The frame of a body that is not translated: larger than any address space.
const UNTRANSLATED_BYTES: u64 = 1 << 62;

impl Untranslated {
    /// The head of a body that `translate` translates; it gets the head's address.
    pub(super) fn new(
        translate: unsafe fn(*const Untranslated, *mut Cx) -> Result<Ip, TrapKind>,
    ) -> Untranslated {
        Untranslated {
            frame_bytes: UNTRANSLATED_BYTES,
            translate,
        }
    }
}

/// True if calls name a body that has no code yet.
///
/// # Safety
/// `at` is code or a body of a live module.
pub(super) unsafe fn is_untranslated(at: Ip) -> bool {
    // SAFETY: code and bodies begin with the size of a frame.
    unsafe { *at == UNTRANSLATED_BYTES }
}

/// The code to call where a call of `at` has found no room: that of a body, which is translated now
/// if it has not been.
///
/// # Errors
/// `StackExhausted` if `at` is code, which has no room. `HostError` if the body cannot be
/// translated, with the error left in the store.
///
/// # Safety
/// `cx` is a live store's, and `at` is the code or the body that a call in it names.
pub(super) unsafe fn ready(cx: *mut Cx, at: Ip) -> Result<Ip, TrapKind> {
    // SAFETY: the caller's contract; such a frame is at the head of a body.
    unsafe {
        if !is_untranslated(at) {
            return Err(TrapKind::StackExhausted);
        }
        let head = at.cast::<Untranslated>();
        ((*head).translate)(head, cx)
    }
}

/// The receiver of hot functions of the module of an instance.
///
/// # Safety
/// `vm` is of a live instance, which this tier has compiled.
pub(super) unsafe fn promoter<'a>(vm: *mut Vm) -> Option<&'a dyn Promote> {
    // SAFETY: the caller's contract.
    unsafe { (*(*vm).compiled.cast::<Compiled>()).promoter.as_deref() }
}

/// [`ready`], with the code put into the cell that the call reads.
///
/// Never inlined: what `ready` returns lies in memory, and with a local whose address escapes a
/// handler does not end in a jump. Each first call of a function would take native stack then.
///
/// # Errors
/// As [`ready`].
///
/// # Safety
/// As for [`ready`] and [`link`].
#[inline(never)]
pub(super) unsafe fn ready_cell(cx: *mut Cx, cell: Ip, at: Ip) -> Result<(), TrapKind> {
    // SAFETY: the caller's contract.
    unsafe { link(cell, ready(cx, at)?) };
    Ok(())
}

/// Compiles or translates a function whose first call has found no room. Never inlined, as
/// [`ready_cell`].
///
/// # Errors
/// As [`ready`].
///
/// # Safety
/// `cx` is a live store's, and `func` a function in it of this tier.
#[inline(never)]
pub(super) unsafe fn ready_function(cx: *mut Cx, func: *mut FuncInst) -> Result<(), TrapKind> {
    // SAFETY: the caller's contract.
    unsafe {
        let code: Ip = (*func).register.cast();
        if is_untranslated(code)
            && let Some(promoter) = promoter((*func).vm)
            && promoter.thresholds().calls <= 1
            && promoter.function(func) == Promotion::Done(())
        {
            return Ok(());
        }
        (*func).register = ready(cx, code)?.cast();
        Ok(())
    }
}

/// The cells of a translated body. Other code points to them, so that they do not move.
#[derive(Debug)]
pub(super) struct Code(NonNull<[u64]>);

// SAFETY: it owns its cells; those that are written after it is shared are accessed atomically.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: it was made from a box, and nothing runs the code of a module that has gone.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Code {
    pub(super) fn new(cells: &[u64]) -> Code {
        Code(NonNull::from(Box::leak(Box::from(cells))))
    }

    pub(super) fn address(&self) -> Ip {
        self.0.as_ptr().cast()
    }

    pub(super) fn end(&self) -> Ip {
        self.address().wrapping_add(self.0.len())
    }

    /// Puts the address of code into a cell.
    pub(super) fn link(&self, cell: usize, code: Ip) {
        debug_assert!(cell < self.0.len());
        // SAFETY: the cell is one of these.
        unsafe { link(self.address().add(cell), code) };
    }
}

/// Puts the address of code into a cell that calls read.
///
/// # Safety
/// It is a cell of a calling instruction, in finished code, that names code.
pub(super) unsafe fn link(cell: Ip, code: Ip) {
    // SAFETY: the caller's contract; such cells are only accessed atomically.
    unsafe { AtomicU64::from_ptr(cell.cast_mut()) }.store(code as u64, Ordering::Release);
}

/// The address of code in a cell of a calling instruction.
///
/// # Safety
/// As for [`link`].
#[inline(always)]
pub(super) unsafe fn linked(cell: Ip) -> Ip {
    // SAFETY: as for `link`.
    unsafe { AtomicU64::from_ptr(cell.cast_mut()) }.load(Ordering::Acquire) as Ip
}

/// The handlers of a function.
#[derive(Debug, Default)]
pub(super) struct ExceptionHandlers {
    /// Ascending; cells behind the last one are not in a handler.
    pub(super) ranges: Vec<HandlerRange>,
    pub(super) handlers: Vec<ExceptionHandler>,
}

/// The cells from the end of the range before, and their handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandlerRange {
    pub(super) end: u32,
    pub(super) handler: Option<u32>,
}

/// A handler as the IR has it.
#[derive(Clone, Debug)]
pub(super) struct ExceptionHandler {
    pub(super) parent: Option<u32>,
    pub(super) clauses: Box<[Clause]>,
}

/// A clause: the slots that it writes, and the cell at which execution goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    pub(super) tag: Option<u32>,
    pub(super) values: u32,
    pub(super) exception: Option<u32>,
    pub(super) target: u32,
}

impl ExceptionHandlers {
    /// The clause that catches the exception of the instruction that ends at cell `end`.
    unsafe fn find(&self, end: u32, vm: *mut Vm, tag: *mut TagInst) -> Option<&Clause> {
        let range = self.ranges.partition_point(|range| range.end < end);
        let mut handler = self.ranges.get(range).and_then(|range| range.handler);
        while let Some(index) = handler {
            let it = &self.handlers[index as usize];
            let catches = |clause: &&Clause| {
                let index = |index: u32| index as usize;
                // SAFETY: validation has checked the tags of clauses in the module of `vm`.
                clause
                    .tag
                    .map(index)
                    .is_none_or(|i| unsafe { *(*vm).tags.add(i) } == tag)
            };
            if let Some(clause) = it.clauses.iter().find(catches) {
                return Some(clause);
            }
            handler = it.parent;
        }
        None
    }
}

/// The functions of a module that have handlers. They come and never go.
#[derive(Debug, Default)]
pub(super) struct ExceptionTable {
    /// By the address behind the last cell.
    by_end: RwLock<BTreeMap<usize, HandledFunction>>,
}

#[derive(Debug)]
struct HandledFunction {
    code: usize,
    handlers: Box<ExceptionHandlers>,
}

impl ExceptionTable {
    /// Adds a function, whose code has been put where it stays, up to `end`.
    pub(super) fn add(&self, code: Ip, end: Ip, handlers: ExceptionHandlers) {
        let mut by_end = self.by_end.write().unwrap_or_else(PoisonError::into_inner);
        let function = HandledFunction {
            code: code as usize,
            handlers: Box::new(handlers),
        };
        by_end.insert(end as usize, function);
    }

    /// The clause that catches the exception of the instruction that ends at `ip`, and the code of
    /// that instruction; null if there is none.
    pub(super) unsafe fn find(
        &self,
        ip: Ip,
        vm: *mut Vm,
        tag: *mut TagInst,
    ) -> (*const Clause, Ip) {
        const NONE: (*const Clause, Ip) = (std::ptr::null(), std::ptr::null());
        let by_end = self.by_end.read().unwrap_or_else(PoisonError::into_inner);
        let ip = ip as usize;
        let Some((_, function)) = by_end.range(ip..).next().filter(|(_, it)| it.code < ip) else {
            return NONE;
        };
        let end = (ip - function.code) / size_of::<u64>();
        // SAFETY: the caller's contract.
        match unsafe { function.handlers.find(end as u32, vm, tag) } {
            Some(clause) => (clause, function.code as Ip),
            None => NONE,
        }
    }
}
