//! Structures, arrays, i31 and casts against the stack tier, every width and every way of reaching
//! a field: near, and beyond what a cell can name.

use std::fmt::Write;

use super::Program;
use super::forms::with_far_slots;
use crate::engine::Tier;
use crate::value::Val;

const TYPES: &str = r#"
    (rec (type $described (descriptor $desc) (struct (field i32)))
        (type $desc (describes $described) (struct)))
    (type $b (array (mut i8))) (type $h (array (mut i16))) (type $i (array (mut i32)))
    (type $l (array (mut i64))) (type $f (array (mut f32))) (type $d (array (mut f64)))
    (type $v (array (mut v128))) (type $r (array (mut anyref)))
    (type $root (sub (struct (field i32))))
    (type $leaf (sub $root (struct (field i32) (field i64))))
    (data $bytes "0123456789abcdef")
    (elem $refs anyref (item (ref.i31 (i32.const 5))) (item (struct.new $root (i32.const 6))))
    (global $one (ref (exact $desc)) (struct.new $desc))
    (global $two (ref (exact $desc)) (struct.new $desc))"#;

/// Elements: the array's type, how to read one, one made from `$x`, its type.
const ELEMENTS: &[(&str, &str, &str, &str)] = &[
    ("$b", "get_s", "(local.get $x)", "i32"),
    ("$b", "get_u", "(local.get $x)", "i32"),
    ("$h", "get_s", "(local.get $x)", "i32"),
    ("$h", "get_u", "(local.get $x)", "i32"),
    ("$i", "get", "(local.get $x)", "i32"),
    ("$l", "get", "(i64.extend_i32_s (local.get $x))", "i64"),
    ("$f", "get", "(f32.convert_i32_s (local.get $x))", "f32"),
    ("$d", "get", "(f64.convert_i32_s (local.get $x))", "f64"),
    ("$v", "get", "(i32x4.splat (local.get $x))", "v128"),
];

/// The type of a structure with a field of each sort, behind so many vectors.
fn structure(name: &str, vectors: usize) -> String {
    let padding = "v128 ".repeat(vectors);
    format!(
        "(type {name} (struct (field {padding}) (field $b (mut i8)) (field $h (mut i16))
            (field $i (mut i32)) (field $l (mut i64)) (field $f (mut f32)) (field $d (mut f64))
            (field $v (mut v128)) (field $r (mut anyref))))"
    )
}

fn module_of(bodies: &[String]) -> String {
    let mut wat = format!(
        "(module {TYPES} {} {}",
        structure("$near", 0),
        structure("$far", 4200)
    );
    for (i, body) in bodies.iter().enumerate() {
        write!(wat, "(func (export \"{i}\") (param $x i32) {body})").unwrap();
    }
    wat.push(')');
    wat
}

/// Calls every function of the bodies in both tiers with several arguments, and compares results.
fn check_against_stack(bodies: &[String], of_stack: &[String]) {
    let mut register = Program::in_tier(Tier::Register, &module_of(bodies));
    let mut stack = Program::in_tier(Tier::Stack, &module_of(of_stack));
    for (i, body) in of_stack.iter().enumerate() {
        for x in [0, 1, 2, 3, -1, 1000, -70_000] {
            let call = |program: &mut Program| {
                let result = program.call(&i.to_string(), &[Val::I32(x)]);
                result.map_err(|e| e.kind)
            };
            let want = call(&mut stack);
            assert_eq!(call(&mut register), want, "{x} {body}");
        }
    }
}

fn bodies_of_every_width() -> Vec<String> {
    let mut bodies = Vec::new();
    for &(ty, get, value, result) in ELEMENTS {
        bodies.push(format!(
            "(result {result}) (local $a (ref null {ty}))
            (local.set $a (array.new_default {ty} (i32.const 4)))
            (array.set {ty} (local.get $a) (i32.const 2) {value})
            (array.{get} {ty} (local.get $a) (i32.and (local.get $x) (i32.const 7)))"
        ));
        for structure in ["$near", "$far"] {
            bodies.push(format!(
                "(result {result}) (local $s (ref null {structure}))
                (local.set $s (struct.new_default {structure}))
                (struct.set {structure} {ty} (local.get $s) {value})
                (struct.{get} {structure} {ty} (local.get $s))"
            ));
            bodies.push(format!(
                "(result {result}) (local $s (ref null {structure}))
                (struct.{get} {structure} {ty} (local.get $s))"
            ));
        }
        bodies.push(format!(
            "(local $a (ref null {ty})) (array.set {ty} (local.get $a) (local.get $x) {value})"
        ));
        bodies.push(format!(
            "(local $s (ref null $far)) (struct.set $far {ty} (local.get $s) {value})"
        ));
    }
    bodies
}

