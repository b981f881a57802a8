//! Tier 2, the register interpreter: canonical IR, fused into cells.
//!
//! `register/machine.rs` says what code, registers and frames are; the handlers stand in
//! `register/{numeric,simd,memory,control,call}.rs`, in one table (`register/table.rs`);
//! `register/fuse.rs` makes their cells from IR, `register/body.rs` has it do so. It shares state,
//! numerics and the frame limits with the other tiers, and nothing else.

mod atomic;
mod body;
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

use body::Body;

use crate::engine::{Backend, Config, Proof, Tier};
use crate::error::Result;
use crate::module::{CompiledModule, Module};
use crate::types::FuncType;
use crate::vm::FuncInst;

/// The register tier as a backend.
#[derive(Debug)]
pub struct RegisterTier;

/// What the tier keeps for a module.
#[derive(Debug)]
struct Compiled {
    bodies: Box<[Body]>,
    /// What catches exceptions in them.
    handlers: Arc<unwind::Table>,
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
}

impl Backend for RegisterTier {
    fn tier(&self) -> Tier {
        Tier::Register
    }

    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let handlers = Arc::default();
        let (bodies, proof) = body::compile(module, config, &handlers)?;
        Ok(Arc::new(Compiled {
            bodies,
            handlers,
            proof,
        }))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &Module, func: &mut FuncInst) {
        if let Some(body) = module.body_index(func.index) {
            func.entry = call::entry;
            func.register = Compiled::of(compiled).bodies[body].address().cast();
        }
    }

    fn install_host(&self, _func: &mut FuncInst, _ty: &FuncType) -> Result<()> {
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        Compiled::of(compiled).proof.clone()
    }
}
