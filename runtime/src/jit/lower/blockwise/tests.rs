//! Random functions, allocated block by block: regalloc2's checker verifies each, and what it does
//! not see is checked besides ([`Registers`], [`slots_are_apart`]).
//!
//! A function is made of straight lines, branches of several arms, loops, calls that exceptions may
//! leave, and traps, with parameters of blocks everywhere, and of few registers. Its instructions
//! have operands of every constraint that the allocator knows, in any order and number: more than
//! those of our instruction set have.

use regalloc2::{
    Block, Edit, InstOrEdit, MachineEnv, Operand, OperandConstraint, OperandKind, OperandPos,
    Output, PReg, PRegSet, RegClass, VReg,
};

use crate::jit::lower::vcode::{MachInst, VBlock, VCode};

const FUNCTIONS: u64 = 2_000;
const BLOCKS_MAX: usize = 40;
const CLASSES: [RegClass; 2] = [RegClass::Int, RegClass::Float];

#[test]
fn random_functions_are_allocated_as_the_checker_demands() {
    let mut moves = 0;
    for seed in 1..=FUNCTIONS {
        let mut maker = Maker::new(seed);
        let env = maker.env();
        let code = maker.function();
        let output = code.allocate_blockwise(&env);
        let output = output.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{code:?}"));
        let checked = code.check(&env, &output);
        let checked = checked.map_err(|error| error.to_string());
        let checked = checked.and_then(|()| registers_are_apart(&code, &output));
        let checked = checked.and_then(|()| slots_are_apart(&output));
        if let Err(wrong) = checked {
            panic!("seed {seed}: {wrong}\n{}", text(&code, &output));
        }
        moves += output.edits.len();
    }
    assert!(moves > 20 * FUNCTIONS as usize, "{moves} moves are few");
}

/// Results share no register, and those that come early share none with what is read. The checker
/// demands neither.
fn registers_are_apart(code: &VCode<TestInst>, output: &Output) -> Result<(), String> {
    for (n, inst) in code.insts.iter().enumerate() {
        let allocs = output.inst_allocs(regalloc2::Inst::new(n));
        let pairs = inst.operands.iter().zip(allocs);
        for (at, (a, first)) in pairs.clone().enumerate() {
            for (b, second) in pairs.clone().skip(at + 1) {
                let defs = [a, b].map(|it| it.kind() == OperandKind::Def);
                let is_early =
                    |it: &Operand| it.kind() == OperandKind::Def && it.pos() == OperandPos::Early;
                let differ = defs == [true; 2] || is_early(a) || is_early(b);
                if differ && first == second {
                    return Err(format!("inst{n}: {a} and {b} are in {first}"));
                }
            }
        }
    }
    Ok(())
}

/// Slots of floats have two units, and share none with others. To the checker a slot is a number.
fn slots_are_apart(output: &Output) -> Result<(), String> {
    let mut classes = vec![None; output.num_spillslots];
    for (_, Edit::Move { from, to }) in &output.edits {
        let (slot, register) = match (from.as_stack(), to.as_stack(), from.as_reg(), to.as_reg()) {
            (Some(slot), None, None, Some(register)) => (slot, register),
            (None, Some(slot), Some(register), None) => (slot, register),
            (None, None, Some(_), Some(_)) => continue,
            _ => return Err(format!("a move of {from} to {to}")),
        };
        let units = units(register.class());
        if !slot.index().is_multiple_of(units) {
            return Err(format!("{slot} of {register} is not aligned"));
        }
        for unit in slot.index()..slot.index() + units {
            let Some(class) = classes.get_mut(unit) else {
                return Err(format!("{slot} of {register} is beyond the frame"));
            };
            if *class.get_or_insert(register.class()) != register.class() {
                return Err(format!("{slot} is of two classes"));
            }
        }
    }
    Ok(())
}

