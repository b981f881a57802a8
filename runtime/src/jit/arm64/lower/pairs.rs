//! Vector rows of two operands.
//!
//! Sums take in products and sums of pairs.

use super::Cx;
use super::vector::{arrangement, by_sign, float_arrangement, half_lanes, widened_by};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::regs::{Tied, Vreg};
use crate::jit::arm64::vector::{
    Arr, Vec2, Vec3, Vec3Acc, Vec3Fp, VecLong, VecLongAcc, VecNarrow, VecPairLong, VecPairLongAcc,
};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, InstId, Value};
use crate::ops::{LaneShape, Lanes, VectorBinary, VectorRow, VectorUnary};

/// One instruction over lanes.
#[derive(Clone, Copy)]
enum LaneInst {
    Integer(Vec3),
    Float(Vec3Fp),
}

/// The A64 form of a binary row.
#[derive(Clone, Copy)]
enum BinaryForm {
    /// One instruction; of `ne`, its complement.
    Single(LaneInst),
    /// One instruction, with its operands exchanged.
    Exchanged(LaneInst),
    /// Products of halves.
    LongProduct(VecLong),
    /// A table lookup.
    Lookup,
    /// The second operand where the first is greater, else the first.
    PseudoMin,
    /// The second operand where it is the greater, else the first.
    PseudoMax,
    /// Both operands with lanes half as wide, one in each half.
    Narrow(VecNarrow),
    /// Products of 64-bit lanes.
    WideProduct,
    /// Products of 16-bit lanes, added in pairs.
    Dot,
    /// Products of 8-bit lanes, added in pairs with saturation.
    DotOfBytes,
}

/// The A64 form of each binary operation.
fn binary_form(lanes: Lanes<VectorBinary>) -> BinaryForm {
    use BinaryForm::{Exchanged, LongProduct, Narrow, Single};
    use VectorBinary as B;
    let integer = |op| Single(LaneInst::Integer(op));
    let by_type = |integer, float| match lanes.shape.is_float() {
        true => LaneInst::Float(float),
        false => LaneInst::Integer(integer),
    };
    let signed_or = |signed, unsigned| by_sign(lanes, signed, unsigned);
    let greater = by_type(signed_or(Vec3::Cmgt, Vec3::Cmhi), Vec3Fp::Fcmgt);
    let greater_or_equal = by_type(signed_or(Vec3::Cmge, Vec3::Cmhs), Vec3Fp::Fcmge);
    match lanes.operation {
        B::Add => Single(by_type(Vec3::Add, Vec3Fp::Fadd)),
        B::Sub => Single(by_type(Vec3::Sub, Vec3Fp::Fsub)),
        B::Mul if lanes.shape == LaneShape::I64x2 => BinaryForm::WideProduct,
        B::Mul => Single(by_type(Vec3::Mul, Vec3Fp::Fmul)),
        B::Div => Single(LaneInst::Float(Vec3Fp::Fdiv)),
        B::AddSat => integer(signed_or(Vec3::Sqadd, Vec3::Uqadd)),
        B::SubSat => integer(signed_or(Vec3::Sqsub, Vec3::Uqsub)),
        B::Min | B::RelaxedMin => Single(by_type(signed_or(Vec3::Smin, Vec3::Umin), Vec3Fp::Fmin)),
        B::Max | B::RelaxedMax => Single(by_type(signed_or(Vec3::Smax, Vec3::Umax), Vec3Fp::Fmax)),
        B::Avgr => integer(Vec3::Urhadd),
        B::Q15MulrSat | B::RelaxedQ15Mulr => integer(Vec3::Sqrdmulh),
        B::And => integer(Vec3::And),
        B::AndNot => integer(Vec3::Bic),
        B::Or => integer(Vec3::Orr),
        B::Xor => integer(Vec3::Eor),
        B::Eq | B::Ne => Single(by_type(Vec3::Cmeq, Vec3Fp::Fcmeq)),
        B::Gt => Single(greater),
        B::Ge => Single(greater_or_equal),
        B::Lt => Exchanged(greater),
        B::Le => Exchanged(greater_or_equal),
        B::ExtMul => LongProduct(by_sign(lanes, VecLong::Smull, VecLong::Umull)),
        B::Swizzle | B::RelaxedSwizzle => BinaryForm::Lookup,
        B::PMin => BinaryForm::PseudoMin,
        B::PMax => BinaryForm::PseudoMax,
        B::Narrow => Narrow(by_sign(lanes, VecNarrow::Sqxtn, VecNarrow::Sqxtun)),
        B::Dot => BinaryForm::Dot,
        B::RelaxedDot => BinaryForm::DotOfBytes,
    }
}

