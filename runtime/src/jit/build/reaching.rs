//! Which write of a slot reaches a block: by dominance, so that a slot costs what its writes cost
//! and not what the function's blocks are.
//!
//! A slot has different values to meet at the iterated dominance frontier of the blocks that write
//! it, and nowhere else (Cytron et al., 1991). Writes and meetings are intervals of the walk of the
//! dominator tree, nested in each other; the innermost one around a place is what reaches it.
//!
//! Frontiers may be quadratic (nested loops). Beyond a limit, the iterated frontier of each slot is
//! found by a walk of the dominator tree below its writes (Sreedhar and Gao, 1995). Iterated
//! frontiers may be as many as blocks for each slot (branches out of nested blocks): the steps for
//! all of them are limited, and beyond that the search is given up.

use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::Slot;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Value};
use crate::jit::steps::step;

/// The limit of the frontiers' entries for each block, and the limit in any case.
const FRONTIER_MAX_BY_BLOCK: usize = 16;
const FRONTIER_MAX: usize = 1 << 16;
/// The limit of steps of the search for all slots, for each block and in any case.
const STEPS_MAX_BY_BLOCK: usize = 64;
const STEPS_MAX: usize = 1 << 22;

/// Where a place in the code gets the value of a slot from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotSource {
    /// The value written last in a block that dominates the place.
    Written(Value),
    /// The values that meet at the beginning of a block.
    Met(Block),
    /// Nothing: no write reaches it.
    Initial,
}

/// The writes of all slots, by the blocks that they are the last in.
pub(super) struct Reaching {
    cfg: Cfg,
    meeting: Meeting,
    writes: FxHashMap<Slot, Vec<(Block, Value)>>,
    known: FxHashMap<Slot, Points>,
    /// The number of steps that are left.
    left: usize,
}

/// The search for the places where a slot's values meet.
enum Meeting {
    /// By the frontier of each block.
    Frontiers(Vec<Vec<Block>>),
    /// By walks.
    Walks(Walks),
}

/// Where the source of a slot changes.
struct Points {
    meetings: FxHashSet<Block>,
    /// From this place on, ascending.
    changes: Vec<(u32, SlotSource)>,
}

impl Reaching {
    pub(super) fn new(cfg: Cfg, written: FxHashMap<(Block, Slot), Value>) -> Reaching {
        let mut writes: FxHashMap<Slot, Vec<(Block, Value)>> = FxHashMap::default();
        for (&(block, slot), &value) in &written {
            if cfg.is_reachable(block) {
                writes.entry(slot).or_default().push((block, value));
            }
        }
        let meeting = match frontiers(&cfg) {
            Some(frontiers) => Meeting::Frontiers(frontiers),
            None => Meeting::Walks(Walks::new(&cfg)),
        };
        Reaching {
            left: STEPS_MAX.max(STEPS_MAX_BY_BLOCK * cfg.preds.len()),
            cfg,
            meeting,
            writes,
            known: FxHashMap::default(),
        }
    }

    /// True if it would take too long to find where values meet: what is said of them is wrong
    /// then.
    pub(super) fn is_given_up(&self) -> bool {
        self.left == 0
    }

    pub(super) fn is_reachable(&self, block: Block) -> bool {
        self.cfg.is_reachable(block)
    }

    /// True if different values of a slot may meet at the beginning of a block.
    pub(super) fn is_met(&mut self, block: Block, slot: Slot) -> bool {
        self.points(slot).meetings.contains(&block)
    }

    /// The value that reaches the end of a block.
    pub(super) fn at_end(&mut self, block: Block, slot: Slot) -> SlotSource {
        self.at(block, slot, true)
    }

    /// The value that reaches the beginning of a block.
    pub(super) fn at_start(&mut self, block: Block, slot: Slot) -> SlotSource {
        self.at(block, slot, false)
    }

    fn at(&mut self, block: Block, slot: Slot, is_end: bool) -> SlotSource {
        let place = 2 * self.cfg.span(block).0 + u32::from(is_end);
        let changes = &self.points(slot).changes;
        let next = changes.partition_point(|&(from, _)| from <= place);
        next.checked_sub(1)
            .map_or(SlotSource::Initial, |n| changes[n].1)
    }

