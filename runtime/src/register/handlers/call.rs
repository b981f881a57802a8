//! Handlers of calls and returns, and the entry from outside of the tier.
//!
//! A call pushes a [`ControlFrame`] on the control stack of the store and never recurses. Its `ip`
//! and `fp` say where the caller goes on. A return pops one and goes on there, in the same
//! instance: what must happen at a return beyond that is code. Above the frame of a caller in
//! another instance lies one that leads to the cell `RELOAD`, which pops the caller's own frame and
//! switches back to its instance (so only such a frame's `vm` is of meaning); below an entry from
//! outside lies one that leads to the cell `EXIT`, which leaves the machine. Spec: 4.6.10 Calls.

use super::unwind::{self, UNCAUGHT};
use crate::engine::Tier;
use crate::helpers;
use crate::register::code::{self, linked};
use crate::register::machine::{
    AccValue, CellHandler, Flow, Immediate, InAcc, InSlot, Ip, OperandSource, Regs, ended, forms,
    handlers, or_trap,
};
use crate::register::table::{CALL_CELLS, EXIT, RELOAD, TAIL_CALL};
use crate::store::is_subtype;
use crate::trap::{TrapKind, non_null};
use crate::types::TypeId;
use crate::vm::{self, ControlFrame, Cx, EXIT_OK, EXIT_TAIL_CALL, Exit, FuncInst, Vm};

/// The entry of every function of the tier.
///
/// # Safety
/// As for [`crate::vm::Entry`], of a function that the tier has installed.
pub(in crate::register) unsafe extern "C" fn entry(
    func: *mut FuncInst,
    cx: *mut Cx,
    args: *mut u64,
) -> Exit {
    // SAFETY: the contract of `Entry`; `register` is the function's finished code.
    unsafe {
        let (code, vm, frame_top) = ((*func).register.cast::<u64>(), (*func).vm, (*cx).frame_top);
        if !has_room(cx, args, code, 1) {
            return match code::ready_function(cx, func) {
                Ok(()) => vm::enter(func, cx, args),
                Err(kind) => kind as Exit,
            };
        }
        (*cx).entered[Tier::Register as usize] += 1;
        push(cx, EXIT.as_ptr(), args, vm, func);
        let ip = code.add(1);
        let (mem, len) = (std::ptr::null_mut(), 0);
        let mut regs = Regs {
            ip,
            fp: args,
            mem,
            len,
            vm,
            acc: 0,
            facc: 0.0,
        };
        regs.reload();
        let exit = regs.run();
        if exit != EXIT_OK {
            unwind::note(cx);
        }
        (*cx).frame_top = frame_top;
        exit
    }
}

/// The handler that calls or tail-calls the function at the address in the accumulator.
const fn callee_handler(is_tail: bool) -> CellHandler {
    if is_tail { return_call_func } else { call_func }
}

/// True if a function's frame fits at `fp`, and `frames` more on the control stack.
#[inline(always)]
unsafe fn has_room(cx: *mut Cx, fp: *mut u64, code: Ip, frames: usize) -> bool {
    // SAFETY: the first cell of code is the size of its frame.
    unsafe {
        let end = fp.cast::<u8>().wrapping_add(*code as usize);
        let frame_end = (*cx).frame_top.wrapping_add(frames);
        end <= (*cx).stack_end.cast() && frame_end <= (*cx).frame_end
    }
}

/// Pushes a frame; there must be room.
#[inline(always)]
unsafe fn push(cx: *mut Cx, ip: Ip, fp: *mut u64, vm: *mut Vm, func: *mut FuncInst) {
    // SAFETY: the caller has made sure that there is room.
    unsafe {
        (*cx).frame_top.write(ControlFrame { ip, fp, vm, func });
        (*cx).frame_top = (*cx).frame_top.add(1);
    }
}

