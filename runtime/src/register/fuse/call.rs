//! Calls, tail calls and returns: arguments to where the callee's frame begins, then the cell.

use super::moves::Move;
use super::{FuncTypes, Fuser, Mirror, OperandField, class};
use crate::ir::{Callee, List, Operand, OperandKind, Slot, Type};
use crate::register::table::{CALL_CELLS, opcode};
use crate::types::FuncType;

impl Fuser<'_> {
    pub(super) fn call(&mut self, callee: Callee, dst: Slot, operands: List) {
        let (ty, first) = (self.func.callee_type(callee), self.layout.slot(dst));
        let (by, args) = self.func.call_operands(callee, operands);
        self.list_moves(args, &FuncTypes(&ty.params), first);
        self.moves();
        let by = by.map_or(0, |(operand, ty)| self.slot(operand, ty, 0));
        self.call_cells(callee, false, first, by);
        self.called(first, &ty);
    }

    pub(super) fn return_call(&mut self, callee: Callee, operands: List) {
        let ty = self.func.callee_type(callee);
        let (by, args) = self.func.call_operands(callee, operands);
        let types = FuncTypes(&ty.params);
        let slots: u32 = types.iter().map(Type::slots).sum();
        let saved = by.map(|(operand, ty)| (self.save_callee(operand, ty, slots), ty));
        self.parallel_moves(args, &types);
        let by = match saved {
            None => 0,
            Some((CalleeSlot::InPlace(slot), _)) => slot,
            Some((CalleeSlot::Above(at), ty)) => {
                self.copy_slot(slots, at, ty);
                slots as u16
            }
        };
        self.call_cells(callee, true, 0, by);
        self.overflow = self.overflow.max(slots + u32::from(saved.is_some()));
    }

    /// The cell of a call with the first slot of its frame and that of the operand that tells the
    /// callee, and the cell behind. A function of the module is called by its code if it has some
    /// that stays.
    fn call_cells(&mut self, callee: Callee, is_tail: bool, first: u32, by: u16) {
        let module = &self.func.module;
        let ([call, tail_call], further) = match callee {
            Callee::Func(func)
                if module.body_index(func).is_some() && self.thresholds.is_none() =>
            {
                self.calls.push((self.cells.len() + 1, func));
                ([opcode!(call), opcode!(return_call)], 0)
            }
            Callee::Func(func) => {
                let ops = [opcode!(call_import), opcode!(return_call_import)];
                (ops, u64::from(func))
            }
            Callee::Indirect { table, type_index } => {
                let id = module.types[type_index as usize];
                let ops = [opcode!(call_indirect), opcode!(return_call_indirect)];
                (ops, u64::from(id.0) | u64::from(table) << 32)
            }
            Callee::Ref { .. } => ([opcode!(call_ref), opcode!(return_call_ref)], 0),
        };
        let op = if is_tail { tail_call } else { call };
        self.cell(op, first as u16, (first >> 16) as u16, by);
        self.cells.push(further);
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
