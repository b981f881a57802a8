//! Values that live across a call that may throw, more of each kind than there are registers: what
//! a handler finds is what was there at the call. Tiers are compared with each other.

use std::fmt::Write as _;

use super::*;

/// How many locals there are of each type.
const COUNTS: [(&str, usize); 6] = [
    ("i64", 24),
    ("i32", 6),
    ("f64", 20),
    ("f32", 6),
    ("v128", 20),
    ("exnref", 6),
];

fn locals() -> impl Iterator<Item = (&'static str, String)> {
    let of = |(ty, count)| (0..count).map(move |n| (ty, format!("${ty}{n}")));
    COUNTS.into_iter().flat_map(of)
}

/// An i64 that depends on all bits of a local.
fn bits(ty: &str, name: &str) -> String {
    match ty {
        "i64" => format!("(local.get {name})"),
        "i32" => format!("(i64.extend_i32_u (local.get {name}))"),
        "f64" => format!("(i64.reinterpret_f64 (local.get {name}))"),
        "f32" => format!("(i64.extend_i32_u (i32.reinterpret_f32 (local.get {name})))"),
        "v128" => format!(
            "(i64.xor (i64x2.extract_lane 0 (local.get {name}))
                (i64.rotl (i64x2.extract_lane 1 (local.get {name})) (i64.const 7)))"
        ),
        _ => format!("(call $number (local.get {name}))"),
    }
}

/// A new value for a local, which depends on the old one.
fn next(ty: &str, name: &str, n: usize) -> String {
    let old = format!("(local.get {name})");
    match ty {
        "i64" => format!("(i64.add {old} (i64.const {}))", n * 0x1_0000_0001 + 1),
        "i32" => format!("(i32.add {old} (i32.const {}))", n * 3 + 1),
        "f64" => format!("(f64.add {old} (f64.const {n}.5))"),
        "f32" => format!("(f32.add {old} (f32.const {n}.25))"),
        "v128" => format!("(i64x2.add {old} (v128.const i64x2 {n} {}))", n * 77 + 1),
        _ => format!("(call $new (i64.add (call $number {old}) (i64.const {n})))"),
    }
}

/// Declares all locals, and gives the code that changes them and the code that sums them up.
fn code() -> (String, String, String) {
    let (mut declared, mut changed, mut summed) = (String::new(), String::new(), String::new());
    for (n, (ty, name)) in locals().enumerate() {
        write!(declared, "(local {name} {ty})").unwrap();
        writeln!(changed, "(local.set {name} {})", next(ty, &name, n)).unwrap();
        let rotated = "(i64.rotl (local.get $sum) (i64.const 5))";
        let bits = bits(ty, &name);
        writeln!(summed, "(local.set $sum (i64.xor {rotated} {bits}))").unwrap();
    }
    (declared, changed, summed)
}

/// `run`: in each turn all locals change, and a call throws or does not; what it calls uses as many
/// registers itself. `many` has more arguments and results than registers.
fn module() -> String {
    let (declared, changed, summed) = code();
    let many = "i64 ".repeat(12) + &"f64 ".repeat(12) + "v128 externref";
    let given: String = (0..26).map(|n| format!("(local.get {n})")).collect();
    let wat = format!(
        r#"(module (tag $t (param i64)) (tag $n (param i64 v128 f32))
        (func $new (param i64) (result exnref) (local $e exnref)
            (block $h (result i64 exnref)
                (try_table (catch_ref $t $h) (throw $t (local.get 0))) unreachable)
            (local.set $e) (drop) (local.get $e))
        (func $number (param exnref) (result i64)
            (if (ref.is_null (local.get 0)) (then (return (i64.const -1))))
            (try_table (catch $t 0) (throw_ref (local.get 0))) unreachable)
        (func $busy (param $turn i32) (result i64) (local $sum i64) {declared}
            {changed} (call $throw (local.get $turn)) {changed} {summed} (local.get $sum))
        (func $throw (param $turn i32)
            (if (i32.eq (i32.rem_u (local.get $turn) (i32.const 3)) (i32.const 1))
                (then (throw $t (i64.const 77))))
            (if (i32.eq (i32.rem_u (local.get $turn) (i32.const 3)) (i32.const 2))
                (then (throw $n (i64.const 78) (v128.const i64x2 5 6) (f32.const 1.5)))))
        (func (export "run") (param $turn i32) (result i64) (local $sum i64) {declared}
            (loop $l
                {changed}
                (block $all
                    (block $h (result i64)
                        (try_table (catch $t $h) (catch_all $all)
                            {changed}
                            (local.set $sum (i64.add (local.get $sum)
                                (call $busy (local.get $turn))))
                            {changed})
                        (br $all))
                    (local.set $sum (i64.add (local.get $sum))))
                {summed}
                (local.set $turn (i32.sub (local.get $turn) (i32.const 1)))
                (br_if $l (local.get $turn)))
            (local.get $sum))
        (func $many (param {many}) (result {many})
            (call $throw (i32.wrap_i64 (local.get 11))) {given})
        (func (export "many") (param {many}) (result {many})
            (local.set 0 (i64.add (local.get 0) (i64.const 1)))
            (block $h (try_table (catch_all $h) (return (call $many {given}))))
            {given}))"#
    );
    wat
}

#[test]
fn all_that_lives_across_a_call_is_there() {
    let wat = module();
    for stress in [false, true] {
        let mut expected = None;
        for tier in tiers() {
            let mut config = config(tier);
            config.testing().gc_stress(stress);
            let mut program = Program::with(config, &wat);
            let result = program.call("run", &[I32(9)]);
            assert!(result.is_ok(), "{tier}: {result:?}");
            assert_eq!(&result, expected.get_or_insert(result.clone()), "{tier}");
        }
    }
}

#[test]
fn what_has_no_register_is_there() {
    let wat = module();
    for tier in tiers() {
        let mut program = Program::new(tier, &wat);
        for turn in 0..3 {
            let ints = (0..12).map(|n| I64(if n == 11 { turn } else { n << 40 }));
            let floats = (0..12).map(|n| Val::F64((f64::from(n) + 0.5).to_bits()));
            let rest = [Val::V128(3 << 100), Val::from(ExternRef::from_number(9))];
            let mut values: Vec<Val> = ints.chain(floats).chain(rest).collect();
            let result = program.call("many", &values);
            values[0] = I64(1);
            assert_eq!(result, Ok(values), "{tier} {turn}");
        }
    }
}
