//! `wassay coverage`: the matrix of opcodes by tiers and operand shapes, measured over a suite.

use std::path::Path;

use super::stdout::print;
use super::{engine_table, this_program};
use crate::cli::CoverageArgs;
use crate::coverage::{Coverage, coverage};
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::judge::expectations::Expectations;
use crate::measure::{Options, jobs_by_default, measure};
use crate::plan;
use crate::pool::Observer;
use crate::present::coverage::{markdown, page};
use crate::present::destination::Destination;
use crate::script::Script;
use crate::thread;

struct Warnings;

impl Observer for Warnings {
    fn file_done(&self, _: EngineName, _: &Script) {}
    fn warn(&self, message: &str) {
        eprintln!("wassay: {message}");
    }
}

/// Answers `wassay coverage`. The exit code is that of the run: a failure does not hide the matrix.
/// What is interrupted writes nothing: its empty cells would be none.
///
/// # Errors
/// If the suite cannot be loaded, or an output cannot be written.
pub fn command(args: &CoverageArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let mut outputs = Vec::new();
    for path in &args.output {
        outputs.push((form(path)?, Destination::open(path)?));
    }
    let selection = args.selection.clone().resolve()?;
    let program = this_program()?;
    let options = Options {
        table: engine_table(&program, &args.tiers, &args.pool)?,
        jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.pool.timeout,
        worker_memory: args.pool.worker_memory,
        ..Options::plain(selection, args.tiers.0.clone(), program)
    };
    thread::start_pool()?;
    let chosen = options.selection.load(options.jobs)?;
    let planned = plan::suite(&chosen.files);
    let expectations = Expectations::embedded()?;
    let report = measure(&options, chosen, &expectations, &Warnings).report;
    for (tier, account) in &report.tiers {
        if let Some(reason) = account.reason.as_ref().filter(|_| !account.available) {
            eprintln!("wassay: {tier} is unavailable: {reason}");
        }
    }
    let measured = coverage(&options, &report, &planned)
        .map_err(|error| InputError::usage(format!("coverage cannot be counted: {error}")))?;
    if interrupt::requested() {
        eprintln!("wassay: interrupted; no matrix is written");
        return Ok(interrupt::exit());
    }
    if outputs.is_empty() {
        print(&markdown(&measured))?;
    }
    for (form, destination) in outputs {
        destination.write(form.text(&measured)?.as_bytes())?;
    }
    Ok(report.exit())
}

/// A form of the matrix.
#[derive(Clone, Copy)]
enum Form {
    Markdown,
    Html,
    Json,
}

/// The form that the ending of a file's name asks for.
fn form(path: &Path) -> Result<Form, InputError> {
    match path.extension().and_then(|it| it.to_str()) {
        Some("md") => Ok(Form::Markdown),
        Some("html") => Ok(Form::Html),
        Some("json") => Ok(Form::Json),
        _ => Err(InputError::usage(format!(
            "{}: the ending is none of .md, .json, .html",
            path.display()
        ))),
    }
}

impl Form {
    fn text(self, coverage: &Coverage) -> Result<String, InputError> {
        Ok(match self {
            Form::Markdown => markdown(coverage),
            Form::Html => page(coverage),
            Form::Json => serde_json::to_string_pretty(coverage)
                .map(|text| text + "\n")
                .map_err(|error| InputError::usage(format!("no JSON of a matrix: {error}")))?,
        })
    }
}
