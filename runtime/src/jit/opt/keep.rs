//! Constants in loops that no instruction takes in: made once in front of the outermost loop, and
//! kept in a register.
//!
//! Lowering makes a constant anew at each use, which is best outside of loops, and where the using
//! instruction has it as an immediate.

use std::collections::HashMap;

use super::IsKept;
use crate::jit::cfg::Cfg;
use crate::jit::ssa::{Block, Func, Inst, Value};

/// Keeps the constants of which `is_kept` holds, for the instruction that uses them.
pub(super) fn run(func: &mut Func, cfg: &Cfg, is_kept: IsKept) {
    if cfg.loops.is_empty() {
        return;
    }
    let mut kept = HashMap::new();
    for &block in &cfg.order {
        let Some(home) = home_of(cfg, block) else {
            continue;
        };
        for n in 0..func.blocks[block.index()].insts.len() {
            let id = func.blocks[block.index()].insts[n];
            let mut inst = func.insts[id.index()].inst;
            let mut wanted = Vec::new();
            func.visit(&inst, |v| wanted.push(v));
            wanted.retain(|&v| is_constant(func, v) && is_kept(func, &inst, v));
            for &value in &wanted {
                kept.entry((home, value))
                    .or_insert_with(|| keep(func, home, value));
            }
            if !wanted.is_empty() && !matches!(inst, Inst::Keep { .. }) {
                let keep = |v| match wanted.contains(&v) {
                    true => kept[&(home, v)],
                    false => v,
                };
                func.map(&mut inst, keep);
                func.insts[id.index()].inst = inst;
            }
        }
    }
}

fn is_constant(func: &Func, value: Value) -> bool {
    matches!(
        func.def(value),
        Some(Inst::Const { .. } | Inst::Const128 { .. })
    )
}

/// The block in front of all loops that a block is in, as far as they have one.
fn home_of(cfg: &Cfg, block: Block) -> Option<Block> {
    let mut home = None;
    let mut at = block;
    while let Some(n) = cfg.loop_of[at.index()]
        && let Some(preheader) = cfg.loops[n as usize].preheader
    {
        home = Some(preheader);
        at = preheader;
    }
    home
}

fn keep(func: &mut Func, home: Block, value: Value) -> Value {
    let ty = func.ty(value);
    let id = func.add_inst(Inst::Keep { a: value }, &[ty], 0);
    func.blocks[home.index()].insts.push(id);
    func.result(id)
}
