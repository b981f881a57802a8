//! Tests of the stack tier: behaviour that the translation and the frame layout decide. What each
//! opcode computes is tested by the suite and by `numeric`.

mod gc;
mod handlers;
mod profiled;
mod support;

use crate::Instance;
use crate::Module;
use crate::engine::{Config, Engine, Policy, Tier};
use crate::error::ErrorKind;
use crate::limits::Limits;
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Extern, Func, Store};
use wasmparser::WasmFeatures;

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).expect("the text has tokens");
    let parsed = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    parsed
        .unwrap_or_else(|e| panic!("{e}\n{wat}"))
        .encode()
        .expect("the module encodes")
}

fn engine(limits: Limits) -> Engine {
    Engine::with_backend(
        Config {
            policy: Policy::Only(Tier::Stack),
            limits,
            features: WasmFeatures::all(),
            ..Config::only(Tier::Stack)
        },
        Box::new(super::StackTier),
    )
}

/// A store with an instance of the module.
fn instantiate(wat: &str, limits: Limits) -> (Store, Instance) {
    let engine = engine(limits);
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, encode(wat)).expect("the module is valid");
    let instance = Instance::new(&mut store, &module, &[]).expect("the module instantiates");
    (store, instance)
}

fn call(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> Outcome {
    let func = instance
        .get_func(&mut *store, name)
        .expect("the export is a function");
    match func.invoke(store, args) {
        Ok(values) => Ok(values),
        Err(error) => Err(error.trap_kind().unwrap_or_else(|| panic!("{error}"))),
    }
}

type Outcome = Result<Vec<Val>, TrapKind>;

/// Calls `export` of a module without imports.
#[track_caller]
fn check(wat: &str, export: &str, args: &[Val], expected: Outcome) {
    let (mut store, instance) = instantiate(wat, Limits::default());
    let frame_top = store.state().cx.frame_top;
    assert_eq!(call(&mut store, instance, export, args), expected);
    assert_eq!(
        store.state().cx.frame_top,
        frame_top,
        "the control stack is as before"
    );
}

fn i32s(values: &[i32]) -> Outcome {
    Ok(values.iter().map(|&v| Val::I32(v)).collect())
}

/// The shape in which an earlier engine went wrong: a loop over three locals, set crosswise.
#[test]
fn a_small_loop_over_locals() {
    let wat = r#"(module (func (export "fib") (param $n i32) (result i32)
        (local $a i32) (local $b i32) (local $t i32)
        (local.set $b (i32.const 1))
        (block $done (loop $next
            (br_if $done (i32.eqz (local.get $n)))
            (local.set $t (i32.add (local.get $a) (local.get $b)))
            (local.set $a (local.get $b))
            (local.set $b (local.get $t))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br $next)))
        (local.get $a)))"#;
    check(wat, "fib", &[Val::I32(25)], i32s(&[75_025]));
    check(wat, "fib", &[Val::I32(0)], i32s(&[0]));
}

#[test]
fn blocks_carry_several_values() {
    let wat = r#"(module
        (func (export "loop") (param $n i32) (result i32 i32 i32)
            (local $x i32) (local $y i32) (local $z i32)
            (i32.const 0) (i32.const 1) (i32.const 0)
            (loop $l (param i32 i32 i32) (result i32 i32 i32)
                (local.set $z) (local.set $y) (local.set $x)
                (i32.const 77) ;; left below what the branch carries
                (local.get $y) (i32.add (local.get $x) (local.get $y))
                (i32.add (local.get $z) (i32.const 1))
                (br_if $l (i32.lt_u (i32.add (local.get $z) (i32.const 1)) (local.get $n)))
                (local.set $z) (local.set $y) (local.set $x) (drop)
                (local.get $x) (local.get $y) (local.get $z)))
        (func (export "if") (param i32) (result i64 i32)
            (i64.const 5) (i32.const 6)
            (if (param i64 i32) (result i64 i32) (local.get 0)
                (then (drop) (drop) (i64.const 7) (i32.const 8))
                (else (i32.add (i32.const 1))))))"#;
    check(wat, "loop", &[Val::I32(10)], i32s(&[55, 89, 10]));
    check(
        wat,
        "if",
        &[Val::I32(1)],
        Ok(vec![Val::I64(7), Val::I32(8)]),
    );
    check(
        wat,
        "if",
        &[Val::I32(0)],
        Ok(vec![Val::I64(5), Val::I32(7)]),
    );
}

