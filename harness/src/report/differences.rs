//! The differences between a report and the report of the same run made again, each by its kind.
//!
//! Every member of the two reports is compared, so that no figure is forgotten; left out are the
//! members that say how long something took, when it was, with how many jobs, or how to repeat it
//! ([`LEFT_OUT`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use super::Report;

/// The members that differ between runs of the same: a name ends a path, `*` is any name.
const LEFT_OUT: [&str; 12] = [
    "run/seconds",
    "run/jobs",
    "run/provenance/date",
    "run/provenance/command",
    "run/provenance/words",
    "tiers/*/seconds",
    "files/*/seconds",
    "shapes/seconds",
    "shapes/tiers/*/seconds",
    "directives/*/repro",
    "directives/*/details",
    "gate/baseline/file",
];

/// The members that are compared as a whole, so that one fact is one difference.
const WHOLE: [&str; 6] = [
    "directives/*/tiers/*",
    "gate/regressions/*",
    "incidents/*",
    "texts/*",
    "run/provenance/inputs/*",
    "run/provenance/engines/*",
];

/// The kind of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The build of Wassay.
    Build,
    /// An engine, its version or its emulator.
    Engine,
    /// The host.
    Host,
    /// An option, or what a default was.
    Option,
    /// A file that is read besides the suite.
    Input,
    /// A file of the suite, or the suite as a whole.
    File,
    /// The ending of a directive in an engine.
    Verdict,
    /// The agreement of engines over a directive.
    Divergence,
    /// A figure.
    Count,
}

impl DifferenceKind {
    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            DifferenceKind::Build => "build",
            DifferenceKind::Engine => "engine",
            DifferenceKind::Host => "host",
            DifferenceKind::Option => "option",
            DifferenceKind::Input => "input",
            DifferenceKind::File => "file",
            DifferenceKind::Verdict => "verdict",
            DifferenceKind::Divergence => "divergence",
            DifferenceKind::Count => "count",
        }
    }

    /// The kind of a member by its path.
    fn of(path: &[String]) -> DifferenceKind {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["schema", ..] | ["run", "version", ..] | ["run", "provenance", "build", ..] => {
                DifferenceKind::Build
            }
            ["run", "provenance", "engines" | "emulator", ..]
            | ["tiers", _, "available" | "reason", ..] => DifferenceKind::Engine,
            ["run", "host", ..] => DifferenceKind::Host,
            ["run", "provenance", "inputs", ..] => DifferenceKind::Input,
            ["run", "suite_revision" | "suite" | "folder", ..]
            | ["run", "provenance", "upstream", ..]
            | [
                "files",
                _,
                "sha256" | "texts" | "features" | "proposal" | "path",
                ..,
            ] => DifferenceKind::File,
            ["run", ..] => DifferenceKind::Option,
            ["directives", _, "agreement" | "diff", ..] => DifferenceKind::Divergence,
            ["directives" | "gate" | "incidents" | "texts", ..] => DifferenceKind::Verdict,
            _figure => DifferenceKind::Count,
        }
    }
}

/// A member that is not the same in both reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The member.
    pub place: String,
    /// What the report has; `None` if it lacks the member.
    pub was: Option<String>,
    /// What the run made again has.
    pub is: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_string());
        let (was, is) = (text(&self.was), text(&self.is));
        write!(f, "{} {}: was {was}, is {is}", self.kind.name(), self.place)
    }
}

/// The members of a report, and the differences of another one from it, by kind.
pub fn differences(recorded: &Report, again: &Report) -> (usize, Vec<Difference>) {
    let (was, is) = (members(recorded), members(again));
    let paths: BTreeSet<&Vec<String>> = was.keys().chain(is.keys()).collect();
    // Of a directive that one report does not list, only how it ended is told.
    let (listed_then, listed_now) = (listed(recorded), listed(again));
    let is_told = |path: &Vec<String>| match path.as_slice() {
        [group, id, member, ..] if group == "directives" => {
            let is_in_both = listed_then.contains(id.as_str()) && listed_now.contains(id.as_str());
            let is_diverging = was
                .get(path)
                .or(is.get(path))
                .is_some_and(|it| it == "diverge");
            is_in_both || member == "tiers" || is_diverging
        }
        _other_member => true,
    };
    let differ = paths
        .into_iter()
        .filter(|path| was.get(*path) != is.get(*path));
    let differ = differ.filter(|path| is_told(path));
    let difference = |path: &Vec<String>| Difference {
        kind: DifferenceKind::of(path),
        place: path.join("/"),
        was: was.get(path).cloned(),
        is: is.get(path).cloned(),
    };
    let mut all: Vec<Difference> = differ.map(difference).collect();
    all.sort_by_key(|it| it.kind);
    (was.len(), all)
}

