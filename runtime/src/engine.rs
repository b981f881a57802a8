//! The configuration of engines, and the interface that a tier offers to instantiation.
//!
//! The tiers live on a higher floor: they are reached through [`Backend`] only.

mod stacks;

pub(crate) use stacks::Stacks;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use wasmparser::WasmFeatures;

use crate::count::Counter;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LimitKind, Limits};
use crate::module::{CompiledModule, ModuleParts};
use crate::perf_map::PerfMap;
use crate::sample::{Sampler, Stack};
use crate::types::{FuncType, TypeRegistry};
use crate::vm::{Entry, FuncInst};
use stacks::StackPool;

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
#[non_exhaustive]
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

/// The choice of the tier that runs a function.
///
/// ```
/// use wassay_runtime::{Config, Policy, Tier};
///
/// let mut config = Config::new();
/// config.policy(Policy::Only(Tier::Register));
/// assert_eq!(config.get_policy(), Policy::Only(Tier::Register));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every function in this tier, or an error (contract C1): at instantiation, or when it is
    /// first called if compilation is lazy.
    Only(Tier),
    /// Functions begin in the register interpreter and go on in machine code when they are hot.
    Tiered(Thresholds),
}

impl Policy {
    /// True if code may run that the JIT has compiled.
    pub fn compiles(self) -> bool {
        matches!(self, Policy::Only(Tier::Jit) | Policy::Tiered(_))
    }
}

/// The counts at which a function is hot. 0 means the same as 1.
///
/// ```
/// use wassay_runtime::{Config, Policy, Thresholds};
///
/// let mut config = Config::new();
/// config.tiers(Thresholds::new().calls(10));
/// assert!(matches!(config.get_policy(), Policy::Tiered(it) if it.get_calls() == 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub(crate) calls: u32,
    pub(crate) back_edges: u32,
    pub(crate) body_bytes_max: usize,
    pub(crate) background: bool,
}

impl Default for Thresholds {
    /// The thresholds of an ordinary program: to compile a function costs about as much as to
    /// interpret it a hundred times.
    fn default() -> Thresholds {
        Thresholds {
            calls: 100,
            back_edges: 1000,
            body_bytes_max: 1 << 20,
            background: false,
        }
    }
}

/// The time at which a tier compiles the functions of a module. Modules are validated when they are
/// loaded.
///
/// ```
/// use wassay_runtime::{Compilation, Config, Engine};
///
/// let engine = Engine::new(Config::new().compilation(Compilation::Lazy))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compilation {
    /// All functions before the module is instantiated. An instruction that the tier does not
    /// execute is an error then.
    Eager,
    /// Each function when it is first called. A call of a function that the tier does not execute
    /// fails as `Unsupported`. The JIT compiles eagerly in this mode, too.
    Lazy,
}

/// The way in which compiled code checks accesses to 32-bit memories.
///
/// ```
/// use wassay_runtime::{Bounds, Config, Engine};
///
/// let engine = Engine::new(Config::new().bounds(Bounds::Explicit))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bounds {
    /// By guard pages. On ARM64 hosts, a store of 2, 4 or 8 bytes that is not aligned and crosses
    /// the end of the memory may write the bytes that fit before it traps: the architecture leaves
    /// open what an aborted store has written where it did not abort (Arm ARM, "Definition of a
    /// precise exception"). Most cores write nothing. [`Bounds::Explicit`] is exact on all.
    #[default]
    Guard,
    /// By comparing.
    Explicit,
}

/// The results of code where the spec leaves a result open (spec: Appendix, Profiles).
///
/// ```
/// use wassay_runtime::{Config, Engine, Profile};
///
/// let engine = Engine::new(Config::new().profile(Profile::Native))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The deterministic profile: NaNs that operations make are the positive canonical one, and the
    /// results of relaxed vector operations are fixed.
    #[default]
    Deterministic,
    /// The host's NaNs, and the results that cost the host least. A tier may still be
    /// deterministic.
    Native,
}

/// The words of a setting, one for each variant, which `Display` writes and `FromStr` reads.
macro_rules! words {
    ($ty:ident: $($variant:ident = $word:literal),*) => {
        impl $ty {
            /// Every variant, in the order of [`Self::WORDS`].
            pub const ALL: &'static [$ty] = &[$($ty::$variant),*];
            /// The words of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word of the variant.
            pub const fn word(self) -> &'static str {
                match self { $($ty::$variant => $word,)* }
            }
        }

        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }

        impl FromStr for $ty {
            type Err = Error;

            fn from_str(text: &str) -> Result<$ty, Error> {
                let found = $ty::ALL.iter().find(|it| it.word() == text);
                found.copied().ok_or_else(|| {
                    let known = $ty::WORDS.join(", ");
                    Error::new(ErrorKind::Usage, format!("unknown `{text}` (known: {known})"))
                })
            }
        }
    };
}

words!(Bounds: Guard = "guard", Explicit = "explicit");
words!(Profile: Deterministic = "deterministic", Native = "native");

