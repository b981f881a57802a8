//! Allocated machine code to bytes: the frame, the allocator's moves, branches between blocks, and
//! code out of line.
//!
//! A block that is nothing but a jump becomes no code; what leads to it leads on. Traps are out of
//! line, each with a place of its own, so that the return address names it.

mod atomic;
mod bounds;
mod objects;

use std::mem::offset_of;

use regalloc2::{Allocation, Block as RBlock, Edit, InstOrEdit, Output};

use bounds::FailedCheck;
use objects::SlowAllocation;

use super::abi::{self, CALLEE, CX, SCRATCH, SCRATCH2, VM};
use super::alias::move_vector;
use super::asm::Assembler;
use super::frame::{NativeFrame, Needs};
use super::imm::{FpImm8, Imm12, vector_imm};
use super::inst::Inst;
use super::mem::Mem;
use super::minst::{Callee, MInst, SlotReg, Test};
use super::ops::{AddSub, Cond, FpSize, IndexExtend, Load, LoadLitV, Size, TestBranch};
use super::regs::{Gpr, LR, Reg, Vreg, XZR};
use crate::error::Result;
use crate::jit::code::Label;
use crate::jit::code::symbol::Symbol;
use crate::jit::lower::vcode::VCode;
use crate::jit::steps::step;
use crate::jit::target::{Emitted, Listing, Surroundings};
use crate::trap::TrapKind;
use crate::vm;

/// Emits a function.
///
/// # Errors
/// `Limit` for frames or code that are too large; `Internal` if something has no encoding.
pub(super) fn emit(
    vcode: &VCode<MInst>,
    output: &Output,
    around: Surroundings,
    listing: Listing,
) -> Result<Emitted> {
    let asm = match listing {
        Listing::Kept => Assembler::with_listing(),
        Listing::None => Assembler::new(),
    };
    let mut emitter = Emitter::new(asm, vcode, output, around)?;
    let no_room = emitter.function();
    let frame = emitter.frame.layout();
    let (listing, positions) = emitter.asm.listing();
    let code = emitter.asm.finish()?;
    Ok(Emitted {
        no_room_at: no_room.map(|label| code.offset_of(label)),
        code,
        frame,
        listing,
        positions,
    })
}

/// Code that follows the function's blocks.
struct Late {
    label: Label,
    symbol: Symbol,
    position: u32,
    /// Where execution goes on if the shared piece returns.
    goes_on: Option<Label>,
}

struct Emitter<'a> {
    vcode: &'a VCode<MInst>,
    output: &'a Output,
    around: Surroundings,
    frame: NativeFrame,
    asm: Assembler,
    /// Labels of blocks; of a block without code, that of where it leads.
    labels: Vec<Label>,
    /// Blocks without code.
    is_empty: Vec<bool>,
    /// For each block, the first one behind it that has code.
    next_code: Vec<Option<u32>>,
    late: Vec<Late>,
    failed_checks: Vec<FailedCheck>,
    slow: Vec<SlowAllocation>,
    position: u32,
}

impl<'a> Emitter<'a> {
    fn new(
        mut asm: Assembler,
        vcode: &'a VCode<MInst>,
        output: &'a Output,
        around: Surroundings,
    ) -> Result<Self> {
        let frame = NativeFrame::new(needs(vcode, output, around))?;
        let mut labels: Vec<Label> = vcode.blocks.iter().map(|_| asm.label()).collect();
        let is_jump: Vec<bool> = (0..labels.len())
            .map(|n| is_empty(vcode, output, n))
            .collect();
        let leads_to = final_targets(vcode, &is_jump);
        labels = leads_to.iter().map(|&to| labels[to as usize]).collect();
        let is_empty: Vec<bool> = (0..labels.len())
            .map(|n| leads_to[n] as usize != n)
            .collect();
        let next_code = next_code(&is_empty);
        Ok(Emitter {
            vcode,
            output,
            around,
            frame,
            asm,
            labels,
            is_empty,
            next_code,
            late: Vec::new(),
            failed_checks: Vec::new(),
            slow: Vec::new(),
            position: 0,
        })
    }

