//! The commands: a file for each.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::adapter::guard;
use crate::adapter::table::EngineTable;
use crate::cli::config::{ParseError, parse};
use crate::cli::{Command, GuardArgs, PoolArgs, ReportRequest};
use crate::closed::is_open;
use crate::engine::{EngineList, EngineName};
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::pool::{Observer, launch};
use crate::present::beside::Beside;
use crate::present::destination::Destination;
use crate::report::Report;
use crate::script::Script;

pub mod bless;
pub mod compare;
pub mod coverage;
pub mod diff;
pub mod engine;
pub mod explain;
pub mod fuzz;
pub mod history;
mod imports;
pub mod inspect;
pub mod list;
pub mod merge;
mod module;
pub mod profile;
mod provenance;
pub mod reduce;
pub mod render;
pub mod run;
pub mod spec;
mod stdout;
mod tree;
pub mod validate;
pub mod verify;
pub mod wasi_suite;

/// Runs the program: parses the command line, answers it, and gives the exit code.
pub fn main() -> Exit {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match parse(&words) {
        Ok(cli) => cli,
        Err(ParseError::File(error)) => {
            eprintln!("wassay: {error}");
            return Exit::BadInput;
        }
        Err(ParseError::Options(error, profiles)) => {
            // Help and version are not errors and go to stdout.
            let printed = match error.use_stderr() {
                true => error.print(),
                false => is_open().and_then(|()| error.print()),
            };
            let printed = stdout::written(printed);
            if !profiles.is_empty() {
                eprintln!(
                    "wassay: there are also the options of {}",
                    profiles.join(" and ")
                );
            }
            return match printed {
                Ok(()) if !error.use_stderr() => Exit::AsExpected,
                Ok(()) => Exit::BadInput,
                Err(error) => {
                    eprintln!("wassay: {error}");
                    Exit::BadInput
                }
            };
        }
    };
    match answer(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("wassay: {error}");
            match interrupt::requested() {
                true => interrupt::exit(),
                false => Exit::BadInput,
            }
        }
    }
}

/// The path of this program.
fn this_program() -> Result<PathBuf, InputError> {
    std::env::current_exe()
        .map_err(|error| InputError::usage("this program has no path").because(error))
}

/// An observer of the pool that shows warnings alone.
struct Warnings;

impl Observer for Warnings {
    fn file_done(&self, _: EngineName, _: &Script) {}
    fn warn(&self, message: &str) {
        eprintln!("wassay: {message}");
    }
}

/// The table of the engines of other makers among those that are named.
fn engine_table(
    program: &Path,
    engines: &EngineList,
    pool: &PoolArgs,
) -> Result<EngineTable, InputError> {
    // The shipped table is not looked at where it is not needed: it may be that of another version.
    let is_needed =
        !pool.engine_table.is_empty() || engines.0.iter().any(|name| name.tier().is_none());
    let table = match is_needed {
        true => EngineTable::load(program, &pool.engine_table)?,
        false => EngineTable::default(),
    };
    engines.0.iter().try_for_each(|name| table.check(*name))?;
    Ok(table)
}

/// The files of the reports that are asked for, open before anything runs. None of them is one of
/// `inputs`, which are read, or is in a folder of them and a script or configuration.
fn destinations(
    requests: &[ReportRequest],
    inputs: &[&Path],
) -> Result<Vec<Destination>, InputError> {
    let mut open: Vec<Destination> = Vec::new();
    for ReportRequest { path, .. } in requests {
        let destination = Destination::open(path)?;
        check_input(&destination, path, inputs)?;
        if open.iter().any(|other| other.is_same(&destination)) {
            let message = "two reports are to be written here, of which one would be lost";
            return Err(InputError::at(path, message));
        }
        open.push(destination);
    }
    Ok(open)
}

/// Refuses a destination that would replace what is read.
fn check_input(destination: &Destination, path: &Path, inputs: &[&Path]) -> Result<(), InputError> {
    let is_of_suite = |folder: &Path| {
        let extension = destination.path().extension();
        let is_read = extension.is_some_and(|it| it == "toml" || it.eq_ignore_ascii_case("wast"));
        let folder = std::fs::canonicalize(folder);
        is_read
            && destination.path().exists()
            && folder.is_ok_and(|it| destination.path().starts_with(it))
    };
    let is_read =
        |input: &&&Path| destination.replaces(input) || (input.is_dir() && is_of_suite(input));
    match inputs.iter().find(is_read) {
        Some(input) => {
            let message = format!("this is read as input ({})", input.display());
            Err(InputError::at(path, message))
        }
        None => Ok(()),
    }
}

/// Writes the reports. One that cannot be written keeps no other from being written.
fn write_reports(
    requests: &[ReportRequest],
    destinations: Vec<Destination>,
    report: &Report,
    beside: &Beside,
) -> Result<(), InputError> {
    let reports = requests.iter().zip(destinations);
    let written = reports.map(|(request, destination)| {
        destination.write(request.presenter.render(report, beside).as_bytes())
    });
    all_of(written.collect())
}

/// Success if all of the results are; else the last error, and the others are told, each once.
fn all_of(results: Vec<Result<(), InputError>>) -> Result<(), InputError> {
    let mut errors: Vec<InputError> = results.into_iter().filter_map(Result::err).collect();
    let last = errors.pop();
    errors.retain(|error| Some(error) != last.as_ref());
    for error in errors {
        eprintln!("wassay: {error}");
    }
    last.map_or(Ok(()), Err)
}

fn answer(command: Command) -> Result<Exit, InputError> {
    match command {
        Command::Spec(args) => spec::command(&args),
        Command::Fuzz(args) => fuzz::command(&args),
        Command::Reduce(args) => reduce::command(&args),
        Command::Compare(args) => compare::command(&args),
        Command::Merge(args) => merge::command(&args),
        Command::History(args) => history::command(&args),
        Command::Bless(args) => bless::command(&args),
        Command::Render(args) => render::command(&args),
        Command::Verify(args) => verify::command(&args),
        Command::Run(args) => {
            launch::adapt_to_host();
            run::command(&args)
        }
        Command::Profile(mut args) => {
            launch::adapt_to_host();
            profile::command(&mut args)
        }
        Command::Diff(args) => diff::command(&args),
        Command::WasiSuite(args) => wasi_suite::command(&args),
        Command::Explain(args) => explain::command(&args),
        Command::List(args) => list::command(&args),
        Command::Coverage(args) => coverage::command(&args),
        Command::Inspect(args) => inspect::command(&args),
        Command::Validate(args) => validate::command(&args),
        Command::Engine(args) => engine::command(&args.command),
        Command::Guard(GuardArgs {}) => Ok(guard::command()),
        Command::Worker(args) => Ok(crate::worker::command(args.tier, &args.cell, &args.host)),
    }
}
