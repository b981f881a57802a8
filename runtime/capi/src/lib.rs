//! The standard C API of WebAssembly over `wassay-runtime`: each function that `include/wasm.h`
//! declares, and the few of `include/wassay.h`.
//!
//! The objects of the API are boxes of a few Rust types, which C sees as opaque pointers: one
//! [`object::Object`] for every reference, so that `wasm_func_as_ref` and its like are the
//! identity, and one [`types::Externtype`] for every external type. An argument that C owns is an
//! `Option<&T>`, one that it gives away an `Option<Box<T>>`; null is allowed everywhere, and a
//! function that lacks an argument gives null, zero or false.
//!
//! The crate's contract with C, on which its `unsafe` blocks rely:
//! - pointers are null or those that this library has given, of the type that the header declares,
//!   and are not used after they have been given away;
//! - the data of a vector has as many elements as its size says;
//! - a store, and all that is in it, is used by one thread at a time;
//! - callbacks return: they neither unwind nor jump.
//!
//! A panic never crosses into C: it ends the process with its message, as Rust does for functions
//! of the C calling convention.

#![allow(
    missing_docs,
    reason = "the headers document what C calls; the rest is private"
)]
#![allow(
    unreachable_pub,
    reason = "rooms are private: what they offer to other rooms is `pub`"
)]

mod engine;
mod externs;
mod failure;
mod func;
mod instance;
mod module;
mod object;
mod reference;
mod trap;
mod types;
mod value;
mod vector;
