//! Slots to values: SSA construction on demand, without recursion.
//!
//! A read of a slot that its block has not written looks upwards through single predecessors that
//! are done. Where blocks meet, it leaves a parameter. At the end, when every block has its last
//! writes, dominance says (`build/reaching.rs`) which parameters different values meet in, and what
//! the others stand for; arguments may ask for more. Those that turn out to have one argument only
//! are then replaced by it (Braun et al., 2013). So only what is read becomes a parameter.

use std::collections::HashMap;

use crate::ir::{self, BlockId, Inst as IrInst, Slot, Type};

use super::reaching::{Reaching, Source};
use super::state::load_of;
use crate::engine::FrameShape;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Class, Def, Func, Inst, Value};

const SLOT_BYTES: u32 = 8;

/// The values of slots at the ends of blocks, as far as they are known.
pub(super) struct Vars {
    /// The latest value that a block has for a slot.
    latest: HashMap<(Block, Slot), Value>,
    /// The same, of what blocks have written themselves.
    written: HashMap<(Block, Slot), Value>,
    /// A zero of each type, for what is read and never written.
    zeros: HashMap<Type, Value>,
    /// Blocks with an edge to the block, each once.
    preds: Vec<Vec<Block>>,
    /// Blocks in which nothing more will be written.
    is_done: Vec<bool>,
    /// Parameters to find arguments for.
    params: Vec<Param>,
    /// The slots that the function begins with, if they are all in memory: their address, and where
    /// they lie there.
    resumed: Option<(Value, FrameShape)>,
}

struct Param {
    value: Value,
    block: Block,
    slot: Slot,
    ty: Type,
    /// By predecessor, if different values may meet here.
    args: Vec<Value>,
    /// Else what it stands for.
    stands_for: Option<Value>,
}

/// The targets of a branch, each once, in ascending order.
pub(super) fn distinct(labels: &[BlockId]) -> Vec<BlockId> {
    let mut all = labels.to_vec();
    all.sort_unstable();
    all.dedup();
    all
}

/// Calls `f` for each distinct block that a terminator leads to.
pub(super) fn successors(ir: &ir::Func, inst: &IrInst, mut f: impl FnMut(BlockId)) {
    match *inst {
        IrInst::Br { target } => f(target),
        IrInst::BrIf { then, other, .. }
        | IrInst::BrIfNull { then, other, .. }
        | IrInst::BrOnCast { then, other, .. } => {
            f(then);
            if then != other {
                f(other);
            }
        }
        IrInst::BrTable { targets, .. } => {
            let range = targets.start as usize..(targets.start + targets.len) as usize;
            distinct(&ir.labels[range]).into_iter().for_each(f);
        }
        _ => {} // no other instruction has labels
    }
}

impl Vars {
    /// Nothing written yet; `preds` are the blocks with an edge to each block, each once.
    pub(super) fn new(preds: Vec<Vec<Block>>) -> Vars {
        Vars {
            latest: HashMap::new(),
            is_done: vec![false; preds.len()],
            written: HashMap::new(),
            zeros: HashMap::new(),
            preds,
            params: Vec::new(),
            resumed: None,
        }
    }

    /// Notes that the function begins with its slots in memory.
    pub(super) fn resume(&mut self, slots: Value, frame: FrameShape) {
        self.resumed = Some((slots, frame));
    }

    /// The value of a slot at the beginning of a block that nothing leads to.
    fn initial(&mut self, func: &mut Func, block: Block, slot: Slot, ty: Type) -> Value {
        match self.resumed {
            Some((base, frame)) if block == Block::ENTRY => {
                let load = Inst::Load {
                    op: load_of(ty),
                    class: Class::Transfer,
                    base,
                    offset: (frame.slot(slot.0) * SLOT_BYTES) as i32,
                };
                let id = func.add_inst(load, &[ty], 0);
                func.blocks[0].insts.push(id);
                func.result(id)
            }
            _ => self.undefined(func, ty),
        }
    }

