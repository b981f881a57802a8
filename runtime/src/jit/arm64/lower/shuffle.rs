//! The shuffle: one instruction where A64 has one that permutes so, else a table lookup for each
//! operand.

use super::Cx;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::ops::Width;
use crate::jit::arm64::regs::{Tied, Vreg};
use crate::jit::arm64::vector::{Arr, Vec3};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{FuncSsa, Value};

/// Sixteen numbers of bytes: below 16 of the first operand, then of the second.
type Lanes = [u8; 16];

/// One of the two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    First,
    Second,
}

/// The A64 form of a shuffle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plan {
    /// A lane in all lanes.
    Dup(Arr, Side, u8),
    /// A permutation of two operands.
    Pair(Vec3, Arr, Side, Side),
    /// One lane of an operand put into the other, or elsewhere: `(base, to, from, lane)`.
    Insert(Width, Side, u8, Side, u8),
    /// By tables.
    Table,
}

const ARRS: [Arr; 4] = [Arr::D2, Arr::S4, Arr::H8, Arr::B16];
const PAIRS: [Vec3; 6] = [
    Vec3::Zip1,
    Vec3::Zip2,
    Vec3::Uzp1,
    Vec3::Uzp2,
    Vec3::Trn1,
    Vec3::Trn2,
];
fn lane_bytes(arr: Arr) -> u8 {
    (arr.lane_bits() / 8) as u8
}

fn side(byte: u8) -> Side {
    if byte < 16 { Side::First } else { Side::Second }
}

/// The bytes that a permutation of two operands takes.
fn bytes_of(op: Vec3, arr: Arr) -> Lanes {
    let size = lane_bytes(arr);
    let count = 16 / size;
    std::array::from_fn(|byte| {
        let (lane, rest) = (byte as u8 / size, byte as u8 % size);
        let (is_odd, even) = (lane % 2, lane & !1);
        let from = match op {
            Vec3::Zip1 => is_odd * count + lane / 2,
            Vec3::Zip2 => is_odd * count + lane / 2 + count / 2,
            Vec3::Uzp1 => 2 * lane,
            Vec3::Uzp2 => 2 * lane + 1,
            Vec3::Trn1 => is_odd * count + even,
            _ => is_odd * count + even + 1, // trn2
        };
        from * size + rest
    })
}

/// The number of the one lane that `size` bytes are, if they are one.
fn lane_at(bytes: &[u8]) -> Option<u8> {
    let (first, size) = (bytes[0], bytes.len() as u8);
    let is_lane = first.is_multiple_of(size) && bytes.iter().zip(first..).all(|(&b, n)| b == n);
    is_lane.then(|| first / size)
}

fn duplicate(lanes: &Lanes) -> Option<Plan> {
    ARRS.into_iter().find_map(|arr| {
        let size = usize::from(lane_bytes(arr));
        let lane = lane_at(&lanes[..size])?;
        let is_repeated = lanes.chunks(size).all(|chunk| chunk == &lanes[..size]);
        let count = 16 / size as u8;
        is_repeated.then(|| Plan::Dup(arr, side(lanes[0]), lane % count))
    })
}

fn pair(lanes: &Lanes, is_single: bool) -> Option<Plan> {
    let all = ARRS
        .into_iter()
        .flat_map(|arr| PAIRS.map(|op| (op, arr, bytes_of(op, arr))));
    all.into_iter().find_map(|(op, arr, bytes)| {
        use Side::{First, Second};
        if is_single {
            return (bytes.map(|b| b % 16) == *lanes).then_some(Plan::Pair(op, arr, First, First));
        }
        if bytes == *lanes {
            return Some(Plan::Pair(op, arr, First, Second));
        }
        (bytes.map(|b| b ^ 16) == *lanes).then_some(Plan::Pair(op, arr, Second, First))
    })
}

fn insert(lanes: &Lanes, is_single: bool) -> Option<Plan> {
    let bases = [(Side::First, 0), (Side::Second, 16)];
    let bases = &bases[..if is_single { 1 } else { 2 }];
    ARRS.into_iter().find_map(|arr| {
        let size = usize::from(lane_bytes(arr));
        bases.iter().find_map(|&(base, start)| {
            let is_other = |&n: &usize| lane_at(&lanes[n * size..][..size]) != own(start, size, n);
            let mut others = (0..16 / size).filter(is_other);
            let (to, None) = (others.next()?, others.next()) else {
                return None;
            };
            let from = lane_at(&lanes[to * size..][..size])?;
            let count = 16 / size as u8;
            let source = side(lanes[to * size]);
            Some(Plan::Insert(
                arr.lane(),
                base,
                to as u8,
                source,
                from % count,
            ))
        })
    })
}

/// The number of lane `n` of an operand whose bytes begin at `start`.
fn own(start: u8, size: usize, n: usize) -> Option<u8> {
    Some(start / size as u8 + n as u8)
}

fn plan(lanes: &Lanes, is_single: bool) -> Plan {
    duplicate(lanes)
        .or_else(|| pair(lanes, is_single))
        .or_else(|| insert(lanes, is_single))
        .unwrap_or(Plan::Table)
}

/// True if a shuffle by this constant, of one operand or of two, needs it in a register.
pub(super) fn is_by_table(func: &FuncSsa, is_single: bool, lanes: Value) -> bool {
    let lanes = func.constant128(lanes).map(u128::to_le_bytes);
    lanes.is_some_and(|lanes| plan(&lanes, is_single) == Plan::Table)
}

impl Cx<'_> {
    pub(super) fn shuffle(&mut self, rd: Vreg, [a, b, c]: [Value; 3]) {
        let bits = self.func.constant128(c).expect("lanes are constant");
        let lanes = bits.to_le_bytes();
        let operand = |cx: &mut Self, side| match side {
            Side::First => cx.fpr(a),
            Side::Second => cx.fpr(b),
        };
        let inst = match plan(&lanes, a == b) {
            Plan::Dup(arr, from, index) => {
                Rule::ShuffleDuplicate.hit();
                let rn = operand(self, from);
                Inst::dup_lane(arr, rd, rn, index)
            }
            Plan::Pair(op, arr, first, second) => {
                Rule::ShufflePair.hit();
                let (rn, rm) = (operand(self, first), operand(self, second));
                Inst::vec3(op, arr, rd, rn, rm)
            }
            Plan::Insert(width, base, to, source, from) => {
                Rule::ShuffleInsert.hit();
                let (old, rn) = (operand(self, base), operand(self, source));
                Inst::ins_lane(width, Tied { old, new: rd }, to, rn, from)
            }
            Plan::Table => return self.shuffle_by_table(rd, [a, b, c], &lanes),
        };
        self.a64(inst);
    }

    /// Bytes that the first table does not have are 0 after the first look-up; the second puts
    /// them in.
    fn shuffle_by_table(&mut self, rd: Vreg, [a, b, c]: [Value; 3], lanes: &Lanes) {
        let (arr, rn, rm) = (Arr::B16, self.fpr(a), self.fpr(c));
        if a == b {
            return self.a64(Inst::tbl(arr, rd, rn, rm));
        }
        let old = self.made_fpr(|rd| Inst::tbl(arr, rd, rn, rm));
        let others = lanes.map(|lane| lane.wrapping_sub(16));
        let rm = self.vector_constant(u128::from_le_bytes(others));
        let rn = self.fpr(b);
        self.a64(Inst::tbx(arr, Tied { old, new: rd }, rn, rm));
    }
}
