//! A run that is killed at any moment: a report is the old one or a whole new one, a history loses
//! no line, no process is left, and the next run finds nothing in its way and leaves nothing.
//!
//! A few moments in each test run; `WASSAY_KILLS=100` tries a hundred. They lie evenly over the
//! time of a run that is not killed, and half of it beyond.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const KILLS_VARIABLE: &str = "WASSAY_KILLS";
const KILLS_DEFAULT: u32 = 6;
/// The time that workers have to notice that their master is gone; a bound, not a figure.
const PATIENCE: Duration = Duration::from_secs(30);
/// Files of the suite, and assertions in each.
const SUITE: (u32, u32) = (12, 400);

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        let (files, asserts) = SUITE;
        for folder in ["s", "tmp"] {
            std::fs::create_dir(place.path(folder)).expect("made");
        }
        let module = "(module (func (export \"f\") (param i32) (result i32) (local.get 0)))\n";
        let line = |n| format!("(assert_return (invoke \"f\" (i32.const {n})) (i32.const {n}))\n");
        let asserts: String = (1..=asserts).map(line).collect();
        for file in 0..files {
            let text = format!("{module}{asserts}");
            std::fs::write(place.path(&format!("s/{file:02}.wast")), text).expect("written");
        }
        std::fs::write(place.path("p.wat"), PROGRAM).expect("written");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, words: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.args(words.split(' ')).current_dir(self.0.path());
        command.env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    }

    fn end(&self, words: &str) {
        let status = self.start(words).wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{words}");
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let names = entries.map(|it| it.expect("read").file_name());
        names.map(|it| it.to_string_lossy().into_owned()).collect()
    }

    /// Starts a command, kills it after a time, and waits until none of its processes is left.
    fn kill(&self, words: &str, after: Duration) {
        let canonical = self.0.path().canonicalize().expect("there");
        let mut child = self.start(words);
        std::thread::sleep(after);
        child
            .kill()
            .expect("it is there, or ended and not yet waited for");
        child.wait().expect("it ends");
        let began = Instant::now();
        while let Some(line) = process_in(&canonical) {
            assert!(began.elapsed() < PATIENCE, "an orphan: {line}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A program whose host calls a record has.
const PROGRAM: &str = r#"(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $left i32)
    (local.set $left (i32.const 2000))
    (loop $next
      (drop (call $random (i32.const 0) (i32.const 64)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
"#;

/// The command line of a process that works in a folder.
fn process_in(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir("/proc").expect("there").flatten();
    let mut lines = entries.filter_map(|entry| {
        let cwd = std::fs::read_link(entry.path().join("cwd")).ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (cwd == folder && !line.is_empty()).then_some(line)
    });
    lines.next()
}

/// The moments at which a command is killed, over the time that it takes.
fn moments(place: &Place, words: &str) -> impl Iterator<Item = Duration> + use<> {
    let began = Instant::now();
    place.end(words);
    let whole = began.elapsed() * 3 / 2;
    let kills = std::env::var(KILLS_VARIABLE);
    let kills = kills.map_or(KILLS_DEFAULT, |text| text.parse().expect("a number"));
    (1..=kills).map(move |n| whole * n / kills)
}

/// What came of the kills.
#[derive(Debug, Default)]
struct Seen {
    old: u32,
    new: u32,
    lines: u32,
}

#[test]
fn a_run_with_reports_and_a_history() {
    let place = Place::new();
    let spec = "spec s --tiers stack,register --history h.ndjson \
                --report json=r.json,html=p.html,junit=j.xml";
    let mut seen = Seen::default();
    for after in moments(&place, spec) {
        let before = std::fs::read(place.path("r.json")).expect("a report");
        let lines = history(&place);
        place.kill(spec, after);
        let report = std::fs::read(place.path("r.json")).expect("a report");
        let value: Value = serde_json::from_slice(&report).expect("it is whole");
        assert_eq!(value["gate"]["state"], "gating");
        match report == before {
            true => seen.old += 1,
            false => seen.new += 1,
        }
        let page = std::fs::read_to_string(place.path("p.html")).expect("a page");
        assert!(page.ends_with("</html>\n"), "after {after:?}");
        let added = history(&place) - lines;
        assert!(added <= 1, "after {after:?}");
        seen.lines += added;
    }
    place.end(spec);
    let names = ["s", "tmp", "p.wat", "r.json", "p.html", "j.xml", "h.ndjson"];
    assert_eq!(place.names(), names.map(str::to_string).into());
    let temporary = std::fs::read_dir(place.path("tmp")).expect("read");
    assert_eq!(temporary.count(), 0, "temporary files");
    println!("killed: {seen:?}");
}

/// The lines of the history, each of which is a run.
fn history(place: &Place) -> u32 {
    let text = std::fs::read_to_string(place.path("h.ndjson")).expect("a history");
    let mut count = 0;
    for line in text.lines() {
        let _run: Value = serde_json::from_str(line).expect("a whole line");
        count += 1;
    }
    assert!(text.ends_with('\n'));
    count
}

/// A record is written beside its place while its program runs: the old one stays, and what a
/// killed program leaves ends early, which whoever reads it says.
#[test]
fn a_program_with_a_record() {
    let place = Place::new();
    let record = "run --record calls p.wat";
    let (mut whole, mut cut) = (0, 0);
    for after in moments(&place, record) {
        place.kill(record, after);
        place.end("run --replay calls p.wat");
        if !place.path("calls.partial").exists() {
            whole += 1;
            continue;
        }
        let replay = place.start("run --replay calls.partial p.wat");
        match replay.wait_with_output().expect("it ends").status.code() {
            Some(0 | 2) => cut += 1,
            code => panic!("after {after:?}: {code:?}"),
        }
    }
    place.end(record);
    place.end("run --replay calls p.wat");
    let names = ["s", "tmp", "p.wat", "calls"];
    assert_eq!(place.names(), names.map(str::to_string).into());
    println!("killed: {whole} that left nothing, {cut} records that end early");
}
