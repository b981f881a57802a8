//! The report of a run, `wassay-report/2`: the one account that everything else (terminal,
//! comparison, gate) reads.
//!
//! Owns: the shape of the JSON report, which `reports/report.schema.json` describes to others; a
//! test holds the two together, and `docs/report-formats.md` says what may change. [`build`] makes
//! a report from judged files, and `present` writes it.
//!
//! Invariants: `files` is ordered by path and `directives` by file and ordinal, whatever the number
//! of jobs (contract C8); values are hex bit strings, never JSON floats; the sums of `counts` are
//! computed and compared with the number of directives found (contract C3). A directive that is not
//! listed passed in every tier that is available and chosen, or was compared, and its tiers did not
//! diverge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::judge::incident::IncidentAccount;
use crate::judge::verdict::{Agreement, Status, Verdict};
use crate::outcome::Proof;
use crate::protocol::{Bounds, Modes, Profile, words};
use crate::script::Kind;
use crate::shell;
use crate::suite::FileFeatures;
use crate::suite::select::partition::{Dealing, Partition};
use baseline::BaselineAccount;
use details::Details;
use generated::GeneratedAccount;
use provenance::Provenance;
use repeats::RepeatsAccount;
use shapes::ShapesAccount;
use texts::TextAccount;

pub mod baseline;
pub mod bless;
pub mod build;
pub mod changes;
pub mod details;
pub mod differences;
pub mod generated;
pub mod history;
pub mod merge;
pub mod provenance;
pub mod repeats;
#[cfg(test)]
pub(crate) mod samples;
pub mod shapes;
pub mod sound;
#[cfg(test)]
mod tests;
pub mod texts;

/// The schema's name; it changes with every change that an old reader would misread.
pub const SCHEMA: &str = "wassay-report/2";

/// The JSON Schema of a report, as text: `reports/report.schema.json`.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Report);
    schema.insert("$id".to_string(), "urn:wassay:report:2".into());
    schema.insert("title".to_string(), "Wassay report, version 2".into());
    let mut text = serde_json::to_string_pretty(&schema)
        .expect("a schema is objects with string keys, which always serialise");
    text.push('\n');
    text
}

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The schema's name and version.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// What was run, and where.
    pub run: Run,
    /// Whether every directive has a verdict in every tier.
    pub accounting: Accounting,
    /// The account of each chosen tier.
    pub tiers: BTreeMap<EngineName, TierAccount>,
    /// How the tiers stand to each other, over all directives.
    pub agreement: AgreementCounts,
    /// The account of each proposal.
    pub proposals: BTreeMap<String, ProposalAccount>,
    /// The account of each file, ordered by path.
    pub files: Vec<FileAccount>,
    /// The directives that did not plainly pass, in the order of the files.
    pub directives: Vec<DirectiveAccount>,
    /// The account of operand shapes; absent when they were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shapes: Option<ShapesAccount>,
    /// The account of generated programs; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedAccount>,
    /// What differs between repeats of the run; absent when it was not repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<RepeatsAccount>,
    /// What happened to workers and shows in no verdict, or not as what it is; absent if nothing
    /// did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentAccount>,
    /// The texts of directives that passed, where they are not the suite's; absent if there are
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<TextAccount>,
    /// What a gate must know.
    pub gate: Gate,
}

impl Report {
    /// How a command ends that made this report.
    pub fn exit(&self) -> Exit {
        if !self.is_measured() {
            Exit::NotMeasured
        } else if !self.gate.regressions.is_empty() && self.gate.state == GateState::Gating {
            Exit::Failed
        } else {
            Exit::AsExpected
        }
    }

    /// True if all that was asked for was measured.
    pub fn is_measured(&self) -> bool {
        let has_run = |tier: &TierAccount| tier.counts.total() > tier.counts.skip;
        self.tiers.values().any(has_run)
            && self.accounting.closed
            && self.tiers.values().all(|tier| tier.available)
            && self.tiers.values().any(|tier| tier.counts.measured() > 0)
            && self.unmeasured_incidents() == 0
            && self.shapes.as_ref().is_none_or(ShapesAccount::is_measured)
    }

    /// The number of workers that were ended before they could measure something.
    pub fn unmeasured_incidents(&self) -> usize {
        let incidents = self.incidents.iter();
        incidents.filter(|it| it.kind.is_unmeasured()).count()
    }

    /// The lines that name guessed features: one for each suite whose layout is known.
    pub fn guesses(&self) -> Vec<String> {
        let mut files: BTreeMap<&str, u64> = BTreeMap::new();
        for features in self.files.iter().filter_map(|file| file.features.as_ref()) {
            if let Some(guess) = &features.guessed_from {
                *files.entry(&guess.suite).or_default() += 1;
            }
        }
        let line = |(suite, count)| {
            format!("features of {count} files are guessed from the layout of {suite}")
        };
        files.into_iter().map(line).collect()
    }

