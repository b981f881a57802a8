//! The command line: the options of each command and their parsing.
//!
//! A wrong option is a usage error with exit code 2 before anything runs. `command` answers.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::engine::{EngineList, EngineName, NotAName};
use crate::features::{FeatureList, FeatureSet};
use crate::judge::expectations::Source;
use crate::measure::ShapeOptions;
use crate::plan::draw::{CaseName, SourceWeight};
use crate::plan::generated::sources;
use crate::plan::shapes::Sampling;
use crate::present::{self, PRESENTERS, Presenter, UnknownFormat, blocks};
use crate::protocol::configuration::Configurations;
use crate::protocol::{Bounds, Modes, Profile, Setting};
use crate::record::watch::StateChoice;
use crate::report::changes::Severity;
use crate::shell;
use crate::suite::preload::Preload;
use crate::suite::select::Selection;
use crate::tier::{RunTier, Tier};

pub mod profile;

/// Assays WebAssembly: a runtime with three execution tiers, and a conformance and differential
/// harness for them.
#[derive(Debug, Parser)]
#[command(name = "wassay", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all as expected; 1 failures, divergences, crashes or regressions; 2 bad usage, bad
input, or output that cannot be written; 3 not measured (a tier is unavailable, a worker was killed
from outside or took too much memory, the accounting is open, or nothing was run); 129, 130 and 143
after SIGHUP, SIGINT and SIGTERM, when what was known is written. `run --help` has others.";

/// The commands with their options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every directive of a suite under every tier, judge it, and compare the tiers.
    Spec(Box<SpecArgs>),
    /// Run generated programs under every tier, compare the tiers, and keep what differs as
    /// scripts.
    Fuzz(FuzzArgs),
    /// Make a script small that shows a failure or a difference between tiers, so that it still
    /// does.
    Reduce(ReduceArgs),
    /// Compare two JSON reports: fixed, broken, new, gone. Exit code 1 on a regression.
    Compare(CompareArgs),
    /// Bring a file of expected failures up to date with a JSON report, and say what changes.
    Bless(BlessArgs),
    /// Put the JSON reports of all parts of a run (--partition) together; refuses sets that are not
    /// complete.
    Merge(MergeArgs),
    /// Show the passes of engines over the runs of a history (--history).
    History(HistoryArgs),
    /// Show a JSON report as a run shows it, or write it in other formats.
    Render(RenderArgs),
    /// Make the run of a JSON report again, and tell every difference by its kind. Exit code 1 if
    /// there is one, 3 if an engine or a file of the run is not here.
    Verify(VerifyArgs),
    /// Run a WASI program, or call one export of a module, in any tier.
    Run(RunArgs),
    /// Run one program, and count what it executes by function, line, opcode and call.
    Profile(Box<ProfileArgs>),
    /// Run one program in every tier, and show where the tiers begin to differ.
    Diff(DiffArgs),
    /// Run the preview 1 programs of wasi-testsuite in every tier.
    WasiSuite(WasiSuiteArgs),
    /// Show where two engines begin to differ in a directive: the first instruction, and what it
    /// leaves that differs.
    Explain(ExplainArgs),
    /// List the files of a suite with their numbers of directives, proposals and features.
    List(ListArgs),
    /// Count the directives of a suite that execute each opcode, and those that pass in each tier,
    /// plainly and in operand shapes.
    Coverage(CoverageArgs),
    /// Decode and validate modules. Exit code 1 if one is malformed or invalid, 3 if one is beyond
    /// the engine's limits.
    Validate(ValidateArgs),
    /// Show what is in a module, and what the engine makes of its functions.
    Inspect(InspectArgs),
    /// Show the engines that a run can have as columns, or try one.
    #[command(subcommand)]
    Engine(EngineCommand),
    /// Run jobs of another wassay process over stdin and stdout.
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Where options come from besides the command line.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Take the options of [profile.NAME] of the configuration file, besides those of
    /// [profile.default]; what is on the command line counts before them
    #[arg(
        short = 'P',
        long,
        value_name = "NAME",
        help_heading = "Configuration file"
    )]
    pub run_profile: Option<String>,
    /// The configuration file [default: the nearest wassay.toml in this folder or above it]
    #[arg(long, value_name = "FILE", help_heading = "Configuration file")]
    pub config: Option<PathBuf>,
    /// The file that defines configurations, and those.
    #[arg(skip)]
    pub defined: Option<(PathBuf, Configurations)>,
    /// The options as they count, with those of profiles.
    #[arg(skip)]
    pub given: GivenOptions,
}

/// The options of a command as they count: of the command line and of profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenOptions {
    /// The words of a command line that says the same without profiles.
    pub words: Vec<String>,
    /// The values of each option, defaults included.
    pub values: BTreeMap<String, Vec<String>>,
}

impl ConfigArgs {
    /// The configurations that columns may name.
    pub fn configurations(&self) -> Configurations {
        let defined = self.defined.as_ref();
        defined.map_or_else(Configurations::default, |(_, all)| all.clone())
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
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
    /// What engines do where the specification leaves a result open
    #[arg(
        long = "float-profile",
        default_value_t,
        value_parser = by_word::<Profile>(Profile::WORDS)
    )]
    pub profile: Profile,
    /// What the engines do beyond running the code.
    #[command(flatten)]
    pub modes: ModeArgs,
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

