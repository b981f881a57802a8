//! `wassay run`: a WASI program, or a call of one export of a module, outside of any suite.
//!
//! Arguments and results of a call are written as [`value`] says; `wassay run --help` lists the
//! exit codes. A backtrace has lines of the source where the module has them.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wassay_runtime as runtime;
use wassay_runtime::interior::count::{Counter, count};
use wassay_runtime::interior::jit::marks::{self, Mark};
use wassay_runtime::interior::sample::{self, PerfMap, SampleTimer, Sampler};
use wassay_runtime::{
    AsContext, Compilation, Config, Engine, ErrorKind, Func, FuncType, Instance, Limits, Module,
    Proof, Store, TrapKind, Val,
};

use super::imports::{self, NotMade};
use super::module::{on_a_large_stack, read_module};
use super::{profile, stdout, this_program};
use crate::cli::{LimitArgs, ProfileKind, RunArgs};
use crate::error::{Exit, InputError};
use crate::pool::launch::{self, UNAVAILABLE_VARIABLE, is_this_program};
use crate::record::End;
use crate::record::watch::{Program, WatchError};
use crate::script::value;
use crate::tier::{RunTier, Tier};
use crate::worker::values;

pub(super) mod lines;
mod program;

/// The exit code of a trap.
const TRAPPED: Exit = Exit::Other(134);
/// The exit code of an exception that nothing caught.
const UNCAUGHT: Exit = Exit::Other(135);
/// The exit code where a limit ended the module.
pub(super) const LIMITED: Exit = Exit::Other(136);
/// The exit code where a replayed program does not do what its record says.
pub(super) const APART: Exit = Exit::Other(125);
/// The function that a WASI program begins with, and the one that readies other modules.
const START: &str = "_start";
pub(super) const INITIALIZE: &str = "_initialize";

/// Answers `wassay run`.
///
/// # Errors
/// If the module or the request is wrong.
pub fn command(args: &RunArgs) -> Result<Exit, InputError> {
    if args.count_marks && args.tier != RunTier::Measured(Tier::Jit) {
        let message = format!(
            "--count-marks is of compiled code: tier `{}` has none",
            args.tier
        );
        return Err(InputError::usage(message));
    }
    if args.execution.tier_up.is_some() && !args.tier.is_tiered() {
        let message = format!("tier `{}` has no thresholds for --tier-up", args.tier);
        return Err(InputError::usage(message));
    }
    if args.profiling.kind == Some(ProfileKind::Counts) {
        let args = profile::counting(args)?;
        return profile::run(&args, ProfileKind::Counts, &Instruments::default());
    }
    if !is_this_program(args.tier.runs_machine_code()) {
        return run_elsewhere(args);
    }
    let perf_map = perf_map(args)?;
    let instruments = Instruments {
        perf_map: perf_map.as_ref().map(|(_, map)| *map),
        ..Instruments::default()
    };
    let exit = match args.profiling.kind {
        Some(kind) => profile::run(args, kind, &instruments)?,
        None => measured(args, &instruments)?.exit,
    };
    match perf_map.map(|(path, map)| (map.check(), path)) {
        Some((Err(error), path)) => Err(InputError::from_error(&path, error)),
        Some((Ok(()), _)) | None => Ok(exit),
    }
}

/// What is attached to a program that runs.
#[derive(Default)]
pub(super) struct Instruments {
    /// Counts what is executed.
    pub(super) counter: Option<&'static Counter>,
    /// Takes samples, at each poll or by a timer.
    pub(super) sampler: Option<&'static Sampler>,
    /// The time between two samples.
    pub(super) interval: Duration,
    /// Names machine code.
    pub(super) perf_map: Option<&'static PerfMap>,
    /// True if nothing is printed, and an error is not told.
    pub(super) is_silent: bool,
}

/// A program that has run.
pub(super) struct Ran {
    /// The exit code.
    pub(super) exit: Exit,
    /// The proof of its store, if it has had one.
    pub(super) proof: Option<Proof>,
}

/// Runs a module in this process.
///
/// # Errors
/// As [`command`].
pub(super) fn measured(args: &RunArgs, instruments: &Instruments) -> Result<Ran, InputError> {
    on_a_large_stack(|| {
        let mut proof = None;
        let exit = run_here(args, instruments, &mut proof)?;
        Ok(Ran { exit, proof })
    })
}

