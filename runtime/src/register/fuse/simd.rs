//! Cells of vector instructions and of wide arithmetic.

use super::{Fuser, OperandField, condition, internal};
use crate::error::Result;
use crate::ir::{List, MemoryPlace, Operand, Slot, Type};
use crate::ops::Op;
use crate::register::table::{self, ScalarForm};

fn with_scalar(op: Op, form: ScalarForm) -> Result<u16> {
    table::vector_scalar(op, form).ok_or_else(|| internal(op.mnemonic()))
}

impl Fuser<'_> {
    fn plain(&self, op: Op) -> Result<u16> {
        table::vector(op, self.profile).ok_or_else(|| internal(op.mnemonic()))
    }

    pub(super) fn vector_unary(&mut self, op: Op, dst: Slot, a: Operand) -> Result<()> {
        let (operand, result) = condition::types(op);
        let (code, fields) = if operand == Type::V128 {
            (self.plain(op)?, [self.slot(a, operand, 0), 0])
        } else {
            let (form, a) = self.scalar(a, operand);
            (with_scalar(op, form)?, [0, a])
        };
        self.result_cell(code, fields, (dst, result), &[]);
        Ok(())
    }

    pub(super) fn vector_binary(
        &mut self,
        op: Op,
        dst: Slot,
        a: Operand,
        b: Operand,
    ) -> Result<()> {
        let a = self.slot(a, Type::V128, 1);
        let (code, b) = if condition::stored(op) == Type::V128 {
            (self.plain(op)?, self.slot(b, Type::V128, 0))
        } else {
            let (form, b) = self.scalar(b, Type::I32);
            (with_scalar(op, form)?, b)
        };
        self.result_cell(code, [a, b], (dst, Type::V128), &[]);
        Ok(())
    }

    /// The form of a scalar operand, and its field.
    fn scalar(&mut self, operand: Operand, ty: Type) -> (ScalarForm, u16) {
        match self.field(operand, ty, 0) {
            OperandField::Imm(value) => (ScalarForm::ImmOrWide, value as u16),
            OperandField::Slot(slot) if self.is_in_acc(slot, ty) => (ScalarForm::Acc, slot),
            OperandField::Slot(slot) => (ScalarForm::Slot, slot),
        }
    }

    pub(super) fn ternary(&mut self, op: Op, dst: Slot, [a, b, c]: [Operand; 3]) -> Result<()> {
        let fields = [(a, 0), (b, 1), (c, 2)].map(|(x, i)| self.slot(x, Type::V128, i));
        self.result_behind(self.plain(op)?, fields, (dst, Type::V128));
        Ok(())
    }

    pub(super) fn wide(&mut self, op: Op, dst: Slot, operands: List) -> Result<()> {
        let mut slots = [0; 4];
        for (i, &operand) in self.func.list(operands).iter().enumerate() {
            slots[i] = self.slot(operand, Type::I64, i as u32);
        }
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        let code = self.plain(op)?;
        self.cell(code, slots[0], slots[1], slots[2]);
        self.cell(slots[3], 0, 0, to);
        self.done(dst, Type::V128);
        Ok(())
    }

    pub(super) fn shuffle(
        &mut self,
        op: Op,
        dst: Slot,
        [a, b]: [Operand; 2],
        lanes: u32,
    ) -> Result<()> {
        let fields = [(a, 0), (b, 1)].map(|(x, i)| self.slot(x, Type::V128, i));
        let lanes = &self.func.consts[lanes as usize..][..2];
        self.result_cell(self.plain(op)?, fields, (dst, Type::V128), lanes);
        Ok(())
    }

    pub(super) fn extract_lane(&mut self, op: Op, lane: u8, dst: Slot, a: Operand) -> Result<()> {
        let fields = [self.slot(a, Type::V128, 0), lane.into()];
        let result = condition::types(op).1;
        self.result_cell(self.plain(op)?, fields, (dst, result), &[]);
        Ok(())
    }

    pub(super) fn replace_lane(
        &mut self,
        op: Op,
        lane: u8,
        dst: Slot,
        (a, value): (Operand, Operand),
    ) -> Result<()> {
        let a = self.slot(a, Type::V128, 1);
        let (form, value) = self.scalar(value, condition::stored(op));
        let code = with_scalar(op, form)?;
        self.result_cell(code, [a, value], (dst, Type::V128), &[lane.into()]);
        Ok(())
    }

    pub(super) fn load_lane(
        &mut self,
        op: Op,
        lane: u8,
        dst: Slot,
        at: MemoryPlace,
        vector: Operand,
    ) -> Result<()> {
        let addr = self.slot(at.addr, self.func.memory_address(at.memory), 0);
        let fields = [addr, self.slot(vector, Type::V128, 1)];
        let behind = [
            self.offset(at),
            u64::from(lane) | u64::from(at.memory) << 32,
        ];
        self.result_cell(self.plain(op)?, fields, (dst, Type::V128), &behind);
        Ok(())
    }

    pub(super) fn store_lane(
        &mut self,
        op: Op,
        lane: u8,
        at: MemoryPlace,
        vector: Operand,
    ) -> Result<()> {
        let addr = self.slot(at.addr, self.func.memory_address(at.memory), 0);
        let vector = self.slot(vector, Type::V128, 1);
        let code = self.plain(op)?;
        self.cell(code, addr, vector, 0);
        let lane_and_memory = u64::from(lane) | u64::from(at.memory) << 32;
        self.cells.extend([self.offset(at), lane_and_memory]);
        Ok(())
    }
}
