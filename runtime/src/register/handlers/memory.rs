//! Handlers of loads and stores. Memory 0 with 32-bit addresses and small offsets is fast; every
//! other access goes through the wide forms. Memory 0 may be shared, and its known length out of
//! date: that is looked at before an access traps, and nowhere else. Spec: 4.6.6 Memory
//! Instructions.

use super::numeric::{BinaryOp, binary_ops, second, value};
use crate::helpers;
use crate::numeric::Slot;
use crate::ops::for_each_group;
use crate::register::machine::{
    AccValue, Flag, Handler, Immediate, InAcc, InSlot, Negated, OperandSource, Plain, Regs,
    handlers,
};
use crate::register::table::{
    Chains, LOAD_FORMS, LOAD_OPS, LOAD_THEN_OPS, STORE_FORMS, STORE_OPS, for_each_load_then,
};
use crate::trap::TrapKind;
use crate::vm::{MemoryInst, Vm};

/// A load of the opcode table.
pub(in crate::register) trait LoadOp {
    type Result: AccValue;
    const SIZE_BYTES: usize;
    /// # Safety
    /// `from` is readable for the size.
    unsafe fn load(from: *const u8) -> Self::Result;
}

/// A store of the opcode table.
pub(in crate::register) trait StoreOp {
    type Operand: AccValue;
    const SIZE_BYTES: usize;
    /// # Safety
    /// `to` is writable for the size.
    unsafe fn store(to: *mut u8, value: Self::Operand);
}

/// The address of an access to memory 0; null outside of it. The effective address has at most 33
/// bits, so that sums do not wrap.
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
    memory: u32,
) -> Option<*mut u8> {
    // SAFETY: the contract of `Handler`: a memory of the instance, a slot, an offset.
    unsafe { at(r.vm, memory, [*r.slot(1), r.cell(1)], size_bytes) }
}

/// The host's address of `size_bytes` in a memory, at an address plus an offset.
#[inline(always)]
pub(in crate::register) unsafe fn at(
    vm: *mut Vm,
    memory: u32,
    [address, offset]: [u64; 2],
    size_bytes: usize,
) -> Option<*mut u8> {
    // SAFETY: the contract of `Handler`: a memory of the instance.
    unsafe {
        let memory = *(*vm).memories.add(memory as usize);
        let effective = address.checked_add(offset)?;
        let end = effective.checked_add(size_bytes as u64)?;
        if end > (*memory).len_bytes as u64 && end > far_len(memory) {
            return None;
        }
        Some((*memory).base.wrapping_add(effective as usize))
    }
}

/// The length of a memory that another thread may have grown.
#[cold]
#[inline(never)]
unsafe fn far_len(memory: *mut MemoryInst) -> u64 {
    // SAFETY: the caller has it from the instance.
    unsafe { helpers::memory_refresh(memory) as u64 }
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
        match checked(&r, effective, O::SIZE_BYTES) {
            Some(from) => {
                r.set(3, O::load(from));
                r.next(1)
            }
            None => r.handle(beyond),
        }
    }

    /// `further cell := op(c, memory 0 [a + b])` (negated: the other way round); op does not trap.
    fn load_then<L: LoadOp, O: BinaryOp<A = L::Result>, X: OperandSource, N: Flag>(r) {
        let effective = u64::from(InSlot::get::<u32>(&r, 1)) + u64::from(r.field(2));
        match checked(&r, effective, L::SIZE_BYTES) {
            Some(from) => {
                let value = second::<O, N>(X::get(&r, 3), L::load(from));
                *r.fp.add(r.cell(1) as usize) = value.into_slot();
                value.accumulate(&mut r);
                r.next(2)
            }
            None => r.handle(beyond),
        }
    }

    /// `c := memory 0 [address in a and b]`
    fn load_fixed<O: LoadOp>(r) {
        match checked(&r, u64::from(r.field32(1)), O::SIZE_BYTES) {
            Some(from) => {
                r.set(3, O::load(from));
                r.next(1)
            }
            None => r.handle(beyond),
        }
    }

    /// `c := memory b [a + further cell]`
    fn load_wide<O: LoadOp>(r) {
        match wide(&r, O::SIZE_BYTES, r.field(2).into()) {
            Some(from) => {
                r.set(3, O::load(from));
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }

    /// `memory 0 [a + c] := b`
    fn store<O: StoreOp, A: OperandSource, V: OperandSource>(r) {
        let effective = u64::from(A::get::<u32>(&r, 1)) + u64::from(r.field(3));
        match checked(&r, effective, O::SIZE_BYTES) {
            Some(to) => {
                O::store(to, V::get(&r, 2));
                r.next(1)
            }
            None => r.handle(beyond),
        }
    }

    /// `memory 0 [address in b and c] := a`
    fn store_fixed<O: StoreOp, V: OperandSource>(r) {
        match checked(&r, u64::from(r.field32(2)), O::SIZE_BYTES) {
            Some(to) => {
                O::store(to, V::get(&r, 1));
                r.next(1)
            }
            None => r.handle(beyond),
        }
    }

    /// `memory c [a + further cell] := b`
    fn store_wide<O: StoreOp>(r) {
        match wide(&r, O::SIZE_BYTES, r.field(3).into()) {
            Some(to) => {
                O::store(to, InSlot::get(&r, 2));
                r.next(2)
            }
            None => r.trap(TrapKind::MemoryOutOfBounds),
        }
    }
}

const fn load_row<O: LoadOp>() -> [Handler; LOAD_FORMS] {
    [
        load::<O, InSlot>,
        load::<O, InAcc>,
        load_fixed::<O>,
        load_wide::<O>,
    ]
}

const fn store_row<O: StoreOp>() -> [Handler; STORE_FORMS] {
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
            type Result = value!($ty);
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self::Result {
                // SAFETY: the caller's contract.
                let value = $storage::from_le(unsafe { from.cast::<$storage>().read_unaligned() });
                Slot::from_slot(value as $slot as u64)
            }
        })*
        pub(super) const LOAD: [[Handler; LOAD_FORMS]; LOAD_OPS.len()] =
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
            type Operand = value!($ty);
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn store(to: *mut u8, value: Self::Operand) {
                let value = (value.into_slot() as $slot as $storage).to_le();
                // SAFETY: the caller's contract.
                unsafe { to.cast::<$storage>().write_unaligned(value) };
            }
        })*
        pub(super) const STORE: [[Handler; STORE_FORMS]; STORE_OPS.len()] =
            [$(store_row::<store_ops::$op>()),*];
    };
}

for_each_group!([for_each_load] load_rows;);
for_each_group!([for_each_store] store_rows;);

const fn load_then_row<L: LoadOp, O: BinaryOp<A = L::Result>>() -> Chains {
    [
        [
            load_then::<L, O, InSlot, Plain>,
            load_then::<L, O, InAcc, Plain>,
        ],
        [
            load_then::<L, O, InSlot, Negated>,
            load_then::<L, O, InAcc, Negated>,
        ],
    ]
}

macro_rules! load_then_rows {
    ($($load:ident $op:ident;)*) => {
        pub(super) const LOAD_THEN: [Chains; LOAD_THEN_OPS.len()] =
            [$(load_then_row::<load_ops::$load, binary_ops::$op>()),*];
        /// The same in the native profile.
        pub(super) const NATIVE_LOAD_THEN: [Chains; LOAD_THEN_OPS.len()] =
            [$(load_then_row::<load_ops::$load, <binary_ops::$op as BinaryOp>::Native>()),*];
    };
}

for_each_load_then!(load_then_rows);
