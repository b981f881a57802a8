//! Random choices that are the same on every host and in every version.
//!
//! The stream is ChaCha8's, seeded by a `u64`. Choices are made of whole 64-bit words by the
//! methods here, and not by the distributions of a crate, whose algorithms may change.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of choices.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of a seed. Streams of other numbers are independent of each other.
    pub(in crate::plan) fn new(seed: u64, stream: u64) -> Random {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Random(generator)
    }

    /// 64 random bits.
    pub(in crate::plan) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is above 0.
    pub(in crate::plan) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(in crate::plan) fn range(&mut self, low: usize, high: usize) -> usize {
        low + self.below((high - low) as u64 + 1) as usize
    }

    /// True in `percent` of a hundred cases.
    pub(in crate::plan) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An element of a slice that is not empty.
    pub(in crate::plan) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// An element of a slice of weighted elements, whose weights are not all 0.
    pub(in crate::plan) fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let total: u64 = from.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (weight, element) in from {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *element,
            }
        }
        from[from.len() - 1].1
    }

    /// Random bytes.
    pub(in crate::plan) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Brings a slice into a random order.
    pub(in crate::plan) fn shuffle<T>(&mut self, slice: &mut [T]) {
        for end in (1..slice.len()).rev() {
            slice.swap(end, self.range(0, end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_is_fixed() {
        let mut random = Random::new(7, 0);
        let words = [random.bits(), random.bits()];
        assert_eq!(words, [2910824217569608635, 3098856782162503994]);
        assert_ne!(Random::new(7, 1).bits(), words[0]);
    }

    #[test]
    fn choices_are_in_range() {
        let mut random = Random::new(1, 0);
        let mut seen = [0; 3];
        for _ in 0..300 {
            assert!((3..=5).contains(&random.range(3, 5)));
            seen[random.weighted(&[(1, 0), (0, 1), (2, 2)])] += 1;
        }
        assert!(seen[0] > 50 && seen[1] == 0 && seen[2] > 150, "{seen:?}");
    }
}