/// How long one directive may take where no option says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most memory that a file may take in a worker where no option says otherwise.
const WORKER_MEMORY_BYTES: u64 = 512 << 20;

/// The processes of the engines of a run.
#[derive(Clone, Debug, Args)]
pub struct PoolArgs {
    /// A table of further engines (repeatable)
    #[arg(long, value_name = "FILE")]
    pub engine_table: Vec<PathBuf>,
    /// Files run at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
    /// How long one directive may take, as in 10s or 500ms
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// The most memory that a file may take in a worker, as in 4G; 0 is no limit
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = parse_bytes)]
    pub worker_memory: u64,
}

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
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
    /// What engines do where the specification leaves a result open
    #[arg(
        long = "float-profile",
        default_value_t,
        value_parser = by_word::<Profile>(Profile::WORDS)
    )]
    pub profile: Profile,
    /// What the engines do beyond running the code.
    #[command(flatten)]
    pub modes: ModeArgs,
}

/// Modes in which every verdict must be the same as without them.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ModeArgs {
    /// Meter all code, with ample fuel; what is left is compared between tiers
    #[arg(long)]
    pub fuel: bool,
    /// Let all code look for interruptions
    #[arg(long)]
    pub interruptible: bool,
    /// Collect garbage at every allocation
    #[arg(long)]
    pub gc_stress: bool,
    /// Leave garbage in all registers that calls out of compiled code may change
    #[arg(long)]
    pub poison_registers: bool,
    /// Check the register allocation of every compiled function
    #[arg(long)]
    pub check_allocation: bool,
    /// Allocate the registers of all functions in linear time, as those of the largest
    #[arg(long)]
    pub linear_allocation: bool,
    /// Translate functions when they are called first
    #[arg(long)]
    pub lazy: bool,
    /// With tiered tiers: compile in a thread of its own, while the interpreter goes on
    #[arg(long)]
    pub background: bool,
    /// With tiered tiers: the call of a function, and the arrival at the head of a loop, at which
    /// it goes on as machine code, in place of the first and the second
    #[arg(long, value_name = "N")]
    pub tier_up: Option<u32>,
}

impl From<ModeArgs> for Modes {
    fn from(modes: ModeArgs) -> Modes {
        Modes {
            fuel: modes.fuel,
            interruptible: modes.interruptible,
            gc_stress: modes.gc_stress,
            poison_registers: modes.poison_registers,
            check_allocation: modes.check_allocation,
            linear_allocation: modes.linear_allocation,
            lazy: modes.lazy,
            background: modes.background,
            tier_up: modes.tier_up,
        }
    }
}

/// The options for limits that are not the usual ones, as a shell reads them.
fn limit_words(timeout: Duration, worker_memory: u64) -> impl Iterator<Item = String> {
    let time = (timeout != TIMEOUT).then(|| {
        let time = humantime::format_duration(timeout).to_string();
        format!("--timeout {}", shell::quote(&time))
    });
    let is_usual = worker_memory == WORKER_MEMORY_BYTES;
    let memory = (!is_usual).then(|| format!("--worker-memory {worker_memory}"));
    time.into_iter().chain(memory)
}

impl ExplainArgs {
    /// The options that a repeat needs besides engines and setting, each as a shell reads it.
    pub fn repeat_words(&self) -> Vec<String> {
        let tables = self.tables.engine_table.iter();
        let table = |path: &PathBuf| {
            let path = path.to_string_lossy();
            format!("--engine-table {}", shell::quote(&path))
        };
        let mut words: Vec<String> = tables.map(table).collect();
        let features = self.features.as_ref();
        words.extend(features.map(|list| format!("--features={list}")));
        words.extend(limit_words(self.timeout, self.worker_memory));
        let sampling = Sampling::from(self.sampling);
        if sampling != Sampling::default() {
            let Sampling {
                seed,
                per_assertion,
            } = sampling;
            words.push(format!(
                "--shapes-seed {seed} --shapes-samples {per_assertion}"
            ));
        }
        let invoke = self.invoke.as_ref();
        words.extend(invoke.map(|name| format!("--invoke {}", shell::quote(name))));
        words
    }
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
        let setting = Setting {
            bounds: self.bounds,
            profile: self.profile,
            modes: self.modes.into(),
        };
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

/// The forms of `wassay list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// A table of files.
    #[default]
    Table,
    /// The id of each directive, on a line of its own.
    Terse,
    /// Files with their directives.
    Json,
}

/// Options of `wassay list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list.
    #[command(flatten)]
    pub selection: Selection,
    /// Where options come from.
    #[command(flatten)]
    pub from: ConfigArgs,
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

/// Options of `wassay coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// What to run.
    #[command(flatten)]
    pub selection: Selection,
    /// The tiers in which directives are to pass (all: every one of our own)
    #[arg(
        long,
        visible_alias = "engines",
        value_name = "TIERS",
        default_value = "all",
        value_parser = crate::engine::parse_list
    )]
    pub tiers: EngineList,
    /// The processes of the engines.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Write the matrix as Markdown, JSON or HTML, by the ending of the name (.md, .json, .html);
    /// without it, Markdown is printed
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
}

