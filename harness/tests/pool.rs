//! Faults injected into workers: a death is pinned on its directive, and changes nothing else
//! (contract C7), for any number of jobs (contract C8).
//!
//! This program is also the worker that it tests with (`planted/worker.rs`). It has no libtest
//! harness, which would write to the worker's stdout.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wassay::engine::EngineName;
use wassay::features::FeatureSet;
use wassay::outcome::Outcome;
use wassay::pool::launch::Program;
use wassay::pool::process::Workers;
use wassay::pool::{
    self, FileRun, Incident, IncidentKind, Launcher, Losses, Observer, Settings, Task, TierRun,
    Unavailable,
};
use wassay::protocol::JobConfig;
use wassay::script::{Command, Script};

/// How long a directive may take where a worker hangs; the fakes answer at once or hang for good.
const TIMEOUT: Duration = Duration::from_millis(1500);

mod planted;

use planted::worker::answered;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "fake-worker") {
        return planted::worker::main(&args[2], &args[3..]);
    }
    let trials = vec![
        trial("a_fault_is_pinned_on_its_directive", pinned),
        trial("several_faults_in_one_file", several),
        trial("a_worker_that_dies_idle_leaves_nothing_run", idle),
        trial("a_late_death_is_pinned_on_its_directive", late),
        trial("a_stale_worker_gets_no_blame_through", stale),
        trial("a_worker_that_is_killed_once_is_tried_alone", killed_once),
        trial("what_is_always_killed_is_not_measured", killed_always),
        trial("a_worker_that_dies_at_start_is_tried_again", starts_again),
        trial("a_hang_costs_its_time_once", a_hang_costs_its_time_once),
        trial("hangs_are_given_up_in_the_end", many_hangs),
        trial("an_unavailable_tier_has_its_reason", unavailable),
        trial("another_build_makes_the_tier_unavailable", other_build),
        trial("skipped_directives_are_never_sent", skipped),
        trial("no_worker_is_left", no_worker_is_left),
        trial("a_tier_that_lies_is_found_out", lies),
        trial(
            "a_page_shows_the_code_of_a_divergence",
            code_of_a_divergence,
        ),
        trial("a_fault_is_found_by_generated_programs", fuzz),
        trial(
            "an_engine_that_always_hangs_ends_a_run_of_programs",
            fuzz_of_hangs,
        ),
        trial("a_script_that_hangs_is_made_small", reduces_hangs),
        trial("a_large_script_is_made_small", reduces_large_scripts),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &'static str, test: fn()) -> Trial {
    Trial::test(name, move || {
        let caught = std::panic::catch_unwind(test);
        caught.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Failed::from(text.unwrap_or_default())
        })
    })
}

struct Silent;

impl Observer for Silent {
    fn file_done(&self, _tier: EngineName, _script: &Script) {}
    fn warn(&self, _message: &str) {}
}

fn script(name: &str, directives: u32) -> Script {
    let text = |ordinal: u32| Command::Unreadable {
        message: ordinal.to_string(),
        head: String::new(),
    };
    Script {
        path: format!("{name}.wast"),
        sha256: String::new(),
        directives: Vec::new(),
        commands: (0..directives).map(text).collect(),
    }
}

fn fake_worker(faults: &str) -> Program {
    let this = std::env::current_exe().expect("this program has a path");
    Program::new(this).with_args(["fake-worker", faults])
}

fn run_with(
    programs: &[(EngineName, &str)],
    scripts: &[Script],
    skip: &[u32],
    jobs: usize,
) -> Runs {
    run_losing(programs, scripts, skip, jobs, &Losses::default())
}