#[test]
pub(super) fn fields_and_elements_of_every_width() {
    let bodies = bodies_of_every_width();
    check_against_stack(&bodies, &bodies);
}

fn bodies_out_of_line() -> Vec<String> {
    // A reference of some sort, by `$x`.
    let any = "(block $r (result anyref) (block $d (block $c (block $b (block $a
            (br_table $a $b $c $d (local.get $x)))
            (br $r (ref.i31 (local.get $x))))
            (br $r (struct.new $root (i32.const 1))))
            (br $r (struct.new $leaf (i32.const 1) (i64.const 2))))
        (array.new $r (ref.null any) (i32.const 3)))";
    let mut bodies = Vec::new();
    for ty in [
        "any",
        "null any",
        "eq",
        "i31",
        "struct",
        "null array",
        "none",
        "null none",
        "$root",
        "null $leaf",
        "(exact $root)",
        "$r",
    ] {
        bodies.push(format!("(result i32) (ref.test (ref {ty}) {any})"));
        bodies.push(format!(
            "(result i32) (ref.is_null (ref.cast (ref {ty}) {any}))"
        ));
        for op in ["br_on_cast", "br_on_cast_fail"] {
            bodies.push(format!(
                "(result i32) (drop (block (result anyref)
                    ({op} 0 anyref (ref {ty}) {any}) (drop) (return (i32.const 1)))) (i32.const 2)"
            ));
        }
        bodies.push(format!(
            "(result i32) (if (result i32) (ref.test (ref {ty}) {any})
                (then (i32.const 3)) (else (i32.const 4)))"
        ));
    }
    let others = [
        "(result i32) (i31.get_s (ref.i31 (local.get $x)))",
        "(result i32) (i31.get_u (ref.i31 (local.get $x)))",
        "(result i32) (i31.get_u (ref.null i31))",
        "(result i32) (array.len (array.new $i (i32.const 1) (local.get $x)))",
        "(result i32) (array.len (ref.null $b))",
        "(result i64) (struct.get $leaf 1
            (struct.new $leaf (local.get $x) (i64.extend_i32_s (local.get $x))))",
        "(result i32) (array.get_u $b
            (array.new_data $b $bytes (local.get $x) (i32.const 4)) (i32.const 3))",
        "(result i32) (array.get $i (array.new_fixed $i 3
            (i32.const 7) (local.get $x) (i32.const 9)) (local.get $x))",
        "(result i32) (i31.get_s (ref.cast i31ref (array.get $r
            (array.new_elem $r $refs (i32.const 0) (local.get $x)) (i32.const 0))))",
        "(result i32) (local $a (ref null $h)) (local.set $a (array.new_default $h (i32.const 9)))
            (array.fill $h (local.get $a) (local.get $x) (i32.const -3) (i32.const 3))
            (array.copy $h $h (local.get $a) (i32.const 1) (local.get $a) (local.get $x)
                (i32.const 2))
            (array.get_s $h (local.get $a) (i32.const 2))",
        "(result i32) (local $a (ref null $i)) (local.set $a (array.new_default $i (i32.const 4)))
            (array.init_data $i $bytes (local.get $a) (local.get $x) (i32.const 3) (i32.const 2))
            (array.get $i (local.get $a) (i32.const 3))",
        "(result i32) (local $a (ref null $r)) (local.set $a (array.new_default $r (i32.const 3)))
            (array.init_elem $r $refs (local.get $a) (local.get $x) (i32.const 0) (i32.const 2))
            (ref.is_null (array.get $r (local.get $a) (i32.const 2)))",
        "(result i32) (ref.eq (ref.i31 (local.get $x)) (ref.i31 (i32.const 2)))",
        "(result i32) (ref.eq (global.get $one)
            (ref.get_desc $described (struct.new_desc $described (local.get $x)
                (select (result (ref (exact $desc)))
                    (global.get $one) (global.get $two) (local.get $x)))))",
        "(result i32) (struct.get $described 0 (ref.cast_desc_eq (ref $described)
            (struct.new_desc $described (local.get $x) (global.get $one))
            (select (result (ref null (exact $desc)))
                (global.get $one) (ref.null (exact $desc)) (local.get $x))))",
        "(result i32) (drop (block (result anyref) (br_on_cast_desc_eq 0 anyref (ref $described)
            (struct.new_default_desc $described (global.get $one))
            (select (result (ref null (exact $desc)))
                (global.get $one) (global.get $two) (local.get $x)))
            (drop) (return (i32.const 1)))) (i32.const 2)",
        "(result i32) (ref.is_null (ref.get_desc $described (ref.null $described)))",
    ];
    bodies.extend(others.map(str::to_owned));
    bodies
}

#[test]
pub(super) fn casts_and_what_is_out_of_line() {
    let bodies = bodies_out_of_line();
    check_against_stack(&bodies, &bodies);
}

