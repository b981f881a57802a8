//! The stack frame of a function: what is saved where, entering and leaving.
//!
//! From `sp` upwards: saved registers (the link register first, where the function calls), then
//! spill slots. `sp` is a multiple of 16 and moves only in the prologue and the epilogue. Frames
//! are found by size through the code's tables, without a frame pointer; x29 stays that of the
//! entry.

use std::mem::offset_of;

use super::abi::{CX, SCRATCH, VM};
use super::asm::Assembler;
use super::imm::Imm12;
use super::inst::Inst;
use super::mem::Mem;
use super::ops::{AddSub, Cond, Extend, Load, LoadPair, Size, Store};
use super::regs::{Gpr, LR, SP, XZR};
use crate::error::{Error, Result};
use crate::jit::code::Label;
use crate::jit::code::tables::{FrameLayout, ReturnAddress};
use crate::limits::LimitKind;
use crate::vm;

/// The largest frame: offsets in it are positive numbers of 32 bits.
const FRAME_BYTES_MAX: u32 = 1 << 30;
/// `sp` moves by less than this with immediates of 12 bits and of 12 bits times 4096.
const IMMEDIATE_BYTES_END: u32 = 1 << 24;
/// Frames of functions that call nothing are not checked up to this size: below the native limit
/// there is always that much room.
const UNCHECKED_BYTES_MAX: u32 = 4096;
const REG_BYTES: u32 = 8;

/// The contents of a function's frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Registers that the caller wants preserved.
    pub(super) saved: Vec<Gpr>,
    /// Spill slots of 8 bytes.
    pub(super) spill_slots: u32,
    /// True if the function calls, so that the link register must be saved.
    pub(super) calls: bool,
    /// True if it calls into other instances, so that `VM` must be kept.
    pub(super) keeps_vm: bool,
}

/// A frame.
#[derive(Clone, Debug)]
pub(super) struct NativeFrame {
    /// Registers in their order from `sp`.
    regs: Vec<Gpr>,
    /// The number of them that are restored when leaving: `VM` is last, and is not.
    restored: usize,
    spills_at: u32,
    bytes: u32,
    is_checked: bool,
}

impl NativeFrame {
    pub(super) fn new(needs: Needs) -> Result<NativeFrame> {
        let mut regs = Vec::new();
        if needs.calls {
            regs.push(LR);
        }
        regs.extend(needs.saved);
        let restored = regs.len();
        if needs.keeps_vm {
            regs.push(VM);
        }
        let spills_at = (regs.len() as u32 * REG_BYTES).next_multiple_of(16);
        let bytes = u64::from(spills_at) + u64::from(needs.spill_slots) * u64::from(REG_BYTES);
        let bytes = bytes.next_multiple_of(16);
        if bytes > u64::from(FRAME_BYTES_MAX) {
            let message = format!("a stack frame of {bytes} bytes is above {FRAME_BYTES_MAX}");
            return Err(Error::limit(LimitKind::Code, message));
        }
        let bytes = bytes as u32;
        Ok(NativeFrame {
            regs,
            restored,
            spills_at,
            bytes,
            is_checked: needs.calls || bytes > UNCHECKED_BYTES_MAX,
        })
    }

    /// The shape that a walk of frames sees: the link register is lowest where it is saved.
    pub(super) fn layout(&self) -> FrameLayout {
        FrameLayout {
            bytes: self.bytes,
            return_address: match self.saves_link() {
                true => ReturnAddress::InFrame(0),
                false => ReturnAddress::InLink,
            },
        }
    }

    /// True if entering takes a look at the native limit.
    pub(super) fn is_checked(&self) -> bool {
        self.is_checked
    }

    /// True if the link register is saved: it is at `sp` then.
    pub(super) fn saves_link(&self) -> bool {
        self.regs.first() == Some(&LR)
    }

    /// Gives up the frame where the check of the native limit has failed: no register has changed.
    pub(super) fn abandon(&self, asm: &mut Assembler) {
        self.move_sp(asm, AddSub::Add);
    }

    /// The address of a spill slot of `2^log2` bytes; far ones by way of the scratch register.
    pub(super) fn spill(&self, asm: &mut Assembler, slot: u32, log2: u32) -> Mem {
        let offset = self.spills_at + slot * REG_BYTES;
        if Mem::fits(i64::from(offset), log2) {
            return at(offset);
        }
        asm.mov_imm(Size::X, SCRATCH, u64::from(offset));
        add_to_sp(asm, AddSub::Add, SCRATCH);
        Mem::at(SCRATCH, 0)
    }

