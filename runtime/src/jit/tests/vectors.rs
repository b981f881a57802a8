//! Vectors: operations that one instruction takes in together, shuffles by pattern and by table,
//! constants, and vectors at merges, calls and under register pressure. (`register/tests/vectors`
//! runs every row by itself in this tier too.)

use super::{BOUNDS, Run, check, i32s, i64s};
use crate::simd::{self, V128};
use crate::value::Val;

/// Vectors with small and large lanes of every width, signs, infinities and NaNs.
const VECTORS: [u128; 8] = [
    0,
    u128::MAX,
    0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100,
    0x8000_7fff_0001_ffff_8000_0000_7fff_ffff,
    0x8080_8080_8080_8080_7f7f_7f7f_7f7f_7f7f,
    0x7fc0_0000_3f80_0000_8000_0000_ff80_0000,
    0x7ff0_0000_0000_0001_fff0_0000_0000_0000,
    0xff80_7f81_40c0_1011_f0e1_d2c3_b4a5_9687,
];

type Meaning = fn(V128, V128, V128) -> V128;

/// Expressions of three vectors, and what they mean.
const TOGETHER: &[(&str, Meaning)] = &[
    (
        "(i16x8.add (local.get 0) (i16x8.mul (local.get 1) (local.get 2)))",
        |a, b, c| simd::i16x8_add(a, simd::i16x8_mul(b, c)),
    ),
    (
        "(i32x4.add (i32x4.mul (local.get 1) (local.get 2)) (local.get 0))",
        |a, b, c| simd::i32x4_add(a, simd::i32x4_mul(b, c)),
    ),
    (
        "(i32x4.sub (local.get 0) (i32x4.mul (local.get 1) (local.get 2)))",
        |a, b, c| simd::i32x4_sub(a, simd::i32x4_mul(b, c)),
    ),
    (
        "(i32x4.sub (i32x4.mul (local.get 1) (local.get 2)) (local.get 0))",
        |a, b, c| simd::i32x4_sub(simd::i32x4_mul(b, c), a),
    ),
    (
        "(i64x2.add (local.get 0) (i64x2.mul (local.get 1) (local.get 2)))",
        |a, b, c| simd::i64x2_add(a, simd::i64x2_mul(b, c)),
    ),
    (
        "(i64x2.add (local.get 0) (i32x4.mul (local.get 1) (local.get 2)))",
        |a, b, c| simd::i64x2_add(a, simd::i32x4_mul(b, c)),
    ),
    (
        "(i16x8.add (local.get 0) (i16x8.extmul_high_i8x16_s (local.get 1) (local.get 2)))",
        |a, b, c| simd::i16x8_add(a, simd::i16x8_extmul_high_i8x16_s(b, c)),
    ),
    (
        "(i64x2.sub (local.get 0) (i64x2.extmul_low_i32x4_u (local.get 1) (local.get 2)))",
        |a, b, c| simd::i64x2_sub(a, simd::i64x2_extmul_low_i32x4_u(b, c)),
    ),
    (
        "(i32x4.add (i32x4.extend_high_i16x8_u (local.get 1)) (local.get 0))",
        |a, b, _| simd::i32x4_add(a, simd::i32x4_extend_high_i16x8_u(b)),
    ),
    (
        "(i32x4.sub (local.get 0) (i32x4.extend_low_i16x8_s (local.get 1)))",
        |a, b, _| simd::i32x4_sub(a, simd::i32x4_extend_low_i16x8_s(b)),
    ),
    (
        "(i32x4.sub (i32x4.extend_low_i16x8_s (local.get 1)) (local.get 0))",
        |a, b, _| simd::i32x4_sub(simd::i32x4_extend_low_i16x8_s(b), a),
    ),
    (
        "(i32x4.add (local.get 0) (i32x4.extadd_pairwise_i16x8_u (local.get 1)))",
        |a, b, _| simd::i32x4_add(a, simd::i32x4_extadd_pairwise_i16x8_u(b)),
    ),
    (
        "(i16x8.sub (local.get 0) (i16x8.extadd_pairwise_i8x16_s (local.get 1)))",
        |a, b, _| simd::i16x8_sub(a, simd::i16x8_extadd_pairwise_i8x16_s(b)),
    ),
    (
        "(v128.and (v128.not (local.get 0)) (local.get 1))",
        |a, b, _| simd::v128_andnot(b, a),
    ),
    (
        "(v128.or (local.get 0) (v128.not (local.get 1)))",
        |a, b, _| simd::v128_or(a, simd::v128_not(b)),
    ),
    (
        "(v128.bitselect (local.get 2) (local.get 0) (local.get 0))",
        |a, _, c| simd::v128_bitselect(c, a, a),
    ),
    (
        "(f32x4.add (f32x4.mul (local.get 0) (local.get 1)) (local.get 2))",
        |a, b, c| simd::f32x4_relaxed_madd(a, b, c),
    ),
    (
        "(i16x8.eq (local.get 0) (i16x8.splat (i32.const 0)))",
        |a, _, _| simd::i16x8_eq(a, V128::from_bits(0)),
    ),
    (
        "(i64x2.ne (local.get 0) (v128.const i64x2 0 0))",
        |a, _, _| simd::i64x2_ne(a, V128::from_bits(0)),
    ),
    (
        "(i8x16.le_s (local.get 0) (v128.const i64x2 0 0))",
        |a, _, _| simd::i8x16_le_s(a, V128::from_bits(0)),
    ),
    (
        "(i8x16.gt_u (local.get 0) (v128.const i64x2 0 0))",
        |a, _, _| simd::i8x16_gt_u(a, V128::from_bits(0)),
    ),
    (
        "(f64x2.lt (local.get 0) (v128.const i64x2 0 0))",
        |a, _, _| simd::f64x2_lt(a, V128::from_bits(0)),
    ),
    (
        "(f32x4.ne (local.get 0) (v128.const i64x2 0 0))",
        |a, _, _| simd::f32x4_ne(a, V128::from_bits(0)),
    ),
    (
        "(f32x4.replace_lane 2 (local.get 0) (f32x4.extract_lane 0 (local.get 1)))",
        |a, b, _| simd::f32x4_replace_lane(a, 2, simd::f32x4_extract_lane(b, 0)),
    ),
    (
        "(f64x2.splat (f64.add (f64x2.extract_lane 0 (local.get 0)) (f64.const 1)))",
        |a, _, _| simd::f64x2_splat(crate::numeric::f64_add(simd::f64x2_extract_lane(a, 0), 1.0)),
    ),
];

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn operations_taken_in_together() {
    let mut wat = String::from("(module");
    for (n, (text, _)) in TOGETHER.iter().enumerate() {
        wat += &format!("(func (export \"{n}\") (param v128 v128 v128) (result v128) {text})\n");
    }
    let mut run = Run::new(&(wat + ")"), BOUNDS[0]);
    for (n, (text, meaning)) in TOGETHER.iter().enumerate() {
        for at in 0..VECTORS.len() * VECTORS.len() {
            let (i, j) = (at % VECTORS.len(), at / VECTORS.len());
            let operands = [i, j, (i + 3 * j) % VECTORS.len()].map(|n| VECTORS[n]);
            let [a, b, c] = operands.map(V128::from_bits);
            let got = run.call(&n.to_string(), &operands.map(Val::V128));
            let want = vec![Val::V128(meaning(a, b, c).to_bits())];
            assert_eq!(got, Ok(want), "{text} {operands:x?}");
        }
    }
}