/// The allocated function.
fn text(code: &VCode<TestInst>, output: &Output) -> String {
    let mut text = String::new();
    for (n, block) in code.blocks.iter().enumerate() {
        let VBlock {
            params,
            succs,
            args,
            ..
        } = block;
        text += &format!("block{n} {params:?}\n");
        for it in output.block_insts_and_edits(code, Block::new(n)) {
            text += &match it {
                InstOrEdit::Edit(Edit::Move { from, to }) => format!("    {to} := {from}\n"),
                InstOrEdit::Inst(inst) => {
                    let operands = code.insts[inst.index()].operands.iter();
                    let allocs = output.inst_allocs(inst).iter();
                    let all = operands.zip(allocs).map(|(a, at)| format!("{a} in {at}"));
                    let all = all.collect::<Vec<_>>().join(", ");
                    format!(
                        "  {inst:?}: {all}; {:?}\n",
                        code.insts[inst.index()].clobbers
                    )
                }
            };
        }
        text += &format!("  -> {succs:?} {args:?}\n");
    }
    text
}

fn units(class: RegClass) -> usize {
    match class {
        RegClass::Int => 1,
        RegClass::Float | RegClass::Vector => 2,
    }
}

/// A generator of numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// An instruction: nothing but its operands.
#[derive(Clone, Debug, Default)]
struct TestInst {
    operands: Vec<Operand>,
    clobbers: Vec<PReg>,
}

impl MachInst for TestInst {
    fn operands(&self, operands: &mut Vec<Operand>) -> PRegSet {
        operands.extend(&self.operands);
        let mut all = PRegSet::empty();
        self.clobbers.iter().for_each(|&register| all.add(register));
        all
    }
}

/// A block while it is made. Its successors are numbers of blocks in the order of making.
#[derive(Default)]
struct Draft {
    insts: Vec<TestInst>,
    params: Vec<VReg>,
    succs: Vec<usize>,
    args: Vec<Vec<VReg>>,
    /// The block that dominates it at once.
    above: usize,
}

struct Maker {
    random: Random,
    blocks: Vec<Draft>,
    vregs: usize,
    /// The values that are defined at the place at hand.
    defined: Vec<VReg>,
    /// By class, the number of registers that operands may have.
    registers: [usize; 2],
    has_scratch: [bool; 2],
}

impl Maker {
    fn new(seed: u64) -> Maker {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let registers = [3 + random.below(6), 3 + random.below(4)];
        let has_scratch = [random.chance(70), random.chance(30)];
        Maker {
            random,
            blocks: vec![Draft::default()],
            vregs: 0,
            defined: Vec::new(),
            registers,
            has_scratch,
        }
    }

    /// The registers that operands may have, one more for moves, and some that nothing uses.
    fn env(&self) -> MachineEnv {
        let mut env = MachineEnv {
            preferred_regs_by_class: [PRegSet::empty(); 3],
            non_preferred_regs_by_class: [PRegSet::empty(); 3],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        };
        for class in CLASSES {
            let n = class as usize;
            let count = self.registers[n];
            let last = PReg::new(count, class);
            for at in 0..count {
                match at < count / 2 {
                    true => env.preferred_regs_by_class[n].add(PReg::new(at, class)),
                    false => env.non_preferred_regs_by_class[n].add(PReg::new(at, class)),
                }
            }
            match self.has_scratch[n] {
                true => env.scratch_by_class[n] = Some(last),
                false => env.non_preferred_regs_by_class[n].add(last),
            }
        }
        env
    }

    // --- values ----------------------------------------------------------------------------------

    fn class(&mut self) -> RegClass {
        match self.random.chance(65) {
            true => RegClass::Int,
            false => RegClass::Float,
        }
    }

