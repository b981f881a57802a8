//! Tests of the tier: what programs give (here), and every fused form against `numeric.rs`
//! (`tests/fused.rs`); the forms of everything else against the stack tier, and that no handler is
//! left out (`tests/forms.rs`).

mod atomics;
mod forms;
mod fused;
mod limits;
mod metered;
mod objects;
mod profiled;
mod promoted;
mod small_stack;
mod vectors;

use std::cell::Cell;

use crate::Module;
use crate::engine::{Config, Engine, Profile, Tier};
use crate::error::{Error, Result};
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Caller, Extern, Func, Instance, Store};

use Val::{F32, F64, I32, I64};

thread_local! {
    /// The profile of the programs that a test makes.
    static PROFILE: Cell<Profile> = const { Cell::new(Profile::Deterministic) };
}

/// Runs a test in the native profile.
pub(super) fn natively(test: impl FnOnce()) {
    PROFILE.set(Profile::Native);
    test();
    PROFILE.set(Profile::Deterministic);
}

/// Whether results are those that the pure functions give, in the profile at hand: natively, a NaN
/// stands for every quiet NaN.
pub(super) fn agree(got: &Result<Vec<Val>>, want: &Result<Vec<Val>>) -> bool {
    let (Ok(got), Ok(want), Profile::Native) = (got, want, PROFILE.get()) else {
        return got == want;
    };
    let is_nan = |got: &Val, want: &Val| match (got, want) {
        (F32(a), F32(b)) => f32::from_bits(*b).is_nan() && a << 1 >= 0xff80_0000,
        (F64(a), F64(b)) => f64::from_bits(*b).is_nan() && a << 1 >= 0xfff0_0000_0000_0000,
        _ => false,
    };
    let alike = |(got, want): (&Val, &Val)| got == want || is_nan(got, want);
    got.len() == want.len() && got.iter().zip(want).all(alike)
}

/// A store of this tier, and an instance of a module in it.
pub(super) struct Program {
    pub(super) store: Store,
    pub(super) instance: Instance,
    /// Exports that have run in a loop.
    looped: std::collections::HashSet<String>,
    small_stack: Option<small_stack::Looped>,
}

pub(super) fn assemble(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}"))
}

impl Program {
    pub(super) fn in_tier(tier: Tier, wat: &str) -> Program {
        let mut config = Config::only(tier);
        config.features |= wasmparser::WasmFeatures::WIDE_ARITHMETIC
            | wasmparser::WasmFeatures::CUSTOM_DESCRIPTORS;
        config.profile = PROFILE.get();
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, assemble(wat)).unwrap_or_else(|e| panic!("{e}\n{wat}"));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Program {
            store,
            instance,
            looped: Default::default(),
            small_stack: None,
        }
    }

    pub(super) fn new(wat: &str) -> Program {
        Program::in_tier(Tier::Register, wat)
    }

    pub(super) fn call(&mut self, export: &str, args: &[Val]) -> Result<Vec<Val>> {
        let func = self.instance.get_func(&self.store, export).unwrap();
        let results = func.invoke(&mut self.store, args);
        let is_first = self.looped.insert(export.to_owned());
        if !cfg!(debug_assertions) && is_first && results.is_ok() {
            let looped = self.small_stack.take().unwrap_or_else(|| {
                let module = self.instance.module(&self.store);
                small_stack::Looped::new(self.store.engine(), &module)
            });
            self.small_stack = Some(looped.run(export, args));
        }
        results
    }
}

/// Calls the export of a module and compares what it gives.
fn check(wat: &str, export: &str, args: &[Val], expected: &[Val]) {
    let actual = Program::new(wat).call(export, args);
    assert_eq!(actual.as_deref(), Ok(expected), "{wat}");
}

fn check_trap(wat: &str, args: &[Val], expected: TrapKind) {
    let actual = Program::new(wat).call("run", args);
    assert_eq!(actual, Err(Error::trap(expected)), "{wat}");
}

/// A module with one function `run`.
fn run(ty: &str, body: &str) -> String {
    format!("(module (memory 1) (func (export \"run\") {ty} {body}))")
}

