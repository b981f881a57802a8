//! The symptom of a fault: the first directive of a script on which something is wrong, the kind of
//! difference, and the engines that are alone.
//!
//! Findings are told apart, kept and made small by it: a script that is changed still shows the
//! same finding if its first difference is of the same kind and in the same engines.

use std::collections::BTreeSet;
use std::fmt;

use super::compare::{Entry, alike_in_place, by_outcome, by_state, by_visible_state};
use super::judged::JudgedFile;
use super::verdict::{Agreement, Status};
use crate::engine::EngineName;
use crate::outcome::text::ending;
use crate::outcome::{Outcome, Report};

/// The first directive of a script on which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// The directive.
    pub ordinal: usize,
    /// What is wrong with it.
    pub kind: SymptomKind,
    /// The engines that are fewer, or that are not the reference.
    pub odd: BTreeSet<EngineName>,
    /// In what engines differ, or why one failed, in a line.
    pub text: String,
}

impl Symptom {
    /// True if the other one may have the same cause: the kind and the engines are the same.
    pub fn is_like(&self, other: &Symptom) -> bool {
        self.kind == other.kind && self.odd == other.odd
    }
}

/// What is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymptomKind {
    /// A worker died.
    Crash,
    /// A directive did not end in time.
    Timeout,
    /// All return, with different values.
    Values,
    /// They end differently; the endings, traps by their messages.
    Endings(BTreeSet<String>),
    /// They end alike at different instructions.
    Place,
    /// They end alike and leave different states.
    State,
    /// An engine fails, and no two engines differ; the class of its ending.
    Failure(String),
}

impl SymptomKind {
    /// True if a worker died over the directive, or was ended.
    pub fn is_death(&self) -> bool {
        match self {
            SymptomKind::Crash | SymptomKind::Timeout => true,
            SymptomKind::Values
            | SymptomKind::Endings(_)
            | SymptomKind::Place
            | SymptomKind::State
            | SymptomKind::Failure(_) => false,
        }
    }
}

impl fmt::Display for SymptomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymptomKind::Crash => f.write_str("crash"),
            SymptomKind::Timeout => f.write_str("timeout"),
            SymptomKind::Values => f.write_str("values"),
            SymptomKind::Endings(endings) => {
                let endings: Vec<&str> = endings.iter().map(String::as_str).collect();
                write!(f, "endings ({})", endings.join(" / "))
            }
            SymptomKind::Place => f.write_str("place"),
            SymptomKind::State => f.write_str("state"),
            SymptomKind::Failure(ending) => write!(f, "failure ({ending})"),
        }
    }
}

