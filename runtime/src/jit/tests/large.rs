//! Large functions, executed: branches that are too far for a conditional one, offsets too large
//! for an addressing mode, frames of many kilobytes, and the shapes that are hard to compile
//! (`tests/scaling.rs`), with what the interpreters make of them as the expected results.

use super::{Run, check, i32s, i64s};
use crate::engine::{Bounds, Config, Tier};
use crate::value::Val;

/// Writes that take three instructions or more each, so that code of a known size lies in between.
fn padding(instructions: usize) -> String {
    let write = |i: usize| {
        format!(
            "(i32.store offset={} (i32.const 0) (i32.add (local.get $x) (i32.const {})))",
            (i * 4) % 60_000,
            0x1234_5000 + i
        )
    };
    (0..instructions / 3).map(write).collect()
}

/// A function that goes over the padding or through it, by a condition, and around it in a loop.
fn far(condition: &str, instructions: usize) -> String {
    let padding = padding(instructions);
    format!(
        r#"(module (memory 1)
          (func (export "over") (param $x i32) (result i32)
            (if {condition} (then {padding}))
            (i32.add (local.get $x) (i32.load (i32.const 4))))
          (func (export "around") (param $x i32) (result i32) (local $n i32)
            (loop $again
              (br_if $again (block (result i32)
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                {padding}
                (local.set $x (i32.sub (local.get $x) (i32.const 1)))
                {condition})))
            (local.get $n)))"#
    )
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn bits_are_tested_over_more_than_32_kib() {
    let wat = far("(i32.and (local.get $x) (i32.const 1))", 8_000);
    let mut run = Run::new(&wat, Bounds::Guard);
    assert_eq!(run.call("over", &i32s([4])), Ok(i32s([4])));
    assert_eq!(
        run.call("over", &i32s([5])),
        Ok(i32s([5 + 5 + 0x1234_5000 + 1]))
    );
    assert_eq!(run.call("around", &i32s([2])), Ok(i32s([2])));
    assert_eq!(run.call("around", &i32s([3])), Ok(i32s([1])));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn comparisons_branch_over_more_than_a_mebibyte() {
    let wat = far("(i32.gt_s (local.get $x) (i32.const 7))", 300_000);
    let mut run = Run::new(&wat, Bounds::Guard);
    assert!(run.instance.get_func(&run.store, "over").is_some());
    assert_eq!(run.call("around", &i32s([10])), Ok(i32s([3])));
    assert_eq!(run.call("around", &i32s([0])), Ok(i32s([1])));
    let before = run.call("over", &i32s([7])).expect("no trap");
    let through = run.call("over", &i32s([8])).expect("no trap");
    assert_ne!(before, through);
}

/// Values that are alive over a call, each in a slot of its own.
fn wide_frame(values: usize) -> String {
    let set = |i: usize| {
        format!(
            "(local.set {} (f64.add (local.get 0) (f64.const {i})))",
            i + 1
        )
    };
    let sets: String = (0..values).map(set).collect();
    let sum = |i: usize| format!("(f64.add (local.get {})) ", i + 1);
    let sums: String = (0..values).map(sum).collect();
    format!(
        r#"(module
          (func $one (result f64) (f64.const 1))
          (func (export "f") (param f64) (result f64) (local {})
            {sets} (call $one) {sums}))"#,
        "f64 ".repeat(values)
    )
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn frames_reach_beyond_every_immediate() {
    // 16 bytes each: beyond 4,095 bytes, 32 KiB, 64 KiB, and scaled offsets of 16 bits.
    for values in [200, 2_100, 5_000] {
        let n = values as f64;
        let expected = 1.0 + n * 3.0 + n * (n - 1.0) / 2.0;
        check(
            &wide_frame(values),
            "f",
            &[Val::F64(3.0f64.to_bits())],
            Ok(vec![Val::F64(expected.to_bits())]),
        );
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn immediates_beyond_twelve_bits() {
    let constants = [
        4_095u64,
        4_096,
        4_097,
        0xff_f000,
        0xff_ffff,
        0x1_0000_0000,
        u64::MAX - 4_095,
    ];
    for k in constants {
        let wat = format!(
            r#"(module (func (export "f") (param i64) (result i64 i64 i32)
                (i64.add (local.get 0) (i64.const {0})) (i64.sub (local.get 0) (i64.const {0}))
                (i64.lt_u (local.get 0) (i64.const {0}))))"#,
            k as i64
        );
        for x in [0, 5_000, u64::MAX] {
            let (sum, difference) = (x.wrapping_add(k), x.wrapping_sub(k));
            let mut expected = i64s([sum as i64, difference as i64]);
            expected.extend(i32s([i32::from(x < k)]));
            check(&wat, "f", &i64s([x as i64]), Ok(expected));
        }
    }
}

// --- shapes that are hard to compile -------------------------------------------------------------

fn repeat(n: usize, piece: impl Fn(usize) -> String) -> String {
    (0..n).map(piece).collect()
}

/// A module whose last function, `f`, has that body and that many locals besides its parameter.
fn function(locals: usize, body: &str) -> String {
    format!(
        r#"(module (func $one (result i32) i32.const 1)
          (tag $t (param i32))
          (func $throws (param i32)
            local.get 0 i32.const 3 i32.rem_u i32.eqz if local.get 0 throw $t end)
          (func (export "f") (param i32) (result i32) (local {}) {body}))"#,
        "i32 ".repeat(locals)
    )
}

