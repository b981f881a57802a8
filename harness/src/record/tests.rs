//! Tests of records: what is written reads back, and bad files name the line.

use std::fs;

use wassay_runtime::{Config, Engine, Extern, Linker, Module, Store, Val};

use super::*;
use crate::script::module_file::read_module;

fn record() -> Record {
    let call = |name: &str, answer| HostCall {
        name: name.to_string(),
        args: vec![1, u64::MAX],
        reads: vec![(16, 8)],
        read_hash: u64::MAX - 1,
        answer,
        writes: vec![(1024, Bytes(vec![0, 255, 7]))],
        output: vec![(1, Bytes(b"text".to_vec()))],
        state: Some(StateHash {
            memories: u64::MAX,
            ..StateHash::default()
        }),
    };
    Record {
        head: Head {
            version: VERSION,
            sha256: sha256(b"module"),
            invoke: "_start".to_string(),
        },
        calls: vec![
            call("fd_write", Answer::Errno(0)),
            call("proc_exit", Answer::Exit(3)),
        ],
        end: End {
            ending: "trap: unreachable".to_string(),
            is_open: false,
            trace: vec![Place {
                func: 3,
                offset_bytes: Some(77),
            }],
            state: None,
        },
    }
}

/// The lines of the record in a file.
fn lines(path: &Path) -> Vec<String> {
    let Record { head, calls, end } = record();
    let mut writer = Writer::create(path, head).expect("created");
    for call in calls {
        writer.write(&Line::Call(call)).expect("written");
    }
    writer.finish(end).expect("written");
    let text = fs::read_to_string(path).expect("there");
    text.lines().map(str::to_string).collect()
}

#[test]
fn records_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    assert_eq!(lines(&path).len(), 4);
    assert_eq!(read(&path).expect("a record"), record());
}

#[test]
fn bad_records_name_the_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    let good = lines(&path);
    let bad = |lines: &[&str], line: Option<usize>, message: &str| {
        fs::write(&path, lines.join("\n")).expect("written");
        let error = read(&path).expect_err("a bad record");
        assert_eq!(error.line, line, "{error}");
        assert!(error.message.contains(message), "{error}");
    };
    let [head, call, exit, end] = [0, 1, 2, 3].map(|n| good[n].as_str());
    bad(&[], None, "empty");
    bad(&["{}", end], Some(1), "not the head");
    bad(&["text"], Some(1), "expected");
    bad(&[call, end], Some(1), "not the head");
    let newer = head.replace("\"version\":1", "\"version\":2");
    bad(&[&newer, end], Some(1), "version 2");
    bad(&[head, call, exit], Some(3), "no end");
    bad(&[head, call, head, end], Some(3), "second head");
    bad(&[head, end, call], Some(3), "behind the end");
    bad(&[head, &call[..call.len() - 9], end], Some(2), "string");
    let wrong = call.replace("\"AP8H\"", "\"A!\"");
    assert_ne!(wrong, call);
    bad(&[head, &wrong, end], Some(2), "symbol");
    let unknown = call.replace("\"args\"", "\"arguments\"");
    bad(&[head, &unknown, end], Some(2), "unknown field");
}

/// Every cut of a record is refused.
#[test]
fn a_record_that_is_cut_off_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    lines(&path);
    let bytes = fs::read(&path).expect("there");
    for len in 0..bytes.len() - 1 {
        fs::write(&path, &bytes[..len]).expect("written");
        assert!(read(&path).is_err(), "{len}");
    }
}

/// What the globals of a program's script tell at its end.
fn told(program: &str, calls: &[HostCall]) -> Vec<Val> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("program.wat");
    fs::write(&path, program).expect("written");
    let program = read_module(&path).expect("a module");
    let made = script::scripted(&program, calls).expect("a script");
    let engine = Engine::new(&Config::new()).expect("an engine");
    let [answers, program] =
        [made.answers, made.program].map(|it| Module::new(&engine, it).expect("a module"));
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let named = linker.module(&mut store, script::REGISTERED, &answers);
    named.expect("the answers");
    let program = linker
        .instantiate(&mut store, &program)
        .expect("an instance");
    let start = program.get_typed_func::<(), ()>(&mut store, "_start");
    start
        .expect("a start")
        .call(&mut store, ())
        .expect("an end");
    let mut global = |name| {
        let found = linker.get(&mut store, script::REGISTERED, name);
        let global = found.and_then(Extern::into_global).expect("a global");
        global.get(&mut store)
    };
    script::TOLD.map(&mut global).to_vec()
}

/// A script's globals tell the calls, their arguments, and what they read of the memory.
#[test]
fn a_script_tells_what_the_program_does() {
    let program = |descriptor: u32, text: &str| {
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 16) "{text}")
              (func (export "_start")
                (drop (call $write (i32.const {descriptor}) (i32.const 0) (i32.const 1)
                  (i32.const 8)))))"#
        )
    };
    let call = |reads: Vec<(u32, u32)>| HostCall {
        name: "fd_write".to_string(),
        args: vec![1, 0, 1, 8],
        reads,
        read_hash: 0,
        answer: Answer::Errno(0),
        writes: vec![(8, Bytes(vec![4, 0, 0, 0]))],
        output: Vec::new(),
        state: None,
    };
    let calls = [call(vec![(0, 8), (16, 4)])];
    let one = told(&program(1, "text"), &calls);
    assert!(matches!(one[0], Val::I32(1)), "{one:?}");
    let same = |other: Vec<Val>| format!("{other:?}") == format!("{one:?}");
    assert!(same(told(&program(1, "text"), &calls)));
    assert!(!same(told(&program(2, "text"), &calls)), "an argument");
    assert!(
        !same(told(&program(1, "tezt"), &calls)),
        "a byte that is read"
    );
    assert!(
        same(told(&program(1, "texts"), &calls)),
        "a byte behind those"
    );
    let fewer = [call(vec![(0, 8), (16, 2)])];
    assert!(!same(told(&program(1, "text"), &fewer)), "what is read");
}
