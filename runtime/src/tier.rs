//! Which tier runs a function: the choice of the backend for a policy, and the policy that mixes
//! tiers.
//!
//! Under [`Policy::Tiered`] a function begins in the register interpreter, which counts, and gets
//! compiled code, alone, when it is hot. Code belongs to the module, so that stores share it; a
//! store's functions get it one by one, when their store finds them hot. The two tiers know nothing
//! of each other: the interpreter calls what is compiled by `FuncInst::entry`, compiled code calls
//! what is interpreted by a piece of code in `FuncInst::jit`.
//!
//! A function that cannot be compiled stays in the interpreter, and is counted with its reason.
//! Code that is compiled in the background is requested again until it is there.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use crate::engine::{
    Backend, CompiledPlace, Config, Engine, FrameShape, Policy, Promote, Promotion, Proof,
    Thresholds, Tier,
};
use crate::error::{Error, ErrorKind, Result};
use crate::jit::{Budget, Compiled, JitTier};
use crate::limits::LimitKind;
use crate::module::{CompiledModule, ModuleParts, WeakModuleParts};
use crate::register::RegisterTier;
use crate::sample::Stack;
use crate::stack::StackTier;
use crate::store::StoreData;
use crate::types::FuncType;
use crate::vm::{Entry, FuncInst};

impl Engine {
    /// An engine for a configuration.
    ///
    /// # Errors
    /// `Unsupported` if the policy's tier cannot run on this machine.
    pub fn new(config: &Config) -> Result<Engine> {
        let backend: Box<dyn Backend> = match config.policy {
            Policy::Only(Tier::Stack) => Box::new(StackTier),
            Policy::Only(Tier::Register) => Box::new(RegisterTier),
            Policy::Only(Tier::Jit) => Box::new(JitTier::new(config)?),
            Policy::Tiered(thresholds) => Box::new(Tiers {
                thresholds,
                jit: JitTier::new(config)?,
                queue: thresholds.background.then(start).transpose()?,
            }),
        };
        Ok(Engine::with_backend(*config, backend))
    }
}

/// The register interpreter and the JIT together.
#[derive(Debug)]
struct Tiers {
    thresholds: Thresholds,
    jit: JitTier,
    queue: Option<Sender<Job>>,
}

impl Backend for Tiers {
    fn tier(&self) -> Tier {
        RegisterTier.tier()
    }

    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        for ty in &module.signatures[module.imported.funcs as usize..] {
            self.jit.interpreted(ty)?;
        }
        let promoter = Arc::new_cyclic(|this| Promoter {
            this: this.clone(),
            module: module.downgrade(),
            config: *config,
            thresholds: self.thresholds,
            queue: self.queue.clone(),
            budget: self.jit.budget().clone(),
            funcs: module
                .bodies
                .iter()
                .map(|_| FuncRequests::default())
                .collect(),
        });
        RegisterTier.compile_lazily(module, config, promoter)
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst) {
        RegisterTier.install(compiled, module, func);
        let piece = self
            .jit
            .interpreted(&module.signatures[func.index as usize]);
        func.jit = piece.expect("compiling has made it");
    }

    fn install_host(&self, func: &mut FuncInst, ty: &FuncType) -> Result<()> {
        self.jit.install_host(func, ty)
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        RegisterTier.proof(compiled)
    }

    fn entry_code(&self) -> *const u64 {
        RegisterTier.entry_code()
    }

    unsafe fn compiled_frames(&self, place: CompiledPlace, stack: &mut Stack<'_>) {
        // SAFETY: the caller's contract.
        unsafe { self.jit.compiled_frames(place, stack) };
    }
}

/// The compiler of the functions of a module.
#[derive(Debug)]
struct Promoter {
    /// The promoter itself, for compilation in the background.
    this: Weak<Promoter>,
    module: WeakModuleParts,
    config: Config,
    thresholds: Thresholds,
    /// To the thread that compiles, if there is one.
    queue: Option<Sender<Job>>,
    /// For all of the engine's code.
    budget: Arc<Budget>,
    /// By body.
    funcs: Box<[FuncRequests]>,
}

/// The compiled code of a function.
#[derive(Debug, Default)]
struct FuncRequests {
    whole: Arc<CodeRequest>,
    /// From loop heads on, by block.
    loops: Mutex<BTreeMap<u32, Arc<CodeRequest>>>,
}

/// Code that may be requested.
#[derive(Debug, Default)]
struct CodeRequest {
    /// The code, or why there is none.
    outcome: OnceLock<std::result::Result<Compiled, String>>,
    is_requested: AtomicBool,
    is_counted: AtomicBool,
}

/// The start of code: a loop head with a shape of the frame, or else the function's beginning.
type CodeStart = Option<(u32, FrameShape)>;

/// Code that is to be compiled in the background.
#[derive(Debug)]
struct Job {
    promoter: Weak<Promoter>,
    asked: Arc<CodeRequest>,
    body: usize,
    at: CodeStart,
}

