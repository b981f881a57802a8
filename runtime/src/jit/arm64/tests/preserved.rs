//! What a trap leaves behind: the registers that the host's caller wants preserved, the places on
//! all stacks, and nothing else, however deep or nested the code was.
//!
//! The check of registers is in assembly: values in x19 to x28 and d8 to d15, a call, the same
//! values. AAPCS64 sections 6.1.1 and 6.1.2.

#![cfg(target_arch = "aarch64")]

use std::ffi::c_void;

use crate::error::Error;
use crate::jit::tests::{self, BOUNDS, Run, i32s, instantiate};
use crate::trap::TrapKind;
use crate::types::{FuncType, ValType};
use crate::value::Val;
use crate::{Extern, Func, Store};

// Gives how many registers have changed, FPCR among them.
std::arch::global_asm!(
    ".global wassay_test_preserved",
    "wassay_test_preserved:",
    "stp x29, x30, [sp, #-192]!",
    "mov x29, sp",
    "stp x19, x20, [sp, #16]",
    "stp x21, x22, [sp, #32]",
    "stp x23, x24, [sp, #48]",
    "stp x25, x26, [sp, #64]",
    "stp x27, x28, [sp, #80]",
    "stp d8, d9, [sp, #96]",
    "stp d10, d11, [sp, #112]",
    "stp d12, d13, [sp, #128]",
    "stp d14, d15, [sp, #144]",
    "mrs x9, fpcr",
    "str x9, [sp, #160]",
    "mov x9, x0",
    "mov x0, x1",
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28",
    "mov x\\n, #(0x1000 + \\n)",
    ".endr",
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
    "mov x1, #(0x2000 + \\n)",
    "fmov d\\n, x1",
    ".endr",
    "blr x9",
    "mov x0, #0",
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28",
    "mov x1, #(0x1000 + \\n)",
    "cmp x\\n, x1",
    "cinc x0, x0, ne",
    ".endr",
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
    "mov x1, #(0x2000 + \\n)",
    "fmov x2, d\\n",
    "cmp x2, x1",
    "cinc x0, x0, ne",
    ".endr",
    "mrs x1, fpcr",
    "ldr x2, [sp, #160]",
    "cmp x1, x2",
    "cinc x0, x0, ne",
    "mov x2, sp",
    "cmp x29, x2",
    "cinc x0, x0, ne",
    "ldp x19, x20, [sp, #16]",
    "ldp x21, x22, [sp, #32]",
    "ldp x23, x24, [sp, #48]",
    "ldp x25, x26, [sp, #64]",
    "ldp x27, x28, [sp, #80]",
    "ldp d8, d9, [sp, #96]",
    "ldp d10, d11, [sp, #112]",
    "ldp d12, d13, [sp, #128]",
    "ldp d14, d15, [sp, #144]",
    "ldp x29, x30, [sp], #192",
    "ret",
);

unsafe extern "C" {
    fn wassay_test_preserved(f: extern "C" fn(*mut c_void), data: *mut c_void) -> u64;
}

/// How many of the registers that a callee preserves `f` has changed.
fn changed(mut f: &mut dyn FnMut()) -> u64 {
    extern "C" fn call(data: *mut c_void) {
        // SAFETY: `data` is the closure below, which outlives the call.
        let f = unsafe { &mut *data.cast::<&mut dyn FnMut()>() };
        f();
    }
    // SAFETY: the assembly preserves what it uses, and calls `call` with what that takes.
    unsafe { wassay_test_preserved(call, (&raw mut f).cast()) }
}

/// Functions that keep much in registers and call each other to a depth, then trap.
const DEEP: &str = r#"(module
    (import "" "back" (func $back (param i32)))
    (memory 1)
    (func $trap (export "trap") (param i32)
      (if (i32.eq (local.get 0) (i32.const 1)) (then (unreachable)))
      (if (i32.eq (local.get 0) (i32.const 2))
        (then (i32.store (i32.const -4) (i32.const 0))))
      (if (i32.eq (local.get 0) (i32.const 3)) (then (call $trap (i32.const 3))))
      (if (i32.eq (local.get 0) (i32.const 4))
        (then (memory.fill (i32.const -1) (i32.const 1) (i32.const 9))))
      (call $back (local.get 0)))
    (func $deep (export "deep") (param i32 i32)
      (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64)
      (local.set 2 (i64.extend_i32_u (local.get 1)))
      (local.set 3 (i64.add (local.get 2) (i64.const 1)))
      (local.set 4 (i64.add (local.get 3) (i64.const 2)))
      (local.set 5 (i64.mul (local.get 4) (i64.const 3)))
      (local.set 6 (i64.xor (local.get 5) (i64.const 4)))
      (local.set 7 (i64.add (local.get 6) (local.get 2)))
      (local.set 8 (i64.mul (local.get 7) (local.get 3)))
      (local.set 9 (i64.xor (local.get 8) (local.get 4)))
      (local.set 10 (i64.add (local.get 9) (local.get 5)))
      (local.set 13 (f64.convert_i64_s (local.get 10)))
      (local.set 14 (f64.mul (local.get 13) (f64.const 2)))
      (if (local.get 1)
        (then (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1))))
        (else (call $trap (local.get 0))))
      (i64.store (i32.const 0)
        (i64.add (i64.add (i64.add (local.get 2) (local.get 3))
          (i64.add (local.get 4) (local.get 5)))
          (i64.add (i64.add (local.get 6) (local.get 7))
            (i64.add (local.get 8) (local.get 9)))))
      (f64.store (i32.const 8)
        (f64.add (local.get 14) (f64.add (local.get 13) (f64.convert_i64_s (local.get 10)))))))"#;

