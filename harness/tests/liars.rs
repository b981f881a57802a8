//! Planted lies in workers, engines, reports, baselines, shards and histories: each one ends the
//! command with the documented exit code and a message that names it. Honest runs of the same
//! commands end with 0 and say nothing on stderr.
//!
//! This program is also the worker that lies (`planted/worker.rs`), so it has no libtest harness.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

mod planted;

use planted::adapter::{HONEST, INVOKE, table};

/// A suite whose directives are right.
const GOOD: &str = r#"(module (memory (export "m") 1)
  (func (export "f") (result i32) (i32.const 7))
  (func (export "g") unreachable)
  (func (export "h") (i32.store (i32.const 0) (i32.const 5))))
(assert_return (invoke "f") (i32.const 7))
(assert_return (invoke "h"))
(assert_trap (invoke "g") "unreachable")
(assert_return (invoke "f") (i32.const 7))
"#;

/// A script with a call that the adapter of tests answers, and one that it answers wrongly.
const SEVEN: &str = r#"(module (func (export "f") (result i32) (i32.const 7)))
(assert_return (invoke "f") (i32.const 7))
"#;

const WRONG: &str = r#"(assert_return (invoke "f") (i32.const 8))
"#;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "fake-worker") {
        return planted::worker::main(&args[2], &args[3..]);
    }
    let mut trials: Vec<Trial> = Vec::new();
    for liar in LIARS {
        trials.push(trial(format!("lie: {}", liar.name), move || liar.check()));
    }
    for (name, words) in CLEAN {
        trials.push(trial(format!("clean: {name}"), move || check_clean(words)));
    }
    trials.push(trial("there are enough of both".to_string(), || {
        assert!(LIARS.len() >= 30 && CLEAN.len() >= 20);
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        caught.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Failed::from(text.unwrap_or_default())
        })
    })
}

/// A folder with a good suite (`s`), a bad one (`bad`) and what was written about them.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        for folder in ["s", "bad", "sevens"] {
            std::fs::create_dir(place.path(folder)).expect("created");
        }
        for (name, text) in [
            ("s/a.wast", GOOD.to_string()),
            ("s/b.wast", GOOD.to_string()),
            ("bad/a.wast", format!("{GOOD}{WRONG}")),
            ("sevens/a.wast", SEVEN.to_string()),
        ] {
            std::fs::write(place.path(name), text).expect("written");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in the folder: exit code, and all that it says.
    fn run(&self, words: &str, worker: Option<&str>) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.args(words.split_whitespace());
        command.current_dir(self.0.path());
        if let Some(faults) = worker {
            let this = std::env::current_exe().expect("this program has a path");
            let line = format!("{} fake-worker {faults}", this.display());
            command.env("WASSAY_JIT_WORKER", line);
            command.env_remove("WASSAY_JIT_UNAVAILABLE");
        }
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code().expect("it ends by itself"),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn honest(&self, words: &str, code: i32) {
        let (is, stdout, stderr) = self.run(words, None);
        assert_eq!(is, code, "{words}: {stdout}{stderr}");
    }

    /// Writes a report: of the bad suite `r.json`, of the good one `good.json`, its shards `1.json`
    /// and `2.json`, a history.
    fn reports(&self) {
        self.honest(&format!("{BAD} --report json=r.json"), 1);
        let words = format!("{SPEC} --report json=good.json --history h.ndjson");
        self.honest(&words, 0);
    }

    fn shards(&self) {
        for part in 1..=2 {
            let words = format!("--partition slice:{part}/2 --report json={part}.json");
            self.honest(&format!("{SPEC} {words}"), 0);
        }
    }

    fn change(&self, name: &str, change: impl Fn(&mut Value)) {
        let path = self.path(name);
        let text = std::fs::read(&path).expect("it is there");
        let mut value: Value = serde_json::from_slice(&text).expect("it is JSON");
        change(&mut value);
        std::fs::write(path, value.to_string() + "\n").expect("written");
    }
}

const SPEC: &str = "spec s --engines stack,register";
const BAD: &str = "spec bad --engines stack,register";

