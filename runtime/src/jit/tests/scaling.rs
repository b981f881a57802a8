//! How compiling grows with a function's size: steps of the loops that have grown faster before
//! (`jit/steps.rs`), at one and two times a size; and, as a table, processor time of each stage at
//! one, two and four times a size.

use std::time::Duration;

use super::{encode, large};
use crate::engine::{Config, Engine, Tier};
use crate::jit::JitTier;
use crate::jit::build::{self, Assumptions};
use crate::jit::host::HostTarget;
use crate::jit::target::{Listing, Surroundings, Target};
use crate::jit::{pipeline, steps};
use crate::module::ModuleParts;

/// The body of a function, for a size.
type Shape = fn(usize) -> String;

/// Locals besides the parameter.
const LOCALS: usize = 200;

fn times(n: usize, piece: impl Fn(usize) -> String) -> String {
    (0..n).map(piece).collect()
}

fn local(i: usize) -> usize {
    1 + i * 7 % LOCALS
}

fn straight(n: usize) -> String {
    times(n, |i| {
        let (a, b) = (local(i), local(i * 3 + 1));
        format!("(local.set {a} (i32.add (i32.mul (local.get {b}) (i32.const {i})) (local.get 0)))")
    })
}

fn ifs(n: usize) -> String {
    times(n, |i| {
        format!(
            "(if (i32.eq (local.get 0) (i32.const {i}))
               (then (local.set 1 (i32.add (local.get 1) (i32.const {}))))
               (else (local.set 2 (local.get 1))))",
            i * 5
        )
    })
}

fn many_locals(n: usize) -> String {
    times(n, |i| {
        format!(
            "(if (local.get {0}) (then (local.set {0} (i32.add (local.get {1}) (i32.const 1)))))",
            local(i),
            local(i + 1)
        )
    })
}

fn loops(n: usize) -> String {
    times(n, |i| {
        let a = local(i);
        format!(
            "(loop (local.set {a} (i32.sub (local.get {a}) (i32.const 1)))
               (local.set 1 (i32.xor (local.get 1) (local.get {a}))) (br_if 0 (local.get {a})))"
        )
    })
}

fn nested_loops(n: usize) -> String {
    let depth = 20;
    times(n / depth, |i| {
        let open = times(depth, |d| {
            format!(
                "(loop (local.set {0} (i32.sub (local.get {0}) (local.get 0)))",
                local(i + d)
            )
        });
        let close = times(depth, |d| {
            format!("(br_if 0 (local.get {})))", local(i + depth - d))
        });
        open + &close
    })
}

fn memory(n: usize) -> String {
    times(n, |i| {
        format!(
            "(i32.store offset={i} (local.get 0) (i32.load offset={} (local.get 0)))",
            i * 3
        )
    })
}

fn table(n: usize) -> String {
    let open = "block ".repeat(n);
    let labels = times(n, |i| format!("{i} "));
    let arms = times(n, |i| {
        format!("end (local.set 1 (i32.add (local.get 1) (i32.const {i}))) ")
    });
    format!("{open} local.get 0 br_table {labels} {arms}")
}

fn calls(n: usize) -> String {
    times(n, |i| {
        let (a, b) = (local(i), local(i * 3 + 1));
        format!("(local.set {a} (call 0 (i32.add (local.get {b}) (local.get {a}))))")
    })
}

/// Pieces of a shape at the smallest size.
const SIZE: usize = 5_000;

const SHAPES: &[(&str, Shape)] = &[
    ("straight", straight),
    ("ifs", ifs),
    ("many locals", many_locals),
    ("loops", loops),
    ("nested loops", nested_loops),
    ("memory", memory),
    ("table", table),
    ("calls", calls),
];

fn module(body: &str) -> ModuleParts {
    let mut config = Config::only(Tier::Jit);
    config.limits.native_stack_bytes = usize::MAX >> 1;
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let locals = "i32 ".repeat(LOCALS);
    let wat = format!(
        "(module (memory 1) (func (param i32) (result i32) (local {locals}) {body}
           (local.get 1)))"
    );
    ModuleParts::new(&engine, &encode(&wat)).expect("the module is valid")
}

fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is written.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Seconds of the stages, and how many bytes of code they read and made.
fn compile(shape: Shape, size: usize) -> ([f64; 4], [usize; 2]) {
    let config = Config::only(Tier::Jit);
    let module = module(&shape(size));
    let read = module.bodies[0].len();
    let around = Surroundings {
        leaves_instance: false,
        is_sampled: false,
    };
    let mut marks = vec![thread_time()];
    let ir = crate::ir::build(&module, 0).expect("it is valid");
    marks.push(thread_time());
    let (vcode, _) =
        pipeline::lowered::<HostTarget>(&ir, Assumptions::new(&config)).expect("it compiles");
    marks.push(thread_time());
    let output = vcode.allocate(&HostTarget::env()).expect("it is allocated");
    marks.push(thread_time());
    let made = HostTarget::emit(&vcode, &output, around, Listing::None).expect("it is emitted");
    marks.push(thread_time());
    let seconds = std::array::from_fn(|i| (marks[i + 1] - marks[i]).as_secs_f64());
    (seconds, [read, made.code.bytes.len()])
}

