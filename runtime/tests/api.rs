//! The public face as its users see it, without the interior: a program against the documentation,
//! and calls that allocate nothing once they are warm.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use wassay_runtime::{
    Caller, Config, Engine, Error, ErrorKind, Extern, ExternRef, ExternType, Func, FuncType,
    Linker, Module, Mutability, Ref, Store, Thresholds, Tier, TrapKind, TypedFunc, Val, ValType,
};

#[path = "../examples/support/mod.rs"]
mod support;

/// The allocator of the system, which counts for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may have given its counter back.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: each method is the system's; the count is beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's contract.
        unsafe { System.realloc(at, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The number of allocations of this thread while something runs.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

/// A configuration for each way of running code that this machine has.
fn configs() -> Vec<Config> {
    let mut configs = vec![Config::only(Tier::Stack), Config::only(Tier::Register)];
    if cfg!(target_arch = "aarch64") {
        configs.push(*Config::new().tiers(Thresholds::both(1)));
        configs.push(Config::only(Tier::Jit));
    }
    configs
}

#[test]
fn allocations_are_counted() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

/// A module whose exports call the host's functions, in which every type of number occurs.
const CALLS: &str = r#"(module
  (import "host" "numbers" (func $numbers (param i32 i64 f32 f64 v128) (result f64 i32)))
  (import "host" "count" (func $count (param i32)))
  (import "own" "numbers" (func $own (param i32 i64 f32 f64 v128) (result f64 i32)))
  (func (export "run") (param i32 i64 f32 f64) (result f64 i32)
    (call $count (local.get 0))
    (call $own (local.get 0) (local.get 1) (local.get 2) (local.get 3) (v128.const i64x2 5 6))
    drop drop
    (call $numbers (local.get 0) (local.get 1) (local.get 2) (local.get 3)
      (v128.const i64x2 5 6))))"#;

/// A typed call into code, and typed host functions that code calls, of a linker and of a store.
#[test]
fn typed_calls_allocate_nothing() {
    type Run = TypedFunc<(i32, i64, f32, f64), (f64, i32)>;
    for config in configs() {
        let engine = Engine::new(&config).expect("the tier runs here");
        let mut store = Store::new(&engine, 0_u64);
        let mut linker = Linker::new(&engine);
        let numbers =
            |a: i32, b: i64, c: f32, d: f64, e: u128| (f64::from(c) + d, a + b as i32 + e as i32);
        let own = Func::wrap(&mut store, numbers);
        linker.define("own", "numbers", own).expect("a new name");
        linker
            .func_wrap("host", "numbers", numbers)
            .expect("a new name");
        let count = |mut caller: Caller<'_, u64>, n: u32| *caller.data_mut() += u64::from(n);
        linker
            .func_wrap("host", "count", count)
            .expect("a new name");
        let module = support::module(&engine, CALLS).expect("a module");
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let run: Run = instance.get_typed_func(&store, "run").expect("its type");
        let direct = own
            .typed::<(i32, i64, f32, f64, u128), (f64, i32)>(&store)
            .expect("its type");
        let mut calls = |times: u32| {
            for _ in 0..times {
                let result = run.call(&mut store, (1, 2, 0.5, 0.25)).expect("it ends");
                assert_eq!(result, (0.75, 8));
                let result = direct
                    .call(&mut store, (1, 2, 0.5, 0.25, 5))
                    .expect("it ends");
                assert_eq!(result, (0.75, 8));
            }
        };
        calls(3);
        let policy = config.get_policy();
        assert_eq!(allocations(|| calls(100)), 0, "{policy:?}");
        assert_eq!(*store.data(), 103, "{policy:?}");
    }
}

// --- a program ----------------------------------------------------------------------------------

/// The state of a shop whose rules are a module.
#[derive(Default)]
struct Shop {
    stock: Vec<u32>,
    log: Vec<String>,
}

/// The host's own error.
#[derive(Debug, PartialEq)]
struct SoldOut(u32);

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} is sold out", self.0)
    }
}

impl std::error::Error for SoldOut {}

