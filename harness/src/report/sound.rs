//! The soundness of a report: every count follows from other counts, or the report is refused.
//!
//! [`check`] is asked wherever a report is read, so that all commands refuse the same. What a
//! report states twice must be the same twice: totals and files, files and directives, directives
//! and gate. The counts of a run of a history follow the same rules ([`check_counts`]).
//!
//! A run of generated programs lists few of its files. There, counts of files are parts of the
//! totals.

use std::collections::{BTreeMap, BTreeSet};

use super::repeats::UNSTEADY;
use super::shapes::ShapesAccount;
use super::{Counts, DirectiveAccount, FileAccount, Regression, Report, TierAccount};
use crate::engine::EngineName;
use crate::judge::verdict::{Agreement, Status};
use crate::outcome::Proof;
use crate::shell;

/// The largest count: sums of the counts of many reports are still numbers.
const COUNT_MAX: u64 = 1 << 53;
/// Hex digits of the hash of a directive's text.
const TEXT_DIGITS: usize = 8;
/// Hex digits of the hash of a file.
const FILE_DIGITS: usize = 64;

/// A contradiction of a report with itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum Unsound {
    #[error("no tier `{0}`, but counts of it")]
    NoTier(EngineName),
    #[error("{0}: the {1} counts are not those listed")]
    Counts(String, EngineName),
    #[error("{0}: directives listed for {1}, but no counts")]
    NoCounts(String, EngineName),
    #[error("{what}: {stated} is stated, and {derived} follows")]
    Sum {
        what: String,
        stated: u64,
        derived: u128,
    },
    #[error("{0}: {1} is more than a report can count")]
    TooLarge(String, u64),
    #[error("{0} is there twice, or out of order")]
    Twice(String),
    #[error("{0}: a time of {1} s")]
    Time(String, f64),
    #[error("`{0}` is not the id of a directive of a file of the report")]
    NoDirective(String),
    #[error("{0}: `{1}` does not belong there")]
    Misplaced(String, String),
    #[error("the account is {}, and the counts say otherwise", if *.0 { "closed" } else { "open" })]
    Closed(bool),
    #[error("the gate lacks {lacking} of what fails, and a baseline excuses {excused}")]
    GateLacks { lacking: u64, excused: u64 },
    #[error("the gate has `{0}`, which nothing in the report shows")]
    GateExtra(String),
}

type Checked = Result<(), Unsound>;

/// Refuses a report that contradicts itself.
///
/// # Errors
/// The first contradiction.
pub fn check(report: &Report) -> Checked {
    check_run(report)?;
    check_directives(report)?;
    check_listed(report)?;
    check_files(report)?;
    check_totals(report)?;
    check_proposals(report)?;
    check_texts(report)?;
    check_rest(report)?;
    report.shapes.as_ref().map_or(Ok(()), check_shapes)?;
    check_gate(report)
}

/// Refuses counts of an engine that do not sum up to the directives.
///
/// # Errors
/// If they do not.
pub fn check_counts(what: &str, counts: &Counts, directives: u64) -> Checked {
    is_sum(what, directives, total(counts))
}

fn total(counts: &Counts) -> u128 {
    let all = Status::ALL.into_iter();
    all.map(|status| u128::from(counts.of(status))).sum()
}

fn is_sum(what: &str, stated: u64, derived: u128) -> Checked {
    is_countable(what, stated)?;
    match u128::from(stated) == derived {
        true => Ok(()),
        false => Err(Unsound::Sum {
            what: what.to_string(),
            stated,
            derived,
        }),
    }
}

fn is_countable(what: &str, count: u64) -> Checked {
    match count <= COUNT_MAX {
        true => Ok(()),
        false => Err(Unsound::TooLarge(what.to_string(), count)),
    }
}

fn is_time(what: &str, seconds: f64) -> Checked {
    match seconds.is_finite() && seconds >= 0.0 {
        true => Ok(()),
        false => Err(Unsound::Time(what.to_string(), seconds)),
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit())
}

fn misplaced(place: &str, text: impl Into<String>) -> Unsound {
    Unsound::Misplaced(place.to_string(), text.into())
}

