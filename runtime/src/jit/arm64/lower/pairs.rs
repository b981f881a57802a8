//! Vector rows of two operands.
//!
//! Sums take in products, extensions and sums of pairs; logic takes in complements; comparisons
//! with zero need no register for it.

use super::Cx;
use super::vector::{
    float_lanes_of, half_lanes, is_extension, is_pairwise, is_signed, lanes_of, widened_by,
};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::regs::{Tied, Vreg};
use crate::jit::arm64::vector::{
    Arr, Vec2, Vec3, Vec3Acc, Vec3Fp, VecLong, VecLongAcc, VecNarrow, VecPairLong, VecPairLongAcc,
    VecShl, VecWide, VecZero, VecZeroFp,
};
use crate::jit::ssa::{self, InstId, Value};
use crate::ops::Op;

/// The one instruction of a row.
#[derive(Clone, Copy)]
enum By {
    Integer(Vec3),
    Float(Vec3Fp),
}

/// What a row is over its lanes, and whether with its operands exchanged.
fn single(op: Op) -> Option<(By, bool)> {
    use Op as O;
    let by = match op {
        O::I8x16Add | O::I16x8Add | O::I32x4Add | O::I64x2Add => Vec3::Add,
        O::I8x16Sub | O::I16x8Sub | O::I32x4Sub | O::I64x2Sub => Vec3::Sub,
        O::I16x8Mul | O::I32x4Mul => Vec3::Mul,
        O::I8x16AddSatS | O::I16x8AddSatS => Vec3::Sqadd,
        O::I8x16AddSatU | O::I16x8AddSatU => Vec3::Uqadd,
        O::I8x16SubSatS | O::I16x8SubSatS => Vec3::Sqsub,
        O::I8x16SubSatU | O::I16x8SubSatU => Vec3::Uqsub,
        O::I8x16MinS | O::I16x8MinS | O::I32x4MinS => Vec3::Smin,
        O::I8x16MinU | O::I16x8MinU | O::I32x4MinU => Vec3::Umin,
        O::I8x16MaxS | O::I16x8MaxS | O::I32x4MaxS => Vec3::Smax,
        O::I8x16MaxU | O::I16x8MaxU | O::I32x4MaxU => Vec3::Umax,
        O::I8x16AvgrU | O::I16x8AvgrU => Vec3::Urhadd,
        O::I16x8Q15MulrSatS | O::I16x8RelaxedQ15mulrS => Vec3::Sqrdmulh,
        O::V128And => Vec3::And,
        O::V128AndNot => Vec3::Bic,
        O::V128Or => Vec3::Orr,
        O::V128Xor => Vec3::Eor,
        _ => return comparison(op).or_else(|| Some((By::Float(float(op)?), false))),
    };
    Some((By::Integer(by), false))
}

fn float(op: Op) -> Option<Vec3Fp> {
    use Op as O;
    Some(match op {
        O::F32x4Add | O::F64x2Add => Vec3Fp::Fadd,
        O::F32x4Sub | O::F64x2Sub => Vec3Fp::Fsub,
        O::F32x4Mul | O::F64x2Mul => Vec3Fp::Fmul,
        O::F32x4Div | O::F64x2Div => Vec3Fp::Fdiv,
        O::F32x4Min | O::F64x2Min | O::F32x4RelaxedMin | O::F64x2RelaxedMin => Vec3Fp::Fmin,
        O::F32x4Max | O::F64x2Max | O::F32x4RelaxedMax | O::F64x2RelaxedMax => Vec3Fp::Fmax,
        _ => return None, // rows of several instructions
    })
}

