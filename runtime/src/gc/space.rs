//! The space of objects: blocks of cells for small ones, units of their own for large ones.
//!
//! Each size class hands out runs of free cells of one block; a run's cells have their start bits
//! set when it is made, so that taking a cell moves a cursor and does no more. Sweeping takes over
//! the mark bits as start bits, block by block: it touches no object.
//!
//! Invariants: a block is all cells of one class from its beginning on; start bits are set at
//! beginnings of cells and of large objects only.

use super::arena::{Arena, UNIT_BYTES};
use super::bits::{Bits, WORD_BYTES};
use super::size::{CLASSES, SMALL_BYTES_MAX, class_bytes, class_of};
use crate::vm::GcRun;

/// Units of a block of cells.
const BLOCK_UNITS: u32 = 4;
/// Bytes of a block of cells.
const BLOCK_BYTES: u32 = BLOCK_UNITS * UNIT_BYTES;
/// At least so much is allocated between two collections.
const BUDGET_BYTES_MIN: u64 = 4 << 20;

const _: () = assert!(SMALL_BYTES_MAX * 8 <= BLOCK_BYTES && UNIT_BYTES.is_multiple_of(WORD_BYTES));

/// All objects of a heap.
#[derive(Debug)]
pub(super) struct Space {
    arena: Arena,
    /// One bit for each offset at which an object begins.
    starts: Bits,
    /// One bit for each object that has been reached.
    marks: Bits,
    /// By class; the last one, of large objects, stays empty. Boxed: code knows their address.
    runs: Box<[GcRun; CLASSES + 1]>,
    classes: [Class; CLASSES],
    blocks: Vec<Block>,
    larges: Vec<Large>,
    /// The bytes that may be allocated before the next collection. Negative once it is due.
    budget_bytes: i64,
    /// True if runs are of one cell, so that every allocation can collect.
    stress: bool,
}

/// The blocks of a class that runs are made of.
#[derive(Debug, Default)]
struct Class {
    /// In the block at hand, the first cell that has not been looked at, and the end of the cells.
    rest: (u32, u32),
    /// Blocks that had free cells when they were swept.
    partial: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    offset: u32,
    class: u8,
}

#[derive(Clone, Copy, Debug)]
struct Large {
    offset: u32,
    units: u32,
}

impl Space {
    pub(super) fn new(bytes_max: u64, stress: bool) -> Space {
        Space {
            arena: Arena::new(bytes_max),
            starts: Bits::default(),
            marks: Bits::default(),
            runs: Box::new([GcRun::default(); CLASSES + 1]),
            classes: std::array::from_fn(|_| Class::default()),
            blocks: Vec::new(),
            larges: Vec::new(),
            budget_bytes: BUDGET_BYTES_MIN as i64,
            stress,
        }
    }

    pub(super) fn base(&self) -> *mut u8 {
        self.arena.base()
    }

    pub(super) fn runs(&mut self) -> *mut GcRun {
        self.runs.as_mut_ptr()
    }

    /// Offsets below this one may be in use.
    #[cfg(test)]
    pub(super) fn end_bytes(&self) -> u64 {
        self.arena.end_bytes()
    }

    pub(super) fn is_budget_spent(&self) -> bool {
        self.budget_bytes < 0
    }

    /// Room for an object of so many bytes, its contents undefined.
    pub(super) fn allocate(&mut self, bytes: u64) -> Option<u32> {
        match class_of(bytes) {
            Some(class) => self.allocate_small(class),
            None => self.allocate_large(bytes),
        }
    }

    fn allocate_small(&mut self, class: usize) -> Option<u32> {
        if self.runs[class].cursor == self.runs[class].end {
            self.next_run(class)?;
        }
        let object = self.runs[class].cursor;
        self.runs[class].cursor += class_bytes(class);
        Some(object)
    }