/// The ids of the directives that a report lists.
fn listed(report: &Report) -> BTreeSet<&str> {
    report.directives.iter().map(|it| it.id.as_str()).collect()
}

/// The members of a report by their paths, each as text.
fn members(report: &Report) -> BTreeMap<Vec<String>, String> {
    let mut members = BTreeMap::new();
    let value = serde_json::to_value(report);
    let value = value.expect("a report is objects with string keys, which always serialise");
    add(&mut Vec::new(), &value, &mut members);
    members
}

fn add(path: &mut Vec<String>, value: &Value, members: &mut BTreeMap<Vec<String>, String>) {
    if is_one_of(&LEFT_OUT, path) {
        return;
    }
    if is_one_of(&WHOLE, path) {
        members.insert(path.clone(), value.to_string());
        return;
    }
    let mut each = |name: String, value: &Value| {
        path.push(name);
        add(path, value, members);
        path.pop();
    };
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| each(name.clone(), value)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                each(name_in_list(index, value), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            members.insert(path.clone(), value.to_string());
        }
        Value::String(text) => {
            members.insert(path.clone(), text.clone());
        }
    }
}

/// The name of an element of a list: its id or path if it has one.
fn name_in_list(index: usize, value: &Value) -> String {
    let text = |map: &Map<String, Value>, key: &str| Some(map.get(key)?.as_str()?.to_string());
    let of_map = |map: &Map<String, Value>| match text(map, "what") {
        Some(what) => {
            let tier = text(map, "tier").unwrap_or_default();
            Some(format!("{} {tier} {what}", text(map, "id")?))
        }
        None => text(map, "id").or_else(|| text(map, "path")),
    };
    let name = value.as_object().and_then(of_map);
    name.unwrap_or_else(|| index.to_string())
}

fn is_one_of(patterns: &[&str], path: &[String]) -> bool {
    let is_it = |pattern: &&str| {
        let names = pattern.split('/');
        names.clone().count() == path.len()
            && names.zip(path).all(|(name, is)| name == "*" || name == is)
    };
    patterns.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass, Skip};
    use crate::report::samples::{file, report};

    fn of(statuses: &[crate::judge::verdict::Status]) -> Report {
        let a = file("a.wast", &["(a)", "(b)"], &[(EngineName::STACK, statuses)]);
        report(&[EngineName::STACK], &[a])
    }

    #[test]
    fn each_difference_has_its_kind() {
        let one = of(&[Pass, Fail]);
        let kinds = |change: fn(&mut Report)| {
            let mut other = one.clone();
            change(&mut other);
            let (_, differences) = differences(&one, &other);
            let kinds = differences.iter().map(|it| it.kind.name());
            kinds.collect::<Vec<_>>().join(" ")
        };
        type Change = fn(&mut Report);
        let cases: [(Change, &str); 9] = [
            (|_| {}, ""),
            (|it| it.run.seconds = 7.0, ""),
            (|it| it.run.jobs = 7, ""),
            (|it| it.files[0].seconds = 7.0, ""),
            (|it| it.run.version = "9".to_string(), "build"),
            (|it| it.run.host = "x".to_string(), "host"),
            (|it| it.run.modes.fuel = true, "option"),
            (|it| it.files[0].sha256 = "0".repeat(64), "file"),
            (|it| it.agreement.agree += 1, "count"),
        ];
        for (change, expected) in cases {
            assert_eq!(kinds(change), expected);
        }
        let (members, told) = differences(&one, &of(&[Skip, Fail]));
        assert!(members > 40, "{members}");
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("verdict directives/a.wast#0-"),
            "{told:?}"
        );
        let is_told = |it: &String| it == "count tiers/stack/counts/pass: was 1, is 0";
        assert!(told.iter().any(is_told), "{told:?}");
    }
}
