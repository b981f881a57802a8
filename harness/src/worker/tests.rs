//! Scripts run in-process, directive by directive, up to the judge.

use super::*;
use crate::features::FeatureSet;
use crate::judge::judge;
use crate::judge::verdict::Status;
use crate::outcome::{JudgedBy, Outcome, Place, StateHash};
use crate::protocol::{Bounds, Profile};
use crate::script::Script;
use crate::script::parse::parse_script;
use crate::suite::conventions::Conventions;

fn run_script(script: &Script, excluded: &[u32]) -> JobResult {
    run_with(script, excluded, Profile::Deterministic)
}

fn run_with(script: &Script, excluded: &[u32], profile: Profile) -> JobResult {
    run_configured(script, excluded, JobConfig { profile, ..CONFIG })
}

fn run_configured(script: &Script, excluded: &[u32], config: JobConfig) -> JobResult {
    let cell = Cell::create().expect("a cell");
    let job = Job {
        sequence: 1,
        path: "t.wast".into(),
        commands: (&script.commands[..]).into(),
        config,
        excluded: excluded.into(),
    };
    run_job(Tier::Stack, &cell, &job)
}

/// How most scripts run here.
const CONFIG: JobConfig = JobConfig {
    hash_state: true,
    show_state: true,
    ..JobConfig::plain(FeatureSet::EXECUTED)
};

fn run(text: &str) -> Vec<Report> {
    run_script(&parse_script("t.wast", text), &[]).reports
}

fn outcomes(text: &str) -> Vec<Outcome> {
    run(text).into_iter().map(|report| report.outcome).collect()
}

/// Every directive must pass.
fn check_passes(text: &str) {
    let script = parse_script("t.wast", text);
    for (directive, report) in script
        .directives
        .iter()
        .zip(run_script(&script, &[]).reports)
    {
        let verdict = judge(directive, &report.outcome);
        assert_eq!(
            verdict.status,
            Status::Pass,
            "line {}: {verdict:?}",
            directive.line
        );
    }
}

/// Imports find an instance by its `$name`, and a function that collects garbage, in scripts for
/// Wasmtime's runner, and in no other.
#[test]
fn scripts_for_other_runners_import_by_their_conventions() {
    let text = r#"
        (module $m (memory (export "mem") 1))
        (module (import "m" "mem" (memory 1))
          (func (export "f") (i32.store (i32.const 0) (i32.const 7))))
        (invoke "f")
        (module $reads
          (import "m" "mem" (memory 1))
          (import "wasmtime" "gc" (func $gc))
          (type $s (struct (field i32)))
          (func (export "read") (result i32) (local (ref null $s))
            (local.set 0 (struct.new $s (i32.load (i32.const 0))))
            (call $gc)
            (struct.get $s 0 (local.get 0))))
        (assert_return (invoke "read") (i32.const 7))
        (module $m)
        (assert_unlinkable (module (import "m" "mem" (memory 1))) "unknown import")
        (assert_unlinkable (module (import "wasmtime" "other" (func))) "unknown import")"#;
    let script = parse_script("t.wast", text);
    let statuses = |conventions| {
        let config = JobConfig {
            conventions,
            ..CONFIG
        };
        let reports = run_configured(&script, &[], config).reports;
        let pairs = script.directives.iter().zip(reports);
        let status = |(directive, report): (_, Report)| judge(directive, &report.outcome).status;
        pairs.map(status).collect::<Vec<_>>()
    };
    use Status::{Fail, Pass};
    assert_eq!(statuses(Conventions::Wasmtime), [Pass; 8]);
    let strict = [Pass, Fail, Fail, Fail, Fail, Pass, Pass, Pass];
    assert_eq!(statuses(Conventions::Spec), strict);
}

