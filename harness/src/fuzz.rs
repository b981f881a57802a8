//! Generated programs in every engine: run, compared, judged where another engine votes, counted,
//! and what is found kept at once.
//!
//! Programs are made, run and given up by windows, so that a run may have millions. A finding is
//! written as soon as its window has been judged ([`finding`]): nothing is lost if the run is
//! killed. The same seed gives the same report, times apart, for any number of jobs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::engine::EngineName;
use crate::error::InputError;
use crate::interrupt;
use crate::judge::judged::JudgedFile;
use crate::judge::symptom::{Symptom, first_symptom};
use crate::judge::verdict::Agreement;
use crate::measure::{Options, Stopped, judge_file, run_tiers, seconds, state_of};
use crate::outcome::Outcome;
use crate::plan::Planned;
use crate::plan::draw::{CaseName, Draw, DrawError};
use crate::pool::{FileRun, Losses, Observer, TierRun};
use crate::report::build::{Builder, GENERATED};
use crate::report::generated::{GeneratedAccount, Timings};
use crate::report::{Report, Run};
use crate::script::Kind;
use finding::Findings;

pub mod finding;

/// Programs that are made, run and judged together: few at first, so that an engine that dies in
/// most of them is told soon, then twice as many each time.
const PROGRAMS_OF_FIRST_WINDOW: u64 = 16;
const PROGRAMS_PER_WINDOW: u64 = 256;

/// The programs to run.
pub enum Programs {
    /// Those with these names.
    Named(Vec<CaseName>),
    /// The first ones of the seed.
    Drawn {
        /// The most of them; `None` is as many as there is time for.
        count: Option<u64>,
        /// The time after which no further window begins.
        time: Option<Duration>,
    },
}

/// What to run, and where findings go.
pub struct FuzzOptions {
    /// How scripts are run.
    pub measure: Options,
    /// The seed.
    pub seed: u64,
    /// The programs of the seed.
    pub draw: Draw,
    /// Which of them.
    pub programs: Programs,
    /// The folder of findings; `None` keeps none.
    pub folder: Option<PathBuf>,
    /// The findings after which the run ends.
    pub findings_max: usize,
    /// How long one finding may be made smaller.
    pub reduce_time: Duration,
}

impl From<DrawError> for Stopped {
    fn from(error: DrawError) -> Stopped {
        Stopped::Input(InputError::usage(error.to_string()))
    }
}

/// Runs programs, and reports. Ctrl-C ends the run after the windows that were judged.
///
/// # Errors
/// If a program is named that cannot be, or a finding cannot be written.
pub fn fuzz(options: &FuzzOptions, observer: &dyn Observer) -> Result<Report, Stopped> {
    let started = Instant::now();
    let mut fuzzer = Fuzzer {
        options,
        observer,
        builder: Builder::new(run(options)),
        account: GeneratedAccount {
            seed: options.seed,
            ..GeneratedAccount::default()
        },
        findings: Findings::new(options),
        losses: Losses::of_programs(),
        have_run: BTreeMap::new(),
    };
    let mut next = 0;
    while let Some(names) = names(options, next, started.elapsed()) {
        next += names.len() as u64;
        match fuzzer.window(&names) {
            Ok(()) => {}
            Err(Stopped::Interrupted) => {
                fuzzer.account.stopped = Some("interrupted".to_string());
                break;
            }
            Err(error @ Stopped::Input(_)) => return Err(error),
        }
        if fuzzer.findings.len() >= options.findings_max {
            let count = fuzzer.findings.len();
            fuzzer.account.stopped = Some(format!("{count} findings are the most"));
        }
        if fuzzer.account.stopped.is_some() {
            break;
        }
    }
    let Fuzzer {
        builder,
        mut account,
        findings,
        ..
    } = fuzzer;
    let mut report = builder.finish();
    findings.close(&mut account);
    report.generated = Some(account);
    report.run.seconds = seconds(started.elapsed());
    Ok(report)
}

/// The names of the programs from a number on that make the next window; `None` at the end.
fn names(options: &FuzzOptions, from: u64, elapsed: Duration) -> Option<Vec<CaseName>> {
    let size = (from + PROGRAMS_OF_FIRST_WINDOW).min(PROGRAMS_PER_WINDOW);
    let to = from + size;
    let names: Vec<CaseName> = match &options.programs {
        Programs::Named(names) => {
            let names = names.iter().skip(from as usize);
            names.take(size as usize).cloned().collect()
        }
        Programs::Drawn { time, .. } if time.is_some_and(|time| elapsed >= time) => Vec::new(),
        Programs::Drawn { count, .. } => {
            let to = count.map_or(to, |count| to.min(count));
            (from..to).map(|number| options.draw.nth(number)).collect()
        }
    };
    (!names.is_empty()).then_some(names)
}

