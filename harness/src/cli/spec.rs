//! The options of `wassay spec`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::config::ConfigArgs;
use super::engine::{PoolArgs, SettingArgs, limit_words};
use super::profile::ProfileOutputArgs;
use super::report::{ReportRequest, report_help};
use super::value::parse_duration;
use crate::engine::EngineList;
use crate::judge::expectations::Source;
use crate::measure::ShapeOptions;
use crate::plan::shapes::Sampling;
use crate::present::blocks;
use crate::protocol::Setting;
use crate::suite::select::Selection;
use crate::{present, shell};

/// Options of `wassay spec`.
#[derive(Debug, Args)]
pub struct SpecArgs {
    /// What to run.
    #[command(flatten)]
    pub selection: Selection,
    /// Where options come from.
    #[command(flatten)]
    pub from: ConfigArgs,
    /// The order and the number of runs.
    #[command(flatten)]
    pub schedule: ScheduleArgs,
    /// The engines to run, as in stack,jit: our own tiers stack, register, jit, tiered-1 and
    /// tiered-2 (all of them: all), and those that `wassay engine list` shows
    #[arg(
        long,
        visible_alias = "engines",
        value_name = "TIERS",
        default_value = "all",
        value_parser = crate::engine::parse_list
    )]
    pub tiers: EngineList,
    /// Run each of our own tiers in each of these configurations, as in plain,explicit,gc-stress: a
    /// column for each, as jit@gc-stress (plain: as the options say)
    #[arg(long, value_name = "CONFIGURATIONS", value_delimiter = ',')]
    pub matrix: Vec<String>,
    /// The processes of the engines.
    #[command(flatten)]
    pub pool: PoolArgs,
    #[arg(long, value_name = "FORMAT=FILE", value_delimiter = ',', help = report_help())]
    #[allow(missing_docs, reason = "the help is made of the table of formats")]
    pub report: Vec<ReportRequest>,
    /// Write the times of files and workers as a Chrome trace: short for --report trace=FILE
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Directives that fail and are shown, before the rest is counted only
    #[arg(long, value_name = "N", default_value_t = blocks::SHOWN_DEFAULT)]
    pub show_failures: usize,
    /// A JSON report of the same suite, engines and options: what failed there does not fail this
    /// run. One that is missing, partial, corrupt or of another run is bad input
    #[arg(long, value_name = "REPORT.json")]
    pub baseline: Option<PathBuf>,
    /// Add the counts of the run to a history, as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Show failures, and end with exit code 0 all the same
    #[arg(long)]
    pub report_only: bool,
    /// Expected failures [default: those the program carries]
    #[arg(long, value_name = "FILE")]
    pub expectations: Option<PathBuf>,
    /// How the engines run code.
    #[command(flatten)]
    pub setting: SettingArgs,
    /// Operand shapes.
    #[command(flatten)]
    pub shapes: ShapeArgs,
    /// Compare what the tiers return only, not the state that they leave
    #[arg(long)]
    pub no_state: bool,
    /// Count the instructions that all directives execute, by opcode, pair of opcodes, proposal and
    /// file, and the calls
    #[arg(id = "profiled", long = "profile", help_heading = "Profile")]
    pub is_profiled: bool,
    /// The profile's forms and files.
    #[command(flatten)]
    pub profile_output: ProfileOutputArgs,
}

impl SpecArgs {
    /// The files and folders that are read, which no report may replace.
    pub fn inputs(&self) -> Vec<&Path> {
        let preloads = self.selection.preload.iter().map(|it| it.path.as_path());
        let paths = self.selection.paths.iter().chain(&self.expectations);
        let paths = paths.chain(&self.pool.engine_table).map(PathBuf::as_path);
        paths.chain(preloads).collect()
    }

    /// The reports that are asked for.
    pub fn reports(&self) -> Vec<ReportRequest> {
        let trace = self.trace.as_ref().map(|path| ReportRequest {
            presenter: &present::trace::Trace,
            path: path.clone(),
        });
        self.report.iter().cloned().chain(trace).collect()
    }

