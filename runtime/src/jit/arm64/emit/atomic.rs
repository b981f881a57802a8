//! Loops of exclusive accesses, for machines without instructions that read, modify and write.
//! No other access stands between the two accesses of a pair, as the architecture asks (B2.17).

use super::Emitter;
use crate::jit::arm64::abi::{SCRATCH, SCRATCH2};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::Exclusive;
use crate::jit::arm64::ops::{Cond, Extend, Logic, Size};
use crate::jit::arm64::vector::{AtomicSize, LoadOrdered};
use crate::jit::ssa::atomic::AtomicOp;

impl Emitter<'_> {
    pub(super) fn exclusive(&mut self, access: Exclusive) {
        let Exclusive {
            op,
            size,
            rd,
            address: rn,
            value,
            expected,
        } = access;
        let (again, done) = (self.asm.label(), self.asm.label());
        self.asm.bind(again);
        self.asm
            .emit(Inst::load_ordered(LoadOrdered::Ldaxr, size, rd, rn));
        let width = size.size();
        let combined = |op| Inst::logic(op, width, SCRATCH, rd, value);
        let rt = match op {
            AtomicOp::CompareSwap => {
                self.asm.emit(match size {
                    AtomicSize::B => Inst::cmp_extended(width, rd, expected, Extend::Uxtb),
                    AtomicSize::H => Inst::cmp_extended(width, rd, expected, Extend::Uxth),
                    AtomicSize::W | AtomicSize::X => Inst::cmp(width, rd, expected),
                });
                self.asm.emit(Inst::bcond(Cond::Ne, done));
                value
            }
            AtomicOp::Add => {
                self.asm.emit(Inst::add(width, SCRATCH, rd, value));
                SCRATCH
            }
            AtomicOp::Clear => {
                self.asm.emit(combined(Logic::Bic));
                SCRATCH
            }
            AtomicOp::Set => {
                self.asm.emit(combined(Logic::Orr));
                SCRATCH
            }
            AtomicOp::Invert => {
                self.asm.emit(combined(Logic::Eor));
                SCRATCH
            }
            AtomicOp::Swap => value,
            AtomicOp::Load | AtomicOp::Store => unreachable!("{op:?} is one instruction"),
        };
        self.asm.emit(Inst::store_exclusive(size, SCRATCH2, rt, rn));
        self.asm.emit(Inst::cbnz(Size::W, SCRATCH2, again));
        self.asm.bind(done);
    }
}
