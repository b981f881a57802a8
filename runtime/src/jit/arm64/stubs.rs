//! Code that is not a function's: into compiled code and out of it.
//!
//! - *shared* (`stubs/outward.rs`): traps and helpers; one copy for a module.
//! - *entry*: `vm::Entry` for functions of a signature: from C to compiled code and back.
//! - *host*: the reverse, for host functions of a signature.
//!
//! An entry's frame holds what C wants preserved, and what a nested entry must put back. Ending
//! execution is: `sp` from `Cx::jit_entry_sp`, then the entry's own way out. While compiled code
//! runs, FPCR is 0 but for DN in the deterministic profile; C code runs with 0, its default.

mod outward;

use std::mem::offset_of;

use super::abi::{ArgPlace, CALLEE, CX, Located, SCRATCH, SCRATCH2, VM, locate};
use super::asm::Assembler;
use super::imm::Imm12;
use super::inst::Inst;
use super::mem::Mem;
use super::ops::{Cond, FpSize, Load, LoadPair, LoadPairV, MoveWide, Size, StorePairV, Width};
use super::regs::{FP, Gpr, LR, Reg, SP, Vreg, XZR};
use crate::engine::{Profile, Tier};
use crate::error::Result;
use crate::ir::Type;
use crate::jit::code::signature::Signature;
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::{FrameLayout, Piece, PieceKind, ReturnAddress};
use crate::jit::code::{Code, Label, outside, walk};
use crate::jit::helper::Helper;
use crate::jit::target::Mode;
use crate::trap::TrapKind;
use crate::vm;
pub(in crate::jit) use outward::load_address;
use outward::{ROOTS_FRAME_BYTES, leave_roots, poison_registers, pop_link, save_roots, unwind};

pub use outward::shared;

const SLOT_BYTES: i32 = 8;
/// FPCR.DN: NaN results are the default NaN, which is the positive canonical one.
const FPCR_DN: u64 = 1 << 25;
/// Every entry makes sure that there is so much: arguments and results of any call.
const TRANSFER_BYTES: u64 = vm::TRANSFER_BYTES as u64;

/// The entry's frame: x29, x30, x19 to x28, d8 to d15, and four words.
const SAVED_GPRS_AT: i32 = 16;
const SAVED_VREGS_AT: i32 = SAVED_GPRS_AT + 10 * 8;
const OLD_TOP_AT: i32 = SAVED_VREGS_AT + 8 * 8;
const OLD_ENTRY_SP_AT: i32 = OLD_TOP_AT + 8;
const OLD_FPCR_AT: i32 = OLD_ENTRY_SP_AT + 8;
const ARGS_AT: i32 = OLD_FPCR_AT + 8;
const FRAME_BYTES: i32 = ARGS_AT + 8;

/// The word of the frame of a call out of compiled code that has `Cx::jit_exit` as it was before.
const OLD_EXIT_AT: usize = 8;

const _: () = assert!(ROOTS_FRAME_BYTES as usize == vm::EXIT_FRAME_BYTES);
const _: () = assert!(FRAME_BYTES % 16 == 0 && FRAME_BYTES < 512);
const _: () = assert!(
    TRANSFER_BYTES as usize >= crate::limits::FUNC_TYPE_VALUES_MAX * 16,
    "arguments of any call must fit"
);

/// The whole of the code that [`host`] makes.
pub const OUTWARD_PIECE: Piece = Piece {
    start: 0,
    kind: PieceKind::Outward,
    frame: frame_of(ROOTS_FRAME_BYTES),
};

/// The frame of a piece that saves the link register lowest; no frame for 0 bytes.
const fn frame_of(bytes: i32) -> FrameLayout {
    match bytes {
        0 => FrameLayout::NONE,
        _ => FrameLayout {
            bytes: bytes as u32,
            return_address: ReturnAddress::InFrame(0),
        },
    }
}

