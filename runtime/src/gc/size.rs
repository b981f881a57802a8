//! Size classes: the cell of an object by its bytes.
//!
//! Classes are multiples of 8, about an eighth apart, up to an eighth of a block; what is larger
//! gets units of the arena of its own. Facts only.

/// Bytes of the largest class.
pub(super) const SMALL_BYTES_MAX: u32 = CLASS_BYTES[CLASSES - 1];

/// The number of size classes.
pub(super) const CLASSES: usize = CLASS_BYTES.len();

/// The cells' size, by class.
const CLASS_BYTES: [u32; 28] = [
    16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
    896, 1024, 1280, 1360, 1488, 1816, 2040,
];

const GRANULE_BYTES: u32 = 8;

/// The class by size in granules, rounded up.
static CLASS_OF: [u8; (SMALL_BYTES_MAX / GRANULE_BYTES) as usize + 1] = classes();

const fn classes() -> [u8; (SMALL_BYTES_MAX / GRANULE_BYTES) as usize + 1] {
    let mut table = [0; (SMALL_BYTES_MAX / GRANULE_BYTES) as usize + 1];
    let (mut granules, mut class) = (0, 0);
    while granules < table.len() {
        if granules as u32 * GRANULE_BYTES > CLASS_BYTES[class] {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
}

/// The cell that objects of one size get, as code allocates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcCell {
    /// The size class; large objects have one of their own, which never has a free cell.
    pub class: u32,
    /// Bytes of the cell.
    pub bytes: u32,
}

impl GcCell {
    /// The cell of objects of so many bytes.
    #[inline(always)]
    pub fn of(bytes: u64) -> GcCell {
        match class_of(bytes) {
            Some(class) => GcCell {
                class: class as u32,
                bytes: class_bytes(class),
            },
            None => GcCell {
                class: CLASSES as u32,
                bytes: 0,
            },
        }
    }

    /// The cell as an immediate of code.
    pub fn pack(self) -> u64 {
        u64::from(self.bytes) << 32 | u64::from(self.class)
    }

    /// The cell that an immediate holds.
    #[inline(always)]
    pub fn unpack(packed: u64) -> GcCell {
        GcCell {
            class: packed as u32,
            bytes: (packed >> 32) as u32,
        }
    }
}

/// The class of objects of so many bytes; `None` if they are large.
#[inline(always)]
pub(super) fn class_of(bytes: u64) -> Option<usize> {
    let granules = bytes.div_ceil(GRANULE_BYTES.into());
    CLASS_OF.get(granules as usize).map(|&class| class.into())
}

/// Bytes of a cell of a class.
#[inline(always)]
pub(super) fn class_bytes(class: usize) -> u32 {
    CLASS_BYTES[class]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_least_cell_that_holds_it() {
        for bytes in 0..=u64::from(SMALL_BYTES_MAX) {
            let class = class_of(bytes).expect("it is small");
            assert!(u64::from(class_bytes(class)) >= bytes);
            assert!(class == 0 || u64::from(class_bytes(class - 1)) < bytes);
        }
        let large = u64::from(SMALL_BYTES_MAX) + 1;
        assert_eq!(
            (class_of(large), GcCell::of(large).class),
            (None, CLASSES as u32)
        );
        assert_eq!(GcCell::unpack(GcCell::of(100).pack()), GcCell::of(100));
        assert!(CLASS_BYTES.iter().all(|bytes| bytes % GRANULE_BYTES == 0));
    }
}
