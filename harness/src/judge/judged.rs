//! A file of a suite with all that a report needs of it: verdicts, comparisons, places.
//!
//! A run may have millions of directives, so nothing here is larger than it must be: a directive
//! that plainly passed is some bytes, and the text of an id is made when it is asked for.

use std::collections::BTreeMap;

use super::incident::IncidentAccount;
use super::verdict::{Agreement, Comparison, Status, Verdict};
use crate::engine::EngineName;
use crate::outcome::{JudgedBy, Place};
use crate::protocol::Setting;
use crate::script::{Directive, Kind, Script};
use crate::suite::FileFeatures;

/// One file with everything that is known of it.
#[derive(Clone, Debug)]
pub struct JudgedFile {
    /// The path that reports show.
    pub path: String,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub sha256: String,
    /// The directives by ordinal.
    pub directives: Vec<JudgedDirective>,
    /// The heading under which a report puts it: mostly a proposal.
    pub proposal: String,
    /// The features that its modules could use.
    pub features: FileFeatures,
    /// How it was run; `None` if it was run as the options say.
    pub setting: Option<Setting>,
    /// For each available tier the verdict of each directive.
    pub verdicts: BTreeMap<EngineName, Verdicts>,
    /// For each directive how the tiers stand to each other.
    pub comparisons: Comparisons,
    /// Where code ended in directives that did not plainly pass.
    pub traces: Traces,
    /// What happened to workers over it.
    pub incidents: Vec<IncidentAccount>,
    /// Time spent in workers.
    pub seconds: f64,
}

/// The functions that were running when code ended, in each engine that tells, by directive.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    by_ordinal: BTreeMap<usize, Vec<(EngineName, Vec<Place>)>>,
}

impl Traces {
    /// Adds what was running in an engine, the innermost first.
    pub fn add(&mut self, ordinal: usize, engine: EngineName, places: Vec<Place>) {
        self.by_ordinal
            .entry(ordinal)
            .or_default()
            .push((engine, places));
    }

    /// What was running, in each engine that tells.
    pub fn of(&self, ordinal: usize) -> &[(EngineName, Vec<Place>)] {
        self.by_ordinal.get(&ordinal).map_or(&[], Vec::as_slice)
    }
}

/// A directive that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedDirective {
    /// The line of its opening parenthesis, from 1.
    pub line: u32,
    /// Its column in bytes, from 1.
    pub column: u32,
    /// The sort of directive.
    pub kind: Kind,
    /// The hash of its text, which ends its id.
    hash: u32,
}

impl JudgedDirective {
    fn new(directive: &Directive) -> JudgedDirective {
        let hash = directive.id.rsplit('-').next();
        let hash = hash.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        JudgedDirective {
            line: directive.line,
            column: directive.column,
            kind: directive.kind,
            // Variants of a directive have other ids, and an account that takes them as they are.
            hash: hash.unwrap_or(0),
        }
    }
}

impl JudgedFile {
    /// The directives of a script, in their order.
    pub fn directives_of(script: &Script) -> Vec<JudgedDirective> {
        script.directives.iter().map(JudgedDirective::new).collect()
    }

    /// The id of a directive, as its script has it.
    ///
    /// # Panics
    /// If there is no directive of that ordinal.
    pub fn id(&self, ordinal: usize) -> String {
        let hash = self.directives[ordinal].hash;
        format!("{}#{ordinal}-{hash:08x}", self.path)
    }

    /// The hashes of all directives' texts, 8 hex digits each.
    pub fn texts(&self) -> String {
        let hashes = self.directives.iter();
        hashes
            .map(|directive| format!("{:08x}", directive.hash))
            .collect()
    }

    /// Leaves directives out of the account, by their kinds: they count as skipped.
    pub fn leave_out(&mut self, is_left_out: impl Fn(Kind) -> bool) {
        for (ordinal, directive) in self.directives.iter().enumerate() {
            if !is_left_out(directive.kind) {
                continue;
            }
            for verdicts in self.verdicts.values_mut() {
                let mut verdict = plain(Status::Skip, JudgedBy::Engine);
                verdict.detail = "skipped: not of the kinds of --kind".to_string();
                verdicts.set(ordinal, Some(verdict));
            }
            let (agreement, diff) = (Agreement::NotComparable, String::new());
            self.comparisons
                .set(ordinal, Comparison { agreement, diff });
        }
    }

    /// True if a directive of the file makes a run fail.
    pub fn is_failing(&self) -> bool {
        let mut verdicts = self.verdicts.values().flat_map(Verdicts::iter).flatten();
        let mut ordinals = 0..self.directives.len();
        verdicts.any(|verdict| verdict.status.is_failing())
            || ordinals.any(|it| {
                self.comparisons
                    .get(it)
                    .is_some_and(|(it, _)| it == Agreement::Diverge)
            })
    }
}

/// A verdict in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brief {
    Missing,
    Passed,
    PassedByParser,
    Compared,
    /// It is among the others.
    Other,
}

/// The verdicts of a file's directives in one tier, by ordinal.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    briefs: Vec<Brief>,
    others: BTreeMap<usize, Verdict>,
}

