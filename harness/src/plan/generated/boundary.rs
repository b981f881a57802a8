//! The values of each type that compilers treat specially: one pool for arguments and constants.
//!
//! Integers: 0 and ±1, the ends of each width, powers of two and their neighbours, the ends of the
//! immediates of instruction sets (9, 12, 16 and 24 bits), masks of bytes, patterns that logical
//! immediates can and cannot write, sizes of pages and memories. Floats: NaNs of both signs, quiet,
//! signalling and with a payload, zeros, denormals, infinities, the ends of conversions to integers
//! and halves between integers.

use super::random::Random;

/// Integers of 64 bits; those of 32 bits are their lower halves.
const INTEGERS: &[u64] = &[
    0,
    1,
    2,
    3,
    5,
    7,
    10,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0xFFF,
    0x1000,
    0xFF_FFFF,
    0x100_0000,
    0xFFF_000,
    0xFFF_FFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x1_8000_0000,
    0xFFFF_FFFF_0000_0000,
    0xFFFF_FFFF_8000_0000,
    0xFFFF_FFFF_7FFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    0x8000_0000_8000_0000,
    0x00FF_00FF_00FF_00FF,
    0xFF00_FF00_FF00_FF00,
    0x0F0F_0F0F_0F0F_0F0F,
    0x5555_5555_5555_5555,
    0xAAAA_AAAA_AAAA_AAAA,
    0x0000_FFFF_0000_FFFF,
    0x1234_5678_9ABC_DEF0,
    0xDEAD_BEEF_CAFE_F00D,
    0x0101_0101_0101_0101,
    0x8080_8080_8080_8080,
    0xFFFF_0000_1234_0000,
    0x1234_FFFF_FFFF_FFFF,
    // The ends of conversions to f32 and f64, and the first integers that these cannot hold.
    0x0020_0000_0000_0000,
    0x0020_0000_0000_0001,
    0x0100_0001,
    0x7FFF_FFFF_FFFF_FC00,
    0xFFFF_FFFF_FFFF_F800,
    0x7FFF_FF80,
    0xFFFF_FF00,
];

/// Sizes at which memories end, or addresses begin to need other instructions.
const SIZES: &[u64] = &[
    4095, 4096, 16_380, 16_384, 32_760, 32_768, 65_536, 131_072, 196_608,
];

/// Bits of f64; a pool of its own for f32.
const F64: &[u64] = &[
    0,
    0x8000_0000_0000_0000,
    0x3FF0_0000_0000_0000,
    0xBFF0_0000_0000_0000,
    0x3FE0_0000_0000_0000,
    0xBFE0_0000_0000_0000,
    // 1.5, 2.5 and the greatest value below 0.5: ties and near ties of rounding.
    0x3FF8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x3FDF_FFFF_FFFF_FFFF,
    0xBFDF_FFFF_FFFF_FFFF,
    1,
    0x8000_0000_0000_0001,
    0x000F_FFFF_FFFF_FFFF,
    0x0010_0000_0000_0000,
    0x7FEF_FFFF_FFFF_FFFF,
    0xFFEF_FFFF_FFFF_FFFF,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0000,
    0x7FF8_0000_0000_0001,
    0xFFFC_DEAD_BEEF_0001,
    0x7FF0_0000_0000_0001,
    0xFFF0_0000_0000_0001,
    0x7FF4_0000_0000_0000,
    // ±2^31, 2^32, ±2^63, 2^64 and their neighbours.
    0x41E0_0000_0000_0000,
    0x41DF_FFFF_FFC0_0000,
    0x41DF_FFFF_FFFF_FFFF,
    0xC1E0_0000_0000_0000,
    0xC1E0_0000_0020_0000,
    0xC1E0_0000_001F_FFFF,
    0x41F0_0000_0000_0000,
    0x41EF_FFFF_FFFF_FFFF,
    0x43E0_0000_0000_0000,
    0x43DF_FFFF_FFFF_FFFF,
    0xC3E0_0000_0000_0000,
    0xC3E0_0000_0000_0001,
    0x43F0_0000_0000_0000,
    0x43EF_FFFF_FFFF_FFFF,
    // 2^52 + 0.5 and 2^53: where fractions end.
    0x4330_0000_0000_0001,
    0x4340_0000_0000_0000,
    // The ends of f32: the greatest, what rounds to infinity, the least normal and denormal.
    0x47EF_FFFF_E000_0000,
    0x47EF_FFFF_F000_0000,
    0x3810_0000_0000_0000,
    0x36A0_0000_0000_0000,
    0x3690_0000_0000_0000,
    0x4059_0000_0000_0000,
    0x3FB9_9999_9999_999A,
];

