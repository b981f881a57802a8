//! Conditions that become one cell with their branch, and how operands may be exchanged.

use super::layout::immediate;
use super::{Field, Fixup, Fuser, internal};
use crate::error::Result;
use crate::ir::{BlockId, Func, Inst, Operand, Slot, Type};
use crate::ops::{Op, Shape, SigType, Signature};
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
    /// The slot after an addition is not 0.
    Count(Slot, i16, Type),
    /// The comparison of the slot after an addition.
    Step(Slot, i16, Op, Operand),
}

/// The most instructions that become one condition: an addition, a comparison, its negation, and
/// the branch.
const INSTS_MAX: usize = 4;

/// The condition that a block, or the rest of it, consists of. Where branches may be far or slots
/// beyond what a field can name, only those whose cells have room for the distance.
pub(super) fn find(func: &Func, insts: &[Inst], is_far: bool) -> Option<Condition> {
    if insts.len() > INSTS_MAX {
        return None;
    }
    let (last, before) = insts.split_last()?;
    let (test, negated, then, other) = match *last {
        Inst::BrIf { cond, then, other } => {
            let (test, negated) = test(func, before, cond)?;
            (test, negated, then, other)
        }
        Inst::BrIfNull { a, then, other } if before.is_empty() => {
            (Test::NonZero(a, Type::Ref), true, then, other)
        }
        Inst::BrOnCast { ty, a, then, other } if before.is_empty() => {
            (Test::Cast(a, ty), false, then, other)
        }
        _ => return None,
    };
    let fits = !is_far || matches!(test, Test::NonZero(..) | Test::Cast(..));
    fits.then_some(Condition {
        test,
        negated,
        then,
        other,
    })
}

/// The test that instructions and a branch on `cond` are, and whether it is the other way round.
fn test(func: &Func, before: &[Inst], cond: Operand) -> Option<(Test, bool)> {
    let is_temporary = |dst: Slot| dst.0 >= func.first_temporary && Operand::slot(dst) == cond;
    match *before {
        [] => Some((Test::NonZero(cond, Type::I32), false)),
        [Inst::Unary { op, dst, a }] if op.shape() == Shape::Test && is_temporary(dst) => {
            Some((Test::NonZero(a, types(op).0), true))
        }
        [Inst::RefTest { ty, dst, a }] if is_temporary(dst) => Some((Test::Cast(a, ty), false)),
        [Inst::RefIsNull { dst, a }] if is_temporary(dst) => {
            Some((Test::NonZero(a, Type::Ref), true))
        }
        [Inst::Binary { op, dst, a, b }]
            if is_temporary(dst) && (op.shape() == Shape::Compare || op == Op::I32And) =>
        {
            let (op, a, b) = constant_last(func, op, a, b);
            Some((Test::Compare(op, a, b), false))
        }
        [ref sum @ Inst::Binary { dst, .. }] if Operand::slot(dst) == cond => {
            let (dst, step, ty) = step(func, sum)?;
            (ty == Type::I32).then_some((Test::Count(dst, step, ty), false))
        }
        [
            ref rest @ ..,
            Inst::Binary {
                op, dst: result, ..
            },
            Inst::Unary {
                op: Op::I32Eqz,
                dst,
                a,
            },
        ] if is_temporary(dst) && op.shape() == Shape::Compare && a == Operand::slot(result) => {
            let (test, negated) = test(func, &before[..rest.len() + 1], a)?;
            Some((test, !negated))
        }
        [ref sum, Inst::Unary { op, dst, a }] if op.shape() == Shape::Test && is_temporary(dst) => {
            let (counter, step, ty) = step(func, sum)?;
            let fits = Operand::slot(counter) == a && types(op).0 == ty;
            fits.then_some((Test::Count(counter, step, ty), true))
        }
        [ref sum, Inst::Binary { op, dst, a, b }]
            if op.shape() == Shape::Compare && is_temporary(dst) =>
        {
            let (counter, step, ty) = step(func, sum)?;
            let (op, b) = if a == Operand::slot(counter) {
                (op, b)
            } else if b == Operand::slot(counter) {
                (commuted(op)?, a)
            } else {
                return None;
            };
            let fits = ty == Type::I32 && types(op).0 == ty;
            fits.then_some((Test::Step(counter, step, op, b), false))
        }
        _ => None,
    }
}

/// An instruction that adds a small constant to a slot.
fn step(func: &Func, inst: &Inst) -> Option<(Slot, i16, Type)> {
    let Inst::Binary { op, dst, a, b } = *inst else {
        return None;
    };
    let (op, a, b) = constant_last(func, op, a, b);
    let (ty, sign) = match op {
        Op::I32Add => (Type::I32, 1),
        Op::I32Sub => (Type::I32, -1),
        Op::I64Add => (Type::I64, 1),
        Op::I64Sub => (Type::I64, -1),
        _ => return None,
    };
    let step = immediate(func.constant(b)?, ty)?.checked_mul(sign)?;
    (a == Operand::slot(dst)).then_some((dst, step, ty))
}

