//! `wassay fuzz` from outside: a seed is a run, whatever the number of jobs.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn fuzz(folder: &Path, args: &[&str]) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_wassay"))
        .args([
            "fuzz",
            "--tiers",
            "stack,register",
            "--report",
            "json=r.json",
        ])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let report = std::fs::read_to_string(folder.join("r.json"));
    let report = report.map_or(Value::Null, |text| {
        serde_json::from_str(&text).expect("reports are JSON")
    });
    (output, report)
}

/// A report without what depends on the time and the number of jobs.
fn timeless(mut report: Value) -> Value {
    report["run"]["seconds"] = Value::Null;
    report["run"]["jobs"] = Value::Null;
    report["generated"]["timings"] = Value::Null;
    for tier in report["tiers"].as_object_mut().expect("tiers").values_mut() {
        tier["seconds"] = Value::Null;
    }
    report
}

#[test]
fn a_seed_is_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |args: &[&str]| {
        let (output, report) = fuzz(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        timeless(report)
    };
    let one = run(&["--seed", "3", "--count", "60", "-j1"]);
    assert_eq!(one, run(&["--seed", "3", "--count", "60", "-j4"]));
    assert_ne!(one, run(&["--seed", "4", "--count", "60"]));
    assert_eq!(one["accounting"]["closed"], true);
    let counts = &one["tiers"]["register"]["counts"];
    assert!(counts["compared"].as_u64().expect("a number") > 0);
    assert_eq!(one["agreement"]["diverge"], 0);
    assert_eq!(one["generated"]["findings"], Value::Array(Vec::new()));
    assert!(!folder.path().join("wassay-findings").exists());
}

#[test]
fn a_program_runs_by_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, report) = fuzz(folder.path(), &["--case", "compiled/0123456789abcdef"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(report["generated"]["sources"]["compiled"]["programs"], 1);
    for wrong in [
        &["--case", "nobody/1"][..],
        &["--case", "compiled"],
        &["--source", "nobody"],
        &["--source", "smith:x"],
        &["--case", "smith/1", "--count", "3"],
    ] {
        let (output, _) = fuzz(folder.path(), wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?} {output:?}");
    }
}