/// The first difference of a file that was judged; `reports` gives what an engine reported for each
/// directive.
pub fn first_symptom<'a>(
    file: &JudgedFile,
    reports: &[(EngineName, &'a [Report])],
) -> Option<Symptom> {
    (0..file.directives.len()).find_map(|ordinal| {
        let of =
            |(name, reports): &(EngineName, &'a [Report])| Some((*name, reports.get(ordinal)?));
        let entries: Vec<Entry<'a>> = reports.iter().filter_map(of).collect();
        symptom(file, ordinal, &entries)
    })
}

fn symptom(file: &JudgedFile, ordinal: usize, entries: &[Entry<'_>]) -> Option<Symptom> {
    let (agreement, diff) = file.comparisons.get(ordinal)?;
    let failing: Vec<(EngineName, Status, &str)> = failing(file, ordinal);
    let with = |wanted: Status| {
        let names = failing.iter().filter(|(_, status, _)| *status == wanted);
        names.map(|it| it.0).collect::<BTreeSet<EngineName>>()
    };
    let deaths = [
        (Status::Crash, SymptomKind::Crash),
        (Status::Timeout, SymptomKind::Timeout),
    ];
    let mut deaths = deaths.into_iter();
    let death = deaths.find(|(status, _)| !with(*status).is_empty());
    let is_shown = |status: Status| death.as_ref().is_none_or(|death| status == death.0);
    let shown = failing.iter().find(|it| is_shown(it.1));
    let text = match (agreement, shown) {
        (Agreement::Diverge, _) => diff.to_string(),
        (_, Some((name, _, detail))) => format!("{name}: {detail}"),
        (_, None) => return None,
    };
    let (kind, odd) = if let Some((status, kind)) = death {
        (kind, with(status))
    } else if agreement == Agreement::Diverge {
        divergence(entries)
    } else {
        let odd: BTreeSet<EngineName> = failing.iter().map(|it| it.0).collect();
        let endings = entries.iter().filter(|entry| odd.contains(&entry.0));
        let endings: BTreeSet<&str> = endings.map(|entry| ending(&entry.1.outcome)).collect();
        let endings: Vec<&str> = endings.into_iter().collect();
        (SymptomKind::Failure(endings.join(" / ")), odd)
    };
    Some(Symptom {
        ordinal,
        kind,
        odd,
        text,
    })
}

/// The engines that fail, with their statuses and the details.
fn failing(file: &JudgedFile, ordinal: usize) -> Vec<(EngineName, Status, &str)> {
    let verdicts = file.verdicts.iter();
    let verdicts = verdicts.filter_map(|(&name, verdicts)| Some((name, verdicts.get(ordinal)?)));
    let failing = verdicts.filter(|(_, verdict)| verdict.status.has_failed());
    failing
        .map(|(name, verdict)| (name, verdict.status, verdict.detail.as_str()))
        .collect()
}

/// The kind of a divergence, and the engines that are alone.
fn divergence(entries: &[Entry<'_>]) -> (SymptomKind, BTreeSet<EngineName>) {
    let by_outcome = by_outcome(entries);
    if by_outcome.len() > 1 {
        let endings: BTreeSet<String> = by_outcome
            .iter()
            .map(|group| ending_text(&group[0].1.outcome))
            .collect();
        let kind = match endings.len() {
            1 => SymptomKind::Values,
            _ => SymptomKind::Endings(endings),
        };
        return (kind, odd(&by_outcome));
    }
    let by_place = alike_in_place(entries);
    if by_place.len() > 1 {
        return (SymptomKind::Place, odd(&by_place));
    }
    let with_state = entries.iter().filter(|entry| entry.1.state.is_some());
    let by_state = by_state(&with_state.copied().collect::<Vec<_>>());
    match by_state.len() {
        // What engines of other makers show is all that is known of their state.
        0 | 1 => (SymptomKind::State, odd(&by_visible_state(entries))),
        _ => (SymptomKind::State, odd(&by_state)),
    }
}

/// An ending as kinds of differences name it.
fn ending_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Trap(message) => format!("trap: {message}"),
        other => ending(other).to_string(),
    }
}

/// The engines outside of the largest group; of several that are as large, the one with the first
/// engine counts as the largest.
fn odd(groups: &[Vec<Entry<'_>>]) -> BTreeSet<EngineName> {
    let least = |group: &Vec<Entry<'_>>| group.iter().map(|entry| entry.0).min();
    let key = |group: &&Vec<Entry<'_>>| (std::cmp::Reverse(group.len()), least(group));
    let common = groups.iter().min_by_key(key).and_then(least);
    let odd = groups.iter().filter(|group| least(group) != common);
    odd.flatten().map(|entry| entry.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::visible::VisibleItem;

    /// The engine whose exports show another state is the odd one, though nothing else is known.
    #[test]
    fn a_state_that_is_only_shown_names_its_engine() {
        let other: EngineName = "other".parse().expect("a name");
        let shows = |digest| Report {
            visible: vec![VisibleItem {
                name: "m".to_string(),
                digest,
            }],
            ..Report::from(Outcome::Values(Vec::new()))
        };
        let [ours, theirs] = [shows(1), shows(2)];
        let entries = [
            (EngineName::STACK, &ours),
            (EngineName::REGISTER, &ours),
            (other, &theirs),
        ];
        let found = divergence(&entries);
        assert_eq!(found, (SymptomKind::State, BTreeSet::from([other])));
    }
}
