//! Bounds checks that are for several accesses, and the code that tells these apart.

use super::Emitter;
use crate::jit::arm64::abi::SCRATCH2;
use crate::jit::arm64::imm::Imm12;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{EarlierAccess, Test};
use crate::jit::arm64::ops::{AddSub, Cond, Size};
use crate::jit::arm64::regs::Gpr;
use crate::jit::code::Label;
use crate::jit::code::symbol::Symbol;
use crate::trap::TrapKind;

/// The code that follows the function's blocks for a check that failed.
pub(super) struct FailedCheck {
    label: Label,
    limit: Gpr,
    earlier: Box<[EarlierAccess]>,
    position: u32,
}

/// The condition of a trap, of a comparison of limit and index.
const IS_OUTSIDE: Test = Test::Flags(Cond::Ls);

impl Emitter<'_> {
    pub(super) fn check_bounds(
        &mut self,
        index: (Gpr, bool),
        limit: Gpr,
        earlier: Box<[EarlierAccess]>,
    ) {
        let label = self.asm.label();
        self.asm.emit(Inst::compare_index(limit, index.0, index.1));
        self.branch_to(IS_OUTSIDE, label);
        self.failed_checks.push(FailedCheck {
            label,
            limit,
            earlier,
            position: self.position,
        });
    }

    /// Finds the access that was outside: the first whose limit is not above the index.
    pub(super) fn failed_checks(&mut self) {
        for failed in std::mem::take(&mut self.failed_checks) {
            self.asm.bind(failed.label);
            for access in failed.earlier {
                let op = if access.by < 0 {
                    AddSub::Sub
                } else {
                    AddSub::Add
                };
                let distance = u64::from(access.by.unsigned_abs());
                let by = Imm12::new(distance).expect("combined checks are near");
                let limit = Inst::add_sub_imm(op, Size::X, SCRATCH2, failed.limit, by);
                self.asm.emit(limit);
                let compare = Inst::compare_index(SCRATCH2, access.index, access.is_narrow);
                self.asm.emit(compare);
                self.position = access.position;
                let late = self.late(Symbol::Trap(TrapKind::MemoryOutOfBounds));
                self.branch_to(IS_OUTSIDE, late);
            }
            self.asm.source(failed.position);
            self.end(Symbol::Trap(TrapKind::MemoryOutOfBounds));
        }
    }
}
