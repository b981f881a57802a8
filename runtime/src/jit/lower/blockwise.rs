//! Register allocation block by block: for functions on which regalloc2's algorithms take more than
//! linear time. The input and the output are regalloc2's, and its checker verifies them.
//!
//! A value that is used in other blocks than its own has a home (`blockwise/homes.rs`), a spill
//! slot that is written once, behind the definition. Within a block, a value is in a register from
//! its definition or first use until another value needs the register; the one with the farthest
//! next use goes (Belady, 1966), to a slot that it has for the rest of the block unless it has a
//! home. At the beginning of a block with one predecessor registers hold what they held at the end
//! of that; at the beginning of any other block they are empty.
//!
//! Parameters of blocks are in their homes. Arguments are moved there at once at the end of an
//! edge's source, or at the beginning of its target if the source has other successors. Definitions
//! without operands at the end of a block that are only arguments (constants) come after that, each
//! stored where it goes: such a value takes no register and no slot besides.
//!
//! The result of a call that exceptions may leave, which ends its block, is stored at the beginning
//! of the first successor, which has no other predecessor: code behind the last instruction of a
//! block is not reached.
//!
//! Every step is bounded by the number of registers: the time is linear in operands, blocks and
//! arguments, but for the sorting of intervals.

mod homes;
mod moves;
#[cfg(test)]
mod tests;

use regalloc2::{
    Allocation, Block, Edit, Function, Inst, InstPosition, MachineEnv, Operand, OperandConstraint,
    OperandKind, OperandPos, Output, PReg, PRegSet, ProgPoint, RegClass, SpillSlot, VReg,
};

use crate::error::{Error, ErrorKind, Result};
use crate::jit::steps::step;
pub use homes::Homes;
use moves::{Helpers, Move, in_sequence};

/// No further use follows in the block.
const NEVER: u32 = u32::MAX;
/// The next use is as an argument at the end of the block.
const AT_END: u32 = u32::MAX - 1;

/// Allocates registers, with homes that have been found for the same function.
///
/// # Errors
/// `Internal` for constraints that no instruction of ours has.
pub fn allocate<F: Function>(func: &F, env: &MachineEnv, homes: &Homes) -> Result<Output> {
    let mut state = BlockState::new(func, env, homes)?;
    for block in 0..func.num_blocks() {
        state.block(Block::new(block))?;
    }
    state.output.num_spillslots = state.slots.count;
    Ok(state.output)
}

fn refused<T>(what: &str) -> Result<T> {
    let message = format!("register allocation does not know {what}");
    Err(Error::new(ErrorKind::Internal, message))
}

/// The registers of a class.
struct Bank {
    /// In the order in which they are taken.
    all: Vec<PReg>,
    helpers: Helpers,
}

impl Bank {
    /// `None` if there are none.
    fn new(env: &MachineEnv, class: usize) -> Option<Bank> {
        let preferred = env.preferred_regs_by_class[class].into_iter();
        let mut all: Vec<PReg> = preferred
            .chain(env.non_preferred_regs_by_class[class])
            .collect();
        let scratch = env.scratch_by_class[class].or_else(|| all.pop())?;
        let spare = *all.last()?;
        let helpers = Helpers { scratch, spare };
        Some(Bank { all, helpers })
    }
}

/// Spill slots of values within a block, which are used again as soon as they can be.
struct LocalSlots {
    /// The number of slots, homes included.
    count: usize,
    /// By class.
    free: [Vec<SpillSlot>; 3],
}

impl LocalSlots {
    fn take(&mut self, class: RegClass, size: usize) -> SpillSlot {
        self.free[class as usize].pop().unwrap_or_else(|| {
            let start = self.count.next_multiple_of(size);
            self.count = start + size;
            SpillSlot::new(start)
        })
    }
}

/// The values that registers hold at a point between blocks.
type Held = std::rc::Rc<[(PReg, VReg)]>;