    /// Whether any edge leads to a block.
    pub(super) fn is_reached(&self, block: Block) -> bool {
        !self.preds[block.index()].is_empty()
    }

    /// Notes that nothing more will be written in a block.
    pub(super) fn end(&mut self, block: Block) {
        self.is_done[block.index()] = true;
    }

    pub(super) fn write(&mut self, block: Block, slot: Slot, value: Value) {
        self.latest.insert((block, slot), value);
        self.written.insert((block, slot), value);
    }

    /// The value of a slot at the end of what a block has so far.
    pub(super) fn read(&mut self, func: &mut Func, block: Block, slot: Slot, ty: Type) -> Value {
        let mut passed = Vec::new();
        let mut at = block;
        let value = loop {
            if let Some(&value) = self.latest.get(&(at, slot)) {
                break value;
            }
            passed.push(at);
            match self.preds[at.index()][..] {
                [only] if self.is_done[only.index()] => at = only,
                [] => break self.initial(func, at, slot, ty),
                _ => break self.param(func, at, slot, ty),
            }
        };
        for at in passed {
            self.latest.insert((at, slot), value);
        }
        value
    }

    fn param(&mut self, func: &mut Func, block: Block, slot: Slot, ty: Type) -> Value {
        let value = func.add_value(ty, Def::Param(block));
        self.params.push(Param {
            value,
            block,
            slot,
            ty,
            args: Vec::new(),
            stands_for: None,
        });
        value
    }

    /// Finds all arguments, drops needless parameters, and completes the edges.
    pub(super) fn finish(mut self, mut func: Func) -> Func {
        let mut reaching = Reaching::new(Cfg::new(&func), std::mem::take(&mut self.written));
        let mut met: HashMap<(Block, Slot), Value> = HashMap::new();
        for param in &self.params {
            met.insert((param.block, param.slot), param.value);
        }
        let mut next = 0;
        while next < self.params.len() {
            self.find_arguments(&mut func, &mut reaching, &mut met, next);
            next += 1;
        }
        let replaced = self.replace_needless(&mut func);
        self.attach(&mut func, &replaced);
        apply(&mut func, &replaced);
        func
    }

    fn find_arguments(
        &mut self,
        func: &mut Func,
        reaching: &mut Reaching,
        met: &mut HashMap<(Block, Slot), Value>,
        n: usize,
    ) {
        let Param {
            block, slot, ty, ..
        } = self.params[n];
        if !reaching.is_reachable(block) {
            self.params[n].stands_for = Some(self.undefined(func, ty));
        } else if reaching.is_met(block, slot) {
            let preds = self.preds[block.index()].clone();
            let args = preds.into_iter().map(|pred| {
                if !reaching.is_reachable(pred) {
                    return self.undefined(func, ty);
                }
                let source = reaching.at_end(pred, slot);
                self.value_of(func, met, source, (slot, ty))
            });
            self.params[n].args = args.collect();
        } else {
            let source = reaching.at_start(block, slot);
            self.params[n].stands_for = Some(self.value_of(func, met, source, (slot, ty)));
        }
    }

    fn value_of(
        &mut self,
        func: &mut Func,
        met: &mut HashMap<(Block, Slot), Value>,
        source: Source,
        (slot, ty): (Slot, Type),
    ) -> Value {
        match source {
            Source::Written(value) => value,
            Source::Met(block) => *met
                .entry((block, slot))
                .or_insert_with(|| self.param(func, block, slot, ty)),
            Source::Initial => match self.latest.get(&(Block::ENTRY, slot)) {
                Some(&value) => value,
                None => {
                    let value = self.initial(func, Block::ENTRY, slot, ty);
                    self.latest.insert((Block::ENTRY, slot), value);
                    value
                }
            },
        }
    }

