//! Proof of the tier of an engine that is not ours: the machine instructions that it executes for
//! each executed instruction of Wasm.
//!
//! The adapter runs as it always does, but in an emulator whose plugin
//! (`harness/engines/count/count.c`) counts instructions from one response to the next. So nothing
//! is asked of the engine, and no clock is read. The executed instructions of Wasm are known
//! exactly: they are the fuel that our reference tier takes for the same call.
//!
//! An engine is measured when it has warmed up: the least of several calls counts. A compiler that
//! optimises stays below an instruction of the machine for one of Wasm, an interpreter needs
//! several to get to the next one, and a compiler that translates quickly is in between. So a claim
//! that cannot be true is seen, whatever the flags of the engine say.

use rustix::fs::{MemfdFlags, memfd_create};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wassay_runtime as runtime;

use super::driver::Channel;
use super::message::{Ending, Operation};
use super::process::{Adapter, AdapterCommand, EngineInfo};
use super::table::Claim;
use crate::pool::launch::find_in_path;
use crate::pool::{Cause, StartError};
use crate::script::parse::encode_module;

/// The kernels, as the exports of one module without imports.
const PROBES: &str = include_str!("probes.wat");
/// The exports of the kernels: `[] -> [i64]`, the same at each call.
const KERNELS: [&str; 5] = ["calls", "memory", "floats", "indirect", "integers"];
/// The export that does nothing: what a request costs.
const NOTHING: &str = "nothing";
/// The calls of each kernel.
const CALLS: u32 = 16;
/// The calls of each kernel while an engine that claims to optimise has not shown it.
const CALLS_MAX: u32 = 100;
/// The time that a request may take in the emulator.
const TIMEOUT: Duration = Duration::from_secs(120);
/// More than any kernel executes.
const FUEL: u64 = 1 << 40;

impl Claim {
    /// The machine instructions for each one of Wasm, as the geometric mean over the kernels, that
    /// an engine of this kind can have. The ranges overlap: between them nothing is decided.
    pub fn ratios(self) -> Range<f64> {
        match self {
            Claim::Interpreter => 3.0..f64::INFINITY,
            Claim::Baseline => 1.0..4.0,
            Claim::Optimising => 0.0..1.2,
        }
    }

    /// The ratios in words.
    pub fn ratios_text(self) -> &'static str {
        match self {
            Claim::Interpreter => "3 or more",
            Claim::Baseline => "1 to 4",
            Claim::Optimising => "less than 1.2",
        }
    }
}

/// The counts of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelCount {
    /// The kernel.
    pub kernel: &'static str,
    /// Executed instructions of Wasm in a call.
    pub wasm: u64,
    /// Executed instructions of the machine in a call: the least of several.
    pub machine: u64,
}

impl KernelCount {
    /// Instructions of the machine for each one of Wasm.
    pub fn ratio(&self) -> f64 {
        self.machine as f64 / self.wasm as f64
    }
}

