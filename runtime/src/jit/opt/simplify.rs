//! Local rewriting: constants, identities, canonical forms. Each rule is an equation of the spec's
//! numerics; a rewritten instruction is looked at again until no rule applies.
//!
//! Canonical forms: constants stand right; `x - c` is `x + -c`; sums of constants are one constant,
//! and in addresses the constant is in the access; comparisons with 0 for equality are `eqz`.

use super::Walk;
use crate::ir::Type;
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{Inst, Value};
use crate::ops::Op;

/// The outcome of simplifying an instruction.
pub(super) enum Simplified {
    /// A value that is there already.
    To(Value),
    /// Nothing: it has no effect.
    Nothing,
    /// An instruction that no rule applies to.
    Inst(Inst),
}

use Simplified::{Nothing, To};

/// Offsets of accesses stay below this.
const NEAR_BYTES: i64 = 4096;

impl Walk<'_> {
    pub(super) fn simplify_fully(&mut self, inst: Inst) -> Simplified {
        let mut inst = inst;
        loop {
            match self.simplify(inst) {
                Simplified::Inst(new) if new != inst => inst = new,
                done => return done,
            }
        }
    }

    fn simplify(&mut self, mut inst: Inst) -> Simplified {
        if let Inst::Load { base, offset, .. } | Inst::Store { base, offset, .. } = &mut inst {
            (*base, *offset) = self.near(*base, *offset);
        }
        match inst {
            Inst::Unary { op, a } => self.unary(op, a),
            Inst::Binary { op, a, b } => self.binary(op, a, b),
            Inst::Ternary { op, a, b, c } if op == Op::I8x16Shuffle => self.shuffle(op, a, b, c),
            Inst::Select { cond, a, b } => self.select(cond, a, b),
            Inst::TrapIf { cond, .. } if self.func.constant(cond) == Some(0) => {
                Rule::NeverTraps.hit();
                Nothing
            }
            Inst::Const { .. }
            | Inst::Const128 { .. }
            | Inst::Keep { .. }
            | Inst::Vm
            | Inst::Cx
            | Inst::Ternary { .. }
            | Inst::TrapIf { .. }
            | Inst::Lane { .. }
            | Inst::Replace { .. }
            | Inst::Wide { .. }
            | Inst::Load { .. }
            | Inst::Store { .. }
            | Inst::LoadSlot { .. }
            | Inst::StoreSlot { .. }
            | Inst::Atomic { .. }
            | Inst::Fence
            | Inst::CheckBounds { .. }
            | Inst::Allocate { .. }
            | Inst::Cast { .. }
            | Inst::HasDescriptor { .. }
            | Inst::Helper { .. }
            | Inst::Call { .. }
            | Inst::Caught => Simplified::Inst(inst),
        }
    }

    /// A base and offset with the constants of the base in the offset, as far as that stays near.
    fn near(&self, base: Value, offset: i32) -> (Value, i32) {
        if let Some((a, b)) = self.func.binary(Op::I64Add, base)
            && let Some(bits) = self.func.constant(b)
        {
            let sum = (bits as i64).saturating_add(i64::from(offset));
            if (0..NEAR_BYTES).contains(&sum) {
                Rule::NearOffset.hit();
                return (a, sum as i32);
            }
        }
        (base, offset)
    }

    fn select(&mut self, cond: Value, a: Value, b: Value) -> Simplified {
        let (stripped, is_inverted) = self.strip_condition(cond);
        if stripped != cond {
            Rule::SelectByStripped.hit();
            let (a, b) = if is_inverted { (b, a) } else { (a, b) };
            let cond = stripped;
            return Simplified::Inst(Inst::Select { cond, a, b });
        }
        if a == b {
            Rule::SelectOfSame.hit();
            return To(a);
        }
        match self.func.constant(cond) {
            Some(bits) => {
                Rule::SelectByConstant.hit();
                To(if bits as u32 != 0 { a } else { b })
            }
            None => Simplified::Inst(Inst::Select { cond, a, b }),
        }
    }

    /// A condition without comparisons of truth values to 0; whether it is inverted.
    pub(super) fn strip_condition(&self, cond: Value) -> (Value, bool) {
        let (mut cond, mut is_inverted) = (cond, false);
        loop {
            if let Some(a) = self.func.unary(Op::I32Eqz, cond) {
                Rule::StripEqz.hit();
                cond = a;
                is_inverted = !is_inverted;
            } else if let Some((a, b)) = self.func.binary(Op::I32Ne, cond)
                && self.func.constant(b) == Some(0)
            {
                Rule::StripNotZero.hit();
                cond = a;
            } else {
                return (cond, is_inverted);
            }
        }
    }

    // --- vectors ---------------------------------------------------------------------------------

    fn constant128(&mut self, bits: u128) -> Value {
        let (low, high) = (bits as u64, (bits >> 64) as u64);
        self.make(Inst::Const128 { low, high }, Type::V128)
    }

    /// Lanes of one operand only are numbered from 0, and the operand stands twice.
    fn shuffle(&mut self, op: Op, a: Value, b: Value, c: Value) -> Simplified {
        let unchanged = Simplified::Inst(Inst::Ternary { op, a, b, c });
        let Some(bits) = self.func.constant128(c) else {
            return unchanged;
        };
        let lanes = bits.to_le_bytes();
        let source = match () {
            () if a == b || lanes.iter().all(|&lane| lane < 16) => a,
            () if lanes.iter().all(|&lane| lane >= 16) => b,
            () => return unchanged,
        };
        let own = lanes.map(|lane| lane % 16);
        if own == std::array::from_fn(|i| i as u8) {
            Rule::ShuffleOfNothing.hit();
            return To(source);
        }
        Rule::ShuffleOfOne.hit();
        let (a, b) = (source, source);
        let c = match own == lanes {
            true => c,
            false => self.constant128(u128::from_le_bytes(own)),
        };
        Simplified::Inst(Inst::Ternary { op, a, b, c })
    }

    // --- unary -----------------------------------------------------------------------------------

    fn unary(&mut self, op: Op, a: Value) -> Simplified {
        if let Some(bits) = self.func.constant(a)
            && let Some(result) = fold::evaluate(op, &[bits])
        {
            Rule::FoldUnary.hit();
            return To(self.constant(fold::result_type(op), result));
        }
        if let Some(bits) = self.func.constant(a)
            && let Some(bits) = fold::splat(op, bits)
        {
            Rule::FoldSplat.hit();
            return To(self.constant128(bits));
        }
        match self.func.def(a) {
            Some(Inst::Unary { op: inner, a: x }) => self.unary_of_unary(op, a, inner, x),
            Some(_) | None => Simplified::Inst(Inst::Unary { op, a }),
        }
    }

    /// `op(inner(x))`, where `a` is `inner(x)`.
    fn unary_of_unary(&mut self, op: Op, a: Value, inner: Op, x: Value) -> Simplified {
        use Op as O;
        let is_extension = matches!(inner, O::I64ExtendI32S | O::I64ExtendI32U);
        if op == O::I32WrapI64 && is_extension {
            Rule::WrapExtended.hit();
            return To(x);
        }
        Simplified::Inst(if (op, inner) == (O::I64ExtendI32U, O::I32WrapI64) {
            Rule::ExtendWrappedU.hit();
            let b = self.constant(Type::I64, u64::from(u32::MAX));
            let op = O::I64And;
            Inst::Binary { op, a: x, b }
        } else if (op, inner) == (O::I64ExtendI32S, O::I32WrapI64) {
            Rule::ExtendWrappedS.hit();
            let op = O::I64Extend32S;
            Inst::Unary { op, a: x }
        } else if (op, inner) == (O::I64Eqz, O::I64ExtendI32U) {
            Rule::NarrowEqz.hit();
            let op = O::I32Eqz;
            Inst::Unary { op, a: x }
        } else if (op, inner) == (O::I32Eqz, O::I64Eqz) {
            Rule::EqzOfEqz64.hit();
            let b = self.constant(Type::I64, 0);
            let op = O::I64Ne;
            Inst::Binary { op, a: x, b }
        } else {
            Inst::Unary { op, a }
        })
    }

    // --- binary ----------------------------------------------------------------------------------

    fn binary(&mut self, op: Op, a: Value, b: Value) -> Simplified {
        match (self.func.constant(a), self.func.constant(b)) {
            (Some(x), Some(y)) => {
                if let Some(result) = fold::evaluate(op, &[x, y]) {
                    Rule::FoldBinary.hit();
                    return To(self.constant(fold::result_type(op), result));
                }
            }
            (Some(_), None) => {
                if let Some(commuted) = fold::commuted(op) {
                    match commuted == op {
                        true => Rule::ConstantRight.hit(),
                        false => Rule::MirrorCompare.hit(),
                    }
                    let op = commuted;
                    return Simplified::Inst(Inst::Binary { op, a: b, b: a });
                }
            }
            (None, Some(y)) => {
                if let Some(done) = self.with_constant(op, a, y) {
                    return done;
                }
            }
            (None, None) => {}
        }
        if a == b
            && let Some(done) = self.with_itself(op)
        {
            return done;
        }
        let reassociated = self.reassociate(op, a, b);
        reassociated.unwrap_or(Simplified::Inst(Inst::Binary { op, a, b }))
    }

    /// An operation with a constant on the right.
    fn with_right(&mut self, kind: IntOp, ty: Type, a: Value, y: u64) -> Simplified {
        let (op, b) = (kind.of_type(ty), self.constant(ty, y));
        Simplified::Inst(Inst::Binary { op, a, b })
    }

    /// Rules for a constant on the right.
    fn with_constant(&mut self, op: Op, a: Value, y: u64) -> Option<Simplified> {
        let (kind, ty) = fold::integer(op)?;
        let (bits, all) = match ty {
            Type::I32 => (32, u64::from(u32::MAX)),
            Type::I64 | Type::F32 | Type::F64 | Type::V128 | Type::Ref => (64, u64::MAX),
        };
        Some(match kind {
            IntOp::Sub => {
                Rule::SubtractToAdd.hit();
                self.with_right(IntOp::Add, ty, a, y.wrapping_neg() & all)
            }
            IntOp::Add | IntOp::Or | IntOp::Xor if y == 0 => {
                Rule::Neutral.hit();
                To(a)
            }
            IntOp::And if y == all => {
                Rule::Neutral.hit();
                To(a)
            }
            IntOp::And | IntOp::Mul if y == 0 => {
                Rule::Absorbing.hit();
                To(self.constant(ty, 0))
            }
            IntOp::Or if y == all => {
                Rule::Absorbing.hit();
                To(self.constant(ty, all))
            }
            IntOp::Shl | IntOp::ShrS | IntOp::ShrU | IntOp::Rotl | IntOp::Rotr
                if y & (bits - 1) == 0 =>
            {
                Rule::ShiftByNothing.hit();
                To(a)
            }
            IntOp::Mul | IntOp::DivU if y == 1 => {
                Rule::Neutral.hit();
                To(a)
            }
            IntOp::Mul if y.is_power_of_two() => {
                Rule::MultiplyByPower.hit();
                self.with_right(IntOp::Shl, ty, a, u64::from(y.trailing_zeros()))
            }
            IntOp::DivU if y.is_power_of_two() => {
                Rule::DivideByPower.hit();
                self.with_right(IntOp::ShrU, ty, a, u64::from(y.trailing_zeros()))
            }
            IntOp::Eq if y == 0 => {
                Rule::EqualToZero.hit();
                let op = IntOp::Eqz.of_type(ty);
                Simplified::Inst(Inst::Unary { op, a })
            }
            IntOp::Eq | IntOp::Ne | IntOp::LtU | IntOp::GtU | IntOp::LeU | IntOp::GeU
                if ty == Type::I64 && y <= u64::from(u32::MAX) =>
            {
                let a = self.func.unary(Op::I64ExtendI32U, a)?;
                Rule::NarrowCompare.hit();
                let b = self.constant(Type::I32, y);
                let op = kind.of_type(Type::I32);
                Simplified::Inst(Inst::Binary { op, a, b })
            }
            IntOp::Clz
            | IntOp::Ctz
            | IntOp::Popcnt
            | IntOp::Extend8S
            | IntOp::Extend16S
            | IntOp::Eqz
            | IntOp::Add
            | IntOp::Mul
            | IntOp::DivS
            | IntOp::DivU
            | IntOp::RemS
            | IntOp::RemU
            | IntOp::And
            | IntOp::Or
            | IntOp::Xor => return None,
            IntOp::Shl
            | IntOp::ShrS
            | IntOp::ShrU
            | IntOp::Rotl
            | IntOp::Rotr
            | IntOp::Eq
            | IntOp::Ne
            | IntOp::LtS
            | IntOp::LtU
            | IntOp::GtS
            | IntOp::GtU
            | IntOp::LeS
            | IntOp::LeU
            | IntOp::GeS
            | IntOp::GeU => return None,
        })
    }

    /// Rules for equal operands.
    fn with_itself(&mut self, op: Op) -> Option<Simplified> {
        let (kind, _) = fold::integer(op)?;
        kind.inverse()?; // it is a comparison
        Rule::SameCompares.hit();
        let with_equality = [IntOp::Eq, IntOp::LeS, IntOp::LeU, IntOp::GeS, IntOp::GeU];
        Some(To(
            self.constant(Type::I32, with_equality.contains(&kind).into())
        ))
    }

    /// `(x op c) op d` becomes `x op (c op d)`.
    fn reassociate(&mut self, op: Op, a: Value, b: Value) -> Option<Simplified> {
        use IntOp::{Add, And, Mul, Or, Xor};
        let (kind, _) = fold::integer(op)?;
        let (x, c) = self.func.binary(op, a)?;
        let (c, d) = (self.func.constant(c)?, self.func.constant(b)?);
        if !matches!(kind, Add | And | Or | Xor | Mul) {
            return None;
        }
        let both = fold::evaluate(op, &[c, d])?;
        Rule::Reassociate.hit();
        let b = self.constant(fold::operand_type(op, 1), both);
        Some(Simplified::Inst(Inst::Binary { op, a: x, b }))
    }
}
