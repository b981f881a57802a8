//! Pieces by which a module's functions leave compiled code: traps, and calls of the runtime's
//! functions. One copy for a module.
//!
//! A function of the runtime that no collection runs in is jumped to; the others are called from a
//! frame that shows a collection what registers hold. In the mode that poisons registers, whatever
//! C code may change (AAPCS64, 6.1) holds garbage after each call of C code.

use std::mem::offset_of;

use super::{arguments, call, end_execution, finish, frame_of, pairs, trap_code};
use crate::error::Result;
use crate::jit::arm64::abi::{CX, SCRATCH, SCRATCH2};
use crate::jit::arm64::asm::Assembler;
use crate::jit::arm64::imm::Imm12;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::ops::{AddSub, Load, LoadPair, LoadPairV, Size, Store, StorePairV, Width};
use crate::jit::arm64::regs::{Gpr, LR, SP, Tied, Vreg};
use crate::jit::arm64::vector::Arr;
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::FrameLayout;
use crate::jit::code::{Code, Label, outside, walk};
use crate::jit::helper::{Helper, Returns};
use crate::jit::target::{Mode, SharedPiece};
use crate::trap::TrapKind;
use crate::vm;

/// The frame of what calls C code that may collect: x30, x19 to x26.
const ROOTS_AT: i32 = 16;
pub(super) const ROOTS_FRAME_BYTES: i32 = ROOTS_AT + 8 * 8;
/// The frame of an allocation out of line: the same, x0 to x15, v0 to v31.
const ALL_GPRS_AT: i32 = ROOTS_FRAME_BYTES;
const ALL_VREGS_AT: i32 = ALL_GPRS_AT + 16 * 8;
/// The word of that frame in which the second scratch register is kept where code polls.
const SCRATCH2_AT: usize = 8;
const ALL_FRAME_BYTES: i32 = ALL_VREGS_AT + 32 * 16;

const _: () = assert!(ROOTS_FRAME_BYTES % 16 == 0 && ALL_VREGS_AT % 16 == 0);

/// The bits that are put into registers that C code may change.
const POISON: u64 = 0x7ff4_dead_0bad_0000;

/// The shared pieces, in the order of their offsets.
///
/// # Errors
/// `Internal` if something has no encoding.
pub fn shared(mode: Mode) -> Result<(Code, Vec<SharedPiece>)> {
    let mut asm = Assembler::new();
    let mut pieces = Vec::new();
    let exit = asm.label();
    for symbol in Symbol::shared() {
        let label = if symbol == Symbol::Exit {
            exit
        } else {
            asm.label()
        };
        asm.bind(label);
        let frame_bytes = match symbol {
            Symbol::Trap(TrapKind::Interrupted) if mode.samples => {
                polled(&mut asm, exit);
                ALL_FRAME_BYTES
            }
            Symbol::Trap(kind) => {
                trap(&mut asm, kind, exit);
                0
            }
            Symbol::Helper(helper) => helper_piece(&mut asm, helper, exit, mode),
            Symbol::Exit => {
                end_execution(&mut asm);
                0
            }
            Symbol::Func(_) => unreachable!("functions are not shared"),
        };
        pieces.push((symbol, label, frame_of(frame_bytes)));
    }
    let code = finish(asm)?;
    let piece = |(symbol, label, frame): (Symbol, Label, FrameLayout)| SharedPiece {
        symbol,
        offset: code.offset_of(label),
        frame,
    };
    let pieces = pieces.into_iter().map(piece).collect();
    Ok((code, pieces))
}

/// Ends execution at `exit` with the code of a trap.
fn trap(asm: &mut Assembler, kind: TrapKind, exit: Label) {
    asm.emit(trap_code(kind));
    asm.emit(Inst::b(exit));
}

