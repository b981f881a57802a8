//! Constants in loops that no instruction takes in: made once in front of the outermost loop, and
//! kept in a register.
//!
//! Lowering makes a constant anew at each use, which is best outside of loops, and where the using
//! instruction has it as an immediate. Of constants beyond what registers can hold it is best too.

use rustc_hash::FxHashMap;

use super::IsKept;
use crate::ir::Type;
use crate::jit::ssa::cfg::Cfg;
use crate::jit::ssa::rule::Rule;
use crate::jit::ssa::{Block, FuncSsa, Inst, Value};

/// The number of constants kept around a nest of loops, in general and in vector registers each.
const KEPT_MAX: u32 = 16;

/// Keeps the constants of which `is_kept` holds, for the instruction that uses them.
pub(super) fn run(func: &mut FuncSsa, cfg: &Cfg, is_kept: IsKept) {
    if cfg.loops.is_empty() {
        return;
    }
    let mut kept = FxHashMap::default();
    let mut room: FxHashMap<(Block, bool), u32> = FxHashMap::default();
    for &block in &cfg.order {
        let Some(home) = home_of(cfg, block) else {
            continue;
        };
        for n in 0..func.blocks[block.index()].insts.len() {
            let id = func.blocks[block.index()].insts[n];
            let inst = func.insts[id.index()].inst;
            let mut wanted = Vec::new();
            func.visit(&inst, |v| wanted.push(v));
            wanted.retain(|&v| func.is_constant(v) && is_kept(func, &inst, v));
            wanted.retain(|&value| {
                if kept.contains_key(&(home, value)) {
                    return true;
                }
                let room = room.entry((home, is_general(func, value)));
                let room = room.or_insert(KEPT_MAX);
                let has_room = *room > 0;
                if has_room {
                    *room -= 1;
                    kept.insert((home, value), keep(func, home, value));
                }
                has_room
            });
            if !wanted.is_empty() && !matches!(inst, Inst::Keep { .. }) {
                let keep = |v| match wanted.contains(&v) {
                    true => kept[&(home, v)],
                    false => v,
                };
                func.map(id, keep);
            }
        }
    }
}

/// True if a value is kept in a general register.
fn is_general(func: &FuncSsa, value: Value) -> bool {
    match func.ty(value) {
        Type::I32 | Type::I64 | Type::Ref => true,
        Type::F32 | Type::F64 | Type::V128 => false,
    }
}

/// The block in front of all loops that a block is in, as far as they have one.
fn home_of(cfg: &Cfg, block: Block) -> Option<Block> {
    let outermost = cfg.outermost_entered(cfg.loop_of[block.index()]?)?;
    cfg.loops[outermost as usize].preheader
}

fn keep(func: &mut FuncSsa, home: Block, value: Value) -> Value {
    Rule::KeepConstant.hit();
    let ty = func.ty(value);
    func.append(home, Inst::Keep { a: value }, &[ty], 0)
}
