//! SSA to A64: what instructions each operation becomes, and what it takes in of its operands'
//! computations.
//!
//! `lower/integer.rs` and `lower/float.rs` hold the numeric rows, `lower/control.rs` conditions,
//! branches and traps, `lower/call.rs` calls and returns, `lower/memory.rs` loads and stores,
//! `lower/vector.rs`, `pairs.rs` and `shuffle.rs` vectors, `lower/wide.rs` numbers of 128 bits.
//!
//! Invariants: flags live only within one piece; registers of type i32 have an undefined upper
//! half, so that everything here reads their W form.

mod atomic;
mod call;
mod control;
mod float;
mod integer;
mod memory;
mod objects;
mod pairs;
mod shuffle;
mod vector;
mod wide;

use regalloc2::{RegClass, VReg};

use super::abi::{CX, VM};
use super::imm::{BitImm, Imm12, mov_imm};
use super::inst::Inst;
use super::minst::{MInst, RefTest, SlotReg};
use super::ops::{FpSize, Size};
use super::regs::{Gpr, Vreg, XZR};
use crate::ir::Type;
use crate::jit::lower::{Isa, Lower, class_of};
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, Block, FuncSsa, InstId, Value};
use crate::ops::{Group, Op, Shape, VectorRow};

/// The A64 instruction set, as a target of lowering.
#[derive(Debug)]
pub enum Arm64 {}

type Cx<'a> = Lower<'a, Arm64>;

impl Isa for Arm64 {
    type Inst = MInst;

    fn entry(cx: &mut Cx<'_>) {
        cx.take_params();
    }

    fn inst(cx: &mut Cx<'_>, id: InstId) {
        cx.lower(id);
    }

    fn terminator(cx: &mut Cx<'_>, block: Block) {
        cx.lower_terminator(block);
    }

    fn returned(cx: &mut Cx<'_>, call: InstId) {
        cx.take_results(call);
    }

    fn is_kept(func: &FuncSsa, inst: &ssa::Inst, value: Value) -> bool {
        is_kept(func, inst, value)
    }

    fn constant(cx: &mut Cx<'_>, value: Value) -> VReg {
        let vreg = cx.fresh(class_of(cx.func.ty(value)));
        cx.set_constant(vreg, value);
        vreg
    }

    fn same_register(func: &FuncSsa, value: Value) -> Option<Value> {
        let (rule, a) = match func.def(value)? {
            ssa::Inst::Unary { op, a } => {
                if op == Op::I32WrapI64 {
                    (Rule::WrapInPlace, a)
                } else if op == Op::I64ExtendI32U && has_clean_upper_half(func, a) {
                    (Rule::ExtendInPlace, a)
                } else {
                    return None;
                }
            }
            ssa::Inst::Lane { op, lane: 0, a } if vector::is_of_floats(op) => {
                (Rule::LaneInPlace, a)
            }
            _ => return None,
        };
        rule.hit();
        Some(a)
    }
}

/// True if the register of an i32 is zero in its upper half: a write of a W register makes it so.
fn has_clean_upper_half(func: &FuncSsa, value: Value) -> bool {
    match func.def(value) {
        Some(ssa::Inst::Unary { op, .. }) => op != Op::I32WrapI64,
        Some(
            ssa::Inst::Binary { .. }
            | ssa::Inst::Select { .. }
            | ssa::Inst::Lane { .. }
            | ssa::Inst::Load { .. }
            | ssa::Inst::Atomic { .. }
            | ssa::Inst::Cast { .. }
            | ssa::Inst::HasDescriptor { .. }
            | ssa::Inst::Keep { .. },
        ) => true,
        _ => false,
    }
}

/// True if a constant operand of an instruction in a loop is kept in a register: it is not an
/// immediate there, and not the zero that has a register of its own.
fn is_kept(func: &FuncSsa, inst: &ssa::Inst, value: Value) -> bool {
    let bits = func.constant(value).unwrap_or(0);
    let ty = func.ty(value);
    match ty {
        Type::F32 | Type::F64 => return true,
        Type::V128 => return vector::is_kept(func, inst, value),
        Type::I32 | Type::I64 | Type::Ref => {}
    }
    match *inst {
        ssa::Inst::Binary { op, a, b } if b == value && a != value => !is_immediate(op, bits),
        ssa::Inst::Binary { .. } | ssa::Inst::Store { .. } | ssa::Inst::Select { .. } => bits != 0,
        _ => mov_imm(size_of(ty), Gpr::x(0), bits).len() > 1,
    }
}

