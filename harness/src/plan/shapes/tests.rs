//! Shapes of synthetic scripts, run in-process in the interpreters, up to the judge.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::judge::judge;
use crate::judge::verdict::Status;
use crate::outcome::Report;
use crate::protocol::cell::Cell;
use crate::protocol::{Bounds, Job, JobConfig};
use crate::script::Script;
use crate::script::parse::parse_script;
use crate::tier::Tier;
use crate::worker::run_job;

/// One assertion of each sort: scalar, vector, trap, several results, NaN, constants in the body.
const SCRIPT: &str = r#"(module
  (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func (export "lt") (param i64 i64) (result i32) (i64.lt_u (local.get 0) (local.get 1)))
  (func (export "div") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func (export "wrap") (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func (export "min") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func (export "neg") (param f64) (result f64) (f64.neg (local.get 0)))
  (func (export "wide") (param i64 i64) (result i64 i64)
    (i64.mul_wide_u (local.get 0) (local.get 1)))
  (func (export "swap") (param i32 i32) (result i32) (i32.sub (local.get 1) (local.get 0)))
  (func (export "line") (param i32) (result i32)
    (i32.xor (i32.mul (local.get 0) (i32.const 3)) (local.get 0)))
  (func (export "choose") (param v128 v128 v128) (result v128)
    (v128.bitselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "lane") (param v128 i32) (result v128)
    (i16x8.replace_lane 5 (local.get 0) (local.get 1)))
  (func (export "none") (param i32) (result i32) (local.get 0))
  (func (export "if") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))))
(assert_return (invoke "sub" (i32.const 7) (i32.const 300)) (i32.const -293))
(assert_return (invoke "sub" (i32.const -5) (i32.const -5)) (i32.const 0))
(assert_return (invoke "lt" (i64.const 1) (i64.const -1)) (i32.const 1))
(assert_return (invoke "div" (i64.const -7) (i64.const 2)) (i64.const -3))
(assert_trap (invoke "div" (i64.const 7) (i64.const 0)) "integer divide by zero")
(assert_return (invoke "wrap" (i64.const 0x1_0000_0002)) (i32.const 2))
(assert_return (invoke "wrap" (i64.const 0xf000_0000)) (i32.const 0xf000_0000))
(assert_return (invoke "min" (f32.const nan) (f32.const 1)) (f32.const nan:canonical))
(assert_return (invoke "min" (f32.const -0) (f32.const 0)) (f32.const -0))
(assert_return (invoke "neg" (f64.const 1.5)) (f64.const -1.5))
(assert_return (invoke "wide" (i64.const -1) (i64.const 2)) (i64.const -2) (i64.const 1))
(assert_return (invoke "swap" (i32.const 1) (i32.const 10)) (i32.const 9))
(assert_return (invoke "line" (i32.const 5)) (i32.const 10))
(assert_return (invoke "choose" (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8)
  (v128.const i32x4 0 -1 0 -1)) (v128.const i32x4 5 2 7 4))
(assert_return (invoke "lane" (v128.const i16x8 0 1 2 3 4 5 6 7) (i32.const 0x1ffff))
  (v128.const i16x8 0 1 2 3 4 -1 6 7))
(assert_return (invoke "none" (i32.const 1)) (i32.const 1))
(assert_return (invoke "if" (i32.const 1)) (i32.const 1))
(invoke "sub" (i32.const 1) (i32.const 1))
"#;
/// The assertions of [`SCRIPT`] that only compute, and the others.
const COMPUTING: usize = 15;
const OTHERS: u64 = 2;

fn file(text: &str) -> Planned {
    Planned::alone(Arc::new(parse_script("t.wast", text)), FEATURES)
}

/// A request for so many samples of each product.
fn request(per_assertion: u64) -> Request {
    Request {
        sampling: Sampling {
            seed: 7,
            per_assertion,
        },
        setting: Setting::default(),
        has_foreign: false,
    }
}

fn run_script(script: &Script, tier: Tier) -> Vec<Report> {
    run_with(script, tier, Bounds::Guard)
}

fn run_with(script: &Script, tier: Tier, bounds: Bounds) -> Vec<Report> {
    let cell = Cell::create().expect("a cell");
    let job = Job {
        sequence: 1,
        path: "t.wast".into(),
        commands: (&script.commands[..]).into(),
        config: JobConfig {
            bounds,
            ..JobConfig::plain(FEATURES)
        },
        excluded: (&[][..]).into(),
    };
    run_job(tier, &cell, &job).reports
}

/// Every directive of the variants of a script, with its shape and its status in a tier.
fn statuses(text: &str, tier: Tier) -> Vec<(String, Option<String>, Status)> {
    let file = file(text);
    let found = find::find(&file);
    let mut statuses = Vec::new();
    for script in plan::scripts("t.wast", &found.cases, request(0)) {
        let reports = run_script(&script, tier);
        assert_eq!(reports.len(), script.directives.len());
        let judged = script.directives.iter().zip(&reports);
        statuses.extend(judged.map(|(directive, report)| {
            let shape = directive.origin.as_ref().map(|it| it.shape.clone());
            let verdict = judge(directive, &report.outcome);
            let text = format!("{}: {} {}", directive.id, verdict.actual, verdict.detail);
            (text, shape, verdict.status)
        }));
    }
    statuses
}

