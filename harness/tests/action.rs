//! The step of `action.yml` that runs scripts, in an empty project, as GitHub runs it: with inputs
//! as variables, and files for outputs and for the summary of the job.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const ACTION: &str = include_str!("../../action.yml");

/// The lines behind one, up to the first that is not indented further than by so many blanks.
fn below<'a>(head: &str, blanks: usize) -> impl Iterator<Item = &'a str> {
    let lines = ACTION.lines().skip_while(move |line| *line != head).skip(1);
    let is_below = move |line: &&str| line.starts_with(&" ".repeat(blanks)) || line.is_empty();
    lines
        .take_while(is_below)
        .map(move |line| line.get(blanks..).unwrap_or(""))
}

/// The defaults of the inputs.
fn defaults() -> BTreeMap<String, String> {
    let mut name = "";
    let mut defaults = BTreeMap::new();
    for line in below("inputs:", 2) {
        match (line.strip_suffix(':'), line.strip_prefix("  default: ")) {
            (Some(input), _) => name = input,
            (_, Some(text)) => {
                defaults.insert(name.to_string(), text.trim_matches('"').to_string());
            }
            (None, None) => {}
        }
    }
    defaults
}

/// The lines of a key of the step.
fn of_step(key: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = below("      id: run", 6);
    let lines = lines.skip_while(move |line| *line != key).skip(1);
    let is_below = |line: &&str| line.starts_with("  ") || line.is_empty();
    lines
        .take_while(is_below)
        .map(|line| line.get(2..).unwrap_or(""))
}

/// The end of the step.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    summary: String,
    outputs: Vec<String>,
}

/// Runs the step in a project.
fn step(project: &Path, given: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("action/target/release")).expect("made");
    let program = at("action/target/release/wassay");
    symlink(env!("CARGO_BIN_EXE_wassay"), program).expect("linked");
    let run: Vec<&str> = of_step("run: |").collect();
    assert!(run.len() > 5, "no step to run: {run:?}");
    fs::write(at("step.sh"), run.join("\n")).expect("written");
    let mut inputs = defaults();
    for (name, value) in given {
        let known = inputs.insert(name.to_string(), value.to_string());
        assert!(known.is_some(), "no input `{name}`");
    }
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
    command.arg(at("step.sh")).current_dir(project);
    for line in of_step("env:") {
        let (variable, value) = line.split_once(": ").expect("a variable and its value");
        let input = value.strip_prefix("${{ inputs.");
        let value = match input.and_then(|rest| rest.strip_suffix(" }}")) {
            Some(input) => inputs[input].clone(),
            None => at("action").display().to_string(),
        };
        command.env(variable, value);
    }
    for (variable, name) in [
        ("GITHUB_OUTPUT", "outputs"),
        ("GITHUB_STEP_SUMMARY", "summary"),
    ] {
        fs::write(at(name), "").expect("written");
        command.env(variable, at(name));
    }
    let output = command.output().expect("bash runs");
    let read = |name: &str| fs::read_to_string(at(name)).expect("text");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        summary: read("summary"),
        outputs: read("outputs").lines().map(str::to_string).collect(),
    }
}

/// A project with a script that passes and one that fails, in folders of their own.
fn project() -> tempfile::TempDir {
    let project = tempfile::tempdir().expect("a folder");
    for (folder, result) in [("good", 1), ("bad", 2)] {
        let script = format!(
            "(module (func (export \"f\") (result i32) (i32.const 1)))
(assert_return (invoke \"f\") (i32.const {result}))"
        );
        fs::create_dir(project.path().join(folder)).expect("made");
        fs::write(project.path().join(folder).join("a b.wast"), script).expect("written");
    }
    project
}

const ENGINES: (&str, &str) = ("engines", "stack,register");

#[test]
fn what_passes_is_summed_up() {
    let project = project();
    let ended = step(project.path(), &[ENGINES, ("suite", "good")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.outputs, ["report=wassay-report.json", "exit-code=0"]);
    let all = "### Wassay: all 2 directives pass in every engine (2)";
    assert!(ended.summary.starts_with(all), "{ended:?}");
    assert!(project.path().join("wassay-report.json").is_file());
}

#[test]
fn what_fails_is_annotated_unless_a_baseline_has_it() {
    let project = project();
    let inputs = [
        ENGINES,
        ("suite", "good bad"),
        ("args", "--jobs 1"),
        ("report", "first.json"),
    ];
    let ended = step(project.path(), &inputs);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.outputs, ["report=first.json", "exit-code=1"]);
    let annotation = "::error file=bad/a b.wast,line=2,";
    assert!(ended.stdout.contains(annotation), "{ended:?}");
    assert!(
        ended.summary.starts_with("### Wassay: 1 failure;"),
        "{ended:?}"
    );

    let again = [ENGINES, ("suite", "good bad"), ("baseline", "first.json")];
    let ended = step(project.path(), &again);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// A run that measures nothing shows no report of an earlier one.
#[test]
fn a_report_of_an_earlier_run_is_not_shown() {
    let project = project();
    step(project.path(), &[ENGINES, ("suite", "good")]);
    let ended = step(project.path(), &[ENGINES, ("suite", "missing")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.outputs, ["report=", "exit-code=2"]);
    assert_eq!(ended.summary, "");
    assert!(project.path().join("wassay-report.json").is_file());
}
