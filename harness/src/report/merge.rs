//! The report of a whole, put together from those of its parts (`--partition`).
//!
//! Every part must be there once, and all must be of the same: version, suite, selection, engines,
//! settings and host. What does not fit is refused, so that no shard that was lost passes.

use std::collections::{BTreeMap, BTreeSet};

use super::provenance::Provenance;
use super::texts::Texts;
use super::{AgreementCounts, PartAccount, Report, Run};

/// The reason why reports are not the parts of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum NotOneRun {
    #[error("no reports are given")]
    Nothing,
    #[error("{0} is not of a part: it was run without --partition")]
    NotAPart(String),
    #[error("{name} differs from {first} in its {what}")]
    Mismatch {
        name: String,
        first: String,
        what: &'static str,
    },
    #[error("{name} and {other} are both part {part}")]
    Duplicate {
        name: String,
        other: String,
        part: u64,
    },
    #[error("of {parts} parts there is no part {part}")]
    Missing { part: u64, parts: u64 },
    #[error("{0} is partial: its run did not come to its end")]
    Partial(String),
    #[error("{0} has operand shapes, generated programs or repeats, which are not put together")]
    Unmergeable(String),
    #[error("{path} is in {name} and in another part")]
    FileTwice { path: String, name: String },
    #[error("the parts have {found} files together, and {expected} were chosen")]
    Files { found: u64, expected: u64 },
}

/// Puts reports together, each with its name for messages.
///
/// # Errors
/// If they are not all parts of one run.
pub fn merge(parts: &[(String, Report)]) -> Result<Report, NotOneRun> {
    let Some((first_name, first)) = parts.first() else {
        return Err(NotOneRun::Nothing);
    };
    let mut by_part: BTreeMap<u64, &str> = BTreeMap::new();
    for (name, report) in parts {
        let part = report.run.part;
        let part = part.ok_or_else(|| NotOneRun::NotAPart(name.clone()))?;
        if let Some(what) = difference(first, report) {
            let (name, first) = (name.clone(), first_name.clone());
            return Err(NotOneRun::Mismatch { name, first, what });
        }
        if report.run.interrupted || !report.accounting.closed {
            return Err(NotOneRun::Partial(name.clone()));
        }
        if report.shapes.is_some() || report.generated.is_some() || report.repeats.is_some() {
            return Err(NotOneRun::Unmergeable(name.clone()));
        }
        if let Some(other) = by_part.insert(part.part, name) {
            return Err(NotOneRun::Duplicate {
                name: name.clone(),
                other: other.to_string(),
                part: part.part,
            });
        }
    }
    let PartAccount {
        parts: count,
        files,
        ..
    } = first
        .run
        .part
        .ok_or_else(|| NotOneRun::NotAPart(first_name.clone()))?;
    if let Some(part) = (1..=count).find(|part| !by_part.contains_key(part)) {
        return Err(NotOneRun::Missing { part, parts: count });
    }
    let mut whole = first.clone();
    let mut seen: BTreeSet<String> = first.files.iter().map(|it| it.path.clone()).collect();
    for (name, report) in &parts[1..] {
        let twice = report
            .files
            .iter()
            .find(|file| !seen.insert(file.path.clone()));
        if let Some(file) = twice {
            let (path, name) = (file.path.clone(), name.clone());
            return Err(NotOneRun::FileTwice { path, name });
        }
        add(&mut whole, report);
    }
    let found = whole.files.len() as u64;
    if found != files {
        return Err(NotOneRun::Files {
            found,
            expected: files,
        });
    }
    whole.run.selection = first.run.selection_of_all_parts();
    whole.run.part = None;
    if let Some(provenance) = &mut whole.run.provenance {
        provenance.leave_out("--partition");
    }
    whole.files.sort_by(|a, b| a.path.cmp(&b.path));
    // The directives of a file stay in their order.
    whole.directives.sort_by(|a, b| a.file.cmp(&b.file));
    let file = |id: &str| id.rsplit_once('#').map(|(file, _)| file.to_string());
    whole.gate.regressions.sort_by_key(|it| file(&it.id));
    Ok(whole)
}

/// The first fact in which two reports are not of the same run.
fn difference(one: &Report, other: &Report) -> Option<&'static str> {
    let (a, b) = (&one.run, &other.run);
    let of_parts = |part: Option<PartAccount>| part.map(|it| (it.dealing, it.parts, it.files));
    let baseline = |report: &Report| report.gate.baseline.as_ref().map(|it| it.file.clone());
    let engines = |report: &Report| report.tiers.keys().copied().collect::<Vec<_>>();
    let facts = [
        ("version", a.version == b.version),
        (
            "build",
            of_provenance(a, |it| it.build.clone()) == of_provenance(b, |it| it.build.clone()),
        ),
        (
            "expectations or other inputs",
            of_provenance(a, |it| it.inputs.clone()) == of_provenance(b, |it| it.inputs.clone()),
        ),
        (
            "engines' versions",
            of_provenance(a, |it| it.engines.clone()) == of_provenance(b, |it| it.engines.clone()),
        ),
        (
            "suite",
            a.suite == b.suite && a.suite_revision == b.suite_revision,
        ),
        ("partition", of_parts(a.part) == of_parts(b.part)),
        (
            "selection",
            a.selection_of_all_parts() == b.selection_of_all_parts(),
        ),
        ("host", a.host == b.host),
        (
            "settings",
            a.settings() == b.settings() && a.state_compared == b.state_compared,
        ),
        ("options", a.repeat_with == b.repeat_with),
        ("engines", engines(one) == engines(other)),
        (
            "gate",
            one.gate.state == other.gate.state && baseline(one) == baseline(other),
        ),
    ];
    facts
        .into_iter()
        .find(|(_, is_same)| !is_same)
        .map(|(what, _)| what)
}

