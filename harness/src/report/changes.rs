//! The changes between two reports: what they say about the same directives.
//!
//! A report lists only directives that did not plainly pass, so what is not listed can be told
//! apart only with the help of the file's account:
//! - A file with the same SHA-256 and number of directives in both reports has the same directives
//!   in both. One that is listed in one report only did plainly pass in the other: the comparison
//!   is exact.
//! - A file whose text changed has other ids. The hashes of all texts tell which directives the
//!   update added, removed and reworded (`changes/update.rs`); all others are compared exactly.
//!   Where a report of an earlier version lacks them, directives listed in both are paired by the
//!   hash of their text; one that is listed in one report only may be new, gone, or passing in the
//!   other, and nothing can tell: it is `undecided`, said so, and a failing one counts as a
//!   regression that cannot be ruled out.
//! - A file that one report lacks is new or lost only if both chose the same selection of the same
//!   suite; else it was not chosen, and nothing is said about its directives but that. What of BASE
//!   was not chosen in NEW is not measured.
//! - What is lost (an engine, a file, directives of a file) and what newly fails is a regression,
//!   unless it is allowed by name.
//! - Operand shapes are compared by the variants that fail (`changes/shapes.rs`).
//! - A tier is compared only where both reports measured it, and a directive that either skipped is
//!   not compared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use globset::GlobMatcher;

use crate::engine::EngineName;
use crate::error::Exit;
use crate::judge::verdict::{Agreement, Status};
use crate::report::{DirectiveAccount, FileAccount, Report};

mod shapes;
mod update;

/// What happened to a directive in a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It did worse than before.
    Broken,
    /// It fails in a changed file, and did not or was not there before.
    Undecided,
    /// It was measured, and is not any more: an engine, a file, or directives of a file.
    Lost,
    /// It does not pass, in a file that was not there before.
    New,
    /// It did better than before.
    Fixed,
    /// It ended otherwise, neither better nor worse.
    Changed,
}

impl Change {
    /// Every change, in the order of the output.
    pub const ALL: [Change; 6] = [
        Change::Broken,
        Change::Undecided,
        Change::Lost,
        Change::New,
        Change::Fixed,
        Change::Changed,
    ];

    /// The change's name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Change::Broken => "broken",
            Change::Undecided => "undecided",
            Change::Lost => "lost",
            Change::New => "new",
            Change::Fixed => "fixed",
            Change::Changed => "changed",
        }
    }

    /// True if every such change is shown.
    pub fn is_bad(self) -> bool {
        match self {
            Change::Broken | Change::Undecided | Change::Lost => true,
            Change::New | Change::Fixed | Change::Changed => false,
        }
    }

    /// How bad the change is, to a status; `None` where it is not a regression.
    fn severity(self, to: Status) -> Option<Severity> {
        match (self, to) {
            (Change::Fixed | Change::Changed, _) => None,
            (Change::New, status) if !status.is_failing() => None,
            (_, Status::Crash | Status::Timeout) => Some(Severity::Critical),
            (_, Status::Fail | Status::NotRun | Status::Blocked) => Some(Severity::Major),
            (_, Status::Xfail | Status::Xpass | Status::Skip | Status::Pass | Status::Compared) => {
                Some(Severity::Minor)
            }
        }
    }
}

/// How bad a regression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A failure that is expected now, or a pass that is not.
    Minor,
    /// A wrong result; something that is not measured any more.
    Major,
    /// A crash, a hang, or engines that came to differ.
    Critical,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Severity; 3] = [Severity::Critical, Severity::Major, Severity::Minor];

    /// The severity's name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
        }
    }
}

/// What an update of the suite did to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The file.
    pub path: String,
    /// Directives that it added.
    pub added: u64,
    /// Directives that it took away.
    pub removed: u64,
    /// Directives that have another text in the same place.
    pub reworded: u64,
}

/// One directive that is not as before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happened.
    pub change: Change,
    /// The tier; `None` for whether the tiers diverge.
    pub tier: Option<EngineName>,
    /// How bad it is; `None` if it is not a regression.
    pub severity: Option<Severity>,
    /// True if it is allowed by name, so that it fails nothing.
    pub is_allowed: bool,
    /// The directive's id; the path of a file, or the name of an engine.
    pub id: String,
    /// Its file and line.
    pub place: String,
    /// Before and after, and why.
    pub text: String,
}

