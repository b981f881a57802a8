//! A failure as every format shows it: one for each directive or variant, however many engines it
//! concerns, with the engines that agree together.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::engine::EngineName;
use crate::judge::compare::is_of_state;
use crate::judge::verdict::{Agreement, Status};
use crate::report::details::{CallAccount, Details, FrameAccount};
use crate::report::shapes::VariantAccount;
use crate::report::{DirectiveAccount, Report, TierVerdict};

use super::values::readable;

/// A directive or a variant that makes the run fail.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// The directive's id; that of a variant goes on with its shape.
    pub id: &'a str,
    /// The file's path in the suite.
    pub file: &'a str,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// The kind of directive.
    pub kind: &'static str,
    /// The operand shape of a variant.
    pub shape: Option<Shape<'a>>,
    /// What must come of it.
    pub expected: &'a str,
    /// The engines in which it did not plainly pass, by what they did; those that fail first.
    pub groups: Vec<Group<'a>>,
    /// The engines in which it passed.
    pub passing: Vec<EngineName>,
    /// In what engines differ, where the groups do not say it.
    pub diff: Option<&'a str>,
    /// True if engines differ, whatever else is wrong.
    pub diverges: bool,
    /// The text of the directive and what it does, if they are known.
    pub details: Option<&'a Details>,
    /// The command that shows it again.
    pub repro: Cow<'a, str>,
    /// The command that finds the first instruction at which engines differ, where it needs no
    /// further options.
    pub explain: Option<String>,
}

/// The operand shape of a variant.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The name of the shape.
    pub name: &'a str,
    /// The form that was drawn for it; empty where the shape says all.
    pub form: &'a str,
    /// The export that the directive calls.
    pub export: &'a str,
}

/// Engines that agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The engines.
    pub tiers: Vec<EngineName>,
    /// The account.
    pub status: Status,
    /// What happened.
    pub actual: &'a str,
    /// Why that is not a pass.
    pub detail: &'a str,
}

/// Names with commas between them.
pub fn names(tiers: &[EngineName]) -> String {
    let names: Vec<&str> = tiers.iter().map(|tier| tier.name()).collect();
    names.join(", ")
}

/// Everything that makes the run fail, in the order of the report. What was not run because of
/// Ctrl-C is left out: it would hide what was found.
pub fn failures(report: &Report) -> Vec<Failure<'_>> {
    let available = report.tiers.iter().filter(|(_, tier)| tier.available);
    let available: Vec<EngineName> = available.map(|(&tier, _)| tier).collect();
    let of_directive = |directive| Failure::of_directive(report, directive, &available);
    let directives = report.directives.iter().filter_map(of_directive);
    let variants = report.shapes.iter().flat_map(|account| &account.failures);
    let variants = variants.filter_map(|variant| Failure::of_variant(report, variant, &available));
    directives.chain(spread(variants.collect())).collect()
}

/// Variants of one shape that come before those of another one.
const OF_SHAPE_FIRST: usize = 3;

