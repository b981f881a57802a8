//! The optimiser: one walk over the blocks, dominators first, that folds (`opt/simplify.rs`),
//! shares equal computations, and moves what a loop does not change in front of it; then dead code
//! goes, and constants that no instruction takes in are kept in registers around loops.
//!
//! Sharing is value numbering by dominance: an equal pure instruction stands for another if its
//! block dominates the other's. Checks ([`Inst::TrapIf`]) and trapping arithmetic are shared too,
//! but not moved; bounds checks also fall where a greater one has been made (`opt/bounds.rs`).
//! Loads of shapes are shared, and moved out of loops, as long as nothing in between may have
//! changed a shape: blocks between which nothing has are in one epoch.

mod bounds;
mod keep;
mod range;
mod simplify;
mod versions;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::Type;
use crate::ops::Op;

use super::ssa::cfg::Cfg;
use super::ssa::rule::Rule;
use super::ssa::{Block, Class, Def, FuncSsa, Inst, InstData, InstId, Term, Value};
use super::steps::step;
use bounds::{Checks, Fate};
use range::{Facts, View};
use simplify::Simplified;

/// A test: true if an instruction in a loop is shorter with a constant operand in a register.
pub type IsKept = fn(&FuncSsa, &Inst, Value) -> bool;

/// Optimises a function; gives its graph as it is afterwards.
pub fn run(func: &mut FuncSsa, is_kept: IsKept) -> Cfg {
    let mut cfg = Cfg::new(func);
    let has_checks = Walk::new(func, &cfg).run();
    if has_checks && versions::run(func, &cfg) {
        cfg = Cfg::new(func);
    }
    remove_dead(func, &cfg);
    keep::run(func, &cfg, is_kept);
    cfg
}

/// The parts in which equal instructions are equal.
#[derive(PartialEq, Eq, Hash)]
struct SharedKey {
    inst: Inst,
    ty: Option<Type>,
    /// For loads of shapes: during which the shapes are unchanged.
    epoch: u32,
}

struct Walk<'a> {
    func: &'a mut FuncSsa,
    cfg: &'a Cfg,
    /// The value that stands for each value.
    replaced: Vec<Value>,
    /// The block of each value's definition.
    home: Vec<Block>,
    /// The place of each instruction in its block's list, from 1.
    places: Vec<u32>,
    known: FxHashMap<SharedKey, (Value, Block)>,
    checks: Checks,
    facts: Facts,
    /// By loop, true if anything in it may change a shape.
    changes_shape: Vec<bool>,
    /// The finished list of each block.
    lists: Vec<Vec<InstId>>,
    /// Constants and the like, which go to the beginning.
    first: Vec<InstId>,
    /// The epoch at the end of each block.
    epochs: Vec<u32>,
    next_epoch: u32,
    epoch: u32,
    block: Block,
    position: u32,
}