/// The file in which machine code is named, if it is asked for.
fn perf_map(args: &RunArgs) -> Result<Option<(PathBuf, &'static PerfMap)>, InputError> {
    if !args.profiling.perf_map {
        return Ok(None);
    }
    if !cfg!(target_os = "linux") {
        return Err(InputError::usage("--perf-map is for perf, which Linux has"));
    }
    if !args.tier.runs_machine_code() {
        let message = format!(
            "--perf-map names machine code: tier `{}` has none",
            args.tier
        );
        return Err(InputError::usage(message));
    }
    let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    // Of an earlier process of that number. A new file follows no link.
    let _none: std::io::Result<()> = std::fs::remove_file(&path);
    let file = File::create_new(&path).map_err(|error| InputError::from_error(&path, error))?;
    Ok(Some((path, PerfMap::leak(file))))
}

/// Hands the request to the program that can execute ARM64 code.
fn run_elsewhere(args: &RunArgs) -> Result<Exit, InputError> {
    let program = match launch::program(true, &this_program()?) {
        Ok(program) => program,
        Err(reason) => {
            eprintln!("wassay: tier `{}` is unavailable: {reason}", args.tier);
            return Ok(Exit::NotMeasured);
        }
    };
    let mut command = program.command();
    command.arg("run").arg(&args.file);
    if let Some(name) = &args.invoke {
        command.args(["--invoke", name]);
    }
    command.args(args.resources.words());
    command.args(["--tier", &args.tier.to_string()]);
    command.args(args.execution.words());
    command.args(args.eager.then_some("--eager"));
    command.args(args.count_marks.then_some("--count-marks"));
    command.args(args.repeat.words());
    command.args(args.profiling.words());
    command.arg("--").args(&args.args);
    // If that program cannot execute ARM64 code either, it must say so and not look for another.
    command.env(
        UNAVAILABLE_VARIABLE,
        "the program found for it does not run ARM64 code itself",
    );
    // It takes the place of this process, so that whoever ends that ends it.
    let error = command.exec();
    eprintln!("wassay: `{}` does not start: {error}", program.name());
    Ok(Exit::NotMeasured)
}

fn run_here(
    args: &RunArgs,
    instruments: &Instruments,
    proof: &mut Option<Proof>,
) -> Result<Exit, InputError> {
    let bytes = read_module(&args.file)?;
    let refused = |error: runtime::Error| match instruments.is_silent {
        true => Ok(Exit::Failed),
        false => refusal(&args.file, &error),
    };
    let mut config = config(args);
    instruments.attach(&mut config);
    let engine = match Engine::new(&config) {
        Ok(engine) => engine,
        Err(error) => return refused(error),
    };
    let mark = |at, code| {
        if args.count_marks {
            marks::mark(at, code);
        }
    };
    mark(Mark::Load, 0..0);
    let module = match Module::new(&engine, &bytes) {
        Ok(module) => module,
        Err(error) => return refused(error),
    };
    let mut store = Store::new(&engine, program::state(args, &bytes, instruments)?);
    if let Err(error) = limit(&mut store, &args.execution.limits) {
        return refused(error);
    }
    // Start functions are of the program.
    let timer = match instruments.begin() {
        Ok(timer) => timer,
        Err(error) => return refused(error),
    };
    let instance = match imports::instantiate(args, &engine, &mut store, &module) {
        Ok(instance) => instance,
        Err(NotMade::Input(error)) => return Err(error),
        Err(NotMade::Engine(file, error)) => return refusal(&file, &error),
    };
    let code = runtime::interior::parts(&module).code(runtime::Tier::Jit);
    mark(Mark::Loaded, code.clone());
    let func = exported(args, &store, instance)?;
    let values = arguments(args, &func.ty(&store))?;
    instruments.go_on();
    if let Err(error) = ready(args, &mut store, instance) {
        return refused(error);
    }
    mark(Mark::Call, code.clone());
    let called = func.invoke(&mut store, &values);
    mark(Mark::Returned, code);
    drop(timer);
    *proof = Some(store.proof());
    let is_apart = |error: &runtime::Error| error.downcast_ref::<WatchError>().is_some();
    if let Some(watch) = store.data_mut().watch.take()
        && !called.as_ref().is_err_and(is_apart)
        && let Err(error) = watch.end(store.as_context(), end(&called))
    {
        return match instruments.is_silent {
            true => Ok(APART),
            false => Ok(watch_ended(&error)),
        };
    }
    match called {
        Ok(_) if instruments.is_silent => Ok(Exit::AsExpected),
        Err(error) if instruments.is_silent && is_apart(&error) => Ok(APART),
        Ok(results) => print(&results),
        Err(error) => refused(error),
    }
}

