//! Differences of a column that runs modules with a fault in them, in this process: the explanation
//! names the instruction that is falsified, and what comes of it first.

use std::sync::mpsc::channel;
use std::time::Duration;

use wasmparser::{Operator, Parser, Payload};

use super::case::Case;
use super::column::Column;
use super::snapshot::{MemoryImage, snapshot};
use super::{Difference, DifferenceKind, first_difference};
use crate::engine::EngineName;
use crate::features::FeatureSet;
use crate::outcome::Value;
use crate::pool::{Cause, Death, Launcher, Session, StartError};
use crate::protocol::cell::Cell;
use crate::protocol::{Job, JobConfig, JobResult};
use crate::script::parse::parse_script;
use crate::script::{Command, ModuleSource};
use crate::tier::Tier;
use crate::worker;

/// What an engine does at a falsified instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It runs another one.
    Other,
    /// It dies.
    Crash,
    /// It reads another byte in the segments of modules.
    Segment,
    /// It runs it truly, and tells another place if it traps there.
    Misplaced,
}

/// The byte of an instruction to replace, counted from its beginning, and the new byte.
type Falsify = fn(&Operator<'_>) -> Option<(usize, u8)>;

#[derive(Clone, Copy)]
struct Fault {
    falsify: Falsify,
    effect: Effect,
    /// True if the fault is not there in code with probes.
    is_shy: bool,
}

const NO_FAULT: Fault = Fault {
    falsify: |_| None,
    effect: Effect::Other,
    is_shy: false,
};

/// A tier in this process, with a fault.
struct InProcess {
    tier: Tier,
    fault: Fault,
}

impl Launcher for InProcess {
    fn start(&self) -> Result<Box<dyn Session>, StartError> {
        Ok(Box::new(InProcess {
            tier: self.tier,
            fault: self.fault,
        }))
    }
}

impl Session for InProcess {
    fn run(&mut self, job: Job<'_>, timeout: Duration) -> Result<JobResult, Death> {
        let mut commands = job.commands.to_vec();
        let mut faults = Vec::new();
        for command in &mut commands {
            if let Command::Module { module, .. } | Command::ModuleDefinition { module, .. } =
                command
                && let ModuleSource::Binary(bytes) = module
            {
                faults.extend(falsify(bytes, self.fault));
            }
        }
        let (tier, config) = (self.tier, job.config);
        let (send, receive) = channel();
        let body = move || {
            let cell = Cell::create().expect("a cell");
            let job = Job {
                sequence: 1,
                path: "t".into(),
                commands: commands.into(),
                config,
                excluded: Vec::new().into(),
            };
            // Nobody listens after a time-out.
            let _ = send.send(worker::run_job(tier, &cell, &job));
        };
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        thread.spawn(body).expect("a thread");
        let Ok(mut result) = receive.recv_timeout(timeout) else {
            return Err(Death {
                ordinal: None,
                cause: Cause::Timeout(None),
            });
        };
        for (report, ordinal) in result.reports.iter_mut().zip(0..) {
            let first = report.trace.as_mut().and_then(|trace| trace.first_mut());
            let Some(offset) = first.and_then(|place| place.offset_bytes.as_mut()) else {
                continue;
            };
            if !faults.contains(&(*offset as usize)) {
                continue;
            }
            match self.fault.effect {
                Effect::Other | Effect::Segment => {}
                Effect::Misplaced => *offset += 1,
                Effect::Crash => {
                    let cause = Cause::Crash("signal 11".to_string());
                    let ordinal = Some(ordinal);
                    return Err(Death { ordinal, cause });
                }
            }
        }
        Ok(result)
    }
}

/// Replaces instructions of a module; gives where they are.
fn falsify(bytes: &mut [u8], fault: Fault) -> Vec<usize> {
    let has_probes = bytes.windows(7).any(|it| it == b"explain");
    if fault.is_shy && has_probes {
        return Vec::new();
    }
    if fault.effect == Effect::Segment
        && let Some(at) = bytes.windows(3).position(|it| it == b"abc")
    {
        bytes[at + 1] = b'x';
    }
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CodeSectionEntry(body) = payload.expect("valid") {
            let mut reader = body.get_operators_reader().expect("valid");
            while !reader.eof() {
                let (operator, offset) = reader.read_with_offset().expect("valid");
                if let Some((at, byte)) = (fault.falsify)(&operator) {
                    found.push((offset as usize, at, byte));
                }
            }
        }
    }
    for &(offset, at, byte) in &found {
        if fault.effect != Effect::Misplaced {
            bytes[offset + at] = byte;
        }
    }
    found.into_iter().map(|(offset, _, _)| offset).collect()
}

