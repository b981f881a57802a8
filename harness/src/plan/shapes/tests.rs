//! Shapes of synthetic scripts, run in-process in the interpreters, up to the judge.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::judge::judge;
use crate::judge::verdict::Status;
use crate::outcome::Report;
use crate::protocol::cell::Cell;
use crate::protocol::{Bounds, Job, JobConfig, Modes, Profile};
use crate::script::Script;
use crate::script::parse::parse_script;
use crate::suite::Heading;
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
    Planned {
        script: Arc::new(parse_script("t.wast", text)),
        features: FileFeatures {
            set: FEATURES,
            ..FileFeatures::DEFAULT
        },
        heading: Heading::Other,
        skipped: Vec::new(),
        is_independent: false,
        generated: None,
    }
}

fn run_script(script: &Script, tier: Tier) -> Vec<Report> {
    let cell = Cell::create().expect("a cell");
    let job = Job {
        sequence: 1,
        path: "t.wast".into(),
        commands: (&script.commands[..]).into(),
        config: JobConfig {
            features: FEATURES,
            bounds: Bounds::Guard,
            hash_state: false,
            show_state: false,
            profile: Profile::Deterministic,
            modes: Modes::default(),
            is_lazy: false,
            memory_bytes_max: 0,
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
    for script in plan::scripts("t.wast", &found.cases) {
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
    for script in plan::scripts("t.wast", &found.cases) {
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
    let make = || plan::scripts("t.wast", &found.cases);
    let (first, second) = (make(), make());
    assert!(first.len() > 1, "many variants are several scripts");
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
}
