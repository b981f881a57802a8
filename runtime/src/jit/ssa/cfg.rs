//! The control-flow graph of a function: order, dominators, loops. Explicit stacks throughout.
//!
//! Blocks that cannot be reached from the entry are in no order and have no data. The graph is
//! reducible, as structured control flow is: a loop is what an edge to a dominator closes.

use super::{Block, Func};

/// A natural loop.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// The block that dominates the loop.
    pub header: Block,
    /// The loop around it, by index.
    pub parent: Option<u32>,
    /// 1 for outermost loops.
    pub depth: u32,
    /// The block that leads to the header and nowhere else, if only one edge enters the loop.
    pub preheader: Option<Block>,
}

/// What is known of the graph. By-block tables are indexed by block number.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Reachable blocks in reverse postorder: a block comes after its dominators.
    pub order: Vec<Block>,
    /// Reachable predecessors, one entry for each edge.
    pub preds: Vec<Vec<Block>>,
    /// Loops; a loop comes after the loops around it.
    pub loops: Vec<Loop>,
    /// The innermost loop of each block, by index.
    pub loop_of: Vec<Option<u32>>,
    /// Place in `order`; `NONE` if not reachable.
    rank: Vec<u32>,
    /// Immediate dominators; the entry is its own.
    idom: Vec<Block>,
    /// First and last visit of each block on a walk of the dominator tree.
    span: Vec<(u32, u32)>,
}

const NONE: u32 = u32::MAX;

impl Cfg {
    /// Analyses a function.
    pub fn new(func: &Func) -> Cfg {
        let blocks = func.blocks.len();
        let order = reverse_postorder(func);
        let mut rank = vec![NONE; blocks];
        let mut preds = vec![Vec::new(); blocks];
        for (n, &block) in order.iter().enumerate() {
            rank[block.index()] = n as u32;
            for edge in &func.blocks[block.index()].edges {
                preds[edge.to.index()].push(block);
            }
        }
        let mut cfg = Cfg {
            order,
            preds,
            loops: Vec::new(),
            loop_of: vec![None; blocks],
            rank,
            idom: vec![Block::ENTRY; blocks],
            span: vec![(0, 0); blocks],
        };
        cfg.find_dominators();
        cfg.number_dominators();
        cfg.find_loops(func);
        cfg
    }

