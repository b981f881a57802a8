//! The worker: runs scripts in one tier, and reports what happened without judging it.
//!
//! It is the same program as the master, started with `wassay worker --tier T --cell F`, and reads
//! jobs from stdin and writes answers to stdout (`protocol.rs`). Before each directive it says so
//! in the progress cell, so that its death is pinned on the right one (contract C7): it catches no
//! panic and no signal. Each job has stores of its own, so that no file sees another's state.
//!
//! Scripts run on a thread with a large stack of a fixed size, the same in every tier and on every
//! host, so that exhaustion is the engine's own limit and never the process's.

mod effects;
mod group;
mod instances;
mod lifetimes;
mod mark;
mod resident;
mod session;
mod spectest;
pub(crate) mod state;
mod threads;
pub(crate) mod values;
mod visible;

use std::io::{self, Read, Write, stdin, stdout};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::time::{Duration, Instant};

use wassay_runtime::interior::count::{Counter, count};
use wassay_runtime::interior::crash::tell_of_faults;
use wassay_runtime::interior::sample::{self, Sampler};
use wassay_runtime::{Compilation, Config, Engine, Policy};

use crate::error::Exit;
use crate::outcome::{Proof, Report};
use crate::protocol::cell::Cell;
use crate::protocol::{
    FrameError, FromWorker, Job, JobConfig, JobResult, MEMORY_EXIT, Modes, PROTOCOL_VERSION,
    ToWorker, read_frame, write_frame,
};
use crate::thread;
use crate::tier::Tier;

/// The stack of the thread that runs scripts: far more than the runtime's limits let code use.
const STACK_BYTES: usize = 256 << 20;

/// Why the worker stops before its master says so.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often the worker looks whether its master is still there, and what it holds itself.
const WATCH_PERIOD: Duration = Duration::from_millis(50);

/// The command `wassay worker`: serves jobs until stdin ends. `host` is the instruction set that
/// the master runs on: under an emulator, mappings cost by their size.
pub fn command(tier: Tier, cell: &Path, host: &str) -> Exit {
    if host != std::env::consts::ARCH {
        wassay_runtime::interior::use_sparse_scheme();
    }
    let threads = thread::builder().spawn(watch).and_then(|_watch| {
        std::thread::scope(|scope| {
            let serve = || serve_stdio(tier, cell);
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            Ok(builder.spawn_scoped(scope, serve)?.join())
        })
    });
    match threads {
        Ok(Ok(Ok(()))) => Exit::AsExpected,
        Ok(Ok(Err(failure))) => {
            eprintln!("wassay worker: {failure}");
            Exit::BadInput
        }
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            let reason = format!("a worker has no thread to work with: {error}");
            // A master that is gone does not need to know.
            let _ = write_frame(&mut stdout().lock(), &FromWorker::Unavailable { reason });
            Exit::NotMeasured
        }
    }
}

/// Ends the process when its master is gone, even within a directive that never ends: a master that
/// was killed kills no workers. And when it holds more memory than it may.
fn watch() {
    let master = parent_id();
    while parent_id() == master {
        end_if_mark_is_passed();
        std::thread::sleep(WATCH_PERIOD);
    }
    std::process::exit(i32::from(Exit::NotMeasured.code()));
}

/// Ends the process if it holds more memory than the job may take.
fn end_if_mark_is_passed() {
    if mark::is_passed() {
        std::process::exit(MEMORY_EXIT);
    }
}

fn serve_stdio(tier: Tier, cell: &Path) -> Result<(), Failure> {
    tell_of_faults();
    let cell = Cell::open(cell)?;
    serve(tier, &cell, &mut stdin().lock(), &mut stdout().lock())?;
    Ok(())
}

