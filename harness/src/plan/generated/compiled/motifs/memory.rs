//! Motifs about memories: the first and last bytes, growth, loops over addresses, bulk operations.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::address::{add, and, sub};
use super::super::body::{Body, Opening};
use super::super::pool::{PoolOp, pool, value_type};
use crate::features::Proposal;

/// Offsets in instructions that reach the end of a memory.
const REACHES: &[u64] = &[0, 1, 255, 256, 4095, 4096, 16_384, 32_760, 32_768];

/// Any load or store.
pub(super) fn access(body: &mut Body<'_>) -> PoolOp {
    let has_vectors = body.has(Proposal::Simd);
    match body.random.below(10) {
        0..4 => body.random.pick(&pool().stores),
        4 if has_vectors => body.random.pick(&pool().vector_stores),
        5 if has_vectors => body.random.pick(pool().vector_loads.of(ValType::V128)),
        _ => {
            let types = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
            let ty = body.random.pick(&types);
            body.random.pick(pool().loads.of(ty))
        }
    }
}

/// The operands behind the address, the access itself, and a use of its result.
fn complete(body: &mut Body<'_>, op: &PoolOp, memory: u32, offset: u64) {
    for param in op.params {
        body.expr(value_type(*param), 1);
    }
    body.finish_access(op, memory, offset);
    if let Some(result) = op.result {
        body.mix(result);
    }
}

/// Accesses to the last bytes that a memory has, by addresses of every kind.
pub(super) fn edges(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    for _ in 0..body.random.range(1, 4) {
        let op = access(body);
        let mut offset = body.random.pick(REACHES);
        if offset + op.bytes > it.bytes() {
            offset = 0;
        }
        last_address(body, memory, op.bytes + offset);
        complete(body, &op, memory, offset);
    }
}

/// Pushes the address of the last `bytes` that a memory has: a constant, a sum, a mask, a shift, a
/// difference, or the lesser of a value and that.
fn last_address(body: &mut Body<'_>, memory: u32, bytes: u64) {
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let last = it.bytes() - bytes;
    match body.random.below(8) {
        0 => body.last_now(memory, bytes),
        1 => body.integer(ty, last),
        2 => {
            // A sum that reaches the last bytes, part of it behind a mask.
            let part = body.random.below(last + 1);
            body.variable(ty);
            body.integer(ty, 0);
            body.emit(&and(ty));
            body.integer(ty, part);
            body.emit(&add(ty));
            body.integer(ty, last - part);
            body.emit(&add(ty));
        }
        3 if !it.is64 => {
            // The upper half of the i64 is not 0.
            body.variable(ValType::I64);
            body.emit_all(&[
                I::I64Const(32),
                I::I64Shl,
                I::I64Const(last.cast_signed()),
                I::I64Or,
                I::I32WrapI64,
            ]);
        }
        4 => {
            // Within the last eight bytes: a bit or two of a value decide.
            let back = last.min(7).next_power_of_two() / 2;
            body.integer(ty, last);
            body.variable(ty);
            body.integer(ty, back.saturating_sub(1));
            body.emit_all(&[and(ty), sub(ty)]);
        }
        5 => {
            // Shifted: the last place that is a multiple of 2, 4, 8 or 16.
            let by = body.random.range(1, 4) as u64;
            let kept = body.local(ty);
            body.integer(ty, last >> by);
            body.emit_all(&[I::LocalSet(kept), I::LocalGet(kept)]);
            body.integer(ty, by);
            body.emit(&if it.is64 { I::I64Shl } else { I::I32Shl });
        }
        6 if !it.is64 => {
            // A sum that carries out of 32 bits.
            body.emit_all(&[
                I::I32Const((last as u32).wrapping_add(0x9000_0000).cast_signed()),
                I::I32Const(0x7000_0000),
                I::I32Add,
            ]);
        }
        _ => {
            // A check of bounds by the program itself, as languages have them.
            let index = body.local(ty);
            body.expr(ty, 1);
            body.emit(&I::LocalTee(index));
            body.integer(ty, last);
            body.emit(&if it.is64 { I::I64GtU } else { I::I32GtU });
            body.open(Opening::If, &[], &[]);
            body.integer(ty, last);
            body.emit(&I::LocalSet(index));
            body.end();
            body.emit(&I::LocalGet(index));
        }
    }
}

