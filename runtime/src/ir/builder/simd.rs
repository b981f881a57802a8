//! Vectors and numbers of 128 bits: instructions with more than two operands, with two results, or
//! with lane numbers. Spec: 4.3.5 Vector Operations, 4.6.6 Memory Instructions.

use super::Builder;
use crate::decode::Instr;
use crate::error::Result;
use crate::ir::types::{params, result};
use crate::ir::{Inst, Type};
use crate::ops::Op;
use crate::simd::V128;

impl Builder<'_> {
    pub(super) fn ternary(&mut self, op: Op) {
        let (c, b, a) = (self.pop(), self.pop(), self.pop());
        let dst = self.push_temp(Type::V128);
        self.emit(Inst::Ternary { op, dst, a, b, c });
    }

    pub(super) fn wide(&mut self, op: Op) {
        let operands = self.pop_list(params(op, Type::I32).len());
        let dst = self.push_temp(Type::I64);
        self.push_temp(Type::I64);
        self.emit(Inst::Wide { op, dst, operands });
    }

    pub(super) fn shuffle(&mut self, instr: &Instr<'_>) -> Result<()> {
        let lanes = self.constant128(V128(instr.lanes()?).to_bits());
        let (b, a) = (self.pop(), self.pop());
        let dst = self.push_temp(Type::V128);
        self.emit(Inst::Shuffle {
            op: instr.op,
            dst,
            a,
            b,
            lanes,
        });
        Ok(())
    }

    pub(super) fn extract_lane(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, lane, a) = (instr.op, instr.lane()?, self.pop());
        let dst = self.push_temp(result(op));
        self.emit(Inst::ExtractLane { op, lane, dst, a });
        Ok(())
    }

    pub(super) fn replace_lane(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, lane) = (instr.op, instr.lane()?);
        let (value, a) = (self.pop(), self.pop());
        let dst = self.push_temp(Type::V128);
        self.emit(Inst::ReplaceLane {
            op,
            lane,
            dst,
            a,
            value,
        });
        Ok(())
    }

    pub(super) fn load_lane(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (arg, lane) = instr.memarg_lane()?;
        let (vector, at) = (self.pop(), self.pop_place(arg));
        let dst = self.push_temp(Type::V128);
        self.emit(Inst::LoadLane {
            op: instr.op,
            at,
            dst,
            vector,
            lane,
        });
        Ok(())
    }

    pub(super) fn store_lane(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (arg, lane) = instr.memarg_lane()?;
        let (vector, at) = (self.pop(), self.pop_place(arg));
        self.emit(Inst::StoreLane {
            op: instr.op,
            at,
            vector,
            lane,
        });
        Ok(())
    }
}
