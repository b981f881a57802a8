//! Blocks and branches: the explicit control stack, labels, and the moves that branches need.
//!
//! Owns the rule of merges: where control meets, every value that is passed is in the temporary of
//! its height, and no read of a local is pending. A label is bound to a block only if a branch goes
//! to it. Moves go from the bottom up. A value never lies below its destination, so no move
//! overwrites a value that a later move reads. Spec: 3.3.8 and 4.6.8 Control Instructions.

use std::rc::Rc;

use super::{Builder, Sig};
use crate::decode::{BrTable, Instr, RawBlockType};
use crate::error::Result;
use crate::ir::{BlockId, HandlerId, Inst, List, Operand, Slot};
use crate::ops::{Nesting, Op, group};
use crate::trap::TrapKind;

/// A place to branch to. While building, a `BlockId` is the index of a label.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Label {
    /// The block that it is bound to.
    block: Option<u32>,
    /// True if something branches to it.
    is_used: bool,
    /// True if it was bound before something branched to it.
    is_loop_head: bool,
}

/// The instruction that began a frame of the control stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Function,
    Block,
    Loop,
    /// With the label of its other arm.
    If(BlockId),
    Else,
    /// A `try_table`, or the body of a legacy `try`.
    Try(HandlerId),
    /// A clause of a legacy `try`.
    Catch(HandlerId),
}

/// A block that has not ended.
#[derive(Debug)]
pub(super) struct ControlFrame {
    pub(super) kind: FrameKind,
    /// The target of a branch to it; without meaning for the function itself.
    label: BlockId,
    sig: Rc<Sig>,
    /// The number of entries of the operand stack below its parameters.
    pub(super) base: usize,
    /// The number of slots below its parameters.
    pub(super) height: u32,
    /// The handler of the instructions directly in it.
    pub(super) handler: Option<HandlerId>,
    /// The handler around it.
    pub(super) outer_handler: Option<HandlerId>,
}

impl ControlFrame {
    /// The frame of the whole function.
    pub(super) fn function(sig: Rc<Sig>) -> ControlFrame {
        ControlFrame {
            kind: FrameKind::Function,
            label: BlockId(u32::MAX),
            sig,
            base: 0,
            height: 0,
            handler: None,
            outer_handler: None,
        }
    }

    /// The number of values that a branch to it passes.
    fn branch_arity(&self) -> usize {
        match self.kind {
            FrameKind::Loop => self.sig.params.len(),
            FrameKind::Function
            | FrameKind::Block
            | FrameKind::If(_)
            | FrameKind::Else
            | FrameKind::Try(_)
            | FrameKind::Catch(_) => self.sig.results.len(),
        }
    }
}

