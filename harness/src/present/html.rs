//! The report as one page of HTML: a file without any other, for `file://` and offline.
//!
//! The tables need no script; with script, failures and files can be searched and files sorted.
//! A policy in the page allows exactly its own style and script, by their hashes. Owns: the page's
//! structure. What text may do in it is [`escape`]'s.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::beside::Beside;
use super::failure::{Failure, failures, names};
use super::gate::gate_line;
use super::timeline::{Span, Timeline};
use super::{Presenter, cases, verdict_line};
use crate::engine::EngineName;
use crate::judge::verdict::Status;
use crate::outcome::JudgedBy;
use crate::report::texts::TextAccount;
use crate::report::{Counts, Report};

mod code;
mod trends;

use code::Code;

/// The format.
pub struct Html;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Bytes that failures with their texts may take; of the others only their number is said.
const FAILURES_BYTES_MAX: usize = 1_500_000;
/// Reasons of expected failures and of what was left out.
const REASONS_MAX: usize = 300;
/// Files in the table of those that took longest.
const SLOWEST_MAX: usize = 25;
/// Texts that are not the suite's.
const TEXTS_MAX: usize = 300;
/// Ids that a reason names.
const IDS_OF_REASON_MAX: usize = 3;

impl Presenter for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn about(&self) -> &'static str {
        "one page of HTML with all tables and failures"
    }

    fn shows_code(&self) -> bool {
        true
    }

    fn render(&self, report: &Report, beside: &Beside) -> String {
        let all = failures(report);
        let mut page = head(report);
        page += "<main id=\"main\">\n";
        page += &map(report);
        page += &engines(report);
        page += &trends::trends(report, &beside.earlier);
        page += &search(report, &all);
        page += &shown_failures(report, &all, beside);
        page += &reasons(report);
        page += &texts(report);
        page += &files(report);
        page += &times(&beside.timeline);
        page += "</main>\n<footer><p class=\"dim\">Made by wassay ";
        page += &escape(&report.run.version);
        page += ".</p></footer>\n<script>";
        page += SCRIPT;
        page += "</script>\n</body>\n</html>\n";
        page
    }
}

/// Text as content or as the value of an attribute in quotes. Characters that are not text become
/// visible.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if cases::is_odd(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The source expression of a policy for a text.
fn hash(text: &str) -> String {
    format!(
        "'sha256-{}'",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

fn head(report: &Report) -> String {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let run = &report.run;
    let verdict = escape(&verdict_line(report));
    let gate = escape(&gate_line(report));
    let facts = [
        ("suite", run.suite.clone()),
        ("revision", run.suite_revision.clone()),
        (
            "selection",
            run.selection
                .clone()
                .unwrap_or_else(|| "all of it".to_string()),
        ),
        ("directives", report.accounting.directives.to_string()),
        ("files", report.files.len().to_string()),
        ("host", run.host.clone()),
        (
            "bounds, profile, modes",
            format!("{}, {}, {}", run.bounds, run.profile, run.modes),
        ),
        (
            "time",
            format!("{:.2} s with {} jobs", run.seconds, run.jobs),
        ),
        ("wassay", run.version.clone()),
    ];
    let fact = |(name, text): &(&str, String)| format!("<dt>{name}</dt><dd>{}</dd>", escape(text));
    let facts = facts.iter().map(fact);
    let sections = [
        ("map", "Proposals and engines"),
        ("engines", "Engines"),
        ("trends", "Over time"),
        ("failures", "Failures"),
        ("reasons", "Expected failures"),
        ("texts", "Texts"),
        ("files", "Files"),
        ("times", "Times"),
    ];
    let links = sections.map(|(id, name)| format!("<li><a href=\"#{id}\">{name}</a></li>"));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <title>Wassay: {verdict}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the tables</a>\n\
         <header>\n<h1>Wassay: {verdict}</h1>\n<p class=\"gate\">{gate}</p>\n<dl>{}</dl>\n\
         <nav aria-label=\"Sections\"><ul>{}</ul></nav>\n</header>\n",
        facts.collect::<String>(),
        links.concat()
    )
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{content}</section>\n"
    )
}

/// A table that scrolls by itself where it is wider than the screen.
fn table(caption: &str, attributes: &str, head: &[String], rows: &str) -> String {
    let head: String = head
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escape(name)))
        .collect();
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\
         <table{attributes}><caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row_head(text: &str) -> String {
    format!("<th scope=\"row\">{}</th>", escape(text))
}

