//! The command line: the options of each command and their parsing.
//!
//! A wrong option is a usage error with exit code 2 before anything runs. `command` answers.

use clap::error::{Error, ErrorKind};
use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};

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
    EngineArgs, EngineCheckArgs, EngineCommand, EngineProveArgs, EngineTables, GuardArgs, ModeArgs,
    PoolArgs, SettingArgs, WorkerArgs,
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
pub use run::{ExecutionArgs, LimitArgs, RunArgs};
pub use spec::{Again, SamplingArgs, ScheduleArgs, ShapeArgs, SpecArgs};
pub use value::OptionError;

/// Assays WebAssembly: a runtime with three execution tiers, and a conformance and differential
/// harness for them.
#[derive(Debug, Parser)]
#[command(name = "wassay", version, max_term_width = WIDTH, after_help = EXIT_CODES)]
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

/// The columns of the screen that help uses at most.
const WIDTH: usize = 100;

/// Declares the commands: `"NAME": VARIANT(OPTIONS)`, each with its text of help.
macro_rules! commands {
    ($($(#[doc = $about:literal])+ $name:literal $(.$flag:ident)?: $variant:ident($args:ty),)*) => {
        /// The commands with their options.
        #[derive(Debug)]
        pub enum Command {
            $($(#[doc = $about])+ $variant($args),)*
        }

        impl Command {
            /// The options of the command `name`, without those of the others, which take longer to
            /// make than a small program takes to run.
            fn options(name: &str) -> Option<clap::Command> {
                match name {
                    $($name => {
                        Some(options::<$args>($name, concat!($($about),+))$(.$flag(true))?)
                    })*
                    _ => None,
                }
            }

            /// The command `name` with the options that were given.
            fn read(name: &str, given: &mut ArgMatches) -> Result<Command, Error> {
                match name {
                    $($name => <$args>::from_arg_matches_mut(given).map(Command::$variant),)*
                    _ => Err(Error::new(ErrorKind::InvalidSubcommand)),
                }
            }
        }

        impl FromArgMatches for Command {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Command, Error> {
                Command::from_arg_matches_mut(&mut matches.clone())
            }

            fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Command, Error> {
                let asked = matches.remove_subcommand();
                let (name, mut given) = asked.ok_or(Error::new(ErrorKind::MissingSubcommand))?;
                Command::read(&name, &mut given)
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
                *self = Command::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl Subcommand for Command {
            fn augment_subcommands(all: clap::Command) -> clap::Command {
                all.subcommands([$($name),*].into_iter().filter_map(Command::options))
            }

            fn augment_subcommands_for_update(all: clap::Command) -> clap::Command {
                Command::augment_subcommands(all)
            }

            fn has_subcommand(name: &str) -> bool {
                [$($name),*].contains(&name)
            }
        }
    };
}

/// The options of a command.
fn options<T: Args>(name: &'static str, about: &'static str) -> clap::Command {
    let about = about.trim_start();
    let about = about.strip_suffix('.').unwrap_or(about);
    // The options have a text of their own, which is not that of the command.
    let command = T::augment_args(clap::Command::new(name)).about(about);
    command.max_term_width(WIDTH)
}

commands! {
    /// Run every directive of a suite under every tier, judge it, and compare the tiers.
    "spec": Spec(Box<SpecArgs>),
    /// Run generated programs under every tier, compare the tiers, and keep what differs as
    /// scripts.
    "fuzz": Fuzz(FuzzArgs),
    /// Make a script small that shows a failure or a difference between tiers, so that it still
    /// does.
    "reduce": Reduce(ReduceArgs),
    /// Compare two JSON reports: fixed, broken, new, gone. Exit code 1 on a regression.
    "compare": Compare(CompareArgs),
    /// Bring a file of expected failures up to date with a JSON report, and say what changes.
    "bless": Bless(BlessArgs),
    /// Put the JSON reports of all parts of a run (--partition) together; refuses sets that are not
    /// complete.
    "merge": Merge(MergeArgs),
    /// Show the passes of engines over the runs of a history (--history).
    "history": History(HistoryArgs),
    /// Show a JSON report as a run shows it, or write it in other formats.
    "render": Render(RenderArgs),
    /// Make the run of a JSON report again, and tell every difference by its kind. Exit code 1 if
    /// there is one, 3 if an engine or a file of the run is not here.
    "verify": Verify(VerifyArgs),
    /// Run a WASI program, or call one export of a module, in any tier.
    "run": Run(RunArgs),
    /// Run one program, and count what it executes by function, line, opcode and call.
    "profile": Profile(Box<ProfileArgs>),
    /// Run one program in every tier, and show where the tiers begin to differ.
    "diff": Diff(DiffArgs),
    /// Run the preview 1 programs of wasi-testsuite in every tier.
    "wasi-suite": WasiSuite(WasiSuiteArgs),
    /// Show where two engines begin to differ in a directive: the first instruction, and what it
    /// leaves that differs.
    "explain": Explain(ExplainArgs),
    /// List the files of a suite with their numbers of directives, proposals and features.
    "list": List(ListArgs),
    /// Count the directives of a suite that execute each opcode, and those that pass in each tier,
    /// plainly and in operand shapes.
    "coverage": Coverage(CoverageArgs),
    /// Decode and validate modules. Exit code 1 if one is malformed or invalid, 3 if one is beyond
    /// the engine's limits.
    "validate": Validate(ValidateArgs),
    /// Show what is in a module, and what the engine makes of its functions.
    "inspect": Inspect(InspectArgs),
    /// Show the engines that a run can have as columns, or try one.
    "engine": Engine(EngineArgs),
    /// Run jobs of another wassay process over stdin and stdout.
    "worker".hide: Worker(WorkerArgs),
    /// End the processes of another wassay process when that is gone.
    "guard".hide: Guard(GuardArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        let mut cli = Cli::command();
        cli.build();
        cli.debug_assert();
    }
}
