//! `wassay list`: the chosen files, their numbers of directives, proposals and features.

use std::io::Write;

use crate::error::{Exit, InputError};
use crate::measure::jobs_by_default;
use crate::suite::select::Selection;

/// Answers `wassay list`.
///
/// # Errors
/// If the suite cannot be loaded.
pub fn command(selection: &Selection) -> Result<Exit, InputError> {
    let chosen = selection.load(jobs_by_default())?;
    let mut out = String::new();
    let mut total = 0;
    for file in &chosen.files {
        let directives = file.script.directives.len();
        total += directives;
        let (heading, features) = (file.heading.key(), file.features.set.to_string());
        out += &format!(
            "{directives:>6}  {heading:24}  {features:24}  {}\n",
            file.script.path
        );
    }
    out += &format!("{total:>6}  directives in {} files\n", chosen.files.len());
    // A reader that went away has seen what it wanted.
    let _ = std::io::stdout().write_all(out.as_bytes());
    match chosen.files.is_empty() {
        true => Ok(Exit::NotMeasured),
        false => Ok(Exit::AsExpected),
    }
}
