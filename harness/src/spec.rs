//! `wassay spec`: the main job, from a suite to a report.
//!
//! Owns the order of the steps: everything that can be wrong with the request is found before
//! anything runs; then select, run, judge, compare, expect, account, write. [`measure`] is the job
//! itself, for the command and for `cargo test --test spec` alike.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::cli::SpecArgs;
use crate::compare::{Comparer, Entry};
use crate::error::{Exit, InputError};
use crate::expectations::{Expectations, Source, Use};
use crate::judge::judge;
use crate::outcome::Report as Seen;
use crate::pool::launch::program_for;
use crate::pool::{self, FileRun, Interrupted, Observer, Settings, Task, TierRun, interrupt};
use crate::protocol::{Bounds, JobConfig, Modes, Profile};
use crate::report::atomic::Destination;
use crate::report::build::{JudgedFile, TierState, build};
use crate::report::shapes::ShapesAccount;
use crate::report::table::{self, Color};
use crate::report::{Report, Run};
use crate::script::{Directive, Kind};
use crate::select::{Chosen, ChosenFile, Selection};
use crate::shapes;
use crate::terminal::Progress;
use crate::tier::Tier;
use crate::verdict::{Comparison, Status};

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The files.
    pub selection: Selection,
    /// The tiers.
    pub tiers: Vec<Tier>,
    /// Files run at the same time.
    pub jobs: usize,
    /// How long one directive may take.
    pub timeout: Duration,
    /// The most bytes that a worker may hold in memory; 0 is no limit.
    pub worker_memory: u64,
    /// How memory accesses are checked.
    pub bounds: Bounds,
    /// What engines do where the spec leaves a result open.
    pub profile: Profile,
    /// What the engines do beyond running the code.
    pub modes: Modes,
    /// Whether the state is compared after each action.
    pub compare_state: bool,
    /// Whether numeric assertions are repeated in all operand shapes.
    pub shapes: bool,
    /// The program `wassay` for this host, which is started as the worker.
    pub program: PathBuf,
}

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The account.
    pub report: Report,
    /// What became of the expectations.
    pub expectations: Use,
    /// Directives that could not be read, though no expectation says so.
    pub unreadable: Vec<InputError>,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What was asked for cannot be done.
    Input(InputError),
    /// Ctrl-C.
    Interrupted,
}

impl From<InputError> for Stopped {
    fn from(error: InputError) -> Stopped {
        Stopped::Input(error)
    }
}

impl From<Interrupted> for Stopped {
    fn from(Interrupted: Interrupted) -> Stopped {
        Stopped::Interrupted
    }
}

impl Measured {
    /// How the command ends: bad input before what was not measured, and that before failures.
    pub fn exit(&self) -> Exit {
        let report = &self.report;
        let nothing = report.accounting.directives == 0;
        let mut tiers = report.tiers.values();
        if !self.unreadable.is_empty() {
            Exit::BadInput
        } else if nothing
            || !report.accounting.closed
            || !tiers.all(|tier| tier.available)
            || !report
                .shapes
                .as_ref()
                .is_none_or(ShapesAccount::is_measured)
        {
            Exit::NotMeasured
        } else if !report.gate.regressions.is_empty() {
            Exit::Failed
        } else {
            Exit::AsExpected
        }
    }
}

/// Answers `wassay spec`.
///
/// # Errors
/// If the request cannot be met: what it names cannot be read or written.
pub fn command(args: &SpecArgs) -> Result<Exit, InputError> {
    let destinations = args
        .report
        .iter()
        .map(|request| Destination::open(&request.path));
    let destinations = destinations.collect::<Result<Vec<_>, _>>()?;
    let expectations = args.expectations().load()?;
    let program = std::env::current_exe()
        .map_err(|error| InputError::usage(format!("this program has no path: {error}")))?;
    let options = Options {
        selection: args.selection.clone(),
        tiers: args.tiers.0.clone(),
        jobs: args.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.timeout,
        worker_memory: args.worker_memory.unwrap_or(0),
        bounds: args.bounds.into(),
        profile: args.profile,
        modes: args.modes.into(),
        compare_state: !args.no_state,
        shapes: args.shapes,
        program,
    };
    interrupt::install();
    let chosen = options.selection.load(options.jobs)?;
    let progress = Progress::new(&chosen, options.tiers.len());
    let measured = measure(&options, chosen, &expectations, &progress);
    progress.finish();
    let measured = match measured {
        Ok(measured) => measured,
        Err(Stopped::Input(error)) => return Err(error),
        Err(Stopped::Interrupted) => {
            eprintln!("wassay: interrupted; no report is written");
            return Ok(interrupt::INTERRUPTED);
        }
    };
    let json = measured.report.to_json();
    for destination in destinations {
        destination.write(json.as_bytes())?;
    }
    show(&measured, &args.expectations());
    Ok(measured.exit())
}

/// As many jobs as there are processors.
pub fn jobs_by_default() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Prints the table, then whatever else a user must know.
fn show(measured: &Measured, expectations: &Source) {
    let table = table::render(&measured.report, Color::for_stdout());
    // If the reader went away there is nobody to tell; the exit code still says it.
    let _ = std::io::stdout().write_all(table.as_bytes());
    let usage = &measured.expectations;
    // The embedded ones are for every suite, so that some never have a use here.
    let unused = match expectations {
        Source::Embedded => &[][..],
        Source::File(_) => usage.unused.as_slice(),
    };
    for entry in usage.stale.iter().chain(unused) {
        eprintln!("wassay: {}: {entry}", expectations.name());
    }
    if measured.report.accounting.directives == 0 {
        eprintln!("wassay: nothing was selected");
    }
    for error in &measured.unreadable {
        eprintln!("wassay: {error}");
    }
}

