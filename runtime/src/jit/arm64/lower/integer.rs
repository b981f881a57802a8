//! Scalar rows of the opcode table but for conversions, and the sequences of those on integers.
//!
//! Second operands take in immediates, constant shifts and extensions, multiplications. Division
//! checks what the spec makes a trap and A64 does not.

use super::{Cx, as_gpr, size_of};
use crate::ir::Type;
use crate::jit::arm64::imm::{BitImm, Imm12};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{
    AddSub, Bitfield, Cond, Data1, Data2, Extend, Fp1, Fp2, FpSize, Logic, LogicImm, MulAdd,
    MulAddLong, Shift, Size,
};
use crate::jit::arm64::regs::{Gpr, XZR};
use crate::jit::arm64::vector::{Arr, Vec2, VecAcross};
use crate::jit::ssa::fold::{self, IntOp};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, InstId, Value};
use crate::ops::{Op, Sign, group};
use crate::trap::TrapKind;

/// A second operand of additions and comparisons, with what it takes in.
pub(super) enum SecondOperand {
    Imm(Imm12),
    /// The negated immediate: the opposite operation.
    NegImm(Imm12),
    Shifted(Gpr, Shift, u8),
    Extended(Gpr, Extend),
}

impl Cx<'_> {
    /// A row of the group `unary`.
    pub(super) fn scalar_unary(&mut self, id: InstId, op: Op, row: group::Unary, a: Value) {
        use group::Unary as U;
        match row {
            U::I32Clz | U::I64Clz => {
                let (size, rd, rn) = self.in_gprs(id, op, a);
                self.a64(Inst::data1(Data1::Clz, size, rd, rn));
            }
            U::I32Ctz | U::I64Ctz => {
                let (size, rd, rn) = self.in_gprs(id, op, a);
                let mirrored = self.made(|rd| Inst::data1(Data1::Rbit, size, rd, rn));
                self.a64(Inst::data1(Data1::Clz, size, rd, mirrored));
            }
            U::I32Popcnt | U::I64Popcnt => {
                let (size, rd, rn) = self.in_gprs(id, op, a);
                self.popcnt(size, rd, rn);
            }
            U::I32Extend8S | U::I64Extend8S => self.sign_extend(id, op, 8, a),
            U::I32Extend16S | U::I64Extend16S => self.sign_extend(id, op, 16, a),
            U::I64Extend32S => self.sign_extend(id, op, 32, a),
            U::F32Abs | U::F64Abs => self.float_unary(id, Fp1::Fabs, op, a),
            U::F32Neg | U::F64Neg => self.float_unary(id, Fp1::Fneg, op, a),
            U::F32Sqrt | U::F64Sqrt => self.float_unary(id, Fp1::Fsqrt, op, a),
            U::F32Ceil | U::F64Ceil => self.float_unary(id, Fp1::Frintp, op, a),
            U::F32Floor | U::F64Floor => self.float_unary(id, Fp1::Frintm, op, a),
            U::F32Trunc | U::F64Trunc => self.float_unary(id, Fp1::Frintz, op, a),
            U::F32Nearest | U::F64Nearest => self.float_unary(id, Fp1::Frintn, op, a),
        }
    }

    /// The size of the result, its register, and the register of the operand.
    fn in_gprs(&mut self, id: InstId, op: Op, a: Value) -> (Size, Gpr, Gpr) {
        let rd = self.result_gpr(id);
        (size_of(fold::result_type(op)), rd, self.gpr(a))
    }

    pub(super) fn sign_extend(&mut self, id: InstId, op: Op, bits: u8, a: Value) {
        let (size, rd, rn) = self.in_gprs(id, op, a);
        self.a64(Inst::sign_extend(size, bits, rd, rn));
    }

    /// The lower half of a register, zero-extended.
    pub(super) fn lower_half(&mut self, id: InstId, a: Value) {
        let (rd, rn) = (self.result_gpr(id), self.gpr(a));
        self.a64(Inst::mov(Size::W, rd, rn));
    }

    /// The number of set bits: counted by byte, summed over the bytes.
    fn popcnt(&mut self, size: Size, rd: Gpr, rn: Gpr) {
        let fp = match size {
            Size::W => FpSize::S,
            Size::X => FpSize::D,
        };
        let bits = self.made_fpr(|rd| Inst::gpr_to_fp(fp, rd, rn));
        let counts = self.made_fpr(|rd| Inst::vec2(Vec2::Cnt, Arr::B8, rd, bits));
        let sum = self.made_fpr(|rd| Inst::vec_across(VecAcross::Addv, Arr::B8, rd, counts));
        self.a64(Inst::fp_to_gpr(FpSize::S, rd, sum));
    }

    /// A row of the group `binary`.
    pub(super) fn scalar_binary(
        &mut self,
        id: InstId,
        op: Op,
        row: group::Binary,
        a: Value,
        b: Value,
    ) {
        use group::Binary as B;
        let lower: fn(&mut Self, Size, Gpr, Value, Value) = match row {
            B::I32Add | B::I64Add => Self::add,
            B::I32Sub | B::I64Sub => Self::sub,
            B::I32Mul | B::I64Mul => Self::mul,
            B::I32And | B::I64And => Self::and,
            B::I32Or | B::I64Or => |cx, size, rd, a, b| cx.logic(LogicImm::Orr, size, rd, a, b),
            B::I32Xor | B::I64Xor => |cx, size, rd, a, b| cx.logic(LogicImm::Eor, size, rd, a, b),
            B::I32Shl | B::I64Shl => |cx, size, rd, a, b| cx.shift(Shift::Lsl, size, rd, a, b),
            B::I32ShrS | B::I64ShrS => |cx, size, rd, a, b| cx.shift(Shift::Asr, size, rd, a, b),
            B::I32ShrU | B::I64ShrU => |cx, size, rd, a, b| cx.shift(Shift::Lsr, size, rd, a, b),
            B::I32Rotr | B::I64Rotr => |cx, size, rd, a, b| cx.shift(Shift::Ror, size, rd, a, b),
            B::I32Rotl | B::I64Rotl => Self::rotl,
            B::F32Add | B::F64Add => return self.float_binary(id, Fp2::Fadd, op, a, b),
            B::F32Sub | B::F64Sub => return self.float_binary(id, Fp2::Fsub, op, a, b),
            B::F32Mul | B::F64Mul => return self.float_binary(id, Fp2::Fmul, op, a, b),
            B::F32Div | B::F64Div => return self.float_binary(id, Fp2::Fdiv, op, a, b),
            B::F32Min | B::F64Min => return self.float_binary(id, Fp2::Fmin, op, a, b),
            B::F32Max | B::F64Max => return self.float_binary(id, Fp2::Fmax, op, a, b),
            B::F32Copysign | B::F64Copysign => return self.copysign(id, op, a, b),
        };
        let (size, rd) = (size_of(fold::result_type(op)), self.result_gpr(id));
        lower(self, size, rd, a, b);
    }

    /// A row of the group `binary_trapping`.
    pub(super) fn division(
        &mut self,
        id: InstId,
        op: Op,
        row: group::BinaryTrapping,
        a: Value,
        b: Value,
    ) {
        use group::BinaryTrapping as B;
        let (division, is_remainder) = match row {
            B::I32DivS | B::I64DivS => (Data2::Sdiv, false),
            B::I32DivU | B::I64DivU => (Data2::Udiv, false),
            B::I32RemS | B::I64RemS => (Data2::Sdiv, true),
            B::I32RemU | B::I64RemU => (Data2::Udiv, true),
        };
        let result = (size_of(fold::result_type(op)), self.result_gpr(id));
        self.divide(division, is_remainder, result, a, b);
    }

    // --- second operands -------------------------------------------------------------------------

    /// A second operand of an addition, a subtraction or a comparison.
    pub(super) fn second(&mut self, size: Size, b: Value) -> SecondOperand {
        if let Some(bits) = self.func.constant(b) {
            let bits = match size {
                Size::W => bits as i32 as i64,
                Size::X => bits as i64,
            };
            if let Some(imm) = Imm12::new(bits as u64) {
                Rule::OperandImmediate.hit();
                return SecondOperand::Imm(imm);
            }
            if let Some(imm) = Imm12::new(bits.wrapping_neg() as u64) {
                Rule::OperandNegated.hit();
                return SecondOperand::NegImm(imm);
            }
        }
        if let Some((narrow, sign)) = self.func.extended(b) {
            let (rule, extend) = match sign {
                Sign::Unsigned => (Rule::OperandExtendedU, Extend::Uxtw),
                Sign::Signed => (Rule::OperandExtendedS, Extend::Sxtw),
            };
            rule.hit();
            return SecondOperand::Extended(self.gpr(narrow), extend);
        }
        let (reg, shift, amount) = self.shifted(size, b, false);
        SecondOperand::Shifted(reg, shift, amount)
    }

    /// A register, and the constant shift of it that a value is.
    fn shifted(&mut self, size: Size, b: Value, with_rotation: bool) -> (Gpr, Shift, u8) {
        if let Some(ssa::Inst::Binary { op, a, b: amount }) = self.sole_use(b)
            && let Some(amount) = self.func.constant(amount)
        {
            let bits = u64::from(size.bit_count());
            let is_left = matches!(op, Op::I32Rotl | Op::I64Rotl);
            let amount = if is_left {
                bits - amount % bits
            } else {
                amount
            };
            if let Some(shift) = shift_of(op)
                && (with_rotation || shift != Shift::Ror)
            {
                match shift {
                    Shift::Ror => Rule::OperandRotated.hit(),
                    Shift::Lsl | Shift::Lsr | Shift::Asr => Rule::OperandShifted.hit(),
                }
                return (self.gpr(a), shift, (amount % bits) as u8);
            }
        }
        (self.gpr_or_zero(b), Shift::Lsl, 0)
    }

    /// True if a value is better the second operand than the first.
    fn is_second(&self, b: Value) -> bool {
        if self.func.extended(b).is_some() {
            return true;
        }
        let Some(ssa::Inst::Binary { op, b: amount, .. }) = self.sole_use(b) else {
            return false;
        };
        let is_shift = shift_of(op).is_some_and(|shift| shift != Shift::Ror);
        is_shift && self.func.constant(amount).is_some()
    }

    /// The factors of a multiplication that only this use has.
    fn factors(&self, value: Value) -> Option<(Value, Value)> {
        self.sole_binary(IntOp::Mul, value)
    }

    // --- operations ------------------------------------------------------------------------------

    fn add(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        let (a, b) = if self.is_second(a) && !self.is_second(b) && !self.func.is_made_at_use(b) {
            Rule::SwapForOperand.hit();
            (b, a)
        } else {
            (a, b)
        };
        let product = self.factors(b).map(|f| (f, a));
        let product = product.or_else(|| self.factors(a).map(|f| (f, b)));
        if let Some(((x, y), addend)) = product
            && !self.func.is_made_at_use(addend)
        {
            Rule::MultiplyAdd.hit();
            return self.multiply_add(MulAdd::Madd, (size, rd), x, y, addend);
        }
        self.add_sub(AddSub::Add, AddSub::Sub, (size, rd), a, b);
    }

    fn sub(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        if let Some((x, y)) = self.factors(b) {
            Rule::MultiplySubtract.hit();
            return self.multiply_add(MulAdd::Msub, (size, rd), x, y, a);
        }
        if self.func.constant(a) == Some(0) {
            Rule::Negate.hit();
            let (rm, shift, amount) = self.shifted(size, b, false);
            return self.a64(Inst::add_sub_shifted(
                AddSub::Sub,
                size,
                rd,
                XZR,
                rm,
                shift,
                amount,
            ));
        }
        self.add_sub(AddSub::Sub, AddSub::Add, (size, rd), a, b);
    }

    fn multiply_add(
        &mut self,
        op: MulAdd,
        (size, rd): (Size, Gpr),
        x: Value,
        y: Value,
        addend: Value,
    ) {
        let (rn, rm) = (self.gpr(x), self.gpr(y));
        let ra = self.gpr_or_zero(addend);
        self.a64(Inst::mul_add(op, size, rd, rn, rm, ra));
    }

    /// `rd := a op b`; `opposite` is for negated immediates. `xzr` as `rd` compares.
    pub(super) fn add_sub(
        &mut self,
        op: AddSub,
        opposite: AddSub,
        (size, rd): (Size, Gpr),
        a: Value,
        b: Value,
    ) {
        let second = self.second(size, b);
        let rn = self.gpr(a);
        self.a64(match second {
            SecondOperand::Imm(imm) => Inst::add_sub_imm(op, size, rd, rn, imm),
            SecondOperand::NegImm(imm) => Inst::add_sub_imm(opposite, size, rd, rn, imm),
            SecondOperand::Shifted(rm, shift, amount) => {
                Inst::add_sub_shifted(op, size, rd, rn, rm, shift, amount)
            }
            SecondOperand::Extended(rm, extend) => {
                Inst::add_sub_extend(op, size, rd, rn, rm, extend)
            }
        });
    }

    fn mul(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        if size == Size::X
            && let (Some((x, x_sign)), Some((y, y_sign))) =
                (self.func.extended(a), self.func.extended(b))
            && x_sign == y_sign
        {
            Rule::MultiplyLong.hit();
            let op = match x_sign {
                Sign::Signed => MulAddLong::Smaddl,
                Sign::Unsigned => MulAddLong::Umaddl,
            };
            let (rn, rm) = (self.gpr(x), self.gpr(y));
            return self.a64(Inst::mul_add_long(op, rd, rn, rm, XZR));
        }
        let (rn, rm) = (self.gpr(a), self.gpr(b));
        self.a64(Inst::mul(size, rd, rn, rm));
    }

    fn and(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        if let Some(mask) = self.func.constant(b)
            && mask.wrapping_add(1).is_power_of_two()
            && let Some(ssa::Inst::Binary {
                op: Op::I32ShrU | Op::I64ShrU,
                a: source,
                b: amount,
            }) = self.sole_use(a)
            && let Some(amount) = self.func.constant(amount)
        {
            Rule::ExtractBits.hit();
            let bits = u64::from(size.bit_count());
            let (lowest, width) = (amount % bits, u64::from(mask.trailing_ones()));
            let rn = self.gpr(source);
            return self.a64(Inst::bitfield(
                Bitfield::Ubfm,
                size,
                rd,
                rn,
                lowest as u8,
                (lowest + width - 1).min(bits - 1) as u8,
            ));
        }
        self.logic(LogicImm::And, size, rd, a, b);
    }

    fn logic(&mut self, op: LogicImm, size: Size, rd: Gpr, a: Value, b: Value) {
        if let Some(bits) = self.func.constant(b) {
            if let Some(imm) = BitImm::new(size, bits) {
                Rule::LogicImmediate.hit();
                let rn = self.gpr(a);
                return self.a64(Inst::logic_imm(op, size, rd, rn, imm));
            }
            let all = u64::MAX >> (64 - size.bit_count());
            if op == LogicImm::Eor && bits == all {
                Rule::Not.hit();
                let rm = self.gpr(a);
                return self.a64(Inst::mvn(size, rd, rm));
            }
        }
        let (a, b) = if self.is_second(a) { (b, a) } else { (a, b) };
        let (op, b) = match self.complement(size, b) {
            Some(inner) => {
                Rule::Complement.hit();
                (inverted(op), inner)
            }
            None => (plain(op), b),
        };
        let (rm, shift, amount) = self.shifted(size, b, true);
        let rn = self.gpr(a);
        self.a64(Inst::logic_shifted(op, size, rd, rn, rm, shift, amount));
    }

    /// The value whose complement a value is, if only this use needs it.
    fn complement(&self, size: Size, value: Value) -> Option<Value> {
        let all = u64::MAX >> (64 - size.bit_count());
        let (a, b) = self.sole_binary(IntOp::Xor, value)?;
        (self.func.constant(b) == Some(all)).then_some(a)
    }

    /// The operands of an operation on integers that only this use has.
    fn sole_binary(&self, kind: IntOp, value: Value) -> Option<(Value, Value)> {
        let ssa::Inst::Binary { op, a, b } = self.sole_use(value)? else {
            return None;
        };
        let (int, _) = fold::integer(op)?;
        (int == kind).then_some((a, b))
    }

    fn shift(&mut self, shift: Shift, size: Size, rd: Gpr, a: Value, b: Value) {
        match self.func.constant(b) {
            Some(amount) => {
                let amount = (amount % u64::from(size.bit_count())) as u8;
                let rn = self.gpr(a);
                self.a64(Inst::shift_imm(shift, size, rd, rn, amount));
            }
            None => {
                let (rn, rm) = (self.gpr(a), self.gpr(b));
                self.a64(Inst::shift(shift, size, rd, rn, rm));
            }
        }
    }

    fn rotl(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        let bits = u64::from(size.bit_count());
        match self.func.constant(b) {
            Some(amount) => {
                let amount = ((bits - amount % bits) % bits) as u8;
                let rn = self.gpr(a);
                self.a64(Inst::shift_imm(Shift::Ror, size, rd, rn, amount));
            }
            None => {
                let (rn, rm) = (self.gpr(a), self.gpr(b));
                let negated = self.made(|rd| Inst::neg(size, rd, rm));
                self.a64(Inst::shift(Shift::Ror, size, rd, rn, negated));
            }
        }
    }

    /// Quotient, or remainder, with the spec's traps.
    fn divide(
        &mut self,
        op: Data2,
        is_remainder: bool,
        (size, rd): (Size, Gpr),
        a: Value,
        b: Value,
    ) {
        let (rn, rm) = (self.gpr(a), self.gpr(b));
        let divisor = self.func.constant(b);
        if divisor.is_some() {
            Rule::KnownDivisor.hit();
        }
        if divisor.is_none_or(|bits| bits == 0) {
            self.emit(MInst::TrapIf(
                Test::zero(size, rm),
                TrapKind::IntegerDivideByZero,
            ));
        }
        let all = u64::MAX >> (64 - size.bit_count());
        let may_overflow = op == Data2::Sdiv && divisor.is_none_or(|bits| bits == all);
        // The remainder by -1 needs no care: the quotient wraps, and 0 remains.
        if may_overflow && !is_remainder {
            self.trap_if_overflow(size, rn, rm);
        }
        if !is_remainder {
            return self.a64(Inst::data2(op, size, rd, rn, rm));
        }
        let quotient = self.made(|rd| Inst::data2(op, size, rd, rn, rm));
        self.a64(Inst::mul_add(MulAdd::Msub, size, rd, quotient, rm, rn));
    }

    /// Traps if the smallest integer is divided by -1: `rm == -1`, and then `rn - 1` overflows.
    fn trap_if_overflow(&mut self, size: Size, rn: Gpr, rm: Gpr) {
        let one = Imm12::new(1).expect("1 fits");
        self.a64(Inst::cmn_imm(size, rm, one));
        self.a64(Inst::cond_cmp_imm(size, rn, 1, 0, Cond::Eq));
        let test = Test::Flags(Cond::Vs);
        self.emit(MInst::TrapIf(test, TrapKind::IntegerOverflow));
    }

    /// `rd := 1` if a test of this instruction's own kind holds, else 0.
    pub(super) fn set_from_test(&mut self, id: InstId) {
        let inst = self.func.insts[id.index()].inst;
        let rd = self.result_gpr(id);
        let test = self.test_of(inst);
        let cond = self.flags(test);
        self.a64(Inst::cset(Size::W, rd, cond));
    }

    pub(super) fn select(&mut self, id: InstId, cond: Value, a: Value, b: Value) {
        let ty = self.func.ty(a);
        match ty {
            Type::I32 | Type::I64 | Type::Ref => {
                let (rn, rm) = (self.gpr_or_zero(a), self.gpr_or_zero(b));
                let rd = as_gpr(self.vreg(self.func.result(id)));
                let test = self.test(cond);
                let cond = self.flags(test);
                self.a64(Inst::csel(size_of(ty), rd, rn, rm, cond));
            }
            Type::F32 | Type::F64 | Type::V128 => self.float_select(id, cond, a, b),
        }
    }
}

