//! The engines, one module for each library.

#[cfg(any(feature = "wamr", feature = "wasm3", all(test, feature = "shapes")))]
pub mod alone;
#[cfg(feature = "c-api")]
pub mod c_api;
#[cfg(feature = "tinywasm")]
pub mod tinywasm;
#[cfg(feature = "toywasm")]
pub mod toywasm;
#[cfg(feature = "wamr")]
pub mod wamr;
#[cfg(feature = "wasm3")]
pub mod wasm3;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;
