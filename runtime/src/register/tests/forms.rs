//! The forms of what is not numeric, against the stack tier: moves, selections, branches, globals,
//! tables, references, helpers, calls. And the test that every handler is executed by some test.

use std::fmt::Write;

use super::Program;
use crate::engine::Tier;
#[cfg(debug_assertions)]
use crate::register::table::{OPCODES, name};

/// A module around the functions of the tests below.
const MODULE: &str = "(type $t (func (param i32) (result i32)))
    (tag $t (param i32 v128))
    (memory 1) (memory 1) (data $d \"abcdefgh\")
    (table $f 6 funcref) (table $x 3 externref) (elem $e func $inc $dec)
    (elem (table $f) (i32.const 0) func $inc $dec)
    (global $i (mut i32) (i32.const 7)) (global $l (mut i64) (i64.const 8))
    (global $s (mut f32) (f32.const 0.5)) (global $d (mut f64) (f64.const 1.5))
    (global $v (mut v128) (v128.const i64x2 3 4)) (global $r (mut funcref) (ref.null func))
    (func $inc (type $t) (i32.add (local.get 0) (i32.const 1)))
    (func $dec (type $t) (i32.sub (local.get 0) (i32.const 1)))
    (func $both (param v128 i32) (result i32 v128) (local.get 1) (local.get 0))
    (func $no (param i64))";

/// A module with the bodies as exports.
fn module_of(bodies: &[String]) -> String {
    let mut wat = format!("(module {MODULE}");
    for (i, body) in bodies.iter().enumerate() {
        write!(wat, "(func (export \"{i}\") (param $x i32) {body})").unwrap();
    }
    wat.push(')');
    wat
}

/// A body with so many locals in front of its own that fields of cells can name none of these, nor
/// any temporary.
pub(super) fn with_far_slots(body: &str) -> String {
    const VECTORS: usize = 33_000;
    let mut code = body.trim_start();
    while let Some((_, rest)) = code
        .strip_prefix("(result")
        .and_then(|rest| rest.split_once(')'))
    {
        code = rest.trim_start();
    }
    let results = &body[..body.len() - code.len()];
    format!("{results} (local {}) {code}", "v128 ".repeat(VECTORS))
}

/// Calls every function of the bodies in both tiers with several arguments, and compares results
/// and memories.
fn check_against_stack(bodies: &[String], of_stack: &[String]) {
    let mut register = Program::new(&module_of(bodies));
    let mut stack = Program::in_tier(Tier::Stack, &module_of(of_stack));
    for (i, of_stack) in of_stack.iter().enumerate() {
        for x in [0, 1, 2, 3, -1, 65536] {
            let args = [crate::value::Val::I32(x)];
            let (got, want) = (
                register.call(&i.to_string(), &args),
                stack.call(&i.to_string(), &args),
            );
            // References are addresses, which differ; whether they are null is asked for below.
            let got = got.map_err(|e| e.kind);
            let want = want.map_err(|e| e.kind);
            assert_eq!(got, want, "{x} {of_stack}");
        }
    }
    let memories = |program: &Program| -> Vec<Vec<u8>> {
        let all = crate::interior::memories(&program.store);
        all.map(|memory| memory.data(&program.store).to_vec())
            .collect()
    };
    assert!(memories(&register) == memories(&stack));
}

/// For each type: its name, two ways of making a value of it from `$x`, constants small and large.
const TYPES: &[(&str, &str, &[&str])] = &[
    (
        "i32",
        "(local.get $x)",
        &["(i32.const -5)", "(i32.const 100000)"],
    ),
    (
        "i64",
        "(i64.extend_i32_s (local.get $x))",
        &["(i64.const -5)", "(i64.const 100000000000)"],
    ),
    (
        "f32",
        "(f32.convert_i32_s (local.get $x))",
        &["(f32.const 3)", "(f32.const 0.25)", "(f32.const -0.0)"],
    ),
    (
        "f64",
        "(f64.convert_i32_s (local.get $x))",
        &["(f64.const -3)", "(f64.const 0.125)", "(f64.const -0.0)"],
    ),
    (
        "v128",
        "(global.get $v)",
        &["(v128.const i64x2 100000000000 5)"],
    ),
];

fn bodies_with_values() -> Vec<String> {
    let global = |t: &str| match t {
        "i32" => "$i",
        "i64" => "$l",
        "f32" => "$s",
        "f64" => "$d",
        _ => "$v",
    };
    let mut bodies = Vec::new();
    for (t, make, constants) in TYPES {
        let g = global(t);
        let locals = format!("(result {t}) (local $a {t}) (local $b {t})");
        let mut body = |code: &str| bodies.push(format!("{locals} {code}"));
        body(make);
        body(&format!(
            "(local.set $a {make}) (local.set $b (local.get $a)) (local.get $b)"
        ));
        body(&format!(
            "(local.set $a {make}) (drop (memory.size)) (local.set $b (local.get $a))
             (local.get $b)"
        ));
        body(&format!(
            "(local.set $a {make}) (local.set $b {make}) (local.get $a)"
        ));
        body(&format!(
            "(block (result {t}) (br_if 0 {make} (local.get $x)) drop (local.get $b))"
        ));
        body(&format!("(global.set {g} {make}) (global.get {g})"));
        body(&format!(
            "(local.set $a {make}) (global.set {g} (local.get $a)) (global.get {g})"
        ));
        body(&format!(
            "(local.set $a {make}) (local.set $x (i32.add (local.get $x) (i32.const 1)))
             (local.set $b (global.get {g})) (global.set {g} (local.get $a)) (local.get $b)"
        ));
        let chosen = format!("(select (result {t}) (local.get $a) {make}");
        body(&format!("{chosen} (local.get $x))"));
        body(&format!(
            "{chosen} (i32.mul (local.get $x) (local.get $x)))"
        ));
        body(&format!(
            "(local.set $a {make}) (return {chosen} (i32.lt_s (local.get $x) (i32.const 2))))"
        ));
        for c in *constants {
            body(c);
            body(&format!("(local.set $a {c}) (local.get $a)"));
            body(&format!(
                "(local.set $a {c}) (local.set $b {make}) (local.get $a)"
            ));
            body(&format!("(global.set {g} {c}) (global.get {g})"));
            body(&format!("(select (result {t}) {c} {make} (local.get $x))"));
            body(&format!(
                "(block (result {t}) (br_if 0 {c} (local.get $x)) drop {make})"
            ));
            body(&format!("(if (local.get $x) (then (return {c}))) {make}"));
            body(&format!(
                "(loop (local.set $a (select (result {t}) {c} {make} (local.get $x)))
                   (br_if 0 (i32.eq (local.tee $x (i32.add (local.get $x) (i32.const 1)))
                     (i32.const 2)))) (local.get $a)"
            ));
        }
    }
    bodies
}

