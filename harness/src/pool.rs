//! The pool: every chosen file in every tier, in worker processes, with every directive accounted.
//!
//! Owns the schedule and contract C7. When a worker dies, the death is pinned on the directive that
//! it had announced; a fresh worker runs the file again without that directive, so that every other
//! one gets the outcome that it would have had. A worker that had run other files before gets no
//! such trust if it crashes: the file first runs again, whole, in a fresh one. What is reported is
//! therefore what a fresh worker does, whatever ran before and in whatever order (contract C8); a
//! crash that the fresh worker does not repeat is an [`Incident`]. A directive that hangs costs its
//! time once, in whatever worker.
//!
//! A worker that is killed from outside says nothing about its engine: the system may have had no
//! memory left. The file runs again in a fresh worker while no other one works, and if that is
//! killed too, its directive is not measured. A worker that dies while it starts is tried again.
//!
//! Schedule: one queue, the slowest tier first and in each tier the longest file first; `jobs`
//! threads take from it. So the JIT under emulation never trails behind, and what is left at the
//! end is short. A thread keeps one worker at a time.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;
use crate::interrupt;
use crate::outcome::{Outcome, Proof, Report};
use crate::protocol::{Interruption, Job, JobConfig, JobResult};
use crate::script::Script;
use crate::thread;

mod casualties;
pub mod configured;
pub mod launch;
mod losses;
pub mod patience;
pub mod process;
pub mod room;
mod unavailable;

use casualties::Casualties;
pub use losses::Losses;
pub use unavailable::Unavailable;

/// A process that runs scripts in an engine.
pub trait Session: Send {
    /// Runs a job; no directive may take longer than `timeout`. The job's number is given here.
    ///
    /// # Errors
    /// If the process dies or must be killed before it has answered; it is of no more use then.
    fn run(&mut self, job: Job<'_>, timeout: Duration) -> Result<JobResult, Death>;

    /// True if a fresh session should take the next job, since this one holds on to much memory.
    fn is_worn(&self) -> bool {
        false
    }
}

/// The start of an engine's sessions.
pub trait Launcher: Sync + Send {
    /// Starts a session and waits until it is ready.
    ///
    /// # Errors
    /// If the engine cannot run here.
    fn start(&self) -> Result<Box<dyn Session>, StartError>;

    /// The reason why the engine is not asked to run files of a proposal, if it is not.
    fn declines(&self, _proposal: &str) -> Option<String> {
        None
    }

    /// True if sessions interrupt a directive of a job that says so.
    fn can_interrupt(&self) -> bool {
        false
    }
}

/// The engines of a run, each with its launcher or the reason why it cannot run here.
pub type Engines = BTreeMap<EngineName, Result<Box<dyn Launcher>, Unavailable>>;

/// An engine that could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The engine cannot run here, by its own word or because it is not there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The process died before it was ready, or the system had no room for it: perhaps the next
    /// one does not.
    #[error(transparent)]
    Died(Unavailable),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl StartError {
    /// The error of a program that the system does not start.
    pub fn of_program(name: &str, error: std::io::Error) -> StartError {
        let is_missing = matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied
        );
        let reason = Unavailable::because(&format!("`{name}` does not start"), error);
        match is_missing {
            true => StartError::Unavailable(reason),
            false => StartError::Died(reason),
        }
    }
}

/// A session that ended before it had answered a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The directive that was running, if one was.
    pub ordinal: Option<u32>,
    /// The cause.
    pub cause: Cause,
}

/// The cause of a session's death.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// By itself, or by writing what no engine writes.
    #[error("{0}")]
    Crash(String),
    /// It was killed, since a directive took too long; the place at which it was, if it told.
    #[error("it did not end in time")]
    Timeout(Option<String>),
    /// It ended, since its job took more memory than it may.
    #[error("it takes too much memory")]
    Memory,
    /// By a signal that is sent from outside, and not by this program; which.
    #[error("{0}")]
    Killed(String),
    /// It was killed because of Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A file to run.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// What to do.
    pub script: &'a Script,
    /// How.
    pub config: JobConfig,
    /// Ordinals left out on request, ascending.
    pub skipped: Vec<u32>,
    /// The proposal that a report counts it under.
    pub proposal: &'static str,
}

