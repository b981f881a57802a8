//! A folder of its own for each test, and the program in it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long bad input may take to be refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

/// A folder of its own for each test; the program's temporary files go to a folder in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("tmp")).expect("created");
        Place { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(&path, content).expect("written");
        path.to_string_lossy().into_owned()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command
            .args(args)
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
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
    pub(crate) fn spec(&self, args: &[&str]) -> (Ended, Value) {
        self.spec_in("stack", args)
    }

    pub(crate) fn spec_in(&self, tiers: &str, args: &[&str]) -> (Ended, Value) {
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
pub(crate) fn assert_told_why() {
    let why = std::env::var_os("WASSAY_JIT_UNAVAILABLE");
    assert!(
        why.is_some(),
        "the JIT does not run, and nothing says why: see scripts/build"
    );
}

pub(crate) fn ended(output: &Output, took: Duration) -> Ended {
    Ended {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took,
    }
}

impl Ended {
    /// One clear error with all these parts, exit code 2, soon.
    pub(crate) fn is_refused(&self, parts: &[&str]) {
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

pub(crate) const GOOD: &str = "(module (func (export \"f\") (param i32) (result i32) local.get 0))
(assert_return (invoke \"f\" (i32.const 7)) (i32.const 7))
(assert_return (invoke \"f\" (i32.const 8)) (i32.const 8))
";

/// The members of a report that depend on the moment and on the number of jobs, as
/// `docs/report-formats.md` lists them.
pub(crate) fn timeless(mut report: Value) -> Value {
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

pub(crate) fn wait_until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes have this on their command lines.
pub(crate) fn processes_with(part: &str) -> usize {
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
