//! The texts of what engines refuse, where they are not the suite's.
//!
//! A module that is malformed, invalid or not linkable passes if it is refused for a reason of that
//! class, in whatever words. Words that differ show where an engine refuses it for another reason
//! than the suite means. Owns: the list of those texts, each once, without the places that some
//! engines add to them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;
use crate::judge::judged::JudgedFile;
use crate::outcome::JudgedBy;
use crate::script::Kind;

/// Characters of a text that are kept.
const TEXT_CHARS_MAX: usize = 200;

/// A text that is not the suite's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextAccount {
    /// The sort of directive.
    pub kind: Kind,
    /// The author of the text.
    pub by: JudgedBy,
    /// The suite's text.
    pub expected: String,
    /// The text that was told: its first line, without the place in the module.
    pub actual: String,
    /// The directives with these texts, in each engine that has some.
    pub counts: BTreeMap<EngineName, u64>,
    /// The id of one of them.
    pub example: String,
}

/// What tells texts apart, in the order of reports.
type Key = (Kind, String, String, JudgedBy);

/// The texts of a run.
#[derive(Debug, Default)]
pub struct Texts(BTreeMap<Key, TextAccount>);

impl Texts {
    /// Adds the texts of a file.
    pub fn add_file(&mut self, file: &JudgedFile) {
        for (&tier, verdicts) in &file.verdicts {
            for (ordinal, verdict) in verdicts.iter().enumerate() {
                let Some((verdict, texts)) = verdict.and_then(|it| Some((it, it.other_text()?)))
                else {
                    continue;
                };
                self.add(&TextAccount {
                    kind: file.directives[ordinal].kind,
                    by: verdict.judged_by,
                    expected: texts.0.to_string(),
                    actual: without_place(texts.1),
                    counts: BTreeMap::from([(tier, 1)]),
                    example: file.id(ordinal),
                });
            }
        }
    }

    /// Adds texts of a report.
    pub fn add_all(&mut self, accounts: &[TextAccount]) {
        accounts.iter().for_each(|account| self.add(account));
    }

    fn add(&mut self, account: &TextAccount) {
        let known = self.0.entry(account.key()).or_insert_with(|| TextAccount {
            counts: BTreeMap::new(),
            ..account.clone()
        });
        for (&tier, count) in &account.counts {
            *known.counts.entry(tier).or_default() += count;
        }
        // The same in whatever order parts of a run are put together.
        if account.example < known.example {
            known.example.clone_from(&account.example);
        }
    }

    /// The texts in the order of reports.
    pub fn accounts(self) -> Vec<TextAccount> {
        self.0.into_values().collect()
    }
}

impl From<Vec<TextAccount>> for Texts {
    fn from(accounts: Vec<TextAccount>) -> Texts {
        let mut texts = Texts::default();
        texts.add_all(&accounts);
        texts
    }
}

impl TextAccount {
    /// What no other text of a report has.
    pub fn key(&self) -> (Kind, String, String, JudgedBy) {
        let (expected, actual) = (self.expected.clone(), self.actual.clone());
        (self.kind, expected, actual, self.by)
    }
}

/// The first line of a text, without the offset that ends it in many engines.
fn without_place(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" (at offset ").next().unwrap_or_default();
    line.chars().take(TEXT_CHARS_MAX).collect()
}
