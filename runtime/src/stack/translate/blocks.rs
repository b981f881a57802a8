//! Blocks and branches: labels, jumps that are still to be resolved, values carried over others.

use super::{Translator, wrong_immediates};
use crate::decode::{Decoder, Imm, Instr, RawBlockType, RawValType};
use crate::error::Result;
use crate::ops::Op;
use crate::stack::machine::StackHandler;
use crate::stack::{call, control};

/// No cell.
const NONE: u32 = u32::MAX;

/// A block that is open (spec: "Validation Algorithm", control frames).
#[derive(Clone, Copy)]
pub(super) struct Block {
    ty: RawBlockType,
    /// Height of the operand stack below the parameters.
    pub(super) height: u32,
    /// Slots that a branch to the label carries.
    label_slots: u32,
    /// A loop's first cell, or `NONE` where the label is at the end.
    pub(super) start: u32,
    /// The last of the jumps to the end; each cell names the one before until they are resolved.
    jumps: u32,
    /// The jump of an `if` whose `else` or `end` is still to come.
    otherwise: u32,
    /// The last of the clauses that lead to the end, linked as the jumps are.
    pub(super) clauses: u32,
    /// The innermost region inside of the block, but not in the clauses of a `try`.
    pub(super) region: u32,
    /// The innermost region around it.
    pub(super) outer_region: u32,
    /// True in a clause of a `try`, with the reference of the caught exception at `height`.
    pub(super) is_caught: bool,
}

impl Block {
    fn new(ty: RawBlockType, height: u32, label_slots: u32, start: u32, region: u32) -> Block {
        Block {
            ty,
            height,
            label_slots,
            start,
            jumps: NONE,
            otherwise: NONE,
            clauses: NONE,
            region,
            outer_region: region,
            is_caught: false,
        }
    }
}