handlers! {
    /// Leaves the machine after the outermost return.
    fn exit(r) {
        r.exit(EXIT_OK)
    }

    /// Returns to another instance.
    fn reload(r) {
        let cx = r.cx();
        let frame = (*cx).frame_top.sub(1);
        (*cx).frame_top = frame;
        r.fp = (*frame).fp;
        r.vm = (*frame).vm;
        r.reload();
        let ip = (*frame).ip;
        r.goto(ip)
    }

    /// Returns the values in the first slots.
    fn ret(r) {
        leave(r)
    }

    /// Returns `a`.
    fn ret_one<T: AccValue, A: OperandSource>(r) {
        let value: T = A::get(&r, 1);
        *r.fp = value.into_slot();
        value.accumulate(&mut r);
        leave(r)
    }

    /// Calls the code in the further cell, of the same instance.
    fn call(r) {
        let code = linked(r.ip.add(1));
        enter(r, code, (no_room, code as u64))
    }

    /// Calls the function whose index is in the further cell.
    fn call_import<; IS_TAIL>(r) {
        r.acc = *(*r.vm).funcs.add(r.cell(1) as usize) as u64;
        r.handle(callee_handler(IS_TAIL))
    }

    /// Calls element `c` of a table; the further cell holds type and table.
    fn call_indirect<; IS_TAIL>(r) {
        r.acc = or_trap!(r, callee(&r, *r.slot(3))) as u64;
        r.handle(callee_handler(IS_TAIL))
    }

    /// Calls the function that `c` refers to.
    fn call_ref<; IS_TAIL>(r) {
        r.acc = *r.slot(3);
        or_trap!(r, non_null(r.acc, TrapKind::NullFunctionReference));
        r.handle(callee_handler(IS_TAIL))
    }

    /// Calls the function at the address in the accumulator; the cell is a calling instruction's.
    fn call_func(r) {
        let func = r.acc as *mut FuncInst;
        if (*func).vm != r.vm {
            return r.handle(call_outside);
        }
        enter(r, (*func).register.cast(), (no_room_for_func, func as u64))
    }

    /// The same for a function of another instance, or of the host.
    fn call_outside(r) {
        let func = r.acc as *mut FuncInst;
        let args = r.fp.add(r.field32(1) as usize);
        let cx = r.cx();
        if (*func).register.is_null() {
            let exit = ((*func).entry)(func, cx, args);
            if exit == UNCAUGHT {
                r.acc = (*cx).exception;
                r.ip = r.ip.add(CALL_CELLS);
                return r.handle(unwind::go_on);
            }
            if exit != EXIT_OK {
                return r.fail(exit);
            }
            r.reload();
            r.take_result(args);
            return r.next(CALL_CELLS);
        }
        let code = (*func).register.cast::<u64>();
        if !has_room(cx, args, code, 2) {
            return r.handle(no_room_for_func);
        }
        push(cx, r.ip.add(CALL_CELLS), r.fp, r.vm, func);
        push(cx, RELOAD.as_ptr(), r.fp, r.vm, func);
        r.fp = args;
        r.vm = (*func).vm;
        r.reload();
        r.goto(code.add(1))
    }

    /// Goes to the code in the further cell, of the same instance; arguments are in the first
    /// slots.
    fn return_call(r) {
        let code = linked(r.ip.add(1));
        if !has_room(r.cx(), r.fp, code, 0) {
            r.acc = code as u64;
            return r.handle(no_room);
        }
        r.goto(code.add(1))
    }

    /// Goes to the function at the address in the accumulator.
    fn return_call_func(r) {
        let func = r.acc as *mut FuncInst;
        let cx = r.cx();
        if (*func).register.is_null() {
            r.acc = ((*func).entry)(func, cx, r.fp).into();
            return r.handle(end_frame);
        }
        let code = (*func).register.cast::<u64>();
        if !has_room(cx, r.fp, code, 1) {
            return r.handle(no_room_for_func);
        }
        if (*func).vm != r.vm {
            remember_instance(cx, r.vm);
            r.vm = (*func).vm;
            r.reload();
        }
        r.goto(code.add(1))
    }
}