/// True if a row is an operation on integer lanes.
fn is_integer(lanes: Lanes<VectorBinary>, operation: VectorBinary) -> bool {
    lanes.operation == operation && !lanes.shape.is_float()
}

impl Cx<'_> {
    pub(super) fn vector_binary(
        &mut self,
        id: InstId,
        lanes: Lanes<VectorBinary>,
        a: Value,
        b: Value,
    ) {
        let rd = self.result_fpr(id);
        let taken_in = self.sum_with(lanes, rd, a, b)
            || is_integer(lanes, VectorBinary::Add) && self.sum_with(lanes, rd, b, a);
        if taken_in {
            return;
        }
        let (rn, rm) = (self.fpr(a), self.fpr(b));
        match binary_form(lanes) {
            BinaryForm::Single(inst) => self.single(inst, lanes, rd, rn, rm),
            BinaryForm::Exchanged(inst) => self.single(inst, lanes, rd, rm, rn),
            BinaryForm::LongProduct(op) => {
                let arr = widened_by(lanes);
                self.a64(Inst::vec_long(op, arr, rd, rn, rm));
            }
            BinaryForm::Lookup => self.a64(Inst::tbl(Arr::B16, rd, rn, rm)),
            BinaryForm::PseudoMin => self.pseudo(lanes, rd, (rn, rm), (rn, rm)),
            BinaryForm::PseudoMax => self.pseudo(lanes, rd, (rm, rn), (rn, rm)),
            BinaryForm::Narrow(op) => self.narrow(op, lanes, rd, rn, rm),
            BinaryForm::WideProduct => self.multiply_wide_lanes(rd, rn, rm),
            BinaryForm::Dot => self.dot_of_words(rd, rn, rm),
            BinaryForm::DotOfBytes => self.dot_of_bytes(rd, rn, rm),
        }
    }

    fn single(&mut self, inst: LaneInst, lanes: Lanes<VectorBinary>, rd: Vreg, rn: Vreg, rm: Vreg) {
        let is_ne = lanes.operation == VectorBinary::Ne;
        let made = if is_ne { self.temp_fpr() } else { rd };
        self.lane_inst(inst, lanes.shape, made, rn, rm);
        self.complement_if(is_ne, rd, made);
    }

    fn lane_inst(&mut self, inst: LaneInst, shape: LaneShape, rd: Vreg, rn: Vreg, rm: Vreg) {
        self.a64(match inst {
            LaneInst::Integer(op) => Inst::vec3(op, arrangement(shape), rd, rn, rm),
            LaneInst::Float(op) => Inst::vec3_fp(op, float_arrangement(shape), rd, rn, rm),
        });
    }

    fn complement_if(&mut self, is_ne: bool, rd: Vreg, rn: Vreg) {
        if is_ne {
            self.a64(Inst::vec2(Vec2::Not, Arr::B16, rd, rn));
        }
    }

    // --- what is taken in ------------------------------------------------------------------------

    /// `x + term`, where the term is the sums of pairs and is used only here; true if it was taken
    /// in.
    fn sum_with_pairs(&mut self, shape: LaneShape, new: Vreg, x: Value, term: Value) -> bool {
        let Some(ssa::Inst::Unary { op, a }) = self.sole_use(term) else {
            return false;
        };
        let VectorRow::Unary(of) = op.row().vector else {
            return false;
        };
        if of.operation != VectorUnary::ExtAddPairwise || of.shape != shape {
            return false;
        }
        Rule::VectorAddPairs.hit();
        let (rn, old) = (self.fpr(a), self.fpr(x));
        self.add_pairs(of, Tied { old, new }, rn);
        true
    }

    /// `x + term` or `x - term`, where the term is a product that is used only here; true if it was
    /// taken in.
    fn sum_with(&mut self, lanes: Lanes<VectorBinary>, new: Vreg, x: Value, term: Value) -> bool {
        let op = if is_integer(lanes, VectorBinary::Add) {
            if self.sum_with_pairs(lanes.shape, new, x, term) {
                return true;
            }
            Vec3Acc::Mla
        } else if is_integer(lanes, VectorBinary::Sub) {
            Vec3Acc::Mls
        } else {
            return false;
        };
        let Some(ssa::Inst::Binary { op: of, a, b }) = self.sole_use(term) else {
            return false;
        };
        let VectorRow::Binary(of) = of.row().vector else {
            return false;
        };
        let is_product = matches!(
            binary_form(of),
            BinaryForm::Single(LaneInst::Integer(Vec3::Mul))
        );
        if !is_product || of.shape != lanes.shape {
            return false;
        }
        Rule::VectorMultiplyAdd.hit();
        let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(x));
        self.a64(Inst::vec3_acc(
            op,
            arrangement(of.shape),
            Tied { old, new },
            rn,
            rm,
        ));
        true
    }

    /// Adds the sums of neighbouring lanes of `rn`, which are half as wide as the row's.
    pub(super) fn add_pairs<T>(&mut self, lanes: Lanes<T>, rd: Tied<Vreg>, rn: Vreg) {
        let arr = half_lanes(lanes.shape);
        let op = by_sign(lanes, VecPairLongAcc::Sadalp, VecPairLongAcc::Uadalp);
        self.a64(Inst::vec_pair_long_acc(op, arr, rd, rn));
    }

    // --- rows of several instructions ------------------------------------------------------------

    /// `b` where `x > y`, else `a`: `pmin(a, b)` is `a > b ? b : a`.
    fn pseudo(
        &mut self,
        lanes: Lanes<VectorBinary>,
        rd: Vreg,
        (x, y): (Vreg, Vreg),
        (a, b): (Vreg, Vreg),
    ) {
        let arr = float_arrangement(lanes.shape);
        let old = self.made_fpr(|rd| Inst::vec3_fp(Vec3Fp::Fcmgt, arr, rd, x, y));
        self.a64(Inst::bsl(Tied { old, new: rd }, b, a));
    }

    fn narrow(&mut self, op: VecNarrow, lanes: Lanes<VectorBinary>, new: Vreg, rn: Vreg, rm: Vreg) {
        let high = arrangement(lanes.shape);
        let low = match high {
            Arr::B16 => Arr::B8,
            _ => Arr::H4,
        };
        let old = self.made_fpr(|rd| Inst::vec_narrow(op, low, rd, rn));
        self.a64(Inst::vec_narrow_high(op, high, Tied { old, new }, rm));
    }

    /// Signed products of lower and upper halves.
    fn products(&mut self, arrs: [Arr; 2], rn: Vreg, rm: Vreg) -> [Vreg; 2] {
        arrs.map(|arr| self.made_fpr(|rd| Inst::vec_long(VecLong::Smull, arr, rd, rn, rm)))
    }

    /// Products of 16 bits, added in pairs.
    fn dot_of_words(&mut self, rd: Vreg, rn: Vreg, rm: Vreg) {
        let [low, high] = self.products([Arr::H4, Arr::H8], rn, rm);
        self.a64(Inst::vec3(Vec3::Addp, Arr::S4, rd, low, high));
    }

    /// Products of bytes, added in pairs with saturation.
    pub(super) fn dot_of_bytes(&mut self, rd: Vreg, rn: Vreg, rm: Vreg) {
        let [low, high] = self.products([Arr::B8, Arr::B16], rn, rm);
        let rn = self.vec3(Vec3::Uzp1, Arr::H8, low, high);
        let rm = self.vec3(Vec3::Uzp2, Arr::H8, low, high);
        self.a64(Inst::vec3(Vec3::Sqadd, Arr::H8, rd, rn, rm));
    }

    /// Products of 64-bit lanes: of their halves crosswise, shifted up, plus of their lower halves.
    fn multiply_wide_lanes(&mut self, rd: Vreg, rn: Vreg, rm: Vreg) {
        let turned = self.made_fpr(|rd| Inst::vec2(Vec2::Rev64, Arr::S4, rd, rm));
        let crosswise = self.vec3(Vec3::Mul, Arr::S4, turned, rn);
        let add = VecPairLong::Uaddlp;
        let sums = self.made_fpr(|rd| Inst::vec_pair_long(add, Arr::S4, rd, crosswise));
        let old = self.made_fpr(|rd| Inst::vec_shl(Arr::D2, rd, sums, 32));
        let [low, low2] = [rn, rm]
            .map(|rn| self.made_fpr(|rd| Inst::vec_narrow(VecNarrow::Xtn, Arr::S2, rd, rn)));
        let (op, rd) = (VecLongAcc::Umlal, Tied { old, new: rd });
        self.a64(Inst::vec_long_acc(op, Arr::S2, rd, low, low2));
    }
}
