//! How far and how often: deep stacks, millions of exceptions, calls that must not add up.

use std::sync::{Arc, OnceLock};

use super::*;
use wassay_runtime::Caller;

/// Builds with debug assertions take each step some ten times as long.
const STEPS: i32 = if cfg!(debug_assertions) {
    300_000
} else {
    10_000_000
};

/// Far more than what `STEPS` exceptions take, were they kept, and little beside it.
const HEAP_BYTES_MAX: u64 = 4 << 20;

fn loops(throw: &str) -> String {
    format!(
        r#"(module (tag $t (param i32)) (type $v (func (param i32)))
        (func $throw (type $v) (throw $t (local.get 0)))
        (func $tail (type $v) (return_call $throw (local.get 0)))
        (func (export "run") (param $n i32) (result i32) (local $sum i32) (local $e exnref)
            (loop $l
                (local.set $sum (i32.add (local.get $sum) (block $h (result i32)
                    {throw} (unreachable))))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $l (local.get $n)))
            (local.get $sum)))"#
    )
}

#[test]
fn millions_of_exceptions_take_no_room() {
    let throws = [
        "(try_table (catch $t $h) (throw $t (i32.const 1)))",
        "(try_table (catch $t $h) (call $throw (i32.const 1)))",
        "(try_table (catch $t $h) (call $tail (i32.const 1)))",
        "(try_table (catch $t $h) (block $r (result i32 exnref)
            (try_table (catch_ref $t $r) (throw $t (i32.const 1))) unreachable)
            (throw_ref))",
        "try (result i32) try (throw $t (i32.const 1)) catch_all (rethrow 0) end unreachable
            catch $t end (br $h)",
    ];
    for tier in tiers() {
        for throw in throws {
            let mut config = config(tier);
            config.limits(Limits::new().gc_heap_bytes_max(HEAP_BYTES_MAX));
            let mut program = Program::with(config, &loops(throw));
            let result = program.call("run", &[I32(STEPS)]);
            assert_eq!(result, Ok(vec![I32(STEPS)]), "{tier}: {throw}");
        }
    }
}

/// Throwing allocates, and may collect: what locals and operands refer to is alive.
#[test]
fn throwing_keeps_what_is_referred_to() {
    let wat = r#"(module (tag $t (param i32)) (tag $keep (param i32 exnref))
        (func $new (param i32) (result exnref) (local $e exnref)
            (block $h (result i32 exnref)
                (try_table (catch_ref $t $h) (throw $t (local.get 0))) unreachable)
            (local.set $e) (drop) (local.get $e))
        (func $value (param exnref) (result i32)
            (try_table (catch $t 0) (throw_ref (local.get 0))) unreachable)
        (func (export "run") (param i32) (result i32) (local $e exnref) (local $f exnref)
            (local.set $e (call $new (i32.const 100)))
            (call $new (i32.const 2000))
            (block $h (result i32 exnref)
                (try_table (catch $keep $h)
                    (throw $keep (local.get 0) (call $new (i32.const 30000)))) unreachable)
            (local.set $f) (local.set 0)
            (block $h (result i32) (try_table (catch $t $h) (throw $t (local.get 0))) unreachable)
            (i32.add (call $value (local.get $e))) (i32.add (call $value (local.get $f)))
            (local.set 0) (i32.add (call $value) (local.get 0))))"#;
    for tier in tiers() {
        let mut config = config(tier);
        config.testing().gc_stress(true);
        let mut program = Program::with(config, wat);
        let result = program.call("run", &[I32(7)]);
        assert_eq!(result, Ok(vec![I32(32_107)]), "{tier}");
    }
}

fn deep(tier: Tier) -> Config {
    let mut config = config(tier);
    let limits = Limits::new().value_stack_bytes(64 << 20);
    config.limits(limits.call_depth_max(250_000).native_stack_bytes(64 << 20));
    config
}

/// Runs a test in a thread with the native stack that `deep` allows.
fn on_a_deep_stack(test: fn()) {
    let builder = std::thread::Builder::new().stack_size(80 << 20);
    let ended = builder.spawn(test).unwrap().join();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn a_hundred_thousand_frames_are_unwound() {
    on_a_deep_stack(|| {
        let wat = r#"(module (tag $t (param i32)) (tag $other)
            (func $down (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 7))))
                (block $h
                    (return (i32.add (i32.const 1) (try_table (result i32) (catch $other $h)
                        (call $down (i32.sub (local.get 0) (i32.const 1)))))))
                (i32.const 1))
            (func (export "run") (param i32) (result i32)
                (try_table (result i32) (catch $t 0) (call $down (local.get 0)))))"#;
        for tier in tiers() {
            let mut program = Program::with(deep(tier), wat);
            for _ in 0..3 {
                let result = program.call("run", &[I32(100_000)]);
                assert_eq!(result, Ok(vec![I32(7)]), "{tier}");
            }
        }
    });
}

