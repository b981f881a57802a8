//! A second target: the seam of `target.rs` is enough to compile for another instruction set.
//!
//! The machine is made up and nothing executes its code. It differs from ARM64 wherever the seam
//! must not care: instructions have several lengths, a call pushes its return address on the stack,
//! there is one class of registers, and a call destroys all of them. It lowers the instructions
//! that the test's function needs. A real target begins as this one does, with all instructions.

use std::fmt::Write as _;

use libc::c_void;
use regalloc2::{
    Allocation, Block as RBlock, Edit, InstOrEdit, MachineEnv, Operand, Output, PReg, PRegSet,
    RegClass, VReg,
};

use super::encode;
use crate::engine::{CompiledPlace, Config, Engine, Tier};
use crate::error::Result;
use crate::jit::backend::JitTier;
use crate::jit::code::signature::Signature;
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::{
    FaultSite, FrameLayout, Piece, PieceKind, ReturnAddress, SourceLoc,
};
use crate::jit::code::walk::Walk;
use crate::jit::code::{Code, Label, Reloc, regions};
use crate::jit::lower::vcode::{MachInst, VCode};
use crate::jit::lower::{Isa, Lower};
use crate::jit::pipeline;
use crate::jit::publish::{Budget, CodeMemory};
use crate::jit::ssa::{self, Block, Class, FuncSsa, InstId, Term, Value};
use crate::jit::target::{Emitted, Listing, Mode, SharedPiece, Surroundings, Target};
use crate::module::ModuleParts;
use crate::ops::Op;
use crate::trap::TrapKind;
use crate::vm::Vm;

/// Registers r0 to r3; arguments and results are in the first ones.
const REGISTERS: usize = 4;
const WORD_BYTES: u32 = 8;

#[derive(Debug)]
enum Toy {}

/// The operation of an instruction. Registers are apart.
#[derive(Clone, Copy, Debug)]
enum Action {
    Take,
    Return,
    Constant(u64),
    Instance,
    Compute(Op),
    Load { offset: i32, memory: Option<u32> },
    Call(Symbol),
    TrapUnless(TrapKind),
    Jump,
    Branch,
}

/// A virtual register, with the number of the register that it must be in.
type Register = (VReg, Option<usize>);

#[derive(Debug)]
struct ToyInst {
    action: Action,
    uses: Vec<Register>,
    defs: Vec<Register>,
}

impl MachInst for ToyInst {
    fn operands(&self, operands: &mut Vec<Operand>) -> PRegSet {
        operands.extend(self.uses.iter().map(|&(vreg, fixed)| match fixed {
            Some(number) => Operand::reg_fixed_use(vreg, preg(number)),
            None => Operand::reg_use(vreg),
        }));
        operands.extend(self.defs.iter().map(|&(vreg, fixed)| match fixed {
            Some(number) => Operand::reg_fixed_def(vreg, preg(number)),
            None => Operand::reg_def(vreg),
        }));
        let mut destroyed = PRegSet::empty();
        if let Action::Call(_) = self.action {
            destroyed = (self.defs.len()..REGISTERS).map(preg).collect();
        }
        destroyed
    }
}

fn preg(number: usize) -> PReg {
    PReg::new(number, RegClass::Int)
}

fn in_order(vregs: Vec<VReg>) -> Vec<Register> {
    let numbered = vregs.into_iter().enumerate();
    numbered.map(|(n, vreg)| (vreg, Some(n))).collect()
}

// --- lowering ------------------------------------------------------------------------------------

type Cx<'a> = Lower<'a, Toy>;

/// A register with a value, for an instruction of the piece at hand.
fn register(cx: &mut Cx<'_>, value: Value) -> VReg {
    match cx.func.def(value) {
        Some(ssa::Inst::Vm) => {
            let vreg = cx.fresh(RegClass::Int);
            emit(cx, Action::Instance, vec![], vec![(vreg, None)]);
            vreg
        }
        _ => cx.reg(value),
    }
}

fn emit(cx: &mut Cx<'_>, action: Action, uses: Vec<Register>, defs: Vec<Register>) {
    cx.emit(ToyInst { action, uses, defs });
}