const CONFIG: JobConfig = JobConfig {
    hash_state: true,
    ..JobConfig::plain(FeatureSet::EXECUTED)
};

/// The explanation of the last directive of a script, and where the fault is in its module, by the
/// ordinal of the directive and the byte.
fn explain(script: &str, fault: Fault, config: JobConfig) -> (Option<Difference>, Vec<(u32, u32)>) {
    explain_in(script, fault, config, Duration::from_secs(60))
}

/// The same, where a directive may take some time.
fn engines(fault: Fault) -> [InProcess; 2] {
    [
        InProcess {
            tier: Tier::Stack,
            fault: NO_FAULT,
        },
        InProcess {
            tier: Tier::Register,
            fault,
        },
    ]
}

fn columns(engines: &[InProcess; 2], timeout: Duration) -> [Column<'_>; 2] {
    [
        Column::new(EngineName::STACK, &engines[0], timeout),
        Column::new(EngineName::REGISTER, &engines[1], timeout),
    ]
}

fn explain_in(
    script: &str,
    fault: Fault,
    config: JobConfig,
    timeout: Duration,
) -> (Option<Difference>, Vec<(u32, u32)>) {
    let script = parse_script("t.wast", script);
    let mut places = Vec::new();
    for (command, ordinal) in script.commands.iter().zip(0..) {
        let (Command::Module { module, .. } | Command::ModuleDefinition { module, .. }) = command
        else {
            continue;
        };
        let ModuleSource::Binary(bytes) = module else {
            panic!("{module:?}");
        };
        let found = falsify(&mut bytes.clone(), fault);
        places.extend(found.into_iter().map(|offset| (ordinal, offset as u32)));
    }
    let engines = engines(fault);
    let mut columns = columns(&engines, timeout);
    let case = Case::new(&script.commands, script.commands.len() - 1, config);
    let found = first_difference(&mut columns, &case).expect("the engines run");
    (found.map(|(difference, _)| difference), places)
}

/// The explanation of a fault, which must name the one instruction that is falsified.
fn pinned(script: &str, falsify: Falsify) -> Difference {
    let effect = Effect::Other;
    pinned_by(script, falsify, effect)
}

fn pinned_by(script: &str, falsify: Falsify, effect: Effect) -> Difference {
    let fault = Fault {
        falsify,
        effect,
        is_shy: false,
    };
    pinned_of(explain(script, fault, CONFIG))
}

fn pinned_of((found, places): (Option<Difference>, Vec<(u32, u32)>)) -> Difference {
    let found = found.expect("a difference");
    let place = (found.module, found.offset_bytes);
    let [(module, offset)] = places[..] else {
        panic!("{places:?}");
    };
    assert_eq!(place, (Some(module), Some(offset)), "{found:#?}");
    assert!(found.is_exact, "{found:#?}");
    assert_eq!(found.note, None);
    found
}

/// Replaces `i32.add` by `i32.sub`.
fn add_to_sub(operator: &Operator<'_>) -> Option<(usize, u8)> {
    matches!(operator, Operator::I32Add).then_some((0, 0x6b))
}

use DifferenceKind::{Ending, Global, Local, Memory, Object, Operand, Path, Table, TrapPlace};

fn check(found: &Difference, kind: DifferenceKind, what: &str, values: [&str; 2]) {
    assert_eq!(
        (found.kind, found.what.as_str(), found.values.each_ref()),
        (kind, what, values.map(ToString::to_string).each_ref()),
        "{found:#?}"
    );
}

#[test]
fn the_result_of_an_instruction() {
    let found = pinned(
        r#"(module (func (export "f") (param i32 i32) (result i32)
            (i32.mul (i32.xor (local.get 0) (i32.const 1))
              (i32.add (local.get 1) (i32.const 2)))))
        (invoke "f" (i32.const 3) (i32.const 4))"#,
        add_to_sub,
    );
    let values = ["i32:0x00000006", "i32:0x00000002"];
    check(&found, Operand, "the operand on top", values);
    assert_eq!(found.mnemonic.as_deref(), Some("i32.add"));
    assert_eq!((found.func, found.arrival), (Some(0), Some(1)));
}

