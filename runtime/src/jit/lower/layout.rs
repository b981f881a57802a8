//! The order in which blocks are emitted: that of the text, edges that need a block of their own
//! with their source, and at the end what only traps and where only exceptions lead. A block always
//! follows those that dominate it.
//!
//! An edge from a block with several successors to one with several predecessors is split here: the
//! register allocator needs a place for its moves. A split edge that needs none becomes no code.

use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Edge, FuncSsa, Inst, Term};

/// The order of blocks.
#[derive(Debug)]
pub struct BlockLayout {
    /// Blocks that can be reached, in the order of emission.
    pub order: Vec<Block>,
    /// The place of each block in the order.
    pub index_of: Vec<u32>,
    /// The same blocks in the order of the text.
    pub text: Vec<Block>,
    /// For the blocks of split edges: source and target. They follow all other blocks in number.
    splits: Vec<(Block, Block)>,
    first_split: usize,
}

impl BlockLayout {
    /// Splits edges and orders blocks.
    pub fn new(func: &mut FuncSsa, cfg: &Cfg) -> BlockLayout {
        let first_split = func.blocks.len();
        let mut layout = BlockLayout {
            order: Vec::new(),
            index_of: Vec::new(),
            text: Vec::new(),
            splits: Vec::new(),
            first_split,
        };
        let is_cold = cold_blocks(func, cfg);
        let mut cold = Vec::new();
        for block in order_of_text(func, cfg) {
            let is_cold = is_cold[block.index()];
            let list = if is_cold {
                &mut cold
            } else {
                &mut layout.order
            };
            list.push(block);
            layout.text.push(block);
            layout.split_edges(func, cfg, block, &mut cold, is_cold);
        }
        layout.order.append(&mut cold);
        layout.index_of = vec![u32::MAX; func.blocks.len()];
        for (place, block) in layout.order.iter().enumerate() {
            layout.index_of[block.index()] = place as u32;
        }
        layout
    }

    /// Splits the edges of a block that need it; the new blocks follow it in its list.
    fn split_edges(
        &mut self,
        func: &mut FuncSsa,
        cfg: &Cfg,
        block: Block,
        cold: &mut Vec<Block>,
        is_cold: bool,
    ) {
        let edges = func.blocks[block.index()].edges.len();
        if edges < 2 {
            return;
        }
        for n in 0..edges {
            let edge = func.blocks[block.index()].edges[n].clone();
            if cfg.preds[edge.to.index()].len() < 2 {
                continue;
            }
            let split = func.add_block();
            let position = func.blocks[block.index()].position;
            self.splits.push((block, edge.to));
            self.text.push(split);
            let term = func.blocks[block.index()].term;
            let leads_an_exception = matches!(term, Term::Invoke { .. });
            match is_cold || leads_an_exception {
                true => cold.push(split),
                false => self.order.push(split),
            }
            let data = &mut func.blocks[split.index()];
            data.term = Term::Br;
            data.position = position;
            data.edges = vec![edge];
            func.blocks[block.index()].edges[n] = Edge::bare(split);
        }
    }

    /// The innermost loop of a block: of a split edge, the one that both ends are in.
    pub fn loop_of(&self, cfg: &Cfg, block: Block) -> Option<u32> {
        match block.index().checked_sub(self.first_split) {
            None => cfg.loop_of[block.index()],
            Some(n) => {
                let (from, to) = self.splits[n];
                cfg.common_loop(cfg.loop_of[from.index()]?, to)
            }
        }
    }

    /// True if a block is in a loop, given by index.
    pub fn is_in_loop(&self, cfg: &Cfg, block: Block, wanted: u32) -> bool {
        match block.index().checked_sub(self.first_split) {
            None => cfg.is_in_loop(block, wanted),
            Some(n) => {
                let (from, to) = self.splits[n];
                cfg.is_in_loop(from, wanted) && cfg.is_in_loop(to, wanted)
            }
        }
    }
}

/// Blocks that can be reached, in an order in which each follows its dominators: that of their
/// numbers, and of [`FuncSsa::follows`]. Where a function begins in a loop, its handlers' blocks
/// may not be in such an order.
fn order_of_text(func: &FuncSsa, cfg: &Cfg) -> Vec<Block> {
    let is_reachable = |&block: &Block| cfg.is_reachable(block);
    if func.follows.is_empty() {
        let all = (0..func.blocks.len() as u32).map(Block);
        let order: Vec<Block> = all.filter(is_reachable).collect();
        let is_sound = order.iter().all(|&block| cfg.dominator(block) <= block);
        return if is_sound { order } else { cfg.order.clone() };
    }
    let mut follower = vec![None; func.blocks.len()];
    let mut is_follower = vec![false; func.blocks.len()];
    for &(block, next) in &func.follows {
        follower[block.index()] = Some(next);
        is_follower[next.index()] = true;
    }
    let leaders = (0..func.blocks.len() as u32).filter(|&n| !is_follower[n as usize]);
    let all = leaders.flat_map(|n| [Some(Block(n)), follower[n as usize]]);
    let all = all.flatten();
    let order: Vec<Block> = all.filter(is_reachable).collect();
    let mut place = vec![0; func.blocks.len()];
    for (n, block) in order.iter().enumerate() {
        place[block.index()] = n;
    }
    let is_sound = |block: &Block| place[cfg.dominator(*block).index()] <= place[block.index()];
    let is_sound = order.iter().all(is_sound);
    if is_sound { order } else { cfg.order.clone() }
}

/// Blocks that only trap, or to which only exceptions lead: so no other block follows one of them
/// alone.
fn cold_blocks(func: &FuncSsa, cfg: &Cfg) -> Vec<bool> {
    let mut is_cold = vec![false; func.blocks.len()];
    let mut is_known = vec![false; func.blocks.len()];
    for &block in &cfg.order {
        let data = &func.blocks[block.index()];
        let only_traps = matches!(data.term, Term::Trap { .. });
        let takes_exceptions = data
            .insts
            .first()
            .is_some_and(|id| func.insts[id.index()].inst == Inst::Caught);
        let mut before = cfg.preds[block.index()].iter();
        let follows_cold = before.all(|pred| is_cold[pred.index()] || !is_known[pred.index()]);
        is_cold[block.index()] =
            block != Block::ENTRY && (only_traps || takes_exceptions || follows_cold);
        is_known[block.index()] = true;
    }
    is_cold
}