handlers! {
    /// The function that ran in the place of this frame has ended, with the exit code in the
    /// accumulator.
    #[inline(never)]
    fn end_frame(r) {
        let cx = r.cx();
        match r.acc as Exit {
            EXIT_OK => {
                r.reload();
                r.take_result(r.fp);
                r.handle(ret)
            }
            UNCAUGHT => {
                r.acc = (*cx).exception;
                r.ip = std::ptr::null();
                r.handle(unwind::go_on)
            }
            EXIT_TAIL_CALL => {
                r.acc = (*cx).tail_callee as u64;
                r.ip = TAIL_CALL.as_ptr();
                r.handle(return_call_func)
            }
            exit => r.exit(ended(r.vm, std::ptr::null(), exit)),
        }
    }
}

/// Goes on in code of the same instance, in a frame at the arguments that the cell names; without
/// room, in a handler that finds the callee in the accumulator.
#[inline(always)]
unsafe fn enter(mut r: Regs, code: Ip, (no_room, callee): (CellHandler, u64)) -> Flow {
    // SAFETY: the contract of `CellHandler`; the cell calls `code`.
    unsafe {
        let fp = r.fp.add(r.field32(1) as usize);
        let cx = r.cx();
        if !has_room(cx, fp, code, 1) {
            r.acc = callee;
            return r.handle(no_room);
        }
        let frame = (*cx).frame_top;
        (*frame).ip = r.ip.add(CALL_CELLS);
        (*frame).fp = r.fp;
        (*cx).frame_top = frame.add(1);
        r.fp = fp;
        r.goto(code.add(1))
    }
}

/// Goes on in the caller.
#[inline(always)]
unsafe fn leave(mut r: Regs) -> Flow {
    // SAFETY: the contract of `CellHandler`: the top frame is that of the function's caller.
    unsafe {
        let cx = r.cx();
        let frame = (*cx).frame_top.sub(1);
        (*cx).frame_top = frame;
        r.fp = (*frame).fp;
        let ip = (*frame).ip;
        r.goto(ip)
    }
}

handlers! {
    /// A call of the code that the further cell named, now in the accumulator, has found no room:
    /// it is made once more if that was only because the callee had not been translated. (By now
    /// the cell may name code that another thread has translated.)
    #[cold]
    #[inline(never)]
    fn no_room(r) {
        or_trap!(r, code::ready_cell(r.cx(), r.ip.add(1), r.acc as Ip));
        r.next(0)
    }

    /// The same for a call of the function at the address in the accumulator.
    #[cold]
    #[inline(never)]
    fn no_room_for_func(r) {
        or_trap!(r, code::ready_function(r.cx(), r.acc as *mut FuncInst));
        r.next(0)
    }
}

/// Makes the next return restore the instance `vm`, unless it does so, or leaves the machine, in
/// any case: so any number of tail calls takes no space. There must be room for a frame.
#[inline(never)]
unsafe fn remember_instance(cx: *mut Cx, vm: *mut Vm) {
    // SAFETY: the top frame is that of the running function's caller.
    unsafe {
        let caller = (*cx).frame_top.sub(1);
        let ip = (*caller).ip;
        if ip != EXIT.as_ptr() && ip != RELOAD.as_ptr() {
            (*caller).vm = vm;
            push(cx, RELOAD.as_ptr(), (*caller).fp, vm, std::ptr::null_mut());
        }
    }
}

/// The function that an indirect call finds in its table.
#[inline(always)]
unsafe fn callee(r: &Regs, index: u64) -> Result<*mut FuncInst, TrapKind> {
    // SAFETY: the contract of `CellHandler`.
    unsafe {
        let (ty, table) = (TypeId(r.cell(1) as u32), (r.cell(1) >> 32) as usize);
        let func = helpers::table_callee(*(*r.vm).tables.add(table), index)?;
        if (*func).ty != ty && !is_subtype((*r.vm).cx, (*func).ty, ty) {
            return Err(TrapKind::IndirectCallTypeMismatch);
        }
        Ok(func)
    }
}

/// By class of type: i32, i64 and references, f32, f64; then the operand.
pub(in crate::register) const RET_ONE: [[CellHandler; 3]; 4] =
    forms!(ret_one [] [u32 u64 f32 f64] [InSlot InAcc Immediate]);
