//! The report as Markdown, for pull requests and step summaries: the table of proposals and
//! engines, then what makes the run fail, capped.

use std::fmt::Write as _;

use super::Presenter;
use crate::judge::verdict::Agreement;
use crate::report::{Counts, DirectiveAccount, Report, is_failing};

/// Failing directives shown before the rest is counted only.
const SHOWN_MAX: usize = 50;
/// Characters of a message shown.
const TEXT_CHARS_MAX: usize = 160;

/// The format.
pub struct Markdown;

impl Presenter for Markdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn about(&self) -> &'static str {
        "a summary in Markdown"
    }

    fn render(&self, report: &Report) -> String {
        let mut out = String::new();
        let (run, counts) = (&report.run, &report.accounting);
        line(&mut out, &format!("### Wassay: {}", verdict(report)));
        line(&mut out, "");
        let suite = escape(&run.suite);
        let files = report.files.len();
        line(
            &mut out,
            &format!(
                "{} directives in {files} files of {suite}, {} of them decided by the text parser \
                 alone; bounds {}, profile {}, modes {}.",
                counts.directives, counts.judged_by_parser, run.bounds, run.profile, run.modes
            ),
        );
        for guess in report.guesses() {
            line(&mut out, &format!("({guess}.)"));
        }
        line(&mut out, "");
        table(&mut out, report);
        line(&mut out, "");
        let agreement = &report.agreement;
        line(
            &mut out,
            &format!(
                "Engines compared: {} agree, {} diverge, {} poisoned, {} not comparable.",
                agreement.agree, agreement.diverge, agreement.poisoned, agreement.not_comparable
            ),
        );
        failures(&mut out, report);
        out
    }
}

fn verdict(report: &Report) -> String {
    let bad = report.gate.regressions.len();
    let unavailable = report.tiers.values().filter(|tier| !tier.available).count();
    match (bad, unavailable, report.accounting.closed) {
        (_, _, false) => "the account is open".to_string(),
        (0, 0, true) => "all as expected".to_string(),
        (0, some, true) => format!("{some} engines not available"),
        (some, _, true) => format!("{some} failures"),
    }
}

/// Adds a line. Writing to a string cannot fail.
fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn table(out: &mut String, report: &Report) {
    let names: Vec<String> = report
        .tiers
        .keys()
        .map(|name| format!(" {name} |"))
        .collect();
    line(out, &format!("| proposal | directives |{}", names.concat()));
    line(out, &format!("|---|---:|{}", "---:|".repeat(names.len())));
    let row = |name: &str, directives: u64, counts: Vec<Counts>| {
        let cells = counts
            .iter()
            .map(|counts| format!(" {} |", cell(counts, directives)));
        format!("| {name} | {directives} |{}", cells.collect::<String>())
    };
    for (name, account) in &report.proposals {
        let counts = report.tiers.keys();
        let counts = counts.map(|tier| account.counts.get(tier).copied().unwrap_or_default());
        line(
            out,
            &row(&escape(name), account.directives, counts.collect()),
        );
    }
    let totals = report.tiers.values().map(|tier| tier.counts).collect();
    line(out, &row("**total**", report.accounting.directives, totals));
}

/// The passes, and in brackets what is neither a pass nor nothing.
fn cell(counts: &Counts, directives: u64) -> String {
    use crate::judge::verdict::Status;
    let others = Status::ALL
        .into_iter()
        .filter(|status| *status != Status::Pass);
    let others = others.filter(|status| counts.of(*status) > 0);
    let others: Vec<String> = others
        .map(|status| format!("{} {}", counts.of(status), status.name()))
        .collect();
    match (counts.pass == directives, others.is_empty()) {
        (true, _) => counts.pass.to_string(),
        (false, true) => format!("{} of {directives}", counts.pass),
        (false, false) => format!("{} ({})", counts.pass, others.join(", ")),
    }
}

fn failures(out: &mut String, report: &Report) {
    let fails = |directive: &&DirectiveAccount| {
        let mut verdicts = directive.tiers.values();
        verdicts.any(|verdict| is_failing(verdict.status))
            || directive.agreement == Agreement::Diverge
    };
    let failing: Vec<&DirectiveAccount> = report.directives.iter().filter(fails).collect();
    if failing.is_empty() {
        return;
    }
    line(out, "");
    for directive in failing.iter().take(SHOWN_MAX) {
        let place = format!("{}:{}", directive.file, directive.line);
        for (tier, verdict) in &directive.tiers {
            if is_failing(verdict.status) {
                let status = verdict.status.name();
                let detail = escape(&verdict.detail);
                line(out, &format!("- `{place}` {tier} {status}: {detail}"));
            }
        }
        if let (Agreement::Diverge, Some(diff)) = (directive.agreement, &directive.diff) {
            line(out, &format!("- `{place}` diverges: {}", escape(diff)));
        }
    }
    if failing.len() > SHOWN_MAX {
        line(out, &format!("- and {} more", failing.len() - SHOWN_MAX));
    }
}

/// Text that is neither markup nor longer than a line.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(TEXT_CHARS_MAX) {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '\\' | '&' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::report::samples::{file, report};

    #[test]
    fn failures_are_listed_and_hostile_names_are_text() {
        let statuses: &[_] = &[Pass, Fail];
        let name = "<b>|x.wast";
        let files = [file(
            name,
            &["(module)"; 2],
            &[(EngineName::STACK, statuses)],
        )];
        let text = Markdown.render(&report(&[EngineName::STACK], &files));
        assert!(text.starts_with("### Wassay: 1 failures\n"), "{text}");
        assert!(text.contains("| mvp | 2 | 1 (1 fail) |"), "{text}");
        assert!(text.contains("stack fail: unsupported: x"), "{text}");
    }

    #[test]
    fn markup_in_messages_is_escaped() {
        assert_eq!(escape("a|b\n<i>`"), "a\\|b \\<i\\>\\`");
    }

    #[test]
    fn a_run_without_failures_lists_none() {
        let files = [file(
            "a.wast",
            &["(module)"],
            &[(EngineName::STACK, &[Pass])],
        )];
        let text = Markdown.render(&report(&[EngineName::STACK], &files));
        assert!(text.starts_with("### Wassay: all as expected\n"), "{text}");
        assert!(text.contains("| **total** | 1 | 1 |"), "{text}");
    }
}