#[test]
fn what_computes_is_found_and_the_rest_is_counted() {
    let file = file(SCRIPT);
    let found = find::find(&file);
    assert_eq!(found.cases.len(), COMPUTING);
    assert_eq!(found.left_out.values().sum::<u64>(), OTHERS);
    assert_eq!(found.assertions, COMPUTING as u64 + OTHERS);
}

#[test]
fn operands_are_in_the_order_in_which_they_are_taken_and_constants_are_some() {
    let file = file(SCRIPT);
    let found = find::find(&file);
    let values = |export: &str| {
        let case = found.cases.iter().find(|case| case.export == export);
        let values = case.expect("found").values.iter();
        values.map(|number| number.bits).collect::<Vec<_>>()
    };
    assert_eq!(values("sub"), [7, 300]);
    assert_eq!(values("swap"), [10, 1]);
    assert_eq!(values("line"), [5, 3]);
}

#[test]
fn every_shape_of_what_is_right_passes() {
    for tier in [Tier::Stack, Tier::Register] {
        let statuses = statuses(SCRIPT, tier);
        for (text, _, status) in &statuses {
            assert_eq!(*status, Status::Pass, "{tier}: {text}");
        }
        let shapes: BTreeSet<_> = statuses
            .iter()
            .filter_map(|(_, shape, _)| shape.clone())
            .collect();
        for shape in ALL {
            assert!(shapes.contains(shape), "no variant is `{shape}`");
        }
    }
}

/// Shapes that the script above must have.
const ALL: [&str; 37] = [
    "address",
    "calls",
    "constant",
    "constant-1",
    "constant-3",
    "constant-if",
    "dirty",
    "displaced",
    "joined",
    "passed",
    "passed-address",
    "indexed",
    "dropped",
    "eqz",
    "extended",
    "if",
    "if-not",
    "induction",
    "left-constant",
    "left-constant-if",
    "left-loaded",
    "loaded",
    "loaded-2",
    "loop",
    "narrow",
    "parameter",
    "pressure",
    "right-constant",
    "right-constant-if",
    "right-loaded",
    "same-local",
    "select",
    "stored",
    "twice",
    "constant-2",
    "loaded-1",
    "loaded-3",
];

#[test]
fn every_shape_of_what_is_wrong_fails() {
    let wrong = SCRIPT
        .replace("(i32.const -293)", "(i32.const 0)")
        .replace(
            "(i64.const -1)) (i32.const 1)",
            "(i64.const -1)) (i32.const 0)",
        )
        .replace("(i64.const -3)", "(i64.const 0)")
        .replace("\"integer divide by zero\"", "\"integer overflow\"")
        .replace("(f32.const -0))\n", "(f32.const 0))\n")
        .replace("(f64.const -1.5)", "(f64.const 1.5)")
        .replace(
            "(i64.const -2) (i64.const 1)",
            "(i64.const -2) (i64.const 0)",
        );
    assert_ne!(wrong, SCRIPT);
    let (right, file) = (file(SCRIPT), file(&wrong));
    let pairs = right.script.directives.iter().zip(&file.script.directives);
    let differing = pairs.filter(|(a, b)| a.expectation != b.expectation);
    let lines: BTreeSet<u32> = differing.map(|(directive, _)| directive.line).collect();
    assert_eq!(lines.len(), 7);
    let found = find::find(&file);
    let mut failed = BTreeSet::new();
    for script in plan::scripts("t.wast", &found.cases, request(0)) {
        let reports = run_script(&script, Tier::Stack);
        for (directive, report) in script.directives.iter().zip(&reports) {
            let Some(variant) = &directive.origin else {
                continue;
            };
            let status = judge(directive, &report.outcome).status;
            // Both zeros decide alike.
            let decides = variant.export == "min" && variant.shape == "if";
            let is_wrong = lines.contains(&directive.line) && !decides;
            let expected = if is_wrong { Status::Fail } else { Status::Pass };
            assert_eq!(status, expected, "{}", directive.id);
            failed.extend(is_wrong.then_some(directive.line));
        }
    }
    assert_eq!(failed, lines);
}

#[test]
fn plans_are_the_same_every_time_and_bounded() {
    let assertion =
        "(assert_return (invoke \"sub\" (i32.const 7) (i32.const 300)) (i32.const -293))";
    let text = format!("{SCRIPT}{}", assertion.repeat(600));
    let file = file(&text);
    let found = find::find(&file);
    let make = || plan::scripts("t.wast", &found.cases, request(0));
    let (first, second) = (make(), make());
    assert!(first.len() > 1, "many variants are several scripts");
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
}