    /// Emits everything; gives where the way out begins that has no frame.
    fn function(&mut self) -> Option<Label> {
        let first_position = self.vcode.positions[0];
        self.position = first_position;
        self.asm.source(self.position);
        let no_room = self.frame.is_checked().then(|| self.asm.label());
        self.frame.enter(&mut self.asm, no_room);
        for n in 0..self.vcode.blocks.len() {
            if !self.is_empty[n] {
                self.asm.bind(self.labels[n]);
                self.block(n);
            }
        }
        self.slow_allocations();
        self.failed_checks();
        for Late {
            label,
            symbol,
            position,
            goes_on,
        } in std::mem::take(&mut self.late)
        {
            self.asm.bind(label);
            self.asm.source(position);
            self.end(symbol);
            if let Some(label) = goes_on {
                self.go_on(label);
            }
        }
        if let Some(label) = no_room {
            self.asm.bind(label);
            self.asm.source(first_position);
            self.frame.abandon(&mut self.asm);
            self.asm.emit(Inst::mov(Size::X, SCRATCH2, LR));
            self.branch_and_link(Symbol::Trap(TrapKind::StackExhausted));
        }
        no_room
    }

    /// Goes to a shared piece that ends execution. The link register tells it where; what that held
    /// goes to the scratch register, for the walk of frames, if it was not saved.
    fn end(&mut self, symbol: Symbol) {
        if !self.frame.saves_link() {
            self.asm.emit(Inst::mov(Size::X, SCRATCH2, LR));
        }
        self.branch_and_link(symbol);
    }

    /// Goes on in the function, after a shared piece that has changed no register but the link.
    fn go_on(&mut self, label: Label) {
        if !self.frame.saves_link() {
            self.asm.emit(Inst::mov(Size::X, LR, SCRATCH2));
        }
        self.asm.emit(Inst::b(label));
    }

    fn branch_and_link(&mut self, symbol: Symbol) {
        self.asm.emit(Inst::bl(symbol));
    }

