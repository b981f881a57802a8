//! Atomic accesses: instructions of FEAT_LSE where the machine has them, else loops of exclusive
//! accesses. Loads acquire and stores release, which together is sequential consistency (the
//! architecture's ordered accesses do not pass each other).

use super::Cx;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::minst::{Exclusive, MInst};
use crate::jit::arm64::regs::{Tied, XZR};
use crate::jit::arm64::vector::{Atomic, AtomicSize, LoadOrdered, Order};
use crate::jit::ssa::atomic::AtomicOp;
use crate::jit::ssa::{InstId, List, Value};

impl Cx<'_> {
    pub(super) fn fence(&mut self) {
        self.a64(Inst::dmb());
    }

    pub(super) fn atomic(&mut self, id: InstId, op: AtomicOp, size_log2: u8, args: List) {
        let args = self.func.list(args).to_vec();
        let size = match size_log2 {
            0 => AtomicSize::B,
            1 => AtomicSize::H,
            2 => AtomicSize::W,
            _ => AtomicSize::X,
        };
        let rn = self.gpr(args[0]);
        match op {
            AtomicOp::Load => {
                let rt = self.result_gpr(id);
                self.a64(Inst::load_ordered(LoadOrdered::Ldar, size, rt, rn));
            }
            AtomicOp::Store => {
                let rt = self.gpr_or_zero(args[1]);
                self.a64(Inst::store_release(size, rt, rn));
            }
            _ if !self.func.has_atomics => self.exclusive(id, op, size, &args),
            AtomicOp::CompareSwap => {
                let (old, rt) = (self.gpr(args[1]), self.gpr_or_zero(args[2]));
                let new = self.result_gpr(id);
                self.a64(Inst::compare_swap(
                    Order::AcqRel,
                    size,
                    Tied { old, new },
                    rt,
                    rn,
                ));
            }
            AtomicOp::Add => self.read_modify_write(id, Atomic::Ldadd, size, &args),
            AtomicOp::Clear => self.read_modify_write(id, Atomic::Ldclr, size, &args),
            AtomicOp::Set => self.read_modify_write(id, Atomic::Ldset, size, &args),
            AtomicOp::Invert => self.read_modify_write(id, Atomic::Ldeor, size, &args),
            AtomicOp::Swap => self.read_modify_write(id, Atomic::Swp, size, &args),
        }
    }

    fn read_modify_write(&mut self, id: InstId, op: Atomic, size: AtomicSize, args: &[Value]) {
        let (rn, rs) = (self.gpr(args[0]), self.gpr_or_zero(args[1]));
        let rt = self.result_gpr(id);
        self.a64(Inst::atomic(op, Order::AcqRel, size, rs, rt, rn));
    }

    fn exclusive(&mut self, id: InstId, op: AtomicOp, size: AtomicSize, args: &[Value]) {
        let address = self.gpr(args[0]);
        let (expected, value) = match args[1..] {
            [value] => (XZR, self.gpr(value)),
            [expected, value] => (self.gpr(expected), self.gpr(value)),
            _ => unreachable!("one operand, or two of a compare-and-swap"),
        };
        let rd = self.result_gpr(id);
        self.emit(MInst::Exclusive(Exclusive {
            op,
            size,
            rd,
            address,
            value,
            expected,
        }));
    }
}
