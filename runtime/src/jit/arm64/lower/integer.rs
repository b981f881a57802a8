//! Integer rows of the opcode table.
//!
//! Second operands take in immediates, constant shifts and extensions, multiplications. Division
//! checks what the spec makes a trap and A64 does not.

use super::{Cx, as_gpr, size_of};
use crate::ir::Type;
use crate::jit::arm64::imm::{BitImm, Imm12};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{
    AddSub, Bitfield, Cond, CondCmp, Data1, Data2, Extend, FpSize, Logic, LogicImm, MulAdd,
    MulAddLong, Shift, Size,
};
use crate::jit::arm64::regs::{Gpr, XZR};
use crate::jit::arm64::vector::{Arr, Vec2, VecAcross};
use crate::jit::ssa::fold;
use crate::jit::ssa::{self, InstId, Value};
use crate::ops::Op;
use crate::trap::TrapKind;

/// A second operand of additions and comparisons, with what it takes in.
pub(super) enum Second {
    Imm(Imm12),
    /// The negated immediate: the opposite operation.
    NegImm(Imm12),
    Shifted(Gpr, Shift, u8),
    Extended(Gpr, Extend),
}

impl Cx<'_> {
    pub(super) fn integer_unary(&mut self, id: InstId, op: Op, a: Value) {
        let rd = self.result_gpr(id);
        let size = size_of(fold::result_type(op));
        let extend = |bits: u8, rn: Gpr| Inst::sign_extend(size, bits, rd, rn);
        match op {
            Op::I32Clz | Op::I64Clz => {
                let rn = self.gpr(a);
                let op = Data1::Clz;
                self.a64(Inst::Data1 { op, size, rd, rn });
            }
            Op::I32Ctz | Op::I64Ctz => {
                let (rn, mirrored) = (self.gpr(a), self.temp());
                self.a64(Inst::Data1 {
                    op: Data1::Rbit,
                    size,
                    rd: mirrored,
                    rn,
                });
                let (op, rn) = (Data1::Clz, mirrored);
                self.a64(Inst::Data1 { op, size, rd, rn });
            }
            Op::I32Popcnt | Op::I64Popcnt => {
                let rn = self.gpr(a);
                self.popcnt(size, rd, rn);
            }
            Op::I32Extend8S | Op::I64Extend8S => {
                let rn = self.gpr(a);
                self.a64(extend(8, rn));
            }
            Op::I32Extend16S | Op::I64Extend16S => {
                let rn = self.gpr(a);
                self.a64(extend(16, rn));
            }
            Op::I64Extend32S | Op::I64ExtendI32S => {
                let rn = self.gpr(a);
                self.a64(extend(32, rn));
            }
            Op::I64ExtendI32U | Op::I32WrapI64 => {
                let rn = self.gpr(a);
                self.a64(Inst::mov(Size::W, rd, rn));
            }
            other => unreachable!("{} is no unary integer row", other.mnemonic()),
        }
    }

    /// The number of set bits: counted by byte, summed over the bytes.
    fn popcnt(&mut self, size: Size, rd: Gpr, rn: Gpr) {
        let fp = match size {
            Size::W => FpSize::S,
            Size::X => FpSize::D,
        };
        let (bits, counts, sum) = (self.temp_fpr(), self.temp_fpr(), self.temp_fpr());
        self.a64(Inst::GprToFp {
            size: fp,
            rd: bits,
            rn,
        });
        self.a64(Inst::Vec2 {
            op: Vec2::Cnt,
            arr: Arr::B8,
            rd: counts,
            rn: bits,
        });
        self.a64(Inst::VecAcross {
            op: VecAcross::Addv,
            arr: Arr::B8,
            rd: sum,
            rn: counts,
        });
        let (size, rn) = (FpSize::S, sum);
        self.a64(Inst::FpToGpr { size, rd, rn });
    }

    pub(super) fn integer_binary(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        let rd = self.result_gpr(id);
        let size = size_of(fold::result_type(op));
        match op {
            Op::I32Add | Op::I64Add => self.add(size, rd, a, b),
            Op::I32Sub | Op::I64Sub => self.sub(size, rd, a, b),
            Op::I32Mul | Op::I64Mul => self.mul(size, rd, a, b),
            Op::I32And | Op::I64And => self.and(size, rd, a, b),
            Op::I32Or | Op::I64Or => self.logic(LogicImm::Orr, size, rd, a, b),
            Op::I32Xor | Op::I64Xor => self.logic(LogicImm::Eor, size, rd, a, b),
            Op::I32Shl | Op::I64Shl => self.shift(Shift::Lsl, size, rd, a, b),
            Op::I32ShrS | Op::I64ShrS => self.shift(Shift::Asr, size, rd, a, b),
            Op::I32ShrU | Op::I64ShrU => self.shift(Shift::Lsr, size, rd, a, b),
            Op::I32Rotr | Op::I64Rotr => self.shift(Shift::Ror, size, rd, a, b),
            Op::I32Rotl | Op::I64Rotl => self.rotl(size, rd, a, b),
            Op::I32DivS | Op::I64DivS => self.divide(Data2::Sdiv, false, (size, rd), a, b),
            Op::I32DivU | Op::I64DivU => self.divide(Data2::Udiv, false, (size, rd), a, b),
            Op::I32RemS | Op::I64RemS => self.divide(Data2::Sdiv, true, (size, rd), a, b),
            Op::I32RemU | Op::I64RemU => self.divide(Data2::Udiv, true, (size, rd), a, b),
            other => unreachable!("{} is no binary integer row", other.mnemonic()),
        }
    }

    // --- second operands -------------------------------------------------------------------------

    /// A second operand of an addition, a subtraction or a comparison.
    pub(super) fn second(&mut self, size: Size, b: Value) -> Second {
        if let Some(bits) = self.func.constant(b) {
            let bits = match size {
                Size::W => bits as i32 as i64,
                Size::X => bits as i64,
            };
            if let Some(imm) = Imm12::new(bits as u64) {
                return Second::Imm(imm);
            }
            if let Some(imm) = Imm12::new(bits.wrapping_neg() as u64) {
                return Second::NegImm(imm);
            }
        }
        if let Some(ssa::Inst::Unary { op, a }) = self.func.def(b) {
            match op {
                Op::I64ExtendI32U => return Second::Extended(self.gpr(a), Extend::Uxtw),
                Op::I64ExtendI32S => return Second::Extended(self.gpr(a), Extend::Sxtw),
                _ => {}
            }
        }
        let (reg, shift, amount) = self.shifted(size, b, false);
        Second::Shifted(reg, shift, amount)
    }

    /// A register, and the constant shift of it that a value is.
    fn shifted(&mut self, size: Size, b: Value, with_rotation: bool) -> (Gpr, Shift, u8) {
        if let Some(ssa::Inst::Binary { op, a, b: amount }) = self.sole_use(b)
            && let Some(amount) = self.func.constant(amount)
        {
            let bits = u64::from(size.bit_count());
            let shift = match op {
                Op::I32Shl | Op::I64Shl => Some((Shift::Lsl, amount)),
                Op::I32ShrU | Op::I64ShrU => Some((Shift::Lsr, amount)),
                Op::I32ShrS | Op::I64ShrS => Some((Shift::Asr, amount)),
                Op::I32Rotr | Op::I64Rotr if with_rotation => Some((Shift::Ror, amount)),
                Op::I32Rotl | Op::I64Rotl if with_rotation => {
                    Some((Shift::Ror, bits - amount % bits))
                }
                _ => None,
            };
            if let Some((shift, amount)) = shift {
                return (self.gpr(a), shift, (amount % bits) as u8);
            }
        }
        (self.gpr_or_zero(b), Shift::Lsl, 0)
    }

    /// Whether a value is better the second operand than the first.
    fn is_second(&self, b: Value) -> bool {
        let is_shift = |inst| {
            matches!(
                inst,
                ssa::Inst::Binary {
                    op: Op::I32Shl
                        | Op::I64Shl
                        | Op::I32ShrS
                        | Op::I64ShrS
                        | Op::I32ShrU
                        | Op::I64ShrU,
                    b,
                    ..
                } if self.func.constant(b).is_some()
            )
        };
        let is_extension = |inst| {
            matches!(
                inst,
                ssa::Inst::Unary {
                    op: Op::I64ExtendI32U | Op::I64ExtendI32S,
                    ..
                }
            )
        };
        self.sole_use(b).is_some_and(is_shift) || self.func.def(b).is_some_and(is_extension)
    }

    /// The factors of a multiplication that only this use has.
    fn factors(&self, value: Value) -> Option<(Value, Value)> {
        match self.sole_use(value) {
            Some(ssa::Inst::Binary {
                op: Op::I32Mul | Op::I64Mul,
                a,
                b,
            }) => Some((a, b)),
            _ => None,
        }
    }

    // --- operations ------------------------------------------------------------------------------

    fn add(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        let (a, b) = if self.is_second(a) && !self.is_second(b) && self.func.constant(b).is_none() {
            (b, a)
        } else {
            (a, b)
        };
        let product = self.factors(b).map(|f| (f, a));
        let product = product.or_else(|| self.factors(a).map(|f| (f, b)));
        if let Some(((x, y), addend)) = product
            && self.func.constant(addend).is_none()
        {
            return self.multiply_add(MulAdd::Madd, (size, rd), x, y, addend);
        }
        self.add_sub(AddSub::Add, AddSub::Sub, (size, rd), a, b);
    }

    fn sub(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        if let Some((x, y)) = self.factors(b) {
            return self.multiply_add(MulAdd::Msub, (size, rd), x, y, a);
        }
        if self.func.constant(a) == Some(0) {
            let (rm, shift, amount) = self.shifted(size, b, false);
            return self.a64(Inst::AddSub {
                op: AddSub::Sub,
                size,
                rd,
                rn: XZR,
                rm,
                shift,
                amount,
            });
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
        self.a64(Inst::MulAdd {
            op,
            size,
            rd,
            rn,
            rm,
            ra,
        });
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
            Second::Imm(imm) => Inst::AddSubImm {
                op,
                size,
                rd,
                rn,
                imm,
            },
            Second::NegImm(imm) => Inst::AddSubImm {
                op: opposite,
                size,
                rd,
                rn,
                imm,
            },
            Second::Shifted(rm, shift, amount) => Inst::AddSub {
                op,
                size,
                rd,
                rn,
                rm,
                shift,
                amount,
            },
            Second::Extended(rm, extend) => Inst::AddSubExtend {
                op,
                size,
                rd,
                rn,
                rm,
                extend,
                amount: 0,
            },
        });
    }

    fn mul(&mut self, size: Size, rd: Gpr, a: Value, b: Value) {
        let widened = |cx: &Self, v: Value| match cx.func.def(v) {
            Some(ssa::Inst::Unary { op, a }) => Some((op, a)),
            _ => None,
        };
        if size == Size::X
            && let (Some((x_op, x)), Some((y_op, y))) = (widened(self, a), widened(self, b))
            && x_op == y_op
        {
            let op = match x_op {
                Op::I64ExtendI32S => Some(MulAddLong::Smaddl),
                Op::I64ExtendI32U => Some(MulAddLong::Umaddl),
                _ => None,
            };
            if let Some(op) = op {
                let (rn, rm) = (self.gpr(x), self.gpr(y));
                let ra = XZR;
                return self.a64(Inst::MulAddLong { op, rd, rn, rm, ra });
            }
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
            let bits = u64::from(size.bit_count());
            let (lowest, width) = (amount % bits, u64::from(mask.trailing_ones()));
            let rn = self.gpr(source);
            return self.a64(Inst::Bitfield {
                op: Bitfield::Ubfm,
                size,
                rd,
                rn,
                immr: lowest as u8,
                imms: (lowest + width - 1).min(bits - 1) as u8,
            });
        }
        self.logic(LogicImm::And, size, rd, a, b);
    }

    fn logic(&mut self, op: LogicImm, size: Size, rd: Gpr, a: Value, b: Value) {
        if let Some(bits) = self.func.constant(b) {
            if let Some(imm) = BitImm::new(size, bits) {
                let rn = self.gpr(a);
                return self.a64(Inst::LogicImm {
                    op,
                    size,
                    rd,
                    rn,
                    imm,
                });
            }
            let all = u64::MAX >> (64 - size.bit_count());
            if op == LogicImm::Eor && bits == all {
                let rm = self.gpr(a);
                return self.a64(Inst::mvn(size, rd, rm));
            }
        }
        let (a, b) = if self.is_second(a) { (b, a) } else { (a, b) };
        let (op, b) = match self.complement(size, b) {
            Some(inner) => (inverted(op), inner),
            None => (plain(op), b),
        };
        let (rm, shift, amount) = self.shifted(size, b, true);
        let rn = self.gpr(a);
        self.a64(Inst::Logic {
            op,
            size,
            rd,
            rn,
            rm,
            shift,
            amount,
        });
    }

    /// The value whose complement a value is, if only this use needs it.
    fn complement(&self, size: Size, value: Value) -> Option<Value> {
        let all = u64::MAX >> (64 - size.bit_count());
        match self.sole_use(value) {
            Some(ssa::Inst::Binary {
                op: Op::I32Xor | Op::I64Xor,
                a,
                b,
            }) if self.func.constant(b) == Some(all) => Some(a),
            _ => None,
        }
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
                let (rn, rm, negated) = (self.gpr(a), self.gpr(b), self.temp());
                self.a64(Inst::neg(size, negated, rm));
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
        if divisor.is_none_or(|bits| bits == 0) {
            let is_zero = Test::Zero {
                size,
                reg: rm,
                is_zero: true,
            };
            self.emit(MInst::TrapIf(is_zero, TrapKind::IntegerDivideByZero));
        }
        let all = u64::MAX >> (64 - size.bit_count());
        let may_overflow = op == Data2::Sdiv && divisor.is_none_or(|bits| bits == all);
        // The remainder by -1 needs no care: the quotient wraps, and 0 remains.
        if may_overflow && !is_remainder {
            self.trap_if_overflow(size, rn, rm);
        }
        if !is_remainder {
            return self.a64(Inst::Data2 {
                op,
                size,
                rd,
                rn,
                rm,
            });
        }
        let quotient = self.temp();
        self.a64(Inst::Data2 {
            op,
            size,
            rd: quotient,
            rn,
            rm,
        });
        self.a64(Inst::MulAdd {
            op: MulAdd::Msub,
            size,
            rd,
            rn: quotient,
            rm,
            ra: rn,
        });
    }

    /// Traps if the smallest integer is divided by -1: `rm == -1`, and then `rn - 1` overflows.
    fn trap_if_overflow(&mut self, size: Size, rn: Gpr, rm: Gpr) {
        let one = Imm12::new(1).expect("1 fits");
        self.a64(Inst::cmn_imm(size, rm, one));
        self.a64(Inst::CondCmpImm {
            op: CondCmp::Ccmp,
            size,
            rn,
            imm: 1,
            nzcv: 0,
            cond: Cond::Eq,
        });
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
