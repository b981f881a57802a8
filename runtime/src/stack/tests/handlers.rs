//! Every handler jumps to the next one: a million runs of each on a native stack of 64 KiB, which
//! a handler that calls instead would use up in a fraction of them. Builds with debug assertions
//! have a loop in the place of jumps, so there it is run less often, and tests the loops only.

use super::{encode, engine, gc};
use crate::Instance;
use crate::Module;
use crate::engine::{Config, Engine};
use crate::limits::Limits;
use crate::ops::{Imms, Op, Proposal, SigType, Signature};
use crate::stack::is_supported;
use crate::types::FuncType;
use crate::value::Val;
use crate::{Exception, Extern, Func, Store, Tag};

const RUNS: i32 = if cfg!(debug_assertions) {
    1_000
} else {
    1_000_000
};
/// Debug builds reserve 64 KiB for the engine, and do not make jumps of calls.
const NATIVE_STACK_BYTES: usize = if cfg!(debug_assertions) { 128 } else { 64 } << 10;

/// Runs a body that leaves nothing on the stack, `RUNS` times in a loop.
fn run(name: &str, body: &str) {
    run_in(&engine(Limits::default()), name, body);
}

fn run_in(engine: &Engine, name: &str, body: &str) {
    let wat = module_text(body);
    let mut store = Store::new(engine, ());
    if engine.config().fuel {
        store.set_fuel(u64::MAX).expect("it meters");
    }
    let module = Module::new(engine, encode(&wat)).unwrap_or_else(|e| panic!("{name}: {e}\n{wat}"));
    let callee = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))"#;
    let callee = Module::new(engine, encode(callee)).expect("the callee is valid");
    let callee = Instance::new(&mut store, &callee, &[]).expect("the callee instantiates");
    let callee = callee.get_func(&store, "f").expect("it is exported");
    let ty = FuncType {
        params: [].into(),
        results: [].into(),
    };
    let host = Func::new(&mut store, ty, |_, _, _| Ok(())).expect("a host function");
    let payload = FuncType {
        params: [crate::types::ValType::I32].into(),
        results: [].into(),
    };
    let tag = Tag::new(&mut store, payload.clone()).expect("a tag");
    let throw = Func::new(&mut store, payload, move |caller, args, _| {
        Err(Exception::new(caller, tag, args)?.to_error())
    });
    let throw = throw.expect("a host function");
    let imports = [
        Extern::Func(callee),
        Extern::Func(host),
        Extern::Func(throw),
        Extern::Tag(tag),
    ];
    let instance = Instance::new(&mut store, &module, &imports)
        .unwrap_or_else(|e| panic!("{name}: {e}\n{wat}"));
    let func = instance.get_func(&store, "run").expect("it is exported");
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(NATIVE_STACK_BYTES)
        .spawn(move || func.invoke(&mut store, &[Val::I32(RUNS)]));
    let result = thread
        .expect("a thread starts")
        .join()
        .expect("it does not panic");
    assert_eq!(result.map_err(|e| e.to_string()), Ok(vec![]), "{name}");
}

fn module_text(body: &str) -> String {
    let definitions = gc::DEFINITIONS;
    format!(
        r#"(module
        (type $i (func (param i32) (result i32))) (type $v (func))
        (import "" "f" (func $other (type $i))) (import "" "h" (func $host))
        (import "" "x" (func $throws (param i32))) (import "" "t" (tag $thrown (param i32)))
        (tag $t (param i32)) (memory 1 1 shared) (memory $far i64 1 1) (data $d "1234")
        (table $t 4 4 funcref) (elem (table $t) (i32.const 0) func $same $none $other $host)
        (elem $e func $same $none)
        (global $g (mut i32) (i32.const 0)) (global $w (mut v128) (v128.const i64x2 0 0))
        (func $same (type $i) (local.get 0)) (func $none)
        (func $five (result i32 i64 f32 f64 i32) (local i32 i64)
            (i32.const 1) (i64.const 1) (f32.const 1) (f64.const 1) (local.get 0))
        (func $one (local i32)) (func $three (local i32 i32 i32))
        (func $four (local i32 i32 i32 i32))
        (func $many (local i32 i32 i32 i32 i32 i32 i32))
        (func $tail (type $i) (return_call $same (local.get 0)))
        (func $tail_other (type $i) (return_call $other (local.get 0)))
        (func $tail_host (return_call $host))
        (func $tail_throws (try_table (catch_all 0) (return_call $throws (i32.const 1))))
        (func $tail_table (type $i) (return_call_indirect (type $i) (local.get 0) (i32.const 0)))
        (func $tail_ref (type $i) (return_call_ref $i (local.get 0) (ref.func $same)))
        {definitions}
        (func (export "run") (param $n i32) (local $x i32) (local $wide v128)
            (loop $again {body}
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n)))))"#
    )
}

