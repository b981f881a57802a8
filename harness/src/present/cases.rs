//! A run as test cases, for formats that know nothing else: in each engine a case for each file,
//! which stands for its directives that plainly passed, and one for each directive that did not.
//!
//! Invariant: no two cases have the same class and name. Names are escaped so that different ones
//! stay different in formats that drop characters.

use std::collections::HashMap;

use super::failure::{Failure, failures};
use super::timeline::Timeline;
use crate::engine::EngineName;
use crate::judge::verdict::{Agreement, Status};
use crate::report::Report;

/// The class of cases that are about no single engine.
const AGREEMENT: &str = "agreement";

/// A test case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The engine, or what several are compared in.
    pub suite: String,
    /// The class of the case: with its name, it is unique.
    pub class: String,
    /// The name.
    pub name: String,
    /// How it ended.
    pub verdict: CaseVerdict,
    /// The word for that in reports of Wassay.
    pub word: &'static str,
    /// The file, from where the program ran, if it is one.
    pub file: Option<String>,
    /// The line, from 1, if the case is of a directive.
    pub line: Option<u32>,
    /// A line that says what happened; empty on a pass.
    pub message: String,
    /// All that is known of a failure.
    pub text: String,
    /// The time of a file in its engine, in seconds.
    pub seconds: Option<f64>,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseVerdict {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// It was not measured: the engine died, hung or is not there.
    Broken,
    /// It was left out, or its failure is expected.
    Skipped,
}

fn verdict(status: Status) -> CaseVerdict {
    match status {
        Status::Pass | Status::Compared => CaseVerdict::Passed,
        Status::Fail | Status::Xpass => CaseVerdict::Failed,
        Status::Xfail | Status::Skip | Status::Blocked => CaseVerdict::Skipped,
        Status::Crash | Status::Timeout | Status::NotRun => CaseVerdict::Broken,
    }
}

/// All cases of a run, by engine.
pub fn cases(report: &Report, timeline: &Timeline) -> Vec<Case> {
    let failures = failures(report);
    let by_id: HashMap<&str, &Failure<'_>> = failures.iter().map(|it| (it.id, it)).collect();
    let seconds = timeline.seconds();
    let mut cases = Vec::new();
    for (&tier, account) in &report.tiers {
        if let Some(reason) = account.reason.as_ref().filter(|_| !account.available) {
            cases.push(unavailable(tier, reason));
            continue;
        }
        for file in &report.files {
            let counts = file.counts.get(&tier).copied().unwrap_or_default();
            if counts.pass + counts.compared > 0 {
                let time = seconds.get(&(tier, file.path.as_str())).copied();
                cases.push(of_file(report, tier, &file.path, time));
            }
        }
        cases.extend(of_directives(report, tier, &by_id));
    }
    for failure in failures.iter().filter(|it| it.shape.is_some()) {
        for group in failure.failing() {
            let of = |tier: &EngineName| {
                of_failure(report, tier.name(), failure, group.status, group.detail)
            };
            cases.extend(group.tiers.iter().map(of));
        }
    }
    cases.extend(disagreements(report, &failures));
    cases
}

fn unavailable(tier: EngineName, reason: &str) -> Case {
    Case {
        suite: tier.name().to_string(),
        class: format!("{tier}.engine"),
        name: "available".to_string(),
        verdict: CaseVerdict::Broken,
        word: Status::NotRun.name(),
        file: None,
        line: None,
        message: escape(&format!("unavailable: {reason}")),
        text: String::new(),
        seconds: None,
    }
}

fn of_file(report: &Report, tier: EngineName, path: &str, seconds: Option<f64>) -> Case {
    Case {
        suite: tier.name().to_string(),
        class: format!("{tier}.files"),
        name: escape(path),
        verdict: CaseVerdict::Passed,
        word: Status::Pass.name(),
        file: report.run.path_of(path),
        line: None,
        message: String::new(),
        text: String::new(),
        seconds,
    }
}

/// The directives that did not plainly pass in an engine.
fn of_directives<'a>(
    report: &'a Report,
    tier: EngineName,
    failures: &'a HashMap<&str, &'a Failure<'_>>,
) -> impl Iterator<Item = Case> + 'a {
    let listed = report.directives.iter();
    let listed = listed.filter_map(move |directive| Some((directive, directive.tiers.get(&tier)?)));
    listed.map(move |(directive, found)| {
        let failure = failures.get(directive.id.as_str());
        match failure.filter(|_| found.status.is_failing()) {
            Some(failure) => of_failure(report, tier.name(), failure, found.status, &found.detail),
            None => Case {
                suite: tier.name().to_string(),
                class: format!("{tier}.directives"),
                name: escape(&directive.id),
                verdict: verdict(found.status),
                word: found.status.name(),
                file: report.run.path_of(&directive.file),
                line: Some(directive.line),
                message: escape(&found.detail),
                text: String::new(),
                seconds: None,
            },
        }
    })
}

