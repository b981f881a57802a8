//! Every limit at small values, in both interpreters: what is refused by which error, what traps,
//! and what only fails to grow; interruption inside of bulk instructions.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use wassay_runtime::interior::{self, jit};
use wassay_runtime::{
    Config, Engine, Error, ErrorKind, Extern, Func, Instance, LimitKind, Limits, Module, Store,
    Tier, TrapKind, Val, WasmFeatures,
};

const INTERPRETERS: [Tier; 2] = [Tier::Stack, Tier::Register];

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}"))
}

fn engine(tier: Tier, limits: Limits) -> Engine {
    let config = *Config::only(tier)
        .limits(limits)
        .features(WasmFeatures::all())
        .interruptible(true);
    Engine::new(&config).unwrap()
}

/// Instantiates each module in turn in one store; the last instance, or the first error.
fn instantiate(tier: Tier, limits: Limits, wats: &[&str]) -> Result<(Store, Instance), Error> {
    let engine = engine(tier, limits);
    let mut store = Store::new(&engine, ());
    let mut last = None;
    for wat in wats {
        let module = Module::new(&engine, encode(wat))?;
        last = Some(Instance::new(&mut store, &module, &[])?);
    }
    Ok((store, last.expect("a module")))
}

fn check_refused(limits: Limits, wats: &[&str], kind: LimitKind) {
    for tier in INTERPRETERS {
        let error = instantiate(tier, limits, wats).expect_err("above the limit");
        assert_eq!(error.kind(), ErrorKind::Limit(kind), "{tier}: {error}");
        assert!(error.to_string().contains(kind.name()), "{error}");
    }
}

fn call(store: &mut Store, instance: Instance, args: &[Val]) -> Result<Vec<Val>, TrapKind> {
    let func = instance.get_func(&*store, "run").expect("it is exported");
    let result = func.invoke(&mut *store, args);
    result.map_err(|e| e.trap_kind().unwrap_or_else(|| panic!("{e}")))
}

/// Calls `run` with each number in turn: all i32.
fn check_calls(limits: Limits, wat: &str, calls: &[(i32, i32)]) {
    for tier in INTERPRETERS {
        let (mut store, instance) = instantiate(tier, limits, &[wat]).expect("within the limits");
        for &(arg, expected) in calls {
            let result = call(&mut store, instance, &[Val::I32(arg)]);
            assert_eq!(result, Ok(vec![Val::I32(expected)]), "{tier}: {arg}");
        }
    }
}

const MEMORY: &str = "(module (memory 1) (memory 1) (func (export \"run\") (param i32) (result i32)
    (memory.grow 1 (local.get 0))))";
const TABLE: &str = "(module (table 2 funcref) (table 2 funcref)
    (func (export \"run\") (param i32) (result i32)
      (table.grow 1 (ref.null func) (local.get 0))))";

#[test]
fn memories() {
    let page = 65_536;
    let own = Limits::new().memory_bytes_max(3 * page);
    check_calls(own, MEMORY, &[(3, -1), (1, 1), (2, -1), (1, 2), (0, 3)]);
    check_refused(own, &["(module (memory 4))"], LimitKind::MemoryBytes);
    let all = Limits::new().store_memory_bytes_max(4 * page);
    check_calls(
        all,
        MEMORY,
        &[(3, -1), (1, 1), (2, -1), (1, 2), (1, -1), (0, 3)],
    );
    check_refused(all, &[MEMORY, MEMORY, MEMORY], LimitKind::StoreMemoryBytes);
    let count = Limits::new().memories_max(3);
    check_refused(count, &[MEMORY, MEMORY], LimitKind::Memories);
}

#[test]
fn tables() {
    let own = Limits::new().table_elements_max(5);
    check_calls(own, TABLE, &[(4, -1), (2, 2), (2, -1), (1, 4), (0, 5)]);
    check_refused(
        own,
        &["(module (table 6 funcref))"],
        LimitKind::TableElements,
    );
    let all = Limits::new().store_table_elements_max(6);
    check_calls(all, TABLE, &[(3, -1), (1, 2), (2, -1), (1, 3), (1, -1)]);
    check_refused(all, &[TABLE, TABLE], LimitKind::StoreTableElements);
    let count = Limits::new().tables_max(3);
    check_refused(count, &[TABLE, TABLE], LimitKind::Tables);
}

