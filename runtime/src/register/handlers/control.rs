//! Handlers of moves, branches, globals, tables, references, and of the helpers in `helpers.rs`.

use std::sync::atomic::Ordering;

use crate::helpers;
use crate::ops::Op;
use crate::register::machine::{
    AccValue, CellHandler, Immediate, InAcc, InSlot, Ip, OperandSource, Regs, forms, handlers,
    or_trap, trapped,
};
use crate::register::table::{HAS_RESULT, HELPER_OPS, IS_NARROW, by_op};
use crate::store::sample;
use crate::trap::TrapKind;
use crate::vm::{EXIT_OK, Exit, GlobalInst, TableInst, Vm};

handlers! {
    /// `c := a`
    fn copy<T: AccValue, A: OperandSource>(r) {
        let value: T = A::get(&r, 1);
        r.set(3, value);
        r.next(1)
    }

    /// `c := a`, then `c + 1 := b`, both read before.
    fn copy_pair(r) {
        let (a, b): (u64, u64) = (InSlot::get(&r, 1), InSlot::get(&r, 2));
        let to = r.slot(3);
        *to = a;
        *to.add(1) = b;
        r.next(1)
    }

    /// `c := a` of two slots.
    fn copy_vector(r) {
        let from = r.slot(1).cast::<[u64; 2]>();
        *r.slot(3).cast::<[u64; 2]>() = *from;
        r.next(1)
    }

    /// `high half of the further cell := its low half`, slots that fields cannot name.
    fn copy_far(r) {
        let (from, to) = (r.cell(1) as u32, (r.cell(1) >> 32) as u32);
        *r.fp.add(to as usize) = *r.fp.add(from as usize);
        r.next(2)
    }

    /// `c := further cell`
    fn constant<T: AccValue>(r) {
        let value = T::from_slot(r.cell(1));
        r.set(3, value);
        r.next(2)
    }

    /// `c := further cells` of two slots.
    fn constant_vector(r) {
        let from = r.ip.add(1).cast::<[u64; 2]>();
        *r.slot(3).cast::<[u64; 2]>() = *from;
        r.next(3)
    }

    /// `further cell := a != 0 ? b : c`
    fn select<T: AccValue>(r) {
        let condition = InSlot::get::<u32>(&r, 1) != 0;
        let (b, c): (T, T) = (InSlot::get(&r, 2), InSlot::get(&r, 3));
        let value = if condition { b } else { c };
        *r.fp.add(r.cell(1) as usize) = value.into_slot();
        value.accumulate(&mut r);
        r.next(2)
    }

    /// `further cell := a != 0 ? b : c` of two slots.
    fn select_vector(r) {
        let condition = InSlot::get::<u32>(&r, 1) != 0;
        let from = if condition { r.slot(2) } else { r.slot(3) };
        *r.fp.add(r.cell(1) as usize).cast::<[u64; 2]>() = *from.cast::<[u64; 2]>();
        r.next(2)
    }

    /// Clears `further cell` slots from slot `b, c`.
    fn clear(r) {
        let first = r.fp.add(r.field32(2) as usize);
        first.write_bytes(0, r.cell(1) as usize);
        r.next(2)
    }

    /// Copies the further cells, `a` of them, to the slots from `c` on.
    fn constants(r) {
        let len = usize::from(r.field(1));
        r.slot(3).copy_from_nonoverlapping(r.ip.add(1), len);
        r.next(1 + len)
    }

    /// Jumps.
    fn br(r) {
        r.jump(r.field32(2) as i32)
    }

    /// Jumps if `a` is not 0 (negated: if it is).
    fn br_if<T: AccValue, A: OperandSource; NEGATED>(r) {
        let value: T = A::get(&r, 1);
        if (value.into_slot() != 0) != NEGATED {
            r.jump(r.field32(2) as i32)
        } else {
            r.next(1)
        }
    }

    /// Jumps by the `a`th of the distances that follow, `b, c` in all, or by the last.
    fn br_table(r) {
        let index = InSlot::get::<u32>(&r, 1).min(r.field32(2) - 1);
        r.jump(*r.ip.add(1).cast::<i32>().add(index as usize))
    }

    /// Traps with the kind of code `a`.
    fn trap(r) {
        r.fail(r.field(1).into())
    }

    /// `a := global`
    fn global_get<T: AccValue>(r) {
        let value = T::from_slot((*global(&r)).slots[0]);
        r.set(1, value);
        r.next(1)
    }

    /// `a := global` of two slots
    fn global_get_vector(r) {
        *r.slot(1).cast::<[u64; 2]>() = (*global(&r)).slots;
        r.next(1)
    }

    /// `global := a`
    fn global_set<T: AccValue, A: OperandSource>(r) {
        let value: T = A::get(&r, 1);
        (*global(&r)).slots[0] = value.into_slot();
        r.next(1)
    }

    /// `global := a` of two slots
    fn global_set_vector(r) {
        (*global(&r)).slots = *r.slot(1).cast::<[u64; 2]>();
        r.next(1)
    }

    /// `a := reference to function b, c`
    fn ref_func(r) {
        let func = *(*r.vm).funcs.add(r.field32(2) as usize);
        r.set(1, func as u64);
        r.next(1)
    }

    /// Traps with the kind of code `b` if `a` is null.
    fn trap_if_null(r) {
        if InSlot::get::<u64>(&r, 1) != 0 {
            return r.next(1);
        }
        r.fail(r.field(2).into())
    }

    /// Spends `b, c` of the fuel, if there is as much.
    fn fuel(r) {
        let (cx, cost) = (r.cx(), u64::from(r.field32(2)));
        if (*cx).fuel < cost {
            return r.trap(TrapKind::OutOfFuel);
        }
        (*cx).fuel -= cost;
        r.next(1)
    }

    /// Traps if the store is to be interrupted.
    fn poll(r) {
        if (*(*r.cx()).interrupt).load(Ordering::Relaxed) != 0 {
            return r.handle(polled);
        }
        r.next(1)
    }

    /// Gives a sample, or traps if the store is to be interrupted.
    #[cold]
    #[inline(never)]
    fn polled(r) {
        if sample::polled_interpreted(r.cx(), r.ip.wrapping_add(1) as usize) {
            r.next(1)
        } else {
            r.trap(TrapKind::Interrupted)
        }
    }

    /// `c := tables[b][a]`
    fn table_get(r) {
        let element = or_trap!(r, element(&r));
        r.set(3, *element);
        r.next(1)
    }

    /// `tables[b][a] := c`
    fn table_set(r) {
        let element = or_trap!(r, element(&r));
        *element = *r.slot(3);
        r.next(1)
    }

    /// A helper. The low bits of `a` are the number of its operands; the further cells are its
    /// indices, and the slots of its operands and, in the last field, of its result.
    fn helper<H: HelperOp>(r) {
        let exit = out_of_line::<H>(r.ip, r.fp, r.vm);
        if exit != EXIT_OK {
            return r.exit(exit);
        }
        r.reload();
        r.next(3)
    }
}

