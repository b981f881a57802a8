//! Attributes of files that do not depend on the host: for running a program twice, and the same.
//!
//! A file has the number of the order in which the program comes to know files, so that files are
//! told apart as on the host. A time at or after the beginning of the program is shown as one fixed
//! time, as are all times of changes of attributes. Sizes and links of directories are the file
//! system's own affair: 0 and 1 are shown.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::abi::{FileStat, FileType};

/// The time by which the file system's clock may lag behind the system's.
const LAG: Duration = Duration::from_secs(1);

/// The attributes of files as the program sees them.
#[derive(Debug)]
pub(crate) enum FileView {
    /// The host's.
    Host,
    /// Those that do not depend on the host.
    Steady(Box<Steady>),
}

/// The files that the program has come to know, and the times that are shown.
#[derive(Debug)]
pub(crate) struct Steady {
    /// Numbers by device, inode and time of creation: an inode may serve again.
    numbers: HashMap<(u64, u64, u64), u64>,
    /// The beginning of the program by the host's clock, in nanoseconds.
    begun: u64,
    /// The time that is shown for later ones.
    shown: u64,
}

impl FileView {
    /// The view in which times from now on are shown as one, in nanoseconds.
    pub(crate) fn steady(shown: u64) -> FileView {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH);
        let begun = begun.unwrap_or_default().saturating_sub(LAG);
        FileView::Steady(Box::new(Steady {
            numbers: HashMap::new(),
            begun: u64::try_from(begun.as_nanos()).unwrap_or(u64::MAX),
            shown,
        }))
    }

    /// The attributes as the program sees them.
    pub(crate) fn show(&mut self, stat: FileStat) -> FileStat {
        let FileView::Steady(steady) = self else {
            return stat;
        };
        let time = |time: u64| match time < steady.begun {
            true => time,
            false => steady.shown,
        };
        let is_directory = matches!(stat.file_type, FileType::Directory);
        FileStat {
            device: 0,
            inode: {
                let next = steady.numbers.len() as u64 + 1;
                let key = (stat.device, stat.inode, stat.created);
                *steady.numbers.entry(key).or_insert(next)
            },
            links: if is_directory { 1 } else { stat.links },
            size: if is_directory { 0 } else { stat.size },
            accessed: time(stat.accessed),
            modified: time(stat.modified),
            changed: steady.shown,
            ..stat
        }
    }
}