fn of_failure(
    report: &Report,
    suite: &str,
    failure: &Failure<'_>,
    status: Status,
    detail: &str,
) -> Case {
    let lines: Vec<String> = failure.lines().iter().map(|line| escape(line)).collect();
    Case {
        suite: suite.to_string(),
        class: format!("{suite}.directives"),
        name: escape(failure.id),
        verdict: verdict(status),
        word: status.name(),
        file: report.run.path_of(failure.file),
        line: Some(failure.line),
        message: escape(&format!("{} {}: {detail}", failure.kind, status.name())),
        text: lines.join("\n"),
        seconds: None,
    }
}

/// Directives in which engines differ.
fn disagreements(report: &Report, failures: &[Failure<'_>]) -> Vec<Case> {
    let directives = report.directives.iter();
    let diverging = directives.filter(|it| it.agreement == Agreement::Diverge);
    let diffs: HashMap<&str, &str> = diverging
        .map(|it| (it.id.as_str(), it.diff.as_deref().unwrap_or_default()))
        .collect();
    let variants = report.shapes.iter().flat_map(|account| &account.failures);
    let variants = variants.filter(|it| it.agreement == Agreement::Diverge);
    let mut diffs = diffs;
    diffs.extend(variants.map(|it| (it.id.as_str(), it.diff.as_deref().unwrap_or_default())));
    let differing = failures
        .iter()
        .filter_map(|failure| Some((failure, *diffs.get(failure.id)?)));
    let case = |(failure, diff): (&Failure<'_>, &str)| {
        let mut case = of_failure(report, AGREEMENT, failure, Status::Fail, diff);
        case.word = Agreement::Diverge.name();
        case
    };
    differing.map(case).collect()
}

/// Text without characters that some format drops; different texts stay different.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if is_odd(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// True for characters that are not text: controls, marks of direction, and what XML does not have.
pub fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::Status::{Crash, Fail, Pass, Skip, Xfail};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};
    use std::collections::HashSet;

    #[test]
    fn each_engine_has_files_and_what_did_not_pass() {
        let texts = ["(module)"; 5];
        let statuses = [Pass, Fail, Xfail, Crash, Skip];
        let a = file(
            "a.wast",
            &texts,
            &[
                (EngineName::STACK, &statuses),
                (EngineName::JIT, &[Pass; 5]),
            ],
        );
        let b = file(
            "b.wast",
            &["(module)"],
            &[(EngineName::STACK, &[Fail]), (EngineName::JIT, &[Fail])],
        );
        let all = cases(
            &report(&[EngineName::STACK, EngineName::JIT], &[a, b]),
            &Timeline::default(),
        );
        let kinds: Vec<_> = all
            .iter()
            .map(|it| (it.class.as_str(), it.word, it.verdict))
            .collect();
        use CaseVerdict::{Broken, Failed, Passed, Skipped};
        assert_eq!(
            kinds,
            [
                ("stack.files", "pass", Passed),
                ("stack.directives", "fail", Failed),
                ("stack.directives", "xfail", Skipped),
                ("stack.directives", "crash", Broken),
                ("stack.directives", "skip", Skipped),
                ("stack.directives", "fail", Failed),
                ("jit.files", "pass", Passed),
                ("jit.directives", "fail", Failed),
            ]
        );
        assert!(
            all[1].text.contains("repeat: wassay spec --directive"),
            "{}",
            all[1].text
        );
    }

    #[test]
    fn classes_and_names_are_unique() {
        let all = cases(&hostile_report(), &Timeline::default());
        let keys: HashSet<(&str, &str)> = all
            .iter()
            .map(|it| (it.class.as_str(), it.name.as_str()))
            .collect();
        assert_eq!(keys.len(), all.len());
        assert!(
            all.iter()
                .any(|it| it.class == "agreement.directives" && it.word == "diverge")
        );
    }

    #[test]
    fn different_texts_stay_different() {
        let texts = ["a\u{1}", "a\u{2}", "a\\u{1}", "a", "a\u{fffe}", "\u{202e}a"];
        let escaped: HashSet<String> = texts.iter().map(|text| escape(text)).collect();
        assert_eq!(escaped.len(), texts.len());
        assert!(escaped.iter().all(|text| !text.chars().any(is_odd)));
    }
}
