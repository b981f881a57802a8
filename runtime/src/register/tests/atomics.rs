//! Every atomic row, in both interpreters, against a model that knows their names only: what each
//! gives, what it leaves in memory, how it traps. Threads that contend are in `tests/threads.rs`.

use std::fmt::Write;

use super::assemble;
use crate::Module;
use crate::engine::{Config, Engine, Tier};
use crate::error::{Error, Result};
use crate::ops::{Op, Shape, SigType, Signature};
use crate::trap::TrapKind;
use crate::value::Val;
use crate::{Instance, Store};

/// What the memories hold at every eighth byte, and operands.
const WORDS: [u64; 5] = [
    0,
    0x1122_3344_5566_7788,
    0xffff_ffff_ffff_ffff,
    0x0000_0000_ffff_ff80,
    0x8000_0000_0000_0088,
];

/// An atomic access as its name tells it.
struct Row {
    op: Op,
    /// The width of the type, and of the access, in bits.
    bits: [u32; 2],
    operands: usize,
    has_result: bool,
}

fn rows() -> Vec<Row> {
    let is_access = |op: &&Op| {
        matches!(
            op.shape(),
            Shape::AtomicLoad | Shape::AtomicStore | Shape::AtomicRmw | Shape::AtomicCmpxchg
        )
    };
    Op::ALL
        .iter()
        .filter(is_access)
        .map(|&op| row(op))
        .collect()
}

fn row(op: Op) -> Row {
    let (ty, rest) = op.mnemonic().split_once(".atomic.").expect("its name");
    let type_bits = if ty == "i32" { 32 } else { 64 };
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let Signature::Fixed { params, results } = op.row().signature else {
        panic!("{op:?} has a fixed signature");
    };
    Row {
        op,
        bits: [type_bits, digits.parse().unwrap_or(type_bits)],
        operands: params.len() - 1,
        has_result: !results.is_empty(),
    }
}

fn low(bits: u32, value: u64) -> u64 {
    value & (u64::MAX >> (64 - bits))
}

impl Row {
    /// The result and the new value, for an old value in memory and operands.
    fn model(&self, old: u64, [a, b]: [u64; 2]) -> (u64, u64) {
        let [type_bits, bits] = self.bits;
        let (a, b) = (low(type_bits, a), low(type_bits, b));
        let name = self.op.mnemonic();
        let operation = name.rsplit('.').next().expect("names have parts");
        let new = match operation.trim_end_matches("_u") {
            it if it.starts_with("load") => old,
            it if it.starts_with("store") => a,
            "add" => old.wrapping_add(a),
            "sub" => old.wrapping_sub(a),
            "and" => old & a,
            "or" => old | a,
            "xor" => old ^ a,
            "xchg" => a,
            "cmpxchg" if low(bits, a) == old => b,
            "cmpxchg" => old,
            other => panic!("{other} has no model"),
        };
        (old, low(bits, new))
    }

    /// The row on memory `memory` at an offset, as an export.
    fn export(&self, memory: u32, offset: u64) -> String {
        let (name, [bits, _]) = (self.op.mnemonic(), self.bits);
        let address = ["i32", "i64"][memory as usize % 2];
        let params = format!(" (param i{bits})").repeat(self.operands);
        let result = if self.has_result {
            format!("(result i{bits})")
        } else {
            String::new()
        };
        let operands: String = (0..self.operands)
            .map(|i| format!("(local.get {})", i + 1))
            .collect();
        format!(
            "(func (export \"{name} {memory} {offset}\") (param {address}) {params} {result}
               ({name} {memory} offset={offset} (local.get 0) {operands}))"
        )
    }
}

/// A program that can call every row, on shared and other memories of both address types.
struct Program {
    store: Store,
    instance: Instance,
}

const OFFSETS: [u64; 2] = [0, 65_536 - 8];

