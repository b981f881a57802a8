//! Functions that begin at a loop head: the IR of what is left of a call that an interpreter has
//! begun.
//!
//! The entry block goes to the loop head instead of beginning the function. What the head finds in
//! its slots comes from the interpreter's frame (`build/vars.rs`). The stages after rely on it that
//! blocks follow those that dominate them; in the order of the text they would not, since
//! an inner head now comes before the outer one. So blocks are numbered anew, in reverse postorder,
//! that which follows next in the text first; what cannot be reached is left out, and comes last.

use crate::ir::{self, Block, BlockId, Inst};
use crate::jit::steps::step;
use crate::trap::TrapKind;

/// The rest of a function from a loop head on.
pub fn from_loop(mut ir: ir::FuncIr, head: BlockId) -> ir::FuncIr {
    let offset = ir.offsets[ir.blocks[head.0 as usize].start as usize];
    ir.blocks[0] = block_of(&mut ir, Inst::Br { target: head }, offset);
    let kind = TrapKind::Unreachable;
    let left_out = block_of(&mut ir, Inst::Trap { kind }, offset);
    let reached = reached(&ir, head);
    let mut numbers = vec![None; ir.blocks.len()];
    let mut blocks = Vec::with_capacity(ir.blocks.len());
    for &BlockId(old) in &reached {
        numbers[old as usize] = Some(blocks.len() as u32);
        blocks.push(ir.blocks[old as usize]);
    }
    let mut new = |number: &mut Option<u32>| {
        BlockId(*number.get_or_insert_with(|| {
            blocks.push(left_out);
            blocks.len() as u32 - 1
        }))
    };
    let numbers: Vec<BlockId> = numbers.iter_mut().map(&mut new).collect();
    ir.blocks = blocks;
    renumber(&mut ir, &numbers);
    ir
}

/// A block of one instruction.
fn block_of(ir: &mut ir::FuncIr, inst: Inst, offset: u32) -> Block {
    let start = ir.insts.len() as u32;
    ir.insts.push(inst);
    ir.offsets.push(offset);
    Block {
        start,
        end: start + 1,
        is_loop_head: false,
        handler: None,
    }
}

/// The blocks that control comes to, in reverse postorder.
fn reached(ir: &ir::FuncIr, head: BlockId) -> Vec<BlockId> {
    let mut is_seen = vec![false; ir.blocks.len()];
    is_seen[0] = true;
    let mut handlers_seen = vec![false; ir.handlers.len()];
    let mut order = Vec::new();
    let mut open = vec![(
        BlockId(0),
        successors(ir, BlockId(0), head, &mut handlers_seen),
    )];
    while let Some((block, rest)) = open.last_mut() {
        match rest.pop() {
            Some(next) if !std::mem::replace(&mut is_seen[next.0 as usize], true) => {
                let rest = successors(ir, next, head, &mut handlers_seen);
                open.push((next, rest));
            }
            Some(_) => {}
            None => {
                order.push(*block);
                open.pop();
            }
        }
    }
    order.reverse();
    order
}

/// Where control goes to from a block, by branches and by exceptions, what follows next in the text
/// first: from the head to the end, then from the beginning on. What handlers lead to is left out
/// where another block in them has led there.
fn successors(
    ir: &ir::FuncIr,
    block: BlockId,
    head: BlockId,
    handlers_seen: &mut [bool],
) -> Vec<BlockId> {
    let mut all = Vec::new();
    ir.terminator(block).labels(ir, |target| all.push(target));
    let mut at = ir.blocks[block.0 as usize].handler;
    while let Some(id) = at
        && !std::mem::replace(&mut handlers_seen[id.0 as usize], true)
    {
        step(1);
        let handler = &ir.handlers[id.0 as usize];
        all.extend(handler.catches.iter().map(|catch| catch.target));
        at = handler.parent;
    }
    all.sort_unstable_by_key(|id| (id.0 < head.0, id.0));
    all.dedup();
    all
}

/// Replaces the numbers of blocks.
fn renumber(ir: &mut ir::FuncIr, numbers: &[BlockId]) {
    let new = |id: &mut BlockId| *id = numbers[id.0 as usize];
    for block in &ir.blocks {
        // The block of what is left out has no labels, so that each is met once. The labels of
        // tables are apart.
        ir.insts[block.end as usize - 1].labels_mut(new);
    }
    ir.labels.iter_mut().for_each(new);
    let handlers = ir.handlers.iter_mut();
    for catch in handlers.flat_map(|handler| &mut handler.catches) {
        new(&mut catch.target);
    }
}
