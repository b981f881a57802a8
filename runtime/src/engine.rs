//! What engines are configured with, and what a tier offers to instantiation.
//!
//! The tiers live on a higher floor: they are reached through [`Backend`] only.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use wasmparser::WasmFeatures;

use crate::error::{Error, Result};
use crate::limits::{LimitKind, Limits};
use crate::module::{CompiledModule, ModuleParts};
use crate::types::{FuncType, TypeRegistry};
use crate::vm::{Entry, FuncInst};

/// One of the three ways of executing a function.
///
/// ```
/// use wassay_runtime::{Config, Engine, Tier};
///
/// let engine = Engine::new(Config::new().tier(Tier::Stack))?;
/// assert_eq!(Tier::Stack.name(), "stack");
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// The stack interpreter, the reference.
    Stack,
    /// The interpreter of the register IR.
    Register,
    /// ARM64 machine code.
    Jit,
}

impl Tier {
    /// All tiers.
    pub const ALL: [Tier; 3] = [Tier::Stack, Tier::Register, Tier::Jit];

    /// The name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Stack => "stack",
            Tier::Register => "register",
            Tier::Jit => "jit",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which tier runs a function.
///
/// ```
/// use wassay_runtime::{Config, Policy, Tier};
///
/// let mut config = Config::new();
/// config.policy(Policy::Only(Tier::Register));
/// assert_eq!(config.get_policy(), Policy::Only(Tier::Register));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every function in this tier, or an error (contract C1): at instantiation, or when it is
    /// first called if compilation is lazy.
    Only(Tier),
    /// Functions begin in the register interpreter and go on in machine code when they are hot.
    Tiered(Thresholds),
}

impl Policy {
    /// Whether code may run that the JIT has compiled.
    pub fn compiles(self) -> bool {
        matches!(self, Policy::Only(Tier::Jit) | Policy::Tiered(_))
    }
}

/// When a function is hot. 0 means the same as 1.
///
/// ```
/// use wassay_runtime::{Config, Policy, Thresholds};
///
/// let mut config = Config::new();
/// config.tiers(Thresholds { calls: 10, ..Thresholds::default() });
/// assert!(matches!(config.get_policy(), Policy::Tiered(thresholds) if thresholds.calls == 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The call of a function from which on it runs as machine code: 1 is its first.
    pub calls: u32,
    /// The arrival at a loop's head, by a back edge or not, at which a function that is being
    /// interpreted goes on as machine code: 1 is the first.
    pub back_edges: u32,
    /// Functions with a longer body stay in the interpreter.
    pub body_bytes_max: usize,
    /// Whether functions are compiled on a thread of the engine's own, and interpreted meanwhile.
    pub background: bool,
}

impl Thresholds {
    /// The same threshold for calls and back edges.
    pub fn both(n: u32) -> Thresholds {
        Thresholds {
            calls: n,
            back_edges: n,
            ..Thresholds::default()
        }
    }
}

impl Default for Thresholds {
    /// Compiling costs about as much as interpreting a function a hundred times.
    fn default() -> Thresholds {
        Thresholds {
            calls: 100,
            back_edges: 1000,
            body_bytes_max: 1 << 20,
            background: false,
        }
    }
}

/// When a tier compiles the functions of a module. Modules are validated when they are loaded.
///
/// ```
/// use wassay_runtime::{Compilation, Config, Engine};
///
/// let engine = Engine::new(Config::new().compilation(Compilation::Lazy))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compilation {
    /// All of them before the module is instantiated: what the tier does not execute is told then.
    Eager,
    /// Each when it is first called: a call of what the tier does not execute fails as
    /// `Unsupported`. The JIT compiles eagerly all the same.
    Lazy,
}

/// How compiled code checks accesses to 32-bit memories.
///
/// ```
/// use wassay_runtime::{Bounds, Config, Engine};
///
/// let engine = Engine::new(Config::new().bounds(Bounds::Explicit))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// By guard pages. On ARM64 hosts, a store of 2, 4 or 8 bytes that is not aligned and crosses
    /// the end of the memory may write the bytes that fit before it traps: the architecture leaves
    /// open what an aborted store has written where it did not abort (Arm ARM, "Definition of a
    /// precise exception"). Most cores write nothing. [`Bounds::Explicit`] is exact on all.
    Guard,
    /// By comparing.
    Explicit,
}

/// What code does where the spec leaves a result open (spec: Appendix, Profiles).
///
/// ```
/// use wassay_runtime::{Config, Engine, Profile};
///
/// let engine = Engine::new(Config::new().profile(Profile::Native))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The deterministic profile: NaNs that operations make are the positive canonical one, relaxed
    /// vector operations are fixed.
    #[default]
    Deterministic,
    /// The host's NaNs, and what costs it least. A tier may still be deterministic.
    Native,
}

