//! `wassay bless REPORT`: expectations brought up to date with a report.

use super::stdout::print;
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
    let file = args.expectations.display();
    let changes = blessed.changes.iter();
    let told: String = changes.map(|it| format!("{file}: {it}\n")).collect();
    let count = blessed.changes.len();
    if args.check {
        print(&format!(
            "{told}{count} changes are due; nothing is written\n"
        ))?;
        return Ok(match count {
            0 => Exit::AsExpected,
            _ => Exit::Failed,
        });
    }
    let reason = wishes.reason.as_deref().unwrap_or_default();
    if blessed.added > 0 && reason.trim().is_empty() {
        print(&told)?;
        let message = "failures that are expected from now on need a reason: --reason TEXT";
        return Err(InputError::usage(message));
    }
    if count > 0 {
        let destination = Destination::open(&args.expectations)?;
        destination.write(blessed.text.as_bytes())?;
    }
    print(&format!("{told}{count} changes are written\n"))?;
    Ok(Exit::AsExpected)
}
