//! The state of a WASI program by the options of `wassay run`, and the exit code of its ending.

use std::net::TcpListener;
use std::time::Instant;

use wassay_wasi::{Ending, Options};

use super::{Instruments, LIMITED, entry};
use crate::cli::RunArgs;
use crate::error::{Exit, InputError};
use crate::record::watch::{Program, Watch};
use crate::record::{self, Head, VERSION, Writer};

/// Added to the number of the signal that ended a program.
pub(super) const SIGNAL_BASE: u8 = 128;

/// The step of made clocks in nanoseconds.
const CLOCK_STEP: u64 = 1_000_000;
/// The seed of random numbers of a deterministic program.
const SEED: u64 = 0;

/// The state of the program before it begins, with the watch over it.
///
/// # Errors
/// If a directory, a socket, a text or a record cannot be used.
pub(super) fn state(
    args: &RunArgs,
    module: &[u8],
    instruments: &Instruments,
) -> Result<Program, InputError> {
    let mut options = Options::new();
    let mut watch = watch(args, module, &mut options)?;
    if instruments.is_silent {
        watch = watch.map(|watch| Box::new(watch.silent()));
    }
    if args.repeat.replay.is_none() {
        resources(args, &mut options)?;
    }
    let wasi = options
        .build()
        .map_err(|error| InputError::usage(error.to_string()))?;
    let sampler = instruments.sampler;
    Ok(Program {
        wasi,
        watch,
        sampler,
    })
}

/// The watch that the options ask for; gives the program its standard streams.
fn watch(
    args: &RunArgs,
    module: &[u8],
    options: &mut Options,
) -> Result<Option<Box<Watch>>, InputError> {
    let repeat = &args.repeat;
    let mut watch = Watch::default();
    options.inherit_streams();
    match &repeat.replay {
        Some(path) => watch = watch.replay(record::read(path)?),
        None if repeat.record.is_none() && repeat.dump.is_none() => return Ok(None),
        None => watch = watch.output(options.capture_stdout(), options.capture_stderr()),
    }
    if let Some(path) = &repeat.record {
        let is_input = |input: &std::path::PathBuf| {
            let same = |path| std::fs::canonicalize(path).ok();
            same(input).is_some_and(|it| same(path) == Some(it))
        };
        if [Some(&args.file), repeat.replay.as_ref()]
            .into_iter()
            .flatten()
            .any(is_input)
        {
            return Err(InputError::at(path, "this is read as input"));
        }
        watch = watch.record(Writer::create(
            path,
            Head {
                version: VERSION,
                sha256: record::sha256(module),
                invoke: entry(args).to_string(),
            },
        )?);
    }
    if let Some(choice) = repeat.states {
        watch = watch.states(choice);
    }
    if let Some((call, folder)) = &repeat.dump {
        watch = watch.dump(*call, folder.clone());
    }
    Ok(Some(Box::new(watch)))
}

/// Arguments, environment, clocks, random numbers, directories and sockets.
fn resources(args: &RunArgs, options: &mut Options) -> Result<(), InputError> {
    options.arg(args.file.file_name().unwrap_or_default().as_encoded_bytes());
    if args.invoke.is_none() {
        for arg in &args.args {
            options.arg(arg.as_str());
        }
    }
    let resources = &args.resources;
    for variable in &resources.env {
        let own = || std::env::var_os(&variable.name).map(|it| it.into_encoded_bytes());
        let given = variable.value.clone().map(String::into_bytes);
        if let Some(value) = given.or_else(own) {
            options.env(variable.name.as_str(), value);
        }
    }
    for &address in &resources.listen {
        let refused = |error| InputError::usage(format!("--listen {address}: {error}"));
        options.descriptor(TcpListener::bind(address).map_err(refused)?);
    }
    for grant in &resources.dir {
        let opened = options.directory(&grant.host, &grant.guest);
        opened.map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            InputError::at(&grant.host, reason.unwrap_or_default())
        })?;
    }
    if let Some(timeout) = args.execution.limits.timeout {
        // A time that the clock does not have is never over.
        if let Some(deadline) = Instant::now().checked_add(timeout) {
            options.deadline(deadline);
        }
    }
    let repeat = &args.repeat;
    if let Some(start) = repeat.clock_start() {
        options.fixed_time(start, CLOCK_STEP);
        if repeat.deterministic {
            options.steady_files(start);
        }
    }
    if let Some(seed) = repeat.seed.or(repeat.deterministic.then_some(SEED)) {
        options.seed(seed);
    }
    Ok(())
}

/// The exit code of a program that one of its calls has ended.
pub(super) fn exit(ending: Ending) -> Exit {
    match ending {
        // As for any process, the host keeps the low byte.
        Ending::Exit(code) => Exit::Other(code as u8),
        Ending::Raised(signal) => {
            eprintln!("wassay: {ending}");
            Exit::Other(SIGNAL_BASE + signal.number())
        }
        Ending::Deadline => {
            eprintln!("wassay: {ending}");
            LIMITED
        }
    }
}