fn compute(cx: &mut Cx<'_>, id: InstId, action: Action, operands: &[Value]) {
    let uses = operands.iter().map(|&v| (register(cx, v), None)).collect();
    let defs = cx.func.results(id).collect::<Vec<_>>();
    let defs = defs.into_iter().map(|v| (cx.vreg(v), None)).collect();
    emit(cx, action, uses, defs);
}

impl Isa for Toy {
    type Inst = ToyInst;

    fn entry(cx: &mut Cx<'_>) {
        let params = cx.func.blocks[Block::ENTRY.index()].params.clone();
        let vregs = params.iter().map(|&v| cx.vreg(v)).collect();
        emit(cx, Action::Take, vec![], in_order(vregs));
    }

    fn inst(cx: &mut Cx<'_>, id: InstId) {
        match cx.func.insts[id.index()].inst {
            ssa::Inst::Unary { op, a } => compute(cx, id, Action::Compute(op), &[a]),
            ssa::Inst::Binary { op, a, b } => {
                if op == Op::I32DivU {
                    let divisor = (register(cx, b), None);
                    let kind = TrapKind::IntegerDivideByZero;
                    emit(cx, Action::TrapUnless(kind), vec![divisor], vec![]);
                }
                compute(cx, id, Action::Compute(op), &[a, b]);
            }
            ssa::Inst::Load {
                class,
                base,
                offset,
                ..
            } => {
                let memory = match class {
                    Class::Guarded(memory) => Some(memory),
                    _ => None,
                };
                compute(cx, id, Action::Load { offset, memory }, &[base]);
            }
            ssa::Inst::Call {
                callee: ssa::Callee::Func(func),
                args,
            } => {
                let args = cx.func.list(args).to_vec();
                let uses = args.iter().map(|&v| register(cx, v)).collect();
                let results = cx.func.results(id).collect::<Vec<_>>();
                let defs = results.iter().map(|&v| cx.vreg(v)).collect();
                let action = Action::Call(Symbol::Func(func));
                emit(cx, action, in_order(uses), in_order(defs));
            }
            other => panic!("this machine has no {other:?}"),
        }
    }

    fn terminator(cx: &mut Cx<'_>, block: Block) {
        match cx.func.blocks[block.index()].term {
            Term::Br => emit(cx, Action::Jump, vec![], vec![]),
            Term::BrIf { cond } => {
                let cond = register(cx, cond);
                emit(cx, Action::Branch, vec![(cond, None)], vec![]);
            }
            Term::Return { values } => {
                let values = cx.func.list(values).to_vec();
                let uses = values.iter().map(|&v| register(cx, v)).collect();
                emit(cx, Action::Return, in_order(uses), vec![]);
            }
            other => panic!("this machine has no {other:?}"),
        }
    }

    fn returned(_: &mut Cx<'_>, call: InstId) {
        panic!("this machine has no exceptions: {call:?}")
    }

    fn is_kept(_: &FuncSsa, _: &ssa::Inst, _: Value) -> bool {
        false
    }

    fn constant(cx: &mut Cx<'_>, value: Value) -> VReg {
        let bits = cx.func.constant(value).expect("there are no vectors");
        let vreg = cx.fresh(RegClass::Int);
        emit(cx, Action::Constant(bits), vec![], vec![(vreg, None)]);
        vreg
    }

    fn same_register(_: &FuncSsa, _: Value) -> Option<Value> {
        None
    }
}

// --- emission ------------------------------------------------------------------------------------

/// A byte for the operation, one for each register, four for each number.
#[derive(Default)]
struct Writer {
    code: Code,
    listing: String,
    positions: Vec<u32>,
    /// The places of distances to blocks.
    branches: Vec<(usize, RBlock)>,
}

impl Writer {
    /// The operation, the registers that it reads, and those that it writes.
    fn line(&mut self, text: &str, (uses, defs): (&[Allocation], &[Allocation])) {
        let list = |places: &[Allocation], before: &str| match places {
            [] => String::new(),
            _ => format!(
                "{before}{}",
                places.iter().map(place).collect::<Vec<_>>().join(", ")
            ),
        };
        let line = format!("  {text}{}{}", list(uses, " "), list(defs, " -> "));
        writeln!(self.listing, "{line}").expect("a string takes all");
        let source = self.code.sources.last();
        self.positions
            .push(source.map_or(0, |source| source.position));
        self.code.bytes.push(text.as_bytes()[0]);
        let numbers = uses.iter().chain(defs).map(|place| place.bits() as u8);
        self.code.bytes.extend(numbers);
    }