#[inline(always)]
unsafe fn global(r: &Regs) -> *mut GlobalInst {
    // SAFETY: the contract of `CellHandler`: a global of the instance.
    unsafe { *(*r.vm).globals.add(r.field32(2) as usize) }
}

/// The address of element `a` of table `b`, or the trap.
#[inline(always)]
unsafe fn element(r: &Regs) -> Result<*mut u64, TrapKind> {
    // SAFETY: the contract of `CellHandler`: a table of the instance.
    unsafe {
        let table: *mut TableInst = *(*r.vm).tables.add(usize::from(r.field(2)));
        let index = *r.slot(1);
        if index >= (*table).len {
            return Err(TrapKind::TableOutOfBounds);
        }
        Ok((*table).elements.add(index as usize))
    }
}

/// An instruction of `helpers.rs`.
pub(in crate::register) trait HelperOp {
    /// The result's slot, or 0; or the exit code of a trap.
    ///
    /// # Safety
    /// As for the helper, of indices `a` and `b`.
    unsafe fn call(vm: *mut Vm, a: u32, b: u32, operands: [u64; 3]) -> Result<u64, Exit>;
}

/// Executes a helper, its operands and result in slots.
#[inline(never)]
unsafe fn out_of_line<H: HelperOp>(ip: Ip, fp: *mut u64, vm: *mut Vm) -> Exit {
    // SAFETY: the contract of `CellHandler`.
    unsafe {
        let (len, indices, slots) = (
            *ip.cast::<u16>().add(1),
            *ip.add(1),
            ip.add(2).cast::<u16>(),
        );
        let mut operands = [0; 3];
        for (i, operand) in operands.iter_mut().enumerate().take(usize::from(len & 3)) {
            *operand = *fp.add(usize::from(*slots.add(i)));
        }
        match H::call(vm, indices as u32, (indices >> 32) as u32, operands) {
            Ok(mut result) => {
                if len & IS_NARROW != 0 {
                    result = u64::from(result as u32);
                }
                if len & HAS_RESULT != 0 {
                    *fp.add(usize::from(*slots.add(3))) = result;
                }
                EXIT_OK
            }
            Err(exit) => trapped(vm, ip, exit),
        }
    }
}

