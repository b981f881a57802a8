//! Reports: their provenance, `compare`, `merge`, `bless` and `history`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::{GOOD, Place, timeless};

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let place = Place::new();
    let folder = format!("json={}", place.folder.path().display());
    let lost = format!("json={}", place.path("no/such/r.json").display());
    for option in [&folder, &lost] {
        let ended = place.run(&["spec", "--report", option]);
        ended.is_refused(&["cannot write a report"]);
        assert_eq!(ended.stdout, "", "nothing was run");
    }
}

#[test]
fn a_report_says_where_it_comes_from_for_any_number_of_jobs() {
    let place = Place::new();
    for name in ["s/a.wast", "s/b c.wast"] {
        place.file(name, GOOD);
    }
    let folder = place.path("s").to_string_lossy().into_owned();
    let spec = |jobs: &str| {
        let (ended, report) = place.spec_in("stack,register", &[jobs, "--features=-simd", &folder]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        report
    };
    let one = spec("-j1");
    assert_eq!(timeless(one.clone()), timeless(spec("-j8")));
    let provenance = &one["run"]["provenance"];
    assert_eq!(
        provenance["options"]["features"],
        serde_json::json!(["-simd"])
    );
    assert_eq!(provenance["options"]["timeout"], serde_json::json!(["10s"]));
    assert_eq!(
        provenance["build"]["sources"]
            .as_str()
            .expect("a hash")
            .len(),
        16
    );
    assert_eq!(provenance["engines"]["stack"]["engine"], "wassay");
    assert_eq!(provenance["inputs"][0]["role"], "expectations");
    assert!(one["tiers"]["stack"]["seconds"].as_f64().expect("a time") > 0.0);
    // A shell that reads the line makes the same run.
    let line = provenance["command"].as_str().expect("a line");
    let line = line.replacen("wassay", env!("CARGO_BIN_EXE_wassay"), 1);
    let status = Command::new("sh")
        .args(["-c", &line])
        .stdout(Stdio::null())
        .status();
    assert_eq!(status.expect("a shell").code(), Some(0), "{line}");
    let text = std::fs::read(place.path("report.json")).expect("written again");
    let again: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(timeless(one), timeless(again));
}

/// The commit that is checked out has one of three files as it is.
#[test]
fn files_are_held_against_the_commit_that_is_checked_out() {
    let place = Place::new();
    for name in ["s/a.wast", "s/b.wast", "s/c.wast"] {
        place.file(name, GOOD);
    }
    let folder = place.path("s").to_string_lossy().into_owned();
    let git = |words: &str| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-C", &folder]);
        let output = command
            .args(words.split(' '))
            .output()
            .expect("git is there");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    };
    git("init -q .");
    git("add a.wast b.wast");
    git("commit -q -m x");
    place.file("s/b.wast", format!("{GOOD};; changed\n"));
    let (_, report) = place.spec(&[&folder]);
    let upstream = &report["run"]["provenance"]["upstream"];
    let revision = format!("git:{}", git("rev-parse HEAD"));
    assert_eq!(upstream["revision"], revision.as_str());
    assert_eq!(upstream["equal"], 1);
    assert_eq!(upstream["changed"], serde_json::json!(["b.wast"]));
    assert_eq!(upstream["added"], serde_json::json!(["c.wast"]));
}

#[test]
fn reports_are_compared() {
    let place = Place::new();
    let report = |name: &str, expected: u32| {
        let line = format!("(assert_return (invoke \"f\" (i32.const 1)) (i32.const {expected}))");
        let file = place.file("a.wast", format!("{GOOD}{line}\n"));
        let (_, mut report) = place.spec(&[&file]);
        // The same text with another outcome, as a changed engine would give it.
        report["files"][0]["sha256"] = "0".repeat(64).into();
        place.file(name, report.to_string())
    };
    let good = report("good.json", 1);
    let bad = report("bad.json", 2);
    let compare = |args: &[&str]| place.run(&[&["compare"], args].concat());
    assert_eq!(compare(&[&good, &good]).code, 0);
    let ended = compare(&[&good, &bad]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("BROKEN (major) stack"),
        "{}",
        ended.stdout
    );
    assert_eq!(compare(&[&bad, &good]).code, 0);
    let markdown = compare(&[&good, &bad, "--markdown"]);
    assert_eq!(markdown.code, 1);
    assert!(
        markdown
            .stdout
            .starts_with("### Wassay: GATING: failed, regressions: "),
        "{}",
        markdown.stdout
    );
    let corrupt = place.file("corrupt.json", "{\"schema\": \"wassay-report/2\",\n");
    compare(&[&good, &corrupt]).is_refused(&["corrupt.json:2: "]);
    compare(&["/nowhere/base.json", &good]).is_refused(&["/nowhere/base.json"]);
    let other = place.file("other.json", "{\"schema\": \"wassay-report/0\"}");
    compare(&[&other, &good]).is_refused(&["other.json", "wassay-report/0"]);
}

