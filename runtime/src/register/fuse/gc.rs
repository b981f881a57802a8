//! Cells of structures, arrays, i31 and casts.

use std::sync::Arc;

use super::{Fuser, internal};
use crate::error::Result;
use crate::gc::{Cast, GcCell};
use crate::ir::{Inst, List, Operand, Role, Slot, Type};
use crate::ops::Op;
use crate::register::table::{GETS, SETS, opcode};
use crate::store::aggregate::aggregate;
use crate::types::{FieldLayout, RefType};

impl Fuser<'_> {
    pub(super) fn array_get(
        &mut self,
        op: Op,
        element: FieldLayout,
        dst: Slot,
        (array, index): (Operand, Operand),
    ) {
        let array = self.slot(array, Type::Ref, 0);
        let index = self.slot(index, Type::I32, 1);
        let code = opcode!(array_get) + read_form(op, element);
        self.result_cell(code, [array, index], (dst, element.storage.into()), &[]);
    }

    pub(super) fn ref_test(&mut self, ty: RefType, dst: Slot, a: Operand) {
        let a = self.slot(a, Type::Ref, 0);
        let cast = self.cast(ty);
        self.result_cell(opcode!(ref_test), [a, 0], (dst, Type::I32), &[cast]);
    }

    pub(super) fn ref_cast(&mut self, ty: RefType, a: Operand) {
        let a = self.slot(a, Type::Ref, 0);
        self.cell(opcode!(ref_cast), a, 0, 0);
        self.cells.push(self.cast(ty));
    }

    pub(super) fn ref_test_desc(
        &mut self,
        nullable: bool,
        dst: Slot,
        (a, descriptor): (Operand, Operand),
    ) {
        let a = self.slot(a, Type::Ref, 0);
        let descriptor = self.slot(descriptor, Type::Ref, 1);
        let fields = [a, descriptor, nullable.into()];
        self.result_behind(opcode!(ref_test_desc), fields, (dst, Type::I32));
    }

    pub(super) fn ref_cast_desc(&mut self, nullable: bool, (a, descriptor): (Operand, Operand)) {
        let a = self.slot(a, Type::Ref, 0);
        let descriptor = self.slot(descriptor, Type::Ref, 1);
        self.cell(opcode!(ref_cast_desc), a, descriptor, u16::from(nullable));
    }

    pub(super) fn ref_unary(
        &mut self,
        row: u16,
        (operand, result): (Type, Type),
        dst: Slot,
        a: Operand,
    ) {
        let a = self.slot(a, operand, 0);
        self.result_cell(opcode!(ref_unary) + row, [a, 0], (dst, result), &[]);
    }

    pub(super) fn struct_get(&mut self, op: Op, field: FieldLayout, dst: Slot, object: Operand) {
        let object = self.slot(object, Type::Ref, 0);
        let code = opcode!(struct_get) + read_form(op, field) * 2;
        let to = (dst, field.storage.into());
        match u16::try_from(field.offset_bytes) {
            Ok(offset) => self.result_cell(code, [object, offset], to, &[]),
            Err(_) => self.result_cell(code + 1, [object, 0], to, &[field.offset_bytes.into()]),
        }
    }

    pub(super) fn struct_set(&mut self, field: FieldLayout, object: Operand, value: Operand) {
        let (object, value) = (
            self.slot(object, Type::Ref, 0),
            self.slot(value, field.storage.into(), 1),
        );
        let code = opcode!(struct_set) + u16::from(field.size_log2) * 2;
        match u16::try_from(field.offset_bytes) {
            Ok(offset) => self.cell(code, object, value, offset),
            Err(_) => {
                self.cell(code + 1, object, value, 0);
                self.cells.push(field.offset_bytes.into());
            }
        }
    }

    pub(super) fn array_set(&mut self, element: FieldLayout, operands: List) {
        let operands = self.func.list(operands);
        let array = self.slot(operands[0], Type::Ref, 0);
        let index = self.slot(operands[1], Type::I32, 1);
        let value = self.slot(operands[2], element.storage.into(), 2);
        let code = opcode!(array_set) + u16::from(element.size_log2);
        self.cell(code, array, index, value);
    }

    /// An instruction that is out of line, or has a slow path that is: the operands are in their
    /// slots already.
    pub(super) fn aggregate(
        &mut self,
        inst: &Inst,
        op: Op,
        (type_index, b): (u32, u32),
        dst: Slot,
    ) -> Result<()> {
        let run = aggregate(op).ok_or_else(|| internal(op.mnemonic()))? as usize as u64;
        let defined = self.func.module.defined(type_index);
        let ty = Arc::as_ptr(&defined) as u64;
        let first = self.layout.slot(dst);
        let live = u64::from(self.layout.frame_slots) << 32;
        let [low, high] = [first as u16, (first >> 16) as u16];
        if op == Op::StructNew {
            let cell = GcCell::of(defined.layout.size_bytes.into()).pack();
            let id = u64::from(defined.id().0);
            self.cell(opcode!(struct_new), low, high, 0);
            self.cells.extend([ty, cell, live | id, run]);
            self.wrote_value(first, Type::Ref);
            return Ok(());
        }
        let mut has_result = false;
        inst.visit(self.func, |role| {
            has_result |= matches!(role, Role::Def(..))
        });
        let code = if has_result {
            opcode!(aggregate)
        } else {
            opcode!(aggregate_effect)
        };
        self.cell(code, low, high, 0);
        self.cells.extend([run, ty, live | u64::from(b)]);
        if has_result {
            self.wrote_value(first, Type::Ref);
        }
        Ok(())
    }

    /// The further cell of a cast.
    pub(super) fn cast(&self, ty: RefType) -> u64 {
        Cast::new(&self.func.module.registry, ty).pack()
    }
}

/// The position among the handlers that read a field.
fn read_form(op: Op, field: FieldLayout) -> u16 {
    let is_signed = matches!(op, Op::StructGetS | Op::ArrayGetS);
    if Type::from(field.storage) == Type::F64 {
        return GETS as u16 - 1;
    }
    u16::from(field.size_log2) + if is_signed { SETS as u16 } else { 0 }
}
