//! The provenance of a report: the build, the command line, the inputs and the engines of its run.
//!
//! `wassay verify` makes the same run again from it. The members that depend on the moment or on
//! the number of jobs are [`Provenance::date`] and the command line; all others are the same in
//! each run of the same inputs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;
use crate::shell;

/// The origin of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// When the run began (UTC), as in 2026-01-31T12:00:00Z.
    pub date: String,
    /// The build of Wassay.
    pub build: BuildAccount,
    /// The command line that makes the same run, as a shell reads it: every option that was given,
    /// also those of a profile. Paths in it are relative to the folder in which it ran.
    pub command: String,
    /// The words of the command line.
    pub words: Vec<String>,
    /// The values of all options that can change a verdict, defaults included.
    pub options: BTreeMap<String, Vec<String>>,
    /// The files besides the suite that were read.
    pub inputs: Vec<InputAccount>,
    /// The suite's known revision, and the files that are not those of it; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamAccount>,
    /// The engine behind each column that could run.
    pub engines: BTreeMap<EngineName, EngineAccount>,
    /// The emulator of code for another instruction set, as it names itself; absent if there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
}

/// A build of Wassay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildAccount {
    /// The hash of all sources, which tells builds apart.
    pub sources: String,
    /// The last commit that changed the sources; absent if they were built outside of a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the sources were not those of the commit.
    pub modified: bool,
    /// Whether the build is optimised.
    pub optimised: bool,
}

/// The hash of the sources of this program.
pub const SOURCES: &str = env!("WASSAY_SOURCES");

impl BuildAccount {
    /// This program.
    pub fn this() -> BuildAccount {
        let commit = option_env!("WASSAY_COMMIT").filter(|commit| !commit.is_empty());
        BuildAccount {
            sources: SOURCES.to_string(),
            commit: commit.map(str::to_string),
            modified: option_env!("WASSAY_MODIFIED") == Some("true"),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// The role of a file that a run reads.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum InputRole {
    /// Expected failures.
    Expectations,
    /// Definitions of configurations.
    Configuration,
    /// A table of engines.
    EngineTable,
    /// A module that stands before scripts.
    Preload,
    /// A report whose failures are excused.
    Baseline,
    /// A report whose failures run again.
    Rerun,
}

/// A file that a run reads besides the suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputAccount {
    /// Its role.
    pub role: InputRole,
    /// Its path; of the expectations that the program carries, their path in the sources.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A revision of a suite, and how the files that ran stand to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamAccount {
    /// The repository or package.
    pub name: String,
    /// The commit, or the package's checksum.
    pub revision: String,
    /// The number of files that are, byte by byte, those of the revision.
    pub equal: u64,
    /// The files that the revision has with another text.
    pub changed: Vec<String>,
    /// The files that the revision does not have.
    pub added: Vec<String>,
}

/// The engine behind a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineAccount {
    /// Its name.
    pub engine: String,
    /// Its version, as it says.
    pub version: String,
}

/// The package that the embedded suite comes from, and its checksum, as `Cargo.lock` has them.
pub const EMBEDDED_SUITE: (&str, &str) =
    (env!("WASSAY_SUITE_PACKAGE"), env!("WASSAY_SUITE_CHECKSUM"));

impl UpstreamAccount {
    /// Adds the files of a further part of the suite.
    pub fn add(&mut self, part: &UpstreamAccount) {
        self.equal += part.equal;
        self.changed.extend_from_slice(&part.changed);
        self.added.extend_from_slice(&part.added);
        self.changed.sort();
        self.added.sort();
    }
}

impl Provenance {
    /// Leaves an option and its value out of the command line.
    pub fn leave_out(&mut self, option: &str) {
        if let Some(at) = self.words.iter().position(|word| word == option) {
            let value = (at + 1).min(self.words.len() - 1);
            self.words.drain(at..=value);
        }
        self.command = shell::join(&self.words);
        self.options.remove(option.trim_start_matches('-'));
    }
}
