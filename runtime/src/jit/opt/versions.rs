//! Loops in two versions: one without the bounds checks that are known to pass, one with all.
//!
//! In front of an innermost loop whose number of rounds is known there, the last index of each
//! access that moves evenly is compared with its limit. If all of these are inside, the version
//! without their checks runs; else the version that is as it was, so that a trap comes in its round
//! and with the memory as it must be then.
//!
//! The versions meet where the loop is left, by a single edge: values of the loop that are used
//! behind become parameters there.

use rustc_hash::{FxHashMap, FxHashSet};

use super::bounds::length_of;
use super::range::{LoopTest, View};
use crate::ir::Type;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{Block, Def, Edge, FuncSsa, Inst, InstId, Term, Value};
use crate::ops::Op;

/// Loops of more blocks or instructions have one version.
const BLOCKS_MAX: usize = 8;
const INSTS_MAX: usize = 160;
/// A version without checks has one less for this many instructions at least.
const GAIN: usize = 8;
/// Loops that go round less often, as far as that is seen, have one version.
const ROUNDS_MIN: u64 = 8;
/// The number of comparisons in front of a loop.
const GROUPS_MAX: usize = 6;
/// The number of definitions that an index is traced through.
const LOOK_MAX: u32 = 6;

/// Gives loops a version without checks; true if there is one.
pub(super) fn run(func: &mut FuncSsa, cfg: &Cfg) -> bool {
    let loops = simple_loops(func, cfg);
    if loops.is_empty() {
        return false;
    }
    let mut versions = Versions::new(func, cfg, &loops);
    for body in &loops {
        versions.split(body);
    }
    versions.finish()
}

/// An innermost loop that is left by one edge.
struct Body {
    around: u32,
    preheader: Block,
    blocks: Vec<Block>,
    test: LoopTest,
    /// The block that the loop is left from, the number of the edge, and the block behind.
    exit: (Block, usize, Block),
}

fn simple_loops(func: &FuncSsa, cfg: &Cfg) -> Vec<Body> {
    if cfg.loops.is_empty() {
        return Vec::new();
    }
    let mut is_innermost = vec![true; cfg.loops.len()];
    for parent in cfg.loops.iter().filter_map(|it| it.parent) {
        is_innermost[parent as usize] = false;
    }
    let mut blocks = vec![Vec::new(); cfg.loops.len()];
    let mut has_check = vec![false; cfg.loops.len()];
    for &block in &cfg.order {
        if let Some(around) = cfg.loop_of[block.index()]
            && is_innermost[around as usize]
        {
            blocks[around as usize].push(block);
            let mut insts = func.blocks[block.index()].insts.iter();
            has_check[around as usize] |=
                insts.any(|id| matches!(func.insts[id.index()].inst, Inst::CheckBounds { .. }));
        }
    }
    let view = View::final_of(func, cfg);
    let with_checks = blocks.into_iter().zip(has_check).enumerate();
    let with_checks = with_checks.filter(|(_, (_, has_check))| *has_check);
    let body = |(around, (blocks, _))| body_of(view, around as u32, blocks);
    with_checks.filter_map(body).collect()
}

fn body_of(view: View<'_>, around: u32, blocks: Vec<Block>) -> Option<Body> {
    let (func, cfg) = (view.func, view.cfg);
    let preheader = cfg.loops[around as usize].preheader?;
    if blocks.len() > BLOCKS_MAX || insts_of(func, &blocks).count() > INSTS_MAX {
        return None;
    }
    let mut exit = None;
    for &block in &blocks {
        let data = &func.blocks[block.index()];
        let is_copied = |id: &InstId| func.insts[id.index()].inst.is_copied();
        let is_branch = matches!(
            data.term,
            Term::Br | Term::BrIf { .. } | Term::BrTable { .. }
        );
        if !is_branch || !data.insts.iter().all(is_copied) {
            return None;
        }
        for (n, edge) in data.edges.iter().enumerate() {
            if cfg.loop_of[edge.to.index()] != Some(around)
                && exit.replace((block, n, edge.to)).is_some()
            {
                return None;
            }
        }
    }
    Some(Body {
        around,
        preheader,
        blocks,
        test: view.test(around)?,
        exit: exit?,
    })
}