/// `x0 = func, x1 = cx, x2 = args`, by the C calling convention.
///
/// # Errors
/// `Internal` if something has no encoding.
pub fn entry(signature: &Signature, mode: Mode) -> Result<Code> {
    entry_to(signature, None, mode)
}

/// `vm::Entry` for the rest of a function (`build/resume.rs`): that code gets the address of the
/// arguments as its one argument.
///
/// # Errors
/// `Internal` if something has no encoding.
pub fn resume(signature: &Signature, code: Symbol, mode: Mode) -> Result<Code> {
    entry_to(signature, Some(code), mode)
}

fn entry_to(signature: &Signature, code: Option<Symbol>, mode: Mode) -> Result<Code> {
    let (func, cx, args) = (Gpr::x(0), Gpr::x(1), Gpr::x(2));
    let mut asm = Assembler::new();
    let full = asm.label();
    save_registers(&mut asm);
    asm.emit(Inst::mov(Size::X, CX, cx));
    check_room(&mut asm, args, full);
    set_context(&mut asm, args);
    count_entry(&mut asm);
    set_profile(&mut asm, mode);
    let base = Gpr::x(10);
    asm.emit(Inst::mov(Size::X, CALLEE, func));
    asm.emit(Inst::mov(Size::X, base, args));
    asm.load_x(VM, CALLEE, offset_of!(vm::FuncInst, vm));
    match code {
        None => {
            asm.load_x(SCRATCH2, CALLEE, offset_of!(vm::FuncInst, jit));
            load_values(&mut asm, base, &signature.params);
            asm.emit(Inst::blr(SCRATCH2));
        }
        Some(code) => {
            asm.emit(Inst::mov(Size::X, Gpr::x(0), base));
            asm.emit(Inst::bl(code));
        }
    }
    asm.load_x(base, SP, ARGS_AT as usize);
    store_values(&mut asm, base, &signature.results);
    asm.mov_imm(Size::W, Gpr::x(0), 0);
    restore_and_return(&mut asm);
    asm.bind(full);
    asm.emit(trap_code(TrapKind::StackExhausted));
    restore_registers(&mut asm);
    finish(asm)
}

/// For calls from compiled code: `CALLEE` is the function instance of a host function.
///
/// # Errors
/// `Internal` if something has no encoding.
pub fn host(signature: &Signature, mode: Mode) -> Result<Code> {
    call_entry(Assembler::new(), signature, mode)
}

/// The same for a function that is interpreted: where it has been tail-called, so that no compiled
/// frame is above the innermost entry, that entry ends, and whoever entered makes the call.
///
/// # Errors
/// `Internal` if something has no encoding.
pub fn interpreted(signature: &Signature, mode: Mode) -> Result<Code> {
    let mut asm = Assembler::new();
    let (call, base) = (asm.label(), Gpr::x(10));
    asm.load_x(SCRATCH, CX, offset_of!(vm::Cx, jit_entry_sp));
    asm.emit(Inst::mov_sp(base, SP));
    asm.emit(Inst::cmp(Size::X, base, SCRATCH));
    asm.emit(Inst::bcond(Cond::Ne, call));
    asm.load_x(base, CX, offset_of!(vm::Cx, top));
    store_values(&mut asm, base, &signature.params);
    asm.store_x(CALLEE, CX, offset_of!(vm::Cx, tail_callee));
    asm.mov_imm(Size::W, Gpr::x(0), vm::EXIT_TAIL_CALL.into());
    restore_and_return(&mut asm);
    asm.bind(call);
    call_entry(asm, signature, mode)
}

