//! Tier 3: the ARM64 JIT. Canonical IR becomes machine code here; nothing of another tier is used.
//!
//! Instruction-set-independent parts live beside `arm64/`; that folder owns everything that knows
//! A64.

pub mod arm64;
