//! Profiles of programs and suites, and perf maps.

use std::path::PathBuf;

use serde_json::Value;

use crate::place::{Place, assert_told_why};

/// Functions that call each other in a loop, by recursion, by a tail call and through a table.
const CALLS: &str = r#"(module
  (type $unary (func (param i32) (result i32)))
  (table funcref (elem $down))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func $spin (param i32) (result i32)
    (loop $more
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $more (i32.gt_s (local.get 0) (i32.const 0))))
    (call_indirect (type $unary) (i32.const 2) (i32.const 0)))
  (func $last (param i32) (result i32) (return_call $spin (local.get 0)))
  (func (export "_start") (local $n i32)
    (loop $more
      (drop (call $last (local.get $n)))
      (drop (call $down (local.get $n)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 6))))))"#;

/// With a sample at each poll, stacks and their numbers are the same in every tier, and follow from
/// the program: a function's entry is one, and so is each arrival at a loop's head.
#[test]
fn samples_are_the_same_in_every_tier() {
    let place = Place::new();
    let file = place.file("calls.wat", CALLS);
    let common = ["run", "--profile=times", "--profile-interval=0s"];
    let common = [&common[..], &["--profile-write=folded=-"]].concat();
    let sampled = |options: &[&str]| place.run(&[&common[..], options, &[&*file]].concat());
    let expected = "_start 7\n_start;last 6\n_start;spin 22\n_start;spin;down 6\n\
        _start;spin;down;down 6\n_start;spin;down;down;down 6\n_start;down 6\n\
        _start;down;down 5\n_start;down;down;down 4\n_start;down;down;down;down 3\n\
        _start;down;down;down;down;down 2\n_start;down;down;down;down;down;down 1\n";
    let settings: [&[&str]; 7] = [
        &["--tier", "stack"],
        &["--tier", "stack", "--eager"],
        &["--tier", "register"],
        &["--tier", "jit"],
        &["--tier", "tiered", "--tier-up", "1"],
        &["--tier", "tiered", "--tier-up", "2"],
        &["--tier", "tiered", "--tier-up", "4"],
    ];
    for options in settings {
        let ended = sampled(options);
        if ended.code == 3 {
            assert_told_why();
            continue;
        }
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{options:?}");
        assert_eq!(ended.stdout, expected, "{options:?}");
    }
}

/// A start function is sampled as all others are, and its time is not that of instantiation.
#[test]
fn a_start_function_is_sampled() {
    let place = Place::new();
    let file = place.file(
        "start.wat",
        r#"(module
          (func $f)
          (func $start (local i32)
            (loop
              (call $f)
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if 0 (i32.lt_u (local.get 0) (i32.const 4)))))
          (start $start)
          (func (export "_start") (call $f)))"#,
    );
    for tier in ["--tier=stack", "--tier=register"] {
        let write = "--profile-write=folded=-";
        let run = [
            "run",
            "--profile=times",
            "--profile-interval=0s",
            write,
            tier,
        ];
        let ended = place.run(&[&run[..], &[&*file]].concat());
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{tier}");
        let expected = "start 5\nstart;f 4\n_start 1\n_start;f 1\n";
        assert_eq!(ended.stdout, expected, "{tier}");
    }
}

/// The functions of a suite have times in each tier; a file with a hang is measured but for that,
/// and what is left out is listed with its reason.
#[test]
fn a_suite_has_times_of_functions_and_says_what_is_left_out() {
    let place = Place::new();
    let hangs = r#"(module
        (func $inner (loop))
        (func (export "f") (call $inner) (call $inner))
        (func (export "hang") (loop (br 0))))
      (assert_return (invoke "f"))
      (invoke "hang")
      (assert_return (invoke "f"))"#;
    place.file("s/a.wast", hangs);
    place.file(
        "s/t.wast",
        ";;! threads = true\n\
         (module $m (memory (export \"shared\") 1 1 shared))\n\
         (thread $t (shared (module $m))\n\
           (assert_invalid (module (func (br 7))) \"unknown label\"))\n\
         (wait $t)",
    );
    let folder = place.path("s").to_string_lossy().into_owned();
    let json = place.path("profile.json");
    let write = format!("--profile-write=json={}", json.display());
    let options = ["--profile", "--profile-interval=0s", "--timeout=1s", &write];
    let (ended, _) = place.spec_in("stack,register", &[&options[..], &[&*folder]].concat());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let text = std::fs::read_to_string(json).expect("it is written");
    let profile: Value = serde_json::from_str(&text).expect("it is JSON");
    let functions = profile["functions"].as_array().expect("rows").iter();
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().expect("a text").to_string();
        let number = |key: &str| row[key].as_u64().expect("a number");
        let samples = [number("own_samples"), number("total_samples")];
        (text("engine"), text("file"), text("name"), samples)
    };
    let mut functions: Vec<_> = functions.map(row).collect();
    functions.sort();
    // A sample at the entry of `f`, and two in `inner` in each of its calls, twice.
    let expected = ["register", "stack"].map(|engine| {
        ["f", "inner"].map(|name| {
            let samples = if name == "f" { [2, 10] } else { [8, 8] };
            let [engine, file, name] = [engine, "a.wast", name].map(str::to_string);
            (engine, file, name, samples)
        })
    });
    assert_eq!(functions, expected.concat());
    let left_out = |file: &str, directives: u64, reason: &str| {
        let (file, reason) = (Value::from(file), Value::from(reason));
        serde_json::json!({"file": file, "directives": directives, "reason": reason})
    };
    let expected = serde_json::json!([
        left_out(
            "a.wast",
            1,
            "did not end by itself in some engine, or was not run there"
        ),
        left_out(
            "t.wast",
            4,
            "threads: what runs at the same time cannot be told apart"
        ),
    ]);
    assert_eq!(profile["left_out"], expected);
    assert_eq!(profile["files"][0]["directives"], 3);
}

