//! The time in which a process could run, for its deadlines: not the time for which it was ready
//! and others had the processors. So no directive times out by what else the machine does.
//!
//! Linux counts for each thread how long it was ready without running: the second number of
//! `/proc/PID/task/TID/schedstat`, in nanoseconds (Documentation/scheduler/sched-stats.rst).
//! Elsewhere it is zero, and deadlines are of the clock.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the system is asked.
const LOOK: Duration = Duration::from_millis(100);
/// A process that gets no processor at all waits so many deadlines.
pub(super) const PATIENCE: u32 = 5;

/// The clock of a process.
#[derive(Debug)]
pub struct ProcessClock {
    threads: PathBuf,
    /// How long each thread had waited when the system was asked last; what is soon over asks
    /// nothing.
    waited: Option<BTreeMap<OsString, Duration>>,
    looked: Instant,
    /// How long the process has waited since the system was asked first.
    denied: Duration,
}

/// A moment by the clock of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    at: Instant,
    denied: Duration,
}

impl ProcessClock {
    /// The clock of the process with this number.
    pub fn new(pid: u32) -> ProcessClock {
        ProcessClock::of_threads(PathBuf::from(format!("/proc/{pid}/task")))
    }

    fn of_threads(threads: PathBuf) -> ProcessClock {
        ProcessClock {
            threads,
            waited: None,
            looked: Instant::now(),
            denied: Duration::ZERO,
        }
    }

    /// This moment.
    pub fn now(&mut self) -> Moment {
        let at = Instant::now();
        if at.duration_since(self.looked) >= LOOK {
            self.look();
            self.looked = at;
        }
        Moment {
            at,
            denied: self.denied,
        }
    }

    /// Adds what the thread has waited that waited most.
    fn look(&mut self) {
        let now = waited(&self.threads);
        if let Some(before) = &self.waited {
            let since = now.iter().map(|(thread, now)| {
                let then = before.get(thread).copied().unwrap_or_default();
                now.saturating_sub(then)
            });
            self.denied += since.max().unwrap_or_default();
        }
        self.waited = Some(now);
    }
}

impl Moment {
    /// The time in which the process could run since an earlier moment: at least a part of what has
    /// passed.
    pub fn since(self, earlier: Moment) -> Duration {
        let passed = self.at.duration_since(earlier.at);
        let denied = self.denied.saturating_sub(earlier.denied);
        passed.saturating_sub(denied).max(passed / PATIENCE)
    }
}

/// How long each thread has waited, as far as the system tells.
fn waited(threads: &Path) -> BTreeMap<OsString, Duration> {
    let entries = std::fs::read_dir(threads).into_iter().flatten().flatten();
    let thread = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("schedstat")).ok()?;
        let nanos = text.split_whitespace().nth(1)?.parse().ok()?;
        Some((entry.file_name(), Duration::from_nanos(nanos)))
    };
    entries.filter_map(thread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_thread_waited_that_waited_most_does_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |thread: &str, nanos: u64| {
            let thread = folder.path().join(thread);
            std::fs::create_dir_all(&thread).expect("created");
            std::fs::write(thread.join("schedstat"), format!("9 {nanos} 7\n")).expect("written");
        };
        let second = 1_000_000_000;
        write("10", 5 * second);
        write("11", 8 * second);
        let mut clock = ProcessClock::of_threads(folder.path().to_owned());
        let begin = clock.now();
        clock.look();
        write("10", 7 * second);
        write("11", 9 * second);
        write("12", second);
        clock.look();
        let passed = Duration::from_secs(10);
        let end = Moment {
            at: begin.at + passed,
            ..clock.now()
        };
        assert_eq!(end.since(begin), Duration::from_secs(8));
        write("11", 29 * second);
        clock.look();
        let end = Moment {
            at: begin.at + passed,
            ..clock.now()
        };
        assert_eq!(end.since(begin), passed / PATIENCE);
        assert_eq!(end.since(end), Duration::ZERO);
    }

    #[test]
    fn without_the_system_it_is_the_clock() {
        let mut clock = ProcessClock::of_threads(PathBuf::from("/nowhere"));
        let begin = clock.now();
        clock.look();
        clock.look();
        let end = Moment {
            at: begin.at + Duration::from_secs(3),
            ..clock.now()
        };
        assert_eq!(end.since(begin), Duration::from_secs(3));
    }
}