/// A suite of three files, one of which fails.
fn suite_that_fails(place: &Place) -> String {
    let script = |result: u32| {
        let module = "(module (func (export \"f\") (result i32) i32.const 1))";
        format!("{module}\n(assert_return (invoke \"f\") (i32.const {result}))\n")
    };
    for (name, result) in [("a", 1), ("b", 2), ("c", 1)] {
        place.file(&format!("suite/{name}.wast"), script(result));
    }
    place.path("suite").to_string_lossy().into_owned()
}

#[test]
fn shards_are_put_together_and_lost_ones_are_refused() {
    let place = Place::new();
    let suite = suite_that_fails(&place);
    let json = |name: &str| format!("json={}", place.path(name).display());
    let at = |name: &str| place.path(name).to_string_lossy().into_owned();
    let spec = |more: &[&str]| place.run(&[&["spec", &suite, "--tiers", "stack"], more].concat());
    for part in ["1", "2"] {
        let partition = format!("slice:{part}/2");
        spec(&["--partition", &partition, "--report", &json(part)]);
    }
    assert_eq!(spec(&["--report", &json("whole")]).code, 1);
    let (first, second) = (at("1"), at("2"));
    let merged = place.run(&["merge", &second, &first, "--report", &json("merged")]);
    assert_eq!(merged.code, 1, "{}", merged.stderr);
    let last = merged.stdout.lines().last();
    assert_eq!(last, Some("GATING: failed, 1 directive is not as expected"));
    let same = place.run(&["compare", &at("whole"), &at("merged")]);
    assert_eq!(same.code, 0, "{}", same.stdout);
    let last = same.stdout.lines().last();
    assert_eq!(
        last,
        Some("GATING: passed, no regressions in what was compared")
    );
    for (files, part) in [
        (vec![&first], "there is no part 2"),
        (vec![&first, &first], "are both part 1"),
        (vec![&first, &at("whole")], "is not of a part"),
    ] {
        let files = files.iter().map(|it| it.as_str());
        let refused = place.run(&["merge"].into_iter().chain(files).collect::<Vec<_>>());
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    // A shard is not a baseline of its suite.
    let partial = spec(&["--baseline", &first]);
    assert!(partial.code == 2 && partial.stderr.contains("one of several parts"));
    assert_eq!(spec(&["--baseline", &at("merged")]).code, 0);
}

#[test]
fn expectations_are_blessed_and_a_history_grows() {
    let place = Place::new();
    let suite = suite_that_fails(&place);
    let known = place.file("known.toml", "# Known.\n");
    let (report, history) = (place.path("r.json"), place.path("h.ndjson"));
    let (report, history) = (report.to_string_lossy(), history.to_string_lossy());
    let json = format!("json={report}");
    let spec = || {
        let run = ["spec", &suite, "--tiers", "stack", "--report", &json];
        let more = ["--expectations", &known, "--history", &history];
        place.run(&[&run[..], &more].concat()).code
    };
    assert_eq!(spec(), 1);
    let bless =
        |more: &[&str]| place.run(&[&["bless", &report, "--expectations", &known], more].concat());
    let due = bless(&["--check"]);
    assert_eq!(due.code, 1);
    assert!(
        due.stdout
            .contains("new: b.wast: `result 0 differs` is expected 1 times in stack")
    );
    let unreasoned = bless(&[]);
    assert!(unreasoned.code == 2 && unreasoned.stderr.contains("--reason TEXT"));
    assert_eq!(
        std::fs::read_to_string(&known).expect("reads"),
        "# Known.\n"
    );
    assert_eq!(
        bless(&["--reason", "not yet", "--link", "https://example.org/1"]).code,
        0
    );
    let text = std::fs::read_to_string(&known).expect("reads");
    assert!(
        text.starts_with("# Known.\n\n[[expect]]\nfile = \"b.wast\"\n"),
        "{text}"
    );
    assert_eq!(spec(), 0);
    assert_eq!(bless(&["--check"]).code, 0);
    let shown = place.run(&["history", &history]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert_eq!(shown.stdout.lines().count(), 4, "{}", shown.stdout);
    assert_eq!(place.run(&["history", &history, "--engine", "jit"]).code, 3);
    std::fs::write(place.path("h.ndjson"), "{}\n").expect("written");
    assert_eq!(spec(), 2, "a history that is none is refused");
}
