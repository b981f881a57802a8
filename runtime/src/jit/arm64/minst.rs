//! The instructions that lowering makes: those of A64 over virtual registers, and what is several
//! or has operands in given registers.

use regalloc2::{Allocation, Operand, PRegSet, VReg};

use super::abi;
use super::inst::Inst;
use super::mem::Mem;
use super::ops::{Cond, FpSize, Load, Size, Store, Width};
use super::regs::{Gpr, MapRegs, Reg, Role, Vreg};
use super::vector::AtomicSize;
use crate::gc::Cast;
use crate::jit::helper::Helper;
use crate::jit::lower::vcode::MachInst;
use crate::jit::ssa::ObjectRoom;
use crate::jit::ssa::atomic::AtomicOp;
use crate::trap::TrapKind;

/// A virtual register that has to be in a given one.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    pub vreg: VReg,
    /// The given one.
    pub reg: Reg,
}

/// The source of a condition.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// The flags, set by an instruction before.
    Flags(Cond),
    /// Holds if a register is zero, or if it is not, as `is_zero` says.
    Zero {
        /// The width that is looked at.
        size: Size,
        reg: Gpr,
        is_zero: bool,
    },
    /// Holds if a bit is set, or if it is not, as `is_set` says.
    Bit { reg: Gpr, bit: u8, is_set: bool },
}

impl Test {
    /// The test that a register is zero.
    pub fn zero(size: Size, reg: Gpr) -> Test {
        let is_zero = true;
        Test::Zero { size, reg, is_zero }
    }

    /// The test that a register is not zero.
    pub fn nonzero(size: Size, reg: Gpr) -> Test {
        Test::zero(size, reg).invert()
    }
    /// The test that holds exactly when this does not.
    pub fn invert(self) -> Test {
        match self {
            Test::Flags(cond) => Test::Flags(cond.invert()),
            Test::Zero { size, reg, is_zero } => Test::Zero {
                size,
                reg,
                is_zero: !is_zero,
            },
            Test::Bit { reg, bit, is_set } => Test::Bit {
                reg,
                bit,
                is_set: !is_set,
            },
        }
    }

    fn reg(&mut self) -> Option<&mut Gpr> {
        match self {
            Test::Flags(_) => None,
            Test::Zero { reg, .. } | Test::Bit { reg, .. } => Some(reg),
        }
    }
}

/// The callee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callee {
    /// A function of the module, by function index.
    Func(u32),
    /// The function instance in [`abi::CALLEE`].
    Instance,
    /// A function of the runtime.
    Helper(Helper),
}

/// A read-modify-write of memory without an instruction for it.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive {
    pub op: AtomicOp,
    /// To how much.
    pub size: AtomicSize,
    /// The value that was there, zero-extended.
    pub rd: Gpr,
    pub address: Gpr,
    /// The operand; of a compare-and-swap, what replaces.
    pub value: Gpr,
    /// The value that a compare-and-swap expects, zero-extended; else `xzr`.
    pub expected: Gpr,
}

/// The question to a reference.
#[derive(Clone, Copy, Debug)]
pub enum RefTest {
    /// To be of a cast's target.
    Cast(Cast),
    /// To be of a structure with the descriptor.
    Descriptor { nullable: bool },
}

/// A register whose value is in a place of the frame.
#[derive(Clone, Copy, Debug)]
pub enum SlotReg {
    /// 8 bytes.
    General(Gpr),
    /// 8 bytes.
    Float(Vreg),
    /// 16 bytes.
    Vector(Vreg),
}

impl SlotReg {
    /// A register of which all is kept.
    pub fn whole(reg: Reg) -> SlotReg {
        match reg {
            Reg::Gpr(reg) => SlotReg::General(reg),
            Reg::Vreg(reg) => SlotReg::Vector(reg),
        }
    }

    /// The size of the place, as a power of two.
    pub fn log2(self) -> u32 {
        match self {
            SlotReg::General(_) | SlotReg::Float(_) => 3,
            SlotReg::Vector(_) => 4,
        }
    }

    /// The instruction that reads the place.
    pub fn load(self, mem: Mem) -> Inst {
        match self {
            SlotReg::General(rt) => Inst::load(Load::LdrX, rt, mem),
            SlotReg::Float(rt) => Inst::load_v(Width::D, rt, mem),
            SlotReg::Vector(rt) => Inst::load_v(Width::Q, rt, mem),
        }
    }