impl Instruments {
    fn attach(&self, config: &mut Config) {
        if let Some(counter) = self.counter {
            count(config, counter);
        }
        if let Some(sampler) = self.sampler {
            sample::sample(config, sampler);
        }
        if let Some(map) = self.perf_map {
            sample::name_code(config, map);
        }
    }

    /// Begins to take samples, until what it gives is dropped.
    fn begin(&self) -> runtime::Result<Option<SampleTimer>> {
        let begin = |sampler| sample::begin(sampler, self.interval);
        self.sampler.map(begin).transpose()
    }

    /// Goes on to take samples of the program: what was done since the last one is not of it.
    fn go_on(&self) {
        if let Some(sampler) = self.sampler {
            sampler.begin();
        }
    }
}

/// The engine's configuration, limits included.
fn config(args: &RunArgs) -> Config {
    let mut config = Config::only(runtime::Tier::Stack);
    config.policy(args.tier.policy(args.execution.tier_up));
    config.bounds(args.execution.bounds);
    config.features(args.execution.features.set().wasmparser());
    if !args.eager {
        config.compilation(Compilation::Lazy);
    }
    config.profile(args.execution.profile);
    let given = &args.execution.limits;
    config.fuel(given.fuel.is_some());
    config.interruptible(given.timeout.is_some());
    config.limits(limits(*config.get_limits(), given));
    config
}

/// The limits with those that are given.
fn limits(mut limits: Limits, given: &LimitArgs) -> Limits {
    type Setter = fn(Limits, u64) -> Limits;
    let settings: [(Setter, Option<u64>); 5] = [
        (room_for_one_memory, given.max_memory),
        (Limits::store_memory_bytes_max, given.max_memory),
        (Limits::store_table_elements_max, given.max_table),
        (Limits::gc_heap_bytes_max, given.max_heap),
        (Limits::code_bytes_max, given.max_code),
    ];
    for (set, value) in settings {
        limits = value.map_or(limits, |value| set(limits, value));
    }
    if let Some(bytes) = given.max_stack {
        let native = limits.get_native_stack_bytes().min(bytes as usize);
        limits = limits
            .value_stack_bytes(bytes as usize)
            .native_stack_bytes(native);
    }
    given
        .max_depth
        .map_or(limits, |depth| limits.call_depth_max(depth))
}

/// The limits under which a single memory may have all the bytes of a store.
fn room_for_one_memory(limits: Limits, bytes: u64) -> Limits {
    limits.memory_bytes_max(bytes.max(limits.get_memory_bytes_max()))
}

/// Gives a store its fuel and its time.
fn limit(store: &mut Store<Program>, given: &LimitArgs) -> runtime::Result<()> {
    if let Some(fuel) = given.fuel {
        store.set_fuel(fuel)?;
    }
    if given.timeout.is_some() {
        store.set_deadline(given.timeout)?;
    }
    Ok(())
}

/// The name of the function to call.
fn entry(args: &RunArgs) -> &str {
    args.invoke.as_deref().unwrap_or(START)
}

fn exported(
    args: &RunArgs,
    store: &Store<Program>,
    instance: Instance,
) -> Result<Func, InputError> {
    let name = entry(args);
    instance.get_func(store, name).ok_or_else(|| {
        let exports = instance.exports(store);
        let funcs = exports.filter(|(_, value)| value.into_func().is_some());
        let funcs: Vec<String> = funcs.map(|(name, _)| format!("`{name}`")).collect();
        let there = match (funcs.as_slice(), &args.invoke) {
            ([], _) => "it exports none".to_string(),
            (funcs, Some(_)) => format!("it exports {}", funcs.join(", ")),
            (funcs, None) => {
                let funcs = funcs.join(", ");
                format!("it exports {funcs}: --invoke NAME calls one of them")
            }
        };
        InputError::at(
            &args.file,
            format!("no exported function `{name}`; {there}"),
        )
    })
}

