//! A motif about loops one behind the other: what one leaves is what the next begins with, or what
//! that uses in each round. A compiler that checks bounds in front of a loop makes two versions of
//! it, which meet behind.

use wasm_encoder::{Instruction as I, ValType};

use super::super::body::{Body, Opening};
use super::super::pool::{PoolOp, pool, value_type};
use super::loops::{hide, place};

/// The numbers of rounds: few, and those from which on a compiler takes more trouble.
const TRIPS: &[i64] = &[1, 2, 8, 9, 10, 12, 16, 17];
const STEPS: &[i64] = &[1, 1, 1, 2, 4, -1, -2, -4];

/// The locals that loops hand on.
struct Chain {
    memory: u32,
    /// A function that gives its argument: no compiler sees through a call.
    same: u32,
    index: u32,
    sum: u32,
    last: u32,
    /// The address of the last access of a loop, for accesses behind all of them.
    at: Option<u32>,
}

/// The bytes behind the last access of a loop that accesses behind it may reach.
const ROOM: i64 = 64;

/// A loop: the index runs from `start` by `step`.
struct Round {
    start: i64,
    /// True if the loop before leaves the first index.
    continues: bool,
    step: i64,
    trips: i64,
    accesses: Vec<(Form, PoolOp, u64)>,
}

/// The address of an access. Each local is the place in the memory.
#[derive(Clone, Copy)]
enum Form {
    /// The index, shifted.
    Scaled { shift: i64, base: u32 },
    /// Twice the index, by an addition, or four times less once.
    Twice { is_less: bool, base: u32 },
    /// The same, in the first rounds only, which a local ends.
    Early {
        shift: i64,
        base: u32,
        rounds: i64,
        limit: u32,
    },
    /// A pointer to which a local is added in each round: a negative number is a large one to the
    /// compiler.
    Pointer { by: i64, local: u32, step: u32 },
}

impl Round {
    /// The lowest address of an access, and the one behind the last byte, without the base; `None`
    /// if it is never made.
    fn extent(&self, (form, op, offset): &(Form, PoolOp, u64)) -> Option<(i64, i64)> {
        let (first, change, rounds) = match *form {
            Form::Scaled { shift, .. } => (self.start << shift, self.step << shift, self.trips),
            Form::Twice { is_less, .. } => {
                let times = if is_less { 3 } else { 2 };
                (self.start * times, self.step * times, self.trips)
            }
            Form::Early { shift, rounds, .. } => (self.start << shift, self.step << shift, rounds),
            Form::Pointer { by, .. } => (0, by, self.trips),
        };
        let last = first + change * (rounds - 1);
        let end = first.max(last) + (offset + op.bytes) as i64;
        (rounds > 0).then_some((first.min(last), end))
    }
}

/// Loops that stay inside.
pub(super) fn inside(body: &mut Body<'_>) {
    all_of(body, false);
}

/// The body of a function of which parameter 0 decides if a loop goes beyond the end.
pub(super) fn beyond(body: &mut Body<'_>) {
    all_of(body, true);
}

/// A loop that its counter never ends.
struct Endless {
    start: i64,
    step: i64,
    test: I<'static>,
    end: i64,
    /// The address of an access less the counter.
    base: i64,
}

impl Endless {
    /// The counter steps over the number that would end the loop, or from one end of the circle of
    /// numbers to the other, where it goes round as well.
    fn any(body: &mut Body<'_>) -> Endless {
        let by = body.random.pick(&[2i64, 4, 8, 16]);
        let way = by * body.random.range(1, 12) as i64;
        // The distance of the last number of the test from the end of the circle.
        let rest = body.random.below(by.cast_unsigned()) as i64;
        let is_strict = rest > 0 && body.random.chance(50);
        let (signed, room) = (body.random.chance(50), body.random.pick(&[0, by, 64]));
        let origin = if signed { i64::from(i32::MIN) } else { 0 };
        match body.random.below(3) {
            0 => Endless {
                start: 0,
                step: by,
                test: I::I32Ne,
                end: way + 1,
                base: 0,
            },
            1 => Endless {
                start: origin + way,
                step: -by,
                test: match (signed, is_strict) {
                    (true, true) => I::I32GtS,
                    (true, false) => I::I32GeS,
                    (false, true) => I::I32GtU,
                    (false, false) => I::I32GeU,
                },
                end: origin + rest - i64::from(is_strict),
                base: room - origin,
            },
            _ => Endless {
                start: origin - way,
                step: by,
                test: match (signed, is_strict) {
                    (true, true) => I::I32LtS,
                    (true, false) => I::I32LeS,
                    (false, true) => I::I32LtU,
                    (false, false) => I::I32LeU,
                },
                end: origin - 1 - rest + i64::from(is_strict),
                base: way + room - origin,
            },
        }
    }
}

