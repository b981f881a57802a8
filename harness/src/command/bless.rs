//! `wassay bless REPORT`: expectations brought up to date with a report.

use std::io::Write;

use crate::cli::BlessArgs;
use crate::error::{Exit, InputError};
use crate::input::read_text;
use crate::present::destination::Destination;
use crate::report::Report;
use crate::report::bless::{Wishes, bless};

/// Answers `wassay bless`.
///
/// # Errors
/// If the report or the expectations cannot be read, the expectations cannot be written, or new
/// entries have no reason.
pub fn command(args: &BlessArgs) -> Result<Exit, InputError> {
    let report = Report::read(&args.report)?;
    let text = read_text(&args.expectations)?;
    let wishes = Wishes {
        engine: args.engine,
        reason: args.reason.clone(),
        link: args.link.clone(),
    };
    let blessed = bless(&args.expectations, &text, &report, &wishes)?;
    let mut out = std::io::stdout().lock();
    for change in &blessed.changes {
        // If the reader went away there is nobody to tell; the exit code still says it.
        let _ = writeln!(out, "{}: {change}", args.expectations.display());
    }
    let count = blessed.changes.len();
    if args.check {
        let _ = writeln!(out, "{count} changes are due; nothing is written");
        return Ok(match count {
            0 => Exit::AsExpected,
            _ => Exit::Failed,
        });
    }
    if blessed.added > 0
        && wishes
            .reason
            .as_deref()
            .unwrap_or_default()
            .trim()
            .is_empty()
    {
        let message = "failures that are expected from now on need a reason: --reason TEXT";
        return Err(InputError::usage(message));
    }
    if count > 0 {
        let destination = Destination::open(&args.expectations)?;
        destination.write(blessed.text.as_bytes())?;
    }
    let _ = writeln!(out, "{count} changes are written");
    Ok(Exit::AsExpected)
}
