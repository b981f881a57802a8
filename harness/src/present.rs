//! The formats of a report, a file for each and a row in [`PRESENTERS`]; and what else people read
//! of a run.

use crate::report::Report;

pub mod changes;
pub mod destination;
pub mod grid;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod table;

/// A format of reports.
pub trait Presenter: Sync {
    /// The format's name, as in `--report NAME=FILE`.
    fn name(&self) -> &'static str;
    /// The format in a few words, for the help.
    fn about(&self) -> &'static str;
    /// The report in the format.
    fn render(&self, report: &Report) -> String;
}

/// Every format. Options and help follow from it.
pub static PRESENTERS: [&dyn Presenter; 2] = [&json::Json, &markdown::Markdown];

/// The format of that name.
///
/// # Errors
/// If there is none; the message names those that there are.
pub fn presenter(name: &str) -> Result<&'static dyn Presenter, UnknownFormat> {
    let found = PRESENTERS.iter().find(|presenter| presenter.name() == name);
    found.copied().ok_or_else(|| UnknownFormat {
        name: name.to_string(),
    })
}

/// A name that no format of reports has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown report format `{name}` (known: {})",
    PRESENTERS.map(Presenter::name).join(", ")
)]
pub struct UnknownFormat {
    name: String,
}