/// The body of a function in which a loop runs until an access traps if parameter 0 is odd.
fn endless(body: &mut Body<'_>, chain: &Chain) {
    let it = Endless::any(body);
    let (index, sum) = (chain.index, chain.sum);
    let number = |body: &mut Body<'_>, value: i64| {
        let local = body.fixed(ValType::I32);
        hide(body, ValType::I32, chain.same, value);
        body.emit(&I::LocalSet(local));
        (local, value as i32)
    };
    let (end, base) = (number(body, it.end), number(body, it.base));
    let either = |body: &mut Body<'_>, (local, value): (u32, i32)| match body.random.chance(50) {
        true => body.emit(&I::LocalGet(local)),
        false => body.emit(&I::I32Const(value)),
    };
    body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32And]);
    body.open(Opening::If, &[], &[]);
    body.emit_all(&[I::I32Const(it.start as i32), I::LocalSet(index)]);
    body.open(Opening::Loop, &[], &[]);
    let op = body.random.pick(pool().loads.of(ValType::I64));
    body.emit(&I::LocalGet(index));
    if it.base != 0 {
        either(body, base);
        body.emit(&I::I32Add);
    }
    body.finish_access(&op, chain.memory, 0);
    body.emit_all(&[I::LocalGet(sum), I::I64Add, I::LocalSet(sum)]);
    body.emit_all(&[I::LocalGet(index), I::I32Const(it.step as i32), I::I32Add]);
    body.emit(&I::LocalTee(index));
    either(body, end);
    body.emit_all(&[it.test, I::BrIf(0)]);
    body.end();
    body.end();
}

fn all_of(body: &mut Body<'_>, goes_beyond: bool) {
    let memory = (0..3).find_map(|_| {
        let memory = body.some_memory()?;
        (!body.program.memories[memory as usize].is64).then_some(memory)
    });
    let Some(memory) = memory else {
        return;
    };
    let same = body.helper(&[ValType::I32], &[ValType::I32], |body, _| {
        body.emit(&I::LocalGet(0));
    });
    let chain = Chain {
        memory,
        same,
        index: body.fixed(ValType::I32),
        sum: body.fixed(ValType::I64),
        last: body.fixed(ValType::I64),
        at: body.random.chance(40).then(|| body.fixed(ValType::I32)),
    };
    if goes_beyond && body.random.chance(15) {
        return endless(body, &chain);
    }
    let rounds = rounds(body);
    let bytes = body.program.memories[memory as usize].bytes().cast_signed();
    let fits = |round: &Round| {
        let extents = round.accesses.iter().filter_map(|it| round.extent(it));
        let (lows, ends): (Vec<i64>, Vec<i64>) = extents.unzip();
        let (low, end) = (lows.into_iter().min(), ends.into_iter().max());
        end.unwrap_or_default() - low.unwrap_or_default() + ROOM <= bytes
    };
    if !rounds.iter().all(fits) {
        return;
    }
    let trips = rounds.iter().map(|it| it.trips.cast_unsigned()).sum();
    let outside = body.random.below(rounds.len() as u64) as usize;
    let all = |body: &mut Body<'_>| {
        body.repeated(trips, |body| {
            for (n, round) in rounds.iter().enumerate() {
                let room = if n == outside && chain.at.is_some() {
                    ROOM
                } else {
                    0
                };
                prepare(body, &chain, round, (room, goes_beyond && n == outside));
            }
            for (n, round) in rounds.iter().enumerate() {
                one(body, &chain, round, chain.at.filter(|_| n == outside));
            }
            behind(body, &chain);
        });
    };
    match body.random.chance(35) {
        true => body.counted_loop(Some(&mut |body, _| all(body))),
        false => all(body),
    }
    for (local, ty) in [
        (chain.sum, ValType::I64),
        (chain.last, ValType::I64),
        (chain.index, ValType::I32),
    ] {
        body.emit(&I::LocalGet(local));
        body.mix(ty);
    }
}