fn call_entry(mut asm: Assembler, signature: &Signature, mode: Mode) -> Result<Code> {
    let (trap, base) = (asm.label(), Gpr::x(10));
    save_roots(&mut asm);
    if mode.samples {
        show_exit(&mut asm);
    }
    asm.load_x(base, CX, offset_of!(vm::Cx, top));
    store_values(&mut asm, base, &signature.params);
    if mode.profile == Profile::Deterministic {
        write_fpcr(&mut asm, XZR);
    }
    arguments(&mut asm, &[CALLEE, CX, base]);
    asm.load_x(SCRATCH, CALLEE, offset_of!(vm::FuncInst, entry));
    asm.emit(Inst::blr(SCRATCH));
    if mode.samples {
        hide_exit(&mut asm);
    }
    if mode.profile == Profile::Deterministic {
        set_profile(&mut asm, mode);
    }
    asm.emit(Inst::cbnz(Size::W, Gpr::x(0), trap));
    if mode.poisons {
        poison_registers(&mut asm);
    }
    asm.load_x(base, CX, offset_of!(vm::Cx, top));
    load_values(&mut asm, base, &signature.results);
    leave_roots(&mut asm);
    asm.bind(trap);
    let trapped = asm.label();
    pop_link(&mut asm);
    let uncaught = Imm12::new(TrapKind::UncaughtException as u64).expect("exit codes are small");
    asm.emit(Inst::cmp_imm(Size::W, Gpr::x(0), uncaught));
    asm.emit(Inst::bcond(Cond::Ne, trapped));
    unwind(&mut asm, outside::address_of(Helper::Throw));
    asm.bind(trapped);
    end_execution(&mut asm);
    finish(asm)
}

/// Makes the frame at `sp` that of the innermost call out of compiled code, for samples.
fn show_exit(asm: &mut Assembler) {
    let word = Gpr::x(10);
    asm.load_x(word, CX, offset_of!(vm::Cx, jit_exit));
    asm.store_x(word, SP, OLD_EXIT_AT);
    asm.emit(Inst::mov_sp(word, SP));
    asm.store_x(word, CX, offset_of!(vm::Cx, jit_exit));
}

/// Takes that back, when the call has ended.
fn hide_exit(asm: &mut Assembler) {
    let word = Gpr::x(10);
    asm.load_x(word, SP, OLD_EXIT_AT);
    asm.store_x(word, CX, offset_of!(vm::Cx, jit_exit));
}

fn finish(asm: Assembler) -> Result<Code> {
    Ok(asm.finish()?)
}

// --- pieces --------------------------------------------------------------------------------------

/// `w0 := exit code`
fn trap_code(kind: TrapKind) -> Inst {
    Inst::move_wide(MoveWide::Movz, Size::W, Gpr::x(0), kind as u32 as u16, 0)
}

/// Ends execution with the exit code in w0, which has happened before `LR`: `sp` is where it was
/// then, and `SCRATCH2` has the link register of before if that is saved nowhere. All frames are as
/// they were, and the entry has saved every register that its caller wants preserved.
fn end_execution(asm: &mut Assembler) {
    let exit = Gpr::x(19);
    asm.emit(Inst::mov(Size::W, exit, Gpr::x(0)));
    write_fpcr(asm, XZR);
    arguments(asm, &[CX, LR, SP, SCRATCH2]);
    call(asm, walk::note_frames as *const () as usize);
    asm.emit(Inst::mov(Size::W, Gpr::x(0), exit));
    asm.load_x(SCRATCH, CX, offset_of!(vm::Cx, jit_entry_sp));
    asm.emit(Inst::mov_sp(SP, SCRATCH));
    restore_and_return(asm);
}

/// Puts the arguments of a C function in their registers, the first in x0.
fn arguments(asm: &mut Assembler, args: &[Gpr]) {
    for (rd, &arg) in (0..).map(Gpr::x).zip(args) {
        asm.emit(match arg {
            SP => Inst::mov_sp(rd, SP),
            arg => Inst::mov(Size::X, rd, arg),
        });
    }
}

/// Calls the function of the runtime at an address.
fn call(asm: &mut Assembler, address: usize) {
    load_address(asm, address);
    asm.emit(Inst::blr(SCRATCH));
}