/// Times and counts of one run: sums that fit each other, a host function's calls apart.
#[test]
fn a_profile_has_times_and_counts() {
    let place = Place::new();
    let file = place.file(
        "program.wat",
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "\10\00\00\00\03\00\00\00hi\n")
          (func $line (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0))))
          (func (export "_start") (local i32)
            (loop
              (call $line)
              (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if 0 (i32.lt_u (local.get 0) (i32.const 3))))))"#,
    );
    let json = place.path("profile.json");
    let write = format!("--profile-write=json={}", json.display());
    let run = [
        "run",
        "--tier=register",
        "--profile",
        "--profile-interval=0s",
    ];
    let ended = place.run(&[&run[..], &[&*write, &*file]].concat());
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    // What is counted does not print again.
    assert_eq!(ended.stdout, "hi\nhi\nhi\n");
    let text = std::fs::read_to_string(json).expect("it is written");
    let profile: Value = serde_json::from_str(&text).expect("it is JSON");
    let (times, counts) = (&profile["times"], &profile["counts"]);
    let rows = |of: &Value, key: &str, value: &str| -> Vec<(String, u64)> {
        let rows = of.as_array().expect("rows").iter();
        let row = |row: &Value| {
            let number = row[value].as_u64().expect("a number");
            (row[key].as_str().expect("a name").to_string(), number)
        };
        let mut rows: Vec<(String, u64)> = rows.map(row).collect();
        rows.sort();
        rows
    };
    let named = |names: [(&str, u64); 2]| names.map(|(name, n)| (name.to_string(), n));
    let functions = &times["functions"];
    assert_eq!(times["samples"], 7);
    let own = named([("_start", 4), ("line", 3)]);
    assert_eq!(rows(functions, "name", "own_samples"), own);
    let total = named([("_start", 7), ("line", 3)]);
    assert_eq!(rows(functions, "name", "total_samples"), total);
    let own_times: u64 = rows(functions, "name", "own").iter().map(|it| it.1).sum();
    assert_eq!(times["code"], own_times);
    assert_eq!(
        rows(&times["tiers"], "tier", "samples"),
        [("register".to_string(), 7)]
    );
    assert_eq!(
        rows(&times["tiers"], "tier", "translated"),
        [("register".to_string(), 2)]
    );
    assert_eq!(
        rows(&times["hosts"], "name", "calls"),
        [("fd_write".to_string(), 3)]
    );
    assert_eq!(
        rows(&counts["functions"], "name", "calls"),
        named([("_start", 1), ("line", 3)])
    );
}

/// A perf map names all functions of compiled code, each at addresses of its own.
#[test]
fn a_perf_map_names_compiled_functions() {
    let place = Place::new();
    let file = place.file("calls.wat", CALLS);
    let mut command = place.command(&["run", "--tier=jit", "--perf-map", &file]);
    let mut child = command.spawn().expect("the program starts");
    let map = PathBuf::from(format!("/tmp/perf-{}.map", child.id()));
    let code = child.wait().expect("it ends").code();
    if code == Some(3) {
        assert_told_why();
        return;
    }
    assert_eq!(code, Some(0));
    let text = std::fs::read_to_string(&map).expect("a map is written");
    std::fs::remove_file(&map).expect("it is there");
    let mut ranges = Vec::new();
    let mut names = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (start, bytes) = (number().expect("hex"), number().expect("hex"));
        assert!(bytes > 0, "{line}");
        ranges.push(start..start + bytes);
        names.push(parts.next().expect("a name").to_string());
    }
    ranges.sort_by_key(|range| range.start);
    assert!(
        ranges.windows(2).all(|it| it[0].end <= it[1].start),
        "{text}"
    );
    for name in ["_start", "down", "last", "spin"] {
        assert!(names.contains(&format!("wasm {name}")), "{text}");
    }
    let refused = place.run(&["run", "--tier=register", "--perf-map", &file]);
    refused.is_refused(&["--perf-map", "register"]);
}