    fn number(&mut self, number: u32) {
        self.code.bytes.extend(number.to_le_bytes());
    }

    fn here(&self) -> u32 {
        self.code.bytes.len() as u32
    }

    fn refer(&mut self, symbol: Symbol) {
        let offset = self.here();
        self.code.relocs.push(Reloc { offset, symbol });
        self.number(0);
    }

    fn inst(&mut self, inst: &ToyInst, places: &[Allocation], succs: &[RBlock]) {
        let places = places.split_at(inst.uses.len());
        match inst.action {
            Action::Take => {}
            Action::Return => self.line("return", places),
            Action::Constant(bits) => {
                self.line(&format!("constant {bits}"), places);
                self.number(bits as u32);
            }
            Action::Instance => self.line("instance", places),
            Action::Compute(op) => self.line(op.mnemonic(), places),
            Action::Load { offset, memory } => {
                if let Some(memory) = memory {
                    let offset = self.here();
                    self.code.faults.push(FaultSite { offset, memory });
                }
                self.line(&format!("load +{offset}"), places);
                self.number(offset as u32);
            }
            Action::Call(symbol) => {
                self.line(&format!("call {symbol}"), places);
                self.refer(symbol);
            }
            Action::TrapUnless(kind) => {
                let symbol = Symbol::Trap(kind);
                self.line(&format!("trap_unless {symbol}"), places);
                self.refer(symbol);
            }
            Action::Jump | Action::Branch => {
                let to: Vec<String> = succs.iter().map(|to| format!("L{}", to.index())).collect();
                self.line(&format!("goto {}", to.join(" else ")), places);
                for &to in succs {
                    self.branches.push((self.code.bytes.len(), to));
                    self.number(0);
                }
            }
        }
    }

    fn patch_branches(&mut self) {
        for (at, to) in std::mem::take(&mut self.branches) {
            let to = self.code.offset_of(Label(to.index() as u32));
            let distance = i64::from(to) - at as i64;
            write_distance(&mut self.code.bytes, at, distance);
        }
    }
}

fn place(allocation: &Allocation) -> String {
    match (allocation.as_reg(), allocation.as_stack()) {
        (Some(preg), _) => format!("r{}", preg.hw_enc()),
        (None, Some(slot)) => format!("[sp + {}]", slot.index() as u32 * WORD_BYTES),
        (None, None) => unreachable!("nothing is allocated"),
    }
}

fn write_distance(bytes: &mut [u8], at: usize, distance: i64) {
    bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
}

/// A frame under the return address that the call has pushed.
fn frame(bytes: u32) -> FrameLayout {
    FrameLayout {
        bytes: bytes + WORD_BYTES,
        return_address: ReturnAddress::InFrame(bytes),
    }
}

/// Code that would be between calling conventions: one byte.
fn stub() -> Code {
    Code {
        bytes: vec![b'!'],
        ..Code::default()
    }
}

impl Target for Toy {
    const NAME: &'static str = "imaginary";
    const CAN_RUN: bool = false;
    const CODE_BYTES_MAX: usize = 1 << 20;
    const OUTWARD_PIECE: Piece = Piece {
        start: 0,
        kind: PieceKind::Outward,
        frame: FrameLayout {
            bytes: WORD_BYTES,
            return_address: ReturnAddress::InFrame(0),
        },
    };

    fn env() -> MachineEnv {
        let (all, none) = ((0..REGISTERS).map(preg).collect(), PRegSet::empty());
        MachineEnv {
            preferred_regs_by_class: [all, none, none],
            non_preferred_regs_by_class: [none; 3],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        }
    }