fn done(exit: Exit) -> Result<u64, Exit> {
    if exit == EXIT_OK { Ok(0) } else { Err(exit) }
}

macro_rules! helper_rows {
    ($($op:ident($vm:ident, $a:ident, $b:ident, $x:pat) => $call:expr;)*) => {
        mod helper_ops {
            $(pub(super) struct $op;)*
        }
        $(impl HelperOp for helper_ops::$op {
            unsafe fn call(
                $vm: *mut Vm,
                $a: u32,
                $b: u32,
                $x: [u64; 3],
            ) -> Result<u64, Exit> {
                // SAFETY: the caller's contract.
                unsafe { $call }
            }
        })*
        pub(super) const HELPER: [CellHandler; HELPER_OPS.len()] = by_op(HELPER_OPS, [$(
            (Op::$op, helper::<helper_ops::$op> as CellHandler)
        ),*]);
    };
}

helper_rows! {
    MemorySize(vm, a, _b, _) => Ok(helpers::memory_size(vm, a));
    MemoryGrow(vm, a, _b, [x, ..]) => Ok(helpers::memory_grow(vm, a, x));
    MemoryFill(vm, a, _b, [x, y, z]) => done(helpers::memory_fill(vm, a, x, y as u32, z));
    MemoryCopy(vm, a, b, [x, y, z]) => done(helpers::memory_copy(vm, a, b, x, y, z));
    MemoryInit(vm, a, b, [x, y, z]) => done(helpers::memory_init(vm, b, a, x, y, z));
    DataDrop(vm, a, _b, _) => {
        helpers::data_drop(vm, a);
        Ok(0)
    };
    TableSize(vm, a, _b, _) => Ok((**(*vm).tables.add(a as usize)).len);
    TableGrow(vm, a, _b, [x, y, _]) => Ok(helpers::table_grow(vm, a, x, y));
    TableFill(vm, a, _b, [x, y, z]) => done(helpers::table_fill(vm, a, x, y, z));
    TableCopy(vm, a, b, [x, y, z]) => done(helpers::table_copy(vm, a, b, x, y, z));
    TableInit(vm, a, b, [x, y, z]) => done(helpers::table_init(vm, b, a, x, y, z));
    ElemDrop(vm, a, _b, _) => {
        helpers::elem_drop(vm, a);
        Ok(0)
    };
}

/// By class of type: i32, i64 and references, f32, f64; then the operand.
pub(in crate::register) const COPY: [[CellHandler; 3]; 4] =
    forms!(copy [] [u32 u64 f32 f64] [InSlot InAcc Immediate]);

/// By width of the condition, operand, negation.
pub(in crate::register) const BR_IF: [[[CellHandler; 2]; 2]; 2] =
    forms!(br_if [] [u32 u64] [InSlot InAcc] [false true]);

// By accumulator.
pub(in crate::register) const CONSTANT: [CellHandler; 2] = forms!(constant [] [u64 f64]);
pub(in crate::register) const SELECT: [CellHandler; 2] = forms!(select [] [u64 f64]);
pub(in crate::register) const GLOBAL_GET: [CellHandler; 2] = forms!(global_get [] [u64 f64]);
pub(in crate::register) const GLOBAL_SET: [[CellHandler; 2]; 2] =
    forms!(global_set [] [u64 f64] [InSlot InAcc]);
