//! Motifs about calls: many arguments of mixed types, tail calls in both directions, recursion.

use wasm_encoder::{HeapType, Instruction as I, ValType};

use super::super::body::{Body, Opening};
use crate::features::Proposal;

/// A call with more arguments than registers, in another order than the locals that they come of.
pub(super) fn many_arguments(body: &mut Body<'_>) {
    let params = body.types(6, 26);
    let results = body.types(0, 8);
    let count = params.len();
    let callee = body.helper(&params, &results, |body, _| {
        // Every parameter counts, by its place.
        for (index, ty) in (0..count as u32).zip(body.sig.params.clone()) {
            body.emit(&I::LocalGet(index));
            body.mix(ty);
        }
        body.results();
    });
    for _ in 0..body.random.range(1, 2) {
        if body.may_call(callee) {
            body.exprs(&params, 1);
            body.call(callee);
            body.sink_all(&results);
        }
    }
}

/// Ends a function by a tail call of any kind; the arguments are on the stack.
fn return_call(body: &mut Body<'_>, function: u32) {
    let func = &body.program.functions[function as usize];
    let (type_index, slot) = (func.ty, func.slot);
    let by_table = body.program.has_slot(function);
    match body.random.below(4) {
        0 if by_table => {
            body.slot(slot);
            body.emit(&I::ReturnCallIndirect {
                type_index,
                table_index: 0,
            });
        }
        1 if body.has(Proposal::FunctionReferences) => {
            body.emit_all(&[I::RefFunc(function), I::ReturnCallRef(type_index)]);
        }
        2 if by_table && body.has(Proposal::Gc) => {
            body.slot(slot);
            body.emit_all(&[
                I::TableGet(0),
                I::RefCastNonNull(HeapType::Concrete(type_index)),
                I::ReturnCallRef(type_index),
            ]);
        }
        _ => body.emit(&I::ReturnCall(function)),
    }
}

/// A tail call from few arguments to many, or from many to few, or of an imported function.
pub(super) fn tail(body: &mut Body<'_>) {
    let results = body.types(0, 4);
    let (few, many) = (body.types(0, 4), body.types(5, 20));
    let (outer, inner) = match body.random.chance(50) {
        true => (few, many),
        false => (many, few),
    };
    // A function with the same results that is complete, or a new one.
    let functions = body.program.functions.iter().enumerate();
    let known = functions.filter(|(_, it)| it.is_ready && it.sig.results == results);
    let known: Vec<u32> = known.map(|(index, _)| index as u32).collect();
    let target = match !known.is_empty() && body.random.chance(60) {
        true => body.random.pick(&known),
        false => body.helper(&inner, &results, |body, _| {
            for (index, ty) in (0..).zip(body.sig.params.clone()) {
                body.emit(&I::LocalGet(index));
                body.mix(ty);
            }
            body.results();
        }),
    };
    let params = body.program.functions[target as usize].sig.params.clone();
    let middle = body.helper(&outer, &results, |body, _| {
        let conditional = body.random.chance(40);
        if conditional {
            body.condition(1);
            body.open(Opening::If, &[], &[]);
        }
        if body.may_call(target) {
            body.exprs(&params, 1);
            return_call(body, target);
        } else {
            body.results();
            body.emit(&I::Return);
        }
        if conditional {
            body.end();
            body.results();
        }
    });
    if body.may_call(middle) {
        body.exprs(&outer, 1);
        body.call(middle);
        body.sink_all(&results);
    }
}

/// Cuts parameter 0, which says how deep the function still calls itself: others may call it, too.
fn depth_at_most(body: &mut Body<'_>, mask: i32) {
    body.fix(0);
    body.emit_all(&[I::LocalGet(0), I::I32Const(mask), I::I32And, I::LocalSet(0)]);
}

