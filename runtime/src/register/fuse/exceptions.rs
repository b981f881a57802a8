//! Throws, and which cells are in which handler of the IR.

use super::{FuncTypes, Fuser};
use crate::ir::{BlockId, HandlerId, List, Operand, OperandKind, Type};
use crate::register::code::{Clause, ExceptionHandler, ExceptionHandlers, HandlerRange};
use crate::register::table::opcode;

impl Fuser<'_> {
    /// Notes that what comes is code of a block with this handler, if any.
    pub(super) fn enter_handler(&mut self, handler: Option<HandlerId>) {
        if self.handler == handler {
            return;
        }
        let end = self.cells.len() as u32;
        if self.ranges.last().map_or(0, |range| range.end) < end {
            let handler = self.handler.map(|id| id.0);
            self.ranges.push(HandlerRange { end, handler });
        }
        self.handler = handler;
    }

    pub(super) fn throw(&mut self, tag: u32, args: List) {
        let ty = self.func.tag_type(tag);
        let operands = self.func.list(args);
        let (first, top) = self.place_of_thrown(operands, &FuncTypes(&ty.params));
        self.cell(opcode!(throw), first as u16, (first >> 16) as u16, 0);
        self.cells.push(u64::from(tag) | u64::from(top) << 32);
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
    pub(super) fn handlers(&mut self) -> Option<ExceptionHandlers> {
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
        let handler = |handler: &crate::ir::ExceptionHandler| ExceptionHandler {
            parent: handler.parent.map(|id| id.0),
            clauses: handler.catches.iter().map(clause).collect(),
        };
        let handlers = self.func.handlers.iter().map(handler).collect();
        let ranges = std::mem::take(&mut self.ranges);
        Some(ExceptionHandlers { ranges, handlers })
    }

    /// The cell at which a block, or what it only branches to, begins.
    fn start(&self, block: BlockId) -> u32 {
        self.starts[self.plan.end(block).0 as usize] as u32
    }
}
