//! Vectors and numbers of 128 bits: what has more operands than two, two results, or lane numbers.
//! Spec: 4.3.5 Vector Operations, 4.6.6 Memory Instructions.

use super::{Builder, unsupported};
use crate::decode::{Imm, Instr};
use crate::error::Result;
use crate::ir::types::{params, result};
use crate::ir::{Inst, Type};
use crate::ops::{Op, Shape};
use crate::simd::V128;

impl Builder<'_> {
    pub(super) fn ternary(&mut self, op: Op) -> Result<()> {
        let (c, b, a) = (self.pop(), self.pop(), self.pop());
        let dst = self.push_temp(Type::V128);
        self.emit(Inst::Ternary { op, dst, a, b, c });
        Ok(())
    }

    pub(super) fn wide(&mut self, op: Op) -> Result<()> {
        let params = params(op, Type::I32).len();
        let operands = self.list(None, params);
        self.stack.truncate(self.stack.len() - params);
        let dst = self.push_temp(Type::I64);
        self.push_temp(Type::I64);
        self.emit(Inst::Wide { op, dst, operands });
        Ok(())
    }

    pub(super) fn with_lanes(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        match (op.shape(), instr.imm) {
            (Shape::SimdShuffle, Imm::Lanes(lanes)) => {
                let lanes = self.constant128(V128(lanes).to_bits());
                let (b, a) = (self.pop(), self.pop());
                let dst = self.push_temp(Type::V128);
                self.emit(Inst::Shuffle {
                    op,
                    dst,
                    a,
                    b,
                    lanes,
                });
            }
            (Shape::SimdExtractLane, Imm::Lane(lane)) => {
                let a = self.pop();
                let dst = self.push_temp(result(op));
                self.emit(Inst::ExtractLane { op, lane, dst, a });
            }
            (Shape::SimdReplaceLane, Imm::Lane(lane)) => {
                let (value, a) = (self.pop(), self.pop());
                let dst = self.push_temp(Type::V128);
                self.emit(Inst::ReplaceLane {
                    op,
                    lane,
                    dst,
                    a,
                    value,
                });
            }
            (_, Imm::MemArgLane(arg, lane)) => {
                let (vector, addr) = (self.pop(), self.pop());
                let (memory, offset) = (arg.memory, self.constant(arg.offset_bytes));
                let inst = if op.shape() == Shape::SimdLoadLane {
                    Inst::LoadLane {
                        op,
                        lane,
                        memory,
                        dst: self.push_temp(Type::V128),
                        addr,
                        vector,
                        offset,
                    }
                } else {
                    Inst::StoreLane {
                        op,
                        lane,
                        memory,
                        addr,
                        vector,
                        offset,
                    }
                };
                self.emit(inst);
            }
            (_, _) => return Err(unsupported(op)),
        }
        Ok(())
    }
}