    fn block(&mut self, n: usize) {
        let (vcode, output) = (self.vcode, self.output);
        for item in output.block_insts_and_edits(vcode, RBlock::new(n)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => self.move_value(*from, *to),
                InstOrEdit::Inst(at) => {
                    self.position = vcode.positions[at.index()];
                    self.asm.source(self.position);
                    let inst = vcode.insts[at.index()].assigned(output.inst_allocs(at));
                    self.inst(n, inst);
                }
            }
        }
    }

    /// A label of code at the end that goes to a shared piece.
    fn late(&mut self, symbol: Symbol) -> Label {
        let label = self.asm.label();
        self.late.push(Late {
            label,
            symbol,
            position: self.position,
            goes_on: None,
        });
        label
    }

    // --- instructions ----------------------------------------------------------------------------

    fn inst(&mut self, block: usize, inst: MInst) {
        match inst {
            MInst::A64(inst) => self.emit_unless_void(inst),
            MInst::Guarded(inst, memory) => {
                self.asm.fault_here(memory);
                self.asm.emit(inst);
            }
            MInst::Imm { size, rd, value } => self.asm.mov_imm(size, rd, value),
            MInst::FpImm { size, rd, bits } => self.fp_immediate(size, rd, bits),
            MInst::VectorImm { rd, bits } => match vector_imm(rd, bits) {
                Some(inst) => self.asm.emit(inst),
                None => self.asm.load_literal(LoadLitV::LdrQ, rd, bits),
            },
            MInst::LoadSlot { reg, slot } => self.load_slot(reg, self.behind_spills(slot)),
            MInst::StoreSlot { reg, slot } => self.store_slot(reg, self.behind_spills(slot)),
            MInst::Exclusive(access) => self.exclusive(access),
            MInst::Allocate { rd, allocation } => self.allocate(rd, allocation),
            MInst::TestRef {
                rd,
                reference,
                descriptor,
                test,
            } => self.test_ref(rd, reference, descriptor, test),
            MInst::Take(_) => {}
            MInst::Call {
                callee, handler, ..
            } => self.call(block, callee, handler),
            MInst::Caught { rd } => self.caught(rd),
            MInst::TailCall { callee, .. } => self.tail_call(callee),
            MInst::Return(_) => {
                self.frame.leave(&mut self.asm);
                self.asm.emit(Inst::ret());
            }
            MInst::TrapIf(test, kind) => {
                let label = self.late(Symbol::Trap(kind));
                self.branch_to(test, label);
                if kind == TrapKind::Interrupted && self.around.is_sampled {
                    self.polled();
                }
            }
            MInst::CheckBounds {
                index,
                is_narrow,
                limit,
                earlier,
            } => self.check_bounds((index, is_narrow), limit, earlier),
            MInst::TrapIfExit(code) => {
                let label = self.late(Symbol::Exit);
                let Reg::Gpr(reg) = code.reg else {
                    unreachable!("exit codes are in general registers")
                };
                self.branch_to(Test::nonzero(Size::W, reg), label);
            }
            MInst::Trap(kind) => self.end(Symbol::Trap(kind)),
            MInst::Jump => {
                let to = self.vcode.blocks[block].succs[0].index();
                self.jump(block, to);
            }
            MInst::Branch(test) => self.branch(block, test),
            MInst::Table { index, table } => self.table(block, index, &table),
        }
    }

    /// Lets execution go on here after the code that has been put at the end last.
    fn polled(&mut self) {
        let label = self.asm.label();
        self.asm.bind(label);
        if let Some(late) = self.late.last_mut() {
            late.goes_on = Some(label);
        }
    }

    /// Leaves out moves of a register to itself that clear nothing.
    fn emit_unless_void(&mut self, inst: Inst) {
        let is_void = match inst {
            Inst::Logic { rd, rm, .. } => rd == rm && inst == Inst::mov(Size::X, rd, rm),
            Inst::Vec3 { rd, rn, .. } => rd == rn && inst == move_vector(rd, rn),
            _ => false,
        };
        if !is_void {
            self.asm.emit(inst);
        }
    }

    fn fp_immediate(&mut self, size: FpSize, rd: Vreg, bits: u64) {
        let value = match size {
            FpSize::S => f64::from(f32::from_bits(bits as u32)),
            FpSize::D => f64::from_bits(bits),
        };
        if bits == 0 {
            self.asm.emit(Inst::gpr_to_fp(size, rd, XZR));
        } else if let Some(imm) = FpImm8::new(value) {
            self.asm.emit(Inst::fp_imm(size, rd, imm));
        } else {
            let op = match size {
                FpSize::S => LoadLitV::LdrS,
                FpSize::D => LoadLitV::LdrD,
            };
            self.asm.load_literal(op, rd, u128::from(bits));
        }
    }

    // --- the allocator's moves -------------------------------------------------------------------

    fn move_value(&mut self, from: Allocation, to: Allocation) {
        if from == to {
            return;
        }
        match (from.as_reg(), to.as_reg()) {
            (Some(from), Some(to)) => self.move_reg(abi::reg(from), abi::reg(to)),
            (Some(from), None) => self.store_slot(SlotReg::whole(abi::reg(from)), slot_of(to)),
            (None, Some(to)) => self.load_slot(SlotReg::whole(abi::reg(to)), slot_of(from)),
            (None, None) => unreachable!("the allocator makes no moves between slots"),
        }
    }

    fn move_reg(&mut self, from: Reg, to: Reg) {
        match (from, to) {
            (Reg::Gpr(rm), Reg::Gpr(rd)) => self.asm.emit(Inst::mov(Size::X, rd, rm)),
            (Reg::Vreg(rn), Reg::Vreg(rd)) => self.asm.emit(move_vector(rd, rn)),
            (from, to) => unreachable!("{from:?} and {to:?} are of different classes"),
        }
    }

    /// The slot of a place of the frame: these are behind the allocator's.
    fn behind_spills(&self, place: u32) -> u32 {
        self.output.num_spillslots as u32 + place
    }

    fn load_slot(&mut self, reg: SlotReg, slot: u32) {
        let mem = self.frame.spill(&mut self.asm, slot, reg.log2());
        self.asm.emit(reg.load(mem));
    }

    fn store_slot(&mut self, reg: SlotReg, slot: u32) {
        let mem = self.frame.spill(&mut self.asm, slot, reg.log2());
        self.asm.emit(reg.store(mem));
    }

    // --- calls -----------------------------------------------------------------------------------

    fn call(&mut self, block: usize, callee: Callee, handler: Option<u32>) {
        match callee {
            Callee::Func(func) => self.branch_and_link(Symbol::Func(func)),
            Callee::Helper(helper) => self.branch_and_link(Symbol::Helper(helper)),
            Callee::Instance => {
                self.load_callee();
                self.asm.emit(Inst::blr(SCRATCH2));
            }
        }
        let succs = &self.vcode.blocks[block].succs;
        if let Some(handler) = handler {
            let pad = self.labels[succs[1].index()];
            let vm_offset = self.frame.vm_offset();
            self.asm.exceptions_go_on_at(pad, handler, vm_offset);
        }
        if changes_vm(callee, self.around) {
            self.frame.reload_vm(&mut self.asm);
        }
        if handler.is_some() {
            self.jump(block, succs[0].index());
        }
    }

    /// Where an exception has come: `sp` is right, and nothing else.
    fn caught(&mut self, rt: Gpr) {
        self.frame.reload_vm(&mut self.asm);
        self.asm.load_x(rt, CX, offset_of!(vm::Cx, exception));
    }

    fn tail_call(&mut self, callee: Callee) {
        match callee {
            Callee::Func(func) => {
                self.frame.leave(&mut self.asm);
                self.asm.emit(Inst::b(Symbol::Func(func)));
            }
            Callee::Instance => {
                self.load_callee();
                self.frame.leave(&mut self.asm);
                self.asm.emit(Inst::br(SCRATCH2));
            }
            Callee::Helper(helper) => unreachable!("{helper:?} is never tail-called"),
        }
    }

    /// Code and instance of the function instance that is called.
    fn load_callee(&mut self) {
        self.asm
            .load_x(SCRATCH2, CALLEE, offset_of!(vm::FuncInst, jit));
        self.asm.load_x(VM, CALLEE, offset_of!(vm::FuncInst, vm));
    }

    // --- branches --------------------------------------------------------------------------------

    /// True if what follows a block's code is what leads to block `to`.
    fn is_next(&self, block: usize, to: usize) -> bool {
        self.next_code[block].is_some_and(|next| self.labels[next as usize] == self.labels[to])
    }

    fn jump(&mut self, block: usize, to: usize) {
        if !self.is_next(block, to) {
            self.asm.emit(Inst::b(self.labels[to]));
        }
    }

    fn branch(&mut self, block: usize, test: Test) {
        let succs = &self.vcode.blocks[block].succs;
        let (then, other) = (succs[0].index(), succs[1].index());
        if self.is_next(block, then) {
            self.branch_to(test.invert(), self.labels[other]);
        } else {
            self.branch_to(test, self.labels[then]);
            self.jump(block, other);
        }
    }

    fn branch_to(&mut self, test: Test, label: Label) {
        self.asm.emit(match test {
            Test::Flags(cond) => Inst::bcond(cond, label),
            Test::Zero { size, reg, is_zero } => match is_zero {
                true => Inst::cbz(size, reg, label),
                false => Inst::cbnz(size, reg, label),
            },
            Test::Bit { reg, bit, is_set } => {
                let op = match is_set {
                    true => TestBranch::Tbnz,
                    false => TestBranch::Tbz,
                };
                Inst::test_branch(op, reg, bit, label)
            }
        });
    }

    /// The last entry is for all larger indices.
    fn table(&mut self, block: usize, index: Gpr, table: &[u32]) {
        let succs = &self.vcode.blocks[block].succs;
        let label_of = |&n: &u32| self.labels[succs[n as usize].index()];
        let labels: Vec<Label> = table.iter().map(label_of).collect();
        let (default, entries) = labels.split_last().expect("there is a default");
        let count = entries.len() as u64;
        match Imm12::new(count) {
            Some(imm) => self.asm.emit(Inst::cmp_imm(Size::W, index, imm)),
            None => {
                self.asm.mov_imm(Size::W, SCRATCH, count);
                self.asm.emit(Inst::cmp(Size::W, index, SCRATCH));
            }
        }
        self.asm.emit(Inst::bcond(Cond::Hs, *default));
        let start = self.asm.label();
        self.asm.emit(Inst::adr(SCRATCH, start));
        let mem = Mem::index(SCRATCH, index, IndexExtend::Uxtw, true);
        self.asm.emit(Inst::load(Load::Ldrsw, SCRATCH2, mem));
        let (op, rn) = (AddSub::Add, SCRATCH2);
        self.asm
            .emit(Inst::add_sub(op, Size::X, SCRATCH, SCRATCH, rn));
        self.asm.emit(Inst::br(SCRATCH));
        self.asm.bind(start);
        self.asm.table(entries);
    }
}

