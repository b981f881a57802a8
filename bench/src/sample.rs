//! What one run of one engine took, by phases, in processor time of the process.

use std::collections::BTreeMap;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::Done;

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// In the program.
    pub user: f64,
    /// In the system.
    pub system: f64,
}

/// A run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// compile, instantiate, call
    pub phases: BTreeMap<String, Seconds>,
    /// The bits of the first result, for comparison.
    pub result: Option<u64>,
}

/// Measures the phases of a run.
pub struct Clock {
    last: Seconds,
    sample: Sample,
}

impl Clock {
    /// Begins the first phase.
    pub fn start() -> Done<Clock> {
        Ok(Clock {
            last: now()?,
            sample: Sample::default(),
        })
    }

    /// Ends a phase and begins the next.
    pub fn mark(&mut self, phase: &str) -> Done {
        let now = now()?;
        let spent = Seconds {
            user: now.user - self.last.user,
            system: now.system - self.last.system,
        };
        self.sample.phases.insert(phase.to_owned(), spent);
        self.last = now;
        Ok(())
    }

    /// Ends the run.
    pub fn finish(mut self, result: Option<u64>) -> Sample {
        self.sample.result = result;
        self.sample
    }
}

fn now() -> Done<Seconds> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(Seconds {
        user: usage.user_time().num_microseconds() as f64 * 1e-6,
        system: usage.system_time().num_microseconds() as f64 * 1e-6,
    })
}

/// A binary, or text encoded.
pub fn read(file: &str) -> Done<Vec<u8>> {
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    if bytes.starts_with(b"\0asm") {
        return Ok(bytes);
    }
    let text = String::from_utf8(bytes)?;
    let buffer = wast::parser::ParseBuffer::new(&text)?;
    Ok(wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?)
}
