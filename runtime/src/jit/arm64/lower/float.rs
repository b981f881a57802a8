//! Float rows of the opcode table, conversions among them.
//!
//! A64 does most of what the spec asks: `fmin` and `fmax` propagate NaNs and order zeros, `frint*`
//! and `fcvt*` round and saturate as the opcodes do. Trapping conversions check first.

use super::{Cx, fp_size_of, size_of};
use crate::ir::Type;
use crate::jit::arm64::imm::BitImm;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{
    AddSub, Cond, Extend, Fp1, Fp2, FpCmp, FpCvt, FpSize, FpToInt, IntToFp, Logic, LogicImm, Shift,
    Size,
};
use crate::jit::arm64::regs::{Gpr, Vreg, XZR};
use crate::jit::fold;
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

    /// The bits of `rn`, but the sign of `rm`.
    fn copysign(&mut self, fp: FpSize, rd: Vreg, rn: Vreg, rm: Vreg) {
        let size = fp.gpr();
        let sign = 1 << (size.bit_count() - 1);
        let all = u64::MAX >> (64 - size.bit_count());
        let magnitude = self.masked_bits(fp, rn, all ^ sign);
        let sign = self.masked_bits(fp, rm, sign);
        let both = self.temp();
        self.a64(Inst::logic(Logic::Orr, size, both, magnitude, sign));
        self.a64(Inst::GprToFp {
            size: fp,
            rd,
            rn: both,
        });
    }

    fn masked_bits(&mut self, fp: FpSize, rn: Vreg, mask: u64) -> Gpr {
        let (bits, rd) = (self.temp(), self.temp());
        self.a64(Inst::FpToGpr {
            size: fp,
            rd: bits,
            rn,
        });
        let imm = BitImm::new(fp.gpr(), mask).expect("one run of ones");
        self.a64(Inst::LogicImm {
            op: LogicImm::And,
            size: fp.gpr(),
            rd,
            rn: bits,
            imm,
        });
        rd
    }

    pub(super) fn float_select(&mut self, id: InstId, cond: Value, a: Value, b: Value) {
        let size = fp_size_of(self.func.ty(a));
        let (rd, rn, rm) = (self.result_fpr(id), self.fpr(a), self.fpr(b));
        let test = self.test(cond);
        let cond = self.flags(test);
        self.a64(Inst::FpCondSel {
            size,
            rd,
            rn,
            rm,
            cond,
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
