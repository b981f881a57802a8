//! Motifs about control flow: tables of branches with operands, loops with several exits, chains of
//! conditions.

use std::borrow::Cow;

use wasm_encoder::{Instruction as I, ValType};

use super::super::body::{Body, Opening};

/// `br_table` that takes operands along, to labels of the same types.
pub(super) fn switch_values(body: &mut Body<'_>) {
    let types: Vec<ValType> = (0..body.random.range(1, 4))
        .map(|_| body.number_type())
        .collect();
    let arms = body.random.range(2, 5);
    for _ in 0..arms {
        body.open(Opening::Block, &[], &types);
    }
    body.exprs(&types, 1);
    body.expr(ValType::I32, 1);
    let has_mask = body.random.chance(70);
    if has_mask {
        body.emit_all(&[I::I32Const(7), I::I32And]);
    }
    let count = body.random.range(0, 9);
    let labels: Vec<u32> = (0..count)
        .map(|_| body.random.below(arms as u64) as u32)
        .collect();
    let default = body.random.below(arms as u64) as u32;
    body.emit(&I::BrTable(Cow::from(labels), default));
    for arm in (0..arms).rev() {
        body.end();
        body.sink_all(&types);
        if arm > 0 {
            body.exprs(&types, 1);
            let out = body.random.below(arm as u64) as u32;
            body.emit(&I::Br(out));
        }
    }
}

/// A loop that several branches leave, with different values of the same locals.
pub(super) fn exits(body: &mut Body<'_>) {
    let ty = body.number_type();
    body.expr(ty, 1);
    let value = body.keep(ty);
    body.open(Opening::Block, &[], &[ty]);
    body.open(Opening::Block, &[], &[]);
    body.counted_loop(Some(&mut |body: &mut Body<'_>, counter| {
        body.expr(ty, 2);
        body.emit(&I::LocalTee(value));
        body.mix(ty);
        // The depths are those of a loop in one block or in two: out of the function's own blocks
        // there is one that fits.
        body.emit_all(&[I::LocalGet(counter), I::I32Const(3), I::I32Eq]);
        body.open(Opening::If, &[], &[]);
        body.branch_out();
        body.end();
        body.nested(Body::statement);
    }));
    body.condition(1);
    body.emit(&I::BrIf(0));
    body.emit_all(&[I::LocalGet(value), I::Br(1)]);
    body.end();
    body.expr(ty, 1);
    body.end();
    body.mix(ty);
}

/// Conditions that follow from each other, as `&&`, `||` and `switch` become.
pub(super) fn conditions(body: &mut Body<'_>) {
    let value = body.local(ValType::I32);
    body.expr(ValType::I32, 2);
    body.emit(&I::LocalSet(value));
    let count = body.random.range(2, 5);
    for _ in 0..count {
        body.open(Opening::Block, &[], &[]);
    }
    for depth in 0..count as u32 {
        body.emit(&I::LocalGet(value));
        body.constant(ValType::I32);
        let compare = body.random.below(6);
        body.emit(
            &[
                I::I32Eq,
                I::I32Ne,
                I::I32LtS,
                I::I32LtU,
                I::I32GtS,
                I::I32GeU,
            ][compare as usize],
        );
        body.emit(&I::BrIf(depth));
        if body.random.chance(30) {
            body.emit_all(&[
                I::LocalGet(value),
                I::I32Const(1),
                I::I32Add,
                I::LocalSet(value),
            ]);
        }
    }
    for _ in 0..count {
        body.nested(Body::statement);
        body.end();
        let place = body.random.bits();
        body.integer(ValType::I64, place);
        body.mix(ValType::I64);
    }
}
