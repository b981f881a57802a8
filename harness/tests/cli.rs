//! The program itself, as a user meets it, where that takes signals, processes, a terminal or a
//! look into the report; and that it leaves nothing behind. Plain commands are data
//! (`commands.rs`).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long bad input may take to be refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// A folder of its own for each test; the program's temporary files go to a folder in it.
struct Place {
    folder: TempDir,
}

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
    took: Duration,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("tmp")).expect("created");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(&path, content).expect("written");
        path.to_string_lossy().into_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command
            .args(args)
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        let started = Instant::now();
        let output: Output = self.command(args).output().expect("the program starts");
        let left: Vec<_> = std::fs::read_dir(self.path("tmp"))
            .expect("there")
            .collect();
        assert!(
            left.is_empty(),
            "temporary files are left by {args:?}: {left:?}"
        );
        ended(&output, started.elapsed())
    }

    /// Runs `wassay spec` in the reference tier with a report, and reads it.
    fn spec(&self, args: &[&str]) -> (Ended, Value) {
        self.spec_in("stack", args)
    }

    fn spec_in(&self, tiers: &str, args: &[&str]) -> (Ended, Value) {
        let report = self.path("report.json");
        let option = format!("json={}", report.display());
        let common = ["spec", "--tiers", tiers, "--report", &option];
        let ended = self.run(&[&common, args].concat());
        let text = std::fs::read_to_string(report).expect("a report is written");
        (ended, serde_json::from_str(&text).expect("it is JSON"))
    }
}

/// The JIT may be missing only where `scripts/test` has said why: then it ends with 3 itself.
#[track_caller]
fn assert_told_why() {
    let why = std::env::var_os("WASSAY_JIT_UNAVAILABLE");
    assert!(
        why.is_some(),
        "the JIT does not run, and nothing says why: see scripts/build"
    );
}

fn ended(output: &Output, took: Duration) -> Ended {
    Ended {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took,
    }
}

impl Ended {
    /// One clear error with all these parts, exit code 2, soon.
    fn is_refused(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        let errors: Vec<&str> = self
            .stderr
            .lines()
            .filter(|l| l.starts_with("wassay: "))
            .collect();
        assert_eq!(errors.len(), 1, "one clear error: {}", self.stderr);
        for part in parts {
            assert!(errors[0].contains(part), "no `{part}` in: {}", errors[0]);
        }
        assert!(self.took < REFUSED_WITHIN, "took {:?}", self.took);
    }
}

