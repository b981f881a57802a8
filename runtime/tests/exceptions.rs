//! Exceptions in every tier that runs here: what catches what, across every kind of call, instance
//! and host function, how far and how often. What the instructions do one by one, the suite tests.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "exceptions/host.rs"]
mod host;
#[path = "exceptions/legacy.rs"]
mod legacy;
#[path = "exceptions/long.rs"]
mod long;
#[path = "exceptions/registers.rs"]
mod registers;

use wassay_runtime::{
    Compilation, Config, Engine, Error, ErrorKind, Exception, Extern, ExternRef, Func, FuncType,
    Instance, Limits, Module, Result, Store, Tier, TrapKind, Val, WasmFeatures,
};

use Val::{I32, I64};

/// The tiers that this host runs.
fn tiers() -> impl Iterator<Item = Tier> {
    let all = [Tier::Stack, Tier::Register, Tier::Jit];
    all.into_iter()
        .filter(|&tier| Engine::new(&Config::only(tier)).is_ok())
}

/// An instance in a store of its own.
struct Program {
    store: Store,
    instance: Instance,
}

fn config(tier: Tier) -> Config {
    *Config::only(tier).features(WasmFeatures::all())
}

fn compile(engine: &Engine, wat: &str) -> Module {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let parsed = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    let bytes = parsed.and_then(|mut wat| wat.encode());
    let bytes = bytes.unwrap_or_else(|e| panic!("{e}\n{wat}"));
    Module::new(engine, &bytes).unwrap_or_else(|e| panic!("{e}\n{wat}"))
}

fn instantiate(store: &mut Store, wat: &str, imports: &[Extern]) -> Instance {
    let module = compile(&store.engine().clone(), wat);
    Instance::new(store, &module, imports).unwrap_or_else(|e| panic!("{e}\n{wat}"))
}

impl Program {
    fn with(config: Config, wat: &str) -> Program {
        let mut store = Store::new(&Engine::new(&config).unwrap(), ());
        let instance = instantiate(&mut store, wat, &[]);
        Program { store, instance }
    }