/// Labels of one arity at different heights: some targets jump, others must move values.
#[test]
fn br_table_targets_drop_differently() {
    let wat = r#"(module (func (export "t") (param i32) (result i32 i32)
        (block $a (result i32 i32)
            (i32.const 100)
            (block $b (result i32 i32)
                (i32.const 200) (i32.const 300)
                (block $c (result i32 i32)
                    (i32.const 1) (i32.const 2) (local.get 0)
                    (br_table $a $b $c $b 3))
                (i32.add) (i32.add) (i32.add (i32.const 1000)) (br $b (i32.const 9)))
            (i32.const 10) (i32.add) (br $a))))"#;
    check(wat, "t", &[Val::I32(0)], i32s(&[1, 2]));
    check(wat, "t", &[Val::I32(1)], i32s(&[1, 12]));
    check(wat, "t", &[Val::I32(2)], i32s(&[1303, 19]));
    check(wat, "t", &[Val::I32(3)], i32s(&[1, 12]));
    check(wat, "t", &[Val::I32(4)], i32s(&[1, 2]));
    check(wat, "t", &[Val::I32(-1)], i32s(&[1, 2]));
}

#[test]
fn unreachable_code_is_passed_over() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        (block $out (result i32)
            (if (result i32) (local.get 0)
                (then (br $out (i32.const 1)) (block (loop (br 0))) (i32.add) (i32.eqz))
                (else (return (i32.const 2)) (if (unreachable) (then) (else (drop (i32.const 0))))))
            (i32.const 3) (i32.add) (br 0) (select) (i64.extend_i32_u) (drop) (i32.const 4))))"#;
    check(wat, "f", &[Val::I32(1)], i32s(&[1]));
    check(wat, "f", &[Val::I32(0)], i32s(&[2]));
}

#[test]
fn call_indirect_traps() {
    let wat = r#"(module
        (type $f (func (result i32))) (type $g (func (param i32) (result i32)))
        (table 3 funcref) (elem (i32.const 0) $a $b)
        (func $a (type $f) (i32.const 7)) (func $b (type $g) (local.get 0))
        (func (export "call") (param i32) (result i32)
            (i32.const 1) (call_indirect (type $f) (local.get 0)) (i32.add)))"#;
    check(wat, "call", &[Val::I32(0)], i32s(&[8]));
    check(
        wat,
        "call",
        &[Val::I32(1)],
        Err(TrapKind::IndirectCallTypeMismatch),
    );
    check(
        wat,
        "call",
        &[Val::I32(2)],
        Err(TrapKind::UninitializedElement),
    );
    check(wat, "call", &[Val::I32(3)], Err(TrapKind::UndefinedElement));
    check(
        wat,
        "call",
        &[Val::I32(-1)],
        Err(TrapKind::UndefinedElement),
    );
}

/// What is called in another instance has that instance's memory and globals, and gives ours back.
#[test]
fn calls_change_the_instance_and_change_it_back() {
    let engine = engine(Limits::default());
    let mut store = Store::new(&engine, ());
    let callee = r#"(module (memory 1) (data (i32.const 0) "\07")
        (func (export "peek") (param i32) (result i32)
            (drop (memory.grow (i32.const 1))) (i32.load8_u (local.get 0))))"#;
    let caller = r#"(module (import "" "" (func $peek (param i32) (result i32)))
        (memory 1) (data (i32.const 0) "\05")
        (table funcref (elem $peek)) (elem declare func $peek)
        (func (export "sum") (result i32)
            (i32.load8_u (i32.const 0)) (call $peek (i32.const 0)) (i32.load8_u (i32.const 0))
            (i32.add) (i32.add)
            (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 0))
            (call_ref 0 (i32.const 0) (ref.func $peek))
            (memory.size) (i32.add) (i32.add) (i32.add))
        (func (export "tail") (result i32) (return_call $peek (i32.const 65536)))
        (func (export "twice") (param $n i32) (result i32) (call $loop (i32.const 3))
            (i32.load8_u (i32.const 0)) (i32.add))
        (func $loop (param $n i32) (result i32) (return_call $peek (i32.const 0))))"#;
    let module = Module::new(&engine, encode(callee)).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let peek = Extern::Func(instance.get_func(&store, "peek").unwrap());
    let module = Module::new(&engine, encode(caller)).unwrap();
    let instance = Instance::new(&mut store, &module, &[peek]).unwrap();
    assert_eq!(
        call(&mut store, instance, "sum", &[]),
        i32s(&[5 + 7 + 5 + 7 + 7 + 1])
    );
    assert_eq!(call(&mut store, instance, "tail", &[]), i32s(&[0]));
    assert_eq!(
        call(&mut store, instance, "twice", &[Val::I32(0)]),
        i32s(&[12])
    );
}