/// Iterative Fibonacci numbers in shapes that differ in how the values are exchanged and how the
/// loop ends. A tier once returned a wrong number for one of them.
#[test]
fn fibonacci_in_several_shapes() {
    let swap_through_stack = "(local.get $b) (local.set $b (i32.add (local.get $a) (local.get $b)))
        (local.set $a)";
    let operands_swapped = "(local.get $b) (local.set $b (i32.add (local.get $b) (local.get $a)))
        (local.set $a)";
    let through_third = "(local.set $t (local.get $b))
        (local.set $b (i32.add (local.get $a) (local.get $b))) (local.set $a (local.get $t))";
    let tee = "(local.get $b) (local.set $b (i32.add (local.tee $t (local.get $a)) (local.get $b)))
        (local.set $a)";
    let both_on_stack = "(local.get $b) (i32.add (local.get $a) (local.get $b))
        (local.set $b) (local.set $a)";
    let sum_first = "(local.set $t (i32.add (local.get $a) (local.get $b)))
        (local.set $a (local.get $b)) (local.set $b (local.get $t))";
    let select = "(local.set $t (i32.add (local.get $a) (local.get $b)))
        (local.set $a (select (local.get $b) (local.get $a) (i32.const 1)))
        (local.set $b (select (local.get $a) (local.get $t) (i32.const 0)))";
    let steps = [
        swap_through_stack,
        operands_swapped,
        through_third,
        tee,
        both_on_stack,
        sum_first,
        select,
    ];
    let loops = [
        "(loop $l BODY (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))",
        "(loop $l BODY (local.set $n (i32.add (local.get $n) (i32.const -1)))
           (br_if $l (local.get $n)))",
        "(block $e (loop $l (br_if $e (i32.eqz (local.get $n))) BODY
           (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l)))",
        "(loop $l BODY (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $l (i32.lt_s (local.get $i) (local.get $n))))",
        "(loop $l BODY (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1)))
           (local.get $n))))",
        "(loop $l BODY (br_if $l (i32.gt_u (local.get $n)
           (local.tee $i (i32.add (local.get $i) (i32.const 1))))))",
        "(loop $l (if (i32.lt_u (local.get $i) (local.get $n)) (then BODY
           (local.set $i (i32.add (i32.const 1) (local.get $i))) (br $l))))",
        "(loop $l BODY (local.set $n (i32.sub (local.get $n) (i32.const 1)))
           (if (i32.eqz (local.get $n)) (then (return (local.get $a)))) (br $l))",
    ];
    for step in steps {
        for shape in loops {
            let code = shape.replace("BODY", step);
            let body = format!("(local.set $b (i32.const 1)) {code} (local.get $a)");
            let ty = "(param $n i32) (result i32) (local $a i32) (local $b i32) (local $t i32)
                (local $i i32)";
            check(&run(ty, &body), "run", &[I32(25)], &[I32(75025)]);
        }
    }
}

#[test]
fn values_are_exchanged_at_once() {
    let pair = "(param i32 i32) (result i32 i32)";
    let args = [I32(3), I32(4)];
    check(
        &run(pair, "(local.get 1) (local.get 0)"),
        "run",
        &args,
        &[I32(4), I32(3)],
    );
    let through_loop = "(local.get 0) (local.get 1)
        (loop (param i32 i32) (result i32 i32) (local.set 0) (local.set 1)
          (local.get 0) (local.get 1)
          (br_if 0 (i32.lt_s (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 4))))";
    let ty = format!("{pair} (local i32)");
    check(&run(&ty, through_loop), "run", &args, &args);
    let br_if = "(block (result i32 i32) (i32.const 9) (local.get 1) (local.get 0)
          (br_if 0 (local.get 0)) (drop) (drop) (local.get 0))";
    check(&run(pair, br_if), "run", &args, &[I32(4), I32(3)]);
    check(
        &run(pair, br_if),
        "run",
        &[I32(0), I32(4)],
        &[I32(9), I32(0)],
    );
    let rotate = "(local.get 2) (local.get 0) (local.get 1)";
    let ty = "(param i32 i32 i32) (result i32 i32 i32)";
    let result = [I32(3), I32(1), I32(2)];
    check(&run(ty, rotate), "run", &[I32(1), I32(2), I32(3)], &result);
}