#[test]
fn modules() {
    let count = Limits::new().instances_max(2);
    check_refused(count, &["(module)"; 3], LimitKind::Instances);
    let module = Limits::new().module_bytes_max(12);
    check_refused(module, &["(module (memory 1))"], LimitKind::ModuleBytes);
    let function = Limits::new().function_bytes_max(4);
    check_refused(
        function,
        &["(module (func nop nop nop))"],
        LimitKind::FunctionBytes,
    );
    assert!(instantiate(Tier::Stack, function, &["(module (func nop nop))"]).is_ok());
}

/// A module with these fields, and a declaration after them that does not validate.
fn invalid_after(fields: &str) -> Vec<u8> {
    encode(&format!("(module {fields} (func (result i32)))"))
}

fn refusal(bytes: &[u8]) -> ErrorKind {
    let engine = engine(Tier::Stack, Limits::new());
    let error = Module::new(&engine, bytes).expect_err("it is refused");
    error.kind()
}

/// What the validator bounds and the specification does not is no fault of the module.
#[test]
fn numbers_beyond_the_validators_are_limits() {
    let many = |text: &str, n: usize| text.repeat(n);
    let limit = ErrorKind::Limit(LimitKind::ModuleItems);
    for (fields, least, over) in [
        ("(func (local LIST))", " i32", 50_001),
        ("(type (func (param LIST)))", " i32", 1_001),
        ("(type (func (result LIST)))", " i32", 1_001),
        ("(type (struct LIST))", " (field i8)", 10_001),
        ("LIST", " (memory 0)", 101),
        ("(import \"LIST\" \"a\" (func))", "a", 100_001),
    ] {
        let fields = |n| fields.replace("LIST", &many(least, n));
        assert_eq!(refusal(&invalid_after(&fields(over))), limit, "{least}");
        let within = refusal(&invalid_after(&fields(over - 1)));
        assert_eq!(within, ErrorKind::Invalid, "{least}");
    }
}

/// A number that the module is too short for is malformed, however large it is, and a list that
/// validation bounds by one is invalid.
#[test]
fn numbers_that_the_specification_bounds_are_no_limits() {
    let params = b"\0asm\x01\0\0\0\x01\x05\x01\x60\xff\xff\x03";
    assert_eq!(refusal(params), ErrorKind::Malformed);
    let name = b"\0asm\x01\0\0\0\x02\x06\x01\xff\xff\xff\x7fa";
    assert_eq!(refusal(name), ErrorKind::Malformed);
    let types = " i32".repeat(11);
    let select = format!("(func (select (result{types}) (i32.const 1) (i32.const 1)))");
    assert_eq!(refusal(&invalid_after(&select)), ErrorKind::Invalid);
}

/// A recursion as deep as its argument.
const RECURSION: &str = "(module (func $f (export \"run\") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))))))";

fn check_exhaustion(limits: Limits, fits: i32, too_deep: i32) {
    for tier in INTERPRETERS {
        let (mut store, instance) = instantiate(tier, limits, &[RECURSION]).expect("it fits");
        let mut run = |depth| call(&mut store, instance, &[Val::I32(depth)]);
        for _ in 0..2 {
            assert_eq!(run(fits), Ok(vec![Val::I32(fits)]), "{tier}");
            assert_eq!(run(too_deep), Err(TrapKind::StackExhausted), "{tier}");
        }
    }
}

#[test]
fn stacks() {
    let depth = Limits::new().call_depth_max(50);
    check_exhaustion(depth, 45, 50);
    let values = Limits::new().value_stack_bytes(16 << 10);
    check_exhaustion(values, 50, 2_000);
}

/// A list that is kept, and garbage without end.
const OBJECTS: &str = "(module
    (type $list (struct (field (ref null $list)) (field i64)))
    (global $kept (mut (ref null $list)) (ref.null $list))
    (func (export \"run\") (param $kept i32) (result i32) (local $i i32)
      (loop
        (global.set $kept (struct.new $list (global.get $kept) (i64.const 1)))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (local.get $kept))))
      (local.set $i (i32.const 0))
      (loop
        (drop (struct.new $list (ref.null $list) (i64.const 2)))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 1_000_000))))
      (global.set $kept (ref.null $list))
      (local.get $kept)))";