impl Line {
    /// True if the change fails a comparison.
    pub fn is_regression(&self) -> bool {
        self.severity.is_some() && !self.is_allowed
    }
}

/// The comparison of two reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What a reader must know before believing the figures.
    pub notes: Vec<String>,
    /// Directives compared, by tier.
    pub compared: BTreeMap<EngineName, u64>,
    /// What is not as before, in the order of files and directives.
    pub lines: Vec<Line>,
    /// Files that are gone, with their directives.
    pub gone: Vec<(String, u64)>,
    /// Files that are new, with their directives.
    pub new: Vec<(String, u64)>,
    /// What an update of the suite did, by files.
    pub updates: Vec<Update>,
    /// Whether something that was measured before could not be measured now.
    pub unmeasured: bool,
}

impl Outcome {
    /// Lines of one sort.
    pub fn count(&self, change: Change, tier: Option<EngineName>) -> usize {
        let lines = self.lines.iter();
        lines
            .filter(|line| line.change == change && line.tier == tier)
            .count()
    }

    /// Allows regressions by name: patterns of engines, paths and ids.
    pub fn allow(&mut self, names: &[GlobMatcher]) {
        for line in &mut self.lines {
            let engine = line.tier.map_or("", EngineName::name);
            let file = line
                .id
                .rsplit_once('#')
                .map_or(line.id.as_str(), |(file, _)| file);
            let is_it = |name: &GlobMatcher| {
                [engine, file, line.id.as_str()]
                    .iter()
                    .any(|it| name.is_match(it))
            };
            line.is_allowed |= names.iter().any(is_it);
        }
    }

    /// Allows regressions that are less bad.
    pub fn allow_below(&mut self, least: Severity) {
        for line in &mut self.lines {
            line.is_allowed |= line.severity.is_some_and(|severity| severity < least);
        }
    }

    /// The regressions that fail the comparison, by severity, the worst first.
    pub fn regressions(&self) -> impl Iterator<Item = (Severity, usize)> {
        Severity::ALL.into_iter().filter_map(|severity| {
            let of = |line: &&Line| line.is_regression() && line.severity == Some(severity);
            let count = self.lines.iter().filter(of).count();
            (count > 0).then_some((severity, count))
        })
    }

    /// Notes that something was measured and is not any more.
    fn lose(&mut self, tier: Option<EngineName>, name: &str, text: String) {
        self.lines.push(Line {
            change: Change::Lost,
            tier,
            severity: Some(Severity::Major),
            is_allowed: false,
            id: name.to_string(),
            place: name.to_string(),
            text,
        });
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        let nothing = self.compared.values().sum::<u64>() == 0;
        if nothing || self.unmeasured {
            Exit::NotMeasured
        } else if self.lines.iter().any(Line::is_regression) {
            Exit::Failed
        } else {
            Exit::AsExpected
        }
    }
}

/// Compares two sound reports.
pub fn compare(base: &Report, new: &Report) -> Outcome {
    let mut outcome = Outcome::default();
    let tiers = common_tiers(base, new, &mut outcome);
    outcome.compared = tiers.iter().map(|&tier| (tier, 0)).collect();
    note_differences(base, new, &mut outcome);
    let is_cut_off = |it: &Report| it.run.interrupted || it.unmeasured_incidents() > 0;
    outcome.unmeasured |= is_cut_off(base) || is_cut_off(new);
    let base_side = Side::new(base);
    let new_side = Side::new(new);
    let mut unchosen = [0, 0];
    let paths: BTreeSet<&str> = base_side
        .files
        .keys()
        .chain(new_side.files.keys())
        .copied()
        .collect();
    for path in paths {
        match (base_side.files.get(path), new_side.files.get(path)) {
            (Some(before), Some(after)) if is_same_text(before, after) => {
                compare_same(&base_side, &new_side, after, &tiers, &mut outcome);
            }
            (Some(before), Some(after)) if update::is_told(before, after) => {
                let sides = (&base_side, &new_side);
                update::compare(sides, (before, after), &tiers, &mut outcome);
            }
            (Some(before), Some(after)) => {
                compare_changed(&base_side, &new_side, (before, after), &tiers, &mut outcome);
            }
            (Some(before), None) if same_choice(base, new) => {
                outcome.gone.push((path.to_string(), before.directives));
                let text = format!("the file with its {} directives", before.directives);
                outcome.lose(None, path, text);
            }
            (None, Some(after)) if same_choice(base, new) => {
                outcome.new.push((path.to_string(), after.directives));
                add_new(&new_side, path, &tiers, &mut outcome);
            }
            (Some(_), None) => unchosen[0] += 1,
            (None, Some(_)) => unchosen[1] += 1,
            (None, None) => {}
        }
    }
    // What NEW did not choose was not measured again: nothing green follows.
    outcome.unmeasured |= unchosen[0] > 0;
    note_unchosen(unchosen, &mut outcome);
    shapes::compare(base, new, &tiers, &mut outcome);
    outcome
}

