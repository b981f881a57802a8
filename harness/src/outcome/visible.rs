//! The visible state: what an instance shows of its state by its exports, so that engines whose
//! inside is not known can be compared by it.
//!
//! An item is an exported memory, table or global, and its digest a number. An engine of another
//! maker computes it in a module that imports the item (`adapter/visible.rs`), our own tiers
//! natively, by the functions here.

use serde::{Deserialize, Serialize};

/// An item and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibleItem {
    /// The name of the export.
    pub name: String,
    /// The digest.
    pub digest: u64,
}

/// The prime of the Fowler-Noll-Vo hash of 64 bits.
pub const PRIME: u64 = 0x0000_0100_0000_01b3;
/// A memory of more bytes counts by its length alone.
pub const MEMORY_BYTES_MAX: u64 = 1 << 20;
/// A table of more elements counts by its length alone.
pub const TABLE_ELEMENTS_MAX: u64 = 1 << 12;
/// The digest of any NaN: its bits are the engine's choice.
pub const NAN: u64 = 1;

/// Takes one more word in.
pub fn mix(digest: u64, word: u64) -> u64 {
    (digest ^ word).wrapping_mul(PRIME)
}

/// The digest of a memory: of its length in bytes, and then of each eight bytes in their order.
pub fn of_memory(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    if length > MEMORY_BYTES_MAX {
        return length;
    }
    let (words, _) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.fold(length, mix)
}

/// The digest of a table: of its length, and then of each element, 1 if it is null and else 0.
pub fn of_table(length: u64, is_null: impl Iterator<Item = bool>) -> u64 {
    if length > TABLE_ELEMENTS_MAX {
        return length;
    }
    is_null.map(u64::from).fold(length, mix)
}

/// The digest of an f32.
pub fn of_f32(bits: u32) -> u64 {
    if f32::from_bits(bits).is_nan() {
        NAN
    } else {
        u64::from(bits)
    }
}

/// The digest of an f64.
pub fn of_f64(bits: u64) -> u64 {
    if f64::from_bits(bits).is_nan() {
        NAN
    } else {
        bits
    }
}

/// The digest of a vector.
pub fn of_v128(bits: u128) -> u64 {
    mix(bits as u64, (bits >> 64) as u64)
}