/// What a report says of the run.
fn run(options: &FuzzOptions) -> Run {
    let measure = &options.measure;
    Run {
        version: env!("CARGO_PKG_VERSION").to_string(),
        suite: GENERATED.to_string(),
        suite_revision: format!("seed {}", options.seed),
        selection: None,
        part: None,
        host: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        jobs: measure.jobs,
        bounds: measure.setting.bounds,
        profile: measure.setting.profile,
        modes: measure.setting.modes,
        configurations: Default::default(),
        state_compared: measure.compare_state && measure.tiers.len() > 1,
        interrupted: false,
        repeat_with: String::new(),
        folder: None,
        provenance: None,
        seconds: 0.0,
    }
}

/// A run in progress.
struct Fuzzer<'a> {
    options: &'a FuzzOptions,
    observer: &'a dyn Observer,
    builder: Builder,
    account: GeneratedAccount,
    findings: Findings<'a>,
    losses: Losses,
    /// The engines, and whether they have run programs.
    have_run: BTreeMap<EngineName, bool>,
}

impl Fuzzer<'_> {
    /// Makes programs, runs them, judges and counts them.
    fn window(&mut self, names: &[CaseName]) -> Result<(), Stopped> {
        let measure = &self.options.measure;
        let draw = &self.options.draw;
        let started = Instant::now();
        let made: Vec<Result<Option<Planned>, DrawError>> =
            names.par_iter().map(|name| draw.planned(name)).collect();
        let mut planned = Vec::new();
        for (name, made) in names.iter().zip(made) {
            let source = self.account.sources.entry(name.source.clone()).or_default();
            match made? {
                Some(script) => planned.push(script),
                None => source.no_program += 1,
            }
        }
        add_time(&mut self.account.timings.generate, started);
        let directives = planned.iter().map(|it| it.script.directives.len()).sum();
        self.observer.more(directives);

        let started = Instant::now();
        let tiers = run_tiers(measure, &planned, &self.losses, self.observer);
        if interrupt::requested() {
            return Err(Stopped::Interrupted);
        }
        add_time(&mut self.account.timings.run, started);
        self.losses.halve();
        self.account.stopped =
            lost(&mut self.have_run, &tiers, self.observer).or_else(|| dying(&tiers));

        let started = Instant::now();
        let judged = (0..planned.len()).into_par_iter();
        let judged = judged.map(|index| judge_file(&planned[index], index, &tiers));
        let judged: Vec<JudgedFile> = judged.collect();
        self.builder
            .add_tiers(&tiers.iter().map(state_of).collect());
        for (index, file) in judged.iter().enumerate() {
            self.count(&planned[index], index, &tiers);
            self.builder.add_unlisted(file);
        }
        add_worker_times(&mut self.account.timings, &tiers);
        add_time(&mut self.account.timings.judge, started);

        let started = Instant::now();
        for (index, file) in judged.iter().enumerate() {
            if is_finding(file) && self.findings.len() < self.options.findings_max {
                let seen = seen(file, index, &tiers);
                self.findings.add(&planned[index], seen, self.observer)?;
            }
        }
        add_time(&mut self.account.timings.findings, started);
        Ok(())
    }

    /// Counts a program on the account of its source.
    fn count(&mut self, planned: &Planned, index: usize, tiers: &BTreeMap<EngineName, TierRun>) {
        let (Some(source), Some(setting)) = (planned.generated, planned.setting) else {
            return;
        };
        let account = self.account.sources.entry(source.to_string()).or_default();
        let mut runs = tiers.values().filter_map(|run| run.as_ref().ok());
        let first: Option<&FileRun> = runs.next().and_then(|run| run.get(index));
        let reports = first.map_or(&[][..], |run| &run.reports[..]);
        let directives = planned.script.directives.iter();
        let calls = directives.filter(|directive| directive.kind == Kind::Invoke);
        let calls: Vec<usize> = calls.map(|it| it.ordinal as usize).collect();
        let returned = calls.iter().filter(|&&ordinal| {
            let outcome = reports.get(ordinal).map(|report| &report.outcome);
            matches!(outcome, Some(Outcome::Values(_)))
        });
        let returned = returned.count() as u64;
        account.programs += 1;
        account.calls += calls.len() as u64;
        account.returned += returned;
        account.useless += u64::from(returned == 0);
        for word in setting.words() {
            *self.account.settings.entry(word).or_default() += 1;
        }
    }
}

/// The reason to end, if an engine that has run programs cannot run any more: what comes after that
/// would be compared with less than was asked for. An engine that cannot run from the beginning is
/// told at once, and the run goes on without it.
fn lost(
    have_run: &mut BTreeMap<EngineName, bool>,
    tiers: &BTreeMap<EngineName, TierRun>,
    observer: &dyn Observer,
) -> Option<String> {
    let mut reason = None;
    for (&name, run) in tiers {
        match (run, have_run.get(&name)) {
            (Ok(_), _) => {
                have_run.insert(name, true);
            }
            (Err(error), Some(true)) => {
                reason = Some(format!("{name} cannot run any more: {error}"));
            }
            (Err(_), Some(false)) => {}
            (Err(error), None) => {
                observer.warn(&format!("not measured: {name}: {error}"));
                have_run.insert(name, false);
            }
        }
    }
    reason
}

