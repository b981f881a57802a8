//! The command line: the options of each command and their parsing.
//!
//! A wrong option is a usage error with exit code 2 before anything runs. `command` answers.

use clap::{Parser, Subcommand};

pub mod config;
mod diff;
mod engine;
mod explain;
mod fuzz;
mod list;
mod module;
mod profile;
mod program;
mod report;
mod run;
mod spec;
mod value;

pub use config::{ConfigArgs, GivenOptions};
pub use diff::{DiffArgs, WasiSuiteArgs};
pub use engine::{
    EngineCheckArgs, EngineCommand, EngineProveArgs, EngineTables, ModeArgs, PoolArgs, WorkerArgs,
};
pub use explain::ExplainArgs;
pub use fuzz::{FuzzArgs, ReduceArgs};
pub use list::{CoverageArgs, ListArgs, ListFormat};
pub use module::{FeatureArgs, InspectArgs, ValidateArgs};
pub use profile::{
    ProfileArgs, ProfileForm, ProfileKind, ProfileOutputArgs, ProfileRequest, ProfilingArgs,
};
pub use program::{DirGrant, EnvGrant, RepeatArgs, ResourceArgs};
pub use report::{
    BlessArgs, CompareArgs, HistoryArgs, MergeArgs, RenderArgs, ReportRequest, VerifyArgs,
};
pub use run::{LimitArgs, RunArgs};
pub use spec::{Again, SamplingArgs, ScheduleArgs, ShapeArgs, SpecArgs};
pub use value::OptionError;

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
