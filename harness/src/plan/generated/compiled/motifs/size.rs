//! Motifs about size: frames beyond what immediates reach, functions of very many blocks.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::body::{Body, Opening};

/// Values in so many locals, all of them live, that the frame is large.
pub(super) fn frame(body: &mut Body<'_>) {
    // 4096 bytes and 32 KiB are 512 and 4096 slots. The larger frame takes long to compile.
    let slots = [(8, 150), (8, 300), (12, 520), (1, 4100)];
    let count = body.random.weighted(&slots);
    let callee = body.helper(&[ValType::I64, ValType::F64], &[ValType::I64], |body, _| {
        let mut locals = Vec::new();
        body.emit(&I::LocalGet(0));
        for number in 0..count {
            let is_float = count < 1000 && number % 4 == 3;
            let local = body.fixed(if is_float { ValType::F64 } else { ValType::I64 });
            locals.push((local, is_float));
            body.emit_all(&[I::I64Const(i64::from(number) * 0x1_0001), I::I64Add]);
            match is_float {
                true => body.emit_all(&[I::LocalGet(1), I::LocalSet(local)]),
                false => body.emit(&I::LocalTee(local)),
            }
        }
        body.mix(ValType::I64);
        body.left = 60;
        body.statement();
        body.emit(&I::I64Const(0));
        for (local, is_float) in locals.into_iter().rev() {
            body.emit(&I::LocalGet(local));
            if is_float {
                body.emit(&I::I64ReinterpretF64);
            }
            let op = body.random.pick(&[Op::I64Add, Op::I64Sub, Op::I64Xor]);
            body.opcode(op);
        }
        body.mix(ValType::I64);
        let hash = body.hash();
        body.emit(&I::LocalGet(hash));
    });
    body.expr(ValType::I64, 1);
    body.expr(ValType::F64, 1);
    // The function is executed once, whatever it costs.
    body.call(callee);
    body.mix(ValType::I64);
}

/// A function of so many blocks that its parts are far from each other, with values in several
/// registers that change places on the ways to each merge. The largest is beyond the size up to
/// which registers are allocated well.
pub(super) fn blocks(body: &mut Body<'_>) {
    use ValType::{F64, I32, I64};
    let count = body.random.weighted(&[(6, 60), (6, 250), (1, 750)]);
    let callee = body.helper(&[I64, I32], &[I64], |body, _| {
        let types = [I64, I64, I64, I32, I32, F64, F64, I64, F64];
        let locals = types.map(|ty| {
            body.constant(ty);
            body.keep(ty)
        });
        let [a, b, c, p, q, x, y, through, high] = locals;
        body.open(Opening::Block, &[], &[]);
        for number in 0..count {
            body.emit_all(&[
                I::LocalGet(0),
                I::I64Const(i64::from(number % 64)),
                I::I64Rotl,
                I::I64Const(1),
                I::I64And,
                I::I32WrapI64,
            ]);
            body.open(Opening::If, &[], &[]);
            body.emit_all(&[I::LocalGet(a), I::LocalGet(b), I::LocalGet(c)]);
            body.emit_all(&[I::LocalSet(a), I::LocalSet(c), I::LocalSet(b)]);
            body.emit_all(&[
                I::LocalGet(x),
                I::LocalGet(y),
                I::LocalSet(x),
                I::LocalSet(y),
            ]);
            body.emit(&I::Else);
            body.emit_all(&[I::LocalGet(p), I::I32Const(number * 7 + 1), I::I32Add]);
            body.emit_all(&[I::LocalGet(q), I::LocalSet(p), I::LocalSet(q)]);
            if number % 8 == 0 {
                body.emit_all(&[I::LocalGet(p), I::LocalGet(1), I::I32Eq, I::BrIf(1)]);
            }
            if number % 64 == 5 {
                body.emit_all(&[I::LocalGet(through), I::LocalSet(a)]);
                body.emit_all(&[I::LocalGet(high), I::LocalSet(y)]);
            }
            body.end();
        }
        body.end();
        for (local, ty) in locals.into_iter().zip(types) {
            body.emit(&I::LocalGet(local));
            body.mix(ty);
        }
        let hash = body.hash();
        body.emit(&I::LocalGet(hash));
    });
    body.expr(I64, 1);
    body.expr(I32, 1);
    body.call(callee);
    body.mix(I64);
}