    fn points(&mut self, slot: Slot) -> &Points {
        let Reaching {
            cfg,
            meeting,
            writes,
            known,
            left,
        } = self;
        known.entry(slot).or_insert_with(|| {
            let writes = writes.get(&slot).map_or(&[][..], |writes| writes);
            let meetings = match meeting {
                Meeting::Frontiers(frontiers) => iterated(frontiers, writes, left),
                Meeting::Walks(walks) => walks.iterated(cfg, writes, left),
            };
            Points::new(cfg, meetings, writes)
        })
    }
}

/// The iterated frontier of the blocks of writes, by the frontier of each block.
fn iterated(
    frontiers: &[Vec<Block>],
    writes: &[(Block, Value)],
    left: &mut usize,
) -> FxHashSet<Block> {
    let mut meetings = FxHashSet::default();
    let mut work: Vec<Block> = writes.iter().map(|&(block, _)| block).collect();
    while let Some(block) = work.pop()
        && *left > 0
    {
        take_steps(left, 1 + frontiers[block.index()].len());
        for &to in &frontiers[block.index()] {
            if meetings.insert(to) {
                work.push(to);
            }
        }
    }
    meetings
}

fn take_steps(left: &mut usize, steps: usize) {
    step(steps);
    *left = left.saturating_sub(steps);
}

/// Walks of the dominator tree.
struct Walks {
    /// The blocks that each block dominates immediately.
    children: Vec<Vec<Block>>,
    /// By block, the number of its dominators.
    levels: Vec<u32>,
    /// The targets of the edges of each block which it does not dominate immediately.
    joins: Vec<Vec<Block>>,
    /// The last walk that has come to each block.
    seen: Vec<u32>,
    walk: u32,
}

impl Walks {
    fn new(cfg: &Cfg) -> Walks {
        let blocks = cfg.preds.len();
        let mut walks = Walks {
            children: vec![Vec::new(); blocks],
            levels: vec![0; blocks],
            joins: vec![Vec::new(); blocks],
            seen: vec![0; blocks],
            walk: 0,
        };
        for &block in &cfg.order {
            let dominator = cfg.dominator(block);
            if block != Block::ENTRY {
                walks.children[dominator.index()].push(block);
                walks.levels[block.index()] = walks.levels[dominator.index()] + 1;
            }
            for &pred in &cfg.preds[block.index()] {
                if block == Block::ENTRY || pred != dominator {
                    walks.joins[pred.index()].push(block);
                }
            }
        }
        walks
    }

    /// The iterated frontier of the blocks of writes. From the deepest one upwards, each walks what
    /// it dominates, as far as no walk has been there; edges that lead no deeper than it is lead to
    /// the frontier.
    fn iterated(
        &mut self,
        cfg: &Cfg,
        writes: &[(Block, Value)],
        left: &mut usize,
    ) -> FxHashSet<Block> {
        self.walk += 1;
        let mut meetings = FxHashSet::default();
        let level = |walks: &Walks, block: Block| (walks.levels[block.index()], block);
        let mut roots: BinaryHeap<(u32, Block)> = writes
            .iter()
            .map(|&(block, _)| level(self, block))
            .collect();
        let mut work = Vec::new();
        while let Some((depth, root)) = roots.pop() {
            if root == Block::ENTRY && cfg.preds[0].is_empty() {
                continue; // nothing is as high
            }
            work.push(root);
            while let Some(block) = work.pop() {
                if std::mem::replace(&mut self.seen[block.index()], self.walk) == self.walk {
                    continue;
                }
                let edges = self.joins[block.index()].len() + self.children[block.index()].len();
                take_steps(left, 1 + edges);
                if *left == 0 {
                    return meetings;
                }
                for &to in &self.joins[block.index()] {
                    if self.levels[to.index()] <= depth && meetings.insert(to) {
                        roots.push(level(self, to));
                    }
                }
                work.extend(&self.children[block.index()]);
            }
        }
        meetings
    }
}

