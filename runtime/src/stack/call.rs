//! Handlers of calls and returns, and the entry from outside (spec: "Control Instructions",
//! "Invocation of Function Addresses").
//!
//! A call between functions of this tier pushes a [`ControlFrame`] and jumps; the native stack does
//! not grow. The arguments stay where they are: the callee's frame on the value stack begins at the
//! first of them, its other locals and its operands follow. On return the results stand in place of
//! the arguments, the last one in `acc`. A frame's `fp` is the callee's first `sp`; its `func` is
//! the function called, or null if the instruction before `ip` names the callee's code.

use super::code::{self, FuncCode};
use super::machine::{Machine, StackHandler, handlers, or_trap, trap_in_caller};
use super::unwind::{self, UNCAUGHT};
use crate::engine::Tier;
use crate::helpers;
use crate::store::is_subtype;
use crate::trap::{TrapKind, non_null};
use crate::types::TypeId;
use crate::vm::{ControlFrame, Cx, EXIT_OK, Exit, FuncInst, Vm};

handlers! {
    /// `call` of a function of the same module that is not imported: `{ its code }`.
    fn call_own(m) {
        let code = m.take() as *const FuncCode;
        m.spill();
        enter(m, code, std::ptr::null_mut())
    }

    /// `call` of an imported function: `{ function index }`.
    fn call_imported(m) {
        let func = *(*m.vm).funcs.add(m.take() as usize);
        m.spill();
        call(m, func)
    }

    /// `call_indirect`: `{ table index, canonical type }`.
    fn call_indirect(m) {
        let (immediates, table, ty) = (m.ip, m.take(), m.take());
        let func = or_trap!(m, table_callee(m.vm, table, m.acc));
        if (*func).ty.0 != ty as u32 {
            return call_indirect_subtype(immediates, m.sp, m.base, m.len, m.vm, m.acc);
        }
        call(m, func)
    }

    /// `call_indirect` of a function whose type is another: `{ table index, canonical type }`.
    #[cold]
    #[inline(never)]
    fn call_indirect_subtype(m) {
        let (table, ty) = (m.take(), m.take());
        let func = or_trap!(m, indirect_callee(m.vm, table, ty, m.acc));
        call(m, func)
    }

    /// `call_ref`
    fn call_ref(m) {
        or_trap!(m, non_null(m.acc, TrapKind::NullFunctionReference));
        call(m, m.acc as *mut FuncInst)
    }

    /// `return_call` of a function of the same module that is not imported:
    /// `{ frame slots, argument slots, its code, function index }`.
    fn return_call_own(m) {
        let (frame_slots, arg_slots) = (m.take() as usize, m.take() as usize);
        let code = m.take() as *const FuncCode;
        let func = *(*m.vm).funcs.add(m.take() as usize);
        m.spill();
        replace_frame(&mut m, frame_slots, arg_slots);
        enter_again(m, code, func)
    }

    /// `return_call` of an imported function: `{ frame slots, argument slots, function index }`.
    fn return_call_imported(m) {
        let (frame_slots, arg_slots) = (m.take() as usize, m.take() as usize);
        let func = *(*m.vm).funcs.add(m.take() as usize);
        m.spill();
        replace_frame(&mut m, frame_slots, arg_slots);
        return_call(m, func)
    }

    /// `return_call_indirect`:
    /// `{ frame slots, argument slots, table index, canonical type }`.
    fn return_call_indirect(m) {
        let (frame_slots, arg_slots) = (m.take() as usize, m.take() as usize);
        let (table, ty) = (m.take(), m.take());
        let func = or_trap!(m, indirect_callee(m.vm, table, ty, m.acc));
        replace_frame(&mut m, frame_slots, arg_slots);
        return_call(m, func)
    }

    /// `return_call_ref`: `{ frame slots, argument slots }`.
    fn return_call_ref(m) {
        let (frame_slots, arg_slots) = (m.take() as usize, m.take() as usize);
        or_trap!(m, non_null(m.acc, TrapKind::NullFunctionReference));
        let func = m.acc as *mut FuncInst;
        replace_frame(&mut m, frame_slots, arg_slots);
        return_call(m, func)
    }

    /// The head of a function with locals beyond its parameters: `{ their slots }`.
    fn zero_locals(m) {
        let slots = m.take() as usize;
        m.sp.write_bytes(0, slots);
        m.sp = m.sp.add(slots);
        m.next()
    }

    /// `return` of nothing: `{ frame slots + 1 }`.
    fn return_0(m) {
        let frame_slots = m.take() as usize;
        m.drop_slots(frame_slots);
        leave(m)
    }

    /// `return` of one slot: `{ frame slots }`.
    fn return_1(m) {
        let frame_slots = m.take() as usize;
        m.sp = m.sp.sub(frame_slots);
        leave(m)
    }

    /// `return` of several slots: `{ frame slots, result slots }`.
    fn return_n(m) {
        let (frame_slots, results) = (m.take() as usize, m.take() as usize);
        let first = m.sp.sub(frame_slots);
        std::ptr::copy(m.sp.sub(results - 1), first, results - 1);
        m.sp = first.add(results - 1);
        leave(m)
    }

    /// Where the outermost function returns to: ends `run`.
    fn exit(m) {
        *m.sp = m.acc;
        EXIT_OK
    }
}

