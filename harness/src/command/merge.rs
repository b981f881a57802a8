//! `wassay merge SHARDS`: the report of a whole, from those of its parts.

use std::path::{Path, PathBuf};

use super::stdout::print_styled;
use super::{all_of, destinations, write_reports};
use crate::cli::MergeArgs;
use crate::error::{Exit, InputError};
use crate::present::beside::Beside;
use crate::present::table;
use crate::report::Report;
use crate::report::merge::merge;

/// Answers `wassay merge`: shows the whole as a run shows it, and ends as its run would have.
///
/// # Errors
/// If a report cannot be read, or the reports are not all parts of one run.
pub fn command(args: &MergeArgs) -> Result<Exit, InputError> {
    let read = |path: &PathBuf| Ok((path.to_string_lossy().into_owned(), Report::read(path)?));
    let parts = args
        .files
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, InputError>>()?;
    let whole = merge(&parts).map_err(|error| InputError::usage(error.to_string()))?;
    let inputs: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    let destinations = destinations(&args.report, &inputs)?;
    let written = write_reports(&args.report, destinations, &whole, &Beside::default());
    let shown = print_styled(&table::render(&whole, args.show_failures));
    all_of(vec![written, shown])?;
    Ok(whole.exit())
}
