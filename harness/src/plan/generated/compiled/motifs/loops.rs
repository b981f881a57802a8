//! Motifs about loops over a memory whose indices move evenly, as far as the last bytes or one
//! beyond them. A compiler that checks bounds in code finds the last index in front of the loop.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Op;

use super::super::address::{add, sub};
use super::super::body::{Body, Opening};
use super::super::pool::{PoolOp, pool, value_type};
use super::super::program::Memory;

/// The numbers of rounds: none, few, and about those from which on a compiler takes more trouble.
const TRIPS: &[i64] = &[0, 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 23, 31, 40];
const STEPS: &[i64] = &[1, 1, 1, 1, 2, 3, 4, 8, 12, -1, -1, -2, -3, -4, -8];

/// The distances by which an index goes beyond the end.
const BEYOND: &[u64] = &[1, 1, 1, 2, 7, 16, 256, 4096, 0x1_0000, 0x7FFF_0000];

/// The orders of tests, for both types.
const ORDERS: &[[Op; 2]] = &[
    [Op::I32Ne, Op::I64Ne],
    [Op::I32LtS, Op::I64LtS],
    [Op::I32LtU, Op::I64LtU],
    [Op::I32GtS, Op::I64GtS],
    [Op::I32GtU, Op::I64GtU],
    [Op::I32LeS, Op::I64LeS],
    [Op::I32LeU, Op::I64LeU],
    [Op::I32GeS, Op::I64GeS],
    [Op::I32GeU, Op::I64GeU],
];

/// A loop that stays inside.
pub(super) fn even(body: &mut Body<'_>) {
    all_of(body, false);
}

/// The body of a function of which parameter 0 decides if a loop goes beyond the end.
pub(super) fn beyond(body: &mut Body<'_>) {
    all_of(body, true);
}

/// The counter of a loop: the value in each round, and the test by which the loop goes round.
struct Counter {
    local: u32,
    start: i64,
    step: i64,
    trips: i64,
    /// True if the test comes in front of a round.
    is_tested_first: bool,
}

impl Counter {
    fn any(body: &mut Body<'_>, ty: ValType) -> Counter {
        let (step, mut trips) = (body.random.pick(STEPS), body.random.pick(TRIPS));
        let is_tested_first = body.random.chance(35);
        if !is_tested_first {
            trips = trips.max(1);
        }
        let start = match body.random.below(5) {
            // It ends at 0.
            0 | 1 => -step * trips,
            2 if step > 0 => 0,
            3 => 16 - (step * trips).min(0),
            _ => body.random.below(40) as i64,
        };
        let local = body.fixed(ty);
        Counter {
            local,
            start,
            step,
            trips,
            is_tested_first,
        }
    }

    /// The rounds of which a round's index can be asked: one at least.
    fn last_round(&self) -> i64 {
        (self.trips - 1).max(0)
    }

    /// The value with which the loop ends.
    fn end(&self) -> i64 {
        self.start + self.step * self.trips
    }

    /// A comparison that holds as long as the loop goes round, and the other operand.
    fn test(&self, body: &mut Body<'_>) -> (Op, i64) {
        let far = self.step.abs();
        let within = body.random.below(far as u64) as i64;
        let has_sign = self.start.min(self.end()) < far + 8;
        // Longer steps end at their end exactly, most often.
        let orders = if far == 1 || body.random.chance(40) {
            3
        } else {
            1
        };
        let (upwards, by) = (self.step > 0, body.random.below(orders));
        let signed = has_sign || body.random.chance(50);
        match (by, upwards, signed) {
            (0, ..) => (Op::I32Ne, self.end()),
            (1, true, true) => (Op::I32LtS, self.end() - within),
            (1, true, false) => (Op::I32LtU, self.end() - within),
            (1, false, true) => (Op::I32GtS, self.end() + within),
            (1, false, false) => (Op::I32GtU, self.end() + within),
            (_, true, true) => (Op::I32LeS, self.end() - far + within),
            (_, true, false) => (Op::I32LeU, self.end() - far + within),
            (_, false, true) => (Op::I32GeS, self.end() + far - within),
            (_, false, false) => (Op::I32GeU, self.end() + far - within),
        }
    }
}