    fn new_value(&mut self, class: RegClass) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs - 1, class)
    }

    fn new_values(&mut self, classes: &[RegClass]) -> Vec<VReg> {
        classes.iter().map(|&class| self.new_value(class)).collect()
    }

    /// A value that is defined, of late or any; one is made at the end of the block if need be.
    fn value(&mut self, block: usize, class: RegClass) -> VReg {
        let all: Vec<VReg> = self
            .defined
            .iter()
            .copied()
            .filter(|it| it.class() == class)
            .collect();
        if all.is_empty() || self.random.chance(2) {
            let value = self.constant(block, class);
            self.defined.push(value);
            return value;
        }
        match self.random.chance(50) {
            true => self.random.pick(&all[all.len().saturating_sub(4)..]),
            false => self.random.pick(&all),
        }
    }

    fn constant(&mut self, block: usize, class: RegClass) -> VReg {
        let value = self.new_value(class);
        let operands = vec![Operand::reg_def(value)];
        self.push(block, operands, Vec::new());
        value
    }

    fn push(&mut self, block: usize, operands: Vec<Operand>, clobbers: Vec<PReg>) {
        self.blocks[block]
            .insts
            .push(TestInst { operands, clobbers });
    }

    // --- instructions ----------------------------------------------------------------------------

    /// An instruction of operands of every kind, in any order.
    fn inst(&mut self, block: usize) {
        let mut rooms = self.registers;
        let mut uses: Vec<VReg> = Vec::new();
        for _ in 0..self.random.below(5) {
            let class = self.class();
            if rooms[class as usize] == 0 {
                continue;
            }
            rooms[class as usize] -= 1;
            let before = uses.iter().copied().rfind(|it| it.class() == class);
            let value = match before {
                Some(value) if self.random.chance(40) => value,
                _ => self.value(block, class),
            };
            uses.push(value);
        }
        let mut parts: Vec<Operand> = uses.iter().map(|&value| Operand::reg_use(value)).collect();
        let mut results = Vec::new();
        let mut reused = Vec::new();
        for _ in 0..self.random.below(4) {
            let class = self.class();
            let free: Vec<usize> = (0..uses.len())
                .filter(|n| uses[*n].class() == class && !reused.contains(n))
                .collect();
            if !free.is_empty() && self.random.chance(40) {
                let n = self.random.pick(&free);
                let value = self.new_value(class);
                reused.push(n);
                results.push(value);
                parts.push(Operand::reg_reuse_def(value, n));
            } else if rooms[class as usize] > 0 {
                rooms[class as usize] -= 1;
                let value = self.new_value(class);
                results.push(value);
                parts.push(match self.random.chance(30) {
                    true => Operand::reg_def_at_start(value),
                    false => Operand::reg_def(value),
                });
            }
        }
        let operands = self.shuffled(&parts);
        self.push(block, operands, Vec::new());
        self.defined.extend(results);
    }

    /// Operands in another order.
    fn shuffled(&mut self, parts: &[Operand]) -> Vec<Operand> {
        let mut order: Vec<usize> = (0..parts.len()).collect();
        for n in (1..order.len()).rev() {
            let other = self.random.below(n + 1);
            order.swap(n, other);
        }
        let place = |n: usize| order.iter().position(|it| *it == n).expect("a permutation");
        let all = order.iter().map(|&n| match parts[n].constraint() {
            OperandConstraint::Reuse(reused) => {
                Operand::reg_reuse_def(parts[n].vreg(), place(reused))
            }
            _ => parts[n],
        });
        all.collect()
    }

    /// Registers, each at most once.
    fn some_registers(&mut self, most: usize) -> Vec<PReg> {
        let mut all = Vec::new();
        for _ in 0..self.random.below(most + 1) {
            let class = self.class();
            let register = PReg::new(self.random.below(self.registers[class as usize]), class);
            if !all.contains(&register) {
                all.push(register);
            }
        }
        all
    }

    fn fixed_uses(&mut self, block: usize, most: usize) -> Vec<Operand> {
        let registers = self.some_registers(most);
        let mut operands = Vec::new();
        for register in registers {
            let value = self.value(block, register.class());
            operands.push(Operand::reg_fixed_use(value, register));
        }
        operands
    }

    /// A call. Its results are returned: they are defined where it returns.
    fn call(&mut self, block: usize, destroys_all: bool) -> Vec<VReg> {
        let mut operands = self.fixed_uses(block, 5);
        if self.random.chance(40) {
            let class = self.class();
            let of_class = operands.iter().filter(|it| it.class() == class).count();
            if of_class < self.registers[class as usize] {
                let value = self.value(block, class);
                operands.push(Operand::reg_use(value));
            }
        }
        let mut results = Vec::new();
        let defs = self.some_registers(3);
        for &register in &defs {
            let value = self.new_value(register.class());
            results.push(value);
            operands.push(Operand::reg_fixed_def(value, register));
        }
        let mut clobbers = Vec::new();
        let percent = if destroys_all {
            100
        } else {
            self.random.pick(&[0, 50, 80, 100])
        };
        for class in CLASSES {
            for n in 0..self.registers[class as usize] {
                let register = PReg::new(n, class);
                if !defs.contains(&register) && self.random.chance(percent) {
                    clobbers.push(register);
                }
            }
        }
        let class = self.class();
        let of_class = |it: &&PReg| it.class() == class;
        let taken = clobbers.iter().chain(&defs).filter(of_class).count();
        if taken < self.registers[class as usize] && self.random.chance(50) {
            let value = self.new_value(class);
            results.push(value);
            operands.push(Operand::reg_def(value));
        }
        let operands = self.shuffled(&operands);
        self.push(block, operands, clobbers);
        results
    }

    fn straight(&mut self, block: usize) {
        for _ in 0..self.random.below(7) {
            match self.random.below(10) {
                0 => {
                    let class = self.class();
                    let value = self.constant(block, class);
                    self.defined.push(value);
                }
                1 => {
                    let results = self.call(block, false);
                    self.defined.extend(results);
                }
                2 => {
                    let uses = self.fixed_uses(block, 2);
                    self.push(block, uses, Vec::new());
                }
                _ => self.inst(block),
            }
        }
    }

    // --- blocks ----------------------------------------------------------------------------------

    fn new_block(&mut self, above: usize, params: Vec<VReg>) -> usize {
        self.blocks.push(Draft {
            params,
            above,
            ..Draft::default()
        });
        self.blocks.len() - 1
    }

    fn classes(&mut self, most: usize) -> Vec<RegClass> {
        (0..self.random.below(most + 1))
            .map(|_| self.class())
            .collect()
    }

    fn args(&mut self, block: usize, classes: &[RegClass]) -> Vec<VReg> {
        classes
            .iter()
            .map(|&class| self.value(block, class))
            .collect()
    }

    /// Ends a block by a jump. Some arguments are constants that are only arguments, or that are
    /// all the same.
    fn jump(&mut self, block: usize, to: usize, mut args: Vec<VReg>) {
        if self.random.chance(50) {
            let mut last: Option<VReg> = None;
            for arg in &mut args {
                if self.random.chance(40) {
                    let same = last.filter(|it| it.class() == arg.class());
                    *arg = match same {
                        Some(value) if self.random.chance(40) => value,
                        _ => self.constant(block, arg.class()),
                    };
                    last = Some(*arg);
                }
            }
        }
        self.push(block, Vec::new(), Vec::new());
        self.blocks[block].succs = vec![to];
        self.blocks[block].args = vec![args];
    }

    /// Gives an ended block successors that nothing else leads to, each with parameters.
    fn arms(&mut self, block: usize, count: usize) -> Vec<usize> {
        let mut arms = Vec::new();
        for _ in 0..count {
            let classes = self.classes(3);
            let known: Vec<VReg> = self.defined.clone();
            let fits = |class: &RegClass| known.iter().any(|it| it.class() == *class);
            let classes: Vec<RegClass> = classes.into_iter().filter(fits).collect();
            let mut args = Vec::new();
            for &class in &classes {
                let all: Vec<VReg> = known
                    .iter()
                    .copied()
                    .filter(|it| it.class() == class)
                    .collect();
                args.push(self.random.pick(&all));
            }
            let params = self.new_values(&classes);
            let arm = self.new_block(block, params);
            self.blocks[block].succs.push(arm);
            self.blocks[block].args.push(args);
            arms.push(arm);
        }
        arms
    }

    /// Ends a block by a branch.
    fn branch(&mut self, block: usize, count: usize) -> Vec<usize> {
        let mut uses = Vec::new();
        for _ in 0..self.random.below(3) {
            let class = self.class();
            uses.push(Operand::reg_use(self.value(block, class)));
        }
        self.push(block, uses, Vec::new());
        self.arms(block, count)
    }

    fn end(&mut self, block: usize) {
        let uses = self.fixed_uses(block, 4);
        self.push(block, uses, Vec::new());
    }

    fn params_are_defined(&mut self, block: usize) {
        let params = self.blocks[block].params.clone();
        self.defined.extend(params);
    }

    /// Code from a block on; returns the block that it ends in, which has no end.
    fn region(&mut self, mut block: usize, depth: u32) -> usize {
        for _ in 0..1 + self.random.below(3) {
            self.straight(block);
            if depth == 0 || self.blocks.len() > BLOCKS_MAX {
                continue;
            }
            block = match self.random.below(10) {
                0..3 => self.merged(block, depth),
                3..6 => self.looped(block, depth),
                6 => self.caught(block, depth),
                7 | 8 => self.passed(block),
                _ => block,
            };
        }
        block
    }

    /// A jump to a block that nothing else leads to: with the block's own parameters in another
    /// order, if it has any.
    fn passed(&mut self, block: usize) -> usize {
        let own = self.blocks[block].params.clone();
        let mut classes: Vec<RegClass> = own.iter().map(|it| it.class()).collect();
        classes.extend(self.classes(2));
        let mut args = self.args(block, &classes);
        self.turn(&own, &mut args);
        let params = self.new_values(&classes);
        let behind = self.new_block(block, params);
        self.jump(block, behind, args);
        self.params_are_defined(behind);
        behind
    }

    /// Puts the next one of some parameters in the place of each argument, if it is of its class.
    fn turn(&mut self, params: &[VReg], args: &mut [VReg]) {
        if self.random.chance(40) {
            return;
        }
        for n in 0..params.len() {
            let other = params[(n + 1) % params.len()];
            if other.class() == args[n].class() {
                args[n] = other;
            }
        }
    }

    /// A block that goes round forever.
    fn forever(&mut self, block: usize) {
        let classes = self.classes(3);
        let args = self.args(block, &classes);
        let params = self.new_values(&classes);
        let round = self.new_block(block, params);
        self.jump(block, round, args);
        self.params_are_defined(round);
        self.straight(round);
        self.round(round, round, &classes);
    }

    /// Several arms that come together again, but for those that end.
    fn merged(&mut self, block: usize, depth: u32) -> usize {
        let count = self.random.pick(&[2, 2, 2, 3, 5]);
        let arms = self.branch(block, count);
        self.merge(block, &arms, depth)
    }

    fn merge(&mut self, block: usize, arms: &[usize], depth: u32) -> usize {
        let classes = self.classes(6);
        let params = self.new_values(&classes);
        let behind = self.new_block(block, params);
        let scope = self.defined.len();
        for (n, &arm) in arms.iter().enumerate() {
            self.params_are_defined(arm);
            let end = self.region(arm, depth - 1);
            if n > 0 && self.random.chance(15) {
                self.end(end);
            } else if n > 0 && self.random.chance(5) {
                self.forever(end);
            } else {
                self.meet(end, behind, &classes);
            }
            self.defined.truncate(scope);
        }
        self.params_are_defined(behind);
        behind
    }

    /// Ends a block: it goes on where others meet it, with values of these classes.
    fn meet(&mut self, block: usize, behind: usize, classes: &[RegClass]) {
        let args = self.args(block, classes);
        self.jump(block, behind, args);
    }

    /// A call that ends its block: it returns to one block, and exceptions lead to another.
    fn caught(&mut self, block: usize, depth: u32) -> usize {
        let results = self.call(block, true);
        let arms = self.arms(block, 2);
        self.blocks[arms[0]].insts.push(TestInst::default());
        let scope = self.defined.len();
        let behind = match self.random.chance(50) {
            true => {
                // The handler ends.
                self.params_are_defined(arms[1]);
                let end = self.region(arms[1], depth - 1);
                self.end(end);
                self.defined.truncate(scope);
                self.params_are_defined(arms[0]);
                arms[0]
            }
            false => {
                let first = self.new_block(arms[0], Vec::new());
                self.defined.extend(&results);
                let params = self.blocks[arms[0]].params.clone();
                self.defined.extend(params);
                self.jump(arms[0], first, Vec::new());
                let end = self.region(first, depth - 1);
                self.defined.truncate(scope);
                let behind = self.handler(block, end, arms[1], depth);
                return behind;
            }
        };
        self.defined.extend(results);
        behind
    }

    /// A handler whose code comes together with that behind the call.
    fn handler(&mut self, block: usize, end: usize, handler: usize, depth: u32) -> usize {
        let classes = self.classes(4);
        let params = self.new_values(&classes);
        let behind = self.new_block(block, params);
        let scope = self.defined.len();
        self.meet(end, behind, &classes);
        self.defined.truncate(scope);
        self.params_are_defined(handler);
        let end = self.region(handler, depth - 1);
        self.meet(end, behind, &classes);
        self.defined.truncate(scope);
        self.params_are_defined(behind);
        behind
    }

    /// A loop, which is left from its header or from its last block.
    fn looped(&mut self, block: usize, depth: u32) -> usize {
        let classes = self.classes(6);
        let args = self.args(block, &classes);
        let params = self.new_values(&classes);
        let header = self.new_block(block, params);
        self.jump(block, header, args);
        self.params_are_defined(header);
        if self.random.chance(50) {
            self.straight(header);
            let arms = self.branch(header, 2);
            let scope = self.defined.len();
            self.params_are_defined(arms[0]);
            let mut end = self.region(arms[0], depth - 1);
            if self.random.chance(40) {
                // It goes round from two places.
                let arms = self.branch(end, 2);
                let scope = self.defined.len();
                self.params_are_defined(arms[0]);
                self.round(arms[0], header, &classes);
                self.defined.truncate(scope);
                self.params_are_defined(arms[1]);
                end = self.region(arms[1], depth - 1);
            }
            self.round(end, header, &classes);
            self.defined.truncate(scope);
            self.params_are_defined(arms[1]);
            arms[1]
        } else {
            let end = self.region(header, depth - 1);
            let arms = self.branch(end, 2);
            let scope = self.defined.len();
            self.params_are_defined(arms[0]);
            self.round(arms[0], header, &classes);
            self.defined.truncate(scope);
            self.params_are_defined(arms[1]);
            arms[1]
        }
    }

    /// Goes back to a header: with other values, or with its own in another order.
    fn round(&mut self, block: usize, header: usize, classes: &[RegClass]) {
        let mut args = self.args(block, classes);
        let params = self.blocks[header].params.clone();
        self.turn(&params, &mut args);
        self.jump(block, header, args);
    }

    // --- the function ----------------------------------------------------------------------------

    fn function(&mut self) -> VCode<TestInst> {
        let mut taken = Vec::new();
        for register in self.some_registers(6) {
            let value = self.new_value(register.class());
            self.defined.push(value);
            taken.push(Operand::reg_fixed_def(value, register));
        }
        self.push(0, taken, Vec::new());
        let depth = self.random.below(4) as u32;
        let last = self.region(0, depth);
        self.end(last);
        let (order, text) = (self.order(), self.order());
        let mut place = vec![0; order.len()];
        for (n, &block) in order.iter().enumerate() {
            place[block] = n;
        }
        let number = |block: &usize| Block::new(place[*block]);
        let (mut insts, mut blocks) = (Vec::new(), Vec::new());
        for &block in &order {
            let draft = std::mem::take(&mut self.blocks[block]);
            let succs = draft.succs.iter().map(number).collect();
            let mut made = VBlock::new(draft.params, succs, draft.args);
            let start = insts.len() as u32;
            insts.extend(draft.insts.into_iter().map(|inst| (inst, 0)));
            made.insts = start..insts.len() as u32;
            blocks.push(made);
        }
        let text = text.iter().map(number).collect();
        VCode::new(insts, blocks, text, (self.vregs, 0))
    }

    /// An order in which every block comes after the one that dominates it and, as the checker
    /// demands, after one that leads to it: as they were made, or any.
    fn order(&mut self) -> Vec<usize> {
        let mut order = vec![0];
        let mut leads_to = vec![false; self.blocks.len()];
        let mut left: Vec<usize> = (1..self.blocks.len()).collect();
        let is_shuffled = self.random.chance(60);
        while !left.is_empty() {
            let last = order.last().expect("the entry is in it");
            self.blocks[*last]
                .succs
                .iter()
                .for_each(|&succ| leads_to[succ] = true);
            let is_ready =
                |block: usize| leads_to[block] && order.contains(&self.blocks[block].above);
            let ready: Vec<usize> = (0..left.len()).filter(|&n| is_ready(left[n])).collect();
            let n = match is_shuffled {
                true => self.random.pick(&ready),
                false => ready[0],
            };
            order.push(left.remove(n));
        }
        order
    }
}
