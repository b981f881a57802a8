//! Room and tests of references: one machine instruction each before emission, with branches
//! inside (`emit/objects.rs`).

use super::Cx;
use crate::jit::arm64::minst::{MInst, RefTest};
use crate::jit::arm64::regs::XZR;
use crate::jit::ssa::{InstId, ObjectRoom, Value};

impl Cx<'_> {
    pub(super) fn allocate(&mut self, id: InstId, allocation: ObjectRoom) {
        let rd = self.result_gpr(id);
        self.emit(MInst::Allocate { rd, allocation });
    }

    /// Tests a reference, for a descriptor with that.
    pub(super) fn test_ref(
        &mut self,
        id: InstId,
        a: Value,
        descriptor: Option<Value>,
        test: RefTest,
    ) {
        let reference = self.gpr(a);
        let descriptor = descriptor.map_or(XZR, |value| self.gpr(value));
        let rd = self.result_gpr(id);
        self.emit(MInst::TestRef {
            rd,
            reference,
            descriptor,
            test,
        });
    }
}