/// The heat of a cell: five for all as it should be, one for none of it, zero for not measured.
fn heat(counts: &Counts, directives: u64) -> u8 {
    let good = counts.pass + counts.compared;
    let left_out = counts.skip;
    match (directives - left_out.min(directives), good) {
        (0, _) => 0,
        (asked, good) if good >= asked && left_out == 0 => 5,
        (asked, good) if good * 100 >= asked * 99 => 4,
        (asked, good) if good * 10 >= asked * 9 => 3,
        (asked, good) if good * 2 >= asked => 2,
        _ => 1,
    }
}

fn cell(counts: &Counts, directives: u64, is_available: bool) -> String {
    if !is_available {
        return "<td class=\"h0\" data-value=\"-1\">unavailable</td>".to_string();
    }
    let others = Status::ALL.into_iter();
    let others = others.filter(|&it| !it.is_plain() && counts.of(it) > 0);
    let others: Vec<String> = others
        .map(|it| format!("{} {}", it.name().replace('_', " "), counts.of(it)))
        .collect();
    let passes = counts.pass + counts.compared;
    let permille = (passes * 1000).checked_div(directives).unwrap_or(0);
    let share = format!("{}.{}%", permille / 10, permille % 10);
    let bad = if counts.is_as_expected() { "" } else { " bad" };
    let heat = heat(counts, directives);
    let more = match others.is_empty() {
        true => String::new(),
        false => format!("<br /><small>{}</small>", others.join(", ")),
    };
    format!("<td class=\"h{heat}{bad}\" data-value=\"{permille}\">{passes} {share}{more}</td>")
}

fn map(report: &Report) -> String {
    let mut head = vec!["proposal".to_string(), "directives".to_string()];
    head.extend(report.tiers.keys().map(ToString::to_string));
    let mut rows = String::new();
    for (name, account) in &report.proposals {
        let cells = report.tiers.iter().map(|(tier, state)| {
            let counts = account.counts.get(tier).copied().unwrap_or_default();
            cell(&counts, account.directives, state.available)
        });
        let directives = account.directives;
        rows += &format!("<tr>{}<td>{directives}</td>", row_head(name));
        rows.extend(cells);
        rows += "</tr>\n";
    }
    let total = report.accounting.directives;
    rows += &format!("<tr>{}<td>{total}</td>", row_head("total"));
    rows.extend(
        report
            .tiers
            .values()
            .map(|it| cell(&it.counts, total, it.available)),
    );
    rows += "</tr>\n";
    let agreement = &report.agreement;
    let note = format!(
        "<p>Engines compared, by directive: {} agree, {} diverge, {} poisoned, {} not \
         comparable.</p>\n",
        agreement.agree, agreement.diverge, agreement.poisoned, agreement.not_comparable
    );
    let caption = "Directives that pass, with their share; what else there is, below";
    section(
        "map",
        "Proposals and engines",
        &(table(caption, "", &head, &rows) + &note),
    )
}

fn engines(report: &Report) -> String {
    let mut head = vec!["engine".to_string()];
    head.extend(Status::ALL.map(|status| status.name().replace('_', " ")));
    let more = [
        "other text",
        "functions compiled",
        "entered",
        "unavailable, since",
    ];
    head.extend(more.map(str::to_string));
    let mut rows = String::new();
    for (tier, account) in &report.tiers {
        rows += &format!("<tr>{}", row_head(tier.name()));
        for status in Status::ALL {
            let count = account.counts.of(status);
            let is_bad = count > 0 && status.is_failing();
            rows += &format!(
                "<td{}>{count}</td>",
                if is_bad { " class=\"bad\"" } else { "" }
            );
        }
        rows += &format!("<td>{}</td>", account.counts.other_text);
        let proof = &account.proof;
        let is_proven = tier.tier().is_some() && account.available;
        rows += &match is_proven {
            true => format!(
                "<td>{} of {}</td><td>{}</td>",
                proof.compiled, proof.functions, proof.entered
            ),
            false => "<td>not proven</td><td>not proven</td>".to_string(),
        };
        let reason = account.reason.as_deref().unwrap_or_default();
        rows += &format!("<td class=\"text\">{}</td></tr>\n", escape(reason));
    }
    let caption = "Directives by their verdict in each engine";
    section("engines", "Engines", &table(caption, "", &head, &rows))
}

