//! `wassay spec`: the main job, from a suite to a report.
//!
//! Owns the order of the steps: everything that can be wrong with the request is found before
//! anything runs. [`measure`] is the job itself.

use std::io::Write;

use super::{destinations, engine_table, this_program, write_reports};
use crate::cli::SpecArgs;
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::judge::expectations::{Expectations, Source};
use crate::measure::{Measured, Options, jobs_by_default, measure};
use crate::present::destination::Destination;
use crate::present::progress::Progress;
use crate::present::table;
use crate::present::timeline::Recorder;
use crate::protocol::{Profile, Setting};
use crate::thread;

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
    Ok(interrupt::INTERRUPTED)
}

/// Runs and reports; gives nothing if it is interrupted before it runs anything.
fn run(args: &SpecArgs) -> Result<Option<Exit>, InputError> {
    let requests = args.reports();
    let destinations = destinations(&requests)?;
    let mut expectations = args.expectations().load()?;
    let program = this_program()?;
    let table = engine_table(&program, &args.tiers, &args.pool)?;
    for name in &args.tiers.0 {
        if let Some(path) = table.get(*name).and_then(|row| row.expectations.as_ref()) {
            expectations.extend(Expectations::of_engine(path, *name)?);
        }
    }
    check_profile(args)?;
    let options = Options {
        table,
        selection: args.selection.clone(),
        tiers: args.tiers.0.clone(),
        jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.pool.timeout,
        worker_memory: args.pool.worker_memory,
        setting: Setting {
            bounds: args.bounds,
            profile: args.profile,
            modes: args.modes.into(),
        },
        compare_state: !args.no_state,
        shapes: args.shapes.into(),
        is_lazy: false,
        repeat_with: args.repeat_words(),
        program,
    };
    thread::start_pool()?;
    let chosen = options.selection.load(options.jobs)?;
    if interrupt::requested() {
        return Ok(None);
    }
    let progress = Progress::new(&chosen, options.tiers.len());
    let recorder = Recorder::new(&progress);
    let measured = measure(&options, chosen, &expectations, &recorder);
    let timeline = recorder.finish();
    progress.finish();
    let destinations = match measured.report.run.interrupted {
        true => destinations.into_iter().map(Destination::partial).collect(),
        false => destinations,
    };
    let written = write_reports(&requests, destinations, &measured.report, &timeline);
    show(&measured, &args.expectations(), args.show_failures);
    written?;
    if measured.report.run.interrupted {
        let reports = match requests.len() {
            0 => "",
            _ => "; reports are beside their places, as FILE.partial",
        };
        eprintln!("wassay: interrupted; what was not run counts as not_run{reports}");
        return Ok(Some(interrupt::INTERRUPTED));
    }
    Ok(Some(measured.exit()))
}

/// Refuses a native profile without the tier that tells where results are open.
fn check_profile(args: &SpecArgs) -> Result<(), InputError> {
    let own = args.tiers.0.iter().filter(|name| name.tier().is_some());
    let is_told = args.tiers.0.contains(&EngineName::STACK);
    if args.profile == Profile::Deterministic || own.count() < 2 || is_told {
        return Ok(());
    }
    Err(InputError::usage(
        "--profile native compares tiers only beside the stack tier, which tells where the \
         specification allows several results: add `stack` to --engines",
    ))
}

/// Prints the table, then whatever else a user must know.
fn show(measured: &Measured, expectations: &Source, failures_max: usize) {
    let table = table::render(&measured.report, failures_max);
    // If the reader went away there is nobody to tell; the exit code still says it.
    let _ = anstream::stdout().write_all(table.as_bytes());
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
