//! Reports of every shape keep to the schema, read back, and refuse what contradicts itself.

use std::path::Path;

use serde_json::{Value, json};

use super::build::{TierState, build};
use super::*;
use crate::judge::incident::IncidentAccount;
use crate::judge::verdict::{Comparison, Verdict};
use crate::pool::IncidentKind;
use crate::present::Presenter;
use crate::present::beside::Beside;
use crate::present::json::Json;
use crate::report::samples::{file, report, run};
use Status::{Crash, Fail, NotRun, Pass, Skip, Timeout, Xfail, Xpass};

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../../reports/report.schema.json");
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::meta::validate(&schema).expect("the schema is one of 2020-12");
    jsonschema::validator_for(&schema).expect("the schema can be used")
}

/// A report with every status, an unavailable tier and a divergence.
/// A crash that a fresh worker did not repeat, expected for a reason or not.
fn incident(expected: Option<&str>) -> IncidentAccount {
    IncidentAccount {
        kind: IncidentKind::Flaky,
        tier: EngineName::STACK,
        file: "a.wast".to_string(),
        id: None,
        line: None,
        how: "the worker was ended by signal 11".to_string(),
        expected: expected.map(str::to_string),
    }
}

fn full() -> Report {
    let texts = [(); 10].map(|()| "(module)");
    let all = Status::ALL;
    let mut a = file(
        "a.wast",
        &texts,
        &[
            (EngineName::STACK, &all),
            (EngineName::REGISTER, &[Pass; 10]),
        ],
    );
    let diff = "stack: 1, register: 2".to_string();
    let agreement = Agreement::Diverge;
    a.comparisons.set(0, Comparison { agreement, diff });
    let passed = Verdict {
        expected: "type mismatch".to_string(),
        actual: "unknown local 3 (at offset 0x17)".to_string(),
        ..samples::verdict(Pass)
    };
    let of_stack = a.verdicts.get_mut(&EngineName::STACK).expect("there");
    of_stack.set(0, Some(passed.clone()));
    let of_register = a.verdicts.get_mut(&EngineName::REGISTER).expect("there");
    for at in [0, 3] {
        of_register.set(at, Some(passed.clone()));
    }
    a.incidents = vec![incident(None), incident(Some("a reason"))];
    let b = file(
        "b/c.wast",
        &["(module)"],
        &[
            (EngineName::STACK, &[Pass]),
            (EngineName::REGISTER, &[Fail]),
        ],
    );
    let unavailable = TierState {
        unavailable: Some("no ARM64".to_string()),
        ..TierState::default()
    };
    let states = BTreeMap::from([
        (EngineName::STACK, TierState::default()),
        (EngineName::REGISTER, TierState::default()),
        (EngineName::JIT, unavailable),
    ]);
    build(run(), &states, &[a, b])
}

fn value(report: &Report) -> Value {
    serde_json::from_str(&Json.render(report, &Beside::default())).expect("reports are JSON")
}

fn check_schema(report: &Report) {
    let errors: Vec<String> = schema()
        .iter_errors(&value(report))
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

fn read(text: &str) -> Result<Report, InputError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("r.json");
    std::fs::write(&path, text).expect("written");
    Report::read(&path)
}

#[test]
fn reports_keep_to_the_schema_and_read_back() {
    let mut selected = full();
    selected.run.selection = Some("--filter a".to_string());
    for report in [
        full(),
        with_shapes(),
        selected,
        report(&[EngineName::JIT], &[]),
    ] {
        check_schema(&report);
        assert_eq!(read(&Json.render(&report, &Beside::default())), Ok(report));
    }
}

/// A report with the account of operand shapes: one that fails, one in a tier that cannot run.
fn with_shapes() -> Report {
    let counts = |status| {
        let mut counts = Counts::default();
        counts.add(status, 1);
        counts
    };
    let tier = |status| TierAccount {
        counts: counts(status),
        ..TierAccount::available()
    };
    let unavailable = TierAccount {
        available: false,
        reason: Some("no ARM64".to_string()),
        ..tier(NotRun)
    };
    let verdict = TierVerdict {
        status: Fail,
        actual: "i32:0x00000002".to_string(),
        detail: "result 0 differs".to_string(),
    };
    let shape = shapes::ShapeAccount {
        variants: 1,
        listed: 1,
        tiers: BTreeMap::from([(EngineName::STACK, counts(Fail))]),
    };
    let failure = shapes::VariantAccount {
        id: "a.wast#1-0123abcd/left-constant".to_string(),
        file: "a.wast".to_string(),
        line: 3,
        column: 1,
        shape: "left-constant".to_string(),
        form: String::new(),
        export: "add".to_string(),
        expected: "i32:0x00000001".to_string(),
        tiers: BTreeMap::from([(EngineName::STACK, verdict)]),
        agreement: Agreement::NotComparable,
        diff: None,
    };
    let account = ShapesAccount {
        assertions: 2,
        applicable: 1,
        not_applicable: BTreeMap::from([("blocks".to_string(), 1)]),
        variants: 1,
        closed: true,
        agreement: AgreementCounts {
            not_comparable: 1,
            ..AgreementCounts::default()
        },
        tiers: BTreeMap::from([
            (EngineName::STACK, tier(Fail)),
            (EngineName::JIT, unavailable),
        ]),
        shapes: BTreeMap::from([("left-constant".to_string(), shape)]),
        ops: BTreeMap::from([("i32.add".to_string(), 1)]),
        failures: vec![failure],
        seconds: 0.5,
        ..ShapesAccount::default()
    };
    let mut report = full();
    account.add_regressions(&mut report.gate);
    report.shapes = Some(account);
    report
}

