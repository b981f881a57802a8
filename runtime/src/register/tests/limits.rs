//! Functions at the limits of the format: slots that a field cannot name, branches longer than the
//! last field of a cell can say, and large functions as such. (`forms.rs` runs every handler with
//! lower limits.)

use super::{Program, assemble, check};
use crate::engine::{Config, Engine, Profile, Tier};
use crate::error::Error;
use crate::module::ModuleParts;
use crate::register::fuse;
use crate::register::fuse::limits::{FarSlots, Limits, under};
use crate::trap::TrapKind;
use crate::value::Val;

use Val::{F32, F64, I32, I64};

/// Locals in front of others, so that no field can name those.
fn many_locals() -> String {
    format!("(local {})", "v128 ".repeat(40_000))
}

/// Types, a constant of each, and its value.
fn constants() -> [(&'static str, &'static str, Val); 5] {
    [
        ("i32", "(i32.const 11)", I32(11)),
        ("i64", "(i64.const 100000000022)", I64(100_000_000_022)),
        ("f32", "(f32.const 0.25)", F32(0.25f32.to_bits())),
        ("f64", "(f64.const 0.125)", F64(0.125f64.to_bits())),
        ("v128", "(v128.const i64x2 44 55)", Val::V128(55 << 64 | 44)),
    ]
}

