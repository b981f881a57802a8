//! Exceptions: what unwinding must leave as it was, seen from machine code outside. What is caught
//! where, `tests/exceptions.rs` tests in every tier.

use super::{Run, i32s};
use crate::engine::{Config, Tier};
use crate::trap::TrapKind;
use crate::value::{Objects, Val};
use crate::vm::{Cx, Entry, Exit, FuncInst};

/// Registers that C wants preserved: x19 to x28, d8 to d15.
const PRESERVED: usize = 18;

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".global wassay_test_enter",
    "wassay_test_enter:",
    "stp x29, x30, [sp, #-176]!",
    "stp x19, x20, [sp, #16]",
    "stp x21, x22, [sp, #32]",
    "stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]",
    "stp x27, x28, [sp, #80]",
    "stp d8, d9, [sp, #96]",
    "stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]",
    "stp d14, d15, [sp, #144]",
    "str x4, [sp, #160]",
    "ldp x19, x20, [x4]",
    "ldp x21, x22, [x4, #16]",
    "ldp x23, x24, [x4, #32]",
    "ldp x25, x26, [x4, #48]",
    "ldp x27, x28, [x4, #64]",
    "ldp d8, d9, [x4, #80]",
    "ldp d10, d11, [x4, #96]",
    "ldp d12, d13, [x4, #112]",
    "ldp d14, d15, [x4, #128]",
    "blr x3",
    "ldr x4, [sp, #160]",
    "stp x19, x20, [x4]",
    "stp x21, x22, [x4, #16]",
    "stp x23, x24, [x4, #32]",
    "stp x25, x26, [x4, #48]",
    "stp x27, x28, [x4, #64]",
    "stp d8, d9, [x4, #80]",
    "stp d10, d11, [x4, #96]",
    "stp d12, d13, [x4, #112]",
    "stp d14, d15, [x4, #128]",
    "ldp x19, x20, [sp, #16]",
    "ldp x21, x22, [sp, #32]",
    "ldp x23, x24, [sp, #48]",
    "ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]",
    "ldp d8, d9, [sp, #96]",
    "ldp d10, d11, [sp, #112]",
    "ldp d12, d13, [sp, #128]",
    "ldp d14, d15, [sp, #144]",
    "ldp x29, x30, [sp], #176",
    "ret",
);

#[cfg(target_arch = "aarch64")]
unsafe extern "C" {
    /// Calls an entry with given values in the registers that it must preserve, and gives them as
    /// they are afterwards.
    fn wassay_test_enter(
        func: *mut FuncInst,
        cx: *mut Cx,
        args: *mut u64,
        entry: Entry,
        registers: *mut [u64; PRESERVED],
    ) -> Exit;
}

#[cfg(not(target_arch = "aarch64"))]
unsafe fn wassay_test_enter(
    func: *mut FuncInst,
    cx: *mut Cx,
    args: *mut u64,
    entry: Entry,
    _: *mut [u64; PRESERVED],
) -> Exit {
    // SAFETY: the caller's contract.
    unsafe { entry(func, cx, args) }
}

/// Calls an export `[i32] -> [i32]` past the store: its exit code, its result, and whether all that
/// it must preserve is what it was.
fn enter(run: &mut Run, export: &str, argument: i32) -> (Exit, i32, bool) {
    let func = run
        .instance
        .get_func(&run.store, export)
        .expect("an export");
    let func = run.store.state().func_word(func) as *mut FuncInst;
    let cx = &raw mut run.store.state_mut().cx;
    let before: [u64; PRESERVED] = std::array::from_fn(|n| 0x0101_0101_0101_0101 * (n as u64 + 1));
    let mut registers = before;
    // SAFETY: a function of a live store, which nothing else uses; there is room at the top of its
    // value stack.
    let (exit, result) = unsafe {
        let args = (*cx).top;
        *args = argument as u32 as u64;
        let exit = wassay_test_enter(func, cx, args, (*func).entry, &raw mut registers);
        (exit, *args as i32)
    };
    (exit, result, registers == before)
}