/// The index of an access: a multiple of the counter, or of the number of the round.
struct Root {
    form: RootForm,
    /// The index in the first round, and its change in each.
    first: i64,
    stride: i64,
    /// The local that is added, which places the loop in the memory.
    base: u32,
}

#[derive(Clone, Copy)]
enum RootForm {
    Counter,
    Shifted(u64),
    Multiplied(i64),
    /// By a local.
    Times(u32),
    /// A constant less the counter.
    Less(i64),
    /// Twice the counter, by an addition.
    Doubled,
    /// A second variable, to which a local is added in each round.
    Pointer(u32, u32),
    /// A second variable, to which a constant is added.
    Even(u32, i64),
}

fn all_of(body: &mut Body<'_>, goes_beyond: bool) {
    let narrow = |body: &mut Body<'_>| {
        let memory = body.some_memory()?;
        (!body.program.memories[memory as usize].is64 || body.random.chance(30)).then_some(memory)
    };
    let Some(memory) = narrow(body).or_else(|| narrow(body)) else {
        return;
    };
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    // No compiler sees through a call.
    let same = body.helper(&[ty], &[ty], |body, _| body.emit(&I::LocalGet(0)));
    let counter = Counter::any(body, ty);
    let mut roots = Vec::new();
    for _ in 0..body.random.range(1, 2) {
        roots.push(root(body, it, same, &counter));
    }
    let mut accesses = Vec::new();
    let (mut low, mut high) = (vec![i64::MAX; roots.len()], vec![i64::MIN; roots.len()]);
    let is_alone = body.random.chance(30);
    for _ in 0..if is_alone { 1 } else { body.random.range(2, 6) } {
        let at = body.random.below(roots.len() as u64) as usize;
        let op = access(body);
        let more = body.random.pick(&[0i64, 0, 1, 4, 8, -1, -4, 40]);
        let offset = body.random.pick(&[0i64, 0, 1, 2, 4, 8, 16, 255]);
        let of = |round: i64| roots[at].first + roots[at].stride * round;
        let ends = [of(0), of(counter.last_round())].map(|index| index + more);
        low[at] = low[at].min(ends[0].min(ends[1]));
        high[at] = high[at].max(ends[0].max(ends[1]) + offset + op.bytes as i64);
        accesses.push((at, op, more, offset));
    }
    let rounds = counter.trips.max(1) as u64;
    let fits = |n: usize| low[n] == i64::MAX || high[n] - low[n] <= it.bytes() as i64;
    if !(0..roots.len()).all(fits) {
        return;
    }
    for (n, root) in roots.iter().enumerate() {
        if low[n] < i64::MAX {
            place(
                body,
                memory,
                same,
                root.base,
                (low[n], high[n]),
                goes_beyond,
            );
        }
    }
    body.repeated(rounds, |body| {
        rounds_of(body, memory, same, &counter, &roots, &accesses);
    });
    body.emit(&I::LocalGet(counter.local));
    body.mix(ty);
}

/// Any access; integers most often, as little code goes with these.
fn access(body: &mut Body<'_>) -> PoolOp {
    let ty = match body.random.below(8) {
        0..5 => ValType::I64,
        5 | 6 => ValType::I32,
        _ => body.random.pick(&[ValType::F32, ValType::F64]),
    };
    match body.random.chance(35) {
        true => body.random.pick(&pool().stores),
        false => body.random.pick(pool().loads.of(ty)),
    }
}