/// The ways to name what is explained, for the help of `wassay explain`.
const EXPLAIN_CONVENTIONS: &str = "\
WHAT is the id of a directive or of an operand shape of it, as reports have it (PATH#ORDINAL-HASH or
PATH#ORDINAL-HASH/SHAPE; the suite follows, if it is not the embedded one), a script (FILE.wast, or
FILE.wast:LINE for the directive at that line), or with --invoke a module, whose arguments follow as
those of `wassay run`. Options stand before them.

In a script, the first directive in which the engines differ is explained, up to the one that is
named. The script runs again in fresh processes, its modules with probes: code that counts and
stops. What probes hide is not explained, and the output says so.

Exit codes: 0 the engines do the same; 1 a difference is shown; 2 bad usage or bad input; 3 an
engine cannot run here.";

/// Options of `wassay explain`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_CONVENTIONS)]
pub struct ExplainArgs {
    /// A directive, a script or a module
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// The exported function of a module to call
    #[arg(long, value_name = "NAME")]
    pub invoke: Option<String>,
    /// The engines, the reference first; the others are tried in turn until one differs
    #[arg(
        long,
        visible_alias = "tiers",
        value_name = "ENGINES",
        default_value = "all",
        value_parser = crate::engine::parse_list
    )]
    pub engines: EngineList,
    /// The tables of further engines.
    #[command(flatten)]
    pub tables: EngineTables,
    /// How long one directive may take, as in 10s or 500ms
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// The most memory that a script may take in a worker, as in 4G; 0 is no limit
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = parse_bytes)]
    pub worker_memory: u64,
    /// Change the features that modules may use, as in 2.0,threads or -simd
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
    /// What engines do where the specification leaves a result open
    #[arg(
        long = "float-profile",
        default_value_t,
        value_parser = by_word::<Profile>(Profile::WORDS)
    )]
    pub profile: Profile,
    /// What the engines do beyond running the code.
    #[command(flatten)]
    pub modes: ModeArgs,
    /// The samples of which an operand shape is one.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Write the difference as JSON
    #[arg(long)]
    pub json: bool,
    /// Files and folders of the suite that the id is of; with --invoke, the arguments
    #[arg(
        value_name = "PATH|ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub rest: Vec<String>,
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

/// The parser of a severity by its name.
fn severity_parser() -> impl TypedValueParser<Value = Severity> {
    let names = PossibleValuesParser::new(Severity::ALL.map(Severity::name));
    names.map(|text| {
        let found = Severity::ALL.into_iter().find(|it| it.name() == text);
        found.unwrap_or(Severity::Minor)
    })
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

/// Arguments, results and endings of `wassay run`, for its help.
const RUN_CONVENTIONS: &str = "\
Without --invoke the module is a program of WASI preview 1: its function _start is called, with the
arguments as the program's. With --invoke a function is called, after _initialize if the module
exports that. Both have what --dir, --env and --listen give, and the standard streams.

Arguments of --invoke are read by the function's parameter types: integers as decimal or hex,
signed or not; floats as decimal, hex float, inf, nan or nan:0xPAYLOAD; a v128 as 0x and 32 hex
digits or as quoted lanes ('i32x4 1 2 3 4'); references as null or extern:N.

Results are printed one to a line: integers signed, floats as the shortest decimal that reads back,
a v128 as 0x and 32 hex digits. What is printed can be given as an argument.

Exit codes: that of the program, if it exits with one; 0 the function returned; 2 bad usage, a
module that is malformed, invalid or imports what nothing provides, no such function, wrong
arguments; 3 the tier cannot run here, or does not execute an instruction of the module; 134 a trap,
its kind on stderr; 135 an exception that nothing caught; 136 a limit was reached: of fuel, time,
the heap, or the size of what the module declares (a memory or table that cannot grow tells the
module so, and does not end it); 128 and the number of a signal that the program raises; 125 a
program that is replayed does not do what its record says; 1 anything else.";

/// Options of `wassay run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RUN_CONVENTIONS)]
pub struct RunArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
    /// The exported function to call [default: _start, of a WASI program]
    #[arg(long, value_name = "NAME")]
    pub invoke: Option<String>,
    /// The tier that runs it [default: tiered where this host runs code of the JIT, else register]
    #[arg(long, value_name = "TIER", default_value_t, hide_default_value = true)]
    pub tier: RunTier,
    /// The resources that a WASI program gets.
    #[command(flatten)]
    pub resources: ResourceArgs,
    /// With a tiered tier: the call of a function, and the arrival at the head of a loop, at which
    /// it goes on as machine code
    #[arg(long, value_name = "N")]
    pub tier_up: Option<u32>,
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
    /// Translate each function when it is first called (the default)
    #[arg(long, overrides_with = "eager")]
    pub lazy: bool,
    /// Translate every function before anything runs
    #[arg(long, overrides_with = "lazy")]
    pub eager: bool,
    /// What the engine does where the specification leaves a result open
    #[arg(
        long = "float-profile",
        default_value_t,
        value_parser = by_word::<Profile>(Profile::WORDS)
    )]
    pub profile: Profile,
    /// Mark loading and the call for an emulator's plugin that counts instructions (tier jit)
    #[arg(long)]
    pub count_marks: bool,
    /// Instantiate a module, and let imports from NAME find its exports (repeatable, in order)
    #[arg(long, value_name = "NAME=FILE")]
    pub preload: Vec<Preload>,
    /// Make what is imported and not preloaded: functions that return zeros and nulls, and
    /// memories, tables, globals and tags of the types that are asked for
    #[arg(long)]
    pub stub_imports: bool,
    /// The features that the module may use.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// What the module may use.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// What makes a program do the same again.
    #[command(flatten)]
    pub repeat: RepeatArgs,
    /// What is measured of the program.
    #[command(flatten)]
    pub profiling: ProfilingArgs,
    /// The arguments of the program, or those of the function, parsed by its parameter types;
    /// options stand before the first one
    #[arg(
        value_name = "ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<String>,
}