impl Builder<'_> {
    /// True if an opcode in unreachable code is left out.
    pub(super) fn skip(&mut self, op: Op) -> bool {
        match op.nesting() {
            Nesting::Begin => self.skipped += 1,
            Nesting::Next => return self.skipped > 0,
            Nesting::End if self.skipped > 0 => self.skipped -= 1,
            Nesting::End => return false,
            Nesting::Same => {}
        }
        true
    }

    pub(super) fn control(&mut self, op: group::Control, instr: &Instr<'_>) -> Result<()> {
        use group::Control as C;
        match op {
            C::Nop => {}
            C::Unreachable => {
                let kind = TrapKind::Unreachable;
                self.terminate(Inst::Trap { kind });
            }
            C::Block => self.begin_block(instr.block_type()?),
            C::Loop => self.begin_loop(instr.block_type()?),
            C::If => self.begin_if(instr.block_type()?),
            C::Else => self.begin_else(),
            C::End => self.end(),
            C::Br => self.goto(instr.label()?),
            C::BrIf => self.br_if(instr.label()?),
            C::BrTable => self.br_table(&instr.br_table()?),
            C::Return => self.goto(self.frames.len() as u32 - 1),
        }
        Ok(())
    }

    // --- labels --------------------------------------------------------------------------------

    pub(super) fn new_label(&mut self) -> BlockId {
        self.labels.push(Label::default());
        BlockId(self.labels.len() as u32 - 1)
    }

    /// Notes that something branches to a label.
    pub(super) fn use_label(&mut self, label: BlockId) -> BlockId {
        let state = &mut self.labels[label.0 as usize];
        state.is_used = true;
        state.is_loop_head |= state.block.is_some();
        label
    }

    /// Begins the next block, at a label.
    pub(super) fn bind(&mut self, label: BlockId) {
        debug_assert!(!self.is_open);
        self.labels[label.0 as usize].block = Some(self.func.blocks.len() as u32);
        self.is_open = true;
    }

    /// Replaces labels by the blocks that they are bound to.
    pub(super) fn resolve_labels(&mut self) {
        let labels = &self.labels;
        let resolve = |target: &mut BlockId| {
            let block = labels[target.0 as usize].block;
            target.0 = block.expect("every label that is used is bound at the end of its block");
        };
        for block in &self.func.blocks {
            self.func.insts[block.end as usize - 1].labels_mut(resolve);
        }
        self.func.labels.iter_mut().for_each(resolve);
        let handlers = self.func.handlers.iter_mut();
        for catch in handlers.flat_map(|handler| &mut handler.catches) {
            resolve(&mut catch.target);
        }
        for label in labels.iter().filter(|label| label.is_loop_head) {
            if let Some(block) = label.block {
                self.func.blocks[block as usize].is_loop_head = true;
            }
        }
    }

    // --- blocks --------------------------------------------------------------------------------

    pub(super) fn begin(&mut self, kind: FrameKind, label: BlockId, sig: Rc<Sig>) {
        let base = self.stack.len() - sig.params.len();
        let params = self.stack.top(sig.params.len());
        let height = params
            .first()
            .map_or(self.stack.height(), |entry| entry.height);
        self.frames.push(ControlFrame {
            kind,
            label,
            sig,
            base,
            height,
            handler: self.handler,
            outer_handler: self.handler,
        });
    }

    fn begin_block(&mut self, ty: RawBlockType) {
        let sig = self.block_sig(ty);
        self.settle();
        let label = self.new_label();
        self.begin(FrameKind::Block, label, sig);
    }

    fn begin_loop(&mut self, ty: RawBlockType) {
        let sig = self.block_sig(ty);
        self.settle();
        self.materialise(sig.params.len());
        let label = self.new_label();
        self.terminate(Inst::Br { target: label });
        self.bind(label);
        self.begin(FrameKind::Loop, label, sig);
        self.poll();
    }

    fn begin_if(&mut self, ty: RawBlockType) {
        let (sig, cond) = (self.block_sig(ty), self.pop());
        self.settle();
        self.materialise(sig.params.len());
        let (then, other, end) = (self.new_label(), self.new_label(), self.new_label());
        self.use_label(other);
        self.terminate(Inst::BrIf { cond, then, other });
        self.bind(then);
        self.begin(FrameKind::If(other), end, sig);
    }

    fn begin_else(&mut self) {
        let last = self.frames.len() - 1;
        let frame = &self.frames[last];
        let (kind, label, sig, base) = (frame.kind, frame.label, frame.sig.clone(), frame.base);
        let FrameKind::If(other) = kind else {
            debug_assert!(false, "validated code has an `if` for its `else`");
            return;
        };
        if self.is_open {
            self.leave(label, sig.results.len());
        }
        self.stack.truncate(base);
        self.push_temps(&sig.params);
        self.frames[last].kind = FrameKind::Else;
        self.bind(other);
    }

    /// Goes to the end of a block from its last instruction.
    fn leave(&mut self, label: BlockId, results: usize) {
        self.materialise(results);
        let target = self.use_label(label);
        self.terminate(Inst::Br { target });
    }

    pub(super) fn end(&mut self) {
        let frame = self.frames.pop().expect("validated code ends its blocks");
        let results = frame.sig.results.len();
        match frame.kind {
            FrameKind::Function => {
                if self.is_open {
                    let values = self.list(None, results);
                    self.terminate(Inst::Return { values });
                }
                return self.return_caught(&frame.sig);
            }
            FrameKind::Loop => return,
            FrameKind::If(other) => {
                // The other arm is empty: its parameters are the results, in their places.
                if self.is_open {
                    self.leave(frame.label, results);
                }
                self.bind(frame.label);
                self.bind_again(other);
            }
            FrameKind::Block | FrameKind::Else => {
                if !self.labels[frame.label.0 as usize].is_used {
                    return;
                }
                if self.is_open {
                    self.leave(frame.label, results);
                }
                self.bind(frame.label);
            }
            FrameKind::Try(_) | FrameKind::Catch(_) => {
                if self.is_open {
                    // The results of a clause lie above the exception.
                    self.move_to(results, frame.height);
                    let target = self.use_label(frame.label);
                    self.terminate(Inst::Br { target });
                }
                self.handler = frame.outer_handler;
                if !self.labels[frame.label.0 as usize].is_used {
                    return;
                }
                self.bind(frame.label);
            }
        }
        self.stack.truncate(frame.base);
        self.push_temps(&frame.sig.results);
    }

    /// Makes the target of clauses to the function's own label, if there are any.
    fn return_caught(&mut self, sig: &Sig) {
        if let Some(label) = self.return_label {
            self.bind(label);
            self.stack.truncate(0);
            self.push_temps(&sig.results);
            let values = self.list(None, sig.results.len());
            self.terminate(Inst::Return { values });
        }
    }

    /// Binds a second label to the block that has just begun.
    fn bind_again(&mut self, label: BlockId) {
        self.labels[label.0 as usize].block = Some(self.func.blocks.len() as u32);
    }

    // --- branches ------------------------------------------------------------------------------

    /// The target of a clause that names a label.
    pub(super) fn catch_label(&mut self, depth: u32) -> BlockId {
        if self.frame(depth).kind != FrameKind::Function {
            let label = self.frame(depth).label;
            return self.use_label(label);
        }
        let label = match self.return_label {
            Some(label) => label,
            None => self.new_label(),
        };
        self.return_label = Some(label);
        self.use_label(label)
    }

    pub(super) fn frame(&self, depth: u32) -> &ControlFrame {
        &self.frames[self.frames.len() - 1 - depth as usize]
    }

    /// Emits the moves of a branch and the branch itself; leaves the operand stack as it is.
    pub(super) fn goto(&mut self, depth: u32) {
        let frame = self.frame(depth);
        let (kind, target, len) = (frame.kind, frame.label, frame.branch_arity());
        let height = frame.height;
        if kind == FrameKind::Function {
            let values = self.list(None, len);
            return self.terminate(Inst::Return { values });
        }
        self.move_to(len, height);
        self.use_label(target);
        self.terminate(Inst::Br { target });
    }

    /// Emits the moves of the topmost `len` values to the temporaries from a height on.
    fn move_to(&mut self, len: usize, mut height: u32) {
        for i in 0..len {
            let entry = self.stack.top(len)[i];
            let (dst, src) = (self.stack.temporary(height), self.stack.operand(&entry));
            height += entry.ty.slots();
            if src != Operand::slot(dst) {
                let ty = entry.ty;
                self.emit(Inst::Copy { ty, dst, src });
            }
        }
    }

    /// True if a branch needs no moves and goes to a block.
    fn is_direct(&self, depth: u32) -> bool {
        let frame = self.frame(depth);
        let values = self.stack.top(frame.branch_arity());
        let mut height = frame.height;
        let in_place = |entry: &super::stack::StackEntry| {
            let dst: Slot = self.stack.temporary(height);
            height += entry.ty.slots();
            self.stack.operand(entry) == Operand::slot(dst)
        };
        frame.kind != FrameKind::Function && values.iter().all(in_place)
    }

    /// The label of the edge of a conditional branch, and true if it is a block of moves. The
    /// caller makes such a block with `edge` once it has ended its own.
    fn edge_label(&mut self, depth: u32) -> (BlockId, bool) {
        if self.is_direct(depth) {
            let target = self.frame(depth).label;
            (self.use_label(target), false)
        } else {
            (self.new_label(), true)
        }
    }

    fn edge(&mut self, (label, is_block): (BlockId, bool), depth: u32) {
        if is_block {
            self.bind(label);
            self.goto(depth);
        }
    }

    fn br_if(&mut self, depth: u32) {
        let cond = self.pop();
        self.br_either(depth, false, |then, other| Inst::BrIf { cond, then, other });
    }

    pub(super) fn br_on_null(&mut self, depth: u32) {
        let entry = self.stack.pop();
        let a = self.stack.operand(&entry);
        self.br_either(depth, false, |then, other| Inst::BrIfNull {
            a,
            then,
            other,
        });
        self.stack.push(entry.ty, entry.value);
    }

    pub(super) fn br_on_non_null(&mut self, depth: u32) {
        let a = self.top();
        self.br_either(depth, true, |then, other| Inst::BrIfNull { a, then, other });
        self.stack.pop();
    }

    /// Ends the block by a conditional branch to the label, taken if the condition holds, or if it
    /// does not hold and `on_fail`. The next block follows on the other edge. The operand stack is
    /// the same on both edges.
    pub(super) fn br_either(
        &mut self,
        depth: u32,
        on_fail: bool,
        branch: impl FnOnce(BlockId, BlockId) -> Inst,
    ) {
        let (taken, rest) = (self.edge_label(depth), self.new_label());
        self.terminate(if on_fail {
            branch(rest, taken.0)
        } else {
            branch(taken.0, rest)
        });
        self.edge(taken, depth);
        self.bind(rest);
    }

    fn br_table(&mut self, table: &BrTable<'_>) {
        let index = self.pop();
        let depths = || table.targets.chain([table.default]);
        let mut edges: Vec<(u32, (BlockId, bool))> = Vec::new();
        let mut by_depth = std::mem::take(&mut self.by_depth);
        let start = self.func.labels.len() as u32;
        for depth in depths() {
            let at = depth as usize;
            if at >= by_depth.len() {
                by_depth.resize(at + 1, None);
            }
            let label = by_depth[at].unwrap_or_else(|| {
                let edge = self.edge_label(depth);
                edges.push((depth, edge));
                edge.0
            });
            by_depth[at] = Some(label);
            self.func.labels.push(label);
        }
        for &(depth, _) in &edges {
            by_depth[depth as usize] = None;
        }
        self.by_depth = by_depth;
        let len = self.func.labels.len() as u32 - start;
        let targets = List { start, len };
        self.terminate(Inst::BrTable { index, targets });
        for (depth, edge) in edges {
            self.edge(edge, depth);
        }
    }
}
