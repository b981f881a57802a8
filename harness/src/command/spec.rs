//! `wassay spec`: the main job, from a suite to a report.
//!
//! Owns the order of the steps: everything that can be wrong with the request is found before
//! anything runs. [`measure`] is the job itself.

use std::io::Write;

use super::this_program;
use crate::adapter::table::EngineTable;
use crate::cli::SpecArgs;
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::judge::expectations::{Expectations, Source};
use crate::measure::{Measured, Options, Stopped, jobs_by_default, measure};
use crate::present::destination::Destination;
use crate::present::progress::Progress;
use crate::present::table;
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

/// Runs and reports; gives nothing if it is interrupted.
fn run(args: &SpecArgs) -> Result<Option<Exit>, InputError> {
    let destinations = args
        .report
        .iter()
        .map(|request| Destination::open(&request.path));
    let destinations = destinations.collect::<Result<Vec<_>, _>>()?;
    let mut expectations = args.expectations().load()?;
    let program = this_program()?;
    // The shipped table is not looked at where it is not needed: it may be that of another version.
    let is_needed =
        !args.engine_table.is_empty() || args.tiers.0.iter().any(|name| name.tier().is_none());
    let table = match is_needed {
        true => EngineTable::load(&program, &args.engine_table)?,
        false => EngineTable::default(),
    };
    args.tiers
        .0
        .iter()
        .try_for_each(|name| table.check(*name))?;
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
        jobs: args.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.timeout,
        worker_memory: args.worker_memory,
        setting: Setting {
            bounds: args.bounds,
            profile: args.profile,
            modes: args.modes.into(),
        },
        compare_state: !args.no_state,
        shapes: args.shapes,
        program,
    };
    thread::start_pool()?;
    let chosen = options.selection.load(options.jobs)?;
    if interrupt::requested() {
        return Ok(None);
    }
    let progress = Progress::new(&chosen, options.tiers.len());
    let measured = measure(&options, chosen, &expectations, &progress);
    progress.finish();
    let measured = match measured {
        Ok(measured) => measured,
        Err(Stopped::Input(error)) => return Err(error),
        Err(Stopped::Interrupted) => return Ok(None),
    };
    // A report that cannot be written hides neither the others nor the results.
    let reports = args.report.iter().zip(destinations);
    let written = reports.map(|(request, destination)| {
        let text = request.presenter.render(&measured.report);
        destination.write(text.as_bytes())
    });
    let written: Vec<Result<(), InputError>> = written.collect();
    show(&measured, &args.expectations());
    written.into_iter().collect::<Result<(), _>>()?;
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
fn show(measured: &Measured, expectations: &Source) {
    let table = table::render(&measured.report);
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
