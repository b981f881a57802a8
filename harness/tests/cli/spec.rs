//! `wassay spec`: its table and exit codes, selection, tiers that are not there, `--watch`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{GOOD, Place, ended, timeless};

#[test]
fn a_million_nested_blocks_are_refused() {
    let place = Place::new();
    for (open, close) in [("(block ", ")"), ("block ", "end ")] {
        let nested = open.repeat(1_000_000) + &close.repeat(1_000_000);
        let module = format!("(module (func\n{nested}))\n");
        let wast = place.file("deep.wast", format!("(module)\n{module}"));
        let wat = place.file("deep.wat", &module);
        let parts = ["nest deeper than the limit of 10000 levels"];
        place
            .run(&["spec", "--tiers", "stack", &wast])
            .is_refused(&["deep.wast:2: ", parts[0]]);
        place
            .run(&["validate", &wat])
            .is_refused(&["deep.wat:1: ", parts[0]]);
        place
            .run(&["run", &wat, "--invoke", "f"])
            .is_refused(&["deep.wat:1: ", parts[0]]);
    }
}

#[test]
fn what_passes_exits_0_with_a_table_and_a_closed_report() {
    let place = Place::new();
    let file = place.file("a.wast", GOOD);
    let (ended, report) = place.spec(&[&file]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("total"), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains('\x1b'),
        "no colour where there is no terminal"
    );
    assert_eq!(report["schema"], "wassay-report/2");
    assert_eq!(report["accounting"]["directives"], 3);
    assert_eq!(report["tiers"]["stack"]["counts"]["pass"], 3);
    assert_eq!(report["tiers"]["stack"]["proof"]["compiled"], 1);
    assert_eq!(report["directives"], Value::Array(Vec::new()));
}

#[test]
fn what_fails_exits_1_and_is_named() {
    let place = Place::new();
    let text = format!("{GOOD}\n(assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))\n");
    let file = place.file("a.wast", text);
    let (ended, report) = place.spec(&[&file]);
    assert_eq!(ended.code, 1);
    let headline = "FAIL assert_return: result 0 differs (stack)";
    assert!(ended.stdout.contains(headline), "{}", ended.stdout);
    assert!(ended.stdout.contains("a.wast:5:1\n"), "{}", ended.stdout);
    let directive = &report["directives"][0];
    assert_eq!(
        (&directive["line"], &directive["kind"]),
        (&5.into(), &"assert_return".into())
    );
    assert_eq!(directive["expected"], "i32:0x00000002");
    assert_eq!(directive["tiers"]["stack"]["actual"], "i32:0x00000001");
    assert_eq!(report["gate"]["regressions"][0]["id"], directive["id"]);
}

