//! Runs of the same: the directives that did not end alike in all of them.
//!
//! Compared are accounts and what happened, and the agreement of the engines, of all that a report
//! lists. What plainly passes in each run is the same to a report.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DirectiveAccount, Regression, Report};
use crate::engine::EngineName;

/// The word for a directive that differs between repeats, in the list of a gate.
pub const UNSTEADY: &str = "unsteady";

/// The account of repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatsAccount {
    /// The number of runs.
    pub runs: u64,
    /// What differs between them, in the order of files and directives.
    pub differing: Vec<Unsteady>,
}

/// A directive that did not end alike in all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsteady {
    /// The directive.
    pub id: String,
    /// Its line.
    pub line: u32,
    /// The engine; null for the agreement of engines.
    pub tier: Option<EngineName>,
    /// The endings, each with the number of runs that had it.
    pub endings: BTreeMap<String, u64>,
}

/// What is compared of a directive: its place, and an engine or the agreement.
type Key = (String, u32, u32, String, Option<EngineName>);

/// Runs of the same that are counted.
#[derive(Clone, Debug)]
pub struct Repeats {
    runs: u64,
    endings: BTreeMap<Key, BTreeMap<String, u64>>,
}

/// The ending of what a report does not list.
const PASS: &str = "pass";

impl Repeats {
    /// The first run.
    pub fn new(report: &Report) -> Repeats {
        let mut repeats = Repeats {
            runs: 0,
            endings: BTreeMap::new(),
        };
        repeats.add(report);
        repeats
    }

    /// Adds a further run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        for directive in &report.directives {
            let diff = directive.diff.as_deref().unwrap_or("agree");
            self.count(directive, None, diff.to_string());
            for (&tier, verdict) in &directive.tiers {
                let text = match verdict.detail.is_empty() {
                    true => verdict.actual.clone(),
                    false => format!("{}, {}", verdict.detail, verdict.actual),
                };
                let name = verdict.status.name();
                self.count(directive, Some(tier), format!("{name}: {text}"));
            }
        }
    }

    fn count(&mut self, directive: &DirectiveAccount, tier: Option<EngineName>, ending: String) {
        let DirectiveAccount {
            file,
            line,
            column,
            id,
            ..
        } = directive;
        let key = (file.clone(), *line, *column, id.clone(), tier);
        *self
            .endings
            .entry(key)
            .or_default()
            .entry(ending)
            .or_default() += 1;
    }

    fn account(self) -> RepeatsAccount {
        let runs = self.runs;
        let differing = self.endings.into_iter().filter_map(|(key, mut endings)| {
            let (_, line, _, id, tier) = key;
            let listed: u64 = endings.values().sum();
            if listed < runs {
                let rest = if tier.is_some() { PASS } else { "agree" };
                *endings.entry(rest.to_string()).or_default() += runs - listed;
            }
            (endings.len() > 1).then_some(Unsteady {
                id,
                line,
                tier,
                endings,
            })
        });
        RepeatsAccount {
            runs,
            differing: differing.collect(),
        }
    }
}

impl Report {
    /// Adds what differs between this run, the first, and its repeats; that fails the run.
    pub fn add_repeats(&mut self, repeats: Repeats) {
        let account = repeats.account();
        let known: BTreeSet<(&str, Option<EngineName>)> = self
            .gate
            .regressions
            .iter()
            .map(|it| (it.id.as_str(), it.tier))
            .collect();
        let unknown = account
            .differing
            .iter()
            .filter(|it| !known.contains(&(&it.id, it.tier)));
        let regression = |it: &Unsteady| Regression {
            id: it.id.clone(),
            tier: it.tier,
            what: UNSTEADY.to_string(),
        };
        let regressions: Vec<Regression> = unknown.map(regression).collect();
        self.gate.regressions.extend(regressions);
        self.repeats = Some(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::Status::{Fail, Pass, Xfail};
    use crate::report::samples::{file, report};

    #[test]
    fn what_differs_between_repeats_is_named_and_fails() {
        let of = |statuses: [_; 3]| {
            let a = file(
                "a.wast",
                &["(a)", "(b)", "(c)"],
                &[(EngineName::STACK, &statuses)],
            );
            report(&[EngineName::STACK], &[a])
        };
        let mut first = of([Pass, Fail, Xfail]);
        let mut repeats = Repeats::new(&first);
        repeats.add(&of([Pass, Fail, Xfail]));
        assert_eq!(repeats.clone().account().differing, []);
        repeats.add(&of([Fail, Fail, Pass]));
        first.add_repeats(repeats);
        let account = first.repeats.as_ref().expect("an account");
        assert_eq!(account.runs, 3);
        let ids: Vec<&str> = account.differing.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), 2, "{ids:?}");
        assert!(ids[0].starts_with("a.wast#0") && ids[1].starts_with("a.wast#2"));
        assert_eq!(account.differing[0].endings.get(PASS), Some(&2));
        let unsteady = first
            .gate
            .regressions
            .iter()
            .filter(|it| it.what == UNSTEADY);
        assert_eq!(unsteady.count(), 2);
    }
}