#[test]
fn arguments_do_not_disturb_each_other() {
    let wat = "(module (func $sub (param i32 i64 i32) (result i64)
          (i64.add (i64.extend_i32_s (i32.sub (local.get 0) (local.get 2))) (local.get 1)))
        (func $two (param i32) (result i32 i32)
          (local.get 0) (i32.add (local.get 0) (i32.const 1)))
        (func (export \"run\") (param i32 i64 i32) (result i64)
          (call $sub (local.get 2) (local.get 1) (local.get 0)))
        (func (export \"nested\") (param i32) (result i64)
          (call $sub (i32.mul (local.get 0) (i32.const 7))
            (call $sub (local.get 0) (i64.const 100000000000) (i32.const 3))
            (i32.add (local.get 0) (i32.const 5))))
        (func (export \"results\") (param i32) (result i32)
          (call $two (local.get 0)) (i32.sub) (call $two (i32.const 40)) (i32.add) (i32.add)))";
    check(wat, "run", &[I32(3), I64(5), I32(10)], &[I64(12)]);
    check(wat, "nested", &[I32(2)], &[I64(100_000_000_006)]);
    check(wat, "results", &[I32(2)], &[I32(80)]);
}

#[test]
fn branch_tables() {
    let body = "(block $c (block $b (block $a (br_table $a $b $c $b (local.get 0)))
          (return (i32.const 10))) (return (i32.const 20))) (i32.const 30)";
    let wat = run("(param i32) (result i32)", body);
    for (index, result) in [(0, 10), (1, 20), (2, 30), (3, 20), (4, 20), (-1, 20)] {
        check(&wat, "run", &[I32(index)], &[I32(result)]);
    }
    let values = "(block $b (result i32) (block $a (result i32)
          (br_table $a $b 2 (i32.const 5) (local.get 0))) (i32.add (i32.const 100)))";
    let wat = run("(param i32) (result i32)", values);
    for (index, result) in [(0, 105), (1, 5), (2, 5), (77, 5)] {
        check(&wat, "run", &[I32(index)], &[I32(result)]);
    }
}

#[test]
fn traps() {
    let i32_param = "(param i32) (result i32)";
    check_trap(&run("", "unreachable"), &[], TrapKind::Unreachable);
    let div = run(
        i32_param,
        "(i32.div_s (i32.const 0x80000000) (local.get 0))",
    );
    check_trap(&div, &[I32(0)], TrapKind::IntegerDivideByZero);
    check_trap(&div, &[I32(-1)], TrapKind::IntegerOverflow);
    let trunc = run(
        "(param f64) (result i32)",
        "(i32.trunc_f64_s (local.get 0))",
    );
    check_trap(
        &trunc,
        &[F64(f64::NAN.to_bits())],
        TrapKind::InvalidConversionToInteger,
    );
    check_trap(&trunc, &[F64(3e9f64.to_bits())], TrapKind::IntegerOverflow);
    let load = run(i32_param, "(i32.load offset=3 (local.get 0))");
    check(&load, "run", &[I32(65529)], &[I32(0)]);
    check_trap(&load, &[I32(65530)], TrapKind::MemoryOutOfBounds);
    check_trap(&load, &[I32(-1)], TrapKind::MemoryOutOfBounds);
    let table = "(module (type $t (func (result i32))) (table 3 funcref) (elem (i32.const 0) $f $g)
        (func $f (result i32) (i32.const 5)) (func $g)
        (func (export \"run\") (param i32) (result i32)
          (call_indirect (type $t) (local.get 0))))";
    check(table, "run", &[I32(0)], &[I32(5)]);
    check_trap(table, &[I32(1)], TrapKind::IndirectCallTypeMismatch);
    check_trap(table, &[I32(2)], TrapKind::UninitializedElement);
    check_trap(table, &[I32(3)], TrapKind::UndefinedElement);
}

