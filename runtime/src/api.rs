//! The runtime's public face, over the interior. Its names and shapes are those of other engines,
//! wasmtime's above all.
//!
//! The handles ([`Func`], [`Memory`] and so on) are the interior's own; their methods are here. The
//! interior does not know the type of the host's data. [`Store`] ties that type to a store, and
//! every borrow of a store carries it on.
//!
//! Invariants: a safe public function cannot break memory, whatever its arguments are. Every method
//! of a handle checks the handle's store first: a method that returns a `Result` fails as `Usage`,
//! any other panics. A type that names types of an engine is checked where it comes in.

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
pub use module::{CustomSection, ExportType, ExternType, ImportType, Module};
pub use objects::{ArrayRefPre, ArrayType, StructRefPre, StructType};
pub use shared::WaitResult;
pub use typed::{IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy};

pub use crate::store::{Extern, Global, Instance, Memory, Table, Tag};
pub use crate::types::{FieldType, StorageType};
pub use crate::value::{AnyRef, ArrayRef, Exception, ExternRef, Func, HostValue, I31, StructRef};