    /// The lines about modules that fail because their files do not have the features: one for
    /// each list of features.
    pub fn lacking(&self) -> Vec<String> {
        let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for directive in &self.directives {
            let details = directive.details.as_ref();
            if let Some(lacks) = details.and_then(|details| details.lacks.as_deref()) {
                files.entry(lacks).or_default().insert(&directive.file);
            }
        }
        let line = |(lacks, files): (&str, BTreeSet<&str>)| {
            let first = files.first().copied().unwrap_or_default();
            let more = match files.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            format!(
                "modules of {first}{more} need features that the files do not state: try \
                 --features {lacks}"
            )
        };
        files.into_iter().map(line).collect()
    }
}

/// What was run, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Wassay's version.
    pub version: String,
    /// The suite: `embedded`, or the paths given.
    pub suite: String,
    /// The suite's revision, as far as it is known.
    pub suite_revision: String,
    /// What of the suite was chosen; absent when it is all of it. Two reports of different
    /// selections have files that only one of them could measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// The part of what was chosen that was run; absent when it is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartAccount>,
    /// Architecture and system of the host.
    pub host: String,
    /// Threads that ran files.
    pub jobs: usize,
    /// How memory accesses were checked.
    #[serde(with = "words")]
    #[schemars(with = "String", extend("enum" = Bounds::WORDS))]
    pub bounds: Bounds,
    /// What the engines did where the spec leaves a result open.
    #[serde(default, with = "words")]
    #[schemars(with = "String", extend("enum" = Profile::WORDS))]
    pub profile: Profile,
    /// What the engines did beyond running the code.
    #[serde(default)]
    pub modes: Modes,
    /// The configurations of columns (`ENGINE@CONFIGURATION`): the options that each of them adds
    /// to those of the run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configurations: BTreeMap<String, String>,
    /// Whether the state of the store was compared after each action.
    #[serde(default)]
    pub state_compared: bool,
    /// Whether the run was ended by Ctrl-C, so that some directives are `not_run` for that reason.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// The options that a repeat of a directive needs besides suite and engines, as a shell reads
    /// them; absent if there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repeat_with: String,
    /// The folder to which the paths of files are relative; absent if the suite is not a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Where the report comes from; absent in reports of earlier versions, and of other commands
    /// than `spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// Wall-clock time of the run.
    pub seconds: f64,
}

/// One of several parts of what was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartAccount {
    /// How files are dealt out to parts.
    pub dealing: Dealing,
    /// The part, from 1.
    pub part: u64,
    /// The number of parts.
    pub parts: u64,
    /// The number of files in all parts together.
    pub files: u64,
}

impl From<(Partition, usize)> for PartAccount {
    fn from((partition, files): (Partition, usize)) -> PartAccount {
        PartAccount {
            dealing: partition.dealing,
            part: partition.part,
            parts: partition.parts,
            files: files as u64,
        }
    }
}

impl fmt::Display for PartAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartAccount {
            dealing,
            part,
            parts,
            files: _,
        } = *self;
        let partition = Partition {
            dealing,
            part,
            parts,
        };
        write!(f, "--partition {partition}")
    }
}

impl Run {
    /// What of the suite was chosen in all parts together; `None` if it is all of it.
    pub fn selection_of_all_parts(&self) -> Option<String> {
        let selection = self.selection.clone()?;
        let Some(part) = self.part else {
            return Some(selection);
        };
        let Some(words) = selection.strip_suffix(&part.to_string()) else {
            return Some(selection);
        };
        let words = words.trim_end();
        (!words.is_empty()).then(|| words.to_string())
    }