/// A report with its files and listed directives by path.
struct Side<'a> {
    files: BTreeMap<&'a str, &'a FileAccount>,
    listed: BTreeMap<&'a str, Vec<&'a DirectiveAccount>>,
}

impl<'a> Side<'a> {
    fn new(report: &'a Report) -> Side<'a> {
        let mut listed: BTreeMap<&str, Vec<&DirectiveAccount>> = BTreeMap::new();
        for directive in &report.directives {
            listed.entry(&directive.file).or_default().push(directive);
        }
        let files = report.files.iter().map(|file| (file.path.as_str(), file));
        Side {
            files: files.collect(),
            listed,
        }
    }

    fn listed(&self, path: &str) -> &[&'a DirectiveAccount] {
        self.listed.get(path).map_or(&[], Vec::as_slice)
    }
}

fn is_same_text(before: &FileAccount, after: &FileAccount) -> bool {
    before.sha256 == after.sha256 && before.directives == after.directives
}

/// Whether a file that only one report has is new or gone, and not merely left out.
fn same_choice(base: &Report, new: &Report) -> bool {
    base.run.suite == new.run.suite && base.run.selection == new.run.selection
}

/// The tiers that both reports measured; notes those that only one did.
fn common_tiers(base: &Report, new: &Report, outcome: &mut Outcome) -> BTreeSet<EngineName> {
    let mut common = BTreeSet::new();
    let named = base.tiers.keys().chain(new.tiers.keys());
    for tier in named.copied().collect::<BTreeSet<EngineName>>() {
        let measured = [base, new].map(|report| {
            let account = report.tiers.get(&tier);
            account.map(|account| account.reason.clone().map_or(Ok(()), Err))
        });
        match measured {
            [Some(Ok(())), Some(Ok(()))] => {
                common.insert(tier);
            }
            [Some(Ok(())), Some(Err(reason))] => {
                outcome.unmeasured = true;
                let note = format!("tier `{tier}` is not compared: unavailable in NEW: {reason}");
                outcome.notes.push(note);
            }
            [Some(Ok(())), None] => {
                let note = format!("tier `{tier}` is not compared: it was not chosen in NEW");
                outcome.notes.push(note);
                let text = "the engine was not chosen in NEW".to_string();
                outcome.lose(Some(tier), tier.name(), text);
            }
            [_, Some(Ok(()))] => outcome.notes.push(format!(
                "tier `{tier}` is not compared: it was not measured in BASE"
            )),
            [_, None | Some(Err(_))] => {}
        }
    }
    common
}

/// Notes everything in which the two runs themselves differ.
fn note_differences(base: &Report, new: &Report, outcome: &mut Outcome) {
    let described = |selection: &Option<String>| match selection {
        Some(selection) => format!("only {selection}"),
        None => "all of it".to_string(),
    };
    let bounds = |report: &Report| report.run.bounds.to_string();
    let profile = |report: &Report| report.run.profile.to_string();
    let modes = |report: &Report| report.run.modes.to_string();
    let facts = [
        ("suite", base.run.suite.clone(), new.run.suite.clone()),
        (
            "suite revision",
            base.run.suite_revision.clone(),
            new.run.suite_revision.clone(),
        ),
        (
            "selection",
            described(&base.run.selection),
            described(&new.run.selection),
        ),
        ("bounds checks", bounds(base), bounds(new)),
        ("profile", profile(base), profile(new)),
        ("modes", modes(base), modes(new)),
    ];
    for (name, before, after) in facts {
        if before != after {
            outcome.notes.push(format!(
                "{name} differs: `{before}` in BASE, `{after}` in NEW"
            ));
        }
    }
    for (name, report) in [("BASE", base), ("NEW", new)] {
        if !report.accounting.closed {
            outcome.unmeasured = true;
            let open = report.accounting.open.len();
            let note = format!("{name} is not closed: {open} directives have no verdict");
            outcome.notes.push(note);
        }
    }
}

fn note_unchosen([only_base, only_new]: [u64; 2], outcome: &mut Outcome) {
    for (count, name) in [(only_base, "BASE"), (only_new, "NEW")] {
        if count > 0 {
            let note = format!(
                "{count} files are in {name} alone and not compared: the other run did not \
                 choose the same files"
            );
            outcome.notes.push(note);
        }
    }
}

/// Compares a file that has the same directives in both reports.
fn compare_same(
    base: &Side<'_>,
    new: &Side<'_>,
    file: &FileAccount,
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    for count in outcome.compared.values_mut() {
        *count += file.directives;
    }
    let before: BTreeMap<&str, &DirectiveAccount> = by_id(base.listed(&file.path));
    let after: BTreeMap<&str, &DirectiveAccount> = by_id(new.listed(&file.path));
    let listed = before.values().chain(after.values());
    let ids: BTreeSet<(u32, u32, &str)> =
        listed.map(|d| (d.line, d.column, d.id.as_str())).collect();
    for (_, _, id) in ids {
        let pair = (before.get(id).copied(), after.get(id).copied());
        compare_pair(pair, tiers, outcome);
    }
}

fn by_id<'a>(listed: &[&'a DirectiveAccount]) -> BTreeMap<&'a str, &'a DirectiveAccount> {
    listed
        .iter()
        .map(|&directive| (directive.id.as_str(), directive))
        .collect()
}

