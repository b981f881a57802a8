//! The matrix of opcodes as Markdown and as a page of HTML without script.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::failure::names;
use super::html::escape;
use crate::coverage::{Coverage, OpcodeCoverage, ShapeCell};
use crate::engine::EngineName;

/// A table: the heading of each column, and rows of cells.
struct Matrix {
    title: &'static str,
    about: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A count as a cell: empty where nothing was counted.
fn cell(count: u64) -> String {
    match count {
        0 => String::new(),
        count => count.to_string(),
    }
}

fn tiers(coverage: &Coverage) -> Matrix {
    let mut heads = ["opcode", "proposal", "validated", "executed", "traps"]
        .map(String::from)
        .to_vec();
    heads.extend(coverage.tiers.iter().map(ToString::to_string));
    heads.push("empty because".to_string());
    let row = |opcode: &OpcodeCoverage| {
        let mut cells = vec![
            opcode.opcode.to_string(),
            opcode.proposal.to_string(),
            cell(opcode.validated),
            cell(opcode.executed),
            cell(opcode.trapped),
        ];
        let passed = |tier| opcode.passed.get(tier).copied().unwrap_or_default();
        cells.extend(coverage.tiers.iter().map(|tier| cell(passed(tier))));
        cells.push(opcode.reason.unwrap_or_default().to_string());
        cells
    };
    Matrix {
        title: "Opcodes and tiers",
        about: format!(
            "`validated`: valid modules that have the opcode. `executed`: directives that executed \
             it, counted by probes in the stack tier, and ended as expected; `traps`: those that \
             ended in a trap at it. A tier: those that passed there. {} directives executed \
             something; {} of scripts with threads are left out.",
            coverage.directives, coverage.left_out
        ),
        heads,
        rows: coverage.opcodes.iter().map(row).collect(),
    }
}

/// The variants of an opcode in a shape, and the tiers in which not all of them passed.
fn shape_cell(counts: &ShapeCell) -> String {
    let mut text = match counts.trapped {
        0 => cell(counts.executed),
        trapped => format!("{} ({trapped})", counts.executed),
    };
    for (tier, passed) in &counts.passed {
        if *passed != counts.executed {
            text += &format!(", {tier} {passed}");
        }
    }
    text
}

/// The tiers in which variants were run.
fn tiers_of_shapes(coverage: &Coverage) -> String {
    let cells = coverage.opcodes.iter().flat_map(|it| it.shapes.values());
    let tiers: BTreeSet<EngineName> = cells.flat_map(|it| it.passed.keys().copied()).collect();
    match tiers.is_empty() {
        true => String::new(),
        false => {
            let tiers: Vec<EngineName> = tiers.into_iter().collect();
            format!(
                " They were run in {}: a tier in which fewer passed is named in the cell, and a \
                 cell that names none passed in each of these.",
                names(&tiers)
            )
        }
    }
}

fn shapes(coverage: &Coverage) -> Matrix {
    let mut heads = vec!["opcode".to_string()];
    heads.extend(coverage.shapes.iter().cloned());
    let has_some = |opcode: &&OpcodeCoverage| !opcode.shapes.is_empty();
    let row = |opcode: &OpcodeCoverage| {
        let mut cells = vec![opcode.opcode.to_string()];
        cells.extend(coverage.shapes.iter().map(|shape| {
            opcode
                .shapes
                .get(shape)
                .map_or_else(String::new, shape_cell)
        }));
        cells
    };
    let none = coverage
        .opcodes
        .iter()
        .filter(|it| it.shapes.is_empty())
        .count();
    Matrix {
        title: "Opcodes and operand shapes",
        about: format!(
            "Variants of assertions (`wassay spec --shapes`) that executed the opcode and ended as \
             expected; in brackets those that ended in a trap at it. {} variants.{} The other \
             {none} opcodes are in no assertion that is repeated; an empty cell is a shape \
             in which no assertion with the opcode is.",
            coverage.variants,
            tiers_of_shapes(coverage)
        ),
        heads,
        rows: coverage.opcodes.iter().filter(has_some).map(row).collect(),
    }
}

fn heading(coverage: &Coverage) -> String {
    format!(
        "Wassay {}, suite {} {}.",
        coverage.version, coverage.suite, coverage.suite_revision
    )
}

/// The matrix as Markdown.
pub fn markdown(coverage: &Coverage) -> String {
    let mut out = format!("# Coverage of opcodes\n\n{}\n", heading(coverage));
    for matrix in [tiers(coverage), shapes(coverage)] {
        let _ = write!(out, "\n## {}\n\n{}\n\n", matrix.title, matrix.about);
        let _ = writeln!(out, "| {} |", matrix.heads.join(" | "));
        let _ = writeln!(out, "|{}", "---|".repeat(matrix.heads.len()));
        for row in matrix.rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
    }
    out
}

/// The matrix as a page that needs nothing else.
pub fn page(coverage: &Coverage) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Coverage of opcodes</title><style>{STYLE}</style></head><body>\
         <h1>Coverage of opcodes</h1><p>{}</p>\n",
        escape(&heading(coverage))
    );
    for matrix in [tiers(coverage), shapes(coverage)] {
        let _ = write!(
            out,
            "<h2>{}</h2><p>{}</p><div tabindex=\"0\"><table><thead><tr>",
            escape(matrix.title),
            escape(&matrix.about)
        );
        for head in &matrix.heads {
            let _ = write!(out, "<th scope=\"col\">{}</th>", escape(head));
        }
        out.push_str("</tr></thead><tbody>\n");
        for row in &matrix.rows {
            out.push_str("<tr>");
            for (index, text) in row.iter().enumerate() {
                let _ = match (index, text.is_empty()) {
                    (0, _) => write!(out, "<th scope=\"row\">{}</th>", escape(text)),
                    (_, true) => write!(out, "<td class=\"none\"></td>"),
                    (_, false) => write!(out, "<td>{}</td>", escape(text)),
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
    }
    out.push_str("</body></html>\n");
    out
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:1rem}div{overflow-x:auto}\
table{border-collapse:collapse}th,td{border:1px solid #8886;padding:.1rem .4rem;text-align:right}\
tbody th{text-align:left;font-weight:normal;font-family:monospace}td.none{background:#e666}";
