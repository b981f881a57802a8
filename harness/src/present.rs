//! The formats of a report, a file for each and a row in [`PRESENTERS`]; and what else people read
//! of a run.

use std::collections::BTreeSet;

use crate::report::Report;
use beside::Beside;

pub mod badge;
pub mod beside;
pub mod blocks;
pub mod bounded;
pub mod cases;
pub mod changes;
pub mod coverage;
pub mod ctrf;
pub mod destination;
pub mod failure;
pub mod gate;
pub mod github;
pub mod grid;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod progress;
pub mod sarif;
pub mod table;
pub mod timeline;
pub mod trace;
pub mod values;

/// A format of reports.
pub trait Presenter: Sync {
    /// The format's name, as in `--report NAME=FILE`.
    fn name(&self) -> &'static str;
    /// The format in a few words, for the help.
    fn about(&self) -> &'static str;
    /// The report in the format, with what the format has beside it: times, earlier runs, code.
    fn render(&self, report: &Report, beside: &Beside) -> String;
    /// True if the format shows the code of functions in which directives failed.
    fn shows_code(&self) -> bool {
        false
    }
}

/// Every format. Options and help follow from it.
pub static PRESENTERS: [&dyn Presenter; 9] = [
    &json::Json,
    &markdown::Markdown,
    &html::Html,
    &junit::Junit,
    &ctrf::Ctrf,
    &sarif::Sarif,
    &github::Github,
    &badge::Badge,
    &trace::Trace,
];

/// The outcome of a run in a line.
pub fn verdict_line(report: &Report) -> String {
    let accounting = &report.accounting;
    let unavailable = report.tiers.values().filter(|tier| !tier.available).count();
    let failing: BTreeSet<&str> = report
        .gate
        .regressions
        .iter()
        .map(|it| it.id.as_str())
        .collect();
    let mut parts = Vec::new();
    if report.run.interrupted {
        parts.push("interrupted".to_string());
    }
    if !accounting.closed {
        parts.push("the accounting is open".to_string());
    }
    if unavailable > 0 {
        parts.push(counted(
            unavailable,
            "engine is unavailable",
            "engines are unavailable",
        ));
    }
    if !failing.is_empty() {
        parts.push(counted(failing.len(), "failure", "failures"));
    }
    let all = accounting.directives;
    let others = report
        .directives
        .iter()
        .filter(|it| !it.tiers.is_empty())
        .count() as u64;
    let engines = report.tiers.len() - unavailable;
    parts.push(match (all, others) {
        (0, _) => "nothing was selected".to_string(),
        (all, 0) => format!("all {all} directives pass in every engine ({engines})"),
        (all, others) => {
            let passing = all.saturating_sub(others);
            format!("{passing} of {all} directives pass in every engine ({engines})")
        }
    });
    parts.join("; ")
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

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
