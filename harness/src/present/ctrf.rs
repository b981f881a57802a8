//! The report in the Common Test Report Format (ctrf.io), for its GitHub action and others.
//!
//! CTRF has no word for an expected failure and none for what was not measured: `rawStatus` has
//! ours; the first is `skipped`, the second `other`, which counts as neither passed nor failed.

use serde_json::{Value, json};

use super::Presenter;
use super::beside::Beside;
use super::cases::{Case, CaseVerdict, cases};
use crate::report::Report;

/// The format.
pub struct Ctrf;

/// The version of the specification that this follows.
const VERSION: &str = "0.0.0";

impl Presenter for Ctrf {
    fn name(&self) -> &'static str {
        "ctrf"
    }

    fn about(&self) -> &'static str {
        "Common Test Report Format, JSON"
    }

    fn render(&self, report: &Report, beside: &Beside) -> String {
        let cases = cases(report, &beside.timeline);
        let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
        let start = beside.timeline.began_millis;
        let stop = start + millis(report.run.seconds);
        let value = json!({
            "reportFormat": "CTRF",
            "specVersion": VERSION,
            "generatedBy": "wassay",
            "results": {
                "tool": {"name": "wassay", "version": report.run.version},
                "summary": {
                    "tests": cases.len(),
                    "passed": count(CaseVerdict::Passed),
                    "failed": count(CaseVerdict::Failed),
                    "skipped": count(CaseVerdict::Skipped),
                    "pending": 0,
                    "other": count(CaseVerdict::Broken),
                    "suites": report.tiers.len(),
                    "start": start,
                    "stop": stop,
                    "extra": {"directives": report.accounting.directives},
                },
                "tests": cases.iter().map(test).collect::<Vec<Value>>(),
                "environment": {
                    "testEnvironment": report.run.host,
                    "extra": {
                        "suite": report.run.suite,
                        "revision": report.run.suite_revision,
                    },
                },
            },
        });
        format!("{value}\n")
    }
}

fn millis(seconds: f64) -> u64 {
    (seconds * 1e3).round() as u64
}

fn test(case: &Case) -> Value {
    let status = match case.verdict {
        CaseVerdict::Passed => "passed",
        CaseVerdict::Failed => "failed",
        CaseVerdict::Skipped => "skipped",
        CaseVerdict::Broken => "other",
    };
    let mut value = json!({
        "name": case.name,
        "status": status,
        "duration": case.seconds.map_or(0, millis),
        "suite": [case.suite, case.class],
        "rawStatus": case.word,
    });
    let optional = [
        (
            "message",
            (!case.message.is_empty()).then(|| json!(case.message)),
        ),
        ("trace", (!case.text.is_empty()).then(|| json!(case.text))),
        ("filePath", case.file.as_ref().map(|file| json!(file))),
        ("line", case.line.map(|line| json!(line))),
    ];
    for (name, field) in optional {
        if let Some(field) = field {
            value[name] = field;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Crash, Fail, Pass, Xfail};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};

    /// What the schema of CTRF requires of the fields that are used, and that there are no others.
    fn schema() -> jsonschema::Validator {
        let object = |required: &[&str], properties: Value| {
            json!({
                "type": "object",
                "required": required,
                "properties": properties,
                "additionalProperties": false,
            })
        };
        let text = json!({"type": "string"});
        let name = json!({"type": "string", "minLength": 1});
        let integer = json!({"type": "integer"});
        let extra = json!({"type": "object"});
        let counts = [
            "tests", "passed", "failed", "skipped", "pending", "other", "start", "stop",
        ];
        let mut summary: serde_json::Map<String, Value> = counts
            .iter()
            .map(|it| (it.to_string(), integer.clone()))
            .collect();
        summary.insert("suites".to_string(), integer.clone());
        summary.insert("extra".to_string(), extra.clone());
        let test = object(
            &["name", "status", "duration"],
            json!({
                "name": name,
                "status": {"enum": ["passed", "failed", "skipped", "pending", "other"]},
                "duration": integer,
                "suite": {"type": "array", "minItems": 1, "items": text},
                "rawStatus": text, "message": text, "trace": text, "filePath": text,
                "line": integer,
            }),
        );
        let results = object(
            &["tool", "summary", "tests"],
            json!({
                "tool": object(&["name"], json!({"name": name, "version": text})),
                "summary": object(&counts, Value::Object(summary)),
                "tests": {"type": "array", "items": test},
                "environment": object(&[], json!({"testEnvironment": text, "extra": extra})),
            }),
        );
        let schema = object(
            &["results", "reportFormat", "specVersion"],
            json!({
                "reportFormat": {"const": "CTRF"},
                "specVersion": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
                "generatedBy": text,
                "results": results,
            }),
        );
        jsonschema::validator_for(&schema).expect("a schema")
    }

    fn check(report: &Report) -> Value {
        let value = serde_json::from_str(&Ctrf.render(report, &Beside::default()));
        let value: Value = value.expect("JSON");
        let schema = schema();
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|it| it.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut less = value.clone();
        less["results"]["tests"][0]
            .as_object_mut()
            .expect("a test")
            .remove("duration");
        assert!(!schema.is_valid(&less), "the schema can refuse");
        value
    }

    #[test]
    fn reports_keep_to_the_schema_and_the_counts_add_up() {
        let statuses = [Pass, Fail, Xfail, Crash];
        let a = file(
            "a.wast",
            &["(module)"; 4],
            &[(EngineName::STACK, &statuses)],
        );
        let value = check(&report(&[EngineName::STACK], &[a]));
        let summary = &value["results"]["summary"];
        let of = ["passed", "failed", "skipped", "other", "tests"].map(|it| summary[it].as_u64());
        assert_eq!(of, [1, 1, 1, 1, 4].map(Some));
        assert_eq!(value["results"]["tests"][2]["rawStatus"], "xfail");
    }

    #[test]
    fn hostile_names_are_text() {
        check(&hostile_report());
    }
}
