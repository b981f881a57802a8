//! All published code of the process, found by address.
//!
//! A lookup takes no lock, so that the handler of faults (`publish/fault.rs`) may make one: the
//! table of regions is replaced as a whole, and an old one is freed when no reader looks at it. The
//! walk of frames (`walk.rs`) finds its tables by the same one.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::tables::{Pad, PadHandler, Piece, PieceKind, Tables};

/// A range of published code with its records.
#[derive(Debug)]
pub struct Region {
    pub start: usize,
    /// One past the last address.
    pub end: usize,
    pub tables: Tables,
}

impl Region {
    /// The offset of an address in this region.
    pub fn offset_of(&self, address: usize) -> Option<u32> {
        let is_within = (self.start..self.end).contains(&address);
        is_within.then(|| (address - self.start) as u32)
    }

    /// The piece of code at an offset.
    pub fn piece_at(&self, offset: u32) -> Option<&Piece> {
        let after = self
            .tables
            .pieces
            .partition_point(|piece| piece.start <= offset);
        self.tables.pieces.get(after.checked_sub(1)?)
    }

    /// The byte of the module that the code at an offset comes from.
    pub fn source_at(&self, offset: u32) -> Option<u32> {
        let sources = &self.tables.sources;
        let after = sources.partition_point(|source| source.offset <= offset);
        Some(sources.get(after.checked_sub(1)?)?.position)
    }

    /// The pad of the call that returns to an address.
    pub fn pad_of(&self, return_address: usize) -> Option<&Pad> {
        let return_offset = self.offset_of(return_address)?;
        let pads = &self.tables.pads;
        let at = pads.binary_search_by_key(&return_offset, |pad| pad.return_offset);
        Some(&pads[at.ok()?])
    }

    /// The handlers that exceptions come to at a pad, from the inside out.
    pub fn handlers(&self, pad: &Pad) -> impl Iterator<Item = &PadHandler> {
        let get = |index: u32| self.tables.handlers.get(index as usize);
        std::iter::successors(get(pad.handler), move |handler| get(handler.outer?))
    }
}

type Table = Vec<Arc<Region>>;

/// Regions in ascending order of address; null stands for none.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(std::ptr::null_mut());
/// The number of readers that are looking at a table.
static READERS: AtomicUsize = AtomicUsize::new(0);
/// Held to replace the table.
static WRITER: Mutex<()> = Mutex::new(());

/// Adds a region.
pub fn register(region: Arc<Region>) {
    replace(|table| {
        let at = table.partition_point(|other| other.start < region.start);
        table.insert(at, region);
    });
}

/// Removes a region; nothing executes in it any more.
pub fn unregister(region: &Arc<Region>) {
    replace(|table| table.retain(|other| !Arc::ptr_eq(other, region)));
}

fn replace(change: impl FnOnce(&mut Table)) {
    let _writer = WRITER
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let old = TABLE.load(Ordering::SeqCst);
    // SAFETY: tables are freed only below, by the one holder of the lock.
    let mut table = unsafe { old.as_ref() }.cloned().unwrap_or_default();
    change(&mut table);
    TABLE.store(Box::into_raw(Box::new(table)), Ordering::SeqCst);
    // A reader that has seen the old table is counted; one that comes later sees the new one.
    while READERS.load(Ordering::SeqCst) > 0 {
        std::hint::spin_loop();
    }
    if !old.is_null() {
        // SAFETY: it came from `Box::into_raw` above and no reader can reach it any more.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// For a recorded access: the memory that it accesses, and the address at which its fault goes on.
pub fn find_fault(pc: usize) -> Option<(u32, usize)> {
    look_up(pc, |region, offset| {
        let sites = &region.tables.faults;
        let at = sites.binary_search_by_key(&offset, |site| site.offset);
        let exit = region.start + region.tables.fault_exit as usize;
        Some((sites[at.ok()?].memory, exit))
    })
}

/// The region that an address is in.
pub fn region_of(pc: usize) -> Option<Arc<Region>> {
    look_up(pc, |region, _| Some(region.clone()))
}

/// A place in published code, by what stays the same from run to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodePlace {
    /// The kind of the code there, if a record tells it.
    pub kind: Option<PieceKind>,
    /// The bytes of its piece before the place.
    pub offset: u32,
    /// The byte of the module that it comes from, if a record tells it.
    pub position: Option<u32>,
}

impl std::fmt::Display for CodePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Some(PieceKind::Func(index)) => write!(f, "in compiled function {index}")?,
            Some(PieceKind::NoRoom) => f.write_str("where a function finds no room")?,
            Some(PieceKind::Outward | PieceKind::Entry) | None => {
                f.write_str("between calling conventions")?;
            }
            Some(PieceKind::Shared) => f.write_str("in code that functions share")?,
        }
        write!(f, ", byte {:#x} of its code", self.offset)?;
        match self.position {
            Some(position) => write!(f, " (byte {position:#x} of the module)"),
            None => Ok(()),
        }
    }
}

