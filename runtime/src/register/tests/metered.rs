//! Metering in both interpreters: the same fuel after the same program, and the same end where it
//! runs out; interruption.

use std::time::Duration;

use super::assemble;
use crate::Module;
use crate::engine::{Config, Engine, Tier};
use crate::trap::TrapKind;
use crate::types::FuncType;
use crate::value::Val;
use crate::{Extern, Func, Instance, Store};

const INTERPRETERS: [Tier; 2] = [Tier::Stack, Tier::Register];

fn metered(tier: Tier, wat: &str) -> (Store, Instance) {
    let config = Config {
        fuel: true,
        interruptible: true,
        ..Config::only(tier)
    };
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, assemble(wat)).unwrap_or_else(|e| panic!("{e}\n{wat}"));
    let mut store = Store::new(&engine, ());
    let ty = FuncType {
        params: [].into(),
        results: [].into(),
    };
    let host = Func::new(&mut store, ty, |_, _, _| Ok(())).unwrap();
    let imports = [Extern::Func(host)];
    let instance = Instance::new(&mut store, &module, &imports[..module.imports().len()]).unwrap();
    (store, instance)
}

/// What a call of `run` gives, and the fuel and the global "g" after it.
fn run(tier: Tier, wat: &str, fuel: u64) -> (Result<Vec<Val>, TrapKind>, u64, Option<Val>) {
    let (mut store, instance) = metered(tier, wat);
    store.set_fuel(fuel).unwrap();
    let func = instance.get_func(&store, "run").unwrap();
    let result = func.invoke(&mut store, &[]);
    let result = result.map_err(|e| e.trap_kind().unwrap_or_else(|| panic!("{e}")));
    let global = match instance.get_export(&store, "g") {
        Some(Extern::Global(global)) => Some(global.get(&store)),
        _no_global => None,
    };
    (result, store.get_fuel().unwrap(), global)
}

fn check_cost(body: &str, cost: u64) {
    let wat = format!("(module (memory 1) {body})");
    for tier in INTERPRETERS {
        let (result, left, _) = run(tier, &wat, 1_000);
        assert!(result.is_ok(), "{wat}: {result:?}");
        assert_eq!(1_000 - left, cost, "{tier}: {wat}");
    }
}

/// By the definition in `meter.rs`, counted by hand.
#[test]
fn instructions_cost_one_and_markers_nothing() {
    check_cost("(func (export \"run\"))", 0);
    check_cost("(func (export \"run\") block end nop)", 1);
    let sum = "(func (export \"run\") (result i32) (i32.add (i32.const 1) (i32.const 2)))";
    check_cost(sum, 3);
    check_cost("(func (export \"run\") (block (br 0) nop nop) nop)", 2);
    let one_arm = "(func (export \"run\") (if (i32.const 0) (then nop nop)) nop)";
    check_cost(one_arm, 3);
    let arms = "(func (export \"run\") (if (i32.const 1) (then nop) (else nop nop)) nop)";
    check_cost(arms, 4);
    // local.set and its constant; six instructions for each turn.
    let turns = "(func (export \"run\") (local i32) (local.set 0 (i32.const 5))
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))";
    check_cost(turns, 2 + 5 * 5);
    check_cost(
        "(func $f nop) (func (export \"run\") (call $f) (call $f) nop)",
        5,
    );
    let tail = "(func $f nop nop) (func (export \"run\") (return_call $f))";
    check_cost(tail, 3);
}

/// Programs that set the global "g" as they go on.
const PROGRAMS: &[&str] = &[
    "(func (export \"run\") (local i32)
       (loop $l
         (global.set $g (i32.add (global.get $g) (i32.const 1)))
         (if (i32.and (global.get $g) (i32.const 1)) (then (global.set $g (i32.const 8))))
         (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
            (i32.const 4)))))",
    "(func $f (param i32) (result i32)
       (global.set $g (local.get 0))
       (if (result i32) (i32.eqz (local.get 0))
         (then (i32.const 1))
         (else (i32.mul (local.get 0) (call $f (i32.sub (local.get 0) (i32.const 1)))))))
     (func (export \"run\") (result i32) (call $f (i32.const 5)))",
    "(func $f (param i32) (block $a (block $b (block $c (local.get 0)
        (br_table $a $b $c)) (global.set $g (i32.const 1)) (return))
        (global.set $g (i32.const 2))) (global.set $g (i32.const 3)))
     (func (export \"run\") (call $f (i32.const 0)) (call $f (i32.const 1)) (call $f (i32.const 2))
        (call $f (i32.const 3)))",
    "(table funcref (elem $f)) (type $t (func (param i32) (result i32)))
     (func $f (type $t) (global.set $g (local.get 0)) (if (i32.eqz (local.get 0))
        (then (return (i32.const 7)))) (call $h)
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
     (func (export \"run\") (result i32 i32)
        (call_ref $t (i32.const 2) (ref.func $f)) (call $f (i32.const 1)))",
    "(func (export \"run\") (local funcref)
        (block (br_on_null 0 (local.get 0)) (drop))
        (block (result (ref func)) (br_on_non_null 0 (local.get 0))
            (global.set $g (i32.const 3)) (ref.func $h)) (drop)
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 8))
        (global.set $g (i32.load (i32.const 0))) (unreachable))",
    "(func (export \"run\") (result i32) (block (result i32) (i32.const 3) (global.set $g
        (i32.const 1)) (br 0) (unreachable)))",
];