/// How an engine is to run.
///
/// ```
/// use wassay_runtime::{Config, Engine};
///
/// let engine = Engine::new(Config::new().fuel(true).interruptible(true))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Which tier.
    pub(crate) policy: Policy,
    /// When functions are compiled.
    pub(crate) compilation: Compilation,
    /// Bounds checks of compiled code.
    pub(crate) bounds: Bounds,
    /// What modules may use.
    pub(crate) features: WasmFeatures,
    /// What a store may use.
    pub(crate) limits: Limits,
    /// Where the spec leaves results open.
    pub(crate) profile: Profile,
    /// Whether code counts the instructions that it executes, and traps when fuel runs out.
    pub(crate) fuel: bool,
    /// Whether code can be interrupted from outside, by request or deadline.
    pub(crate) interruptible: bool,
    /// Whether every allocation on the garbage-collected heap collects first: a test of roots.
    pub(crate) gc_stress: bool,
    /// Whether all that compiled code calls outside of it comes back with garbage in every register
    /// that it may change: a test of compiled code.
    pub(crate) poison_registers: bool,
    /// True if register allocation is checked after each function by symbolic execution: a test of
    /// compiled code that needs no execution.
    pub(crate) check_allocation: bool,
    /// Whether compiled code may use atomic read-modify-write instructions (FEAT_LSE of ARM64).
    pub(crate) has_atomics: bool,
}

impl Config {
    /// Everything in one tier, eagerly, WebAssembly 3.0, guard pages, default limits.
    pub fn only(tier: Tier) -> Config {
        Config {
            policy: Policy::Only(tier),
            compilation: Compilation::Eager,
            bounds: Bounds::Guard,
            features: WasmFeatures::WASM3,
            limits: Limits::default(),
            profile: Profile::Deterministic,
            fuel: false,
            interruptible: false,
            gc_stress: false,
            poison_registers: false,
            check_allocation: false,
            has_atomics: host_has_atomics(),
        }
    }

    /// The same, but every function in the tier that suits it.
    pub fn tiered(thresholds: Thresholds) -> Config {
        Config {
            policy: Policy::Tiered(thresholds),
            ..Config::only(Tier::Register)
        }
    }
}

/// Whether this host has them; others than ARM64 execute no compiled code, and are not in the way
/// of what is usual there.
fn host_has_atomics() -> bool {
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("lse");
    #[cfg(not(target_arch = "aarch64"))]
    return true;
}

/// What was compiled for a module, and how (contract C2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Functions with a body.
    pub functions: u64,
    /// Of these, how many were compiled by the tier.
    pub compiled: u64,
    /// How often code of the tier was entered from outside of it.
    pub entered: u64,
    /// Wasm instructions compiled to the tier's own code.
    pub ops_inline: u64,
    /// Wasm instructions compiled to a call of a helper, by mnemonic.
    pub ops_via_helper: BTreeMap<&'static str, u64>,
    /// Under [`Policy::Tiered`], what ran where.
    pub tiered: TieredProof,
}

/// How functions went from tier to tier. Everything else in a [`Proof`] is then of the JIT, save
/// that `entered` counts both tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TieredProof {
    /// Functions that were interpreted.
    pub interpreted: u64,
    /// How often the interpreter was entered from outside of it.
    pub entered_interpreter: u64,
    /// Loop heads at which compiled code can be entered.
    pub loops_compiled: u64,
    /// How often a function went on in compiled code at a loop head.
    pub loops_entered: u64,
    /// Functions and loops that were to be compiled and could not be, by reason.
    pub kept: BTreeMap<String, u64>,
}

impl Proof {
    /// Adds another proof's counts.
    pub fn add(&mut self, other: &Proof) {
        self.functions += other.functions;
        self.compiled += other.compiled;
        self.entered += other.entered;
        self.ops_inline += other.ops_inline;
        for (&op, n) in &other.ops_via_helper {
            *self.ops_via_helper.entry(op).or_default() += n;
        }
        self.tiered.add(&other.tiered);
    }
}

impl TieredProof {
    fn add(&mut self, other: &TieredProof) {
        self.interpreted += other.interpreted;
        self.entered_interpreter += other.entered_interpreter;
        self.loops_compiled += other.loops_compiled;
        self.loops_entered += other.loops_entered;
        for (reason, n) in &other.kept {
            *self.kept.entry(reason.clone()).or_default() += n;
        }
    }
}

