//! Two engines that run the same commands at the same time, and the comparison of what they did.

use std::time::{Duration, Instant};

use crate::engine::EngineName;
use crate::judge::compare::is_same_but_for_choices;
use crate::outcome::text::ending;
use crate::outcome::visible::VisibleItem;
use crate::outcome::{Outcome, Place, StateHash};
use crate::pool::{Cause, Launcher, Session, StartError, Unavailable};
use crate::protocol::{Job, JobConfig};
use crate::script::Command;

/// The reason why an explanation ends without a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// An engine cannot run here.
    #[error("engine `{0}` is not available: {1}")]
    Unavailable(EngineName, #[source] Unavailable),
    /// There is no time left.
    #[error("there is no time left")]
    Late,
}

/// An engine with a process that runs scripts in it.
pub struct Column<'a> {
    /// The engine.
    pub name: EngineName,
    launcher: &'a dyn Launcher,
    session: Option<Box<dyn Session>>,
    /// The time that a directive may take.
    pub timeout: Duration,
    /// The time that the last run took.
    pub elapsed: Duration,
    /// The time after which no run begins.
    deadline: Option<Instant>,
}

/// What one engine did with the directive to explain.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// True if the engine is a tier of our own, which tells every bit.
    pub is_own: bool,
    /// The ending.
    pub outcome: Outcome,
    /// The functions that were running.
    pub trace: Option<Vec<Place>>,
    /// The hashes of the state.
    pub state: Option<StateHash>,
    /// What exports show of the state.
    pub visible: Vec<VisibleItem>,
    /// The outcomes of the commands behind it; none if the process died.
    pub reads: Vec<Outcome>,
}

impl<'a> Column<'a> {
    /// A column without a process yet.
    pub fn new(name: EngineName, launcher: &'a dyn Launcher, timeout: Duration) -> Column<'a> {
        Column {
            name,
            launcher,
            session: None,
            timeout,
            elapsed: Duration::ZERO,
            deadline: None,
        }
    }

    /// The column, in which no run begins after a deadline.
    pub fn until(self, deadline: Instant) -> Column<'a> {
        let deadline = Some(deadline);
        Column { deadline, ..self }
    }

    /// Runs commands, of which the one at `at` is looked at.
    ///
    /// # Errors
    /// If the engine does not run here, when it is interrupted, and after the deadline.
    pub fn run(
        &mut self,
        commands: &[Command],
        at: usize,
        config: JobConfig,
    ) -> Result<Seen, Stopped> {
        if self.deadline.is_some_and(|it| Instant::now() >= it) {
            return Err(Stopped::Late);
        }
        let unavailable = |error| match error {
            StartError::Interrupted => Stopped::Interrupted,
            StartError::Unavailable(reason) | StartError::Died(reason) => {
                Stopped::Unavailable(self.name, reason)
            }
        };
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.launcher.start().map_err(unavailable)?,
        };
        let job = Job {
            sequence: 0,
            path: "explain".into(),
            commands: commands.into(),
            config,
            excluded: (&[][..]).into(),
        };
        let started = Instant::now();
        let answer = session.run(job, self.timeout);
        self.elapsed = started.elapsed();
        let death = match answer {
            Ok(result) => {
                self.session = (!session.is_worn()).then_some(session);
                let mut reports = result.reports.into_iter().skip(at);
                let lost = || Outcome::Internal("no report".to_string()).into();
                let report = reports.next().unwrap_or_else(lost);
                return Ok(Seen {
                    is_own: self.name.tier().is_some(),
                    outcome: report.outcome,
                    trace: report.trace,
                    state: report.state,
                    visible: report.visible,
                    reads: reports.map(|report| report.outcome).collect(),
                });
            }
            Err(death) => death,
        };
        let outcome = match death.cause {
            Cause::Crash(how) => Outcome::Crash(how),
            Cause::Killed(how) => Outcome::Unmeasured(how),
            Cause::Timeout(place) => Outcome::Timeout {
                millis: self.timeout.as_millis() as u64,
                place: place.map(String::into_boxed_str),
            },
            Cause::Memory => Outcome::Limit("the worker takes too much memory".to_string()),
            Cause::Interrupted => return Err(Stopped::Interrupted),
        };
        Ok(Seen {
            is_own: self.name.tier().is_some(),
            outcome,
            trace: None,
            state: None,
            visible: Vec::new(),
            reads: Vec::new(),
        })
    }
}

/// Runs the same commands in both columns at the same time.
///
/// # Errors
/// As [`Column::run`].
pub fn run_both(
    columns: &mut [Column<'_>; 2],
    commands: &[Command],
    at: usize,
    config: JobConfig,
) -> Result<[Seen; 2], Stopped> {
    let [first, second] = columns;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.run(commands, at, config));
        let seen = first.run(commands, at, config);
        let other = other
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok([seen?, other?])
    })
}

/// A sort of what two engines differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// The endings, or the values that are returned.
    Outcome,
    /// The functions that were running, or the instruction.
    Trace,
    /// The values that were read.
    Reads,
    /// The state.
    State,
}

/// The test that two outcomes are the same, as strict as the engines allow.
pub fn sameness(seen: &[Seen; 2]) -> fn(&Outcome, &Outcome) -> bool {
    match seen.iter().all(|seen| seen.is_own) {
        true => same_outcome,
        // Engines of other makers choose bits of NaNs, and tell less of references.
        false => is_same_but_for_choices,
    }
}

/// The first sort of difference between two engines.
pub fn apart(seen: &[Seen; 2]) -> Option<Apart> {
    let same = sameness(seen);
    let [a, b] = seen;
    if !same(&a.outcome, &b.outcome) {
        return Some(Apart::Outcome);
    }
    let mut reads = a.reads.iter().zip(&b.reads);
    if a.reads.len() != b.reads.len() || !reads.all(|(a, b)| same(a, b)) {
        return Some(Apart::Reads);
    }
    if let (Some(a), Some(b)) = (&a.trace, &b.trace)
        && a != b
    {
        return Some(Apart::Trace);
    }
    if let (Some(a), Some(b)) = (&a.state, &b.state) {
        return (a != b).then_some(Apart::State);
    }
    let shown_apart = a.visible.iter().any(|item| {
        let other = b.visible.iter().find(|other| other.name == item.name);
        other.is_some_and(|other| other.digest != item.digest)
    });
    shown_apart.then_some(Apart::State)
}

/// True if two endings are the same: traps by any of the messages, values by their bits.
fn same_outcome(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Trap(a), Outcome::Trap(b)) => {
            a.split(" | ").any(|a| b.split(" | ").any(|b| a == b))
        }
        (Outcome::Values(a), Outcome::Values(b)) => a == b,
        (Outcome::Done, Outcome::Values(values)) | (Outcome::Values(values), Outcome::Done) => {
            values.is_empty()
        }
        (a, b) => ending(a) == ending(b),
    }
}
