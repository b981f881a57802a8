//! Immediates that A64 can hold, checked when they are made: a value of these types always encodes.

use std::fmt;

use super::inst::Inst;
use super::ops::{LogicImm, MoveWide, Size};
use super::regs::{Gpr, Tied, Vreg, XZR};
use super::vector::{Arr, FpArr, VecImm};

/// An unsigned 12-bit immediate, optionally shifted left by 12 (C4.1, add/subtract immediate).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Imm12 {
    bits: u16,
    shifted: bool,
}

impl Imm12 {
    /// The immediate with this value: below 4096, or a multiple of 4096 below 2^24.
    pub const fn new(value: u64) -> Option<Self> {
        if value < 1 << 12 {
            Some(Self {
                bits: value as u16,
                shifted: false,
            })
        } else if value < 1 << 24 && value & 0xfff == 0 {
            Some(Self {
                bits: (value >> 12) as u16,
                shifted: true,
            })
        } else {
            None
        }
    }

    /// The value.
    pub const fn value(self) -> u64 {
        (self.bits as u64) << if self.shifted { 12 } else { 0 }
    }

    /// The fields `sh:imm12`.
    pub(super) const fn fields(self) -> u32 {
        (self.shifted as u32) << 12 | self.bits as u32
    }
}

impl fmt::Display for Imm12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "#{:#x}{}",
            self.bits,
            if self.shifted { ", lsl #12" } else { "" }
        )
    }
}

/// A bitmask immediate: a run of ones, rotated, repeated over the register (`DecodeBitMasks`,
/// J1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BitImm {
    /// `N:immr:imms`.
    fields: u16,
}

impl BitImm {
    /// The bitmask with this value in a register of the given size, if it is one.
    pub fn new(size: Size, value: u64) -> Option<Self> {
        let value = match size {
            Size::W => (value & 0xffff_ffff) | value << 32,
            Size::X => value,
        };
        if value == 0 || value == u64::MAX {
            return None;
        }
        let element = period(value);
        let mask = u64::MAX >> (64 - element);
        let bits = value & mask;
        let ones = bits.count_ones();
        // Rotating right by `right` brings the run of ones down to bit 0.
        let rotated = |by: u32| ((bits >> by) | (bits << ((element - by) % element))) & mask;
        let run = mask >> (element - ones);
        let right = match bits & 1 {
            0 => bits.trailing_zeros(),
            _ => (element - (!bits << (64 - element)).leading_zeros()) % element,
        };
        (rotated(right) == run).then(|| Self::from_run(element, ones, right))
    }

    /// Elements of `element` bits, each a run of `ones` ones that was rotated left by `left`.
    fn from_run(element: u32, ones: u32, left: u32) -> Self {
        let immr = (element - left) % element;
        // imms: the element size as a prefix of ones and a zero, then the length of the run less
        // one.
        let imms = (!(2 * element - 1) & 0x3f) | (ones - 1);
        let n = u32::from(element == 64);
        Self {
            fields: (n << 12 | immr << 6 | imms) as u16,
        }
    }

    /// The bitmask whose encoding is `N:immr:imms`, if that encodes one in a register of this size.
    pub fn from_fields(size: Size, fields: u16) -> Option<Self> {
        let imm = Self { fields };
        let (n, imms) = (fields >> 12, u32::from(fields & 0x3f));
        let element = imm.element()?;
        let run_fills = imms & (element - 1) == element - 1;
        (fields < 1 << 13 && !run_fills && (size == Size::X || n == 0)).then_some(imm)
    }

    /// The value in a register of the given size.
    pub fn value(self, size: Size) -> u64 {
        let element = self
            .element()
            .expect("made by `new` or `from_fields`, which check it");
        let (immr, imms) = (
            u32::from(self.fields >> 6 & 0x3f),
            u32::from(self.fields & 0x3f),
        );
        let ones = (imms & (element - 1)) + 1;
        let mask = u64::MAX >> (64 - element);
        let (run, by) = (mask >> (element - ones), immr & (element - 1));
        let bits = (run >> by | run << ((element - by) % element)) & mask;
        let value = (0..64 / element).fold(0, |value, at| value | bits << (at * element));
        match size {
            Size::W => value & 0xffff_ffff,
            Size::X => value,
        }
    }

    /// The fields `N:immr:imms`.
    pub(super) const fn fields(self) -> u32 {
        self.fields as u32
    }

    /// The element size in bits.
    fn element(self) -> Option<u32> {
        let (n, imms) = (self.fields >> 12 & 1, self.fields & 0x3f);
        let prefix = u32::from(n << 6 | (!imms & 0x3f));
        (prefix > 1).then(|| 1 << prefix.ilog2())
    }
}

/// The smallest power of two of at least 2 after which `value` repeats.
fn period(value: u64) -> u32 {
    let repeats = |bits: &u32| value == value.rotate_right(*bits);
    [2, 4, 8, 16, 32].into_iter().find(repeats).unwrap_or(64)
}

/// The eight bits of an FMOV immediate: +-(16..31)/16 * 2^(-3..4) (C2.2.3, `VFPExpandImm`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FpImm8(u8);

impl FpImm8 {
    /// The immediate with exactly this value (sign of zero and NaN bits included: those have none).
    pub fn new(value: f64) -> Option<Self> {
        (0..=u8::MAX)
            .map(Self)
            .find(|imm| imm.value().to_bits() == value.to_bits())
    }

    /// The value.
    pub fn value(self) -> f64 {
        let sign = if self.0 & 0x80 == 0 { 1.0 } else { -1.0 };
        let exponent = i32::from(self.0 >> 4 & 7 ^ 4) - 3;
        sign * f64::from(16 + (self.0 & 15)) / 16.0 * 2f64.powi(exponent)
    }

