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
    // The seed that was drawn is named in the line that repeats the run.
    for member in ["date", "command", "words", "options"] {
        report["run"]["provenance"][member] = Value::Null;
    }
    report["generated"]["timings"] = Value::Null;
    for tier in report["tiers"].as_object_mut().expect("tiers").values_mut() {
        tier["seconds"] = Value::Null;
    }
    // Files with a directive that passes in no engine are listed.
    for file in report["files"].as_array_mut().expect("files") {
        file["seconds"] = Value::Null;
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

/// The line of a report makes the same programs again, also where nobody named a seed or a number.
#[test]
fn a_report_says_where_it_comes_from_and_how_to_repeat_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (args, named) in [
        (&["--count", "40", "--plain"][..], "--seed"),
        (&["--seconds", "1", "--seed", "5"], "--count"),
        // Of this seed, a program has no instance.
        (&["--count", "40", "--seed", "915163622"], "--count 40"),
        (&["--case", "compiled/0123456789abcdef"], "--case"),
    ] {
        let (output, report) = fuzz(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let provenance = &report["run"]["provenance"];
        assert_eq!(
            provenance["build"]["sources"].as_str().map(str::len),
            Some(16)
        );
        assert_eq!(provenance["engines"]["register"]["engine"], "wassay");
        assert!(
            provenance["date"]
                .as_str()
                .is_some_and(|it| it.ends_with('Z'))
        );
        assert!(report["tiers"]["stack"]["seconds"].as_f64() > Some(0.0));
        let line = provenance["command"].as_str().expect("a line");
        assert!(
            line.contains(named) && !line.contains("--seconds"),
            "{line}"
        );
        let line = line.replacen("wassay", env!("CARGO_BIN_EXE_wassay"), 1);
        let again = Command::new("sh")
            .args(["-c", &line])
            .current_dir(folder.path())
            .output();
        assert_eq!(again.expect("a shell").status.code(), Some(0), "{line}");
        let text = std::fs::read(folder.path().join("r.json")).expect("written again");
        let again: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(timeless(report), timeless(again), "{line}");
    }
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
