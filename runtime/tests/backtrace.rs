//! What was running when execution ended: the same functions at the same bytes of the module in
//! every tier that this host runs, wherever the end came from and whatever lay in between.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::{Arc, Mutex};

use wasmparser::{Parser, Payload};
use wassay_runtime::{
    Bounds, Caller, Compilation, Config, Engine, Error, ErrorKind, Extern, Func, Instance, Module,
    Policy, Store, Thresholds, Tier, TrapKind, Val, ValType, WasmFeatures,
};

const WAT: &str = r#"(module $example
    (import "" "back" (func $back (param i32)))
    (import "" "fail" (func $fail))
    (type $v (func)) (type $i (func (param i32) (result i32)))
    (memory 1) (table $t 4 funcref)
    (elem (i32.const 0) $unreachable $again $leaf)
    (func $unreachable (export "unreachable") (nop) (unreachable))
    (func $leaf (export "leaf") (param i32) (result i32)
      (i32.add (i32.const 3)
        (i32.div_s (i32.const 7) (i32.sub (local.get 0) (i32.const 0)))))
    (func $load (export "load") (param i32) (result i32)
      (i32.mul (i32.const 3) (i32.load offset=65536 (local.get 0))))
    (func $store (export "store") (param i32)
      (i32.store16 offset=65536 (local.get 0) (i32.const 1)))
    (func $direct (export "direct") (result i32)
      (i32.store (i32.const 8) (i32.const 1))
      (i32.add (call $leaf (i32.const 0)) (i32.const 1)))
    (func $middle (param i32) (result i32)
      (i32.load8_u (i32.const 0)) (drop) (call $load (local.get 0)))
    (func $deep (export "deep") (result i32)
      (i32.const 1) (call $middle (i32.const 0)) (i32.add))
    (func $indirect (export "indirect") (call_indirect (type $v) (i32.const 0)))
    (func $by_ref (export "by_ref") (result i32)
      (call_ref $i (i32.const 0) (ref.func $leaf)))
    (func $undefined (export "undefined") (call_indirect (type $v) (i32.const 9)))
    (func $uninitialized (export "uninitialized") (call_indirect (type $v) (i32.const 3)))
    (func $mismatch (export "mismatch") (call_indirect (type $v) (i32.const 2)))
    (func $null (export "null") (call_ref $v (ref.null $v)))
    (func $fill (export "fill")
      (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2)))
    (func $element (export "element") (drop (table.get $t (i32.const 4))))
    (func $tail (return_call $unreachable))
    (func $after_tail (export "after_tail") (call $tail))
    (func $back_trap (export "back_trap") (call $back (i32.const 0)))
    (func $back_twice (export "back_twice") (call $back (i32.const 1)))
    (func $again (export "again") (call $back (i32.const 2)))
    (func $back_after (export "back_after") (call $back (i32.const 3)) (unreachable))
    (func $fails (export "fails") (call $fail))
    (func $fail_tail (return_call $fail))
    (func $fails_in_tail (export "fails_in_tail") (call $fail_tail))
    (func $loops (export "loops") (local i32)
      (local.set 0 (i32.const 5))
      (loop
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (drop (i32.rem_u (i32.const 1) (local.get 0)))
        (br 0)))
    (func $around (export "around") (call $loops))
    (func $recurse (export "recurse") (call $recurse) (nop)))"#;

const HOST: ErrorKind = ErrorKind::Host;
const fn trap(kind: TrapKind) -> ErrorKind {
    ErrorKind::Trap(kind)
}

