//! The engines, one module for each library.

#[cfg(feature = "c-api")]
pub mod c_api;
#[cfg(feature = "tinywasm")]
pub mod tinywasm;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;