impl Program {
    fn new(tier: Tier) -> Program {
        let mut wat = "(module (memory 1 1 shared) (memory i64 1 1 shared) (memory 1)
            (memory i64 1)"
            .to_owned();
        for row in rows() {
            for (memory, offset) in (0..4).flat_map(|m| OFFSETS.map(|offset| (m, offset))) {
                wat += &row.export(memory, offset);
            }
        }
        for memory in 0..4 {
            let address = ["i32", "i64"][memory % 2];
            write!(
                wat,
                "(func (export \"wait32 {memory}\") (param {address} i32 i64) (result i32)
                   (memory.atomic.wait32 {memory} offset=4
                     (local.get 0) (local.get 1) (local.get 2)))
                 (func (export \"wait64 {memory}\") (param {address} i64 i64) (result i32)
                   (memory.atomic.wait64 {memory} (local.get 0) (local.get 1) (local.get 2)))
                 (func (export \"notify {memory}\") (param {address} i32) (result i32)
                   atomic.fence
                   (memory.atomic.notify {memory} (local.get 0) (local.get 1)))
                 (func (export \"set {memory}\") (param {address} i64)
                   (i64.store {memory} (local.get 0) (local.get 1)))
                 (func (export \"get {memory}\") (param {address}) (result i64)
                   (i64.load {memory} (local.get 0)))"
            )
            .unwrap();
        }
        wat.push(')');
        let mut config = Config::only(tier);
        config.features = wasmparser::WasmFeatures::all();
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, assemble(&wat)).unwrap_or_else(|e| panic!("{e}"));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Program { store, instance }
    }

    /// Calls an export of a memory: the address first.
    fn call(&mut self, name: &str, address: u64, args: &[Val]) -> Result<Vec<Val>> {
        let func = self.instance.get_func(&self.store, name).expect(name);
        let params = func.ty(&self.store).params.clone();
        let mut values = vec![value(params[0] == crate::types::ValType::I64, address)];
        values.extend(args);
        func.invoke(&mut self.store, &values)
    }
}

fn value(is64: bool, bits: u64) -> Val {
    if is64 {
        Val::I64(bits as i64)
    } else {
        Val::I32(bits as i32)
    }
}

fn check_row(program: &mut Program, row: &Row, memory: u32, offset: u64) {
    let name = format!("{} {memory} {offset}", row.op.mnemonic());
    let is64 = row.bits[0] == 64;
    let base = offset & !7;
    for old in WORDS {
        for a in WORDS {
            for b in [a, WORDS[1]] {
                let set = program.call(&format!("set {memory}"), base, &[Val::I64(old as i64)]);
                assert_eq!(set, Ok(vec![]));
                let operands = [value(is64, a), value(is64, b)];
                let result = program.call(&name, 0, &operands[..row.operands]);
                let (expected, new) = row.model(low(row.bits[1], old), [a, b]);
                let expected = row.has_result.then(|| value(is64, expected));
                let what = format!("{name}: {old:#x} {a:#x} {b:#x}");
                assert_eq!(result, Ok(expected.into_iter().collect()), "{what}");
                let left = program.call(&format!("get {memory}"), base, &[]);
                let kept = old & !low(row.bits[1], u64::MAX);
                assert_eq!(left, Ok(vec![Val::I64((kept | new) as i64)]), "{what}");
            }
        }
    }
}

/// Unaligned comes before out of bounds; both leave the memory as it is.
fn check_traps(program: &mut Program, row: &Row, memory: u32) {
    let name = format!("{} {memory} 0", row.op.mnemonic());
    let size = u64::from(row.bits[1] / 8);
    let operand = [value(row.bits[0] == 64, 1); 2];
    let mut trap = |address: u64| {
        let result = program.call(&name, address, &operand[..row.operands]);
        result.expect_err("an access outside or unaligned")
    };
    for outside in [65_536, (u64::MAX << 3) & 0xffff_ffff, u64::MAX << 3] {
        assert_eq!(trap(outside), Error::trap(TrapKind::MemoryOutOfBounds));
    }
    if size > 1 {
        for unaligned in [1, size * 3 - 1, 65_535, 65_537, u64::MAX] {
            assert_eq!(trap(unaligned), Error::trap(TrapKind::UnalignedAtomic));
        }
    }
}

fn check_sync(program: &mut Program, memory: u32) {
    let is_shared = memory < 2;
    let mut call = |name: &str, address: u64, args: &[Val]| {
        let result = program.call(&format!("{name} {memory}"), address, args);
        result.map_err(|error| error.kind)
    };
    let set = call("set", 8, &[Val::I64(7 << 32)]);
    assert_eq!(set, Ok(vec![]));
    let trap = |kind| Err(Error::trap(kind).kind);
    let ended = |how: i32| match is_shared {
        true => Ok(vec![Val::I32(how)]),
        false => trap(TrapKind::ExpectedSharedMemory),
    };
    let nanos = [Val::I64(0), Val::I64(1000), Val::I64(-1)];
    assert_eq!(call("wait32", 8, &[Val::I32(7), nanos[0]]), ended(2));
    assert_eq!(call("wait32", 8, &[Val::I32(7), nanos[1]]), ended(2));
    assert_eq!(call("wait32", 8, &[Val::I32(8), nanos[2]]), ended(1));
    assert_eq!(call("wait64", 8, &[Val::I64(7 << 32), nanos[1]]), ended(2));
    assert_eq!(call("wait64", 8, &[Val::I64(7), nanos[2]]), ended(1));
    let unaligned = trap(TrapKind::UnalignedAtomic);
    assert_eq!(call("wait32", 2, &[Val::I32(7), nanos[0]]), unaligned);
    assert_eq!(call("wait64", 4, &[Val::I64(7), nanos[0]]), unaligned);
    assert_eq!(call("wait32", 65_531, &[Val::I32(7), nanos[0]]), unaligned);
    assert_eq!(call("wait64", 65_530, &[Val::I64(7), nanos[0]]), unaligned);
    // A memory that is not shared comes before an address that is out of bounds.
    let outside = trap(TrapKind::MemoryOutOfBounds);
    let waits = if is_shared { outside.clone() } else { ended(0) };
    assert_eq!(call("wait32", 65_532, &[Val::I32(7), nanos[0]]), waits);
    assert_eq!(call("wait64", 65_536, &[Val::I64(7), nanos[0]]), waits);
    assert_eq!(call("notify", 8, &[Val::I32(-1)]), Ok(vec![Val::I32(0)]));
    assert_eq!(call("notify", 6, &[Val::I32(1)]), unaligned);
    assert_eq!(call("notify", 65_533, &[Val::I32(1)]), unaligned);
    assert_eq!(call("notify", 65_536, &[Val::I32(1)]), outside);
}

#[test]
pub(super) fn atomic_rows() {
    let rows = rows();
    let types = rows.iter().map(|row| row.op.row().signature);
    let addressed = types.filter(
        |it| matches!(it, Signature::Fixed { params: [first, ..], .. } if *first == SigType::Addr),
    );
    assert_eq!(addressed.count(), rows.len(), "the address comes first");
    for tier in [Tier::Stack, Tier::Register] {
        let mut program = Program::new(tier);
        for row in &rows {
            for memory in 0..4 {
                for offset in OFFSETS {
                    check_row(&mut program, row, memory, offset);
                }
                check_traps(&mut program, row, memory);
            }
        }
        for memory in 0..4 {
            check_sync(&mut program, memory);
        }
    }
}