/// The kinds of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProfileKind {
    /// Times, by samples of what runs in the tier.
    Times,
    /// Counts of instructions, by a run in the stack tier with a probe before each.
    Counts,
    /// Times, then counts: host calls are recorded, and answered from the record while counting.
    All,
}

impl ProfileKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ProfileKind::Times => "times",
            ProfileKind::Counts => "counts",
            ProfileKind::All => "all",
        }
    }
}

/// The time between two samples where no option says otherwise.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(1);

/// What `wassay run` measures of a program.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfilingArgs {
    /// Measure the program: times of functions and lines by samples, time in each tier, times of
    /// translation; counts of opcodes, pairs and calls
    #[arg(
        id = "profiled",
        long = "profile",
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub kind: Option<ProfileKind>,
    /// The profile's forms and files.
    #[command(flatten)]
    pub output: ProfileOutputArgs,
    /// The time between two samples, as in 1ms or 100us; 0 takes one at each function's entry and
    /// loop's head [default: 1ms]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = humantime::parse_duration,
        requires = "profiled"
    )]
    pub profile_interval: Option<Duration>,
    /// Name the functions of machine code in /tmp/perf-PID.map, for Linux's perf
    #[arg(long)]
    pub perf_map: bool,
}

impl ProfilingArgs {
    /// The time between two samples.
    pub fn interval(&self) -> Duration {
        self.profile_interval.unwrap_or(SAMPLE_INTERVAL)
    }

    /// The options as words of a command line.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(kind) = self.kind {
            words.push(format!("--profile={}", kind.name()).into());
            words.push(format!("--profile-top={}", self.output.top()).into());
            let interval = humantime::format_duration(self.interval());
            words.push(format!("--profile-interval={interval}").into());
        }
        for request in &self.output.write {
            let mut word = OsString::from(format!("--profile-write={}=", request.form.name()));
            word.push(&request.path);
            words.push(word);
        }
        words.extend(self.perf_map.then(|| "--perf-map".into()));
        words
    }
}

/// The forms of a profile, and where they go.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfileOutputArgs {
    /// Write the profile in a form to a file, or `-` for stdout, as in json=out.json (repeatable)
    /// [default: as text to stderr]
    #[arg(
        long = "profile-write",
        value_name = "FORM=FILE",
        requires = "profiled"
    )]
    pub write: Vec<ProfileRequest>,
    /// Rows of each table of the text [default: 15]
    #[arg(long = "profile-top", value_name = "N", requires = "profiled")]
    pub top: Option<usize>,
}

impl ProfileOutputArgs {
    /// Rows of each table of the text.
    pub fn top(&self) -> usize {
        self.top.unwrap_or(15)
    }
}

const PROFILE_CONVENTIONS: &str = "\
Short for `wassay run --profile=counts`, with --write and --top for --profile-write and
--profile-top.

The program runs in the stack interpreter with a probe before each instruction. The unit is the
executed instruction, as that of fuel (block, loop, else, end and other markers are not counted):
the counts are exact, and the same on every host. They are not times; other tiers execute the same
instructions, each at its own speed. With --deterministic a program counts the same each time.

self: instructions of a function itself; total: with those of all that it has called (of a function
that calls itself, the outermost call). Lines of the source come from DWARF. A pair is two
instructions executed one after the other.

Forms: text; json; folded (a line for each stack, for flame graphs); firefox (the format of
profiler.firefox.com: a sample is an instruction).

The other options, and the exit codes, are those of `wassay run`.";

/// Options of `wassay profile`.
#[derive(Debug, Args)]
#[command(after_help = PROFILE_CONVENTIONS)]
pub struct ProfileArgs {
    /// Write the profile in a form to a file, or `-` for stdout, as in folded=out.txt (repeatable)
    /// [default: as text to stderr]
    #[arg(long, value_name = "FORM=FILE", help_heading = "Profile")]
    pub write: Vec<ProfileRequest>,
    /// Rows of each table of the text
    #[arg(long, value_name = "N", default_value_t = 15, help_heading = "Profile")]
    pub top: usize,
    /// The program.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A form of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileForm {
    /// Tables for people.
    Text,
    /// All sums for programs.
    Json,
    /// A line for each stack.
    Folded,
    /// The format of Firefox's profiler.
    Firefox,
}