    fn new(tier: Tier, wat: &str) -> Program {
        Program::with(config(tier), wat)
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>> {
        let func = self.instance.get_func(&self.store, name).unwrap();
        func.invoke(&mut self.store, args)
    }
}

/// Fields that the modules of `check` have.
const FIELDS: &str = r#"
    (type $v (func)) (type $i (func (param i32) (result i32)))
    (tag $a (param i32)) (tag $b (param i32)) (tag $n) (tag $p (param i32 i64))
    (table funcref (elem $throw_a $throw_n))
    (elem declare func $throw_a)
    (func $throw_a (type $i) (throw $a (local.get 0)))
    (func $throw_b (type $i) (throw $b (local.get 0)))
    (func $throw_n (throw $n))
    (func $deeper (type $i) (i32.add (i32.const 1) (call $throw_a (local.get 0))))
    (func $tail (type $i) (return_call $throw_a (local.get 0)))
    (func $tail_table (type $i) (return_call_indirect (type $i) (local.get 0) (i32.const 0)))
    (func $tail_ref (type $i) (return_call_ref $i (local.get 0) (ref.func $throw_a)))
"#;

/// Calls `[i32] -> [i32]` functions with 5 in every tier, translated at once and when called:
/// bodies, and what they give.
fn check(cases: &[(&str, i32)]) {
    let ways = [Compilation::Eager, Compilation::Lazy];
    for (tier, compilation) in tiers().flat_map(|tier| ways.map(|way| (tier, way))) {
        let config = *config(tier).compilation(compilation);
        for &(body, expected) in cases {
            let body = format!(r#"(func (export "run") (param $x i32) (result i32) {body})"#);
            let mut program = Program::with(config, &format!("(module {FIELDS} {body})"));
            let result = program.call("run", &[I32(5)]);
            assert_eq!(result, Ok(vec![I32(expected)]), "{tier}: {body}");
        }
    }
}

#[test]
fn the_first_clause_that_fits_catches() {
    check(&[
        (
            "(block $h (result i32) (try_table (catch $a $h)
                (throw $a (i32.const 7))) unreachable)",
            7,
        ),
        (
            "(block $o (result i32) (block $h (result i32)
            (try_table (catch $b $h) (catch $a $o) (throw $a (i32.const 7))) unreachable)
            (i32.add (i32.const 1)))",
            7,
        ),
        (
            "(block $all (block $h (result i32)
            (try_table (catch_all $all) (catch $a $h) (throw $a (i32.const 7))) unreachable)
            (return)) (i32.const 1)",
            1,
        ),
        // What the inner one does not catch, the outer one does.
        (
            "(block $o (result i32) (try_table (catch $a $o)
            (block $h (result i32) (try_table (catch $b $h) (throw $a (i32.const 7))) unreachable)
            (return (i32.const 1))) unreachable)",
            7,
        ),
        // The inner one comes first.
        (
            "(block $o (result i32) (try_table (catch $a $o)
            (block $h (result i32) (try_table (catch $a $h) (throw $a (i32.const 7))) unreachable)
            (return (i32.add (i32.const 1)))) unreachable)",
            8,
        ),
        // A handler's own exceptions go out.
        (
            "(block $o (result i32) (try_table (catch $a $o)
            (block $h (result i32) (try_table (catch $a $h) (throw $a (i32.const 7))) unreachable)
            (drop) (throw $a (i32.const 9))) unreachable)",
            9,
        ),
        // To the function itself, and from behind a try that ended.
        (
            "(try_table (result i32) (catch $a 0) (call $throw_a (i32.const 7)))",
            7,
        ),
        (
            "(block (result i32)
                (try_table (result i32) (catch $a 1) (call $throw_a (i32.const 7))))",
            7,
        ),
        (
            "(block $h (result i32) (block $g (result i32)
            (drop (try_table (result i32) (catch $a $g) (i32.const 1)))
            (try_table (catch $a $h) (throw $a (i32.const 7))) unreachable)
            (i32.const 1) (i32.add))",
            7,
        ),
        // A loop is a target, too.
        (
            "(loop $l (result i32) (if (i32.eqz (local.get $x)) (then (return (i32.const 3))))
            (local.set $x (i32.sub (local.get $x) (i32.const 1)))
            (try_table (catch $n $l) (throw $n)) unreachable)",
            3,
        ),
    ]);
}

#[test]
fn operands_and_locals_survive() {
    check(&[
        // Locals changed in the body are as they were changed; operands below the label stay.
        (
            "(local.get $x) (i32.const 100)
          (block $h (result i32) (i32.const 9) (try_table (catch $a $h)
            (local.set $x (i32.const 20)) (drop (call $throw_a (i32.const 7)))
            (local.set $x (i32.const 30))) unreachable)
          (i32.add) (i32.add) (i32.add (local.get $x))",
            132,
        ),
        // A read that was pending when the body changed the local.
        (
            "(local.get $x) (block $h (try_table (catch_all $h) (local.set $x (i32.const 20))
            (call $throw_n))) (i32.add (local.get $x))",
            25,
        ),
        // Parameters of blocks.
        (
            "(local.get $x) (try_table (param i32) (result i32) (catch $a 0)
            (i32.add (i32.const 1)) (call $throw_a))",
            6,
        ),
        // Several values, and the reference behind them, thrown again.
        (
            "(local i64) (block $o (result i32 i64)
            (try_table (catch $p $o)
                (block $h (result i32 i64 exnref)
                    (try_table (catch_ref $p $h) (throw $p (local.get $x) (i64.const 8)))
                    unreachable)
                (throw_ref)) unreachable)
          (i32.wrap_i64) (i32.add)",
            13,
        ),
        // The last instruction of a body, and the first one behind it.
        (
            "(block $h (try_table (catch_all $h) (call $throw_n))
                (return (i32.const 1))) (i32.const 2)",
            2,
        ),
        (
            "(block $o (try_table (catch_all $o)
            (block $h (try_table (catch_all $h) (nop)) (call $throw_n)) (return (i32.const 1))))
          (i32.const 3)",
            3,
        ),
    ]);
}

