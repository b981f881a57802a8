//! Garbage-collected objects: fields of all widths, elements, casts by displays, and roots that
//! only registers and the native stack hold, with a collection at every allocation.

use super::{Run, i32s, i64s};
use crate::engine::{Config, Tier};
use crate::trap::TrapKind;

/// With collections when they are due, and at every allocation.
fn configs() -> [Config; 2] {
    [false, true].map(|gc_stress| Config {
        gc_stress,
        ..Config::only(Tier::Jit)
    })
}

#[track_caller]
fn check(wat: &str, calls: &[(&str, i32, Result<i32, TrapKind>)]) {
    for config in configs() {
        let mut run = Run::with(wat, config);
        for &(export, argument, expected) in calls {
            let outcome = run.call(export, &i32s([argument]));
            assert_eq!(outcome, expected.map(|n| i32s([n])), "{export} {argument}");
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn fields_have_their_widths() {
    let wat = r#"(module
        (type $s (struct (field (mut i8)) (field (mut i16)) (field (mut i32)) (field (mut i64))
          (field (mut f32)) (field (mut f64)) (field (ref null $s))))
        (func (export "f") (param i64) (result i64 i64)
          (local $s (ref null $s))
          (local.set $s (struct.new $s (i32.const 0x1ff) (i32.const 0x18000) (i32.const -2)
            (local.get 0) (f32.const 1.5) (f64.const 2.5) (ref.null $s)))
          (struct.set $s 2 (local.get $s)
            (i32.add (struct.get $s 2 (local.get $s)) (i32.const 1)))
          (i64.extend_i32_s (i32.add
            (i32.add (struct.get_s $s 0 (local.get $s)) (struct.get_u $s 1 (local.get $s)))
            (struct.get $s 2 (local.get $s))))
          (i64.add (struct.get $s 3 (local.get $s)) (i64.trunc_f64_s (f64.add
            (f64.promote_f32 (struct.get $s 4 (local.get $s)))
            (struct.get $s 5 (local.get $s)))))))"#;
    for config in configs() {
        let mut run = Run::with(wat, config);
        let expected = Ok(i64s([-1 + 0x8000 - 1, (1 << 40) + 4]));
        assert_eq!(run.call("f", &i64s([1 << 40])), expected);
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn elements_are_checked() {
    let wat = r#"(module
        (type $a (array (mut i16)))
        (type $r (array (mut (ref null $a))))
        (global $a (mut (ref null $a)) (ref.null $a))
        (func (export "get") (param i32) (result i32)
          (array.get_s $a (array.new_fixed $a 3
            (i32.const 1) (i32.const 0xffff) (i32.const 3)) (local.get 0)))
        (func (export "set") (param i32) (result i32)
          (local $x (ref null $a))
          (local.set $x (array.new $a (i32.const 7) (i32.const 4)))
          (array.set $a (local.get $x) (local.get 0) (i32.const 5))
          (i32.add (array.get_u $a (local.get $x) (local.get 0))
            (array.len (local.get $x))))
        (func (export "null") (param i32) (result i32)
          (array.get_s $a (global.get $a) (local.get 0)))
        (func (export "bulk") (param i32) (result i32)
          (local $x (ref null $a)) (local $y (ref null $a))
          (local.set $x (array.new_default $a (i32.const 8)))
          (local.set $y (array.new $a (i32.const 9) (i32.const 8)))
          (array.copy $a $a (local.get $x) (i32.const 2) (local.get $y) (i32.const 0)
            (local.get 0))
          (array.fill $a (local.get $x) (i32.const 0) (i32.const 1) (i32.const 3))
          (i32.add (array.get_u $a (local.get $x) (i32.const 2))
            (array.get_u $a (local.get $x) (i32.const 3)))))"#;
    let out = Err(TrapKind::ArrayOutOfBounds);
    check(
        wat,
        &[
            ("get", 0, Ok(1)),
            ("get", 1, Ok(-1)),
            ("get", 3, out),
            ("get", -1, out),
            ("set", 3, Ok(9)),
            ("set", 4, out),
            ("null", 0, Err(TrapKind::NullArrayReference)),
            ("bulk", 6, Ok(10)),
            ("bulk", 7, out),
        ],
    );
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn casts_go_by_types() {
    let wat = r#"(module
        (type $t0 (sub (struct)))
        (type $t1 (sub $t0 (struct (field i32))))
        (type $t2 (sub $t1 (struct (field i32) (field i32))))
        (type $a (array i32))
        (func $make (param i32) (result anyref)
          (block $two (block $one (block $zero (block $i31 (block $array (block $null
            (br_table $null $zero $one $two $i31 $array (local.get 0)))
            (return (ref.null any)))
            (return (array.new_fixed $a 1 (i32.const 1))))
            (return (ref.i31 (i32.const -3))))
            (return (struct.new $t0)))
            (return (struct.new $t1 (i32.const 11))))
          (struct.new $t2 (i32.const 22) (i32.const 23)))
        (func (export "t1") (param i32) (result i32)
          (ref.test (ref $t1) (call $make (local.get 0))))
        (func (export "null t1") (param i32) (result i32)
          (ref.test (ref null $t1) (call $make (local.get 0))))
        (func (export "struct") (param i32) (result i32)
          (ref.test (ref struct) (call $make (local.get 0))))
        (func (export "array") (param i32) (result i32)
          (ref.test (ref array) (call $make (local.get 0))))
        (func (export "eq") (param i32) (result i32)
          (ref.test (ref eq) (call $make (local.get 0))))
        (func (export "i31") (param i32) (result i32)
          (ref.test i31ref (call $make (local.get 0))))
        (func (export "branch") (param i32) (result i32)
          (block $l (result (ref $t1))
            (br_on_cast $l anyref (ref $t1) (call $make (local.get 0)))
            (return (i31.get_s (ref.cast (ref i31)))))
          (struct.get $t1 0)))"#;
    let mut calls = Vec::new();
    for (export, expected) in [
        ("t1", [0, 0, 1, 1, 0, 0]),
        ("null t1", [1, 0, 1, 1, 0, 0]),
        ("struct", [0, 1, 1, 1, 0, 0]),
        ("array", [0, 0, 0, 0, 0, 1]),
        ("eq", [0, 1, 1, 1, 1, 1]),
        ("i31", [1, 0, 0, 0, 1, 0]),
    ] {
        calls.extend((0..).zip(expected).map(|(n, is_it)| (export, n, Ok(is_it))));
    }
    calls.extend([
        ("branch", 0, Err(TrapKind::CastFailure)),
        ("branch", 1, Err(TrapKind::CastFailure)),
        ("branch", 2, Ok(11)),
        ("branch", 3, Ok(22)),
        ("branch", 4, Ok(-3)),
    ]);
    check(wat, &calls);
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn what_registers_hold_stays_alive() {
    // A list is built by a recursion whose frames alone hold what was made before; many locals
    // fill the registers, and an address of an element outlives the array's reference.
    let wat = r#"(module
        (type $n (struct (field (mut i32)) (field (mut (ref null $n)))))
        (type $a (array (mut (ref null $n))))
        (func $build (param i32) (result (ref null $n))
          (local $n (ref null $n))
          (if (i32.eqz (local.get 0)) (then (return (ref.null $n))))
          (local.set $n (struct.new $n (local.get 0) (ref.null $n)))
          (struct.set $n 1 (local.get $n) (call $build (i32.sub (local.get 0) (i32.const 1))))
          (local.get $n))
        (func (export "list") (param i32) (result i32)
          (local $n (ref null $n)) (local $sum i32)
          (local.set $n (call $build (local.get 0)))
          (block $end (loop $next
            (br_if $end (ref.is_null (local.get $n)))
            (local.set $sum (i32.add (local.get $sum) (struct.get $n 0 (local.get $n))))
            (local.set $n (struct.get $n 1 (local.get $n)))
            (br $next)))
          (local.get $sum))
        (func (export "array") (param $len i32) (result i32)
          (local $a (ref null $a)) (local $i i32) (local $sum i32)
          (local.set $a (array.new_default $a (local.get $len)))
          (loop $next
            (array.set $a (local.get $a) (local.get $i)
              (struct.new $n (local.get $i) (array.get $a (local.get $a) (i32.const 0))))
            (local.set $sum (i32.add (local.get $sum)
              (struct.get $n 0 (array.get $a (local.get $a) (local.get $i)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (local.get $len))))
          (local.get $sum)))"#;
    check(
        wat,
        &[("list", 200, Ok(20_100)), ("array", 300, Ok(44_850))],
    );
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn an_allocation_out_of_line_changes_no_register() {
    let wat = r#"(module (type $s (struct (field i64)))
        (func (export "f") (param i64 f64) (result i64 f64)
          (local i64 i64 i64 f64 f64)
          (local.set 2 (i64.mul (local.get 0) (i64.const 3)))
          (local.set 3 (i64.mul (local.get 0) (i64.const 5)))
          (local.set 5 (f64.mul (local.get 1) (f64.const 2)))
          (local.set 4 (struct.get $s 0 (struct.new $s (local.get 0))))
          (local.set 6 (f64.add (local.get 5) (local.get 1)))
          (i64.add (i64.add (local.get 2) (local.get 3)) (local.get 4))
          (local.get 6)))"#;
    use crate::value::Val;
    for config in configs() {
        let mut run = Run::with(wat, config);
        let args = [Val::I64(7), Val::F64(1.5f64.to_bits())];
        let expected = vec![Val::I64(63), Val::F64(4.5f64.to_bits())];
        assert_eq!(run.call("f", &args), Ok(expected));
    }
}
