//! Motifs about atomic accesses: every width, values with more bits than the width.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::{Op, Shape};

use super::super::body::Body;
use super::super::pool::{PoolOp, pool, value_type};

/// Pushes the operands and does an atomic access.
fn atomic(body: &mut Body<'_>, op: &PoolOp, memory: u32) {
    let offset = body.address(memory, op.bytes, true);
    for param in op.params {
        body.expr(value_type(*param), 1);
    }
    body.finish_access(op, memory, offset);
    if let Some(result) = op.result {
        body.sink(result);
    }
}

/// Atomic loads, stores and read-modify-writes.
pub(super) fn access(body: &mut Body<'_>) {
    for _ in 0..body.random.range(2, 5) {
        let Some(memory) = body.some_memory() else {
            return;
        };
        let ty = body.integer_type();
        let op = match body.random.chance(20) {
            true => body.random.pick(&pool().atomic_stores),
            false => body.random.pick(pool().atomics.of(ty)),
        };
        atomic(body, &op, memory);
    }
    if body.random.chance(20) {
        body.opcode(Op::AtomicFence);
        body.byte(0);
    }
}

/// Compare-exchanges that find what they expect, and others; what is expected may have bits beyond
/// the width of the access.
pub(super) fn compare_exchange(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let ty = body.integer_type();
    let all = pool().atomics.of(ty).iter();
    let exchanges: Vec<PoolOp> = all
        .filter(|it| it.op.shape() == Shape::AtomicCmpxchg)
        .copied()
        .collect();
    let op = body.random.pick(&exchanges);
    let address_type = body.program.memories[memory as usize].address_type();
    let address = body.fixed(address_type);
    let offset = body.address(memory, 8, true);
    body.emit(&I::LocalSet(address));
    for _ in 0..body.random.range(1, 3) {
        // The value that is there, by a load of the same width or of eight bytes.
        body.emit_all(&[I::LocalGet(address), I::LocalGet(address)]);
        let (load, align) = match ty {
            ValType::I64 => (Op::I64Load, 3),
            _ => (Op::I32Load, 2),
        };
        match body.random.below(4) {
            0 => {
                body.emit(&I::Drop);
                body.expr(ty, 1);
            }
            1 => {
                body.opcode(load);
                body.memory_argument(align, memory, offset);
            }
            _ => {
                // Cut to the width of the access, so that it is found.
                body.opcode(load);
                body.memory_argument(align, memory, offset);
                if op.bytes < 8 {
                    body.integer(ty, (1 << (8 * op.bytes)) - 1);
                    body.emit(&super::super::address::and(ty));
                }
            }
        }
        body.expr(ty, 1);
        body.finish_access(&op, memory, offset);
        body.mix(ty);
    }
    body.emit(&I::LocalGet(address));
    body.opcode(Op::I64Load);
    body.memory_argument(3, memory, offset);
    body.mix(ValType::I64);
}

/// Waits that end at once, and notifications that nobody waits for.
pub(super) fn wait(body: &mut Body<'_>) {
    let memories = body.program.memories.iter();
    let Some(memory) = memories.into_iter().position(|it| it.is_shared) else {
        return;
    };
    let memory = memory as u32;
    let wide = body.random.chance(50);
    let bytes = if wide { 8 } else { 4 };
    let offset = body.address(memory, bytes, true);
    match body.random.below(3) {
        0 => {
            body.expr(ValType::I32, 1);
            body.opcode(Op::MemoryAtomicNotify);
            // Notification is of words of 32 bits.
            body.memory_argument(2, memory, offset);
        }
        _ => {
            let ty = if wide { ValType::I64 } else { ValType::I32 };
            body.expr(ty, 1);
            body.emit(&I::I64Const(0));
            let op = if wide {
                Op::MemoryAtomicWait64
            } else {
                Op::MemoryAtomicWait32
            };
            body.opcode(op);
            body.memory_argument(if wide { 3 } else { 2 }, memory, offset);
        }
    }
    body.mix(ValType::I32);
}
