//! Failures for the terminal: a block for each directive, with its text, what it calls, expected
//! and actual results side by side, where code ended, and a line that repeats it.

use annotate_snippets::{Annotation, AnnotationKind, Group as Block, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::failure::{Failure, by_call, call_text, failures, frame_text, names};
use crate::report::Report;
use crate::report::details::{Details, FrameAccount};

/// Failures shown where no option says otherwise.
pub const SHOWN_DEFAULT: usize = 25;
/// Failures from which on they are also summed up by what they call.
const SUMMED_UP_MIN: usize = 5;
/// Calls in that sum.
const CALLS_SHOWN_MAX: usize = 8;
/// Lines of a directive that are shown.
const LINES_SHOWN_MAX: usize = 6;
/// Frames of a trace that are shown.
const FRAMES_SHOWN_MAX: usize = 5;
/// Characters of a line of text or of a value that are shown.
const CHARS_SHOWN_MAX: usize = 400;
/// The column up to which a directive keeps its indentation.
const INDENT_MAX: usize = 40;

/// The blocks of a report, so many at most, ending with a newline; empty if nothing fails.
pub fn render(report: &Report, limit: usize) -> String {
    let all = failures(report);
    let unlisted = report.shapes.as_ref().map_or(0, |account| account.unlisted);
    let mut out = String::new();
    for failure in all.iter().take(limit) {
        out.push_str(&block(failure));
        out.push('\n');
    }
    let more = all.len().saturating_sub(limit) as u64 + unlisted;
    if more > 0 {
        // Programs that a seed makes have no such option: their findings are files.
        let hint = match report.generated {
            None => "; --show-failures N shows more of them",
            Some(_) => "",
        };
        let word = if more == 1 { "failure" } else { "failures" };
        out.push_str(&format!("... and {more} more {word}{hint}\n"));
    }
    if all.len() >= SUMMED_UP_MIN {
        let calls = by_call(&all);
        let shown = calls.iter().take(CALLS_SHOWN_MAX);
        let shown: Vec<String> = shown
            .map(|(name, count)| format!("{} {count}", plain(name)))
            .collect();
        let rest = calls.len().saturating_sub(CALLS_SHOWN_MAX);
        let rest = if rest > 0 {
            format!(", and {rest} others")
        } else {
            String::new()
        };
        if !shown.is_empty() {
            out.push_str(&format!("failures by call: {}{rest}\n\n", shown.join(", ")));
        }
    }
    out
}

fn block(failure: &Failure<'_>) -> String {
    let mut out = headline(failure);
    if let Some(details) = failure.details {
        if !details.text.is_empty() {
            out.push_str(&snippet(failure, details));
        }
        if let Some(call) = &details.call {
            out.push_str(&format!("  {}\n", plain(&call_text(call))));
        }
    }
    let rows = failure.rows();
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, text) in rows {
        out.push_str(format!("  {name:width$}  {}", plain(&text)).trim_end());
        out.push('\n');
    }
    if let Some(lacks) = failure.details.and_then(|details| details.lacks.as_deref()) {
        out.push_str(&format!("  valid with: --features {}\n", plain(lacks)));
    }
    out.push_str(&traces(failure));
    out.push_str(&format!("  repeat: {}\n", plain(&failure.repro)));
    out
}

fn headline(failure: &Failure<'_>) -> String {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let word = failure.word().to_uppercase();
    let mut out = format!("{red}{word}{red:#} {}\n", plain(&failure.title()));
    if failure
        .details
        .is_none_or(|details| details.text.is_empty())
    {
        let place = format!("{}:{}:{}", failure.file, failure.line, failure.column);
        out.push_str(&format!("   --> {}\n", plain(&place)));
    }
    out
}

/// The text of a directive with its lines, and those at which code ended.
fn snippet(failure: &Failure<'_>, details: &Details) -> String {
    let column = (failure.column as usize - 1).min(INDENT_MAX);
    let lines: Vec<&str> = details.text.lines().collect();
    let shown = lines.len().min(LINES_SHOWN_MAX);
    let mut text = " ".repeat(column) + &lines[..shown].join("\n");
    if details.is_cut || shown < lines.len() {
        text.push_str(if shown < lines.len() { "\n .." } else { " .." });
    }
    let head = column..column + lines.first().map_or(0, |line| head_length(line));
    let path = plain(failure.file);
    let annotation = AnnotationKind::Primary.span(head);
    let mut block = Block::with_level(Level::ERROR).element(
        Snippet::source(text)
            .path(path.clone())
            .line_start(failure.line as usize)
            .fold(false)
            .annotation(annotation),
    );
    for frame in innermost(details) {
        if let Some(place) = &frame.place {
            let annotation = at_instruction(frame, place.column as usize, &place.text);
            let snippet = Snippet::source(place.text.clone());
            let snippet = snippet.path(path.clone()).line_start(place.line as usize);
            block = block.element(snippet.fold(false).annotation(annotation));
        }
    }
    let mut out = Renderer::styled().render(&[block]);
    out.push('\n');
    out
}

