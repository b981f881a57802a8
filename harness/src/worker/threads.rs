//! The commands of a job, run in order; those of a `thread` directive in a thread of their own,
//! with a store of its own, at the same time (threads proposal: `thread` and `wait` of scripts).
//!
//! A thread sees of its script nothing but the shared memories that the named instance exports. Its
//! directives announce themselves in its own lane of the progress cell; while a script waits for a
//! thread, its own lane rests, so that a time-out is pinned on what the thread does. A panic in a
//! thread ends the process at once, pinned likewise. What nobody waits for is waited for in the
//! end.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use wassay_runtime::Engine;

use super::lifetimes::Lifetimes;
use super::session::{Session, StateAsked};
use super::{STACK_BYTES, end_if_mark_is_passed};
use crate::outcome::names::unknown;
use crate::outcome::text::outcome_text;
use crate::outcome::{Outcome, Proof, Report};
use crate::protocol::Job;
use crate::protocol::cell::{Cell, LANES};
use crate::script::{Command, Expectation};

/// How a process ends that a panic ends.
const PANIC_CODE: i32 = 101;

/// What came of some commands.
pub(super) struct Ran {
    /// A report for each.
    pub(super) reports: Vec<Report>,
    /// Evidence of the tier.
    pub(super) proof: Proof,
}

/// Looks at each command, by its position, after it was run.
pub(super) type After<'a> = &'a (dyn Fn(usize, &Report) + Sync);

/// A job under way.
struct Run<'a> {
    engine: &'a Engine,
    cell: &'a Cell,
    job: &'a Job<'a>,
    after: Option<After<'a>>,
    /// Lanes that no thread uses.
    lanes: Mutex<Vec<usize>>,
    has_threads: AtomicBool,
}

/// A thread of a script.
struct Child<'scope> {
    name: String,
    commands: Range<usize>,
    handle: ScopedJoinHandle<'scope, Ran>,
}

/// The commands of a script or thread under way.
struct Series<'scope> {
    session: Session,
    lane: usize,
    range: Range<usize>,
    /// By position in `range`; a thread's are there once it has been waited for.
    reports: Vec<Option<Report>>,
    proof: Proof,
    children: Vec<Child<'scope>>,
    /// Threads that were not started, with the ordinals of their directives, and why.
    missing: Vec<(String, u32, Outcome)>,
}

fn asked(job: &Job<'_>) -> StateAsked {
    StateAsked {
        hash: job.config.hash_state,
        visible: job.config.show_state,
    }
}

/// Runs all commands of a job.
pub(super) fn run_commands(
    engine: &Engine,
    cell: &Cell,
    job: &Job<'_>,
    after: Option<After<'_>>,
) -> Ran {
    let run = Run {
        engine,
        cell,
        job,
        after,
        lanes: Mutex::new((1..LANES).rev().collect()),
        has_threads: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        let conventions = job.config.conventions;
        let lifetimes = Lifetimes::of(&job.commands, conventions);
        let session = Session::new(engine, conventions, asked(job), lifetimes);
        run.commands(scope, 0..job.commands.len(), session, 0)
    })
}