fn rounds(body: &mut Body<'_>) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for _ in 0..body.random.range(2, 4) {
        let (step, trips) = (body.random.pick(STEPS), body.random.pick(TRIPS));
        let before = rounds
            .last()
            .map(|it: &Round| it.start + it.step * it.trips);
        let before = before.filter(|_| body.random.chance(60));
        let start = before.unwrap_or_else(|| body.random.pick(&[0, 0, 3, 16, -step * trips]));
        let mut round = Round {
            start,
            continues: before.is_some(),
            step,
            trips,
            accesses: Vec::new(),
        };
        let (shift, base) = (body.random.range(0, 3) as i64, body.fixed(ValType::I32));
        for _ in 0..body.random.range(1, 3) {
            let form = match body.random.below(10) {
                0..5 => Form::Scaled { shift, base },
                5 => Form::Twice {
                    is_less: body.random.chance(50),
                    base: body.fixed(ValType::I32),
                },
                6 | 7 => Form::Early {
                    shift,
                    base: body.fixed(ValType::I32),
                    rounds: body.random.below(trips.cast_unsigned() + 1) as i64,
                    limit: body.fixed(ValType::I32),
                },
                _ => Form::Pointer {
                    by: body.random.pick(&[0, 1, 4, 8, -1, -4, -8]),
                    local: body.fixed(ValType::I32),
                    step: body.fixed(ValType::I32),
                },
            };
            let offset = body.random.pick(&[0u64, 0, 1, 4, 8, 16]);
            let op = access(body);
            round.accesses.push((form, op, offset));
        }
        rounds.push(round);
    }
    rounds
}

fn access(body: &mut Body<'_>) -> PoolOp {
    let ty = body
        .random
        .pick(&[ValType::I64, ValType::I64, ValType::I32]);
    match body.random.chance(25) {
        true => body.random.pick(&pool().stores),
        false => body.random.pick(pool().loads.of(ty)),
    }
}

/// Sets what a loop uses but for what the one before leaves.
fn prepare(body: &mut Body<'_>, chain: &Chain, round: &Round, (room, goes_beyond): (i64, bool)) {
    let set = |body: &mut Body<'_>, local: u32, value: i64| {
        hide(body, ValType::I32, chain.same, value);
        body.emit(&I::LocalSet(local));
    };
    // Accesses with a place in common are inside together.
    let mut places: Vec<(u32, (i64, i64))> = Vec::new();
    for access in &round.accesses {
        let (Form::Scaled { base, .. }
        | Form::Twice { base, .. }
        | Form::Early { base, .. }
        | Form::Pointer { local: base, .. }) = access.0;
        match access.0 {
            Form::Scaled { .. } | Form::Twice { .. } => {}
            Form::Early { rounds, limit, .. } => {
                set(body, limit, round.start + round.step * rounds);
            }
            Form::Pointer { by, step, .. } => set(body, step, by),
        }
        let Some((low, end)) = round.extent(access) else {
            continue;
        };
        let end = end + room;
        match places.iter_mut().find(|it| it.0 == base) {
            Some((_, all)) => *all = (all.0.min(low), all.1.max(end)),
            None => places.push((base, (low, end))),
        }
    }
    for (base, extent) in places {
        place(body, chain.memory, chain.same, base, extent, goes_beyond);
    }
}

/// Accesses to the address that a loop used last: the loop is inside, and one of these is outside
/// in a function that goes beyond the end.
fn behind(body: &mut Body<'_>, chain: &Chain) {
    let Some(at) = chain.at else {
        return;
    };
    for _ in 0..body.random.range(2, 3) {
        let op = body.random.pick(pool().loads.of(ValType::I64));
        let offset = body.random.pick(&[20u64, 24, 33, 40, 41, 48, 55, 56]);
        body.emit(&I::LocalGet(at));
        complete(body, chain, &op, offset);
    }
}

