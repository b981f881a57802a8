//! Motifs about exceptions: locals of every type that are written before and inside of a handler's
//! range, exceptions that pass through frames, exceptions that are thrown again.

use std::borrow::Cow;

use wasm_encoder::{BlockType, Catch, Instruction as I, ValType};

use super::super::body::{Body, Opening};

/// A function that throws the exception of a tag if a condition of its first argument holds.
fn thrower(body: &mut Body<'_>, tag: u32) -> u32 {
    let mut params = vec![ValType::I32];
    params.extend(body.types(0, 4));
    let results = body.types(0, 2);
    body.helper(&params, &results, |body, _| {
        for (index, ty) in (0..).zip(body.sig.params.clone()) {
            body.emit(&I::LocalGet(index));
            body.mix(ty);
        }
        let bit = 1 << body.random.below(3);
        body.emit_all(&[I::LocalGet(0), I::I32Const(bit), I::I32And]);
        body.open(Opening::If, &[], &[]);
        throw(body, tag);
        body.end();
        body.results();
    })
}

fn throw(body: &mut Body<'_>, tag: u32) {
    let params = body.program.tags[tag as usize].clone();
    body.exprs(&params, 1);
    body.emit(&I::Throw(tag));
}

fn some_tag(body: &mut Body<'_>) -> u32 {
    body.random.below(body.program.tags.len() as u64) as u32
}

/// Locals of several types with values.
fn live(body: &mut Body<'_>) -> Vec<(u32, ValType)> {
    let count = body.random.range(2, 12);
    let mut locals = Vec::new();
    for _ in 0..count {
        let ty = body.number_type();
        body.expr(ty, 1);
        locals.push((body.keep(ty), ty));
    }
    locals
}

/// Calls a function and takes what it returns.
fn call(body: &mut Body<'_>, callee: u32) {
    if body.may_call(callee) {
        let sig = body.program.functions[callee as usize].sig.clone();
        body.exprs(&sig.params, 1);
        body.call(callee);
        body.sink_all(&sig.results);
    }
}

/// Writes some locals, so that a handler sees which of the writes came before the exception.
fn write(body: &mut Body<'_>, locals: &[(u32, ValType)]) {
    for (local, ty) in locals {
        if body.random.chance(50) {
            body.expr(*ty, 1);
            body.emit(&I::LocalSet(*local));
        }
    }
}

fn mix_all(body: &mut Body<'_>, locals: &[(u32, ValType)]) {
    for (local, ty) in locals {
        body.emit(&I::LocalGet(*local));
        body.mix(*ty);
    }
}

/// Begins a `try_table` without parameters or results.
fn open_try(body: &mut Body<'_>, catches: Vec<Catch>) {
    body.emit(&I::TryTable(BlockType::Empty, Cow::from(catches)));
    body.enter(Vec::new(), false);
}

/// Calls that may throw, in a handler's range, with locals that live across them.
pub(super) fn caught(body: &mut Body<'_>) {
    let tag = some_tag(body);
    let callee = thrower(body, tag);
    let locals = live(body);
    let params = body.program.tags[tag as usize].clone();
    let has_all = body.random.chance(30);
    let inline = body.random.chance(20);
    body.open(Opening::Block, &[], &[]);
    body.open(Opening::Block, &[], &params);
    let mut catches = vec![Catch::One { tag, label: 0 }];
    if has_all {
        catches.push(Catch::All { label: 1 });
    }
    open_try(body, catches);
    write(body, &locals);
    call(body, callee);
    write(body, &locals);
    call(body, callee);
    if inline {
        body.condition(1);
        body.open(Opening::If, &[], &[]);
        throw(body, tag);
        body.end();
    }
    write(body, &locals);
    body.end();
    body.exprs(&params, 1);
    body.end();
    body.sink_all(&params);
    mix_all(body, &locals);
    body.end();
    mix_all(body, &locals);
}