/// The sum of the first locals behind the parameter.
fn sum(locals: usize) -> String {
    let adds = repeat(locals, |i| format!("local.get {} i32.add ", i + 1));
    format!("i32.const 0 {adds}")
}

fn add(local: usize, constant: usize) -> String {
    format!("local.get {local} i32.const {constant} i32.add local.set {local} ")
}

fn branch_if(depth: usize, value: usize) -> String {
    format!("local.get 0 i32.const {value} i32.eq br_if {depth} ")
}

pub(super) fn nested_loops(n: usize) -> String {
    let (open, close) = ("loop ".repeat(n), "end ".repeat(n));
    function(
        1,
        &format!("{open} local.get 0 local.set 1 {close} local.get 1"),
    )
}

/// Each loop is gone through twice as long as the parameter is not zero, which is halved.
pub(super) fn nested_loops_with_back_edges(n: usize) -> String {
    let open = "loop ".repeat(n);
    let again = "local.get 0 i32.const 1 i32.shr_u local.tee 0 br_if 0 end ".repeat(n);
    function(1, &format!("{open} {} {again} local.get 1", add(1, 1)))
}

pub(super) fn nested_tries(n: usize) -> String {
    let open = repeat(n, |i| format!("try_table (catch_all {i}) "));
    let close = "end ".repeat(n);
    let call = "local.get 0 call $throws i32.const 7 local.set 1";
    function(1, &format!("block {open} {call} {close} end local.get 1"))
}

pub(super) fn branches_to_one_label(n: usize) -> String {
    let branches = repeat(n, |i| branch_if(0, i + 5) + &add(1, 1));
    function(1, &format!("block {branches} end local.get 1"))
}

pub(super) fn tries_in_sequence(n: usize) -> String {
    let tries = repeat(n, |i| {
        let call = format!("local.get 0 i32.const {i} i32.add call $throws ");
        format!(
            "block try_table (catch_all 0) {call} {} end end ",
            add(1, i)
        )
    });
    function(2, &format!("{tries} local.get 1"))
}

pub(super) fn diamonds(n: usize) -> String {
    let diamonds = repeat(n, |i| {
        let next = (i + 1) % n + 1;
        format!(
            "local.get 0 i32.const {} i32.and if local.get {next} \
             i32.const {i} i32.add local.set {} end ",
            i % 8,
            i + 1
        )
    });
    function(n, &(diamonds + &sum(n)))
}

pub(super) fn constants_on_edges(n: usize) -> String {
    let results = "i32 ".repeat(10);
    let constants = repeat(10, |i| format!("i32.const {i} "));
    let branches = repeat(n, |i| branch_if(0, i + 70));
    let adds = "i32.add ".repeat(9);
    function(
        0,
        &format!("block (result {results}) {constants} {branches} end {adds}"),
    )
}