struct BlockState<'a, F> {
    func: &'a F,
    homes: &'a Homes,
    banks: [Option<Bank>; 3],
    slots: LocalSlots,
    output: Output,

    /// By value: the register that it is in, if any.
    register: Vec<Option<PReg>>,
    /// By value: the slot that it has been stored to, if any.
    stored: Vec<Option<SpillSlot>>,
    /// By value: the next instruction in the block that uses it.
    next_use: Vec<u32>,
    /// By register: the value in it.
    holds: Vec<Option<VReg>>,
    /// By block: what registers hold at its beginning.
    at_start: Vec<Option<Held>>,
    /// By block: the stores of what the last instruction of its predecessor defines.
    stores_at_start: Vec<Vec<Move>>,
    /// The last instruction of the block at hand, and the stores of what that defines.
    last: Inst,
    stores_at_end: Vec<Move>,

    /// By operand of the block at hand: the next use behind the instruction.
    after: Vec<u32>,
    /// The first instruction of those at the end of the block that only make arguments.
    tail: u32,
    /// The argument of the block's only edge that comes first of those that are a value, by value;
    /// and the next one with the same value, by argument.
    first_arg: Vec<u32>,
    next_arg: Vec<u32>,

    // Of the instruction at hand:
    /// Stores in front of it.
    saves: Vec<Move>,
    /// Moves to the registers of its operands, after these.
    loads: Vec<(Move, Helpers)>,
    /// Registers that operands have when it begins, and when it ends.
    early: PRegSet,
    late: PRegSet,
    /// Values that have been brought to a register for it, each with the register that it was in in
    /// front of it, if it was in one.
    moved: Vec<(VReg, Option<PReg>)>,
}