    fn allocate_large(&mut self, bytes: u64) -> Option<u32> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES.into())).ok()?;
        let offset = self.take(units)?;
        self.larges.push(Large { offset, units });
        self.starts.set(offset);
        self.budget_bytes -= i64::from(units) * i64::from(UNIT_BYTES);
        Some(offset)
    }

    /// Finds free cells for a class.
    fn next_run(&mut self, class: usize) -> Option<()> {
        let size = class_bytes(class);
        while !self.run_in_block(class, size) {
            let block = match self.classes[class].partial.pop() {
                Some(block) => block,
                None => self.new_block(class)?,
            };
            let end = block + BLOCK_BYTES / size * size;
            self.classes[class].rest = (block, end);
        }
        Some(())
    }

    /// Begins the next run of the block at hand: true if there is one.
    fn run_in_block(&mut self, class: usize, size: u32) -> bool {
        let (mut cell, end) = self.classes[class].rest;
        while cell < end && self.starts.get(cell) {
            cell += size;
        }
        let cursor = cell;
        while cell < end && !self.starts.get(cell) {
            self.starts.set(cell);
            cell += size;
            if self.stress {
                break;
            }
        }
        self.classes[class].rest = (cell, end);
        self.runs[class] = GcRun { cursor, end: cell };
        self.budget_bytes -= i64::from(cell - cursor);
        cursor < cell
    }

    fn new_block(&mut self, class: usize) -> Option<u32> {
        let offset = self.take(BLOCK_UNITS)?;
        let class = class as u8;
        self.blocks.push(Block { offset, class });
        Some(offset)
    }

    fn take(&mut self, units: u32) -> Option<u32> {
        let offset = self.arena.take(units)?;
        self.starts.grow(self.arena.end_bytes());
        self.marks.grow(self.arena.end_bytes());
        Some(offset)
    }

    /// Takes back the cells that have not become objects, so that start bits mean objects.
    pub(super) fn begin_marking(&mut self) {
        for class in 0..CLASSES {
            let run = std::mem::take(&mut self.runs[class]);
            for cell in (run.cursor..run.end).step_by(class_bytes(class) as usize) {
                self.starts.clear(cell);
            }
        }
        for block in &self.blocks {
            self.marks
                .clear_range(block.offset..block.offset + BLOCK_BYTES);
        }
        for large in &self.larges {
            self.marks.clear(large.offset);
        }
    }

    /// Marks the object of a word, if it is one: true if it was not marked before.
    #[inline(always)]
    pub(super) fn mark(&mut self, word: u64) -> bool {
        match u32::try_from(word) {
            Ok(offset) if offset % 8 == 0 && self.starts.get(offset) => self.marks.set(offset),
            Ok(_) | Err(_) => false,
        }
    }

    /// The object that an address may lie in, while marking: the last one that begins no later.
    pub(super) fn object_around(&self, address: u64) -> Option<u32> {
        let offset = address.checked_sub(self.arena.base() as u64)?;
        if offset >= self.arena.end_bytes() {
            return None;
        }
        self.starts.last_until(offset as u32)
    }

    /// Frees the objects that are not marked. `root_bytes` is the size of the roots.
    pub(super) fn sweep(&mut self, root_bytes: u64) {
        for class in &mut self.classes {
            class.rest = (0, 0);
            class.partial.clear();
        }
        let live_bytes = self.sweep_blocks() + self.sweep_larges();
        let budget_bytes = live_bytes.max(root_bytes).max(BUDGET_BYTES_MIN);
        self.arena.trim(live_bytes + 2 * budget_bytes);
        self.budget_bytes = budget_bytes as i64;
    }

    fn sweep_blocks(&mut self) -> u64 {
        let mut live_bytes = 0;
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.retain(|block| {
            let range = block.offset..block.offset + BLOCK_BYTES;
            let live = self.starts.take_over(&self.marks, range);
            let size = class_bytes(block.class.into());
            live_bytes += u64::from(live) * u64::from(size);
            if live == 0 {
                self.arena.give_back(block.offset, BLOCK_UNITS);
            } else if live < BLOCK_BYTES / size {
                let class = &mut self.classes[usize::from(block.class)];
                class.partial.push(block.offset);
            }
            live > 0
        });
        self.blocks = blocks;
        live_bytes
    }

    fn sweep_larges(&mut self) -> u64 {
        let mut live_bytes = 0;
        let mut larges = std::mem::take(&mut self.larges);
        larges.retain(|large| {
            let is_live = self.marks.get(large.offset);
            if is_live {
                live_bytes += u64::from(large.units) * u64::from(UNIT_BYTES);
            } else {
                self.starts.clear(large.offset);
                self.arena.give_back(large.offset, large.units);
            }
            is_live
        });
        self.larges = larges;
        live_bytes
    }

    /// The number of objects, and their bytes.
    pub(super) fn count(&self) -> (u64, u64) {
        let (mut objects, mut bytes) = (self.larges.len() as u64, 0);
        for large in &self.larges {
            bytes += u64::from(large.units) * u64::from(UNIT_BYTES);
        }
        for block in &self.blocks {
            let cells = self.starts.count(block.offset..block.offset + BLOCK_BYTES);
            objects += u64::from(cells);
            bytes += u64::from(cells) * u64::from(class_bytes(block.class.into()));
        }
        for (class, run) in self.runs[..CLASSES].iter().enumerate() {
            let free_bytes = run.end - run.cursor;
            objects -= u64::from(free_bytes / class_bytes(class));
            bytes -= u64::from(free_bytes);
        }
        (objects, bytes)
    }
}
