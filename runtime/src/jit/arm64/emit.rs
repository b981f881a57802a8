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
use super::ops::{
    AddSub, BranchReg, CompareBranch, Cond, FpSize, IndexExtend, Load, LoadLitV, Size, Store,
    TestBranch, Width,
};
use super::referent::Referent;
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
        let target = label.into();
        self.asm.emit(Inst::B { target });
    }

    fn branch_and_link(&mut self, symbol: Symbol) {
        let target = Referent::Symbol(symbol);
        self.asm.emit(Inst::Bl { target });
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
            MInst::LoadSlot { reg, slot } => self.load_slot(reg, slot),
            MInst::StoreSlot { reg, slot } => self.store_slot(reg, slot),
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
                let test = Test::Zero {
                    size: Size::W,
                    reg,
                    is_zero: false,
                };
                self.branch_to(test, label);
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
            let rn = XZR;
            self.asm.emit(Inst::GprToFp { size, rd, rn });
        } else if let Some(imm) = FpImm8::new(value) {
            self.asm.emit(Inst::FpImm { size, rd, imm });
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
            (Some(from), None) => self.spill(abi::reg(from), to),
            (None, Some(to)) => self.reload(from, abi::reg(to)),
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

    fn spill(&mut self, from: Reg, to: Allocation) {
        let slot = to.as_stack().expect("not a register").index() as u32;
        match from {
            Reg::Gpr(rt) => {
                let mem = self.frame.spill(&mut self.asm, slot, 3);
                let op = Store::StrX;
                self.asm.emit(Inst::Store { op, rt, mem });
            }
            Reg::Vreg(rt) => {
                let mem = self.frame.spill(&mut self.asm, slot, 4);
                let width = Width::Q;
                self.asm.emit(Inst::StoreV { width, rt, mem });
            }
        }
    }

    fn reload(&mut self, from: Allocation, to: Reg) {
        let slot = from.as_stack().expect("not a register").index() as u32;
        match to {
            Reg::Gpr(rt) => {
                let mem = self.frame.spill(&mut self.asm, slot, 3);
                let op = Load::LdrX;
                self.asm.emit(Inst::Load { op, rt, mem });
            }
            Reg::Vreg(rt) => {
                let mem = self.frame.spill(&mut self.asm, slot, 4);
                let width = Width::Q;
                self.asm.emit(Inst::LoadV { width, rt, mem });
            }
        }
    }

    /// A place of the frame, which is behind the allocator's.
    fn place(&mut self, slot: u32, log2: u32) -> Mem {
        let slot = self.output.num_spillslots as u32 + slot;
        self.frame.spill(&mut self.asm, slot, log2)
    }

    fn load_slot(&mut self, reg: SlotReg, slot: u32) {
        let inst = match reg {
            SlotReg::General(rt) => Inst::Load {
                op: Load::LdrX,
                rt,
                mem: self.place(slot, 3),
            },
            SlotReg::Float(rt) => Inst::LoadV {
                width: Width::D,
                rt,
                mem: self.place(slot, 3),
            },
            SlotReg::Vector(rt) => Inst::LoadV {
                width: Width::Q,
                rt,
                mem: self.place(slot, 4),
            },
        };
        self.asm.emit(inst);
    }

    fn store_slot(&mut self, reg: SlotReg, slot: u32) {
        let inst = match reg {
            SlotReg::General(rt) => Inst::Store {
                op: Store::StrX,
                rt,
                mem: self.place(slot, 3),
            },
            SlotReg::Float(rt) => Inst::StoreV {
                width: Width::D,
                rt,
                mem: self.place(slot, 3),
            },
            SlotReg::Vector(rt) => Inst::StoreV {
                width: Width::Q,
                rt,
                mem: self.place(slot, 4),
            },
        };
        self.asm.emit(inst);
    }

    // --- calls -----------------------------------------------------------------------------------

    fn call(&mut self, block: usize, callee: Callee, handler: Option<u32>) {
        match callee {
            Callee::Func(func) => self.branch_and_link(Symbol::Func(func)),
            Callee::Helper(helper) => self.branch_and_link(Symbol::Helper(helper)),
            Callee::Instance => {
                self.load_callee();
                let (op, rn) = (BranchReg::Blr, SCRATCH2);
                self.asm.emit(Inst::BranchReg { op, rn });
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
        let mem = Mem::Offset {
            base: CX,
            offset: offset_of!(vm::Cx, exception) as i32,
        };
        let op = Load::LdrX;
        self.asm.emit(Inst::Load { op, rt, mem });
    }

    fn tail_call(&mut self, callee: Callee) {
        match callee {
            Callee::Func(func) => {
                self.frame.leave(&mut self.asm);
                let target = Referent::Symbol(Symbol::Func(func));
                self.asm.emit(Inst::B { target });
            }
            Callee::Instance => {
                self.load_callee();
                self.frame.leave(&mut self.asm);
                let (op, rn) = (BranchReg::Br, SCRATCH2);
                self.asm.emit(Inst::BranchReg { op, rn });
            }
            Callee::Helper(helper) => unreachable!("{helper:?} is never tail-called"),
        }
    }

    /// Code and instance of the function instance that is called.
    fn load_callee(&mut self) {
        for (rt, offset) in [
            (SCRATCH2, offset_of!(vm::FuncInst, jit)),
            (VM, offset_of!(vm::FuncInst, vm)),
        ] {
            let mem = Mem::Offset {
                base: CALLEE,
                offset: offset as i32,
            };
            let op = Load::LdrX;
            self.asm.emit(Inst::Load { op, rt, mem });
        }
    }

    // --- branches --------------------------------------------------------------------------------

    /// True if what follows a block's code is what leads to block `to`.
    fn is_next(&self, block: usize, to: usize) -> bool {
        self.next_code[block].is_some_and(|next| self.labels[next as usize] == self.labels[to])
    }

    fn jump(&mut self, block: usize, to: usize) {
        if !self.is_next(block, to) {
            let target = self.labels[to].into();
            self.asm.emit(Inst::B { target });
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
        let target = label.into();
        self.asm.emit(match test {
            Test::Flags(cond) => Inst::BCond { cond, target },
            Test::Zero { size, reg, is_zero } => {
                let op = match is_zero {
                    true => CompareBranch::Cbz,
                    false => CompareBranch::Cbnz,
                };
                let rt = reg;
                Inst::CompareBranch {
                    op,
                    size,
                    rt,
                    target,
                }
            }
            Test::Bit { reg, bit, is_set } => {
                let op = match is_set {
                    true => TestBranch::Tbnz,
                    false => TestBranch::Tbz,
                };
                let rt = reg;
                Inst::TestBranch {
                    op,
                    rt,
                    bit,
                    target,
                }
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
        let (cond, target) = (Cond::Hs, (*default).into());
        self.asm.emit(Inst::BCond { cond, target });
        let start = self.asm.label();
        let target = start.into();
        self.asm.emit(Inst::Adr {
            rd: SCRATCH,
            target,
        });
        self.asm.emit(Inst::Load {
            op: Load::Ldrsw,
            rt: SCRATCH2,
            mem: Mem::Index {
                base: SCRATCH,
                index,
                extend: IndexExtend::Uxtw,
                scaled: true,
            },
        });
        let (op, rn) = (AddSub::Add, SCRATCH2);
        self.asm
            .emit(Inst::add_sub(op, Size::X, SCRATCH, SCRATCH, rn));
        let (op, rn) = (BranchReg::Br, SCRATCH);
        self.asm.emit(Inst::BranchReg { op, rn });
        self.asm.bind(start);
        self.asm.table(entries);
    }
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
