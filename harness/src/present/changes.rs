//! A comparison for people: plain text, or Markdown for a pull request.
//!
//! Every broken directive is named; what is good news is capped, with its number.

use std::fmt::Write;

use crate::engine::EngineName;
use crate::report::Report;
use crate::report::changes::{Change, Line, Outcome};

/// Lines shown of each sort that is no regression.
const LINES_SHOWN_MAX: usize = 50;

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
                    "{name} {} {} {}",
                    tier_name(line.tier),
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
    put(&mut out, verdict(outcome));
    out
}

/// Markdown, ending with a newline.
pub fn markdown(outcome: &Outcome, base: &Report, new: &Report) -> String {
    let mut out = String::new();
    put(&mut out, &format!("### Wassay: {}\n", verdict(outcome)));
    for (name, report) in [("base", base), ("new", new)] {
        put(&mut out, &format!("- {name}: {}", describe(report)));
    }
    for note in &outcome.notes {
        put(&mut out, &format!("- **note**: {}", escape(note)));
    }
    put(&mut out, "");
    let names = Change::ALL.map(Change::name).join(" | ");
    put(&mut out, &format!("| tier | compared | {names} |"));
    put(
        &mut out,
        &format!("|---|---:|{}", "---:|".repeat(Change::ALL.len())),
    );
    for row in rows(outcome) {
        let counts: Vec<String> = row.counts.iter().map(usize::to_string).collect();
        put(
            &mut out,
            &format!(
                "| {} | {} | {} |",
                row.name,
                row.compared,
                counts.join(" | ")
            ),
        );
    }
    for change in Change::ALL {
        markdown_lines(&mut out, outcome, change);
    }
    for (name, files) in [("Gone", &outcome.gone), ("New files", &outcome.new)] {
        if files.is_empty() {
            continue;
        }
        put(&mut out, &format!("\n**{name}**\n"));
        for (path, directives) in files {
            put(&mut out, &format!("- `{path}` ({directives} directives)"));
        }
    }
    out
}

fn markdown_lines(out: &mut String, outcome: &Outcome, change: Change) {
    let (shown, more) = lines(outcome, change);
    if shown.is_empty() {
        return;
    }
    let open = if change.is_regression() { " open" } else { "" };
    let count = shown.len() + more;
    put(
        out,
        &format!(
            "\n<details{open}><summary>{} ({count})</summary>\n",
            change.name()
        ),
    );
    for line in shown {
        let text = escape(&line.text);
        put(
            out,
            &format!("- {} `{}` {text}", tier_name(line.tier), line.place),
        );
    }
    if more > 0 {
        put(out, &format!("- ... and {more} more"));
    }
    put(out, "\n</details>");
}

/// Markdown takes neither HTML nor its own marks from values and messages.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '`' | '*' | '_' | '|' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

/// The lines of one sort that are shown, and how many are not.
fn lines(outcome: &Outcome, change: Change) -> (Vec<&Line>, usize) {
    let all: Vec<&Line> = outcome
        .lines
        .iter()
        .filter(|line| line.change == change)
        .collect();
    let shown = if change.is_regression() {
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

/// A row for each tier compared, and one for divergences.
fn rows(outcome: &Outcome) -> Vec<Row> {
    let row = |tier: Option<EngineName>, compared: String| Row {
        name: tier_name(tier),
        compared,
        counts: Change::ALL.map(|change| outcome.count(change, tier)),
    };
    let tiers = outcome.compared.iter();
    let tiers = tiers.map(|(&tier, count)| row(Some(tier), count.to_string()));
    tiers.chain([row(None, String::new())]).collect()
}

fn tier_name(tier: Option<EngineName>) -> &'static str {
    tier.map_or("divergence", EngineName::name)
}

fn describe(report: &Report) -> String {
    let run = &report.run;
    let selection = run
        .selection
        .as_ref()
        .map_or(String::new(), |s| format!(", only {s}"));
    format!(
        "wassay {}, suite {} {}{selection}, {} directives in {} files",
        run.version,
        run.suite,
        run.suite_revision,
        report.accounting.directives,
        report.files.len()
    )
}

fn verdict(outcome: &Outcome) -> &'static str {
    let regressed = outcome.lines.iter().any(|line| line.change.is_regression());
    match (
        outcome.unmeasured || outcome.compared.values().sum::<u64>() == 0,
        regressed,
    ) {
        (true, true) => "regressions, and not everything could be measured",
        (true, false) => "not everything could be measured",
        (false, true) => "regressions",
        (false, false) => "no regressions in what was compared",
    }
}

fn put(out: &mut String, text: &str) {
    out.write_str(text.trim_end_matches(' '))
        .expect("a string takes everything");
    out.push('\n');
}
