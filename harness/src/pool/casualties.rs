//! What is known of a file while workers die over it: the directives that died, what was given up,
//! and the incidents that no verdict shows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Cause, Death, FileRun, INTERRUPTED, Incident, IncidentKind, Task, not_run};
use crate::outcome::Outcome;
use crate::protocol::JobResult;

/// Directives of one file that may kill a worker in one tier before the rest is given up.
const DEATHS_PER_FILE_MAX: usize = 256;
/// Directives of one file that may time out in one tier before the rest is given up.
const TIMEOUTS_PER_FILE_MAX: usize = 16;
/// Directives of one file that may not be measured in one tier before the rest is given up: what a
/// file holds on to makes each further one take too much, and a machine without memory has none
/// for the next one either.
const UNMEASURED_PER_FILE_MAX: usize = 4;
/// Fresh workers that may die over one file without having announced a directive.
const IDLE_DEATHS_MAX: usize = 2;

/// What is known of a file while workers die over it.
#[derive(Default)]
pub(super) struct Casualties {
    /// The outcomes that no worker reports, by ordinal.
    pub(super) outcomes: BTreeMap<u32, Outcome>,
    /// The time that was lost by dead workers.
    pub(super) lost: Duration,
    /// True if a hang in the file could not be located.
    pub(super) has_no_places: bool,
    idle_deaths: usize,
    /// True if the time was used up once: what comes after the last death is given up, and another
    /// death gives up the file.
    is_late: bool,
    /// Crashes that a fresh worker may or may not repeat.
    suspects: Vec<(Option<u32>, String)>,
    incidents: Vec<Incident>,
}

impl Casualties {
    /// Nothing but the directives that are left out on request.
    pub(super) fn of(task: &Task<'_>) -> Casualties {
        let skip = |&ordinal: &u32| (ordinal, Outcome::Skipped("--skip".to_string()));
        Casualties {
            outcomes: task.skipped.iter().map(skip).collect(),
            ..Casualties::default()
        }
    }