/// SSA grows with the function's text, not with its text times its locals.
#[test]
fn values_are_as_many_as_instructions_make() {
    let pieces = 300;
    for &(name, shape) in SHAPES {
        let values = [pieces, 4 * pieces].map(|size| {
            let ir = crate::ir::build(&module(&shape(size)), 0).expect("it is valid");
            let built = build::build(&ir, Assumptions::new(&Config::only(Tier::Jit)));
            built.expect("it compiles").0.values.len() - LOCALS
        });
        assert!(values[0] < 40 * pieces, "{name}: {values:?}");
        assert!(values[1] < 5 * values[0], "{name}: {values:?}");
    }
}

/// Shapes on which some pass has taken more than linear time, or space in the frame, and the size
/// from which on their steps are compared: where limits count that are in any case, above these.
const HARD: &[(&str, Shape, usize)] = &[
    ("nested loops", large::nested_loops, 1500),
    (
        "nested loops that are left late",
        large::nested_loops_with_back_edges,
        4000,
    ),
    ("nested try_tables", large::nested_tries, 1500),
    ("branches to one label", large::branches_to_one_label, 1500),
    ("try blocks in sequence", large::tries_in_sequence, 1500),
    ("locals and diamonds", large::diamonds, 1500),
    ("constants on edges", large::constants_on_edges, 1500),
    ("a state machine", large::state_machine, 1500),
    (
        "a state machine of as many variables",
        large::wide_state_machine,
        1000,
    ),
    ("branches out of nested blocks", large::ladder, 1500),
    ("the same, with as many locals", large::wide_ladder, 4000),
    ("nested conditions", large::nested_conditions, 1500),
    ("loops in sequence", large::loops_in_sequence, 1500),
    ("a table of branches", large::branch_table, 1500),
    ("values that live long", large::long_lived, 1500),
    ("what no loop of a nest changes", large::invariants, 4000),
    ("locals copied in nested loops", large::copies, 4000),
];

/// The steps of compiling the last function of a module, and the size of its frame.
fn steps(wat: &str) -> (u64, u32) {
    let mut config = Config::only(Tier::Jit);
    config.features = wasmparser::WasmFeatures::all();
    let engine = Engine::with_backend(config, Box::new(JitTier::compiling(&config)));
    let module = ModuleParts::new(&engine, &encode(wat)).expect("the module is valid");
    let around = Surroundings {
        leaves_instance: false,
        is_sampled: false,
    };
    let ir = crate::ir::build(&module, module.bodies.len() - 1).expect("it is valid");
    let before = steps::taken();
    let (vcode, _) =
        pipeline::lowered::<HostTarget>(&ir, Assumptions::new(&config)).expect("it compiles");
    let output = vcode
        .allocate_blockwise(&HostTarget::env())
        .expect("it is allocated");
    let made = HostTarget::emit(&vcode, &output, around, Listing::None).expect("it is emitted");
    (steps::taken() - before, made.frame.bytes)
}

#[test]
fn steps_grow_with_the_size() {
    for &(name, shape, size) in HARD {
        let [(once, _), (twice, _)] = [size, 2 * size].map(|size| steps(&shape(size)));
        println!("{name}: {once} {twice}");
        assert!(once > size as u64, "{name}: {once} steps");
        assert!(2 * twice < 5 * once, "{name}: {once} steps, then {twice}");
    }
}

/// What is live at once decides, and not what there is.
#[test]
fn frames_hold_what_is_live_at_once() {
    let sizes = [
        (
            "constants on edges",
            steps(&large::constants_on_edges(3_000)).1,
            128,
        ),
        (
            "a state machine",
            steps(&large::state_machine(12_000)).1,
            512,
        ),
        (
            "loops in sequence",
            steps(&large::loops_in_sequence(3_000)).1,
            128,
        ),
        (
            "try blocks in sequence",
            steps(&large::tries_in_sequence(3_000)).1,
            256,
        ),
        (
            "branches out of nested blocks",
            steps(&large::ladder(3_000)).1,
            128,
        ),
    ];
    for (name, bytes, max) in sizes {
        assert!(bytes <= max, "{name}: {bytes} bytes");
    }
}

/// The table of all shapes up to a megabyte.
#[test]
#[ignore = "takes minutes; prints a table"]
fn table_of_shapes() {
    println!("shape          bytes     code       ir     ssa   alloc    emit");
    for &(name, shape) in SHAPES {
        for size in [1, 2, 4].map(|k| k * SIZE) {
            let ([ir, ssa, alloc, emit], [read, made]) = compile(shape, size);
            println!("{name:12} {read:7} {made:8} {ir:8.3}{ssa:8.3}{alloc:8.3}{emit:8.3}");
        }
    }
}
