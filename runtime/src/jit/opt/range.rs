//! Facts about integers: the range that a value is in, the powers of two that divide it, and how
//! often a loop runs.
//!
//! A range is an interval on the circle of the integers modulo 2^32 or 2^64, so that addition and
//! the steps of a loop never lose it. Facts hold for a value whatever instruction defines it, so
//! that they stay true while the function is rewritten.

use rustc_hash::FxHashMap;

use crate::ir::Type;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::{Block, Def, FuncSsa, Inst, Term, Value};
use crate::ops::Op;

/// The number of definitions that are looked through.
const LOOK_MAX: u32 = 12;
/// The number of blocks of a loop that are searched for the test that ends it.
const TESTS_MAX: usize = 8;
/// Blocks with more parameters are not looked into.
const PARAMS_MAX: usize = 256;

/// A function while it is rewritten.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) func: &'a FuncSsa,
    pub(super) cfg: &'a Cfg,
    /// The value that stands for each value.
    pub(super) replaced: &'a [Value],
}

impl<'a> View<'a> {
    /// A function in which every value stands for itself.
    pub(super) fn final_of(func: &'a FuncSsa, cfg: &'a Cfg) -> View<'a> {
        let replaced = &[];
        View {
            func,
            cfg,
            replaced,
        }
    }

    fn find(self, value: Value) -> Value {
        match self.replaced.is_empty() {
            true => value,
            false => super::find(self.replaced, value),
        }
    }

    fn def(self, value: Value) -> Option<Inst> {
        self.func.def(self.find(value))
    }

    pub(super) fn constant(self, value: Value) -> Option<u64> {
        self.func.constant(self.find(value))
    }

    /// A value as another one plus a constant.
    pub(super) fn linear(self, value: Value) -> (Value, u64) {
        let (mut value, mut offset) = (self.find(value), 0u64);
        let mask = mask_of(self.func, value);
        for _ in 0..LOOK_MAX {
            let Some(Inst::Binary { op, a, b }) = self.def(value) else {
                break;
            };
            let Some((kind @ (IntOp::Add | IntOp::Sub), _)) = fold::integer(op) else {
                break;
            };
            let (rest, by) = match (self.constant(a), self.constant(b)) {
                (_, Some(by)) => (a, by),
                (Some(by), None) if kind == IntOp::Add => (b, by),
                _ => break,
            };
            let by = if kind == IntOp::Sub {
                by.wrapping_neg()
            } else {
                by
            };
            (value, offset) = (self.find(rest), offset.wrapping_add(by) & mask);
        }
        (value, offset)
    }

    /// The innermost loop whose header has a parameter.
    fn loop_of_param(self, param: Value) -> Option<u32> {
        let Def::Param(block) = self.func.values[param.index()].def else {
            return None;
        };
        let around = self.cfg.loop_of[block.index()]?;
        (self.cfg.loops[around as usize].header == block).then_some(around)
    }

    /// The one edge that enters a loop, and the one that closes it: their blocks.
    fn entry_and_latch(self, around: u32) -> Option<(Block, Block)> {
        let header = self.cfg.loops[around as usize].header;
        let &[a, b] = &self.cfg.preds[header.index()][..] else {
            return None;
        };
        match (self.cfg.dominates(header, a), self.cfg.dominates(header, b)) {
            (false, true) => Some((a, b)),
            (true, false) => Some((b, a)),
            (false, false) | (true, true) => None,
        }
    }

    /// The argument for a block's parameter on the edge from another block.
    fn argument(self, from: Block, to: Block, n: usize) -> Option<Value> {
        let mut edges = self.func.blocks[from.index()].edges.iter();
        edges.find(|edge| edge.to == to)?.args.get(n).copied()
    }

    /// The first value of a parameter of a loop's header, and the one for the next round.
    pub(super) fn first_and_next(self, around: u32, param: Value) -> Option<(Value, Value)> {
        let (entry, latch) = self.entry_and_latch(around)?;
        let header = self.cfg.loops[around as usize].header;
        let params = &self.func.blocks[header.index()].params;
        if params.len() > PARAMS_MAX {
            return None;
        }
        let n = params.iter().position(|&p| p == param)?;
        let first = self.argument(entry, header, n)?;
        let next = self.argument(latch, header, n)?;
        Some((self.find(first), self.find(next)))
    }

    /// A parameter of a loop's header that changes by a constant each time.
    pub(super) fn induction(self, param: Value) -> Option<Induction> {
        let param = self.find(param);
        let around = self.loop_of_param(param)?;
        let (start, next) = self.first_and_next(around, param)?;
        let (root, step) = self.linear(next);
        (root == param).then(|| Induction {
            around,
            start,
            step: signed(self.func, param, step),
        })
    }

    /// The test that a loop goes round by, if one is made each time.
    pub(super) fn test(self, around: u32) -> Option<LoopTest> {
        let header = self.cfg.loops[around as usize].header;
        let (_, latch) = self.entry_and_latch(around)?;
        let mut block = latch;
        for _ in 0..TESTS_MAX {
            if let Some(test) = self.test_in(block, around) {
                return Some(test);
            }
            if block == header {
                break;
            }
            block = self.cfg.dominator(block);
        }
        None
    }

    /// The test in a block of a loop, of something that changes by a constant.
    fn test_in(self, block: Block, around: u32) -> Option<LoopTest> {
        if self.cfg.loop_of[block.index()] != Some(around) {
            return None;
        }
        let data = &self.func.blocks[block.index()];
        let Term::BrIf { cond } = data.term else {
            return None;
        };
        let stays = |n: usize| self.cfg.is_in_loop(data.edges[n].to, around);
        let goes_on_if = match (stays(0), stays(1)) {
            (true, false) => true,
            (false, true) => false,
            (true, true) | (false, false) => return None,
        };
        let (op, a, b) = self.comparison(cond, goes_on_if)?;
        self.test_of(around, op, a, b).or_else(|| {
            let b = b?;
            self.test_of(around, op.commuted()?, b, Some(a))
        })
    }

    fn test_of(self, around: u32, op: Op, a: Value, b: Option<Value>) -> Option<LoopTest> {
        let (order, _) = fold::integer(op)?;
        let (root, offset) = self.linear(a);
        let induction = self.induction(root)?;
        (induction.around == around).then_some(LoopTest {
            induction,
            offset,
            order,
            end: b,
        })
    }

    /// The comparison that holds if a condition is as wanted; `None` for the constant 0.
    fn comparison(self, cond: Value, wanted: bool) -> Option<(Op, Value, Option<Value>)> {
        let (mut cond, mut wanted) = (self.find(cond), wanted);
        for _ in 0..LOOK_MAX {
            match self.def(cond) {
                Some(Inst::Unary { op, a }) => {
                    let (IntOp::Eqz, ty) = fold::integer(op)? else {
                        break;
                    };
                    if ty == Type::I64 {
                        return (!wanted).then_some((Op::I64Ne, a, None));
                    }
                    (cond, wanted) = (self.find(a), !wanted);
                }
                Some(Inst::Binary { op, a, b }) if fold::is_bool(op) => {
                    let op = if wanted { op } else { fold::inverse(op)? };
                    return Some((op, self.find(a), Some(self.find(b))));
                }
                Some(_) | None => break,
            }
        }
        wanted.then_some((Op::I32Ne, cond, None))
    }
}

