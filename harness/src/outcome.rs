//! What an engine did with one directive, exactly as it was seen: no judgement.
//!
//! Endings that differ stay different (contract C4): a dead worker is not a trap, and `Unsupported`
//! is not a failure to validate. The worker reports most endings; the pool reports `Crash`,
//! `Timeout` and `NotRun`, since a dead worker cannot.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use visible::VisibleItem;

pub mod names;
pub mod text;
pub mod visible;

/// How one directive ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A module, instance or registration succeeded, or a module proved valid.
    Done,
    /// An action returned these values.
    Values(Vec<Value>),
    /// A trap, by the spec's message; of an engine that does not tell which of several, all of
    /// them, with ` | ` between.
    Trap(String),
    /// The call stack was exhausted.
    Exhaustion(String),
    /// An exception that nothing caught.
    Exception(String),
    /// Imports that do not match.
    Unlinkable(String),
    /// A module that does not validate.
    Invalid(String),
    /// A module that does not decode or does not validate; the engine does not tell which.
    Rejected(String),
    /// A module that does not decode.
    Malformed {
        /// The reason given.
        message: String,
        /// Who refused it.
        by: JudgedBy,
    },
    /// An operator or feature that the engine does not have; the message names it.
    Unsupported(String),
    /// The directive needs an instance that does not exist; the text says what kept it from being
    /// made.
    MissingInstance(String),
    /// The directive needs an instance whose directive was left out: the latter's ordinal.
    Blocked(u32),
    /// A limit of the engine was reached (memory, table, code size); not a trap.
    Limit(String),
    /// A fault of the engine that it noticed by itself.
    Internal(String),
    /// The script asks for what the host cannot do (unknown export, wrong argument count, ...).
    HostError(String),
    /// The worker died while the directive ran; how it died.
    Crash(String),
    /// The directive did not end.
    Timeout {
        /// In so many milliseconds.
        millis: u64,
        /// The place at which it was then, if the worker told. Boxed, since outcomes are many.
        place: Option<Box<str>>,
    },
    /// The directive was never run; why.
    NotRun(String),
    /// The directive could not be measured here, which is not the engine's fault; why.
    Unmeasured(String),
    /// The directive was left out on request; why.
    Skipped(String),
}

/// Who came to the ending of a directive: the engine under test, or the text parser before the
/// engine saw anything.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum JudgedBy {
    /// The engine.
    Engine,
    /// The text parser; such a pass says nothing about the engine.
    Parser,
}

/// A value that an engine returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// An i32.
    I32(u32),
    /// An i64.
    I64(u64),
    /// The bits of an f32.
    F32(u32),
    /// The bits of an f64.
    F64(u64),
    /// The little-endian bytes of a v128.
    V128([u8; 16]),
    /// A reference.
    Ref(Reference),
}

/// A reference by canonical identity: the same in every tier that behaves the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    /// Null, of this hierarchy.
    Null(Hierarchy),
    /// A function.
    Func {
        /// Its number in the store, in order of creation.
        number: u32,
        /// Its place in the instance whose export was called or read.
        index: FuncIndex,
    },
    /// The host's n-th object, as an externref.
    Extern(u32),
    /// An object of the any hierarchy, as an externref.
    Externalized,
    /// The host's n-th object, as an anyref.
    Host(u32),
    /// An i31, its low 31 bits.
    I31(u32),
    /// A struct; objects have no identity that tiers could share.
    Struct,
    /// An array.
    Array,
    /// An exception.
    Exn,
    /// A reference of the any hierarchy that is not null, of a kind that the engine does not tell.
    Any,
}

impl Reference {
    /// The number of a function that the engine does not tell.
    pub const UNKNOWN: u32 = u32::MAX;

    /// A function of which only its number is told.
    pub fn numbered_func(number: u32) -> Reference {
        let index = FuncIndex::Untold;
        Reference::Func { number, index }
    }
}

