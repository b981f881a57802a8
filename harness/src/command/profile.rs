//! `wassay run --profile` and `wassay profile`: times and counts of what a program executes.
//!
//! Times are taken by samples (`wassay_runtime`'s `sample.rs`) in the tier that is asked for.
//! Counts are exact: the program runs in the stack tier with probes (`count.rs`). The unit is the
//! executed instruction, as it is of fuel. Where both are asked for, the host calls of the first
//! run are recorded, and answered from the record in the second one.
//!
//! Owns the order of the two, and where they are written; [`account`] and [`times`] sum them up.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use wassay_runtime::Proof;
use wassay_runtime::interior::count::Counter;
use wassay_runtime::interior::sample::Sampler;

use super::run::{self, APART, Instruments, LIMITED, Ran};
use crate::cli::{ProfileArgs, ProfileForm, ProfileKind, ProfileOutputArgs, RunArgs};
use crate::error::{Exit, InputError};
use crate::present::destination::Destination;
use crate::tier::{RunTier, Tier};

mod account;
mod forms;
pub(super) mod suite;
mod times;

use account::Account;
use forms::Paths;
use times::Times;

/// The version of the JSON form.
const VERSION: u32 = 2;

/// Answers `wassay profile`, which is short for `wassay run --profile=counts`.
///
/// # Errors
/// If the program cannot be run, or the profile cannot be written.
pub fn command(args: &mut ProfileArgs) -> Result<Exit, InputError> {
    let profiling = &mut args.run.profiling;
    profiling.kind = Some(ProfileKind::Counts);
    profiling.output.write.append(&mut args.write);
    profiling.output.top = Some(args.top);
    run::command(&args.run)
}

/// The arguments of a program whose instructions are counted: its tier is the stack tier.
///
/// # Errors
/// If another tier is asked for.
pub(super) fn counting(args: &RunArgs) -> Result<RunArgs, InputError> {
    let stack = RunTier::Measured(Tier::Stack);
    if args.tier != RunTier::default() && args.tier != stack {
        let message = format!(
            "instructions are counted in tier `{}`, and not in `{}`",
            wassay_runtime::Tier::Stack.name(),
            args.tier
        );
        return Err(InputError::usage(message));
    }
    Ok(in_stack(args))
}

/// The same run in the stack tier.
fn in_stack(args: &RunArgs) -> RunArgs {
    let mut args = RunArgs {
        tier: RunTier::Measured(Tier::Stack),
        ..args.clone()
    };
    args.execution.tier_up = None;
    args
}

/// Runs a program and measures it; the exit code is that of the program.
///
/// # Errors
/// If the program cannot be run, or the profile cannot be written.
pub(super) fn run(
    args: &RunArgs,
    kind: ProfileKind,
    instruments: &Instruments,
) -> Result<Exit, InputError> {
    let interval = args.profiling.interval();
    let outputs = open(&args.profiling.output)?;
    let mut profile = Measured {
        name: args
            .file
            .file_name()
            .unwrap_or_default()
            .display()
            .to_string(),
        interval,
        ..Measured::default()
    };
    let exit = match kind {
        ProfileKind::Counts => profile.count(args, false)?,
        ProfileKind::Times => profile.time(args, instruments)?,
        ProfileKind::All => {
            let folder = tempfile::tempdir().map_err(|error| {
                InputError::usage(format!("no folder for a record of host calls: {error}"))
            })?;
            let (first, second) = both(args, folder.path());
            let exit = profile.time(&first, instruments)?;
            if exit == Exit::BadInput {
                return Ok(exit); // without a record nothing answers the second run
            }
            if args.execution.limits.timeout.is_some() && exit == LIMITED {
                eprintln!("wassay: not counted: the program was interrupted");
            } else if profile.count(&second, true)? == APART {
                eprintln!("wassay: not counted: the program did not do the same again");
                profile.counter = None;
            }
            exit
        }
    };
    profile.write(outputs, args.profiling.output.top())?;
    Ok(exit)
}

/// The arguments of the run that is timed, and of the one in which instructions are counted.
fn both(args: &RunArgs, folder: &Path) -> (RunArgs, RunArgs) {
    let mut first = args.clone();
    if first.repeat.replay.is_none() && first.repeat.record.is_none() {
        first.repeat.record = Some(folder.join("record"));
    }
    let mut second = in_stack(args);
    second.execution.limits.timeout = None;
    second.repeat.replay = first.repeat.replay.clone().or(first.repeat.record.clone());
    (
        second.repeat.record,
        second.repeat.states,
        second.repeat.dump,
    ) = (None, None, None);
    (first, second)
}

