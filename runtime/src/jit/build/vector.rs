//! Vectors and numbers of 128 bits in SSA. Accesses of parts of a vector become a scalar access and
//! an operation of registers, so that addresses, checks and sharing are those of scalars.

use super::{Builder, Inst, fold};
use crate::error::{Error, Result};
use crate::ir::{self, Operand, Slot, Type};
use crate::ops::Op;

/// The load of memory's bits, and what makes a vector of them.
pub(super) fn parts_of_load(op: Op) -> (Op, Option<Op>) {
    let (loads, then) = match op {
        Op::V128Load8x8S => (Op::V128Load64Zero, Op::I16x8ExtendLowI8x16S),
        Op::V128Load8x8U => (Op::V128Load64Zero, Op::I16x8ExtendLowI8x16U),
        Op::V128Load16x4S => (Op::V128Load64Zero, Op::I32x4ExtendLowI16x8S),
        Op::V128Load16x4U => (Op::V128Load64Zero, Op::I32x4ExtendLowI16x8U),
        Op::V128Load32x2S => (Op::V128Load64Zero, Op::I64x2ExtendLowI32x4S),
        Op::V128Load32x2U => (Op::V128Load64Zero, Op::I64x2ExtendLowI32x4U),
        Op::V128Load8Splat => (Op::I32Load8U, Op::I8x16Splat),
        Op::V128Load16Splat => (Op::I32Load16U, Op::I16x8Splat),
        Op::V128Load32Splat => (Op::F32Load, Op::F32x4Splat),
        Op::V128Load64Splat => (Op::F64Load, Op::F64x2Splat),
        _ => return (op, None), // the load is all
    };
    (loads, Some(then))
}

/// The load of a lane's bits, and what puts them into a vector.
fn parts_of_load_lane(op: Op) -> Option<(Op, Op)> {
    Some(match op {
        Op::V128Load8Lane => (Op::I32Load8U, Op::I8x16ReplaceLane),
        Op::V128Load16Lane => (Op::I32Load16U, Op::I16x8ReplaceLane),
        Op::V128Load32Lane => (Op::F32Load, Op::F32x4ReplaceLane),
        Op::V128Load64Lane => (Op::F64Load, Op::F64x2ReplaceLane),
        _ => return None, // no row of the shape
    })
}

/// What takes a lane out of a vector, and the store of its bits.
fn parts_of_store_lane(op: Op) -> Option<(Op, Op)> {
    Some(match op {
        Op::V128Store8Lane => (Op::I8x16ExtractLaneU, Op::I32Store8),
        Op::V128Store16Lane => (Op::I16x8ExtractLaneU, Op::I32Store16),
        Op::V128Store32Lane => (Op::F32x4ExtractLane, Op::F32Store),
        Op::V128Store64Lane => (Op::F64x2ExtractLane, Op::F64Store),
        _ => return None, // no row of the shape
    })
}

impl Builder<'_> {
    pub(super) fn vector(&mut self, inst: &ir::Inst) -> Result<()> {
        match *inst {
            ir::Inst::Ternary { op, dst, a, b, c } => {
                let [a, b, c] = [a, b, c].map(|operand| self.read(operand, Type::V128));
                let value = self.one(Inst::Ternary { op, a, b, c }, Type::V128);
                self.write(dst, value);
            }
            ir::Inst::Wide { op, dst, operands } => self.wide_numbers(op, dst, operands),
            ir::Inst::Shuffle {
                op,
                dst,
                a,
                b,
                lanes,
            } => {
                let [a, b] = [a, b].map(|operand| self.read(operand, Type::V128));
                let c = self.pool_constant(lanes, Type::V128);
                let value = self.one(Inst::Ternary { op, a, b, c }, Type::V128);
                self.write(dst, value);
            }
            ir::Inst::ExtractLane { op, lane, dst, a } => {
                let a = self.read(a, Type::V128);
                let value = self.one(Inst::Lane { op, lane, a }, fold::result_type(op));
                self.write(dst, value);
            }
            ir::Inst::ReplaceLane {
                op,
                lane,
                dst,
                a,
                value,
            } => {
                let a = self.read(a, Type::V128);
                let b = self.read(value, fold::operand_type(op, 1));
                let value = self.one(Inst::Replace { op, lane, a, b }, Type::V128);
                self.write(dst, value);
            }
            _ => return self.lane_access(inst),
        }
        Ok(())
    }

    fn lane_access(&mut self, inst: &ir::Inst) -> Result<()> {
        match *inst {
            ir::Inst::LoadLane {
                op,
                lane,
                memory,
                dst,
                addr,
                vector,
                offset,
            } => {
                let Some((loads, replaces)) = parts_of_load_lane(op) else {
                    return Self::unsupported(op);
                };
                let a = self.read(vector, Type::V128);
                let b = self.loaded(op, loads, (memory, addr, offset))?;
                let op = replaces;
                let value = self.one(Inst::Replace { op, lane, a, b }, Type::V128);
                self.write(dst, value);
                Ok(())
            }
            ir::Inst::StoreLane {
                op,
                lane,
                memory,
                addr,
                vector,
                offset,
            } => {
                let Some((extracts, stores)) = parts_of_store_lane(op) else {
                    return Self::unsupported(op);
                };
                let a = self.read(vector, Type::V128);
                let ty = fold::result_type(extracts);
                let value = self.one(
                    Inst::Lane {
                        op: extracts,
                        lane,
                        a,
                    },
                    ty,
                );
                self.stored(op, stores, (memory, addr, offset), value)
            }
            _ => Err(Error::unsupported(inst.name())),
        }
    }

    fn wide_numbers(&mut self, op: Op, dst: Slot, operands: ir::List) {
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
