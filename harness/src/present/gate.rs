//! The last line of every summary: the say of a run in a pipeline, and the reason.

use std::collections::BTreeSet;

use super::counted;
use crate::engine::EngineName;
use crate::report::{GateState, Report};

/// The word for a run whose exit code says something about the engines.
pub const GATING: &str = "GATING";
/// The word for a run whose failures are shown only.
pub const REPORT_ONLY: &str = "REPORT-ONLY";
/// The word for a run from which nothing follows.
pub const NOT_GATING: &str = "NOT GATING";

/// GATING, REPORT-ONLY or NOT GATING, and why, without a line's end.
pub fn gate_line(report: &Report) -> String {
    if let Some(reason) = unmeasured(report) {
        return format!("{NOT_GATING}: {reason}");
    }
    let all = report.accounting.directives;
    let regressions = report.gate.regressions.iter();
    let failing: BTreeSet<&str> = regressions.map(|it| it.id.as_str()).collect();
    let verdict = match failing.len() {
        0 => format!("passed, all {all} directives are as expected"),
        count => format!(
            "failed, {} not as expected",
            counted(count, "directive is", "are")
        ),
    };
    let baseline = report.gate.baseline.as_ref().map(|it| {
        let excused = it.excused;
        let file = &it.file;
        format!("; {excused} failures are those of the baseline {file}")
    });
    let verdict = verdict + &baseline.unwrap_or_default();
    match report.gate.state {
        GateState::Gating => format!("{GATING}: {verdict}"),
        GateState::ReportOnly => {
            format!("{REPORT_ONLY}: {verdict}; by --report-only the exit code is 0")
        }
    }
}

/// The reason why nothing follows from a run, if nothing does.
fn unmeasured(report: &Report) -> Option<String> {
    let accounting = &report.accounting;
    let tiers = report.tiers.iter().filter(|(_, tier)| !tier.available);
    let unavailable: Vec<&str> = tiers.map(|(&tier, _)| EngineName::name(tier)).collect();
    if report.run.interrupted {
        Some("the run was interrupted".to_string())
    } else if accounting.directives == 0 {
        Some("nothing was selected".to_string())
    } else if !unavailable.is_empty() {
        let names = unavailable.join(", ");
        Some(format!("the engine cannot run here: {names}"))
    } else if !accounting.closed {
        let open = accounting.open.len();
        Some(format!(
            "{} no verdict",
            counted(open, "directive has", "directives have")
        ))
    } else if report.unmeasured_incidents() > 0 {
        let count = counted(report.unmeasured_incidents(), "worker was", "workers were");
        Some(format!("{count} ended before all was measured"))
    } else if !report.is_measured() {
        match &report.shapes {
            Some(shapes) if !shapes.is_measured() => {
                Some("the accounting of operand shapes is open".to_string())
            }
            Some(_) | None => Some("all directives were skipped".to_string()),
        }
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::incident::IncidentAccount;
    use crate::judge::verdict::Status::{Fail, Pass, Skip};
    use crate::pool::IncidentKind;
    use crate::report::baseline::BaselineAccount;
    use crate::report::samples::{file, report};

    #[test]
    fn every_state_has_its_word_and_reason() {
        let of = |statuses: &[_]| {
            let texts = vec!["(a)"; statuses.len()];
            let files = match statuses {
                [] => vec![],
                statuses => vec![file("a.wast", &texts, &[(EngineName::STACK, statuses)])],
            };
            report(&[EngineName::STACK], &files)
        };
        let line = |change: fn(&mut Report), statuses: &[_]| {
            let mut report = of(statuses);
            change(&mut report);
            gate_line(&report)
        };
        let unchanged: fn(&mut Report) = |_| {};
        assert_eq!(
            line(unchanged, &[Pass, Pass]),
            "GATING: passed, all 2 directives are as expected"
        );
        assert_eq!(
            line(unchanged, &[Pass, Fail]),
            "GATING: failed, 1 directive is not as expected"
        );
        assert_eq!(
            line(unchanged, &[Fail, Fail]),
            "GATING: failed, 2 are not as expected"
        );
        let only = line(|it| it.gate.state = GateState::ReportOnly, &[Fail]);
        assert!(
            only.starts_with("REPORT-ONLY: failed, 1 directive"),
            "{only}"
        );
        let known = |it: &mut Report| {
            it.gate.regressions.clear();
            let (file, excused) = ("base.json".to_string(), 1);
            it.gate.baseline = Some(BaselineAccount { file, excused });
        };
        let excused = line(known, &[Fail]);
        assert!(
            excused.ends_with("; 1 failures are those of the baseline base.json"),
            "{excused}"
        );
        assert_eq!(line(unchanged, &[]), "NOT GATING: nothing was selected");
        assert_eq!(
            line(unchanged, &[Skip]),
            "NOT GATING: all directives were skipped"
        );
        let interrupted = line(|it| it.run.interrupted = true, &[Pass]);
        assert_eq!(interrupted, "NOT GATING: the run was interrupted");
        let killed = line(
            |it| {
                it.incidents.push(IncidentAccount {
                    kind: IncidentKind::Memory,
                    tier: EngineName::STACK,
                    file: "a.wast".to_string(),
                    id: None,
                    line: None,
                    how: "the file takes more than 512 MiB of memory".to_string(),
                    expected: None,
                });
            },
            &[Pass],
        );
        assert_eq!(
            killed,
            "NOT GATING: 1 worker was ended before all was measured"
        );
        let open = line(|it| it.accounting.closed = false, &[Pass]);
        assert_eq!(open, "NOT GATING: 0 directives have no verdict");
        let unavailable = |it: &mut Report| {
            it.tiers
                .values_mut()
                .for_each(|tier| tier.available = false);
        };
        let unavailable = line(unavailable, &[Pass]);
        assert_eq!(unavailable, "NOT GATING: the engine cannot run here: stack");
    }
}