/// Programs of a window that are too few to say that an engine dies in most.
const TOO_FEW_TO_TELL: usize = 8;

/// The reason to end, if an engine has died in more than half of the programs of a window: others
/// would show the same.
fn dying(tiers: &BTreeMap<EngineName, TierRun>) -> Option<String> {
    let died = |file: &&FileRun| {
        let mut outcomes = file.reports.iter().map(|report| &report.outcome);
        outcomes.any(|it| matches!(it, Outcome::Crash(_) | Outcome::Timeout { .. }))
    };
    tiers.iter().find_map(|(name, run)| {
        let files = run.as_ref().ok()?;
        let count = files.iter().filter(died).count();
        let is_most = files.len() > TOO_FEW_TO_TELL && count * 2 > files.len();
        is_most.then(|| format!("{name} died in {count} of {} programs", files.len()))
    })
}

/// True if a file shows a divergence, or one of our own tiers fails in it.
fn is_finding(file: &JudgedFile) -> bool {
    (0..file.directives.len()).any(|ordinal| {
        let diverges = file.comparisons.get(ordinal);
        let diverges = diverges.is_some_and(|(agreement, _)| agreement == Agreement::Diverge);
        let mut verdicts = file.verdicts.values();
        diverges || verdicts.any(|it| it.get(ordinal).is_some_and(|it| it.status.is_failing()))
    })
}

/// What a file shows that was run with others.
fn seen(file: &JudgedFile, index: usize, tiers: &BTreeMap<EngineName, TierRun>) -> Option<Symptom> {
    let reports = tiers.iter().filter_map(|(&name, run)| {
        let run = run.as_ref().ok()?;
        Some((name, &run.get(index)?.reports[..]))
    });
    first_symptom(file, &reports.collect::<Vec<_>>())
}

fn add_time(to: &mut f64, since: Instant) {
    *to = seconds(Duration::from_secs_f64(*to) + since.elapsed());
}

fn add_worker_times(timings: &mut Timings, tiers: &BTreeMap<EngineName, TierRun>) {
    for (&name, run) in tiers {
        let files = run.iter().flatten();
        let micros: u64 = files.map(|file| file.micros).sum();
        *timings.workers.entry(name).or_default() += micros as f64 / 1e6;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::pool::Unavailable;
    use crate::script::Script;

    /// Keeps what it is told.
    #[derive(Default)]
    struct Warned(Mutex<Vec<String>>);

    impl Observer for Warned {
        fn file_done(&self, _: EngineName, _: &Script) {}

        fn warn(&self, message: &str) {
            self.0.lock().expect("no panic").push(message.to_string());
        }
    }

    /// An engine that never ran is told once; one that is lost on the way ends the run.
    #[test]
    fn an_engine_that_is_lost_ends_the_run() {
        let mut have_run = BTreeMap::new();
        let warned = Warned::default();
        let gone = || Err(Unavailable::new("another build"));
        let mut window = |stack: TierRun, jit: TierRun| {
            let tiers = BTreeMap::from([(EngineName::STACK, stack), (EngineName::JIT, jit)]);
            lost(&mut have_run, &tiers, &warned)
        };
        assert_eq!(window(Ok(Vec::new()), gone()), None);
        assert_eq!(window(Ok(Vec::new()), gone()), None);
        let reason = window(gone(), gone()).expect("a reason");
        assert!(
            reason.starts_with("stack cannot run any more: "),
            "{reason}"
        );
        let warned = warned.0.into_inner().expect("no panic");
        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(warned[0].starts_with("not measured: jit: "), "{warned:?}");
    }

    #[test]
    fn an_engine_that_dies_in_most_programs_ends_the_run() {
        let file = |outcome: Outcome| FileRun {
            reports: vec![outcome.into()],
            proof: Default::default(),
            micros: 0,
            incidents: Vec::new(),
        };
        let crash = || file(Outcome::Crash("signal 11".to_string()));
        let window = |crashes: usize, others: usize| {
            let crashes = (0..crashes).map(|_| crash());
            let files = crashes.chain((0..others).map(|_| file(Outcome::Done)));
            dying(&BTreeMap::from([(EngineName::JIT, Ok(files.collect()))]))
        };
        let reason = "jit died in 9 of 16 programs".to_string();
        assert_eq!(window(9, 7), Some(reason));
        assert_eq!(window(8, 8), None);
        assert_eq!(window(1, 0), None);
    }
}