/// Code that goes on to a function of the runtime; gives the size of its frame.
fn helper_piece(asm: &mut Assembler, helper: Helper, exit: Label, mode: Mode) -> i32 {
    let address = outside::address_of(helper);
    if helper == Helper::Allocate {
        allocation(asm, address, exit, mode);
        return ALL_FRAME_BYTES;
    }
    if helper == Helper::Throw {
        asm.store_x(Gpr::x(1), CX, offset_of!(vm::Cx, exception));
        unwind(asm, address);
        return 0;
    }
    if !helper.may_collect() && !mode.poisons {
        load_address(asm, address);
        asm.emit(Inst::br(SCRATCH));
        return 0;
    }
    save_roots(asm);
    call(asm, address);
    if mode.poisons {
        poison_registers(asm);
        poison_result(asm, helper.returns());
    }
    leave_roots(asm);
    ROOTS_FRAME_BYTES
}

/// Puts what compiled code keeps in registers across calls on the native stack, where a collection
/// looks for references: C code need not do so. The link register is below.
pub(super) fn save_roots(asm: &mut Assembler) {
    asm.emit(Inst::store(Store::StrX, LR, Mem::push(ROOTS_FRAME_BYTES)));
    for (rt, rt2, mem) in pairs(19, 4, ROOTS_AT) {
        asm.emit(Inst::store_pair(rt, rt2, mem));
    }
}

/// Returns from a piece that has saved the roots; C code has preserved the registers.
pub(super) fn leave_roots(asm: &mut Assembler) {
    pop_link(asm);
    asm.emit(Inst::ret());
}

/// Ends the frame that saves the roots.
pub(super) fn pop_link(asm: &mut Assembler) {
    asm.emit(Inst::load(Load::LdrX, LR, Mem::pop(ROOTS_FRAME_BYTES)));
}

/// Makes the exception of `Cx::exception` go on, from the call that returns to `LR`, in the frame
/// at `sp`; where nothing catches it, execution ends.
pub(super) fn unwind(asm: &mut Assembler, address: usize) {
    let (target, sp) = (Gpr::x(0), Gpr::x(1));
    let (uncaught, from) = (asm.label(), Gpr::x(19));
    asm.emit(Inst::mov(Size::X, from, LR));
    arguments(asm, &[CX, LR, SP]);
    call(asm, address);
    asm.emit(Inst::cbz(Size::X, target, uncaught));
    asm.emit(Inst::mov_sp(SP, sp));
    asm.emit(Inst::br(target));
    asm.bind(uncaught);
    asm.emit(Inst::mov(Size::X, LR, from));
    asm.emit(trap_code(TrapKind::UncaughtException));
    end_execution(asm);
}

/// Out of line from an allocation: type and size are in the scratch registers, the first of which
/// gets the reference; no other register changes. Goes to `exit` where the heap is exhausted.
fn allocation(asm: &mut Assembler, address: usize, exit: Label, mode: Mode) {
    let exhausted = asm.label();
    save_all(asm);
    arguments(asm, &[CX, SCRATCH, SCRATCH2]);
    call(asm, address);
    if mode.poisons {
        poison_registers(asm);
    }
    asm.emit(Inst::mov(Size::X, SCRATCH, Gpr::x(0)));
    restore_all(asm);
    asm.emit(Inst::cbz(Size::X, SCRATCH, exhausted));
    asm.emit(Inst::ret());
    asm.bind(exhausted);
    trap(asm, TrapKind::HeapExhausted, exit);
}

/// Where code polls and has found flags: goes on if only a sample is due, else ends execution at
/// `exit`. No register changes but the first scratch register.
fn polled(asm: &mut Assembler, exit: Label) {
    let interrupted = asm.label();
    save_all(asm);
    asm.store_x(SCRATCH2, SP, SCRATCH2_AT);
    arguments(asm, &[CX, LR]);
    add_to_sp(asm, AddSub::Add, Gpr::x(2));
    asm.emit(Inst::mov(Size::X, Gpr::x(3), SCRATCH2));
    call(asm, walk::poll as *const () as usize);
    asm.emit(Inst::mov(Size::X, SCRATCH, Gpr::x(0)));
    asm.load_x(SCRATCH2, SP, SCRATCH2_AT);
    restore_all(asm);
    asm.emit(Inst::cbz(Size::X, SCRATCH, interrupted));
    asm.emit(Inst::ret());
    asm.bind(interrupted);
    trap(asm, TrapKind::Interrupted, exit);
}