    /// The instruction that writes the place.
    pub fn store(self, mem: Mem) -> Inst {
        match self {
            SlotReg::General(rt) => Inst::store(Store::StrX, rt, mem),
            SlotReg::Float(rt) => Inst::store_v(Width::D, rt, mem),
            SlotReg::Vector(rt) => Inst::store_v(Width::Q, rt, mem),
        }
    }
}

impl MapRegs for SlotReg {
    fn map_regs(&mut self, role: Role, f: &mut impl FnMut(Reg, Role) -> Reg) {
        match self {
            SlotReg::General(reg) => reg.map_regs(role, f),
            SlotReg::Float(reg) | SlotReg::Vector(reg) => reg.map_regs(role, f),
        }
    }
}

/// A machine instruction before emission.
#[derive(Clone, Debug)]
pub enum MInst {
    /// One instruction.
    A64(Inst),
    /// A load or store of a guarded memory, which the payload names.
    Guarded(Inst, u32),
    /// `rd := value`
    Imm { size: Size, rd: Gpr, value: u64 },
    /// `rd := bits`, a float.
    FpImm { size: FpSize, rd: Vreg, bits: u64 },
    /// `rd := bits`, a vector.
    VectorImm { rd: Vreg, bits: u128 },
    /// `reg := a place of the frame`, by number of places of 8 bytes.
    LoadSlot { reg: SlotReg, slot: u32 },
    /// `a place of the frame := reg`
    StoreSlot { reg: SlotReg, slot: u32 },
    /// A read-modify-write by exclusive accesses, until one succeeds.
    Exclusive(Exclusive),
    /// `rd := room for an object`, or a trap where there is none.
    Allocate { rd: Gpr, allocation: ObjectRoom },
    /// `rd := whether a reference passes a test`, 0 or 1.
    TestRef {
        rd: Gpr,
        reference: Gpr,
        /// Of a test for a descriptor, that; else `xzr`.
        descriptor: Gpr,
        test: RefTest,
    },
    /// Defines registers that hold something at this place: the arguments of a function.
    Take(Box<[Fixed]>),
    /// A call.
    Call {
        callee: Callee,
        uses: Box<[Fixed]>,
        defs: Box<[Fixed]>,
        /// If it ends its block: the handler of the exceptions that leave it. It returns to the
        /// first successor, they go on at the second, where no register but `sp` is what it was.
        handler: Option<u32>,
    },
    /// At the place where an exception goes on: sets the instance again, `rd := the exception`.
    Caught { rd: Gpr },
    /// A tail call.
    TailCall { callee: Callee, uses: Box<[Fixed]> },
    /// Returns results in registers.
    Return(Box<[Fixed]>),
    /// Traps if a test holds.
    TrapIf(Test, TrapKind),
    /// Traps unless an index is below a limit. The trap is that of the first of the earlier
    /// accesses that is outside, or else that of the check.
    CheckBounds {
        index: Gpr,
        is_narrow: bool,
        limit: Gpr,
        /// Accesses between the check and the one that it is made for.
        earlier: Box<[EarlierAccess]>,
    },
    /// Traps with the exit code in w0 if that is not zero; the operand is there.
    TrapIfExit(Fixed),
    /// Traps.
    Trap(TrapKind),
    /// To the block's one successor.
    Jump,
    /// To the first successor if a test holds, else to the second.
    Branch(Test),
    /// To the successor that the table has at an index, or to that of the last entry.
    Table {
        /// The index, a W register.
        index: Gpr,
        /// Indices of successors.
        table: Box<[u32]>,
    },
}

/// An access between a combined check and the access that it is made for.
#[derive(Clone, Copy, Debug)]
pub struct EarlierAccess {
    pub index: Gpr,
    pub is_narrow: bool,
    /// The distance of its limit from that of the check.
    pub by: i32,
    /// Where in the module the access comes from, as a byte offset.
    pub position: u32,
}

