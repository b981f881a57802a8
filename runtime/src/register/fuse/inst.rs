//! Instructions inside of blocks, one arm for each variant of the IR.
//!
//! A new variant of [`Inst`] gets its arm in [`Fuser::inst`] if its cells are made here, or in the
//! dispatch of its own file: `fuse/memory.rs`, `fuse/call.rs`. What ends a block is in
//! `fuse/block.rs`. Its handlers' opcodes come from `register/table.rs`.

use super::{Fuser, condition, internal, small};
use crate::error::Result;
use crate::ir::{Inst, List, Operand, Role, Slot, Type};
use crate::ops::Op;
use crate::register::control::{HAS_RESULT, IS_NARROW};
use crate::register::numeric::One;
use crate::register::table::{self, opcode};

impl Fuser<'_> {
    pub(super) fn inst(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::Unary { op, dst, a } => self.unary(op, dst, a),
            Inst::Binary { op, dst, a, b } => self.binary(op, dst, a, b),
            Inst::Select {
                ty,
                dst,
                cond,
                operands,
            } => {
                self.select(ty, dst, cond, operands);
                Ok(())
            }
            Inst::Load {
                op,
                memory,
                dst,
                addr,
                offset,
            } => self.load(op, memory, dst, addr, self.func.consts[offset as usize]),
            Inst::Store {
                op,
                memory,
                addr,
                value,
                offset,
            } => self.store(op, memory, addr, value, self.func.consts[offset as usize]),
            Inst::Atomic {
                op, memory, offset, ..
            } => self.atomic(inst, op, memory, self.func.consts[offset as usize]),
            Inst::Fence => {
                self.cell(opcode!(fence), 0, 0, 0);
                Ok(())
            }
            Inst::Helper { op, a, b, .. } => self.helper(inst, op, (a, b)),
            Inst::Call { .. } | Inst::CallIndirect { .. } | Inst::CallRef { .. } => {
                self.calls(inst)
            }
            _ => self.objects(inst),
        }
    }

    /// Globals, tables, references.
    pub(super) fn state(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::GlobalGet { ty, dst, global } => {
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                let op = match ty {
                    Type::V128 => opcode!(global_get_vector),
                    _ => opcode!(global_get) + u16::from(ty == Type::F64),
                };
                self.cell_far(op, to, global);
                self.done(dst, ty);
            }
            Inst::GlobalSet { ty, global, src } => {
                let from = self.slot(src, ty, 0);
                let in_acc = u16::from(self.is_in_acc(from, ty));
                let op = match ty {
                    Type::V128 => opcode!(global_set_vector),
                    _ => opcode!(global_set) + u16::from(ty == Type::F64) * 2 + in_acc,
                };
                self.cell_far(op, from, global);
            }
            Inst::RefFunc { dst, func } => {
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                self.cell_far(opcode!(ref_func), to, func);
                self.done(dst, Type::Ref);
            }
            Inst::RefIsNull { dst, a } => return self.unary(Op::I64Eqz, dst, a),
            Inst::Fuel { cost } => self.cell_far(opcode!(fuel), 0, cost),
            Inst::Poll => self.cell(opcode!(poll), 0, 0, 0),
            Inst::TrapIfNull { a, kind } => {
                let a = self.slot(a, Type::Ref, 0);
                self.cell(opcode!(trap_if_null), a, kind as u16, 0);
            }
            Inst::TableGet { table, dst, index } => {
                let index = self.slot(index, self.func.table_address(table), 0);
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                self.cell(opcode!(table_get), index, small(table)?, to);
                self.done(dst, Type::Ref);
            }
            Inst::TableSet {
                table,
                index,
                value,
            } => {
                let index = self.slot(index, self.func.table_address(table), 0);
                let value = self.slot(value, Type::Ref, 1);
                self.cell(opcode!(table_set), index, small(table)?, value);
            }
            _ => return Err(internal(format!("{} inside of a block", inst.name()))),
        }
        Ok(())
    }

    fn unary(&mut self, op: Op, dst: Slot, a: Operand) -> Result<()> {
        let (operand, result) = condition::types(op);
        if table::unary(op, One::Slot, self.profile).is_none() {
            return self.vector_unary(op, dst, a);
        }
        let a = self.slot(a, operand, 0);
        let way = if self.is_in_acc(a, operand) {
            One::Acc
        } else {
            One::Slot
        };
        let code = table::unary(op, way, self.profile).ok_or_else(|| internal(op.mnemonic()))?;
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        self.cell(code, a, 0, to);
        self.done(dst, result);
        Ok(())
    }

    pub(super) fn binary(&mut self, op: Op, dst: Slot, a: Operand, b: Operand) -> Result<()> {
        let (op, a, b) = condition::constant_last(self.func, op, a, b);
        let (operand, result) = condition::types(op);
        if operand == Type::V128 {
            return self.vector_binary(op, dst, a, b);
        }
        let a = self.slot(a, operand, 0);
        let b = self.field(b, operand, 1);
        let way = self.two(a, b, operand);
        let code = table::binary(op, way, self.profile).ok_or_else(|| internal(op.mnemonic()))?;
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        self.cell(code, a, b.bits(), to);
        self.done(dst, result);
        Ok(())
    }

    fn select(&mut self, ty: Type, dst: Slot, cond: Operand, operands: List) {
        let operands = self.func.list(operands);
        let b = self.slot(operands[0], ty, 0);
        let c = self.slot(operands[1], ty, 1);
        let cond = self.slot(cond, Type::I32, 2);
        let in_acc = u16::from(self.is_in_acc(cond, Type::I32));
        let dst = self.layout.slot(dst);
        let op = match ty {
            Type::V128 => opcode!(select_vector),
            _ => opcode!(select) + u16::from(ty == Type::F64) * 2 + in_acc,
        };
        self.cell(op, cond, b, c);
        self.cells.push(u64::from(dst));
        self.wrote_value(dst, ty);
    }

    fn helper(&mut self, inst: &Inst, op: Op, (a, b): (u32, u32)) -> Result<()> {
        let code = table::helper(op).ok_or_else(|| internal(op.mnemonic()))?;
        let (mut operands, mut result) = (Vec::new(), None);
        inst.visit(self.func, |role| match role {
            Role::Use(operand, ty) => operands.push((operand, ty)),
            Role::Def(slot, ty) => result = Some((slot, ty)),
            Role::Imm(_) | Role::Label(_) => {}
        });
        let mut flags = operands.len() as u16;
        let mut slots = [0; 4];
        for (i, (operand, ty)) in operands.into_iter().enumerate() {
            slots[i] = self.slot(operand, ty, i as u32);
        }
        if let Some((dst, ty)) = result {
            slots[3] = self.dst(self.layout.slot(dst));
            flags |= HAS_RESULT;
            if ty == Type::I32 {
                flags |= IS_NARROW;
            }
        }
        self.cell(code, flags, 0, 0);
        self.cells.push(u64::from(a) | u64::from(b) << 32);
        self.cell(slots[0], slots[1], slots[2], slots[3]);
        if let Some((dst, ty)) = result {
            let dst = self.layout.slot(dst);
            self.done(dst, ty);
            self.wrote(dst); // it is in no accumulator
        }
        Ok(())
    }
}
