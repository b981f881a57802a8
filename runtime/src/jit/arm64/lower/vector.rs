//! Vector rows of one operand, shifts, lanes, three operands. `pairs` has those of two, `shuffle`
//! the shuffle.
//!
//! What a row means lane by lane is mostly one instruction over the arrangement that its name
//! begins with. Float results are those of scalars: FPCR makes NaNs canonical, and multiply-add is
//! not fused, save in the native profile.

use super::Cx;
use crate::engine::Profile;
use crate::jit::arm64::alias::move_vector;
use crate::jit::arm64::imm::BitImm;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{MInst, Test};
use crate::jit::arm64::ops::{AddSub, FpSize, LogicImm, Shift, Size, Width};
use crate::jit::arm64::regs::{Gpr, Tied, Vreg, XZR};
use crate::jit::arm64::vector::{
    Arr, FpArr, Vec2, Vec2Fp, Vec3, Vec3Acc, Vec3Fp, Vec3FpAcc, VecAcross, VecFpLong, VecNarrow,
    VecPairLong, VecShl, VecShlLong, VecShr, VecZero,
};
use crate::jit::ssa::{self, Func, InstId, Value};
use crate::ops::Op;

/// The arrangement of the lanes that an opcode's name begins with.
pub(super) fn lanes_of(op: Op) -> Arr {
    match op.mnemonic().split('.').next() {
        Some("i16x8") => Arr::H8,
        Some("i32x4" | "f32x4") => Arr::S4,
        Some("i64x2" | "f64x2") => Arr::D2,
        _ => Arr::B16, // i8x16 and v128
    }
}

/// The same, of floats.
pub(super) fn float_lanes_of(op: Op) -> FpArr {
    match lanes_of(op).lane() {
        Width::D => FpArr::D2,
        _ => FpArr::S4,
    }
}

/// The half of a vector that an opcode widens to its own lanes.
pub(super) fn widened_by(op: Op) -> Arr {
    let is_high = op.mnemonic().contains("_high_");
    match (lanes_of(op), is_high) {
        (Arr::H8, false) => Arr::B8,
        (Arr::H8, true) => Arr::B16,
        (Arr::S4, false) => Arr::H4,
        (Arr::S4, true) => Arr::H8,
        (_, false) => Arr::S2,
        (_, true) => Arr::S4,
    }
}

/// Whether an opcode takes lanes as signed numbers, where its name says so.
pub(super) fn is_signed(op: Op) -> bool {
    op.mnemonic().ends_with("_s")
}

/// Whether an opcode reduces a vector to a truth value.
pub(super) fn is_truth(op: Op) -> bool {
    op == Op::V128AnyTrue || is_all_true(op)
}

fn is_all_true(op: Op) -> bool {
    use Op as O;
    matches!(
        op,
        O::I8x16AllTrue | O::I16x8AllTrue | O::I32x4AllTrue | O::I64x2AllTrue
    )
}

/// Whether an instruction in a loop had better find a constant vector in a register.
pub(super) fn is_kept(func: &Func, inst: &ssa::Inst, value: Value) -> bool {
    match *inst {
        ssa::Inst::Binary { op, b, .. } if b == value => {
            func.constant128(value) != Some(0) || !super::pairs::takes_zero(op)
        }
        ssa::Inst::Ternary {
            op: Op::I8x16Shuffle,
            a,
            b,
            c,
        } if c == value => super::shuffle::is_by_table(func, a == b, c),
        _ => true,
    }
}

