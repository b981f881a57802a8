//! Constructors of the instructions that lowering uses most: the architecture's aliases (C6.1) and
//! moves.
//!
//! Nothing here encodes: each is a short way to write a row of the format table.

use super::imm::{BitImm, Imm12};
use super::inst::Inst;
use super::ops::{
    AddSub, Bitfield, BranchReg, CompareBranch, Cond, CondSel, Data2, Extend, Logic, LogicImm,
    MulAdd, Shift, Size,
};
use super::referent::Referent;
use super::regs::{Gpr, LR, Tied, Vreg, XZR};
use super::vector::{Arr, Vec3, Vec3Acc};

impl Inst {
    /// `rd := rn op rm`, without a shift.
    pub fn add_sub(op: AddSub, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::add_sub_shifted(op, size, rd, rn, rm, Shift::Lsl, 0)
    }

    /// `rd := rn + rm`.
    pub fn add(size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::add_sub(AddSub::Add, size, rd, rn, rm)
    }

    /// `rd := rn + imm`. Both registers may be `sp`.
    pub fn add_imm(size: Size, rd: Gpr, rn: Gpr, imm: Imm12) -> Self {
        Self::add_sub_imm(AddSub::Add, size, rd, rn, imm)
    }

    /// Compares a limit with an index, which is an i32 if `is_narrow`.
    pub fn compare_index(limit: Gpr, index: Gpr, is_narrow: bool) -> Self {
        match is_narrow {
            true => Self::cmp_extended(Size::X, limit, index, Extend::Uxtw),
            false => Self::cmp(Size::X, limit, index),
        }
    }

    /// `rd := rn op rm`, without a shift.
    pub fn logic(op: Logic, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::logic_shifted(op, size, rd, rn, rm, Shift::Lsl, 0)
    }

    /// `rd := rm`. Neither is `sp`; a W move clears the upper half.
    pub fn mov(size: Size, rd: Gpr, rm: Gpr) -> Self {
        Self::logic(Logic::Orr, size, rd, XZR, rm)
    }

    /// `rd := rn`, where one of them may be `sp`.
    pub fn mov_sp(rd: Gpr, rn: Gpr) -> Self {
        Self::add_imm(Size::X, rd, rn, Imm12::new(0).expect("zero fits"))
    }

    /// Flags of `rn - rm`.
    pub fn cmp(size: Size, rn: Gpr, rm: Gpr) -> Self {
        Self::add_sub(AddSub::Subs, size, XZR, rn, rm)
    }

    /// Flags of `rn - (rm extended)`.
    pub fn cmp_extended(size: Size, rn: Gpr, rm: Gpr, extend: Extend) -> Self {
        Self::add_sub_extend(AddSub::Subs, size, XZR, rn, rm, extend)
    }

    /// Flags of `rn - imm`.
    pub fn cmp_imm(size: Size, rn: Gpr, imm: Imm12) -> Self {
        Self::add_sub_imm(AddSub::Subs, size, XZR, rn, imm)
    }

    /// Flags of `rn + imm`: compares with a negative constant.
    pub fn cmn_imm(size: Size, rn: Gpr, imm: Imm12) -> Self {
        Self::add_sub_imm(AddSub::Adds, size, XZR, rn, imm)
    }

    /// Flags of `rn & rm`.
    pub fn tst(size: Size, rn: Gpr, rm: Gpr) -> Self {
        Self::logic(Logic::Ands, size, XZR, rn, rm)
    }

    /// Flags of `rn & imm`.
    pub fn tst_imm(size: Size, rn: Gpr, imm: BitImm) -> Self {
        Self::logic_imm(LogicImm::Ands, size, XZR, rn, imm)
    }

    /// `rd := -rm`.
    pub fn neg(size: Size, rd: Gpr, rm: Gpr) -> Self {
        Self::add_sub(AddSub::Sub, size, rd, XZR, rm)
    }

    /// `rd := !rm`.
    pub fn mvn(size: Size, rd: Gpr, rm: Gpr) -> Self {
        Self::logic(Logic::Orn, size, rd, XZR, rm)
    }