/// The directives with origins that do not pass in a tier, each with what came of it, and the
/// number of all by status.
fn run_planned(planned: &[Planned], tier: Tier) -> (Vec<String>, BTreeMap<Status, usize>) {
    let (mut failures, mut counts) = (Vec::new(), BTreeMap::new());
    for planned in planned {
        let setting = planned.setting.expect("shapes have a setting");
        let reports = run_with(&planned.script, tier, setting.bounds);
        for (directive, report) in planned.script.directives.iter().zip(&reports) {
            let verdict = judge(directive, &report.outcome);
            *counts.entry(verdict.status).or_default() += 1;
            if !matches!(verdict.status, Status::Pass | Status::Compared) {
                let form = directive.origin.as_ref().map(|it| &it.form);
                let (actual, detail) = (&verdict.actual, &verdict.detail);
                failures.push(format!("{} {form:?}: {actual} {detail}", directive.id));
            }
        }
    }
    (failures, counts)
}

#[test]
fn products_of_what_is_right_pass_and_those_of_pools_are_compared() {
    let files = [file(SCRIPT)];
    let rounds: Vec<Round> = rounds(&files, request(50)).collect();
    for tier in [Tier::Stack, Tier::Register] {
        let (failures, counts) = run_planned(&rounds[0].scripts, tier);
        assert_eq!(failures, Vec::<String>::new(), "{tier}");
        assert!(counts[&Status::Compared] > 5000, "{counts:?}");
    }
    let directives = rounds[0]
        .scripts
        .iter()
        .flat_map(|it| &it.script.directives);
    let origins = directives.filter_map(|it| it.origin.as_deref());
    let products = origins.filter(|it| it.shape == "product");
    let forms: BTreeSet<&str> = products.map(|it| it.form.as_str()).collect();
    assert!(forms.len() > 500, "{}", forms.len());
    for part in [
        "constant i32.",
        "dirty",
        "joined",
        "extended-8",
        "displaced",
        "same-as-1",
        "pressure(",
        "induction(",
        ") i64.",
        ") i32.",
        "select(",
    ] {
        assert!(
            forms.iter().any(|form| form.contains(part)),
            "no form has `{part}`"
        );
    }
}

#[test]
fn products_show_what_is_wrong() {
    let wrong = SCRIPT.replace("(i32.const -293)", "(i32.const -292)");
    let files = [file(&wrong)];
    let rounds: Vec<Round> = rounds(&files, request(50)).collect();
    let (failures, _) = run_planned(&rounds[0].scripts, Tier::Stack);
    let products = failures.iter().filter(|it| it.contains("/product-"));
    assert!(products.clone().count() > 20, "{failures:?}");
    let line = failures.iter().all(|it| it.starts_with("t.wast#1-"));
    assert!(line, "{failures:?}");
}

/// A module with an instruction of each kind of access.
const ACCESSES: &str = r#"(module (memory 1) (data $d "abc") (func
  (drop (i32.load8_s (i32.const 0))) (drop (i64.load32_u (i32.const 0)))
  (drop (f64.load (i32.const 0))) (i32.store16 (i32.const 0) (i32.const 0))
  (i64.store (i32.const 0) (i64.const 0)) (drop (v128.load (i32.const 0)))
  (drop (v128.load16x4_s (i32.const 0)))
  (drop (v128.load32_lane 1 (i32.const 0) (v128.const i64x2 0 0)))
  (v128.store8_lane 3 (i32.const 0) (v128.const i64x2 0 0))
  (drop (i64.atomic.rmw16.sub_u (i32.const 0) (i64.const 0)))
  (drop (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 0)))
  (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
  (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
  (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))))
"#;

#[test]
fn accesses_at_edges_are_as_the_bytes_say() {
    let files = [file(ACCESSES)];
    let rounds: Vec<Round> = rounds(&files, request(20)).collect();
    let directives = rounds[0]
        .scripts
        .iter()
        .flat_map(|it| &it.script.directives);
    let origins = directives.clone().filter_map(|it| it.origin.as_deref());
    let ops: BTreeSet<&str> = origins.clone().map(|it| it.export.as_str()).collect();
    assert_eq!(ops.len(), 14, "{ops:?}");
    let forms: BTreeSet<&str> = origins.map(|it| it.form.as_str()).collect();
    for part in [
        "last(",
        "beyond(",
        "wraps(",
        "far(",
        "constant,",
        "sum,",
        "sum-of-parameters,",
        "difference,",
        "mask,",
        "shift,",
        "scaled,",
        "converted,",
        "counted,",
        "offset 4096,",
        "offset 2147483648,",
        "offset 4294967295,",
        "i64 address",
        "memory 1",
        "of 65536 grown",
    ] {
        assert!(
            forms.iter().any(|form| form.contains(part)),
            "no form has `{part}`"
        );
    }
    let ids: BTreeSet<&str> = directives.clone().map(|it| it.id.as_str()).collect();
    let variants = directives.filter(|it| it.origin.is_some()).count();
    assert_eq!(
        ids.len(),
        variants + 1,
        "all directives of one module share its place"
    );
    for tier in [Tier::Stack, Tier::Register] {
        let (failures, counts) = run_planned(&rounds[0].scripts, tier);
        assert_eq!(failures, Vec::<String>::new(), "{tier}");
        assert!(counts[&Status::Pass] > 5000, "{counts:?}");
    }
}