/// Pairs of general registers from a number on, with their places in a frame.
fn pairs(first: u32, count: u32, offset: i32) -> impl Iterator<Item = (Gpr, Gpr, Mem)> {
    (0..count).map(move |n| {
        let (rt, rt2) = (Gpr::x(first + 2 * n), Gpr::x(first + 1 + 2 * n));
        (rt, rt2, Mem::at(SP, offset + 16 * n as i32))
    })
}

/// The registers that C wants preserved, in pairs, with their places in the entry's frame.
fn saved_gprs() -> impl Iterator<Item = (Gpr, Gpr, Mem)> {
    pairs(19, 5, SAVED_GPRS_AT)
}

fn saved_vregs() -> impl Iterator<Item = (Vreg, Vreg, Mem)> {
    let pairs = (0..4).map(|n| (Vreg::v(8 + 2 * n), Vreg::v(9 + 2 * n), n as i32));
    pairs.map(|(rt, rt2, n)| (rt, rt2, Mem::at(SP, SAVED_VREGS_AT + 16 * n)))
}

/// Saves what C wants preserved, in the entry's frame.
pub(in crate::jit) fn save_registers(asm: &mut Assembler) {
    asm.emit(Inst::store_pair(FP, LR, Mem::push(FRAME_BYTES)));
    asm.emit(Inst::mov_sp(FP, SP));
    for (rt, rt2, mem) in saved_gprs() {
        asm.emit(Inst::store_pair(rt, rt2, mem));
    }
    for (rt, rt2, mem) in saved_vregs() {
        asm.emit(Inst::store_pair_v(StorePairV::StpD, rt, rt2, mem));
    }
}

/// Returns with what C wants preserved.
pub(in crate::jit) fn restore_registers(asm: &mut Assembler) {
    for (rt, rt2, mem) in saved_vregs() {
        asm.emit(Inst::load_pair_v(LoadPairV::LdpD, rt, rt2, mem));
    }
    for (rt, rt2, mem) in saved_gprs() {
        asm.emit(Inst::load_pair(LoadPair::LdpX, rt, rt2, mem));
    }
    let mem = Mem::pop(FRAME_BYTES);
    asm.emit(Inst::load_pair(LoadPair::LdpX, FP, LR, mem));
    asm.emit(Inst::ret());
}

/// Goes to `full` if the value stack has no room for the arguments of calls.
fn check_room(asm: &mut Assembler, args: Gpr, full: Label) {
    let (end, needed) = (Gpr::x(10), Gpr::x(11));
    asm.load_x(end, CX, offset_of!(vm::Cx, stack_end));
    let transfer = Imm12::new(TRANSFER_BYTES).expect("a multiple of 4096");
    asm.emit(Inst::add_imm(Size::X, needed, args, transfer));
    asm.emit(Inst::cmp(Size::X, needed, end));
    asm.emit(Inst::bcond(Cond::Hi, full));
}

/// Notes what was, for the way out, and makes this entry the innermost.
fn set_context(asm: &mut Assembler, args: Gpr) {
    let (top, entry_sp) = (Gpr::x(10), Gpr::x(11));
    asm.load_x(top, CX, offset_of!(vm::Cx, top));
    asm.load_x(entry_sp, CX, offset_of!(vm::Cx, jit_entry_sp));
    asm.store_x(top, SP, OLD_TOP_AT as usize);
    asm.store_x(entry_sp, SP, OLD_ENTRY_SP_AT as usize);
    asm.emit(Inst::read_fpcr(top));
    asm.store_x(top, SP, OLD_FPCR_AT as usize);
    asm.store_x(args, SP, ARGS_AT as usize);
    asm.store_x(args, CX, offset_of!(vm::Cx, top));
    asm.emit(Inst::mov_sp(top, SP));
    asm.store_x(top, CX, offset_of!(vm::Cx, jit_entry_sp));
}