/// Saves all registers that C code may change or that may be roots, but the scratch registers.
fn save_all(asm: &mut Assembler) {
    add_to_sp(asm, AddSub::Sub, SP);
    asm.store_x(LR, SP, 0);
    for (rt, rt2, mem) in pairs(0, 8, ALL_GPRS_AT).chain(pairs(19, 4, ROOTS_AT)) {
        asm.emit(Inst::store_pair(rt, rt2, mem));
    }
    for (rt, rt2, mem) in all_vregs() {
        asm.emit(Inst::store_pair_v(StorePairV::StpQ, rt, rt2, mem));
    }
}

/// Restores what [`save_all`] has saved; C code has preserved the other registers.
fn restore_all(asm: &mut Assembler) {
    for (rt, rt2, mem) in all_vregs() {
        asm.emit(Inst::load_pair_v(LoadPairV::LdpQ, rt, rt2, mem));
    }
    for (rt, rt2, mem) in pairs(0, 8, ALL_GPRS_AT) {
        asm.emit(Inst::load_pair(LoadPair::LdpX, rt, rt2, mem));
    }
    asm.load_x(LR, SP, 0);
    add_to_sp(asm, AddSub::Add, SP);
}

/// The stack pointer plus or minus the frame that [`save_all`] makes.
fn add_to_sp(asm: &mut Assembler, op: AddSub, rd: Gpr) {
    let imm = Imm12::new(ALL_FRAME_BYTES as u64).expect("below 4096");
    asm.emit(Inst::add_sub_imm(op, Size::X, rd, SP, imm));
}

/// Puts garbage into what C code may change, but for the first result register: x1 to x17, flags,
/// vector registers, of v8 to v15 the upper halves.
pub(super) fn poison_registers(asm: &mut Assembler) {
    let garbage = |n: u32| POISON | u64::from(n);
    for n in 1..=17 {
        asm.mov_imm(Size::X, Gpr::x(n), garbage(n));
    }
    asm.emit(Inst::cmp(Size::X, Gpr::x(1), SCRATCH2));
    let rn = SCRATCH2;
    for v in (0..32).map(Vreg::v) {
        asm.emit(if (8..16).contains(&v.number()) {
            Inst::ins_gpr(Width::D, Tied::fixed(v), 1, rn)
        } else {
            Inst::dup_gpr(Arr::D2, v, rn)
        });
    }
}

/// Puts garbage into the part of the result register that is not a result.
fn poison_result(asm: &mut Assembler, returns: Returns) {
    let rd = Gpr::x(0);
    match returns {
        Returns::Nothing => asm.mov_imm(Size::X, rd, POISON),
        Returns::Exit => asm.emit(Inst::move_keep(
            Size::X,
            Tied::fixed(rd),
            (POISON >> 48) as u16,
            3,
        )),
        Returns::Value | Returns::ValueOrExit => {}
    }
}

/// All vector registers, in pairs, with their places in the frame of an allocation.
fn all_vregs() -> impl Iterator<Item = (Vreg, Vreg, Mem)> {
    let pairs = (0..16).map(|n| (Vreg::v(2 * n), Vreg::v(2 * n + 1), n as i32));
    pairs.map(|(rt, rt2, n)| (rt, rt2, Mem::at(SP, ALL_VREGS_AT + 32 * n)))
}

/// The address of a function of the runtime to the scratch register.
pub(in crate::jit) fn load_address(asm: &mut Assembler, address: usize) {
    let literal = asm.literal(2, address as u128);
    asm.emit(Inst::load_lit(SCRATCH, literal));
}
