//! Instructions that are out of line in every tier: growth, and work on ranges of memories,
//! tables and segments; and sizes.

use std::mem::offset_of;

use super::{Builder, Class, Helper, Value};
use crate::error::Result;
use crate::ir::{self, Operand, Slot, Type};
use crate::ops::{Group, Op, group};
use crate::vm::{TableInst, Vm};

impl Builder<'_> {
    pub(super) fn out_of_line(
        &mut self,
        op: Op,
        dst: Slot,
        (a, b): (u32, u32),
        operands: ir::List,
    ) -> Result<()> {
        let operands = self.list(operands);
        if let Group::Memory(op) = op.group() {
            self.whole_memory(op, (a, b), operands, dst)
        } else if let Group::Table(op) = op.group() {
            self.whole_table(op, (a, b), operands, dst)
        } else {
            Self::unsupported(op)
        }
    }

    fn whole_memory(
        &mut self,
        group_op: group::Memory,
        (a, b): (u32, u32),
        operands: &[Operand],
        dst: Slot,
    ) -> Result<()> {
        use group::Memory as M;
        let (op, module) = (group_op.op(), self.module);
        let is64 = |index: u32| module.memories[index as usize].is64;
        match group_op {
            M::MemorySize => self.memory_size(a, dst),
            M::MemoryGrow => {
                let delta = self.wide(operands[0], is64(a));
                self.grow(op, Helper::MemoryGrow, (a, is64(a)), &[delta], dst);
            }
            M::MemoryFill => {
                self.fill(op, Helper::MemoryFill, (a, is64(a)), Type::I32, operands);
            }
            M::MemoryCopy => {
                self.copy(op, Helper::MemoryCopy, [a, b], [a, b].map(is64), operands);
            }
            M::MemoryInit => self.init(op, (Helper::MemoryInit, is64(b)), (b, a), operands),
            M::DataDrop => self.bulk(op, Helper::DataDrop, &[a], &[]),
            M::MemoryDiscard => return Self::unsupported(op),
        }
        Ok(())
    }

    fn whole_table(
        &mut self,
        group_op: group::Table,
        (a, b): (u32, u32),
        operands: &[Operand],
        dst: Slot,
    ) -> Result<()> {
        use group::Table as T;
        let (op, module) = (group_op.op(), self.module);
        let is64 = |index: u32| module.tables[index as usize].is64;
        match group_op {
            T::TableSize => self.table_size(a, dst),
            T::TableGrow => {
                let init = self.read(operands[0], Type::Ref);
                let delta = self.wide(operands[1], is64(a));
                self.grow(op, Helper::TableGrow, (a, is64(a)), &[init, delta], dst);
            }
            T::TableFill => {
                self.fill(op, Helper::TableFill, (a, is64(a)), Type::Ref, operands);
            }
            T::TableCopy => {
                self.copy(op, Helper::TableCopy, [a, b], [a, b].map(is64), operands);
            }
            T::TableInit => self.init(op, (Helper::TableInit, is64(b)), (b, a), operands),
            T::ElemDrop => self.bulk(op, Helper::ElemDrop, &[a], &[]),
            T::TableGet | T::TableSet => return Self::unsupported(op), // they are inline
        }
        Ok(())
    }

    fn memory_size(&mut self, memory: u32, dst: Slot) {
        let ty = self.module.memories[memory as usize];
        let inst = self.memory_inst(memory);
        let len = self.memory_len(memory, inst);
        let log2 = self.constant(Type::I64, u64::from(ty.page_size_log2));
        let pages = self.binary(Op::I64ShrU, len, log2);
        self.write_size(pages, ty.is64, dst);
    }

    fn table_size(&mut self, table: u32, dst: Slot) {
        let inst = self.vm_entry(offset_of!(Vm, tables), table);
        let at = offset_of!(TableInst, len);
        let len = self.load(Op::I64Load, Class::Shape, inst, at, Type::I64);
        self.write_size(len, self.module.tables[table as usize].is64, dst);
    }

    fn write_size(&mut self, size: Value, is64: bool, dst: Slot) {
        let value = if is64 {
            size
        } else {
            self.unary(Op::I32WrapI64, size)
        };
        self.write(dst, value);
    }

    fn grow(
        &mut self,
        op: Op,
        helper: Helper,
        (index, is64): (u32, bool),
        operands: &[Value],
        dst: Slot,
    ) {
        let mut args = vec![self.constant(Type::I32, u64::from(index))];
        args.extend(operands);
        let old = self.helper(op, helper, &args, &[Type::I64]);
        self.write_size(old, is64, dst);
    }

    fn bulk(&mut self, op: Op, helper: Helper, indices: &[u32], operands: &[Value]) {
        let mut args: Vec<Value> = indices
            .iter()
            .map(|&index| self.constant(Type::I32, u64::from(index)))
            .collect();
        args.extend(operands);
        self.helper(op, helper, &args, &[]);
    }

    fn fill(
        &mut self,
        op: Op,
        helper: Helper,
        (index, is64): (u32, bool),
        ty: Type,
        operands: &[Operand],
    ) {
        let at = self.wide(operands[0], is64);
        let value = self.read(operands[1], ty);
        let len = self.wide(operands[2], is64);
        self.bulk(op, helper, &[index], &[at, value, len]);
    }

    fn copy(
        &mut self,
        op: Op,
        helper: Helper,
        indices: [u32; 2],
        [dst64, src64]: [bool; 2],
        operands: &[Operand],
    ) {
        let to = self.wide(operands[0], dst64);
        let from = self.wide(operands[1], src64);
        let len = self.wide(operands[2], dst64 && src64);
        self.bulk(op, helper, &indices, &[to, from, len]);
    }

    fn init(
        &mut self,
        op: Op,
        (helper, is64): (Helper, bool),
        (index, segment): (u32, u32),
        operands: &[Operand],
    ) {
        let to = self.wide(operands[0], is64);
        let from = self.wide(operands[1], false);
        let len = self.wide(operands[2], false);
        self.bulk(op, helper, &[index, segment], &[to, from, len]);
    }
}
