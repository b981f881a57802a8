//! A WebAssembly engine with three execution tiers of its own.
