//! Motifs about scalars: pairs of operations that compilers fuse, constants of every size, the
//! upper half of registers that hold an i32, divisions by constants, comparisons.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::{Op, SigType};

use super::super::body::{Body, Opening};
use super::super::pool::{PoolOp, pool, value_type};

/// Any total scalar operation that takes a type as one of its operands.
fn taker(body: &mut Body<'_>, ty: ValType) -> PoolOp {
    loop {
        let result = body
            .random
            .pick(&[ty, ty, ValType::I32, ValType::I64, ValType::F64]);
        let from = match result == ty && body.random.chance(70) {
            true => &pool().same,
            false => &pool().cross,
        };
        let candidates = from.of(result);
        let op = body.random.pick(candidates);
        if op.params.iter().any(|it| value_type(*it) == ty) {
            return op;
        }
    }
}

/// Two operations, the second of which takes the result of the first: on either side, once or
/// twice, with locals or constants on the other sides.
pub(super) fn pair(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 4) {
        let ty = body.integer_type();
        let ty = if body.random.chance(12) {
            ValType::F64
        } else {
            ty
        };
        let op = match body.random.below(10) {
            0..6 => body.random.pick(pool().same.of(ty)),
            6..8 if ty != ValType::F64 => body.random.pick(pool().cross.of(ty)),
            _ => taker(body, ty),
        };
        let (Some(result), second) = (op.result, op.result.map(|it| taker(body, it))) else {
            continue;
        };
        let Some(second) = second else { continue };
        let first_is_right = second.params.len() == 2 && body.random.chance(50);
        let other = value_type(second.params[0]);
        if first_is_right {
            operand(body, other);
        }
        for param in op.params {
            operand(body, value_type(*param));
        }
        body.pool_op(&op);
        let used_twice = body.random.chance(20).then(|| body.local(result));
        if let Some(local) = used_twice {
            body.emit(&I::LocalTee(local));
        }
        if second.params.len() == 2 && !first_is_right {
            operand(body, other);
        }
        body.pool_op(&second);
        if let Some(result) = second.result {
            finish(body, result);
        }
        if let Some(local) = used_twice {
            body.emit(&I::LocalGet(local));
            body.mix(result);
        }
    }
}

/// A local or a constant: what an instruction can have in a register or as an immediate.
fn operand(body: &mut Body<'_>, ty: ValType) {
    match body.random.below(10) {
        0..5 => body.variable(ty),
        5..9 => body.constant(ty),
        _ => body.expr(ty, 1),
    }
}

/// A use of a value: in the hash, as a condition, to choose, to address, to store.
fn finish(body: &mut Body<'_>, ty: ValType) {
    if ty != ValType::I32 {
        return body.sink(ty);
    }
    match body.random.below(5) {
        0 => {
            body.open(Opening::If, &[], &[ValType::I64]);
            body.expr(ValType::I64, 1);
            body.emit(&I::Else);
            body.expr(ValType::I64, 1);
            body.end();
            body.mix(ValType::I64);
        }
        1 => {
            let chosen = body.number_type();
            let condition = body.keep(ValType::I32);
            body.expr(chosen, 1);
            body.expr(chosen, 1);
            body.emit(&I::LocalGet(condition));
            body.select(chosen);
            body.mix(chosen);
        }
        2 => {
            // A branch out of a block decides on it.
            let local = body.writable(ValType::I64);
            body.open(Opening::Block, &[ValType::I32], &[]);
            if body.random.chance(30) {
                body.emit(&I::I32Eqz);
            }
            body.emit(&I::BrIf(0));
            body.expr(ValType::I64, 1);
            body.emit(&I::LocalSet(local));
            body.end();
            body.emit(&I::LocalGet(local));
            body.mix(ValType::I64);
        }
        _ => body.sink(ty),
    }
}

/// Operations with constants of every size on either side.
pub(super) fn constants(body: &mut Body<'_>) {
    let ty = body.integer_type();
    for _ in 0..body.random.range(2, 5) {
        let op = match body.random.below(4) {
            0 => loop {
                let op = body.random.pick(pool().cross.of(ValType::I32));
                if op.params.len() == 2 && value_type(op.params[0]) == ty {
                    break op;
                }
            },
            _ => body.random.pick(pool().same.of(ty)),
        };
        let at = body.random.below(3);
        for (index, param) in op.params.iter().enumerate() {
            match (at == index as u64 || at == 2) && op.params.len() == 2 {
                true => body.constant(value_type(*param)),
                false => body.variable(value_type(*param)),
            }
        }
        body.pool_op(&op);
        if let Some(result) = op.result {
            body.sink(result);
        }
    }
}

