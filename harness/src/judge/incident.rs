//! Incidents as reports show them: what happened to workers and shows in no verdict, or not as what
//! it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::EngineName;
use crate::pool::IncidentKind;

/// Something that happened to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentAccount {
    /// What it means.
    pub kind: IncidentKind,
    /// The engine.
    pub tier: EngineName,
    /// The file.
    pub file: String,
    /// The directive that was running; absent if none was, or if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The directive's line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How the worker ended.
    pub how: String,
    /// The reason of the expectation that excuses it; absent if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl IncidentAccount {
    /// True if the incident makes the run fail.
    pub fn is_failing(&self) -> bool {
        self.kind == IncidentKind::Flaky && self.expected.is_none()
    }

    /// The incident in a line.
    pub fn text(&self) -> String {
        let line = self
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let what = match self.kind {
            IncidentKind::Flaky => "a fresh worker did not repeat it",
            IncidentKind::Killed => "the file ran again, alone",
            IncidentKind::NotMeasured | IncidentKind::Memory => "not measured",
        };
        let expected = self.expected.as_ref();
        let expected = expected.map_or_else(String::new, |why| format!(" (expected: {why})"));
        let IncidentAccount {
            tier, file, how, ..
        } = self;
        format!("{tier} {file}{line}: {how}; {what}{expected}")
    }
}
