//! The operations of the instruction formats: a row is a name, the bits it fixes and its mnemonic.
//!
//! Bits are in place in the 32-bit word (C4.1), except for small enumerations that stand in a field
//! of their own (sizes, conditions, shifts), whose bits are the field's value.

use super::table::{op_attribute, op_rows, ops};

ops! {
    /// The width of general register operands: `sf`.
    Size() { W = 0 "w", X = 1 "x" }

    /// The width of scalar floating-point operands: `ftype`.
    FpSize(width: Width) { S = 0 "s" (Width::S), D = 1 "d" (Width::D) }

    /// A width in bits of 8 << bits: scalar views of vector registers, lanes, accesses.
    Width() { B = 0 "b", H = 1 "h", S = 2 "s", D = 3 "d", Q = 4 "q" }

    /// A condition on the flags (C1.2.4). Comparisons of floats: `mi` less, `ls` less or equal,
    /// `gt` greater, `ge` greater or equal, all false when unordered; `vs` unordered.
    Cond() {
        Eq = 0 "eq", Ne = 1 "ne", Hs = 2 "hs", Lo = 3 "lo", Mi = 4 "mi", Pl = 5 "pl", Vs = 6 "vs",
        Vc = 7 "vc",
        Hi = 8 "hi", Ls = 9 "ls", Ge = 10 "ge", Lt = 11 "lt", Gt = 12 "gt", Le = 13 "le",
        Al = 14 "al",
    }

    /// The shift of a shifted-register operand.
    Shift() { Lsl = 0 "lsl", Lsr = 1 "lsr", Asr = 2 "asr", Ror = 3 "ror" }

    /// The extension of an extended-register operand, with the width that it reads.
    Extend(reads: Size) {
        Uxtb = 0 "uxtb" (Size::W), Uxth = 1 "uxth" (Size::W), Uxtw = 2 "uxtw" (Size::W),
        Uxtx = 3 "uxtx" (Size::X), Sxtw = 6 "sxtw" (Size::W),
    }

    /// The extension of an index register in an address.
    IndexExtend() { Uxtw = 2 "uxtw", Lsl = 3 "lsl", Sxtw = 6 "sxtw", Sxtx = 7 "sxtx" }
}

// Integer data processing.
ops! {
    /// Addition and subtraction; the names with `s` set the flags.
    AddSub(sets_flags: bool) {
        Add = 0x0000_0000 "add" (false), Adds = 0x2000_0000 "adds" (true),
        Sub = 0x4000_0000 "sub" (false), Subs = 0x6000_0000 "subs" (true),
    }

    /// Addition and subtraction with carry.
    Carry() { Adc = 0x1a00_0000 "adc", Sbc = 0x5a00_0000 "sbc" }

    /// Logical operations with a bitmask immediate; `ands` sets the flags.
    LogicImm(sets_flags: bool) {
        And = 0x1200_0000 "and" (false), Orr = 0x3200_0000 "orr" (false),
        Eor = 0x5200_0000 "eor" (false), Ands = 0x7200_0000 "ands" (true),
    }

    /// Logical operations of two registers; `ands` and `bics` set the flags.
    Logic() {
        And = 0x0a00_0000 "and", Bic = 0x0a20_0000 "bic", Orr = 0x2a00_0000 "orr",
        Orn = 0x2a20_0000 "orn",
        Eor = 0x4a00_0000 "eor", Eon = 0x4a20_0000 "eon", Ands = 0x6a00_0000 "ands",
        Bics = 0x6a20_0000 "bics",
    }

    /// Wide moves that write the whole register.
    MoveWide() { Movn = 0x1280_0000 "movn", Movz = 0x5280_0000 "movz" }

    /// Bit-field moves that write the whole register.
    Bitfield() { Sbfm = 0x1300_0000 "sbfm", Ubfm = 0x5300_0000 "ubfm" }

    /// Operations of two registers. Division by zero gives zero; shifts are by the amount modulo
    /// the size.
    Data2() {
        Udiv = 0x1ac0_0800 "udiv", Sdiv = 0x1ac0_0c00 "sdiv", Lslv = 0x1ac0_2000 "lslv",
        Lsrv = 0x1ac0_2400 "lsrv", Asrv = 0x1ac0_2800 "asrv", Rorv = 0x1ac0_2c00 "rorv",
    }

    /// Operations of one register. `rev32` is for X only; `rev` has one bit more there.
    Data1() {
        Rbit = 0x5ac0_0000 "rbit", Rev32 = 0x5ac0_0800 "rev32", Rev = 0x5ac0_0800 "rev",
        Clz = 0x5ac0_1000 "clz",
    }

    /// Multiplication with addition.
    MulAdd() { Madd = 0x1b00_0000 "madd", Msub = 0x1b00_8000 "msub" }

    /// 32 by 32 to 64 bit multiplication with 64-bit addition.
    MulAddLong() { Smaddl = 0x9b20_0000 "smaddl", Umaddl = 0x9ba0_0000 "umaddl" }

    /// The upper 64 bits of a 128-bit product.
    MulHigh() { Smulh = 0x9b40_7c00 "smulh", Umulh = 0x9bc0_7c00 "umulh" }

    /// Conditional selection: `rn` if the condition holds, else `rm`, incremented, inverted or
    /// negated.
    CondSel() {
        Csel = 0x1a80_0000 "csel", Csinc = 0x1a80_0400 "csinc", Csinv = 0x5a80_0000 "csinv",
    }
}

