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
mod promote;
mod simd;
mod table;
#[cfg(test)]
mod tests;
mod unwind;

use std::sync::Arc;

use body::Body;

use crate::backtrace::PositionCache;
use crate::engine::{Backend, Compilation, Config, Promote, Proof, Tier};
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
    /// For backtraces.
    positions: PositionCache,
    proof: Proof,
    /// What makes functions leave the tier, if anything does.
    promoter: Option<Arc<dyn Promote>>,
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

impl RegisterTier {
    /// Prepares a module whose functions are translated when they are first called, and leave the
    /// tier when they are hot.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    pub fn compile_lazily(
        &self,
        module: &Module,
        config: &Config,
        promoter: Arc<dyn Promote>,
    ) -> Result<Arc<dyn CompiledModule>> {
        let config = Config {
            compilation: Compilation::Lazy,
            ..*config
        };
        compile(module, &config, Some(promoter))
    }

    /// Lets the tier's code call a function by its `entry` from now on.
    pub fn install_outside(&self, func: &mut FuncInst) {
        func.register = promote::OUTSIDE.as_ptr().cast();
    }
}

fn compile(
    module: &Module,
    config: &Config,
    promoter: Option<Arc<dyn Promote>>,
) -> Result<Arc<dyn CompiledModule>> {
    let handlers = Arc::default();
    let thresholds = promoter.as_ref().map(|promoter| promoter.thresholds());
    let (bodies, proof) = body::compile(module, config, &handlers, thresholds)?;
    Ok(Arc::new(Compiled {
        bodies,
        handlers,
        positions: PositionCache::default(),
        proof,
        promoter,
    }))
}

impl Backend for RegisterTier {
    fn tier(&self) -> Tier {
        Tier::Register
    }

    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        compile(module, config, None)
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
