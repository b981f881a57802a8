//! The runtime's public face: what its users know from other engines, over the interior.
//!
//! Handles ([`Func`], [`Memory`] and so on) are the interior's own; here are their methods. The
//! interior does not know the type of the host's data: [`Store`] ties it to a store, and all that
//! stands for a store carries it on.
//!
//! Invariants: no public function here that is safe can break memory, whatever it is given. Every
//! method of a handle checks the handle's store first: what returns a `Result` fails as `Usage`,
//! what does not panics. Every type that names types of an engine is checked where it comes in.

mod caller;
mod config;
mod context;
mod externs;
mod func;
mod linker;
mod module;
mod objects;
mod shared;
mod typed;
mod values;

pub use caller::Caller;
pub use config::Testing;
pub use context::{
    AsContext, AsContextMut, RootMark, RootScope, Store, StoreContext, StoreContextMut,
};
pub use linker::Linker;
pub use module::{ExportType, ExternType, ImportType, Module};
pub use objects::{ArrayRefPre, ArrayType, StructRefPre, StructType};
pub use shared::WaitResult;
pub use typed::{IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy};

pub use crate::store::{Extern, Global, Instance, Memory, Table, Tag};
pub use crate::types::{FieldType, StorageType};
pub use crate::value::{AnyRef, ArrayRef, Exception, ExternRef, Func, I31, StructRef};
