//! The report as a badge: the JSON of an endpoint of shields.io.

use serde_json::json;

use super::beside::Beside;
use super::{Presenter, verdict_line};
use crate::report::Report;

/// The format.
pub struct Badge;

impl Presenter for Badge {
    fn name(&self) -> &'static str {
        "badge"
    }

    fn about(&self) -> &'static str {
        "the endpoint of a shields.io badge, JSON"
    }

    fn render(&self, report: &Report, _beside: &Beside) -> String {
        let is_measured = report.is_measured();
        let color = match (is_measured, report.gate.regressions.is_empty()) {
            (false, _) => "lightgrey",
            (true, true) => "brightgreen",
            (true, false) => "red",
        };
        let value = json!({
            "schemaVersion": 1,
            "label": "WebAssembly spec",
            "message": verdict_line(report),
            "color": color,
        });
        format!("{value}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};
    use serde_json::Value;

    fn badge(report: &Report) -> Value {
        let text = Badge.render(report, &Beside::default());
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["schemaVersion"], 1);
        assert!(
            ["message", "label"]
                .iter()
                .all(|it| value[it].as_str().is_some_and(|it| !it.is_empty()))
        );
        value
    }

    #[test]
    fn green_is_only_what_was_measured() {
        let of =
            |statuses: &[_]| file("a.wast", &["(module)"; 2], &[(EngineName::STACK, statuses)]);
        let mut green = report(&[EngineName::STACK], &[of(&[Pass; 2])]);
        assert_eq!(badge(&green)["color"], "brightgreen");
        assert_eq!(
            badge(&green)["message"],
            "all 2 directives pass in every engine (1)"
        );
        assert_eq!(
            badge(&report(&[EngineName::STACK], &[of(&[Pass, Fail])]))["color"],
            "red"
        );
        assert_eq!(
            badge(&report(&[EngineName::STACK], &[]))["color"],
            "lightgrey"
        );
        green
            .tiers
            .get_mut(&EngineName::STACK)
            .expect("there")
            .available = false;
        assert_eq!(badge(&green)["color"], "lightgrey");
    }

    #[test]
    fn hostile_names_are_left_out() {
        assert!(!badge(&hostile_report()).to_string().contains("script>"));
    }
}
