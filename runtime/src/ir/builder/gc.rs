//! Structures, arrays, i31 and casts to IR (spec: "Reference Instructions", "Aggregate
//! Instructions").
//!
//! Conversions between internal and external references have no instruction: the word stays.
//! Operands of instructions that are out of line are written to their temporaries first, where they
//! are roots.

use super::Builder;
use crate::decode::{Instr, RawRefType};
use crate::error::Result;
use crate::ir::types::{aggregate_types, element_type, field_type};
use crate::ir::{Inst, Type};
use crate::ops::group;

impl Builder<'_> {
    pub(super) fn object(&mut self, op: group::Object, instr: &Instr<'_>) -> Result<()> {
        use group::Object as O;
        match op {
            O::StructGet | O::StructGetS | O::StructGetU => self.struct_get(instr)?,
            O::StructSet => self.struct_set(instr)?,
            O::ArrayGet | O::ArrayGetS | O::ArrayGetU => self.array_get(instr)?,
            O::ArraySet => self.array_set(instr)?,
            O::RefI31 | O::I31GetS | O::I31GetU | O::ArrayLen => self.unary(instr.op),
            O::AnyConvertExtern | O::ExternConvertAny => {}
        }
        Ok(())
    }

    fn struct_get(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (type_index, field) = instr.index2()?;
        let object = self.pop();
        let dst = self.push_temp(field_type(&self.func, type_index, field));
        self.emit(Inst::StructGet {
            op: instr.op,
            type_index,
            field,
            dst,
            object,
        });
        Ok(())
    }

    fn struct_set(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (type_index, field) = instr.index2()?;
        let (value, object) = (self.pop(), self.pop());
        self.emit(Inst::StructSet {
            type_index,
            field,
            object,
            value,
        });
        Ok(())
    }

    fn array_get(&mut self, instr: &Instr<'_>) -> Result<()> {
        let type_index = instr.index()?;
        let (index, array) = (self.pop(), self.pop());
        let dst = self.push_temp(element_type(&self.func, type_index));
        self.emit(Inst::ArrayGet {
            op: instr.op,
            type_index,
            dst,
            array,
            index,
        });
        Ok(())
    }

    fn array_set(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (type_index, operands) = (instr.index()?, self.pop_list(3));
        self.emit(Inst::ArraySet {
            type_index,
            operands,
        });
        Ok(())
    }

    pub(super) fn aggregate(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, (type_index, b)) = (instr.op, instr.indices()?);
        let (params, result) = aggregate_types(&self.func, op, type_index, b);
        self.materialise(params.len());
        let operands = self.pop_list(params.len());
        let dst = self.push_result(result);
        self.emit(Inst::Aggregate {
            op,
            type_index,
            b,
            dst,
            operands,
        });
        Ok(())
    }

    pub(super) fn ref_test(&mut self, instr: &Instr<'_>, nullable: bool) -> Result<()> {
        let heap = instr.heap_type()?;
        let ty = self.module.ref_type(RawRefType { nullable, heap });
        let a = self.pop();
        let dst = self.push_temp(Type::I32);
        self.emit(Inst::RefTest { ty, dst, a });
        Ok(())
    }

    pub(super) fn ref_cast(&mut self, instr: &Instr<'_>, nullable: bool) -> Result<()> {
        let heap = instr.heap_type()?;
        let ty = self.module.ref_type(RawRefType { nullable, heap });
        let a = self.top();
        self.emit(Inst::RefCast { ty, a });
        Ok(())
    }

    pub(super) fn ref_cast_desc(&mut self, nullable: bool) {
        let descriptor = self.pop();
        let a = self.top();
        self.emit(Inst::RefCastDesc {
            nullable,
            a,
            descriptor,
        });
    }

    /// `br_on_cast` and `br_on_cast_fail`. The operand stays on both edges.
    pub(super) fn br_on_cast(&mut self, instr: &Instr<'_>, on_fail: bool) -> Result<()> {
        let (label, to) = instr.br_on_cast()?;
        let a = self.top();
        let ty = self.module.ref_type(to);
        self.br_either(label, on_fail, |then, other| Inst::BrOnCast {
            ty,
            a,
            then,
            other,
        });
        Ok(())
    }

    /// `br_on_cast_desc_eq` and `br_on_cast_desc_eq_fail`. The operand stays on both edges.
    pub(super) fn br_on_cast_desc(&mut self, instr: &Instr<'_>, on_fail: bool) -> Result<()> {
        let (label, to) = instr.br_on_cast()?;
        let descriptor = self.pop();
        let a = self.top();
        let dst = self.push_temp(Type::I32);
        self.emit(Inst::RefTestDesc {
            nullable: to.nullable,
            dst,
            a,
            descriptor,
        });
        let cond = self.pop();
        self.br_either(label, on_fail, |then, other| Inst::BrIf {
            cond,
            then,
            other,
        });
        Ok(())
    }
}