fn root(body: &mut Body<'_>, memory: Memory, same: u32, counter: &Counter) -> Root {
    let ty = memory.address_type();
    let hidden = |body: &mut Body<'_>, value: i64| {
        let local = body.fixed(ty);
        hide(body, ty, same, value);
        body.emit(&I::LocalSet(local));
        local
    };
    let by = body.random.pick(&[2i64, 3, 4, 5, 12]);
    let (form, scale) = match body.random.below(12) {
        0..2 => (RootForm::Counter, 1),
        2 | 3 => {
            let by = body.random.range(1, 4) as u64;
            (RootForm::Shifted(by), 1 << by)
        }
        4 => (RootForm::Multiplied(by), by),
        5..8 => {
            let by = body.random.pick(&[0i64, 1, 2, 3, 4, 9]);
            (RootForm::Times(hidden(body, by)), by)
        }
        8 => (RootForm::Less(body.random.below(100) as i64), -1),
        9 => (RootForm::Doubled, 2),
        10 => {
            let by = body.random.pick(&[1i64, 2, 4, 8, 24]);
            (RootForm::Pointer(body.fixed(ty), hidden(body, by)), by)
        }
        _ => (RootForm::Even(body.fixed(ty), by), by),
    };
    let (first, stride) = match form {
        RootForm::Pointer(..) | RootForm::Even(..) => (0, scale),
        RootForm::Less(from) => (from - counter.start, -counter.step),
        _ => (counter.start * scale, counter.step * scale),
    };
    let base = body.fixed(ty);
    Root {
        form,
        first,
        stride,
        base,
    }
}

/// Pushes a number: a constant, or one of which a compiler knows nothing.
pub(super) fn hide(body: &mut Body<'_>, ty: ValType, same: u32, value: i64) {
    body.integer(ty, value.cast_unsigned());
    if body.random.chance(60) && body.may_call(same) {
        body.call(same);
    }
}

/// Sets the base of a root whose indices reach from `low` to `high`: so that the loop is anywhere,
/// that it begins at the first byte, or that it ends at the last; and by parameter 0 beyond it.
pub(super) fn place(
    body: &mut Body<'_>,
    memory: u32,
    same: u32,
    base: u32,
    (low, high): (i64, i64),
    goes_beyond: bool,
) {
    let it = body.program.memories[memory as usize];
    let ty = it.address_type();
    let kind = if goes_beyond { 2 } else { 0 };
    let is_first = match body.random.below(8).max(kind) {
        0 | 1 => {
            let room = it.bytes() - (high - low).cast_unsigned();
            let at = body.random.below(room + 1);
            hide(body, ty, same, at.cast_signed() - low);
            true
        }
        2 | 3 => {
            hide(body, ty, same, -low);
            true
        }
        4 | 5 => {
            hide(body, ty, same, it.bytes().cast_signed() - high);
            false
        }
        _ => {
            body.last_now(memory, 0);
            body.integer(ty, high.cast_unsigned());
            body.emit(&sub(ty));
            false
        }
    };
    if goes_beyond {
        let by = body.random.pick(BEYOND);
        body.emit_all(&[I::LocalGet(0), I::I32Const(1), I::I32And]);
        if it.is64 {
            body.emit(&I::I64ExtendI32U);
        }
        body.integer(ty, if is_first { 1 } else { by });
        body.emit(&if it.is64 { I::I64Mul } else { I::I32Mul });
        body.emit(&if is_first { sub(ty) } else { add(ty) });
    }
    body.emit(&I::LocalSet(base));
}

/// The loop itself.
fn rounds_of(
    body: &mut Body<'_>,
    memory: u32,
    same: u32,
    counter: &Counter,
    roots: &[Root],
    accesses: &[(usize, PoolOp, i64, i64)],
) {
    let ty = body.program.memories[memory as usize].address_type();
    hide(body, ty, same, counter.start);
    body.emit(&I::LocalSet(counter.local));
    for root in roots {
        if let RootForm::Pointer(pointer, _) | RootForm::Even(pointer, _) = root.form {
            hide(body, ty, same, 0);
            body.emit(&I::LocalSet(pointer));
        }
    }
    let (op, end) = counter.test(body);
    let limit = body.fixed(ty);
    hide(body, ty, same, end);
    body.emit(&I::LocalSet(limit));
    let test = (op, end, limit);
    if counter.is_tested_first {
        body.open(Opening::Block, &[], &[]);
        body.open(Opening::Loop, &[], &[]);
        body.emit(&I::LocalGet(counter.local));
        goes_on(body, ty, test);
        body.emit_all(&[I::I32Eqz, I::BrIf(1)]);
    } else {
        body.open(Opening::Loop, &[], &[]);
    }
    for (at, op, more, offset) in accesses {
        one_access(body, memory, counter, &roots[*at], (op, *more, *offset));
    }
    for root in roots {
        let by = match root.form {
            RootForm::Pointer(pointer, by) => (pointer, I::LocalGet(by)),
            RootForm::Even(pointer, by) if ty == ValType::I64 => (pointer, I::I64Const(by)),
            RootForm::Even(pointer, by) => (pointer, I::I32Const(by as i32)),
            _ => continue,
        };
        body.emit_all(&[I::LocalGet(by.0), by.1, add(ty), I::LocalSet(by.0)]);
    }
    body.emit(&I::LocalGet(counter.local));
    body.integer(ty, counter.step.cast_unsigned());
    body.emit_all(&[add(ty), I::LocalSet(counter.local)]);
    if counter.is_tested_first {
        body.emit(&I::Br(0));
        body.end();
    } else {
        body.emit(&I::LocalGet(counter.local));
        goes_on(body, ty, test);
        body.emit(&I::BrIf(0));
    }
    body.end();
}

