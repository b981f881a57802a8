//! Facts of opcodes that the optimiser needs beyond the table: evaluation on constants, inverses,
//! results that are 0 or 1.

use crate::evaluate::{Slots, evaluator};
use crate::ir::Type;
pub(crate) use crate::ir::types::{param as operand_type, result as result_type};
use crate::ops::{Group, Op, Shape, group};

/// True if the result of an opcode is a truth value, 0 or 1.
pub fn is_bool(op: Op) -> bool {
    matches!(op.shape(), Shape::Test | Shape::Compare)
}

/// The result on constants; `None` if it traps, or if a NaN comes out, whose bits depend on the
/// profile.
pub fn evaluate(op: Op, operands: &[u64]) -> Option<u64> {
    let Ok(Slots::One(bits)) = evaluator(op)?(operands) else {
        return None;
    };
    let is_nan = match result_type(op) {
        Type::F32 => f32::from_bits(bits as u32).is_nan(),
        Type::F64 => f64::from_bits(bits).is_nan(),
        Type::I32 | Type::I64 | Type::V128 | Type::Ref => false,
    };
    (!is_nan).then_some(bits)
}

/// The vector that a splat makes of a constant.
pub fn splat(op: Op, bits: u64) -> Option<u128> {
    use crate::simd;
    use group::SimdSplat as S;
    let Group::SimdSplat(op) = op.group() else {
        return None;
    };
    let vector = match op {
        S::I8x16Splat => simd::i8x16_splat(bits as u32),
        S::I16x8Splat => simd::i16x8_splat(bits as u32),
        S::I32x4Splat | S::F32x4Splat => simd::i32x4_splat(bits as u32),
        S::I64x2Splat | S::F64x2Splat => simd::i64x2_splat(bits),
    };
    Some(vector.to_bits())
}

/// The operation on integers that gives the same with exchanged operands.
pub fn commuted(op: Op) -> Option<Op> {
    integer(op)?;
    op.commuted()
}

/// The integer comparison that holds exactly when this one does not.
pub fn inverse(op: Op) -> Option<Op> {
    let (int, ty) = integer(op)?;
    int.inverse().map(|inverse| inverse.of_type(ty))
}

macro_rules! int_ops {
    ($($kind:ident $narrow:ident $wide:ident $([not $inverse:ident])?;)*) => {
        /// An operation on integers, without their width.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum IntOp { $($kind),* }

        static INT_OPS: [Option<(IntOp, Type)>; Op::ALL.len()] = {
            let mut table = [None; Op::ALL.len()];
            $(
                table[Op::$narrow as usize] = Some((IntOp::$kind, Type::I32));
                table[Op::$wide as usize] = Some((IntOp::$kind, Type::I64));
            )*
            table
        };

        impl IntOp {
            /// The opcode for operands of an integer type.
            pub fn of_type(self, ty: Type) -> Op {
                let is_narrow = ty == Type::I32;
                match self {
                    $(IntOp::$kind => if is_narrow { Op::$narrow } else { Op::$wide },)*
                }
            }

            /// The comparison that holds exactly when this one does not.
            pub fn inverse(self) -> Option<IntOp> {
                match self { $(IntOp::$kind => None$(.or(Some(IntOp::$inverse)))?,)* }
            }
        }
    };
}

int_ops! {
    Clz I32Clz I64Clz;
    Ctz I32Ctz I64Ctz;
    Popcnt I32Popcnt I64Popcnt;
    Extend8S I32Extend8S I64Extend8S;
    Extend16S I32Extend16S I64Extend16S;
    Add I32Add I64Add;
    Sub I32Sub I64Sub;
    Mul I32Mul I64Mul;
    DivS I32DivS I64DivS;
    DivU I32DivU I64DivU;
    RemS I32RemS I64RemS;
    RemU I32RemU I64RemU;
    And I32And I64And;
    Or I32Or I64Or;
    Xor I32Xor I64Xor;
    Shl I32Shl I64Shl;
    ShrS I32ShrS I64ShrS;
    ShrU I32ShrU I64ShrU;
    Rotl I32Rotl I64Rotl;
    Rotr I32Rotr I64Rotr;
    Eqz I32Eqz I64Eqz;
    Eq I32Eq I64Eq [not Ne];
    Ne I32Ne I64Ne [not Eq];
    LtS I32LtS I64LtS [not GeS];
    LtU I32LtU I64LtU [not GeU];
    GtS I32GtS I64GtS [not LeS];
    GtU I32GtU I64GtU [not LeU];
    LeS I32LeS I64LeS [not GtS];
    LeU I32LeU I64LeU [not GtU];
    GeS I32GeS I64GeS [not LtS];
    GeU I32GeU I64GeU [not LtU];
}

/// The operation of an opcode that has only integers of one width as operands, and their type.
pub fn integer(op: Op) -> Option<(IntOp, Type)> {
    INT_OPS[op as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of small and extreme operands.
    fn pairs() -> impl Iterator<Item = [u64; 2]> {
        let values = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
        values.into_iter().flat_map(move |a| values.map(|b| [a, b]))
    }

    #[test]
    fn inverses_and_mirrors_of_comparisons_hold() {
        let mut seen = 0;
        for &op in Op::ALL {
            let (Some(inverse), Some(mirror)) = (inverse(op), commuted(op)) else {
                continue;
            };
            seen += 1;
            for [a, b] in pairs() {
                let holds = evaluate(op, &[a, b]);
                assert_eq!(
                    holds.map(|bit| bit ^ 1),
                    evaluate(inverse, &[a, b]),
                    "{op:?}"
                );
                assert_eq!(holds, evaluate(mirror, &[b, a]), "{op:?}");
            }
        }
        let integer_compares = |op: &&Op| {
            op.shape() == Shape::Compare && !matches!(operand_type(**op, 0), Type::F32 | Type::F64)
        };
        assert_eq!(seen, Op::ALL.iter().filter(integer_compares).count());
    }

    #[test]
    fn commutative_opcodes_commute() {
        for &op in Op::ALL.iter().filter(|op| commuted(**op) == Some(**op)) {
            for [a, b] in pairs() {
                assert_eq!(evaluate(op, &[a, b]), evaluate(op, &[b, a]), "{op:?}");
            }
        }
    }

    #[test]
    fn what_traps_or_makes_a_nan_is_not_folded() {
        assert_eq!(evaluate(Op::I32DivS, &[1, 0]), None);
        assert_eq!(evaluate(Op::I32DivS, &[6, 3]), Some(2));
        let zero = 0f64.to_bits();
        assert_eq!(evaluate(Op::F64Div, &[zero, zero]), None);
    }
}