macro_rules! zero_few_locals {
    ($($name:ident $slots:literal;)*) => { handlers! { $(
        /// `zero_locals` of this many slots.
        fn $name(m) {
            m.sp.cast::<[u64; $slots]>().write([0; $slots]);
            m.sp = m.sp.add($slots);
            m.next()
        }
    )* } };
}

zero_few_locals! {
    zero_locals_1 1;
    zero_locals_2 2;
    zero_locals_3 3;
    zero_locals_4 4;
}

/// True if a call's frame has room behind its arguments, and on the control stack.
#[inline(always)]
unsafe fn has_room(cx: *mut Cx, sp: *mut u64, code: *const FuncCode) -> bool {
    // SAFETY: the callers' `cx` and `code` are alive.
    unsafe { (*cx).frame_top != (*cx).frame_end && has_room_again(cx, sp, code) }
}

/// The same for a tail call, which needs no room on the control stack.
#[inline(always)]
unsafe fn has_room_again(cx: *mut Cx, sp: *mut u64, code: *const FuncCode) -> bool {
    // SAFETY: the callers' `cx` and `code` are alive.
    unsafe { sp.wrapping_byte_add((*code).frame_bytes()) <= (*cx).stack_end }
}

/// A callee as one number: the address of the function, made odd, or that of its code.
#[inline(always)]
fn named(code: *const FuncCode, func: *mut FuncInst) -> u64 {
    if func.is_null() {
        code as u64
    } else {
        func as u64 | 1
    }
}

/// The code and the function that a number names.
unsafe fn callee_of(named: u64) -> (*const FuncCode, *mut FuncInst) {
    if named & 1 == 0 {
        return (named as *const FuncCode, std::ptr::null_mut());
    }
    let func = (named & !1) as *mut FuncInst;
    // SAFETY: `named` was made of a live function.
    (unsafe { (*func).stack.cast() }, func)
}

/// Calls a function of the running instance's module: `sp` is behind its arguments, `ip` is where
/// it returns to.
#[inline(always)]
unsafe fn enter(mut m: Machine, code: *const FuncCode, func: *mut FuncInst) -> Exit {
    // SAFETY: the machine's invariants; `code` is code of a module whose instance is alive.
    unsafe {
        let cx = m.cx();
        let frame = (*cx).frame_top;
        if !has_room(cx, m.sp, code) {
            return no_room(m.ip, m.sp, m.base, m.len, m.vm, named(code, func));
        }
        let (ip, fp, vm) = (m.ip, m.sp, m.vm);
        *frame = ControlFrame { ip, fp, vm, func };
        (*cx).frame_top = frame.add(1);
        m.ip = (*code).cells();
        m.next()
    }
}

/// Returns to the caller: the results are where they belong.
#[inline(always)]
unsafe fn leave(mut m: Machine) -> Exit {
    // SAFETY: the machine's invariants; the last frame is the caller's.
    unsafe {
        let cx = m.cx();
        let frame = (*cx).frame_top.sub(1);
        (*cx).frame_top = frame;
        m.ip = (*frame).ip;
        if (*frame).vm != m.vm {
            return leave_instance(m.ip, m.sp, m.base, m.len, (*frame).vm, m.acc);
        }
        m.next()
    }
}

