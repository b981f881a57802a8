//! Handlers of loads and stores. Memory 0 with 32-bit addresses and small offsets is fast; every
//! other access goes through the wide forms. Memory 0 may be shared, and its known length out of
//! date: that is looked at before an access traps, and nowhere else. Spec: 4.6.6 Memory
//! Instructions.

use super::numeric::{BinaryOp, binary_ops, second, value};
use crate::helpers;
use crate::numeric::Slot;
use crate::ops::for_each_group;
use crate::register::machine::{
    AccValue, CellHandler, Immediate, InAcc, InSlot, OperandSource, Regs, handlers, or_trap,
};
use crate::register::table::{
    ByProfile, Chains, LOAD_FORMS, LOAD_OPS, LOAD_THEN_OPS, STORE_FORMS, STORE_OPS,
    for_each_load_then,
};
use crate::trap::TrapKind;

/// A load of the opcode table.
pub(in crate::register) trait LoadOp {
    const SIZE_BYTES: usize;
    /// Loads to the slot that field `n` names.
    ///
    /// # Safety
    /// `from` is readable for the size.
    unsafe fn load(r: &mut Regs, n: usize, from: *const u8);
}

/// A load of a scalar.
pub(in crate::register) trait ScalarLoad: LoadOp {
    type Result: AccValue;
    /// # Safety
    /// `from` is readable for the size.
    unsafe fn value(from: *const u8) -> Self::Result;
}

/// A store of the opcode table.
pub(in crate::register) trait StoreOp {
    const SIZE_BYTES: usize;
    /// Stores the operand that field `n` describes; a vector is always in slots.
    ///
    /// # Safety
    /// `to` is writable for the size.
    unsafe fn store<V: OperandSource>(r: &Regs, n: usize, to: *mut u8);
}

/// The address of an access to memory 0, if all of it is inside. The effective address has at most
/// 33 bits, so that sums do not wrap.
#[inline(always)]
pub(in crate::register) fn checked(r: &Regs, effective: u64, size_bytes: usize) -> Option<*mut u8> {
    let effective = effective as usize;
    (effective + size_bytes <= r.len).then(|| r.mem.wrapping_add(effective))
}

/// The address of an access to any memory, of `size_bytes`, at a slot's value plus a far offset.
#[inline(always)]
pub(in crate::register) unsafe fn wide(
    r: &Regs,
    size_bytes: usize,
    memory: usize,
) -> Result<*mut u8, TrapKind> {
    // SAFETY: the contract of `CellHandler`: a memory of the instance, a slot, an offset.
    unsafe { helpers::access_place(r.vm, memory, [*r.slot(1), r.cell(1)], size_bytes) }
}

handlers! {
    /// An access beyond the known length of memory 0: runs it again if another thread has grown
    /// the memory, else traps.
    #[cold]
    #[inline(never)]
    fn beyond(r) {
        if helpers::memory_refresh((*r.vm).memory0) > r.len {
            r.reload();
            return r.goto(r.ip);
        }
        r.trap(TrapKind::MemoryOutOfBounds)
    }
}

handlers! {
    /// `c := memory 0 [a + b]`
    fn load<O: LoadOp, A: OperandSource>(r) {
        let effective = u64::from(A::get::<u32>(&r, 1)) + u64::from(r.field(2));
        let Some(from) = checked(&r, effective, O::SIZE_BYTES) else {
            return r.handle(beyond);
        };
        O::load(&mut r, 3, from);
        r.next(1)
    }

    /// `further cell := op(c, memory 0 [a + b])` (swapped: the other way round); op does not trap.
    fn load_then<L: ScalarLoad, O: BinaryOp<A = L::Result>, X: OperandSource; SWAPPED>(r) {
        let effective = u64::from(InSlot::get::<u32>(&r, 1)) + u64::from(r.field(2));
        let Some(from) = checked(&r, effective, L::SIZE_BYTES) else {
            return r.handle(beyond);
        };
        let value = second::<O, SWAPPED>(X::get(&r, 3), L::value(from));
        *r.fp.add(r.cell(1) as usize) = value.into_slot();
        value.accumulate(&mut r);
        r.next(2)
    }

    /// `c := memory 0 [address in a and b]`
    fn load_fixed<O: LoadOp>(r) {
        let Some(from) = checked(&r, u64::from(r.field32(1)), O::SIZE_BYTES) else {
            return r.handle(beyond);
        };
        O::load(&mut r, 3, from);
        r.next(1)
    }

    /// `c := memory b [a + further cell]`
    fn load_wide<O: LoadOp>(r) {
        let from = or_trap!(r, wide(&r, O::SIZE_BYTES, r.field(2).into()));
        O::load(&mut r, 3, from);
        r.next(2)
    }

    /// `memory 0 [a + c] := b`
    fn store<O: StoreOp, A: OperandSource, V: OperandSource>(r) {
        let effective = u64::from(A::get::<u32>(&r, 1)) + u64::from(r.field(3));
        let Some(to) = checked(&r, effective, O::SIZE_BYTES) else {
            return r.handle(beyond);
        };
        O::store::<V>(&r, 2, to);
        r.next(1)
    }

    /// `memory 0 [address in b and c] := a`
    fn store_fixed<O: StoreOp, V: OperandSource>(r) {
        let Some(to) = checked(&r, u64::from(r.field32(2)), O::SIZE_BYTES) else {
            return r.handle(beyond);
        };
        O::store::<V>(&r, 1, to);
        r.next(1)
    }

    /// `memory c [a + further cell] := b`
    fn store_wide<O: StoreOp>(r) {
        let to = or_trap!(r, wide(&r, O::SIZE_BYTES, r.field(3).into()));
        O::store::<InSlot>(&r, 2, to);
        r.next(2)
    }
}