/// What several rules use.
const LIBRARY: &str = r#"(module $library
  (memory (export "memory") 1)
  (func (export "percent") (param i32 i32) (result i32)
    (i32.div_u (i32.mul (local.get 0) (local.get 1)) (i32.const 100))))"#;

const RULES: &str = r#"(module $rules
  (import "shop" "take" (func $take (param i32)))
  (import "shop" "log" (func $log (param i32 i32)))
  (import "library" "memory" (memory 1))
  (import "library" "percent" (func $percent (param i32 i32) (result i32)))
  (global $discount (export "discount") (mut i32) (i32.const 10))
  (table $prices (export "prices") 3 funcref)
  (elem (table $prices) (i32.const 0) func $book $pen)
  (type $price (func (result i32)))
  (func $book (result i32) (i32.const 2000))
  (func $pen (result i32) (i32.const 300))
  (data (i32.const 16) "sold")
  (func (export "buy") (param $item i32) (result i32) (local $price i32)
    (call $take (local.get $item))
    (call $log (i32.const 16) (i32.const 4))
    (local.set $price (call_indirect $prices (type $price) (local.get $item)))
    (i32.sub (local.get $price) (call $percent (local.get $price) (global.get $discount))))
  (func (export "forever") (loop $l (br $l))))"#;

fn take(mut caller: Caller<'_, Shop>, item: u32) -> Result<(), Error> {
    match caller.data_mut().stock.get_mut(item as usize) {
        Some(left @ 1..) => {
            *left -= 1;
            Ok(())
        }
        _none => Err(Error::host(SoldOut(item))),
    }
}

fn log(mut caller: Caller<'_, Shop>, at: u32, len: u32) -> Result<(), Error> {
    let library = caller.data().log.len();
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    assert!(
        memory.is_none(),
        "the rules do not export the library's memory"
    );
    caller.data_mut().log.push(format!("{library}: {at}+{len}"));
    Ok(())
}

fn check_modules(library: &Module, rules: &Module) {
    let names: Vec<_> = rules.imports().map(|it| (it.module(), it.name())).collect();
    let percent = ("library", "percent");
    assert_eq!(
        names,
        [
            ("shop", "take"),
            ("shop", "log"),
            ("library", "memory"),
            percent
        ]
    );
    let exports: Vec<_> = rules.exports().map(|it| it.name()).collect();
    assert_eq!(exports, ["discount", "prices", "buy", "forever"]);
    assert_eq!(library.name().as_deref(), Some("library"));
    let Some(ExternType::Func(buy)) = rules.get_export("buy") else {
        panic!("it is a function");
    };
    assert_eq!(*buy, FuncType::new([ValType::I32], [ValType::I32]));
}

/// Two modules and the host, its state, its errors, limits of time and fuel.
#[test]
fn a_program_of_two_modules_and_the_host() {
    for mut config in configs() {
        let engine = Engine::new(config.fuel(true).interruptible(true)).expect("the tier runs");
        let library = support::module(&engine, LIBRARY).expect("a module");
        let rules = support::module(&engine, RULES).expect("a module");
        check_modules(&library, &rules);
        let shop = Shop {
            stock: vec![1, 2],
            log: Vec::new(),
        };
        let mut store = Store::new(&engine, shop);
        store.set_fuel(10_000).expect("the engine meters");
        let mut linker = Linker::new(&engine);
        linker.func_wrap("shop", "take", take).expect("a new name");
        linker.func_wrap("shop", "log", log).expect("a new name");
        linker
            .module(&mut store, "library", &library)
            .expect("it links");
        let instance = linker.instantiate(&mut store, &rules).expect("it links");

        let buy = instance
            .get_typed_func::<u32, u32>(&store, "buy")
            .expect("its type");
        assert_eq!(buy.call(&mut store, 0).expect("in stock"), 1800);
        let discount = instance.get_global(&store, "discount").expect("an export");
        assert_eq!(discount.ty(&store).mutability(), Mutability::Var);
        discount.set(&mut store, Val::I32(50)).expect("mutable");
        assert_eq!(buy.call(&mut store, 1).expect("in stock"), 150);

        let error = buy.call(&mut store, 0).expect_err("sold out");
        assert_eq!(error.kind(), ErrorKind::Host);
        assert_eq!(error.downcast_ref(), Some(&SoldOut(0)));
        let frames = error.backtrace().expect("code was running").frames();
        assert_eq!(frames[0].func_name().as_deref(), Some("buy"));
        assert_eq!(frames[0].module_name().as_deref(), Some("rules"));

        let prices = instance.get_table(&store, "prices").expect("an export");
        let free = Func::wrap(&mut store, || 0_u32);
        prices
            .set(&mut store, 1, Ref::from(free))
            .expect("in bounds");
        assert_eq!(buy.call(&mut store, 1).expect("in stock"), 0);
        assert_eq!(store.data().log.len(), 3);

        let forever = instance
            .get_typed_func::<(), ()>(&store, "forever")
            .expect("its type");
        let error = forever.call(&mut store, ()).expect_err("no end");
        assert_eq!(error.trap_kind(), Some(TrapKind::OutOfFuel));
        store.set_fuel(u64::MAX).expect("the engine meters");
        store
            .set_deadline(Some(Duration::from_millis(5)))
            .expect("interruptible");
        let error = forever.call(&mut store, ()).expect_err("no end");
        assert_eq!(error.trap_kind(), Some(TrapKind::Interrupted));
        assert_eq!(store.into_data().stock, [0, 0]);
    }
}

