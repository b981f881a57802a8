//! Adapters that lie or fail, as columns of a run: each fault is seen as what it is, costs no more
//! than its directive, and is never a pass.
//!
//! The adapters are shell scripts that know no WebAssembly.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A script: two modules with a call each.
const SCRIPT: &str = "(module (func (export \"f\") (result i32) (i32.const 7)))
(assert_return (invoke \"f\") (i32.const 7))
(assert_return (invoke \"f\") (i32.const 7))
";

mod planted;

use planted::adapter::{HONEST, INVOKE, table};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        place.write("a.wast", SCRIPT);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("written");
        self.path(name)
    }

    /// A table with the adapter whose loop over requests is `body`.
    fn table(&self, body: &str) -> PathBuf {
        table(self.0.path(), body)
    }

    /// Runs the script under an adapter whose loop over requests is `body`; exit code, stderr, and
    /// the report.
    fn run(&self, body: &str) -> (i32, String, Value) {
        let table = self.table(body);
        self.spec(&table, &["--engines", "fake", "--timeout", "2s"])
    }

    fn spec(&self, table: &Path, args: &[&str]) -> (i32, String, Value) {
        let report = self.path("r.json");
        let output = Command::new(env!("CARGO_BIN_EXE_wassay"))
            .args(["spec", "-j1", "--engine-table"])
            .arg(table)
            .arg("--report")
            .arg(format!("json={}", report.display()))
            .args(args)
            .arg(self.path("a.wast"))
            .output()
            .expect("the program starts");
        let report = std::fs::read(&report).unwrap_or_default();
        let report = serde_json::from_slice(&report).unwrap_or(Value::Null);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.code().expect("it ends by itself"),
            stderr,
            report,
        )
    }
}

fn count(report: &Value, status: &str) -> u64 {
    report["tiers"]["fake"]["counts"][status]
        .as_u64()
        .expect("a count")
}

/// The details of the directives that did not pass.
fn details(report: &Value) -> Vec<String> {
    let listed = report["directives"].as_array().expect("a list").iter();
    let detail = |it: &Value| {
        it["tiers"]["fake"]["detail"]
            .as_str()
            .unwrap_or("")
            .to_string()
    };
    listed.map(detail).collect()
}

#[test]
fn an_honest_adapter_passes() {
    let (code, stderr, report) = Place::new().run(HONEST);
    assert_eq!((code, count(&report, "pass")), (0, 3), "{stderr}");
}

#[test]
fn a_wrong_value_fails_that_directive() {
    let body = HONEST.replace("00000007", "00000008");
    let (code, _, report) = Place::new().run(&body);
    assert_eq!(
        (code, count(&report, "pass"), count(&report, "fail")),
        (1, 1, 2)
    );
    assert_eq!(details(&report), ["result 0 differs"; 2]);
}

#[test]
fn what_is_not_done_is_not_a_pass() {
    let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
    let body = HONEST.replace(invoke, r#"say '"unsupported","message":"calls"'"#);
    let (code, _, report) = Place::new().run(&body);
    assert_eq!(
        (code, count(&report, "pass"), count(&report, "fail")),
        (1, 1, 2)
    );
    assert_eq!(details(&report), ["unsupported: calls"; 2]);
}

/// Faults in the answer to a call, and what the report says of them.
const FAULTS: [(&str, &str); 8] = [
    ("echo garbage", "what is not a response"),
    ("say '\"pass\"'", "what is not a response"),
    ("printf '\\377\\n'", "invalid UTF-8"),
    ("exit 3", "ended with code 3"),
    ("kill -SEGV $$", "was ended by signal 11"),
    (
        "printf '{\"id\":1,\"ending\":\"ok\"}\\n'",
        "answered request 1, not",
    ),
    (
        "say '\"values\",\"values\":[\"i32:7\"]'",
        "`i32:7` is not a value",
    ),
    (
        "say '\"values\",\"values\":[\"i32:0x00000007\"]'; say '\"ok\"'; sleep 0.2",
        "answered request",
    ),
];

#[test]
fn faults_are_crashes_with_their_reason() {
    for (fault, said) in FAULTS {
        let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
        let (code, stderr, report) = Place::new().run(&HONEST.replace(invoke, fault));
        assert_eq!(code, 1, "{fault}: {stderr}");
        assert!(count(&report, "crash") >= 1, "{fault}: {report}");
        assert!(count(&report, "pass") <= 2, "{fault}");
        let details = details(&report);
        assert!(
            details.iter().any(|it| it.contains(said)),
            "{fault}: {details:?}"
        );
    }
}

/// Nobody but the system or a user ends a process so: the engine was not measured.
#[test]
fn an_adapter_that_is_killed_is_not_measured() {
    let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
    let (code, stderr, report) = Place::new().run(&HONEST.replace(invoke, "kill -9 $$"));
    let counts = ["crash", "fail", "not_run"].map(|status| count(&report, status));
    assert_eq!((code, counts), (3, [0, 0, 2]), "{stderr} {report}");
    let details = details(&report);
    let is_told = |it: &String| it.contains("signal 9");
    assert!(details.iter().any(is_told), "{details:?}");
}

#[test]
fn a_hanging_call_is_a_time_out_and_its_children_are_killed() {
    let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
    let place = Place::new();
    let mark = place.path("child");
    let hang = format!("sh -c 'echo $$ > {}; exec sleep 100'", mark.display());
    let started = Instant::now();
    let (code, _, report) = place.run(&HONEST.replace(invoke, &hang));
    assert_eq!((code, count(&report, "timeout")), (1, 2), "{report}");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_dead(&mark);
}

/// An answer after the deadline is lost with its adapter, whatever it says.
#[test]
fn a_late_answer_is_a_time_out() {
    let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
    let late = format!("sleep 4; {invoke}");
    let (code, _, report) = Place::new().run(&HONEST.replace(invoke, &late));
    assert_eq!((code, count(&report, "timeout")), (1, 2), "{report}");
    assert_eq!(count(&report, "pass"), 1);
}

#[test]
fn what_a_dead_adapter_started_is_killed_too() {
    let invoke = r#"say '"values","values":["i32:0x00000007"]'"#;
    let place = Place::new();
    let mark = place.path("child");
    let child = format!(
        "sleep 100 <&- >&- 2>&- & echo $! > {}; exit 3",
        mark.display()
    );
    let (code, _, report) = place.run(&HONEST.replace(invoke, &child));
    assert_eq!((code, count(&report, "crash")), (1, 2), "{report}");
    assert_dead(&mark);
}

/// What loops in an adapter, and what that has started, ends with a harness that is killed and can
/// no longer end it.
#[test]
fn a_loop_ends_with_a_harness_that_was_killed() {
    let place = Place::new();
    let (mark, child) = (place.path("looping"), place.path("child"));
    let body = HONEST.replace(
        INVOKE,
        &format!(
            "sleep 1000 <&- >&- 2>&- & echo $! > {}; echo $$ > {1}.new; mv {1}.new {1}; \
             while :; do :; done",
            child.display(),
            mark.display()
        ),
    );
    let mut harness = Command::new(env!("CARGO_BIN_EXE_wassay"))
        .args(["spec", "-j1", "--engines", "fake", "--timeout", "600s"])
        .arg("--engine-table")
        .arg(place.table(&body))
        .arg(place.path("a.wast"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    wait_until("the adapter loops", || mark.exists());
    assert!(!is_dead(&mark) && !is_dead(&child));
    harness.kill().expect("killed");
    harness.wait().expect("reaped");
    wait_until("both are dead", || is_dead(&mark) && is_dead(&child));
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(60), "not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The process whose number is in the file is dead; one that nobody reaps is a zombie.
fn assert_dead(mark: &Path) {
    assert!(is_dead(mark));
}

fn is_dead(mark: &Path) -> bool {
    let child = std::fs::read_to_string(mark).expect("it ran");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

/// An engine that refuses a module tells it in its own words, or in none.
#[test]
fn texts_of_an_engine_are_counted_where_they_are_not_the_suites() {
    let place = Place::new();
    let invalid = "(assert_invalid (module (func (result i32))) \"type mismatch\")\n";
    place.write("a.wast", &invalid.repeat(3));
    for (message, others) in [
        ("type mismatch in function 0", 0),
        ("the stack is empty", 3),
        ("", 0),
    ] {
        let ending = format!("say '\"invalid\",\"message\":\"{message}\"'");
        // The module `spectest`, which comes first, is larger.
        let module = format!(
            "*'\"op\":\"module\"'*) if [ ${{#line}} -lt 150 ]; then {ending}; \
             else say '\"ok\"'; fi ;;\n*) say"
        );
        let body = HONEST.replace("*) say '\"ok\"'", &format!("{module} '\"ok\"'"));
        let (code, stderr, report) = place.run(&body);
        assert_eq!((code, count(&report, "pass")), (0, 3), "{stderr} {report}");
        let told = &report["tiers"]["fake"]["counts"]["other_text"];
        assert_eq!(told.as_u64().unwrap_or(0), others, "{message}");
        let texts = report["texts"].as_array().map_or(0, Vec::len);
        assert_eq!(texts, usize::from(others > 0));
    }
}

#[test]
fn an_engine_that_is_not_there_is_unavailable() {
    let hello = |answer: &str| HONEST.replace("say \"$ready\"", answer);
    let unavailable = r#"say '"unavailable","message":"not today"'"#;
    let later = r#"say '"ready","protocol":2,"engine":"e","version":"1"'"#;
    for (body, said) in [
        (hello(unavailable), "not today"),
        (hello("exit 1"), "ended with code 1"),
        (hello("say '\"ok\"'"), "does not answer `hello`"),
        (hello(later), "version 2"),
    ] {
        let (code, _, report) = Place::new().run(&body);
        assert_eq!(code, 3, "{body}: {report}");
        let reason = report["tiers"]["fake"]["reason"]
            .as_str()
            .expect("a reason");
        assert!(reason.contains(said), "{reason}");
        assert_eq!(count(&report, "not_run"), 3);
    }
}

#[test]
fn bad_tables_are_refused_by_line() {
    let place = Place::new();
    let table = place.write("engines.toml", "[[engine]]\nname = 7\n");
    let (code, stderr, _) = place.spec(&table, &["--engines", "stack"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("engines.toml:2: "), "{stderr}");
    let (code, stderr, _) = place.spec(Path::new("/nowhere/e.toml"), &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("/nowhere/e.toml"), "{stderr}");
}

/// A foreign engine beside ours: a value that differs is its own failure, and does not diverge.
#[test]
fn engines_are_compared_with_our_tiers() {
    let place = Place::new();
    let table = place.table(HONEST);
    let (code, stderr, report) = place.spec(&table, &["--engines", "stack,fake"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(report["agreement"]["agree"], 3);
}