/// A function that keeps ten values across a call, which changes every register that it has to
/// restore for its caller.
const WAT: &str = r#"(module
    (tag $t (param i32))
    (func $leaf (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 40))))
      (if (i32.eq (local.get 0) (i32.const 1)) (then unreachable))
      (local.get 0))
    (func $busy (param i32) (result i32)
      (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
      (local.set 1 (i32.add (local.get 0) (i32.const 1)))
      (local.set 2 (i32.mul (local.get 1) (i32.const 3)))
      (local.set 3 (i32.mul (local.get 2) (i32.const 5)))
      (local.set 4 (i32.mul (local.get 3) (i32.const 7)))
      (local.set 5 (i32.mul (local.get 4) (i32.const 9)))
      (local.set 6 (i32.mul (local.get 5) (i32.const 11)))
      (local.set 7 (i32.mul (local.get 6) (i32.const 13)))
      (local.set 8 (i32.mul (local.get 7) (i32.const 15)))
      (local.set 9 (i32.mul (local.get 8) (i32.const 17)))
      (local.set 10 (i32.mul (local.get 9) (i32.const 19)))
      (drop (call $leaf (local.get 0)))
      (i32.xor (local.get 10) (i32.xor (local.get 9) (i32.xor (local.get 8) (i32.xor
        (local.get 7) (i32.xor (local.get 6) (i32.xor (local.get 5) (i32.xor (local.get 4)
        (i32.xor (local.get 3) (i32.xor (local.get 2) (local.get 1)))))))))))
    (func (export "out") (param i32) (result i32) (call $busy (local.get 0)))
    (func (export "caught") (param i32) (result i32)
      (block $h (result i32)
        (try_table (catch $t $h) (return (call $busy (local.get 0)))) unreachable)
      (i32.add (i32.const 2)))
    (func (export "far") (param i32) (result i32)
      (block $h (result i32)
        (try_table (catch $t $h) (return (call 1 (local.get 0)))) unreachable)))"#;

#[test]
fn what_c_wants_preserved_is() {
    let Some(mut run) = Run::with(WAT, Config::only(Tier::Jit)) else {
        return;
    };
    let uncaught = TrapKind::UncaughtException as Exit;
    let unreachable = TrapKind::Unreachable as Exit;
    let (_, returned, _) = enter(&mut run, "out", 2);
    for (export, argument, expected) in [
        ("out", 2, (0, returned)),
        ("out", 0, (uncaught, 0)),
        ("caught", 0, (0, 42)),
        ("far", 0, (0, 40)),
        ("caught", 2, (0, returned)),
        ("caught", 1, (unreachable, 1)),
        ("out", 1, (unreachable, 1)),
    ] {
        let top = run.store.state().cx.top;
        let (exit, result, is_preserved) = enter(&mut run, export, argument);
        assert_eq!((exit, result), expected, "{export} {argument}");
        assert!(is_preserved, "{export} {argument}");
        let cx = &run.store.state().cx;
        assert_eq!((cx.top, cx.jit_entry_sp), (top, 0), "{export} {argument}");
        // Nothing of it is left behind.
        assert_eq!(run.call("far", &i32s([0])), Ok(vec![Val::I32(40)]));
    }
}

/// A module's code, compiled on any host.
fn image(wat: &str) -> crate::jit::pipeline::Image {
    let config = Config {
        features: wasmparser::WasmFeatures::all(),
        ..Config::only(Tier::Jit)
    };
    let backend = Box::new(crate::jit::JitTier::compiling(&config));
    let engine = crate::engine::Engine::with_backend(config, backend);
    let module =
        crate::module::ModuleParts::new(&engine, &super::encode(wat)).expect("it is valid");
    crate::jit::pipeline::compile::<crate::jit::host::HostTarget>(&module, &config)
        .expect("it compiles")
}

/// A call that no exception can be caught from has no pad.
#[test]
fn only_calls_in_handlers_have_pads() {
    let pads = |wat| image(wat).tables.pads.len();
    assert_eq!(pads(WAT), 2);
    let nothing_is_caught = "(module (func $f (call $f) (try_table (call $f))))";
    assert_eq!(pads(nothing_is_caught), 0);
}

/// Each level catches what it throws itself, what it calls throws, and goes on to the next.
#[test]
fn nested_handlers_take_linear_code() {
    let bytes = |levels: usize| {
        let mut body = String::from("(call $f)");
        for n in 0..levels {
            let tag = ["$a", "$b", "$c"][n % 3];
            body = format!(
                "(block $h (try_table (catch {tag} $h) (call $f) {body}
                    (if (i32.eqz (local.get 0)) (then (throw $c)))) (return))"
            );
        }
        let image = image(&format!(
            r#"(module (import "" "a" (tag $a)) (import "" "b" (tag $b)) (tag $c)
                (func $f (throw $c)) (func (param i32) {body}))"#
        ));
        image.bytes.len()
    };
    let (few, many) = (bytes(50), bytes(200));
    assert!(many < few * 5, "{few} bytes for 50 levels, {many} for 200");
}
