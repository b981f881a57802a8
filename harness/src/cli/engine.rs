//! Engines: their processes and modes as options of a run, and the command `engine`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::value::{by_word, parse_bytes, parse_duration, parse_engine, parse_jobs};
use crate::engine::EngineName;
use crate::protocol::{Bounds, Modes, Profile, Setting};
use crate::shell;
use crate::tier::Tier;

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

/// The options for limits that are not the usual ones, as a shell reads them.
pub(super) fn limit_words(timeout: Duration, worker_memory: u64) -> impl Iterator<Item = String> {
    let time = (timeout != TIMEOUT).then(|| {
        let time = humantime::format_duration(timeout).to_string();
        format!("--timeout {}", shell::quote(&time))
    });
    let is_usual = worker_memory == WORKER_MEMORY_BYTES;
    let memory = (!is_usual).then(|| format!("--worker-memory {worker_memory}"));
    time.into_iter().chain(memory)
}

/// How the engines run code.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct SettingArgs {
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

impl From<SettingArgs> for Setting {
    fn from(args: SettingArgs) -> Setting {
        Setting {
            bounds: args.bounds,
            profile: args.profile,
            modes: args.modes.into(),
        }
    }
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
    /// Compile atomic instructions as loops of exclusive loads and stores, as for a processor
    /// without FEAT_LSE
    #[arg(long)]
    pub exclusive_atomics: bool,
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
            exclusive_atomics: modes.exclusive_atomics,
            lazy: modes.lazy,
            background: modes.background,
            tier_up: modes.tier_up,
        }
    }
}

/// The tables of engines.
#[derive(Debug, Args)]
pub struct EngineTables {
    /// A table of further engines (repeatable)
    #[arg(long, value_name = "FILE")]
    pub engine_table: Vec<PathBuf>,
}

/// Options of `wassay engine`.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// What it is asked for.
    #[command(subcommand)]
    pub command: EngineCommand,
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

/// Options of `wassay guard`, which has none.
#[derive(Debug, Args)]
pub struct GuardArgs {}

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
