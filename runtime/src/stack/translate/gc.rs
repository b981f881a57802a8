//! Structures, arrays, i31 and casts: which handler, and the immediates that the types of the
//! module resolve to.

use std::sync::Arc;

use super::{Translator, wrong_immediates};
use crate::decode::{Instr, RawRefType};
use crate::error::Result;
use crate::gc::{Cast, GcCell, makes_object, operand_slots};
use crate::ops::{Op, group};
use crate::stack::gc;
use crate::stack::machine::StackHandler;
use crate::store::aggregate::aggregate;
use crate::types::{DefinedType, FieldLayout};

impl Translator<'_> {
    /// A field, an element or a length of an object, an i31, or a conversion of a reference.
    pub(super) fn object(&mut self, op: group::Object, instr: &Instr<'_>) -> Result<()> {
        use group::Object as O;
        match op {
            O::StructGet | O::StructGetU => self.struct_get(instr, false)?,
            O::StructGetS => self.struct_get(instr, true)?,
            O::StructSet => {
                let (ty, field) = instr.index2()?;
                let field = self.module.field(ty, field);
                let handler = gc::STRUCT_SET[usize::from(field.size_log2)];
                let offset = u64::from(field.offset_bytes);
                self.simple(handler, &[offset], 1 + field.slots(), 0);
            }
            O::ArrayGet | O::ArrayGetU => self.array_get(instr, false)?,
            O::ArrayGetS => self.array_get(instr, true)?,
            O::ArraySet => {
                let element = self.module.field(instr.index()?, 0);
                let handler = gc::ARRAY_SET[usize::from(element.size_log2)];
                self.simple(handler, &[], 2 + element.slots(), 0);
            }
            O::ArrayLen => self.fixed(instr.op, gc::array_len, &[])?,
            O::RefI31 => self.fixed(instr.op, gc::ref_i31, &[])?,
            O::I31GetS => self.fixed(instr.op, gc::i31_get_s, &[])?,
            O::I31GetU => self.fixed(instr.op, gc::i31_get_u, &[])?,
            // A reference's word is the same in both hierarchies.
            O::AnyConvertExtern | O::ExternConvertAny => {}
        }
        Ok(())
    }

    /// An allocation, or work on many elements.
    pub(super) fn aggregate(&mut self, op: group::Aggregate, instr: &Instr<'_>) -> Result<()> {
        if op == group::Aggregate::StructNew {
            self.struct_new(instr.index()?)
        } else if makes_object(op) {
            self.out_of_line(instr, gc::aggregate, 1)
        } else {
            self.out_of_line(instr, gc::aggregate_effect, 0)
        }
    }

    fn struct_get(&mut self, instr: &Instr<'_>, is_signed: bool) -> Result<()> {
        let (ty, field) = instr.index2()?;
        let field = self.module.field(ty, field);
        let offset = u64::from(field.offset_bytes);
        self.get(&gc::STRUCT_GET, is_signed, field, &[offset], 1);
        Ok(())
    }

    fn array_get(&mut self, instr: &Instr<'_>, is_signed: bool) -> Result<()> {
        let element = self.module.field(instr.index()?, 0);
        self.get(&gc::ARRAY_GET, is_signed, element, &[], 2);
        Ok(())
    }

    fn get(
        &mut self,
        handlers: &gc::ByWidth,
        is_signed: bool,
        field: FieldLayout,
        immediates: &[u64],
        operands: u32,
    ) {
        let handler = handlers[usize::from(field.size_log2) + if is_signed { 5 } else { 0 }];
        self.emit(handler, immediates);
        self.stack.pop(operands);
        self.stack.push_value(field.slots() == 2);
    }

    fn struct_new(&mut self, ty: u32) -> Result<()> {
        let defined = self.module.defined(ty);
        let operands = operand_slots(Op::StructNew, &defined.layout, 0);
        let cell = GcCell::of(defined.layout.size_bytes.into()).pack();
        let slow = aggregate(Op::StructNew).ok_or_else(|| wrong_immediates(Op::StructNew))?;
        let packed = u64::from(defined.id().0) << 32 | u64::from(operands);
        let immediates = [address(&defined), cell, packed, slow as usize as u64];
        self.simple(gc::struct_new, &immediates, operands, 1);
        Ok(())
    }

    fn out_of_line(
        &mut self,
        instr: &Instr<'_>,
        handler: StackHandler,
        results: u32,
    ) -> Result<()> {
        let (ty, b) = instr.indices()?;
        let run = aggregate(instr.op).ok_or_else(|| wrong_immediates(instr.op))?;
        let defined = self.module.defined(ty);
        let operands = operand_slots(instr.op, &defined.layout, b);
        let immediates = [
            run as usize as u64,
            address(&defined),
            b.into(),
            operands.into(),
        ];
        self.emit_helper(instr.op, handler, &immediates);
        self.stack.pop(operands);
        self.stack.push(results);
        Ok(())
    }

    /// `ref.test` and `ref.cast`.
    pub(super) fn cast(
        &mut self,
        handler: StackHandler,
        nullable: bool,
        instr: &Instr<'_>,
    ) -> Result<()> {
        let heap = instr.heap_type()?;
        let cast = self.resolve_cast(RawRefType { nullable, heap });
        self.fixed(instr.op, handler, &[cast])
    }

    /// `br_on_cast` and `br_on_cast_fail`: the operand stays on both ways.
    pub(super) fn br_on_cast(
        &mut self,
        taken: StackHandler,
        passed_by: StackHandler,
        instr: &Instr<'_>,
    ) -> Result<()> {
        let (label, to) = instr.br_on_cast()?;
        let cast = self.resolve_cast(to);
        self.br_on(label, taken, passed_by, &[cast]);
        Ok(())
    }

    /// As `br_on_cast`, by a descriptor on top of the operand.
    pub(super) fn br_on_cast_desc(
        &mut self,
        taken: StackHandler,
        passed_by: StackHandler,
        instr: &Instr<'_>,
    ) -> Result<()> {
        let (label, to) = instr.br_on_cast()?;
        self.stack.pop(1);
        self.br_on(label, taken, passed_by, &[to.nullable.into()]);
        Ok(())
    }

    fn resolve_cast(&self, target: RawRefType) -> u64 {
        Cast::new(&self.module.registry, self.module.ref_type(target)).pack()
    }
}

/// The address of a type, which its registry keeps as long as the module lives.
fn address(defined: &Arc<DefinedType>) -> u64 {
    Arc::as_ptr(defined) as u64
}