#[test]
fn exceptions_leave_every_kind_of_call() {
    let body = |call: &str| {
        format!(
            "(block $h (result i32) (drop (try_table (result i32) (catch $a $h) {call}))
            (i32.const -1))"
        )
    };
    for call in [
        "(call $throw_a (i32.const 7))",
        "(call $deeper (i32.const 7))",
        "(call $tail (i32.const 7))",
        "(call $tail_table (i32.const 7))",
        "(call $tail_ref (i32.const 7))",
        "(call_indirect (type $i) (i32.const 7) (i32.const 0))",
        "(call_ref $i (i32.const 7) (ref.func $throw_a))",
    ] {
        check(&[(&body(call), 7)]);
    }
}

/// A tail call gives up the frame, and its handlers with it.
#[test]
fn tail_calls_leave_handlers() {
    for call in [
        "return_call $throw_a (i32.const 7)",
        "return_call_indirect (type $i) (i32.const 7) (i32.const 0)",
        "return_call_ref $i (i32.const 7) (ref.func $throw_a)",
        "return_call $thrower (i32.const 7)",
    ] {
        for tier in tiers() {
            let wat = format!(
                r#"(module (import "" "f" (func $thrower (param i32) (result i32)))
                (import "" "t" (tag $host (param i32))) {FIELDS}
                (func $inner (param i32) (result i32)
                    (try_table (result i32) (catch $a 0) (catch $host 0) ({call})))
                (func (export "run") (result i32) (block $h (result i32)
                    (drop (try_table (result i32) (catch $a $h) (catch $host $h)
                        (call $inner (i32.const 0)))) (i32.const -1)) (i32.add (i32.const 10))))"#
            );
            let (mut store, imports) = host::thrower(tier);
            let instance = instantiate(&mut store, &wat, &imports);
            let mut program = Program { store, instance };
            assert_eq!(program.call("run", &[]), Ok(vec![I32(17)]), "{tier} {call}");
        }
    }
}

#[test]
fn every_type_is_carried() {
    let types = "i32 i64 f32 f64 v128 externref funcref i32";
    let wat = format!(
        r#"(module (tag $t (param {types})) (tag $w (param v128 v128))
        (func $throw (param {types}) (throw $t {locals}))
        (func (export "near") (param {types}) (result {types})
            (block $h (result {types}) (try_table (catch $t $h) (throw $t {locals}))
            unreachable))
        (func (export "far") (param {types}) (result {types} exnref)
            (block $h (result {types} exnref)
                (try_table (catch_ref $t $h) (call $throw {locals})) unreachable))
        (func (export "constants") (result v128 v128)
            (try_table (catch $w 0)
                (throw $w (v128.const i64x2 1 2) (v128.const i64x2 3 4))) unreachable))"#,
        locals = "(local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
            (local.get 5) (local.get 6) (local.get 7)",
    );
    for tier in tiers() {
        let mut program = Program::new(tier, &wat);
        let near = program.instance.get_func(&program.store, "near").unwrap();
        let values = [
            I32(-1),
            I64(i64::MIN),
            Val::F32(0x7fa0_0001),
            Val::F64(0x8000_0000_0000_0000),
            Val::V128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            Val::from(ExternRef::from_number(77)),
            Val::Ref(near.into()),
            I32(i32::MAX),
        ];
        assert_eq!(program.call("near", &values), Ok(values.to_vec()), "{tier}");
        let far = program.call("far", &values).unwrap();
        assert_eq!(far[..values.len()], values, "{tier}");
        let exception = match far.last() {
            Some(&Val::Ref(reference)) => Exception::from_ref(reference),
            _ => None,
        };
        let (_, carried) = exception.unwrap().get(&program.store).unwrap();
        assert_eq!(carried, values, "{tier}");
        let wide = |low: u128, high: u128| Val::V128(low | high << 64);
        let constants = program.call("constants", &[]);
        assert_eq!(constants, Ok(vec![wide(1, 2), wide(3, 4)]), "{tier}");
    }
}