impl ProfileForm {
    const ALL: [ProfileForm; 4] = [
        ProfileForm::Text,
        ProfileForm::Json,
        ProfileForm::Folded,
        ProfileForm::Firefox,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ProfileForm::Text => "text",
            ProfileForm::Json => "json",
            ProfileForm::Folded => "folded",
            ProfileForm::Firefox => "firefox",
        }
    }
}

/// A profile to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRequest {
    /// The form.
    pub form: ProfileForm,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for ProfileRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<ProfileRequest, String> {
        let (name, path) = text.split_once('=').ok_or("the form is FORM=FILE")?;
        let form = ProfileForm::ALL.into_iter().find(|it| it.name() == name);
        match (form, path) {
            (Some(form), path) if !path.is_empty() => Ok(ProfileRequest {
                form,
                path: path.into(),
            }),
            (Some(_), _) => Err("a file is missing".to_string()),
            (None, _) => Err(format!(
                "no form is `{name}`; text, json, folded and firefox are"
            )),
        }
    }
}

const DIFF_CONVENTIONS: &str = "\
The first tier is the reference. Compared with it are, in each other tier: every host call with its
arguments, the memory that it reads, its answer, what it writes and prints; all memories, globals,
tables and objects before every host call and at the end; the ending, with the place of a trap.
Where a program has much memory and many host calls, the state is hashed before only every second,
fourth, ... call (what was compared is printed); a difference is then narrowed to a call.

Every tier gets the same: clocks that begin at the same time and go on with each look, seeded random
numbers, an empty standard input or the bytes that were given, and its own copy of each directory,
which is gone afterwards. What a terminal would give is not read. Sockets cannot be the same: record
a run (`wassay run --record`), and compare with --replay.

Engines of other makers have no WASI behind the engine protocol and cannot be named here. A tier in
a configuration can, as in stack@native or jit@explicit, if `wassay run` has its options.

At a difference, the program and its host calls become a script, and `wassay explain` looks for the
first instruction. A stack that is exhausted, and --timeout, end tiers at different places, and
nothing is compared from there on.

Exit codes: 0 all tiers do the same; 1 a tier differs, or the output is not that of --expect; 2 bad
usage or bad input; 3 a tier could not be measured.";

/// Options of `wassay diff`.
#[derive(Debug, Args)]
#[command(after_help = DIFF_CONVENTIONS)]
pub struct DiffArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
    /// The tiers, the reference first: those of `wassay run`, each perhaps in a configuration
    #[arg(
        long,
        visible_alias = "tiers",
        value_name = "TIERS",
        default_value = "stack,register,jit,tiered",
        value_parser = crate::engine::parse_list
    )]
    pub engines: EngineList,
    /// The exported function to call [default: _start, of a WASI program]
    #[arg(long, value_name = "NAME")]
    pub invoke: Option<String>,
    /// Compare the standard output with a file, too
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// How long a tier may take, as in 10s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub wait: Duration,
    /// Do not look for the first instruction of a difference
    #[arg(long)]
    pub no_explain: bool,
    /// At a difference, write the script on which explain, reduce and spec go on
    #[arg(long, value_name = "FILE.wast")]
    pub script: Option<PathBuf>,
    /// The resources that the program gets.
    #[command(flatten)]
    pub resources: ResourceArgs,
    /// The start of the clocks, in seconds after 1970 [default: 946684800]
    #[arg(long, value_name = "SECONDS", help_heading = "Repeating a program")]
    pub clock: Option<u32>,
    /// The seed of random numbers [default: 0]
    #[arg(long, value_name = "N", help_heading = "Repeating a program")]
    pub seed: Option<u64>,
    /// Write the host calls of the reference, as `wassay run --record` does
    #[arg(long, value_name = "FILE", help_heading = "Repeating a program")]
    pub record: Option<PathBuf>,
    /// Answer all host calls as a record does, in every tier
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["dir", "listen", "env", "clock", "seed"],
        help_heading = "Repeating a program"
    )]
    pub replay: Option<PathBuf>,
    /// With a tiered tier: the call of a function, and the arrival at the head of a loop, at which
    /// it goes on as machine code
    #[arg(long, value_name = "N")]
    pub tier_up: Option<u32>,
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
    /// What the engine does where the specification leaves a result open
    #[arg(
        long = "float-profile",
        default_value_t,
        value_parser = by_word::<Profile>(Profile::WORDS)
    )]
    pub profile: Profile,
    /// Instantiate a module, and let imports from NAME find its exports (repeatable, in order)
    #[arg(long, value_name = "NAME=FILE")]
    pub preload: Vec<Preload>,
    /// Make what is imported and not preloaded, as `wassay run` does
    #[arg(long)]
    pub stub_imports: bool,
    /// The features that the module may use.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// What the module may use.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The arguments of the program, or those of the function, as `wassay run` has them
    #[arg(
        value_name = "ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<String>,
}

