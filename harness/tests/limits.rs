//! What a run may take of the machine, and what becomes of it where the machine gives less.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A folder of its own for the files of a test.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Runs `wassay spec` on a file or folder, and reads its report.
    fn spec(&self, path: &Path, args: &[&str]) -> (Output, Value) {
        let report = self.path("report.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command
            .arg("spec")
            .arg(path)
            .arg(format!("--report=json={}", report.display()))
            .args(args);
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        let text = std::fs::read(&report).unwrap_or_default();
        let report = serde_json::from_slice(&text).unwrap_or_default();
        (output, report)
    }
}

/// A module whose memory of so many MiB is written when it is instantiated.
fn filled(name: &str, mib: u32) -> String {
    let pages = mib * 16;
    let bytes = mib << 20;
    format!(
        "(module {name} (memory (export \"m\") {pages}) (func $fill
           (memory.fill (i32.const 0) (i32.const 1) (i32.const {bytes}))) (start $fill)
           (func (export \"f\")))\n"
    )
}

const TWO_TIERS: [&str; 2] = ["--tiers", "stack,register"];

/// Instances that nothing reaches any more hold no memory.
#[test]
fn a_file_of_many_modules_holds_few_at_a_time() {
    let place = Place::new();
    let unnamed: String = (0..100)
        .map(|_| filled("", 2) + "(invoke \"f\")\n")
        .collect();
    let named = (0..100).map(|n| filled(&format!("$m{n}"), 2) + &format!("(invoke $m{n} \"f\")\n"));
    let groups = (0..100).map(|n| {
        let import = format!("(module (import \"M{n}\" \"m\" (memory 1)) (func (export \"f\")))\n");
        filled("", 2) + &format!("(register \"M{n}\")\n") + &import + "(invoke \"f\")\n"
    });
    for text in [unnamed, named.collect(), groups.collect()] {
        let file = place.file("a.wast", &text);
        let args = [&TWO_TIERS[..], &["--worker-memory", "64M"]].concat();
        let (output, report) = place.spec(&file, &args);
        assert_eq!(output.status.code(), Some(0), "{:#}", report["directives"]);
        assert_eq!(report["agreement"]["diverge"], 0);
    }
}

/// Where a file takes too much, the directive is named that does, in a report that is the same for
/// any number of jobs; what comes before it keeps its verdict, and what does not need it runs.
#[test]
fn a_file_that_takes_too_much_is_not_measured_from_its_directive_on() {
    let place = Place::new();
    let hungry = r#"(module (memory 0x2000) (func (export "fill")
             (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x2000_0000)) (loop (br 0))))
           (assert_return (invoke "fill"))
           (module (func (export "f")))
           (assert_return (invoke "f"))"#;
    let file = place.file("a.wast", hungry);
    let args = [&TWO_TIERS[..], &["--worker-memory", "100M"]].concat();
    let (output, report) = place.spec(&file, &args);
    assert_eq!(output.status.code(), Some(3));
    let named = &report["directives"][0]["tiers"]["stack"];
    assert_eq!(named["status"], "not_run");
    assert_eq!(
        named["actual"],
        "not measured: the file takes more than 100 MiB of memory"
    );
    assert_eq!(report["incidents"][0]["kind"], "memory");
    assert_eq!(report["tiers"]["stack"]["counts"]["pass"], 3);
    assert_eq!(report["agreement"]["diverge"], 0);
}

/// What a file holds on to makes each further directive take too much: the rest is given up.
#[test]
fn a_file_that_holds_too_much_is_given_up_where_it_does() {
    let place = Place::new();
    let folder = place.path("suite");
    std::fs::create_dir(&folder).expect("made");
    for file in ["a", "b", "c"] {
        let text = (0..40).map(|n| filled(&format!("$m{n}"), 4));
        let uses = (0..40).map(|n| format!("(assert_return (invoke $m{n} \"f\"))\n"));
        let text: String = text.chain(uses).collect();
        std::fs::write(folder.join(format!("{file}.wast")), text).expect("written");
    }
    let run = |jobs: &str| {
        // Half of a memory from where one more or less fits: at 61.5 and 65.5 MiB, and without
        // debug assertions at 59.5 and 63.5.
        let room = if cfg!(debug_assertions) {
            "65024K"
        } else {
            "62976K"
        };
        let args = [&TWO_TIERS[..], &["--worker-memory", room, "-j", jobs]].concat();
        let (output, mut report) = place.spec(&folder, &args);
        assert_eq!(output.status.code(), Some(3));
        let passes = report["tiers"]["register"]["counts"]["pass"].clone();
        let passes = passes.as_u64().expect("a number");
        assert!((3 * 10..3 * 16).contains(&passes), "{passes}");
        assert_eq!(report["agreement"]["diverge"], 0);
        without_times(&mut report);
        report
    };
    let (one, four) = (run("1"), run("4"));
    assert!(one == four, "{} {}", one["gate"], four["gate"]);
}