/// Results of a return and arguments of tail calls, of every three types, from far slots into those
/// first ones among which the scratch slots lie.
#[test]
fn far_slots_become_first_slots() {
    let mut wat = String::from("(module (table funcref (elem $id0))");
    let mut wanted = Vec::new();
    for first in constants() {
        for second in constants() {
            for third in constants() {
                let n = wanted.len();
                let of = [first, second, third];
                let types: String = of.iter().map(|(ty, ..)| format!("{ty} ")).collect();
                let sets: String = of
                    .iter()
                    .enumerate()
                    .map(|(i, (_, constant, _))| format!("(local.set $f{i} {constant})"))
                    .collect();
                let locals: String = of
                    .iter()
                    .enumerate()
                    .map(|(i, (ty, ..))| format!("(local $f{i} {ty}) "))
                    .collect();
                let get = "(local.get $f0) (local.get $f1) (local.get $f2)";
                let params = "(local.get 0) (local.get 1) (local.get 2)";
                let many = if n % 5 == 0 {
                    many_locals()
                } else {
                    String::from("(local)")
                };
                let far = format!("(result {types}) {many} {locals} {sets} {get}");
                wat.push_str(&format!(
                    "(func $id{n} (param {types}) (result {types}) {params})
                     (func (export \"return {n}\") {far})
                     (func (export \"call {n}\") {far} (call $id{n}))
                     (func (export \"tail {n}\") {far} (return_call $id{n}))"
                ));
                if n == 0 {
                    wat.push_str(&format!(
                        "(func (export \"indirect {n}\") {far} (return_call_indirect
                           (param {types}) (result {types}) (i32.const 0)))"
                    ));
                }
                wanted.push(of.map(|(.., value)| value));
            }
        }
    }
    wat.push(')');
    let test = || {
        let mut program = Program::new(&wat);
        for (n, wanted) in wanted.iter().enumerate() {
            for way in ["return", "call", "tail"] {
                let got = program.call(&format!("{way} {n}"), &[]);
                assert_eq!(got.as_deref(), Ok(&wanted[..]), "{way} {n}");
            }
        }
        assert_eq!(
            program.call("indirect 0", &[]).as_deref(),
            Ok(&wanted[0][..])
        );
    };
    test();
    let some = [0, 1, 2, 3].map(FarSlots::OneInFour);
    for far_slots in [FarSlots::All].into_iter().chain(some) {
        let reach = i64::MAX;
        under(Limits { far_slots, reach }, test);
    }
}

/// Instructions that become many cells: what the module has for them, and the code.
fn long_shapes() -> [(&'static str, String); 8] {
    let vector = "(v128.const i64x2 123456789123456789 987654321987654321)";
    let targets = "0 ".repeat(300);
    [
        (
            "(memory 1)",
            format!("(v128.store (i32.const 16) {vector})"),
        ),
        (
            "(memory i64 1)",
            "(i64.store (i64.const 1024) (i64.const 1234567890123))".to_owned(),
        ),
        (
            "(memory 3)",
            "(i64.store offset=70000 (i32.const 1024) (i64.const 1234567890123))".to_owned(),
        ),
        (
            "",
            format!("(drop (i32x4.replace_lane 1 {vector} (i32.const 123456789)))"),
        ),
        (
            "",
            format!(
                "(drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 {vector} {vector}))"
            ),
        ),
        (
            "(func $f (param v128 v128 v128 v128 v128))",
            format!("(call $f {})", vector.repeat(5)),
        ),
        ("", format!("(block (br_table {targets} (local.get $p)))")),
        (
            "",
            "(local.set $p (i32.xor (local.get $p) (i32.const 70000)))".to_owned(),
        ),
    ]
}

/// Functions around what is long, and their results for 4 and for 6: branches forwards and back, on
/// a comparison and on a sum.
const LONG_BRANCHES: [(&str, [i32; 2]); 4] = [
    (
        "(block $b (br_if $b (i32.lt_s (local.get $x) (i32.const 5))) LONG (return (i32.const 1)))
         (i32.const 2)",
        [2, 1],
    ),
    (
        "(block $b (br_if $b (local.tee $x (i32.sub (local.get $x) (i32.const 4)))) LONG
           (return (i32.const 1)))
         (i32.const 2)",
        [1, 2],
    ),
    (
        "(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) LONG
           (br_if $l (i32.lt_s (local.get $i) (local.get $x))))
         (local.get $i)",
        [4, 6],
    ),
    (
        "(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) LONG
           (br_if $l (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
         (local.get $i)",
        [4, 6],
    ),
];

/// A function with so many of the long instructions, and of those that are one cell each.
fn long_function(branch: &str, (fields, long): (&str, &str), count: usize, more: usize) -> String {
    let one = "(local.set $p (i32.add (local.get $p) (i32.const 1)))";
    let body = branch.replace(
        "LONG",
        &format!("{}{}", one.repeat(more), long.repeat(count)),
    );
    format!(
        "(module {fields} (func (export \"f\") (param $x i32) (result i32)
           (local $i i32) (local $p i32) {body}))"
    )
}

/// The number of cells that the last function of a module becomes.
fn cells(wat: &str) -> usize {
    let engine = Engine::new(&Config::only(Tier::Stack)).unwrap();
    let module = ModuleParts::new(&engine, &assemble(wat)).unwrap();
    let func = crate::ir::build(&module, module.bodies.len() - 1).unwrap();
    let mut scratch = fuse::Scratch::default();
    let fused = fuse::fuse(&func, Profile::Deterministic, None, &mut scratch).unwrap();
    fused.cells.len()
}

/// The longest branch that fits its field, and one that is a cell longer, over every shape.
#[test]
fn branches_on_both_sides_of_their_reach() {
    const REACH: usize = 1 << 15;
    for (fields, long) in long_shapes() {
        for (branch, wanted) in LONG_BRANCHES {
            let long = (fields, &long[..]);
            let [one, two] = [1, 2].map(|count| cells(&long_function(branch, long, count, 0)));
            let count = (REACH - one) / (two - one);
            let len = |more: usize| cells(&long_function(branch, long, count, more));
            // With one cell more than fits, there is one more for the jump.
            let base = len(0);
            let (mut near, mut wide) = (0, two);
            assert_eq!(len(wide), base + wide + 1, "{branch} {}", long.1);
            while near + 1 < wide {
                let middle = near.midpoint(wide);
                if len(middle) == base + middle {
                    near = middle;
                } else {
                    wide = middle;
                }
            }
            for more in [near, wide] {
                let wat = long_function(branch, long, count, more);
                for (x, wanted) in [4, 6].into_iter().zip(wanted) {
                    check(&wat, "f", &[I32(x)], &[I32(wanted)]);
                }
            }
        }
    }
}

/// A table of more targets than a field has numbers.
#[test]
fn a_branch_over_a_long_table() {
    let targets = "0 1 2 ".repeat(30_000);
    let wat = format!(
        "(module (func (export \"f\") (param $x i32) (result i32)
           (block $c (block $b (block $a
             (br_if $b (i32.gt_u (local.get $x) (i32.const 89999)))
             (br_table {targets} 2 (local.get $x)))
             (return (i32.const 10)))
             (return (i32.const 20)))
           (i32.const 30)))"
    );
    for (x, wanted) in [
        (0, 10),
        (1, 20),
        (2, 30),
        (89_998, 20),
        (89_999, 30),
        (90_000, 20),
    ] {
        check(&wat, "f", &[I32(x)], &[I32(wanted)]);
    }
}

/// A frame of 50,000 locals and parameters per call: each call has its own, cleared.
#[test]
fn recursion_with_many_locals() {
    const LOCALS: usize = 49_999;
    let (middle, last) = (LOCALS / 2, LOCALS);
    let wat = format!(
        "(module (func $f (export \"f\") (param i32) (result i64) (local {})
           (if (i32.wrap_i64 (i64.or (local.get {middle}) (local.get {last})))
             (then unreachable))
           (local.set {middle} (i64.const 77))
           (local.set {last} (i64.extend_i32_u (local.get 0)))
           (if (local.get 0)
             (then (local.set 1 (call $f (i32.sub (local.get 0) (i32.const 1))))))
           (i64.add (local.get 1) (local.get {last}))))",
        "i64 ".repeat(LOCALS)
    );
    let mut program = Program::new(&wat);
    // 400 KB each, of a stack of 8 MiB; the second time over what the first one has left behind.
    for _ in 0..2 {
        assert_eq!(program.call("f", &[I32(18)]), Ok(vec![I64(18 * 19 / 2)]));
        let exhausted = Err(Error::trap(TrapKind::StackExhausted));
        assert_eq!(program.call("f", &[I32(21)]), exhausted);
    }
}
