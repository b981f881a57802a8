//! Room and tests of references: one machine instruction each before emission, with branches
//! inside (`emit/objects.rs`).

use super::Cx;
use crate::gc::Cast;
use crate::jit::arm64::minst::{MInst, RefTest};
use crate::jit::arm64::regs::XZR;
use crate::jit::ssa::{InstId, ObjectRoom, Value};

impl Cx<'_> {
    pub(super) fn allocate(&mut self, id: InstId, allocation: ObjectRoom) {
        let rd = self.result_gpr(id);
        self.emit(MInst::Allocate { rd, allocation });
    }

    pub(super) fn cast(&mut self, id: InstId, cast: Cast, a: Value) {
        let reference = self.gpr(a);
        let rd = self.result_gpr(id);
        self.emit(MInst::TestRef {
            rd,
            reference,
            descriptor: XZR,
            test: RefTest::Cast(cast),
        });
    }

    pub(super) fn has_descriptor(
        &mut self,
        id: InstId,
        nullable: bool,
        a: Value,
        descriptor: Value,
    ) {
        let (reference, descriptor) = (self.gpr(a), self.gpr(descriptor));
        let rd = self.result_gpr(id);
        self.emit(MInst::TestRef {
            rd,
            reference,
            descriptor,
            test: RefTest::Descriptor { nullable },
        });
    }
}
