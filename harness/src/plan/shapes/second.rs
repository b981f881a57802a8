//! Second operations: the operation that makes an operand of a body, or takes its result.
//!
//! Owns the table of them: what each computes, and a guess at the operand that gives a result.
//! A guess is only used where the operation confirms it, so that operations that lose bits make
//! operands of what they can give. The meanings here are independent of the tiers: an expected
//! result follows from the master's literal through them.
//!
//! Floats: an operation whose operand or result is a NaN says nothing, since its bits are chosen.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use wassay_runtime::interior::ops::Op;

use super::body::{Number, Type};

/// The bits of a result, by the bits of the operand and of the other one.
type Meaning = fn(u32, u128, u128) -> Option<u128>;
/// An operand that may give a result: of the result, the other operand, and random bits.
type Guess = fn(u32, u128, u128, u128) -> u128;

/// The other operand of a second operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// There is none.
    None,
    /// An operand of the same type.
    Same,
    /// An i32.
    Count,
    /// An immediate: the number of one of so many lanes.
    Lane(u8),
}

/// A row of the table: an operation, for one or several types of its operand.
#[derive(Debug)]
struct Row {
    /// The mnemonic, or what stands behind the type's name in it.
    name: &'static str,
    from: &'static [Type],
    /// The type of the result; `None` if it is the operand's.
    to: Option<Type>,
    other: Other,
    meaning: Meaning,
    guess: Guess,
}

/// An operation on an operand of one type.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) op: Op,
    pub(super) from: Type,
    pub(super) to: Type,
    row: &'static Row,
}

impl PartialEq for Second {
    fn eq(&self, other: &Second) -> bool {
        (self.op, self.from) == (other.op, other.from)
    }
}

impl Eq for Second {}

impl Hash for Second {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, self.from).hash(state);
    }
}

impl Second {
    /// The result for an operand and the other one, in this order or, if `swapped`, the reverse.
    pub(super) fn result(&self, operand: Number, other: u128, swapped: bool) -> Option<Number> {
        let (first, second) = match swapped {
            false => (operand.bits, other),
            true => (other, operand.bits),
        };
        let bits = (self.row.meaning)(self.from.bits(), first, second)?;
        Some(Number::new(self.to, bits & self.to.mask()))
    }

    /// An operand that gives this result; `None` if none is found.
    pub(super) fn operand(
        &self,
        result: Number,
        other: u128,
        swapped: bool,
        random: u128,
    ) -> Option<Number> {
        let (bits, mask) = (self.from.bits(), self.from.mask());
        let guess = (self.row.guess)(bits, result.bits, other, random);
        let sign = 1 << (bits - 1);
        let candidates = [
            guess,
            other.wrapping_sub(result.bits),
            other,
            other.wrapping_add(1),
            other.wrapping_sub(1),
            0,
            sign,
            sign - 1,
            u128::MAX,
        ];
        let mut candidates = candidates
            .map(|it| Number::new(self.from, it & mask))
            .into_iter();
        candidates.find(|it| self.result(*it, other, swapped) == Some(result))
    }

    /// The other operand.
    pub(super) fn other(&self) -> Other {
        self.row.other
    }

    /// True if the operands may stand in either order in code: both are of one type.
    pub(super) fn swaps(&self) -> bool {
        self.other() == Other::Same
    }
}

/// The operations that take a type.
pub(super) fn that_take(ty: Type) -> impl Iterator<Item = &'static Second> {
    TABLE.iter().filter(move |it| it.from == ty)
}

/// The operations that give a type.
pub(super) fn that_give(ty: Type) -> impl Iterator<Item = &'static Second> {
    TABLE.iter().filter(move |it| it.to == ty)
}

