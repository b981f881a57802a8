//! Calls: arguments beyond registers, other instances, host functions that enter again, tail calls.

use std::sync::{Arc, OnceLock};

use super::{BOUNDS, Run, call, check, engine, i32s, i64s, instantiate};
use crate::engine::Bounds;
use crate::error::Error;
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Extern, Func, Store};

fn func_type(params: &[ValType], results: &[ValType]) -> FuncType {
    FuncType {
        params: params.into(),
        results: results.into(),
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn more_arguments_and_results_than_registers() {
    let wat = r#"(module
        (type $many (func (param i32 f32 i64 f64 i32 f32 i64 f64 i32 f32 i64 f64 i32 f32 i64 f64
            i32 f32 i64 f64 i32 f32 i64 f64)
          (result f64 i64 f32 i32 f64 i64 f32 i32 f64 i64 f32 i32 f64 i64 f32 i32
            f64 i64 f32 i32 f64 i64 f32 i32)))
        (func $turn (type $many)
          (local.get 23) (local.get 22) (local.get 21) (local.get 20) (local.get 19)
          (local.get 18) (local.get 17) (local.get 16) (local.get 15) (local.get 14)
          (local.get 13) (local.get 12) (local.get 11) (local.get 10) (local.get 9)
          (local.get 8) (local.get 7) (local.get 6) (local.get 5) (local.get 4)
          (local.get 3) (local.get 2) (local.get 1) (local.get 0))
        (func (export "f") (type $many)
          (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
          (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9)
          (local.get 10) (local.get 11) (local.get 12) (local.get 13) (local.get 14)
          (local.get 15) (local.get 16) (local.get 17) (local.get 18) (local.get 19)
          (local.get 20) (local.get 21) (local.get 22) (local.get 23)
          (call $turn)))"#;
    let value = |n: i32| match n % 4 {
        0 => Val::I32(-n - 1),
        1 => Val::F32((n as f32).to_bits()),
        2 => Val::I64(i64::from(n) << 40),
        _ => Val::F64(f64::from(n).to_bits()),
    };
    let args: Vec<Val> = (0..24).map(value).collect();
    let turned = args.iter().rev().copied().collect();
    check(wat, "f", &args, Ok(turned));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn deep_recursion_ends_as_exhaustion() {
    let wat = r#"(module
        (func $down (export "down") (param i64) (result i64)
          (i64.add (i64.const 1) (call $down (i64.add (local.get 0) (i64.const 1)))))
        (func $count (export "count") (param i64) (result i64)
          (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 0))
            (else (i64.add (i64.const 1)
              (call $count (i64.sub (local.get 0) (i64.const 1))))))))"#;
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        for _ in 0..3 {
            let outcome = run.call("down", &i64s([0]));
            assert_eq!(outcome, Err(TrapKind::StackExhausted));
            assert_eq!(run.call("count", &i64s([5_000])), Ok(i64s([5_000])));
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn tail_calls_need_no_stack() {
    let wat = r#"(module
        (type $step (func (param i64 i64) (result i64)))
        (table funcref (elem $even $odd))
        (func $even (type $step)
          (if (result i64) (i64.eqz (local.get 0)) (then (local.get 1))
            (else (return_call_indirect (type $step)
              (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 2))
              (i32.const 1)))))
        (func $odd (type $step)
          (return_call $even (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))
        (func (export "f") (param i64) (result i64)
          (call $even (local.get 0) (i64.const 0))))"#;
    check(wat, "f", &i64s([1_000_000]), Ok(i64s([1_000_000])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn tail_calls_with_arguments_on_the_value_stack() {
    let wat = r#"(module
        (func $f (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
          (if (result i64) (i64.eqz (local.get 0)) (then (local.get 9))
            (else (return_call $f (i64.sub (local.get 0) (i64.const 1))
              (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6)
              (local.get 7) (local.get 8) (local.get 9) (local.get 1)))))
        (func (export "f") (param i64) (result i64)
          (call $f (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
            (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9))))"#;
    check(wat, "f", &i64s([0]), Ok(i64s([9])));
    check(wat, "f", &i64s([90_004]), Ok(i64s([4])));
}

/// A module whose functions see its own global and memory.
const OTHER: &str = r#"(module
    (memory 1) (data (i32.const 0) "\2a")
    (global $g (mut i32) (i32.const 100))
    (func (export "next") (result i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (global.get $g) (i32.load8_u (i32.const 0)))))"#;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn every_function_runs_in_its_own_instance() {
    for bounds in BOUNDS {
        let engine = engine(bounds);
        let mut store = Store::new(&engine, ());
        let other = instantiate(&mut store, OTHER, &[]);
        let next = other.get_export(&store, "next").expect("it is exported");
        let wat = r#"(module (type $t (func (result i32)))
            (import "other" "next" (func $next (type $t)))
            (memory 1) (data (i32.const 0) "\07")
            (global $g (mut i32) (i32.const 1000))
            (table funcref (elem $next $own))
            (func $own (type $t) (i32.load8_u (i32.const 0)))
            (func $away (type $t) (return_call $next))
            (func (export "direct") (result i32)
              (i32.add (call $next) (i32.add (global.get $g) (i32.load8_u (i32.const 0)))))
            (func (export "indirect") (param i32) (result i32)
              (i32.add (call_indirect (type $t) (local.get 0)) (i32.load8_u (i32.const 0))))
            (func (export "tail") (result i32)
              (i32.add (call $away) (i32.add (global.get $g) (i32.load8_u (i32.const 0))))))"#;
        let instance = instantiate(&mut store, wat, &[next]);
        let func = |store: &Store, name| instance.get_func(store, name).expect("it is exported");
        let (direct, indirect) = (func(&store, "direct"), func(&store, "indirect"));
        let tail = func(&store, "tail");
        assert_eq!(call(&mut store, direct, &[]), Ok(i32s([143 + 1007])));
        assert_eq!(call(&mut store, indirect, &i32s([0])), Ok(i32s([144 + 7])));
        assert_eq!(call(&mut store, indirect, &i32s([1])), Ok(i32s([14])));
        assert_eq!(call(&mut store, tail, &[]), Ok(i32s([145 + 1007])));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn host_functions_take_and_give_values_of_all_types() {
    let engine = engine(Bounds::Guard);
    let mut store = Store::new(&engine, ());
    use ValType::{F32, F64, I32, I64};
    let types = [I32, F32, I64, F64, I32, I32, I32, I32, I32, I32, I32, I32];
    let ty = func_type(&types, &types);
    let host = Func::new(&mut store, ty, |_, args, results| {
        results.copy_from_slice(args);
        results[4..].reverse();
        Ok(())
    });
    let host = host.expect("it can be made");
    let signature = "(param i32 f32 i64 f64 i32 i32 i32 i32 i32 i32 i32 i32)
        (result i32 f32 i64 f64 i32 i32 i32 i32 i32 i32 i32 i32)";
    let wat = format!(
        r#"(module (type $t (func {signature})) (import "" "" (func $h (type $t)))
        (func (export "f") (type $t) (call $h
          (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
          (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10)
          (local.get 11))))"#
    );
    let instance = instantiate(&mut store, &wat, &[Extern::Func(host)]);
    let f = instance.get_func(&store, "f").expect("it is exported");
    let mut args = vec![
        Val::I32(-1),
        Val::F32(0x8000_0001),
        Val::I64(i64::MIN),
        Val::F64(0xfff4_0000_0000_0001),
    ];
    args.extend(i32s([1, 2, 3, 4, 5, 6, 7, -8]));
    let mut expected = args.clone();
    expected[4..].reverse();
    assert_eq!(call(&mut store, f, &args), Ok(expected));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn host_calls_may_enter_again_and_trap_at_any_depth() {
    let engine = engine(Bounds::Guard);
    let mut store = Store::new(&engine, ());
    // The host calls the function below with one less, and passes on how it ends.
    let target = Arc::new(OnceLock::<Func>::new());
    let seen = target.clone();
    let ty = func_type(&[ValType::I32], &[ValType::I32]);
    let again = Func::new(&mut store, ty, move |mut caller, args, results| {
        let &[Val::I32(n)] = args else {
            return Err(Error::usage("a number"));
        };
        let func = seen.get().expect("set below");
        func.call(&mut caller, &[Val::I32(n - 1)], results)
    });
    let again = again.expect("it can be made");
    let wat = r#"(module
        (import "" "" (func $again (param i32) (result i32)))
        (func $f (export "f") (param i32) (result i32) (local i32 i32)
          (local.set 1 (i32.mul (local.get 0) (i32.const 10)))
          (local.set 2 (i32.const 1))
          (if (result i32) (i32.le_s (local.get 0) (i32.const 0))
            (then (i32.div_s (local.get 2) (local.get 0)))
            (else (i32.add (local.get 1)
              (call $again (local.get 0)))))))"#;
    let instance = instantiate(&mut store, wat, &[Extern::Func(again)]);
    let f = instance.get_func(&store, "f").expect("it is exported");
    target.set(f).expect("set once");
    for n in [0, 1, 5] {
        let outcome = call(&mut store, f, &i32s([n]));
        assert_eq!(outcome, Err(TrapKind::IntegerDivideByZero), "{n} deep");
    }
    // 1 / -1, with nothing entered again.
    assert_eq!(call(&mut store, f, &i32s([-1])), Ok(i32s([-1])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn errors_of_host_functions_come_out() {
    let engine = engine(Bounds::Guard);
    let mut store = Store::new(&engine, ());
    let fails = || Err::<(), _>(Error::usage("not today"));
    let host = Func::wrap(&mut store, fails);
    let wat = r#"(module (import "" "" (func $h)) (func (export "f") (call $h)))"#;
    let instance = instantiate(&mut store, wat, &[Extern::Func(host)]);
    let f = instance.get_func(&store, "f").expect("it is exported");
    let error = f.invoke(&mut store, &[]).expect_err("the host fails");
    assert_eq!(error.message, "not today");
}