/// Where a lie is planted.
enum Planted {
    /// In the worker of the JIT.
    Worker(&'static str),
    /// In an adapter: what stands in place of its answer to a call.
    Answer(&'static str),
    /// In an adapter: what stands in place of its answer to `hello`.
    Hello(&'static str),
    /// In a file that is JSON.
    Json(&'static str, fn(&mut Value)),
    /// In files.
    Files(fn(&Path)),
}

/// A lie, the command that meets it, and what comes of it.
struct Liar {
    name: &'static str,
    planted: Planted,
    command: &'static str,
    code: i32,
    said: &'static str,
}

impl Liar {
    fn check(&self) {
        let place = Place::new();
        let mut worker = None;
        let mut words = self.command.to_string();
        match &self.planted {
            Worker(_) if cfg!(target_arch = "aarch64") => {
                return; // there the third tier is the program itself, and cannot be replaced
            }
            Worker(faults) => worker = Some(*faults),
            Answer(answer) => {
                table(place.0.path(), &HONEST.replace(INVOKE, answer));
            }
            Hello(answer) => {
                table(place.0.path(), &HONEST.replace("say \"$ready\"", answer));
            }
            Json(..) | Files(_) => {
                place.reports();
                if words.starts_with("merge") {
                    place.shards();
                }
            }
        }
        match &self.planted {
            Json(name, change) => place.change(name, change),
            Files(change) => change(place.0.path()),
            Worker(_) | Answer(_) | Hello(_) => {
                words.push_str(" --timeout 1s -j1");
            }
        }
        let (code, stdout, stderr) = place.run(&words, worker);
        assert_eq!(code, self.code, "{words}: {stdout}{stderr}");
        let all = format!("{stdout}{stderr}");
        assert!(all.contains(self.said), "no `{}` in: {all}", self.said);
    }
}

const JIT: &str = "spec s --engines stack,register,jit";
const FAKE: &str = "spec sevens --engine-table engines.toml --engines fake";

/// Answers of adapters.
const EIGHT: &str = r#"say '"values","values":["i32:0x00000008"]'"#;
const UNSUPPORTED: &str = r#"say '"unsupported","message":"calls"'"#;
const LATER: &str = r#"say '"ready","protocol":2,"engine":"e","version":"1"'"#;
/// Each process says the number of those before it as its version, and dies of a call.
const OTHER_VERSION: &str = r#"echo >> starts
    say "\"ready\",\"protocol\":1,\"engine\":\"fake\",\"version\":\"$(wc -l < starts)\"" ;;
*'"op":"invoke"'*) exit 3"#;

const BASELINE: &str = "spec s --engines stack,register --baseline good.json";

const fn liar(
    name: &'static str,
    planted: Planted,
    command: &'static str,
    code: i32,
    said: &'static str,
) -> Liar {
    Liar {
        name,
        planted,
        command,
        code,
        said,
    }
}

fn at<'a>(value: &'a mut Value, place: &str) -> &'a mut Value {
    value
        .pointer_mut(place)
        .unwrap_or_else(|| panic!("no {place}"))
}

fn add(value: &mut Value, place: &str, more: i64) {
    let at = at(value, place);
    *at = json!(at.as_i64().expect("a count") + more);
}

fn list<'a>(value: &'a mut Value, place: &str) -> &'a mut Vec<Value> {
    at(value, place).as_array_mut().expect("a list")
}

/// Turns the failure of a report into a pass, in every sum: no contradiction is left.
fn forge(value: &mut Value) {
    list(value, "/directives").clear();
    list(value, "/gate/regressions").clear();
    for tier in ["stack", "register"] {
        for place in [
            format!("/tiers/{tier}/counts"),
            format!("/files/0/counts/{tier}"),
            format!("/proposals/other/counts/{tier}"),
        ] {
            add(value, &format!("{place}/fail"), -1);
            add(value, &format!("{place}/pass"), 1);
        }
    }
}

use Planted::{Answer, Files, Hello, Json, Worker};

