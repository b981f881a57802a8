//! Calls from tier to tier: arguments and results, instances, host functions, tables, tail calls,
//! recursion, traps; thresholds and what is counted.

use super::{Run, check, i32s, i64s, thresholds};
use crate::engine::{Config, Thresholds};
use crate::trap::TrapKind;
use crate::value::Val;

const NEVER: u32 = u32::MAX;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn the_threshold_is_the_call_that_is_compiled() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 1))))"#;
    for (calls, before) in [(0, 0), (1, 0), (2, 1), (3, 2)] {
        let mut run = Run::new(Config::tiered(thresholds(calls, NEVER)), wat);
        for n in 0..5 {
            assert_eq!(run.call("f", &i32s([n])), Ok(i32s([n + 1])));
            let proof = run.proof();
            let n = n as u64;
            assert_eq!(proof.compiled, u64::from(n >= before), "{calls} {n}");
            assert_eq!(proof.tiered.interpreted, u64::from(before > 0));
            // The call that finds the function hot enters the interpreter, if it was ever there.
            let interpreted = if before > 0 { before + 1 } else { 0 };
            assert_eq!(proof.tiered.entered_interpreter, interpreted.min(n + 1));
        }
    }
}

/// Functions that call each other with more values than there are registers, directly, by table and
/// by tail call.
const MIXED: &str = r#"(module (import "host" "note" (func $note (param i64)))
  (type $many (func (param i32 i64 f32 f64 v128 i32 i64 f32 f64 v128 i64 i64 i64 i64 i64 i64 f64 f64
    f64 f64 f64 f64 f64 v128) (result v128 i64 f64 i32 f32 i64 i64 i64 i64 i64 i64 i64 i64)))
  (table funcref (elem $a $b $c))
  (func $a (type $many)
    (call $note (local.get 1))
    (i32x4.add (local.get 4) (local.get 23)) (i64.add (local.get 1) (local.get 15))
    (f64.add (local.get 3) (local.get 22)) (i32.sub (local.get 0) (local.get 5))
    (f32.sub (local.get 2) (local.get 7))
    (local.get 10) (local.get 11) (local.get 12) (local.get 13) (local.get 14) (local.get 15)
    (local.get 6) (local.get 1))
  (func $b (type $many)
    (local.get 0) (i64.add (local.get 1) (i64.const 1)) (local.get 2) (local.get 3) (local.get 4)
    (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10)
    (local.get 11) (local.get 12) (local.get 13) (local.get 14) (local.get 15) (local.get 16)
    (local.get 17) (local.get 18) (local.get 19) (local.get 20) (local.get 21) (local.get 22)
    (local.get 23) (call $a))
  (func $c (type $many)
    (local.get 0) (i64.add (local.get 1) (i64.const 2)) (local.get 2) (local.get 3) (local.get 4)
    (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10)
    (local.get 11) (local.get 12) (local.get 13) (local.get 14) (local.get 15) (local.get 16)
    (local.get 17) (local.get 18) (local.get 19) (local.get 20) (local.get 21) (local.get 22)
    (local.get 23) (i32.const 1) (return_call_indirect (type $many)))
  (func (export "run") (param i32 i64) (result i64 i32)
    (local v128 i64 f64 i32 f32 i64 i64 i64 i64 i64 i64 i64 i64)
    (i32.const 5) (local.get 1) (f32.const 1.5) (f64.const 2.5) (v128.const i32x4 1 2 3 4)
    (i32.const 6) (i64.const 7) (f32.const 3.5) (f64.const 4.5) (v128.const i32x4 5 6 7 8)
    (i64.const 10) (i64.const 11) (i64.const 12) (i64.const 13) (i64.const 14) (i64.const 15)
    (f64.const 16) (f64.const 17) (f64.const 18) (f64.const 19) (f64.const 20) (f64.const 21)
    (f64.const 22) (v128.const i32x4 9 10 11 12)
    (call_indirect (type $many) (local.get 0))
    (local.set 14) (local.set 13) (local.set 12) (local.set 11) (local.set 10) (local.set 9)
    (local.set 8) (local.set 7) (local.set 6) (local.set 5) (local.set 4) (local.set 3)
    (local.set 2)
    (i64.add (i64.add (local.get 3) (i64.mul (local.get 7) (i64.const 3)))
      (i64.add (i64.mul (local.get 14) (i64.const 5)) (i64x2.extract_lane 1 (local.get 2))))
    (i32.add (local.get 5) (i32.add (i32.trunc_f64_s (local.get 4))
      (i32.trunc_f32_s (local.get 6))))))"#;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn arguments_and_results_cross_tiers() {
    let mut args = Vec::new();
    for n in [0, 1, 2, 0, 0, 1, 2, 2, 1, 0, 2, 3, 1] {
        args.push(vec![Val::I32(n), Val::I64(i64::from(n) << 33)]);
    }
    check(MIXED, "run", &args);
}

/// The largest body that is compiled in programs of [`hot_and_cold`].
const BODY_BYTES_MAX: usize = 100;

