//! Motifs about runs of accesses by an index or two, of which any may be the first that is outside.
//! A compiler that checks bounds in code makes one check of several accesses. If that fails, the
//! trap is that of the first access outside, at its place.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::address::{add, sub};
use super::super::body::Body;
use super::super::pool::{PoolOp, pool, value_type};
use super::memory;

/// Offsets in instructions: near each other, and about the farthest whose checks are combined.
const OFFSETS: &[u64] = &[
    0, 0, 1, 2, 3, 4, 8, 12, 16, 24, 40, 100, 255, 256, 1000, 4000, 4090, 4096, 5000,
];

/// The distances of the second index from the first. No index is less than 8.
const APART: &[i64] = &[0, 1, 4, 16, 100, -1, -4, -8];

/// An access of a run.
struct Access {
    op: PoolOp,
    offset: u64,
    /// True if the second index is used.
    is_second: bool,
}

/// A run that stays inside, up to the last bytes.
pub(super) fn inside(body: &mut Body<'_>) {
    all_of(body, false);
}

/// The body of a function of which parameter 0 decides which access is the first outside.
pub(super) fn beyond(body: &mut Body<'_>) {
    all_of(body, true);
}

fn all_of(body: &mut Body<'_>, goes_beyond: bool) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let apart = body.random.pick(APART);
    let mut accesses = match body.random.chance(20) {
        true => copy(body),
        false => run(body),
    };
    if goes_beyond && body.random.chance(25) {
        // Offsets about the length, of which some leave no index that is inside.
        let more = it.bytes().saturating_sub(body.random.pick(&[8, 32, 300]));
        accesses.iter_mut().for_each(|access| access.offset += more);
    }
    let reaches: Vec<i64> = (accesses.iter())
        .map(|it| (it.offset + it.op.bytes) as i64 + if it.is_second { apart } else { 0 })
        .collect();
    let mut most = reaches.iter().copied().max().unwrap_or_default().max(0);
    if most + 8 > it.bytes() as i64 {
        if !goes_beyond {
            return;
        }
        most = it.bytes() as i64;
    }
    if body.random.chance(50) {
        // The bytes that calls before have left, which may have trapped between stores.
        body.last_now(memory, 8);
        body.opcode(Op::I64Load);
        body.memory_argument(0, memory, 0);
        body.mix(ValType::I64);
    }
    let (first, second) = (body.fixed(ty), body.fixed(ty));
    body.last_now(memory, 0);
    match goes_beyond {
        true => one_outside(body, ty, most, &reaches),
        false => body.integer(ty, most as u64),
    }
    body.emit_all(&[sub(ty), I::LocalTee(first)]);
    body.integer(ty, apart.cast_unsigned());
    body.emit_all(&[add(ty), I::LocalSet(second)]);
    let mut kept = Vec::new();
    for access in &accesses {
        let index = if access.is_second { second } else { first };
        body.emit(&I::LocalGet(index));
        for param in access.op.params {
            body.variable(value_type(*param));
        }
        body.finish_access(&access.op, memory, access.offset);
        match access.op.result {
            Some(result) if body.random.chance(50) => body.mix(result),
            Some(result) => kept.push((body.keep(result), result)),
            None => {}
        }
    }
    for (local, ty) in kept {
        body.emit(&I::LocalGet(local));
        body.mix(ty);
    }
}

/// Several accesses, in the order of their reaches most often: loads, and fewer stores.
fn run(body: &mut Body<'_>) -> Vec<Access> {
    let has_second = body.random.chance(40);
    let mut accesses: Vec<Access> = (0..body.random.range(2, 7))
        .map(|_| Access {
            op: access(body),
            offset: body.random.pick(OFFSETS),
            is_second: has_second && body.random.chance(40),
        })
        .collect();
    match body.random.below(6) {
        0..3 => accesses.sort_by_key(|it| it.offset + it.op.bytes),
        3 => accesses.sort_by_key(|it| std::cmp::Reverse(it.offset + it.op.bytes)),
        _ => {}
    }
    accesses
}

/// Fields of a structure that are loaded by one index, and then stored by the other. The second run
/// finds what the first one has computed, so that little stands between its stores.
fn copy(body: &mut Body<'_>) -> Vec<Access> {
    let types = [ValType::I32, ValType::I64, ValType::I64, ValType::F64];
    let mut fields: Vec<(PoolOp, PoolOp, u64)> = (0..body.random.range(2, 5))
        .map(|_| {
            let ty = body.random.pick(&types);
            let load = body.random.pick(pool().loads.of(ty));
            let fits = |store: &&PoolOp| {
                store.bytes == load.bytes && store.params.iter().all(|it| value_type(*it) == ty)
            };
            let stores = pool().stores.iter().filter(fits);
            let store = body.random.pick(&stores.copied().collect::<Vec<_>>());
            (load, store, body.random.pick(OFFSETS))
        })
        .collect();
    if body.random.chance(70) {
        fields.sort_by_key(|(load, _, offset)| offset + load.bytes);
    }
    let of = |(load, store, offset): &(PoolOp, PoolOp, u64), is_second: bool| Access {
        op: if is_second { *store } else { *load },
        offset: *offset,
        is_second,
    };
    let loads = fields.iter().map(|it| of(it, false));
    let stores = fields.iter().map(|it| of(it, true));
    loads.chain(stores).collect()
}

fn access(body: &mut Body<'_>) -> PoolOp {
    if body.random.chance(30) {
        return memory::access(body);
    }
    let types = [ValType::I32, ValType::I64, ValType::I64, ValType::F64];
    let ty = body.random.pick(&types);
    body.random.pick(pool().loads.of(ty))
}

/// Pushes the distance of the first index from the end: the bits of parameter 0 choose between that
/// with which all accesses are inside, those with which one access and all that reach farther are
/// outside, and one with which all are.
fn one_outside(body: &mut Body<'_>, ty: ValType, most: i64, reaches: &[i64]) {
    let mut distances = [most, 0, 0, 0];
    for distance in &mut distances[1..] {
        *distance = match body.random.below(8) {
            0 => body.random.pick(&[0, -1, -4096, -0x10_0000, 0x4000_0000]),
            1 => body.random.pick(reaches) - 1 - body.random.below(8) as i64,
            _ => body.random.pick(reaches) - 1,
        };
    }
    body.random.shuffle(&mut distances);
    let bit = |body: &mut Body<'_>, bit: i32| {
        body.emit_all(&[I::LocalGet(0), I::I32Const(bit), I::I32And, I::Select]);
    };
    for pair in distances.chunks(2) {
        for distance in pair {
            body.integer(ty, distance.cast_unsigned());
        }
        bit(body, 1);
    }
    bit(body, 2);
}