#[test]
fn host_functions_call_back() {
    let engine = engine(Limits::default());
    let mut store = Store::new(&engine, ());
    let half = r#"(module (func (export "half") (param i32) (result i32)
        (i32.div_u (local.get 0) (i32.const 2))))"#;
    let module = Module::new(&engine, encode(half)).unwrap();
    let half = Instance::new(&mut store, &module, &[]).unwrap();
    let half = half.get_func(&store, "half").unwrap();
    let ty = FuncType {
        params: [ValType::I64, ValType::I32].into(),
        results: [ValType::I32, ValType::I64, ValType::I32].into(),
    };
    let host = Func::new(&mut store, ty, move |mut caller, args, results| {
        half.call(&mut caller, &args[1..], &mut results[..1])?;
        results[1..].copy_from_slice(args);
        Ok(())
    });
    let wat = r#"(module
        (import "" "" (func $h (param i64 i32) (result i32 i64 i32)))
        (func (export "f") (param i32) (result i32 i32 i64 i32)
            (i32.const 1) (i64.const 3) (local.get 0) (call $h))
        (func (export "tail") (param i32) (result i32 i64 i32)
            (local i64 i64) (return_call $h (i64.const 4) (local.get 0))))"#;
    let module = Module::new(&engine, encode(wat)).unwrap();
    let host = Extern::Func(host.unwrap());
    let instance = Instance::new(&mut store, &module, &[host]).unwrap();
    let expected = [Val::I32(1), Val::I32(21), Val::I64(3), Val::I32(42)];
    assert_eq!(
        call(&mut store, instance, "f", &[Val::I32(42)]),
        Ok(expected.to_vec())
    );
    let expected = [Val::I32(3), Val::I64(4), Val::I32(6)];
    assert_eq!(
        call(&mut store, instance, "tail", &[Val::I32(6)]),
        Ok(expected.to_vec())
    );
}

#[test]
fn both_stacks_are_exhausted_and_recover() {
    let wat = r#"(module
        (func $down (export "down") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                (else (i32.const 0)))))"#;
    let shallow = Limits {
        call_depth_max: 1_000,
        ..Limits::default()
    };
    let narrow = Limits {
        value_stack_bytes: 16_384,
        ..Limits::default()
    };
    for limits in [shallow, narrow] {
        let (mut store, instance) = instantiate(wat, limits);
        for _ in 0..3 {
            let deep = call(&mut store, instance, "down", &[Val::I32(i32::MAX)]);
            assert_eq!(deep, Err(TrapKind::StackExhausted));
            assert_eq!(
                call(&mut store, instance, "down", &[Val::I32(200)]),
                i32s(&[200])
            );
        }
    }
}

#[test]
fn a_memory_may_grow_during_a_call() {
    let wat = r#"(module (memory 1)
        (func $grow (drop (memory.grow (i32.const 3))))
        (func (export "f") (result i32)
            (i32.store (i32.const 8) (i32.const 11)) (call $grow)
            (i32.store (i32.const 200000) (i32.const 31))
            (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 200000)))))"#;
    check(wat, "f", &[], i32s(&[42]));
}

#[test]
fn tail_calls_keep_the_stacks_flat() {
    let wat = r#"(module
        (type $f (func (param i64 i32) (result i64)))
        (table funcref (elem $even $odd))
        (elem declare func $odd)
        (func $even (type $f)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
            (return_call_indirect (type $f)
                (i64.sub (local.get 0) (i64.const 1)) (i32.const 0) (i32.const 1)))
        (func $odd (type $f) (local $more i64)
            (if (i64.eqz (local.get 0)) (then (return (local.get $more))))
            (return_call $wide
                (i64.const 1) (i64.const 2) (i64.const 3) (i64.sub (local.get 0) (i64.const 1))))
        (func $wide (param i64 i64 i64 i64) (result i64)
            (return_call_ref $f (local.get 3) (i32.const 0) (ref.func $even)))
        (func (export "even") (param i64) (result i64)
            (call $even (local.get 0) (i32.const 0)) (i64.const 40) (i64.add)))"#;
    check(wat, "even", &[Val::I64(1_000_000)], Ok(vec![Val::I64(41)]));
    check(wat, "even", &[Val::I64(1_000_001)], Ok(vec![Val::I64(40)]));
}

#[test]
fn wide_values_take_two_slots() {
    let wat = r#"(module
        (global $g (mut v128) (v128.const i64x2 1 2))
        (func $swap (param i32 v128 i64) (result i64 v128 i32)
            (local.get 2) (local.get 1) (local.get 0))
        (func (export "f") (param i32) (result v128 i32)
            (local $w v128)
            (global.get $g) (drop)
            (local.set $w (select (v128.const i64x2 3 4) (global.get $g) (local.get 0)))
            (call $swap (i32.const 5) (local.tee $w (local.get $w)) (i64.const 6))
            (block $b (param i64 v128 i32) (result v128 i32)
                (br_if $b (local.get 0))
                (local.set 0) (global.set $g) (drop) (global.get $g) (local.get 0))))"#;
    let expected = |low: u128, high: u128| Ok(vec![Val::V128(low | high << 64), Val::I32(5)]);
    check(wat, "f", &[Val::I32(1)], expected(3, 4));
    check(wat, "f", &[Val::I32(0)], expected(1, 2));
}

