//! Instructions that are out of line in every tier: growth, and work on ranges of memories,
//! tables and segments; and sizes.

use std::mem::offset_of;

use super::{Builder, Class, Helper, Value};
use crate::error::Result;
use crate::ir::types::helper_types;
use crate::ir::{self, Slot, Type};
use crate::ops::Op;
use crate::vm::{TableInst, Vm};

/// The function of each instruction that is out of line.
const HELPERS: [(Op, Helper); 10] = [
    (Op::MemoryGrow, Helper::MemoryGrow),
    (Op::MemoryFill, Helper::MemoryFill),
    (Op::MemoryCopy, Helper::MemoryCopy),
    (Op::MemoryInit, Helper::MemoryInit),
    (Op::DataDrop, Helper::DataDrop),
    (Op::TableGrow, Helper::TableGrow),
    (Op::TableFill, Helper::TableFill),
    (Op::TableCopy, Helper::TableCopy),
    (Op::TableInit, Helper::TableInit),
    (Op::ElemDrop, Helper::ElemDrop),
];

impl Builder<'_> {
    /// An instruction on a whole memory, table or segment. Its function takes indices, that of the
    /// segment last, and then the operands: numbers are zero-extended, save the byte of a fill.
    pub(super) fn out_of_line(
        &mut self,
        op: Op,
        dst: Slot,
        (a, b): (u32, u32),
        operands: ir::List,
    ) -> Result<()> {
        let Some(&(_, helper)) = HELPERS.iter().find(|row| row.0 == op) else {
            return self.size(op, a, dst);
        };
        let (types, result) = helper_types(self.ir, op, a, b);
        let mut values = Vec::new();
        for (&operand, ty) in self.list(operands).iter().zip(types.into_iter().flatten()) {
            let value = self.read(operand, ty);
            let is_byte = op == Op::MemoryFill && values.len() == 1;
            values.push(match ty {
                Type::I32 if !is_byte => self.unary(Op::I64ExtendI32U, value),
                _ => value,
            });
        }
        let indices: &[u32] = match helper {
            Helper::MemoryInit | Helper::TableInit => &[b, a],
            Helper::MemoryCopy | Helper::TableCopy => &[a, b],
            _ => &[a],
        };
        let index = |&index: &u32| self.constant(Type::I32, index.into());
        let mut args: Vec<Value> = indices.iter().map(index).collect();
        args.append(&mut values);
        match result {
            Some(ty) => {
                let old = self.helper(op, helper, &args, &[Type::I64]);
                self.write_size(old, ty == Type::I64, dst);
            }
            None => {
                self.helper(op, helper, &args, &[]);
            }
        }
        Ok(())
    }

    fn size(&mut self, op: Op, index: u32, dst: Slot) -> Result<()> {
        let n = index as usize;
        if op == Op::MemorySize {
            let ty = self.module.memories[n];
            let inst = self.memory_inst(index);
            let len = self.memory_len(index, inst);
            let log2 = self.constant(Type::I64, u64::from(ty.page_size_log2));
            let pages = self.binary(Op::I64ShrU, len, log2);
            self.write_size(pages, ty.is64, dst);
        } else if op == Op::TableSize {
            let inst = self.vm_entry(offset_of!(Vm, tables), index);
            let at = offset_of!(TableInst, len);
            let len = self.load(Op::I64Load, Class::Shape, inst, at, Type::I64);
            self.write_size(len, self.module.tables[n].is64, dst);
        } else {
            return Self::unsupported(op);
        }
        Ok(())
    }

    fn write_size(&mut self, size: Value, is64: bool, dst: Slot) {
        let value = if is64 {
            size
        } else {
            self.unary(Op::I32WrapI64, size)
        };
        self.write(dst, value);
    }
}