/// What a comparison is; `ne` is the complement of what this says.
fn comparison(op: Op) -> Option<(By, bool)> {
    use Op as O;
    let (by, is_exchanged) = match op {
        O::I8x16Eq | O::I16x8Eq | O::I32x4Eq | O::I64x2Eq => (Vec3::Cmeq, false),
        O::I8x16Ne | O::I16x8Ne | O::I32x4Ne | O::I64x2Ne => (Vec3::Cmeq, false),
        O::I8x16GtS | O::I16x8GtS | O::I32x4GtS | O::I64x2GtS => (Vec3::Cmgt, false),
        O::I8x16GeS | O::I16x8GeS | O::I32x4GeS | O::I64x2GeS => (Vec3::Cmge, false),
        O::I8x16LtS | O::I16x8LtS | O::I32x4LtS | O::I64x2LtS => (Vec3::Cmgt, true),
        O::I8x16LeS | O::I16x8LeS | O::I32x4LeS | O::I64x2LeS => (Vec3::Cmge, true),
        O::I8x16GtU | O::I16x8GtU | O::I32x4GtU => (Vec3::Cmhi, false),
        O::I8x16GeU | O::I16x8GeU | O::I32x4GeU => (Vec3::Cmhs, false),
        O::I8x16LtU | O::I16x8LtU | O::I32x4LtU => (Vec3::Cmhi, true),
        O::I8x16LeU | O::I16x8LeU | O::I32x4LeU => (Vec3::Cmhs, true),
        _ => return float_comparison(op),
    };
    Some((By::Integer(by), is_exchanged))
}

fn float_comparison(op: Op) -> Option<(By, bool)> {
    use Op as O;
    let (by, is_exchanged) = match op {
        O::F32x4Eq | O::F64x2Eq | O::F32x4Ne | O::F64x2Ne => (Vec3Fp::Fcmeq, false),
        O::F32x4Gt | O::F64x2Gt => (Vec3Fp::Fcmgt, false),
        O::F32x4Ge | O::F64x2Ge => (Vec3Fp::Fcmge, false),
        O::F32x4Lt | O::F64x2Lt => (Vec3Fp::Fcmgt, true),
        O::F32x4Le | O::F64x2Le => (Vec3Fp::Fcmge, true),
        _ => return None, // no comparison
    };
    Some((By::Float(by), is_exchanged))
}

fn is_ne(op: Op) -> bool {
    use Op as O;
    matches!(
        op,
        O::I8x16Ne | O::I16x8Ne | O::I32x4Ne | O::I64x2Ne | O::F32x4Ne | O::F64x2Ne
    )
}

/// A comparison with zero, but for `ne` of integers, which is `cmtst` with itself.
enum Zero {
    Integer(VecZero),
    Float(VecZeroFp),
}

fn with_zero(op: Op) -> Option<Zero> {
    let by = match comparison(op)? {
        (By::Integer(Vec3::Cmeq), _) => Zero::Integer(VecZero::Cmeq),
        (By::Integer(Vec3::Cmgt), false) => Zero::Integer(VecZero::Cmgt),
        (By::Integer(Vec3::Cmge), false) => Zero::Integer(VecZero::Cmge),
        (By::Integer(Vec3::Cmgt), true) => Zero::Integer(VecZero::Cmlt),
        (By::Integer(Vec3::Cmge), true) => Zero::Integer(VecZero::Cmle),
        (By::Float(Vec3Fp::Fcmeq), _) => Zero::Float(VecZeroFp::Fcmeq),
        (By::Float(Vec3Fp::Fcmgt), false) => Zero::Float(VecZeroFp::Fcmgt),
        (By::Float(Vec3Fp::Fcmge), false) => Zero::Float(VecZeroFp::Fcmge),
        (By::Float(Vec3Fp::Fcmgt), true) => Zero::Float(VecZeroFp::Fcmlt),
        (By::Float(Vec3Fp::Fcmge), true) => Zero::Float(VecZeroFp::Fcmle),
        _ => return None, // unsigned
    };
    Some(by)
}

/// Whether a row takes zero in as its second operand.
pub(super) fn takes_zero(op: Op) -> bool {
    with_zero(op).is_some()
}

/// The product of halves of two vectors that a row is.
fn long_product(op: Op) -> Option<VecLong> {
    use Op as O;
    matches!(
        op,
        O::I16x8ExtMulLowI8x16S
            | O::I16x8ExtMulHighI8x16S
            | O::I16x8ExtMulLowI8x16U
            | O::I16x8ExtMulHighI8x16U
            | O::I32x4ExtMulLowI16x8S
            | O::I32x4ExtMulHighI16x8S
            | O::I32x4ExtMulLowI16x8U
            | O::I32x4ExtMulHighI16x8U
            | O::I64x2ExtMulLowI32x4S
            | O::I64x2ExtMulHighI32x4S
            | O::I64x2ExtMulLowI32x4U
            | O::I64x2ExtMulHighI32x4U
    )
    .then(|| match is_signed(op) {
        true => VecLong::Smull,
        false => VecLong::Umull,
    })
}

