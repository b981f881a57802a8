//! Addresses of loads and stores (C1.3.3): base with offset, with write-back, and with an index
//! register.

use std::fmt;

use super::encode::Word;
use super::ops::{IndexExtend, Size};
use super::regs::{Gpr, GprAs, MapRegs, Reg, Role, SP, Tied};

/// The address of a load or store. Bases may be `sp`, never `xzr`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mem {
    /// `[base + offset]`; see [`Mem::fits`] and [`Mem::fits_pair`] for the offsets that exist.
    Offset { base: Gpr, offset: i32 },
    /// `base := base + offset`, then `[base]`. Offsets -256 to 255, for pairs as with `fits_pair`.
    Pre {
        /// The base before and after.
        base: Tied<Gpr>,
        offset: i32,
    },
    /// `[base]`, then `base := base + offset`. Offsets as for `Pre`.
    Post {
        /// The base before and after.
        base: Tied<Gpr>,
        offset: i32,
    },
    /// `[base + extend(index) * (access size if scaled, else 1)]`. Not for pairs.
    Index {
        base: Gpr,
        /// The index, of the width that `extend` says.
        index: Gpr,
        /// The extension of the index to 64 bits.
        extend: IndexExtend,
        /// True if it is then multiplied by the access size (more than a byte).
        scaled: bool,
    },
}

impl Mem {
    /// `[base + offset]`.
    pub fn at(base: Gpr, offset: i32) -> Mem {
        Self::Offset { base, offset }
    }

    /// `[base + extend(index)]`, the index scaled or not.
    pub fn index(base: Gpr, index: Gpr, extend: IndexExtend, scaled: bool) -> Mem {
        Self::Index {
            base,
            index,
            extend,
            scaled,
        }
    }

    /// `[sp, -bytes]!`: makes room on the native stack.
    pub fn push(bytes: i32) -> Mem {
        let (base, offset) = (Tied::fixed(SP), -bytes);
        Self::Pre { base, offset }
    }

    /// `[sp], bytes`: gives that room back.
    pub fn pop(bytes: i32) -> Mem {
        let (base, offset) = (Tied::fixed(SP), bytes);
        Self::Post { base, offset }
    }
    /// True if a load or store of `2^log2` bytes can have this offset (scaled or unscaled form).
    pub fn fits(offset: i64, log2: u32) -> bool {
        i32::try_from(offset).is_ok_and(|o| scaled(o, log2).is_some() || (-256..256).contains(&o))
    }

    /// True if a pair of registers of `2^log2` bytes can have this offset.
    pub fn fits_pair(offset: i64, log2: u32) -> bool {
        offset % (1 << log2) == 0 && (-64..64).contains(&(offset >> log2))
    }

    /// The distance that write-back moves `sp` by; 0 if it does not.
    pub(super) fn sp_moves_by(self) -> i64 {
        match self {
            Self::Pre { base, offset } | Self::Post { base, offset } if base.new == SP => {
                i64::from(offset)
            }
            Self::Pre { .. } | Self::Post { .. } | Self::Offset { .. } | Self::Index { .. } => 0,
        }
    }

    /// True if a load or store of `reg` cannot write its base back: they are the same register.
    pub(super) fn writes_back_to(self, reg: Gpr) -> bool {
        match self {
            Self::Pre { base, .. } | Self::Post { base, .. } => base.new == reg,
            Self::Offset { .. } | Self::Index { .. } => false,
        }
    }

    /// Completes the word of a load or store of one register of `2^log2` bytes.
    pub(super) fn put(self, word: Word, log2: u32) -> Word {
        match self {
            Self::Offset { base, offset } => match scaled(offset, log2) {
                Some(units) => word.or(1 << 24).u(units, 10, 12),
                None => word.i(offset, 12, 9),
            }
            .s(base, 5),
            Self::Post { base, offset } => word.or(1 << 10).i(offset, 12, 9).ts(base, 5),
            Self::Pre { base, offset } => word.or(3 << 10).i(offset, 12, 9).ts(base, 5),
            Self::Index {
                base,
                index,
                extend,
                scaled,
            } => word
                .or(1 << 21 | 2 << 10)
                .need(!scaled || log2 > 0)
                .z(index, 16)
                .u(extend.bits(), 13, 3)
                .u(scaled, 12, 1)
                .s(base, 5),
        }
    }

