//! Homes: the spill slots of values that are used in other blocks than that of their definition.
//!
//! A home is shared by values that are never live together. Which are is told by intervals, not by
//! liveness of each block: an interval reaches from the definition to the last use, and to the end
//! of each loop in between. So the time does not depend on how many values live through how many
//! blocks.
//!
//! # Intervals
//! Blocks are in an order in which each comes after its dominators. An edge to a block that is not
//! behind its source is *retreating*; the span of its target reaches to the last such source. If a
//! span begins behind a definition and at or before the end of the value's interval, the interval
//! must reach to the end of the span. With that, the interval covers every place where the value is
//! live. For, on the way from such a place to a use, consider the last edge of which only the
//! target is known to be covered. If the edge goes forward, its source lies before the target. If
//! it is retreating, the value is live at the target, so that the definition strictly dominates the
//! target and lies before it: the target's span begins within the interval, and the source is in
//! the span.
//!
//! Spans that begin behind a definition are found for all definitions together, last block first:
//! blocks that spans connect are one group, of which the last block is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use regalloc2::{Block, Function, OperandKind, RegClass, SpillSlot, VReg};

use crate::jit::steps::step;

/// The homes of a function's values.
#[derive(Debug)]
pub struct Homes {
    slots: Vec<SpillSlot>,
    /// The number of spill slots of the smallest size.
    pub count: usize,
    /// The number of blocks that the intervals reach over, all together.
    pub blocks_crossed: u64,
}

/// Where values are defined and used.
struct Uses {
    /// The place of each block in the order.
    place: Vec<u32>,
    /// The points in the code where the block at each place begins and ends.
    bounds: Vec<(u32, u32)>,
    values: Vec<Use>,
    /// By place, the values that are defined there and have a home.
    defined: Vec<Vec<VReg>>,
}

/// The definition and the last use of a value.
#[derive(Clone, Copy)]
struct Use {
    defined_at: u32,
    defined_in: u32,
    last_at: u32,
    last_in: u32,
    is_param: bool,
    has_home: bool,
    /// A value that had better be in the same slot: one becomes the other on an edge.
    friend: Option<VReg>,
}

/// A range of points in which a value may be live.
struct Interval {
    start: u32,
    end: u32,
    value: VReg,
}

impl Homes {
    /// Gives homes to all values that need one. `order` has every block after its dominators.
    pub fn new(func: &impl Function, order: &[Block]) -> Homes {
        let uses = Uses::new(func, order);
        let (intervals, blocks_crossed) = intervals(func, order, &uses);
        let mut homes = Homes {
            slots: vec![SpillSlot::invalid(); func.num_vregs()],
            count: 0,
            blocks_crossed,
        };
        homes.assign(func, &uses, intervals);
        homes
    }

    /// The home of a value, if it has one.
    pub fn of(&self, value: VReg) -> Option<SpillSlot> {
        let slot = self.slots[value.vreg()];
        slot.is_valid().then_some(slot)
    }

    /// Gives each interval a slot that no other one has at the same time.
    fn assign(&mut self, func: &impl Function, uses: &Uses, mut intervals: Vec<Interval>) {
        intervals.sort_unstable_by_key(|interval| interval.start);
        let mut pools: [Pool; CLASSES.len()] = Default::default();
        let mut ends: BinaryHeap<Reverse<(u32, usize, u32)>> = BinaryHeap::new();
        let mut units: Vec<Option<u32>> = vec![None; self.slots.len()];
        for &Interval { start, end, value } in &intervals {
            while let Some(&Reverse((over, class, unit))) = ends.peek()
                && over <= start
            {
                ends.pop();
                pools[class].give_back(unit);
            }
            step(1);
            let class = value.class() as usize;
            let friend = uses.values[value.vreg()].friend;
            let wish = friend.filter(|friend| friend.class() == value.class());
            let unit = pools[class].take(wish.and_then(|friend| units[friend.vreg()]));
            units[value.vreg()] = Some(unit);
            ends.push(Reverse((end, class, unit)));
        }
        let bases = self.lay_out(func, &pools);
        for &Interval { value, .. } in &intervals {
            let unit = units[value.vreg()].expect("every interval has a slot");
            let size = func.spillslot_size(value.class());
            let slot = bases[value.class() as usize] + unit as usize * size;
            self.slots[value.vreg()] = SpillSlot::new(slot);
        }
    }

