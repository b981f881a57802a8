//! Local rewriting: constants, identities, canonical forms. Each rule is an equation of the spec's
//! numerics; a rewritten instruction is looked at again until no rule applies.
//!
//! Canonical forms: constants stand right; `x - c` is `x + -c`; sums of constants are one constant,
//! and in addresses the constant is in the access; comparisons with 0 for equality are `eqz`.

use super::Walk;
use crate::ir::Type;
use crate::jit::ssa::fold;
use crate::jit::ssa::{Inst, Value};
use crate::ops::{Op, Shape};

/// What an instruction comes to.
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

    fn simplify(&mut self, inst: Inst) -> Simplified {
        match inst {
            Inst::Unary { op, a } => self.unary(op, a),
            Inst::Binary { op, a, b } => self.binary(op, a, b),
            Inst::Ternary {
                op: op @ Op::I8x16Shuffle,
                a,
                b,
                c,
            } => self.shuffle(op, a, b, c),
            Inst::Select { cond, a, b } => self.select(cond, a, b),
            Inst::TrapIf { cond, kind } => match self.func.constant(cond) {
                Some(0) => Nothing,
                _ => Simplified::Inst(Inst::TrapIf { cond, kind }),
            },
            Inst::Load {
                op,
                class,
                base,
                offset,
            } => {
                let (base, offset) = self.near(base, offset);
                Simplified::Inst(Inst::Load {
                    op,
                    class,
                    base,
                    offset,
                })
            }
            Inst::Store {
                op,
                class,
                base,
                offset,
                value,
            } => {
                let (base, offset) = self.near(base, offset);
                let value = self.low_bits(op, value);
                Simplified::Inst(Inst::Store {
                    op,
                    class,
                    base,
                    offset,
                    value,
                })
            }
            other => Simplified::Inst(other),
        }
    }

    /// A base and offset with the constants of the base in the offset, as far as that stays near.
    fn near(&self, base: Value, offset: i32) -> (Value, i32) {
        if let Some(Inst::Binary {
            op: Op::I64Add,
            a,
            b,
        }) = self.func.def(base)
            && let Some(bits) = self.func.constant(b)
        {
            let sum = (bits as i64).saturating_add(i64::from(offset));
            if (0..NEAR_BYTES).contains(&sum) {
                return (a, sum as i32);
            }
        }
        (base, offset)
    }

    /// What a narrow store stores, without a mask that keeps what is stored.
    fn low_bits(&self, op: Op, value: Value) -> Value {
        let kept = match op {
            Op::I32Store8 | Op::I64Store8 => 0xff,
            Op::I32Store16 | Op::I64Store16 => 0xffff,
            Op::I64Store32 => 0xffff_ffff,
            _ => return value,
        };
        match self.func.def(value) {
            Some(Inst::Binary {
                op: Op::I32And | Op::I64And,
                a,
                b,
            }) if self
                .func
                .constant(b)
                .is_some_and(|mask| mask & kept == kept) =>
            {
                a
            }
            _ => value,
        }
    }

    fn select(&mut self, cond: Value, a: Value, b: Value) -> Simplified {
        let (stripped, is_inverted) = self.strip_condition(cond);
        if stripped != cond {
            let (a, b) = if is_inverted { (b, a) } else { (a, b) };
            let cond = stripped;
            return Simplified::Inst(Inst::Select { cond, a, b });
        }
        match self.func.constant(cond) {
            _ if a == b => To(a),
            Some(bits) => To(if bits as u32 != 0 { a } else { b }),
            None => Simplified::Inst(Inst::Select { cond, a, b }),
        }
    }

    /// A condition without comparisons of truth values to 0; whether it is inverted.
    pub(super) fn strip_condition(&self, cond: Value) -> (Value, bool) {
        let (mut cond, mut is_inverted) = (cond, false);
        loop {
            match self.func.def(cond) {
                Some(Inst::Unary {
                    op: Op::I32Eqz, a, ..
                }) => {
                    cond = a;
                    is_inverted = !is_inverted;
                }
                Some(Inst::Binary {
                    op: Op::I32Ne,
                    a,
                    b,
                }) if self.func.constant(b) == Some(0) => cond = a,
                _ => return (cond, is_inverted),
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
            return To(source);
        }
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
            return To(self.constant(fold::result_type(op), result));
        }
        if let Some(bits) = self.func.constant(a)
            && let Some(bits) = fold::splat(op, bits)
        {
            return To(self.constant128(bits));
        }
        match self.func.def(a) {
            Some(Inst::Unary { op: inner, a: x }) => self.unary_of_unary(op, a, inner, x),
            Some(Inst::Binary {
                op: inner,
                a: x,
                b: y,
            }) if op == Op::I32Eqz => match fold::inverse(inner) {
                Some(op) => Simplified::Inst(Inst::Binary { op, a: x, b: y }),
                None => Simplified::Inst(Inst::Unary { op, a }),
            },
            _ => Simplified::Inst(Inst::Unary { op, a }),
        }
    }

    /// `op(inner(x))`, where `a` is `inner(x)`.
    fn unary_of_unary(&mut self, op: Op, a: Value, inner: Op, x: Value) -> Simplified {
        use Op as O;
        match (op, inner) {
            (O::I32WrapI64, O::I64ExtendI32S | O::I64ExtendI32U)
            | (O::I32ReinterpretF32, O::F32ReinterpretI32)
            | (O::I64ReinterpretF64, O::F64ReinterpretI64)
            | (O::F32ReinterpretI32, O::I32ReinterpretF32)
            | (O::F64ReinterpretI64, O::I64ReinterpretF64) => To(x),
            (O::I64ExtendI32U, O::I32WrapI64) => {
                let b = self.constant(Type::I64, u64::from(u32::MAX));
                let op = O::I64And;
                Simplified::Inst(Inst::Binary { op, a: x, b })
            }
            (O::I64ExtendI32S, O::I32WrapI64) => {
                let op = O::I64Extend32S;
                Simplified::Inst(Inst::Unary { op, a: x })
            }
            (O::I64Eqz, O::I64ExtendI32U) => {
                let op = O::I32Eqz;
                Simplified::Inst(Inst::Unary { op, a: x })
            }
            (O::I32Eqz, O::I64Eqz) => {
                let b = self.constant(Type::I64, 0);
                let op = O::I64Ne;
                Simplified::Inst(Inst::Binary { op, a: x, b })
            }
            _ => Simplified::Inst(Inst::Unary { op, a }),
        }
    }

    // --- binary ----------------------------------------------------------------------------------

    fn binary(&mut self, op: Op, a: Value, b: Value) -> Simplified {
        match (self.func.constant(a), self.func.constant(b)) {
            (Some(x), Some(y)) => {
                if let Some(result) = fold::evaluate(op, &[x, y]) {
                    return To(self.constant(fold::result_type(op), result));
                }
            }
            (Some(_), None) if fold::is_commutative(op) => {
                return Simplified::Inst(Inst::Binary { op, a: b, b: a });
            }
            (Some(_), None) => {
                if let Some(op) = fold::mirrored(op) {
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
            && let Some(done) = self.with_itself(op, a)
        {
            return done;
        }
        self.reassociate(op, a, b)
    }

    /// Rules for a constant on the right.
    fn with_constant(&mut self, op: Op, a: Value, y: u64) -> Option<Simplified> {
        let ty = fold::operand_type(op, 0);
        let (bits, all) = match ty {
            Type::I32 => (32, u64::from(u32::MAX)),
            Type::I64 => (64, u64::MAX),
            _ => return None,
        };
        Some(match op {
            Op::I32Sub | Op::I64Sub => {
                let add = if bits == 32 { Op::I32Add } else { Op::I64Add };
                let b = self.constant(ty, y.wrapping_neg() & all);
                Simplified::Inst(Inst::Binary { op: add, a, b })
            }
            Op::I32Add | Op::I64Add | Op::I32Or | Op::I64Or | Op::I32Xor | Op::I64Xor if y == 0 => {
                To(a)
            }
            Op::I32And | Op::I64And if y == all => To(a),
            Op::I32And | Op::I64And | Op::I32Mul | Op::I64Mul if y == 0 => To(self.constant(ty, 0)),
            Op::I32Or | Op::I64Or if y == all => To(self.constant(ty, all)),
            _ if op.shape() == Shape::Binary && fold::is_shift(op) && y & (bits - 1) == 0 => To(a),
            Op::I32Mul | Op::I64Mul | Op::I32DivU | Op::I64DivU if y == 1 => To(a),
            Op::I32Mul | Op::I64Mul | Op::I32DivU | Op::I64DivU if y.is_power_of_two() => {
                let b = self.constant(ty, u64::from(y.trailing_zeros()));
                let op = shift_for(op);
                Simplified::Inst(Inst::Binary { op, a, b })
            }
            Op::I32RemU | Op::I64RemU if y.is_power_of_two() => {
                let b = self.constant(ty, y - 1);
                let op = if bits == 32 { Op::I32And } else { Op::I64And };
                Simplified::Inst(Inst::Binary { op, a, b })
            }
            Op::I32Eq | Op::I64Eq if y == 0 => {
                let op = if bits == 32 { Op::I32Eqz } else { Op::I64Eqz };
                Simplified::Inst(Inst::Unary { op, a })
            }
            Op::I32LtU | Op::I64LtU if y == 0 => To(self.constant(Type::I32, 0)),
            Op::I32GeU | Op::I64GeU if y == 0 => To(self.constant(Type::I32, 1)),
            _ if ty == Type::I64 && y <= u64::from(u32::MAX) => {
                let narrow = narrowed(op)?;
                let Some(Inst::Unary {
                    op: Op::I64ExtendI32U,
                    a,
                }) = self.func.def(a)
                else {
                    return None;
                };
                let b = self.constant(Type::I32, y);
                Simplified::Inst(Inst::Binary { op: narrow, a, b })
            }
            _ => return None,
        })
    }

    /// Rules for equal operands.
    fn with_itself(&mut self, op: Op, a: Value) -> Option<Simplified> {
        use Op as O;
        let ty = fold::result_type(op);
        Some(match op {
            O::I32Sub | O::I64Sub | O::I32Xor | O::I64Xor => To(self.constant(ty, 0)),
            O::I32And | O::I64And | O::I32Or | O::I64Or => To(a),
            O::I32Eq | O::I64Eq | O::I32LeS | O::I64LeS | O::I32LeU | O::I64LeU => {
                To(self.constant(ty, 1))
            }
            O::I32GeS | O::I64GeS | O::I32GeU | O::I64GeU => To(self.constant(ty, 1)),
            O::I32Ne | O::I64Ne | O::I32LtS | O::I64LtS | O::I32LtU | O::I64LtU => {
                To(self.constant(ty, 0))
            }
            O::I32GtS | O::I64GtS | O::I32GtU | O::I64GtU => To(self.constant(ty, 0)),
            _ => return None,
        })
    }

    /// `(x op c) op d` becomes `x op (c op d)`.
    fn reassociate(&mut self, op: Op, a: Value, b: Value) -> Simplified {
        let unchanged = Simplified::Inst(Inst::Binary { op, a, b });
        let is_associative = matches!(
            op,
            Op::I32Add
                | Op::I64Add
                | Op::I32And
                | Op::I64And
                | Op::I32Or
                | Op::I64Or
                | Op::I32Xor
                | Op::I64Xor
                | Op::I32Mul
                | Op::I64Mul
        );
        let Some(Inst::Binary {
            op: inner,
            a: x,
            b: c,
        }) = self.func.def(a)
        else {
            return unchanged;
        };
        match (self.func.constant(c), self.func.constant(b)) {
            (Some(c), Some(d)) if is_associative && inner == op => {
                let Some(both) = fold::evaluate(op, &[c, d]) else {
                    return unchanged;
                };
                let b = self.constant(fold::operand_type(op, 1), both);
                Simplified::Inst(Inst::Binary { op, a: x, b })
            }
            _ => unchanged,
        }
    }
}

/// The comparison of 32 bits that does for a 64-bit one whose operands have zero upper halves.
fn narrowed(op: Op) -> Option<Op> {
    Some(match op {
        Op::I64Eq => Op::I32Eq,
        Op::I64Ne => Op::I32Ne,
        Op::I64LtU => Op::I32LtU,
        Op::I64GtU => Op::I32GtU,
        Op::I64LeU => Op::I32LeU,
        Op::I64GeU => Op::I32GeU,
        _ => return None,
    })
}

/// The shift that multiplies or divides by a power of two.
fn shift_for(op: Op) -> Op {
    match op {
        Op::I32Mul => Op::I32Shl,
        Op::I64Mul => Op::I64Shl,
        Op::I32DivU => Op::I32ShrU,
        _ => Op::I64ShrU,
    }
}
