//! Functions at the edges of what validation lets pass, in both interpreters: they run, or are
//! refused by a named limit, without using native stack.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use wassay_runtime::interior::{self, ir};
use wassay_runtime::{
    Caller, Config, Engine, ErrorKind, Extern, Instance, Module, Store, Tier, TrapKind, Val,
};

const TIERS: [Tier; 2] = [Tier::Stack, Tier::Register];

/// Bytes of opcodes, as the spec names them.
mod op {
    pub(crate) const UNREACHABLE: u8 = 0x00;
    pub(crate) const BLOCK: u8 = 0x02;
    pub(crate) const LOOP: u8 = 0x03;
    pub(crate) const IF: u8 = 0x04;
    pub(crate) const ELSE: u8 = 0x05;
    pub(crate) const END: u8 = 0x0b;
    pub(crate) const BR: u8 = 0x0c;
    pub(crate) const BR_IF: u8 = 0x0d;
    pub(crate) const BR_TABLE: u8 = 0x0e;
    pub(crate) const RETURN: u8 = 0x0f;
    pub(crate) const CALL: u8 = 0x10;
    pub(crate) const CALL_INDIRECT: u8 = 0x11;
    pub(crate) const RETURN_CALL: u8 = 0x12;
    pub(crate) const RETURN_CALL_INDIRECT: u8 = 0x13;
    pub(crate) const LOCAL_GET: u8 = 0x20;
    pub(crate) const LOCAL_SET: u8 = 0x21;
    pub(crate) const I32_CONST: u8 = 0x41;
    pub(crate) const I64_CONST: u8 = 0x42;
    pub(crate) const I32_ADD: u8 = 0x6a;
    pub(crate) const I64_ADD: u8 = 0x7c;
    pub(crate) const I64_MUL: u8 = 0x7e;
    pub(crate) const EMPTY: u8 = 0x40;
    pub(crate) const I32: u8 = 0x7f;
    pub(crate) const I64: u8 = 0x7e;
    pub(crate) const V128: u8 = 0x7b;
}

fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n > 0x7f {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

/// A signed number that is not negative.
fn signed(n: usize) -> Vec<u8> {
    let mut bytes = leb(n);
    if bytes.last().is_some_and(|last| last & 0x40 != 0) {
        let last = bytes.len() - 1;
        bytes[last] |= 0x80;
        bytes.push(0);
    }
    bytes
}

/// An opcode and its index.
fn with(opcode: u8, index: usize) -> Vec<u8> {
    [vec![opcode], leb(index)].concat()
}

/// A constant, not negative.
fn constant(opcode: u8, value: usize) -> Vec<u8> {
    [vec![opcode], signed(value)].concat()
}

fn vector(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len()), items.concat()].concat()
}

fn section(id: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let content = vector(items);
    [vec![id], leb(content.len()), content].concat()
}

/// A function: its parameters and results, runs of locals, code without the last `end`.
struct Func {
    params: Vec<u8>,
    results: Vec<u8>,
    locals: Vec<(usize, u8)>,
    code: Vec<u8>,
}

impl Func {
    fn new(params: &[u8], results: &[u8], code: Vec<u8>) -> Func {
        Func {
            params: params.to_vec(),
            results: results.to_vec(),
            locals: Vec::new(),
            code,
        }
    }
}

/// A module of functions, of which the first is exported as `run` and all are in table 0.
fn module(funcs: &[Func]) -> Vec<u8> {
    let values = |types: &[u8]| [leb(types.len()), types.to_vec()].concat();
    let ty = |func: &Func| [vec![0x60], values(&func.params), values(&func.results)].concat();
    let body = |func: &Func| {
        let locals: Vec<Vec<u8>> = func
            .locals
            .iter()
            .map(|&(count, ty)| [leb(count), vec![ty]].concat())
            .collect();
        let body = [&vector(&locals)[..], &func.code, &[op::END]].concat();
        [leb(body.len()), body].concat()
    };
    let indices: Vec<Vec<u8>> = (0..funcs.len()).map(leb).collect();
    let table = [vec![0x70, 0], leb(funcs.len())].concat();
    let elements = [vec![0, op::I32_CONST, 0, op::END], vector(&indices)].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &funcs.iter().map(ty).collect::<Vec<_>>()),
        section(3, &indices),
        section(4, &[table]),
        section(7, &[b"\x03run\0\0".to_vec()]),
        section(9, &[elements]),
        section(10, &funcs.iter().map(body).collect::<Vec<_>>()),
    ]
    .concat()
}