/// All rows by operand type, in the order of the rows.
static TABLE: LazyLock<Vec<Second>> = LazyLock::new(|| {
    let ops: HashMap<&str, Op> = Op::ALL.iter().map(|&op| (op.mnemonic(), op)).collect();
    let rows = [INTEGERS, CONVERSIONS, FLOATS, VECTORS]
        .into_iter()
        .flatten();
    let seconds = rows.flat_map(|row| row.from.iter().map(move |&from| (row, from)));
    let seconds = seconds.filter_map(|(row, from)| {
        let name = match row.name.contains('.') {
            true => row.name.to_string(),
            false => format!("{}.{}", from.name(), row.name),
        };
        Some(Second {
            op: *ops.get(name.as_str())?,
            from,
            to: row.to.unwrap_or(from),
            row,
        })
    });
    seconds.collect()
});

use Type::{F32, F64, I32, I64, V128};
const INTEGER: &[Type] = &[I32, I64];
const FLOAT: &[Type] = &[F32, F64];
const BOOLEAN: Option<Type> = Some(I32);

const fn row(
    name: &'static str,
    from: &'static [Type],
    to: Option<Type>,
    other: Other,
    meaning: Meaning,
    guess: Guess,
) -> Row {
    Row {
        name,
        from,
        to,
        other,
        meaning,
        guess,
    }
}

/// A guess that has no idea: the candidates of all operations remain.
fn none(_: u32, _: u128, other: u128, _: u128) -> u128 {
    other
}

/// The value of an integer of so many bits.
fn signed(bits: u32, value: u128) -> i128 {
    (value << (128 - bits)).cast_signed() >> (128 - bits)
}

fn unsigned(bits: u32, value: u128) -> u128 {
    value & (u128::MAX >> (128 - bits))
}

fn back(value: i128) -> Option<u128> {
    Some(value.cast_unsigned())
}

fn truth(holds: bool) -> Option<u128> {
    Some(u128::from(holds))
}

fn count(bits: u32, other: u128) -> u32 {
    other as u32 % bits
}

fn rotated_left(bits: u32, x: u128, by: u32) -> u128 {
    let x = unsigned(bits, x);
    match by {
        0 => x,
        by => unsigned(bits, x << by | x >> (bits - by)),
    }
}

/// The inverse of an odd number modulo 2^128, by Newton's iteration.
fn inverse(odd: u128) -> u128 {
    let step = |it: u128, _| it.wrapping_mul(2u128.wrapping_sub(odd.wrapping_mul(it)));
    (0..7).fold(odd, step)
}

