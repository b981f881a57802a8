//! The table of A64 instruction formats. Encoder, printer, operand roles and test samples follow
//! from it.
//!
//! A row is `Variant constructor { field: role Type, .. } = encoding; "text", arguments..;`
//! - the constructor takes the fields in their order, which is that of assembly text;
//! - roles: `def` written, `use` read, `tied` both, `early` written before the reads, `mem` an
//!   address, `imm` no register, and `b26 b19 b14 lit adr` a target with that reach ([`Reach`]);
//! - the encoding starts from the fixed bits and puts each field in place: `z` and `s` are general
//!   registers whose number 31 is `xzr` or `sp`, `v` vector registers (`tz`, `ts`, `tv` when tied),
//!   `u` and `i` numbers (value, shift, width), `need` a condition that the operands must meet;
//! - the text is the architecture's own syntax without aliases (`subs xzr, ..`, not `cmp ..`).
//!
//! Invariants: an instruction encodes only when all registers are architectural; order of fields is
//! the order in which [`Inst::map_regs`] meets registers.

use std::fmt;

use super::encode::{EncodeError, Fault, word};
use super::imm::{BitImm, FpImm8, Imm12, LaneMask};
use super::mem::{Address, Mem, Mnemonic};
use super::ops::{
    AddSub, Bitfield, BranchReg, Carry, CompareBranch, Cond, CondSel, Data1, Data2, Extend, Fp1,
    Fp2, FpCvt, FpSize, FpToInt, IntToFp, Load, LoadLitV, LoadPair, LoadPairV, Logic, LogicImm,
    MoveWide, MulAdd, MulAddLong, MulHigh, Shift, Size, Store, StorePairV, TestBranch, Width,
};
use super::referent::{Reach, Referent};
use super::regs::{Gpr, GprAs as G, MapRegs, Reg, Role, SP, Tied, Vreg, VregAs as V};
use super::table::{
    field_map, field_mem, field_param, field_target, field_type, field_value, formats,
};
use super::vector::{
    ACROSS, Arr, Atomic, AtomicSize, BHS, BHSD, BYTES, FpArr, LoadOrdered, Order, Vec2, Vec2Fp,
    Vec3, Vec3Acc, Vec3Fp, Vec3FpAcc, VecAcross, VecImm, VecLong, VecLongAcc, VecNarrow,
    VecPairLong, VecPairLongAcc, VecShlLong, VecShr, VecZero, VregArr as A, VregLane as L,
    VregWide as W, constant_bits, constant_mode, left_shift, right_shift,
};

