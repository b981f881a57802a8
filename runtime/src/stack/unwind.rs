//! Exceptions: the handler tables of functions, throwing, and the way from a throw to the clause
//! that catches (spec: "Control Instructions", "Exception Instances").
//!
//! Entering a `try_table` executes nothing: each function has a table of which cells are inside
//! which region. Unwinding looks up the position at hand, then pops frame after frame of the
//! control stack, and looks up where each would have gone on. It ends at the frame of an entry from
//! outside: there the call ends with the exit code [`UNCAUGHT`], and the exception in
//! `Cx::exception` goes on wherever that leads. Traps never come here.

use super::call::EXIT_CODE;
use super::code::FuncCode;
use super::machine::{Machine, handlers, or_trap, trap_in_caller};
use crate::gc;
use crate::store::{StoreData, caught, collect};
use crate::trap::{TrapKind, non_null};
use crate::vm::{ControlFrame, Cx, Exit, FuncInst, TagInst, Vm};

/// The exit code of a call that an exception has left.
pub(super) const UNCAUGHT: Exit = TrapKind::UncaughtException as Exit;

/// No region, no clause, no tag.
pub(super) const NONE: u32 = u32::MAX;

/// The handlers of exceptions in a function, and their ranges.
#[derive(Debug, Default)]
pub(super) struct ExceptionHandlers {
    /// The innermost region up to a cell, ascending.
    pub(super) ranges: Box<[Range]>,
    pub(super) regions: Box<[Region]>,
    pub(super) clauses: Box<[Clause]>,
}

/// The cells behind those of the range before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) end: u32,
    pub(super) region: u32,
}

/// The inside of a `try_table` or of the body of a `try`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The region in which an exception goes on that no clause catches.
    pub(super) parent: u32,
    pub(super) first_clause: u32,
}

/// A clause that catches exceptions of a tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    /// The tag's index; `NONE` catches all.
    pub(super) tag: u32,
    pub(super) reference: Reference,
    /// Where execution goes on.
    pub(super) target: u32,
    /// Slots from the end of the parameters to the top operand that stays.
    pub(super) height: u32,
    /// The region's next clause.
    pub(super) next: u32,
}

/// True if a clause pushes the exception's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    No,
    /// `catch_ref`: on top of the values.
    Above,
    /// A legacy clause: below the values, for `rethrow`.
    Below,
}

impl ExceptionHandlers {
    /// The clause that catches the exception of the instruction that ends at cell `end`.
    unsafe fn find(&self, end: usize, vm: *mut Vm, tag: *mut TagInst) -> *const Clause {
        let range = self
            .ranges
            .partition_point(|range| (range.end as usize) < end);
        let mut region = self.ranges.get(range).map_or(NONE, |range| range.region);
        while region != NONE {
            let Region {
                parent,
                first_clause,
            } = self.regions[region as usize];
            let mut clause = first_clause;
            while clause != NONE {
                let it = &self.clauses[clause as usize];
                // SAFETY: validation has checked the tag's index in the module of `vm`.
                if it.tag == NONE || unsafe { *(*vm).tags.add(it.tag as usize) } == tag {
                    return it;
                }
                clause = it.next;
            }
            region = parent;
        }
        std::ptr::null()
    }
}

