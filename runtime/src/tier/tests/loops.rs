//! On-stack replacement: state of every kind at a loop head, and that nothing happens twice.

use super::{Run, check, check_loop, check_with, i32s, i64s, thresholds};
use crate::engine::{Config, Policy, Tier};
use crate::limits::Limits;
use crate::trap::TrapKind;
use crate::value::Val;

/// A function `run` that loops its parameter times, with locals that the loop changes.
fn counting(locals: &str, body: &str, results: &str, end: &str) -> String {
    format!(
        r#"(module (import "host" "note" (func $note (param i64)))
        (memory 1) (table $t 3 funcref) (elem declare func $a $b)
        (type $t (func (result i32)))
        (func $a (type $t) (i32.const 11)) (func $b (type $t) (i32.const 22))
        (func (export "run") (param $n i32) (result {results}) {locals}
          (loop $again {body}
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          {end}))"#
    )
}

fn calls(counts: &[i32]) -> Vec<Vec<Val>> {
    counts.iter().map(|&n| i32s([n])).collect()
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn locals_of_every_number_type() {
    let wat = counting(
        "(local $i i32) (local $l i64) (local $f f32) (local $d f64) (local $v v128)",
        "(local.set $i (i32.add (i32.mul (local.get $i) (i32.const 3)) (local.get $n)))
         (local.set $l (i64.add (i64.rotl (local.get $l) (i64.const 7))
            (i64.extend_i32_u (local.get $i))))
         (local.set $f (f32.add (f32.mul (local.get $f) (f32.const -1.5))
            (f32.convert_i32_s (local.get $i))))
         (local.set $d (f64.sub (local.get $d) (f64.convert_i64_s (local.get $l))))
         (local.set $v (i32x4.add (i8x16.shuffle 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0
            (local.get $v) (local.get $v)) (i32x4.splat (local.get $i))))
         (call $note (local.get $l))",
        "i32 i64 f32 f64 v128",
        "(local.get $i) (local.get $l) (local.get $f) (local.get $d) (local.get $v)",
    );
    check_loop(&wat, &calls(&[9, 1, 2, 3, 30, 9]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn references_in_locals() {
    let wat = counting(
        "(local $x funcref) (local $y funcref) (local $z funcref) (local $sum i32)",
        "(local.set $z (local.get $x)) (local.set $x (local.get $y)) (local.set $y (local.get $z))
         (if (ref.is_null (local.get $x)) (then (local.set $x (ref.func $a))))
         (if (ref.is_null (local.get $y)) (then (local.set $y (ref.func $b))))
         (table.set $t (i32.const 1) (local.get $x))
         (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 5))
            (call_indirect $t (type $t) (i32.const 1))))",
        "i32",
        "(local.get $sum)",
    );
    check_loop(&wat, &calls(&[7, 2, 1, 12]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn operands_below_the_loop_and_its_parameters() {
    let wat = r#"(module (func (export "run") (param $n i32) (result i64 i32 f64 i32 v128 f32)
        (local $f f32) (local $v v128) (local $s i32)
        (i64.extend_i32_s (local.get $n)) (local.get $n) (f64.const 1.25)
        (i32.const 0) (v128.const i32x4 1 2 3 4) (f32.const 0.5)
        (loop $again (param i32 v128 f32) (result i32 v128 f32)
          (local.set $f) (local.set $v) (local.set $s)
          (i32.add (local.get $s) (local.get $n))
          (i32x4.add (local.get $v) (i32x4.splat (local.get $s)))
          (f32.mul (local.get $f) (f32.const -2))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (local.get $n)))))"#;
    check_loop(wat, &calls(&[6, 1, 2, 40]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn nested_loops_and_a_table_of_heads() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (func (export "run") (param $n i32) (result i64) (local $i i32) (local $x i64) (local $k i32)
        (local.set $k (i32.const 25))
        (block $out
        (loop $outer
          (br_if $out (i32.eqz (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
          (local.set $i (local.get $n))
          (loop $middle
            (local.set $x (i64.add (local.get $x) (i64.const 3)))
            (loop $inner
              (local.set $x (i64.mul (local.get $x) (i64.const 5)))
              (call $note (local.get $x))
              (local.set $i (i32.sub (local.get $i) (i32.const 1)))
              (br_if $out (i32.lt_s (local.get $i) (i32.const -40)))
              (br_table $inner $middle $outer $inner $out $middle
                (i32.rem_u (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 3)))
                  (i32.const 6))))
            (unreachable))
          (unreachable)))
        (local.get $x)))"#;
    check_loop(wat, &calls(&[6, 1, 0, 13]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn loops_in_recursive_frames() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (func $f (export "run") (param $n i32) (result i64) (local $i i32) (local $x i64)
        (if (i32.eqz (local.get $n)) (then (return (i64.const 1))))
        (local.set $i (i32.const 3))
        (loop $again
          (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 7))
            (call $f (i32.sub (local.get $n) (i32.const 1)))))
          (call $note (i64.add (local.get $x) (i64.extend_i32_s (local.get $i))))
          (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (local.get $x)))"#;
    check_loop(wat, &calls(&[4, 1, 5]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn memory_that_grows_and_traps_in_the_loop() {
    let wat = counting(
        "(local $at i32)",
        "(i32.store (local.get $at) (local.get $n))
         (if (i32.eq (i32.rem_u (local.get $n) (i32.const 4)) (i32.const 2))
           (then (drop (memory.grow (i32.const 1)))))
         (call $note (i64.load (local.get $at)))
         (local.set $at (i32.add (local.get $at) (i32.const 20000)))",
        "i32 i32",
        "(memory.size) (i32.load (i32.const 20000))",
    );
    check_loop(&wat, &calls(&[9, 40]));
    let wat = counting(
        "(local $at i32)",
        "(i32.store (local.get $at) (local.get $n)) (call $note (i64.load (local.get $at)))
         (local.set $at (i32.add (local.get $at) (i32.const 20000)))",
        "i32",
        "(i32.load (i32.const 20000))",
    );
    check_loop(&wat, &calls(&[2, 40, 3]));
}

/// Frames of both tiers hold what no other root does, while either allocates.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn objects_in_frames_of_both_tiers_are_kept_alive() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (type $cell (struct (field i64) (field (ref null $cell))))
      (func $cons (param i64 (ref null $cell)) (result (ref $cell))
        (struct.new $cell (local.get 0) (local.get 1)))
      (func $sum (param (ref null $cell)) (result i64) (local $sum i64)
        (block $end
          (loop $again
            (br_if $end (ref.is_null (local.get 0)))
            (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3))
              (struct.get $cell 0 (local.get 0))))
            (local.set 0 (struct.get $cell 1 (local.get 0)))
            (br $again)))
        (local.get $sum))
      (func $f (export "run") (param $n i32) (result i64)
        (local $list (ref null $cell)) (local $keep (ref null $cell)) (local $sum i64)
        (if (i32.eqz (local.get $n)) (then (return (i64.const 1))))
        (local.set $keep (call $cons (i64.extend_i32_s (local.get $n)) (ref.null $cell)))
        (loop $again
          (local.set $list (call $cons (i64.extend_i32_s (local.get $n)) (local.get $list)))
          (local.set $sum (i64.add (local.get $sum) (i64.add (call $sum (local.get $list))
            (call $f (i32.shr_u (local.get $n) (i32.const 1))))))
          (call $note (local.get $sum))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i64.add (local.get $sum) (i64.add (call $sum (local.get $list))
          (call $sum (local.get $keep))))))"#;
    for gc_stress in [false, true] {
        check_with(gc_stress, wat, "run", &calls(&[6, 1, 3, 7]));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn constants_that_live_in_the_frame() {
    let wat = counting(
        "(local $l i64) (local $f f64)",
        "(local.set $l (i64.xor (i64.mul (local.get $l) (i64.const 0x123456789abcdef))
            (i64.const 0x7777777777777777)))
         (local.set $f (f64.add (f64.mul (local.get $f) (f64.const 1.0625)) (f64.const 0.1)))",
        "i64 f64",
        "(local.get $l) (local.get $f)",
    );
    check_loop(&wat, &calls(&[8, 2, 100]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn many_locals_and_many_results() {
    let (mut locals, mut body) = (String::new(), String::new());
    let (mut results, mut end) = (String::new(), String::new());
    for i in 0..40 {
        let ty = ["i64", "f64"][i % 2];
        locals += &format!("(local $l{i} {ty})");
        results += &format!(" {ty}");
        let value = match ty {
            "i64" => format!("(i64.add (local.get $l{i}) (i64.const {i}))"),
            _ => format!("(f64.add (local.get $l{i}) (f64.const {i}.5))"),
        };
        body += &format!("(local.set $l{i} {value})");
        end += &format!("(local.get $l{i})");
    }
    check_loop(
        &counting(&locals, &body, &results, &end),
        &calls(&[5, 1, 9]),
    );
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_tail_call_out_of_a_loop() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (func $next (param i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
        (call $note (local.get 10)) (i64.add (local.get 9) (i64.extend_i32_s (local.get 0))))
      (func (export "run") (param $n i32) (result i64) (local $x i64)
        (loop $again
          (local.set $x (i64.add (local.get $x) (i64.const 5)))
          (if (i32.eq (local.get $n) (i32.const 1)) (then
            (return_call $next (local.get $n) (i64.const 1) (i64.const 2) (i64.const 3)
              (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
              (i64.const 9) (local.get $x))))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i64.const -1)))"#;
    check_loop(wat, &calls(&[7, 1, 3]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_loop_without_end_is_left_by_fuel_at_the_same_place() {
    let wat = r#"(module (import "host" "note" (func $note (param i64)))
      (func (export "run") (param i64) (result i64)
        (loop $again (call $note (local.get 0))
          (local.set 0 (i64.add (local.get 0) (i64.const 1))) (br $again)) (unreachable)))"#;
    let mut config = Config::tiered(thresholds(u32::MAX, 3));
    config.fuel = true;
    for fuel in [0, 1, 5, 6, 7, 29, 30, 31, 32, 100] {
        let mut run = Run::new(config, wat);
        run.store.set_fuel(fuel).expect("it is metered");
        assert_eq!(run.call("run", &i64s([0])), Err(TrapKind::OutOfFuel));
        assert_eq!(run.proof().tiered.kept.len(), 0);
        let config = Config {
            policy: Policy::Only(Tier::Register),
            ..config
        };
        let mut other = Run::new(config, wat);
        other.store.set_fuel(fuel).expect("it is metered");
        assert_eq!(other.call("run", &i64s([0])), Err(TrapKind::OutOfFuel));
        assert_eq!(run.store.get_fuel(), other.store.get_fuel(), "{fuel}");
        assert_eq!(run.notes(), other.notes(), "{fuel}");
    }
}

/// The loop runs in every frame of a recursion that ends by exhaustion.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn frames_that_reach_the_end_of_the_value_stack() {
    let wat = r#"(module
      (func $f (export "run") (param $n i64) (result i64) (local $i i32) (local $x i64)
        (local.set $i (i32.const 3))
        (loop $again
          (local.set $x (i64.add (local.get $x) (i64.const 2)))
          (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (i64.add (local.get $x) (call $f (i64.add (local.get $n) (local.get $x))))))"#;
    check(wat, "run", &[i64s([0]), i64s([1])]);
}

/// Compiled code needs more room to be entered than an interpreted frame that is there has behind
/// it: a loop in the deepest frame that there is room for must not end by exhaustion.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_loop_in_the_last_frame_that_the_value_stack_has_room_for() {
    let wat = r#"(module
      (func $f (export "run") (param $n i64) (result i64) (local $i i64)
        (if (i64.ne (local.get $n) (i64.const 0))
          (then (return (call $f (i64.sub (local.get $n) (i64.const 1))))))
        (loop $again
          (br_if $again (i64.gt_u (i64.const 5)
            (local.tee $i (i64.add (local.get $i) (i64.const 1))))))
        (local.get $i)))"#;
    let small = |config: Config| Config {
        limits: Limits {
            value_stack_bytes: 64 << 10,
            ..config.limits
        },
        ..config
    };
    let interpreter = small(Config::only(Tier::Register));
    let exhausted = |&depth: &i64| {
        let outcome = Run::new(interpreter, wat).call("run", &i64s([depth]));
        outcome == Err(TrapKind::StackExhausted)
    };
    let end = (0..10_000).find(exhausted).expect("the stack is small");
    let config = small(Config::tiered(thresholds(u32::MAX, 1)));
    for depth in [0, end - 1, end] {
        let mut run = Run::new(config, wat);
        let expected = match depth == end {
            true => Err(TrapKind::StackExhausted),
            false => Ok(i64s([5])),
        };
        assert_eq!(
            run.call("run", &i64s([depth])),
            expected,
            "{depth} of {end}"
        );
        let entered = run.proof().tiered.loops_entered;
        assert_eq!(entered > 0, depth == 0, "{depth} of {end}: {entered}");
    }
}
