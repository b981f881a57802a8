//! Bounds checks that an earlier one makes needless.
//!
//! A memory never shrinks. So once `index` plus a reach has been found inside, it stays so,
//! whatever happens in between, and every smaller reach with it.

use std::collections::HashMap;

use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::{Block, Inst, Value};

/// The subject of a check: the number of a memory, and the index.
type Subject = (u32, Value);

/// The number of checks of one subject that are kept.
const CHECKS_MAX: usize = 8;

/// The checks made so far, with their reach in bytes and their block.
#[derive(Default)]
pub(super) struct Checks {
    made: HashMap<Subject, Vec<(u64, Block)>>,
}

impl Checks {
    /// True if an instruction in `block` is a check that cannot fail any more. A check that can
    /// fail is noted.
    pub(super) fn is_proven(&mut self, cfg: &Cfg, block: Block, inst: &Inst) -> bool {
        let &Inst::CheckBounds {
            memory,
            index,
            reach,
            ..
        } = inst
        else {
            return false;
        };
        let made = self.made.entry((memory, index)).or_default();
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