/// A parameter of a loop's header: its first value, and the constant that is added each time.
#[derive(Clone, Copy)]
pub(super) struct Induction {
    pub(super) around: u32,
    pub(super) start: Value,
    pub(super) step: i64,
}

/// A loop goes round as long as `order` holds between `induction + offset` and `end` (0 if
/// `None`).
#[derive(Clone, Copy)]
pub(super) struct LoopTest {
    pub(super) induction: Induction,
    pub(super) offset: u64,
    pub(super) order: IntOp,
    pub(super) end: Option<Value>,
}

/// The integers from `start` to `start + extent`, modulo 2^32 or 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    start: u64,
    extent: u64,
}

impl Range {
    fn all(mask: u64) -> Range {
        Range::up_to(mask)
    }

    fn up_to(max: u64) -> Range {
        let start = 0;
        Range { start, extent: max }
    }

    fn one(start: u64) -> Range {
        Range { start, extent: 0 }
    }

    /// The greatest unsigned number in the range.
    fn max(self, mask: u64) -> u64 {
        match self.start.checked_add(self.extent) {
            Some(end) if end <= mask => end,
            Some(_) | None => mask,
        }
    }

    /// The least unsigned number in the range.
    fn min(self, mask: u64) -> u64 {
        match self.start.checked_add(self.extent) {
            Some(end) if end <= mask => self.start,
            Some(_) | None => 0,
        }
    }

