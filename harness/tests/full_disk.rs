//! A disk without room at every write of every command: exit code 2, a line that names the file,
//! and what stood there before stays as it was; other outputs are written all the same.
//!
//! Two things stand for such a disk. `/dev/full` takes nothing; it shows that other outputs are
//! written. A limit of the length of files ends a write in the middle of a file, of which half is
//! then there; it shows that the old file is whole.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The formats of reports.
const FORMATS: [&str; 9] = [
    "json", "md", "html", "junit", "ctrf", "sarif", "github", "badge", "trace",
];
/// The length that files must be allowed to have so that workers start: that of a progress cell.
const WORKER_BYTES: u64 = 512;

/// What stands at the place of an output before the command runs.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Text that nobody reads.
    Anything,
    /// What the same command has written before.
    Itself,
    /// A file that the command reads, changes and writes.
    Input(&'static str),
}

/// A command that writes a file.
struct Write {
    /// The words, with `OUT` for the file.
    words: String,
    /// The exit code where there is room.
    code: i32,
    /// The file's name.
    out: &'static str,
    before: Before,
    /// The least length that files must be allowed to have for the command to come to the write.
    room: u64,
    /// Other files that the command writes.
    others: &'static [&'static str],
    /// True if the file grows while a program runs, beside its place until that ends: there is then
    /// what there was room for.
    is_log: bool,
    /// True if a device can stand at its place.
    may_be_device: bool,
}

fn write(words: impl Into<String>, code: i32) -> Write {
    Write {
        words: words.into(),
        code,
        out: "out",
        before: Before::Anything,
        room: 1,
        others: &[],
        is_log: false,
        may_be_device: true,
    }
}

impl Write {
    fn with_workers(self) -> Write {
        Write {
            room: WORKER_BYTES,
            ..self
        }
    }

    /// The file's name says its form.
    fn named(self, out: &'static str) -> Write {
        Write {
            out,
            may_be_device: false,
            ..self
        }
    }

    fn over(self, before: Before) -> Write {
        Write {
            before,
            may_be_device: false,
            ..self
        }
    }

    fn beside(self, others: &'static [&'static str]) -> Write {
        Write { others, ..self }
    }

    fn on_a_device_only(self) -> Write {
        Write {
            room: u64::MAX,
            ..self
        }
    }

    fn log(self) -> Write {
        Write {
            is_log: true,
            ..self
        }
    }
}

/// A folder with scripts, a program, and reports of them.
struct Place(tempfile::TempDir);

const GOOD: &str = "(module (func (export \"f\") (result i32) (i32.const 7)))\n\
    (assert_return (invoke \"f\") (i32.const 7))\n";
const BAD: &str = "(assert_return (invoke \"f\") (i32.const 8))\n";
/// A function, and a program whose host calls a record has.
const PROGRAM: &str = r#"(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "f") (result i32) (i32.add (i32.const 3) (i32.const 4)))
  (func (export "_start")
    (drop (call $random (i32.const 0) (i32.const 200)))
    (drop (call $random (i32.const 0) (i32.const 200)))))
"#;
/// A program that ends with another memory where NaNs are those of the processor.
const NATIVE: &str = r#"(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (f32.store (i32.const 0) (f32.div (f32.load (i32.const 8)) (f32.load (i32.const 8))))
    (drop (call $random (i32.const 100) (i32.const 200)))))
