//! Tier 2, the register interpreter: canonical IR, fused into cells.
//!
//! `register/machine.rs` says what code, registers and frames are; the handlers stand in
//! `register/{numeric,simd,memory,control,call}.rs`, in one table (`register/table.rs`);
//! `register/fuse.rs` makes their cells from IR. It shares state, numerics and the frame limits
//! with the other tiers, and nothing else.

mod atomic;
mod call;
mod control;
mod fuse;
mod gc;
mod machine;
mod memory;
mod numeric;
mod simd;
mod table;
#[cfg(test)]
mod tests;
mod unwind;

use std::sync::Arc;

use crate::engine::{Backend, Config, Proof, Tier};
use crate::error::Result;
use crate::ir::{self, Inst};
use crate::module::{CompiledModule, Module};
use crate::ops::{Op, Shape};
use crate::types::FuncType;
use crate::vm::FuncInst;
use unwind::Handlers;

/// The register tier as a backend.
#[derive(Debug)]
pub struct RegisterTier;

/// What the tier keeps for a module.
#[derive(Debug)]
struct Compiled {
    /// The cells of each function body. They point to each other and do not move.
    codes: Vec<Box<[u64]>>,
    /// What catches exceptions in them.
    handlers: unwind::Table,
    proof: Proof,
}

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Compiled {
    fn of(compiled: &dyn CompiledModule) -> &Compiled {
        let compiled = compiled.as_any().downcast_ref();
        compiled.expect("the engine hands back what the same tier has compiled")
    }

    fn add(&mut self, func: &ir::Func, cells: &[u64], handlers: Option<Handlers>) {
        let mut helped = 0;
        for inst in &func.insts {
            if let Some(op) = helper_op(inst) {
                let count = &mut self.proof.ops_via_helper;
                *count.entry(op.mnemonic()).or_default() += 1;
                helped += 1;
            }
        }
        self.proof.functions += 1;
        self.proof.compiled += 1;
        self.proof.ops_inline += func.ops - helped;
        let code: Box<[u64]> = cells.into();
        if let Some(handlers) = handlers {
            self.handlers.add(&code, handlers);
        }
        self.codes.push(code);
    }

    /// Fills in the addresses of code that calls name: cells of bodies, by function index.
    fn link(&mut self, module: &Module, calls: &[(usize, usize, u32)]) {
        for &(body, cell, func) in calls {
            if let Some(callee) = module.body_index(func) {
                self.codes[body][cell] = self.codes[callee].as_ptr() as u64;
            }
        }
    }
}

/// The opcode of an instruction that a helper executes.
fn helper_op(inst: &Inst) -> Option<Op> {
    match *inst {
        Inst::Helper { op, .. } => Some(op),
        Inst::Aggregate { op, .. } if op != Op::StructNew => Some(op),
        Inst::Throw { .. } => Some(Op::Throw),
        Inst::Atomic { op, .. } if op.shape() == Shape::AtomicSync => Some(op),
        _ => None,
    }
}

impl Backend for RegisterTier {
    fn tier(&self) -> Tier {
        Tier::Register
    }

    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let mut compiled = Compiled {
            codes: Vec::with_capacity(module.bodies.len()),
            handlers: unwind::Table::default(),
            proof: Proof::default(),
        };
        let mut calls = Vec::new();
        let (mut building, mut fusing) = (ir::Scratch::default(), fuse::Scratch::default());
        for body in 0..module.bodies.len() {
            let func = ir::build_in(module, body, config, &mut building)?;
            let fused = fuse::fuse(&func, &mut fusing)?;
            calls.extend(fused.calls.iter().map(|&(cell, func)| (body, cell, func)));
            compiled.add(&func, fused.cells, fused.handlers);
            building.recycle(func);
        }
        compiled.link(module, &calls);
        Ok(Arc::new(compiled))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &Module, func: &mut FuncInst) {
        if let Some(body) = module.body_index(func.index) {
            func.entry = call::entry;
            func.register = Compiled::of(compiled).codes[body].as_ptr().cast();
        }
    }

    fn install_host(&self, _func: &mut FuncInst, _ty: &FuncType) -> Result<()> {
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        Compiled::of(compiled).proof.clone()
    }
}