impl Translator<'_> {
    pub(super) fn open_function(&mut self, type_index: u32) {
        let results = self.signatures[type_index as usize].results;
        let ty = RawBlockType::Func(type_index);
        self.blocks.push(Block::new(ty, 0, results, NONE, NONE));
    }

    pub(super) fn block(&mut self, ty: RawBlockType) {
        self.open(ty, NONE);
    }

    pub(super) fn loop_(&mut self, ty: RawBlockType) {
        let start = self.cells.len() as u32;
        self.emit_poll();
        self.open(ty, start);
    }

    pub(super) fn if_(&mut self, ty: RawBlockType) {
        self.stack.pop(1);
        let otherwise = self.emit_jump_to_come(control::br_unless);
        self.open(ty, NONE);
        self.top().otherwise = otherwise;
    }

    fn open(&mut self, ty: RawBlockType, start: u32) {
        let (params, results) = match ty {
            RawBlockType::Empty => (0, 0),
            RawBlockType::Value(value) => (0, 1 + u32::from(value == RawValType::V128)),
            RawBlockType::Func(index) => {
                let signature = &self.signatures[index as usize];
                (signature.params, signature.results)
            }
        };
        let label_slots = if start == NONE { results } else { params };
        let (height, region) = (self.stack.height() - params, self.handlers.region());
        self.blocks
            .push(Block::new(ty, height, label_slots, start, region));
    }

    pub(super) fn else_(&mut self) {
        if self.is_reachable {
            let jumps = self.top().jumps;
            self.emit(control::br, &[u64::from(jumps)]);
            self.top().jumps = self.cells.len() as u32 - 1;
        }
        let block = *self.top();
        self.resolve(block.otherwise);
        self.top().otherwise = NONE;
        self.stack.truncate(block.height);
        if let RawBlockType::Func(index) = block.ty {
            self.push_params(index);
        }
        self.is_reachable = true;
    }

    pub(super) fn end(&mut self) {
        if self.top().is_caught {
            self.leave_arm();
        }
        let block = *self.top();
        self.resolve(block.otherwise);
        self.resolve(block.jumps);
        let is_gone_to = block.jumps != NONE || block.clauses != NONE;
        let here = self.cells.len();
        self.handlers.resolve(block.clauses, here);
        self.handlers.set_region(block.outer_region, here);
        if !self.is_reachable {
            self.stack.truncate(block.height);
            match block.ty {
                RawBlockType::Empty => {}
                RawBlockType::Value(value) => self.stack.push_value(value == RawValType::V128),
                RawBlockType::Func(index) => self.push_results(index),
            }
        }
        if self.blocks.len() == 1 && (self.is_reachable || is_gone_to) {
            self.emit_return();
        }
        self.blocks.pop();
        self.is_reachable = true;
    }

    /// Passes over code behind an instruction that does not go on, up to where the block goes on.
    pub(super) fn skip_unreachable(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        let mut depth = 0;
        loop {
            let instr = decoder.read()?;
            let op = instr.op;
            if depth == 0 && op == Op::End {
                self.end();
                return Ok(());
            }
            if depth == 0 && op == Op::Else {
                self.else_();
                return Ok(());
            }
            if depth == 0 && matches!(op, Op::Catch | Op::CatchAll | Op::Delegate) {
                return self.on_exceptions(&instr);
            }
            if matches!(op, Op::Block | Op::Loop | Op::If | Op::TryTable | Op::Try) {
                depth += 1;
            } else if matches!(op, Op::End | Op::Delegate) {
                depth -= 1;
            }
        }
    }

    pub(super) fn br(&mut self, depth: u32) {
        self.emit_branch(depth);
        self.is_reachable = false;
    }

    /// A branch that `taken` takes on its condition; `passed_by` jumps on the opposite condition.
    /// The condition has been popped.
    pub(super) fn br_on(
        &mut self,
        depth: u32,
        taken: StackHandler,
        passed_by: StackHandler,
        immediates: &[u64],
    ) {
        if self.dropped_slots(depth) == 0 {
            self.emit(taken, immediates);
            self.emit_label(depth);
        } else {
            self.emit(passed_by, immediates);
            let past = self.cells.len() as u32;
            self.cells.push(NONE.into());
            self.emit_branch(depth);
            self.resolve(past);
        }
    }

    pub(super) fn br_table(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Imm::BrTable(table) = instr.imm else {
            return Err(wrong_immediates(instr.op));
        };
        self.stack.pop(1);
        self.emit(control::br_table, &[table.targets.len() as u64]);
        let mut with_stubs = Vec::new();
        for depth in table.targets.chain(std::iter::once(table.default)) {
            if self.dropped_slots(depth) == 0 {
                self.emit_label(depth);
            } else {
                self.emit_stub_label(depth, &mut with_stubs);
            }
        }
        for depth in with_stubs {
            let jumps = std::mem::replace(&mut self.stubs[depth as usize], NONE);
            self.resolve(jumps);
            self.emit_branch(depth);
        }
        self.is_reachable = false;
        Ok(())
    }

    /// A `br_table` target that is a branch of its own behind the table, one for each label.
    fn emit_stub_label(&mut self, depth: u32, with_stubs: &mut Vec<u32>) {
        if self.stubs.len() < self.blocks.len() {
            self.stubs.resize(self.blocks.len(), NONE);
        }
        let at = self.cells.len() as u32;
        let before = std::mem::replace(&mut self.stubs[depth as usize], at);
        if before == NONE {
            with_stubs.push(depth);
        }
        self.cells.push(u64::from(before));
    }

    pub(super) fn return_(&mut self) {
        self.emit_return();
        self.is_reachable = false;
    }

    fn emit_return(&mut self) {
        let results = self.blocks[0].label_slots;
        let frame_slots = self.frame_slots();
        match results {
            0 => self.emit(call::return_0, &[frame_slots + 1]),
            1 => self.emit(call::return_1, &[frame_slots]),
            more => self.emit(call::return_n, &[frame_slots, u64::from(more)]),
        }
    }

    /// An unconditional branch, with the moves of the values that it carries.
    pub(super) fn emit_branch(&mut self, depth: u32) {
        if depth as usize + 1 == self.blocks.len() {
            self.emit_return();
            return;
        }
        let dropped = u64::from(self.dropped_slots(depth));
        let kept = u64::from(self.label(depth).label_slots);
        match (dropped, kept) {
            (0, _) => self.emit(control::br, &[]),
            (_, 0) => self.emit(control::br_keep_0, &[dropped]),
            (_, 1) => self.emit(control::br_keep_1, &[dropped]),
            (_, more) => self.emit(control::br_keep_n, &[dropped, more]),
        }
        self.emit_label(depth);
    }

    /// The immediate that leads to a label.
    fn emit_label(&mut self, depth: u32) {
        let at = self.cells.len() as u32;
        let label = self.label(depth);
        let cell = if label.start == NONE {
            u64::from(std::mem::replace(&mut label.jumps, at))
        } else {
            distance(at, label.start)
        };
        self.cells.push(cell);
    }

    /// A jump of one handler, to be resolved soon: its last cell.
    fn emit_jump_to_come(&mut self, handler: StackHandler) -> u32 {
        self.emit(handler, &[u64::from(NONE)]);
        self.cells.len() as u32 - 1
    }

    /// Lets a chain of jumps lead to the next cell.
    fn resolve(&mut self, mut jump: u32) {
        let here = self.cells.len() as u32;
        while jump != NONE {
            let before = self.cells[jump as usize] as u32;
            self.cells[jump as usize] = distance(jump, here);
            jump = before;
        }
    }

    /// The number of slots between the label's operands and those that a branch to it carries.
    fn dropped_slots(&mut self, depth: u32) -> u32 {
        let height = self.stack.height();
        let label = self.label(depth);
        height - label.height - label.label_slots
    }

    pub(super) fn label(&mut self, depth: u32) -> &mut Block {
        let top = self.blocks.len() - 1;
        &mut self.blocks[top - depth as usize]
    }

    pub(super) fn top(&mut self) -> &mut Block {
        self.label(0)
    }
}

/// The distance in bytes from a jump's cell to its target.
fn distance(jump: u32, target: u32) -> u64 {
    ((i64::from(target) - i64::from(jump)) * size_of::<u64>() as i64) as u64
}