handlers! {
    /// `throw`: `{ tag index }`.
    fn throw(m) {
        let tag = *(*m.vm).tags.add(m.take() as usize);
        m.spill();
        let cx = m.cx();
        let payload = m.sp.sub((*tag).payload_slots as usize);
        match collect::new_exception(cx, tag, payload, m.sp) {
            Some(word) => go_on(m.ip, m.sp, m.base, m.len, m.vm, word),
            None => m.trap(TrapKind::HeapExhausted),
        }
    }

    /// `throw_ref`
    fn throw_ref(m) {
        or_trap!(m, non_null(m.acc, TrapKind::NullExceptionReference));
        go_on(m.ip, m.sp, m.base, m.len, m.vm, m.acc)
    }

    /// `rethrow`: `{ slots from the exception's reference up to sp }`.
    fn rethrow(m) {
        let distance = m.take() as usize;
        *m.sp = m.acc;
        m.acc = *m.sp.sub(distance);
        go_on(m.ip, m.sp, m.base, m.len, m.vm, m.acc)
    }

    /// The exception in `acc` goes on from the instruction that ends at `ip`. Every operand but
    /// those thrown is in memory.
    #[inline(never)]
    fn go_on(m) {
        let cx = m.cx();
        let (exception, thrown_at) = (m.acc, m.ip);
        let tag = gc::exception_tag(cx, exception);
        let mut frame = (*cx).frame_top.sub(1);
        loop {
            let code = code_of((*frame).func, (*frame).ip);
            let end = m.ip.offset_from((*code).cells()) as usize;
            let clause = (*code).handlers().find(end, m.vm, tag);
            if !clause.is_null() {
                (*cx).frame_top = frame.add(1);
                m.ip = (*code).cells().add((*clause).target as usize);
                m.sp = (*frame).fp.add((*clause).height as usize);
                m.acc = exception;
                push_caught(&mut m, cx, clause);
                m.load_memory();
                caught(cx);
                return m.next();
            }
            if (*frame).ip == EXIT_CODE.as_ptr().cast() {
                (*cx).exception = exception;
                (*cx).trap_pc = thrown_at as usize;
                return UNCAUGHT;
            }
            m.ip = (*frame).ip;
            m.vm = (*frame).vm;
            frame = frame.sub(1);
        }
    }

    /// The exception in `acc` goes on in the caller of the running function, whose frame a tail
    /// call has given up.
    #[inline(never)]
    fn leave(m) {
        let cx = m.cx();
        let frame = (*cx).frame_top.sub(1);
        if (*frame).ip == EXIT_CODE.as_ptr().cast() {
            (*cx).exception = m.acc;
            return trap_in_caller(m.vm, UNCAUGHT);
        }
        (*cx).frame_top = frame;
        go_on((*frame).ip, m.sp, m.base, m.len, (*frame).vm, m.acc)
    }
}

/// Pushes the operands of a clause that catches the exception in `acc`; `sp` is at the operand that
/// stays.
#[inline(always)]
unsafe fn push_caught(m: &mut Machine, cx: *mut Cx, clause: *const Clause) {
    // SAFETY: the machine's invariants; the frame has room for the operands at the target.
    unsafe {
        let Clause { tag, reference, .. } = *clause;
        if reference == Reference::Below {
            m.sp = m.sp.add(1);
            *m.sp = m.acc;
        }
        if tag != NONE {
            let payload = gc::exception_payload(cx, m.acc);
            let slots = (**(*m.vm).tags.add(tag as usize)).payload_slots as usize;
            m.sp.add(1).copy_from_nonoverlapping(payload, slots);
            m.sp = m.sp.add(slots);
        }
        if reference == Reference::Above {
            m.sp = m.sp.add(1);
            *m.sp = m.acc;
        }
        m.acc = *m.sp;
    }
}

/// Notes for a backtrace what was running where execution has ended, from the function that the
/// frame's call has entered outwards.
///
/// # Safety
/// `cx` is that of a live store, the frames from that of an entry up to this one are as they were.
#[cold]
pub(super) unsafe fn note(cx: *mut Cx, mut frame: *mut ControlFrame) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut ip = (*cx).trap_pc as *const u64;
        let backtrace = (*(*cx).store.cast::<StoreData>()).backtrace();
        loop {
            let code = code_of((*frame).func, (*frame).ip);
            if !ip.is_null() {
                backtrace.push(|| Some((*code).frame(ip)));
            }
            ip = (*frame).ip;
            if ip == EXIT_CODE.as_ptr().cast() {
                return;
            }
            frame = frame.sub(1);
        }
    }
}

/// The code of the function that a frame's call has entered.
unsafe fn code_of(func: *mut FuncInst, ip: *const u64) -> *const FuncCode {
    // SAFETY: a frame names the function that it has called, or the immediate before its `ip` does.
    unsafe {
        if func.is_null() {
            *ip.sub(1) as *const FuncCode
        } else {
            (*func).stack.cast()
        }
    }
}
