//! The engines: each compiles a module, instantiates it and calls an export with zeros. Imports of
//! WASI are those of `wassay-wasi` in every engine that is a library; other functions fail.

mod ours;
mod script;
mod tinywasm;
#[cfg(feature = "wasm3")]
mod wasm3;
mod wasmi;
#[cfg(feature = "wasmtime")]
mod wasmtime;

use wassay_runtime as wassay;
use wassay_runtime::{Bounds, Compilation, Config, Thresholds, Tier};

use crate::Done;
use crate::sample::Sample;
use crate::table::Job::{self, Compiling, Instructions, Kernels, Load, Programs, Whole};

/// An engine in one of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// A tier of ours.
    Wassay(Tier, Compilation, Bounds),
    /// Ours, with tiers mixed.
    Tiered,
    /// True if functions are translated lazily.
    Wasmi(bool),
    /// tinywasm
    Tinywasm,
    /// wasm3
    Wasm3,
    /// A compiler or interpreter of wasmtime.
    Wasmtime(&'static str),
    /// An engine that runs JavaScript.
    Script(&'static str),
}

const SIDE_BY_SIDE: &[Job] = &[Kernels, Programs, Whole];
const AND_LOAD: &[Job] = &[Kernels, Programs, Whole, Load];

/// Names, and the tables in which an engine is unless others are asked for.
const ENGINES: &[(&str, EngineName, &[Job])] = &[
    ("wassay-stack", eager(Tier::Stack), AND_LOAD),
    ("wassay-register", eager(Tier::Register), AND_LOAD),
    ("wassay-stack-lazy", lazy(Tier::Stack), &[Load]),
    ("wassay-register-lazy", lazy(Tier::Register), &[Load]),
    ("wassay-jit", eager(Tier::Jit), WHERE_THERE_IS_A_JIT),
    ("wassay-tiered", EngineName::Tiered, SIDE_BY_SIDE),
    ("wassay-jit-explicit", EXPLICIT, &[Instructions]),
    ("wasmi", EngineName::Wasmi(false), AND_LOAD),
    ("wasmi-lazy", EngineName::Wasmi(true), &[Load]),
    ("tinywasm", EngineName::Tinywasm, AND_LOAD),
    ("wasm3", EngineName::Wasm3, SIDE_BY_SIDE),
    ("pulley", EngineName::Wasmtime("pulley"), AND_LOAD),
    ("winch", EngineName::Wasmtime("winch"), Job::ALL),
    ("cranelift", EngineName::Wasmtime("cranelift"), Job::ALL),
    ("node", EngineName::Script("node"), SIDE_BY_SIDE),
    ("bun", EngineName::Script("bun"), SIDE_BY_SIDE),
];

const WHERE_THERE_IS_A_JIT: &[Job] = if wassay::interior::jit::CAN_RUN {
    Job::ALL
} else {
    &[Kernels, Programs, Whole, Instructions, Compiling]
};

const EXPLICIT: EngineName = EngineName::Wassay(Tier::Jit, Compilation::Eager, Bounds::Explicit);

const fn eager(tier: Tier) -> EngineName {
    EngineName::Wassay(tier, Compilation::Eager, Bounds::Guard)
}

const fn lazy(tier: Tier) -> EngineName {
    EngineName::Wassay(tier, Compilation::Lazy, Bounds::Guard)
}

impl EngineName {
    /// The engine of a name.
    pub fn named(name: &str) -> Option<EngineName> {
        let row = ENGINES.iter().find(|row| row.0 == name)?;
        Some(row.1)
    }

    /// The name of the engine.
    pub fn name(self) -> &'static str {
        let row = ENGINES.iter().find(|row| row.1 == self);
        row.map_or("?", |row| row.0)
    }

    /// The engines of a table.
    pub fn all(job: Job) -> Vec<EngineName> {
        let rows = ENGINES.iter().filter(|row| row.2.contains(&job));
        rows.map(|row| row.1).collect()
    }

    /// True if the engine makes code for ARM64, which this host does not run.
    pub fn is_emulated(self) -> bool {
        let makes_code = match self {
            EngineName::Wassay(tier, ..) => tier == Tier::Jit,
            EngineName::Tiered => true,
            EngineName::Wasmi(_)
            | EngineName::Tinywasm
            | EngineName::Wasm3
            | EngineName::Wasmtime(_)
            | EngineName::Script(_) => false,
        };
        makes_code && !wassay::interior::jit::CAN_RUN
    }

    /// The words that take a sample in a process, before file and export: those of an emulator with
    /// this program where there must be one.
    ///
    /// # Errors
    /// If the engine is missing: the reason.
    pub fn words(self) -> Result<Vec<String>, String> {
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let this = this.to_string_lossy().into_owned();
        match self {
            EngineName::Wasmtime(_) if cfg!(not(feature = "wasmtime")) => {
                Err("this program is built without wasmtime".into())
            }
            EngineName::Wasm3 if cfg!(not(feature = "wasm3")) => {
                Err("this program is built without wasm3, which takes libclang".into())
            }
            EngineName::Script(name) => script::words(name),
            _ if self.is_emulated() => {
                let missing = "no emulator for ARM64 is set up";
                let words = std::env::var("WASSAY_BENCH_EMULATED").unwrap_or_default();
                let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
                if words.is_empty() {
                    return Err(missing.into());
                }
                words.extend(["one".to_owned(), self.name().to_owned()]);
                Ok(words)
            }
            EngineName::Wassay(..)
            | EngineName::Tiered
            | EngineName::Wasmi(_)
            | EngineName::Tinywasm
            | EngineName::Wasm3
            | EngineName::Wasmtime(_) => Ok(vec![this, "one".to_owned(), self.name().to_owned()]),
        }
    }
}

/// Runs an export under an engine.
pub fn run(engine: EngineName, bytes: &[u8], export: &str) -> Done<Sample> {
    match engine {
        EngineName::Wassay(tier, compilation, bounds) => {
            let config = *Config::only(tier).compilation(compilation).bounds(bounds);
            ours::run(Some(tier), config, bytes, export)
        }
        EngineName::Tiered => ours::run(None, Config::tiered(Thresholds::new()), bytes, export),
        EngineName::Wasmi(lazy) => wasmi::run(lazy, bytes, export),
        EngineName::Tinywasm => tinywasm::run(bytes, export),
        #[cfg(feature = "wasm3")]
        EngineName::Wasm3 => wasm3::run(bytes, export),
        #[cfg(feature = "wasmtime")]
        EngineName::Wasmtime(mode) => {
            wasmtime::run(mode, bytes, export).map_err(|e| format!("{e:#}").into())
        }
        #[cfg(not(feature = "wasm3"))]
        EngineName::Wasm3 => Err("built without wasm3".into()),
        #[cfg(not(feature = "wasmtime"))]
        EngineName::Wasmtime(_) => Err("built without wasmtime".into()),
        EngineName::Script(_) => Err("this engine is a process of its own".into()),
    }
}