    fn emit(
        vcode: &VCode<ToyInst>,
        output: &Output,
        _: Surroundings,
        listing: Listing,
    ) -> Result<Emitted> {
        let mut writer = Writer::default();
        for (n, block) in vcode.blocks.iter().enumerate() {
            writer.code.labels.push(writer.here());
            writeln!(writer.listing, "L{n}:").expect("a string takes all");
            writer.positions.push(0);
            for item in output.block_insts_and_edits(vcode, RBlock::new(n)) {
                match item {
                    InstOrEdit::Edit(&Edit::Move { from, to }) => {
                        writer.line("move", (&[from], &[to]))
                    }
                    InstOrEdit::Inst(at) => {
                        let (offset, position) = (writer.here(), vcode.positions[at.index()]);
                        writer.code.sources.push(SourceLoc { offset, position });
                        let inst = &vcode.insts[at.index()];
                        writer.inst(inst, output.inst_allocs(at), &block.succs);
                    }
                }
            }
        }
        writer.patch_branches();
        if listing == Listing::None {
            writer.listing.clear();
        }
        Ok(Emitted {
            code: writer.code,
            frame: frame(output.num_spillslots as u32 * WORD_BYTES),
            no_room_at: None,
            listing: writer.listing,
            positions: writer.positions,
        })
    }

    fn patch(bytes: &mut [u8], reloc: Reloc, distance: i64) -> Result<()> {
        write_distance(bytes, reloc.offset as usize, distance);
        Ok(())
    }

    fn shared_stubs(_: Mode) -> Result<(Code, Vec<SharedPiece>)> {
        let piece = |(offset, symbol)| SharedPiece {
            symbol,
            offset,
            frame: frame(0),
        };
        let pieces: Vec<SharedPiece> = (0..).zip(Symbol::shared()).map(piece).collect();
        let mut code = stub();
        code.bytes.resize(pieces.len(), b'!');
        Ok((code, pieces))
    }

    fn entry_stub(_: &Signature, _: Mode) -> Result<Code> {
        Ok(stub())
    }

    fn resume_stub(_: &Signature, _: Symbol, _: Mode) -> Result<Code> {
        Ok(stub())
    }

    fn host_stub(_: &Signature, _: Mode) -> Result<Code> {
        Ok(stub())
    }

    fn interpreted_stub(_: &Signature, _: Mode) -> Result<Code> {
        Ok(stub())
    }

    fn make_fetchable(_: usize, _: usize) {}

    unsafe fn fault_pc(_: *mut c_void) -> usize {
        unreachable!("nothing is executed")
    }

    unsafe fn fault_instance(_: *mut c_void) -> *const Vm {
        unreachable!("nothing is executed")
    }

    unsafe fn go_to_trap(_: *mut c_void, _: usize) {
        unreachable!("nothing is executed")
    }
}

// --- tests ---------------------------------------------------------------------------------------

/// A guarded access whose value lives over a call, a division that may trap, a branch.
const WAT: &str = r"(module (memory 1)
    (func $other (param i32 i32) (result i32) (local.get 1))
    (func $sum (param i32 i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add
          (i32.load (local.get 1))
          (call $other (i32.const 7) (i32.div_u (local.get 0) (local.get 1)))))
        (else (local.get 1)))))";
const SUM: usize = 1;

const LISTING: &str = "\
L0:
  goto L1 else L2 r0
L1:
  move r0 -> r3
  i64.extend_i32_u r1 -> r0
  instance -> r2
  load +8 r2 -> r2
  load +0 r2 -> r2
  i64.add r2, r0 -> r0
  load +0 r0 -> r2
  move r2 -> [sp + 0]
  trap_unless Trap(IntegerDivideByZero) r1
  move r3 -> r0
  i32.div_u r0, r1 -> r1
  constant 7 -> r0
  call func0 r0, r1 -> r0
  move [sp + 0] -> r2
  i32.add r2, r0 -> r0
  goto L3
L2:
  move r1 -> r0
  goto L3
L3:
  return r0
; frame of 16 bytes
";

fn config() -> Config {
    Config::only(Tier::Register)
}

fn module(wat: &str) -> ModuleParts {
    let engine = Engine::new(&config()).expect("interpreters run everywhere");
    ModuleParts::new(&engine, &encode(wat)).expect("it is valid")
}