#[test]
fn values_of_every_type_are_moved_and_chosen() {
    let bodies = bodies_with_values();
    check_against_stack(&bodies, &bodies);
}

fn bodies_with_the_rest() -> Vec<String> {
    let bodies = [
        "(result i32) (local $l i64) (local.set $l (i64.extend_i32_u (local.get $x)))
           (i32.store (i32.const 8) (i32.add (local.get $x) (i32.const 1)))
           (if (i64.eqz (local.get $l)) (then (return (i32.const 1)))) (i32.const 2)",
        "(result i32) (local $l i64) (local.set $l (i64.extend_i32_u (local.get $x)))
           (if (i64.eqz (local.get $l)) (then (return (i32.const 1)))) (i32.const 2)",
        "(result i32) (block (br_if 0 (i64.eqz (i64.extend_i32_u (local.get $x))))
           (return (i32.const 1))) (i32.const 2)",
        "(result i32) (local $l i64) (local.set $l (i64.extend_i32_u (local.get $x)))
           (drop (memory.size)) (block (br_if 0 (i64.eqz (i64.load (i32.const 0))))
           (return (i32.const 1))) (i32.const 2)",
        "(result i32) (local $l i64) (local.set $l (i64.extend_i32_u (local.get $x)))
           (i32.store (i32.const 8) (i32.const 1)) (local.set $x (i32.add (local.get $x)
           (i32.const 1))) (if (result i32) (i32.eqz (i64.eqz (local.get $l)))
           (then (local.get $x)) (else (i32.const 9)))",
        "(result i32) (local $l i64) (local.set $l (i64.extend_i32_u (local.get $x)))
           (block (br_if 0 (i32.eqz (i64.eqz (local.get $l)))) (return (i32.const 1)))
           (i32.const 2)",
        "(result i32) (local $y i32) (local.set $y (i32.add (local.get $x) (i32.const 1)))
           (block (br_if 0 (local.get $y)) (return (i32.const 1))) (i32.const 2)",
        "(result i32) (block (br_if 0 (local.get $x)) (return (i32.const 1))) (i32.const 2)",
        "(result i32) (block (br_if 0 (i32.eqz (local.get $x))) (return (i32.const 1)))
           (i32.const 2)",
        "(result i32) (ref.is_null (table.get $f (local.get $x)))",
        "(result i32) (local $r funcref) (local.set $r (table.get $f (i32.const 1)))
           (table.set $f (local.get $x) (local.get $r))
           (if (result i32) (ref.is_null (table.get $f (i32.const 2)))
             (then (i32.const 1)) (else (i32.const 2)))",
        "(result i32) (local $r funcref) (local.set $r (global.get $r)) (drop (memory.size))
           (global.set $i (local.get $x)) (block $b (br_on_null $b (local.get $r))
           (drop) (return (i32.const 3))) (i32.const 4)",
        "(result i32) (global.set $r (ref.func $inc)) (ref.is_null (global.get $r))",
        "(result i32) (call_ref $t (local.get $x) (ref.func $inc))",
        "(result i32) (call_ref $t (local.get $x) (ref.null $t))",
        "(result i32) (drop (ref.as_non_null (table.get $f (local.get $x)))) (i32.const 5)",
        "(result i32) (return_call_ref $t (local.get $x) (ref.func $dec))",
        "(result i32) (return_call_ref $t (local.get $x) (ref.null $t))",
        "(result i32) (return_call_indirect $f (type $t) (local.get $x) (local.get $x))",
        "(result i32) (call_indirect $f (type $t) (i32.const 8) (local.get $x))",
        "(result i32) (table.init $f $e (local.get $x) (i32.const 0) (i32.const 2)) (i32.const 1)",
        "(result i32) (table.copy $f $f (i32.const 2) (local.get $x) (i32.const 2)) (i32.const 1)",
        "(result i32) (table.fill $x (local.get $x) (ref.null extern) (i32.const 1)) (i32.const 1)",
        "(result i32) (table.grow $x (ref.null extern) (local.get $x))",
        "(result i32) (table.size $x)",
        "(result i64) (local $a i64) (local.set $a (i64.const 7))
         (i64.atomic.rmw.add (i32.const 64) (local.get $a))
         (i64.atomic.rmw32.cmpxchg_u (local.get $x) (i64.const 0) (local.get $a)) (i64.sub)",
        "(i64.atomic.store 1 offset=8 (local.get $x) (i64.extend_i32_s (local.get $x)))",
        "(result i32) (memory.atomic.notify (local.get $x) (i32.load8_u (local.get $x)))",
        "(result i32) (memory.atomic.wait32 (local.get $x) (i32.const 0) (i64.const 1))",
        "(result i32) (memory.grow 1 (i32.and (local.get $x) (i32.const 1)))",
        "(result i32) (memory.size 1)",
        "(memory.fill 1 (local.get $x) (i32.const 65) (i32.const 3))",
        "(memory.copy 0 1 (i32.const 16) (local.get $x) (i32.const 9))",
        "(memory.init 1 $d (local.get $x) (i32.const 2) (i32.const 5))",
        "(result i32 v128) (call $both (global.get $v) (local.get $x))",
        "(call $no (i64.const 4))",
        "(elem.drop $e) (data.drop $d)",
        "(result i32 v128) (local $e exnref) (block $h (result i32 v128 exnref)
            (try_table (catch_ref $t $h) (throw $t (local.get $x) (global.get $v))) unreachable)
            (local.set $e) (drop) (drop)
            (try_table (catch $t 0) (throw_ref (local.get $e))) unreachable",
        "(memory.init 1 $d (local.get $x) (i32.const 2) (i32.const 5))",
        "(table.init $f $e (local.get $x) (i32.const 0) (i32.const 1))",
        "(result i32) (table.set $x (local.get $x) (ref.null extern)) unreachable",
    ];
    let bodies: Vec<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
    bodies
}