/// The stack of the thread that compiles, whatever the environment asks for.
const COMPILER_STACK_BYTES: usize = 2 << 20;

/// Starts the thread that compiles; it ends when no module and no engine is left that can ask.
fn start() -> Result<Sender<Job>> {
    let (queue, jobs) = mpsc::channel::<Job>();
    let work = move || {
        for job in jobs {
            if let Some(promoter) = job.promoter.upgrade() {
                promoter.finish(&job.asked, job.body, job.at);
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("compiler".to_owned())
        .stack_size(COMPILER_STACK_BYTES);
    thread.spawn(work).map_err(|error| {
        let message = format!("no thread to compile on: {error}");
        Error::limit(LimitKind::System, message)
    })?;
    Ok(queue)
}

impl Promoter {
    fn compile(&self, body: usize, at: CodeStart) -> Result<Compiled> {
        let gone = || Error::new(ErrorKind::Internal, "the module has gone");
        let module = self.module.upgrade().ok_or_else(gone)?;
        let max = self.thresholds.body_bytes_max;
        if module.bodies[body].len() > max {
            let message = format!("its body is above {max} bytes");
            return Err(Error::limit(LimitKind::FunctionBytes, message));
        }
        match at {
            None => JitTier::compile_function(&module, body, &self.config, &self.budget),
            Some(at) => JitTier::compile_loop(&module, body, &self.config, at, &self.budget),
        }
    }

    /// The outcome of a request, which is compiled now if it has not been.
    fn finish<'a>(
        &self,
        asked: &'a CodeRequest,
        body: usize,
        at: CodeStart,
    ) -> &'a std::result::Result<Compiled, String> {
        let compile = || self.compile(body, at).map_err(|error| error.to_string());
        asked.outcome.get_or_init(compile)
    }

    /// The code, if it can be had now. `proof` counts the first outcome of a request.
    fn ask<'a>(
        &self,
        asked: &'a Arc<CodeRequest>,
        (body, at): (usize, CodeStart),
        proof: &mut Proof,
    ) -> Promotion<&'a Compiled> {
        if let Some(queue) = &self.queue
            && asked.outcome.get().is_none()
        {
            let job = Job {
                promoter: self.this.clone(),
                asked: asked.clone(),
                body,
                at,
            };
            if asked.is_requested.swap(true, Ordering::Relaxed) || queue.send(job).is_ok() {
                return Promotion::Pending;
            }
        }
        let outcome = self.finish(asked, body, at);
        let is_first = !asked.is_counted.swap(true, Ordering::Relaxed);
        match outcome {
            Ok(code) => {
                proof.tiered.loops_compiled += u64::from(is_first && at.is_some());
                Promotion::Done(code)
            }
            Err(reason) => {
                let reason = reason.clone();
                *proof.tiered.kept.entry(reason).or_default() += u64::from(is_first);
                Promotion::Never
            }
        }
    }

    /// The body of a function.
    fn body(&self, func: &FuncInst) -> Option<usize> {
        self.module.upgrade()?.body_index(func.index)
    }
}

/// The counts of a store.
///
/// # Safety
/// As for [`Promote::function`]; the reference is not kept.
unsafe fn proof<'a>(func: *mut FuncInst) -> &'a mut Proof {
    // SAFETY: the caller's contract: a function of a module has an instance, which has a store.
    unsafe { &mut (*(*(*(*func).vm).cx).store.cast::<StoreData>()).proof }
}

impl Promote for Promoter {
    fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    unsafe fn function(&self, func: *mut FuncInst) -> Promotion<()> {
        // SAFETY: the caller's contract.
        let (func, proof) = unsafe { (&mut *func, proof(func)) };
        let Some(body) = self.body(func) else {
            return Promotion::Never;
        };
        match self.ask(&self.funcs[body].whole, (body, None), proof) {
            Promotion::Done(code) => {
                code.install_alone(func);
                RegisterTier.install_outside(func);
                proof.add(code.proof());
                Promotion::Done(())
            }
            Promotion::Pending => Promotion::Pending,
            Promotion::Never => Promotion::Never,
        }
    }

    unsafe fn at_loop(
        &self,
        func: *mut FuncInst,
        head: u32,
        frame: FrameShape,
    ) -> Promotion<Entry> {
        // SAFETY: the caller's contract.
        let (func, proof) = unsafe { (&*func, proof(func)) };
        let Some(body) = self.body(func) else {
            return Promotion::Never;
        };
        let loops = &self.funcs[body].loops;
        let asked = {
            let mut loops = loops.lock().unwrap_or_else(PoisonError::into_inner);
            loops.entry(head).or_default().clone()
        };
        match self.ask(&asked, (body, Some((head, frame))), proof) {
            Promotion::Done(code) => Promotion::Done(code.only_entry()),
            Promotion::Pending => Promotion::Pending,
            Promotion::Never => Promotion::Never,
        }
    }
}
