//! Slots to values: SSA construction on demand, without recursion.
//!
//! A read of a slot that its block has not written looks upwards through single predecessors that
//! are done. Where blocks meet, it leaves a parameter. At the end, when every block has its last
//! writes, dominance says (`build/reaching.rs`) which parameters different values meet in, and what
//! the others stand for; arguments may ask for more. Those that turn out to have one argument only,
//! alone or in a circle of parameters, are then replaced by it (Braun et al., 2013). So only what
//! is read becomes a parameter.
//!
//! Where many values meet in a place with many ways to it (a state machine of many states and many
//! variables), parameters have more arguments than there is text. Such a function is built again,
//! and keeps its slots in its frame: a block loads the slots that it reads first, and at its end
//! stores those that it has written and some block loads.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::ir::{self, BlockId, Inst as IrInst, Slot, Type};

use super::reaching::{Reaching, SlotSource};
use super::state::load_of;
use crate::engine::FrameShape;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Class, Def, FuncSsa, Inst, InstId, Value};
use crate::jit::steps::step;

/// The place of the exception that is on its way to a clause: not a slot of a frame.
pub(super) const EXCEPTION: Slot = Slot(u32::MAX);

const SLOT_BYTES: u32 = 8;
/// The number of blocks that a read looks upwards through.
const LOOK_UP_MAX: usize = 64;
/// The limit of parameters' arguments for each instruction of the IR, and the limit in any case.
const ARGUMENTS_MAX_BY_INST: usize = 2;
const ARGUMENTS_MAX: usize = 1 << 19;

/// The depth to which components are looked for inside of components.
const COMPONENT_DEPTH_MAX: u32 = 16;

/// Where slots are between blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Between {
    /// Nowhere: they become values that meet in parameters.
    Values,
    /// In the frame.
    Frame,
}

