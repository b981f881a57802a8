//! The example of docs/engine-protocol.md, `docs/example_adapter.py`, as a column, a tested adapter
//! and a proven engine.
//!
//! Needs Python, its package wasmtime and the counting plugin: `scripts/engines wasmtime prove`,
//! which `scripts/test` calls.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use planted::adapter;
use serde_json::Value;

mod planted;

const NEEDS: &str = "run scripts/engines wasmtime prove";

/// A script of which every directive is decided by every engine.
const SCRIPT: &str = r#"
(module $m
  (memory (export "memory") 1)
  (global (export "g") i64 (i64.const -2))
  (func (export "nan") (result f32) (f32.const nan:0x200000))
  (func (export "vector") (param v128) (result v128) (i8x16.neg (local.get 0)))
  (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
  (func $deep (export "deep") (call $deep)))
(assert_return (invoke "nan") (f32.const nan:0x200000))
(assert_return (invoke "vector" (v128.const i64x2 1 0)) (v128.const i64x2 0xff 0))
(assert_return (invoke "store" (i32.const 65535)))
(assert_trap (invoke "store" (i32.const 65536)) "out of bounds memory access")
(assert_exhaustion (invoke "deep") "call stack exhausted")
(assert_return (get "g") (i64.const -2))
(register "m" $m)
(module (import "m" "g" (global i64)) (func (export "f") (result i64) (global.get 0)))
(assert_return (invoke "f") (i64.const -2))
(assert_unlinkable (module (import "m" "h" (func))) "unknown import")
(assert_invalid (module (func (result i32))) "type mismatch")
"#;

fn root() -> PathBuf {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness.parent().expect("in the project").to_path_buf()
}

/// The Python program itself, which may be behind a script of the same name.
fn python() -> String {
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .expect("Python is installed");
    String::from_utf8(output.stdout)
        .expect("a path")
        .trim()
        .to_string()
}

/// A folder with the table whose engine `example` claims to be `claim`.
fn place(claim: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = root();
    let adapter = root.join("docs/example_adapter.py");
    let packages = root.join("harness/engines/installed/python");
    assert!(
        packages.is_dir(),
        "{} is missing: {NEEDS}",
        packages.display()
    );
    let table = format!(
        "[[engine]]\nname = \"example\"\ncommand = [{:?}, {adapter:?}]\n\
         env = {{ PYTHONPATH = {packages:?} }}\nclaim = \"{claim}\"\n",
        python()
    );
    std::fs::write(folder.path().join("engines.toml"), table).expect("written");
    std::fs::write(folder.path().join("a.wast"), SCRIPT).expect("written");
    folder
}

fn wassay(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wassay"))
        .args(args)
        .args(["--engine-table", "engines.toml"])
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).expect("text")
}

#[test]
#[ignore = "needs scripts/engines wasmtime"]
fn it_keeps_to_the_protocol() {
    let folder = place("optimising");
    let output = wassay(folder.path(), &["engine", "check", "example"]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("26 requests, 0 answered wrongly"), "{text}");
}

#[test]
#[ignore = "needs scripts/engines wasmtime"]
fn it_is_a_column_beside_our_own() {
    let folder = place("optimising");
    let args = [
        "spec",
        "--engines",
        "stack,example",
        "--report",
        "json=r.json",
        "a.wast",
    ];
    let output = wassay(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report = std::fs::read(folder.path().join("r.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    for engine in ["stack", "example"] {
        let passed = &report["tiers"][engine]["counts"]["pass"];
        assert_eq!(passed.as_u64(), Some(12), "{engine}");
    }
}

/// A program that prints what `$text` chooses.
const PROGRAM: &str = include_str!("commands/diff.in/choose.wat");

/// A program of WASI runs in it, answered as our reference was; an engine that gives other values
/// differs.
#[test]
#[ignore = "needs scripts/engines wasmtime"]
fn a_program_runs_in_it() {
    let folder = place("optimising");
    std::fs::write(folder.path().join("p.wat"), PROGRAM).expect("written");
    let output = wassay(
        folder.path(),
        &["diff", "--engines", "stack,example", "p.wat"],
    );
    let told = text(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let equal = "example = stack: as a script, 1 host calls, what they are given and read, and the \
                 state that is shown at the end\n";
    assert!(told.ends_with(equal), "{told}");
    adapter::table(folder.path(), adapter::HONEST);
    let output = wassay(folder.path(), &["diff", "--engines", "stack,fake", "p.wat"]);
    let told = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("fake differs from stack in its end"),
        "{told}"
    );
}

/// Cranelift is proven by what it executes, and a false claim is called out.
#[test]
#[ignore = "needs scripts/engines wasmtime prove"]
fn it_is_proven() {
    for (claim, code, words) in [
        ("optimising", 0, ": an optimising compiler ("),
        ("baseline", 1, ": not a baseline compiler ("),
        ("interpreter", 1, ": not an interpreter ("),
    ] {
        let folder = place(claim);
        let output = wassay(folder.path(), &["engine", "prove", "example"]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

/// Without the plugin nothing is measured, and that is said.
#[test]
#[ignore = "needs scripts/engines wasmtime"]
fn without_the_plugin_nothing_is_measured() {
    let folder = place("optimising");
    let args = ["engine", "prove", "example", "--plugin", "missing.so"];
    let output = wassay(folder.path(), &args);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("there is no missing.so"), "{text}");
}
