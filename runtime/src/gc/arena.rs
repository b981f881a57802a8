//! The heap's range of addresses: reserved in one piece at the first use, made accessible as it
//! fills, given out in units.
//!
//! Invariants: the units in use are disjoint; unit 0 is never given out, so that no object has
//! offset 0; what has been made accessible stays so while the arena lives.

use crate::memory::space::{self, Reservation};

/// Bytes of a unit.
pub(super) const UNIT_BYTES: u32 = 4096;
/// The number of bytes that are made accessible at a time.
const COMMIT_BYTES: u64 = 1 << 20;
/// Memory of freed units in one piece is given back to the system from this size on.
const DISCARD_BYTES_MIN: u64 = 1 << 20;

/// The arena.
#[derive(Debug)]
pub(super) struct Arena {
    /// None before the first object.
    space: Option<Reservation>,
    bytes_max: u64,
    committed_bytes: u64,
    /// A bit for every unit, set if the unit is in use.
    used: Vec<u64>,
    /// Units below this one have been given out at some time.
    high: u32,
    /// Units below `high` that are not in use.
    free: u32,
    /// The unit at which the search for free units begins.
    hint: u32,
}

impl Arena {
    pub(super) fn new(bytes_max: u64) -> Arena {
        Arena {
            space: None,
            bytes_max,
            committed_bytes: 0,
            used: Vec::new(),
            high: 1,
            free: 0,
            hint: 1,
        }
    }

    /// The address of offset 0, or null.
    pub(super) fn base(&self) -> *mut u8 {
        self.start() as *mut u8
    }

    fn start(&self) -> usize {
        self.space.as_ref().map_or(0, Reservation::base)
    }

    /// Offsets below this one may be in use.
    pub(super) fn end_bytes(&self) -> u64 {
        u64::from(self.high) * u64::from(UNIT_BYTES)
    }

    /// Gives out `units` in one piece: the offset of the first.
    pub(super) fn take(&mut self, units: u32) -> Option<u32> {
        let first = self.find(units).or_else(|| self.extend(units))?;
        for unit in first..first + units {
            self.used[(unit / 64) as usize] |= 1 << (unit % 64);
        }
        self.hint = first + units;
        Some(first * UNIT_BYTES)
    }

    /// Takes back units that [`Arena::take`] gave.
    pub(super) fn give_back(&mut self, offset: u32, units: u32) {
        let first = offset / UNIT_BYTES;
        for unit in first..first + units {
            self.used[(unit / 64) as usize] &= !(1 << (unit % 64));
        }
        self.free += units;
        self.hint = self.hint.min(first);
        let bytes = u64::from(units) * u64::from(UNIT_BYTES);
        if bytes >= DISCARD_BYTES_MIN {
            space::discard(self.start() + offset as usize, bytes as usize);
        }
    }

    /// Gives the memory of free units at the end back to the system, from `keep_bytes` on, unless
    /// it is not worth it.
    pub(super) fn trim(&mut self, keep_bytes: u64) {
        let keep = keep_bytes.div_ceil(UNIT_BYTES.into());
        let mut end = self.high;
        while u64::from(end) > keep && end > 1 && !self.is_used(end - 1) {
            end -= 1;
        }
        let bytes = u64::from(self.high - end) * u64::from(UNIT_BYTES);
        if bytes >= DISCARD_BYTES_MIN {
            let start = self.start() + end as usize * UNIT_BYTES as usize;
            space::discard(start, bytes as usize);
            self.free -= self.high - end;
            self.high = end;
            self.hint = self.hint.min(end);
        }
    }

    /// Free units in one piece among those that have been given out before.
    fn find(&mut self, units: u32) -> Option<u32> {
        if self.free < units {
            return None;
        }
        let first = self
            .find_between(units, self.hint, self.high)
            .or_else(|| self.find_between(units, 1, self.high))?;
        self.free -= units;
        Some(first)
    }

    fn find_between(&self, units: u32, from: u32, to: u32) -> Option<u32> {
        let (mut first, mut unit) = (from, from);
        while unit < to {
            let word = self.used[(unit / 64) as usize];
            if unit % 64 == 0 && word == u64::MAX {
                unit += 64;
                first = unit;
                continue;
            }
            let is_used = word >> (unit % 64) & 1 != 0;
            unit += 1;
            if is_used {
                first = unit;
            } else if unit - first == units {
                return Some(first);
            }
        }
        None
    }

    /// Units at the end, of which not all have been given out before.
    fn extend(&mut self, units: u32) -> Option<u32> {
        let mut first = self.high;
        while self.free > 0 && first > 1 && !self.is_used(first - 1) {
            first -= 1;
        }
        let end = u64::from(first) + u64::from(units);
        if end * u64::from(UNIT_BYTES) > self.bytes_max || !self.commit(end * u64::from(UNIT_BYTES))
        {
            return None;
        }
        self.free -= self.high - first;
        self.high = end as u32;
        self.used.resize(end.div_ceil(64) as usize, 0);
        Some(first)
    }

    fn is_used(&self, unit: u32) -> bool {
        self.used[(unit / 64) as usize] >> (unit % 64) & 1 != 0
    }

    fn commit(&mut self, bytes: u64) -> bool {
        let reserved_bytes = reservation_bytes(self.bytes_max);
        if self.space.is_none() {
            self.space = Reservation::take(reserved_bytes).ok();
        }
        let Some(space) = &mut self.space else {
            return false;
        };
        if bytes > self.committed_bytes {
            let more = (bytes - self.committed_bytes).next_multiple_of(COMMIT_BYTES);
            let end = (self.committed_bytes + more).min(reserved_bytes as u64);
            if !space.commit(end as usize) {
                return false;
            }
            self.committed_bytes = end;
        }
        true
    }
}

/// Whole pages of any system.
fn reservation_bytes(bytes_max: u64) -> usize {
    bytes_max.next_multiple_of(1 << 16) as usize
}