#[test]
fn the_stages_end_in_the_text_of_another_machine() {
    let stages = pipeline::stages::<Toy>(&module(WAT), SUM, &config()).expect("it compiles");
    assert_eq!(stages.listing, LISTING, "{}", stages.optimised);
    let lines = stages.listing.lines().filter(|line| !line.starts_with(';'));
    assert_eq!(lines.count(), stages.listing_offsets.len());
    assert_eq!(
        stages.optimised.lines().count(),
        stages.optimised_offsets.len()
    );
}

/// The distance that was put into the one reference of a kind behind an offset.
fn referred_from(bytes: &[u8], start: u32, opcode: &[u8]) -> u32 {
    let code = &bytes[start as usize..];
    let at = code.windows(opcode.len()).position(|bytes| bytes == opcode);
    let at = start as usize + at.expect("the instruction is there") + opcode.len();
    let distance = bytes[at..at + 4].try_into().expect("four bytes");
    (at as i64 + i64::from(i32::from_le_bytes(distance))) as u32
}

#[test]
fn a_module_of_another_machine_is_linked_and_found_by_its_tables() {
    let image = pipeline::compile::<Toy>(&module(WAT), &config()).expect("it compiles");
    let [other, sum] = image.funcs[..] else {
        panic!("two functions: {:?}", image.funcs)
    };
    assert_eq!((other % 16, sum % 16), (0, 0), "pieces are aligned");
    let [r0, r1] = [0, 1].map(|n| Allocation::reg(preg(n)).bits() as u8);
    let called = referred_from(&image.bytes, sum, &[b'c', r0, r1, r0]);
    assert_eq!(called, other, "the call");
    let is_shared = |piece: &&Piece| piece.kind == PieceKind::Shared;
    let shared = image.tables.pieces.iter().filter(is_shared);
    let mut traps = Symbol::shared()
        .zip(shared)
        .map(|(symbol, piece)| (piece.start, symbol));
    let trap = referred_from(&image.bytes, sum, &[b't', r1]);
    let symbol = Symbol::Trap(TrapKind::IntegerDivideByZero);
    assert!(traps.any(|found| found == (trap, symbol)), "the trap");
    let [FaultSite { offset, memory: 0 }] = image.tables.faults[..] else {
        panic!("one guarded access: {:?}", image.tables.faults)
    };
    assert_eq!(image.bytes[offset as usize], b'l', "the access");
    let [(_, &entry)] = image.entries.iter().collect::<Vec<_>>()[..] else {
        panic!("one signature: {:?}", image.entries)
    };

    let (tables, bytes) = (image.tables, image.bytes);
    let shape = *tables
        .pieces
        .iter()
        .find(|piece| piece.start == sum)
        .expect("it has a row");
    assert!(shape.frame.bytes > WORD_BYTES, "a value is spilled");
    let exit = tables.fault_exit;
    let code = CodeMemory::publish::<Toy>(&bytes, tables, &Budget::new(u64::MAX));
    let code = code.expect("code can be published");
    let address = |offset: u32| code.address(offset) as usize;
    assert_eq!(
        regions::find_fault(address(offset)),
        Some((0, address(exit)))
    );

    // A stack as the machine would leave it: the return address is highest in the frame.
    let mut stack = vec![0; (shape.frame.bytes / WORD_BYTES) as usize];
    *stack.last_mut().expect("it is not empty") = address(entry + 1);
    let stop = CompiledPlace {
        return_address: address(offset + 1),
        sp: stack.as_ptr() as usize,
        link: 0,
    };
    // SAFETY: the stack has the frame that the tables describe.
    let mut walk = unsafe { Walk::new(stop) };
    let frame = walk.next().expect("the function's frame");
    assert_eq!((frame.func, frame.offset), (SUM as u32, offset));
    assert!(frame.source().is_some());
    assert!(walk.next().is_none(), "then comes the entry");
    assert_eq!(walk.stop().sp - stop.sp, shape.frame.bytes as usize);
}

#[test]
fn a_tier_of_another_machine_says_that_it_cannot_run() {
    let error = JitTier::<Toy>::new(&config()).expect_err("there is no such host");
    assert_eq!(error.message, "the jit tier needs an imaginary host");
}