/// The innermost frame of each trace, each place once.
fn innermost(details: &Details) -> Vec<&FrameAccount> {
    let mut frames: Vec<&FrameAccount> = Vec::new();
    for frame in details
        .traces
        .iter()
        .filter_map(|trace| trace.frames.first())
    {
        if !frames.contains(&frame) {
            frames.push(frame);
        }
    }
    frames
}

fn at_instruction<'a>(frame: &FrameAccount, column: usize, text: &str) -> Annotation<'a> {
    let start = (column - 1).min(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let length = rest
        .find(|c: char| c.is_whitespace() || c == ')')
        .unwrap_or(rest.len());
    let label = match &frame.name {
        Some(name) => format!("ended here, in ${}", plain(name)),
        None => format!("ended here, in function {}", frame.function),
    };
    AnnotationKind::Context
        .span(start..start + length)
        .label(label)
}

/// The length of a directive's keyword with its parenthesis.
fn head_length(line: &str) -> usize {
    line.find(char::is_whitespace).unwrap_or(line.len())
}

/// Where code ended, by engines; one frame that the snippet shows already is left out.
fn traces(failure: &Failure<'_>) -> String {
    let mut out = String::new();
    for trace in failure.details.iter().flat_map(|details| &details.traces) {
        let is_shown = matches!(&trace.frames[..], [frame] if frame.place.is_some());
        if is_shown && trace.more == 0 {
            continue;
        }
        let mut lines = Vec::new();
        for frame in trace.frames.iter().take(FRAMES_SHOWN_MAX) {
            lines.push(plain(&frame_text(frame, failure.file)));
        }
        let more = trace.frames.len().saturating_sub(FRAMES_SHOWN_MAX) as u64 + trace.more;
        lines.extend((more > 0).then(|| format!("{more} more")));
        let text = lines.join("\n    called by ");
        out.push_str(&format!("  ended in ({}) {text}\n", names(&trace.tiers)));
    }
    out
}

/// Text of bounded length on one line, without control characters.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == CHARS_SHOWN_MAX {
            out.push_str("...");
            break;
        }
        match c {
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Crash, Fail, Pass};
    use crate::judge::verdict::{Agreement, Comparison};
    use crate::report::details::{CallAccount, FunctionAccount, PlaceAccount, TraceAccount};
    use crate::report::samples::{file, report};

    fn plain_text(report: &Report, limit: usize) -> String {
        anstream::adapter::strip_str(&render(report, limit)).to_string()
    }

    fn details() -> Details {
        let frame = |function, name: &str, line| FrameAccount {
            function,
            offset: Some(16),
            name: Some(name.to_string()),
            instruction: Some("i32.div_s".to_string()),
            place: Some(PlaceAccount {
                line,
                column: 4,
                text: "  (i32.div_s (local.get 0))".to_string(),
            }),
        };
        Details {
            text: "(assert_return (invoke \"f\" (i32.const 7))\n  (i32.const 1))".to_string(),
            is_cut: false,
            lacks: None,
            call: Some(CallAccount {
                export: "f".to_string(),
                arguments: vec!["i32:0x00000007".to_string()],
                function: Some(FunctionAccount {
                    index: 3,
                    name: Some("div".to_string()),
                    instructions: vec!["i32.div_s".to_string()],
                }),
            }),
            traces: vec![TraceAccount {
                tiers: vec![EngineName::JIT],
                frames: vec![frame(3, "div", 12), frame(4, "run", 15)],
                more: 0,
            }],
        }
    }

    /// One directive that fails alike in two engines, otherwise in a third, and diverges.
    fn failing() -> Report {
        let texts = ["(assert_return (invoke \"f\") (i32.const 1))"];
        let tiers = [EngineName::STACK, EngineName::REGISTER, EngineName::JIT];
        let verdicts: Vec<_> = tiers.iter().map(|&tier| (tier, &[Fail][..])).collect();
        let mut a = file("a.wast", &texts, &verdicts);
        for (_, verdict) in a
            .verdicts
            .get_mut(&EngineName::JIT)
            .expect("there")
            .others_mut()
        {
            verdict.actual = "trap: integer divide by zero".to_string();
            verdict.detail = "ended as trap".to_string();
        }
        let diff = "jit: trap, but stack and register: i32:0x00000002".to_string();
        a.comparisons.set(
            0,
            Comparison {
                agreement: Agreement::Diverge,
                diff,
            },
        );
        let mut report = report(&tiers, &[a]);
        report.directives[0].details = Some(details());
        report
    }

    #[test]
    fn a_directive_is_one_block_with_all_that_is_known() {
        let expected = "\
FAIL assert_return: unsupported: x (stack, register); ended as trap (jit)
  --> a.wast:1:1
   |
 1 | (assert_return (invoke \"f\" (i32.const 7))
   | ^^^^^^^^^^^^^^
 2 |   (i32.const 1))
   |
  ::: a.wast:12:4
   |
12 |   (i32.div_s (local.get 0))
   |    --------- ended here, in $div
  calls \"f\"(i32 7 (0x00000007)), function 3 $div: i32.div_s
  expected         i32 1 (0x00000001)
  stack, register  i32 2 (0x00000002)
  jit              trap: integer divide by zero
  ended in (jit) $div at i32.div_s, a.wast:12:4
    called by $run at i32.div_s, a.wast:15:4
  repeat: wassay spec --directive 'a.wast#0-HASH' --tiers stack,register,jit

";
        let report = failing();
        let id = report.directives[0].id.clone();
        let text = plain_text(&report, 25).replace(&id, "a.wast#0-HASH");
        similar_asserts::assert_eq!(text, expected);
    }

    #[test]
    fn engines_that_differ_without_a_failure_are_a_block_of_their_own() {
        let tiers = [EngineName::STACK, EngineName::JIT];
        let mut a = file(
            "a.wast",
            &["(module)"],
            &tiers.map(|tier| (tier, &[Pass][..])),
        );
        let diff = "state of memories: jit: 1, but stack: 2".to_string();
        let agreement = Agreement::Diverge;
        a.comparisons.set(0, Comparison { agreement, diff });
        let text = plain_text(&report(&tiers, &[a]), 25);
        assert!(
            text.starts_with("DIVERGE module: engines differ\n   --> a.wast:1:1\n"),
            "{text}"
        );
        assert!(
            text.contains("  differ  state of memories: jit: 1"),
            "{text}"
        );
    }

    /// The limit counts directives, not lines or engines.
    #[test]
    fn the_limit_counts_directives() {
        let texts = ["(module)"; 6];
        let tiers = [EngineName::STACK, EngineName::JIT];
        let report = report(
            &tiers,
            &[file(
                "a.wast",
                &texts,
                &tiers.map(|it| (it, &[Fail; 6][..])),
            )],
        );
        let text = plain_text(&report, 2);
        assert_eq!(text.matches("FAIL ").count(), 2, "{text}");
        assert!(
            text.contains("... and 4 more failures; --show-failures N"),
            "{text}"
        );
        assert_eq!(plain_text(&report, 6).matches("FAIL ").count(), 6);
        assert!(!plain_text(&report, 6).contains("more failures"));
    }

    #[test]
    fn failures_are_summed_up_by_what_they_call() {
        let texts = ["(module)"; 6];
        let a = file("a.wast", &texts, &[(EngineName::STACK, &[Fail; 6])]);
        let mut report = report(&[EngineName::STACK], &[a]);
        for directive in &mut report.directives {
            directive.details = Some(details());
        }
        assert!(plain_text(&report, 0).ends_with("failures by call: i32.div_s 6\n\n"));
    }

    #[test]
    fn hostile_text_moves_no_cursor() {
        let name = "\u{1b}[2J<script>\"'`]]>\u{7}\u{202e}.wast";
        let mut report = report(
            &[EngineName::STACK],
            &[file(name, &["(module)"], &[(EngineName::STACK, &[Crash])])],
        );
        let mut hostile = details();
        hostile.text = "(invoke \"\u{1b}[31m\u{7}\")".to_string();
        for with in [None, Some(hostile)] {
            report.directives[0].details = with;
            let text = render(&report, 25);
            assert!(
                !text.contains("\u{1b}[2J") && !text.contains('\u{7}'),
                "{text:?}"
            );
            assert!(!text.contains("\"\u{1b}[31m"), "{text:?}");
        }
    }
}