    fn between(min: u64, max: u64) -> Range {
        let extent = max - min;
        Range { start: min, extent }
    }

    fn add(self, other: Range, mask: u64) -> Range {
        match self.extent.checked_add(other.extent) {
            Some(extent) if extent <= mask => Range {
                start: self.start.wrapping_add(other.start) & mask,
                extent,
            },
            Some(_) | None => Range::all(mask),
        }
    }

    fn negated(self, mask: u64) -> Range {
        let end = self.start.wrapping_add(self.extent);
        Range {
            start: end.wrapping_neg() & mask,
            extent: self.extent,
        }
    }

    fn times(self, factor: u64, mask: u64) -> Range {
        match self.extent.checked_mul(factor) {
            Some(extent) if extent <= mask => Range {
                start: self.start.wrapping_mul(factor) & mask,
                extent,
            },
            Some(_) | None => Range::all(mask),
        }
    }
}

/// The facts that have been found out about a function.
#[derive(Default)]
pub(super) struct Facts {
    ranges: FxHashMap<Value, Range>,
    /// By loop, the greatest number of rounds after the first.
    rounds: FxHashMap<u32, Option<u64>>,
}

impl Facts {
    /// The greatest unsigned number that a value can be.
    pub(super) fn max(&mut self, view: View<'_>, value: Value) -> u64 {
        let mask = mask_of(view.func, value);
        self.range(view, value, LOOK_MAX).max(mask)
    }

    fn range(&mut self, view: View<'_>, value: Value, look: u32) -> Range {
        let value = view.find(value);
        if let Some(bits) = view.constant(value) {
            return Range::one(bits);
        }
        let all = Range::all(mask_of(view.func, value));
        let Some(look) = look.checked_sub(1) else {
            return all;
        };
        if let Some(&known) = self.ranges.get(&value) {
            return known;
        }
        // A value that depends on itself finds that nothing is known of it.
        self.ranges.insert(value, all);
        let range = match view.def(value) {
            Some(inst) => self.range_of(view, value, &inst, look),
            None => self.range_of_param(view, value, look).unwrap_or(all),
        };
        self.ranges.insert(value, range);
        range
    }

    fn range_of(&mut self, view: View<'_>, value: Value, inst: &Inst, look: u32) -> Range {
        let mask = mask_of(view.func, value);
        let all = Range::all(mask);
        match *inst {
            Inst::Unary { op, a } => self.range_of_unary(view, (op, a), mask, look),
            Inst::Binary { op, .. } if fold::is_bool(op) => Range::up_to(1),
            Inst::Binary { op, a, b } => match fold::integer(op) {
                Some((kind, ty)) => self.range_of_binary(view, (kind, ty), a, b, look),
                None => all,
            },
            Inst::Select { a, b, .. } => {
                let (a, b) = (self.range(view, a, look), self.range(view, b, look));
                Range::between(a.min(mask).min(b.min(mask)), a.max(mask).max(b.max(mask)))
            }
            Inst::Load { op, .. } => Range::up_to(loaded_max(op).unwrap_or(mask)),
            Inst::Const { .. }
            | Inst::Const128 { .. }
            | Inst::Keep { .. }
            | Inst::Vm
            | Inst::Cx
            | Inst::Ternary { .. }
            | Inst::Lane { .. }
            | Inst::Replace { .. }
            | Inst::Wide { .. }
            | Inst::Store { .. }
            | Inst::LoadSlot { .. }
            | Inst::StoreSlot { .. }
            | Inst::Atomic { .. }
            | Inst::Fence
            | Inst::TrapIf { .. }
            | Inst::CheckBounds { .. }
            | Inst::Allocate { .. }
            | Inst::Cast { .. }
            | Inst::HasDescriptor { .. }
            | Inst::Helper { .. }
            | Inst::Call { .. }
            | Inst::Caught => all,
        }
    }

    fn range_of_unary(
        &mut self,
        view: View<'_>,
        (op, a): (Op, Value),
        mask: u64,
        look: u32,
    ) -> Range {
        if op == Op::I64ExtendI32U {
            let narrow = u64::from(u32::MAX);
            let a = self.range(view, a, look);
            return Range::between(a.min(narrow), a.max(narrow));
        }
        if op == Op::I32WrapI64 {
            return self.range(view, a, look).times(1, mask);
        }
        match fold::integer(op) {
            Some((IntOp::Clz | IntOp::Ctz | IntOp::Popcnt, ty)) => {
                Range::up_to(u64::from(bits_of(ty)))
            }
            Some((IntOp::Eqz, _)) => Range::up_to(1),
            Some(_) | None => Range::all(mask),
        }
    }