/// A NaN that an instruction makes is a choice of the native profile; one that is only passed on, a
/// number and a multiply-add of the deterministic profile are none.
#[test]
fn choices_are_told_in_the_native_profile() {
    let text = r#"
        (module
          (func (export "sub") (param f32 f32) (result i32)
            (i32.reinterpret_f32 (f32.sub (local.get 0) (local.get 1))))
          (func (export "min") (param f64 f64) (result i32)
            (i64.lt_s (i64.reinterpret_f64 (f64.min (local.get 0) (local.get 1))) (i64.const 0)))
          (func (export "neg") (param f32) (result f32) (f32.neg (local.get 0)))
          (func (export "ceil") (param v128) (result v128) (f64x2.ceil (local.get 0)))
          (func (export "madd") (param v128) (result v128)
            (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))
        (invoke "sub" (f32.const inf) (f32.const inf))
        (invoke "sub" (f32.const inf) (f32.const 1))
        (invoke "min" (f64.const nan) (f64.const 1))
        (invoke "min" (f64.const 2) (f64.const 1))
        (invoke "neg" (f32.const nan))
        (invoke "ceil" (v128.const f64x2 1 nan))
        (invoke "ceil" (v128.const f64x2 1 2))
        (invoke "madd" (v128.const f32x4 1 2 3 4))"#;
    let script = parse_script("t.wast", text);
    let told = |profile| -> Vec<bool> {
        let reports = run_with(&script, &[], profile).reports.into_iter().skip(1);
        reports.map(|report| report.took_choice).collect()
    };
    let native = [true, false, true, false, false, true, false, true];
    assert_eq!(told(Profile::Native), native);
    assert_eq!(told(Profile::Deterministic), [false; 8]);
}

#[test]
fn modules_instances_globals_and_registration() {
    check_passes(
        r#"
        (module $a (global (export "g") i32 (i32.const 7)))
        (assert_return (get "g") (i32.const 7))
        (register "A")
        (module $b (import "A" "g" (global i32)) (export "h" (global 0)))
        (assert_return (get "h") (i32.const 7))
        (assert_return (get $a "g") (i32.const 7))
        (module definition $d (global (export "x") (mut i64) (i64.const -1)))
        (module instance $i $d)
        (assert_return (get $i "x") (i64.const -1))
        (assert_return (get "x") (i64.const -1))
        (register "I" $i)
        (assert_unlinkable (module (import "A" "nothing" (global i32))) "unknown import")
        (assert_unlinkable (module (import "A" "g" (global i64))) "incompatible import type")
        (assert_unlinkable (module (import "A" "g" (func))) "incompatible import type")
        (assert_unlinkable (module (import "A" "g" (memory 0))) "incompatible import type")
        (assert_invalid (module (global i32 (i64.const 0))) "type mismatch")
        (assert_malformed (module binary "") "unexpected end")
        (assert_malformed (module quote "(func") "unexpected token")
        "#,
    );
}

#[test]
fn the_host_module_has_every_item_with_its_type() {
    check_passes(
        r#"
        (module
          (import "spectest" "global_i32" (global i32))
          (import "spectest" "global_i64" (global i64))
          (import "spectest" "global_f32" (global f32))
          (import "spectest" "global_f64" (global f64))
          (import "spectest" "table" (table 10 20 funcref))
          (import "spectest" "table64" (table i64 10 20 funcref))
          (import "spectest" "memory" (memory 1 2))
          (import "spectest" "print" (func))
          (import "spectest" "print_i32" (func (param i32)))
          (import "spectest" "print_i64" (func (param i64)))
          (import "spectest" "print_f32" (func (param f32)))
          (import "spectest" "print_f64" (func (param f64)))
          (import "spectest" "print_i32_f32" (func (param i32 f32)))
          (import "spectest" "print_f64_f64" (func (param f64 f64)))
          (export "i32" (global 0)) (export "i64" (global 1))
          (export "f32" (global 2)) (export "f64" (global 3)))
        (assert_return (get "i32") (i32.const 666))
        (assert_return (get "i64") (i64.const 666))
        (assert_return (get "f32") (f32.const 666.6))
        (assert_return (get "f64") (f64.const 666.6))
        (assert_unlinkable
          (module (import "spectest" "unknown" (func))) "unknown import")
        "#,
    );
}

#[test]
fn what_depends_on_a_missing_instance_is_not_run() {
    let found = outcomes(
        r#"
        (module $a (global (export "g") i32 (i32.const 7)))
        (module $b (import "spectest" "nothing" (func)))
        (get "g")
        (get $b "g")
        (register "B" $b)
        (module $c (import "B" "g" (global i32)))
        (get "g")
        (get $a "g")
        (get $zzz "g")
        (get $a "zzz")
        "#,
    );
    let because = "no instance: unlinkable: unknown import \"spectest\" \"nothing\"".to_string();
    let missing = Outcome::MissingInstance(because);
    assert!(matches!(found[1], Outcome::Unlinkable(_)));
    for index in [2, 3, 4, 5, 6] {
        assert_eq!(found[index], missing, "directive {index}");
    }
    assert_eq!(
        found[7],
        Outcome::Values(vec![crate::outcome::Value::I32(7)])
    );
    assert!(matches!(found[8], Outcome::HostError(_)));
    assert!(matches!(found[9], Outcome::HostError(_)));
}

#[test]
fn a_name_that_the_script_has_not_given_is_one_kind_of_error() {
    let found = outcomes(
        r#"(module $a (func (export "f")))
        (invoke $zzz "f") (get $zzz "g") (register "m" $zzz) (module instance $i $zzz)
        (wait $zzz) (thread $t (shared (module $zzz)))"#,
    );
    for (index, found) in found[1..].iter().enumerate() {
        let Outcome::HostError(message) = found else {
            panic!("directive {}: {found:?}", index + 1);
        };
        let known = message.starts_with("there is no ") && message.ends_with(" $zzz");
        assert!(known, "{message}");
    }
}

#[test]
fn limits_of_the_validator_are_no_grounds_of_an_assertion() {
    let locals = format!("(module (func (local{})))", " i32".repeat(50_001));
    let params = format!("(module (type (func (param{}))))", " i32".repeat(1_001));
    let text = format!(
        "{locals} (assert_invalid {locals} \"\") (assert_malformed {locals} \"\")
        {params} (assert_invalid {params} \"\") (assert_malformed {params} \"\")"
    );
    let script = parse_script("t.wast", &text);
    let reports = run_script(&script, &[]).reports;
    assert_eq!(reports.len(), 6);
    for (directive, report) in script.directives.iter().zip(reports) {
        let verdict = judge(directive, &report.outcome);
        let kind = directive.kind;
        assert_eq!(verdict.detail, "ended as limit", "{kind:?}: {verdict:?}");
    }
}

#[test]
fn an_unreadable_module_hides_the_one_before_it() {
    let text = r#"(module (global (export "g") i32 (i32.const 7))) (module $x (oops)) (get "g")"#;
    let found = outcomes(text);
    assert!(matches!(found[1], Outcome::Unsupported(_)));
    assert!(matches!(found[2], Outcome::MissingInstance(_)));
}

#[test]
fn an_excluded_directive_takes_along_what_depends_on_it_and_nothing_else() {
    let text = r#"(module $a (global (export "g") i32 (i32.const 7)))
        (module $b (global (export "g") i32 (i32.const 8)))
        (get "g") (get $a "g")"#;
    let script = parse_script("t.wast", text);
    let result = run_script(&script, &[1]);
    let found: Vec<Outcome> = result
        .reports
        .into_iter()
        .map(|report| report.outcome)
        .collect();
    assert!(matches!(found[1], Outcome::NotRun(_)));
    assert_eq!(found[2], Outcome::Blocked(1));
    assert_eq!(
        found[3],
        Outcome::Values(vec![crate::outcome::Value::I32(7)])
    );
}

#[test]
fn traps_and_exceptions_say_where_they_came_from() {
    let reports = run(r#"(module $m (tag $t) (table funcref (elem $deep))
          (func $trap (unreachable)) (func (export "trap") (call $trap))
          (func (export "throw") (throw $t)) (func $deep (export "deep") (call $deep)))
        (invoke "trap") (invoke "throw") (invoke "deep") (invoke "none")
        (module (func $start (unreachable)) (start $start))"#);
    let funcs = |report: &Report| -> Vec<u32> {
        let has_offset = |place: &Place| place.offset_bytes.is_some();
        assert!(report.trace.iter().flatten().all(has_offset), "{report:?}");
        report
            .trace
            .iter()
            .flatten()
            .map(|place| place.func)
            .collect()
    };
    let funcs: Vec<Vec<u32>> = reports.iter().map(funcs).collect();
    let expected: [&[u32]; 6] = [&[], &[0, 1], &[2], &[], &[], &[0]];
    assert_eq!(funcs, expected);
}

#[test]
fn states_differ_exactly_where_the_store_does() {
    let state = |text: &str| {
        let reports = run(text);
        reports.last().expect("a report").state.expect("a state")
    };
    let base = state("(module (memory 1) (global i32 (i32.const 1)) (table 1 funcref))");
    let same = state("(module (memory 1) (global i32 (i32.const 1)) (table 1 funcref))");
    assert_eq!(base, same);
    let memory = state(
        "(module (memory 1) (data (i32.const 9) \"x\") (global i32 (i32.const 1))
            (table 1 funcref))",
    );
    assert_ne!(base.memories, memory.memories);
    assert_eq!((base.globals, base.tables), (memory.globals, memory.tables));
    let size = state("(module (memory 2) (global i32 (i32.const 1)) (table 1 funcref))");
    assert_ne!(base.memories, size.memories);
    let global = state("(module (memory 1) (global i32 (i32.const 2)) (table 1 funcref))");
    assert_ne!(base.globals, global.globals);
    assert_eq!(
        (base.memories, base.tables),
        (global.memories, global.tables)
    );
    let table = state("(module (memory 1) (global i32 (i32.const 1)) (table 2 funcref))");
    assert_ne!(base.tables, table.tables);
}

/// A fault in one place of a large state is found, wherever the place is, by the sort of state that
/// it is in.
#[test]
fn no_place_of_a_large_state_is_left_out() {
    let text = |place: u64, value: i32| {
        format!(
            r#"(module
              (memory 16) (memory i64 0x1_0000) (table 1_000_000 funcref)
              (global (mut i64) (i64.const 0))
              (func $f) (func $g) (elem declare func $f $g)
              (func (export "memory") (param i64 i32)
                (i32.store8 1 (local.get 0) (local.get 1)))
              (func (export "table") (param i64 i32)
                (table.set (i32.wrap_i64 (local.get 0))
                  (select (result funcref) (ref.func $f) (ref.func $g) (local.get 1)))))
            (invoke "memory" (i64.const {place}) (i32.const {value}))
            (invoke "table" (i64.const {}) (i32.const {value}))
            (invoke "memory" (i64.const 0) (i32.const 1))"#,
            place % 1_000_000
        )
    };
    let states = |place, value| -> Vec<StateHash> {
        let reports = run(&text(place, value));
        let state = |report: &Report| report.state.unwrap_or_else(|| panic!("{report:?}"));
        reports.iter().map(state).collect()
    };
    for place in [1, 0x7fff_0001, 0xffff_ffff] {
        let [one, two] = [1, 0].map(|value| states(place, value));
        assert_ne!(one[1].memories, two[1].memories, "{place:#x}");
        assert_eq!(one[1].tables, two[1].tables);
        assert_ne!(one[2].tables, two[2].tables, "{place:#x}");
        assert_eq!(one, states(place, 1));
        assert_ne!(one[3], states((place + 1) & 0xffff_ffff, 1)[3]);
        assert_ne!(one[3].memories, one[2].memories);
    }
}

