//! Float rows of the opcode table, conversions among them.
//!
//! A64 does most of what the spec asks: `fmin` and `fmax` propagate NaNs and order zeros, `frint*`
//! and `fcvt*` round and saturate as the opcodes do. Trapping conversions check first.

use super::{Cx, fp_size_of, size_of};
use crate::ir::Type;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{
    AddSub, Cond, CondSel, Extend, Fp1, Fp2, FpCmp, FpCvt, FpSize, FpToInt, IntToFp, Shift, Size,
};
use crate::jit::arm64::regs::{Gpr, Tied, Vreg, XZR};
use crate::jit::arm64::vector::{Arr, Vec3Acc, VecShr};
use crate::jit::ssa::fold;
use crate::jit::ssa::{InstId, Value};
use crate::ops::Op;
use crate::trap::TrapKind;

impl Cx<'_> {
    pub(super) fn float_unary(&mut self, id: InstId, op: Op, a: Value) {
        if let Some(rounding) = fp1(op) {
            let size = fp_size_of(fold::result_type(op));
            let (rd, rn) = (self.result_fpr(id), self.fpr(a));
            let op = rounding;
            return self.a64(Inst::Fp1 { op, size, rd, rn });
        }
        match op {
            Op::F32DemoteF64 => self.convert_width(id, FpCvt::DToS, a),
            Op::F64PromoteF32 => self.convert_width(id, FpCvt::SToD, a),
            Op::I32ReinterpretF32 | Op::I64ReinterpretF64 => {
                let size = fp_size_of(fold::operand_type(op, 0));
                let (rd, rn) = (self.result_gpr(id), self.fpr(a));
                self.a64(Inst::FpToGpr { size, rd, rn });
            }
            Op::F32ReinterpretI32 | Op::F64ReinterpretI64 => {
                let size = fp_size_of(fold::result_type(op));
                let (rd, rn) = (self.result_fpr(id), self.gpr(a));
                self.a64(Inst::GprToFp { size, rd, rn });
            }
            _ => self.convert(id, op, a),
        }
    }

    fn convert_width(&mut self, id: InstId, op: FpCvt, a: Value) {
        let (rd, rn) = (self.result_fpr(id), self.fpr(a));
        self.a64(Inst::FpCvt { op, rd, rn });
    }

    /// Conversions between integers and floats.
    fn convert(&mut self, id: InstId, op: Op, a: Value) {
        let (from, to) = (fold::operand_type(op, 0), fold::result_type(op));
        let is_signed = op.mnemonic().ends_with("_s");
        if matches!(to, Type::F32 | Type::F64) {
            let (rd, rn) = (self.result_fpr(id), self.gpr(a));
            let op = match is_signed {
                true => IntToFp::Scvtf,
                false => IntToFp::Ucvtf,
            };
            let (from, to) = (size_of(from), fp_size_of(to));
            return self.a64(Inst::IntToFp {
                op,
                from,
                to,
                rd,
                rn,
            });
        }
        let (rd, rn) = (self.result_gpr(id), self.fpr(a));
        let (from, to) = (fp_size_of(from), size_of(to));
        if !fold::may_trap(op) {
            return self.truncate(is_signed, from, to, rd, rn);
        }
        let cmp = FpCmp::Fcmp;
        self.a64(Inst::FpCmp {
            op: cmp,
            size: from,
            rn,
            rm: rn,
        });
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
        self.a64(Inst::FpToInt {
            op,
            from,
            to,
            rd,
            rn,
        });
    }

    /// To 32 bits: truncated to 64 bits, where the result must be one of 32.
    fn truncate_checked(&mut self, is_signed: bool, from: FpSize, rd: Gpr, rn: Vreg) {
        let wide = self.temp();
        self.truncate(true, from, Size::X, wide, rn);
        let test = if is_signed {
            self.a64(Inst::AddSubExtend {
                op: AddSub::Subs,
                size: Size::X,
                rd: XZR,
                rn: wide,
                rm: wide,
                extend: Extend::Sxtw,
                amount: 0,
            });
            Test::Flags(Cond::Ne)
        } else {
            let upper = self.temp();
            self.a64(Inst::shift_imm(Shift::Lsr, Size::X, upper, wide, 32));
            Test::Zero {
                size: Size::X,
                reg: upper,
                is_zero: false,
            }
        };
        self.emit(MInst::TrapIf(test, TrapKind::IntegerOverflow));
        self.a64(Inst::mov(Size::W, rd, wide));
    }

    /// Traps if a float that is no NaN truncates to nothing of 64 bits.
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
            let op = FpCmp::Fcmp;
            self.a64(Inst::FpCmp { op, size, rn, rm });
            let test = Test::Flags(cond);
            self.emit(MInst::TrapIf(test, TrapKind::IntegerOverflow));
        }
    }

    pub(super) fn float_binary(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        let size = fp_size_of(fold::result_type(op));
        let (rd, rn, rm) = (self.result_fpr(id), self.fpr(a), self.fpr(b));
        match op {
            Op::F32Copysign | Op::F64Copysign => self.copysign(size, rd, rn, rm),
            _ => {
                let op = fp2(op);
                self.a64(Inst::Fp2 {
                    op,
                    size,
                    rd,
                    rn,
                    rm,
                });
            }
        }
    }

    /// The bits of `rn`, but the sign of `rm`: that goes down to bit 0, and is put in at the top.
    fn copysign(&mut self, size: FpSize, rd: Vreg, rn: Vreg, rm: Vreg) {
        let (arr, amount) = match size {
            FpSize::S => (Arr::S2, 31),
            FpSize::D => (Arr::D2, 63),
        };
        let sign = self.temp_fpr();
        self.a64(Inst::VecShr {
            op: VecShr::Ushr,
            arr,
            rd: sign,
            rn: rm,
            amount,
        });
        self.a64(Inst::VecShlInsert {
            arr,
            rd: Tied { old: rn, new: rd },
            rn: sign,
            amount,
        });
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
        self.a64(Inst::FpCondSel {
            size,
            rd,
            rn,
            rm,
            cond,
        });
    }

    /// By a mask of ones where the condition holds.
    fn vector_select(&mut self, rd: Vreg, rn: Vreg, rm: Vreg, cond: Cond) {
        let (bits, mask) = (self.temp(), self.temp_fpr());
        self.a64(Inst::CondSel {
            op: CondSel::Csinv,
            size: Size::X,
            rd: bits,
            rn: XZR,
            rm: XZR,
            cond: cond.invert(),
        });
        let (arr, dup) = (Arr::D2, bits);
        self.a64(Inst::DupGpr {
            arr,
            rd: mask,
            rn: dup,
        });
        self.a64(Inst::Vec3Acc {
            op: Vec3Acc::Bsl,
            arr: Arr::B16,
            rd: Tied { old: mask, new: rd },
            rn,
            rm,
        });
    }
}

fn fp1(op: Op) -> Option<Fp1> {
    Some(match op {
        Op::F32Abs | Op::F64Abs => Fp1::Fabs,
        Op::F32Neg | Op::F64Neg => Fp1::Fneg,
        Op::F32Sqrt | Op::F64Sqrt => Fp1::Fsqrt,
        Op::F32Ceil | Op::F64Ceil => Fp1::Frintp,
        Op::F32Floor | Op::F64Floor => Fp1::Frintm,
        Op::F32Trunc | Op::F64Trunc => Fp1::Frintz,
        Op::F32Nearest | Op::F64Nearest => Fp1::Frintn,
        _ => return None,
    })
}

fn fp2(op: Op) -> Fp2 {
    match op {
        Op::F32Add | Op::F64Add => Fp2::Fadd,
        Op::F32Sub | Op::F64Sub => Fp2::Fsub,
        Op::F32Mul | Op::F64Mul => Fp2::Fmul,
        Op::F32Div | Op::F64Div => Fp2::Fdiv,
        Op::F32Min | Op::F64Min => Fp2::Fmin,
        Op::F32Max | Op::F64Max => Fp2::Fmax,
        other => unreachable!("{} is no binary float row", other.mnemonic()),
    }
}
