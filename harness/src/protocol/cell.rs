//! The progress cell: a few words that a worker and its master share, in a mapped file without a
//! name.
//!
//! A worker stores the job and the directive that it is about to run; its master reads it to know
//! on what a death is to be pinned, and whether anything moves. Storing costs no system call, and
//! what was stored outlives the worker.
//!
//! Threads of a script run at the same time, each in a lane of its own: the script itself in lane
//! 0. So a directive that hangs is found, whatever the others do. One more word holds what was
//! announced last in any lane: on that a crash is pinned.
//!
//! The file is of memory only: no folder has it, so none can be full, and nothing is left of a
//! master that is killed. The worker opens it by the number that it has in its master. Owns the
//! file, and the only `unsafe` of this crate.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};

/// How many threads of a script can run at the same time, the script itself included.
pub const LANES: usize = 63;

/// The word of the latest announcement, behind those of the lanes.
const LATEST: usize = LANES;

const CELL_BYTES: usize = (LANES + 1) * size_of::<AtomicU64>();

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The job's number; 0 before the first.
    pub sequence: u32,
    /// The directive that is running; none between directives.
    pub ordinal: Option<u32>,
}

/// A mapping of the cell, in the master or in the worker.
#[derive(Debug)]
pub struct Cell {
    map: MmapRaw,
    /// The master's; the file goes with its last user.
    file: Option<File>,
}

impl Cell {
    /// The master's side: makes the file.
    ///
    /// # Errors
    /// If the system has no file or memory left.
    pub fn create() -> io::Result<Cell> {
        let file = File::from(memfd_create("wassay-cell", MemfdFlags::CLOEXEC)?);
        file.set_len(CELL_BYTES as u64)?;
        let map = map(&file)?;
        Ok(Cell {
            map,
            file: Some(file),
        })
    }

    /// The worker's side: opens the file that its master made.
    ///
    /// # Errors
    /// If there is no such file, or it is no cell.
    pub fn open(path: &Path) -> io::Result<Cell> {
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() != CELL_BYTES as u64 {
            let message = format!("{} is no progress cell", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Cell {
            map: map(&file)?,
            file: None,
        })
    }

    /// The path by which another process can open the file while this one has it.
    ///
    /// # Panics
    /// On the worker's side, which has no need of it.
    pub fn path(&self) -> PathBuf {
        let file = self.file.as_ref();
        let file = file.expect("only the master, which made the file, asks for it");
        format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
    }

    /// Announces the directive that is about to run, or with `None` that none is and the job ends.
    pub fn announce(&self, sequence: u32, ordinal: Option<u32>) {
        self.announce_in(0, sequence, ordinal);
        self.pin(sequence, ordinal);
    }

    /// Announces what a lane is about to run; with `None`, that it rests.
    pub fn announce_in(&self, lane: usize, sequence: u32, ordinal: Option<u32>) {
        self.word(lane)
            .store(packed(sequence, ordinal), Ordering::Release);
        if ordinal.is_some() {
            self.pin(sequence, ordinal);
        }
    }

    /// Says on what a crash is to be pinned.
    pub fn pin(&self, sequence: u32, ordinal: Option<u32>) {
        self.word(LATEST)
            .store(packed(sequence, ordinal), Ordering::Release);
    }

    /// What was announced last, in any lane.
    pub fn read(&self) -> Progress {
        self.unpacked(LATEST)
    }

    /// What each lane announced last.
    pub fn lanes(&self) -> [Progress; LANES] {
        std::array::from_fn(|lane| self.unpacked(lane))
    }

    fn unpacked(&self, word: usize) -> Progress {
        let word = self.word(word).load(Ordering::Acquire);
        Progress {
            sequence: (word >> 32) as u32,
            ordinal: (word as u32).checked_sub(1),
        }
    }

    #[expect(
        unsafe_code,
        reason = "a memory-mapped file can only be reached by a pointer"
    )]
    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index <= LATEST, "there is no lane {index}");
        let first = self.map.as_mut_ptr().cast::<AtomicU64>();
        // SAFETY: the mapping lives as long as `self`, is writable, is at least `CELL_BYTES` long
        // (`create` and `open` see to it, and nobody shortens the file) and is aligned to a page.
        // Both processes reach it by atomic operations only.
        unsafe { &*first.add(index) }
    }
}

fn packed(sequence: u32, ordinal: Option<u32>) -> u64 {
    // Ordinals are below u32::MAX, as a script's length is; 0 is none.
    let place = ordinal.map_or(0, |ordinal| ordinal + 1);
    u64::from(sequence) << 32 | u64::from(place)
}

fn map(file: &File) -> io::Result<MmapRaw> {
    MmapOptions::new().len(CELL_BYTES).map_raw(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_announces_the_other_reads() {
        let master = Cell::create().expect("a cell");
        let worker = Cell::open(&master.path()).expect("the same cell");
        let none = Progress {
            sequence: 0,
            ordinal: None,
        };
        assert_eq!(master.read(), none);
        for (sequence, ordinal) in [(1, Some(0)), (1, None), (u32::MAX, Some(u32::MAX - 1))] {
            worker.announce(sequence, ordinal);
            assert_eq!(master.read(), Progress { sequence, ordinal });
        }
    }

    #[test]
    fn lanes_are_apart_and_the_latest_is_what_a_crash_is_pinned_on() {
        let master = Cell::create().expect("a cell");
        let worker = Cell::open(&master.path()).expect("the same cell");
        worker.announce(1, Some(3));
        worker.announce_in(LANES - 1, 1, Some(9));
        worker.announce_in(0, 1, None);
        let at = |ordinal| Progress {
            sequence: 1,
            ordinal,
        };
        let lanes = master.lanes();
        assert_eq!(
            [master.read(), lanes[0], lanes[LANES - 1]],
            [at(Some(9)), at(None), at(Some(9))]
        );
        assert_eq!(lanes[1].sequence, 0);
    }

    #[test]
    fn the_file_goes_with_the_master() {
        let master = Cell::create().expect("a cell");
        let path = master.path();
        drop(master);
        assert!(!path.exists());
        assert!(Cell::open(&path).is_err());
    }

    #[test]
    fn another_file_is_no_cell() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(Cell::open(file.path()).is_err(), "it is empty");
    }
}