/// Compares one directive, which plainly passed where it is not listed.
fn compare_pair(
    (before, after): (Option<&DirectiveAccount>, Option<&DirectiveAccount>),
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    let Some(shown) = after.or(before) else {
        return;
    };
    for &tier in tiers {
        let statuses = [before, after].map(|directive| status_in(directive, tier));
        if statuses.contains(&Status::Skip) {
            if let Some(count) = outcome.compared.get_mut(&tier) {
                *count -= 1;
            }
            continue;
        }
        if let Some(change) = classify(statuses) {
            let detail = after
                .or(before)
                .and_then(|directive| directive.tiers.get(&tier));
            let detail = detail.map_or("", |verdict| verdict.detail.as_str());
            let [from, to] = statuses.map(Status::name);
            let severity = change.severity(statuses[1]);
            let text = format!("{from} -> {to}");
            let line = line_of(shown, (change, severity), Some(tier), &text, detail);
            outcome.lines.push(line);
        }
    }
    compare_agreement(shown, before, after, outcome);
}

/// Notes that the tiers came to diverge on a directive, or ceased to.
fn compare_agreement(
    shown: &DirectiveAccount,
    before: Option<&DirectiveAccount>,
    after: Option<&DirectiveAccount>,
    outcome: &mut Outcome,
) {
    let diverged = |directive: Option<&DirectiveAccount>| {
        directive.is_some_and(|directive| directive.agreement == Agreement::Diverge)
    };
    let diff = shown.diff.as_deref().unwrap_or("");
    match (diverged(before), diverged(after)) {
        (false, true) => {
            let text = "the tiers diverge";
            outcome
                .lines
                .push(line_of(shown, (Change::Broken, CRITICAL), None, text, diff));
        }
        (true, false) => {
            let text = "the tiers no longer diverge";
            outcome
                .lines
                .push(line_of(shown, (Change::Fixed, None), None, text, ""));
        }
        (false, false) | (true, true) => {}
    }
}

fn status_in(directive: Option<&DirectiveAccount>, tier: EngineName) -> Status {
    let verdict = directive.and_then(|directive| directive.tiers.get(&tier));
    verdict.map_or(Status::Pass, |verdict| verdict.status)
}

/// How good a status is; equal ones differ without being better.
fn rank(status: Status) -> u8 {
    match status {
        Status::Pass | Status::Xpass | Status::Compared => 2,
        Status::Xfail | Status::Skip => 1,
        Status::Fail | Status::Crash | Status::Timeout | Status::NotRun | Status::Blocked => 0,
    }
}

fn classify([before, after]: [Status; 2]) -> Option<Change> {
    match rank(after).cmp(&rank(before)) {
        std::cmp::Ordering::Less => Some(Change::Broken),
        std::cmp::Ordering::Greater => Some(Change::Fixed),
        std::cmp::Ordering::Equal if before != after => Some(Change::Changed),
        std::cmp::Ordering::Equal => None,
    }
}