    /// Completes the word of a load or store of two registers of `2^log2` bytes.
    pub(super) fn put_pair(self, word: Word, log2: u32) -> Word {
        let (mode, base, offset) = match self {
            Self::Post { base, offset } => (1, base, offset),
            Self::Offset { base, offset } => (2, Tied::fixed(base), offset),
            Self::Pre { base, offset } => (3, base, offset),
            Self::Index { .. } => return word.need(false),
        };
        let word = word.or(mode << 23).need(offset % (1 << log2) == 0);
        word.i(offset >> log2, 15, 7).ts(base, 5)
    }

    /// True if the word is the unscaled form, whose mnemonics have a `u`.
    fn is_unscaled(self, log2: u32) -> bool {
        matches!(self, Self::Offset { offset, .. } if scaled(offset, log2).is_none())
    }
}

/// The offset in units of the access size, if the scaled form can hold it.
fn scaled(offset: i32, log2: u32) -> Option<u32> {
    let units = u32::try_from(offset).ok()? >> log2;
    (units < 1 << 12 && units << log2 == offset as u32).then_some(units)
}

impl MapRegs for Mem {
    fn map_regs(&mut self, _role: Role, f: &mut impl FnMut(Reg, Role) -> Reg) {
        match self {
            Self::Offset { base, .. } => base.map_regs(Role::Use, f),
            Self::Pre { base, .. } | Self::Post { base, .. } => base.map_regs(Role::ReuseDef, f),
            Self::Index { base, index, .. } => {
                base.map_regs(Role::Use, f);
                index.map_regs(Role::Use, f);
            }
        }
    }
}

/// The mnemonic of an access: `ldr` becomes `ldur` where the form is unscaled.
pub(super) struct Mnemonic(pub(super) &'static str, pub(super) Mem, pub(super) u32);

impl fmt::Display for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, mem, log2) = *self;
        let (start, end) = name.split_at(2);
        write!(
            f,
            "{start}{}{end}",
            if mem.is_unscaled(log2) { "u" } else { "" }
        )
    }
}

/// An address as text, for an access of `2^log2` bytes.
pub(super) struct Address(pub(super) Mem, pub(super) u32);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mem, log2) = *self;
        match mem {
            Mem::Offset { base, offset: 0 } => write!(f, "[{base}]"),
            Mem::Offset { base, offset } => write!(f, "[{base}, #{offset}]"),
            Mem::Pre { base, offset } => write!(f, "[{base}, #{offset}]!"),
            Mem::Post { base, offset } => write!(f, "[{base}], #{offset}"),
            Mem::Index {
                base,
                index,
                extend,
                scaled,
            } => {
                let index = GprAs(extend.index_size(), index);
                match (extend, scaled) {
                    (IndexExtend::Lsl, false) => write!(f, "[{base}, {index}]"),
                    (_, false) => write!(f, "[{base}, {index}, {extend}]"),
                    (_, true) => write!(f, "[{base}, {index}, {extend} #{log2}]"),
                }
            }
        }
    }
}

impl IndexExtend {
    /// The width that the index register is read with.
    pub const fn index_size(self) -> Size {
        match self {
            Self::Uxtw | Self::Sxtw => Size::W,
            Self::Lsl | Self::Sxtx => Size::X,
        }
    }
}

#[cfg(test)]
impl super::table::Sample for Mem {
    const COMPLETE: bool = false;
    fn samples() -> Vec<Self> {
        use super::ops::IndexExtend as E;
        let offsets = [
            -1024, -512, -256, -255, -16, -1, 0, 1, 7, 8, 16, 252, 255, 256, 504, 1008,
        ];
        let far = [4095, 4096, 8190, 16380, 32760, 65520, 65536];
        let bases = [Gpr::x(0), Gpr::x(9), Gpr::x(30), SP];
        let mut all = Vec::new();
        for base in bases {
            all.extend(
                offsets
                    .iter()
                    .chain(&far)
                    .map(|&offset| Self::Offset { base, offset }),
            );
            let tied = Tied::fixed(base);
            all.extend(offsets.map(|offset| Self::Pre { base: tied, offset }));
            all.extend(offsets.map(|offset| Self::Post { base: tied, offset }));
            for (&extend, scaled) in E::ALL.iter().flat_map(|e| [(e, false), (e, true)]) {
                let index = Gpr::x(17);
                all.push(Self::Index {
                    base,
                    index,
                    extend,
                    scaled,
                });
            }
        }
        all
    }
}