/// What is said of the run as a whole.
fn check_run(report: &Report) -> Checked {
    let run = &report.run;
    is_time("run", run.seconds)?;
    if let Some(part) = run.part {
        let has_room = report.files.len() as u64 <= part.files;
        if part.part == 0 || part.part > part.parts || !has_room {
            return Err(misplaced("run.part", part.to_string()));
        }
    }
    let Some(provenance) = &run.provenance else {
        return Ok(());
    };
    if provenance.command != shell::join(&provenance.words) {
        return Err(misplaced("run.provenance.command", &provenance.command));
    }
    if let Some(name) = provenance
        .engines
        .keys()
        .find(|it| !report.tiers.contains_key(it))
    {
        return Err(Unsound::NoTier(*name));
    }
    if let Some(input) = provenance
        .inputs
        .iter()
        .find(|it| !is_hex(&it.sha256, FILE_DIGITS))
    {
        return Err(misplaced(&input.path, &input.sha256));
    }
    if let Some(upstream) = &provenance.upstream {
        let paths: BTreeSet<&str> = report.files.iter().map(|it| it.path.as_str()).collect();
        let others = upstream.changed.iter().chain(&upstream.added);
        let mut seen = BTreeSet::new();
        for path in others {
            if !paths.contains(path.as_str()) || !seen.insert(path) {
                return Err(misplaced("run.provenance.upstream", path));
            }
        }
        let derived = report.files.len() - seen.len();
        is_sum(
            "run.provenance.upstream.equal",
            upstream.equal,
            derived as u128,
        )?;
    }
    Ok(())
}

/// Each file by itself.
fn check_files(report: &Report) -> Checked {
    let mut open: BTreeMap<(&str, &str), u128> = BTreeMap::new();
    for text in &report.accounting.open {
        let parts = text
            .split_once(' ')
            .and_then(|(tier, id)| Some((tier, id.rsplit_once('#')?)));
        let (tier, (file, _)) = parts.ok_or_else(|| misplaced("accounting.open", text))?;
        *open.entry((tier, file)).or_default() += 1;
    }
    let is_generated = report.generated.is_some();
    let mut paths = BTreeSet::new();
    for (index, file) in report.files.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .map(|before| &report.files[before].path);
        let is_in_order = is_generated || before.is_none_or(|before| *before < file.path);
        if !is_in_order || !paths.insert(&file.path) {
            return Err(Unsound::Twice(file.path.clone()));
        }
        is_time(&file.path, file.seconds)?;
        let digits = file.directives.saturating_mul(TEXT_DIGITS as u64);
        let is_told = file.texts.is_empty()
            || u64::try_from(file.texts.len()) == Ok(digits)
                && file.texts.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_told {
            return Err(misplaced(&file.path, "texts"));
        }
        if let Some(name) = file.counts.keys().find(|it| !report.tiers.contains_key(it)) {
            return Err(Unsound::NoTier(*name));
        }
        for (&tier, account) in &report.tiers {
            let counts = file.counts.get(&tier);
            let counts = counts.ok_or_else(|| Unsound::NoCounts(file.path.clone(), tier))?;
            let open = open
                .get(&(tier.name(), file.path.as_str()))
                .copied()
                .unwrap_or_default();
            let what = format!("{}: the directives in {tier}", file.path);
            is_sum(&what, file.directives, total(counts) + open)?;
            if !account.available && !is_generated && counts.not_run != file.directives {
                return Err(Unsound::Counts(file.path.clone(), tier));
            }
        }
    }
    Ok(())
}

/// Each listed directive by itself: it is of a file, at its place, and did not plainly pass.
fn check_directives(report: &Report) -> Checked {
    let files = report.files.iter().enumerate();
    let files: BTreeMap<&str, (usize, &FileAccount)> = files
        .map(|(index, file)| (file.path.as_str(), (index, file)))
        .collect();
    let mut before = None;
    for directive in &report.directives {
        let unknown = || Unsound::NoDirective(directive.id.clone());
        let &(index, file) = files.get(directive.file.as_str()).ok_or_else(unknown)?;
        let ordinal = ordinal(directive, file).ok_or_else(unknown)?;
        let place = Some((index, ordinal));
        if before >= place {
            return Err(Unsound::Twice(directive.id.clone()));
        }
        before = place;
        if let Some(tier) = directive
            .tiers
            .keys()
            .find(|it| !report.tiers.contains_key(it))
        {
            return Err(Unsound::NoTier(*tier));
        }
        let mut verdicts = directive.tiers.values();
        let is_shown = !directive.tiers.is_empty() || directive.agreement == Agreement::Diverge;
        if !is_shown || verdicts.any(|verdict| verdict.status.is_plain()) {
            return Err(misplaced("directives", &directive.id));
        }
    }
    Ok(())
}