/// The instructions of blocks.
fn insts_of<'a>(func: &'a FuncSsa, blocks: &'a [Block]) -> impl Iterator<Item = &'a InstId> {
    let insts = blocks.iter().map(|block| &func.blocks[block.index()].insts);
    insts.flatten()
}

/// The change of a value in each round of a loop.
#[derive(Clone, Copy, PartialEq)]
enum Stride {
    Constant(i64),
    /// A value that the loop does not change, taken as an unsigned number.
    Unchanged(Value),
}

/// Checks of one memory whose indices differ by constants.
struct CheckGroup {
    memory: u32,
    length: Value,
    root: Value,
    /// The checks, with the constant that each adds to the root.
    checks: Vec<(InstId, i64)>,
}

/// The copies of a loop's blocks and values.
type Copies = (FxHashMap<Block, Block>, FxHashMap<Value, Value>);

struct Versions<'a> {
    func: &'a mut FuncSsa,
    cfg: &'a Cfg,
    /// The block of each value's definition.
    home: Vec<Block>,
    /// Values of the loops that are used outside of them.
    leaving: FxHashSet<Value>,
    /// The parameters that stand for such values behind their loops.
    behind: FxHashMap<Value, Value>,
    first_new_block: usize,
    /// Instructions for the preheader at hand.
    front: Vec<InstId>,
    position: u32,
}

