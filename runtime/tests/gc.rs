//! The garbage-collected heap through the public API, in both interpreters: what is live survives,
//! what is not makes room, and the host's references are what they were.

use std::sync::{Arc, Mutex};

use wassay_runtime::{
    AbstractHeapType, AnyRef, Caller, Config, Engine, Error, ErrorKind, Extern, ExternRef, Func,
    FuncType, I31, Instance, Limits, Module, Ref, RefType, RootMark, Store, Tier, TrapKind, Val,
    ValType, WasmFeatures,
};

const TIERS: [Tier; 2] = [Tier::Stack, Tier::Register];

struct Run {
    store: Store,
    instance: Instance,
}

fn config(tier: Tier, gc_heap_bytes_max: u64, gc_stress: bool) -> Config {
    {
        let mut config = *Config::only(tier)
            .features(WasmFeatures::all())
            .limits(Limits::new().gc_heap_bytes_max(gc_heap_bytes_max));
        config.testing().gc_stress(gc_stress);
        config
    }
}

fn module(engine: &Engine, wat: &str) -> Module {
    let buffer = wast::parser::ParseBuffer::new(wat).expect("the text has tokens");
    let mut parsed = wast::parser::parse::<wast::Wat<'_>>(&buffer).expect("the text parses");
    let bytes = parsed.encode().expect("the module encodes");
    Module::new(engine, &bytes).expect("the module is valid")
}