/// The place of a directive in its file, if its id is one of the file's.
fn ordinal(directive: &DirectiveAccount, file: &FileAccount) -> Option<u64> {
    let rest = directive.id.strip_prefix(&file.path)?.strip_prefix('#')?;
    let (ordinal, hash) = rest.split_once('-')?;
    let ordinal: u64 = ordinal.parse().ok()?;
    if ordinal >= file.directives || !is_hex(hash, TEXT_DIGITS) {
        return None;
    }
    let at = usize::try_from(ordinal).ok()? * TEXT_DIGITS;
    let is_told = file
        .texts
        .get(at..at + TEXT_DIGITS)
        .is_none_or(|told| told == hash);
    is_told.then_some(ordinal)
}

/// The counts of files are those of the directives that are listed.
fn check_listed(report: &Report) -> Checked {
    let mut listed: BTreeMap<(&str, EngineName), Counts> = BTreeMap::new();
    for directive in &report.directives {
        for (&tier, verdict) in &directive.tiers {
            let counts = listed.entry((&directive.file, tier)).or_default();
            counts.add(verdict.status, 1);
        }
    }
    for file in &report.files {
        for (&tier, counts) in &file.counts {
            let account = report.tiers.get(&tier);
            let account = account.ok_or(Unsound::NoTier(tier))?;
            let mut expected = listed.remove(&(&file.path, tier)).unwrap_or_default();
            expected.pass = counts.pass;
            expected.compared = counts.compared;
            expected.other_text = counts.other_text;
            if account.available && *counts != expected {
                return Err(Unsound::Counts(file.path.clone(), tier));
            }
        }
    }
    match listed.keys().next() {
        Some((path, tier)) => Err(Unsound::NoCounts(path.to_string(), *tier)),
        None => Ok(()),
    }
}

/// The totals are the sums of the files.
fn check_totals(report: &Report) -> Checked {
    let accounting = &report.accounting;
    let directives = accounting.directives;
    is_countable("accounting.directives", directives)?;
    is_countable("accounting.judged_by_parser", accounting.judged_by_parser)?;
    if accounting.judged_by_parser > directives {
        return Err(misplaced("accounting", "judged_by_parser"));
    }
    let is_generated = report.generated.is_some();
    let of_files = report
        .files
        .iter()
        .map(|file| u128::from(file.directives))
        .sum();
    let is_part = is_generated && of_files <= u128::from(directives);
    if !is_part {
        is_sum("accounting.directives", directives, of_files)?;
    }
    for (&tier, account) in &report.tiers {
        for status in Status::ALL {
            let of_file = |file: &FileAccount| file.counts.get(&tier).map_or(0, |it| it.of(status));
            let derived = report
                .files
                .iter()
                .map(|file| u128::from(of_file(file)))
                .sum();
            let stated = account.counts.of(status);
            let is_part = is_generated && derived <= u128::from(stated);
            if !is_part {
                is_sum(&format!("{tier}: {}", status.name()), stated, derived)?;
            }
        }
    }
    let is_closed =
        |account: &TierAccount| total(&account.counts) == u128::from(accounting.directives);
    let closed = report.tiers.values().all(is_closed);
    if accounting.closed != closed || closed != accounting.open.is_empty() {
        return Err(Unsound::Closed(accounting.closed));
    }
    let agreement = &report.agreement;
    let counted = [
        agreement.agree,
        agreement.diverge,
        agreement.poisoned,
        agreement.not_comparable,
    ];
    is_sum(
        "agreement",
        directives,
        counted.map(u128::from).iter().sum(),
    )?;
    let is_diverging = |it: &&DirectiveAccount| it.agreement == Agreement::Diverge;
    let diverging = report.directives.iter().filter(is_diverging).count();
    is_sum("agreement.diverge", agreement.diverge, diverging as u128)
}