#[test]
fn branches_references_tables_and_helpers() {
    let bodies = bodies_with_the_rest();
    check_against_stack(&bodies, &bodies);
}

/// All of the above where fields of cells can name no slot of it.
#[test]
fn far_slots() {
    for near in [bodies_with_values(), bodies_with_the_rest()] {
        let far: Vec<String> = near.iter().map(|body| with_far_slots(body)).collect();
        check_against_stack(&far, &near);
    }
}

/// Part of the test of all handlers, where there is that.
#[cfg_attr(not(debug_assertions), test)]
fn rows_in_the_native_profile() {
    use super::{fused, natively, vectors};

    natively(fused::binary_rows);
    natively(fused::unary_rows);
    natively(fused::chains);
    natively(fused::loads_with_operations);
    natively(vectors::vectors_are_computed_by_interpreters_and_jit);
    natively(vectors::vectors_are_loaded_and_stored_by_interpreters_and_jit);
}

/// Every test of forms.
#[cfg(debug_assertions)]
fn every_form() {
    use super::{atomics, fused, metered, objects, promoted, vectors};

    values_of_every_type_are_moved_and_chosen();
    branches_references_tables_and_helpers();
    atomics::atomic_rows();
    fused::binary_rows();
    fused::unary_rows();
    fused::counted_loops();
    fused::loops_to_zero();
    fused::loads();
    fused::stores();
    fused::chains();
    fused::chains_of_immediates();
    fused::loads_with_operations();
    vectors::vectors_are_computed_by_interpreters_and_jit();
    objects::fields_and_elements_of_every_width();
    objects::casts_and_what_is_out_of_line();
    vectors::vectors_are_loaded_and_stored_by_interpreters_and_jit();
    rows_in_the_native_profile();
    super::calls_between_instances();
    super::recursion_ends_in_exhaustion_and_tail_calls_do_not();
    super::branch_tables();
    super::frames_larger_than_a_field();
    metered::fuel_runs_out_at_the_same_place_with_the_same_state();
    super::traps();
    promoted::a_function_leaves_the_tier_at_its_threshold();
    promoted::a_loop_leaves_the_tier_with_its_state();
    promoted::a_loop_that_leaves_may_end_in_every_way();
}

