//! Motifs about vectors: chains of operations, constants that instructions can and cannot hold,
//! lanes, parts of vectors in memory.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::body::Body;
use super::super::pool::{PoolOp, pool, value_type};

const V128: ValType = ValType::V128;

/// The operands of an operation: one of them is on the stack already, if it is the first.
fn continue_with(body: &mut Body<'_>, op: &PoolOp) {
    for param in &op.params[1..] {
        let ty = value_type(*param);
        match body.random.chance(30) {
            true => body.constant(ty),
            false => body.variable(ty),
        }
    }
    body.pool_op(op);
}

/// One operation after another on one vector.
pub(super) fn chain(body: &mut Body<'_>) {
    body.expr(V128, 1);
    for _ in 0..body.random.range(3, 12) {
        let from = match body.random.below(10) {
            0..7 => &pool().same,
            _ => &pool().lanes,
        };
        let op = body.random.pick(from.of(V128));
        let shuffle = body.random.chance(8);
        if shuffle {
            body.variable(V128);
            let op = pool()
                .same
                .of(V128)
                .iter()
                .find(|it| it.op == Op::I8x16Shuffle);
            body.pool_op(op.expect("the table has the shuffle"));
        }
        if op.params.first().map(|it| value_type(*it)) == Some(V128) {
            continue_with(body, &op);
        } else {
            // A splat: it begins anew, and the chain so far is mixed in.
            body.apply(&op, 1);
            body.emit(&I::V128Xor);
        }
        if body.random.chance(15) {
            let local = body.writable(V128);
            body.emit(&I::LocalTee(local));
        }
    }
    body.sink(V128);
}

/// Vectors and constants: masks, lanes all alike, shuffles and swizzles with constants.
pub(super) fn constants(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 4) {
        match body.random.below(4) {
            0 => {
                body.variable(V128);
                body.constant(V128);
                body.emit(&I::I8x16Swizzle);
            }
            1 => {
                body.variable(V128);
                body.variable(V128);
                let op = pool()
                    .same
                    .of(V128)
                    .iter()
                    .find(|it| it.op == Op::I8x16Shuffle);
                body.pool_op(op.expect("the table has the shuffle"));
            }
            2 => {
                // A shift by a constant, with amounts beyond the width of a lane.
                let shifts: Vec<PoolOp> = (pool().lanes.of(V128).iter())
                    .filter(|it| it.params.len() == 2 && it.lanes == 0)
                    .copied()
                    .collect();
                let op = body.random.pick(&shifts);
                body.variable(V128);
                let amount = body
                    .random
                    .pick(&[0, 1, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65]);
                body.integer(ValType::I32, amount);
                body.pool_op(&op);
            }
            _ => {
                let op = body.random.pick(pool().same.of(V128));
                let constant_at = body.random.below(op.params.len() as u64) as usize;
                for index in 0..op.params.len() {
                    match index == constant_at {
                        true => body.constant(V128),
                        false => body.variable(V128),
                    }
                }
                body.pool_op(&op);
            }
        }
        body.sink(V128);
    }
}

/// Lanes taken out, put in and compared.
pub(super) fn lanes(body: &mut Body<'_>) {
    for _ in 0..body.random.range(2, 5) {
        let types = [
            ValType::I32,
            ValType::I64,
            ValType::F32,
            ValType::F64,
            V128,
            V128,
        ];
        let ty = body.random.pick(&types);
        let op = body.random.pick(pool().lanes.of(ty));
        for param in op.params {
            let param = value_type(*param);
            match body.random.chance(60) {
                true => body.variable(param),
                false => body.expr(param, 1),
            }
        }
        body.pool_op(&op);
        body.sink(ty);
    }
}

/// Loads and stores of vectors and their parts.
pub(super) fn memory(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 4) {
        let Some(memory) = body.some_memory() else {
            return;
        };
        let stores = body.random.chance(50);
        let op = match stores {
            true => body.random.pick(&pool().vector_stores),
            false => body.random.pick(pool().vector_loads.of(V128)),
        };
        body.access(&op, memory);
        if let Some(result) = op.result {
            body.sink(result);
        }
    }
}

/// Relaxed operations.
pub(super) fn relaxed(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 3) {
        let op = body.random.pick(pool().relaxed.of(V128));
        body.apply(&op, 1);
        body.sink(V128);
    }
}
