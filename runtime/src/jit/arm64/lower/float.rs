//! Conversions, and the sequences of scalar rows on floats.
//!
//! A64 does most of what the spec asks: `fmin` and `fmax` propagate NaNs and order zeros, `frint*`
//! and `fcvt*` round and saturate as the opcodes do. Trapping conversions check first.

use super::{Cx, fp_size_of, size_of};
use crate::ir::Type;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{
    Cond, CondSel, Extend, Fp1, Fp2, FpCvt, FpSize, FpToInt, IntToFp, Shift, Size,
};
use crate::jit::arm64::regs::{Gpr, Tied, Vreg, XZR};
use crate::jit::arm64::vector::{Arr, VecShr};
use crate::jit::ssa::fold;
use crate::jit::ssa::{InstId, Value};
use crate::ops::{Op, group};
use crate::trap::TrapKind;

impl Cx<'_> {
    pub(super) fn float_unary(&mut self, id: InstId, op: Fp1, row: Op, a: Value) {
        let size = fp_size_of(fold::result_type(row));
        let (rd, rn) = (self.result_fpr(id), self.fpr(a));
        self.a64(Inst::fp1(op, size, rd, rn));
    }

    /// A row of the group `convert`.
    pub(super) fn convert(&mut self, id: InstId, op: Op, row: group::Convert, a: Value) {
        use group::Convert as C;
        match row {
            C::I32WrapI64 | C::I64ExtendI32U => self.lower_half(id, a),
            C::I64ExtendI32S => self.sign_extend(id, op, 32, a),
            C::F32ConvertI32S | C::F32ConvertI64S | C::F64ConvertI32S | C::F64ConvertI64S => {
                self.integer_to_float(id, IntToFp::Scvtf, op, a);
            }
            C::F32ConvertI32U | C::F32ConvertI64U | C::F64ConvertI32U | C::F64ConvertI64U => {
                self.integer_to_float(id, IntToFp::Ucvtf, op, a);
            }
            C::F32DemoteF64 => self.convert_width(id, FpCvt::DToS, a),
            C::F64PromoteF32 => self.convert_width(id, FpCvt::SToD, a),
            C::I32ReinterpretF32 | C::I64ReinterpretF64 => {
                let size = fp_size_of(fold::operand_type(op, 0));
                let (rd, rn) = (self.result_gpr(id), self.fpr(a));
                self.a64(Inst::fp_to_gpr(size, rd, rn));
            }
            C::F32ReinterpretI32 | C::F64ReinterpretI64 => {
                let size = fp_size_of(fold::result_type(op));
                let (rd, rn) = (self.result_fpr(id), self.gpr(a));
                self.a64(Inst::gpr_to_fp(size, rd, rn));
            }
            C::I32TruncSatF32S | C::I32TruncSatF64S | C::I64TruncSatF32S | C::I64TruncSatF64S => {
                let (from, to, rd, rn) = self.float_to_integer(id, op, a);
                self.truncate(true, from, to, rd, rn);
            }
            C::I32TruncSatF32U | C::I32TruncSatF64U | C::I64TruncSatF32U | C::I64TruncSatF64U => {
                let (from, to, rd, rn) = self.float_to_integer(id, op, a);
                self.truncate(false, from, to, rd, rn);
            }
        }
    }

    fn convert_width(&mut self, id: InstId, op: FpCvt, a: Value) {
        let (rd, rn) = (self.result_fpr(id), self.fpr(a));
        self.a64(Inst::fp_cvt(op, rd, rn));
    }

    fn integer_to_float(&mut self, id: InstId, op: IntToFp, row: Op, a: Value) {
        let (from, to) = (fold::operand_type(row, 0), fold::result_type(row));
        let (rd, rn) = (self.result_fpr(id), self.gpr(a));
        let (from, to) = (size_of(from), fp_size_of(to));
        self.a64(Inst::int_to_fp(op, from, to, rd, rn));
    }

    /// The sizes and registers of a conversion of a float to an integer.
    fn float_to_integer(&mut self, id: InstId, op: Op, a: Value) -> (FpSize, Size, Gpr, Vreg) {
        let (from, to) = (fold::operand_type(op, 0), fold::result_type(op));
        let (rd, rn) = (self.result_gpr(id), self.fpr(a));
        (fp_size_of(from), size_of(to), rd, rn)
    }

    /// A row of the group `convert_trapping`.
    pub(super) fn convert_trapping(
        &mut self,
        id: InstId,
        op: Op,
        row: group::ConvertTrapping,
        a: Value,
    ) {
        use group::ConvertTrapping as C;
        let is_signed = match row {
            C::I32TruncF32S | C::I32TruncF64S | C::I64TruncF32S | C::I64TruncF64S => true,
            C::I32TruncF32U | C::I32TruncF64U | C::I64TruncF32U | C::I64TruncF64U => false,
        };
        let (from, to, rd, rn) = self.float_to_integer(id, op, a);
        self.a64(Inst::fp_cmp(from, rn, rn));
        let is_nan = Test::Flags(Cond::Vs);
        self.emit(MInst::TrapIf(is_nan, TrapKind::InvalidConversionToInteger));
        match to {
            Size::W => self.truncate_checked(is_signed, from, rd, rn),
            Size::X => {
                self.check_range(is_signed, from, rn);
                self.truncate(is_signed, from, to, rd, rn);
            }
        }
    }

    fn truncate(&mut self, is_signed: bool, from: FpSize, to: Size, rd: Gpr, rn: Vreg) {
        let op = match is_signed {
            true => FpToInt::Fcvtzs,
            false => FpToInt::Fcvtzu,
        };
        self.a64(Inst::fp_to_int(op, from, to, rd, rn));
    }

    /// To 32 bits: truncated to 64 bits, where the result must be one of 32.
    fn truncate_checked(&mut self, is_signed: bool, from: FpSize, rd: Gpr, rn: Vreg) {
        let wide = self.temp();
        self.truncate(true, from, Size::X, wide, rn);
        let test = if is_signed {
            self.a64(Inst::cmp_extended(Size::X, wide, wide, Extend::Sxtw));
            Test::Flags(Cond::Ne)
        } else {
            let upper = self.made(|rd| Inst::shift_imm(Shift::Lsr, Size::X, rd, wide, 32));
            Test::nonzero(Size::X, upper)
        };
        self.emit(MInst::TrapIf(test, TrapKind::IntegerOverflow));
        self.a64(Inst::mov(Size::W, rd, wide));
    }

    /// Traps if a float other than a NaN truncates to an integer out of the range of 64 bits.
    fn check_range(&mut self, is_signed: bool, size: FpSize, rn: Vreg) {
        let two_to_63: f64 = 9_223_372_036_854_775_808.0;
        // Below: `x < -2^63` or `x <= -1`; above: `x >= 2^63` or `x >= 2^64`.
        let (low, below, high) = match is_signed {
            true => (-two_to_63, Cond::Mi, two_to_63),
            false => (-1.0, Cond::Ls, 2.0 * two_to_63),
        };
        for (bound, cond) in [(low, below), (high, Cond::Ge)] {
            let rm = self.temp_fpr();
            let bits = match size {
                FpSize::S => u64::from((bound as f32).to_bits()),
                FpSize::D => bound.to_bits(),
            };
            self.emit(MInst::FpImm { size, rd: rm, bits });
            self.a64(Inst::fp_cmp(size, rn, rm));
            let test = Test::Flags(cond);
            self.emit(MInst::TrapIf(test, TrapKind::IntegerOverflow));
        }
    }

    pub(super) fn float_binary(&mut self, id: InstId, op: Fp2, row: Op, a: Value, b: Value) {
        let size = fp_size_of(fold::result_type(row));
        let (rd, rn, rm) = (self.result_fpr(id), self.fpr(a), self.fpr(b));
        self.a64(Inst::fp2(op, size, rd, rn, rm));
    }

    /// The bits of `rn`, but the sign of `rm`: that goes down to bit 0, and is put in at the top.
    pub(super) fn copysign(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        let size = fp_size_of(fold::result_type(op));
        let (rd, rn, rm) = (self.result_fpr(id), self.fpr(a), self.fpr(b));
        let (arr, amount) = match size {
            FpSize::S => (Arr::S2, 31),
            FpSize::D => (Arr::D2, 63),
        };
        let sign = self.made_fpr(|rd| Inst::vec_shr(VecShr::Ushr, arr, rd, rm, amount));
        let rd = Tied { old: rn, new: rd };
        self.a64(Inst::vec_shl_insert(arr, rd, sign, amount));
    }

    pub(super) fn float_select(&mut self, id: InstId, cond: Value, a: Value, b: Value) {
        let ty = self.func.ty(a);
        let (rd, rn, rm) = (self.result_fpr(id), self.fpr(a), self.fpr(b));
        let test = self.test(cond);
        let cond = self.flags(test);
        if ty == Type::V128 {
            return self.vector_select(rd, rn, rm, cond);
        }
        let size = fp_size_of(ty);
        self.a64(Inst::fp_cond_sel(size, rd, rn, rm, cond));
    }

    /// By a mask of ones where the condition holds.
    fn vector_select(&mut self, rd: Vreg, rn: Vreg, rm: Vreg, cond: Cond) {
        let (op, cond) = (CondSel::Csinv, cond.invert());
        let bits = self.made(|rd| Inst::cond_sel(op, Size::X, rd, XZR, XZR, cond));
        let old = self.made_fpr(|rd| Inst::dup_gpr(Arr::D2, rd, bits));
        self.a64(Inst::bsl(Tied { old, new: rd }, rn, rm));
    }
}