#[test]
fn a_local() {
    let found = pinned(
        r#"(module (func (export "f") (param i32) (result i32) (local i32 i32)
            (local.set 1 (i32.const 5)) (i32.mul (local.get 1) (local.get 0))))
        (invoke "f" (i32.const 3))"#,
        |it| matches!(it, Operator::LocalSet { local_index: 1 }).then_some((1, 2)),
    );
    check(
        &found,
        Local,
        "local 1",
        ["i32:0x00000005", "i32:0x00000000"],
    );
}

#[test]
fn a_byte_of_a_memory_that_nothing_reads() {
    let found = pinned(
        r#"(module (memory 3) (func (export "f") (param i32)
            (i32.store offset=16 (local.get 0) (i32.const 0x100))
            (i32.store16 (local.get 0) (i32.const 2))))
        (invoke "f" (i32.const 100000))"#,
        |it| match it {
            Operator::I32Store { memarg } if memarg.offset == 16 => Some((2, 20)),
            _ => None,
        },
    );
    check(&found, Memory, "byte 0x186b1 of memory 0", ["0x01", "0x00"]);
}

#[test]
fn a_global() {
    let found = pinned(
        r#"(module (global $a (mut i64) (i64.const 1)) (global $b (mut i64) (i64.const 1))
            (func (export "f") (param i64)
              (global.set $b (i64.const 7)) (global.set $a (local.get 0))
              (global.set $b (i64.const 9))))
        (invoke "f" (i64.const 2))"#,
        |it| matches!(it, Operator::GlobalSet { global_index: 0 }).then_some((1, 1)),
    );
    let values = ["i64:0x0000000000000002", "i64:0x0000000000000001"];
    check(&found, Global, "global 0", values);
}

#[test]
fn an_element_of_a_table() {
    let found = pinned(
        r#"(module (table $t 10 funcref) (table $u 10 funcref) (elem declare func $f)
            (func $f (export "f") (param i32) (table.set $t (local.get 0) (ref.func $f))))
        (invoke "f" (i32.const 4))"#,
        |it| matches!(it, Operator::TableSet { table: 0 }).then_some((1, 1)),
    );
    assert_eq!(
        (found.kind, found.what.as_str()),
        (Table, "element 4 of table 0")
    );
}

#[test]
fn a_field_of_an_object() {
    let found = pinned(
        r#"(module (type $s (struct (field (mut i8)) (field (mut i32)) (field (mut i8))))
            (global $g (ref $s) (struct.new $s (i32.const 1) (i32.const 2) (i32.const 3)))
            (func (export "f") (param i32) (struct.set $s 0 (global.get $g) (local.get 0))))
        (invoke "f" (i32.const 255))"#,
        |it| match it {
            Operator::StructSet { field_index: 0, .. } => Some((3, 2)),
            _ => None,
        },
    );
    let what = "field 0 of a struct of type 0";
    check(&found, Object, what, ["i32:0x000000ff", "i32:0x00000001"]);
}

#[test]
fn an_element_of_an_array() {
    let found = pinned(
        r#"(module (type $a (array (mut i16))) (data "abcdefgh") (data "abcdefxh")
            (global $g (mut (ref null $a)) (ref.null $a))
            (func (export "f") (param i32) (local (ref null $a))
              (local.set 1 (array.new_default $a (i32.const 3000)))
              (global.set $g (local.get 1))
              (array.init_data $a 0 (local.get 1) (local.get 0) (i32.const 0) (i32.const 4))))
        (invoke "f" (i32.const 1500))"#,
        |it| match it {
            Operator::ArrayInitData {
                array_data_index: 0,
                ..
            } => Some((3, 1)),
            _ => None,
        },
    );
    let what = "element 1503 of an array of type 0";
    check(&found, Object, what, ["i32:0x00006867", "i32:0x00006878"]);
}

#[test]
fn a_wrong_branch() {
    let found = pinned(
        r#"(module (func (export "f") (param i32) (result i32)
            (block (block (br_if 0 (local.get 0)) (return (i32.const 1))) (return (i32.const 2)))
            (i32.const 3)))
        (invoke "f" (i32.const 4))"#,
        |it| matches!(it, Operator::BrIf { relative_depth: 0 }).then_some((1, 1)),
    );
    assert_eq!(
        (found.kind, found.mnemonic.as_deref()),
        (Path, Some("br_if"))
    );
}