/// Rows that are one instruction.
fn single(op: Op, rd: Vreg, rn: Vreg) -> Option<Inst> {
    use Op as O;
    let arr = lanes_of(op);
    let integer = |op| Inst::Vec2 { op, arr, rd, rn };
    let float = |by| {
        let arr = float_lanes_of(op);
        Inst::Vec2Fp {
            op: by,
            arr,
            rd,
            rn,
        }
    };
    Some(match op {
        O::V128Not => integer(Vec2::Not),
        O::I8x16Popcnt => integer(Vec2::Cnt),
        O::I8x16Abs | O::I16x8Abs | O::I32x4Abs | O::I64x2Abs => integer(Vec2::Abs),
        O::I8x16Neg | O::I16x8Neg | O::I32x4Neg | O::I64x2Neg => integer(Vec2::Neg),
        O::F32x4Abs | O::F64x2Abs => float(Vec2Fp::Fabs),
        O::F32x4Neg | O::F64x2Neg => float(Vec2Fp::Fneg),
        O::F32x4Sqrt | O::F64x2Sqrt => float(Vec2Fp::Fsqrt),
        O::F32x4Ceil | O::F64x2Ceil => float(Vec2Fp::Frintp),
        O::F32x4Floor | O::F64x2Floor => float(Vec2Fp::Frintm),
        O::F32x4Trunc | O::F64x2Trunc => float(Vec2Fp::Frintz),
        O::F32x4Nearest | O::F64x2Nearest => float(Vec2Fp::Frintn),
        O::I32x4TruncSatF32x4S | O::I32x4RelaxedTruncF32x4S => float(Vec2Fp::Fcvtzs),
        O::I32x4TruncSatF32x4U | O::I32x4RelaxedTruncF32x4U => float(Vec2Fp::Fcvtzu),
        O::F32x4ConvertI32x4S => float(Vec2Fp::Scvtf),
        O::F32x4ConvertI32x4U => float(Vec2Fp::Ucvtf),
        O::F32x4DemoteF64x2Zero => Inst::VecFpNarrow { rd, rn },
        O::F64x2PromoteLowF32x4 => Inst::VecFpLong {
            op: VecFpLong::Fcvtl,
            rd,
            rn,
        },
        _ if is_extension(op) => widen(op, rd, rn),
        _ if is_pairwise(op) => {
            let (arr, op) = match is_signed(op) {
                true => (half_lanes(op), VecPairLong::Saddlp),
                false => (half_lanes(op), VecPairLong::Uaddlp),
            };
            Inst::VecPairLong { op, arr, rd, rn }
        }
        _ => return None, // conversions of two instructions
    })
}

/// All lanes of 128 bits that are half as wide as those of the result.
pub(super) fn half_lanes(op: Op) -> Arr {
    match lanes_of(op) {
        Arr::H8 => Arr::B16,
        _ => Arr::H8,
    }
}

/// Whether an opcode sums neighbouring lanes.
pub(super) fn is_pairwise(op: Op) -> bool {
    use Op as O;
    matches!(
        op,
        O::I16x8ExtAddPairwiseI8x16S
            | O::I16x8ExtAddPairwiseI8x16U
            | O::I32x4ExtAddPairwiseI16x8S
            | O::I32x4ExtAddPairwiseI16x8U
    )
}

/// Whether an opcode widens half a vector.
pub(super) fn is_extension(op: Op) -> bool {
    use Op as O;
    matches!(
        op,
        O::I16x8ExtendLowI8x16S
            | O::I16x8ExtendHighI8x16S
            | O::I16x8ExtendLowI8x16U
            | O::I16x8ExtendHighI8x16U
            | O::I32x4ExtendLowI16x8S
            | O::I32x4ExtendHighI16x8S
            | O::I32x4ExtendLowI16x8U
            | O::I32x4ExtendHighI16x8U
            | O::I64x2ExtendLowI32x4S
            | O::I64x2ExtendHighI32x4S
            | O::I64x2ExtendLowI32x4U
            | O::I64x2ExtendHighI32x4U
    )
}

fn widen(op: Op, rd: Vreg, rn: Vreg) -> Inst {
    let by = match is_signed(op) {
        true => VecShlLong::Sshll,
        false => VecShlLong::Ushll,
    };
    Inst::VecShlLong {
        op: by,
        arr: widened_by(op),
        rd,
        rn,
        amount: 0,
    }
}