/// Compares the operand on top of the stack with the end: true as long as the loop goes round.
fn goes_on(body: &mut Body<'_>, ty: ValType, (op, end, limit): (Op, i64, u32)) {
    let is64 = ty == ValType::I64;
    if op == Op::I32Ne && end == 0 {
        // No comparison, or one that is negated twice.
        match (is64, body.random.chance(50)) {
            (true, _) => body.emit_all(&[I::I64Eqz, I::I32Eqz]),
            (false, true) => body.emit_all(&[I::I32Eqz, I::I32Eqz]),
            (false, false) => {}
        }
        return;
    }
    let more = body.random.pick(&[0i64, 0, 0, 1, -1, 5]);
    // The numbers of an order without signs are 8 at least: no sum wraps.
    if more != 0 {
        body.integer(ty, more.cast_unsigned());
        body.emit(&add(ty));
    }
    match more == 0 && body.random.chance(50) {
        true => body.emit(&I::LocalGet(limit)),
        false => body.integer(ty, (end + more).cast_unsigned()),
    }
    let row = ORDERS.iter().find(|[narrow, _]| *narrow == op);
    let [narrow, wide] = row.expect("every order of a test has a row");
    body.opcode(if is64 { *wide } else { *narrow });
}

/// An access of a round; what it loads goes into the hash.
fn one_access(
    body: &mut Body<'_>,
    memory: u32,
    counter: &Counter,
    root: &Root,
    (op, more, offset): (&PoolOp, i64, i64),
) {
    let ty = body.program.memories[memory as usize].address_type();
    let is64 = ty == ValType::I64;
    let mul = if is64 { I::I64Mul } else { I::I32Mul };
    let get = I::LocalGet(counter.local);
    match root.form {
        RootForm::Counter => body.emit(&get),
        RootForm::Shifted(by) => {
            body.emit(&get);
            body.integer(ty, by);
            body.emit(&if is64 { I::I64Shl } else { I::I32Shl });
        }
        RootForm::Multiplied(by) => {
            body.emit(&get);
            body.integer(ty, by.cast_unsigned());
            body.emit(&mul);
        }
        RootForm::Times(by) => body.emit_all(&[get, I::LocalGet(by), mul]),
        RootForm::Less(from) => {
            body.integer(ty, from.cast_unsigned());
            body.emit_all(&[get, sub(ty)]);
        }
        RootForm::Doubled => body.emit_all(&[get.clone(), get, add(ty)]),
        RootForm::Pointer(pointer, _) | RootForm::Even(pointer, _) => {
            body.emit(&I::LocalGet(pointer));
        }
    }
    body.emit_all(&[I::LocalGet(root.base), add(ty)]);
    if more != 0 {
        body.integer(ty, more.cast_unsigned());
        body.emit(&add(ty));
    }
    for param in op.params {
        body.variable(value_type(*param));
    }
    body.finish_access(op, memory, offset.cast_unsigned());
    match op.result {
        None => {}
        Some(ValType::I64) => {
            let hash = body.hash();
            body.emit_all(&[I::LocalGet(hash), I::I64Add, I::LocalSet(hash)]);
        }
        Some(ValType::I32) => {
            let hash = body.hash();
            let all = [I::I64ExtendI32U, I::LocalGet(hash), I::I64Xor];
            body.emit_all(&all);
            body.emit(&I::LocalSet(hash));
        }
        Some(other) => body.mix(other),
    }
}