#[test]
fn an_argument_and_a_function_that_is_called() {
    let script = r#"(module
        (func $g (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
        (func $h (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1)))
        (func (export "f") (param i32) (result i32)
            (call $g (i32.add (local.get 0) (i32.const 1)) (local.get 0))))
        (invoke "f" (i32.const 4))"#;
    let found = pinned(script, add_to_sub);
    check(
        &found,
        Operand,
        "the operand on top",
        ["i32:0x00000005", "i32:0x00000003"],
    );
    let found = pinned(script, |it| {
        matches!(it, Operator::Call { function_index: 0 }).then_some((1, 1))
    });
    let ways = [
        "goes on at function 0 byte 0x28",
        "goes on at function 1 byte 0x30",
    ];
    check(&found, Path, "the way", ways);
}

#[test]
fn another_place_of_a_trap() {
    let found = pinned_by(
        r#"(module (func (export "f") (param i32) (result i32)
            (i32.div_u (i32.const 1) (i32.and (local.get 0) (i32.const 7)))))
        (assert_trap (invoke "f" (i32.const 8)) "integer divide by zero")"#,
        |it| matches!(it, Operator::I32DivU).then_some((0, 0)),
        Effect::Misplaced,
    );
    assert_eq!(found.kind, TrapPlace, "{found:#?}");
    assert_eq!(found.func, Some(0));
}

#[test]
fn a_trap_that_is_missing() {
    let found = pinned(
        r#"(module (memory 1) (func (export "f") (param i32) (result i32)
            (i32.load (i32.const 0)) (i32.load offset=64 (local.get 0)) (i32.mul)))
        (assert_trap (invoke "f" (i32.const 65500)) "out of bounds memory access")"#,
        |it| match it {
            Operator::I32Load { memarg } if memarg.offset == 64 => Some((2, 0)),
            _ => None,
        },
    );
    assert_eq!(found.kind, Ending, "{found:#?}");
}

#[test]
fn a_loop_that_does_not_end() {
    let script = r#"(module (func (export "f") (param i32)
            (loop (local.set 0 (i32.add (local.get 0) (i32.const 1)))
              (br_if 0 (i32.ne (local.get 0) (i32.const 10))))))
        (invoke "f" (i32.const 0))"#;
    let fault = Fault {
        falsify: add_to_sub,
        ..NO_FAULT
    };
    let found = pinned_of(explain_in(script, fault, CONFIG, Duration::from_secs(2)));
    assert!(found.endings[1].starts_with("timeout"), "{found:#?}");
    check(
        &found,
        Operand,
        "the operand on top",
        ["i32:0x00000001", "i32:0xffffffff"],
    );
}

#[test]
fn a_crash() {
    let found = pinned_by(
        r#"(module (func $g (param i32) (result i32) (i32.rotl (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (local i32)
            (loop (local.set 1 (i32.mul (local.get 1) (i32.const 3)))
              (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (call $g (local.get 1))))
        (invoke "f" (i32.const 50))"#,
        |it| matches!(it, Operator::I32Rotl).then_some((0, 0)),
        Effect::Crash,
    );
    assert_eq!((found.kind, found.func), (Ending, Some(0)), "{found:#?}");
    assert!(found.values[1].contains("signal 11"), "{found:#?}");
}

#[test]
fn an_iteration_of_many() {
    let found = pinned(
        r#"(module (memory 1) (func (export "f") (result i32) (local $i i32) (local $s i32)
            (loop $l
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (i32.store (i32.const 8) (local.get $i))
              (local.set $s (i32.add (local.get $s)
                (i32.shr_s (i32.mul (i32.sub (i32.const 9999) (local.get $i)) (i32.const 2))
                  (i32.const 1))))
              (br_if $l (i32.ne (local.get $i) (i32.const 12000))))
            (local.get $s)))
        (invoke "f")"#,
        |it| matches!(it, Operator::I32ShrS).then_some((0, 0x76)),
    );
    assert_eq!(found.arrival, Some(10_000));
    check(
        &found,
        Operand,
        "the operand on top",
        ["i32:0xffffffff", "i32:0x7fffffff"],
    );
}

#[test]
fn a_chain_of_calls() {
    let mut funcs = String::new();
    for n in 0..30 {
        funcs += &format!(
            "(func $f{n} (param i32) (result i32)
              (i32.mul (call $f{} (local.get 0)) (i32.const 3)))",
            n + 1
        );
    }
    let found = pinned(
        &format!(
            r#"(module {funcs} (func $f30 (param i32) (result i32)
                (i32.shr_s (local.get 0) (i32.const 1)))
            (func (export "f") (param i32) (result i32) (call $f0 (local.get 0))))
            (invoke "f" (i32.const 6)) (invoke "f" (i32.const -6))"#
        ),
        |it| matches!(it, Operator::I32ShrS).then_some((0, 0x76)),
    );
    assert_eq!((found.func, found.kind), (Some(30), Operand));
}