/// The text of an opcode with operands and immediates that do not trap, by its row.
fn text_of(op: Op) -> String {
    let Signature::Fixed { params, results } = op.row().signature else {
        return special(op).to_owned();
    };
    if params.iter().chain(results).any(|&ty| ty == SigType::Ref) {
        return special(op).to_owned();
    }
    let constant = |ty: &SigType| match ty {
        SigType::I32 | SigType::Addr => "(i32.const 1)",
        SigType::I64 => "(i64.const 1)",
        SigType::F32 => "(f32.const 1)",
        SigType::F64 => "(f64.const 1)",
        SigType::V128 => "(v128.const i64x2 1 1)",
        SigType::Ref => unreachable!("operands are references of some type"),
    };
    let mut operands: String = params.iter().map(constant).collect();
    if op.proposal() == Proposal::Threads && params.first() == Some(&SigType::Addr) {
        operands = operands.replacen("const 1", "const 0", 1); // which is aligned
    }
    let immediates = match op.row().imms {
        Imms::MemoryInit | Imms::Data => "$d",
        Imms::TableInit | Imms::Elem => "$e",
        Imms::V128 => "i64x2 1 2",
        Imms::I32 | Imms::I64 | Imms::F32 | Imms::F64 => "1",
        Imms::Lane | Imms::MemArgLane => "1",
        Imms::Lanes => "0 1 2 3 4 5 6 7 8 16 17 18 19 20 21 31",
        _none_or_optional => "",
    };
    format!(
        "{operands} {} {immediates} {}",
        op.mnemonic(),
        "drop ".repeat(results.len())
    )
}

/// The text of an opcode whose operands depend on its context.
fn special(op: Op) -> &'static str {
    match op {
        Op::Unreachable => "(if (i32.const 0) (then (unreachable)))",
        Op::Block | Op::End | Op::Br => "(block (br 0))",
        Op::Loop => "(loop)",
        Op::If | Op::Else => "(if (i32.const 1) (then) (else (nop)))",
        Op::BrIf => "(block (br_if 0 (i32.const 0)) (br_if 0 (i32.const 1)))",
        Op::BrTable => "(block (block (br_table 0 1 (i32.const 7))))",
        Op::Return | Op::ReturnCall => "(drop (call $tail (i32.const 1)))",
        Op::Call => "(drop (call $same (i32.const 1))) (call $none)",
        Op::CallIndirect => "(drop (call_indirect (type $i) (i32.const 1) (i32.const 0)))",
        Op::CallRef => "(drop (call_ref $i (i32.const 1) (ref.func $same)))",
        Op::ReturnCallIndirect => "(drop (call $tail_table (i32.const 1)))",
        Op::ReturnCallRef => "(drop (call $tail_ref (i32.const 1)))",
        Op::Drop => "(drop (i32.const 1))",
        Op::Select => "(drop (select (i32.const 1) (i32.const 2) (local.get $n)))",
        Op::TypedSelect => {
            "(drop (select (result funcref) (ref.func $same) (ref.null func) (local.get $n)))"
        }
        Op::LocalGet | Op::LocalSet => "(local.set $x (local.get $n))",
        Op::LocalTee => "(drop (local.tee $x (local.get $n)))",
        Op::GlobalGet | Op::GlobalSet => "(global.set $g (global.get $g))",
        Op::TableGet | Op::TableSet => "(table.set $t (i32.const 3) (table.get $t (i32.const 3)))",
        Op::TableGrow => "(drop (table.grow $t (ref.null func) (i32.const 1)))",
        Op::TableFill => "(table.fill $t (i32.const 3) (ref.null func) (i32.const 1))",
        Op::TableCopy => "(table.copy $t $t (i32.const 3) (i32.const 0) (i32.const 1))",
        Op::MemoryCopy => "(memory.copy (i32.const 3) (i32.const 0) (i32.const 1))",
        Op::RefNull | Op::RefIsNull => "(drop (ref.is_null (ref.null func)))",
        Op::RefEq => "(drop (ref.eq (ref.null eq) (ref.null eq)))",
        Op::RefFunc | Op::RefAsNonNull => "(drop (ref.as_non_null (ref.func $same)))",
        Op::BrOnNull => "(block (drop (br_on_null 0 (ref.null func))))",
        Op::BrOnNonNull => {
            "(drop (block (result (ref func)) (br_on_non_null 0 (ref.func $same)) unreachable))"
        }
        Op::TryTable | Op::Throw => {
            "(block $c (result i32) (try_table (catch $t $c) (throw $t (i32.const 1))) unreachable)
            drop"
        }
        Op::ThrowRef => {
            "(block $c (result exnref) (try_table (catch_all_ref $c)
                (throw_ref (block $d (result exnref)
                    (try_table (catch_all_ref $d) (throw $t (i32.const 1))) unreachable)))
                unreachable) drop"
        }
        Op::Try | Op::Catch | Op::CatchAll | Op::Rethrow | Op::Delegate => {
            "try try try (throw $t (i32.const 1)) delegate 0 catch $t drop rethrow 0 end
            catch_all end"
        }
        other => gc::text(other).unwrap_or_else(|| panic!("{} needs a text", other.mnemonic())),
    }
}