impl Run {
    fn new(config: Config, wat: &str) -> Run {
        let engine = Engine::new(&config).expect("the tier runs here");
        let mut store = Store::new(&engine, ());
        let module = module(&engine, wat);
        let instance = Instance::new(&mut store, &module, &[]).expect("it instantiates");
        Run { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
        let func = self.instance.get_func(&self.store, name);
        func.expect("it is exported").invoke(&mut self.store, args)
    }

    fn int(&mut self, name: &str, args: &[Val]) -> i32 {
        match self.call(name, args).expect("it ends")[..] {
            [Val::I32(result)] => result,
            ref others => panic!("{others:?}"),
        }
    }
}

const LISTS: &str = r#"(module
    (type $node (struct (field $value i32) (field $next (ref null $node))))
    (type $pair (array (mut anyref)))
    (global $keep (mut (ref null $node)) (ref.null $node))
    (func $cons (param i32 (ref null $node)) (result (ref $node))
        (struct.new $node (local.get 0) (local.get 1)))
    ;; A list of n values, its sum; what lies between is garbage.
    (func $list (export "list") (param $n i32) (result (ref null $node))
        (local $head (ref null $node)) (local $pair (ref null $pair))
        (loop $again
            (local.set $head (call $cons (local.get $n) (local.get $head)))
            (local.set $pair (array.new_fixed $pair 3
                (local.get $head) (ref.i31 (local.get $n)) (ref.null any)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (ref.cast (ref $node) (array.get $pair (local.get $pair) (i32.const 0))))
    (func (export "sum") (param $at (ref null $node)) (result i32) (local $sum i32)
        (block $done
            (loop $again
                (br_if $done (ref.is_null (local.get $at)))
                (local.set $sum (i32.add (local.get $sum)
                    (struct.get $node $value (local.get $at))))
                (local.set $at (struct.get $node $next (local.get $at)))
                (br $again)))
        (local.get $sum))
    (func (export "garbage") (param $n i32)
        (loop $again
            (drop (call $list (i32.const 10)))
            (drop (array.new_default $pair (i32.and (local.get $n) (i32.const 1023))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "endless")
        (loop $again
            (global.set $keep (call $cons (i32.const 1) (global.get $keep)))
            (br $again)))
    (func (export "forget") (global.set $keep (ref.null $node)))
    ;; Live operands below a call that allocates, in a frame with locals.
    (func $deep (export "deep") (param $n i32) (param $a (ref null $node)) (result i32)
        (local $b (ref null $node))
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (local.set $b (call $cons (i32.const 2) (ref.null $node)))
        (call $cons (i32.const 3) (local.get $a))
        (i32.add
            (struct.get $node $value (call $cons (i32.const 4) (local.get $b)))
            (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $b)))
        (local.set $n)
        (struct.get $node $value)
        (i32.add (local.get $n))
        (i32.add (struct.get $node $value (local.get $b)))))"#;

#[test]
fn garbage_makes_room_within_the_limit() {
    for tier in TIERS {
        let mut run = Run::new(config(tier, 1 << 20, false), LISTS);
        run.call("garbage", &[Val::I32(50_000)]).expect("it fits");
        let statistics = run.store.gc_statistics();
        assert!(statistics.collections() > 100, "{statistics:?}");
        assert!(statistics.live_bytes() <= 1 << 20, "{statistics:?}");
    }
}

#[test]
fn a_heap_that_is_full_traps_and_can_be_emptied() {
    for tier in TIERS {
        let mut run = Run::new(config(tier, 1 << 20, false), LISTS);
        let error = run.call("endless", &[]).expect_err("it cannot end");
        assert_eq!(error.trap_kind(), Some(TrapKind::HeapExhausted));
        assert!(run.store.gc_statistics().live_bytes() > 900 << 10);
        run.call("forget", &[]).expect("it ends");
        run.store.gc();
        assert_eq!(run.store.gc_statistics().objects(), 0);
        run.call("garbage", &[Val::I32(100)])
            .expect("there is room again");
    }
}

#[test]
fn everything_live_survives_stress() {
    for tier in TIERS {
        let mut run = Run::new(config(tier, 1 << 24, true), LISTS);
        let list = run.call("list", &[Val::I32(300)]).expect("it ends")[0];
        assert_eq!(run.int("sum", &[list]), 300 * 301 / 2);
        assert_eq!(run.int("deep", &[Val::I32(40), list]), 40 * 9);
        let statistics = run.store.gc_statistics();
        assert!(statistics.collections() >= 600, "{statistics:?}");
    }
}

#[test]
fn references_of_the_host_live_as_long_as_their_scope() {
    for tier in TIERS {
        let mut run = Run::new(config(tier, 1 << 24, false), LISTS);
        let outer = run.call("list", &[Val::I32(10)]).expect("it ends")[0];
        let scope = RootMark::open(&run.store);
        let inner = run.call("list", &[Val::I32(20)]).expect("it ends")[0];
        assert_ne!(outer, inner);
        run.store.gc();
        assert_eq!(run.store.gc_statistics().objects(), 30);
        assert_eq!(run.int("sum", &[inner]), 210);
        scope.close(&mut run.store);
        run.store.gc();
        assert_eq!(run.store.gc_statistics().objects(), 10);
        assert_eq!(run.int("sum", &[outer]), 55);
        let error = run.call("sum", &[inner]).expect_err("it has been released");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

#[test]
fn handles_are_of_one_store_and_of_one_type() {
    for tier in TIERS {
        let mut one = Run::new(config(tier, 1 << 24, false), LISTS);
        let mut other = Run::new(config(tier, 1 << 24, false), LISTS);
        let list = one.call("list", &[Val::I32(1)]).expect("it ends")[0];
        other.call("list", &[Val::I32(1)]).expect("it ends");
        let error = other.call("sum", &[list]).expect_err("another store's");
        assert_eq!(error.kind(), ErrorKind::Usage);
        let error = one.call("sum", &[Val::from(I31::wrapping_u32(1))]);
        assert_eq!(error.expect_err("no structure").kind(), ErrorKind::Usage);
    }
}

const ROUND_TRIPS: &str = r#"(module
    (type $s (struct (field i32)))
    (import "" "any" (func $any (param anyref) (result anyref)))
    (import "" "extern" (func $extern (param externref) (result externref)))
    (table $t 4 anyref)
    (global $g (mut anyref) (ref.null any))
    (elem $e anyref (item (struct.new $s (i32.const 70))))
    (func (export "through") (param i32) (result i32)
        (local $a anyref)
        (local.set $a (struct.new $s (local.get 0)))
        (struct.get $s 0 (ref.cast (ref $s)
            (any.convert_extern (call $extern (extern.convert_any
                (call $any (local.get $a))))))))
    (func (export "same") (result i32) (local $a eqref)
        (local.set $a (struct.new $s (i32.const 1)))
        (ref.eq (local.get $a) (ref.cast eqref (call $any (local.get $a)))))
    (func (export "keep") (param anyref)
        (table.set $t (i32.const 2) (local.get 0))
        (global.set $g (struct.new $s (i32.const 7))))
    (func (export "kept") (result i32)
        (i32.add
            (struct.get $s 0 (ref.cast (ref $s) (global.get $g)))
            (i32.add
                (struct.get $s 0 (ref.cast (ref $s) (table.get $t (i32.const 2))))
                (struct.get $s 0 (ref.cast (ref $s) (call $first))))))
    (func $first (result anyref)
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
        (table.get $t (i32.const 0)))
    (func (export "make") (param i32) (result anyref) (struct.new $s (local.get 0)))
    (func (export "extern") (param externref) (result externref) (call $extern (local.get 0)))
    (func (export "internal") (param externref) (result anyref)
        (any.convert_extern (local.get 0)))
    (func (export "external") (param anyref) (result externref)
        (extern.convert_any (local.get 0))))"#;

/// Instantiates with host functions that collect and note what they were given.
fn round_trips(tier: Tier, stress: bool) -> (Run, Arc<Mutex<Vec<Val>>>) {
    let engine = Engine::new(&config(tier, 1 << 24, stress)).expect("the tier runs here");
    let mut store = Store::new(&engine, ());
    let module = module(&engine, ROUND_TRIPS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut host = |top| {
        let ty = ValType::Ref(RefType::nullable(top));
        let ty = FuncType::new([ty], [ty]);
        let seen = seen.clone();
        let call = move |mut caller: Caller<'_, ()>, args: &[Val], results: &mut [Val]| {
            caller.gc();
            seen.lock().expect("no test panics in here").push(args[0]);
            results.copy_from_slice(args);
            Ok(())
        };
        Func::new(&mut store, ty, call).expect("a function")
    };
    let imports = [
        Extern::Func(host(AbstractHeapType::Any)),
        Extern::Func(host(AbstractHeapType::Extern)),
    ];
    let instance = Instance::new(&mut store, &module, &imports).expect("it instantiates");
    (Run { store, instance }, seen)
}

#[test]
fn references_survive_round_trips_through_the_host() {
    for (tier, stress) in TIERS
        .into_iter()
        .flat_map(|tier| [(tier, false), (tier, true)])
    {
        let (mut run, seen) = round_trips(tier, stress);
        assert_eq!(run.int("through", &[Val::I32(42)]), 42);
        assert_eq!(run.int("same", &[]), 1);
        let seen = std::mem::take(&mut *seen.lock().expect("no test panics in there"));
        assert!(
            matches!(seen[0], Val::Ref(Ref::Any(AnyRef::Struct(_)))),
            "{seen:?}"
        );
        let external = seen[1].unwrap_extern_ref().expect("it is not null");
        assert!(AnyRef::convert_extern(external).is_struct(), "{seen:?}");
        let kept = run.call("make", &[Val::I32(600)]).expect("it ends")[0];
        run.call("keep", &[kept]).expect("it ends");
        run.store.gc();
        assert_eq!(run.int("kept", &[]), 677);
    }
}

#[test]
fn numbers_of_the_host_keep_their_identity() {
    for tier in TIERS {
        let (mut run, _) = round_trips(tier, false);
        for n in [0, 1, u32::MAX] {
            let (external, internal) =
                (ExternRef::from_number(n).into(), Val::from(AnyRef::Host(n)));
            assert_eq!(run.call("extern", &[external]), Ok(vec![external]));
            assert_eq!(run.call("internal", &[external]), Ok(vec![internal]));
            assert_eq!(run.call("external", &[internal]), Ok(vec![external]));
        }
        let i31 = AnyRef::from(I31::wrapping_u32(5));
        let (i31, external) = (Val::from(i31), Val::from(ExternRef::convert_any(i31)));
        assert_eq!(run.call("external", &[i31]), Ok(vec![external]));
        assert_eq!(run.call("internal", &[external]), Ok(vec![i31]));
        let object = run.call("make", &[Val::I32(1)]).expect("it ends");
        let there = run.call("external", &object).expect("it ends");
        assert_eq!(run.call("internal", &there), Ok(object));
    }
}

/// A chain of types, each the subtype of the one before, and casts of each to each: displays are
/// longer than what code looks at inline.
#[test]
fn casts_find_every_depth() {
    const DEPTH: usize = 12;
    let mut wat = String::from("(module (type $t0 (sub (struct (field i32))))");
    for i in 1..DEPTH {
        wat += &format!("(type $t{i} (sub $t{} (struct (field i32))))", i - 1);
    }
    for i in 0..DEPTH {
        wat += &format!(
            "(func (export \"make{i}\") (result anyref) (struct.new $t{i} (i32.const {i})))
            (func (export \"test{i}\") (param anyref) (result i32)
                (ref.test (ref $t{i}) (local.get 0)))
            (func (export \"branch{i}\") (param anyref) (result i32)
                (drop (block (result anyref) (br_on_cast 0 anyref (ref $t{i}) (local.get 0))
                    (drop) (return (i32.const 0)))) (i32.const 1))
            (func (export \"exact{i}\") (param anyref) (result i32)
                (ref.test (ref (exact $t{i})) (local.get 0)))"
        );
    }
    wat += ")";
    for tier in TIERS {
        let mut run = Run::new(config(tier, 1 << 20, false), &wat);
        for made in 0..DEPTH {
            let object = run.call(&format!("make{made}"), &[]).expect("it ends")[0];
            for ty in 0..DEPTH {
                let mut ask = |what: &str| run.int(&format!("{what}{ty}"), &[object]) == 1;
                let found = ["test", "branch", "exact"].map(&mut ask);
                assert_eq!(
                    found,
                    [made >= ty, made >= ty, made == ty],
                    "{made} as {ty}"
                );
            }
        }
    }
}

/// Objects of every sort that refer to others, through every sort of root, in one tight heap.
#[test]
fn constant_expressions_and_segments_are_roots() {
    let wat = r#"(module
        (type $s (struct (field i32))) (type $a (array (ref null $s)))
        (global $g (ref $a) (array.new_fixed $a 3
            (struct.new $s (i32.const 1)) (ref.null $s) (struct.new $s (i32.const 2))))
        (table $t 3 3 (ref null $s) (struct.new $s (i32.const 40)))
        (elem (table $t) (i32.const 1) (ref null $s) (item (struct.new $s (i32.const 500))))
        (elem $e (ref null $s)
            (item (struct.new $s (i32.const 6000))) (item (struct.new $s (i32.const 70000))))
        (func $get (param i32) (result i32)
            (struct.get $s 0 (table.get $t (local.get 0))))
        (func (export "sum") (result i32)
            (struct.get $s 0 (array.get $a (global.get $g) (i32.const 0)))
            (i32.add (struct.get $s 0 (array.get $a (global.get $g) (i32.const 2))))
            (i32.add (call $get (i32.const 0))) (i32.add (call $get (i32.const 1)))
            (i32.add (struct.get $s 0
                (array.get $a (array.new_elem $a $e (i32.const 0) (i32.const 2)) (i32.const 1)))))
        (func (export "drop") (elem.drop $e)))"#;
    for (tier, stress) in TIERS
        .into_iter()
        .flat_map(|tier| [(tier, false), (tier, true)])
    {
        let mut run = Run::new(config(tier, 1 << 20, stress), wat);
        run.store.gc();
        assert_eq!(run.store.gc_statistics().objects(), 7);
        assert_eq!(run.int("sum", &[]), 70_543);
        run.call("drop", &[]).expect("it ends");
        run.store.gc();
        assert_eq!(run.store.gc_statistics().objects(), 5);
    }
}