/// Growth between accesses: base and length that are read before are not those after.
pub(super) fn growth(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let ty = body.program.memories[memory as usize].address_type();
    let before = access(body);
    body.last_now(memory, before.bytes);
    complete(body, &before, memory, 0);
    let pages = body.random.below(3);
    let is_custom = body.program.memories[memory as usize].page_log2 != 16;
    body.integer(ty, if is_custom { pages * 16 } else { pages });
    body.emit(&I::MemoryGrow(memory));
    body.mix(ty);
    let count = body.random.range(1, 3);
    for _ in 0..count {
        let after = access(body);
        body.last_now(memory, after.bytes);
        complete(body, &after, memory, 0);
    }
    body.emit(&I::MemorySize(memory));
    body.mix(ty);
}

/// Growth in a loop that stands in another loop, which itself does not grow anything: base and
/// length change in its rounds all the same.
pub(super) fn growth_in_loops(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let at_end = |body: &mut Body<'_>| {
        let op = access(body);
        body.last_now(memory, op.bytes);
        complete(body, &op, memory, 0);
    };
    body.counted_loop(Some(&mut |body, _| {
        at_end(body);
        body.counted_loop(Some(&mut |body, counter| {
            // In some rounds by nothing.
            body.emit_all(&[I::LocalGet(counter), I::I32Const(1), I::I32And]);
            if it.is64 {
                body.emit(&I::I64ExtendI32U);
            }
            body.emit(&I::MemoryGrow(memory));
            body.mix(ty);
        }));
        at_end(body);
    }));
}

/// A call that grows the memory, between accesses to its end.
pub(super) fn growth_by_call(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let callee = body.helper(&[ty], &[ty], |body, _| {
        body.emit(&I::LocalGet(0));
        let mask = if it.page_log2 == 16 { 1 } else { 16 };
        body.integer(ty, mask);
        body.emit_all(&[and(ty), I::MemoryGrow(memory)]);
    });
    let address = body.local(ty);
    body.last_now(memory, 8);
    body.emit(&I::LocalSet(address));
    for _ in 0..2 {
        let mut op = access(body);
        while op.bytes > 8 {
            op = access(body);
        }
        body.emit(&I::LocalGet(address));
        complete(body, &op, memory, 0);
        body.variable(ty);
        if body.may_call(callee) {
            body.call(callee);
        }
        body.mix(ty);
        let at_end = access(body);
        body.last_now(memory, at_end.bytes);
        complete(body, &at_end, memory, 0);
    }
}

/// A loop over addresses that move evenly, up or down, to the end or from it.
pub(super) fn stride(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let op = access(body);
    let step = body.random.pick(&[1, 2, 3, 4, 8, 12, 16]);
    let trips = body.random.range(2, 24) as u64;
    let length = step * (trips - 1) + op.bytes;
    if length > it.bytes() {
        return;
    }
    let start = match body.random.below(3) {
        0 => 0,
        1 => body.random.below(it.bytes() - length + 1),
        _ => it.bytes() - length,
    };
    let upwards = body.random.chance(70);
    let pointer = body.fixed(ty);
    let limit = body.fixed(ty);
    let (first, last) = match upwards {
        true => (start, start + step * trips),
        false => (start + step * (trips - 1), start.wrapping_sub(step)),
    };
    body.integer(ty, first);
    body.emit(&I::LocalSet(pointer));
    body.integer(ty, last);
    body.emit(&I::LocalSet(limit));
    body.repeated(trips, |body| {
        body.open(Opening::Loop, &[], &[]);
        body.emit(&I::LocalGet(pointer));
        for param in op.params {
            body.variable(value_type(*param));
        }
        body.finish_access(&op, memory, 0);
        if let Some(result) = op.result {
            body.mix(result);
        }
        if body.random.chance(15) {
            body.statement();
        }
        body.emit(&I::LocalGet(pointer));
        let delta = if upwards { step } else { step.wrapping_neg() };
        body.integer(ty, delta);
        body.emit_all(&[add(ty), I::LocalTee(pointer)]);
        let by_local = body.random.chance(60);
        match by_local {
            true => body.emit(&I::LocalGet(limit)),
            false => body.integer(ty, last),
        }
        let compare = match (upwards && body.random.chance(60), it.is64) {
            (true, true) => I::I64LtU,
            (true, false) => I::I32LtU,
            (false, true) => I::I64Ne,
            (false, false) => I::I32Ne,
        };
        body.emit_all(&[compare, I::BrIf(0)]);
        body.end();
    });
}