/// True if an instruction takes a constant in as its second operand.
fn is_immediate(op: Op, bits: u64) -> bool {
    let Some((int, ty)) = fold::integer(op) else {
        return op.shape() == Shape::SimdShift;
    };
    let size = size_of(ty);
    let all = u64::MAX >> (64 - size.bit_count());
    let negated = bits.wrapping_neg() & all;
    match int {
        IntOp::Xor if bits == all => true,
        IntOp::And | IntOp::Or | IntOp::Xor => BitImm::new(size, bits).is_some(),
        IntOp::Shl | IntOp::ShrS | IntOp::ShrU | IntOp::Rotl | IntOp::Rotr => true,
        _ => {
            let is_arithmetic = matches!(int, IntOp::Add | IntOp::Sub) || int.inverse().is_some();
            is_arithmetic && (Imm12::new(bits).is_some() || Imm12::new(negated).is_some())
        }
    }
}

/// The register width of an integer type.
fn size_of(ty: Type) -> Size {
    match ty {
        Type::I32 => Size::W,
        Type::I64 | Type::Ref => Size::X,
        Type::F32 | Type::F64 | Type::V128 => unreachable!("{ty:?} is not in general registers"),
    }
}

/// The width of a float type.
fn fp_size_of(ty: Type) -> FpSize {
    match ty {
        Type::F32 => FpSize::S,
        Type::F64 => FpSize::D,
        Type::I32 | Type::I64 | Type::Ref | Type::V128 => unreachable!("{ty:?} is no float"),
    }
}

fn as_gpr(vreg: VReg) -> Gpr {
    debug_assert_eq!(vreg.class(), RegClass::Int);
    Gpr::virt(vreg.vreg() as u32)
}

fn as_vreg(vreg: VReg) -> Vreg {
    debug_assert_eq!(vreg.class(), RegClass::Float);
    Vreg::virt(vreg.vreg() as u32)
}

