//! The memory that variants share: a pattern, a place to write to, and a record for each assertion.
//!
//! Owns the addresses, and what follows from the pattern: the sum over the values that a variant
//! under pressure keeps alive, and what an address that an operation computes reads.
//!
//! | from | what |
//! |---|---|
//! | 0 | the pattern |
//! | [`WRITTEN`] | written to and never read |
//! | [`RECORDS`] | records: the operands, 16 bytes each, then room for as many results |

use super::body::{Number, Type};
use crate::script::{Expectation, Expected};

/// The bytes of the pattern.
const PATTERN_BYTES: u32 = 1024;
/// Where code writes only so that a compiler cannot move loads across.
pub(super) const WRITTEN: u32 = PATTERN_BYTES;
/// Where the records begin.
const RECORDS: u32 = 4096;
/// The bytes of an operand or result.
pub(super) const ENTRY_BYTES: u32 = 16;
/// An address from which on there is no memory, however many records there are.
const BEYOND: u32 = 1 << 30;
const PAGE_BYTES: u32 = 1 << 16;

/// Values that are kept alive: how many of each type, loaded from the pattern in this order.
pub(super) type Live = &'static [(Type, u32)];

/// More of each class than there are registers: integers, then floats and vectors.
pub(super) const PRESSURE: Live = &[
    (Type::I32, 20),
    (Type::I64, 20),
    (Type::F32, 12),
    (Type::F64, 12),
    (Type::V128, 12),
];
/// More integers than a callee preserves, and some of the classes of which it preserves none.
pub(super) const CALLS: Live = &[
    (Type::I32, 8),
    (Type::I64, 8),
    (Type::F32, 4),
    (Type::F64, 4),
    (Type::V128, 4),
];
/// By how much the sum is rotated before each value, so that the order matters.
pub(super) const ROTATION: u32 = 7;

pub(super) fn bytes_of(ty: Type) -> u32 {
    ty.bits() / 8
}

/// The live values with the address of each.
pub(super) fn places(live: Live) -> impl Iterator<Item = (Type, u32)> {
    let each = live
        .iter()
        .flat_map(|&(ty, count)| (0..count).map(move |_| ty));
    each.scan(0, |next, ty| {
        let address = *next;
        *next += bytes_of(ty);
        Some((ty, address))
    })
}

/// The byte of the pattern at an address.
fn byte(address: u32) -> u8 {
    (address.wrapping_mul(167) ^ (address >> 3) ^ 0x5b) as u8
}

fn word(address: u32) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| byte(address + index as u32)))
}

/// What the live values sum up to (`Emitter::sum`).
pub(super) fn check(live: Live) -> u64 {
    let mut sum = 0u64;
    let mut add = |value: u64| sum = sum.rotate_left(ROTATION) ^ value;
    for (ty, address) in places(live) {
        match ty {
            Type::I32 | Type::F32 => add(word(address) & u64::from(u32::MAX)),
            Type::I64 | Type::F64 => add(word(address)),
            Type::V128 => {
                add(word(address));
                add(word(address + 8));
            }
        }
    }
    sum
}

/// What must come of loading a byte from an address, where that is the same for every assertion.
pub(super) fn byte_at(address: u32) -> Option<Expectation> {
    match address {
        ..PATTERN_BYTES => {
            let value = u32::from(byte(address));
            Some(Expectation::Return(vec![Expected::I32(value)]))
        }
        BEYOND.. => Some(Expectation::Trap("out of bounds memory access".to_string())),
        _ => None,
    }
}

/// The memory's content under construction.
#[derive(Debug)]
pub(super) struct Memory {
    records: Vec<u8>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            records: Vec::new(),
        }
    }

    /// Adds a record; gives its address.
    pub(super) fn record(&mut self, values: &[Number], results: usize) -> u32 {
        let address = RECORDS + self.records.len() as u32;
        for value in values {
            self.records.extend(value.bits.to_le_bytes());
        }
        let room = results * ENTRY_BYTES as usize;
        self.records.resize(self.records.len() + room, 0);
        address
    }

    /// The pages that hold everything.
    pub(super) fn pages(&self) -> u64 {
        let end = RECORDS + self.records.len() as u32;
        u64::from(end.div_ceil(PAGE_BYTES))
    }

    /// The data segments, each with its address.
    pub(super) fn segments(&self) -> [(u32, Vec<u8>); 2] {
        let pattern = (0..PATTERN_BYTES).map(byte).collect();
        [(0, pattern), (RECORDS, self.records.clone())]
    }
}
