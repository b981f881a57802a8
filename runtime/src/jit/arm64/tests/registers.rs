//! Registers over the borders of compiled code: what C code may change is not relied on, and what
//! it must preserve is preserved by every way out (AAPCS64, 6.1).

use crate::Store as RuntimeStore;
use crate::engine::{Bounds, Config, Tier};
use crate::error::{Error, ErrorKind};
use crate::jit::arm64::abi::SCRATCH;
use crate::jit::arm64::asm::Assembler;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::ops::{BranchReg, Size, Store, Width};
use crate::jit::arm64::regs::{Gpr, SP, Vreg};
use crate::jit::arm64::stubs::{load_address, restore_registers, save_registers};
use crate::jit::arm64::vector::Arr;
use crate::jit::code::tables::Tables;
use crate::jit::host::HostTarget;
use crate::jit::publish::{Budget, CodeMemory};
use crate::jit::tests::{BOUNDS, Run, i32s, i64s, traps};
use crate::trap::TrapKind;
use crate::value::{Objects, Val};
use crate::vm::{Entry, FuncInst};

const POINTER_BYTES: i32 = 8;
/// x19 to x28, d8 to d15, x29 and the stack pointer.
type Seen = [u64; 20];

fn gprs() -> impl Iterator<Item = Gpr> {
    (19..=28).map(Gpr::x)
}

fn vregs() -> impl Iterator<Item = Vreg> {
    (8..16).map(Vreg::v)
}

/// What [`probe`] puts into a register.
fn pattern(number: usize) -> u64 {
    0x5a5a_0000_1111_0000 | number as u64
}

/// Code that calls `entry` as its own caller calls it, with a pattern in each register that is to
/// be preserved, and writes what is there afterwards to `seen`.
fn probe(entry: Entry, seen: *mut Seen) -> CodeMemory {
    let mut asm = Assembler::new();
    let asm = &mut asm;
    save_registers(asm);
    for (n, rn) in vregs().enumerate() {
        asm.mov_imm(Size::X, SCRATCH, pattern(10 + n));
        let (arr, rd, rn) = (Arr::D2, rn, SCRATCH);
        asm.emit(Inst::DupGpr { arr, rd, rn });
    }
    for (n, rd) in gprs().enumerate() {
        asm.mov_imm(Size::X, rd, pattern(n));
    }
    load_address(asm, entry as usize);
    let (op, rn) = (BranchReg::Blr, SCRATCH);
    asm.emit(Inst::BranchReg { op, rn });
    load_address(asm, seen as usize);
    let at = |n: usize| Mem::Offset {
        base: SCRATCH,
        offset: n as i32 * POINTER_BYTES,
    };
    let op = Store::StrX;
    for (n, rt) in gprs().enumerate() {
        asm.emit(Inst::Store { op, rt, mem: at(n) });
    }
    for (n, rt) in vregs().enumerate() {
        let (width, mem) = (Width::D, at(10 + n));
        asm.emit(Inst::StoreV { width, rt, mem });
    }
    let (rt, mem) = (Gpr::x(29), at(18));
    asm.emit(Inst::Store { op, rt, mem });
    let rt = Gpr::x(9);
    asm.emit(Inst::mov_sp(rt, SP));
    asm.emit(Inst::Store {
        op,
        rt,
        mem: at(19),
    });
    restore_registers(asm);
    let code = std::mem::take(asm)
        .finish()
        .expect("everything has an encoding");
    let budget = Budget::new(u64::MAX);
    CodeMemory::publish::<HostTarget>(&code.bytes, Tables::default(), &budget)
        .expect("code can be published")
}

fn func_inst(store: &RuntimeStore, func: crate::Func) -> *mut FuncInst {
    store.state().func_word(func) as *mut FuncInst
}