/// A loop over a table of states, each of which does something and names the next one.
fn machine(states: usize, variables: usize, state: impl Fn(usize) -> String) -> String {
    let open = "block ".repeat(states);
    let labels = repeat(states + 1, |i| format!("{i} "));
    let states = repeat(states, |i| {
        let next = i + 1;
        let back = states - i;
        format!("end {} i32.const {next} local.set 0 br {back} ", state(i))
    });
    let body = format!("loop block {open} local.get 0 br_table {labels} {states} end end ");
    function(variables, &(body + &sum(variables)))
}

/// As many constants as the size, 40 in each state.
pub(super) fn state_machine(n: usize) -> String {
    machine(n / 40, 40, |i| {
        repeat(40, |k| {
            format!(
                "i32.const {} local.set {} ",
                (i * 31 + k) % 1_000 + (1 << 20),
                k + 1
            )
        })
    })
}

/// Each state has a variable of its own.
pub(super) fn wide_state_machine(n: usize) -> String {
    machine(n, n, |i| add(i + 1, i))
}

/// Branches from each depth to the label of that depth.
pub(super) fn ladder(n: usize) -> String {
    let open = "block ".repeat(n);
    let branches = repeat(n, |i| branch_if(n - 1 - i, i));
    let labels = repeat(n, |i| format!("end {}", add(1, i)));
    function(1, &format!("{open} {branches} {labels} local.get 1"))
}

pub(super) fn wide_ladder(n: usize) -> String {
    let open = "block ".repeat(n);
    let branches = repeat(n, |i| {
        let set = format!("local.get 0 i32.const {i} i32.mul local.set {} ", i + 1);
        branch_if(n - 1 - i, i) + &set
    });
    let labels = repeat(n, |i| {
        format!(
            "end local.get {} i32.const {i} i32.add local.set {} ",
            i + 1,
            i * 7 % n + 1
        )
    });
    function(n, &format!("{open} {branches} {labels} {}", sum(n)))
}

pub(super) fn nested_conditions(n: usize) -> String {
    let open = "local.get 0 if ".repeat(n);
    let close = "end ".repeat(n);
    function(1, &format!("{open} {} {close} local.get 1", add(1, 1)))
}

pub(super) fn loops_in_sequence(n: usize) -> String {
    let loops = repeat(n, |i| {
        let count = format!("local.get 0 i32.const {} i32.rem_u local.set 2 ", i % 5 + 1);
        let down = "local.get 2 i32.const 1 i32.sub local.set 2 ";
        let body = format!("local.get 2 i32.eqz br_if 1 {down} {} br 0 ", add(1, i));
        format!("{count} block loop {body} end end ")
    });
    function(2, &format!("{loops} local.get 1"))
}

pub(super) fn branch_table(n: usize) -> String {
    let open = "block ".repeat(n);
    let labels = repeat(n, |i| format!("{i} "));
    let arms = repeat(n, |i| format!("end {}", add(1, i)));
    function(
        1,
        &format!("{open} local.get 0 br_table {labels} {arms} local.get 1"),
    )
}

/// Values of calls that all live through as many diamonds.
pub(super) fn long_lived(n: usize) -> String {
    let values = "call $one ".repeat(n);
    let diamonds = "local.get 0 i32.const 9 i32.eq if local.get 0 local.set 1 end ".repeat(n);
    let adds = "i32.add ".repeat(n);
    function(1, &format!("{values} {diamonds} local.get 1 {adds}"))
}

pub(super) fn invariants(n: usize) -> String {
    let open = repeat(n, |i| {
        format!(
            "loop local.get 0 i32.const {} i32.mul local.get 1 i32.add local.set 1 ",
            i + 3
        )
    });
    let again = "local.get 2 i32.const 1 i32.shr_u local.tee 2 br_if 0 end ".repeat(n);
    let begin = "local.get 0 local.set 2 ";
    function(2, &format!("{begin} {open} {again} local.get 1"))
}

