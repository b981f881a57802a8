//! What one run of one engine took, by phases, in processor time of the process. Loading and the
//! call are marked too, for the plugin that counts instructions (`harness/engines/count/count.c`).

use std::collections::BTreeMap;
use std::ops::Range;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use wassay_runtime::interior::jit::marks::{Mark, mark};

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
    /// What a program wrote, or the bits of the first result: for comparison.
    pub result: Option<String>,
    /// Where the plugin counted: instructions executed to load the module.
    pub load_instructions: Option<u64>,
    /// Where the plugin counted: instructions executed in compiled code in the call.
    pub call_instructions: Option<u64>,
}

/// Measures the phases of a run.
pub struct Clock {
    last: Seconds,
    sample: Sample,
    code: Range<usize>,
}

impl Clock {
    /// Begins with compiling.
    pub fn start() -> Done<Clock> {
        mark(Mark::Load, 0..0);
        Ok(Clock {
            last: now()?,
            sample: Sample::default(),
            code: 0..0,
        })
    }

    /// The module is compiled.
    pub fn compiled(&mut self) -> Done {
        self.end_phase("compile")
    }

    /// The module is instantiated; its machine code, if any, is in this range of addresses.
    pub fn instantiated(&mut self, code: Range<usize>) -> Done {
        self.code = code;
        mark(Mark::Loaded, self.code.clone());
        self.end_phase("instantiate")?;
        mark(Mark::Call, self.code.clone());
        Ok(())
    }

    /// The call has returned, with a result to compare.
    pub fn returned(mut self, result: Option<String>) -> Done<Sample> {
        mark(Mark::Returned, self.code.clone());
        self.end_phase("call")?;
        self.sample.result = result;
        Ok(self.sample)
    }

    fn end_phase(&mut self, phase: &str) -> Done {
        let now = now()?;
        let spent = Seconds {
            user: now.user - self.last.user,
            system: now.system - self.last.system,
        };
        self.sample.phases.insert(phase.to_owned(), spent);
        self.last = now;
        Ok(())
    }
}

impl Sample {
    /// Adds what the plugin has written.
    pub fn add_counts(&mut self, written: &str) {
        let counted = |mark: Mark, field: &str| {
            let head = format!("count {} ", mark as u64);
            let line = written.lines().find_map(|line| line.strip_prefix(&head))?;
            let words = line.split(' ');
            let word = words.filter_map(|word| word.strip_prefix(field)).next()?;
            word.parse().ok()
        };
        self.load_instructions = counted(Mark::Loaded, "all=");
        self.call_instructions = counted(Mark::Returned, "in=");
    }
}

fn now() -> Done<Seconds> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(Seconds {
        user: usage.user_time().num_microseconds() as f64 * 1e-6,
        system: usage.system_time().num_microseconds() as f64 * 1e-6,
    })
}

/// A module as a binary file, which engines that know no text can read too.
pub enum Binary {
    /// The file itself.
    Given(String),
    /// Encoded from text, and gone with this value.
    Encoded(String),
}

impl Binary {
    /// The binary of a file, in the text format or not.
    pub fn of(file: &str) -> Done<Binary> {
        let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        if bytes.starts_with(b"\0asm") {
            return Ok(Binary::Given(file.to_owned()));
        }
        let encoded = encoded(&bytes).map_err(|error| format!("{file}: {error}"))?;
        let path = std::env::temp_dir().join(format!("wassay-bench-{}.wasm", std::process::id()));
        let path = path.to_string_lossy().into_owned();
        std::fs::write(&path, encoded)?;
        Ok(Binary::Encoded(path))
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        match self {
            Binary::Given(path) | Binary::Encoded(path) => path,
        }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        if let Binary::Encoded(path) = self {
            // A file that stays in the folder for such files does no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn encoded(text: &[u8]) -> Done<Vec<u8>> {
    let text = std::str::from_utf8(text)?;
    let buffer = wast::parser::ParseBuffer::new(text)?;
    Ok(wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?)
}
