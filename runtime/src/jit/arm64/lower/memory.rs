//! Loads, stores and their addresses.

use super::{Cx, as_gpr, as_vreg};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::minst::{EarlierAccess, MInst, Test};
use crate::jit::arm64::ops::{Cond, IndexExtend, Load, Size, Store, Width};
use crate::jit::arm64::regs::Gpr;
use crate::jit::lower::Lower;
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{self, Class, InstId, Value};
use crate::ops::{Group, Op, Sign, group};
use crate::trap::TrapKind;

/// The instruction of a load, by the kind of its register.
enum Loads {
    Gpr(Load),
    Vreg(Width),
}

/// The instruction of a store, by the kind of its register.
enum Stores {
    Gpr(Store),
    Vreg(Width),
}

impl Cx<'_> {
    pub(super) fn load(&mut self, id: InstId) {
        let ssa::Inst::Load {
            op,
            class,
            base,
            offset,
        } = self.func.insts[id.index()].inst
        else {
            unreachable!("asked for loads only")
        };
        let loads = loads(op);
        let log2 = match loads {
            Loads::Gpr(op) => op.access().log2,
            Loads::Vreg(width) => width.bits(),
        };
        let mem = self.mem(base, offset, log2);
        let result = self.vreg(self.func.result(id));
        let inst = match loads {
            Loads::Gpr(op) => {
                let rt = as_gpr(result);
                Inst::load(op, rt, mem)
            }
            Loads::Vreg(width) => {
                let rt = as_vreg(result);
                Inst::load_v(width, rt, mem)
            }
        };
        self.access(class, inst);
    }

    pub(super) fn store(&mut self, id: InstId) {
        let ssa::Inst::Store {
            op,
            class,
            base,
            offset,
            value,
        } = self.func.insts[id.index()].inst
        else {
            unreachable!("asked for stores only")
        };
        let inst = match stores(op) {
            Stores::Gpr(op) => {
                let mem = self.mem(base, offset, op.access().log2);
                let rt = self.gpr_or_zero(value);
                Inst::store(op, rt, mem)
            }
            Stores::Vreg(width) => {
                let mem = self.mem(base, offset, width.bits());
                let rt = self.fpr(value);
                Inst::store_v(width, rt, mem)
            }
        };
        self.access(class, inst);
    }

    /// Traps unless the index is below the limit. The comparison extends an index of 32 bits.
    pub(super) fn check_bounds(&mut self, id: InstId, index: Value, limit: Value) {
        let limit = self.gpr(limit);
        let (index, is_narrow) = self.index_of_check(index);
        let Some(earlier) = self.func.earlier.get(&id) else {
            self.a64(Inst::compare_index(limit, index, is_narrow));
            let is_outside = Test::Flags(Cond::Ls);
            return self.emit(MInst::TrapIf(is_outside, TrapKind::MemoryOutOfBounds));
        };
        let earlier = earlier.iter().map(|access| {
            let (index, is_narrow) = self.index_of_check(access.index);
            EarlierAccess {
                index,
                is_narrow,
                by: access.by,
                position: access.position,
            }
        });
        let earlier = earlier.collect();
        self.emit(MInst::CheckBounds {
            index,
            is_narrow,
            limit,
            earlier,
        });
    }

    /// The register of an index, and true if that is an i32 which is to be extended.
    fn index_of_check(&mut self, index: Value) -> (Gpr, bool) {
        match self.func.unary(Op::I64ExtendI32U, index) {
            Some(narrow) if self.resolve(index) == index => {
                Rule::CheckExtends.hit();
                (self.gpr(narrow), true)
            }
            Some(_) | None => (self.gpr(index), false),
        }
    }

    fn access(&mut self, class: Class, inst: Inst) {
        self.emit(match Lower::<super::Arm64>::guarded(class) {
            Some(memory) => MInst::Guarded(inst, memory),
            None => MInst::A64(inst),
        });
    }

    /// The address of an access of `2^log2` bytes.
    fn mem(&mut self, base: Value, offset: i32, log2: u32) -> Mem {
        if offset == 0
            && let Some((a, b)) = self.address(base)
            && !self.func.is_made_at_use(b)
        {
            return self.index(a, b, log2);
        }
        let base = self.gpr(base);
        self.offset_from(base, offset, log2)
    }

    /// `[base + offset]`, for an access of `2^log2` bytes.
    pub(super) fn offset_from(&mut self, base: Gpr, offset: i32, log2: u32) -> Mem {
        if Mem::fits(i64::from(offset), log2) {
            return Mem::at(base, offset);
        }
        let distance = self.immediate(Size::X, offset as u64);
        Mem::at(self.made(|rd| Inst::add(Size::X, rd, base, distance)), 0)
    }

    /// `[a + b]`, with the extension or the shift of one of them.
    fn index(&mut self, a: Value, b: Value, log2: u32) -> Mem {
        for (base, index) in [(a, b), (b, a)] {
            let (index, scaled) = match self.func.binary(Op::I64Shl, index) {
                Some((index, by)) if self.is_scale(by, log2) => (index, true),
                Some(_) | None => (index, false),
            };
            let (extend, index) = match self.func.extended(index) {
                Some((narrow, Sign::Unsigned)) => (IndexExtend::Uxtw, narrow),
                Some((narrow, Sign::Signed)) => (IndexExtend::Sxtw, narrow),
                None if scaled => (IndexExtend::Lsl, index),
                None => continue,
            };
            match (extend, scaled) {
                (IndexExtend::Lsl | IndexExtend::Sxtx, _) => Rule::IndexScaled.hit(),
                (IndexExtend::Uxtw | IndexExtend::Sxtw, false) => Rule::IndexExtended.hit(),
                (IndexExtend::Uxtw | IndexExtend::Sxtw, true) => Rule::IndexBoth.hit(),
            }
            let (base, index) = (self.gpr(base), self.gpr(index));
            return Mem::index(base, index, extend, scaled);
        }
        let (base, index) = (self.gpr(a), self.gpr(b));
        Mem::index(base, index, IndexExtend::Lsl, false)
    }

    /// True if a shift by this amount is a multiplication by an access size of more than a byte.
    fn is_scale(&self, by: Value, log2: u32) -> bool {
        log2 > 0 && self.func.constant(by) == Some(u64::from(log2))
    }

    /// A load of a pointer-sized field.
    pub(super) fn load_field(&mut self, base: Gpr, offset: usize) -> Gpr {
        let mem = Mem::at(base, offset as i32);
        self.made(|rt| Inst::load(Load::LdrX, rt, mem))
    }
}

