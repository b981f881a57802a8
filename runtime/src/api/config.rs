//! The settings of an engine: the methods of its configuration, thresholds and limits.

use wasmparser::WasmFeatures;

use crate::engine::{Bounds, Compilation, Config, Policy, Profile, Thresholds, Tier};
use crate::limits::Limits;

/// The settings for tests: they make code slower, and errors in it likelier to show.
///
/// ```
/// use wassay_runtime::{Config, Engine};
///
/// let mut config = Config::new();
/// config.testing().gc_stress(true);
/// let engine = Engine::new(&config)?;
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct Testing<'a> {
    config: &'a mut Config,
}

macro_rules! settings {
    ($self:ident: $to:expr; $($(#[$doc:meta])* $name:ident: $ty:ty;)*) => { $(
        $(#[$doc])*
        pub fn $name(&mut $self, $name: $ty) -> &mut Self {
            $to.$name = $name;
            $self
        }
    )* };
}

impl Config {
    /// All features that the tiers execute: those of WebAssembly 3.0, which is the default, and of
    /// proposals beyond it.
    pub const EXECUTED_FEATURES: WasmFeatures = WasmFeatures::WASM3
        .union(WasmFeatures::LEGACY_EXCEPTIONS)
        .union(WasmFeatures::CUSTOM_PAGE_SIZES)
        .union(WasmFeatures::WIDE_ARITHMETIC)
        .union(WasmFeatures::CUSTOM_DESCRIPTORS)
        .union(WasmFeatures::COMPACT_IMPORTS);

    /// The usual configuration: every function begins in the register interpreter and goes on as
    /// machine code when it is hot, where this machine executes such code; WebAssembly 3.0; the
    /// default limits; no fuel and no interruption.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets that every function runs in this tier.
    pub fn tier(&mut self, tier: Tier) -> &mut Config {
        self.policy(Policy::Only(tier))
    }

    /// Sets that functions begin in the register interpreter and go on as machine code when they
    /// are hot.
    pub fn tiers(&mut self, thresholds: Thresholds) -> &mut Config {
        self.policy(Policy::Tiered(thresholds))
    }

    settings! {
        self: self;
        /// Sets the tier that runs a function.
        policy: Policy;
        /// Sets the time at which functions are compiled.
        compilation: Compilation;
        /// Sets the way in which compiled code checks accesses to memories.
        bounds: Bounds;
        /// Sets the features that modules may use.
        features: WasmFeatures;
        /// Sets the limits of a store.
        limits: Limits;
        /// Sets the results of code where the spec leaves them open.
        profile: Profile;
        /// Lets code count the instructions that it executes, and trap when fuel runs out.
        fuel: bool;
        /// Lets code be interrupted from outside, by request or deadline.
        interruptible: bool;
    }

    /// Allows or forbids a feature.
    pub fn feature(&mut self, feature: WasmFeatures, enable: bool) -> &mut Config {
        self.features.set(feature, enable);
        self
    }

    /// The settings for tests.
    pub fn testing(&mut self) -> Testing<'_> {
        Testing { config: self }
    }

    /// The policy.
    pub fn get_policy(&self) -> Policy {
        self.policy
    }

    /// True if code counts the instructions that it executes.
    pub fn has_fuel(&self) -> bool {
        self.fuel
    }

    /// The limits of a store.
    pub fn get_limits(&self) -> &Limits {
        &self.limits
    }
}

/// By-value setters and getters of plain settings.
macro_rules! values {
    ($settings:ident: $($(#[$doc:meta])* $name:ident $get:ident: $value:ty;)*) => {
        impl $settings {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $name: $value) -> $settings {
                    self.$name = $name;
                    self
                }

                #[doc = concat!("The value of `", stringify!($name), "`.")]
                pub fn $get(&self) -> $value {
                    self.$name
                }
            )*
        }
    };
}

values! {
    Thresholds:
    /// Sets the call of a function from which on it runs as machine code: 1 is its first.
    calls get_calls: u32;
    /// Sets the arrival at a loop's head, by a back edge or not, at which a function that is being
    /// interpreted goes on as machine code: 1 is the first.
    back_edges get_back_edges: u32;
    /// Sets the longest body that is compiled: functions with a longer one stay in the interpreter.
    body_bytes_max get_body_bytes_max: usize;
    /// Sets if functions are compiled on a thread of the engine's own, and interpreted meanwhile.
    background is_background: bool;
}

impl Thresholds {
    /// The default thresholds.
    pub fn new() -> Thresholds {
        Thresholds::default()
    }

    /// The default thresholds, with the same number for calls and back edges.
    pub fn both(n: u32) -> Thresholds {
        Thresholds::new().calls(n).back_edges(n)
    }
}

values! {
    Limits:
    /// Sets the bytes of the value stack on which interpreted frames live.
    value_stack_bytes get_value_stack_bytes: usize;
    /// Sets the most nested calls between interpreted functions.
    call_depth_max get_call_depth_max: usize;
    /// Sets the bytes of native stack that compiled code and nested host calls may use.
    native_stack_bytes get_native_stack_bytes: usize;
    /// Sets the most bytes that one memory may grow to.
    memory_bytes_max get_memory_bytes_max: u64;
    /// Sets the most bytes that all memories of a store may have together.
    store_memory_bytes_max get_store_memory_bytes_max: u64;
    /// Sets the most elements that one table may grow to.
    table_elements_max get_table_elements_max: u64;
    /// Sets the most bytes that the garbage-collected heap may grow to. Its references reach
    /// almost 4 GiB; a larger number means the same.
    gc_heap_bytes_max get_gc_heap_bytes_max: u64;
    /// Sets the most elements that all tables of a store may have together.
    store_table_elements_max get_store_table_elements_max: u64;
    /// Sets the most instances of a store.
    instances_max get_instances_max: usize;
    /// Sets the most memories of a store.
    memories_max get_memories_max: usize;
    /// Sets the most tables of a store.
    tables_max get_tables_max: usize;
    /// Sets the most bytes of a module's binary.
    module_bytes_max get_module_bytes_max: usize;
    /// Sets the most bytes of a function's body.
    function_bytes_max get_function_bytes_max: usize;
    /// Sets the most bytes of memory that machine code of all an engine's modules may take
    /// together. A module takes whole pages.
    code_bytes_max get_code_bytes_max: u64;
}

impl Limits {
    /// The default limits.
    pub fn new() -> Limits {
        Limits::default()
    }
}

impl Default for Config {
    fn default() -> Config {
        if crate::jit::CAN_RUN {
            Config::tiered(Thresholds::default())
        } else {
            Config::only(Tier::Register)
        }
    }
}

impl Testing<'_> {
    settings! {
        self: self.config;
        /// Lets every allocation on the garbage-collected heap collect first: a test of roots.
        gc_stress: bool;
        /// Lets every call out of compiled code return with garbage in the registers that it may
        /// change: a test of compiled code.
        poison_registers: bool;
        /// Lets register allocation be checked after each function by symbolic execution: a test
        /// of compiled code that needs no execution.
        check_allocation: bool;
        /// Lets the registers of every function be allocated in linear time, as are those of the
        /// largest functions otherwise: a test of that allocator.
        linear_allocation: bool;
        /// Sets if compiled code may use atomic read-modify-write instructions (FEAT_LSE of ARM64).
        has_atomics: bool;
    }
}