"#;

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        for (name, text) in [
            ("a.wast", GOOD.to_string()),
            ("bad.wast", format!("{GOOD}{BAD}")),
            ("p.wat", PROGRAM.to_string()),
            ("n.wat", NATIVE.to_string()),
        ] {
            std::fs::write(place.path(name), text).expect("written");
        }
        for folder in ["tmp", "s"] {
            std::fs::create_dir(place.path(folder)).expect("made");
        }
        for name in ["s/a.wast", "s/b.wast"] {
            std::fs::write(place.path(name), GOOD).expect("written");
        }
        for (words, code) in [
            ("spec a.wast --tiers stack --report json=good.json", 0),
            ("spec bad.wast --tiers stack --report json=bad.json", 1),
            (
                "spec s --tiers stack --partition slice:1/2 --report json=1.json",
                0,
            ),
            (
                "spec s --tiers stack --partition slice:2/2 --report json=2.json",
                0,
            ),
            ("spec a.wast --tiers stack --history h.ndjson", 0),
        ] {
            let output = place.run(words, None, Stdio::null());
            assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in the folder, where no file may be longer than it is told.
    fn run(&self, words: &str, length: Option<u64>, stdout: Stdio) -> Output {
        let mut command = Command::new("bash");
        let limited = r#"trap "" XFSZ; exec prlimit --fsize="$0" "$@""#;
        let length = length.map_or("unlimited".to_string(), |bytes| bytes.to_string());
        command.args(["-c", limited, &length]);
        command.arg(env!("CARGO_BIN_EXE_wassay"));
        command.args(words.split(' '));
        command.current_dir(self.0.path());
        command.env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::null()).stdout(stdout);
        command.stderr(Stdio::piped());
        let child = command.spawn().expect("it starts");
        child.wait_with_output().expect("it ends")
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let names = entries.map(|it| it.expect("read").file_name());
        names.map(|it| it.to_string_lossy().into_owned()).collect()
    }

    /// Checks a write in both ways.
    fn check(&self, write: &Write) {
        let out = self.path(write.out);
        let words = write.words.replace("OUT", write.out);
        match write.before {
            Before::Anything | Before::Itself => {}
            Before::Input(text) => std::fs::write(&out, text).expect("written"),
        }
        let roomy = self.run(&words, None, Stdio::piped());
        assert_eq!(roomy.status.code(), Some(write.code), "{words}: {roomy:?}");
        let length = out.metadata().map(|it| it.len());
        let length = length.unwrap_or_else(|error| panic!("{words}: not written: {error}"));
        match write.before {
            Before::Anything => std::fs::write(&out, "old\n").expect("written"),
            Before::Itself => {}
            Before::Input(text) => std::fs::write(&out, text).expect("written"),
        }
        let (before, names) = (std::fs::read(&out).expect("there"), self.names());
        let appended = if write.before == Before::Itself {
            length
        } else {
            0
        };
        let room = appended + length / 2;
        if room >= write.room {
            let full = self.run(&words, Some(room), Stdio::piped());
            is_told(&words, &full, write.out);
            let after = std::fs::read(&out).expect("still there");
            assert!(after == before, "{words}: the old file");
            if write.is_log {
                let partial = self.path(&format!("{}.partial", write.out));
                let length = partial.metadata().map(|it| it.len());
                assert_eq!(length.ok(), Some(room), "{words}: what there was room for");
                std::fs::remove_file(partial).expect("there");
            }
            assert_eq!(self.names(), names, "{words}: nothing else is left");
            assert_eq!(
                self.path("tmp").read_dir().expect("read").count(),
                0,
                "{words}"
            );
        } else {
            assert!(write.may_be_device, "{words}: one of both ways at least");
        }
        if write.may_be_device {
            for other in write.others {
                std::fs::remove_file(self.path(other)).expect("written");
            }
            let words = write.words.replace("OUT", "/dev/full");
            let full = self.run(&words, None, Stdio::piped());
            is_told(&words, &full, "/dev/full");
            for other in write.others {
                let length = self.path(other).metadata().map(|it| it.len());
                assert!(length.is_ok_and(|it| it > 0), "{words}: {other}");
            }
        }
        std::fs::remove_file(&out).expect("there");
    }
}

/// A write that had no room: exit code 2, and one line that names the file and says so.
fn is_told(words: &str, output: &Output, file: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}: {output:?}");
    let is_named =
        |line: &&str| line.starts_with("wassay: ") && line.contains(&format!("{file}: "));
    let lines: Vec<&str> = said.lines().filter(is_named).collect();
    let [line] = lines[..] else {
        panic!("{words}: one line: {said}");
    };
    let reasons = ["File too large", "No space left on device"];
    assert!(
        reasons.iter().any(|it| line.contains(it)),
        "{words}: {said}"
    );
}

fn check_all(writes: impl IntoIterator<Item = Write>) {
    let place = Place::new();
    for write in writes {
        place.check(&write);
    }
}

#[test]
fn each_format_of_a_run() {
    let spec = "spec a.wast --tiers stack --report";
    check_all(FORMATS.map(|format| {
        let words = format!("{spec} {format}=OUT,md=other.md --trace other.trace");
        write(words, 0)
            .with_workers()
            .beside(&["other.md", "other.trace"])
    }));
}

#[test]
fn each_format_of_a_report() {
    check_all(FORMATS.map(|format| {
        let words = format!("render good.json --report {format}=OUT,json=other.json");
        write(words, 0).beside(&["other.json"])
    }));
}

#[test]
fn other_files_of_suites() {
    let spec = "spec a.wast --tiers stack";
    check_all([
        write(format!("{spec} --trace OUT --report md=other.md"), 0)
            .with_workers()
            .beside(&["other.md"]),
        write(format!("{spec} --history OUT"), 0)
            .with_workers()
            .over(Before::Itself),
        write(format!("{spec} --profile --profile-write json=OUT"), 0).with_workers(),
        write(format!("{spec} --profile --profile-write text=OUT"), 0).with_workers(),
        write("merge 1.json 2.json --report json=OUT,md=other.md", 0).beside(&["other.md"]),
        write("coverage a.wast --tiers stack -o OUT", 0)
            .with_workers()
            .named("out.md"),
        write("coverage a.wast --tiers stack -o OUT", 0)
            .with_workers()
            .named("out.json"),
        write("coverage a.wast --tiers stack -o OUT", 0)
            .with_workers()
            .named("out.html"),
        write("bless bad.json --expectations OUT --reason why", 0).over(Before::Input("# none\n")),
        write("reduce bad.wast --tiers stack,register -o OUT", 0).with_workers(),
        write(
            "fuzz --seed 1 --count 3 --tiers stack,register --report json=OUT",
            0,
        )
        .with_workers(),
    ]);
}