const LIARS: &[Liar] = &[
    // Workers.
    liar(
        "a wrong result",
        Worker("lie-result@1"),
        JIT,
        1,
        "result 0 differs (jit)",
    ),
    liar(
        "a trap that was none",
        Worker("lie-trap@1"),
        JIT,
        1,
        "a.wast:5:1",
    ),
    liar(
        "a state that is another one",
        Worker("lie-state@2"),
        JIT,
        1,
        "diverge 2",
    ),
    liar("a crash", Worker("true:crash@2"), JIT, 1, "signal 6"),
    liar("an exit", Worker("true:exit@2"), JIT, 1, "code 7"),
    liar(
        "an answer that is garbage",
        Worker("true:garbage@2"),
        JIT,
        1,
        "no answer",
    ),
    liar(
        "half an answer",
        Worker("true:midframe@2"),
        JIT,
        1,
        "crash 2",
    ),
    liar(
        "an answer without reports",
        Worker("true:short@2"),
        JIT,
        1,
        "not to the job",
    ),
    liar("a hang", Worker("true:hang@2"), JIT, 1, "timeout 2"),
    liar(
        "a crash that is not repeated",
        Worker("true:stale@1"),
        JIT,
        1,
        "a fresh worker did not repeat it",
    ),
    liar(
        "a worker killed from outside",
        Worker("true:kill@2"),
        JIT,
        3,
        "signal 9",
    ),
    liar(
        "a worker of another build",
        Worker("protocol"),
        JIT,
        3,
        "NOT GATING",
    ),
    liar(
        "a worker that cannot run",
        Worker("unavailable"),
        JIT,
        3,
        "a fake reason",
    ),
    liar(
        "a worker that dies idle",
        Worker("idle"),
        JIT,
        1,
        "outside of any directive",
    ),
    // Engines.
    liar(
        "an engine's wrong value",
        Answer(EIGHT),
        FAKE,
        1,
        "result 0 differs (fake)",
    ),
    liar(
        "an engine that judges itself",
        Answer("say '\"pass\"'"),
        FAKE,
        1,
        "what is not a response",
    ),
    liar(
        "an engine's answer to another request",
        Answer("printf '{\"id\":1,\"ending\":\"ok\"}\\n'"),
        FAKE,
        1,
        "answered request 1, not",
    ),
    liar(
        "an engine that does nothing",
        Answer(UNSUPPORTED),
        FAKE,
        1,
        "unsupported: calls",
    ),
    liar(
        "an engine that hangs",
        Answer("sleep 30"),
        FAKE,
        1,
        "timeout 1",
    ),
    liar(
        "an engine killed from outside",
        Answer("kill -9 $$"),
        FAKE,
        3,
        "signal 9",
    ),
    liar(
        "an engine of another protocol",
        Hello(LATER),
        FAKE,
        3,
        "version 2",
    ),
    liar(
        "an engine that changes its version",
        Hello(OTHER_VERSION),
        FAKE,
        3,
        "when the run began",
    ),
    // Reports, by each command that reads them.
    liar(
        "a pass too many",
        Json("r.json", |it| add(it, "/tiers/stack/counts/pass", 1)),
        "compare r.json good.json",
        2,
        "stack: pass: 6 is stated, and 5 follows",
    ),
    liar(
        "a failure counted as a pass",
        Json("r.json", |it| {
            add(it, "/files/0/counts/stack/fail", -1);
            add(it, "/files/0/counts/stack/pass", 1);
        }),
        "render r.json",
        2,
        "the stack counts are not those listed",
    ),
    liar(
        "a failure that is not listed",
        Json("r.json", |it| drop(list(it, "/directives").pop())),
        "compare good.json r.json",
        2,
        "are not those listed",
    ),
    liar(
        "a failure that the gate does not have",
        Json("r.json", |it| drop(list(it, "/gate/regressions").pop())),
        "spec bad --rerun failed --rerun-from r.json",
        2,
        "the gate lacks 1 of what fails",
    ),
    liar(
        "a directive twice",
        Json("r.json", |it| {
            let first = list(it, "/directives")[0].clone();
            list(it, "/directives").push(first);
        }),
        "render r.json",
        2,
        "is there twice",
    ),
    liar(
        "a file that is lost",
        Json("good.json", |it| drop(list(it, "/files").pop())),
        "compare good.json good.json",
        2,
        "accounting.directives: 10 is stated, and 5 follows",
    ),
    liar(
        "a file twice",
        Json("good.json", |it| {
            let first = list(it, "/files")[0].clone();
            list(it, "/files").push(first);
        }),
        "render good.json",
        2,
        "is there twice",
    ),
    liar(
        "a proposal with more passes",
        Json("good.json", |it| {
            add(it, "/proposals/other/counts/register/pass", 1)
        }),
        "render good.json",
        2,
        "of all proposals",
    ),
    liar(
        "an agreement too many",
        Json("good.json", |it| add(it, "/agreement/agree", 1)),
        "render good.json",
        2,
        "agreement: 10 is stated, and 11 follows",
    ),
    liar(
        "an account said to be open",
        Json("good.json", |it| {
            *at(it, "/accounting/closed") = json!(false)
        }),
        "compare good.json good.json",
        2,
        "the account is open, and the counts say otherwise",
    ),
    liar(
        "a negative count",
        Json("good.json", |it| {
            *at(it, "/tiers/stack/counts/fail") = json!(-1)
        }),
        "render good.json",
        2,
        "not a whole report",
    ),
    liar(
        "counts that overflow",
        Json("good.json", |it| {
            *at(it, "/tiers/stack/proof/entered") = json!(u64::MAX);
        }),
        "render good.json",
        2,
        "more than a report can count",
    ),
    liar(
        "an id of no directive",
        Json("r.json", |it| {
            let id = at(it, "/directives/0/id");
            *id = json!(id.as_str().expect("a text").replace('#', "#9"));
        }),
        "bless r.json --expectations e.toml --reason x",
        2,
        "is not the id of a directive",
    ),
    // Reports without a contradiction: only the run made again tells.
    liar(
        "a forged pass",
        Json("r.json", forge),
        "verify r.json",
        1,
        "verdict directives/a.wast#5-",
    ),
    liar(
        "a forged count of functions",
        Json("good.json", |it| add(it, "/tiers/stack/proof/entered", 1)),
        "verify good.json",
        1,
        "count tiers/stack/proof/entered: was",
    ),
    liar(
        "another build",
        Json("good.json", |it| {
            *at(it, "/run/provenance/build/sources") = json!("0")
        }),
        "verify good.json",
        1,
        "build run/provenance/build/sources: was 0",
    ),
    liar(
        "another engine version",
        Json("good.json", |it| {
            *at(it, "/run/provenance/engines/stack/version") = json!("9")
        }),
        "verify good.json",
        1,
        "engine run/provenance/engines/stack: was",
    ),
    liar(
        "a file changed since",
        Files(|at| {
            std::fs::write(at.join("s/b.wast"), format!("{GOOD};; more\n")).expect("written");
        }),
        "verify good.json",
        1,
        "file files/b.wast/sha256: was",
    ),
    liar(
        "a suite that is gone",
        Files(|at| std::fs::remove_dir_all(at.join("s")).expect("removed")),
        "verify good.json",
        3,
        "NOT VERIFIED: s is not here",
    ),
    liar(
        "a command line that is another one",
        Json("good.json", |it| {
            *at(it, "/run/provenance/command") = json!("wassay spec")
        }),
        "verify good.json",
        2,
        "run.provenance.command",
    ),
    liar(
        "a report without its origin",
        Json("good.json", |it| {
            at(it, "/run")
                .as_object_mut()
                .expect("an object")
                .remove("provenance");
        }),
        "verify good.json",
        2,
        "does not say how it was made",
    ),
    // Baselines.
    liar(
        "a baseline that is missing",
        Files(|_| {}),
        "spec s --engines stack,register --baseline no.json",
        2,
        "no.json",
    ),
    liar(
        "a baseline that is cut",
        Files(|at| {
            let text = std::fs::read(at.join("good.json")).expect("there");
            std::fs::write(at.join("good.json"), &text[..text.len() / 2]).expect("written");
        }),
        BASELINE,
        2,
        "not a JSON report",
    ),
    liar(
        "a baseline that was interrupted",
        Json("good.json", |it| {
            at(it, "/run")["interrupted"] = json!(true)
        }),
        BASELINE,
        2,
        "its run was interrupted",
    ),
    liar(
        "a baseline of another suite",
        Json("good.json", |it| {
            *at(it, "/run/suite_revision") = json!("xxh3:0")
        }),
        BASELINE,
        2,
        "the baseline is of another run",
    ),
    liar(
        "a baseline of other options",
        Files(|_| {}),
        "spec s --engines stack,register --fuel --baseline good.json",
        2,
        "its options were",
    ),
    liar(
        "a baseline that excuses more than fails",
        Json("r.json", |it| {
            at(it, "/gate")["baseline"] = json!({"file": "x", "excused": 3});
        }),
        "spec bad --engines stack,register --baseline r.json",
        2,
        "a baseline excuses 3",
    ),
    // Shards.
    liar(
        "a shard that is missing",
        Files(|_| {}),
        "merge 1.json",
        2,
        "there is no part 2",
    ),
    liar(
        "a shard twice",
        Files(|_| {}),
        "merge 1.json 2.json 2.json",
        2,
        "are both part 2",
    ),
    liar(
        "a shard of another build",
        Json("2.json", |it| {
            *at(it, "/run/provenance/build/sources") = json!("0")
        }),
        "merge 1.json 2.json",
        2,
        "differs from 1.json in its build",
    ),
    liar(
        "a shard with other expectations",
        Json("2.json", |it| {
            *at(it, "/run/provenance/inputs/0/sha256") = json!("0".repeat(64))
        }),
        "merge 1.json 2.json",
        2,
        "in its expectations or other inputs",
    ),
    liar(
        "a shard of another suite",
        Json("2.json", |it| {
            *at(it, "/run/suite_revision") = json!("xxh3:0")
        }),
        "merge 1.json 2.json",
        2,
        "in its suite",
    ),
    liar(
        "a shard with a pass too many",
        Json("2.json", |it| add(it, "/tiers/stack/counts/pass", 1)),
        "merge 1.json 2.json",
        2,
        "is stated, and",
    ),
    // Histories.
    liar(
        "a history with a pass too many",
        Json("h.ndjson", |it| add(it, "/engines/stack/pass", 1)),
        "history h.ndjson",
        2,
        "h.ndjson:1: not a run of a history",
    ),
    liar(
        "a history with a proposal too many",
        Json("h.ndjson", |it| {
            add(it, "/proposals/other/engines/stack/skip", 1)
        }),
        "spec s --engines stack,register --history h.ndjson",
        2,
        "not a run of a history",
    ),
];

