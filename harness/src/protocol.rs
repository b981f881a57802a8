//! What master and worker say to each other: length-prefixed postcard frames over the worker's
//! stdin and stdout.
//!
//! A frame is a `u32` little-endian length and that many bytes of one message. A frame that is too
//! long, cut short, or does not decode to exactly one message is an error, never a panic. The
//! worker announces the directive that it is about to run through a shared memory cell (`cell.rs`),
//! not by a frame, so that announcing costs no system call.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Write};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::features::FeatureSet;
use crate::outcome::{Proof, Report};
use crate::script::Command;
use crate::suite::conventions::Conventions;
use crate::tier::Tier;

pub mod cell;
pub mod configuration;
pub mod words;

pub use wassay_runtime::{Bounds, Profile};

/// A hash of the sources (`build.rs`): both sides must be built from the same, so that the messages
/// agree, and no result comes from an engine that is not the one at hand.
pub const PROTOCOL_VERSION: u64 = match u64::from_str_radix(env!("WASSAY_SOURCES"), 16) {
    Ok(hash) => hash,
    Err(_) => panic!("build.rs writes hexadecimal digits"),
};

/// The longest frame that is read. The suite's largest job is far below it.
pub const FRAME_BYTES_MAX: u32 = 256 << 20;

/// From the master to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker<'a> {
    /// Run this, then answer with [`FromWorker::Result`].
    Job(Job<'a>),
    /// Leave. (The end of stdin means the same.)
    Stop,
}

/// One file for one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job<'a> {
    /// Number of the job, echoed in the answer and in the progress cell; it is never 0.
    pub sequence: u32,
    /// The script's path, for messages.
    pub path: Cow<'a, str>,
    /// What to do, without what is expected.
    pub commands: Cow<'a, [Command]>,
    /// How to run it.
    pub config: JobConfig,
    /// Ordinals that must not run: they killed an earlier worker, or are left out on request.
    /// Ascending.
    pub excluded: Cow<'a, [u32]>,
}

/// How a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobConfig {
    /// The features that modules may use.
    pub features: FeatureSet,
    /// The runner for which the script was written.
    pub conventions: Conventions,
    /// How memory accesses are checked.
    #[serde(with = "words")]
    pub bounds: Bounds,
    /// Whether to hash the state after each action, for comparison between tiers.
    pub hash_state: bool,
    /// True if reports have the visible state, which engines of other makers have too.
    pub show_state: bool,
    /// Where the spec leaves results open.
    #[serde(with = "words")]
    pub profile: Profile,
    /// What the engine does beyond running the code.
    pub modes: Modes,
    /// True if a function is compiled when it is first called.
    pub is_lazy: bool,
    /// The most bytes of memory that the worker may come to hold for this job; 0 is no limit.
    pub memory_bytes_max: u64,
    /// The directive that is to be interrupted, if one is; code must be interruptible then.
    pub interruption: Option<Interruption>,
}

/// A directive that is interrupted after some time, to learn where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// The directive.
    pub ordinal: u32,
    /// The time.
    pub after_millis: u32,
}

impl JobConfig {
    /// A job of modules with these features, and nothing besides: no state, no mode, no limit.
    pub const fn plain(features: FeatureSet) -> JobConfig {
        JobConfig {
            features,
            conventions: Conventions::Spec,
            bounds: Bounds::Guard,
            hash_state: false,
            show_state: false,
            profile: Profile::Deterministic,
            modes: Modes {
                fuel: false,
                interruptible: false,
                gc_stress: false,
                poison_registers: false,
                check_allocation: false,
                linear_allocation: false,
                exclusive_atomics: false,
                lazy: false,
                background: false,
                tier_up: None,
            },
            is_lazy: false,
            memory_bytes_max: 0,
            interruption: None,
        }
    }
}