impl Cx<'_> {
    pub(super) fn vec2fp(&mut self, op: Vec2Fp, arr: FpArr, rn: Vreg) -> Vreg {
        let rd = self.temp_fpr();
        self.a64(Inst::Vec2Fp { op, arr, rd, rn });
        rd
    }

    /// A fresh register with `rn op rm`.
    pub(super) fn vec3(&mut self, op: Vec3, arr: Arr, rn: Vreg, rm: Vreg) -> Vreg {
        let rd = self.temp_fpr();
        self.a64(Inst::Vec3 {
            op,
            arr,
            rd,
            rn,
            rm,
        });
        rd
    }

    /// A fresh register with a constant.
    pub(super) fn vector_constant(&mut self, bits: u128) -> Vreg {
        let rd = self.temp_fpr();
        self.emit(MInst::VectorImm { rd, bits });
        rd
    }

    pub(super) fn vector_unary(&mut self, id: InstId, op: Op, a: Value) {
        let (rd, rn) = (self.result_fpr(id), self.fpr(a));
        match single(op, rd, rn) {
            Some(inst) => self.a64(inst),
            None => self.convert_vector(op, rd, rn),
        }
    }

    /// Conversions between lanes of 32 bits and floats of 64.
    fn convert_vector(&mut self, op: Op, rd: Vreg, rn: Vreg) {
        use Op as O;
        let (arr, narrow) = (FpArr::D2, Arr::S2);
        let (round, saturate) = match op {
            O::I32x4TruncSatF64x2SZero | O::I32x4RelaxedTruncF64x2SZero => {
                (Vec2Fp::Fcvtzs, VecNarrow::Sqxtn)
            }
            O::I32x4TruncSatF64x2UZero | O::I32x4RelaxedTruncF64x2UZero => {
                (Vec2Fp::Fcvtzu, VecNarrow::Uqxtn)
            }
            O::F64x2ConvertLowI32x4S => return self.convert_low(O::I64x2ExtendLowI32x4S, rd, rn),
            O::F64x2ConvertLowI32x4U => return self.convert_low(O::I64x2ExtendLowI32x4U, rd, rn),
            other => unreachable!("{} is no unary vector row", other.mnemonic()),
        };
        let wide = self.vec2fp(round, arr, rn);
        self.a64(Inst::VecNarrow {
            op: saturate,
            arr: narrow,
            rd,
            rn: wide,
        });
    }

    fn convert_low(&mut self, extension: Op, rd: Vreg, rn: Vreg) {
        let wide = self.temp_fpr();
        self.a64(widen(extension, wide, rn));
        let op = match is_signed(extension) {
            true => Vec2Fp::Scvtf,
            false => Vec2Fp::Ucvtf,
        };
        let (arr, rn) = (FpArr::D2, wide);
        self.a64(Inst::Vec2Fp { op, arr, rd, rn });
    }

    pub(super) fn splat(&mut self, id: InstId, op: Op, a: Value) {
        let (rd, arr) = (self.result_fpr(id), lanes_of(op));
        let inst = match op {
            Op::F32x4Splat | Op::F64x2Splat => {
                let (rn, index) = (self.fpr(a), 0);
                Inst::DupLane { arr, rd, rn, index }
            }
            _ => {
                let rn = self.gpr(a);
                Inst::DupGpr { arr, rd, rn }
            }
        };
        self.a64(inst);
    }

    // --- lanes -----------------------------------------------------------------------------------

    pub(super) fn extract_lane(&mut self, id: InstId, op: Op, index: u8, a: Value) {
        let (rn, width) = (self.fpr(a), lanes_of(op).lane());
        let inst = match op {
            Op::F32x4ExtractLane | Op::F64x2ExtractLane => {
                let rd = self.result_fpr(id);
                Inst::DupScalar {
                    width,
                    rd,
                    rn,
                    index,
                }
            }
            Op::I8x16ExtractLaneS | Op::I16x8ExtractLaneS => {
                let (rd, size) = (self.result_gpr(id), Size::W);
                Inst::Smov {
                    width,
                    size,
                    rd,
                    rn,
                    index,
                }
            }
            _ => {
                let rd = self.result_gpr(id);
                Inst::Umov {
                    width,
                    rd,
                    rn,
                    index,
                }
            }
        };
        self.a64(inst);
    }

    pub(super) fn replace_lane(&mut self, id: InstId, op: Op, index: u8, (a, b): (Value, Value)) {
        let (old, width) = (self.fpr(a), lanes_of(op).lane());
        let new = self.result_fpr(id);
        let rd = Tied { old, new };
        let inst = match op {
            Op::F32x4ReplaceLane | Op::F64x2ReplaceLane => Inst::InsLane {
                width,
                rd,
                to: index,
                rn: self.fpr(b),
                from: 0,
            },
            _ => Inst::InsGpr {
                width,
                rd,
                index,
                rn: self.gpr_or_zero(b),
            },
        };
        self.a64(inst);
    }

    // --- reductions ------------------------------------------------------------------------------

    pub(super) fn reduce(&mut self, id: InstId, op: Op, a: Value) {
        if is_truth(op) {
            return self.set_from_test(id);
        }
        let (rd, rn) = (self.result_gpr(id), self.fpr(a));
        match lanes_of(op) {
            Arr::D2 => self.bitmask_of_two(rd, rn),
            arr => self.bitmask(arr, rd, rn),
        }
    }

    /// A test of whether any bit of a vector is set, or whether no lane is 0.
    pub(super) fn test_lanes(&mut self, op: Op, a: Value) -> Test {
        let rn = self.fpr(a);
        let is_all = is_all_true(op);
        let arr = lanes_of(op);
        if is_all && arr != Arr::D2 {
            let (rd, reg) = (self.temp_fpr(), self.temp());
            let by = VecAcross::Uminv;
            self.a64(Inst::VecAcross {
                op: by,
                arr,
                rd,
                rn,
            });
            return self.test_scalar(FpSize::S, reg, rd, false);
        }
        let mut bits = rn;
        if is_all {
            bits = self.temp_fpr();
            let (op, rd) = (VecZero::Cmeq, bits);
            self.a64(Inst::VecZero { op, arr, rd, rn });
        }
        let most = self.vec3(Vec3::Umaxp, Arr::S4, bits, bits);
        let reg = self.temp();
        self.test_scalar(FpSize::D, reg, most, is_all)
    }

    fn test_scalar(&mut self, size: FpSize, reg: Gpr, rn: Vreg, is_zero: bool) -> Test {
        self.a64(Inst::FpToGpr { size, rd: reg, rn });
        let size = size.gpr();
        Test::Zero { size, reg, is_zero }
    }

    fn bitmask_of_two(&mut self, rd: Gpr, rn: Vreg) {
        let (signs, arr) = (self.temp_fpr(), Arr::D2);
        self.a64(Inst::VecShr {
            op: VecShr::Ushr,
            arr,
            rd: signs,
            rn,
            amount: 63,
        });
        let [low, high] = [0, 1].map(|index| {
            let (rd, width, rn) = (self.temp(), Width::D, signs);
            self.a64(Inst::Umov {
                width,
                rd,
                rn,
                index,
            });
            rd
        });
        self.a64(Inst::AddSub {
            op: AddSub::Add,
            size: Size::W,
            rd,
            rn: low,
            rm: high,
            shift: Shift::Lsl,
            amount: 1,
        });
    }

    /// Each lane becomes its bit or 0, and the lanes are added; of bytes, those of the two halves
    /// in pairs.
    fn bitmask(&mut self, arr: Arr, rd: Gpr, rn: Vreg) {
        let bits = match arr {
            Arr::B16 => 0x8040_2010_0804_0201_8040_2010_0804_0201,
            Arr::H8 => 0x0080_0040_0020_0010_0008_0004_0002_0001,
            _ => 0x0000_0008_0000_0004_0000_0002_0000_0001,
        };
        let signs = self.temp_fpr();
        self.a64(Inst::VecZero {
            op: VecZero::Cmlt,
            arr,
            rd: signs,
            rn,
        });
        let own = self.vector_constant(bits);
        let mut lanes = self.vec3(Vec3::And, Arr::B16, signs, own);
        let mut sum_of = arr;
        if arr == Arr::B16 {
            let (rd, rn, index) = (self.temp_fpr(), lanes, 8);
            self.a64(Inst::Ext {
                arr,
                rd,
                rn,
                rm: rn,
                index,
            });
            lanes = self.vec3(Vec3::Zip1, arr, lanes, rd);
            sum_of = Arr::H8;
        }
        let sum = self.temp_fpr();
        self.a64(Inst::VecAcross {
            op: VecAcross::Addv,
            arr: sum_of,
            rd: sum,
            rn: lanes,
        });
        let (size, rn) = (FpSize::S, sum);
        self.a64(Inst::FpToGpr { size, rd, rn });
    }

    // --- shifts ----------------------------------------------------------------------------------

    pub(super) fn vector_shift(&mut self, id: InstId, op: Op, a: Value, b: Value) {
        use Op as O;
        let (rd, rn, arr) = (self.result_fpr(id), self.fpr(a), lanes_of(op));
        let is_left = matches!(op, O::I8x16Shl | O::I16x8Shl | O::I32x4Shl | O::I64x2Shl);
        let mask = u64::from(arr.lane_bits() - 1);
        if let Some(count) = self.func.constant(b) {
            let amount = (count & mask) as u8;
            return self.a64(match is_left {
                _ if amount == 0 => move_vector(rd, rn),
                true => Inst::VecShl {
                    op: VecShl::Shl,
                    arr,
                    rd,
                    rn,
                    amount,
                },
                false => Inst::VecShr {
                    op: if is_signed(op) {
                        VecShr::Sshr
                    } else {
                        VecShr::Ushr
                    },
                    arr,
                    rd,
                    rn,
                    amount,
                },
            });
        }
        let rm = self.shift_counts(arr, mask, is_left, b);
        let by = match is_signed(op) {
            true => Vec3::Sshl,
            false => Vec3::Ushl,
        };
        self.a64(Inst::Vec3 {
            op: by,
            arr,
            rd,
            rn,
            rm,
        });
    }

    /// The count modulo the width of a lane, in all lanes; negative for shifts to the right.
    fn shift_counts(&mut self, arr: Arr, mask: u64, is_left: bool, count: Value) -> Vreg {
        let (size, rn) = (Size::W, self.gpr(count));
        let mut by = self.temp();
        let imm = BitImm::new(size, mask).expect("a run of ones");
        self.a64(Inst::LogicImm {
            op: LogicImm::And,
            size,
            rd: by,
            rn,
            imm,
        });
        if !is_left {
            let negative = self.temp();
            self.a64(Inst::add_sub(AddSub::Sub, size, negative, XZR, by));
            by = negative;
        }
        let (rd, rn) = (self.temp_fpr(), by);
        self.a64(Inst::DupGpr { arr, rd, rn });
        rd
    }

    // --- three operands --------------------------------------------------------------------------

    pub(super) fn vector_ternary(&mut self, id: InstId, op: Op, [a, b, c]: [Value; 3]) {
        use Op as O;
        let rd = self.result_fpr(id);
        match op {
            O::I8x16Shuffle => self.shuffle(rd, [a, b, c]),
            O::F32x4RelaxedMadd | O::F64x2RelaxedMadd => {
                self.multiply_then(Vec3Fp::Fadd, Vec3FpAcc::Fmla, op, rd, [a, b, c]);
            }
            O::F32x4RelaxedNmadd | O::F64x2RelaxedNmadd => {
                self.multiply_then(Vec3Fp::Fsub, Vec3FpAcc::Fmls, op, rd, [a, b, c]);
            }
            O::I32x4RelaxedDotI8x16I7x16AddS => {
                let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(c));
                let sums = self.temp_fpr();
                self.dot_of_bytes(sums, rn, rm);
                self.add_pairs(O::I32x4ExtAddPairwiseI16x8S, Tied { old, new: rd }, sums);
            }
            _ => {
                // v128.bitselect and the lane selections that are it
                let (rn, rm, old) = (self.fpr(a), self.fpr(b), self.fpr(c));
                self.a64(Inst::Vec3Acc {
                    op: Vec3Acc::Bsl,
                    arr: Arr::B16,
                    rd: Tied { old, new: rd },
                    rn,
                    rm,
                });
            }
        }
    }

    /// `c op a * b`, rounded twice; in the native profile once.
    fn multiply_then(
        &mut self,
        by: Vec3Fp,
        fused: Vec3FpAcc,
        op: Op,
        rd: Vreg,
        [a, b, c]: [Value; 3],
    ) {
        let (rn, rm, arr) = (self.fpr(a), self.fpr(b), float_lanes_of(op));
        if self.func.profile == Profile::Native {
            let (op, old) = (fused, self.fpr(c));
            let rd = Tied { old, new: rd };
            return self.a64(Inst::Vec3FpAcc {
                op,
                arr,
                rd,
                rn,
                rm,
            });
        }
        let product = self.temp_fpr();
        self.a64(Inst::Vec3Fp {
            op: Vec3Fp::Fmul,
            arr,
            rd: product,
            rn,
            rm,
        });
        let rn = self.fpr(c);
        self.a64(Inst::Vec3Fp {
            op: by,
            arr,
            rd,
            rn,
            rm: product,
        });
    }
}
