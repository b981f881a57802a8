//! Threads that share memories: contention, message passing, waiting, growth; each store in a
//! thread of its own, in both interpreters, and stores of different tiers on one memory.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use wassay_runtime::{
    Compilation, Config, Engine, ErrorKind, Extern, Func, Instance, LimitKind, Limits, MemoryType,
    Module, SharedMemory, Store, Tier, TrapKind, Val, WaitResult, WasmFeatures,
};

const TIERS: [Tier; 2] = [Tier::Stack, Tier::Register];

fn engine(tier: Tier) -> Engine {
    let mut config = Config::only(tier);
    config.features(WasmFeatures::all());
    config.interruptible(true);
    Engine::new(&config).unwrap()
}

fn encode(wat: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
    let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
    wat.and_then(|mut wat| wat.encode())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// One store with an instance of a module that imports the memory.
struct Program {
    store: Store,
    instance: Instance,
}

impl Program {
    fn new(tier: Tier, memory: &SharedMemory, wat: &str) -> Program {
        let engine = engine(tier);
        let module = Module::new(&engine, encode(wat)).unwrap_or_else(|e| panic!("{e}\n{wat}"));
        let mut store = Store::new(&engine, ());
        let memory = Extern::Memory(memory.in_store(&mut store).unwrap());
        let instance = Instance::new(&mut store, &module, &[memory]).unwrap();
        Program { store, instance }
    }

    fn func(&self, name: &str) -> Func {
        self.instance.get_func(&self.store, name).expect(name)
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, ErrorKind> {
        let result = self.func(name).invoke(&mut self.store, args);
        result.map_err(|error| error.kind())
    }

    /// What an export gives, an i32.
    fn i32(&mut self, name: &str, args: &[Val]) -> i32 {
        match self.call(name, args).as_deref() {
            Ok([Val::I32(value)]) => *value,
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn memory(is64: bool, initial: u64, maximum: u64) -> SharedMemory {
    let new = if is64 {
        MemoryType::new64_shared
    } else {
        MemoryType::new_shared
    };
    SharedMemory::new(&engine(Tier::Stack), new(initial, maximum)).unwrap()
}

fn word(memory: &SharedMemory, at: usize) -> u32 {
    let mut bytes = [0; 4];
    memory.read(at, &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// Runs a program per thread, one in each tier in turn, each with its number as the argument.
fn run_threads(memory: &SharedMemory, wat: &str, threads: usize) {
    std::thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(move || {
                let mut program = Program::new(TIERS[number % 2], memory, wat);
                program.call("run", &[Val::I32(number as i32)]).unwrap();
            });
        }
    });
}

/// Four threads do what adds up, whatever their order.
#[test]
fn read_modify_writes_lose_nothing() {
    const TIMES: u32 = 20_000;
    for (address, is64) in [("i32", false), ("i64", true)] {
        let memory = memory(is64, 1, 1);
        let (a, b) = (
            format!("({address}.const 0)"),
            format!("({address}.const 64)"),
        );
        let body = format!(
            "(drop (i32.atomic.rmw.add {a} (i32.const 1)))
             (drop (i64.atomic.rmw.sub offset=8 {a} (i64.const 1)))
             (drop (i32.atomic.rmw8.add_u offset=17 {a} (i32.const 1)))
             (drop (i64.atomic.rmw16.add_u offset=18 {a} (i64.const 3)))
             (drop (i64.atomic.rmw32.xor_u offset=20 {a} (i64.const 5)))
             ;; An increment by comparing and exchanging.
             (loop $again
               (local.set $old (i32.atomic.load offset=24 {a}))
               (br_if $again (i32.ne (local.get $old)
                 (i32.atomic.rmw.cmpxchg offset=24 {a} (local.get $old)
                   (i32.add (local.get $old) (i32.const 1))))))
             ;; An increment under a lock.
             (loop $again
               (br_if $again (i32.atomic.rmw8.xchg_u {b} (i32.const 1))))
             (i32.store offset=8 {b} (i32.add (i32.load offset=8 {b}) (i32.const 1)))
             (i32.atomic.store8 {b} (i32.const 0))"
        );
        let index = if is64 { "i64" } else { "" };
        let wat = format!(
            "(module (import \"\" \"m\" (memory {index} 1 1 shared))
               (func (export \"run\") (param i32) (local $n i32) (local $old i32)
                 (loop $l {body}
                   (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                     (i32.const {TIMES}))))))"
        );
        run_threads(&memory, &wat, 4);
        let total = 4 * TIMES;
        let [narrow, xor] = [word(&memory, 16), word(&memory, 20)];
        assert_eq!(word(&memory, 0), total);
        assert_eq!(word(&memory, 8), 0u32.wrapping_sub(total));
        assert_eq!((narrow >> 8) & 0xff, total & 0xff);
        assert_eq!(narrow >> 16, (3 * total) & 0xffff);
        assert_eq!((narrow & 0xff, xor), (0, 0), "neighbours stay");
        assert_eq!([word(&memory, 24), word(&memory, 72)], [total; 2]);
    }
}

/// What is written before an atomic store is seen after an atomic load that sees the store; and of
/// two threads that each store and then load the other's, at least one sees it.
#[test]
fn litmus_tests_of_sequential_consistency() {
    const ROUNDS: i32 = 3_000;
    let memory = memory(false, 1, 1);
    // A barrier: every thread adds one and waits until both have.
    let wat = "(module (import \"\" \"m\" (memory 1 1 shared))
        (func $meet (param $at i32) (param $n i32)
          (drop (i32.atomic.rmw.add (local.get $at) (i32.const 1)))
          (loop $l (br_if $l (i32.lt_u (i32.atomic.load (local.get $at)) (local.get $n)))))
        (func (export \"run\") (param $me i32) (local $n i32) (local $x i32) (local $y i32)
          (local.set $x (i32.shl (local.get $me) (i32.const 6)))
          (local.set $y (i32.shl (i32.sub (i32.const 1) (local.get $me)) (i32.const 6)))
          (loop $l
            (i32.atomic.store offset=256 (local.get $x) (i32.const 0))
            (i32.store offset=512 (local.get $x) (i32.const 0))
            (local.set $n (i32.add (local.get $n) (i32.const 2)))
            (call $meet (i32.const 0) (local.get $n))
            ;; Store buffering.
            (i32.atomic.store offset=256 (local.get $x) (i32.const 1))
            (if (i32.eqz (i32.atomic.load offset=256 (local.get $y)))
              (then (drop (i32.atomic.rmw.add (i32.const 128) (i32.const 1)))))
            ;; Message passing, both ways.
            (i32.store offset=512 (local.get $x) (local.get $n))
            (i32.atomic.store offset=768 (local.get $x) (local.get $n))
            (loop $w (br_if $w (i32.ne (i32.atomic.load offset=768 (local.get $y))
              (local.get $n))))
            (if (i32.ne (i32.load offset=512 (local.get $y)) (local.get $n))
              (then unreachable))
            (call $meet (i32.const 4) (local.get $n))
            ;; Both saw nothing: two in a round.
            (if (i32.eqz (local.get $me)) (then
              (if (i32.eq (i32.atomic.rmw.xchg (i32.const 128) (i32.const 0)) (i32.const 2))
                (then unreachable))))
            (call $meet (i32.const 8) (local.get $n))
            (br_if $l (i32.lt_u (local.get $n) (i32.const ROUNDS))))))";
    run_threads(&memory, &wat.replace("ROUNDS", &ROUNDS.to_string()), 2);
}

/// Two threads hand a word to and fro, each waiting for the other's.
#[test]
fn waiting_and_notifying_ping_pong() {
    for (op, ty) in [("wait32", "i32"), ("wait64", "i64")] {
        for (address, index) in [("i32", ""), ("i64", "i64")] {
            let memory = memory(!index.is_empty(), 1, 2);
            // Thread 0 makes odd numbers of even ones, thread 1 even ones of odd ones.
            let wat = format!(
                "(module (import \"\" \"m\" (memory {index} 1 2 shared))
                  (func (export \"run\") (param $me i32) (local $seen {ty})
                    (loop $l
                      (local.set $seen ({ty}.atomic.load offset=8 ({address}.const 8)))
                      (if (i32.eq (i32.and (i32.const 1) ({wrap} (local.get $seen)))
                            (local.get $me))
                        (then
                          ({ty}.atomic.store offset=8 ({address}.const 8)
                            ({ty}.add (local.get $seen) ({ty}.const 1)))
                          (drop (memory.atomic.notify offset=8 ({address}.const 8) (i32.const 1))))
                        (else
                          (drop (memory.atomic.{op} offset=8 ({address}.const 8)
                            (local.get $seen) (i64.const -1)))))
                      (br_if $l ({ty}.lt_u (local.get $seen) ({ty}.const 1000))))))",
                wrap = if ty == "i64" {
                    "i32.wrap_i64"
                } else {
                    "i32.or (i32.const 0)"
                },
            );
            run_threads(&memory, &wat, 2);
            assert!(word(&memory, 16) >= 1000);
        }
    }
}

const GROWING: &str = "(module (import \"\" \"m\" (memory 1 9 shared))
    (func (export \"size\") (result i32) (memory.size))
    (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export \"get\") (param i32) (result i32) (i32.load8_u offset=1 (local.get 0)))
    (func (export \"add\") (param i32) (result i32)
      (i32.add (i32.const 1) (i32.load8_u offset=1 (local.get 0))))
    (func (export \"far\") (param i32) (result i32) (i32.load8_u offset=65537 (local.get 0)))
    (func (export \"set\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export \"atomic\") (param i32) (result i32) (i32.atomic.load8_u (local.get 0)))
    (func (export \"fixed\") (result i32) (i32.load8_u (i32.const 131071)))
    (func (export \"fill\") (param i32 i32)
      (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
    ;; Sees another thread's growth in the middle of a loop.
    (func (export \"until\") (param i32) (result i32) (local $n i32)
      (loop $l
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $l (i32.eqz (i32.atomic.load (i32.const 0)))))
      (i32.store8 (local.get 0) (i32.const 9))
      (i32.load8_u (local.get 0))))";

const VECTOR: &str = "(module (import \"\" \"m\" (memory 1 9 shared))
    (func (export \"vector\") (param i32) (result i32)
      (i8x16.extract_lane_u 0 (v128.load8_splat (local.get 0)))))";

/// What one store grows, every other can use at once, in every form of access; and no more.
#[test]
fn growth_is_seen_by_all() {
    for tier in TIERS {
        let memory = memory(false, 1, 9);
        let mut a = Program::new(Tier::Stack, &memory, GROWING);
        let mut vector = Program::new(tier, &memory, VECTOR);
        let mut programs: [Program; 8] =
            std::array::from_fn(|_| Program::new(tier, &memory, GROWING));
        let outside = Err(ErrorKind::Trap(TrapKind::MemoryOutOfBounds));
        assert_eq!(vector.call("vector", &[Val::I32(65_536)]), outside);
        for b in &mut programs {
            assert_eq!(b.call("get", &[Val::I32(65_535)]), outside);
        }
        assert_eq!(a.i32("grow", &[Val::I32(1)]), 1);
        // Each of these is the first that its store knows of the growth.
        let last = [Val::I32(131_071)];
        let [get, add, far, set, atomic, fixed, fill, size] = &mut programs;
        assert_eq!(get.i32("get", &[Val::I32(131_070)]), 0);
        assert_eq!(get.call("get", &[Val::I32(131_071)]), outside);
        assert_eq!(add.i32("add", &[Val::I32(131_070)]), 1);
        assert_eq!(far.i32("far", &[Val::I32(65_534)]), 0);
        assert_eq!(set.call("set", &[last[0], Val::I32(5)]), Ok(vec![]));
        assert_eq!(vector.call("vector", &last), Ok(vec![Val::I32(5)]));
        assert_eq!(vector.call("vector", &[Val::I32(131_072)]), outside);
        assert_eq!(atomic.i32("atomic", &last), 5);
        assert_eq!(fixed.i32("fixed", &[]), 5);
        assert_eq!(
            fill.call("fill", &[Val::I32(65_536), Val::I32(65_537)]),
            outside
        );
        assert_eq!(
            fill.call("fill", &[Val::I32(65_536), Val::I32(65_536)]),
            Ok(vec![])
        );
        assert_eq!(size.i32("size", &[]), 2);
        assert_eq!(size.i32("grow", &[Val::I32(8)]), -1);
        assert_eq!((memory.size(), memory.grow(7).ok()), (2, Some(2)));
        assert_eq!(a.i32("size", &[]), 9);
    }
}

#[test]
fn growth_is_seen_by_a_running_thread() {
    for tier in TIERS {
        let memory = memory(false, 1, 9);
        std::thread::scope(|scope| {
            let shared = memory.clone();
            let running = scope.spawn(move || {
                let mut program = Program::new(tier, &shared, GROWING);
                program.i32("until", &[Val::I32(3 * 65_536 + 5)])
            });
            let mut other = Program::new(tier, &memory, GROWING);
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!(other.i32("grow", &[Val::I32(3)]), 1);
            memory.write(0, &[1]).unwrap();
            assert_eq!(running.join().unwrap(), 9);
        });
    }
}

/// Many threads grow by one page until no one can: each size is given once.
#[test]
fn growth_is_atomic() {
    let memory = memory(false, 1, 201);
    let wat = "(module (import \"\" \"m\" (memory 1 201 shared))
        (func (export \"run\") (param i32) (local $old i32)
          (loop $l
            (local.set $old (memory.grow (i32.const 1)))
            (if (i32.ne (local.get $old) (i32.const -1)) (then
              (drop (i32.atomic.rmw.add (i32.mul (local.get $old) (i32.const 4)) (i32.const 1)))
              (br $l))))))";
    run_threads(&memory, wat, 4);
    assert_eq!(memory.size(), 201);
    assert!((1..201).all(|page| word(&memory, page * 4) == 1));
}

/// Threads that share a module may be the first to call a function at the same time.
#[test]
fn a_module_is_translated_by_several_threads() {
    const FUNCS: usize = 300;
    let call_next = |i: usize| format!("(func $f{i} (result i32) (call $f{}))", i + 1);
    let chain: String = (0..FUNCS).map(call_next).collect();
    let wat = format!(
        "(module {chain} (func $f{FUNCS} (result i32) (i32.const 5))
           (func (export \"run\") (result i32) (call $f0)))"
    );
    for tier in TIERS {
        for _ in 0..10 {
            let mut config = Config::only(tier);
            config.compilation(Compilation::Lazy);
            let engine = Engine::new(&config).unwrap();
            let module = Module::new(&engine, encode(&wat)).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let mut store = Store::new(&engine, ());
                        let instance = Instance::new(&mut store, &module, &[]).unwrap();
                        let run = instance.get_func(&store, "run").unwrap();
                        assert_eq!(run.invoke(&mut store, &[]), Ok(vec![Val::I32(5)]));
                    });
                }
            });
        }
    }
}

/// A wait ends when its store is interrupted, and not before.
#[test]
fn a_wait_can_be_interrupted() {
    let memory = memory(false, 1, 1);
    let wat = "(module (import \"\" \"m\" (memory 1 1 shared))
        (func (export \"run\") (result i32)
          (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))";
    for tier in TIERS {
        let mut program = Program::new(tier, &memory, wat);
        let handle = program.store.interrupt_handle().unwrap();
        let interrupter = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        let ended = program.call("run", &[]);
        assert_eq!(ended, Err(ErrorKind::Trap(TrapKind::Interrupted)));
        interrupter.join().unwrap();
        assert_eq!(memory.atomic_notify(0, 1).unwrap(), 0, "it waits no more");
    }
}

/// The host waits and code wakes it, then the other way round, in the same queue.
#[test]
fn the_host_waits_and_wakes_as_code_does() {
    let memory = memory(false, 1, 1);
    let wat = "(module (import \"\" \"m\" (memory 1 1 shared))
        (func (export \"wake\") (result i32)
          (memory.atomic.notify (i32.const 8) (i32.const 1)))
        (func (export \"wait\") (result i32)
          (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1))))";
    for tier in TIERS {
        let mut program = Program::new(tier, &memory, wat);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| memory.atomic_wait32(8, 0, None));
            while program.i32("wake", &[]) == 0 {
                std::thread::yield_now();
            }
            assert_eq!(waits.join().unwrap(), Ok(WaitResult::Ok));
            let wakes = scope.spawn(|| {
                while memory.atomic_notify(8, 1).unwrap() == 0 {
                    std::thread::yield_now();
                }
            });
            assert_eq!(program.i32("wait", &[]), 0);
            wakes.join().unwrap();
        });
    }
}

/// Only a shared memory is imported as one, within its limits; and the host's view of it.
#[test]
fn imports_match_and_the_host_takes_part() {
    let engine = engine(Tier::Register);
    let shared = memory(false, 2, 4);
    let import = |wat: &str| {
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, encode(wat)).unwrap();
        let handle = shared.in_store(&mut store).unwrap();
        assert_eq!(
            handle,
            shared.in_store(&mut store).unwrap(),
            "one memory, one handle"
        );
        let instance = Instance::new(&mut store, &module, &[Extern::Memory(handle)]);
        instance.map(|_| ()).map_err(|error| error.kind())
    };
    let of = |limits: &str| import(&format!("(module (import \"\" \"m\" (memory {limits})))"));
    assert_eq!([of("2 4 shared"), of("1 5 shared")], [Ok(()), Ok(())]);
    for limits in ["1 4", "3 4 shared", "1 3 shared", "i64 1 4 shared"] {
        assert_eq!(of(limits), Err(ErrorKind::Unlinkable), "{limits}");
    }
    let unshared = MemoryType::new(1, Some(1));
    assert!(SharedMemory::new(&engine, unshared).is_err());
    assert!(shared.write(131_069, b"abcd").is_err());
    shared.write(131_068, b"abcd").unwrap();
    let mut bytes = [0; 4];
    assert!(shared.read(usize::MAX, &mut bytes).is_err());
    shared.read(131_068, &mut bytes).unwrap();
    assert_eq!(&bytes, b"abcd");
}

/// A memory that is shared in counts among the memories of the store.
#[test]
fn a_store_takes_as_many_shared_memories_as_it_may_have() {
    let mut config = Config::only(Tier::Stack);
    config.limits(Limits::new().memories_max(1));
    let mut store = Store::new(&Engine::new(&config).unwrap(), ());
    let (first, second) = (memory(false, 1, 1), memory(false, 1, 1));
    assert_eq!(first.in_store(&mut store), first.in_store(&mut store));
    let kind = second.in_store(&mut store).map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::Limit(LimitKind::Memories)));
}
