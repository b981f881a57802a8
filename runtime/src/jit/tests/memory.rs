//! Memories and globals: bounds at their edges, guarded and checked; growth; far offsets.

use super::{BOUNDS, Run, check, i32s, i64s};
use crate::trap::TrapKind;
use crate::value::Val;

const OUT: TrapKind = TrapKind::MemoryOutOfBounds;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn bounds_are_exact() {
    let wat = r#"(module (memory 1 3)
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "far") (param i32) (result i32) (i32.load offset=65000 (local.get 0)))
        (func (export "farthest") (param i32) (result i32)
          (i32.load8_u offset=0xffffffff (local.get 0)))
        (func (export "store") (param i32) (i64.store offset=8 (local.get 0) (i64.const -1)))
        (func (export "known") (result i32) (i32.load offset=4 (i32.const 65528)))
        (func (export "unused") (param i32) (drop (i32.load8_s (local.get 0))))
        (func (export "grow") (result i32) (memory.grow (i32.const 1))))"#;
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        let at = |run: &mut Run, export: &str, address: i32| run.call(export, &i32s([address]));
        assert_eq!(at(&mut run, "load", 65_532), Ok(i32s([0])));
        assert_eq!(at(&mut run, "load", 65_533), Err(OUT));
        assert_eq!(at(&mut run, "load", -1), Err(OUT));
        assert_eq!(at(&mut run, "far", 532), Ok(i32s([0])));
        assert_eq!(at(&mut run, "far", 533), Err(OUT));
        assert_eq!(at(&mut run, "farthest", 0), Err(OUT));
        assert_eq!(at(&mut run, "farthest", -1), Err(OUT));
        assert_eq!(at(&mut run, "store", 65_520), Ok(vec![]));
        assert_eq!(at(&mut run, "store", 65_521), Err(OUT));
        assert_eq!(run.call("known", &[]), Ok(i32s([-1])));
        assert_eq!(at(&mut run, "unused", 65_535), Ok(vec![]));
        assert_eq!(at(&mut run, "unused", 65_536), Err(OUT));
        assert_eq!(run.call("grow", &[]), Ok(i32s([1])));
        assert_eq!(at(&mut run, "load", 65_533), Ok(i32s([0x00ff_ffff])));
        assert_eq!(at(&mut run, "load", 2 * 65_536 - 3), Err(OUT));
    }
}

/// Stores of 32 bits in loops of several forms: from `p` on, `n` of them, `s` bytes apart. Each
/// gives the address after the last, so that values leave both versions of the loop.
const FILLS: &str = r#"(module (memory 1)
    (func (export "up") (param $p i32) (param $n i32) (param $s i32) (result i32)
      (loop $l
        (i32.store (local.get $p) (i32.const 0x01010101))
        (local.set $p (i32.add (local.get $p) (i32.const 4)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $p))
    (func (export "down") (param $p i32) (param $n i32) (param $s i32) (result i32) (local $i i32)
      (loop $l
        (i32.store (local.get $p) (i32.const 0x01010101))
        (local.set $p (i32.sub (local.get $p) (i32.const 4)))
        (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (local.get $n))))
      (local.get $p))
    (func (export "strided") (param $p i32) (param $n i32) (param $s i32) (result i32)
      (loop $l
        (i32.store (local.get $p) (i32.const 0x01010101))
        (local.set $p (i32.add (local.get $p) (local.get $s)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $p))
    (func (export "counted") (param $p i32) (param $n i32) (param $s i32) (result i32)
      (local $i i32)
      (block $out
        (loop $l
          (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
          (i32.store (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2)))
            (i32.const 0x01010101))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $l)))
      (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2))))
    (func (export "to") (param $p i32) (param $n i32) (param $s i32) (result i32) (local $end i32)
      (local.set $end (i32.add (local.get $p) (i32.shl (local.get $n) (i32.const 2))))
      (loop $l
        (i32.store (local.get $p) (i32.const 0x01010101))
        (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 4)))
          (local.get $end))))
      (local.get $p))
    (func (export "past") (param $p i32) (param $n i32) (param $s i32) (result i32)
      (loop $l
        (i32.store (local.get $p) (i32.const 0x01010101))
        (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 4)))
          (i32.const 65533))))
      (local.get $p))
    (func (export "pair") (param $p i32) (param $n i32) (param $s i32) (result i32)
      (loop $l
        (i32.store (i32.add (local.get $p) (i32.const -2)) (i32.const 0x01010101))
        (i32.store (i32.add (local.get $p) (i32.const 2)) (i32.const 0x01010101))
        (local.set $p (i32.add (local.get $p) (i32.const 8)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $p))
    (func (export "sum") (result i32) (local $p i32) (local $sum i32)
      (loop $l
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $p))))
        (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 1)))
          (i32.const 65536))))
      (local.get $sum))
    (func (export "clear")
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))))"#;