const F32: &[u32] = &[
    0,
    0x8000_0000,
    0x3F80_0000,
    0xBF80_0000,
    0x3F00_0000,
    0xBF00_0000,
    0x3FC0_0000,
    0x4020_0000,
    0x3EFF_FFFF,
    0xBEFF_FFFF,
    1,
    0x8000_0001,
    0x007F_FFFF,
    0x0080_0000,
    0x7F7F_FFFF,
    0xFF7F_FFFF,
    0x7F80_0000,
    0xFF80_0000,
    0x7FC0_0000,
    0xFFC0_0000,
    0x7FC0_0001,
    0xFFED_CBA9,
    0x7F80_0001,
    0xFF80_0001,
    0x7FA0_0000,
    0x4F00_0000,
    0x4EFF_FFFF,
    0xCF00_0000,
    0xCF00_0001,
    0x4F80_0000,
    0x4F7F_FFFF,
    0x5F00_0000,
    0x5EFF_FFFF,
    0xDF00_0000,
    0xDF00_0001,
    0x5F80_0000,
    0x5F7F_FFFF,
    0x4B00_0001,
    0x4B80_0000,
    0x42C8_0000,
    0x3DCC_CCCD,
];

/// An i64.
pub(in crate::plan) fn i64(random: &mut Random) -> u64 {
    match random.below(16) {
        0 => random.bits(),
        1 => random.bits() >> random.below(64),
        2 | 3 => near_power(random),
        4 => random.pick(SIZES).wrapping_sub(random.below(18)),
        5 => random.below(64),
        6 => random.below(64).wrapping_neg(),
        _ => random.pick(INTEGERS),
    }
}

/// A power of two or a neighbour, of either sign.
fn near_power(random: &mut Random) -> u64 {
    let power = 1u64 << random.below(64);
    let near = power.wrapping_add(random.pick(&[0, 1, u64::MAX]));
    match random.chance(30) {
        true => near.wrapping_neg(),
        false => near,
    }
}

/// An i32.
pub(in crate::plan) fn i32(random: &mut Random) -> u32 {
    match random.below(4) {
        // The edges of the type itself are the most frequent.
        0 => {
            let edges = [
                0,
                1,
                u32::MAX,
                0x7FFF_FFFF,
                0x8000_0000,
                0x8000_0001,
                31,
                32,
            ];
            random.pick(&edges)
        }
        1 => (near_power(random) >> random.pick(&[0, 32])) as u32,
        _ => i64(random) as u32,
    }
}

/// The bits of an f32.
pub(in crate::plan) fn f32(random: &mut Random) -> u32 {
    match random.below(16) {
        0 => random.bits() as u32,
        1 | 2 => (random.below(2000) as f32 / 8.0 - 125.0).to_bits(),
        _ => random.pick(F32),
    }
}

/// The bits of an f64.
pub(in crate::plan) fn f64(random: &mut Random) -> u64 {
    match random.below(16) {
        0 => random.bits(),
        1 | 2 => (random.below(2000) as f64 / 8.0 - 125.0).to_bits(),
        _ => random.pick(F64),
    }
}

/// The little-endian bytes of a v128: lanes of one of the shapes.
pub(in crate::plan) fn v128(random: &mut Random) -> [u8; 16] {
    let mut lanes = |bits: u32, value: &mut dyn FnMut(&mut Random) -> u64| {
        let same = random.chance(20).then(|| value(random));
        let count = 128 / bits;
        (0..count).fold(0u128, |vector, lane| {
            let value = same.unwrap_or_else(|| value(random));
            let mask = u128::MAX >> (128 - bits);
            vector | (u128::from(value) & mask) << (lane * bits)
        })
    };
    let vector = match lanes(128, &mut |random| random.below(8)) {
        0 => lanes(8, &mut |random| {
            random.pick(&[0, 1, 0x7F, 0x80, 0x81, 0xFF, 0x0F, 0x10, 0x55])
        }),
        1 => lanes(8, &mut |random| random.below(256)),
        2 => lanes(16, &mut |random| {
            random.pick(&[0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x8001])
        }),
        3 => lanes(32, &mut |random| u64::from(i32(random))),
        4 => lanes(32, &mut |random| u64::from(f32(random))),
        5 => lanes(64, &mut f64),
        6 => lanes(64, &mut i64),
        // One bit, one byte, or all of them.
        _ => lanes(8, &mut |random| random.pick(&[0, 0, 0, 0xFF])),
    };
    vector.to_le_bytes()
}