    /// `rd := rn * rm`.
    pub fn mul(size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::mul_add(MulAdd::Madd, size, rd, rn, rm, XZR)
    }

    /// `rd := rn` shifted or rotated by the register `rm` modulo the size.
    pub fn shift(shift: Shift, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        let op = match shift {
            Shift::Lsl => Data2::Lslv,
            Shift::Lsr => Data2::Lsrv,
            Shift::Asr => Data2::Asrv,
            Shift::Ror => Data2::Rorv,
        };
        Self::data2(op, size, rd, rn, rm)
    }

    /// `rd := rn` shifted or rotated by `amount` modulo the size.
    pub fn shift_imm(shift: Shift, size: Size, rd: Gpr, rn: Gpr, amount: u8) -> Self {
        let bits = size.bit_count();
        let by = amount % bits;
        match shift {
            Shift::Lsl => {
                let (immr, imms) = ((bits - by) % bits, bits - 1 - by);
                Self::bitfield(Bitfield::Ubfm, size, rd, rn, immr, imms)
            }
            Shift::Lsr => Self::bitfield(Bitfield::Ubfm, size, rd, rn, by, bits - 1),
            Shift::Asr => Self::bitfield(Bitfield::Sbfm, size, rd, rn, by, bits - 1),
            Shift::Ror => Self::extract(size, rd, rn, rn, by),
        }
    }

    /// `rd := the low `bits` bits of rn`, sign-extended to `size`. 1 to 32 bits, 1 to 64 for X.
    pub fn sign_extend(size: Size, bits: u8, rd: Gpr, rn: Gpr) -> Self {
        Self::bitfield(Bitfield::Sbfm, size, rd, rn, 0, bits - 1)
    }

    /// `rd := the low `bits` bits of rn`, zero-extended to `size`. 1 to 32 bits, 1 to 64 for X.
    pub fn zero_extend(size: Size, bits: u8, rd: Gpr, rn: Gpr) -> Self {
        Self::bitfield(Bitfield::Ubfm, size, rd, rn, 0, bits - 1)
    }

    /// `rd := cond ? 1 : 0`. The condition must not be `al`.
    pub fn cset(size: Size, rd: Gpr, cond: Cond) -> Self {
        let cond = cond.invert();
        Self::cond_sel(CondSel::Csinc, size, rd, XZR, XZR, cond)
    }

    /// `rd := cond ? rn : rm`.
    pub fn csel(size: Size, rd: Gpr, rn: Gpr, rm: Gpr, cond: Cond) -> Self {
        Self::cond_sel(CondSel::Csel, size, rd, rn, rm, cond)
    }

    /// `rd := rd ? rn : rm`, bit by bit.
    pub fn bsl(rd: Tied<Vreg>, rn: Vreg, rm: Vreg) -> Self {
        Self::vec3_acc(Vec3Acc::Bsl, Arr::B16, rd, rn, rm)
    }

    /// To the target if `rt` is zero.
    pub fn cbz(size: Size, rt: Gpr, target: impl Into<Referent>) -> Self {
        Self::compare_branch(CompareBranch::Cbz, size, rt, target)
    }

    /// To the target if `rt` is not zero.
    pub fn cbnz(size: Size, rt: Gpr, target: impl Into<Referent>) -> Self {
        Self::compare_branch(CompareBranch::Cbnz, size, rt, target)
    }

    /// To the address in `rn`.
    pub fn br(rn: Gpr) -> Self {
        Self::branch_reg(BranchReg::Br, rn)
    }

    /// To the address in `rn`, with the return address in the link register.
    pub fn blr(rn: Gpr) -> Self {
        Self::branch_reg(BranchReg::Blr, rn)
    }

    /// Returns to the address in the link register.
    pub fn ret() -> Self {
        Self::branch_reg(BranchReg::Ret, LR)
    }
}

impl Size {
    /// The number of bits.
    pub const fn bit_count(self) -> u8 {
        match self {
            Self::W => 32,
            Self::X => 64,
        }
    }
}

/// `rd := rn`, all 128 bits.
pub(super) fn move_vector(rd: Vreg, rn: Vreg) -> Inst {
    Inst::vec3(Vec3::Orr, Arr::B16, rd, rn, rn)
}
