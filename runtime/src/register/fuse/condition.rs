//! Conditions that become one cell with their branch, and how operands may be exchanged.

use super::fields::{distance_field, immediate};
use super::layout::SlotLayout;
use super::{Fixup, Fuser, NOT_EMITTED, OperandField, internal};
use crate::error::Result;
use crate::ir::types::{param, result};
use crate::ir::{BlockId, FuncIr, Inst, Operand, OperandKind, Slot, Type};
use crate::ops::{Op, Shape};
use crate::register::table::{self, opcode};
use crate::types::RefType;

/// Which condition, and where to go if it holds and if not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    test: Test,
    negated: bool,
    then: BlockId,
    other: BlockId,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    /// The operand is not 0.
    NonZero(Operand, Type),
    /// The operand is of the type.
    Cast(Operand, RefType),
    /// The comparison, or the bits in common.
    Compare(Op, Operand, Operand),
    /// The slot after an addition is not 0. A field can name it.
    Count(u16, i16, Type),
    /// The comparison of the slot after an addition. A field can name it.
    Step(u16, i16, Op, Operand),
}

/// The most instructions that become one condition: an addition, a comparison, its negation, and
/// the branch.
const INSTS_MAX: usize = 4;

/// The condition that a block, or the rest of it, consists of.
pub(super) fn find(func: &FuncIr, insts: &[Inst], layout: &SlotLayout) -> Option<Condition> {
    if insts.len() > INSTS_MAX {
        return None;
    }
    let (last, before) = insts.split_last()?;
    let (test, negated, then, other) = if let Inst::BrIf { cond, then, other } = *last {
        let (test, negated) = test(func, layout, before, cond)?;
        (test, negated, then, other)
    } else if !before.is_empty() {
        return None;
    } else if let Inst::BrIfNull { a, then, other } = *last {
        (Test::NonZero(a, Type::Ref), true, then, other)
    } else if let Inst::BrOnCast { ty, a, then, other } = *last {
        (Test::Cast(a, ty), false, then, other)
    } else {
        return None;
    };
    Some(Condition {
        test,
        negated,
        then,
        other,
    })
}

/// The test that instructions and a branch on `cond` are, and whether it is the other way round.
fn test(
    func: &FuncIr,
    layout: &SlotLayout,
    before: &[Inst],
    cond: Operand,
) -> Option<(Test, bool)> {
    let Some((last, rest)) = before.split_last() else {
        return Some((Test::NonZero(cond, Type::I32), false));
    };
    if let ([], &Inst::Binary { dst, .. }) = (rest, last)
        && Operand::slot(dst) == cond
        && let Some((counter, step, Type::I32)) = step(func, layout, last)
    {
        return Some((Test::Count(counter, step, Type::I32), false));
    }
    let is_it = |dst: Slot| dst.0 >= func.first_temporary && Operand::slot(dst) == cond;
    if let Inst::Unary { op, dst, a } = *last
        && op.shape() == Shape::Test
        && is_it(dst)
    {
        return test_of_zero(func, layout, rest, (op, a));
    }
    if let Inst::Binary { op, dst, a, b } = *last
        && is_it(dst)
    {
        return test_of_two(func, layout, rest, (op, a, b));
    }
    if !rest.is_empty() {
        return None;
    }
    if let Inst::RefTest { ty, dst, a } = *last
        && is_it(dst)
    {
        return Some((Test::Cast(a, ty), false));
    }
    if let Inst::Unary { op, dst, a } = *last
        && op == Op::RefIsNull
        && is_it(dst)
    {
        return Some((Test::NonZero(a, Type::Ref), true));
    }
    None
}
/// The test that the operand of a zero test is 0, if the instructions before are a part of it.
fn test_of_zero(
    func: &FuncIr,
    layout: &SlotLayout,
    before: &[Inst],
    (op, a): (Op, Operand),
) -> Option<(Test, bool)> {
    let ty = types(op).0;
    let Some((last, rest)) = before.split_last() else {
        return Some((Test::NonZero(a, ty), true));
    };
    let Inst::Binary { op: first, dst, .. } = *last else {
        return None;
    };
    if Operand::slot(dst) != a {
        return None;
    }
    if op == Op::I32Eqz && first.shape() == Shape::Compare {
        let (test, negated) = test(func, layout, before, a)?;
        return Some((test, !negated));
    }
    let (counter, step, of) = step(func, layout, last)?;
    (rest.is_empty() && of == ty).then_some((Test::Count(counter, step, ty), true))
}

/// The test of a comparison, or of bits in common, of a sum that is made before or of any operands.
fn test_of_two(
    func: &FuncIr,
    layout: &SlotLayout,
    before: &[Inst],
    (op, a, b): (Op, Operand, Operand),
) -> Option<(Test, bool)> {
    let is_compare = op.shape() == Shape::Compare;
    let [sum] = before else {
        let is_plain = before.is_empty() && (is_compare || op == Op::I32And);
        let (op, a, b) = constant_last(func, op, a, b);
        return is_plain.then_some((Test::Compare(op, a, b), false));
    };
    if !is_compare {
        return None;
    }
    let (counter, step, ty) = step(func, layout, sum)?;
    let is_counter = |operand: Operand| match operand.get() {
        OperandKind::Slot(slot) => layout.slot(slot) == u32::from(counter),
        OperandKind::Const(_) => false,
    };
    let (op, b) = if is_counter(a) {
        (op, b)
    } else if is_counter(b) {
        (op.commuted()?, a)
    } else {
        return None;
    };
    let fits = ty == Type::I32 && types(op).0 == ty;
    fits.then_some((Test::Step(counter, step, op, b), false))
}