    /// The command that runs a directive again in some engines; `more` are further options.
    pub fn repeat(&self, id: &str, tiers: &[EngineName], more: &str) -> String {
        let tiers: Vec<&str> = tiers.iter().map(|tier| tier.name()).collect();
        let suite = if self.suite == EMBEDDED {
            ""
        } else {
            &self.suite
        };
        let words = [
            "wassay spec",
            suite,
            "--directive",
            &shell::quote(id),
            "--tiers",
            &tiers.join(","),
            &self.repeat_with,
            more,
        ];
        let words = words.into_iter().filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The command that explains a directive, if that needs no options but the suite.
    pub fn explain(&self, id: &str) -> Option<String> {
        let id = shell::quote(id);
        match self.suite.as_str() {
            _ if !self.repeat_with.is_empty() => None,
            build::GENERATED => None,
            EMBEDDED => Some(format!("wassay explain {id}")),
            suite => Some(format!("wassay explain {id} {suite}")),
        }
    }

    /// The paths that the suite was given as; none for the suite that the program carries.
    pub fn paths(&self) -> Vec<PathBuf> {
        if self.suite == EMBEDDED {
            return Vec::new();
        }
        let words = shlex::split(&self.suite).unwrap_or_else(|| vec![self.suite.clone()]);
        words.into_iter().map(PathBuf::from).collect()
    }

    /// The path of a file of the suite from where the program ran; none for a file that the program
    /// carries.
    pub fn path_of(&self, file: &str) -> Option<String> {
        match &self.folder {
            Some(folder) => Some(format!("{}/{file}", folder.trim_end_matches('/'))),
            None if self.suite == EMBEDDED || self.suite == build::GENERATED => None,
            None => Some(file.to_string()),
        }
    }
}

/// The name of the suite that the program carries.
const EMBEDDED: &str = "embedded";

/// Whether every directive has a verdict (contract C3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounting {
    /// Directives found in the chosen files.
    pub directives: u64,
    /// Whether in every tier the counts sum up to `directives`.
    pub closed: bool,
    /// Directives that the text parser alone decided: they pass in every tier, and test none.
    pub judged_by_parser: u64,
    /// The directives without a verdict, as `TIER ID`. Empty when closed.
    pub open: Vec<String>,
}

/// Directives by the account that they are on; the fields are [`Status`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each field counts the status of the same name")]
pub struct Counts {
    pub pass: u64,
    pub fail: u64,
    pub xfail: u64,
    pub xpass: u64,
    pub skip: u64,
    pub crash: u64,
    pub timeout: u64,
    pub not_run: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub blocked: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub compared: u64,
    /// Of `pass`: those that an engine had to refuse, and did with another text than the suite's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other_text: u64,
}

fn is_false(is: &bool) -> bool {
    !is
}

fn is_no_time(seconds: &f64) -> bool {
    *seconds == 0.0
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// The count of `status`.
    pub fn of(&self, status: Status) -> u64 {
        let mut counts = *self;
        *counts.slot(status)
    }

    /// Adds `more` directives to the account of `status`.
    pub fn add(&mut self, status: Status, more: u64) {
        *self.slot(status) += more;
    }

    /// Adds every count of `other`.
    pub fn add_all(&mut self, other: &Counts) {
        for status in Status::ALL {
            self.add(status, other.of(status));
        }
        self.other_text += other.other_text;
    }

    /// All directives that are on an account.
    pub fn total(&self) -> u64 {
        Status::ALL.into_iter().map(|status| self.of(status)).sum()
    }

    /// The directives that were run and say something about the engine.
    pub fn measured(&self) -> u64 {
        let unmeasured = [Status::Skip, Status::NotRun, Status::Blocked];
        self.total() - unmeasured.map(|status| self.of(status)).iter().sum::<u64>()
    }

    /// Whether nothing in these counts makes a run fail.
    pub fn is_as_expected(&self) -> bool {
        let bad = Status::ALL
            .into_iter()
            .filter(|&status| status.is_failing());
        bad.map(|status| self.of(status)).sum::<u64>() == 0
    }

    fn slot(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Pass => &mut self.pass,
            Status::Fail => &mut self.fail,
            Status::Xfail => &mut self.xfail,
            Status::Xpass => &mut self.xpass,
            Status::Skip => &mut self.skip,
            Status::Crash => &mut self.crash,
            Status::Timeout => &mut self.timeout,
            Status::NotRun => &mut self.not_run,
            Status::Blocked => &mut self.blocked,
            Status::Compared => &mut self.compared,
        }
    }
}

/// The account of a tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierAccount {
    /// Whether the tier could run here.
    pub available: bool,
    /// Why not; null when it could.
    pub reason: Option<String>,
    /// Its directives. When it is not available, every one is `not_run`, and none is listed for it.
    pub counts: Counts,
    /// Evidence that the tier itself ran (contract C2).
    pub proof: Proof,
    /// Time spent in its workers; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub seconds: f64,
}

impl TierAccount {
    /// The empty account of a tier that can run as far as is known.
    pub fn available() -> TierAccount {
        TierAccount {
            available: true,
            reason: None,
            counts: Counts::default(),
            proof: Proof::default(),
            seconds: 0.0,
        }
    }
}

/// Directives by how the tiers stand to each other; the fields are [`Agreement`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each field counts the agreement of the same name"
)]
pub struct AgreementCounts {
    pub agree: u64,
    pub diverge: u64,
    pub poisoned: u64,
    pub not_comparable: u64,
}

impl AgreementCounts {
    /// Counts one directive.
    pub fn add(&mut self, agreement: Agreement) {
        match agreement {
            Agreement::Agree => self.agree += 1,
            Agreement::Diverge => self.diverge += 1,
            Agreement::Poisoned => self.poisoned += 1,
            Agreement::NotComparable => self.not_comparable += 1,
        }
    }
}

