//! Motifs about registers: many live values, moves in parallel, values that live across calls,
//! loops and merges, locals that are set while an older value of them is still on the stack.

use wasm_encoder::{Instruction as I, ValType};

use super::super::body::{Body, Opening};

/// More values at once than there are registers, used in another order than made.
pub(super) fn pressure(body: &mut Body<'_>) {
    let count = body.random.range(10, 36);
    let mixed = body.random.chance(50);
    let one = body.number_type();
    let types: Vec<ValType> = (0..count)
        .map(|_| if mixed { body.number_type() } else { one })
        .collect();
    if body.random.chance(40) {
        // On the operand stack, taken from the top.
        for ty in &types {
            body.expr(*ty, 1);
        }
        if body.random.chance(30) {
            body.statement();
        }
        for ty in types.iter().rev() {
            body.mix(*ty);
        }
        return;
    }
    let mut locals = Vec::new();
    for ty in types {
        body.expr(ty, 1);
        locals.push((body.keep(ty), ty));
    }
    if body.random.chance(30) {
        body.nested(Body::statement);
    }
    body.random.shuffle(&mut locals);
    for (local, ty) in locals {
        body.emit(&I::LocalGet(local));
        body.mix(ty);
    }
}

/// New locals of one type, with values.
fn several(body: &mut Body<'_>, low: usize, high: usize) -> (Vec<u32>, ValType) {
    let ty = body.number_type();
    let count = body.random.range(low, high);
    let mut locals = Vec::new();
    for _ in 0..count {
        body.expr(ty, 1);
        locals.push(body.keep(ty));
    }
    (locals, ty)
}

/// Locals that change places in a loop: cycles of moves.
pub(super) fn rotation(body: &mut Body<'_>) {
    let (locals, ty) = several(body, 2, 6);
    let mut sources = locals.clone();
    body.random.shuffle(&mut sources);
    if body.random.chance(30) {
        sources[0] = sources[sources.len() - 1];
    }
    let move_all = |body: &mut Body<'_>| {
        for source in &sources {
            body.emit(&I::LocalGet(*source));
        }
        for target in locals.iter().rev() {
            body.emit(&I::LocalSet(*target));
        }
    };
    match body.random.chance(70) {
        true => body.counted_loop(Some(&mut |body: &mut Body<'_>, _| {
            move_all(body);
            if body.random.chance(50) {
                body.emit(&I::LocalGet(locals[0]));
                body.mix(ty);
            }
        })),
        false => {
            body.condition(2);
            body.open(Opening::If, &[], &[]);
            move_all(body);
            body.end();
        }
    }
    for local in &locals {
        body.emit(&I::LocalGet(*local));
        body.mix(ty);
    }
}

/// A loop with parameters that change places on the way round.
pub(super) fn loop_parameters(body: &mut Body<'_>) {
    let count = body.random.range(2, 7);
    let one = body.number_type();
    let mixed = body.random.chance(40);
    let types: Vec<ValType> = (0..count)
        .map(|_| if mixed { body.number_type() } else { one })
        .collect();
    let trips = body.random.range(2, 6) as u64;
    let types = &types;
    body.repeated(trips, |body| {
        let counter = body.fixed(ValType::I32);
        body.emit_all(&[I::I32Const(trips as i32), I::LocalSet(counter)]);
        body.exprs(types, 1);
        body.open(Opening::Loop, types, types);
        let kept: Vec<(u32, ValType)> =
            types.iter().rev().map(|ty| (body.keep(*ty), *ty)).collect();
        // The parameters again, in an order that the types allow.
        let mut order = kept.clone();
        body.random.shuffle(&mut order);
        for ty in types {
            match order.iter().position(|(_, it)| it == ty) {
                Some(at) => {
                    let (local, _) = order.remove(at);
                    body.emit(&I::LocalGet(local));
                }
                None => body.expr(*ty, 1),
            }
        }
        if body.random.chance(40) {
            // A value of the first parameter is used below the branch as well.
            body.emit(&I::LocalGet(kept[0].0));
            body.mix(kept[0].1);
        }
        body.emit_all(&[
            I::LocalGet(counter),
            I::I32Const(1),
            I::I32Sub,
            I::LocalTee(counter),
            I::BrIf(0),
        ]);
        body.end();
        body.sink_all(types);
    });
}