/// Answers jobs from `input` on `output` until there are no more.
///
/// # Errors
/// When a stream fails or holds what is no message.
pub fn serve(
    tier: Tier,
    cell: &Cell,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<(), FrameError> {
    if let Err(error) = Engine::new(&config(tier, &PROBE)) {
        let reason = error.to_string();
        return write_frame(output, &FromWorker::Unavailable { reason });
    }
    let arch = std::env::consts::ARCH.to_string();
    write_frame(
        output,
        &FromWorker::Ready {
            protocol: PROTOCOL_VERSION,
            tier,
            arch,
        },
    )?;
    loop {
        match read_frame::<ToWorker<'static>>(input) {
            Ok(ToWorker::Job(job)) => {
                write_frame(output, &FromWorker::Result(run_job(tier, cell, &job)))?;
            }
            Ok(ToWorker::Stop) | Err(FrameError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The configuration with which a tier shows that it can run here at all.
const PROBE: JobConfig = JobConfig::plain(crate::features::FeatureSet::WASM1);

/// The tier's policy in the modes of a job.
fn policy(tier: Tier, modes: &Modes) -> Policy {
    let policy = tier.policy(modes.tier_up);
    if let Policy::Tiered(thresholds) = policy {
        return Policy::Tiered(thresholds.background(modes.background));
    }
    policy
}

/// The runtime's configuration for a job.
pub(crate) fn config(tier: Tier, job: &JobConfig) -> Config {
    let features = job.features.wasmparser();
    let mut config = *Config::only(wassay_runtime::Tier::Stack)
        .policy(policy(tier, &job.modes))
        .bounds(job.bounds)
        .features(features)
        .profile(job.profile)
        .fuel(job.modes.fuel)
        .interruptible(job.modes.interruptible);
    if job.is_lazy || job.modes.lazy {
        config.compilation(Compilation::Lazy);
    }
    let mut testing = config.testing();
    if job.modes.exclusive_atomics {
        testing.has_atomics(false);
    }
    testing
        .gc_stress(job.modes.gc_stress)
        .poison_registers(job.modes.poison_registers)
        .check_allocation(job.modes.check_allocation)
        .linear_allocation(job.modes.linear_allocation);
    config
}

/// Runs a job in stores of its own.
pub fn run_job(tier: Tier, cell: &Cell, job: &Job<'_>) -> JobResult {
    let started = Instant::now();
    mark::set(job.config.memory_bytes_max);
    let (reports, proof) = match Engine::new(&config(tier, &job.config)) {
        Ok(engine) => {
            let ran = threads::run_commands(&engine, cell, job, None);
            (ran.reports, ran.proof)
        }
        Err(error) => {
            let report = Report::from(values::ending(error));
            (vec![report; job.commands.len()], Proof::default())
        }
    };
    cell.announce(job.sequence, None);
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    JobResult {
        sequence: job.sequence,
        reports,
        proof,
        micros,
    }
}

/// Runs a job in this process, in the stack tier with a counter of what it executes, and shows each
/// command with its report after it was run.
///
/// # Errors
/// If there is no thread or no cell for it.
pub fn run_counted(
    job: &Job<'_>,
    counter: &'static Counter,
    after: &(dyn Fn(usize, &Report) + Sync),
) -> io::Result<()> {
    let mut config = config(Tier::Stack, &job.config);
    count(&mut config, counter);
    run_here(&config, job, after)
}

/// Runs a job in this process, in a tier that this process can execute, with samples each time that
/// `period` has passed. Only the code of functions counts.
///
/// # Errors
/// If there is no thread or no cell for it.
pub fn run_sampled(
    tier: Tier,
    job: &Job<'_>,
    sampler: &'static Sampler,
    period: Duration,
) -> io::Result<()> {
    let mut config = config(tier, &job.config);
    sample::sample(&mut config, sampler);
    let timer = sample::begin(sampler, period);
    let _timer = timer.map_err(|error| io::Error::other(error.to_string()))?;
    run_here(&config, job, &|_, _| {
        sampler.forget_addresses();
        sampler.begin();
    })
}

/// Runs a job in this process, on a thread as in a worker.
fn run_here(
    config: &Config,
    job: &Job<'_>,
    after: &(dyn Fn(usize, &Report) + Sync),
) -> io::Result<()> {
    let cell = Cell::create()?;
    let Ok(engine) = Engine::new(config) else {
        return Ok(()); // then no command is shown
    };
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let run = || {
            threads::run_commands(&engine, &cell, job, Some(after));
        };
        match builder.spawn_scoped(scope, run)?.join() {
            Ok(()) => Ok(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests;