/// The search, which script shows.
fn search(report: &Report, all: &[Failure<'_>]) -> String {
    let options = |names: Vec<String>| {
        let options = names
            .iter()
            .map(|name| format!("<option>{}</option>", escape(name)));
        options.collect::<String>()
    };
    let engines = options(report.tiers.keys().map(ToString::to_string).collect());
    let words: std::collections::BTreeSet<&str> = all.iter().map(Failure::word).collect();
    let words = options(words.into_iter().map(str::to_string).collect());
    format!(
        "<form id=\"search\" role=\"search\" hidden=\"hidden\">\n\
         <label>Search failures and files<input id=\"search-text\" type=\"search\" /></label>\n\
         <label>Failures in engine<select id=\"search-engine\"><option value=\"\">any</option>\
         {engines}</select></label>\n\
         <label>that are<select id=\"search-status\"><option value=\"\">any</option>\
         {words}</select></label>\n\
         <button type=\"reset\">Clear</button>\n\
         <output id=\"search-said\" aria-live=\"polite\"></output>\n</form>\n"
    )
}

fn shown_failures(report: &Report, all: &[Failure<'_>], beside: &Beside) -> String {
    let listings = beside.listings.as_ref();
    let mut code = listings.map(|it| Code::new(all, it));
    let mut content = String::new();
    let (mut shown, mut bytes) = (0, 0);
    for failure in all {
        let part = one_failure(failure);
        if bytes + part.len() > FAILURES_BYTES_MAX {
            break;
        }
        bytes += part.len();
        content += &part;
        content.extend(code.as_mut().map(|it| it.show(failure)));
        content += "</details>\n";
        shown += 1;
    }
    let more = all.len() - shown;
    content = match all.is_empty() {
        true => "<p>There are none.</p>\n".to_string(),
        false => {
            let note = code.map_or_else(|| code::without_modules(report), |it| it.note(all));
            format!("<p>{note}</p>\n{content}")
        }
    };
    if more > 0 {
        content += &format!("<p class=\"bad\">{more} more failures have no room here.</p>\n");
    }
    let title = format!("Failures and divergences ({})", all.len());
    section("failures", &title, &content)
}

fn one_failure(failure: &Failure<'_>) -> String {
    let engines: Vec<&str> = failure
        .failing()
        .flat_map(|group| group.tiers.iter().map(|tier| tier.name()))
        .collect();
    let lines = failure.lines().join("\n");
    let explain = match &failure.explain {
        Some(line) => format!("explain: {line}\n"),
        None => String::new(),
    };
    let place = format!("{}:{}:{}", failure.file, failure.line, failure.column);
    format!(
        "<details data-item=\"failure\" data-engines=\"{}\" data-status=\"{}\"><summary>\
         <span class=\"bad\">{}</span> {} {}</summary>\n\
         <pre tabindex=\"0\">{}\n{}</pre>\n",
        engines.join(" "),
        failure.word(),
        failure.word().to_uppercase(),
        escape(&place),
        escape(&failure.title()),
        escape(&lines),
        escape(&explain),
    )
}

/// The reasons of expected failures and of what was left out, with their directives by engine.
fn reasons(report: &Report) -> String {
    type OfReason<'a> = (BTreeMap<EngineName, u64>, Vec<&'a str>);
    let mut all: BTreeMap<(&str, &str), OfReason<'_>> = BTreeMap::new();
    for directive in &report.directives {
        for (&tier, verdict) in &directive.tiers {
            if verdict.status.is_failing() {
                continue;
            }
            let entry = all
                .entry((verdict.status.name(), &verdict.detail))
                .or_default();
            *entry.0.entry(tier).or_default() += 1;
            if entry.1.len() < IDS_OF_REASON_MAX && entry.1.last() != Some(&&*directive.id) {
                entry.1.push(&directive.id);
            }
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, (counts, _))| std::cmp::Reverse(counts.values().sum::<u64>()));
    let mut rows = String::new();
    for ((status, reason), (counts, ids)) in all.iter().take(REASONS_MAX) {
        let counts = counts.iter().map(|(tier, count)| format!("{tier} {count}"));
        let counts: Vec<String> = counts.collect();
        let ids: Vec<String> = ids.iter().map(|id| escape(id)).collect();
        rows += &format!(
            "<tr>{}<td class=\"text\">{}</td><td class=\"text\">{}</td>\
             <td class=\"text\">{}</td></tr>\n",
            row_head(status),
            escape(reason),
            counts.join(", "),
            ids.join("<br />")
        );
    }
    let head = ["verdict", "reason", "directives by engine", "the first"].map(str::to_string);
    let caption = "Directives that are expected to fail, or were left out, by reason";
    let mut content = match all.is_empty() {
        true => "<p>There are none.</p>\n".to_string(),
        false => table(caption, "", &head, &rows),
    };
    let more = all.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        content += &format!("<p>{more} more reasons have no room here.</p>\n");
    }
    section(
        "reasons",
        "Expected failures, and what was left out",
        &content,
    )
}

