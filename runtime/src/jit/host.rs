//! The target of this process: the one file that names an instruction set.
//!
//! A second instruction set adds a folder beside `arm64/` and a line here, chosen by
//! `cfg(target_arch)`.

use super::arm64::Arm64;
#[cfg(test)]
pub use super::arm64::tests::decode::disassemble_all;
use super::backend;
use super::pipeline::{self, Stages};
use super::target::Target;
use crate::engine::Config;
use crate::error::Result;
use crate::module::ModuleParts;

/// The target whose code is compiled, on every host, and executed where the host can.
pub type HostTarget = Arm64;

/// The JIT tier of this process.
pub type JitTier = backend::JitTier<HostTarget>;

/// True if this host executes the code that the tier makes.
pub const CAN_RUN: bool = HostTarget::CAN_RUN;

/// The stages of one function, by body.
///
/// # Errors
/// `Unsupported` with the opcode that this tier has no code for; `Limit` for code that is too
/// large.
pub fn stages(module: &ModuleParts, body: usize, config: &Config) -> Result<Stages> {
    pipeline::stages::<HostTarget>(module, body, config)
}
