//! Exceptions: the handlers of functions by place in their code, throwing, and the way from a throw
//! to the clause that catches. Spec: 4.6.8 Control Instructions.
//!
//! Entering a handler's blocks executes nothing. The module has a [`Table`] of its functions that
//! have handlers, by address; a function has a list of ranges of cells, each with its handler.
//! Unwinding looks up where control is, then takes frame by frame from the control stack and looks
//! up where it would have gone on there. Frames that lead to `RELOAD` change the instance, that
//! which leads to `EXIT` ends the way inside of this entry: the call ends with the exit code
//! [`UNCAUGHT`], and the exception in `Cx::exception` goes on from wherever it was called.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::Compiled;
use super::call::{EXIT, RELOAD};
use super::machine::{Ip, ended, handlers};
use crate::gc;
use crate::store::{StoreData, caught, collect};
use crate::trap::TrapKind;
use crate::vm::{Cx, Exit, TagInst, Vm};

/// The exit code of a call that an exception has left.
pub(super) const UNCAUGHT: Exit = TrapKind::UncaughtException as Exit;

/// The handlers of a function.
#[derive(Debug, Default)]
pub(super) struct Handlers {
    /// Ascending; what lies behind the last one is in no handler.
    pub(super) ranges: Vec<Range>,
    pub(super) handlers: Vec<Handler>,
}

/// The cells from the end of the range before, and their handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) end: u32,
    pub(super) handler: Option<u32>,
}

/// As the IR has it.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    pub(super) parent: Option<u32>,
    pub(super) clauses: Box<[Clause]>,
}

/// A clause: what to write where, and the cell at which to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    pub(super) tag: Option<u32>,
    pub(super) values: u32,
    pub(super) exception: Option<u32>,
    pub(super) target: u32,
}

impl Handlers {
    /// The clause that catches what comes from the instruction that ends at cell `end`.
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
pub(super) struct Table {
    /// By the address behind the last cell.
    by_end: RwLock<BTreeMap<usize, Function>>,
}

#[derive(Debug)]
struct Function {
    code: usize,
    handlers: Box<Handlers>,
}

impl Table {
    /// Adds a function, whose code has been put where it stays, up to `end`.
    pub(super) fn add(&self, code: Ip, end: Ip, handlers: Handlers) {
        let mut by_end = self.by_end.write().unwrap_or_else(PoisonError::into_inner);
        let function = Function {
            code: code as usize,
            handlers: Box::new(handlers),
        };
        by_end.insert(end as usize, function);
    }

    /// The clause that catches what comes from the instruction that ends at `ip`, and the code that
    /// it is in; null if there is none.
    unsafe fn find(&self, ip: Ip, vm: *mut Vm, tag: *mut TagInst) -> (*const Clause, Ip) {
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

handlers! {
    /// Throws a new exception of the tag in the low half of the further cell. Its values lie from
    /// slot `a, b` on; the slot in the high half is above all that is live.
    fn throw(r) {
        let tag = *(*r.vm).tags.add(r.cell(1) as u32 as usize);
        let values = r.fp.add(r.field32(1) as usize);
        let top = r.fp.add((r.cell(1) >> 32) as usize);
        match collect::new_exception(r.cx(), tag, values, top) {
            Some(exception) => {
                r.acc = exception;
                r.ip = r.ip.add(THROW_CELLS);
                r.handle(go_on)
            }
            None => r.trap(TrapKind::HeapExhausted),
        }
    }

    /// Throws the exception `a`.
    fn throw_ref(r) {
        r.acc = *r.slot(1);
        if r.acc == 0 {
            return r.trap(TrapKind::NullExceptionReference);
        }
        r.ip = r.ip.add(1);
        r.handle(go_on)
    }

    /// The exception in the accumulator goes on from the instruction that ends at `ip`; from the
    /// caller, if `ip` is null.
    #[inline(never)]
    fn go_on(r) {
        let cx = r.cx();
        let tag = gc::exception_tag(cx, r.acc);
        let (thrown_at, thrown_in, frame_top) = (r.ip, r.vm, (*cx).frame_top);
        loop {
            let (clause, code) = find(r.vm, r.ip, tag);
            if !clause.is_null() {
                if let Some(tag) = (*clause).tag {
                    let payload = gc::exception_payload(cx, r.acc);
                    let slots = (**(*r.vm).tags.add(tag as usize)).payload_slots;
                    let values = r.fp.add((*clause).values as usize);
                    values.copy_from_nonoverlapping(payload, slots as usize);
                }
                if let Some(slot) = (*clause).exception {
                    *r.fp.add(slot as usize) = r.acc;
                }
                r.reload();
                caught(cx);
                return r.goto(code.add((*clause).target as usize));
            }
            let mut frame = (*cx).frame_top.sub(1);
            if (*frame).ip == EXIT.as_ptr() {
                (*cx).exception = r.acc;
                (*cx).frame_top = frame_top;
                return r.exit(ended(thrown_in, thrown_at, UNCAUGHT));
            }
            if (*frame).ip == RELOAD.as_ptr() {
                frame = frame.sub(1);
                r.vm = (*frame).vm;
            }
            (*cx).frame_top = frame;
            r.fp = (*frame).fp;
            r.ip = (*frame).ip;
        }
    }
}

/// Notes for a backtrace what was running where execution has ended, from the top frame down to the
/// frame of the entry.
///
/// # Safety
/// `cx` is that of a live store; the frames up to the top one are as they were.
#[cold]
pub(super) unsafe fn note(cx: *mut Cx) {
    // SAFETY: the caller's contract; frames are as the head of `call.rs` says.
    unsafe {
        let (mut ip, mut vm) = ((*cx).trap_pc as Ip, (*cx).trap_vm);
        let backtrace = (*(*cx).store.cast::<StoreData>()).backtrace();
        let mut frame = (*cx).frame_top;
        loop {
            if !ip.is_null() {
                backtrace.push(|| (*(*vm).compiled.cast::<Compiled>()).frame(ip));
            }
            frame = frame.sub(1);
            if (*frame).ip == EXIT.as_ptr() {
                return;
            }
            if (*frame).ip == RELOAD.as_ptr() {
                frame = frame.sub(1);
                vm = (*frame).vm;
            }
            ip = (*frame).ip;
        }
    }
}

/// Cells of `throw`.
pub(super) const THROW_CELLS: usize = 2;

/// What catches an exception of a tag that comes from the instruction that ends at `ip`.
#[inline(never)]
unsafe fn find(vm: *mut Vm, ip: Ip, tag: *mut TagInst) -> (*const Clause, Ip) {
    // SAFETY: `vm` is a live instance's, which this tier has compiled.
    unsafe {
        (*(*vm).compiled.cast::<Compiled>())
            .handlers
            .find(ip, vm, tag)
    }
}