/// Removes what differs between any two runs (docs/report-formats.md).
fn without_times(report: &mut Value) {
    const DIFFER: [&str; 3] = ["seconds", "jobs", "provenance"];
    match report {
        Value::Object(fields) => {
            fields.retain(|name, _| !DIFFER.contains(&name.as_str()));
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const SMALL: &str = r#"(module (func (export "f") (result i32) (i32.const 7)))
    (assert_return (invoke "f") (i32.const 7))"#;

/// A command that may have so many processes, threads included. Root may have any number, so that
/// the program then runs as somebody else.
fn with_processes(place: &Place, count: u32, args: &[&str]) -> Command {
    let program = place.path("wassay");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_wassay"), &program).expect("copied");
        let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(place.folder.path(), everyone).expect("opened");
    }
    let mut command = Command::new("prlimit");
    command.arg(format!("--nproc={count}:{count}"));
    if rustix::process::getuid().is_root() {
        command.args([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]);
    }
    command.arg(program).args(args).stdin(Stdio::null());
    command
}

/// What there is no room for is an error in one line, in every command that has threads.
#[test]
fn few_processes_are_an_error_and_no_panic() {
    let place = Place::new();
    let file = place.file("a.wast", SMALL);
    let module = place.file("a.wat", "(module (func (export \"f\")))");
    let (file, module) = (file.to_string_lossy(), module.to_string_lossy());
    let check = |count: u32, args: &[&str]| {
        let output = with_processes(&place, count, args)
            .output()
            .expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let what = format!("{count} {args:?}: {:?}: {stderr}", output.status);
        assert!(!stderr.contains("panicked"), "{what}");
        output.status.code().unwrap_or_else(|| panic!("{what}"))
    };
    let spec = ["spec", &file, "--tiers", "stack,register", "-j2"];
    for count in [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20] {
        let code = check(count, &spec);
        assert!(matches!(code, 0 | 2 | 3), "{count}: {code}");
    }
    assert_eq!(check(1, &spec), 2);
    assert_eq!(check(100, &spec), 0);
    for args in [
        &["run", &module, "--invoke", "f"][..],
        &["validate", &module],
        &["inspect", &module],
        &["list", &file],
    ] {
        assert_eq!(check(1, args), 2, "{args:?}");
        assert_eq!(check(100, args), 0, "{args:?}");
    }
}

/// The stacks of threads have the sizes that they need, whatever the environment says.
#[test]
fn the_environment_does_not_size_stacks() {
    let place = Place::new();
    let file = place.file("a.wast", SMALL);
    for size in ["18446744073709551615", "281474976710656", "1"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.arg("spec").arg(&file).args(TWO_TIERS);
        command.env("RUST_MIN_STACK", size).stdin(Stdio::null());
        let output = command.output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{size}: {stderr}");
    }
}

/// A pipe that nobody writes to does not keep the program from being interrupted.
#[test]
fn a_pipe_as_input_can_be_interrupted() {
    let place = Place::new();
    let file = place.file("a.wast", SMALL);
    let pipe = place.path("pipe.wast");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("it runs");
    assert!(made.success());
    let as_suite = vec![pipe.clone()];
    let as_expectations = vec![file, PathBuf::from("--expectations"), pipe];
    for args in [as_suite, as_expectations] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.arg("spec").args(&args).args(TWO_TIERS);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(500));
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).expect("it is there");
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                break status;
            }
            if started.elapsed() > Duration::from_secs(10) {
                child.kill().expect("killed");
                panic!("{args:?}: it goes on");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(130), "{args:?}");
    }
}

/// A loop that does not end.
const ENDLESS: &str = r#"(module (func) (func (export "f") (loop (br 0)))) (invoke "f")"#;

/// The verdict of the JIT on the second directive, if it has one.
fn second_in_jit(report: &Value) -> Option<&Value> {
    let tier = &report["directives"][0]["tiers"]["jit"];
    match &report["tiers"]["jit"]["available"] {
        Value::Bool(true) => Some(tier),
        _ => {
            let why = std::env::var_os("WASSAY_JIT_UNAVAILABLE");
            assert!(why.is_some(), "the JIT does not run, and nothing says why");
            None
        }
    }
}

