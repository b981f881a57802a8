//! The control-flow graph of a function: order, dominators, loops. Explicit stacks throughout.
//!
//! Blocks that cannot be reached from the entry are in no order and have no data. The graph is
//! reducible, as structured control flow is: a loop is what an edge to a dominator closes.

use super::{Block, FuncSsa};
use crate::jit::steps::step;

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

/// The graph with its orders, dominators and loops. By-block tables are indexed by block number.
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
    /// The place of each loop among all loops.
    nests: Vec<Nest>,
}

/// The place of a loop in the forest of loops.
#[derive(Clone, Copy, Debug, Default)]
struct Nest {
    /// First and last number of the loops from this one inwards, in preorder.
    first: u32,
    last: u32,
    /// A loop around this one, several levels further out where there are several (Myers, 1983:
    /// "An applicative random-access stack"); itself if there is none.
    skip: u32,
    /// See [`Cfg::outermost_entered`].
    entered: Option<u32>,
}

const NONE: u32 = u32::MAX;

impl Cfg {
    /// Analyses a function.
    pub fn new(func: &FuncSsa) -> Cfg {
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
            nests: Vec::new(),
        };
        cfg.find_dominators(func);
        cfg.number_dominators();
        cfg.find_loops(func);
        cfg
    }

    /// True if a block can be reached.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.rank[block.index()] != NONE
    }

    /// True if every path to `b` goes through `a`; a block dominates itself.
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

    /// True if a block is in a loop, given by index.
    pub fn is_in_loop(&self, block: Block, wanted: u32) -> bool {
        self.loop_of[block.index()].is_some_and(|inner| self.contains(wanted, inner))
    }

    /// True if loop `outer` is loop `inner` or around it.
    pub fn contains(&self, outer: u32, inner: u32) -> bool {
        let nest = &self.nests[outer as usize];
        (nest.first..=nest.last).contains(&self.nests[inner as usize].first)
    }

    /// The outermost of the loops from `inner` outwards for which `holds` is true. It must be true
    /// for `inner`; where it is false for a loop, it is false for all loops around that one.
    pub fn outermost(&self, inner: u32, holds: impl Fn(u32) -> bool) -> u32 {
        let mut at = inner;
        while let Some(parent) = self.loops[at as usize].parent {
            step(1);
            let far = self.nests[at as usize].skip;
            if holds(far) {
                at = far;
            } else if holds(parent) {
                at = parent;
            } else {
                break;
            }
        }
        at
    }

    /// The outermost loop that can be reached from `inner` outwards by way of preheaders: it and
    /// all loops in between have one. `None` if `inner` has none.
    pub fn outermost_entered(&self, inner: u32) -> Option<u32> {
        self.nests[inner as usize].entered
    }

    /// The innermost loop around a loop that a block is in; the loop itself if it is in that.
    pub fn common_loop(&self, inner: u32, block: Block) -> Option<u32> {
        if self.is_in_loop(block, inner) {
            return Some(inner);
        }
        let last = self.outermost(inner, |n| !self.is_in_loop(block, n));
        self.loops[last as usize].parent
    }

    /// The dominators, by Lengauer and Tarjan's algorithm (1979) in its simple form.
    fn find_dominators(&mut self, func: &FuncSsa) {
        self.idom = Dominators::new(self, func).run(self);
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
    fn find_loops(&mut self, func: &FuncSsa) {
        let mut found = FoundLoops::default();
        for n in (0..self.order.len()).rev() {
            let header = self.order[n];
            let closes = |&pred: &Block| self.dominates(header, pred);
            let back: Vec<Block> = self.preds[header.index()]
                .iter()
                .copied()
                .filter(closes)
                .collect();
            if !back.is_empty() {
                let index = found.headers.len() as u32;
                found.headers.push(header);
                found.parents.push(None);
                found.outermost.push(index);
                self.claim(&mut found, index, back);
            }
        }
        self.number_loops(func, &found);
        self.number_nests();
    }

    /// Puts into loop `index` all that leads to its back edges.
    fn claim(&mut self, found: &mut FoundLoops, index: u32, mut work: Vec<Block>) {
        let header = found.headers[index as usize];
        while let Some(block) = work.pop() {
            step(1);
            let known = self.loop_of[block.index()].map(|n| found.outermost(n));
            let top = match known {
                Some(n) if n == index => continue,
                Some(n) => {
                    found.parents[n as usize] = Some(index);
                    found.outermost[n as usize] = index;
                    found.headers[n as usize]
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
    fn number_loops(&mut self, func: &FuncSsa, found: &FoundLoops) {
        let FoundLoops {
            headers, parents, ..
        } = found;
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

    /// Numbers the loops in preorder, and finds those to skip to.
    fn number_nests(&mut self) {
        let mut sizes = vec![1; self.loops.len()];
        for n in (0..self.loops.len()).rev() {
            if let Some(parent) = self.loops[n].parent {
                sizes[parent as usize] += sizes[n];
            }
        }
        let mut next_outermost = 0;
        // By loop, the number for the next loop in it.
        let mut next = vec![0; self.loops.len()];
        for n in 0..self.loops.len() {
            let parent = self.loops[n].parent;
            let place = match parent {
                Some(parent) => &mut next[parent as usize],
                None => &mut next_outermost,
            };
            let first = *place;
            *place += sizes[n];
            next[n] = first + 1;
            self.nests.push(Nest {
                first,
                last: first + sizes[n] - 1,
                skip: parent.map_or(n as u32, |parent| self.skip_of(parent)),
                entered: self.loops[n].preheader.map(|before| {
                    let around = self.loop_of[before.index()];
                    let further = around.and_then(|n| self.nests[n as usize].entered);
                    further.unwrap_or(n as u32)
                }),
            });
        }
    }

    /// The loop that the loops directly in `parent` skip to.
    fn skip_of(&self, parent: u32) -> u32 {
        let depth = |n: u32| self.loops[n as usize].depth;
        let near = self.nests[parent as usize].skip;
        let far = self.nests[near as usize].skip;
        match depth(parent) - depth(near) == depth(near) - depth(far) {
            true => far,
            false => parent,
        }
    }

    fn preheader(&self, func: &FuncSsa, header: Block) -> Option<Block> {
        let enters = |&&pred: &&Block| !self.dominates(header, pred);
        let mut entries = self.preds[header.index()].iter().filter(enters);
        let only = *entries.next()?;
        let leads_here_only = func.blocks[only.index()].edges.len() == 1;
        (entries.next().is_none() && leads_here_only).then_some(only)
    }
}

/// The loops found so far, inner loops first.
#[derive(Default)]
struct FoundLoops {
    headers: Vec<Block>,
    parents: Vec<Option<u32>>,
    /// A loop around each, or itself: a forest with path halving, whose roots are outermost loops.
    outermost: Vec<u32>,
}

impl FoundLoops {
    fn outermost(&mut self, mut n: u32) -> u32 {
        while self.outermost[n as usize] != n {
            step(1);
            let parent = self.outermost[n as usize];
            self.outermost[n as usize] = self.outermost[parent as usize];
            n = parent;
        }
        n
    }
}

/// The state of Lengauer and Tarjan's algorithm. Blocks are named by their number in a preorder of
/// a depth-first spanning tree.
struct Dominators {
    /// The block of each number.
    blocks: Vec<Block>,
    /// The number of each block; `NONE` if not reachable.
    numbers: Vec<u32>,
    /// The parent in the spanning tree.
    parents: Vec<u32>,
    semi: Vec<u32>,
    /// The forest of what has been linked: the parent, or `NONE` for a root.
    ancestors: Vec<u32>,
    /// The block of least `semi` on the way to the ancestor.
    best: Vec<u32>,
}

impl Dominators {
    fn new(cfg: &Cfg, func: &FuncSsa) -> Dominators {
        let mut found = Dominators {
            blocks: Vec::with_capacity(cfg.order.len()),
            numbers: vec![NONE; cfg.rank.len()],
            parents: Vec::with_capacity(cfg.order.len()),
            semi: (0..cfg.order.len() as u32).collect(),
            ancestors: vec![NONE; cfg.order.len()],
            best: (0..cfg.order.len() as u32).collect(),
        };
        let mut stack = vec![(Block::ENTRY, 0)];
        while let Some((block, parent)) = stack.pop() {
            if found.numbers[block.index()] == NONE {
                let number = found.blocks.len() as u32;
                found.numbers[block.index()] = number;
                found.blocks.push(block);
                found.parents.push(parent);
                let edges = func.blocks[block.index()].edges.iter();
                stack.extend(edges.map(|edge| (edge.to, number)));
            }
        }
        found
    }

    /// The immediate dominators, by block.
    fn run(mut self, cfg: &Cfg) -> Vec<Block> {
        let count = self.blocks.len();
        let mut dominators = vec![0; count];
        let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); count];
        for number in (1..count).rev() {
            for pred in &cfg.preds[self.blocks[number].index()] {
                let best = self.evaluate(self.numbers[pred.index()]);
                self.semi[number] = self.semi[number].min(self.semi[best as usize]);
            }
            buckets[self.semi[number] as usize].push(number as u32);
            let parent = self.parents[number];
            self.ancestors[number] = parent;
            for below in std::mem::take(&mut buckets[parent as usize]) {
                let best = self.evaluate(below);
                let is_less = self.semi[best as usize] < self.semi[below as usize];
                dominators[below as usize] = if is_less { best } else { parent };
            }
        }
        let mut all = vec![Block::ENTRY; cfg.rank.len()];
        for number in 1..count {
            if dominators[number] != self.semi[number] {
                dominators[number] = dominators[dominators[number] as usize];
            }
            all[self.blocks[number].index()] = self.blocks[dominators[number] as usize];
        }
        all
    }

    /// The block of least `semi` from a block up to below the root of its tree, whose path becomes
    /// short.
    fn evaluate(&mut self, number: u32) -> u32 {
        let mut path = Vec::new();
        let mut at = number;
        while self.ancestors[at as usize] != NONE {
            step(1);
            path.push(at);
            at = self.ancestors[at as usize];
        }
        let Some(top) = path.pop() else {
            return number;
        };
        let root = self.ancestors[top as usize];
        let mut above = top;
        for &at in path.iter().rev() {
            let (own, other) = (self.best[at as usize], self.best[above as usize]);
            if self.semi[other as usize] < self.semi[own as usize] {
                self.best[at as usize] = other;
            }
            self.ancestors[at as usize] = root;
            above = at;
        }
        self.best[number as usize]
    }
}

fn reverse_postorder(func: &FuncSsa) -> Vec<Block> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::ssa::{Edge, Term};

    /// A graph from the targets of each block.
    fn func(edges: &[Vec<u32>]) -> FuncSsa {
        let mut func = FuncSsa::default();
        for to in edges {
            let block = func.add_block();
            let data = &mut func.blocks[block.index()];
            let edge = |&to: &u32| Edge {
                to: Block(to),
                args: Vec::new(),
            };
            data.term = Term::Br;
            data.edges = to.iter().map(edge).collect();
        }
        func
    }

    /// Numbers that look random (Knuth's multiplier for 64 bits).
    fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        }
    }

    /// Which blocks can be reached without passing `without`.
    fn reached(func: &FuncSsa, without: Option<Block>) -> Vec<bool> {
        let mut seen = vec![false; func.blocks.len()];
        let mut work = vec![Block::ENTRY];
        while let Some(block) = work.pop() {
            if Some(block) != without && !std::mem::replace(&mut seen[block.index()], true) {
                work.extend(func.blocks[block.index()].edges.iter().map(|edge| edge.to));
            }
        }
        seen
    }

    #[test]
    fn a_block_dominates_what_cannot_be_reached_without_it() {
        let mut next = numbers(1);
        for size in 1..60 {
            let mut targets = |_| (0..next(3)).map(|_| next(size) as u32).collect();
            let edges: Vec<Vec<u32>> = (0..size).map(&mut targets).collect();
            let func = func(&edges);
            let cfg = Cfg::new(&func);
            let reachable = reached(&func, None);
            for a in (0..size as u32).filter(|&a| reachable[a as usize]) {
                let without = reached(&func, Some(Block(a)));
                for b in (0..size as usize).filter(|&b| reachable[b]) {
                    let dominates = cfg.dominates(Block(a), Block(b as u32));
                    assert_eq!(dominates, !without[b], "{a} {b} {edges:?}");
                }
            }
        }
    }

    /// Loops in each other and behind each other: blocks that go on to the next one, and back to
    /// the header of a loop that is still open.
    fn nested(next: &mut impl FnMut(u64) -> u64, size: u32) -> Vec<Vec<u32>> {
        let mut open = Vec::new();
        let mut edges = Vec::new();
        for n in 0..size {
            let mut to = vec![n + 1];
            match next(4) {
                0 | 1 if n > 0 => open.push(n),
                2 => to.extend(open.pop()),
                _ => {}
            }
            edges.push(to);
        }
        edges.push(Vec::new());
        edges
    }

    #[test]
    fn loops_are_found_by_their_chains() {
        let mut next = numbers(2);
        let mut deepest = 0;
        for size in [3, 10, 50, 400] {
            let func = func(&nested(&mut next, size));
            let cfg = Cfg::new(&func);
            let outwards = |n: u32| {
                std::iter::successors(Some(n), |&n| cfg.loops[n as usize].parent)
                    .collect::<Vec<_>>()
            };
            for block in (0..=size).map(Block) {
                let Some(inner) = cfg.loop_of[block.index()] else {
                    continue;
                };
                let chain = outwards(inner);
                deepest = deepest.max(chain.len());
                for wanted in 0..cfg.loops.len() as u32 {
                    assert_eq!(cfg.is_in_loop(block, wanted), chain.contains(&wanted));
                }
                for (n, &around) in chain.iter().enumerate() {
                    let depth = cfg.loops[around as usize].depth;
                    assert_eq!(depth as usize, chain.len() - n);
                    let holds = |n: u32| cfg.loops[n as usize].depth >= depth;
                    assert_eq!(cfg.outermost(inner, holds), around);
                }
                let entered = chain
                    .iter()
                    .take_while(|&&n| cfg.loops[n as usize].preheader.is_some());
                assert_eq!(cfg.outermost_entered(inner), entered.last().copied());
                let other = Block(next(u64::from(size)) as u32);
                let common = chain.iter().find(|&&n| cfg.is_in_loop(other, n)).copied();
                assert_eq!(cfg.common_loop(inner, other), common);
            }
        }
        assert!(deepest > 5);
    }
}