/// Of a large shared memory, too, only what has been touched is read: byte by byte, all of it would
/// take minutes here.
#[test]
fn a_large_shared_memory_is_read_where_it_was_touched() {
    let states = |place: u32| -> Vec<StateHash> {
        let reports = run(&format!(
            r#"(module (memory 0x1_0000 0x1_0000 shared)
              (func (export "store") (i32.store8 (i32.const {place}) (i32.const 1))))
            (invoke "store") (invoke "store")"#
        ));
        let state = |report: &Report| report.state.unwrap_or_else(|| panic!("{report:?}"));
        reports.iter().map(state).collect()
    };
    let (low, high) = (states(1), states(0xffff_ffff));
    assert_eq!(low[0], high[0]);
    assert_ne!(low[0].memories, low[1].memories);
    assert_ne!(low[1].memories, high[1].memories);
    assert_eq!(high[1], high[2]);
}

/// A payload is found through whatever holds its exception, and so is who is the same object.
#[test]
fn objects_are_compared_by_what_they_are() {
    let script = |payload: i32, second: &str, element: &str| {
        format!(
            r#"(module
              (tag $t (param i32 i64))
              (global $a (mut exnref) (ref.null exn)) (global $b (mut exnref) (ref.null exn))
              (table 9 exnref)
              (func $make (param i32) (result exnref) (local exnref)
                (block (result i32 i64 exnref)
                  (try_table (catch_ref $t 0) (throw $t (local.get 0) (i64.const 7)))
                  (unreachable))
                (local.set 1) (drop) (drop) (local.get 1))
              (func (export "run")
                (global.set $a (call $make (i32.const {payload})))
                (global.set $b {second})
                (table.set (i32.const 5) (global.get {element}))))
            (invoke "run")"#
        )
    };
    let make = "(call $make (i32.const 1))";
    let state_of = |payload, second: &str, element: &str| {
        let report = run(&script(payload, second, element))
            .pop()
            .expect("a report");
        assert_eq!(report.outcome, Outcome::Values(vec![]));
        report.state.expect("it is taken")
    };
    let state = |payload, second: &str| state_of(payload, second, "$a");
    let two = state(1, make);
    assert_eq!(two, state(1, make), "wherever the objects are");
    let (other, one) = (state(2, make), state(1, "(global.get $a)"));
    assert_ne!(two.objects, other.objects, "another payload");
    assert_ne!(two.objects, one.objects, "one object in the place of two");
    let exchanged = state_of(1, make, "$b");
    assert_ne!(two.objects, exchanged.objects, "the other of two alike");
    assert_eq!((two.globals, two.tables), (one.globals, one.tables));
}

