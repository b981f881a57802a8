//! The report for people: what went wrong ([`blocks`]), then a table of proposals x tiers.
//!
//! Reads a [`Report`] and nothing else, so that the terminal cannot say what the JSON does not.
//! Percentages are cut off, never rounded up: 100.0 % means all of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::blocks;
use super::gate::gate_line;
use super::grid::Grid;
use crate::engine::EngineName;
use crate::judge::verdict::Status;
use crate::outcome::TieredProof;
use crate::report::generated::{GeneratedAccount, Timings};
use crate::report::repeats::RepeatsAccount;
use crate::report::shapes::ShapesAccount;
use crate::report::{AgreementCounts, Counts, Report, TierAccount};

/// Incidents of a kind that are shown.
const INCIDENTS_SHOWN_MAX: usize = 5;
/// Characters of a value or message shown.
const TEXT_CHARS_MAX: usize = 160;

fn paint(color: AnsiColor, text: &str) -> String {
    let style = color.on_default();
    format!("{style}{text}{style:#}")
}

fn red(text: &str) -> String {
    paint(AnsiColor::Red, text)
}

fn green(text: &str) -> String {
    paint(AnsiColor::Green, text)
}

fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// The whole summary, with so many failures at most, ending with a newline. Its colours are for a
/// stream that leaves them out where they are not wanted.
pub fn render(report: &Report, failures_max: usize) -> String {
    let mut out = blocks::render(report, failures_max);
    proposals(&mut out, report);
    tiers(&mut out, report);
    closing(&mut out, report);
    if let Some(account) = &report.shapes {
        shapes(&mut out, account);
    }
    if let Some(account) = &report.repeats {
        repeats(&mut out, account);
    }
    line(&mut out, &bold(&gate_line(report)));
    out
}

/// Adds a line. Writing to a string cannot fail.
fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// One line of bounded length.
fn cut(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &flat[..end]),
        None => flat,
    }
}

fn proposals(out: &mut String, report: &Report) {
    let mut head = vec!["proposal".to_string(), "directives".to_string()];
    head.extend(report.tiers.keys().map(|tier| tier.name().to_string()));
    let mut grid = Grid::new(1);
    grid.row(head.iter().map(|name| bold(name)));
    for (name, account) in &report.proposals {
        let cells = report.tiers.iter().map(|(tier, state)| {
            let counts = account.counts.get(tier).copied().unwrap_or_default();
            cell(&counts, account.directives, state.available)
        });
        grid.row(
            [name.clone(), account.directives.to_string()]
                .into_iter()
                .chain(cells),
        );
    }
    let total = report.accounting.directives;
    let cells = report.tiers.values();
    let cells = cells.map(|state| cell(&state.counts, total, state.available));
    grid.row(
        ["total".to_string(), total.to_string()]
            .into_iter()
            .chain(cells),
    );
    out.push_str(&grid.to_string());
}

fn write_to(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes everything");
}

/// One cell of the table: passes and their share.
fn cell(counts: &Counts, directives: u64, available: bool) -> String {
    if !available {
        return "unavailable".to_string();
    }
    let passes = counts.pass + counts.xpass;
    let text = match counts.compared {
        0 => format!("{passes} {}", percent(passes, directives)),
        compared => format!("{passes} pass, {compared} compared"),
    };
    match (
        counts.is_as_expected(),
        passes + counts.compared == directives,
    ) {
        (false, _) => red(&text),
        (true, true) => green(&text),
        (true, false) => text,
    }
}

/// `part` of `whole` with one decimal, cut off.
fn percent(part: u64, whole: u64) -> String {
    match (part * 1000).checked_div(whole) {
        Some(permille) => format!("{:3}.{}%", permille / 10, permille % 10),
        None => "-".to_string(),
    }
}

fn tiers(out: &mut String, report: &Report) {
    line(out, "");
    tier_lines(out, &report.tiers);
}

fn tier_lines(out: &mut String, tiers: &BTreeMap<EngineName, TierAccount>) {
    let width = tiers.keys().map(|tier| tier.name().len()).max();
    let width = width.unwrap_or_default().max(TIER_WIDTH_MIN);
    for (tier, account) in tiers {
        tier_line(out, *tier, account, width);
    }
}