/// An i32 whose register may have any upper half, in every use that takes 64 bits.
pub(super) fn dirty(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 3) {
        dirty_value(body);
        use_dirty(body);
    }
}

/// A use of the i32 on top of the stack.
fn use_dirty(body: &mut Body<'_>) {
    match body.random.below(10) {
        0 => {
            body.emit(&I::I64ExtendI32U);
            body.mix(ValType::I64);
        }
        1 => {
            body.emit(&I::I64ExtendI32S);
            body.sink(ValType::I64);
        }
        2 => {
            let convert = [Op::F64ConvertI32S, Op::F64ConvertI32U];
            let op = body.random.pick(&convert);
            body.opcode(op);
            body.sink(ValType::F64);
        }
        3 => {
            body.emit(&I::I32Eqz);
            finish(body, ValType::I32);
        }
        4 => {
            dirty_value(body);
            let compare = [Op::I32Eq, Op::I32LtS, Op::I32LtU, Op::I32GeU, Op::I32GtS];
            let op = body.random.pick(&compare);
            body.opcode(op);
            finish(body, ValType::I32);
        }
        5 => shift_by_dirty(body),
        6 => {
            let rest = [Op::I32Clz, Op::I32Ctz, Op::I32Popcnt, Op::I32Extend8S];
            let op = body.random.pick(&rest);
            body.opcode(op);
            finish(body, ValType::I32);
        }
        7 => {
            body.emit(&I::F32ReinterpretI32);
            body.sink(ValType::F32);
        }
        8 => {
            let divide = [Op::I32DivU, Op::I32RemU, Op::I32DivS, Op::I32RemS];
            let op = body.random.pick(&divide);
            body.emit(&I::I32Const(10));
            body.opcode(op);
            finish(body, ValType::I32);
        }
        _ => finish(body, ValType::I32),
    }
}

/// The i32 on top of the stack becomes the amount of a shift.
fn shift_by_dirty(body: &mut Body<'_>) {
    let amount = body.fixed(ValType::I32);
    body.emit(&I::LocalSet(amount));
    let ty = body.integer_type();
    body.expr(ty, 1);
    body.emit(&I::LocalGet(amount));
    if ty == ValType::I64 {
        body.emit(&I::I64ExtendI32U);
    }
    let i32s = [
        Op::I32Shl,
        Op::I32ShrU,
        Op::I32ShrS,
        Op::I32Rotl,
        Op::I32Rotr,
    ];
    let i64s = [
        Op::I64Shl,
        Op::I64ShrU,
        Op::I64ShrS,
        Op::I64Rotl,
        Op::I64Rotr,
    ];
    let ops = if ty == ValType::I64 { i64s } else { i32s };
    let op = body.random.pick(&ops);
    body.opcode(op);
    body.mix(ty);
}

/// An i32 that comes of 64 bits, of a load, or of arithmetic that leaves more than 32 bits.
fn dirty_value(body: &mut Body<'_>) {
    match body.random.below(8) {
        0..3 => {
            body.variable(ValType::I64);
            if body.random.chance(50) {
                body.integer(ValType::I64, 0x1234_5678_0000_0000);
                body.emit(&I::I64Or);
            }
            body.emit(&I::I32WrapI64);
        }
        3 => {
            body.variable(ValType::I64);
            let by = body.random.pick(&[1, 8, 24, 31, 32, 33, 48]);
            let signed = body.random.chance(50);
            body.integer(ValType::I64, by);
            body.emit(&if signed { I::I64ShrS } else { I::I64ShrU });
            body.emit(&I::I32WrapI64);
        }
        4 => {
            body.variable(ValType::I32);
            body.variable(ValType::I32);
            let ops = [Op::I32Add, Op::I32Sub, Op::I32Mul, Op::I32Shl, Op::I32Rotl];
            let op = body.random.pick(&ops);
            body.opcode(op);
        }
        5 => body.load(ValType::I32),
        6 => {
            body.variable(ValType::I64);
            body.emit(&I::I32WrapI64);
            let op = body.random.pick(&[Op::I32Extend8S, Op::I32Extend16S]);
            body.opcode(op);
        }
        _ => {
            body.load(ValType::I64);
            body.emit(&I::I32WrapI64);
        }
    }
}

