//! Engines with processes that are kept: a first opinion of a candidate, cheap enough for many of
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::EngineName;
use crate::measure::{Examined, judge_file};
use crate::plan::Planned;
use crate::pool::{
    Cause, Engines, FileRun, Interrupted, Launcher, Session, StartError, TierRun, Unavailable,
};
use crate::protocol::{Job, JobConfig};

/// What kept processes say of a script.
pub(super) enum Opinion {
    /// What they reported.
    Seen(Box<Examined>),
    /// One of them died over it.
    Died,
    /// One of them does not tell: it could not be started, or took too much memory.
    None,
}

/// A process died over a script; true if it was ended, since it took too long.
struct Died {
    is_late: bool,
}

/// The shortest time that a script may take is this part of the longest. Candidates that hang are
/// many, since the end of a loop is easily left out, and each costs all of its time.
const TIMEOUT_SHORTER_MAX: u32 = 4;

/// The engines.
pub(super) struct Kept<'a> {
    engines: Vec<Engine<'a>>,
    /// The time that a script may take: half as much after each that took longer.
    timeout: Duration,
    timeout_min: Duration,
}

struct Engine<'a> {
    name: EngineName,
    launcher: &'a dyn Launcher,
    session: Option<Box<dyn Session>>,
}

impl<'a> Kept<'a> {
    /// Engines without processes yet.
    pub(super) fn new(launchers: &'a Engines, timeout: Duration) -> Kept<'a> {
        let engine =
            |(&name, launcher): (&EngineName, &'a Result<Box<dyn Launcher>, Unavailable>)| {
                Some(Engine {
                    name,
                    launcher: &**launcher.as_ref().ok()?,
                    session: None,
                })
            };
        Kept {
            engines: launchers.iter().filter_map(engine).collect(),
            timeout,
            timeout_min: timeout / TIMEOUT_SHORTER_MAX,
        }
    }

    /// What the engines do with a script.
    ///
    /// # Errors
    /// When it is interrupted.
    pub(super) fn run(
        &mut self,
        planned: &Planned,
        config: JobConfig,
    ) -> Result<Opinion, Interrupted> {
        let timeout = self.timeout;
        let runs = std::thread::scope(|scope| {
            let engines = self.engines.iter_mut();
            let threads = engines.map(|engine| {
                let name = engine.name;
                (
                    name,
                    scope.spawn(move || engine.run(planned, config, timeout)),
                )
            });
            let threads: Vec<_> = threads.collect();
            let joined = threads.into_iter().map(|(name, thread)| {
                let run = thread.join();
                (
                    name,
                    run.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                )
            });
            joined.collect::<Vec<_>>()
        });
        let mut all: BTreeMap<EngineName, TierRun> = BTreeMap::new();
        for (name, run) in runs {
            match run? {
                Ok(Some(run)) => all.insert(name, Ok(vec![run])),
                Ok(None) => return Ok(Opinion::None),
                Err(Died { is_late }) => {
                    if is_late {
                        self.timeout = (self.timeout / 2).max(self.timeout_min);
                    }
                    return Ok(Opinion::Died);
                }
            };
        }
        let judged = judge_file(planned, 0, &all);
        let first = |(name, run): (EngineName, TierRun)| Some((name, run.ok()?.pop()?));
        Ok(Opinion::Seen(Box::new(Examined {
            judged,
            runs: all.into_iter().filter_map(first).collect(),
        })))
    }
}

impl Engine<'_> {
    fn run(
        &mut self,
        planned: &Planned,
        config: JobConfig,
        timeout: Duration,
    ) -> Result<Result<Option<FileRun>, Died>, Interrupted> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match self.launcher.start() {
                Ok(session) => session,
                Err(StartError::Interrupted) => return Err(Interrupted),
                Err(StartError::Unavailable(_) | StartError::Died(_)) => return Ok(Ok(None)),
            },
        };
        let job = Job {
            sequence: 0,
            path: planned.script.path.as_str().into(),
            commands: planned.script.commands.as_slice().into(),
            config,
            excluded: planned.skipped.as_slice().into(),
        };
        match session.run(job, timeout) {
            Ok(result) => {
                self.session = (!session.is_worn()).then_some(session);
                Ok(Ok(Some(FileRun {
                    reports: result.reports,
                    proof: result.proof,
                    micros: result.micros,
                    incidents: Vec::new(),
                })))
            }
            Err(death) if death.cause == Cause::Interrupted => Err(Interrupted),
            // A limit is an ending, which fresh processes tell.
            Err(death) if matches!(death.cause, Cause::Memory | Cause::Killed(_)) => Ok(Ok(None)),
            Err(death) => {
                let is_late = matches!(death.cause, Cause::Timeout(_));
                Ok(Err(Died { is_late }))
            }
        }
    }
}
