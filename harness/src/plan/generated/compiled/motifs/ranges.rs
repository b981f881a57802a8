//! A motif about indices whose range follows from the operation that makes them: the greatest one
//! is that of the last bytes, or one more. A compiler that checks bounds in code leaves out checks
//! that always pass.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::address::{add, and};
use super::super::body::Body;
use super::super::pool::{PoolOp, pool, value_type};

/// An index that is computed of one number.
enum Index {
    /// The number.
    Number,
    Constant(u64),
    /// An operation on two indices.
    Binary(Binary, Box<Index>, Box<Index>),
    /// A count of bits.
    Count(Count, Box<Index>),
    /// So many low bits of the number, stored and loaded.
    Loaded(u32),
    /// The lower half, extended again to the type of an address.
    Half(Box<Index>),
    /// The first if the number is even.
    Select(Box<Index>, Box<Index>),
    /// 1 if the number is below a constant.
    Below(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    And,
    Or,
    Xor,
    Add,
    Sub,
    Mul,
    Shl,
    ShrU,
    DivU,
    RemU,
}

/// The operations with the opcodes for both types.
const BINARIES: &[(Binary, [Op; 2])] = &[
    (Binary::And, [Op::I32And, Op::I64And]),
    (Binary::Or, [Op::I32Or, Op::I64Or]),
    (Binary::Xor, [Op::I32Xor, Op::I64Xor]),
    (Binary::Add, [Op::I32Add, Op::I64Add]),
    (Binary::Sub, [Op::I32Sub, Op::I64Sub]),
    (Binary::Mul, [Op::I32Mul, Op::I64Mul]),
    (Binary::Shl, [Op::I32Shl, Op::I64Shl]),
    (Binary::ShrU, [Op::I32ShrU, Op::I64ShrU]),
    (Binary::DivU, [Op::I32DivU, Op::I64DivU]),
    (Binary::RemU, [Op::I32RemU, Op::I64RemU]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Ones,
    Leading,
    Trailing,
}

/// The counts with the opcodes for both types.
const COUNTS: &[(Count, [Op; 2])] = &[
    (Count::Ones, [Op::I32Popcnt, Op::I64Popcnt]),
    (Count::Leading, [Op::I32Clz, Op::I64Clz]),
    (Count::Trailing, [Op::I32Ctz, Op::I64Ctz]),
];

/// The loads without a sign by width, with the opcodes for both types.
const LOADS: &[(u32, [Op; 2])] = &[
    (8, [Op::I32Load8U, Op::I64Load8U]),
    (16, [Op::I32Load16U, Op::I64Load16U]),
];

impl Index {
    /// An index that is small whatever the number is.
    fn any(body: &mut Body<'_>, bits: u32, depth: u32) -> Index {
        let mask = u64::MAX >> (64 - bits);
        let constant = |value: u64| Box::new(Index::Constant(value & mask));
        let number = || Box::new(Index::Number);
        // Of the amount of a shift only the low bits count.
        let amount = |body: &mut Body<'_>, by: u64| {
            let more = body.random.pick(&[0, 0, 0, 1, 2, 7]);
            constant(by + more * u64::from(bits))
        };
        let binary = |op, a, b| Index::Binary(op, a, b);
        let small = body
            .random
            .pick(&[1u64, 3, 7, 8, 15, 31, 100, 255, 1000, 4095]);
        if depth == 0 {
            return match body.random.below(9) {
                8 => Index::Loaded(body.random.pick(&[8, 16])),
                0 => {
                    let high = body.random.pick(&[1u64, 7, 15, 1000]);
                    binary(Binary::RemU, number(), constant(high))
                }
                1 => binary(Binary::DivU, number(), constant(mask / small)),
                2 => {
                    let by = u64::from(bits) - body.random.range(1, 12) as u64;
                    binary(Binary::ShrU, number(), amount(body, by))
                }
                3 => {
                    let (count, _) = body.random.pick(COUNTS);
                    Index::Count(count, number())
                }
                4 => Index::Below(small),
                _ => binary(Binary::And, number(), constant(small)),
            };
        }
        let inner = |body: &mut Body<'_>| Box::new(Index::any(body, bits, depth - 1));
        let first = inner(body);
        match body.random.below(14) {
            0 => binary(Binary::Add, first, inner(body)),
            1 => binary(Binary::Add, first, constant(small)),
            2 => binary(Binary::Sub, constant(small), first),
            3 => binary(Binary::Or, first, inner(body)),
            4 => binary(Binary::Xor, first, inner(body)),
            5 => {
                let by = body.random.range(1, 4) as u64;
                binary(Binary::Shl, first, amount(body, by))
            }
            6 => binary(Binary::Mul, first, constant(small)),
            7 => binary(Binary::Mul, constant(small), first),
            8 => Index::Select(first, inner(body)),
            9 => Index::Half(first),
            10 => {
                let by = body.random.range(1, 3) as u64;
                binary(Binary::ShrU, first, amount(body, by))
            }
            11 => binary(
                Binary::DivU,
                first,
                constant(body.random.range(2, 9) as u64),
            ),
            12 => binary(Binary::RemU, first, constant(small)),
            _ => binary(Binary::And, first, constant(small)),
        }
    }

    /// The value for a number.
    fn of(&self, number: u64, bits: u32) -> u64 {
        let mask = u64::MAX >> (64 - bits);
        let value = match self {
            Index::Number => number,
            Index::Constant(value) => *value,
            Index::Count(op, a) => {
                let a = a.of(number, bits);
                let unused = 64 - bits;
                u64::from(match op {
                    Count::Ones => a.count_ones(),
                    Count::Leading => a.leading_zeros() - unused,
                    Count::Trailing => a.trailing_zeros().min(bits),
                })
            }
            Index::Loaded(low) => number & ((1 << low) - 1),
            Index::Half(a) => a.of(number, bits) & 0xFFFF_FFFF,
            Index::Select(a, b) => if number & 1 == 0 { a } else { b }.of(number, bits),
            Index::Below(limit) => u64::from(number < *limit),
            Index::Binary(op, a, b) => {
                let (a, b) = (a.of(number, bits), b.of(number, bits));
                match op {
                    Binary::And => a & b,
                    Binary::Or => a | b,
                    Binary::Xor => a ^ b,
                    Binary::Add => a.wrapping_add(b),
                    Binary::Sub => a.wrapping_sub(b),
                    Binary::Mul => a.wrapping_mul(b),
                    Binary::Shl => a << (b % u64::from(bits)),
                    Binary::ShrU => a >> (b % u64::from(bits)),
                    Binary::DivU => a / b,
                    Binary::RemU => a % b,
                }
            }
        };
        value & mask
    }

    /// Pushes the value for the number in a local.
    fn push(&self, body: &mut Body<'_>, (ty, memory): (ValType, u32), number: u32) {
        let is64 = ty == ValType::I64;
        match self {
            Index::Number => body.emit(&I::LocalGet(number)),
            Index::Constant(value) => body.integer(ty, *value),
            Index::Count(op, a) => {
                a.push(body, (ty, memory), number);
                let row = COUNTS.iter().find(|(it, _)| it == op);
                let (_, ops) = row.expect("every count has a row");
                body.opcode(ops[usize::from(is64)]);
            }
            Index::Loaded(low) => {
                body.integer(ty, 0);
                body.emit(&I::LocalGet(number));
                body.opcode(if is64 { Op::I64Store } else { Op::I32Store });
                body.memory_argument(0, memory, 0);
                body.integer(ty, 0);
                let loads = LOADS.iter().find(|(it, _)| it == low);
                let (_, ops) = loads.expect("every width has a row");
                body.opcode(ops[usize::from(is64)]);
                body.memory_argument(0, memory, 0);
            }
            Index::Half(a) => {
                a.push(body, (ty, memory), number);
                match is64 {
                    true => body.emit_all(&[I::I32WrapI64, I::I64ExtendI32U]),
                    false => body.emit_all(&[I::I64ExtendI32U, I::I32WrapI64]),
                }
            }
            Index::Select(a, b) => {
                b.push(body, (ty, memory), number);
                a.push(body, (ty, memory), number);
                body.emit(&I::LocalGet(number));
                body.integer(ty, 1);
                body.emit(&and(ty));
                if is64 {
                    body.emit(&I::I32WrapI64);
                }
                body.emit(&I::Select);
            }
            Index::Below(limit) => {
                body.emit(&I::LocalGet(number));
                body.integer(ty, *limit);
                match is64 {
                    true => body.emit_all(&[I::I64LtU, I::I64ExtendI32U]),
                    false => body.emit(&I::I32LtU),
                }
            }
            Index::Binary(op, a, b) => {
                a.push(body, (ty, memory), number);
                b.push(body, (ty, memory), number);
                let row = BINARIES.iter().find(|(it, _)| it == op);
                let (_, ops) = row.expect("every operation has a row");
                body.opcode(ops[usize::from(is64)]);
            }
        }
    }
}

/// Accesses that stay inside.
pub(super) fn inside(body: &mut Body<'_>) {
    for _ in 0..body.random.range(1, 3) {
        one(body, false);
    }
}

/// The body of a function of which parameter 0 decides if an index is one beyond the end.
pub(super) fn beyond(body: &mut Body<'_>) {
    one(body, true);
}

fn one(body: &mut Body<'_>, goes_beyond: bool) {
    let Some(memory) = body.some_memory() else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let bits = if it.is64 { 64 } else { 32 };
    let mask = u64::MAX >> (64 - bits);
    let depth = body.random.pick(&[0, 1, 1, 2, 2, 3]);
    let index = Index::any(body, bits, depth);
    let some = body.random.bits();
    let numbers = [
        0,
        1,
        2,
        7,
        14,
        99,
        999,
        255,
        mask,
        mask - 1,
        mask >> 1,
        some,
    ]
    .map(|n| n & mask);
    let greatest = numbers.into_iter().max_by_key(|n| index.of(*n, bits));
    let greatest = greatest.expect("there are numbers");
    let max = index.of(greatest, bits);
    let op = access(body);
    let offset = body.random.pick(&[0u64, 0, 1, 8, 255, 4096]);
    let Some(room) = it.bytes().checked_sub(offset + op.bytes) else {
        return;
    };
    let Some(room) = room.checked_sub(max) else {
        return;
    };
    let number = body.fixed(ty);
    let least = numbers.into_iter().min_by_key(|n| index.of(*n, bits));
    match goes_beyond {
        true => chosen(body, ty, (greatest, least.unwrap_or_default())),
        false => guarded(body, (ty, memory), (&index, number), (greatest, max)),
    }
    body.emit(&I::LocalSet(number));
    index.push(body, (ty, memory), number);
    // One beyond the end, or the last bytes; in part by the offset.
    body.integer(ty, room + u64::from(goes_beyond));
    body.emit(&add(ty));
    for param in op.params {
        body.variable(value_type(*param));
    }
    body.finish_access(&op, memory, offset);
    if let Some(result) = op.result {
        body.mix(result);
    }
}

/// Pushes one number or the other, as parameter 0 is odd or even. The compiler does not know it.
fn chosen(body: &mut Body<'_>, ty: ValType, (odd, even): (u64, u64)) {
    body.integer(ty, odd);
    body.integer(ty, even);
    body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32And, I::Select]);
    let same = body.helper(&[ty], &[ty], |body, _| body.emit(&I::LocalGet(0)));
    body.call(same);
}

/// Pushes a number whose index is at most `max`: the one of that index, or any, or 0 in place of
/// one whose index is greater.
fn guarded(
    body: &mut Body<'_>,
    (ty, memory): (ValType, u32),
    (index, number): (&Index, u32),
    (greatest, max): (u64, u64),
) {
    let is64 = ty == ValType::I64;
    match body.random.chance(50) {
        true => body.integer(ty, greatest),
        false => body.expr(ty, 1),
    }
    body.emit(&I::LocalTee(number));
    index.push(body, (ty, memory), number);
    body.integer(ty, max);
    body.emit(&if is64 { I::I64LeU } else { I::I32LeU });
    if is64 {
        body.emit(&I::I64ExtendI32U);
    }
    body.emit(&if is64 { I::I64Mul } else { I::I32Mul });
}

fn access(body: &mut Body<'_>) -> PoolOp {
    match body.random.chance(40) {
        true => body.random.pick(&pool().stores),
        false => {
            let types = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
            let ty = body.random.pick(&types);
            body.random.pick(pool().loads.of(ty))
        }
    }
}