#[test]
fn recursion_ends_in_exhaustion_and_tail_calls_do_not() {
    let wat = "(module (func $f (export \"run\") (param i32) (result i32)
          (i32.add (i32.const 1) (call $f (local.get 0))))
        (func $down (export \"tail\") (param i32 i64) (result i64)
          (if (result i64) (local.get 0)
            (then (return_call $down (i32.sub (local.get 0) (i32.const 1))
              (i64.add (local.get 1) (i64.const 2))))
            (else (local.get 1))))
        (func $even (export \"even\") (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
          (return_call_indirect (param i32) (result i32)
            (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
        (func $odd (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
          (return_call $even (i32.sub (local.get 0) (i32.const 1))))
        (table funcref (elem $odd)))";
    check_trap(wat, &[I32(0)], TrapKind::StackExhausted);
    check(wat, "tail", &[I32(1_000_000), I64(1)], &[I64(2_000_001)]);
    check(wat, "even", &[I32(1_000_001)], &[I32(0)]);
}

/// Calls between instances and to the host switch memories and come back, in tail position too.
#[test]
fn calls_between_instances() {
    let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
    let mut store = Store::new(&engine, ());
    let (params, results) = (vec![ValType::I32].into(), vec![ValType::F64].into());
    let half = |_: Caller<'_, ()>, args: &[Val], results: &mut [Val]| match args {
        [I32(n)] => {
            results[0] = F64((f64::from(*n) / 2.0).to_bits());
            Ok(())
        }
        _ => Err(Error::usage("one i32")),
    };
    let host = Func::new(&mut store, FuncType { params, results }, half).unwrap();
    let mut instantiate = |wat: &str, imports: &[Extern]| {
        let module = Module::new(&engine, assemble(wat)).unwrap();
        Instance::new(&mut store, &module, imports).unwrap()
    };
    let callee = instantiate(
        "(module (memory 1) (data (i32.const 0) \"\\07\")
           (func (export \"get\") (param i32) (result i32)
             (drop (memory.grow (i32.const 1)))
             (i32.add (i32.load (local.get 0)) (memory.size)))
           (func $loop (export \"loop\") (param i32) (result i32)
             (if (result i32) (local.get 0)
               (then (return_call $loop (i32.sub (local.get 0) (i32.const 1))))
               (else (i32.load (i32.const 0))))))",
        &[],
    );
    let exports = ["get", "loop"].map(|name| callee.get_export(&store, name).unwrap());
    let mut instantiate = |wat: &str, imports: &[Extern]| {
        let module = Module::new(&engine, assemble(wat)).unwrap();
        Instance::new(&mut store, &module, imports).unwrap()
    };
    let caller = instantiate(
        "(module (import \"m\" \"get\" (func $get (param i32) (result i32)))
           (import \"m\" \"loop\" (func $loop (param i32) (result i32)))
           (import \"m\" \"half\" (func $half (param i32) (result f64)))
           (memory 1) (data (i32.const 0) \"\\64\")
           (table funcref (elem $get $loop $half))
           (func (export \"run\") (param i32) (result i32)
             (i32.add (i32.mul (call $get (i32.const 0)) (i32.const 1000))
               (i32.load (local.get 0))))
           (func (export \"indirect\") (param i32) (result i32)
             (i32.add (call_indirect (param i32) (result i32) (i32.const 0) (local.get 0))
               (i32.load (i32.const 0))))
           (func $tail (param i32) (result i32) (return_call $loop (local.get 0)))
           (func (export \"tail\") (param i32) (result i32)
             (i32.add (call $tail (local.get 0)) (i32.load (i32.const 0))))
           (func (export \"host\") (param i32) (result f64)
             (f64.mul (call $half (local.get 0)) (f64.const 3)))
           (func (export \"host tail\") (param i32) (result f64)
             (return_call $half (local.get 0))))",
        &[exports[0], exports[1], Extern::Func(host)],
    );
    let mut call = |export: &str, arg: i32| {
        let func = caller.get_func(&store, export).unwrap();
        func.invoke(&mut store, &[I32(arg)]).unwrap()
    };
    assert_eq!(call("run", 0), [I32(9100)]);
    assert_eq!(call("indirect", 0), [I32(7 + 3 + 100)]);
    assert_eq!(call("indirect", 1), [I32(107)]);
    assert_eq!(call("tail", 100_000), [I32(107)]);
    assert_eq!(call("host", 5), [F64(7.5f64.to_bits())]);
    assert_eq!(call("host tail", 5), [F64(2.5f64.to_bits())]);
    assert_eq!(store.proof().entered, 6, "only calls from outside count");
}

/// Slots beyond what a field can name: the same programs among 70,000 locals.
#[test]
fn frames_larger_than_a_field() {
    let many = "(local i64) ".repeat(40_000);
    let ty = format!(
        "(param $n i32) (param $f f64) (result i32 f64) (local $first i32) {many}
         (local $a i32) (local $b i32) (local $i i32) (local $g f64) (local $v v128)"
    );
    let many_more = format!("{ty} {}", "(local i64) ".repeat(9_000));
    let vectors = ty.replace("i64", "v128");
    let body = "(local.set $b (i32.const 1)) (local.set $g (local.get $f))
        (loop $l
          (local.get $b) (local.set $b (i32.add (local.get $a) (local.get $b))) (local.set $a)
          (local.set $g (f64.add (local.get $g) (f64.const 0.125)))
          (i32.store (i32.const 8) (local.get $a))
          (local.set $a (i32.load offset=8 (i32.const 0)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $l (i32.lt_s (local.get $i) (local.get $n))))
        (select (local.get $a) (local.get $b) (local.get $i)) (local.get $g)";
    let expected = [I32(75025), F64(4.625f64.to_bits())];
    let args = [I32(25), F64(1.5f64.to_bits())];
    for ty in [&ty, &many_more, &vectors] {
        check(&run(ty, body), "run", &args, &expected);
    }
    // A call from up there: arguments and results beyond what a field can name.
    let wat = format!(
        "(module (func $sub (param i32 f64) (result f64 i32)
             (f64.add (local.get 1) (f64.const 1)) (i32.sub (local.get 0) (i32.const 2)))
           (func $id (param i32) (result i32) (local.get 0))
           (func (export \"run\") (param $x i32) (result i32 f64) (local $y f64) {}
             (call $sub (call $id (local.get $x)) (local.get $y))
             (local.set $x) (local.set $y) (local.get $x) (local.get $y)))",
        "(local v128) ".repeat(40_000)
    );
    check(&wat, "run", &[I32(9)], &[I32(7), F64(1f64.to_bits())]);
}

/// Every handler leaves the native stack as it was: a long loop over many of them on a small stack.
#[test]
fn handlers_do_not_recurse() {
    let body = "(loop $l
          (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 3)))
          (local.set 1 (f64.add (f64.sqrt (local.get 1)) (f64.convert_i32_s (local.get 0))))
          (drop (memory.grow (i32.const 0)))
          (memory.fill (i32.const 0) (i32.const 0) (i32.const 4))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i64.load (i32.const 8))";
    let wat = run("(param i32) (result i64) (local f64)", body);
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let result = thread.spawn(move || check(&wat, "run", &[I32(100_000)], &[I64(300_000)]));
    result.unwrap().join().unwrap();
}

#[test]
fn proof_counts_what_is_compiled() {
    let wat = "(module (memory 1) (func) (func (export \"run\") (param i32)
        (memory.fill (local.get 0) (i32.const 0) (i32.const 1)) (drop (memory.size))))";
    let mut program = Program::new(wat);
    program.call("run", &[I32(0)]).unwrap();
    let proof = program.store.proof();
    assert_eq!((proof.functions, proof.compiled, proof.entered), (2, 2, 1));
    let helpers = [("memory.fill", 1), ("memory.size", 1)];
    assert_eq!(proof.ops_via_helper, helpers.into_iter().collect());
    assert_eq!(
        proof.ops_inline, 6,
        "with two `end`s, three operands and a `drop`"
    );
}
