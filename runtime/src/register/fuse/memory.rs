//! Loads and stores: which form of the handler an access takes.

use super::{Fuser, OperandField, condition, internal, small};
use crate::error::Result;
use crate::ir::{Inst, MemoryPlace, Operand, Slot, Type};
use crate::ops::Op;
use crate::register::table::{self, LoadForm, StoreForm};

impl Fuser<'_> {
    /// The constant that is added to an address.
    pub(super) fn offset(&self, at: MemoryPlace) -> u64 {
        self.func.consts[at.offset as usize]
    }

    /// True if an access is to the fast memory.
    fn is_plain(&self, at: MemoryPlace) -> bool {
        at.memory == 0 && self.func.memory_address(0) == Type::I32
    }

    /// The address of an access with a constant address, if it is within 32 bits.
    fn fixed(&self, at: MemoryPlace) -> Option<u32> {
        let addr = self.func.constant(at.addr)?;
        let effective = addr.checked_add(self.offset(at));
        u32::try_from(effective.filter(|_| self.is_plain(at))?).ok()
    }

    /// The offset of an access, if it fits a field and the memory is the fast one.
    pub(super) fn near_offset(&self, at: MemoryPlace) -> Option<u16> {
        let offset = u16::try_from(self.offset(at)).ok();
        offset.filter(|_| self.is_plain(at))
    }

    pub(super) fn atomic(&mut self, inst: &Inst, op: Op, at: MemoryPlace) -> Result<()> {
        let code = table::atomic(op).ok_or_else(|| internal(op.mnemonic()))?;
        let (slots, _, result) = self.operands::<3>(inst);
        self.cell(code, slots[0], slots[1], slots[2]);
        self.cells.push(self.offset(at));
        let dst = result.map(|(dst, ty)| (self.layout.slot(dst), ty));
        let to = dst.map_or(0, |(dst, _)| dst);
        self.cells.push(u64::from(to) | u64::from(at.memory) << 32);
        if let Some((dst, ty)) = dst {
            self.wrote_value(dst, ty);
        }
        Ok(())
    }

    pub(super) fn load(&mut self, op: Op, at: MemoryPlace, dst: Slot) -> Result<()> {
        let code = |form| table::load(op, form);
        let result = condition::types(op).1;
        let fixed = self.fixed(at).zip(code(LoadForm::Fixed));
        let (code, fields, behind) = if let Some((address, code)) = fixed {
            (Some(code), [address as u16, (address >> 16) as u16], None)
        } else {
            let address = self.func.memory_address(at.memory);
            let from = self.slot(at.addr, address, 0);
            match self.near_offset(at) {
                Some(offset) if self.is_in_acc(from, address) => {
                    (code(LoadForm::Acc), [from, offset], None)
                }
                Some(offset) => (code(LoadForm::Slot), [from, offset], None),
                None => {
                    let fields = [from, small(at.memory)?];
                    (code(LoadForm::Wide), fields, Some(self.offset(at)))
                }
            }
        };
        let code = code.ok_or_else(|| internal(op.mnemonic()))?;
        self.result_cell(code, fields, (dst, result), behind.as_slice());
        Ok(())
    }

    pub(super) fn store(&mut self, op: Op, at: MemoryPlace, value: Operand) -> Result<()> {
        let code = |form| table::store(op, form).ok_or_else(|| internal(op.mnemonic()));
        let ty = condition::stored(op);
        if ty != Type::V128
            && let Some(address) = self.fixed(at)
        {
            let value = self.field(value, ty, 1);
            let form = match value {
                OperandField::Imm(_) => StoreForm::FixedImm,
                OperandField::Slot(slot) if self.is_in_acc(slot, ty) => StoreForm::FixedAcc,
                OperandField::Slot(_) => StoreForm::FixedSlot,
            };
            self.cell_far(code(form)?, value.bits(), address);
            return Ok(());
        }
        let address = self.func.memory_address(at.memory);
        let to = self.slot(at.addr, address, 0);
        let Some(offset) = self.near_offset(at) else {
            let value = self.slot(value, ty, 1);
            self.cell(code(StoreForm::Wide)?, to, value, small(at.memory)?);
            self.cells.push(self.offset(at));
            return Ok(());
        };
        let value = self.field(value, ty, 1);
        let in_acc = self.is_in_acc(to, address);
        let form = match value {
            OperandField::Imm(_) if in_acc => StoreForm::AccImm,
            OperandField::Imm(_) => StoreForm::SlotImm,
            OperandField::Slot(slot) if self.is_in_acc(slot, ty) => StoreForm::SlotAcc,
            OperandField::Slot(_) if in_acc => StoreForm::AccSlot,
            OperandField::Slot(_) => StoreForm::SlotSlot,
        };
        self.cell(code(form)?, to, value.bits(), offset);
        Ok(())
    }
}