/// Export; how it ends; function and instruction of each frame.
const CASES: &[(&str, ErrorKind, &str)] = &[
    (
        "unreachable",
        trap(TrapKind::Unreachable),
        "unreachable Unreachable",
    ),
    ("leaf", trap(TrapKind::IntegerDivideByZero), "leaf I32DivS"),
    ("load", trap(TrapKind::MemoryOutOfBounds), "load I32Load"),
    (
        "store",
        trap(TrapKind::MemoryOutOfBounds),
        "store I32Store16",
    ),
    (
        "direct",
        trap(TrapKind::IntegerDivideByZero),
        "leaf I32DivS, direct Call",
    ),
    (
        "deep",
        trap(TrapKind::MemoryOutOfBounds),
        "load I32Load, middle Call, deep Call",
    ),
    (
        "indirect",
        trap(TrapKind::Unreachable),
        "unreachable Unreachable, indirect CallIndirect",
    ),
    (
        "by_ref",
        trap(TrapKind::IntegerDivideByZero),
        "leaf I32DivS, by_ref CallRef",
    ),
    (
        "undefined",
        trap(TrapKind::UndefinedElement),
        "undefined CallIndirect",
    ),
    (
        "uninitialized",
        trap(TrapKind::UninitializedElement),
        "uninitialized CallIndirect",
    ),
    (
        "mismatch",
        trap(TrapKind::IndirectCallTypeMismatch),
        "mismatch CallIndirect",
    ),
    (
        "null",
        trap(TrapKind::NullFunctionReference),
        "null CallRef",
    ),
    ("fill", trap(TrapKind::MemoryOutOfBounds), "fill MemoryFill"),
    (
        "element",
        trap(TrapKind::TableOutOfBounds),
        "element TableGet",
    ),
    (
        "after_tail",
        trap(TrapKind::Unreachable),
        "unreachable Unreachable, after_tail Call",
    ),
    (
        "back_trap",
        trap(TrapKind::IntegerDivideByZero),
        "leaf I32DivS, direct Call, back_trap Call",
    ),
    (
        "back_twice",
        trap(TrapKind::MemoryOutOfBounds),
        "load I32Load, middle Call, deep Call, again Call, back_twice Call",
    ),
    (
        "back_after",
        trap(TrapKind::Unreachable),
        "back_after Unreachable",
    ),
    (
        "loops",
        trap(TrapKind::IntegerDivideByZero),
        "loops I32RemU",
    ),
    (
        "around",
        trap(TrapKind::IntegerDivideByZero),
        "loops I32RemU, around Call",
    ),
    ("fails", HOST, "fails Call"),
    ("fails_in_tail", HOST, "fails_in_tail Call"),
];

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Engines of every tier that this host runs, in each way in which the code differs.
fn engines() -> Vec<Engine> {
    let config = |tier, change: fn(&mut Config)| {
        let mut config = *Config::only(tier).features(WasmFeatures::all());
        change(&mut config);
        Engine::new(&config).ok()
    };
    let plain = Tier::ALL.map(|tier| config(tier, |_| ()));
    let lazy = Tier::ALL.map(|tier| {
        config(tier, |c| {
            c.compilation(Compilation::Lazy);
        })
    });
    let explicit = config(Tier::Jit, |c| {
        c.bounds(Bounds::Explicit);
    });
    let metered = [Tier::Stack, Tier::Register].map(|tier| {
        config(tier, |c| {
            c.fuel(true);
            c.interruptible(true);
        })
    });
    let tiered = [1, 2, 3].map(|threshold| {
        let mut config = Config::only(Tier::Jit);
        config.features(WasmFeatures::all());
        config.policy(Policy::Tiered(Thresholds::both(threshold)));
        Engine::new(&config).ok()
    });
    plain
        .into_iter()
        .chain(lazy)
        .chain([explicit])
        .chain(metered)
        .chain(tiered)
        .flatten()
        .collect()
}

fn named(engine: &Engine) -> String {
    format!("{:?}", engine.config())
}

/// An instance in a store of its own; `back` calls its exports.
struct Run {
    store: Store,
    instance: Instance,
    bytes: Vec<u8>,
}