/// The handlers that tests have not executed, with lower limits or without.
#[cfg(debug_assertions)]
fn not_executed(with_lower_limits: bool) -> impl Iterator<Item = usize> {
    use crate::register::handlers::dispatch::EXECUTED;
    use std::sync::atomic::Ordering;

    let executed = &EXECUTED[usize::from(with_lower_limits)];
    (0..OPCODES).filter(|&opcode| !executed[opcode].load(Ordering::Relaxed))
}

/// Runs the other tests and asks which handlers they have executed.
#[test]
#[cfg(debug_assertions)]
fn every_handler_is_executed() {
    every_form();
    let left: Vec<String> = not_executed(false).map(name).collect();
    assert!(left.is_empty(), "not executed: {left:?}");
}

/// Runs the other tests with operands and results in slots on both sides of the limit of a field,
/// and with branches that do not reach; and asks which families of handlers they have executed.
/// (Not all forms are: an operand that is copied from a far slot is in no accumulator.)
#[test]
#[cfg(debug_assertions)]
fn every_family_is_executed_on_both_sides_of_the_limits() {
    use crate::register::fuse::limits::{FarSlots, Limits, under};
    use std::collections::BTreeSet;

    for (far_slots, reach) in [
        (FarSlots::All, 0),
        (FarSlots::OneInFour(0), 4),
        (FarSlots::OneInFour(3), 16),
    ] {
        under(Limits { far_slots, reach }, every_form);
    }
    let family = |opcode: usize| {
        name(opcode)
            .split_once('[')
            .map(|(family, _)| family.to_owned())
    };
    let left: BTreeSet<usize> = not_executed(true).collect();
    let executed: BTreeSet<_> = (0..OPCODES)
        .filter(|opcode| !left.contains(opcode))
        .map(family)
        .collect();
    let missing: BTreeSet<_> = (0..OPCODES).map(family).collect();
    let missing: Vec<_> = missing.difference(&executed).collect();
    assert!(missing.is_empty(), "not executed: {missing:?}");
}