/// What does not end is told with its place.
#[test]
fn a_hang_in_compiled_code_names_its_function() {
    let place = Place::new();
    let file = place.file("a.wast", ENDLESS);
    let (output, report) = place.spec(&file, &["--tiers", "jit", "--timeout", "3s"]);
    if let Some(verdict) = second_in_jit(&report) {
        assert_eq!(output.status.code(), Some(1));
        let detail = "no end after 3000 ms, in compiled function 1";
        assert_eq!(
            (&verdict["status"], &verdict["detail"]),
            (&"timeout".into(), &detail.into())
        );
    }
}

/// So is what interpreters do not end: it runs once more, and is interrupted. A call without an end
/// and an instruction that works for long have places too, and so has what hangs in a start
/// function, in a configuration, and behind another hang.
#[test]
fn a_hang_in_interpreted_code_names_its_function() {
    let place = Place::new();
    let text = r#"(module (func) (func (export "f") (loop (br 0)))
          (func $tail (return_call $tail)) (func (export "g") (call $tail)))
        (invoke "f")
        (invoke "g")
        (module (func) (func) (func) (func $start (loop (br 0))) (start $start))
        (module (func (export "h") (result i32) (i32.const 7)))
        (assert_return (invoke "h") (i32.const 7))"#;
    let file = place.file("a.wast", text);
    let tiers = "stack,register,register@gc-stress";
    let args = ["--tiers", tiers, "--timeout", "6s", "-j3"];
    let (output, report) = place.spec(&file, &args);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    for tier in ["stack", "register", "register@gc-stress"] {
        let directives = report["directives"].as_array().expect("a list").iter();
        let verdict = |it: &Value| {
            let verdict = &it["tiers"][tier];
            let detail = verdict["detail"].as_str().expect("a text").to_string();
            (it["line"].as_u64().expect("a line"), detail)
        };
        let verdicts: Vec<(u64, String)> = directives.map(verdict).collect();
        let expected = [
            (3, "no end after 6000 ms, in function 1"),
            (4, "no end after 3000 ms, in function 2"),
            (5, "no end after 1500 ms, in function 3"),
        ];
        let expected = expected.map(|(line, detail)| (line, detail.to_string()));
        assert_eq!(verdicts, expected, "{tier}: {report:#}");
    }
}

/// What dies is told with the function that it died in. Signals that are sent are none of memory,
/// and come when they come: they are sent later each time, until the loop is hit.
#[cfg(target_os = "linux")]
#[test]
fn a_crash_in_compiled_code_names_its_function() {
    let place = Place::new();
    let file = place.file("a.wast", ENDLESS);
    let report = place.path("report.json");
    let mut seen = Value::Null;
    for seconds in [1, 2, 4, 8, 16] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command
            .arg("spec")
            .arg(&file)
            .args(["--tiers", "jit", "--timeout", "20s"]);
        command.arg(format!("--report=json={}", report.display()));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        std::thread::sleep(Duration::from_secs(seconds));
        for worker in children(child.id()) {
            kill_process(worker, Signal::SEGV).expect("it is there");
        }
        child.wait().expect("it can be waited for");
        let text = std::fs::read(&report).unwrap_or_default();
        seen = serde_json::from_slice(&text).unwrap_or_default();
        let Some(verdict) = second_in_jit(&seen) else {
            return;
        };
        let detail = verdict["detail"].as_str().unwrap_or_default();
        if detail.contains("SIGSEGV in compiled function 1, byte ") {
            assert_eq!(verdict["status"], "crash");
            return;
        }
    }
    panic!("no crash names the function: {:#}", seen["directives"]);
}

