//! `wassay render REPORT`: a JSON report in other formats.

use std::io::Write;

use super::{destinations, write_reports};
use crate::cli::RenderArgs;
use crate::error::{Exit, InputError};
use crate::present::table;
use crate::present::timeline::Timeline;
use crate::report::Report;

/// Answers `wassay render`.
///
/// # Errors
/// If the report is missing, corrupt or of another schema, or a format cannot be written.
pub fn command(args: &RenderArgs) -> Result<Exit, InputError> {
    let report = Report::read(&args.file)?;
    if args.report.is_empty() {
        let table = table::render(&report, args.show_failures);
        // If the reader went away there is nobody to tell.
        let _ = anstream::stdout().write_all(table.as_bytes());
    }
    let destinations = destinations(&args.report)?;
    // The times of a run are not in its report.
    write_reports(&args.report, destinations, &report, &Timeline::default())?;
    Ok(Exit::AsExpected)
}
