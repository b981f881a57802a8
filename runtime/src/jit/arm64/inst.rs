//! The table of A64 instruction formats. Encoder, printer, operand roles and test samples follow
//! from it.
//!
//! A row is `Variant { field: role Type, .. } = encoding; "text", arguments..;`
//! - roles: `def` written, `use` read, `tied` both, `early` written before the reads, `mem` an
//!   address, `imm` no register, and `b26 b19 b14 lit adr` a target with that reach ([`Reach`]);
//! - the encoding starts from the fixed bits and puts each field in place: `z` and `s` are general
//!   registers whose number 31 is `xzr` or `sp`, `v` vector registers (`tz`, `ts`, `tv` when tied),
//!   `u` and `i` numbers (value, shift, width), `need` a condition that the operands must meet;
//! - the text is the architecture's own syntax without aliases (`subs xzr, ..`, not `cmp ..`).
//!
//! Invariants: an instruction encodes only when all registers are architectural; order of fields is
//! the order in which [`Inst::map_regs`] and [`Inst::visit_regs`] meet registers.

use std::fmt;

use super::encode::{EncodeError, Fault, word};
use super::imm::{BitImm, FpImm8, Imm12};
use super::mem::{Address, Mem, Mnemonic};
use super::ops::{
    AddSub, Barrier, BarrierScope, Bitfield, BranchReg, Carry, CompareBranch, Cond, CondCmp,
    CondSel, Data1, Data2, Except, Extend, Fp1, Fp2, Fp3, FpCmp, FpCondCmp, FpCvt, FpSize, FpToInt,
    IntToFp, Load, LoadLit, LoadLitV, LoadPair, LoadPairV, Logic, LogicImm, MoveWide, MulAdd,
    MulAddLong, MulHigh, Plain, Shift, Size, Store, StorePair, StorePairV, SysReg, TestBranch,
    Width,
};
use super::regs::{Gpr, GprAs as G, MapRegs, Reg, Role, SP, Tied, Vreg, VregAs as V};
use super::table::{field_map, field_mem, field_target, field_type, formats};
use super::target::{Reach, Target};