/// Options of `wassay wasi-suite`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all programs pass in all tiers; 1 one does not; 2 bad usage or a bad configuration;
3 a tier cannot run here, or there are no programs.")]
pub struct WasiSuiteArgs {
    /// Folders with built programs (.wasm) and their configurations (.json), at any depth
    #[arg(value_name = "FOLDER", required = true)]
    pub folders: Vec<PathBuf>,
    /// The tiers, as in stack,jit
    #[arg(
        long,
        value_name = "TIERS",
        value_delimiter = ',',
        default_value = "stack,register,jit"
    )]
    pub tiers: Vec<RunTier>,
    /// Run them by this program in place of our tiers: it is called with --dir and --env as
    /// `wassay run` has them, the file, `--`, and the arguments
    #[arg(long, value_name = "PROGRAM", conflicts_with = "tiers")]
    pub program: Option<PathBuf>,
    /// Run the programs whose path has this part
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// How long a program may take, as in 10s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// What makes a WASI program do the same again.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Repeating a program")]
pub struct RepeatArgs {
    /// Make the program independent of this host: --clock 946684800, --seed 0, and attributes of
    /// files that do not depend on the file system
    #[arg(long)]
    pub deterministic: bool,
    /// Make clocks that begin at so many seconds after 1970 and go on by a millisecond with each
    /// look; waiting sets them forward and takes no time
    #[arg(long, value_name = "SECONDS")]
    pub clock: Option<u32>,
    /// Make random numbers that follow from a seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write all host calls with their arguments, results and what they write into the memory, as
    /// lines of JSON; the program prints as to a pipe
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer all host calls as a record does, without clock, files and network
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["dir", "listen", "env", "deterministic", "clock", "seed"]
    )]
    pub replay: Option<PathBuf>,
    /// Hash the state before host calls into the record: `thinning`, or all from one on
    #[arg(
        long,
        value_name = "WHICH",
        hide = true,
        requires = "record",
        value_parser = parse_states
    )]
    pub states: Option<StateChoice>,
    /// Write all of the state to a folder before a host call, and end
    #[arg(long, value_name = "CALL=FOLDER", hide = true, value_parser = parse_dump)]
    pub dump: Option<(u64, PathBuf)>,
}

fn parse_states(text: &str) -> Result<StateChoice, std::num::ParseIntError> {
    match text {
        "thinning" => Ok(StateChoice::Thinning),
        text => text.parse().map(StateChoice::From),
    }
}

fn parse_dump(text: &str) -> Result<(u64, PathBuf), String> {
    let (call, folder) = text.split_once('=').ok_or("a call, `=` and a folder")?;
    let call = call.parse().map_err(|_| "a call is a number")?;
    Ok((call, folder.into()))
}

impl RepeatArgs {
    /// The start of made clocks in nanoseconds after 1970.
    pub fn clock_start(&self) -> Option<u64> {
        const CLOCK_SECONDS: u32 = 946_684_800;
        let seconds = self.clock.or(self.deterministic.then_some(CLOCK_SECONDS));
        seconds.map(|it| u64::from(it) * 1_000_000_000)
    }

    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut push = |name: &str, value: OsString| words.extend([name.into(), value]);
        if let Some(seconds) = self.clock {
            push("--clock", seconds.to_string().into());
        }
        if let Some(seed) = self.seed {
            push("--seed", seed.to_string().into());
        }
        if let Some(file) = &self.record {
            push("--record", file.into());
        }
        if let Some(file) = &self.replay {
            push("--replay", file.into());
        }
        match self.states {
            Some(StateChoice::Thinning) => push("--states", "thinning".into()),
            Some(StateChoice::From(call)) => push("--states", call.to_string().into()),
            None => {}
        }
        if let Some((call, folder)) = &self.dump {
            let mut value = OsString::from(format!("{call}="));
            value.push(folder);
            push("--dump", value);
        }
        words.extend(self.deterministic.then(|| "--deterministic".into()));
        words
    }
}

/// The resources of the host that a WASI program gets.
#[derive(Clone, Debug, Default, Args)]
pub struct ResourceArgs {
    /// Let the program use a directory of the host, under the name GUEST or else HOST (repeatable)
    #[arg(long, value_name = "HOST[::GUEST]")]
    pub dir: Vec<DirGrant>,
    /// Set a variable of the program's environment; without a value, to our own (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<EnvGrant>,
    /// Let the program accept TCP connections: the socket's descriptor follows the standard
    /// streams (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<std::net::SocketAddr>,
}

impl ResourceArgs {
    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<String> {
        let dirs = self.dir.iter().map(|it| ["--dir".into(), it.to_string()]);
        let variables = self.env.iter().map(|it| ["--env".into(), it.to_string()]);
        let sockets = self.listen.iter();
        let sockets = sockets.map(|it| ["--listen".into(), it.to_string()]);
        dirs.chain(variables).chain(sockets).flatten().collect()
    }
}

/// A directory of the host that a program may use, as in `/tmp/work::/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirGrant {
    /// The path on the host.
    pub host: PathBuf,
    /// The name that the program has for it.
    pub guest: String,
}

impl FromStr for DirGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<DirGrant, String> {
        let (host, guest) = text.split_once("::").unwrap_or((text, text));
        if host.is_empty() || guest.is_empty() {
            return Err("a directory of the host, `::`, and its name in the program".into());
        }
        Ok(DirGrant {
            host: host.into(),
            guest: guest.into(),
        })
    }
}

