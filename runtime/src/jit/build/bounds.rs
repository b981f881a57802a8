//! Bounds checks of memory accesses: the check of an access, unless it is proven as it is built.
//!
//! An access of `bytes` at index plus offset is inside if `index + reach <= length`, where the
//! reach is `offset + bytes`. The check compares the index with a limit, `length - (reach - 1)`,
//! which leaves loops and cannot wrap. Memories never shrink, so that their declared minimum is
//! always inside: a constant index below it needs no check. The optimiser drops checks that a range
//! or an earlier check proves (`opt/bounds.rs`).

use std::mem::offset_of;

use super::Builder;
use crate::ir::Type;
use crate::jit::ssa::{Class, Inst, Value};
use crate::ops::Op;
use crate::trap::TrapKind;
use crate::vm::MemoryInst;

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
        let minimum_bytes = self.module.memories[memory as usize].minimum_bytes();
        let end = self
            .constant_index(index)
            .and_then(|at| at.checked_add(reach));
        if end.is_some_and(|end| end <= minimum_bytes) {
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

    /// The value of a constant index, which may be extended.
    fn constant_index(&self, index: Value) -> Option<u64> {
        let narrow = self.func.unary(Op::I64ExtendI32U, index);
        self.func.constant(narrow.unwrap_or(index))
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
        let cond = self.binary(Op::I64GeU, len, less_value);
        let (a, b) = (limit, self.constant(Type::I64, 0));
        self.one(Inst::Select { cond, a, b }, Type::I64)
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