/// All of the above where fields of cells can name no slot of it.
#[test]
fn far_slots() {
    for near in [bodies_of_every_width(), bodies_out_of_line()] {
        let far: Vec<String> = near.iter().map(|body| with_far_slots(body)).collect();
        check_against_stack(&far, &near);
    }
}

/// As `handlers_do_not_recurse`, of the handlers here: a small native stack, many steps.
#[test]
fn handlers_of_objects_do_not_recurse() {
    let body = "(result i32) (local $s (ref null $far)) (local $n (ref null $near))
        (local $a (ref null $b)) (local $w (ref null $v)) (local $p (ref null $leaf))
        (local.set $s (struct.new_default $far)) (local.set $n (struct.new_default $near))
        (local.set $a (array.new_default $b (i32.const 4)))
        (local.set $w (array.new_default $v (i32.const 4)))
        (loop $again
            (local.set $p (struct.new $leaf (local.get $x) (i64.const 3)))
            (struct.set $near $b (local.get $n) (struct.get_s $near $b (local.get $n)))
            (struct.set $near $d (local.get $n) (struct.get $near $d (local.get $n)))
            (struct.set $near $v (local.get $n) (struct.get $near $v (local.get $n)))
            (struct.set $far $l (local.get $s) (struct.get $far $l (local.get $s)))
            (struct.set $far $v (local.get $s) (struct.get $far $v (local.get $s)))
            (array.set $b (local.get $a) (i32.const 1)
                (array.get_u $b (local.get $a) (i32.const 2)))
            (array.set $v (local.get $w) (i32.const 1)
                (array.get $v (local.get $w) (i32.const 2)))
            (array.fill $b (local.get $a) (i32.const 0) (i32.const 7) (array.len (local.get $a)))
            (drop (ref.test (ref $leaf) (local.get $p)))
            (drop (ref.cast (ref $root) (local.get $p)))
            (drop (block (result anyref) (br_on_cast 0 anyref (ref $root) (local.get $p))))
            (drop (block (result anyref) (br_on_cast_fail 0 anyref (ref $root) (local.get $p))))
            (drop (i31.get_s (ref.i31 (i31.get_u (ref.i31 (local.get $x))))))
            (drop (ref.cast_desc_eq (ref $described) (struct.new_desc $described (i32.const 1)
                (global.get $one)) (global.get $one)))
            (drop (block (result anyref) (br_on_cast_desc_eq 0 anyref (ref $described)
                (ref.null any) (global.get $one))))
            (drop (ref.get_desc $described
                (struct.new_default_desc $described (global.get $two))))
            (br_if $again (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
        (local.get $x)";
    let wat = format!(
        "(module {TYPES} {} {} (func (export \"run\") (param $x i32) {body}))",
        structure("$near", 0),
        structure("$far", 4200)
    );
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let result = thread.spawn(move || Program::new(&wat).call("run", &[Val::I32(20_000)]));
    assert_eq!(result.unwrap().join().unwrap(), Ok(vec![Val::I32(0)]));
}

/// Cells that a collection has freed: what is made in them shows nothing of what was there.
#[test]
fn recycled_cells() {
    let body = "(result i64) (local $n i32) (local $kept (ref null $leaf)) (local $sum i64)
        (local $new (ref null $leaf)) (local $a (ref null $l))
        (loop $again
          (drop (struct.new $leaf (i32.const -1) (i64.const -1)))
          (drop (array.new $l (i64.const -1) (i32.const 3)))
          (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 5000))) (then
            (local.set $kept (struct.new $leaf (local.get $n) (i64.const 7)))))
          (local.set $new (struct.new_default $leaf))
          (local.set $a (array.new_default $l (i32.const 3)))
          (local.set $sum (i64.add (local.get $sum) (i64.add
            (i64.add (i64.extend_i32_s (struct.get $leaf 0 (local.get $new)))
              (struct.get $leaf 1 (local.get $new)))
            (i64.add (array.get $l (local.get $a) (i32.const 0))
              (array.get $l (local.get $a) (i32.const 2))))))
          (local.set $sum (i64.add (local.get $sum)
            (i64.sub (struct.get $leaf 1 (local.get $kept)) (i64.const 7))))
          (br_if $again (i32.lt_u
            (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 60000))))
        (i64.add (local.get $sum) (i64.extend_i32_s (struct.get $leaf 0 (local.get $kept))))";
    let mut program = Program::new(&module_of(&[body.to_owned()]));
    let collections = program.store.gc_statistics().collections();
    assert_eq!(
        program.call("0", &[Val::I32(0)]),
        Ok(vec![Val::I64(55_000)])
    );
    assert!(
        program.store.gc_statistics().collections() > collections,
        "nothing was recycled"
    );
}
