//! Calls, tail calls and returns: arguments to where the callee's frame begins, then the cell.

use super::moves::Move;
use super::{FuncTypes, Fuser, Mirror, OperandField, class};
use crate::ir::{List, Operand, OperandKind, Slot, Type};
use crate::register::table::{CALL_CELLS, opcode};
use crate::types::FuncType;

impl Fuser<'_> {
    pub(super) fn call_indirect(&mut self, by: (u32, u32), dst: Slot, index_and_args: List) {
        let (table, type_index) = by;
        let ty = self.func.module.func_type(type_index);
        let further = self.table_and_type(table, type_index);
        let address = self.func.table_address(table);
        let op = opcode!(call_indirect);
        self.call_by(op, further, (dst, &ty), index_and_args, address);
    }

    pub(super) fn call_ref(&mut self, type_index: u32, dst: Slot, func_and_args: List) {
        let ty = self.func.module.func_type(type_index);
        self.call_by(opcode!(call_ref), 0, (dst, &ty), func_and_args, Type::Ref);
    }

    pub(super) fn return_call(&mut self, func: u32, args: List) {
        let ir = self.func;
        let ty = &ir.module.signatures[func as usize];
        self.parallel_moves(ir.list(args), &FuncTypes(&ty.params));
        self.callee(opcode!(return_call), opcode!(return_call_import), func, 0);
        let args: u32 = FuncTypes(&ty.params).iter().map(Type::slots).sum();
        self.overflow = self.overflow.max(args);
    }

    pub(super) fn return_call_indirect(&mut self, by: (u32, u32), index_and_args: List) {
        let (table, type_index) = by;
        let ty = self.func.module.func_type(type_index);
        let further = self.table_and_type(table, type_index);
        let address = self.func.table_address(table);
        let op = opcode!(return_call_indirect);
        self.return_call_by(op, further, &ty, index_and_args, address);
    }

    pub(super) fn return_call_ref(&mut self, type_index: u32, func_and_args: List) {
        let ty = self.func.module.func_type(type_index);
        self.return_call_by(opcode!(return_call_ref), 0, &ty, func_and_args, Type::Ref);
    }

    /// The further cell of an indirect call.
    fn table_and_type(&self, table: u32, type_index: u32) -> u64 {
        let id = self.func.module.types[type_index as usize];
        u64::from(id.0) | u64::from(table) << 32
    }

    pub(super) fn call(&mut self, func: u32, dst: Slot, args: List) {
        let ir = self.func;
        let ty = &ir.module.signatures[func as usize];
        let first = self.layout.slot(dst);
        self.list_moves(ir.list(args), &FuncTypes(&ty.params), first);
        self.moves();
        self.callee(opcode!(call), opcode!(call_import), func, first);
        self.called(first, ty);
    }

    /// A call of a function of the module: by its code if it has some that stays.
    fn callee(&mut self, own: u16, imported: u16, func: u32, dst: u32) {
        match self.func.module.body_index(func) {
            Some(_) if self.thresholds.is_none() => {
                self.cell(own, dst as u16, (dst >> 16) as u16, 0);
                self.calls.push((self.cells.len(), func));
                self.cells.push(0);
            }
            _ => {
                self.cell(imported, dst as u16, (dst >> 16) as u16, 0);
                self.cells.push(u64::from(func));
            }
        }
    }

    /// A call of what the first operand of the list says.
    fn call_by(
        &mut self,
        op: u16,
        further: u64,
        (dst, ty): (Slot, &FuncType),
        list: List,
        callee: Type,
    ) {
        let first = self.layout.slot(dst);
        let operands = self.func.list(list);
        self.list_moves(&operands[1..], &FuncTypes(&ty.params), first);
        self.moves();
        let by = self.slot(operands[0], callee, 0);
        self.cell(op, first as u16, (first >> 16) as u16, by);
        self.cells.push(further);
        self.called(first, ty);
    }

    /// Notes what a call leaves: of a single result, a copy in its accumulator.
    fn called(&mut self, first: u32, ty: &FuncType) {
        debug_assert!(self.cells.len() > CALL_CELLS);
        self.mirror = Mirror::default();
        if let [ty] = ty.results[..]
            && Type::from(ty) != Type::V128
        {
            self.wrote_value(first, ty.into());
        }
    }

    /// Puts what a tail call goes by above its arguments; gives the slot.
    fn save_callee(&mut self, operand: Operand, ty: Type, args: u32) -> CalleeSlot {
        if let OperandKind::Slot(slot) = operand.get()
            && let Some(slot) = self.near(self.layout.slot(slot))
            && u32::from(slot) >= args
        {
            return CalleeSlot::InPlace(slot);
        }
        let at = self.layout.frame_slots + self.overflow.max(args);
        self.overflow = self.overflow.max(args) + 1;
        self.copy(Move {
            dst: at,
            src: operand,
            ty,
        });
        CalleeSlot::Above(at)
    }

    fn return_call_by(&mut self, op: u16, further: u64, ty: &FuncType, list: List, callee: Type) {
        let operands = self.func.list(list);
        let types = FuncTypes(&ty.params);
        let args: u32 = types.iter().map(Type::slots).sum();
        let saved = self.save_callee(operands[0], callee, args);
        self.parallel_moves(&operands[1..], &types);
        let by = match saved {
            CalleeSlot::InPlace(slot) => slot,
            CalleeSlot::Above(at) => {
                self.copy_slot(args, at, callee);
                args as u16
            }
        };
        self.cell(op, 0, 0, by);
        self.cells.push(further);
        self.overflow = self.overflow.max(args + 1);
    }

    pub(super) fn ret(&mut self, values: List) {
        let operands = self.func.list(values);
        match self.single_result() {
            Some(ty) => self.ret_one(operands[0], ty),
            None => {
                let ty = &self.func.ty;
                self.parallel_moves(operands, &FuncTypes(&ty.results));
                let slots: u32 = FuncTypes(&ty.results).iter().map(Type::slots).sum();
                self.overflow = self.overflow.max(slots);
                self.cell(opcode!(ret), 0, 0, 0);
            }
        }
    }

    pub(super) fn ret_one(&mut self, value: Operand, ty: Type) {
        let op = opcode!(ret_one) + class(ty) * 3;
        match self.field(value, ty, 0) {
            OperandField::Imm(value) => self.cell(op + 2, value as u16, 0, 0),
            OperandField::Slot(slot) => {
                let in_acc = u16::from(self.is_in_acc(slot, ty));
                self.cell(op + in_acc, slot, 0, 0);
            }
        }
    }
}

/// The slot of the callee of a tail call, while its arguments are moved.
#[derive(Clone, Copy, Debug)]
enum CalleeSlot {
    InPlace(u16),
    Above(u32),
}