/// Every frame catches and throws again.
#[test]
fn a_chain_of_rethrows() {
    on_a_deep_stack(|| {
        let wat = r#"(module (tag $t (param i32))
            (func $down (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 0))))
                try (result i32) (call $down (i32.sub (local.get 0) (i32.const 1)))
                catch $t (throw $t (i32.add (i32.const 1)))
                catch_all (rethrow 0) end)
            (func (export "run") (param i32) (result i32)
                (try_table (result i32) (catch $t 0) (call $down (local.get 0)))))"#;
        for tier in tiers() {
            let mut program = Program::with(deep(tier), wat);
            let result = program.call("run", &[I32(50_000)]);
            assert_eq!(result, Ok(vec![I32(50_000)]), "{tier}");
        }
    });
}

/// A module whose functions call, in every way, what is in its table, and end at 0.
const CALLS: &str = r#"(module (type $i (func (param i32) (result i32)))
    (import "" "host" (func $host (type $i)))
    (table $t (export "table") 2 2 funcref)
    (elem declare func $deep_ref $tail_ref)
    (func $less (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
    (func $deep (export "deep") (type $i)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $deep (call $less (local.get 0)))))
            (else (i32.const 0))))
    (func $deep_ref (export "deep_ref") (type $i)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1)
                (call_ref $i (call $less (local.get 0)) (ref.func $deep_ref))))
            (else (i32.const 0))))
    (func $deep_table (export "deep_table") (type $i)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1)
                (call_indirect (type $i) (call $less (local.get 0)) (i32.const 0))))
            (else (i32.const 0))))
    (func $tail (export "tail") (type $i)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call $tail (call $less (local.get 0))))
    (func $tail_ref (export "tail_ref") (type $i)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call_ref $i (call $less (local.get 0)) (ref.func $tail_ref)))
    (func $tail_table (export "tail_table") (type $i)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call_indirect (type $i) (call $less (local.get 0)) (i32.const 1)))
    (func $to_host (type $i) (return_call $host (local.get 0)))
    (func (export "tail_host") (type $i)
        (loop $l (local.set 0 (call $to_host (local.get 0))) (br_if $l (local.get 0)))
        (i32.const 0)))"#;

/// Its neighbour, which calls and tail-calls the first one's functions, and is called by them.
const BACK: &str = r#"(module (type $i (func (param i32) (result i32)))
    (import "" "table" (table $t 2 2 funcref))
    (import "" "deep_table" (func $deep_table (type $i)))
    (import "" "tail_table" (func $tail_table (type $i)))
    (elem (table $t) (i32.const 0) func $deep $tail)
    (func $deep (type $i)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1)
                (call $deep_table (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    (func $tail (type $i)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call $tail_table (i32.sub (local.get 0) (i32.const 1)))))"#;

/// The two of them; the host function gives one less.
fn calls(config: Config) -> Program {
    let mut store = Store::new(&Engine::new(&config).unwrap(), ());
    let host = Func::wrap(&mut store, |n: i32| n - 1);
    let instance = instantiate(&mut store, CALLS, &[Extern::Func(host)]);
    let names = ["table", "deep_table", "tail_table"];
    let imports = names.map(|name| instance.get_export(&store, name).unwrap());
    instantiate(&mut store, BACK, &imports);
    Program { store, instance }
}

/// `deep_table` and `tail_table` go to and fro between two instances.
#[test]
fn tail_calls_take_no_room() {
    for tier in tiers() {
        let mut config = config(tier);
        let limits = Limits::new().value_stack_bytes(16 << 10);
        config.limits(limits.call_depth_max(16).native_stack_bytes(64 << 10));
        let mut program = calls(config);
        for name in ["tail", "tail_ref", "tail_table", "tail_host"] {
            let result = program.call(name, &[I32(STEPS)]);
            assert_eq!(result, Ok(vec![I32(0)]), "{tier} {name}");
        }
    }
}

#[test]
fn calls_go_deep_and_end_in_exhaustion() {
    on_a_deep_stack(|| {
        for tier in tiers() {
            let mut program = calls(deep(tier));
            for name in ["deep", "deep_ref", "deep_table"] {
                let result = program.call(name, &[I32(100_000)]);
                assert_eq!(result, Ok(vec![I32(100_000)]), "{tier} {name}");
                let too_deep = program.call(name, &[I32(100_000_000)]);
                let exhausted = Err(Error::trap(TrapKind::StackExhausted));
                assert_eq!(too_deep, exhausted, "{tier} {name}");
            }
        }
    });
}

/// Wasm and a host function call each other until the native stack is used up.
#[test]
fn calls_through_the_host_end_in_exhaustion() {
    for tier in tiers() {
        let mut store = Store::new(&Engine::new(&config(tier)).unwrap(), ());
        let func = Arc::new(OnceLock::<Func>::new());
        let called = func.clone();
        let host = Func::wrap(&mut store, move |caller: Caller<'_, ()>| {
            called.get().unwrap().call(caller, &[], &mut [])
        });
        let wat = r#"(module (import "" "f" (func $f))
            (func (export "call") (call $f)) (func (export "tail") (return_call $f)))"#;
        let instance = instantiate(&mut store, wat, &[Extern::Func(host)]);
        func.set(instance.get_func(&store, "call").unwrap())
            .unwrap();
        let mut program = Program { store, instance };
        for name in ["call", "tail", "call"] {
            let result = program.call(name, &[]);
            let exhausted = Err(Error::trap(TrapKind::StackExhausted));
            assert_eq!(result, exhausted, "{tier} {name}");
        }
    }
}
