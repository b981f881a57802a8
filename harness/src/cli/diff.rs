//! The options of `wassay diff` and `wassay wasi-suite`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::engine::EngineTables;
use super::program::ResourceArgs;
use super::run::ExecutionArgs;
use super::value::parse_duration;
use crate::engine::EngineList;
use crate::tier::RunTier;

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

A tier in a configuration can be named, as in stack@native or jit@explicit, if `wassay run` has its
options. Engines of other makers can be named behind the reference: they run the program as a
script, in which a module of WebAssembly gives the answers that the reference got. Compared are the
end, the number of host calls, their arguments, what they read, and the state that is shown.

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
    /// The engines, the reference first: tiers of `wassay run`, each perhaps in a configuration,
    /// and engines of other makers
    #[arg(
        long,
        visible_alias = "tiers",
        value_name = "TIERS",
        default_value = "stack,register,jit,tiered",
        value_parser = crate::engine::parse_list
    )]
    pub engines: EngineList,
    /// The tables of engines.
    #[command(flatten)]
    pub tables: EngineTables,
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
    /// How the module is executed.
    #[command(flatten)]
    pub execution: ExecutionArgs,
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
