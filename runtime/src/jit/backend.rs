//! The JIT as the backend of an engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::arm64::stubs::{self, Signature};
use super::code::{CodeMemory, Tables};
use super::pipeline::{self, Image};
use crate::engine::{Backend, Config, Proof, Tier};
use crate::error::{Error, Result};
use crate::module::{CompiledModule, Module};
use crate::types::FuncType;
use crate::vm::{Entry, FuncInst};

/// Whether this host executes the code that the tier makes.
pub const CAN_RUN: bool = cfg!(all(
    unix,
    target_arch = "aarch64",
    target_pointer_width = "64"
));

/// The JIT tier.
#[derive(Debug, Default)]
pub struct JitTier {
    /// Code by which compiled code calls host functions, by signature.
    host_calls: Mutex<HashMap<Signature, CodeMemory>>,
}

/// A module's published code.
#[derive(Debug)]
pub struct Compiled {
    code: CodeMemory,
    funcs: Vec<u32>,
    entries: HashMap<Signature, u32>,
    proof: Proof,
}

impl JitTier {
    /// The tier, if this host can run it.
    ///
    /// # Errors
    /// `Unsupported` on hosts that do not execute ARM64 code.
    pub fn new() -> Result<JitTier> {
        if CAN_RUN {
            Ok(JitTier::default())
        } else {
            Err(Error::unsupported("the jit tier needs an ARM64 host"))
        }
    }
}

impl Compiled {
    fn new(image: Image) -> Result<Compiled> {
        Ok(Compiled {
            code: CodeMemory::publish(&image.bytes, image.tables)?,
            funcs: image.funcs,
            entries: image.entries,
            proof: image.proof,
        })
    }

    /// The addresses of the code.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.code.range()
    }
}

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Code at an address as what the other tiers and the host call.
fn as_entry(address: *const u8) -> Entry {
    // SAFETY: only called with the address of published code that `stubs::entry` made, which is a
    // function of this type by the C calling convention of ARM64.
    unsafe { std::mem::transmute::<*const u8, Entry>(address) }
}

impl Backend for JitTier {
    fn tier(&self) -> Tier {
        Tier::Jit
    }

    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let image = pipeline::compile(module, config)?;
        Ok(Arc::new(Compiled::new(image)?))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &Module, func: &mut FuncInst) {
        let compiled = own(compiled);
        let body = module
            .body_index(func.index)
            .expect("imports are not installed");
        let signature = Signature::new(&module.signatures[func.index as usize]);
        func.jit = compiled.code.address(compiled.funcs[body]);
        func.entry = as_entry(compiled.code.address(compiled.entries[&signature]));
    }

    fn install_host(&self, func: &mut FuncInst, ty: &FuncType) -> Result<()> {
        let signature = Signature::new(ty);
        let mut calls = self
            .host_calls
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !calls.contains_key(&signature) {
            let code = stubs::host(&signature)?;
            let tables = Tables {
                pieces: vec![stubs::HOST_PIECE],
                ..Tables::default()
            };
            let memory = CodeMemory::publish(&code.bytes, tables)?;
            calls.insert(signature.clone(), memory);
        }
        func.jit = calls[&signature].address(0);
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        own(compiled).proof.clone()
    }
}

fn own(compiled: &dyn CompiledModule) -> &Compiled {
    let own = compiled.as_any().downcast_ref::<Compiled>();
    own.expect("an engine's modules are compiled by its one backend")
}
