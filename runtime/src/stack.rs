//! Tier 1, the stack interpreter: the reference that the other tiers are compared with.
//!
//! It translates each function 1:1 to predecoded stack code with resolved branch targets
//! (`stack/translate.rs`) and runs that by direct-threaded handlers (`stack/machine.rs`, whose head
//! says how code, registers and frames are laid out). It shares state, numerics and the frame
//! layout with the other tiers, and nothing else. The handlers stand in one file for each chapter
//! of the spec's instructions.

mod atomic;
mod call;
mod choice;
mod code;
mod control;
mod gc;
mod machine;
mod memory;
mod numeric;
mod simd;
mod table;
#[cfg(test)]
mod tests;
mod translate;
mod unwind;
mod variable;

use std::sync::Arc;

use code::FuncCode;

use crate::backtrace::Frame;
use crate::engine::{Backend, Config, Proof, Tier};
use crate::error::Result;
use crate::module::{CompiledModule, ModuleParts};
use crate::types::FuncType;
use crate::vm::FuncInst;

#[cfg(test)]
use translate::is_supported;

/// The stack tier as a backend.
#[derive(Debug)]
pub struct StackTier;

/// The state of the tier for a module.
#[derive(Debug)]
struct Compiled {
    /// By index of the function's body. `FuncInst::stack` and the code itself point here.
    codes: Box<[FuncCode]>,
    proof: Proof,
}

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn frame_at(&self, address: usize) -> Option<Frame> {
        let ip = address as *const u64;
        let code = self.codes.iter().find(|code| code.has_before(ip))?;
        Some(code.frame(ip))
    }
}

impl Compiled {
    fn of(compiled: &dyn CompiledModule) -> &Compiled {
        compiled
            .as_any()
            .downcast_ref()
            .expect("a tier is given what it has compiled")
    }
}

impl Backend for StackTier {
    fn tier(&self) -> Tier {
        Tier::Stack
    }

    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let (codes, proof) = code::compile(module, config)?;
        Ok(Arc::new(Compiled { codes, proof }))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst) {
        if let Some(own) = module.body_index(func.index) {
            func.stack = (&raw const Compiled::of(compiled).codes[own]).cast();
            func.entry = call::entry;
        }
    }

    fn install_host(&self, _func: &mut FuncInst, _ty: &FuncType) -> Result<()> {
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        Compiled::of(compiled).proof.clone()
    }
}
