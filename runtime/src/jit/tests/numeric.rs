//! Values: loops, parallel moves, register pressure, operands that instructions take in.

use super::{check, i32s, i64s};
use crate::value::Val;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn loops_carry_values() {
    let wat = r#"(module (func (export "fib") (param i32) (result i64)
        (local $a i64) (local $b i64) (local $t i64)
        (local.set $b (i64.const 1))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get 0)))
            (local.set $t (i64.add (local.get $a) (local.get $b)))
            (local.set $a (local.get $b))
            (local.set $b (local.get $t))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br $next)))
        (local.get $a)))"#;
    check(wat, "fib", &i32s([25]), Ok(i64s([75_025])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn values_trade_places_around_a_loop() {
    let wat = r#"(module (func (export "f") (param i32) (result i32 i32 i32)
        (local $a i32) (local $b i32) (local $c i32) (local $t i32)
        (local.set $a (i32.const 1))
        (local.set $b (i32.const 2))
        (local.set $c (i32.const 3))
        (loop $next
          (local.set $t (local.get $a))
          (local.set $a (local.get $b))
          (local.set $b (local.get $c))
          (local.set $c (local.get $t))
          (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $a) (local.get $b) (local.get $c)))"#;
    check(wat, "f", &i32s([1]), Ok(i32s([2, 3, 1])));
    check(wat, "f", &i32s([2]), Ok(i32s([3, 1, 2])));
    check(wat, "f", &i32s([300]), Ok(i32s([1, 2, 3])));
}

/// `count` values of a type live at once, over a call where `calls`.
fn pressure(ty: &str, count: i32, calls: bool) -> String {
    let locals = format!("(local {})", vec![ty; count as usize].join(" "));
    let mut body = String::new();
    for n in 0..count {
        let value = n + 1;
        let operation = if ty.starts_with('f') { "mul" } else { "xor" };
        body += &format!(
            "(local.set {} ({ty}.{operation} (local.get 0) ({ty}.const {value})))\n",
            n + 1
        );
    }
    if calls {
        body += "(call $nothing)\n";
    }
    let mut sum = "(local.get 0)".to_owned();
    for n in (0..count).rev() {
        sum = format!("({ty}.add (local.get {}) {sum})", n + 1);
    }
    format!(
        r#"(module (func $nothing)
            (func (export "f") (param {ty}) (result {ty}) {locals} {body} {sum}))"#
    )
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn spilled_values_come_back() {
    for calls in [false, true] {
        let wat = pressure("i64", 90, calls);
        let x = 0x0123_4567_89ab_cdef_i64;
        let sum = (1..=90).fold(x, |sum, n| sum.wrapping_add(x ^ n));
        check(&wat, "f", &i64s([x]), Ok(i64s([sum])));
        let wat = pressure("f64", 90, calls);
        let sum = (1..=90).rev().fold(2.0, |sum, n| 2.0 * f64::from(n) + sum);
        let (arg, expected) = (Val::F64(2f64.to_bits()), Val::F64(f64::to_bits(sum)));
        check(&wat, "f", &[arg], Ok(vec![expected]));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_frame_beyond_the_reach_of_immediates() {
    let wat = pressure("i64", 5_000, true);
    let sum = (1..=5_000).fold(7i64, |sum, n| sum + (7 ^ n));
    check(&wat, "f", &i64s([7]), Ok(i64s([sum])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn upper_halves_of_i32_do_not_matter() {
    let wat = r#"(module
        (func $narrow (param i32) (result i32) (local.get 0))
        (func (export "wide") (param i64) (result i64)
          (i64.extend_i32_u (call $narrow (i32.wrap_i64 (local.get 0)))))
        (func (export "signed") (param i64) (result i64)
          (i64.extend_i32_s (call $narrow (i32.wrap_i64 (local.get 0)))))
        (func (export "compare") (param i64) (result i32)
          (i32.lt_u (i32.wrap_i64 (local.get 0)) (i32.const 16)))
        (func (export "shift") (param i64) (result i32)
          (i32.shr_u (i32.wrap_i64 (local.get 0)) (i32.const 4)))
        (func (export "float") (param i64) (result f64)
          (f64.convert_i32_u (i32.wrap_i64 (local.get 0))))
        (func (export "select") (param i64) (result i32)
          (select (i32.const 1) (i32.const 2) (i32.wrap_i64 (local.get 0))))
        (func (export "table") (param i64) (result i32)
          (block (block (block (br_table 0 1 2 (i32.wrap_i64 (local.get 0))))
            (return (i32.const 10))) (return (i32.const 20))) (i32.const 30)))"#;
    let dirty = |low: u32| i64s([(0x7bad_bad0_u64 << 32 | u64::from(low)) as i64]);
    check(wat, "wide", &dirty(5), Ok(i64s([5])));
    check(wat, "signed", &dirty(u32::MAX), Ok(i64s([-1])));
    check(wat, "compare", &dirty(3), Ok(i32s([1])));
    check(wat, "shift", &dirty(0x30), Ok(i32s([3])));
    let three = Val::F64(3f64.to_bits());
    check(wat, "float", &dirty(3), Ok(vec![three]));
    check(wat, "select", &dirty(0), Ok(i32s([2])));
    check(wat, "table", &dirty(1), Ok(i32s([20])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn nans_are_the_positive_canonical_one() {
    let wat = r#"(module
        (func (export "add") (param f64) (result f64) (f64.add (local.get 0) (f64.const 1)))
        (func (export "min") (param f64) (result f64) (f64.min (local.get 0) (f64.const 1)))
        (func (export "neg") (param f64) (result f64) (f64.neg (local.get 0)))
        (func (export "promote") (param f32) (result f64) (f64.promote_f32 (local.get 0))))"#;
    let canonical = Val::F64(0x7ff8_0000_0000_0000);
    let payload = Val::F64(0xfff4_0000_dead_beef);
    for export in ["add", "min"] {
        check(wat, export, &[payload], Ok(vec![canonical]));
    }
    let negated = Val::F64(0x7ff4_0000_dead_beef);
    check(wat, "neg", &[payload], Ok(vec![negated]));
    let signalling = Val::F32(0xffa0_0001);
    check(wat, "promote", &[signalling], Ok(vec![canonical]));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn operands_that_instructions_take_in() {
    let wat = r#"(module
        (func (export "madd") (param i32 i32 i32) (result i32)
          (i32.add (i32.mul (local.get 0) (local.get 1)) (local.get 2)))
        (func (export "msub") (param i32 i32 i32) (result i32)
          (i32.sub (local.get 2) (i32.mul (local.get 0) (local.get 1))))
        (func (export "shifted") (param i32 i32 i32) (result i32)
          (i32.sub (local.get 0) (i32.shr_s (local.get 1) (i32.const 33))))
        (func (export "bic") (param i32 i32 i32) (result i32)
          (i32.and (local.get 0) (i32.xor (local.get 1) (i32.const -1))))
        (func (export "field") (param i32 i32 i32) (result i32)
          (i32.and (i32.shr_u (local.get 0) (i32.const 28)) (i32.const 255)))
        (func (export "negative") (param i32 i32 i32) (result i32)
          (i32.lt_s (i32.add (local.get 0) (i32.const -4096)) (i32.const -5)))
        (func (export "wide") (param i32 i32 i32) (result i32)
          (i32.wrap_i64 (i64.shr_u (i64.add (i64.const 0x100000000)
            (i64.mul (i64.extend_i32_s (local.get 0)) (i64.extend_i32_s (local.get 1))))
            (i64.const 32)))))"#;
    check(wat, "madd", &i32s([3, -4, 100]), Ok(i32s([88])));
    check(wat, "msub", &i32s([3, -4, 100]), Ok(i32s([112])));
    check(wat, "shifted", &i32s([10, -7, 0]), Ok(i32s([14])));
    check(wat, "bic", &i32s([0xff, 0x0f, 0]), Ok(i32s([0xf0])));
    check(wat, "field", &i32s([-1, 0, 0]), Ok(i32s([15])));
    check(wat, "negative", &i32s([4090, 0, 0]), Ok(i32s([1])));
    check(wat, "negative", &i32s([4091, 0, 0]), Ok(i32s([0])));
    check(wat, "wide", &i32s([-1, 1, 0]), Ok(i32s([0])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_function_of_thousands_of_merges() {
    let merges = 6_000;
    let mut body = String::new();
    for n in 0..merges {
        let (bit, add) = (1u32 << (n % 31), n + 1);
        body += &format!(
            "(if (i32.and (local.get 0) (i32.const {bit}))
              (then (local.set 1 (i32.add (local.get 1) (i32.const {add}))))
              (else (local.set 2 (i32.xor (local.get 1) (local.get 2)))))\n"
        );
    }
    let wat = format!(
        r#"(module (func (export "f") (param i32) (result i32 i32) (local i32 i32)
            {body} (local.get 1) (local.get 2)))"#
    );
    let arg = 0x2aaa_5555_u32;
    let (mut sum, mut mix) = (0i32, 0i32);
    for n in 0..merges {
        if arg & 1 << (n % 31) != 0 {
            sum = sum.wrapping_add(n + 1);
        } else {
            mix ^= sum;
        }
    }
    check(&wat, "f", &i32s([arg as i32]), Ok(i32s([sum, mix])));
}
