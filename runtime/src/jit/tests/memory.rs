//! Memories and globals: bounds at their edges, guarded and checked; growth; far offsets.

use super::{BOUNDS, Run, check, i32s, i64s};
use crate::trap::TrapKind;
use crate::value::Val;

const OUT: TrapKind = TrapKind::MemoryOutOfBounds;

#[test]
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
        let Some(mut run) = Run::new(wat, bounds) else {
            return;
        };
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

#[test]
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
