//! Numbers of 128 bits in two general registers.

use super::Cx;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::ops::{AddSub, Carry, MulHigh, Size};
use crate::jit::arm64::regs::Gpr;
use crate::jit::ssa::{InstId, List, Value};
use crate::ops::{Group, Op, group};

impl Cx<'_> {
    pub(super) fn wide(&mut self, id: InstId, op: Op, args: List) {
        let halves: Vec<Value> = self.func.results(id).collect();
        let operands = self.func.list(args).to_vec();
        let Group::Wide(row) = op.group() else {
            unreachable!("{} is not a wide row", op.mnemonic())
        };
        match row {
            group::Wide::I64Add128 => {
                self.with_carry((AddSub::Adds, Carry::Adc), &halves, &operands);
            }
            group::Wide::I64Sub128 => {
                self.with_carry((AddSub::Subs, Carry::Sbc), &halves, &operands);
            }
            group::Wide::I64MulWideS => self.multiply(MulHigh::Smulh, &halves, &operands),
            group::Wide::I64MulWideU => self.multiply(MulHigh::Umulh, &halves, &operands),
        }
    }

    /// The general register of one half of a result.
    fn half(&mut self, half: Value) -> Gpr {
        super::as_gpr(self.vreg(half))
    }

    /// Operands: the halves of the one number, then of the other.
    fn with_carry(&mut self, ops: (AddSub, Carry), halves: &[Value], operands: &[Value]) {
        let size = Size::X;
        let [rn, rn2] = [0, 1].map(|half| self.gpr_or_zero(operands[half]));
        let [rm, rm2] = [2, 3].map(|half| self.gpr_or_zero(operands[half]));
        let rd = self.half(halves[0]);
        self.a64(Inst::add_sub(ops.0, size, rd, rn, rm));
        if self.is_needed(halves[1]) {
            let rd = self.half(halves[1]);
            self.a64(Inst::carry(ops.1, size, rd, rn2, rm2));
        }
    }

    fn multiply(&mut self, op: MulHigh, halves: &[Value], operands: &[Value]) {
        let (rn, rm) = (self.gpr(operands[0]), self.gpr(operands[1]));
        if self.is_needed(halves[0]) {
            let rd = self.half(halves[0]);
            self.a64(Inst::mul(Size::X, rd, rn, rm));
        }
        if self.is_needed(halves[1]) {
            let rd = self.half(halves[1]);
            self.a64(Inst::mul_high(op, rd, rn, rm));
        }
    }
}