/// A block whose ends give its results in different orders.
pub(super) fn permuted_results(body: &mut Body<'_>) {
    let (locals, ty) = several(body, 2, 6);
    let types = vec![ty; locals.len()];
    let mut other = locals.clone();
    body.random.shuffle(&mut other);
    match body.random.chance(50) {
        true => {
            body.condition(2);
            body.open(Opening::If, &[], &types);
            locals.iter().for_each(|it| body.emit(&I::LocalGet(*it)));
            body.emit(&I::Else);
            other.iter().for_each(|it| body.emit(&I::LocalGet(*it)));
            body.end();
        }
        false => {
            body.open(Opening::Block, &[], &types);
            locals.iter().for_each(|it| body.emit(&I::LocalGet(*it)));
            body.condition(2);
            body.emit(&I::BrIf(0));
            types.iter().for_each(|_| body.emit(&I::Drop));
            other.iter().for_each(|it| body.emit(&I::LocalGet(*it)));
            body.end();
        }
    }
    // The results become the locals again, so that the next use sees the order.
    let targets: Vec<u32> = locals.iter().rev().copied().collect();
    targets.iter().for_each(|it| body.emit(&I::LocalSet(*it)));
    for local in &locals {
        body.emit(&I::LocalGet(*local));
        body.mix(ty);
    }
}

/// The old value of a local is on the stack while the local gets a new one.
pub(super) fn set_and_tee(body: &mut Body<'_>) {
    let (locals, ty) = several(body, 2, 3);
    let (a, b) = (locals[0], locals[1]);
    let op = |body: &mut Body<'_>| {
        let ops = super::super::pool::pool().same.of(ty);
        let binary: Vec<_> = ops.iter().filter(|it| it.params.len() == 2).collect();
        let op = body.random.pick(&binary);
        body.pool_op(op);
    };
    for _ in 0..body.random.range(1, 4) {
        match body.random.below(6) {
            // a, then a set: the stack has the old one.
            0 => {
                body.emit(&I::LocalGet(a));
                body.expr(ty, 1);
                body.emit_all(&[I::LocalSet(a), I::LocalGet(a)]);
                op(body);
            }
            1 => {
                body.emit_all(&[I::LocalGet(a), I::LocalGet(b)]);
                op(body);
                body.emit_all(&[I::LocalTee(a), I::LocalGet(a)]);
                op(body);
            }
            // A copy, and a change of the original.
            2 => {
                body.emit_all(&[I::LocalGet(a), I::LocalSet(b)]);
                body.expr(ty, 1);
                body.emit_all(&[I::LocalSet(a), I::LocalGet(b), I::LocalGet(a)]);
                op(body);
            }
            3 => {
                body.emit_all(&[I::LocalGet(a), I::LocalGet(b), I::LocalSet(a)]);
                body.emit_all(&[I::LocalTee(b), I::LocalGet(a)]);
                op(body);
            }
            // The same over a branch.
            4 => {
                body.emit(&I::LocalGet(a));
                body.condition(1);
                body.open(Opening::If, &[], &[]);
                body.expr(ty, 1);
                body.emit(&I::LocalSet(a));
                body.end();
                body.emit(&I::LocalGet(a));
                op(body);
            }
            // The same over a statement that may write it.
            _ => {
                body.emit_all(&[I::LocalGet(a), I::LocalGet(b)]);
                body.nested(Body::statement);
                op(body);
                body.emit_all(&[I::LocalTee(a), I::LocalGet(b)]);
                op(body);
            }
        }
        body.emit(&I::LocalTee(b));
        body.mix(ty);
    }
    body.emit(&I::LocalGet(a));
    body.mix(ty);
}

/// Values of every type that are needed before and after a call.
pub(super) fn live_across_calls(body: &mut Body<'_>) {
    let count = body.random.range(3, 16);
    let types: Vec<ValType> = (0..count).map(|_| body.number_type()).collect();
    let on_stack = body.random.chance(40);
    let mut locals = Vec::new();
    for ty in &types {
        body.expr(*ty, 1);
        if !on_stack {
            locals.push(body.keep(*ty));
        }
    }
    for _ in 0..body.random.range(1, 3) {
        let params = body.types(0, 5);
        let results = body.types(0, 3);
        let callee = body.helper(&params, &results, |body, _| {
            body.statements(2);
            body.results();
        });
        if body.may_call(callee) {
            body.exprs(&params, 1);
            body.call(callee);
            body.sink_all(&results);
        }
    }
    match on_stack {
        true => types.iter().rev().for_each(|ty| body.mix(*ty)),
        false => {
            for (local, ty) in locals.into_iter().zip(types) {
                body.emit(&I::LocalGet(local));
                body.mix(ty);
            }
        }
    }
}

/// Locals that get different values on the ways to one place.
pub(super) fn merge(body: &mut Body<'_>) {
    let (locals, ty) = several(body, 3, 8);
    body.condition(2);
    body.open(Opening::If, &[], &[]);
    for pair in locals.windows(2) {
        body.emit_all(&[I::LocalGet(pair[1]), I::LocalSet(pair[0])]);
    }
    body.nested(Body::statement);
    body.emit(&I::Else);
    for pair in locals.windows(2).rev() {
        body.emit_all(&[I::LocalGet(pair[0]), I::LocalSet(pair[1])]);
    }
    let constant = locals[body.random.range(0, locals.len() - 1)];
    body.constant(ty);
    body.emit(&I::LocalSet(constant));
    body.end();
    for local in locals {
        body.emit(&I::LocalGet(local));
        body.mix(ty);
    }
}