#[test]
fn files_are_filtered_and_directives_skipped() {
    let place = Place::new();
    for name in ["s/a.wast", "s/ab.wast", "s/c.wast"] {
        place.file(name, GOOD);
    }
    let about = "[[files]]\nglob = \"a*.wast\"\nproposal = \"simd\"";
    place.file("s/wassay.toml", about);
    let suite = place.path("s").to_string_lossy().into_owned();
    let files = |args: &[&str]| {
        let (ended, report) = place.spec(&[&[suite.as_str()], args].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        let files = report["files"].as_array().expect("a list").iter();
        files
            .map(|file| file["path"].as_str().unwrap_or("").to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&[]), ["a.wast", "ab.wast", "c.wast"]);
    assert_eq!(
        files(&["--filter", "a.wa", "--filter", "c"]),
        ["a.wast", "c.wast"]
    );
    assert_eq!(files(&["--filter", "a.wast", "--exact"]), ["a.wast"]);
    assert_eq!(files(&["--proposal", "simd"]), ["a.wast", "ab.wast"]);
    assert_eq!(files(&["--proposal", "other"]), ["c.wast"]);
    let parts = [1, 2, 3].map(|part| format!("hash:{part}/3"));
    let (_, whole) = place.spec(&[&suite]);
    let taken = parts.map(|part| {
        let (_, report) = place.spec(&[&suite, "--partition", &part]);
        assert_eq!(report["run"]["selection"], format!("--partition {part}"));
        report["accounting"]["directives"].as_u64().unwrap_or(0)
    });
    assert_eq!(taken.iter().sum::<u64>(), whole["accounting"]["directives"]);
    let (ended, report) = place.spec(&[&suite, "--skip", "ab.wast", "--skip", "/a.wast#1-"]);
    assert_eq!(ended.code, 0);
    let counts = &report["tiers"]["stack"]["counts"];
    assert_eq!((&counts["pass"], &counts["skip"]), (&6.into(), &3.into()));
}

#[test]
#[cfg_attr(target_arch = "aarch64", ignore = "the JIT runs in the program itself")]
fn an_unavailable_tier_exits_3_with_its_reason() {
    let place = Place::new();
    let file = place.file("a.wast", GOOD);
    let report = place.path("r.json");
    let option = format!("json={}", report.display());
    let args = ["spec", &file, "--tiers", "stack,jit", "--report", &option];
    let output = place
        .command(&args)
        .env("WASSAY_JIT_UNAVAILABLE", "a reason")
        .output();
    let ended = ended(&output.expect("the program starts"), Duration::ZERO);
    assert_eq!(ended.code, 3);
    assert!(
        ended.stdout.contains("unavailable: a reason"),
        "{}",
        ended.stdout
    );
    let text = std::fs::read_to_string(report).expect("written");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let jit = &report["tiers"]["jit"];
    assert_eq!(
        (&jit["available"], &jit["reason"]),
        (&false.into(), &"a reason".into())
    );
    assert_eq!(
        (&jit["counts"]["not_run"], &report["accounting"]["closed"]),
        (&3.into(), &true.into())
    );
    assert_eq!(report["directives"], Value::Array(Vec::new()));
}

#[test]
fn any_number_of_jobs_gives_the_same_report() {
    let place = Place::new();
    let report = |jobs: &str| {
        let args = ["--partition", "hash:1/24", "-j", jobs];
        let (_, report) = place.spec_in("stack,register", &args);
        timeless(report)
    };
    let one = report("1");
    assert!(
        one["accounting"]["directives"]
            .as_u64()
            .is_some_and(|count| count > 100)
    );
    assert_eq!(one["accounting"]["closed"], true);
    assert_eq!(one, report("2"));
    assert_eq!(one, report("5"));
}

#[test]
fn a_changed_file_runs_again_at_once() {
    let place = Place::new();
    let script = |result: u32| {
        let module = "(module (func (export \"f\") (result i32) i32.const 1))";
        format!("{module}\n(assert_return (invoke \"f\") (i32.const {result}))\n")
    };
    let file = place.file("suite/a.wast", script(1));
    place.file("suite/b.wast", script(1));
    let suite = place.path("suite").to_string_lossy().into_owned();
    let mut command = place.command(&["spec", &suite, "--tiers", "stack", "--watch"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = || {
        let run = lines.by_ref().map(|line| line.expect("text"));
        run.take_while(|line| line != "wassay: waiting for a change")
            .collect::<Vec<_>>()
    };
    let has = |run: &[String], part: &str| run.iter().any(|line| line.contains(part));
    assert!(has(&next(), "4 directives in 2 files"));
    let started = Instant::now();
    std::fs::write(&file, script(2)).expect("written");
    let run = next();
    let took = started.elapsed();
    assert!(
        has(&run, "GATING: failed") && has(&run, "2 directives in 1 files"),
        "{run:?}"
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
    // What an editor does: another file in the place of the old one.
    std::fs::rename(place.file("suite/new", script(1)), &file).expect("renamed");
    let run = next();
    assert!(
        has(&run, "GATING: passed") && has(&run, "2 directives in 1 files"),
        "{run:?}"
    );
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("there");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
}