/// A program of a function `$hot`, which is compiled when it is first called, and a function
/// `$cold`, which is too large to be compiled ever, of type `$step`.
fn hot_and_cold(hot: &str, cold: &str) -> (Config, String) {
    let padding = "(nop)".repeat(BODY_BYTES_MAX);
    let wat = format!(
        r#"(module
        (type $step (func (param i64 i64) (result i64)))
        (table funcref (elem $hot $cold))
        (func $hot (export "hot") (type $step) {hot})
        (func $cold (export "cold") (type $step) {padding} {cold})
        (func (export "cold_by_tail") (type $step)
          (return_call $cold (local.get 0) (local.get 1)))
        (func (export "hot_by_tail") (type $step) {padding}
          (return_call $hot (local.get 0) (local.get 1))))"#
    );
    let mut thresholds = thresholds(1, NEVER);
    thresholds.body_bytes_max = BODY_BYTES_MAX;
    let mut config = Config::tiered(thresholds);
    config.limits.native_stack_bytes = 256 << 10;
    (config, wat)
}

const EXPORTS: [&str; 4] = ["hot", "cold", "cold_by_tail", "hot_by_tail"];

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn tail_calls_between_tiers_need_no_stack() {
    const MANY: i64 = 1_000_000;
    let step = |then: &str| {
        format!(
            "(if (result i64) (i64.eqz (local.get 0)) (then (local.get 1))
               (else (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 2))
                 {then}))"
        )
    };
    let by_table = |n| {
        step(&format!(
            "(i32.const {n}) (return_call_indirect (type $step))"
        ))
    };
    let direct = |name| step(&format!("(return_call ${name})"));
    for (hot, cold) in [(by_table(1), by_table(0)), (direct("cold"), direct("hot"))] {
        let (config, wat) = hot_and_cold(&hot, &cold);
        let mut run = Run::new(config, &wat);
        for export in EXPORTS {
            let entered = run.proof().entered;
            let outcome = run.call(export, &i64s([MANY, 0]));
            assert_eq!(outcome, Ok(i64s([2 * MANY])), "{export}");
            let entered = run.proof().entered - entered;
            assert!(entered as i64 >= MANY / 2, "{export}: {entered}");
        }
        let kept = run.proof().tiered.kept;
        assert_eq!(kept.values().sum::<u64>(), 2, "{kept:?}");
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn recursion_through_both_tiers_is_exhausted() {
    let step = |other: &str| {
        format!(
            "(if (result i64) (i64.eqz (local.get 0)) (then (local.get 1))
             (else (i64.add (i64.const 1)
               (call ${other} (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))))"
        )
    };
    let (config, wat) = hot_and_cold(&step("cold"), &step("hot"));
    let mut run = Run::new(config, &wat);
    for _ in 0..3 {
        for export in EXPORTS {
            assert_eq!(
                run.call(export, &i64s([100, 5])),
                Ok(i64s([105])),
                "{export}"
            );
            let outcome = run.call(export, &i64s([-1, 0]));
            assert_eq!(outcome, Err(TrapKind::StackExhausted), "{export}");
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn traps_and_memory_cross_tiers() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (memory 1)
      (func $grow (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 3)) (then (drop (memory.grow (i32.const 1)))))
        (i32.store (i32.mul (local.get 0) (i32.const 16384)) (local.get 0))
        (i32.div_u (i32.const 100) (i32.sub (local.get 0) (i32.const 6))))
      (func $middle (param i32) (result i32) (i32.add (call $grow (local.get 0)) (memory.size)))
      (func (export "run") (param i32) (result i32)
        (call $note (i64.extend_i32_s (local.get 0)))
        (i32.add (call $middle (local.get 0)) (i32.load (i32.const 32768)))))"#;
    let args: Vec<Vec<Val>> = [2, 1, 4, 3, 4, 6, 5, 7, 8, 2, 6].map(|n| i32s([n])).into();
    check(wat, "run", &args);
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn stores_of_one_module_share_code_and_count_for_themselves() {
    let wat = r#"(module
        (func $f (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "twice") (param i32) (result i32) (call $f (call $f (local.get 0)))))"#;
    let mut first = Run::new(Config::tiered(Thresholds::both(2)), wat);
    let module = first.instance.module(&first.store).clone();
    for n in 0..4 {
        assert_eq!(first.call("run", &i32s([n])), Ok(i32s([n + 1])));
    }
    assert_eq!(first.proof().compiled, 1);
    let mut store = crate::Store::new(first.store.engine(), ());
    let instance = crate::Instance::new(&mut store, &module, &[]).expect("it has no imports");
    let twice = instance.get_func(&store, "twice").expect("an export");
    assert_eq!(twice.invoke(&mut store, &i32s([5])), Ok(i32s([7])));
    let proof = store.proof();
    assert_eq!((proof.functions, proof.compiled), (2, 1));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn what_is_compiled_in_the_background_comes_when_it_is_ready() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (func $step (param i64) (result i64) (i64.add (local.get 0) (i64.const 3)))
      (func (export "run") (param $n i64) (result i64) (local $x i64)
        (loop $again
          (local.set $x (call $step (local.get $x)))
          (if (i64.eqz (i64.rem_u (local.get $n) (i64.const 100000)))
            (then (call $note (local.get $x))))
          (br_if $again (i64.ne (i64.const 0)
            (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
        (local.get $x)))"#;
    let background = Thresholds {
        background: true,
        ..Thresholds::both(2)
    };
    let mut run = Run::new(Config::tiered(background), wat);
    for rounds in 1..100 {
        let n = 200_000;
        assert_eq!(run.call("run", &i64s([n])), Ok(i64s([3 * n])));
        assert_eq!(run.notes(), [3, 300_003]);
        let proof = run.proof();
        assert_eq!(proof.tiered.kept.len(), 0);
        if proof.compiled == 2 && proof.tiered.loops_entered > 0 {
            assert_eq!(proof.tiered.loops_compiled, 1);
            return;
        }
        if rounds > 50 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    panic!("never ready: {:?}", run.proof());
}