fn is_add(op: Op) -> bool {
    matches!(single(op), Some((By::Integer(Vec3::Add), _)))
}

fn is_sub(op: Op) -> bool {
    matches!(single(op), Some((By::Integer(Vec3::Sub), _)))
}

impl Cx<'_> {
    pub(super) fn vector_binary(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        let rd = self.result_fpr(id);
        if self.func.constant128(b) == Some(0)
            && let Some(zero) = with_zero(op)
        {
            return self.compare_with_zero(op, zero, rd, a);
        }
        let taken_in = self.sum_with(op, rd, a, b)
            || is_add(op) && self.sum_with(op, rd, b, a)
            || self.logic_with_complement(op, rd, a, b);
        if taken_in {
            return;
        }
        let (rn, rm) = (self.fpr(a), self.fpr(b));
        match single(op) {
            Some((by, is_exchanged)) => {
                let (rn, rm) = if is_exchanged { (rm, rn) } else { (rn, rm) };
                let made = if is_ne(op) { self.temp_fpr() } else { rd };
                self.by(by, op, made, rn, rm);
                self.complement_if_ne(op, rd, made);
            }
            None => self.several(op, rd, rn, rm),
        }
    }

    fn by(&mut self, by: By, op: Op, rd: Vreg, rn: Vreg, rm: Vreg) {
        let (arr, fp) = (lanes_of(op), float_lanes_of(op));
        self.a64(match by {
            By::Integer(op) => Inst::Vec3 {
                op,
                arr,
                rd,
                rn,
                rm,
            },
            By::Float(op) => Inst::Vec3Fp {
                op,
                arr: fp,
                rd,
                rn,
                rm,
            },
        });
    }

    fn complement_if_ne(&mut self, op: Op, rd: Vreg, rn: Vreg) {
        if is_ne(op) {
            let (op, arr) = (Vec2::Not, Arr::B16);
            self.a64(Inst::Vec2 { op, arr, rd, rn });
        }
    }

    fn compare_with_zero(&mut self, op: Op, zero: Zero, rd: Vreg, a: Value) {
        let (arr, fp, rn) = (lanes_of(op), float_lanes_of(op), self.fpr(a));
        match zero {
            Zero::Integer(_) if is_ne(op) => self.a64(Inst::Vec3 {
                op: Vec3::Cmtst,
                arr,
                rd,
                rn,
                rm: rn,
            }),
            Zero::Integer(op) => self.a64(Inst::VecZero { op, arr, rd, rn }),
            Zero::Float(by) => {
                let made = if is_ne(op) { self.temp_fpr() } else { rd };
                self.a64(Inst::VecZeroFp {
                    op: by,
                    arr: fp,
                    rd: made,
                    rn,
                });
                self.complement_if_ne(op, rd, made);
            }
        }
    }

    // --- what is taken in ------------------------------------------------------------------------

    /// `x + term` or `x - term`, where the term is a product, an extension or a sum of pairs that
    /// is used only here; whether it was.
    fn sum_with(&mut self, op: Op, rd: Vreg, x: Value, term: Value) -> bool {
        if !is_add(op) && !is_sub(op) {
            return false;
        }
        match self.sole_use(term) {
            Some(ssa::Inst::Binary { op: of, a, b }) if lanes_of(of) == lanes_of(op) => {
                self.sum_with_product(op, of, (rd, x), a, b)
            }
            Some(ssa::Inst::Unary { op: of, a }) if lanes_of(of) == lanes_of(op) => {
                self.sum_with_widened(op, of, (rd, x), a)
            }
            _ => false,
        }
    }

    fn sum_with_product(
        &mut self,
        op: Op,
        of: Op,
        (new, x): (Vreg, Value),
        a: Value,
        b: Value,
    ) -> bool {
        let inst = if let Some(product) = long_product(of) {
            let by = match (product, is_add(op)) {
                (VecLong::Smull, true) => VecLongAcc::Smlal,
                (VecLong::Smull, false) => VecLongAcc::Smlsl,
                (_, true) => VecLongAcc::Umlal,
                (_, false) => VecLongAcc::Umlsl,
            };
            let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(x));
            Inst::VecLongAcc {
                op: by,
                arr: widened_by(of),
                rd: Tied { old, new },
                rn,
                rm,
            }
        } else if matches!(single(of), Some((By::Integer(Vec3::Mul), _))) {
            let by = if is_add(op) {
                Vec3Acc::Mla
            } else {
                Vec3Acc::Mls
            };
            let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(x));
            Inst::Vec3Acc {
                op: by,
                arr: lanes_of(op),
                rd: Tied { old, new },
                rn,
                rm,
            }
        } else {
            return false;
        };
        self.a64(inst);
        true
    }

    fn sum_with_widened(&mut self, op: Op, of: Op, (rd, x): (Vreg, Value), a: Value) -> bool {
        if is_extension(of) {
            let by = match (is_signed(of), is_add(op)) {
                (true, true) => VecWide::Saddw,
                (true, false) => VecWide::Ssubw,
                (false, true) => VecWide::Uaddw,
                (false, false) => VecWide::Usubw,
            };
            let (rn, rm) = (self.fpr(x), self.fpr(a));
            let (op, arr) = (by, widened_by(of));
            self.a64(Inst::VecWide {
                op,
                arr,
                rd,
                rn,
                rm,
            });
            return true;
        }
        if is_pairwise(of) && is_add(op) {
            let (rn, old) = (self.fpr(a), self.fpr(x));
            self.add_pairs(of, Tied { old, new: rd }, rn);
            return true;
        }
        false
    }

    /// Adds what a sum of pairs makes of `rn`.
    pub(super) fn add_pairs(&mut self, of: Op, rd: Tied<Vreg>, rn: Vreg) {
        let op = match is_signed(of) {
            true => VecPairLongAcc::Sadalp,
            false => VecPairLongAcc::Uadalp,
        };
        let arr = half_lanes(of);
        self.a64(Inst::VecPairLongAcc { op, arr, rd, rn });
    }

    /// `x & !y`, `x | !y`, where the complement is used only here; whether it was.
    fn logic_with_complement(&mut self, op: Op, rd: Vreg, a: Value, b: Value) -> bool {
        let op = match op {
            Op::V128And => Vec3::Bic,
            Op::V128Or => Vec3::Orn,
            _ => return false,
        };
        for (x, y) in [(a, b), (b, a)] {
            if let Some(ssa::Inst::Unary {
                op: Op::V128Not,
                a: inner,
            }) = self.sole_use(y)
            {
                let (arr, rn, rm) = (Arr::B16, self.fpr(x), self.fpr(inner));
                self.a64(Inst::Vec3 {
                    op,
                    arr,
                    rd,
                    rn,
                    rm,
                });
                return true;
            }
        }
        false
    }

    // --- rows of several instructions ------------------------------------------------------------

    fn several(&mut self, op: Op, rd: Vreg, rn: Vreg, rm: Vreg) {
        use Op as O;
        match op {
            O::I8x16Swizzle | O::I8x16RelaxedSwizzle => {
                let arr = Arr::B16;
                self.a64(Inst::Tbl { arr, rd, rn, rm });
            }
            O::F32x4PMin | O::F64x2PMin => self.pseudo(op, rd, (rn, rm), (rn, rm)),
            O::F32x4PMax | O::F64x2PMax => self.pseudo(op, rd, (rm, rn), (rn, rm)),
            O::I8x16NarrowI16x8S => self.narrow(VecNarrow::Sqxtn, [Arr::B8, Arr::B16], rd, rn, rm),
            O::I8x16NarrowI16x8U => self.narrow(VecNarrow::Sqxtun, [Arr::B8, Arr::B16], rd, rn, rm),
            O::I16x8NarrowI32x4S => self.narrow(VecNarrow::Sqxtn, [Arr::H4, Arr::H8], rd, rn, rm),
            O::I16x8NarrowI32x4U => self.narrow(VecNarrow::Sqxtun, [Arr::H4, Arr::H8], rd, rn, rm),
            O::I64x2Mul => self.multiply_wide_lanes(rd, rn, rm),
            O::I32x4DotI16x8S => {
                let [low, high] = self.products([Arr::H4, Arr::H8], rn, rm);
                let (op, arr) = (Vec3::Addp, Arr::S4);
                let (rn, rm) = (low, high);
                self.a64(Inst::Vec3 {
                    op,
                    arr,
                    rd,
                    rn,
                    rm,
                });
            }
            O::I16x8RelaxedDotI8x16I7x16S => self.dot_of_bytes(rd, rn, rm),
            other => match long_product(other) {
                Some(by) => self.a64(Inst::VecLong {
                    op: by,
                    arr: widened_by(other),
                    rd,
                    rn,
                    rm,
                }),
                None => unreachable!("{} is no binary vector row", other.mnemonic()),
            },
        }
    }

    /// `b` where `x > y`, else `a`: `pmin(a, b)` is `a > b ? b : a`.
    fn pseudo(&mut self, op: Op, rd: Vreg, (x, y): (Vreg, Vreg), (a, b): (Vreg, Vreg)) {
        let (old, arr) = (self.temp_fpr(), float_lanes_of(op));
        self.a64(Inst::Vec3Fp {
            op: Vec3Fp::Fcmgt,
            arr,
            rd: old,
            rn: x,
            rm: y,
        });
        self.a64(Inst::Vec3Acc {
            op: Vec3Acc::Bsl,
            arr: Arr::B16,
            rd: Tied { old, new: rd },
            rn: b,
            rm: a,
        });
    }

    fn narrow(&mut self, op: VecNarrow, [low, high]: [Arr; 2], new: Vreg, rn: Vreg, rm: Vreg) {
        let old = self.temp_fpr();
        let (arr, rd) = (low, old);
        self.a64(Inst::VecNarrow { op, arr, rd, rn });
        let (arr, rd, rn) = (high, Tied { old, new }, rm);
        self.a64(Inst::VecNarrowHigh { op, arr, rd, rn });
    }

    /// Signed products of lower and upper halves.
    fn products(&mut self, arrs: [Arr; 2], rn: Vreg, rm: Vreg) -> [Vreg; 2] {
        arrs.map(|arr| {
            let (op, rd) = (VecLong::Smull, self.temp_fpr());
            self.a64(Inst::VecLong {
                op,
                arr,
                rd,
                rn,
                rm,
            });
            rd
        })
    }

    /// Products of bytes, added in pairs with saturation.
    pub(super) fn dot_of_bytes(&mut self, rd: Vreg, rn: Vreg, rm: Vreg) {
        let [low, high] = self.products([Arr::B8, Arr::B16], rn, rm);
        let rn = self.vec3(Vec3::Uzp1, Arr::H8, low, high);
        let rm = self.vec3(Vec3::Uzp2, Arr::H8, low, high);
        let (op, arr) = (Vec3::Sqadd, Arr::H8);
        self.a64(Inst::Vec3 {
            op,
            arr,
            rd,
            rn,
            rm,
        });
    }

    /// Products of 64-bit lanes: of their halves crosswise, shifted up, plus of their lower halves.
    fn multiply_wide_lanes(&mut self, rd: Vreg, rn: Vreg, rm: Vreg) {
        let turned = self.temp_fpr();
        self.a64(Inst::Vec2 {
            op: Vec2::Rev64,
            arr: Arr::S4,
            rd: turned,
            rn: rm,
        });
        let crosswise = self.vec3(Vec3::Mul, Arr::S4, turned, rn);
        let (sums, upper) = (self.temp_fpr(), self.temp_fpr());
        self.a64(Inst::VecPairLong {
            op: VecPairLong::Uaddlp,
            arr: Arr::S4,
            rd: sums,
            rn: crosswise,
        });
        self.a64(Inst::VecShl {
            op: VecShl::Shl,
            arr: Arr::D2,
            rd: upper,
            rn: sums,
            amount: 32,
        });
        let [low, low2] = [rn, rm].map(|rn| {
            let (op, arr, rd) = (VecNarrow::Xtn, Arr::S2, self.temp_fpr());
            self.a64(Inst::VecNarrow { op, arr, rd, rn });
            rd
        });
        self.a64(Inst::VecLongAcc {
            op: VecLongAcc::Umlal,
            arr: Arr::S2,
            rd: Tied {
                old: upper,
                new: rd,
            },
            rn: low,
            rm: low2,
        });
    }
}
