//! Functions that are translated when they are first called: the same results as all at once, by
//! every kind of call; only what is called is translated; what cannot be translated fails as
//! `Unsupported` then; threads whose stores share a module may call a function first together.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Barrier;

use wassay_runtime::{
    Compilation, Config, Engine, ErrorKind, Extern, Func, Instance, Limits, Module, Result, Store,
    Tier, TrapKind, Val, WasmFeatures,
};

const TIERS: [Tier; 2] = [Tier::Stack, Tier::Register];

fn lazy(tier: Tier) -> Config {
    *Config::only(tier).compilation(Compilation::Lazy)
}

fn module(engine: &Engine, wat: &str) -> Module {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let mut wat = wast::parser::parse::<wast::Wat<'_>>(&buffer).unwrap();
    Module::new(engine, wat.encode().unwrap()).unwrap()
}

fn instance(config: Config, wat: &str) -> (Store, Instance) {
    let engine = Engine::new(&config).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, wat), &[]).unwrap();
    (store, instance)
}

fn call(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> Result<Vec<Val>> {
    instance
        .get_func(&*store, name)
        .unwrap()
        .invoke(&mut *store, args)
}

/// `by_*` call `$sum` in every way there is within a module.
const CALLS: &str = r#"(module
    (type $t (func (param i32 i32) (result i32)))
    (table 2 funcref) (elem (i32.const 0) func $sum) (elem declare func $sum)
    (func $sum (type $t) (local i32) (i32.add (local.get 0) (local.get 1)))
    (func $never (type $t) (call $sum (local.get 0) (local.get 1)))
    (func (export "by_index") (type $t) (call $sum (local.get 0) (local.get 1)))
    (func (export "by_table") (type $t)
        (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "by_ref") (type $t)
        (call_ref $t (local.get 0) (local.get 1) (ref.func $sum)))
    (func (export "by_tail") (type $t) (return_call $sum (local.get 0) (local.get 1)))
    (func (export "by_tail_table") (type $t)
        (return_call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "by_tail_ref") (type $t)
        (return_call_ref $t (local.get 0) (local.get 1) (ref.func $sum)))
    (func (export "sum") (type $t) (return_call $sum (local.get 0) (local.get 1)))
    (func (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    (func $down (export "again") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0)))))"#;

const WAYS: [&str; 6] = [
    "by_index",
    "by_table",
    "by_ref",
    "by_tail",
    "by_tail_table",
    "by_tail_ref",
];

#[test]
fn what_is_called_is_translated_once_by_every_kind_of_call() {
    for tier in TIERS {
        for way in WAYS {
            let (mut store, instance) = instance(lazy(tier), CALLS);
            assert_eq!(
                (store.proof().functions(), store.proof().compiled()),
                (11, 0)
            );
            for n in 1..4 {
                let args = [Val::I32(n), Val::I32(40)];
                let results = call(&mut store, instance, way, &args);
                assert_eq!(results, Ok(vec![Val::I32(n + 40)]), "{tier} {way}");
                assert_eq!(store.proof().compiled(), 2, "{tier} {way}: itself and $sum");
            }
        }
    }
}

#[test]
fn calls_of_other_instances_translate_there() {
    let importing = r#"(module
        (type $t (func (param i32 i32) (result i32)))
        (import "" "sum" (func $sum (type $t)))
        (func (export "call") (type $t) (call $sum (local.get 0) (local.get 1)))
        (func (export "tail") (type $t) (return_call $sum (local.get 0) (local.get 1))))"#;
    for tier in TIERS {
        for way in ["call", "tail"] {
            let (mut store, first) = instance(lazy(tier), CALLS);
            let engine = store.engine().clone();
            let sum = Extern::Func(first.get_func(&store, "sum").unwrap());
            let second = Instance::new(&mut store, &module(&engine, importing), &[sum]).unwrap();
            for n in 0..3 {
                let args = [Val::I32(n), Val::I32(2)];
                let results = call(&mut store, second, way, &args);
                assert_eq!(results, Ok(vec![Val::I32(n + 2)]), "{tier} {way}");
            }
            // The export only tail-calls `$sum`.
            assert_eq!(store.proof().compiled(), 3, "{tier} {way}");
        }
    }
}

#[test]
fn recursion_is_as_deep_as_without() {
    for tier in TIERS {
        let (mut store, instance) = instance(lazy(tier), CALLS);
        let results = call(&mut store, instance, "down", &[Val::I32(1000)]);
        assert_eq!(results, Ok(vec![Val::I32(1000)]), "{tier}");
        let error = call(&mut store, instance, "again", &[Val::I32(i32::MAX)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap(TrapKind::StackExhausted));
        let results = call(&mut store, instance, "again", &[Val::I32(7)]);
        assert_eq!(results, Ok(vec![Val::I32(7)]), "{tier}");
    }
}

#[test]
fn a_frame_that_never_fits_is_exhaustion() {
    let locals = "i64 ".repeat(40_000);
    let wat = format!(
        r#"(module (func $large (local {locals}))
            (func (export "call") (call $large))
            (func (export "tail") (return_call $large)) (export "large" (func $large)))"#
    );
    for tier in TIERS {
        let mut config = lazy(tier);
        config.limits(Limits::new().value_stack_bytes(64 << 10));
        let (mut store, instance) = instance(config, &wat);
        for name in ["call", "tail", "large", "call", "large"] {
            let error = call(&mut store, instance, name, &[]).unwrap_err();
            let exhausted = ErrorKind::Trap(TrapKind::StackExhausted);
            assert_eq!(error.kind(), exhausted, "{tier} {name}");
        }
    }
}