    fn range_of_binary(
        &mut self,
        view: View<'_>,
        (kind, ty): (IntOp, Type),
        a: Value,
        b: Value,
        look: u32,
    ) -> Range {
        let mask = u64::MAX >> (64 - bits_of(ty));
        let by = view.constant(b);
        let (a, b) = (self.range(view, a, look), self.range(view, b, look));
        let (a_max, b_max) = (a.max(mask), b.max(mask));
        let amount = by.map(|by| by & u64::from(bits_of(ty) - 1));
        match (kind, by) {
            (IntOp::Add, _) => a.add(b, mask),
            (IntOp::Sub, _) => a.add(b.negated(mask), mask),
            (IntOp::Mul, Some(by)) => a.times(by, mask),
            (IntOp::Mul, None) if a.extent == 0 => b.times(a.start, mask),
            (IntOp::Shl, Some(_)) => a.times(1 << amount.unwrap_or(0), mask),
            (IntOp::And, _) => Range::up_to(a_max.min(b_max)),
            (IntOp::Or | IntOp::Xor, _) => {
                let free = (a_max | b_max).leading_zeros();
                Range::up_to(u64::MAX.checked_shr(free).unwrap_or(0))
            }
            (IntOp::ShrU, Some(_)) => {
                let amount = amount.unwrap_or(0);
                Range::between(a.min(mask) >> amount, a_max >> amount)
            }
            (IntOp::DivU, Some(by @ 1..)) => Range::between(a.min(mask) / by, a_max / by),
            (IntOp::RemU, Some(by @ 1..)) => Range::up_to(a_max.min(by - 1)),
            (IntOp::Mul | IntOp::Shl | IntOp::ShrU | IntOp::DivU | IntOp::RemU, _)
            | (
                IntOp::DivS
                | IntOp::RemS
                | IntOp::ShrS
                | IntOp::Rotl
                | IntOp::Rotr
                | IntOp::Clz
                | IntOp::Ctz
                | IntOp::Popcnt
                | IntOp::Extend8S
                | IntOp::Extend16S,
                _,
            ) => Range::all(mask),
            (
                IntOp::Eqz
                | IntOp::Eq
                | IntOp::Ne
                | IntOp::LtS
                | IntOp::LtU
                | IntOp::GtS
                | IntOp::GtU
                | IntOp::LeS
                | IntOp::LeU
                | IntOp::GeS
                | IntOp::GeU,
                _,
            ) => Range::up_to(1),
        }
    }

    /// The range of a loop's induction variable, if it is known how often the loop goes round.
    fn range_of_param(&mut self, view: View<'_>, param: Value, look: u32) -> Option<Range> {
        let Induction {
            around,
            start,
            step,
        } = view.induction(param)?;
        let mask = mask_of(view.func, param);
        let rounds = self.rounds(view, around, look)?;
        let moved = rounds.checked_mul(step.unsigned_abs())?;
        let moved = (moved <= mask).then_some(Range::up_to(moved))?;
        let moved = if step < 0 { moved.negated(mask) } else { moved };
        Some(self.range(view, start, look).add(moved, mask))
    }

    /// The greatest number of rounds of a loop after the first.
    fn rounds(&mut self, view: View<'_>, around: u32, look: u32) -> Option<u64> {
        if let Some(&known) = self.rounds.get(&around) {
            return known;
        }
        self.rounds.insert(around, None);
        let rounds = view
            .test(around)
            .and_then(|test| self.rounds_of(view, &test, look));
        self.rounds.insert(around, rounds);
        rounds
    }