/// A value of the host goes through code, a table, a global and an object, and is the same one
/// after a collection.
#[test]
fn host_values_travel() {
    const MODULE: &str = r#"
        (module
          (type $box (struct (field (mut anyref))))
          (table (export "table") 2 externref)
          (global $kept (mut (ref null $box)) (ref.null $box))
          (func (export "keep") (param externref)
            (table.set (i32.const 1) (local.get 0))
            (global.set $kept (struct.new $box (any.convert_extern (local.get 0)))))
          (func (export "kept") (result externref)
            (extern.convert_any (struct.get $box 0 (global.get $kept))))
          (func (export "is") (param externref) (result i32)
            (i32.or
              (ref.test eqref (any.convert_extern (local.get 0)))
              (i32.shl (ref.is_null (local.get 0)) (i32.const 1)))))"#;
    for config in configs() {
        let engine = Engine::new(&config).expect("an engine");
        let module = support::module(&engine, MODULE).expect("a module");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &module)
            .expect("linked");
        let first = ExternRef::new(&mut store, 0_u32).expect("a value");
        let value = ExternRef::new(&mut store, vec![1_u8, 2]).expect("a value");
        assert_ne!(first, value);
        assert_eq!(value.number(), None);
        let keep = instance
            .get_typed_func::<ExternRef, ()>(&mut store, "keep")
            .expect("keep");
        keep.call(&mut store, value).expect("kept");
        store.gc();
        let kept = instance.get_typed_func::<(), Option<ExternRef>>(&mut store, "kept");
        let kept = kept.expect("kept").call(&mut store, ()).expect("a value");
        assert_eq!(kept, Some(value));
        let data = value
            .data_mut(&mut store)
            .expect("of this store")
            .expect("a value");
        data.downcast_mut::<Vec<u8>>().expect("its type").push(3);
        let table = instance
            .get_export(&store, "table")
            .and_then(Extern::into_table);
        let element = table.expect("a table").get(&store, 1).expect("an element");
        let element = ExternRef::try_from(Val::from(element)).expect("a value");
        let data = element
            .data(&store)
            .expect("of this store")
            .expect("a value");
        assert_eq!(data.downcast_ref(), Some(&vec![1_u8, 2, 3]));
        assert!(data.downcast_ref::<u32>().is_none());
        // It is not null, and of no type below any.
        let is = instance
            .get_typed_func::<ExternRef, i32>(&mut store, "is")
            .expect("is");
        for value in [first, value, ExternRef::from_number(0)] {
            assert_eq!(is.call(&mut store, value).expect("a result"), 0);
        }
        assert!(
            ExternRef::from_number(1)
                .data(&store)
                .expect("no value")
                .is_none()
        );
    }
}
