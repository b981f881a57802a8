//! Cells of vector instructions and of wide arithmetic.

use super::{Field, Fuser, condition, internal, small};
use crate::error::Result;
use crate::ir::{Inst, Operand, Slot, Type};
use crate::ops::Op;
use crate::register::simd::Scalar;
use crate::register::table;

fn with_scalar(op: Op, way: Scalar) -> Result<u16> {
    table::vector_scalar(op, way).ok_or_else(|| internal(op.mnemonic()))
}

impl Fuser<'_> {
    fn plain(&self, op: Op) -> Result<u16> {
        table::vector(op, self.profile).ok_or_else(|| internal(op.mnemonic()))
    }

    pub(super) fn vector_unary(&mut self, op: Op, dst: Slot, a: Operand) -> Result<()> {
        let (operand, result) = condition::types(op);
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        if operand == Type::V128 {
            let a = self.slot(a, operand, 0);
            let code = self.plain(op)?;
            self.cell(code, a, 0, to);
        } else {
            let (way, a) = self.scalar(a, operand);
            self.cell(with_scalar(op, way)?, 0, a, to);
        }
        self.done(dst, result);
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
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        if condition::stored(op) == Type::V128 {
            let b = self.slot(b, Type::V128, 0);
            let code = self.plain(op)?;
            self.cell(code, a, b, to);
        } else {
            let (way, b) = self.scalar(b, Type::I32);
            self.cell(with_scalar(op, way)?, a, b, to);
        }
        self.done(dst, Type::V128);
        Ok(())
    }

    /// How to get at a scalar operand, and its field.
    fn scalar(&mut self, operand: Operand, ty: Type) -> (Scalar, u16) {
        match self.field(operand, ty, 0) {
            Field::Imm(value) => (Scalar::ImmOrWide, value as u16),
            Field::Slot(slot) if self.is_in_acc(slot, ty) => (Scalar::Acc, slot),
            Field::Slot(slot) => (Scalar::Slot, slot),
        }
    }

    pub(super) fn vector_load(
        &mut self,
        op: Op,
        memory: u32,
        dst: Slot,
        addr: Operand,
        offset: u64,
    ) -> Result<()> {
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        let address = self.func.memory_address(memory);
        let from = self.slot(addr, address, 0);
        match self.near(memory, offset) {
            Some(offset) => {
                let way = self.near_way(from, address);
                self.cell(with_scalar(op, way)?, from, offset, to);
            }
            None => {
                let code = with_scalar(op, Scalar::ImmOrWide)?;
                self.cell(code, from, small(memory)?, to);
                self.cells.push(offset);
            }
        }
        self.done(dst, Type::V128);
        Ok(())
    }

    pub(super) fn vector_store(
        &mut self,
        op: Op,
        memory: u32,
        addr: Operand,
        value: Operand,
        offset: u64,
    ) -> Result<()> {
        let address = self.func.memory_address(memory);
        let to = self.slot(addr, address, 0);
        let value = self.slot(value, Type::V128, 1);
        match self.near(memory, offset) {
            Some(offset) => {
                let way = self.near_way(to, address);
                self.cell(with_scalar(op, way)?, to, value, offset);
            }
            None => {
                let code = with_scalar(op, Scalar::ImmOrWide)?;
                self.cell(code, to, value, small(memory)?);
                self.cells.push(offset);
            }
        }
        Ok(())
    }

    fn near_way(&self, slot: u16, ty: Type) -> Scalar {
        if self.is_in_acc(slot, ty) {
            Scalar::Acc
        } else {
            Scalar::Slot
        }
    }

    /// What has three operands, lane numbers or two results.
    pub(super) fn vector(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::Ternary { op, dst, a, b, c } => {
                let [a, b, c] = [(a, 0), (b, 1), (c, 2)].map(|(x, i)| self.slot(x, Type::V128, i));
                let code = self.plain(op)?;
                self.cell(code, a, b, c);
                let dst = self.layout.slot(dst);
                self.cells.push(u64::from(dst));
                self.wrote_value(dst, Type::V128);
            }
            Inst::Wide { op, dst, operands } => {
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
            }
            Inst::Shuffle {
                op,
                dst,
                a,
                b,
                lanes,
            } => {
                let [a, b] = [(a, 0), (b, 1)].map(|(x, i)| self.slot(x, Type::V128, i));
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                let code = self.plain(op)?;
                self.cell(code, a, b, to);
                let lanes = &self.func.consts[lanes as usize..][..2];
                self.cells.extend_from_slice(lanes);
                self.done(dst, Type::V128);
            }
            Inst::ExtractLane { op, lane, dst, a } => {
                let a = self.slot(a, Type::V128, 0);
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                let code = self.plain(op)?;
                self.cell(code, a, lane.into(), to);
                self.done(dst, condition::types(op).1);
            }
            Inst::ReplaceLane {
                op,
                lane,
                dst,
                a,
                value,
            } => {
                let a = self.slot(a, Type::V128, 1);
                let (way, value) = self.scalar(value, condition::stored(op));
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                self.cell(with_scalar(op, way)?, a, value, to);
                self.cells.push(lane.into());
                self.done(dst, Type::V128);
            }
            _ => return self.lane_access(inst),
        }
        Ok(())
    }

    /// Loads and stores of one lane.
    fn lane_access(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::LoadLane {
                op,
                lane,
                memory,
                dst,
                addr,
                vector,
                offset,
            } => {
                let addr = self.slot(addr, self.func.memory_address(memory), 0);
                let vector = self.slot(vector, Type::V128, 1);
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                let code = self.plain(op)?;
                self.cell(code, addr, vector, to);
                let offset = self.func.consts[offset as usize];
                self.cells
                    .extend([offset, u64::from(lane) | u64::from(memory) << 32]);
                self.done(dst, Type::V128);
            }
            Inst::StoreLane {
                op,
                lane,
                memory,
                addr,
                vector,
                offset,
            } => {
                let addr = self.slot(addr, self.func.memory_address(memory), 0);
                let vector = self.slot(vector, Type::V128, 1);
                let code = self.plain(op)?;
                self.cell(code, addr, vector, 0);
                let offset = self.func.consts[offset as usize];
                self.cells
                    .extend([offset, u64::from(lane) | u64::from(memory) << 32]);
            }
            _ => return self.state(inst),
        }
        Ok(())
    }
}