impl Run {
    fn new(engine: &Engine, wat: &str) -> Run {
        let mut store = Store::new(engine, ());
        if engine.config().has_fuel() {
            store.set_fuel(u64::MAX).unwrap();
        }
        let own: Arc<Mutex<Vec<Func>>> = Arc::default();
        let exports = own.clone();
        let back = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>, which: i32| {
            let func = exports.lock().unwrap()[which as usize];
            match func.invoke(&mut caller, &[]) {
                Err(_) if which == 3 => Ok(()), // the host has caught it
                outcome => outcome.map(|_| ()),
            }
        });
        let fail = Func::wrap(&mut store, || Err::<(), _>(Error::msg("as told")));
        let imports = [Extern::Func(back), Extern::Func(fail)];
        let bytes = encode(wat);
        let module = Module::new(engine, &bytes).unwrap();
        let imports = &imports[..module.imports().len()];
        let instance = Instance::new(&mut store, &module, imports).unwrap();
        let called = ["direct", "again", "deep", "direct"];
        let called = called
            .into_iter()
            .filter_map(|name| instance.get_func(&store, name));
        own.lock().unwrap().extend(called);
        Run {
            store,
            instance,
            bytes,
        }
    }

    fn fail(&mut self, export: &str) -> Error {
        let func = self.instance.get_func(&self.store, export).unwrap();
        let zero = |_: &ValType| Val::I32(0);
        let args: Vec<Val> = func.ty(&self.store).params().iter().map(zero).collect();
        func.invoke(&mut self.store, &args).unwrap_err()
    }

    /// The frames of an error: function names and instructions.
    fn told(&self, error: &Error) -> String {
        let frames = error.backtrace().expect("code has ended").frames();
        let told = frames.iter().map(|frame| {
            assert!(frame.is_of_same_module(&frames[0]));
            assert_eq!(frame.module_name().as_deref(), Some("example"));
            let name = frame.func_name().unwrap();
            format!(
                "{name} {}",
                instruction_at(&self.bytes, frame.func_index(), frame.module_offset())
            )
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// The name of the instruction that begins at a byte of a module, in the body of that function.
fn instruction_at(bytes: &[u8], func: u32, offset: Option<usize>) -> String {
    let mut index = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::ImportSection(imports) => index += imports.count(),
            Payload::CodeSectionEntry(body) => {
                if index == func {
                    let operators = body
                        .get_operators_reader()
                        .unwrap()
                        .into_iter_with_offsets();
                    let here = operators.map(Result::unwrap);
                    let found = here
                        .into_iter()
                        .find(|(_, at)| Some(*at as usize) == offset);
                    let text = format!("{:?}", found.expect("an instruction").0);
                    return text.split([' ', '{']).next().unwrap().to_owned();
                }
                index += 1;
            }
            _ => {}
        }
    }
    panic!("no function {func}");
}

#[test]
fn every_tier_tells_the_same_functions_and_instructions() {
    for engine in engines() {
        let mut run = Run::new(&engine, WAT);
        // Twice: what has been caught, or ended before, is not told again.
        for &(export, kind, expected) in CASES.iter().chain(CASES) {
            let error = run.fail(export);
            assert_eq!(error.kind(), kind, "{export}, {}", named(&engine));
            assert_eq!(run.told(&error), expected, "{export}, {}", named(&engine));
        }
    }
}

#[test]
fn deep_stacks_are_told_from_the_inside_and_counted() {
    for engine in engines() {
        let mut run = Run::new(&engine, WAT);
        let error = run.fail("recurse");
        assert_eq!(error.trap_kind(), Some(TrapKind::StackExhausted));
        let told = run.told(&error);
        assert!(
            told.split(", ").all(|frame| frame == "recurse Call"),
            "{told}"
        );
        let omitted = error.backtrace().unwrap().omitted();
        assert!(omitted > 1000, "{omitted}, {}", named(&engine));
        let error = run.fail("leaf");
        assert_eq!(run.told(&error), "leaf I32DivS");
    }
}

const EXCEPTIONS: &str = r#"(module $example
    (import "" "back" (func $back (param i32)))
    (tag $a) (tag $b)
    (func $throws (export "direct") (throw $a))
    (func $misses (export "misses")
      (block (try_table (catch $b 0) (call $throws) (unreachable))))
    (func $through (export "through") (call $misses))
    (func $through_host (export "through_host") (call $back (i32.const 0)))
    (func $again (export "again") (local exnref)
      (block (result exnref) (try_table (catch_all_ref 0) (call $throws)) (unreachable))
      (throw_ref))
    (func $caught (export "caught")
      (block (try_table (catch_all 0) (call $through_host) (unreachable)))
      (unreachable)))"#;

#[test]
fn an_uncaught_exception_tells_where_it_was_thrown() {
    for engine in engines() {
        let mut run = Run::new(&engine, EXCEPTIONS);
        for (export, expected) in [
            ("through", "throws Throw, misses Call, through Call"),
            ("through_host", "throws Throw, through_host Call"),
            ("again", "again ThrowRef"),
            ("caught", "caught Unreachable"),
        ] {
            let error = run.fail(export);
            let is_trap = error.trap_kind() == Some(TrapKind::Unreachable);
            assert!(is_trap || error.kind() == ErrorKind::Exception, "{error}");
            assert_eq!(run.told(&error), expected, "{export}, {}", named(&engine));
        }
    }
}