    /// The directives that did not end in time.
    pub(super) fn timeouts(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Timeout { .. }))
    }

    fn count(&self, is_it: fn(&Outcome) -> bool) -> usize {
        let outcomes = self.outcomes.values();
        outcomes.filter(|&outcome| is_it(outcome)).count()
    }

    /// Notes a crash on which no verdict depends. If no crash of the same directive is noted by
    /// the end of the file, it is an incident.
    pub(super) fn suspect(&mut self, death: &Death) {
        if let Cause::Crash(how) = &death.cause {
            self.suspects.push((death.ordinal, how.clone()));
        }
    }

    /// Notes that a worker was killed from outside, and that its file runs again.
    pub(super) fn killed(&mut self, ordinal: Option<u32>, how: &str) {
        self.incidents.push(Incident {
            ordinal,
            kind: IncidentKind::Killed,
            how: how.to_string(),
        });
    }

    /// Notes a death that counts. Gives the reason to give up the whole file, if there is one;
    /// `late` is the reason to give up the rest of it, since too much time was lost. Where deaths
    /// are too many, what comes after the last one is given up, and what came before it keeps its
    /// outcome.
    pub(super) fn note(
        &mut self,
        death: Death,
        task: &Task<'_>,
        deadline: Duration,
        late: Option<String>,
    ) -> Option<Outcome> {
        let (at, cause) = (death.ordinal, death.cause);
        let outcome = match cause {
            Cause::Timeout(place) => Outcome::Timeout {
                millis: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
                place: place.map(String::into_boxed_str),
            },
            Cause::Memory => {
                let max = task.config.memory_bytes_max >> 20;
                let how = format!("the file takes more than {max} MiB of memory");
                self.unmeasured(IncidentKind::Memory, at, how)
            }
            Cause::Killed(how) => {
                self.unmeasured(IncidentKind::NotMeasured, at, format!("{how}, twice"))
            }
            Cause::Crash(how) => Outcome::Crash(how),
            Cause::Interrupted => return Some(Outcome::NotRun(INTERRUPTED.to_string())),
        };
        match at {
            Some(ordinal) if !self.outcomes.contains_key(&ordinal) => {
                self.outcomes.insert(ordinal, outcome.clone());
                if let (true, Some(reason)) = (self.is_late, &late) {
                    return Some(Outcome::NotRun(reason.clone()));
                }
                self.is_late |= late.is_some();
                let late = late.map(Outcome::NotRun);
                if let Some(rest) = late.or_else(|| self.outcome_of_the_rest(&outcome)) {
                    let rest = (ordinal + 1..task.script.commands.len() as u32)
                        .map(|ordinal| (ordinal, rest.clone()));
                    let known = std::mem::take(&mut self.outcomes);
                    self.outcomes.extend(rest);
                    self.outcomes.extend(known);
                }
                None
            }
            Some(_) | None => self.note_idle(outcome),
        }
    }

    /// The outcome of what cannot be measured, the first of which in a file is an incident.
    fn unmeasured(&mut self, kind: IncidentKind, ordinal: Option<u32>, how: String) -> Outcome {
        let mut incidents = self.incidents.iter();
        if !incidents.any(|incident| incident.kind.is_unmeasured()) {
            let how = how.clone();
            self.incidents.push(Incident { ordinal, kind, how });
        }
        Outcome::Unmeasured(how)
    }

    /// Notes a death outside of any directive.
    fn note_idle(&mut self, outcome: Outcome) -> Option<Outcome> {
        self.idle_deaths += 1;
        let (is_last, outside) = (
            self.idle_deaths >= IDLE_DEATHS_MAX,
            "the worker dies outside of any directive",
        );
        match outcome {
            Outcome::Unmeasured(how) => {
                is_last.then(|| Outcome::Unmeasured(format!("{outside}: {how}")))
            }
            Outcome::Crash(how) if !is_last => {
                self.suspects.push((None, how));
                None
            }
            Outcome::Crash(how) => Some(Outcome::NotRun(format!("{outside}: {how}"))),
            _timeout => is_last.then(|| Outcome::NotRun(format!("{outside}: a timeout"))),
        }
    }

    /// The outcome of all that comes after a death, if deaths of its kind are too many with it.
    fn outcome_of_the_rest(&self, latest: &Outcome) -> Option<Outcome> {
        let given_up = |max: usize, what: &str| {
            Outcome::NotRun(format!("given up after {max} {what} in this file"))
        };
        match latest {
            Outcome::Unmeasured(_) => {
                let deaths = self.count(|outcome| matches!(outcome, Outcome::Unmeasured(_)));
                (deaths >= UNMEASURED_PER_FILE_MAX).then(|| latest.clone())
            }
            Outcome::Timeout { .. } => (self.timeouts() >= TIMEOUTS_PER_FILE_MAX)
                .then(|| given_up(TIMEOUTS_PER_FILE_MAX, "timeouts")),
            _crash => {
                let deaths = self.count(|outcome| matches!(outcome, Outcome::Crash(_)));
                (deaths >= DEATHS_PER_FILE_MAX).then(|| given_up(DEATHS_PER_FILE_MAX, "deaths"))
            }
        }
    }

    /// The outcomes of a file whose last worker answered, or which needed none.
    pub(super) fn finish(self, result: Option<JobResult>, task: &Task<'_>) -> FileRun {
        match result {
            Some(result) => self.laid_over(FileRun {
                reports: result.reports,
                proof: result.proof,
                micros: result.micros,
                incidents: Vec::new(),
            }),
            None => self.give_up(task, Outcome::NotRun("left out".to_string())),
        }
    }

    /// The outcomes of a file for which no worker starts.
    pub(super) fn without_worker(mut self, task: &Task<'_>, reason: &str) -> FileRun {
        let how = format!("no worker starts: {reason}");
        let outcome = self.unmeasured(IncidentKind::NotMeasured, None, how);
        self.give_up(task, outcome)
    }

    /// The outcomes of a file that no worker gets through.
    pub(super) fn give_up(self, task: &Task<'_>, outcome: Outcome) -> FileRun {
        self.laid_over(not_run(task, outcome))
    }

    /// Puts the outcomes that no worker reports in their places, and what was seen beside them.
    fn laid_over(mut self, mut run: FileRun) -> FileRun {
        run.incidents.append(&mut self.incidents);
        run.incidents.extend(self.flaky());
        for (ordinal, outcome) in self.outcomes {
            if let Some(report) = run.reports.get_mut(ordinal as usize) {
                *report = outcome.into();
            }
        }
        run
    }

    /// The crashes that no fresh worker has repeated.
    fn flaky(&self) -> Vec<Incident> {
        let crashed = |ordinal: &u32| matches!(self.outcomes.get(ordinal), Some(Outcome::Crash(_)));
        let any_crashed = self.outcomes.keys().any(crashed) || self.idle_deaths >= IDLE_DEATHS_MAX;
        let is_repeated = |ordinal: &Option<u32>| match ordinal {
            Some(ordinal) => crashed(ordinal),
            None => any_crashed,
        };
        let suspects = self.suspects.iter();
        let suspects = suspects.filter(|(ordinal, _)| !is_repeated(ordinal));
        let flaky = |(ordinal, how): &(Option<u32>, String)| Incident {
            ordinal: *ordinal,
            kind: IncidentKind::Flaky,
            how: how.clone(),
        };
        suspects.map(flaky).collect()
    }
}