/// Commands of honest runs, one after another in a folder; each ends with 0 and a silent stderr.
const CLEAN: &[(&str, &[&str])] = &[
    ("a run", &[SPEC]),
    ("one job", &["spec s --engines stack,register -j1"]),
    ("eight jobs", &["spec s --engines stack,register -j8"]),
    ("fuel", &["spec s --engines stack,register --fuel"]),
    (
        "collections",
        &["spec s --engines stack,register --gc-stress"],
    ),
    (
        "explicit bounds",
        &["spec s --engines stack,register --bounds explicit"],
    ),
    (
        "the native profile",
        &["spec s --engines stack,register --float-profile native"],
    ),
    ("lazily", &["spec s --engines stack,register --lazy"]),
    (
        "a matrix",
        &["spec s --engines stack,register --matrix plain,gc-stress"],
    ),
    ("shuffled", &["spec s --engines stack,register --shuffle 7"]),
    (
        "the first failure ends",
        &["spec s --engines stack,register --fail-fast"],
    ),
    ("repeated", &["spec s --engines stack,register --repeat 2"]),
    (
        "one directive",
        &["spec s --engines stack --directive a.wast:6"],
    ),
    ("one kind", &["spec s --engines stack --kind assert_trap"]),
    (
        "verified",
        &[
            "spec s --engines stack,register --report json=r.json",
            "verify r.json",
            "verify r.json -j8",
        ],
    ),
    (
        "compared",
        &[
            "spec s --engines stack --report json=r.json",
            "compare r.json r.json",
        ],
    ),
    (
        "rendered",
        &[
            "spec s --engines stack --report json=r.json",
            "render r.json --report md=r.md,html=r.html",
        ],
    ),
    (
        "a baseline",
        &[
            "spec s --engines stack --report json=r.json",
            "spec s --engines stack --baseline r.json",
        ],
    ),
    (
        "a history",
        &[
            "spec s --engines stack --history h.ndjson",
            "spec s --engines stack --history h.ndjson",
            "history h.ndjson",
        ],
    ),
    (
        "shards",
        &[
            "spec s --engines stack --partition slice:1/2 --report json=1.json",
            "spec s --engines stack --partition slice:2/2 --report json=2.json",
            "merge 1.json 2.json --report json=r.json",
            "verify 2.json",
            "verify r.json",
        ],
    ),
    (
        "another engine",
        &[
            "spec sevens --engine-table engines.toml --engines stack,fake --report json=r.json",
            "verify r.json",
        ],
    ),
    (
        "shapes",
        &[
            "spec s --engines stack,register --shapes --report json=r.json",
            "verify r.json",
        ],
    ),
];

fn check_clean(commands: &[&str]) {
    let place = Place::new();
    table(place.0.path(), HONEST);
    for words in commands {
        let (code, stdout, stderr) = place.run(words, None);
        assert_eq!((code, stderr.as_str()), (0, ""), "{words}: {stdout}");
    }
}