    /// Enters the function; goes to `exhausted`, if there is such a place, when the native stack is
    /// used up.
    pub(super) fn enter(&self, asm: &mut Assembler, exhausted: Option<Label>) {
        let mut pushed = 0;
        if self.pushes() {
            pushed = self.push_first(asm);
        } else {
            self.move_sp(asm, AddSub::Sub);
        }
        // What is stored before the check is within the room that is always there.
        if let Some(exhausted) = exhausted {
            check(asm, exhausted);
        }
        for n in (pushed..self.regs.len()).step_by(2) {
            let mem = at(n as u32 * REG_BYTES);
            asm.emit(match self.regs[n..] {
                [rt, rt2, ..] => Inst::store_pair(rt, rt2, mem),
                _ => Inst::store(Store::StrX, self.regs[n], mem),
            });
        }
    }

    /// Restores registers and `sp`.
    pub(super) fn leave(&self, asm: &mut Assembler) {
        let pops = self.pushes();
        let popped = if pops { self.regs.len().min(2) } else { 0 };
        for n in (popped..self.restored).step_by(2) {
            let mem = at(n as u32 * REG_BYTES);
            asm.emit(load_pair(&self.regs[n..self.restored], mem));
        }
        if pops {
            let mem = Mem::pop(self.bytes as i32);
            // `VM` may be in the pair, and is not restored.
            let second = match self.regs.get(1) {
                Some(&reg) if self.restored > 1 => Some(reg),
                Some(_) => Some(XZR),
                None => None,
            };
            let first_two: Vec<Gpr> = self.regs[..1].iter().copied().chain(second).collect();
            asm.emit(load_pair(&first_two, mem));
        } else {
            self.move_sp(asm, AddSub::Add);
        }
    }

    /// Loads `VM` again after code of another instance may have changed it.
    pub(super) fn reload_vm(&self, asm: &mut Assembler) {
        asm.emit(Inst::load(Load::LdrX, VM, at(self.vm_offset())));
    }

    /// Where `VM` is kept, from `sp`.
    pub(super) fn vm_offset(&self) -> u32 {
        debug_assert_eq!(self.regs.last(), Some(&VM));
        (self.regs.len() as u32 - 1) * REG_BYTES
    }

    /// True if the first registers are stored by the instruction that makes the frame.
    fn pushes(&self) -> bool {
        let offset = i64::from(self.bytes);
        match self.regs.len() {
            0 => false,
            1 => offset < 256,
            _ => Mem::fits_pair(offset, 3),
        }
    }

    fn push_first(&self, asm: &mut Assembler) -> usize {
        let mem = Mem::push(self.bytes as i32);
        match self.regs[..] {
            [rt] => {
                asm.emit(Inst::store(Store::StrX, rt, mem));
                1
            }
            [rt, rt2, ..] => {
                asm.emit(Inst::store_pair(rt, rt2, mem));
                2
            }
            [] => 0,
        }
    }

    fn move_sp(&self, asm: &mut Assembler, op: AddSub) {
        if self.bytes >= IMMEDIATE_BYTES_END {
            asm.mov_imm(Size::X, SCRATCH, u64::from(self.bytes));
            add_to_sp(asm, op, SP);
            return;
        }
        for part in [self.bytes & !0xfff, self.bytes & 0xfff] {
            if part > 0 {
                let imm = Imm12::new(u64::from(part)).expect("12 bits, or 12 bits times 4096");
                asm.emit(Inst::add_sub_imm(op, Size::X, SP, SP, imm));
            }
        }
    }
}

/// `rd := sp + SCRATCH`, or `sp - SCRATCH`; or their comparison.
fn add_to_sp(asm: &mut Assembler, op: AddSub, rd: Gpr) {
    asm.emit(Inst::add_sub_extend(
        op,
        Size::X,
        rd,
        SP,
        SCRATCH,
        Extend::Uxtx,
    ));
}

fn at(offset: u32) -> Mem {
    Mem::at(SP, offset as i32)
}

fn load_pair(regs: &[Gpr], mem: Mem) -> Inst {
    match *regs {
        [rt, rt2, ..] => Inst::load_pair(LoadPair::LdpX, rt, rt2, mem),
        [rt] => Inst::load(Load::LdrX, rt, mem),
        [] => unreachable!("a register is loaded"),
    }
}

/// Goes to `exhausted` if `sp` is at or below the native limit.
fn check(asm: &mut Assembler, exhausted: Label) {
    asm.load_x(SCRATCH, CX, offset_of!(vm::Cx, native_limit));
    add_to_sp(asm, AddSub::Subs, XZR);
    asm.emit(Inst::bcond(Cond::Ls, exhausted));
}