#[test]
pub(super) fn fuel_runs_out_at_the_same_place_with_the_same_state() {
    for program in PROGRAMS {
        let wat = format!(
            "(module (import \"\" \"h\" (func $h)) (memory 1) (elem declare func $h)
               (global $g (export \"g\") (mut i32) (i32.const 0)) {program})"
        );
        let mut has_ended = false;
        for fuel in 0..400 {
            let [stack, register] = INTERPRETERS.map(|tier| run(tier, &wat, fuel));
            assert_eq!(stack, register, "fuel {fuel}: {wat}");
            has_ended |= stack.0 != Err(TrapKind::OutOfFuel);
        }
        assert!(has_ended, "{wat}");
    }
}

#[test]
fn what_is_left_can_be_spent_and_topped_up() {
    let wat = "(module (func (export \"run\") (drop (i32.const 1)) (call 1) nop) (func))";
    for tier in INTERPRETERS {
        let (mut store, instance) = metered(tier, wat);
        let func = instance.get_func(&store, "run").unwrap();
        let out_of_fuel = Err(TrapKind::OutOfFuel);
        let call = |store: &mut Store| {
            let result = func.invoke(&mut *store, &[]).map(|_| ());
            (result.map_err(|e| e.trap_kind().unwrap()), store.get_fuel())
        };
        assert_eq!(
            call(&mut store),
            (out_of_fuel, Ok(0)),
            "a store begins with none"
        );
        store.set_fuel(2).unwrap();
        assert_eq!(
            call(&mut store),
            (out_of_fuel, Ok(2)),
            "nothing was executed"
        );
        store.set_fuel(3).unwrap();
        assert_eq!(
            call(&mut store),
            (out_of_fuel, Ok(0)),
            "the first segment was"
        );
        store.set_fuel(u64::MAX).unwrap();
        assert_eq!(call(&mut store), (Ok(()), Ok(u64::MAX - 4)));
    }
}

#[test]
fn what_is_not_configured_is_refused() {
    let engine = Engine::new(&Config::only(Tier::Stack)).unwrap();
    let mut store = Store::new(&engine, ());
    assert!(store.get_fuel().is_err());
    assert!(store.set_fuel(1).is_err());
    assert!(store.interrupt_handle().is_err());
    assert!(store.set_deadline(Some(Duration::ZERO)).is_err());
}

const ENDLESS: [&str; 3] = [
    "(module (func (export \"run\") (loop (br 0))))",
    "(module (func (export \"run\") (return_call 0)))",
    "(module (table 1 funcref) (elem (i32.const 0) func 0) (func (export \"run\")
       (loop (br_if 0 (i32.const 1))) (return_call_indirect (i32.const 0))))",
];

#[test]
fn endless_code_is_interrupted_by_request_and_by_deadline() {
    for (tier, wat) in INTERPRETERS
        .into_iter()
        .flat_map(|t| ENDLESS.map(|w| (t, w)))
    {
        let (mut store, instance) = metered(tier, wat);
        store.set_fuel(u64::MAX).unwrap();
        let func = instance.get_func(&store, "run").unwrap();
        let run = |store: &mut Store| func.invoke(&mut *store, &[]).unwrap_err().trap_kind();
        let handle = store.interrupt_handle().unwrap();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            handle.interrupt();
        });
        assert_eq!(run(&mut store), Some(TrapKind::Interrupted));
        other.join().unwrap();
        store.set_deadline(Some(Duration::from_millis(5))).unwrap();
        for _ in 0..2 {
            assert_eq!(
                run(&mut store),
                Some(TrapKind::Interrupted),
                "a deadline stays"
            );
        }
        store.set_deadline(None).unwrap();
        store.set_fuel(10_000).unwrap();
        assert_eq!(run(&mut store), Some(TrapKind::OutOfFuel), "it is lifted");
    }
}