fn run_losing(
    programs: &[(EngineName, &str)],
    scripts: &[Script],
    skip: &[u32],
    jobs: usize,
    losses: &Losses,
) -> Runs {
    let tasks: Vec<Task<'_>> = scripts
        .iter()
        .map(|script| Task {
            script,
            config: JobConfig::plain(FeatureSet::WASM3),
            skipped: skip.to_vec(),
            proposal: "mvp",
        })
        .collect();
    let engines = programs.iter().map(|&(name, faults)| {
        let tier = name.tier().expect("a tier of our own");
        let program = fake_worker(faults);
        let workers: Box<dyn Launcher> = Box::new(Workers { program, tier });
        (name, Ok(workers))
    });
    let settings = Settings {
        jobs,
        timeout: TIMEOUT,
        losses,
        seeks_places: true,
    };
    pool::run(&tasks, &engines.collect(), &settings, &Silent)
}

type Runs = BTreeMap<EngineName, TierRun>;

/// What one tier made of the files, whatever the number of jobs.
fn run(faults: &str, scripts: &[Script]) -> Vec<FileRun> {
    let runs = [1, 4].map(|jobs| run_with(&[(EngineName::STACK, faults)], scripts, &[], jobs));
    assert_eq!(runs[0], runs[1], "one job and four see the same");
    runs[0][&EngineName::STACK]
        .clone()
        .expect("the tier is available")
}

/// Whether an outcome is what must come of a directive.
type Accepts = fn(&Outcome) -> bool;

/// Asserts that the ordinals in `deaths` have the outcome that their checks accept, and all others
/// their answer.
fn check(run: &FileRun, directives: u32, deaths: &BTreeMap<u32, Accepts>) {
    assert_eq!(run.reports.len(), directives as usize);
    for (ordinal, report) in (0..).zip(&run.reports) {
        match deaths.get(&ordinal) {
            Some(accepts) => assert!(accepts(&report.outcome), "{ordinal}: {report:?}"),
            None => assert_eq!(report.outcome, answered(ordinal), "{ordinal}"),
        }
    }
}

fn is_crash(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Crash(_))
}

fn is_timeout(outcome: &Outcome) -> bool {
    let millis = u64::try_from(TIMEOUT.as_millis()).expect("small");
    let place = None;
    *outcome == Outcome::Timeout { millis, place }
}

fn files() -> Vec<Script> {
    [("a", 9), ("b", 3), ("c", 12), ("d", 1)]
        .map(|(name, n)| script(name, n))
        .into()
}

fn pinned() {
    for (fault, accepts, message) in FAULTS {
        for ordinal in [0, 5, 8] {
            let scripts = [script("a", 9)];
            let runs = run(&format!("{fault}@{ordinal}"), &scripts);
            check(&runs[0], 9, &BTreeMap::from([(ordinal, *accepts)]));
            let text = format!("{:?}", runs[0].reports[ordinal as usize].outcome);
            assert!(text.contains(message), "{fault}: {text}");
        }
    }
}

fn several() {
    let runs = run("crash@1,garbage@2,hang@4,midframe@11", &files());
    let deaths: [(u32, Accepts); 4] = [
        (1, is_crash),
        (2, is_crash),
        (4, is_timeout),
        (11, is_crash),
    ];
    for (file, run) in files().iter().zip(&runs) {
        let length = u32::try_from(file.commands.len()).expect("small");
        let deaths = deaths.into_iter().filter(|&(ordinal, _)| ordinal < length);
        check(run, length, &deaths.collect());
    }
}

fn idle() {
    for run in run("idle", &files()) {
        for report in &run.reports {
            let Outcome::NotRun(reason) = &report.outcome else {
                panic!("nothing was run, but: {report:?}");
            };
            assert!(reason.contains("outside of any directive"), "{reason}");
        }
    }
}

/// A worker that dies when all directives have ended dies of one of them.
fn late() {
    for ordinal in [0, 5, 8] {
        let runs = run(&format!("late@{ordinal}"), &[script("a", 9)]);
        check(
            &runs[0],
            9,
            &BTreeMap::from([(ordinal, is_crash as Accepts)]),
        );
        let text = format!("{:?}", runs[0].reports[ordinal as usize].outcome);
        assert!(text.contains("after the directive had ended"), "{text}");
    }
}

