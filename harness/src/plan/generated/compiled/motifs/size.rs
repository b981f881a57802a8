//! Motifs about size: frames beyond what immediates reach, functions of very many blocks.

use wasm_encoder::{Instruction as I, ValType};

use super::super::body::{Body, Opening};

/// Values in so many locals, all of them live, that the frame is large.
pub(super) fn frame(body: &mut Body<'_>) {
    // 4096 bytes and 32 KiB are 512 and 4096 slots.
    let count = body.random.pick(&[150, 300, 520, 520, 1030, 4100]);
    let callee = body.helper(&[ValType::I64, ValType::F64], &[ValType::I64], |body, _| {
        let types = [ValType::I64, ValType::I64, ValType::F64, ValType::I32];
        let mut locals = Vec::new();
        for number in 0..count {
            let ty = body.random.pick(&types);
            let local = body.fixed(ty);
            locals.push((local, ty));
            match ty {
                ValType::F64 => body.emit_all(&[
                    I::LocalGet(1),
                    I::F64Const(f64::from(number).into()),
                    I::F64Add,
                ]),
                ValType::I64 => {
                    body.emit_all(&[I::LocalGet(0), I::I64Const(i64::from(number)), I::I64Xor])
                }
                _ => body.emit_all(&[
                    I::LocalGet(0),
                    I::I32WrapI64,
                    I::I32Const(number as i32),
                    I::I32Add,
                ]),
            }
            body.emit(&I::LocalSet(local));
        }
        body.left = 60;
        body.statement();
        for (local, ty) in locals.into_iter().rev() {
            body.emit(&I::LocalGet(local));
            body.mix(ty);
        }
        let hash = body.hash();
        body.emit(&I::LocalGet(hash));
    });
    body.expr(ValType::I64, 1);
    body.expr(ValType::F64, 1);
    // The function is executed once, whatever it costs.
    body.call(callee);
    body.mix(ValType::I64);
}

/// A function of so many blocks that its parts are far from each other.
pub(super) fn blocks(body: &mut Body<'_>) {
    let count = body.random.pick(&[100, 300, 600, 1500]);
    let callee = body.helper(&[ValType::I64, ValType::I32], &[ValType::I64], |body, _| {
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
            body.emit_all(&[
                I::LocalGet(1),
                I::I32Const(number as i32 * 7 + 1),
                I::I32Mul,
                I::I32Const(number as i32),
                I::I32Add,
                I::LocalSet(1),
            ]);
            body.emit(&I::Else);
            body.emit_all(&[
                I::LocalGet(1),
                I::I32Const(0x4000_0000),
                I::I32Eq,
                I::BrIf(1),
            ]);
            body.end();
        }
        body.end();
        body.emit(&I::LocalGet(1));
        body.mix(ValType::I32);
        let hash = body.hash();
        body.emit(&I::LocalGet(hash));
    });
    body.expr(ValType::I64, 1);
    body.expr(ValType::I32, 1);
    body.call(callee);
    body.mix(ValType::I64);
}
