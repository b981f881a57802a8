//! Two instructions as one cell: a multiplication or load, and what takes its result at
//! once.

use super::{Fuser, internal};
use crate::error::Result;
use crate::ir::{Inst, Operand, OperandKind, Slot, Type};
use crate::ops::Op;
use crate::register::table;

/// The second field of a pair's cell.
#[derive(Clone, Copy, Debug)]
enum ChainSecond {
    Operand(Operand),
    Immediate(i16),
    Offset(u16),
}

/// The first of the two instructions.
#[derive(Clone, Copy, Debug)]
struct ChainStart {
    op: Op,
    result: Slot,
    a: Operand,
    ty_of_a: Type,
    b: ChainSecond,
}

impl Fuser<'_> {
    /// Emits two instructions as one, if they are such a pair.
    pub(super) fn chain(&mut self, insts: &[Inst]) -> Result<bool> {
        let [first, Inst::Binary { op, dst, a, b }, ..] = insts else {
            return Ok(false);
        };
        let (op, dst) = (*op, *dst);
        let Some(first) = self.first_of_chain(first, op) else {
            return Ok(false);
        };
        let result = Operand::slot(first.result);
        let (x, is_first) = match (*a == result, *b == result) {
            (true, false) => (*b, true),
            (false, true) => (*a, false),
            (true, true) | (false, false) => return Ok(false),
        };
        let is_temporary = first.result.0 >= self.func.first_temporary;
        if !is_temporary || !self.is_at_hand(x) {
            return Ok(false);
        }
        let ty = super::condition::types(op).0;
        let a = self.slot(first.a, first.ty_of_a, 0);
        let b = match first.b {
            ChainSecond::Operand(b) => self.slot(b, ty, 1),
            ChainSecond::Immediate(value) => value as u16,
            ChainSecond::Offset(offset) => offset,
        };
        let x = self.slot(x, ty, 2);
        let in_acc = self.is_in_acc(x, ty);
        let is_imm = matches!(first.b, ChainSecond::Immediate(_));
        let form = (is_imm, is_first, in_acc);
        let code = table::chain((first.op, op), form, self.profile);
        let code = code.ok_or_else(|| internal(op.mnemonic()))?;
        self.result_behind(code, [a, b, x], (dst, super::condition::types(op).1));
        Ok(true)
    }

    /// The first instruction of a pair whose second has the opcode `then`.
    fn first_of_chain(&self, inst: &Inst, then: Op) -> Option<ChainStart> {
        let is_pair = |op, imm| {
            let form = (imm, false, false);
            table::chain((op, then), form, self.profile).is_some()
        };
        if let Inst::Binary { op, dst, a, b } = *inst {
            let (op, a, b) = super::condition::constant_last(self.func, op, a, b);
            let ty = super::condition::types(op).0;
            let b = match self.immediate(b, ty) {
                Some(value) if is_pair(op, true) => ChainSecond::Immediate(value),
                _ if is_pair(op, false) && self.is_at_hand(b) => ChainSecond::Operand(b),
                _ => return None,
            };
            return self.is_at_hand(a).then_some(ChainStart {
                op,
                result: dst,
                a,
                ty_of_a: ty,
                b,
            });
        }
        let Inst::Load { op, at, dst } = *inst else {
            return None;
        };
        if !is_pair(op, false) {
            return None;
        }
        let offset = self.near_offset(at)?;
        self.is_at_hand(at.addr).then_some(ChainStart {
            op,
            result: dst,
            a: at.addr,
            ty_of_a: Type::I32,
            b: ChainSecond::Offset(offset),
        })
    }

    /// True if an operand is in a slot of the frame already.
    fn is_at_hand(&self, operand: Operand) -> bool {
        match operand.get() {
            OperandKind::Slot(_) => true,
            OperandKind::Const(index) => self.layout.constant(index).is_some(),
        }
    }
}