/// What `run` gives for each argument list in a tier.
fn outcomes(tier: Tier, bytes: &[u8], calls: &[Vec<Val>]) -> Vec<Result<Vec<Val>, ErrorKind>> {
    let engine = Engine::new(&Config::only(tier)).unwrap();
    let module = Module::new(&engine, bytes).unwrap_or_else(|e| panic!("{tier}: {e}"));
    let mut store = Store::new(&engine, ());
    let instance =
        Instance::new(&mut store, &module, &[]).unwrap_or_else(|e| panic!("{tier}: {e}"));
    let run = instance.get_func(&store, "run").unwrap();
    let mut call = |args: &Vec<Val>| run.invoke(&mut store, args).map_err(|error| error.kind());
    calls.iter().map(&mut call).collect()
}

/// Runs a module in both tiers, on a small native stack.
fn check(bytes: Vec<u8>, calls: Vec<(Vec<Val>, Vec<Val>)>) {
    const NATIVE_STACK_BYTES: usize = 512 << 10;
    let body = move || {
        let (args, expected): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let expected: Vec<_> = expected.into_iter().map(Ok).collect();
        for tier in TIERS {
            let found = outcomes(tier, &bytes, &args);
            assert!(found == expected, "{tier}: {:.300}", format!("{found:?}"));
        }
    };
    let thread = std::thread::Builder::new().stack_size(NATIVE_STACK_BYTES);
    let ended = thread.spawn(body).unwrap().join();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// All 50,000 locals are written, and read in another order.
#[test]
fn fifty_thousand_locals() {
    const LOCALS: usize = 50_000;
    let write = |i| [constant(op::I64_CONST, i), with(op::LOCAL_SET, i)].concat();
    let read = |i| [with(op::LOCAL_GET, i), vec![op::I64_ADD]].concat();
    let code = [
        (0..LOCALS).flat_map(write).collect(),
        constant(op::I64_CONST, 0),
        (0..LOCALS).rev().flat_map(read).collect(),
    ];
    let mut func = Func::new(&[], &[op::I64], code.concat());
    func.locals = vec![(LOCALS, op::I64)];
    let sum = LOCALS * (LOCALS - 1) / 2;
    check(module(&[func]), vec![(vec![], vec![Val::I64(sum as i64)])]);
}

/// 100,000 slots of locals, which are zero, copied about, and summed up by lanes.
#[test]
fn fifty_thousand_vectors() {
    const LOCALS: usize = 50_000;
    let (i64x2_splat, i64x2_add, extract_1) = ([0xfd, 0x12], [0xfd, 0xce, 0x01], [0xfd, 0x1d, 1]);
    let last = LOCALS - 1;
    let copy = |i| [with(op::LOCAL_GET, last - i), with(op::LOCAL_SET, i)].concat();
    let add = |i| [with(op::LOCAL_GET, i), i64x2_add.to_vec()].concat();
    let code = [
        [
            &constant(op::I64_CONST, 5)[..],
            &i64x2_splat,
            &with(op::LOCAL_SET, last),
        ]
        .concat(),
        (0..100).flat_map(copy).collect(),
        with(op::LOCAL_GET, 0),
        (0..LOCALS).flat_map(add).collect(),
        extract_1.to_vec(),
    ];
    let mut func = Func::new(&[], &[op::I64], code.concat());
    func.locals = vec![(LOCALS, op::V128)];
    // Slot 0's copy, itself, and the last one.
    check(module(&[func]), vec![(vec![], vec![Val::I64(15)])]);
}

/// An operand stack of 70,000 temporaries: results of calls, where nothing is a constant.
#[test]
fn seventy_thousand_temporaries() {
    const HEIGHT: usize = 70_000;
    let code = [
        [with(op::LOCAL_GET, 0), with(op::CALL, 1)]
            .concat()
            .repeat(HEIGHT),
        // Above them a block that is left with a value.
        [op::BLOCK, op::I32].to_vec(),
        [with(op::LOCAL_GET, 0), with(op::CALL, 1)].concat(),
        [with(op::LOCAL_GET, 0), with(op::BR_IF, 0)].concat(),
        with(op::CALL, 1),
        vec![op::END],
        vec![op::I32_ADD; HEIGHT],
    ];
    let add_one = [
        with(op::LOCAL_GET, 0),
        constant(op::I32_CONST, 1),
        vec![op::I32_ADD],
    ];
    let funcs = [
        Func::new(&[op::I32], &[op::I32], code.concat()),
        Func::new(&[op::I32], &[op::I32], add_one.concat()),
    ];
    let result = |x: usize, last: usize| {
        let sum = HEIGHT * (x + 1) + last;
        (vec![Val::I32(x as i32)], vec![Val::I32(sum as i32)])
    };
    check(module(&funcs), vec![result(5, 6), result(0, 2)]);
}

/// A function of 1,000 parameters gives them back in reverse: called, called through the table, and
/// in tail position both ways.
#[test]
fn a_thousand_parameters_and_results() {
    const VALUES: usize = 1_000;
    let types = [op::I64; VALUES];
    let get = |i| with(op::LOCAL_GET, i);
    let reversed = (0..VALUES).rev().flat_map(get).collect();
    let pass: Vec<u8> = (0..VALUES).flat_map(get).collect();
    let index = constant(op::I32_CONST, 1);
    let ty = [leb(1), vec![0]].concat();
    let tail = [pass.clone(), with(op::RETURN_CALL, 1)].concat();
    let tail_indirect = [&pass[..], &index, &[op::RETURN_CALL_INDIRECT], &ty].concat();
    // Four times reversed, then weighed by position.
    let indirect = [&index[..], &[op::CALL_INDIRECT], &ty].concat();
    let keep: Vec<u8> = (0..VALUES)
        .rev()
        .flat_map(|i| with(op::LOCAL_SET, i))
        .collect();
    let weigh = |i| {
        [
            get(i),
            constant(op::I64_CONST, i + 1),
            vec![op::I64_MUL, op::I64_ADD],
        ]
        .concat()
    };
    let run = [
        (0..VALUES)
            .flat_map(|i| constant(op::I64_CONST, i * i))
            .collect(),
        with(op::CALL, 1),
        indirect,
        with(op::CALL, 2),
        with(op::CALL, 3),
        with(op::CALL, 1),
        keep,
        constant(op::I64_CONST, 0),
        (0..VALUES).flat_map(weigh).collect(),
    ];
    let mut first = Func::new(&[], &[op::I64], run.concat());
    first.locals = vec![(VALUES, op::I64)];
    let funcs = [
        first,
        Func::new(&types, &types, reversed),
        Func::new(&types, &types, tail),
        Func::new(&types, &types, tail_indirect),
    ];
    let square = |i: usize| (VALUES - 1 - i) * (VALUES - 1 - i);
    let sum: usize = (0..VALUES).map(|i| square(i) * (i + 1)).sum();
    check(module(&funcs), vec![(vec![], vec![Val::I64(sum as i64)])]);
}

/// As many targets as validation allows, each a block of its own.
#[test]
fn a_branch_table_of_65_520_targets() {
    const TARGETS: usize = 65_520;
    let labels: Vec<Vec<u8>> = (0..TARGETS).map(leb).collect();
    let answer = |i| {
        let value = constant(op::I32_CONST, i);
        [&[op::END][..], &value, &[op::RETURN]].concat()
    };
    let code = [
        [op::BLOCK, op::EMPTY].repeat(TARGETS + 1),
        with(op::LOCAL_GET, 0),
        vec![op::BR_TABLE],
        vector(&labels),
        leb(TARGETS),
        (0..=TARGETS).flat_map(answer).collect(),
        vec![op::UNREACHABLE],
    ];
    let func = Func::new(&[op::I32], &[op::I32], code.concat());
    let calls = [
        0,
        1,
        255,
        256,
        40_000,
        TARGETS - 1,
        TARGETS,
        TARGETS + 1,
        usize::MAX,
    ];
    let call = |i: usize| {
        let target = i.min(TARGETS);
        (vec![Val::I32(i as i32)], vec![Val::I32(target as i32)])
    };
    check(module(&[func]), calls.into_iter().map(call).collect());
}

/// Branches of a table that each carry a value over others.
#[test]
fn a_branch_table_with_values() {
    const DEPTH: usize = 2_000;
    const TARGETS: usize = 65_000;
    let labels: Vec<Vec<u8>> = (0..TARGETS).map(|i| leb(i % DEPTH)).collect();
    let code = [
        // Below each block lies one value more.
        [&constant(op::I32_CONST, 1)[..], &[op::BLOCK, op::I32]]
            .concat()
            .repeat(DEPTH),
        constant(op::I32_CONST, 0),
        with(op::LOCAL_GET, 0),
        vec![op::BR_TABLE],
        vector(&labels),
        leb(DEPTH - 1),
        [op::END, op::I32_ADD].repeat(DEPTH),
    ];
    let func = Func::new(&[op::I32], &[op::I32], code.concat());
    let call = |i: usize| {
        let depth = if i < TARGETS { i % DEPTH } else { DEPTH - 1 };
        (
            vec![Val::I32(i as i32)],
            vec![Val::I32((DEPTH - depth) as i32)],
        )
    };
    check(
        module(&[func]),
        [0, 1, 1_999, 2_000, 64_999, 65_000].map(call).to_vec(),
    );
}

/// A million blocks, loops, or conditions in each other, left all at once or one by one.
#[test]
fn a_million_nested_blocks() {
    const DEPTH: usize = 1_000_000;
    let value = constant(op::I32_CONST, 7);
    let blocks = |head: &[u8], inside: &[u8], tail: &[u8]| {
        [&head.repeat(DEPTH), inside, &tail.repeat(DEPTH), &value[..]].concat()
    };
    let leave = with(op::BR, DEPTH - 1);
    let condition = [&with(op::LOCAL_GET, 0)[..], &[op::IF, op::EMPTY]].concat();
    let codes = [
        blocks(&[op::BLOCK, op::EMPTY], &[], &[op::END]),
        blocks(&[op::BLOCK, op::EMPTY], &leave, &[op::END]),
        blocks(&[op::LOOP, op::EMPTY], &[], &[op::END]),
        blocks(&condition, &[], &[op::END]),
        blocks(&condition, &[], &[op::ELSE, op::END]),
    ];
    for code in codes {
        let func = Func::new(&[op::I32], &[op::I32], code);
        let calls = [0, 1].map(|x| (vec![Val::I32(x)], vec![Val::I32(7)]));
        check(module(&[func]), calls.to_vec());
    }
}

/// A body of 7 MB: of instructions that all execute, and between two ends of a branch.
#[test]
fn a_function_of_seven_megabytes() {
    const BYTES: usize = 7_000_000;
    let add = [with(op::LOCAL_GET, 0), vec![op::I32_ADD]].concat();
    let times = BYTES / add.len();
    let sums = [constant(op::I32_CONST, 1), add.repeat(times)].concat();
    let far = [
        &[op::BLOCK, op::I32, op::LOOP, op::EMPTY][..],
        &constant(op::I32_CONST, 9),
        &with(op::LOCAL_GET, 0),
        &with(op::BR_IF, 1),
        &add.repeat(times),
        &with(op::LOCAL_SET, 1),
        &constant(op::I32_CONST, 1),
        &with(op::LOCAL_SET, 0),
        &with(op::BR, 0),
        &[op::END, op::UNREACHABLE, op::END],
    ];
    let sum = |x: i32| (vec![Val::I32(x)], vec![Val::I32(1 + x * times as i32)]);
    let func = Func::new(&[op::I32], &[op::I32], sums);
    check(module(&[func]), vec![sum(0), sum(3)]);
    let mut func = Func::new(&[op::I32], &[op::I32], far.concat());
    func.locals = vec![(1, op::I32)];
    let nine = |x| (vec![Val::I32(x)], vec![Val::I32(9)]);
    check(module(&[func]), vec![nine(0), nine(1)]);
}

/// Frames that large use the value stack up early: a trap, in both tiers.
#[test]
fn recursion_with_large_frames_is_exhaustion() {
    let code = [with(op::LOCAL_GET, 0), with(op::CALL, 0)].concat();
    let mut func = Func::new(&[op::I32], &[op::I32], code);
    func.locals = vec![(49_999, op::V128)];
    let bytes = module(&[func]);
    for tier in TIERS {
        let found = outcomes(tier, &bytes, &[vec![Val::I32(1)]]);
        let exhausted = ErrorKind::Trap(TrapKind::StackExhausted);
        assert_eq!(found, [Err(exhausted)], "{tier}");
    }
}

/// Of more than 65,536 instances, a host function finds the one that has called it.
#[test]
fn more_instances_than_sixteen_bits_count() {
    const INSTANCES: i32 = 65_540;
    // (module (import "" "own" (func (result i32))) (global (export "g") (mut i32) (i32.const 0))
    //   (func (export "run") (param i32) (result i32) (global.set 0 (local.get 0)) (call 0)))
    let bytes = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(
            1,
            &[
                vec![0x60, 0, 1, op::I32],
                vec![0x60, 1, op::I32, 1, op::I32],
            ],
        ),
        section(2, &[b"\0\x03own\0\0".to_vec()]),
        section(3, &[vec![1]]),
        section(6, &[vec![op::I32, 1, op::I32_CONST, 0, op::END]]),
        section(7, &[b"\x01g\x03\0".to_vec(), b"\x03run\0\x01".to_vec()]),
        section(
            10,
            &[vec![8, 0, op::LOCAL_GET, 0, 0x24, 0, op::CALL, 0, op::END]],
        ),
    ]
    .concat();
    for tier in TIERS {
        let engine = Engine::new(&Config::only(tier)).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let own = wassay_runtime::Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
            let global = caller.get_export("g").and_then(Extern::into_global);
            global.expect("an export").get(&caller).unwrap_i32()
        });
        let runs: Vec<_> = (0..INSTANCES)
            .map(|_| {
                let instance = Instance::new(&mut store, &module, &[own.into()]).unwrap();
                let run = instance.get_typed_func::<i32, i32>(&store, "run");
                run.unwrap()
            })
            .collect();
        for (n, run) in (1..).zip(&runs) {
            assert_eq!(run.call(&mut store, n), Ok(n), "{tier}");
        }
    }
}