/// The end of a proof that has none.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The engine cannot run here.
    #[error(transparent)]
    NotStarted(#[from] StartError),
    /// The engine cannot be measured here.
    #[error("{0}")]
    NotMeasured(String),
    /// A file that measuring needs.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// A request that did not end, or ended in the adapter's death.
    #[error("a request: {0}")]
    Request(#[from] Cause),
    /// The reference tier does not run the kernels.
    #[error("the reference tier: {0}")]
    Reference(#[from] runtime::Error),
    /// The kernels cannot be encoded, which a test rules out.
    #[error("the kernels: {}", .0.message())]
    Kernels(#[from] wast::Error),
    /// The engine answers wrongly.
    #[error("{0}")]
    Wrong(String),
}

impl ProofError {
    /// True if the engine cannot be measured here, which says nothing of its claim.
    pub fn is_unmeasured(&self) -> bool {
        match self {
            ProofError::NotStarted(_) | ProofError::NotMeasured(_) | ProofError::File(..) => true,
            ProofError::Request(cause) => !matches!(cause, Cause::Crash(_)),
            ProofError::Reference(_) | ProofError::Kernels(_) | ProofError::Wrong(_) => false,
        }
    }
}

/// The geometric mean of the ratios.
pub fn mean_ratio(counts: &[KernelCount]) -> f64 {
    let logs: f64 = counts.iter().map(|count| count.ratio().ln()).sum();
    (logs / counts.len() as f64).exp()
}

/// True if an engine with these counts can be what it claims to be.
pub fn can_be(claim: Claim, counts: &[KernelCount]) -> bool {
    claim.ratios().contains(&mean_ratio(counts))
}

/// Measures an engine.
///
/// # Errors
/// If it cannot be measured, or answers wrongly.
pub fn prove(
    command: &AdapterCommand,
    claim: Claim,
    plugin: &Path,
) -> Result<(EngineInfo, Vec<KernelCount>), ProofError> {
    let reference = reference()?;
    let (mut engine, info) = Counted::start(command, plugin)?;
    let bytes = encode_module(PROBES)?;
    let (module, instance) = (Operation::module(0, &bytes), Operation::instantiate(0, 0));
    for operation in [Operation::Reset, module, instance] {
        match engine.ask(operation)? {
            (Ending::Ok, _) => {}
            (other, _) => return Err(ProofError::Wrong(format!("the kernels: {other}"))),
        }
    }
    let request = engine.least(NOTHING, 0, |_, calls| calls >= CALLS)?;
    let mut counts = Vec::new();
    for (kernel, value, wasm) in reference {
        let count = |machine| KernelCount {
            kernel,
            wasm,
            machine: u64::saturating_sub(machine, request),
        };
        let settled = |machine, calls| {
            let shown = claim != Claim::Optimising || can_be(claim, &[count(machine)]);
            calls >= if shown { CALLS } else { CALLS_MAX }
        };
        counts.push(count(engine.least(kernel, value, settled)?));
    }
    Ok((info, counts))
}

/// Each kernel with its result and its executed instructions, by our reference tier.
fn reference() -> runtime::Result<Vec<(&'static str, u64, u64)>> {
    let mut config = runtime::Config::new();
    config.tier(runtime::Tier::Stack).fuel(true);
    let engine = runtime::Engine::new(&config)?;
    let bytes = encode_module(PROBES).expect("the text is ours");
    let module = runtime::Module::new(&engine, &bytes)?;
    let mut store = runtime::Store::new(&engine, ());
    let instance = runtime::Linker::new(&engine).instantiate(&mut store, &module)?;
    let mut rows = Vec::new();
    for kernel in KERNELS {
        let run = instance.get_typed_func::<(), i64>(&mut store, kernel)?;
        store.set_fuel(FUEL)?;
        let value = run.call(&mut store, ())?;
        rows.push((kernel, value.cast_unsigned(), FUEL - store.get_fuel()?));
    }
    Ok(rows)
}

/// An adapter in an emulator that counts.
struct Counted {
    adapter: Adapter,
    /// What the plugin writes.
    counts: File,
}

impl Counted {
    fn start(command: &AdapterCommand, plugin: &Path) -> Result<(Counted, EngineInfo), ProofError> {
        let counts = memfd_create("wassay-counts", MemfdFlags::CLOEXEC);
        let counts = File::from(counts.map_err(|error| unwritten(error.into()))?);
        let mut command = emulated(command, plugin)?;
        // The file has no name: the plugin gets at it by ours.
        let file = format!("/proc/{}/fd/{}", std::process::id(), counts.as_raw_fd());
        command.env.insert("COUNT_OUT".to_string(), file);
        let (mut adapter, info) = Adapter::start(&command)?;
        adapter.allow(TIMEOUT);
        let mut counted = Counted { adapter, counts };
        match counted.since_last()? {
            0 => Err(ProofError::NotMeasured(
                "the emulator has counted nothing".to_string(),
            )),
            _ => Ok((counted, info)),
        }
    }

    /// The instructions that were counted since this was last asked.
    fn since_last(&mut self) -> Result<u64, ProofError> {
        let mut text = String::new();
        self.counts.read_to_string(&mut text).map_err(unwritten)?;
        Ok(text.lines().filter_map(counted).sum())
    }

    /// Asks; the response and the instructions executed for it.
    fn ask(&mut self, operation: Operation) -> Result<(Ending, u64), ProofError> {
        let ending = self.adapter.ask(operation)?;
        Ok((ending, self.since_last()?))
    }

    /// The least instructions of a call, which must return `value`; called until `settled`, which
    /// gets the least so far and the number of calls.
    fn least(
        &mut self,
        export: &str,
        value: u64,
        settled: impl Fn(u64, u32) -> bool,
    ) -> Result<u64, ProofError> {
        let expected = Ending::Values {
            values: vec![format!("i64:{value:#018x}")],
        };
        let (mut least, mut calls) = (u64::MAX, 0);
        loop {
            let (ending, count) = self.ask(Operation::invoke(0, export, &[]))?;
            if ending != expected {
                return Err(ProofError::Wrong(format!("`{export}`: {ending}")));
            }
            least = least.min(count);
            calls += 1;
            if settled(least, calls) {
                return Ok(least);
            }
        }
    }
}

/// A failure of the file to which the plugin writes.
fn unwritten(error: std::io::Error) -> ProofError {
    ProofError::File("the file of the counts".to_string(), error)
}

/// The instructions of a line of the plugin, as in `count 0 in=0 all=120`.
fn counted(line: &str) -> Option<u64> {
    line.strip_prefix("count ")?
        .rsplit_once("all=")?
        .1
        .parse()
        .ok()
}

/// The command in an emulator with the plugin: in the one that it names itself, or else in that of
/// its program's instruction set.
fn emulated(command: &AdapterCommand, plugin: &Path) -> Result<AdapterCommand, ProofError> {
    if !plugin.is_file() {
        return Err(ProofError::NotMeasured(format!(
            "there is no {} (needs scripts/engines prove)",
            plugin.display()
        )));
    }
    let mut arguments = OsString::from(plugin);
    arguments.push(",writes=on");
    let (program, rest) = (Path::new(&command.words[0]), &command.words[1..]);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut words = Vec::new();
    if name.starts_with("qemu-") {
        words.extend([program.into(), "-plugin".into(), arguments]);
    } else {
        // An emulator does not look for its program.
        let missing = || ProofError::NotMeasured(format!("no {} found", program.display()));
        let found = found(program).ok_or_else(missing)?;
        words.extend([emulator_of(&found)?, "-cpu".into(), "max".into()]);
        words.extend(["-plugin".into(), arguments, found.into()]);
    }
    words.extend_from_slice(rest);
    Ok(AdapterCommand {
        words,
        env: command.env.clone(),
    })
}

/// The file of a program, by its path or in the folders of `PATH`.
fn found(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_path_buf());
    }
    find_in_path(program.to_str()?, &std::env::var("PATH").ok()?)
}

/// The emulator of a program's instruction set, which its ELF header names.
fn emulator_of(program: &Path) -> Result<OsString, ProofError> {
    let name = || program.display().to_string();
    let at = |reason: &str| ProofError::NotMeasured(format!("{}: {reason}", name()));
    let mut header = [0; 20];
    File::open(program)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(|error| ProofError::File(name(), error))?;
    let (magic, machine) = (&header[..4], u16::from_le_bytes([header[18], header[19]]));
    match (magic, machine) {
        (b"\x7fELF", 62) => Ok(OsStr::new("qemu-x86_64").into()),
        (b"\x7fELF", 183) => Ok(OsStr::new("qemu-aarch64").into()),
        (b"\x7fELF", _) => Err(at("neither a program for x86-64 nor for ARM64")),
        _ => Err(at("not a program, but a script, or not for Linux")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(ratios: [f64; 5]) -> Vec<KernelCount> {
        let count = |(kernel, ratio)| KernelCount {
            kernel,
            wasm: 1000,
            machine: (ratio * 1000.0) as u64,
        };
        KERNELS.into_iter().zip(ratios).map(count).collect()
    }

    /// Ratios as measured on x86-64: V8 and JavaScriptCore with the flags of the shipped table.
    #[test]
    fn claims_that_cannot_be_true_are_seen() {
        use Claim::{Baseline, Interpreter, Optimising};
        let rows = [
            ("Liftoff", [4.27, 1.11, 1.02, 3.94, 1.18], Baseline),
            ("BBQ", [3.83, 0.94, 0.87, 2.89, 1.02], Baseline),
            ("TurboFan", [1.38, 0.46, 0.44, 1.24, 0.57], Optimising),
            ("OMG", [1.42, 0.36, 0.38, 0.94, 0.50], Optimising),
            ("Cranelift", [3.38, 0.59, 0.38, 1.12, 0.43], Optimising),
            ("IPInt", [64.2, 19.3, 15.1, 29.2, 14.9], Interpreter),
            // V8 with --wasm-jitless, which compiles all the same.
            ("jitless", [1.24, 0.46, 0.43, 1.02, 0.57], Optimising),
        ];
        for (name, ratios, truth) in rows {
            for claim in [Interpreter, Baseline, Optimising] {
                let can = can_be(claim, &counts(ratios));
                assert_eq!(can, claim == truth, "{name} as {claim:?}");
            }
        }
    }

    #[test]
    fn the_lines_of_the_plugin_are_read() {
        assert_eq!(counted("count 0 in=3 all=120"), Some(120));
        assert_eq!(counted("qemu: all=120"), None);
    }

    #[test]
    fn the_reference_knows_every_kernel() {
        let rows = reference().expect("it runs");
        let kernels: Vec<&str> = rows.iter().map(|row| row.0).collect();
        assert_eq!(kernels, KERNELS);
        // The 26th Fibonacci number, and the primes below 65,536.
        let values = |kernel| rows.iter().find(|row| row.0 == kernel).map(|row| row.1);
        assert_eq!(values("calls"), Some(121_393));
        assert_eq!(values("memory"), Some(2 * 6542));
        assert!(rows.iter().all(|row| row.2 > 1_000_000), "{rows:?}");
    }

    #[test]
    fn the_emulator_is_that_of_the_program() {
        let own = std::env::current_exe().expect("it has a name");
        let name = format!("qemu-{}", std::env::consts::ARCH);
        assert_eq!(emulator_of(&own).expect("it has one"), *name);
        let script = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&script, "#!/bin/sh\necho a script\n").expect("written");
        let refused = emulator_of(script.path()).expect_err("refused");
        let refused = refused.to_string();
        assert!(refused.contains("a script"), "{refused}");
        let command = AdapterCommand {
            words: vec![
                "qemu-aarch64".into(),
                "-cpu".into(),
                "max".into(),
                own.into(),
            ],
            env: std::collections::BTreeMap::new(),
        };
        let plugin = script.path();
        let emulated = emulated(&command, plugin).expect("it is");
        assert_eq!(emulated.words[..2], ["qemu-aarch64", "-plugin"]);
        assert_eq!(emulated.words[3..], command.words[1..]);
    }
}