/// The configuration of an engine.
///
/// ```
/// use wassay_runtime::{Config, Engine};
///
/// let engine = Engine::new(Config::new().fuel(true).interruptible(true))?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The choice of the tier.
    pub(crate) policy: Policy,
    /// The time at which functions are compiled.
    pub(crate) compilation: Compilation,
    /// The bounds checks of compiled code.
    pub(crate) bounds: Bounds,
    /// The features that modules may use.
    pub(crate) features: WasmFeatures,
    /// The limits of a store.
    pub(crate) limits: Limits,
    /// The results where the spec leaves them open.
    pub(crate) profile: Profile,
    /// True if code counts the instructions that it executes, and traps when fuel runs out.
    pub(crate) fuel: bool,
    /// True if code can be interrupted from outside, by request or deadline.
    pub(crate) interruptible: bool,
    /// The counter of what the stack tier executes, if it is to be counted.
    pub(crate) counter: Option<&'static Counter>,
    /// The sampler of what runs, if there is one. Code is interruptible then.
    pub(crate) sampler: Option<&'static Sampler>,
    /// The file that names machine code for a system's profiler, if there is one.
    pub(crate) perf_map: Option<&'static PerfMap>,
    /// True if every allocation on the garbage-collected heap collects first: a test of roots.
    pub(crate) gc_stress: bool,
    /// True if every call out of compiled code returns with garbage in the registers that it may
    /// change: a test of compiled code.
    pub(crate) poison_registers: bool,
    /// True if register allocation is checked after each function by symbolic execution: a test of
    /// compiled code that needs no execution.
    pub(crate) check_allocation: bool,
    /// True if the registers of every function are allocated in linear time, as are those of the
    /// largest functions otherwise: a test of that allocator.
    pub(crate) linear_allocation: bool,
    /// True if compiled code may use atomic read-modify-write instructions (FEAT_LSE of ARM64).
    pub(crate) has_atomics: bool,
}

impl Config {
    /// The configuration with everything in one tier, eager compilation, WebAssembly 3.0, guard
    /// pages and default limits.
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
            counter: None,
            sampler: None,
            perf_map: None,
            gc_stress: false,
            poison_registers: false,
            check_allocation: false,
            linear_allocation: false,
            has_atomics: host_has_atomics(),
        }
    }

    /// The same configuration with tiers mixed: functions change over when they are hot.
    pub fn tiered(thresholds: Thresholds) -> Config {
        Config {
            policy: Policy::Tiered(thresholds),
            ..Config::only(Tier::Register)
        }
    }
}

/// True if this host has atomic read-modify-write instructions. Hosts other than ARM64 execute no
/// compiled code; the answer there is that of usual ARM64 machines.
fn host_has_atomics() -> bool {
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("lse");
    #[cfg(not(target_arch = "aarch64"))]
    return true;
}

/// The record of what was compiled in a store, and of what was entered (contract C2).
///
/// ```
/// use wassay_runtime::{Config, Engine, Func, Instance, Module, Store, Tier};
///
/// let engine = Engine::new(Config::new().tier(Tier::Register))?;
/// // (module (func (export "f") nop))
/// let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\
///     \x0a\x05\x01\x03\0\x01\x0b";
/// let module = Module::new(&engine, bytes)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// instance.get_typed_func::<(), ()>(&store, "f")?.call(&mut store, ())?;
/// let proof = store.proof();
/// assert_eq!((proof.functions(), proof.compiled(), proof.entered()), (1, 1, 1));
/// assert!(proof.ops_via_helper().is_empty());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub(crate) functions: u64,
    pub(crate) compiled: u64,
    pub(crate) entered: u64,
    pub(crate) ops_inline: u64,
    pub(crate) ops_via_helper: BTreeMap<&'static str, u64>,
    pub(crate) tiered: TieredProof,
}

/// The record of how functions went from tier to tier. Everything else in a [`Proof`] is then of
/// the JIT, save that [`Proof::entered`] counts both tiers.
///
/// ```
/// use wassay_runtime::{Config, Engine, Store, TieredProof};
///
/// let store = Store::new(&Engine::new(&Config::new())?, ());
/// let proof = store.proof();
/// let tiered: &TieredProof = proof.tiered();
/// assert_eq!((tiered.interpreted(), tiered.loops_entered()), (0, 0));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TieredProof {
    pub(crate) interpreted: u64,
    pub(crate) entered_interpreter: u64,
    pub(crate) loops_compiled: u64,
    pub(crate) loops_entered: u64,
    pub(crate) kept: BTreeMap<String, u64>,
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        pub fn $name(&self) -> u64 {
            self.$name
        }
    )* };
}

impl Proof {
    counts! {
        /// The functions with a body.
        functions;
        /// Of these, the functions that the tier has compiled.
        compiled;
        /// The entries into code of the tier from outside of it.
        entered;
        /// The Wasm instructions that became the tier's own code.
        ops_inline;
    }

