//! `wassay merge SHARDS`: the report of a whole, from those of its parts.

use std::io::Write;

use super::{destinations, write_reports};
use crate::cli::MergeArgs;
use crate::error::{Exit, InputError};
use crate::present::table;
use crate::present::timeline::Timeline;
use crate::report::Report;
use crate::report::merge::merge;

/// Answers `wassay merge`: shows the whole as a run shows it, and ends as its run would have.
///
/// # Errors
/// If a report cannot be read, or the reports are not all parts of one run.
pub fn command(args: &MergeArgs) -> Result<Exit, InputError> {
    let read =
        |path: &std::path::PathBuf| Ok((path.to_string_lossy().into_owned(), Report::read(path)?));
    let parts = args
        .files
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, InputError>>()?;
    let whole = merge(&parts).map_err(|error| InputError::usage(error.to_string()))?;
    let destinations = destinations(&args.report)?;
    let written = write_reports(&args.report, destinations, &whole, &Timeline::default());
    let table = table::render(&whole, args.show_failures);
    // If the reader went away there is nobody to tell; the exit code still says it.
    let _ = anstream::stdout().write_all(table.as_bytes());
    written?;
    Ok(whole.exit())
}
