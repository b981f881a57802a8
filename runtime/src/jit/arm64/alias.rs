//! Constructors of the instructions that lowering uses most: the architecture's aliases (C6.1) and
//! moves.
//!
//! Nothing here encodes: each is a short way to write a row of the format table.

use super::imm::Imm12;
use super::inst::Inst;
use super::ops::{
    AddSub, Bitfield, BranchReg, Cond, CondSel, Data2, Extend, Logic, MulAdd, Shift, Size,
};
use super::regs::{Gpr, LR, Vreg, XZR};
use super::vector::{Arr, Vec3};

impl Inst {
    /// `rd := rn op rm`, without a shift.
    pub fn add_sub(op: AddSub, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::AddSub {
            op,
            size,
            rd,
            rn,
            rm,
            shift: Shift::Lsl,
            amount: 0,
        }
    }

    /// Compares a limit with an index, which is an i32 if `is_narrow`.
    pub fn compare_index(limit: Gpr, index: Gpr, is_narrow: bool) -> Self {
        let (op, size) = (AddSub::Subs, Size::X);
        if !is_narrow {
            return Self::add_sub(op, size, XZR, limit, index);
        }
        Self::AddSubExtend {
            op,
            size,
            rd: XZR,
            rn: limit,
            rm: index,
            extend: Extend::Uxtw,
            amount: 0,
        }
    }

    /// `rd := rn op rm`, without a shift.
    pub fn logic(op: Logic, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        Self::Logic {
            op,
            size,
            rd,
            rn,
            rm,
            shift: Shift::Lsl,
            amount: 0,
        }
    }

    /// `rd := rm`. Neither is `sp`; a W move clears the upper half.
    pub fn mov(size: Size, rd: Gpr, rm: Gpr) -> Self {
        Self::logic(Logic::Orr, size, rd, XZR, rm)
    }

    /// `rd := rn`, where one of them may be `sp`.
    pub fn mov_sp(rd: Gpr, rn: Gpr) -> Self {
        let imm = Imm12::new(0).expect("zero fits");
        Self::AddSubImm {
            op: AddSub::Add,
            size: Size::X,
            rd,
            rn,
            imm,
        }
    }

    /// Flags of `rn - rm`.
    pub fn cmp(size: Size, rn: Gpr, rm: Gpr) -> Self {
        Self::add_sub(AddSub::Subs, size, XZR, rn, rm)
    }

    /// Flags of `rn - (rm extended)`, in 32 bits.
    pub fn cmp_extended(rn: Gpr, rm: Gpr, extend: Extend) -> Self {
        Self::AddSubExtend {
            op: AddSub::Subs,
            size: Size::W,
            rd: XZR,
            rn,
            rm,
            extend,
            amount: 0,
        }
    }

    /// Flags of `rn - imm`.
    pub fn cmp_imm(size: Size, rn: Gpr, imm: Imm12) -> Self {
        Self::AddSubImm {
            op: AddSub::Subs,
            size,
            rd: XZR,
            rn,
            imm,
        }
    }

    /// Flags of `rn + imm`: compares with a negative constant.
    pub fn cmn_imm(size: Size, rn: Gpr, imm: Imm12) -> Self {
        Self::AddSubImm {
            op: AddSub::Adds,
            size,
            rd: XZR,
            rn,
            imm,
        }
    }

    /// Flags of `rn & rm`.
    pub fn tst(size: Size, rn: Gpr, rm: Gpr) -> Self {
        Self::logic(Logic::Ands, size, XZR, rn, rm)
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
        Self::MulAdd {
            op: MulAdd::Madd,
            size,
            rd,
            rn,
            rm,
            ra: XZR,
        }
    }

    /// `rd := rn` shifted or rotated by the register `rm` modulo the size.
    pub fn shift(shift: Shift, size: Size, rd: Gpr, rn: Gpr, rm: Gpr) -> Self {
        let op = match shift {
            Shift::Lsl => Data2::Lslv,
            Shift::Lsr => Data2::Lsrv,
            Shift::Asr => Data2::Asrv,
            Shift::Ror => Data2::Rorv,
        };
        Self::Data2 {
            op,
            size,
            rd,
            rn,
            rm,
        }
    }

    /// `rd := rn` shifted or rotated by `amount` modulo the size.
    pub fn shift_imm(shift: Shift, size: Size, rd: Gpr, rn: Gpr, amount: u8) -> Self {
        let bits = size.bit_count();
        let by = amount % bits;
        match shift {
            Shift::Lsl => {
                let (immr, imms) = ((bits - by) % bits, bits - 1 - by);
                Self::Bitfield {
                    op: Bitfield::Ubfm,
                    size,
                    rd,
                    rn,
                    immr,
                    imms,
                }
            }
            Shift::Lsr => Self::Bitfield {
                op: Bitfield::Ubfm,
                size,
                rd,
                rn,
                immr: by,
                imms: bits - 1,
            },
            Shift::Asr => Self::Bitfield {
                op: Bitfield::Sbfm,
                size,
                rd,
                rn,
                immr: by,
                imms: bits - 1,
            },
            Shift::Ror => Self::Extract {
                size,
                rd,
                rn,
                rm: rn,
                lsb: by,
            },
        }
    }

    /// `rd := the low `bits` bits of rn`, sign-extended to `size`. 1 to 32 bits, 1 to 64 for X.
    pub fn sign_extend(size: Size, bits: u8, rd: Gpr, rn: Gpr) -> Self {
        Self::Bitfield {
            op: Bitfield::Sbfm,
            size,
            rd,
            rn,
            immr: 0,
            imms: bits - 1,
        }
    }

    /// `rd := the low `bits` bits of rn`, zero-extended to `size`. 1 to 32 bits, 1 to 64 for X.
    pub fn zero_extend(size: Size, bits: u8, rd: Gpr, rn: Gpr) -> Self {
        Self::Bitfield {
            op: Bitfield::Ubfm,
            size,
            rd,
            rn,
            immr: 0,
            imms: bits - 1,
        }
    }

    /// `rd := cond ? 1 : 0`. The condition must not be `al`.
    pub fn cset(size: Size, rd: Gpr, cond: Cond) -> Self {
        let (op, cond) = (CondSel::Csinc, cond.invert());
        Self::CondSel {
            op,
            size,
            rd,
            rn: XZR,
            rm: XZR,
            cond,
        }
    }

    /// `rd := cond ? rn : rm`.
    pub fn csel(size: Size, rd: Gpr, rn: Gpr, rm: Gpr, cond: Cond) -> Self {
        Self::CondSel {
            op: CondSel::Csel,
            size,
            rd,
            rn,
            rm,
            cond,
        }
    }

    /// Returns to the address in the link register.
    pub fn ret() -> Self {
        Self::BranchReg {
            op: BranchReg::Ret,
            rn: LR,
        }
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
    Inst::Vec3 {
        op: Vec3::Orr,
        arr: Arr::B16,
        rd,
        rn,
        rm: rn,
    }
}
