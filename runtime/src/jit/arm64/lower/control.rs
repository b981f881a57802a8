//! Conditions, branches, traps.

use super::{Cx, size_of, vector};
use crate::jit::arm64::imm::{BitImm, Imm12};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{AddSub, Cond, Size};
use crate::jit::arm64::regs::{Gpr, XZR};
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, Block, Term, Value};
use crate::ops::{Group, Op, Shape, group};

impl Cx<'_> {
    pub(super) fn lower_terminator(&mut self, block: Block) {
        let data = &self.func.blocks[block.index()];
        match data.term {
            Term::Br => self.emit(MInst::Jump),
            Term::BrIf { cond } => {
                let test = self.test(cond);
                self.emit(MInst::Branch(test));
            }
            Term::BrTable { index, table } => {
                let index = self.gpr(index);
                let table = self.func.tables[table as usize].clone().into();
                self.emit(MInst::Table { index, table });
            }
            Term::Invoke { .. } => {} // the call is the end
            Term::Return { values } => self.give_results(values),
            Term::ReturnCall { callee, args } => self.tail_call(callee, args),
            Term::Trap { kind } => self.emit(MInst::Trap(kind)),
        }
    }

    /// A test of whether an i32 is not 0; takes in the comparison that makes it.
    pub(super) fn test(&mut self, cond: Value) -> Test {
        match self.sole_use(cond) {
            Some(inst) if is_test(inst) || is_mask(inst) => {
                Rule::TakeCompare.hit();
                self.test_of(inst)
            }
            _ => Test::nonzero(Size::W, self.gpr(cond)),
        }
    }

    /// A test of whether an instruction's result is not 0.
    pub(super) fn test_of(&mut self, inst: ssa::Inst) -> Test {
        match inst {
            ssa::Inst::Unary { op, a } if vector::is_truth(op) => self.test_lanes(op, a),
            ssa::Inst::Unary { op, a } => self.test_zero(op, a),
            ssa::Inst::Binary { op, a, b } if is_and(op) => {
                self.test_mask(size_of(fold::result_type(op)), a, b, true)
            }
            ssa::Inst::Binary { op, a, b } => match fold::inverse(op) {
                Some(_) => self.test_integers(op, a, b),
                None => self.test_floats(op, a, b),
            },
            other => unreachable!("{other:?} is not a test"),
        }
    }

    /// `a == 0`
    fn test_zero(&mut self, op: Op, a: Value) -> Test {
        let size = size_of(fold::operand_type(op, 0));
        match self.sole_use(a) {
            Some(ssa::Inst::Binary { op, a, b }) if is_and(op) => {
                Rule::EqzOfMask.hit();
                self.test_mask(size, a, b, false)
            }
            Some(inst) if size == Size::W && is_test(inst) => {
                Rule::EqzOfTest.hit();
                self.test_of(inst).invert()
            }
            _ => Test::zero(size, self.gpr(a)),
        }
    }

    /// `(a & b) != 0`, or `== 0`.
    fn test_mask(&mut self, size: Size, a: Value, b: Value, is_set: bool) -> Test {
        if let Some(mask) = self.func.constant(b) {
            let reg = self.gpr(a);
            if mask.is_power_of_two() {
                Rule::MaskOfBit.hit();
                let bit = mask.trailing_zeros() as u8;
                return Test::Bit { reg, bit, is_set };
            }
            if let Some(imm) = BitImm::new(size, mask) {
                Rule::MaskImmediate.hit();
                self.a64(Inst::tst_imm(size, reg, imm));
                return Test::Flags(if is_set { Cond::Ne } else { Cond::Eq });
            }
        }
        let (rn, rm) = (self.gpr(a), self.gpr(b));
        self.a64(Inst::tst(size, rn, rm));
        Test::Flags(if is_set { Cond::Ne } else { Cond::Eq })
    }

    fn test_integers(&mut self, op: Op, a: Value, b: Value) -> Test {
        let size = size_of(fold::operand_type(op, 0));
        let cond = cond_of(op);
        if self.func.constant(b) == Some(0) {
            let bit = size.bit_count() - 1;
            match cond {
                Cond::Ne => {
                    Rule::CompareNotZero.hit();
                    let (reg, is_zero) = (self.gpr(a), false);
                    return Test::Zero { size, reg, is_zero };
                }
                Cond::Lt | Cond::Ge => {
                    Rule::CompareSign.hit();
                    let (reg, is_set) = (self.gpr(a), cond == Cond::Lt);
                    return Test::Bit { reg, bit, is_set };
                }
                _ => {}
            }
        }
        self.add_sub(AddSub::Subs, AddSub::Adds, (size, XZR), a, b);
        Test::Flags(cond)
    }

    fn test_floats(&mut self, op: Op, a: Value, b: Value) -> Test {
        let size = super::fp_size_of(fold::operand_type(op, 0));
        let (rn, rm) = (self.fpr(a), self.fpr(b));
        self.a64(Inst::fp_cmp(size, rn, rm));
        Test::Flags(cond_of(op))
    }

    /// A condition on the flags that holds as a test does.
    pub(super) fn flags(&mut self, test: Test) -> Cond {
        match test {
            Test::Flags(cond) => cond,
            Test::Zero { size, reg, is_zero } => {
                let zero = Imm12::new(0).expect("0 fits");
                self.a64(Inst::cmp_imm(size, reg, zero));
                if is_zero { Cond::Eq } else { Cond::Ne }
            }
            Test::Bit { reg, bit, is_set } => {
                self.test_bit(reg, bit);
                if is_set { Cond::Ne } else { Cond::Eq }
            }
        }
    }

    fn test_bit(&mut self, reg: Gpr, bit: u8) {
        let size = if bit < 32 { Size::W } else { Size::X };
        let imm = BitImm::new(size, 1 << bit).expect("a single bit");
        self.a64(Inst::tst_imm(size, reg, imm));
    }
}

fn is_test(inst: ssa::Inst) -> bool {
    match inst {
        ssa::Inst::Unary { op, .. } | ssa::Inst::Binary { op, .. } => {
            matches!(op.shape(), Shape::Test | Shape::Compare) || vector::is_truth(op)
        }
        _ => false,
    }
}

fn is_and(op: Op) -> bool {
    matches!(fold::integer(op), Some((IntOp::And, _)))
}

fn is_mask(inst: ssa::Inst) -> bool {
    matches!(inst, ssa::Inst::Binary { op: Op::I32And, .. })
}

/// The condition on flags of a comparison. Those of floats are false when unordered, but for `ne`.
fn cond_of(op: Op) -> Cond {
    use group::Compare as C;
    let Group::Compare(row) = op.group() else {
        unreachable!("{} is not a comparison", op.mnemonic())
    };
    match row {
        C::I32Eq | C::I64Eq | C::F32Eq | C::F64Eq => Cond::Eq,
        C::I32Ne | C::I64Ne | C::F32Ne | C::F64Ne => Cond::Ne,
        C::I32LtS | C::I64LtS => Cond::Lt,
        C::I32LtU | C::I64LtU => Cond::Lo,
        C::I32GtS | C::I64GtS | C::F32Gt | C::F64Gt => Cond::Gt,
        C::I32GtU | C::I64GtU => Cond::Hi,
        C::I32LeS | C::I64LeS => Cond::Le,
        C::I32LeU | C::I64LeU | C::F32Le | C::F64Le => Cond::Ls,
        C::I32GeS | C::I64GeS | C::F32Ge | C::F64Ge => Cond::Ge,
        C::I32GeU | C::I64GeU => Cond::Hs,
        C::F32Lt | C::F64Lt => Cond::Mi,
    }
}