/// The severity of a divergence.
const CRITICAL: Option<Severity> = Some(Severity::Critical);

fn line_of(
    directive: &DirectiveAccount,
    (change, severity): (Change, Option<Severity>),
    tier: Option<EngineName>,
    text: &str,
    detail: &str,
) -> Line {
    let text = match detail {
        "" => text.to_string(),
        detail => format!("{text}: {detail}"),
    };
    Line {
        change,
        tier,
        severity,
        is_allowed: false,
        id: directive.id.clone(),
        place: format!("{}:{}", directive.file, directive.line),
        text,
    }
}

/// Compares a file whose text changed, as far as that can be.
fn compare_changed(
    base: &Side<'_>,
    new: &Side<'_>,
    (before, after): (&FileAccount, &FileAccount),
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    for tier in tiers {
        let [passes_before, passes_after] =
            [before, after].map(|file| file.counts.get(tier).map_or(0, |counts| counts.pass));
        outcome.notes.push(format!(
            "{} changed: {tier} passed {passes_before} of {}, now {passes_after} of {}; only \
             directives that did not pass are compared, by their text",
            after.path, before.directives, after.directives
        ));
    }
    let mut unpaired: BTreeMap<&str, VecDeque<&DirectiveAccount>> = BTreeMap::new();
    for directive in base.listed(&before.path) {
        unpaired
            .entry(text_hash(&directive.id))
            .or_default()
            .push_back(directive);
    }
    for &directive in new.listed(&after.path) {
        let pair = unpaired
            .get_mut(text_hash(&directive.id))
            .and_then(VecDeque::pop_front);
        match pair {
            Some(earlier) => {
                compare_pair((Some(earlier), Some(directive)), tiers, outcome);
                outcome.compared.values_mut().for_each(|count| *count += 1);
            }
            None => add_undecided(directive, tiers, outcome),
        }
    }
    let left: usize = unpaired.values().map(VecDeque::len).sum();
    if left > 0 {
        let note = format!(
            "{}: {left} directives that did not pass in BASE pass in NEW or are gone",
            after.path
        );
        outcome.notes.push(note);
    }
}

/// The part of an id that depends on the directive's text alone.
fn text_hash(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(_, hash)| hash)
}

fn add_undecided(
    directive: &DirectiveAccount,
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    let verdicts = directive
        .tiers
        .iter()
        .filter(|(tier, _)| tiers.contains(tier));
    for (&tier, verdict) in verdicts.filter(|(_, verdict)| rank(verdict.status) == 0) {
        let text = format!("new or passing before -> {}", verdict.status.name());
        let kind = (
            Change::Undecided,
            Change::Undecided.severity(verdict.status),
        );
        let line = line_of(directive, kind, Some(tier), &text, &verdict.detail);
        outcome.lines.push(line);
    }
    if directive.agreement == Agreement::Diverge {
        let diff = directive.diff.as_deref().unwrap_or("");
        let text = "the tiers diverge on it, which is new or agreed before";
        outcome.lines.push(line_of(
            directive,
            (Change::Undecided, CRITICAL),
            None,
            text,
            diff,
        ));
    }
}

/// Lists what does not pass in a new file.
fn add_new(new: &Side<'_>, path: &str, tiers: &BTreeSet<EngineName>, outcome: &mut Outcome) {
    for directive in new.listed(path) {
        add_new_directive(directive, "", tiers, outcome);
    }
}

/// Lists what does not pass of a directive that was not there before.
fn add_new_directive(
    directive: &DirectiveAccount,
    how: &str,
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    let verdicts = directive.tiers.iter();
    for (&tier, verdict) in verdicts.filter(|(tier, _)| tiers.contains(tier)) {
        let text = format!("{how}{}", verdict.status.name());
        let kind = (Change::New, Change::New.severity(verdict.status));
        let line = line_of(directive, kind, Some(tier), &text, &verdict.detail);
        outcome.lines.push(line);
    }
    if directive.agreement == Agreement::Diverge {
        let diff = directive.diff.as_deref().unwrap_or("");
        let text = format!("{how}the tiers diverge");
        let line = line_of(directive, (Change::New, CRITICAL), None, &text, diff);
        outcome.lines.push(line);
    }
}

#[cfg(test)]
mod tests;