const fn load_row<O: LoadOp>() -> [CellHandler; LOAD_FORMS] {
    [
        load::<O, InSlot>,
        load::<O, InAcc>,
        load_fixed::<O>,
        load_wide::<O>,
    ]
}

const fn store_row<O: StoreOp>() -> [CellHandler; STORE_FORMS] {
    [
        store::<O, InSlot, InSlot>,
        store::<O, InSlot, Immediate>,
        store::<O, InAcc, InSlot>,
        store::<O, InSlot, InAcc>,
        store::<O, InAcc, Immediate>,
        store_fixed::<O, InSlot>,
        store_fixed::<O, InAcc>,
        store_fixed::<O, Immediate>,
        store_wide::<O>,
    ]
}

macro_rules! load_rows {
    ($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $storage:ident as $slot:ident -> $ty:ident })* }) => {
        mod load_ops {
            $(pub(super) struct $op;)*
        }
        $(impl LoadOp for load_ops::$op {
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn load(r: &mut Regs, n: usize, from: *const u8) {
                // SAFETY: the caller's contract; fields name slots of the frame.
                unsafe { r.set(n, Self::value(from)) };
            }
        }

        impl ScalarLoad for load_ops::$op {
            type Result = value!($ty);
            #[inline(always)]
            unsafe fn value(from: *const u8) -> Self::Result {
                // SAFETY: the caller's contract.
                let value = $storage::from_le(unsafe { from.cast::<$storage>().read_unaligned() });
                Slot::from_slot(value as $slot as u64)
            }
        })*
        pub(super) const LOAD: [[CellHandler; LOAD_FORMS]; LOAD_OPS.len()] =
            [$(load_row::<load_ops::$op>()),*];
    };
}

macro_rules! store_rows {
    ($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $ty:ident -> $slot:ident as $storage:ident })* }) => {
        mod store_ops {
            $(pub(super) struct $op;)*
        }
        $(impl StoreOp for store_ops::$op {
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn store<V: OperandSource>(r: &Regs, n: usize, to: *mut u8) {
                // SAFETY: the caller's contract.
                unsafe {
                    let value: value!($ty) = V::get(r, n);
                    let value = (value.into_slot() as $slot as $storage).to_le();
                    to.cast::<$storage>().write_unaligned(value);
                }
            }
        })*
        pub(super) const STORE: [[CellHandler; STORE_FORMS]; STORE_OPS.len()] =
            [$(store_row::<store_ops::$op>()),*];
    };
}

for_each_group!([for_each_load] load_rows;);
for_each_group!([for_each_store] store_rows;);

const fn load_then_row<L: ScalarLoad, O: BinaryOp<A = L::Result>>() -> Chains {
    [
        [
            load_then::<L, O, InSlot, false>,
            load_then::<L, O, InAcc, false>,
        ],
        [
            load_then::<L, O, InSlot, true>,
            load_then::<L, O, InAcc, true>,
        ],
    ]
}

macro_rules! load_then_rows {
    ($($load:ident $op:ident;)*) => {
        pub(super) const LOAD_THEN: ByProfile<[Chains; LOAD_THEN_OPS.len()]> = [
            [$(load_then_row::<load_ops::$load, binary_ops::$op>()),*],
            [$(load_then_row::<load_ops::$load, <binary_ops::$op as BinaryOp>::Native>()),*],
        ];
    };
}

for_each_load_then!(load_then_rows);
