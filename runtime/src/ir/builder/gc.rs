//! Structures, arrays, i31 and casts to IR (spec: "Reference Instructions", "Aggregate
//! Instructions").
//!
//! Converting between internal and external references is no instruction: the word stays. Operands
//! of what is out of line are written to their temporaries first, where they are roots.

use super::{Builder, index, unsupported};
use crate::decode::{Imm, Instr, RawRefType};
use crate::error::Result;
use crate::ir::types::{aggregate_types, element_type, field_type};
use crate::ir::{Inst, Type};
use crate::ops::Op;

impl Builder<'_> {
    pub(super) fn aggregate(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        match op {
            Op::StructGet | Op::StructGetS | Op::StructGetU => self.struct_get(instr)?,
            Op::StructSet => {
                let (type_index, field) = index2(instr)?;
                let (value, object) = (self.pop(), self.pop());
                self.emit(Inst::StructSet {
                    type_index,
                    field,
                    object,
                    value,
                });
            }
            Op::ArrayGet | Op::ArrayGetS | Op::ArrayGetU => {
                let type_index = index(instr)?;
                let (index, array) = (self.pop(), self.pop());
                let dst = self.push_temp(element_type(&self.func, type_index));
                self.emit(Inst::ArrayGet {
                    op,
                    type_index,
                    dst,
                    array,
                    index,
                });
            }
            Op::ArraySet => {
                let (type_index, operands) = (index(instr)?, self.list(None, 3));
                self.stack.truncate(self.stack.len() - 3);
                self.emit(Inst::ArraySet {
                    type_index,
                    operands,
                });
            }
            Op::RefI31 => self.ref_unary(op, Type::Ref),
            Op::I31GetS | Op::I31GetU | Op::ArrayLen => self.ref_unary(op, Type::I32),
            Op::AnyConvertExtern | Op::ExternConvertAny => {}
            _out_of_line => self.out_of_line(instr)?,
        }
        Ok(())
    }

    fn struct_get(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (type_index, field) = index2(instr)?;
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

    fn ref_unary(&mut self, op: Op, result: Type) {
        let a = self.pop();
        let dst = self.push_temp(result);
        self.emit(Inst::RefUnary { op, dst, a });
    }

    fn out_of_line(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        let (type_index, b) = match instr.imm {
            Imm::Index(ty) => (ty, 0),
            Imm::Index2(ty, b) => (ty, b),
            _other => return Err(unsupported(op)),
        };
        let (params, result) = aggregate_types(&self.func, op, type_index, b);
        self.materialise(params.len());
        let operands = self.list(None, params.len());
        self.stack.truncate(self.stack.len() - params.len());
        let dst = match result {
            Some(ty) => self.push_temp(ty),
            None => self.stack.temporary(self.stack.height()),
        };
        self.emit(Inst::Aggregate {
            op,
            type_index,
            b,
            dst,
            operands,
        });
        Ok(())
    }

    /// `ref.eq`, casts and what works on descriptors, branches on casts aside.
    pub(super) fn cast(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        match (op, instr.imm) {
            (Op::RefEq, _) => {
                let (b, a) = (self.pop(), self.pop());
                let dst = self.push_temp(Type::I32);
                self.emit(Inst::RefEq { dst, a, b });
            }
            (Op::RefTestNonNull | Op::RefTestNullable, Imm::HeapType(heap)) => {
                let nullable = op == Op::RefTestNullable;
                let ty = self.module.ref_type(RawRefType { nullable, heap });
                let a = self.pop();
                let dst = self.push_temp(Type::I32);
                self.emit(Inst::RefTest { ty, dst, a });
            }
            (Op::RefCastNonNull | Op::RefCastNullable, Imm::HeapType(heap)) => {
                let nullable = op == Op::RefCastNullable;
                let ty = self.module.ref_type(RawRefType { nullable, heap });
                let a = self.stack.operand(&self.stack.peek(0));
                self.emit(Inst::RefCast { ty, a });
            }
            (Op::RefGetDesc, _) => self.ref_unary(op, Type::Ref),
            (Op::RefCastDescEqNonNull | Op::RefCastDescEqNullable, _) => {
                let nullable = op == Op::RefCastDescEqNullable;
                let descriptor = self.pop();
                let a = self.stack.operand(&self.stack.peek(0));
                self.emit(Inst::RefCastDesc {
                    nullable,
                    a,
                    descriptor,
                });
            }
            (op, _) => return Err(unsupported(op)),
        }
        Ok(())
    }

    /// Branches on casts. The operand stays on both ways.
    pub(super) fn br_on_cast(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Imm::BrOnCast { label, to, .. } = instr.imm else {
            return Err(unsupported(instr.op));
        };
        let on_fail = matches!(instr.op, Op::BrOnCastFail | Op::BrOnCastDescEqFail);
        if matches!(instr.op, Op::BrOnCast | Op::BrOnCastFail) {
            let a = self.stack.operand(&self.stack.peek(0));
            let ty = self.module.ref_type(to);
            self.br_either(label, on_fail, |then, other| Inst::BrOnCast {
                ty,
                a,
                then,
                other,
            });
            return Ok(());
        }
        let descriptor = self.pop();
        let a = self.stack.operand(&self.stack.peek(0));
        let dst = self.push_temp(Type::I32);
        let nullable = to.nullable;
        self.emit(Inst::RefTestDesc {
            nullable,
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

fn index2(instr: &Instr<'_>) -> Result<(u32, u32)> {
    match instr.imm {
        Imm::Index2(a, b) => Ok((a, b)),
        _other => Err(unsupported(instr.op)),
    }
}