/// What `trap` is told, and how that ends; above, the host calls back with that less ten, and
/// with zero fails by itself.
const ENDS: &[(i32, Option<TrapKind>)] = &[
    (1, Some(TrapKind::Unreachable)),
    (2, Some(TrapKind::MemoryOutOfBounds)),
    (3, Some(TrapKind::StackExhausted)),
    (4, Some(TrapKind::MemoryOutOfBounds)),
    (0, None),
    (11, Some(TrapKind::Unreachable)),
    (12, Some(TrapKind::MemoryOutOfBounds)),
    (13, Some(TrapKind::StackExhausted)),
    (10, None),
    (21, Some(TrapKind::Unreachable)),
    (33, Some(TrapKind::StackExhausted)),
];

/// An instance of [`DEEP`] whose host calls it back.
fn deep(bounds: crate::engine::Bounds) -> Run {
    let mut store = Store::new(&tests::engine(bounds), ());
    let own = std::sync::Arc::new(std::sync::OnceLock::<Func>::new());
    let deep = own.clone();
    let ty = FuncType {
        params: [ValType::I32].into(),
        results: [].into(),
    };
    let back = Func::new(&mut store, ty, move |mut caller, args, _| match args[0] {
        Val::I32(0) => Err(Error::usage("as it was told to")),
        Val::I32(n) => {
            let func = *deep.get().expect("set before the first call");
            func.call(&mut caller, &i32s([n - 10, 3]), &mut [])
        }
        ref other => panic!("{other:?}"),
    });
    let back = back.expect("an adapter");
    let instance = instantiate(&mut store, DEEP, &[Extern::Func(back)]);
    let func = instance.get_func(&store, "deep").expect("exported");
    own.set(func).expect("set once");
    Run { store, instance }
}

/// Where everything of a store's stacks is, that a call must leave as it was.
fn places(store: &Store) -> [usize; 5] {
    let cx = &store.state().cx;
    [
        cx.top as usize,
        cx.jit_entry_sp,
        cx.frame_top as usize,
        store.state().entries as usize,
        store.state().backtrace.is_some().into(),
    ]
}

#[test]
fn registers_and_stacks_are_as_before_after_traps_of_any_depth() {
    for bounds in BOUNDS {
        let mut run = deep(bounds);
        let func = run.instance.get_func(&run.store, "deep").expect("exported");
        let before = places(&run.store);
        for depth in [0, 1, 7, 200] {
            for &(how, kind) in ENDS {
                let mut error = None;
                let count = changed(&mut || {
                    error = func.invoke(&mut run.store, &i32s([how, depth])).err();
                });
                let error = error.expect("it ends so");
                let what = format!("{how} at {depth}, {bounds:?}: {error}");
                assert_eq!(error.trap_kind(), kind, "{what}");
                assert_eq!(count, 0, "registers changed by {what}");
                assert_eq!(places(&run.store), before, "{what}");
            }
        }
    }
}

#[test]
fn the_check_of_registers_can_fail() {
    let count = changed(&mut || {
        // SAFETY: none but that the assembly above restores them: it is what the test is about.
        unsafe { std::arch::asm!("mov x27, #1", "fmov d9, x27") };
    });
    assert_eq!(count, 2);
}

/// How many traps, one after the other.
const TRAPS: u32 = 1_000_000;

#[test]
fn a_million_traps_leave_nothing() {
    let mut run = deep(crate::engine::Bounds::Guard);
    let before = places(&run.store);
    for n in 0..TRAPS {
        let (how, kind) = match n % 1000 {
            0 => (12, TrapKind::MemoryOutOfBounds),
            1 => (2, TrapKind::MemoryOutOfBounds),
            2 => (11, TrapKind::Unreachable),
            _ => (1, TrapKind::Unreachable),
        };
        assert_eq!(run.call("trap", &i32s([how])), Err(kind));
    }
    assert_eq!(places(&run.store), before);
}
