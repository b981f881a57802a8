//! Every bitmask, the edges of the other immediates, and the length of constant sequences.

use std::collections::HashSet;

use crate::jit::arm64::imm::{BitImm, FpImm8, Imm12, LaneMask, mov_imm, vector_imm};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::ops::{LogicImm, MoveWide, Size};
use crate::jit::arm64::regs::{Gpr, Vreg};
use crate::jit::arm64::vector::{FpArr, VecImm};

/// All encodings of all bitmasks decode, and their values encode again to the same value; and a
/// bitmask by its definition (a run of ones, rotated, repeated) is found by `new`: 5334 values of
/// 64 bits, 1302 of 32.
#[test]
fn every_bitmask_round_trips() {
    for (size, bits, count) in [(Size::X, 64, 5334), (Size::W, 32, 1302)] {
        let mut by_fields = HashSet::new();
        for fields in 0..1 << 13 {
            if let Some(imm) = BitImm::from_fields(size, fields) {
                let value = imm.value(size);
                by_fields.insert(value);
                let again = BitImm::new(size, value).expect("the value of a bitmask is a bitmask");
                assert_eq!(again.value(size), value, "{fields:#x}");
            }
        }
        let by_definition = bitmasks(bits);
        assert_eq!(by_fields, by_definition);
        assert_eq!(by_definition.len(), count);
        for value in by_definition.iter().map(|value| value ^ 1 << 17) {
            assert_eq!(
                BitImm::new(size, value).is_some(),
                by_fields.contains(&value),
                "{value:#x}"
            );
        }
    }
}

fn bitmasks(bits: u32) -> HashSet<u64> {
    let mut all = HashSet::new();
    for element in [2, 4, 8, 16, 32, 64]
        .into_iter()
        .filter(|element| *element <= bits)
    {
        for ones in 1..element {
            for rotation in 0..element {
                let bit = |at: u32| (at + rotation) % element < ones;
                all.insert(
                    (0..bits)
                        .filter(|at| bit(at % element))
                        .map(|at| 1 << at)
                        .sum(),
                );
            }
        }
    }
    all
}

#[test]
fn bitmasks_that_are_none() {
    for value in [
        0,
        u64::MAX,
        5,
        0x1_0000_0002_0000,
        0xffff_ffff_0000_ffff ^ 0xff0,
    ] {
        assert_eq!(BitImm::new(Size::X, value), None, "{value:#x}");
    }
    assert_eq!(BitImm::new(Size::W, 0xffff_ffff), None);
}

#[test]
fn edges_of_imm12() {
    for value in [0, 1, 4095, 4096, 4095 << 12] {
        assert_eq!(Imm12::new(value).map(Imm12::value), Some(value));
    }
    for value in [4097, 4096 << 12, u64::MAX] {
        assert_eq!(Imm12::new(value), None);
    }
}

#[test]
fn edges_of_float_immediates() {
    for value in [2.0, 1.0, -1.0, 0.125, -31.0, 31.0, 1.9375] {
        assert_eq!(FpImm8::new(value).map(FpImm8::value), Some(value));
    }
    for value in [0.0, -0.0, 32.0, 0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(FpImm8::new(value), None, "{value}");
    }
}

#[test]
fn edges_of_lane_masks() {
    for value in [0, 0xff, 0xff00_0000_0000_00ff, u64::MAX] {
        assert_eq!(LaneMask::new(value).map(LaneMask::value), Some(value));
    }
    assert_eq!(LaneMask::new(0x7f), None);
}

