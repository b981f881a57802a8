//! The configuration of engines, piece by piece.

use wasmparser::WasmFeatures;

use crate::engine::{Bounds, Compilation, Config, Policy, Profile, Thresholds, Tier};
use crate::limits::Limits;

/// What only tests have a use for: settings that make code slower, and errors in it likelier to
/// show.
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
    /// The usual configuration: every function begins in the register interpreter and goes on as
    /// machine code when it is hot, where this machine executes such code; WebAssembly 3.0; the
    /// default limits; neither fuel nor interruption.
    pub fn new() -> Config {
        Config::default()
    }

    /// Every function in this tier.
    pub fn tier(&mut self, tier: Tier) -> &mut Config {
        self.policy(Policy::Only(tier))
    }

    /// Functions begin in the register interpreter and go on as machine code when they are hot.
    pub fn tiers(&mut self, thresholds: Thresholds) -> &mut Config {
        self.policy(Policy::Tiered(thresholds))
    }

    settings! {
        self: self;
        /// Sets which tier runs a function.
        policy: Policy;
        /// Sets when functions are compiled.
        compilation: Compilation;
        /// Sets how compiled code checks accesses to memories.
        bounds: Bounds;
        /// Sets what modules may use.
        features: WasmFeatures;
        /// Sets what a store may use.
        limits: Limits;
        /// Sets what code does where the spec leaves results open.
        profile: Profile;
        /// Lets code count the instructions that it executes, and trap when fuel runs out.
        fuel: bool;
        /// Lets code be interrupted from outside, by request or deadline.
        interruptible: bool;
    }

    /// Lets modules use one of the features that a flag names, or not.
    pub fn feature(&mut self, feature: WasmFeatures, enable: bool) -> &mut Config {
        self.features.set(feature, enable);
        self
    }

    /// The settings that are for tests.
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

    /// What a store may use.
    pub fn get_limits(&self) -> &Limits {
        &self.limits
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
        /// Lets all that compiled code calls outside of it come back with garbage in every register
        /// that it may change: a test of compiled code.
        poison_registers: bool;
        /// Lets register allocation be checked after each function, by symbolic execution: a test
        /// of compiled code that needs no execution.
        check_allocation: bool;
        /// Sets if compiled code may use atomic read-modify-write instructions (FEAT_LSE of ARM64).
        has_atomics: bool;
    }
}
