//! Machine code as data: the names that code refers to, the regions of published code, and what is
//! found by them.

pub mod regions;
pub mod symbol;
pub mod unwind;
pub mod walk;