#[test]
fn many_locals_and_many_targets() {
    let targets = "0 1 ".repeat(32_760);
    let wat: &str = &format!(
        r#"(module (func (export "f") (param i32) (result i64 i32)
            (local {}) (local $last i64)
            (local.set $last (i64.const 9))
            (block (block (br_table {targets} 0 (local.get 0)))
                (return (local.get 1) (i32.const 0)))
            (local.get $last) (i32.const 1)))"#,
        "i64 ".repeat(49_998)
    );
    check(wat, "f", &[Val::I32(0)], Ok(vec![Val::I64(0), Val::I32(0)]));
    check(
        wat,
        "f",
        &[Val::I32(65_519)],
        Ok(vec![Val::I64(9), Val::I32(1)]),
    );
    check(
        wat,
        "f",
        &[Val::I32(-1)],
        Ok(vec![Val::I64(0), Val::I32(0)]),
    );
}

/// The bytes are put together here: a million nested blocks are too many for a text's parser.
#[test]
fn a_million_nested_blocks() {
    const DEPTH: usize = 1_000_000;
    let leb = |mut n: usize, out: &mut Vec<u8>| loop {
        let more = n >= 0x80;
        out.push(n as u8 & 0x7F | u8::from(more) << 7);
        n >>= 7;
        if !more {
            break;
        }
    };
    let mut body = vec![0];
    body.extend([0x02, 0x7F].repeat(DEPTH)); // block (result i32)
    body.extend([0x41, 42, 0x41, 1, 0x0D]); // i32.const 42, i32.const 1, br_if
    leb(DEPTH, &mut body);
    body.extend(vec![0x0B; DEPTH + 1]);
    let mut section = vec![1];
    leb(body.len(), &mut section);
    section.extend(body);
    let mut bytes = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7F\x03\x02\x01\0".to_vec();
    bytes.extend(b"\x07\x05\x01\x01f\0\0\x0A");
    leb(section.len(), &mut bytes);
    bytes.extend(section);
    let engine = engine(Limits::default());
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, &bytes).expect("within the limit of a body's bytes");
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(call(&mut store, instance, "f", &[]), i32s(&[42]));
}

#[test]
fn a_trap_tells_what_was_running() {
    let wat = r#"(module
        (type $t (func)) (table funcref (elem $traps))
        (func $traps (export "traps") (unreachable))
        (func (export "direct") (call $traps))
        (func (export "indirect") (call_indirect (type $t) (i32.const 0)))
        (func (export "tail") (return_call $traps)))"#;
    let (mut store, instance) = instantiate(wat, Limits::default());
    let expected: [(&str, &[u32]); 4] = [
        ("traps", &[0]),
        ("direct", &[0, 1]),
        ("indirect", &[0, 2]),
        ("tail", &[0]),
    ];
    for (name, expected) in expected {
        let func = instance.get_func(&store, name).unwrap();
        let error = func.invoke(&mut store, &[]).unwrap_err();
        let frames = error.backtrace().unwrap().frames();
        let funcs: Vec<u32> = frames.iter().map(|frame| frame.func).collect();
        assert_eq!(funcs, expected, "{name}");
    }
}

#[test]
fn the_proof_counts() {
    let wat = r#"(module (memory 1)
        (func (export "f") (drop (memory.grow (i32.const 0))) (call $g))
        (func $g (drop (memory.grow (i32.const 0))) (return) (nop) (nop)))"#;
    let (mut store, instance) = instantiate(wat, Limits::default());
    assert_eq!(call(&mut store, instance, "f", &[]), Ok(vec![]));
    let proof = store.proof();
    assert_eq!((proof.functions, proof.compiled, proof.entered), (2, 2, 1));
    assert_eq!(proof.ops_via_helper, [("memory.grow", 2)].into());
    // i32.const, drop, call, end; i32.const, drop, return.
    assert_eq!(proof.ops_inline, 7);
}

#[test]
fn unsupported_names_the_opcode() {
    let engine = engine(Limits::default());
    let mut store = Store::new(&engine, ());
    let wat = r#"(module (tag $t) (func (nop) (suspend $t)))"#;
    let module = Module::new(&engine, encode(wat)).unwrap();
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Unsupported, "suspend")
    );
}
