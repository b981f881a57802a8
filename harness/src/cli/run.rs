//! The options of `wassay run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::module::FeatureArgs;
use super::profile::ProfilingArgs;
use super::program::{RepeatArgs, ResourceArgs};
use super::value::{by_word, parse_bytes, parse_duration, parse_stack_bytes};
use crate::protocol::{Bounds, Profile};
use crate::suite::preload::Preload;
use crate::tier::RunTier;

/// Arguments, results and endings of `wassay run`, for its help.
const RUN_CONVENTIONS: &str = "\
Without --invoke the module is a program of WASI preview 1: its function _start is called, with the
arguments as the program's; --help behind its file is one of them. With --invoke a function is
called, after _initialize if the module exports that. Both have what --dir, --env and --listen give,
and the standard streams.

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
    /// How the module is executed.
    #[command(flatten)]
    pub execution: ExecutionArgs,
    /// Translate functions when they are first called: the default. Tier jit translates all at once
    #[arg(long, overrides_with = "eager")]
    pub lazy: bool,
    /// Translate every function before anything runs
    #[arg(long, overrides_with = "lazy")]
    pub eager: bool,
    /// Mark loading and the call for an emulator's plugin that counts instructions (tier jit)
    #[arg(long)]
    pub count_marks: bool,
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

/// How a module is executed, what it imports, and what it may use.
#[derive(Clone, Debug, Args)]
pub struct ExecutionArgs {
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
    /// Instantiate a module, call its _initialize if it has one, and let imports from NAME find its
    /// exports (repeatable, in order)
    #[arg(long, value_name = "NAME=FILE")]
    pub preload: Vec<Preload>,
    /// Make what is imported, by preloaded modules too, and not preloaded: functions that return
    /// zeros and nulls, and memories, tables, globals and tags of the types that are asked for
    #[arg(long)]
    pub stub_imports: bool,
    /// The features that the module may use.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// What the module may use.
    #[command(flatten)]
    pub limits: LimitArgs,
}

impl ExecutionArgs {
    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut push = |name: &str, value: OsString| words.extend([name.into(), value]);
        if let Some(n) = self.tier_up {
            push("--tier-up", n.to_string().into());
        }
        push("--bounds", self.bounds.word().into());
        push("--float-profile", self.profile.to_string().into());
        for preload in &self.preload {
            push("--preload", preload.to_arg());
        }
        if let Some(list) = &self.features.features {
            words.push(format!("--features={list}").into());
        }
        words.extend(self.stub_imports.then(|| "--stub-imports".into()));
        words.extend(self.limits.words().into_iter().map(OsString::from));
        words
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::tier::Tier;

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
        assert_eq!(args.execution.limits.words(), words);
    }
}