fn stale() {
    // The worker dies at directive 2 of every job but its first: a fresh one never does.
    let runs = run_with(&[(EngineName::STACK, "stale@2")], &files(), &[], 1);
    let runs = runs[&EngineName::STACK].as_ref().expect("available");
    let mut flaky = Vec::new();
    for (file, run) in files().iter().zip(runs) {
        let length = u32::try_from(file.commands.len()).expect("small");
        check(run, length, &BTreeMap::new());
        flaky.extend(run.incidents.iter().cloned());
    }
    // The longest of four files is the first of a worker; each crash makes the next one the first.
    let crash = Incident {
        ordinal: Some(2),
        kind: IncidentKind::Flaky,
        how: "the worker was ended by signal 6".to_string(),
    };
    assert_eq!(flaky, [crash.clone(), crash], "no crash vanishes");
}

/// A worker that is killed from outside says nothing about its engine: the file runs again, alone.
fn killed_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fault = format!("killonce:{}@5", folder.path().join("done").display());
    let runs = run_with(&[(EngineName::STACK, &fault)], &[script("a", 9)], &[], 1);
    let run = &runs[&EngineName::STACK].as_ref().expect("available")[0];
    check(run, 9, &BTreeMap::new());
    let [incident] = &run.incidents[..] else {
        panic!("{:?}", run.incidents);
    };
    assert_eq!(
        (incident.kind, incident.ordinal),
        (IncidentKind::Killed, Some(5))
    );
    assert!(incident.how.contains("signal 9"), "{incident:?}");
}

/// What is killed each time is not measured, and everything else is.
fn killed_always() {
    let runs = run_with(&[(EngineName::STACK, "kill@5")], &[script("a", 9)], &[], 1);
    let run = &runs[&EngineName::STACK].as_ref().expect("available")[0];
    let is_unmeasured: Accepts = |outcome| matches!(outcome, Outcome::Unmeasured(_));
    check(run, 9, &BTreeMap::from([(5, is_unmeasured)]));
    let kinds: Vec<IncidentKind> = run.incidents.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [IncidentKind::Killed, IncidentKind::NotMeasured]);
}

/// A worker that dies while it starts is tried again, a few times.
fn starts_again() {
    for (deaths, starts) in [(1, true), (2, true), (9, false)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let fault = format!("startdie:{}@{deaths}", folder.path().display());
        let runs = run_with(&[(EngineName::STACK, &fault)], &[script("a", 9)], &[], 1);
        match &runs[&EngineName::STACK] {
            Ok(runs) if starts => check(&runs[0], 9, &BTreeMap::new()),
            Err(reason) if !starts => assert!(reason.to_string().contains("code 9"), "{reason}"),
            other => panic!("{deaths}: {other:?}"),
        }
    }
}

/// A hang costs its time once, also in a worker that has run other files. What it costs is what a
/// run accounts for, and not what a busy machine took.
fn a_hang_costs_its_time_once() {
    let run = |fault: &str, scripts: [(&str, u32); 2], skip: &[u32]| {
        let scripts = scripts.map(|(name, length)| script(name, length));
        let losses = Losses::default();
        let engines = [(EngineName::STACK, fault)];
        let mut runs = run_losing(&engines, &scripts, skip, 1, &losses);
        let runs = runs.remove(&EngineName::STACK).expect("it is there");
        (runs.expect("available"), losses.time(EngineName::STACK))
    };
    let (_, lost) = run("hang@8", [("a", 9), ("b", 12)], &[8]);
    assert_eq!(lost, Duration::ZERO);
    let (runs, lost) = run("hang@8", [("a", 9), ("b", 8)], &[]);
    check(&runs[0], 9, &BTreeMap::from([(8, is_timeout as Accepts)]));
    assert_eq!(lost, TIMEOUT);
    let (runs, lost) = run("stalehang@2", [("a", 9), ("b", 8)], &[]);
    check(&runs[1], 8, &BTreeMap::from([(2, is_timeout as Accepts)]));
    assert_eq!(lost, TIMEOUT);
}