impl Task<'_> {
    /// The job for a worker, without some of the directives.
    fn job(&self, fresh: bool, excluded: Vec<u32>) -> Job<'_> {
        Job {
            sequence: 0,
            path: self.script.path.as_str().into(),
            commands: self.script.commands.as_slice().into(),
            config: self.config_in(fresh),
            excluded: excluded.into(),
        }
    }

    /// The configuration in a worker, which is fresh or has run other files: a file that takes half
    /// of the memory that it may, or more, is run in a fresh one.
    fn config_in(&self, fresh: bool) -> JobConfig {
        let memory_bytes_max = match fresh {
            true => self.config.memory_bytes_max,
            false => self.config.memory_bytes_max / 2,
        };
        JobConfig {
            memory_bytes_max,
            ..self.config
        }
    }
}

/// What a tier did with a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRun {
    /// A report for each directive, by ordinal.
    pub reports: Vec<Report>,
    /// Evidence of the tier.
    pub proof: Proof,
    /// Time spent in the worker.
    pub micros: u64,
    /// What happened to workers and shows in no outcome.
    pub incidents: Vec<Incident>,
}

/// Something that happened to a worker and shows in no outcome of a directive, or not as what it
/// is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The directive that was running, if one was.
    pub ordinal: Option<u32>,
    /// What it means.
    pub kind: IncidentKind,
    /// How it ended, in words.
    pub how: String,
}

/// What an incident means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A crash that a fresh worker did not repeat.
    Flaky,
    /// A worker was killed from outside, and the file ran again.
    Killed,
    /// A directive could not be measured here, and it is not the engine's fault.
    NotMeasured,
    /// A directive was not measured, since its file takes more memory than a worker may.
    Memory,
}

impl IncidentKind {
    /// The kind's word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            IncidentKind::Flaky => "flaky",
            IncidentKind::Killed => "killed",
            IncidentKind::NotMeasured => "not_measured",
            IncidentKind::Memory => "memory",
        }
    }

    /// True if a directive was not measured.
    pub fn is_unmeasured(self) -> bool {
        match self {
            IncidentKind::NotMeasured | IncidentKind::Memory => true,
            IncidentKind::Flaky | IncidentKind::Killed => false,
        }
    }
}

/// What a tier did with all files, in the order of the tasks; or why it cannot run here.
pub type TierRun = Result<Vec<FileRun>, Unavailable>;

/// How the pool runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Files run at the same time.
    pub jobs: usize,
    /// How long one directive may take.
    pub timeout: Duration,
    /// What engines have lost in this run so far.
    pub losses: &'a Losses,
    /// True if a file that hangs runs again for the place, where its worker did not tell it.
    pub seeks_places: bool,
}

/// Who watches the pool at work. Its methods are called from several threads.
pub trait Observer: Sync {
    /// There is more to do, in each tier: so many directives.
    fn more(&self, _directives: usize) {}
    /// A file is done in a tier.
    fn file_done(&self, tier: EngineName, script: &Script);
    /// The times of a file that is done.
    fn ran(&self, _file: &RanFile<'_>) {}
    /// Something that a user should know, but that no verdict depends on.
    fn warn(&self, message: &str);
}

/// An observer that tells nothing: what happens in the pool shows in the outcomes.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn file_done(&self, _: EngineName, _: &Script) {}
    fn warn(&self, _: &str) {}
}

/// A file that ran in an engine, and when.
#[derive(Clone, Copy, Debug)]
pub struct RanFile<'a> {
    /// The engine.
    pub tier: EngineName,
    /// The file.
    pub script: &'a Script,
    /// The thread that ran it, from 0.
    pub thread: usize,
    /// The latest worker of the thread, from 1; 0 if there was none yet.
    pub worker: u64,
    /// The beginning, starts of workers included.
    pub started: Instant,
    /// The end.
    pub ended: Instant,
}

