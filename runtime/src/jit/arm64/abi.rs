//! The use of registers by compiled code, and the places of arguments and results.
//!
//! | register | use |
//! |---|---|
//! | x28 | the instance that runs (`vm::Vm`) |
//! | x27 | the context (`vm::Cx`) |
//! | x9 | at a call by reference, the function instance (`vm::FuncInst`) |
//! | x16, x17 | scratch, never allocated |
//! | x18 | the platform's |
//! | x29 | the frame pointer of the entry: compiled functions have no frame pointer |
//! | x30 | the link register |
//! | x0 to x15, v0 to v31 | allocated; a call destroys them |
//! | x19 to x26 | allocated; a callee preserves them |
//!
//! Integers and references are passed in x0 to x7, floats and vectors in v0 to v7; results
//! likewise. `jit/mod.rs` describes the rest of the convention. Exit codes are in w0. A function
//! that does not save the link register puts it in x17 on its way to a piece that ends execution,
//! since the `bl` to that piece overwrites it.

use regalloc2::{MachineEnv, PReg, PRegSet, RegClass as RClass};

use super::regs::{Gpr, Reg, Vreg};
use crate::ir::Type;

/// The instance that runs (`vm::Vm`).
pub const VM: Gpr = Gpr::x(28);
/// The store's context (`vm::Cx`).
pub const CX: Gpr = Gpr::x(27);
/// The function instance that a call by reference calls.
pub const CALLEE: Gpr = Gpr::x(9);
/// Never allocated: free within one machine instruction of the allocator's.
pub const SCRATCH: Gpr = Gpr::x(16);
/// Never allocated: as `SCRATCH`, and free between instructions for the allocator's own moves.
pub const SCRATCH2: Gpr = Gpr::x(17);

/// The number of arguments, and of results, that go in registers of each class.
const BY_REGISTER: u32 = 8;
/// General registers that a callee may destroy: x0 to x15.
const CALLER_SAVED_GPRS: u32 = 16;
/// General registers that a callee preserves.
const CALLEE_SAVED_GPRS: std::ops::RangeInclusive<u32> = 19..=26;
const VREGS: u32 = 32;

/// The place of an argument or a result at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgPlace {
    /// In a register.
    Reg(Reg),
    /// In the value stack, at this slot from its top: the place that the value has among all
    /// arguments or results of the type, laid out as for `vm::Entry`.
    Slot(u32),
}

/// A value of a signature: its type, its place, and its slot when all are laid out in slots.
#[derive(Clone, Copy, Debug)]
pub struct Located {
    pub ty: Type,
    pub place: ArgPlace,
    pub slot: u32,
}

/// The places of arguments or results of the given types.
pub fn locate(types: impl IntoIterator<Item = Type>) -> Vec<Located> {
    let (mut gprs, mut vregs, mut slot) = (0, 0, 0);
    let mut locate = |ty: Type| {
        let (next, reg): (&mut u32, fn(u32) -> Reg) = match ty {
            Type::I32 | Type::I64 | Type::Ref => (&mut gprs, |n| Reg::Gpr(Gpr::x(n))),
            Type::F32 | Type::F64 | Type::V128 => (&mut vregs, |n| Reg::Vreg(Vreg::v(n))),
        };
        let place = if *next < BY_REGISTER {
            ArgPlace::Reg(reg(*next))
        } else {
            ArgPlace::Slot(slot)
        };
        *next += 1;
        let located = Located { ty, place, slot };
        slot += ty.slots();
        located
    };
    types.into_iter().map(&mut locate).collect()
}

/// The allocator's name of a register.
pub fn preg(reg: Reg) -> PReg {
    match reg {
        Reg::Gpr(gpr) => PReg::new(gpr.number() as usize, RClass::Int),
        Reg::Vreg(vreg) => PReg::new(vreg.number() as usize, RClass::Float),
    }
}

/// The register of an allocator's name.
pub fn reg(preg: PReg) -> Reg {
    match preg.class() {
        RClass::Int => Reg::Gpr(Gpr::x(preg.hw_enc() as u32)),
        RClass::Float | RClass::Vector => Reg::Vreg(Vreg::v(preg.hw_enc() as u32)),
    }
}

/// True if a function must restore a register that it changes.
pub fn is_callee_saved(reg: Reg) -> bool {
    matches!(reg, Reg::Gpr(gpr) if CALLEE_SAVED_GPRS.contains(&gpr.number()))
}

fn gprs(numbers: impl Iterator<Item = u32>) -> PRegSet {
    numbers.map(|n| preg(Reg::Gpr(Gpr::x(n)))).collect()
}

fn vregs() -> PRegSet {
    (0..VREGS).map(|n| preg(Reg::Vreg(Vreg::v(n)))).collect()
}

/// The registers that a call destroys.
pub fn destroyed_by_calls() -> PRegSet {
    let mut all = gprs(0..CALLER_SAVED_GPRS);
    all.union_from(vregs());
    all
}

/// The registers that a call destroys which an exception leaves: all that are allocated.
pub fn destroyed_by_exceptions() -> PRegSet {
    let mut all = destroyed_by_calls();
    all.union_from(gprs(CALLEE_SAVED_GPRS));
    all
}

/// The registers that a function with handlers must restore for its caller: exceptions pass by the
/// code that would have restored them.
pub fn callee_saved() -> impl Iterator<Item = Gpr> {
    CALLEE_SAVED_GPRS.map(Gpr::x)
}

/// The registers that the allocator may use.
pub fn env() -> MachineEnv {
    MachineEnv {
        preferred_regs_by_class: [gprs(0..CALLER_SAVED_GPRS), vregs(), PRegSet::empty()],
        non_preferred_regs_by_class: [gprs(CALLEE_SAVED_GPRS), PRegSet::empty(), PRegSet::empty()],
        scratch_by_class: [Some(preg(Reg::Gpr(SCRATCH2))), None, None],
        fixed_stack_slots: Vec::new(),
    }
}