/// Divisions and remainders by constants.
pub(super) fn division(body: &mut Body<'_>) {
    let ty = body.integer_type();
    for _ in 0..body.random.range(1, 3) {
        let power = 1u64 << body.random.below(if ty == ValType::I64 { 64 } else { 32 });
        let divisor = match body.random.below(5) {
            0 => power,
            1 => power.wrapping_neg(),
            2 => power.wrapping_add(1),
            3 => body
                .random
                .pick(&[3, 5, 6, 7, 9, 10, 12, 25, 100, 125, 641, 1000, 10_000]),
            _ => super::super::super::boundary::i64(body.random),
        };
        let cut = if ty == ValType::I64 {
            divisor
        } else {
            divisor & 0xFFFF_FFFF
        };
        let is_minus_one = cut == u64::MAX || ty == ValType::I32 && cut == 0xFFFF_FFFF;
        let divisor = if cut == 0 || is_minus_one { 7 } else { divisor };
        let op = body.random.pick(pool().divisions.of(ty));
        let value = body.fixed(ty);
        body.expr(ty, 1);
        body.emit(&I::LocalTee(value));
        body.integer(ty, divisor);
        body.opcode(op.op);
        body.sink(ty);
        if body.random.chance(50) {
            let op = body.random.pick(pool().divisions.of(ty));
            body.emit(&I::LocalGet(value));
            body.integer(ty, divisor);
            body.opcode(op.op);
            body.sink(ty);
        }
    }
    if body.random.chance(30) {
        // -1 divides everything but the least value; as a remainder it divides everything.
        body.expr(ty, 1);
        body.integer(ty, u64::MAX);
        let is64 = ty == ValType::I64;
        body.emit(&if is64 { I::I64RemS } else { I::I32RemS });
        body.sink(ty);
    }
}

/// Products of i32 that have been extended, each in its own way, and sums with them: compilers make
/// these of products of which they want all bits.
pub(super) fn long_products(body: &mut Body<'_>) {
    let extended = |body: &mut Body<'_>| {
        body.expr(ValType::I32, 1);
        let is_signed = body.random.chance(50);
        body.emit(&match is_signed {
            true => I::I64ExtendI32S,
            false => I::I64ExtendI32U,
        });
    };
    for _ in 0..body.random.range(1, 3) {
        let kind = body.random.below(4);
        if kind == 1 {
            body.variable(ValType::I64);
        }
        extended(body);
        match body.random.chance(80) {
            true => extended(body),
            false => body.variable(ValType::I64),
        }
        body.emit(&I::I64Mul);
        match kind {
            0 => {
                body.variable(ValType::I64);
                body.emit(&I::I64Add);
            }
            1 => body.emit(&I::I64Sub),
            2 => body.emit_all(&[I::I64Const(32), I::I64ShrS]),
            _ => {}
        }
        body.mix(ValType::I64);
    }
}

/// A comparison whose result decides a branch and is a value as well.
pub(super) fn compared_twice(body: &mut Body<'_>) {
    let result = body.local(ValType::I32);
    body.comparison(1);
    if body.random.chance(20) {
        body.emit(&I::I32Eqz);
    }
    body.emit(&I::LocalTee(result));
    match body.random.below(4) {
        0 => {
            body.open(Opening::If, &[], &[]);
            body.nested(Body::statement);
            body.emit(&I::LocalGet(result));
            body.mix(ValType::I32);
            body.end();
        }
        1 => {
            body.open(Opening::Block, &[ValType::I32], &[]);
            body.emit(&I::BrIf(0));
            body.nested(Body::statement);
            body.emit(&I::LocalGet(result));
            body.mix(ValType::I32);
            body.end();
        }
        2 => {
            let ty = body.number_type();
            let condition = body.keep(ValType::I32);
            body.expr(ty, 1);
            body.expr(ty, 1);
            body.emit(&I::LocalGet(condition));
            body.select(ty);
            body.mix(ty);
        }
        _ => {
            // Two comparisons joined, as && and || are.
            body.comparison(1);
            let join = body.random.pick(&[Op::I32And, Op::I32Or, Op::I32Xor]);
            body.opcode(join);
            body.open(Opening::If, &[], &[]);
            body.nested(Body::statement);
            body.end();
        }
    }
    body.emit(&I::LocalGet(result));
    body.sink(ValType::I32);
    if body.random.chance(30) {
        // The operands are compared again after one of them has changed.
        let a = body.local(ValType::I32);
        body.variable(ValType::I32);
        body.emit(&I::LocalTee(a));
        body.variable(ValType::I32);
        body.emit_all(&[
            I::I32LtS,
            I::LocalGet(a),
            I::I32Const(1),
            I::I32Add,
            I::LocalTee(a),
        ]);
        body.emit_all(&[I::I32Const(0), I::I32LtS, I::I32Or]);
        finish(body, ValType::I32);
    }
}