/// Garbage is no use of the heap, what is kept is; and what was given up is there again.
#[test]
fn the_collected_heap() {
    let limits = Limits::new().gc_heap_bytes_max(1 << 20);
    for tier in INTERPRETERS {
        let (mut store, instance) = instantiate(tier, limits, &[OBJECTS]).expect("it fits");
        let mut run = |kept| call(&mut store, instance, &[Val::I32(kept)]);
        for _ in 0..2 {
            assert_eq!(run(20_000), Ok(vec![Val::I32(20_000)]), "{tier}");
        }
        assert_eq!(run(60_000), Err(TrapKind::HeapExhausted), "{tier}");
    }
}

/// A request that comes when nothing of the program's own polls any more. (The host makes it, so
/// that the test does not depend on time.)
#[test]
fn bulk_instructions_are_interrupted() {
    for body in [
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 9))",
        "(memory.copy (i32.const 1) (i32.const 0) (i32.const 9))",
        "(memory.init $d (i32.const 1) (i32.const 0) (i32.const 2))",
        "(table.fill (i32.const 0) (ref.func 1) (i32.const 1))",
        "(table.copy (i32.const 0) (i32.const 1) (i32.const 1))",
        "(table.init $e (i32.const 0) (i32.const 0) (i32.const 1))",
        "(array.fill $a (global.get $array) (i32.const 1) (i32.const 2) (i32.const 3))",
        "(array.copy $a $a (global.get $array) (i32.const 1) (global.get $array) (i32.const 0)
           (i32.const 3))",
    ] {
        let wat = format!(
            "(module (import \"\" \"interrupt\" (func $interrupt)) (memory 1) (data $d \"ab\")
               (table 2 funcref) (elem $e func 1) (type $a (array (mut i16)))
               (global $array (ref $a) (array.new_default $a (i32.const 9)))
               (func (export \"run\") (call $interrupt) {body} (unreachable)))"
        );
        for tier in INTERPRETERS {
            let engine = engine(tier, Limits::default());
            let mut store = Store::new(&engine, ());
            let handle = store.interrupt_handle().expect("it is interruptible");
            let host = Func::wrap(&mut store, move || handle.interrupt());
            let module = Module::new(&engine, encode(&wat)).expect("valid");
            let imports = [Extern::Func(host)];
            let instance = Instance::new(&mut store, &module, &imports).expect("it links");
            let result = call(&mut store, instance, &[]);
            assert_eq!(result, Err(TrapKind::Interrupted), "{tier}: {body}");
        }
    }
}

/// No machine code runs unmetered where metering was asked for.
#[test]
fn machine_code_is_metered_where_it_is_asked_for() {
    let plain = Config::only(Tier::Register);
    let engine = Engine::new(&plain).expect("an engine");
    let module = Module::new(&engine, encode("(module (func (loop (br 0))))")).expect("valid");
    let fuel = *{ plain }.fuel(true);
    let interruptible = *{ plain }.interruptible(true);
    for (config, traps) in [
        (plain, [false, false]),
        (fuel, [true, false]),
        (interruptible, [false, true]),
    ] {
        let stages = jit::stages(interior::parts(&module), 0, &config).expect("it compiles");
        let has = |trap| stages.listing.contains(trap);
        let seen = [has("Trap(OutOfFuel)"), has("Trap(Interrupted)")];
        assert_eq!(seen, traps, "{}", stages.listing);
    }
}

/// Pieces move what `memmove` would, in either direction.
#[test]
fn copies_in_pieces_keep_every_byte() {
    let wat = "(module (memory (export \"m\") 0x200) (func (export \"run\") (param i32 i32)
        (memory.copy (local.get 0) (local.get 1) (i32.const 0x110_0000))))";
    for (to, from) in [(3, 0), (0, 3), (0x8_0000, 5), (7, 0x8_0000)] {
        let (mut store, instance) =
            instantiate(Tier::Stack, Limits::default(), &[wat]).expect("fits");
        let Some(Extern::Memory(memory)) = instance.get_export(&store, "m") else {
            panic!("it is exported");
        };
        // The length of the pattern is prime, so that pieces differ.
        let byte = |i: u32| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8;
        let pattern: Vec<u8> = (0..65_537).map(byte).collect();
        let data = memory.data_mut(&mut store);
        for chunk in data.chunks_mut(pattern.len()) {
            chunk.copy_from_slice(&pattern[..chunk.len()]);
        }
        let mut expected = data.to_vec();
        expected.copy_within(from..from + 0x110_0000, to);
        let args = [Val::I32(to as i32), Val::I32(from as i32)];
        assert_eq!(call(&mut store, instance, &args), Ok(vec![]));
        assert!(memory.data(&store) == expected, "{from} to {to}");
    }
}