/// A disk without room takes nothing from a history or a report, and is an error that names the
/// file. The room is that of the largest file that the process may write.
#[test]
fn a_full_disk_leaves_files_as_they_were() {
    let place = Place::new();
    let file = place.file("a.wast", SMALL);
    let (history, report) = (place.path("h.ndjson"), place.path("r.json"));
    let run = |bytes: u64| {
        let mut command = Command::new("bash");
        let limited = r#"trap "" XFSZ; exec prlimit --fsize="$0" "$@""#;
        command.args(["-c", limited, &bytes.to_string()]);
        command
            .arg(env!("CARGO_BIN_EXE_wassay"))
            .arg("spec")
            .arg(&file);
        command
            .args(["--tiers", "stack", "--history"])
            .arg(&history);
        command.arg(format!("--report=json={}", report.display()));
        command.output().expect("it starts")
    };
    let roomy = run(1 << 20);
    assert_eq!(roomy.status.code(), Some(0), "{roomy:?}");
    let before = [&history, &report].map(|path| std::fs::read(path).expect("written"));
    // Part of a second line fits into the history, and a part of the report.
    let room = before[0].len() as u64 * 3 / 2;
    assert!(room < before[1].len() as u64);
    let full = run(room);
    let said = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(2), "{said}");
    for path in [&history, &report] {
        let named = format!("{}: not written: ", path.display());
        assert!(said.contains(&named), "{said}");
    }
    let shown = String::from_utf8_lossy(&full.stdout);
    assert!(shown.contains("GATING: passed"), "{shown}");
    let after = [&history, &report].map(|path| std::fs::read(path).expect("still there"));
    assert!(before == after, "a file has changed");
}

/// The processes that a process has started.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).expect("it runs");
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let path = thread.expect("it is read").path().join("children");
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let text: Vec<String> = threads.map(of_thread).collect();
    let numbers = text.iter().flat_map(|text| text.split_whitespace());
    numbers
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}

/// Nothing is written to the folder of temporary files, which need not be there.
#[test]
fn a_run_has_no_temporary_files() {
    let place = Place::new();
    let file = place.file("a.wast", SMALL);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.arg("spec").arg(&file).args(TWO_TIERS);
    command
        .env("TMPDIR", place.path("missing"))
        .stdin(Stdio::null());
    let output = command.output().expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
}