/// The account of a proposal: its directives, and the counts of each chosen tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalAccount {
    /// Directives found in its files.
    pub directives: u64,
    /// The counts of each chosen engine.
    pub counts: BTreeMap<EngineName, Counts>,
}

/// The account of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAccount {
    /// Its path, with `/` on every host.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The heading under which it is counted; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// The features that its modules could use; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeaturesAccount>,
    /// Directives found in it.
    pub directives: u64,
    /// The hashes of the directives' texts in their order, 8 hex digits each, as ids end with them;
    /// absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub texts: String,
    /// The counts of each chosen tier.
    pub counts: BTreeMap<EngineName, Counts>,
    /// Time spent in workers, all tiers together.
    pub seconds: f64,
}

/// The features of a file, and where they come from. With no guess and no statement they are the
/// default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeaturesAccount {
    /// The features, as in a list for `--features`.
    pub set: String,
    /// The guess that they begin with; absent when nothing was guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessed_from: Option<GuessAccount>,
    /// The places that state features, in the order in which they count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stated_by: Vec<String>,
}

/// The grounds of a guess of features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuessAccount {
    /// The suite whose layout is known.
    pub suite: String,
    /// The folder in it that says something about its files; null if it is none of these.
    pub folder: Option<String>,
}

impl From<&FileFeatures> for FeaturesAccount {
    fn from(features: &FileFeatures) -> FeaturesAccount {
        FeaturesAccount {
            set: features.set.to_string(),
            guessed_from: features.guess.map(|guess| GuessAccount {
                suite: guess.suite.to_string(),
                folder: guess.folder.map(str::to_string),
            }),
            stated_by: features.stated_by.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A directive that did not plainly pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectiveAccount {
    /// `path#ordinal-hash`.
    pub id: String,
    /// The file's path.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// What sort of directive.
    pub kind: Kind,
    /// What the specification asks for.
    pub expected: String,
    /// The available tiers in which it did not pass; it passed in the others.
    pub tiers: BTreeMap<EngineName, TierVerdict>,
    /// How the tiers stand to each other.
    pub agreement: Agreement,
    /// In what they differ; null when they do not.
    pub diff: Option<String>,
    /// A command that shows it again.
    pub repro: String,
    /// The directive's text and what it does; absent unless it fails, and for all but the first of
    /// very many in one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

impl DirectiveAccount {
    /// True if the directive makes the run fail.
    pub fn is_failing(&self) -> bool {
        let mut verdicts = self.tiers.values();
        verdicts.any(|verdict| verdict.status.is_failing()) || self.agreement == Agreement::Diverge
    }
}

/// How a directive ended in a tier in which it did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierVerdict {
    /// The account it is on.
    pub status: Status,
    /// What happened.
    pub actual: String,
    /// Why that is no pass, or the expectation's reason.
    pub detail: String,
}

impl From<&Verdict> for TierVerdict {
    fn from(verdict: &Verdict) -> TierVerdict {
        TierVerdict {
            status: verdict.status,
            actual: verdict.actual.clone(),
            detail: verdict.detail.clone(),
        }
    }
}

/// What a gate must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Whether the run's exit code is to be obeyed.
    pub state: GateState,
    /// Everything that makes the run fail.
    pub regressions: Vec<Regression>,
    /// The baseline whose failures are not among them; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineAccount>,
}

/// Whether a run gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// Its failures stop a change.
    Gating,
    /// Its failures are shown only.
    ReportOnly,
}

/// One thing that makes a run fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// The directive.
    pub id: String,
    /// The tier; null for a divergence, which concerns several.
    pub tier: Option<EngineName>,
    /// The status; `diverge`, or `unsteady` if repeats of the run differ.
    pub what: String,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// If the file cannot be read, is no JSON, is of another schema, or contradicts itself.
    pub fn read(path: &Path) -> Result<Report, InputError> {
        let bytes = crate::input::read(path)
            .map_err(|error| InputError::at(path, "cannot read the report").because(error))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
            InputError::at_line(path, error.line(), "not a JSON report").because(error)
        })?;
        match value.get("schema").and_then(|schema| schema.as_str()) {
            Some(SCHEMA) => {}
            Some(other) => {
                let message = format!("the report's schema is `{other}`, this reads `{SCHEMA}`");
                return Err(InputError::at(path, message));
            }
            None => return Err(InputError::at(path, "not a report: no `schema`")),
        }
        let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
            InputError::at_line(path, error.line(), "not a whole report").because(error)
        })?;
        let consistent = sound::check(&report);
        consistent.map_err(|error| InputError::at(path, "not a sound report").because(error))?;
        Ok(report)
    }
}
