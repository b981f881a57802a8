//! Reports: where a run writes them (`--report`), and the commands that read them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::value::{OptionError, parse_engine, parse_jobs};
use crate::engine::EngineName;
use crate::present;
use crate::present::{PRESENTERS, Presenter, blocks};
use crate::report::changes::Severity;

/// A report asked for.
#[derive(Clone)]
pub struct ReportRequest {
    /// The format.
    pub presenter: &'static dyn Presenter,
    /// The file.
    pub path: PathBuf,
}

impl fmt::Debug for ReportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.presenter.name(), self.path.display())
    }
}

impl FromStr for ReportRequest {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let (format, path) = text.split_once('=').ok_or(OptionError::NoFormat)?;
        let presenter = present::presenter(format)?;
        match path {
            "" => Err(OptionError::NoFile),
            path => Ok(ReportRequest {
                presenter,
                path: path.into(),
            }),
        }
    }
}

/// The formats with their descriptions, for the help.
pub(super) fn report_help() -> String {
    let row = |it: &&dyn Presenter| format!("{} ({})", it.name(), it.about());
    let rows: Vec<String> = PRESENTERS.iter().map(row).collect();
    format!(
        "Write a report, as in json=FILE, or json=- for stdout (repeatable): {}",
        rows.join(", ")
    )
}

/// Options of `wassay merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The JSON reports of all parts
    #[arg(value_name = "REPORT.json", required = true)]
    pub files: Vec<PathBuf>,
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',', help = report_help())]
    #[allow(missing_docs, reason = "the help is made of the table of formats")]
    pub report: Vec<ReportRequest>,
    /// Directives that fail and are shown, before the rest is counted only
    #[arg(long, value_name = "N", default_value_t = blocks::SHOWN_DEFAULT)]
    pub show_failures: usize,
}

/// Options of `wassay history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The history
    #[arg(value_name = "FILE", default_value = "reports/history.ndjson")]
    pub file: PathBuf,
    /// Only this engine (repeatable)
    #[arg(long, value_name = "NAME", value_parser = parse_engine)]
    pub engine: Vec<EngineName>,
    /// Only directives of this proposal
    #[arg(long, value_name = "P")]
    pub proposal: Option<String>,
    /// Only the last N runs
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
}

/// Options of `wassay bless`.
#[derive(Debug, Args)]
#[command(after_help = "\
Entries of engines, configurations, hosts and files that the run did not cover stay as they are.

Exit codes: 0 done, or nothing is to be done; 1 with --check: something is to be done; 2 bad usage
or bad input.")]
pub struct BlessArgs {
    /// A JSON report
    #[arg(value_name = "REPORT.json")]
    pub report: PathBuf,
    /// The expected failures
    #[arg(long, value_name = "FILE")]
    pub expectations: PathBuf,
    /// The engine of another maker whose expected failures these are
    #[arg(long, value_name = "NAME", value_parser = parse_engine)]
    pub engine: Option<EngineName>,
    /// The reason of failures that are expected from now on
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The link that goes with the reason
    #[arg(long, value_name = "URL")]
    pub link: Option<String>,
    /// Only tell; exit code 1 if something is to be done
    #[arg(long)]
    pub check: bool,
}

/// Options of `wassay verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
The run has the options that the report records, and begins in this folder: paths in the report are
relative to the one in which it was made. Times, the date and the number of jobs are not compared.

Exit codes: 0 everything is the same; 1 something differs; 2 the report is bad input; 3 an engine or
a file of the run is not here.")]
pub struct VerifyArgs {
    /// A JSON report of `wassay spec`
    #[arg(value_name = "REPORT.json")]
    pub file: PathBuf,
    /// Files run at the same time [default: as the report records]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
    /// Differences that are shown, before the rest is counted only
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub show: usize,
}

/// Options of `wassay render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// A JSON report
    #[arg(value_name = "REPORT.json")]
    pub file: PathBuf,
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',', help = report_help())]
    #[allow(missing_docs, reason = "the help is made of the table of formats")]
    pub report: Vec<ReportRequest>,
    /// A history: its runs before the report's are lines over time in the page of HTML
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Directives that fail and are shown, before the rest is counted only
    #[arg(long, value_name = "N", default_value_t = blocks::SHOWN_DEFAULT)]
    pub show_failures: usize,
}

/// Options of `wassay compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The JSON report to compare with
    pub base: PathBuf,
    /// The JSON report to judge
    pub new: PathBuf,
    /// Allow regressions by name: a pattern of an engine, a path or an id (repeatable)
    #[arg(long, value_name = "NAME")]
    pub allow: Vec<String>,
    /// The least severity that fails: critical (crashes, hangs, divergences), major (wrong results,
    /// what is lost) or minor (failures that are expected now)
    #[arg(long, value_name = "SEVERITY", default_value = "minor", value_parser = severity_parser())]
    pub fail_on: Severity,
    /// Write Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// The parser of a severity by its name.
fn severity_parser() -> impl TypedValueParser<Value = Severity> {
    let names = PossibleValuesParser::new(Severity::ALL.map(Severity::name));
    names.map(|text| {
        let found = Severity::ALL.into_iter().find(|it| it.name() == text);
        found.unwrap_or(Severity::Minor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_formats_are_those_of_the_table() {
        let parse = |text: &str| text.parse::<ReportRequest>();
        for presenter in PRESENTERS {
            let name = presenter.name();
            let request = parse(&format!("{name}=a")).expect("a format");
            assert_eq!(format!("{request:?}"), format!("{name}=a"));
            assert!(report_help().contains(name));
        }
        for bad in ["pdf=f", "json", "json=", "=f"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