impl fmt::Display for DirGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.host.display(), self.guest)
    }
}

/// A variable of a program's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvGrant {
    /// The name.
    pub name: String,
    /// The value; `None` is that of our own environment, if it is there.
    pub value: Option<String>,
}

impl FromStr for EnvGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<EnvGrant, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err("a variable has a name".into());
        }
        let name = name.to_string();
        Ok(EnvGrant { name, value })
    }
}

impl fmt::Display for EnvGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

/// The features that a module may use.
#[derive(Clone, Debug, Default, Args)]
pub struct FeatureArgs {
    /// Change the features that the module may use, as in 2.0,threads or -simd: names with commas,
    /// `-` takes away; 1.0, 2.0, 3.0 and all begin anew [default: all that Wassay executes]
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
}

impl FeatureArgs {
    /// The features.
    pub fn set(&self) -> FeatureSet {
        let list = self.features.as_ref();
        list.map_or(FeatureSet::EXECUTED, |list| {
            list.apply(FeatureSet::EXECUTED)
        })
    }
}

/// What a module that is run may use.
#[derive(Clone, Debug, Default, Args)]
pub struct LimitArgs {
    /// Instructions that may be executed
    #[arg(long, value_name = "N")]
    pub fuel: Option<u64>,
    /// How long it may take, as in 10s or 500ms
    #[arg(long, alias = "deadline", value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Bytes of all memories together, as in 64M
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_memory: Option<u64>,
    /// Elements of all tables together
    #[arg(long, value_name = "N")]
    pub max_table: Option<u64>,
    /// Bytes of the garbage-collected heap, as in 64M
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_heap: Option<u64>,
    /// Bytes of machine code, as in 64M
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub max_code: Option<u64>,
    /// Bytes of the value stack, and of the native stack of compiled code
    #[arg(long, value_name = "BYTES", value_parser = parse_stack_bytes)]
    pub max_stack: Option<u64>,
    /// Nested calls of interpreted functions
    #[arg(long, value_name = "N")]
    pub max_depth: Option<usize>,
}

impl LimitArgs {
    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<String> {
        let timeout = self.timeout.map(humantime::format_duration);
        let timeout = timeout.map(|timeout| timeout.to_string());
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        let options = [
            ("--fuel", text(self.fuel)),
            ("--timeout", timeout),
            ("--max-memory", text(self.max_memory)),
            ("--max-table", text(self.max_table)),
            ("--max-heap", text(self.max_heap)),
            ("--max-code", text(self.max_code)),
            ("--max-stack", text(self.max_stack)),
            (
                "--max-depth",
                text(self.max_depth.map(|depth| depth as u64)),
            ),
        ];
        let given = options.into_iter();
        let given = given.filter_map(|(option, value)| Some([option.to_string(), value?]));
        given.flatten().collect()
    }
}

/// Options of `wassay validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Modules, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat", required = true)]
    pub files: Vec<PathBuf>,
    /// The features that they may use.
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// Options of `wassay inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --func and stages the module is summed up; without stages a function is shown in all.
Compiling works on every host. Exit code 2 for a file that is no valid module or has no such
function, 3 for an instruction that the compiler does not have.")]
pub struct InspectArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
    /// Only this function, by index, export or name [default: all that have a body]
    #[arg(long, value_name = "N|NAME")]
    pub func: Option<String>,
    /// Show its instructions, with their offsets in the module
    #[arg(long)]
    pub source: bool,
    /// Show the canonical IR
    #[arg(long)]
    pub ir: bool,
    /// Show the compiler's SSA form, as built and as optimised
    #[arg(long)]
    pub ssa: bool,
    /// Show the ARM64 instructions
    #[arg(long)]
    pub asm: bool,
    /// The features that the module may use.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
}

/// What `wassay engine` is asked for.
#[derive(Debug, Subcommand)]
pub enum EngineCommand {
    /// List our own tiers and the engines of the tables, each with its version, or with the reason
    /// why it is not available and how to get it.
    List(EngineTables),
    /// Try whether an adapter keeps to the engine protocol. Exit code 1 if it does not.
    Check(EngineCheckArgs),
    /// Count the instructions that an engine executes for each one of Wasm, in an emulator, and
    /// tell whether it can be what it claims to be: an interpreter, a baseline compiler or an
    /// optimising compiler. Exit code 1 if it cannot.
    Prove(EngineProveArgs),
}

/// The tables of engines.
#[derive(Debug, Args)]
pub struct EngineTables {
    /// A table of further engines (repeatable)
    #[arg(long, value_name = "FILE")]
    pub engine_table: Vec<PathBuf>,
}

/// Options of `wassay engine check`.
#[derive(Debug, Args)]
pub struct EngineCheckArgs {
    /// The engine, by its name in a table
    #[arg(value_name = "NAME", value_parser = parse_engine)]
    pub name: EngineName,
    /// The tables.
    #[command(flatten)]
    pub tables: EngineTables,
}

/// The options of `wassay engine prove`.
#[derive(Debug, clap::Args)]
pub struct EngineProveArgs {
    /// The engines, by their names in a table
    #[arg(value_name = "NAME", required = true, value_parser = parse_engine)]
    pub names: Vec<EngineName>,
    /// The counting plugin of the emulator, if it is not where scripts/engines puts it
    #[arg(long, value_name = "FILE")]
    pub plugin: Option<PathBuf>,
    /// The tables.
    #[command(flatten)]
    pub tables: EngineTables,
}