handlers! {
    /// A call that has found no room on one of the stacks, of the callee in `acc`. The call is made
    /// once more if the callee had only not been translated.
    #[cold]
    #[inline(never)]
    fn no_room(m) {
        let (code, func) = callee_of(m.acc);
        or_trap!(m, code::ready(m.cx(), code));
        if !has_room(m.cx(), m.sp, code) {
            return m.trap(TrapKind::StackExhausted);
        }
        enter(m, code, func)
    }

    /// The same for a call of another instance's function, whose address is in `acc`.
    #[cold]
    #[inline(never)]
    fn no_room_in_instance(m) {
        let code = (*(m.acc as *mut FuncInst)).stack.cast();
        or_trap!(m, code::ready(m.cx(), code));
        if !has_room(m.cx(), m.sp, code) {
            return m.trap(TrapKind::StackExhausted);
        }
        enter_instance(m.ip, m.sp, m.base, m.len, m.vm, m.acc)
    }

    /// The same for a tail call.
    #[cold]
    #[inline(never)]
    fn no_room_again(m) {
        let (code, func) = callee_of(m.acc);
        or_trap!(m, code::ready(m.cx(), code));
        if !has_room_again(m.cx(), m.sp, code) {
            return m.trap(TrapKind::StackExhausted);
        }
        enter_again(m, code, func)
    }

    /// Goes on in another instance, which `vm` already is.
    #[inline(never)]
    fn leave_instance(m) {
        m.load_memory();
        m.next()
    }
}

/// Calls any function: `sp` is behind its arguments, `ip` is where it returns to.
#[inline(always)]
unsafe fn call(m: Machine, func: *mut FuncInst) -> Exit {
    // SAFETY: the machine's invariants; function references are addresses of live functions.
    unsafe {
        let code = (*func).stack.cast::<FuncCode>();
        if code.is_null() || (*func).vm != m.vm {
            return call_outside(m.ip, m.sp, m.base, m.len, m.vm, func as u64);
        }
        enter(m, code, func)
    }
}

handlers! {
    /// Calls a function that is another instance's, another tier's or the host's: `acc` is its
    /// address.
    #[inline(never)]
    fn call_outside(m) {
        let func = m.acc as *mut FuncInst;
        if !(*func).stack.is_null() {
            return enter_instance(m.ip, m.sp, m.base, m.len, m.vm, m.acc);
        }
        m.sp = m.sp.sub((*func).param_slots as usize);
        let exit = ((*func).entry)(func, m.cx(), m.sp);
        if exit == UNCAUGHT {
            return unwind::go_on(m.ip, m.sp, m.base, m.len, m.vm, (*m.cx()).exception);
        }
        if exit != EXIT_OK {
            return m.next_unless(exit);
        }
        // One slot above the results would be `sp` if `acc` were spilled.
        m.sp = m.sp.add((*func).result_slots as usize);
        m.drop_slots(1);
        m.load_memory();
        m.next()
    }

    /// Calls a function of this tier and of another instance: `acc` is its address.
    #[inline(never)]
    fn enter_instance(m) {
        let func = m.acc as *mut FuncInst;
        let code = (*func).stack.cast::<FuncCode>();
        let cx = m.cx();
        let frame = (*cx).frame_top;
        if !has_room(cx, m.sp, code) {
            return no_room_in_instance(m.ip, m.sp, m.base, m.len, m.vm, m.acc);
        }
        let (ip, fp, vm) = (m.ip, m.sp, m.vm);
        *frame = ControlFrame { ip, fp, vm, func };
        (*cx).frame_top = frame.add(1);
        m.ip = (*code).cells();
        m.vm = (*func).vm;
        m.load_memory();
        m.next()
    }
}

/// Moves the arguments, which end at `sp`, to where the running function's own parameters began.
#[inline(always)]
unsafe fn replace_frame(m: &mut Machine, frame_slots: usize, arg_slots: usize) {
    // SAFETY: both ranges lie in the running function's frame.
    unsafe {
        let first = m.sp.sub(frame_slots);
        std::ptr::copy(m.sp.sub(arg_slots), first, arg_slots);
        m.sp = first.add(arg_slots);
    }
}

/// As `enter`, in the frame of the running function.
#[inline(always)]
unsafe fn enter_again(mut m: Machine, code: *const FuncCode, func: *mut FuncInst) -> Exit {
    // SAFETY: as for `enter`; the last frame is that of the running function's caller.
    unsafe {
        let cx = m.cx();
        let frame = (*cx).frame_top.sub(1);
        (*frame).func = func;
        (*frame).fp = m.sp;
        if !has_room_again(cx, m.sp, code) {
            return no_room_again(m.ip, m.sp, m.base, m.len, m.vm, named(code, func));
        }
        m.ip = (*code).cells();
        m.next()
    }
}