const fn plain(status: Status, judged_by: JudgedBy) -> Verdict {
    Verdict {
        status,
        judged_by,
        expected: String::new(),
        actual: String::new(),
        detail: String::new(),
    }
}

static PASSED: Verdict = plain(Status::Pass, JudgedBy::Engine);
static PASSED_BY_PARSER: Verdict = plain(Status::Pass, JudgedBy::Parser);
static COMPARED: Verdict = plain(Status::Compared, JudgedBy::Engine);

impl Verdicts {
    /// The verdict of a directive, if there is one.
    pub fn get(&self, ordinal: usize) -> Option<&Verdict> {
        match self.briefs.get(ordinal)? {
            Brief::Missing => None,
            Brief::Passed => Some(&PASSED),
            Brief::PassedByParser => Some(&PASSED_BY_PARSER),
            Brief::Compared => Some(&COMPARED),
            Brief::Other => self.others.get(&ordinal),
        }
    }

    /// Every verdict in order, and its absence.
    pub fn iter(&self) -> impl Iterator<Item = Option<&Verdict>> {
        (0..self.briefs.len()).map(|ordinal| self.get(ordinal))
    }

    /// The verdicts that are no plain passes, with the ordinals of their directives.
    pub fn others_mut(&mut self) -> impl Iterator<Item = (usize, &mut Verdict)> {
        self.others
            .iter_mut()
            .map(|(&ordinal, verdict)| (ordinal, verdict))
    }

    /// Replaces the verdict of a directive.
    ///
    /// # Panics
    /// If there is no directive of that ordinal.
    pub fn set(&mut self, ordinal: usize, verdict: Option<Verdict>) {
        self.others.remove(&ordinal);
        self.briefs[ordinal] = match verdict {
            None => Brief::Missing,
            Some(verdict) if verdict == PASSED => Brief::Passed,
            Some(verdict) if verdict == PASSED_BY_PARSER => Brief::PassedByParser,
            Some(verdict) if verdict == COMPARED => Brief::Compared,
            Some(verdict) => {
                self.others.insert(ordinal, verdict);
                Brief::Other
            }
        };
    }
}

impl FromIterator<Option<Verdict>> for Verdicts {
    fn from_iter<T: IntoIterator<Item = Option<Verdict>>>(verdicts: T) -> Verdicts {
        let mut all = Verdicts::default();
        for (ordinal, verdict) in verdicts.into_iter().enumerate() {
            all.briefs.push(Brief::Missing);
            all.set(ordinal, verdict);
        }
        all
    }
}

/// The comparisons of a file's directives, by ordinal.
#[derive(Clone, Debug, Default)]
pub struct Comparisons {
    agreements: Vec<Agreement>,
    /// In what tiers differ, where they do.
    diffs: BTreeMap<usize, String>,
}

impl Comparisons {
    /// The agreement on a directive, and in what tiers differ, which may be empty.
    pub fn get(&self, ordinal: usize) -> Option<(Agreement, &str)> {
        let agreement = *self.agreements.get(ordinal)?;
        let diff = self.diffs.get(&ordinal).map_or("", String::as_str);
        Some((agreement, diff))
    }

    /// Replaces the comparison of a directive.
    ///
    /// # Panics
    /// If there is no directive of that ordinal.
    pub fn set(&mut self, ordinal: usize, comparison: Comparison) {
        self.agreements[ordinal] = comparison.agreement;
        self.diffs.remove(&ordinal);
        if !comparison.diff.is_empty() {
            self.diffs.insert(ordinal, comparison.diff);
        }
    }
}

impl FromIterator<Comparison> for Comparisons {
    fn from_iter<T: IntoIterator<Item = Comparison>>(comparisons: T) -> Comparisons {
        let mut all = Comparisons::default();
        for (ordinal, comparison) in comparisons.into_iter().enumerate() {
            all.agreements.push(comparison.agreement);
            all.set(ordinal, comparison);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;
    use crate::script::parse::parse_script;

    #[test]
    fn ids_are_those_of_the_script() {
        let texts = ["(module)", "(assert_return (invoke \"f\"))"];
        let script = parse_script("a/b-c.wast", &texts.join("\n"));
        let pass = [Status::Pass; 2];
        let file = samples::file("a/b-c.wast", &texts, &[(EngineName::STACK, &pass)]);
        for (ordinal, directive) in script.directives.iter().enumerate() {
            assert_eq!(file.id(ordinal), directive.id);
        }
    }

    #[test]
    fn verdicts_come_back_as_they_were_and_passes_are_small() {
        let failed = samples::verdict(Status::Fail);
        let all = [
            Some(PASSED.clone()),
            None,
            Some(failed.clone()),
            Some(PASSED_BY_PARSER.clone()),
        ];
        let mut verdicts: Verdicts = all.iter().cloned().collect();
        assert!(verdicts.iter().eq(all.iter().map(Option::as_ref)));
        assert_eq!(verdicts.others.len(), 1);
        verdicts.set(2, None);
        verdicts.set(1, Some(failed));
        let at: Vec<usize> = verdicts.others_mut().map(|(ordinal, _)| ordinal).collect();
        assert_eq!(at, [1]);
        assert!(size_of::<JudgedDirective>() <= 16 && size_of::<Brief>() == 1);
    }
}