/// A fact of a run's provenance, if it has one.
fn of_provenance<T>(run: &Run, fact: impl Fn(&Provenance) -> T) -> Option<T> {
    run.provenance.as_ref().map(fact)
}

/// Adds a further part.
fn add(whole: &mut Report, part: &Report) {
    whole.run.seconds += part.run.seconds;
    whole.run.jobs = whole.run.jobs.max(part.run.jobs);
    whole.accounting.directives += part.accounting.directives;
    whole.accounting.judged_by_parser += part.accounting.judged_by_parser;
    for (tier, account) in &part.tiers {
        if let Some(known) = whole.tiers.get_mut(tier) {
            known.counts.add_all(&account.counts);
            known.proof.add(&account.proof);
            known.seconds += account.seconds;
            known.available &= account.available;
            known.reason = known.reason.take().or_else(|| account.reason.clone());
        }
    }
    let AgreementCounts {
        agree,
        diverge,
        poisoned,
        not_comparable,
    } = part.agreement;
    whole.agreement.agree += agree;
    whole.agreement.diverge += diverge;
    whole.agreement.poisoned += poisoned;
    whole.agreement.not_comparable += not_comparable;
    for (name, account) in &part.proposals {
        let known = whole.proposals.entry(name.clone()).or_default();
        known.directives += account.directives;
        for (tier, counts) in &account.counts {
            known.counts.entry(*tier).or_default().add_all(counts);
        }
    }
    let upstream = |run: &Run| run.provenance.as_ref()?.upstream.clone();
    let known = whole.run.provenance.as_mut();
    let known = known.and_then(|it| it.upstream.as_mut());
    if let (Some(known), Some(more)) = (known, upstream(&part.run)) {
        known.add(&more);
    }
    whole.files.extend_from_slice(&part.files);
    whole.directives.extend_from_slice(&part.directives);
    whole.incidents.extend_from_slice(&part.incidents);
    let mut texts = Texts::from(std::mem::take(&mut whole.texts));
    texts.add_all(&part.texts);
    whole.texts = texts.accounts();
    whole
        .gate
        .regressions
        .extend_from_slice(&part.gate.regressions);
    if let (Some(known), Some(more)) = (&mut whole.gate.baseline, &part.gate.baseline) {
        known.excused += more.excused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::judged::JudgedFile;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::report::samples::{file, report};
    use crate::suite::select::partition::Dealing;

    fn files() -> [JudgedFile; 3] {
        ["a.wast", "b.wast", "c.wast"]
            .map(|path| file(path, &["(a)", "(b)"], &[(EngineName::STACK, &[Pass, Fail])]))
    }

    fn part(part: u64, files: &[JudgedFile]) -> (String, Report) {
        let mut report = report(&[EngineName::STACK], files);
        let account = PartAccount {
            dealing: Dealing::Slice,
            part,
            parts: 2,
            files: 3,
        };
        report.run.selection = Some(format!("--exclude x {account}"));
        report.run.part = Some(account);
        (format!("{part}.json"), report)
    }

    fn parts() -> Vec<(String, Report)> {
        let [a, b, c] = files();
        vec![part(1, &[a, c]), part(2, &[b])]
    }

    #[test]
    fn parts_make_the_report_of_the_whole() {
        let mut whole = report(&[EngineName::STACK], &files());
        whole.run.selection = Some("--exclude x".to_string());
        let mut merged = merge(&parts()).expect("parts of one");
        merged.run.seconds = whole.run.seconds;
        assert_eq!(merged, whole);
        let mut reversed = parts();
        reversed.reverse();
        let mut merged = merge(&reversed).expect("parts of one");
        merged.run.seconds = whole.run.seconds;
        assert_eq!(merged, whole);
    }

    #[test]
    fn what_is_incomplete_double_or_of_another_run_is_refused() {
        assert_eq!(merge(&[]), Err(NotOneRun::Nothing));
        let changed = |change: fn(&mut Vec<(String, Report)>)| {
            let mut parts = parts();
            change(&mut parts);
            merge(&parts).expect_err("refused").to_string()
        };
        type Spoil = fn(&mut Vec<(String, Report)>);
        let cases: [(Spoil, &str); 13] = [
            (|it| drop(it.pop()), "of 2 parts there is no part 2"),
            (|it| it.push(it[0].clone()), "are both part 1"),
            (|it| it[1].1.run.part = None, "2.json is not of a part"),
            (
                |it| it[1].1.run.suite_revision = "xxh3:1".to_string(),
                "in its suite",
            ),
            (|it| it[1].1.run.version = "9".to_string(), "in its version"),
            (|it| it[1].1.run.modes.fuel = true, "in its settings"),
            (|it| it[1].1.run.host = "x".to_string(), "in its host"),
            (|it| it[1].1.run.selection = None, "in its selection"),
            (|it| it[1].1.tiers.clear(), "in its engines"),
            (|it| it[1].1.run.interrupted = true, "2.json is partial"),
            (
                |it| it[1].1.files = it[0].1.files.clone(),
                "is in 2.json and in another part",
            ),
            (
                |it| it[1].1.files.clear(),
                "2 files together, and 3 were chosen",
            ),
            (|it| it[1].1.accounting.closed = false, "2.json is partial"),
        ];
        for (change, part) in cases {
            let error = changed(change);
            assert!(error.contains(part), "{error}");
        }
    }
}
