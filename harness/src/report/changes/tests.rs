//! Each change between two reports is named as what it is, and nothing is claimed that the
//! reports cannot tell.

use super::*;
use crate::judge::judged::JudgedFile;
use crate::judge::verdict::Comparison;
use crate::report::TierVerdict;
use crate::report::samples::{file, report};
use crate::report::shapes::{ShapesAccount, VariantAccount};
use Status::{Fail, Pass, Skip, Xfail, Xpass};

const TIERS: [EngineName; 1] = [EngineName::STACK];

fn one(path: &str, texts: &[&str], statuses: &[Status]) -> JudgedFile {
    file(path, texts, &[(EngineName::STACK, statuses)])
}

/// Three directives in one file.
fn three(statuses: [Status; 3]) -> Report {
    report(&TIERS, &[one("a.wast", &["(module)"; 3], &statuses)])
}

fn changes(outcome: &Outcome) -> Vec<(Change, String)> {
    outcome
        .lines
        .iter()
        .map(|line| (line.change, line.place.clone()))
        .collect()
}

#[test]
fn equal_reports_have_no_changes() {
    let base = three([Pass, Fail, Xfail]);
    let outcome = compare(&base, &base);
    assert_eq!(changes(&outcome), []);
    assert_eq!(outcome.compared[&EngineName::STACK], 3);
    assert_eq!(outcome.exit(), Exit::AsExpected);
}

/// A run that did not come to its end passes no gate, on either side.
#[test]
fn interrupted_runs_are_not_measured() {
    let whole = three([Pass, Pass, Pass]);
    let mut cut_off = whole.clone();
    cut_off.run.interrupted = true;
    assert_eq!(compare(&whole, &cut_off).exit(), Exit::NotMeasured);
    assert_eq!(compare(&cut_off, &whole).exit(), Exit::NotMeasured);
}

#[test]
fn unlisted_directives_of_an_unchanged_file_passed() {
    let outcome = compare(&three([Pass, Fail, Pass]), &three([Fail, Pass, Pass]));
    let broken = (Change::Broken, "a.wast:1".to_string());
    let fixed = (Change::Fixed, "a.wast:2".to_string());
    assert_eq!(changes(&outcome), [broken, fixed]);
    assert_eq!(outcome.exit(), Exit::Failed);
}

#[test]
fn every_pair_of_statuses_has_its_class() {
    for before in Status::ALL {
        for after in Status::ALL {
            let outcome = compare(&three([before, Pass, Pass]), &three([after, Pass, Pass]));
            let change = outcome.lines.first().map(|line| line.change);
            // What was compared is not listed, as what passed is not.
            let plain = |status: Status| if status.is_plain() { Pass } else { status };
            let expected = match (plain(before), plain(after)) {
                (before, after) if before == after => None,
                (Skip, _) | (_, Skip) => None,
                (Pass, Xpass) | (Xpass, Pass) => Some(Change::Changed),
                (_, Pass | Xpass) => Some(Change::Fixed),
                (Pass | Xpass, _) => Some(Change::Broken),
                (_, Xfail) => Some(Change::Fixed),
                (Xfail, _) => Some(Change::Broken),
                _ => Some(Change::Changed),
            };
            assert_eq!(change, expected, "{before:?} -> {after:?}");
            let skipped = before == Skip || after == Skip;
            assert_eq!(outcome.compared[&EngineName::STACK], 3 - u64::from(skipped));
        }
    }
}

#[test]
fn a_new_divergence_is_a_regression() {
    let diverging = || {
        let mut file = one("a.wast", &["(module)"], &[Pass]);
        file.comparisons.set(
            0,
            Comparison {
                agreement: Agreement::Diverge,
                diff: String::new(),
            },
        );
        report(&TIERS, &[file])
    };
    let agreeing = report(&TIERS, &[one("a.wast", &["(module)"], &[Pass])]);
    let outcome = compare(&agreeing, &diverging());
    assert_eq!(
        (outcome.count(Change::Broken, None), outcome.exit()),
        (1, Exit::Failed)
    );
    let outcome = compare(&diverging(), &agreeing);
    assert_eq!(
        (outcome.count(Change::Fixed, None), outcome.exit()),
        (1, Exit::AsExpected)
    );
    let outcome = compare(&diverging(), &diverging());
    assert_eq!(changes(&outcome), []);
}