#[test]
fn the_schema_refuses_unknown_fields_and_so_does_reading() {
    let places = [
        "",
        "/run",
        "/accounting",
        "/tiers/stack",
        "/tiers/stack/counts",
        "/tiers/stack/proof",
        "/agreement",
        "/proposals/mvp",
        "/files/0",
        "/files/0/counts/stack",
        "/directives/0",
        "/directives/1/tiers/stack",
        "/gate",
        "/gate/regressions/0",
        "/shapes",
        "/shapes/tiers/stack",
        "/shapes/shapes/left-constant",
        "/shapes/failures/0",
    ];
    let schema = schema();
    for place in places {
        let mut changed = value(&with_shapes());
        let at = changed
            .pointer_mut(place)
            .unwrap_or_else(|| panic!("no {place}"));
        at["novelty"] = json!(1);
        assert!(!schema.is_valid(&changed), "unknown field in `{place}`");
        assert!(
            read(&changed.to_string()).is_err(),
            "unknown field in `{place}`"
        );
    }
}

#[test]
fn the_schema_refuses_missing_fields_and_so_does_reading() {
    let schema = schema();
    let whole = value(&full());
    let names = whole.as_object().expect("an object").keys();
    // Most runs have no incidents, and those of most suites no texts.
    for name in names.filter(|name| !["incidents", "texts"].contains(&name.as_str())) {
        let mut changed = whole.clone();
        changed.as_object_mut().expect("an object").remove(name);
        assert!(!schema.is_valid(&changed), "without `{name}`");
        assert!(read(&changed.to_string()).is_err(), "without `{name}`");
    }
}

/// `BLESS=1` writes the schema anew.
#[test]
fn the_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../reports/report.schema.json");
    let schema = super::schema();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &schema).expect("written");
    }
    let written = std::fs::read_to_string(path).expect("it is there");
    similar_asserts::assert_eq!(written, schema, "BLESS=1 rewrites {path}");
}