    /// The eight bits.
    pub(super) const fn fields(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for FpImm8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:?}", self.value())
    }
}

/// A 64-bit value whose bytes are all 0 or 255 (MOVI's 64-bit form).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LaneMask(u8);

impl LaneMask {
    /// The mask with this value, if all its bytes are 0 or 255.
    pub fn new(value: u64) -> Option<Self> {
        let bits = value
            .to_le_bytes()
            .iter()
            .rev()
            .fold(0, |bits, byte| bits << 1 | (byte & 1));
        (Self(bits).value() == value).then_some(Self(bits))
    }

    /// The value.
    pub fn value(self) -> u64 {
        (0..8)
            .filter(|bit| self.0 >> bit & 1 == 1)
            .fold(0, |value, bit| value | 0xff << (8 * bit))
    }

    /// The eight bits, one for each byte.
    pub(super) const fn fields(self) -> u32 {
        self.0 as u32
    }
}

/// Puts `value` into the register by the fewest instructions (one to four): `rd := value`.
///
/// A register of size W gets the low 32 bits. `rd` is changed in place, so it must be architectural
/// by the time the result is encoded; before allocation keep the constant as one
/// pseudo-instruction.
pub fn mov_imm(size: Size, rd: Gpr, value: u64) -> Vec<Inst> {
    // Writing a W register clears the upper half, so W forms serve small values of either size.
    let (size, halves, value) = match size {
        Size::X if value >> 32 != 0 => (Size::X, 4u8, value),
        Size::W | Size::X => (Size::W, 2, value & 0xffff_ffff),
    };
    let half = |at: u8| (value >> (16 * at)) as u16;
    let differing = |filler: u16| (0..halves).filter(move |at| half(*at) != filler);
    let inverted = differing(0xffff).count() < differing(0).count();
    let filler = if inverted { 0xffff } else { 0 };
    if let (2.., Some(imm)) = (differing(filler).count(), BitImm::new(size, value)) {
        return vec![Inst::logic_imm(LogicImm::Orr, size, rd, XZR, imm)];
    }
    let mut chunks = differing(filler);
    let first = chunks.next().unwrap_or(0);
    let (op, imm) = match inverted {
        true => (MoveWide::Movn, !half(first)),
        false => (MoveWide::Movz, half(first)),
    };
    let keep = |hw| Inst::move_keep(size, Tied::fixed(rd), half(hw), hw);
    std::iter::once(Inst::move_wide(op, size, rd, imm, first))
        .chain(chunks.map(keep))
        .collect()
}

/// The one instruction that makes a vector of these bits, if there is one.
pub fn vector_imm(rd: Vreg, bits: u128) -> Option<Inst> {
    let wide = bits as u64;
    if bits >> 64 != u128::from(wide) {
        return None;
    }
    if let Some(mask) = LaneMask::new(wide) {
        return Some(Inst::vec_mask(rd, mask));
    }
    let repeats = |width: u32| wide.rotate_left(width) == wide;
    let lanes = |op, arr, imm: u64, shift| {
        let imm = imm as u8;
        Some(Inst::vec_imm(op, arr, rd, imm, shift))
    };
    if repeats(8) {
        return lanes(VecImm::Movi, Arr::B16, wide & 0xff, 0);
    }
    for (arr, width) in [(Arr::H8, 16), (Arr::S4, 32)] {
        let lane = |bits: u64| bits & (u64::MAX >> (64 - width));
        for (op, value) in [(VecImm::Movi, lane(wide)), (VecImm::Mvni, lane(!wide))] {
            let shift = value.checked_ilog2().unwrap_or(0) / 8 * 8;
            if repeats(width) && value & !(0xff << shift) == 0 {
                return lanes(op, arr, value >> shift, shift as u8);
            }
        }
    }
    let (arr, value) = match repeats(32) {
        true => (FpArr::S4, f64::from(f32::from_bits(wide as u32))),
        false => (FpArr::D2, f64::from_bits(wide)),
    };
    FpImm8::new(value).map(|imm| Inst::vec_fp_imm(arr, rd, imm))
}

#[cfg(test)]
mod samples {
    //! Values that encoder tests draw, extremes among them.

    use super::{BitImm, FpImm8, Imm12, LaneMask};
    use crate::jit::arm64::ops::Size;
    use crate::jit::arm64::table::Sample;

    impl Sample for Imm12 {
        const COMPLETE: bool = true;
        fn samples() -> Vec<Self> {
            let values = [0, 1, 16, 0xfff, 0x1000, 0x7ff000, 0xfff000];
            values.into_iter().filter_map(Self::new).collect()
        }
    }

    impl Sample for BitImm {
        const COMPLETE: bool = true;
        fn samples() -> Vec<Self> {
            let wide = [
                1,
                0x7fff_ffff_ffff_ffff,
                0x8000_0000_0000_0001,
                0xffff_0000_0000_0000,
            ];
            let narrow = [
                0x5555_5555,
                0xf0f0_f0f0,
                0xff00_00ff,
                1,
                0x8000_0000,
                0x7fff_fffe,
            ];
            let wide = wide
                .into_iter()
                .filter_map(|value| Self::new(Size::X, value));
            wide.chain(
                narrow
                    .into_iter()
                    .filter_map(|value| Self::new(Size::W, value)),
            )
            .collect()
        }
    }

    impl Sample for FpImm8 {
        const COMPLETE: bool = true;
        fn samples() -> Vec<Self> {
            (0..=u8::MAX).step_by(5).map(Self).collect()
        }
    }

    impl Sample for LaneMask {
        const COMPLETE: bool = true;
        fn samples() -> Vec<Self> {
            [0, 1, 0x80, 0x5a, 0xff].map(Self).to_vec()
        }
    }
}
