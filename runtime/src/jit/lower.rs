//! SSA to machine instructions, last to first: the part that is the same for every instruction set.
//!
//! A value is computed only if something asked for it in a register; so an instruction set that
//! takes an operand's computation into its own instruction (a shift, an address, a comparison)
//! simply does not ask, and the computation is gone if nobody else does. Going backwards, all users
//! have been seen before the definition. Constants are made where they are used.

pub mod blockwise;
pub mod layout;
pub mod vcode;

use regalloc2::{Block as RBlock, RegClass, VReg};

use super::ssa::cfg::Cfg;
use super::ssa::{Block, Class, Def, FuncSsa, Inst, InstId, Term, Value};
use crate::ir::Type;
use crate::ops::Op;
use layout::BlockLayout;
use vcode::{MachInst, VBlock, VCode};

/// The part of an instruction set that lowering asks for; `target.rs` has the rest.
pub trait Isa: Sized {
    /// Its machine instruction.
    type Inst: MachInst;

    /// Takes the function's parameters, before everything else.
    fn entry(cx: &mut Lower<'_, Self>);

    /// Computes an instruction that has effects or whose results are needed.
    fn inst(cx: &mut Lower<'_, Self>, id: InstId);

    /// Ends a block.
    fn terminator(cx: &mut Lower<'_, Self>, block: Block);

    /// Takes the results of a call that ended the block before, where it has returned.
    fn returned(cx: &mut Lower<'_, Self>, call: InstId);

    /// True if an instruction in a loop had better find a constant operand in a register.
    fn is_kept(func: &FuncSsa, inst: &Inst, value: Value) -> bool;

    /// A constant in a fresh register.
    fn constant(cx: &mut Lower<'_, Self>, value: Value) -> VReg;

    /// The value in whose register another one lies without any instruction.
    fn same_register(func: &FuncSsa, value: Value) -> Option<Value>;
}

/// The state of lowering a function.
pub struct Lower<'a, I: Isa> {
    pub func: &'a FuncSsa,
    cfg: &'a Cfg,
    layout: &'a BlockLayout,
    /// By value, the number of its uses as an operand.
    uses: Vec<u32>,
    /// By value, the number of its uses as an address without an offset.
    address_uses: Vec<u32>,
    /// The block of each instruction.
    home: Vec<Block>,
    /// True if a loop uses a value that is defined outside of it.
    used_in_inner_loop: Vec<bool>,
    vregs: Vec<Option<VReg>>,
    vreg_count: usize,
    needed: Vec<bool>,
    /// The instructions of the piece at hand, first to last.
    piece: Vec<I::Inst>,
    /// All pieces before it, last to first.
    done: Vec<(I::Inst, u32)>,
    block: Block,
}

/// Lowers a function.
pub fn run<I: Isa>(func: &FuncSsa, cfg: &Cfg, layout: &BlockLayout) -> VCode<I::Inst> {
    let mut cx = Lower::<I>::new(func, cfg, layout);
    let mut ranges = vec![0..0; layout.order.len()];
    let mut blocks = vec![VBlock::default(); layout.order.len()];
    for n in (0..layout.order.len()).rev() {
        let from = cx.done.len() as u32;
        blocks[n] = cx.block(layout.order[n]);
        ranges[n] = from..cx.done.len() as u32;
    }
    let count = cx.done.len() as u32;
    for (block, range) in blocks.iter_mut().zip(ranges) {
        block.insts = count - range.end..count - range.start;
    }
    cx.done.reverse();
    let place = |block: &Block| RBlock::new(layout.index_of[block.index()] as usize);
    let text = layout.text.iter().map(place).collect();
    VCode::new(cx.done, blocks, text, (cx.vreg_count, func.frame_slots))
}

impl<'a, I: Isa> Lower<'a, I> {
    fn new(func: &'a FuncSsa, cfg: &'a Cfg, layout: &'a BlockLayout) -> Lower<'a, I> {
        let mut cx = Lower {
            func,
            cfg,
            layout,
            uses: vec![0; func.values.len()],
            address_uses: vec![0; func.values.len()],
            home: vec![Block::ENTRY; func.insts.len()],
            used_in_inner_loop: vec![false; func.values.len()],
            vregs: vec![None; func.values.len()],
            vreg_count: 0,
            needed: vec![false; func.values.len()],
            piece: Vec::new(),
            done: Vec::new(),
            block: Block::ENTRY,
        };
        for &block in &layout.order {
            for &id in &func.blocks[block.index()].insts {
                cx.home[id.index()] = block;
            }
        }
        for &block in &layout.order {
            cx.count_uses(block);
        }
        cx
    }

    fn count_uses(&mut self, block: Block) {
        let func = self.func;
        for &id in &func.blocks[block.index()].insts {
            let inst = &func.insts[id.index()].inst;
            func.visit(inst, |v| self.count_use(v, block));
            if let Inst::Load {
                base, offset: 0, ..
            }
            | Inst::Store {
                base, offset: 0, ..
            } = inst
            {
                self.address_uses[base.index()] += 1;
            }
        }
        func.visit_term(block, |v| self.count_use(v, block));
    }

    fn count_use(&mut self, value: Value, block: Block) {
        self.uses[value.index()] += 1;
        let home = match self.func.values[value.index()].def {
            Def::Inst(id) => self.home[id.index()],
            Def::Param(block) => block,
        };
        if let Some(around) = self.layout.loop_of(self.cfg, block)
            && !self.layout.is_in_loop(self.cfg, home, around)
        {
            self.used_in_inner_loop[value.index()] = true;
        }
    }

    /// True if a loop uses a value that is defined outside of it.
    pub fn is_used_in_inner_loop(&self, value: Value) -> bool {
        self.used_in_inner_loop[value.index()]
    }

    /// Lowers a block; its instructions go to `done`.
    fn block(&mut self, block: Block) -> VBlock {
        self.block = block;
        let data = &self.func.blocks[block.index()];
        let args = data.edges.iter().map(|edge| self.all(&edge.args)).collect();
        I::terminator(self, block);
        self.finish_piece(data.position);
        for &id in data.insts.iter().rev() {
            if self.is_wanted(id) {
                I::inst(self, id);
                self.finish_piece(self.func.insts[id.index()].position);
            }
        }
        if block == Block::ENTRY {
            I::entry(self);
            self.finish_piece(data.position);
        }
        if let Some(call) = self.returning(block) {
            I::returned(self, call);
            self.finish_piece(self.func.insts[call.index()].position);
        }
        let index_of = |to: Block| RBlock::new(self.layout.index_of[to.index()] as usize);
        let succs = data.edges.iter().map(|edge| index_of(edge.to)).collect();
        let params = match block {
            Block::ENTRY => Vec::new(),
            _ => data.params.iter().map(|&p| self.vreg(p)).collect(),
        };
        VBlock::new(params, succs, args)
    }

    /// The call that returns to a block, if it ended the block before.
    fn returning(&self, block: Block) -> Option<InstId> {
        let [only] = self.cfg.preds.get(block.index())?[..] else {
            return None;
        };
        let before = &self.func.blocks[only.index()];
        before.invoked().filter(|_| before.edges[0].to == block)
    }

    /// The handler that exceptions go to which leave a call, if that ends the block at hand.
    pub fn handler_of(&self, call: InstId) -> Option<u32> {
        let data = &self.func.blocks[self.block.index()];
        match data.term {
            Term::Invoke { handler } if data.invoked() == Some(call) => Some(handler),
            _ => None, // it is in the middle of a block
        }
    }

    fn finish_piece(&mut self, position: u32) {
        let piece = self.piece.drain(..).rev();
        self.done.extend(piece.map(|inst| (inst, position)));
    }

    fn is_wanted(&self, id: InstId) -> bool {
        let inst = &self.func.insts[id.index()].inst;
        !inst.is_removable()
            || !inst.is_made_at_use() && self.func.results(id).any(|v| self.needed[v.index()])
    }

    /// Appends a machine instruction to the piece at hand.
    pub fn emit(&mut self, inst: I::Inst) {
        self.piece.push(inst);
    }

    /// A fresh register for values of a class.
    pub fn fresh(&mut self, class: RegClass) -> VReg {
        self.vreg_count += 1;
        VReg::new(self.vreg_count - 1, class)
    }

    /// The register of a value that is computed (or taken as a parameter) here.
    pub fn vreg(&mut self, value: Value) -> VReg {
        if let Some(vreg) = self.vregs[value.index()] {
            return vreg;
        }
        let vreg = self.fresh(class_of(self.func.ty(value)));
        self.vregs[value.index()] = Some(vreg);
        vreg
    }

    /// A register that holds a value, for an instruction of the piece at hand.
    pub fn reg(&mut self, value: Value) -> VReg {
        let value = self.resolve(value);
        if self.func.is_constant(value) {
            return I::constant(self, value);
        }
        self.needed[value.index()] = true;
        self.vreg(value)
    }

    fn all(&mut self, values: &[Value]) -> Vec<VReg> {
        values.iter().map(|&v| self.reg(v)).collect()
    }

    /// The value in whose register a value lies.
    pub fn resolve(&self, mut value: Value) -> Value {
        while let Some(other) = I::same_register(self.func, value) {
            value = other;
        }
        value
    }

    /// The definition of a value, if it is pure and this is its only use, so that it may be
    /// computed here instead of there. It never moves into a loop.
    pub fn sole_use(&self, value: Value) -> Option<Inst> {
        let Def::Inst(id) = self.func.values[value.index()].def else {
            return None;
        };
        let loop_of = |block: Block| self.layout.loop_of(self.cfg, block);
        let inst = self.func.insts[id.index()].inst;
        let stays = loop_of(self.home[id.index()]) == loop_of(self.block);
        let is_movable = inst.is_pure() && !matches!(inst, Inst::Load { .. } | Inst::Keep { .. });
        (self.uses[value.index()] == 1 && stays && is_movable).then_some(inst)
    }

    /// The operands of an address that is a sum, if all its uses are accesses without an offset:
    /// then it may be computed by each of them.
    pub fn address(&self, value: Value) -> Option<(Value, Value)> {
        let is_free = self.uses[value.index()] == self.address_uses[value.index()];
        self.func.binary(Op::I64Add, value).filter(|_| is_free)
    }

    /// True if some instruction behind asked for a value.
    pub fn is_needed(&self, value: Value) -> bool {
        self.needed[value.index()]
    }

    /// Marks a guarded access: `None` if the class is checked otherwise.
    pub fn guarded(class: Class) -> Option<u32> {
        match class {
            Class::Guarded(memory) => Some(memory),
            _ => None,
        }
    }
}

/// The register class of a type.
pub fn class_of(ty: Type) -> RegClass {
    match ty {
        Type::I32 | Type::I64 | Type::Ref => RegClass::Int,
        Type::F32 | Type::F64 | Type::V128 => RegClass::Float,
    }
}