/// The destinations of a profile, with its forms.
///
/// # Errors
/// If one cannot be written.
pub(super) fn open(
    output: &ProfileOutputArgs,
) -> Result<Vec<(ProfileForm, Destination)>, InputError> {
    let open = |request: &crate::cli::ProfileRequest| {
        Ok((request.form, Destination::open(&request.path)?))
    };
    output.write.iter().map(open).collect()
}

/// What was measured.
#[derive(Default)]
struct Measured {
    name: String,
    interval: Duration,
    sampler: Option<&'static Sampler>,
    counter: Option<&'static Counter>,
    proof: Option<Proof>,
}

/// A profile as JSON.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<&'a Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<&'a Account>,
}

impl Measured {
    /// Runs a program with samples.
    fn time(&mut self, args: &RunArgs, instruments: &Instruments) -> Result<Exit, InputError> {
        let sampler = Sampler::leak(self.interval.is_zero());
        // At each poll, a sample is due anyway; the timer has nothing to do.
        let period = match self.interval.is_zero() {
            true => Duration::from_secs(3600),
            false => self.interval,
        };
        let Ran { exit, proof } = run::measured(
            args,
            &Instruments {
                sampler: Some(sampler),
                interval: period,
                perf_map: instruments.perf_map,
                ..Instruments::default()
            },
        )?;
        (self.sampler, self.proof) = (Some(sampler), proof);
        Ok(exit)
    }

    /// Runs a program with probes.
    fn count(&mut self, args: &RunArgs, is_silent: bool) -> Result<Exit, InputError> {
        let counter = Counter::leak();
        let ran = run::measured(
            args,
            &Instruments {
                counter: Some(counter),
                is_silent,
                ..Instruments::default()
            },
        )?;
        self.counter = Some(counter);
        Ok(ran.exit)
    }

    /// Writes what was measured; without a destination, as text to stderr.
    fn write(
        &self,
        outputs: Vec<(ProfileForm, Destination)>,
        top: usize,
    ) -> Result<(), InputError> {
        let counts = self.counter.map(|counter| counter.read(Account::of));
        let proof = self.proof.as_ref();
        let times = self
            .sampler
            .map(|sampler| sampler.read(|it| Times::of(it, self.interval, proof)));
        let text = || {
            let texts = [
                times.as_ref().map(|it| it.text(top)),
                counts.as_ref().map(|it| it.text(top)),
            ];
            texts.into_iter().flatten().collect::<Vec<_>>().join("\n")
        };
        if outputs.is_empty() {
            eprint!("{}", text());
        }
        for (form, destination) in outputs {
            let mut content = Vec::new();
            let written = match form {
                ProfileForm::Text => content.write_all(text().as_bytes()),
                ProfileForm::Json => json(
                    &Json {
                        version: VERSION,
                        times: times.as_ref(),
                        counts: counts.as_ref(),
                    },
                    &mut content,
                ),
                ProfileForm::Folded => self.folded(&mut content),
                ProfileForm::Firefox => self.firefox(&mut content),
            };
            written.map_err(|error| InputError::from_error(destination.path(), error))?;
            destination.write(&content)?;
        }
        Ok(())
    }

    fn folded(&self, to: &mut dyn Write) -> std::io::Result<()> {
        match (self.sampler, self.counter) {
            (Some(sampler), _) => {
                sampler.read(|it| Paths::of_samples(it, self.interval).folded(to))
            }
            (None, Some(counter)) => counter.read(|it| Paths::of_counts(it).folded(to)),
            (None, None) => Ok(()),
        }
    }

    fn firefox(&self, to: &mut dyn Write) -> std::io::Result<()> {
        let profile = match (self.sampler, self.counter) {
            (Some(sampler), _) => sampler.read(|it| forms::times(it, self.interval, &self.name)),
            (None, Some(counter)) => counter.read(|it| forms::counts(it, &self.name)),
            (None, None) => return Ok(()),
        };
        Ok(serde_json::to_writer(to, &profile)?)
    }
}

/// Writes something as JSON, with a line's end.
fn json(value: &impl Serialize, to: &mut Vec<u8>) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value)?;
    to.push(b'\n');
    Ok(())
}