#[rustfmt::skip]
const INTEGERS: &[Row] = &[
    row("add", INTEGER, None, Other::Same, |_, x, c| Some(x.wrapping_add(c)),
        |_, v, c, _| v.wrapping_sub(c)),
    row("sub", INTEGER, None, Other::Same, |_, x, c| Some(x.wrapping_sub(c)),
        |_, v, c, _| v.wrapping_add(c)),
    row("mul", INTEGER, None, Other::Same, |_, x, c| Some(x.wrapping_mul(c)),
        |_, v, c, _| v.wrapping_mul(inverse(c))),
    row("and", INTEGER, None, Other::Same, |_, x, c| Some(x & c), |_, v, c, r| v | (r & !c)),
    row("or", INTEGER, None, Other::Same, |_, x, c| Some(x | c), |_, v, c, r| v & !(r & c)),
    row("xor", INTEGER, None, Other::Same, |_, x, c| Some(x ^ c), |_, v, c, _| v ^ c),
    row("shl", INTEGER, None, Other::Same, |w, x, c| Some(x << count(w, c)),
        |w, v, c, r| unsigned(w, v) >> count(w, c) | r << (w - count(w, c))),
    row("shr_u", INTEGER, None, Other::Same, |w, x, c| Some(unsigned(w, x) >> count(w, c)),
        |w, v, c, r| v << count(w, c) | (r & ((1 << count(w, c)) - 1))),
    row("shr_s", INTEGER, None, Other::Same, |w, x, c| back(signed(w, x) >> count(w, c)),
        |w, v, c, r| v << count(w, c) | (r & ((1 << count(w, c)) - 1))),
    row("rotl", INTEGER, None, Other::Same, |w, x, c| Some(rotated_left(w, x, count(w, c))),
        |w, v, c, _| rotated_left(w, v, (w - count(w, c)) % w)),
    row("rotr", INTEGER, None, Other::Same,
        |w, x, c| Some(rotated_left(w, x, (w - count(w, c)) % w)),
        |w, v, c, _| rotated_left(w, v, count(w, c))),
    row("div_u", INTEGER, None, Other::Same,
        |w, x, c| unsigned(w, x).checked_div(unsigned(w, c)),
        |w, v, c, r| v.wrapping_mul(c).wrapping_add(r.checked_rem(unsigned(w, c)).unwrap_or(0))),
    row("div_s", INTEGER, None, Other::Same, divided, |_, v, c, _| v.wrapping_mul(c)),
    row("rem_u", INTEGER, None, Other::Same,
        |w, x, c| unsigned(w, x).checked_rem(unsigned(w, c)),
        |_, v, c, r| v.wrapping_add(c.wrapping_mul(r & 7))),
    row("rem_s", INTEGER, None, Other::Same,
        |w, x, c| back(signed(w, x).checked_rem(signed(w, c))?),
        |_, v, c, r| v.wrapping_add(c.wrapping_mul(r & 7))),
    row("eq", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x == c), none),
    row("ne", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x != c), none),
    row("lt_s", INTEGER, BOOLEAN, Other::Same, |w, x, c| truth(signed(w, x) < signed(w, c)), none),
    row("lt_u", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x < c), none),
    row("gt_s", INTEGER, BOOLEAN, Other::Same, |w, x, c| truth(signed(w, x) > signed(w, c)), none),
    row("gt_u", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x > c), none),
    row("le_s", INTEGER, BOOLEAN, Other::Same, |w, x, c| truth(signed(w, x) <= signed(w, c)), none),
    row("le_u", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x <= c), none),
    row("ge_s", INTEGER, BOOLEAN, Other::Same, |w, x, c| truth(signed(w, x) >= signed(w, c)), none),
    row("ge_u", INTEGER, BOOLEAN, Other::Same, |_, x, c| truth(x >= c), none),
    row("eqz", INTEGER, BOOLEAN, Other::None, |_, x, _| truth(x == 0), |_, _, _, r| r | 1),
    row("clz", INTEGER, None, Other::None,
        |w, x, _| Some(u128::from(x.leading_zeros() - (128 - w))),
        |w, v, _, r| (unsigned(w, r) | 1 << (w - 1)) >> v.min(127)),
    row("ctz", INTEGER, None, Other::None,
        |w, x, _| Some(u128::from(x.trailing_zeros().min(w))),
        |_, v, _, r| (r | 1) << v.min(127)),
    row("popcnt", INTEGER, None, Other::None, |_, x, _| Some(u128::from(x.count_ones())),
        |_, v, _, _| (1 << v.min(127)) - 1),
    row("extend8_s", INTEGER, None, Other::None, |_, x, _| back(signed(8, x)),
        |_, v, _, r| (v & 0xff) | r << 8),
    row("extend16_s", INTEGER, None, Other::None, |_, x, _| back(signed(16, x)),
        |_, v, _, r| (v & 0xffff) | r << 16),
    row("extend32_s", &[I64], None, Other::None, |_, x, _| back(signed(32, x)),
        |_, v, _, r| (v & 0xffff_ffff) | r << 32),
];

/// A signed division; `None` where it traps.
fn divided(bits: u32, x: u128, c: u128) -> Option<u128> {
    let quotient = signed(bits, x).checked_div(signed(bits, c))?;
    // The one quotient that the type cannot hold.
    (quotient >> (bits - 1) != 1).then_some(quotient.cast_unsigned())
}

