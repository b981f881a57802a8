//! The handlers of cells, by the kind of instruction, and their table (`dispatch.rs`).

mod atomic;
pub(super) mod call;
mod control;
pub(super) mod dispatch;
mod gc;
mod memory;
mod numeric;
pub(super) mod promote;
mod simd;
mod unwind;