#[test]
fn counts_are_by_status_and_the_account_closes() {
    let report = full();
    assert!(report.accounting.closed);
    assert_eq!(report.accounting.directives, 11);
    let stack = &report.tiers[&EngineName::STACK].counts;
    assert_eq!(
        Status::ALL.map(|status| stack.of(status)),
        [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    );
    let jit = &report.tiers[&EngineName::JIT];
    assert_eq!(
        (jit.available, jit.counts.not_run, jit.counts.total()),
        (false, 11, 11)
    );
    let other = |tier| report.tiers[&tier].counts.other_text;
    let others = [EngineName::STACK, EngineName::REGISTER, EngineName::JIT].map(other);
    assert_eq!(others, [1, 2, 0]);
    let [texts] = &report.texts[..] else {
        panic!("{:?}", report.texts)
    };
    assert_eq!(texts.actual, "unknown local 3");
    let counts = [(EngineName::STACK, 1), (EngineName::REGISTER, 2)];
    assert_eq!(texts.counts, BTreeMap::from(counts));
    assert_eq!(texts.example, report.directives[0].id);
    // Listed: all of a.wast but what was compared, the first since it diverges; and b.
    assert_eq!(report.directives.len(), 10);
    assert!(
        report
            .directives
            .iter()
            .all(|d| !d.tiers.contains_key(&EngineName::JIT))
    );
    let what: Vec<&str> = report
        .gate
        .regressions
        .iter()
        .map(|r| r.what.as_str())
        .collect();
    assert_eq!(
        what,
        [
            "diverge", "fail", "xpass", "crash", "timeout", "not_run", "flaky", "fail"
        ]
    );
}

#[test]
fn a_directive_without_a_verdict_opens_the_account_by_name() {
    let mut a = file(
        "a.wast",
        &["(module)", "(module)"],
        &[(EngineName::STACK, &[Pass, Pass])],
    );
    let verdicts = a.verdicts.get_mut(&EngineName::STACK);
    verdicts.expect("there").set(1, None);
    let id = a.id(1);
    let report = report(&[EngineName::STACK], &[a]);
    assert!(!report.accounting.closed);
    assert_eq!(report.accounting.open, [format!("stack {id}")]);
    check_schema(&report);
}

#[test]
fn passes_of_the_parser_are_counted_apart() {
    let mut a = file(
        "a.wast",
        &["(module)", "(module)"],
        &[(EngineName::STACK, &[Pass, Fail])],
    );
    let verdicts = a.verdicts.get_mut(&EngineName::STACK).expect("there");
    for ordinal in 0..2 {
        let mut verdict = verdicts.get(ordinal).expect("there").clone();
        verdict.judged_by = crate::outcome::JudgedBy::Parser;
        verdicts.set(ordinal, Some(verdict));
    }
    assert_eq!(
        report(&[EngineName::STACK], &[a])
            .accounting
            .judged_by_parser,
        1
    );
}

#[test]
fn what_is_no_sound_report_is_refused() {
    let error = |text: &str| read(text).expect_err("no report").to_string();
    assert!(error("").contains("not a JSON report"));
    assert!(error("{\"schema\":\n\"wassay-report/2\",").contains("r.json:2:"));
    assert!(error("{}").contains("no `schema`"));
    assert!(error("{\"schema\": \"wassay-report/9\"}").contains("wassay-report/9"));
    let cut = Json.render(&full(), &Beside::default());
    assert!(read(&cut[..cut.len() / 2]).is_err());
    let mut lying = full();
    lying.files[0]
        .counts
        .get_mut(&EngineName::STACK)
        .expect("there")
        .fail += 1;
    assert!(error(&Json.render(&lying, &Beside::default())).contains("are not those listed"));
    let missing = Report::read(Path::new("/nowhere/r.json")).expect_err("missing");
    assert!(missing.to_string().contains("/nowhere/r.json"));
}

/// The members of reports that no other one says again. An incident that is expected is one.
const FREE: [&str; 11] = [
    "incidents",
    "jobs",
    "seconds",
    "line",
    "column",
    "entered",
    "functions",
    "compiled",
    "seed",
    "samples",
    "judged_by_parser",
];

/// The places of all numbers and lists of a report.
fn places(value: &Value, path: &str, to: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                places(
                    value,
                    &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")),
                    to,
                );
            }
        }
        Value::Array(list) => {
            to.push(path.to_string());
            for (index, value) in list.iter().enumerate() {
                places(value, &format!("{path}/{index}"), to);
            }
        }
        Value::Number(_) => to.push(path.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// One count more or less, an element lost or there twice: no such report is read.
#[test]
fn every_count_of_a_report_is_held_by_others() {
    let report = with_shapes();
    let whole = value(&report);
    assert_eq!(read(&whole.to_string()), Ok(report));
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let is_free = |place: &String| {
        let names = place.split('/').any(|name| FREE.contains(&name));
        names || place.starts_with("/shapes/ops") || place == "/shapes/unlisted"
    };
    all.retain(|place| !is_free(place));
    assert!(all.len() > 120, "{}", all.len());
    for place in &all {
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut changed = whole.clone();
            change(changed.pointer_mut(place).expect("a place"));
            changed
        };
        let at = whole.pointer(place).expect("a place");
        let liars = match at {
            Value::Array(list) if list.is_empty() => Vec::new(),
            Value::Array(list) => {
                let last = list[list.len() - 1].clone();
                let pop = |it: &mut Value| drop(it.as_array_mut().expect("a list").pop());
                let push = |it: &mut Value| it.as_array_mut().expect("a list").push(last.clone());
                vec![changed(&pop), changed(&push)]
            }
            _number => {
                let number = at.as_u64().expect("a count");
                let more = [number + 1, number.wrapping_sub(1), u64::MAX];
                more.into_iter()
                    .map(|count| changed(&|it| *it = json!(count)))
                    .collect()
            }
        };
        for liar in liars {
            assert!(
                read(&liar.to_string()).is_err(),
                "{place}: {}",
                liar.pointer(place).expect("there")
            );
        }
    }
}

#[test]
fn failing_statuses_are_those_that_nobody_expects() {
    let failing = Status::ALL
        .into_iter()
        .filter(|&status| status.is_failing());
    assert_eq!(
        failing.collect::<Vec<_>>(),
        [Fail, Xpass, Crash, Timeout, NotRun]
    );
    assert!(!Xfail.is_failing() && !Skip.is_failing() && !Pass.is_failing());
}