/// Modes of the engine in which every verdict must be the same as without them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Modes {
    /// Code is metered, with more fuel than any script uses; what is left is compared, too.
    pub fuel: bool,
    /// Code looks for interruptions, of which there are none.
    pub interruptible: bool,
    /// Every allocation collects first.
    pub gc_stress: bool,
    /// What compiled code calls leaves garbage in the registers that it may change.
    #[serde(default)]
    pub poison_registers: bool,
    /// Register allocation is checked after each function that is compiled.
    #[serde(default)]
    pub check_allocation: bool,
    /// Registers of all functions are allocated as those of the largest.
    #[serde(default)]
    pub linear_allocation: bool,
    /// Atomic instructions are compiled as loops of exclusive loads and stores.
    #[serde(default)]
    pub exclusive_atomics: bool,
    /// Functions are translated when they are called first.
    #[serde(default)]
    pub lazy: bool,
    /// Where tiers are mixed: a thread of its own compiles.
    #[serde(default)]
    pub background: bool,
    /// Where tiers are mixed: the call of a function, and the arrival at the head of a loop, at
    /// which it goes on as machine code, in place of the tier's own.
    #[serde(default)]
    pub tier_up: Option<u32>,
}

impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modes = [
            (self.fuel, "fuel"),
            (self.interruptible, "interruptible"),
            (self.gc_stress, "gc-stress"),
            (self.poison_registers, "poison-registers"),
            (self.check_allocation, "check-allocation"),
            (self.linear_allocation, "linear-allocation"),
            (self.exclusive_atomics, "exclusive-atomics"),
            (self.lazy, "lazy"),
            (self.background, "background"),
        ];
        let on = modes.into_iter().filter(|(is_on, _)| *is_on);
        let on = on.map(|(_, name)| name.to_string());
        let tier_up = self.tier_up.map(|n| format!("tier-up {n}"));
        let on: Vec<String> = on.chain(tier_up).collect();
        f.write_str(if on.is_empty() { "none" } else { "" })?;
        f.write_str(&on.join(", "))
    }
}

impl Modes {
    /// The options that ask for the same.
    pub fn words(&self) -> Vec<String> {
        let modes = [
            (self.fuel, "--fuel"),
            (self.interruptible, "--interruptible"),
            (self.gc_stress, "--gc-stress"),
            (self.poison_registers, "--poison-registers"),
            (self.check_allocation, "--check-allocation"),
            (self.linear_allocation, "--linear-allocation"),
            (self.exclusive_atomics, "--exclusive-atomics"),
            (self.lazy, "--lazy"),
            (self.background, "--background"),
        ];
        let on = modes.into_iter().filter(|(is_on, _)| *is_on);
        let on = on.map(|(_, name)| name.to_string());
        let tier_up = self.tier_up.map(|n| format!("--tier-up {n}"));
        on.chain(tier_up).collect()
    }
}

/// How scripts are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// How memory accesses are checked.
    pub bounds: Bounds,
    /// What engines do where the spec leaves a result open.
    pub profile: Profile,
    /// What the engines do beyond running the code.
    pub modes: Modes,
}

impl Setting {
    /// The options that ask for the same.
    pub fn words(&self) -> Vec<String> {
        let standard = Setting::default();
        let bounds = (self.bounds != standard.bounds).then(|| format!("--bounds {}", self.bounds));
        let is_standard = self.profile == standard.profile;
        let profile = (!is_standard).then(|| format!("--float-profile {}", self.profile));
        let words = bounds.into_iter().chain(profile);
        words.chain(self.modes.words()).collect()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

/// The exit code of a worker that held more memory than its job may take.
pub const MEMORY_EXIT: i32 = 75;

/// From a worker to the master.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// First frame: the worker can take jobs.
    Ready {
        /// The worker's [`PROTOCOL_VERSION`].
        protocol: u64,
        /// The tier that it runs.
        tier: Tier,
        /// The instruction set that the worker runs on, such as `aarch64`.
        arch: String,
    },
    /// First frame: the tier cannot run here.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The answer to a job.
    Result(JobResult),
}

/// The answer to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// The job's number.
    pub sequence: u32,
    /// A report per command, in order; an excluded one has `Outcome::NotRun`.
    pub reports: Vec<Report>,
    /// Evidence of the tier.
    pub proof: Proof,
    /// Time spent on the job in the worker.
    pub micros: u64,
}

