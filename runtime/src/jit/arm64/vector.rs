//! The operations of the SIMD and atomic instruction formats, and the shapes of their operands.
//!
//! As in `ops.rs`, a row is a name, the bits it fixes (in place in the 32-bit word, C4.1) and its
//! mnemonic; the attribute says which arrangements the operation exists for.

use std::fmt;

use super::ops::{Size, Width};
use super::regs::Vreg;
use super::table::{op_attribute, op_rows, ops};

ops! {
    /// A vector arrangement: number of lanes and their width; `Q` and `size` in place.
    Arr(lane: Width) {
        B8 = 0x0000_0000 "8b" (Width::B), B16 = 0x4000_0000 "16b" (Width::B),
        H4 = 0x0040_0000 "4h" (Width::H), H8 = 0x4040_0000 "8h" (Width::H),
        S2 = 0x0080_0000 "2s" (Width::S), S4 = 0x4080_0000 "4s" (Width::S),
        D1 = 0x00c0_0000 "1d" (Width::D), D2 = 0x40c0_0000 "2d" (Width::D),
    }

    /// A vector arrangement of floats; `Q` and `sz` in place.
    FpArr(arr: Arr) {
        S2 = 0x0000_0000 "2s" (Arr::S2), S4 = 0x4000_0000 "4s" (Arr::S4),
        D2 = 0x4040_0000 "2d" (Arr::D2),
    }
}

impl Arr {
    /// 1 if the vector has 128 bits, 0 if it has 64: `Q`.
    pub const fn q(self) -> u32 {
        self.bits() >> 30
    }

    /// The width of a lane in bits.
    pub const fn lane_bits(self) -> u32 {
        8 << self.lane().bits()
    }

    /// The 128-bit arrangement of lanes twice as wide; none for lanes of 64 bits.
    pub const fn wide(self) -> Option<Self> {
        match self.lane() {
            Width::B => Some(Self::H8),
            Width::H => Some(Self::S4),
            Width::S => Some(Self::D2),
            Width::D | Width::Q => None,
        }
    }

    /// The arrangement of the same size with lanes twice as wide; none for lanes of 64 bits.
    pub const fn paired(self) -> Option<Self> {
        match self {
            Self::B8 => Some(Self::H4),
            Self::B16 => Some(Self::H8),
            Self::H4 => Some(Self::S2),
            Self::H8 => Some(Self::S4),
            Self::S2 => Some(Self::D1),
            Self::S4 => Some(Self::D2),
            Self::D1 | Self::D2 => None,
        }
    }

    /// The mnemonic's ending where an instruction takes the upper half of a narrower operand.
    pub(super) const fn half_name(self) -> &'static str {
        if self.q() == 1 { "2" } else { "" }
    }
}

/// A set of arrangements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrs(&'static [Arr]);

impl Arrs {
    /// True if the arrangement is one of them.
    pub fn has(self, arr: Arr) -> bool {
        self.0.contains(&arr)
    }
}

/// Bytes.
pub(super) const BYTES: Arrs = Arrs(&[Arr::B8, Arr::B16]);
/// Lanes of 8, 16 and 32 bits.
pub(super) const BHS: Arrs = Arrs(&[Arr::B8, Arr::B16, Arr::H4, Arr::H8, Arr::S2, Arr::S4]);
/// All but the single lane of 64 bits.
pub(super) const BHSD: Arrs = Arrs(&[
    Arr::B8,
    Arr::B16,
    Arr::H4,
    Arr::H8,
    Arr::S2,
    Arr::S4,
    Arr::D2,
]);
/// More than two lanes.
pub(super) const ACROSS: Arrs = Arrs(&[Arr::B8, Arr::B16, Arr::H4, Arr::H8, Arr::S4]);
const B: Arrs = BYTES;
const HS: Arrs = Arrs(&[Arr::H4, Arr::H8, Arr::S2, Arr::S4]);