/// The run was ended by Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Runs all tasks in all tiers, each by its program or not at all, for the reason given. Where it
/// is interrupted, what did not run says so.
pub fn run(
    tasks: &[Task<'_>],
    engines: &Engines,
    settings: &Settings<'_>,
    observer: &dyn Observer,
) -> BTreeMap<EngineName, TierRun> {
    let started: Result<BTreeMap<EngineName, _>, Interrupted> = engines
        .par_iter()
        .map(|(&tier, launcher)| Ok((tier, start_first(launcher)?)))
        .collect();
    let mut tiers: BTreeMap<EngineName, Result<FirstSession<'_>, Unavailable>> = match started {
        Ok(tiers) => tiers,
        Err(Interrupted) => return none_run(tasks, engines),
    };
    for first in tiers.values_mut().rev().flatten().skip(FIRST_SESSIONS_MAX) {
        first.session = Mutex::new(None);
    }
    let available = tiers
        .iter()
        .filter_map(|(&tier, first)| Some((tier, first.as_ref().ok()?)));
    let queue = Queue {
        tasks,
        tiers: available.collect(),
        settings,
        observer,
        room: RwLock::new(()),
    };
    let results = queue.run_all();
    let mut runs: BTreeMap<EngineName, Vec<FileRun>> = BTreeMap::new();
    for ((tier, _), run) in results {
        runs.entry(tier).or_default().push(run);
    }
    let outcome = |(tier, first): (EngineName, Result<_, Unavailable>)| {
        (tier, first.map(|_| runs.remove(&tier).unwrap_or_default()))
    };
    std::mem::take(&mut tiers)
        .into_iter()
        .map(outcome)
        .collect()
}

/// The runs of engines that were interrupted before they began.
fn none_run(tasks: &[Task<'_>], engines: &Engines) -> BTreeMap<EngineName, TierRun> {
    let none = || {
        tasks
            .iter()
            .map(|task| not_run(task, interrupted()))
            .collect()
    };
    let run = |(&name, launcher): (&EngineName, &Result<_, Unavailable>)| {
        (
            name,
            launcher.as_ref().map(|_| none()).map_err(Clone::clone),
        )
    };
    engines.iter().map(run).collect()
}

/// The engines whose first session is kept until a thread takes it: those whose turn comes first.
/// Others start again, since many waiting sessions take much memory.
const FIRST_SESSIONS_MAX: usize = 6;

/// The reason why a directive was not run after Ctrl-C.
const INTERRUPTED: &str = "interrupted";

/// The part of a directive's time after which it is interrupted, to learn where it hangs: one in so
/// many.
const PLACE_PARTS: u32 = 10;
/// How much later its worker is killed, if it does not answer.
const PLACE_TIMEOUT: Duration = Duration::from_secs(2);

fn interrupted() -> Outcome {
    Outcome::NotRun(INTERRUPTED.to_string())
}

/// The starts of a worker before it counts as one that does not start.
const STARTS_MAX: u32 = 3;
/// The pause before the second start; the next one is twice as long.
const START_PAUSE: Duration = Duration::from_millis(200);

/// Starts a session; one that dies meanwhile is tried again.
fn start(launcher: &dyn Launcher) -> Result<Box<dyn Session>, StartError> {
    let mut pause = START_PAUSE;
    for _ in 1..STARTS_MAX {
        match launcher.start() {
            Err(StartError::Died(_)) if interrupt::requested() => {
                return Err(StartError::Interrupted);
            }
            Err(StartError::Died(_)) => std::thread::sleep(pause),
            started => return started,
        }
        pause *= 2;
    }
    launcher.start()
}

/// An engine that can run here: its launcher, and the session that proved it until a thread takes
/// it.
struct FirstSession<'a> {
    launcher: &'a dyn Launcher,
    session: Mutex<Option<Box<dyn Session>>>,
}