#[test]
fn files_come_and_go_only_in_the_same_selection() {
    let both = report(
        &TIERS,
        &[
            one("a.wast", &["(module)"], &[Pass]),
            one("b.wast", &["(module)", "(module)"], &[Fail, Pass]),
        ],
    );
    let mut only_a = report(&TIERS, &[one("a.wast", &["(module)"], &[Pass])]);
    let outcome = compare(&both, &only_a);
    assert_eq!(outcome.gone, [("b.wast".to_string(), 2)]);
    let mut outcome = outcome;
    assert_eq!(changes(&outcome), [(Change::Lost, "b.wast".to_string())]);
    assert_eq!(outcome.exit(), Exit::Failed);
    outcome.allow(&[crate::suite::pattern("b.*").expect("a pattern")]);
    assert_eq!(outcome.exit(), Exit::AsExpected);
    let outcome = compare(&only_a, &both);
    assert_eq!(outcome.new, [("b.wast".to_string(), 2)]);
    assert_eq!(changes(&outcome), [(Change::New, "b.wast:1".to_string())]);
    assert_eq!(
        outcome.exit(),
        Exit::Failed,
        "a new failure is allowed by name only"
    );
    only_a.run.selection = Some("--filter a".to_string());
    let ends = [
        (compare(&both, &only_a), Exit::NotMeasured),
        (compare(&only_a, &both), Exit::AsExpected),
    ];
    for (outcome, exit) in ends {
        assert_eq!(outcome.exit(), exit);
        assert_eq!(
            (outcome.gone.len(), outcome.new.len(), outcome.lines.len()),
            (0, 0, 0)
        );
        let notes = outcome.notes.join("\n");
        assert!(notes.contains("1 files are in"), "{notes}");
        assert!(notes.contains("--filter a"), "{notes}");
    }
}

#[test]
fn what_an_update_of_the_suite_did_is_apart_from_changed_verdicts() {
    let known = "(assert_return (invoke \"known\"))";
    let gone = "(assert_return (invoke \"gone\"))";
    let other = "(assert_return (invoke \"other\"))";
    let base = report(
        &TIERS,
        &[one(
            "a.wast",
            &["(module)", known, gone],
            &[Pass, Fail, Pass],
        )],
    );
    let texts = ["(module)", "(module)", known, other];
    let of = |statuses: [Status; 4]| report(&TIERS, &[one("a.wast", &texts, &statuses)]);
    let outcome = compare(&base, &of([Pass, Pass, Fail, Pass]));
    assert_eq!(
        (changes(&outcome), outcome.exit()),
        (vec![], Exit::AsExpected)
    );
    let path = "a.wast".to_string();
    let update = Update {
        path,
        added: 1,
        removed: 0,
        reworded: 1,
    };
    assert_eq!(outcome.updates, [update]);
    assert_eq!(outcome.compared[&EngineName::STACK], 2);
    let fixed = compare(&base, &of([Pass, Pass, Pass, Pass]));
    // What passes now is not listed any more, so that its place is the old one.
    assert_eq!(changes(&fixed), [(Change::Fixed, "a.wast:2".to_string())]);
    let broken = compare(&of([Pass; 4]), &of([Pass, Pass, Fail, Pass]));
    assert_eq!(changes(&broken), [(Change::Broken, "a.wast:3".to_string())]);
    let newly = compare(&base, &of([Pass, Pass, Fail, Fail]));
    assert_eq!(changes(&newly), [(Change::New, "a.wast:4".to_string())]);
    assert!(
        newly.lines[0].text.starts_with("reworded: fail"),
        "{}",
        newly.lines[0].text
    );
    let less = report(
        &TIERS,
        &[one("a.wast", &["(module)", known], &[Pass, Fail])],
    );
    let removed = compare(&base, &less);
    assert_eq!(changes(&removed), [(Change::Lost, "a.wast".to_string())]);
    assert_eq!(removed.exit(), Exit::Failed);
}

#[test]
fn regressions_have_severities() {
    let severity = |to| {
        let outcome = compare(&three([Pass; 3]), &three([to, Pass, Pass]));
        outcome.regressions().collect::<Vec<_>>()
    };
    assert_eq!(severity(Status::Crash), [(Severity::Critical, 1)]);
    assert_eq!(severity(Fail), [(Severity::Major, 1)]);
    assert_eq!(severity(Xfail), [(Severity::Minor, 1)]);
    assert_eq!(severity(Pass), []);
    let mut outcome = compare(&three([Pass; 3]), &three([Fail, Pass, Pass]));
    outcome.allow_below(Severity::Critical);
    assert_eq!(outcome.exit(), Exit::AsExpected);
}

