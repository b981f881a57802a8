//! Which blocks are emitted, where branches lead in the end (not to blocks that only branch on),
//! and which blocks are repeated in the place of a branch to them: those that only return, trap, or
//! decide where to go, so that a loop's branch back is its condition.

use super::condition;
use super::layout::SlotLayout;
use crate::ir::{BlockId, FuncIr, Inst, Role};

/// The plan of a function.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Branches that lead to each block once repetition is done.
    predecessors: Vec<u32>,
    repeated: Vec<bool>,
    /// Where a branch to each block leads.
    ends: Vec<BlockId>,
}

impl Plan {
    /// Plans a function. If it `counts`, control that comes to a loop head must pass its first
    /// cell: loop heads are neither repeated nor left out.
    pub(super) fn reset(&mut self, func: &FuncIr, layout: &SlotLayout, counts: bool) {
        let blocks = || (0..func.blocks.len() as u32).map(BlockId);
        let is_passed = |id: BlockId| counts && func.blocks[id.0 as usize].is_loop_head;
        self.repeated.clear();
        let repeated = blocks().map(|id| !is_passed(id) && is_short(func, id, layout));
        self.repeated.extend(repeated);
        self.ends.clear();
        let ends = blocks().map(|id| end(func, id, is_passed));
        self.ends.extend(ends);
        self.predecessors.clear();
        self.predecessors.resize(func.blocks.len(), 0);
        self.predecessors[0] = 1;
        for id in blocks() {
            self.count(func, id);
        }
        for catch in func.handlers.iter().flat_map(|handler| &handler.catches) {
            let end = self.end(catch.target);
            self.predecessors[end.0 as usize] += 1;
        }
    }

    /// Counts where a block leads to. A repeated block's targets get one more.
    fn count(&mut self, func: &FuncIr, id: BlockId) {
        let terminator = func.terminator(id);
        let mut from = terminator;
        if let Inst::Br { target } = *terminator
            && self.repeats(id, self.end(target))
        {
            from = func.terminator(self.end(target));
        }
        from.visit(func, |role| {
            if let Role::Label(target) = role {
                let end = self.end(target);
                self.predecessors[end.0 as usize] += 1;
            }
        });
    }

    /// True if a branch from the end of `from` is replaced by the block that it leads to. The block
    /// behind is gone to for nothing.
    pub(super) fn repeats(&self, from: BlockId, target: BlockId) -> bool {
        self.repeated[target.0 as usize] && target.0 != from.0 + 1
    }

    /// Where a branch to a block leads in the end.
    pub(super) fn end(&self, id: BlockId) -> BlockId {
        self.ends[id.0 as usize]
    }

    /// True if a branch to a block is replaced by the block.
    pub(super) fn is_repeated(&self, id: BlockId) -> bool {
        self.repeated[id.0 as usize]
    }

    /// True if anything leads to a block.
    pub(super) fn is_emitted(&self, id: BlockId) -> bool {
        self.predecessors[id.0 as usize] > 0
    }

    /// True if a block is reached from one place only.
    pub(super) fn has_one_predecessor(&self, id: BlockId) -> bool {
        self.predecessors[id.0 as usize] == 1
    }

    /// The next block that is emitted.
    pub(super) fn next(&self, id: BlockId) -> Option<BlockId> {
        let rest = id.0 + 1..self.predecessors.len() as u32;
        rest.map(BlockId).find(|&id| self.is_emitted(id))
    }
}

/// Follows blocks that only branch on; they may go around in a circle.
fn end(func: &FuncIr, id: BlockId, is_passed: impl Fn(BlockId) -> bool) -> BlockId {
    const BLOCKS_MAX: usize = 8;
    let mut end = id;
    for _ in 0..BLOCKS_MAX {
        let [Inst::Br { target }] = *func.block(end) else {
            break;
        };
        if is_passed(end) {
            break;
        }
        end = target;
    }
    end
}

fn is_short(func: &FuncIr, id: BlockId, layout: &SlotLayout) -> bool {
    let block = func.block(id);
    if let [Inst::Return { values }] = block {
        return values.len <= 1;
    }
    matches!(block, [Inst::Trap { .. }]) || condition::find(func, block, layout).is_some()
}