/// What the program keeps of a directive is small: a report names what did not pass.
#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn a_million_directives_take_little_memory() {
    let place = Place::new();
    let folder = place.path("suite");
    std::fs::create_dir(&folder).expect("made");
    let module = "(module (func (export \"f\") (param i32) (result i32) (local.get 0)))\n";
    let line = |n: u32| format!("(assert_return (invoke \"f\" (i32.const {n})) (i32.const {n}))\n");
    let asserts: String = (1..10_000).map(line).collect();
    for file in 0..100 {
        let path = folder.join(format!("{file:03}.wast"));
        std::fs::write(path, format!("{module}{asserts}")).expect("written");
    }
    let report = place.path("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.arg("spec").arg(&folder).args(TWO_TIERS);
    command.arg(format!("--report=json={}", report.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut peak_kib = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        peak_kib = peak_kib.max(high_water_kib(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    let report: Value =
        serde_json::from_slice(&std::fs::read(report).expect("written")).expect("a report");
    assert_eq!(report["accounting"]["directives"], 1_000_000);
    assert_eq!(report["tiers"]["register"]["counts"]["pass"], 1_000_000);
    // Some 200 MiB, the pages of the program included; at a KiB for each directive it were a GiB.
    assert!((1..256 << 10).contains(&peak_kib), "{peak_kib} KiB");
}

/// The most memory that a process has had at any time.
fn high_water_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A control group whose memory is limited, which is removed in the end.
#[cfg(target_os = "linux")]
struct Group {
    folder: PathBuf,
    /// The file that tells how often the system has killed for memory, and the name of the count.
    killed: (&'static str, &'static str),
}

#[cfg(target_os = "linux")]
impl Group {
    /// A group of so many bytes; of version 2 of control groups, or of version 1.
    fn new(bytes: u64) -> std::io::Result<Group> {
        let name = format!("wassay-test-{}-{}", std::process::id(), bytes >> 20);
        let root = Path::new("/sys/fs/cgroup");
        let is_second = root.join("cgroup.controllers").exists();
        let (folder, limit, killed) = match is_second {
            true => (root.join(name), "memory.max", "memory.events"),
            false => {
                let folder = root.join("memory").join(name);
                (folder, "memory.limit_in_bytes", "memory.oom_control")
            }
        };
        std::fs::create_dir(&folder)?;
        let group = Group {
            folder,
            killed: (killed, "oom_kill "),
        };
        std::fs::write(group.folder.join(limit), bytes.to_string())?;
        Ok(group)
    }

    /// A command in the group.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        let entered = r#"echo $$ > "$0/cgroup.procs" && exec "$@""#;
        command.args(["-c", entered]).arg(&self.folder).arg(program);
        command
    }

    /// How often the system has killed a process of the group for memory.
    fn kills(&self) -> u64 {
        let (file, name) = self.killed;
        let text = std::fs::read_to_string(self.folder.join(file)).expect("it is there");
        let count = text.lines().find_map(|line| line.strip_prefix(name));
        count.expect("it counts").trim().parse().expect("a number")
    }
}

#[cfg(target_os = "linux")]
impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended: a few moments later the group is empty.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Where the system has no memory for a worker and kills it, nothing is said of the engine: no
/// crash, no failure, no divergence; what has room keeps its verdict.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "makes a control group, which root may: --test limits -- --ignored"]
fn a_worker_that_the_system_kills_for_memory_is_not_measured() {
    let report = run_without_memory(300 << 20);
    for tier in ["stack", "register"] {
        let counts = &report["tiers"][tier]["counts"];
        let of = ["pass", "not_run", "blocked", "fail", "crash", "timeout"];
        let counts = of.map(|status| counts[status].as_u64().unwrap_or(0));
        assert_eq!(counts, [4, 1, 1, 0, 0, 0], "{tier}: {report:#}");
    }
    assert_eq!(report["agreement"]["diverge"], 0);
    let first = &report["directives"][0]["tiers"]["stack"]["actual"];
    let first = first.as_str().expect("a text");
    assert!(first.starts_with("not measured: "), "{first}");
    assert!(first.contains("killed by signal 9"), "{first}");
    let incidents = report["incidents"].as_array().expect("a list").iter();
    let kinds: Vec<&str> = incidents.filter_map(|it| it["kind"].as_str()).collect();
    assert!(
        kinds
            .iter()
            .all(|kind| ["killed", "not_measured"].contains(kind)),
        "{kinds:?}"
    );
}

/// Where there is so little memory that this program is as large as its workers, the system kills
/// these all the same, and a report is written.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "makes a control group, which root may: --test limits -- --ignored"]
fn the_system_kills_workers_first() {
    for _ in 0..10 {
        let report = run_without_memory(40 << 20);
        assert_eq!(report["agreement"]["diverge"], 0);
    }
}

/// The report of a run in a group of so many bytes of a file that takes more, and another one.
#[cfg(target_os = "linux")]
fn run_without_memory(bytes: u64) -> Value {
    let group = Group::new(bytes).expect("root, and control groups of memory");
    let place = Place::new();
    let folder = place.path("suite");
    std::fs::create_dir(&folder).expect("made");
    let hungry = filled("$large", 900) + "(invoke $large \"f\")\n" + SMALL;
    std::fs::write(folder.join("hungry.wast"), hungry).expect("written");
    std::fs::write(folder.join("small.wast"), SMALL).expect("written");
    let report = place.path("report.json");
    let mut command = group.command(env!("CARGO_BIN_EXE_wassay"));
    command.arg("spec").arg(&folder).args(TWO_TIERS);
    command.args(["-j2", "--worker-memory", "4G"]);
    command.arg(format!("--report=json={}", report.display()));
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let text = std::fs::read(&report).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let report: Value = serde_json::from_slice(&text).expect("a report");
    assert!(group.kills() >= 2, "{said}");
    assert_eq!(output.status.code(), Some(3), "{said} {report:#}");
    report
}

/// A loop that takes half a second or so of a processor to end.
const LONG: &str = r#"(module (func (export "f") (param i32)
  (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
(assert_return (invoke "f" (i32.const 200_000_000)))"#;

/// With four others on its processor, a directive that takes a little less than half of its
/// deadline alone takes about twice its deadline.
#[test]
#[ignore = "keeps a processor busy that others leave alone: --test limits -- --ignored"]
fn a_busy_machine_makes_no_timeouts() {
    let place = Place::new();
    let file = place.file("a.wast", LONG);
    let started = Instant::now();
    let (alone, _) = place.spec(&file, &["--tiers", "stack"]);
    assert_eq!(alone.status.code(), Some(0), "{alone:?}");
    let deadline = format!("{}ms", 2 * started.elapsed().as_millis());
    let busy = || {
        let mut busy = Command::new("taskset");
        busy.args(["-c", "0", "sh", "-c", "while :; do :; done"]);
        busy.spawn().expect("taskset and sh")
    };
    let others: Vec<_> = (0..4).map(|_| busy()).collect();
    let mut command = Command::new("taskset");
    command.args(["-c", "0", env!("CARGO_BIN_EXE_wassay"), "spec"]);
    command
        .arg(&file)
        .args(["--tiers", "stack", "--timeout", &deadline]);
    let crowded = command.output().expect("it starts");
    for mut other in others {
        other.kill().expect("killed");
        other.wait().expect("it ends");
    }
    assert_eq!(crowded.status.code(), Some(0), "{deadline}: {crowded:?}");
}
