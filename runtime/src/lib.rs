//! A WebAssembly engine with three execution tiers of its own: a stack interpreter, a register-IR
//! interpreter and an ARM64 JIT, over one store and one set of semantics.
//!
//! ```
//! use wassay_runtime::{Config, Engine, Instance, Module, Store, Tier};
//!
//! let engine = Engine::new(Config::new().tier(Tier::Stack))?;
//! let module = Module::new(&engine, b"\0asm\x01\0\0\0")?;
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &module, &[])?;
//! assert!(instance.get_func(&store, "run").is_none());
//! # Ok::<(), wassay_runtime::Error>(())
//! ```

#![deny(
    missing_docs,
    rustdoc::broken_intra_doc_links,
    rustdoc::private_intra_doc_links
)]

pub mod api;
pub mod atomic;
pub mod backtrace;
pub mod decode;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod gc;
pub mod global;
pub mod helpers;
#[doc(hidden)]
pub mod interior;
pub mod interrupt;
pub mod ir;
pub mod jit;
pub mod limits;
pub mod memory;
pub mod meter;
pub mod module;
pub mod numeric;
pub mod ops;
pub mod register;
pub mod simd;
pub mod stack;
pub mod store;
pub mod table;
pub mod tier;
pub mod trap;
pub mod types;
pub mod value;
pub mod vm;

pub use api::*;
pub use backtrace::{Backtrace, Frame};
pub use engine::{
    Bounds, Compilation, Config, Engine, Policy, Profile, Proof, Thresholds, Tier, TieredProof,
};
pub use error::{Error, ErrorKind, Result};
pub use gc::GcStatistics;
pub use interrupt::InterruptHandle;
pub use limits::{LimitKind, Limits};
pub use memory::SharedMemory;
pub use module::{GlobalType, MemoryType, Mutability, TableType};
pub use trap::TrapKind;
pub use types::{AbstractHeapType, FuncType, HeapType, RefType, ValType};
pub use value::{GcRef, Internal, Ref, Val};
pub use wasmparser::WasmFeatures;
