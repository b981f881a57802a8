//! The mark of a job: the memory that the process may come to hold beyond what it held when the job
//! began.
//!
//! After each command, and every [`WATCH_PERIOD`](super::WATCH_PERIOD) while one runs, the peak of
//! the process is held against the mark. The peak stays known, so a command that is above the mark
//! for a moment ends the process in any case, however busy the machine is. Where an earlier job has
//! had a higher peak, what the process holds now counts.

use std::sync::atomic::{AtomicU64, Ordering};

use wassay_runtime::interior::peak_resident_bytes;

/// The bytes that the process may hold; 0 is no limit.
static MARK_BYTES: AtomicU64 = AtomicU64::new(0);
/// The peak of the process when the job began.
static PEAK_BEFORE_BYTES: AtomicU64 = AtomicU64::new(0);

/// Sets the mark for a job that may take `bytes_max` bytes more than there are; 0 is no limit.
pub(super) fn set(bytes_max: u64) {
    let mark = match bytes_max {
        0 => 0,
        max => resident_bytes().saturating_add(max),
    };
    PEAK_BEFORE_BYTES.store(peak_resident_bytes(), Ordering::Relaxed);
    MARK_BYTES.store(mark, Ordering::Relaxed);
}

/// True if the process is above its mark. What an earlier job has held does not count.
pub(super) fn is_passed() -> bool {
    let mark = MARK_BYTES.load(Ordering::Relaxed);
    if mark == 0 || peak_resident_bytes() <= mark {
        return false;
    }
    PEAK_BEFORE_BYTES.load(Ordering::Relaxed) <= mark || resident_bytes() > mark
}

/// The memory that the process has now, where the system tells.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|kib| kib.parse().ok())
        .map_or(0, |kib: u64| kib << 10)
}