#[rustfmt::skip]
const CONVERSIONS: &[Row] = &[
    row("i32.wrap_i64", &[I64], Some(I32), Other::None, |_, x, _| Some(x),
        |_, v, _, r| v | r << 32),
    row("i64.extend_i32_s", &[I32], Some(I64), Other::None, |w, x, _| back(signed(w, x)),
        |_, v, _, _| v),
    row("i64.extend_i32_u", &[I32], Some(I64), Other::None, |_, x, _| Some(x), |_, v, _, _| v),
    row("i32.reinterpret_f32", &[F32], Some(I32), Other::None, |_, x, _| Some(x), |_, v, _, _| v),
    row("i64.reinterpret_f64", &[F64], Some(I64), Other::None, |_, x, _| Some(x), |_, v, _, _| v),
    row("f32.reinterpret_i32", &[I32], Some(F32), Other::None, |_, x, _| Some(x), |_, v, _, _| v),
    row("f64.reinterpret_i64", &[I64], Some(F64), Other::None, |_, x, _| Some(x), |_, v, _, _| v),
    row("f64.promote_f32", &[F32], Some(F64), Other::None,
        |_, x, _| number(64, f64::from(f32(x))), |_, v, _, _| bits_of(32, f64(v))),
    row("f32.demote_f64", &[F64], Some(F32), Other::None,
        |_, x, _| number(32, f64(x)), |_, v, _, _| bits_of(64, f64::from(f32(v)))),
    row("f64.convert_i32_s", &[I32], Some(F64), Other::None,
        |w, x, _| number(64, signed(w, x) as f64), |_, v, _, _| (f64(v) as i128).cast_unsigned()),
    row("f64.convert_i32_u", &[I32], Some(F64), Other::None,
        |w, x, _| number(64, unsigned(w, x) as f64), |_, v, _, _| f64(v) as u128),
    row("f64.convert_i64_s", &[I64], Some(F64), Other::None,
        |w, x, _| number(64, signed(w, x) as f64), |_, v, _, _| (f64(v) as i128).cast_unsigned()),
    row("f64.convert_i64_u", &[I64], Some(F64), Other::None,
        |w, x, _| number(64, unsigned(w, x) as f64), |_, v, _, _| f64(v) as u128),
    row("f32.convert_i32_s", &[I32], Some(F32), Other::None,
        |w, x, _| Some(u128::from((signed(w, x) as f32).to_bits())),
        |_, v, _, _| (f32(v) as i128).cast_unsigned()),
    row("f32.convert_i64_u", &[I64], Some(F32), Other::None,
        |w, x, _| Some(u128::from((unsigned(w, x) as f32).to_bits())), |_, v, _, _| f32(v) as u128),
    row("i32.trunc_sat_f64_s", &[F64], Some(I32), Other::None,
        |_, x, _| Some(u128::from((f64(x) as i32).cast_unsigned())),
        |_, v, _, _| bits_of(64, signed(32, v) as f64)),
    row("i32.trunc_sat_f32_u", &[F32], Some(I32), Other::None,
        |_, x, _| Some(u128::from(f32(x) as u32)), |_, v, _, _| bits_of(32, v as f64)),
    row("i64.trunc_sat_f64_s", &[F64], Some(I64), Other::None,
        |_, x, _| Some(u128::from((f64(x) as i64).cast_unsigned())),
        |_, v, _, _| bits_of(64, signed(64, v) as f64)),
    row("i64.trunc_sat_f64_u", &[F64], Some(I64), Other::None,
        |_, x, _| Some(u128::from(f64(x) as u64)), |_, v, _, _| bits_of(64, v as f64)),
];

fn f32(bits: u128) -> f32 {
    f32::from_bits(bits as u32)
}

fn f64(bits: u128) -> f64 {
    f64::from_bits(bits as u64)
}

/// A float of so many bits as a number: exact.
fn value(bits: u32, x: u128) -> Option<f64> {
    let value = match bits {
        32 => f64::from(f32(x)),
        _ => f64(x),
    };
    (!value.is_nan()).then_some(value)
}

/// The bits of a float of so many bits, rounded once.
fn bits_of(bits: u32, value: f64) -> u128 {
    match bits {
        32 => u128::from((value as f32).to_bits()),
        _ => u128::from(value.to_bits()),
    }
}

/// The same; `None` for NaNs.
fn number(bits: u32, value: f64) -> Option<u128> {
    (!value.is_nan()).then(|| bits_of(bits, value))
}