/// The least width of a column of engines' names.
const TIER_WIDTH_MIN: usize = 8;

fn tier_line(out: &mut String, tier: EngineName, account: &TierAccount, width: usize) {
    let mut text = format!("{:width$}", tier.name());
    if let Some(reason) = &account.reason {
        line(out, &red(&format!("{text}  unavailable: {reason}")));
        return;
    }
    for status in Status::ALL {
        let count = account.counts.of(status);
        if count > 0 || status == Status::Pass {
            write_to(&mut text, format_args!("  {} {count}", status.name()));
        }
        let others = account.counts.other_text;
        if status == Status::Pass && others > 0 {
            write_to(&mut text, format_args!(" ({others} with another text)"));
        }
    }
    if tier.tier().is_none() {
        text.push_str("; not proven which tier of it ran");
        line(out, &text);
        return;
    }
    let proof = &account.proof;
    write_to(
        &mut text,
        format_args!(
            "; {} of {} functions compiled, entered {} times",
            proof.compiled, proof.functions, proof.entered
        ),
    );
    line(out, &text);
    if let Some(tiered) = &proof.tiered {
        tiered_proof(out, tiered);
    }
}

fn tiered_proof(out: &mut String, proof: &TieredProof) {
    let mut text = format!(
        "          {} functions interpreted, entered {} times; {} loops compiled, entered {} times",
        proof.interpreted, proof.entered_interpreter, proof.loops_compiled, proof.loops_entered
    );
    // Functions that lack the same thing are one line, wherever in them it is.
    let mut counts = BTreeMap::<&str, u64>::new();
    for (reason, count) in &proof.kept {
        let reason = reason.split(" (at offset ").next().unwrap_or(reason);
        *counts.entry(reason).or_default() += count;
    }
    for (reason, count) in counts {
        write_to(&mut text, format_args!("; {count} not compiled: {reason}"));
    }
    line(out, &text);
}

fn agreement(out: &mut String, counts: &AgreementCounts) {
    let text = format!(
        "agreement  agree {}  diverge {}  poisoned {}  not comparable {}",
        counts.agree, counts.diverge, counts.poisoned, counts.not_comparable
    );
    line(out, &if counts.diverge > 0 { red(&text) } else { text });
}

fn closing(out: &mut String, report: &Report) {
    agreement(out, &report.agreement);
    let accounting = &report.accounting;
    line(
        out,
        &format!(
            "{} directives in {} files, {} of them decided by the text parser alone; {} jobs, \
             {:.2} s",
            accounting.directives,
            report.files.len(),
            accounting.judged_by_parser,
            report.run.jobs,
            report.run.seconds
        ),
    );
    if let Some(chosen) = &report.run.selection {
        line(out, &format!("only {}", cut(chosen)));
    }
    for guess in report.guesses() {
        line(out, &guess);
    }
    for lacking in report.lacking() {
        line(out, &red(&lacking));
    }
    incidents(out, report);
    if !accounting.closed {
        let first = accounting.open.first().map_or("unknown", String::as_str);
        let text = format!(
            "the accounting is open: {} without a verdict, the first is {first}",
            accounting.open.len()
        );
        line(out, &red(&text));
    }
}

/// What happened to workers: a line for each, of the first ones of a kind.
fn incidents(out: &mut String, report: &Report) {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for incident in &report.incidents {
        let count = shown.entry(incident.kind.name()).or_default();
        *count += 1;
        if *count <= INCIDENTS_SHOWN_MAX {
            let word = incident.kind.name().to_uppercase();
            let text = format!("{} {}", red(&word), cut(&incident.text()));
            line(out, &text);
        }
    }
    for (kind, count) in shown {
        let more = count.saturating_sub(INCIDENTS_SHOWN_MAX);
        if more > 0 {
            line(out, &format!("... and {more} more of kind {kind}"));
        }
    }
}

/// The summary of generated programs, ending with a newline.
pub fn render_generated(report: &Report, timings: bool) -> String {
    let mut out = blocks::render(report, blocks::SHOWN_DEFAULT);
    tiers(&mut out, report);
    agreement(&mut out, &report.agreement);
    incidents(&mut out, report);
    if let Some(account) = &report.generated {
        generated(&mut out, account, report.run.seconds);
        if timings {
            times(&mut out, &account.timings);
        }
    }
    out
}