// Branches and system.
ops! {
    /// Branches to the address in a register.
    BranchReg() { Br = 0xd61f_0000 "br", Blr = 0xd63f_0000 "blr", Ret = 0xd65f_0000 "ret" }

    /// Branches on a register being zero.
    CompareBranch() { Cbz = 0x3400_0000 "cbz", Cbnz = 0x3500_0000 "cbnz" }

    /// Branches on a bit being zero.
    TestBranch() { Tbz = 0x3600_0000 "tbz", Tbnz = 0x3700_0000 "tbnz" }
}

/// The register width and the access size (log2 of bytes) of a load or store of general registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// The width of the register.
    pub size: Size,
    /// The access size, as log2 of bytes.
    pub log2: u32,
}

const fn access(size: Size, log2: u32) -> Access {
    Access { size, log2 }
}

// Loads and stores of general registers.
ops! {
    /// Loads; names ending in W or X say the width that a signed load widens to.
    Load(access: Access) {
        Ldrb = 0x3840_0000 "ldrb" (access(Size::W, 0)),
        LdrsbX = 0x3880_0000 "ldrsb" (access(Size::X, 0)),
        LdrsbW = 0x38c0_0000 "ldrsb" (access(Size::W, 0)),
        Ldrh = 0x7840_0000 "ldrh" (access(Size::W, 1)),
        LdrshX = 0x7880_0000 "ldrsh" (access(Size::X, 1)),
        LdrshW = 0x78c0_0000 "ldrsh" (access(Size::W, 1)),
        LdrW = 0xb840_0000 "ldr" (access(Size::W, 2)),
        Ldrsw = 0xb880_0000 "ldrsw" (access(Size::X, 2)),
        LdrX = 0xf840_0000 "ldr" (access(Size::X, 3)),
    }

    /// Stores.
    Store(access: Access) {
        Strb = 0x3800_0000 "strb" (access(Size::W, 0)),
        Strh = 0x7800_0000 "strh" (access(Size::W, 1)),
        StrW = 0xb800_0000 "str" (access(Size::W, 2)),
        StrX = 0xf800_0000 "str" (access(Size::X, 3)),
    }

    /// Literal loads of SIMD and floating-point registers.
    LoadLitV(width: Width) {
        LdrS = 0x1c00_0000 "ldr" (Width::S), LdrD = 0x5c00_0000 "ldr" (Width::D),
        LdrQ = 0x9c00_0000 "ldr" (Width::Q),
    }

    /// Loads of two registers.
    LoadPair(access: Access) {
        LdpW = 0x2840_0000 "ldp" (access(Size::W, 2)),
        LdpX = 0xa840_0000 "ldp" (access(Size::X, 3)),
    }

    /// Loads of two SIMD and floating-point registers.
    LoadPairV(width: Width) {
        LdpD = 0x6c40_0000 "ldp" (Width::D), LdpQ = 0xac40_0000 "ldp" (Width::Q),
    }

    /// Stores of two SIMD and floating-point registers.
    StorePairV(width: Width) {
        StpD = 0x6c00_0000 "stp" (Width::D), StpQ = 0xac00_0000 "stp" (Width::Q),
    }
}

// Scalar floating point.
ops! {
    /// Operations of one float.
    Fp1() {
        Fmov = 0x1e20_4000 "fmov", Fabs = 0x1e20_c000 "fabs", Fneg = 0x1e21_4000 "fneg",
        Fsqrt = 0x1e21_c000 "fsqrt", Frintn = 0x1e24_4000 "frintn", Frintp = 0x1e24_c000 "frintp",
        Frintm = 0x1e25_4000 "frintm", Frintz = 0x1e25_c000 "frintz",
    }

    /// Operations of two floats.
    Fp2() {
        Fmul = 0x1e20_0800 "fmul", Fdiv = 0x1e20_1800 "fdiv", Fadd = 0x1e20_2800 "fadd",
        Fsub = 0x1e20_3800 "fsub", Fmax = 0x1e20_4800 "fmax", Fmin = 0x1e20_5800 "fmin",
    }

    /// Conversions between float widths, named by source then destination.
    FpCvt(widths: (Width, Width)) {
        SToD = 0x1e22_c000 "fcvt" ((Width::S, Width::D)),
        SToH = 0x1e23_c000 "fcvt" ((Width::S, Width::H)),
        DToS = 0x1e62_4000 "fcvt" ((Width::D, Width::S)),
        DToH = 0x1e63_c000 "fcvt" ((Width::D, Width::H)),
        HToS = 0x1ee2_4000 "fcvt" ((Width::H, Width::S)),
        HToD = 0x1ee2_c000 "fcvt" ((Width::H, Width::D)),
    }

    /// Conversions of integers to floats, rounding as FPCR says (to nearest, ties to even, by
    /// default).
    IntToFp() { Scvtf = 0x1e22_0000 "scvtf", Ucvtf = 0x1e23_0000 "ucvtf" }

    /// Saturating conversions of floats to integers: the letter after `fcvt` is the rounding. NaN
    /// gives 0.
    FpToInt() { Fcvtzs = 0x1e38_0000 "fcvtzs", Fcvtzu = 0x1e39_0000 "fcvtzu" }
}

impl FpSize {
    /// The width of general registers that hold the same bits.
    pub const fn gpr(self) -> Size {
        match self {
            Self::S => Size::W,
            Self::D => Size::X,
        }
    }
}

impl Cond {
    /// The condition that holds exactly when this one does not. `al` has no inverse and stays `al`.
    pub const fn invert(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Hs => Self::Lo,
            Self::Lo => Self::Hs,
            Self::Mi => Self::Pl,
            Self::Pl => Self::Mi,
            Self::Vs => Self::Vc,
            Self::Vc => Self::Vs,
            Self::Hi => Self::Ls,
            Self::Ls => Self::Hi,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Al => Self::Al,
        }
    }
}