fn many_hangs() {
    let faults: Vec<String> = (0..20).map(|ordinal| format!("hang@{ordinal}")).collect();
    let runs = run_with(
        &[(EngineName::STACK, &faults.join(","))],
        &[script("a", 24)],
        &[],
        1,
    );
    let runs = runs[&EngineName::STACK].as_ref().expect("available");
    let reports = runs[0].reports.iter();
    let hung = reports
        .clone()
        .filter(|report| matches!(report.outcome, Outcome::Timeout { .. }))
        .count();
    let given_up = reports
        .filter(|report| matches!(report.outcome, Outcome::NotRun(_)))
        .count();
    assert_eq!((hung, given_up), (16, 8));
}

fn unavailable() {
    let runs = run_with(&[(EngineName::JIT, "unavailable")], &files(), &[], 2);
    assert_eq!(
        runs[&EngineName::JIT],
        Err(Unavailable::new("a fake reason"))
    );
}

fn other_build() {
    let runs = run_with(
        &[(EngineName::STACK, "protocol"), (EngineName::JIT, "")],
        &files(),
        &[],
        2,
    );
    let reason = runs[&EngineName::STACK]
        .as_ref()
        .expect_err("another protocol");
    assert!(reason.to_string().contains("another build"), "{reason}");
    assert!(
        runs[&EngineName::JIT].is_ok(),
        "the other tier is not concerned"
    );
}

fn skipped() {
    // A skipped directive would crash if it were run.
    let runs = run_with(
        &[(EngineName::STACK, "crash@0,crash@2")],
        &[script("a", 4)],
        &[0, 2],
        1,
    );
    let runs = runs[&EngineName::STACK].as_ref().expect("available");
    let is_skipped: Accepts = |outcome| matches!(outcome, Outcome::Skipped(_));
    check(
        &runs[0],
        4,
        &BTreeMap::from([(0, is_skipped), (2, is_skipped)]),
    );
    assert_eq!(
        run_with(&[(EngineName::STACK, "")], &[script("a", 1)], &[0], 1).len(),
        1
    );
}

fn no_worker_is_left() {
    let marker = "left-over-marker";
    run(&format!("{marker},hang@1"), &files());
    let this = std::process::id().to_string();
    let left: BTreeSet<String> = processes()
        .filter(|(pid, line)| *pid != this && line.contains(marker))
        .map(|(_, line)| line)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A script in which each kind of lie finds a directive to be told of.
const SCRIPT: &str = r#"(module (memory 1) (global $g (mut i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
  (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))
(assert_return (invoke "add" (i32.const 2) (i32.const 3)) (i32.const 5))
(invoke "store" (i32.const 40_000))
(assert_trap (invoke "div" (i32.const 0)) "integer divide by zero")
(assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i32.const 2))
"#;

/// The page of a run has source, IR and assembly of the function that is called, and of the one in
/// which it trapped with a mark at the instruction; a page from the report alone says where to get
/// them.
fn code_of_a_divergence() {
    if cfg!(target_arch = "aarch64") {
        return; // as for lies
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = r#"(module
  (func $mix (param i32 i32) (result i32) (i32.xor (local.get 0) (local.get 1)))
  (func (export "<b>run") (param i32 i32) (result i32) (call $mix (local.get 0) (local.get 1)))
  (func $over (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0)))
  (func (export "over") (param i32) (result i32) (call $over (local.get 0))))
(assert_return (invoke "<b>run" (i32.const 1) (i32.const 1)) (i32.const 0))
(assert_return (invoke "over" (i32.const 0)) (i32.const 1))
(assert_return (invoke "over" (i32.const 0)) (i32.const 2))
"#;
    std::fs::write(folder.path().join("a.wast"), script).expect("written");
    let start = |args: &[&str]| {
        let mut command = with_wrong_jit(env!("CARGO_BIN_EXE_wassay"), folder.path());
        command.args(args);
        command
    };
    let wassay = |args: &[&str]| {
        let output = start(args).output();
        output.expect("the program starts").status.code()
    };
    let spec = ["spec", "a.wast", "--tiers", "stack,jit", "--report"];
    let words = [&spec[..], &["html=run.html,json=run.json"]].concat();
    assert_eq!(wassay(&words), Some(1));
    let render = ["render", "run.json", "--report", "html=made.html"];
    assert_eq!(wassay(&render), Some(0));
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("written");
    let run = page("run.html");
    check_code(&run);
    // Variants in operand shapes are made again, and so is the code of theirs that fails.
    let script = r#"(module (func (export "x") (param i32 i32) (result i32)
  (i32.xor (local.get 0) (local.get 1))))
