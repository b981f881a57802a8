//! The suites: where `.wast` files come from, which features each file is run with, and which
//! proposal a report puts it under.

use serde::{Deserialize, Serialize};

/// The features that a file's modules may use: a version of the specification, and what a proposal
/// adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeatureSet {
    /// The version.
    pub version: SpecVersion,
    /// What is added.
    pub extra: Option<Extra>,
}

/// A version of the core specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SpecVersion {
    /// WebAssembly 1.0.
    Wasm1,
    /// WebAssembly 2.0.
    Wasm2,
    /// WebAssembly 3.0.
    Wasm3,
}

/// What a proposal adds to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Extra {
    /// Threads, with sign extension.
    Threads,
    /// Custom page sizes.
    CustomPageSizes,
    /// Wide arithmetic.
    WideArithmetic,
    /// Custom descriptors.
    CustomDescriptors,
    /// Legacy exception handling.
    LegacyExceptions,
}

impl FeatureSet {
    /// WebAssembly 3.0 and nothing else.
    pub const WASM3: FeatureSet = FeatureSet {
        version: SpecVersion::Wasm3,
        extra: None,
    };
}