#[test]
fn every_opcode_on_a_small_native_stack() {
    for &op in Op::ALL.iter().filter(|&&op| is_supported(op)) {
        run(&format!("{op:?}"), &text_of(op));
    }
}

#[test]
fn metering_on_a_small_native_stack() {
    let config = Config {
        fuel: true,
        interruptible: true,
        ..*engine(Limits::default()).config()
    };
    let engine = Engine::with_backend(config, Box::new(crate::stack::StackTier));
    run_in(&engine, "fuel, poll", "(call $none) (loop)");
}

/// Handlers that an opcode gets in other circumstances.
const VARIANTS: &[(&str, &str)] = &[
    ("call_imported", "(drop (call $other (i32.const 1)))"),
    ("call_outside", "(call $host)"),
    (
        "go_on from the host",
        "(block $c (result i32)
            (try_table (catch $thrown $c) (call $throws (i32.const 1))) unreachable) drop",
    ),
    (
        "leave",
        "(block $c (result i32)
            (try_table (catch $thrown $c) (call $tail_throws)) unreachable) drop",
    ),
    (
        "enter_instance",
        "(drop (call_indirect (type $i) (i32.const 1) (i32.const 2)))",
    ),
    (
        "call_indirect of the host",
        "(call_indirect (type $v) (i32.const 3))",
    ),
    (
        "return_call_imported",
        "(drop (call $tail_other (i32.const 1)))",
    ),
    ("return_call_outside", "(call $tail_host)"),
    (
        "return_n, zero_locals_2",
        "(call $five) drop drop drop drop drop",
    ),
    ("zero_locals_1", "(call $one)"),
    ("zero_locals_3", "(call $three)"),
    ("zero_locals_4", "(call $four)"),
    ("zero_locals", "(call $many)"),
    ("br_keep_0", "(block (i32.const 1) (br 0))"),
    (
        "br_keep_1",
        "(drop (block (result i32) (i32.const 1) (i32.const 2) (br 0)))",
    ),
    (
        "br_keep_n",
        "(block (result i32 i32) (i32.const 1) (i32.const 2) (i32.const 3) (br 0)) drop drop",
    ),
    (
        "br_unless",
        "(block (i32.const 1) (br_if 0 (i32.const 1)) drop)",
    ),
    (
        "br_table with stubs",
        "(block (i32.const 1) (br_table 0 0 (i32.const 0)))",
    ),
    (
        "br_on_null, dropping",
        "(block (i32.const 1) (br_on_null 0 (ref.null func)) drop drop)",
    ),
    (
        "br_on_non_null, dropping",
        "(drop (block (result (ref func)) (i32.const 1)
            (br_on_non_null 0 (ref.func $same)) unreachable))",
    ),
    (
        "local_set_wide, select_wide",
        "(local.set $wide (select (local.get $wide) (v128.const i64x2 1 1) (local.get $n)))",
    ),
    (
        "local_tee_wide, drop_wide",
        "(drop (local.tee $wide (local.get $wide)))",
    ),
    ("global_set_wide", "(global.set $w (global.get $w))"),
];

#[test]
fn every_variant_on_a_small_native_stack() {
    for (name, body) in VARIANTS.iter().chain(gc::VARIANTS) {
        run(name, body);
    }
}

#[test]
fn every_far_access_on_a_small_native_stack() {
    for &op in Op::ALL.iter().filter(|&&op| is_supported(op)) {
        let lane = match op.row().imms {
            Imms::MemArg => "",
            Imms::MemArgLane => "1",
            _no_access => continue,
        };
        let Signature::Fixed { params, results } = op.row().signature else {
            panic!("{op:?} has a signature");
        };
        let value = match params {
            [_, SigType::V128] => "(v128.const i64x2 1 1)".to_owned(),
            [_, ty] => format!("({}.const 1)", format!("{ty:?}").to_lowercase()),
            _load => String::new(),
        };
        let (name, drops) = (op.mnemonic(), "drop ".repeat(results.len()));
        let text = format!("(i64.const 1) {value} {name} $far {lane} {drops}");
        run(&format!("far {op:?}"), &text);
    }
}