/// One more than the limit is refused when the module is decoded, which says the limit.
#[test]
fn beyond_the_limits() {
    let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
    let refused = |func: Func| {
        let bytes = module(&[func]);
        Module::new(&engine, &bytes)
            .expect_err("too large")
            .message()
            .to_owned()
    };
    let mut locals = Func::new(&[], &[], vec![]);
    locals.locals = vec![(50_001, op::I32)];
    assert!(refused(locals).contains("too many locals"));
    let params = Func::new(&[op::I32; 1_001], &[], vec![]);
    assert!(refused(params).contains("function params size is out of bounds"));
    let large = Func::new(&[], &[], vec![0x01; 8_000_000]);
    let message = refused(large);
    assert!(message.contains("size"), "{message}");
}

/// The IR of such functions verifies, where the verifier's time allows it.
#[test]
fn ir_of_large_functions_verifies() {
    let copies = |i| {
        [
            with(op::LOCAL_GET, i),
            with(op::LOCAL_SET, 69_999 % (i + 1)),
        ]
        .concat()
    };
    let mut func = Func::new(&[], &[], (0..300).flat_map(copies).collect());
    func.locals = vec![(40_000, op::V128)];
    let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
    let module = Module::new(&engine, module(&[func])).unwrap();
    assert_eq!(
        ir::verify(&ir::build(interior::parts(&module), 0).unwrap()),
        Ok(())
    );
}