impl MInst {
    /// Replaces each register that the allocator assigns, in the order of the operands.
    fn map(&mut self, f: &mut impl FnMut(Reg, Role) -> Reg) {
        match self {
            MInst::A64(inst) | MInst::Guarded(inst, _) => inst.map_regs(f),
            MInst::Imm { rd, .. } | MInst::Caught { rd } | MInst::Allocate { rd, .. } => {
                rd.map_regs(Role::Def, f);
            }
            MInst::FpImm { rd, .. } | MInst::VectorImm { rd, .. } => rd.map_regs(Role::Def, f),
            MInst::LoadSlot { reg, .. } => reg.map_regs(Role::Def, f),
            MInst::StoreSlot { reg, .. } => reg.map_regs(Role::Use, f),
            MInst::Exclusive(access) => {
                access.rd.map_regs(Role::EarlyDef, f);
                for reg in [&mut access.address, &mut access.value, &mut access.expected] {
                    reg.map_regs(Role::Use, f);
                }
            }
            MInst::TestRef {
                rd,
                reference,
                descriptor,
                ..
            } => {
                rd.map_regs(Role::EarlyDef, f);
                reference.map_regs(Role::Use, f);
                descriptor.map_regs(Role::Use, f);
            }
            MInst::TrapIf(test, _) | MInst::Branch(test) => {
                if let Some(reg) = test.reg() {
                    reg.map_regs(Role::Use, f);
                }
            }
            MInst::CheckBounds {
                index,
                limit,
                earlier,
                ..
            } => {
                let others = earlier.iter_mut().map(|access| &mut access.index);
                for reg in [index, limit].into_iter().chain(others) {
                    reg.map_regs(Role::Use, f);
                }
            }
            MInst::Table { index, .. } => index.map_regs(Role::Use, f),
            MInst::Take(_)
            | MInst::Call { .. }
            | MInst::TailCall { .. }
            | MInst::Return(_)
            | MInst::TrapIfExit(_)
            | MInst::Trap(_)
            | MInst::Jump => {}
        }
    }

    /// The instruction with the registers that the allocator chose.
    pub fn assigned(&self, allocations: &[Allocation]) -> MInst {
        let mut inst = self.clone();
        let mut next = allocations.iter();
        inst.map(&mut |reg, _| match reg.virtual_index() {
            None => reg,
            Some(_) => {
                let allocation = next.next().expect("one for each operand");
                abi::reg(allocation.as_reg().expect("operands are in registers"))
            }
        });
        inst
    }

    /// True if the return address is lost by it.
    pub fn is_call(&self) -> bool {
        matches!(self, MInst::Call { .. } | MInst::Allocate { .. })
    }
}

impl MachInst for MInst {
    fn operands(&self, operands: &mut Vec<Operand>) -> PRegSet {
        let start = operands.len();
        let class = |reg: Reg| match reg {
            Reg::Gpr(_) => regalloc2::RegClass::Int,
            Reg::Vreg(_) => regalloc2::RegClass::Float,
        };
        self.clone().map(&mut |reg, role| {
            if let Some(index) = reg.virtual_index() {
                let vreg = VReg::new(index as usize, class(reg));
                let reused = operands.len().wrapping_sub(start + 1);
                operands.push(match role {
                    Role::Use => Operand::reg_use(vreg),
                    Role::Def => Operand::reg_def(vreg),
                    Role::EarlyDef => Operand::reg_def_at_start(vreg),
                    Role::ReuseDef => Operand::reg_reuse_def(vreg, reused),
                });
            }
            reg
        });
        let use_of = |fixed: &Fixed| Operand::reg_fixed_use(fixed.vreg, abi::preg(fixed.reg));
        let def_of = |fixed: &Fixed| Operand::reg_fixed_def(fixed.vreg, abi::preg(fixed.reg));
        match self {
            MInst::Take(defs) => operands.extend(defs.iter().map(def_of)),
            MInst::Return(uses) | MInst::TailCall { uses, .. } => {
                operands.extend(uses.iter().map(use_of));
            }
            MInst::TrapIfExit(code) => operands.push(use_of(code)),
            MInst::Call {
                uses,
                defs,
                handler,
                ..
            } => {
                operands.extend(uses.iter().map(use_of));
                operands.extend(defs.iter().map(def_of));
                let mut destroyed = match handler {
                    Some(_) => abi::destroyed_by_exceptions(),
                    None => abi::destroyed_by_calls(),
                };
                defs.iter()
                    .for_each(|def| destroyed.remove(abi::preg(def.reg)));
                return destroyed;
            }
            MInst::A64(_)
            | MInst::Guarded(..)
            | MInst::Imm { .. }
            | MInst::FpImm { .. }
            | MInst::VectorImm { .. }
            | MInst::LoadSlot { .. }
            | MInst::StoreSlot { .. }
            | MInst::Exclusive(_)
            | MInst::Allocate { .. }
            | MInst::TestRef { .. }
            | MInst::Caught { .. }
            | MInst::TrapIf(..)
            | MInst::CheckBounds { .. }
            | MInst::Trap(_)
            | MInst::Jump
            | MInst::Branch(_)
            | MInst::Table { .. } => {}
        }
        PRegSet::empty()
    }
}