fn value_type(ty: SigType) -> Type {
    match ty {
        SigType::I32 | SigType::Addr => Type::I32,
        SigType::I64 => Type::I64,
        SigType::F32 => Type::F32,
        SigType::F64 => Type::F64,
        SigType::V128 => Type::V128,
        SigType::Ref => Type::Ref,
    }
}

fn signature(op: Op) -> (&'static [SigType], &'static [SigType]) {
    match op.row().signature {
        Signature::Fixed { params, results } => (params, results),
        Signature::Special => (&[], &[]),
    }
}

/// The types of the first operand and of the result of a numeric opcode or load.
pub(super) fn types(op: Op) -> (Type, Type) {
    let (params, results) = signature(op);
    let of = |types: &[SigType]| types.first().map_or(Type::I32, |&ty| value_type(ty));
    (of(params), of(results))
}

/// The type of what a store stores.
pub(super) fn stored(op: Op) -> Type {
    signature(op)
        .0
        .last()
        .map_or(Type::I32, |&ty| value_type(ty))
}

/// Exchanges operands where that gets a constant into the second place.
pub(super) fn constant_last(func: &Func, op: Op, a: Operand, b: Operand) -> (Op, Operand, Operand) {
    match commuted(op) {
        Some(op) if func.constant(a).is_some() && func.constant(b).is_none() => (op, b, a),
        _ => (op, a, b),
    }
}

/// The opcode that gives the same with exchanged operands.
pub(super) fn commuted(op: Op) -> Option<Op> {
    Some(match op {
        Op::I32Add | Op::I32Mul | Op::I32And | Op::I32Or | Op::I32Xor | Op::I32Eq | Op::I32Ne => op,
        Op::I64Add | Op::I64Mul | Op::I64And | Op::I64Or | Op::I64Xor | Op::I64Eq | Op::I64Ne => op,
        Op::F32Add | Op::F32Mul | Op::F32Min | Op::F32Max | Op::F32Eq | Op::F32Ne => op,
        Op::F64Add | Op::F64Mul | Op::F64Min | Op::F64Max | Op::F64Eq | Op::F64Ne => op,
        Op::I32LtS => Op::I32GtS,
        Op::I32LtU => Op::I32GtU,
        Op::I32GtS => Op::I32LtS,
        Op::I32GtU => Op::I32LtU,
        Op::I32LeS => Op::I32GeS,
        Op::I32LeU => Op::I32GeU,
        Op::I32GeS => Op::I32LeS,
        Op::I32GeU => Op::I32LeU,
        Op::I64LtS => Op::I64GtS,
        Op::I64LtU => Op::I64GtU,
        Op::I64GtS => Op::I64LtS,
        Op::I64GtU => Op::I64LtU,
        Op::I64LeS => Op::I64GeS,
        Op::I64LeU => Op::I64GeU,
        Op::I64GeS => Op::I64LeS,
        Op::I64GeU => Op::I64LeU,
        Op::F32Lt => Op::F32Gt,
        Op::F32Gt => Op::F32Lt,
        Op::F32Le => Op::F32Ge,
        Op::F32Ge => Op::F32Le,
        Op::F64Lt => Op::F64Gt,
        Op::F64Gt => Op::F64Lt,
        Op::F64Le => Op::F64Ge,
        Op::F64Ge => Op::F64Le,
        _ => return None,
    })
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
        match self.func.block(rest) {
            // What ends here is repeated, but no further condition: they may go around in a circle.
            [Inst::Return { .. } | Inst::Trap { .. }] if self.plan.is_repeated(rest) => {
                self.br(rest, here)
            }
            _ => {
                self.goto(rest);
                Ok(())
            }
        }
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
                let way = self.two(a, b, ty);
                let code = table::branch(op, way, negated);
                let code = code.ok_or_else(|| internal(op.mnemonic()))?;
                self.fixups.push((self.cells.len(), Fixup::Near, target));
                self.cell(code, a, b.bits(), 0);
            }
            Test::Count(slot, step, ty) => {
                let slot = self.layout.slot(slot);
                let Ok(counter) = u16::try_from(slot) else {
                    return Err(internal("a counter that a field cannot name"));
                };
                self.fixups.push((self.cells.len(), Fixup::Near, target));
                let code = table::count(ty == Type::I64, negated);
                self.cell(code, counter, step as u16, 0);
                self.wrote_value(slot, ty);
            }
            Test::Step(slot, step, op, bound) => {
                let bound = self.field(bound, Type::I32, 0);
                let slot = self.layout.slot(slot);
                let Ok(counter) = u16::try_from(slot) else {
                    return Err(internal("a counter that a field cannot name"));
                };
                let is_immediate = matches!(bound, Field::Imm(_));
                let code = table::step(op, is_immediate, negated);
                let code = code.ok_or_else(|| internal(op.mnemonic()))?;
                self.fixups.push((self.cells.len(), Fixup::Behind, target));
                self.cell(code, counter, step as u16, bound.bits());
                self.cells.push(0);
                self.wrote_value(slot, Type::I32);
            }
        }
        Ok(())
    }
}
