//! The report as JUnit XML, for the test views of GitLab, Jenkins and others, by the crate
//! `quick-junit`.
//!
//! GitLab tells cases apart by class and name, so these are unique ([`cases`]). An expected failure
//! is skipped, and what was not measured is an error.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::Presenter;
use super::beside::Beside;
use super::cases::{Case, CaseVerdict, cases, escape};
use crate::report::Report;

/// The format.
pub struct Junit;

impl Presenter for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn about(&self) -> &'static str {
        "JUnit XML"
    }

    fn render(&self, report: &Report, beside: &Beside) -> String {
        let mut out = quick_junit::Report::new("wassay");
        out.set_time(Duration::try_from_secs_f64(report.run.seconds).unwrap_or_default());
        let mut suites: Vec<TestSuite> = Vec::new();
        for case in cases(report, &beside.timeline) {
            let last = suites.last().map(|suite| suite.name.as_str());
            if last != Some(case.suite.as_str()) {
                let mut suite = TestSuite::new(case.suite.as_str());
                suite.add_property(("suite", escape(&report.run.suite).as_str()));
                suite.add_property(("revision", escape(&report.run.suite_revision).as_str()));
                suite.add_property(("host", escape(&report.run.host).as_str()));
                suites.push(suite);
            }
            let suite = suites.last_mut().expect("one was pushed");
            suite.add_test_case(test_case(&case));
        }
        out.add_test_suites(suites);
        out.to_string()
            .expect("XML is written into memory, which does not fail")
    }
}

fn test_case(case: &Case) -> TestCase {
    let mut status = match case.verdict {
        CaseVerdict::Passed => TestCaseStatus::success(),
        CaseVerdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CaseVerdict::Broken => TestCaseStatus::non_success(NonSuccessKind::Error),
        CaseVerdict::Skipped => TestCaseStatus::skipped(),
    };
    if case.verdict != CaseVerdict::Passed {
        status.set_type(case.word);
        status.set_message(case.message.as_str());
        if !case.text.is_empty() {
            status.set_description(case.text.as_str());
        }
    }
    let mut out = TestCase::new(case.name.as_str(), status);
    out.set_classname(case.class.as_str());
    if let Some(file) = &case.file {
        out.extra
            .insert("file".into(), escape(file).as_str().into());
    }
    if let Some(line) = case.line {
        out.extra
            .insert("line".into(), line.to_string().as_str().into());
    }
    if let Some(time) = case
        .seconds
        .and_then(|it| Duration::try_from_secs_f64(it).ok())
    {
        out.set_time(time);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Crash, Fail, Pass, Xfail};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};
    use std::collections::HashSet;

    #[test]
    fn failures_errors_and_what_is_expected_are_told_apart() {
        let statuses = [Pass, Fail, Xfail, Crash];
        let a = file(
            "a.wast",
            &["(module)"; 4],
            &[(EngineName::STACK, &statuses)],
        );
        let text = Junit.render(&report(&[EngineName::STACK], &[a]), &Beside::default());
        let read = quick_junit::Report::deserialize_from_str(&text).expect("JUnit");
        let [suite] = &read.test_suites[..] else {
            panic!("one suite");
        };
        assert_eq!(
            (suite.tests, suite.failures, suite.errors, suite.skipped),
            (4, 1, 1, 1)
        );
        assert_eq!(suite.name.as_str(), "stack");
    }

    /// The text is XML, reads back, and its keys are unique.
    #[test]
    fn hostile_names_are_text() {
        let text = Junit.render(&hostile_report(), &Beside::default());
        assert!(
            text.chars().all(|c| !c.is_control() || c == '\n'),
            "controls"
        );
        assert!(!text.contains("<script>") && !text.contains("]]>"));
        let read = quick_junit::Report::deserialize_from_str(&text).expect("JUnit");
        let cases: Vec<_> = read
            .test_suites
            .iter()
            .flat_map(|it| &it.test_cases)
            .collect();
        let key = |case: &&TestCase| (case.classname.clone(), case.name.clone());
        let keys: HashSet<_> = cases.iter().map(key).collect();
        assert_eq!(keys.len(), cases.len());
        assert!(
            cases
                .iter()
                .any(|case| case.name.as_str().contains("<script>alert(1)"))
        );
    }
}
