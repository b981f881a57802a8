//! The command line: what can be asked for, and nothing that does not work.
//!
//! Owns the options and their parsing, and which module answers a command. A wrong option is a
//! usage error with exit code 2 before anything runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Exit, InputError};
use crate::expectations::Source;
use crate::protocol::Bounds;
use crate::select::Selection;
use crate::tier::Tier;

/// Assays WebAssembly: a runtime with three execution tiers, and a conformance and differential
/// harness for them.
#[derive(Debug, Parser)]
#[command(name = "wassay", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all as expected; 1 failures, divergences or regressions; 2 bad usage or bad input;
3 not measured (a tier is unavailable, the accounting is open, or nothing was selected).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every directive of a suite under every tier, judge it, and compare the tiers.
    Spec(SpecArgs),
    /// Compare two JSON reports: fixed, broken, new, gone. Exit code 1 on a regression.
    Compare(CompareArgs),
    /// Call one export of a module without imports, in any tier.
    Run(RunArgs),
    /// List the files of a suite with their proposals and numbers of directives.
    List(Selection),
    /// Decode and validate a module. Exit code 1 if it is malformed or invalid.
    Validate(ValidateArgs),
    /// Run jobs of another wassay process over stdin and stdout.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Options of `wassay spec`.
#[derive(Debug, Args)]
pub struct SpecArgs {
    /// What to run.
    #[command(flatten)]
    pub selection: Selection,
    /// The tiers to run
    #[arg(
        long,
        value_name = "TIER",
        value_delimiter = ',',
        default_value = "stack,register,jit"
    )]
    pub tiers: Vec<Tier>,
    /// Files run at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
    /// How long one directive may take, as in 10s or 500ms
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Write a report, as in json=FILE (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',')]
    pub report: Vec<ReportRequest>,
    /// Expected failures [default: those the program carries]
    #[arg(long, value_name = "FILE")]
    pub expectations: Option<PathBuf>,
    /// How memory accesses are checked
    #[arg(long, value_enum, default_value_t = BoundsArg::Guard)]
    pub bounds: BoundsArg,
}

impl SpecArgs {
    /// Where the expectations come from.
    pub fn expectations(&self) -> Source {
        match &self.expectations {
            Some(path) => Source::File(path.clone()),
            None => Source::Embedded,
        }
    }
}

/// Options of `wassay compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The JSON report to compare with
    pub base: PathBuf,
    /// The JSON report to judge
    pub new: PathBuf,
    /// Write Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// Options of `wassay run`.
#[derive(Debug, Args)]
#[command(after_help = crate::run::CONVENTIONS)]
pub struct RunArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
    /// The exported function to call
    #[arg(long, value_name = "NAME")]
    pub invoke: String,
    /// The tier that runs it
    #[arg(long, value_name = "TIER", default_value = "stack")]
    pub tier: Tier,
    /// How memory accesses are checked
    #[arg(long, value_enum, default_value_t = BoundsArg::Guard)]
    pub bounds: BoundsArg,
    /// The arguments, parsed by the function's parameter types
    #[arg(value_name = "ARG", value_parser = parse_argument)]
    pub args: Vec<String>,
}

/// Options of `wassay validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
}

/// Options of `wassay worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The tier that it runs
    #[arg(long)]
    pub tier: Tier,
    /// The file in which it announces each directive
    #[arg(long, value_name = "FILE")]
    pub cell: PathBuf,
}

/// [`Bounds`], as an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BoundsArg {
    /// By guard pages, where the tier can
    Guard,
    /// By comparing in code
    Explicit,
}

impl BoundsArg {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            BoundsArg::Guard => "guard",
            BoundsArg::Explicit => "explicit",
        }
    }
}

impl From<BoundsArg> for Bounds {
    fn from(bounds: BoundsArg) -> Bounds {
        match bounds {
            BoundsArg::Guard => Bounds::Guard,
            BoundsArg::Explicit => Bounds::Explicit,
        }
    }
}

