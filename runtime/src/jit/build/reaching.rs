//! Which write of a slot reaches a block: by dominance, so that a slot costs what its writes cost
//! and not what the function's blocks are.
//!
//! A slot has different values to meet at the iterated dominance frontier of the blocks that write
//! it, and nowhere else (Cytron et al., 1991). Writes and meetings are intervals of the walk of the
//! dominator tree, nested in each other; the innermost one around a place is what reaches it.
//!
//! Frontiers may be quadratic (a ladder of branches out of nested blocks). Beyond a limit, values
//! are taken to meet wherever blocks do, which is never wrong.

use std::collections::{HashMap, HashSet};

use crate::ir::Slot;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Value};

/// How many entries the frontiers may have for each block, and how many in any case.
const FRONTIER_MAX_BY_BLOCK: usize = 16;
const FRONTIER_MAX: usize = 1 << 20;

/// Where a place in the code gets the value of a slot from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// What was written last in a block that dominates the place.
    Written(Value),
    /// What meets at the beginning of a block.
    Met(Block),
    /// Nothing: no write reaches it.
    Initial,
}

/// The writes of all slots, by the blocks that they are the last in.
pub(super) struct Reaching {
    cfg: Cfg,
    /// Blocks where something meets that has been written in the block; `None` above the limit.
    frontiers: Option<Vec<Vec<Block>>>,
    written: HashMap<(Block, Slot), Value>,
    /// The same, by slot.
    writes: HashMap<Slot, Vec<(Block, Value)>>,
    known: HashMap<Slot, Points>,
}

/// Where the source of a slot changes.
struct Points {
    meetings: HashSet<Block>,
    /// From this place on, ascending.
    changes: Vec<(u32, Source)>,
}

impl Reaching {
    pub(super) fn new(cfg: Cfg, written: HashMap<(Block, Slot), Value>) -> Reaching {
        let mut writes: HashMap<Slot, Vec<(Block, Value)>> = HashMap::new();
        for (&(block, slot), &value) in &written {
            if cfg.is_reachable(block) {
                writes.entry(slot).or_default().push((block, value));
            }
        }
        Reaching {
            frontiers: frontiers(&cfg),
            cfg,
            written,
            writes,
            known: HashMap::new(),
        }
    }

    pub(super) fn is_reachable(&self, block: Block) -> bool {
        self.cfg.is_reachable(block)
    }

    /// Whether different values of a slot may meet at the beginning of a block.
    pub(super) fn is_met(&mut self, block: Block, slot: Slot) -> bool {
        match self.frontiers {
            Some(_) => self.points(slot).meetings.contains(&block),
            None => self.cfg.preds[block.index()].len() > 1,
        }
    }

    /// What reaches the end of a block.
    pub(super) fn at_end(&mut self, block: Block, slot: Slot) -> Source {
        self.at(block, slot, true)
    }

    /// What reaches the beginning of a block.
    pub(super) fn at_start(&mut self, block: Block, slot: Slot) -> Source {
        self.at(block, slot, false)
    }

    fn at(&mut self, block: Block, slot: Slot, is_end: bool) -> Source {
        if self.frontiers.is_none() {
            return self.by_walk(block, slot, is_end);
        }
        let place = 2 * self.cfg.span(block).0 + u32::from(is_end);
        let changes = &self.points(slot).changes;
        let next = changes.partition_point(|&(from, _)| from <= place);
        next.checked_sub(1)
            .map_or(Source::Initial, |n| changes[n].1)
    }

    /// Upwards, where values meet wherever blocks do.
    fn by_walk(&self, mut at: Block, slot: Slot, mut is_end: bool) -> Source {
        loop {
            if is_end && let Some(&value) = self.written.get(&(at, slot)) {
                return Source::Written(value);
            }
            if self.cfg.preds[at.index()].len() > 1 {
                return Source::Met(at);
            }
            if at == Block::ENTRY {
                return Source::Initial;
            }
            at = self.cfg.dominator(at);
            is_end = true;
        }
    }

    fn points(&mut self, slot: Slot) -> &Points {
        let (cfg, writes) = (&self.cfg, &self.writes);
        let frontiers = self.frontiers.as_deref().unwrap_or_default();
        self.known.entry(slot).or_insert_with(|| {
            let writes = writes.get(&slot).map_or(&[][..], |writes| writes);
            Points::new(cfg, frontiers, writes)
        })
    }
}

impl Points {
    fn new(cfg: &Cfg, frontiers: &[Vec<Block>], writes: &[(Block, Value)]) -> Points {
        let mut meetings = HashSet::new();
        let mut work: Vec<Block> = writes.iter().map(|&(block, _)| block).collect();
        while let Some(block) = work.pop() {
            for &to in &frontiers[block.index()] {
                if meetings.insert(to) {
                    work.push(to);
                }
            }
        }
        let written = writes.iter().map(|&(block, value)| {
            let (first, last) = cfg.span(block);
            (2 * first + 1, 2 * last + 1, Source::Written(value))
        });
        let met = meetings.iter().map(|&block| {
            let (first, last) = cfg.span(block);
            (2 * first, 2 * last + 1, Source::Met(block))
        });
        let mut spans: Vec<(u32, u32, Source)> = written.chain(met).collect();
        spans.sort_unstable_by_key(|&(first, ..)| first);
        let changes = changes(&spans);
        Points { meetings, changes }
    }
}

/// Nested spans, in the order of their beginnings, as the places where the innermost one changes.
fn changes(spans: &[(u32, u32, Source)]) -> Vec<(u32, Source)> {
    let mut changes = Vec::with_capacity(2 * spans.len());
    let mut open: Vec<(u32, Source)> = Vec::new();
    let close = |open: &mut Vec<(u32, Source)>, changes: &mut Vec<(u32, Source)>, until| {
        while let Some(&(last, _)) = open.last()
            && last < until
        {
            open.pop();
            let outer = open.last().map_or(Source::Initial, |&(_, source)| source);
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

    #[test]
    fn the_innermost_span_is_what_reaches() {
        let [a, b, c] = [0, 1, 2].map(|n| Source::Met(Block(n)));
        let spans = [(0, 9, a), (2, 5, b), (4, 5, c), (8, 8, c)];
        let expected = [
            (0, a),
            (2, b),
            (4, c),
            (6, b),
            (6, a),
            (8, c),
            (9, a),
            (10, Source::Initial),
        ];
        assert_eq!(changes(&spans), expected);
    }
}