    /// Whether a block can be reached.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.rank[block.index()] != NONE
    }

    /// Whether every path to `b` goes through `a`; a block dominates itself.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let ((a_first, a_last), (b_first, _)) = (self.span[a.index()], self.span[b.index()]);
        a_first <= b_first && b_first <= a_last
    }

    /// The block that every path to a block goes through last; the entry's is itself.
    pub fn dominator(&self, block: Block) -> Block {
        self.idom[block.index()]
    }

    /// The numbers of the blocks that a block dominates, from its own to the last, in the order of
    /// a walk of the dominator tree.
    pub fn span(&self, block: Block) -> (u32, u32) {
        self.span[block.index()]
    }

    /// How many loops a block is in.
    pub fn depth(&self, block: Block) -> u32 {
        self.loop_of[block.index()].map_or(0, |n| self.loops[n as usize].depth)
    }

    /// Whether a block is in a loop, given by index.
    pub fn is_in_loop(&self, block: Block, wanted: u32) -> bool {
        let mut at = self.loop_of[block.index()];
        while let Some(n) = at {
            if n == wanted {
                return true;
            }
            at = self.loops[n as usize].parent;
        }
        false
    }

    /// Cooper, Harvey and Kennedy (2001).
    fn find_dominators(&mut self) {
        let mut idom = vec![None; self.idom.len()];
        idom[Block::ENTRY.index()] = Some(Block::ENTRY);
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.order[1..] {
                let mut new = None;
                for &pred in &self.preds[block.index()] {
                    if idom[pred.index()].is_some() {
                        new = Some(new.map_or(pred, |other| self.meet(&idom, pred, other)));
                    }
                }
                if idom[block.index()] != new {
                    idom[block.index()] = new;
                    changed = true;
                }
            }
        }
        for &block in &self.order {
            self.idom[block.index()] = idom[block.index()].expect("reachable");
        }
    }

    fn meet(&self, idom: &[Option<Block>], mut a: Block, mut b: Block) -> Block {
        let up = |block: Block| idom[block.index()].expect("ancestors have been visited");
        while a != b {
            if self.rank[a.index()] > self.rank[b.index()] {
                a = up(a);
            } else {
                b = up(b);
            }
        }
        a
    }

    fn number_dominators(&mut self) {
        let mut children = vec![Vec::new(); self.idom.len()];
        for &block in &self.order[1..] {
            children[self.idom[block.index()].index()].push(block);
        }
        let mut clock = 0;
        let mut stack = vec![(Block::ENTRY, 0)];
        while let Some((block, next)) = stack.pop() {
            if next == 0 {
                self.span[block.index()].0 = clock;
                clock += 1;
            }
            match children[block.index()].get(next) {
                Some(&child) => stack.extend([(block, next + 1), (child, 0)]),
                None => self.span[block.index()].1 = clock - 1,
            }
        }
    }

    /// Inner loops first, so that a walk upwards skips loops that are already known.
    fn find_loops(&mut self, func: &Func) {
        let mut parents: Vec<Option<u32>> = Vec::new();
        let mut headers = Vec::new();
        for n in (0..self.order.len()).rev() {
            let header = self.order[n];
            let closes = |&pred: &Block| self.dominates(header, pred);
            let back: Vec<Block> = self.preds[header.index()]
                .iter()
                .copied()
                .filter(closes)
                .collect();
            if !back.is_empty() {
                let index = headers.len() as u32;
                headers.push(header);
                parents.push(None);
                self.claim(&mut parents, &headers, index, back);
            }
        }
        self.number_loops(func, &headers, &parents);
    }

    /// Puts into loop `index` all that leads to its back edges.
    fn claim(
        &mut self,
        parents: &mut [Option<u32>],
        headers: &[Block],
        index: u32,
        mut work: Vec<Block>,
    ) {
        let header = headers[index as usize];
        while let Some(block) = work.pop() {
            let mut known = self.loop_of[block.index()];
            // The outermost loop that has been found around the block.
            while let Some(n) = known
                && let Some(parent) = parents[n as usize]
            {
                known = Some(parent);
            }
            let top = match known {
                Some(n) if n == index => continue,
                Some(n) => {
                    parents[n as usize] = Some(index);
                    headers[n as usize]
                }
                None => {
                    self.loop_of[block.index()] = Some(index);
                    block
                }
            };
            if top != header {
                work.extend(&self.preds[top.index()]);
            }
        }
        // A header that is inside an inner loop's list is only so by being this loop's own.
        self.loop_of[header.index()].get_or_insert(index);
    }

    /// Turns the order around, outer loops first, and finds preheaders.
    fn number_loops(&mut self, func: &Func, headers: &[Block], parents: &[Option<u32>]) {
        let count = headers.len() as u32;
        let turned = |n: u32| count - 1 - n;
        for n in (0..headers.len()).rev() {
            let parent = parents[n].map(turned);
            let depth = parent.map_or(0, |p: u32| self.loops[p as usize].depth) + 1;
            let preheader = self.preheader(func, headers[n]);
            self.loops.push(Loop {
                header: headers[n],
                parent,
                depth,
                preheader,
            });
        }
        for of in self.loop_of.iter_mut().flatten() {
            *of = turned(*of);
        }
    }

    fn preheader(&self, func: &Func, header: Block) -> Option<Block> {
        let enters = |&&pred: &&Block| !self.dominates(header, pred);
        let mut entries = self.preds[header.index()].iter().filter(enters);
        let only = *entries.next()?;
        let leads_here_only = func.blocks[only.index()].edges.len() == 1;
        (entries.next().is_none() && leads_here_only).then_some(only)
    }
}

fn reverse_postorder(func: &Func) -> Vec<Block> {
    let mut seen = vec![false; func.blocks.len()];
    let mut order = Vec::new();
    // Edges are taken last first, so that of two successors the first comes first in the result.
    let mut stack = vec![(Block::ENTRY, func.blocks[0].edges.len())];
    seen[0] = true;
    while let Some((block, left)) = stack.pop() {
        let Some(left) = left.checked_sub(1) else {
            order.push(block);
            continue;
        };
        stack.push((block, left));
        let to = func.blocks[block.index()].edges[left].to;
        if !seen[to.index()] {
            seen[to.index()] = true;
            stack.push((to, func.blocks[to.index()].edges.len()));
        }
    }
    order.reverse();
    order
}
