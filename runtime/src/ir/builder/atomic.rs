//! Atomic instructions to IR: one instruction for all kinds of access. Its operands are those of
//! the opcode's row (threads proposal: "Atomic Memory Instructions").

use super::{Builder, unsupported};
use crate::decode::Instr;
use crate::error::Result;
use crate::ir::types::{params, results};
use crate::ir::{Inst, Type};
use crate::ops::group;

impl Builder<'_> {
    pub(super) fn atomic(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        let operands = self.pop_list(params(op, Type::I32).len() - 1);
        let at = self.pop_place(instr.memarg()?);
        let dst = self.push_result(results(op, Type::I32).next());
        self.emit(Inst::Atomic {
            op,
            at,
            dst,
            operands,
        });
        Ok(())
    }

    pub(super) fn atomic_sync(&mut self, op: group::AtomicSync, instr: &Instr<'_>) -> Result<()> {
        use group::AtomicSync as A;
        match op {
            A::MemoryAtomicNotify | A::MemoryAtomicWait32 | A::MemoryAtomicWait64 => {
                self.atomic(instr)
            }
            A::AtomicFence => {
                self.emit(Inst::Fence);
                Ok(())
            }
            A::Pause => Err(unsupported(op.op())),
        }
    }
}