/// Numbers of bytes for shuffles: every rotation of the 32, every permutation that A64 has by its
/// definition over lanes, single lanes repeated and put in, and some without a pattern.
fn shuffles() -> Vec<[u8; 16]> {
    let from = |f: &dyn Fn(u8) -> u8| -> [u8; 16] { std::array::from_fn(|i| f(i as u8) % 32) };
    let mut all = Vec::new();
    for n in 0..32 {
        all.push(from(&|i| i + n));
        all.push(from(&|i| (i + n) % 16));
        all.push(from(&|_| n));
        all.push(from(&|i| i * 5 + n));
    }
    for size in [1, 2, 4, 8u8] {
        let count = 16 / size;
        let lanes = |f: &dyn Fn(u8) -> u8| from(&|i| f(i / size) * size + i % size);
        for flip in [0, count] {
            for half in [0, 1] {
                all.push(lanes(&|n| {
                    (n % 2 * count + n / 2 + half * count / 2) ^ flip
                }));
                all.push(lanes(&|n| (2 * n + half) ^ flip));
                all.push(lanes(&|n| (n % 2 * count + (n & !1) + half) ^ flip));
                all.push(lanes(&|n| (n / 2 + half * count / 2) ^ flip));
            }
            for other in 0..2 * count {
                all.push(lanes(&|_| other));
                all.push(lanes(&|n| if n == count - 1 { other } else { n ^ flip }));
                all.push(lanes(&|n| n ^ other));
            }
        }
    }
    all
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn shuffles_of_every_pattern() {
    let shuffles = shuffles();
    let mut wat = String::from("(module");
    for (n, lanes) in shuffles.iter().enumerate() {
        let lanes = lanes.map(|lane| lane.to_string()).join(" ");
        for (name, a, b) in [("two", 0, 1), ("one", 0, 0)] {
            wat += &format!(
                "(func (export \"{name} {n}\") (param v128 v128) (result v128)
                   (i8x16.shuffle {lanes} (local.get {a}) (local.get {b})))\n"
            );
        }
    }
    let mut run = Run::new(&(wat + ")"), BOUNDS[0]);
    let (a, b) = (VECTORS[2], VECTORS[7]);
    let args = [a, b].map(Val::V128);
    for (n, &lanes) in shuffles.iter().enumerate() {
        for (name, second) in [("two", b), ("one", a)] {
            let want = simd::i8x16_shuffle(V128::from_bits(a), V128::from_bits(second), lanes);
            let got = run.call(&format!("{name} {n}"), &args);
            assert_eq!(got, Ok(vec![Val::V128(want.to_bits())]), "{name} {lanes:?}");
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn constants_of_every_kind() {
    let mut constants = VECTORS.to_vec();
    let wide = |lane: u64| u128::from(lane) << 64 | u128::from(lane);
    let repeated = [0x7f, 0x8080, 0x1200, 0xff34, 0x34ff].map(|h: u64| h * 0x0001_0001_0001_0001);
    constants.extend(repeated.map(wide));
    let words = [
        0x12,
        0x1200,
        0x12_0000,
        0xff00_0000,
        0xffff_ff34,
        0x34ff_ffff,
        0x0102_0000u64,
    ];
    constants.extend(words.map(|word| wide(word << 32 | word)));
    constants.extend([1.0f32, -31.0, 0.1].map(|f| wide(u64::from(f.to_bits()) * 0x1_0000_0001)));
    constants.extend([1.0f64, -0.125, 0.1].map(|f| wide(f.to_bits())));
    constants.extend([1, 1 << 127, 0xff << 56]);
    let function = |bits: &u128| {
        let (low, high) = (*bits as i64, (*bits >> 64) as i64);
        format!("(func (export \"{bits:x}\") (result v128) (v128.const i64x2 {low} {high}))\n")
    };
    let wat: String = constants.iter().map(function).collect();
    for bits in &constants {
        let module = format!("(module {wat})");
        check(
            &module,
            &format!("{bits:x}"),
            &[],
            Ok(vec![Val::V128(*bits)]),
        );
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn truth_of_vectors_decides_branches() {
    let wat = r#"(module
        (func (export "any") (param v128) (result i32)
          (if (result i32) (v128.any_true (local.get 0)) (then (i32.const 7)) (else (i32.const 8))))
        (func (export "not any") (param v128) (result i32)
          (select (i32.const 7) (i32.const 8) (i32.eqz (v128.any_true (local.get 0)))))
        (func (export "all") (param v128) (result i32)
          (if (result i32) (i64x2.all_true (local.get 0))
            (then (i32.const 7)) (else (i32.const 8))))
        (func (export "bytes") (param v128) (result i32)
          (block (br_if 0 (i32.eqz (i8x16.all_true (local.get 0)))) (return (i32.const 7)))
          (i32.const 8)))"#;
    let high = 1u128 << 127;
    for (export, arg, expected) in [
        ("any", 0, 8),
        ("any", high, 7),
        ("not any", 0, 7),
        ("not any", 1, 8),
        ("all", high, 8),
        ("all", high | 1, 7),
        ("bytes", high | 1, 8),
        ("bytes", u128::MAX, 7),
    ] {
        check(wat, export, &[Val::V128(arg)], Ok(i32s([expected])));
    }
}

/// The whole vector survives calls and spilling, which keep only lower halves of d8 to d15 by C's
/// convention.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn vectors_live_over_calls_and_in_spill_slots() {
    let count = 45;
    let mut body = String::new();
    for n in 1..=count {
        body +=
            &format!("(local.set {n} (i32x4.mul (local.get 0) (i32x4.splat (i32.const {n}))))\n");
    }
    let mut sum = "(local.get 0)".to_owned();
    for n in 1..=count {
        sum = format!("(i64x2.sub (local.get {n}) {sum})");
    }
    let locals = vec!["v128"; count].join(" ");
    let wat = format!(
        r#"(module (memory 1)
        (func $grow (param v128) (result v128) (drop (memory.grow (i32.const 0))) (local.get 0))
        (func (export "f") (param v128) (result v128) (local {locals})
          {body} (local.set 0 (call $grow (local.get 0))) {sum}))"#
    );
    for bits in VECTORS {
        let a = V128::from_bits(bits);
        let product = |n: usize| simd::i32x4_mul(a, simd::i32x4_splat(n as u32));
        let want = (1..=count).fold(a, |sum, n| simd::i64x2_sub(product(n), sum));
        check(
            &wat,
            "f",
            &[Val::V128(bits)],
            Ok(vec![Val::V128(want.to_bits())]),
        );
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn more_vectors_than_registers_are_passed_and_given_back() {
    let wat = r#"(module
        (type $many (func (param v128 f64 v128 v128 i32 v128 v128 v128 v128 v128 v128 f32)
          (result f32 v128 v128 v128 v128 v128 v128 i32 v128 v128 f64 v128)))
        (func $turn (type $many)
          (local.get 11) (local.get 10) (local.get 9) (local.get 8) (local.get 7) (local.get 6)
          (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
        (func (export "f") (type $many)
          (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
          (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11)
          (call $turn)))"#;
    let mut args: Vec<Val> = VECTORS
        .iter()
        .map(|&bits| Val::V128(bits ^ 5 << 64))
        .collect();
    args.insert(1, Val::F64(1.5f64.to_bits()));
    args.insert(4, Val::I32(-3));
    args.push(Val::V128(77 << 70 | 3));
    args.push(Val::F32(2.5f32.to_bits()));
    let turned = args.iter().rev().copied().collect();
    check(wat, "f", &args, Ok(turned));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn vectors_meet_in_loops_and_globals() {
    let wat = r#"(module
        (global $g (mut v128) (v128.const i32x4 1 2 3 4))
        (func (export "f") (param i32) (result v128 v128)
          (local $a v128) (local $b v128) (local $t v128)
          (local.set $a (v128.const i8x16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0))
          (loop $next
            (local.set $t (local.get $a))
            (local.set $a (i8x16.shuffle 31 0 16 1 17 2 30 15 8 24 9 3 3 3 19 7
              (local.get $b) (local.get $t)))
            (local.set $b (select (local.get $t) (global.get $g)
              (i32.and (local.get 0) (i32.const 1))))
            (global.set $g (i8x16.add (global.get $g) (i8x16.splat (i32.const 3))))
            (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (local.get $a) (local.get $b)))"#;
    const LANES: [u8; 16] = [31, 0, 16, 1, 17, 2, 30, 15, 8, 24, 9, 3, 3, 3, 19, 7];
    let mut a = V128::from_bits(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
    let (mut b, mut g) = (
        V128::from_bits(0),
        V128::from_bits(4 << 96 | 3 << 64 | 2 << 32 | 1),
    );
    for n in (1..=9).rev() {
        let t = a;
        a = simd::i8x16_shuffle(b, t, LANES);
        b = if n & 1 == 1 { t } else { g };
        g = simd::i8x16_add(g, simd::i8x16_splat(3));
    }
    let want = [a, b].map(|v| Val::V128(v.to_bits())).to_vec();
    check(wat, "f", &i32s([9]), Ok(want));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn wide_numbers_of_which_one_half_is_used() {
    let wat = r#"(module
        (func (export "high") (param i64 i64) (result i64)
          (local i64) (i64.mul_wide_u (local.get 0) (local.get 1))
          (local.set 2) (drop) (local.get 2))
        (func (export "low") (param i64 i64) (result i64)
          (i64.mul_wide_s (local.get 0) (local.get 1)) (drop))
        (func (export "carry") (param i64 i64) (result i64)
          (local i64)
          (i64.add128 (local.get 0) (i64.const 0) (local.get 1) (i64.const 0))
          (local.set 2) (drop) (local.get 2)))"#;
    for bounds in BOUNDS {
        let mut run = Run::new(wat, bounds);
        assert_eq!(run.call("high", &i64s([-1, 3])), Ok(i64s([2])));
        assert_eq!(run.call("low", &i64s([-2, 3])), Ok(i64s([-6])));
        assert_eq!(run.call("carry", &i64s([-1, 1])), Ok(i64s([1])));
        assert_eq!(run.call("carry", &i64s([-1, 0])), Ok(i64s([0])));
    }
}
