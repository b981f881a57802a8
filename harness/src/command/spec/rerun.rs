//! What failed in an earlier run, run again.

use std::path::{Path, PathBuf};

use crate::cli::{ReportRequest, SpecArgs};
use crate::error::InputError;
use crate::present::{Presenter, json};
use crate::report::Report;
use crate::suite::select::Selection;

/// Selects the directives that made the run of a report fail, of the suite that it is about. The
/// report is kept: a report that would take its place is left out. Gives its path.
///
/// # Errors
/// If there is no report, or it says nothing about the suite.
pub(super) fn select(
    selection: &mut Selection,
    reports: &mut Vec<ReportRequest>,
    args: &SpecArgs,
) -> Result<PathBuf, InputError> {
    let path = match &args.schedule.rerun_from {
        Some(path) => path.clone(),
        None => last(reports)?,
    };
    let report = Report::read(&path)?;
    if selection.paths.is_empty() && selection.patterns.is_empty() {
        selection.paths = report.run.paths();
    }
    let failing = report.directives.iter().filter(|it| it.is_failing());
    for directive in failing {
        let wrong = |error| InputError::at(&path, format!("`{}`: {error}", directive.id));
        selection
            .directive
            .push(directive.id.parse().map_err(wrong)?);
    }
    if selection.directive.is_empty() {
        return Err(InputError::at(
            &path,
            "nothing failed in this run, so that nothing is run again",
        ));
    }
    selection.is_rerun = true;
    let is_kept = |request: &ReportRequest| is_same_file(&request.path, &path);
    for request in reports.iter().filter(|it| is_kept(it)) {
        eprintln!(
            "wassay: {} is kept: it is what runs again",
            request.path.display()
        );
    }
    reports.retain(|request| !is_kept(request));
    Ok(path)
}

/// The report that the run before wrote.
fn last(reports: &[ReportRequest]) -> Result<PathBuf, InputError> {
    let is_json = |request: &&ReportRequest| request.presenter.name() == json::Json.name();
    let written = reports.iter().find(|it| is_json(it));
    written.map(|request| request.path.clone()).ok_or_else(|| {
        InputError::usage(
            "--rerun needs the report of an earlier run: name it by --rerun-from, or by --report \
             json=FILE in both runs",
        )
    })
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let full = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    full(one) == full(other)
}
