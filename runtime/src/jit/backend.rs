//! The JIT as the backend of an engine, whatever the target.

use std::collections::hash_map::Entry;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::code::signature::Signature;
use super::code::tables::Tables;
use super::code::{Code, walk};
use super::pipeline::{self, Image};
use super::publish::{Budget, CodeMemory};
use super::target::{Mode, Target};
use crate::engine::{Backend, CompiledPlace, Config, FrameShape, Proof, Tier};
use crate::error::{Error, Result};
use crate::module::{CompiledModule, ModuleParts};
use crate::sample::Stack;
use crate::types::FuncType;
use crate::vm::{self, FuncInst};

/// The JIT tier.
#[derive(Debug)]
pub struct JitTier<T> {
    /// The budget of all of the engine's code.
    budget: Arc<Budget>,
    /// Code by which compiled code calls host functions, by signature.
    host_calls: Stubs,
    /// The same for functions that are interpreted.
    interpreted_calls: Stubs,
    mode: Mode,
    target: PhantomData<T>,
}

type MakeStub = fn(&Signature, Mode) -> Result<Code>;

/// Pieces of code by signature.
#[derive(Debug, Default)]
struct Stubs(Mutex<FxHashMap<Signature, CodeMemory>>);

impl Stubs {
    /// The piece for a signature, made now if there is none.
    fn get<T: Target>(
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
                    pieces: vec![T::OUTWARD_PIECE],
                    ..Tables::default()
                };
                vacant.insert(CodeMemory::publish::<T>(&code.bytes, tables, budget)?)
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
    entries: FxHashMap<Signature, u32>,
    proof: Proof,
}

impl<T: Target> JitTier<T> {
    /// The tier for a configuration, whether this host can run it or not: compiling works anywhere.
    pub(super) fn compiling(config: &Config) -> JitTier<T> {
        JitTier {
            budget: Budget::of(config),
            mode: Mode::new(config),
            host_calls: Stubs::default(),
            interpreted_calls: Stubs::default(),
            target: PhantomData,
        }
    }

    /// The bytes that the engine's code may still take.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The tier for a configuration, if this host can run it.
    ///
    /// # Errors
    /// `Unsupported` on hosts that do not execute the target's code.
    pub fn new(config: &Config) -> Result<JitTier<T>> {
        if T::CAN_RUN {
            Ok(JitTier::compiling(config))
        } else {
            let message = format!("the jit tier needs an {} host", T::NAME);
            Err(Error::unsupported(message))
        }
    }
}

/// Code that a function of any module has, or a part of one, alone.
impl<T: Target> JitTier<T> {
    /// The code by which compiled code calls an interpreted function of that type: to be its
    /// `FuncInst::jit`.
    ///
    /// # Errors
    /// `Limit` if memory for code cannot be had.
    pub fn interpreted(&self, ty: &FuncType) -> Result<*const u8> {
        let calls = &self.interpreted_calls;
        calls.get::<T>(ty, (self.mode, &self.budget), T::interpreted_stub)
    }

    /// Compiles one function of a module, by body.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    pub fn compile_function(
        module: &ModuleParts,
        body: usize,
        config: &Config,
        budget: &Arc<Budget>,
    ) -> Result<Compiled> {
        pipeline::timed(module, body, config, || {
            let image = pipeline::compile_function::<T>(module, body, config)?;
            Compiled::new::<T>(image, budget)
        })
    }

    /// Compiles the rest of a function from a loop head on, which is the number of a block in the
    /// IR; an interpreter's frame of the shape is what it begins with.
    ///
    /// # Errors
    /// As [`Backend::compile`].
    pub fn compile_loop(
        module: &ModuleParts,
        body: usize,
        config: &Config,
        at: (u32, FrameShape),
        budget: &Arc<Budget>,
    ) -> Result<Compiled> {
        pipeline::timed(module, body, config, || {
            let image = pipeline::compile_loop::<T>(module, body, config, at)?;
            Compiled::new::<T>(image, budget)
        })
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

    fn new<T: Target>(image: Image, budget: &Arc<Budget>) -> Result<Compiled> {
        Ok(Compiled {
            code: CodeMemory::publish::<T>(&image.bytes, image.tables, budget)?,
            funcs: image.funcs,
            entries: image.entries,
            proof: image.proof,
        })
    }

    /// The counts of what was compiled.
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

/// Code at an address as a function that the other tiers and the host call.
fn as_entry(address: *const u8) -> vm::Entry {
    // SAFETY: only called with the address of published code that `Target::entry_stub` made, which
    // is a function of this type by the host's C calling convention.
    unsafe { std::mem::transmute::<*const u8, vm::Entry>(address) }
}

impl<T: Target> Backend for JitTier<T> {
    fn tier(&self) -> Tier {
        Tier::Jit
    }

    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let image = pipeline::compile::<T>(module, config)?;
        Ok(Arc::new(Compiled::new::<T>(image, &self.budget)?))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst) {
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
        func.jit = calls.get::<T>(ty, (self.mode, &self.budget), T::host_stub)?;
        Ok(())
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        own(compiled).proof.clone()
    }

    unsafe fn compiled_frames(&self, place: CompiledPlace, stack: &mut Stack<'_>) {
        // SAFETY: the caller's contract.
        unsafe { walk::give_frames(place, stack) };
    }
}

fn own(compiled: &dyn CompiledModule) -> &Compiled {
    let own = compiled.as_any().downcast_ref::<Compiled>();
    own.expect("an engine's modules are compiled by its one backend")
}
