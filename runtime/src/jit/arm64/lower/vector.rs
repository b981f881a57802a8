//! Vector rows of one operand, shifts, lanes, three operands. `pairs` has those of two, `shuffle`
//! the shuffle.
//!
//! Most rows are one instruction over the arrangement of their lanes: `unary_form` says which.
//! Float results are those of scalars: FPCR makes NaNs canonical, and multiply-add is not fused,
//! save in the native profile.

use super::Cx;
use crate::engine::Profile;
use crate::jit::arm64::alias::move_vector;
use crate::jit::arm64::imm::BitImm;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{AddSub, FpSize, LogicImm, Shift, Size, Width};
use crate::jit::arm64::regs::{Gpr, Tied, Vreg, XZR};
use crate::jit::arm64::vector::{
    Arr, FpArr, Vec2, Vec2Fp, Vec3, Vec3Fp, Vec3FpAcc, VecAcross, VecNarrow, VecPairLong,
    VecShlLong, VecShr, VecZero,
};
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, FuncSsa, InstId, Value};
use crate::ops::{
    Half, LaneShape, Lanes, Op, Shape, Sign, VectorReduce, VectorRow, VectorShift, VectorTernary,
    VectorUnary,
};

/// The arrangement of a shape's lanes.
pub(super) fn arrangement(shape: LaneShape) -> Arr {
    match shape {
        LaneShape::V128 | LaneShape::I8x16 => Arr::B16,
        LaneShape::I16x8 => Arr::H8,
        LaneShape::I32x4 | LaneShape::F32x4 => Arr::S4,
        LaneShape::I64x2 | LaneShape::F64x2 => Arr::D2,
    }
}

/// The arrangement of floats as wide as a shape's lanes.
pub(super) fn float_arrangement(shape: LaneShape) -> FpArr {
    match shape {
        LaneShape::I64x2 | LaneShape::F64x2 => FpArr::D2,
        LaneShape::V128
        | LaneShape::I8x16
        | LaneShape::I16x8
        | LaneShape::I32x4
        | LaneShape::F32x4 => FpArr::S4,
    }
}

/// The half of a vector that an operation widens to lanes of its shape.
pub(super) fn widened_by<T>(lanes: Lanes<T>) -> Arr {
    match (arrangement(lanes.shape), lanes.half) {
        (Arr::H8, Some(Half::Low)) => Arr::B8,
        (Arr::H8, Some(Half::High)) => Arr::B16,
        (Arr::S4, Some(Half::Low)) => Arr::H4,
        (Arr::S4, Some(Half::High)) => Arr::H8,
        (Arr::D2, Some(Half::Low)) => Arr::S2,
        (Arr::D2, Some(Half::High)) => Arr::S4,
        (arr, half) => unreachable!("{half:?} of a vector does not widen to {arr:?}"),
    }
}

/// True if an operation takes its lanes as signed numbers.
pub(super) fn is_signed<T>(lanes: Lanes<T>) -> bool {
    lanes.sign == Some(Sign::Signed)
}

/// The one that an operation has for its lanes: for signed numbers, or for unsigned ones.
pub(super) fn by_sign<T, F>(lanes: Lanes<T>, signed: F, unsigned: F) -> F {
    if is_signed(lanes) { signed } else { unsigned }
}

/// True if an opcode takes a lane of floats.
pub(super) fn is_of_floats(op: Op) -> bool {
    matches!(op.row().vector, VectorRow::ExtractLane(lanes) if lanes.shape.is_float())
}

/// True if an opcode reduces a vector to a truth value.
pub(super) fn is_truth(op: Op) -> bool {
    match op.row().vector {
        VectorRow::Reduce(lanes) => match lanes.operation {
            VectorReduce::AnyTrue | VectorReduce::AllTrue => true,
            VectorReduce::Bitmask => false,
        },
        _ => false,
    }
}

/// True if a constant vector that an instruction in a loop reads is kept in a register.
pub(super) fn is_kept(func: &FuncSsa, inst: &ssa::Inst, value: Value) -> bool {
    match *inst {
        ssa::Inst::Ternary { op, a, b, c } if c == value && op.shape() == Shape::SimdShuffle => {
            super::shuffle::is_by_table(func, a == b, c)
        }
        _ => true,
    }
}

/// The A64 form of a unary row.
enum UnaryForm {
    /// One instruction over the lanes.
    Integer(Vec2),
    /// One instruction over float lanes.
    Float(Vec2Fp),
    /// Narrower floats, and zeros in the upper half.
    FloatNarrow,
    /// Wider floats of the lower half.
    FloatLong,
    /// Half of the lanes, widened.
    Widen,
    /// Sums of neighbouring lanes.
    AddPairs,
    /// Floats of 64 bits to integers of 64 bits, then saturated to 32 bits.
    ConvertNarrow(Vec2Fp, VecNarrow),
    /// The lower integers of 32 bits to 64 bits, then to floats.
    ConvertLong(Vec2Fp),
}

