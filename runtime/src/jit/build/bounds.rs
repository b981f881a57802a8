//! Bounds checks of memory accesses: the check of an access, unless it is proven as it is built.
//!
//! An access of `bytes` at index plus offset is inside if `index + reach <= length`, where the
//! reach is `offset + bytes`. The check compares the index with a limit, `length - (reach - 1)`,
//! which leaves loops and cannot wrap. Memories never shrink, so that their declared minimum is
//! always inside: an index that is known to be small needs no check. The optimiser drops checks
//! that an earlier check proves (`opt/bounds.rs`).

use std::mem::offset_of;

use super::Builder;
use crate::ir::Type;
use crate::jit::ssa::{Class, Def, Func, Inst, Value};
use crate::ops::Op;
use crate::trap::TrapKind;
use crate::vm::MemoryInst;

/// How many definitions are looked through for an upper bound.
const LOOK_MAX: u32 = 4;

impl Builder<'_> {
    /// Traps unless `bytes` at `index` plus `offset` are inside of a memory.
    pub(super) fn check_bounds(
        &mut self,
        memory: u32,
        inst: Value,
        index: Value,
        offset: u64,
        bytes: u64,
    ) {
        let kind = TrapKind::MemoryOutOfBounds;
        let Some(reach) = offset.checked_add(bytes) else {
            let always = self.constant(Type::I32, 1);
            return self.trap_if(always, kind);
        };
        let always_inside = self.module.memories[memory as usize].minimum_bytes();
        let end_max = upper_bound(&self.func, index, LOOK_MAX).checked_add(reach);
        if end_max.is_some_and(|end| end <= always_inside) {
            return;
        }
        let limit = self.limit(memory, inst, reach);
        self.none(Inst::CheckBounds {
            memory,
            index,
            limit,
            reach,
        });
    }

    /// The number of bytes at which an access of that reach may begin: the length less
    /// `reach - 1`, or 0.
    fn limit(&mut self, memory: u32, inst: Value, reach: u64) -> Value {
        let len = self.memory_len(memory, inst);
        let less = reach - 1;
        if less == 0 {
            return len;
        }
        let less_value = self.constant(Type::I64, less);
        let limit = self.binary(Op::I64Sub, len, less_value);
        if less <= self.module.memories[memory as usize].minimum_bytes() {
            return limit;
        }
        let has_room = self.binary(Op::I64GeU, len, less_value);
        let zero = self.constant(Type::I64, 0);
        self.one(
            Inst::Select {
                cond: has_room,
                a: limit,
                b: zero,
            },
            Type::I64,
        )
    }

    /// The length in bytes. That of a shared memory is read anew each time, as threads change it.
    pub(super) fn memory_len(&mut self, memory: u32, inst: Value) -> Value {
        if self.module.memories[memory as usize].shared {
            let at = offset_of!(MemoryInst, shared_len);
            let shared = self.load(Op::I64Load, Class::Instance, inst, at, Type::I64);
            return self.load(Op::I64Load, Class::Memory, shared, 0, Type::I64);
        }
        let at = offset_of!(MemoryInst, len_bytes);
        self.load(Op::I64Load, Class::Shape, inst, at, Type::I64)
    }
}

/// An unsigned number that an integer value is never above.
fn upper_bound(func: &Func, value: Value, look: u32) -> u64 {
    let by_type = match func.ty(value) {
        Type::I32 => u64::from(u32::MAX),
        Type::I64 | Type::F32 | Type::F64 | Type::V128 | Type::Ref => u64::MAX,
    };
    let Def::Inst(id) = func.values[value.index()].def else {
        return by_type;
    };
    let Some(look) = look.checked_sub(1) else {
        return by_type;
    };
    let bound = |value| upper_bound(func, value, look);
    let by_definition = match func.insts[id.index()].inst {
        Inst::Const { bits } => bits,
        Inst::Unary {
            op: Op::I64ExtendI32U | Op::I32WrapI64,
            a,
        } => bound(a),
        Inst::Binary { op, a, b } => binary_bound(func, op, (a, bound(a)), (b, bound(b)), by_type),
        Inst::Select { a, b, .. } => bound(a).max(bound(b)),
        Inst::Load { op, .. } => match op {
            Op::I32Load8U | Op::I64Load8U => u64::from(u8::MAX),
            Op::I32Load16U | Op::I64Load16U => u64::from(u16::MAX),
            _ => by_type,
        },
        _ => by_type,
    };
    by_definition.min(by_type)
}

/// The bound of an operation on values with bounds; `most` is that of its type.
fn binary_bound(func: &Func, op: Op, a: (Value, u64), b: (Value, u64), most: u64) -> u64 {
    let constant = func.constant(b.0);
    match (op, constant) {
        (Op::I32And | Op::I64And, _) => a.1.min(b.1),
        (Op::I32Or | Op::I64Or | Op::I32Xor | Op::I64Xor, _) => {
            let bits = u64::BITS - (a.1 | b.1).leading_zeros();
            1u64.checked_shl(bits).map_or(u64::MAX, |end| end - 1)
        }
        (Op::I32ShrU, Some(by)) => a.1 >> (by & 31),
        (Op::I64ShrU, Some(by)) => a.1 >> (by & 63),
        (Op::I32DivU | Op::I64DivU, Some(by @ 1..)) => a.1 / by,
        (Op::I32RemU | Op::I64RemU, Some(by @ 1..)) => a.1.min(by - 1),
        // What may wrap may be anything.
        (Op::I32Add | Op::I64Add, _) => sum_within(a.1.checked_add(b.1), most),
        (Op::I32Mul | Op::I64Mul, _) => sum_within(a.1.checked_mul(b.1), most),
        (Op::I32Shl, Some(by)) => sum_within(a.1.checked_mul(1 << (by & 31)), most),
        (Op::I64Shl, Some(by)) => sum_within(a.1.checked_mul(1 << (by & 63)), most),
        _ => most,
    }
}

/// A result that did not wrap, or anything.
fn sum_within(result: Option<u64>, most: u64) -> u64 {
    result.map_or(most, |result| result.min(most))
}