#[test]
fn a_large_module() {
    let mut funcs = String::new();
    for n in 0..4000 {
        funcs += &format!(
            "(func $f{n} (param i32) (result i32) (local i64 f64)
              (if (i32.and (local.get 0) (i32.const 1)) (then (local.set 1 (i64.const {n}))))
              (i32.xor (i32.mul (local.get 0) (i32.const {n})) (i32.wrap_i64 (local.get 1))))"
        );
    }
    let found = pinned(
        &format!(
            r#"(module {funcs} (func $bad (param i32) (result i32)
                (i32.add (call $f77 (local.get 0)) (call $f3999 (i32.const 5))))
            (func (export "f") (param i32) (result i32)
              (call $f9 (call $bad (call $f5 (local.get 0))))))
            (invoke "f" (i32.const 6))"#
        ),
        add_to_sub,
    );
    assert_eq!(found.kind, Operand);
}

#[test]
fn a_start_function() {
    let found = pinned(
        r#"(module (memory 1) (func $s (local i32)
            (i32.store (i32.const 4) (i32.add (i32.const 1) (i32.const 1)))) (start $s))"#,
        add_to_sub,
    );
    check(
        &found,
        Operand,
        "the operand on top",
        ["i32:0x00000002", "i32:0x00000000"],
    );
}

#[test]
fn segments_without_code() {
    let script = r#"(module (memory 1) (data (i32.const 1000) "abc"))"#;
    let falsified = InProcess {
        tier: Tier::Register,
        fault: Fault {
            effect: Effect::Segment,
            ..NO_FAULT
        },
    };
    let script = parse_script("t.wast", script);
    let truthful = InProcess {
        tier: Tier::Stack,
        fault: NO_FAULT,
    };
    let timeout = Duration::from_secs(60);
    let mut columns = [
        Column::new(EngineName::STACK, &truthful, timeout),
        Column::new(EngineName::REGISTER, &falsified, timeout),
    ];
    let case = Case::new(&script.commands, 0, CONFIG);
    let found = first_difference(&mut columns, &case).expect("the engines run");
    let (found, _) = found.expect("a difference");
    check(&found, Memory, "byte 0x3e9 of memory 0", ["0x62", "0x78"]);
    assert!(found.note.is_some() && found.func.is_none());
}

#[test]
fn a_function_that_an_engine_refuses() {
    let fault = Fault {
        // No module has a function 127 here: the module is not valid to the engine.
        falsify: |it| matches!(it, Operator::Call { function_index: 1 }).then_some((1, 127)),
        ..NO_FAULT
    };
    let script = r#"(module (func) (func) (func (call 0)) (func (call 1)) (func (call 0)))"#;
    let (found, _) = explain(script, fault, CONFIG);
    let found = found.expect("a difference");
    assert_eq!((found.kind, found.func), (Ending, Some(3)), "{found:#?}");
    assert!(found.values[1].starts_with("invalid"), "{found:#?}");
}

#[test]
fn the_module_of_another_instance() {
    let found = pinned(
        r#"(module $a (func (export "g") (param i32) (result i32)
              (i32.add (local.get 0) (i32.const 1))))
        (register "a" $a)
        (module (import "a" "g" (func $g (param i32) (result i32)))
          (func (export "f") (param i32) (result i32)
            (i32.mul (call $g (local.get 0)) (i32.const 2))))
        (invoke "f" (i32.const 6))"#,
        add_to_sub,
    );
    assert_eq!((found.func, found.kind), (Some(0), Operand));
}

#[test]
fn state_that_earlier_calls_left() {
    let found = pinned(
        r#"(module (memory 1) (func (export "set") (i32.store (i32.const 0) (i32.const -8)))
          (func (export "f") (result i32) (i32.shr_s (i32.load (i32.const 0)) (i32.const 1))))
        (invoke "f") (assert_invalid (module (func (result i32))) "") (invoke "set") (invoke "f")"#,
        |it| matches!(it, Operator::I32ShrS).then_some((0, 0x76)),
    );
    check(
        &found,
        Operand,
        "the operand on top",
        ["i32:0xfffffffc", "i32:0x7ffffffc"],
    );
}

