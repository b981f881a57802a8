//! Failures as SARIF 2.1.0, for code scanning: a result for each directive, at its line.

use serde_json::{Value, json};

use super::Presenter;
use super::beside::Beside;
use super::failure::{Failure, failures};
use crate::report::Report;
use crate::script::Kind;

/// The format.
pub struct Sarif;

/// Results of a run: those that GitHub shows of one.
const RESULTS_MAX: usize = 5000;
/// The rule of operand shapes.
const VARIANT: &str = "variant";
/// Where the files of the embedded suite are.
const BASE: &str = "SUITE";

impl Presenter for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn about(&self) -> &'static str {
        "failures as SARIF 2.1.0"
    }

    fn render(&self, report: &Report, _beside: &Beside) -> String {
        let all = failures(report);
        let rules: Vec<Value> = Kind::NAMES
            .iter()
            .map(|(_, name)| *name)
            .chain([VARIANT])
            .map(rule)
            .collect();
        let results: Vec<Value> = all
            .iter()
            .take(RESULTS_MAX)
            .map(|it| result(report, it))
            .collect();
        let more = all.len() - results.len();
        let notice = (more > 0).then(|| {
            let text = format!("{more} more failures are not listed");
            json!({"level": "warning", "message": {"text": text}})
        });
        let value = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "wassay",
                    "semanticVersion": report.run.version,
                    "rules": rules,
                }},
                "invocations": [{
                    "executionSuccessful": !report.run.interrupted && report.accounting.closed,
                    "toolExecutionNotifications": notice.into_iter().collect::<Vec<Value>>(),
                }],
                "results": results,
            }],
        });
        format!("{value}\n")
    }
}

fn rule(name: &str) -> Value {
    let text = match name {
        VARIANT => "An assertion fails with its operands in another shape.".to_string(),
        name => format!("A directive `{name}` does not end as the specification says."),
    };
    json!({"id": name, "shortDescription": {"text": text}})
}

fn result(report: &Report, failure: &Failure<'_>) -> Value {
    let location = match report.run.path_of(failure.file) {
        Some(path) => json!({"uri": uri(&path)}),
        None => json!({"uri": uri(failure.file), "uriBaseId": BASE}),
    };
    let text = format!("{}\n{}", failure.title(), failure.lines().join("\n"));
    json!({
        "ruleId": failure.kind,
        "level": "error",
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": location,
            "region": {"startLine": failure.line},
        }}],
        "partialFingerprints": {"wassayDirective/v1": failure.id},
    })
}

/// A path as a reference: bytes that a path of a URI does not have are escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::present::hostile::{self, hostile_report};
    use crate::report::samples::{file, report};

    /// What the schema of SARIF requires of the objects that are used.
    fn schema() -> jsonschema::Validator {
        let text = json!({
            "type": "object", "required": ["text"],
            "properties": {"text": {"type": "string"}}, "additionalProperties": false,
        });
        let result = json!({
            "type": "object",
            "required": ["message", "ruleId", "locations"],
            "properties": {
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": text,
                "locations": {"type": "array", "minItems": 1, "items": {
                    "type": "object", "required": ["physicalLocation"],
                    "properties": {"physicalLocation": {"type": "object", "properties": {
                        "artifactLocation": {"type": "object", "properties": {
                            "uri": {"type": "string", "pattern": "^[-A-Za-z0-9._~/%]+$"},
                            "uriBaseId": {"type": "string"},
                        }},
                        "region": {"type": "object", "properties": {
                            "startLine": {"type": "integer", "minimum": 1},
                        }},
                    }}},
                }},
                "partialFingerprints": {
                    "type": "object", "additionalProperties": {"type": "string"},
                },
            },
        });
        let run = json!({
            "type": "object", "required": ["tool"],
            "properties": {
                "tool": {"type": "object", "required": ["driver"]},
                "invocations": {"type": "array", "items": {
                    "type": "object", "required": ["executionSuccessful"],
                }},
                "results": {"type": "array", "items": result},
            },
        });
        let schema = json!({
            "type": "object",
            "required": ["version", "runs"],
            "properties": {"version": {"const": "2.1.0"}, "runs": {"type": "array", "items": run}},
        });
        jsonschema::validator_for(&schema).expect("a schema")
    }

    fn check(report: &Report) -> Value {
        let text = Sarif.render(report, &Beside::default());
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let schema = schema();
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|it| it.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        let rules = value["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .expect("rules");
        for result in value["runs"][0]["results"].as_array().expect("results") {
            assert!(
                rules.iter().any(|rule| rule["id"] == result["ruleId"]),
                "{result}"
            );
        }
        value
    }

    #[test]
    fn a_directive_is_one_result_at_its_line() {
        let tiers = [EngineName::STACK, EngineName::JIT];
        let statuses = &[Pass, Fail][..];
        let mut report = report(
            &tiers,
            &[file(
                "b c.wast",
                &["(module)"; 2],
                &tiers.map(|it| (it, statuses)),
            )],
        );
        report.run.suite = "suite".to_string();
        report.run.folder = Some("suite/".to_string());
        let value = check(&report);
        let [result] = &value["runs"][0]["results"].as_array().expect("results")[..] else {
            panic!("one result: {value}");
        };
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(
            place["artifactLocation"],
            json!({"uri": "suite/b%20c.wast"})
        );
        assert_eq!(place["region"]["startLine"], 2);
        assert!(
            result["message"]["text"]
                .as_str()
                .expect("text")
                .contains("(stack, jit)")
        );
    }

    #[test]
    fn what_is_not_listed_is_said() {
        let count = RESULTS_MAX + 2;
        let a = file(
            "a.wast",
            &vec!["(module)"; count],
            &[(EngineName::STACK, &vec![Fail; count])],
        );
        let value = check(&report(&[EngineName::STACK], &[a]));
        assert_eq!(
            value["runs"][0]["results"]
                .as_array()
                .expect("results")
                .len(),
            RESULTS_MAX
        );
        let notices = &value["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(
            notices[0]["message"]["text"],
            "2 more failures are not listed"
        );
    }

    #[test]
    fn hostile_names_are_text() {
        let value = check(&hostile_report());
        let id = &value["runs"][0]["results"][0]["partialFingerprints"]["wassayDirective/v1"];
        assert!(id.as_str().expect("an id").starts_with(hostile::TEXT));
    }
}
