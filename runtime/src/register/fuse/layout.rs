//! Where the slots of the IR lie in this tier's frames: `[parameters | constants | scratch | locals
//! | temporaries | room for moves]`.
//!
//! Constants that are used in loops and do not fit an immediate live in the frame, written on
//! entry. Scratch slots take what a field cannot name for the time of one instruction. Both come
//! right after the parameters, so that fields can name them in the largest function.

use super::condition::constant_last;
use super::fields::{immediate, slot_field};
use crate::engine::FrameShape;
use crate::ir::{BlockId, FuncIr, Inst, Operand, OperandKind, Role, Slot, Type};

/// The number of scratch values, of two slots each; the last one is for results.
pub(super) const SCRATCHES: u32 = 5;

/// Most constants that are written on entry.
const CONSTANTS_MAX: usize = 32;

/// No slot.
const NONE: u16 = u16::MAX;

/// Positions of slots.
#[derive(Debug, Default)]
pub(super) struct SlotLayout {
    param_slots: u32,
    constants: Vec<u64>,
    /// By index in the pool, the slot of a constant that lives in the frame.
    constant_slots: Vec<u16>,
    /// Slots of the frame without room for moves.
    pub(super) frame_slots: u32,
    /// By index in the pool, the number of times that a constant is wanted in a slot within loops.
    counts: Vec<u32>,
    /// The number of wishes for each constant that is wanted, and its index in the pool.
    wanted: Vec<(u32, u32)>,
    /// By block, how many loops more than the one before it lies in.
    depth_changes: Vec<i32>,
}

impl SlotLayout {
    /// Lays out a function.
    pub(super) fn reset(&mut self, func: &FuncIr) {
        self.param_slots = func.param_slots;
        self.constants.clear();
        self.constant_slots.clear();
        self.constant_slots.resize(func.consts.len(), NONE);
        self.wanted.clear();
        if func.blocks.iter().any(|block| block.is_loop_head) {
            self.count_constants_in_loops(func);
        }
        for (i, &(_, index)) in self.wanted.iter().enumerate() {
            self.constants.push(func.consts[index as usize]);
            self.constant_slots[index as usize] = (func.param_slots as usize + i) as u16;
        }
        self.frame_slots = func.slots + self.shift();
    }

    /// Finds the constants that most instructions in loops want in a slot.
    fn count_constants_in_loops(&mut self, func: &FuncIr) {
        self.find_loops(func);
        self.counts.clear();
        self.counts.resize(func.consts.len(), 0);
        let mut depth = 0;
        for (i, change) in self
            .depth_changes
            .iter()
            .enumerate()
            .take(func.blocks.len())
        {
            depth += change;
            if depth > 0 {
                for inst in func.block(BlockId(i as u32)) {
                    slot_constants(func, inst, |index| self.counts[index as usize] += 1);
                }
            }
        }
        let counts = self.counts.iter().zip(0..);
        let used = counts.filter(|&(&count, _)| count > 0);
        self.wanted
            .extend(used.map(|(&count, index)| (count, index)));
        let order = |&(count, index): &(u32, u32)| (std::cmp::Reverse(count), index);
        self.wanted.sort_unstable_by_key(order);
        self.wanted.truncate(CONSTANTS_MAX);
    }

    /// Finds what lies between a loop's head and a branch back to it.
    fn find_loops(&mut self, func: &FuncIr) {
        let changes = &mut self.depth_changes;
        changes.clear();
        changes.resize(func.blocks.len() + 1, 0);
        for i in 0..func.blocks.len() {
            func.terminator(BlockId(i as u32)).visit(func, |role| {
                if let Role::Label(target) = role
                    && target.0 as usize <= i
                {
                    changes[target.0 as usize] += 1;
                    changes[i + 1] -= 1;
                }
            });
        }
    }

    /// By how much locals and temporaries are further up than in the IR.
    fn shift(&self) -> u32 {
        self.constants.len() as u32 + SCRATCHES * 2
    }

    /// Where the slots of the IR lie.
    pub(super) fn shape(&self) -> FrameShape {
        FrameShape {
            param_slots: self.param_slots,
            shift: self.shift(),
        }
    }

    /// Where a slot of the IR lies.
    pub(super) fn slot(&self, slot: Slot) -> u32 {
        self.shape().slot(slot.0)
    }

    /// A slot of the frame as a field, if a field can name it.
    pub(super) fn near(&self, slot: u32) -> Option<u16> {
        slot_field(slot, self.shape())
    }

    /// The first slot of a scratch value.
    pub(super) fn scratch(&self, index: u32) -> u16 {
        (self.param_slots + self.constants.len() as u32 + index * 2) as u16
    }

    /// The slot of a constant that lives in the frame, by its index in the pool.
    pub(super) fn constant(&self, index: u32) -> Option<u16> {
        Some(self.constant_slots[index as usize]).filter(|&slot| slot != NONE)
    }

    /// The constants that live in the frame, in the order of their slots.
    pub(super) fn constants(&self) -> &[u64] {
        &self.constants
    }
}

/// Reports the constants of an instruction that cannot be immediates of its cell.
fn slot_constants(func: &FuncIr, inst: &Inst, mut report: impl FnMut(u32)) {
    let mut operand = |operand: Operand, ty: Type, immediates: bool| {
        if let OperandKind::Const(index) = operand.get() {
            let bits = func.consts[index as usize];
            if ty != Type::V128 && !(immediates && immediate(bits, ty).is_some()) {
                report(index);
            }
        }
    };
    if let Inst::Binary { op, a, b, .. } = *inst {
        let (op, a, b) = constant_last(func, op.on_words(), a, b);
        let ty = super::condition::types(op).0;
        operand(a, ty, false);
        operand(b, ty, true);
    } else if let Inst::Store { op, value, .. } = *inst {
        operand(value, super::condition::stored(op), true);
    } else if matches!(inst, Inst::Select { .. } | Inst::Unary { .. }) {
        inst.visit(func, |role| {
            if let Role::Use(used, ty) = role {
                operand(used, ty, false);
            }
        });
    }
}
