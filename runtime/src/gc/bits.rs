//! A bit for every 8 bytes of the arena: where objects begin, and which of them are marked.

use std::ops::Range;

/// Bits by offset.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
}

/// Bytes of the arena that one word tells of.
pub(super) const WORD_BYTES: u32 = 8 * u64::BITS;

impl Bits {
    /// Room for offsets below `bytes`; new bits are clear.
    pub(super) fn grow(&mut self, bytes: u64) {
        let len = (bytes / u64::from(WORD_BYTES)) as usize;
        if len > self.words.len() {
            self.words.resize(len, 0);
        }
    }

    /// True if the bit of an offset is set. Bits beyond the end are clear.
    #[inline(always)]
    pub(super) fn get(&self, offset: u32) -> bool {
        let (word, bit) = place(offset);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Sets the bit of an offset: true if it was clear.
    #[inline(always)]
    pub(super) fn set(&mut self, offset: u32) -> bool {
        let (word, bit) = place(offset);
        let old = self.words[word];
        self.words[word] = old | bit;
        old & bit == 0
    }

    pub(super) fn clear(&mut self, offset: u32) {
        let (word, bit) = place(offset);
        self.words[word] &= !bit;
    }

    /// Clears the bits of a range of whole words.
    pub(super) fn clear_range(&mut self, bytes: Range<u32>) {
        let range = (bytes.start / WORD_BYTES) as usize..(bytes.end / WORD_BYTES) as usize;
        self.words[range].fill(0);
    }

    /// The last offset whose bit is set, up to a given one.
    pub(super) fn last_until(&self, offset: u32) -> Option<u32> {
        let (mut word, bit) = place(offset);
        let mut bits = self.words.get(word)? & (bit | (bit - 1));
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.words[word];
        }
        Some(word as u32 * WORD_BYTES + (63 - bits.leading_zeros()) * 8)
    }

    /// Takes over another's bits in a range of whole words: the number that are set.
    pub(super) fn take_over(&mut self, from: &Bits, bytes: Range<u32>) -> u32 {
        let range = (bytes.start / WORD_BYTES) as usize..(bytes.end / WORD_BYTES) as usize;
        let from = &from.words[range.clone()];
        self.words[range].copy_from_slice(from);
        from.iter().map(|word| word.count_ones()).sum()
    }

    /// The number of set bits.
    pub(super) fn count(&self, bytes: Range<u32>) -> u32 {
        let range = (bytes.start / WORD_BYTES) as usize..(bytes.end / WORD_BYTES) as usize;
        self.words[range].iter().map(|word| word.count_ones()).sum()
    }
}

#[inline(always)]
fn place(offset: u32) -> (usize, u64) {
    let granule = offset / 8;
    ((granule / u64::BITS) as usize, 1 << (granule % u64::BITS))
}