/// Fields of bits: shifts and masks that have instructions of their own.
pub(super) fn shift_and_mask(body: &mut Body<'_>) {
    let ty = body.integer_type();
    let is64 = ty == ValType::I64;
    let bits = if is64 { 64 } else { 32 };
    let i64s = [
        Op::I64Shl,
        Op::I64ShrU,
        Op::I64ShrS,
        Op::I64And,
        Op::I64Or,
        Op::I64Add,
    ];
    let i32s = [
        Op::I32Shl,
        Op::I32ShrU,
        Op::I32ShrS,
        Op::I32And,
        Op::I32Or,
        Op::I32Add,
    ];
    let [shl, shr_u, shr_s, and, or, add] = if is64 { i64s } else { i32s };
    let by = body.random.below(bits + 2);
    let width = body.random.range(1, bits as usize - 1) as u64;
    let mask = (1u64 << width) - 1;
    let with = |body: &mut Body<'_>, value: u64, op: Op| {
        body.integer(ty, value);
        body.opcode(op);
    };
    body.variable(ty);
    match body.random.below(6) {
        0 => {
            with(body, by, shr_u);
            with(body, mask, and);
        }
        1 => {
            with(body, mask, and);
            with(body, by, shl);
        }
        2 => {
            with(body, by, shl);
            let other = body.random.below(bits + 1);
            let second = body.random.pick(&[by, other]);
            let shift = body.random.pick(&[shr_s, shr_u]);
            with(body, second, shift);
        }
        3 => {
            // A rotation made of two shifts.
            with(body, by, shl);
            body.variable(ty);
            with(body, bits.wrapping_sub(by), shr_u);
            body.opcode(or);
        }
        4 => {
            body.variable(ty);
            let shift = body.random.pick(&[shl, shr_u, shr_s]);
            with(body, by, shift);
            body.opcode(add);
        }
        _ => {
            // A field of one value put into another.
            with(body, !(mask << (by % bits)), and);
            body.variable(ty);
            with(body, mask, and);
            with(body, by % bits, shl);
            body.opcode(or);
        }
    }
    body.sink(ty);
}

/// Conversions and comparisons of floats at their edges.
pub(super) fn floats(body: &mut Body<'_>) {
    for _ in 0..body.random.range(2, 4) {
        match body.random.below(4) {
            0 => {
                let ty = body.integer_type();
                let op = body.random.pick(pool().truncations.of(ty));
                body.truncation(&op, 1);
                body.sink(ty);
            }
            1 => {
                let ty = body.integer_type();
                loop {
                    let op = body.random.pick(pool().cross.of(ty));
                    if matches!(op.params[0], SigType::F32 | SigType::F64) {
                        body.apply(&op, 1);
                        break;
                    }
                }
                body.sink(ty);
            }
            2 => {
                let ty = body.random.pick(&[ValType::F32, ValType::F64]);
                let op = body.random.pick(pool().cross.of(ty));
                body.apply(&op, 1);
                body.sink(ty);
            }
            _ => {
                let ty = body.random.pick(&[ValType::F32, ValType::F64]);
                let op = body.random.pick(pool().same.of(ty));
                for param in op.params {
                    operand(body, value_type(*param));
                }
                body.pool_op(&op);
                body.sink(ty);
            }
        }
    }
}

/// 128-bit sums and products, alone and in chains.
pub(super) fn wide(body: &mut Body<'_>) {
    let op = body.random.pick(&pool().wide);
    let both = [ValType::I64, ValType::I64];
    for param in op.params {
        operand(body, value_type(*param));
    }
    body.pool_op(&op);
    match body.random.below(3) {
        0 => {
            // A product added to a sum.
            body.expr(ValType::I64, 1);
            operand(body, ValType::I64);
            body.emit(&I::I64Add128);
        }
        1 => {
            // One half alone.
            let drop_high = body.random.chance(50);
            if drop_high {
                body.emit(&I::Drop);
            } else {
                let high = body.keep(ValType::I64);
                body.emit_all(&[I::Drop, I::LocalGet(high)]);
            }
            return body.sink(ValType::I64);
        }
        _ => {}
    }
    body.sink_all(&both);
}
