//! Machine code before registers are assigned: instructions over virtual registers, in blocks, as
//! the register allocator sees them; and the call of the allocator.
//!
//! Generic over the instruction set's own instruction type; nothing else of it is known here.

use std::ops::Range;

use regalloc2::{
    Algorithm, Block as RBlock, Function, Inst as RInst, InstRange, MachineEnv, Operand, Output,
    PRegSet, RegClass, RegallocOptions, VReg,
};
use rustc_hash::FxHashMap;

use super::blockwise::{self, Homes};
use crate::error::{Error, ErrorKind, Result};

/// Arguments of edges up to which regalloc2's good algorithm is used: its time is quadratic in
/// chains of them, and functions that have more are not written by hand.
const EDGE_ARGUMENTS_MAX: usize = 10_000;
/// Instructions up to which it is used: its time is quadratic in uses of long-lived values, too.
const GOOD_INSTS_MAX: usize = 20_000;
/// Blocks, each counted for every value that is live through it, up to which it is used.
const LIVE_THROUGH_MAX: u64 = 4_000_000;

/// The facts of a machine instruction that register allocation depends on.
pub trait MachInst {
    /// Appends its register operands, and gives the registers that it destroys besides.
    fn operands(&self, operands: &mut Vec<Operand>) -> PRegSet;
}

/// A block.
#[derive(Clone, Debug, Default)]
pub struct VBlock {
    /// Its instructions; the last is the terminator.
    pub insts: Range<u32>,
    pub params: Vec<VReg>,
    /// Where the terminator leads, by block index.
    pub succs: Vec<RBlock>,
    /// The arguments for each successor.
    pub args: Vec<Vec<VReg>>,
    preds: Vec<RBlock>,
}

impl VBlock {
    /// A block whose instructions are not known yet.
    pub fn new(params: Vec<VReg>, succs: Vec<RBlock>, args: Vec<Vec<VReg>>) -> VBlock {
        VBlock {
            params,
            succs,
            args,
            ..VBlock::default()
        }
    }
}

/// A function's machine code; blocks are in the order in which they will be emitted.
#[derive(Debug)]
pub struct VCode<I> {
    pub insts: Vec<I>,
    /// Where in the module each comes from, as a byte offset.
    pub positions: Vec<u32>,
    /// Blocks; the entry is the first.
    pub blocks: Vec<VBlock>,
    /// Blocks in the order of the text: each after its dominators, loops in one piece.
    text: Vec<RBlock>,
    operands: Vec<Operand>,
    /// Where each instruction's operands end.
    operand_ends: Vec<u32>,
    clobbers: FxHashMap<u32, PRegSet>,
    vregs: usize,
    /// Places of 8 bytes that instructions name in the frame.
    pub frame_slots: u32,
}

impl<I: MachInst> VCode<I> {
    /// Takes finished blocks, their order in the text, instructions with their positions, and the
    /// numbers of registers and of places in the frame.
    pub fn new(
        insts: Vec<(I, u32)>,
        mut blocks: Vec<VBlock>,
        text: Vec<RBlock>,
        (vregs, frame_slots): (usize, u32),
    ) -> VCode<I> {
        for from in 0..blocks.len() {
            for to in blocks[from].succs.clone() {
                blocks[to.index()].preds.push(RBlock::new(from));
            }
        }
        let (insts, positions): (Vec<I>, Vec<u32>) = insts.into_iter().unzip();
        let mut operands = Vec::with_capacity(insts.len() * 3);
        let mut operand_ends = Vec::with_capacity(insts.len());
        let mut clobbers = FxHashMap::default();
        for (n, inst) in insts.iter().enumerate() {
            let destroyed = inst.operands(&mut operands);
            operand_ends.push(operands.len() as u32);
            if destroyed != PRegSet::empty() {
                clobbers.insert(n as u32, destroyed);
            }
        }
        VCode {
            insts,
            positions,
            blocks,
            text,
            operands,
            operand_ends,
            clobbers,
            vregs,
            frame_slots,
        }
    }

