//! The stack tier.

use std::sync::Arc;

use crate::engine::{Backend, Config, Proof, Tier};
use crate::error::{Error, Result};
use crate::module::{CompiledModule, Module};
use crate::types::FuncType;
use crate::vm::FuncInst;

/// The stack tier as a backend.
#[derive(Debug)]
pub struct StackTier;

/// What the tier keeps for a module.
#[derive(Debug)]
struct Compiled;

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Backend for StackTier {
    fn tier(&self) -> Tier {
        Tier::Stack
    }

    fn compile(&self, module: &Module, _config: &Config) -> Result<Arc<dyn CompiledModule>> {
        if module.bodies.is_empty() {
            return Ok(Arc::new(Compiled));
        }
        Err(Error::unsupported("functions"))
    }

    fn install(&self, _compiled: &dyn CompiledModule, _module: &Module, _func: &mut FuncInst) {}

    fn install_host(&self, _func: &mut FuncInst, _ty: &FuncType) -> Result<()> {
        Ok(())
    }

    fn proof(&self, _compiled: &dyn CompiledModule) -> Proof {
        Proof::default()
    }
}
