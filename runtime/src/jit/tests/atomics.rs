//! Atomics by instructions and by loops, guarded and checked; what traps first; fuel and polls.

use super::{BOUNDS, Run, i32s, i64s};
use crate::engine::{Bounds, Config, Tier};
use crate::trap::TrapKind;
use crate::value::Val;

/// Every way of accessing: instructions or loops, with both ways of checking bounds.
fn configs() -> impl Iterator<Item = Config> {
    BOUNDS.into_iter().flat_map(|bounds| {
        // An emulator without the instructions cannot run their part.
        let host = Config::only(Tier::Jit).has_atomics;
        let mut ways = vec![false, host];
        ways.dedup();
        ways.into_iter().map(move |has_atomics| Config {
            bounds,
            has_atomics,
            ..Config::only(Tier::Jit)
        })
    })
}

/// `[operation, what was there, operand, what is there then]`, in 32 bits.
const READ_MODIFY_WRITE: [(&str, u32, u32, u32); 6] = [
    ("add", 0xffff_fff0, 0x20, 0x10),
    ("sub", 5, 7, 0xffff_fffe),
    ("and", 0xff00_ff0f, 0x0ff0_0ff3, 0x0f00_0f03),
    ("or", 0xf0, 0x8000_000f, 0x8000_00ff),
    ("xor", 0xff, 0xf0f0_f00f, 0xf0f0_f0f0),
    ("xchg", 1, 0xdead_beef, 0xdead_beef),
];

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn operations_read_modify_and_write() {
    for (name, before, operand, after) in READ_MODIFY_WRITE {
        let wat = format!(
            r#"(module (memory 1)
            (func (export "i32") (param i32 i32) (result i32 i32)
              (i32.atomic.store (i32.const 8) (local.get 0))
              (i32.atomic.rmw.{name} (i32.const 8) (local.get 1))
              (i32.atomic.load (i32.const 8)))
            (func (export "i64") (param i64 i64) (result i64 i64)
              (i64.atomic.store offset=8 (i32.const 8) (local.get 0))
              (i64.atomic.rmw.{name} offset=8 (i32.const 8) (local.get 1))
              (i64.atomic.load offset=8 (i32.const 8)))
            (func (export "narrow") (param i64 i64) (result i64 i64)
              (i64.store (i32.const 24) (i64.const -1))
              (i64.atomic.store8 (i32.const 27) (local.get 0))
              (i64.atomic.rmw8.{name}_u (i32.const 27) (local.get 1))
              (i64.load (i32.const 24))))"#
        );
        for config in configs() {
            let mut run = Run::with(&wat, config);
            let [b, o, a] = [before, operand, after].map(|bits| bits as i32);
            assert_eq!(run.call("i32", &i32s([b, o])), Ok(i32s([b, a])), "{name}");
            // The same in the upper half, with nothing below.
            let wide = [before, operand, after].map(|bits| (u64::from(bits) << 32) as i64);
            let expected = Ok(i64s([wide[0], wide[2]]));
            assert_eq!(
                run.call("i64", &i64s([wide[0], wide[1]])),
                expected,
                "{name}"
            );
            let args = i64s([before.into(), operand.into()]);
            let others = !(0xff << 24);
            let expected = [
                i64::from(before & 0xff),
                others | i64::from(after & 0xff) << 24,
            ];
            assert_eq!(run.call("narrow", &args), Ok(i64s(expected)), "{name}");
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn comparing_wraps_the_expected_value_to_the_width_of_the_access() {
    let wat = r#"(module (memory 1 1 shared)
        (func (export "f") (param i64 i64) (result i64 i64)
          (i64.atomic.store (i32.const 0) (i64.const 0x1122334455667788))
          (i64.atomic.rmw16.cmpxchg_u (i32.const 2) (local.get 0) (local.get 1))
          (i64.atomic.load (i32.const 0)))
        (func (export "g") (param i32 i32) (result i32)
          (drop (i32.atomic.rmw.cmpxchg (i32.const 8) (local.get 0) (local.get 1)))
          (i32.atomic.load (i32.const 8))))"#;
    for config in configs() {
        let mut run = Run::with(wat, config);
        let (same, old) = (0x1122_3344_5566_7788, 0x5566);
        let swapped = Ok(i64s([old, 0x1122_3344_abcd_7788]));
        assert_eq!(run.call("f", &i64s([old, 0x9abcd])), swapped);
        assert_eq!(run.call("f", &i64s([0x5567, 1])), Ok(i64s([old, same])));
        let wider = i64s([old | 1 << 40, 0x9abcd]);
        assert_eq!(run.call("f", &wider), swapped);
        assert_eq!(run.call("g", &i32s([0, -7])), Ok(i32s([-7])));
        assert_eq!(run.call("g", &i32s([0, 3])), Ok(i32s([-7])));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn alignment_comes_before_bounds() {
    for memory in ["(memory 1)", "(memory 1 2 shared)"] {
        let wat = format!(
            r#"(module {memory}
            (func (export "f") (param i32) (result i32) (i32.atomic.load (local.get 0)))
            (func (export "g") (param i32)
              (i64.atomic.store offset=4 (local.get 0) (i64.const 1)))
            (func (export "size") (result i32) (memory.size)))"#
        );
        for config in configs() {
            let mut run = Run::with(&wat, config);
            let mut at = |export: &str, at: i32| run.call(export, &i32s([at]));
            assert_eq!(at("f", 65_532), Ok(i32s([0])));
            assert_eq!(at("f", 65_530), Err(TrapKind::UnalignedAtomic));
            assert_eq!(at("f", 65_533), Err(TrapKind::UnalignedAtomic));
            assert_eq!(at("f", -1), Err(TrapKind::UnalignedAtomic));
            assert_eq!(at("f", 65_536), Err(TrapKind::MemoryOutOfBounds));
            assert_eq!(at("f", -4), Err(TrapKind::MemoryOutOfBounds));
            assert_eq!(at("g", 65_524), Ok(vec![]));
            assert_eq!(at("g", 0), Err(TrapKind::UnalignedAtomic));
            assert_eq!(at("g", 65_525), Err(TrapKind::UnalignedAtomic));
            assert_eq!(at("g", 65_532), Err(TrapKind::MemoryOutOfBounds));
            assert_eq!(at("g", -4), Err(TrapKind::MemoryOutOfBounds));
            assert_eq!(run.call("size", &[]), Ok(i32s([1])));
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn waits_and_notifications_go_out_of_line() {
    let wat = r#"(module (memory 1 1 shared)
        (func (export "wait") (param i32 i32) (result i32)
          (memory.atomic.wait32 (local.get 0) (local.get 1) (i64.const 1000)))
        (func (export "notify") (param i32) (result i32)
          (atomic.fence)
          (memory.atomic.notify (local.get 0) (i32.const -1))))"#;
    for config in configs() {
        let mut run = Run::with(wat, config);
        assert_eq!(run.call("wait", &i32s([8, 1])), Ok(i32s([1])));
        assert_eq!(run.call("wait", &i32s([8, 0])), Ok(i32s([2])));
        assert_eq!(
            run.call("wait", &i32s([9, 0])),
            Err(TrapKind::UnalignedAtomic)
        );
        assert_eq!(run.call("notify", &i32s([8])), Ok(i32s([0])));
        let out = Err(TrapKind::MemoryOutOfBounds);
        assert_eq!(run.call("notify", &i32s([65_536])), out);
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn fuel_is_taken_by_segments_and_polls_stop() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
          (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if 0 (local.get 0)))
          (local.get 0)))"#;
    let config = Config {
        fuel: true,
        interruptible: true,
        bounds: Bounds::Guard,
        ..Config::only(Tier::Jit)
    };
    let mut run = Run::with(wat, config);
    run.store.set_fuel(1_000).expect("it is metered");
    assert_eq!(run.call("f", &i32s([10])), Ok(i32s([0])));
    // Each round has six instructions, and behind the loop there is one.
    assert_eq!(
        run.store.get_fuel().expect("it is metered"),
        1_000 - 10 * 6 - 1
    );
    assert_eq!(run.call("f", &i32s([1_000])), Err(TrapKind::OutOfFuel));
    let handle = run.store.interrupt_handle().expect("it is interruptible");
    handle.interrupt();
    assert_eq!(run.call("f", &i32s([1])), Err(TrapKind::Interrupted));
    assert!(!handle.is_pending());
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn addresses_of_values_do_not_matter() {
    // The operand is the address, and the result goes where the operand was.
    let wat = r#"(module (memory 1)
        (func (export "f") (param i32) (result i32)
          (local.set 0 (i32.atomic.rmw.add (local.get 0) (local.get 0)))
          (i32.add (local.get 0) (i32.atomic.rmw.sub (i32.const 64) (i32.const 0)))))"#;
    for config in configs() {
        let mut run = Run::with(wat, config);
        assert_eq!(run.call("f", &i32s([64])), Ok(vec![Val::I32(64)]));
    }
}