    /// Where the slots of each class begin: large ones first, so that all are aligned to their
    /// size.
    fn lay_out(
        &mut self,
        func: &impl Function,
        pools: &[Pool; CLASSES.len()],
    ) -> [usize; CLASSES.len()] {
        let mut used: Vec<RegClass> = CLASSES.into_iter().collect();
        used.retain(|&class| !pools[class as usize].is_free.is_empty());
        used.sort_by_key(|&class| Reverse(func.spillslot_size(class)));
        let mut bases = [0; CLASSES.len()];
        for class in used {
            bases[class as usize] = self.count;
            self.count += pools[class as usize].is_free.len() * func.spillslot_size(class);
        }
        bases
    }
}

/// The register classes, by number.
const CLASSES: [RegClass; 3] = [RegClass::Int, RegClass::Float, RegClass::Vector];

/// The slots of a class.
#[derive(Default)]
struct Pool {
    /// By slot.
    is_free: Vec<bool>,
    /// Slots that may be free: all that are, and some that have been taken since.
    given_back: Vec<u32>,
}

impl Pool {
    /// Takes a slot: the one that is wished for, if that is free.
    fn take(&mut self, wish: Option<u32>) -> u32 {
        if let Some(unit) = wish
            && std::mem::take(&mut self.is_free[unit as usize])
        {
            return unit;
        }
        while let Some(unit) = self.given_back.pop() {
            if std::mem::take(&mut self.is_free[unit as usize]) {
                return unit;
            }
        }
        self.is_free.push(false);
        self.is_free.len() as u32 - 1
    }

    fn give_back(&mut self, unit: u32) {
        self.is_free[unit as usize] = true;
        self.given_back.push(unit);
    }
}

impl Uses {
    fn new(func: &impl Function, order: &[Block]) -> Uses {
        let nowhere = Use {
            defined_at: 0,
            defined_in: 0,
            last_at: 0,
            last_in: 0,
            has_home: false,
            is_param: false,
            friend: None,
        };
        let mut uses = Uses {
            place: vec![0; func.num_blocks()],
            bounds: Vec::with_capacity(order.len()),
            values: vec![nowhere; func.num_vregs()],
            defined: vec![Vec::new(); order.len()],
        };
        let mut point = 0;
        for (n, &block) in order.iter().enumerate() {
            uses.place[block.index()] = n as u32;
            let end = point + func.block_insns(block).len() as u32 + 1;
            uses.bounds.push((point, end));
            point = end + 1;
        }
        for (n, &block) in order.iter().enumerate() {
            uses.definitions(func, block, n as u32);
        }
        for (n, &block) in order.iter().enumerate() {
            uses.uses(func, block, n as u32);
        }
        let values = &uses.values;
        for n in 0..order.len() {
            uses.defined[n].retain(|value| values[value.vreg()].has_home);
        }
        uses
    }

    fn definitions(&mut self, func: &impl Function, block: Block, place: u32) {
        let start = self.bounds[place as usize].0;
        for &param in func.block_params(block) {
            self.define(param, place, start);
            self.values[param.vreg()].is_param = true;
        }
        for (n, inst) in func.block_insns(block).iter().enumerate() {
            step(1);
            for operand in func.inst_operands(inst) {
                if operand.kind() == OperandKind::Def {
                    self.define(operand.vreg(), place, start + 1 + n as u32);
                }
            }
        }
    }

    fn define(&mut self, value: VReg, place: u32, point: u32) {
        self.values[value.vreg()] = Use {
            defined_at: point,
            defined_in: place,
            last_at: point,
            last_in: place,
            ..self.values[value.vreg()]
        };
        self.defined[place as usize].push(value);
    }