/// An operation on two floats, in their own precision.
fn floats(
    bits: u32,
    x: u128,
    c: u128,
    single: fn(f32, f32) -> f32,
    double: fn(f64, f64) -> f64,
) -> Option<u128> {
    value(bits, x)?;
    value(bits, c)?;
    match bits {
        32 => Some(single(f32(x), f32(c)))
            .filter(|it| !it.is_nan())
            .map(|it| it.to_bits().into()),
        _ => Some(double(f64(x), f64(c)))
            .filter(|it| !it.is_nan())
            .map(|it| it.to_bits().into()),
    }
}

/// A comparison of two floats; a NaN compares as the spec says, whatever its bits.
fn compared(bits: u32, x: u128, c: u128, holds: fn(f64, f64) -> bool) -> Option<u128> {
    let wide = |x| match bits {
        32 => f64::from(f32(x)),
        _ => f64(x),
    };
    truth(holds(wide(x), wide(c)))
}

fn sign(bits: u32) -> u128 {
    1 << (bits - 1)
}

#[rustfmt::skip]
const FLOATS: &[Row] = &[
    row("neg", FLOAT, None, Other::None, |w, x, _| Some(x ^ sign(w)), |w, v, _, _| v ^ sign(w)),
    row("abs", FLOAT, None, Other::None, |w, x, _| Some(x & !sign(w)),
        |w, v, _, r| v | (r & sign(w))),
    row("copysign", FLOAT, None, Other::Same,
        |w, x, c| Some((x & !sign(w)) | (c & sign(w))), |w, v, _, r| v ^ (r & sign(w))),
    row("add", FLOAT, None, Other::Same, |w, x, c| floats(w, x, c, |x, c| x + c, |x, c| x + c),
        |w, v, c, _| floats(w, v, c, |v, c| v - c, |v, c| v - c).unwrap_or(0)),
    row("sub", FLOAT, None, Other::Same, |w, x, c| floats(w, x, c, |x, c| x - c, |x, c| x - c),
        |w, v, c, _| floats(w, v, c, |v, c| v + c, |v, c| v + c).unwrap_or(0)),
    row("mul", FLOAT, None, Other::Same, |w, x, c| floats(w, x, c, |x, c| x * c, |x, c| x * c),
        |w, v, c, _| floats(w, v, c, |v, c| v / c, |v, c| v / c).unwrap_or(0)),
    row("div", FLOAT, None, Other::Same, |w, x, c| floats(w, x, c, |x, c| x / c, |x, c| x / c),
        |w, v, c, _| floats(w, v, c, |v, c| v * c, |v, c| v * c).unwrap_or(0)),
    row("sqrt", FLOAT, None, Other::None,
        |w, x, _| floats(w, x, x, |x, _| x.sqrt(), |x, _| x.sqrt()),
        |w, v, _, _| floats(w, v, v, |x, _| x * x, |x, _| x * x).unwrap_or(0)),
    row("floor", FLOAT, None, Other::None, |w, x, _| number(w, value(w, x)?.floor()),
        |_, v, _, _| v),
    row("ceil", FLOAT, None, Other::None, |w, x, _| number(w, value(w, x)?.ceil()),
        |_, v, _, _| v),
    row("trunc", FLOAT, None, Other::None, |w, x, _| number(w, value(w, x)?.trunc()),
        |_, v, _, _| v),
    row("nearest", FLOAT, None, Other::None,
        |w, x, _| number(w, value(w, x)?.round_ties_even()), |_, v, _, _| v),
    row("eq", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x == c), none),
    row("ne", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x != c), none),
    row("lt", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x < c), none),
    row("gt", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x > c), none),
    row("le", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x <= c), none),
    row("ge", FLOAT, BOOLEAN, Other::Same, |w, x, c| compared(w, x, c, |x, c| x >= c), none),
];