impl Points {
    fn new(cfg: &Cfg, meetings: FxHashSet<Block>, writes: &[(Block, Value)]) -> Points {
        let written = writes.iter().map(|&(block, value)| {
            let (first, last) = cfg.span(block);
            (2 * first + 1, 2 * last + 1, SlotSource::Written(value))
        });
        let met = meetings.iter().map(|&block| {
            let (first, last) = cfg.span(block);
            (2 * first, 2 * last + 1, SlotSource::Met(block))
        });
        let mut spans: Vec<(u32, u32, SlotSource)> = written.chain(met).collect();
        spans.sort_unstable_by_key(|&(first, ..)| first);
        let changes = changes(&spans);
        Points { meetings, changes }
    }
}

/// Nested spans, in the order of their beginnings, as the places where the innermost one changes.
fn changes(spans: &[(u32, u32, SlotSource)]) -> Vec<(u32, SlotSource)> {
    let mut changes = Vec::with_capacity(2 * spans.len());
    let mut open: Vec<(u32, SlotSource)> = Vec::new();
    let close = |open: &mut Vec<(u32, SlotSource)>, changes: &mut Vec<(u32, SlotSource)>, until| {
        while let Some(&(last, _)) = open.last()
            && last < until
        {
            open.pop();
            let outer = open
                .last()
                .map_or(SlotSource::Initial, |&(_, source)| source);
            changes.push((last + 1, outer));
        }
    };
    for &(first, last, source) in spans {
        close(&mut open, &mut changes, first);
        changes.push((first, source));
        open.push((last, source));
    }
    close(&mut open, &mut changes, u32::MAX);
    changes
}

/// The dominance frontier of each block (Cooper, Harvey and Kennedy, 2001), if it is not too large.
fn frontiers(cfg: &Cfg) -> Option<Vec<Vec<Block>>> {
    let mut all = vec![Vec::new(); cfg.preds.len()];
    let mut left = FRONTIER_MAX.max(FRONTIER_MAX_BY_BLOCK * cfg.preds.len());
    for &block in &cfg.order {
        let preds = &cfg.preds[block.index()];
        // The entry has an edge from outside besides.
        if preds.len() < 2 && block != Block::ENTRY {
            continue;
        }
        for &pred in preds {
            let mut at = pred;
            while (block == Block::ENTRY || at != cfg.dominator(block))
                && all[at.index()].last() != Some(&block)
            {
                step(1);
                left = left.checked_sub(1)?;
                all[at.index()].push(block);
                if at == Block::ENTRY {
                    break;
                }
                at = cfg.dominator(at);
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::ssa::{Edge, FuncSsa};

    /// Graphs that look random: each block leads to one or two others.
    #[test]
    fn walks_find_what_frontiers_find() {
        let mut state = 3u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let mut found = 0;
        for size in 2..80 {
            let mut func = FuncSsa::default();
            for n in 0..size {
                let block = func.add_block();
                let targets = [n + 1, next(size)];
                let edges = targets[..1 + (n % 2) as usize]
                    .iter()
                    .filter(|&&to| to < size);
                let edge = |&to: &u64| Edge {
                    to: Block(to as u32),
                    args: Vec::new(),
                };
                func.blocks[block.index()].edges = edges.map(edge).collect();
            }
            let cfg = Cfg::new(&func);
            let frontiers = frontiers(&cfg).expect("they are few");
            let mut walks = Walks::new(&cfg);
            for _ in 0..10 {
                let mut blocks: Vec<Block> = (0..3).map(|_| Block(next(size) as u32)).collect();
                blocks.retain(|&block| cfg.is_reachable(block));
                let writes: Vec<_> = blocks.into_iter().map(|block| (block, Value(0))).collect();
                let expected = iterated(&frontiers, &writes, &mut 1_000_000);
                found += expected.len();
                assert_eq!(walks.iterated(&cfg, &writes, &mut 1_000_000), expected);
            }
        }
        assert!(found > 1_000);
    }

    #[test]
    fn the_innermost_span_is_what_reaches() {
        let [a, b, c] = [0, 1, 2].map(|n| SlotSource::Met(Block(n)));
        let spans = [(0, 9, a), (2, 5, b), (4, 5, c), (8, 8, c)];
        let expected = [
            (0, a),
            (2, b),
            (4, c),
            (6, b),
            (6, a),
            (8, c),
            (9, a),
            (10, SlotSource::Initial),
        ];
        assert_eq!(changes(&spans), expected);
    }
}
