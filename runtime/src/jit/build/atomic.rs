//! Atomic accesses: alignment first, then bounds, then the access (threads proposal: "Atomic Memory
//! Instructions"). Waiting and notifying are out of line.
//!
//! In a guarded memory the first byte is read before the access, so that a load traps out of
//! bounds. An aligned access does not cross a page, so that the access itself cannot fault then.

use super::{Builder, Class, Helper, Inst, Value, fold};
use crate::error::Result;
use crate::ir::{MemoryPlace, Operand, Slot, Type};
use crate::jit::ssa::atomic::{AtomicOp, AtomicSort, sort_of};
use crate::ops::{Group, Op, group};
use crate::trap::TrapKind;

impl Builder<'_> {
    pub(super) fn atomic(
        &mut self,
        op: Op,
        at: MemoryPlace,
        dst: Slot,
        operands: &[Operand],
    ) -> Result<()> {
        if let Group::AtomicSync(row) = op.group() {
            return self.wait_or_notify(row, at, dst, operands);
        }
        let (Some(sort), Some(size_bytes)) = (sort_of(op), op.row().access_bytes) else {
            return Self::unsupported(op);
        };
        let address = self.atomic_address(at, size_bytes);
        let ty = match sort {
            AtomicSort::As(AtomicOp::Store) => fold::operand_type(op, 1),
            _ => fold::result_type(op),
        };
        let values: Vec<Value> = operands.iter().map(|&o| self.read(o, ty)).collect();
        let (op, values) = self.operands_of(sort, ty, &values);
        let args: Vec<Value> = [address].into_iter().chain(values).collect();
        let args = self.func.add_list(&args);
        let size_log2 = size_bytes.trailing_zeros() as u8;
        let inst = Inst::Atomic {
            op,
            size_log2,
            args,
        };
        if op == AtomicOp::Store {
            self.none(inst);
        } else {
            let value = self.one(inst, ty);
            self.write(dst, value);
        }
        Ok(())
    }

    /// The checked address of an access.
    fn atomic_address(&mut self, at: MemoryPlace, size_bytes: u64) -> Value {
        self.check_alignment(at, size_bytes);
        let (base, offset, class) = self.address(at, size_bytes, false);
        if let Class::Guarded(_) = class {
            self.load(Op::I32Load8U, class, base, offset as usize, Type::I32);
        }
        let near = self.constant(Type::I64, offset as u64);
        self.binary(Op::I64Add, base, near)
    }

    /// Traps unless the effective address is a multiple of the size. The low bits of the index and
    /// of the offset decide.
    fn check_alignment(&mut self, at: MemoryPlace, size_bytes: u64) {
        if size_bytes == 1 {
            return;
        }
        let index = self.memory_index(at);
        let mut low = self.unary(Op::I32WrapI64, index);
        let offset = self.ir.consts[at.offset as usize] % size_bytes;
        if offset != 0 {
            let offset = self.constant(Type::I32, offset);
            low = self.binary(Op::I32Add, low, offset);
        }
        let mask = self.constant(Type::I32, size_bytes - 1);
        let rest = self.binary(Op::I32And, low, mask);
        self.trap_if(rest, TrapKind::UnalignedAtomic);
    }

    /// The access of a sort, and its operands.
    fn operands_of(
        &mut self,
        sort: AtomicSort,
        ty: Type,
        values: &[Value],
    ) -> (AtomicOp, Vec<Value>) {
        let is_wide = ty == Type::I64;
        match sort {
            AtomicSort::As(op) => (op, values.to_vec()),
            AtomicSort::Sub => {
                let zero = self.constant(ty, 0);
                let sub = if is_wide { Op::I64Sub } else { Op::I32Sub };
                (AtomicOp::Add, vec![self.binary(sub, zero, values[0])])
            }
            AtomicSort::And => {
                let xor = if is_wide { Op::I64Xor } else { Op::I32Xor };
                let ones = if is_wide { u64::MAX } else { u32::MAX.into() };
                let ones = self.constant(ty, ones);
                (AtomicOp::Clear, vec![self.binary(xor, values[0], ones)])
            }
        }
    }

    fn wait_or_notify(
        &mut self,
        row: group::AtomicSync,
        at: MemoryPlace,
        dst: Slot,
        operands: &[Operand],
    ) -> Result<()> {
        use group::AtomicSync as S;
        let op = row.op();
        let helper = match row {
            S::MemoryAtomicWait32 => Helper::AtomicWait32,
            S::MemoryAtomicWait64 => Helper::AtomicWait64,
            S::MemoryAtomicNotify => Helper::AtomicNotify,
            S::AtomicFence | S::Pause => return Self::unsupported(op), // not `Atomic`
        };
        let offset = self.ir.consts[at.offset as usize];
        let index = self.memory_index(at);
        let mut args = vec![
            self.constant(Type::I32, u64::from(at.memory)),
            index,
            self.constant(Type::I64, offset),
        ];
        for (n, &operand) in operands.iter().enumerate() {
            args.push(self.read(operand, fold::operand_type(op, n + 1)));
        }
        let value = self.helper(op, helper, &args, &[Type::I32]);
        self.write(dst, value);
        Ok(())
    }
}