impl<'a, F: Function> BlockState<'a, F> {
    fn new(func: &'a F, env: &MachineEnv, homes: &'a Homes) -> Result<BlockState<'a, F>> {
        let banks = [0, 1, 2].map(|class| Bank::new(env, class));
        let slots = LocalSlots {
            count: homes.count,
            free: Default::default(),
        };
        Ok(BlockState {
            func,
            homes,
            banks,
            slots,
            output: Output::default(),
            register: vec![None; func.num_vregs()],
            stored: vec![None; func.num_vregs()],
            next_use: vec![NEVER; func.num_vregs()],
            holds: vec![None; PReg::NUM_INDEX],
            at_start: vec![None; func.num_blocks()],
            stores_at_start: vec![Vec::new(); func.num_blocks()],
            last: Inst::new(0),
            stores_at_end: Vec::new(),
            after: Vec::new(),
            tail: 0,
            first_arg: vec![NEVER; func.num_vregs()],
            next_arg: Vec::new(),
            saves: Vec::new(),
            loads: Vec::new(),
            early: PRegSet::empty(),
            late: PRegSet::empty(),
            moved: Vec::new(),
        })
    }

    fn bank(&self, class: RegClass) -> Result<&Bank> {
        match &self.banks[class as usize] {
            Some(bank) => Ok(bank),
            None => refused("registers of this class"),
        }
    }

    // --- blocks ----------------------------------------------------------------------------------

    fn block(&mut self, block: Block) -> Result<()> {
        self.find_next_uses(block)?;
        self.enter(block)?;
        let insts = self.func.block_insns(block);
        let last = insts.last();
        self.last = last;
        let mut operands_before = 0;
        for inst in insts.iter() {
            let at = inst.index() as u32;
            if at == self.tail {
                self.moves_at_end(block, inst)?;
            }
            if at >= self.tail && inst != last {
                self.argument(block, inst)?;
            } else {
                self.inst(inst, operands_before)?;
            }
            operands_before += self.func.inst_operands(inst).len();
        }
        self.leave(block);
        Ok(())
    }

    /// Finds the next uses of operands, and where the tail begins.
    fn find_next_uses(&mut self, block: Block) -> Result<()> {
        let insts = self.func.block_insns(block);
        let last = insts.last();
        if let [succ] = *self.func.block_succs(block) {
            let args = self.func.branch_blockparams(block, last, 0);
            if !args.is_empty() && !self.func.inst_operands(last).is_empty() {
                return refused("operands of a jump with arguments");
            }
            for (arg, &param) in args.iter().zip(self.func.block_params(succ)) {
                if self.homes.of(param).is_some() {
                    self.next_use[arg.vreg()] = AT_END;
                }
            }
        }
        self.tail = last.index() as u32;
        let count: usize = insts
            .iter()
            .map(|inst| self.func.inst_operands(inst).len())
            .sum();
        self.after.clear();
        self.after.resize(count, NEVER);
        let mut at = count;
        for n in (0..insts.len()).rev() {
            let inst = Inst::new(insts.first().index() + n);
            let operands = self.func.inst_operands(inst);
            at -= operands.len();
            step(1 + operands.len());
            for (n, operand) in operands.iter().enumerate() {
                self.after[at + n] = self.next_use[operand.vreg().vreg()];
            }
            if inst.index() as u32 + 1 == self.tail && self.only_makes_an_argument(inst, operands) {
                self.tail -= 1;
            }
            for operand in operands {
                self.next_use[operand.vreg().vreg()] = match operand.kind() {
                    OperandKind::Use => inst.index() as u32,
                    OperandKind::Def => NEVER,
                };
            }
        }
        Ok(())
    }

    fn only_makes_an_argument(&self, inst: Inst, operands: &[Operand]) -> bool {
        match operands {
            [def] => {
                let value = def.vreg();
                def.kind() == OperandKind::Def
                    && def.constraint() == OperandConstraint::Reg
                    && self.next_use[value.vreg()] == AT_END
                    && self.homes.of(value).is_none()
                    && self.func.inst_clobbers(inst) == PRegSet::empty()
            }
            _ => false,
        }
    }

    fn enter(&mut self, block: Block) -> Result<()> {
        for &param in self.func.block_params(block) {
            self.stored[param.vreg()] = self.homes.of(param);
        }
        for n in 0..self.holds.len() {
            if let Some(value) = self.holds[n].take() {
                self.register[value.vreg()] = None;
            }
        }
        for &(register, value) in self.at_start[block.index()]
            .take()
            .iter()
            .flat_map(|all| &**all)
        {
            self.put(value, register);
        }
        let stores = std::mem::take(&mut self.stores_at_start[block.index()]);
        let first = self.func.block_insns(block).first();
        self.edits(first, InstPosition::Before, &stores);
        let [pred] = *self.func.block_preds(block) else {
            return Ok(());
        };
        let succs = self.func.block_succs(pred);
        if succs.len() > 1 {
            let last = self.func.block_insns(pred).last();
            let n = succs.iter().position(|&succ| succ == block);
            let n = n.expect("a block is a successor of its predecessors");
            let args = self.func.branch_blockparams(pred, last, n);
            self.move_arguments(block, args, first)?;
        }
        Ok(())
    }

    /// Hands on what registers hold to blocks that follow this one alone, and stores to the first
    /// one.
    fn leave(&mut self, block: Block) {
        if let Some(first) = self.func.block_succs(block).first() {
            self.stores_at_start[first.index()].append(&mut self.stores_at_end);
        }
        let succs = self.func.block_succs(block).iter();
        let mut alone = succs
            .filter(|succ| self.func.block_preds(**succ).len() == 1)
            .peekable();
        if alone.peek().is_some() {
            let all = self.holds.iter().enumerate();
            let kept = all.filter_map(|(n, value)| {
                let value = (*value)?;
                self.homes.of(value)?;
                Some((PReg::from_index(n), value))
            });
            let kept: Held = kept.collect();
            for succ in alone {
                self.at_start[succ.index()] = Some(kept.clone());
            }
        }
    }

    // --- edges -----------------------------------------------------------------------------------

    /// Moves the arguments of a block's only edge, save those that the tail makes.
    fn moves_at_end(&mut self, block: Block, before: Inst) -> Result<()> {
        let [succ] = *self.func.block_succs(block) else {
            return Ok(());
        };
        let last = self.func.block_insns(block).last();
        let args = self.func.branch_blockparams(block, last, 0);
        self.move_arguments(succ, args, before)?;
        self.done_with(args);
        if before == last {
            return Ok(());
        }
        self.next_arg.clear();
        self.next_arg.resize(args.len(), NEVER);
        for (n, (arg, &param)) in args.iter().zip(self.func.block_params(succ)).enumerate() {
            let is_open = self.stored[arg.vreg()].is_none() && self.register[arg.vreg()].is_none();
            if is_open && self.homes.of(param).is_some() {
                self.next_arg[n] = std::mem::replace(&mut self.first_arg[arg.vreg()], n as u32);
            }
        }
        Ok(())
    }

    /// Moves arguments to the homes of parameters, as far as both are in use and the arguments have
    /// been computed.
    fn move_arguments(&mut self, to: Block, args: &[VReg], before: Inst) -> Result<()> {
        let mut moves = Vec::new();
        let params = self.func.block_params(to);
        step(args.len());
        for (&arg, &param) in args.iter().zip(params) {
            let Some(home) = self.homes.of(param) else {
                continue;
            };
            let to = Allocation::stack(home);
            let from = match (self.stored[arg.vreg()], self.register[arg.vreg()]) {
                (Some(slot), _) if slot == home => continue,
                (_, Some(register)) => Allocation::reg(register),
                (Some(slot), None) => Allocation::stack(slot),
                (None, None) => continue, // in the tail
            };
            moves.push((Move { from, to }, self.bank(arg.class())?.helpers));
        }
        let mut sequence = Vec::new();
        if in_sequence(&moves, &mut sequence) {
            for class in [RegClass::Int, RegClass::Float, RegClass::Vector] {
                if let Some(bank) = &self.banks[class as usize] {
                    let spare = bank.helpers.spare;
                    self.forget(spare);
                }
            }
        }
        self.edits(before, InstPosition::Before, &sequence);
        Ok(())
    }

    /// Notes that arguments are not needed any more in their block.
    fn done_with(&mut self, args: &[VReg]) {
        for &arg in args {
            if self.register[arg.vreg()].is_some() || self.stored[arg.vreg()].is_some() {
                self.next_use[arg.vreg()] = NEVER;
                self.release_slot(arg);
            }
        }
    }

    /// Allocates an instruction that only makes an argument, and stores that.
    fn argument(&mut self, block: Block, inst: Inst) -> Result<()> {
        self.begin();
        let value = self.func.inst_operands(inst)[0].vreg();
        let register = self.pick(value.class(), PRegSet::empty())?;
        self.flush(inst);
        self.output
            .inst_alloc_offsets
            .push(self.output.allocs.len() as u32);
        self.output.allocs.push(Allocation::reg(register));
        let succ = self.func.block_succs(block)[0];
        let params = self.func.block_params(succ);
        let mut n = std::mem::replace(&mut self.first_arg[value.vreg()], NEVER);
        while n != NEVER {
            step(1);
            if let Some(home) = self.homes.of(params[n as usize]) {
                self.edits(inst, InstPosition::After, &[Move::store(register, home)]);
            }
            n = self.next_arg[n as usize];
        }
        self.next_use[value.vreg()] = NEVER;
        Ok(())
    }

    // --- instructions ----------------------------------------------------------------------------

    fn begin(&mut self) {
        self.saves.clear();
        self.loads.clear();
        self.moved.clear();
        self.early = PRegSet::empty();
        self.late = PRegSet::empty();
    }

    /// Writes the stores and moves in front of an instruction.
    fn flush(&mut self, inst: Inst) {
        let mut sequence = std::mem::take(&mut self.saves);
        in_sequence(&self.loads, &mut sequence);
        self.edits(inst, InstPosition::Before, &sequence);
        self.saves = sequence;
    }

    fn edits(&mut self, inst: Inst, position: InstPosition, moves: &[Move]) {
        step(moves.len());
        let point = ProgPoint::new(inst, position);
        let edit = |&Move { from, to }: &Move| (point, Edit::Move { from, to });
        self.output.edits.extend(moves.iter().map(edit));
    }

    /// Allocates an instruction, of which `first` is the first operand in the block.
    fn inst(&mut self, inst: Inst, first: usize) -> Result<()> {
        self.begin();
        let operands = self.func.inst_operands(inst);
        let clobbers = self.func.inst_clobbers(inst);
        step(1 + operands.len());
        for (n, operand) in operands.iter().enumerate() {
            if operand.kind() == OperandKind::Use {
                self.next_use[operand.vreg().vreg()] = self.after[first + n];
            }
        }
        let mut allocs: Vec<Option<PReg>> = vec![None; operands.len()];
        self.fixed(operands, &mut allocs)?;
        self.uses(operands, &mut allocs)?;
        self.defs(operands, clobbers, &mut allocs)?;
        self.save_from(clobbers);
        self.save_from(self.late);
        self.flush(inst);
        self.output
            .inst_alloc_offsets
            .push(self.output.allocs.len() as u32);
        for register in &allocs {
            let register = register.expect("every operand has been allocated");
            self.output.allocs.push(Allocation::reg(register));
        }
        self.finish(inst, (operands, first), clobbers, &allocs);
        Ok(())
    }

    /// Notes the registers that operands must have.
    fn fixed(&mut self, operands: &[Operand], allocs: &mut [Option<PReg>]) -> Result<()> {
        for (operand, alloc) in operands.iter().zip(allocs) {
            match (operand.kind(), operand.pos(), operand.constraint()) {
                (OperandKind::Use, OperandPos::Early, OperandConstraint::FixedReg(register)) => {
                    *alloc = Some(register);
                    self.early.add(register);
                }
                (OperandKind::Def, OperandPos::Late, OperandConstraint::FixedReg(register)) => {
                    *alloc = Some(register);
                    self.late.add(register);
                }
                (OperandKind::Use, OperandPos::Early, OperandConstraint::Reg)
                | (OperandKind::Def, _, OperandConstraint::Reg)
                | (OperandKind::Def, OperandPos::Late, OperandConstraint::Reuse(_)) => {}
                (OperandKind::Use | OperandKind::Def, OperandPos::Early | OperandPos::Late, _) => {
                    return refused(&operand.to_string());
                }
            }
        }
        Ok(())
    }

    /// Chooses registers for what an instruction reads, and has it moved there.
    fn uses(&mut self, operands: &[Operand], allocs: &mut [Option<PReg>]) -> Result<()> {
        let fixed = self.early;
        for (operand, alloc) in operands.iter().zip(&*allocs) {
            if operand.kind() == OperandKind::Use
                && let Some(register) = *alloc
            {
                self.load(operand.vreg(), register)?;
            }
        }
        // First those that are in a register where they may stay, so that none of these is taken.
        for n in 0..operands.len() {
            let value = operands[n].vreg();
            if operands[n].kind() != OperandKind::Use || allocs[n].is_some() {
                continue;
            }
            let is_copied = self.is_copied(operands, n);
            let same = (0..operands.len()).find(|&other| {
                operands[other].kind() == OperandKind::Use
                    && operands[other].vreg() == value
                    && allocs[other].is_some()
            });
            if let Some(same) = same
                && !is_copied
                && !self.is_copied(operands, same)
            {
                allocs[n] = allocs[same];
            } else if let Some(register) = self.register[value.vreg()]
                && !is_copied
                && !fixed.contains(register)
            {
                self.early.add(register);
                allocs[n] = Some(register);
            }
        }
        for n in 0..operands.len() {
            if operands[n].kind() != OperandKind::Use || allocs[n].is_some() {
                continue;
            }
            let value = operands[n].vreg();
            let is_copied = self.is_copied(operands, n);
            let placed = self.register[value.vreg()].filter(|_| !is_copied);
            let placed = placed.filter(|&register| self.is_placed(value, register));
            if let Some(register) = placed {
                allocs[n] = Some(register); // by an operand before, of the same value
                continue;
            }
            let register = self.pick(value.class(), self.early)?;
            self.early.add(register);
            self.load(value, register)?;
            if !is_copied {
                self.moved_to(value, register);
            }
            allocs[n] = Some(register);
        }
        // What was in a register that an operand must have, and has not been moved, is overwritten.
        for register in fixed {
            let value = self.holds[register.index()];
            let stays = |operand: &Operand| {
                operand.kind() == OperandKind::Use
                    && operand.constraint() == OperandConstraint::FixedReg(register)
                    && Some(operand.vreg()) == value
            };
            if !operands.iter().any(stays) {
                self.save(register);
                self.forget(register);
            }
        }
        Ok(())
    }

    /// True if an operand has brought a value to a register for the instruction at hand.
    fn is_placed(&self, value: VReg, register: PReg) -> bool {
        self.early.contains(register) && self.moved.iter().any(|&(moved, _)| moved == value)
    }

    /// True if a use is overwritten by a result while its value is still needed, or in a register
    /// that another result gets.
    fn is_copied(&self, operands: &[Operand], n: usize) -> bool {
        let value = operands[n].vreg();
        let is_reused = |n: usize| {
            let reuse = OperandConstraint::Reuse(n);
            operands.iter().any(|operand| operand.constraint() == reuse)
        };
        let is_before = |before: usize| operands[before].vreg() == value && is_reused(before);
        is_reused(n) && (self.next_use[value.vreg()] != NEVER || (0..n).any(is_before))
    }

    /// Chooses registers for results.
    fn defs(
        &mut self,
        operands: &[Operand],
        clobbers: PRegSet,
        allocs: &mut [Option<PReg>],
    ) -> Result<()> {
        for (n, operand) in operands.iter().enumerate() {
            if let OperandConstraint::Reuse(reused) = operand.constraint() {
                let register = allocs[reused].expect("uses have been allocated");
                self.late.add(register);
                allocs[n] = Some(register);
            }
        }
        for position in [OperandPos::Early, OperandPos::Late] {
            for (n, operand) in operands.iter().enumerate() {
                let is_open = operand.kind() == OperandKind::Def && allocs[n].is_none();
                if !is_open || operand.pos() != position {
                    continue;
                }
                let mut forbidden = self.late;
                forbidden.union_from(clobbers);
                if position == OperandPos::Early {
                    forbidden.union_from(self.early);
                }
                let register = self.pick(operand.class(), forbidden)?;
                self.late.add(register);
                if position == OperandPos::Early {
                    self.early.add(register);
                }
                allocs[n] = Some(register);
            }
        }
        Ok(())
    }

    /// Notes results, and what has become of registers and slots.
    fn finish(
        &mut self,
        inst: Inst,
        (operands, first): (&[Operand], usize),
        clobbers: PRegSet,
        allocs: &[Option<PReg>],
    ) {
        for operand in operands {
            let value = operand.vreg();
            if operand.kind() == OperandKind::Use && self.next_use[value.vreg()] == NEVER {
                self.release_slot(value);
                if self.homes.of(value).is_none()
                    && let Some(register) = self.register[value.vreg()]
                {
                    self.forget(register);
                }
            }
        }
        for register in clobbers {
            self.forget(register);
        }
        for (n, operand) in operands.iter().enumerate() {
            if operand.kind() != OperandKind::Def {
                continue;
            }
            let register = allocs[n].expect("every operand has been allocated");
            let value = operand.vreg();
            self.forget(register);
            self.next_use[value.vreg()] = self.after[first + n];
            self.stored[value.vreg()] = self.homes.of(value);
            if let Some(home) = self.homes.of(value) {
                let store = Move::store(register, home);
                match inst == self.last {
                    true => self.stores_at_end.push(store),
                    false => self.edits(inst, InstPosition::After, &[store]),
                }
                self.put(value, register);
            } else if self.next_use[value.vreg()] != NEVER {
                self.put(value, register);
            }
        }
    }

    // --- registers and slots ---------------------------------------------------------------------

    fn put(&mut self, value: VReg, register: PReg) {
        self.holds[register.index()] = Some(value);
        self.register[value.vreg()] = Some(register);
    }

    /// Notes that a register does not hold its value any more.
    fn forget(&mut self, register: PReg) {
        if let Some(value) = self.holds[register.index()].take() {
            self.register[value.vreg()] = None;
        }
    }

    /// Notes that a value is in another register from the instruction at hand on.
    fn moved_to(&mut self, value: VReg, register: PReg) {
        let before = self.register[value.vreg()];
        if let Some(before) = before {
            self.forget(before);
        }
        self.moved.push((value, before));
        self.put(value, register);
    }

    /// The register that a value is in in front of the instruction at hand.
    fn register_before(&self, value: VReg) -> Option<PReg> {
        let moved = self.moved.iter().find(|(moved, _)| *moved == value);
        match moved {
            Some(&(_, before)) => before,
            None => self.register[value.vreg()],
        }
    }

    /// Has a value moved to a register in front of the instruction at hand.
    fn load(&mut self, value: VReg, register: PReg) -> Result<()> {
        let from = match (self.register_before(value), self.stored[value.vreg()]) {
            (Some(before), _) => Allocation::reg(before),
            (None, Some(slot)) => Allocation::stack(slot),
            (None, None) => {
                return refused(&format!("{value}, which is used before it is defined"));
            }
        };
        let to = Allocation::reg(register);
        let mut helpers = self.bank(value.class())?.helpers;
        helpers.spare = helpers.scratch; // all moves go to registers
        self.loads.push((Move { from, to }, helpers));
        Ok(())
    }

    /// A register of a class that is not forbidden: an empty one, or else one whose value is used
    /// farthest away, which is saved.
    fn pick(&mut self, class: RegClass, forbidden: PRegSet) -> Result<PReg> {
        let mut best = None;
        for &register in &self.bank(class)?.all {
            step(1);
            if forbidden.contains(register) {
                continue;
            }
            let Some(value) = self.holds[register.index()] else {
                return Ok(register);
            };
            let key = (
                self.next_use[value.vreg()],
                self.stored[value.vreg()].is_some(),
            );
            if best.is_none_or(|(other, _)| key > other) {
                best = Some((key, register));
            }
        }
        let Some((_, register)) = best else {
            return refused("more operands than there are registers");
        };
        self.save(register);
        self.forget(register);
        Ok(register)
    }

    /// Saves what registers hold that is needed behind the instruction at hand.
    fn save_from(&mut self, registers: PRegSet) {
        for register in registers {
            self.save(register);
        }
    }

    /// Stores the value of a register in front of the instruction at hand, if it is still needed
    /// and is not in a slot.
    fn save(&mut self, register: PReg) {
        let Some(value) = self.holds[register.index()] else {
            return;
        };
        if self.next_use[value.vreg()] == NEVER || self.stored[value.vreg()].is_some() {
            return;
        }
        let slot = self
            .slots
            .take(value.class(), self.func.spillslot_size(value.class()));
        self.stored[value.vreg()] = Some(slot);
        let before = self.register_before(value).expect("it is in a register");
        self.saves.push(Move::store(before, slot));
    }

    /// Gives back the slot of a value, unless that is its home.
    fn release_slot(&mut self, value: VReg) {
        if self.homes.of(value).is_none()
            && let Some(slot) = self.stored[value.vreg()].take()
        {
            self.slots.free[value.class() as usize].push(slot);
        }
    }
}