(assert_return (invoke "x" (i32.const 3) (i32.const 1)) (i32.const 2))
"#;
    std::fs::write(folder.path().join("b.wast"), script).expect("written");
    let shapes = [
        "spec",
        "b.wast",
        "--tiers",
        "stack,jit",
        "--shapes",
        "--report",
    ];
    let words = [&shapes[..], &["html=shapes.html"]].concat();
    assert_eq!(wassay(&words), Some(1));
    check_made(&page("shapes.html"), "b.wast", true);
    let made = page("made.html");
    let how = "<code>wassay spec a.wast --report html=PAGE</code> makes a page";
    assert!(
        made.contains(how) && !made.contains("<h3>IR</h3>"),
        "{made}"
    );
    // An explanation that cannot be printed is an error.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut explain = start(&["explain", "a.wast:6", "--engines", "stack,jit"]);
        let output = explain.stdout(full).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("standard output: No space left"), "{said}");
    }
}

/// Checks the code of modules that were made in the page of a run: each failure has some.
fn check_made(page: &str, of: &str, has_others: bool) {
    let functions: Vec<&str> = page.split("<details class=\"code\"").skip(1).collect();
    let title = format!("of a module made for {of}");
    let made = functions.iter().filter(|it| it.contains(&title));
    let made: Vec<&&str> = made.collect();
    assert!(!made.is_empty(), "{page}");
    assert!(has_others || made.len() == functions.len(), "{page}");
    for function in &made {
        let stages = ["source", "IR", "A64"].map(|name| format!("<h3>{name}</h3>"));
        assert!(stages.iter().all(|it| function.contains(it)), "{function}");
    }
    let xors = |it: &&&&str| it.contains("i32.xor") && it.contains("eor ");
    assert!(made.iter().filter(xors).count() > 0, "{page}");
    let note = page.split("Source, IR and assembly are here for ").nth(1);
    let note = note.expect("a note").split(". Long").next().expect("it");
    let numbers = note.split(' ').filter_map(|it| it.parse().ok());
    let numbers: Vec<u64> = numbers.collect();
    let [diverging, all_diverging, others, all_others] = numbers[..] else {
        panic!("{note}");
    };
    assert!(diverging + others > 0, "{note}");
    assert!(
        (diverging, others) == (all_diverging, all_others) || has_others,
        "{note}"
    );
}

/// Checks the code in the page of a run.
fn check_code(run: &str) {
    let note = "are here for 1 of 1 divergences and for 2 of 2 other failures";
    assert!(run.contains(note), "{run}");
    let functions: Vec<&str> = run.split("<details class=\"code\"").skip(1).collect();
    let titles = [
        "function 1 $&lt;b&gt;run of the module at a.wast:1",
        "function 0 $mix of the module at a.wast:1",
        "function 2 $over of the module at a.wast:1",
        "function 3 $over of the module at a.wast:1",
    ];
    assert_eq!(functions.len(), titles.len(), "each once: {run}");
    for (function, title) in functions.iter().zip(titles) {
        assert!(function.contains(title), "{title}: {function}");
        assert!(function.contains("<h3>IR</h3>") && function.contains("<h3>A64</h3>"));
    }
    let [_, mix, over, _] = functions[..] else {
        panic!("four");
    };
    assert!(mix.contains("i32.xor") && mix.contains("eor "), "{mix}");
    assert!(!mix.contains("<mark>"), "{mix}");
    let marked: Vec<&str> = over.split("<mark>").skip(1).collect();
    let marked = marked.iter().filter_map(|it| it.split("</mark>").next());
    let marked: Vec<&str> = marked.collect();
    assert!(marked[0].contains("i32.div_u"), "{marked:?}");
    assert!(marked.iter().any(|it| it.contains("udiv")), "{marked:?}");
    let links = run.matches("<a href=\"#function-").count();
    assert_eq!(links, 2, "the second failure in the same functions: {run}");
    assert!(
        run.contains("GATING: failed, 3 are not as expected"),
        "{run}"
    );
}

