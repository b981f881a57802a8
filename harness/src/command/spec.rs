//! `wassay spec`: the main job, from a suite to a report.
//!
//! Owns the order of the steps: everything that can be wrong with the request is found before
//! anything runs. [`measure`] is the job itself.

use std::path::PathBuf;
use std::time::SystemTime;

use super::stdout::print_styled;
use super::{all_of, destinations, engine_table, this_program, write_reports};
use crate::cli::{Again, ReportRequest, SpecArgs};
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::judge::expectations::{Expectations, Source};
use crate::listing::failing::{Listings, listings};
use crate::measure::{Measured, Options, Schedule, jobs_by_default, measure};
use crate::plan;
use crate::present::beside::Beside;
use crate::present::destination::Destination;
use crate::present::progress::Progress;
use crate::present::table;
use crate::present::timeline::{Recorder, Timeline};
use crate::report::baseline::{Asked, Baseline};
use crate::report::history::{History, PastRun};
use crate::report::provenance::InputAccount;
use crate::report::repeats::Repeats;
use crate::report::{GateState, Report};
use crate::suite::select::{Chosen, Selection};
use crate::thread;

mod matrix;
mod profile;
mod provenance;
mod rerun;
mod watch;

/// Answers `wassay spec`.
///
/// # Errors
/// If the request cannot be met: what it names cannot be read or written.
pub fn command(args: &SpecArgs) -> Result<Exit, InputError> {
    interrupt::install();
    match run(args) {
        Ok(None) => {}
        Err(_) if interrupt::requested() => {}
        Ok(Some(exit)) => return Ok(exit),
        Err(error) => return Err(error),
    }
    eprintln!("wassay: interrupted; no report is written");
    Ok(interrupt::exit())
}

/// A run that is asked for, with all that it needs.
struct Request<'a> {
    args: &'a SpecArgs,
    options: Options,
    expectations: Expectations,
    reports: Vec<ReportRequest>,
    baseline: Option<Baseline>,
    rerun_from: Option<PathBuf>,
    inputs: Vec<InputAccount>,
}

