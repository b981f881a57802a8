//! The operand shapes of two reports: which variants fail in one of them only.
//!
//! A variant that is not listed passed, or was not made; so one that fails only in NEW did worse,
//! and one that fails only in BASE is fixed if its file is the same. What a cut list leaves out
//! cannot be told, and is said.

use std::collections::{BTreeMap, BTreeSet};

use super::{CRITICAL, Change, Line, Outcome};
use crate::engine::EngineName;
use crate::judge::verdict::Agreement;
use crate::report::Report;
use crate::report::shapes::{ShapesAccount, VariantAccount};

/// A failing variant in a tier, or the divergence of its tiers.
type Failing<'a> = BTreeMap<(&'a str, Option<EngineName>), &'a VariantAccount>;

pub(super) fn compare(
    base: &Report,
    new: &Report,
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    let (before, after) = match (&base.shapes, &new.shapes) {
        (Some(before), Some(after)) => (before, after),
        (None, None) => return,
        (Some(_), None) => return outcome.notes.push(only("BASE")),
        (None, Some(_)) => return outcome.notes.push(only("NEW")),
    };
    for (name, account) in [("BASE", before), ("NEW", after)] {
        note(name, account, outcome);
    }
    let (was, is) = (failing(before, tiers), failing(after, tiers));
    for (&key, variant) in is.iter().filter(|(key, _)| !was.contains_key(key)) {
        outcome.lines.push(line(Change::Broken, key, variant));
    }
    for (&key, variant) in was.iter().filter(|(key, _)| !is.contains_key(key)) {
        let same = |report: &Report| {
            let mut files = report.files.iter();
            let file = files.find(|file| file.path == variant.file);
            file.map(|file| file.sha256.clone())
        };
        if same(base) == same(new) {
            outcome.lines.push(line(Change::Fixed, key, variant));
        }
    }
}

fn only(name: &str) -> String {
    format!("operand shapes are not compared: {name} alone has them")
}

/// Notes what a reader of a report's shapes must know.
fn note(name: &str, account: &ShapesAccount, outcome: &mut Outcome) {
    if !account.closed {
        outcome.unmeasured = true;
        let note = format!("the operand shapes of {name} are not closed");
        outcome.notes.push(note);
    }
    if account.unlisted > 0 {
        let unlisted = account.unlisted;
        let note =
            format!("{unlisted} failing operand shapes of {name} are not compared: not listed");
        outcome.notes.push(note);
    }
}

fn failing<'a>(account: &'a ShapesAccount, tiers: &BTreeSet<EngineName>) -> Failing<'a> {
    let mut failing = Failing::new();
    for variant in &account.failures {
        let in_tiers = variant.tiers.keys().filter(|tier| tiers.contains(tier));
        let diverges = variant.agreement == Agreement::Diverge;
        let what = in_tiers
            .map(|&tier| Some(tier))
            .chain(diverges.then_some(None));
        failing.extend(what.map(|tier| ((variant.id.as_str(), tier), variant)));
    }
    failing
}

fn line(change: Change, (id, tier): (&str, Option<EngineName>), variant: &VariantAccount) -> Line {
    let what = match tier.and_then(|tier| variant.tiers.get(&tier)) {
        Some(verdict) => verdict.detail.clone(),
        None => variant.diff.clone().unwrap_or_default(),
    };
    let status = tier.and_then(|tier| Some(variant.tiers.get(&tier)?.status));
    let severity = match (change, status) {
        (Change::Fixed, _) => None,
        (change, Some(status)) => change.severity(status),
        (_, None) => CRITICAL,
    };
    Line {
        change,
        tier,
        severity,
        is_allowed: false,
        id: id.to_string(),
        place: format!("{}:{}", variant.file, variant.line),
        text: format!("as {}: {what}", variant.shape),
    }
}