fn arguments(args: &RunArgs, ty: &FuncType) -> Result<Vec<Val>, InputError> {
    let name = entry(args);
    // Those of a program are not those of its first function.
    let given: &[String] = match args.invoke {
        Some(_) => &args.args,
        None => &[],
    };
    if given.len() != ty.params().len() {
        let types: Vec<String> = ty.params().iter().map(ToString::to_string).collect();
        return Err(InputError::usage(format!(
            "`{name}` takes {} arguments ({}), not {}",
            ty.params().len(),
            types.join(" "),
            given.len()
        )));
    }
    let pairs = ty.params().iter().zip(given).enumerate();
    let values = pairs.map(|(index, (&ty, text))| {
        value::parse(ty, text).map_err(|message| {
            InputError::usage(format!("argument {} of `{name}`: {message}", index + 1))
        })
    });
    values.collect()
}

/// Readies a module that is not a program.
fn ready(args: &RunArgs, store: &mut Store<Program>, instance: Instance) -> runtime::Result<()> {
    match &args.invoke {
        Some(name) if name != INITIALIZE => imports::initialize(store, instance),
        Some(_) | None => Ok(()),
    }
}

/// The end of a program, as records have it.
fn end(called: &runtime::Result<Vec<Val>>) -> End {
    let (ending, trace, is_open) = match called {
        Ok(results) => {
            let results: Vec<String> = results.iter().map(|&it| value::text(it)).collect();
            (format!("returned {}", results.join(" ")), Vec::new(), false)
        }
        Err(error) => match wassay_wasi::link::ending(error) {
            Some(ending) => (ending.to_string(), Vec::new(), false),
            None => {
                let is_open = matches!(
                    error.kind(),
                    ErrorKind::Trap(TrapKind::StackExhausted | TrapKind::Interrupted)
                );
                (error.to_string(), values::trace(error), is_open)
            }
        },
    };
    End {
        ending: ending.trim_end().to_string(),
        is_open,
        trace,
        state: None,
    }
}

/// Says how a watch ended a program, with the exit code of that.
fn watch_ended(error: &WatchError) -> Exit {
    match error {
        WatchError::Dumped => return Exit::AsExpected,
        WatchError::Apart(_) | WatchError::Output(_) => eprintln!("wassay: {error}"),
    }
    match error {
        WatchError::Apart(_) => APART,
        WatchError::Output(_) | WatchError::Dumped => Exit::BadInput,
    }
}

fn print(results: &[Val]) -> Result<Exit, InputError> {
    let lines: String = results
        .iter()
        .map(|&result| value::text(result) + "\n")
        .collect();
    stdout::print(&lines)?;
    Ok(Exit::AsExpected)
}

/// Says how a module ended that did not return, with the exit code of that ending.
fn refusal(file: &Path, error: &runtime::Error) -> Result<Exit, InputError> {
    if let Some(ending) = wassay_wasi::link::ending(error) {
        return Ok(program::exit(ending));
    }
    if let Some(error) = error.downcast_ref::<WatchError>() {
        return Ok(watch_ended(error));
    }
    let exit = match error.kind() {
        ErrorKind::Malformed | ErrorKind::Invalid | ErrorKind::Unlinkable | ErrorKind::Usage => {
            return Err(InputError::at(file, error.to_string()));
        }
        ErrorKind::Trap(TrapKind::OutOfFuel | TrapKind::Interrupted | TrapKind::HeapExhausted)
        | ErrorKind::Limit(_) => LIMITED,
        ErrorKind::Trap(_) => TRAPPED,
        ErrorKind::Exception => UNCAUGHT,
        ErrorKind::Unsupported => Exit::NotMeasured,
        ErrorKind::Host => TRAPPED,
        _internal => Exit::Failed,
    };
    eprintln!("wassay: {error}");
    if let Some(backtrace) = error.backtrace() {
        eprint!("{}", lines::with_lines(backtrace));
    }
    Ok(exit)
}