/// The addresses that a form stores to, without an end if `rounds` is `None`.
fn addresses(form: &str, p: i32, n: i32, s: i32) -> (Vec<i32>, i32, Option<u32>) {
    let step = match form {
        "down" => -4,
        "strided" => s,
        "pair" => 8,
        _ => 4,
    };
    let rounds = match form {
        "down" => Some(n.max(1) as u32),
        "counted" => Some(n as u32),
        "past" => None,
        _ => Some(n as u32).filter(|&n| n > 0),
    };
    let at = if form == "pair" {
        vec![p - 2, p + 2]
    } else {
        vec![p]
    };
    (at, step, rounds)
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn loops_with_two_versions_trap_in_their_round() {
    let forms = ["up", "down", "strided", "counted", "to", "past", "pair"];
    let starts = [0, 2, 4, 60_000, 65_524, 65_530, 65_532, 65_536, -4, -2];
    for bounds in BOUNDS {
        let mut run = Run::new(FILLS, bounds);
        for form in forms {
            for (start, n, s) in starts
                .into_iter()
                .flat_map(|start| [1, 2, 3, 9, 1000].map(|n| (start, n)))
                .flat_map(|(start, n)| [0, 8, -8].map(|s| (start, n, s)))
                .filter(|&(_, _, s)| form == "strided" || s == 0)
            {
                assert_eq!(run.call("clear", &[]), Ok(vec![]));
                let case = format!("{form} {start} {n} {s}, {bounds:?}");
                let (at, step, rounds) = addresses(form, start, n, s);
                let mut memory = vec![0u8; 65_536];
                let mut round = 0;
                let expected = loop {
                    if rounds == Some(round) {
                        break Ok(i32s([start.wrapping_add(step.wrapping_mul(round as i32))]));
                    }
                    let moved = step.wrapping_mul(round as i32);
                    let mut ranges = at.iter().map(|&at| {
                        let at = at.wrapping_add(moved) as u32 as usize;
                        memory.get_mut(at..at + 4).map(|bytes| bytes.fill(1))
                    });
                    if ranges.any(|done| done.is_none()) {
                        break Err(OUT);
                    }
                    round += 1;
                };
                assert_eq!(run.call(form, &i32s([start, n, s])), expected, "{case}");
                let sum = memory.iter().map(|&byte| i32::from(byte)).sum();
                assert_eq!(run.call("sum", &[]), Ok(i32s([sum])), "{case}");
            }
        }
    }
}

/// The trap is that of the first access that is outside, although one check is made for several.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn combined_checks_name_the_access_that_is_outside() {
    let wat = r#"(module (memory 1)
        (func (export "f") (param i32 i32) (result i32)
          (i32.add
            (i32.add (i32.load offset=4 (local.get 0)) (i32.load8_u offset=2 (local.get 1)))
            (i32.add
              (i32.add (i32.load offset=8 (local.get 0)) (i32.load offset=16 (local.get 1)))
              (i32.load offset=256 (local.get 0))))))"#;
    let (a, b) = (65_536 - 260, 65_536 - 20);
    let cases = [
        (a, b, None),
        (a + 1, b, Some(4)),
        (a, b + 1, Some(3)),
        (a + 1, b + 1, Some(3)),
        (65_529, b, Some(0)),
        (65_525, b, Some(2)),
        (65_525, b + 18, Some(1)),
        (65_524, b + 1, Some(3)),
        (65_524, b, Some(4)),
        (-1, -1, Some(0)),
        (0, -1, Some(1)),
    ];
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        let mut seen = std::collections::BTreeMap::new();
        for (a, b, access) in cases {
            let func = run
                .instance
                .get_func(&run.store, "f")
                .expect("it is exported");
            match (func.invoke(&mut run.store, &i32s([a, b])), access) {
                (Ok(_), None) => {}
                (Err(error), Some(access)) => {
                    assert_eq!(error.trap_kind(), Some(OUT));
                    let at = error.backtrace().expect("it was running").frames()[0].offset_bytes;
                    let known = *seen.entry(access).or_insert(at);
                    assert_eq!(known, at, "{a}, {b}, {bounds:?}");
                }
                (outcome, _) => panic!("{a}, {b}, {bounds:?}: {outcome:?}"),
            }
        }
        let places: Vec<_> = seen.into_values().collect();
        assert!(places.is_sorted() && places.windows(2).all(|two| two[0] != two[1]));
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn a_base_that_moves_is_loaded_again() {
    let wat = r#"(module (memory 1 100)
        (func (export "f") (result i32)
          (i32.store (i32.const 0) (i32.const 7))
          (drop (memory.grow (i32.const 90)))
          (i32.store (i32.const 4) (i32.const 8))
          (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 4)))))"#;
    check(wat, "f", &[], Ok(i32s([15])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn widths_and_extensions() {
    let wat = r#"(module (memory 1) (data (i32.const 8) "\80\ff\fe\ff\ff\ff\ff\7f")
        (func (export "s8") (result i32) (i32.load8_s (i32.const 8)))
        (func (export "u16") (result i32) (i32.load16_u (i32.const 8)))
        (func (export "s16") (result i64) (i64.load16_s (i32.const 8)))
        (func (export "s32") (result i64) (i64.load32_s (i32.const 8)))
        (func (export "narrow") (param i64) (result i64)
          (i64.store16 (i32.const 32) (local.get 0)) (i64.load (i32.const 32)))
        (func (export "masked") (param i32) (result i32)
          (i32.store8 (i32.const 40) (i32.and (local.get 0) (i32.const 0x1ff)))
          (i32.load (i32.const 40))))"#;
    check(wat, "s8", &[], Ok(i32s([-128])));
    check(wat, "u16", &[], Ok(i32s([0xff80])));
    check(wat, "s16", &[], Ok(i64s([-128])));
    check(wat, "s32", &[], Ok(i64s([-65_664])));
    check(wat, "narrow", &i64s([-2]), Ok(i64s([0xfffe])));
    check(wat, "masked", &i32s([0x7fff]), Ok(i32s([0xff])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn loops_over_memory_share_addresses() {
    let wat = r#"(module (memory 1)
        (func (export "sum") (param $n i32) (result i32)
          (local $i i32) (local $sum i32)
          (loop $fill
            (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $i))
            (i32.store offset=4096 (i32.shl (local.get $i) (i32.const 2)) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $fill (i32.lt_u (local.get $i) (local.get $n))))
          (loop $add
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (local.set $sum (i32.add (local.get $sum)
              (i32.add (i32.load (i32.shl (local.get $i) (i32.const 2)))
                (i32.load offset=4096 (i32.shl (local.get $i) (i32.const 2))))))
            (br_if $add (local.get $i)))
          (local.get $sum)))"#;
    check(wat, "sum", &i32s([100]), Ok(i32s([9_900])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn globals_keep_their_values() {
    let wat = r#"(module
        (global $i (mut i32) (i32.const -1)) (global $f (mut f32) (f32.const 1.5))
        (global $k i64 (i64.const 5))
        (func (export "f") (param i32) (result i32 f32 i64)
          (global.set $i (i32.add (global.get $i) (local.get 0)))
          (global.set $f (f32.add (global.get $f) (f32.const 1)))
          (global.get $i) (global.get $f) (global.get $k)))"#;
    let expected = vec![Val::I32(9), Val::F32(2.5f32.to_bits()), Val::I64(5)];
    check(wat, "f", &i32s([10]), Ok(expected));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn bulk_operations_go_out_of_line() {
    let wat = r#"(module (memory 1) (data $d "abcdef")
        (func (export "f") (result i64)
          (memory.init $d (i32.const 0) (i32.const 1) (i32.const 4))
          (memory.fill (i32.const 4) (i32.const 0x141) (i32.const 2))
          (memory.copy (i32.const 6) (i32.const 0) (i32.const 2))
          (data.drop $d)
          (i64.load (i32.const 0)))
        (func (export "out") (param i32)
          (memory.fill (i32.const 65535) (i32.const 1) (local.get 0))))"#;
    let expected = i64::from_le_bytes(*b"bcdeAAbc");
    check(wat, "f", &[], Ok(i64s([expected])));
    check(wat, "out", &i32s([1]), Ok(vec![]));
    check(wat, "out", &i32s([2]), Err(OUT));
}
