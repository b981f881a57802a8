//! What is expected not to pass yet, and why: `testsuite/expectations.toml`, which is also embedded
//! in the program.
//!
//! An entry names what it covers (one of `proposal`, `file`, `id`; `tiers` of our own or `engines`
//! of anyone, `configurations` of columns, `hosts`), how the failure looks (`detail`, a prefix of
//! the verdict's detail), the `reason` and perhaps a `link`, and with `count` the number of such
//! failures in each column. An entry for other hosts counts for nothing here. In what it covers,
//! - a failure, crash or timeout whose detail starts so becomes `xfail`; any other stays what it
//!   is;
//! - a pass becomes `xpass`, which fails the run, once the entry excuses nothing at all any more in
//!   that tier. As long as it excuses something, passes beside it stay passes: an entry for a
//!   proposal or a file covers directives that never needed what is missing. An entry for one `id`
//!   thus turns that directive's pass into `xpass` at once. An entry for a proposal or a pattern
//!   can only be known to excuse nothing where all that it covers was chosen.
//! - an entry with a `count` excuses nothing in a tier with more such failures, and counts as one
//!   that excuses nothing in a tier with fewer;
//! - an entry that covers nothing in what was chosen is unused, and is reported;
//! - an entry whose `detail` begins with `flaky` excuses crashes that a fresh worker did not
//!   repeat, and is never unused: such crashes come and go.
//!
//! What is expected of a tier is expected, but not required, of tiers mixed with it: there, another
//! tier may run what it cannot.
//!
//! Invariant: the first entry that excuses a failure is the one that counts; order in the file
//! never turns a failure into a pass.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use serde::Deserialize;
use toml::Spanned;

use crate::engine::{self, EngineName, NotAName};
use crate::error::{InputError, line_at};
use crate::input::read_text;
use crate::judge::judged::JudgedFile;
use crate::judge::verdict::{Status, Verdict};
use crate::pool::IncidentKind;
use crate::protocol::configuration::PLAIN;
use crate::suite::pattern;
use crate::tier::{UnknownTier, host};

/// The expectations that the program carries in itself.
const EMBEDDED: &str = include_str!("../../../testsuite/expectations.toml");
/// What messages call them.
const EMBEDDED_NAME: &str = "testsuite/expectations.toml";

/// The beginning of a `detail` that expects crashes which fresh workers do not repeat.
const FLAKY: &str = "flaky";

/// A list of expectations.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    entries: Vec<Entry>,
}

/// One expectation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Line of the entry in its file, after the file's name if it is of one engine.
    place: String,
    tiers: BTreeSet<EngineName>,
    names_tiers: bool,
    /// The names of the configurations of columns; `None` for all.
    configurations: Option<BTreeSet<String>>,
    /// True if the entry is for this host.
    is_here: bool,
    scope: Scope,
    detail: String,
    reason: String,
    count: Option<usize>,
}

/// What an entry covers.
#[derive(Clone, Debug)]
enum Scope {
    /// All files of a proposal.
    Proposal(String),
    /// All files whose path matches a pattern.
    Pattern(GlobMatcher),
    /// One file.
    File(String),
    /// One directive.
    Id(String),
}

/// What became of the entries in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Entries that cover nothing of what was chosen, each in a line.
    pub unused: Vec<String>,
    /// Entries that excuse nothing any more in a tier, each in a line.
    pub stale: Vec<String>,
}

/// The file's own shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    expect: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    tiers: Option<Vec<String>>,
    engines: Option<Vec<String>>,
    configurations: Option<Vec<String>>,
    hosts: Option<Vec<String>>,
    link: Option<String>,
    proposal: Option<String>,
    file: Option<String>,
    id: Option<String>,
    detail: String,
    reason: String,
    count: Option<usize>,
}

impl Expectations {
    /// The expectations that the program carries in itself.
    ///
    /// # Errors
    /// If they are malformed; a test sees to it that they are not.
    pub fn embedded() -> Result<Self, InputError> {
        Self::parse(Path::new(EMBEDDED_NAME), EMBEDDED)
    }