/// The allocator's slot of a value that is not in a register.
fn slot_of(allocation: Allocation) -> u32 {
    allocation.as_stack().expect("not a register").index() as u32
}

/// True if a call may come back with another instance in `VM`.
fn changes_vm(callee: Callee, around: Surroundings) -> bool {
    match callee {
        Callee::Func(_) => around.leaves_instance,
        Callee::Instance => true,
        Callee::Helper(_) => false,
    }
}

fn needs(vcode: &VCode<MInst>, output: &Output, around: Surroundings) -> Needs {
    let mut needs = Needs {
        spill_slots: output.num_spillslots as u32 + vcode.frame_slots,
        ..Needs::default()
    };
    for inst in &vcode.insts {
        needs.calls |= inst.is_call();
        if let MInst::Call {
            callee, handler, ..
        } = *inst
        {
            needs.keeps_vm |= changes_vm(callee, around) || handler.is_some();
            if handler.is_some() && needs.saved.is_empty() {
                needs.saved.extend(abi::callee_saved());
            }
        }
    }
    let moved = output.edits.iter().map(|(_, Edit::Move { to, .. })| *to);
    for allocation in output.allocs.iter().copied().chain(moved) {
        if let Some(preg) = allocation.as_reg()
            && let reg @ Reg::Gpr(gpr) = abi::reg(preg)
            && abi::is_callee_saved(reg)
        {
            needs.saved.push(gpr);
        }
    }
    needs.saved.sort_unstable();
    needs.saved.dedup();
    needs
}