/// A tier with a wrong instruction is found by generated programs: the finding is a small script
/// with that instruction, on which the tier fails and no other does; `reduce` finds nothing more.
fn fuzz() {
    if cfg!(target_arch = "aarch64") {
        return; // as for lies
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wassay = |args: &[&str]| {
        with_wrong_jit(env!("CARGO_BIN_EXE_wassay"), folder.path())
            .args(args)
            .output()
            .expect("the program starts")
    };
    let found = wassay(&[
        "fuzz",
        "--seed",
        "1",
        "--count",
        "40",
        "--source",
        "compiled",
        "--plain",
        "--tiers",
        "stack,register,jit",
        "--max-findings",
        "1",
        "--reduce-time",
        "60s",
        "--report",
        "json=r.json,html=f.html",
    ]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let page = std::fs::read_to_string(folder.path().join("f.html")).expect("a page");
    check_made(&page, "compiled/", false);
    let report = std::fs::read_to_string(folder.path().join("r.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let finding = &report["generated"]["findings"][0];
    assert_eq!(finding["engines"], serde_json::json!(["jit"]));
    let instructions = finding["instructions"].as_array().expect("a list");
    assert!(
        instructions.contains(&"i32.xor".into()) && instructions.len() <= 3,
        "{finding}"
    );
    let script = finding["script"].as_str().expect("it is written");
    let text = std::fs::read_to_string(folder.path().join(script)).expect("it is there");
    assert!(text.contains("i32.xor"), "{text}");
    let lines = finding["lines"].as_u64().expect("a number");
    assert!(lines <= 20, "{text}");
    no_room_for_a_finding(folder.path(), finding["case"].as_str().expect("a name"));
    let repeat = text
        .lines()
        .find_map(|line| line.strip_prefix(";; wassay "));
    let repeat: Vec<&str> = repeat.expect("a line to repeat it").split(' ').collect();
    let repeated = match repeat[..] {
        ["fuzz:", case] => wassay(&["fuzz", "--case", case, "--plain", "--tiers", "stack,jit"]),
        ref args => wassay(args),
    };
    assert_eq!(repeated.status.code(), Some(1), "{repeated:?}");
    let alone = wassay(&["spec", script, "--tiers", "stack,register"]);
    assert_eq!(alone.status.code(), Some(0), "{alone:?}");
    let again = wassay(&["reduce", script, "--tiers", "stack,jit", "-o", "again.wast"]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let nothing = wassay(&["reduce", script, "--tiers", "stack,register"]);
    assert_eq!(nothing.status.code(), Some(1), "{nothing:?}");
}

/// An engine that hangs in all programs ends the run after the first few, and not all of these cost
/// a deadline, or are made small.
fn fuzz_of_hangs() {
    if cfg!(target_arch = "aarch64") {
        return; // as for lies
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = with_fault("true:hang@1", env!("CARGO_BIN_EXE_wassay"), folder.path())
        .args(["fuzz", "--seed", "1", "--count", "4000"])
        .args(["--source", "compiled", "--plain", "--tiers", "stack,jit"])
        .args(["--timeout", "500ms", "--reduce-time", "1ms"])
        .args(["--report", "json=r.json"])
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let report = std::fs::read_to_string(folder.path().join("r.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let generated = &report["generated"];
    assert_eq!(generated["stopped"], "jit died in 16 of 16 programs");
    assert_eq!(generated["sources"]["compiled"]["programs"], 16);
    assert_eq!(generated["alike_only"], 14);
    let findings = generated["findings"].as_array().expect("a list");
    let kinds: Vec<_> = findings.iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["timeout", "timeout"]);
    let counts = &report["tiers"]["jit"]["counts"];
    assert_eq!(counts["timeout"], 16, "{counts}");
    assert!(counts["not_run"].as_u64() > Some(0), "{counts}");
}

/// A hang is made small by candidates that have less time, and what is left has all of it. That the
/// other engine is wrong in the same directive is not what is told.
fn reduces_hangs() {
    if cfg!(target_arch = "aarch64") {
        return; // as for lies
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = r#"(module (memory 1) (data (i32.const 8) "abc") (global i32 (i32.const 3))
          (func $f (result i32) (i32.add (i32.load (i32.const 8)) (global.get 0)))
          (func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (call $f))))
        (assert_return (invoke "f" (i32.const 1)) (i32.const 0)) (invoke "f" (i32.const 2))"#;
    std::fs::write(folder.path().join("a.wast"), script).expect("it is written");
    let ran = with_fault("true:hang@1", env!("CARGO_BIN_EXE_wassay"), folder.path())
        .args(["reduce", "a.wast", "--tiers", "stack,jit", "-o", "b.wast"])
        .args(["--timeout", "2s"])
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let small = std::fs::read_to_string(folder.path().join("b.wast")).expect("a script");
    assert!(
        small.contains("timeout: jit: no end after 2000 ms"),
        "{small}"
    );
    let text: Vec<&str> = small.lines().filter(|it| !it.starts_with(";;")).collect();
    // The fault is in the directive, whatever it calls.
    let call = "(assert_return (invoke \"f\" (i32.const 1)) (i32.const 0))";
    let expected = ["(module)", call];
    assert_eq!(text, expected);
}

/// A command in a folder, for which the worker of the JIT has a wrong instruction.
fn with_wrong_jit(program: &str, folder: &std::path::Path) -> std::process::Command {
    with_fault("xor", program, folder)
}

/// A command in a folder, for which the worker of the JIT is one with a planted fault.
fn with_fault(fault: &str, program: &str, folder: &std::path::Path) -> std::process::Command {
    let this = std::env::current_exe().expect("this program has a path");
    let mut command = std::process::Command::new(program);
    command
        .current_dir(folder)
        .env(
            "WASSAY_JIT_WORKER",
            format!("{} fake-worker {fault}", this.display()),
        )
        .env_remove("WASSAY_JIT_UNAVAILABLE");
    command
}

/// A finding for which the disk has no room is an error that names its file.
fn no_room_for_a_finding(folder: &std::path::Path, case: &str) {
    // Workers need 512 bytes for their cells.
    let limited = r#"trap "" XFSZ; exec prlimit --fsize=512 "$0" "$@""#;
    let output = with_wrong_jit("bash", folder)
        .args(["-c", limited, env!("CARGO_BIN_EXE_wassay"), "fuzz"])
        .args(["--case", case, "--plain", "--tiers", "stack,jit"])
        .args(["--reduce-time", "1ms", "--findings", "full"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let named = format!("full/{}.wast: not written: ", case.replace('/', "-"));
    assert!(said.contains(&named), "{said}");
    let left = folder.join("full").read_dir().expect("made").count();
    assert_eq!(left, 0, "{said}");
}

/// A large script is made small in which a wrong instruction is first seen after a thousand calls.
fn reduces_large_scripts() {
    if cfg!(target_arch = "aarch64") {
        return; // as for lies
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let others: String = (0..2_000)
        .map(|n| format!("(func $f{n} (result i64) (i64.const {n}000))\n"))
        .collect();
    let names: String = (0..2_000).map(|n| format!("$f{n} ")).collect();
    let text = format!(
        r#"(module
(memory 4) (data (i32.const 0) "{data}")
{others}
(table 2000 funcref) (elem (i32.const 0) {names})
(func $mix (param i32)
  (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
  (i32.store (i32.const 128) (i32.xor (local.get 0) (i32.load (i32.const 64)))))
(func (export "run") (param $left i32)
  (loop $next
    (call $mix (i32.and (i32.const 1) (i32.lt_u (local.get $left) (i32.const 200))))
    (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
(invoke "run" (i32.const 1200))
(invoke "run" (i32.const 2))
"#,
        data = "abcdefgh".repeat(3_000),
    );
    std::fs::write(folder.path().join("large.wast"), text).expect("it is written");
    let reduced = with_wrong_jit(env!("CARGO_BIN_EXE_wassay"), folder.path())
        .args([
            "reduce",
            "large.wast",
            "--tiers",
            "stack,jit",
            "-o",
            "small.wast",
        ])
        .output()
        .expect("the program starts");
    assert_eq!(reduced.status.code(), Some(0), "{reduced:?}");
    let small = std::fs::read_to_string(folder.path().join("small.wast")).expect("it is there");
    assert!(
        small.contains("i32.xor") && !small.contains("loop"),
        "{small}"
    );
    assert!(
        small.lines().count() <= 20 && !small.contains('#'),
        "{small}"
    );
}

/// A fault of one tier alone ends the run with exit code 1, and is named by tier, file and line;
/// the tiers that told the truth agree with each other.
fn lies() {
    if cfg!(target_arch = "aarch64") {
        return; // there the third tier is the program itself, and cannot be replaced
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, json) = (folder.path().join("a.wast"), folder.path().join("r.json"));
    std::fs::write(&file, SCRIPT).expect("written");
    let this = std::env::current_exe().expect("this program has a path");
    let spec = |lie: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"))
            .args(["spec", "--tiers", "stack,register,jit", "--report"])
            .arg(format!("json={}", json.display()))
            .arg(&file)
            .env(
                "WASSAY_JIT_WORKER",
                format!("{} fake-worker {lie}", this.display()),
            )
            .env_remove("WASSAY_JIT_UNAVAILABLE")
            .output()
            .expect("the program starts");
        let report = std::fs::read_to_string(&json).expect("a report is written");
        let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
        (output, report)
    };
    let (truth, report) = spec("lie-not@0");
    assert_eq!(truth.status.code(), Some(0), "{truth:?}");
    assert_eq!(report["agreement"]["agree"], 5);
    for (lie, line, fails) in [
        ("lie-result@1", 5, true),
        ("lie-state@2", 6, false),
        ("lie-trap@3", 7, true),
        ("lie-trap@4", 8, true),
        ("lie-state@4", 8, false),
    ] {
        let (output, report) = spec(lie);
        let table = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{lie}: {output:?}");
        assert!(
            table.contains(&format!("a.wast:{line}:1")),
            "{lie}: {table}"
        );
        let named = &report["directives"][0];
        assert_eq!(
            (&named["line"], &named["agreement"]),
            (&line.into(), &"diverge".into())
        );
        let diff = named["diff"].as_str().unwrap_or_default();
        assert!(diff.contains("jit: "), "{lie}: {diff}");
        assert!(diff.contains("but stack and register: "), "{lie}: {diff}");
        assert_eq!(report["agreement"]["diverge"], 1, "{lie}");
        let counts = &report["tiers"];
        assert_eq!(counts["jit"]["counts"]["fail"], u32::from(fails), "{lie}");
        assert_eq!(counts["register"]["counts"]["fail"], 0, "{lie}");
    }
}

/// Every process with its command line, where the system tells.
fn processes() -> impl Iterator<Item = (String, String)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let pid = entry.file_name().to_string_lossy().into_owned();
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

/// Every fault that strikes at a directive, what comes of it, and what its message contains.
const FAULTS: &[(&str, Accepts, &str)] = &[
    ("crash", is_crash, "signal 6"),
    ("exit", is_crash, "code 7"),
    ("panic", is_crash, "a fake panic"),
    ("garbage", is_crash, "no answer"),
    ("midframe", is_crash, "ended with code 0"),
    ("short", is_crash, "not to the job"),
    ("close", is_crash, "closed its output"),
    ("hang", is_timeout, "1500"),
];