    /// Reads a file of expectations.
    ///
    /// # Errors
    /// If it cannot be read or is malformed; the error names the line.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let text = read_text(path)?;
        Self::parse(path, &text)
    }

    /// Reads the expectations of an engine of another maker: each entry is of that engine.
    ///
    /// # Errors
    /// If the file cannot be read or is malformed, or an entry names tiers.
    pub fn of_engine(path: &Path, name: EngineName) -> Result<Self, InputError> {
        let mut own = Self::read(path)?.for_engine(path, name)?;
        for entry in &mut own.entries {
            entry.place = format!("{}, {}", path.display(), entry.place);
        }
        Ok(own)
    }

    /// The same for an engine of another maker.
    ///
    /// # Errors
    /// If an entry names tiers.
    pub fn for_engine(mut self, path: &Path, name: EngineName) -> Result<Self, InputError> {
        for entry in &mut self.entries {
            if entry.names_tiers {
                let message = format!("{}: entries of one engine name no tiers", entry.place);
                return Err(InputError::at(path, message));
            }
            entry.tiers = BTreeSet::from([name]);
        }
        Ok(self)
    }

    /// Adds the entries of others after these.
    pub fn extend(&mut self, others: Expectations) {
        self.entries.extend(others.entries);
    }

    /// The entries, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads expectations from text.
    ///
    /// # Errors
    /// If they are malformed; the error names the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, InputError> {
        let document: Document =
            toml::from_str(text).map_err(|error| InputError::in_toml(path, text, &error))?;
        let entries = document.expect.into_iter().map(|raw| {
            let line = line_at(text, raw.span().start);
            Entry::new(line, raw.into_inner())
                .map_err(|fault| InputError::at_line(path, line, fault.to_string()))
        });
        Ok(Expectations {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Turns expected failures into `xfail`, and passes that were not expected into `xpass`.
    ///
    /// `all_chosen` says that no file of the suite was left out, so that an entry for a proposal or
    /// a pattern which excuses nothing can be known to.
    pub fn apply(&self, files: &mut [JudgedFile], all_chosen: bool) -> Use {
        let mut usage = Use::default();
        let mut failures: Vec<BTreeMap<EngineName, usize>> =
            vec![BTreeMap::new(); self.entries.len()];
        for file in &mut *files {
            self.for_failures(file, |index, tier, _| {
                *failures[index].entry(tier).or_default() += 1;
            });
        }
        for file in &mut *files {
            self.for_failures(file, |index, tier, verdict| {
                if self.entries[index].expects(failures[index][&tier]) != Ordering::Greater {
                    verdict.status = Status::Xfail;
                }
            });
        }
        self.excuse_incidents(files);
        // What is flaky comes and goes.
        let here = self.entries.iter().zip(&failures);
        let here = here.filter(|(entry, _)| entry.is_here && !entry.detail.starts_with(FLAKY));
        for (entry, failures) in here {
            let covered = entry.tiers_covered(files);
            if covered.is_empty() {
                usage
                    .unused
                    .push(entry.to_line("covers nothing of what was run"));
            }
            for &tier in &covered {
                let found = failures.get(&tier).copied().unwrap_or(0);
                let known = all_chosen || entry.scope.is_narrow();
                let stale = match entry.expects(found) {
                    _ if found == 0 && known => {
                        format!("excuses nothing in tier `{tier}` any more: remove it")
                    }
                    Ordering::Less if known => entry.fails(found, tier),
                    Ordering::Greater => entry.fails(found, tier),
                    Ordering::Less | Ordering::Equal => continue,
                };
                usage.stale.push(entry.to_line(&stale));
                if entry.expects(found) != Ordering::Greater {
                    entry.refuse_passes(files, tier);
                }
            }
        }
        usage
    }

    /// Excuses crashes that fresh workers did not repeat where an entry expects them, by a `detail`
    /// that begins with `flaky`.
    fn excuse_incidents(&self, files: &mut [JudgedFile]) {
        let entries = self.entries.iter();
        let entries: Vec<&Entry> = entries.filter(|it| it.detail.starts_with(FLAKY)).collect();
        for file in files {
            for mut incident in std::mem::take(&mut file.incidents) {
                let detail = format!("{FLAKY}: {}", incident.how);
                let excuses = |entry: &&&Entry| {
                    let id = incident.id.as_deref().unwrap_or_default();
                    entry.covers(file)
                        && entry
                            .tiers
                            .iter()
                            .any(|&named| incident.tier.includes(named))
                        && entry.scope.covers_directive(id)
                        && detail.starts_with(&entry.detail)
                };
                if incident.kind == IncidentKind::Flaky {
                    let excuse = entries.iter().find(excuses);
                    incident.expected = excuse.map(|entry| entry.reason.clone());
                }
                file.incidents.push(incident);
            }
        }
    }

    /// Calls `found` for each failure that an entry expects, with the index of the first such
    /// entry.
    fn for_failures(
        &self,
        file: &mut JudgedFile,
        mut found: impl FnMut(usize, EngineName, &mut Verdict),
    ) {
        let covering: Vec<usize> = (0..self.entries.len())
            .filter(|&index| self.entries[index].covers(file))
            .collect();
        if covering.is_empty() {
            return;
        }
        let mut all = std::mem::take(&mut file.verdicts);
        for (&tier, verdicts) in &mut all {
            for (ordinal, verdict) in verdicts.others_mut() {
                let id = file.id(ordinal);
                let by = covering
                    .iter()
                    .find(|&&index| self.entries[index].excuses(tier, &id, verdict));
                if let Some(&index) = by {
                    found(index, tier, verdict);
                }
            }
        }
        file.verdicts = all;
    }
}

/// The fault of an entry.
#[derive(Debug, thiserror::Error)]
enum EntryFault {
    #[error("the entry's `reason` is empty")]
    NoReason,
    #[error("an entry has exactly one of `proposal`, `file`, `id`")]
    Scopes,
    #[error(transparent)]
    Pattern(#[from] globset::Error),
    #[error("`detail` may be empty only in an entry for one `id`")]
    NoDetail,
    #[error("the entry's `count` is 0")]
    NoCount,
    #[error(transparent)]
    Tier(#[from] UnknownTier),
    #[error(transparent)]
    Engine(#[from] NotAName),
    #[error("`{0}` is not an engine without a configuration: name that by `configurations`")]
    Column(EngineName),
    #[error("an entry has `tiers` or `engines`, and not both")]
    TiersAndEngines,
    #[error("the entry's `{0}` is empty")]
    Empty(&'static str),
    #[error("the entry's `tiers` is empty")]
    NoTiers,
}

impl Entry {
    fn new(line: usize, raw: RawEntry) -> Result<Entry, EntryFault> {
        if raw.reason.trim().is_empty() {
            return Err(EntryFault::NoReason);
        }
        let scope = match (raw.proposal, raw.file, raw.id) {
            (Some(proposal), None, None) => Scope::Proposal(proposal),
            (None, Some(file), None) if file.contains(['*', '?']) => {
                Scope::Pattern(pattern(&file)?)
            }
            (None, Some(file), None) => Scope::File(file),
            (None, None, Some(id)) => Scope::Id(id),
            _ => return Err(EntryFault::Scopes),
        };
        if raw.detail.trim().is_empty() && !matches!(scope, Scope::Id(_)) {
            return Err(EntryFault::NoDetail);
        }
        if raw.count == Some(0) {
            return Err(EntryFault::NoCount);
        }
        let names_tiers = raw.tiers.is_some() || raw.engines.is_some();
        let tiers = engines(raw.tiers, raw.engines)?;
        if tiers.is_empty() {
            return Err(EntryFault::NoTiers);
        }
        let configurations = raw.configurations.map(|names| names.into_iter().collect());
        if configurations.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(EntryFault::Empty("configurations"));
        }
        let reason = match raw.link {
            Some(link) => format!("{}, {link}", raw.reason),
            None => raw.reason,
        };
        Ok(Entry {
            place: format!("line {line}"),
            tiers,
            names_tiers,
            configurations,
            is_here: is_here(raw.hosts)?,
            scope,
            detail: raw.detail,
            reason,
            count: raw.count,
        })
    }

    /// The place of the entry in its file, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The engines that the entry is for.
    pub fn engines(&self) -> &BTreeSet<EngineName> {
        &self.tiers
    }

    /// The names of the configurations that the entry is for; `None` for all.
    pub fn configurations(&self) -> Option<&BTreeSet<String>> {
        self.configurations.as_ref()
    }

    /// The number of failures in each column, if the entry has one.
    pub fn count(&self) -> Option<usize> {
        self.count
    }

    /// True if the entry covers directives of a file on this host.
    pub fn covers_file(&self, path: &str, proposal: &str) -> bool {
        self.is_here && self.scope.covers_file(path, proposal)
    }

    /// True if one file holds all that the entry covers.
    pub fn is_narrow(&self) -> bool {
        self.scope.is_narrow()
    }

    /// True if the entry is for all files of a proposal.
    pub fn is_of_proposal(&self) -> bool {
        matches!(self.scope, Scope::Proposal(_))
    }

    /// True if the entry is for a column itself, and not for one that it includes.
    pub fn is_for(&self, column: EngineName) -> bool {
        self.tiers.contains(&column.engine()) && self.is_of_configuration(column)
    }

    /// True if the entry expects a failure in a column, of a file that it covers.
    pub fn expects_failure(&self, column: EngineName, id: &str, detail: &str) -> bool {
        self.tiers.iter().any(|&named| column.includes(named))
            && self.is_of_configuration(column)
            && self.scope.covers_directive(id)
            && detail.starts_with(&self.detail)
    }

    fn is_of_configuration(&self, column: EngineName) -> bool {
        let name = column.configuration().unwrap_or(PLAIN);
        let named = self.configurations.as_ref();
        named.is_none_or(|names| names.contains(name))
    }

    fn fails(&self, found: usize, tier: EngineName) -> String {
        let count = self.count.unwrap_or(0);
        format!("is for {count} failures, and tier `{tier}` has {found}")
    }

    /// The number of failures in a tier, compared with the number that the entry expects.
    fn expects(&self, failures: usize) -> Ordering {
        self.count
            .map_or(Ordering::Equal, |count| failures.cmp(&count))
    }

    /// Whether a verdict is the failure that this entry expects, in a file that it covers.
    fn excuses(&self, tier: EngineName, id: &str, verdict: &Verdict) -> bool {
        verdict.status.has_failed() && self.expects_failure(tier, id, &verdict.detail)
    }

    /// The tiers in which the entry covers a directive that was run.
    fn tiers_covered(&self, files: &[JudgedFile]) -> BTreeSet<EngineName> {
        let covered = files.iter().filter(|file| self.covers(file));
        let run = covered.flat_map(|file| {
            let run = file.verdicts.iter().filter(|(_, verdicts)| {
                let mut verdicts = verdicts.iter().enumerate();
                verdicts.any(|(ordinal, verdict)| {
                    verdict.is_some_and(was_run) && self.scope.covers_directive(&file.id(ordinal))
                })
            });
            run.map(|(&tier, _)| tier)
        });
        run.filter(|&tier| self.is_for(tier)).collect()
    }

    /// Turns every pass that the entry covers in `tier` into `xpass`.
    fn refuse_passes(&self, files: &mut [JudgedFile], tier: EngineName) {
        for file in files.iter_mut().filter(|file| self.covers(file)) {
            let Some(mut verdicts) = file.verdicts.remove(&tier) else {
                continue;
            };
            for ordinal in 0..file.directives.len() {
                let passed = verdicts.get(ordinal);
                let passed = passed
                    .filter(|verdict| verdict.status == Status::Pass)
                    .cloned();
                let Some(verdict) = passed else { continue };
                if self.scope.covers_directive(&file.id(ordinal)) {
                    let (expected, reason) = (&self.detail, &self.reason);
                    let detail =
                        format!("passes, but is expected to fail with `{expected}` ({reason})");
                    let status = Status::Xpass;
                    let verdict = Verdict {
                        status,
                        detail,
                        ..verdict
                    };
                    verdicts.set(ordinal, Some(verdict));
                }
            }
            file.verdicts.insert(tier, verdicts);
        }
    }

    fn covers(&self, file: &JudgedFile) -> bool {
        self.covers_file(&file.path, &file.proposal)
    }

    /// The entry in a line, with something to be said of it.
    pub fn to_line(&self, what: &str) -> String {
        let scope = match &self.scope {
            Scope::Proposal(name) => format!("proposal `{name}`"),
            Scope::Pattern(pattern) => format!("file `{}`", pattern.glob()),
            Scope::File(path) => format!("file `{path}`"),
            Scope::Id(id) => format!("id `{id}`"),
        };
        format!("{}: the expectation for {scope} {what}", self.place)
    }
}

/// The engines of an entry that names tiers of our own, or engines of anyone, or none: then it is
/// for all tiers of our own.
fn engines(
    tiers: Option<Vec<String>>,
    engines: Option<Vec<String>>,
) -> Result<BTreeSet<EngineName>, EntryFault> {
    match (tiers, engines) {
        (None, None) => Ok(EngineName::own().collect()),
        (Some(names), None) => {
            let tiers = names.iter().map(|name| Ok(engine::own(name)?));
            tiers.collect()
        }
        (None, Some(names)) => {
            let engines = names.iter().map(|name| {
                let name: EngineName = name.parse()?;
                match name.configuration() {
                    None => Ok(name),
                    Some(_) => Err(EntryFault::Column(name)),
                }
            });
            engines.collect()
        }
        (Some(_), Some(_)) => Err(EntryFault::TiersAndEngines),
    }
}

/// True if patterns of hosts mean this one, as all do that are not given.
fn is_here(hosts: Option<Vec<String>>) -> Result<bool, EntryFault> {
    let Some(hosts) = hosts else {
        return Ok(true);
    };
    if hosts.is_empty() {
        return Err(EntryFault::Empty("hosts"));
    }
    let patterns = hosts.iter().map(|text| pattern(text));
    let patterns: Vec<GlobMatcher> = patterns.collect::<Result<_, _>>()?;
    Ok(patterns.iter().any(|pattern| pattern.is_match(host())))
}

/// Whether a verdict says anything about the tier.
fn was_run(verdict: &Verdict) -> bool {
    match verdict.status {
        Status::Skip | Status::NotRun | Status::Blocked => false,
        Status::Pass
        | Status::Fail
        | Status::Xfail
        | Status::Xpass
        | Status::Crash
        | Status::Timeout
        | Status::Compared => true,
    }
}

impl Scope {
    /// Whether one chosen file holds all that is covered.
    fn is_narrow(&self) -> bool {
        match self {
            Scope::File(_) | Scope::Id(_) => true,
            Scope::Proposal(_) | Scope::Pattern(_) => false,
        }
    }

    fn covers_file(&self, path: &str, proposal: &str) -> bool {
        match self {
            Scope::Proposal(name) => name == proposal,
            Scope::Pattern(pattern) => pattern.is_match(path),
            Scope::File(name) => name == path,
            Scope::Id(id) => id.rsplit_once('#').is_some_and(|(file, _)| file == path),
        }
    }

    /// True if a directive of a covered file is covered, by its id.
    fn covers_directive(&self, id: &str) -> bool {
        match self {
            Scope::Proposal(_) | Scope::Pattern(_) | Scope::File(_) => true,
            Scope::Id(covered) => covered == id,
        }
    }
}

/// Where the expectations of a run come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The embedded ones.
    #[default]
    Embedded,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Loads them.
    ///
    /// # Errors
    /// If they cannot be read or are malformed.
    pub fn load(&self) -> Result<Expectations, InputError> {
        match self {
            Source::Embedded => Expectations::embedded(),
            Source::File(path) => Expectations::read(path),
        }
    }

    /// Their text.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn text(&self) -> Result<String, InputError> {
        match self {
            Source::Embedded => Ok(EMBEDDED.to_string()),
            Source::File(path) => read_text(path),
        }
    }

    /// What messages call them.
    pub fn name(&self) -> String {
        match self {
            Source::Embedded => EMBEDDED_NAME.to_string(),
            Source::File(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