/// A field of a structure in a ring, which no walk must follow for ever.
#[test]
fn a_field_behind_a_global_is_part_of_the_state() {
    let states = |value: i32| -> Vec<StateHash> {
        let reports = run(&format!(
            r#"(module
              (type $n (struct (field (mut (ref null $n))) (field (mut i8))))
              (global $g (mut (ref null $n)) (ref.null $n))
              (func (export "ring")
                (global.set $g (struct.new $n (ref.null $n) (i32.const 1)))
                (struct.set $n 0 (global.get $g)
                  (struct.new $n
                    (struct.new $n (global.get $g) (i32.const 3)) (i32.const 2))))
              (func (export "set") (param i32)
                (struct.set $n 1
                  (struct.get $n 0 (struct.get $n 0 (global.get $g))) (local.get 0))))
            (invoke "ring")
            (invoke "set" (i32.const {value}))"#
        ));
        reports
            .iter()
            .map(|report| report.state.unwrap_or_default())
            .collect()
    };
    let (three, four) = (states(3), states(4));
    assert_eq!(three[1], three[2], "it was 3 before");
    assert_eq!(three[1], four[1]);
    assert_ne!(three[2].objects, four[2].objects);
    assert_eq!(three[2].globals, four[2].globals);
}

#[test]
fn a_segment_into_an_imported_memory_changes_the_state() {
    let reports = run(r#"(module (memory (export "m") 1)) (register "M")
        (module (import "M" "m" (memory 1)) (data (i32.const 0) "x"))
        (module (import "M" "m" (memory 1)) (data (i32.const 0) "x"))"#);
    let states: Vec<_> = reports.iter().map(|report| report.state).collect();
    assert_ne!(states[0], states[2]);
    assert_eq!(states[2], states[3]);
}

#[test]
fn an_indirect_call_into_another_instance_changes_its_state() {
    let reports = run(r#"
        (module (table (export "t") 1 funcref) (global $g (mut i32) (i32.const 0)) (memory 1)
          (type $v (func))
          (func $store (i32.store (i32.const 0) (i32.const 1)))
          (func (export "pure") (result i32) (i32.const 1))
          (func (export "set") (global.set $g (i32.const 1)))
          (elem (i32.const 0) $store))
        (register "A")
        (module (import "A" "t" (table 1 funcref)) (type $v (func))
          (func (export "go") (call_indirect (type $v) (i32.const 0))))
        (invoke "go")
        (module (import "A" "pure" (func $pure (result i32)))
          (func (export "go") (drop (call $pure))))
        (invoke "go")
        "#);
    let states: Vec<_> = reports
        .iter()
        .map(|report| report.state.unwrap_or_default())
        .collect();
    assert!(
        reports
            .iter()
            .all(|it| matches!(it.outcome, Outcome::Done | Outcome::Values(_)))
    );
    assert_eq!(states[2].globals, states[3].globals);
    assert_ne!(states[2].memories, states[3].memories);
    assert_eq!(states[4], states[5]);
}

#[test]
fn calls_change_the_state_as_their_code_says() {
    let reports = run(r#"
        (module (memory 1) (global $g (mut i32) (i32.const 0)) (table 2 funcref)
          (func $f (export "load") (result i32) (i32.load (i32.const 0)))
          (func (export "store") (i32.store (i32.const 0) (i32.const 1)))
          (func (export "set") (global.set $g (i32.const 1)))
          (func (export "grow") (result i32) (memory.grow (i32.const 1)))
          (func (export "put") (table.set (i32.const 1) (ref.func $f))))
        (invoke "load") (invoke "store") (invoke "set") (invoke "grow") (invoke "put")
        (invoke "load")
        "#);
    let states: Vec<_> = reports
        .iter()
        .map(|report| report.state.expect("a state"))
        .collect();
    assert_eq!(states[0], states[1]);
    assert_ne!(states[1].memories, states[2].memories);
    assert_eq!(
        (states[1].globals, states[1].tables),
        (states[2].globals, states[2].tables)
    );
    assert_ne!(states[2].globals, states[3].globals);
    assert_ne!(states[3].memories, states[4].memories);
    assert_ne!(states[4].tables, states[5].tables);
    assert_eq!(states[5], states[6]);
}

#[test]
fn jobs_are_served_over_streams_and_the_cell_says_when_none_runs() {
    let cell = Cell::create().expect("a cell");
    let script = parse_script(
        "t.wast",
        "(module) (assert_malformed (module quote \"(\") \"\")",
    );
    let config = JobConfig {
        bounds: Bounds::Explicit,
        ..JobConfig::plain(FeatureSet::EXECUTED)
    };
    let mut input = Vec::new();
    for sequence in [1, 2] {
        let job = Job {
            sequence,
            path: "t.wast".into(),
            commands: (&script.commands[..]).into(),
            config,
            excluded: (&[][..]).into(),
        };
        write_frame(&mut input, &ToWorker::Job(job)).expect("written");
    }
    write_frame(&mut input, &ToWorker::Stop).expect("written");
    let mut output = Vec::new();
    serve(Tier::Stack, &cell, &mut &input[..], &mut output).expect("served");
    let mut output = &output[..];
    let ready = read_frame::<FromWorker>(&mut output).expect("a frame");
    assert!(matches!(
        ready,
        FromWorker::Ready {
            tier: Tier::Stack,
            ..
        }
    ));
    for sequence in [1, 2] {
        let Ok(FromWorker::Result(result)) = read_frame(&mut output) else {
            panic!("a result");
        };
        assert_eq!((result.sequence, result.reports.len()), (sequence, 2));
        let refused = &result.reports[1].outcome;
        assert!(matches!(
            refused,
            Outcome::Malformed {
                by: JudgedBy::Parser,
                ..
            }
        ));
        assert_eq!(result.reports[0].state, None);
    }
    assert!(output.is_empty());
    assert_eq!((cell.read().sequence, cell.read().ordinal), (2, None));
}

/// Two threads on a memory of the script's.
const THREADS: &str = r#"
    (module $Mem (memory (export "shared") 1 1 shared) (func (export "f")))
    (thread $T1 (shared (module $Mem))
      (register "mem" $Mem)
      (module
        (memory (import "mem" "shared") 1 10 shared)
        (func (export "run") (result i32)
          (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
      (assert_return (invoke "run") (i32.const 0)))
    (thread $T2 (shared (module $Mem))
      (register "mem" $Mem)
      (module
        (memory (import "mem" "shared") 1 1 shared)
        (func (export "notify")
          (loop (br_if 0 (i32.eqz (memory.atomic.notify (i32.const 0) (i32.const 1))))))
        (func (export "store") (i32.store (i32.const 8) (i32.const 7))))
      (thread $Inner (module (func (export "f") (result i32) (i32.const 3)))
        (assert_return (invoke "f") (i32.const 3)))
      (assert_return (invoke "notify"))
      (wait $Inner)
      (invoke "store")
      (assert_unlinkable (module (import "mem" "f" (func))) "unknown import"))
    (module (memory 1) (func (export "set") (i32.store (i32.const 0) (i32.const 1))))
    (invoke "set")
    (wait $T1)
    (wait $T2)
    (register "mem" $Mem)
    (module
      (memory (import "mem" "shared") 1 1 shared)
      (func (export "get") (result i32) (i32.load (i32.const 8))))
    (assert_return (invoke "get") (i32.const 7))
"#;

#[test]
fn threads_of_a_script_run_at_the_same_time_and_share_memories() {
    for _ in 0..20 {
        check_passes(THREADS);
    }
}

/// Every directive of a thread has its report, whether it ran or could not; and what threads share
/// is no part of the state.
#[test]
fn directives_of_threads_are_accounted_for() {
    let script = parse_script("t.wast", THREADS);
    let result = run_script(&script, &[]);
    assert_eq!(result.reports.len(), script.commands.len());
    assert_eq!(result.proof.functions, 1 + 1 + 2 + 1 + 1 + 1);
    let same = (0..10).map(|_| run_script(&script, &[]).reports);
    assert!(same.into_iter().all(|reports| reports == result.reports));
    // The second thread is left out, and then the first's waiting.
    let of_kind = |kind| {
        (0u32..)
            .zip(&script.directives)
            .filter(move |it| it.1.kind == kind)
    };
    let second = of_kind(crate::script::Kind::Thread)
        .nth(1)
        .expect("it is there")
        .0;
    let waits = of_kind(crate::script::Kind::AssertReturn)
        .next()
        .expect("it is there")
        .0;
    let reports = run_script(&script, &[waits, second]).reports;
    let left_out = Outcome::NotRun("left out".to_string());
    let blocked = Outcome::Blocked(second);
    let nested = reports[second as usize + 1..].iter();
    let nested = nested.take_while(|report| report.outcome == blocked);
    assert_eq!(nested.count(), 9, "{reports:?}");
    assert_eq!(reports[waits as usize].outcome, left_out);
    assert_eq!(reports[1].outcome, Outcome::Done);
    let of = |outcome: &Outcome| reports.iter().filter(|it| it.outcome == *outcome).count();
    assert_eq!((of(&left_out), of(&blocked)), (2, 10));
    // What other threads have left in a shared memory lacks their effects.
    assert!(reports[reports.len() - 1].lacks.is_some(), "{reports:?}");
}

/// What reads a state says so if a directive was left out that can have changed it; what was left
/// out and changes nothing is no reason.
#[test]
fn lacking_effects_are_told() {
    let text = r#"(module $a (global $g (mut i32) (i32.const 0))
          (func (export "set") (global.set $g (i32.const 1)))
          (func (export "get") (result i32) (global.get $g)))
        (module $b (memory 1) (func (export "pure") (result i32) (i32.const 1)))
        (invoke $a "get") (invoke $a "set") (invoke $a "get") (invoke $b "pure")
        (invoke $b "pure")"#;
    let script = parse_script("t.wast", text);
    let lacks = |excluded: &[u32]| -> Vec<Option<u32>> {
        let reports = run_script(&script, excluded).reports.into_iter();
        reports.skip(4).map(|report| report.lacks).collect()
    };
    assert_eq!(lacks(&[2]), [None; 3], "reading changes nothing");
    assert_eq!(
        lacks(&[3]),
        [Some(3), None, None],
        "another store is not concerned"
    );
    assert_eq!(lacks(&[5]), [None; 3]);
}