impl<'a> Walk<'a> {
    fn new(func: &'a mut FuncSsa, cfg: &'a Cfg) -> Walk<'a> {
        let blocks = func.blocks.len();
        let home = |data: &super::ssa::ValueData| match data.def {
            Def::Param(block) => block,
            Def::Inst(_) => Block::ENTRY,
        };
        Walk {
            replaced: (0..func.values.len() as u32).map(Value).collect(),
            home: func.values.iter().map(home).collect(),
            places: vec![0; func.insts.len()],
            changes_shape: loops_that_change_shape(func, cfg),
            func,
            cfg,
            known: FxHashMap::default(),
            checks: Checks::default(),
            facts: Facts::default(),
            lists: vec![Vec::new(); blocks],
            first: Vec::new(),
            epochs: vec![0; blocks],
            next_epoch: 0,
            epoch: 0,
            block: Block::ENTRY,
            position: 0,
        }
    }

    /// Walks over all blocks; true if there are bounds checks.
    fn run(mut self) -> bool {
        for n in 0..self.cfg.order.len() {
            let block = self.cfg.order[n];
            self.enter(block);
            for id in std::mem::take(&mut self.func.blocks[block.index()].insts) {
                self.visit(id);
            }
            self.move_limits();
            self.visit_term();
            self.epochs[block.index()] = self.epoch;
        }
        // Arguments of edges may be defined behind them, in loops.
        for &block in &self.cfg.order {
            let replaced = &self.replaced;
            self.func.map_term(block, |v| find(replaced, v));
        }
        self.first.append(&mut self.lists[0]);
        self.lists[0] = self.first;
        for (block, list) in self.func.blocks.iter_mut().zip(self.lists) {
            block.insts = list;
        }
        self.checks.are_made()
    }

    fn enter(&mut self, block: Block) {
        self.block = block;
        self.checks.effect();
        self.epoch = self.epoch_before(block).unwrap_or_else(|| self.new_epoch());
    }

    /// The epoch that a block begins in, if all that leads there ends in the same one.
    fn epoch_before(&self, block: Block) -> Option<u32> {
        let is_header = |n: &u32| self.cfg.loops[*n as usize].header == block;
        let closed = self.cfg.loop_of[block.index()].filter(is_header);
        if closed.is_some_and(|n| self.changes_shape[n as usize]) {
            return None;
        }
        let preds = self.cfg.preds[block.index()].iter();
        let mut before = preds.filter(|&&pred| !self.cfg.dominates(block, pred));
        let epoch = self.epochs[before.next()?.index()];
        before
            .all(|pred| self.epochs[pred.index()] == epoch)
            .then_some(epoch)
    }

    fn new_epoch(&mut self) -> u32 {
        self.next_epoch += 1;
        self.next_epoch
    }

    fn find(&self, value: Value) -> Value {
        find(&self.replaced, value)
    }

    fn visit(&mut self, id: InstId) {
        step(1);
        self.position = self.func.insts[id.index()].position;
        let replaced = &self.replaced;
        self.func.map(id, |v| find(replaced, v));
        match self.simplify_fully(self.func.insts[id.index()].inst) {
            Simplified::To(value) => {
                let result = self.func.result(id);
                self.replaced[result.index()] = value;
            }
            Simplified::Nothing => {}
            Simplified::Inst(inst) => self.place(id, inst),
        }
    }

    /// Puts an instruction that cannot be simplified into a list, unless an equal one is known.
    fn place(&mut self, id: InstId, inst: Inst) {
        self.func.insts[id.index()].inst = inst;
        let results = self.func.insts[id.index()].results;
        let has_result = results > 0;
        if matches!(inst, Inst::CheckBounds { .. }) {
            return self.place_check(id);
        }
        if inst.changes_shape() {
            self.epoch = self.new_epoch();
        }
        if !inst.is_shared() || results > 1 {
            return self.append(self.block, id);
        }
        let ty = has_result.then(|| self.func.ty(self.func.result(id)));
        let is_shape = matches!(
            inst,
            Inst::Load {
                class: Class::Shape,
                ..
            }
        );
        let epoch = if is_shape { self.epoch } else { 0 };
        let key = SharedKey { inst, ty, epoch };
        if let Some(&(value, block)) = self.known.get(&key)
            && self.cfg.dominates(block, self.block)
        {
            Rule::Share.hit();
            if has_result {
                let result = self.func.result(id);
                self.replaced[result.index()] = value;
            }
            return;
        }
        let block = self.block_for(&inst);
        self.known
            .insert(key, (self.func.insts[id.index()].first_result, block));
        self.append(block, id);
    }

    /// Puts a bounds check into the list of the block, unless it is proven or an earlier one takes
    /// it on.
    fn place_check(&mut self, id: InstId) {
        let view = View {
            func: self.func,
            cfg: self.cfg,
            replaced: &self.replaced,
        };
        let (block, home, places) = (self.block, &self.home, &self.places);
        let place = |value: Value| match self.func.values[value.index()].def {
            Def::Inst(id) => places[id.index()],
            Def::Param(_) => 0,
        };
        let is_before = |value: Value, id: InstId| {
            // Of an extended index, only the operand is needed.
            let value = self.func.unary(Op::I64ExtendI32U, value).unwrap_or(value);
            let is_elsewhere = home[value.index()] != block;
            !self.func.is_made_at_use(value) && (is_elsewhere || place(value) < places[id.index()])
        };
        let fate = self
            .checks
            .decide(view, &mut self.facts, (block, id), is_before);
        match fate {
            Fate::Proven => {}
            Fate::Made => self.append(block, id),
            Fate::TakenOn(first, earlier) => {
                let InstData { inst, position, .. } = self.func.insts[id.index()];
                self.func.earlier.insert(first, earlier);
                let data = &mut self.func.insts[first.index()];
                (data.inst, data.position) = (inst, position);
                if let Inst::CheckBounds { limit, .. } = inst
                    && self.home[limit.index()] == block
                    && let Def::Inst(limit) = self.func.values[limit.index()].def
                {
                    self.checks.move_limit(first, limit);
                }
            }
        }
    }

    /// Moves the definitions of the limits of combined checks in front of these.
    fn move_limits(&mut self) {
        let moves = self.checks.take_moves();
        if moves.is_empty() {
            return;
        }
        let moved: FxHashSet<InstId> = moves.values().copied().collect();
        let mut placed = FxHashSet::default();
        let list = &mut self.lists[self.block.index()];
        let mut done = Vec::with_capacity(list.len());
        for id in list.drain(..) {
            if let Some(&limit) = moves.get(&id)
                && placed.insert(limit)
            {
                done.push(limit);
            }
            if !moved.contains(&id) || placed.insert(id) {
                done.push(id);
            }
        }
        *list = done;
    }

    fn append(&mut self, block: Block, id: InstId) {
        for value in self.func.results(id) {
            self.home[value.index()] = block;
        }
        self.places.resize(self.func.insts.len(), 0);
        self.places[id.index()] = self.lists[block.index()].len() as u32 + 1;
        let inst = &self.func.insts[id.index()].inst;
        if is_effect(inst) {
            self.checks.effect();
        }
        if inst.is_made_at_use() {
            self.first.push(id);
        } else {
            self.lists[block.index()].push(id);
        }
    }

    /// Where an instruction goes: in front of all loops that do not change its operands.
    fn block_for(&self, inst: &Inst) -> Block {
        if inst.is_made_at_use() {
            return Block::ENTRY;
        }
        let is_movable = |around: u32| match inst {
            Inst::Load { class, .. } => match class {
                Class::Instance => true,
                Class::Shape => !self.changes_shape[around as usize],
                _ => false,
            },
            _ => inst.is_pure(),
        };
        let is_changed = |around: u32| {
            let mut is_changed = false;
            self.func.visit(inst, |v| {
                is_changed |= self.cfg.is_in_loop(self.home[v.index()], around);
            });
            is_changed
        };
        let Some(inner) = self.cfg.loop_of[self.block.index()] else {
            return self.block;
        };
        let Some(limit) = self.cfg.outermost_entered(inner) else {
            return self.block;
        };
        let leaves = |around: u32| {
            self.cfg.contains(limit, around) && is_movable(around) && !is_changed(around)
        };
        if !leaves(inner) {
            return self.block;
        }
        Rule::MoveOut.hit();
        let outermost = self.cfg.outermost(inner, leaves);
        self.cfg.loops[outermost as usize]
            .preheader
            .expect("loops up to the limit have one")
    }

    /// The value of an instruction that the optimiser makes.
    fn make(&mut self, inst: Inst, ty: Type) -> Value {
        match self.simplify_fully(inst) {
            Simplified::To(value) => value,
            Simplified::Nothing => unreachable!("what has a result is not dropped"),
            Simplified::Inst(inst) => {
                let id = self.func.add_inst(inst, &[ty], self.position);
                let value = self.func.result(id);
                self.replaced.push(value);
                self.home.push(self.block);
                self.place(id, inst);
                self.find(value)
            }
        }
    }

    fn constant(&mut self, ty: Type, bits: u64) -> Value {
        self.make(Inst::Const { bits }, ty)
    }

    fn visit_term(&mut self) {
        let block = self.block;
        let replaced = &self.replaced;
        self.func.map_term(block, |v| find(replaced, v));
        let data = &self.func.blocks[block.index()];
        self.position = data.position;
        if let Term::BrIf { cond } = data.term {
            let (stripped, is_inverted) = self.strip_condition(cond);
            if stripped != cond {
                Rule::BranchByStripped.hit();
            }
            let cond = stripped;
            let data = &mut self.func.blocks[block.index()];
            data.term = Term::BrIf { cond };
            if is_inverted {
                data.edges.swap(0, 1);
            }
        }
    }
}

