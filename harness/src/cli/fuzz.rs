//! The options of `wassay fuzz` and `wassay reduce`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::config::GivenOptions;
use super::engine::{ModeArgs, PoolArgs, SettingArgs};
use super::report::{ReportRequest, report_help};
use super::value::{by_word, parse_duration};
use crate::engine::EngineList;
use crate::features::FeatureList;
use crate::plan::draw::{CaseName, SourceWeight};
use crate::plan::generated::sources;
use crate::protocol::{Bounds, Profile};

/// Options of `wassay fuzz`.
#[derive(Debug, Args)]
#[command(after_help = "\
A program is named SOURCE/SEED and has a setting of its own, which follows from its seed but for
what options fix. The same seed gives the same programs and the same report. What is found is
written at once, made small, and is a script on which `wassay spec` fails.

Exit codes: 0 nothing was found; 1 something was; 2 bad usage; 3 an engine cannot run here; 130
interrupted, after a report of what was run.")]
pub struct FuzzArgs {
    #[arg(long, value_name = "SOURCE[:WEIGHT]", value_delimiter = ',', help = source_help())]
    #[allow(missing_docs, reason = "the help is made of the table of sources")]
    pub source: Vec<SourceWeight>,
    /// The seed of the run [default: another one each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The number of programs [default: 1000, unless --seconds is given]
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// The time after which no more programs begin, as in 60 or 10m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub seconds: Option<Duration>,
    /// Run this program, by its name (repeatable)
    #[arg(long, value_name = "SOURCE/SEED", conflicts_with_all = ["count", "seconds", "seed"])]
    pub case: Vec<CaseName>,
    /// The engines to run, as in stack,jit; engines of other makers vote
    #[arg(
        long,
        visible_alias = "engines",
        value_name = "TIERS",
        default_value = "stack,register,jit",
        value_parser = crate::engine::parse_list
    )]
    pub tiers: EngineList,
    /// The processes of the engines.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// The folder to which findings are written
    #[arg(long, value_name = "FOLDER", default_value = "wassay-findings")]
    pub findings: PathBuf,
    /// Findings after which the run ends
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub max_findings: usize,
    /// How long a finding may be made small
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub reduce_time: Duration,
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',', help = report_help())]
    #[allow(missing_docs, reason = "the help is made of the table of formats")]
    pub report: Vec<ReportRequest>,
    /// How memory accesses are checked, in all programs
    #[arg(long, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Option<Bounds>,
    /// What engines do where the specification leaves a result open, in all programs
    #[arg(long = "float-profile", value_parser = by_word::<Profile>(Profile::WORDS))]
    pub profile: Option<Profile>,
    /// What the engines do beyond running the code, in all programs.
    #[command(flatten)]
    pub modes: ModeArgs,
    /// Draw no settings: all programs run as the options say
    #[arg(long)]
    pub plain: bool,
    /// Compare what the tiers return only, not the state that they leave
    #[arg(long)]
    pub no_state: bool,
    /// Show where the time went
    #[arg(long)]
    pub timings: bool,
    /// The options as they count.
    #[arg(skip)]
    pub given: GivenOptions,
}

/// The sources of programs with their descriptions, for the help.
fn source_help() -> String {
    let sources = sources();
    let row = sources.iter();
    let rows: Vec<String> = row
        .map(|it| format!("{} ({})", it.name(), it.about()))
        .collect();
    format!(
        "The sources of programs, and their shares: {}",
        rows.join(", ")
    )
}

/// Options of `wassay reduce`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the small script is written; 1 the script shows no difference; 2 bad usage or bad
input; 3 an engine cannot run here.")]
pub struct ReduceArgs {
    /// A script that fails, or on which tiers differ
    #[arg(value_name = "FILE.wast")]
    pub file: PathBuf,
    /// The file to write [default: FILE.small.wast]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    pub time: Duration,
    /// The engines among which there is a difference
    #[arg(
        long,
        visible_alias = "engines",
        value_name = "TIERS",
        default_value = "stack,register,jit",
        value_parser = crate::engine::parse_list
    )]
    pub tiers: EngineList,
    /// The processes of the engines.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Change the features of the script, as in threads or -simd
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
    /// How the engines run code.
    #[command(flatten)]
    pub setting: SettingArgs,
}
