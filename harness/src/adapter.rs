//! Engines of other makers, by the open protocol (`docs/engine-protocol.md`): JSON lines over the
//! stdin and stdout of an adapter, a process that knows one engine.
//!
//! An adapter gets modules, calls and names, and never learns what must come of them. What the
//! engine does not do it says (`unsupported`), and that is counted as such, never as a pass.

pub mod check;
pub mod crossing;
pub mod driver;
pub mod guard;
pub mod message;
pub mod process;
pub mod prove;
pub mod spectest;
pub mod table;
pub mod visible;