// Vectors of integers.
ops! {
    /// Lane by lane operations of two vectors, and permutations of their lanes.
    Vec3(arrs: Arrs) {
        Sqadd = 0x0e20_0c00 "sqadd" (BHSD), Uqadd = 0x2e20_0c00 "uqadd" (BHSD),
        Urhadd = 0x2e20_1400 "urhadd" (BHS), And = 0x0e20_1c00 "and" (B),
        Bic = 0x0e60_1c00 "bic" (B), Orr = 0x0ea0_1c00 "orr" (B), Eor = 0x2e20_1c00 "eor" (B),
        Sqsub = 0x0e20_2c00 "sqsub" (BHSD), Uqsub = 0x2e20_2c00 "uqsub" (BHSD),
        Cmgt = 0x0e20_3400 "cmgt" (BHSD), Cmhi = 0x2e20_3400 "cmhi" (BHSD),
        Cmge = 0x0e20_3c00 "cmge" (BHSD), Cmhs = 0x2e20_3c00 "cmhs" (BHSD),
        Sshl = 0x0e20_4400 "sshl" (BHSD), Ushl = 0x2e20_4400 "ushl" (BHSD),
        Smax = 0x0e20_6400 "smax" (BHS), Umax = 0x2e20_6400 "umax" (BHS),
        Smin = 0x0e20_6c00 "smin" (BHS), Umin = 0x2e20_6c00 "umin" (BHS),
        Add = 0x0e20_8400 "add" (BHSD), Sub = 0x2e20_8400 "sub" (BHSD),
        Cmeq = 0x2e20_8c00 "cmeq" (BHSD), Mul = 0x0e20_9c00 "mul" (BHS),
        Umaxp = 0x2e20_a400 "umaxp" (BHS), Sqrdmulh = 0x2e20_b400 "sqrdmulh" (HS),
        Addp = 0x0e20_bc00 "addp" (BHSD), Uzp1 = 0x0e00_1800 "uzp1" (BHSD),
        Trn1 = 0x0e00_2800 "trn1" (BHSD), Zip1 = 0x0e00_3800 "zip1" (BHSD),
        Uzp2 = 0x0e00_5800 "uzp2" (BHSD), Trn2 = 0x0e00_6800 "trn2" (BHSD),
        Zip2 = 0x0e00_7800 "zip2" (BHSD),
    }

    /// Operations of two vectors into a third: multiply-add, absolute differences, bit selection.
    /// `bsl`: `rd := rd ? rn : rm` by bits; `bit` and `bif`: `rn` put in where `rm` is 1 or 0.
    Vec3Acc(arrs: Arrs) {
        Mla = 0x0e20_9400 "mla" (BHS), Mls = 0x2e20_9400 "mls" (BHS), Bsl = 0x2e60_1c00 "bsl" (B),
    }

    /// Lane by lane operations of one vector.
    Vec2(arrs: Arrs) {
        Rev64 = 0x0e20_0800 "rev64" (BHS), Cnt = 0x0e20_5800 "cnt" (B), Not = 0x2e20_5800 "not" (B),
        Abs = 0x0e20_b800 "abs" (BHSD), Neg = 0x2e20_b800 "neg" (BHSD),
    }

    /// Comparisons of lanes with zero.
    VecZero() { Cmeq = 0x0e20_9800 "cmeq", Cmlt = 0x0e20_a800 "cmlt" }

    /// Sums of neighbouring lanes, twice as wide.
    VecPairLong() { Saddlp = 0x0e20_2800 "saddlp", Uaddlp = 0x2e20_2800 "uaddlp" }

    /// Sums of neighbouring lanes, added to lanes twice as wide.
    VecPairLongAcc() { Sadalp = 0x0e20_6800 "sadalp", Uadalp = 0x2e20_6800 "uadalp" }

    /// One result of all lanes, and whether it is twice as wide as they are.
    VecAcross(is_long: bool) {
        Uminv = 0x2e31_a800 "uminv" (false), Addv = 0x0e31_b800 "addv" (false),
    }

    /// Right shifts of lanes by a constant.
    VecShr() { Sshr = 0x0f00_0400 "sshr", Ushr = 0x2f00_0400 "ushr" }

    /// Left shifts of lanes by a constant into lanes twice as wide.
    VecShlLong() { Sshll = 0x0f00_a400 "sshll", Ushll = 0x2f00_a400 "ushll" }

    /// Narrowing to lanes half as wide: dropping bits, or saturating.
    VecNarrow() {
        Xtn = 0x0e21_2800 "xtn", Sqxtun = 0x2e21_2800 "sqxtun", Sqxtn = 0x0e21_4800 "sqxtn",
        Uqxtn = 0x2e21_4800 "uqxtn",
    }

    /// Operations of two vectors into lanes twice as wide.
    VecLong() { Smull = 0x0e20_c000 "smull", Umull = 0x2e20_c000 "umull" }

    /// Multiplication of two vectors, added to or subtracted from lanes twice as wide.
    VecLongAcc() { Umlal = 0x2e20_8000 "umlal" }

    /// The same constant in all lanes, inverted by `mvni`.
    VecImm() { Movi = 0x0f00_0400 "movi", Mvni = 0x2f00_0400 "mvni" }
}