/// What became of something that was to be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion<T> {
    /// It has been.
    Done(T),
    /// It will be: to be asked again.
    Pending,
    /// It cannot be.
    Never,
}

/// What an interpreter tells that a function is hot. The policy that mixes tiers offers it; it
/// counts in the store's proof what it does.
pub trait Promote: fmt::Debug + Send + Sync {
    /// When to ask.
    fn thresholds(&self) -> Thresholds;

    /// Gives a function compiled code: all that [`FuncInst`] says of how it is called has changed
    /// then.
    ///
    /// # Safety
    /// `func` is a function of the module in a live store, into which no reference is in use.
    unsafe fn function(&self, func: *mut FuncInst) -> Promotion<()>;

    /// Code for what is left of a call of a function from a loop head on: it finds the frame's
    /// slots, where `frame` says, at its arguments, and leaves the function's results there.
    ///
    /// # Safety
    /// As for [`Promote::function`].
    unsafe fn at_loop(&self, func: *mut FuncInst, head: u32, frame: FrameShape)
    -> Promotion<Entry>;
}

/// Where an interpreter has the slots of the IR in its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Slots of the parameters, which lie at the bottom.
    pub param_slots: u32,
    /// By how much all other slots are further up.
    pub shift: u32,
}

impl FrameShape {
    /// Where a slot of the IR lies.
    pub fn slot(self, slot: u32) -> u32 {
        if slot < self.param_slots {
            slot
        } else {
            slot + self.shift
        }
    }
}

/// What a tier offers to instantiation.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Which tier it is: that of what functions begin in, if it mixes them.
    fn tier(&self) -> Tier;

    /// Compiles every function of a module, or prepares for that if compilation is lazy.
    ///
    /// # Errors
    /// `Unsupported` with the opcode or feature that the tier does not execute; `Limit`.
    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>>;

    /// Fills in `entry` and the tier's own code pointer of a function of a compiled module, by
    /// its `index`.
    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst);

    /// Fills in what calls from this tier's code to a host function need; `entry` is set.
    ///
    /// # Errors
    /// `Limit` if memory for code cannot be had.
    fn install_host(&self, func: &mut FuncInst, ty: &FuncType) -> Result<()>;

    /// What was compiled (without `entered`).
    fn proof(&self, compiled: &dyn CompiledModule) -> Proof;
}

/// An engine: a configuration, its types, its tier. Cheap to clone. Types are kept as long as the
/// engine is, each once; what else modules and stores take comes back with them.
///
/// ```
/// use wassay_runtime::{Config, Engine, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let (one, other) = (Store::new(&engine, 1), Store::new(&engine, 2));
/// assert!(one.engine().same(other.engine()));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<EngineData>,
}

#[derive(Debug)]
struct EngineData {
    config: Config,
    registry: Arc<TypeRegistry>,
    backend: Box<dyn Backend>,
}

impl Engine {
    /// An engine that runs everything in one backend.
    pub(crate) fn with_backend(config: Config, backend: Box<dyn Backend>) -> Engine {
        Engine {
            inner: Arc::new(EngineData {
                config,
                registry: Arc::default(),
                backend,
            }),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The types of this engine's modules and stores.
    pub(crate) fn registry(&self) -> &Arc<TypeRegistry> {
        &self.inner.registry
    }

    /// The tier that runs functions.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.inner.backend
    }

    /// Whether two handles are of one engine.
    pub fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl ModuleParts {
    /// The addresses of the module's machine code in a tier; empty where there is none (yet).
    pub fn code(&self, tier: Tier) -> Range<usize> {
        let compiled = self.compiled[tier as usize].get();
        compiled.map_or(0..0, |compiled| compiled.code())
    }

    /// Decodes and validates a binary module under the engine's features.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` with the byte offset; `Limit` if it is too large.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<ModuleParts> {
        let limits = &engine.config().limits;
        let check = |kind, len: usize, max: usize, offset| {
            let message = || format!("{len} bytes are above {max}");
            let within = (len <= max).then_some(());
            within.ok_or_else(|| Error::limit(kind, message()).at(offset))
        };
        check(
            LimitKind::ModuleBytes,
            bytes.len(),
            limits.module_bytes_max,
            0,
        )?;
        let module =
            ModuleParts::decode(bytes, engine.config().features, engine.registry().clone())?;
        for body in &module.bodies {
            let (len, max) = (body.len(), limits.function_bytes_max);
            check(LimitKind::FunctionBytes, len, max, body.start)?;
        }
        Ok(module)
    }
}