#[test]
fn engines_of_other_makers_show_memories_by_exports() {
    let config = JobConfig {
        hash_state: false,
        show_state: true,
        ..CONFIG
    };
    let script = r#"(module (memory 1) (func (export "f") (param i32)
            (i32.store offset=16 (local.get 0) (i32.const 1))
            (i32.store16 (i32.const 0) (i32.const 2))))
        (invoke "f" (i32.const 64))"#;
    let fault = Fault {
        falsify: |it| match it {
            Operator::I32Store { memarg } if memarg.offset == 16 => Some((2, 20)),
            _ => None,
        },
        ..NO_FAULT
    };
    // Without an export of the memory, nothing shows; the probes export it.
    let (found, _) = explain(script, fault, config);
    assert_eq!(found, None);
    let script = script.replace("(memory 1)", r#"(memory (export "m") 1)"#);
    let (found, places) = explain(&script, fault, config);
    let found = found.expect("a difference");
    assert_eq!(found.offset_bytes, Some(places[0].1), "{found:#?}");
    check(&found, Memory, "byte 0x50 of memory 0", ["0x01", "0x00"]);
}

#[test]
fn a_difference_that_probes_hide_is_not_explained() {
    let fault = Fault {
        falsify: add_to_sub,
        effect: Effect::Other,
        is_shy: true,
    };
    let script = r#"(module (func (export "f") (param i32) (result i32)
          (i32.add (local.get 0) (i32.const 1)))) (invoke "f" (i32.const 6))"#;
    let (found, _) = explain(script, fault, CONFIG);
    let found = found.expect("a difference");
    assert!(!found.is_exact && found.note.is_some(), "{found:#?}");
    assert_eq!(found.offset_bytes, None);
}

#[test]
fn no_difference() {
    let script = r#"(module (func (export "f") (result i32) (i32.const 1))) (invoke "f")"#;
    assert_eq!(explain(script, NO_FAULT, CONFIG).0, None);
}

/// The fourth call differs: its arguments, the globals, and both memories as they are at its entry.
#[test]
fn the_state_where_a_function_is_entered() {
    let script = parse_script(
        "t.wast",
        r#"(module
          (memory 2) (memory $other i64 1)
          (global $g (mut i32) (i32.const 5)) (global $f f64 (f64.const 1.5))
          (global $r (mut funcref) (ref.null func))
          (data (i32.const 8) "\07") (data (memory $other) (i64.const 65535) "\09")
          (func $f (param i32 i64) (result i32)
            (i32.store (i32.const 12) (i32.const -1))
            (i32.add (i32.load (i32.const 8)) (local.get 0)))
          (func (export "run") (result i32) (local $i i64) (local $sum i32)
            (loop $next
              (i64.store (i32.const 70000) (local.get $i))
              (global.set $g (i32.mul (i32.wrap_i64 (local.get $i)) (i32.const 10)))
              (local.set $sum (i32.xor (local.get $sum)
                (call $f (i64.eq (local.get $i) (i64.const 3)) (i64.const -2))))
              (local.set $i (i64.add (local.get $i) (i64.const 1)))
              (br_if $next (i64.lt_u (local.get $i) (i64.const 9))))
            (local.get $sum)))
        (invoke "run")"#,
    );
    let fault = Fault {
        falsify: add_to_sub,
        ..NO_FAULT
    };
    let engines = engines(fault);
    let mut columns = columns(&engines, Duration::from_secs(10));
    let case = Case::new(&script.commands, 1, CONFIG);
    let (difference, case) = first_difference(&mut columns, &case)
        .expect("the engines run")
        .expect("a difference");
    assert_eq!(
        (difference.func, difference.arrival),
        (Some(0), Some(4)),
        "{difference:#?}"
    );
    let subject = case.subjects().remove(0);
    let found = snapshot(&mut columns, &case, &subject, 0);
    let found = found.expect("the engines run").expect("a state");
    assert_eq!(found.args, [Value::I32(1), Value::I64(-2_i64 as u64)]);
    let half = Value::F64(1.5_f64.to_bits());
    assert_eq!(found.globals, [Some(Value::I32(30)), Some(half), None]);
    let piece = |address, byte| (address, vec![byte]);
    let first = MemoryImage {
        pages: 2,
        pieces: vec![
            (8, [vec![7, 0, 0, 0], vec![0xff; 4]].concat()),
            piece(70000, 3),
        ],
    };
    let other = MemoryImage {
        pages: 1,
        pieces: vec![piece(65535, 9)],
    };
    assert_eq!(found.memories, [first, other]);
    // A function in which they do not differ has none.
    assert_eq!(snapshot(&mut columns, &case, &subject, 9), Ok(None));
}