fn start_first(
    launcher: &Result<Box<dyn Launcher>, Unavailable>,
) -> Result<Result<FirstSession<'_>, Unavailable>, Interrupted> {
    let launcher = match launcher {
        Ok(launcher) => &**launcher,
        Err(reason) => return Ok(Err(reason.clone())),
    };
    match start(launcher) {
        Ok(session) => Ok(Ok(FirstSession {
            launcher,
            session: Mutex::new(Some(session)),
        })),
        Err(StartError::Unavailable(reason) | StartError::Died(reason)) => Ok(Err(reason)),
        Err(StartError::Interrupted) => Err(Interrupted),
    }
}

/// All that the threads share.
struct Queue<'a> {
    tasks: &'a [Task<'a>],
    tiers: BTreeMap<EngineName, &'a FirstSession<'a>>,
    settings: &'a Settings<'a>,
    observer: &'a dyn Observer,
    /// Who runs a file shares it; who runs one alone has it alone.
    room: RwLock<()>,
}

impl Queue<'_> {
    /// Runs everything; the results are ordered by tier and task.
    fn run_all(&self) -> BTreeMap<(EngineName, usize), FileRun> {
        let order = self.order();
        let next = AtomicUsize::new(0);
        let threads = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            let take = || {
                let number = threads.fetch_add(1, Ordering::Relaxed);
                let mut thread = Thread {
                    queue: self,
                    worker: None,
                    workers: 0,
                };
                while let Some(&(tier, index)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let task = &self.tasks[index];
                    let started = Instant::now();
                    let run = thread.run_task(tier, task);
                    let run = run.unwrap_or_else(|Interrupted| not_run(task, interrupted()));
                    self.observer.ran(&RanFile {
                        tier,
                        script: task.script,
                        thread: number,
                        worker: thread.workers,
                        started,
                        ended: Instant::now(),
                    });
                    self.observer.file_done(tier, task.script);
                    let mut results = results.lock().expect("no thread panics while it holds it");
                    results.insert((tier, index), run);
                }
            };
            // This thread is one of them. Where the system has no room for all, fewer do it.
            let others = self.settings.jobs.min(order.len()).saturating_sub(1);
            let mut threads = Vec::new();
            for _ in 0..others {
                match thread::builder().spawn_scoped(scope, take) {
                    Ok(thread) => threads.push(thread),
                    Err(error) => {
                        let count = threads.len() + 1;
                        let message = format!("only {count} files run at the same time: {error}");
                        self.observer.warn(&message);
                        break;
                    }
                }
            }
            take();
            for thread in threads {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        results
            .into_inner()
            .expect("no thread panics while it holds it")
    }

    /// Runs a file beside others, or while none of them runs.
    fn with_room<T>(&self, is_alone: bool, run: impl FnOnce() -> T) -> T {
        if is_alone {
            let _room = self.room.write().unwrap_or_else(PoisonError::into_inner);
            return run();
        }
        let _room = self.room.read().unwrap_or_else(PoisonError::into_inner);
        run()
    }

    /// Tiers from the slowest, and in each the longest file first. Files that are equally long keep
    /// their order, so that the schedule is the same in every run.
    fn order(&self) -> Vec<(EngineName, usize)> {
        let mut by_length: Vec<usize> = (0..self.tasks.len()).collect();
        by_length.sort_by_key(|&index| std::cmp::Reverse(self.tasks[index].script.commands.len()));
        let tiers = self.tiers.keys().rev();
        tiers
            .flat_map(|&tier| by_length.iter().map(move |&index| (tier, index)))
            .collect()
    }
}

/// One of the threads, with its worker.
struct Thread<'a> {
    queue: &'a Queue<'a>,
    worker: Option<(EngineName, Box<dyn Session>)>,
    /// The workers that it had so far.
    workers: u64,
}