/// What a sequence of `mov_imm` leaves in its register.
fn result(sequence: &[Inst]) -> u64 {
    sequence.iter().fold(u64::MAX / 3, |before, inst| {
        let (size, value) = match *inst {
            Inst::MoveWide {
                op: MoveWide::Movz,
                size,
                imm,
                hw,
                ..
            } => (size, u64::from(imm) << (16 * hw)),
            Inst::MoveWide {
                op: MoveWide::Movn,
                size,
                imm,
                hw,
                ..
            } => (size, !(u64::from(imm) << (16 * hw))),
            Inst::MoveKeep { size, imm, hw, .. } => (
                size,
                before & !(0xffff << (16 * hw)) | u64::from(imm) << (16 * hw),
            ),
            Inst::LogicImm {
                op: LogicImm::Orr,
                size,
                imm,
                ..
            } => (size, imm.value(size)),
            other => panic!("{other}"),
        };
        if size == Size::W {
            value & 0xffff_ffff
        } else {
            value
        }
    })
}

#[test]
fn constants_are_short_and_right() {
    let rows: [(u64, usize); 14] = [
        (0, 1),
        (1, 1),
        (0xffff_ffff, 1),
        (u64::MAX, 1),
        (0xffff_0000, 1),
        (0xffff_1234, 1),
        (0x1234_5678, 2),
        (0x5555_5555_5555_5555, 1),
        (0xffff_ffff_ffff_1234, 1),
        (0xffff_1234_ffff_5678, 2),
        (0x8000_0000_0000_0000, 1),
        (0x1234_0000_0000_5678, 2),
        (0x1234_5678_9abc_def0, 4),
        (0x0000_5678_9abc_def0, 3),
    ];
    for (value, count) in rows {
        let wide = mov_imm(Size::X, Gpr::x(3), value);
        assert_eq!(result(&wide), value, "{value:#x}");
        assert_eq!(wide.len(), count, "{value:#x}");
        let narrow = mov_imm(Size::W, Gpr::x(3), value);
        assert_eq!(result(&narrow), value & 0xffff_ffff, "{value:#x}");
        assert!(narrow.len() <= 2);
        assert!(wide.iter().chain(&narrow).all(|inst| inst.encode().is_ok()));
    }
}

/// The bits that an instruction which makes a constant vector makes.
fn made(inst: Inst) -> u128 {
    let repeat = |bits: u64, width: u32| -> u128 {
        let copies = (0..128).step_by(width as usize);
        copies.map(|at| u128::from(bits) << at).sum()
    };
    match inst {
        Inst::VecMask { mask, .. } => repeat(mask.value(), 64),
        Inst::VecImm {
            op,
            arr,
            imm,
            shift,
            ..
        } => {
            let bits = repeat(u64::from(imm) << shift, arr.lane_bits());
            if op == VecImm::Mvni { !bits } else { bits }
        }
        Inst::VecFpImm {
            arr: FpArr::D2,
            imm,
            ..
        } => repeat(imm.value().to_bits(), 64),
        Inst::VecFpImm { imm, .. } => repeat((imm.value() as f32).to_bits().into(), 32),
        other => panic!("{other} makes no constant"),
    }
}

#[test]
fn constant_vectors_of_one_instruction() {
    let wide = |bits: u64| u128::from(bits) << 64 | u128::from(bits);
    let word = |bits: u32| wide(u64::from(bits) * 0x1_0000_0001);
    let half = |bits: u16| word(u32::from(bits) * 0x1_0001);
    let have = [
        0,
        u128::MAX,
        wide(0xff00_00ff_ffff_0000),
        half(0x7f7f),
        half(0x12),
        half(0x1200),
        half(0xff12),
        half(0x12ff),
        word(0x12),
        word(0x1200_0000),
        word(0xff12_ffff),
        word(1.5f32.to_bits()),
        wide((-31.0f64).to_bits()),
    ];
    for bits in have {
        let inst = vector_imm(Vreg::v(3), bits).unwrap_or_else(|| panic!("{bits:x}"));
        assert_eq!(made(inst), bits, "{inst}");
        assert!(inst.encode().is_ok(), "{inst}");
    }
    let have_not = [
        1,
        half(0x1234),
        word(0x1234),
        word(0.1f32.to_bits()),
        wide(1),
    ];
    for bits in have_not {
        assert_eq!(vector_imm(Vreg::v(3), bits), None, "{bits:x}");
    }
}
