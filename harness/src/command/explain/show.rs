//! The text of an explanation: the directive, the endings, the difference, the code around it, and
//! the line that repeats it.

use std::fmt::Write as _;

use serde_json::json;
use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::{Config, Engine, Tier};

use super::{Asked, Explanation};
use crate::cli::ExplainArgs;
use crate::explain::case::source as module_of;
use crate::listing::{self, Part, Stages, source};
use crate::protocol::Setting;
use crate::script::{ModuleSource, Script, write};
use crate::shell;

/// Lines of a listing before the marked one, and behind it.
const LINES_AROUND: usize = 12;
/// Lines of a listing in which none is marked.
const LINES_MAX: usize = 60;
/// Lines of a directive.
const DIRECTIVE_LINES_MAX: usize = 12;

/// Writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => {
        writeln!($out, $($arguments)*).expect("writing to a string cannot fail")
    };
}

/// The explanation for people.
pub fn text(args: &ExplainArgs, asked: &Asked, explanation: &Explanation) -> String {
    let mut out = String::new();
    let difference = &explanation.difference;
    let directive = &asked.script.directives[explanation.ordinal];
    put!(out, "{}, line {}", directive.id, directive.line);
    for line in directive_text(asked, explanation).lines() {
        put!(out, "  {line}");
    }
    let width = difference.engines.iter().map(|it| it.name().len()).max();
    let width = width.unwrap_or_default();
    for (engine, ending) in difference.engines.iter().zip(&difference.endings) {
        put!(out, "  {engine:width$}  {ending}");
    }
    put!(out, "\nfirst difference: {}", difference.sentence());
    if let Some(module) = difference
        .module
        .filter(|_| explanation.case.commands.len() > 2)
    {
        let line = asked.script.directives[module as usize].line;
        put!(out, "in the module of directive {module}, line {line}");
    }
    if let Some(note) = &difference.note {
        put!(out, "not narrower, since {note}");
    }
    listings(&mut out, explanation);
    put!(out, "\nto repeat: {}", repeat(args, explanation));
    out
}

/// The explanation for programs.
pub fn json(args: &ExplainArgs, asked: &Asked, explanation: &Explanation) -> String {
    let directive = &asked.script.directives[explanation.ordinal];
    let value = json!({
        "directive": directive.id,
        "line": directive.line,
        "text": directive_text(asked, explanation),
        "sentence": explanation.difference.sentence(),
        "difference": explanation.difference,
        "repeat": repeat(args, explanation),
    });
    format!("{value:#}\n")
}

/// The directive as text, cut if it is long.
fn directive_text(asked: &Asked, explanation: &Explanation) -> String {
    let at = explanation.ordinal;
    let alone = Script {
        directives: vec![asked.script.directives[at].clone()],
        commands: vec![asked.script.commands[at].clone()],
        ..Script::clone(&Script {
            directives: Vec::new(),
            commands: Vec::new(),
            path: asked.script.path.clone(),
            sha256: String::new(),
        })
    };
    let text = write::text(&alone).unwrap_or_else(|error| format!(";; {error}"));
    cut(text.trim_end(), DIRECTIVE_LINES_MAX)
}

fn cut(text: &str, lines_max: usize) -> String {
    let count = text.lines().count();
    if count <= lines_max {
        return text.to_string();
    }
    let lines: Vec<&str> = text.lines().take(lines_max).collect();
    format!(
        "{}\n.. ({} more lines)",
        lines.join("\n"),
        count - lines_max
    )
}

/// The function in which the difference is, in the forms that the engines run.
fn listings(out: &mut String, explanation: &Explanation) {
    let difference = &explanation.difference;
    let (Some(module), Some(func)) = (difference.module, difference.func) else {
        return;
    };
    let position = explanation
        .case
        .ordinals
        .iter()
        .position(|it| *it == module);
    let source = position.and_then(|at| module_of(&explanation.case.commands[at]));
    let Some(ModuleSource::Binary(bytes)) = source else {
        return;
    };
    let config = *Config::only(Tier::Register)
        .features(explanation.config.features.wasmparser())
        .bounds(explanation.config.bounds);
    let parts = Engine::new(&config).and_then(|engine| ModuleParts::new(&engine, bytes));
    let Ok(parts) = parts else { return };
    let Some(body) = parts.body_index(func) else {
        return;
    };
    put!(out, "\nfunction {func}");
    let tiers = difference.engines.iter().filter_map(|name| name.tier());
    let tiers: Vec<crate::tier::Tier> = tiers.collect();
    let runs_machine_code = tiers.iter().any(|tier| tier.runs_machine_code());
    let stages = Stages {
        source: true,
        ir: tiers.iter().any(|tier| *tier != crate::tier::Tier::Stack),
        built: false,
        optimised: runs_machine_code,
        code: runs_machine_code,
    };
    let asked = (stages, difference.offset_bytes);
    let mut show = |it: Part| part(out, it.name, &it.text, &it.marked);
    // What cannot be made is not shown: the difference has been told.
    let _ = listing::parts(&parts, body, &config, asked, &mut show);
}

/// The columns of an offset in a function's source.
const OFFSET_COLUMNS: usize = 8;

/// The blanks behind the offset in a line of a function's source: how deep blocks nest there.
fn indent_of(line: &str) -> Option<usize> {
    source::offset_of(line)?;
    let rest = line.get(OFFSET_COLUMNS..)?;
    Some(rest.len() - rest.trim_start().len())
}

/// A listing around the first of the marked lines; if none is marked, its beginning.
fn part(out: &mut String, name: &str, text: &str, marked: &[usize]) {
    put!(out, "\n{name}");
    let count = text.trim_end().lines().count();
    let (first, last) = match marked.first() {
        Some(&marked) => (
            marked.saturating_sub(LINES_AROUND),
            count.min(marked + LINES_AROUND + 1),
        ),
        None => (0, count.min(LINES_MAX)),
    };
    if first > 0 {
        put!(out, "  .. ({first} lines before)");
    }
    let shown: Vec<&str> = text.lines().take(last).skip(first).collect();
    let indent = shown.iter().filter_map(|line| indent_of(line)).min();
    for (line, at) in shown.into_iter().zip(first..) {
        let mark = if marked.contains(&at) { '>' } else { ' ' };
        let (head, rest) = line.split_at(OFFSET_COLUMNS.min(line.len()));
        match (indent_of(line), indent) {
            (Some(_), Some(indent)) => put!(out, "{mark} {head}  {}", &rest[indent..]),
            (Some(_), None) | (None, _) => put!(out, "{mark} {line}"),
        }
    }
    if last < count {
        put!(out, "  .. ({} lines behind)", count - last);
    }
}

/// The command line that shows the same again.
fn repeat(args: &ExplainArgs, explanation: &Explanation) -> String {
    let [one, other] = explanation.difference.engines;
    let mut words = vec![
        "wassay".to_string(),
        "explain".to_string(),
        shell::quote(&args.what),
    ];
    words.push(format!("--engines {one},{other}"));
    let setting = Setting {
        bounds: explanation.config.bounds,
        profile: explanation.config.profile,
        modes: explanation.config.modes,
    };
    words.extend(setting.words());
    words.extend(args.repeat_words());
    words.extend(args.rest.iter().map(|it| shell::quote(it)));
    words.join(" ")
}