/// Fills, copies that overlap, and copies of a segment.
pub(super) fn bulk(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let other = body.some_memory().unwrap_or(memory);
    let source = body.program.memories[other as usize];
    let most = it.bytes().min(source.bytes()) / 4;
    let len = body
        .random
        .pick(&[0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 200, 1000])
        .min(most);
    match body.random.below(5) {
        4 => {
            // A segment that may be dropped: no bytes of it are copied.
            body.integer(ty, it.bytes());
            body.emit_all(&[I::I32Const(0), I::I32Const(0)]);
            body.emit(&I::MemoryInit {
                mem: memory,
                data_index: 1,
            });
            body.emit(&I::DataDrop(1));
        }
        0 => {
            let at_end = body.random.chance(40);
            match at_end {
                true => body.last_now(memory, len),
                false => body.masked(ty, most.next_power_of_two() / 2),
            }
            body.expr(ValType::I32, 1);
            body.integer(ty, len);
            body.emit(&I::MemoryFill(memory));
        }
        1 | 2 => {
            // Near each other, so that they overlap.
            let near = body.random.below(most + 1);
            let apart = body.random.pick(&[0, 1, 4, 8, 15, 16, 32]).min(most);
            let (to, from) = match body.random.chance(50) {
                true => (near, near + apart),
                false => (near + apart, near),
            };
            body.integer(ty, to);
            body.integer(source.address_type(), from);
            let len_type = match it.is64 && source.is64 {
                true => ValType::I64,
                false => ValType::I32,
            };
            body.integer(len_type, len);
            body.emit(&I::MemoryCopy {
                src_mem: other,
                dst_mem: memory,
            });
        }
        _ => {
            let segment = body.program.passive.len() as u64;
            let len = len.min(segment);
            let from = body.random.below(segment - len + 1);
            body.integer(ty, it.bytes() - len);
            body.integer(ValType::I32, from);
            body.integer(ValType::I32, len);
            body.emit(&I::MemoryInit {
                mem: memory,
                data_index: 0,
            });
        }
    }
    body.load(ValType::I64);
    body.mix(ValType::I64);
}

/// Stores, and loads of the same bytes in other widths.
pub(super) fn forwarded(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let ty = body.program.memories[memory as usize].address_type();
    let address = body.fixed(ty);
    // The address and the 24 bytes behind it are inside.
    let offset = body.address(memory, 32, false);
    body.emit(&I::LocalSet(address));
    for _ in 0..body.random.range(2, 5) {
        let op = access(body);
        let delta = body.random.pick(&[0, 0, 0, 1, 2, 4, 7, 8]);
        body.emit(&I::LocalGet(address));
        complete(body, &op, memory, offset + delta);
    }
    body.emit(&I::LocalGet(address));
    body.opcode(Op::I64Load);
    body.memory_argument(0, memory, offset);
    body.mix(ValType::I64);
}

/// An access to the last bytes if parameter 0 is even, and to one beyond or far beyond if odd.
pub(super) fn beyond(body: &mut Body<'_>) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let op = access(body);
    let odd = body.local(ty);
    let far = match it.is64 {
        true => [1, 1, 16, 4096, 1 << 31, 1 << 32, 1 << 48, u64::MAX >> 1],
        false => [1, 1, 2, 16, 4096, 0x7FFF_0000, 0x8000_0000, 0xFFFF_0000],
    };
    let far = body.random.pick(&far);
    body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32And]);
    if it.is64 {
        body.emit(&I::I64ExtendI32U);
    }
    body.integer(ty, far);
    body.emit(&if it.is64 { I::I64Mul } else { I::I32Mul });
    body.emit(&I::LocalSet(odd));
    let reach = body.random.pick(REACHES);
    let reach = if reach + op.bytes > it.bytes() {
        0
    } else {
        reach
    };
    // The whole length in the offset, a part of it, or none.
    let offset = match body.random.below(3) {
        0 if !body.program.memories[memory as usize].is_shared => it.bytes() - op.bytes,
        _ => reach,
    };
    match offset == it.bytes() - op.bytes {
        // Here the memory may have grown, so that one beyond the first length is inside.
        true => body.integer(ty, 0),
        false => body.last_now(memory, op.bytes + offset),
    }
    body.emit_all(&[I::LocalGet(odd), add(ty)]);
    complete(body, &op, memory, offset);
}