fn generated(out: &mut String, account: &GeneratedAccount, seconds: f64) {
    let mut grid = Grid::new(1);
    let head = [
        "source",
        "programs",
        "useless",
        "no program",
        "calls",
        "returned",
    ];
    grid.row(head.iter().map(|name| bold(name)));
    let mut programs = 0;
    for (name, source) in &account.sources {
        programs += source.programs;
        let numbers = [
            source.programs,
            source.useless,
            source.no_program,
            source.calls,
            source.returned,
        ];
        let cells = numbers.iter().map(u64::to_string);
        grid.row([name.clone()].into_iter().chain(cells));
    }
    line(out, "");
    out.push_str(&grid.to_string());
    for finding in &account.findings {
        let script = finding.script.as_deref().unwrap_or("not written");
        let lines = finding.lines;
        let text = format!("{} {} {script} ({lines} lines)", red("FOUND"), finding.case);
        line(out, &text);
        line(
            out,
            &format!("    {}: {}", finding.kind, cut(&finding.text)),
        );
    }
    let settings = account.settings.iter();
    let settings: Vec<String> = settings
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    if !settings.is_empty() {
        line(out, &format!("settings   {}", settings.join(", ")));
    }
    let rate = programs as f64 / seconds.max(1e-6);
    let found = account.findings.len();
    let (repeated, alike) = (account.repeated, account.alike_only);
    line(
        out,
        &format!(
            "seed {}: {programs} programs in {seconds:.2} s, {rate:.0} a second; {found} findings, \
             {repeated} repeated, {alike} alike",
            account.seed
        ),
    );
    if let Some(reason) = &account.stopped {
        line(out, &red(&format!("ended early: {reason}")));
    }
}

/// Where the time went.
fn times(out: &mut String, timings: &Timings) {
    let steps = [
        ("generate", timings.generate),
        ("run", timings.run),
        ("judge", timings.judge),
        ("findings", timings.findings),
    ];
    let steps = steps.map(|(name, seconds)| format!("{name} {seconds:.2} s"));
    line(out, &format!("time       {}", steps.join(", ")));
    let workers = timings.workers.iter();
    let workers: Vec<String> = workers
        .map(|(name, seconds)| format!("{name} {seconds:.2} s"))
        .collect();
    line(out, &format!("in workers {}", workers.join(", ")));
}

/// What came of the operand shapes.
fn shapes(out: &mut String, account: &ShapesAccount) {
    let text = format!(
        "\nshapes     {} of {} assertions compute; {} variants of them in {} shapes, {:.2} s",
        account.applicable,
        account.assertions,
        account.variants,
        account.shapes.len(),
        account.seconds
    );
    line(out, &text);
    tier_lines(out, &account.tiers);
    agreement(out, &account.agreement);
    if !account.closed {
        line(out, &red("the accounting of the shapes is open"));
    }
}

/// Directives that differ between repeats and are shown.
const UNSTEADY_MAX: usize = 100;

/// What differs between repeats.
fn repeats(out: &mut String, account: &RepeatsAccount) {
    let runs = account.runs;
    let text = format!(
        "repeats    {runs} runs, {} endings differ",
        account.differing.len()
    );
    line(out, &text);
    for unsteady in account.differing.iter().take(UNSTEADY_MAX) {
        let endings = unsteady.endings.iter();
        let endings: Vec<String> = endings
            .map(|(ending, count)| format!("{count} x {}", cut(ending)))
            .collect();
        let tier = unsteady.tier.map_or("agreement", EngineName::name);
        line(
            out,
            &red(&format!(
                "UNSTEADY {} {tier}: {}",
                unsteady.id,
                endings.join("; ")
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_cut_off() {
        assert_eq!(percent(9999, 10_000).trim(), "99.9%");
        assert_eq!(percent(10_000, 10_000).trim(), "100.0%");
        assert_eq!(percent(0, 0), "-");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = "\u{e4}".repeat(TEXT_CHARS_MAX + 1);
        assert_eq!(cut(&text).chars().count(), TEXT_CHARS_MAX + 3);
        assert_eq!(cut("a\n  b"), "a b");
    }
}
