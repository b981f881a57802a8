//! Large functions, executed: branches that are too far for a conditional one, offsets too large
//! for an addressing mode, frames of many kilobytes.

use super::{Run, check, i32s, i64s};
use crate::engine::Bounds;

/// Writes that take three instructions or more each, so that code of a known size lies in between.
fn padding(instructions: usize) -> String {
    let write = |i: usize| {
        format!(
            "(i32.store offset={} (i32.const 0) (i32.add (local.get $x) (i32.const {})))",
            (i * 4) % 60_000,
            0x1234_5000 + i
        )
    };
    (0..instructions / 3).map(write).collect()
}

/// A function that goes over the padding or through it, by a condition, and around it in a loop.
fn far(condition: &str, instructions: usize) -> String {
    let padding = padding(instructions);
    format!(
        r#"(module (memory 1)
          (func (export "over") (param $x i32) (result i32)
            (if {condition} (then {padding}))
            (i32.add (local.get $x) (i32.load (i32.const 4))))
          (func (export "around") (param $x i32) (result i32) (local $n i32)
            (loop $again
              (br_if $again (block (result i32)
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                {padding}
                (local.set $x (i32.sub (local.get $x) (i32.const 1)))
                {condition})))
            (local.get $n)))"#
    )
}

#[test]
fn bits_are_tested_over_more_than_32_kib() {
    let wat = far("(i32.and (local.get $x) (i32.const 1))", 8_000);
    let Some(mut run) = Run::new(&wat, Bounds::Guard) else {
        return;
    };
    assert_eq!(run.call("over", &i32s([4])), Ok(i32s([4])));
    assert_eq!(
        run.call("over", &i32s([5])),
        Ok(i32s([5 + 5 + 0x1234_5000 + 1]))
    );
    assert_eq!(run.call("around", &i32s([2])), Ok(i32s([2])));
    assert_eq!(run.call("around", &i32s([3])), Ok(i32s([1])));
}

#[test]
fn comparisons_branch_over_more_than_a_mebibyte() {
    let wat = far("(i32.gt_s (local.get $x) (i32.const 7))", 300_000);
    let Some(mut run) = Run::new(&wat, Bounds::Guard) else {
        return;
    };
    assert!(run.instance.get_func(&run.store, "over").is_some());
    assert_eq!(run.call("around", &i32s([10])), Ok(i32s([3])));
    assert_eq!(run.call("around", &i32s([0])), Ok(i32s([1])));
    let before = run.call("over", &i32s([7])).expect("no trap");
    let through = run.call("over", &i32s([8])).expect("no trap");
    assert_ne!(before, through);
}

/// Values that are alive over a call, each in a slot of its own.
fn wide_frame(values: usize) -> String {
    let set = |i: usize| {
        format!(
            "(local.set {} (f64.add (local.get 0) (f64.const {i})))",
            i + 1
        )
    };
    let sets: String = (0..values).map(set).collect();
    let sum = |i: usize| format!("(f64.add (local.get {})) ", i + 1);
    let sums: String = (0..values).map(sum).collect();
    format!(
        r#"(module
          (func $one (result f64) (f64.const 1))
          (func (export "f") (param f64) (result f64) (local {})
            {sets} (call $one) {sums}))"#,
        "f64 ".repeat(values)
    )
}

#[test]
fn frames_reach_beyond_every_immediate() {
    // 16 bytes each: beyond 4,095 bytes, 32 KiB, 64 KiB, and scaled offsets of 16 bits.
    for values in [200, 2_100, 5_000] {
        let n = values as f64;
        let expected = 1.0 + n * 3.0 + n * (n - 1.0) / 2.0;
        check(
            &wide_frame(values),
            "f",
            &[crate::value::Val::F64(3.0f64.to_bits())],
            Ok(vec![crate::value::Val::F64(expected.to_bits())]),
        );
    }
}

#[test]
fn immediates_beyond_twelve_bits() {
    let constants = [
        4_095u64,
        4_096,
        4_097,
        0xff_f000,
        0xff_ffff,
        0x1_0000_0000,
        u64::MAX - 4_095,
    ];
    for k in constants {
        let wat = format!(
            r#"(module (func (export "f") (param i64) (result i64 i64 i32)
                (i64.add (local.get 0) (i64.const {0})) (i64.sub (local.get 0) (i64.const {0}))
                (i64.lt_u (local.get 0) (i64.const {0}))))"#,
            k as i64
        );
        for x in [0, 5_000, u64::MAX] {
            let (sum, difference) = (x.wrapping_add(k), x.wrapping_sub(k));
            let mut expected = i64s([sum as i64, difference as i64]);
            expected.extend(i32s([i32::from(x < k)]));
            check(&wat, "f", &i64s([x as i64]), Ok(expected));
        }
    }
}
