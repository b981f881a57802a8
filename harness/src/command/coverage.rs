//! `wassay coverage`: the matrix of opcodes by tiers and operand shapes, measured over a suite.

use std::path::{Path, PathBuf};

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::stdout::print;
use super::{Warnings, engine_table, this_program};
use crate::cli::CoverageArgs;
use crate::coverage::{Coverage, coverage};
use crate::error::{Exit, InputError};
use crate::input::read_text;
use crate::interrupt;
use crate::judge::expectations::Expectations;
use crate::measure::{Options, ShapeOptions, jobs_by_default, measure};
use crate::plan;
use crate::present::coverage::{markdown, page};
use crate::present::destination::Destination;
use crate::thread;

/// Lines of a difference that are shown.
const CHANGES_MAX: usize = 40;

/// Answers `wassay coverage`. The exit code is that of the run: a failure does not hide the matrix.
/// What is interrupted writes nothing: its empty cells would be none.
///
/// # Errors
/// If the suite cannot be loaded, or an output cannot be written.
pub fn command(args: &CoverageArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let outputs: Result<Vec<Output>, InputError> = args
        .output
        .iter()
        .map(|path| Output::open(path, args.check))
        .collect();
    let outputs = outputs?;
    let selection = args.selection.clone().resolve()?;
    let program = this_program()?;
    let options = Options {
        table: engine_table(&program, &args.tiers, &args.pool)?,
        jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.pool.timeout,
        worker_memory: args.pool.worker_memory,
        shapes: args.shapes_by_tier.then(ShapeOptions::default),
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
    let mut is_same = true;
    for output in outputs {
        is_same &= output.put(&measured)?;
    }
    Ok(match report.exit() {
        Exit::AsExpected if !is_same => Exit::Failed,
        exit => exit,
    })
}

/// A file of the matrix.
enum Output {
    /// It is written.
    Written(Form, Destination),
    /// It is compared with what was measured, line by line.
    Compared(Form, PathBuf, String),
}

impl Output {
    fn open(path: &Path, is_compared: bool) -> Result<Output, InputError> {
        let form = form(path)?;
        Ok(match is_compared {
            true => Output::Compared(form, path.to_path_buf(), read_text(path)?),
            false => Output::Written(form, Destination::open(path)?),
        })
    }

    /// Writes the matrix, or tells in what the file is another one; true if it is the same then.
    fn put(self, measured: &Coverage) -> Result<bool, InputError> {
        let (form, path, old) = match self {
            Output::Written(form, destination) => {
                destination.write(form.text(measured)?.as_bytes())?;
                return Ok(true);
            }
            Output::Compared(form, path, old) => (form, path, old),
        };
        let new = form.text(measured)?;
        let lines = changed_lines(&old, &new);
        let shown: String = lines.iter().take(CHANGES_MAX).map(String::as_str).collect();
        let more = match lines.len().saturating_sub(CHANGES_MAX) {
            0 => String::new(),
            more => format!("and {more} more lines\n"),
        };
        let said = match lines.is_empty() {
            true => "it is what was measured",
            false => "it is not what was measured",
        };
        print(&format!("{}: {said}\n{shown}{more}", path.display()))?;
        Ok(lines.is_empty())
    }
}

/// The lines of two texts in which they differ: those of the first one with `-`, of the second `+`.
fn changed_lines(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut lines = Vec::new();
    for change in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (tag, before, after) = change.as_tag_tuple();
        if tag != DiffTag::Equal {
            lines.extend(old[before].iter().map(|line| format!("-{line}\n")));
            lines.extend(new[after].iter().map(|line| format!("+{line}\n")));
        }
    }
    lines
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
