//! Where the slots of the IR lie in this tier's frames: `[parameters | constants | scratch | locals
//! | temporaries | room for moves]`.
//!
//! Constants that are used in loops and fit no immediate live in the frame, written on entry.
//! Scratch slots take what a field cannot name for the time of one instruction. Both come right
//! after the parameters, so that fields can name them in the largest function.

use std::collections::HashMap;

use super::condition::constant_last;
use crate::ir::{BlockId, Func, Inst, Operand, OperandKind, Role, Slot, Type};

/// How many scratch values there are, of two slots each; the last one is for results.
pub(super) const SCRATCHES: u32 = 5;

/// Most constants that are written on entry.
const CONSTANTS_MAX: usize = 32;

/// Positions of slots.
#[derive(Debug)]
pub(super) struct Layout {
    param_slots: u32,
    constants: Vec<u64>,
    constant_slots: HashMap<u64, u16>,
    /// Slots of the frame without room for moves.
    pub(super) frame_slots: u32,
}

impl Layout {
    pub(super) fn new(func: &Func) -> Layout {
        let constants = constants_in_loops(func);
        let slot = |(i, &bits): (usize, &u64)| (bits, (func.param_slots as usize + i) as u16);
        let constant_slots = constants.iter().enumerate().map(slot).collect();
        let mut layout = Layout {
            param_slots: func.param_slots,
            constants,
            constant_slots,
            frame_slots: 0,
        };
        layout.frame_slots = func.slots + layout.shift();
        layout
    }

    /// By how much locals and temporaries are further up than in the IR.
    fn shift(&self) -> u32 {
        self.constants.len() as u32 + SCRATCHES * 2
    }

    /// Where a slot of the IR lies.
    pub(super) fn slot(&self, slot: Slot) -> u32 {
        if slot.0 < self.param_slots {
            slot.0
        } else {
            slot.0 + self.shift()
        }
    }

    /// The first slot of a scratch value.
    pub(super) fn scratch(&self, index: u32) -> u16 {
        (self.param_slots + self.constants.len() as u32 + index * 2) as u16
    }

    /// The slot of a constant that lives in the frame.
    pub(super) fn constant(&self, bits: u64) -> Option<u16> {
        self.constant_slots.get(&bits).copied()
    }

    /// The constants that live in the frame, in the order of their slots.
    pub(super) fn constants(&self) -> &[u64] {
        &self.constants
    }
}

/// A constant as the immediate of a field.
pub(super) fn immediate(bits: u64, ty: Type) -> Option<i16> {
    match ty {
        Type::I32 => i16::try_from(bits as i32).ok(),
        Type::I64 | Type::Ref => i16::try_from(bits as i64).ok(),
        Type::F32 => {
            let value = f32::from_bits(bits as u32) as i16;
            (f32::from(value).to_bits() == bits as u32).then_some(value)
        }
        Type::F64 => {
            let value = f64::from_bits(bits) as i16;
            (f64::from(value).to_bits() == bits).then_some(value)
        }
        Type::V128 => None,
    }
}

/// The constants that most instructions in loops want in a slot.
fn constants_in_loops(func: &Func) -> Vec<u64> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    for (i, in_loop) in blocks_in_loops(func).into_iter().enumerate() {
        if in_loop {
            for inst in func.block(BlockId(i as u32)) {
                slot_constants(func, inst, |bits| *counts.entry(bits).or_default() += 1);
            }
        }
    }
    let mut constants: Vec<(u64, u32)> = counts.into_iter().collect();
    constants.sort_by_key(|&(bits, count)| (std::cmp::Reverse(count), bits));
    constants.truncate(CONSTANTS_MAX);
    constants.into_iter().map(|(bits, _)| bits).collect()
}

/// By block, whether it lies between a loop's head and a branch back to it.
fn blocks_in_loops(func: &Func) -> Vec<bool> {
    let mut depth_changes = vec![0i32; func.blocks.len() + 1];
    for i in 0..func.blocks.len() {
        func.terminator(BlockId(i as u32)).visit(func, |role| {
            if let Role::Label(target) = role
                && target.0 as usize <= i
            {
                depth_changes[target.0 as usize] += 1;
                depth_changes[i + 1] -= 1;
            }
        });
    }
    let mut depth = 0;
    let add = |change| {
        depth += change;
        depth > 0
    };
    depth_changes
        .into_iter()
        .map(add)
        .take(func.blocks.len())
        .collect()
}

/// Reports the constants of an instruction that cannot be immediates of its cell.
fn slot_constants(func: &Func, inst: &Inst, mut report: impl FnMut(u64)) {
    let mut operand = |operand: Operand, ty: Type, immediates: bool| {
        if let OperandKind::Const(index) = operand.get() {
            let bits = func.consts[index as usize];
            if ty != Type::V128 && !(immediates && immediate(bits, ty).is_some()) {
                report(bits);
            }
        }
    };
    match *inst {
        Inst::Binary { op, a, b, .. } => {
            let (op, a, b) = constant_last(func, op, a, b);
            let ty = super::condition::types(op).0;
            operand(a, ty, false);
            operand(b, ty, true);
        }
        Inst::Store { op, value, .. } => operand(value, super::condition::stored(op), true),
        Inst::Select { .. } | Inst::Unary { .. } => inst.visit(func, |role| {
            if let Role::Use(used, ty) = role {
                operand(used, ty, false);
            }
        }),
        _ => {} // constants of moves and calls are immediates of any size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_keep_every_bit() {
        let f64_of = |value: f64| immediate(value.to_bits(), Type::F64);
        assert_eq!([f64_of(2.0), f64_of(-3.0)], [Some(2), Some(-3)]);
        assert_eq!([f64_of(-0.0), f64_of(0.5), f64_of(f64::NAN)], [None; 3]);
        assert_eq!(immediate(u64::from((-0.0f32).to_bits()), Type::F32), None);
        assert_eq!(immediate(u64::from(u32::MAX), Type::I32), Some(-1));
        assert_eq!(immediate(u64::from(u32::MAX), Type::I64), None);
        assert_eq!(immediate(u64::MAX, Type::I64), Some(-1));
        assert_eq!(immediate(0x8000, Type::I32), None);
    }
}