fn loads(op: Op) -> Loads {
    use group::Load as L;
    let Group::Load(row) = op.group() else {
        return Loads::Vreg(width_of(op));
    };
    Loads::Gpr(match row {
        L::I32Load8U | L::I64Load8U => Load::Ldrb,
        L::I32Load8S => Load::LdrsbW,
        L::I64Load8S => Load::LdrsbX,
        L::I32Load16U | L::I64Load16U => Load::Ldrh,
        L::I32Load16S => Load::LdrshW,
        L::I64Load16S => Load::LdrshX,
        L::I32Load | L::I64Load32U => Load::LdrW,
        L::I64Load32S => Load::Ldrsw,
        L::I64Load => Load::LdrX,
        L::F32Load | L::F64Load => return Loads::Vreg(width_of(op)),
    })
}

fn stores(op: Op) -> Stores {
    use group::Store as S;
    let Group::Store(row) = op.group() else {
        return Stores::Vreg(width_of(op));
    };
    Stores::Gpr(match row {
        S::I32Store8 | S::I64Store8 => Store::Strb,
        S::I32Store16 | S::I64Store16 => Store::Strh,
        S::I32Store | S::I64Store32 => Store::StrW,
        S::I64Store => Store::StrX,
        S::F32Store | S::F64Store => return Stores::Vreg(width_of(op)),
    })
}

/// The part of a vector register that an access has: a float, a vector, or a part with zeros above.
fn width_of(op: Op) -> Width {
    match op.row().access_bytes {
        Some(4) => Width::S,
        Some(8) => Width::D,
        Some(16) => Width::Q,
        bytes => unreachable!("{} of {bytes:?} bytes", op.mnemonic()),
    }
}
