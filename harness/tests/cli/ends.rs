//! What hangs, what is interrupted and what outlives its master.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{Place, ended, processes_with, wait_until};

const HANGS: &str = "(module (func (export \"hang\") (loop (br 0)))
  (func (export \"f\") (result i32) i32.const 1))
(assert_return (invoke \"f\") (i32.const 1))
(invoke \"hang\")
(assert_return (invoke \"f\") (i32.const 1))
";

#[test]
fn a_hang_is_a_timeout_of_its_directive_alone() {
    let place = Place::new();
    let file = place.file("a.wast", HANGS);
    let (ended, report) = place.spec(&[&file, "--timeout", "700ms"]);
    assert_eq!(ended.code, 1);
    let counts = &report["tiers"]["stack"]["counts"];
    assert_eq!(
        (&counts["pass"], &counts["timeout"]),
        (&3.into(), &1.into()),
        "{counts}"
    );
    assert_eq!(report["directives"][0]["line"], 4);
}

/// A thread waits for ever, while the script waits for it; another one goes on.
const THREAD_HANGS: &str = "\
;;! threads = true
(module $m (memory (export \"m\") 1 1 shared))
(thread $T (shared (module $m))
  (register \"m\" $m)
  (module (memory (import \"m\" \"m\") 1 1 shared)
    (func (export \"wait\") (result i32)
      (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
    (func (export \"set\") (i32.atomic.store (i32.const 4) (i32.const 1))))
  (assert_return (invoke \"wait\") (i32.const 0))
  (assert_return (invoke \"set\")))
(thread $U (shared (module $m))
  (register \"m\" $m)
  (module (memory (import \"m\" \"m\") 1 1 shared)
    (func (export \"until\") (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 4)))))))
  (assert_return (invoke \"until\")))
(wait $T)
(wait $U)
";

#[test]
fn a_hang_in_a_thread_is_pinned_on_its_directive() {
    let place = Place::new();
    let file = place.file("a.wast", THREAD_HANGS);
    let (ended, report) = place.spec(&[&file, "--timeout", "700ms"]);
    assert_eq!(ended.code, 1);
    let counts = &report["tiers"]["stack"]["counts"];
    assert_eq!(
        (&counts["pass"], &counts["timeout"]),
        (&11.into(), &1.into()),
        "{counts}"
    );
    assert_eq!(report["directives"][0]["line"], 9);
}

#[test]
fn ctrl_c_ends_the_run_with_a_report_of_what_was_run() {
    let place = Place::new();
    let file = place.file("a.wast", HANGS);
    let report = place.path("r.json");
    let option = format!("json={}", report.display());
    let args = [
        "spec",
        &file,
        "--tiers",
        "stack",
        "--timeout",
        "60s",
        "--report",
        &option,
    ];
    let mut command = place.command(&args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let started = Instant::now();
    let cells = format!("--cell /proc/{}/", child.id());
    wait_until(|| processes_with(&cells) > 0);
    std::thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    Command::new("sh")
        .args(["-c", &format!("kill -INT {pid}")])
        .status()
        .expect("kill runs");
    let output = child.wait_with_output().expect("it ends");
    let ended = ended(&output, started.elapsed());
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    assert!(!report.exists(), "what stood there would be lost");
    let partial = std::fs::read_to_string(place.path("r.json.partial")).expect("a report");
    let partial: Value = serde_json::from_str(&partial).expect("it is JSON");
    assert_eq!(partial["run"]["interrupted"], true);
    let stack = &partial["tiers"]["stack"]["counts"];
    assert_eq!(stack["not_run"], partial["accounting"]["directives"]);
    let left = |folder: &Path| std::fs::read_dir(folder).expect("there").count();
    assert_eq!(left(&place.path("tmp")), 0, "temporary files");
    assert_eq!(left(place.folder.path()), 3, "a.wast, the report and tmp");
}

#[test]
fn workers_leave_with_a_master_that_was_killed() {
    let place = Place::new();
    let file = place.file("a.wast", HANGS);
    let args = ["spec", &file, "--tiers", "stack", "--timeout", "60s"];
    let mut command = place.command(&args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    // A worker names its cell, and with it its master, on its command line.
    let cells = format!("--cell /proc/{}/", child.id());
    wait_until(|| processes_with(&cells) > 0);
    child.kill().expect("killed");
    child.wait().expect("reaped");
    wait_until(|| processes_with(&cells) == 0);
}