/// A frame that could not be written or read.
#[derive(Debug)]
pub enum FrameError {
    /// The stream ended where a frame would begin: the other side is gone.
    Closed,
    /// The stream failed, or ended inside a frame.
    Io(io::Error),
    /// The bytes are no message.
    Corrupt(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Closed => f.write_str("the stream was closed"),
            FrameError::Io(error) => write!(f, "the stream failed: {error}"),
            FrameError::Corrupt(reason) => write!(f, "corrupt frame: {reason}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Writes one message as one frame and flushes.
///
/// # Errors
/// `Io` when the stream fails; `Corrupt` when the message is longer than a frame may be.
pub fn write_frame<T: Serialize>(to: &mut impl Write, message: &T) -> Result<(), FrameError> {
    let mut bytes = vec![0; 4];
    bytes = postcard::to_extend(message, bytes)
        .map_err(|error| FrameError::Corrupt(error.to_string()))?;
    let length = u32::try_from(bytes.len() - 4)
        .ok()
        .filter(|&length| length <= FRAME_BYTES_MAX);
    let length = length
        .ok_or_else(|| FrameError::Corrupt(format!("{} bytes are too long", bytes.len() - 4)))?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&bytes)
        .and_then(|()| to.flush())
        .map_err(FrameError::Io)
}

/// Reads one frame as one message.
///
/// # Errors
/// `Closed` at the end of the stream; `Io` when it fails or ends inside the frame; `Corrupt` when
/// the bytes are no message.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, FrameError> {
    let length = read_length(from)?;
    let mut bytes = Vec::new();
    from.take(u64::from(length))
        .read_to_end(&mut bytes)
        .map_err(FrameError::Io)?;
    if bytes.len() < length as usize {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    match postcard::take_from_bytes(&bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(FrameError::Corrupt(format!(
            "{} bytes left over",
            rest.len()
        ))),
        Err(error) => Err(FrameError::Corrupt(error.to_string())),
    }
}

/// Reads a frame's length, telling a closed stream from a cut one.
fn read_length(from: &mut impl Read) -> Result<u32, FrameError> {
    let mut prefix = [0; 4];
    let mut filled = 0;
    while filled < prefix.len() {
        match from.read(&mut prefix[filled..]) {
            Ok(0) if filled == 0 => return Err(FrameError::Closed),
            Ok(0) => return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    let length = u32::from_le_bytes(prefix);
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::Corrupt(format!("a length of {length} bytes")));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    fn result() -> FromWorker {
        FromWorker::Result(JobResult {
            sequence: 7,
            reports: vec![Outcome::Trap("unreachable".to_string()).into()],
            proof: Proof::default(),
            micros: 3,
        })
    }

    fn framed() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &result()).expect("fits");
        bytes
    }

    #[test]
    fn frames_read_back_and_the_end_is_told_apart() {
        let bytes = framed();
        let mut stream = &bytes[..];
        assert_eq!(
            read_frame::<FromWorker>(&mut stream).expect("reads"),
            result()
        );
        assert!(matches!(
            read_frame::<FromWorker>(&mut stream),
            Err(FrameError::Closed)
        ));
    }

    #[test]
    fn a_job_reads_back_as_owned() {
        let commands = [Command::Unreadable {
            message: "x".to_string(),
            head: String::new(),
        }];
        let job = ToWorker::Job(Job {
            sequence: 1,
            path: "a.wast".into(),
            commands: (&commands[..]).into(),
            config: JobConfig {
                features: FeatureSet::WASM3,
                conventions: Conventions::Wasmtime,
                bounds: Bounds::Guard,
                hash_state: true,
                show_state: true,
                profile: Profile::Native,
                modes: Modes::default(),
                is_lazy: false,
                memory_bytes_max: 1 << 40,
                interruption: None,
            },
            excluded: (&[3, 4][..]).into(),
        });
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &job).expect("fits");
        assert_eq!(
            read_frame::<ToWorker<'static>>(&mut &bytes[..]).expect("reads"),
            job
        );
    }

    #[test]
    fn every_cut_of_a_frame_is_an_error() {
        let bytes = framed();
        for length in 1..bytes.len() {
            assert!(matches!(
                read_frame::<FromWorker>(&mut &bytes[..length]),
                Err(FrameError::Io(_))
            ));
        }
    }

    #[test]
    fn corrupt_frames_are_errors_and_never_panics() {
        let bytes = framed();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                let _ = read_frame::<FromWorker>(&mut &bad[..]);
            }
        }
        let mut longer = bytes.clone();
        longer[0] += 1;
        longer.push(0);
        assert!(matches!(
            read_frame::<FromWorker>(&mut &longer[..]),
            Err(FrameError::Corrupt(_))
        ));
        assert!(matches!(
            read_frame::<FromWorker>(&mut &[0xff; 8][..]),
            Err(FrameError::Corrupt(_))
        ));
    }
}