    /// The options that a repeat of a directive needs besides suite and engines, each as a shell
    /// reads it.
    pub fn repeat_words(&self) -> Vec<String> {
        let setting = Setting::from(self.setting);
        let path = |name: &str, path: &PathBuf| {
            format!("{name} {}", shell::quote(&path.to_string_lossy()))
        };
        let mut words = setting.words();
        words.extend(self.no_state.then(|| "--no-state".to_string()));
        let features = self.selection.features.as_ref();
        words.extend(features.map(|list| format!("--features={list}")));
        for preload in &self.selection.preload {
            let preload = preload.to_arg();
            words.push(format!(
                "--preload {}",
                shell::quote(&preload.to_string_lossy())
            ));
        }
        let expectations = self.expectations.as_ref();
        words.extend(expectations.map(|it| path("--expectations", it)));
        let config = self.from.defined.as_ref();
        words.extend(config.map(|(file, _)| path("--config", file)));
        let tables = self.pool.engine_table.iter();
        words.extend(tables.map(|it| path("--engine-table", it)));
        words.extend(limit_words(self.pool.timeout, self.pool.worker_memory));
        words
    }

    /// Where the expectations come from.
    pub fn expectations(&self) -> Source {
        match &self.expectations {
            Some(path) => Source::File(path.clone()),
            None => Source::Embedded,
        }
    }
}

/// The directives of an earlier report that run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Again {
    /// Those that made the run fail.
    Failed,
}

/// The order and the number of runs.
#[derive(Clone, Debug, Args)]
pub struct ScheduleArgs {
    /// Run files in an order that a seed gives
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
    /// Begin no further files after one with a failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Run only what failed in the report of --rerun-from, or else in the JSON report that --report
    /// names, as the run before wrote it; it is kept
    #[arg(long, value_name = "WHICH", conflicts_with = "directive")]
    pub rerun: Option<Again>,
    /// The report of --rerun
    #[arg(long, value_name = "REPORT.json", requires = "rerun")]
    pub rerun_from: Option<PathBuf>,
    /// Run N times, and report what differs between the repeats
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub repeat: u64,
    /// Run again whenever a file of the suite changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["repeat", "report", "rerun"])]
    pub watch: bool,
}

/// Options of operand shapes.
#[derive(Clone, Copy, Debug, Args)]
pub struct ShapeArgs {
    /// Repeat each numeric assertion with its operands in every shape (constants, memory, ...), in
    /// products of shapes and second operations, and access memories at their edges
    #[arg(long)]
    pub shapes: bool,
    /// The part of the products.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The time after which no more shapes are made, as in 90s; the rest counts as not applicable
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "shapes")]
    pub shapes_time: Option<Duration>,
}

/// The part of the products of operand shapes.
#[derive(Clone, Copy, Debug, Args)]
pub struct SamplingArgs {
    /// The seed by which products of operand shapes are sampled
    #[arg(long, value_name = "SEED", default_value_t = Sampling::default().seed)]
    pub shapes_seed: u64,
    /// Products for each assertion, and so many times more for each function and memory instruction
    #[arg(long, value_name = "N", default_value_t = Sampling::default().per_assertion)]
    pub shapes_samples: u64,
}

impl From<SamplingArgs> for Sampling {
    fn from(args: SamplingArgs) -> Sampling {
        Sampling {
            seed: args.shapes_seed,
            per_assertion: args.shapes_samples,
        }
    }
}

impl From<ShapeArgs> for Option<ShapeOptions> {
    fn from(args: ShapeArgs) -> Option<ShapeOptions> {
        args.shapes.then_some(ShapeOptions {
            sampling: args.sampling.into(),
            time: args.shapes_time,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    /// The options that a repeat needs are those of the run.
    #[test]
    fn options_for_a_repeat_read_back() {
        let words = "--bounds explicit --float-profile native --fuel --tier-up 3 --no-state \
            --features=2.0,threads --expectations 'a b.toml' --engine-table t.toml \
            --timeout '1m 5s' --worker-memory 7";
        let parse = |words: &str| {
            let line = format!("wassay spec {words}");
            let line = shlex::split(&line).expect("words");
            let cli = Cli::try_parse_from(line).expect("options");
            let Command::Spec(args) = cli.command else {
                panic!("the command is spec");
            };
            args.repeat_words().join(" ")
        };
        let first = parse(words);
        assert_eq!(first, words);
        assert_eq!(parse(&first), first);
        assert_eq!(parse(""), "");
    }
}
