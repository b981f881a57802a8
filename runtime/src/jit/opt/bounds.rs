//! Bounds checks that are proven, and checks that are combined.
//!
//! A memory never shrinks. So once `index` plus a reach has been found inside, it stays so,
//! whatever happens in between, and every smaller reach with it. An index is also known to be
//! inside if it is so small that the memory's minimum holds it (`opt/range.rs`). Where guard pages
//! check, a check is only made of stores that may be done in part: those of a multiple of 16 bytes
//! at a multiple of 16 are inside or outside as a whole.
//!
//! Two checks of an index become one, of the larger reach, at the place of the first, if nothing in
//! between has an effect. If that fails, code at the end of the function goes through the accesses
//! in their order and finds the first that is outside, so that the trap names its position.

use rustc_hash::FxHashMap;

use super::range::{self, Facts, View};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{Block, Earlier, FuncSsa, Inst, InstId, Value};
use crate::ops::Op;

/// The subject of a check: the number of a memory, and the index.
type Subject = (u32, Value);

/// The number of checks of one subject that are kept.
const CHECKS_MAX: usize = 8;
/// The number of accesses that a combined check tells apart.
const EARLIER_MAX: usize = 12;
/// The limits of the accesses that a combined check tells apart differ by less than this.
const NEAR_BYTES: u64 = 4096;
/// The bytes of a vector, whose stores may be done in part.
const VECTOR_BYTES: u64 = 16;

/// A check that was made.
#[derive(Clone, Copy)]
struct Made {
    reach: u64,
    block: Block,
    id: InstId,
    /// The number of effects before it.
    effects: u32,
    /// The place of its first access in `Checks::run`.
    first: usize,
}

/// An access that can fail.
#[derive(Clone, Copy)]
struct CheckedAccess {
    memory: u32,
    index: Value,
    reach: u64,
    position: u32,
}

/// The checks made so far.
#[derive(Default)]
pub(super) struct Checks {
    made: FxHashMap<Subject, Vec<Made>>,
    /// The number of instructions with an effect, and of blocks, so far.
    effects: u32,
    /// The accesses since the last effect.
    run: Vec<CheckedAccess>,
    /// Definitions of limits that must move in front of a check of the block at hand.
    moves: FxHashMap<InstId, InstId>,
}

/// The decision on a check.
pub(super) enum Fate {
    /// The check is proven.
    Proven,
    /// The check is made.
    Made,
    /// An earlier check takes on its reach and its limit, after these accesses.
    TakenOn(InstId, Vec<Earlier>),
}

impl Checks {
    /// True if any check is made.
    pub(super) fn are_made(&self) -> bool {
        !self.made.is_empty()
    }

    /// Notes an instruction that checks do not move across, or a new block.
    pub(super) fn effect(&mut self) {
        self.effects += 1;
        self.run.clear();
    }

    /// Decides on a check, an instruction in `block`. `is_before` is true of a value that is
    /// defined before an instruction of the block.
    pub(super) fn decide(
        &mut self,
        view: View<'_>,
        facts: &mut Facts,
        (block, id): (Block, InstId),
        is_before: impl Fn(Value, InstId) -> bool,
    ) -> Fate {
        let check = view.func.insts[id.index()];
        let Inst::CheckBounds {
            memory,
            index,
            reach,
            limit,
        } = check.inst
        else {
            unreachable!("asked for checks only")
        };
        if is_inside(view, facts, (memory, index), reach) {
            return Fate::Proven;
        }
        let made = self.made.entry((memory, index)).or_default();
        let proves = |made: &Made| made.reach >= reach && view.cfg.dominates(made.block, block);
        if made.iter().any(proves) {
            Rule::CheckedBefore.hit();
            return Fate::Proven;
        }
        let length = length_of(view.func, limit);
        let minimum_bytes = view.func.memories[memory as usize].minimum_bytes;
        let effects = self.effects;
        let access = CheckedAccess {
            memory,
            index,
            reach,
            position: check.position,
        };
        let here = self.run.len();
        self.run.push(access);
        let first = made.last_mut().filter(|made| {
            made.effects == effects
                && reach <= minimum_bytes
                && has_length(view.func, made.id, length)
        });
        if let Some(first) = first {
            let between = &self.run[first.first..here];
            let earlier = earlier_accesses(between, access, minimum_bytes, |index| {
                is_before(index, first.id)
            });
            if let Some(earlier) = earlier.filter(|earlier| earlier.len() <= EARLIER_MAX) {
                Rule::CombinedChecks.hit();
                first.reach = reach;
                return Fate::TakenOn(first.id, earlier);
            }
        }
        if made.len() == CHECKS_MAX {
            made.pop();
        }
        made.push(Made {
            reach,
            block,
            id,
            effects,
            first: here,
        });
        Fate::Made
    }

    /// Notes that the definition of a check's limit must stand in front of it.
    pub(super) fn move_limit(&mut self, check: InstId, limit: InstId) {
        self.moves.insert(check, limit);
    }

    /// The moves of the block at hand, which is complete.
    pub(super) fn take_moves(&mut self) -> FxHashMap<InstId, InstId> {
        std::mem::take(&mut self.moves)
    }
}

/// The accesses before one whose check is combined with theirs, if they can be told apart.
fn earlier_accesses(
    between: &[CheckedAccess],
    access: CheckedAccess,
    minimum_bytes: u64,
    is_known: impl Fn(Value) -> bool,
) -> Option<Vec<Earlier>> {
    let earlier = between.iter().map(|before| {
        let is_simple = before.memory == access.memory && before.reach <= minimum_bytes;
        let is_near = before.reach.abs_diff(access.reach) < NEAR_BYTES;
        (is_known(before.index) && is_simple && is_near).then(|| Earlier {
            index: before.index,
            by: (access.reach as i64 - before.reach as i64) as i32,
            position: before.position,
        })
    });
    earlier.collect()
}

/// True if accesses of that reach are inside, or outside as a whole where guard pages check.
fn is_inside(view: View<'_>, facts: &mut Facts, (memory, index): Subject, reach: u64) -> bool {
    let data = view.func.memories[memory as usize];
    if data.is_guarded && reach.is_multiple_of(VECTOR_BYTES) {
        let zeros = range::zero_bits(view, index, range::ZERO_BITS_LOOK);
        if zeros >= VECTOR_BYTES.trailing_zeros() {
            Rule::AlignedStore.hit();
            return true;
        }
    }
    let end = facts.max(view, index).checked_add(reach);
    let is_small = end.is_some_and(|end| end <= data.minimum_bytes);
    if is_small {
        Rule::SmallIndex.hit();
    }
    is_small
}

/// The length that a limit is made of.
pub(super) fn length_of(func: &FuncSsa, limit: Value) -> Value {
    match func.binary(Op::I64Add, limit) {
        Some((length, by)) if func.constant(by).is_some() => length,
        Some(_) | None => limit,
    }
}

/// True if the limit of a check is made of a length. That of a shared memory is read each time.
fn has_length(func: &FuncSsa, check: InstId, length: Value) -> bool {
    let inst = func.insts[check.index()].inst;
    matches!(inst, Inst::CheckBounds { limit, .. } if length_of(func, limit) == length)
}
