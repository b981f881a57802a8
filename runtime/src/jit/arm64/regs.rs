//! Registers of A64, by class, virtual or real, and the roles that an instruction gives them.
//!
//! One [`Inst`](super::Inst) type serves before and after register allocation: its operands are
//! `Gpr` and `Vreg`, whose numbers are either architectural (below [`FIRST_VIRTUAL`]) or virtual.
//! Only architectural registers encode. `xzr` and `sp` share number 31 in the encoding but are
//! different values here; each format says which of the two an operand position means (C1.2.5).

use std::fmt;

use super::ops::{Size, Width};

/// The first register number that is virtual: numbers below it are architectural registers.
pub const FIRST_VIRTUAL: u32 = 64;

/// The class of a register, as the allocator sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegClass {
    /// X0..X30, XZR and SP.
    Gpr,
    /// V0..V31, scalar or vector.
    Vreg,
}

/// A general register: X0..X30, XZR, SP, or a virtual one. The width is the instruction's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gpr(u32);

/// A SIMD and floating-point register: V0..V31, or a virtual one. The view is the instruction's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vreg(u32);

/// The zero register, `xzr` or `wzr`.
pub const XZR: Gpr = Gpr(31);
/// The stack pointer, `sp` or `wsp`.
pub const SP: Gpr = Gpr(32);
/// The frame pointer of the procedure call standard.
pub const FP: Gpr = Gpr(29);
/// The link register.
pub const LR: Gpr = Gpr(30);

macro_rules! numbers {
    ($($reg:ident)*) => { $(
        impl $reg {
            /// The virtual register with the given index.
            pub const fn virt(index: u32) -> Self {
                Self(FIRST_VIRTUAL + index)
            }

            /// The index of a virtual register, or none for an architectural one.
            pub const fn virtual_index(self) -> Option<u32> {
                self.0.checked_sub(FIRST_VIRTUAL)
            }

            /// The number of `x0` to `x30` or of `v0` to `v31`; other registers have numbers above.
            pub const fn number(self) -> u32 {
                self.0
            }
        }
    )* };
}

numbers!(Gpr Vreg);

impl Gpr {
    /// The architectural register `x{number}`, 0 to 30.
    ///
    /// # Panics
    /// If `number` is above 30: [`XZR`] and [`SP`] are named, never numbered.
    pub const fn x(number: u32) -> Self {
        assert!(number <= 30, "x0 to x30");
        Self(number)
    }

    /// The five bits where 31 means the zero register, if this register can stand there.
    pub(super) fn bits_or_zero(self) -> Option<u32> {
        (self.0 <= XZR.0).then_some(self.0)
    }

    /// The five bits where 31 means the stack pointer, if this register can stand there.
    pub(super) fn bits_or_sp(self) -> Option<u32> {
        match self {
            SP => Some(31),
            other => (other.0 < XZR.0).then_some(other.0),
        }
    }
}

impl Vreg {
    /// The architectural register `v{number}`, 0 to 31.
    ///
    /// # Panics
    /// If `number` is above 31.
    pub const fn v(number: u32) -> Self {
        assert!(number <= 31, "v0 to v31");
        Self(number)
    }

    /// The five bits, if this register is architectural.
    pub(super) fn bits(self) -> Option<u32> {
        (self.0 <= 31).then_some(self.0)
    }
}

/// A register of either class: what operand visitors hand out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reg {
    /// A general register.
    Gpr(Gpr),
    /// A SIMD and floating-point register.
    Vreg(Vreg),
}

impl Reg {
    /// The register's class.
    pub fn class(self) -> RegClass {
        match self {
            Self::Gpr(_) => RegClass::Gpr,
            Self::Vreg(_) => RegClass::Vreg,
        }
    }

    /// The index of a virtual register, or none for an architectural one.
    pub fn virtual_index(self) -> Option<u32> {
        match self {
            Self::Gpr(reg) => reg.virtual_index(),
            Self::Vreg(reg) => reg.virtual_index(),
        }
    }
}

/// The use that an instruction makes of a register operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Read.
    Use,
    /// Written, after all operands were read: may share a register with a use.
    Def,
    /// Written before the last read: must not share a register with any use.
    EarlyDef,
    /// Written, and must be the register of the `Use` that was visited immediately before it.
    ReuseDef,
}

/// A register that is read and written: `old` is its value before, `new` its value after.
///
/// Before allocation the two are different virtual registers, so that code stays in SSA form; the
/// allocator gives both the same register, and only then does the instruction encode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tied<R> {
    /// The value before the instruction.
    pub old: R,
    /// The value after it.
    pub new: R,
}

