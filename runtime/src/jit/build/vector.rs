//! Vectors and numbers of 128 bits in SSA. Accesses of parts of a vector become a scalar access and
//! an operation of registers, so that addresses, checks and sharing are those of scalars.

use super::{Builder, Inst, fold};
use crate::error::Result;
use crate::ir::{self, MemoryPlace, Operand, Slot, Type};
use crate::ops::{Op, VectorRow};

impl Builder<'_> {
    pub(super) fn ternary(&mut self, op: Op, dst: Slot, operands: [Operand; 3]) {
        let [a, b, c] = operands.map(|operand| self.read(operand, Type::V128));
        let value = self.one(Inst::Ternary { op, a, b, c }, Type::V128);
        self.write(dst, value);
    }

    pub(super) fn shuffle(&mut self, op: Op, dst: Slot, operands: [Operand; 2], lanes: u32) {
        let [a, b] = operands.map(|operand| self.read(operand, Type::V128));
        let c = self.pool_constant(lanes, Type::V128);
        let value = self.one(Inst::Ternary { op, a, b, c }, Type::V128);
        self.write(dst, value);
    }

    pub(super) fn extract_lane(&mut self, op: Op, lane: u8, dst: Slot, a: Operand) {
        let a = self.read(a, Type::V128);
        let value = self.one(Inst::Lane { op, lane, a }, fold::result_type(op));
        self.write(dst, value);
    }

    pub(super) fn replace_lane(&mut self, op: Op, lane: u8, dst: Slot, [a, b]: [Operand; 2]) {
        let a = self.read(a, Type::V128);
        let b = self.read(b, fold::operand_type(op, 1));
        let value = self.one(Inst::Replace { op, lane, a, b }, Type::V128);
        self.write(dst, value);
    }

    pub(super) fn load_lane(
        &mut self,
        op: Op,
        lane: u8,
        at: MemoryPlace,
        dst: Slot,
        vector: Operand,
    ) -> Result<()> {
        let VectorRow::LoadLane { load, replace } = op.row().vector else {
            return Self::unsupported(op);
        };
        let a = self.read(vector, Type::V128);
        let b = self.loaded(op, load, at)?;
        let inst = Inst::Replace {
            op: replace,
            lane,
            a,
            b,
        };
        let value = self.one(inst, Type::V128);
        self.write(dst, value);
        Ok(())
    }

    pub(super) fn store_lane(
        &mut self,
        op: Op,
        lane: u8,
        at: MemoryPlace,
        vector: Operand,
    ) -> Result<()> {
        let VectorRow::StoreLane { extract, store } = op.row().vector else {
            return Self::unsupported(op);
        };
        let a = self.read(vector, Type::V128);
        let inst = Inst::Lane {
            op: extract,
            lane,
            a,
        };
        let value = self.one(inst, fold::result_type(extract));
        self.stored(op, store, at, value)
    }

    pub(super) fn wide_numbers(&mut self, op: Op, dst: Slot, operands: ir::List) {
        let operands: &[Operand] = self.list(operands);
        let args: Vec<_> = operands
            .iter()
            .map(|&operand| self.read(operand, Type::I64))
            .collect();
        let args = self.func.add_list(&args);
        let low = self.push(Inst::Wide { op, args }, &[Type::I64, Type::I64]);
        self.write(dst, low);
        self.write(Slot(dst.0 + 1), super::Value(low.0 + 1));
    }
}