/// The place that an address is at, if it is in published code. As [`find_fault`], it may be asked
/// in a handler of signals.
pub fn place_of(pc: usize) -> Option<CodePlace> {
    look_up(pc, |region, offset| {
        let piece = region.piece_at(offset);
        Some(CodePlace {
            kind: piece.map(|piece| piece.kind),
            offset: offset - piece.map_or(0, |piece| piece.start),
            position: region.source_at(offset),
        })
    })
}

/// Looks at the region that an address is in, with the offset there. `look` is short: whoever
/// replaces the table waits for it.
fn look_up<T>(pc: usize, look: impl FnOnce(&Arc<Region>, u32) -> Option<T>) -> Option<T> {
    READERS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: a table lives while a reader that could have seen it is counted.
    let table = unsafe { TABLE.load(Ordering::SeqCst).as_ref() };
    let found = table.and_then(|table| {
        let after = table.partition_point(|region| region.start <= pc);
        let region = &table[after.checked_sub(1)?];
        look(region, region.offset_of(pc)?)
    });
    READERS.fetch_sub(1, Ordering::SeqCst);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jit::code::tables::{FaultSite, FrameLayout, SourceLoc};

    fn region(start: usize) -> Arc<Region> {
        let site = |offset| FaultSite { offset, memory: 3 };
        let tables = Tables {
            faults: vec![site(4), site(0x20)],
            fault_exit: 0xf0,
            ..Tables::default()
        };
        Arc::new(Region {
            start,
            end: start + 0x100,
            tables,
        })
    }

    #[test]
    fn only_recorded_accesses_of_live_regions_are_found() {
        // Addresses that no code of this process has.
        let (low, high) = (region(0x1000), region(0x2000));
        register(high.clone());
        register(low.clone());
        assert_eq!(find_fault(0x1004), Some((3, 0x10f0)));
        assert_eq!(find_fault(0x2020), Some((3, 0x20f0)));
        for other in [0xfff, 0x1000, 0x1005, 0x1008, 0x1100, 0x1104, 0x2104] {
            assert_eq!(find_fault(other), None, "{other:#x}");
        }
        unregister(&low);
        assert_eq!(
            (find_fault(0x1004), find_fault(0x2004)),
            (None, Some((3, 0x20f0)))
        );
        unregister(&high);
        assert_eq!(find_fault(0x2004), None);
    }

    #[test]
    fn a_place_is_told_by_its_piece_and_the_bytes_in_it() {
        let piece = |start, index| Piece {
            start,
            kind: PieceKind::Func(index),
            frame: FrameLayout::NONE,
        };
        let source = |offset, position| SourceLoc { offset, position };
        let tables = Tables {
            pieces: vec![piece(0x10, 7), piece(0x40, 8)],
            sources: vec![source(0x10, 100), source(0x48, 200)],
            ..Tables::default()
        };
        let (start, end) = (0x3000, 0x3100);
        let region = Arc::new(Region { start, end, tables });
        register(region.clone());
        let place = |func: u32, offset, position| CodePlace {
            kind: Some(PieceKind::Func(func)),
            offset,
            position: Some(position),
        };
        assert_eq!(place_of(0x3010), Some(place(7, 0, 100)));
        assert_eq!(place_of(0x303c), Some(place(7, 0x2c, 100)));
        assert_eq!(place_of(0x3044), Some(place(8, 4, 100)));
        assert_eq!(place_of(0x30fc), Some(place(8, 0xbc, 200)));
        let in_front = CodePlace {
            kind: None,
            offset: 8,
            position: None,
        };
        assert_eq!(place_of(0x3008), Some(in_front));
        unregister(&region);
        assert_eq!(place_of(0x3010), None);
    }
}