impl<R: Copy + PartialEq> Tied<R> {
    /// One architectural register, changed in place.
    pub fn fixed(reg: R) -> Self {
        Self { old: reg, new: reg }
    }

    /// Both sides seen through `view`, for printing.
    pub(super) fn shown<V>(self, view: impl Fn(R) -> V) -> Tied<V> {
        Tied {
            old: view(self.old),
            new: view(self.new),
        }
    }

    /// The register, once both sides are the same.
    pub(super) fn settled(self) -> Option<R> {
        (self.old == self.new).then_some(self.new)
    }
}

/// Operands that hold registers: the one walk that visitors and mappers share.
pub(super) trait MapRegs {
    /// Replaces each register by `f(register, role)`; `role` is the role of a plain register.
    fn map_regs(&mut self, role: Role, f: &mut impl FnMut(Reg, Role) -> Reg);
}

impl MapRegs for Gpr {
    fn map_regs(&mut self, role: Role, f: &mut impl FnMut(Reg, Role) -> Reg) {
        match f(Reg::Gpr(*self), role) {
            Reg::Gpr(reg) => *self = reg,
            Reg::Vreg(reg) => panic!("{reg:?} given for the general register {self:?}"),
        }
    }
}

impl MapRegs for Vreg {
    fn map_regs(&mut self, role: Role, f: &mut impl FnMut(Reg, Role) -> Reg) {
        match f(Reg::Vreg(*self), role) {
            Reg::Vreg(reg) => *self = reg,
            Reg::Gpr(reg) => panic!("{reg:?} given for the vector register {self:?}"),
        }
    }
}

impl<R: MapRegs> MapRegs for Tied<R> {
    fn map_regs(&mut self, _role: Role, f: &mut impl FnMut(Reg, Role) -> Reg) {
        self.old.map_regs(Role::Use, f);
        self.new.map_regs(Role::ReuseDef, f);
    }
}

/// A general register as an operand of the given size: `w3`, `xzr`, `wsp`, or `x%7` if virtual.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct GprAs(pub(super) Size, pub(super) Gpr);

impl fmt::Display for GprAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(size, reg) = *self;
        match (reg, reg.virtual_index()) {
            (_, Some(index)) => write!(f, "{size}%{index}"),
            (XZR, None) => write!(f, "{size}zr"),
            (SP, None) => f.write_str(if size == Size::W { "wsp" } else { "sp" }),
            (Gpr(number), None) => write!(f, "{size}{number}"),
        }
    }
}

/// A SIMD and floating-point register as a scalar: `d3`, or `d%7` if virtual.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct VregAs(pub(super) Width, pub(super) Vreg);

impl fmt::Display for VregAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(size, reg) = *self;
        match reg.virtual_index() {
            Some(index) => write!(f, "{size}%{index}"),
            None => write!(f, "{size}{}", reg.0),
        }
    }
}

impl fmt::Display for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        GprAs(Size::X, *self).fmt(f)
    }
}

impl fmt::Display for Vreg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.virtual_index() {
            Some(index) => write!(f, "v%{index}"),
            None => write!(f, "v{}", self.0),
        }
    }
}

impl<R: fmt::Display + PartialEq> fmt::Display for Tied<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.new.fmt(f)?;
        if self.old == self.new {
            Ok(())
        } else {
            write!(f, "<-{}", self.old)
        }
    }
}

impl fmt::Debug for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Vreg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod samples {
    //! Registers that encoder tests draw: both ends of each class, `xzr` and `sp`.

    use super::{Gpr, SP, Tied, Vreg, XZR};
    use crate::jit::arm64::table::Sample;

    impl Sample for Gpr {
        const COMPLETE: bool = false;
        fn samples() -> Vec<Self> {
            vec![
                Self::x(0),
                Self::x(1),
                Self::x(10),
                Self::x(15),
                Self::x(16),
                Self::x(30),
                XZR,
                SP,
            ]
        }
    }

    impl Sample for Vreg {
        const COMPLETE: bool = false;
        fn samples() -> Vec<Self> {
            [0, 1, 10, 15, 16, 30, 31].map(Self::v).to_vec()
        }
    }

    impl<R: Sample + PartialEq> Sample for Tied<R> {
        const COMPLETE: bool = R::COMPLETE;
        fn samples() -> Vec<Self> {
            R::samples().into_iter().map(Self::fixed).collect()
        }
    }
}