    /// The Wasm instructions that became a call of a helper, by mnemonic.
    pub fn ops_via_helper(&self) -> &BTreeMap<&'static str, u64> {
        &self.ops_via_helper
    }

    /// The record of what ran where, under [`Policy::Tiered`].
    pub fn tiered(&self) -> &TieredProof {
        &self.tiered
    }

    /// Adds another proof's counts.
    pub(crate) fn add(&mut self, other: &Proof) {
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
    counts! {
        /// The functions that were interpreted.
        interpreted;
        /// The entries into the interpreter from outside of it.
        entered_interpreter;
        /// The loop heads at which compiled code can be entered.
        loops_compiled;
        /// The times that a function went on in compiled code at a loop head.
        loops_entered;
    }

    /// The functions and loops that were to be compiled and could not be, by reason.
    pub fn kept(&self) -> &BTreeMap<String, u64> {
        &self.kept
    }

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

/// The state of a function or loop that was to be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion<T> {
    /// It has been compiled.
    Done(T),
    /// It will be compiled: the caller asks again.
    Pending,
    /// It cannot be compiled.
    Never,
}

/// The receiver of an interpreter's notices that a function is hot. The policy that mixes tiers
/// implements this trait, and counts in the store's proof what happens.
pub trait Promote: fmt::Debug + Send + Sync {
    /// The counts at which the interpreter gives notice.
    fn thresholds(&self) -> Thresholds;

    /// Gives a function compiled code, by changing the entries of its [`FuncInst`].
    ///
    /// # Safety
    /// `func` is a function of the module in a live store, into which no reference is in use.
    unsafe fn function(&self, func: *mut FuncInst) -> Promotion<()>;

    /// The code for the rest of a call of a function from a loop head on. It finds the frame's
    /// slots in the order of `frame` at its arguments, and leaves the function's results there.
    ///
    /// # Safety
    /// As for [`Promote::function`].
    unsafe fn at_loop(&self, func: *mut FuncInst, head: u32, frame: FrameShape)
    -> Promotion<Entry>;
}

/// The places of the IR's slots in an interpreter's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// The number of slots of the parameters, which lie at the bottom.
    pub param_slots: u32,
    /// The distance by which all other slots lie further up.
    pub shift: u32,
}

impl FrameShape {
    /// The place of a slot of the IR.
    pub fn slot(self, slot: u32) -> u32 {
        if slot < self.param_slots {
            slot
        } else {
            slot + self.shift
        }
    }
}

/// A place where compiled code has stopped: at a call, where a trap has been found, or where it
/// polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompiledPlace {
    /// The address behind the instruction.
    pub return_address: usize,
    /// The stack pointer there.
    pub sp: usize,
    /// The return address of the function itself, if its frame does not hold it: the link register
    /// as it was before the instruction.
    pub link: usize,
}

/// The interface of a tier for instantiation.
pub trait Backend: fmt::Debug + Send + Sync {
    /// The tier; if the backend mixes tiers, the one in which functions begin.
    fn tier(&self) -> Tier;

    /// Compiles every function of a module, or prepares for that if compilation is lazy.
    ///
    /// # Errors
    /// `Unsupported` with the opcode or feature that the tier does not execute; `Limit`.
    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>>;

    /// Fills in `entry` and the tier's own code pointer of a function of a compiled module, by
    /// its `index`.
    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst);

    /// Fills in the fields that calls from this tier's code to a host function need; `entry` is
    /// set.
    ///
    /// # Errors
    /// `Limit` if memory for code cannot be had.
    fn install_host(&self, func: &mut FuncInst, ty: &FuncType) -> Result<()>;

    /// The record of what was compiled (without `entered`).
    fn proof(&self, compiled: &dyn CompiledModule) -> Proof;

    /// The code to which a control frame leads that ends an entry from outside; null if the control
    /// stack has no such frame, or nothing but interpreted callers.
    fn entry_code(&self) -> *const u64 {
        std::ptr::null()
    }

    /// Gives the functions of compiled code to a sample, from a place where code has stopped
    /// outwards, up to its entry.
    ///
    /// # Safety
    /// Compiled code of this thread has stopped there, and the frames up to its entry are as they
    /// were.
    unsafe fn compiled_frames(&self, _place: CompiledPlace, _stack: &mut Stack<'_>) {}
}

/// An engine: a configuration, its types, its tier. Clones are cheap and are the same engine. The
/// engine keeps each type once, for as long as it lives; all other memory belongs to modules and
/// stores, and is freed with them.
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
    stacks: StackPool,
}

impl Engine {
    /// An engine that runs everything in one backend.
    pub(crate) fn with_backend(config: Config, backend: Box<dyn Backend>) -> Engine {
        Engine {
            inner: Arc::new(EngineData {
                config,
                registry: Arc::default(),
                backend,
                stacks: StackPool::default(),
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

    /// Stacks for a store.
    pub(crate) fn take_stacks(&self) -> Stacks {
        self.inner.stacks.take(&self.inner.config.limits)
    }

    /// Takes back the stacks of a store that is dropped.
    pub(crate) fn give_back_stacks(&self, stacks: Stacks) {
        self.inner.stacks.give_back(stacks);
    }

    /// The tier that runs functions.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.inner.backend
    }

    /// True if both are the same engine.
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