impl Cx<'_> {
    fn lower(&mut self, id: InstId) {
        match self.func.insts[id.index()].inst {
            ssa::Inst::Const { .. }
            | ssa::Inst::Const128 { .. }
            | ssa::Inst::Vm
            | ssa::Inst::Cx => {}
            ssa::Inst::Keep { a } => {
                let vreg = self.vreg(self.func.result(id));
                self.set_constant(vreg, a);
            }
            ssa::Inst::Unary { op, a } => self.unary(id, op, a),
            ssa::Inst::Binary { op, a, b } => self.binary(id, op, a, b),
            ssa::Inst::Ternary { op, a, b, c } => self.vector_ternary(id, op, [a, b, c]),
            ssa::Inst::Lane { op, lane, a } => self.extract_lane(id, op, lane, a),
            ssa::Inst::Replace { op, lane, a, b } => self.replace_lane(id, op, lane, (a, b)),
            ssa::Inst::Wide { op, args } => self.wide(id, op, args),
            ssa::Inst::Select { cond, a, b } => self.select(id, cond, a, b),
            ssa::Inst::Load { .. } => self.load(id),
            ssa::Inst::Store { .. } => self.store(id),
            ssa::Inst::Atomic {
                op,
                size_log2,
                args,
            } => self.atomic(id, op, size_log2, args),
            ssa::Inst::Fence => self.fence(),
            ssa::Inst::LoadSlot { slot } => {
                let value = self.func.result(id);
                let vreg = self.vreg(value);
                let reg = self.slot_reg(value, vreg);
                self.emit(MInst::LoadSlot { reg, slot });
            }
            ssa::Inst::StoreSlot { slot, value } => {
                let vreg = self.reg(value);
                let reg = self.slot_reg(value, vreg);
                self.emit(MInst::StoreSlot { reg, slot });
            }
            ssa::Inst::Allocate { room } => self.allocate(id, room),
            ssa::Inst::Cast { cast, a } => self.test_ref(id, a, None, RefTest::Cast(cast)),
            ssa::Inst::HasDescriptor {
                nullable,
                a,
                descriptor,
            } => self.test_ref(id, a, Some(descriptor), RefTest::Descriptor { nullable }),
            ssa::Inst::TrapIf { cond, kind } => {
                let test = self.test(cond);
                self.emit(MInst::TrapIf(test, kind));
            }
            ssa::Inst::CheckBounds { index, limit, .. } => self.check_bounds(id, index, limit),
            ssa::Inst::Helper { helper, args } => self.helper(id, helper, args),
            ssa::Inst::Call { callee, args } => self.call(id, callee, args),
            ssa::Inst::Caught => {
                let rd = self.result_gpr(id);
                self.emit(MInst::Caught { rd });
            }
        }
    }

    /// A value's register, as accesses of the frame name it.
    fn slot_reg(&self, value: Value, vreg: VReg) -> SlotReg {
        match self.func.ty(value) {
            Type::I32 | Type::I64 | Type::Ref => SlotReg::General(as_gpr(vreg)),
            Type::F32 | Type::F64 => SlotReg::Float(as_vreg(vreg)),
            Type::V128 => SlotReg::Vector(as_vreg(vreg)),
        }
    }

    fn unary(&mut self, id: InstId, op: Op, a: Value) {
        if let Group::Unary(row) = op.group() {
            self.scalar_unary(id, op, row, a);
        } else if let Group::Test(_) = op.group() {
            self.set_from_test(id);
        } else if let Group::Convert(row) = op.group() {
            self.convert(id, op, row, a);
        } else if let Group::ConvertTrapping(row) = op.group() {
            self.convert_trapping(id, op, row, a);
        } else {
            match op.row().vector {
                VectorRow::Unary(lanes) => self.vector_unary(id, lanes, a),
                VectorRow::Splat(lanes) => self.splat(id, lanes, a),
                VectorRow::Reduce(lanes) => self.reduce(id, lanes, a),
                _ => unreachable!("{} is not a unary row", op.mnemonic()),
            }
        }
    }

    fn binary(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        if let Group::Binary(row) = op.group() {
            self.scalar_binary(id, op, row, a, b);
        } else if let Group::BinaryTrapping(row) = op.group() {
            self.division(id, op, row, a, b);
        } else if let Group::Compare(_) = op.group() {
            self.set_from_test(id);
        } else {
            match op.row().vector {
                VectorRow::Binary(lanes) => self.vector_binary(id, lanes, a, b),
                VectorRow::Shift(lanes) => self.vector_shift(id, lanes, a, b),
                _ => unreachable!("{} is not a binary row", op.mnemonic()),
            }
        }
    }

    // --- registers -------------------------------------------------------------------------------

    fn a64(&mut self, inst: Inst) {
        self.emit(MInst::A64(inst));
    }

    /// A general register with a value; zero is `xzr`.
    fn gpr_or_zero(&mut self, value: Value) -> Gpr {
        match self.func.constant(self.resolve(value)) {
            Some(0) => XZR,
            _ => self.gpr(value),
        }
    }

    /// A general register with a value.
    fn gpr(&mut self, value: Value) -> Gpr {
        match self.func.def(value) {
            Some(ssa::Inst::Vm) => VM,
            Some(ssa::Inst::Cx) => CX,
            _ => as_gpr(self.reg(value)),
        }
    }

    /// A vector register with a value.
    fn fpr(&mut self, value: Value) -> Vreg {
        as_vreg(self.reg(value))
    }

    /// The general register that an instruction's result is to be in.
    fn result_gpr(&mut self, id: InstId) -> Gpr {
        as_gpr(self.vreg(self.func.result(id)))
    }

    /// The vector register that an instruction's result is to be in.
    fn result_fpr(&mut self, id: InstId) -> Vreg {
        as_vreg(self.vreg(self.func.result(id)))
    }

    fn temp(&mut self) -> Gpr {
        as_gpr(self.fresh(RegClass::Int))
    }

    fn temp_fpr(&mut self) -> Vreg {
        as_vreg(self.fresh(RegClass::Float))
    }

    /// A fresh general register with the result of an instruction.
    fn made(&mut self, inst: impl FnOnce(Gpr) -> Inst) -> Gpr {
        let rd = self.temp();
        self.a64(inst(rd));
        rd
    }

    /// A fresh vector register with the result of an instruction.
    fn made_fpr(&mut self, inst: impl FnOnce(Vreg) -> Inst) -> Vreg {
        let rd = self.temp_fpr();
        self.a64(inst(rd));
        rd
    }

    /// A fresh register with given bits.
    fn immediate(&mut self, size: Size, value: u64) -> Gpr {
        let rd = self.temp();
        self.emit(MInst::Imm { size, rd, value });
        rd
    }

    fn set_constant(&mut self, vreg: VReg, value: Value) {
        let inst = match (self.func.def(value), self.func.ty(value)) {
            (Some(ssa::Inst::Const128 { low, high }), _) => MInst::VectorImm {
                rd: as_vreg(vreg),
                bits: u128::from(low) | u128::from(high) << 64,
            },
            (Some(ssa::Inst::Const { bits }), ty @ (Type::F32 | Type::F64)) => MInst::FpImm {
                size: fp_size_of(ty),
                rd: as_vreg(vreg),
                bits,
            },
            (Some(ssa::Inst::Const { bits }), ty) => MInst::Imm {
                size: size_of(ty),
                rd: as_gpr(vreg),
                value: bits,
            },
            (other, _) => unreachable!("{other:?} is no constant"),
        };
        self.emit(inst);
    }
}
