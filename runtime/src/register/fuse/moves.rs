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
    pub(super) fn copy_far(&mut self, dst: u32, src: u32, ty: Type) {
        for i in 0..ty.slots() {
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
        let to = self.dst(dst);
        let op = opcode!(copy) + class(ty) * 3;
        match src.get() {
            OperandKind::Const(index) => match self.immediate(src, ty) {
                Some(value) => self.cell(op + 2, value as u16, 0, to),
                None => self.constant(to, index, ty),
            },
            OperandKind::Slot(_) if ty == Type::V128 => {
                let from = self.slot(src, ty, 0);
                self.cell(opcode!(copy_vector), from, 0, to);
            }
            OperandKind::Slot(_) => {
                let from = self.slot(src, ty, 0);
                let in_acc = u16::from(self.is_in_acc(from, ty));
                self.cell(op + in_acc, from, 0, to);
            }
        }
        self.done(dst, ty);
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
            OperandKind::Slot(slot) if ty != Type::V128 => {
                u16::try_from(self.layout.slot(slot)).ok()
            }
            OperandKind::Slot(_) | OperandKind::Const(_) => None,
        };
        let (a, b) = (near(first.src, first.ty), near(second.src, second.ty));
        let (Some(a), Some(b), Ok(dst)) = (a, b, u16::try_from(first.dst)) else {
            return false;
        };
        if second.dst != first.dst + 1 || b == dst || second.dst > u32::from(u16::MAX) {
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
            self.raw_copy(m.dst, m.dst + above, m.ty);
        }
        self.put_back(list);
    }

    /// A copy between slots of the frame as this tier numbers them.
    pub(super) fn raw_copy(&mut self, dst: u32, src: u32, ty: Type) {
        match (u16::try_from(dst), u16::try_from(src)) {
            (Ok(to), Ok(from)) if ty == Type::V128 => {
                self.cell(opcode!(copy_vector), from, 0, to);
                self.wrote_value(dst, ty);
            }
            (Ok(to), Ok(from)) => {
                self.cell(opcode!(copy) + class(ty) * 3, from, 0, to);
                self.wrote_value(dst, ty);
            }
            _ => self.copy_far(dst, src, ty),
        }
    }
}