fn loops_that_change_shape(func: &FuncSsa, cfg: &Cfg) -> Vec<bool> {
    let mut changes = vec![false; cfg.loops.len()];
    let may_change = |id: &InstId| func.insts[id.index()].inst.changes_shape();
    for &block in &cfg.order {
        if let Some(around) = cfg.loop_of[block.index()]
            && !changes[around as usize]
            && func.blocks[block.index()].insts.iter().any(may_change)
        {
            changes[around as usize] = true;
        }
    }
    // A loop comes after the loops around it.
    for n in (0..changes.len()).rev() {
        if let Some(parent) = cfg.loops[n].parent {
            changes[parent as usize] |= changes[n];
        }
    }
    changes
}

/// True if a check behind an instruction may not be made in front of it.
fn is_effect(inst: &Inst) -> bool {
    match *inst {
        Inst::Load { class, .. } => matches!(class, Class::Guarded(_)),
        Inst::CheckBounds { .. } => false,
        _ => !inst.is_pure(),
    }
}

fn find(replaced: &[Value], mut value: Value) -> Value {
    while replaced[value.index()] != value {
        value = replaced[value.index()];
    }
    value
}

/// Drops instructions and parameters that nothing needs. A parameter of a loop would take a
/// register and a move in each round, and constants would be kept for instructions that are gone.
fn remove_dead(func: &mut FuncSsa, cfg: &Cfg) {
    let live = live_values(func, cfg);
    for &block in &cfg.order {
        let insts = std::mem::take(&mut func.blocks[block.index()].insts);
        let is_needed = |id: &InstId| {
            !func.insts[id.index()].inst.is_removable()
                || func.results(*id).any(|v| live[v.index()])
        };
        func.blocks[block.index()].insts = insts.into_iter().filter(is_needed).collect();
        for n in 0..func.blocks[block.index()].edges.len() {
            let to = func.blocks[block.index()].edges[n].to;
            if to != Block::ENTRY {
                let params = &func.blocks[to.index()].params;
                let mut keep: Vec<bool> = params.iter().map(|p| live[p.index()]).collect();
                keep.reverse();
                let args = &mut func.blocks[block.index()].edges[n].args;
                args.retain(|_| keep.pop().expect("an argument for each parameter"));
            }
        }
    }
    for block in &mut func.blocks[1..] {
        block.params.retain(|p| live[p.index()]);
    }
}

