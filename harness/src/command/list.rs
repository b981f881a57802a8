//! `wassay list`: the chosen files, their proposals, features and numbers of directives.

use std::io::Write;

use crate::error::{Exit, InputError};
use crate::measure::jobs_by_default;
use crate::present::grid::Grid;
use crate::suite::select::Selection;

/// Answers `wassay list`.
///
/// # Errors
/// If the suite cannot be loaded.
pub fn command(selection: &Selection) -> Result<Exit, InputError> {
    let chosen = selection.load(jobs_by_default())?;
    let mut grid = Grid::new(3);
    let mut total = 0;
    for file in &chosen.files {
        let directives = file.script.directives;
        total += directives;
        grid.row([
            file.heading.key().to_string(),
            file.features.set.to_string(),
            file.script.path.clone(),
            directives.to_string(),
        ]);
    }
    let files = chosen.files.len();
    // A reader that went away has seen what it wanted.
    let _ = writeln!(
        std::io::stdout(),
        "{grid}{total} directives in {files} files"
    );
    match chosen.files.is_empty() {
        true => Ok(Exit::NotMeasured),
        false => Ok(Exit::AsExpected),
    }
}
