//! What people and programs read of a report: a file for each format.

pub mod changes;
pub mod destination;
pub mod progress;
pub mod table;
