//! Structures, arrays, i31 and casts: which handler, and the immediates that the types of the
//! module resolve to.

use std::sync::Arc;

use super::ops::{index, index2};
use super::{Translator, wrong_immediates};
use crate::decode::{Imm, Instr, RawRefType};
use crate::error::Result;
use crate::gc::{Cast, Cell, operand_slots};
use crate::ops::Op;
use crate::stack::gc;
use crate::stack::machine::Handler;
use crate::store::aggregate::aggregate;
use crate::types::{DefinedType, FieldLayout};

/// By the logarithm of the width; then those that extend the sign.
type ByWidth = [Handler; 7];

const STRUCT_GET: ByWidth = [
    gc::struct_get_8u,
    gc::struct_get_16u,
    gc::struct_get_32,
    gc::struct_get_64,
    gc::struct_get_wide,
    gc::struct_get_8s,
    gc::struct_get_16s,
];
const ARRAY_GET: ByWidth = [
    gc::array_get_8u,
    gc::array_get_16u,
    gc::array_get_32,
    gc::array_get_64,
    gc::array_get_wide,
    gc::array_get_8s,
    gc::array_get_16s,
];
const STRUCT_SET: [Handler; 5] = [
    gc::struct_set_8,
    gc::struct_set_16,
    gc::struct_set_32,
    gc::struct_set_64,
    gc::struct_set_wide,
];
const ARRAY_SET: [Handler; 5] = [
    gc::array_set_8,
    gc::array_set_16,
    gc::array_set_32,
    gc::array_set_64,
    gc::array_set_wide,
];

impl Translator<'_> {
    /// An instruction on structures, arrays or i31.
    pub(super) fn aggregate(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::StructNew => self.struct_new(index(instr)?)?,
            Op::StructGet | Op::StructGetS | Op::StructGetU => {
                let field = self.field(index2(instr)?);
                self.get(
                    &STRUCT_GET,
                    instr.op,
                    field,
                    &[field.offset_bytes.into()],
                    1,
                );
            }
            Op::StructSet => {
                let field = self.field(index2(instr)?);
                let handler = STRUCT_SET[usize::from(field.size_log2)];
                let offset = u64::from(field.offset_bytes);
                self.simple(handler, &[offset], 1 + field.slots(), 0);
            }
            Op::ArrayGet | Op::ArrayGetS | Op::ArrayGetU => {
                let element = self.field((index(instr)?, 0));
                self.get(&ARRAY_GET, instr.op, element, &[], 2);
            }
            Op::ArraySet => {
                let element = self.field((index(instr)?, 0));
                let handler = ARRAY_SET[usize::from(element.size_log2)];
                self.simple(handler, &[], 2 + element.slots(), 0);
            }
            Op::ArrayLen => self.simple(gc::array_len, &[], 1, 1),
            Op::RefI31 => self.simple(gc::ref_i31, &[], 1, 1),
            Op::I31GetS => self.simple(gc::i31_get_s, &[], 1, 1),
            Op::I31GetU => self.simple(gc::i31_get_u, &[], 1, 1),
            // A reference's word is the same in both hierarchies.
            Op::AnyConvertExtern | Op::ExternConvertAny => {}
            Op::ArrayFill | Op::ArrayCopy | Op::ArrayInitData | Op::ArrayInitElem => {
                self.out_of_line(instr, gc::aggregate_effect, 0)?;
            }
            _allocates => self.out_of_line(instr, gc::aggregate, 1)?,
        }
        Ok(())
    }

    fn get(
        &mut self,
        handlers: &ByWidth,
        op: Op,
        field: FieldLayout,
        immediates: &[u64],
        operands: u32,
    ) {
        let is_signed = matches!(op, Op::StructGetS | Op::ArrayGetS);
        let handler = handlers[usize::from(field.size_log2) + if is_signed { 5 } else { 0 }];
        self.emit(handler, immediates);
        self.stack.pop(operands);
        self.stack.push_value(field.slots() == 2);
    }

    fn struct_new(&mut self, ty: u32) -> Result<()> {
        let defined = self.defined(ty);
        let operands = operand_slots(Op::StructNew, &defined.layout, 0);
        let cell = Cell::of(defined.layout.size_bytes.into()).pack();
        let slow = aggregate(Op::StructNew).ok_or_else(|| wrong_immediates(Op::StructNew))?;
        let packed = u64::from(defined.id().0) << 32 | u64::from(operands);
        let immediates = [address(&defined), cell, packed, slow as usize as u64];
        self.simple(gc::struct_new, &immediates, operands, 1);
        Ok(())
    }

    fn out_of_line(&mut self, instr: &Instr<'_>, handler: Handler, results: u32) -> Result<()> {
        let (ty, b) = match instr.imm {
            Imm::Index(ty) => (ty, 0),
            Imm::Index2(ty, b) => (ty, b),
            _other => return Err(wrong_immediates(instr.op)),
        };
        let run = aggregate(instr.op).ok_or_else(|| wrong_immediates(instr.op))?;
        let defined = self.defined(ty);
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
    pub(super) fn cast(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Imm::HeapType(heap) = instr.imm else {
            return Err(wrong_immediates(instr.op));
        };
        let nullable = matches!(instr.op, Op::RefTestNullable | Op::RefCastNullable);
        let cast = self.resolve_cast(RawRefType { nullable, heap });
        let is_test = matches!(instr.op, Op::RefTestNonNull | Op::RefTestNullable);
        let handler = if is_test { gc::ref_test } else { gc::ref_cast };
        self.simple(handler, &[cast], 1, 1);
        Ok(())
    }

    /// `br_on_cast` and its kind: the operand stays where it is on both ways.
    pub(super) fn br_on_cast(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Imm::BrOnCast { label, to, .. } = instr.imm else {
            return Err(wrong_immediates(instr.op));
        };
        let (taken, passed_by): (Handler, Handler) = match instr.op {
            Op::BrOnCast => (gc::br_on_cast, gc::br_on_cast_fail),
            Op::BrOnCastFail => (gc::br_on_cast_fail, gc::br_on_cast),
            Op::BrOnCastDescEq => (gc::br_on_cast_desc_eq, gc::br_on_cast_desc_eq_fail),
            _fail => (gc::br_on_cast_desc_eq_fail, gc::br_on_cast_desc_eq),
        };
        let immediate = match instr.op {
            Op::BrOnCast | Op::BrOnCastFail => self.resolve_cast(to),
            _desc_eq => {
                self.stack.pop(1);
                to.nullable.into()
            }
        };
        self.br_on(label, taken, passed_by, &[immediate]);
        Ok(())
    }

    fn resolve_cast(&self, target: RawRefType) -> u64 {
        Cast::new(&self.module.registry, self.module.ref_type(target)).pack()
    }

    fn defined(&self, ty: u32) -> Arc<DefinedType> {
        self.module.registry.get(self.module.types[ty as usize])
    }

    fn field(&self, (ty, field): (u32, u32)) -> FieldLayout {
        self.defined(ty).layout.fields[field as usize]
    }
}

/// The address of a type, which its registry keeps as long as the module lives.
fn address(defined: &Arc<DefinedType>) -> u64 {
    Arc::as_ptr(defined) as u64
}