fn restore_and_return(asm: &mut Assembler) {
    let (top, entry_sp) = (Gpr::x(10), Gpr::x(11));
    asm.load_x(top, SP, OLD_TOP_AT as usize);
    asm.load_x(entry_sp, SP, OLD_ENTRY_SP_AT as usize);
    asm.store_x(top, CX, offset_of!(vm::Cx, top));
    asm.store_x(entry_sp, CX, offset_of!(vm::Cx, jit_entry_sp));
    asm.load_x(top, SP, OLD_FPCR_AT as usize);
    write_fpcr(asm, top);
    restore_registers(asm);
}

fn count_entry(asm: &mut Assembler) {
    let count = Gpr::x(10);
    let offset = offset_of!(vm::Cx, entered) + Tier::Jit as usize * size_of::<u64>();
    asm.load_x(count, CX, offset);
    let one = Imm12::new(1).expect("1 fits");
    asm.emit(Inst::add_imm(Size::X, count, count, one));
    asm.store_x(count, CX, offset);
}

/// The FPCR that compiled code runs with.
fn set_profile(asm: &mut Assembler, mode: Mode) {
    match mode.profile {
        Profile::Deterministic => {
            asm.mov_imm(Size::X, SCRATCH, FPCR_DN);
            write_fpcr(asm, SCRATCH);
        }
        Profile::Native => write_fpcr(asm, XZR),
    }
}

fn write_fpcr(asm: &mut Assembler, rt: Gpr) {
    asm.emit(Inst::write_fpcr(rt));
}

/// The values of a signature that go in registers.
fn in_registers(types: &[Type]) -> impl Iterator<Item = (Located, Reg)> {
    let located = locate(types.iter().copied());
    located.into_iter().filter_map(|at| match at.place {
        ArgPlace::Reg(reg) => Some((at, reg)),
        ArgPlace::Slot(_) => None,
    })
}

/// Slots to registers.
fn load_values(asm: &mut Assembler, base: Gpr, types: &[Type]) {
    for (located, reg) in in_registers(types) {
        let mem = Mem::at(base, located.slot as i32 * SLOT_BYTES);
        match reg {
            Reg::Gpr(rt) => asm.emit(Inst::load(Load::LdrX, rt, mem)),
            Reg::Vreg(rt) if located.ty == Type::V128 => {
                let mem = vector_slot(asm, base, located.slot);
                asm.emit(Inst::load_v(Width::Q, rt, mem));
            }
            Reg::Vreg(rt) => asm.emit(Inst::load_v(Width::D, rt, mem)),
        }
    }
}

/// Registers to slots, i32 and f32 zero-extended.
fn store_values(asm: &mut Assembler, base: Gpr, types: &[Type]) {
    for (located, reg) in in_registers(types) {
        let offset = located.slot as usize * SLOT_BYTES as usize;
        match (reg, located.ty) {
            (Reg::Gpr(rm), Type::I32) => {
                asm.emit(Inst::mov(Size::W, SCRATCH, rm));
                asm.store_x(SCRATCH, base, offset);
            }
            (Reg::Gpr(rt), _) => asm.store_x(rt, base, offset),
            (Reg::Vreg(rn), Type::F32) => {
                asm.emit(Inst::fp_to_gpr(FpSize::S, SCRATCH, rn));
                asm.store_x(SCRATCH, base, offset);
            }
            (Reg::Vreg(rt), Type::V128) => {
                let mem = vector_slot(asm, base, located.slot);
                asm.emit(Inst::store_v(Width::Q, rt, mem));
            }
            (Reg::Vreg(rt), _) => {
                asm.emit(Inst::store_v(Width::D, rt, Mem::at(base, offset as i32)))
            }
        }
    }
}

/// The address of a vector, whose slots need not be at a multiple of its size.
fn vector_slot(asm: &mut Assembler, base: Gpr, slot: u32) -> Mem {
    let offset = slot as i32 * SLOT_BYTES;
    if Mem::fits(i64::from(offset), Width::Q.bits()) {
        return Mem::at(base, offset);
    }
    asm.mov_imm(Size::X, SCRATCH, offset as u64);
    asm.emit(Inst::add(Size::X, SCRATCH, base, SCRATCH));
    Mem::at(SCRATCH, 0)
}