/// Puts a few variants of each shape first, so that a failure in all cases of one shape does not
/// hide those of another.
fn spread(variants: Vec<Failure<'_>>) -> Vec<Failure<'_>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let ranked = variants.into_iter().map(|failure| {
        let count = seen
            .entry(failure.shape.map_or("", |it| it.name))
            .or_default();
        *count += 1;
        ((*count - 1) / OF_SHAPE_FIRST, failure)
    });
    let mut ranked: Vec<(usize, Failure<'_>)> = ranked.collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, failure)| failure).collect()
}

/// The engines of verdicts by what they did, those that fail first.
fn groups(tiers: &BTreeMap<EngineName, TierVerdict>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (&tier, verdict) in tiers {
        let mut group = Group {
            tiers: vec![tier],
            status: verdict.status,
            actual: &verdict.actual,
            detail: &verdict.detail,
        };
        let same = groups.iter_mut().find(|it| {
            (it.status, it.actual, it.detail) == (group.status, group.actual, group.detail)
        });
        match same {
            Some(same) => same.tiers.append(&mut group.tiers),
            None => groups.push(group),
        }
    }
    groups.sort_by_key(|group| !group.status.is_failing());
    groups
}

impl<'a> Failure<'a> {
    fn of_directive(
        report: &Report,
        directive: &'a DirectiveAccount,
        available: &[EngineName],
    ) -> Option<Failure<'a>> {
        let diverges = directive.agreement == Agreement::Diverge;
        let is_shown = |status: Status| {
            status.is_failing() && (status != Status::NotRun || !report.run.interrupted)
        };
        let fails = directive.tiers.values().any(|it| is_shown(it.status));
        if !fails && !diverges {
            return None;
        }
        Some(Failure {
            id: &directive.id,
            file: &directive.file,
            line: directive.line,
            column: directive.column,
            kind: directive.kind.name(),
            shape: None,
            expected: &directive.expected,
            groups: groups(&directive.tiers),
            passing: passing(available, &directive.tiers),
            diff: diff(directive.diff.as_deref(), diverges, fails),
            diverges,
            details: directive.details.as_ref(),
            repro: Cow::Borrowed(&directive.repro),
            explain: report.run.explain(&directive.id),
        })
    }

    fn of_variant(
        report: &Report,
        variant: &'a VariantAccount,
        available: &[EngineName],
    ) -> Option<Failure<'a>> {
        let diverges = variant.agreement == Agreement::Diverge;
        let fails = variant.tiers.values().any(|it| it.status.is_failing());
        if !fails && !diverges {
            return None;
        }
        // The id of the directive, a slash, and what it was made into.
        let behind = variant.id.rfind('#').unwrap_or(0);
        let end = variant.id[behind..].find('/');
        let id = &variant.id[..end.map_or(variant.id.len(), |at| behind + at)];
        let tiers: Vec<EngineName> = match diverges {
            true => available.to_vec(),
            false => variant.tiers.keys().copied().collect(),
        };
        Some(Failure {
            id: &variant.id,
            file: &variant.file,
            line: variant.line,
            column: variant.column,
            kind: "variant",
            shape: Some(Shape {
                name: &variant.shape,
                form: &variant.form,
                export: &variant.export,
            }),
            expected: &variant.expected,
            groups: groups(&variant.tiers),
            passing: passing(available, &variant.tiers),
            diff: diff(variant.diff.as_deref(), diverges, fails),
            diverges,
            details: None,
            repro: Cow::Owned(report.run.repeat(id, &tiers, &shape_words(report))),
            explain: None,
        })
    }

    /// The groups that make the run fail.
    pub fn failing(&self) -> impl Iterator<Item = &Group<'a>> {
        self.groups.iter().filter(|group| group.status.is_failing())
    }

    /// The word for what happened: the worst status, or `diverge`.
    pub fn word(&self) -> &'static str {
        let first = self.failing().next();
        first.map_or(Agreement::Diverge.name(), |group| group.status.name())
    }

    /// What happened, in a line.
    pub fn title(&self) -> String {
        let kind = match self.shape {
            Some(Shape { name, form, export }) => {
                let words = [self.kind, name, form]
                    .into_iter()
                    .filter(|it| !it.is_empty());
                format!("{} of \"{export}\"", words.collect::<Vec<_>>().join(" "))
            }
            None => self.kind.to_string(),
        };
        let parts: Vec<String> = self
            .failing()
            .map(|group| match group.detail {
                "" => names(&group.tiers),
                detail => format!("{} ({})", detail, names(&group.tiers)),
            })
            .collect();
        match parts.is_empty() {
            true => format!("{kind}: engines differ"),
            false => format!("{kind}: {}", parts.join("; ")),
        }
    }

    /// Everything in lines without markup: for formats that show text as it is.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(details) = self.details {
            lines.extend(details.text.lines().map(str::to_string));
            lines.extend(details.is_cut.then(|| "...".to_string()));
            lines.extend(details.call.as_ref().map(call_text));
        }
        for (name, text) in self.rows() {
            lines.push(match name.as_str() {
                "" => format!("  {text}"),
                name => format!("{name}: {text}"),
            });
        }
        lines.extend(self.trace_lines());
        lines.push(format!("repeat: {}", self.repro));
        lines
    }

    /// What was expected and what the engines did: names and texts.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        if !self.expected.is_empty() && !self.groups.is_empty() {
            rows.push(("expected".to_string(), readable(self.expected)));
        }
        for group in &self.groups {
            let shown = super::values::beside(self.expected, group.actual);
            let text = match (group.status, shown.text.as_str()) {
                (Status::Fail, text) => text.to_string(),
                (Status::Xpass, "") => "passes".to_string(),
                (status, text) => format!("{}: {text}", status.name().replace('_', " ")),
            };
            rows.push((names(&group.tiers), text));
            rows.extend(shown.lanes.into_iter().map(|lane| (String::new(), lane)));
        }
        if !self.passing.is_empty() && !self.groups.is_empty() {
            rows.push((names(&self.passing), "as expected".to_string()));
        }
        rows.extend(
            self.diff
                .map(|diff| ("differ".to_string(), diff.to_string())),
        );
        rows
    }

    /// Where code ended, each function in a line.
    fn trace_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for trace in self.details.iter().flat_map(|details| &details.traces) {
            let first = format!("ended in ({}): ", names(&trace.tiers));
            for (depth, frame) in trace.frames.iter().enumerate() {
                let begin = if depth == 0 { &first } else { "  called by: " };
                lines.push(begin.to_string() + &frame_text(frame, self.file));
            }
            lines.extend((trace.more > 0).then(|| format!("  and {} more", trace.more)));
        }
        lines
    }
}

