//! The guard: a process that ends adapters whose harness was killed.
//!
//! Our own workers look whether their master is still there; an adapter is somebody else's program,
//! and one in an endless loop does not see that its stdin has ended. The harness therefore starts a
//! guard with the first adapter, and tells it of each process group that begins and ends. A harness
//! that is gone, by whatever way, has closed the pipe: the guard then kills the groups that are
//! left.
//!
//! Invariant: a group is known to the guard before its adapter gets the first request, and unknown
//! to it before its number can be another's.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::Exit;

/// The command of this program that is the guard.
const COMMAND: &str = "guard";
/// What the lines of the pipe begin with.
const BEGINS: char = '+';
const ENDS: char = '-';

/// The groups of this process, and the pipe to the guard that knows them.
#[derive(Debug, Default)]
struct Guard {
    groups: BTreeSet<i32>,
    pipe: Option<ChildStdin>,
}

static GUARD: Mutex<Guard> = Mutex::new(Guard {
    groups: BTreeSet::new(),
    pipe: None,
});

/// A process group that the guard knows, until this is dropped.
#[derive(Debug)]
pub struct Guarded(i32);

impl Guarded {
    /// Makes a process group known to the guard.
    ///
    /// # Errors
    /// If there is no guard and none can be started.
    pub fn new(group: Pid) -> io::Result<Guarded> {
        let group = Guarded(group.as_raw_nonzero().get());
        let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
        guard.groups.insert(group.0);
        guard.tell(BEGINS, group.0)?;
        Ok(group)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
        guard.groups.remove(&self.0);
        // A guard that is gone knows nothing any more.
        let _ = guard.tell(ENDS, self.0);
    }
}

impl Guard {
    /// Tells the guard of a group; starts one that knows all groups if there is none.
    fn tell(&mut self, what: char, group: i32) -> io::Result<()> {
        let line = format!("{what}{group}\n");
        if let Some(pipe) = &mut self.pipe
            && pipe.write_all(line.as_bytes()).is_ok()
        {
            return Ok(());
        }
        self.pipe = None;
        if self.groups.is_empty() {
            return Ok(());
        }
        let mut pipe = start()?;
        let groups = self.groups.iter();
        let lines: String = groups.map(|group| format!("{BEGINS}{group}\n")).collect();
        pipe.write_all(lines.as_bytes())?;
        self.pipe = Some(pipe);
        Ok(())
    }
}

/// Starts a guard. It has a group of its own, so that what ends the harness from the terminal does
/// not end it too, and holds nothing open that somebody else may wait for.
fn start() -> io::Result<ChildStdin> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    // The guard outlives this process, so that nobody waits for it.
    Ok(child.stdin.take().expect("stdin is piped"))
}

/// The command `wassay guard`: reads of process groups until stdin ends, and kills those that are
/// left.
pub fn command() -> Exit {
    for group in left(&mut io::stdin().lock()) {
        // An error means that all of it is dead already.
        let _ = kill_process_group(group, Signal::KILL);
    }
    Exit::AsExpected
}

/// The groups that have begun and not ended by the end of what is told.
fn left(told: &mut dyn BufRead) -> Vec<Pid> {
    let mut groups = BTreeSet::new();
    for line in told.lines().map_while(Result::ok) {
        let group = |text: &str| text.parse().ok().filter(|&group: &i32| group > 1);
        if let Some(group) = line.strip_prefix(BEGINS).and_then(group) {
            groups.insert(group);
        } else if let Some(group) = line.strip_prefix(ENDS).and_then(group) {
            groups.remove(&group);
        }
    }
    groups.into_iter().filter_map(Pid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no group of processes is never killed: 0 and -1 are those of others, 1 is init's.
    #[test]
    fn groups_are_left_that_have_begun_and_not_ended() {
        let told = "+12\n+30\n+4\n-12\n-7\n+0\n+-1\n+1\n+x\n12\n\n+4";
        let left = left(&mut told.as_bytes());
        let left: Vec<i32> = left.iter().map(|it| it.as_raw_nonzero().get()).collect();
        assert_eq!(left, [4, 30]);
    }
}
