//! Bounds checks that an earlier one makes needless.
//!
//! A memory never shrinks. So once `index` plus a reach has been found inside, it stays so,
//! whatever happens in between, and every smaller reach with it.

use std::collections::HashMap;

use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Class, Func, Inst, Value};
use crate::ops::Op;
use crate::trap::TrapKind;

/// What is compared: the memory, as the address of its `MemoryInst`, and the index.
type Subject = (Value, Value);

/// How many checks of one subject are kept: dominators come early and reach far, as a rule.
const CHECKS_MAX: usize = 8;

/// The checks made so far, with their reach in bytes and their block.
#[derive(Default)]
pub(super) struct Checks {
    made: HashMap<Subject, Vec<(u64, Block)>>,
}

impl Checks {
    /// Whether an instruction in `block` is a check that cannot fail any more. If it is one that
    /// can, it counts from now on.
    pub(super) fn is_proven(&mut self, func: &Func, cfg: &Cfg, block: Block, inst: &Inst) -> bool {
        let Some((subject, reach)) = as_check(func, inst) else {
            return false;
        };
        let made = self.made.entry(subject).or_default();
        let proves = |&(other, at): &(u64, Block)| other >= reach && cfg.dominates(at, block);
        if made.iter().any(proves) {
            return true;
        }
        if made.len() < CHECKS_MAX {
            made.push((reach, block));
        }
        false
    }
}

/// The subject and the reach of `TrapIf index > length - reach`, as `build/bounds.rs` makes it.
fn as_check(func: &Func, inst: &Inst) -> Option<(Subject, u64)> {
    let &Inst::TrapIf {
        cond,
        kind: TrapKind::MemoryOutOfBounds,
    } = inst
    else {
        return None;
    };
    let Some(Inst::Binary {
        op: Op::I64GtU,
        a: index,
        b: limit,
    }) = func.def(cond)
    else {
        return None;
    };
    let Some(Inst::Binary {
        op: Op::I64Sub,
        a: length,
        b: reach,
    }) = func.def(limit)
    else {
        return None;
    };
    let Some(Inst::Load {
        class: Class::Shape,
        base,
        ..
    }) = func.def(length)
    else {
        return None;
    };
    Some(((base, index), func.constant(reach)?))
}