impl<'a> Versions<'a> {
    fn new(func: &'a mut FuncSsa, cfg: &'a Cfg, loops: &[Body]) -> Versions<'a> {
        let mut home = vec![Block::ENTRY; func.values.len()];
        for &block in &cfg.order {
            let data = &func.blocks[block.index()];
            for param in &data.params {
                home[param.index()] = block;
            }
            for value in data.insts.iter().flat_map(|&id| func.results(id)) {
                home[value.index()] = block;
            }
        }
        let first_new_block = func.blocks.len();
        let mut versions = Versions {
            func,
            cfg,
            home,
            leaving: FxHashSet::default(),
            behind: FxHashMap::default(),
            first_new_block,
            front: Vec::new(),
            position: 0,
        };
        versions.find_leaving(loops);
        versions
    }

    fn find_leaving(&mut self, loops: &[Body]) {
        let mut is_wanted = vec![false; self.cfg.loops.len()];
        for body in loops {
            is_wanted[body.around as usize] = true;
        }
        for &block in &self.cfg.order {
            let around = self.cfg.loop_of[block.index()];
            let mut used = |value: Value| {
                let own = self.cfg.loop_of[self.home[value.index()].index()];
                if own.is_some_and(|n| is_wanted[n as usize]) && own != around {
                    self.leaving.insert(value);
                }
            };
            for id in &self.func.blocks[block.index()].insts {
                self.func
                    .visit(&self.func.insts[id.index()].inst, &mut used);
                for access in self.func.earlier.get(id).into_iter().flatten() {
                    used(access.index);
                }
            }
            self.func.visit_term(block, &mut used);
        }
    }

    fn view(&self) -> View<'_> {
        View::final_of(self.func, self.cfg)
    }

    /// True if a loop does not change a value.
    fn is_unchanged(&self, around: u32, value: Value) -> bool {
        match self.home.get(value.index()) {
            Some(home) => self.cfg.loop_of[home.index()] != Some(around),
            None => true, // made for a preheader
        }
    }

    // --- one loop --------------------------------------------------------------------------------

    fn split(&mut self, body: &Body) {
        let (_, _, behind) = body.exit;
        let leaving: Vec<Value> = self
            .values_of(body)
            .filter(|value| self.leaving.contains(value))
            .collect();
        if self.cfg.preds[behind.index()].len() > 1 && !leaving.is_empty() {
            return;
        }
        self.front.clear();
        self.position = self.func.blocks[body.preheader.index()].position;
        let groups = self.groups(body);
        let Some((cond, proven)) = self.condition(body, groups) else {
            return;
        };
        if insts_of(self.func, &body.blocks).count() > GAIN * proven.len() {
            return;
        }
        Rule::TwoVersions.hit();
        let copies = self.copy(body);
        self.meet(body, &copies, &leaving);
        self.enter(body, &copies, cond);
        for block in &body.blocks {
            let insts = &mut self.func.blocks[block.index()].insts;
            insts.retain(|id| !proven.contains(id));
        }
    }

    fn values_of(&self, body: &Body) -> impl Iterator<Item = Value> + use<'_> {
        let blocks: Vec<Block> = body.blocks.clone();
        blocks.into_iter().flat_map(|block| {
            let data = &self.func.blocks[block.index()];
            let results = data.insts.iter().flat_map(|&id| self.func.results(id));
            data.params.iter().copied().chain(results)
        })
    }

    fn groups(&self, body: &Body) -> Vec<CheckGroup> {
        let mut groups: Vec<CheckGroup> = Vec::new();
        for &id in insts_of(self.func, &body.blocks) {
            let Inst::CheckBounds {
                memory,
                index,
                limit,
                ..
            } = self.func.insts[id.index()].inst
            else {
                continue;
            };
            let Some(narrow) = self.func.unary(Op::I64ExtendI32U, index) else {
                continue;
            };
            let length = length_of(self.func, limit);
            if !self.is_unchanged(body.around, limit) {
                continue;
            }
            let (root, by) = self.view().linear(narrow);
            let check = (id, i64::from(by as u32 as i32));
            let is_same =
                |it: &&mut CheckGroup| (it.memory, it.length, it.root) == (memory, length, root);
            match groups.iter_mut().find(is_same) {
                Some(group) => group.checks.push(check),
                None => groups.push(CheckGroup {
                    memory,
                    length,
                    root,
                    checks: vec![check],
                }),
            }
        }
        groups
    }

    /// The condition of the version without checks, and the checks that it has not. Its
    /// computation is in `front`.
    fn condition(
        &mut self,
        body: &Body,
        groups: Vec<CheckGroup>,
    ) -> Option<(Value, FxHashSet<InstId>)> {
        if groups.is_empty() {
            return None;
        }
        let (rounds, mut cond) = self.rounds(&body.test, body.around)?;
        let mut proven = FxHashSet::default();
        for group in groups.into_iter().take(GROUPS_MAX) {
            let Some((start, stride)) = self.affine(body.around, group.root, LOOK_MAX) else {
                continue;
            };
            let least = group.checks.iter().map(|check| check.1).min()?;
            let reach_of = |&(id, by): &(InstId, i64)| {
                let Inst::CheckBounds { reach, limit, .. } = self.func.insts[id.index()].inst
                else {
                    unreachable!("groups are of checks")
                };
                (reach.saturating_add((by - least) as u64), by, limit)
            };
            let (_, by, limit) = group.checks.iter().map(reach_of).max_by_key(|it| it.0)?;
            let least_bits = self.constant(Type::I32, u64::from(least as i32 as u32));
            let first = self.binary(Op::I32Add, start, least_bits);
            let first = self.extended(first);
            let more = self.constant(Type::I64, (by - least) as u64);
            let first_end = self.binary(Op::I64Add, first, more);
            let last_end = match stride {
                Stride::Constant(step) if step >= 0 => {
                    let moved = self.times(rounds, step as u64);
                    self.binary(Op::I64Add, first_end, moved)
                }
                Stride::Constant(step) => {
                    let moved = self.times(rounds, step.unsigned_abs());
                    let stays = self.binary(Op::I64GeU, first, moved);
                    cond = Some(self.both(cond, stays));
                    first_end
                }
                Stride::Unchanged(step) => {
                    let step = self.extended(step);
                    let moved = self.binary(Op::I64Mul, rounds, step);
                    self.binary(Op::I64Add, first_end, moved)
                }
            };
            let is_inside = self.binary(Op::I64LtU, last_end, limit);
            cond = Some(self.both(cond, is_inside));
            proven.extend(group.checks.iter().map(|check| check.0));
        }
        let cond = cond.filter(|_| !proven.is_empty())?;
        Some((cond, proven))
    }

    /// The number of rounds after the first, below 2^32, and a condition that this is so.
    fn rounds(&mut self, test: &LoopTest, around: u32) -> Option<(Value, Option<Value>)> {
        let start = test.induction.start;
        if self.func.ty(start) != Type::I32 || self.is_rest(start) {
            return None;
        }
        let end = match test.end {
            None => self.constant(Type::I32, 0),
            Some(end) => end,
        };
        if !self.is_unchanged(around, end) || self.is_rest(end) {
            return None;
        }
        let offset = self.constant(Type::I32, test.offset);
        let first = self.binary(Op::I32Add, start, offset);
        let (order, step) = (test.order, test.induction.step);
        let (low, high) = if step < 0 { (end, first) } else { (first, end) };
        let distance = self.binary(Op::I32Sub, high, low);
        if order == IntOp::Ne && step.unsigned_abs().is_power_of_two() {
            return Some(self.even_rounds(distance, step.unsigned_abs().trailing_zeros()));
        }
        let is_upwards = step == 1 && matches!(order, IntOp::LtS | IntOp::LtU);
        let is_downwards = step == -1 && matches!(order, IntOp::GtS | IntOp::GtU);
        if !is_upwards && !is_downwards {
            return None;
        }
        let goes_on = self.binary(order.of_type(Type::I32), first, end);
        Some((self.distance_if(goes_on, distance), None))
    }

    /// True for a number below [`ROUNDS_MIN`] by a mask, negated or not: the rounds that an
    /// unrolled loop leaves.
    fn is_rest(&self, value: Value) -> bool {
        let Some(Inst::Binary { op, a, b }) = self.func.def(value) else {
            return false;
        };
        if op == Op::I32Sub && self.func.constant(a) == Some(0) {
            return self.is_rest(b);
        }
        op == Op::I32And && self.func.constant(b).is_some_and(|mask| mask < ROUNDS_MIN)
    }

    /// The rounds of a distance in steps of a power of two, and a condition that it is divisible.
    fn even_rounds(&mut self, distance: Value, shift: u32) -> (Value, Option<Value>) {
        let rounds = self.extended(distance);
        if shift == 0 {
            return (rounds, None);
        }
        let rest = self.constant(Type::I32, (1 << shift) - 1);
        let rest = self.binary(Op::I32And, distance, rest);
        let is_even = self.unary(Op::I32Eqz, rest);
        let shift = self.constant(Type::I64, u64::from(shift));
        (self.binary(Op::I64ShrU, rounds, shift), Some(is_even))
    }

    fn distance_if(&mut self, goes_on: Value, distance: Value) -> Value {
        let zero = self.constant(Type::I32, 0);
        let inst = Inst::Select {
            cond: goes_on,
            a: distance,
            b: zero,
        };
        let distance = self.front(inst, Type::I32);
        self.extended(distance)
    }

    /// A value of type i32 as one in front of the loop that changes evenly.
    fn affine(&mut self, around: u32, value: Value, look: u32) -> Option<(Value, Stride)> {
        if self.is_unchanged(around, value) {
            return Some((value, Stride::Constant(0)));
        }
        let look = look.checked_sub(1)?;
        let Some(inst) = self.func.def(value) else {
            return self.affine_param(around, value);
        };
        let Inst::Binary { op, a, b } = inst else {
            return None;
        };
        let (kind, ty) = fold::integer(op)?;
        if ty != Type::I32 {
            return None;
        }
        let (a, a_stride) = self.affine(around, a, look)?;
        let (b, b_stride) = self.affine(around, b, look)?;
        let stride = self.stride(kind, a_stride, (b, b_stride))?;
        Some((self.binary(op, a, b), stride))
    }

    fn stride(&mut self, kind: IntOp, a: Stride, (b, b_stride): (Value, Stride)) -> Option<Stride> {
        let unchanged = Stride::Constant(0);
        let small = |stride: i64| i32::try_from(stride).ok().map(|_| Stride::Constant(stride));
        match (kind, a, b_stride) {
            (IntOp::Add, a, b) if b == unchanged => Some(a),
            (IntOp::Add, a, b) if a == unchanged => Some(b),
            (IntOp::Add, Stride::Constant(a), Stride::Constant(b)) => small(a + b),
            (IntOp::Sub, a, b) if b == unchanged => Some(a),
            (IntOp::Sub, Stride::Constant(a), Stride::Constant(b)) => small(a - b),
            (IntOp::Shl, Stride::Constant(a), b_stride) if b_stride == unchanged => {
                let by = self.func.constant(b)? & 31;
                small(a.checked_mul(1 << by)?)
            }
            (IntOp::Mul, Stride::Constant(a), b_stride) if b_stride == unchanged => {
                match self.func.constant(b) {
                    Some(by) => small(a.checked_mul(i64::from(by as u32 as i32))?),
                    None if a == 1 => Some(Stride::Unchanged(b)),
                    None => None,
                }
            }
            (_, _, _) => None,
        }
    }

    fn affine_param(&mut self, around: u32, param: Value) -> Option<(Value, Stride)> {
        if let Some(induction) = self.view().induction(param) {
            let stride = Stride::Constant(induction.step);
            return (induction.around == around).then_some((induction.start, stride));
        }
        let (start, next) = self.view().first_and_next(around, param)?;
        let (a, b) = self.func.binary(Op::I32Add, next)?;
        let step = match (a == param, b == param) {
            (true, false) => b,
            (false, true) => a,
            (true, true) | (false, false) => return None,
        };
        let is_even = self.is_unchanged(around, step);
        is_even.then_some((start, Stride::Unchanged(step)))
    }

    // --- the preheader ---------------------------------------------------------------------------

    fn front(&mut self, inst: Inst, ty: Type) -> Value {
        let id = self.func.add_inst(inst, &[ty], self.position);
        self.front.push(id);
        self.func.result(id)
    }

    fn constant(&mut self, ty: Type, bits: u64) -> Value {
        self.front(Inst::Const { bits }, ty)
    }

    fn unary(&mut self, op: Op, a: Value) -> Value {
        if let Some(a) = self.func.constant(a)
            && let Some(bits) = fold::evaluate(op, &[a])
        {
            return self.constant(fold::result_type(op), bits);
        }
        self.front(Inst::Unary { op, a }, fold::result_type(op))
    }

    fn binary(&mut self, op: Op, a: Value, b: Value) -> Value {
        let (x, y) = (self.func.constant(a), self.func.constant(b));
        if let (Some(x), Some(y)) = (x, y)
            && let Some(bits) = fold::evaluate(op, &[x, y])
        {
            return self.constant(fold::result_type(op), bits);
        }
        let is_sum = matches!(fold::integer(op), Some((IntOp::Add | IntOp::Sub, _)));
        if is_sum && y == Some(0) {
            return a;
        }
        self.front(Inst::Binary { op, a, b }, fold::result_type(op))
    }

    fn extended(&mut self, a: Value) -> Value {
        self.unary(Op::I64ExtendI32U, a)
    }

    fn times(&mut self, a: Value, factor: u64) -> Value {
        if factor.is_power_of_two() {
            let by = self.constant(Type::I64, u64::from(factor.trailing_zeros()));
            return self.binary(Op::I64Shl, a, by);
        }
        let factor = self.constant(Type::I64, factor);
        self.binary(Op::I64Mul, a, factor)
    }

    fn both(&mut self, a: Option<Value>, b: Value) -> Value {
        match a {
            None => b,
            Some(a) => self.binary(Op::I32And, a, b),
        }
    }

    // --- the second version ----------------------------------------------------------------------

    /// Copies a loop; gives the copies of its blocks and values.
    fn copy(&mut self, body: &Body) -> Copies {
        let slow_entry = self.func.add_block();
        let mut blocks = FxHashMap::default();
        let mut values = FxHashMap::default();
        blocks.insert(body.preheader, slow_entry);
        for &block in &body.blocks {
            let copy = self.func.add_block();
            blocks.insert(block, copy);
            for param in self.func.blocks[block.index()].params.clone() {
                let new = self.func.add_value(self.func.ty(param), Def::Param(copy));
                self.func.blocks[copy.index()].params.push(new);
                values.insert(param, new);
            }
        }
        // All results exist before any operand is replaced.
        let mut pairs = Vec::new();
        for &block in &body.blocks {
            for id in self.func.blocks[block.index()].insts.clone() {
                let data = self.func.insts[id.index()];
                let types: Vec<Type> = self.func.results(id).map(|v| self.func.ty(v)).collect();
                let new = self.func.add_inst(data.inst, &types, data.position);
                let results = self.func.results(id).zip(self.func.results(new));
                values.extend(results);
                self.func.blocks[blocks[&block].index()].insts.push(new);
                pairs.push((id, new));
            }
        }
        let of = |value: Value| values.get(&value).copied().unwrap_or(value);
        for (old, new) in pairs {
            self.func.map(new, of);
            if let Some(mut earlier) = self.func.earlier.get(&old).cloned() {
                earlier.iter_mut().for_each(|it| it.index = of(it.index));
                self.func.earlier.insert(new, earlier);
            }
        }
        for &block in &body.blocks {
            let copy = blocks[&block];
            let old = &self.func.blocks[block.index()];
            let (term, position) = (old.term, old.position);
            let mut edges = old.edges.clone();
            for edge in &mut edges {
                edge.to = blocks.get(&edge.to).copied().unwrap_or(edge.to);
            }
            let data = &mut self.func.blocks[copy.index()];
            (data.term, data.position, data.edges) = (term, position, edges);
            self.func.map_term(copy, of);
        }
        (blocks, values)
    }

    /// Gives the block behind the loop parameters for what is used there.
    fn meet(&mut self, body: &Body, (blocks, values): &Copies, leaving: &[Value]) {
        let (from, n, to) = body.exit;
        for &value in leaving {
            let param = self.func.add_value(self.func.ty(value), Def::Param(to));
            self.func.blocks[to.index()].params.push(param);
            self.func.blocks[from.index()].edges[n].args.push(value);
            let copy = &mut self.func.blocks[blocks[&from].index()];
            copy.edges[n].args.push(values[&value]);
            self.behind.insert(value, param);
        }
    }

    /// Makes the preheader choose between the versions; each has a preheader of its own.
    fn enter(&mut self, body: &Body, (blocks, _): &Copies, cond: Value) {
        let preheader = body.preheader;
        let fast_entry = self.func.add_block();
        let slow_entry = blocks[&preheader];
        self.func.follows.push((preheader, fast_entry));
        let edge = self.func.blocks[preheader.index()].edges[0].clone();
        let slow_edge = Edge {
            to: blocks[&edge.to],
            args: edge.args.clone(),
        };
        for (block, edge) in [(fast_entry, edge), (slow_entry, slow_edge)] {
            let data = &mut self.func.blocks[block.index()];
            data.term = Term::Br;
            data.position = self.position;
            data.edges = vec![edge];
        }
        let data = &mut self.func.blocks[preheader.index()];
        data.insts.append(&mut self.front);
        data.term = Term::BrIf { cond };
        data.edges = vec![Edge::bare(fast_entry), Edge::bare(slow_entry)];
    }

    /// Replaces what is used behind loops; true if any loop has two versions.
    fn finish(self) -> bool {
        let Versions {
            func,
            cfg,
            home,
            behind,
            first_new_block,
            ..
        } = self;
        if func.blocks.len() == first_new_block {
            return false;
        }
        if behind.is_empty() {
            return true;
        }
        for n in 0..func.blocks.len() {
            let block = Block(n as u32);
            let around = cfg.loop_of.get(n).copied().flatten();
            let of = |value: Value| match behind.get(&value) {
                Some(&param) => {
                    let own = cfg.loop_of[home[value.index()].index()];
                    let is_inside = n < first_new_block && own == around;
                    if is_inside { value } else { param }
                }
                None => value,
            };
            for i in 0..func.blocks[n].insts.len() {
                let id = func.blocks[n].insts[i];
                func.map(id, of);
                if let Some(earlier) = func.earlier.get_mut(&id) {
                    earlier.iter_mut().for_each(|it| it.index = of(it.index));
                }
            }
            func.map_term(block, of);
        }
        true
    }
}
