//! The gate of `scripts/bench` on planted counts: each kind of change has its line and exit code.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// `scripts/bench --compare` on two texts of counts: its exit code and its output.
fn compare(base: &str, now: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let [base, now] = [("base", base), ("now", now)].map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/bench");
    let output = Command::new("bash")
        .arg(script)
        .arg("--compare")
        .args([base, now])
        .output()
        .expect("bash runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), printed)
}

/// Names, instructions in the call, instructions to load.
const BASE: &str = "# a head\nkernels/fib 1000 50000\nc/sieve 2000 60000\n";

#[test]
fn equal_counts_pass() {
    let passed = "gate: 2 rows, 0 worse or missing, 0 better\n";
    assert_eq!(compare(BASE, BASE), (Some(0), passed.to_string()));
}

#[test]
fn changes_within_the_tolerance_pass() {
    let now = "kernels/fib 1005 51000\nc/sieve 1990 58800\n";
    let passed = "gate: 2 rows, 0 worse or missing, 0 better\n";
    assert_eq!(compare(BASE, now), (Some(0), passed.to_string()));
}

#[test]
fn more_instructions_fail_in_the_call_and_in_loading() {
    let now = "kernels/fib 1006 50000\nc/sieve 2000 61201\n";
    let failed = "gate: WORSE kernels/fib in the call: 1000 -> 1006, +0.60%\n\
         gate: WORSE c/sieve to load: 60000 -> 61201, +2.00%\n\
         gate: 2 rows, 2 worse or missing, 0 better\n";
    assert_eq!(compare(BASE, now), (Some(1), failed.to_string()));
}

#[test]
fn fewer_instructions_pass_and_are_said() {
    let now = "kernels/fib 900 50000\nc/sieve 2000 60000\n";
    let passed = "gate: better kernels/fib in the call: 1000 -> 900, -10.00%\n\
         gate: 2 rows, 0 worse or missing, 1 better\n";
    assert_eq!(compare(BASE, now), (Some(0), passed.to_string()));
}

#[test]
fn rows_on_one_side_only_fail() {
    let now = "kernels/fib 1000 50000\nc/new 1 1\n";
    let failed = "gate: NOT IN THE BASELINE c/new\n\
         gate: MISSING c/sieve\n\
         gate: 2 rows, 2 worse or missing, 0 better\n";
    assert_eq!(compare(BASE, now), (Some(1), failed.to_string()));
}
