//! Blessing makes a run as expected, says what it did, and touches nothing else.

use super::*;
use crate::judge::judged::JudgedFile;
use crate::judge::verdict::Status::{self, Blocked, Crash, Fail, NotRun, Pass, Skip};
use crate::report::samples::{file, report};

const JIT_FUEL: &str = "jit@fuel";

fn column(name: &str) -> EngineName {
    name.parse().expect("a name")
}

/// A file with the statuses of columns, two directives being enough.
fn of(path: &str, columns: &[(&str, &[Status])]) -> JudgedFile {
    let texts = vec!["(module)"; columns[0].1.len()];
    let columns: Vec<(EngineName, &[Status])> = columns
        .iter()
        .map(|(name, statuses)| (column(name), *statuses))
        .collect();
    file(path, &texts, &columns)
}

/// The report of a run of files with expectations.
fn run(files: &[JudgedFile], expectations: &str) -> (Report, Vec<String>) {
    let mut files = files.to_vec();
    let path = Path::new("e.toml");
    let expectations = Expectations::parse(path, expectations).expect("well formed");
    let usage = expectations.apply(&mut files, true);
    let tiers: Vec<EngineName> = files[0].verdicts.keys().copied().collect();
    (report(&tiers, &files), usage.stale)
}

fn wishes() -> Wishes {
    Wishes {
        reason: Some("later".to_string()),
        ..Wishes::default()
    }
}

fn blessed(files: &[JudgedFile], text: &str, wishes: &Wishes) -> Blessed {
    let (report, _) = run(files, text);
    bless(Path::new("e.toml"), text, &report, wishes).expect("well formed")
}

/// Blesses, and sees to it that the run is as expected then and blessing changes nothing any more.
fn settled(files: &[JudgedFile], text: &str) -> Blessed {
    let first = blessed(files, text, &wishes());
    let (report, stale) = run(files, &first.text);
    assert_eq!(report.gate.regressions, [], "{}", first.text);
    assert_eq!(stale, Vec::<String>::new(), "{}", first.text);
    let again = blessed(files, &first.text, &wishes());
    assert_eq!(again.changes, Vec::<String>::new(), "{}", first.text);
    assert_eq!(again.text, first.text);
    first
}

#[test]
fn counts_follow_and_comments_stay() {
    let text = "# Head.\n\n# Of the entry.\n[[expect]]\nfile = \"a.wast\"\n\
        detail = \"unsupported:\"\ncount = 3 # so many\nreason = \"r\"\n";
    let files = [of(
        "a.wast",
        &[
            ("stack", &[Fail, Crash, Pass]),
            ("jit", &[Fail, Fail, Pass]),
        ],
    )];
    let after = settled(&files, text);
    let all = "tiers = [\"stack\", \"jit\"]\n";
    let left = "tiers = [\"register\", \"tiered-1\", \"tiered-2\"]\n";
    assert!(
        after
            .text
            .starts_with("# Head.\n\n# Of the entry.\n[[expect]]\n"),
        "{}",
        after.text
    );
    assert!(
        after.text.contains("count = 2 # so many\n"),
        "{}",
        after.text
    );
    assert!(
        after.text.contains("count = 3 # so many\n"),
        "tiers that did not run keep theirs"
    );
    assert!(
        after.text.contains(all) && after.text.contains(left),
        "{}",
        after.text
    );
    assert_eq!(after.changes.len(), 2);
    assert!(
        after.changes[0].contains("is for 2 failures in stack, not 3"),
        "{:?}",
        after.changes
    );
}

#[test]
fn what_excuses_nothing_goes_and_heads_of_sections_stay() {
    let entry = |file: &str| {
        format!(
            "[[expect]]\nfile = \"{file}\"\ntiers = [\"stack\"]\ndetail = \"unsupported:\"\n\
             reason = \"r\"\n"
        )
    };
    let text = format!(
        "# Head.\n\n# Of a.\n{}\n# Of b.\n{}",
        entry("a.wast"),
        entry("b.wast")
    );
    let files = [
        of("a.wast", &[("stack", &[Pass])]),
        of("b.wast", &[("stack", &[Fail])]),
    ];
    let after = settled(&files, &text);
    assert_eq!(
        after.text,
        format!("# Head.\n\n# Of b.\n{}", entry("b.wast"))
    );
    assert_eq!(after.changes.len(), 1);
    assert!(after.changes[0].contains("line 4: the expectation for file `a.wast` excuses nothing"));
}