    fn rounds_of(&mut self, view: View<'_>, test: &LoopTest, look: u32) -> Option<u64> {
        let Induction { start, step, .. } = test.induction;
        let mask = mask_of(view.func, start);
        let first = self
            .range(view, start, look)
            .add(Range::one(test.offset), mask);
        let end = match test.end {
            None => Range::one(0),
            Some(end) => self.range(view, end, look),
        };
        let by = step.unsigned_abs();
        if test.order == IntOp::Ne {
            if first.extent != 0 || end.extent != 0 || by == 0 {
                return None;
            }
            let distance = end.start.wrapping_sub(first.start);
            let distance = if step < 0 {
                distance.wrapping_neg()
            } else {
                distance
            } & mask;
            return distance.is_multiple_of(by).then_some(distance / by);
        }
        // Signed order is unsigned order half a circle away.
        let half = match test.order {
            IntOp::LtS | IntOp::LeS | IntOp::GtS | IntOp::GeS => Range::one(mask / 2 + 1),
            IntOp::LtU | IntOp::LeU | IntOp::GtU | IntOp::GeU => Range::one(0),
            _ => return None,
        };
        let (first, end) = (first.add(half, mask), end.add(half, mask));
        let upwards = |last: u64| {
            // The first value that ends the loop must not be beyond the end of the circle.
            let stays = step > 0 && last.checked_add(by)? <= mask;
            stays.then(|| last.saturating_sub(first.min(mask)) / by + 1)
        };
        let downwards = |last: u64| {
            let stays = step < 0 && last >= by;
            stays.then(|| first.max(mask).saturating_sub(last) / by + 1)
        };
        match test.order {
            IntOp::LtS | IntOp::LtU => match end.max(mask) {
                0 => Some(0),
                end => upwards(end - 1),
            },
            IntOp::LeS | IntOp::LeU => upwards(end.max(mask)),
            IntOp::GtS | IntOp::GtU => match end.min(mask) {
                end if end == mask => Some(0),
                end => downwards(end + 1),
            },
            IntOp::GeS | IntOp::GeU => downwards(end.min(mask)),
            _ => None,
        }
    }
}

/// The greatest number that a load gives, where that is less than its type has.
fn loaded_max(op: Op) -> Option<u64> {
    let maxima = [
        ([Op::I32Load8U, Op::I64Load8U], u8::MAX.into()),
        ([Op::I32Load16U, Op::I64Load16U], u16::MAX.into()),
        ([Op::I64Load32U; 2], u32::MAX.into()),
    ];
    let row = maxima.into_iter().find(|(ops, _)| ops.contains(&op));
    row.map(|(_, max)| max)
}

/// The number of low bits of a value that are known to be 0.
pub(super) fn zero_bits(view: View<'_>, value: Value, look: u32) -> u32 {
    let value = view.find(value);
    if let Some(bits) = view.constant(value) {
        return bits.trailing_zeros();
    }
    let Some(look) = look.checked_sub(1) else {
        return 0;
    };
    let of = |value| zero_bits(view, value, look);
    match view.def(value) {
        Some(Inst::Unary {
            op: Op::I64ExtendI32U | Op::I64ExtendI32S | Op::I32WrapI64,
            a,
        }) => of(a),
        Some(Inst::Select { a, b, .. }) => of(a).min(of(b)),
        Some(Inst::Binary { op, a, b }) => match (fold::integer(op), view.constant(b)) {
            (Some((IntOp::Shl, ty)), Some(by)) => of(a) + (by as u32 & (bits_of(ty) - 1)),
            (Some((IntOp::Mul, _)), _) => of(a) + of(b),
            (Some((IntOp::And, _)), _) => of(a).max(of(b)),
            (Some((IntOp::Add | IntOp::Sub | IntOp::Or | IntOp::Xor, _)), _) => of(a).min(of(b)),
            (Some(_) | None, _) => 0,
        },
        Some(_) => 0,
        None => match view.induction(value) {
            Some(Induction { start, step, .. }) => of(start).min(step.trailing_zeros()),
            None => 0,
        },
    }
}

/// The number of definitions that [`zero_bits`] looks through.
pub(super) const ZERO_BITS_LOOK: u32 = 6;

fn bits_of(ty: Type) -> u32 {
    match ty {
        Type::I32 => 32,
        Type::I64 | Type::F32 | Type::F64 | Type::V128 | Type::Ref => 64,
    }
}

fn mask_of(func: &FuncSsa, value: Value) -> u64 {
    u64::MAX >> (64 - bits_of(func.ty(value)))
}

/// A constant of a value's type as a signed number.
fn signed(func: &FuncSsa, value: Value, bits: u64) -> i64 {
    match func.ty(value) {
        Type::I32 => i64::from(bits as u32 as i32),
        Type::I64 | Type::F32 | Type::F64 | Type::V128 | Type::Ref => bits as i64,
    }
}
