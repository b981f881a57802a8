//! Throws, and which cells are in which handler of the IR.

use super::{FuncTypes, Fuser, internal};
use crate::error::Result;
use crate::ir::{BlockId, HandlerId, Inst, Operand, OperandKind, Type};
use crate::register::table::opcode;
use crate::register::unwind::{Clause, Handler, Handlers, Range};

impl Fuser<'_> {
    /// Notes that what comes is code of a block with this handler, if any.
    pub(super) fn enter_handler(&mut self, handler: Option<HandlerId>) {
        if self.handler == handler {
            return;
        }
        let end = self.cells.len() as u32;
        if self.ranges.last().map_or(0, |range| range.end) < end {
            let handler = self.handler.map(|id| id.0);
            self.ranges.push(Range { end, handler });
        }
        self.handler = handler;
    }

    /// Throws.
    pub(super) fn throws(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::Throw { tag, args } => {
                let ty = self.func.tag_type(tag);
                let operands = self.func.list(args);
                let (first, top) = self.place_of_thrown(operands, &FuncTypes(&ty.params));
                self.cell(opcode!(throw), first as u16, (first >> 16) as u16, 0);
                self.cells.push(u64::from(tag) | u64::from(top) << 32);
            }
            Inst::ThrowRef { exception } => {
                let exception = self.slot(exception, Type::Ref, 0);
                self.cell(opcode!(throw_ref), exception, 0, 0);
            }
            _ => return Err(internal(format!("{} does not throw", inst.name()))),
        }
        Ok(())
    }

    /// Puts operands side by side, unless they are; gives the first slot, and the first one above
    /// all that is live.
    fn place_of_thrown(&mut self, operands: &[Operand], types: &FuncTypes<'_>) -> (u32, u32) {
        let above = self.layout.frame_slots;
        if let Some(OperandKind::Slot(slot)) = operands.first().map(|operand| operand.get()) {
            let first = self.layout.slot(slot);
            self.list_moves(operands, types, first);
            if self.list.is_empty() {
                return (first, above);
            }
            self.list.clear();
        }
        let len: u32 = types.iter().map(Type::slots).sum();
        self.overflow = self.overflow.max(len);
        self.list_moves(operands, types, above);
        self.moves();
        (above, above + len)
    }

    /// The handlers of the finished code.
    pub(super) fn handlers(&mut self) -> Option<Handlers> {
        self.enter_handler(None);
        if self.ranges.is_empty() {
            return None;
        }
        let clause = |catch: &crate::ir::Catch| Clause {
            tag: catch.tag,
            values: self.layout.slot(catch.values),
            exception: catch.exception.map(|slot| self.layout.slot(slot)),
            target: self.start(catch.target),
        };
        let handler = |handler: &crate::ir::ExceptionHandler| Handler {
            parent: handler.parent.map(|id| id.0),
            clauses: handler.catches.iter().map(clause).collect(),
        };
        let handlers = self.func.handlers.iter().map(handler).collect();
        let ranges = std::mem::take(&mut self.ranges);
        Some(Handlers { ranges, handlers })
    }

    /// The cell at which a block, or what it only branches to, begins.
    fn start(&self, block: BlockId) -> u32 {
        self.starts[self.plan.end(block).0 as usize] as u32
    }
}