/// A vector of what a function makes of each lane of so many bits, and of the other vector's lane.
fn lanes(bits: u32, x: u128, c: u128, each: impl Fn(u128, u128) -> u128) -> u128 {
    let lane = |vector: u128, index: u32| unsigned(bits, vector >> (index * bits));
    (0..128 / bits).fold(0, |sum, index| {
        let result = each(lane(x, index), lane(c, index));
        sum | unsigned(bits, result) << (index * bits)
    })
}

/// A vector of equal lanes.
fn splat(bits: u32, x: u128) -> Option<u128> {
    Some(lanes(bits, 0, 0, |_, _| x))
}

/// A lane by its number.
fn lane(bits: u32, x: u128, number: u128) -> u128 {
    unsigned(bits, x >> (number as u32 * bits))
}

/// A vector of random lanes, but for one.
fn with_lane(bits: u32, value: u128, number: u128, random: u128) -> u128 {
    let shift = number as u32 * bits;
    let mask = (u128::MAX >> (128 - bits)) << shift;
    (random & !mask) | (unsigned(bits, value) << shift)
}

/// The bytes of a vector by the numbers in another one.
fn swizzled(x: u128, numbers: u128) -> u128 {
    lanes(8, numbers, 0, |number, _| match number {
        0..16 => lane(8, x, number),
        _ => 0,
    })
}