pub(super) fn copies(n: usize) -> String {
    let open = "loop ".repeat(n);
    let copy = "local.get 1 local.set 2 local.get 2 local.set 1 ";
    let again = "local.get 0 i32.const 1 i32.shr_u local.tee 0 br_if 0 end ".repeat(n);
    function(2, &format!("{open} {copy} {again} local.get 1"))
}

/// Results of `f` in a tier.
fn results(tier: Tier, wat: &str, args: &[i32]) -> Vec<super::Outcome> {
    let mut run = Run::with(wat, Config::only(tier));
    let call = |&arg: &i32| run.call("f", &[Val::I32(arg)]);
    args.iter().map(call).collect()
}

/// The tiers agree on a function.
#[track_caller]
fn agree(wat: &str, args: &[i32]) {
    let compiled = results(Tier::Jit, wat, args);
    for tier in [Tier::Stack, Tier::Register] {
        assert_eq!(results(tier, wat, args), compiled, "{tier:?}");
    }
}

/// Each size is just above what is allocated as smaller functions are.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn hard_shapes_do_what_they_do_interpreted() {
    agree(&constants_on_edges(1_200), &[1, 70, 500]);
    agree(&state_machine(12_000), &[0, 1, 299, 1_000]);
    agree(&diamonds(2_500), &[0, 1, 5, 7]);
    agree(&tries_in_sequence(1_500), &[0, 1]);
    agree(&long_lived(3_000), &[0, 9]);
    agree(&loops_in_sequence(1_500), &[0, 3, 59]);
    agree(&branch_table(3_000), &[0, 7, 2_999, 5_000]);
    agree(&branches_to_one_label(4_000), &[0, 6, 4_000]);
    agree(&nested_tries(500), &[0, 1]);
}

/// So many values meet in so many places that slots stay in the frame.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn slots_in_the_frame_do_what_they_do_interpreted() {
    agree(&wide_state_machine(1_100), &[0, 5, 1_099, 2_000]);
    agree(
        &machine(800, 800, |i| {
            let (from, to) = (i * 3 % 800 + 1, i + 1);
            let call = format!("local.get {from} i32.const {i} i32.add call $throws");
            format!(
                "block try_table (catch_all 0) {call} {} end end ",
                add(to, i + 1)
            )
        }),
        &[0, 1, 700],
    );
}

/// Variables of every type in the frame and in the slots of the allocator.
#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn slots_of_every_type_do_what_they_do_interpreted() {
    for (ty, constant, op) in [
        ("i64", "i64.const", "i64.add"),
        ("f32", "f32.const", "f32.add"),
        ("f64", "f64.const", "f64.add"),
        ("v128", "v128.const i64x2 1", "i64x2.add"),
    ] {
        for states in [260, 1_100] {
            let variables = if states > 1_000 { states } else { 40 };
            let body = |i: usize| {
                let (from, to) = (i * 7 % variables + 1, i % variables + 1);
                format!("local.get {from} {constant} {i} {op} local.set {to} ")
            };
            let wat = machine(states, variables, body);
            let locals = format!("(local {})", "i32 ".repeat(variables));
            let typed = format!("(local {})", format!("{ty} ").repeat(variables));
            let wat = wat.replacen(&locals, &typed, 1);
            let narrow = match ty {
                "i64" => "i32.wrap_i64",
                "f32" => "i32.trunc_sat_f32_s",
                "f64" => "i32.trunc_sat_f64_s",
                _ => "i32x4.extract_lane 2",
            };
            let plain = sum(variables);
            let narrowed = plain.replace("i32.add", &format!("{narrow} i32.add"));
            agree(&wat.replace(&plain, &narrowed), &[0, 1, 200]);
        }
    }
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn functions_of_fifty_thousand_locals_recurse() {
    let wat = format!(
        r#"(module (func $f (export "f") (param i32) (result i32) (local {})
          local.get 0 i32.const 3 i32.mul local.set 49000
          local.get 0 if local.get 0 i32.const 1 i32.sub call $f local.set 7 end
          local.get 7 local.get 49000 i32.add local.get 30000 i32.add))"#,
        "i32 ".repeat(49_990)
    );
    agree(&wat, &[0, 1, 9]);
}