fn live_values(func: &FuncSsa, cfg: &Cfg) -> Vec<bool> {
    let mut live = vec![false; func.values.len()];
    let mut work = Vec::new();
    let mut incoming: Vec<Vec<(Block, usize)>> = vec![Vec::new(); func.blocks.len()];
    let mut place = vec![None; func.values.len()];
    for block in &func.blocks {
        for (n, param) in block.params.iter().enumerate() {
            place[param.index()] = Some(n);
        }
    }
    for &block in &cfg.order {
        let data = &func.blocks[block.index()];
        for &id in &data.insts {
            let inst = &func.insts[id.index()].inst;
            if !inst.is_removable() {
                func.visit(inst, |v| work.push(v));
            }
        }
        for (n, edge) in data.edges.iter().enumerate() {
            incoming[edge.to.index()].push((block, n));
        }
        data.term.visit(&func.lists, |v| work.push(v));
    }
    while let Some(value) = work.pop() {
        if std::mem::replace(&mut live[value.index()], true) {
            continue;
        }
        match func.values[value.index()].def {
            Def::Inst(id) => func.visit(&func.insts[id.index()].inst, |v| work.push(v)),
            Def::Param(block) => {
                let Some(n) = place[value.index()] else {
                    continue;
                };
                for &(from, edge) in &incoming[block.index()] {
                    work.extend(func.blocks[from.index()].edges[edge].args.get(n));
                }
            }
        }
    }
    live
}
