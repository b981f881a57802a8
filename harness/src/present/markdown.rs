//! The report as Markdown, for comments of pull requests and step summaries: the table of proposals
//! and engines, then what makes the run fail, as far as there is room.

use super::beside::Beside;
use super::bounded::{Bounded, escape, fenced};
use super::failure::{Failure, failures};
use super::gate::gate_line;
use super::{Presenter, verdict_line};
use crate::report::{Counts, Report};

/// Failures whose text is shown; of the others there is a line.
const WHOLE_MAX: usize = 50;

/// The format.
pub struct Markdown;

impl Presenter for Markdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn about(&self) -> &'static str {
        "a summary in Markdown, short enough for a comment"
    }

    fn render(&self, report: &Report, _beside: &Beside) -> String {
        let mut out = Bounded::default();
        let (run, counts) = (&report.run, &report.accounting);
        out.line(&format!("### Wassay: {}\n", escape(&verdict_line(report))));
        let suite = escape(&run.suite);
        let files = report.files.len();
        out.line(&format!(
            "{} directives in {files} files of {suite}, {} of them decided by the text parser \
             alone; bounds {}, profile {}, modes {}.",
            counts.directives, counts.judged_by_parser, run.bounds, run.profile, run.modes
        ));
        for guess in report.guesses() {
            out.line(&format!("({guess}.)"));
        }
        for lacking in report.lacking() {
            out.line(&format!("\n**Features:** {}.", escape(&lacking)));
        }
        for (tier, account) in &report.tiers {
            if let Some(reason) = account.reason.as_ref().filter(|_| !account.available) {
                out.line(&format!("\n**{tier}** is unavailable: {}", escape(reason)));
            }
        }
        out.line("");
        table(&mut out, report);
        out.line("");
        let agreement = &report.agreement;
        out.line(&format!(
            "Engines compared: {} agree, {} diverge, {} poisoned, {} not comparable.",
            agreement.agree, agreement.diverge, agreement.poisoned, agreement.not_comparable
        ));
        shown_failures(&mut out, &failures(report));
        out.finish() + &format!("\n{}\n", escape(&gate_line(report)))
    }
}

fn table(out: &mut Bounded, report: &Report) {
    let names: Vec<String> = report
        .tiers
        .keys()
        .map(|name| format!(" {name} |"))
        .collect();
    out.line(&format!("| proposal | directives |{}", names.concat()));
    out.line(&format!("|---|---:|{}", "---:|".repeat(names.len())));
    let row = |name: &str, directives: u64, counts: Vec<Counts>| {
        let cells = counts
            .iter()
            .map(|counts| format!(" {} |", cell(counts, directives)));
        format!("| {name} | {directives} |{}", cells.collect::<String>())
    };
    for (name, account) in &report.proposals {
        let counts = report.tiers.keys();
        let counts = counts.map(|tier| account.counts.get(tier).copied().unwrap_or_default());
        out.line(&row(&escape(name), account.directives, counts.collect()));
    }
    let totals = report.tiers.values().map(|tier| tier.counts).collect();
    out.line(&row("**total**", report.accounting.directives, totals));
    if !report.texts.is_empty() {
        let counts = report.tiers.values();
        let cells = counts.map(|tier| format!(" {} |", tier.counts.other_text));
        let cells = cells.collect::<String>();
        out.line(&format!(
            "| passed with another text than the suite's | |{cells}"
        ));
    }
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

/// The failures, the first ones with all that is known of them.
fn shown_failures(out: &mut Bounded, all: &[Failure<'_>]) {
    if all.is_empty() {
        return;
    }
    out.line("");
    let mut shown = 0;
    for failure in all {
        let place = format!("{}:{}", escape(failure.file), failure.line);
        let title = escape(&failure.title());
        let word = failure.word().to_uppercase();
        let part = match shown < WHOLE_MAX {
            true => format!(
                "<details><summary>{word} {place} {title}</summary>\n\n{}\n</details>\n",
                fenced("", &failure.lines())
            ),
            false => format!("- {word} {place} {title}\n"),
        };
        if !out.part(&part) {
            break;
        }
        shown += 1;
        if shown == WHOLE_MAX {
            out.line("");
        }
    }
    let more = all.len() - shown;
    if more > 0 {
        out.end(&format!("\n{more} more failures have no room here.\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounded::BYTES_MAX;
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};

    fn render(report: &Report) -> String {
        Markdown.render(report, &Beside::default())
    }

    #[test]
    fn failures_are_listed_with_all_that_is_known() {
        let statuses: &[_] = &[Pass, Fail];
        let files = [file(
            "x.wast",
            &["(module)"; 2],
            &[(EngineName::STACK, statuses)],
        )];
        let text = render(&report(&[EngineName::STACK], &files));
        assert!(
            text.starts_with("### Wassay: 1 failure; 1 of 2 directives"),
            "{text}"
        );
        assert!(text.contains("| mvp | 2 | 1 (1 fail) |"), "{text}");
        assert!(
            text.contains("<summary>FAIL x.wast:2 module: unsupported: x (stack)</summary>"),
            "{text}"
        );
        assert!(
            text.contains("stack: i32 2 (0x00000002)\nrepeat: wassay spec"),
            "{text}"
        );
    }

    #[test]
    fn a_run_without_failures_lists_none() {
        let files = [file(
            "a.wast",
            &["(module)"],
            &[(EngineName::STACK, &[Pass])],
        )];
        let text = render(&report(&[EngineName::STACK], &files));
        assert!(
            text.starts_with("### Wassay: all 1 directives pass in every engine (1)"),
            "{text}"
        );
        assert!(text.contains("| **total** | 1 | 1 |"), "{text}");
    }

    /// However many directives fail, and however long their texts are.
    #[test]
    fn a_summary_fits_into_a_comment() {
        for count in [40, 60, 3000] {
            let a = file(
                "a.wast",
                &vec!["(module)"; count],
                &[(EngineName::STACK, &vec![Fail; count])],
            );
            let mut report = report(&[EngineName::STACK], &[a]);
            for directive in &mut report.directives {
                directive.repro = "x".repeat(3000);
            }
            let text = render(&report);
            assert!(text.len() <= BYTES_MAX, "{}", text.len());
            assert!(
                text.contains(" more failures have no room here.\n\nGATING: failed"),
                "{count}"
            );
        }
    }

    #[test]
    fn hostile_names_are_text() {
        let text = render(&hostile_report());
        let mut fence = None;
        for line in text.lines() {
            match fence {
                Some(end) if line == end => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => fence = Some(line),
                None => assert!(!line.contains("<script>"), "{line}"),
            }
        }
        assert_eq!(fence, None);
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && super::super::cases::is_odd(c))
        );
    }
}