// Vectors of floats.
ops! {
    /// Lane by lane operations of two vectors of floats.
    Vec3Fp() {
        Fadd = 0x0e20_d400 "fadd", Fsub = 0x0ea0_d400 "fsub", Fcmeq = 0x0e20_e400 "fcmeq",
        Fmax = 0x0e20_f400 "fmax", Fmin = 0x0ea0_f400 "fmin", Fmul = 0x2e20_dc00 "fmul",
        Fcmge = 0x2e20_e400 "fcmge", Fcmgt = 0x2ea0_e400 "fcmgt", Fdiv = 0x2e20_fc00 "fdiv",
    }

    /// `rd := rd +- rn * rm`, rounded once.
    Vec3FpAcc() { Fmla = 0x0e20_cc00 "fmla", Fmls = 0x0ea0_cc00 "fmls" }

    /// Lane by lane operations of one vector of floats, conversions from and to integers included.
    Vec2Fp() {
        Fabs = 0x0ea0_f800 "fabs", Fneg = 0x2ea0_f800 "fneg", Fsqrt = 0x2ea1_f800 "fsqrt",
        Frintn = 0x0e21_8800 "frintn", Frintm = 0x0e21_9800 "frintm", Frintp = 0x0ea1_8800 "frintp",
        Frintz = 0x0ea1_9800 "frintz", Fcvtzs = 0x0ea1_b800 "fcvtzs", Fcvtzu = 0x2ea1_b800 "fcvtzu",
        Scvtf = 0x0e21_d800 "scvtf", Ucvtf = 0x2e21_d800 "ucvtf",
    }
}

// Atomics.
ops! {
    /// The access size of an atomic, with the width of its registers.
    AtomicSize(size: Size) {
        B = 0 "b" (Size::W), H = 1 "h" (Size::W), W = 2 "" (Size::W), X = 3 "" (Size::X),
    }

    /// Ordering of an atomic: whether it acquires and releases.
    Order(acquires_releases: (bool, bool)) {
        Relaxed = 0x0000_0000 "" ((false, false)), Acquire = 0x0080_0000 "a" ((true, false)),
        Release = 0x0040_0000 "l" ((false, true)), AcqRel = 0x00c0_0000 "al" ((true, true)),
    }

    /// Read-modify-write of memory, giving the old value (FEAT_LSE). `ldclr` clears the bits of rs.
    Atomic() {
        Ldadd = 0x3820_0000 "ldadd", Ldclr = 0x3820_1000 "ldclr", Ldeor = 0x3820_2000 "ldeor",
        Ldset = 0x3820_3000 "ldset", Swp = 0x3820_8000 "swp",
    }

    /// Loads that acquire, are exclusive, or both.
    LoadOrdered() { Ldar = 0x08df_fc00 "ldar", Ldaxr = 0x085f_fc00 "ldaxr" }
}

/// The fields `immh:immb` of a right shift of lanes by `amount`, 1 to the lane's width.
pub(super) fn right_shift(lane: Width, amount: u8) -> Option<u32> {
    let bits = 8 << lane.bits();
    (1..=bits)
        .contains(&u32::from(amount))
        .then(|| 2 * bits - u32::from(amount))
}

/// The fields `immh:immb` of a left shift of lanes by `amount`, 0 to the lane's width less one.
pub(super) fn left_shift(lane: Width, amount: u8) -> Option<u32> {
    let bits = 8 << lane.bits();
    (0..bits)
        .contains(&u32::from(amount))
        .then(|| bits + u32::from(amount))
}

/// The field `imm5` that names a lane.
pub(super) fn lane(width: Width, index: u8) -> Option<u32> {
    let (log2, index) = (width.bits(), u32::from(index));
    (log2 <= Width::D.bits() && index < 16 >> log2).then(|| (index << 1 | 1) << log2)
}

/// `cmode` in place for a constant in all lanes, shifted left by `shift`; none where there is none.
pub(super) fn constant_mode(op: VecImm, arr: Arr, shift: u8) -> Option<u32> {
    let steps = u32::from(shift) / 8;
    let (mode, steps_max) = match (arr.lane(), op) {
        (Width::B, VecImm::Movi) => (0xe, 0),
        (Width::H, _) => (8, 1),
        (Width::S, _) => (0, 3),
        (Width::B, VecImm::Mvni) | (Width::D | Width::Q, _) => return None,
    };
    (shift.is_multiple_of(8) && steps <= steps_max).then_some((mode | steps << 1) << 12)
}

/// `abc` and `defgh` in place: the eight bits of a vector constant.
pub(super) fn constant_bits(bits: u32) -> u32 {
    bits >> 5 << 16 | (bits & 31) << 5
}

/// A vector register with its arrangement, as text: `v3.16b`.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct VregArr(pub(super) Arr, pub(super) Vreg);

impl fmt::Display for VregArr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.1, self.0)
    }
}

/// A vector register as lanes twice as wide, as text: `v3.8h`.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct VregWide(pub(super) Option<Arr>, pub(super) Vreg);

impl fmt::Display for VregWide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.1, self.0.map_or("?", Arr::name))
    }
}

/// A lane of a vector register, as text: `v3.h[2]`.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct VregLane(pub(super) Width, pub(super) Vreg, pub(super) u8);

impl fmt::Display for VregLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}[{}]", self.1, self.0, self.2)
    }
}
