//! Which tier runs a function: the choice of the backend for a policy.

use crate::engine::{Config, Engine, Policy, Tier};
use crate::error::Result;
use crate::jit::JitTier;
use crate::register::RegisterTier;
use crate::stack::StackTier;

impl Engine {
    /// An engine for a configuration.
    ///
    /// # Errors
    /// `Unsupported` if the policy's tier cannot run on this machine.
    pub fn new(config: Config) -> Result<Engine> {
        Ok(match config.policy {
            Policy::Only(Tier::Stack) => Engine::with_backend(config, Box::new(StackTier)),
            Policy::Only(Tier::Register) => Engine::with_backend(config, Box::new(RegisterTier)),
            Policy::Only(Tier::Jit) => Engine::with_backend(config, Box::new(JitTier::new()?)),
        })
    }
}
