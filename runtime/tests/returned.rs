//! Memory comes back: what the process holds does not grow with the number of instances that there
//! have been, in either interpreter, whether each has its store, or its engine and module, or goes
//! with many others when their store goes. Within one store instances live as long as the store.
//! `--nocapture` prints the figures.
//!
//! One test, since what the system says is of the whole process.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use wassay_runtime::{
    Config, Engine, Extern, Func, FuncType, Instance, MemoryType, Module, Store, Tier, WasmFeatures,
};

const INSTANCES: usize = 10_000;
/// More than the allocator's own coming and going, less than 64 bytes for each instance.
const GROWTH_KIB_MAX: i64 = 600;

/// A little of everything that a store holds: memory, table, globals, segments, a host function,
/// objects, an exception.
const MODULE: &str = r#"(module
    (import "" "host" (func $host)) (import "" "memory" (memory 1))
    (memory $own 3) (table 64 funcref) (elem (i32.const 3) func $host $run)
    (global (mut i64) (i64.const 1)) (tag (param i32))
    (data (i32.const 5) "hello") (data $passive "there") (elem $e funcref (ref.func $run))
    OBJECTS
    (func $run (export "run")
      (i32.store $own (i32.const 0x2_0000) (i32.const 1))
      (drop (memory.grow $own (i32.const 2)))
      (memory.init $own $passive (i32.const 0) (i32.const 0) (i32.const 2))
      (call $objects) (call $host)))"#;

/// Lists of objects, and an exception.
const OBJECTS: &str = r#"
    (type $list (struct (field (ref null $list)) (field i64)))
    (global $g (mut (ref null $list)) (ref.null $list)) (tag $t (param i32))
    (func $objects (local $i i32)
      (loop
        (global.set $g (struct.new $list (global.get $g) (i64.const 1)))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 100))))
      (drop (block (result i32)
        (try_table (catch $t 0) (throw $t (i32.const 1))) (unreachable))))"#;

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}"))
}

fn engine(tier: Tier) -> Engine {
    let config = *Config::only(tier)
        .features(WasmFeatures::all())
        .fuel(true)
        .interruptible(true);
    Engine::new(&config).unwrap()
}

/// Instantiates the module in a store and runs it.
fn run(store: &mut Store, module: &Module) {
    store.set_fuel(1_000_000).unwrap();
    let ty = FuncType::new([], []);
    let host = Func::new(&mut *store, ty, |_, _, _| Ok(())).unwrap();
    let memory = wassay_runtime::Memory::new(&mut *store, MemoryType::new(1, None)).unwrap();
    let imports = [Extern::Func(host), Extern::Memory(memory)];
    let instance = Instance::new(&mut *store, module, &imports).unwrap();
    let func = instance.get_func(&*store, "run").unwrap();
    func.invoke(&mut *store, &[]).unwrap();
}

/// What the process has in memory, in KiB.
fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|kib| kib.parse().ok()).unwrap_or_default()
}

fn check(tier: Tier, name: &str, runs: usize, mut once: impl FnMut()) {
    // The first ones fill the allocator's pools.
    (0..runs / 10 + 1).for_each(|_| once());
    let before = resident_kib();
    (0..runs).for_each(|_| once());
    let grown = resident_kib() - before;
    println!("{tier:8} {name:20} {runs:6} times: {grown:+} KiB of {before} KiB");
    assert!(grown < GROWTH_KIB_MAX, "{tier}: {name}: {grown} KiB");
}

#[test]
fn what_instances_held_comes_back() {
    let bytes = encode(&MODULE.replace("OBJECTS", OBJECTS));
    for tier in [Tier::Stack, Tier::Register] {
        let engine_for_all = engine(tier);
        let module = Module::new(&engine_for_all, &bytes).unwrap();
        check(tier, "a store each", INSTANCES, || {
            run(&mut Store::new(&engine_for_all, ()), &module);
        });
        check(tier, "a module each", INSTANCES / 10, || {
            let module = Module::new(&engine_for_all, &bytes).unwrap();
            run(&mut Store::new(&engine_for_all, ()), &module);
        });
        check(tier, "an engine each", INSTANCES / 10, || {
            let engine = engine(tier);
            run(
                &mut Store::new(&engine, ()),
                &Module::new(&engine, &bytes).unwrap(),
            );
        });
        check(tier, "a thousand in a store", INSTANCES / 2_000, || {
            let mut store = Store::new(&engine_for_all, ());
            (0..1_000).for_each(|_| run(&mut store, &module));
        });
    }
}
