//! Tier 2, the register interpreter: canonical IR, fused into cells.
//!
//! In the order of the imports: `register/machine.rs` defines code, registers and frames; `code.rs`
//! has the code of a module and the tables beside it; `table.rs` lists the cells; `handlers/`
//! executes them; `fuse/` makes them from IR; `body.rs` translates a function when it is needed.
//! The tier shares state, numerics and the frame limits with the other tiers, and nothing else.

mod body;
mod code;
mod fuse;
mod handlers;
mod machine;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use code::Compiled;
use handlers::call;

use crate::engine::{Backend, Compilation, Config, Promote, Proof, Tier};
use crate::error::Result;
use crate::module::{CompiledModule, ModuleParts};
use crate::types::FuncType;
use crate::vm::FuncInst;

/// The register tier as a backend.
#[derive(Debug)]
pub struct RegisterTier;

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
        module: &ModuleParts,
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
        func.register = table::OUTSIDE.as_ptr().cast();
    }
}

fn compile(
    module: &ModuleParts,
    config: &Config,
    promoter: Option<Arc<dyn Promote>>,
) -> Result<Arc<dyn CompiledModule>> {
    let exceptions = Arc::default();
    let thresholds = promoter.as_ref().map(|promoter| promoter.thresholds());
    let (bodies, proof) = body::compile(module, config, &exceptions, thresholds)?;
    Ok(Arc::new(Compiled {
        bodies,
        exceptions,
        proof,
        promoter,
    }))
}

impl Backend for RegisterTier {
    fn tier(&self) -> Tier {
        Tier::Register
    }

    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        compile(module, config, None)
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst) {
        if let Some(body) = module.body_index(func.index) {
            func.entry = call::entry;
            func.register = Compiled::of(compiled).bodies.address(body).cast();
        }
    }

    fn install_host(&self, _func: &mut FuncInst, _ty: &FuncType) -> Result<()> {
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        Compiled::of(compiled).proof.clone()
    }

    fn entry_code(&self) -> *const u64 {
        table::EXIT.as_ptr()
    }
}