/// A report asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// Where it goes. The format is JSON, the only one there is yet.
    pub path: PathBuf,
}

/// Formats that are planned, so that asking for one gets a better answer than `unknown`.
const FORMATS_PLANNED: [&str; 5] = ["html", "junit", "ctrf", "md", "badge"];

impl std::str::FromStr for ReportRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((_, "")) => Err("no file is named; the form is json=FILE".to_string()),
            Some(("json", path)) => Ok(ReportRequest { path: path.into() }),
            Some((format, _)) if FORMATS_PLANNED.contains(&format) => Err(format!(
                "report format `{format}` does not exist yet; `json` does"
            )),
            Some((format, _)) => Err(format!("unknown report format `{format}`; there is `json`")),
            None => Err("the form is json=FILE".to_string()),
        }
    }
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        Ok(_) | Err(_) => Err("a number from 1 to 1024 is needed".to_string()),
    }
}

/// Reads `10s`, `500ms`, `2m`, or a number of seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        _ => return Err("a time is a number with ms, s or m".to_string()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a time is a number with ms, s or m")?;
    match number.checked_mul(millis) {
        Some(0) => Err("a time of zero leaves no time to run".to_string()),
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err("the time is too long".to_string()),
    }
}

/// The mark of an argument that begins with `-` and is no option: U+2212, the minus sign.
const MINUS: char = '\u{2212}';

/// Whether a word is a negative number of the text format, which must not be taken for an option:
/// arguments of `wassay run` stand among its options.
fn is_negative_literal(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('-') else {
        return false;
    };
    let is_digit = |byte: u8| byte.is_ascii_digit();
    rest == "inf"
        || rest == "nan"
        || rest.starts_with("nan:")
        || rest.bytes().next().is_some_and(is_digit)
}

/// Reads an argument of `wassay run`, whose minus may have been marked.
fn parse_argument(text: &str) -> Result<String, String> {
    Ok(text.replacen(MINUS, "-", 1))
}

/// Runs the program: parses the command line, answers it, and gives the exit code.
pub fn main() -> Exit {
    let words = std::env::args_os().map(|word| match word.to_str() {
        Some(text) if is_negative_literal(text) => format!("{MINUS}{}", &text[1..]).into(),
        Some(_) | None => word,
    });
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to stdout. If the terminal is gone there is
            // nobody to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::AsExpected
            };
        }
    };
    match answer(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("wassay: {error}");
            Exit::BadInput
        }
    }
}

fn answer(command: Command) -> Result<Exit, InputError> {
    match command {
        Command::Spec(args) => crate::spec::command(&args),
        Command::Compare(args) => crate::compare_reports::command(&args),
        Command::Run(args) => crate::run::command(&args),
        Command::List(args) => crate::select::list(&args),
        Command::Validate(args) => crate::run::validate(&args),
        Command::Worker(args) => Ok(crate::worker::command(args.tier, &args.cell)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_numbers_are_told_from_options() {
        for word in ["-1", "-0x1p3", "-inf", "-nan", "-nan:0x1"] {
            assert!(is_negative_literal(word), "{word}");
        }
        for word in ["-j", "-j4", "--tier", "-", "--", "-info", "1", ""] {
            assert!(!is_negative_literal(word), "{word}");
        }
        assert_eq!(parse_argument("\u{2212}1"), Ok("-1".to_string()));
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("3"), Ok(Duration::from_secs(3)));
        for bad in ["", "s", "-1s", "1h", "1.5s", "0s", "99999999999999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn report_formats_that_do_not_exist_are_refused_by_name() {
        let parse = |text: &str| text.parse::<ReportRequest>();
        assert_eq!(
            parse("json=a.json"),
            Ok(ReportRequest {
                path: "a.json".into()
            })
        );
        for format in FORMATS_PLANNED {
            let error = parse(&format!("{format}=f")).expect_err("does not exist yet");
            assert!(error.contains("does not exist yet; `json` does"), "{error}");
        }
        for bad in ["pdf=f", "json", "json=", "=f"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