    /// For each value, what stands for it.
    fn replace_needless(&mut self, func: &mut Func) -> Replaced {
        let mut replaced = Replaced((0..func.values.len() as u32).map(Value).collect());
        for param in &self.params {
            if let Some(value) = param.stands_for {
                replaced.0[param.value.index()] = value;
            }
        }
        let index_of: HashMap<Value, usize> = (0..self.params.len())
            .map(|i| (self.params[i].value, i))
            .collect();
        let mut users = vec![Vec::new(); self.params.len()];
        for (i, param) in self.params.iter().enumerate() {
            for &arg in &param.args {
                if let Some(&of) = index_of.get(&replaced.find(arg)) {
                    users[of].push(i);
                }
            }
        }
        let mut work: Vec<usize> = (0..self.params.len()).rev().collect();
        while let Some(i) = work.pop() {
            let value = self.params[i].value;
            if replaced.find(value) != value {
                continue;
            }
            if let Some(only) = self.only_argument(func, &mut replaced, i) {
                replaced.0[value.index()] = only;
                work.extend(&users[i]);
                if let Some(&other) = index_of.get(&only) {
                    let moved = users[i].clone();
                    users[other].extend(moved);
                }
            }
        }
        (0..replaced.0.len() as u32).for_each(|n| {
            replaced.find(Value(n));
        });
        replaced
    }

    /// The one value that a parameter can have.
    fn only_argument(
        &mut self,
        func: &mut Func,
        replaced: &mut Replaced,
        i: usize,
    ) -> Option<Value> {
        let param = &self.params[i];
        let ty = param.ty;
        let mut only = None;
        for &arg in &param.args {
            let arg = replaced.find(arg);
            if arg == param.value || only == Some(arg) {
                continue;
            }
            if only.is_some() {
                return None;
            }
            only = Some(arg);
        }
        // A parameter of nothing but itself is never defined, so never used in what can be reached.
        Some(only.unwrap_or_else(|| {
            let value = self.undefined(func, ty);
            replaced.0.resize(func.values.len(), value); // if it is new: itself
            value
        }))
    }

    /// A value for what is read but never written: zero, made in the entry.
    fn undefined(&mut self, func: &mut Func, ty: Type) -> Value {
        *self.zeros.entry(ty).or_insert_with(|| {
            let inst = match ty {
                Type::V128 => Inst::Const128 { low: 0, high: 0 },
                _ => Inst::Const { bits: 0 },
            };
            let id = func.add_inst(inst, &[ty], 0);
            func.blocks[0].insts.insert(0, id);
            func.result(id)
        })
    }

    /// Gives blocks their parameters and edges their arguments.
    fn attach(&self, func: &mut Func, replaced: &Replaced) {
        let mut edges: HashMap<(usize, Block), Vec<usize>> = HashMap::new();
        for (from, block) in func.blocks.iter().enumerate() {
            for (n, edge) in block.edges.iter().enumerate() {
                edges.entry((from, edge.to)).or_default().push(n);
            }
        }
        for param in &self.params {
            if replaced.get(param.value) != param.value {
                continue;
            }
            func.blocks[param.block.index()].params.push(param.value);
            let preds = &self.preds[param.block.index()];
            for (&pred, &arg) in preds.iter().zip(&param.args) {
                for &n in edges
                    .get(&(pred.index(), param.block))
                    .into_iter()
                    .flatten()
                {
                    func.blocks[pred.index()].edges[n]
                        .args
                        .push(replaced.get(arg));
                }
            }
        }
    }
}

fn apply(func: &mut Func, replaced: &Replaced) {
    for i in 0..func.insts.len() {
        let mut inst = func.insts[i].inst;
        func.map(&mut inst, |v| replaced.get(v));
        func.insts[i].inst = inst;
    }
    for block in 0..func.blocks.len() {
        func.map_term(Block(block as u32), |v| replaced.get(v));
    }
}

/// Values and what stands for them, a forest with path halving.
struct Replaced(Vec<Value>);

impl Replaced {
    fn find(&mut self, mut value: Value) -> Value {
        while self.0[value.index()] != value {
            let parent = self.0[value.index()];
            self.0[value.index()] = self.0[parent.index()];
            value = parent;
        }
        value
    }

    fn get(&self, mut value: Value) -> Value {
        while self.0[value.index()] != value {
            value = self.0[value.index()];
        }
        value
    }
}
