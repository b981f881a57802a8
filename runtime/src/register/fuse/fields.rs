//! The contents of a cell's fields: operands, and which slots, distances and constants fit.
//!
//! Everything that depends on the width of a field asks here. Tests lower the limits
//! ([`limits`]), so that small functions have slots and branches on both sides of them.

use crate::engine::FrameShape;
use crate::ir::Type;

/// An operand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperandField {
    Slot(u16),
    Imm(i16),
}

impl OperandField {
    pub(super) fn bits(self) -> u16 {
        match self {
            OperandField::Slot(slot) => slot,
            OperandField::Imm(value) => value as u16,
        }
    }
}

/// The field that names a slot of a frame, if one can. Constants in the frame and scratch slots
/// always have one: there are few of them, and they come right after the parameters.
pub(super) fn slot_field(slot: u32, frame: FrameShape) -> Option<u16> {
    #[cfg(test)]
    if slot
        .checked_sub(frame.param_slots)
        .is_none_or(|above| above >= frame.shift)
        && limits::is_far(slot)
    {
        return None;
    }
    #[cfg(not(test))]
    let _ = frame;
    u16::try_from(slot).ok()
}

/// The field of a distance in cells, if it fits.
pub(super) fn distance_field(cells: i64) -> Option<i16> {
    #[cfg(test)]
    if limits::is_out_of_reach(cells) {
        return None;
    }
    i16::try_from(cells).ok()
}

/// A constant as the immediate of a field, if it fits.
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

/// Lower limits, for the functions that a test's thread fuses.
#[cfg(test)]
pub(in crate::register) mod limits {
    use std::cell::Cell;

    /// Limits below those of the format.
    #[derive(Clone, Copy, Debug)]
    pub(in crate::register) struct Limits {
        /// The slots that a field cannot name.
        pub(in crate::register) far_slots: FarSlots,
        /// The longest distance in the last field of a cell.
        pub(in crate::register) reach: i64,
    }

    /// Slots that a field cannot name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::register) enum FarSlots {
        /// Those that it cannot name indeed.
        Real,
        /// All.
        All,
        /// One slot in four, by the remainder.
        OneInFour(u32),
    }

    const NONE: Limits = Limits {
        far_slots: FarSlots::Real,
        reach: i64::MAX,
    };

    thread_local! {
        static LIMITS: Cell<Limits> = const { Cell::new(NONE) };
    }

    /// Runs a test under limits.
    pub(in crate::register) fn under(limits: Limits, test: impl FnOnce()) {
        LIMITS.set(limits);
        test();
        LIMITS.set(NONE);
    }

    /// True if a test lowers the limits.
    #[cfg(debug_assertions)]
    pub(in crate::register) fn are_lower() -> bool {
        LIMITS.get().far_slots != FarSlots::Real
    }

    pub(super) fn is_far(slot: u32) -> bool {
        match LIMITS.get().far_slots {
            FarSlots::Real => false,
            FarSlots::All => true,
            FarSlots::OneInFour(remainder) => slot % 4 == remainder,
        }
    }

    pub(super) fn is_out_of_reach(cells: i64) -> bool {
        cells.abs() > LIMITS.get().reach
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
