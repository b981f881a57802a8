//! `wassay render REPORT`: a JSON report in other formats.

use super::stdout::print_styled;
use super::{destinations, write_reports};
use crate::cli::RenderArgs;
use crate::error::{Exit, InputError};
use crate::present::beside::Beside;
use crate::present::table;
use crate::report::Report;
use crate::report::history::read;

/// Answers `wassay render`.
///
/// # Errors
/// If the report is missing, corrupt or of another schema, or a format cannot be written.
pub fn command(args: &RenderArgs) -> Result<Exit, InputError> {
    let report = Report::read(&args.file)?;
    let destinations = destinations(&args.report, &[&args.file])?;
    if args.report.is_empty() {
        print_styled(&table::render(&report, args.show_failures))?;
    }
    // Times and modules are not in a report.
    let mut earlier = args.history.as_deref().map_or(Ok(Vec::new()), read)?;
    if let Some(provenance) = &report.run.provenance {
        earlier.retain(|past| past.date < provenance.date);
    }
    let beside = Beside {
        earlier,
        ..Beside::default()
    };
    write_reports(&args.report, destinations, &report, &beside)?;
    Ok(Exit::AsExpected)
}
