//! Reports as a pipeline meets them: every format of one run, names that are markup, and the line
//! that repeats a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const FORMATS: [&str; 9] = [
    "json", "md", "html", "junit", "ctrf", "sarif", "github", "badge", "trace",
];

/// A folder with a suite, and the program run in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, text).expect("written");
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.current_dir(self.folder.path()).args(args);
        command.output().expect("the program starts")
    }

    fn report(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.path(name)).expect("a report");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Runs a line as a shell would, with a report more.
    fn shell(&self, line: &str, report: &str) -> Output {
        let folder = Path::new(env!("CARGO_BIN_EXE_wassay"))
            .parent()
            .expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", folder.display()))
            .args(["-c", &format!("{line} --report json={report}")]);
        command.output().expect("bash starts")
    }
}

const FAILS: &str = "(module (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) \
    (i32.const 1))))\n(assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))\n\
    (assert_return (invoke \"f\" (i32.const 1)) (i32.const 7))\n\
    (assert_return (invoke \"f\" (i32.const 2)) (i32.const 3))\n";

/// The directives that fail, by id.
fn failing(report: &Value) -> Vec<String> {
    let gate = report["gate"]["regressions"].as_array().expect("a list");
    gate.iter()
        .map(|it| it["id"].as_str().expect("an id").to_string())
        .collect()
}

/// The line of a report fails again in the same directive, and runs nothing behind it.
#[test]
fn a_failure_repeats_by_its_line_whatever_files_are_called() {
    let place = Place::new();
    let name = "it's $(touch x) <b>\"&;#1-ab\\.wast";
    place.file(&format!("my suite/{name}"), FAILS);
    let args = [
        "spec",
        "my suite",
        "--tiers",
        "stack,register",
        "--bounds",
        "explicit",
        "--timeout",
        "9s",
        "--report",
        "json=first.json",
    ];
    assert_eq!(place.run(&args).status.code(), Some(1));
    let first = place.report("first.json");
    let directive = &first["directives"][0];
    let line = directive["repro"].as_str().expect("a line");
    assert!(line.contains("--bounds explicit --timeout 9s"), "{line}");
    let again = place.shell(line, "again.json");
    assert_eq!(again.status.code(), Some(1), "{line}: {again:?}");
    let report = place.report("again.json");
    assert_eq!(failing(&report), failing(&first));
    assert_eq!(
        report["accounting"]["directives"], 3,
        "what is behind it does not run"
    );
    assert_eq!(report["run"]["bounds"], "explicit");
    assert!(!place.path("x").exists(), "nothing of a name is run");
}

/// The embedded suite has no path; without its expectations some of it fails.
#[test]
fn a_failure_of_the_embedded_suite_repeats_by_its_line() {
    let place = Place::new();
    place.file("none.toml", "");
    let args = [
        "spec",
        "--filter",
        "descriptors.wast",
        "--tiers",
        "stack",
        "--expectations",
        "none.toml",
        "--report",
        "json=first.json",
    ];
    assert_eq!(place.run(&args).status.code(), Some(1));
    let first = place.report("first.json");
    let directive = &first["directives"][0];
    let details = &directive["details"];
    let text = details["text"].as_str().expect("a text");
    assert!(text.starts_with("(module"), "{text}");
    let again = place.shell(directive["repro"].as_str().expect("a line"), "again.json");
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert_eq!(failing(&place.report("again.json")), failing(&first)[..1]);
}

/// All formats of one run are written, and those of the report alone are the same when they are
/// made of the JSON.
#[test]
fn every_format_is_written_and_made_again() {
    let place = Place::new();
    let name = "<script>]]>`'\" \u{1b}[31m\u{1}&.wast";
    place.file(&format!("suite/{name}"), FAILS);
    let written: Vec<String> = FORMATS.iter().map(|it| format!("{it}=run.{it}")).collect();
    let reports = written.join(",");
    let args = [
        "spec",
        "suite",
        "--tiers",
        "stack",
        "--report",
        &reports,
        "--trace",
        "trace.json",
    ];
    let ended = place.run(&args);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        !ended.stdout.contains(&0x1b),
        "no control character of a name is printed"
    );
    let made: Vec<String> = FORMATS.iter().map(|it| format!("{it}=made.{it}")).collect();
    let ended = place.run(&["render", "run.json", "--report", &made.join(",")]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    for format in ["json", "md", "sarif", "github", "badge"] {
        let of = |kind: &str| fs::read_to_string(place.path(&format!("{kind}.{format}")));
        assert_eq!(
            of("run").expect("there"),
            of("made").expect("there"),
            "{format}"
        );
    }
    let trace = place.report("trace.json");
    let events = trace["traceEvents"].as_array().expect("a list");
    let file = events
        .iter()
        .find(|event| event["name"] == name)
        .expect("the file");
    assert!(file["dur"].as_f64().expect("a time") > 0.0);
    assert_eq!(
        trace["traceEvents"],
        place.report("run.trace")["traceEvents"]
    );
    let junit = fs::read_to_string(place.path("run.junit")).expect("there");
    assert!(
        junit.contains("time=\"0.") && junit.contains("classname=\"stack.files\""),
        "{junit}"
    );
}

/// What is not the file of the report is not overwritten, and a report that cannot be written is an
/// error, not a pass.
#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    place.file("a.wast", "(module)");
    let args = [
        "spec",
        "a.wast",
        "--tiers",
        "stack",
        "--trace",
        "no/trace.json",
    ];
    assert_eq!(place.run(&args).status.code(), Some(2));
    let args = [
        "spec",
        "a.wast",
        "--tiers",
        "stack",
        "--report",
        "junit=a.wast/x",
    ];
    assert_eq!(place.run(&args).status.code(), Some(2));
    assert_eq!(
        fs::read_to_string(place.path("a.wast")).expect("there"),
        "(module)"
    );
}

/// A matrix that was measured is the same again, with operand shapes in each tier; a file that was
/// changed is told, and stays as it is.
#[test]
fn a_matrix_is_held_against_its_file() {
    let place = Place::new();
    place.file(
        "a.wast",
        FAILS
            .lines()
            .take(2)
            .collect::<Vec<_>>()
            .join("\n")
            .as_str(),
    );
    let coverage = [
        "coverage",
        "a.wast",
        "--tiers",
        "stack,register",
        "--shapes-by-tier",
    ];
    let run = |more: &[&str]| place.run(&[&coverage[..], more].concat());
    let written = run(&["-o", "m.md"]);
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    let matrix = fs::read_to_string(place.path("m.md")).expect("written");
    assert!(
        matrix.contains("They were run in stack, register:"),
        "{matrix}"
    );
    let same = run(&["--check", "-o", "m.md"]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let row = "| i32.add | mvp | 1 | 1 |  | 1 | 1 |  |";
    assert!(matrix.contains(row), "{matrix}");
    let forged = matrix.replace(row, "| i32.add | mvp | 1 | 2 |  | 2 | 2 |  |");
    place.file("m.md", &forged);
    let told = run(&["--check", "-o", "m.md"]);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(said.contains(&format!("+{row}")), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
    let after = fs::read_to_string(place.path("m.md")).expect("there");
    assert_eq!(after, forged);
}
