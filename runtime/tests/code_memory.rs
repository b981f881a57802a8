//! Memory for machine code: no page can ever be written and executed, what a module took comes back
//! with it, and what an engine may take is limited. What the system says is of the whole process,
//! so this is one test.

#![cfg(all(target_os = "linux", target_arch = "aarch64"))]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use wassay_runtime::{
    Config, Engine, ErrorKind, Extern, Func, FuncType, Instance, LimitKind, Limits, Module, Store,
    Tier, Val, ValType,
};

/// Mappings without a file: their access and bytes.
fn mappings() -> Vec<(String, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mapping = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = fields[0].split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        let has_file = fields.get(5).is_some();
        (!has_file).then(|| (fields[1].to_owned(), number(end) - number(start)))
    };
    maps.lines().filter_map(mapping).collect()
}

fn executable_bytes() -> usize {
    let all = mappings().into_iter();
    all.filter(|(access, _)| access.contains('x'))
        .map(|(_, bytes)| bytes)
        .sum()
}

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode()).unwrap()
}

/// A module whose function gives a number, after it has called the host.
fn module(engine: &Engine, number: i32) -> Module {
    let wat = format!(
        r#"(module (import "" "host" (func $host (param i32)))
            (func (export "f") (result i32) (call $host (i32.const 1)) (i32.const {number})))"#
    );
    Module::new(engine, &encode(&wat)).unwrap()
}

fn run(module: &Module, store: &mut Store) -> wassay_runtime::Result<i32> {
    let ty = FuncType::new([ValType::I32], []);
    let host = Func::new(&mut *store, ty, |_, _, _| Ok(()))?;
    let instance = Instance::new(&mut *store, module, &[Extern::Func(host)])?;
    let func = instance.get_func(&*store, "f").unwrap();
    match func.invoke(&mut *store, &[])?[..] {
        [Val::I32(number)] => Ok(number),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn code_memory_is_never_writable_and_executable_comes_back_and_is_limited() {
    let before = executable_bytes();
    nothing_is_writable_and_executable();
    modules_that_have_gone_leave_nothing(before);
    other_threads_run_what_is_published_where_other_code_was();
    code_is_limited(before);
    assert_eq!(executable_bytes(), before);
}

fn nothing_is_writable_and_executable() {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut looks, mut seen) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                for (access, bytes) in mappings() {
                    assert!(!(access.contains('w') && access.contains('x')), "{access}");
                    seen += usize::from(access.contains('x') && bytes > 0);
                }
                looks += 1;
            }
            (looks, seen)
        });
        for number in 0..100 {
            let engine = Engine::new(&Config::only(Tier::Jit)).unwrap();
            let module = module(&engine, number);
            assert_eq!(run(&module, &mut Store::new(&engine, ())).unwrap(), number);
        }
        done.store(true, Ordering::Relaxed);
        let (looks, seen) = watch.join().unwrap();
        assert!(
            looks > 10 && seen > 0,
            "{looks} looks, {seen} mappings of code"
        );
    });
}

fn modules_that_have_gone_leave_nothing(before: usize) {
    let engine = Engine::new(&Config::only(Tier::Jit)).unwrap();
    let modules: Vec<Module> = (0..20).map(|number| module(&engine, number)).collect();
    let mut store = Store::new(&engine, ());
    for (number, module) in modules.iter().enumerate() {
        assert_eq!(run(module, &mut store).unwrap(), number as i32);
    }
    let all = executable_bytes();
    assert!(all > before);
    drop(modules);
    assert_eq!(executable_bytes(), all, "instances still have their code");
    drop(store);
    let with_adapter = executable_bytes();
    assert!(with_adapter < all);
    for number in 0..1000 {
        let module = module(&engine, number);
        assert_eq!(run(&module, &mut Store::new(&engine, ())).unwrap(), number);
    }
    assert_eq!(
        executable_bytes(),
        with_adapter,
        "adapters are the engine's, one per signature"
    );
    drop(engine);
    assert_eq!(executable_bytes(), before);
}

fn other_threads_run_what_is_published_where_other_code_was() {
    let engine = Engine::new(&Config::only(Tier::Jit)).unwrap();
    let (to_worker, modules) = mpsc::sync_channel::<Module>(0);
    let (to_main, results) = mpsc::sync_channel::<i32>(0);
    std::thread::scope(|scope| {
        let worker = engine.clone();
        scope.spawn(move || {
            for module in modules {
                let number = run(&module, &mut Store::new(&worker, ())).unwrap();
                drop(module);
                to_main.send(number).unwrap();
            }
        });
        for number in 0..500 {
            let module = module(&engine, number);
            // Compiled and published here, run there.
            assert_eq!(run(&module, &mut Store::new(&engine, ())).unwrap(), number);
            to_worker.send(module).unwrap();
            assert_eq!(results.recv().unwrap(), number);
        }
        drop(to_worker);
    });
}

fn code_is_limited(before: usize) {
    let mut config = Config::only(Tier::Jit);
    config.limits(Limits::new().code_bytes_max(256 << 10));
    let engine = Engine::new(&config).unwrap();
    let mut stores = Vec::new();
    let error = loop {
        let module = module(&engine, 7);
        let mut store = Store::new(&engine, ());
        match run(&module, &mut store) {
            Ok(number) => assert_eq!(number, 7),
            Err(error) => break error,
        }
        stores.push(store);
    };
    assert_eq!(error.kind(), ErrorKind::Limit(LimitKind::Code));
    assert!(error.message().contains("262144"), "{error}");
    let taken = executable_bytes() - before;
    assert!(taken <= 256 << 10 && stores.len() > 1, "{taken} bytes");
    // What has gone is there again.
    stores.pop();
    let module = module(&engine, 8);
    assert_eq!(run(&module, &mut Store::new(&engine, ())).unwrap(), 8);
}