formats! {
    // Data processing: immediate.

    /// `rd := rn +- imm`. `rd` and `rn` may be `sp`; `rd` is `xzr` instead where flags are set.
    AddSubImm { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr, imm: imm Imm12 }
        = word(0x1100_0000 | op.bits()).u(size.bits(), 31, 1).u(imm.fields(), 10, 13).s(rn, 5)
            .zs(op.sets_flags(), rd, 0);
        "{op} {}, {}, {imm}", G(size, rd), G(size, rn);

    /// `rd := rn op imm`. `rd` may be `sp`, or `xzr` instead where flags are set.
    LogicImm { op: imm LogicImm, size: imm Size, rd: def Gpr, rn: use Gpr, imm: imm BitImm }
        = word(op.bits()).u(size.bits(), 31, 1).u(imm.fields(), 10, 13).z(rn, 5)
            .zs(op.sets_flags(), rd, 0)
            .need(size == Size::X || imm.fields() >> 12 == 0);
        "{op} {}, {}, #{:#x}", G(size, rd), G(size, rn), imm.value(size);

    /// `rd := imm << 16*hw`, inverted for `movn`.
    MoveWide { op: imm MoveWide, size: imm Size, rd: def Gpr, imm: imm u16, hw: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(hw, 21, size.bits() + 1).u(imm, 5, 16).z(rd, 0);
        "{op} {}, #{imm:#x}{}", G(size, rd), Amount(Shift::Lsl, hw.saturating_mul(16));

    /// `rd[16*hw .. 16*hw+16] := imm`.
    MoveKeep { size: imm Size, rd: tied Gpr, imm: imm u16, hw: imm u8 }
        = word(0x7280_0000).u(size.bits(), 31, 1).u(hw, 21, size.bits() + 1).u(imm, 5, 16)
            .tz(rd, 0);
        "movk {}, #{imm:#x}{}", rd.shown(|r| G(size, r)), Amount(Shift::Lsl, hw.saturating_mul(16));

    /// `rd := bits of rn`, sign- or zero-extended: see the constructors for shifts and extensions.
    Bitfield { op: imm Bitfield, size: imm Size, rd: def Gpr, rn: use Gpr, immr: imm u8,
        imms: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(size.bits(), 22, 1)
            .u(immr, 16, size.bits() + 5).u(imms, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "{op} {}, {}, #{immr}, #{imms}", G(size, rd), G(size, rn);

    /// Bits of `rn` inserted into `rd`.
    BitfieldInsert { size: imm Size, rd: tied Gpr, rn: use Gpr, immr: imm u8, imms: imm u8 }
        = word(0x3300_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 1)
            .u(immr, 16, size.bits() + 5).u(imms, 10, size.bits() + 5).z(rn, 5).tz(rd, 0);
        "bfm {}, {}, #{immr}, #{imms}", rd.shown(|r| G(size, r)), G(size, rn);

    /// `rd := low bits of (rn:rm) >> lsb`; a rotation where `rn` is `rm`.
    Extract { size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr, lsb: imm u8 }
        = word(0x1380_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 1)
            .z(rm, 16).u(lsb, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "extr {}, {}, {}, #{lsb}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := address of target`.
    Adr { rd: def Gpr, target: adr Target } = word(0x1000_0000).z(rd, 0);
        "adr {rd}, {target}";

    // Data processing: register.

    /// `rd := rn +- (rm shifted)`. `ror` does not exist here.
    AddSub { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        shift: imm Shift, amount: imm u8 }
        = word(0x0b00_0000 | op.bits()).u(size.bits(), 31, 1).u(shift.bits(), 22, 2).z(rm, 16)
            .u(amount, 10, size.bits() + 5).z(rn, 5).z(rd, 0).need(shift != Shift::Ror);
        "{op} {}, {}, {}{}", G(size, rd), G(size, rn), G(size, rm), Amount(shift, amount);

    /// `rd := rn +- (rm extended) << amount`, amount 0 to 4. `rn` may be `sp`, `rd` too unless
    /// flags are set.
    AddSubExtend { op: imm AddSub, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        extend: imm Extend, amount: imm u8 }
        = word(0x0b20_0000 | op.bits()).u(size.bits(), 31, 1).z(rm, 16).u(extend.bits(), 13, 3)
            .u(amount, 10, 3).need(amount <= 4).s(rn, 5).zs(op.sets_flags(), rd, 0);
        "{op} {}, {}, {}, {extend}{}", G(size, rd), G(size, rn), G(extend.reads().min(size), rm),
            Scale(amount);

    /// `rd := rn +- rm +- carry`.
    Carry { op: imm Carry, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := rn op (rm shifted)`.
    Logic { op: imm Logic, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr, shift: imm Shift,
        amount: imm u8 }
        = word(op.bits()).u(size.bits(), 31, 1).u(shift.bits(), 22, 2).z(rm, 16)
            .u(amount, 10, size.bits() + 5).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}{}", G(size, rd), G(size, rn), G(size, rm), Amount(shift, amount);

    /// `rd := rn op rm`: division, and shifts by a register.
    Data2 { op: imm Data2, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}", G(size, rd), G(size, rn), G(size, rm);

    /// `rd := op rn`.
    Data1 { op: imm Data1, size: imm Size, rd: def Gpr, rn: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rn, 5).z(rd, 0)
            .u(op == Data1::Rev && size == Size::X, 10, 1)
            .need(op != Data1::Rev32 || size == Size::X);
        "{op} {}, {}", G(size, rd), G(size, rn);

    /// `rd := ra +- rn * rm`.
    MulAdd { op: imm MulAdd, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr, ra: use Gpr }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).z(ra, 10).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}, {}", G(size, rd), G(size, rn), G(size, rm), G(size, ra);

    /// `rd := ra +- rn * rm`, where `rn` and `rm` are W and the others X.
    MulAddLong { op: imm MulAddLong, rd: def Gpr, rn: use Gpr, rm: use Gpr, ra: use Gpr }
        = word(op.bits()).z(rm, 16).z(ra, 10).z(rn, 5).z(rd, 0);
        "{op} {rd}, {}, {}, {ra}", G(Size::W, rn), G(Size::W, rm);

    /// `rd := (rn * rm) >> 64`.
    MulHigh { op: imm MulHigh, rd: def Gpr, rn: use Gpr, rm: use Gpr }
        = word(op.bits()).z(rm, 16).z(rn, 5).z(rd, 0);
        "{op} {rd}, {rn}, {rm}";

    /// `rd := cond ? rn : op rm`.
    CondSel { op: imm CondSel, size: imm Size, rd: def Gpr, rn: use Gpr, rm: use Gpr,
        cond: imm Cond }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).u(cond.bits(), 12, 4).z(rn, 5).z(rd, 0);
        "{op} {}, {}, {}, {cond}", G(size, rd), G(size, rn), G(size, rm);

    /// Flags of comparing `rn` with `rm` if the condition holds, else `nzcv`.
    CondCmp { op: imm CondCmp, size: imm Size, rn: use Gpr, rm: use Gpr, nzcv: imm u8,
        cond: imm Cond }
        = word(op.bits()).u(size.bits(), 31, 1).z(rm, 16).u(cond.bits(), 12, 4).z(rn, 5)
            .u(nzcv, 0, 4);
        "{op} {}, {}, #{nzcv:#x}, {cond}", G(size, rn), G(size, rm);

    /// Flags of comparing `rn` with `imm` (0 to 31) if the condition holds, else `nzcv`.
    CondCmpImm { op: imm CondCmp, size: imm Size, rn: use Gpr, imm: imm u8, nzcv: imm u8,
        cond: imm Cond }
        = word(0x800 | op.bits()).u(size.bits(), 31, 1).u(imm, 16, 5).u(cond.bits(), 12, 4).z(rn, 5)
            .u(nzcv, 0, 4);
        "{op} {}, #{imm}, #{nzcv:#x}, {cond}", G(size, rn);

    // Branches, exceptions, system.

    /// To the target.
    B { target: b26 Target } = word(0x1400_0000); "b {target}";

    /// To the target, with the return address in `x30`.
    Bl { target: b26 Target } = word(0x9400_0000); "bl {target}";

    /// To the address in `rn`; `blr` puts the return address in `x30`.
    BranchReg { op: imm BranchReg, rn: use Gpr } = word(op.bits()).z(rn, 5); "{op} {rn}";

    /// To the target if the condition holds.
    BCond { cond: imm Cond, target: b19 Target } = word(0x5400_0000).u(cond.bits(), 0,
        4); "b.{cond} {target}";

    /// To the target if `rt` is zero, or is not.
    CompareBranch { op: imm CompareBranch, size: imm Size, rt: use Gpr, target: b19 Target }
        = word(op.bits()).u(size.bits(), 31, 1).z(rt, 0);
        "{op} {}, {target}", G(size, rt);

    /// To the target if the bit of `rt` is zero, or is not.
    TestBranch { op: imm TestBranch, rt: use Gpr, bit: imm u8, target: b14 Target }
        = word(op.bits()).u(bit >> 5, 31, 1).u(bit & 31, 19, 5).z(rt, 0);
        "{op} {}, #{bit}, {target}", G(if bit < 32 { Size::W } else { Size::X }, rt);

    /// An exception with a comment.
    Except { op: imm Except, imm: imm u16 } = word(op.bits()).u(imm, 5, 16); "{op} #{imm:#x}";

    /// Permanently undefined: a trap with a comment.
    Udf { imm: imm u16 } = word(0).u(imm, 0, 16); "udf #{imm:#x}";

    /// An instruction without operands.
    Plain { op: imm Plain } = word(op.bits()); "{op}";

    /// A memory barrier.
    Barrier { op: imm Barrier, scope: imm BarrierScope } = word(op.bits()).u(scope.bits(), 8,
        4); "{op} {scope}";

    /// `rt := system register`.
    ReadSys { rt: def Gpr, reg: imm SysReg }
        = word(0xd520_0000 | reg.bits()).z(rt, 0);
        "mrs {rt}, {reg}";

    /// `system register := rt`.
    WriteSys { reg: imm SysReg, rt: use Gpr }
        = word(0xd500_0000 | reg.bits()).z(rt, 0);
        "msr {reg}, {rt}";

    // Loads and stores.

    /// `rt := memory`.
    Load { op: imm Load, rt: def Gpr, mem: mem Mem }
        = mem.put(word(op.bits()), op.access().log2).z(rt, 0).need(!mem.writes_back_to(rt));
        "{} {}, {}", Mnemonic(op.name(), mem, op.access().log2), G(op.access().size, rt),
            Address(mem, op.access().log2);

    /// `memory := rt`.
    Store { op: imm Store, rt: use Gpr, mem: mem Mem }
        = mem.put(word(op.bits()), op.access().log2).z(rt, 0).need(!mem.writes_back_to(rt));
        "{} {}, {}", Mnemonic(op.name(), mem, op.access().log2), G(op.access().size, rt),
            Address(mem, op.access().log2);

    /// `rt := memory`, a scalar or a whole vector register.
    LoadV { width: imm Width, rt: def Vreg, mem: mem Mem }
        = mem.put(word(0x3c40_0000).u(width.bits() & 3, 30, 2)
            .u(width.bits() >> 2, 23, 1), width.bits()).v(rt, 0);
        "{} {}, {}", Mnemonic("ldr", mem, width.bits()), V(width, rt), Address(mem, width.bits());

    /// `memory := rt`, a scalar or a whole vector register.
    StoreV { width: imm Width, rt: use Vreg, mem: mem Mem }
        = mem.put(word(0x3c00_0000).u(width.bits() & 3, 30, 2)
            .u(width.bits() >> 2, 23, 1), width.bits()).v(rt, 0);
        "{} {}, {}", Mnemonic("str", mem, width.bits()), V(width, rt), Address(mem, width.bits());

    /// `rt := memory at the target`.
    LoadLit { op: imm LoadLit, rt: def Gpr, target: lit Target }
        = word(op.bits()).z(rt, 0);
        "{op} {}, {target}", G(op.access().size, rt);

    /// `rt := memory at the target`, a scalar or a whole vector register.
    LoadLitV { op: imm LoadLitV, rt: def Vreg, target: lit Target }
        = word(op.bits()).v(rt, 0);
        "{op} {}, {target}", V(op.width(), rt);

    /// `rt, rt2 := memory`, two registers.
    LoadPair { op: imm LoadPair, rt: def Gpr, rt2: def Gpr, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.access().log2).z(rt2, 10).z(rt, 0).need(rt != rt2)
            .need(!mem.writes_back_to(rt) && !mem.writes_back_to(rt2));
        "{op} {}, {}, {}", G(op.access().size, rt), G(op.access().size, rt2), Address(mem, 0);

    /// `memory := rt, rt2`.
    StorePair { op: imm StorePair, rt: use Gpr, rt2: use Gpr, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.access().log2).z(rt2, 10).z(rt, 0)
            .need(!mem.writes_back_to(rt) && !mem.writes_back_to(rt2));
        "{op} {}, {}, {}", G(op.access().size, rt), G(op.access().size, rt2), Address(mem, 0);

    /// `rt, rt2 := memory`, two vector registers.
    LoadPairV { op: imm LoadPairV, rt: def Vreg, rt2: def Vreg, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.width().bits()).v(rt2, 10).v(rt, 0).need(rt != rt2);
        "{op} {}, {}, {}", V(op.width(), rt), V(op.width(), rt2), Address(mem, 0);

    /// `memory := rt, rt2`, two vector registers.
    StorePairV { op: imm StorePairV, rt: use Vreg, rt2: use Vreg, mem: mem Mem }
        = mem.put_pair(word(op.bits()), op.width().bits()).v(rt2, 10).v(rt, 0);
        "{op} {}, {}, {}", V(op.width(), rt), V(op.width(), rt2), Address(mem, 0);

    // Scalar floating point.

    /// `rd := op rn`.
    Fp1 { op: imm Fp1, size: imm FpSize, rd: def Vreg, rn: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rn, 5).v(rd, 0);
        "{op} {}, {}", V(size.width(), rd), V(size.width(), rn);

    /// `rd := rn op rm`.
    Fp2 { op: imm Fp2, size: imm FpSize, rd: def Vreg, rn: use Vreg, rm: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rm, 16).v(rn, 5).v(rd, 0);
        "{op} {}, {}, {}", V(size.width(), rd), V(size.width(), rn), V(size.width(), rm);

    /// `rd := +-ra +- rn * rm`, rounded once.
    Fp3 { op: imm Fp3, size: imm FpSize, rd: def Vreg, rn: use Vreg, rm: use Vreg, ra: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rm, 16).v(ra, 10).v(rn, 5).v(rd, 0);
        "{op} {}, {}, {}, {}", V(size.width(), rd), V(size.width(), rn), V(size.width(), rm),
            V(size.width(), ra);

    /// Flags of comparing `rn` with `rm`.
    FpCmp { op: imm FpCmp, size: imm FpSize, rn: use Vreg, rm: use Vreg }
        = word(op.bits()).u(size.bits(), 22, 2).v(rm, 16).v(rn, 5);
        "{op} {}, {}", V(size.width(), rn), V(size.width(), rm);

    /// Flags of comparing `rn` with zero.
    FpCmpZero { op: imm FpCmp, size: imm FpSize, rn: use Vreg }
        = word(8 | op.bits()).u(size.bits(), 22, 2).v(rn, 5);
        "{op} {}, #0.0", V(size.width(), rn);

    /// Flags of comparing `rn` with `rm` if the condition holds, else `nzcv`.
    FpCondCmp { op: imm FpCondCmp, size: imm FpSize, rn: use Vreg, rm: use Vreg, nzcv: imm u8,
        cond: imm Cond }
        = word(op.bits()).u(size.bits(), 22, 2).v(rm, 16).u(cond.bits(), 12, 4).v(rn, 5)
            .u(nzcv, 0, 4);
        "{op} {}, {}, #{nzcv:#x}, {cond}", V(size.width(), rn), V(size.width(), rm);

    /// `rd := cond ? rn : rm`.
    FpCondSel { size: imm FpSize, rd: def Vreg, rn: use Vreg, rm: use Vreg, cond: imm Cond }
        = word(0x1e20_0c00).u(size.bits(), 22, 2).v(rm, 16).u(cond.bits(), 12, 4).v(rn, 5).v(rd, 0);
        "fcsel {}, {}, {}, {cond}", V(size.width(), rd), V(size.width(), rn), V(size.width(), rm);

    /// `rd := imm`.
    FpImm { size: imm FpSize, rd: def Vreg, imm: imm FpImm8 }
        = word(0x1e20_1000).u(size.bits(), 22, 2).u(imm.fields(), 13, 8).v(rd, 0);
        "fmov {}, {imm}", V(size.width(), rd);

    /// `rd := rn` in another width.
    FpCvt { op: imm FpCvt, rd: def Vreg, rn: use Vreg }
        = word(op.bits()).v(rn, 5).v(rd, 0);
        "{op} {}, {}", V(op.widths().1, rd), V(op.widths().0, rn);

    /// `rd := bits of rn`: W to S, X to D. The rest of the vector register becomes zero.
    GprToFp { size: imm FpSize, rd: def Vreg, rn: use Gpr }
        = word(0x1e27_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 2).z(rn, 5).v(rd, 0);
        "fmov {}, {}", V(size.width(), rd), G(size.gpr(), rn);

    /// `rd := bits of rn`: S to W, D to X.
    FpToGpr { size: imm FpSize, rd: def Gpr, rn: use Vreg }
        = word(0x1e26_0000).u(size.bits(), 31, 1).u(size.bits(), 22, 2).v(rn, 5).z(rd, 0);
        "fmov {}, {}", G(size.gpr(), rd), V(size.width(), rn);

    /// `rd := rn`, an integer of `from`'s width, as a float of `to`'s.
    IntToFp { op: imm IntToFp, from: imm Size, to: imm FpSize, rd: def Vreg, rn: use Gpr }
        = word(op.bits()).u(from.bits(), 31, 1).u(to.bits(), 22, 2).z(rn, 5).v(rd, 0);
        "{op} {}, {}", V(to.width(), rd), G(from, rn);

    /// `rd := rn`, a float of `from`'s width, as an integer of `to`'s, saturating.
    FpToInt { op: imm FpToInt, from: imm FpSize, to: imm Size, rd: def Gpr, rn: use Vreg }
        = word(op.bits()).u(to.bits(), 31, 1).u(from.bits(), 22, 2).v(rn, 5).z(rd, 0);
        "{op} {}, {}", G(to, rd), V(from.width(), rn);
}

impl Inst {
    /// The 32-bit word. A target that is a label or a function counts as distance 0, to be put in
    /// later.
    ///
    /// # Errors
    /// If registers are virtual or operands do not fit the format.
    pub fn encode(&self) -> Result<u32, EncodeError> {
        let distance = match self.target() {
            Some((Target::Offset(bytes), reach)) => reach.field(bytes).ok_or(Fault::Range),
            Some((Target::Label(_) | Target::Func(_), _)) | None => Ok(0),
        };
        let word = self.template().and_then(|word| Ok(word | distance?));
        word.map_err(|fault| EncodeError { inst: *self, fault })
    }

    /// Shows each register operand and its role, in the order of the format's row.
    pub fn visit_regs(&self, mut f: impl FnMut(Reg, Role)) {
        let mut copy = *self;
        copy.map_regs(&mut |reg, role| {
            f(reg, role);
            reg
        });
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

/// The amount after an extension as text, where there is one: ` #3`.
struct Scale(u8);

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            Ok(())
        } else {
            write!(f, " #{}", self.0)
        }
    }
}