#[test]
fn of_a_changed_file_only_what_can_be_told_is_told() {
    // Reports of earlier versions do not have the texts.
    let report = |statuses: &[_], texts: &[&str]| {
        let mut report = report(&TIERS, &[one("a.wast", texts, statuses)]);
        report.files[0].texts.clear();
        report
    };
    let known = "(assert_return (invoke \"known\"))";
    let base = report(&[Pass, Fail], &["(module)", known]);
    // One directive more, in front: ordinals move, the text of `known` stays.
    let still = ["(module)", "(module)", known];
    let outcome = compare(&base, &report(&[Pass, Pass, Fail], &still));
    assert_eq!(
        (changes(&outcome), outcome.exit()),
        (vec![], Exit::AsExpected)
    );
    assert!(
        outcome
            .notes
            .iter()
            .any(|note| note.contains("a.wast changed"))
    );
    let outcome = compare(&base, &report(&[Pass, Fail, Fail], &still));
    assert_eq!(
        changes(&outcome),
        [(Change::Undecided, "a.wast:2".to_string())]
    );
    assert_eq!(outcome.exit(), Exit::Failed, "it cannot be ruled out");
    let notes = compare(&base, &report(&[Pass, Pass, Pass], &still))
        .notes
        .join("\n");
    assert!(notes.contains("1 directives that did not pass in BASE pass in NEW or are gone"));
}

#[test]
fn tiers_that_one_side_did_not_measure_are_not_compared() {
    let files = |tiers: &[EngineName]| {
        let statuses: Vec<(EngineName, &[Status])> =
            tiers.iter().map(|&t| (t, &[Pass][..])).collect();
        report(tiers, &[file("a.wast", &["(module)"], &statuses)])
    };
    let base = files(&[EngineName::STACK, EngineName::JIT]);
    let mut outcome = compare(&base, &files(&[EngineName::STACK]));
    assert_eq!(outcome.exit(), Exit::Failed, "an engine is lost");
    outcome.allow(&[crate::suite::pattern("jit").expect("a pattern")]);
    assert_eq!(outcome.exit(), Exit::AsExpected);
    assert!(
        outcome
            .notes
            .join("\n")
            .contains("`jit` is not compared: it was not chosen in NEW")
    );
    let mut unavailable = files(&[EngineName::STACK, EngineName::JIT]);
    let jit = unavailable.tiers.get_mut(&EngineName::JIT).expect("there");
    (jit.available, jit.reason) = (false, Some("no emulator".to_string()));
    let outcome = compare(&base, &unavailable);
    assert_eq!(outcome.exit(), Exit::NotMeasured);
    assert!(outcome.notes.join("\n").contains("no emulator"));
    let outcome = compare(
        &files(&[EngineName::REGISTER]),
        &files(&[EngineName::STACK]),
    );
    assert_eq!(outcome.exit(), Exit::NotMeasured, "nothing was compared");
}

#[test]
fn both_renderings_name_every_broken_directive() {
    let base = three([Pass, Fail, Pass]);
    let new = three([Fail, Pass, Pass]);
    let outcome = compare(&base, &new);
    let text = crate::present::changes::text(&outcome, &base, &new);
    assert!(
        text.contains("BROKEN (major) stack a.wast:1 pass -> fail: unsupported: x"),
        "{text}"
    );
    assert!(text.contains("FIXED stack a.wast:2 fail -> pass"), "{text}");
    let markdown = crate::present::changes::markdown(&outcome, &base, &new);
    assert!(
        markdown.starts_with("### Wassay: GATING: failed, regressions: 1 major"),
        "{markdown}"
    );
    assert!(
        markdown.contains("- stack a.wast:1 pass -&gt; fail: unsupported: x"),
        "{markdown}"
    );
}

#[test]
fn operand_shapes_that_fail_are_compared_by_their_ids() {
    let with = |shapes| Report {
        shapes,
        ..three([Pass; 3])
    };
    let good = || {
        Some(ShapesAccount {
            closed: true,
            ..ShapesAccount::default()
        })
    };
    let bad = || {
        let mut account = good().expect("made so");
        account.failures.push(failing_variant());
        Some(account)
    };
    let outcome = compare(&with(good()), &with(bad()));
    assert_eq!(
        changes(&outcome),
        [(Change::Broken, "a.wast:2".to_string())]
    );
    assert_eq!(outcome.exit(), Exit::Failed);
    let outcome = compare(&with(bad()), &with(good()));
    assert_eq!(changes(&outcome), [(Change::Fixed, "a.wast:2".to_string())]);
    assert_eq!(changes(&compare(&with(bad()), &with(bad()))), []);
    let outcome = compare(&with(None), &with(bad()));
    assert_eq!(changes(&outcome), []);
    assert_eq!(outcome.notes.len(), 1, "{:?}", outcome.notes);
}

fn failing_variant() -> VariantAccount {
    let verdict = TierVerdict {
        status: Fail,
        actual: "i32:0x00000002".to_string(),
        detail: "result 0 differs".to_string(),
    };
    VariantAccount {
        id: "a.wast#1-0123abcd/left-constant".to_string(),
        file: "a.wast".to_string(),
        line: 2,
        column: 1,
        shape: "left-constant".to_string(),
        form: String::new(),
        export: "add".to_string(),
        expected: "i32:0x00000001".to_string(),
        tiers: BTreeMap::from([(EngineName::STACK, verdict)]),
        agreement: Agreement::NotComparable,
        diff: None,
    }
}