#[test]
fn what_is_not_caught_leaves_with_its_values() {
    let wat = r#"(module (tag $t (export "t") (param i32 i64))
        (func $throw (throw $t (i32.const 3) (i64.const 4)))
        (tag $other) (func (export "run") (try_table (catch $other 0) (call $throw))))"#;
    for tier in tiers() {
        let mut program = Program::new(tier, wat);
        for _ in 0..2 {
            let error = program.call("run", &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exception, "{tier}");
            let exception = Exception::of(&error).unwrap();
            let exported = program.instance.get_export(&program.store, "t");
            let (tag, values) = exception.get(&program.store).unwrap();
            assert_eq!(Some(Extern::Tag(tag)), exported);
            assert_eq!(values, [I32(3), I64(4)]);
        }
    }
}

#[test]
fn traps_are_not_caught() {
    let wat = r#"(module
        (func (export "trap") (block $h (try_table (catch_all $h) (unreachable))))
        (func (export "null")
            (block $h (try_table (catch_all $h) (throw_ref (ref.null exn)))))
        (func $deep (call $deep))
        (func (export "deep") (block $h (try_table (catch_all $h) (call $deep)))))"#;
    let cases = [
        ("trap", TrapKind::Unreachable),
        ("null", TrapKind::NullExceptionReference),
        ("deep", TrapKind::StackExhausted),
    ];
    for tier in tiers() {
        let mut program = Program::new(tier, wat);
        for (name, kind) in cases {
            assert_eq!(program.call(name, &[]), Err(Error::trap(kind)), "{tier}");
        }
    }
}

#[test]
fn tags_are_the_same_if_they_are_one() {
    let thrower = r#"(module (tag $t (export "t") (param i32)) (tag $u (export "u") (param i32))
        (func (export "f") (param i32) (result i32) (throw $t (local.get 0))))"#;
    let catcher = r#"(module (type $i (func (param i32) (result i32)))
        (import "" "t" (tag $t (param i32))) (import "" "u" (tag $u (param i32)))
        (import "" "f" (func $f (type $i))) (memory 1)
        (table funcref (elem $f)) (elem declare func $f)
        (tag $own (param i32))
        (func $tail (type $i) (return_call $f (local.get 0)))
        (func $catch (param $way i32) (result i32)
            (block $t (result i32) (block $u (result i32) (block $own (result i32)
                (drop (try_table (result i32) (catch $own $own) (catch $u $u) (catch $t $t)
                    (if (result i32) (i32.eq (local.get $way) (i32.const 0))
                    (then (call $f (i32.const 7)))
                    (else (if (result i32) (i32.eq (local.get $way) (i32.const 1))
                    (then (call_indirect (type $i) (i32.const 7) (i32.const 0)))
                    (else (if (result i32) (i32.eq (local.get $way) (i32.const 2))
                    (then (call_ref $i (i32.const 7) (ref.func $f)))
                    (else (call $tail (i32.const 7)))))))))) (return (i32.const -1)))
                (return (i32.const -2))) (return (i32.const -3))))
        ;; After the way back, memory 0 is this instance's again.
        (func (export "run") (param i32) (result i32)
            (i32.store (i32.const 8) (call $catch (local.get 0))) (i32.load (i32.const 8))))"#;
    for tier in tiers() {
        let mut store = Store::new(&Engine::new(&config(tier)).unwrap(), ());
        let thrower = instantiate(&mut store, thrower, &[]);
        let imports = ["t", "u", "f"].map(|name| thrower.get_export(&store, name).unwrap());
        let instance = instantiate(&mut store, catcher, &imports);
        let mut program = Program { store, instance };
        for way in 0..4 {
            assert_eq!(
                program.call("run", &[I32(way)]),
                Ok(vec![I32(7)]),
                "{tier} {way}"
            );
        }
    }
}