#[test]
fn files_of_programs() {
    let mut writes = vec![
        write("run --record OUT p.wat", 0).log(),
        // Records and states of tiers are temporary files first, which have no room either.
        write("diff --engines stack,register --record OUT p.wat", 0).on_a_device_only(),
    ];
    // On ARM64 a NaN of the processor is the canonical one.
    if cfg!(target_arch = "x86_64") {
        let words = "diff --engines stack,stack@native --no-explain --script OUT n.wat";
        writes.push(write(words, 1).on_a_device_only());
    }
    for form in ["text", "json", "folded", "firefox"] {
        let run = format!("run --profile=counts --profile-write {form}=OUT --invoke f p.wat");
        writes.push(write(run, 0));
        let times = format!("run --profile=times --profile-write {form}=OUT --invoke f p.wat");
        writes.push(write(times, 0));
        writes.push(write(
            format!("profile --write {form}=OUT --invoke f p.wat"),
            0,
        ));
    }
    check_all(writes);
}

/// What a command keeps in the folder of temporary files has no room.
#[test]
fn temporary_files() {
    let place = Place::new();
    // Room for what processes tell each other, and not for records of host calls.
    for words in [
        "run --profile=all p.wat",
        "diff --engines stack,register p.wat",
    ] {
        let roomy = place.run(words, None, Stdio::piped());
        assert_eq!(roomy.status.code(), Some(0), "{words}: {roomy:?}");
        let full = place.run(words, Some(WORKER_BYTES), Stdio::piped());
        is_told(words, &full, "record");
        let left = place.path("tmp").read_dir().expect("read").count();
        assert_eq!(left, 0, "{words}");
    }
}

/// The commands that print.
const PRINTING: [&str; 23] = [
    "spec a.wast --tiers stack",
    "spec a.wast --tiers stack --report json=-",
    "spec a.wast --tiers stack --profile",
    "list a.wast",
    "list a.wast --format json",
    "render good.json",
    "merge 1.json 2.json",
    "compare good.json good.json",
    "compare good.json good.json --markdown",
    "history h.ndjson",
    "bless bad.json --expectations e.toml --reason why --check",
    "verify good.json",
    "coverage a.wast --tiers stack",
    "fuzz --seed 1 --count 3 --tiers stack,register",
    "reduce bad.wast --tiers stack,register -o small.wast",
    "run --invoke f p.wat",
    "profile --write text=- --invoke f p.wat",
    "diff --engines stack,register p.wat",
    "inspect p.wat",
    "inspect --ir p.wat",
    "engine list",
    "--help",
    "--version",
];

/// Checks that each of them ends with exit code 2 and says so once.
fn cannot_print(place: &Place, reason: &str, run: impl Fn(&str) -> Output) {
    std::fs::write(place.path("e.toml"), "# none\n").expect("written");
    for words in PRINTING {
        let output = run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {output:?}");
        let lines: Vec<&str> = said.lines().filter(|it| it.contains(reason)).collect();
        let different: BTreeSet<&str> = lines.iter().copied().collect();
        assert!(
            !lines.is_empty() && lines.len() == different.len(),
            "{words}: {said}"
        );
    }
}

/// To a standard output without room.
#[test]
fn the_standard_output() {
    let place = Place::new();
    cannot_print(&place, "No space left", |words| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        place.run(words, None, full.expect("the device").into())
    });
}

/// To a standard output that is closed.
#[test]
fn a_closed_standard_output() {
    let place = Place::new();
    cannot_print(&place, "it is closed", |words| {
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$@" >&-"#, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_wassay"));
        command.args(words.split(' '));
        command.current_dir(place.0.path());
        command.output().expect("it ends")
    });
}

/// Every command of the help has a row, save `wasi-suite`, which needs built programs, `explain`,
/// which needs engines that differ (`tests/pool.rs` has some), and `validate`, which prints
/// nothing.
#[test]
fn no_command_is_left_out() {
    let help = Place::new().run("--help", None, Stdio::piped());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.split_whitespace().next());
    let this = include_str!("full_disk.rs");
    let mut count = 0;
    let left_out = ["help", "explain", "validate", "wasi-suite"];
    for name in names.filter(|name| !left_out.contains(name)) {
        count += 1;
        assert!(this.contains(&format!("\"{name} ")), "no row for {name}");
    }
    assert!(count > 10, "{help}");
}
