//! The cells of each instruction: one arm for each variant of the IR, and the cells of those that
//! no other file of `fuse/` has.

use super::moves::Move;
use super::{Fuser, condition, internal, small};
use crate::error::Result;
use crate::ir::{BlockId, Inst, List, Operand, Slot, Type};
use crate::ops::Op;
use crate::register::table::{self, HAS_RESULT, IS_NARROW, REF_UNARY_OPS, UnaryForm, opcode};

impl Fuser<'_> {
    /// Emits an instruction in the place of block `here`.
    pub(super) fn inst(&mut self, inst: &Inst, here: BlockId) -> Result<()> {
        match *inst {
            Inst::Copy { ty, dst, src } => {
                let dst = self.layout.slot(dst);
                self.copy(Move { dst, src, ty });
            }
            Inst::Unary { op, dst, a } => self.unary(op.on_words(), dst, a)?,
            Inst::Binary { op, dst, a, b } => self.binary(op.on_words(), dst, a, b)?,
            Inst::Ternary { op, dst, a, b, c } => self.ternary(op, dst, [a, b, c])?,
            Inst::Wide { op, dst, operands } => self.wide(op, dst, operands)?,
            Inst::Shuffle {
                op,
                dst,
                a,
                b,
                lanes,
            } => self.shuffle(op, dst, [a, b], lanes)?,
            Inst::ExtractLane { op, lane, dst, a } => self.extract_lane(op, lane, dst, a)?,
            Inst::ReplaceLane {
                op,
                lane,
                dst,
                a,
                value,
            } => self.replace_lane(op, lane, dst, (a, value))?,
            Inst::Select {
                ty,
                dst,
                cond,
                operands,
            } => self.select(ty, dst, cond, operands),
            Inst::Load { op, at, dst } => self.load(op, at, dst)?,
            Inst::Store { op, at, value } => self.store(op, at, value)?,
            Inst::LoadLane {
                op,
                at,
                dst,
                vector,
                lane,
            } => self.load_lane(op, lane, dst, at, vector)?,
            Inst::StoreLane {
                op,
                at,
                vector,
                lane,
            } => self.store_lane(op, lane, at, vector)?,
            Inst::Atomic { op, at, .. } => self.atomic(inst, op, at)?,
            Inst::Fence => self.cell(opcode!(fence), 0, 0, 0),
            Inst::GlobalGet { ty, dst, global } => self.global_get(ty, dst, global),
            Inst::GlobalSet { ty, global, src } => self.global_set(ty, global, src),
            Inst::TableGet { table, dst, index } => self.table_get(table, dst, index)?,
            Inst::TableSet {
                table,
                index,
                value,
            } => self.table_set(table, index, value)?,
            Inst::Helper { op, a, b, .. } => self.helper(inst, op, (a, b))?,
            Inst::Fuel { cost } => self.cell_far(opcode!(fuel), 0, cost),
            Inst::Poll => self.cell(opcode!(poll), 0, 0, 0),
            Inst::RefFunc { dst, func } => {
                self.result_of_index(opcode!(ref_func), func, (dst, Type::Ref));
            }
            Inst::RefTest { ty, dst, a } => self.ref_test(ty, dst, a),
            Inst::RefCast { ty, a } => self.ref_cast(ty, a),
            Inst::RefTestDesc {
                nullable,
                dst,
                a,
                descriptor,
            } => self.ref_test_desc(nullable, dst, (a, descriptor)),
            Inst::RefCastDesc {
                nullable,
                a,
                descriptor,
            } => self.ref_cast_desc(nullable, (a, descriptor)),
            Inst::TrapIfNull { a, kind } => {
                let a = self.slot(a, Type::Ref, 0);
                self.cell(opcode!(trap_if_null), a, kind as u16, 0);
            }
            Inst::StructGet {
                op,
                type_index,
                field,
                dst,
                object,
            } => self.struct_get(op, self.func.module.field(type_index, field), dst, object),
            Inst::StructSet {
                type_index,
                field,
                object,
                value,
            } => self.struct_set(self.func.module.field(type_index, field), object, value),
            Inst::ArrayGet {
                op,
                type_index,
                dst,
                array,
                index,
            } => self.array_get(
                op,
                self.func.module.field(type_index, 0),
                dst,
                (array, index),
            ),
            Inst::ArraySet {
                type_index,
                operands,
            } => self.array_set(self.func.module.field(type_index, 0), operands),
            Inst::Aggregate {
                op,
                type_index,
                b,
                dst,
                ..
            } => self.aggregate(inst, op, (type_index, b), dst)?,
            Inst::Call {
                callee,
                dst,
                operands,
            } => self.call(callee, dst, operands),
            Inst::Br { target } => self.br(target, here)?,
            Inst::BrIf { .. } | Inst::BrIfNull { .. } | Inst::BrOnCast { .. } => {
                return Err(internal("a branch apart from its condition"));
            }
            Inst::BrTable { index, targets } => self.br_table(index, targets),
            Inst::Return { values } => self.ret(values),
            Inst::ReturnCall { callee, operands } => self.return_call(callee, operands),
            Inst::Trap { kind } => self.cell(opcode!(trap), kind as u16, 0, 0),
            Inst::Throw { tag, args } => self.throw(tag, args),
            Inst::ThrowRef { exception } => {
                let exception = self.slot(exception, Type::Ref, 0);
                self.cell(opcode!(throw_ref), exception, 0, 0);
            }
        }
        Ok(())
    }

    fn global_get(&mut self, ty: Type, dst: Slot, global: u32) {
        let op = match ty {
            Type::V128 => opcode!(global_get_vector),
            Type::F64 => opcode!(global_get) + 1,
            Type::I32 | Type::I64 | Type::F32 | Type::Ref => opcode!(global_get),
        };
        self.result_of_index(op, global, (dst, ty));
    }

    fn global_set(&mut self, ty: Type, global: u32, src: Operand) {
        let from = self.slot(src, ty, 0);
        let in_acc = u16::from(self.is_in_acc(from, ty));
        let op = match ty {
            Type::V128 => opcode!(global_set_vector),
            Type::F64 => opcode!(global_set) + 2 + in_acc,
            Type::I32 | Type::I64 | Type::F32 | Type::Ref => opcode!(global_set) + in_acc,
        };
        self.cell_far(op, from, global);
    }

    fn table_get(&mut self, table: u32, dst: Slot, index: Operand) -> Result<()> {
        let index = self.slot(index, self.func.table_address(table), 0);
        let fields = [index, small(table)?];
        self.result_cell(opcode!(table_get), fields, (dst, Type::Ref), &[]);
        Ok(())
    }

    fn table_set(&mut self, table: u32, index: Operand, value: Operand) -> Result<()> {
        let index = self.slot(index, self.func.table_address(table), 0);
        let value = self.slot(value, Type::Ref, 1);
        self.cell(opcode!(table_set), index, small(table)?, value);
        Ok(())
    }

    fn unary(&mut self, op: Op, dst: Slot, a: Operand) -> Result<()> {
        let (operand, result) = condition::types(op);
        if let Some(row) = REF_UNARY_OPS.iter().position(|&row| row == op) {
            self.ref_unary(row as u16, (operand, result), dst, a);
            return Ok(());
        }
        if table::unary(op, UnaryForm::Slot, self.profile).is_none() {
            return self.vector_unary(op, dst, a);
        }
        let a = self.slot(a, operand, 0);
        let form = if self.is_in_acc(a, operand) {
            UnaryForm::Acc
        } else {
            UnaryForm::Slot
        };
        let code = table::unary(op, form, self.profile).ok_or_else(|| internal(op.mnemonic()))?;
        self.result_cell(code, [a, 0], (dst, result), &[]);
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
        let form = self.binary_form(a, b, operand);
        let code = table::binary(op, form, self.profile).ok_or_else(|| internal(op.mnemonic()))?;
        self.result_cell(code, [a, b.bits()], (dst, result), &[]);
        Ok(())
    }

    fn select(&mut self, ty: Type, dst: Slot, cond: Operand, operands: List) {
        let operands = self.func.list(operands);
        let b = self.slot(operands[0], ty, 0);
        let c = self.slot(operands[1], ty, 1);
        let cond = self.slot(cond, Type::I32, 2);
        let op = match ty {
            Type::V128 => opcode!(select_vector),
            Type::F64 => opcode!(select) + 1,
            Type::I32 | Type::I64 | Type::F32 | Type::Ref => opcode!(select),
        };
        self.result_behind(op, [cond, b, c], (dst, ty));
    }

    fn helper(&mut self, inst: &Inst, op: Op, (a, b): (u32, u32)) -> Result<()> {
        let code = table::helper(op).ok_or_else(|| internal(op.mnemonic()))?;
        let (mut slots, mut flags, result) = self.operands::<4>(inst);
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
