//! A WebAssembly engine with three execution tiers of its own.

pub mod error;
pub mod limits;
pub mod ops;
pub mod trap;
pub mod types;
pub mod value;