/// The A64 form of each unary operation.
fn unary_form(lanes: Lanes<VectorUnary>) -> UnaryForm {
    use UnaryForm::{
        AddPairs, ConvertLong, ConvertNarrow, Float, FloatLong, FloatNarrow, Integer, Widen,
    };
    use VectorUnary as U;
    let by_type = |integer, float| match lanes.shape.is_float() {
        true => Float(float),
        false => Integer(integer),
    };
    let to_integer = by_sign(lanes, Vec2Fp::Fcvtzs, Vec2Fp::Fcvtzu);
    let to_float = by_sign(lanes, Vec2Fp::Scvtf, Vec2Fp::Ucvtf);
    let saturate = by_sign(lanes, VecNarrow::Sqxtn, VecNarrow::Uqxtn);
    match lanes.operation {
        U::Not => Integer(Vec2::Not),
        U::Popcnt => Integer(Vec2::Cnt),
        U::Abs => by_type(Vec2::Abs, Vec2Fp::Fabs),
        U::Neg => by_type(Vec2::Neg, Vec2Fp::Fneg),
        U::Sqrt => Float(Vec2Fp::Fsqrt),
        U::Ceil => Float(Vec2Fp::Frintp),
        U::Floor => Float(Vec2Fp::Frintm),
        U::Trunc => Float(Vec2Fp::Frintz),
        U::Nearest => Float(Vec2Fp::Frintn),
        U::TruncSat | U::RelaxedTrunc => Float(to_integer),
        U::Convert => Float(to_float),
        U::DemoteZero => FloatNarrow,
        U::PromoteLow => FloatLong,
        U::Extend => Widen,
        U::ExtAddPairwise => AddPairs,
        U::TruncSatZero | U::RelaxedTruncZero => ConvertNarrow(to_integer, saturate),
        U::ConvertLow => ConvertLong(to_float),
    }
}

/// All lanes of 128 bits that are half as wide as those of a shape.
pub(super) fn half_lanes(shape: LaneShape) -> Arr {
    match shape {
        LaneShape::I16x8 => Arr::B16,
        LaneShape::I32x4 | LaneShape::F32x4 => Arr::H8,
        LaneShape::I64x2 | LaneShape::F64x2 => Arr::S4,
        LaneShape::V128 | LaneShape::I8x16 => unreachable!("{shape:?} is not sums of pairs"),
    }
}