/// The options that make the same variants again.
fn shape_words(report: &Report) -> String {
    let account = report.shapes.as_ref();
    let (seed, samples) = account.map_or((0, 0), |it| (it.seed, it.samples));
    format!("--shapes --shapes-seed {seed} --shapes-samples {samples}")
}

fn passing(available: &[EngineName], tiers: &BTreeMap<EngineName, TierVerdict>) -> Vec<EngineName> {
    let passing = available.iter().filter(|tier| !tiers.contains_key(tier));
    passing.copied().collect()
}

/// The difference between engines, unless it is that of results which the verdicts show already.
fn diff(diff: Option<&str>, diverges: bool, fails: bool) -> Option<&str> {
    diff.filter(|diff| diverges && (!fails || is_of_state(diff)))
}

/// A call in a line.
pub fn call_text(call: &CallAccount) -> String {
    let arguments: Vec<String> = call.arguments.iter().map(|it| readable(it)).collect();
    let function = match &call.function {
        None => String::new(),
        Some(function) => {
            let name = function.name.as_ref();
            let name = name.map_or(String::new(), |name| format!(" ${name}"));
            let code = match &function.instructions[..] {
                [] => String::new(),
                instructions => format!(": {}", instructions.join(" ")),
            };
            format!(", function {}{name}{code}", function.index)
        }
    };
    format!(
        "calls \"{}\"({}){function}",
        call.export,
        arguments.join(", ")
    )
}

/// A frame in a line.
pub fn frame_text(frame: &FrameAccount, file: &str) -> String {
    let mut text = match &frame.name {
        Some(name) => format!("${name}"),
        None => format!("function {}", frame.function),
    };
    if let Some(instruction) = &frame.instruction {
        text += &format!(" at {instruction}");
    }
    match (&frame.place, frame.offset) {
        (Some(place), _) => text + &format!(", {file}:{}:{}", place.line, place.column),
        (None, Some(offset)) => text + &format!(", byte {offset:#x} of its module"),
        (None, None) => text,
    }
}

/// The calls of failures with their numbers, the most frequent first: by instruction where a
/// function has one, else by export.
pub fn by_call(failures: &[Failure<'_>]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for failure in failures {
        let call = failure.details.and_then(|details| details.call.as_ref());
        let Some(call) = call else { continue };
        let function = call.function.as_ref();
        let key = match function.map_or(&[][..], |it| &it.instructions) {
            [instruction] => instruction.clone(),
            _ => format!("\"{}\"", call.export),
        };
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}
