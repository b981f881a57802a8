//! The opcodes that the generator draws from, out of the table of opcodes.

use std::sync::OnceLock;

use wasm_encoder::ValType;
use wassay_runtime::interior::ops::{Imms, Op, Proposal, Shape, SigType, Signature};

/// An opcode, and what its code needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolOp {
    pub(super) op: Op,
    /// The operands without an address.
    pub(super) params: &'static [SigType],
    pub(super) result: Option<ValType>,
    /// The number of lanes, where the opcode has the number of a lane as an immediate.
    pub(super) lanes: u8,
    /// The width of the access, where the opcode accesses a memory.
    pub(super) bytes: u64,
}

/// The opcodes of one purpose, by the type of the result.
#[derive(Debug, Default)]
pub(super) struct ByResult([Vec<PoolOp>; 5]);

impl ByResult {
    pub(super) fn of(&self, ty: ValType) -> &[PoolOp] {
        &self.0[index(ty)]
    }

    fn add(&mut self, op: PoolOp) {
        if let Some(result) = op.result {
            self.0[index(result)].push(op);
        }
    }
}

/// The place of a numeric or vector type.
fn index(ty: ValType) -> usize {
    match ty {
        ValType::I32 => 0,
        ValType::I64 => 1,
        ValType::F32 => 2,
        ValType::F64 => 3,
        ValType::V128 => 4,
        ValType::Ref(_) => unreachable!("no opcode of the pool has a reference as its result"),
    }
}

/// The opcodes by purpose.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Operands and result have one type.
    pub(super) same: ByResult,
    /// Comparisons, tests and conversions of scalars.
    pub(super) cross: ByResult,
    /// Vectors on either side, where the types are not one.
    pub(super) lanes: ByResult,
    /// Relaxed vector instructions.
    pub(super) relaxed: ByResult,
    /// Divisions and remainders.
    pub(super) divisions: ByResult,
    /// Truncations that trap.
    pub(super) truncations: ByResult,
    /// Loads of scalars.
    pub(super) loads: ByResult,
    /// Loads of vectors and of lanes.
    pub(super) vector_loads: ByResult,
    /// Stores of scalars.
    pub(super) stores: Vec<PoolOp>,
    /// Stores of vectors and of lanes.
    pub(super) vector_stores: Vec<PoolOp>,
    /// Atomic loads, read-modify-writes and compare-exchanges.
    pub(super) atomics: ByResult,
    /// Atomic stores.
    pub(super) atomic_stores: Vec<PoolOp>,
    /// 128-bit arithmetic, which has two results.
    pub(super) wide: Vec<PoolOp>,
}

/// The pool, made once.
pub(super) fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = Pool::default();
        Op::ALL.iter().for_each(|op| pool.add(*op));
        pool
    })
}

impl Pool {
    fn add(&mut self, op: Op) {
        let row = op.row();
        let Signature::Fixed { params, results } = row.signature else {
            return;
        };
        let is_access = params.first() == Some(&SigType::Addr);
        let it = PoolOp {
            op,
            params: &params[usize::from(is_access)..],
            result: results.first().map(|ty| value_type(*ty)),
            lanes: match row.imms {
                Imms::Lane | Imms::MemArgLane => lanes(row.mnemonic),
                _no_lane => 0,
            },
            bytes: row.access_bytes.unwrap_or(0),
        };
        let is_relaxed = row.proposal == Proposal::RelaxedSimd;
        match row.shape {
            _ if is_relaxed => self.relaxed.add(it),
            Shape::Unary | Shape::Binary => self.same.add(it),
            Shape::Test | Shape::Convert | Shape::Compare => self.cross.add(it),
            Shape::SimdUnary | Shape::SimdBinary | Shape::SimdTernary | Shape::SimdShuffle => {
                self.same.add(it);
            }
            Shape::SimdExtractLane
            | Shape::SimdReplaceLane
            | Shape::SimdSplat
            | Shape::SimdReduce
            | Shape::SimdShift => self.lanes.add(it),
            Shape::BinaryTrapping => self.divisions.add(it),
            Shape::ConvertTrapping => self.truncations.add(it),
            Shape::Load => self.loads.add(it),
            Shape::SimdLoad | Shape::SimdLoadLane => self.vector_loads.add(it),
            Shape::Store => self.stores.push(it),
            Shape::SimdStore | Shape::SimdStoreLane => self.vector_stores.push(it),
            Shape::AtomicLoad | Shape::AtomicRmw | Shape::AtomicCmpxchg => self.atomics.add(it),
            Shape::AtomicStore => self.atomic_stores.push(it),
            Shape::Wide => self.wide.push(it),
            // The generator writes these instruction by instruction.
            Shape::Control
            | Shape::Call
            | Shape::Exception
            | Shape::LegacyException
            | Shape::Parametric
            | Shape::Variable
            | Shape::Constant
            | Shape::Table
            | Shape::Reference
            | Shape::Object
            | Shape::Aggregate
            | Shape::Memory
            | Shape::AtomicSync
            | Shape::SharedEverything
            | Shape::StackSwitching => {}
        }
    }
}

/// The type of an operand that is not an address.
pub(super) fn value_type(ty: SigType) -> ValType {
    match ty {
        SigType::I32 | SigType::Addr => ValType::I32,
        SigType::I64 => ValType::I64,
        SigType::F32 => ValType::F32,
        SigType::F64 => ValType::F64,
        SigType::V128 => ValType::V128,
        SigType::Ref => ValType::FUNCREF,
    }
}

/// The number of lanes that a mnemonic says: `i16x8.splat`, `v128.load16_lane`.
fn lanes(mnemonic: &str) -> u8 {
    let load = ["8_lane", "16_lane", "32_lane", "64_lane"].into_iter();
    let of_width = load.zip([16, 8, 4, 2]);
    let mut found = of_width.filter(|(text, _)| mnemonic.ends_with(text));
    if let Some((_, lanes)) = found.next_back() {
        return lanes;
    }
    let shape = mnemonic.split('.').next().unwrap_or_default();
    let count = shape.split('x').nth(1).and_then(|count| count.parse().ok());
    count.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_those_of_the_mnemonic() {
        let cases = [
            ("i8x16.splat", 16),
            ("f64x2.extract_lane", 2),
            ("v128.load8_lane", 16),
            ("v128.store64_lane", 2),
            ("v128.load", 0),
            ("i32.add", 0),
        ];
        for (mnemonic, count) in cases {
            assert_eq!(lanes(mnemonic), count, "{mnemonic}");
        }
    }
}
