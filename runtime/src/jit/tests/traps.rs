//! Traps: each kind from compiled code, with nothing lost below the entry.

use super::{BOUNDS, Run, i32s};
use crate::trap::TrapKind;
use crate::value::Val;

pub(in crate::jit) const WAT: &str = r#"(module
    (type $f (func (result i32))) (type $g (func (param i32)))
    (memory 1) (table $t 3 funcref) (elem (i32.const 0) $one)
    (func $one (type $f) (i32.const 1))
    (func (export "unreachable") (param i32) (result i32) (unreachable))
    (func (export "memory") (param i32) (result i32)
      (i32.load (i32.add (local.get 0) (i32.const 65536))))
    (func (export "div") (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0)))
    (func (export "rem") (param i32) (result i32) (i32.rem_u (i32.const 7) (local.get 0)))
    (func (export "overflow") (param i32) (result i32)
      (i32.div_s (i32.const 0x80000000) (i32.sub (local.get 0) (i32.const 1))))
    (func (export "large") (param i32) (result i32)
      (i32.trunc_f64_s (f64.mul (f64.convert_i32_s (local.get 0)) (f64.const inf))))
    (func (export "range") (param i32) (result i32)
      (i32.wrap_i64 (i64.trunc_f32_u
        (f32.sub (f32.convert_i32_s (local.get 0)) (f32.const 1)))))
    (func (export "undefined") (param i32) (result i32)
      (call_indirect (type $f) (i32.add (local.get 0) (i32.const 3))))
    (func (export "null") (param i32) (result i32)
      (call_indirect (type $f) (i32.add (local.get 0) (i32.const 2))))
    (func (export "mismatch") (param i32) (result i32)
      (call_indirect (type $g) (local.get 0) (local.get 0)) (i32.const 0))
    (func (export "table") (param i32) (result i32)
      (ref.is_null (table.get $t (i32.add (local.get 0) (i32.const 3))))))"#;

/// Export, argument, trap.
pub(in crate::jit) const CASES: &[(&str, i32, TrapKind)] = &[
    ("unreachable", 0, TrapKind::Unreachable),
    ("memory", 0, TrapKind::MemoryOutOfBounds),
    ("div", 0, TrapKind::IntegerDivideByZero),
    ("rem", 0, TrapKind::IntegerDivideByZero),
    ("overflow", 0, TrapKind::IntegerOverflow),
    ("large", 0, TrapKind::InvalidConversionToInteger),
    ("large", 1, TrapKind::IntegerOverflow),
    ("range", 0, TrapKind::IntegerOverflow),
    ("undefined", 0, TrapKind::UndefinedElement),
    ("null", 0, TrapKind::UninitializedElement),
    ("mismatch", 0, TrapKind::IndirectCallTypeMismatch),
    ("table", 0, TrapKind::TableOutOfBounds),
];

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn each_kind_is_told_apart() {
    for bounds in BOUNDS {
        let mut run = Run::new(WAT, bounds);
        let top = run.store.state().cx.top;
        for &(export, arg, kind) in CASES {
            let outcome = run.call(export, &i32s([arg]));
            assert_eq!(outcome, Err(kind), "{export}, {bounds:?}");
            let cx = &run.store.state().cx;
            assert_eq!((cx.top, cx.jit_entry_sp), (top, 0), "{export}");
        }
        assert_eq!(run.call("div", &i32s([2])), Ok(vec![Val::I32(3)]));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_trap_has_no_effects_after_it() {
    let wat = r#"(module (memory 1)
        (func (export "f") (param i32)
          (i32.store (i32.const 0) (i32.const 1))
          (drop (i32.div_u (i32.const 1) (local.get 0)))
          (i32.store (i32.const 0) (i32.const 2)))
        (func (export "get") (result i32) (i32.load (i32.const 0))))"#;
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        let outcome = run.call("f", &i32s([0]));
        assert_eq!(outcome, Err(TrapKind::IntegerDivideByZero));
        assert_eq!(run.call("get", &[]), Ok(i32s([1])));
    }
}