/// The additions of a constant to a slot that a condition may include, and the sign of the
/// constant.
const STEPS: [(Op, Type, i16); 4] = [
    (Op::I32Add, Type::I32, 1),
    (Op::I32Sub, Type::I32, -1),
    (Op::I64Add, Type::I64, 1),
    (Op::I64Sub, Type::I64, -1),
];

/// The slot, if a field can name it, to which an instruction adds a small constant.
fn step(func: &FuncIr, layout: &SlotLayout, inst: &Inst) -> Option<(u16, i16, Type)> {
    let Inst::Binary { op, dst, a, b } = *inst else {
        return None;
    };
    let (op, a, b) = constant_last(func, op, a, b);
    let &(_, ty, sign) = STEPS.iter().find(|row| row.0 == op)?;
    let step = immediate(func.constant(b)?, ty)?.checked_mul(sign)?;
    let counter = layout.near(layout.slot(dst))?;
    (a == Operand::slot(dst)).then_some((counter, step, ty))
}

/// The types of the first operand and of the result of a numeric opcode or of a load.
pub(super) fn types(op: Op) -> (Type, Type) {
    (param(op, 0), result(op))
}

/// The type of what a store stores.
pub(super) fn stored(op: Op) -> Type {
    param(op, 1)
}

/// Exchanges operands where that gets a constant into the second place.
pub(super) fn constant_last(
    func: &FuncIr,
    op: Op,
    a: Operand,
    b: Operand,
) -> (Op, Operand, Operand) {
    if func.constant(a).is_some()
        && func.constant(b).is_none()
        && let Some(op) = op.commuted()
    {
        return (op, b, a);
    }
    (op, a, b)
}

impl Fuser<'_> {
    /// A condition with its branch; what follows in the code is not branched to.
    pub(super) fn br_if(&mut self, condition: Condition, here: BlockId) -> Result<()> {
        let Condition {
            test,
            negated,
            then,
            other,
        } = condition;
        let (then, other) = (self.plan.end(then), self.plan.end(other));
        // Prefer to fall through to what follows, then to branch back in a loop.
        let stays = self.next == Some(other);
        let turns = self.next == Some(then) || (other.0 <= here.0 && then.0 > here.0);
        let (target, rest, negated) = if turns && !stays {
            (other, then, !negated)
        } else {
            (then, other, negated)
        };
        self.branch(test, negated, target)?;
        self.leave_to(target);
        // A block that ends the function is repeated. A further condition is not: conditions may
        // lead around in a circle.
        let ends = matches!(
            self.func.block(rest),
            [Inst::Return { .. } | Inst::Trap { .. }]
        );
        if ends && self.plan.is_repeated(rest) {
            return self.br(rest, here);
        }
        self.goto(rest);
        Ok(())
    }

    fn branch(&mut self, test: Test, negated: bool, target: BlockId) -> Result<()> {
        match test {
            Test::NonZero(operand, ty) => {
                let slot = self.slot(operand, ty, 0);
                let in_acc = u16::from(self.is_in_acc(slot, ty));
                let is64 = u16::from(ty != Type::I32);
                self.fixups.push((self.cells.len(), Fixup::Far, target));
                let op = opcode!(br_if) + is64 * 4 + in_acc * 2 + u16::from(negated);
                self.cell(op, slot, 0, 0);
            }
            Test::Cast(operand, ty) => {
                let slot = self.slot(operand, Type::Ref, 0);
                self.fixups.push((self.cells.len(), Fixup::Far, target));
                self.cell(opcode!(br_on_cast) + u16::from(negated), slot, 0, 0);
                self.cells.push(self.cast(ty));
            }
            Test::Compare(op, a, b) => {
                let ty = types(op).0;
                let a = self.slot(a, ty, 0);
                let b = self.field(b, ty, 1);
                let form = self.binary_form(a, b, ty);
                let codes = table::branch(op, form).ok_or_else(|| internal(op.mnemonic()))?;
                self.near_branch(codes, negated, [a, b.bits()], target);
            }
            Test::Count(counter, step, ty) => {
                let codes = table::count(ty == Type::I64);
                self.near_branch(codes, negated, [counter, step as u16], target);
                self.wrote_value(counter.into(), ty);
            }
            Test::Step(counter, step, op, bound) => {
                let bound = self.field(bound, Type::I32, 0);
                let is_immediate = matches!(bound, OperandField::Imm(_));
                let code = table::step(op, is_immediate, negated);
                let code = code.ok_or_else(|| internal(op.mnemonic()))?;
                self.fixups.push((self.cells.len(), Fixup::Behind, target));
                self.cell(code, counter, step as u16, bound.bits());
                self.cells.push(0);
                self.wrote_value(counter.into(), Type::I32);
            }
        }
        Ok(())
    }

    /// A branch whose distance is in the last field of its cell. Where it may not fit, its negation
    /// leads around a jump. `codes` are the opcodes, the second one negated.
    fn near_branch(&mut self, codes: [u16; 2], negated: bool, [a, b]: [u16; 2], target: BlockId) {
        let code = |negated| codes[usize::from(negated)];
        let at = self.cells.len();
        let is_emitted = self.starts[target.0 as usize] != NOT_EMITTED;
        let known = is_emitted.then(|| distance_field(self.distance(at, target)));
        match known {
            Some(Some(distance)) => self.cell(code(negated), a, b, distance as u16),
            None if !self.is_wide => {
                self.near_fixups.push((at, target));
                self.cell(code(negated), a, b, 0);
            }
            Some(None) | None => {
                const AROUND_JUMP: u16 = 2;
                self.cell(code(!negated), a, b, AROUND_JUMP);
                self.jump(target);
            }
        }
    }
}
