//! The JIT as the backend of an engine.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::arm64::asm::Code;
use super::arm64::stubs::{self, Mode, Signature};
use super::pipeline::{self, Image};
use super::publish::{Budget, CodeMemory, Tables};
use crate::engine::{Backend, Config, FrameShape, Proof, Tier};
use crate::error::{Error, Result};
use crate::module::{CompiledModule, Module};
use crate::types::FuncType;
use crate::vm::{self, FuncInst};

/// Whether this host executes the code that the tier makes.
pub const CAN_RUN: bool = cfg!(all(
    unix,
    target_arch = "aarch64",
    target_pointer_width = "64"
));

/// The JIT tier.
#[derive(Debug)]
pub struct JitTier {
    /// For all of the engine's code.
    budget: Arc<Budget>,
    /// Code by which compiled code calls host functions, by signature.
    host_calls: Stubs,
    /// The same for functions that are interpreted.
    interpreted_calls: Stubs,
    mode: Mode,
}

type MakeStub = fn(&Signature, Mode) -> Result<Code>;

/// Pieces of code by signature.
#[derive(Debug, Default)]
struct Stubs(Mutex<HashMap<Signature, CodeMemory>>);

impl Stubs {
    /// The piece for a signature, made now if there is none.
    fn get(
        &self,
        ty: &FuncType,
        (mode, budget): (Mode, &Arc<Budget>),
        make: MakeStub,
    ) -> Result<*const u8> {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match pieces.entry(Signature::new(ty)) {
            Entry::Occupied(piece) => piece.into_mut(),
            Entry::Vacant(vacant) => {
                let code = make(vacant.key(), mode)?;
                let tables = Tables {
                    pieces: vec![stubs::HOST_PIECE],
                    ..Tables::default()
                };
                vacant.insert(CodeMemory::publish(&code.bytes, tables, budget)?)
            }
        };
        Ok(code.address(0))
    }
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
    /// The tier for a configuration, whether this host can run it or not: compiling works anywhere.
    pub(super) fn compiling(config: &Config) -> JitTier {
        JitTier {
            budget: Budget::new(config.limits.code_bytes_max),
            mode: Mode::new(config),
            host_calls: Stubs::default(),
            interpreted_calls: Stubs::default(),
        }
    }

    /// What the engine's code may still take.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The tier for a configuration, if this host can run it.
    ///
    /// # Errors
    /// `Unsupported` on hosts that do not execute ARM64 code.
    pub fn new(config: &Config) -> Result<JitTier> {
        if CAN_RUN {
            Ok(JitTier::compiling(config))
        } else {
            Err(Error::unsupported("the jit tier needs an ARM64 host"))
        }
    }
}

/// Code that a function of any module has, or a part of one, alone.
impl JitTier {
    /// What compiled code calls an interpreted function of that type by: to be its `FuncInst::jit`.
    ///
    /// # Errors
    /// `Limit` if memory for code cannot be had.
    pub fn interpreted(&self, ty: &FuncType) -> Result<*const u8> {
        let calls = &self.interpreted_calls;
        calls.get(ty, (self.mode, &self.budget), stubs::interpreted)
    }

    /// Compiles one function of a module, by body.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    pub fn compile_function(
        module: &Module,
        body: usize,
        config: &Config,
        budget: &Arc<Budget>,
    ) -> Result<Compiled> {
        Compiled::new(pipeline::compile_function(module, body, config)?, budget)
    }

    /// Compiles the rest of a function from a loop head on, which is the number of a block in the
    /// IR; an interpreter's frame of the shape is what it begins with.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    pub fn compile_loop(
        module: &Module,
        body: usize,
        config: &Config,
        at: (u32, FrameShape),
        budget: &Arc<Budget>,
    ) -> Result<Compiled> {
        Compiled::new(pipeline::compile_loop(module, body, config, at)?, budget)
    }
}

impl Compiled {
    /// Gives a function its code, of [`JitTier::compile_function`].
    pub fn install_alone(&self, func: &mut FuncInst) {
        func.jit = self.code.address(self.funcs[0]);
        func.entry = self.only_entry();
    }

    /// The entry of code that has one.
    pub fn only_entry(&self) -> vm::Entry {
        debug_assert!(self.entries.len() == 1);
        let entry = self.entries.values().next().copied().unwrap_or_default();
        as_entry(self.code.address(entry))
    }

    fn new(image: Image, budget: &Arc<Budget>) -> Result<Compiled> {
        Ok(Compiled {
            code: CodeMemory::publish(&image.bytes, image.tables, budget)?,
            funcs: image.funcs,
            entries: image.entries,
            proof: image.proof,
        })
    }

    /// What was compiled.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

impl CompiledModule for Compiled {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn code(&self) -> Range<usize> {
        self.code.range()
    }
}

/// Code at an address as what the other tiers and the host call.
fn as_entry(address: *const u8) -> vm::Entry {
    // SAFETY: only called with the address of published code that `stubs::entry` made, which is a
    // function of this type by the C calling convention of ARM64.
    unsafe { std::mem::transmute::<*const u8, vm::Entry>(address) }
}

impl Backend for JitTier {
    fn tier(&self) -> Tier {
        Tier::Jit
    }

    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let image = pipeline::compile(module, config)?;
        Ok(Arc::new(Compiled::new(image, &self.budget)?))
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
        let calls = &self.host_calls;
        func.jit = calls.get(ty, (self.mode, &self.budget), stubs::host)?;
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