const GOOD: &str = "(module (func (export \"f\") (param i32) (result i32) local.get 0))
(assert_return (invoke \"f\" (i32.const 7)) (i32.const 7))
(assert_return (invoke \"f\" (i32.const 8)) (i32.const 8))
";

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

/// The members of a report that depend on the moment and on the number of jobs, as
/// `docs/report-formats.md` lists them.
fn timeless(mut report: Value) -> Value {
    let run = &mut report["run"];
    for member in ["seconds", "jobs"] {
        run[member] = Value::Null;
    }
    for member in ["date", "command", "words"] {
        run["provenance"][member] = Value::Null;
    }
    for tier in report["tiers"].as_object_mut().expect("tiers").values_mut() {
        tier["seconds"] = Value::Null;
    }
    for file in report["files"].as_array_mut().expect("files") {
        file["seconds"] = Value::Null;
    }
    report
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

fn wait_until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes have this on their command lines.
fn processes_with(part: &str) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        let output = Command::new("ps")
            .args(["-eo", "args"])
            .output()
            .expect("ps runs");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        return lines.lines().filter(|line| line.contains(part)).count();
    };
    let lines = entries.flatten().filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(part)).count()
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

const MODULE: &str = "(module
  (func (export \"div\") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export \"swap\") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (func (export \"deep\") (call 2))
  (memory (export \"m\") 1))
";

#[test]
fn every_tier_runs_an_export_alike() {
    let place = Place::new();
    let wat = place.file("m.wat", MODULE);
    for tier in ["stack", "register", "jit"] {
        for bounds in ["guard", "explicit"] {
            let run = |args: &[&str]| {
                let options = ["--tier", tier, "--bounds", bounds, "--invoke"];
                place.run(&[&["run", &wat], &options[..], args].concat())
            };
            let ended = run(&["div", "7", "-2"]);
            if ended.code == 3 && ended.stderr.contains("tier `jit` is unavailable") {
                assert_told_why();
                continue;
            }
            let seen = (ended.code, ended.stdout.as_str());
            assert_eq!(seen, (0, "-3\n"), "{tier} {bounds}: {}", ended.stderr);
            let ended = run(&["swap", "-1", "-nan:0x200000"]);
            assert_eq!(ended.stdout, "-nan:0x200000\n-1\n", "{tier} {bounds}");
            let ended = run(&["div", "1", "0"]);
            assert_eq!(ended.code, 134, "{tier} {bounds}");
            let lines: Vec<&str> = ended.stderr.lines().collect();
            let [what, frame] = lines[..] else {
                panic!("{}", ended.stderr);
            };
            assert_eq!(what, "wassay: trap: integer divide by zero");
            assert!(frame.starts_with("   0: ") && frame.ends_with(" - div"));
            let ended = run(&["deep"]);
            assert_eq!(ended.code, 134, "{tier} {bounds}");
            assert!(
                ended.stderr.contains("call stack exhausted") && ended.stderr.ends_with(" more\n"),
                "{}",
                ended.stderr
            );
        }
    }
}

/// Without the plugin marks are calls that do nothing; of interpreters there is nothing to mark.
#[test]
fn marks_for_counting_are_of_compiled_code_and_change_nothing() {
    let place = Place::new();
    let wat = place.file("m.wat", MODULE);
    let run = |tier| {
        let options = ["--count-marks", "--tier", tier, "--invoke"];
        place.run(&[&["run", &wat], &options[..], &["div", "7", "-2"]].concat())
    };
    run("stack").is_refused(&["tier `stack` has none"]);
    run("register").is_refused(&["tier `register` has none"]);
    let ended = run("jit");
    let is_unavailable = ended.code == 3 && ended.stderr.contains("tier `jit` is unavailable");
    if is_unavailable {
        assert_told_why();
    } else {
        assert_eq!(
            (ended.code, &*ended.stdout),
            (0, "-3\n"),
            "{}",
            ended.stderr
        );
    }
}

/// A module for limits: it loops, recurses, grows.
const LIMITED: &str = "(module
  (memory 1) (table 4 funcref)
  (type $list (struct (field (ref null $list)) (field i64)))
  (func (export \"heap\") (param i32) (result i32) (local $list (ref null $list))
    (loop (local.set $list (struct.new $list (local.get $list) (i64.const 1)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))
  (func (export \"loop\") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))
  (func $deep (export \"deep\") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 7))
      (else (call $deep (i32.sub (local.get 0) (i32.const 1))))))
  (func (export \"memory\") (result i32) (memory.grow (i32.const 2)))
  (func (export \"table\") (result i32) (table.grow (ref.null func) (i32.const 2))))
";

#[test]
fn what_a_module_may_use_is_limited() {
    let place = Place::new();
    let wat = place.file("m.wat", LIMITED);
    for tier in ["stack", "register"] {
        let check = |line: &str, code: i32, part: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let start = ["run", &wat, "--tier", tier];
            let ended = place.run(&[&start, &words[..]].concat());
            let text = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, code, "{tier}: {line}: {text}");
            assert!(text.contains(part), "{tier}: {line}: {text}");
        };
        // Five instructions for each turn, and one.
        check("--fuel 16 --invoke loop 3", 0, "0\n");
        check("--fuel 15 --invoke loop 3", 136, "trap: all fuel consumed");
        check("--timeout 10ms --invoke loop 0", 136, "trap: interrupted");
        check("--timeout 10m --invoke loop 3", 0, "0\n");
        check("--max-depth 30 --invoke deep 20", 0, "7\n");
        check(
            "--max-depth 30 --invoke deep 40",
            134,
            "call stack exhausted",
        );
        check("--max-stack 64K --invoke deep 20", 0, "7\n");
        check(
            "--max-stack 64K --invoke deep 9000",
            134,
            "call stack exhausted",
        );
        check("--max-memory 192K --invoke memory", 0, "1\n");
        check("--max-memory 191K --invoke memory", 0, "-1\n");
        let memory = "limit reached, bytes of all memories of a store";
        check("--max-memory 64 --invoke memory", 136, memory);
        check("--max-table 6 --invoke table", 0, "4\n");
        check("--max-table 5 --invoke table", 0, "-1\n");
        let table = "limit reached, elements of all tables of a store";
        check("--max-table 3 --invoke table", 136, table);
        check("--max-heap 1M --invoke heap 1000", 0, "0\n");
        check(
            "--max-heap 1M --invoke heap 90000",
            136,
            "trap: gc heap exhausted",
        );
        check("--max-table much --invoke table", 2, "invalid value");
    }
}

#[test]
fn modes_change_no_verdict_and_stand_in_the_report() {
    let place = Place::new();
    let suite = place.file(
        "a.wast",
        r#"(module (memory 1) (func (export "f") (param i32) (result i32)
             (loop (i32.store (i32.const 8) (local.get 0))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (i32.load (i32.const 8))))
           (assert_return (invoke "f" (i32.const 9)) (i32.const 1))"#,
    );
    let tiers = "stack,register";
    let (plain, report) = place.spec_in(tiers, &[&suite]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    assert_eq!(report["run"]["modes"]["fuel"], false);
    let modes = [
        "--fuel",
        "--interruptible",
        "--gc-stress",
        "--poison-registers",
        "--check-allocation",
        "--linear-allocation",
        "--exclusive-atomics",
        "--lazy",
        "--background",
    ];
    let (ended, report) = place.spec_in(tiers, &[&[&suite[..]], &modes[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for mode in [
        "fuel",
        "interruptible",
        "gc_stress",
        "poison_registers",
        "check_allocation",
        "linear_allocation",
        "exclusive_atomics",
        "lazy",
        "background",
    ] {
        assert_eq!(report["run"]["modes"][mode], true);
    }
    assert_eq!(report["agreement"]["agree"], 2);
}

/// A loop that is hot the second time, functions that call each other, and a trap after that.
const HOT: &str = r#"(module (memory 1)
   (func $step (param i32) (result i32)
     (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 0)))
     (i32.div_u (i32.const 100) (local.get 0)))
   (func (export "f") (param i32) (result i32) (local $sum i32)
     (loop
       (local.set $sum (i32.add (local.get $sum) (call $step (local.get 0))))
       (br_if 0 (i32.ge_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))
     (i32.add (local.get $sum) (i32.load (i32.const 8)))))
 (assert_return (invoke "f" (i32.const 5)) (i32.const 243))
 (assert_trap (invoke "f" (i32.const 0)) "integer divide by zero")
 (assert_return (invoke "f" (i32.const 1)) (i32.const 116))"#;

#[test]
fn tiers_are_mixed_and_say_what_ran_where() {
    let place = Place::new();
    let suite = place.file("a.wast", HOT);
    let (ended, report) = place.spec_in("all", &[&suite]);
    let tiers = report["tiers"].as_object().expect("accounts");
    let names: Vec<&str> = tiers.keys().map(String::as_str).collect();
    assert_eq!(names, ["jit", "register", "stack", "tiered-1", "tiered-2"]);
    assert_eq!(report["accounting"]["closed"], true);
    if tiers["jit"]["available"] == false {
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert_eq!(tiers["tiered-1"]["reason"], tiers["jit"]["reason"]);
        assert_told_why();
        return;
    }
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(report["agreement"]["agree"], 4);
    for tier in ["tiered-1", "tiered-2"] {
        let account = &tiers[tier];
        assert_eq!(account["counts"]["pass"], 4);
        let proof = &account["proof"];
        let tiered = &proof["tiered"];
        assert_eq!(proof["functions"], 2);
        assert_eq!(proof["compiled"], 2, "{proof}");
        let is_second = u32::from(tier == "tiered-2");
        assert_eq!(tiered["interpreted"], 2 * is_second, "{proof}");
        assert_eq!(tiered["loops_compiled"], is_second, "{proof}");
        assert_eq!(tiered["loops_entered"], is_second, "{proof}");
    }
    assert_eq!(tiers["jit"]["proof"]["tiered"], Value::Null);
    assert!(
        ended.stdout.contains("1 loops compiled, entered 1 times"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_module_runs_in_mixed_tiers() {
    let place = Place::new();
    let module = HOT.split("(assert_return").next().expect("a module");
    let wat = place.file("m.wat", module);
    let run = |tier: &[&str]| {
        place.run(&[&["run", &wat, "--invoke", "f"][..], tier, &["--", "5"]].concat())
    };
    for tier in [
        &["--tier", "tiered"][..],
        &["--tier", "tiered", "--tier-up", "3"],
        &["--tier", "tiered-2"],
    ] {
        let ended = run(tier);
        if ended.code == 3 && ended.stderr.contains("is unavailable") {
            assert_told_why();
        } else {
            assert_eq!(ended.stdout, "243\n", "{}", ended.stderr);
        }
    }
    run(&["--tier", "jit", "--tier-up", "3"]).is_refused(&["jit", "--tier-up"]);
}

/// A WASI program that copies its input and the file `note` of its directory, and exits with the
/// number of its arguments.
const COPIES: &str = r#"(module
   (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
   (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
   (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
   (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
   (import "wasi_snapshot_preview1" "path_open"
     (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
   (memory (export "memory") 1)
   (data (i32.const 64) "note")
   (func $copy (param $from i32)
     (i32.store (i32.const 0) (i32.const 1024))
     (loop $more
       (i32.store (i32.const 4) (i32.const 5))
       (if (call $read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 4))
         (then unreachable))
       (if (i32.load (i32.const 4))
         (then
           (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
           (br $more)))))
   (func (export "_start")
     (call $copy (i32.const 0))
     (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 0)
           (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
       (then unreachable))
     (call $copy (i32.load (i32.const 16)))
     (drop (call $args (i32.const 20) (i32.const 24)))
     (call $exit (i32.load (i32.const 20)))))"#;

/// The emulated JIT gets them as the interpreters do.
#[test]
fn a_program_has_its_input_directories_and_arguments_in_every_tier() {
    let place = Place::new();
    let program = place.file("copies.wat", COPIES);
    let input = place.file("input", "what comes in\n");
    place.file("tree/note", "what is there\n");
    let tree = format!("{}::/", place.path("tree").display());
    for tier in ["stack", "register", "jit", "tiered"] {
        let args = [
            "run", "--tier", tier, "--dir", &tree, &program, "--", "a", "-b",
        ];
        let mut command = place.command(&args);
        command.stdin(std::fs::File::open(&input).expect("there"));
        let ended = ended(&command.output().expect("it starts"), Duration::ZERO);
        if ended.code == 3 && ended.stderr.contains("is unavailable") {
            assert_told_why();
            continue;
        }
        assert_eq!(ended.code, 3, "{tier}: {}", ended.stderr);
        assert_eq!(ended.stdout, "what comes in\nwhat is there\n", "{tier}");
    }
}

#[test]
#[cfg_attr(target_arch = "aarch64", ignore = "the JIT runs in the program itself")]
fn a_jit_worker_of_the_wrong_architecture_is_unavailable_and_does_not_loop() {
    let place = Place::new();
    let wat = place.file("m.wat", MODULE);
    let this = env!("CARGO_BIN_EXE_wassay");
    let run = |args: &[&str]| {
        let started = Instant::now();
        let output = place.command(args).env("WASSAY_JIT_WORKER", this).output();
        ended(&output.expect("the program starts"), started.elapsed())
    };
    let ended = run(&["run", &wat, "--tier", "jit", "--invoke", "div", "1", "1"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("unavailable"), "{}", ended.stderr);
    let wast = place.file("a.wast", GOOD);
    let ended = run(&["spec", &wast, "--tiers", "jit"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
}

/// NaNs are judged by what the suite states of them, and the profile stands in the report.
#[test]
fn the_native_profile_is_judged_by_nan_class() {
    let place = Place::new();
    let suite = place.file(
        "a.wast",
        r#"(module (func (export "f") (param f32 f32) (result f32)
             (f32.add (local.get 0) (local.get 1))))
           (assert_return (invoke "f" (f32.const 1) (f32.const -nan)) (f32.const nan:canonical))
           (assert_return (invoke "f" (f32.const -nan:0x200001) (f32.const 1))
             (f32.const nan:arithmetic))
           (assert_return (invoke "f" (f32.const 1) (f32.const 2)) (f32.const 3))"#,
    );
    for profile in ["deterministic", "native"] {
        let arguments = [&suite, "--float-profile", profile];
        let (ended, report) = place.spec_in("stack,register", &arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(report["run"]["profile"], profile);
        assert_eq!(report["agreement"]["diverge"], 0);
    }
    let module = place.file(
        "m.wat",
        r#"(module (func (export "f") (param f32) (result i32)
             (i32.reinterpret_f32 (f32.mul (local.get 0) (f32.const 1.5)))))"#,
    );
    let run = |profile: &str| {
        let call = [
            "run",
            &module,
            "--invoke",
            "f",
            "--float-profile",
            profile,
            "--",
            "nan:0x400001",
        ];
        place.run(&call).stdout
    };
    assert_eq!(run("deterministic"), format!("{}\n", 0x7fc0_0000));
    assert_eq!(run("native"), format!("{}\n", 0x7fc0_0001));
}

const COMPUTES: &str = "(module (func (export \"sub\") (param i32 i32) (result i32)
  (i32.sub (local.get 0) (local.get 1))))
(assert_return (invoke \"sub\" (i32.const 7) (i32.const 9)) (i32.const -2))
";

#[test]
fn shapes_have_an_account_of_their_own() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    let (ended, report) = place.spec_in("stack,register", &["--shapes", &file]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let shapes = &report["shapes"];
    assert_eq!(shapes["applicable"], 1);
    assert_eq!(shapes["closed"], true);
    let variants = shapes["variants"].as_u64().expect("a number");
    for tier in ["stack", "register"] {
        let counts = &shapes["tiers"][tier]["counts"];
        let compared = shapes["shapes"]["pool"]["tiers"][tier]["compared"].clone();
        assert_eq!(counts["compared"], compared);
        let compared = compared.as_u64().expect("a number");
        assert!(compared > 0);
        assert_eq!(counts["pass"], variants - compared);
        assert_eq!(shapes["shapes"]["left-constant"]["tiers"][tier]["pass"], 1);
    }
    assert_eq!(shapes["agreement"]["agree"], variants);
    assert_eq!(shapes["ops"]["i32.sub"], 1);
    let (_, without) = place.spec_in("stack,register", &[&file]);
    assert_eq!(without.get("shapes"), None);
    assert_eq!(without["directives"], report["directives"]);
}

#[test]
fn shapes_are_drawn_by_a_seed_and_bounded_in_time() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    let shapes = |arguments: &[&str]| {
        let all = [&["--shapes", &file][..], arguments].concat();
        let (ended, report) = place.spec_in("stack,register", &all);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        report["shapes"].clone()
    };
    let many = shapes(&["--shapes-samples", "20", "--shapes-seed", "5"]);
    assert_eq!((&many["seed"], &many["samples"]), (&5.into(), &20.into()));
    assert_eq!(many["shapes"]["product"]["variants"], 20);
    assert_eq!(many["shapes"]["product"]["tiers"]["stack"]["pass"], 20);
    assert_eq!(many["shapes"]["pool"]["tiers"]["register"]["compared"], 320);
    let none = shapes(&["--shapes-time", "1ns"]);
    assert_eq!(none["variants"], 0);
    assert_eq!(none["not_applicable"]["the time is over"], 1);
    assert_eq!(none["closed"], true);
}

#[test]
fn a_shape_is_explained_by_its_id() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    // An assertion that is wrong makes all of its shapes fail, and so shows their ids.
    let wrong = place.file("b.wast", COMPUTES.replace("-2", "-3"));
    // Some products lose what is wrong.
    let shapes = ["--shapes", "--shapes-samples", "4", &wrong];
    let (_, report) = place.spec_in("stack,register", &shapes);
    let failures = report["shapes"]["failures"].as_array().expect("a list");
    let product = failures.iter().find(|it| it["shape"] == "product");
    let id = product.expect("listed")["id"].as_str().expect("a text");
    let explain = |id: &str, path: &str| {
        let samples = ["--shapes-samples", "4"];
        let engines = ["explain", "--engines", "stack,register"];
        let arguments = [&engines[..], &samples, &[id, path]].concat();
        let ended = place.run(&arguments);
        (ended.code, format!("{}{}", ended.stdout, ended.stderr))
    };
    assert_eq!(
        explain(id, &wrong),
        (0, "wassay: the engines do the same\n".to_string())
    );
    let missing = explain(&format!("{id}0"), &wrong);
    assert_eq!(missing.0, 2);
    assert!(missing.1.contains("has no shape"), "{}", missing.1);
    assert_eq!(explain(id, &file).0, 2);
}

#[test]
fn a_shape_that_fails_is_named_by_its_directive_and_fails_the_run() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES.replace("-2", "-3"));
    let (ended, report) = place.spec(&["--shapes", &file]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let failures = report["shapes"]["failures"].as_array().expect("a list");
    let left = failures.iter().find(|it| it["shape"] == "left-constant");
    let left = left.expect("listed");
    assert_eq!((&left["line"], &left["export"]), (&3.into(), &"sub".into()));
    assert_eq!(left["tiers"]["stack"]["actual"], "i32:0xfffffffe");
    let shown = |line: &str| line == "FAIL variant parameter of \"sub\": result 0 differs (stack)";
    assert!(ended.stdout.lines().any(shown), "{}", ended.stdout);
    let gate = report["gate"]["regressions"].as_array().expect("a list");
    let ids = gate.iter().filter_map(|it| it["id"].as_str());
    assert!(ids.clone().any(|id| id.ends_with("/left-constant")));
    let unavailable = [("WASSAY_JIT_UNAVAILABLE", "no ARM64 today")];
    let mut command = place.command(&["spec", "--tiers", "stack,jit", "--shapes", &file]);
    let ended = command
        .envs(unavailable)
        .output()
        .expect("the program starts");
    assert_eq!(
        ended.status.code(),
        Some(3),
        "what was not measured is not passed"
    );
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

/// Functions that call each other in a loop, by recursion, by a tail call and through a table.
const CALLS: &str = r#"(module
  (type $unary (func (param i32) (result i32)))
  (table funcref (elem $down))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $spin (param i32) (result i32)
    (loop $more
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $more (i32.gt_s (local.get 0) (i32.const 0))))
    (call_indirect (type $unary) (i32.const 2) (i32.const 0)))
  (func $last (param i32) (result i32) (return_call $spin (local.get 0)))
  (func (export "_start") (local $n i32)
    (loop $more
      (drop (call $last (local.get $n)))
      (drop (call $down (local.get $n)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 6))))))"#;

/// With a sample at each poll, stacks and their numbers are the same in every tier, and follow from
/// the program: a function's entry is one, and so is each arrival at a loop's head.
#[test]
fn samples_are_the_same_in_every_tier() {
    let place = Place::new();
    let file = place.file("calls.wat", CALLS);
    let common = ["run", "--profile=times", "--profile-interval=0s"];
    let common = [&common[..], &["--profile-write=folded=-"]].concat();
    let sampled = |options: &[&str]| place.run(&[&common[..], options, &[&*file]].concat());
    let expected = "_start 7\n_start;last 6\n_start;spin 22\n_start;spin;down 6\n\
        _start;spin;down;down 6\n_start;spin;down;down;down 6\n_start;down 6\n\
        _start;down;down 5\n_start;down;down;down 4\n_start;down;down;down;down 3\n\
        _start;down;down;down;down;down 2\n_start;down;down;down;down;down;down 1\n";
    let settings: [&[&str]; 7] = [
        &["--tier", "stack"],
        &["--tier", "stack", "--eager"],
        &["--tier", "register"],
        &["--tier", "jit"],
        &["--tier", "tiered", "--tier-up", "1"],
        &["--tier", "tiered", "--tier-up", "2"],
        &["--tier", "tiered", "--tier-up", "4"],
    ];
    for options in settings {
        let ended = sampled(options);
        if ended.code == 3 {
            assert_told_why();
            continue;
        }
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{options:?}");
        assert_eq!(ended.stdout, expected, "{options:?}");
    }
}

/// A start function is sampled as all others are, and its time is not that of instantiation.
#[test]
fn a_start_function_is_sampled() {
    let place = Place::new();
    let file = place.file(
        "start.wat",
        r#"(module
          (func $f)
          (func $start (local i32)
            (loop
              (call $f)
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if 0 (i32.lt_u (local.get 0) (i32.const 4)))))
          (start $start)
          (func (export "_start") (call $f)))"#,
    );
    for tier in ["--tier=stack", "--tier=register"] {
        let write = "--profile-write=folded=-";
        let run = [
            "run",
            "--profile=times",
            "--profile-interval=0s",
            write,
            tier,
        ];
        let ended = place.run(&[&run[..], &[&*file]].concat());
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{tier}");
        let expected = "start 5\nstart;f 4\n_start 1\n_start;f 1\n";
        assert_eq!(ended.stdout, expected, "{tier}");
    }
}

/// The functions of a suite have times in each tier; a file with a hang is measured but for that,
/// and what is left out is listed with its reason.
#[test]
fn a_suite_has_times_of_functions_and_says_what_is_left_out() {
    let place = Place::new();
    let hangs = r#"(module
        (func $inner (loop))
        (func (export "f") (call $inner) (call $inner))
        (func (export "hang") (loop (br 0))))
      (assert_return (invoke "f"))
      (invoke "hang")
      (assert_return (invoke "f"))"#;
    place.file("s/a.wast", hangs);
    place.file(
        "s/t.wast",
        ";;! threads = true\n\
         (module $m (memory (export \"shared\") 1 1 shared))\n\
         (thread $t (shared (module $m))\n\
           (assert_invalid (module (func (br 7))) \"unknown label\"))\n\
         (wait $t)",
    );
    let folder = place.path("s").to_string_lossy().into_owned();
    let json = place.path("profile.json");
    let write = format!("--profile-write=json={}", json.display());
    let options = ["--profile", "--profile-interval=0s", "--timeout=1s", &write];
    let (ended, _) = place.spec_in("stack,register", &[&options[..], &[&*folder]].concat());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let text = std::fs::read_to_string(json).expect("it is written");
    let profile: Value = serde_json::from_str(&text).expect("it is JSON");
    let functions = profile["functions"].as_array().expect("rows").iter();
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().expect("a text").to_string();
        let number = |key: &str| row[key].as_u64().expect("a number");
        let samples = [number("own_samples"), number("total_samples")];
        (text("engine"), text("file"), text("name"), samples)
    };
    let mut functions: Vec<_> = functions.map(row).collect();
    functions.sort();
    // A sample at the entry of `f`, and two in `inner` in each of its calls, twice.
    let expected = ["register", "stack"].map(|engine| {
        ["f", "inner"].map(|name| {
            let samples = if name == "f" { [2, 10] } else { [8, 8] };
            let [engine, file, name] = [engine, "a.wast", name].map(str::to_string);
            (engine, file, name, samples)
        })
    });
    assert_eq!(functions, expected.concat());
    let left_out = |file: &str, directives: u64, reason: &str| {
        let (file, reason) = (Value::from(file), Value::from(reason));
        serde_json::json!({"file": file, "directives": directives, "reason": reason})
    };
    let expected = serde_json::json!([
        left_out(
            "a.wast",
            1,
            "did not end by itself in some engine, or was not run there"
        ),
        left_out(
            "t.wast",
            4,
            "threads: what runs at the same time cannot be told apart"
        ),
    ]);
    assert_eq!(profile["left_out"], expected);
    assert_eq!(profile["files"][0]["directives"], 3);
}

/// Times and counts of one run: sums that fit each other, a host function's calls apart.
#[test]
fn a_profile_has_times_and_counts() {
    let place = Place::new();
    let file = place.file(
        "program.wat",
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "\10\00\00\00\03\00\00\00hi\n")
          (func $line (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0))))
          (func (export "_start") (local i32)
            (loop
              (call $line)
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if 0 (i32.lt_u (local.get 0) (i32.const 3))))))"#,
    );
    let json = place.path("profile.json");
    let write = format!("--profile-write=json={}", json.display());
    let run = [
        "run",
        "--tier=register",
        "--profile",
        "--profile-interval=0s",
    ];
    let ended = place.run(&[&run[..], &[&*write, &*file]].concat());
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    // What is counted does not print again.
    assert_eq!(ended.stdout, "hi\nhi\nhi\n");
    let text = std::fs::read_to_string(json).expect("it is written");
    let profile: Value = serde_json::from_str(&text).expect("it is JSON");
    let (times, counts) = (&profile["times"], &profile["counts"]);
    let rows = |of: &Value, key: &str, value: &str| -> Vec<(String, u64)> {
        let rows = of.as_array().expect("rows").iter();
        let row = |row: &Value| {
            let number = row[value].as_u64().expect("a number");
            (row[key].as_str().expect("a name").to_string(), number)
        };
        let mut rows: Vec<(String, u64)> = rows.map(row).collect();
        rows.sort();
        rows
    };
    let named = |names: [(&str, u64); 2]| names.map(|(name, n)| (name.to_string(), n));
    let functions = &times["functions"];
    assert_eq!(times["samples"], 7);
    let own = named([("_start", 4), ("line", 3)]);
    assert_eq!(rows(functions, "name", "own_samples"), own);
    let total = named([("_start", 7), ("line", 3)]);
    assert_eq!(rows(functions, "name", "total_samples"), total);
    let own_times: u64 = rows(functions, "name", "own").iter().map(|it| it.1).sum();
    assert_eq!(times["code"], own_times);
    assert_eq!(
        rows(&times["tiers"], "tier", "samples"),
        [("register".to_string(), 7)]
    );
    assert_eq!(
        rows(&times["tiers"], "tier", "translated"),
        [("register".to_string(), 2)]
    );
    assert_eq!(
        rows(&times["hosts"], "name", "calls"),
        [("fd_write".to_string(), 3)]
    );
    assert_eq!(
        rows(&counts["functions"], "name", "calls"),
        named([("_start", 1), ("line", 3)])
    );
}

/// A perf map names all functions of compiled code, each at addresses of its own.
#[test]
fn a_perf_map_names_compiled_functions() {
    let place = Place::new();
    let file = place.file("calls.wat", CALLS);
    let mut command = place.command(&["run", "--tier=jit", "--perf-map", &file]);
    let mut child = command.spawn().expect("the program starts");
    let map = PathBuf::from(format!("/tmp/perf-{}.map", child.id()));
    let code = child.wait().expect("it ends").code();
    if code == Some(3) {
        assert_told_why();
        return;
    }
    assert_eq!(code, Some(0));
    let text = std::fs::read_to_string(&map).expect("a map is written");
    std::fs::remove_file(&map).expect("it is there");
    let mut ranges = Vec::new();
    let mut names = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (start, bytes) = (number().expect("hex"), number().expect("hex"));
        assert!(bytes > 0, "{line}");
        ranges.push(start..start + bytes);
        names.push(parts.next().expect("a name").to_string());
    }
    ranges.sort_by_key(|range| range.start);
    assert!(
        ranges.windows(2).all(|it| it[0].end <= it[1].start),
        "{text}"
    );
    for name in ["_start", "down", "last", "spin"] {
        assert!(names.contains(&format!("wasm {name}")), "{text}");
    }
    let refused = place.run(&["run", "--tier=register", "--perf-map", &file]);
    refused.is_refused(&["--perf-map", "register"]);
}
