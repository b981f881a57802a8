//! Atomic instructions to IR: one instruction for all sorts of access, whose operand list is what
//! the opcode's row says (threads proposal: "Atomic Memory Instructions").

use super::{Builder, memarg, unsupported};
use crate::decode::Instr;
use crate::error::Result;
use crate::ir::types::{params, results};
use crate::ir::{Inst, Type};
use crate::ops::Op;

impl Builder<'_> {
    pub(super) fn atomic(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        match op {
            Op::AtomicFence => self.emit(Inst::Fence),
            Op::Pause => return Err(unsupported(op)),
            _ => {
                let arg = memarg(instr)?;
                let params = params(op, Type::I32).len();
                let operands = self.list(None, params);
                self.stack.truncate(self.stack.len() - params);
                let offset = self.constant(arg.offset_bytes);
                let dst = match results(op, Type::I32).next() {
                    Some(ty) => self.push_temp(ty),
                    None => self.stack.temporary(self.stack.height()),
                };
                self.emit(Inst::Atomic {
                    op,
                    memory: arg.memory,
                    dst,
                    operands,
                    offset,
                });
            }
        }
        Ok(())
    }
}