#[rustfmt::skip]
const VECTORS: &[Row] = &[
    row("v128.not", &[V128], None, Other::None, |_, x, _| Some(!x), |_, v, _, _| !v),
    row("v128.and", &[V128], None, Other::Same, |_, x, c| Some(x & c), |_, v, c, r| v | (r & !c)),
    row("v128.andnot", &[V128], None, Other::Same, |_, x, c| Some(x & !c),
        |_, v, c, r| v | (r & c)),
    row("v128.or", &[V128], None, Other::Same, |_, x, c| Some(x | c), |_, v, c, r| v & !(r & c)),
    row("v128.xor", &[V128], None, Other::Same, |_, x, c| Some(x ^ c), |_, v, c, _| v ^ c),
    row("i8x16.add", &[V128], None, Other::Same, |_, x, c| Some(lanes(8, x, c, u128::wrapping_add)),
        |_, v, c, _| lanes(8, v, c, u128::wrapping_sub)),
    row("i16x8.sub", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(16, x, c, u128::wrapping_sub)),
        |_, v, c, _| lanes(16, v, c, u128::wrapping_add)),
    row("i32x4.add", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(32, x, c, u128::wrapping_add)),
        |_, v, c, _| lanes(32, v, c, u128::wrapping_sub)),
    row("i64x2.sub", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(64, x, c, u128::wrapping_sub)),
        |_, v, c, _| lanes(64, v, c, u128::wrapping_add)),
    row("i16x8.mul", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(16, x, c, u128::wrapping_mul)),
        |_, v, c, _| lanes(16, v, c, |v, c| v.wrapping_mul(inverse(c)))),
    row("i32x4.mul", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(32, x, c, u128::wrapping_mul)),
        |_, v, c, _| lanes(32, v, c, |v, c| v.wrapping_mul(inverse(c)))),
    row("i8x16.neg", &[V128], None, Other::None,
        |_, x, _| Some(lanes(8, x, 0, |x, _| x.wrapping_neg())),
        |_, v, _, _| lanes(8, v, 0, |v, _| v.wrapping_neg())),
    row("i64x2.neg", &[V128], None, Other::None,
        |_, x, _| Some(lanes(64, x, 0, |x, _| x.wrapping_neg())),
        |_, v, _, _| lanes(64, v, 0, |v, _| v.wrapping_neg())),
    row("i8x16.shl", &[V128], None, Other::Count,
        |_, x, c| Some(lanes(8, x, 0, |x, _| x << count(8, c))),
        |_, v, c, _| lanes(8, v, 0, |v, _| v >> count(8, c))),
    row("i32x4.shr_s", &[V128], None, Other::Count,
        |_, x, c| Some(lanes(32, x, 0, |x, _| (signed(32, x) >> count(32, c)).cast_unsigned())),
        |_, v, c, _| lanes(32, v, 0, |v, _| v << count(32, c))),
    row("i64x2.shr_u", &[V128], None, Other::Count,
        |_, x, c| Some(lanes(64, x, 0, |x, _| x >> count(64, c))),
        |_, v, c, _| lanes(64, v, 0, |v, _| v << count(64, c))),
    row("i8x16.swizzle", &[V128], None, Other::Same, |_, x, c| Some(swizzled(x, c)),
        |_, v, _, _| v),
    row("i32x4.eq", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(32, x, c, |x, c| if x == c { u128::MAX } else { 0 })),
        |_, v, c, _| lanes(32, v, c, |v, c| if v == 0 { !c } else { c })),
    row("i8x16.lt_u", &[V128], None, Other::Same,
        |_, x, c| Some(lanes(8, x, c, |x, c| if x < c { u128::MAX } else { 0 })),
        |_, v, c, _| lanes(8, v, c, |v, c| if v == 0 { c } else { c.wrapping_sub(1) })),
    row("i8x16.splat", &[I32], Some(V128), Other::None, |_, x, _| splat(8, x),
        |_, v, _, r| (v & 0xff) | r << 8),
    row("i32x4.splat", &[I32], Some(V128), Other::None, |_, x, _| splat(32, x), |_, v, _, _| v),
    row("i64x2.splat", &[I64], Some(V128), Other::None, |_, x, _| splat(64, x), |_, v, _, _| v),
    row("f32x4.splat", &[F32], Some(V128), Other::None, |_, x, _| splat(32, x), |_, v, _, _| v),
    row("f64x2.splat", &[F64], Some(V128), Other::None, |_, x, _| splat(64, x), |_, v, _, _| v),
    row("i8x16.extract_lane_s", &[V128], Some(I32), Other::Lane(16),
        |_, x, c| back(signed(8, lane(8, x, c))), |_, v, c, r| with_lane(8, v, c, r)),
    row("i16x8.extract_lane_u", &[V128], Some(I32), Other::Lane(8),
        |_, x, c| Some(lane(16, x, c)), |_, v, c, r| with_lane(16, v, c, r)),
    row("i32x4.extract_lane", &[V128], Some(I32), Other::Lane(4),
        |_, x, c| Some(lane(32, x, c)), |_, v, c, r| with_lane(32, v, c, r)),
    row("i64x2.extract_lane", &[V128], Some(I64), Other::Lane(2),
        |_, x, c| Some(lane(64, x, c)), |_, v, c, r| with_lane(64, v, c, r)),
    row("f32x4.extract_lane", &[V128], Some(F32), Other::Lane(4),
        |_, x, c| Some(lane(32, x, c)), |_, v, c, r| with_lane(32, v, c, r)),
    row("f64x2.extract_lane", &[V128], Some(F64), Other::Lane(2),
        |_, x, c| Some(lane(64, x, c)), |_, v, c, r| with_lane(64, v, c, r)),
    row("v128.any_true", &[V128], Some(I32), Other::None, |_, x, _| truth(x != 0),
        |_, _, _, r| r | 1),
    row("i8x16.all_true", &[V128], Some(I32), Other::None,
        |_, x, _| truth((0..16).all(|index| lane(8, x, index) != 0)), none),
    row("i16x8.bitmask", &[V128], Some(I32), Other::None,
        |_, x, _| Some((0..8).map(|index| (lane(16, x, index) >> 15) << index).sum()),
        |_, v, _, r| (0..8).fold(r, |sum, index| {
            let lane = (v >> index & 1) << 15;
            with_lane(16, lane, index, sum)
        })),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn second(mnemonic: &str, from: Type) -> &'static Second {
        let mut all = that_take(from);
        all.find(|it| it.op.mnemonic() == mnemonic).expect("a row")
    }

    #[test]
    fn every_row_is_an_operation() {
        let rows = [INTEGERS, CONVERSIONS, FLOATS, VECTORS]
            .into_iter()
            .flatten();
        let expected: usize = rows.map(|row| row.from.len()).sum();
        assert_eq!(TABLE.len(), expected);
    }

    /// Results by hand, of the corners of the spec's definitions.
    #[test]
    fn meanings_are_those_of_the_specification() {
        let result = |mnemonic, from, operand, other| {
            let operand = Number::new(from, operand);
            let result = second(mnemonic, from).result(operand, other, false);
            result.map(|it| it.bits)
        };
        assert_eq!(result("i32.add", I32, 0xffff_ffff, 2), Some(1));
        assert_eq!(result("i32.shr_s", I32, 0x8000_0000, 33), Some(0xc000_0000));
        assert_eq!(
            result("i64.rotl", I64, 0x8000_0000_0000_0001, 4),
            Some(0x18)
        );
        assert_eq!(result("i32.div_s", I32, 0x8000_0000, 0xffff_ffff), None);
        assert_eq!(result("i32.div_s", I32, 0xffff_fff9, 2), Some(0xffff_fffd));
        assert_eq!(result("i32.rem_s", I32, 0x8000_0000, 0xffff_ffff), Some(0));
        assert_eq!(result("i32.div_u", I32, 7, 0), None);
        assert_eq!(result("i32.clz", I32, 0, 0), Some(32));
        assert_eq!(result("i64.ctz", I64, 0, 0), Some(64));
        assert_eq!(result("i32.lt_s", I32, 0xffff_ffff, 0), Some(1));
        assert_eq!(result("i32.lt_u", I32, 0xffff_ffff, 0), Some(0));
        assert_eq!(
            result("i64.extend_i32_s", I32, 0x8000_0000, 0),
            Some(0xffff_ffff_8000_0000)
        );
        let (one, nan) = (0x3f80_0000, 0x7fc0_0000);
        assert_eq!(result("f32.add", F32, one, one), Some(0x4000_0000));
        assert_eq!(result("f32.add", F32, one, nan), None);
        assert_eq!(result("f32.ne", F32, nan, nan), Some(1));
        assert_eq!(
            result("i32.trunc_sat_f64_s", F64, 0xc1f0_0000_0000_0000, 0),
            Some(0x8000_0000)
        );
        assert_eq!(
            result("f64.nearest", F64, 2.5f64.to_bits().into(), 0),
            Some(2f64.to_bits().into())
        );
        let vector = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
        assert_eq!(result("i8x16.swizzle", V128, vector, 0x10_05), Some(5));
        assert_eq!(
            result("i16x8.bitmask", V128, 1 << 127 | 1 << 31, 0),
            Some(0x82)
        );
        assert_eq!(
            result("i8x16.extract_lane_s", V128, 0x80 << 8, 1),
            Some(0xffff_ff80)
        );
    }

    #[test]
    fn operands_give_their_results_and_are_found_for_all_that_lose_nothing() {
        let total = ["i32.add", "i32.sub", "i32.xor", "i32.rotl", "i32.rotr"];
        let values = [0, 1, 7, 0x8000_0000, 0xdead_beef, 0xffff_ffff];
        for (&result, &other) in values
            .iter()
            .flat_map(|a| values.iter().map(move |b| (a, b)))
        {
            let result = Number::new(I32, result);
            for second in that_give(I32) {
                let other = match second.other() {
                    Other::Lane(count) => other % u128::from(count),
                    Other::None | Other::Same | Other::Count => other,
                };
                for swapped in [false, second.swaps()] {
                    let found = second.operand(result, other, swapped, u128::MAX / 7);
                    let name = second.op.mnemonic();
                    match found {
                        Some(operand) => {
                            assert_eq!(second.result(operand, other, swapped), Some(result));
                        }
                        None => assert!(swapped || !total.contains(&name), "{name} {result:?}"),
                    }
                }
            }
        }
        let zero = Number::new(I32, 0);
        for second in that_give(I32).filter(|it| it.from == I32) {
            let found = second.operand(zero, 3, false, 5);
            assert!(
                found.is_some() || second.op.mnemonic() == "i32.or",
                "{second:?}"
            );
        }
    }
}