/// The texts of directives that passed with another one than the suite's.
fn texts(report: &Report) -> String {
    let mut all: Vec<&TextAccount> = report.texts.iter().collect();
    all.sort_by_key(|text| std::cmp::Reverse(text.counts.values().sum::<u64>()));
    let mut rows = String::new();
    for text in all.iter().take(TEXTS_MAX) {
        let counts = text.counts.iter();
        let counts: Vec<String> = counts.map(|(tier, it)| format!("{tier} {it}")).collect();
        let by = match text.by {
            JudgedBy::Engine => "the engine",
            JudgedBy::Parser => "the text parser",
        };
        let cells = [
            &text.expected,
            &text.actual,
            by,
            &counts.join(", "),
            &text.example,
        ];
        rows += &format!("<tr>{}", row_head(text.kind.name()));
        rows.extend(cells.map(|it| format!("<td class=\"text\">{}</td>", escape(it))));
        rows += "</tr>\n";
    }
    let head = [
        "directive",
        "suite's text",
        "other text",
        "by",
        "directives by engine",
        "one of them",
    ];
    let caption = "What was refused as it should be, for a reason in other words than the suite's";
    let mut content = match all.is_empty() {
        true => "<p>There are none.</p>\n".to_string(),
        false => table(caption, "", &head.map(str::to_string), &rows),
    };
    let more = all.len().saturating_sub(TEXTS_MAX);
    if more > 0 {
        content += &format!("<p>{more} more texts have no room here.</p>\n");
    }
    section("texts", "Texts that are not the suite's", &content)
}

fn files(report: &Report) -> String {
    let mut head = vec![
        "file".to_string(),
        "directives".to_string(),
        "seconds".to_string(),
    ];
    head.extend(report.tiers.keys().map(ToString::to_string));
    let mut rows = String::new();
    for file in &report.files {
        let cells = report.tiers.iter().map(|(tier, state)| {
            let counts = file.counts.get(tier).copied().unwrap_or_default();
            short_cell(&counts, file.directives, state.available)
        });
        rows += &format!(
            "<tr data-item=\"file\">{}<td data-value=\"{1}\">{1}</td>\
             <td data-value=\"{2}\">{2:.3}</td>",
            row_head(&file.path),
            file.directives,
            file.seconds
        );
        rows.extend(cells);
        rows += "</tr>\n";
    }
    let caption = "Directives that pass in each file; seconds are those in all engines together";
    section(
        "files",
        "Files",
        &table(caption, " data-sort=\"\"", &head, &rows),
    )
}

fn short_cell(counts: &Counts, directives: u64, is_available: bool) -> String {
    let passes = counts.pass + counts.compared;
    let heat = if is_available {
        heat(counts, directives)
    } else {
        0
    };
    let bad = if counts.is_as_expected() || !is_available {
        ""
    } else {
        " bad"
    };
    format!("<td class=\"h{heat}{bad}\" data-value=\"{passes}\">{passes}</td>")
}

fn times(timeline: &Timeline) -> String {
    if timeline.spans.is_empty() {
        return section("times", "Times", "<p>Times were not recorded.</p>\n");
    }
    let seconds = |span: &Span| (span.end - span.start).as_secs_f64();
    let mut by_engine: BTreeMap<EngineName, (u64, f64)> = BTreeMap::new();
    for span in &timeline.spans {
        let entry = by_engine.entry(span.tier).or_default();
        entry.0 += 1;
        entry.1 += seconds(span);
    }
    let most = by_engine.values().map(|it| it.1).fold(0.0, f64::max);
    let mut rows = String::new();
    for (tier, (files, time)) in &by_engine {
        let (head, time) = (row_head(tier.name()), time_cells(*time, most));
        rows += &format!("<tr>{head}<td>{files}</td>{time}</tr>\n");
    }
    let head = ["engine", "files", "seconds", "share of the longest"].map(str::to_string);
    let mut content = table("Time of all files in each engine", "", &head, &rows);
    let mut slowest: Vec<&Span> = timeline.spans.iter().collect();
    slowest.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)));
    let most = slowest.first().map_or(0.0, |span| seconds(span));
    let mut rows = String::new();
    for span in slowest.iter().take(SLOWEST_MAX) {
        rows += &format!(
            "<tr>{}<td class=\"text\">{}</td>{}</tr>\n",
            row_head(&span.path),
            names(&[span.tier]),
            time_cells(seconds(span), most)
        );
    }
    let head = ["file", "engine", "seconds", "share of the longest"].map(str::to_string);
    content += &table("Files that took longest", "", &head, &rows);
    section("times", "Times", &content)
}

fn time_cells(seconds: f64, most: f64) -> String {
    let share = if most > 0.0 { seconds / most } else { 0.0 };
    format!(
        "<td data-value=\"{seconds}\">{seconds:.3}</td>\
         <td><meter value=\"{share:.4}\" max=\"1\" aria-hidden=\"true\"></meter></td>"
    )
}

#[cfg(test)]
mod tests;
