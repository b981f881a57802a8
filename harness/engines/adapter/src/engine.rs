//! The trait between the protocol and an engine, and the table of the engines in this build.

#[allow(unused_imports, reason = "a build for tests has no engine")]
use crate::engines;
use crate::message::{Ending, Value};

/// An engine with the modules, instances and names of the script at hand. All instances of a script
/// are in one store.
pub trait Engine {
    /// The name and version of the engine.
    fn identity(&self) -> (String, String);

    /// The kinds of values that do not cross, by the names of the protocol.
    fn lacks(&self) -> &'static [&'static str] {
        &[]
    }

    /// Forgets all modules, instances and names.
    ///
    /// # Errors
    /// If the engine cannot.
    fn reset(&mut self) -> Result<(), Ending>;

    /// Decodes and validates a module.
    ///
    /// # Errors
    /// The ending, if the module is not kept.
    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending>;

    /// Instantiates a module, its imports found by registered names.
    ///
    /// # Errors
    /// The ending, if there is no instance.
    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending>;

    /// Offers the exports of an instance for import.
    ///
    /// # Errors
    /// The ending, if they are not offered.
    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending>;

    /// Calls an exported function.
    ///
    /// # Errors
    /// The ending, if the function does not return.
    fn invoke(&mut self, instance: u32, export: &str, args: &[Value])
    -> Result<Vec<Value>, Ending>;

    /// Reads an exported global.
    ///
    /// # Errors
    /// The ending, if there is no value.
    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending>;
}

/// An engine, or the reason why it cannot run.
pub type Started = Result<Box<dyn Engine>, Unavailable>;

/// The reason why an engine cannot run.
pub type Unavailable = Box<dyn std::error::Error>;

/// Starts an engine with the further arguments of the command line.
pub type Start = fn(&[String]) -> Started;

/// The engines of this build by name.
pub const ENGINES: &[(&str, Start)] = &[
    #[cfg(feature = "wasmtime")]
    ("wasmtime-cranelift", |_| {
        engines::wasmtime::start(engines::wasmtime::Compiler::Cranelift)
    }),
    #[cfg(feature = "wasmtime")]
    ("wasmtime-winch", |_| {
        engines::wasmtime::start(engines::wasmtime::Compiler::Winch)
    }),
    #[cfg(feature = "wasmtime")]
    ("wasmtime-pulley", |_| {
        engines::wasmtime::start(engines::wasmtime::Compiler::Pulley)
    }),
    #[cfg(feature = "wasmi")]
    ("wasmi", |_| engines::wasmi::start()),
    #[cfg(feature = "tinywasm")]
    ("tinywasm", |_| engines::tinywasm::start()),
    #[cfg(feature = "toywasm")]
    ("toywasm", |_| engines::toywasm::start()),
    #[cfg(feature = "wamr")]
    ("wamr", |_| engines::wamr::start()),
    #[cfg(feature = "wasm3")]
    ("wasm3", |_| engines::wasm3::start()),
    #[cfg(feature = "c-api")]
    ("c-api", engines::c_api::start),
    #[cfg(feature = "wabt")]
    ("wabt", |_| engines::c_api::wabt()),
];

/// The message for an instance or a module that the harness has not made.
pub fn unknown(kind: &str, number: u32) -> Ending {
    Ending::host_error(format!("no {kind} {number}"))
}

#[allow(dead_code, reason = "some engines check arguments themselves")]
/// The message for a call with arguments that the function does not take.
pub fn wrong_arguments(export: &str) -> Ending {
    Ending::host_error(format!("{export} does not take these arguments"))
}