/// The accounts of proposals are the sums of their files.
fn check_proposals(report: &Report) -> Checked {
    let of_all = report
        .proposals
        .values()
        .map(|it| u128::from(it.directives))
        .sum();
    is_sum(
        "the directives of all proposals",
        report.accounting.directives,
        of_all,
    )?;
    for (tier, account) in &report.tiers {
        for status in Status::ALL {
            let accounts = report.proposals.values();
            let counts =
                accounts.filter_map(|it| Some(u128::from(it.counts.get(tier)?.of(status))));
            let what = format!("{tier}: {} of all proposals", status.name());
            is_sum(&what, account.counts.of(status), counts.sum())?;
        }
    }
    let is_told = report.files.iter().all(|file| file.proposal.is_some());
    for (name, account) in &report.proposals {
        if let Some(tier) = account
            .counts
            .keys()
            .find(|it| !report.tiers.contains_key(it))
        {
            return Err(Unsound::NoTier(*tier));
        }
        if report.generated.is_some() || !is_told {
            continue;
        }
        let files = || {
            report
                .files
                .iter()
                .filter(|it| it.proposal.as_ref() == Some(name))
        };
        let directives = files().map(|file| u128::from(file.directives)).sum();
        is_sum(
            &format!("{name}: directives"),
            account.directives,
            directives,
        )?;
        for (tier, counts) in &account.counts {
            for status in Status::ALL {
                let of_file =
                    |file: &FileAccount| file.counts.get(tier).map_or(0, |it| it.of(status));
                let derived = files().map(|file| u128::from(of_file(file))).sum();
                let what = format!("{name}: {tier}: {}", status.name());
                is_sum(&what, counts.of(status), derived)?;
            }
        }
    }
    Ok(())
}

/// The directives with other texts than the suite's: files, proposals and the texts say the same
/// number of each engine.
fn check_texts(report: &Report) -> Checked {
    let mut before = None;
    for account in &report.texts {
        let key = Some(account.key());
        if before >= key {
            return Err(Unsound::Twice(account.actual.clone()));
        }
        before = key;
        let tiers = &account.counts;
        if let Some(tier) = tiers.keys().find(|it| !report.tiers.contains_key(it)) {
            return Err(Unsound::NoTier(*tier));
        }
    }
    for (tier, account) in &report.tiers {
        let counts = &account.counts;
        if counts.other_text > counts.pass {
            return Err(misplaced(tier.name(), "other_text"));
        }
        let of_texts = report.texts.iter().map(|it| it.counts.get(tier));
        let of_proposals = report.proposals.values().map(|it| it.counts.get(tier));
        let of_proposals = of_proposals.map(|it| it.map(|counts| &counts.other_text));
        let of_files = report.files.iter().map(|it| it.counts.get(tier));
        let of_files = of_files.map(|it| it.map(|counts| &counts.other_text));
        let sum = |counts: &mut dyn Iterator<Item = Option<&u64>>| {
            counts.flatten().map(|&count| u128::from(count)).sum()
        };
        let stated = counts.other_text;
        let sums = [
            ("texts", sum(&mut of_texts.into_iter())),
            ("proposals", sum(&mut of_proposals.into_iter())),
            ("files", sum(&mut of_files.into_iter())),
        ];
        for (what, derived) in sums {
            is_sum(
                &format!("{tier}: other texts of all {what}"),
                stated,
                derived,
            )?;
        }
    }
    Ok(())
}

/// Proofs, incidents and repeats.
fn check_rest(report: &Report) -> Checked {
    for (tier, account) in &report.tiers {
        is_time(tier.name(), account.seconds)?;
        check_proof(tier.name(), &account.proof)?;
        if account.available == account.reason.is_some() {
            return Err(misplaced(tier.name(), "reason"));
        }
    }
    let mut incidents = report.incidents.iter();
    if let Some(incident) = incidents.find(|it| !report.tiers.contains_key(&it.tier)) {
        return Err(Unsound::NoTier(incident.tier));
    }
    for unsteady in report.repeats.iter().flat_map(|it| &it.differing) {
        let runs = report.repeats.as_ref().map_or(0, |it| it.runs);
        let endings = unsteady.endings.values();
        is_sum(
            &unsteady.id,
            runs,
            endings.map(|&count| u128::from(count)).sum(),
        )?;
    }
    Ok(())
}

fn check_proof(what: &str, proof: &Proof) -> Checked {
    let tiered = proof.tiered.iter().flat_map(|it| {
        let counts = [
            it.interpreted,
            it.entered_interpreter,
            it.loops_compiled,
            it.loops_entered,
        ];
        counts.into_iter().chain(it.kept.values().copied())
    });
    let counts = [proof.functions, proof.compiled, proof.entered].into_iter();
    let mut counts = counts
        .chain(proof.ops_via_helper.values().copied())
        .chain(tiered);
    counts.try_for_each(|count| is_countable(what, count))?;
    match proof.tiered.is_none() && proof.compiled > proof.functions {
        true => Err(misplaced(
            what,
            format!("{} functions compiled", proof.compiled),
        )),
        false => Ok(()),
    }
}

