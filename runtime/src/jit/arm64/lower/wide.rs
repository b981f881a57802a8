//! Numbers of 128 bits in two general registers.

use super::Cx;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::ops::{AddSub, Carry, MulHigh, Size};
use crate::jit::arm64::regs::Gpr;
use crate::jit::ssa::{InstId, List, Value};
use crate::ops::Op;

impl Cx<'_> {
    pub(super) fn wide(&mut self, id: InstId, op: Op, args: List) {
        let halves: Vec<Value> = self.func.results(id).collect();
        let operands = self.func.list(args).to_vec();
        match (op, &operands[..]) {
            (Op::I64Add128, &[a, b, c, d]) => {
                self.with_carry((AddSub::Adds, Carry::Adc), &halves, [a, b], [c, d]);
            }
            (Op::I64Sub128, &[a, b, c, d]) => {
                self.with_carry((AddSub::Subs, Carry::Sbc), &halves, [a, b], [c, d]);
            }
            (Op::I64MulWideS, &[a, b]) => self.multiply(MulHigh::Smulh, &halves, a, b),
            (Op::I64MulWideU, &[a, b]) => self.multiply(MulHigh::Umulh, &halves, a, b),
            (other, _) => unreachable!("{} is no wide row", other.mnemonic()),
        }
    }

    /// The general register of one half of a result.
    fn half(&mut self, half: Value) -> Gpr {
        super::as_gpr(self.vreg(half))
    }

    fn with_carry(&mut self, ops: (AddSub, Carry), halves: &[Value], a: [Value; 2], b: [Value; 2]) {
        let size = Size::X;
        let [rn, rn2] = a.map(|half| self.gpr_or_zero(half));
        let [rm, rm2] = b.map(|half| self.gpr_or_zero(half));
        let rd = self.half(halves[0]);
        self.a64(Inst::add_sub(ops.0, size, rd, rn, rm));
        if self.is_needed(halves[1]) {
            let rd = self.half(halves[1]);
            self.a64(Inst::Carry {
                op: ops.1,
                size,
                rd,
                rn: rn2,
                rm: rm2,
            });
        }
    }

    fn multiply(&mut self, op: MulHigh, halves: &[Value], a: Value, b: Value) {
        let (rn, rm) = (self.gpr(a), self.gpr(b));
        if self.is_needed(halves[0]) {
            let rd = self.half(halves[0]);
            self.a64(Inst::mul(Size::X, rd, rn, rm));
        }
        if self.is_needed(halves[1]) {
            let rd = self.half(halves[1]);
            self.a64(Inst::MulHigh { op, rd, rn, rm });
        }
    }
}