impl Thread<'_> {
    /// Runs a file until there is an outcome for each of its directives.
    fn run_task(&mut self, tier: EngineName, task: &Task<'_>) -> Result<FileRun, Interrupted> {
        let mut casualties = Casualties::of(task);
        if let Some(reason) = self.queue.tiers[&tier].launcher.declines(task.proposal) {
            let ordinals = 0..task.script.commands.len() as u32;
            let declined = ordinals.map(|ordinal| (ordinal, Outcome::Skipped(reason.clone())));
            casualties.outcomes.extend(declined);
        }
        let mut is_alone = false;
        loop {
            if casualties.outcomes.len() == task.script.commands.len() {
                return Ok(casualties.finish(None, task));
            }
            let (mut worker, fresh) = match self.worker_for(tier) {
                Ok(worker) => worker,
                Err(StartError::Interrupted) => return Err(Interrupted),
                Err(StartError::Unavailable(reason) | StartError::Died(reason)) => {
                    return Ok(casualties.without_worker(task, &reason.to_string()));
                }
            };
            let excluded = casualties.outcomes.keys().copied().collect();
            let job = task.job(fresh, excluded);
            let settings = self.queue.settings;
            let deadline = settings
                .losses
                .deadline(tier, casualties.timeouts(), settings.timeout);
            let started = Instant::now();
            let ran = self.queue.with_room(is_alone, || worker.run(job, deadline));
            let death = match ran {
                Ok(result) => {
                    self.worker = (!worker.is_worn()).then_some((tier, worker));
                    return Ok(casualties.finish(Some(result), task));
                }
                Err(death) => death,
            };
            // A hang counts as the time that it was given, however busy the machine is.
            let is_hang = matches!(death.cause, Cause::Timeout(_));
            let time = if is_hang { deadline } else { started.elapsed() };
            casualties.lost += time;
            settings.losses.add(tier, time);
            let was_alone = std::mem::take(&mut is_alone);
            match &death.cause {
                Cause::Interrupted => return Err(Interrupted),
                Cause::Killed(how) if !was_alone => {
                    casualties.killed(death.ordinal, how);
                    is_alone = true;
                    continue;
                }
                // A fresh worker decides, where what others have left behind does not count.
                Cause::Memory if !fresh => continue,
                Cause::Crash(_) if !fresh => {
                    casualties.suspect(&death);
                    continue;
                }
                Cause::Timeout(_) if !fresh && death.ordinal.is_none() => continue,
                Cause::Crash(_) | Cause::Memory | Cause::Timeout(_) | Cause::Killed(_) => {}
            }
            let death = match death.ordinal {
                None => self.pinned(tier, task, &casualties, death)?,
                Some(_) => death,
            };
            let death = self.located(tier, task, &mut casualties, death, deadline)?;
            let lost = casualties.lost;
            let late = settings
                .losses
                .reason_to_give_up(tier, lost, settings.timeout);
            if let Some(outcome) = casualties.note(death, task, deadline, late) {
                return Ok(casualties.give_up(task, outcome));
            }
        }
    }

    /// A hang with its place, if its worker did not tell it, as interpreters cannot: a fresh one
    /// runs the file again up to the directive, as code that can be interrupted, and interrupts it
    /// after a part of the time that it was given. In a file in which that fails once it is not
    /// tried again, nor for an engine that has lost all the time that it may.
    fn located(
        &self,
        tier: EngineName,
        task: &Task<'_>,
        casualties: &mut Casualties,
        death: Death,
        deadline: Duration,
    ) -> Result<Death, Interrupted> {
        let launcher = self.queue.tiers[&tier].launcher;
        let settings = self.queue.settings;
        let is_spent = settings.losses.is_spent(tier, settings.timeout);
        let is_sought = settings.seeks_places && !casualties.has_no_places && !is_spent;
        let can_tell = is_sought && launcher.can_interrupt();
        let (Some(ordinal), Cause::Timeout(None), true) = (death.ordinal, &death.cause, can_tell)
        else {
            return Ok(death);
        };
        let before = casualties.outcomes.keys().copied();
        let before = before.filter(|&at| at < ordinal);
        let after = ordinal + 1..task.script.commands.len() as u32;
        let mut job = task.job(true, before.chain(after).collect());
        let time = deadline / PLACE_PARTS;
        job.config.modes.interruptible = true;
        job.config.hash_state = false;
        job.config.interruption = Some(Interruption {
            ordinal,
            after_millis: u32::try_from(time.as_millis()).unwrap_or(u32::MAX),
        });
        let ran = match start(launcher) {
            Ok(mut worker) => worker.run(job, time + PLACE_TIMEOUT),
            Err(StartError::Interrupted) => return Err(Interrupted),
            Err(StartError::Unavailable(_) | StartError::Died(_)) => return Ok(death),
        };
        let place = match ran {
            Ok(result) => result
                .reports
                .get(ordinal as usize)
                .and_then(interrupted_at),
            Err(Death {
                cause: Cause::Interrupted,
                ..
            }) => return Err(Interrupted),
            Err(_) => None,
        };
        casualties.has_no_places = place.is_none();
        let cause = Cause::Timeout(place);
        Ok(Death { cause, ..death })
    }

    /// A death outside of any directive, pinned on the directive without which there is none, if
    /// there is one: the last one of the fewest that a fresh worker dies over. A fault may be
    /// noticed long after it was made, when memory is given back.
    fn pinned(
        &self,
        tier: EngineName,
        task: &Task<'_>,
        casualties: &Casualties,
        death: Death,
    ) -> Result<Death, Interrupted> {
        let length = task.script.commands.len() as u32;
        let known = |from: u32| {
            let known = casualties.outcomes.keys().copied();
            let known = known.filter(|&ordinal| ordinal < from);
            known.chain(from..length).collect::<Vec<u32>>()
        };
        let dies = |from: u32| -> Result<bool, Interrupted> {
            let mut worker = match start(self.queue.tiers[&tier].launcher) {
                Ok(worker) => worker,
                Err(StartError::Interrupted) => return Err(Interrupted),
                Err(StartError::Unavailable(_) | StartError::Died(_)) => return Ok(false),
            };
            match worker.run(task.job(true, known(from)), self.queue.settings.timeout) {
                Err(Death {
                    cause: Cause::Interrupted,
                    ..
                }) => Err(Interrupted),
                ran => Ok(ran.is_err()),
            }
        };
        // A worker that dies over nothing at all, or not again, is not this file's fault.
        let (mut fewest, mut least) = (0, length);
        let is_killed = matches!(death.cause, Cause::Killed(_));
        if is_killed || dies(0)? || !dies(length)? {
            return Ok(death);
        }
        while least - fewest > 1 {
            let middle = fewest.midpoint(least);
            match dies(middle)? {
                true => least = middle,
                false => fewest = middle,
            }
        }
        let cause = match death.cause {
            Cause::Crash(how) => Cause::Crash(format!("{how}, after the directive had ended")),
            cause => cause,
        };
        Ok(Death {
            ordinal: Some(least - 1),
            cause,
        })
    }

    /// A worker for a tier, and whether it is fresh: the one at hand, the tier's first, or a new
    /// one.
    fn worker_for(&mut self, tier: EngineName) -> Result<(Box<dyn Session>, bool), StartError> {
        if let Some((kept, worker)) = self.worker.take()
            && kept == tier
        {
            return Ok((worker, false));
        }
        self.workers += 1;
        let first = self.queue.tiers[&tier];
        let taken = first
            .session
            .lock()
            .expect("no thread panics while it holds it")
            .take();
        match taken {
            Some(worker) => Ok((worker, true)),
            None => Ok((start(first.launcher)?, true)),
        }
    }
}

/// The function in which a directive was interrupted, in words.
fn interrupted_at(report: &Report) -> Option<String> {
    let place = report.trace.as_ref()?.first()?;
    let is_interrupted = matches!(report.outcome, Outcome::Limit(_));
    is_interrupted.then(|| format!("in function {}", place.func))
}

/// A file of which nothing was run.
fn not_run(task: &Task<'_>, outcome: Outcome) -> FileRun {
    let report = Report::from(outcome);
    FileRun {
        reports: vec![report; task.script.commands.len()],
        proof: Proof::default(),
        micros: 0,
        incidents: Vec::new(),
    }
}