#[test]
fn what_the_run_did_not_cover_stays() {
    let text = "[[expect]]\nfile = \"c.wast\"\ndetail = \"x\"\nreason = \"r\"\n\n\
        [[expect]]\nfile = \"a.wast\"\ntiers = [\"register\"]\ndetail = \"x\"\nreason = \"r\"\n\n\
        [[expect]]\nfile = \"a.wast\"\nhosts = [\"other\"]\ndetail = \"x\"\nreason = \"r\"\n\n\
        [[expect]]\nengines = [\"wasmi\"]\nfile = \"a.wast\"\ndetail = \"x\"\nreason = \"r\"\n\n\
        [[expect]]\nfile = \"s.wast\"\ntiers = [\"stack\"]\ndetail = \"x\"\nreason = \"r\"\n\n\
        [[expect]]\nfile = \"b.wast\"\ntiers = [\"stack\"]\ndetail = \"x\"\nreason = \"r\"\n";
    let files = [
        of("a.wast", &[("stack", &[Pass, Pass])]),
        of("s.wast", &[("stack", &[Pass, Skip])]),
        of("b.wast", &[("stack", &[Pass, Blocked])]),
    ];
    let (report, _) = run(&files, "");
    let after = bless(Path::new("e.toml"), text, &report, &wishes()).expect("well formed");
    assert_eq!(
        after,
        Blessed {
            text: text.to_string(),
            ..Blessed::default()
        }
    );

    // A part of the suite says nothing about what is in all of it.
    let broad =
        "[[expect]]\nproposal = \"mvp\"\ntiers = [\"stack\"]\ndetail = \"x\"\nreason = \"r\"\n";
    let (mut report, _) = run(&files[..1], "");
    let removed = bless(Path::new("e.toml"), broad, &report, &wishes()).expect("well formed");
    assert_eq!(removed.changes.len(), 1);
    report.run.selection = Some("--filter a".to_string());
    let kept = bless(Path::new("e.toml"), broad, &report, &wishes()).expect("well formed");
    assert_eq!(kept.text, broad);
    // Nor does a run that has no end.
    report.run.interrupted = true;
    assert!(bless(Path::new("e.toml"), broad, &report, &wishes()).is_err());
    let (mut report, _) = run(&files[..1], "");
    report.run.selection = Some("--directive a.wast:1".to_string());
    assert!(bless(Path::new("e.toml"), broad, &report, &wishes()).is_err());
}

#[test]
fn failures_that_none_expects_get_entries() {
    let files = [of(
        "a.wast",
        &[
            ("stack", &[Fail, Fail]),
            ("jit", &[Pass, Pass]),
            (JIT_FUEL, &[Pass, Crash]),
        ],
    )];
    let after = settled(&files, "# Only a comment.\n");
    assert_eq!((after.added, after.changes.len()), (3, 2));
    assert!(
        after.text.starts_with("# Only a comment.\n"),
        "{}",
        after.text
    );
    assert!(
        after.text.contains("configurations = [\"fuel\"]"),
        "{}",
        after.text
    );
    assert!(after.text.contains("reason = \"later\""), "{}", after.text);
    assert!(
        after.changes[1].contains("expected 2 times in stack"),
        "{:?}",
        after.changes
    );
}

#[test]
fn columns_that_differ_divide_an_entry() {
    let text = "[[expect]]\nfile = \"a.wast\"\ntiers = [\"stack\", \"jit\"]\ncount = 2\n\
        detail = \"unsupported:\"\nreason = \"r\"\n";
    let files = [of(
        "a.wast",
        &[
            ("stack", &[Pass, Pass]),
            ("jit", &[Fail, Pass]),
            (JIT_FUEL, &[Fail, Fail]),
        ],
    )];
    let after = settled(&files, text);
    assert_eq!(
        after.text.matches("[[expect]]").count(),
        2,
        "{}",
        after.text
    );
    assert!(!after.text.contains("stack"), "{}", after.text);
}

#[test]
fn a_file_of_one_engine_is_about_that_engine_alone() {
    let files = [of(
        "a.wast",
        &[("stack", &[Fail, Fail]), ("wasmi", &[Fail, Pass])],
    )];
    let (report, _) = run(&files, "");
    let wishes = Wishes {
        engine: Some(column("wasmi")),
        ..wishes()
    };
    let after = bless(Path::new("e.toml"), "", &report, &wishes).expect("well formed");
    assert_eq!(after.added, 1);
    assert!(
        after.text.contains("count = 1") && !after.text.contains("engines"),
        "{}",
        after.text
    );
    let other = Wishes {
        engine: Some(column("v8")),
        ..wishes
    };
    assert!(bless(Path::new("e.toml"), "", &report, &other).is_err());
}

#[test]
fn what_was_not_run_is_not_expected_to_fail() {
    let files = [of("a.wast", &[("stack", &[NotRun, NotRun])])];
    let (report, _) = run(&files, "");
    let after = bless(Path::new("e.toml"), "", &report, &wishes()).expect("well formed");
    assert_eq!((after.added, after.text.as_str()), (0, ""));
}