/// True if a block is nothing but a jump.
fn is_empty(vcode: &VCode<MInst>, output: &Output, n: usize) -> bool {
    let is_jump = |inst: &MInst| matches!(inst, MInst::Jump);
    n > 0
        && vcode.blocks[n]
            .succs
            .first()
            .is_some_and(|to| to.index() != n)
        && output
            .block_insts_and_edits(vcode, RBlock::new(n))
            .all(|item| match item {
                InstOrEdit::Inst(at) => is_jump(&vcode.insts[at.index()]),
                InstOrEdit::Edit(Edit::Move { from, to }) => from == to,
            })
}

/// For each block, the block with code that it leads to: itself, unless it is only a jump. A circle
/// of jumps has code in one of its blocks.
fn final_targets(vcode: &VCode<MInst>, is_jump: &[bool]) -> Vec<u32> {
    const UNKNOWN: u32 = u32::MAX;
    const ON_THE_WAY: u32 = u32::MAX - 1;
    let mut leads_to = vec![UNKNOWN; is_jump.len()];
    let mut passed = Vec::new();
    for n in 0..is_jump.len() {
        let mut at = n;
        while is_jump[at] && leads_to[at] == UNKNOWN {
            step(1);
            leads_to[at] = ON_THE_WAY;
            passed.push(at);
            at = vcode.blocks[at].succs[0].index();
        }
        let end = match leads_to[at] {
            UNKNOWN | ON_THE_WAY => at as u32,
            known => known,
        };
        leads_to[end as usize] = end;
        for at in passed.drain(..) {
            leads_to[at] = end;
        }
    }
    leads_to
}

/// For each block, the first one behind it that is not empty.
fn next_code(is_empty: &[bool]) -> Vec<Option<u32>> {
    let mut next = None;
    let mut all: Vec<Option<u32>> = (0..is_empty.len())
        .rev()
        .map(|n| {
            let behind = next;
            if !is_empty[n] {
                next = Some(n as u32);
            }
            behind
        })
        .collect();
    all.reverse();
    all
}