formats! {
    // Data processing: immediate.

    /// `rd := rn +- imm`. `rd` and `rn` may be `sp`; `rd` is `xzr` instead where flags are set.
    AddSubImm add_sub_imm { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr,
        imm: imm Imm12 }
        = word(0x1100_0000 | op.bits()).u(size.bits(), 31, 1).u(imm.fields(), 10, 13).s(rn, 5)
            .zs(op.sets_flags(), rd, 0);
        "{op} {}, {}, {imm}", G(size, rd), G(size, rn);

    /// `rd := rn op imm`. `rd` may be `sp`, or `xzr` instead where flags are set.
    LogicImm logic_imm { op: imm LogicImm, size: imm Size, rd: def Gpr, rn: use Gpr,
        imm: imm BitImm }
        = word(op.bits()).u(size.bits(), 31, 1).u(imm.fields(), 10, 13).z(rn, 5)
            .zs(op.sets_flags(), rd, 0)
            .need(size == Size::X || imm.fields() >> 12 == 0);
        "{op} {}, {}, #{:#x}", G(size, rd), G(size, rn), imm.value(size);

    /// `rd := imm << 16*hw`, inverted for `movn`.
    MoveWide move_wide { op: imm MoveWide, size: imm Size, rd: def Gpr, imm: imm u16, hw: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(hw, 21, size.bits() + 1).u(imm, 5, 16).z(rd, 0);
        "{op} {}, #{imm:#x}{}", G(size, rd), Amount(Shift::Lsl, hw.saturating_mul(16));

    /// `rd[16*hw .. 16*hw+16] := imm`.
    MoveKeep move_keep { size: imm Size, rd: tied Gpr, imm: imm u16, hw: imm u8 }
        = word(0x7280_0000).u(size.bits(), 31, 1).u(hw, 21, size.bits() + 1).u(imm, 5, 16)
            .tz(rd, 0);
        "movk {}, #{imm:#x}{}", rd.shown(|r| G(size, r)), Amount(Shift::Lsl, hw.saturating_mul(16));

    /// `rd := bits of rn`, sign- or zero-extended: see the constructors for shifts and extensions.
    Bitfield bitfield { op: imm Bitfield, size: imm Size, rd: def Gpr, rn: use Gpr, immr: imm u8,
        imms: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(size.bits(), 22, 1)
            .u(immr, 16, size.bits() + 5).u(imms, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "{op} {}, {}, #{immr}, #{imms}", G(size, rd), G(size, rn);

    /// `rd := low bits of (rn:rm) >> lsb`; a rotation where `rn` is `rm`.
    Extract extract { size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr, lsb: imm u8 }
        = word(0x1380_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 1)
            .z(rm, 16).u(lsb, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "extr {}, {}, {}, #{lsb}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := address of target`.
    Adr adr { rd: def Gpr, target: adr Referent } = word(0x1000_0000).z(rd, 0);
        "adr {rd}, {target}";

    // Data processing: register.

    /// `rd := rn +- (rm shifted)`. `ror` does not exist here.
    AddSub add_sub_shifted { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        shift: imm Shift, amount: imm u8 }
        = word(0x0b00_0000 | op.bits()).u(size.bits(), 31, 1).u(shift.bits(), 22, 2).z(rm, 16)
            .u(amount, 10, size.bits() + 5).z(rn, 5).z(rd, 0).need(shift != Shift::Ror);
        "{op} {}, {}, {}{}", G(size, rd), G(size, rn), G(size, rm), Amount(shift, amount);

    /// `rd := rn +- (rm extended)`. `rn` may be `sp`, `rd` too unless flags are set.
    AddSubExtend add_sub_extend { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr,
        rm: use Gpr, extend: imm Extend }
        = word(0x0b20_0000 | op.bits()).u(size.bits(), 31, 1).z(rm, 16).u(extend.bits(), 13, 3)
            .s(rn, 5).zs(op.sets_flags(), rd, 0);
        "{op} {}, {}, {}, {extend}", G(size, rd), G(size, rn), G(extend.reads().min(size), rm);

    /// `rd := rn +- rm +- carry`.
    Carry carry { op: imm Carry, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := rn op (rm shifted)`.
    Logic logic_shifted { op: imm Logic, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        shift: imm Shift,
        amount: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(shift.bits(), 22, 2).z(rm, 16)
            .u(amount, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}{}", G(size, rd), G(size, rn), G(size, rm), Amount(shift, amount);

    /// `rd := rn op rm`: division, and shifts by a register.
    Data2 data2 { op: imm Data2, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := op rn`.
    Data1 data1 { op: imm Data1, size: imm Size, rd: def Gpr, rn: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rn, 5).z(rd, 0)
            .u(op == Data1::Rev && size == Size::X, 10, 1)
            .need(op != Data1::Rev32 || size == Size::X);
        "{op} {}, {}", G(size, rd), G(size, rn);

    /// `rd := ra +- rn * rm`.
    MulAdd mul_add { op: imm MulAdd, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        ra: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(ra, 10).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}, {}", G(size, rd), G(size, rn), G(size, rm), G(size, ra);

    /// `rd := ra +- rn * rm`, where `rn` and `rm` are W and the others X.
    MulAddLong mul_add_long { op: imm MulAddLong, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        ra: use Gpr }
        = word(op.bits()).z(rm, 16).z(ra, 10).z(rn, 5).z(rd, 0);
        "{op} {rd}, {}, {}, {ra}", G(Size::W, rn), G(Size::W, rm);

    /// `rd := (rn * rm) >> 64`.
    MulHigh mul_high { op: imm MulHigh, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {rd}, {rn}, {rm}";

    /// `rd := cond ? rn : op rm`.
    CondSel cond_sel { op: imm CondSel, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        cond: imm Cond }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).u(cond.bits(), 12, 4).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}, {cond}", G(size, rd), G(size, rn), G(size, rm);

    /// Flags of comparing `rn` with `imm` (0 to 31) if the condition holds, else `nzcv`.
    CondCmpImm cond_cmp_imm { size: imm Size, rn: use Gpr, imm: imm u8, nzcv: imm u8,
        cond: imm Cond }
        = word(0x7a40_0800).u(size.bits(), 31, 1).u(imm, 16, 5).u(cond.bits(), 12, 4).z(rn, 5)
            .u(nzcv, 0, 4);
        "ccmp {}, #{imm}, #{nzcv:#x}, {cond}", G(size, rn);

    // Branches, exceptions, system.

    /// To the target.
    B b { target: b26 Referent } = word(0x1400_0000); "b {target}";

    /// To the target, with the return address in `x30`.
    Bl bl { target: b26 Referent } = word(0x9400_0000); "bl {target}";

    /// To the address in `rn`; `blr` puts the return address in `x30`.
    BranchReg branch_reg { op: imm BranchReg, rn: use Gpr } = word(op.bits()).z(rn, 5); "{op} {rn}";

    /// To the target if the condition holds.
    BCond bcond { cond: imm Cond, target: b19 Referent } = word(0x5400_0000).u(cond.bits(), 0,
        4); "b.{cond} {target}";

    /// To the target if `rt` is zero, or is not.
    CompareBranch compare_branch { op: imm CompareBranch, size: imm Size, rt: use Gpr,
        target: b19 Referent }
        = word(op.bits()).u(size.bits(), 31, 1).z(rt, 0);
        "{op} {}, {target}", G(size, rt);

    /// To the target if the bit of `rt` is zero, or is not.
    TestBranch test_branch { op: imm TestBranch, rt: use Gpr, bit: imm u8, target: b14 Referent }
        = word(op.bits()).u(bit >> 5, 31, 1).u(bit & 31, 19, 5).z(rt, 0);
        "{op} {}, #{bit}, {target}", G(if bit < 32 { Size::W } else { Size::X }, rt);

    /// A memory barrier, of the inner shareable domain.
    Dmb dmb {} = word(0xd503_3bbf); "dmb ish";

    /// `rt := FPCR`.
    ReadFpcr read_fpcr { rt: def Gpr } = word(0xd53b_4400).z(rt, 0); "mrs {rt}, fpcr";

    /// `FPCR := rt`.
    WriteFpcr write_fpcr { rt: use Gpr } = word(0xd51b_4400).z(rt, 0); "msr fpcr, {rt}";

    // Loads and stores.

    /// `rt := memory`.
    Load load { op: imm Load, rt: def Gpr, mem: mem Mem }
        = mem.put(word(op.bits()), op.access().log2).z(rt, 0).need(!mem.writes_back_to(rt));
        "{} {}, {}", Mnemonic(op.name(), mem, op.access().log2), G(op.access().size, rt),
            Address(mem, op.access().log2);

    /// `memory := rt`.
    Store store { op: imm Store, rt: use Gpr, mem: mem Mem }
        = mem.put(word(op.bits()), op.access().log2).z(rt, 0).need(!mem.writes_back_to(rt));
        "{} {}, {}", Mnemonic(op.name(), mem, op.access().log2), G(op.access().size, rt),
            Address(mem, op.access().log2);

    /// `rt := memory`, a scalar or a whole vector register.
    LoadV load_v { width: imm Width, rt: def Vreg, mem: mem Mem }
        = mem.put(word(0x3c40_0000).u(width.bits() & 3, 30, 2)
            .u(width.bits() >> 2, 23, 1), width.bits()).v(rt, 0);
        "{} {}, {}", Mnemonic("ldr", mem, width.bits()), V(width, rt), Address(mem, width.bits());

    /// `memory := rt`, a scalar or a whole vector register.
    StoreV store_v { width: imm Width, rt: use Vreg, mem: mem Mem }
        = mem.put(word(0x3c00_0000).u(width.bits() & 3, 30, 2)
            .u(width.bits() >> 2, 23, 1), width.bits()).v(rt, 0);
        "{} {}, {}", Mnemonic("str", mem, width.bits()), V(width, rt), Address(mem, width.bits());

    /// `rt := memory at the target`.
    LoadLit load_lit { rt: def Gpr, target: lit Referent } = word(0x5800_0000).z(rt, 0);
        "ldr {rt}, {target}";

    /// `rt := memory at the target`, a scalar or a whole vector register.
    LoadLitV load_lit_v { op: imm LoadLitV, rt: def Vreg, target: lit Referent }
        = word(op.bits()).v(rt, 0);
        "{op} {}, {target}", V(op.width(), rt);

    /// `rt, rt2 := memory`, two registers.
    LoadPair load_pair { op: imm LoadPair, rt: def Gpr, rt2: def Gpr, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.access().log2).z(rt2, 10).z(rt, 0).need(rt != rt2)
            .need(!mem.writes_back_to(rt) && !mem.writes_back_to(rt2));
        "{op} {}, {}, {}", G(op.access().size, rt), G(op.access().size, rt2), Address(mem, 0);

    /// `memory := rt, rt2`.
    StorePair store_pair { rt: use Gpr, rt2: use Gpr, mem: mem Mem }
        = mem.put_pair(word(0xa800_0000), 3).z(rt2, 10).z(rt, 0)
            .need(!mem.writes_back_to(rt) && !mem.writes_back_to(rt2));
        "stp {rt}, {rt2}, {}", Address(mem, 0);

    /// `rt, rt2 := memory`, two vector registers.
    LoadPairV load_pair_v { op: imm LoadPairV, rt: def Vreg, rt2: def Vreg, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.width().bits()).v(rt2, 10).v(rt, 0).need(rt != rt2);
        "{op} {}, {}, {}", V(op.width(), rt), V(op.width(), rt2), Address(mem, 0);

    /// `memory := rt, rt2`, two vector registers.
    StorePairV store_pair_v { op: imm StorePairV, rt: use Vreg, rt2: use Vreg, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.width().bits()).v(rt2, 10).v(rt, 0);
        "{op} {}, {}, {}", V(op.width(), rt), V(op.width(), rt2), Address(mem, 0);

    // Scalar floating point.

    /// `rd := op rn`.
    Fp1 fp1 { op: imm Fp1, size: imm FpSize, rd: def Vreg, rn: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rn, 5).v(rd, 0);
        "{op} {}, {}", V(size.width(), rd), V(size.width(), rn);

    /// `rd := rn op rm`.
    Fp2 fp2 { op: imm Fp2, size: imm FpSize, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rm, 16).v(rn, 5).v(rd, 0);
        "{op} {}, {}, {}", V(size.width(), rd), V(size.width(), rn), V(size.width(), rm);

    /// Flags of comparing `rn` with `rm`.
    FpCmp fp_cmp { size: imm FpSize, rn: use Vreg, rm: use Vreg }
        = word(0x1e20_2000).u(size.bits(), 22, 2).v(rm, 16).v(rn, 5);
        "fcmp {}, {}", V(size.width(), rn), V(size.width(), rm);

    /// `rd := cond ? rn : rm`.
    FpCondSel fp_cond_sel { size: imm FpSize, rd: def Vreg, rn: use Vreg, rm: use Vreg,
        cond: imm Cond }
        = word(0x1e20_0c00).u(size.bits(), 22, 2).v(rm, 16).u(cond.bits(), 12, 4).v(rn, 5).v(rd, 0);
        "fcsel {}, {}, {}, {cond}", V(size.width(), rd), V(size.width(), rn), V(size.width(), rm);

    /// `rd := imm`.
    FpImm fp_imm { size: imm FpSize, rd: def Vreg, imm: imm FpImm8 }
        = word(0x1e20_1000).u(size.bits(), 22, 2).u(imm.fields(), 13, 8).v(rd, 0);
        "fmov {}, {imm}", V(size.width(), rd);

    /// `rd := rn` in another width.
    FpCvt fp_cvt { op: imm FpCvt, rd: def Vreg, rn: use Vreg }
        = word(op.bits()).v(rn, 5).v(rd, 0);
        "{op} {}, {}", V(op.widths().1, rd), V(op.widths().0, rn);

    /// `rd := bits of rn`: W to S, X to D. The rest of the vector register becomes zero.
    GprToFp gpr_to_fp { size: imm FpSize, rd: def Vreg, rn: use Gpr }
        = word(0x1e27_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 2).z(rn, 5).v(rd, 0);
        "fmov {}, {}", V(size.width(), rd), G(size.gpr(), rn);

    /// `rd := bits of rn`: S to W, D to X.
    FpToGpr fp_to_gpr { size: imm FpSize, rd: def Gpr, rn: use Vreg }
        = word(0x1e26_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 2).v(rn, 5).z(rd, 0);
        "fmov {}, {}", G(size.gpr(), rd), V(size.width(), rn);

    /// `rd := rn`, an integer of `from`'s width, as a float of `to`'s.
    IntToFp int_to_fp { op: imm IntToFp, from: imm Size, to: imm FpSize, rd: def Vreg, rn: use Gpr }
        = word(op.bits()).u(from.bits(), 31, 1).u(to.bits(), 22, 2).z(rn, 5).v(rd, 0);
        "{op} {}, {}", V(to.width(), rd), G(from, rn);

    /// `rd := rn`, a float of `from`'s width, as an integer of `to`'s, saturating.
    FpToInt fp_to_int { op: imm FpToInt, from: imm FpSize, to: imm Size, rd: def Gpr, rn: use Vreg }
        = word(op.bits()).u(to.bits(), 31, 1).u(from.bits(), 22, 2).v(rn, 5).z(rd, 0);
        "{op} {}, {}", G(to, rd), V(from.width(), rn);

    // Vectors of integers.

    /// `rd := rn op rm`.
    Vec3 vec3 { op: imm Vec3, arr: imm Arr, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits() | arr.bits()).need(op.arrs().has(arr)).v(rm, 16).v(rn, 5).v(rd, 0);
        "{op} {}, {}, {}", A(arr, rd), A(arr, rn), A(arr, rm);

    /// `rd := rd op rn op rm`.
    Vec3Acc vec3_acc { op: imm Vec3Acc, arr: imm Arr, rd: tied Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits() | arr.bits()).need(op.arrs().has(arr)).v(rm, 16).v(rn, 5).tv(rd, 0);
        "{op} {}, {}, {}", rd.shown(|r| A(arr, r)), A(arr, rn), A(arr, rm);

    /// `rd := op rn`.
    Vec2 vec2 { op: imm Vec2, arr: imm Arr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(op.arrs().has(arr)).v(rn, 5).v(rd, 0);
        "{op} {}, {}", A(arr, rd), A(arr, rn);

    /// `rd := rn compared with 0`: all ones where true.
    VecZero vec_zero { op: imm VecZero, arr: imm Arr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(BHSD.has(arr)).v(rn, 5).v(rd, 0);
        "{op} {}, {}, #0", A(arr, rd), A(arr, rn);

    /// `rd := sums of pairs of lanes of rn`; `arr` is `rn`'s.
    VecPairLong vec_pair_long { op: imm VecPairLong, arr: imm Arr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr)).v(rn, 5).v(rd, 0);
        "{op} {}, {}", W(arr.paired(), rd), A(arr, rn);

    /// `rd := rd + sums of pairs of lanes of rn`; `arr` is `rn`'s.
    VecPairLongAcc vec_pair_long_acc { op: imm VecPairLongAcc, arr: imm Arr, rd: tied Vreg,
        rn: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr)).v(rn, 5).tv(rd, 0);
        "{op} {}, {}", rd.shown(|r| W(arr.paired(), r)), A(arr, rn);

    /// `rd := all lanes of rn, combined`, a scalar.
    VecAcross vec_across { op: imm VecAcross, arr: imm Arr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(ACROSS.has(arr)).v(rn, 5).v(rd, 0);
        "{op} {}, {}", V(across_width(op, arr), rd), A(arr, rn);

    /// `rd := rn >> amount`, 1 to the lane's width.
    VecShr vec_shr { op: imm VecShr, arr: imm Arr, rd: def Vreg, rn: use Vreg, amount: imm u8 }
        = word(op.bits()).need(BHSD.has(arr)).u(arr.q(), 30, 1)
            .shifted(right_shift(arr.lane(), amount))
            .v(rn, 5).v(rd, 0);
        "{op} {}, {}, #{amount}", A(arr, rd), A(arr, rn);

    /// `rd := rn << amount`, 0 to the lane's width less one.
    VecShl vec_shl { arr: imm Arr, rd: def Vreg, rn: use Vreg, amount: imm u8 }
        = word(0x0f00_5400).need(BHSD.has(arr)).u(arr.q(), 30, 1)
            .shifted(left_shift(arr.lane(), amount))
            .v(rn, 5).v(rd, 0);
        "shl {}, {}, #{amount}", A(arr, rd), A(arr, rn);

    /// `rd := (rd's low bits) | (rn << amount)`, by lanes.
    VecShlInsert vec_shl_insert { arr: imm Arr, rd: tied Vreg, rn: use Vreg, amount: imm u8 }
        = word(0x2f00_5400).need(BHSD.has(arr)).u(arr.q(), 30, 1)
            .shifted(left_shift(arr.lane(), amount))
            .v(rn, 5).tv(rd, 0);
        "sli {}, {}, #{amount}", rd.shown(|r| A(arr, r)), A(arr, rn);

    /// `rd := half of rn, widened, << amount`; `arr` is `rn`'s, of 128 bits for the upper half.
    VecShlLong vec_shl_long { op: imm VecShlLong, arr: imm Arr, rd: def Vreg, rn: use Vreg,
        amount: imm u8 }
        = word(op.bits()).need(BHS.has(arr)).u(arr.q(), 30, 1)
            .shifted(left_shift(arr.lane(), amount))
            .v(rn, 5).v(rd, 0);
        "{op}{} {}, {}, #{amount}", arr.half_name(), W(arr.wide(), rd), A(arr, rn);

    /// `rd := rn, narrowed`, its upper half zero; `arr` is `rd`'s, of 64 bits.
    VecNarrow vec_narrow { op: imm VecNarrow, arr: imm Arr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr) && arr.q() == 0).v(rn, 5).v(rd, 0);
        "{op} {}, {}", A(arr, rd), W(arr.wide(), rn);

    /// `upper half of rd := rn, narrowed`; `arr` is `rd`'s, of 128 bits.
    VecNarrowHigh vec_narrow_high { op: imm VecNarrow, arr: imm Arr, rd: tied Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr) && arr.q() == 1).v(rn, 5).tv(rd, 0);
        "{op}2 {}, {}", rd.shown(|r| A(arr, r)), W(arr.wide(), rn);

    /// `rd := half of rn op half of rm, widened`; `arr` is `rn`'s, of 128 bits for upper halves.
    VecLong vec_long { op: imm VecLong, arr: imm Arr, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr)).v(rm, 16).v(rn, 5).v(rd, 0);
        "{op}{} {}, {}, {}", arr.half_name(), W(arr.wide(), rd), A(arr, rn), A(arr, rm);

    /// `rd := rd +- half of rn * half of rm`; `arr` is `rn`'s, of 128 bits for upper halves.
    VecLongAcc vec_long_acc { op: imm VecLongAcc, arr: imm Arr, rd: tied Vreg, rn: use Vreg,
        rm: use Vreg }
        = word(op.bits() | arr.bits()).need(BHS.has(arr)).v(rm, 16).v(rn, 5).tv(rd, 0);
        "{op}{} {}, {}, {}", arr.half_name(), rd.shown(|r| W(arr.wide(), r)), A(arr, rn),
            A(arr, rm);

    // Lanes, constants, tables.

    /// `rd := a lane of rn, in all lanes`.
    DupLane dup_lane { arr: imm Arr, rd: def Vreg, rn: use Vreg, index: imm u8 }
        = word(0x0e00_0400).need(BHSD.has(arr)).u(arr.q(), 30, 1).lane(arr.lane(), index)
            .v(rn, 5).v(rd, 0);
        "dup {}, {}", A(arr, rd), L(arr.lane(), rn, index);

    /// `rd := a lane of rn`, a scalar; the rest becomes zero.
    DupScalar dup_scalar { width: imm Width, rd: def Vreg, rn: use Vreg, index: imm u8 }
        = word(0x5e00_0400).lane(width, index).v(rn, 5).v(rd, 0);
        "dup {}, {}", V(width, rd), L(width, rn, index);

    /// `rd := rn, in all lanes`.
    DupGpr dup_gpr { arr: imm Arr, rd: def Vreg, rn: use Gpr }
        = word(0x0e00_0c00).need(BHSD.has(arr)).u(arr.q(), 30, 1).lane(arr.lane(), 0)
            .z(rn, 5).v(rd, 0);
        "dup {}, {}", A(arr, rd), G(lane_gpr(arr.lane()), rn);

    /// `lane of rd := lane of rn`.
    InsLane ins_lane { width: imm Width, rd: tied Vreg, to: imm u8, rn: use Vreg, from: imm u8 }
        = word(0x6e00_0400).lane(width, to).u(u32::from(from) << width.bits(), 11, 4)
            .v(rn, 5).tv(rd, 0);
        "ins {}, {}", rd.shown(|r| L(width, r, to)), L(width, rn, from);

    /// `lane of rd := rn`.
    InsGpr ins_gpr { width: imm Width, rd: tied Vreg, index: imm u8, rn: use Gpr }
        = word(0x4e00_1c00).lane(width, index).z(rn, 5).tv(rd, 0);
        "ins {}, {}", rd.shown(|r| L(width, r, index)), G(lane_gpr(width), rn);

    /// `rd := lane of rn`, zero-extended.
    Umov umov { width: imm Width, rd: def Gpr, rn: use Vreg, index: imm u8 }
        = word(0x0e00_3c00).u(width == Width::D, 30, 1).lane(width, index).v(rn, 5).z(rd, 0);
        "umov {}, {}", G(lane_gpr(width), rd), L(width, rn, index);

    /// `rd := lane of rn`, narrower than `rd`, sign-extended.
    Smov smov { width: imm Width, size: imm Size, rd: def Gpr, rn: use Vreg, index: imm u8 }
        = word(0x0e00_2c00).need(width.bits() < size.bits() + 2).u(size.bits(), 30, 1)
            .lane(width, index).v(rn, 5).z(rd, 0);
        "smov {}, {}", G(size, rd), L(width, rn, index);

    /// `rd := imm << shift, in all lanes`: by 8s within lanes of 16 and 32 bits.
    VecImm vec_imm { op: imm VecImm, arr: imm Arr, rd: def Vreg, imm: imm u8, shift: imm u8 }
        = word(op.bits() | constant_bits(imm.into())).u(arr.q(), 30, 1)
            .some(constant_mode(op, arr, shift)).v(rd, 0);
        "{op} {}, #{imm:#x}{}", A(arr, rd), Amount(Shift::Lsl, shift);

    /// `rd := mask, in both lanes of 64 bits`.
    VecMask vec_mask { rd: def Vreg, mask: imm LaneMask }
        = word(0x6f00_e400 | constant_bits(mask.fields())).v(rd, 0);
        "movi {}, #{:#x}", A(Arr::D2, rd), mask.value();

    /// `rd := imm, in all lanes`.
    VecFpImm vec_fp_imm { arr: imm FpArr, rd: def Vreg, imm: imm FpImm8 }
        = word(0x0f00_f400 | constant_bits(imm.fields())).u(arr.arr().q(), 30, 1)
            .u(arr == FpArr::D2, 29, 1).v(rd, 0);
        "fmov {}, {imm}", A(arr.arr(), rd);

    /// `rd := bytes of the table rn that rm says`, 0 where out of range.
    Tbl tbl { arr: imm Arr, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(0x0e00_0000).need(BYTES.has(arr)).u(arr.q(), 30, 1).v(rm, 16).v(rn, 5).v(rd, 0);
        "tbl {}, {{{}}}, {}", A(arr, rd), A(Arr::B16, rn), A(arr, rm);

    /// `rd := bytes of the table rn that rm says`, unchanged where out of range.
    Tbx tbx { arr: imm Arr, rd: tied Vreg, rn: use Vreg, rm: use Vreg }
        = word(0x0e00_1000).need(BYTES.has(arr)).u(arr.q(), 30, 1).v(rm, 16).v(rn, 5).tv(rd, 0);
        "tbx {}, {{{}}}, {}", rd.shown(|r| A(arr, r)), A(Arr::B16, rn), A(arr, rm);

    /// `rd := bytes of rm:rn from index on`.
    Ext ext { arr: imm Arr, rd: def Vreg, rn: use Vreg, rm: use Vreg, index: imm u8 }
        = word(0x2e00_0000).need(BYTES.has(arr)).u(arr.q(), 30, 1).v(rm, 16)
            .u(index, 11, arr.q() + 3).v(rn, 5).v(rd, 0);
        "ext {}, {}, {}, #{index}", A(arr, rd), A(arr, rn), A(arr, rm);

    // Vectors of floats.

    /// `rd := rn op rm`.
    Vec3Fp vec3_fp { op: imm Vec3Fp, arr: imm FpArr, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits() | arr.bits()).v(rm, 16).v(rn, 5).v(rd, 0);
        "{op} {}, {}, {}", A(arr.arr(), rd), A(arr.arr(), rn), A(arr.arr(), rm);

    /// `rd := rd +- rn * rm`.
    Vec3FpAcc vec3_fp_acc { op: imm Vec3FpAcc, arr: imm FpArr, rd: tied Vreg, rn: use Vreg,
        rm: use Vreg }
        = word(op.bits() | arr.bits()).v(rm, 16).v(rn, 5).tv(rd, 0);
        "{op} {}, {}, {}", rd.shown(|r| A(arr.arr(), r)), A(arr.arr(), rn), A(arr.arr(), rm);

    /// `rd := op rn`.
    Vec2Fp vec2_fp { op: imm Vec2Fp, arr: imm FpArr, rd: def Vreg, rn: use Vreg }
        = word(op.bits() | arr.bits()).v(rn, 5).v(rd, 0);
        "{op} {}, {}", A(arr.arr(), rd), A(arr.arr(), rn);

    /// `rd := the lower half of rn` as floats of 64 bits.
    VecFpLong vec_fp_long { rd: def Vreg, rn: use Vreg } = word(0x0e61_7800).v(rn, 5).v(rd, 0);
        "fcvtl {}, {}", A(Arr::D2, rd), A(Arr::S2, rn);

    /// `rd := rn` as floats of 32 bits, its upper half zero.
    VecFpNarrow vec_fp_narrow { rd: def Vreg, rn: use Vreg }
        = word(0x0e61_6800).v(rn, 5).v(rd, 0);
        "fcvtn {}, {}", A(Arr::S2, rd), A(Arr::D2, rn);

    // Atomics.

    /// `rt := memory; memory := rt op rs`, at once.
    Atomic atomic { op: imm Atomic, order: imm Order, size: imm AtomicSize, rs: use Gpr,
        rt: def Gpr,
        rn: use Gpr }
        = word(op.bits() | order.bits()).u(size.bits(), 30, 2).z(rs, 16).s(rn, 5).z(rt, 0);
        "{op}{order}{size} {}, {}, [{rn}]", G(size.size(), rs), G(size.size(), rt);

    /// `rs := memory; if that was the old rs then memory := rt`, at once (FEAT_LSE).
    CompareSwap compare_swap { order: imm Order, size: imm AtomicSize, rs: tied Gpr, rt: use Gpr,
        rn: use Gpr }
        = word(0x08a0_7c00).u(size.bits(), 30, 2).u(order.acquires_releases().0, 22, 1)
            .u(order.acquires_releases().1, 15, 1).tz(rs, 16).s(rn, 5).z(rt, 0);
        "cas{order}{size} {}, {}, [{rn}]", rs.shown(|r| G(size.size(), r)), G(size.size(), rt);

    /// `rt := memory`, acquiring or exclusive.
    LoadOrdered load_ordered { op: imm LoadOrdered, size: imm AtomicSize, rt: def Gpr, rn: use Gpr }
        = word(op.bits()).u(size.bits(), 30, 2).s(rn, 5).z(rt, 0);
        "{op}{size} {}, [{rn}]", G(size.size(), rt);

    /// `memory := rt`, releasing.
    StoreRelease store_release { size: imm AtomicSize, rt: use Gpr, rn: use Gpr }
        = word(0x089f_fc00).u(size.bits(), 30, 2).s(rn, 5).z(rt, 0);
        "stlr{size} {}, [{rn}]", G(size.size(), rt);

    /// `memory := rt` if it is still exclusive: then `rs := 0`, else `rs := 1`.
    StoreExclusive store_exclusive { size: imm AtomicSize, rs: early Gpr, rt: use Gpr,
        rn: use Gpr }
        = word(0x0800_fc00).need(rs != rt && rs != rn).u(size.bits(), 30, 2).z(rs, 16).s(rn, 5)
            .z(rt, 0);
        "stlxr{size} {}, {}, [{rn}]", G(Size::W, rs), G(size.size(), rt);
}

/// The general register that holds a lane.
fn lane_gpr(width: Width) -> Size {
    if width == Width::D { Size::X } else { Size::W }
}

/// The width of the scalar that an operation across lanes gives.
fn across_width(op: VecAcross, arr: Arr) -> Width {
    let wide = arr.wide().filter(|_| op.is_long());
    wide.unwrap_or(arr).lane()
}

impl Inst {
    /// The 32-bit word. A target that is a label or a function counts as distance 0, to be put in
    /// later.
    ///
    /// # Errors
    /// If registers are virtual or operands do not fit the format.
    pub fn encode(&self) -> Result<u32, EncodeError> {
        let distance = match self.target() {
            Some((Referent::Offset(bytes), reach)) => reach.field(bytes).ok_or(Fault::Range),
            Some((Referent::Label(_) | Referent::Symbol(_), _)) | None => Ok(0),
        };
        let word = self.template().and_then(|word| Ok(word | distance?));
        word.map_err(|fault| EncodeError { inst: *self, fault })
    }

    /// The distance in bytes that a constant moves `sp` by: 0 where `sp` is not moved so.
    pub(super) fn sp_moves_by(&self) -> i64 {
        match (self.mem(), *self) {
            (_, Self::AddSubImm { rd: SP, imm, .. }) => imm.value() as i64,
            (mem, _) => mem.map_or(0, Mem::sp_moves_by),
        }
    }
}

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f)
    }
}

/// A shift as text, where it is one: `, lsl #3`.
struct Amount(Shift, u8);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(Shift::Lsl, 0) => Ok(()),
            Self(shift, amount) => write!(f, ", {shift} #{amount}"),
        }
    }
}