/// The account of operand shapes.
fn check_shapes(shapes: &ShapesAccount) -> Checked {
    is_time("shapes", shapes.seconds)?;
    let variants = shapes.variants;
    let of_shapes = shapes
        .shapes
        .values()
        .map(|it| u128::from(it.variants))
        .sum();
    is_sum("shapes.variants", variants, of_shapes)?;
    let agreement = &shapes.agreement;
    let counted = [
        agreement.agree,
        agreement.diverge,
        agreement.poisoned,
        agreement.not_comparable,
    ];
    is_sum(
        "shapes.agreement",
        variants,
        counted.map(u128::from).iter().sum(),
    )?;
    let mut closed = true;
    for (&tier, account) in &shapes.tiers {
        check_proof(tier.name(), &account.proof)?;
        closed &= total(&account.counts) == u128::from(variants);
        for status in Status::ALL {
            let of_shapes = shapes.shapes.values();
            let of_shapes = of_shapes.filter_map(|it| it.tiers.get(&tier));
            let derived = of_shapes.map(|counts| u128::from(counts.of(status))).sum();
            if account.available {
                let what = format!("shapes: {tier}: {}", status.name());
                is_sum(&what, account.counts.of(status), derived)?;
            }
        }
    }
    let left_out = shapes.not_applicable.values().map(|&it| u128::from(it));
    let used = u128::from(shapes.applicable) + left_out.sum::<u128>();
    closed &= used == u128::from(shapes.assertions);
    if closed != shapes.closed {
        return Err(Unsound::Closed(shapes.closed));
    }
    for (name, shape) in &shapes.shapes {
        let listed = shapes
            .failures
            .iter()
            .filter(|it| it.shape == *name)
            .count();
        is_sum(
            &format!("shapes: {name}: listed"),
            shape.listed,
            listed as u128,
        )?;
    }
    Ok(())
}

/// What fails a run, by what it says: directive, tier and status.
type Failure<'a> = (&'a str, Option<EngineName>, &'a str);

/// The gate has all that fails, but what a baseline excuses, and nothing else.
fn check_gate(report: &Report) -> Checked {
    let mut failures: BTreeMap<Failure<'_>, i64> = BTreeMap::new();
    let mut add = |failure| *failures.entry(failure).or_default() += 1;
    let of_directives = report.directives.iter();
    let of_directives = of_directives.map(|it| (it.id.as_str(), &it.tiers, it.agreement));
    let of_shapes = report.shapes.iter().flat_map(|it| &it.failures);
    let of_shapes = of_shapes.map(|it| (it.id.as_str(), &it.tiers, it.agreement));
    for (id, tiers, agreement) in of_directives.chain(of_shapes) {
        let failing = tiers
            .iter()
            .filter(|(_, verdict)| verdict.status.is_failing());
        failing.for_each(|(&tier, verdict)| add((id, Some(tier), verdict.status.name())));
        if agreement == Agreement::Diverge {
            add((id, None, agreement.name()));
        }
    }
    for incident in report.incidents.iter().filter(|it| it.is_failing()) {
        let id = incident.id.as_deref().unwrap_or(&incident.file);
        add((id, Some(incident.tier), incident.kind.name()));
    }
    let known: BTreeSet<_> = failures.keys().map(|&(id, tier, _)| (id, tier)).collect();
    let unsteady = report.repeats.iter().flat_map(|it| &it.differing);
    let unsteady = unsteady.map(|it| (it.id.as_str(), it.tier));
    for (id, tier) in unsteady.filter(|it| !known.contains(it)) {
        *failures.entry((id, tier, UNSTEADY)).or_default() += 1;
    }
    for Regression { id, tier, what } in &report.gate.regressions {
        let left = failures.get_mut(&(id.as_str(), *tier, what.as_str()));
        match left.filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => return Err(Unsound::GateExtra(format!("{what} {id}"))),
        }
    }
    let lacking = failures.values().sum::<i64>().unsigned_abs();
    let excused = report.gate.baseline.as_ref().map_or(0, |it| it.excused);
    match lacking == excused {
        true => Ok(()),
        false => Err(Unsound::GateLacks { lacking, excused }),
    }
}