#[test]
fn what_cannot_be_translated_fails_when_it_is_called() {
    let wat = r#"(module (memory 1)
        (func $discard (memory.discard (i32.const 0) (i32.const 0)))
        (func (export "call") (param i32) (result i32)
            (if (local.get 0) (then (call $discard))) (i32.const 5)))"#;
    for tier in TIERS {
        let mut config = lazy(tier);
        config.feature(WasmFeatures::MEMORY_CONTROL, true);
        let (mut store, instance) = instance(config, wat);
        for _ in 0..2 {
            let results = call(&mut store, instance, "call", &[Val::I32(0)]);
            assert_eq!(results, Ok(vec![Val::I32(5)]), "{tier}");
            let error = call(&mut store, instance, "call", &[Val::I32(1)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{tier}: {error}");
            assert!(error.message().contains("memory.discard"), "{error}");
        }
        config.compilation(Compilation::Eager);
        let engine = Engine::new(&config).unwrap();
        let module = module(&engine, wat);
        let error = Instance::new(&mut Store::new(&engine, ()), &module, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{tier}: {error}");
    }
}

/// Functions that call each other in rings, so that threads meet at first calls of many.
#[test]
fn threads_share_what_is_translated() {
    const FUNCS: usize = 200;
    const THREADS: usize = 4;
    let funcs: String = (0..FUNCS)
        .map(|i| {
            let next = (i + 1) % FUNCS;
            format!(
                "(func $f{i} (param i32 i32) (result i32)
                    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
                    (call $f{next} (i32.sub (local.get 0) (i32.const 1))
                        (i32.add (i32.mul (local.get 1) (i32.const 3)) (i32.const {i}))))"
            )
        })
        .collect();
    let wat = format!("(module {funcs} (export \"run\" (func $f0)))");
    let args = [Val::I32(1000), Val::I32(1)];
    for tier in TIERS {
        let (mut store, eager) = instance(Config::only(tier), &wat);
        let expected = call(&mut store, eager, "run", &args);
        for _ in 0..20 {
            let engine = Engine::new(&lazy(tier)).unwrap();
            let module = module(&engine, &wat);
            let barrier = Barrier::new(THREADS);
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        let mut store = Store::new(&engine, ());
                        let instance = Instance::new(&mut store, &module, &[]).unwrap();
                        barrier.wait();
                        assert_eq!(call(&mut store, instance, "run", &args), expected);
                    });
                }
            });
        }
    }
}

/// First calls of very many functions from one frame, directly and by a table, take no native
/// stack: then there is room left to call the host.
#[test]
fn first_calls_take_no_native_stack() {
    const COUNT: i64 = 3_000;
    let lines = |line: &dyn Fn(i64) -> String| -> String { (0..COUNT).map(line).collect() };
    let direct = lines(&|n| format!("(func $d{n} (result i64) (i64.const {n}))\n"));
    let indirect = lines(&|n| format!("(func $i{n} (result i64) (i64.const {n}))\n"));
    let elements = lines(&|n| format!("$i{n} "));
    let calls = lines(&|n| format!("(local.set 0 (i64.add (local.get 0) (call $d{n})))\n"));
    let wat = format!(
        "(module (import \"host\" \"f\" (func $host)) (type $t (func (result i64)))
        (table funcref (elem {elements})) {direct} {indirect}
        (func (export \"direct\") (result i64) (local i64)
            {calls} (call $host) (local.get 0))
        (func (export \"indirect\") (result i64) (local i64 i32)
            (loop $l
                (local.set 0
                    (i64.add (local.get 0) (call_indirect (type $t) (local.get 1))))
                (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1)))
                    (i32.const {COUNT}))))
            (call $host) (local.get 0)))"
    );
    for tier in TIERS {
        let mut config = lazy(tier);
        config.limits(Limits::new().native_stack_bytes(128 << 10));
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, || ());
        let module = module(&engine, &wat);
        let instance = Instance::new(&mut store, &module, &[Extern::Func(host)]).unwrap();
        for name in ["direct", "indirect"] {
            let sum = call(&mut store, instance, name, &[]).unwrap();
            assert_eq!(sum, [Val::I64(COUNT * (COUNT - 1) / 2)], "{tier} {name}");
        }
    }
}