impl Cx<'_> {
    /// A fresh register with `rn op rm`.
    pub(super) fn vec3(&mut self, op: Vec3, arr: Arr, rn: Vreg, rm: Vreg) -> Vreg {
        self.made_fpr(|rd| Inst::vec3(op, arr, rd, rn, rm))
    }

    /// A fresh register with a constant.
    pub(super) fn vector_constant(&mut self, bits: u128) -> Vreg {
        let rd = self.temp_fpr();
        self.emit(MInst::VectorImm { rd, bits });
        rd
    }

    pub(super) fn vector_unary(&mut self, id: InstId, lanes: Lanes<VectorUnary>, a: Value) {
        let (rd, rn) = (self.result_fpr(id), self.fpr(a));
        let long = by_sign(lanes, VecShlLong::Sshll, VecShlLong::Ushll);
        let inst = match unary_form(lanes) {
            UnaryForm::Integer(op) => Inst::vec2(op, arrangement(lanes.shape), rd, rn),
            UnaryForm::Float(op) => Inst::vec2_fp(op, float_arrangement(lanes.shape), rd, rn),
            UnaryForm::FloatNarrow => Inst::vec_fp_narrow(rd, rn),
            UnaryForm::FloatLong => Inst::vec_fp_long(rd, rn),
            UnaryForm::Widen => Inst::vec_shl_long(long, widened_by(lanes), rd, rn, 0),
            UnaryForm::AddPairs => {
                let op = by_sign(lanes, VecPairLong::Saddlp, VecPairLong::Uaddlp);
                Inst::vec_pair_long(op, half_lanes(lanes.shape), rd, rn)
            }
            UnaryForm::ConvertNarrow(op, saturate) => {
                let rn = self.made_fpr(|rd| Inst::vec2_fp(op, FpArr::D2, rd, rn));
                Inst::vec_narrow(saturate, Arr::S2, rd, rn)
            }
            UnaryForm::ConvertLong(op) => {
                let wide = self.made_fpr(|rd| Inst::vec_shl_long(long, Arr::S2, rd, rn, 0));
                Inst::vec2_fp(op, FpArr::D2, rd, wide)
            }
        };
        self.a64(inst);
    }

    pub(super) fn splat(&mut self, id: InstId, lanes: Lanes<()>, a: Value) {
        let (rd, arr) = (self.result_fpr(id), arrangement(lanes.shape));
        let inst = if lanes.shape.is_float() {
            let rn = self.fpr(a);
            Inst::dup_lane(arr, rd, rn, 0)
        } else {
            let rn = self.gpr(a);
            Inst::dup_gpr(arr, rd, rn)
        };
        self.a64(inst);
    }

    // --- lanes -----------------------------------------------------------------------------------

    pub(super) fn extract_lane(&mut self, id: InstId, op: Op, index: u8, a: Value) {
        let VectorRow::ExtractLane(lanes) = op.row().vector else {
            unreachable!("{} does not extract a lane", op.mnemonic())
        };
        let (rn, width) = (self.fpr(a), arrangement(lanes.shape).lane());
        let inst = if lanes.shape.is_float() {
            let rd = self.result_fpr(id);
            Inst::dup_scalar(width, rd, rn, index)
        } else if is_signed(lanes) {
            let rd = self.result_gpr(id);
            Inst::smov(width, Size::W, rd, rn, index)
        } else {
            let rd = self.result_gpr(id);
            Inst::umov(width, rd, rn, index)
        };
        self.a64(inst);
    }

    pub(super) fn replace_lane(&mut self, id: InstId, op: Op, index: u8, (a, b): (Value, Value)) {
        let VectorRow::ReplaceLane(lanes) = op.row().vector else {
            unreachable!("{} does not replace a lane", op.mnemonic())
        };
        let (old, width) = (self.fpr(a), arrangement(lanes.shape).lane());
        let new = self.result_fpr(id);
        let rd = Tied { old, new };
        let inst = if lanes.shape.is_float() {
            Inst::ins_lane(width, rd, index, self.fpr(b), 0)
        } else {
            Inst::ins_gpr(width, rd, index, self.gpr_or_zero(b))
        };
        self.a64(inst);
    }

    // --- reductions ------------------------------------------------------------------------------

    pub(super) fn reduce(&mut self, id: InstId, lanes: Lanes<VectorReduce>, a: Value) {
        match lanes.operation {
            VectorReduce::AnyTrue | VectorReduce::AllTrue => self.set_from_test(id),
            VectorReduce::Bitmask => {
                let (rd, rn) = (self.result_gpr(id), self.fpr(a));
                match arrangement(lanes.shape) {
                    Arr::D2 => self.bitmask_of_two(rd, rn),
                    arr => self.bitmask(arr, rd, rn),
                }
            }
        }
    }

    /// A test that holds if any bit of a vector is set, or if no lane is 0.
    pub(super) fn test_lanes(&mut self, op: Op, a: Value) -> Test {
        let VectorRow::Reduce(lanes) = op.row().vector else {
            unreachable!("{} does not test lanes", op.mnemonic())
        };
        let rn = self.fpr(a);
        let is_all = lanes.operation == VectorReduce::AllTrue;
        let arr = arrangement(lanes.shape);
        if is_all && arr != Arr::D2 {
            let (rd, reg) = (self.temp_fpr(), self.temp());
            self.a64(Inst::vec_across(VecAcross::Uminv, arr, rd, rn));
            return self.test_scalar(FpSize::S, reg, rd, false);
        }
        let mut bits = rn;
        if is_all {
            bits = self.made_fpr(|rd| Inst::vec_zero(VecZero::Cmeq, arr, rd, rn));
        }
        let most = self.vec3(Vec3::Umaxp, Arr::S4, bits, bits);
        let reg = self.temp();
        self.test_scalar(FpSize::D, reg, most, is_all)
    }

    fn test_scalar(&mut self, size: FpSize, reg: Gpr, rn: Vreg, is_zero: bool) -> Test {
        self.a64(Inst::fp_to_gpr(size, reg, rn));
        let size = size.gpr();
        Test::Zero { size, reg, is_zero }
    }

    fn bitmask_of_two(&mut self, rd: Gpr, rn: Vreg) {
        let signs = self.made_fpr(|rd| Inst::vec_shr(VecShr::Ushr, Arr::D2, rd, rn, 63));
        let [low, high] =
            [0, 1].map(|index| self.made(|rd| Inst::umov(Width::D, rd, signs, index)));
        self.a64(Inst::add_sub_shifted(
            AddSub::Add,
            Size::W,
            rd,
            low,
            high,
            Shift::Lsl,
            1,
        ));
    }

    /// Each lane becomes its bit or 0, and the lanes are added; of bytes, those of the two halves
    /// in pairs.
    fn bitmask(&mut self, arr: Arr, rd: Gpr, rn: Vreg) {
        let bits = match arr {
            Arr::B16 => 0x8040_2010_0804_0201_8040_2010_0804_0201,
            Arr::H8 => 0x0080_0040_0020_0010_0008_0004_0002_0001,
            _ => 0x0000_0008_0000_0004_0000_0002_0000_0001,
        };
        let signs = self.made_fpr(|rd| Inst::vec_zero(VecZero::Cmlt, arr, rd, rn));
        let own = self.vector_constant(bits);
        let mut lanes = self.vec3(Vec3::And, Arr::B16, signs, own);
        let mut sum_of = arr;
        if arr == Arr::B16 {
            let turned = self.made_fpr(|rd| Inst::ext(arr, rd, lanes, lanes, 8));
            lanes = self.vec3(Vec3::Zip1, arr, lanes, turned);
            sum_of = Arr::H8;
        }
        let sum = self.made_fpr(|rd| Inst::vec_across(VecAcross::Addv, sum_of, rd, lanes));
        self.a64(Inst::fp_to_gpr(FpSize::S, rd, sum));
    }

    // --- shifts ----------------------------------------------------------------------------------

    pub(super) fn vector_shift(
        &mut self,
        id: InstId,
        lanes: Lanes<VectorShift>,
        a: Value,
        b: Value,
    ) {
        let (rd, rn, arr) = (self.result_fpr(id), self.fpr(a), arrangement(lanes.shape));
        let is_left = lanes.operation == VectorShift::Shl;
        let mask = u64::from(arr.lane_bits() - 1);
        if let Some(count) = self.func.constant(b) {
            Rule::VectorShiftImmediate.hit();
            let amount = (count & mask) as u8;
            return self.a64(match is_left {
                _ if amount == 0 => move_vector(rd, rn),
                true => Inst::vec_shl(arr, rd, rn, amount),
                false if is_signed(lanes) => Inst::vec_shr(VecShr::Sshr, arr, rd, rn, amount),
                false => Inst::vec_shr(VecShr::Ushr, arr, rd, rn, amount),
            });
        }
        let rm = self.shift_counts(arr, mask, is_left, b);
        let by = by_sign(lanes, Vec3::Sshl, Vec3::Ushl);
        self.a64(Inst::vec3(by, arr, rd, rn, rm));
    }

    /// The count modulo the width of a lane, in all lanes; negative for shifts to the right.
    fn shift_counts(&mut self, arr: Arr, mask: u64, is_left: bool, count: Value) -> Vreg {
        let (size, rn) = (Size::W, self.gpr(count));
        let imm = BitImm::new(size, mask).expect("a run of ones");
        let mut by = self.made(|rd| Inst::logic_imm(LogicImm::And, size, rd, rn, imm));
        if !is_left {
            by = self.made(|rd| Inst::add_sub(AddSub::Sub, size, rd, XZR, by));
        }
        self.made_fpr(|rd| Inst::dup_gpr(arr, rd, by))
    }

    // --- three operands --------------------------------------------------------------------------

    pub(super) fn vector_ternary(&mut self, id: InstId, op: Op, [a, b, c]: [Value; 3]) {
        use VectorTernary as T;
        let rd = self.result_fpr(id);
        let VectorRow::Ternary(lanes) = op.row().vector else {
            return self.shuffle(rd, [a, b, c]);
        };
        match lanes.operation {
            T::RelaxedMadd => {
                self.multiply_then(Vec3Fp::Fadd, Vec3FpAcc::Fmla, lanes, rd, [a, b, c]);
            }
            T::RelaxedNmadd => {
                self.multiply_then(Vec3Fp::Fsub, Vec3FpAcc::Fmls, lanes, rd, [a, b, c]);
            }
            T::RelaxedDotAdd => {
                let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(c));
                let sums = self.temp_fpr();
                self.dot_of_bytes(sums, rn, rm);
                self.add_pairs(lanes, Tied { old, new: rd }, sums);
            }
            T::Bitselect | T::RelaxedLaneselect => {
                let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(c));
                self.a64(Inst::bsl(Tied { old, new: rd }, rn, rm));
            }
        }
    }

    /// `c op a * b`, rounded twice; in the native profile once.
    fn multiply_then(
        &mut self,
        by: Vec3Fp,
        fused: Vec3FpAcc,
        lanes: Lanes<VectorTernary>,
        rd: Vreg,
        [a, b, c]: [Value; 3],
    ) {
        let (rn, rm, arr) = (self.fpr(a), self.fpr(b), float_arrangement(lanes.shape));
        if self.func.profile == Profile::Native {
            let old = self.fpr(c);
            return self.a64(Inst::vec3_fp_acc(fused, arr, Tied { old, new: rd }, rn, rm));
        }
        let product = self.made_fpr(|rd| Inst::vec3_fp(Vec3Fp::Fmul, arr, rd, rn, rm));
        let rn = self.fpr(c);
        self.a64(Inst::vec3_fp(by, arr, rd, rn, product));
    }
}