impl<'a> Request<'a> {
    /// Finds everything that can be wrong before anything runs.
    fn new(args: &'a SpecArgs) -> Result<Request<'a>, InputError> {
        let mut expectations = args.expectations().load()?;
        let mut selection = args.selection.clone().resolve()?;
        let mut reports = args.reports();
        let rerun_from = match args.schedule.rerun {
            Some(Again::Failed) => Some(rerun::select(&mut selection, &mut reports, args)?),
            None => None,
        };
        let program = this_program()?;
        let configurations = args.from.configurations();
        let tiers = matrix::columns(&args.tiers, &args.matrix, &configurations)?;
        let table = engine_table(&program, &tiers, &args.pool)?;
        for name in &tiers.0 {
            if let Some(path) = table.get(*name).and_then(|row| row.expectations.as_ref()) {
                expectations.extend(Expectations::of_engine(path, *name)?);
            }
        }
        let options = Options {
            table,
            selection,
            tiers: tiers.0,
            jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
            timeout: args.pool.timeout,
            seeks_places: true,
            worker_memory: args.pool.worker_memory,
            setting: args.setting.into(),
            configurations,
            schedule: Schedule {
                shuffle: args.schedule.shuffle,
                fail_fast: args.schedule.fail_fast,
            },
            compare_state: !args.no_state,
            shapes: args.shapes.into(),
            is_lazy: false,
            repeat_with: args.repeat_words(),
            program,
        };
        matrix::check_native(&options)?;
        let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
        let mut request = Request {
            args,
            options,
            expectations,
            reports,
            baseline,
            rerun_from,
            inputs: Vec::new(),
        };
        request.inputs = request.inputs()?;
        Ok(request)
    }

    /// Runs files, as often as is asked for; the report is that of the first run.
    fn measure(&self, chosen: &Chosen) -> (Measured, Timeline) {
        let progress = Progress::new(chosen, self.options.tiers.len());
        let recorder = Recorder::new(&progress);
        let began = SystemTime::now();
        let run = || measure(&self.options, chosen.clone(), &self.expectations, &recorder);
        let mut measured = run();
        if self.args.schedule.repeat > 1 {
            let mut repeats = Repeats::new(&measured.report);
            for _ in 1..self.args.schedule.repeat {
                if interrupt::requested() {
                    break;
                }
                repeats.add(&run().report);
            }
            measured.report.add_repeats(repeats);
        }
        if let Some(baseline) = &self.baseline {
            baseline.excuse(&mut measured.report);
        }
        if self.args.report_only {
            measured.report.gate.state = GateState::ReportOnly;
        }
        let report = &mut measured.report;
        report.run.provenance = Some(self.provenance(began, report));
        let timeline = recorder.finish();
        progress.finish();
        (measured, timeline)
    }

    /// Loads what is chosen.
    fn load(&self, selection: &Selection) -> Result<Chosen, InputError> {
        let chosen = selection.load(self.options.jobs)?;
        if let Some(baseline) = &self.baseline {
            let files = chosen.files.iter();
            baseline.check(&Asked {
                revision: &chosen.revision,
                tiers: &self.options.tiers,
                files: files.map(|file| file.script.path.as_str()).collect(),
                settings: (
                    self.options.setting.to_string(),
                    self.options.configurations_used(),
                ),
            })?;
        }
        Ok(chosen)
    }

    /// The functions in which directives failed, if a report shows them.
    fn listings(&self, report: &Report) -> Option<Listings> {
        if !self.reports.iter().any(|it| it.presenter.shows_code()) {
            return None;
        }
        let listed = listings(
            report,
            &self.options.selection,
            &self.options.configurations,
        );
        let told = listed.inspect_err(|error| {
            eprintln!("wassay: failures are shown without the code of their functions: {error}");
        });
        told.ok()
    }

    /// Shows what came of a run.
    fn show(&self, measured: &Measured) -> Result<(), InputError> {
        show(measured, &self.args.expectations(), self.args.show_failures)
    }
}

/// Makes a run again that a report records; nothing is shown or written.
///
/// # Errors
/// As for the run.
pub(super) fn run_again(args: &SpecArgs) -> Result<Report, InputError> {
    let request = Request::new(args)?;
    thread::start_pool()?;
    let chosen = request.load(&request.options.selection)?;
    Ok(request.measure(&chosen).0.report)
}

/// Runs and reports; gives nothing if it is interrupted before it runs anything.
fn run(args: &SpecArgs) -> Result<Option<Exit>, InputError> {
    let request = Request::new(args)?;
    if args.schedule.watch {
        thread::start_pool()?;
        return watch::watch(&request).map(Some);
    }
    let destinations = destinations(&request.reports, &args.inputs())?;
    let profile = args.is_profiled.then(|| profile::Outputs::open(args));
    let profile = profile.transpose()?;
    let history = args.history.as_deref().map(History::open).transpose()?;
    thread::start_pool()?;
    let chosen = request.load(&request.options.selection)?;
    if interrupt::requested() {
        return Ok(None);
    }
    let (measured, timeline) = request.measure(&chosen);
    let beside = Beside {
        timeline,
        earlier: history.iter().flat_map(History::earlier).cloned().collect(),
        listings: request.listings(&measured.report),
    };
    let files = chosen.files;
    let destinations = match measured.report.run.interrupted {
        true => destinations.into_iter().map(Destination::partial).collect(),
        false => destinations,
    };
    let written = write_reports(&request.reports, destinations, &measured.report, &beside);
    let history = history.filter(|_| measured.report.is_measured());
    let added = history.map_or(Ok(()), |history| {
        history.append(&PastRun::new(&measured.report, SystemTime::now()))
    });
    let shown = request.show(&measured);
    let is_whole = !measured.report.run.interrupted;
    let profiled = profile.filter(|_| is_whole).map_or(Ok(()), |outputs| {
        let planned = plan::suite(&files);
        outputs.write(
            &request.options,
            &planned,
            &measured.report,
            &beside.timeline,
        )
    });
    all_of(vec![written, added, shown, profiled])?;
    if measured.report.run.interrupted {
        let reports = match request.reports.len() {
            0 => "",
            _ => "; reports are beside their places, as FILE.partial",
        };
        eprintln!("wassay: interrupted; what was not run counts as not_run{reports}");
        return Ok(Some(interrupt::exit()));
    }
    Ok(Some(measured.exit()))
}

/// Prints whatever a user must know, then the table, whose last line says what follows.
fn show(measured: &Measured, expectations: &Source, failures_max: usize) -> Result<(), InputError> {
    let usage = &measured.expectations;
    // The embedded ones are for every suite, so that some never have a use here.
    let unused = match expectations {
        Source::Embedded => &[][..],
        Source::File(_) => usage.unused.as_slice(),
    };
    for entry in usage.stale.iter().chain(unused) {
        eprintln!("wassay: {}: {entry}", expectations.name());
    }
    for error in &measured.unreadable {
        eprintln!("wassay: {error}");
    }
    print_styled(&table::render(&measured.report, failures_max))
}
