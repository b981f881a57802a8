//! A comparison for people: plain text, or Markdown for a pull request.
//!
//! Every broken directive is named; what is good news is capped, with its number. Markdown names as
//! many as fit into a comment, and says how many it leaves out.

use std::fmt::Write;

use super::bounded::{Bounded, escape};
use super::gate::{GATING, NOT_GATING};
use crate::engine::EngineName;
use crate::report::Report;
use crate::report::changes::{Change, Line, Outcome, Update};

/// Lines shown of each sort that is no regression.
const LINES_SHOWN_MAX: usize = 50;

/// Bytes of what closes a list of lines.
const CLOSING_BYTES: usize = 100;

/// Plain text, ending with a newline.
pub fn text(outcome: &Outcome, base: &Report, new: &Report) -> String {
    let mut out = String::new();
    for (name, report) in [("base", base), ("new ", new)] {
        put(&mut out, &format!("{name}  {}", describe(report)));
    }
    for note in &outcome.notes {
        put(&mut out, &format!("note  {note}"));
    }
    put(&mut out, "");
    let mut head = format!("{:10}  {:>9}", "tier", "compared");
    for change in Change::ALL {
        head += &format!("  {:>9}", change.name());
    }
    put(&mut out, &head);
    for row in rows(outcome) {
        let mut text = format!("{:10}  {:>9}", row.name, row.compared);
        for count in row.counts {
            text += &format!("  {count:>9}");
        }
        put(&mut out, &text);
    }
    for change in Change::ALL {
        let (shown, more) = lines(outcome, change);
        for line in shown {
            let name = change.name().to_uppercase();
            put(
                &mut out,
                &format!(
                    "{name}{} {} {} {}",
                    mark(line),
                    name_of(line),
                    line.place,
                    line.text
                ),
            );
        }
        if more > 0 {
            put(&mut out, &format!("... and {more} more {}", change.name()));
        }
    }
    for (name, files) in [("GONE", &outcome.gone), ("NEW FILE", &outcome.new)] {
        for (path, directives) in files {
            put(
                &mut out,
                &format!("{name} {path} ({directives} directives)"),
            );
        }
    }
    for update in &outcome.updates {
        put(&mut out, &format!("UPDATE {}", of_update(update)));
    }
    put(&mut out, &verdict(outcome));
    out
}

/// What an update of the suite did to a file.
fn of_update(update: &Update) -> String {
    let Update {
        path,
        added,
        removed,
        reworded,
    } = update;
    format!("{path}: directives added {added}, removed {removed}, reworded {reworded}")
}

/// Markdown that fits into a comment, ending with a newline.
pub fn markdown(outcome: &Outcome, base: &Report, new: &Report) -> String {
    let mut out = Bounded::default();
    out.line(&format!("### Wassay: {}\n", escape(&verdict(outcome))));
    for (name, report) in [("base", base), ("new", new)] {
        out.line(&format!("- {name}: {}", escape(&describe(report))));
    }
    for note in &outcome.notes {
        out.line(&format!("- **note**: {}", escape(note)));
    }
    out.line("");
    let names = Change::ALL.map(Change::name).join(" | ");
    out.line(&format!("| tier | compared | {names} |"));
    out.line(&format!("|---|---:|{}", "---:|".repeat(Change::ALL.len())));
    for row in rows(outcome) {
        let counts: Vec<String> = row.counts.iter().map(usize::to_string).collect();
        let counts = counts.join(" | ");
        out.line(&format!("| {} | {} | {counts} |", row.name, row.compared));
    }
    for change in Change::ALL {
        markdown_lines(&mut out, outcome, change);
    }
    for (name, files) in [("Gone", &outcome.gone), ("New files", &outcome.new)] {
        if !files.is_empty() {
            out.line(&format!("\n**{name}**\n"));
        }
        for (path, directives) in files {
            out.line(&format!("- {} ({directives} directives)", escape(path)));
        }
    }
    if !outcome.updates.is_empty() {
        out.line("\n**Updates of the suite**\n");
    }
    for update in &outcome.updates {
        out.line(&format!("- {}", escape(&of_update(update))));
    }
    out.finish() + &format!("\n{}\n", escape(&verdict(outcome)))
}

/// The lines of one sort, folded together, each as long as there is room for it.
fn markdown_lines(out: &mut Bounded, outcome: &Outcome, change: Change) {
    let (shown, more) = lines(outcome, change);
    if shown.is_empty() {
        return;
    }
    let open = if change.is_bad() { " open" } else { "" };
    let count = shown.len() + more;
    let name = change.name();
    let mut part = format!("\n<details{open}><summary>{name} ({count})</summary>\n\n");
    let mut taken = 0;
    for line in &shown {
        let (tier, place) = (name_of(line), escape(&line.place));
        let line = format!("- {tier} {place} {}{}\n", escape(&line.text), mark(line));
        if !out.has_room(part.len() + line.len() + CLOSING_BYTES) {
            break;
        }
        part.push_str(&line);
        taken += 1;
    }
    if count > taken {
        part.push_str(&format!("- ... and {} more\n", count - taken));
    }
    out.part(&(part + "\n</details>\n"));
}