/// Runs, judges, compares and accounts.
///
/// # Errors
/// When it is interrupted.
pub fn measure(
    options: &Options,
    chosen: Chosen,
    expectations: &Expectations,
    observer: &dyn Observer,
) -> Result<Measured, Stopped> {
    let started = Instant::now();
    let tiers = run_tiers(options, &chosen, observer)?;
    let states = tiers.iter().map(state_of).collect();
    let mut files: Vec<JudgedFile> = (0..chosen.files.len())
        .into_par_iter()
        .map(|index| judge_file(&chosen.files[index], index, &tiers, options.profile))
        .collect();
    let shapes = match options.shapes {
        true => Some(shapes::run(options, &chosen.files, observer)?),
        false => None,
    };
    let usage = expectations.apply(&mut files, options.selection.is_whole_suite());
    let run = Run {
        version: env!("CARGO_PKG_VERSION").to_string(),
        suite: chosen.suite,
        suite_revision: chosen.revision,
        selection: chosen.selection,
        host: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        jobs: options.jobs,
        bounds: options.bounds,
        profile: options.profile,
        modes: options.modes,
        state_compared: options.compare_state && options.tiers.len() > 1,
        seconds: seconds(started.elapsed()),
    };
    let mut report = build(run, &states, &files);
    if let Some(shapes) = shapes {
        shapes::add_regressions(&mut report.gate, &shapes);
        report.shapes = Some(shapes);
    }
    Ok(Measured {
        report,
        expectations: usage,
        unreadable: unreadable(&options.selection, &files),
    })
}

/// Seconds with as many digits as anyone reads.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

/// Runs the chosen files in the chosen tiers.
fn run_tiers(
    options: &Options,
    chosen: &Chosen,
    observer: &dyn Observer,
) -> Result<BTreeMap<Tier, TierRun>, Interrupted> {
    let tasks: Vec<Task<'_>> = chosen
        .files
        .iter()
        .map(|file| Task {
            script: &file.script,
            config: JobConfig {
                features: file.features,
                bounds: options.bounds,
                hash_state: options.compare_state && options.tiers.len() > 1,
                profile: options.profile,
                modes: options.modes,
                memory_bytes_max: options.worker_memory,
            },
            skipped: file.skipped.clone(),
        })
        .collect();
    let programs = options.tiers.iter();
    let programs = programs.map(|&tier| (tier, program_for(tier, &options.program)));
    let settings = Settings {
        jobs: options.jobs,
        timeout: options.timeout,
    };
    pool::run(&tasks, &programs.collect(), &settings, observer)
}

fn state_of((&tier, run): (&Tier, &TierRun)) -> (Tier, TierState) {
    let mut proof = crate::outcome::Proof::default();
    for file in run.iter().flatten() {
        proof.add(&file.proof);
    }
    let state = TierState {
        unavailable: run.as_ref().err().cloned(),
        proof: proof.into(),
    };
    (tier, state)
}

/// Judges a file's outcomes in every available tier, and compares the tiers.
fn judge_file(
    file: &ChosenFile,
    index: usize,
    tiers: &BTreeMap<Tier, TierRun>,
    profile: Profile,
) -> JudgedFile {
    let runs = tiers
        .iter()
        .filter_map(|(&tier, run)| Some((tier, run.as_ref().ok()?.get(index)?)));
    let runs: BTreeMap<Tier, &FileRun> = runs.collect();
    let verdicts = runs.iter().map(|(&tier, run)| {
        let verdict = |(ordinal, directive)| {
            let seen: Option<&Seen> = run.reports.get(ordinal);
            seen.map(|seen| judge(directive, &seen.outcome))
        };
        (
            tier,
            file.script
                .directives
                .iter()
                .enumerate()
                .map(verdict)
                .collect(),
        )
    });
    JudgedFile {
        verdicts: verdicts.collect(),
        comparisons: compare_file(&file.script.directives, &runs, profile),
        script: file.script.clone(),
        proposal: file.proposal.name().to_string(),
        seconds: runs.values().map(|run| run.micros).sum::<u64>() as f64 / 1e6,
    }
}

/// Compares the tiers directive by directive; what one leaves behind matters for the next.
fn compare_file(
    directives: &[Directive],
    runs: &BTreeMap<Tier, &FileRun>,
    profile: Profile,
) -> Vec<Comparison> {
    let mut comparer = Comparer::new(profile);
    let compared = directives.iter().enumerate().map(|(ordinal, directive)| {
        let entries = runs.iter();
        let entries = entries.filter_map(|(&tier, run)| Some((tier, run.reports.get(ordinal)?)));
        comparer.next(directive, &entries.collect::<Vec<Entry<'_>>>())
    });
    compared.collect()
}

/// The directives that could not be read, though no expectation says so: bad input, of which the
/// user is to hear file and line.
fn unreadable(selection: &Selection, files: &[JudgedFile]) -> Vec<InputError> {
    let mut errors = Vec::new();
    for file in files {
        for directive in &file.script.directives {
            let mut verdicts = file.verdicts.values();
            let failed = verdicts.find_map(|verdicts| {
                let verdict = verdicts.get(directive.ordinal as usize)?.as_ref()?;
                (verdict.status == Status::Fail).then_some(verdict)
            });
            if let (Kind::Unreadable, Some(verdict)) = (directive.kind, failed) {
                let path = selection.path_of(&file.script.path);
                let line = directive.line as usize;
                errors.push(InputError::at_line(&path, line, verdict.detail.clone()));
            }
        }
    }
    errors
}
