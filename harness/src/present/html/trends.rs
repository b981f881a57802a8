//! The runs before the report's own: a line for each engine, and for each proposal that has moved.
//!
//! A line is drawn between its least and its greatest share of passes, as SVG in the page, so that
//! it needs no script; what it shows is beside it in numbers, and in words for screen readers.

use std::fmt::Write as _;

use super::{escape, row_head, section, table};
use crate::engine::EngineName;
use crate::report::Report;
use crate::report::history::PastRun;

/// The latest runs that a line shows, the report's own among them.
const RUNS_MAX: usize = 100;
/// Rows of proposals.
const ROWS_MAX: usize = 100;
/// The size of a line, in pixels, and its margin.
const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 32.0;
const MARGIN: f64 = 3.0;

/// A run in a line.
#[derive(Clone, Debug)]
struct Point<'a> {
    date: &'a str,
    passes: u64,
    directives: u64,
}

impl Point<'_> {
    fn share(&self) -> f64 {
        match self.directives {
            0 => 0.0,
            directives => self.passes as f64 / directives as f64,
        }
    }

    fn text(&self) -> String {
        format!("{} of {}", self.passes, self.directives)
    }
}

/// The section.
pub(super) fn trends(report: &Report, earlier: &[PastRun]) -> String {
    let run = &report.run;
    let is_same = |past: &&PastRun| past.suite == run.suite && past.selection == run.selection;
    let earlier: Vec<&PastRun> = earlier.iter().filter(is_same).collect();
    let earlier = &earlier[earlier.len().saturating_sub(RUNS_MAX - 1)..];
    if earlier.is_empty() {
        let none = "<p>There is no earlier run of this suite: --history FILE adds runs.</p>\n";
        return section("trends", "Over time", none);
    }
    let mut rows = String::new();
    for (&engine, state) in report.tiers.iter().filter(|(_, state)| state.available) {
        let now = (
            state.counts.pass + state.counts.xpass,
            report.accounting.directives,
        );
        rows += &row(
            engine.name(),
            "",
            &points(report, earlier, engine, None, now),
        );
    }
    let columns = |first: &[&str]| -> Vec<String> {
        let rest = [
            "runs",
            "passed first",
            "passes now",
            "change",
            "share of passes",
        ];
        first.iter().chain(&rest).map(ToString::to_string).collect()
    };
    let caption = "Directives that passed in the earlier runs of the history, and that pass now";
    let mut content = table(caption, "", &columns(&["engine"]), &rows);
    let moved = moved_proposals(report, earlier);
    if !moved.is_empty() {
        let caption = "Proposals whose passes have changed over these runs";
        content += &table(
            caption,
            "",
            &columns(&["proposal", "engine"]),
            &moved.concat(),
        );
    }
    section("trends", "Over time", &content)
}

/// A row for each proposal and engine of which not all runs are the same.
fn moved_proposals(report: &Report, earlier: &[&PastRun]) -> Vec<String> {
    let mut rows = Vec::new();
    for (name, account) in &report.proposals {
        for (&engine, counts) in &account.counts {
            let now = (counts.pass + counts.xpass, account.directives);
            let points = points(report, earlier, engine, Some(name), now);
            let is_moved = points
                .iter()
                .any(|point| (point.passes, point.directives) != now);
            if is_moved && rows.len() < ROWS_MAX {
                let engine = format!("<td class=\"text\">{}</td>", escape(engine.name()));
                rows.push(row(name, &engine, &points));
            }
        }
    }
    rows
}

/// The runs that have an engine, and the report's own at the end.
fn points<'a>(
    report: &'a Report,
    earlier: &[&'a PastRun],
    engine: EngineName,
    proposal: Option<&str>,
    (passes, directives): (u64, u64),
) -> Vec<Point<'a>> {
    let earlier = earlier.iter().filter_map(|past| {
        let (passes, directives) = past.passes(engine, proposal)?;
        Some(Point {
            date: &past.date,
            passes,
            directives,
        })
    });
    let provenance = report.run.provenance.as_ref();
    let own = Point {
        date: provenance.map_or("a day that is not known", |known| &known.date),
        passes,
        directives,
    };
    earlier.chain([own]).collect()
}

fn row(name: &str, cells: &str, points: &[Point<'_>]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let change = last.passes as i64 - first.passes as i64;
    let bad = if change < 0 { " class=\"bad\"" } else { "" };
    format!(
        "<tr>{}{cells}<td>{}</td><td>{}</td><td>{}</td><td{bad}>{change:+}</td><td>{}</td></tr>\n",
        row_head(name),
        points.len(),
        first.text(),
        last.text(),
        line(name, points)
    )
}

/// The shares of a line, from left to right.
fn line(name: &str, points: &[Point<'_>]) -> String {
    let shares = points.iter().map(Point::share);
    let least = shares.clone().fold(1.0, f64::min);
    let most = shares.clone().fold(0.0, f64::max);
    let step = (WIDTH - 2.0 * MARGIN) / (points.len().max(2) - 1) as f64;
    let mut path = String::new();
    for (n, share) in shares.enumerate() {
        // A line that does not move is in the middle.
        let height = match most - least {
            0.0 => 0.5,
            range => (share - least) / range,
        };
        let x = MARGIN + step * n as f64;
        let y = HEIGHT - MARGIN - height * (HEIGHT - 2.0 * MARGIN);
        let _ = write!(path, "{x:.1},{y:.1} ");
    }
    let told = |point: &Point<'_>| format!("{} on {}", point.text(), point.date);
    let ends = [points.first(), points.last()].map(|it| it.map(told).unwrap_or_default());
    let label = format!(
        "{name}: from {} to {}; least {:.2} %, most {:.2} %",
        ends[0],
        ends[1],
        least * 100.0,
        most * 100.0
    );
    format!(
        "<svg class=\"trend\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\
         <polyline points=\"{}\" /></svg>",
        escape(&label),
        path.trim_end()
    )
}