    fn uses(&mut self, func: &impl Function, block: Block, place: u32) {
        let (start, end) = self.bounds[place as usize];
        for (n, inst) in func.block_insns(block).iter().enumerate() {
            step(1);
            for operand in func.inst_operands(inst) {
                if operand.kind() == OperandKind::Use {
                    self.use_at(operand.vreg(), place, start + 1 + n as u32);
                }
            }
        }
        let succs = func.block_succs(block);
        let last = func.block_insns(block).last();
        for (n, &succ) in succs.iter().enumerate() {
            // An edge's moves are at the end of its source, or else at the beginning of its target.
            let (place, point) = match succs.len() {
                1 => (place, end),
                _ => {
                    let place = self.place[succ.index()];
                    (place, self.bounds[place as usize].0)
                }
            };
            let args = func.branch_blockparams(block, last, n);
            for (&param, &arg) in func.block_params(succ).iter().zip(args) {
                step(1);
                self.use_at(arg, place, point);
                self.values[param.vreg()].friend.get_or_insert(arg);
                self.values[arg.vreg()].friend.get_or_insert(param);
            }
        }
    }

    fn use_at(&mut self, value: VReg, place: u32, point: u32) {
        let of = &mut self.values[value.vreg()];
        of.has_home |= of.is_param || of.defined_in != place;
        of.last_in = of.last_in.max(place);
        of.last_at = of.last_at.max(point);
    }
}

/// The intervals of the values that have a home, and how many blocks they cross.
fn intervals(func: &impl Function, order: &[Block], uses: &Uses) -> (Vec<Interval>, u64) {
    let mut intervals = Vec::new();
    let mut blocks_crossed = 0;
    let mut spans = Spans::new(order.len());
    for place in (0..order.len()).rev() {
        for &value in &uses.defined[place] {
            step(1);
            let of = &uses.values[value.vreg()];
            let last = spans.last(of.last_in);
            let end = match last {
                Some(place) => uses.bounds[place as usize].1,
                None => of.last_at,
            };
            blocks_crossed += u64::from(last.unwrap_or(of.last_in) - of.defined_in);
            intervals.push(Interval {
                start: of.defined_at,
                end,
                value,
            });
        }
        let preds = func.block_preds(order[place]).iter();
        let sources = preds.map(|pred| uses.place[pred.index()]);
        if let Some(last) = sources.filter(|&source| source >= place as u32).max() {
            spans.add(place as u32, last);
        }
    }
    (intervals, blocks_crossed)
}

/// The spans of targets of retreating edges so far, by places of blocks.
struct Spans {
    /// A forest with path halving: the roots are the last blocks of groups.
    later: Vec<u32>,
    /// True for blocks that are in a span.
    is_covered: Vec<bool>,
}

impl Spans {
    fn new(blocks: usize) -> Spans {
        Spans {
            later: (0..blocks as u32).collect(),
            is_covered: vec![false; blocks],
        }
    }

    /// The last block of the spans around a block, if there are any.
    fn last(&mut self, place: u32) -> Option<u32> {
        self.is_covered[place as usize].then(|| self.find(place))
    }

    fn find(&mut self, mut at: u32) -> u32 {
        while self.later[at as usize] != at {
            step(1);
            let next = self.later[at as usize];
            self.later[at as usize] = self.later[next as usize];
            at = next;
        }
        at
    }

    fn add(&mut self, first: u32, last: u32) {
        self.is_covered[first as usize] = true;
        let mut at = self.find(first);
        while at < last {
            step(1);
            self.later[at as usize] = at + 1;
            self.is_covered[at as usize + 1] = true;
            at = self.find(at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_share_a_block_are_one() {
        let mut spans = Spans::new(12);
        spans.add(9, 10);
        spans.add(7, 7);
        assert_eq!(
            [6, 7, 8, 9, 10, 11].map(|n| spans.last(n)),
            [None, Some(7), None, Some(10), Some(10), None]
        );
        spans.add(2, 4);
        spans.add(1, 9);
        assert_eq!(
            [0, 1, 3, 7, 10, 11].map(|n| spans.last(n)),
            [None, Some(10), Some(10), Some(10), Some(10), None]
        );
    }

    #[test]
    fn a_wish_is_met_if_the_slot_is_free() {
        let mut pool = Pool::default();
        assert_eq!(
            [pool.take(None), pool.take(Some(0)), pool.take(None)],
            [0, 1, 2]
        );
        pool.give_back(0);
        pool.give_back(1);
        assert_eq!(pool.take(Some(0)), 0);
        assert_eq!([pool.take(None), pool.take(None)], [1, 3]);
    }
}