/// An exception that passes a frame with handlers of other tags, or with none.
pub(super) fn through_frame(body: &mut Body<'_>) {
    let tag = some_tag(body);
    let callee = thrower(body, tag);
    let other = some_tag(body);
    let has_handler = body.random.chance(60) && other != tag;
    let middle = body.helper(&[ValType::I32, ValType::F64], &[ValType::I64], |body, _| {
        let locals = live(body);
        if has_handler {
            let params = body.program.tags[other as usize].clone();
            body.open(Opening::Block, &[], &params);
            open_try(
                body,
                vec![Catch::One {
                    tag: other,
                    label: 0,
                }],
            );
            call(body, callee);
            body.end();
            body.exprs(&params, 0);
            body.end();
            body.sink_all(&params);
        } else {
            call(body, callee);
        }
        mix_all(body, &locals);
        body.results();
    });
    let locals = live(body);
    let params = body.program.tags[tag as usize].clone();
    body.open(Opening::Block, &[], &params);
    open_try(body, vec![Catch::One { tag, label: 0 }]);
    call(body, middle);
    write(body, &locals);
    call(body, middle);
    body.end();
    body.exprs(&params, 1);
    body.end();
    body.sink_all(&params);
    mix_all(body, &locals);
}

/// An exception caught as a reference and thrown again, into an outer handler.
pub(super) fn thrown_again(body: &mut Body<'_>) {
    let tag = some_tag(body);
    let callee = thrower(body, tag);
    let locals = live(body);
    let params = body.program.tags[tag as usize].clone();
    let by_all = body.random.chance(40);
    let exception = body.fixed(ValType::EXNREF);
    let mut caught = if by_all { Vec::new() } else { params.clone() };
    caught.push(ValType::EXNREF);
    body.open(Opening::Block, &[], &[]);
    body.open(Opening::Block, &[], &params);
    // The outer handler: the same tag.
    open_try(body, vec![Catch::One { tag, label: 0 }]);
    body.open(Opening::Block, &[], &caught);
    let inner = match by_all {
        true => Catch::AllRef { label: 0 },
        false => Catch::OneRef { tag, label: 0 },
    };
    open_try(body, vec![inner]);
    write(body, &locals);
    call(body, callee);
    write(body, &locals);
    body.end();
    // Nothing was thrown: past both handlers.
    body.emit(&I::Br(3));
    body.end();
    body.emit(&I::LocalSet(exception));
    if !by_all {
        body.sink_all(&params);
    }
    write(body, &locals);
    body.emit_all(&[I::LocalGet(exception), I::ThrowRef]);
    body.end();
    body.emit(&I::Unreachable);
    body.end();
    body.sink_all(&params);
    mix_all(body, &locals);
    body.end();
    mix_all(body, &locals);
}

/// The legacy instructions: `try` with handlers, and `rethrow` into an outer one.
pub(super) fn legacy(body: &mut Body<'_>) {
    let tag = some_tag(body);
    let callee = thrower(body, tag);
    let locals = live(body);
    let params = body.program.tags[tag as usize].clone();
    let rethrows = body.random.chance(50);
    let has_all = body.random.chance(50);
    if rethrows {
        body.open(Opening::Try, &[], &[]);
    }
    body.open(Opening::Try, &[], &[ValType::I64]);
    write(body, &locals);
    call(body, callee);
    write(body, &locals);
    body.expr(ValType::I64, 1);
    body.emit(&I::Catch(tag));
    body.sink_all(&params);
    mix_all(body, &locals);
    if rethrows {
        body.condition(1);
        body.open(Opening::If, &[], &[]);
        body.emit(&I::Rethrow(1));
        body.end();
    }
    body.expr(ValType::I64, 1);
    if has_all {
        body.emit(&I::CatchAll);
        mix_all(body, &locals);
        body.expr(ValType::I64, 1);
    }
    body.end();
    body.mix(ValType::I64);
    if rethrows {
        body.emit(&I::CatchAll);
        mix_all(body, &locals);
        body.end();
    }
    mix_all(body, &locals);
}

/// A legacy `try` that hands its exceptions on to an outer one.
pub(super) fn delegate(body: &mut Body<'_>) {
    let tag = some_tag(body);
    let callee = thrower(body, tag);
    let locals = live(body);
    let params = body.program.tags[tag as usize].clone();
    body.open(Opening::Try, &[], &[]);
    // A handler in between, which the delegation passes by.
    body.open(Opening::Try, &[], &[]);
    body.open(Opening::Try, &[], &[]);
    write(body, &locals);
    call(body, callee);
    body.emit(&I::Delegate(1));
    body.leave();
    write(body, &locals);
    body.emit(&I::CatchAll);
    body.integer(ValType::I64, 0xBAD);
    body.mix(ValType::I64);
    body.end();
    body.emit(&I::Catch(tag));
    body.sink_all(&params);
    mix_all(body, &locals);
    body.end();
    mix_all(body, &locals);
}
