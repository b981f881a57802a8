//! `wassay compare BASE NEW`: what two reports say about the same directives.

use super::stdout::print;
use crate::cli::CompareArgs;
use crate::error::{Exit, InputError};
use crate::present::changes;
use crate::report::Report;
use crate::report::changes::compare;
use crate::suite::pattern;

/// Answers `wassay compare`.
///
/// # Errors
/// If one of the reports is missing, corrupt or of another schema.
pub fn command(args: &CompareArgs) -> Result<Exit, InputError> {
    let base = Report::read(&args.base)?;
    let new = Report::read(&args.new)?;
    let names = args
        .allow
        .iter()
        .map(|text| pattern(text).map_err(|error| InputError::usage(error.to_string())));
    let names = names.collect::<Result<Vec<_>, InputError>>()?;
    let mut outcome = compare(&base, &new);
    outcome.allow(&names);
    outcome.allow_below(args.fail_on);
    let text = match args.markdown {
        true => changes::markdown(&outcome, &base, &new),
        false => changes::text(&outcome, &base, &new),
    };
    print(&text)?;
    Ok(outcome.exit())
}
