//! The group of a report that accounts for generated programs (`wassay fuzz`).
//!
//! The programs' directives are in the counts of the report, by source in place of the proposal.
//! Files are listed only if a directive of theirs is listed, since there may be a million of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;

/// The account of generated programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratedAccount {
    /// The seed of the run.
    pub seed: u64,
    /// The account of each source.
    pub sources: BTreeMap<String, SourceAccount>,
    /// Programs run in each setting that is not the standard one; a program may count in several.
    pub settings: BTreeMap<String, u64>,
    /// What was found, in the order of the programs.
    pub findings: Vec<FindingAccount>,
    /// Programs that showed what another one had shown.
    pub repeated: u64,
    /// Programs with a difference of a kind, and in engines, of which enough findings were kept:
    /// they are listed with the directives only.
    pub alike_only: u64,
    /// Why the run ended before its programs did; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Where the time went.
    pub timings: Timings,
}

/// The account of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceAccount {
    /// Programs that were run.
    pub programs: u64,
    /// Seeds that made no program.
    pub no_program: u64,
    /// Programs of which no call returned, so that little was compared.
    pub useless: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls that returned.
    pub returned: u64,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingAccount {
    /// The program, by the name by which `--case` runs it again.
    pub case: String,
    /// The setting, as options.
    pub setting: String,
    /// The kind of difference.
    pub kind: String,
    /// The engines that are alone.
    pub engines: Vec<EngineName>,
    /// The first difference, in a line.
    pub text: String,
    /// The script that shows it; null if it could not be written.
    pub script: Option<String>,
    /// Lines of the script's module and directives; those of it as it was generated if it was not
    /// made smaller.
    pub lines: u64,
    /// The instructions that are left when the program is made small, by which findings are told
    /// apart.
    pub instructions: Vec<String>,
    /// True if it showed again in fresh processes.
    pub confirmed: bool,
}

/// Where the time went, in seconds of the wall clock; in workers, seconds of all of them together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Making programs.
    pub generate: f64,
    /// Running them.
    pub run: f64,
    /// Judging and comparing.
    pub judge: f64,
    /// Confirming findings and making them small.
    pub findings: f64,
    /// In the workers of each engine, without what it takes to hand programs over.
    pub workers: BTreeMap<EngineName, f64>,
}
