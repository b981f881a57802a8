//! The order in which blocks are emitted: that of the text, edges that need a block of their own
//! with their source, and what only traps at the end.
//!
//! An edge from a block with several successors to one with several predecessors is split here: the
//! register allocator needs a place for its moves. A split edge that needs none becomes no code.

use super::cfg::Cfg;
use super::ssa::{Block, Edge, Func, Term};

/// The order of blocks.
#[derive(Debug)]
pub struct Layout {
    /// Blocks that can be reached, in the order of emission.
    pub order: Vec<Block>,
    /// The place of each block in the order.
    pub index_of: Vec<u32>,
    /// For the blocks of split edges: source and target. They follow all other blocks in number.
    splits: Vec<(Block, Block)>,
    first_split: usize,
}

impl Layout {
    /// Splits edges and orders blocks.
    pub fn new(func: &mut Func, cfg: &Cfg) -> Layout {
        let first_split = func.blocks.len();
        let mut layout = Layout {
            order: Vec::new(),
            index_of: Vec::new(),
            splits: Vec::new(),
            first_split,
        };
        let mut cold = Vec::new();
        for n in 0..first_split {
            let block = Block(n as u32);
            if !cfg.is_reachable(block) {
                continue;
            }
            let only_traps = matches!(func.blocks[n].term, Term::Trap { .. }) && n > 0;
            if only_traps {
                cold.push(block);
            } else {
                layout.order.push(block);
            }
            layout.split_edges(func, cfg, block);
        }
        layout.order.append(&mut cold);
        layout.index_of = vec![u32::MAX; func.blocks.len()];
        for (place, block) in layout.order.iter().enumerate() {
            layout.index_of[block.index()] = place as u32;
        }
        layout
    }

    fn split_edges(&mut self, func: &mut Func, cfg: &Cfg, block: Block) {
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
            self.order.push(split);
            let data = &mut func.blocks[split.index()];
            data.term = Term::Br;
            data.position = position;
            data.edges = vec![edge];
            func.blocks[block.index()].edges[n] = Edge {
                to: split,
                args: Vec::new(),
            };
        }
    }

    /// The innermost loop of a block: of a split edge, the one that both ends are in.
    pub fn loop_of(&self, cfg: &Cfg, block: Block) -> Option<u32> {
        match block.index().checked_sub(self.first_split) {
            None => cfg.loop_of[block.index()],
            Some(n) => {
                let (from, to) = self.splits[n];
                let around = cfg.loop_of[from.index()];
                around.filter(|&l| cfg.is_in_loop(to, l)).or_else(|| {
                    let outer = cfg.loop_of[to.index()];
                    outer.filter(|&l| cfg.is_in_loop(from, l))
                })
            }
        }
    }

    /// Whether a block is in a loop, given by index.
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
