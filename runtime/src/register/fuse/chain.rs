//! Two instructions as one cell: a multiplication or load, and what takes its result at once.

use super::{Fuser, internal};
use crate::error::Result;
use crate::ir::{Inst, Operand, OperandKind, Slot, Type};
use crate::ops::Op;
use crate::register::table;

/// What the second field of a pair's cell says.
#[derive(Clone, Copy, Debug)]
enum Second {
    Operand(Operand),
    Offset(u16),
}

/// The first of the two instructions.
#[derive(Clone, Copy, Debug)]
struct First {
    op: Op,
    result: Slot,
    a: Operand,
    ty_of_a: Type,
    b: Second,
}

impl Fuser<'_> {
    /// Emits two instructions as one, if they are such a pair.
    pub(super) fn chain(&mut self, insts: &[Inst]) -> Result<bool> {
        let [first, Inst::Binary { op, dst, a, b }, ..] = insts else {
            return Ok(false);
        };
        let (op, dst) = (*op, *dst);
        if !matches!(first, Inst::Binary { op: first, .. } | Inst::Load { op: first, .. }
            if table::chain((*first, op), false, false, self.profile).is_some())
        {
            return Ok(false);
        }
        let Some(first) = self.first_of_chain(first) else {
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
            Second::Operand(b) => self.slot(b, ty, 1),
            Second::Offset(offset) => offset,
        };
        let x = self.slot(x, ty, 2);
        let in_acc = self.is_in_acc(x, ty);
        let code = table::chain((first.op, op), is_first, in_acc, self.profile);
        self.cell(code.ok_or_else(|| internal(op.mnemonic()))?, a, b, x);
        let dst = self.layout.slot(dst);
        self.cells.push(u64::from(dst));
        self.wrote_value(dst, super::condition::types(op).1);
        Ok(true)
    }

    fn first_of_chain(&self, inst: &Inst) -> Option<First> {
        match *inst {
            Inst::Binary { op, dst, a, b } => {
                (self.is_at_hand(a) && self.is_at_hand(b)).then_some(First {
                    op,
                    result: dst,
                    a,
                    ty_of_a: super::condition::types(op).0,
                    b: Second::Operand(b),
                })
            }
            Inst::Load {
                op,
                memory,
                dst,
                addr,
                offset,
            } => {
                let offset = self.near(memory, self.func.consts[offset as usize])?;
                self.is_at_hand(addr).then_some(First {
                    op,
                    result: dst,
                    a: addr,
                    ty_of_a: Type::I32,
                    b: Second::Offset(offset),
                })
            }
            _ => None,
        }
    }

    /// Whether an operand is in a slot without more ado.
    fn is_at_hand(&self, operand: Operand) -> bool {
        match operand.get() {
            OperandKind::Slot(_) => true,
            OperandKind::Const(index) => self.layout.constant(index).is_some(),
        }
    }
}