/// A call of an export through a [`probe`]; the registers are as they were.
#[track_caller]
fn call_through_probe(run: &mut Run, export: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
    let func = run
        .instance
        .get_func(&run.store, export)
        .expect("an export");
    let inst = func_inst(&run.store, func);
    let mut seen: Seen = [0; 20];
    // SAFETY: the function is the store's, and no code runs; the probe is an entry.
    let entry = unsafe { (*inst).entry };
    let code = probe(entry, &raw mut seen);
    // SAFETY: as above.
    unsafe { (*inst).entry = std::mem::transmute::<*const u8, Entry>(code.address(0)) };
    let outcome = func.invoke(&mut run.store, args);
    // SAFETY: as above.
    unsafe { (*inst).entry = entry };
    for (n, &word) in seen[..18].iter().enumerate() {
        assert_eq!(word, pattern(n), "{export}: register {n}");
    }
    assert_eq!(seen[18], seen[19], "{export}: x29 is the probe's frame");
    outcome
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn what_c_preserves_is_preserved_by_results_and_traps() {
    for poison_registers in [false, true] {
        for bounds in BOUNDS {
            let config = Config {
                bounds,
                poison_registers,
                ..Config::only(Tier::Jit)
            };
            let mut run = Run::with(traps::WAT, config);
            for &(export, arg, kind) in traps::CASES {
                let outcome = call_through_probe(&mut run, export, &i32s([arg]));
                let trap = outcome.expect_err("a trap").trap_kind();
                assert_eq!(trap, Some(kind), "{export}, {bounds:?}");
            }
            let outcome = call_through_probe(&mut run, "div", &i32s([2]));
            assert_eq!(outcome.expect("no trap"), i32s([3]));
        }
    }
}

/// More values of every class than there are registers, alive over calls of all sorts.
const MANY: &str = r#"(module
    (type $s (struct (field i64)))
    (type $a (array (mut i8)))
    (memory 1 10) (table $t 1 10 funcref)
    (func $busy (export "busy") (param $n i64) (result i64 f64 i64)
      (local $i i64) (local $x f64) (local $v v128) (local $s (ref null $s)) (local $k i64)
      (local.set $s (struct.new $s (local.get $n)))
      (local.set $x (f64.convert_i64_s (local.get $n)))
      (local.set $v (i64x2.splat (local.get $n)))
      (loop $again
        (drop (memory.grow (i32.const 0)))
        (local.set $k (i64.add (local.get $k) (struct.get $s 0 (struct.new $s (local.get $i)))))
        (memory.fill (i32.const 8) (i32.wrap_i64 (local.get $n)) (i32.const 8))
        (local.set $x (f64.add (local.get $x) (f64.const 0.5)))
        (drop (table.grow $t (ref.null func) (i32.const 0)))
        (local.set $v (i64x2.add (local.get $v)
          (i64x2.splat (i64.extend_i32_u (array.len
            (array.new $a (i32.const 1) (i32.const 3)))))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get $i) (i64.const 10))))
      (i64.add (local.get $k) (struct.get $s 0 (local.get $s)))
      (local.get $x)
      (i64.add (i64x2.extract_lane 1 (local.get $v)) (i64.load8_u (i32.const 15)))))"#;

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn nothing_is_expected_in_registers_that_c_may_change() {
    for gc_stress in [false, true] {
        let config = Config {
            bounds: Bounds::Explicit,
            poison_registers: true,
            gc_stress,
            ..Config::only(Tier::Jit)
        };
        let mut run = Run::with(MANY, config);
        let outcome = call_through_probe(&mut run, "busy", &i64s([7]));
        let expected = vec![
            Val::I64(45 + 7),
            Val::F64(12.0f64.to_bits()),
            Val::I64(7 + 30 + 7),
        ];
        assert_eq!(outcome.expect("no trap"), expected);
    }
}

/// A function that keeps ten values across a call, which changes every register that it has to
/// restore for its caller.
const UNWOUND: &str = r#"(module
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
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "runs compiled code: needs ARM64"
)]
fn what_c_preserves_is_preserved_by_exceptions() {
    let mut run = Run::with(UNWOUND, Config::only(Tier::Jit));
    let returned = run.call("out", &i32s([2]));
    for (export, argument, expected) in [
        ("out", 2, returned.clone()),
        ("caught", 0, Ok(i32s([42]))),
        ("far", 0, Ok(i32s([40]))),
        ("caught", 2, returned),
        ("caught", 1, Err(TrapKind::Unreachable)),
        ("out", 1, Err(TrapKind::Unreachable)),
        ("out", 0, Err(TrapKind::UncaughtException)),
    ] {
        let top = run.store.state().cx.top;
        let outcome = call_through_probe(&mut run, export, &i32s([argument]));
        let outcome = outcome.map_err(|error| match error.kind() {
            ErrorKind::Exception => TrapKind::UncaughtException,
            _ => error.trap_kind().expect("a trap"),
        });
        assert_eq!(outcome, expected, "{export} {argument}");
        let cx = &run.store.state().cx;
        assert_eq!((cx.top, cx.jit_entry_sp), (top, 0), "{export} {argument}");
        // Nothing of it is left behind.
        assert_eq!(run.call("far", &i32s([0])), Ok(i32s([40])));
    }
}
