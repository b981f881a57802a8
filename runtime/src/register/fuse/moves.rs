//! Cells of moves: constants, copies, and the order in which several are written.

use super::{FuncTypes, Fuser, class};
use crate::ir::{Operand, OperandKind, Type};
use crate::register::table::opcode;

/// A value on its way to a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) dst: u32,
    pub(super) src: Operand,
    pub(super) ty: Type,
}

impl Fuser<'_> {
    /// A copy between slots of which fields can name neither or one.
    pub(super) fn copy_far(&mut self, dst: u32, src: u32, ty: Type) {
        let slots = ty.slots();
        for i in 0..slots {
            // Of a value that overlaps its copy, the slot that is written over is read first.
            let i = if dst > src { slots - 1 - i } else { i };
            self.cell(opcode!(copy_far), 0, 0, 0);
            self.cells
                .push(u64::from(src + i) | u64::from(dst + i) << 32);
            self.wrote(dst + i);
        }
    }

    /// Writes a constant of any size to a slot that a field can name.
    pub(super) fn constant(&mut self, dst: u16, index: u32, ty: Type) {
        let consts = &self.func.consts[index as usize..];
        if ty == Type::V128 {
            self.cell(opcode!(constant_vector), 0, 0, dst);
            self.cells.extend_from_slice(&consts[..2]);
        } else {
            let is_f64 = u16::from(ty == Type::F64);
            self.cell(opcode!(constant) + is_f64, 0, 0, dst);
            self.cells.push(consts[0]);
        }
        self.wrote_value(dst.into(), ty);
    }

    pub(super) fn copy(&mut self, copy: Move) {
        let Move { dst, src, ty } = copy;
        match src.get() {
            OperandKind::Slot(slot) => self.copy_slot(dst, self.layout.slot(slot), ty),
            OperandKind::Const(index) => {
                let to = self.dst(dst);
                match self.immediate(src, ty) {
                    Some(value) => {
                        self.cell(opcode!(copy) + class(ty) * 3 + 2, value as u16, 0, to);
                    }
                    None => self.constant(to, index, ty),
                }
                self.done(dst, ty);
            }
        }
    }

    /// A copy between slots of the frame as this tier numbers them. No scratch slot is used: among
    /// several moves, they may be where others lead.
    pub(super) fn copy_slot(&mut self, dst: u32, src: u32, ty: Type) {
        let (Some(to), Some(from)) = (self.near(dst), self.near(src)) else {
            return self.copy_far(dst, src, ty);
        };
        if ty == Type::V128 {
            self.cell(opcode!(copy_vector), from, 0, to);
        } else {
            let in_acc = u16::from(self.is_in_acc(from, ty));
            self.cell(opcode!(copy) + class(ty) * 3 + in_acc, from, 0, to);
        }
        self.wrote_value(dst, ty);
    }

    /// Makes the moves of the list, one after the other; two at once where they go to neighbours.
    /// Leaves the list empty.
    pub(super) fn moves(&mut self) {
        let list = std::mem::take(self.list);
        let mut moves = &list[..];
        while let [first, rest @ ..] = moves {
            if let Some(second) = rest.first()
                && self.pair(*first, *second)
            {
                moves = &rest[1..];
                continue;
            }
            self.copy(*first);
            moves = rest;
        }
        self.put_back(list);
    }

    /// Gives the list's buffer back.
    fn put_back(&mut self, mut list: Vec<Move>) {
        list.clear();
        *self.list = list;
    }

    /// Two moves as one, if that is possible.
    fn pair(&mut self, first: Move, second: Move) -> bool {
        let near = |operand: Operand, ty: Type| match operand.get() {
            OperandKind::Slot(slot) if ty != Type::V128 => self.near(self.layout.slot(slot)),
            OperandKind::Slot(_) | OperandKind::Const(_) => None,
        };
        let (a, b) = (near(first.src, first.ty), near(second.src, second.ty));
        let (Some(a), Some(b), Some(dst)) = (a, b, self.near(first.dst)) else {
            return false;
        };
        if second.dst != first.dst + 1 || b == dst {
            return false;
        }
        self.cell(opcode!(copy_pair), a, b, dst);
        self.wrote(first.dst);
        self.wrote(second.dst);
        true
    }

    /// Lists operands as moves to consecutive slots; those in place already are left out.
    pub(super) fn list_moves(&mut self, operands: &[Operand], types: &FuncTypes<'_>, first: u32) {
        let mut dst = first;
        for (&src, ty) in operands.iter().zip(types.iter()) {
            let in_place = match src.get() {
                OperandKind::Slot(slot) => self.layout.slot(slot) == dst,
                OperandKind::Const(_) => false,
            };
            if !in_place {
                self.list.push(Move { dst, src, ty });
            }
            dst += ty.slots();
        }
    }

    /// Moves to the first slots that read everything before anything is written.
    pub(super) fn parallel_moves(&mut self, operands: &[Operand], types: &FuncTypes<'_>) {
        self.list_moves(operands, types, 0);
        // The move to a slot is preceded by those to lower slots only.
        let is_late = |m: &Move| match m.src.get() {
            OperandKind::Slot(slot) => self.layout.slot(slot) < m.dst,
            OperandKind::Const(_) => false,
        };
        if !self.list.iter().any(is_late) {
            return self.moves();
        }
        let list = std::mem::take(self.list);
        let above = self.layout.frame_slots;
        let len: u32 = types.iter().map(Type::slots).sum();
        self.overflow = self.overflow.max(len);
        for m in &list {
            let dst = m.dst + above;
            self.copy(Move { dst, ..*m });
        }
        for m in &list {
            self.copy_slot(m.dst, m.dst + above, m.ty);
        }
        self.put_back(list);
    }
}
