//! `wassay run`: exports, programs, limits and tiers.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::modes::HOT;
use crate::place::{GOOD, Place, assert_told_why, ended};

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

/// In an emulator a reservation costs by its size: forty of them, of 8 GiB each, would be beyond
/// the limit of addresses, and 49 MB each of what is resident.
#[cfg(not(target_arch = "aarch64"))]
#[test]
fn memories_are_sparse_in_an_emulator() {
    let place = Place::new();
    let memories: String = (0..40).map(|n| format!("(memory $m{n} 1)")).collect();
    let last = "(i32.store $m39 (i32.const 65532) (i32.const 7)) (i32.load $m39 (i32.const 65532))";
    let text = format!("(module {memories} (func (export \"f\") (result i32) {last}))");
    let wat = place.file("m.wat", text);
    let words = [
        "run", "--tier", "jit", "--bounds", "guard", "--invoke", "f", &wat,
    ];
    let program = place.command(&words);
    let mut limited = Command::new("bash");
    limited.args(["-c", r#"ulimit -v 4000000; exec "$@""#, "bash"]);
    limited.arg(program.get_program()).args(program.get_args());
    limited.env("TMPDIR", place.path("tmp"));
    let output = limited.output().expect("the program starts");
    let ended = ended(&output, Duration::ZERO);
    if ended.code == 3 && ended.stderr.contains("tier `jit` is unavailable") {
        assert_told_why();
        return;
    }
    let seen = (ended.code, ended.stdout.as_str());
    assert_eq!(seen, (0, "7\n"), "{}", ended.stderr);
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
