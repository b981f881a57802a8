//! `wassay coverage`: the matrix of opcodes by tiers and operand shapes, measured over a suite.

use std::fs;
use std::path::Path;

use super::stdout::print;
use super::this_program;
use crate::adapter::table::EngineTable;
use crate::cli::CoverageArgs;
use crate::coverage::{Coverage, coverage};
use crate::error::{Exit, InputError};
use crate::judge::expectations::Expectations;
use crate::measure::{Options, Schedule, jobs_by_default, measure};
use crate::plan;
use crate::pool::Observer;
use crate::present::coverage::{markdown, page};
use crate::protocol::Setting;
use crate::protocol::configuration::Configurations;
use crate::script::Script;

struct Warnings;

impl Observer for Warnings {
    fn file_done(&self, _: crate::engine::EngineName, _: &Script) {}
    fn warn(&self, message: &str) {
        eprintln!("wassay: {message}");
    }
}

/// Answers `wassay coverage`. The exit code is that of the run: a failure does not hide the matrix.
///
/// # Errors
/// If the suite cannot be loaded, or an output cannot be written.
pub fn command(args: &CoverageArgs) -> Result<Exit, InputError> {
    let selection = args.selection.clone().resolve()?;
    let options = Options {
        selection,
        tiers: args.tiers.0.clone(),
        jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.pool.timeout,
        worker_memory: args.pool.worker_memory,
        setting: Setting::default(),
        configurations: Configurations::default(),
        schedule: Schedule::default(),
        compare_state: true,
        shapes: None,
        is_lazy: false,
        repeat_with: Vec::new(),
        table: EngineTable::default(),
        program: this_program()?,
    };
    args.output
        .iter()
        .try_for_each(|path| ending(path).map(|_| ()))?;
    let chosen = options.selection.load(options.jobs)?;
    if chosen.files.is_empty() {
        return Ok(Exit::NotMeasured);
    }
    let planned = plan::suite(&chosen.files);
    let expectations = Expectations::embedded()?;
    let report = measure(&options, chosen, &expectations, &Warnings).report;
    let measured = coverage(&report, &planned)
        .map_err(|error| InputError::usage(format!("coverage cannot be counted: {error}")))?;
    if args.output.is_empty() {
        print(&markdown(&measured))?;
    }
    for path in &args.output {
        let text = form(path, &measured)?;
        fs::write(path, text).map_err(|error| InputError::from_error(path, error))?;
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
fn ending(path: &Path) -> Result<Form, InputError> {
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

fn form(path: &Path, coverage: &Coverage) -> Result<String, InputError> {
    Ok(match ending(path)? {
        Form::Markdown => markdown(coverage),
        Form::Html => page(coverage),
        Form::Json => serde_json::to_string_pretty(coverage)
            .map(|text| text + "\n")
            .map_err(|error| InputError::from_error(path, std::io::Error::from(error)))?,
    })
}
