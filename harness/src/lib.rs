//! The harness: a suite of `.wast` files is parsed into scripts, every directive of every script
//! runs under every tier in worker processes, each outcome is judged against the specification, and
//! the tiers are compared with each other.
//!
//! `unsafe` is denied in this crate, except in `cell.rs` (a memory-mapped file shared with a
//! worker).
#![deny(unsafe_code)]

pub mod cell;
pub mod cli;
pub mod compare;
pub mod compare_reports;
pub mod error;
pub mod expectations;
pub mod inspect;
pub mod judge;
pub mod outcome;
pub mod parse;
pub mod pool;
pub mod protocol;
pub mod report;
pub mod run;
pub mod script;
pub mod select;
pub mod shapes;
pub mod spec;
mod split;
pub mod suite;
pub mod terminal;
mod text_rules;
pub mod tier;
mod unfold;
pub mod verdict;
pub mod worker;