/// The engine that a line is about; what is lost without one is of the suite.
fn name_of(line: &Line) -> &'static str {
    match (line.change, line.tier) {
        (Change::Lost, None) => SUITE,
        (_, tier) => tier_name(tier),
    }
}

/// The name of what concerns no engine.
const SUITE: &str = "suite";

/// The severity of a line, and that it is allowed.
fn mark(line: &Line) -> String {
    match (line.severity, line.is_allowed) {
        (Some(severity), false) => format!(" ({})", severity.name()),
        (Some(severity), true) => format!(" ({}, allowed)", severity.name()),
        (None, _) => String::new(),
    }
}

/// The lines of one sort that are shown, and how many are not.
fn lines(outcome: &Outcome, change: Change) -> (Vec<&Line>, usize) {
    let all: Vec<&Line> = outcome
        .lines
        .iter()
        .filter(|line| line.change == change)
        .collect();
    let shown = if change.is_bad() {
        all.len()
    } else {
        all.len().min(LINES_SHOWN_MAX)
    };
    let more = all.len() - shown;
    (all.into_iter().take(shown).collect(), more)
}

struct Row {
    name: &'static str,
    compared: String,
    counts: [usize; Change::ALL.len()],
}

/// A row for each tier compared, one for divergences, and one for what the suite lost, if it did.
fn rows(outcome: &Outcome) -> Vec<Row> {
    let lost = outcome.count(Change::Lost, None);
    let row = |tier: Option<EngineName>, compared: String| Row {
        name: tier_name(tier),
        compared,
        counts: Change::ALL.map(|change| match (change, tier) {
            (Change::Lost, None) => 0,
            (change, tier) => outcome.count(change, tier),
        }),
    };
    let of_suite = Row {
        name: SUITE,
        compared: String::new(),
        counts: Change::ALL.map(|change| if change == Change::Lost { lost } else { 0 }),
    };
    let tiers = outcome.compared.iter();
    let tiers = tiers.map(|(&tier, count)| row(Some(tier), count.to_string()));
    let rows = tiers.chain([row(None, String::new())]);
    rows.chain((lost > 0).then_some(of_suite)).collect()
}

fn tier_name(tier: Option<EngineName>) -> &'static str {
    tier.map_or("divergence", EngineName::name)
}

fn describe(report: &Report) -> String {
    let run = &report.run;
    let selection = run
        .selection
        .as_ref()
        .map_or(String::new(), |it| format!(", only {it}"));
    format!(
        "wassay {}, suite {} {}{selection}, {} directives in {} files",
        run.version,
        run.suite,
        run.suite_revision,
        report.accounting.directives,
        report.files.len()
    )
}

/// GATING or NOT GATING, and why.
fn verdict(outcome: &Outcome) -> String {
    let regressions = outcome.regressions();
    let counts: Vec<String> = regressions
        .map(|(severity, count)| format!("{count} {}", severity.name()))
        .collect();
    let regressions = match counts.is_empty() {
        true => "no regressions".to_string(),
        false => format!("regressions: {}", counts.join(", ")),
    };
    let nothing = outcome.compared.values().sum::<u64>() == 0;
    match (outcome.unmeasured || nothing, counts.is_empty()) {
        (true, _) => format!("{NOT_GATING}: not everything could be measured; {regressions}"),
        (false, false) => format!("{GATING}: failed, {regressions}"),
        (false, true) => format!("{GATING}: passed, {regressions} in what was compared"),
    }
}

fn put(out: &mut String, text: &str) {
    out.write_str(text.trim_end_matches(' '))
        .expect("a string takes everything");
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::bounded::BYTES_MAX;
    use super::*;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::present::hostile;
    use crate::report::changes::compare;
    use crate::report::samples::{file, report};

    /// However many directives broke, and whatever they are called.
    #[test]
    fn a_comparison_fits_into_a_comment() {
        for (count, name) in [(3, "a.wast"), (30_000, "a.wast"), (2_000, hostile::TEXT)] {
            let of = |status| {
                let texts = vec!["(module)"; count];
                let a = file(name, &texts, &[(EngineName::STACK, &vec![status; count])]);
                report(&[EngineName::STACK], &[a])
            };
            let (base, new) = (of(Pass), of(Fail));
            let text = markdown(&compare(&base, &new), &base, &new);
            assert!(text.len() <= BYTES_MAX, "{}", text.len());
            assert!(
                text.contains(&format!("<summary>broken ({count})</summary>")),
                "{text}"
            );
            assert!(!text.contains("<script>"));
            let listed = text
                .lines()
                .filter(|line| line.starts_with("- stack "))
                .count();
            let rest = format!("- ... and {} more\n", count - listed);
            assert_eq!(text.contains(&rest), count > 3, "{listed} of {count}");
            assert!(listed >= count.min(100), "{listed}");
        }
    }
}