/// The place of a function in an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FuncIndex {
    /// The first index under which the instance has it.
    At(u32),
    /// The instance does not have it.
    Elsewhere,
    /// The engine does not tell.
    Untold,
}

/// The top of a reference's hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hierarchy {
    /// `func`
    Func,
    /// `extern`
    Extern,
    /// `any`
    Any,
    /// `exn`
    Exn,
    /// One that the engine does not tell.
    Unknown,
}

/// Hashes over the whole state of a store, one per sort of state, so that a difference can be
/// named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// Over every memory: its size and bytes.
    pub memories: u64,
    /// Over every global's value.
    pub globals: u64,
    /// Over every table: its size and elements.
    pub tables: u64,
    /// Over the objects that globals and tables reach: their identities, types and contents.
    pub objects: u64,
    /// The fuel that is left, where code is metered.
    pub fuel: u64,
}

/// A function that was running when code ended with a trap or an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its index in its module.
    pub func: u32,
    /// The byte of the module at which the instruction begins.
    pub offset_bytes: Option<u32>,
}

/// What a worker reports for one directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The store's state afterwards; absent when the directive cannot touch it or it was not taken.
    pub state: Option<StateHash>,
    /// What was running when it ended, innermost first, where that does not depend on how deep or
    /// for how long code may run: of traps by an instruction, and of exceptions. Absent if the
    /// engine does not tell.
    pub trace: Option<Vec<Place>>,
    /// True if a result on the way was one of several that the specification allows, so that tiers
    /// may differ from here on. Only the stack tier knows, and only in the native profile is it so.
    pub took_choice: bool,
    /// What the instance that was acted on shows of its state afterwards; empty if it shows
    /// nothing, or if nobody asked.
    pub visible: Vec<VisibleItem>,
    /// The ordinal of a directive that was left out before, and whose effects this one may lack.
    pub lacks: Option<u32>,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Report {
        Report {
            outcome,
            state: None,
            trace: Some(Vec::new()),
            took_choice: false,
            visible: Vec::new(),
            lacks: None,
        }
    }
}

/// Evidence of which tier ran (contract C2), summed over a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Functions defined by the modules that were instantiated.
    pub functions: u64,
    /// Functions that the tier compiled.
    pub compiled: u64,
    /// Entries into compiled functions from outside.
    pub entered: u64,
    /// Operators that ran through a helper, by name.
    pub ops_via_helper: BTreeMap<String, u64>,
    /// Where tiers are mixed, what ran where; else null.
    #[serde(default)]
    pub tiered: Option<TieredProof>,
}

/// Evidence of how functions went from the interpreter to compiled code. What else a proof counts
/// is of compiled code, save that `entered` counts both tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TieredProof {
    /// Functions that were translated for the interpreter.
    pub interpreted: u64,
    /// Entries into the interpreter from outside of it.
    pub entered_interpreter: u64,
    /// Loop heads at which compiled code can be entered.
    pub loops_compiled: u64,
    /// How often a function went on in compiled code at a loop head.
    pub loops_entered: u64,
    /// Functions and loops that could not be compiled, by reason.
    pub kept: BTreeMap<String, u64>,
}

impl TieredProof {
    fn add(&mut self, other: &TieredProof) {
        self.interpreted += other.interpreted;
        self.entered_interpreter += other.entered_interpreter;
        self.loops_compiled += other.loops_compiled;
        self.loops_entered += other.loops_entered;
        for (reason, count) in &other.kept {
            *self.kept.entry(reason.clone()).or_default() += count;
        }
    }
}

impl Proof {
    /// Adds another job's evidence.
    pub fn add(&mut self, other: &Proof) {
        self.functions += other.functions;
        self.compiled += other.compiled;
        self.entered += other.entered;
        for (op, count) in &other.ops_via_helper {
            *self.ops_via_helper.entry(op.clone()).or_default() += count;
        }
        if let Some(other) = &other.tiered {
            self.tiered.get_or_insert_default().add(other);
        }
    }
}