    /// Assigns registers and spill slots.
    ///
    /// # Errors
    /// `Internal`: lowering made code that cannot be allocated.
    pub fn allocate(&self, env: &MachineEnv) -> Result<Output> {
        let given: usize = self.blocks.iter().flat_map(|b| &b.args).map(Vec::len).sum();
        let is_small = given <= EDGE_ARGUMENTS_MAX && self.insts.len() <= GOOD_INSTS_MAX;
        let live_through_max = self.blocks.len() as u64 * self.vregs as u64;
        if is_small && live_through_max <= LIVE_THROUGH_MAX {
            return self.allocate_well(env);
        }
        let homes = Homes::new(self, &self.text);
        if is_small && homes.blocks_crossed <= LIVE_THROUGH_MAX {
            return self.allocate_well(env);
        }
        blockwise::allocate(self, env, &homes)
    }

    /// As [`Self::allocate`], by regalloc2's good algorithm.
    ///
    /// # Errors
    /// As there.
    pub fn allocate_well(&self, env: &MachineEnv) -> Result<Output> {
        let options = RegallocOptions {
            verbose_log: false,
            validate_ssa: cfg!(debug_assertions),
            algorithm: Algorithm::Ion,
        };
        regalloc2::run(self, env, &options).map_err(|error| {
            Error::new(ErrorKind::Internal, format!("register allocation: {error}"))
        })
    }

    /// As [`Self::allocate`], in linear time.
    ///
    /// # Errors
    /// As there.
    pub fn allocate_blockwise(&self, env: &MachineEnv) -> Result<Output> {
        blockwise::allocate(self, env, &Homes::new(self, &self.text))
    }

    /// Checks an allocation by symbolic execution, independent of how it was made.
    ///
    /// # Errors
    /// `Internal` with what is wrong.
    pub fn check(&self, env: &MachineEnv, output: &Output) -> Result<()> {
        let mut checker = regalloc2::checker::Checker::new(self, env);
        checker.prepare(output);
        // The library has no other text of its findings than their debug form.
        let wrong = |found| Error::new(ErrorKind::Internal, format!("wrong allocation: {found:?}"));
        checker.run().map_err(wrong)
    }
}

impl<I: MachInst> Function for VCode<I> {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> RBlock {
        RBlock::new(0)
    }

    fn block_insns(&self, block: RBlock) -> InstRange {
        let Range { start, end } = self.blocks[block.index()].insts;
        InstRange::new(RInst::new(start as usize), RInst::new(end as usize))
    }

    fn block_succs(&self, block: RBlock) -> &[RBlock] {
        &self.blocks[block.index()].succs
    }

    fn block_preds(&self, block: RBlock) -> &[RBlock] {
        &self.blocks[block.index()].preds
    }

    fn block_params(&self, block: RBlock) -> &[VReg] {
        match block.index() {
            0 => &[], // the entry's parameters are defined by its first instruction
            n => &self.blocks[n].params,
        }
    }

    fn is_ret(&self, inst: RInst) -> bool {
        self.is_last(inst)
            .is_some_and(|block| block.succs.is_empty())
    }

    fn is_branch(&self, inst: RInst) -> bool {
        self.is_last(inst)
            .is_some_and(|block| !block.succs.is_empty())
    }

    fn branch_blockparams(&self, block: RBlock, _: RInst, succ: usize) -> &[VReg] {
        &self.blocks[block.index()].args[succ]
    }

    fn inst_operands(&self, inst: RInst) -> &[Operand] {
        let end = self.operand_ends[inst.index()] as usize;
        let start = match inst.index() {
            0 => 0,
            n => self.operand_ends[n - 1] as usize,
        };
        &self.operands[start..end]
    }

    fn inst_clobbers(&self, inst: RInst) -> PRegSet {
        let destroyed = self.clobbers.get(&(inst.index() as u32));
        destroyed.copied().unwrap_or(PRegSet::empty())
    }

    fn num_vregs(&self) -> usize {
        self.vregs
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        // Slots of 8 bytes; floats and vectors share a class, so each gets room for a vector.
        match class {
            RegClass::Int => 1,
            RegClass::Float | RegClass::Vector => 2,
        }
    }
}

impl<I> VCode<I> {
    /// The block whose terminator an instruction is.
    fn is_last(&self, inst: RInst) -> Option<&VBlock> {
        let n = inst.index() as u32;
        let at = self.blocks.partition_point(|block| block.insts.end <= n);
        let block = &self.blocks[at];
        (block.insts.end == n + 1).then_some(block)
    }
}