/// A function that calls itself in its tail, with its arguments exchanged.
pub(super) fn tail_recursion(body: &mut Body<'_>) {
    let mut params = vec![ValType::I32];
    let one = body.number_type();
    let mixed = body.random.chance(40);
    for _ in 0..body.random.range(2, 10) {
        params.push(if mixed { body.number_type() } else { one });
    }
    let results = vec![ValType::I64];
    let depth = body.random.range(1, 12);
    let callee = body.helper(&params, &results, |body, own| {
        let types = body.sig.params.clone();
        depth_at_most(body, 15);
        body.repeated(16, |body| {
            body.emit_all(&[I::LocalGet(0), I::I32Eqz]);
            body.open(Opening::If, &[], &[]);
            for (index, ty) in (0..).zip(types.clone()) {
                body.emit(&I::LocalGet(index));
                body.mix(ty);
            }
            let hash = body.hash();
            body.emit_all(&[I::LocalGet(hash), I::Return]);
            body.end();
            body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32Sub]);
            let mut order: Vec<u32> = (1..types.len() as u32).collect();
            body.random.shuffle(&mut order);
            for ty in &types[1..] {
                let fits = |it: &u32| types[*it as usize] == *ty;
                match order.iter().position(fits) {
                    Some(at) if body.random.chance(80) => {
                        let local = order.remove(at);
                        body.emit(&I::LocalGet(local));
                    }
                    _ => body.expr(*ty, 1),
                }
            }
            return_call(body, own);
        });
    });
    if body.may_call(callee) {
        body.integer(ValType::I32, depth as u64 - 1);
        body.exprs(&params[1..], 1);
        body.call(callee);
        body.sink_all(&results);
    }
}

/// A function that calls itself twice, with values that live across the calls.
pub(super) fn recursion(body: &mut Body<'_>) {
    let kept = body.number_type();
    let params = vec![ValType::I32, kept];
    let results = vec![kept, ValType::I64];
    let depth = body.random.range(1, 3);
    let callee = body.helper(&params, &results, |body, own| {
        depth_at_most(body, 3);
        body.repeated(16, |body| {
            body.emit_all(&[I::LocalGet(0), I::I32Const(0), I::I32LeS]);
            body.open(Opening::If, &[], &[]);
            body.emit_all(&[I::LocalGet(1), I::I64Const(1), I::Return]);
            body.end();
            body.expr(kept, 2);
            let live = body.keep(kept);
            for _ in 0..2 {
                body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32Sub]);
                body.expr(kept, 1);
                body.call(own);
                body.mix(ValType::I64);
                body.emit(&I::LocalTee(1));
                body.mix(kept);
            }
            let hash = body.hash();
            body.emit_all(&[I::LocalGet(live), I::LocalGet(hash)]);
        });
    });
    if body.may_call(callee) {
        body.integer(ValType::I32, depth as u64);
        body.expr(kept, 1);
        body.call(callee);
        body.sink_all(&results);
    }
}

/// A call, or a tail call by way of another function, that leaves the instance, with accesses to
/// the instance's own memory and globals around it.
pub(super) fn across(body: &mut Body<'_>) {
    let count = body.program.imported_functions();
    if count == 0 {
        return;
    }
    let target = body.random.below(u64::from(count)) as u32;
    let sig = body.program.functions[target as usize].sig.clone();
    let outer = body.types(0, 8);
    let callee = match body.random.chance(60) && body.has(Proposal::TailCall) {
        true => body.helper(&outer, &sig.results, |body, _| {
            if body.may_call(target) {
                body.store();
                body.exprs(&sig.params, 1);
                return_call(body, target);
            } else {
                body.results();
            }
        }),
        false => target,
    };
    let params = body.program.functions[callee as usize].sig.params.clone();
    if body.may_call(callee) {
        body.store();
        body.exprs(&params, 1);
        body.call(callee);
        body.sink_all(&sig.results);
        body.load(ValType::I64);
        body.mix(ValType::I64);
        if let Some(global) = body.some_global(ValType::I64, false) {
            body.emit(&I::GlobalGet(global));
            body.mix(ValType::I64);
        }
    }
}
