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
#![allow(
    unreachable_pub,
    reason = "rooms are private: what they offer to other rooms is `pub`"
)]

mod api;
mod atomic;
mod backtrace;
mod count;
mod crash;
mod decode;
mod engine;
mod error;
mod evaluate;
mod gc;
mod global;
mod helpers;
#[doc(hidden)]
pub mod interior;
mod interrupt;
mod ir;
mod jit;
mod limits;
mod memory;
mod meter;
mod module;
mod numeric;
mod ops;
mod perf_map;
mod register;
mod sample;
mod signals;
mod simd;
mod stack;
mod store;
mod table;
mod tier;
mod trap;
mod types;
mod value;
mod vm;

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
pub use value::{Ref, Val};
pub use wasmparser::WasmFeatures;
