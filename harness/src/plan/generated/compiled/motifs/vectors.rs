//! Motifs about vectors: chains of operations, constants that instructions can and cannot hold,
//! lanes, parts of vectors in memory.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::body::Body;
use super::super::pool::{PoolOp, pool, value_type};

const V128: ValType = ValType::V128;

/// The row of an operation from vectors to a vector.
fn on_vectors(op: Op) -> PoolOp {
    let mut rows = pool().same.of(V128).iter();
    let row = rows.find(|row| row.op == op);
    *row.expect("the table has all operations")
}

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
            body.pool_op(&on_vectors(Op::I8x16Shuffle));
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
                body.pool_op(&on_vectors(Op::I8x16Shuffle));
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

/// Sums, and terms that a compiler makes part of them if the lanes have the same shape.
const SUMS: &[(Op, &[Op])] = &[
    (Op::I16x8Add, I16X8_TERMS),
    (Op::I16x8Sub, I16X8_TERMS),
    (Op::I32x4Add, I32X4_TERMS),
    (Op::I32x4Sub, I32X4_TERMS),
    (Op::I64x2Add, &[Op::I64x2Mul]),
    (Op::I64x2Sub, &[Op::I64x2Mul]),
    (Op::F32x4Add, &[Op::F32x4Mul]),
    (Op::F64x2Sub, &[Op::F64x2Mul]),
];
const I16X8_TERMS: &[Op] = &[
    Op::I16x8Mul,
    Op::I16x8ExtAddPairwiseI8x16S,
    Op::I16x8ExtAddPairwiseI8x16U,
    Op::I16x8ExtMulLowI8x16S,
];
const I32X4_TERMS: &[Op] = &[
    Op::I32x4Mul,
    Op::I32x4ExtAddPairwiseI16x8S,
    Op::I32x4ExtAddPairwiseI16x8U,
    Op::I32x4DotI16x8S,
];

/// Sums and differences of products and of sums of pairs.
pub(super) fn sums(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 3) {
        let (sum, own) = body.random.pick(SUMS);
        let others = body.random.pick(SUMS).1;
        let terms = if body.random.chance(25) { others } else { own };
        let term = body.random.pick(terms);
        let is_second = body.random.chance(65);
        if is_second {
            body.variable(V128);
        }
        let term = on_vectors(term);
        for _ in term.params {
            body.variable(V128);
        }
        body.pool_op(&term);
        // A term that is used again stays apart.
        let again = body.random.chance(20).then(|| body.fixed(V128));
        if let Some(local) = again {
            body.emit(&I::LocalTee(local));
        }
        if !is_second {
            body.variable(V128);
        }
        body.opcode(sum);
        body.sink(V128);
        if let Some(local) = again {
            body.emit(&I::LocalGet(local));
            body.mix(V128);
        }
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