/// The values of slots at the ends of blocks, as far as they are known.
pub(super) struct Vars {
    /// The latest value that a block has for a slot.
    latest: FxHashMap<(Block, Slot), Value>,
    /// The same, of what blocks have written themselves.
    written: FxHashMap<(Block, Slot), Value>,
    /// A zero of each type, for what is read and never written.
    zeros: FxHashMap<Type, Value>,
    /// Blocks with an edge to the block, each once.
    preds: Vec<Vec<Block>>,
    /// Blocks in which nothing more will be written.
    is_done: Vec<bool>,
    /// Parameters to find arguments for.
    params: Vec<Param>,
    between: Between,
    /// The slots that blocks load from the frame, and how many places of 8 bytes they need.
    loaded: BTreeMap<Slot, u32>,
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
pub(super) fn successors(ir: &ir::FuncIr, inst: &IrInst, mut f: impl FnMut(BlockId)) {
    if let IrInst::BrTable { targets, .. } = *inst {
        return distinct(ir.label_list(targets)).into_iter().for_each(f);
    }
    let mut last = None;
    inst.labels(ir, |target| {
        if last.replace(target) != Some(target) {
            f(target);
        }
    });
}

impl Vars {
    /// Nothing written yet; `preds` are the blocks with an edge to each block, each once.
    pub(super) fn new(preds: Vec<Vec<Block>>, between: Between) -> Vars {
        Vars {
            between,
            loaded: BTreeMap::new(),
            latest: FxHashMap::default(),
            is_done: vec![false; preds.len()],
            written: FxHashMap::default(),
            zeros: FxHashMap::default(),
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
    fn initial(&mut self, func: &mut FuncSsa, block: Block, slot: Slot, ty: Type) -> Value {
        match self.resumed {
            Some(frame) if block == Block::ENTRY => load_begun(func, frame, slot, ty),
            _ => self.undefined(func, ty),
        }
    }

    /// Loads what the function begins with of the slots that have places in the frame, if its entry
    /// does not write them.
    fn load_initial(&mut self, func: &mut FuncSsa, frame: (Value, FrameShape)) {
        for (&slot, &places) in &self.loaded {
            if slot == EXCEPTION || self.written.contains_key(&(Block::ENTRY, slot)) {
                continue;
            }
            let ty = if places == 1 { Type::I64 } else { Type::V128 };
            let value = load_begun(func, frame, slot, ty);
            self.written.insert((Block::ENTRY, slot), value);
        }
    }

    /// True if any edge leads to a block.
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
    pub(super) fn read(&mut self, func: &mut FuncSsa, block: Block, slot: Slot, ty: Type) -> Value {
        if self.between == Between::Frame {
            return self.read_in_frame(func, block, slot, ty);
        }
        let mut passed = Vec::new();
        let mut at = block;
        let value = loop {
            step(1);
            if let Some(&value) = self.latest.get(&(at, slot)) {
                break value;
            }
            passed.push(at);
            match self.preds[at.index()][..] {
                [only] if self.is_done[only.index()] && passed.len() < LOOK_UP_MAX => at = only,
                [] => break self.initial(func, at, slot, ty),
                _ => break self.param(func, at, slot, ty),
            }
        };
        for at in passed {
            self.latest.insert((at, slot), value);
        }
        value
    }

    fn read_in_frame(&mut self, func: &mut FuncSsa, block: Block, slot: Slot, ty: Type) -> Value {
        if let Some(&value) = self.latest.get(&(block, slot)) {
            return value;
        }
        let value = if block == Block::ENTRY {
            self.initial(func, block, slot, ty)
        } else {
            let places = self.loaded.entry(slot).or_default();
            *places = ty.slots().max(*places);
            func.append(block, Inst::LoadSlot { slot: slot.0 }, &[ty], 0)
        };
        self.latest.insert((block, slot), value);
        value
    }

    fn param(&mut self, func: &mut FuncSsa, block: Block, slot: Slot, ty: Type) -> Value {
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

    /// Completes the function; `None` if its parameters have too many arguments. `insts` is the
    /// number of instructions of the IR.
    pub(super) fn finish(mut self, mut func: FuncSsa, insts: usize) -> Option<FuncSsa> {
        if self.between == Between::Frame {
            self.store_in_frame(&mut func);
            return Some(func);
        }
        let mut reaching = Reaching::new(Cfg::new(&func), std::mem::take(&mut self.written));
        let mut met: FxHashMap<(Block, Slot), Value> = FxHashMap::default();
        for param in &self.params {
            met.insert((param.block, param.slot), param.value);
        }
        let mut left = ARGUMENTS_MAX.max(ARGUMENTS_MAX_BY_INST * insts);
        let mut next = 0;
        while next < self.params.len() {
            self.find_arguments(&mut func, &mut reaching, &mut met, next);
            step(1 + self.params[next].args.len());
            left = left.checked_sub(self.params[next].args.len())?;
            if reaching.is_given_up() {
                return None;
            }
            next += 1;
        }
        let replaced = self.replace_needless(&mut func);
        self.attach(&mut func, &replaced);
        apply(&mut func, &replaced);
        Some(func)
    }

    /// Gives places in the frame to the slots that are loaded, and stores what blocks have written
    /// of them.
    fn store_in_frame(&mut self, func: &mut FuncSsa) {
        let mut place_of: FxHashMap<u32, u32> = FxHashMap::default();
        for (&slot, &places) in &self.loaded {
            place_of.insert(slot.0, func.frame_slots);
            func.frame_slots += places;
        }
        for data in &mut func.insts {
            if let Inst::LoadSlot { slot } = &mut data.inst {
                *slot = place_of[slot];
            }
        }
        if let Some(frame) = self.resumed {
            self.load_initial(func, frame);
        }
        let mut written: Vec<(Block, Slot, Value)> = std::mem::take(&mut self.written)
            .into_iter()
            .map(|((block, slot), value)| (block, slot, value))
            .filter(|(_, slot, _)| place_of.contains_key(&slot.0))
            .collect();
        written.sort_unstable();
        for (block, slot, value) in written {
            let slot = place_of[&slot.0];
            let id = func.add_inst(Inst::StoreSlot { slot, value }, &[], 0);
            let data = &mut func.blocks[block.index()];
            // A call that ends a block stays last: what it gives is written in the next block.
            let at = data.insts.len() - usize::from(data.invoked().is_some());
            data.insts.insert(at, id);
        }
    }

    fn find_arguments(
        &mut self,
        func: &mut FuncSsa,
        reaching: &mut Reaching,
        met: &mut FxHashMap<(Block, Slot), Value>,
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
        func: &mut FuncSsa,
        met: &mut FxHashMap<(Block, Slot), Value>,
        source: SlotSource,
        (slot, ty): (Slot, Type),
    ) -> Value {
        match source {
            SlotSource::Written(value) => value,
            SlotSource::Met(block) => *met
                .entry((block, slot))
                .or_insert_with(|| self.param(func, block, slot, ty)),
            SlotSource::Initial => match self.latest.get(&(Block::ENTRY, slot)) {
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
    fn replace_needless(&mut self, func: &mut FuncSsa) -> Replaced {
        let mut replaced = Replaced((0..func.values.len() as u32).map(Value).collect());
        for param in &self.params {
            if let Some(value) = param.stands_for {
                replaced.0[param.value.index()] = value;
            }
        }
        let mut components = Components::new(&self.params, func.values.len());
        let is_open = |n: &u32| self.params[*n as usize].stands_for.is_none();
        let all: Vec<u32> = (0..self.params.len() as u32).filter(is_open).collect();
        self.replace_components(func, &mut replaced, &mut components, (&all, 0));
        (0..replaced.0.len() as u32).for_each(|n| {
            replaced.find(Value(n));
        });
        replaced
    }

    /// Replaces the strongly connected components among parameters which have one argument from
    /// outside. Of a component with several, the parameters without one may still have components
    /// of that kind.
    fn replace_components(
        &mut self,
        func: &mut FuncSsa,
        replaced: &mut Replaced,
        components: &mut Components,
        (among, depth): (&[u32], u32),
    ) {
        let mut search = components.begin(among);
        for &root in among {
            components.visit(&mut search, root);
            while let Some(found) = components.next(&mut search, &self.params, replaced) {
                let outside = components.outside(&self.params, replaced, &found);
                let value = match outside {
                    Outside::Nothing => {
                        // They are never defined, so never used in what can be reached.
                        let ty = self.params[found[0] as usize].ty;
                        let value = self.undefined(func, ty);
                        replaced.0.resize(func.values.len(), value); // if it is new: itself
                        value
                    }
                    Outside::One(value) => value,
                    Outside::Several { inner } => {
                        if !inner.is_empty() && depth < COMPONENT_DEPTH_MAX {
                            let inner = (&inner[..], depth + 1);
                            self.replace_components(func, replaced, components, inner);
                        }
                        continue;
                    }
                };
                for &n in &found {
                    replaced.0[self.params[n as usize].value.index()] = value;
                }
            }
        }
    }

    /// A value for what is read but never written: zero, made in the entry.
    fn undefined(&mut self, func: &mut FuncSsa, ty: Type) -> Value {
        *self.zeros.entry(ty).or_insert_with(|| {
            let id = func.add_inst(Inst::zero(ty), &[ty], 0);
            func.blocks[0].insts.insert(0, id);
            func.result(id)
        })
    }

    /// Gives blocks their parameters and edges their arguments.
    fn attach(&self, func: &mut FuncSsa, replaced: &Replaced) {
        let mut edges: FxHashMap<(usize, Block), Vec<usize>> = FxHashMap::default();
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

/// Loads what the function begins with in a slot.
fn load_begun(
    func: &mut FuncSsa,
    (base, frame): (Value, FrameShape),
    slot: Slot,
    ty: Type,
) -> Value {
    let load = Inst::Load {
        op: load_of(ty),
        class: Class::Transfer,
        base,
        offset: (frame.slot(slot.0) * SLOT_BYTES) as i32,
    };
    func.append(Block::ENTRY, load, &[ty], 0)
}

fn apply(func: &mut FuncSsa, replaced: &Replaced) {
    for i in 0..func.insts.len() {
        func.map(InstId(i as u32), |v| replaced.get(v));
    }
    for block in 0..func.blocks.len() {
        func.map_term(Block(block as u32), |v| replaced.get(v));
    }
}

/// The search for strongly connected components among parameters and their arguments (Tarjan,
/// 1972), which finds a component after those that it leads to.
struct Components {
    /// By value: the parameter that it is.
    index_of: Vec<Option<u32>>,
    /// By parameter: the search that it is part of; its number in the order of visits, 0 before;
    /// the least number of an open parameter that it leads to; if its component is not complete.
    group: Vec<u32>,
    number: Vec<u32>,
    low: Vec<u32>,
    is_open: Vec<bool>,
    /// By parameter: its component.
    component: Vec<u32>,
    groups: u32,
    visits: u32,
    found: u32,
}

/// One search.
struct Search {
    group: u32,
    /// Parameters on the way to the one at hand, and their next arguments.
    path: Vec<(u32, usize)>,
    /// Parameters whose components are not complete.
    open: Vec<u32>,
}

/// The arguments that a component has from outside.
enum Outside {
    Nothing,
    One(Value),
    /// `inner` are the parameters that have none.
    Several {
        inner: Vec<u32>,
    },
}

impl Components {
    fn new(params: &[Param], values: usize) -> Components {
        let mut index_of = vec![None; values];
        for (n, param) in params.iter().enumerate() {
            index_of[param.value.index()] = Some(n as u32);
        }
        Components {
            index_of,
            group: vec![0; params.len()],
            number: vec![0; params.len()],
            low: vec![0; params.len()],
            is_open: vec![false; params.len()],
            component: vec![0; params.len()],
            groups: 0,
            visits: 0,
            found: 0,
        }
    }

    fn param(&self, value: Value) -> Option<u32> {
        self.index_of.get(value.index()).copied().flatten()
    }

    /// A search among some parameters, none of which is open.
    fn begin(&mut self, among: &[u32]) -> Search {
        self.groups += 1;
        for &n in among {
            self.group[n as usize] = self.groups;
            self.number[n as usize] = 0;
        }
        Search {
            group: self.groups,
            path: Vec::new(),
            open: Vec::new(),
        }
    }

    fn visit(&mut self, search: &mut Search, n: u32) {
        let at = n as usize;
        if self.group[at] == search.group && self.number[at] == 0 {
            self.visits += 1;
            self.number[at] = self.visits;
            self.low[at] = self.visits;
            self.is_open[at] = true;
            search.open.push(n);
            search.path.push((n, 0));
        }
    }

    /// The next component that can be reached from what has been visited.
    fn next(
        &mut self,
        search: &mut Search,
        params: &[Param],
        replaced: &mut Replaced,
    ) -> Option<Vec<u32>> {
        loop {
            step(1);
            let (n, next) = search.path.last_mut()?;
            let n = *n;
            if let Some(&arg) = params[n as usize].args.get(*next) {
                *next += 1;
                if let Some(to) = self.param(replaced.find(arg))
                    && self.group[to as usize] == search.group
                {
                    self.visit(search, to);
                    if self.is_open[to as usize] {
                        let number = self.number[to as usize];
                        self.low[n as usize] = self.low[n as usize].min(number);
                    }
                }
                continue;
            }
            search.path.pop();
            let low = self.low[n as usize];
            if let Some(&(before, _)) = search.path.last() {
                self.low[before as usize] = self.low[before as usize].min(low);
            }
            if low == self.number[n as usize] {
                let start = search.open.iter().rposition(|&open| open == n);
                let found = search.open.split_off(start.expect("it is open"));
                self.found += 1;
                for &member in &found {
                    self.is_open[member as usize] = false;
                    self.component[member as usize] = self.found;
                }
                return Some(found);
            }
        }
    }

    fn outside(&self, params: &[Param], replaced: &mut Replaced, found: &[u32]) -> Outside {
        let mut outside = Outside::Nothing;
        let own = self.component[found[0] as usize];
        let mut inner = Vec::new();
        for &n in found {
            let mut is_inner = true;
            for &arg in &params[n as usize].args {
                step(1);
                let arg = replaced.find(arg);
                let is_own = |n: u32| self.component[n as usize] == own;
                if self.param(arg).is_some_and(is_own) {
                    continue;
                }
                is_inner = false;
                outside = match outside {
                    Outside::Nothing => Outside::One(arg),
                    Outside::One(only) if only == arg => Outside::One(only),
                    Outside::One(_) | Outside::Several { .. } => {
                        Outside::Several { inner: Vec::new() }
                    }
                };
            }
            if is_inner {
                inner.push(n);
            }
        }
        match outside {
            Outside::Several { .. } => Outside::Several { inner },
            Outside::Nothing | Outside::One(_) => outside,
        }
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