/// A loop, tested at its end. Its last address is left in `at`.
fn one(body: &mut Body<'_>, chain: &Chain, round: &Round, at: Option<u32>) {
    let index = chain.index;
    if !round.continues {
        body.emit_all(&[I::I32Const(round.start as i32), I::LocalSet(index)]);
    }
    body.open(Opening::Loop, &[], &[]);
    for (form, op, offset) in &round.accesses {
        match *form {
            Form::Scaled { shift, base } => {
                scaled(body, index, shift, base);
                if let Some(at) = at {
                    body.emit(&I::LocalTee(at));
                }
                complete(body, chain, op, *offset);
            }
            Form::Twice { is_less, base } => {
                body.emit(&I::LocalGet(index));
                if is_less {
                    body.emit_all(&[I::I32Const(2), I::I32Shl]);
                }
                body.emit(&I::LocalGet(index));
                body.emit(&if is_less { I::I32Sub } else { I::I32Add });
                body.emit_all(&[I::LocalGet(base), I::I32Add]);
                complete(body, chain, op, *offset);
            }
            Form::Early {
                shift, base, limit, ..
            } => {
                body.emit_all(&[I::LocalGet(index), I::LocalGet(limit)]);
                body.emit(&if round.step > 0 { I::I32LtS } else { I::I32GtS });
                body.open(Opening::If, &[], &[]);
                scaled(body, index, shift, base);
                complete(body, chain, op, *offset);
                body.end();
            }
            Form::Pointer { local, step, .. } => {
                body.emit(&I::LocalGet(local));
                complete(body, chain, op, *offset);
                body.emit_all(&[I::LocalGet(local), I::LocalGet(step), I::I32Add]);
                body.emit(&I::LocalSet(local));
            }
        }
    }
    let end = round.start + round.step * round.trips;
    body.emit_all(&[
        I::LocalGet(index),
        I::I32Const(round.step as i32),
        I::I32Add,
        I::LocalTee(index),
    ]);
    let is_exact = body.random.chance(60);
    // Both sides of the test may be sums.
    let more = match is_exact && body.random.chance(35) {
        true => round.step * body.random.pick(&[-3, -2, -1, 1]),
        false => 0,
    };
    if more != 0 {
        body.emit_all(&[I::I32Const(more as i32), I::I32Add]);
    }
    body.emit(&I::I32Const((end + more) as i32));
    body.emit(match (round.step, is_exact) {
        (_, true) => &I::I32Ne,
        (1.., false) => &I::I32LtS,
        (_, false) => &I::I32GtS,
    });
    body.emit(&I::BrIf(0));
    body.end();
}

fn scaled(body: &mut Body<'_>, index: u32, shift: i64, base: u32) {
    body.emit(&I::LocalGet(index));
    if shift > 0 {
        body.emit_all(&[I::I32Const(shift as i32), I::I32Shl]);
    }
    body.emit_all(&[I::LocalGet(base), I::I32Add]);
}

/// The access to the address on top of the stack. A load changes the sum or the last value; a store
/// takes one of them, which an earlier loop may have left.
fn complete(body: &mut Body<'_>, chain: &Chain, op: &PoolOp, offset: u64) {
    let held = body.random.pick(&[chain.sum, chain.last]);
    for param in op.params {
        match value_type(*param) {
            ValType::I64 => body.emit(&I::LocalGet(held)),
            ValType::I32 => body.emit_all(&[I::LocalGet(held), I::I32WrapI64]),
            other => body.variable(other),
        }
    }
    body.finish_access(op, chain.memory, offset);
    match op.result {
        Some(ValType::I32) => body.emit(&I::I64ExtendI32U),
        Some(ValType::I64) => {}
        _ => return,
    }
    let sum = chain.sum;
    match body.random.below(4) {
        0 => return body.emit(&I::LocalSet(chain.last)),
        1 => body.emit_all(&[I::LocalTee(chain.last), I::LocalGet(sum), I::I64Add]),
        2 => body.emit_all(&[
            I::LocalGet(chain.last),
            I::I64Xor,
            I::LocalGet(sum),
            I::I64Sub,
        ]),
        _ => body.emit_all(&[I::LocalGet(sum), I::I64Add]),
    }
    body.emit(&I::LocalSet(sum));
}