/// As `call`, in the frame of the running function.
#[inline(always)]
unsafe fn return_call(m: Machine, func: *mut FuncInst) -> Exit {
    // SAFETY: as for `call`.
    unsafe {
        let code = (*func).stack.cast::<FuncCode>();
        if code.is_null() || (*func).vm != m.vm {
            return return_call_outside(m.ip, m.sp, m.base, m.len, m.vm, func as u64);
        }
        enter_again(m, code, func)
    }
}

handlers! {
    /// As `call_outside`, in the frame of the running function.
    #[inline(never)]
    fn return_call_outside(m) {
        let func = m.acc as *mut FuncInst;
        if !(*func).stack.is_null() {
            m.vm = (*func).vm;
            m.load_memory();
            return enter_again(m, (*func).stack.cast(), func);
        }
        let args = m.sp.sub((*func).param_slots as usize);
        let slots = (*func).result_slots.max((*func).param_slots) as usize;
        if args.wrapping_add(slots) > (*m.cx()).stack_end {
            return m.trap(TrapKind::StackExhausted);
        }
        let exit = ((*func).entry)(func, m.cx(), args);
        if exit == UNCAUGHT {
            return unwind::leave(m.ip, m.sp, m.base, m.len, m.vm, (*m.cx()).exception);
        }
        if exit != EXIT_OK {
            return trap_in_caller(m.vm, exit);
        }
        m.sp = args.add((*func).result_slots as usize);
        m.drop_slots(1);
        m.load_memory();
        leave(m)
    }
}

/// The function that a table of the instance holds at `index`, or the trap.
#[inline(always)]
unsafe fn table_callee(vm: *mut Vm, table: u64, index: u64) -> Result<*mut FuncInst, TrapKind> {
    // SAFETY: validation has checked the table index.
    unsafe { helpers::table_callee(*(*vm).tables.add(table as usize), index) }
}

/// As `table_callee`, and of canonical type `ty` or a subtype of it.
unsafe fn indirect_callee(
    vm: *mut Vm,
    table: u64,
    ty: u64,
    index: u64,
) -> Result<*mut FuncInst, TrapKind> {
    // SAFETY: as for `table_callee`; functions live as long as their store.
    unsafe {
        let func = table_callee(vm, table, index)?;
        let ty = TypeId(ty as u32);
        let is_it = (*func).ty == ty || is_subtype((*vm).cx, (*func).ty, ty);
        is_it
            .then_some(func)
            .ok_or(TrapKind::IndirectCallTypeMismatch)
    }
}

/// Code of one instruction: `exit`.
pub(super) static EXIT_CODE: [StackHandler; 1] = [exit];

/// The entry of every function of this tier.
///
/// # Safety
/// As for [`crate::vm::Entry`].
pub(super) unsafe extern "C" fn entry(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: the contract of `Entry`.
    unsafe {
        let code = (*func).stack.cast::<FuncCode>();
        let (params, results) = ((*func).param_slots as usize, (*func).result_slots as usize);
        let frame = (*cx).frame_top;
        (*cx).entered[Tier::Stack as usize] += 1;
        // The slot below a frame must be readable (see `return_0`): so the frame is one slot up.
        let fp = args.add(1);
        let sp = fp.wrapping_add(params);
        if !has_room(cx, sp, code)
            && let Err(kind) = code::ready(cx, code)
        {
            return kind as Exit;
        }
        if !has_room(cx, sp, code) || fp.wrapping_add(results) > (*cx).stack_end {
            return TrapKind::StackExhausted as Exit;
        }
        std::ptr::copy(args, fp, params);
        let (ip, vm) = (EXIT_CODE.as_ptr().cast(), (*func).vm);
        *frame = ControlFrame {
            ip,
            fp: sp,
            vm,
            func,
        };
        (*cx).frame_top = frame.add(1);
        let mut m = Machine {
            ip: (*code).cells(),
            sp,
            base: std::ptr::null_mut(),
            len: 0,
            vm,
            acc: 0,
        };
        m.load_memory();
        let exit = m.run();
        if exit == EXIT_OK {
            std::ptr::copy(fp, args, results);
        } else {
            unwind::note(cx, (*cx).frame_top.sub(1));
        }
        (*cx).frame_top = frame;
        exit
    }
}