fn parse_engine(text: &str) -> Result<EngineName, NotAName> {
    text.parse()
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
    /// The instruction set of its master; if it is another one, the worker is emulated
    #[arg(long, value_name = "ARCH", default_value = std::env::consts::ARCH)]
    pub host: String,
}

/// The parser of a setting by its words.
fn by_word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

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

/// A value that an option does not take.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum OptionError {
    #[error("the form is FORMAT=FILE, as in json=report.json")]
    NoFormat,
    #[error("no file is named; the form is FORMAT=FILE, as in json=report.json")]
    NoFile,
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    #[error("a number from 1 to 1024 is needed")]
    Jobs,
    #[error("a size is a number of bytes, or one with a unit, as in 64M: {0}")]
    Size(#[from] parse_size::Error),
    #[error("a stack has at most 1G")]
    Stack,
    #[error("a time is a number with a unit, as in 10s or 500ms: {0}")]
    Time(#[from] humantime::DurationError),
    #[error("a time of zero leaves no time to run")]
    NoTime,
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

/// The formats with their descriptions, for the help.
fn report_help() -> String {
    let row = |it: &&dyn Presenter| format!("{} ({})", it.name(), it.about());
    let rows: Vec<String> = PRESENTERS.iter().map(row).collect();
    format!(
        "Write a report, as in json=FILE, or json=- for stdout (repeatable): {}",
        rows.join(", ")
    )
}

fn parse_jobs(text: &str) -> Result<usize, OptionError> {
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        Ok(_) | Err(_) => Err(OptionError::Jobs),
    }
}

/// Reads a number of bytes, perhaps with a unit: K, M, G, .., each 1,024 of the one before.
fn parse_bytes(text: &str) -> Result<u64, OptionError> {
    let sizes = parse_size::Config::new().with_binary();
    Ok(sizes.parse_size(text)?)
}

/// Reads the size of a stack, of which there is room for one.
fn parse_stack_bytes(text: &str) -> Result<u64, OptionError> {
    match parse_bytes(text)? {
        bytes @ ..=STACK_BYTES_MAX => Ok(bytes),
        _ => Err(OptionError::Stack),
    }
}

const STACK_BYTES_MAX: u64 = 1 << 30;

/// Reads a time with its unit, as in `10s` or `2m 30s`, or a number of seconds.
fn parse_duration(text: &str) -> Result<Duration, OptionError> {
    let seconds = text.parse().map(Duration::from_secs);
    match seconds.or_else(|_| humantime::parse_duration(text))? {
        Duration::ZERO => Err(OptionError::NoTime),
        time => Ok(time),
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
    fn arguments_of_run_may_be_negative_numbers() {
        let words = "wassay run f --invoke g --tier jit -1 -0x1p3 -inf -nan:0x1 --tier";
        let Ok(Cli {
            command: Command::Run(args),
        }) = Cli::try_parse_from(words.split(' '))
        else {
            panic!("these are options and arguments of run");
        };
        assert_eq!(args.args, ["-1", "-0x1p3", "-inf", "-nan:0x1", "--tier"]);
        assert_eq!(args.tier, RunTier::Measured(Tier::Jit));
    }

    #[test]
    fn durations() {
        assert_eq!(
            parse_duration("10s").expect("a value"),
            Duration::from_secs(10)
        );
        assert_eq!(
            parse_duration("500ms").expect("a value"),
            Duration::from_millis(500)
        );
        assert_eq!(
            parse_duration("2m").expect("a value"),
            Duration::from_secs(120)
        );
        assert_eq!(
            parse_duration("3").expect("a value"),
            Duration::from_secs(3)
        );
        assert_eq!(
            parse_duration("1m 30s").expect("a value"),
            Duration::from_secs(90)
        );
        for bad in ["", "s", "-1s", "1x", "0s", "99999999999999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("65536").expect("a value"), 65_536);
        assert_eq!(parse_bytes("64K").expect("a value"), 65_536);
        assert_eq!(parse_bytes("3m").expect("a value"), 3 << 20);
        assert_eq!(parse_bytes("0").expect("a value"), 0);
        assert_eq!(parse_bytes("1.5GiB").expect("a value"), 3 << 29);
        for bad in ["", "K", "-1", "1X", "99999999999G"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
        assert!(parse_stack_bytes("2G").is_err());
    }

    #[test]
    fn limits_are_handed_on_as_they_were_given() {
        let given = "--fuel 7 --timeout 20ms --max-memory 65536 --max-table 3 --max-heap 4096 \
            --max-code 131072 --max-stack 8192 --max-depth 9";
        let words: Vec<&str> = given.split_whitespace().collect();
        let line = [&["wassay", "run", "f", "--invoke", "g"], &words[..]].concat();
        let Ok(Cli {
            command: Command::Run(args),
        }) = Cli::try_parse_from(line)
        else {
            panic!("these are options of run");
        };
        assert_eq!(args.limits.words(), words);
    }

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