impl<'a> Run<'a> {
    fn commands<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        range: Range<usize>,
        session: Session,
        lane: usize,
    ) -> Ran {
        let _guard = PanicGuard { run: self, lane };
        let mut series = Series {
            session,
            lane,
            reports: vec![None; range.len()],
            proof: Proof::default(),
            children: Vec::new(),
            missing: Vec::new(),
            range: range.clone(),
        };
        let mut at = range.start;
        while at < range.end {
            at = self.command(scope, &mut series, at);
        }
        self.announce(lane, None);
        while let Some(child) = series.children.pop() {
            series.join(child);
        }
        if lane == 0 {
            series.take_whole_state();
        }
        series.proof.add(&series.session.proof());
        let missing = || Outcome::Internal("a command has no report".to_string()).into();
        let reports = series.reports.into_iter();
        Ran {
            reports: reports.map(|it| it.unwrap_or_else(missing)).collect(),
            proof: series.proof,
        }
    }

    /// Runs a command; gives the position of the next one.
    fn command<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        series: &mut Series<'scope>,
        at: usize,
    ) -> usize {
        let command = &self.job.commands[at];
        let ordinal = u32::try_from(at).unwrap_or(u32::MAX);
        let is_excluded = self.job.excluded.binary_search(&ordinal).is_ok();
        if !is_excluded {
            self.announce(series.lane, Some(ordinal));
        }
        match command {
            Command::Thread { name, length, .. } => {
                let nested = at + 1..(at + 1 + *length as usize).min(series.range.end);
                let end = nested.end;
                let started = if is_excluded {
                    Err(left_out())
                } else {
                    self.start(scope, series, command, nested.clone())
                };
                let outcome = started.err();
                if is_excluded {
                    series.session.lack(ordinal);
                }
                if let Some(outcome) = &outcome {
                    series
                        .missing
                        .push((name.clone(), ordinal, outcome.clone()));
                    let outcome = without_thread(ordinal, outcome);
                    nested.for_each(|at| series.put(at, outcome.clone().into()));
                }
                series.put(at, outcome.unwrap_or(Outcome::Done).into());
                return end;
            }
            _ if is_excluded => {
                series.session.leave_out(at, command);
                series.put(at, left_out().into());
            }
            Command::Wait { thread } => {
                self.announce(series.lane, None);
                let outcome = series.wait(thread);
                series.put(at, outcome.into());
            }
            _ => {
                if let Some(it) = self.job.config.interruption
                    && it.ordinal == ordinal
                {
                    let time = Duration::from_millis(it.after_millis.into());
                    series.session.interrupt_after(time);
                }
                let report = series.session.run(at, command);
                end_if_mark_is_passed();
                if let Some(after) = self.after {
                    after(at, &report);
                }
                series.put(at, report);
            }
        }
        at + 1
    }

    /// Starts the thread of a command.
    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        series: &mut Series<'scope>,
        command: &Command,
        commands: Range<usize>,
    ) -> Result<(), Outcome> {
        let Command::Thread {
            name,
            shared_module,
            ..
        } = command
        else {
            return Err(Outcome::Internal("no thread".to_string()));
        };
        let shared = series.session.share(shared_module.as_ref())?;
        let Some(lane) = self.lock_lanes().pop() else {
            return Err(Outcome::Limit(format!("more than {} threads", LANES - 1)));
        };
        self.has_threads.store(true, Ordering::Relaxed);
        // Until it runs, what hangs or crashes is the thread.
        let range = commands.clone();
        let body = move || {
            let conventions = self.job.config.conventions;
            let session = Session::in_thread(self.engine, conventions, asked(self.job), shared);
            let ran = self.commands(scope, range, session, lane);
            self.lock_lanes().push(lane);
            ran
        };
        let builder = Builder::new().stack_size(STACK_BYTES);
        let handle = builder
            .spawn_scoped(scope, body)
            .map_err(|error| Outcome::Limit(format!("no thread: {error}")))?;
        series.children.push(Child {
            name: name.clone(),
            commands,
            handle,
        });
        Ok(())
    }

    fn announce(&self, lane: usize, ordinal: Option<u32>) {
        self.cell.announce_in(lane, self.job.sequence, ordinal);
    }

    fn lock_lanes(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series<'_> {
    fn put(&mut self, at: usize, report: Report) {
        self.reports[at - self.range.start] = Some(report);
    }

    fn wait(&mut self, name: &str) -> Outcome {
        let is_it = |child: &Child<'_>| child.name == name;
        if let Some(place) = self.children.iter().rposition(is_it) {
            let child = self.children.remove(place);
            self.join(child);
            return Outcome::Done;
        }
        match self.missing.iter().rfind(|(it, ..)| it == name) {
            Some((_, ordinal, outcome)) => without_thread(*ordinal, outcome),
            None => unknown("thread", name),
        }
    }

    /// Puts the whole state in the last report, if that has been run.
    fn take_whole_state(&mut self) {
        if let Some(Some(last)) = self.reports.last_mut()
            && !matches!(last.outcome, Outcome::NotRun(_))
        {
            last.state = self.session.whole_state();
        }
    }

    /// Waits for a thread and takes in what came of it.
    fn join(&mut self, child: Child<'_>) {
        let ran = match child.handle.join() {
            Ok(ran) => ran,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        self.proof.add(&ran.proof);
        let nested = child.commands.clone().zip(&ran.reports);
        let left_out = nested.filter(|(_, report)| matches!(report.outcome, Outcome::NotRun(_)));
        for (at, _) in left_out {
            self.session.lack(u32::try_from(at).unwrap_or(u32::MAX));
        }
        for (at, report) in child.commands.zip(ran.reports) {
            self.put(at, report);
        }
    }
}

fn left_out() -> Outcome {
    Outcome::NotRun("left out".to_string())
}

/// The outcome of what needs a thread that was not started by its directive.
fn without_thread(ordinal: u32, why: &Outcome) -> Outcome {
    match why {
        Outcome::NotRun(_) => Outcome::Blocked(ordinal),
        Outcome::MissingInstance(_) | Outcome::Blocked(_) => why.clone(),
        other => {
            let ended = outcome_text(&Expectation::Success, other);
            Outcome::MissingInstance(format!("no thread: {ended}"))
        }
    }
}

/// Ends the process when a thread panics, before the others are waited for, which may never end.
struct PanicGuard<'run, 'a> {
    run: &'run Run<'a>,
    lane: usize,
}

impl Drop for PanicGuard<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() && self.run.has_threads.load(Ordering::Relaxed) {
            let at = self.run.cell.lanes()[self.lane];
            self.run.cell.pin(at.sequence, at.ordinal);
            std::process::exit(PANIC_CODE);
        }
    }
}