/// The shift that a row is with a constant amount, which a rotation to the left counts backwards.
fn shift_of(op: Op) -> Option<Shift> {
    const SHIFTS: [(Shift, [Op; 2]); 5] = [
        (Shift::Lsl, [Op::I32Shl, Op::I64Shl]),
        (Shift::Lsr, [Op::I32ShrU, Op::I64ShrU]),
        (Shift::Asr, [Op::I32ShrS, Op::I64ShrS]),
        (Shift::Ror, [Op::I32Rotr, Op::I64Rotr]),
        (Shift::Ror, [Op::I32Rotl, Op::I64Rotl]),
    ];
    let found = SHIFTS.iter().find(|(_, ops)| ops.contains(&op));
    found.map(|&(shift, _)| shift)
}

fn plain(op: LogicImm) -> Logic {
    match op {
        LogicImm::And => Logic::And,
        LogicImm::Orr => Logic::Orr,
        LogicImm::Eor => Logic::Eor,
        LogicImm::Ands => Logic::Ands,
    }
}

fn inverted(op: LogicImm) -> Logic {
    match op {
        LogicImm::And => Logic::Bic,
        LogicImm::Orr => Logic::Orn,
        LogicImm::Eor => Logic::Eon,
        LogicImm::Ands => Logic::Bics,
    }
}
